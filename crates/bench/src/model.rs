//! Explores the safety kernel exhaustively: every order of events up to a depth, in a world of a few ticks.
//!
//! A tick is [`U`] microseconds. All spans of the settings are one, two, [`T`] or six ticks, and steps are a tick, one
//! microsecond more, [`T`], and one microsecond more apart, or go back, so ages at and just above each span are all there.
//! Speeds and distances are such that every limit can be met from both sides. An event is one deviation from an input
//! with which all is well (or none), or a deed of the world around (a restart, a refused record, a revocation), with a gap
//! since the last step, and with motion asked for or not. The domain is printed with `--domain`. States are merged by
//! the kernel's own snapshot, which makes time relative.
//!
//! The search begins at a robot that has just booted, at one that may move, at one that moves again after a stop, and at a
//! latched one. Checked at every
//! transition, by the numbers of the safety paper: a permit only from a state that may move and only with
//! motion in it (I1, I8), which ends in time (I2, checked on the settings), none into a sector below the threshold (I3),
//! none while latched, and a latch left only by acknowledgement and start in this order (I4, I5), never more speed with a
//! deviation than without (I6), a primary rule that fired (I9), no motion before the dwell (I15), and none in the very
//! step of a fault (I16). From every state found, good inputs and the two steps of a reset lead to motion (I17). A search
//! that has not met every rule but INT-001 as the reason of a decision fails as well: of what it never saw it proves nothing.
#![expect(clippy::indexing_slicing, reason = "indices are those of the tables beside")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    hash::{Hash, Hasher},
    process::ExitCode,
};

use clap::Args;
use sheepdog_interlock::{
    BootNonce, Confidence, ConfigDigest, Decision, Evidence, Interlock, Mm, MmPerS, PERMIT_TTL_MAX, RULES,
    Record, Relation, Replica, Request, ResetStep, Restart, RobotTime, RuleId, RuleSet, State,
    StopGeneration, Twist, ValidConfig, Verdict,
    rules::{INT_001, REV_001, STP_003, STP_004},
};

use self::domain::{DEVIATIONS, Deed, GAPS, In, Kind, T, U, What, good, reset, settings};

mod domain;

/// The highest yaw rates, mrad/s, and in the slow band.
const YAW_MAX: u32 = 1_500;
const YAW_SLOW: u32 = 900;
/// Steps after which good inputs and resets must have led to motion.
const RECOVERY: usize = 24;

type Kernel = Replica<2, 2>;

/// How deep to look.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// How many events in a row.
    #[arg(long, default_value_t = 3)]
    depth: usize,
    /// Prints the events and ends.
    #[arg(long)]
    domain: bool,
}

/// One event: a deviation, a gap, and whether motion is asked for.
#[derive(Clone, Copy, Debug)]
struct Event {
    deviation: u16,
    gap: u8,
    asks: bool,
}

/// Where a search begins.
const BEGINNINGS: [&str; 4] =
    ["just booted", "ready to move", "moving again after a stop", "latched by the button"];

/// A tick in which all is well and motion is asked for.
const NOTHING: Event = Event { deviation: 0, gap: 0, asks: true };

/// The place of a deviation in the table.
fn named(name: &str) -> Option<u16> {
    let place = DEVIATIONS.iter().position(|deviation| deviation.name == name)?;
    u16::try_from(place).ok()
}

fn booted(config: &ValidConfig, approved: ConfigDigest, restart: Restart) -> Kernel {
    Replica::of(&Interlock::new(*config, approved, restart))
}

/// The record of a decision that permits were revoked; of no such decision when the count is zero.
fn record(revoked: u32) -> Record {
    let primary = if revoked == 0 { INT_001 } else { REV_001 };
    let evidence = Evidence { rule: primary, measured: revoked.into(), relation: Relation::Above, limit: 0 };
    Record {
        seq: 0,
        boot: BootNonce(1),
        at: RobotTime::ZERO,
        before: State::Boot,
        after: State::Boot,
        request: Request::NONE,
        reset: None,
        inputs: 0,
        decision: Decision {
            verdict: Verdict::Idle,
            twist: Twist::ZERO,
            speed_limit: MmPerS::ZERO,
            rules: RuleSet::EMPTY,
            primary,
            evidence,
            lowest: Confidence::NONE,
            lowest_sector: 0,
        },
        until: None,
        generation: 0,
    }
}

