//! The state machine: findings and time go in, a decision comes out.

use core::fmt;

use sheepdog_core::{Evidence, Micros, MmPerS, Relation, RobotTime, RuleId, StopCategory, StopGeneration};

use crate::{
    Config, Input, Reset, ResetStep, RuleSet, Twist, ValidConfig,
    assess::{Findings, Past, assess, evidence, is_standing, micros},
    rules::{
        ARM_001, ARM_003, IDL_001, LOG_001, MOV_001, OBS_002, OBS_003, RST_001, RST_002, RULES, SPD_004,
        STP_001,
    },
};

/// What the interlock decided in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The decision.
    pub verdict: Verdict,
    /// The motion that is permitted: the request, scaled down where a limit asks for it; zero unless the verdict
    /// is [`Verdict::Move`].
    pub twist: Twist,
    /// The speed limit in force; zero when the verdict is a stop.
    pub speed_limit: MmPerS,
    /// Every rule that fired; `primary` is one of them.
    pub rules: RuleSet,
    /// The rule that decided.
    pub primary: RuleId,
    /// Why it fired. [`Evidence::holds`] is true.
    pub evidence: Evidence,
}

/// Whether a robot may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may, for the life of one permit.
    Move,
    /// It may not.
    Stop {
        /// How motion ends.
        category: StopCategory,
        /// The primary rule.
        rule: RuleId,
    },
    /// Nobody asks for motion, and nothing is wrong that would latch or has to be recovered from.
    Idle,
}

/// Where an [`Interlock`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Just started; nothing has been proven yet.
    Boot,
    /// Standing after a stop; resumes when the inputs have been good for the dwell.
    Stopped {
        /// What stopped it, or keeps it.
        rule: RuleId,
    },
    /// Permitted to move slowly.
    Slow,
    /// Permitted to move.
    Ready,
    /// Told to stop and still moving.
    Stopping {
        /// What stops it.
        rule: RuleId,
    },
    /// Stopped until a person resets it.
    Latched {
        /// What latched it, with the values it fired on.
        evidence: Evidence,
        /// How motion ends.
        category: StopCategory,
    },
    /// The latch is released; a separate start is awaited.
    Acknowledged {
        /// What had latched it.
        rule: RuleId,
    },
}

impl State {
    /// The rule that put the interlock into this state; `None` when it may move or has just booted.
    pub const fn cause(&self) -> Option<RuleId> {
        match self {
            Self::Boot | Self::Slow | Self::Ready => None,
            Self::Stopped { rule } | Self::Stopping { rule } | Self::Acknowledged { rule } => Some(*rule),
            Self::Latched { evidence, .. } => Some(evidence.rule),
        }
    }

    /// Whether a person has to do something before the robot can move.
    pub const fn needs_person(&self) -> bool {
        matches!(self, Self::Latched { .. } | Self::Acknowledged { .. })
    }
}

/// The safety kernel of one robot, for `SENSORS` sensors and `SECTORS` angular sectors (at most 32).
///
/// It never reads a clock and never talks to a motor; [`Guarded`](crate::Guarded) does the latter with its
/// decisions. A step is a pure function of the state and the input.
#[derive(Clone)]
pub struct Interlock<const SENSORS: usize, const SECTORS: usize> {
    config: ValidConfig,
    state: State,
    last: Option<RobotTime>,
    good_since: Option<RobotTime>,
    risen_since: Option<RobotTime>,
    stopping_since: Option<RobotTime>,
    highest_stop: Option<StopGeneration>,
    cleared: Option<StopGeneration>,
}

