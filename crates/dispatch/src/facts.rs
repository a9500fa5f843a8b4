//! Readings about the world, and the gates they open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use sheepdog_core::{ActorId, Evidence, FleetTime, Micros, Relation, RuleId, wire::Fact};

use crate::{GAT_001, GAT_002, GAT_003, GAT_004, GAT_005, GAT_006, Gate};

/// How many readings of one key are kept: the last eight.
pub const READINGS_PER_KEY: usize = 8;
/// How many keys are kept; the one not heard of for longest makes room.
pub const KEYS_MAX: usize = 4_096;
/// The longest key, source or role, in bytes.
pub const FACT_TEXT_MAX: usize = 128;

/// What is known about the world: a bounded store of readings.
///
/// Forgetting is safe: a gate whose readings are gone is closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    readings: BTreeMap<String, VecDeque<Reading>>,
}

/// One reading of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The device that measured it.
    pub source: String,
    /// The value, in the key's unit.
    pub value: i64,
    /// When it reached the fleet.
    pub arrived: FleetTime,
    /// How old it was then.
    pub age: Micros,
}

/// Why a reading was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FactError {
    /// A text is empty or longer than [`FACT_TEXT_MAX`].
    #[error("{field} is {length} bytes long, 1 to {FACT_TEXT_MAX} are allowed")]
    Text {
        /// Which text.
        field: String,
        /// Its length in bytes.
        length: usize,
    },
}

/// Why a gate is open: anyone can judge again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateEvidence {
    /// The rule that was met.
    pub rule: RuleId,
    /// The readings that were counted.
    pub readings: Vec<Reading>,
    /// Who approved.
    pub approved_by: Option<ActorId>,
}

/// Why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("rule {rule}: {detail}")]
pub struct GateClosed {
    /// The first rule that keeps it closed.
    pub rule: RuleId,
    /// The values the rule fired on.
    pub evidence: Evidence,
    /// The same in words.
    pub detail: String,
}

impl Facts {
    /// Keeps a reading that arrived at `now`.
    ///
    /// A reading equal to a kept one in source, value and instant is dropped: it is the same reading. O(log keys), and
    /// O(keys) for a new key when [`KEYS_MAX`] are known.
    ///
    /// # Errors
    /// [`FactError`] when key or source is empty or too long.
    pub fn record(&mut self, now: FleetTime, fact: Fact) -> Result<(), FactError> {
        check_text("key", &fact.key)?;
        check_text("source", &fact.source)?;
        if !self.readings.contains_key(&fact.key) {
            self.make_room();
        }
        let ring = self.readings.entry(fact.key).or_default();
        let reading = Reading { source: fact.source, value: fact.value, arrived: now, age: fact.age };
        if ring.iter().any(|kept| kept.value == reading.value && kept.id() == reading.id()) {
            return Ok(());
        }
        if READINGS_PER_KEY <= ring.len() {
            ring.pop_front();
        }
        ring.push_back(reading);
        Ok(())
    }

    /// Whether a gate is open at `now`. Looks at eight readings at most.
    ///
    /// [`Gate::Approved`] is closed here: an approval belongs to one step of one task, so its owner hands it to
    /// [`check_with_approval`](Self::check_with_approval).
    ///
    /// # Errors
    /// [`GateClosed`] with the first rule that keeps it closed.
    pub fn check(&self, gate: &Gate, now: FleetTime) -> Result<GateEvidence, GateClosed> {
        self.check_with_approval(gate, None, now)
    }

    /// [`check`](Self::check), where `approved_by` has approved the step the gate belongs to.
    ///
    /// Whether that person has the gate's role is for the caller to check.
    ///
    /// # Errors
    /// [`GateClosed`] with the first rule that keeps it closed.
    pub fn check_with_approval(
        &self,
        gate: &Gate,
        approved_by: Option<ActorId>,
        now: FleetTime,
    ) -> Result<GateEvidence, GateClosed> {
        match gate {
            Gate::Consistent { key, sources, max_age, spread_max, at_least, at_most } => {
                let fresh = self.fresh(key, *max_age, now);
                check_count(key, &fresh, *sources)?;
                check_spread(key, &fresh, *spread_max)?;
                check_bounds(key, &fresh, *at_least, *at_most)?;
                Ok(opened_by(GAT_001, &fresh))
            }
            Gate::Fact { key, equals, max_age } => {
                let fresh = self.fresh(key, *max_age, now);
                check_count(key, &fresh, 1)?;
                check_equal(key, &fresh, *equals)?;
                Ok(opened_by(GAT_005, &fresh))
            }
            Gate::Approved { role } => {
                let approvals = approved_by.is_some().into();
                close_if(GAT_006, approvals, Relation::Below, 1, || {
                    format!("nobody has approved this step as {role}")
                })?;
                Ok(GateEvidence { rule: GAT_006, readings: Vec::new(), approved_by })
            }
        }
    }

