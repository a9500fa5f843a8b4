//! What the interlock makes of its sensors: fusion, memory of what was near, and sensors that stop telling the truth.

use proptest::prelude::*;
use sheepdog_interlock::{
    Config, Decision, Fusion, Input, Interlock, Mm, MmPerS, Separation, Twist, Verdict,
    rules::{
        OBS_001, OBS_003, OBS_004, OBS_006, OBS_007, OBS_009, OBS_010, OBS_012, SSM_001, SSM_002, SSM_003,
    },
};

use crate::common::{ARMED, CRUISE, ahead, armed, armed_with, good, look, moving, ppm};

type Kernel<const SENSORS: usize> = Interlock<SENSORS, 8>;

const NEXT: u64 = ARMED + 100;

fn fused<const SENSORS: usize>(fusion: Fusion, says: [Option<u32>; SENSORS]) -> Decision {
    let mut interlock = armed_with::<SENSORS, 8>(Config { fusion, ..Config::SIMULATED });
    let mut input = good(NEXT, CRUISE);
    for (sensor, says) in input.sensors.iter_mut().zip(says) {
        match says {
            Some(confidence) => {
                sensor.as_mut().unwrap().sectors[0].as_mut().unwrap().confidence = ppm(confidence);
            }
            None => *sensor = None,
        }
    }
    interlock.step(&input)
}

#[test]
fn redundant_sensors_are_as_good_as_the_best() {
    let fused = |says| fused(Fusion::Redundant, says).lowest.ppm();
    assert_eq!(fused([Some(930_000), Some(970_000), Some(950_000)]), 970_000);
    assert_eq!(fused([None, Some(930_000), None]), 930_000);
    assert_eq!(fused([None, None, None]), 0);
}

#[test]
fn a_quorum_is_as_good_as_its_last() {
    let says = [Some(930_000), Some(970_000), Some(950_000)];
    for (sensors, expected) in [(1, 970_000), (2, 950_000), (3, 930_000), (4, 0)] {
        let mut interlock =
            armed_with::<3, 8>(Config { fusion: Fusion::Quorum(sensors.min(3)), ..Config::SIMULATED });
        if sensors == 4 {
            let config = Config { fusion: Fusion::Quorum(4), ..Config::SIMULATED };
            interlock = crate::common::booted(config);
        }
        let mut input = good(NEXT, CRUISE);
        for (sensor, says) in input.sensors.iter_mut().flatten().zip(says.into_iter().flatten()) {
            sensor.sectors[0].as_mut().unwrap().confidence = ppm(says);
        }
        let decision = interlock.step(&input);
        assert_eq!(decision.lowest.ppm(), expected, "{sensors}");
        assert_eq!(decision.rules.contains(OBS_007), sensors == 4);
    }
    let two = fused(Fusion::Quorum(2), [None, Some(1_000_000), None]);
    assert!(two.primary == OBS_004 && two.rules.contains(OBS_007) && two.lowest.ppm() == 0);
    assert_eq!(fused(Fusion::Quorum(2), [Some(1_000_000), None, Some(925_000)]).lowest.ppm(), 925_000);
}

#[test]
fn complementary_sensors_are_as_good_as_the_worst_and_all_needed() {
    let fused = |says| fused(Fusion::Min, says);
    assert_eq!(fused([Some(930_000), Some(970_000), Some(950_000)]).lowest.ppm(), 930_000);
    assert_eq!(fused([Some(1_000_000), Some(1_000_000), Some(924_999)]).primary, OBS_001);
    // One that has looked there and is silent now is missed.
    let lost = fused([Some(1_000_000), None, Some(1_000_000)]);
    assert_eq!((lost.primary, lost.lowest.ppm()), (OBS_004, 0));
    assert!(lost.rules.contains(OBS_007));
}

#[test]
fn complementary_sensors_that_never_looked_somewhere_are_not_missed_there() {
    let mut interlock: Kernel<2> = crate::common::booted(Config { fusion: Fusion::Min, ..Config::SIMULATED });
    for step in 0..10 {
        let mut input = good(step * 100, CRUISE);
        input.sensors[1].as_mut().unwrap().sectors[0] = None;
        interlock.step(&input);
    }
    let mut input = good(1_000, CRUISE);
    input.sensors[1] = None;
    assert_eq!(interlock.step(&input).verdict, Verdict::Move);
    input = good(1_100, CRUISE);
    (input.sensors[1], input.request.sectors) = (None, 0b11);
    assert!(interlock.step(&input).rules.contains(OBS_007), "sector 1 it has watched");
}

