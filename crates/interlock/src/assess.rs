//! Evaluates every rule on one input. It changes nothing: what it needs to remember comes in as [`Past`].

use sheepdog_core::{
    Confidence, Evidence, Micros, Mm, MmPerS, MmPerS2, Relation, RobotTime, RuleId, StopCategory,
    StopGeneration,
};

use crate::{
    Config, Fusion, Input, Odometry, RuleSet, SectorReading, SelfTest, SensorReading, Twist,
    packs::{PackVerdict, Ruling},
    physics::speed_for_separation,
    rules::Code,
    sense::{Sense, Sensed},
};

/// What an assessment needs to know of earlier steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past<'a, const SENSORS: usize, const SECTORS: usize> {
    /// The clock at the last step.
    pub(crate) last: Option<RobotTime>,
    /// The highest stop that was reset.
    pub(crate) cleared: Option<StopGeneration>,
    /// Whether the robot was permitted to move, so that it need not start again.
    pub(crate) armed: bool,
    /// The last command that counted.
    pub(crate) command: Option<(RobotTime, Twist)>,
    /// Since when sensors have disagreed, and when they last did for certain.
    pub(crate) disagreement: Option<(RobotTime, RobotTime)>,
    /// Packs that have spoken, bit `i` for slot `i`.
    pub(crate) packs: u16,
    /// The sensors' memories.
    pub(crate) senses: &'a [Sense<SECTORS>; SENSORS],
    /// What the sensors are worth now.
    pub(crate) sensed: &'a [Sensed; SENSORS],
    /// How the robot moves, if that is known.
    pub(crate) motion: Option<Odometry>,
}

impl<const SENSORS: usize, const SECTORS: usize> Past<'_, SENSORS, SECTORS> {
    /// Each sensor: what is remembered of it, what it is worth now, and what it says.
    fn sensors<'a>(
        &'a self,
        input: &'a Input<SENSORS, SECTORS>,
    ) -> impl Iterator<Item = (&'a Sense<SECTORS>, &'a Sensed, Option<&'a SensorReading<SECTORS>>)> {
        let readings = input.sensors.iter().map(Option::as_ref);
        self.senses
            .iter()
            .zip(self.sensed)
            .zip(readings)
            .map(|((sense, sensed), reading)| (sense, sensed, reading))
    }
}

/// A rule of the kernel that fired, and why. The evidence may cite a pack's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) evidence: Evidence,
}

/// What the rules say about one input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Findings {
    /// Every rule that fired.
    pub(crate) rules: RuleSet,
    /// The most severe rule that latches, and the most abrupt category that any asks for.
    pub(crate) latch: Option<(Finding, StopCategory)>,
    /// The most severe rule that stops and lets the robot resume after the dwell, and the category.
    pub(crate) deny: Option<(Finding, StopCategory)>,
    /// The rule by which the robot has no authority to move; motion resumes as soon as it has.
    pub(crate) hold: Option<Finding>,
    /// The lowest speed limit and why.
    pub(crate) limit: (MmPerS, Finding),
    /// The lowest confidence of the sectors that count, and where.
    pub(crate) lowest: (Confidence, u8),
    /// Since when sensors disagree, and when they last did for certain; silence ends it no sooner than words would stop
    /// the robot.
    pub(crate) disagreement: Option<(RobotTime, RobotTime)>,
    /// Whether something asks for the slow band, apart from confidence.
    pub(crate) slowed: bool,
    /// Whether detection is worse than it could be, though good enough to move.
    degraded: bool,
    /// Requested speed.
    requested: u32,
}

/// What a stop from now would be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dynamics {
    pub(crate) deceleration: MmPerS2,
    /// Delay until the brakes act.
    pub(crate) delay: Micros,
    /// From a reading until the brakes act, without the reading's age.
    pub(crate) reaction: Micros,
}

