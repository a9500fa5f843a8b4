//! Whether the base does what it was told: speed, stops, standstill. And whether a press of the reset button counts.

use sheepdog_core::{Evidence, Micros, Mm, MmPerS, Relation, RobotTime, StopCategory};

use crate::{
    Config, Input, Odometry, Twist,
    assess::{Dynamics, Findings, evidence, is_standing, micros},
    physics::stopping_distance,
    rules::Code,
    words::{Words, structs},
};

/// What is remembered of what the base was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Supervision {
    told: Told,
    speed: Envelope,
    yaw_rate: Envelope,
    fast_since: Option<RobotTime>,
    spinning_since: Option<RobotTime>,
    still: Option<Still>,
}

/// A robot that is permitted to move and, by its odometer, stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Still {
    since: RobotTime,
    at: Place,
}

/// What an odometer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    travelled: Mm,
    turned_mrad: u32,
}

/// What the base was told last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Told {
    /// Nothing that it has to keep to: it has just booted, or was pushed about while it was latched.
    #[default]
    Nothing,
    /// To move.
    Move,
    /// To stop, and it has not yet.
    Stop(Stopping),
    /// To stop, and it stood here.
    Stand(Place),
}

/// A stop under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stopping {
    since: RobotTime,
    /// Where it began and how far it may take; `None` when nobody knew how fast the robot was.
    way: Option<(Mm, Mm)>,
}

structs! {
    Supervision { told, speed, yaw_rate, fast_since, spinning_since, still }
    Still { since, at }
    Place { travelled, turned_mrad }
    Stopping { since, way }
    Envelope { millionths, recent, since }
    ResetButton { pressed_since }
}

impl Words for Told {
    fn put(&self, out: &mut impl FnMut(u64)) {
        match self {
            Self::Nothing => out(0),
            Self::Move => out(1),
            Self::Stop(stopping) => {
                out(2);
                stopping.put(out);
            }
            Self::Stand(at) => {
                out(3);
                at.put(out);
            }
        }
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match from.next()? {
            0 => Some(Self::Nothing),
            1 => Some(Self::Move),
            2 => Words::take(from).map(Self::Stop),
            3 => Words::take(from).map(Self::Stand),
            _ => None,
        }
    }
}

impl Supervision {
    /// The same with every instant as its age.
    pub(crate) fn aged(mut self, aged: &impl Fn(RobotTime) -> RobotTime) -> Self {
        if let Told::Stop(stopping) = &mut self.told {
            stopping.since = aged(stopping.since);
        }
        self.speed.since = self.speed.since.map(aged);
        self.yaw_rate.since = self.yaw_rate.since.map(aged);
        self.still = self.still.map(|still| Still { since: aged(still.since), ..still });
        self.fast_since = self.fast_since.map(aged);
        self.spinning_since = self.spinning_since.map(aged);
        self
    }

    /// Adds what the base did wrong.
    pub(crate) fn check(
        &mut self,
        config: &Config,
        now: RobotTime,
        motion: Option<Odometry>,
        findings: &mut Findings,
    ) {
        let mut latch = |code, found: Evidence| {
            if found.holds() {
                findings.latch(code, found, StopCategory::Zero);
            }
        };
        match self.told {
            Told::Move => {
                if let Some(fast) = self.overspeed(config, now, motion) {
                    latch(Code::SPD_002, fast);
                }
            }
            Told::Stop(stopping) => {
                if !is_standing(config, motion) {
                    let lasting = now.since(stopping.since).unwrap_or(Micros::ZERO);
                    let limit = micros(config.stop_time_max);
                    latch(Code::STP_002, evidence(Code::STP_002, micros(lasting), Relation::Above, limit));
                }
                // Also in the step that sees it stand: most of the way may lie since the one before.
                if let (Some((from, allowed)), Some(motion)) = (stopping.way, motion) {
                    let way = gone(from, motion);
                    latch(
                        Code::STP_003,
                        evidence(Code::STP_003, way.0.into(), Relation::Above, allowed.0.into()),
                    );
                }
            }
            Told::Nothing => {}
            Told::Stand(at) => {
                let (moved, turned) = motion.map_or((0, 0), |motion| {
                    (gone(at.travelled, motion).0, gone_by(at.turned_mrad, motion.turned_mrad))
                });
                let (window, turn) = (config.standstill_window.0, config.standstill_turn.0);
                for (measured, limit) in [(moved, window), (turned, turn)] {
                    latch(
                        Code::STP_004,
                        evidence(Code::STP_004, measured.into(), Relation::Above, limit.into()),
                    );
                }
            }
        }
        if let Some(spin) = self.spinning(config, now, motion) {
            latch(Code::SPD_005, spin);
        }
        let still = self.still.and_then(|still| now.since(still.since)).unwrap_or(Micros::ZERO);
        let limit = micros(config.still_for);
        findings.deny_if(Code::ODO_002, evidence(Code::ODO_002, micros(still), Relation::Above, limit));
    }

