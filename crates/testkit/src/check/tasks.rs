//! No task is lost, and none is done twice: the ledger is read as the story of every task.

use std::collections::BTreeMap;

use sheepdog_core::{
    AgentId, TaskId,
    wire::{Action, StepToken},
};
use sheepdog_fleet::{Entry, Input, Record, rules};

use crate::Violation;

const CHECK: &str = "no task lost or done twice";

struct Tale {
    actions: Vec<Action>,
    step: usize,
    award: u32,
    agent: Option<AgentId>,
    started: bool,
    /// Whoever has the load in hand.
    load: Option<AgentId>,
    over: bool,
}

#[derive(Default)]
struct Tales {
    tasks: BTreeMap<TaskId, Tale>,
    names: BTreeMap<String, TaskId>,
}

/// Every request becomes one task or is refused; a task has at most one agent at a time and an agent at most one task;
/// its steps are begun and done once each, in order, by whoever has its award; a load is handed over by whoever has it,
/// and never forgotten on an agent that loses the task; a task ends once and nothing happens to it afterwards.
///
/// A request of a known name is the same task. Linear in the ledger.
///
/// # Errors
/// The first record that does not fit.
pub fn no_task_lost_or_done_twice(entries: &[Entry]) -> Result<(), Violation> {
    let mut tales = Tales::default();
    for (index, entry) in entries.iter().enumerate() {
        let consequences = entries.get(index + 1..).unwrap_or(&[]);
        tales.take(entry, consequences).map_err(|message| Violation::at(CHECK, entry.seq, message))?;
    }
    Ok(())
}

/// The records that follow an input until the next one.
pub(super) fn until_next_input(entries: &[Entry]) -> impl Iterator<Item = &Record> {
    entries.iter().map(|entry| &entry.record).take_while(|record| !matches!(record, Record::Input(_)))
}

impl Tales {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "records of other kinds, later ones too, do not matter here"
    )]
    fn take(&mut self, entry: &Entry, later: &[Entry]) -> Result<(), String> {
        match &entry.record {
            Record::Input(Input::TaskRequested(request)) => {
                let answer = |record: &Record| match record {
                    Record::Accepted { task, name } if *name == request.name => Some(Some(*task)),
                    Record::Refused { .. } => Some(None),
                    _ => None,
                };
                match (self.names.get(&request.name), until_next_input(later).find_map(answer)) {
                    // A repetition is passed over; something else under the same name is refused.
                    (Some(_), None | Some(None)) | (None, Some(None)) => Ok(()),
                    (None, Some(Some(task))) => {
                        let actions = request.steps.iter().map(|step| step.action).collect();
                        let (agent, load) = (None, None);
                        let tale =
                            Tale { actions, step: 0, award: 0, agent, started: false, load, over: false };
                        self.names.insert(request.name.clone(), task);
                        match self.tasks.insert(task, tale) {
                            None => Ok(()),
                            Some(_) => Err(format!("two tasks have the number {task}")),
                        }
                    }
                    (None, None) => {
                        Err(format!("the request {:?} is neither accepted nor refused", request.name))
                    }
                    (Some(task), Some(Some(_))) => Err(format!("{:?} is task {task} already", request.name)),
                }
            }
            Record::Accepted { task, name } if self.names.get(name) != Some(task) => {
                Err(format!("task {task} {name:?} was accepted and not requested"))
            }
            Record::Awarded { award, decision, .. } => {
                self.awarded(decision.task, *award, decision.outcome.agent())
            }
            Record::StepStarted { agent, token } => {
                let tale = self.in_hand(*agent, *token)?;
                if std::mem::replace(&mut tale.started, true) {
                    return Err(format!("step {} of task {} is begun twice", token.step, token.task));
                }
                Ok(())
            }
            Record::StepDone { agent, token } => self.step_done(*agent, *token),
            Record::Withdrawn { task, agent, custody, .. } => {
                self.withdrawn(*task, *agent, custody.is_some())
            }
            Record::Done { task, agent } => {
                let tale = self.open(*task)?;
                if tale.step != tale.actions.len() || tale.agent != Some(*agent) || tale.load.is_some() {
                    let (step, steps) = (tale.step, tale.actions.len());
                    return Err(format!(
                        "task {task} ends with {step} of {steps} steps done, load {:?}",
                        tale.load
                    ));
                }
                (tale.over, tale.agent) = (true, None);
                Ok(())
            }
            Record::Cancelled { task } => {
                let tale = self.open(*task)?;
                (tale.over, tale.agent) = (true, None);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, task: TaskId) -> Result<&mut Tale, String> {
        let tale = self.tasks.get_mut(&task).ok_or_else(|| format!("task {task} was never accepted"))?;
        if tale.over { Err(format!("task {task} is over")) } else { Ok(tale) }
    }

    fn in_hand(&mut self, agent: AgentId, token: StepToken) -> Result<&mut Tale, String> {
        let tale = self.open(token.task)?;
        let fits = tale.agent == Some(agent) && tale.award == token.award && tale.step == token.step as usize;
        if fits { Ok(tale) } else { Err(format!("{agent} acts on {token:?}, which is not in its hands")) }
    }

    fn awarded(&mut self, task: TaskId, award: u32, agent: Option<AgentId>) -> Result<(), String> {
        let agent = agent.ok_or_else(|| format!("task {task} is awarded to nobody"))?;
        let other = self.tasks.iter().find(|(_, tale)| tale.agent == Some(agent));
        if let Some((other, _)) = other {
            return Err(format!("{agent} gets task {task} and still has task {other}"));
        }
        let tale = self.open(task)?;
        if let Some(other) = tale.agent {
            return Err(format!("task {task} is awarded to {agent} while {other} has it"));
        }
        if award != tale.award + 1 {
            return Err(format!("award {award} of task {task} follows award {}", tale.award));
        }
        if let Some(holder) = tale.load {
            return Err(format!("task {task} is awarded to {agent} while {holder} has its load"));
        }
        (tale.agent, tale.award, tale.started) = (Some(agent), award, false);
        Ok(())
    }

    fn step_done(&mut self, agent: AgentId, token: StepToken) -> Result<(), String> {
        let tale = self.in_hand(agent, token)?;
        if !std::mem::take(&mut tale.started) {
            return Err(format!("step {} of task {} is done and was never begun", token.step, token.task));
        }
        match tale.actions.get(tale.step) {
            Some(Action::Load) => tale.load = Some(agent),
            Some(Action::Unload) => tale.load = None,
            Some(Action::Attend) => {}
            None => return Err(format!("task {} has no step {}", token.task, token.step)),
        }
        tale.step += 1;
        Ok(())
    }

    fn withdrawn(&mut self, task: TaskId, agent: AgentId, custody: bool) -> Result<(), String> {
        let tale = self.open(task)?;
        if tale.agent != Some(agent) {
            return Err(format!("task {task} is taken from {agent}, who does not have it"));
        }
        let has_load = tale.load == Some(agent);
        if custody != has_load {
            let rule = rules::CUSTODY;
            return Err(format!(
                "task {task} leaves {agent}, load on board {has_load}, custody {custody} ({rule})"
            ));
        }
        if custody {
            // Somebody fetches the load: one more step before those that remain.
            tale.actions.insert(tale.step.min(tale.actions.len()), Action::Load);
            tale.load = None;
        }
        (tale.agent, tale.started) = (None, false);
        Ok(())
    }
}
