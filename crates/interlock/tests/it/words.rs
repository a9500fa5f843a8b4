//! The canonical form of inputs.

use proptest::prelude::*;
use sheepdog_interlock::{
    ActorId, Braking, Epoch, Input, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, Relation, ResetStep, RuleId,
    SelfTest, SiteVersion, StopCategory, StopGeneration,
    packs::{PackVerdict, Ruling},
};

use crate::common::{ARMED, CRUISE, at, because, good, inputs, ppm, reset, stop};

type In = Input<2, 4>;

fn words(input: &In) -> Vec<u64> {
    let mut words = Vec::new();
    input.write(&mut |word| words.push(word));
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What was written is read again, to the last bit; one word more or less is nothing.
    #[test]
    fn inputs_come_back(inputs in inputs::<2, 4>(3), extra in any::<u64>()) {
        for input in inputs {
            let mut words = words(&input);
            prop_assert_eq!(In::read(&mut words.iter().copied()), Some(input));
            words.push(extra);
            prop_assert_eq!(In::read(&mut words.iter().copied()), None);
            words.truncate(words.len() - 2);
            prop_assert_eq!(In::read(&mut words.iter().copied()), None);
        }
    }

    /// Whatever can be read is the canonical form of what was read: there are no two forms of one input.
    #[test]
    fn there_is_one_form(inputs in inputs::<2, 4>(1), place in any::<prop::sample::Index>(), word in prop_oneof![0_u64..4, any::<u64>()]) {
        let mut words = words(&inputs[0]);
        let place = place.index(words.len());
        words[place] = word;
        if let Some(read) = In::read(&mut words.iter().copied()) {
            prop_assert_eq!(self::words(&read), words);
        }
    }
}

/// An input in which every option has a value.
fn full() -> In {
    let mut input = good(ARMED, CRUISE);
    input.sensors[1].as_mut().unwrap().residual = Some(Mm(7));
    input.braking = Some(Braking { deceleration: MmPerS2(700), delay: Micros::new(60_000) });
    input.stop = Some(stop(3, StopCategory::Two));
    input.reset = Some(reset(2, ResetStep::Start));
    input.packs[1] =
        Some(PackVerdict::new(input.now, Ruling::Limit { speed: MmPerS(300), evidence: because(11) }));
    input.packs[2] = Some(PackVerdict::new(
        input.now,
        Ruling::Stop { category: StopCategory::One, evidence: because(11) },
    ));
    input.packs[3] = Some(PackVerdict::new(
        input.now,
        Ruling::Latch { category: StopCategory::One, evidence: because(11) },
    ));
    input
}

