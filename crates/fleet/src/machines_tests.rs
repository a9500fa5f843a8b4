//! Machines that load and unload robots.

use sheepdog_core::{
    FleetTime, StationId, TaskId,
    wire::{MachineState, PeripheralCommand, PeripheralReport, StepToken, StopScope},
};

use crate::{FleetConfig, Input, fixture::*, record::Record, rules};

const SHELF: StationId = StationId(0);

/// Anna is to load at the shelf, where she stands, and machines say what the test makes them say.
fn bench() -> Bench {
    let mut bench = Bench::with("c2", "d1", |config| config.machines = vec![SHELF]);
    bench.obeys = false;
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

fn asked(bench: &Bench) -> Vec<StepToken> {
    let serve = |command: &PeripheralCommand| match command {
        PeripheralCommand::Serve { station: SHELF, token } => Some(*token),
        _ => None,
    };
    bench.commands.iter().filter_map(serve).collect()
}

#[test]
fn a_step_at_a_machine_is_done_when_the_machine_says_so() {
    let mut bench = bench();
    let token = StepToken { task: TaskId(0), award: 1, step: 0 };
    assert_eq!(asked(&bench), [token]);
    let another = StepToken { award: 2, ..token };
    for state in [MachineState::Idle, MachineState::Serving(token), MachineState::Served(another)] {
        says(&mut bench, state);
        bench.report_all();
        assert!(!is_done(&bench), "{state:?}");
    }
    says(&mut bench, MachineState::Served(token));
    bench.report_all();
    assert!(is_done(&bench));
    assert!(bench.commands.contains(&PeripheralCommand::Rest { station: SHELF }));
    // Once is enough: where the robot unloads is no machine.
    bench.run(20);
    assert_eq!(asked(&bench).last(), Some(&token));
    assert!(bench.decisions().any(|record| matches!(record, Record::Done { .. })));
}

#[test]
fn a_machine_is_asked_again_until_it_begins_and_rests_while_the_robot_is_stopped() {
    let mut bench = bench();
    for _ in 0..6 {
        bench.beat();
        bench.report_all();
    }
    assert_eq!(asked(&bench).len(), 2, "three seconds are one repetition");
    let token = asked(&bench)[0];
    says(&mut bench, MachineState::Serving(token));
    for _ in 0..6 {
        bench.beat();
        bench.report_all();
    }
    assert_eq!(asked(&bench).len(), 2);
    bench.commands.clear();
    bench.stop(StopScope::Agent(ANNA));
    assert_eq!(bench.commands, [PeripheralCommand::Rest { station: SHELF }]);
    says(&mut bench, MachineState::Idle);
    bench.reset();
    bench.beat();
    assert_eq!(asked(&bench), [token]);
    bench.input(Input::Restarted { boot: 1 }).unwrap();
    bench.beat();
    assert_eq!(asked(&bench), [token, token], "who knows what was asked before");
}

#[test]
fn a_faulty_machine_is_reported_and_makes_the_robot_wait() {
    let mut bench = bench();
    let token = asked(&bench)[0];
    for (state, said) in [
        (MachineState::Faulty, "the machine at shelf reports a fault"),
        (MachineState::Serving(token), "the machine at shelf works again"),
    ] {
        bench.alerts.clear();
        for _ in 0..2 {
            says(&mut bench, state);
            bench.report_all();
        }
        let texts: Vec<&str> = bench.alerted(rules::MACHINE_FAULTY);
        assert_eq!(texts, [said]);
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
    assert_eq!(refused(&[SHELF, SHELF]).unwrap(), "machine at station 0: it is listed twice");
    assert_eq!(refused(&[StationId(9)]).unwrap(), "machine at station 9: there is no such station");
}
