//! Leave for a lamp, as the coordinator gives it.

use sheepdog_core::{
    AgentId, DoorId, Micros, Ppm, RobotTime,
    wire::{
        DoorState, LampAsk, LampLease, PeripheralCommand, PeripheralReport, StopScope, Subject, ToAgent,
        ToFleet, Witness,
    },
};

use crate::{
    FleetError, Input, Record,
    fixture::*,
    rules,
    uvc::{UvcRoom, UvcSource},
};

/// What happens, how, and the rule that forbids the lamp then.
type Fault = (&'static str, fn(&mut Bench), sheepdog_core::RuleId);

const DOOR: DoorId = DoorId(2);

fn room() -> UvcRoom {
    let source = |name: &str, subject, channel| UvcSource { name: name.to_owned(), subject, channel };
    UvcRoom {
        zone: ROOM,
        lamp: ANNA,
        sources: vec![
            source("radar", Subject::Room, 1),
            source("thermal", Subject::Room, 2),
            source("contact", Subject::Door(DOOR), 1),
            source("lock", Subject::Door(DOOR), 2),
        ],
        witness_age_max: Micros::from_secs(1),
        lease: Micros::from_secs(2),
        irradiance_mw_per_m2: 1_000,
        reflection: Ppm::new(100_000).unwrap(),
        dose_max_mj_per_m2: 30_000,
    }
}

fn bench(anna: &str, bert: &str) -> Bench {
    Bench::with(anna, bert, |config| config.uvc = vec![room()])
}

fn says(bench: &mut Bench, source: &str, clear: bool) {
    let known = room().sources.into_iter().find(|known| known.name == source).unwrap();
    let (source, subject) = (known.name, known.subject);
    bench.input(Input::Witness(Witness { room: ROOM, source, subject, clear, age: Micros::ZERO })).unwrap();
}

fn all_clear(bench: &mut Bench) {
    for source in ["radar", "thermal", "contact", "lock"] {
        says(bench, source, true);
    }
}

fn ask(bench: &mut Bench, agent: AgentId) -> Option<LampLease> {
    bench.sent.clear();
    let ask = LampAsk { room: ROOM, boot: 0, asked: RobotTime::ZERO };
    bench.input(Input::FromAgent { agent, message: ToFleet::Lamp(ask) }).unwrap();
    leases(bench).pop()
}

fn leases(bench: &Bench) -> Vec<LampLease> {
    let lease = |(agent, message): &(AgentId, ToAgent)| {
        if let ToAgent::Lamp(lease) = message { (*agent == ANNA).then_some(*lease) } else { None }
    };
    bench.sent.iter().filter_map(lease).collect()
}

fn lit(anna: &str, bert: &str) -> Bench {
    let mut bench = bench(anna, bert);
    all_clear(&mut bench);
    assert_eq!(ask(&mut bench, ANNA).map(|lease| lease.life), Some(Micros::from_secs(2)));
    bench.sent.clear();
    bench
}

#[test]
fn the_lamp_of_an_empty_closed_room_gets_leave() {
    let bench = lit("d2", "b2");
    let permitted = |record: &&Record| matches!(record, Record::Lamp { refused: None, agent: ANNA, .. });
    assert_eq!(bench.decisions().filter(permitted).count(), 1);
}

#[test]
fn what_speaks_against_the_lamp_withdraws_its_leave_at_once() {
    let faults: [Fault; 5] = [
        ("a person", |bench| says(bench, "thermal", false), rules::UVC_EVIDENCE),
        ("an open door", |bench| says(bench, "lock", false), rules::UVC_EVIDENCE),
        (
            "the door itself",
            |bench| {
                let report = PeripheralReport::Door { door: DOOR, state: DoorState::Moving };
                bench.input(Input::FromPeripheral(report)).unwrap();
            },
            rules::UVC_EVIDENCE,
        ),
        ("a stop", |bench| bench.stop(StopScope::Zone(ROOM)), rules::UVC_ALONE),
        (
            "a fire",
            |bench| {
                let (scope, source) = (crate::AlarmScope::Site, "panel".to_owned());
                bench.input(Input::FireAlarm { scope, active: true, source }).unwrap();
            },
            rules::UVC_ALONE,
        ),
    ];
    for (what, happens, rule) in faults {
        let mut bench = lit("d2", "b2");
        happens(&mut bench);
        let sent = leases(&bench);
        assert_eq!(sent.iter().map(|lease| lease.life).collect::<Vec<_>>(), [Micros::ZERO], "{what}");
        assert_eq!(bench.alerted(rule).len(), 1, "{what}");
        assert_eq!(ask(&mut bench, ANNA), None, "{what}: it gets no leave again");
    }
}

#[test]
fn silence_of_a_source_withdraws_too() {
    let mut bench = lit("d2", "b2");
    for _ in 0..4 {
        bench.beat();
    }
    assert_eq!(leases(&bench).last().map(|lease| lease.life), Some(Micros::ZERO));
}

#[test]
fn a_robot_whose_lamp_may_not_have_heard_of_its_withdrawal_stays_behind_its_door() {
    let mut bench = lit("d2", "b2");
    says(&mut bench, "thermal", false);
    assert_eq!(leases(&bench).last().map(|lease| lease.life), Some(Micros::ZERO));
    bench.sent.clear();
    bench.commands.clear();
    bench.carry("task", "e", "e");
    let opens = PeripheralCommand::Door { door: DOOR, open: true };
    let goes = |bench: &Bench| {
        let released = |(agent, message): &(AgentId, ToAgent)| {
            *agent == ANNA && matches!(message, ToAgent::Release(release) if !release.lanes.is_empty())
        };
        bench.sent.iter().any(released) || bench.commands.contains(&opens)
    };
    // The lease lasts two seconds, and the lamp may take a tenth of one to switch off.
    while bench.now < sheepdog_core::FleetTime::from_micros(2_000_000) {
        bench.report_all();
        bench.beat();
        assert!(!goes(&bench), "at {:?} the lamp may still be on", bench.now);
    }
    bench.report_all();
    bench.beat();
    assert!(goes(&bench), "now it is certainly off");
}

#[test]
fn only_the_lamp_in_the_room_gets_leave_and_only_alone() {
    let mut bench = bench("d", "d2");
    all_clear(&mut bench);
    assert_eq!(ask(&mut bench, ANNA), None, "it is not in the room, somebody else is");
    assert_eq!(ask(&mut bench, BERT), None, "it is not the room's lamp");
    let mut bench = self::bench("d2", "d");
    bench.carry("task", "d2", "d2");
    all_clear(&mut bench);
    bench.input(Input::FromAgent { agent: NURSE, message: ToFleet::Position(bench.place("d2")) }).unwrap();
    assert_eq!(ask(&mut bench, ANNA), None, "a nurse is in the room");
}

#[test]
fn nobody_is_let_into_the_room_until_the_lamp_is_off() {
    let mut bench = lit("d2", "d");
    bench.commands.clear();
    // The lamp would have to make room.
    bench.carry("task", "e", "d2");
    for _ in 0..6 {
        all_clear(&mut bench);
        ask(&mut bench, ANNA).expect("it keeps its leave");
        bench.advance(BERT);
        bench.beat();
    }
    assert_ne!(bench.at(BERT), "d2");
    assert!(!bench.commands.iter().any(|command| format!("{command:?}").contains("DoorId(2)")));
}

#[test]
fn who_waits_for_a_lamp_is_told_in_the_ledger_and_goes_in_after_it() {
    // The lamp asks from outside: the room is kept for it, and nobody gets in before it has given up.
    let mut bench = bench("c", "d");
    ask(&mut bench, ANNA);
    let place = bench.place("d2");
    let (action, duration) = (sheepdog_core::wire::Action::Attend, Micros::ZERO);
    let step = sheepdog_dispatch::Step { place, action, duration, gates: Vec::new() };
    bench.request("look", vec![step], sheepdog_dispatch::Performers::RobotsOnly);
    bench.run(4);
    assert_eq!(bench.at(BERT), "d");
    let waits =
        |record: &&Record| matches!(record, Record::Agent { agent: BERT, rule: rules::UVC_ALONE, .. });
    assert_eq!(bench.decisions().filter(waits).count(), 1);
    bench.run(12);
    assert_eq!(bench.at(BERT), "d2");
}

#[test]
fn a_room_that_proves_nothing_is_refused_when_the_fleet_starts() {
    let authored = site();
    let site = std::sync::Arc::new(authored.compile(&options()).unwrap());
    let header = crate::Header::new(&authored, &options(), &site).unwrap();
    let config = bench("d2", "d").fleet.config().clone();
    let start = |change: fn(&mut UvcRoom)| {
        let mut config = config.clone();
        change(&mut config.uvc[0]);
        crate::Fleet::new(site.clone(), config, &header, sheepdog_core::FleetTime::ZERO).map(|_| ())
    };
    assert_eq!(start(|_| ()), Ok(()));
    for change in [
        (|room| room.zone = EAST) as fn(&mut UvcRoom),
        |room| room.lamp = NURSE,
        |room| room.sources.truncate(3),
        |room| room.dose_max_mj_per_m2 = 30_001,
    ] {
        assert!(matches!(start(change), Err(FleetError::Uvc { .. })));
    }
}
