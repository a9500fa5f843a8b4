//! The interlock of this build against an independent, plain oracle, step by step.
//!
//! [`survey`] plays scenes to both and says in a [`Tally`] how many decisions were compared, how often each rule decided, and
//! which boundary of which setting was met. A scene is a function of the seed and its number, so neither the number of threads
//! nor their timing changes a digit. A rule that is missing in the interlock shows as a disagreement.
//!
//! ```
//! use sheepdog_core::Sequential;
//! use sheepdog_testkit::kernel;
//!
//! let tally = kernel::survey(1, 100, &Sequential);
//! assert_eq!(tally.disagreement(), None);
//! ```
#![expect(clippy::indexing_slicing, reason = "a report that is wrong about its own tables should end")]

mod edges;
mod plain;
mod scene;

use std::{cell::Cell, fmt::Write as _, sync::Arc};

use sheepdog_core::{Workers, map_jobs};
use sheepdog_interlock::{
    Base, BootNonce, Bounded, ConfigDigest, Decision, Guarded, Input, Interlock, Memory, RULES, Record,
    Restart, Revocation, Sink, SinkFull, State, StopCategory, StopGeneration, ValidConfig, Verdict,
};

use self::{
    edges::{Edge, Edges},
    plain::{Answer, Plain, R, Says, Stands},
    scene::{Act, Dice, Fault, SETTINGS, Scene},
};

/// Scenes in one job.
const CHUNK: u64 = 2_048;
/// A rule has its share when it decides once in this many decisions.
const SHARE: u64 = 10_000;
/// Of all decisions, one in this many at least must permit motion.
const MOVING: u64 = 5;

/// Rules that need no share, and why.
const EXEMPT_RULES: &[(R, &str)] =
    &[(R::INT_001, "it fires when the kernel contradicts itself, which no input can bring about")];
/// Boundaries that cannot be met, and why.
const EXEMPT_EDGES: &[(Edge, usize, &str)] =
    &[(Edge::chatter_trips, 2, "the count ends at its limit: the robot latches, and the reset clears it")];

/// What some scenes came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    seed: u64,
    scenes: u64,
    steps: u64,
    moved: u64,
    primary: Vec<u64>,
    edges: Edges,
    /// The first scene in which kernel and oracle disagreed.
    disagreed: Option<u64>,
}

/// A change to what the kernel said, to show that the comparison notices it.
type Tamper = fn(&mut Decision);

/// The inputs of some scenes, in their order, with the settings they are for.
pub fn inputs<const S: usize, const N: usize>(
    seed: u64,
    scenes: u64,
) -> Vec<(ValidConfig, Vec<Input<S, N>>)> {
    let settings: Vec<ValidConfig> = (0..SETTINGS).map(|n| scene::settings(seed, n)).collect();
    let inputs_of = |case| {
        let (setup, mut scene) = Setup::<S, N>::open(seed, case, &settings);
        let mut pair = setup.pair(|_| {});
        let mut inputs = Vec::new();
        let mut act = Act::default();
        while scene.next(&mut act) {
            let (_, ours) = pair.step(&act, &mut Edges::default());
            scene.heard(ours, || pair.plain.hints());
            inputs.push(act.input);
        }
        (*setup.config, inputs)
    };
    (0..scenes).map(inputs_of).collect()
}

/// Plays the first `scenes` scenes of a seed, some jobs at a time, up to the first disagreement.
pub fn survey(seed: u64, scenes: u64, workers: &dyn Workers) -> Tally {
    let all: Arc<[ValidConfig]> = (0..SETTINGS).map(|number| scene::settings(seed, number)).collect();
    let mut total = Tally { seed, ..Tally::default() };
    let chunks: Vec<u64> = (0..scenes.div_ceil(CHUNK)).collect();
    for some in chunks.chunks(workers.width().max(1) * 16) {
        let settings = Arc::clone(&all);
        let tallies = map_jobs(workers, some.to_vec(), move |chunk| {
            let mut tally = Tally::default();
            for case in chunk * CHUNK..scenes.min((chunk + 1) * CHUNK) {
                tally.play(seed, case, &settings, |_| {});
            }
            tally
        });
        for tally in &tallies {
            total.add(tally);
        }
        if total.disagreed.is_some() {
            break;
        }
    }
    total
}

impl Tally {
    /// How many decisions were compared.
    pub const fn decisions(&self) -> u64 {
        self.steps
    }

    /// The steps of the first scene in which interlock and oracle disagreed that are needed for it, and both answers.
    pub fn disagreement(&self) -> Option<String> {
        let settings: Vec<ValidConfig> =
            (0..SETTINGS).map(|number| scene::settings(self.seed, number)).collect();
        self.disagreed.map(|case| explain(self.seed, case, &settings, |_| {}))
    }

