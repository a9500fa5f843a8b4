//! What the kernel and the oracle are asked: a robot's day in a few dozen steps, with a few things going wrong.
//!
//! A scene is a function of a seed and a number. It draws settings, a plausible robot that does what it was permitted,
//! and up to three faults, each at the edge of a setting more often than not. Which fault leads is the scene's number,
//! so that every rule has its share.
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::collapsible_if,
    clippy::manual_is_multiple_of,
    clippy::precedence,
    clippy::semicolon_if_nothing_returned,
    clippy::too_many_lines,
    clippy::large_types_passed_by_value,
    clippy::wildcard_enum_match_arm,
    reason = "numbers are drawn within their types, and a scene that fails ends the run"
)]

use rand_pcg::{Pcg32, rand_core::Rng};
use sheepdog_interlock::{
    ActorId, Braking, Confidence, Config, Epoch, Evidence, Fusion, Input, Micros, Mm, MmPerS, MmPerS2, Mrad,
    MradPerS, MradPerS2, Odometry, Ppm, Reading, Relation, ReleaseLimit, Request, Reset, ResetStep,
    RobotTime, RuleId, SectorReading, SelfTest, SensorReading, Separation, SiteVersion, StopCategory,
    StopCommand, StopGeneration, Twist, ValidConfig,
    packs::{PACKS, PackVerdict, Ruling},
    stopping_distance,
};

use super::plain::{Answer, Hints, Says, Stands};

/// Numbers of one scene.
pub(crate) struct Dice(Pcg32);

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(Pcg32::new(mix(mix(seed) ^ stream), stream))
    }

    /// A number in `0..count`; zero for none.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        if count <= 1 << 32 {
            u64::from(self.0.next_u32()) * count >> 32
        } else {
            (u128::from(self.0.next_u64()) * u128::from(count) >> 64) as u64
        }
    }

    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Just below, at or just above an edge.
    fn nudge(&mut self) -> i64 {
        self.below(3) as i64 - 1
    }

    /// A stop's number, or none.
    pub(crate) fn stop_number(&mut self) -> Option<u32> {
        match self.below(3) {
            0 => None,
            number => u32::try_from(number).ok(),
        }
    }

    pub(crate) fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

const SITE: SiteVersion = SiteVersion([7; 32]);
/// How many settings a run draws.
pub(crate) const SETTINGS: u64 = 256;

/// The `number`-th settings of a run: the simulated robots' own, then others.
pub(crate) fn settings(seed: u64, number: u64) -> ValidConfig {
    let mut dice = Dice::new(seed ^ 0x5e77, number);
    loop {
        let config = if number == 0 { Config::SIMULATED } else { draw(&mut dice) };
        if let Ok(valid) = config.validate() {
            return valid;
        }
    }
}

fn draw(dice: &mut Dice) -> Config {
    let ms = |dice: &mut Dice, low: u64, high: u64| Micros::new(dice.between(low * 1_000, high * 1_000));
    let speed_max = dice.between(200, 1_500) as u32;
    let slow = dice.between(100, u64::from(speed_max)) as u32;
    let clock_jump_max = ms(dice, 120, 400);
    let beat_timeout = ms(dice, 100, 600);
    let confidence = |dice: &mut Dice, low, high| {
        Confidence::from_ppm(dice.between(low, high) as u32).unwrap_or(Confidence::NONE)
    };
    let stop = if dice.once_in(2) { 925_000 } else { dice.between(925_000, 960_000) };
    let deceleration = dice.between(300, 3_000) as u32;
    let ttl = ms(dice, 20, 100);
    let delay = ms(dice, 0, 100);
    let stop_margin = dice.between(1, 400) as u32;
    let sample_age_max = ms(dice, 20, 200);
    let reaction = sample_age_max.saturating_add(ttl).saturating_add(delay);
    let needed_mm = stopping_distance(MmPerS(speed_max), reaction, MmPerS2(deceleration))
        .map_or(0, |way| way.0)
        + stop_margin;
    let needed =
        ttl.as_micros() + delay.as_micros() + u64::from(speed_max) * 1_000_000 / u64::from(deceleration) + 1;
    Config {
        confidence_stop: confidence(dice, stop, stop),
        confidence_slow: confidence(dice, stop, 980_000),
        confidence_rearm: confidence(dice, stop, 980_000),
        decay_ppm_per_ms: dice.choose(&[0, 1, 50, 333]),
        fusion: dice.choose(&[
            Fusion::Redundant,
            Fusion::Redundant,
            Fusion::Quorum(1),
            Fusion::Quorum(2),
            Fusion::Min,
        ]),
        dwell: ms(dice, 1, 300),
        dwell_up: ms(dice, 1, 500),
        sample_age_max,
        clock_skew: ms(dice, 0, 15),
        clock_jump_max,
        cycle_max: Micros::new(dice.between(60_000, clock_jump_max.as_micros())),
        frozen_frames: dice.between(2, 6) as u16,
        invalid_max: Ppm::new(dice.below(1_000_000) as u32).unwrap_or(Ppm::ZERO),
        disagreement_max: Mm(dice.below(600) as u32),
        disagreement_for: ms(dice, 0, 300),
        disagreement_within: Mm(needed_mm + dice.below(1_000) as u32),
        drift_max: Mm(dice.below(100) as u32),
        drift_for: ms(dice, 0, 400),
        permit_ttl: ttl,
        actuation_delay: delay,
        deceleration: MmPerS2(deceleration),
        separation: if dice.once_in(4) {
            Separation::ApproachingPerson(MmPerS(dice.below(2_000) as u32))
        } else {
            Separation::StandingPerson
        },
        speed_max: MmPerS(speed_max),
        speed_slow: MmPerS(slow),
        speed_creep: MmPerS(dice.between(60, u64::from(speed_max)) as u32),
        yaw_rate_max: MradPerS(dice.between(200, 2_500) as i32),
        yaw_deceleration: MradPerS2(dice.between(500, 10_000) as u32),
        overspeed_percent: dice.below(30) as u32,
        overspeed_for: ms(dice, 0, 150),
        stop_margin: Mm(stop_margin),
        rearm_margin: Mm(dice.below(200) as u32),
        clearance_creep: Mm(dice.below(300) as u32),
        person_near: Mm(stop_margin + dice.below(1_600) as u32),
        beat_late: Micros::new(dice.between(1, beat_timeout.as_micros())),
        beat_timeout,
        command_age_max: ms(dice, 20, 300),
        standstill: MmPerS(dice.below(50) as u32),
        standstill_yaw: MradPerS(dice.below(150) as i32),
        standstill_window: Mm(dice.below(60) as u32),
        standstill_turn: Mrad(dice.below(200) as u32),
        still_for: ms(dice, 100, 1_000),
        stop_time_max: Micros::new(needed + dice.below(1_000_000)),
        stop_distance_percent: dice.between(100, 200) as u32,
        chatter_trips: dice.between(1, 5) as u8,
        chatter_window: ms(dice, 300, 3_000),
        reset_press_min: ms(dice, 20, 150),
        reset_press_max: ms(dice, 151, 700),
        packs_required: dice.choose(&[0, 1, 1, 0b11, 0x8001, 0x21]),
        pack_age_max: ms(dice, 50, 300),
    }
}

