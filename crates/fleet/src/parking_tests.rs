//! Fire alarms and full storage.

use sheepdog_core::{
    AgentId, Micros, Ppm,
    wire::{Action, Anchor, PeripheralCommand, ToAgent, ToFleet},
};
use sheepdog_dispatch::{AgentKind, Performers, Step};

use crate::{
    Actor, AlarmScope, Input, InputError, OperatorCommand, Role, StorageLevel, TaskStatus, fixture::*, rules,
};

fn fire(bench: &mut Bench, scope: AlarmScope, active: bool) {
    bench.input(Input::FireAlarm { scope, active, source: "panel".to_owned() }).unwrap();
}

fn end(bench: &mut Bench, scope: AlarmScope) {
    fire(bench, scope, false);
    bench.command(OperatorCommand::EndFireAlarm { scope }).unwrap();
}

fn storage(bench: &mut Bench, level: StorageLevel) {
    bench.input(Input::Storage { level }).unwrap();
}

fn performs(bench: &Bench, agent: AgentId) -> usize {
    let order = |(to, message): &&(AgentId, ToAgent)| *to == agent && matches!(message, ToAgent::Perform(_));
    bench.sent.iter().filter(order).count()
}

#[test]
fn who_stands_in_a_way_out_leaves_it_and_the_others_stay() {
    for scope in [AlarmScope::Site, AlarmScope::Level(GROUND), AlarmScope::Zone(EAST)] {
        let mut bench = Bench::new("b", "d");
        fire(&mut bench, scope, true);
        bench.run(20);
        assert_eq!((bench.at(ANNA).as_str(), bench.at(BERT).as_str()), ("b2", "d"), "{scope}");
        assert_eq!(bench.alerted(rules::FIRE_ALARM).len(), 1);
        assert_eq!(bench.alerted(rules::WAY_OUT_BLOCKED), Vec::<&str>::new());
    }
}

#[test]
fn two_robots_in_a_way_out_find_two_places() {
    let mut bench = Bench::new("b", "c");
    fire(&mut bench, AlarmScope::Site, true);
    bench.run(20);
    let mut places = [bench.at(ANNA), bench.at(BERT)];
    places.sort();
    assert_eq!(places, ["b2", "c2"]);
}

#[test]
fn a_fire_on_another_level_concerns_nobody_but_keeps_them_out_of_the_lift() {
    let mut bench = Bench::new("b", "d");
    bench.carry("up", "e", "d1");
    bench.advance(BERT);
    fire(&mut bench, AlarmScope::Level(FIRST), true);
    bench.run(40);
    assert_eq!((bench.at(ANNA).as_str(), bench.at(BERT).as_str()), ("b", "e"));
    end(&mut bench, AlarmScope::Level(FIRST));
    bench.run(40);
    assert_eq!(bench.at(BERT), "d1");
    assert_eq!(bench.fleet.open_tasks(), 0, "nothing was lost");
}

#[test]
fn nobody_gets_into_a_lift_that_was_released_before_the_alarm() {
    let mut bench = Bench::new("b2", "e");
    bench.obeys = false;
    bench.carry("up", "d1", "d1");
    assert_eq!(bench.commands, [PeripheralCommand::CallLift { lift: LIFT, level: GROUND }]);
    bench.report(BERT);
    fire(&mut bench, AlarmScope::Site, true);
    assert_eq!(bench.commands.last(), Some(&PeripheralCommand::FreeLift { lift: LIFT }));
    bench.run(20);
    assert_eq!(bench.at(BERT), "e", "it gave its release back");
    end(&mut bench, AlarmScope::Site);
    bench.obeys = true;
    bench.run(20);
    assert_eq!((bench.at(BERT).as_str(), bench.fleet.open_tasks()), ("d1", 0));
}

#[test]
fn who_is_in_a_lift_comes_out() {
    let mut bench = Bench::new("b2", "e");
    bench.carry("up", "d1", "d1");
    bench.advance(BERT);
    assert_eq!(bench.at(BERT), "cabin ground");
    fire(&mut bench, AlarmScope::Site, true);
    bench.run(20);
    assert_eq!(bench.at(BERT), "e1");
}

