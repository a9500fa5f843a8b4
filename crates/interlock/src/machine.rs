//! The state machine: findings and time go in, a decision comes out.

use core::{
    fmt,
    mem::{Discriminant, discriminant},
};

use sheepdog_core::{
    Confidence, Evidence, Micros, MmPerS, Relation, RobotTime, RuleId, StopCategory, StopGeneration,
};

use crate::{
    Config, ConfigDigest, Input, Odometry, ResetStep, RuleSet, Twist, ValidConfig,
    assess::{Finding, Findings, Past, assess, evidence, is_standing, keep_power, micros, motion, spoken},
    config::TRIPS_MAX,
    packs::PackSlot,
    rules::Code,
    sense::{Sense, Sensed},
    supervise::{Order, Press, ResetButton, Supervision},
    words::{Words, structs},
};

/// What the interlock decided in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The decision.
    pub verdict: Verdict,
    /// The motion that is permitted: the request, scaled down where a limit asks for it; zero unless the verdict
    /// is [`Verdict::Move`].
    pub twist: Twist,
    /// The speed limit in force; zero when the verdict is a stop. Nobody asks an idle robot to move, so its limit leaves
    /// out distance, release and the slow band.
    pub speed_limit: MmPerS,
    /// Every rule of the kernel that fired; `primary` is one of them.
    pub rules: RuleSet,
    /// The rule of the kernel that decided; [`rules`](crate::rules) says which of several does.
    pub primary: RuleId,
    /// Why it fired. [`Evidence::holds`] is true. Its rule is `primary`, or the rule of the pack whose verdict
    /// `primary` carries out.
    pub evidence: Evidence,
    /// The lowest confidence of the sectors that count.
    pub lowest: Confidence,
    /// Which of them has it.
    pub lowest_sector: u8,
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
        /// The rule of the evidence.
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

/// What has to outlive a restart. Store it whenever it changes, and before the robot moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Whether a person has to reset the robot before it moves.
    pub latched: bool,
    /// The highest stop order that has latched it.
    pub highest_stop: Option<StopGeneration>,
    /// The highest stop order that was reset.
    pub cleared: Option<StopGeneration>,
}

/// What is known after a restart of what was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// There was nothing before: a new robot, commissioned by a person.
    First,
    /// This is what was stored.
    Remembered(Memory),
    /// Something was stored and cannot be read.
    Unreadable,
}

/// What of the past can change a later decision of an [`Interlock`], with every instant as its age at the last step. What
/// is longer ago than any span of the settings is equally long ago, and frames of sensors have neither number nor digest.
///
/// Two interlocks with the same settings and equal snapshots decide alike about inputs that come equally long after
/// their last steps, with stamps no older than the longest span, and frames that are as new to the one as to the other.
/// So a search through everything that can happen need not look at a snapshot twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot<const SENSORS: usize, const SECTORS: usize> {
    approved: bool,
    restarted: bool,
    stepped: bool,
    state: (Discriminant<State>, Option<RuleId>, Option<StopCategory>),
    dwells: [Option<RobotTime>; 4],
    command: Option<(RobotTime, Twist)>,
    senses: [Sense<SECTORS>; SENSORS],
    supervision: Supervision,
    button: ResetButton,
    trips: Trips,
    packs: (u16, u16),
    stops: (Option<StopGeneration>, Option<StopGeneration>),
}

/// The safety kernel of one robot, for `SENSORS` sensors and `SECTORS` angular sectors (at most 32).
///
/// It never reads a clock and never talks to a motor; [`Guarded`](crate::Guarded) does the latter with its
/// decisions. A step is a pure function of the state and the input.
#[derive(Clone)]
pub struct Interlock<const SENSORS: usize, const SECTORS: usize> {
    config: ValidConfig,
    approved: bool,
    state: State,
    /// Why it was latched when it booted, until the first step has said so.
    restarted: Option<Evidence>,
    last: Option<RobotTime>,
    good_since: Option<RobotTime>,
    risen_since: Option<RobotTime>,
    /// Since when sensors disagree, and when they last did for certain.
    disagreement: Option<(RobotTime, RobotTime)>,
    command: Option<(RobotTime, Twist)>,
    senses: [Sense<SECTORS>; SENSORS],
    supervision: Supervision,
    button: ResetButton,
    trips: Trips,
    /// Packs that have spoken.
    packs: u16,
    /// Packs that demand controlled stops.
    keep_power: u16,
    highest_stop: Option<StopGeneration>,
    cleared: Option<StopGeneration>,
}

