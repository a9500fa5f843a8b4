//! What can happen to the kernel: its settings, a good input, and every deviation from it.

use sheepdog_interlock::{
    ActorId, Braking, Confidence, Config, Epoch, Evidence, Fusion, Input, Micros, Mm, MmPerS, MmPerS2,
    MradPerS, Odometry, Ppm, Reading, Relation, ReleaseLimit, Request, Reset, ResetStep, RobotTime, RuleId,
    SectorReading, SelfTest, SensorReading, Separation, SiteVersion, StopCategory, StopCommand,
    StopGeneration, Twist, ValidConfig,
    packs::{PACKS, PackSlot, PackVerdict, Ruling},
};

/// A tick, microseconds.
pub(super) const U: u64 = 100_000;
/// Most spans of the settings, microseconds.
pub(super) const T: u64 = 3 * U;
/// Gaps between two steps, microseconds.
pub(super) const GAPS: [i64; 5] = [100_000, 100_001, 300_000, 300_001, -1];
const SKEW: u64 = U;
const SITE: SiteVersion = SiteVersion([7; 32]);

pub(super) type In = Input<2, 2>;

/// What a deviation means to motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It alone forbids no motion, or not at once.
    Harmless,
    /// No motion in its step, but the dwell goes on.
    Holds,
    /// No motion in its step, and the dwell begins anew when motion is asked for.
    ForbidsMotion,
    /// No motion in its step, and the dwell begins anew.
    Forbids,
}

/// A deviation from a step with which all is well.
pub(super) struct Deviation {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) what: What,
}

/// Where a deviation shows.
pub(super) enum What {
    /// In the input.
    Says(fn(&mut In)),
    /// Around the step.
    Done(Deed),
}

/// What is done to a kernel around a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Before it the robot is started anew, with what it has to remember.
    Restarted,
    /// Before it the robot is started anew, and what it has to remember cannot be read.
    Forgot,
    /// Before it the robot is started anew, with settings that nobody has approved.
    Unapproved,
    /// Its record is refused.
    Refused,
    /// Meanwhile permits are revoked, so many times since boot.
    Revoked(u32),
    /// The odometer shows what it showed before.
    Stuck,
}

