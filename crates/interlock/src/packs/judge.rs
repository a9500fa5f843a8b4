//! What packs share: how old evidence may be, and how what fired becomes one verdict.

use sheepdog_core::{Evidence, Micros, MmPerS, Relation, RobotTime, RuleId, StopCategory};

use crate::{
    BEAT_TIMEOUT_LIMIT, ConfigError, Reading,
    config::{at_least, at_most},
    packs::{PackVerdict, Ruling},
};

/// How old a pack's evidence may be, and how far from the future it may seem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The oldest evidence that counts. Keep it at or below
    /// [`Config::pack_age_max`](crate::Config::pack_age_max), or the kernel counts the verdict as none before the pack
    /// says why.
    pub age_max: Micros,
    /// How far a stamp may lie in the future.
    pub skew: Micros,
}

impl Freshness {
    /// The freshness of simulated robots: 200 ms, and 5 ms into the future.
    pub const SIMULATED: Self = Self { age_max: Micros::from_millis(200), skew: Micros::from_millis(5) };

    /// How old something is. Missing, or from further in the future than the skew, is [`Micros::MAX`].
    ///
    /// ```
    /// # use sheepdog_interlock::{Micros, RobotTime, packs::Freshness};
    /// let at = RobotTime::from_micros;
    /// assert_eq!(Freshness::SIMULATED.age(at(10_000), Some(at(4_000))), Micros::new(6_000));
    /// assert_eq!(Freshness::SIMULATED.age(at(10_000), Some(at(15_000))), Micros::ZERO);
    /// assert_eq!(Freshness::SIMULATED.age(at(10_000), Some(at(15_001))), Micros::MAX);
    /// ```
    pub fn age(self, now: RobotTime, taken: Option<RobotTime>) -> Micros {
        let Some(taken) = taken else { return Micros::MAX };
        match (now.since(taken), taken.since(now)) {
            (Some(age), _) => age,
            (None, Some(ahead)) if ahead <= self.skew => Micros::ZERO,
            (None, _) => Micros::MAX,
        }
    }

    /// Checks that it makes sense.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub(super) fn validate(self) -> Result<(), ConfigError> {
        at_least("fresh.age_max", self.age_max.as_micros(), 1, "no time is no check")?;
        let longest = BEAT_TIMEOUT_LIMIT.as_micros();
        at_most("fresh.age_max", self.age_max.as_micros(), longest, "longer than may ever be waited")?;
        let below = self.age_max.as_micros().saturating_sub(1);
        at_most("fresh.skew", self.skew.as_micros(), below, "it must stay below fresh.age_max")
    }

    /// The evidence that a stamp does not count; `None` when it does.
    pub(super) fn missing(self, rule: RuleId, now: RobotTime, taken: Option<RobotTime>) -> Option<Evidence> {
        let age = micros(self.age(now, taken));
        let missing = evidence(rule, age, Relation::Above, micros(self.age_max));
        missing.holds().then_some(missing)
    }
}

/// A verdict in the making.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    now: RobotTime,
    fresh: Freshness,
    taken: RobotTime,
    ruling: Ruling,
}

impl Judge {
    pub(super) const fn new(now: RobotTime, fresh: Freshness) -> Self {
        Self { now, fresh, taken: now, ruling: Ruling::Allow }
    }

    /// The value of a reading that counts; what does not count stops by `rule`.
    pub(super) fn read<T: Copy>(
        &mut self,
        reading: Option<Reading<T>>,
        rule: RuleId,
        category: StopCategory,
    ) -> Option<T> {
        match self.look(reading, rule) {
            Ok(value) => Some(value),
            Err(missing) => {
                self.stop(category, missing);
                None
            }
        }
    }

    /// The value of a reading that counts, or the evidence that it does not.
    pub(super) fn look<T: Copy>(&mut self, reading: Option<Reading<T>>, rule: RuleId) -> Result<T, Evidence> {
        match (reading, self.fresh.missing(rule, self.now, reading.map(|reading| reading.taken))) {
            (Some(reading), None) => {
                self.saw(reading.taken);
                Ok(reading.value)
            }
            (_, Some(missing)) => Err(missing),
            // Cannot be: nothing has no age. The safe answer is that it is missing.
            (None, None) => Err(evidence(rule, i64::MAX, Relation::Above, micros(self.fresh.age_max))),
        }
    }

    /// Evidence of this age counted.
    pub(super) fn saw(&mut self, taken: RobotTime) {
        self.taken = self.taken.min(taken);
    }

    /// Stops if the evidence holds.
    pub(super) fn stop(&mut self, category: StopCategory, evidence: Evidence) {
        self.rule(Ruling::Stop { category, evidence });
    }

    /// Latches if the evidence holds.
    pub(super) fn latch(&mut self, category: StopCategory, evidence: Evidence) {
        self.rule(Ruling::Latch { category, evidence });
    }

    /// Limits speed if the evidence holds.
    pub(super) fn limit(&mut self, speed: MmPerS, evidence: Evidence) {
        self.rule(Ruling::Limit { speed, evidence });
    }

    fn rule(&mut self, ruling: Ruling) {
        if ruling.evidence().is_some_and(|evidence| evidence.holds()) {
            self.ruling = self.ruling.and(ruling);
        }
    }

    pub(super) const fn verdict(self) -> PackVerdict {
        PackVerdict::new(self.taken, self.ruling)
    }
}