    /// Readings of a key that are neither too old nor from the future, oldest arrival first.
    fn fresh(&self, key: &str, max_age: Micros, now: FleetTime) -> Vec<&Reading> {
        let ring = self.readings.get(key).into_iter().flatten();
        ring.filter(|reading| reading.age_at(now).is_some_and(|age| age <= max_age)).collect()
    }

    fn make_room(&mut self) {
        while KEYS_MAX <= self.readings.len() {
            let heard = |ring: &VecDeque<Reading>| ring.back().map(|reading| reading.arrived);
            let Some(key) =
                self.readings.iter().min_by_key(|(_, ring)| heard(ring)).map(|(key, _)| key.clone())
            else {
                return;
            };
            self.readings.remove(&key);
        }
    }
}

impl Reading {
    /// How old the reading is at `now`; `None` when it has not arrived yet.
    pub fn age_at(&self, now: FleetTime) -> Option<Micros> {
        now.since(self.arrived).map(|since| since.saturating_add(self.age))
    }

    /// The instant it was taken, on a scale that also reaches before the fleet's clock began.
    fn taken(&self) -> i128 {
        i128::from(self.arrived.as_micros()) - i128::from(self.age.as_micros())
    }

    /// Two readings with the same id are one.
    fn id(&self) -> (&str, i128) {
        (&self.source, self.taken())
    }
}

fn check_text(field: &str, text: &str) -> Result<(), FactError> {
    let length = text.len();
    if (1..=FACT_TEXT_MAX).contains(&length) {
        Ok(())
    } else {
        Err(FactError::Text { field: field.into(), length })
    }
}

fn check_count(key: &str, fresh: &[&Reading], least: u8) -> Result<(), GateClosed> {
    let count = fresh.iter().map(|reading| reading.id()).collect::<BTreeSet<_>>().len();
    // At most eight readings are kept.
    let measured = i64::try_from(count).unwrap_or(i64::MAX);
    close_if(GAT_001, measured, Relation::Below, least.into(), || {
        format!("{key} has {count} fresh readings, {least} are needed")
    })
}

fn check_spread(key: &str, fresh: &[&Reading], spread_max: i64) -> Result<(), GateClosed> {
    let Some((low, high)) = range(fresh) else {
        return Ok(());
    };
    let spread = i64::try_from(high.abs_diff(low)).unwrap_or(i64::MAX);
    close_if(GAT_002, spread, Relation::Above, spread_max, || {
        format!("readings of {key} reach from {low} to {high}, {spread_max} apart is allowed")
    })
}

fn check_bounds(
    key: &str,
    fresh: &[&Reading],
    at_least: Option<i64>,
    at_most: Option<i64>,
) -> Result<(), GateClosed> {
    let Some((low, high)) = range(fresh) else {
        return Ok(());
    };
    if let Some(limit) = at_least {
        close_if(GAT_003, low, Relation::Below, limit, || {
            format!("{key} is {low}, at least {limit} is needed")
        })?;
    }
    if let Some(limit) = at_most {
        close_if(GAT_004, high, Relation::Above, limit, || {
            format!("{key} is {high}, at most {limit} is allowed")
        })?;
    }
    Ok(())
}

fn check_equal(key: &str, fresh: &[&Reading], equals: i64) -> Result<(), GateClosed> {
    let newest = |reading: &&&Reading| {
        fresh.iter().all(|other| other.source != reading.source || other.taken() <= reading.taken())
    };
    for reading in fresh.iter().filter(newest) {
        let difference = i64::try_from(reading.value.abs_diff(equals)).unwrap_or(i64::MAX);
        close_if(GAT_005, difference, Relation::Above, 0, || {
            format!("{} says {key} is {}, {equals} is needed", reading.source, reading.value)
        })?;
    }
    Ok(())
}

fn range(fresh: &[&Reading]) -> Option<(i64, i64)> {
    let values = || fresh.iter().map(|reading| reading.value);
    values().min().zip(values().max())
}

fn opened_by(rule: RuleId, fresh: &[&Reading]) -> GateEvidence {
    GateEvidence { rule, readings: fresh.iter().copied().cloned().collect(), approved_by: None }
}

fn close_if(
    rule: RuleId,
    measured: i64,
    relation: Relation,
    limit: i64,
    detail: impl FnOnce() -> String,
) -> Result<(), GateClosed> {
    let evidence = Evidence { rule, measured, relation, limit };
    if evidence.holds() { Err(GateClosed { rule, evidence, detail: detail() }) } else { Ok(()) }
}
