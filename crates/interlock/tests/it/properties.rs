//! Promises over all inputs and all runs.

use proptest::prelude::*;
use sheepdog_interlock::{
    Confidence, Decision, Input, Interlock, Micros, Mm, MmPerS, Reading, ResetStep, RobotTime, State, Twist,
    Verdict,
};

use crate::common::{ARMED, armed, at, config, good, input, inputs, latched, reset};

/// What must hold of every decision, whatever the input.
fn is_sound<const SENSORS: usize, const SECTORS: usize>(
    input: &Input<SENSORS, SECTORS>,
    decision: &Decision,
) {
    assert!(decision.evidence.holds(), "{decision:?}");
    assert_eq!(decision.evidence.rule, decision.primary);
    assert!(decision.rules.contains(decision.primary));
    let (asked, granted) = (input.request.twist, decision.twist);
    match decision.verdict {
        Verdict::Move => {
            assert!(!granted.is_zero(), "a permit to stand");
            assert!(granted.linear_mm_per_s.unsigned_abs() <= decision.speed_limit.0);
            assert!(granted.angular_mrad_per_s.unsigned_abs() <= 1_500);
        }
        Verdict::Stop { rule, .. } => {
            assert_eq!((granted, decision.speed_limit, rule), (Twist::ZERO, MmPerS::ZERO, decision.primary));
        }
        Verdict::Idle => assert!(asked.is_zero() && granted.is_zero()),
    }
    for (asked, granted) in [
        (asked.linear_mm_per_s, granted.linear_mm_per_s),
        (asked.angular_mrad_per_s, granted.angular_mrad_per_s),
    ] {
        assert!(granted.unsigned_abs() <= asked.unsigned_abs() && i64::from(granted) * i64::from(asked) >= 0);
    }
}

fn granted(decision: &Decision) -> (u32, u32) {
    (decision.twist.linear_mm_per_s.unsigned_abs(), decision.twist.angular_mrad_per_s.unsigned_abs())
}

/// Ways to make an input worse.
#[derive(Clone, Copy, Debug)]
enum Worse {
    LoseSensor(usize),
    Sicken(usize),
    Lower(usize, usize, u32),
    Blind(usize, usize),
    Age(usize, u64),
    Nearer(u32),
    OlderDistance(u64),
    NoDistance,
    Tighter(u32),
    NoClearance,
    ShorterRelease(u32),
    NoRelease,
    Outside,
    Lost,
    Mute,
    Press,
}

fn worse() -> impl Strategy<Value = Worse> {
    prop_oneof![
        (0_usize..2).prop_map(Worse::LoseSensor),
        (0_usize..2).prop_map(Worse::Sicken),
        (0_usize..2, 0_usize..4, 1_u32..200_000).prop_map(|(a, b, c)| Worse::Lower(a, b, c)),
        (0_usize..2, 0_usize..4).prop_map(|(a, b)| Worse::Blind(a, b)),
        (0_usize..2, 1_u64..200_000).prop_map(|(a, b)| Worse::Age(a, b)),
        (1_u32..3_000).prop_map(Worse::Nearer),
        (1_u64..200_000).prop_map(Worse::OlderDistance),
        Just(Worse::NoDistance),
        (1_u32..3_000).prop_map(Worse::Tighter),
        Just(Worse::NoClearance),
        (1_u32..3_000).prop_map(Worse::ShorterRelease),
        Just(Worse::NoRelease),
        Just(Worse::Outside),
        Just(Worse::Lost),
        Just(Worse::Mute),
        Just(Worse::Press),
    ]
}

fn earlier(time: RobotTime, micros: u64) -> RobotTime {
    RobotTime::from_micros(time.as_micros().saturating_sub(micros))
}

