//! Latches and the two steps out of them.

use sheepdog_interlock::{
    Input, Interlock, ResetStep, State, StopCategory, StopGeneration, Verdict,
    rules::{ARM_001, EST_001, EST_002, EST_003, RST_002, RST_003},
};

use crate::common::{ARMED, CRUISE, armed, good, latched, moving, reset, stop};

type Kernel = Interlock<1, 8>;

const NEXT: u64 = ARMED + 200;

fn order(step: ResetStep, millis: u64) -> Input<1, 8> {
    Input { reset: Some(reset(3, step)), ..good(millis, CRUISE) }
}

#[test]
fn acknowledge_then_start_then_the_dwell() {
    let mut interlock: Kernel = latched(3);
    // The order stays in force all along: only the reset knows that it is over.
    let in_force = |millis| Input::<1, 8> { stop: Some(stop(3, StopCategory::One)), ..good(millis, CRUISE) };
    interlock.step(&Input { reset: Some(reset(3, ResetStep::Acknowledge)), ..in_force(NEXT) });
    assert_eq!(interlock.state(), State::Acknowledged { rule: EST_001 });
    interlock.step(&Input { reset: Some(reset(3, ResetStep::Start)), ..in_force(NEXT + 100) });
    assert_eq!(interlock.state(), State::Stopped { rule: EST_001 });
    for step in 2..7 {
        assert_eq!(interlock.step(&in_force(NEXT + step * 100)).primary, ARM_001, "step {step}");
    }
    assert_eq!(interlock.step(&in_force(NEXT + 700)).verdict, Verdict::Move);
    assert_eq!(interlock.state(), State::Slow);
    // A copy of the old order is harmless, a new order is not.
    let old = Input { stop: Some(stop(2, StopCategory::Zero)), ..in_force(NEXT + 800) };
    assert_eq!(interlock.step(&old).verdict, Verdict::Move);
    let new = Input { stop: Some(stop(4, StopCategory::Zero)), ..in_force(NEXT + 900) };
    assert_eq!(interlock.step(&new).primary, EST_001);
}

#[test]
fn a_reset_that_does_not_fit_changes_nothing() {
    type Change = fn(&mut Input<1, 8>);
    let refused: [(&str, Change); 8] = [
        ("an older generation", |input| input.reset = Some(reset(2, ResetStep::Acknowledge))),
        ("a start first", |input| input.reset = Some(reset(3, ResetStep::Start))),
        ("still moving", |input| *input = moving(*input, 21, 0)),
        ("motion unknown", |input| input.odometry = None),
        ("button pressed", |input| input.emergency_button = Some(true)),
        ("bumper touched", |input| input.bumper = Some(true)),
        ("a newer stop", |input| input.stop = Some(stop(4, StopCategory::One))),
        ("the self-test failed", |input| input.self_test = sheepdog_interlock::SelfTest::Failed),
    ];
    for (why, change) in refused {
        let mut interlock: Kernel = latched(3);
        let mut input = order(ResetStep::Acknowledge, NEXT);
        change(&mut input);
        interlock.step(&input);
        assert!(matches!(interlock.state(), State::Latched { .. }), "{why}");
        assert_eq!(interlock.memory().cleared, None, "{why}");
    }
}

#[test]
fn a_refused_acknowledgement_is_forgotten() {
    let mut interlock: Kernel = latched(3);
    interlock.step(&Input { emergency_button: Some(true), ..order(ResetStep::Acknowledge, NEXT) });
    let again = Input { stop: Some(stop(3, StopCategory::One)), ..good(NEXT + 100, CRUISE) };
    assert!(interlock.step(&again).rules.contains(EST_001), "the stop is still in force");
}

#[test]
fn the_highest_stop_and_the_most_severe_category_win() {
    let mut interlock: Kernel = latched(3);
    interlock.step(&Input { stop: Some(stop(5, StopCategory::Zero)), ..good(NEXT, CRUISE) });
    interlock.step(&Input { stop: Some(stop(4, StopCategory::Two)), ..good(NEXT + 100, CRUISE) });
    assert_eq!(interlock.highest_stop(), Some(StopGeneration(5)));
    assert!(matches!(interlock.state(), State::Latched { category: StopCategory::Zero, .. }));
    interlock.step(&Input { reset: Some(reset(4, ResetStep::Acknowledge)), ..good(NEXT + 200, CRUISE) });
    assert!(matches!(interlock.state(), State::Latched { .. }));
    interlock.step(&Input { reset: Some(reset(5, ResetStep::Acknowledge)), ..good(NEXT + 300, CRUISE) });
    assert_eq!(interlock.state(), State::Acknowledged { rule: EST_001 });
}