macro_rules! faults {
    ($($name:ident),* $(,)?) => {
        /// What can go wrong, or be different, for a few steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault { $($name,)* }
        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

faults! {
    None, BeatLate, BeatLost, BeatGone, CommandOld, CommandFuture, CommandBack, CommandSame, TestNotRun, TestFailed,
    Button, ButtonUnknown, Bumper, BumperUnknown, StopOrder, PackMissing, PackOld, PackFuture, PackLimit, PackStop, PackLatch,
    PackLies, KeepPower, Future, Back, Stale, FrozenDigest, FrozenSeq, Unhealthy, Invalid, SensorGone, Drift, Uncovered,
    ConfidenceStop, ConfidenceSlow, ConfidenceRearm, Disagree, Near, NearDegraded, FreeAtMargin, FreeAtRearm, FreeShort,
    FreeGone, FreeStale, FreeFuture, SideTight, SideGone, ReleaseGone, ReleaseOther, ReleaseStale, ReleaseFuture, ReleaseShort,
    OdometryGone, OdometryStale, OdometryFuture, OdometerStuck, OtherYaw, OverSpeed, OverYaw, NoBrakes, LongStop, Creeping, AtStandstill, YawStandstill, ClockBack, ClockJump, ClockLate,
    Idle, Turn, TurnFast, Reverse, NoSectors, EdgeSpeed, Fast, PressReset, WrongReset, EagerReset, Brakes, NoDeceleration,
    BrakesSlow, Refused, Revoked, RevokedFull, Chatter, Wait, HeldAhead, OdometerBack, PressAndStart, SkewedCommand, SlowDown,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    fault: Fault,
    from: u64,
    until: u64,
    which: u64,
    value: u64,
    nudge: i64,
}

/// One step of a scene.
#[derive(Clone, Debug)]
pub(crate) struct Act<const S: usize, const N: usize> {
    pub(crate) input: Input<S, N>,
    /// The record of the decision is refused.
    pub(crate) refused: bool,
    /// Revocations before the step and during it.
    pub(crate) revoked: (u32, u32),
}

impl<const S: usize, const N: usize> Default for Act<S, N> {
    fn default() -> Self {
        Self { input: Input::unknown(RobotTime::ZERO, SITE), refused: false, revoked: (0, 0) }
    }
}

/// A scene under way.
pub(crate) struct Scene<const S: usize, const N: usize> {
    dice: Dice,
    config: Config,
    plan: Vec<Planned>,
    base: Input<S, N>,
    step: u64,
    length: u64,
    now: u64,
    anchors: [u64; 6],
    frame_every: u64,
    speed: u64,
    travelled: u64,
    turned: u64,
    yaw: i64,
    highest: u32,
    revocations: u32,
    last: Option<Answer>,
    reset_at: u64,
    /// The clock at the step before.
    before: u64,
    /// Whether a fault wants to know where limits lie.
    follows_hints: bool,
    hints: Hints,
    /// What was asked less.
    lower: i32,
    /// Where the odometer is stuck: way and turn.
    stuck: (u64, u64),
    /// A stop now is a window after another.
    at_window: bool,
}

impl<const S: usize, const N: usize> Scene<S, N> {
    pub(crate) fn new(mut dice: Dice, lead: Fault, config: Config, highest: u32) -> Self {
        let length = dice.between(12, 48);
        let mut plan = Vec::with_capacity(4);
        let count = dice.choose(&[1, 1, 1, 2, 3]);
        for index in 0..count {
            let fault = if index == 0 { lead } else { dice.choose(Fault::ALL) };
            let from = if dice.once_in(4) { 0 } else { dice.between(0, length) };
            let lasts = dice.choose(&[1, 1, 2, 3, 5, 8, 100]);
            plan.push(Planned {
                fault,
                from,
                until: from + lasts,
                which: dice.below(1 << 16),
                value: dice.below(1 << 16),
                nudge: dice.nudge(),
            });
        }
        let follows_hints = plan.iter().any(|planned| {
            matches!(
                planned.fault,
                Fault::SlowDown
                    | Fault::OtherYaw
                    | Fault::OdometerStuck
                    | Fault::LongStop
                    | Fault::Chatter
                    | Fault::PressReset
            )
        });
        let now = if dice.once_in(20) { dice.below(1 << 50) } else { 10_000_000 + dice.below(1_000_000) };
        let at = RobotTime::from_micros(now);
        let mut base = Input::<S, N>::unknown(at, SITE);
        let low = config.confidence_slow.max(config.confidence_rearm).ppm();
        let reserve = config.decay_ppm_per_ms * 20;
        let low = (low + reserve).min(1_000_000);
        let sure =
            Confidence::from_ppm(dice.between(u64::from(low), 1_000_000) as u32).unwrap_or(Confidence::FULL);
        let obstacle = if dice.once_in(2) { Mm::MAX } else { Mm(3_000) };
        for s in 0..S {
            base.sensors[s] = Some(SensorReading {
                taken: at,
                seq: 1,
                digest: 1,
                healthy: true,
                invalid: Ppm::new(dice.below(u64::from(config.invalid_max.get()) + 1) as u32)
                    .unwrap_or(Ppm::ZERO),
                residual: if dice.once_in(2) {
                    None
                } else {
                    Some(Mm(dice.below(u64::from(config.drift_max.0) + 1) as u32))
                },
                sectors: [Some(SectorReading { confidence: sure, obstacle }); N],
            });
        }
        let linear = dice.between(1, u64::from(config.speed_max.0)) as i32;
        base.request = Request {
            twist: Twist {
                linear_mm_per_s: linear,
                angular_mrad_per_s: if dice.once_in(2) { 0 } else { dice.between(0, 400) as i32 - 200 },
            },
            // Most name the sector ahead; who does not sweeps all.
            sectors: dice.between(1, (1 << N) - 1) as u32 | u32::from(!dice.once_in(4)),
            issued: at,
        };
        base.free_travel = Some(Reading { taken: at, value: Mm(8_000) });
        base.side_clearance = Some(Mm(1_000));
        base.release = Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(8_000), taken: at, site: SITE });
        base.self_test = SelfTest::Passed;
        base.emergency_button = Some(false);
        base.bumper = Some(false);
        let frame_every = dice.choose(&[1, 1, 1, 2]);
        Self {
            dice,
            config,
            plan,
            base,
            step: 0,
            length,
            now,
            anchors: [now; 6],
            frame_every,
            speed: 0,
            travelled: 0,
            turned: 0,
            yaw: 0,
            highest,
            revocations: 0,
            last: None,
            reset_at: 0,
            before: now,
            follows_hints,
            hints: Hints::default(),
            lower: 0,
            stuck: (0, 0),
            at_window: false,
        }
    }

    /// Remembers the answer to the last act: the robot does what it was permitted.
    pub(crate) fn heard(&mut self, answer: Answer, hints: impl Fn() -> Hints) {
        if self.last.is_none_or(|last| {
            last.stands != answer.stands || last.says != answer.says || last.primary != answer.primary
        }) {
            self.anchors.rotate_right(1);
            self.anchors[0] = self.now;
        }
        if matches!(answer.stands, Stands::Latched | Stands::Acknowledged)
            && !self.last.is_some_and(|last| last.stands == answer.stands)
        {
            self.reset_at = self.step + self.dice.below(4);
        }
        self.last = Some(answer);
        if self.follows_hints {
            self.hints = hints();
        }
    }

    /// Makes `act` the next step; `false` when the scene is over.
    pub(crate) fn next(&mut self, act: &mut Act<S, N>) -> bool {
        if self.length <= self.step {
            return false;
        }
        let gap = self.advance();
        self.drive(gap);
        let at = RobotTime::from_micros(self.now);
        let base = &mut self.base;
        base.now = at;
        base.request.issued = at;
        base.beat = Some(at);
        if let Some(free) = &mut base.free_travel {
            free.taken = at;
        }
        if let Some(release) = &mut base.release {
            release.taken = at;
        }
        for slot in 0..PACKS {
            if self.config.packs_required >> slot & 1 == 1 {
                base.packs[slot] = Some(PackVerdict::new(at, Ruling::Allow));
            }
        }
        if self.step % self.frame_every == 0 {
            for sensor in base.sensors.iter_mut().flatten() {
                sensor.taken = at;
                sensor.seq += 1;
                sensor.digest = sensor.digest.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.now;
            }
        }
        base.odometry = Some(Reading {
            taken: at,
            value: Odometry {
                speed: MmPerS(self.speed as u32),
                yaw_rate: MradPerS(self.yaw as i32),
                travelled: Mm(self.travelled as u32),
                turned_mrad: self.turned as u32,
            },
        });
        act.input = *base;
        (act.refused, act.revoked) = (false, (self.revocations, self.revocations));
        for index in 0..self.plan.len() {
            let planned = self.plan[index];
            if planned.from <= self.step && self.step < planned.until {
                if planned.from == self.step {
                    self.anchors.rotate_right(1);
                    self.anchors[0] = self.now;
                }
                self.spoil(planned, act);
            }
        }
        self.reset(&mut act.input);
        self.step += 1;
        true
    }

    /// Moves the clock: often to the edge of a span that began at something remarkable.
    fn advance(&mut self) -> u64 {
        if self.step == 0 {
            return 0;
        }
        let c = &self.config;
        let before = self.now;
        self.before = before;
        let Hints { trip, pressed, still, .. } = self.hints;
        let ends = [
            (still, c.still_for),
            (trip, c.chatter_window),
            (pressed, c.reset_press_min),
            (pressed, c.reset_press_max),
        ];
        let nudge = self.dice.nudge();
        let end = ends.into_iter().find_map(|(from, span)| {
            let end = (from? + span.as_micros()).saturating_add_signed(nudge);
            (before < end && end <= before + c.cycle_max.as_micros()).then_some(end)
        });
        self.at_window = end.is_some() && self.dice.once_in(2);
        if let Some(end) = end.filter(|_| self.at_window) {
            self.now = end;
            return end - before;
        }
        if self.dice.once_in(2) {
            let spans = [
                c.dwell,
                c.dwell_up,
                c.disagreement_for,
                c.drift_for,
                c.overspeed_for,
                c.stop_time_max,
                c.chatter_window,
                c.reset_press_min,
                c.reset_press_max,
                c.sample_age_max,
                c.cycle_max,
            ];
            let nudge = self.dice.nudge();
            let mut found = 0;
            let mut to = 0;
            for anchor in self.anchors {
                for span in spans {
                    let candidate = (anchor + span.as_micros()).saturating_add_signed(nudge);
                    if before < candidate && candidate <= before + 110_000 {
                        found += 1;
                        if self.dice.once_in(found) {
                            to = candidate;
                        }
                    }
                }
            }
            if found > 0 {
                self.now = to;
                return to - before;
            }
        }
        let gap = match self.dice.below(8) {
            0 => 1,
            1 => self.dice.between(1, 20_000),
            2 | 3 => 50_000,
            _ => self.dice.between(20_000, 100_000),
        };
        self.now += gap.min(self.config.cycle_max.as_micros());
        self.now - before
    }

    /// The robot moves on as it was permitted.
    fn drive(&mut self, gap: u64) {
        let granted = self.last.filter(|last| last.says == Says::Move).map_or(Twist::ZERO, |last| last.twist);
        let target = u64::from(granted.linear_mm_per_s.unsigned_abs());
        if target <= self.speed {
            let brakes = u64::from(self.config.deceleration.0) * gap / 1_000_000 + 1;
            self.speed = self.speed.saturating_sub(brakes).max(target);
        } else {
            self.speed = target;
        }
        self.yaw = i64::from(granted.angular_mrad_per_s);
        self.travelled += self.speed * gap / 1_000_000;
        self.turned += self.yaw.unsigned_abs() * gap / 1_000_000;
    }

    /// People answer a latch after a while, mostly rightly.
    fn reset(&mut self, input: &mut Input<S, N>) {
        let Some(last) = self.last else { return };
        if self.step < self.reset_at || input.reset.is_some() {
            return;
        }
        let step = match last.stands {
            Stands::Latched => ResetStep::Acknowledge,
            Stands::Acknowledged => ResetStep::Start,
            Stands::Boot | Stands::Stopped | Stands::Slow | Stands::Ready | Stands::Stopping => return,
        };
        if self.dice.once_in(3) {
            return;
        }
        let generation = if self.dice.once_in(10) { self.dice.below(4) as u32 } else { self.highest };
        input.reset = Some(Reset { generation: StopGeneration(generation), step, actor: ActorId(1) });
    }

    fn spoil(&mut self, planned: Planned, act: &mut Act<S, N>) {
        let Planned { fault, which, value, nudge, from, until } = planned;
        let c = self.config;
        let now = self.now;
        let dice = &mut self.dice;
        let at = |micros: u64| RobotTime::from_micros(micros);
        let ago = |span: Micros| at(now.saturating_sub(span.as_micros().saturating_add_signed(nudge)));
        let ahead = |span: Micros| at(now + span.as_micros().saturating_add_signed(nudge));
        let input = &mut act.input;
        let slot = (which % PACKS as u64) as usize;
        let all = value % 3 != 0;
        let sensor = (which % S as u64) as usize;
        let category = [StopCategory::Zero, StopCategory::One, StopCategory::Two][(value % 3) as usize];
        let evidence =
            Evidence { rule: RuleId::new("XYZ-001"), measured: 1, relation: Relation::Equal, limit: 1 };
        let each = |input: &mut Input<S, N>, change: &mut dyn FnMut(&mut SensorReading<N>)| {
            for s in 0..S {
                if all || s == sensor {
                    if let Some(reading) = &mut input.sensors[s] {
                        change(reading);
                    }
                }
            }
        };
        let begins = from == self.step;
        match fault {
            Fault::None | Fault::Wait => {}
            Fault::BeatLate => input.beat = Some(ago(c.beat_late)),
            Fault::BeatLost => input.beat = Some(ago(c.beat_timeout)),
            Fault::BeatGone => input.beat = if value % 2 == 0 { None } else { Some(ahead(c.clock_skew)) },
            Fault::CommandOld => input.request.issued = ago(c.command_age_max),
            Fault::CommandFuture => input.request.issued = ahead(c.clock_skew),
            Fault::CommandBack => input.request.issued = at(now.saturating_sub(value)),
            Fault::CommandSame => {
                input.request.issued =
                    at(now.saturating_sub(now % (c.command_age_max.as_micros() / 2).max(1)));
                match value % 3 {
                    0 => {}
                    1 => input.request.twist.linear_mm_per_s += (self.step % 2) as i32,
                    _ => input.request.sectors ^= (self.step % 2) as u32,
                }
            }
            Fault::TestNotRun => input.self_test = SelfTest::NotRun,
            Fault::TestFailed => input.self_test = SelfTest::Failed,
            Fault::Button => input.emergency_button = Some(true),
            Fault::ButtonUnknown => input.emergency_button = None,
            Fault::Bumper => input.bumper = Some(true),
            Fault::BumperUnknown => input.bumper = None,
            Fault::StopOrder => {
                let generation = 1 + (which % 3) as u32;
                self.highest = self.highest.max(generation);
                input.stop = Some(StopCommand { generation: StopGeneration(generation), category });
            }
            Fault::PackMissing => {
                if begins || value % 2 == 0 {
                    input.packs[slot % 2] = None;
                } else {
                    input.packs[slot] = Some(PackVerdict::new(at(now), Ruling::Allow));
                }
            }
            Fault::PackOld => input.packs[slot] = Some(PackVerdict::new(ago(c.pack_age_max), Ruling::Allow)),
            Fault::PackFuture => {
                input.packs[slot] = Some(PackVerdict::new(ahead(c.clock_skew), Ruling::Allow))
            }
            Fault::PackLimit => {
                let request = u64::from(input.request.twist.linear_mm_per_s.unsigned_abs());
                let speed = match value % 4 {
                    0 => 0,
                    1 => request / 2,
                    _ => request.saturating_add_signed(nudge),
                };
                let ruling = Ruling::Limit { speed: MmPerS(speed as u32), evidence };
                input.packs[slot] = Some(PackVerdict::new(at(now), ruling));
            }
            Fault::PackStop => {
                input.packs[slot] = Some(PackVerdict::new(at(now), Ruling::Stop { category, evidence }));
            }
            Fault::PackLatch => {
                input.packs[slot] = Some(PackVerdict::new(at(now), Ruling::Latch { category, evidence }));
            }
            Fault::PackLies => {
                let lie = Evidence { measured: 2, ..evidence };
                let ruling = [
                    Ruling::Stop { category, evidence: lie },
                    Ruling::Latch { category, evidence: lie },
                    Ruling::Limit { speed: MmPerS(100), evidence: lie },
                ][(which / 16 % 3) as usize];
                let keep_power = which / 64 % 2 == 0;
                input.packs[slot] = Some(PackVerdict { keep_power, ..PackVerdict::new(at(now), ruling) });
                if value % 3 == 0 {
                    self.plan.push(Planned {
                        fault: Fault::Bumper,
                        from: self.step + 1,
                        until: self.step + 2,
                        ..planned
                    });
                }
            }
            Fault::KeepPower => {
                let keep =
                    PackVerdict { keep_power: value % 4 != 0, ..PackVerdict::new(at(now), Ruling::Allow) };
                input.packs[slot] = Some(keep);
                if self.step % 4 == 3 {
                    input.bumper = Some(true)
                }
            }
            Fault::Future => each(input, &mut |r| r.taken = ahead(c.clock_skew)),
            Fault::Back => {
                let far = [1, value, 0][(which / 16 % 3) as usize];
                each(input, &mut |r| {
                    r.taken = at(r.taken.as_micros().saturating_sub(far + if begins { 0 } else { 60_000 }))
                });
            }
            Fault::Stale => each(input, &mut |r| r.taken = ago(c.sample_age_max)),
            Fault::FrozenDigest => each(input, &mut |r| r.digest = 99),
            Fault::FrozenSeq => {
                each(input, &mut |r| r.seq = if value % 2 == 0 { 7 } else { 1_000 - from.min(100) })
            }
            Fault::Unhealthy => each(input, &mut |r| r.healthy = false),
            Fault::Invalid => {
                let share = u64::from(c.invalid_max.get()).saturating_add_signed(nudge).min(1_000_000) as u32;
                each(input, &mut |r| r.invalid = Ppm::new(share).unwrap_or(Ppm::ONE));
            }
            Fault::SensorGone => {
                for s in 0..S {
                    if all || s == sensor {
                        input.sensors[s] = None;
                    }
                }
            }
            Fault::Drift => {
                let residual = Mm(u64::from(c.drift_max.0).saturating_add_signed(nudge) as u32);
                each(input, &mut |r| r.residual = Some(residual));
            }
            Fault::Uncovered => each(input, &mut |r| {
                for n in 0..N {
                    if which >> n & 1 == 1 {
                        r.sectors[n] = None;
                    }
                }
            }),
            Fault::ConfidenceStop | Fault::ConfidenceSlow | Fault::ConfidenceRearm => {
                let edge = match fault {
                    Fault::ConfidenceStop => c.confidence_stop,
                    Fault::ConfidenceSlow => c.confidence_slow,
                    _ => c.confidence_rearm,
                };
                each(input, &mut |r| {
                    // A reading with an age, so that it decays to the edge.
                    let age = if value % 4 == 0 { 0 } else { value % 40 * 500 };
                    r.taken = at(r.taken.as_micros().saturating_sub(age));
                    let age = now.saturating_sub(r.taken.as_micros());
                    let lost = (age * u64::from(c.decay_ppm_per_ms)).div_ceil(1_000);
                    let ppm = (u64::from(edge.ppm()) + lost).saturating_add_signed(nudge).min(1_000_000);
                    let confidence = Confidence::from_ppm(ppm as u32).unwrap_or(Confidence::NONE);
                    for n in 0..N {
                        if which >> n & 1 == 1 || value % 2 == 0 {
                            if let Some(sector) = &mut r.sectors[n] {
                                sector.confidence = confidence;
                            }
                        }
                    }
                });
            }
            Fault::Disagree => {
                let other = 1_000 + u64::from(c.disagreement_max.0).saturating_add_signed(nudge);
                for s in 0..S {
                    if let Some(reading) = &mut input.sensors[s] {
                        for n in 0..N {
                            if let Some(sector) = &mut reading.sectors[n] {
                                sector.obstacle = match (s == sensor, value % 3) {
                                    (true, 2) if which % 2 == 0 => Mm::MAX,
                                    (true, 2) => Mm(u64::from(c.disagreement_within.0)
                                        .saturating_add_signed(nudge)
                                        as u32),
                                    (true, _) => Mm(other as u32),
                                    (false, _) => Mm(1_000),
                                };
                            }
                        }
                    }
                }
            }
            Fault::Near | Fault::NearDegraded => {
                let near = Mm(u64::from(c.person_near.0).saturating_add_signed(nudge) as u32);
                each(input, &mut |r| {
                    for n in 0..N {
                        if which >> n & 1 == 1 {
                            if let Some(sector) = &mut r.sectors[n] {
                                sector.obstacle = near;
                            }
                        }
                    }
                });
                if fault == Fault::NearDegraded {
                    match value / 8 % 6 {
                        0 => {
                            if let Some(r) = &mut input.sensors[sensor] {
                                r.healthy = false;
                            }
                        }
                        1 => {
                            if let Some(r) = &mut input.sensors[sensor] {
                                r.residual = Some(Mm(c.drift_max.0 + 1));
                            }
                        }
                        2 => input.sensors[sensor] = None,
                        3 => {
                            if let Some(r) = &mut input.sensors[(sensor + 1) % S] {
                                r.taken = ago(c.sample_age_max);
                            }
                        }
                        4 => {
                            if let Some(r) = &mut input.sensors[(sensor + 1) % S] {
                                r.sectors = [None; N];
                            }
                        }
                        _ => {
                            let slow = c.confidence_slow.ppm().saturating_add_signed(nudge as i32);
                            let confidence = Confidence::from_ppm(slow).unwrap_or(Confidence::FULL);
                            each(input, &mut |r| {
                                for sector in r.sectors.iter_mut().flatten() {
                                    sector.confidence = confidence;
                                }
                            });
                        }
                    }
                }
            }
            Fault::FreeAtMargin | Fault::FreeAtRearm => {
                let rearm = if fault == Fault::FreeAtRearm { c.rearm_margin.0 } else { 0 };
                let value = u64::from(c.stop_margin.0 + rearm).saturating_add_signed(nudge);
                input.free_travel = Some(Reading { taken: at(now), value: Mm(value as u32) });
            }
            Fault::FreeShort => {
                let age = value % (c.sample_age_max.as_micros() + 1);
                let mm = c.stop_margin.0 + (which % 2_000) as u32;
                input.free_travel = Some(Reading { taken: at(now.saturating_sub(age)), value: Mm(mm) });
            }
            Fault::FreeGone => input.free_travel = None,
            Fault::FreeStale => {
                input.free_travel = Some(Reading { taken: ago(c.sample_age_max), value: Mm(8_000) })
            }
            Fault::FreeFuture => {
                input.free_travel = Some(Reading { taken: ahead(c.clock_skew), value: Mm(8_000) })
            }
            Fault::SideTight => {
                input.side_clearance =
                    Some(Mm(u64::from(c.clearance_creep.0).saturating_add_signed(nudge) as u32));
                if value % 4 == 0 {
                    input.request.twist.linear_mm_per_s = c.speed_creep.0 as i32 + (which % 3) as i32 - 1;
                }
            }
            Fault::SideGone => input.side_clearance = None,
            Fault::ReleaseGone => input.release = None,
            Fault::ReleaseOther => {
                if let Some(r) = &mut input.release {
                    r.site = SiteVersion([8; 32]);
                }
            }
            Fault::ReleaseStale => {
                if let Some(r) = &mut input.release {
                    r.taken = ago(c.sample_age_max);
                }
            }
            Fault::ReleaseFuture => {
                if let Some(r) = &mut input.release {
                    r.taken = ahead(c.clock_skew);
                }
            }
            Fault::ReleaseShort => {
                if let Some(r) = &mut input.release {
                    r.taken = at(now.saturating_sub(value % (c.sample_age_max.as_micros() + 1)));
                    r.remaining = Mm((which % [2_000, 50][(value % 2) as usize]) as u32);
                }
            }
            Fault::OdometryGone => input.odometry = None,
            Fault::OdometryStale => {
                input.odometry.iter_mut().for_each(|o| o.taken = ago(c.sample_age_max));
            }
            Fault::OdometryFuture => input.odometry.iter_mut().for_each(|o| o.taken = ahead(c.clock_skew)),
            Fault::OdometerStuck => {
                if begins {
                    self.stuck = (self.travelled, self.turned);
                    self.plan.iter_mut().for_each(|p| {
                        if p.from == from {
                            p.until = until.max(from + 20);
                        }
                    });
                }
                (self.travelled, self.turned) = self.stuck;
                if let Some(o) = &mut input.odometry {
                    (o.value.travelled, o.value.turned_mrad) =
                        (Mm(self.travelled as u32), self.turned as u32);
                }
                if value % 4 == 0 {
                    input.request.twist.linear_mm_per_s = c.standstill.0 as i32 + nudge as i32;
                }
            }
            Fault::OtherYaw => {
                if let Some(o) = &mut input.odometry {
                    let over = if value % 4 == 0 { nudge } else { nudge.max(0) + (which % 2) as i64 };
                    let rate = self.hints.spin.saturating_add_signed(over) as i32;
                    o.value.yaw_rate = MradPerS(if value % 2 == 0 { rate } else { -rate });
                }
            }
            Fault::OverSpeed => {
                if let (Some(o), Some(last)) = (&mut input.odometry, self.last) {
                    let allowed = u64::from(last.twist.linear_mm_per_s.unsigned_abs());
                    let more = (allowed * u64::from(c.overspeed_percent) / 100).max(c.standstill.0.into());
                    let over = if value % 4 == 0 { nudge } else { nudge.max(0) + (which % 2) as i64 };
                    o.value.speed = MmPerS((allowed + more).saturating_add_signed(over) as u32);
                }
            }
            Fault::OverYaw => {
                if let Some(o) = &mut input.odometry {
                    let allowed = i64::from(c.yaw_rate_max.0);
                    let more =
                        (allowed * i64::from(c.overspeed_percent) / 100).max(c.standstill_yaw.0.into());
                    let rate = (allowed + more + nudge) as i32;
                    o.value.yaw_rate = MradPerS(if value % 2 == 0 { rate } else { -rate });
                }
            }
            Fault::NoBrakes => {
                if let Some(o) = &mut input.odometry {
                    // It rolls on, however it is told to stop.
                    self.speed = self.speed.max(u64::from(c.standstill.0) + 1 + value % 50);
                    o.value.speed = MmPerS(self.speed as u32);
                    if begins {
                        input.self_test = SelfTest::NotRun;
                    }
                    self.plan.iter_mut().for_each(|p| {
                        if p.from == from {
                            p.until = until.max(from + 20);
                        }
                    });
                    input.self_test = SelfTest::NotRun;
                }
            }
            Fault::LongStop => {
                if let Some(o) = &mut input.odometry {
                    let braking = self.speed * self.speed / (2 * u64::from(c.deceleration.0))
                        + self.speed * (c.permit_ttl.as_micros() + c.actuation_delay.as_micros()) / 1_000_000;
                    let most = (braking + 1) * u64::from(c.stop_distance_percent) / 100;
                    if !begins {
                        self.travelled = match self.hints.way {
                            Some(way) if value % 2 == 0 && self.travelled <= way => {
                                way.saturating_add_signed(nudge)
                            }
                            _ => self.travelled + dice.below(most + 3),
                        };
                        o.value.travelled = Mm(self.travelled as u32);
                    }
                    input.self_test = SelfTest::NotRun;
                }
            }
            Fault::Creeping => {
                if let Some(o) = &mut input.odometry {
                    if self.last.is_some_and(|last| last.says != Says::Move) {
                        let window = u64::from(c.standstill_window.0);
                        if value % 2 == 0 {
                            self.travelled += dice.choose(&[0, 1, window.saturating_add_signed(nudge)]);
                            o.value.travelled = Mm(self.travelled as u32);
                        } else {
                            let turn = u64::from(c.standstill_turn.0).saturating_add_signed(nudge);
                            self.turned += dice.choose(&[0, 1, turn]);
                            o.value.turned_mrad = self.turned as u32;
                        }
                        input.self_test = if which % 2 == 0 { SelfTest::NotRun } else { SelfTest::Passed };
                    }
                }
            }
            Fault::AtStandstill => {
                if let Some(o) = &mut input.odometry {
                    o.value.speed = MmPerS(u64::from(c.standstill.0).saturating_add_signed(nudge) as u32);
                    if self.step % 3 != 0 {
                        input.self_test = SelfTest::NotRun;
                    }
                }
            }
            Fault::YawStandstill => {
                if let Some(o) = &mut input.odometry {
                    let rate = c.standstill_yaw.0 + nudge as i32;
                    o.value.yaw_rate = MradPerS(if value % 2 == 0 { rate } else { -rate });
                    if self.step % 3 != 0 {
                        input.self_test = SelfTest::NotRun;
                    }
                }
            }
            Fault::ClockBack => {
                if begins {
                    self.now = now.saturating_sub(1 + value % 3 * 1_000_000);
                    input.now = at(self.now);
                }
            }
            Fault::ClockJump | Fault::ClockLate => {
                if (self.step - from) % 4 == 0 {
                    let span = if fault == Fault::ClockJump { c.clock_jump_max } else { c.cycle_max };
                    let nudge = if value % 2 == 0 { nudge } else { 1 + (which % 1_000) as i64 };
                    self.now = self.before + span.as_micros().saturating_add_signed(nudge);
                    let old = input.now.as_micros();
                    let shift = self.now.saturating_sub(old);
                    input.now = at(self.now);
                    input.request.issued = input.now;
                    input.beat = Some(input.now);
                    if let Some(r) = &mut input.free_travel {
                        r.taken = input.now;
                    }
                    if let Some(r) = &mut input.release {
                        r.taken = input.now;
                    }
                    for r in input.sensors.iter_mut().flatten() {
                        r.taken = at(r.taken.as_micros() + shift);
                    }
                    for p in input.packs.iter_mut().flatten() {
                        p.taken = input.now;
                    }
                }
            }
            Fault::Idle => input.request.twist = Twist::ZERO,
            Fault::Turn => {
                input.request.twist =
                    Twist { linear_mm_per_s: 0, angular_mrad_per_s: 1 + (value % 500) as i32 }
            }
            Fault::TurnFast => {
                let most = i64::from(c.yaw_rate_max.0);
                let (slow, top) = (i64::from(c.speed_slow.0), i64::from(c.speed_max.0));
                let least = i64::from(c.standstill_yaw.0) + 1;
                let share = ((most * slow + top - 1) / top).max(least).min(most);
                let most = if value % 5 == 0 { share } else { most };
                let rate = (most + nudge) as i32 + if value % 3 == 0 { 300 } else { 0 };
                input.request.twist.angular_mrad_per_s = if value % 2 == 0 { rate } else { -rate };
                if which % 4 == 0 {
                    input.request.twist.linear_mm_per_s = 0;
                }
            }
            Fault::Reverse => input.request.twist.linear_mm_per_s = -input.request.twist.linear_mm_per_s,
            Fault::NoSectors => input.request.sectors = [0, 1 << 31, u32::MAX][(value % 3) as usize],
            Fault::EdgeSpeed => {
                if let Some(last) = self.last.filter(|last| last.speed_limit > 0) {
                    let speed = i64::from(last.speed_limit) + nudge;
                    input.request.twist.linear_mm_per_s = if value % 4 == 0 { -speed } else { speed } as i32;
                    if value % 3 == 0 {
                        input.free_travel = Some(Reading {
                            taken: at(now),
                            value: Mm(c.stop_margin.0 + (which % 1_000) as u32),
                        });
                    }
                }
            }
            Fault::Fast => {
                input.request.twist.linear_mm_per_s = if value % 5 == 0 {
                    i32::MIN
                } else {
                    c.speed_max.0 as i32 + nudge as i32 + (value % 2 * 500) as i32
                }
            }
            Fault::PressReset => {
                // Once, pressed for a span that ends near an edge.
                input.reset_button = !self.at_window && (value % 5 != 0 || self.step % 3 != 0);
                if begins {
                    input.bumper = Some(true);
                }
                self.reset_at = self.step + 3;
            }
            Fault::WrongReset => {
                let step = if value % 2 == 0 { ResetStep::Acknowledge } else { ResetStep::Start };
                let generation = (which % 4) as u32;
                input.reset = Some(Reset { generation: StopGeneration(generation), step, actor: ActorId(1) });
                if begins {
                    input.emergency_button = Some(true);
                }
            }
            Fault::EagerReset => {
                let step = if self.step % 2 == 0 { ResetStep::Acknowledge } else { ResetStep::Start };
                input.reset =
                    Some(Reset { generation: StopGeneration(self.highest), step, actor: ActorId(1) });
                if begins {
                    input.bumper = Some(true);
                }
            }
            Fault::Brakes => {
                input.braking = Some(Braking {
                    deceleration: MmPerS2(1 + (which % 3_000) as u32),
                    delay: c.actuation_delay,
                })
            }
            Fault::NoDeceleration => {
                input.braking = Some(Braking { deceleration: MmPerS2(0), delay: Micros::new(value) })
            }
            Fault::BrakesSlow => {
                input.braking = Some(Braking { deceleration: c.deceleration, delay: Micros::new(value * 4) })
            }
            Fault::Refused => act.refused = true,
            Fault::Revoked => {
                if value % 4 != 0 || begins {
                    act.revoked.1 = act.revoked.0.saturating_add(1 + (which % 2) as u32);
                }
                self.revocations = act.revoked.1;
            }
            Fault::RevokedFull => {
                self.revocations = u32::MAX;
                act.revoked = (if begins && value % 2 == 0 { u32::MAX - 1 } else { u32::MAX }, u32::MAX);
            }
            // A sensor shows something near, fails, and the robot goes on and turns.
            Fault::HeldAhead => {
                let near = Mm((which % 2_500) as u32);
                if let Some(reading) = &mut input.sensors[sensor] {
                    let sector = (which / 64) as usize % N;
                    let first = begins || value % 7 == 0;
                    if let (true, Some(seen)) = (first, &mut reading.sectors[sector]) {
                        seen.obstacle = near;
                    }
                    if !begins {
                        match value % 4 {
                            0 => reading.healthy = false,
                            1 => reading.taken = ago(c.sample_age_max),
                            2 => reading.sectors[sector] = None,
                            _ => input.sensors[sensor] = None,
                        }
                    }
                }
                if let Some(o) = &mut input.odometry {
                    self.turned += [0, 0, 40, 200, 3_142 / (N as u64)][(value / 16 % 5) as usize]
                        .saturating_add_signed(nudge.max(0));
                    o.value.turned_mrad = self.turned as u32;
                }
                if value / 128 % 8 == 0 && self.step % 4 == 1 {
                    input.odometry = None;
                }
            }
            Fault::OdometerBack => {
                if begins {
                    self.travelled = value % (self.travelled + 1);
                    self.turned = which % (self.turned + 1);
                }
                if let Some(o) = &mut input.odometry {
                    (o.value.travelled, o.value.turned_mrad) =
                        (Mm(self.travelled as u32), self.turned as u32);
                }
            }
            Fault::PressAndStart => {
                if begins {
                    input.bumper = Some(true);
                }
                input.reset_button = self.step % 4 != 3;
                if !input.reset_button {
                    let generation = StopGeneration(self.highest + (value % 3) as u32);
                    let step = if value % 5 < 3 { ResetStep::Start } else { ResetStep::Acknowledge };
                    input.reset = Some(Reset { generation, step, actor: ActorId(1) });
                }
                if self.step == from + 6 {
                    input.stop = Some(StopCommand { generation: StopGeneration(self.highest + 1), category });
                }
                self.reset_at = self.step + 2;
            }
            Fault::SkewedCommand => {
                input.request.issued = if begins { at(now + value * 20) } else { at(now - now % 3) }
            }
            // Less is asked, and the base brakes as late and as weakly as it may.
            Fault::SlowDown => {
                if begins {
                    self.lower = self.last.map_or(0, |last| last.twist.linear_mm_per_s / 2);
                }
                input.request.twist = Twist {
                    linear_mm_per_s: 1 + (value % 64) as i32 * self.lower / 64,
                    angular_mrad_per_s: 0,
                };
                // Too fast for as long as the fault lasts, or just at the limit.
                let over = if value % 4 == 0 { nudge } else { nudge.max(0) + (which % 2) as i64 };
                if let Some(o) = &mut input.odometry {
                    o.value.speed = MmPerS(self.hints.fast.saturating_add_signed(over) as u32);
                }
            }
            Fault::Chatter => {
                if (self.step - from) % 4 == 3 || self.at_window {
                    match value % 5 {
                        0 => each(input, &mut |r| r.healthy = false),
                        1 => input.beat = None,
                        2 => input.free_travel = None,
                        3 => input.packs = [None; PACKS],
                        _ => input.emergency_button = None,
                    }
                }
            }
        }
    }
}