    fn overspeed(&mut self, config: &Config, now: RobotTime, motion: Option<Odometry>) -> Option<Evidence> {
        let limit = with_tolerance(self.speed.now(), config.overspeed_percent, config.standstill.0);
        let fast = evidence(Code::SPD_002, motion?.speed.0.into(), Relation::Above, limit);
        lasting(&mut self.fast_since, now, fast, config.overspeed_for)
    }

    fn spinning(&mut self, config: &Config, now: RobotTime, motion: Option<Odometry>) -> Option<Evidence> {
        let (most, standing) = (config.yaw_rate_max.0.unsigned_abs(), config.standstill_yaw.0.unsigned_abs());
        // Who is not permitted to move may be pushed about.
        let permitted = if self.told == Told::Move { self.yaw_rate.now() } else { most };
        let limit = with_tolerance(permitted, config.overspeed_percent, standing);
        let rate = motion?.yaw_rate.0.unsigned_abs();
        let fast = evidence(Code::SPD_005, rate.into(), Relation::Above, limit);
        lasting(&mut self.spinning_since, now, fast, config.overspeed_for)
    }

    /// Remembers what the base is told now: a motion, or to stand when it is `None`.
    pub(crate) fn tell<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
        motion: Option<Odometry>,
        last: Option<RobotTime>,
        order: Order,
    ) {
        let permitted = match order {
            Order::Move(twist) => twist,
            Order::Stop | Order::Free => Twist::ZERO,
        };
        let fastest = MmPerS(self.speed.now());
        let dynamics = Dynamics::new(config, input);
        let window = Window {
            share: dynamics.reaction.saturating_add(config.cycle_max).as_micros() / 3,
            span: last.and_then(|last| input.now.since(last)).unwrap_or(Micros::ZERO).as_micros(),
            now: input.now,
        };
        let (speed, yaw_rate) =
            (permitted.linear_mm_per_s.unsigned_abs(), permitted.angular_mrad_per_s.unsigned_abs());
        self.speed.follow(window, dynamics.deceleration.0, speed);
        self.yaw_rate.follow(window, config.yaw_deceleration.0, yaw_rate);
        let moves = config.standstill.0 < speed || config.standstill_yaw.0.unsigned_abs() < yaw_rate;
        self.still = motion.filter(|_| moves).map(|motion| {
            let at = Place::of(motion);
            self.still.filter(|still| still.at == at).unwrap_or(Still { since: input.now, at })
        });
        self.told = match (order, self.told) {
            (Order::Free, _) => Told::Nothing,
            (Order::Move(_), _) => Told::Move,
            (Order::Stop, Told::Stand(at)) => Told::Stand(at),
            (Order::Stop, Told::Stop(stopping)) => {
                stood(config, motion).map_or(Told::Stop(stopping), Told::Stand)
            }
            (Order::Stop, Told::Move | Told::Nothing) => stood(config, motion)
                .map_or_else(|| Told::Stop(Stopping::begun(config, input, motion, fastest)), Told::Stand),
        };
        if !matches!(self.told, Told::Move) {
            self.fast_since = None;
        }
    }

    /// Counts spans from now on, because the clock has gone backwards.
    pub(crate) fn forget_instants(&mut self, now: RobotTime) {
        if let Told::Stop(stopping) = &mut self.told {
            stopping.since = now;
        }
        (self.speed.since, self.yaw_rate.since) = (None, None);
        (self.fast_since, self.spinning_since, self.still) = (None, None, None);
    }
}

/// The speed, or yaw rate, that a base may have which does what it is told.
///
/// It may still carry out any command of the time until its brakes act, and from there it brakes. So the envelope goes up
/// at once, and down no faster than the brakes towards the highest of the speeds permitted lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Envelope {
    /// In millionths of its unit: in a short cycle brakes take off less than one.
    millionths: u64,
    /// The highest that were permitted, the newest first; each of the time that a third of the delay takes, or a step.
    recent: [u32; 4],
    /// Since when the newest of them has been collected.
    since: Option<RobotTime>,
}

impl Envelope {
    fn follow(&mut self, Window { share, span, now }: Window, braking: u32, permitted: u32) {
        let collecting = self.since.and_then(|since| now.since(since));
        if collecting.is_none_or(|span| share <= span.as_micros()) {
            let [newest, second, third, _] = self.recent;
            self.recent = [permitted, newest, second, third];
            self.since = Some(now);
        } else {
            let [newest, ..] = &mut self.recent;
            *newest = permitted.max(*newest);
        }
        let lost = span.saturating_mul(braking.into());
        let lately = self.recent.into_iter().fold(0, u32::max);
        self.millionths =
            self.millionths.saturating_sub(lost).max(u64::from(lately).saturating_mul(1_000_000));
    }

    /// Rounded up.
    fn now(&self) -> u32 {
        u32::try_from(self.millionths.div_ceil(1_000_000)).unwrap_or(u32::MAX)
    }
}

