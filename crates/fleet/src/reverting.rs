//! Taking back what was decided: by naming the record, never by deleting it.
//!
//! Only decisions can be reverted, and only while nobody has acted on them: no motion and no load is ever claimed to be
//! undone. What a revert does is a decision of its own, with its own record.

use serde::{Deserialize, Serialize};
use sheepdog_core::{ActorId, AgentId, TaskId};

use crate::{
    fleet::Fleet,
    input::InputError,
    record::Record,
    rules,
    state::{Phase, State},
};

/// Decisions that can still be named; older ones are too old to be taken back.
const DECISIONS_MAX: usize = 10_000;

/// A decision, and what would take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Decided {
    /// A task was awarded, or a person asked: it is withdrawn and decided again.
    Award {
        /// Which.
        task: TaskId,
        /// Which award of it.
        award: u32,
        /// The step that was next.
        step: u32,
    },
    /// A task was cancelled: it is opened again.
    Cancellation(TaskId),
    /// A step was approved: the approval does not count any more.
    Approval {
        /// The task.
        task: TaskId,
        /// Index of the step.
        step: u32,
        /// The role that approved.
        role: String,
    },
    /// A robot was removed, recovered or resumed: that happened in the building.
    Physical(AgentId),
}

impl State {
    /// Remembers a decision by the number of its record.
    pub(crate) fn remember(&mut self, seq: u64, decided: Decided) {
        self.decided.insert(seq, decided);
        while DECISIONS_MAX < self.decided.len() {
            self.decided.pop_first();
        }
    }
}

impl Fleet {
    /// Takes back the decision of record `of`.
    ///
    /// # Errors
    /// [`InputError::Revert`] when there is no such decision, or somebody has acted on it.
    pub(crate) fn revert(&mut self, of: u64, why: &str, by: ActorId) -> Result<(), InputError> {
        let refused = |reason| Err(InputError::Revert { of, reason });
        let Some(decided) = self.state.decided.get(&of).cloned() else {
            return refused("it is no decision that can be reverted, or one too long ago");
        };
        let done = match decided {
            Decided::Award { task, award, step } => self.revert_award(task, award, step),
            Decided::Cancellation(task) => self.revert_cancellation(task),
            Decided::Approval { task, step, role } => self.revert_approval(task, step, &role),
            Decided::Physical(_) => Err("it happened in the building, not in the ledger"),
        };
        if let Err(reason) = done {
            return refused(reason);
        }
        self.state.decided.remove(&of);
        self.record(&Record::Revert { of, why: why.to_owned(), by });
        self.state.dispatch_due = true;
        self.state.planning.due = true;
        Ok(())
    }

    /// The record of the newest decision about a task that may still be named to take it back.
    pub fn last_decision(&self, task: TaskId) -> Option<u64> {
        let is_about = |decided: &Decided| match decided {
            Decided::Award { task: of, .. }
            | Decided::Cancellation(of)
            | Decided::Approval { task: of, .. } => *of == task,
            Decided::Physical(_) => false,
        };
        self.state.decided.iter().rev().find(|(_, decided)| is_about(decided)).map(|(seq, _)| *seq)
    }

    fn revert_award(&mut self, id: TaskId, award: u32, step: u32) -> Result<(), &'static str> {
        let task = self.state.tasks.get(&id).ok_or("the task is not known any more")?;
        let agent = match task.phase {
            Phase::Asked { agent, .. } | Phase::Travelling { agent, .. }
                if task.awards == award && task.step == step && task.loaded.is_none() =>
            {
                agent
            }
            Phase::Asked { .. } | Phase::Travelling { .. } | Phase::Performing { .. } => {
                return Err("the award has been begun, or another one is in force");
            }
            Phase::Pending | Phase::Done { .. } | Phase::Cancelled => return Err("the award is over"),
        };
        self.withdraw_from(agent, rules::REVERTED);
        Ok(())
    }

    fn revert_cancellation(&mut self, id: TaskId) -> Result<(), &'static str> {
        let task = self.state.tasks.get_mut(&id).ok_or("the task is not known any more")?;
        if task.phase != Phase::Cancelled {
            return Err("the task is not cancelled");
        }
        task.phase = Phase::Pending;
        task.waiting = None;
        self.state.open.insert(id);
        Ok(())
    }

    fn revert_approval(&mut self, id: TaskId, step: u32, role: &str) -> Result<(), &'static str> {
        let task = self.state.tasks.get_mut(&id).ok_or("the task is not known any more")?;
        let begun = task.step != step || matches!(task.phase, Phase::Performing { .. });
        if task.step > step || (task.step == step && begun) || task.phase.is_over() {
            return Err("the step has been begun");
        }
        if task.approvals.remove(&(step, role.to_owned())).is_none() {
            return Err("the approval does not count any more");
        }
        Ok(())
    }
}