fn events() -> impl Iterator<Item = Event> {
    (0..GAPS.len()).flat_map(|gap| {
        [true, false].into_iter().flat_map(move |asks| {
            (0..DEVIATIONS.len()).map(move |deviation| Event {
                deviation: u16::try_from(deviation).unwrap_or(0),
                gap: u8::try_from(gap).unwrap_or(0),
                asks,
            })
        })
    })
}

/// A state of the kernel, and what has to be remembered to judge the next.
#[derive(Clone)]
struct World {
    kernel: Kernel,
    now: u64,
    seq: u64,
    /// What the odometer has shown last, and whether the robot was permitted to move on.
    travelled: u32,
    moves: bool,
    /// Whether it was started with settings that nobody has approved.
    unapproved: bool,
    /// For how long no input forbade motion, as far as it matters.
    good_for: u64,
    /// Since when the reset button is pressed.
    pressed: Option<u64>,
}

/// What a promise is judged by, beside input and decision.
#[derive(Clone, Copy, Debug)]
struct Circumstances {
    before: State,
    after: State,
    /// The speed limit without the deviation.
    best: u32,
    /// Whether the deviation forbids motion.
    forbids: bool,
    good_for: u64,
    /// Whether the reset button was let go after the right time.
    pressed: bool,
}

impl World {
    fn new(config: &ValidConfig) -> Self {
        Self {
            kernel: booted(config, config.digest(), Restart::First),
            now: 1_000_000_000,
            seq: 1,
            travelled: 100,
            moves: false,
            unapproved: false,
            good_for: 0,
            pressed: None,
        }
    }

    /// [`BEGINNINGS`]; `None` when the kernel does not come there within [`RECOVERY`] steps.
    fn beginnings(config: &ValidConfig) -> Option<[Self; BEGINNINGS.len()]> {
        let boot = Self::new(config);
        let ready = boot.clone().until(|state| state == State::Ready)?;
        let again = ready.clone().after("bumper unknown")?.until(|state| state == State::Slow)?;
        let latched = ready.clone().after("button pressed")?;
        let latched = latched.until(|state| matches!(state, State::Latched { .. }))?;
        Some([boot, ready, again, latched])
    }

    /// The world after a deviation.
    fn after(mut self, deviation: &str) -> Option<Self> {
        let (_, broken) = self.step(Event { deviation: named(deviation)?, ..NOTHING }, u32::MAX);
        broken.is_none().then_some(self)
    }

    /// The world as soon as the kernel is in a state.
    fn until(mut self, is_there: impl Fn(State) -> bool) -> Option<Self> {
        for _ in 0..RECOVERY {
            if is_there(self.kernel.state()) {
                return Some(self);
            }
            if self.step(NOTHING, u32::MAX).1.is_some() {
                return None;
            }
        }
        None
    }

    fn input(&self, event: Event) -> (In, u64) {
        let now = self.now.saturating_add_signed(GAPS[usize::from(event.gap)]);
        let mut input =
            good(RobotTime::from_micros(now), self.seq + 1, Mm(self.travelled + u32::from(self.moves)));
        if !event.asks {
            input.request.twist = Twist::ZERO;
        }
        match DEVIATIONS[usize::from(event.deviation)].what {
            What::Says(change) => change(&mut input),
            What::Done(Deed::Stuck) => {
                input.odometry.iter_mut().for_each(|motion| motion.value.travelled = Mm(self.travelled));
            }
            What::Done(
                Deed::Restarted | Deed::Forgot | Deed::Unapproved | Deed::Refused | Deed::Revoked(_),
            ) => {}
        }
        (input, now)
    }

