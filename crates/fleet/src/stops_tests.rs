//! Stops of zones and levels, and who has not heard of them.

use sheepdog_core::{
    StopGeneration,
    wire::{Motion, PeripheralCommand, ResetStep, StopScope, ToAgent},
};

use crate::{Fleet, InputError, OperatorCommand, Record, fixture::*, rules};

fn stopped(bench: &Bench) -> Vec<sheepdog_core::AgentId> {
    let stop = |(agent, message): &(_, ToAgent)| matches!(message, ToAgent::Stop(_)).then_some(*agent);
    bench.sent.iter().filter_map(stop).collect()
}

#[test]
fn a_zone_stop_stops_who_is_in_the_zone_or_released_into_it() {
    let mut bench = Bench::new("d", "b2");
    bench.stop(StopScope::Zone(EAST));
    assert_eq!(stopped(&bench), [ANNA]);
    let mut bench = Bench::new("c", "b2");
    bench.carry("task", "e", "c");
    assert!(bench.bots[&ANNA].at == bench.place("c"));
    bench.stop(StopScope::Zone(EAST));
    assert_eq!(stopped(&bench), [ANNA], "its release leads through the zone");
}

#[test]
fn nobody_is_released_into_a_stopped_zone_until_it_is_started() {
    let mut bench = Bench::new("b2", "e");
    bench.stop(StopScope::Zone(EAST));
    bench.carry("task", "b", "d");
    bench.run(20);
    assert_eq!(bench.at(ANNA), "c", "it waits outside");
    let barred = |record: &&Record| matches!(record, Record::Barred { stop, .. } if stop.scope == StopScope::Zone(EAST));
    assert_eq!(bench.decisions().filter(barred).count(), 1);
    assert_eq!(crate::audit(&bench.entries, bench.fleet.site(), &[]).findings, []);
    bench.reset();
    bench.run(20);
    assert_eq!(bench.at(ANNA), "d");
}

#[test]
fn a_level_stop_has_the_lifts_with_it() {
    // Bert rides up; the ground floor is stopped while he is in the cabin on the first floor.
    let mut bench = Bench::new("b2", "e");
    bench.carry("task", "d1", "d1");
    bench.advance(BERT);
    bench.advance(BERT);
    assert_eq!(bench.at(BERT), "cabin first");
    bench.commands.clear();
    bench.stop(StopScope::Level(GROUND));
    assert_eq!(
        stopped(&bench),
        [ANNA, BERT],
        "Bert is on the first floor, but in a lift to the ground floor"
    );
    bench.run(10);
    assert_eq!(bench.commands, [], "the cabin stays where it is");
    bench.reset();
    bench.run(20);
    assert_eq!(bench.at(BERT), "d1");
    assert!(bench.commands.contains(&PeripheralCommand::FreeLift { lift: LIFT }));
}

#[test]
fn nobody_gets_into_a_lift_that_serves_a_stopped_level() {
    let mut bench = Bench::new("b2", "d1");
    bench.stop(StopScope::Level(GROUND));
    bench.carry("task", "d1", "b");
    bench.run(20);
    assert_eq!(bench.at(BERT), "e1");
    assert!(!bench.commands.iter().any(|command| matches!(command, PeripheralCommand::CallLift { .. })));
}

#[test]
fn movers_that_have_not_acknowledged_are_named_at_doubling_intervals_until_all_have() {
    let mut bench = Bench::new("b", "d");
    bench.carry("one", "c", "b2");
    bench.carry("two", "e", "d");
    for agent in [ANNA, BERT] {
        bench.bots.get_mut(&agent).unwrap().hears = false;
        bench.report_as(agent, Motion::Moving);
    }
    bench.stop(StopScope::Site);
    let alerts = |bench: &Bench| bench.alerted(rules::STOP_UNACKNOWLEDGED).len();
    let mut at = Vec::new();
    for beat in 1..=40 {
        let before = alerts(&bench);
        bench.report_as(ANNA, Motion::Moving);
        bench.report_as(BERT, Motion::Moving);
        bench.beat();
        if before < alerts(&bench) {
            at.push(beat);
        }
        if beat == 10 {
            bench.bots.get_mut(&BERT).unwrap().hears = true;
        }
        if beat == 34 {
            bench.bots.get_mut(&ANNA).unwrap().hears = true;
        }
    }
    // Beats come every half second from the order on; two seconds after the order, then after four, eight, sixteen.
    assert_eq!(at, [6, 10, 18, 34]);
    let texts = bench.alerted(rules::STOP_UNACKNOWLEDGED);
    assert!(texts[0].contains("Anna") && texts[0].contains("Bert"), "{texts:?}");
    assert!(texts[3].contains("Anna") && !texts[3].contains("Bert"), "{texts:?}");
}