/// The time in which an envelope follows.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// A third of the time until the brakes act, microseconds.
    share: u64,
    /// Since the last step, microseconds.
    span: u64,
    now: RobotTime,
}

impl Place {
    const fn of(motion: Odometry) -> Self {
        Self { travelled: motion.travelled, turned_mrad: motion.turned_mrad }
    }
}

/// What the base is told in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// To move like this.
    Move(Twist),
    /// To stop, or to go on standing.
    Stop,
    /// To stand, but nobody minds if it is pushed.
    Free,
}

impl Stopping {
    /// A stop that begins now. The base may still be on its way up to the `fastest` speed permitted lately.
    fn begun<const SENSORS: usize, const SECTORS: usize>(
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
        motion: Option<Odometry>,
        fastest: MmPerS,
    ) -> Self {
        let way = motion.map(|motion| {
            let speed = motion.speed.max(fastest).max(config.standstill);
            let Dynamics { deceleration, delay, .. } = Dynamics::new(config, input);
            let delay = delay.saturating_add(config.cycle_max);
            let predicted = stopping_distance(speed, delay, deceleration).unwrap_or(Mm::MAX);
            let percent = u64::from(predicted.0).saturating_mul(config.stop_distance_percent.into()) / 100;
            let allowed = Mm(u32::try_from(percent).unwrap_or(u32::MAX)).max(config.standstill_window);
            (motion.travelled, allowed)
        });
        Self { since: input.now, way }
    }
}

/// Where the robot stands, if it does.
fn stood(config: &Config, motion: Option<Odometry>) -> Option<Place> {
    is_standing(config, motion).then_some(motion)?.map(Place::of)
}

/// Way since `from`; all of it when the odometer has gone backwards.
fn gone(from: Mm, motion: Odometry) -> Mm {
    Mm(gone_by(from.0, motion.travelled.0))
}

fn gone_by(from: u32, to: u32) -> u32 {
    to.checked_sub(from).unwrap_or(u32::MAX)
}

/// A limit and what may be measured above it.
fn with_tolerance(limit: u32, percent: u32, least: u32) -> i64 {
    let share = i64::from(limit).saturating_mul(percent.into()) / 100;
    i64::from(limit).saturating_add(share.max(least.into()))
}

/// The evidence once it has held for long enough.
fn lasting(since: &mut Option<RobotTime>, now: RobotTime, found: Evidence, span: Micros) -> Option<Evidence> {
    if !found.holds() {
        *since = None;
        return None;
    }
    let begun = *since.get_or_insert(now);
    now.since(begun).filter(|lasted| span <= *lasted).map(|_| found)
}

/// The reset button: what counts as a press.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ResetButton {
    pressed_since: Option<RobotTime>,
}

/// What the button did in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    /// It was let go after the right time.
    Valid,
    /// It was let go too early or too late; the evidence says how long it was pressed.
    Invalid(Evidence),
}

impl ResetButton {
    /// The same with every instant as its age.
    pub(crate) fn aged(self, aged: &impl Fn(RobotTime) -> RobotTime) -> Self {
        Self { pressed_since: self.pressed_since.map(aged) }
    }

    pub(crate) fn observe(&mut self, config: &Config, now: RobotTime, pressed: bool) -> Option<Press> {
        if pressed {
            self.pressed_since = self.pressed_since.or(Some(now));
            return None;
        }
        let held = self.pressed_since.take().map(|since| now.since(since).unwrap_or(Micros::ZERO))?;
        let (least, most) = (micros(config.reset_press_min), micros(config.reset_press_max));
        let checks = [
            evidence(Code::RST_003, micros(held), Relation::Below, least),
            evidence(Code::RST_003, micros(held), Relation::Above, most),
        ];
        Some(checks.into_iter().find(Evidence::holds).map_or(Press::Valid, Press::Invalid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every instant it has is `at`.
    fn remembered(at: RobotTime) -> Supervision {
        let envelope = Envelope { since: Some(at), ..Envelope::default() };
        let place = Place { travelled: Mm(3), turned_mrad: 4 };
        Supervision {
            told: Told::Stop(Stopping { since: at, way: Some((Mm(1), Mm(2))) }),
            speed: envelope,
            yaw_rate: envelope,
            fast_since: Some(at),
            spinning_since: Some(at),
            still: Some(Still { since: at, at: place }),
        }
    }

    #[test]
    fn ages_take_the_place_of_instants_and_of_nothing_else() {
        let (instant, age) = (RobotTime::from_micros(70), RobotTime::from_micros(7));
        let aged = |at: RobotTime| if at == instant { age } else { at };
        assert_eq!(remembered(instant).aged(&aged), remembered(age));
    }

    #[test]
    fn a_clock_gone_backwards_leaves_no_instant_of_before() {
        let (before, now) = (RobotTime::from_micros(70), RobotTime::from_micros(7));
        let mut supervision = remembered(before);
        supervision.forget_instants(now);
        let forgotten = Supervision { told: remembered(now).told, ..Supervision::default() };
        assert_eq!(supervision, forgotten);
    }
}