/// Evaluates every rule. Bounded by `SENSORS * SECTORS` and the number of packs.
pub(crate) fn assess<const SENSORS: usize, const SECTORS: usize>(
    config: &Config,
    past: &Past<'_, SENSORS, SECTORS>,
    input: &Input<SENSORS, SECTORS>,
) -> Findings {
    let twist = input.request.twist;
    let mut findings = Findings::new(config, twist.linear_mm_per_s.unsigned_abs());
    findings.stops(past.cleared, input);
    findings.self_test(input.self_test);
    findings.clock(config, past.last, input.now);
    findings.odometry(config, input);
    findings.beat(config, input.now, input.beat);
    findings.packs(config, past.packs, input);
    let mask = required_sectors(input);
    findings.sectors(config, past, input, mask);
    if !twist.is_zero() {
        findings.command(config, past.command, input);
        findings.release(config, input);
    }
    if twist.linear_mm_per_s != 0 {
        findings.distance(config, past, input, mask);
        findings.clearance(config, input.side_clearance);
    }
    findings.people(config, past.senses, past.motion);
    findings
}

impl Findings {
    fn new(config: &Config, requested: u32) -> Self {
        let cap = evidence(Code::SPD_001, requested.into(), Relation::Above, config.speed_max.0.into());
        Self {
            rules: if cap.holds() { RuleSet::EMPTY.with(Code::SPD_001) } else { RuleSet::EMPTY },
            latch: None,
            deny: None,
            hold: None,
            limit: (config.speed_max, Finding { code: Code::SPD_001, evidence: cap }),
            lowest: (Confidence::FULL, 0),
            disagreement: None,
            slowed: false,
            degraded: false,
            requested,
        }
    }

