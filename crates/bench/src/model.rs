//! Explores the safety kernel exhaustively: every order of events up to a depth, in a world of a few microseconds.
//!
//! All spans of the settings but `still_for` are [`T`] microseconds, so steps of one microsecond are the grid of time, and
//! ages just below, at and just above each of them are all there. An event is one deviation from an input with which all is well (or none),
//! a gap since the last step, and whether motion is asked for. The domain is printed with `--domain`. States are merged by
//! the kernel's own snapshot, which makes time relative.
//!
//! Checked at every transition, by the numbers of the safety paper: a permit only from a state that may move and only with
//! motion in it (I1, I8), which ends in time (I2, checked on the settings), none into a sector below the threshold (I3),
//! none while latched, and a latch left only by acknowledgement and start in this order (I4, I5), never more speed with a
//! deviation than without (I6), a primary rule that fired (I9), no motion before the dwell (I15), and none in the very
//! step of a fault (I16). From every state found, good inputs and the two steps of a reset lead to motion (I17).
#![expect(clippy::indexing_slicing, reason = "indices are those of the tables beside")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    hash::{Hash, Hasher},
    process::ExitCode,
};

use clap::Args;
use sheepdog_interlock::{
    ActorId, Braking, Confidence, Config, Decision, Epoch, Evidence, Fusion, Input, Interlock, Micros, Mm,
    MmPerS, MmPerS2, MradPerS, Odometry, PERMIT_TTL_MAX, Ppm, Reading, Relation, ReleaseLimit, Request,
    Reset, ResetStep, Restart, RobotTime, RuleId, SectorReading, SelfTest, SensorReading, Separation,
    SiteVersion, State, StopCategory, StopCommand, StopGeneration, Twist, ValidConfig, Verdict,
    packs::{PACKS, PackSlot, PackVerdict, Ruling},
    rules::{STP_003, STP_004},
};

/// Every span of the settings, microseconds.
const T: u64 = 3;
/// Gaps between two steps: one, the span of the settings, one more, and a clock that goes back.
const GAPS: [i64; 4] = [1, 3, 4, -1];
const SKEW: u64 = 1;
const SITE: SiteVersion = SiteVersion([7; 32]);
/// Steps after which good inputs and resets must have led to motion.
const RECOVERY: usize = 16;

type Kernel = Interlock<2, 2>;
type In = Input<2, 2>;

/// How deep to look.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// How many events in a row.
    #[arg(long, default_value_t = 4)]
    depth: usize,
    /// Prints the events and ends.
    #[arg(long)]
    domain: bool,
}

/// What a deviation means to motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It alone forbids no motion, or not at once.
    Harmless,
    /// No motion in its step, but the dwell goes on.
    Holds,
    /// No motion in its step, and the dwell begins anew when motion is asked for.
    ForbidsMotion,
    /// No motion in its step, and the dwell begins anew.
    Forbids,
}

/// A deviation from an input with which all is well.
struct Deviation {
    name: &'static str,
    kind: Kind,
    apply: fn(&mut In),
}

macro_rules! deviations {
    ($($kind:ident $name:literal $apply:expr;)*) => {
        &[$(Deviation { name: $name, kind: Kind::$kind, apply: $apply },)*]
    };
}

fn ago(input: &In, micros: u64) -> RobotTime {
    RobotTime::from_micros(input.now.as_micros() - micros)
}

fn ahead(input: &In, micros: u64) -> RobotTime {
    RobotTime::from_micros(input.now.as_micros() + micros)
}

fn each(input: &mut In, change: impl Fn(&mut SensorReading<2>)) {
    input.sensors.iter_mut().flatten().for_each(change);
}

fn confidence(ppm: u32) -> Confidence {
    Confidence::from_ppm(ppm).unwrap_or(Confidence::NONE)
}

