//! The slots of packs, and what their rulings make together.

use sheepdog_interlock::{
    MmPerS, StopCategory,
    packs::{PACKS, PackSlot, PackVerdict, Ruling},
};

use crate::common::{at, because, good};

const SLOTS: [PackSlot; 8] = [
    PackSlot::MAP,
    PackSlot::POWER,
    PackSlot::BRAKES,
    PackSlot::LIFT,
    PackSlot::UVC,
    PackSlot::PATIENT,
    PackSlot::TELEOP,
    PackSlot::ENVELOPE,
];

#[test]
fn every_slot_has_a_place_and_a_bit_of_its_own() {
    let own = (0..8).map(|index| PackSlot::own(index).unwrap());
    for (index, slot) in SLOTS.into_iter().chain(own).enumerate() {
        assert_eq!((slot.index(), slot.bit()), (index, 1 << index));
    }
    assert_eq!(PackSlot::own(7).unwrap().index() + 1, PACKS);
    for index in [8, 9, 255] {
        assert_eq!(PackSlot::own(index), None);
    }
}

#[test]
fn a_verdict_goes_to_its_slot_and_to_no_other() {
    for slot in SLOTS {
        let mut input = good::<1, 8>(0, 0);
        let before = input.packs;
        let verdict = PackVerdict::new(at(7), limit(77));
        input.set_pack(slot, verdict);
        for (index, (found, was)) in input.packs.iter().zip(before).enumerate() {
            assert_eq!(*found, if index == slot.index() { Some(verdict) } else { was });
        }
    }
}

fn limit(speed: u32) -> Ruling {
    Ruling::Limit { speed: MmPerS(speed), evidence: because(11) }
}

fn stop(category: StopCategory) -> Ruling {
    Ruling::Stop { category, evidence: because(11) }
}

fn latch(category: StopCategory) -> Ruling {
    Ruling::Latch { category, evidence: because(11) }
}

#[test]
fn of_two_rulings_the_more_severe_counts() {
    use StopCategory::{One, Two, Zero};
    let mildest_first = [
        Ruling::Allow,
        limit(300),
        limit(0),
        stop(Two),
        stop(One),
        stop(Zero),
        latch(Two),
        latch(One),
        latch(Zero),
    ];
    for (place, mild) in mildest_first.iter().enumerate() {
        for severe in &mildest_first[place..] {
            assert_eq!(mild.and(*severe), *severe);
            assert_eq!(severe.and(*mild), *severe);
        }
    }
    let other = Ruling::Stop { category: One, evidence: because(12) };
    assert_eq!((stop(One).and(other), other.and(stop(One))), (stop(One), other), "the first of equals");
}

#[test]
fn a_ruling_says_why() {
    assert_eq!(Ruling::Allow.evidence(), None);
    for ruling in [limit(1), stop(StopCategory::One), latch(StopCategory::One)] {
        assert_eq!(ruling.evidence(), Some(because(11)));
    }
    assert!(!PackVerdict::new(at(1), Ruling::Allow).keep_power);
}