impl<const SENSORS: usize, const SECTORS: usize> fmt::Debug for Interlock<SENSORS, SECTORS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interlock").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<const SENSORS: usize, const SECTORS: usize> Interlock<SENSORS, SECTORS> {
    /// An interlock that has just booted: it permits nothing before its inputs have been good for the dwell.
    ///
    /// More than 32 sectors, no sector or no sensor do not compile.
    pub const fn new(config: ValidConfig) -> Self {
        const {
            assert!(0 < SENSORS, "an interlock needs a sensor");
            assert!(0 < SECTORS && SECTORS <= 32, "sectors are the bits of a u32");
        }
        Self {
            config,
            state: State::Boot,
            last: None,
            good_since: None,
            risen_since: None,
            stopping_since: None,
            highest_stop: None,
            cleared: None,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Its settings.
    pub const fn config(&self) -> &Config {
        self.config.get()
    }

    /// The highest stop order that has latched it.
    pub const fn highest_stop(&self) -> Option<StopGeneration> {
        self.highest_stop
    }

    /// Decides on one input. Time bounded by `SENSORS * SECTORS`; no allocation, no floats, no panic.
    pub fn step(&mut self, input: &Input<SENSORS, SECTORS>) -> Decision {
        let cleared = self.would_clear(input.reset);
        let past = Past { last: self.last, cleared, stopping_since: self.stopping_since };
        let mut findings = assess(self.config.get(), &past, input);
        if findings.rules.contains(crate::rules::EST_001) {
            self.highest_stop = self.highest_stop.max(input.stop.map(|stop| stop.generation));
        }
        self.watch_dwells(input.now, &findings);
        let signals = self.signals(input);
        let before = self.state;
        self.state = next(before, event(input, &findings, self.config.get()), signals);
        self.on_entry(before, cleared, input.now);
        let decision = self.decide(input, &mut findings);
        self.watch_stop(input, decision.verdict);
        self.last = Some(input.now);
        decision
    }

    /// Turns a decision whose record was refused into a latched stop (LOG-001).
    pub fn refuse_record(&mut self) -> Decision {
        let refused = evidence(LOG_001, 0, Relation::Below, 1);
        let event = Event::Latch { evidence: refused, category: StopCategory::Zero };
        self.state = next(self.state, event, Signals::default());
        stop(refused, StopCategory::Zero, RuleSet::EMPTY)
    }

    /// The highest cleared stop if this reset is accepted; whether it is, the signals say.
    fn would_clear(&self, reset: Option<Reset>) -> Option<StopGeneration> {
        match (self.state, reset) {
            (State::Latched { .. }, Some(Reset { generation, step: ResetStep::Acknowledge })) => {
                self.cleared.max(Some(generation))
            }
            (
                State::Boot
                | State::Stopped { .. }
                | State::Slow
                | State::Ready
                | State::Stopping { .. }
                | State::Latched { .. }
                | State::Acknowledged { .. },
                _,
            ) => self.cleared,
        }
    }

    fn watch_dwells(&mut self, now: RobotTime, findings: &Findings) {
        let clear = findings.latch.is_none() && findings.deny.is_none();
        let good = clear && self.config().confidence_rearm <= findings.lowest;
        let risen = clear && self.config().confidence_slow <= findings.lowest;
        self.good_since = if good { self.good_since.or(Some(now)) } else { None };
        self.risen_since = if risen { self.risen_since.or(Some(now)) } else { None };
    }

    fn signals(&self, input: &Input<SENSORS, SECTORS>) -> Signals {
        let standing = is_standing(self.config.get(), input.speed);
        let (mut acknowledge, mut start) = (false, false);
        if let Some(reset) = input.reset
            && self.highest_stop <= Some(reset.generation)
        {
            match reset.step {
                ResetStep::Acknowledge => acknowledge = standing,
                ResetStep::Start => start = true,
            }
        }
        Signals {
            standing,
            armed: standing && self.config().dwell <= span(self.good_since, input.now),
            risen: self.risen_since.is_some() && self.config().dwell_up <= span(self.risen_since, input.now),
            acknowledge,
            start,
        }
    }

    /// What changing state changes beside it.
    fn on_entry(&mut self, before: State, cleared: Option<StopGeneration>, now: RobotTime) {
        match (before, self.state) {
            (State::Latched { .. }, State::Acknowledged { .. }) => self.cleared = cleared,
            // The dwell counts from the start order: nobody knows how long the good inputs meant anything.
            (State::Acknowledged { .. }, State::Stopped { .. }) => self.good_since = None,
            (State::Boot | State::Stopped { .. } | State::Stopping { .. }, State::Slow) => {
                self.risen_since = self.risen_since.map(|_| now);
            }
            (
                State::Boot
                | State::Stopped { .. }
                | State::Slow
                | State::Ready
                | State::Stopping { .. }
                | State::Latched { .. }
                | State::Acknowledged { .. },
                _,
            ) => {}
        }
    }

    fn decide(&self, input: &Input<SENSORS, SECTORS>, findings: &mut Findings) -> Decision {
        match self.state {
            State::Latched { evidence, category } => {
                let rules = findings.rules.with(RST_001);
                stop(evidence, category, rules)
            }
            State::Acknowledged { .. } => {
                stop(evidence(RST_002, 1, Relation::Below, 2), StopCategory::One, findings.rules)
            }
            State::Boot | State::Stopped { .. } | State::Stopping { .. } => {
                let waiting = self.waiting_for(input, findings);
                stop(waiting, category(waiting.rule), findings.rules)
            }
            State::Slow | State::Ready if input.request.twist.is_zero() => idle(findings.limit.0),
            State::Slow | State::Ready => match findings.hold {
                Some(hold) => stop(hold, category(hold.rule), findings.rules),
                None => self.permit(input, findings),
            },
        }
    }

    /// Why a robot that is not latched does not move yet.
    fn waiting_for(&self, input: &Input<SENSORS, SECTORS>, findings: &Findings) -> Evidence {
        if let Some(deny) = findings.deny {
            return deny;
        }
        let speed = input.speed.unwrap_or(MmPerS::MAX).0.into();
        let moving = evidence(STP_001, speed, Relation::Above, self.config().standstill.0.into());
        if moving.holds() {
            return moving;
        }
        let rearm = self.config().confidence_rearm.ppm().into();
        let low = evidence(ARM_003, findings.lowest.ppm().into(), Relation::Below, rearm);
        if low.holds() {
            return low;
        }
        let elapsed = span(self.good_since, input.now);
        evidence(ARM_001, micros(elapsed), Relation::Below, micros(self.config().dwell))
    }

    fn permit(&self, input: &Input<SENSORS, SECTORS>, findings: &mut Findings) -> Decision {
        if self.state == State::Slow {
            let slow = self.config().confidence_slow.ppm().into();
            let low = evidence(OBS_002, findings.lowest.ppm().into(), Relation::Below, slow);
            let elapsed = micros(span(self.risen_since, input.now));
            let young = evidence(OBS_003, elapsed, Relation::Below, micros(self.config().dwell_up));
            findings.limit(self.config().speed_slow, if low.holds() { low } else { young });
        }
        let request = input.request.twist;
        let yaw_rate = request.angular_mrad_per_s.unsigned_abs();
        let yaw_limit = self.config().yaw_rate_max.0.unsigned_abs();
        let fast_yaw = evidence(SPD_004, yaw_rate.into(), Relation::Above, yaw_limit.into());
        if fast_yaw.holds() {
            findings.rules = findings.rules.with(SPD_004);
        }
        let (speed_limit, tightest) = findings.limit;
        let speed = request.linear_mm_per_s.unsigned_abs();
        let linear = Scale { to: speed_limit.0, from: speed };
        let angular = Scale { to: yaw_limit, from: yaw_rate };
        let scale = linear.smaller(angular);
        let reason = if scale.is_whole() {
            evidence(MOV_001, speed.into(), Relation::AtMost, speed_limit.0.into())
        } else if scale == linear {
            tightest
        } else {
            fast_yaw
        };
        Decision {
            verdict: Verdict::Move,
            twist: scale.apply(request),
            speed_limit,
            rules: findings.rules.with(reason.rule),
            primary: reason.rule,
            evidence: reason,
        }
    }

    fn watch_stop(&mut self, input: &Input<SENSORS, SECTORS>, verdict: Verdict) {
        let told = matches!(verdict, Verdict::Stop { .. }) && self.state != State::Boot;
        let moving = !is_standing(self.config.get(), input.speed);
        self.stopping_since = if told && moving { self.stopping_since.or(Some(input.now)) } else { None };
    }
}

/// What a step means to the state machine.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A rule that latches fired.
    Latch { evidence: Evidence, category: StopCategory },
    /// Motion is requested and a rule stops it.
    Deny(RuleId),
    /// Motion is requested and nothing stops it; confidence may be in the slow band.
    Clear { slow: bool },
    /// No motion is requested.
    Idle,
}