    fn add(&mut self, other: &Self) {
        self.scenes += other.scenes;
        self.steps += other.steps;
        self.moved += other.moved;
        self.primary.resize(R::ALL.len(), 0);
        self.primary.iter_mut().zip(&other.primary).for_each(|(all, some)| *all += some);
        self.edges.add(&other.edges);
        self.disagreed = self.disagreed.or(other.disagreed);
    }

    fn play(&mut self, seed: u64, case: u64, settings: &[ValidConfig], tamper: Tamper) {
        self.primary.resize(R::ALL.len(), 0);
        let found = match case % 8 {
            0 => self.play_sized::<1, 8>(seed, case, settings, tamper),
            1 => self.play_sized::<2, 4>(seed, case, settings, tamper),
            _ => self.play_sized::<4, 8>(seed, case, settings, tamper),
        };
        self.scenes += 1;
        if !found && self.disagreed.is_none() {
            self.disagreed = Some(case);
        }
    }

    /// Whether kernel and oracle agree in the whole scene.
    fn play_sized<const S: usize, const N: usize>(
        &mut self,
        seed: u64,
        case: u64,
        settings: &[ValidConfig],
        tamper: Tamper,
    ) -> bool {
        let (setup, mut scene) = Setup::<S, N>::open(seed, case, settings);
        let mut pair = setup.pair(tamper);
        let mut act = Act::default();
        while scene.next(&mut act) {
            let (theirs, ours) = pair.step(&act, &mut self.edges);
            self.steps += 1;
            self.moved += u64::from(theirs.says == Says::Move);
            self.primary[theirs.primary as usize] += 1;
            if theirs != ours {
                return false;
            }
            scene.heard(ours, || pair.plain.hints());
        }
        true
    }

    /// A table of rules and boundaries, and whether each had its share.
    pub fn report(&self) -> (String, bool) {
        let mut text = String::new();
        let mut missing = Vec::new();
        let share = |count: u64| 100.0 * ratio(count, self.steps);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} scenes, {} decisions compared, no disagreement; {:.1} % permit motion",
            self.scenes,
            self.steps,
            share(self.moved)
        );
        if self.moved * MOVING < self.steps {
            missing.push("motion is permitted too seldom".to_owned());
        }
        let _ = writeln!(text, "\nrule      decided (needed {})", self.steps / SHARE);
        for rule in R::ALL {
            let count = self.primary[*rule as usize];
            let exempt = EXEMPT_RULES.iter().find(|(exempt, _)| exempt == rule);
            let _ = writeln!(
                text,
                "{}   {count:>12}{}",
                rule.id(),
                exempt.map_or(String::new(), |(_, why)| format!("  exempt: {why}"))
            );
            if exempt.is_none() && count * SHARE < self.steps {
                missing.push(format!("{} decided {count} times", rule.id()));
            }
        }
        let _ = writeln!(text, "\nsetting                       below        at     above");
        for edge in Edge::ALL {
            let met = self.edges.met(*edge);
            let exempt = EXEMPT_EDGES.iter().find(|(exempt, ..)| exempt == edge);
            let why = exempt.map_or(String::new(), |(_, _, why)| format!("  exempt above: {why}"));
            let _ = writeln!(text, "{:<22} {:>12} {:>9} {:>9}{why}", edge.name(), met[0], met[1], met[2]);
            for (side, count) in met.iter().enumerate() {
                if *count == 0 && exempt.is_none_or(|(_, exempt, _)| *exempt != side) {
                    missing.push(format!("{} was not met {}", edge.name(), ["below", "at", "above"][side]));
                }
            }
        }
        for what in &missing {
            let _ = writeln!(text, "missing: {what}");
        }
        (text, missing.is_empty())
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let (part, whole) = (part as f64, whole.max(1) as f64);
    part / whole
}

/// How a scene begins.
struct Setup<'c, const S: usize, const N: usize> {
    config: &'c ValidConfig,
    approved: bool,
    restart: Restart,
    guarded: bool,
}

impl<'c, const S: usize, const N: usize> Setup<'c, S, N> {
    fn open(seed: u64, case: u64, settings: &'c [ValidConfig]) -> (Self, Scene<S, N>) {
        let mut dice = Dice::new(seed, case);
        let lead = dice.choose(Fault::ALL);
        let number = usize::try_from(dice.below(settings.len() as u64)).unwrap_or(0);
        let config = &settings[number];
        let (highest, cleared) = (dice.stop_number(), dice.stop_number());
        let memory = |latched| Memory {
            latched,
            highest_stop: highest.map(StopGeneration),
            cleared: cleared.min(highest).map(StopGeneration),
        };
        let (restart, seen) = match dice.below(64) {
            0 => (Restart::Remembered(memory(true)), highest),
            1 => (Restart::Unreadable, None),
            2..=5 => (Restart::Remembered(memory(false)), highest),
            _ => (Restart::First, None),
        };
        let approved = !dice.once_in(64);
        let guarded = matches!(lead, Fault::Revoked | Fault::RevokedFull);
        let scene = Scene::new(dice, lead, *config.get(), seen.unwrap_or(0));
        (Self { config, approved, restart, guarded }, scene)
    }

