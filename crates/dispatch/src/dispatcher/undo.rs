//! What an operator wants, and what can be taken back.

use sheepdog_core::{AgentId, FleetTime, TaskId, wire::StepToken};

use super::{
    Dispatcher, Effect, EventError, Reason,
    entry::{Entry, Phase},
};
use crate::{Task, task::check_deadline};

/// Decisions that can still be taken back; older ones are too old.
const DECISIONS_MAX: usize = 1_024;

/// Why nothing is taken back that is not in force.
const CHANGED: &str = "something else was decided since";

/// A decision, and what takes it back.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Undoable {
    /// Somebody was asked: somebody else is.
    Offer(StepToken),
    /// A task was cancelled and nobody had begun: it is there again.
    Cancel(TaskId),
    /// One agent was to do it, or anybody: whoever was before.
    Pin { task: TaskId, before: Option<AgentId>, after: Option<AgentId> },
    /// An agent was forbidden, or not any more.
    Forbid { task: TaskId, agent: AgentId, forbidden: bool },
    /// It mattered more or less, or was wanted at another time.
    Change { task: TaskId, before: Terms, after: Terms },
}

/// How much a task matters, and when it should be done.
pub(super) type Terms = (u8, Option<FleetTime>);

impl Dispatcher {
    /// Keeps a decision so that it can be taken back, and returns its number.
    pub(super) fn keep(&mut self, undoable: Undoable) -> u64 {
        let decision = self.next_decision;
        self.next_decision += 1;
        // Offers are many; what operators want is kept for longer.
        let queue = match undoable {
            Undoable::Offer(_) => &mut self.undoable_offers,
            Undoable::Cancel(_)
            | Undoable::Pin { .. }
            | Undoable::Forbid { .. }
            | Undoable::Change { .. } => &mut self.undoable_wishes,
        };
        queue.push_back(decision);
        if DECISIONS_MAX < queue.len()
            && let Some(oldest) = queue.pop_front()
        {
            self.decisions.remove(&oldest);
        }
        self.decisions.insert(decision, undoable);
        decision
    }

    /// What an operator wanted is in force.
    pub(super) fn note(&mut self, task: TaskId, undoable: Undoable) {
        let decision = self.keep(undoable);
        self.effects.push_back(Effect::Noted { decision, task });
    }

    pub(super) fn pin(&mut self, task: TaskId, agent: Option<AgentId>) -> Result<(), EventError> {
        let before = self.tasks.get(&task).and_then(|entry| entry.pinned);
        if self.set_pin(task, agent)? {
            self.note(task, Undoable::Pin { task, before, after: agent });
        }
        Ok(())
    }

    /// Whether that changed anything.
    fn set_pin(&mut self, task: TaskId, agent: Option<AgentId>) -> Result<bool, EventError> {
        if let Some(agent) = agent.filter(|agent| !self.agents.contains_key(agent)) {
            return Err(EventError::UnknownAgent { agent });
        }
        let entry = self.tasks.get(&task).ok_or(EventError::NotOpen { task })?;
        if entry.pinned == agent {
            return Ok(false);
        }
        if let Some(agent) = agent.filter(|agent| entry.forbidden.contains(agent)) {
            return Err(EventError::Agent { agent, problem: "it is forbidden to do this task" });
        }
        let is_other = agent.is_some_and(|agent| entry.leader().is_some_and(|leader| leader != agent));
        self.take_away(task, is_other)?;
        if let Some(entry) = self.tasks.get_mut(&task) {
            entry.pinned = agent;
        }
        self.is_due = true;
        self.review(task);
        Ok(true)
    }

    pub(super) fn forbid(&mut self, task: TaskId, agent: AgentId, forbidden: bool) -> Result<(), EventError> {
        if self.set_forbidden(task, agent, forbidden)? {
            self.note(task, Undoable::Forbid { task, agent, forbidden });
        }
        Ok(())
    }

    /// Whether that changed anything.
    fn set_forbidden(&mut self, task: TaskId, agent: AgentId, forbidden: bool) -> Result<bool, EventError> {
        if !self.agents.contains_key(&agent) {
            return Err(EventError::UnknownAgent { agent });
        }
        let entry = self.tasks.get(&task).ok_or(EventError::NotOpen { task })?;
        if entry.forbidden.contains(&agent) == forbidden {
            return Ok(false);
        }
        if forbidden && entry.pinned == Some(agent) {
            return Err(EventError::Agent { agent, problem: "the task is pinned to it" });
        }
        self.take_away(task, forbidden && entry.has(agent))?;
        if let Some(entry) = self.tasks.get_mut(&task) {
            if forbidden {
                entry.forbidden.insert(agent);
            } else {
                entry.forbidden.remove(&agent);
            }
        }
        self.is_due = true;
        self.review(task);
        Ok(true)
    }

