//! Questions about rooms and walls, beside the crates that people would take for them.
//!
//! Half of all places are drawn evenly over the map, half within 0.1 m of a wall. Each suite first compares the answers
//! with the peer's and fails where they differ without a stated reason; then both are measured in turns.

mod data;
mod paths;
mod queries;
mod swap;

use std::hint::black_box;

use crate::{Measuring, figure::Figure, median, timed};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) how: Measuring,
    /// Where the places to ask about come from; each figure draws them anew.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measure only figures whose names contain this; may be given several times.
    #[arg(long)]
    only: Vec<String>,
}

/// Figures of the suite; those that need the shared maps are left out, visibly, where these are not at hand.
pub(crate) fn run(options: &Options) -> Outcome<Vec<Figure>> {
    let (quick, seed) = (options.how.quick, options.seed);
    let (runs, swaps) = if quick { (3, 20) } else { (21, 200) };
    let few = runs.min(9);
    let random = || data::Random::new(seed);
    let mut wanted = Wanted { only: &options.only, figures: Vec::new() };
    let synthetic = data::synthetic()?;
    let rooms = data::ground(&synthetic)?;
    let nearest = |name, level| queries::nearest(name, level, &mut random(), runs);
    wanted.one("nearest_wall_synthetic_ns", |name| nearest(name, rooms))?;
    wanted.one("ray_cast_ns", |name| queries::ray(name, rooms, &mut random(), runs))?;
    wanted.one("footprint_free_ns", |name| queries::footprint(name, rooms, &mut random(), runs))?;
    if let (Some(airport), Some(clinic)) = (data::rmf("airport_terminal")?, data::rmf("clinic")?) {
        let (terminal, ward) = (data::ground(&airport)?, data::ground(&clinic)?);
        wanted.one("nearest_wall_airport_ns", |name| nearest(name, terminal))?;
        wanted.one("locate_clinic_ns", |name| queries::locate(name, &clinic, &mut random(), runs))?;
        wanted.several("path_clinic", || paths::any_angle(ward, &mut random(), quick))?;
        wanted.one("free_space_clinic_ms", |name| paths::free_space(name, ward, few))?;
        wanted.one("mapped_probability_ns", |name| Ok(queries::mapped(name, ward, &mut random(), runs)))?;
        wanted.one("import_airport_ms", |name| data::import(name, "airport_terminal", few))?;
        wanted.one("hot_swap_pause_us", |name| swap::pause(name, clinic.authored(), swaps))?;
        wanted.several("lint_clinic", || data::lint("clinic", few))?;
    }
    wanted.one("route_10k_us", |name| paths::route(name, &mut random(), runs))?;
    Ok(wanted.figures)
}

/// The figures that somebody wants.
struct Wanted<'a> {
    only: &'a [String],
    figures: Vec<Figure>,
}

impl Wanted<'_> {
    fn one(
        &mut self,
        name: &'static str,
        measure: impl FnOnce(&'static str) -> Outcome<Figure>,
    ) -> Outcome<()> {
        self.several(name, || measure(name).map(|figure| [figure]))
    }

    /// Figures whose names begin with `name`.
    fn several<F: IntoIterator<Item = Figure>>(
        &mut self,
        name: &str,
        measure: impl FnOnce() -> Outcome<F>,
    ) -> Outcome<()> {
        if self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str())) {
            self.figures.extend(measure()?);
        }
        Ok(())
    }
}

/// Seconds that some work takes.
fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    timed(work).1
}

/// Ours and the peer's answers to the same questions, measured in turns: medians in nanoseconds a question.
fn in_turns<Q>(
    questions: &[Q],
    runs: usize,
    ours: impl Fn(&Q) -> f64,
    peer: impl Fn(&Q) -> f64,
) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "some thousand questions")]
    let each = |work: &dyn Fn(&Q) -> f64| {
        seconds(|| questions.iter().map(|q| work(black_box(q))).sum::<f64>()) * 1e9
            / questions.len().max(1) as f64
    };
    let pairs: Vec<(f64, f64)> = (0..runs).map(|_| (each(&ours), each(&peer))).collect();
    (median(pairs.iter().map(|pair| pair.0).collect()), median(pairs.iter().map(|pair| pair.1).collect()))
}

fn beside(name: &str, unit: &'static str, ours: f64, peer: &'static str, theirs: f64) -> Figure {
    Figure::alone("map", name, ours, unit).beside(peer, theirs)
}

/// Fails when answers differ by more than a nanometre.
fn agree(name: &str, ours: f64, theirs: f64) -> Outcome<()> {
    let same = (ours.is_infinite() && theirs.is_infinite()) || (ours - theirs).abs() <= 1e-9;
    if same { Ok(()) } else { Err(format!("{name}: our answer is {ours}, the peer's {theirs}").into()) }
}
