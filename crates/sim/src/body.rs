//! The body of a robot: its drive, a circular footprint and the motors' end of the command wire.
//!
//! Base contract: a commanded twist is held until its `until` and not a microsecond longer, on other bases than two driven
//! wheels for [`Kinematics::delay`] at most; then the body brakes to rest by itself, whether or not anybody calls again. Nothing outside holds a body back: two bodies can overlap,
//! and the plant counts that instead of hiding it.

use std::{
    collections::VecDeque,
    f64::consts::{PI, TAU},
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering},
    },
};

use nalgebra::Point2;
use sheepdog_core::{LevelId, Micros, MmPerS, MmPerS2, RobotTime, StopCategory};
use sheepdog_interlock::{Base, Bounded};

use crate::kinematics::{Gait, Kinematics};

/// What a body loses of its speed without brakes, m/s².
const ROLLING_MPS2: f64 = 0.05;
/// And of its yaw rate, rad/s².
const ROLLING_RPS2: f64 = 0.1;
/// Motion of gradual bases is followed in slices of this.
const SLICE: Micros = Micros::from_millis(2);
/// Commands are no later than this, however late a fault makes them.
const DELAY_MAX: Micros = Micros::from_secs(10);

/// What a body can do, whatever it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Highest speed.
    pub speed: MmPerS,
    /// Largest gain of speed per second.
    pub acceleration: MmPerS2,
    /// Loss of speed per second when braking, in every stop category.
    pub deceleration: MmPerS2,
}

/// The last command on its way to the motors. Controller and body run one after the other, so each word only needs
/// to be shared, not ordered against the others.
#[derive(Debug, Default)]
struct Wire {
    linear_mmps: AtomicI32,
    angular_mradps: AtomicI32,
    until_us: AtomicU64,
    /// By how much the controller's clock is ahead of the motors' own.
    ahead_us: AtomicI64,
}

impl Wire {
    fn put(&self, linear_mmps: i32, angular_mradps: i32, until: RobotTime) {
        self.linear_mmps.store(linear_mmps, Ordering::Relaxed);
        self.angular_mradps.store(angular_mradps, Ordering::Relaxed);
        self.until_us.store(until.as_micros(), Ordering::Relaxed);
    }
}

/// The controller's end of the wire: the base that a guarded controller owns.
#[derive(Debug)]
pub struct SimBase {
    wire: Arc<Wire>,
}

impl Base for SimBase {
    fn drive(&mut self, command: Bounded<'_>) {
        let twist = command.twist();
        // The motors count the life of a command on their own clock.
        let ahead = self.wire.ahead_us.load(Ordering::Relaxed);
        let until = command.until().as_micros().saturating_add_signed(ahead.saturating_neg());
        self.wire.put(twist.linear_mm_per_s, twist.angular_mrad_per_s, RobotTime::from_micros(until));
    }

    /// Every category brakes as hard as the body can; the simulated brake does not depend on power.
    fn halt(&mut self, _category: StopCategory) {
        self.wire.put(0, 0, RobotTime::ZERO);
    }
}

/// What is wrong with a drive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drive {
    /// What is left of the brakes, as a factor.
    pub(crate) brakes: f64,
    /// What is done of what is asked, as a factor.
    pub(crate) gain: f64,
    /// What an odometer shows of what is done, as a factor.
    pub(crate) slip: f64,
    /// How late commands reach the motors.
    pub(crate) delay: Micros,
}

impl Drive {
    /// Nothing is.
    pub(crate) const SOUND: Self = Self { brakes: 1.0, gain: 1.0, slip: 1.0, delay: Micros::ZERO };
}

/// A command, and when it reaches the motors.
#[derive(Clone, Copy, Debug)]
struct Command {
    arrives: RobotTime,
    linear_mps: f64,
    angular_rps: f64,
    until: RobotTime,
}