#[test]
fn every_field_changes_the_digest() {
    type Change = fn(&mut In);
    let sensor: [Change; 9] = [
        |input| input.sensors[0] = None,
        |input| input.sensors[0].as_mut().unwrap().taken = at(1),
        |input| input.sensors[0].as_mut().unwrap().seq += 1,
        |input| input.sensors[0].as_mut().unwrap().digest += 1,
        |input| input.sensors[0].as_mut().unwrap().healthy = false,
        |input| input.sensors[0].as_mut().unwrap().invalid = Ppm::ONE,
        |input| input.sensors[1].as_mut().unwrap().residual = Some(Mm(8)),
        |input| input.sensors[0].as_mut().unwrap().sectors[3] = None,
        |input| input.sensors[0].as_mut().unwrap().sectors[3].as_mut().unwrap().confidence = ppm(1),
    ];
    let motion: [Change; 19] = [
        |input| input.now = at(1),
        |input| input.request.twist.linear_mm_per_s = -CRUISE,
        |input| input.request.twist.angular_mrad_per_s = -1,
        |input| input.request.sectors = 2,
        |input| input.request.issued = at(1),
        |input| input.free_travel = None,
        |input| input.free_travel.as_mut().unwrap().taken = at(1),
        |input| input.free_travel.as_mut().unwrap().value = Mm(1),
        |input| input.side_clearance = Some(Mm(1)),
        |input| input.odometry.as_mut().unwrap().value.speed = MmPerS(1),
        |input| input.odometry.as_mut().unwrap().value.yaw_rate = MradPerS(-1),
        |input| input.odometry.as_mut().unwrap().value.travelled = Mm(1),
        |input| input.odometry.as_mut().unwrap().value.turned_mrad = 1,
        |input| input.odometry.as_mut().unwrap().taken = at(1),
        |input| input.odometry = None,
        |input| input.braking = None,
        |input| input.braking.as_mut().unwrap().deceleration = MmPerS2(701),
        |input| input.braking.as_mut().unwrap().delay = Micros::new(60_001),
        |input| input.sensors[0].as_mut().unwrap().sectors[3].as_mut().unwrap().obstacle = Mm(1),
    ];
    let told: [Change; 35] = [
        |input| input.release = None,
        |input| input.release.as_mut().unwrap().epoch = Epoch(2),
        |input| input.release.as_mut().unwrap().remaining = Mm(1),
        |input| input.release.as_mut().unwrap().taken = at(1),
        |input| input.release.as_mut().unwrap().site.0[31] = 8,
        |input| input.site = SiteVersion([8; 32]),
        |input| input.site.0[0] = 8,
        |input| input.site.0[8] = 8,
        |input| input.beat = None,
        |input| input.beat = Some(at(1)),
        |input| input.packs[0] = None,
        |input| input.packs[0].as_mut().unwrap().taken = at(1),
        |input| input.packs[0].as_mut().unwrap().keep_power = true,
        |input| input.packs[15] = input.packs[0],
        |input| input.packs[14] = input.packs[0],
        |input| input.packs.swap(1, 2),
        |input| {
            input.packs[1].as_mut().unwrap().ruling =
                Ruling::Limit { speed: MmPerS(301), evidence: because(11) }
        },
        |input| {
            input.packs[1].as_mut().unwrap().ruling =
                Ruling::Limit { speed: MmPerS(300), evidence: because(12) }
        },
        |input| {
            let evidence = sheepdog_interlock::Evidence { relation: Relation::AtMost, ..because(11) };
            input.packs[1].as_mut().unwrap().ruling = Ruling::Limit { speed: MmPerS(300), evidence };
        },
        |input| {
            let evidence = sheepdog_interlock::Evidence { rule: RuleId::new("XYZ-002"), ..because(11) };
            input.packs[1].as_mut().unwrap().ruling = Ruling::Limit { speed: MmPerS(300), evidence };
        },
        |input| {
            let evidence = sheepdog_interlock::Evidence { limit: -10, ..because(11) };
            input.packs[1].as_mut().unwrap().ruling = Ruling::Limit { speed: MmPerS(300), evidence };
        },
        |input| input.packs[2].as_mut().unwrap().ruling = input.packs[3].unwrap().ruling,
        |input| {
            input.packs[2].as_mut().unwrap().ruling =
                Ruling::Stop { category: StopCategory::Zero, evidence: because(11) };
        },
        |input| input.self_test = SelfTest::Failed,
        |input| input.self_test = SelfTest::NotRun,
        |input| input.emergency_button = None,
        |input| input.emergency_button = Some(true),
        |input| input.bumper = None,
        |input| input.bumper = Some(true),
        |input| input.reset_button = true,
        |input| input.stop.as_mut().unwrap().generation = StopGeneration(4),
        |input| input.stop.as_mut().unwrap().category = StopCategory::One,
        |input| input.reset.as_mut().unwrap().step = ResetStep::Acknowledge,
        |input| input.reset.as_mut().unwrap().actor = ActorId(6),
        |input| (input.stop, input.reset) = (None, None),
    ];
    let mut digests = vec![full().digest()];
    for change in sensor.into_iter().chain(motion).chain(told) {
        let mut input = full();
        change(&mut input);
        assert_ne!(input, full());
        assert_eq!(In::read(&mut words(&input).into_iter()), Some(input));
        digests.push(input.digest());
    }
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!((digests.len(), count), (64, 64));
}

#[test]
fn every_bit_of_the_form_counts() {
    let full = words(&full());
    let mut refused = 0;
    for place in 0..full.len() {
        for bit in 0..64 {
            let mut changed = full.clone();
            changed[place] ^= 1 << bit;
            match In::read(&mut changed.iter().copied()) {
                Some(read) => assert_ne!(read.digest(), self::full().digest(), "word {place}, bit {bit}"),
                None => refused += 1,
            }
        }
    }
    assert!(0 < refused);
}
