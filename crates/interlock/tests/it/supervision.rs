//! A base that does what it is told is left alone, and one that does not is found.

use proptest::prelude::*;
use sheepdog_interlock::{
    Braking, Config, Decision, Input, Interlock, Micros, Mm, MmPerS, MmPerS2, RuleId, State, StopCategory,
    Verdict,
    packs::{PackSlot, PackVerdict, Ruling},
    rules::{MOV_001, SPD_002, SSM_002, STP_002, STP_003, STP_004},
};

use crate::{
    common::{because, booted},
    plant::{Habits, Scene},
};

fn scene(habits: Habits, cycle_millis: u64) -> Scene<2> {
    Scene::new(booted(Config::SIMULATED), habits, Micros::from_millis(cycle_millis))
}

/// Steps until the interlock latches, and says why and after how many milliseconds.
fn found(scene: &mut Scene<2>, change: impl Fn(&mut Input<2, 8>)) -> (RuleId, u64) {
    let begun = scene.now;
    for _ in 0..2_000 {
        let decision = scene.step(&change);
        if scene.robot.state().needs_person() {
            return (decision.primary, scene.now.since(begun).unwrap().as_millis());
        }
    }
    panic!("nobody noticed: {:?}", scene.robot.state());
}

fn limit(input: &mut Input<2, 8>, speed: u32) {
    let ruling = Ruling::Limit { speed: MmPerS(speed), evidence: because(11) };
    input.packs[PackSlot::POWER.index()] = Some(PackVerdict::new(input.now, ruling));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A base that brakes exactly as declared never latches, whatever limits drop on it and whenever it has to stop.
    #[test]
    fn a_base_that_does_as_declared_is_left_alone(
        cycle in proptest::sample::select(vec![20_u64, 50, 70, 100, 110]),
        delay in 0_u64..=50,
        acceleration in proptest::sample::select(vec![200.0, 800.0, 3_000.0]),
        orders in proptest::collection::vec(
            (proptest::sample::select(vec![0_u32, 1, 21, 100, 300, 420, 500, 580, 600, 900, 1_000]), 1_u64..12), 1..30),
    ) {
        let habits = Habits { delay: Micros::from_millis(delay), acceleration, ..Habits::DECLARED };
        let mut scene = scene(habits, cycle);
        scene.speed = 1_000;
        scene.drive(2_500);
        for (speed, steps) in orders {
            for _ in 0..steps {
                let decision = scene.step(|input| {
                    limit(input, 1_000);
                    match speed {
                        0 => input.request.twist.linear_mm_per_s = 0,
                        1 => input.release = None,
                        21 => input.free_travel.as_mut().unwrap().value = Mm(200),
                        _ => limit(input, speed),
                    }
                });
                prop_assert!(!scene.robot.state().needs_person(), "{decision:?} at {}", scene.now);
            }
        }
    }

    /// Nor does one whose brakes are known to be weak, on a slope or under a load.
    #[test]
    fn known_weak_brakes_are_no_fault(
        deceleration in 300_u32..800, speeds in proptest::collection::vec((100_u32..1_000, 1_u64..10), 1..20),
    ) {
        let habits = Habits { deceleration: f64::from(deceleration), ..Habits::DECLARED };
        let mut scene = scene(habits, 100);
        scene.speed = 700;
        let braking = Braking { deceleration: MmPerS2(deceleration), delay: Micros::from_millis(50) };
        for (speed, steps) in speeds {
            for step in 0..steps + 6 {
                let decision = scene.step(|input| {
                    input.braking = Some(braking);
                    limit(input, speed);
                    if step == steps {
                        input.release = None;
                    }
                });
                prop_assert!(!scene.robot.state().needs_person(), "{decision:?}");
            }
        }
    }

    /// Nor does one that runs up to an obstacle, slower and slower.
    #[test]
    fn running_up_to_an_obstacle_is_no_fault(
        end in 1_500.0_f64..6_000.0, cycle in proptest::sample::select(vec![20_u64, 50, 100, 110]), delay in 0_u64..=50,
    ) {
        let habits = Habits { delay: Micros::from_millis(delay), ..Habits::DECLARED };
        let mut scene = scene(habits, cycle);
        (scene.speed, scene.end) = (1_000, Some(end));
        scene.drive(15_000);
        prop_assert!(!scene.robot.state().needs_person(), "{:?}", scene.robot.state());
        let travelled = scene.body.borrow().travelled;
        // It gets to the margin, and beyond it at most by what it brakes late: a limit that falls is reached after a delay.
        prop_assert!((end - 215.0..=end - 190.0).contains(&travelled), "{travelled} of {end}");
    }

    /// One that is a fifth too fast is found within the time allowed and two cycles, at whatever speed above the
    /// tolerance of standstill.
    #[test]
    fn a_base_a_fifth_too_fast_is_found(speed in 150_i32..1_000, cycle in proptest::sample::select(vec![20_u64, 50, 100])) {
        let mut scene = scene(Habits::DECLARED, cycle);
        scene.speed = speed;
        let mut scene = scene.cruise();
        scene.body.borrow_mut().habits.gain = 1.2;
        let (rule, after) = found(&mut scene, |_| {});
        prop_assert_eq!(rule, SPD_002);
        // 50 ms until the command acts, at most 200 ms to get so fast, 50 ms of grace.
        prop_assert!(after <= 300 + 2 * cycle, "{after} ms");
        scene.drive(3_000);
        prop_assert!(scene.body.borrow().speed <= 20.0, "it stops");
    }
}

