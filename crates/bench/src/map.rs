//! Questions about rooms and walls, beside the crates that people would take for them.
//!
//! Half of all places are drawn evenly over the map, half within 0.1 m of a wall. Each suite first compares the answers
//! with the peer's and fails where they differ without a stated reason; then both are measured in turns.

mod data;
mod paths;
mod queries;
mod swap;

use std::hint::black_box;

use sheepdog_core::FleetTime;
use sheepdog_runtime::Clock;

use crate::{figure::Figure, median};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Figures of the suite; those that need the shared maps are left out, visibly, where these are not at hand.
pub(crate) fn run(quick: bool, seed: u64) -> Outcome<Vec<Figure>> {
    let runs = if quick { 3 } else { 21 };
    let mut random = data::Random::new(seed);
    let synthetic = data::synthetic()?;
    let mut figures = vec![
        queries::nearest("nearest_wall_synthetic_ns", data::ground(&synthetic)?, &mut random, runs)?,
        queries::ray(data::ground(&synthetic)?, &mut random, runs)?,
        queries::footprint(data::ground(&synthetic)?, &mut random, runs)?,
    ];
    if let (Some(airport), Some(clinic)) = (data::rmf("airport_terminal")?, data::rmf("clinic")?) {
        figures.push(queries::nearest(
            "nearest_wall_airport_ns",
            data::ground(&airport)?,
            &mut random,
            runs,
        )?);
        figures.push(queries::locate(&clinic, &mut random, runs)?);
        figures.extend(paths::any_angle(data::ground(&clinic)?, &mut random, quick)?);
        figures.push(paths::free_space(data::ground(&clinic)?, runs.min(9))?);
        figures.push(queries::mapped(data::ground(&clinic)?, &mut random, runs));
        figures.push(data::import("airport_terminal", runs.min(9))?);
        figures.push(swap::pause(clinic.authored(), if quick { 20 } else { 200 })?);
        figures.extend(data::lint("clinic", runs.min(9))?);
    }
    figures.push(paths::route(&mut random, runs)?);
    Ok(figures)
}

/// Seconds that some work takes.
fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Clock::starting_at(FleetTime::ZERO);
    black_box(work());
    begun.elapsed().as_secs_f64()
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