    fn pair(&self, tamper: Tamper) -> Pair<'c, S, N> {
        let approved = if self.approved { self.config.digest() } else { ConfigDigest([0; 32]) };
        let interlock = Interlock::new(*self.config, approved, self.restart);
        let kernel = if self.guarded {
            Kernel::Guarded(Guarded::new(interlock, Nowhere, BootNonce(1)))
        } else {
            Kernel::Bare(interlock)
        };
        Pair { kernel, plain: Plain::new(self.config.get(), self.approved, self.restart), tamper }
    }
}

/// The kernel and the oracle, asked the same.
struct Pair<'c, const S: usize, const N: usize> {
    kernel: Kernel<S, N>,
    plain: Plain<'c, S, N>,
    tamper: Tamper,
}

/// The kernel alone, or as it is owned on a robot where permits can be revoked.
enum Kernel<const S: usize, const N: usize> {
    Bare(Interlock<S, N>),
    Guarded(Guarded<Nowhere, S, N>),
}

impl<const S: usize, const N: usize> Pair<'_, S, N> {
    /// What the kernel says, and what the oracle expects.
    fn step(&mut self, act: &Act<S, N>, edges: &mut Edges) -> (Answer, Answer) {
        let (mut decision, state) = match &mut self.kernel {
            Kernel::Bare(interlock) => {
                let decision = interlock.step(&act.input);
                let decision = if act.refused { interlock.refuse_record() } else { decision };
                (decision, interlock.state())
            }
            Kernel::Guarded(guarded) => {
                let counts = Counts(Cell::new(act.revoked));
                (guarded.step_unless(&counts, &act.input, &mut Log { refuses: act.refused }), guarded.state())
            }
        };
        (self.tamper)(&mut decision);
        let mut ours = self.plain.step(&act.input, edges);
        if matches!(self.kernel, Kernel::Guarded(_)) {
            ours = self.plain.revoked(ours, act.revoked);
        }
        if act.refused {
            ours = self.plain.refused();
        }
        (answer(&decision, state), ours)
    }
}

/// A decision in the words of the oracle. Evidence that does not hold is no answer at all.
fn answer(decision: &Decision, state: State) -> Answer {
    let says = match decision.verdict {
        Verdict::Move => Says::Move,
        Verdict::Idle => Says::Idle,
        Verdict::Stop { category, .. } => Says::Stop(category),
    };
    let stands = match state {
        State::Boot => Stands::Boot,
        State::Stopped { .. } => Stands::Stopped,
        State::Slow => Stands::Slow,
        State::Ready => Stands::Ready,
        State::Stopping { .. } => Stands::Stopping,
        State::Latched { .. } => Stands::Latched,
        State::Acknowledged { .. } => Stands::Acknowledged,
    };
    let place =
        RULES.iter().position(|rule| rule.id == decision.primary).filter(|_| decision.evidence.holds());
    Answer {
        says,
        primary: place.and_then(|place| R::ALL.get(place)).copied().unwrap_or(R::INT_001),
        fired: decision.rules.bits(),
        twist: decision.twist,
        speed_limit: decision.speed_limit.0,
        stands,
    }
}

/// A base that goes nowhere.
struct Nowhere;