fn worsen(input: &Input<2, 4>, change: Worse) -> Input<2, 4> {
    let mut worse = *input;
    let mut sensor = |index: usize, change: &dyn Fn(&mut sheepdog_interlock::SensorReading<4>)| {
        if let Some(sensor) = &mut worse.sensors[index] {
            change(sensor);
        }
    };
    match change {
        Worse::LoseSensor(index) => worse.sensors[index] = None,
        Worse::Sicken(index) => sensor(index, &|sensor| sensor.healthy = false),
        Worse::Lower(index, sector, by) => sensor(index, &|sensor| {
            let lower = |value: Confidence| Confidence::from_ppm(value.ppm().saturating_sub(by)).unwrap();
            sensor.confidence[sector] = sensor.confidence[sector].map(lower);
        }),
        Worse::Blind(index, sector) => sensor(index, &|sensor| sensor.confidence[sector] = None),
        // Readings from the future are worse already and must not become better with age.
        Worse::Age(index, by) => sensor(index, &|sensor| {
            if sensor.taken <= input.now {
                sensor.taken = earlier(sensor.taken, by);
            }
        }),
        Worse::Nearer(by) => {
            worse.free_travel =
                input.free_travel.map(|free| Reading { value: free.value.saturating_sub(Mm(by)), ..free });
        }
        Worse::OlderDistance(by) => {
            worse.free_travel = input.free_travel.map(|free| Reading {
                taken: if free.taken <= input.now { earlier(free.taken, by) } else { free.taken },
                ..free
            });
        }
        Worse::NoDistance => worse.free_travel = None,
        Worse::Tighter(by) => {
            worse.side_clearance = input.side_clearance.map(|clearance| clearance.saturating_sub(Mm(by)));
        }
        Worse::NoClearance => worse.side_clearance = None,
        Worse::ShorterRelease(by) => {
            if let Some(release) = &mut worse.release {
                release.remaining = release.remaining.saturating_sub(Mm(by));
            }
        }
        Worse::NoRelease => worse.release = None,
        Worse::Outside => {
            if let Some(map) = &mut worse.map {
                map.inside = false;
            }
        }
        Worse::Lost => worse.map = None,
        Worse::Mute => worse.beat = None,
        Worse::Press => worse.emergency_button = true,
    }
    worse
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// A worse input never gets a higher speed or yaw rate.
    #[test]
    fn worse_inputs_never_go_faster(input in input::<2, 4>((ARMED + 100) * 1_000), change in worse()) {
        let armed: Interlock<2, 4> = armed();
        let (mut one, mut other) = (armed.clone(), armed);
        let (good, bad) = (one.step(&input), other.step(&worsen(&input, change)));
        prop_assert!(granted(&bad).0 <= granted(&good).0 && granted(&bad).1 <= granted(&good).1, "{good:?} {bad:?}");
    }

    /// Adding a reading that does not count changes neither speed nor removes a rule.
    #[test]
    fn a_bad_reading_never_helps(input in input::<2, 4>((ARMED + 100) * 1_000), stale in any::<bool>()) {
        let mut without = input;
        without.sensors[1] = None;
        let mut with = without;
        with.sensors[1] = with.sensors[0].map(|mut sensor| {
            sensor.confidence = [Some(Confidence::FULL); 4];
            if stale { sensor.taken = at(0) } else { sensor.healthy = false }
            sensor
        });
        let armed: Interlock<2, 4> = armed();
        let (a, b) = (armed.clone().step(&without), armed.clone().step(&with));
        prop_assert_eq!(granted(&a), granted(&b));
        prop_assert!(a.rules.iter().all(|rule| b.rules.contains(rule)));
    }

    /// Sensors have no order, and only differences of time count.
    #[test]
    fn order_of_sensors_and_origin_of_time_do_not_matter(
        input in input::<2, 4>((ARMED + 100) * 1_000), shift in 0_u64..1_000_000_000_000,
    ) {
        let mut swapped = input;
        swapped.sensors.swap(0, 1);
        let armed: Interlock<2, 4> = armed();
        let decision = armed.clone().step(&input);
        prop_assert_eq!(decision, armed.clone().step(&swapped));

        let far = |time: RobotTime| u64::MAX - shift <= time.as_micros();
        let stamps = input.sensors.iter().flatten().map(|sensor| sensor.taken);
        prop_assume!(!stamps.chain(input.beat).chain(input.map.map(|map| map.taken))
            .chain(input.free_travel.map(|free| free.taken)).any(far));
        let later = |time: RobotTime| time + Micros::new(shift);
        let shifted = |mut input: Input<2, 4>| {
            input.now = later(input.now);
            input.sensors.iter_mut().flatten().for_each(|sensor| sensor.taken = later(sensor.taken));
            input.beat = input.beat.map(later);
            if let Some(map) = &mut input.map { map.taken = later(map.taken) }
            if let Some(free) = &mut input.free_travel { free.taken = later(free.taken) }
            input
        };
        let mut interlock = Interlock::new(config().validate().unwrap());
        for millis in (ARMED - 2_000..=ARMED).step_by(100) {
            interlock.step(&shifted(good(millis, 500)));
        }
        prop_assert_eq!(decision, interlock.step(&shifted(input)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Over any run: every decision is sound, nothing panics, and the same inputs give the same decisions.
    #[test]
    fn every_decision_of_every_run_is_sound(inputs in inputs::<2, 4>(20)) {
        let mut interlock: Interlock<2, 4> = armed();
        let mut again = interlock.clone();
        for input in &inputs {
            let decision = interlock.step(input);
            is_sound(input, &decision);
            prop_assert_eq!(decision, again.step(input));
        }
    }

    /// Instants and values from anywhere: no panic, and still sound.
    #[test]
    fn nonsense_is_survived(times in proptest::collection::vec(any::<u64>(), 8), inputs in inputs::<2, 4>(8)) {
        let mut interlock = Interlock::new(config().validate().unwrap());
        for (now, mut input) in times.into_iter().zip(inputs) {
            input.now = RobotTime::from_micros(now);
            is_sound(&input, &interlock.step(&input));
        }
    }

    /// A latched interlock permits nothing before both steps of a reset have been ordered, in this order.
    #[test]
    fn a_latch_never_permits(inputs in inputs::<1, 8>(30)) {
        let mut interlock = latched(3);
        let (mut acknowledged, mut started) = (false, false);
        for mut input in inputs {
            input.now = input.now + Micros::from_millis(100);
            let before = interlock.state();
            started |= acknowledged && input.reset.is_some_and(|reset| reset.step == ResetStep::Start);
            acknowledged |= input.reset.is_some_and(|reset| {
                reset.step == ResetStep::Acknowledge && 3 <= reset.generation.0
            });
            let decision = interlock.step(&input);
            if !(acknowledged && started) {
                prop_assert!(decision.verdict != Verdict::Move && interlock.state().needs_person());
            }
            if before.needs_person() {
                prop_assert!(decision.verdict != Verdict::Move, "no step out of a latch moves by itself");
            }
        }
    }

    /// From a stop, motion comes no earlier than the dwell after the last input that was not good.
    #[test]
    fn no_motion_before_the_dwell(bad in inputs::<1, 8>(10)) {
        let mut interlock: Interlock<1, 8> = armed();
        for input in &bad {
            interlock.step(input);
        }
        let first = ARMED + 1_150;
        let stopped = !matches!(interlock.state(), State::Slow | State::Ready);
        let mut worst = good(first, 500);
        worst.beat = None;
        interlock.step(&worst);
        for millis in (first + 50..first + 550).step_by(50) {
            let decision = interlock.step(&good(millis, 500));
            prop_assert!(decision.verdict != Verdict::Move, "{millis}: {decision:?}, {stopped}");
        }
    }

    /// Liveness: whatever happened, a reset if it is needed, good inputs and the dwell make it move.
    #[test]
    fn good_inputs_for_the_dwell_move_it(bad in inputs::<1, 8>(10)) {
        let mut interlock: Interlock<1, 8> = armed();
        for input in &bad {
            interlock.step(input);
        }
        let mut now = ARMED + 1_200;
        for step in [ResetStep::Acknowledge, ResetStep::Start] {
            interlock.step(&Input { reset: Some(reset(9, step)), ..good(now, 500) });
            now += 100;
        }
        let speeds: Vec<i32> =
            (0..20).map(|step| interlock.step(&good(now + step * 100, 500)).twist.linear_mm_per_s).collect();
        prop_assert!(speeds.iter().take(6).any(|speed| 0 < *speed), "{:?} {speeds:?}", interlock.state());
        prop_assert_eq!(speeds.last(), Some(&500));
    }
}