    /// What the kernel decides, with what is done around the step.
    fn decide(&mut self, deviation: u16, input: &In) -> Decision {
        let deed = match DEVIATIONS[usize::from(deviation)].what {
            What::Says(_) => return self.kernel.repeat(&record(0), input),
            What::Done(deed) => deed,
        };
        let remembered = Restart::Remembered(self.kernel.memory());
        let (approved, restart) = match deed {
            Deed::Stuck => return self.kernel.repeat(&record(0), input),
            Deed::Revoked(count) => return self.kernel.repeat(&record(count), input),
            Deed::Refused => {
                self.kernel.repeat(&record(0), input);
                return self.kernel.refuse_record();
            }
            Deed::Restarted => (self.kernel.digest(), remembered),
            Deed::Forgot => (self.kernel.digest(), Restart::Unreadable),
            Deed::Unapproved => (ConfigDigest([0; 32]), remembered),
        };
        self.restart(approved, restart);
        self.kernel.repeat(&record(0), input)
    }

    fn restart(&mut self, approved: ConfigDigest, restart: Restart) {
        if let Ok(config) = self.kernel.config().validate() {
            self.kernel = booted(&config, approved, restart);
            self.unapproved = approved != config.digest();
        }
    }

    /// Takes the event; says which promise it breaks.
    fn step(&mut self, event: Event, best: u32) -> (Decision, Option<&'static str>) {
        let (input, now) = self.input(event);
        let before = self.kernel.state();
        let decision = self.decide(event.deviation, &input);
        let kind = DEVIATIONS[usize::from(event.deviation)].kind;
        let is_bad = match kind {
            Kind::Harmless | Kind::Holds => false,
            Kind::ForbidsMotion => event.asks,
            Kind::Forbids => true,
        };
        let gap = GAPS[usize::from(event.gap)];
        // Neither does a clock that goes back or jumps, whatever else there is.
        let forbids = kind != Kind::Harmless || u64::try_from(gap).map_or(true, |gap| T < gap);
        self.good_for = match u64::try_from(gap) {
            Ok(gap) if gap <= T && !is_bad => (self.good_for + gap).min(T),
            Ok(_) | Err(_) => 0,
        };
        // A kernel whose clock goes back forgets when the button was pressed.
        self.pressed = self.pressed.filter(|since| *since <= now && self.now <= now);
        let pressed_for = self.pressed.filter(|_| !input.reset_button).map(|since| now.saturating_sub(since));
        let pressed = pressed_for.is_some_and(|span| (2 * U..=T).contains(&span));
        self.pressed = if input.reset_button { self.pressed.or(Some(now)) } else { None };
        let stuck = matches!(DEVIATIONS[usize::from(event.deviation)].what, What::Done(Deed::Stuck));
        self.went_on(now, &decision, stuck);
        let after = self.kernel.state();
        let good_for = self.good_for;
        let circumstances = Circumstances { before, after, best, forbids, good_for, pressed };
        (decision, broken(&input, &decision, circumstances))
    }

    /// Time goes on, and so does a robot that was permitted to move, unless its odometer is stuck.
    fn went_on(&mut self, now: u64, decision: &Decision, stuck: bool) {
        (self.now, self.seq) = (now, self.seq + 1);
        self.travelled += u32::from(self.moves && !stuck);
        self.moves = decision.verdict == Verdict::Move;
    }