#[test]
fn fire_doors_of_the_level_are_not_commanded_open() {
    let opens = |bench: &Bench| {
        let opened = |command: &&PeripheralCommand| matches!(command, PeripheralCommand::Door { door, open: true } if door.0 == 1);
        bench.commands.iter().filter(opened).count()
    };
    assert!(rules::RULES.iter().any(|rule| rule.id == rules::FIRE_DOOR));
    let mut bench = Bench::new("c2", "b2");
    bench.carry("one", "e", "d");
    assert_eq!(opens(&bench), 1, "Anna was released through it");
    fire(&mut bench, AlarmScope::Level(GROUND), true);
    let shut = PeripheralCommand::Door { door: sheepdog_core::DoorId(1), open: false };
    assert_eq!(bench.commands.last(), Some(&shut));
    bench.run(20);
    assert_eq!(opens(&bench), 1);
    assert_eq!(bench.at(ANNA), "c2", "she gave the rest of her release back");
    end(&mut bench, AlarmScope::Level(GROUND));
    bench.run(20);
    assert_eq!((opens(&bench), bench.fleet.open_tasks()), (2, 0));
}

#[test]
fn no_robot_gets_a_task_during_a_fire_but_people_do() {
    let mut bench = Bench::new("b2", "d");
    fire(&mut bench, AlarmScope::Level(FIRST), true);
    bench.carry("load", "c", "e");
    let work =
        Step { place: bench.place("c"), action: Action::Attend, duration: Micros::ZERO, gates: Vec::new() };
    let nurses = Performers::PeopleOnly([AgentKind::Nurse].into());
    bench.request("help", vec![work], nurses);
    let status = |bench: &Bench, name: &str| bench.fleet.task_status(bench.fleet.task_named(name).unwrap());
    assert_eq!(status(&bench, "load"), Some(TaskStatus::Pending));
    assert_eq!(status(&bench, "help"), Some(TaskStatus::Asked(NURSE)));
    end(&mut bench, AlarmScope::Level(FIRST));
    assert!(matches!(status(&bench, "load"), Some(TaskStatus::Active { .. })));
    assert_eq!(crate::audit(&bench.entries, bench.fleet.site(), &[]).findings, []);
}

#[test]
fn a_load_stays_where_it_is_and_goes_on_after_the_fire() {
    let mut bench = Bench::new("d", "c2");
    bench.carry("load", "d", "b");
    bench.run(1);
    let task = bench.fleet.task_named("load").unwrap();
    assert_eq!(bench.fleet.load_of(ANNA), Some(task));
    fire(&mut bench, AlarmScope::Site, true);
    let ordered = performs(&bench, ANNA);
    bench.run(30);
    assert_eq!(bench.fleet.load_of(ANNA), Some(task), "it keeps its load and its task");
    assert_eq!(performs(&bench, ANNA), ordered, "it begins no step");
    assert_ne!(bench.at(ANNA), "b");
    end(&mut bench, AlarmScope::Site);
    bench.run(30);
    assert_eq!(bench.fleet.task_status(task), Some(TaskStatus::Done(ANNA)));
}

#[test]
fn who_does_not_leave_a_way_out_is_named_until_it_has() {
    let mut bench = Bench::with("b", "d", |config| config.clear_exits_within = Micros::from_secs(5));
    fire(&mut bench, AlarmScope::Site, true);
    let mut at = Vec::new();
    for beat in 1..=45 {
        let before = bench.alerted(rules::WAY_OUT_BLOCKED).len();
        bench.report_all();
        bench.beat();
        if before < bench.alerted(rules::WAY_OUT_BLOCKED).len() {
            at.push(beat);
        }
    }
    // Beats come every half second from the alarm on; five seconds after it, then ten, then twenty.
    assert_eq!(at, [12, 22, 42]);
    assert!(
        bench
            .alerted(rules::WAY_OUT_BLOCKED)
            .iter()
            .all(|text| text.contains("Anna") && !text.contains("Bert"))
    );
    bench.run(200);
    assert_eq!(bench.at(ANNA), "b2");
    assert_eq!(bench.alerted(rules::WAY_OUT_BLOCKED).len(), 3);
}

