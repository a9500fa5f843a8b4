//! Readings about the world, and the gates they open.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    ActorId, FleetTime, Micros, RuleId,
    wire::{Evidence, Fact, Relation},
};

use crate::{GAT_001, GAT_002, GAT_003, GAT_004, GAT_005, GAT_006, GAT_007, Gate};

/// How many devices of one key are kept.
pub const SOURCES_MAX: usize = 8;
/// How many readings of one device are kept: those taken last.
const READINGS_PER_SOURCE: usize = 2;
/// How many keys are kept; the one not heard of for longest makes room.
pub const KEYS_MAX: usize = 4_096;
/// The longest key, source or role, in bytes.
pub const FACT_TEXT_MAX: usize = 128;

/// What is known about the world: a bounded store of readings.
///
/// Of each device the two readings that were taken last are kept. However often others report, they push out none of them.
///
/// Forgetting is safe: a gate whose readings are gone is closed, and where a device had to make room for another one, a gate
/// stays closed until what it said last would be too old.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    readings: BTreeMap<String, Readings>,
}

/// What is known of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Readings {
    /// By device, then by when they were taken.
    kept: Vec<Reading>,
    /// The one taken last of a device that is not kept any more.
    forgotten: Option<Reading>,
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
        let readings = self.readings.entry(fact.key).or_default();
        readings.keep(Reading { source: fact.source, value: fact.value, arrived: now, age: fact.age });
        Ok(())
    }

    /// Whether a gate is open at `now`. Looks at sixteen readings at most.
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
                let fresh = self.fresh(key, *max_age, now)?;
                check_count(key, &fresh, *sources)?;
                check_spread(key, &fresh, *spread_max)?;
                check_bounds(key, &fresh, *at_least, *at_most)?;
                Ok(opened_by(GAT_001, &fresh))
            }
            Gate::Fact { key, equals, max_age } => {
                let fresh = self.fresh(key, *max_age, now)?;
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

    /// Readings of a key that are neither too old nor from the future, as long as no device is missing.
    fn fresh(&self, key: &str, max_age: Micros, now: FleetTime) -> Result<Vec<&Reading>, GateClosed> {
        let Some(Readings { kept, forgotten }) = self.readings.get(key) else { return Ok(Vec::new()) };
        let is_fresh = |reading: &&Reading| reading.age_at(now).is_some_and(|age| age <= max_age);
        let devices = SOURCES_MAX + usize::from(forgotten.as_ref().is_some_and(|reading| is_fresh(&reading)));
        let most = i64::try_from(SOURCES_MAX).unwrap_or(i64::MAX);
        close_if(GAT_007, i64::try_from(devices).unwrap_or(i64::MAX), Relation::Above, most, || {
            format!("more than {SOURCES_MAX} devices measure {key}")
        })?;
        Ok(kept.iter().filter(is_fresh).collect())
    }

    fn make_room(&mut self) {
        while KEYS_MAX <= self.readings.len() {
            let heard = |readings: &Readings| readings.kept.iter().map(|reading| reading.arrived).max();
            let oldest = self.readings.iter().min_by_key(|(_, readings)| heard(readings));
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
            self.readings.remove(&key);
        }
    }
}

