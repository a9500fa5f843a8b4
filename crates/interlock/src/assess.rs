//! Evaluates every rule on one input. No state: what it needs to remember comes in as [`Past`].

use sheepdog_core::{
    Confidence, Evidence, Micros, Mm, MmPerS, Relation, RobotTime, RuleId, StopCategory, StopGeneration,
};

use crate::{
    Config, Input, Reading, RuleSet,
    physics::speed_for_distance,
    rules::{
        CLK_001, CLK_002, CLR_001, COM_002, EST_001, EST_003, MAP_001, MAP_002, OBS_001, OBS_004, OBS_005,
        OBS_007, REL_001, REL_002, SPD_001, SSM_001, SSM_002, STP_002, severity,
    },
};

/// What an assessment needs to know of earlier steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// The clock at the last step.
    pub(crate) last: Option<RobotTime>,
    /// The highest stop that was reset.
    pub(crate) cleared: Option<StopGeneration>,
    /// Since when the robot has been told to stop and has not.
    pub(crate) stopping_since: Option<RobotTime>,
}

/// What the rules say about one input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Findings {
    /// Every rule that fired.
    pub(crate) rules: RuleSet,
    /// The most severe rule that latches.
    pub(crate) latch: Option<(Evidence, StopCategory)>,
    /// The most severe rule that stops and lets the robot resume after the dwell.
    pub(crate) deny: Option<Evidence>,
    /// The rule by which the robot has no authority to move; motion resumes as soon as it has.
    pub(crate) hold: Option<Evidence>,
    /// The lowest speed limit and why.
    pub(crate) limit: (MmPerS, Evidence),
    /// The lowest confidence of the sectors that count.
    pub(crate) lowest: Confidence,
    /// Requested speed.
    requested: u32,
}

/// Evaluates every rule. Bounded by `SENSORS * SECTORS`.
pub(crate) fn assess<const SENSORS: usize, const SECTORS: usize>(
    config: &Config,
    past: &Past,
    input: &Input<SENSORS, SECTORS>,
) -> Findings {
    let mut findings = Findings::new(config, input.request.twist.linear_mm_per_s.unsigned_abs());
    findings.stops(config, past, input);
    findings.clock(config, past.last, input.now);
    findings.beat(config, input.now, input.beat);
    findings.sectors(config, input);
    let localised = findings.localisation(config, input);
    if !input.request.twist.is_zero() {
        findings.release(config, input, localised);
    }
    if input.request.twist.linear_mm_per_s != 0 {
        findings.distance(config, input);
        findings.clearance(config, input.side_clearance);
    }
    findings
}

impl Findings {
    fn new(config: &Config, requested: u32) -> Self {
        let cap = evidence(SPD_001, requested.into(), Relation::Above, config.speed_max.0.into());
        let rules = if cap.holds() { RuleSet::EMPTY.with(SPD_001) } else { RuleSet::EMPTY };
        Self {
            rules,
            latch: None,
            deny: None,
            hold: None,
            limit: (config.speed_max, cap),
            lowest: Confidence::FULL,
            requested,
        }
    }