    fn key(&self) -> u128 {
        let mut hash = Mixer(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (
            self.kernel.snapshot(),
            self.travelled,
            self.moves,
            self.good_for,
            self.pressed.map(|at| self.now - at),
        )
            .hash(&mut hash);
        hash.0
    }

    /// Whether good inputs and the two steps of a reset lead to motion, after a restart if nobody has approved the settings.
    fn recovers(&self) -> bool {
        let mut world = self.clone();
        if world.unapproved {
            world.restart(world.kernel.digest(), Restart::Remembered(world.kernel.memory()));
        }
        for _ in 0..RECOVERY {
            let (mut input, now) = world.input(NOTHING);
            let generation =
                world.kernel.memory().highest_stop.map_or(0, |StopGeneration(generation)| generation);
            match world.kernel.state() {
                State::Latched { .. } => reset(&mut input, ResetStep::Acknowledge, generation),
                State::Acknowledged { .. } => reset(&mut input, ResetStep::Start, generation),
                State::Boot | State::Stopped { .. } | State::Slow | State::Ready | State::Stopping { .. } => {
                }
            }
            let decision = world.decide(NOTHING.deviation, &input);
            if decision.verdict == Verdict::Move {
                return true;
            }
            world.went_on(now, &decision, false);
        }
        false
    }
}

/// Which promise a transition breaks.
fn broken(input: &In, decision: &Decision, circumstances: Circumstances) -> Option<&'static str> {
    let Circumstances { before, after, best, forbids, good_for, pressed } = circumstances;
    let moves = decision.verdict == Verdict::Move;
    let armed = |state: State| matches!(state, State::Slow | State::Ready);
    let least = |sector: usize| {
        let readings = input.sensors.iter().flatten().filter_map(|reading| reading.sectors[sector]);
        readings.map(|reading| reading.confidence).max().unwrap_or(Confidence::NONE)
    };
    let (asked, granted) = (input.request.twist, decision.twist);
    // Who turns on the spot sweeps every sector, who drives ahead the first.
    let swept: std::ops::Range<usize> = if asked.linear_mm_per_s == 0 { 0..2 } else { 0..1 };
    let within = |asked: i32, granted: i32| {
        granted.unsigned_abs() <= asked.unsigned_abs() && 0 <= i64::from(asked) * i64::from(granted)
    };
    let yaw_max = if after == State::Slow { YAW_SLOW } else { YAW_MAX };
    let orders = |step| input.reset.is_some_and(|reset| reset.step == step);
    let acknowledges = orders(ResetStep::Acknowledge) || pressed;
    let starts = orders(ResetStep::Start) || pressed;
    let checks = [
        (moves && !armed(after), "I1: a permit in a state that may not move"),
        (moves == decision.twist.is_zero(), "I8: a permit without motion, or motion without a permit"),
        (
            moves && swept.clone().any(|sector| least(sector).ppm() < 925_000),
            "I3: a permit into a sector below the threshold",
        ),
        (!within(asked.linear_mm_per_s, granted.linear_mm_per_s), "I8: driven otherwise than asked"),
        (!within(asked.angular_mrad_per_s, granted.angular_mrad_per_s), "I8: turned otherwise than asked"),
        (decision.speed_limit.0 < granted.linear_mm_per_s.unsigned_abs(), "I8: faster than the limit"),
        (yaw_max < granted.angular_mrad_per_s.unsigned_abs(), "SPD-004: turned faster than the band allows"),
        (moves && before.needs_person(), "I4: a permit while a person is needed"),
        (
            matches!(before, State::Latched { .. })
                && !matches!(after, State::Latched { .. } | State::Acknowledged { .. }),
            "I5: a latch left without acknowledgement",
        ),
        (
            matches!((before, after), (State::Latched { .. }, State::Acknowledged { .. })) && !acknowledges,
            "I5: a latch released by nobody",
        ),
        (
            matches!(before, State::Acknowledged { .. })
                && !matches!(
                    after,
                    State::Acknowledged { .. } | State::Latched { .. } | State::Stopped { .. }
                ),
            "I5: an acknowledgement alone moves",
        ),
        (
            matches!((before, after), (State::Acknowledged { .. }, State::Stopped { .. })) && !starts,
            "I5: started by nobody",
        ),
        (moves && best < decision.speed_limit.0, "I6: a deviation allows more speed"),
        (!decision.rules.contains(decision.primary), "I9: the primary rule has not fired"),
        (!decision.evidence.holds(), "I9: the evidence does not hold"),
        (!armed(before) && armed(after) && good_for < T, "I15: motion before the dwell"),
        (moves && forbids, "I16: a permit in the step of a fault"),
    ];
    checks.into_iter().find(|(broken, _)| *broken).map(|(_, promise)| promise)
}