impl Readings {
    /// Keeps a reading, unless it is known already or the device has taken two since.
    fn keep(&mut self, reading: Reading) {
        let Self { kept, forgotten } = self;
        if kept.iter().any(|known| known.value == reading.value && known.id() == reading.id()) {
            return;
        }
        let source = reading.source.clone();
        let at = kept.partition_point(|other| other.id() <= reading.id());
        kept.insert(at, reading);
        let of_source = |reading: &Reading| reading.source == source;
        let first = kept.partition_point(|reading| reading.source < source);
        if READINGS_PER_SOURCE < kept.iter().filter(|reading| of_source(reading)).count() {
            kept.remove(first);
        }
        let others = kept.chunk_by(|a, b| a.source == b.source).filter(|chunk| !chunk.iter().any(of_source));
        if SOURCES_MAX <= others.clone().count()
            && let Some(oldest) =
                others.filter_map(<[Reading]>::last).min_by_key(|last| last.taken()).cloned()
        {
            kept.retain(|reading| reading.source != oldest.source);
            if forgotten.as_ref().is_none_or(|known| known.taken() < oldest.taken()) {
                *forgotten = Some(oldest);
            }
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
    let count = fresh.iter().map(|reading| &reading.source).collect::<BTreeSet<_>>().len();
    let measured = i64::try_from(count).unwrap_or(i64::MAX);
    close_if(GAT_001, measured, Relation::Below, least.into(), || {
        format!("{key} has fresh readings of {count} devices, {least} are needed")
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: FleetTime = FleetTime::from_micros(100_000_000);

    fn ago(seconds: u64) -> FleetTime {
        FleetTime::from_micros(NOW.as_micros() - seconds * 1_000_000)
    }

    fn fact(source: &str, value: i64, age_s: u64) -> Fact {
        Fact { key: "pulse".into(), source: source.into(), value, age: Micros::from_secs(age_s) }
    }

    /// Two readings within 10 s that differ by at most 5 and lie in 50..=120.
    fn vitals() -> Gate {
        Gate::Consistent {
            key: "pulse".into(),
            sources: 2,
            max_age: Micros::from_secs(10),
            spread_max: 5,
            at_least: Some(50),
            at_most: Some(120),
        }
    }

    fn clear() -> Gate {
        Gate::Fact { key: "pulse".into(), equals: 1, max_age: Micros::from_secs(10) }
    }

    /// Records readings that arrived some seconds ago.
    fn known(readings: &[(u64, Fact)]) -> Facts {
        let mut facts = Facts::default();
        for (seconds, fact) in readings {
            facts.record(ago(*seconds), fact.clone()).unwrap();
        }
        facts
    }

    fn verdict(readings: &[(u64, Fact)], gate: &Gate) -> Result<usize, RuleId> {
        let verdict = known(readings).check(gate, NOW);
        if let Err(closed) = &verdict {
            assert!(closed.evidence.holds());
            assert_eq!(closed.evidence.rule, closed.rule);
        }
        verdict.map(|open| open.readings.len()).map_err(|closed| closed.rule)
    }

    #[test]
    fn two_fresh_readings_that_agree_open_the_gate() {
        let one = (4, fact("m1", 70, 0));
        assert_eq!(verdict(&[], &vitals()), Err(GAT_001));
        assert_eq!(verdict(std::slice::from_ref(&one), &vitals()), Err(GAT_001));
        assert_eq!(verdict(&[one.clone(), (2, fact("m1", 75, 0))], &vitals()), Err(GAT_001));
        assert_eq!(verdict(&[one.clone(), (4, fact("m2", 75, 0))], &vitals()), Ok(2));
        assert_eq!(verdict(&[one.clone(), (2, fact("m2", 76, 0))], &vitals()), Err(GAT_002));
        // A device that contradicts itself does so for as long as it is fresh, or until it has said otherwise twice.
        let steady = [one.clone(), (3, fact("m2", 70, 0)), (2, fact("m2", 90, 0)), (1, fact("m2", 70, 0))];
        assert_eq!(verdict(&steady, &vitals()), Err(GAT_002));
        assert_eq!(verdict(&[&steady[..], &[(0, fact("m2", 71, 0))]].concat(), &vitals()), Ok(3));
    }

    #[test]
    fn one_reading_told_twice_is_one() {
        // Taken 4 s ago: told at once, and told again 2 s later as 2 s old.
        let twice = [(4, fact("m1", 70, 0)), (2, fact("m1", 70, 2))];
        assert_eq!(verdict(&twice, &vitals()), Err(GAT_001));
        // Two values of one device for one instant contradict each other.
        let contradiction = [(4, fact("m1", 70, 0)), (4, fact("m1", 90, 0)), (4, fact("m2", 70, 0))];
        assert_eq!(verdict(&contradiction, &vitals()), Err(GAT_002));
    }

    #[test]
    fn nobody_shouts_another_down() {
        let loud: Vec<_> = (0..60).map(|_| (0, fact("m1", 70, 0))).collect();
        let mut told = vec![(8, fact("m2", 200, 0)), (8, fact("m3", 70, 0))];
        told.extend((1..8).rev().map(|second| (second, fact("m1", 70, 0))));
        told.extend(loud);
        assert_eq!(verdict(&told, &vitals()), Err(GAT_002));
        // Nor do nine devices one of them: nobody knows what it would say.
        let mut told = vec![(8, fact("m-odd", 200, 0))];
        told.extend((0..8).map(|device| (4, fact(&format!("m{device}"), 70, 0))));
        assert_eq!(verdict(&told, &vitals()), Err(GAT_007));
        let late = known(&told).check(&vitals(), NOW + Micros::from_secs(3));
        assert_eq!(late.map(|open| open.readings.len()), Ok(8), "by now it would be too old");
        assert_eq!(verdict(&told[1..], &vitals()), Ok(8));
    }

    #[test]
    fn age_counts_from_when_it_was_taken_and_the_limit_itself_is_fresh() {
        let other = (0, fact("m2", 70, 0));
        assert_eq!(verdict(&[(4, fact("m1", 70, 6)), other.clone()], &vitals()), Ok(2));
        assert_eq!(verdict(&[(4, fact("m1", 70, 7)), other.clone()], &vitals()), Err(GAT_001));
        let endless = Fact { age: Micros::MAX, ..fact("m1", 70, 0) };
        assert_eq!(verdict(&[(4, endless), other], &vitals()), Err(GAT_001));
    }

    #[test]
    fn a_reading_from_the_future_opens_nothing() {
        let mut facts = known(&[(0, fact("m1", 70, 0))]);
        facts.record(NOW + Micros::new(1), fact("m2", 70, 0)).unwrap();
        assert_eq!(facts.check(&vitals(), NOW).map_err(|closed| closed.rule), Err(GAT_001));
        assert!(facts.check(&vitals(), NOW + Micros::new(1)).is_ok());
    }

    #[test]
    fn limits_include_themselves() {
        let pair = |value| [(1, fact("m1", value, 0)), (1, fact("m2", value, 0))];
        assert_eq!(verdict(&pair(50), &vitals()), Ok(2));
        assert_eq!(verdict(&pair(49), &vitals()), Err(GAT_003));
        assert_eq!(verdict(&pair(120), &vitals()), Ok(2));
        assert_eq!(verdict(&pair(121), &vitals()), Err(GAT_004));
        let extremes = [(1, fact("m1", i64::MIN, 0)), (1, fact("m2", i64::MAX, 0))];
        assert_eq!(verdict(&extremes, &vitals()), Err(GAT_002));
    }

    #[test]
    fn the_newest_reading_of_every_source_decides_a_fact() {
        assert_eq!(verdict(&[], &clear()), Err(GAT_001));
        assert_eq!(verdict(&[(5, fact("s1", 0, 0)), (4, fact("s1", 1, 0))], &clear()), Ok(2));
        assert_eq!(verdict(&[(5, fact("s1", 1, 0)), (4, fact("s1", 0, 0))], &clear()), Err(GAT_005));
        assert_eq!(verdict(&[(5, fact("s1", 1, 0)), (4, fact("s2", 0, 0))], &clear()), Err(GAT_005));
        // Arrived last, but taken first.
        assert_eq!(verdict(&[(5, fact("s1", 1, 0)), (4, fact("s1", 0, 3))], &clear()), Ok(2));
        assert_eq!(verdict(&[(5, fact("s1", 1, 0)), (5, fact("s1", 0, 0))], &clear()), Err(GAT_005));
    }

    #[test]
    fn an_approval_opens_only_where_it_is_handed_in() {
        let gate = Gate::Approved { role: "ward-lead".into() };
        let facts = Facts::default();
        assert_eq!(facts.check(&gate, NOW).map_err(|closed| closed.rule), Err(GAT_006));
        let open = facts.check_with_approval(&gate, Some(ActorId(3)), NOW).unwrap();
        assert_eq!((open.rule, open.approved_by), (GAT_006, Some(ActorId(3))));
        // An approval stands in for no reading.
        assert!(facts.check_with_approval(&vitals(), Some(ActorId(3)), NOW).is_err());
    }

    #[test]
    fn the_store_is_bounded_and_refuses_what_it_could_not_name() {
        let mut facts = Facts::default();
        for number in 0..=KEYS_MAX {
            let arrival = FleetTime::from_micros(number as u64);
            facts.record(arrival, Fact { key: format!("key-{number}"), ..fact("m1", 1, 0) }).unwrap();
        }
        assert_eq!(facts.readings.len(), KEYS_MAX);
        assert!(!facts.readings.contains_key("key-0"));
        for second in 0..20 {
            facts.record(ago(20 - second), Fact { key: "key-7".into(), ..fact("m1", 1, 0) }).unwrap();
        }
        assert_eq!(facts.readings["key-7"].kept.len(), READINGS_PER_SOURCE);
        for device in 0..20 {
            let source = format!("m{device}");
            facts.record(NOW, Fact { key: "key-7".into(), ..fact(&source, 1, 0) }).unwrap();
        }
        assert!(facts.readings["key-7"].kept.len() <= SOURCES_MAX * READINGS_PER_SOURCE);
        for text in [String::new(), "x".repeat(FACT_TEXT_MAX + 1)] {
            let nameless = Fact { key: text.clone(), ..fact("m1", 1, 0) };
            assert!(facts.record(NOW, nameless).is_err());
            assert!(facts.record(NOW, fact(&text, 1, 0)).is_err());
        }
    }

    proptest! {
        /// Every open gate is open for fresh, consistent readings of two devices, by a plain count of the two that each took last.
        #[test]
        fn an_open_gate_has_its_evidence(
            told in prop::collection::vec((0_u64..14, 0_u8..4, 68_i64..76, 0_u64..4), 0..16),
        ) {
            let readings: Vec<_> = told
                .iter()
                .map(|(arrived, source, value, age)| (*arrived, fact(&format!("m{source}"), *value, *age)))
                .collect();
            let mut in_order = readings.clone();
            in_order.sort_by_key(|(seconds, _)| std::cmp::Reverse(*seconds));
            let age = |(since, fact): &(u64, Fact)| since + fact.age.as_micros() / 1_000_000;
            in_order.dedup();
            let mut fresh: Vec<(u64, Fact)> = Vec::new();
            for source in 0..4_u8 {
                let mut of: Vec<_> = in_order.iter().filter(|(_, fact)| fact.source == format!("m{source}")).collect();
                // What was told again of the same instant is one reading.
                let mut seen = BTreeSet::new();
                of.retain(|told| seen.insert((age(told), told.1.value)));
                of.sort_by_key(|told| age(told));
                // Of one instant more than two values may be told: which of them are kept does not matter here.
                prop_assume!(of.windows(3).all(|three| age(three[0]) != age(three[2])));
                prop_assume!(of.len() < 3 || age(of[1]) != age(of[2]));
                fresh.extend(of.into_iter().take(2).filter(|told| age(told) <= 10).cloned());
            }
            let different: BTreeSet<&String> = fresh.iter().map(|(_, fact)| &fact.source).collect();
            let agree = fresh.iter().all(|(_, a)| fresh.iter().all(|(_, b)| (a.value - b.value).abs() <= 5));
            prop_assert_eq!(known(&in_order).check(&vitals(), NOW).is_ok(), 2 <= different.len() && agree);
        }
    }
}