#[test]
fn an_alarm_stays_until_a_person_ends_it_and_no_panel_reports_it() {
    let mut bench = Bench::new("b2", "d");
    let end = |bench: &mut Bench, scope| bench.command(OperatorCommand::EndFireAlarm { scope });
    let none = end(&mut bench, AlarmScope::Site).unwrap_err();
    assert_eq!(none.to_string(), "fire alarm for the whole site cannot be ended: there is none");
    fire(&mut bench, AlarmScope::Site, true);
    let refused = end(&mut bench, AlarmScope::Site).unwrap_err();
    assert_eq!(refused.to_string(), "fire alarm for the whole site cannot be ended: panel still reports it");
    fire(&mut bench, AlarmScope::Site, false);
    bench.carry("load", "c", "e");
    bench.run(5);
    assert_eq!(bench.fleet.stats().open, 1);
    assert!(matches!(bench.fleet.task_status(sheepdog_core::TaskId(0)), Some(TaskStatus::Pending)));
    let staff = Actor { id: sheepdog_core::ActorId(3), role: Role::Staff, proof: b"s".to_vec() };
    let command = OperatorCommand::EndFireAlarm { scope: AlarmScope::Site };
    let refused = bench.input(Input::Operator { actor: staff, command });
    assert!(matches!(refused, Err(InputError::NotAllowed { .. })));
    end(&mut bench, AlarmScope::Site).unwrap();
    bench.run(30);
    assert_eq!(bench.fleet.open_tasks(), 0);
}

#[test]
fn an_alarm_for_a_place_nobody_knows_is_an_alarm_for_all() {
    let mut bench = Bench::new("b", "d");
    fire(&mut bench, AlarmScope::Level(sheepdog_core::LevelId(9)), true);
    bench.run(20);
    assert_eq!(bench.at(ANNA), "b2");
    assert!(bench.alerted(rules::FIRE_ALARM)[0].contains("the whole site"));
}

#[test]
fn a_full_disk_parks_the_fleet_in_order_before_it_is_full() {
    let mut bench = Bench::new("d", "c");
    bench.carry("load", "d", "b");
    bench.run(1);
    let loaded = bench.fleet.load_of(ANNA);
    assert!(loaded.is_some());
    storage(&mut bench, StorageLevel::High);
    assert_eq!(bench.alerted(rules::STORAGE_HIGH).len(), 1);
    storage(&mut bench, StorageLevel::Critical);
    assert_eq!(bench.alerted(rules::STORAGE_CRITICAL).len(), 1);
    bench.carry("another", "e", "d");
    bench.run(30);
    let claims = &bench.fleet.site().classes()[0];
    for agent in [ANNA, BERT] {
        let at = bench.bots[&agent].at;
        assert!(claims.may_stop(at) && !claims.zones_at(at).contains(&FIRE_LANE), "{}", bench.at(agent));
    }
    assert_eq!((bench.fleet.load_of(ANNA), bench.fleet.open_tasks()), (loaded, 2));
    let before = bench.sent.iter().filter(|(_, message)| matches!(message, ToAgent::Release(_))).count();
    storage(&mut bench, StorageLevel::Full);
    assert_eq!(bench.alerted(rules::STORAGE_FULL).len(), 1);
    // It is not over as soon as it is a little better.
    storage(&mut bench, StorageLevel::High);
    bench.run(20);
    let releases = bench.sent.iter().filter(|(_, message)| matches!(message, ToAgent::Release(_))).count();
    assert_eq!(releases, before, "everybody stood before it was full");
    storage(&mut bench, StorageLevel::Normal);
    bench.run(60);
    assert_eq!(bench.fleet.open_tasks(), 0);
    assert_eq!(bench.alerted(rules::STORAGE_HIGH).len(), 1, "what gets better is no alert");
    assert_eq!(crate::audit(&bench.entries, bench.fleet.site(), &[]).findings, []);
}

#[test]
fn storage_parks_people_s_tasks_too() {
    let mut bench = Bench::new("d", "b2");
    storage(&mut bench, StorageLevel::Critical);
    let place = bench.place("c");
    let work = Step { place, action: Action::Attend, duration: Micros::ZERO, gates: Vec::new() };
    bench.request("help", vec![work], Performers::people());
    assert_eq!(bench.fleet.task_status(sheepdog_core::TaskId(0)), Some(TaskStatus::Pending));
}

mod passages {
    use sheepdog_core::{
        AgentId,
        wire::{DoorState, Passage, PeripheralCommand, ToAgent},
    };

    use crate::{fixture::*, rules};

    fn last_open(bench: &Bench, agent: AgentId) -> Vec<Passage> {
        let open = |(to, message): &(AgentId, ToAgent)| {
            if let ToAgent::Beat(beat) = message { (*to == agent).then(|| beat.open.clone()) } else { None }
        };
        bench.sent.iter().rev().find_map(open).unwrap()
    }