/// A hash of 128 bits, so that states are told apart by it alone.
struct Mixer(u128);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "half of it")]
        let half = self.0 as u64;
        half
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word ^ (chunk.len() as u64) << 56);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ u128::from(word)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        self.0 ^= self.0 >> 67;
        self.0 = self.0.wrapping_mul(0xda94_2042_e4dd_58b5_8f7d_3a2b_1c4e_9a35);
        self.0 ^= self.0 >> 61;
    }
}

/// What a search found.
#[derive(Clone, Debug, Default)]
struct Found {
    states: usize,
    transitions: u64,
    /// New states by the number of events that lead to them.
    layers: Vec<usize>,
    /// Rules that were the reason of a decision, bit `i` for `RULES[i]`.
    reasons: u64,
    /// The promise that was broken first, and the events that lead there.
    violation: Option<String>,
}

impl Found {
    /// The rules that were the reason of no decision, but the one that no input can bring about.
    fn unmet(&self) -> Vec<RuleId> {
        let unmet = |place: usize| self.reasons >> place & 1 == 0;
        let rules = RULES.iter().enumerate().filter(|(place, _)| unmet(*place));
        rules.map(|(_, rule)| rule.id).filter(|rule| *rule != INT_001).collect()
    }
}

fn explore(config: &ValidConfig, depth: usize) -> Found {
    let events: Vec<Event> = events().collect();
    let mut found = Found::default();
    if PERMIT_TTL_MAX < config.get().permit_ttl {
        found.violation = Some("I2: a permit lives too long".to_owned());
    }
    // For each state: the one before it, and the event in between; none before those at the beginning.
    let mut seen = BTreeMap::new();
    let mut parents: Vec<Option<(u32, Event)>> = Vec::new();
    let mut frontier = Vec::new();
    let Some(beginnings) = World::beginnings(config) else {
        found.violation = Some(format!("the kernel does not come to: {}", BEGINNINGS.join(", ")));
        return found;
    };
    for (number, world) in (0_u32..).zip(beginnings) {
        seen.insert(world.key(), number);
        parents.push(None);
        frontier.push((number, world));
    }
    (found.states, found.layers) = (frontier.len(), vec![frontier.len()]);
    while found.layers.len() <= depth && !frontier.is_empty() {
        let is_last = found.layers.len() == depth;
        let (mut next, mut new) = (Vec::new(), 0);
        for (index, world) in &frontier {
            let mut best = 0;
            for event in &events {
                let mut after = world.clone();
                // The event without a deviation comes first among those with its gap and request.
                let is_best = event.deviation == 0;
                let (decision, mut violation) = after.step(*event, if is_best { u32::MAX } else { best });
                if is_best {
                    best = limit_without_deviation(&decision);
                }
                found.transitions += 1;
                if let Some(place) = RULES.iter().position(|rule| rule.id == decision.primary) {
                    found.reasons |= 1 << place;
                }
                let known = seen.contains_key(&after.key());
                if !known && violation.is_none() && !after.recovers() {
                    violation = Some("I17: good inputs and resets do not lead to motion");
                }
                if let Some(promise) = violation {
                    found.violation = Some(trace(promise, &parents, *index, *event, &decision));
                    return found;
                }
                if !known {
                    let number = u32::try_from(parents.len()).unwrap_or(u32::MAX);
                    seen.insert(after.key(), number);
                    parents.push(Some((*index, *event)));
                    new += 1;
                    if !is_last {
                        next.push((number, after));
                    }
                }
            }
        }
        found.states += new;
        found.layers.push(new);
        frontier = next;
    }
    found
}

/// The most that a deviation from an input may allow. After a deviation of the odometer, an input without one has an
/// odometer that has gone back, which is the worse of the two.
fn limit_without_deviation(decision: &Decision) -> u32 {
    match decision.verdict {
        Verdict::Move => decision.speed_limit.0,
        Verdict::Stop { .. } if decision.rules.contains(STP_003) || decision.rules.contains(STP_004) => {
            u32::MAX
        }
        Verdict::Stop { .. } | Verdict::Idle => 0,
    }
}

