//! Leave for UV-C lamps: a room is treated only while two independent sources prove it empty and its doors closed.
//!
//! [`Treatment`] is a deterministic state machine of integers for one room: what sources witness and what the lamp asks
//! for go in with the time, a lease or a withdrawal comes out. A lease is short and counts from the instant at which
//! the lamp asked for it, so silence ends it; the lamp's own guard switches off within 100 ms of what it sees itself.
//!
//! Invariant: *absence of evidence withdraws*. A source that saw a person or an open door counts until the same source
//! says otherwise, however old that is; one that saw none counts only while it is fresh.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, DoorId, FleetTime, Micros, Ppm, RuleId, ZoneId,
    wire::{LampAsk, LampLease, Subject, Witness},
};

use crate::rules;

/// The time over which a dose is summed up: 8 h.
pub const DOSE_WINDOW: Micros = Micros::from_secs(8 * 3_600);

/// Effective dose within [`DOSE_WINDOW`] where people may be exposed, unless a site sets less: 30 J/m².
pub const DOSE_MAX_MJ_PER_M2: u32 = 30_000;

/// A dose is kept by quarters of an hour. One counts as long as any part of it is within the window.
const SLOT: Micros = Micros::from_secs(900);

/// After its lease a lamp may be on for so long: what it takes to switch off.
const OFF_DELAY: Micros = Micros::from_millis(100);

/// A room that is treated. Safety values have no default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UvcRoom {
    /// The zone of the site, of kind `uv_c`.
    pub zone: ZoneId,
    /// The robot that carries the lamp.
    pub lamp: AgentId,
    /// Who witnesses what.
    pub sources: Vec<UvcSource>,
    /// How old a witness may be.
    pub witness_age_max: Micros,
    /// How long a lease lasts from the instant at which the lamp asked for it.
    pub lease: Micros,
    /// Effective irradiance of the lamp at the most exposed place where people may be, mW/m².
    pub irradiance_mw_per_m2: u32,
    /// What walls add to it by reflection, of the direct irradiance.
    pub reflection: Ppm,
    /// Effective dose that people may get within [`DOSE_WINDOW`], mJ/m²; at most [`DOSE_MAX_MJ_PER_M2`].
    pub dose_max_mj_per_m2: u32,
}

/// A sensor that looks at a room or at one of its doors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UvcSource {
    /// Its name, as in its witnesses.
    pub name: String,
    /// What it looks at.
    pub subject: Subject,
    /// Sources are independent of each other if their channels differ: no cause makes both of them fail.
    pub channel: u8,
}

/// What the fleet knows of a room beside its sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The lamp's robot stands in the room, and no stop and no alarm holds it.
    pub lamp_stands_inside: bool,
    /// Somebody else is in the room or was released into it.
    pub others: bool,
    /// A door of the room reports itself that it is not closed.
    pub open_door: bool,
}

/// Why a lamp gets no leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule.
    pub rule: RuleId,
    /// What is missing, in a sentence.
    pub reason: &'static str,
}

/// What happens in one room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Treatment {
    /// The newest word of each source, by its place in the list.
    seen: BTreeMap<u16, (FleetTime, bool)>,
    number: u32,
    /// The lamp may be on until then.
    lit_until: FleetTime,
    /// The question of the last lease, unless it was withdrawn.
    leased: Option<LampAsk>,
    asked_at: Option<FleetTime>,
    dose: Dose,
}

/// Light that people may have got, nanojoules per square metre by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Dose {
    slots: VecDeque<(u64, u64)>,
}