/// The motors' end of the wire, and what they move.
#[derive(Debug)]
pub struct Body {
    wire: Arc<Wire>,
    pub(crate) drive: Drive,
    /// Commands on their way, the oldest first; the last one that has arrived is in front.
    delayed: VecDeque<Command>,
    limits: BodyLimits,
    kinematics: Kinematics,
    /// The step that is being taken, on legs: when it ends, and the command it follows.
    step: Option<(RobotTime, Command)>,
    /// Whether it gains speed, and for how long it has gained or lost it.
    change: (bool, Micros),
    /// The level it stands on.
    pub level: LevelId,
    /// Centre of the footprint in the level's `map` frame, metres.
    pub at: Point2<f64>,
    /// Heading, counter-clockwise from x, in `-π..=π`.
    pub yaw_rad: f64,
    /// The way the body faces, for one that does not turn with its heading.
    faces_rad: f64,
    speed_mps: f64,
    yaw_rate_rps: f64,
    travelled_m: f64,
    turned_rad: f64,
}

impl Body {
    /// A body at rest, and the base that commands it.
    pub fn new(limits: BodyLimits, level: LevelId, at: Point2<f64>, yaw_rad: f64) -> (SimBase, Self) {
        let wire = Arc::new(Wire::default());
        let base = SimBase { wire: Arc::clone(&wire) };
        let rest = Self {
            wire,
            drive: Drive::SOUND,
            delayed: VecDeque::new(),
            limits,
            kinematics: Kinematics::DIFFERENTIAL,
            step: None,
            change: (true, Micros::ZERO),
            level,
            at,
            yaw_rad,
            faces_rad: yaw_rad,
            speed_mps: 0.0,
            yaw_rate_rps: 0.0,
            travelled_m: 0.0,
            turned_rad: 0.0,
        };
        (base, rest)
    }

    /// The same on another base.
    #[must_use]
    pub fn on(self, kinematics: Kinematics) -> Self {
        Self { kinematics, ..self }
    }

    /// The way the body faces, counter-clockwise from x: its heading, unless it rolls any way.
    pub const fn faces_rad(&self) -> f64 {
        if self.kinematics.faces_ahead() { self.yaw_rad } else { self.faces_rad }
    }

    /// Speed along the heading, m/s; negative backwards.
    pub const fn speed_mps(&self) -> f64 {
        self.speed_mps
    }

    /// Yaw rate, rad/s, counter-clockwise.
    pub const fn yaw_rate_rps(&self) -> f64 {
        self.yaw_rate_rps
    }

    /// Length of its path, metres.
    pub const fn travelled_m(&self) -> f64 {
        self.travelled_m
    }

    /// Angle it has turned, both ways added up, radians.
    pub const fn turned_rad(&self) -> f64 {
        self.turned_rad
    }

    /// Whether it neither drives nor turns.
    pub fn at_rest(&self) -> bool {
        self.speed_mps.abs() <= f64::EPSILON && self.yaw_rate_rps.abs() <= f64::EPSILON
    }

    /// Whether a command other than standing still is in force at `now`.
    pub fn commanded(&self, now: RobotTime) -> bool {
        now.as_micros() < self.wire.until_us.load(Ordering::Relaxed) && self.target() != (0.0, 0.0)
    }

    /// Another controller's end of the same wire, for one that boots.
    pub(crate) fn base(&self) -> SimBase {
        SimBase { wire: Arc::clone(&self.wire) }
    }

    /// Says by how much the controller's clock is ahead of this one.
    pub(crate) fn controller_is_ahead(&self, by_us: i64) {
        self.wire.ahead_us.store(by_us, Ordering::Relaxed);
    }