    fn stops<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        cleared: Option<StopGeneration>,
        input: &Input<SENSORS, SECTORS>,
    ) {
        if input.emergency_button == Some(true) {
            self.latch(Code::EST_003, one(Code::EST_003), StopCategory::Zero);
        }
        if input.bumper == Some(true) {
            self.latch(Code::EST_002, one(Code::EST_002), StopCategory::One);
        }
        if let Some(stop) = input.stop {
            let cleared = cleared.map_or(-1, |generation| i64::from(generation.0));
            let order = evidence(Code::EST_001, stop.generation.0.into(), Relation::Above, cleared);
            if order.holds() {
                self.latch(Code::EST_001, order, stop.category);
            }
        }
        let known = i64::from(input.emergency_button.is_some()).saturating_add(input.bumper.is_some().into());
        self.deny_if(Code::EST_004, evidence(Code::EST_004, known, Relation::Below, 2));
    }

    fn self_test(&mut self, test: SelfTest) {
        let done = match test {
            SelfTest::Failed => 0,
            SelfTest::NotRun => 1,
            SelfTest::Passed => 2,
        };
        let lacking = evidence(Code::ARM_002, done, Relation::Below, 2);
        match test {
            SelfTest::Failed => self.latch(Code::ARM_002, lacking, StopCategory::One),
            SelfTest::NotRun => self.deny(Code::ARM_002, lacking),
            SelfTest::Passed => {}
        }
    }

    fn clock(&mut self, config: &Config, last: Option<RobotTime>, now: RobotTime) {
        let Some(last) = last else { return };
        let Some(gap) = now.since(last) else {
            let back = last.since(now).map_or(0, micros).saturating_neg();
            return self.latch(
                Code::CLK_001,
                evidence(Code::CLK_001, back, Relation::Below, 0),
                StopCategory::Zero,
            );
        };
        let jump = evidence(Code::CLK_002, micros(gap), Relation::Above, micros(config.clock_jump_max));
        self.deny_if(Code::CLK_002, jump);
        let late = evidence(Code::CLK_003, micros(gap), Relation::Above, micros(config.cycle_max));
        if late.holds() {
            self.slow(config, Code::CLK_003, late);
        }
    }

    fn odometry<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
    ) {
        let age = input.odometry.and_then(|odometry| age_within(config, input.now, odometry.taken));
        let limit = micros(config.sample_age_max);
        self.deny_if(
            Code::ODO_001,
            evidence(Code::ODO_001, age.map_or(i64::MAX, micros), Relation::Above, limit),
        );
    }

    fn beat(&mut self, config: &Config, now: RobotTime, beat: Option<RobotTime>) {
        // A beat from the future proves nothing; it counts as endless silence.
        let silence = beat.and_then(|beat| age_within(config, now, beat)).map_or(i64::MAX, micros);
        let lost = evidence(Code::COM_002, silence, Relation::Above, micros(config.beat_timeout));
        self.deny_if(Code::COM_002, lost);
        let late = evidence(Code::COM_001, silence, Relation::Above, micros(config.beat_late));
        if late.holds() {
            self.slow(config, Code::COM_001, late);
        }
    }

    fn packs<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        spoken: u16,
        input: &Input<SENSORS, SECTORS>,
    ) {
        for (verdict, slot) in input.packs.iter().zip(0_u32..) {
            let expected =
                (config.packs_required | spoken).checked_shr(slot).is_some_and(|bits| bits & 1 == 1);
            if !expected && verdict.is_none() {
                continue;
            }
            let silence = verdict
                .filter(PackVerdict::is_founded)
                .and_then(|verdict| age_within(config, input.now, verdict.taken))
                .map_or(i64::MAX, micros);
            let missing = evidence(Code::PCK_001, silence, Relation::Above, micros(config.pack_age_max));
            if missing.holds() {
                self.deny(Code::PCK_001, missing);
            } else if let Some(verdict) = verdict {
                self.pack(verdict.ruling);
            }
        }
    }

    fn pack(&mut self, ruling: Ruling) {
        match ruling {
            Ruling::Allow => {}
            Ruling::Limit { speed, evidence } => self.limit(speed, Code::PCK_004, evidence),
            Ruling::Stop { category, evidence } => self.deny_as(Code::PCK_002, evidence, category),
            Ruling::Latch { category, evidence } => self.latch(Code::PCK_003, evidence, category),
        }
    }

    fn sectors<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        past: &Past<'_, SENSORS, SECTORS>,
        input: &Input<SENSORS, SECTORS>,
        mask: u32,
    ) {
        for sensed in past.sensed {
            self.degraded |= sensed.usable.is_err();
            if let Some(drift) = sensed.drift {
                self.degraded = true;
                self.slow(config, Code::OBS_010, drift);
            }
        }
        let mut is_silent = false;
        for (sector, bit) in (0..SECTORS).zip(0_u8..).filter(|(_, bit)| is_set(mask, *bit)) {
            let watchers = Watchers::new(config, past, input, sector, bit);
            let missing = evidence(Code::OBS_007, watchers.usable, Relation::Below, watchers.needed);
            if missing.holds() {
                self.deny(Code::OBS_007, missing);
                self.unusable(past, input, sector, bit);
            }
            let fewer = evidence(Code::OBS_012, watchers.usable, Relation::Below, watchers.expected);
            if fewer.holds() {
                is_silent = true;
                self.slow(config, Code::OBS_012, fewer);
            }
            self.confidence(
                config,
                if missing.holds() { Confidence::NONE } else { watchers.confidence },
                bit,
            );
        }
        let slow = config.confidence_slow.ppm().into();
        let low = evidence(Code::OBS_002, self.lowest.0.ppm().into(), Relation::Below, slow);
        self.degraded |= is_silent || low.holds();
        self.disagreement(config, past, input, mask, is_silent);
    }

    fn confidence(&mut self, config: &Config, confidence: Confidence, sector: u8) {
        if confidence < self.lowest.0 {
            self.lowest = (confidence, sector);
        }
        let stop = config.confidence_stop.ppm().into();
        self.deny_if(Code::OBS_001, evidence(Code::OBS_001, confidence.ppm().into(), Relation::Below, stop));
    }

    /// Why the sensors that look into a sector, or have looked there, do not count.
    fn unusable<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        past: &Past<'_, SENSORS, SECTORS>,
        input: &Input<SENSORS, SECTORS>,
        sector: usize,
        bit: u8,
    ) {
        for (sense, sensed, reading) in past.sensors(input) {
            let looks = is_set(sense.covered(), bit) || says(reading, sector).is_some();
            if let (true, Err(reason)) = (looks, sensed.usable) {
                self.deny(sensor_code(reason.rule), reason);
            }
        }
    }

    /// Whether sensors differ about what is there. A sensor that falls silent does not end it at once.
    fn disagreement<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        past: &Past<'_, SENSORS, SECTORS>,
        input: &Input<SENSORS, SECTORS>,
        mask: u32,
        is_silent: bool,
    ) {
        let mut widest = Mm::ZERO;
        for sector in (0..SECTORS).zip(0_u8..).filter(|(_, bit)| is_set(mask, *bit)).map(|(sector, _)| sector)
        {
            let (mut nearest, mut farthest) = (Mm::MAX, Mm::ZERO);
            for (_, sensed, reading) in past.sensors(input) {
                if let (Ok(_), Some(spoken)) = (sensed.usable, says(reading, sector)) {
                    let obstacle = spoken.obstacle.min(config.disagreement_within);
                    nearest = nearest.min(obstacle);
                    farthest = farthest.max(obstacle);
                }
            }
            widest = widest.max(farthest.saturating_sub(nearest));
        }
        let apart =
            evidence(Code::OBS_009, widest.0.into(), Relation::Above, config.disagreement_max.0.into());
        if apart.holds() {
            self.degraded = true;
            self.slow(config, Code::OBS_009, apart);
        }
        let since = |at: RobotTime| input.now.since(at).unwrap_or(Micros::ZERO);
        self.disagreement = match past.disagreement {
            Some((begun, _)) if apart.holds() => Some((begun, input.now)),
            None if apart.holds() => Some((input.now, input.now)),
            Some((_, last)) if is_silent && since(last) <= config.disagreement_for => past.disagreement,
            Some(_) | None => return,
        };
        let lasting = self.disagreement.map_or(Micros::ZERO, |(begun, _)| since(begun));
        let limit = micros(config.disagreement_for);
        self.deny_if(Code::OBS_009, evidence(Code::OBS_009, micros(lasting), Relation::Above, limit));
    }

    fn command<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        last: Option<(RobotTime, Twist)>,
        input: &Input<SENSORS, SECTORS>,
    ) {
        let request = input.request;
        let age = age_within(config, input.now, request.issued).map_or(i64::MAX, micros);
        self.deny_if(
            Code::COM_005,
            evidence(Code::COM_005, age, Relation::Above, micros(config.command_age_max)),
        );
        if let Some((issued, twist)) = last {
            let ahead = match request.issued.since(issued) {
                Some(ahead) => micros(ahead),
                None => issued.since(request.issued).map_or(i64::MIN, micros).saturating_neg(),
            };
            let order = evidence(Code::COM_004, ahead, Relation::AtMost, 0);
            // One command may be handed in at every step until the next one comes.
            if order.holds() && (ahead < 0 || twist != request.twist) {
                self.deny(Code::COM_004, order);
            }
        }
    }

    fn release<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
    ) {
        let Some(release) = input.release else {
            return self.hold(Code::REL_001, evidence(Code::REL_001, 0, Relation::AtMost, 0));
        };
        if release.site != input.site {
            self.hold(Code::REL_002, evidence(Code::REL_002, 0, Relation::Below, 1));
        }
        let age = age_within(config, input.now, release.taken);
        let old = evidence(
            Code::REL_003,
            age.map_or(i64::MAX, micros),
            Relation::Above,
            micros(config.sample_age_max),
        );
        if old.holds() {
            self.hold(Code::REL_003, old);
        }
        if self.requested == 0 {
            return;
        }
        let dynamics = Dynamics::new(config, input);
        let speed = dynamics.speed(release.remaining, age.unwrap_or(Micros::MAX), MmPerS::ZERO);
        let limit = self.over(Code::REL_001, speed);
        if speed == MmPerS::ZERO {
            self.hold(Code::REL_001, limit);
        }
        self.limit(speed, Code::REL_001, limit);
    }

    fn distance<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        past: &Past<'_, SENSORS, SECTORS>,
        input: &Input<SENSORS, SECTORS>,
        mask: u32,
    ) {
        let mut held = Mm::MAX;
        for (sense, sensed, reading) in past.sensors(input) {
            let spoken = reading.filter(|_| sensed.usable.is_ok());
            held = held.min(sense.unspoken(mask, spoken, past.motion));
        }
        let dynamics = Dynamics::new(config, input);
        if held < Mm::MAX {
            self.separation(config, dynamics, held, config.sample_age_max);
        }
        let (free, age) = match input.free_travel.map(|free| (free.value, age(config, input.now, free.taken)))
        {
            Some((free, Ok(age))) => (free, age),
            Some((_, Err(reason))) => {
                self.deny(sensor_code(reason.rule), reason);
                (Mm::ZERO, Micros::ZERO)
            }
            None => (Mm::ZERO, Micros::ZERO),
        };
        self.separation(config, dynamics, free, age);
        let needed = config.stop_margin.saturating_add(config.rearm_margin);
        let near = evidence(Code::ARM_005, free.min(held).0.into(), Relation::AtMost, needed.0.into());
        if !past.armed {
            self.deny_if(Code::ARM_005, near);
        }
    }

    fn separation(&mut self, config: &Config, dynamics: Dynamics, free: Mm, age: Micros) {
        let blocked = evidence(Code::SSM_002, free.0.into(), Relation::AtMost, config.stop_margin.0.into());
        if blocked.holds() {
            return self.deny(Code::SSM_002, blocked);
        }
        let speed = dynamics.speed(free.saturating_sub(config.stop_margin), age, config.separation.speed());
        let limit = self.over(Code::SSM_001, speed);
        if speed == MmPerS::ZERO {
            self.deny(Code::SSM_001, limit);
        }
        self.limit(speed, Code::SSM_001, limit);
    }

    fn clearance(&mut self, config: &Config, clearance: Option<Mm>) {
        let clearance = clearance.unwrap_or(Mm::ZERO);
        let tight =
            evidence(Code::CLR_001, clearance.0.into(), Relation::Below, config.clearance_creep.0.into());
        if tight.holds() {
            self.limit(config.speed_creep, Code::CLR_001, tight);
        }
    }

    fn people<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        senses: &[Sense<SECTORS>; SENSORS],
        odometry: Option<Odometry>,
    ) {
        let nearest = senses.iter().map(|sense| sense.nearest(odometry)).fold(Mm::MAX, Mm::min);
        let near = evidence(Code::SSM_003, nearest.0.into(), Relation::AtMost, config.person_near.0.into());
        if self.degraded && near.holds() {
            self.limit(config.speed_creep, Code::SSM_003, near);
        }
    }

    /// The predicate "the requested speed is above `speed`".
    fn over(&self, code: Code, speed: MmPerS) -> Evidence {
        evidence(code, self.requested.into(), Relation::Above, speed.0.into())
    }

    pub(crate) fn latch(&mut self, code: Code, evidence: Evidence, category: StopCategory) {
        let finding = Finding { code, evidence };
        self.rules = self.rules.with(code);
        self.latch = Some(match self.latch {
            Some((first, earlier)) => (first.or_more_severe(finding), earlier.min(category)),
            None => (finding, category),
        });
    }

    #[inline]
    pub(crate) fn deny_if(&mut self, code: Code, evidence: Evidence) {
        if evidence.holds() {
            self.deny(code, evidence);
        }
    }

    fn deny(&mut self, code: Code, evidence: Evidence) {
        self.deny_as(code, evidence, code.category());
    }

    fn deny_as(&mut self, code: Code, evidence: Evidence, category: StopCategory) {
        let finding = Finding { code, evidence };
        self.rules = self.rules.with(code);
        self.deny = Some(match self.deny {
            Some((first, earlier)) => (first.or_more_severe(finding), earlier.min(category)),
            None => (finding, category),
        });
    }

    fn hold(&mut self, code: Code, evidence: Evidence) {
        let finding = Finding { code, evidence };
        self.rules = self.rules.with(code);
        self.hold = Some(self.hold.map_or(finding, |first| first.or_more_severe(finding)));
    }

    /// Asks for the slow band.
    fn slow(&mut self, config: &Config, code: Code, evidence: Evidence) {
        self.slowed = true;
        self.limit(config.speed_slow, code, evidence);
    }

    /// Limits speed to `speed`; the evidence counts when it holds, and names the rule when it is the tightest.
    #[inline]
    pub(crate) fn limit(&mut self, speed: MmPerS, code: Code, evidence: Evidence) {
        if evidence.holds() {
            self.rules = self.rules.with(code);
        }
        let tighter = speed < self.limit.0 || (speed == self.limit.0 && code < self.limit.1.code);
        if tighter {
            self.limit = (speed, Finding { code, evidence });
        }
    }
}

