//! Edges that nothing else walks along: equal instants, equal confidences, states that differ in age alone.

use sheepdog_interlock::{
    Config, Decision, Input, Interlock, ResetStep, RuleSet, State, StopCategory, Verdict, rules::STP_002,
};

use crate::common::{ARMED, CRUISE, armed, booted, frame, good, moving, reset, stop};

type Kernel = Interlock<2, 8>;

/// An instant that comes twice is no step back in time, so nothing that was waited for begins anew.
#[test]
fn an_instant_may_come_twice() {
    let mut kernel: Kernel = booted(Config::SIMULATED);
    for millis in (ARMED - 2_000..=ARMED).step_by(100) {
        let input = good(millis, CRUISE);
        kernel.step(&input);
        kernel.step(&input);
    }
    assert_eq!(kernel.state(), State::Ready);
}

/// The slow band begins below its confidence.
#[test]
fn the_confidence_of_the_slow_band_is_not_in_it() {
    let slow = Config::SIMULATED.confidence_slow;
    let after = |ppm: u32| {
        let mut kernel: Kernel = armed();
        let mut last = None;
        for millis in (ARMED + 100..ARMED + 10_000).step_by(100) {
            let mut input = good(millis, CRUISE);
            for sensor in input.sensors.iter_mut().flatten() {
                for sector in sensor.sectors.iter_mut().flatten() {
                    sector.confidence = sheepdog_interlock::Confidence::from_ppm(ppm).unwrap();
                }
            }
            last = Some(kernel.step(&input));
        }
        (kernel.state(), last.map(|decision| decision.verdict))
    };
    assert_eq!(after(slow.ppm()), (State::Ready, Some(Verdict::Move)));
    assert_eq!(after(slow.ppm() - 1).0, State::Slow);
    // Once in the band, exactly at its end is out of it.
    let mut kernel: Kernel = booted(Config::SIMULATED);
    for millis in (ARMED - 10_000..=ARMED).step_by(100) {
        let mut input = good(millis, CRUISE);
        for sensor in input.sensors.iter_mut().flatten() {
            *sensor = frame(input.now);
            for sector in sensor.sectors.iter_mut().flatten() {
                sector.confidence = slow;
            }
        }
        kernel.step(&input);
    }
    assert_eq!(kernel.state(), State::Ready);
}

/// A base that goes on although the robot has latched is found: a latch is an order to stop, until the robot stands.
#[test]
fn who_drives_on_in_a_latch_is_found() {
    let mut kernel: Kernel = armed();
    let mut travelled = 0;
    let mut step = |kernel: &mut Kernel, millis: u64, stopped: bool| -> Decision {
        travelled += 60;
        let stop = stopped.then(|| stop(1, StopCategory::One));
        kernel.step(&Input { stop, ..moving(good(millis, CRUISE), 600, travelled) })
    };
    for millis in (ARMED + 100..ARMED + 1_000).step_by(100) {
        assert_eq!(step(&mut kernel, millis, false).verdict, Verdict::Move);
    }
    let found = (ARMED + 1_000..ARMED + 9_000).step_by(100).any(|millis| {
        let decision = step(&mut kernel, millis, true);
        assert!(matches!(decision.verdict, Verdict::Stop { .. }));
        decision.rules.contains(STP_002)
    });
    assert!(found, "the base never stopped and nobody said so");
}

/// What has lasted longer, or is pressed for longer, is another snapshot.
#[test]
fn snapshots_tell_ages_apart() {
    let since = |begun: u64| {
        let mut kernel: Kernel = booted(Config::SIMULATED);
        for millis in [0, 100, 200] {
            let input = good(millis, CRUISE);
            let beat = input.beat.filter(|_| begun <= millis);
            kernel.step(&Input { beat, ..input });
        }
        kernel.snapshot()
    };
    assert!(since(0) == since(0));
    assert!(since(100) != since(200));
    let pressed = |since: u64| {
        let mut kernel: Kernel = crate::common::latched(1);
        for millis in [300, 400, 500] {
            let input = Input { reset_button: since <= millis, ..good(ARMED + millis, 0) };
            kernel.step(&input);
            // An instant that comes twice does not begin a press anew.
            kernel.step(&input);
        }
        kernel.snapshot()
    };
    assert!(pressed(300) == pressed(300));
    assert!(pressed(300) != pressed(400));
    assert!(pressed(500) != pressed(600));
}

/// What is printed for people who look for a fault names what is there.
#[test]
fn states_and_rules_are_printed_by_name() {
    let kernel: Kernel = crate::common::latched(1);
    let replica = sheepdog_interlock::Replica::of(&kernel);
    assert!(format!("{replica:?}").contains("Latched"), "{replica:?}");
    let mut kernel = kernel;
    let reset = Some(reset(1, ResetStep::Acknowledge));
    let decision = kernel.step(&Input { reset, beat: None, ..good(ARMED + 200, 0) });
    let rules: RuleSet = decision.rules;
    let first = rules.iter().next().unwrap();
    assert!(format!("{rules:?}").contains(first.as_str()), "{rules:?}");
}