    fn stops<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        past: &Past,
        input: &Input<SENSORS, SECTORS>,
    ) {
        if input.emergency_button {
            self.latch(evidence(EST_003, 1, Relation::Equal, 1), StopCategory::Zero);
        }
        if let Some(stop) = input.stop {
            let cleared = past.cleared.map_or(-1, |generation| i64::from(generation.0));
            let order = evidence(EST_001, stop.generation.0.into(), Relation::Above, cleared);
            if order.holds() {
                self.latch(order, stop.category);
            }
        }
        let stopping = past.stopping_since.and_then(|since| input.now.since(since)).unwrap_or(Micros::ZERO);
        let overdue = evidence(STP_002, micros(stopping), Relation::Above, micros(config.stop_time_max));
        if overdue.holds() && !is_standing(config, input.speed) {
            self.latch(overdue, StopCategory::Zero);
        }
    }

    fn clock(&mut self, config: &Config, last: Option<RobotTime>, now: RobotTime) {
        let Some(last) = last else { return };
        match now.since(last) {
            Some(gap) if config.clock_jump_max < gap => {
                self.deny(evidence(CLK_002, micros(gap), Relation::Above, micros(config.clock_jump_max)));
            }
            Some(_) => {}
            None => {
                let back = last.since(now).map_or(0, micros).saturating_neg();
                self.latch(evidence(CLK_001, back, Relation::Below, 0), StopCategory::Zero);
            }
        }
    }

    fn beat(&mut self, config: &Config, now: RobotTime, beat: Option<RobotTime>) {
        // A beat from the future proves nothing; it counts as endless silence.
        let silence = beat.and_then(|beat| match now.since(beat) {
            Some(silence) => Some(silence),
            None => beat.since(now).filter(|ahead| *ahead <= config.clock_skew).map(|_| Micros::ZERO),
        });
        let lost =
            evidence(COM_002, silence.map_or(i64::MAX, micros), Relation::Above, micros(config.beat_timeout));
        if lost.holds() {
            self.deny(lost);
        }
    }

    fn sectors<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
    ) {
        let mask = required_sectors(input);
        for sector in (0..SECTORS).filter(|sector| is_set(mask, *sector)) {
            let mut best = None;
            for sensor in input.sensors.iter().flatten().filter(|sensor| sensor.healthy) {
                let Some(confidence) = sensor.confidence.get(sector).copied().flatten() else { continue };
                // A reading that does not count is silent here: only if nobody else covers the sector does it matter.
                if age(config, input.now, sensor.taken).is_ok() {
                    best = best.max(Some(confidence));
                }
            }
            match best {
                Some(confidence) => self.confidence(config, confidence),
                None => self.uncovered(config, input, sector),
            }
        }
    }

    fn confidence(&mut self, config: &Config, confidence: Confidence) {
        self.lowest = self.lowest.min(confidence);
        let stop = config.confidence_stop.ppm();
        let low = evidence(OBS_001, confidence.ppm().into(), Relation::Below, stop.into());
        if low.holds() {
            self.deny(low);
        }
    }

    /// A sector without a usable reading: says so, and why the readings that exist are not usable.
    fn uncovered<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
        sector: usize,
    ) {
        self.lowest = Confidence::NONE;
        self.deny(evidence(OBS_007, 0, Relation::Below, 1));
        for sensor in input.sensors.iter().flatten().filter(|sensor| sensor.healthy) {
            if sensor.confidence.get(sector).copied().flatten().is_none() {
                continue;
            }
            if let Err(reason) = age(config, input.now, sensor.taken) {
                self.deny(reason);
            }
        }
    }

    /// How old the localisation is; `None` when there is none that counts.
    fn localisation<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
    ) -> Option<Micros> {
        let fresh = input
            .map
            .filter(|map| map.site == input.site)
            .and_then(|map| Some((map, age(config, input.now, map.taken).ok()?)));
        let Some((map, age)) = fresh else {
            self.deny(evidence(MAP_002, 0, Relation::Below, 1));
            return None;
        };
        if !map.inside {
            self.deny(evidence(MAP_001, 0, Relation::Below, 1));
        }
        Some(age)
    }

    fn release<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
        localised: Option<Micros>,
    ) {
        let Some(release) = input.release else {
            return self.hold(evidence(REL_001, 0, Relation::AtMost, 0));
        };
        if release.site != input.site {
            return self.hold(evidence(REL_002, 0, Relation::Below, 1));
        }
        if self.requested == 0 {
            return;
        }
        let reaction = localised.unwrap_or(Micros::ZERO).saturating_add(config.reaction());
        let speed = speed_for_distance(release.remaining, reaction, config.deceleration);
        let limit = self.over(REL_001, speed);
        if speed == MmPerS::ZERO {
            self.hold(limit);
        }
        self.limit(speed, limit);
    }

    fn distance<const SENSORS: usize, const SECTORS: usize>(
        &mut self,
        config: &Config,
        input: &Input<SENSORS, SECTORS>,
    ) {
        let (free, age) = self.free_travel(config, input.now, input.free_travel);
        let blocked = evidence(SSM_002, free.0.into(), Relation::AtMost, config.stop_margin.0.into());
        if blocked.holds() {
            return self.deny(blocked);
        }
        let reaction = age.saturating_add(config.reaction());
        let speed =
            speed_for_distance(free.saturating_sub(config.stop_margin), reaction, config.deceleration);
        let limit = self.over(SSM_001, speed);
        if speed == MmPerS::ZERO {
            self.deny(limit);
        }
        self.limit(speed, limit);
    }

    fn free_travel(&mut self, config: &Config, now: RobotTime, free: Option<Reading<Mm>>) -> (Mm, Micros) {
        match free.map(|free| (free.value, age(config, now, free.taken))) {
            Some((value, Ok(age))) => (value, age),
            Some((_, Err(reason))) => {
                self.deny(reason);
                (Mm::ZERO, Micros::ZERO)
            }
            None => (Mm::ZERO, Micros::ZERO),
        }
    }

    fn clearance(&mut self, config: &Config, clearance: Option<Mm>) {
        let clearance = clearance.unwrap_or(Mm::ZERO);
        let tight = evidence(CLR_001, clearance.0.into(), Relation::Below, config.clearance_creep.0.into());
        if tight.holds() {
            self.limit(config.speed_creep, tight);
        }
    }

    /// The predicate "the requested speed is above `speed`".
    fn over(&self, rule: RuleId, speed: MmPerS) -> Evidence {
        evidence(rule, self.requested.into(), Relation::Above, speed.0.into())
    }

    fn latch(&mut self, evidence: Evidence, category: StopCategory) {
        self.rules = self.rules.with(evidence.rule);
        self.latch = match self.latch {
            Some((first, earlier)) => Some((more_severe(first, evidence), earlier.min(category))),
            None => Some((evidence, category)),
        };
    }

    fn deny(&mut self, evidence: Evidence) {
        self.rules = self.rules.with(evidence.rule);
        self.deny = Some(self.deny.map_or(evidence, |first| more_severe(first, evidence)));
    }

    fn hold(&mut self, evidence: Evidence) {
        self.rules = self.rules.with(evidence.rule);
        self.hold = Some(self.hold.map_or(evidence, |first| more_severe(first, evidence)));
    }

    /// Limits speed to `speed`; the evidence counts when it holds, and names the rule when it is the tightest.
    pub(crate) fn limit(&mut self, speed: MmPerS, evidence: Evidence) {
        if evidence.holds() {
            self.rules = self.rules.with(evidence.rule);
        }
        let tighter = speed < self.limit.0
            || (speed == self.limit.0 && severity(evidence.rule) < severity(self.limit.1.rule));
        if tighter {
            self.limit = (speed, evidence);
        }
    }
}