fn sure(input: &mut In, ppm: u32) {
    each(input, |reading| {
        reading.sectors.iter_mut().flatten().for_each(|sector| sector.confidence = confidence(ppm));
    });
}

fn obstacle(input: &mut In, sensor: usize, obstacle: Mm) {
    if let Some(reading) = &mut input.sensors[sensor] {
        reading.sectors.iter_mut().flatten().for_each(|sector| sector.obstacle = obstacle);
    }
}

fn moved(input: &mut In, change: impl Fn(&mut Odometry)) {
    input.odometry.iter_mut().map(|odometry| &mut odometry.value).for_each(change);
}

fn free(input: &mut In, value: u32, taken: RobotTime) {
    input.free_travel = Some(Reading { value: Mm(value), taken });
}

fn pack(input: &mut In, verdict: PackVerdict) {
    input.packs[PackSlot::MAP.index()] = Some(verdict);
}

fn rules(input: &mut In, ruling: Ruling) {
    let now = input.now;
    pack(input, PackVerdict::new(now, ruling));
}

fn order(input: &mut In, generation: u32) {
    let category = StopCategory::One;
    input.stop = Some(StopCommand { generation: StopGeneration(generation), category });
}

fn reset(input: &mut In, step: ResetStep, generation: u32) {
    input.reset = Some(Reset { generation: StopGeneration(generation), step, actor: ActorId(1) });
}

const fn evidence(measured: i64) -> Evidence {
    Evidence { rule: RuleId::new("MAP-001"), measured, relation: Relation::Equal, limit: 1 }
}

