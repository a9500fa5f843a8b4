//! The pack of the envelope: whether the robot tracks its path and reacts in time as was declared.
//!
//! Claims around a route are as wide as the declared tracking error, and speed limits count on the declared time from
//! perception to motion. So both are measured while the robot moves: above `slow_percent` of what was declared it is slow,
//! above all of it, it stops and leaves a [`Finding`] for whoever declared it (ENV-001, ENV-002). A stop lasts until the value
//! is back within that share.

use sheepdog_core::{Evidence, Micros, Mm, MmPerS, Relation, RobotTime, RuleId, StopCategory};

use crate::{
    ConfigError, Reading,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, evidence, micros},
        rules::{ENV_001, ENV_002, ENV_003},
    },
};

/// Settings of an [`Envelope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeSettings {
    /// How old a measurement may be (ENV-003).
    pub fresh: Freshness,
    /// The declared tracking error (ENV-001).
    pub tracking_max: Mm,
    /// The declared time from perception to motion (ENV-002).
    pub latency_max: Micros,
    /// Share of them above which the robot is slow, percent.
    pub slow_percent: u32,
    /// Speed limit above that share.
    pub speed_slow: MmPerS,
}

impl EnvelopeSettings {
    /// The settings of robots that we simulate; they describe no real robot.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        tracking_max: Mm(100),
        latency_max: Micros::from_millis(120),
        slow_percent: 80,
        speed_slow: MmPerS(300),
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        at_least("tracking_max", self.tracking_max.0.into(), 1, "no robot tracks exactly")?;
        at_least("latency_max", self.latency_max.as_micros(), 1, "no robot reacts at once")?;
        at_most("latency_max", self.latency_max.as_micros(), 1_000_000, "nobody can wait for it")?;
        at_least("slow_percent", self.slow_percent.into(), 1, "it must leave room to move")?;
        at_most("slow_percent", self.slow_percent.into(), 100, "it is slow before it stops")
    }
}

/// What the robot measures of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnvelopeEvidence {
    /// Distance from its path.
    pub tracking: Option<Reading<Mm>>,
    /// The last time from perception to motion, or the worst of a window.
    pub latency: Option<Reading<Micros>>,
}

/// A declaration that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// When it was at its worst.
    pub at: RobotTime,
    /// By how much.
    pub evidence: Evidence,
}

/// The pack of the envelope of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, envelope::*}};
/// # fn main() -> Result<(), ConfigError> {
/// let mut envelope = Envelope::new(EnvelopeSettings::SIMULATED)?;
/// let now = RobotTime::from_micros(1_000);
/// let measured = |tracking| EnvelopeEvidence {
///     tracking: Some(Reading { taken: now, value: tracking }),
///     latency: Some(Reading { taken: now, value: Micros::from_millis(60) }),
/// };
/// assert_eq!(envelope.rule(now, &measured(Mm(80))).ruling, Ruling::Allow);
/// assert!(matches!(envelope.rule(now, &measured(Mm(81))).ruling, Ruling::Limit { .. }));
/// assert!(matches!(envelope.rule(now, &measured(Mm(101))).ruling, Ruling::Stop { .. }));
/// assert_eq!(envelope.take_findings()[0].map(|finding| finding.evidence.measured), Some(101));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Envelope {
    settings: EnvelopeSettings,
    tracking: Watch,
    latency: Watch,
}

/// What is remembered of one declaration.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    is_exceeded: bool,
    worst: Option<Finding>,
}

impl Envelope {
    /// A pack that has measured nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] as [`EnvelopeSettings::validate`].
    pub fn new(settings: EnvelopeSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings, tracking: Watch::default(), latency: Watch::default() })
    }

    /// The worst excess of each declaration since they were last taken: tracking error, latency.
    pub fn take_findings(&mut self) -> [Option<Finding>; 2] {
        [self.tracking.worst.take(), self.latency.worst.take()]
    }

    /// What it thinks of the evidence of one cycle. Constant time.
    pub fn rule(&mut self, now: RobotTime, evidence: &EnvelopeEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        let EnvelopeSettings { tracking_max, latency_max, slow_percent, speed_slow, .. } = self.settings;
        if let Some(tracking) = judge.read(evidence.tracking, ENV_003, StopCategory::One) {
            let limits = Limits::new(ENV_001, tracking_max.0.into(), slow_percent, speed_slow);
            self.tracking.check(now, tracking.0.into(), limits, &mut judge);
        }
        if let Some(latency) = judge.read(evidence.latency, ENV_003, StopCategory::One) {
            let limits = Limits::new(ENV_002, micros(latency_max), slow_percent, speed_slow);
            self.latency.check(now, micros(latency), limits, &mut judge);
        }
        judge.verdict()
    }
}

/// What a measurement is compared with.
#[derive(Clone, Copy, Debug)]
struct Limits {
    rule: RuleId,
    most: i64,
    /// The share of it above which the robot is slow.
    slow: i64,
    speed: MmPerS,
}

impl Limits {
    fn new(rule: RuleId, most: i64, percent: u32, speed: MmPerS) -> Self {
        Self { rule, most, slow: most.saturating_mul(percent.into()) / 100, speed }
    }
}