#[test]
fn a_base_that_ignores_a_lower_limit_is_found() {
    let mut scene = scene(Habits { deceleration: 0.0, ..Habits::DECLARED }, 100).cruise();
    let (rule, after) = found(&mut scene, |input| limit(input, 300));
    assert_eq!(rule, SPD_002);
    assert!((300..=800).contains(&after), "{after} ms");
}

/// In a millisecond the declared brakes take off less than 1 mm/s, and it counts all the same.
#[test]
fn a_base_that_ignores_a_lower_limit_is_found_in_short_cycles_too() {
    let mut scene = scene(Habits { deceleration: 0.0, ..Habits::DECLARED }, 1);
    scene.drive(2_500);
    let (rule, after) = found(&mut scene, |input| limit(input, 300));
    assert_eq!(rule, SPD_002);
    assert!((300..=800).contains(&after), "{after} ms");
}

#[test]
fn a_runaway_is_found() {
    let mut scene = scene(Habits::DECLARED, 100).cruise();
    scene.body.borrow_mut().habits.gain = 10.0;
    let (rule, after) = found(&mut scene, |_| {});
    assert_eq!(rule, SPD_002);
    assert!(after <= 400, "{after} ms");
}

#[test]
fn brakes_that_do_not_act_are_found_by_the_way() {
    let mut scene = scene(Habits::DECLARED, 100).cruise();
    scene.body.borrow_mut().habits.deceleration = 0.0;
    // 327 mm are predicted, 392 mm allowed: 0.7 s at this speed.
    let (rule, after) = found(&mut scene, |input| input.beat = None);
    assert_eq!(rule, STP_003);
    assert!((600..=900).contains(&after), "{after} ms");
}

#[test]
fn weak_brakes_are_found_by_the_way_even_if_they_hold_at_last() {
    // Nine tenths of the declared force are forgiven, six tenths are not.
    for (deceleration, fault) in [(720.0, None), (480.0, Some(STP_003))] {
        let mut scene = scene(Habits::DECLARED, 100);
        scene.speed = 1_000;
        let mut scene = scene.cruise();
        scene.body.borrow_mut().habits.deceleration = deceleration;
        let mut latched = None;
        for _ in 0..40 {
            let decision = scene.step(|input| input.beat = None);
            latched = latched.or(scene.robot.state().needs_person().then_some(decision.primary));
        }
        assert_eq!(latched, fault, "{deceleration}");
    }
}

#[test]
fn a_stop_that_nobody_can_measure_is_found_by_its_time() {
    let mut scene = scene(Habits::DECLARED, 100).cruise();
    let (rule, after) = found(&mut scene, |input| (input.beat, input.odometry) = (None, None));
    assert_eq!((rule, after), (STP_002, 3_200));
}