/// Sees something at `distance` in sector 0 with both sensors at [`NEXT`], and then sensor 1 says nothing any more.
///
/// Nobody counts as near within `person_near` millimetres.
fn quiet(person_near: u32, distance: u32, change: impl Fn(&mut Input<2, 8>)) -> Decision {
    let mut interlock: Kernel<2> = armed_with(Config { person_near: Mm(person_near), ..Config::SIMULATED });
    let mut near = good(NEXT, CRUISE);
    look(&mut near, 0, 1_000_000, distance);
    interlock.step(&near);
    let mut input = good(NEXT + 100, CRUISE);
    input.sensors[1] = None;
    change(&mut input);
    interlock.step(&input)
}

/// Drives the other way, over the sector at the back alone.
fn backwards(input: &mut Input<2, 8>) {
    (input.request.sectors, input.request.twist) = (0b1_0000, ahead(-CRUISE));
}

/// [`quiet`] where persons near matter only within the stop margin.
fn gone_quiet(distance: u32, change: impl Fn(&mut Input<2, 8>)) -> Decision {
    quiet(200, distance, change)
}

#[test]
fn a_sensor_gone_quiet_keeps_its_last_near_reading() {
    for (distance, primary) in [(200, SSM_002), (400, SSM_001)] {
        assert_eq!(gone_quiet(distance, |_| {}).primary, primary, "{distance}");
    }
    // As if seen as long ago as ever counts: 250 ms of reaction.
    assert_eq!(gone_quiet(400, |_| {}).twist.linear_mm_per_s, 400);
    let back = gone_quiet(200, |input| *input = good(NEXT + 100, CRUISE));
    assert_eq!(back.verdict, Verdict::Move, "the same sensor takes it back");
}

#[test]
fn what_was_near_comes_nearer_as_the_robot_moves() {
    let moved = |way| gone_quiet(400, |input| *input = moving(*input, 0, way));
    assert_eq!(moved(0).primary, SSM_001);
    assert_eq!(moved(199).primary, SSM_001);
    assert_eq!(moved(200).primary, SSM_002);
    assert_eq!(moved(5_000).primary, SSM_002);
    let nobody_knows_how_far = gone_quiet(5_000, |input| input.odometry = None);
    assert!(nobody_knows_how_far.rules.contains(SSM_002), "{nobody_knows_how_far:?}");
}

#[test]
fn what_was_near_elsewhere_counts_once_the_robot_has_turned() {
    let elsewhere = |turned| {
        gone_quiet(200, |input| {
            backwards(input);
            input.odometry.as_mut().unwrap().value.turned_mrad += turned;
        })
    };
    // Half of a sector of an eighth of a turn.
    assert_eq!(elsewhere(392).verdict, Verdict::Move);
    assert_eq!(elsewhere(393).primary, SSM_002);
}

#[test]
fn a_sick_sensor_may_bring_something_nearer_and_never_take_it_away() {
    let sick = |first: u32, second: u32| {
        let mut interlock: Kernel<2> = armed();
        let mut seen = good(NEXT, CRUISE);
        look(&mut seen, 0, 1_000_000, first);
        interlock.step(&seen);
        let mut input = good(NEXT + 100, CRUISE);
        let sensor = input.sensors[1].as_mut().unwrap();
        sensor.healthy = false;
        sensor.sectors[0].as_mut().unwrap().obstacle = Mm(second);
        interlock.step(&input).primary
    };
    assert_eq!(sick(5_000, 150), SSM_002);
    assert_eq!(sick(150, 5_000), SSM_002);
}

#[test]
fn something_near_anywhere_slows_a_robot_with_a_sensor_gone() {
    let decision = quiet(1_500, 1_400, backwards);
    assert_eq!((decision.primary, decision.twist.linear_mm_per_s), (SSM_003, -300));
    assert!(!quiet(1_500, 1_600, backwards).rules.contains(SSM_003));
    // Also when the one that is gone has never looked where the robot goes.
    let mut interlock: Kernel<2> = crate::common::booted(Config::SIMULATED);
    let mut step = |millis: u64, change: &dyn Fn(&mut Input<2, 8>)| {
        let mut input = good(millis, CRUISE);
        backwards(&mut input);
        input.sensors[1].as_mut().unwrap().sectors[4] = None;
        change(&mut input);
        interlock.step(&input)
    };
    let near = |input: &mut Input<2, 8>| look(input, 0, 1_000_000, 1_400);
    for millis in (0..=ARMED).step_by(100) {
        step(millis, &|_| {});
    }
    assert!(!step(NEXT, &near).rules.contains(SSM_003));
    let gone = step(NEXT + 100, &|input| {
        near(input);
        input.sensors[1] = None;
    });
    assert_eq!((gone.primary, gone.rules.contains(OBS_012)), (SSM_003, false));
}