impl Base for Nowhere {
    fn drive(&mut self, _: Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

/// Revocations that somebody else counts: so many at the first look, so many at every later one.
struct Counts(Cell<(u32, u32)>);

impl Revocation for Counts {
    fn generation(&self) -> u32 {
        let (first, later) = self.0.get();
        self.0.set((later, later));
        first
    }
}

struct Log {
    refuses: bool,
}

impl<const S: usize, const N: usize> Sink<S, N> for Log {
    fn accept(&mut self, _: &Record, _: &Input<S, N>) -> Result<(), SinkFull> {
        if self.refuses { Err(SinkFull) } else { Ok(()) }
    }
}

/// The steps of a scene that are needed for a disagreement, and both answers.
fn explain(seed: u64, case: u64, settings: &[ValidConfig], tamper: Tamper) -> String {
    match case % 8 {
        0 => explain_sized::<1, 8>(seed, case, settings, tamper),
        1 => explain_sized::<2, 4>(seed, case, settings, tamper),
        _ => explain_sized::<4, 8>(seed, case, settings, tamper),
    }
}

fn explain_sized<const S: usize, const N: usize>(
    seed: u64,
    case: u64,
    settings: &[ValidConfig],
    tamper: Tamper,
) -> String {
    let (setup, mut scene) = Setup::<S, N>::open(seed, case, settings);
    let mut edges = Edges::default();
    let mut pair = setup.pair(tamper);
    let mut acts = Vec::new();
    let mut act = Act::default();
    while scene.next(&mut act) {
        let (theirs, ours) = pair.step(&act, &mut edges);
        acts.push(act.clone());
        if theirs != ours {
            break;
        }
        scene.heard(ours, || pair.plain.hints());
    }
    // Leave out one step after the other, as long as they still disagree without it.
    let disagree = |acts: &[Act<S, N>]| {
        let mut pair = setup.pair(tamper);
        let mut steps = acts.iter().map(|act| pair.step(act, &mut Edges::default())).enumerate();
        steps.find(|(_, (theirs, ours))| theirs != ours)
    };
    let mut index = 0;
    while index < acts.len() {
        let mut fewer = acts.clone();
        fewer.remove(index);
        if let Some((last, _)) = disagree(&fewer) {
            fewer.truncate(last + 1);
            acts = fewer;
        } else {
            index += 1;
        }
    }
    let mut text = format!(
        "seed {seed}, case {case}: kernel and oracle disagree after {} steps\n{:?}\nrestart {:?}, settings approved: {}\n",
        acts.len(),
        setup.config.get(),
        setup.restart,
        setup.approved
    );
    for (number, act) in acts.iter().enumerate() {
        let _ = writeln!(text, "\nstep {number}: record refused: {}, {:?}", act.refused, act.input);
    }
    if let Some((_, (theirs, ours))) = disagree(&acts) {
        let _ = writeln!(text, "\nkernel: {theirs}\noracle: {ours}");
    }
    text
}

#[cfg(test)]
mod tests {
    use sheepdog_core::Sequential;
    use sheepdog_runtime::Pool;

    use super::*;

    fn settings() -> Vec<ValidConfig> {
        (0..SETTINGS).map(|number| scene::settings(1, number)).collect()
    }

    #[test]
    fn the_oracle_lists_the_rules_in_the_order_of_the_catalogue() {
        assert!(RULES.iter().map(|rule| rule.id.to_string()).eq(R::ALL.iter().map(|rule| rule.id())));
    }

    #[test]
    fn kernel_and_oracle_agree() {
        let settings = settings();
        let mut tally = Tally::default();
        for case in 0..4_000 {
            tally.play(1, case, &settings, |_| {});
            assert_eq!(tally.disagreed, None, "{}", explain(1, case, &settings, |_| {}));
        }
        assert!(tally.steps < tally.moved * MOVING, "{} of {} moved", tally.moved, tally.steps);
        for rule in R::ALL {
            assert!(*rule == R::INT_001 || 0 < tally.primary[*rule as usize], "{rule:?} never decided");
        }
    }

    #[test]
    fn threads_change_nothing() {
        let scenes = CHUNK * 2 + 100;
        let reports =
            [survey(2, scenes, &Sequential), survey(2, scenes, &Pool::new(2))].map(|tally| tally.report());
        assert_eq!(reports[0], reports[1]);
    }

    /// Every part of a decision counts: whichever is changed, some scene tells.
    #[test]
    fn a_changed_decision_is_noticed() {
        let tampers: [Tamper; 6] = [
            |decision| {
                if decision.verdict == Verdict::Idle {
                    decision.verdict = Verdict::Move;
                }
            },
            |decision| {
                if decision.primary == sheepdog_interlock::rules::OBS_001 {
                    decision.verdict = Verdict::Move;
                }
            },
            |decision| {
                if let Verdict::Stop { category: category @ StopCategory::Zero, .. } = &mut decision.verdict {
                    *category = StopCategory::One;
                }
            },
            |decision| decision.twist.linear_mm_per_s += i32::from(decision.verdict == Verdict::Move),
            |decision| {
                if decision.verdict == Verdict::Move {
                    decision.speed_limit.0 += 1;
                }
            },
            |decision| {
                if decision.primary == sheepdog_interlock::rules::ARM_001 {
                    decision.primary = sheepdog_interlock::rules::ARM_003;
                }
            },
        ];
        let settings = settings();
        for (number, tamper) in tampers.into_iter().enumerate() {
            let mut tally = Tally::default();
            let found = (0..4_000).find(|case| {
                tally.play(1, *case, &settings, tamper);
                tally.disagreed.is_some()
            });
            let text = found.map(|case| explain(1, case, &settings, tamper));
            assert!(text.is_some_and(|text| text.contains("kernel:")), "change {number} went unnoticed");
        }
    }
}