/// Conditions of transitions.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five independent conditions of one table")]
struct Signals {
    standing: bool,
    /// Standing, and all inputs good for the dwell.
    armed: bool,
    /// Confidence above the slow band for its dwell.
    risen: bool,
    /// A person acknowledges the highest stop and the robot stands; that the cause is gone, the event says.
    acknowledge: bool,
    /// A person starts the robot after the highest stop.
    start: bool,
}

fn event<const SENSORS: usize, const SECTORS: usize>(
    input: &Input<SENSORS, SECTORS>,
    findings: &Findings,
    config: &Config,
) -> Event {
    if let Some((evidence, category)) = findings.latch {
        return Event::Latch { evidence, category };
    }
    if input.request.twist.is_zero() {
        return Event::Idle;
    }
    match findings.deny {
        Some(deny) => Event::Deny(deny.rule),
        None => Event::Clear { slow: findings.lowest < config.confidence_slow },
    }
}

/// The transition table: one row per state and event, most urgent first.
#[expect(
    clippy::match_same_arms,
    reason = "a table is read by rows; merged rows would hide which pairs agree"
)]
fn next(state: State, event: Event, signals: Signals) -> State {
    use Event::{Clear, Deny, Idle, Latch};
    match (state, event) {
        (State::Latched { evidence, category }, Latch { category: other, .. }) => {
            State::Latched { evidence, category: category.min(other) }
        }
        (
            State::Boot
            | State::Stopped { .. }
            | State::Slow
            | State::Ready
            | State::Stopping { .. }
            | State::Acknowledged { .. },
            Latch { evidence, category },
        ) => State::Latched { evidence, category },

        (State::Latched { evidence, .. }, Deny(_) | Clear { .. } | Idle) if signals.acknowledge => {
            State::Acknowledged { rule: evidence.rule }
        }
        (State::Latched { evidence, category }, Deny(_) | Clear { .. } | Idle) => {
            State::Latched { evidence, category }
        }
        (State::Acknowledged { rule }, Deny(_) | Clear { .. } | Idle) if signals.start => {
            State::Stopped { rule }
        }
        (State::Acknowledged { rule }, Deny(_) | Clear { .. } | Idle) => State::Acknowledged { rule },

        (State::Boot, Clear { .. } | Idle) if signals.armed => State::Slow,
        (State::Boot, Deny(_) | Clear { .. } | Idle) => State::Boot,

        (State::Stopped { .. } | State::Stopping { .. } | State::Slow | State::Ready, Deny(rule)) => {
            halted(rule, signals.standing)
        }
        (State::Stopped { .. } | State::Stopping { .. }, Clear { .. } | Idle) if signals.armed => State::Slow,
        (State::Stopped { rule } | State::Stopping { rule }, Clear { .. } | Idle) => {
            halted(rule, signals.standing)
        }

        (State::Slow, Clear { .. } | Idle) if signals.risen => State::Ready,
        (State::Slow, Clear { .. } | Idle) => State::Slow,
        (State::Ready, Clear { slow: true }) => State::Slow,
        (State::Ready, Clear { slow: false } | Idle) => State::Ready,
    }
}