    /// Moves for `span` from `now` on: under each command as far as it lasts, otherwise braking.
    ///
    /// Costs a bit for each command that arrives late and each step on legs, and for each two milliseconds on bases whose
    /// motion is followed in slices.
    pub fn advance(&mut self, now: RobotTime, span: Micros) {
        self.hear(now);
        let end = now + span;
        let mut at = now;
        while at < end {
            let Command { linear_mps, angular_rps, until, .. } = self.followed(at);
            let next = self.next_change(at).map_or(end, |change| change.min(end));
            let driven = until.min(next).since(at).unwrap_or(Micros::ZERO);
            self.integrate(linear_mps * self.drive.gain, angular_rps * self.drive.gain, driven);
            self.integrate(0.0, 0.0, next.since(at + driven).unwrap_or(Micros::ZERO));
            at = next;
        }
    }

    /// Moves for `span` without power: brakes, whatever is commanded.
    pub fn coast(&mut self, span: Micros) {
        self.step = None;
        self.integrate(0.0, 0.0, span);
    }

    /// When another command may begin to move the base, after `at`.
    fn next_change(&self, at: RobotTime) -> Option<RobotTime> {
        let arrival = self.delayed.iter().map(|command| command.arrives).find(|arrives| at < *arrives);
        let footfall = match self.kinematics.gait {
            Gait::Turning | Gait::Rolling | Gait::Steered { .. } => None,
            Gait::Walking { step } => Some(footfall(at, step)),
        };
        arrival.into_iter().chain(footfall).min()
    }

    /// The command that moves the base at `at`: on legs, that of the last footfall until the next one.
    fn followed(&mut self, at: RobotTime) -> Command {
        let known = self.known(at);
        let Gait::Walking { step } = self.kinematics.gait else { return known };
        let ends = footfall(at, step);
        let until = if at < known.until { ends } else { at };
        let begun = Command { until, ..known };
        let (taken, followed) = self.step.filter(|(taken, _)| *taken == ends).unwrap_or((ends, begun));
        self.step = Some((taken, followed));
        followed
    }

    /// Takes in what the controller commands now; it reaches the motors at once or later.
    fn hear(&mut self, now: RobotTime) {
        let (linear_mps, angular_rps) = self.target();
        let until = RobotTime::from_micros(self.wire.until_us.load(Ordering::Relaxed));
        let delay = self.drive.delay.saturating_add(self.kinematics.actuation).min(DELAY_MAX);
        if delay == Micros::ZERO {
            self.delayed.clear();
        }
        // Late commands last as long as they would have lasted.
        let (arrives, until) = (now + delay, until + delay);
        self.delayed.push_back(Command { arrives, linear_mps, angular_rps, until });
    }

    /// The command that the motors know at `at`.
    fn known(&mut self, at: RobotTime) -> Command {
        while self.delayed.get(1).is_some_and(|next| next.arrives <= at) {
            self.delayed.pop_front();
        }
        let none = Command { arrives: at, linear_mps: 0.0, angular_rps: 0.0, until: at };
        self.delayed.front().copied().filter(|first| first.arrives <= at).unwrap_or(none)
    }

    fn target(&self) -> (f64, f64) {
        let top_mps = f64::from(self.limits.speed.0) / 1e3;
        let linear_mps = f64::from(self.wire.linear_mmps.load(Ordering::Relaxed)) / 1e3;
        let angular_rps = f64::from(self.wire.angular_mradps.load(Ordering::Relaxed)) / 1e3;
        let top_rps = f64::from(self.kinematics.heading_rate_max().0) / 1e3;
        (linear_mps.clamp(-top_mps, top_mps), angular_rps.clamp(-top_rps, top_rps))
    }

    fn integrate(&mut self, linear_mps: f64, angular_rps: f64, span: Micros) {
        if !self.kinematics.is_gradual() {
            return self.integrate_evenly(linear_mps, angular_rps, span);
        }
        let mut left = span;
        while Micros::ZERO < left {
            let slice = left.min(SLICE);
            let rate = angular_rps.clamp(-self.yaw_rate_max(), self.yaw_rate_max());
            self.integrate_evenly(linear_mps, rate, slice);
            let bound = self.yaw_rate_max();
            self.yaw_rate_rps = self.yaw_rate_rps.clamp(-bound, bound);
            left = left.saturating_sub(slice);
        }
    }

