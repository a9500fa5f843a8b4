//! Who may tell a fleet what, and what it refuses.

use sheepdog::fleet::{Actor, AlarmScope, Fleet, Input, InputError, OperatorCommand, Role};
use sheepdog::vocabulary::{
    FleetTime, StopCategory, StopGeneration, TaskId,
    wire::{ResetStep, StopScope},
};

use crate::common::{ANNA, NURSE, actor, carry, operator, place, setup};

fn fleet() -> Fleet {
    let setup = setup();
    let mut fleet =
        Fleet::new(setup.site.clone(), setup.fleet.clone(), &setup.header, FleetTime::ZERO).unwrap();
    fleet.handle(FleetTime::ZERO, Input::TaskRequested(carry(&setup, "errand", "bay-1", "bay-4"))).unwrap();
    fleet
}

fn give(fleet: &mut Fleet, actor: &Actor, command: OperatorCommand) -> Result<(), InputError> {
    fleet.handle(FleetTime::ZERO, Input::Operator { actor: actor.clone(), command })
}

fn commands() -> Vec<OperatorCommand> {
    let at = place(&setup(), "bay-2");
    vec![
        OperatorCommand::Stop { scope: StopScope::Site, category: StopCategory::One },
        OperatorCommand::Reset { generation: StopGeneration(1), step: ResetStep::Acknowledge },
        OperatorCommand::Cancel { task: TaskId(0) },
        OperatorCommand::Approve { task: TaskId(0), step: 0 },
        OperatorCommand::Remove { agent: ANNA },
        OperatorCommand::Recover { agent: ANNA, at },
        OperatorCommand::Resume { agent: ANNA },
        OperatorCommand::EndFireAlarm { scope: AlarmScope::Site },
        OperatorCommand::Revert { of: 0, why: String::new() },
    ]
}

#[test]
fn roles_say_who_may_do_what() {
    let may = |role: Role| -> Vec<bool> {
        let id = match role {
            Role::Operator => (1, "o"),
            Role::Technician => (2, "t"),
            Role::Staff => (3, "s"),
        };
        let actor = actor(id.0, role, id.1);
        let mut fleet = fleet();
        let allowed =
            |command| !matches!(give(&mut fleet, &actor, command), Err(InputError::NotAllowed { .. }));
        commands().into_iter().map(allowed).collect()
    };
    // Stop, reset, cancel, approve, remove, recover, resume, end a fire alarm, revert.
    assert_eq!(may(Role::Operator), [true; 9]);
    assert_eq!(may(Role::Technician), [true, true, false, false, true, true, true, true, false]);
    assert_eq!(may(Role::Staff), [true, false, false, true, false, false, false, false, false]);
}

#[test]
fn nobody_gets_in_with_another_proof_role_or_number() {
    let mut fleet = fleet();
    let before = fleet.ledger().next_seq();
    for stranger in [
        actor(1, Role::Operator, "O"),
        actor(1, Role::Operator, ""),
        actor(1, Role::Technician, "o"),
        actor(3, Role::Operator, "s"),
        actor(9, Role::Operator, "o"),
    ] {
        for command in commands() {
            let refused = give(&mut fleet, &stranger, command);
            assert_eq!(refused, Err(InputError::NotAuthentic(stranger.id)));
        }
    }
    assert_eq!(fleet.stop_generation(), StopGeneration(0));
    assert!(before < fleet.ledger().next_seq(), "every attempt is in the ledger");
}

#[test]
fn a_reset_takes_two_steps_in_order_and_names_its_stop() {
    let mut fleet = fleet();
    let reset = |generation, step| OperatorCommand::Reset { generation: StopGeneration(generation), step };
    let refused = |result: Result<(), InputError>| matches!(result, Err(InputError::Reset { .. }));
    assert!(refused(give(&mut fleet, &operator(), reset(0, ResetStep::Acknowledge))), "nothing is stopped");
    let stop = OperatorCommand::Stop { scope: StopScope::Agent(ANNA), category: StopCategory::One };
    give(&mut fleet, &operator(), stop).unwrap();
    assert!(refused(give(&mut fleet, &operator(), reset(2, ResetStep::Acknowledge))), "another stop");
    assert!(refused(give(&mut fleet, &operator(), reset(1, ResetStep::Start))), "not acknowledged");
    give(&mut fleet, &operator(), reset(1, ResetStep::Acknowledge)).unwrap();
    assert!(refused(give(&mut fleet, &operator(), reset(1, ResetStep::Acknowledge))), "acknowledged already");
    give(&mut fleet, &operator(), reset(1, ResetStep::Start)).unwrap();
    for step in [ResetStep::Acknowledge, ResetStep::Start] {
        assert!(refused(give(&mut fleet, &operator(), reset(1, step))), "over");
    }
}

#[test]
fn commands_that_make_no_sense_are_refused_and_change_nothing() {
    let mut fleet = fleet();
    let snapshot = |fleet: &Fleet| (fleet.stats(), fleet.traffic().held(ANNA));
    let before = snapshot(&fleet);
    let elsewhere = place(&setup(), "bay-2");
    for command in [
        OperatorCommand::Resume { agent: ANNA },
        OperatorCommand::Resume { agent: NURSE },
        OperatorCommand::Recover { agent: ANNA, at: elsewhere },
        OperatorCommand::Recover { agent: NURSE, at: elsewhere },
        OperatorCommand::Remove { agent: NURSE },
        OperatorCommand::Cancel { task: TaskId(9) },
        OperatorCommand::Approve { task: TaskId(9), step: 0 },
        OperatorCommand::Approve { task: TaskId(0), step: 99 },
    ] {
        assert!(give(&mut fleet, &operator(), command.clone()).is_err(), "{command:?}");
        assert_eq!(snapshot(&fleet), before, "{command:?}");
    }
    give(&mut fleet, &operator(), OperatorCommand::Cancel { task: TaskId(0) }).unwrap();
    assert!(
        give(&mut fleet, &operator(), OperatorCommand::Cancel { task: TaskId(0) }).is_err(),
        "cancelled already"
    );
}

#[test]
fn time_never_goes_back() {
    let mut fleet = fleet();
    let now = FleetTime::from_micros(5_000_000);
    fleet.handle(now, Input::Tick).unwrap();
    let earlier = FleetTime::from_micros(4_999_999);
    let refused = fleet.handle(earlier, Input::Restarted { boot: 1 });
    assert_eq!(refused, Err(InputError::TimeWentBack { now: earlier, last: now }));
}