impl Finding {
    /// The more severe of two; of one rule, the worse value.
    fn or_more_severe(self, other: Self) -> Self {
        let worse = match other.evidence.relation {
            Relation::Below | Relation::AtMost => other.evidence.measured < self.evidence.measured,
            Relation::Above => self.evidence.measured < other.evidence.measured,
            Relation::Equal => false,
        };
        if other.code < self.code || (other.code == self.code && worse) { other } else { self }
    }
}

impl PackVerdict {
    /// Whether its evidence, if it has any, holds.
    fn is_founded(&self) -> bool {
        self.ruling.evidence().is_none_or(|evidence| evidence.holds())
    }
}

impl Dynamics {
    /// What the settings promise, or what is known of the brakes where that is worse.
    pub(crate) fn new<const SENSORS: usize, const SECTORS: usize>(
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
    ) -> Self {
        let (deceleration, delay) =
            input.braking.map_or((config.deceleration, config.actuation_delay), |braking| {
                (braking.deceleration.min(config.deceleration), braking.delay.max(config.actuation_delay))
            });
        Self { deceleration, delay, reaction: config.permit_ttl.saturating_add(delay) }
    }

    /// A speed from which the robot stops within `distance`, seen `age` ago.
    fn speed(self, distance: Mm, age: Micros, approach: MmPerS) -> MmPerS {
        speed_for_separation(distance, age.saturating_add(self.reaction), self.deceleration, approach)
    }
}