structs! {
    Interlock<SENSORS, SECTORS> {
        config, approved, state, restarted, last, good_since, risen_since, disagreement, command, senses,
        supervision, button, trips, packs, keep_power, highest_stop, cleared
    }
}

impl<const SENSORS: usize, const SECTORS: usize> fmt::Debug for Interlock<SENSORS, SECTORS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interlock").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<const SENSORS: usize, const SECTORS: usize> Interlock<SENSORS, SECTORS> {
    /// An interlock that has just booted: it permits nothing before its inputs have been good for the dwell.
    ///
    /// `approved` is the digest of the settings that a person has approved; others latch (CFG-001). A robot that was
    /// latched before, or does not know, is latched now (INT-002). More than 32 sectors, no sector or no sensor do not
    /// compile.
    pub fn new(config: ValidConfig, approved: ConfigDigest, restart: Restart) -> Self {
        const {
            assert!(0 < SENSORS, "an interlock needs a sensor");
            assert!(0 < SECTORS && SECTORS <= 32, "sectors are the bits of a u32");
        }
        let (latched, memory) = match restart {
            Restart::First => (0, None),
            Restart::Remembered(memory) => (i64::from(memory.latched), Some(memory)),
            Restart::Unreadable => (2, None),
        };
        let restarted = evidence(Code::INT_002, latched, Relation::Above, 0);
        let state = if restarted.holds() {
            State::Latched { evidence: restarted, category: StopCategory::Zero }
        } else {
            State::Boot
        };
        Self {
            config,
            approved: approved == config.digest(),
            state,
            restarted: restarted.holds().then_some(restarted),
            last: None,
            good_since: None,
            risen_since: None,
            disagreement: None,
            command: None,
            senses: [Sense::NEW; SENSORS],
            supervision: Supervision::default(),
            button: ResetButton::default(),
            trips: Trips::default(),
            packs: 0,
            // Nobody knows yet that nobody is being carried.
            keep_power: config.get().packs_required & PackSlot::PATIENT.bit(),
            highest_stop: memory.and_then(|memory| memory.highest_stop),
            cleared: memory.and_then(|memory| memory.cleared),
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

    /// The digest of its settings.
    pub const fn digest(&self) -> ConfigDigest {
        self.config.digest()
    }

    /// The highest stop order that has latched it.
    pub const fn highest_stop(&self) -> Option<StopGeneration> {
        self.highest_stop
    }

    /// What has to outlive a restart.
    pub const fn memory(&self) -> Memory {
        Memory { latched: self.state.needs_person(), highest_stop: self.highest_stop, cleared: self.cleared }
    }

    /// What of the past can change a later decision, the same at any time of day: see [`Snapshot`].
    pub fn snapshot(&self) -> Snapshot<SENSORS, SECTORS> {
        let last = self.last.unwrap_or(RobotTime::ZERO);
        let longest = self.config().longest_span().saturating_add(Micros::new(1));
        // Ages count back from the middle of time, so that instants in the future have one, too.
        let middle = RobotTime::from_micros(u64::MAX / 2);
        let aged = |at: RobotTime| {
            let ahead = at.since(last).unwrap_or(Micros::ZERO);
            let age = last.since(at).unwrap_or(Micros::ZERO).min(longest);
            RobotTime::from_micros(middle.as_micros().saturating_sub(age.as_micros())).saturating_add(ahead)
        };
        let category = match self.state {
            State::Latched { category, .. } => Some(category),
            State::Boot
            | State::Stopped { .. }
            | State::Slow
            | State::Ready
            | State::Stopping { .. }
            | State::Acknowledged { .. } => None,
        };
        Snapshot {
            approved: self.approved,
            restarted: self.restarted.is_some(),
            stepped: self.last.is_some(),
            state: (discriminant(&self.state), self.state.cause(), category),
            dwells: [
                self.good_since,
                self.risen_since,
                self.disagreement.map(|(begun, _)| begun),
                self.disagreement.map(|(_, last)| last),
            ]
            .map(|since| since.map(aged)),
            command: self.command.map(|(issued, twist)| (aged(issued), twist)),
            senses: self.senses.map(|sense| sense.aged(&aged)),
            supervision: self.supervision.aged(&aged),
            button: self.button.aged(&aged),
            trips: Trips(self.trips.0.map(|trip| trip.map(aged))),
            packs: (self.packs, self.keep_power),
            stops: (self.highest_stop, self.cleared),
        }
    }

    /// Decides on one input. Time bounded by `SENSORS * SECTORS`; no allocation, no floats, no panic.
    pub fn step(&mut self, input: &Input<SENSORS, SECTORS>) -> Decision {
        if self.last.is_some_and(|last| input.now < last) {
            self.forget_instants(input.now);
        }
        let orders = self.orders(input);
        let motion = motion(self.config(), input);
        let (mut findings, standing) =
            (self.findings(input, motion, orders), is_standing(self.config(), motion));
        self.watch_dwells(input.now, &findings);
        let signals = self.signals(input.now, standing, orders);
        let before = self.state;
        let event = self.event(input, &mut findings);
        self.state = next(before, event, signals);
        self.on_entry(before, orders, input.now);
        let decision = self.decide(input, motion, &mut findings, orders);
        let decision = self.checked(input, &findings, decision);
        let order = self.order(&decision, standing);
        self.supervision.tell(self.config.get(), input, motion, self.last, order);
        self.last = Some(input.now);
        decision
    }

    /// Turns a decision whose record was refused into a latched stop (LOG-001).
    pub fn refuse_record(&mut self) -> Decision {
        self.latch_now(evidence(Code::LOG_001, 0, Relation::Below, 1), RuleSet::EMPTY.with(Code::LOG_001))
    }

    /// Turns a decision to move into a stop when permits were revoked since the step began, and latches when nobody can
    /// count the revocations any more (REV-001).
    pub(crate) fn unless_revoked(&mut self, decision: Decision, before: u32, after: u32) -> Decision {
        let revoked = evidence(Code::REV_001, i64::from(after), Relation::Above, before.into());
        let full = evidence(Code::REV_001, i64::from(after), Relation::Equal, u32::MAX.into());
        let rules = decision.rules.with(Code::REV_001);
        if full.holds() {
            self.latch_now(full, rules)
        } else if decision.verdict == Verdict::Move && revoked.holds() {
            let category = self.controlled(StopCategory::One);
            Decision {
                verdict: Verdict::Stop { category, rule: revoked.rule },
                twist: Twist::ZERO,
                speed_limit: MmPerS::ZERO,
                rules,
                primary: revoked.rule,
                evidence: revoked,
                ..decision
            }
        } else {
            decision
        }
    }

    fn latch_now(&mut self, evidence: Evidence, rules: RuleSet) -> Decision {
        let category = self.controlled(StopCategory::Zero);
        self.state = next(self.state, Event::Latch { evidence, category }, Signals::default());
        Decision {
            verdict: Verdict::Stop { category, rule: evidence.rule },
            twist: Twist::ZERO,
            speed_limit: MmPerS::ZERO,
            rules,
            primary: evidence.rule,
            evidence,
            lowest: Confidence::NONE,
            lowest_sector: 0,
        }
    }

    /// Forgets instants of before a clock went backwards: they would outdate everything that comes. What was seen near
    /// the robot stays remembered, and the robot latches anyway (CLK-001).
    fn forget_instants(&mut self, now: RobotTime) {
        for sense in &mut self.senses {
            sense.forget_instants();
        }
        self.command = None;
        self.disagreement = None;
        self.button = ResetButton::default();
        self.supervision.forget_instants(now);
    }

    /// What every rule says, with what is remembered brought up to date.
    fn findings(
        &mut self,
        input: &Input<SENSORS, SECTORS>,
        motion: Option<Odometry>,
        orders: Orders,
    ) -> Findings {
        let config = self.config.get();
        let mut sensed = [Sensed::SILENT; SENSORS];
        for ((sense, sensed), reading) in self.senses.iter_mut().zip(&mut sensed).zip(&input.sensors) {
            *sensed = sense.observe(config, input.now, reading.as_ref(), motion);
        }
        self.keep_power = keep_power(config, self.keep_power, input);
        self.packs |= spoken(input);
        let past = Past {
            last: self.last,
            cleared: orders.cleared,
            armed: matches!(self.state, State::Slow | State::Ready),
            command: self.command,
            disagreement: self.disagreement,
            packs: self.packs,
            senses: &self.senses,
            sensed: &sensed,
            motion,
        };
        let mut findings = assess(config, &past, input);
        let unapproved = evidence(Code::CFG_001, self.approved.into(), Relation::Below, 1);
        if unapproved.holds() {
            findings.latch(Code::CFG_001, unapproved, StopCategory::Zero);
        }
        if let Some(restarted) = self.restarted.take() {
            findings.latch(Code::INT_002, restarted, StopCategory::Zero);
        }
        self.supervision.check(config, input.now, motion, &mut findings);
        if findings.rules.has(Code::EST_001) {
            self.highest_stop = self.highest_stop.max(input.stop.map(|stop| stop.generation));
        }
        // A command from the future must not make every later one look old.
        let counts = !findings.rules.has(Code::COM_004) && !findings.rules.has(Code::COM_005);
        if counts && !input.request.twist.is_zero() {
            self.command = Some((input.request.issued, input.request.twist));
        }
        self.disagreement = findings.disagreement;
        findings
    }

    /// What people ask for in this step: by an order that names the highest stop, or by the button on the robot, which
    /// ends no stop that was ordered from elsewhere.
    fn orders(&mut self, input: &Input<SENSORS, SECTORS>) -> Orders {
        let press = self.button.observe(self.config.get(), input.now, input.reset_button);
        let (mut acknowledge, mut start) = (false, false);
        if press == Some(Press::Valid) && self.highest_stop <= self.cleared {
            (acknowledge, start) = (true, true);
        }
        let mut cleared = self.cleared;
        if let Some(reset) = input.reset
            && self.highest_stop <= Some(reset.generation)
        {
            match reset.step {
                ResetStep::Acknowledge => {
                    acknowledge = true;
                    // The order that is acknowledged must not latch the robot again in the same step.
                    if matches!(self.state, State::Latched { .. }) {
                        // What nobody has ordered yet is not over.
                        let ordered = self.highest_stop.max(input.stop.map(|stop| stop.generation));
                        cleared = cleared.max(ordered.min(Some(reset.generation)));
                    }
                }
                ResetStep::Start => start = true,
            }
        }
        Orders { acknowledge, start, cleared, press }
    }

    fn watch_dwells(&mut self, now: RobotTime, findings: &Findings) {
        let clear = findings.latch.is_none() && findings.deny.is_none();
        let good = clear && self.config().confidence_rearm <= findings.lowest.0;
        let risen = clear && !self.is_slow(findings);
        self.good_since = if good { self.good_since.or(Some(now)) } else { None };
        self.risen_since = if risen { self.risen_since.or(Some(now)) } else { None };
    }

    fn is_slow(&self, findings: &Findings) -> bool {
        findings.slowed || findings.lowest.0 < self.config().confidence_slow
    }

    fn signals(&self, now: RobotTime, standing: bool, orders: Orders) -> Signals {
        Signals {
            standing,
            armed: standing && self.good_since.is_some() && self.config().dwell <= span(self.good_since, now),
            risen: self.risen_since.is_some() && self.config().dwell_up <= span(self.risen_since, now),
            acknowledge: orders.acknowledge && standing,
            start: orders.start,
        }
    }

    /// What the step means to the state machine.
    fn event(&mut self, input: &Input<SENSORS, SECTORS>, findings: &mut Findings) -> Event {
        if findings.latch.is_none()
            && let (State::Slow | State::Ready, Some((deny, _))) = (self.state, findings.deny)
            && !input.request.twist.is_zero()
            && is_for_want_of_evidence(deny.code)
        {
            let trips = self.trips.count(self.config.get(), input.now);
            let limit = i64::from(self.config().chatter_trips).saturating_sub(1);
            let chatter = evidence(Code::ARM_004, trips, Relation::Above, limit);
            if chatter.holds() {
                findings.latch(Code::ARM_004, chatter, StopCategory::One);
            }
        }
        if let Some((latch, category)) = findings.latch {
            return Event::Latch { evidence: latch.evidence, category: self.controlled(category) };
        }
        if input.request.twist.is_zero() {
            return Event::Idle;
        }
        match findings.deny {
            Some((deny, _)) => Event::Deny(deny.evidence.rule),
            None => Event::Clear { slow: self.is_slow(findings) },
        }
    }

    /// What changing state changes beside it.
    fn on_entry(&mut self, before: State, orders: Orders, now: RobotTime) {
        match (before, self.state) {
            (State::Latched { .. }, State::Acknowledged { .. }) => {
                self.cleared = orders.cleared;
                self.trips = Trips::default();
            }
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

    fn decide(
        &self,
        input: &Input<SENSORS, SECTORS>,
        motion: Option<Odometry>,
        findings: &mut Findings,
        orders: Orders,
    ) -> Decision {
        match self.state {
            State::Latched { category, .. } => {
                findings.rules = findings.rules.with(Code::RST_001);
                let acknowledge = evidence(Code::RST_001, 0, Relation::Below, 1);
                let why = match (findings.latch, orders.press) {
                    (Some((latch, _)), _) => latch,
                    (None, Some(Press::Invalid(evidence))) => Finding { code: Code::RST_003, evidence },
                    (None, Some(Press::Valid) | None) => {
                        Finding { code: Code::RST_001, evidence: acknowledge }
                    }
                };
                self.stop(findings, why, category)
            }
            State::Acknowledged { .. } => {
                let evidence = evidence(Code::RST_002, 1, Relation::Below, 2);
                self.stop(findings, Finding { code: Code::RST_002, evidence }, StopCategory::One)
            }
            State::Boot | State::Stopped { .. } | State::Stopping { .. } => {
                let (waiting, category) = self.waiting_for(input.now, motion, findings);
                self.stop(findings, waiting, category)
            }
            State::Slow | State::Ready if input.request.twist.is_zero() => idle(findings),
            State::Slow | State::Ready => match findings.hold {
                Some(hold) => self.stop(findings, hold, StopCategory::Two),
                None => self.permit(input, findings),
            },
        }
    }

    fn stop(&self, findings: &Findings, why: Finding, category: StopCategory) -> Decision {
        Decision {
            verdict: Verdict::Stop { category: self.controlled(category), rule: why.evidence.rule },
            twist: Twist::ZERO,
            speed_limit: MmPerS::ZERO,
            rules: findings.rules.with(why.code),
            primary: why.code.id(),
            evidence: why.evidence,
            lowest: findings.lowest.0,
            lowest_sector: findings.lowest.1,
        }
    }

    /// The category in which a stop is carried out: a controlled one that keeps power while a pack asks for that.
    pub(crate) const fn controlled(&self, category: StopCategory) -> StopCategory {
        if self.keep_power == 0 { category } else { StopCategory::Two }
    }

    /// Why a robot that is not latched does not move yet.
    fn waiting_for(
        &self,
        now: RobotTime,
        motion: Option<Odometry>,
        findings: &Findings,
    ) -> (Finding, StopCategory) {
        if let Some(deny) = findings.deny {
            return deny;
        }
        let config = self.config();
        let speed = motion.map_or(i64::MAX, |motion| motion.speed.0.into());
        let yaw_rate = motion.map_or(0, |motion| motion.yaw_rate.0.unsigned_abs());
        let checks = [
            (Code::STP_001, speed, Relation::Above, i64::from(config.standstill.0)),
            (Code::STP_001, yaw_rate.into(), Relation::Above, config.standstill_yaw.0.unsigned_abs().into()),
            (
                Code::ARM_003,
                findings.lowest.0.ppm().into(),
                Relation::Below,
                config.confidence_rearm.ppm().into(),
            ),
        ];
        let waiting = checks
            .into_iter()
            .map(|(code, measured, relation, limit)| (code, evidence(code, measured, relation, limit)))
            .find(|(_, evidence)| evidence.holds());
        let (code, evidence) = waiting.unwrap_or_else(|| {
            let elapsed = micros(span(self.good_since, now));
            (Code::ARM_001, evidence(Code::ARM_001, elapsed, Relation::Below, micros(config.dwell)))
        });
        (Finding { code, evidence }, code.category())
    }

    fn permit(&self, input: &Input<SENSORS, SECTORS>, findings: &mut Findings) -> Decision {
        let config = self.config();
        let mut yaw_limit = config.yaw_rate_max.0.unsigned_abs();
        if self.state == State::Slow {
            yaw_limit = config.yaw_rate_slow();
            let slow = config.confidence_slow.ppm().into();
            let low = evidence(Code::OBS_002, findings.lowest.0.ppm().into(), Relation::Below, slow);
            let elapsed = micros(span(self.risen_since, input.now));
            let young = evidence(Code::OBS_003, elapsed, Relation::Below, micros(config.dwell_up));
            let (code, why) = if low.holds() { (Code::OBS_002, low) } else { (Code::OBS_003, young) };
            findings.limit(config.speed_slow, code, why);
        }
        let request = input.request.twist;
        let yaw_rate = request.angular_mrad_per_s.unsigned_abs();
        let fast_yaw = evidence(Code::SPD_004, yaw_rate.into(), Relation::Above, yaw_limit.into());
        if fast_yaw.holds() {
            findings.rules = findings.rules.with(Code::SPD_004);
        }
        let (speed_limit, tightest) = findings.limit;
        let speed = request.linear_mm_per_s.unsigned_abs();
        let linear = Scale { to: speed_limit.0, from: speed };
        let angular = Scale { to: yaw_limit, from: yaw_rate };
        let scale = linear.smaller(angular);
        let why = if scale.is_whole() {
            let free = evidence(Code::MOV_001, speed.into(), Relation::AtMost, speed_limit.0.into());
            Finding { code: Code::MOV_001, evidence: free }
        } else if scale == linear {
            tightest
        } else {
            Finding { code: Code::SPD_004, evidence: fast_yaw }
        };
        let twist = scale.apply(request);
        if twist.is_zero() {
            // Scaled down to nothing: a permit to stand would only keep the brakes open.
            return self.stop(findings, why, StopCategory::Two);
        }
        Decision {
            verdict: Verdict::Move,
            twist,
            speed_limit,
            rules: findings.rules.with(why.code),
            primary: why.code.id(),
            evidence: why.evidence,
            lowest: findings.lowest.0,
            lowest_sector: findings.lowest.1,
        }
    }

    /// The decision, or a latched stop when it breaks an invariant (INT-001).
    fn checked(
        &mut self,
        input: &Input<SENSORS, SECTORS>,
        findings: &Findings,
        decision: Decision,
    ) -> Decision {
        if is_consistent(self.config(), input.request.twist, self.state, findings, &decision) {
            return decision;
        }
        self.latch_now(evidence(Code::INT_001, 1, Relation::Equal, 1), findings.rules.with(Code::INT_001))
    }

    /// What the base is told, as far as it has to keep to it.
    const fn order(&self, decision: &Decision, standing: bool) -> Order {
        match (decision.verdict, self.state) {
            (Verdict::Move, _) => Order::Move(decision.twist),
            // Who has just booted or waits for a person may be pushed about.
            (Verdict::Stop { .. } | Verdict::Idle, State::Boot) => Order::Free,
            (Verdict::Stop { .. } | Verdict::Idle, State::Latched { .. } | State::Acknowledged { .. })
                if standing =>
            {
                Order::Free
            }
            (
                Verdict::Stop { .. } | Verdict::Idle,
                State::Stopped { .. }
                | State::Slow
                | State::Ready
                | State::Stopping { .. }
                | State::Latched { .. }
                | State::Acknowledged { .. },
            ) => Order::Stop,
        }
    }
}

/// What must hold of every decision, said a second time and in other words than the rules.
fn is_consistent(
    config: &Config,
    requested: Twist,
    state: State,
    findings: &Findings,
    decision: &Decision,
) -> bool {
    let Decision { verdict, twist, speed_limit, rules, evidence, .. } = decision;
    let yaw_limit =
        if state == State::Slow { config.yaw_rate_slow() } else { config.yaw_rate_max.0.unsigned_abs() };
    let within = |granted: i32, asked: i32| {
        granted.unsigned_abs() <= asked.unsigned_abs() && (granted == 0 || (granted < 0) == (asked < 0))
    };
    let may_move = matches!(state, State::Slow | State::Ready)
        && findings.latch.is_none()
        && findings.deny.is_none()
        && findings.hold.is_none()
        && config.confidence_stop <= findings.lowest.0
        && twist.linear_mm_per_s.unsigned_abs() <= speed_limit.0
        && *speed_limit <= config.speed_max
        && twist.angular_mrad_per_s.unsigned_abs() <= yaw_limit
        && within(twist.linear_mm_per_s, requested.linear_mm_per_s)
        && within(twist.angular_mrad_per_s, requested.angular_mrad_per_s)
        && !twist.is_zero();
    let fits = match verdict {
        Verdict::Move => may_move,
        Verdict::Stop { .. } => twist.is_zero() && *speed_limit == MmPerS::ZERO,
        Verdict::Idle => twist.is_zero() && requested.is_zero(),
    };
    fits && evidence.holds() && !rules.is_empty()
}

/// Whether a rule says that something is not known, rather than that somebody stands in the way. Only such stops count
/// as chatter.
const fn is_for_want_of_evidence(code: Code) -> bool {
    !matches!(code, Code::SSM_001 | Code::SSM_002)
}

/// When the last stops for want of evidence were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Trips([Option<RobotTime>; TRIPS_MAX]);

impl Words for Trips {
    fn put(&self, out: &mut impl FnMut(u64)) {
        self.0.put(out);
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        Words::take(from).map(Self)
    }
}

impl Trips {
    /// Takes in one more, and says how many there were within the window, this one included.
    fn count(&mut self, config: &Config, now: RobotTime) -> i64 {
        self.0.rotate_right(1);
        if let Some(newest) = self.0.first_mut() {
            *newest = Some(now);
        }
        let recent = |at: &&RobotTime| now.since(**at).is_some_and(|ago| ago <= config.chatter_window);
        i64::try_from(self.0.iter().flatten().filter(recent).count()).unwrap_or(i64::MAX)
    }
}

/// What people ask for in a step.
#[derive(Clone, Copy, Debug)]
struct Orders {
    acknowledge: bool,
    start: bool,
    /// The highest stop that is reset if the acknowledgement is accepted.
    cleared: Option<StopGeneration>,
    press: Option<Press>,
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

fn idle(findings: &Findings) -> Decision {
    Decision {
        verdict: Verdict::Idle,
        twist: Twist::ZERO,
        speed_limit: findings.limit.0,
        rules: RuleSet::EMPTY.with(Code::IDL_001),
        primary: Code::IDL_001.id(),
        evidence: evidence(Code::IDL_001, 0, Relation::Below, 1),
        lowest: findings.lowest.0,
        lowest_sector: findings.lowest.1,
    }
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

#[cfg(test)]
mod tests {
    use sheepdog_core::SiteVersion;

    use super::*;
    use crate::rules;

    type Kernel = Interlock<1, 8>;

    fn kernel(state: State) -> Kernel {
        let config = Config::SIMULATED.validate().unwrap();
        let mut kernel = Kernel::new(config, config.digest(), Restart::First);
        kernel.state = state;
        kernel
    }

    fn asked() -> Input<1, 8> {
        let mut input = Input::unknown(RobotTime::ZERO, SiteVersion([7; 32]));
        input.request.twist = Twist { linear_mm_per_s: 500, angular_mrad_per_s: -300 };
        input
    }

    /// Findings of which nothing forbids motion.
    fn clean(kernel: &mut Kernel) -> Findings {
        let orders = kernel.orders(&asked());
        let mut findings = kernel.findings(&asked(), None, orders);
        (findings.latch, findings.deny, findings.hold) = (None, None, None);
        findings.lowest = (Confidence::FULL, 0);
        findings
    }

    fn granted() -> Decision {
        let rule = Code::MOV_001;
        Decision {
            verdict: Verdict::Move,
            twist: Twist { linear_mm_per_s: 500, angular_mrad_per_s: -300 },
            speed_limit: MmPerS(500),
            rules: RuleSet::EMPTY.with(rule),
            primary: rule.id(),
            evidence: evidence(rule, 500, Relation::AtMost, 500),
            lowest: Confidence::FULL,
            lowest_sector: 0,
        }
    }

    fn stopped() -> Decision {
        let verdict = Verdict::Stop { category: StopCategory::One, rule: rules::MOV_001 };
        Decision { verdict, twist: Twist::ZERO, speed_limit: MmPerS::ZERO, ..granted() }
    }

    /// Whether a decision in a state passes, with findings changed.
    fn passes(state: State, change: impl Fn(&mut Findings), decision: Decision) -> bool {
        let mut kernel = kernel(state);
        let mut findings = clean(&mut kernel);
        change(&mut findings);
        let checked = kernel.checked(&asked(), &findings, decision);
        if checked == decision {
            assert_eq!(kernel.state(), state);
            return true;
        }
        assert_eq!((checked.primary, checked.twist), (rules::INT_001, Twist::ZERO));
        assert!(checked.evidence.holds() && checked.rules.contains(rules::INT_001));
        assert!(matches!(kernel.state(), State::Latched { category: StopCategory::Zero, .. }));
        false
    }

    #[test]
    fn int_001_a_contradiction_latches() {
        let rule = rules::OBS_001;
        let halted = [
            State::Boot,
            State::Stopped { rule },
            State::Stopping { rule },
            State::Acknowledged { rule },
            State::Latched { evidence: granted().evidence, category: StopCategory::Zero },
        ];
        for state in [State::Slow, State::Ready] {
            assert!(passes(state, |_| {}, granted()) && passes(state, |_| {}, stopped()));
        }
        for state in halted {
            assert!(!passes(state, |_| {}, granted()), "{state:?}");
            assert!(passes(state, |_| {}, stopped()), "{state:?}");
        }
    }

    #[test]
    fn int_001_no_motion_against_a_finding() {
        let code = Code::OBS_001;
        let finding = Finding { code, evidence: granted().evidence };
        let broken: [fn(&mut Findings, Finding); 5] = [
            |findings, finding| findings.latch = Some((finding, StopCategory::One)),
            |findings, finding| findings.deny = Some((finding, StopCategory::One)),
            |findings, finding| findings.hold = Some(finding),
            |findings, _| findings.lowest.0 = Confidence::from_ppm(924_999).unwrap(),
            |findings, _| findings.lowest.0 = Confidence::NONE,
        ];
        for change in broken {
            assert!(!passes(State::Ready, |findings| change(findings, finding), granted()));
            assert!(passes(State::Ready, |findings| change(findings, finding), stopped()));
        }
    }

    #[test]
    fn int_001_no_motion_beyond_what_was_asked_and_allowed() {
        let twist = |linear, angular| Decision {
            twist: Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular },
            ..granted()
        };
        for (linear, angular) in [(500, -300), (499, -299), (1, 0), (0, -1)] {
            assert!(passes(State::Ready, |_| {}, twist(linear, angular)), "{linear} {angular}");
        }
        for (linear, angular) in [(0, 0), (501, 0), (-1, 0), (0, 1), (1, -301), (-500, -300)] {
            assert!(!passes(State::Ready, |_| {}, twist(linear, angular)), "{linear} {angular}");
        }
        let limited = |speed_limit| Decision { speed_limit: MmPerS(speed_limit), ..granted() };
        assert!(
            passes(State::Ready, |_| {}, limited(1_000)) && !passes(State::Ready, |_| {}, limited(1_001))
        );
        assert!(!passes(State::Ready, |_| {}, limited(499)), "faster than the limit");
        let mut input = asked();
        input.request.twist.angular_mrad_per_s = 1_600;
        let mut kernel = kernel(State::Ready);
        let findings = clean(&mut kernel);
        assert_eq!(kernel.checked(&input, &findings, twist(0, 1_500)), twist(0, 1_500));
        assert_eq!(kernel.checked(&input, &findings, twist(0, 1_501)).primary, rules::INT_001);
        kernel.state = State::Slow;
        assert_eq!(kernel.checked(&input, &findings, twist(0, 750)), twist(0, 750));
        assert_eq!(kernel.checked(&input, &findings, twist(0, 751)).primary, rules::INT_001);
    }

    #[test]
    fn int_001_every_decision_has_a_reason_and_a_stop_no_motion() {
        let unfounded =
            Decision { evidence: evidence(Code::MOV_001, 501, Relation::AtMost, 500), ..granted() };
        assert!(!passes(State::Ready, |_| {}, unfounded));
        assert!(!passes(State::Ready, |_| {}, Decision { rules: RuleSet::EMPTY, ..granted() }));
        assert!(!passes(State::Ready, |_| {}, Decision { twist: granted().twist, ..stopped() }));
        assert!(!passes(State::Ready, |_| {}, Decision { speed_limit: MmPerS(1), ..stopped() }));
        let idle = Decision { verdict: Verdict::Idle, twist: Twist::ZERO, ..granted() };
        assert!(!passes(State::Ready, |_| {}, idle), "motion is asked for");
        let mut kernel = kernel(State::Ready);
        let findings = clean(&mut kernel);
        let quiet = Input::unknown(RobotTime::ZERO, SiteVersion([7; 32]));
        assert_eq!(kernel.checked(&quiet, &findings, idle), idle);
        let creeping = Decision { twist: granted().twist, ..idle };
        assert_eq!(kernel.checked(&quiet, &findings, creeping).primary, rules::INT_001);
    }
}
