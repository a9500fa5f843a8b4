//! What robots are told of doors and lifts.

use sheepdog_core::{
    DoorId,
    wire::{DoorState, Passage, PeripheralReport, ToAgent},
};

use crate::{Input, fixture::*};

#[test]
fn a_passage_counts_as_shut_only_on_its_own_word() {
    let mut bench = Bench::new("d", "d1");
    let door = DoorId(2);
    let said = |bench: &mut Bench, agent| {
        bench.sent.clear();
        bench.beat();
        let beat = bench.sent.iter().find_map(|(to, message)| {
            if let ToAgent::Beat(beat) = message { (*to == agent).then(|| beat.shut.clone()) } else { None }
        });
        beat.unwrap()
    };
    assert_eq!(said(&mut bench, ANNA), [], "nothing was heard of any door yet");
    for (state, shut) in [
        (DoorState::Moving, vec![Passage::Door(door)]),
        (DoorState::Closed, vec![Passage::Door(door)]),
        (DoorState::Faulty, vec![]),
        (DoorState::Open, vec![]),
        (DoorState::Closed, vec![Passage::Door(door)]),
    ] {
        bench.input(Input::FromPeripheral(PeripheralReport::Door { door, state })).unwrap();
        assert_eq!(said(&mut bench, ANNA), shut, "{state:?}");
        assert_eq!(said(&mut bench, BERT), [], "the door is on another level");
    }
    // A lift's door is shut where its cabin is not, and leaves stand in it while they move, by a report that is fresh.
    for (level, state, below, above) in [
        (FIRST, DoorState::Open, true, false),
        (FIRST, DoorState::Moving, true, true),
        (GROUND, DoorState::Moving, true, true),
        (GROUND, DoorState::Closed, true, true),
        (GROUND, DoorState::Faulty, false, false),
    ] {
        bench.lift(level, state);
        let lift = |level| Passage::Lift(LIFT, level);
        assert_eq!(said(&mut bench, ANNA).contains(&lift(GROUND)), below, "{state:?} at {level}");
        bench.lift(level, state);
        assert_eq!(said(&mut bench, BERT).contains(&lift(FIRST)), above, "{state:?} at {level}");
    }
    bench.lift(GROUND, DoorState::Closed);
    for _ in 0..8 {
        bench.report_all();
        bench.beat();
    }
    assert_eq!(said(&mut bench, BERT), [], "that was too long ago");
    assert_eq!(said(&mut bench, ANNA), [Passage::Door(door)], "doors report on change");
    bench.input(Input::Restarted { boot: 1 }).unwrap();
    assert_eq!(said(&mut bench, ANNA), [], "who knows what happened while the fleet was down");
}
