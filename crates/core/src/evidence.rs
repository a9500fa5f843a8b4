//! Why a rule fired, as a predicate on integers. Needs no allocator, so the robot's kernel can say it too.

use crate::RuleId;

/// How a measured value broke a rule's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Relation {
    /// The rule fires when the measured value is below the limit.
    Below,
    /// The rule fires when the measured value is at or below the limit.
    AtMost,
    /// The rule fires when the measured value is above the limit.
    Above,
    /// The rule fires when the measured value equals the limit.
    Equal,
}

/// Why a rule fired: a predicate that anyone can evaluate again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Evidence {
    /// The rule.
    pub rule: RuleId,
    /// What was measured, in the rule's unit.
    pub measured: i64,
    /// How the two compare when the rule fires.
    pub relation: Relation,
    /// The limit, in the rule's unit.
    pub limit: i64,
}

impl Evidence {
    /// Evaluates the predicate on the recorded values: whether the rule fires on them.
    ///
    /// ```
    /// # use sheepdog_core::{Evidence, Relation, RuleId};
    /// let rule = RuleId::new("OBS-001");
    /// let evidence = Evidence { rule, measured: 924_999, relation: Relation::Below, limit: 925_000 };
    /// assert!(evidence.holds());
    /// assert!(!Evidence { measured: 925_000, ..evidence }.holds());
    /// ```
    pub const fn holds(&self) -> bool {
        match self.relation {
            Relation::Below => self.measured < self.limit,
            Relation::AtMost => self.measured <= self.limit,
            Relation::Above => self.measured > self.limit,
            Relation::Equal => self.measured == self.limit,
        }
    }
}