    fn yaw_rate_max(&self) -> f64 {
        self.kinematics.yaw_rate_max(self.speed_mps)
    }

    /// The share of its acceleration or of its brakes, with these full values, that acts on the way to a speed.
    fn acting(&mut self, linear_mps: f64, (up, down): (f64, f64), span: Micros) -> f64 {
        let gains = self.speed_mps.abs() < linear_mps.abs() && 0.0 <= self.speed_mps * linear_mps;
        let holds = (self.speed_mps - linear_mps).abs() <= f64::EPSILON;
        let (gained, risen) = self.change;
        let before = if holds || gained != gains { Micros::ZERO } else { risen };
        self.change = (gains, before.saturating_add(span));
        let full_mps2 = if gains { up } else { down };
        self.kinematics.share(before, (self.speed_mps - linear_mps).abs() / full_mps2)
    }

    fn integrate_evenly(&mut self, linear_mps: f64, angular_rps: f64, span: Micros) {
        if span == Micros::ZERO {
            return;
        }
        let span_s = span.as_secs_f64();
        let up = f64::from(self.limits.acceleration.0) / 1e3;
        let declared = f64::from(self.limits.deceleration.0) / 1e3;
        let down = (declared * self.drive.brakes).max(ROLLING_MPS2.min(declared));
        let acting = self.acting(linear_mps, (up, down), span);
        let turning_up = self.kinematics.heading_acceleration_rps2();
        let turning_down = (turning_up * self.drive.brakes).max(ROLLING_RPS2);
        let (speed_mps, driven_m) = ramp(self.speed_mps, linear_mps, up * acting, down * acting, span_s);
        let (yaw_rate_rps, turned_rad) =
            ramp(self.yaw_rate_rps, angular_rps, turning_up, turning_down, span_s);
        // The chord of the arc, along its mean heading.
        let heading_rad = self.yaw_rad + turned_rad / 2.0;
        self.at.x += driven_m * libm::cos(heading_rad);
        self.at.y += driven_m * libm::sin(heading_rad);
        self.yaw_rad = wrapped(self.yaw_rad + turned_rad);
        self.travelled_m += driven_m.abs() * self.drive.slip;
        self.turned_rad += turned_rad.abs() * self.drive.slip;
        self.speed_mps = speed_mps;
        self.yaw_rate_rps = yaw_rate_rps;
    }
}

/// The end of the step that is being taken at an instant.
fn footfall(at: RobotTime, step: Micros) -> RobotTime {
    let step_us = step.as_micros().max(1);
    RobotTime::from_micros((at.as_micros() / step_us + 1).saturating_mul(step_us))
}

/// Brings `rate` towards `target` for `span_s`: gains at `up`, losses at `down`, reversal through zero.
/// Returns the rate at the end and the integral over the span.
fn ramp(rate: f64, target: f64, up: f64, down: f64, span_s: f64) -> (f64, f64) {
    if rate * target < 0.0 {
        let braking_s = if 0.0 < down { (rate.abs() / down).min(span_s) } else { span_s };
        let (slowed, first) = linear(rate, 0.0, down, braking_s);
        let (end, second) = linear(slowed, target, up, span_s - braking_s);
        return (end, first + second);
    }
    let change = if rate.abs() < target.abs() { up } else { down };
    linear(rate, target, change, span_s)
}

fn linear(rate: f64, target: f64, change: f64, span_s: f64) -> (f64, f64) {
    let gap = target - rate;
    if change <= 0.0 {
        return (rate, rate * span_s);
    }
    let reached_s = gap.abs() / change;
    if reached_s <= span_s {
        return (target, rate.midpoint(target) * reached_s + target * (span_s - reached_s));
    }
    let end = rate + change.copysign(gap) * span_s;
    (end, rate.midpoint(end) * span_s)
}