#[test]
fn somebody_near_a_robot_whose_sensors_are_in_doubt_means_creeping() {
    let creeps = |change: &dyn Fn(&mut Input<2, 8>)| {
        let mut interlock: Kernel<2> = armed();
        let mut input = good(NEXT, CRUISE);
        look(&mut input, 5, 1_000_000, 1_000);
        change(&mut input);
        let decision = interlock.step(&input);
        (decision.primary, decision.twist) == (SSM_003, ahead(300))
    };
    let first = |input: &mut Input<2, 8>, change: &dyn Fn(&mut sheepdog_interlock::SensorReading<8>)| {
        change(input.sensors[0].as_mut().unwrap());
    };
    assert!(!creeps(&|_| {}));
    assert!(creeps(&|input| first(input, &|sensor| sensor.sectors[0] = None)), "silent about a sector ahead");
    assert!(!creeps(&|input| first(input, &|sensor| sensor.sectors[3] = None)), "silent about another one");
    assert!(creeps(&|input| first(input, &|sensor| sensor.residual = Some(Mm(51)))), "knocked");
    let apart = |sensor: &mut sheepdog_interlock::SensorReading<8>| {
        sensor.sectors[0].as_mut().unwrap().obstacle = Mm(2_000);
    };
    assert!(creeps(&|input| first(input, &apart)), "of another opinion");
}

#[test]
fn one_sensor_fewer_is_slow_whatever_the_fusion() {
    for fusion in [Fusion::Redundant, Fusion::Quorum(2)] {
        for gone in 0..3 {
            let mut says = [Some(1_000_000); 3];
            says[gone] = None;
            let decision = fused(fusion, says);
            assert_eq!((decision.primary, decision.twist), (OBS_012, ahead(500)), "{fusion:?} {gone}");
        }
    }
    let missed = fused(Fusion::Min, [Some(1_000_000), None, Some(1_000_000)]);
    assert!(missed.rules.contains(OBS_012) && missed.verdict != Verdict::Move);
}

#[test]
fn in_doubt_about_confidence_somebody_near_means_creeping() {
    let mut interlock: Kernel<1> = armed();
    let mut input = good(NEXT, CRUISE);
    look(&mut input, 0, 959_999, 1_000);
    assert_eq!(interlock.step(&input).primary, SSM_003);
}

#[test]
fn somebody_who_comes_closer_needs_more_room() {
    let separation = Separation::ApproachingPerson(MmPerS(1_600));
    let mut walking = armed_with::<1, 8>(Config { separation, ..Config::SIMULATED });
    let mut standing: Kernel<1> = armed();
    let mut input = good(NEXT, CRUISE);
    input.free_travel.as_mut().unwrap().value = Mm(1_200);
    let (slow, fast) = (walking.step(&input), standing.step(&input));
    assert_eq!((slow.primary, fast.primary), (SSM_001, sheepdog_interlock::rules::MOV_001));
    assert!(slow.twist.linear_mm_per_s < 350, "{slow:?}");
    // Somebody who would be there before anything stops.
    input.free_travel.as_mut().unwrap().value = Mm(440);
    input.now = input.now + sheepdog_interlock::Micros::from_millis(1);
    let decision = walking.step(&input);
    assert_eq!(
        decision.verdict,
        Verdict::Stop { category: sheepdog_interlock::StopCategory::One, rule: SSM_001 }
    );
}

#[test]
fn a_frame_that_is_shown_twice_is_no_new_frame() {
    // Ten steps between two frames: stale at some time, but not frozen.
    let mut interlock: Kernel<1> = armed();
    for step in 1..=50 {
        let mut input = good(ARMED + step * 10, CRUISE);
        input.sensors[0] = good::<1, 8>(ARMED + step / 10 * 100, CRUISE).sensors[0];
        assert!(!interlock.step(&input).rules.contains(OBS_006), "step {step}");
    }
}

#[test]
fn a_frozen_sensor_counts_again_as_soon_as_something_changes() {
    let mut interlock: Kernel<2> = armed();
    let mut decision = None;
    for step in 1..=10 {
        let mut input = good(ARMED + step * 100, CRUISE);
        for sensor in input.sensors.iter_mut().flatten() {
            sensor.digest = if step < 9 { 3 } else { step };
        }
        let before = decision.replace(interlock.step(&input));
        if step == 9 {
            assert_eq!(before.unwrap().primary, OBS_006);
        }
    }
    assert!(!decision.unwrap().rules.contains(OBS_006));
}