/// Who watches one sector.
struct Watchers {
    /// Usable sensors that speak of it.
    usable: i64,
    /// As many as the fusion asks for.
    needed: i64,
    /// Those that speak of it or ever have.
    expected: i64,
    confidence: Confidence,
}

impl Watchers {
    fn new<const SENSORS: usize, const SECTORS: usize>(
        config: &Config,
        past: &Past<'_, SENSORS, SECTORS>,
        input: &Input<SENSORS, SECTORS>,
        sector: usize,
        bit: u8,
    ) -> Self {
        let mut said = [None; SENSORS];
        let mut expected = 0_i64;
        for ((sense, sensed, reading), slot) in past.sensors(input).zip(&mut said) {
            let spoken = says(reading, sector);
            if spoken.is_some() || is_set(sense.covered(), bit) {
                expected = expected.saturating_add(1);
            }
            if let (Ok(age), Some(spoken)) = (sensed.usable, spoken) {
                *slot = Some(decayed(config, spoken.confidence, age));
            }
        }
        let usable = i64::try_from(said.iter().flatten().count()).unwrap_or(0);
        // Nobody is `None`, which sorts below every confidence.
        said.sort_unstable_by(|a, b| b.cmp(a));
        let (needed, place) = match config.fusion {
            Fusion::Redundant => (1, 0),
            Fusion::Quorum(sensors) => (sensors.into(), usize::from(sensors).saturating_sub(1)),
            Fusion::Min => (expected.max(1), usize::try_from(usable.saturating_sub(1)).unwrap_or(0)),
        };
        let confidence = said.get(place).copied().flatten().unwrap_or(Confidence::NONE);
        Self { usable, needed, expected, confidence }
    }
}