#[test]
fn an_acknowledged_robot_latches_again() {
    let mut interlock: Kernel = latched(3);
    interlock.step(&order(ResetStep::Acknowledge, NEXT));
    let decision = interlock.step(&Input { emergency_button: Some(true), ..good(NEXT + 100, CRUISE) });
    assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Zero, rule: EST_003 });
    interlock.step(&order(ResetStep::Start, NEXT + 200));
    assert!(matches!(interlock.state(), State::Latched { .. }), "the second latch wants both steps again");
}

#[test]
fn a_start_before_the_acknowledgement_is_not_remembered() {
    let mut interlock: Kernel = latched(3);
    interlock.step(&order(ResetStep::Start, NEXT));
    interlock.step(&order(ResetStep::Acknowledge, NEXT + 100));
    for step in 2..30 {
        interlock.step(&good(NEXT + step * 100, CRUISE));
    }
    assert_eq!(interlock.state(), State::Acknowledged { rule: EST_001 });
}

/// A number that nobody has ordered yet must not end what comes.
#[test]
fn an_acknowledgement_ends_only_what_was_ordered() {
    let mut interlock: Kernel = armed();
    interlock.step(&Input { bumper: Some(true), ..good(NEXT, CRUISE) });
    let far = Some(reset(u32::MAX, ResetStep::Acknowledge));
    interlock.step(&Input { reset: far, ..good(NEXT + 100, CRUISE) });
    assert_eq!(interlock.memory().cleared, None);
    // An order that is in force is ended by a later number, but no later order is.
    let ordered = |millis| Input { stop: Some(stop(4, StopCategory::One)), ..good(millis, CRUISE) };
    assert_eq!(interlock.step(&ordered(NEXT + 200)).primary, EST_001);
    interlock.step(&Input { reset: far, ..ordered(NEXT + 300) });
    assert_eq!(interlock.memory().cleared, Some(StopGeneration(4)));
    let next = Input { stop: Some(stop(5, StopCategory::One)), ..good(NEXT + 400, CRUISE) };
    assert_eq!(interlock.step(&next).primary, EST_001);
}

/// Presses the robot's button for 200 ms.
fn press(interlock: &mut Kernel, millis: u64) -> sheepdog_interlock::Decision {
    for step in 0..2 {
        interlock.step(&Input { reset_button: true, ..good(millis + step * 100, CRUISE) });
    }
    interlock.step(&good(millis + 200, CRUISE))
}

#[test]
fn the_button_on_the_robot_takes_two_presses() {
    let mut interlock: Kernel = armed();
    interlock.step(&Input { bumper: Some(true), ..good(NEXT, CRUISE) });
    assert_eq!(press(&mut interlock, NEXT + 100).primary, RST_002);
    assert_eq!(interlock.state(), State::Acknowledged { rule: EST_002 });
    press(&mut interlock, NEXT + 400);
    assert_eq!(interlock.state(), State::Stopped { rule: EST_002 });
}

#[test]
fn the_button_on_the_robot_ends_no_stop_that_was_ordered() {
    let mut interlock: Kernel = latched(3);
    press(&mut interlock, NEXT);
    assert!(matches!(interlock.state(), State::Latched { .. }));
    interlock.step(&order(ResetStep::Acknowledge, NEXT + 300));
    press(&mut interlock, NEXT + 400);
    assert_eq!(interlock.state(), State::Stopped { rule: EST_001 }, "but it may start what was acknowledged");
}

#[test]
fn a_button_that_is_stuck_never_resets() {
    let mut interlock: Kernel = armed();
    interlock.step(&Input { bumper: Some(true), ..good(NEXT, CRUISE) });
    for step in 1..100 {
        interlock.step(&Input { reset_button: true, ..good(NEXT + step * 100, CRUISE) });
        assert!(matches!(interlock.state(), State::Latched { .. }));
    }
    assert_eq!(interlock.step(&good(NEXT + 10_000, CRUISE)).primary, RST_003);
}

#[test]
fn a_button_pressed_since_before_the_latch_counts_from_when_it_was_pressed() {
    let mut interlock: Kernel = armed();
    for step in 0..60 {
        interlock.step(&Input { reset_button: true, ..good(NEXT + step * 100, CRUISE) });
    }
    interlock.step(&Input { bumper: Some(true), reset_button: true, ..good(NEXT + 6_000, CRUISE) });
    assert_eq!(interlock.step(&good(NEXT + 6_100, CRUISE)).primary, RST_003);
}
