//! Stops of zones and levels, and who has not heard of them.

use sheepdog_core::wire::{Motion, PeripheralCommand, StopScope, ToAgent};

use crate::{Record, fixture::*, rules};

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
