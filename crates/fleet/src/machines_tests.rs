//! Machines that load and unload robots.

use sheepdog_core::{
    FleetTime, StationId, TaskId,
    wire::{Action, MachineState, PeripheralCommand, PeripheralReport, StepToken, StopScope, ToAgent},
};

use crate::{
    FleetConfig, Input,
    fixture::*,
    input::{AlarmScope, OperatorCommand},
    record::Record,
    rules,
};

const SHELF: StationId = StationId(0);
const REST: PeripheralCommand = PeripheralCommand::Rest { station: SHELF };
/// Anna's first step.
const TOKEN: StepToken = StepToken { task: TaskId(0), award: 1, step: 0 };
const SERVE: PeripheralCommand =
    PeripheralCommand::Serve { station: SHELF, token: TOKEN, agent: ANNA, action: Action::Load };

/// Anna is to load at the shelf, where she stands, and machines say what the test makes them say.
fn bench() -> Bench {
    let mut bench = Bench::with("c2", "d1", |config| config.machines = vec![SHELF]);
    bench.obeys = false;
    says(&mut bench, MachineState::Idle);
    bench.carry("linen", "c2", "e");
    bench.report_all();
    bench
}

fn says(bench: &mut Bench, state: MachineState) {
    bench.input(Input::FromPeripheral(PeripheralReport::Machine { station: SHELF, state })).unwrap();
}

fn is_done(bench: &Bench) -> bool {
    bench.decisions().any(|record| matches!(record, Record::StepDone { .. }))
}

/// What the machine has been asked since the last call.
fn asked(bench: &mut Bench) -> Vec<PeripheralCommand> {
    let is_it = |command: &PeripheralCommand| {
        matches!(command, PeripheralCommand::Serve { .. } | PeripheralCommand::Rest { .. })
    };
    std::mem::take(&mut bench.commands).into_iter().filter(is_it).collect()
}

/// Half a second each.
fn beats(bench: &mut Bench, beats: usize) {
    for _ in 0..beats {
        bench.report_all();
        bench.beat();
    }
}

#[test]
fn a_step_at_a_machine_is_done_when_the_machine_says_so() {
    let mut bench = bench();
    assert_eq!(asked(&mut bench), [SERVE]);
    let another = StepToken { award: 2, ..TOKEN };
    for state in [MachineState::Idle, MachineState::Serving(TOKEN), MachineState::Served(another)] {
        says(&mut bench, state);
        bench.report_all();
        assert!(!is_done(&bench), "{state:?}");
    }
    says(&mut bench, MachineState::Served(TOKEN));
    assert!(is_done(&bench), "its word is enough");
    assert_eq!(asked(&mut bench), [REST]);
    says(&mut bench, MachineState::Idle);
    says(&mut bench, MachineState::Served(TOKEN));
    // Where the robot unloads is no machine.
    bench.run(20);
    assert!(bench.decisions().any(|record| matches!(record, Record::Done { .. })));
    let steps = bench.decisions().filter(|record| matches!(record, Record::StepDone { .. })).count();
    assert_eq!(steps, 2);
}

#[test]
fn a_machine_is_asked_until_it_has_done_it() {
    let mut bench = bench();
    assert_eq!(asked(&mut bench), [SERVE]);
    says(&mut bench, MachineState::Serving(TOKEN));
    beats(&mut bench, 9);
    assert_eq!(asked(&mut bench), [SERVE, SERVE], "every two seconds, for its word may be lost");
    bench.stop(StopScope::Agent(ANNA));
    beats(&mut bench, 5);
    assert_eq!(asked(&mut bench), [REST, REST], "no arm works on a robot that is stopped");
    says(&mut bench, MachineState::Idle);
    beats(&mut bench, 8);
    assert_eq!(asked(&mut bench), []);
    bench.reset();
    beats(&mut bench, 1);
    assert_eq!(asked(&mut bench), [SERVE]);
}