const DEVIATIONS: &[Deviation] = deviations! {
    Harmless "nothing" |_| {};
    Forbids "confidence 1 below stop" |input| sure(input, 924_999);
    Harmless "confidence at stop" |input| sure(input, 925_000);
    Harmless "confidence 1 below re-arming" |input| sure(input, 949_999);
    Harmless "confidence at re-arming" |input| sure(input, 950_000);
    Harmless "confidence 1 below slow" |input| sure(input, 959_999);
    Harmless "confidence at slow" |input| sure(input, 960_000);
    Harmless "nothing known of a sector not swept" |input| each(input, |reading| reading.sectors[1] = None);
    Forbids "nothing known of a swept sector" |input| each(input, |reading| reading.sectors[0] = None);
    Harmless "one sensor silent" |input| input.sensors[0] = None;
    Forbids "all sensors silent" |input| input.sensors = [None; 2];
    Harmless "readings as old as may be" |input| {
        let taken = ago(input, T);
        each(input, |reading| reading.taken = taken);
    };
    Forbids "readings 1 too old" |input| {
        let taken = ago(input, T + 1);
        each(input, |reading| reading.taken = taken);
    };
    Harmless "readings as far ahead as may be" |input| {
        let taken = ahead(input, SKEW);
        each(input, |reading| reading.taken = taken);
    };
    Forbids "readings 1 too far ahead" |input| {
        let taken = ahead(input, SKEW + 1);
        each(input, |reading| reading.taken = taken);
    };
    Harmless "frames do not advance" |input| each(input, |reading| reading.seq = 0);
    Forbids "sensors unhealthy" |input| each(input, |reading| reading.healthy = false);
    Harmless "invalid beams at limit" |input| each(input, |reading| reading.invalid = Ppm::ZERO);
    Forbids "invalid beams 1 above" |input| {
        each(input, |reading| reading.invalid = Ppm::new(1).unwrap_or(Ppm::ONE));
    };
    Harmless "contour missed by limit" |input| each(input, |reading| reading.residual = Some(Mm(50)));
    Harmless "contour missed by 1 more" |input| each(input, |reading| reading.residual = Some(Mm(51)));
    Harmless "sensors differ by limit" |input| {
        obstacle(input, 0, Mm(2_000));
        obstacle(input, 1, Mm(2_300));
    };
    Harmless "sensors differ by 1 more" |input| {
        obstacle(input, 0, Mm(2_000));
        obstacle(input, 1, Mm(2_301));
    };
    Harmless "one sensor sees somebody near and is unhealthy" |input| {
        obstacle(input, 0, Mm(1_500));
        if let Some(reading) = &mut input.sensors[0] {
            reading.healthy = false;
        }
    };
    ForbidsMotion "free travel at margin" |input| free(input, 200, input.now);
    Harmless "free travel 1 above margin" |input| free(input, 201, input.now);
    Harmless "free travel at re-arming" |input| free(input, 250, input.now);
    Harmless "free travel 1 above re-arming" |input| free(input, 251, input.now);
    ForbidsMotion "free travel unknown" |input| input.free_travel = None;
    Harmless "free travel as old as may be" |input| free(input, 5_000, ago(input, T));
    ForbidsMotion "free travel 1 too old" |input| free(input, 5_000, ago(input, T + 1));
    ForbidsMotion "free travel 1 too far ahead" |input| free(input, 5_000, ahead(input, SKEW + 1));
    Harmless "side clearance 1 below limit" |input| input.side_clearance = Some(Mm(149));
    Harmless "side clearance at limit" |input| input.side_clearance = Some(Mm(150));
    Holds "no release" |input| input.release = None;
    Holds "release for another site" |input| {
        input.release.iter_mut().for_each(|release| release.site = SiteVersion([8; 32]));
    };
    Harmless "release as old as may be" |input| {
        let taken = ago(input, T);
        input.release.iter_mut().for_each(|release| release.taken = taken);
    };
    Holds "release 1 too old" |input| {
        let taken = ago(input, T + 1);
        input.release.iter_mut().for_each(|release| release.taken = taken);
    };
    Holds "release used up" |input| input.release.iter_mut().for_each(|release| release.remaining = Mm(0));
    Forbids "motion unknown" |input| input.odometry = None;
    Harmless "motion as old as may be" |input| {
        let taken = ago(input, T);
        input.odometry.iter_mut().for_each(|odometry| odometry.taken = taken);
    };
    Forbids "motion 1 too old" |input| {
        let taken = ago(input, T + 1);
        input.odometry.iter_mut().for_each(|odometry| odometry.taken = taken);
    };
    Harmless "speed at standstill" |input| moved(input, |motion| motion.speed = MmPerS(20));
    Harmless "speed 1 above standstill" |input| moved(input, |motion| motion.speed = MmPerS(21));
    Harmless "speed at tolerance" |input| moved(input, |motion| motion.speed = MmPerS(100 + 20));
    Harmless "speed 1 above tolerance" |input| moved(input, |motion| motion.speed = MmPerS(100 + 21));
    Harmless "yaw rate 1 above standstill" |input| moved(input, |motion| motion.yaw_rate = MradPerS(-101));
    Harmless "yaw rate 1 above tolerance" |input| moved(input, |motion| motion.yaw_rate = MradPerS(1_901));
    Harmless "moved by window" |input| moved(input, |motion| motion.travelled = Mm(130));
    Harmless "moved by 1 more" |input| moved(input, |motion| motion.travelled = Mm(131));
    Harmless "turned by more than half a sector" |input| moved(input, |motion| motion.turned_mrad = 1_572);
    Harmless "beat late by limit" |input| input.beat = Some(ago(input, 1));
    Harmless "beat late by 1 more" |input| input.beat = Some(ago(input, T));
    Forbids "beat lost" |input| input.beat = Some(ago(input, T + 1));
    Forbids "no beat" |input| input.beat = None;
    Forbids "pack silent" |input| input.packs = [None; PACKS];
    Harmless "pack as old as may be" |input| pack(input, PackVerdict::new(ago(input, T), Ruling::Allow));
    Forbids "pack 1 too old" |input| pack(input, PackVerdict::new(ago(input, T + 1), Ruling::Allow));
    Harmless "pack limits" |input| rules(input, Ruling::Limit { speed: MmPerS(50), evidence: evidence(1) });
    Holds "pack limits to nothing" |input| {
        rules(input, Ruling::Limit { speed: MmPerS(0), evidence: evidence(1) });
    };
    Forbids "pack stops" |input| {
        rules(input, Ruling::Stop { category: StopCategory::Zero, evidence: evidence(1) });
    };
    Forbids "pack latches" |input| {
        rules(input, Ruling::Latch { category: StopCategory::One, evidence: evidence(1) });
    };
    Forbids "pack lies" |input| {
        rules(input, Ruling::Stop { category: StopCategory::One, evidence: evidence(2) });
    };
    Harmless "pack keeps power" |input| {
        let verdict = PackVerdict { keep_power: true, ..PackVerdict::new(input.now, Ruling::Allow) };
        pack(input, verdict);
    };
    Forbids "self-test not run" |input| input.self_test = SelfTest::NotRun;
    Forbids "self-test failed" |input| input.self_test = SelfTest::Failed;
    Forbids "button pressed" |input| input.emergency_button = Some(true);
    Forbids "button unknown" |input| input.emergency_button = None;
    Forbids "bumper touched" |input| input.bumper = Some(true);
    Forbids "bumper unknown" |input| input.bumper = None;
    Harmless "stop 1 ordered" |input| order(input, 1);
    Harmless "stop 2 ordered" |input| order(input, 2);
    Harmless "stop 1 acknowledged" |input| reset(input, ResetStep::Acknowledge, 1);
    Harmless "stop 2 acknowledged" |input| reset(input, ResetStep::Acknowledge, 2);
    Harmless "stop 1 ordered and acknowledged" |input| {
        order(input, 1);
        reset(input, ResetStep::Acknowledge, 1);
    };
    Harmless "acknowledged while the button is pressed" |input| {
        input.emergency_button = Some(true);
        reset(input, ResetStep::Acknowledge, 2);
    };
    Harmless "acknowledged while it moves" |input| {
        moved(input, |motion| motion.speed = MmPerS(21));
        reset(input, ResetStep::Acknowledge, 2);
    };
    Harmless "started after 1" |input| reset(input, ResetStep::Start, 1);
    Harmless "started after 2" |input| reset(input, ResetStep::Start, 2);
    Harmless "reset button pressed" |input| input.reset_button = true;
    Harmless "command as old as may be" |input| input.request.issued = ago(input, T);
    ForbidsMotion "command 1 too old" |input| input.request.issued = ago(input, T + 1);
    ForbidsMotion "command 1 too far ahead" |input| input.request.issued = ahead(input, SKEW + 1);
    ForbidsMotion "no brakes" |input| {
        input.braking = Some(Braking { deceleration: MmPerS2(0), delay: Micros::ZERO });
    };
    Harmless "asked to turn" |input| {
        if !input.request.twist.is_zero() {
            input.request.twist = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 100 };
        }
    };
};