/// What a reading says of a sector.
fn says<const SECTORS: usize>(
    reading: Option<&SensorReading<SECTORS>>,
    sector: usize,
) -> Option<SectorReading> {
    reading.and_then(|reading| reading.sectors.get(sector).copied().flatten())
}

/// Confidence after its reading has aged; every millisecond begun counts.
fn decayed(config: &Config, confidence: Confidence, age: Micros) -> Confidence {
    let millis = u32::try_from(age.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX);
    let lost = config.decay_ppm_per_ms.saturating_mul(millis);
    Confidence::from_ppm(confidence.ppm().saturating_sub(lost)).unwrap_or(Confidence::NONE)
}

/// The kernel's rule by which a reading does not count.
fn sensor_code(rule: RuleId) -> Code {
    let codes = [Code::OBS_005, Code::OBS_011, Code::OBS_004, Code::OBS_006, Code::OBS_010, Code::OBS_008];
    codes.into_iter().find(|code| code.id() == rule).unwrap_or(Code::OBS_007)
}

/// Shorthand for evidence.
#[inline]
pub(crate) const fn evidence(code: Code, measured: i64, relation: Relation, limit: i64) -> Evidence {
    Evidence { rule: code.id(), measured, relation, limit }
}

/// Evidence of a contact that is closed.
const fn one(code: Code) -> Evidence {
    evidence(code, 1, Relation::Equal, 1)
}