#[test]
fn disagreement_has_to_last_without_a_break() {
    let apart = |millis: u64, by: u32| {
        let mut input: Input<2, 8> = good(millis, CRUISE);
        look(&mut input, 0, 1_000_000, 2_000);
        input.sensors[0].as_mut().unwrap().sectors[0].as_mut().unwrap().obstacle = Mm(2_000 + by);
        input
    };
    let mut interlock = armed();
    for step in 1..40 {
        let by = if step % 3 == 0 { 300 } else { 301 };
        let decision = interlock.step(&apart(ARMED + step * 100, by));
        assert_eq!(decision.verdict, Verdict::Move, "step {step}");
        assert_eq!(decision.rules.contains(OBS_009), step % 3 != 0);
    }
    // A sensor that does not count has no say.
    let mut sick = apart(ARMED + 4_000, 4_000);
    sick.sensors[1].as_mut().unwrap().healthy = false;
    assert!(!interlock.step(&sick).rules.contains(OBS_009));
    // Nor does it matter in sectors that are not swept.
    let mut beside = apart(ARMED + 4_100, 4_000);
    backwards(&mut beside);
    assert!(!interlock.step(&beside).rules.contains(OBS_009));
}

#[test]
fn silence_does_not_end_a_disagreement() {
    let mut interlock: Kernel<2> = armed();
    let mut step = |step: u64, change: &dyn Fn(&mut Input<2, 8>)| {
        let mut input = good(ARMED + step * 100, CRUISE);
        change(&mut input);
        interlock.step(&input)
    };
    let apart = |input: &mut Input<2, 8>| look(input, 0, 1_000_000, 2_000);
    let differ = |input: &mut Input<2, 8>| {
        apart(input);
        input.sensors[0].as_mut().unwrap().sectors[0].as_mut().unwrap().obstacle = Mm::MAX;
    };
    let silent = |input: &mut Input<2, 8>| input.sensors[1] = None;
    for instant in 1..=3 {
        let decision = step(instant, &differ);
        assert_eq!((decision.primary, decision.verdict), (OBS_009, Verdict::Move), "{instant}");
    }
    // At the last word it had lasted for 200 ms, and nobody has said that it is over.
    let lasting = step(4, &silent);
    assert_eq!((lasting.primary, lasting.evidence.measured), (OBS_009, 300_000));
    assert_eq!(step(5, &silent).primary, OBS_009);
    // As long again, and it does not block the robot: the other one sees enough to go on slowly.
    for instant in 6..=11 {
        assert!(!step(instant, &silent).rules.contains(OBS_009), "{instant}");
    }
    let goes_on = step(12, &silent);
    assert_eq!((goes_on.primary, goes_on.twist), (OBS_012, ahead(500)));
    // Two that agree end it at once.
    assert_eq!(step(13, &differ).primary, OBS_009);
    assert!(!step(14, &apart).rules.contains(OBS_009));
    assert!(!step(15, &silent).rules.contains(OBS_009));
}

#[test]
fn a_sensor_that_was_knocked_slows_until_it_has_found_its_contour() {
    let mut interlock: Kernel<2> = armed();
    let mut step = |step: u64, residual: Option<u32>, change: &dyn Fn(&mut Input<2, 8>)| {
        let mut input = good(ARMED + step * 100, CRUISE);
        input.sensors[1].as_mut().unwrap().residual = residual.map(Mm);
        change(&mut input);
        interlock.step(&input)
    };
    let well = |_: &mut Input<2, 8>| {};
    for instant in 1..20 {
        let decision = step(instant, Some(51), &well);
        assert_eq!((decision.primary, decision.twist), (OBS_010, ahead(500)), "{instant}");
    }
    for instant in 20..40 {
        let decision = step(instant, None, &|input| input.sensors[1] = None);
        assert_eq!((decision.primary, decision.twist), (OBS_010, ahead(500)), "{instant}");
    }
    // A reading that does not count says nothing about the contour.
    for instant in 40..45 {
        let decision = step(instant, Some(0), &|input| input.sensors[1].as_mut().unwrap().healthy = false);
        assert_eq!(decision.primary, OBS_010, "{instant}");
    }
    let found = step(45, Some(50), &well);
    assert!(!found.rules.contains(OBS_010) && found.primary == OBS_003, "{found:?}");
}