    /// Takes a task away from whoever has it, because the operator wants that.
    fn take_away(&mut self, task: TaskId, is_meant: bool) -> Result<(), EventError> {
        let Some(entry) = self.tasks.get(&task).filter(|_| is_meant) else { return Ok(()) };
        match (&entry.phase, entry.leader()) {
            (Phase::Running(_) | Phase::Resuming(_), Some(agent)) if entry.is_loaded() => {
                Err(EventError::Loaded { task, agent })
            }
            (Phase::Offered(_) | Phase::Running(_) | Phase::Resuming(_), _) => {
                self.withdraw(task, Reason::Operator);
                Ok(())
            }
            (Phase::Held | Phase::Open | Phase::Closing(_), _) => Ok(()),
        }
    }

    pub(super) fn undo(&mut self, decision: u64) -> Result<(), EventError> {
        let refused = |problem| EventError::Undo { decision, problem };
        let known = self.decisions.get(&decision).cloned();
        match known.ok_or(refused("it is not known, too old, or was taken back"))? {
            Undoable::Offer(token) => self.undo_offer(token).map_err(refused)?,
            Undoable::Cancel(task) => {
                let is_untouched = |entry: &Entry| entry.step == 0 && !entry.is_cancelling;
                if !self.kept.get(&task).is_some_and(is_untouched) || !self.reinstall(task) {
                    return Err(refused("the task is not known any more, is there again, or was begun"));
                }
            }
            Undoable::Pin { task, before, after } => {
                let is_so = self.tasks.get(&task).is_none_or(|entry| entry.pinned == after);
                is_so.then_some(()).ok_or(refused(CHANGED))?;
                self.set_pin(task, before)?;
            }
            Undoable::Forbid { task, agent, forbidden } => {
                let is_so = |entry: &Entry| entry.forbidden.contains(&agent) == forbidden;
                self.tasks.get(&task).is_none_or(is_so).then_some(()).ok_or(refused(CHANGED))?;
                self.set_forbidden(task, agent, !forbidden)?;
            }
            Undoable::Change { task, before, after } => {
                let is_so = |entry: &Entry| (entry.order.task.priority, entry.order.task.deadline) == after;
                self.tasks.get(&task).is_none_or(is_so).then_some(()).ok_or(refused(CHANGED))?;
                self.set_terms(task, before)?;
            }
        }
        self.decisions.remove(&decision);
        self.effects.push_back(Effect::Undone { decision });
        Ok(())
    }

    pub(super) fn change(&mut self, task: TaskId, terms: Terms) -> Result<(), EventError> {
        let entry = self.tasks.get(&task).ok_or(EventError::NotOpen { task })?;
        let Task { requested, priority, deadline, .. } = entry.order.task;
        check_deadline(requested, terms.1).map_err(|error| EventError::Order { task, error })?;
        if (priority, deadline) != terms {
            self.set_terms(task, terms)?;
            self.note(task, Undoable::Change { task, before: (priority, deadline), after: terms });
        }
        Ok(())
    }

    fn set_terms(&mut self, task: TaskId, (priority, deadline): Terms) -> Result<(), EventError> {
        let entry = self.tasks.get_mut(&task).ok_or(EventError::NotOpen { task })?;
        entry.is_late &= entry.order.task.deadline == deadline;
        let order = entry.alter();
        (order.task.priority, order.task.deadline) = (priority, deadline);
        self.is_due |= entry.phase == Phase::Open;
        self.review(task);
        Ok(())
    }

    fn undo_offer(&mut self, token: StepToken) -> Result<(), &'static str> {
        let cool_until = self.now + self.patience.cool_down;
        let entry = self.tasks.get_mut(&token.task).ok_or("the task is over")?;
        if entry.token() != token || !matches!(entry.phase, Phase::Offered(_) | Phase::Running(_)) {
            return Err("the task has gone on since, or somebody else has it");
        }
        if entry.is_loaded() {
            return Err("a load is on board");
        }
        let asked: Vec<AgentId> = entry.taken().iter().map(|taken| taken.agent).collect();
        entry.cooling.extend(asked.into_iter().map(|agent| (agent, cool_until)));
        self.withdraw(token.task, Reason::Operator);
        self.review(token.task);
        Ok(())
    }
}