/// A span as evidence, in microseconds.
pub(crate) fn micros(span: Micros) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// How the robot moves, if anybody has measured it lately.
pub(crate) fn motion<const SENSORS: usize, const SECTORS: usize>(
    config: &Config,
    input: &Input<SENSORS, SECTORS>,
) -> Option<Odometry> {
    let odometry = input.odometry?;
    let age = age_within(config, input.now, odometry.taken)?;
    (age <= config.sample_age_max).then_some(odometry.value)
}

/// Whether the robot stands; a robot whose motion is unknown does not.
pub(crate) fn is_standing(config: &Config, motion: Option<Odometry>) -> bool {
    motion.is_some_and(|odometry| {
        odometry.speed <= config.standstill
            && odometry.yaw_rate.0.unsigned_abs() <= config.standstill_yaw.0.unsigned_abs()
    })
}

/// The sectors that gate the request. All of them without linear motion: that is what arming looks at.
pub(crate) fn required_sectors<const SENSORS: usize, const SECTORS: usize>(
    input: &Input<SENSORS, SECTORS>,
) -> u32 {
    let unused = 32_usize.saturating_sub(SECTORS);
    let all = u32::try_from(unused).ok().and_then(|unused| u32::MAX.checked_shr(unused)).unwrap_or(0);
    let linear = input.request.twist.linear_mm_per_s;
    // A mask of nothing, of sectors that do not exist, or of others than the robot goes to, must never mean "nothing to
    // watch".
    let ahead = heading_sectors::<SECTORS>(0 < linear);
    if linear == 0 || input.request.sectors & ahead != ahead { all } else { input.request.sectors & all }
}

/// The sectors in whose middle, or between whose middles, straight motion points.
fn heading_sectors<const SECTORS: usize>(is_forward: bool) -> u32 {
    let bit =
        |sector: usize| u32::try_from(sector).ok().and_then(|sector| 1_u32.checked_shl(sector)).unwrap_or(0);
    let (low, high) = (SECTORS / 2, SECTORS.saturating_add(1) / 2);
    if is_forward { 1 } else { bit(low) | if high < SECTORS { bit(high) } else { 0 } }
}