impl UvcRoom {
    /// Why the settings cannot be used; `doors` are those of the zone.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn check(&self, doors: &[DoorId]) -> Result<(), &'static str> {
        let subjects = || subjects(doors);
        let channels = |subject: Subject| {
            let of = self.sources.iter().filter(move |source| source.subject == subject);
            of.map(|source| source.channel).collect::<std::collections::BTreeSet<u8>>()
        };
        if usize::from(u16::MAX) < self.sources.len() {
            Err("it has too many sources")
        } else if subjects().any(|subject| channels(subject).len() < 2) {
            Err("the room and each of its doors need two sources on different channels")
        } else if DOSE_MAX_MJ_PER_M2 < self.dose_max_mj_per_m2 {
            Err("dose_max_mj_per_m2 is above 30000")
        } else if self.lease == Micros::ZERO || Micros::from_secs(5) < self.lease {
            Err("lease must be above 0 s and at most 5 s")
        } else if Micros::from_secs(5) < self.witness_age_max {
            Err("witness_age_max must be at most 5 s")
        } else {
            Ok(())
        }
    }

    /// What a lamp that is on for `span` does to people, nJ/m², rounded up.
    fn dose_of(&self, span: Micros) -> u64 {
        // A milliwatt for a microsecond is a nanojoule.
        let direct = u128::from(self.irradiance_mw_per_m2) * u128::from(span.as_micros());
        let factor = 1_000_000 + u128::from(self.reflection.get());
        u64::try_from((direct * factor).div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

fn subjects(doors: &[DoorId]) -> impl Iterator<Item = Subject> + '_ {
    std::iter::once(Subject::Room).chain(doors.iter().map(|door| Subject::Door(*door)))
}

impl Treatment {
    /// Takes in what a source has seen. One that the room does not name is ignored.
    pub fn witness(&mut self, room: &UvcRoom, witness: &Witness, now: FleetTime) {
        let named = |source: &UvcSource| source.name == witness.source && source.subject == witness.subject;
        let Some(index) = room.sources.iter().position(named).and_then(|index| u16::try_from(index).ok())
        else {
            return;
        };
        let Some(at) = now.as_micros().checked_sub(witness.age.as_micros()).map(FleetTime::from_micros)
        else {
            return;
        };
        let known = self.seen.entry(index).or_insert((at, witness.clear));
        // At one instant the worse counts.
        if known.0 < at || (known.0 == at && !witness.clear) {
            *known = (at, witness.clear);
        }
    }

    /// The lamp asks for leave, with its own clock's time: a lease, or why not.
    ///
    /// # Errors
    /// [`Refused`] with the rule; what was leased before is to be withdrawn with [`Treatment::withdraw`].
    pub fn ask(
        &mut self,
        room: &UvcRoom,
        doors: &[DoorId],
        around: Surroundings,
        ask: LampAsk,
        now: FleetTime,
    ) -> Result<LampLease, Refused> {
        self.asked_at = Some(now);
        self.check(room, doors, around, now)?;
        let until = now + room.lease.saturating_add(OFF_DELAY);
        let from = self.lit_until.max(now);
        let dose = room.dose_of(until.since(from).unwrap_or_default());
        let limit = u64::from(room.dose_max_mj_per_m2).saturating_mul(1_000_000);
        if limit < self.dose.within_window(now).saturating_add(dose) {
            return Err(Refused { rule: rules::UVC_DOSE, reason: "the dose of 8 h is used up" });
        }
        self.dose.add(now, dose);
        self.lit_until = self.lit_until.max(until);
        self.number = self.number.saturating_add(1);
        self.leased = Some(ask);
        Ok(LampLease { ask, number: self.number, life: room.lease })
    }

    /// Whether the lamp may have leave.
    ///
    /// # Errors
    /// [`Refused`] with the first rule that forbids it.
    pub fn check(
        &self,
        room: &UvcRoom,
        doors: &[DoorId],
        around: Surroundings,
        now: FleetTime,
    ) -> Result<(), Refused> {
        let refused = |rule, reason| Err(Refused { rule, reason });
        if around.open_door {
            return refused(rules::UVC_EVIDENCE, "a door of the room is not closed");
        }
        if subjects(doors).any(|subject| !self.is_proven(room, subject, now)) {
            return refused(
                rules::UVC_EVIDENCE,
                "two fresh, independent sources do not prove the room empty and every door closed",
            );
        }
        if around.others {
            return refused(rules::UVC_ALONE, "somebody else is in the room or released into it");
        }
        if !around.lamp_stands_inside {
            return refused(rules::UVC_ALONE, "the lamp does not stand in the room, or is held");
        }
        Ok(())
    }

    /// Whether two fresh sources of different channels say that it is clear, and none says that it is not.
    fn is_proven(&self, room: &UvcRoom, subject: Subject, now: FleetTime) -> bool {
        let mut channel = None;
        let mut two = false;
        for (index, source) in (0_u16..).zip(&room.sources).filter(|(_, source)| source.subject == subject) {
            let Some((at, clear)) = self.seen.get(&index) else { continue };
            if !clear {
                return false;
            }
            if now.since(*at).is_some_and(|age| age <= room.witness_age_max) {
                two |= channel.is_some_and(|channel| channel != source.channel);
                channel = channel.or(Some(source.channel));
            }
        }
        two
    }

    /// Takes back what was leased; `None` when nothing is.
    pub fn withdraw(&mut self) -> Option<LampLease> {
        let ask = self.leased.take()?;
        self.number = self.number.saturating_add(1);
        Some(LampLease { ask, number: self.number, life: Micros::ZERO })
    }

    /// Whether a lease has been given that is not withdrawn and not over.
    pub fn is_leased(&self, now: FleetTime) -> bool {
        self.leased.is_some() && self.may_be_lit(now)
    }

    /// Whether the lamp may be on: what was leased is not over, whether or not it was withdrawn. A withdrawal can be
    /// lost on its way; the end of the lease cannot.
    pub fn may_be_lit(&self, now: FleetTime) -> bool {
        now < self.lit_until
    }

    /// Whether the lamp may be on, or has asked for leave within the last `patience`: nobody else is let in.
    pub fn keeps_others_out(&self, now: FleetTime, patience: Micros) -> bool {
        let asked = self.asked_at.and_then(|at| now.since(at)).is_some_and(|waited| waited < patience);
        asked || self.may_be_lit(now)
    }

    /// Dose that counts at `now`, mJ/m², rounded up.
    pub fn dose_mj_per_m2(&self, now: FleetTime) -> u64 {
        self.dose.within_window(now).div_ceil(1_000_000)
    }
}

impl Dose {
    fn add(&mut self, now: FleetTime, nanojoules: u64) {
        let slot = now.as_micros() / SLOT.as_micros();
        match self.slots.back_mut() {
            Some((last, sum)) if *last == slot => *sum = sum.saturating_add(nanojoules),
            Some(_) | None => self.slots.push_back((slot, nanojoules)),
        }
        while self.slots.front().is_some_and(|(first, _)| !counts(*first, now)) {
            self.slots.pop_front();
        }
    }

    fn within_window(&self, now: FleetTime) -> u64 {
        let counting = self.slots.iter().filter(|(slot, _)| counts(*slot, now));
        counting.fold(0, |sum, (_, nanojoules)| sum.saturating_add(*nanojoules))
    }
}

/// Whether any light of a slot may be within the window. What is leased at the end of a slot shines a little after it.
fn counts(slot: u64, now: FleetTime) -> bool {
    let end = slot.saturating_add(2).saturating_mul(SLOT.as_micros());
    now.as_micros().saturating_sub(DOSE_WINDOW.as_micros()) < end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOOR: DoorId = DoorId(0);

    fn room() -> UvcRoom {
        let source = |name: &str, subject, channel| UvcSource { name: name.to_owned(), subject, channel };
        UvcRoom {
            zone: ZoneId(2),
            lamp: AgentId(0),
            sources: vec![
                source("radar", Subject::Room, 1),
                source("thermal", Subject::Room, 2),
                source("thermal 2", Subject::Room, 2),
                source("contact", Subject::Door(DOOR), 1),
                source("lock", Subject::Door(DOOR), 2),
            ],
            witness_age_max: Micros::from_secs(1),
            lease: Micros::from_secs(2),
            irradiance_mw_per_m2: 1_000,
            reflection: Ppm::new(100_000).unwrap(),
            dose_max_mj_per_m2: 30_000,
        }
    }

    fn at(millis: u64) -> FleetTime {
        FleetTime::from_micros(millis * 1_000)
    }

    fn says(treatment: &mut Treatment, source: &str, clear: bool, millis: u64) {
        let room = room();
        let subject = room.sources.iter().find(|known| known.name == source).unwrap().subject;
        let witness =
            Witness { room: room.zone, source: source.to_owned(), subject, clear, age: Micros::ZERO };
        treatment.witness(&room, &witness, at(millis));
    }

    const ASK: LampAsk = LampAsk { room: ZoneId(2), boot: 0, asked: sheepdog_core::RobotTime::ZERO };

    const ALONE: Surroundings = Surroundings { lamp_stands_inside: true, others: false, open_door: false };

    fn ask(treatment: &mut Treatment, around: Surroundings, millis: u64) -> Result<LampLease, RuleId> {
        treatment.ask(&room(), &[DOOR], around, ASK, at(millis)).map_err(|refused| refused.rule)
    }

    fn proven(millis: u64) -> Treatment {
        let mut treatment = Treatment::default();
        for source in ["radar", "thermal", "contact", "lock"] {
            says(&mut treatment, source, true, millis);
        }
        treatment
    }

    #[test]
    fn two_fresh_independent_sources_for_the_room_and_each_door_let_the_lamp_on() {
        let mut treatment = proven(5_000);
        let lease = ask(&mut treatment, ALONE, 6_000).unwrap();
        assert_eq!((lease.number, lease.ask, lease.life), (1, ASK, Micros::from_secs(2)));
        assert!(treatment.is_leased(at(6_000)));
        assert_eq!(ask(&mut treatment, ALONE, 6_001), Err(rules::UVC_EVIDENCE), "a millisecond too old");
    }

    #[test]
    fn one_source_or_two_of_one_channel_are_not_enough() {
        for missing in ["radar", "thermal", "contact", "lock"] {
            let mut treatment = Treatment::default();
            for source in ["radar", "thermal", "contact", "lock"].iter().filter(|name| **name != missing) {
                says(&mut treatment, source, true, 0);
            }
            assert_eq!(ask(&mut treatment, ALONE, 0), Err(rules::UVC_EVIDENCE), "{missing}");
        }
        let mut treatment = Treatment::default();
        for source in ["thermal", "thermal 2", "contact", "lock"] {
            says(&mut treatment, source, true, 0);
        }
        assert_eq!(ask(&mut treatment, ALONE, 0), Err(rules::UVC_EVIDENCE));
    }

    #[test]
    fn who_has_seen_a_person_counts_until_the_same_source_says_otherwise() {
        let mut treatment = proven(0);
        says(&mut treatment, "thermal 2", false, 0);
        for source in ["radar", "thermal", "contact", "lock"] {
            says(&mut treatment, source, true, 3_600_000);
        }
        assert_eq!(ask(&mut treatment, ALONE, 3_600_000), Err(rules::UVC_EVIDENCE));
        says(&mut treatment, "thermal 2", true, 3_600_000);
        assert!(ask(&mut treatment, ALONE, 3_600_000).is_ok());
    }

    #[test]
    fn what_a_source_saw_before_its_last_word_is_history() {
        let mut treatment = proven(5_000);
        let old = |clear| Witness {
            room: room().zone,
            source: "radar".to_owned(),
            subject: Subject::Room,
            clear,
            age: Micros::from_secs(1),
        };
        treatment.witness(&room(), &old(false), at(5_500));
        assert!(ask(&mut treatment, ALONE, 5_500).is_ok());
        says(&mut treatment, "radar", false, 5_600);
        treatment.witness(&room(), &old(true), at(6_000));
        assert_eq!(ask(&mut treatment, ALONE, 5_600), Err(rules::UVC_EVIDENCE));
    }

    #[test]
    fn the_lamp_must_be_alone_in_the_room_with_its_doors_shut() {
        let refused = |around| ask(&mut proven(0), around, 0).unwrap_err();
        assert_eq!(refused(Surroundings { others: true, ..ALONE }), rules::UVC_ALONE);
        assert_eq!(refused(Surroundings { lamp_stands_inside: false, ..ALONE }), rules::UVC_ALONE);
        assert_eq!(refused(Surroundings { open_door: true, ..ALONE }), rules::UVC_EVIDENCE);
    }

    #[test]
    fn a_withdrawal_has_a_higher_number_and_is_given_once() {
        let mut treatment = proven(0);
        assert_eq!(treatment.withdraw(), None);
        ask(&mut treatment, ALONE, 0).unwrap();
        let withdrawal = treatment.withdraw().unwrap();
        assert_eq!((withdrawal.number, withdrawal.life), (2, Micros::ZERO));
        assert_eq!(treatment.withdraw(), None);
    }

    #[test]
    fn the_dose_of_eight_hours_is_kept() {
        // 1 W/m² and a tenth by reflection: 30 J/m² are 27.27 s. Each lease costs what it adds to the time lit.
        let mut treatment = Treatment::default();
        let mut lit = 0;
        let mut last = None;
        for second in 0..100 {
            for source in ["radar", "thermal", "contact", "lock"] {
                says(&mut treatment, source, true, second * 1_000);
            }
            match ask(&mut treatment, ALONE, second * 1_000) {
                Ok(_) => lit = second,
                Err(rule) => last = Some(rule),
            }
        }
        assert_eq!((lit, last), (25, Some(rules::UVC_DOSE)), "27.1 s with the end of the last lease");
        assert!(treatment.dose_mj_per_m2(at(100_000)) <= 30_000);
        let after = 8 * 3_600 * 1_000;
        for (millis, free) in [(after, false), (after + 2 * 900_000, true)] {
            for source in ["radar", "thermal", "contact", "lock"] {
                says(&mut treatment, source, true, millis);
            }
            assert_eq!(ask(&mut treatment, ALONE, millis).is_ok(), free, "{millis}");
        }
    }

    #[test]
    fn settings_that_prove_nothing_are_refused() {
        let good = room();
        assert_eq!(good.check(&[DOOR]), Ok(()));
        assert!(good.check(&[DOOR, DoorId(1)]).is_err(), "nobody looks at the other door");
        let mut one_channel = room();
        one_channel.sources.iter_mut().for_each(|source| source.channel = 1);
        assert!(one_channel.check(&[DOOR]).is_err());
        assert!(UvcRoom { dose_max_mj_per_m2: 30_001, ..room() }.check(&[DOOR]).is_err());
        assert!(UvcRoom { lease: Micros::ZERO, ..room() }.check(&[DOOR]).is_err());
        assert!(UvcRoom { witness_age_max: Micros::from_secs(6), ..room() }.check(&[DOOR]).is_err());
    }

    proptest! {
        /// However leases are asked for, light that may have fallen within any 8 h stays within the limit.
        #[test]
        fn no_eight_hours_get_more_than_the_limit(
            waits in prop::collection::vec(prop_oneof![0_u64..3_000, 0_u64..3_600_000], 1..200),
        ) {
            let mut treatment = Treatment::default();
            let (mut now, mut lit, mut until): (u64, Vec<(u64, u64)>, u64) = (0, Vec::new(), 0);
            for wait in waits {
                now += wait;
                for source in ["radar", "thermal", "contact", "lock"] {
                    says(&mut treatment, source, true, now);
                }
                if ask(&mut treatment, ALONE, now).is_ok() {
                    lit.push((now.max(until), now + 2_100));
                    until = now + 2_100;
                }
                let begin = until.saturating_sub(8 * 3_600_000);
                let on: u64 = lit.iter().map(|(from, to)| to.saturating_sub(*from.max(&begin))).sum();
                // 1 W/m² and a tenth by reflection.
                prop_assert!(on * 1_100 <= 30_000_000, "{} ms", on);
            }
        }
    }
}