/// Shorthand for evidence.
pub(crate) const fn evidence(rule: RuleId, measured: i64, relation: Relation, limit: i64) -> Evidence {
    Evidence { rule, measured, relation, limit }
}

/// A span as evidence, in microseconds.
pub(crate) fn micros(span: Micros) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Whether the robot stands; a robot whose speed is unknown does not.
pub(crate) fn is_standing(config: &Config, speed: Option<MmPerS>) -> bool {
    speed.is_some_and(|speed| speed <= config.standstill)
}

/// The sectors that gate the request. All of them without motion: that is what arming looks at.
fn required_sectors<const SENSORS: usize, const SECTORS: usize>(input: &Input<SENSORS, SECTORS>) -> u32 {
    let existing = input.request.sectors & all_sectors(SECTORS);
    // A mask of nothing, or of sectors that do not exist, must never mean "nothing to watch".
    if input.request.twist.linear_mm_per_s == 0 || existing == 0 { all_sectors(SECTORS) } else { existing }
}

fn all_sectors(sectors: usize) -> u32 {
    let unused = 32_usize.saturating_sub(sectors);
    u32::try_from(unused).ok().and_then(|unused| u32::MAX.checked_shr(unused)).unwrap_or(0)
}

fn is_set(mask: u32, sector: usize) -> bool {
    u32::try_from(sector).ok().and_then(|sector| mask.checked_shr(sector)).is_some_and(|bits| bits & 1 == 1)
}

/// How old a stamp is, or why it does not count.
fn age(config: &Config, now: RobotTime, taken: RobotTime) -> Result<Micros, Evidence> {
    match now.since(taken) {
        Some(age) if age <= config.sample_age_max => Ok(age),
        Some(age) => Err(evidence(OBS_004, micros(age), Relation::Above, micros(config.sample_age_max))),
        None => {
            let ahead = taken.since(now).unwrap_or(Micros::MAX);
            if ahead <= config.clock_skew {
                Ok(Micros::ZERO)
            } else {
                Err(evidence(OBS_005, micros(ahead), Relation::Above, micros(config.clock_skew)))
            }
        }
    }
}

/// The evidence of the more severe rule; of one rule, the worse value.
fn more_severe(first: Evidence, second: Evidence) -> Evidence {
    let worse = match second.relation {
        Relation::Below | Relation::AtMost => second.measured < first.measured,
        Relation::Above => first.measured < second.measured,
        Relation::Equal => false,
    };
    let (a, b) = (severity(first.rule), severity(second.rule));
    if b < a || (a == b && worse) { second } else { first }
}