/// Shorthand for evidence.
pub(super) const fn evidence(rule: RuleId, measured: i64, relation: Relation, limit: i64) -> Evidence {
    Evidence { rule, measured, relation, limit }
}

/// The evidence of a speed limit: that the robot's own is above it.
pub(super) fn cap(rule: RuleId, own: MmPerS, limit: MmPerS) -> Evidence {
    evidence(rule, own.0.into(), Relation::Above, limit.0.into())
}

/// A span as evidence, in microseconds.
pub(super) fn micros(span: Micros) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// How long something has been good; no time at all when it has not been or the clock went backwards.
pub(super) fn good_for(since: Option<RobotTime>, now: RobotTime) -> Micros {
    since.and_then(|since| now.since(since)).unwrap_or(Micros::ZERO)
}

/// How long something has been bad; for ever when the clock went backwards, no time when it is not bad.
pub(super) fn bad_for(since: Option<RobotTime>, now: RobotTime) -> Micros {
    since.map_or(Micros::ZERO, |since| now.since(since).unwrap_or(Micros::MAX))
}

/// Length of a vector, rounded up.
pub(super) fn length_up(x: u32, y: u32) -> u32 {
    let square = |value: u32| u128::from(value).saturating_mul(value.into());
    let sum = square(x).saturating_add(square(y));
    let root = sum.isqrt();
    let up = if root.saturating_mul(root) < sum { root.saturating_add(1) } else { root };
    u32::try_from(up).unwrap_or(u32::MAX)
}

/// What the tests of packs share.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// An instant in milliseconds.
    pub(in crate::packs) const fn ms(millis: u64) -> RobotTime {
        RobotTime::from_micros(millis * 1_000)
    }

    /// A reading at an instant.
    #[expect(clippy::unnecessary_wraps, reason = "evidence is optional")]
    pub(in crate::packs) const fn read<T>(taken: RobotTime, value: T) -> Option<Reading<T>> {
        Some(Reading { taken, value })
    }

    /// The rule that a verdict cites; its evidence must hold.
    pub(in crate::packs) fn cited(verdict: PackVerdict) -> Option<RuleId> {
        let evidence = verdict.ruling.evidence()?;
        assert!(evidence.holds(), "{evidence:?}");
        Some(evidence.rule)
    }

    /// The rule by which a verdict stops without latching.
    pub(in crate::packs) fn stops(verdict: PackVerdict) -> Option<RuleId> {
        match verdict.ruling {
            Ruling::Stop { .. } => cited(verdict),
            Ruling::Allow | Ruling::Limit { .. } | Ruling::Latch { .. } => None,
        }
    }

    /// The rule by which a verdict latches.
    pub(in crate::packs) fn latches(verdict: PackVerdict) -> Option<RuleId> {
        match verdict.ruling {
            Ruling::Latch { .. } => cited(verdict),
            Ruling::Allow | Ruling::Limit { .. } | Ruling::Stop { .. } => None,
        }
    }

    /// The rule by which a verdict limits speed, and the limit in millimetres per second.
    pub(in crate::packs) fn limits(verdict: PackVerdict) -> Option<(RuleId, u32)> {
        match verdict.ruling {
            Ruling::Limit { speed, .. } => cited(verdict).map(|rule| (rule, speed.0)),
            Ruling::Allow | Ruling::Stop { .. } | Ruling::Latch { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::rules::MAP_002;

    #[test]
    fn lengths_round_up() {
        assert_eq!((length_up(3, 4), length_up(1, 1), length_up(0, 0)), (5, 2, 0));
        assert_eq!(length_up(u32::MAX, u32::MAX), u32::MAX);
    }

    #[test]
    fn evidence_counts_up_to_its_limit_and_not_from_the_future() {
        let now = testing::ms(1_000);
        let missing =
            |taken| Freshness::SIMULATED.missing(MAP_002, now, taken).map(|missing| missing.measured);
        assert_eq!(missing(Some(testing::ms(801))), None);
        assert_eq!(missing(Some(testing::ms(800))), None);
        assert_eq!(missing(Some(RobotTime::from_micros(799_999))), Some(200_001));
        assert_eq!(missing(Some(testing::ms(1_005))), None);
        assert_eq!(missing(Some(RobotTime::from_micros(1_005_001))), Some(i64::MAX));
        assert_eq!(missing(None), Some(i64::MAX));
    }

    #[test]
    fn a_freshness_that_checks_nothing_is_refused() {
        let refused = |fresh: Freshness| fresh.validate().unwrap_err().setting;
        assert_eq!(Freshness::SIMULATED.validate(), Ok(()));
        assert_eq!(refused(Freshness { age_max: Micros::ZERO, ..Freshness::SIMULATED }), "fresh.age_max");
        assert_eq!(refused(Freshness { age_max: Micros::MAX, ..Freshness::SIMULATED }), "fresh.age_max");
        assert_eq!(
            refused(Freshness { skew: Micros::from_millis(200), ..Freshness::SIMULATED }),
            "fresh.skew"
        );
    }

    #[test]
    fn a_clock_that_goes_backwards_proves_nothing_good() {
        let (since, now) = (Some(testing::ms(2)), testing::ms(1));
        assert_eq!((good_for(since, now), bad_for(since, now)), (Micros::ZERO, Micros::MAX));
        assert_eq!((good_for(None, now), bad_for(None, now)), (Micros::ZERO, Micros::ZERO));
    }
}
