//! Every fault of the catalogue, in every state of motion, and pairs of them.

use sheepdog::{sim::FAULTS, vocabulary::Mm};
use sheepdog_testkit::drill::{Drill, Drilled, End, MotionState, Stop};

fn played(drill: &Drill) -> Drilled {
    let drilled = drill.play().unwrap();
    assert!(drilled.onset.is_some(), "never {}", drill.state);
    drilled.keeps_its_promises(drill).unwrap();
    drilled
}

#[test]
fn every_fault_in_every_state_of_motion() {
    let mut unmet = Vec::new();
    for fault in FAULTS {
        let mut effects = 0;
        for state in MotionState::ALL {
            let drill = Drill { faults: vec![*fault], state, seed: 1 };
            let drilled = played(&drill);
            effects += drilled.effects.iter().flatten().count();
            if state == MotionState::Stopping {
                assert_eq!(drilled.end, End::Latched, "{}: nobody has reset it", fault.name);
            }
        }
        if effects == 0 {
            unmet.push(fault.name);
        }
    }
    assert!(unmet.is_empty(), "{unmet:?} made no difference in any state");
}

#[test]
fn pairs_of_faults_break_no_promise() {
    // Each with the seventh and the nineteenth after it, in states by turns; `sheepdog-bench drills --pairs` has them all.
    for (place, fault) in FAULTS.iter().enumerate() {
        for (step, state) in [7, 19].into_iter().zip(MotionState::ALL.into_iter().cycle().skip(place)) {
            let other = FAULTS[(place + step) % FAULTS.len()];
            let drill = Drill { faults: vec![*fault, other], state, seed: 2 };
            played(&drill);
        }
    }
}

#[test]
fn a_drill_without_a_fault_ends_where_it_was_sent() {
    let drill = Drill { faults: Vec::new(), state: MotionState::Cruising, seed: 3 };
    let drilled = played(&drill);
    assert_eq!((drilled.end, drilled.stop), (End::There, None), "{drilled:?}");
    assert_eq!(drill.play().unwrap(), drilled, "the same drill comes out the same");
}

#[test]
fn a_broken_promise_is_said() {
    let drill = Drill { faults: vec![FAULTS[13]], state: MotionState::Cruising, seed: 1 };
    let drilled = played(&drill);
    let stop = drilled.stop.unwrap();
    let said = |drilled: Drilled| drilled.keeps_its_promises(&drill).unwrap_err().to_string();
    let longer = Stop { way: stop.predicted.saturating_add(Mm(1)), ..stop };
    assert!(said(Drilled { stop: Some(longer), ..drilled.clone() }).contains("mm to stop"));
    assert!(said(Drilled { unpermitted: Mm(7), ..drilled.clone() }).contains("7 mm without a permit"));
    assert!(said(Drilled { unexplained: 1, ..drilled.clone() }).contains("without a reason"));
    assert_eq!(
        said(Drilled { touches: 2, ..drilled }),
        "drill: sensor dropout cruising: touched walls 2 times"
    );
}