fn settings() -> Option<ValidConfig> {
    let t = Micros::new(T);
    let config = Config {
        confidence_slow: confidence(960_000),
        confidence_rearm: confidence(950_000),
        decay_ppm_per_ms: 0,
        fusion: Fusion::Redundant,
        dwell: t,
        dwell_up: t,
        sample_age_max: t,
        clock_skew: Micros::new(SKEW),
        clock_jump_max: t,
        cycle_max: Micros::new(T - 1),
        frozen_frames: 2,
        invalid_max: Ppm::ZERO,
        disagreement_for: Micros::new(1),
        drift_for: t,
        permit_ttl: Micros::new(1),
        actuation_delay: Micros::ZERO,
        deceleration: MmPerS2(100_000_000),
        separation: Separation::StandingPerson,
        speed_max: MmPerS(100),
        speed_slow: MmPerS(60),
        speed_creep: MmPerS(40),
        overspeed_for: Micros::new(1),
        beat_late: Micros::new(1),
        beat_timeout: t,
        command_age_max: t,
        stop_time_max: t,
        chatter_trips: 2,
        chatter_window: t,
        reset_press_min: Micros::new(2),
        reset_press_max: t,
        pack_age_max: t,
        ..Config::SIMULATED
    };
    config.validate().ok()
}