impl Watch {
    fn check(&mut self, now: RobotTime, measured: i64, limits: Limits, judge: &mut Judge) {
        let above = |limit| evidence(limits.rule, measured, Relation::Above, limit);
        let (exceeded, slow) = (above(limits.most), above(limits.slow));
        if exceeded.holds() && self.worst.is_none_or(|worst| worst.evidence.measured < measured) {
            self.worst = Some(Finding { at: now, evidence: exceeded });
        }
        let stop = if self.is_exceeded { slow } else { exceeded };
        self.is_exceeded = stop.holds();
        judge.stop(StopCategory::One, stop);
        judge.limit(limits.speed, slow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{limits, ms, read, stops},
    };

    fn envelope() -> Envelope {
        Envelope::new(EnvelopeSettings::SIMULATED).unwrap()
    }

    fn seen(now: RobotTime, tracking: u32, latency: u64) -> EnvelopeEvidence {
        EnvelopeEvidence { tracking: read(now, Mm(tracking)), latency: read(now, Micros::new(latency)) }
    }

    #[test]
    fn near_the_margin_the_robot_is_slow_and_beyond_it_stops() {
        let now = ms(0);
        for (tracking, slow, stopped) in [
            (79, false, false),
            (80, false, false),
            (81, true, false),
            (99, true, false),
            (100, true, false),
            (101, false, true),
        ] {
            let mut envelope = envelope();
            let verdict = envelope.rule(now, &seen(now, tracking, 0));
            assert_eq!(limits(verdict), slow.then_some((ENV_001, 300)), "{tracking}");
            assert_eq!(stops(verdict), stopped.then_some(ENV_001), "{tracking}");
            assert_eq!(envelope.take_findings()[0].is_some(), stopped);
        }
        for (latency, slow, stopped) in [
            (95_999, false, false),
            (96_000, false, false),
            (96_001, true, false),
            (119_999, true, false),
            (120_000, true, false),
            (120_001, false, true),
        ] {
            let mut envelope = envelope();
            let verdict = envelope.rule(now, &seen(now, 0, latency));
            assert_eq!(limits(verdict), slow.then_some((ENV_002, 300)), "{latency}");
            assert_eq!(stops(verdict), stopped.then_some(ENV_002), "{latency}");
            assert_eq!(envelope.take_findings()[1].is_some(), stopped);
        }
    }

    #[test]
    fn a_stop_lasts_until_there_is_room_again() {
        let mut envelope = envelope();
        for (tracking, stopped) in [(101, true), (100, true), (81, true), (80, false), (100, false)] {
            let verdict = envelope.rule(ms(0), &seen(ms(0), tracking, 0));
            assert_eq!(stops(verdict), stopped.then_some(ENV_001), "{tracking}");
        }
    }

    #[test]
    fn the_worst_is_kept_until_it_is_taken() {
        let mut envelope = envelope();
        for (millis, tracking) in [(0, 110), (100, 130), (200, 120), (250, 130), (300, 0)] {
            envelope.rule(ms(millis), &seen(ms(millis), tracking, 0));
        }
        let [tracking, latency] = envelope.take_findings();
        let worst = evidence(ENV_001, 130, Relation::Above, 100);
        assert_eq!((tracking, latency), (Some(Finding { at: ms(100), evidence: worst }), None));
        assert_eq!(envelope.take_findings(), [None, None]);
    }

    #[test]
    fn both_are_measured_freshly() {
        let now = ms(1_000);
        for (taken, counts) in [(799_999, false), (800_000, true), (1_005_000, true), (1_005_001, false)] {
            let taken = RobotTime::from_micros(taken);
            let fresh = seen(now, 0, 0);
            for old in [
                EnvelopeEvidence { tracking: read(taken, Mm(0)), ..fresh },
                EnvelopeEvidence { latency: read(taken, Micros::ZERO), ..fresh },
            ] {
                let verdict = envelope().rule(now, &old);
                assert_eq!(stops(verdict), (!counts).then_some(ENV_003), "{taken}");
            }
        }
        assert_eq!(stops(envelope().rule(now, &EnvelopeEvidence::default())), Some(ENV_003));
        let verdict =
            envelope().rule(now, &EnvelopeEvidence { tracking: read(ms(900), Mm(0)), ..seen(now, 0, 0) });
        assert_eq!(verdict, PackVerdict::new(ms(900), Ruling::Allow));
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = EnvelopeSettings::SIMULATED;
        let refused = |settings: EnvelopeSettings| Envelope::new(settings).unwrap_err().setting;
        let cases = [
            (EnvelopeSettings { tracking_max: Mm(0), ..simulated }, "tracking_max"),
            (EnvelopeSettings { latency_max: Micros::ZERO, ..simulated }, "latency_max"),
            (EnvelopeSettings { latency_max: Micros::from_secs(2), ..simulated }, "latency_max"),
            (EnvelopeSettings { slow_percent: 0, ..simulated }, "slow_percent"),
            (EnvelopeSettings { slow_percent: 101, ..simulated }, "slow_percent"),
        ];
        for (settings, setting) in cases {
            assert_eq!(refused(settings), setting);
        }
    }
}