fn halted(rule: RuleId, standing: bool) -> State {
    if standing { State::Stopped { rule } } else { State::Stopping { rule } }
}

fn stop(evidence: Evidence, category: StopCategory, rules: RuleSet) -> Decision {
    Decision {
        verdict: Verdict::Stop { category, rule: evidence.rule },
        twist: Twist::ZERO,
        speed_limit: MmPerS::ZERO,
        rules: rules.with(evidence.rule),
        primary: evidence.rule,
        evidence,
    }
}

fn idle(speed_limit: MmPerS) -> Decision {
    let evidence = evidence(IDL_001, 0, Relation::Below, 1);
    Decision {
        verdict: Verdict::Idle,
        twist: Twist::ZERO,
        speed_limit,
        rules: RuleSet::EMPTY.with(IDL_001),
        primary: IDL_001,
        evidence,
    }
}

/// The category that the catalogue gives a rule; category 0 for a rule that has none.
fn category(rule: RuleId) -> StopCategory {
    RULES.iter().find(|entry| entry.id == rule).and_then(|entry| entry.category).unwrap_or(StopCategory::Zero)
}

/// Time since an instant; zero when there is none or it lies in the future.
fn span(since: Option<RobotTime>, now: RobotTime) -> Micros {
    since.and_then(|since| now.since(since)).unwrap_or(Micros::ZERO)
}

/// A factor `to / from`, one when `from` does not exceed `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    to: u32,
    from: u32,
}

impl Scale {
    fn is_whole(self) -> bool {
        self.from <= self.to
    }

    /// The smaller factor; the first of equal ones.
    fn smaller(self, other: Self) -> Self {
        if other.is_whole() {
            return self;
        }
        let mine = u64::from(self.to).saturating_mul(other.from.into());
        let theirs = u64::from(other.to).saturating_mul(self.from.into());
        if self.is_whole() || theirs < mine { other } else { self }
    }

    /// Both parts of a twist by the same factor, so its curvature stays; rounded towards zero.
    fn apply(self, twist: Twist) -> Twist {
        if self.is_whole() {
            return twist;
        }
        let scaled = |value: i32| {
            let product = i64::from(value).saturating_mul(self.to.into());
            product.checked_div(self.from.into()).and_then(|value| i32::try_from(value).ok()).unwrap_or(0)
        };
        Twist {
            linear_mm_per_s: scaled(twist.linear_mm_per_s),
            angular_mrad_per_s: scaled(twist.angular_mrad_per_s),
        }
    }
}