#[test]
fn who_certainly_stands_is_not_named() {
    let mut bench = Bench::new("b", "d");
    bench.bots.get_mut(&ANNA).unwrap().hears = false;
    bench.stop(StopScope::Site);
    bench.run(20);
    assert_eq!(bench.alerted(rules::STOP_UNACKNOWLEDGED), Vec::<&str>::new(), "nothing is released to Anna");
}

/// Anna is on her way through the building with a memory of stops that this fleet has never ordered; Bert has none.
fn veteran(remembers: u32) -> Bench {
    let mut bench = Bench::new("b", "d2");
    bench.report(BERT);
    bench.bots.get_mut(&ANNA).unwrap().stop_ack = StopGeneration(remembers);
    bench
}

fn reset(bench: &mut Bench, generation: u32, step: ResetStep) -> Result<(), InputError> {
    let generation = StopGeneration(generation);
    bench.command(OperatorCommand::Reset { generation, step })?;
    bench.report_all();
    Ok(())
}

fn audited(bench: &Bench) -> Vec<crate::Finding> {
    crate::audit(&bench.entries, bench.fleet.site(), &[]).findings
}

#[test]
fn a_stop_of_a_new_fleet_is_above_every_stop_that_a_robot_remembers() {
    let mut bench = veteran(7);
    bench.report(ANNA);
    bench.stop(StopScope::Site);
    assert_eq!(bench.fleet.stop_generation(), StopGeneration(8));
    assert!(bench.bots[&ANNA].is_latched() && bench.bots[&BERT].is_latched());
    bench.report_all();
    for step in [ResetStep::Acknowledge, ResetStep::Start] {
        reset(&mut bench, 8, step).unwrap();
    }
    // What was heard outlives the robot's forgetting it, and the fleet's crash.
    let mut bench = veteran(7);
    bench.report(ANNA);
    bench.bots.get_mut(&ANNA).unwrap().stop_ack = StopGeneration(0);
    let (site, snapshot) = (bench.fleet.site().clone(), bench.fleet.snapshot().unwrap());
    bench.fleet = Fleet::restore(site, &snapshot).unwrap();
    bench.stop(StopScope::Site);
    assert_eq!(bench.fleet.stop_generation(), StopGeneration(8));
}

#[test]
fn a_stop_in_force_is_ordered_again_when_a_robot_remembers_its_number() {
    for remembers in [1, 2, 7] {
        let mut bench = veteran(remembers);
        // One stop is over, one is in force; that Anna knows its number says nothing.
        bench.stop(StopScope::Agent(BERT));
        bench.report(BERT);
        for step in [ResetStep::Acknowledge, ResetStep::Start] {
            bench.command(OperatorCommand::Reset { generation: StopGeneration(1), step }).unwrap();
            bench.report(BERT);
        }
        bench.stop(StopScope::Site);
        assert_eq!(bench.fleet.stop_generation(), StopGeneration(2));
        assert_eq!(bench.bots[&ANNA].is_latched(), remembers < 2, "she takes it for an old one");
        bench
            .command(OperatorCommand::Reset { generation: StopGeneration(2), step: ResetStep::Acknowledge })
            .unwrap();
        bench.report(ANNA);
        let again = remembers.max(2) + 1;
        assert_eq!(bench.fleet.stop_generation(), StopGeneration(again));
        assert!(bench.bots[&ANNA].is_latched() && bench.bots[&BERT].is_latched());
        assert_eq!(bench.bots[&ANNA].stop_ack, StopGeneration(again));
        let renumbered = |record: &&Record| matches!(record, Record::StopRenumbered { agent: ANNA, .. });
        assert_eq!(bench.decisions().filter(renumbered).count(), 1);
        assert_eq!(bench.alerted(rules::STOP_NUMBER).len(), 1);
        bench.report_all();
        assert_eq!(
            bench.fleet.stop_generation(),
            StopGeneration(again),
            "now she knows it because she heard it"
        );
        let old = reset(&mut bench, 2, ResetStep::Start);
        assert!(matches!(old, Err(InputError::Reset { .. })), "{old:?}");
        let start = reset(&mut bench, again, ResetStep::Start);
        assert!(matches!(start, Err(InputError::Reset { .. })), "the acknowledgement was of the old number");
        for step in [ResetStep::Acknowledge, ResetStep::Start] {
            reset(&mut bench, again, step).unwrap();
        }
        assert!(!bench.bots[&ANNA].is_latched() && !bench.bots[&BERT].is_latched());
        assert_eq!(audited(&bench), []);
    }
}