#[test]
fn drift_has_to_last_without_a_break() {
    let mut interlock: Kernel<1> = armed();
    for step in 1..40 {
        let mut input = good(ARMED + step * 100, CRUISE);
        let residual = if step % 5 == 0 { Some(Mm(50)) } else { Some(Mm(51)) };
        input.sensors[0].as_mut().unwrap().residual = residual;
        let decision = interlock.step(&input);
        assert_eq!(decision.verdict, Verdict::Move, "step {step}");
        assert_eq!(decision.rules.contains(OBS_010), step % 5 != 0);
    }
}

#[test]
fn a_robot_that_turns_on_the_spot_asks_every_sector() {
    for sector in 0..8 {
        let mut interlock: Kernel<1> = armed();
        let mut input = good(NEXT, 0);
        input.request.twist = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 200 };
        look(&mut input, sector, 924_999, u32::MAX);
        let decision = interlock.step(&input);
        assert_eq!((decision.primary, usize::from(decision.lowest_sector)), (OBS_001, sector));
    }
}

#[test]
fn the_lowest_sector_is_named_the_first_of_equals() {
    let lowest = |levels: [u32; 8]| {
        let mut interlock: Kernel<1> = armed();
        let mut input = good(NEXT, CRUISE);
        for (sector, level) in levels.into_iter().enumerate() {
            look(&mut input, sector, level, u32::MAX);
        }
        (input.request.sectors, input.request.twist) = (0b1111_1100, ahead(-CRUISE));
        let decision = interlock.step(&input);
        (decision.lowest.ppm(), decision.lowest_sector)
    };
    let full = 1_000_000;
    assert_eq!(
        lowest([0, 0, full, 940_000, full, 940_000, full, full]),
        (940_000, 3),
        "not those that do not count"
    );
    assert_eq!(lowest([0, 0, full, full, full, full, full, 999_999]), (999_999, 7));
    assert_eq!(lowest([full; 8]), (full, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// A sensor that dies never makes a robot faster, whatever it and the others have seen before, near or far.
    #[test]
    fn a_dying_sensor_never_makes_it_faster(
        seen in proptest::collection::vec((0_usize..8, 0_u32..3_000, 0_usize..2), 0..12),
        dies in 0_usize..2, free in 150_u32..3_000, sectors in 0_u32..256, after in 1_u32..8,
    ) {
        let mut one: Kernel<2> = armed();
        for (step, (sector, distance, sensor)) in (1_u64..).zip(&seen) {
            let mut input = good(ARMED + step * 100, CRUISE);
            input.sensors[*sensor].as_mut().unwrap().sectors[*sector].as_mut().unwrap().obstacle = Mm(*distance);
            one.step(&input);
        }
        let mut other = one.clone();
        for step in 0..after {
            let now = ARMED + (u64::from(step) + 20) * 50 + 700;
            let mut input = good(now, CRUISE);
            (input.request.sectors, input.request.twist) = (sectors, ahead(700));
            input.free_travel.as_mut().unwrap().value = Mm(free);
            input = moving(input, 0, step * 5);
            let mut worse = input;
            worse.sensors[dies] = None;
            let (good, bad) = (one.step(&input), other.step(&worse));
            prop_assert!(bad.speed_limit <= good.speed_limit, "{good:?} {bad:?}");
        }
    }
}

/// A mask that leaves out where the robot goes is a mistake, not a reason to look elsewhere.
#[test]
fn a_mask_without_the_sector_ahead_asks_every_sector() {
    let asked = |linear: i32, sectors: u32, sector: usize| {
        let mut input = good::<1, 8>(NEXT, linear);
        input.request.sectors = sectors;
        look(&mut input, sector, 924_999, u32::MAX);
        armed::<1, 8>().step(&input).primary == OBS_001
    };
    for sector in 0..8 {
        assert!(
            asked(CRUISE, 0b1_0000, sector)
                && asked(-CRUISE, 1, sector)
                && asked(CRUISE, 0b1111_1110, sector)
        );
        assert_eq!(asked(CRUISE, 1, sector), sector == 0);
        assert_eq!(asked(-CRUISE, 0b1_0000, sector), sector == 4);
    }
    // With an odd number of sectors the way back lies between two.
    let behind = |sectors: u32, sector: usize| {
        let mut input = good::<1, 3>(NEXT, -CRUISE);
        input.request.sectors = sectors;
        look(&mut input, sector, 924_999, u32::MAX);
        armed::<1, 3>().step(&input).primary == OBS_001
    };
    assert!(!behind(0b110, 0) && behind(0b110, 1) && behind(0b110, 2));
    assert!(behind(0b010, 0) && behind(0b100, 0));
}