fn good(now: RobotTime, seq: u64) -> In {
    let sector = SectorReading { confidence: Confidence::FULL, obstacle: Mm::MAX };
    let reading = SensorReading {
        taken: now,
        seq,
        digest: seq,
        healthy: true,
        invalid: Ppm::ZERO,
        residual: Some(Mm(0)),
        sectors: [Some(sector); 2],
    };
    let mut packs = [None; PACKS];
    packs[PackSlot::MAP.index()] = Some(PackVerdict::new(now, Ruling::Allow));
    Input {
        request: Request {
            twist: Twist { linear_mm_per_s: 100, angular_mrad_per_s: 0 },
            sectors: 0b01,
            issued: now,
        },
        sensors: [Some(reading); 2],
        free_travel: Some(Reading { taken: now, value: Mm(5_000) }),
        side_clearance: Some(Mm(1_000)),
        odometry: Some(Reading {
            taken: now,
            value: Odometry { speed: MmPerS(0), yaw_rate: MradPerS(0), travelled: Mm(100), turned_mrad: 0 },
        }),
        release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(5_000), taken: now, site: SITE }),
        beat: Some(now),
        packs,
        self_test: SelfTest::Passed,
        emergency_button: Some(false),
        bumper: Some(false),
        ..Input::unknown(now, SITE)
    }
}