macro_rules! deviations {
    (says { $($kind:ident $name:literal $apply:expr;)* } done { $($does:ident $title:literal $deed:expr;)* }) => {
        &[
            $(Deviation { name: $name, kind: Kind::$kind, what: What::Says($apply) },)*
            $(Deviation { name: $title, kind: Kind::$does, what: What::Done($deed) },)*
        ]
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

fn one(input: &mut In, change: impl Fn(&mut SensorReading<2>)) {
    input.sensors[0].iter_mut().for_each(change);
}

fn turn(input: &mut In, linear_mm_per_s: i32, angular_mrad_per_s: i32) {
    if !input.request.twist.is_zero() {
        input.request.twist = Twist { linear_mm_per_s, angular_mrad_per_s };
    }
}

fn released(input: &mut In, remaining: u32) {
    input.release.iter_mut().for_each(|release| release.remaining = Mm(remaining));
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

pub(super) fn reset(input: &mut In, step: ResetStep, generation: u32) {
    input.reset = Some(Reset { generation: StopGeneration(generation), step, actor: ActorId(1) });
}

const fn evidence(measured: i64) -> Evidence {
    Evidence { rule: RuleId::new("MAP-001"), measured, relation: Relation::Equal, limit: 1 }
}

pub(super) const DEVIATIONS: &[Deviation] = deviations! {
    says {
        Harmless "nothing" |_| {};
        Forbids "confidence 1 below stop" |input| sure(input, 924_999);
        Harmless "confidence at stop" |input| sure(input, 925_000);
        Harmless "confidence 1 below re-arming" |input| sure(input, 949_999);
        Harmless "confidence at re-arming" |input| sure(input, 950_000);
        Harmless "confidence 1 below slow" |input| sure(input, 959_999);
        Harmless "confidence at slow" |input| sure(input, 960_000);
        Harmless "nothing known of a sector not swept" |input| each(input, |reading| reading.sectors[1] = None);
        Forbids "nothing known of a swept sector" |input| each(input, |reading| reading.sectors[0] = None);
        Harmless "confidence at stop when it has aged" |input| {
            let taken = ago(input, 1_000);
            sure(input, 925_010);
            each(input, |reading| reading.taken = taken);
        };
        Forbids "confidence at stop 1 microsecond earlier" |input| {
            let taken = ago(input, 1_001);
            sure(input, 925_010);
            each(input, |reading| reading.taken = taken);
        };
        Harmless "one sensor silent" |input| input.sensors[0] = None;
        Harmless "one sensor silent about a swept sector" |input| one(input, |reading| reading.sectors[0] = None);
        Harmless "one sensor 1 too old" |input| {
            let taken = ago(input, T + 1);
            one(input, |reading| reading.taken = taken);
        };
        Harmless "one sensor misses its contour" |input| one(input, |reading| reading.residual = Some(Mm(51)));
        Harmless "one sensor sends its last frame again" |input| one(input, |reading| reading.digest -= 1);
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
        Harmless "readings of before the last ones" |input| {
            let taken = ago(input, U + 2);
            each(input, |reading| reading.taken = taken);
        };
        Harmless "frames do not advance" |input| each(input, |reading| reading.seq = 0);
        Harmless "frames are the last ones again" |input| each(input, |reading| reading.digest -= 1);
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
        Harmless "sensors differ by limit, as far as both see" |input| obstacle(input, 0, Mm(2_700));
        Harmless "sensors differ by 1 more, as far as both see" |input| obstacle(input, 0, Mm(2_699));
        Harmless "one sensor sees somebody near and is unhealthy" |input| {
            obstacle(input, 0, Mm(1_500));
            one(input, |reading| reading.healthy = false);
        };
        Harmless "one sensor sees somebody 1 less near and is unhealthy" |input| {
            obstacle(input, 0, Mm(1_501));
            one(input, |reading| reading.healthy = false);
        };
        Harmless "somebody near, seen by both" |input| {
            obstacle(input, 0, Mm(400));
            obstacle(input, 1, Mm(400));
        };
        ForbidsMotion "free travel at margin" |input| free(input, 200, input.now);
        Harmless "free travel 1 above margin" |input| free(input, 201, input.now);
        Harmless "free travel 1 too short for the speed" |input| free(input, 219, input.now);
        Harmless "free travel enough for the speed" |input| free(input, 220, input.now);
        Harmless "free travel 1 too short for the slow band" |input| free(input, 209, input.now);
        Harmless "free travel enough for the slow band" |input| free(input, 210, input.now);
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
        Holds "release used up" |input| released(input, 0);
        Harmless "1 left of the release" |input| released(input, 1);
        Harmless "release 1 too short for the speed" |input| released(input, 19);
        Harmless "release enough for the speed" |input| released(input, 20);
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
        Harmless "yaw rate at standstill" |input| moved(input, |motion| motion.yaw_rate = MradPerS(100));
        Harmless "yaw rate 1 above standstill" |input| moved(input, |motion| motion.yaw_rate = MradPerS(-101));
        Harmless "yaw rate at tolerance" |input| moved(input, |motion| motion.yaw_rate = MradPerS(-1_600));
        Harmless "yaw rate 1 above tolerance" |input| moved(input, |motion| motion.yaw_rate = MradPerS(1_601));
        Harmless "moved by window" |input| moved(input, |motion| motion.travelled.0 += 10);
        Harmless "moved by 1 more" |input| moved(input, |motion| motion.travelled.0 += 11);
        Harmless "moved by a slow stop" |input| moved(input, |motion| motion.travelled.0 += 12);
        Harmless "moved by 1 more than a slow stop" |input| moved(input, |motion| motion.travelled.0 += 13);
        Harmless "moved by a stop" |input| moved(input, |motion| motion.travelled.0 += 24);
        Harmless "moved by 1 more than a stop" |input| moved(input, |motion| motion.travelled.0 += 25);
        Harmless "turned by window" |input| moved(input, |motion| motion.turned_mrad = 150);
        Harmless "turned by 1 more" |input| moved(input, |motion| motion.turned_mrad = 151);
        Harmless "turned by more than half a sector" |input| moved(input, |motion| motion.turned_mrad = 1_572);
        Harmless "beat late by limit" |input| input.beat = Some(ago(input, U));
        Harmless "beat late by 1 more" |input| input.beat = Some(ago(input, U + 1));
        Harmless "beat as old as may be" |input| input.beat = Some(ago(input, T));
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
        Forbids "acknowledged while the button is pressed" |input| {
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
        Harmless "asked to turn on the spot" |input| turn(input, 0, 100);
        ForbidsMotion "asked to turn on the spot, and nothing known of one side" |input| {
            turn(input, 0, 100);
            each(input, |reading| reading.sectors[1] = None);
        };
        Harmless "asked to turn at the limit of the slow band" |input| turn(input, 0, 900);
        Harmless "asked to turn 1 faster than in the slow band" |input| turn(input, 0, 901);
        Harmless "asked to turn at the limit" |input| turn(input, 0, 1_500);
        Harmless "asked to turn 1 faster" |input| turn(input, 0, 1_501);
        Harmless "asked for 1 more than the limit of the slow band" |input| turn(input, 61, 0);
        Harmless "asked for the limit of the slow band" |input| turn(input, 60, 0);
        Harmless "asked for 1 more than the limit" |input| turn(input, 101, 0);
        Harmless "asked to go back" |input| turn(input, -100, 0);
        Harmless "asked for something else at the same instant" |input| {
            turn(input, 50, 0);
            input.request.issued = ago(input, U);
        };
        Harmless "a command of before the last" |input| input.request.issued = ago(input, U + 1);
    }
    done {
        Forbids "restarted" Deed::Restarted;
        Forbids "restarted without memory" Deed::Forgot;
        Forbids "restarted with other settings" Deed::Unapproved;
        Forbids "record refused" Deed::Refused;
        Holds "revoked meanwhile" Deed::Revoked(1);
        Forbids "revoked as often as can be counted" Deed::Revoked(u32::MAX);
        Harmless "odometer stuck" Deed::Stuck;
    }
};

pub(super) fn settings() -> Option<ValidConfig> {
    let [u, t] = [U, T].map(Micros::new);
    let config = Config {
        confidence_slow: confidence(960_000),
        confidence_rearm: confidence(950_000),
        decay_ppm_per_ms: 10,
        fusion: Fusion::Redundant,
        dwell: t,
        dwell_up: t,
        sample_age_max: t,
        clock_skew: Micros::new(SKEW),
        clock_jump_max: t,
        cycle_max: u,
        frozen_frames: 2,
        invalid_max: Ppm::ZERO,
        disagreement_for: u,
        drift_for: t,
        permit_ttl: u,
        actuation_delay: Micros::ZERO,
        deceleration: MmPerS2(500),
        separation: Separation::StandingPerson,
        speed_max: MmPerS(100),
        speed_slow: MmPerS(60),
        speed_creep: MmPerS(40),
        overspeed_for: u,
        beat_late: u,
        beat_timeout: t,
        command_age_max: t,
        standstill_window: Mm(10),
        still_for: t,
        stop_time_max: t,
        chatter_trips: 2,
        chatter_window: Micros::new(2 * T),
        reset_press_min: Micros::new(2 * U),
        reset_press_max: t,
        pack_age_max: t,
        ..Config::SIMULATED
    };
    config.validate().ok()
}

/// An input with which all is well, of a robot that has gone so far.
pub(super) fn good(now: RobotTime, seq: u64, travelled: Mm) -> In {
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
            value: Odometry { speed: MmPerS(0), yaw_rate: MradPerS(0), travelled, turned_mrad: 0 },
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
