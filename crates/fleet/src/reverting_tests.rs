//! What can be taken back, and what cannot.

use sheepdog_core::{
    AgentId, Micros, TaskId,
    wire::{Action, ToAgent},
};
use sheepdog_dispatch::{Gate, Performers, Step};

use crate::{Fleet, InputError, OperatorCommand, Record, TaskStatus, audit, explain_task, fixture::*, rules};

const TASK: TaskId = TaskId(0);

fn newest(bench: &Bench, is_it: fn(&Record) -> bool) -> u64 {
    bench.entries.iter().rev().find(|entry| is_it(&entry.record)).unwrap().seq
}

fn revert(bench: &mut Bench, of: u64) -> Result<(), InputError> {
    let result = bench.command(OperatorCommand::Revert { of, why: "a slip".to_owned() });
    // A snapshot holds what can be reverted.
    let bytes = bench.fleet.snapshot().unwrap();
    assert_eq!(Fleet::restore(bench.fleet.site().clone(), &bytes).unwrap().snapshot().unwrap(), bytes);
    assert_eq!(audit(&bench.entries, bench.fleet.site(), &[]).findings, []);
    result
}

fn reason(result: Result<(), InputError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn an_award_that_is_not_begun_is_withdrawn_and_decided_again() {
    let mut bench = Bench::new("b2", "d");
    bench.carry("load", "e", "c");
    let award = newest(&bench, |record| matches!(record, Record::Awarded { .. }));
    revert(&mut bench, award).unwrap();
    let withdrawn =
        |(agent, message): &(AgentId, ToAgent)| *agent == BERT && matches!(message, ToAgent::Withdraw(_));
    assert!(bench.sent.iter().any(withdrawn));
    let again = newest(&bench, |record| matches!(record, Record::Awarded { .. }));
    assert!(award < again);
    let story = explain_task(&bench.entries, bench.fleet.site(), TASK).unwrap();
    assert!(
        story.contains(&format!("person p1 takes #{award} back: a slip [{}]", rules::REVERTED)),
        "{story}"
    );
    assert!(reason(revert(&mut bench, award)).contains("no decision that can be reverted"), "only once");
    bench.run(20);
    assert_eq!(bench.fleet.open_tasks(), 0);
    assert!(reason(revert(&mut bench, again)).contains("the award is over"));
}

#[test]
fn an_award_that_is_begun_stays() {
    let mut bench = Bench::new("b2", "d");
    bench.carry("load", "d", "c");
    let award = newest(&bench, |record| matches!(record, Record::Awarded { .. }));
    bench.run(1);
    assert!(bench.fleet.load_of(BERT).is_some());
    assert!(reason(revert(&mut bench, award)).contains("the award has been begun"));
    assert!(matches!(bench.fleet.task_status(TASK), Some(TaskStatus::Active { .. })));
}

#[test]
fn a_cancelled_task_is_opened_again() {
    let mut bench = Bench::new("b2", "d");
    bench.carry("load", "e", "c");
    bench.command(OperatorCommand::Cancel { task: TASK }).unwrap();
    assert_eq!(bench.fleet.task_status(TASK), Some(TaskStatus::Cancelled));
    let cancelled = newest(&bench, |record| matches!(record, Record::Cancelled { .. }));
    assert_eq!(bench.fleet.last_decision(TASK), Some(cancelled));
    revert(&mut bench, cancelled).unwrap();
    bench.run(20);
    assert!(matches!(bench.fleet.task_status(TASK), Some(TaskStatus::Done(_))));
}

#[test]
fn an_approval_is_taken_back_until_its_step_begins() {
    let approved = |bench: &mut Bench| {
        bench.command(OperatorCommand::Approve { task: TASK, step: 0 }).unwrap();
        newest(bench, |record| matches!(record, Record::Approved { .. }))
    };
    let mut bench = Bench::new("b2", "d");
    let gates = vec![Gate::Approved { role: "operator".to_owned() }];
    let place = bench.place("c");
    let step = Step { place, action: Action::Attend, duration: Micros::ZERO, gates };
    bench.request("look", vec![step], Performers::RobotsOnly);
    let approval = approved(&mut bench);
    revert(&mut bench, approval).unwrap();
    bench.run(20);
    assert_eq!(bench.fleet.open_tasks(), 1, "it waits for approval");
    let approval = approved(&mut bench);
    bench.run(20);
    assert_eq!(bench.fleet.open_tasks(), 0);
    assert!(reason(revert(&mut bench, approval)).contains("the step has been begun"));
}

#[test]
fn what_happened_in_the_building_is_not_undone() {
    let mut bench = Bench::new("b2", "d");
    bench.report_as(ANNA, sheepdog_core::wire::Motion::Failed);
    bench.command(OperatorCommand::Remove { agent: ANNA }).unwrap();
    let removed =
        newest(&bench, |record| matches!(record, Record::Agent { text, .. } if text.contains("by a person")));
    assert!(reason(revert(&mut bench, removed)).contains("it happened in the building"));
    assert!(reason(revert(&mut bench, 0)).contains("no decision"));
    assert!(reason(revert(&mut bench, 9_999)).contains("no decision"));
}