    #[test]
    fn a_lift_counts_as_open_only_at_its_level_and_while_its_report_is_fresh() {
        assert_eq!(rules::LIFT_SILL.as_str(), "LFT-101");
        let mut bench = Bench::new("b2", "e");
        bench.obeys = false;
        bench.carry("up", "d1", "d1");
        let here = Passage::Lift(LIFT, GROUND);
        for (level, state, open) in [
            (FIRST, DoorState::Open, false),
            (GROUND, DoorState::Moving, false),
            (GROUND, DoorState::Open, true),
        ] {
            bench.lift(level, state);
            bench.beat();
            assert_eq!(last_open(&bench, BERT).contains(&here), open, "{level} {state:?}");
        }
        for _ in 0..5 {
            bench.beat();
        }
        assert!(last_open(&bench, BERT).contains(&here));
        bench.beat();
        bench.beat();
        assert!(!last_open(&bench, BERT).contains(&here), "nobody has heard of it for three seconds");
    }

    #[test]
    fn a_lift_that_keeps_a_robot_waiting_is_reported_and_given_up() {
        let mut bench = Bench::new("b2", "e");
        bench.obeys = false;
        bench.carry("up", "d1", "d1");
        assert!(bench.commands.contains(&PeripheralCommand::CallLift { lift: LIFT, level: GROUND }));
        for beat in 0..=60 {
            bench.report(BERT);
            bench.beat();
            assert_eq!(bench.alerted(rules::PASSAGE_STUCK).len(), 0, "beat {beat}");
        }
        bench.beat();
        bench.beat();
        assert!(bench.alerted(rules::PASSAGE_STUCK)[0].contains("lift keeps Bert waiting"));
        let freed = PeripheralCommand::FreeLift { lift: LIFT };
        assert_eq!(bench.commands.last(), Some(&freed), "Bert gave his release back");
        // It moves again: Bert is sent once more.
        bench.obeys = true;
        bench.lift(GROUND, DoorState::Moving);
        bench.run(30);
        assert_eq!((bench.at(BERT).as_str(), bench.fleet.open_tasks()), ("d1", 0));
    }
}

#[test]
fn a_robot_whose_own_storage_fills_up_parks_in_order_and_others_take_its_tasks() {
    let mut bench = Bench::new("b", "e");
    let says = |bench: &mut Bench, percent: u32| {
        let used = Ppm::new(percent * 10_000).unwrap();
        let anchor = ToFleet::Anchor(Anchor { seq: 1, root: [0; 32], used });
        bench.input(Input::FromAgent { agent: ANNA, message: anchor }).unwrap();
    };
    says(&mut bench, 79);
    assert_eq!(bench.alerted(rules::STORAGE_HIGH), Vec::<&str>::new());
    says(&mut bench, 80);
    assert_eq!(bench.alerted(rules::STORAGE_HIGH), ["Anna fills up its own storage"]);
    says(&mut bench, 90);
    assert_eq!(bench.alerted(rules::STORAGE_CRITICAL), ["Anna has nearly filled its own storage: it parks"]);
    // She is nearer, but Bert gets it; she leaves the fire lane by herself, and he is not held.
    bench.carry("task", "c", "d");
    bench.run(30);
    let task = bench.fleet.task_named("task").unwrap();
    assert_eq!(bench.fleet.task_status(task), Some(TaskStatus::Done(BERT)));
    assert_ne!(bench.at(ANNA), "b", "she does not stand in the fire lane");
    says(&mut bench, 85);
    bench.carry("another", &bench.at(ANNA), "b2");
    assert!(!matches!(
        bench.fleet.task_status(bench.fleet.task_named("another").unwrap()),
        Some(TaskStatus::Active { agent: ANNA, .. })
    ));
    says(&mut bench, 100);
    assert_eq!(bench.alerted(rules::STORAGE_FULL).len(), 1);
    says(&mut bench, 10);
    bench.run(30);
    let place = bench.at(ANNA);
    bench.carry("again", &place, &place);
    bench.run(10);
    let task = bench.fleet.task_named("again").unwrap();
    assert_eq!(bench.fleet.task_status(task), Some(TaskStatus::Done(ANNA)), "there is room again");
}