fn trace(
    promise: &str,
    parents: &[Option<(u32, Event)>],
    last: u32,
    event: Event,
    decision: &Decision,
) -> String {
    let mut path = vec![event];
    let mut at = last as usize;
    while let Some((parent, event)) = parents[at] {
        path.push(event);
        at = parent as usize;
    }
    let mut text = format!("{promise}\n  {}\n", BEGINNINGS[at]);
    for event in path.iter().rev() {
        let what = DEVIATIONS[usize::from(event.deviation)].name;
        let asks = if event.asks { "asked to move" } else { "not asked" };
        let _ = writeln!(text, "  after {:>6} µs, {asks}: {what}", GAPS[usize::from(event.gap)]);
    }
    let _ = write!(text, "  {decision:?}");
    text
}

/// Explores and reports.
pub(crate) fn run(options: Options) -> ExitCode {
    if options.domain {
        anstream::println!("beginnings: {}", BEGINNINGS.join(", "));
        anstream::println!("gaps, µs: {GAPS:?}; motion asked for or not; deviations:");
        for deviation in DEVIATIONS {
            anstream::println!("  {:<50} {:?}", deviation.name, deviation.kind);
        }
        return ExitCode::SUCCESS;
    }
    let Some(config) = settings() else { return ExitCode::FAILURE };
    let found = explore(&config, options.depth);
    anstream::println!(
        "depth {}, {} events each: {} states {:?}, {} transitions",
        options.depth,
        DEVIATIONS.len() * GAPS.len() * 2,
        found.states,
        found.layers,
        found.transitions
    );
    if let Some(violation) = found.violation {
        anstream::println!("violation: {violation}");
        return ExitCode::FAILURE;
    }
    let unmet: Vec<_> = found.unmet().iter().map(RuleId::to_string).collect();
    if unmet.is_empty() {
        anstream::println!("no violation; every rule but {INT_001} was the reason of a decision");
        return ExitCode::SUCCESS;
    }
    anstream::println!("no violation, but {} were never met: deeper", unmet.join(", "));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use sheepdog_interlock::rules::ODO_002;

    use super::*;

    #[test]
    fn no_promise_is_broken_within_two_events_and_every_rule_is_met() {
        let found = explore(&settings().unwrap(), 2);
        assert_eq!((found.violation.as_deref(), found.unmet()), (None, vec![]));
        assert!(10_000 < found.states, "{found:?}");
    }

    #[test]
    fn a_search_that_has_not_met_a_rule_says_so() {
        let unmet = explore(&settings().unwrap(), 1).unmet();
        assert!(unmet.contains(&ODO_002) && !unmet.contains(&INT_001), "{unmet:?}");
    }

    /// A promise that is not kept would be found, with the events that lead there.
    #[test]
    fn a_permit_against_a_fault_is_a_violation() {
        let mut world = World::new(&settings().unwrap());
        let (input, moving) = loop {
            let (input, _) = world.input(NOTHING);
            let (decision, _) = world.step(NOTHING, u32::MAX);
            if decision.verdict == Verdict::Move {
                break (input, decision);
            }
        };
        let state = world.kernel.state();
        let circumstances = Circumstances {
            before: state,
            after: state,
            best: u32::MAX,
            forbids: false,
            good_for: T,
            pressed: false,
        };
        assert_eq!(broken(&input, &moving, circumstances), None);
        let worse = [
            ("I16", Circumstances { forbids: true, ..circumstances }),
            ("I6", Circumstances { best: 1, ..circumstances }),
            ("I15", Circumstances { before: State::Boot, good_for: T - 1, ..circumstances }),
            ("I1", Circumstances { after: State::Boot, ..circumstances }),
        ];
        for (promise, circumstances) in worse {
            let found = broken(&input, &moving, circumstances);
            assert!(found.is_some_and(|found| found.starts_with(promise)), "{promise}: {found:?}");
        }
    }
}
