//! Latches and the two steps out of them.

use sheepdog_interlock::{
    Input, MmPerS, ResetStep, State, StopCategory, StopCommand, StopGeneration, Verdict,
    rules::{ARM_001, EST_001, EST_003},
};

use crate::common::{ARMED, good, latched, reset};

const NEXT: u64 = ARMED + 200;

fn stop(generation: u32, category: StopCategory) -> StopCommand {
    StopCommand { generation: StopGeneration(generation), category }
}

#[test]
fn acknowledge_then_start_then_the_dwell() {
    let mut interlock = latched(3);
    // The order stays in force all along: only the reset knows that it is over.
    let in_force = |millis| Input::<1, 8> { stop: Some(stop(3, StopCategory::One)), ..good(millis, 500) };
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
    assert_eq!(
        interlock.step(&Input { stop: Some(stop(2, StopCategory::Zero)), ..in_force(NEXT + 800) }).verdict,
        Verdict::Move
    );
    assert_eq!(
        interlock.step(&Input { stop: Some(stop(4, StopCategory::Zero)), ..in_force(NEXT + 900) }).primary,
        EST_001
    );
}

#[test]
fn a_reset_that_does_not_fit_changes_nothing() {
    type Change = fn(&mut Input<1, 8>);
    let refused: [(&str, Change); 6] = [
        ("an older generation", |input| input.reset = Some(reset(2, ResetStep::Acknowledge))),
        ("a start first", |input| input.reset = Some(reset(3, ResetStep::Start))),
        ("still moving", |input| input.speed = Some(MmPerS(21))),
        ("speed unknown", |input| input.speed = None),
        ("button pressed", |input| input.emergency_button = true),
        ("a newer stop", |input| input.stop = Some(stop(4, StopCategory::One))),
    ];
    for (why, change) in refused {
        let mut interlock = latched(3);
        let mut input = Input { reset: Some(reset(3, ResetStep::Acknowledge)), ..good(NEXT, 500) };
        change(&mut input);
        interlock.step(&input);
        assert!(matches!(interlock.state(), State::Latched { .. }), "{why}");
    }
}

#[test]
fn a_refused_acknowledgement_is_forgotten() {
    let mut interlock = latched(3);
    interlock.step(&Input {
        reset: Some(reset(3, ResetStep::Acknowledge)),
        emergency_button: true,
        ..good(NEXT, 500)
    });
    let order = Input { stop: Some(stop(3, StopCategory::One)), ..good(NEXT + 100, 500) };
    assert!(interlock.step(&order).rules.contains(EST_001), "the stop is still in force");
}

#[test]
fn the_highest_stop_and_the_most_severe_category_win() {
    let mut interlock = latched(3);
    interlock.step(&Input { stop: Some(stop(5, StopCategory::Zero)), ..good(NEXT, 500) });
    interlock.step(&Input { stop: Some(stop(4, StopCategory::Two)), ..good(NEXT + 100, 500) });
    assert_eq!(interlock.highest_stop(), Some(StopGeneration(5)));
    assert!(matches!(interlock.state(), State::Latched { category: StopCategory::Zero, .. }));
    interlock.step(&Input { reset: Some(reset(4, ResetStep::Acknowledge)), ..good(NEXT + 200, 500) });
    assert!(matches!(interlock.state(), State::Latched { .. }));
    interlock.step(&Input { reset: Some(reset(5, ResetStep::Acknowledge)), ..good(NEXT + 300, 500) });
    assert_eq!(interlock.state(), State::Acknowledged { rule: EST_001 });
}

#[test]
fn an_acknowledged_robot_latches_again() {
    let mut interlock = latched(3);
    interlock.step(&Input { reset: Some(reset(3, ResetStep::Acknowledge)), ..good(NEXT, 500) });
    let decision = interlock.step(&Input { emergency_button: true, ..good(NEXT + 100, 500) });
    assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Zero, rule: EST_003 });
    interlock.step(&Input { reset: Some(reset(3, ResetStep::Start)), ..good(NEXT + 200, 500) });
    assert!(matches!(interlock.state(), State::Latched { .. }), "the second latch wants both steps again");
}

#[test]
fn a_start_before_the_acknowledgement_is_not_remembered() {
    let mut interlock = latched(3);
    interlock.step(&Input { reset: Some(reset(3, ResetStep::Start)), ..good(NEXT, 500) });
    interlock.step(&Input { reset: Some(reset(3, ResetStep::Acknowledge)), ..good(NEXT + 100, 500) });
    for step in 2..30 {
        interlock.step(&good(NEXT + step * 100, 500));
    }
    assert_eq!(interlock.state(), State::Acknowledged { rule: EST_001 });
}