/// The same direction in `-π..=π`.
pub(crate) fn wrapped(yaw_rad: f64) -> f64 {
    if yaw_rad.abs() <= PI { yaw_rad } else { yaw_rad - TAU * libm::round(yaw_rad / TAU) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: BodyLimits =
        BodyLimits { speed: MmPerS(1_200), acceleration: MmPerS2(500), deceleration: MmPerS2(800) };

    fn body() -> (SimBase, Body) {
        Body::new(LIMITS, LevelId(0), Point2::origin(), 0.0)
    }

    #[test]
    fn a_command_is_followed_within_the_limits() {
        let (base, mut body) = body();
        base.wire.put(9_000, 0, RobotTime::from_micros(10_000_000));
        body.advance(RobotTime::ZERO, Micros::from_secs(1));
        assert!((body.speed_mps() - 0.5).abs() < 1e-12 && (body.at.x - 0.25).abs() < 1e-12);
        body.advance(RobotTime::from_micros(1_000_000), Micros::from_secs(9));
        assert!((body.speed_mps() - 1.2).abs() < 1e-12);
    }

    #[test]
    fn turning_on_the_spot_wraps_the_yaw() {
        let (base, mut body) = body();
        base.wire.put(0, 1_000, RobotTime::from_micros(10_000_000));
        body.advance(RobotTime::ZERO, Micros::from_secs(10));
        // Ten seconds at 1 rad/s less the ramp, less two full turns.
        let turned = 10.0 - 1.0 / Kinematics::DIFFERENTIAL.heading_acceleration_rps2() / 2.0;
        assert!((body.yaw_rad - (turned - 2.0 * TAU)).abs() < 1e-9);
        assert!(body.at == Point2::origin());
    }

    /// East, then north, then back to the start, in the time that a trolley on two wheels needs for the first bend.
    #[test]
    fn a_base_that_rolls_any_way_goes_round_corners_without_turning() {
        let (base, body) = body();
        let mut body = body.on(Kinematics::OMNIDIRECTIONAL);
        let mut now = RobotTime::ZERO;
        let mut run = |linear, angular, millis| {
            let span = Micros::from_millis(millis);
            base.wire.put(linear, angular, now + span);
            body.advance(now, span);
            now = now + span;
            body.advance(now, Micros::from_millis(1_500));
            now = now + Micros::from_millis(1_500);
            (body.at, body.yaw_rad, body.faces_rad())
        };
        let (east, ..) = run(1_000, 0, 2_000);
        assert!(0.5 < east.x && east.y.abs() < 1e-12);
        let (_, yaw_rad, faces_rad) = run(0, 5_400, 312);
        assert!((yaw_rad - TAU / 4.0).abs() < 0.2 && faces_rad == 0.0, "{yaw_rad}");
        let (north, _, faces_rad) = run(1_000, 0, 2_000);
        assert!(0.5 < north.y && (north.x - east.x).abs() < 0.2 && faces_rad == 0.0);
        let sideways = run(-1_000, 0, 2_000).0;
        assert!(sideways.y < north.y);
    }

    #[test]
    fn halt_brakes_at_once() {
        let (mut base, mut body) = body();
        base.wire.put(1_000, 0, RobotTime::MAX);
        body.advance(RobotTime::ZERO, Micros::from_secs(5));
        base.halt(StopCategory::Zero);
        assert!(!body.commanded(RobotTime::ZERO));
        let before = body.at.x;
        body.advance(RobotTime::from_micros(5_000_000), Micros::from_secs(2));
        assert!(body.at_rest());
        assert!((body.at.x - before - 1.0 / (2.0 * 0.8)).abs() < 1e-9);
    }

    const BASES: [Kinematics; 5] = [
        Kinematics::DIFFERENTIAL,
        Kinematics::OMNIDIRECTIONAL,
        Kinematics::VEHICLE,
        Kinematics::HUMANOID,
        Kinematics::DRONE,
    ];

    #[test]
    fn steered_wheels_turn_no_tighter_than_they_can_and_not_on_the_spot() {
        let (base, body) = body();
        let mut body = body.on(Kinematics::VEHICLE);
        base.wire.put(0, 1_500, RobotTime::MAX);
        body.advance(RobotTime::ZERO, Micros::from_secs(5));
        assert!(body.at_rest() && body.turned_rad() == 0.0);
        base.wire.put(1_000, 1_500, RobotTime::MAX);
        let mut now = RobotTime::from_micros(5_000_000);
        for _ in 0..400 {
            body.advance(now, Micros::from_millis(50));
            now = now + Micros::from_millis(50);
        }
        // After twenty seconds it goes round a circle of two metres.
        assert!((body.yaw_rate_rps() - 0.5).abs() < 1e-3, "{}", body.yaw_rate_rps());
    }

    #[test]
    fn legs_finish_their_step() {
        let (mut base, body) = body();
        let mut body =
            body.on(Kinematics { actuation: Micros::ZERO, onset: Micros::ZERO, ..Kinematics::HUMANOID });
        let tick = Micros::from_millis(50);
        let mut now = RobotTime::ZERO;
        let mut go = |body: &mut Body, ticks: u32| {
            for _ in 0..ticks {
                body.advance(now, tick);
                now = now + tick;
            }
        };
        base.wire.put(1_000, 0, RobotTime::MAX);
        go(&mut body, 81);
        // 50 ms into a step it is told to stop, and goes on for the other 350.
        base.halt(StopCategory::Zero);
        go(&mut body, 7);
        assert!((body.speed_mps() - 1.0).abs() < 1e-9);
        go(&mut body, 1);
        assert!(body.speed_mps() < 1.0);
    }

    #[test]
    fn legs_that_are_told_to_go_on_do_not_brake_between_two_ticks() {
        let (base, body) = body();
        let mut body = body.on(Kinematics::HUMANOID);
        base.wire.put(1_000, 0, RobotTime::MAX);
        for tick in 0..200 {
            body.advance(RobotTime::from_micros(13_000 + tick * 50_000), Micros::from_millis(50));
            assert!(tick < 100 || (body.speed_mps() - 1.0).abs() < 1e-9, "{}", body.speed_mps());
        }
    }

    #[test]
    fn acceleration_comes_and_goes_evenly() {
        let (base, body) = body();
        let kinematics = Kinematics { onset: Micros::from_millis(300), ..Kinematics::DIFFERENTIAL };
        let mut body = body.on(kinematics);
        let tick = Micros::from_millis(10);
        let mut now = RobotTime::ZERO;
        for (target_mmps, full_mps2) in [(1_000, LIMITS.acceleration), (0, LIMITS.deceleration)] {
            base.wire.put(target_mmps, 0, RobotTime::MAX);
            let full_mps2 = f64::from(full_mps2.0) / 1e3;
            let jerk_mps3 = full_mps2 / 0.3;
            let (mut acceleration_mps2, mut took_s) = (0.0, 0.0);
            while (body.speed_mps() - f64::from(target_mmps) / 1e3).abs() > 1e-9 {
                let before_mps = body.speed_mps();
                body.advance(now, tick);
                (now, took_s) = (now + tick, took_s + 0.01);
                let now_mps2 = (body.speed_mps() - before_mps).abs() / 0.01;
                let change_mps2 = f64::abs(now_mps2 - acceleration_mps2);
                assert!(change_mps2 <= jerk_mps3 * 0.01 * 1.5, "{change_mps2} m/s² after {took_s} s");
                acceleration_mps2 = now_mps2;
            }
            // The time at the full value, and once the onset.
            let ideal_s = 1.0 / full_mps2 + 0.3;
            assert!((ideal_s - 0.02..ideal_s + 0.05).contains(&took_s), "{took_s} s for {ideal_s} s");
        }
    }

    proptest! {
        /// However it moves, a body stands within the way that its kinematics declare, and then for ever.
        #[test]
        fn every_base_stops_within_its_distance(
            base in prop::sample::select(BASES.to_vec()),
            linear in 0..1_200_i32, angular in -1_500..1_500_i32, driven in 1..200_u32, tick_ms in 5..100_u64,
            offset_us in 0..1_000_000_u64,
        ) {
            let (mut wire, body) = body();
            let mut body = body.on(base);
            let tick = Micros::from_millis(tick_ms);
            wire.wire.put(linear, angular, RobotTime::MAX);
            let mut now = RobotTime::from_micros(offset_us);
            for _ in 0..driven {
                body.advance(now, tick);
                now = now + tick;
                if let Gait::Steered { .. } = base.gait {
                    prop_assert!(body.yaw_rate_rps().abs() <= base.yaw_rate_max(body.speed_mps()) + 1e-9);
                }
            }
            // It may still have been gaining speed.
            let speed_mps = body.speed_mps().max(f64::from(linear) / 1e3);
            let (before, travelled) = (body.at, body.travelled_m());
            wire.halt(StopCategory::One);
            let bound = crate::stopping_distance_m(base, speed_mps, LIMITS.deceleration);
            for _ in 0..(10_000 / tick_ms) {
                body.advance(now, tick);
                now = now + tick;
            }
            prop_assert!(body.at_rest());
            prop_assert!(nalgebra::distance(&before, &body.at) <= bound + 1e-9);
            prop_assert!(body.travelled_m() - travelled <= bound + 1e-9);
        }

        /// Base contract: after `until` the body covers at most its braking distance and then stands for ever.
        #[test]
        fn no_motion_after_until_but_braking(
            linear in -2_000..2_000_i32, angular in -3_000..3_000_i32, until in 0..4_000_000_u64,
            tick in 1..200_000_u64,
        ) {
            let (base, mut body) = body();
            base.wire.put(linear, angular, RobotTime::from_micros(until));
            let mut now = 0;
            while now + tick <= until {
                body.advance(RobotTime::from_micros(now), Micros::new(tick));
                now += tick;
            }
            body.advance(RobotTime::from_micros(now), Micros::new(until - now));
            let (lapsed, speed, rate) = (body.at, body.speed_mps(), body.yaw_rate_rps());
            body.advance(RobotTime::from_micros(until), Micros::from_secs(10));
            let covered = nalgebra::distance(&lapsed, &body.at);
            prop_assert!(covered <= speed * speed / (2.0 * 0.8) + 1e-9);
            prop_assert!(body.at_rest());
            prop_assert!(rate.abs() <= 2.0 && speed.abs() <= 1.2 + 1e-12);
            let rest = body.at;
            body.advance(RobotTime::from_micros(until), Micros::from_secs(3_600));
            prop_assert!(rest == body.at);
        }

        /// How time is cut into ticks does not change the straight path.
        #[test]
        fn ticks_do_not_matter_on_a_straight_line(
            linear in -1_500..1_500_i32, until in 0..3_000_000_u64, cut in 1..3_000_000_u64,
        ) {
            let (one, mut whole) = body();
            let (two, mut parts) = body();
            for base in [&one, &two] {
                base.wire.put(linear, 0, RobotTime::from_micros(until));
            }
            whole.advance(RobotTime::ZERO, Micros::from_secs(3));
            parts.advance(RobotTime::ZERO, Micros::new(cut));
            parts.advance(RobotTime::from_micros(cut), Micros::new(3_000_000 - cut));
            prop_assert!((whole.at - parts.at).norm() < 1e-9);
            prop_assert!((whole.speed_mps() - parts.speed_mps()).abs() < 1e-9);
        }
    }
}