#[test]
fn a_memory_of_an_old_stop_acknowledges_nothing() {
    let mut bench = veteran(7);
    bench.carry("task", "c", "c");
    bench.bots.get_mut(&ANNA).unwrap().hears = false;
    bench.stop(StopScope::Site);
    for _ in 0..8 {
        bench.report_as(ANNA, Motion::Moving);
        bench.report(BERT);
        bench.beat();
    }
    let late = bench.alerted(rules::STOP_UNACKNOWLEDGED);
    assert!(late.iter().any(|text| text.contains("stop g8") && text.contains("Anna")), "{late:?}");
}

#[test]
fn a_memory_of_stops_that_nobody_can_have_ordered_uses_up_no_numbers() {
    let mut bench = veteran(u32::MAX);
    bench.carry("task", "c", "c");
    bench.report_as(ANNA, Motion::Moving);
    assert_eq!(bench.alerted(rules::STOP_NUMBER).len(), 1);
    bench.stop(StopScope::Site);
    assert_eq!(bench.fleet.stop_generation(), StopGeneration(1));
    assert!(bench.bots[&BERT].is_latched() && !bench.bots[&ANNA].is_latched());
    bench.sent.clear();
    for _ in 0..8 {
        bench.report_as(ANNA, Motion::Moving);
        bench.report(BERT);
        bench.beat();
    }
    let beats = |agent| {
        let beat = |(to, message): &&(_, ToAgent)| *to == agent && matches!(message, ToAgent::Beat(_));
        bench.sent.iter().filter(beat).count()
    };
    assert_eq!((beats(ANNA), beats(BERT)), (0, 8), "silence is what is left to stop her");
    assert!(stopped(&bench).contains(&ANNA));
    assert!(bench.sent.iter().any(|(to, message)| *to == ANNA && matches!(message, ToAgent::Hold(_))));
    assert!(bench.alerted(rules::STOP_UNACKNOWLEDGED).iter().any(|text| text.contains("Anna")));
    // Once she stands she is talked to again.
    bench.sent.clear();
    bench.report_as(ANNA, Motion::Latched(rules::STOP_ORDERED));
    bench.beat();
    assert!(bench.sent.iter().any(|(to, message)| *to == ANNA && matches!(message, ToAgent::Beat(_))));
}

#[test]
fn when_the_numbers_are_used_up_the_last_one_is_never_taken_as_acknowledged() {
    let mut bench = veteran(0);
    bench.carry("task", "c", "c");
    bench.report_all();
    bench.fleet.state.generation = StopGeneration(u32::MAX - 1);
    for scope in [StopScope::Site, StopScope::Level(GROUND)] {
        bench.stop(scope);
        assert_eq!(bench.fleet.stop_generation(), StopGeneration(u32::MAX));
    }
    assert!(bench.bots[&ANNA].is_latched() && bench.bots[&BERT].is_latched());
    // Both are reset under the one number.
    for step in [ResetStep::Acknowledge, ResetStep::Acknowledge, ResetStep::Start, ResetStep::Start] {
        assert!(bench.bots[&ANNA].is_latched());
        reset(&mut bench, u32::MAX, step).unwrap();
    }
    assert!(!bench.bots[&ANNA].is_latched());
    bench.beat();
    // The next stop reaches nobody by its number: she is named, asked for her release, and hears no beat.
    bench.stop(StopScope::Site);
    assert!(!bench.bots[&ANNA].is_latched());
    bench.sent.clear();
    for _ in 0..8 {
        bench.report_as(ANNA, Motion::Moving);
        bench.beat();
    }
    assert!(!bench.sent.iter().any(|(to, message)| *to == ANNA && matches!(message, ToAgent::Beat(_))));
    assert!(bench.sent.iter().any(|(to, message)| *to == ANNA && matches!(message, ToAgent::Hold(_))));
    assert!(bench.alerted(rules::STOP_UNACKNOWLEDGED).iter().any(|text| text.contains("Anna")));
}