fn is_set(mask: u32, bit: u8) -> bool {
    mask.checked_shr(bit.into()).is_some_and(|bits| bits & 1 == 1)
}

/// How old a stamp is, or why it does not count.
pub(crate) fn age(config: &Config, now: RobotTime, taken: RobotTime) -> Result<Micros, Evidence> {
    let limit = micros(config.sample_age_max);
    match age_within(config, now, taken) {
        Some(age) if age <= config.sample_age_max => Ok(age),
        Some(age) => Err(evidence(Code::OBS_004, micros(age), Relation::Above, limit)),
        None => {
            let ahead = taken.since(now).unwrap_or(Micros::MAX);
            Err(evidence(Code::OBS_005, micros(ahead), Relation::Above, micros(config.clock_skew)))
        }
    }
}

/// How old a stamp is; `None` when it lies further in the future than clocks may differ.
#[inline]
fn age_within(config: &Config, now: RobotTime, taken: RobotTime) -> Option<Micros> {
    match now.since(taken) {
        Some(age) => Some(age),
        None => taken.since(now).filter(|ahead| *ahead <= config.clock_skew).map(|_| Micros::ZERO),
    }
}

/// The packs that demand controlled stops, given those that did before.
pub(crate) fn keep_power<const SENSORS: usize, const SECTORS: usize>(
    config: &Config,
    before: u16,
    input: &Input<SENSORS, SECTORS>,
) -> u16 {
    let mut kept = before;
    for (verdict, slot) in input.packs.iter().zip(0_u32..) {
        let fresh = verdict.filter(PackVerdict::is_founded).filter(|verdict| {
            age_within(config, input.now, verdict.taken).is_some_and(|age| age <= config.pack_age_max)
        });
        let bit = 1_u16.checked_shl(slot).unwrap_or(0);
        match fresh {
            Some(verdict) if verdict.keep_power => kept |= bit,
            Some(_) => kept &= !bit,
            None => {}
        }
    }
    kept
}

/// The packs that have spoken, bit `i` for slot `i`.
pub(crate) fn spoken<const SENSORS: usize, const SECTORS: usize>(input: &Input<SENSORS, SECTORS>) -> u16 {
    let bit = |slot: u32| 1_u16.checked_shl(slot).unwrap_or(0);
    input
        .packs
        .iter()
        .zip(0_u32..)
        .filter(|(verdict, _)| verdict.is_some())
        .fold(0, |mask, (_, slot)| mask | bit(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code, relation: Relation, measured: i64) -> Finding {
        Finding { code, evidence: evidence(code, measured, relation, 0) }
    }

    #[test]
    fn of_one_rule_the_worse_value_is_the_evidence() {
        for (relation, worse, better) in
            [(Relation::Below, -5, -3), (Relation::AtMost, -5, -3), (Relation::Above, 5, 3)]
        {
            let (worse, better) =
                (finding(Code::OBS_001, relation, worse), finding(Code::OBS_001, relation, better));
            assert_eq!(worse.or_more_severe(better), worse, "{relation:?}");
            assert_eq!(better.or_more_severe(worse), worse, "{relation:?}");
            let severe = finding(Code::EST_003, relation, 0);
            assert_eq!(worse.or_more_severe(severe), severe);
            assert_eq!(severe.or_more_severe(worse), severe);
        }
    }

    #[test]
    fn of_equal_limits_the_first_is_named() {
        let because = |measured| evidence(Code::PCK_004, measured, Relation::Above, 300);
        let mut findings = Findings::new(&Config::SIMULATED, 600);
        findings.limit(MmPerS(300), Code::PCK_004, because(400));
        findings.limit(MmPerS(300), Code::PCK_004, because(500));
        assert_eq!(findings.limit.1.evidence, because(400));
        // A rule that comes earlier in the catalogue goes before it.
        findings.limit(MmPerS(300), Code::CLR_001, because(600));
        assert_eq!(findings.limit.1.code, Code::CLR_001);
    }
}