#[test]
fn after_a_restart_nothing_is_known_of_a_machine() {
    let mut bench = bench();
    says(&mut bench, MachineState::Serving(TOKEN));
    asked(&mut bench);
    bench.input(Input::Restarted { boot: 1 }).unwrap();
    beats(&mut bench, 1);
    assert_eq!(asked(&mut bench), [SERVE], "who knows whether it goes on");
    bench.command(OperatorCommand::Cancel { task: TaskId(0) }).unwrap();
    bench.input(Input::Restarted { boot: 2 }).unwrap();
    beats(&mut bench, 5);
    assert_eq!(asked(&mut bench), [REST, REST, REST], "nobody is there, and it has not said that it rests");
    says(&mut bench, MachineState::Idle);
    beats(&mut bench, 8);
    assert_eq!(asked(&mut bench), []);
}

#[test]
fn a_load_that_a_machine_has_put_on_a_robot_is_on_board_at_once() {
    let mut bench = bench();
    says(&mut bench, MachineState::Served(TOKEN));
    let refused = bench.command(OperatorCommand::Cancel { task: TaskId(0) }).unwrap_err().to_string();
    assert!(refused.contains("its load is under way"), "{refused}");
}

#[test]
fn a_machine_that_does_not_serve_is_reported_once() {
    let mut bench = bench();
    beats(&mut bench, 239);
    assert_eq!(bench.alerted(rules::SERVED), [""; 0]);
    beats(&mut bench, 20);
    assert_eq!(bench.alerted(rules::SERVED), ["the machine at shelf has not served Anna within 120 s"]);
}

#[test]
fn a_robot_leaves_its_machine_for_a_fire_alarm_and_comes_back() {
    let mut bench = bench();
    says(&mut bench, MachineState::Serving(TOKEN));
    asked(&mut bench);
    let fire = |active| Input::FireAlarm { scope: AlarmScope::Site, active, source: "panel".to_owned() };
    bench.input(fire(true)).unwrap();
    beats(&mut bench, 1);
    assert_eq!(asked(&mut bench), [REST]);
    assert!(bench.sent.contains(&(ANNA, ToAgent::Withdraw(TOKEN))));
    says(&mut bench, MachineState::Idle);
    bench.run(10);
    bench.input(fire(false)).unwrap();
    bench.command(OperatorCommand::EndFireAlarm { scope: AlarmScope::Site }).unwrap();
    bench.run(20);
    assert!(asked(&mut bench).contains(&SERVE));
    says(&mut bench, MachineState::Served(TOKEN));
    assert!(is_done(&bench));
}

#[test]
fn a_faulty_machine_is_reported_and_makes_the_robot_wait() {
    let mut bench = bench();
    for (state, said) in [
        (MachineState::Faulty, "the machine at shelf reports a fault"),
        (MachineState::Serving(TOKEN), "the machine at shelf works again"),
    ] {
        bench.alerts.clear();
        for _ in 0..2 {
            says(&mut bench, state);
            bench.report_all();
        }
        assert_eq!(bench.alerted(rules::MACHINE_FAULTY), [said]);
        assert!(!is_done(&bench));
    }
    // What is at no station of this fleet is nobody's.
    bench.alerts.clear();
    let stray = PeripheralReport::Machine { station: StationId(9), state: MachineState::Faulty };
    bench.input(Input::FromPeripheral(stray)).unwrap();
    assert!(bench.alerts.is_empty());
}

#[test]
fn machines_that_cannot_be_are_refused() {
    let authored = site();
    let site = std::sync::Arc::new(authored.compile(&options()).unwrap());
    let header = crate::Header::new(&authored, &options(), &site).unwrap();
    let config = bench().fleet.config().clone();
    let refused = |machines: &[StationId]| {
        let config = FleetConfig { machines: machines.to_vec(), ..config.clone() };
        let fleet = crate::Fleet::new(site.clone(), config, &header, FleetTime::ZERO);
        fleet.err().map(|error| error.to_string())
    };
    assert_eq!(refused(&[SHELF]), None);
    assert_eq!(
        refused(&[SHELF, SHELF]).unwrap(),
        "machine at station 0: there is another machine at its place"
    );
    assert_eq!(refused(&[StationId(9)]).unwrap(), "machine at station 9: there is no such station");
}