#[test]
fn a_slow_crawl_after_a_stop_is_found_by_its_time() {
    let mut scene = scene(Habits::DECLARED, 100).cruise();
    let since = scene.now;
    let crawl = |input: &mut Input<2, 8>| {
        let speed = if input.now.since(since).unwrap() < Micros::from_millis(3_300) { 21 } else { 20 };
        let odometry = &mut input.odometry.as_mut().unwrap().value;
        (input.beat, odometry.speed) = (None, odometry.speed.max(MmPerS(speed)));
    };
    assert_eq!(found(&mut scene, crawl).0, STP_002);
}

fn at_rest() -> Scene<2> {
    let mut scene = scene(Habits::DECLARED, 100).cruise();
    for _ in 0..30 {
        scene.step(|input| input.free_travel.as_mut().unwrap().value = Mm(100));
    }
    assert_eq!(scene.robot.state(), State::Stopped { rule: SSM_002 });
    scene
}

#[test]
fn a_robot_pushed_while_it_stands_latches() {
    for (way, latches) in [(30.0, false), (31.5, true)] {
        let mut scene = at_rest();
        let from = scene.body.borrow().odometry().travelled;
        scene.body.borrow_mut().travelled = f64::from(from.0) + way;
        let decision = scene.step(|input| input.free_travel.as_mut().unwrap().value = Mm(100));
        assert_eq!(scene.robot.state().needs_person(), latches, "{way}");
        assert_eq!(decision.primary == STP_004, latches);
    }
}

#[test]
fn standing_is_counted_from_where_it_came_to_rest() {
    // Small pushes add up: it is the way from where it stood that counts.
    let mut scene = at_rest();
    let mut pushes = 0;
    while !scene.robot.state().needs_person() {
        scene.body.borrow_mut().travelled += 5.0;
        scene.step(|input| input.free_travel.as_mut().unwrap().value = Mm(100));
        pushes += 1;
    }
    assert_eq!(pushes, 7);
}

#[test]
fn a_latched_robot_may_be_pushed_out_of_the_way() {
    let mut scene = at_rest();
    let press = |input: &mut Input<2, 8>| input.emergency_button = Some(true);
    scene.step(press);
    for _ in 0..20 {
        scene.body.borrow_mut().travelled += 100.0;
        let decision: Decision = scene.step(|_| {});
        assert!(!decision.rules.contains(STP_004));
    }
}

#[test]
fn a_controlled_stop_keeps_power_while_somebody_is_carried() {
    let mut scene = scene(Habits::DECLARED, 100).cruise();
    scene.step(|input| {
        let verdict = PackVerdict::new(input.now, Ruling::Allow);
        input.packs[PackSlot::PATIENT.index()] = Some(PackVerdict { keep_power: true, ..verdict });
    });
    // The pack falls silent, and what it has said stays in force.
    let decision = scene.step(|input| input.emergency_button = Some(true));
    assert!(matches!(decision.verdict, Verdict::Stop { category: StopCategory::Two, .. }));
    assert_eq!(scene.body.borrow().halted, Some(StopCategory::Two));
    assert!(matches!(scene.robot.state(), State::Latched { category: StopCategory::Two, .. }));
}

#[test]
fn a_clock_that_goes_backwards_does_not_outlive_its_reset() {
    use sheepdog_interlock::ResetStep;
    let mut interlock: Interlock<2, 8> = crate::common::armed();
    let mut now = 5_000;
    let mut step = |interlock: &mut Interlock<2, 8>, order: Option<ResetStep>| {
        now += 100;
        let reset = order.map(|order| crate::common::reset(9, order));
        interlock.step(&Input { reset, ..crate::common::good(now, 600) })
    };
    step(&mut interlock, None);
    step(&mut interlock, Some(ResetStep::Acknowledge));
    step(&mut interlock, Some(ResetStep::Start));
    for _ in 0..5 {
        step(&mut interlock, None);
    }
    let decision = step(&mut interlock, None);
    assert_eq!(decision.verdict, Verdict::Move, "seven seconds before the clock went back: {decision:?}");
    for _ in 0..12 {
        step(&mut interlock, None);
    }
    assert_eq!(step(&mut interlock, None).primary, MOV_001);
}