/// One event: a deviation, a gap, and whether motion is asked for.
#[derive(Clone, Copy, Debug)]
struct Event {
    deviation: u16,
    gap: u8,
    asks: bool,
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
            kernel: Kernel::new(*config, config.digest(), Restart::First),
            now: 1_000_000,
            seq: 1,
            good_for: 0,
            pressed: None,
        }
    }

    fn input(&self, event: Event) -> (In, u64) {
        let now = self.now.saturating_add_signed(GAPS[usize::from(event.gap)]);
        let mut input = good(RobotTime::from_micros(now), self.seq + 1);
        if !event.asks {
            input.request.twist = Twist::ZERO;
        }
        (DEVIATIONS[usize::from(event.deviation)].apply)(&mut input);
        (input, now)
    }

    /// Takes the event; says which promise it breaks.
    fn step(&mut self, event: Event, best: u32) -> (Decision, Option<&'static str>) {
        let (input, now) = self.input(event);
        let before = self.kernel.state();
        let decision = self.kernel.step(&input);
        let kind = DEVIATIONS[usize::from(event.deviation)].kind;
        let is_bad = match kind {
            Kind::Harmless | Kind::Holds => false,
            Kind::ForbidsMotion => event.asks,
            Kind::Forbids => true,
        };
        let forbids = kind != Kind::Harmless;
        let gap = GAPS[usize::from(event.gap)];
        self.good_for = match u64::try_from(gap) {
            Ok(gap) if gap <= T && !is_bad => (self.good_for + gap).min(T),
            Ok(_) | Err(_) => 0,
        };
        let pressed_for = self.pressed.filter(|_| !input.reset_button).map(|since| now.saturating_sub(since));
        let pressed = pressed_for.is_some_and(|span| (2..=T).contains(&span));
        self.pressed = if input.reset_button { self.pressed.or(Some(now)) } else { None };
        (self.now, self.seq) = (now, self.seq + 1);
        let after = self.kernel.state();
        let good_for = self.good_for;
        let circumstances = Circumstances { before, after, best, forbids, good_for, pressed };
        (decision, broken(&input, &decision, circumstances))
    }

    fn key(&self) -> u128 {
        let mut hash = Mixer(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (self.kernel.snapshot(), self.good_for).hash(&mut hash);
        hash.0
    }

    /// Whether good inputs and the two steps of a reset lead to motion.
    fn recovers(&self) -> bool {
        let mut world = self.clone();
        for _ in 0..RECOVERY {
            let (mut input, now) = world.input(Event { deviation: 0, gap: 1, asks: true });
            let generation = world.kernel.highest_stop().map_or(0, |generation| generation.0);
            match world.kernel.state() {
                State::Latched { .. } => reset(&mut input, ResetStep::Acknowledge, generation),
                State::Acknowledged { .. } => reset(&mut input, ResetStep::Start, generation),
                State::Boot | State::Stopped { .. } | State::Slow | State::Ready | State::Stopping { .. } => {
                }
            }
            (world.now, world.seq) = (now, world.seq + 1);
            if world.kernel.step(&input).verdict == Verdict::Move {
                return true;
            }
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
    let orders = |step| input.reset.is_some_and(|reset| reset.step == step);
    let acknowledges = orders(ResetStep::Acknowledge) || pressed;
    let starts = orders(ResetStep::Start) || pressed;
    let checks = [
        (moves && !armed(after), "I1: a permit in a state that may not move"),
        (moves == decision.twist.is_zero(), "I8: a permit without motion, or motion without a permit"),
        (moves && least(0).ppm() < 925_000, "I3: a permit into a sector below the threshold"),
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
    /// The promise that was broken first, and the events that lead there.
    violation: Option<String>,
}

fn explore(config: &ValidConfig, depth: usize) -> Found {
    let events: Vec<Event> = events().collect();
    let mut found = Found { states: 1, layers: vec![1], ..Found::default() };
    if PERMIT_TTL_MAX < config.get().permit_ttl {
        found.violation = Some("I2: a permit lives too long".to_owned());
    }
    let begin = World::new(config);
    // For each state: the one before it, and the event in between.
    let mut seen = BTreeMap::from([(begin.key(), 0_u32)]);
    let mut parents: Vec<(u32, Event)> = vec![(0, events[0])];
    let mut frontier = vec![(0_u32, begin)];
    while found.layers.len() <= depth && !frontier.is_empty() {
        let mut next = Vec::new();
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
                    parents.push((*index, *event));
                    next.push((number, after));
                }
            }
        }
        found.states += next.len();
        found.layers.push(next.len());
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

fn trace(promise: &str, parents: &[(u32, Event)], last: u32, event: Event, decision: &Decision) -> String {
    let mut path = vec![event];
    let mut at = last as usize;
    while at != 0 {
        path.push(parents[at].1);
        at = parents[at].0 as usize;
    }
    let mut text = format!("{promise}\n");
    for event in path.iter().rev() {
        let what = DEVIATIONS[usize::from(event.deviation)].name;
        let asks = if event.asks { "asked to move" } else { "not asked" };
        let _ = writeln!(text, "  after {:>2} µs, {asks}: {what}", GAPS[usize::from(event.gap)]);
    }
    let _ = write!(text, "  {decision:?}");
    text
}

/// Explores and reports.
pub(crate) fn run(options: Options) -> ExitCode {
    if options.domain {
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
    anstream::println!("no violation");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_promise_is_broken_within_two_events() {
        let found = explore(&settings().unwrap(), 2);
        assert_eq!(found.violation, None);
        assert!(100 < found.states, "{found:?}");
    }

    /// A promise that is not kept would be found, with the events that lead there.
    #[test]
    fn a_permit_against_a_fault_is_a_violation() {
        let mut world = World::new(&settings().unwrap());
        let nothing = Event { deviation: 0, gap: 1, asks: true };
        let (input, moving) = loop {
            let (input, _) = world.input(nothing);
            let (decision, _) = world.step(nothing, u32::MAX);
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
