//! Who there is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, FleetTime, Micros, TaskId, WaypointId, wire::StepToken};

use super::{
    Dispatcher, Effect, EventError, Patience, Reason,
    entry::{Entry, Phase, Robots},
};
use crate::{AgentKind, Step, nearest::AGENTS_MAX};

/// An agent as the dispatcher knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) kind: AgentKind,
    pub(super) at: WaypointId,
    pub(super) takes_tasks: bool,
    /// What it has or was asked about.
    pub(super) job: Option<TaskId>,
    /// Tasks of which it has a load that must be fetched from it.
    pub(super) waits_for_fetch: BTreeSet<TaskId>,
    pub(super) toil: Toil,
}

/// How much of the last hour somebody has had something to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Toil {
    is_busy: bool,
    since: FleetTime,
    /// How much it was then.
    permille: u64,
}

/// The time of which it counts how much somebody was busy.
const TOIL_WINDOW: Micros = Micros::from_secs(3_600);
/// Steps in which it is told, so that it does not change with every decision.
const TOIL_STEP_PERMILLE: u64 = 50;

impl Toil {
    /// Goes on from now on with something to do, or with nothing.
    fn note(&mut self, is_busy: bool, now: FleetTime) {
        if self.is_busy != is_busy {
            *self = Self { is_busy, since: now, permille: self.permille_at(now) };
        }
    }

    /// The longer it lasts, the more it counts: in an hour all that was before is forgotten.
    fn permille_at(self, now: FleetTime) -> u64 {
        let window = TOIL_WINDOW.as_micros();
        let span = now.since(self.since).unwrap_or_default().as_micros().min(window);
        let target = if self.is_busy { 1_000 } else { 0 };
        (self.permille * (window - span) + target * span) / window
    }

    /// The same for policies, thousandths.
    pub(super) fn told_at(self, now: FleetTime) -> u16 {
        let told = self.permille_at(now) / TOIL_STEP_PERMILLE * TOIL_STEP_PERMILLE;
        u16::try_from(told).unwrap_or(u16::MAX)
    }
}

impl Member {
    /// How long it may act on a step before it is heard of. Robots are heard of all the time, people between steps.
    pub(super) fn lease(&self, patience: &Patience, step: Option<&Step>) -> Micros {
        if !self.kind.is_person() {
            return patience.robot;
        }
        step.map_or(patience.person, |step| patience.person.saturating_add(step.duration))
    }

    /// Whether it may do steps where whom a task is for says so of robots.
    pub(super) fn is_welcome(&self, robots: Robots) -> bool {
        robots == Robots::Welcome || self.kind.is_person()
    }

    pub(super) fn is_free(&self) -> bool {
        self.takes_tasks && self.job.is_none() && self.waits_for_fetch.is_empty()
    }
}

impl Dispatcher {
    pub(super) fn join(
        &mut self,
        agent: AgentId,
        kind: AgentKind,
        at: WaypointId,
        takes_tasks: bool,
    ) -> Result<(), EventError> {
        if AGENTS_MAX <= agent.0 {
            return Err(EventError::Agent { agent, problem: "its number is not below a million" });
        }
        if self.site.waypoint(at).is_none() {
            return Err(EventError::Agent { agent, problem: "the site has no such waypoint" });
        }
        let (waits_for_fetch, toil) = (BTreeSet::new(), Toil::default());
        let new = Member { kind, at, takes_tasks, job: None, waits_for_fetch, toil };
        let member = self.agents.entry(agent).or_insert(new);
        if member.kind != kind {
            return Err(EventError::Agent { agent, problem: "it was of another kind" });
        }
        member.takes_tasks = takes_tasks;
        self.note_freedom(agent);
        self.move_to(agent, at);
        // It may be able to do now what it was not before.
        self.is_due |= self.free.contains(&agent) && !self.open.is_empty();
        Ok(())
    }

    /// An agent is somewhere, and with it the loads that must be fetched from it.
    fn move_to(&mut self, agent: AgentId, at: WaypointId) {
        let Some(member) = self.agents.get_mut(&agent) else { return };
        member.at = at;
        for task in member.waits_for_fetch.clone() {
            if self.tasks.get_mut(&task).is_some_and(|entry| entry.move_fetch(agent, at)) {
                self.effects.push_back(Effect::HandOver { task, from: agent, at });
            }
        }
    }

    /// Keeps the list of those who may be given something.
    pub(super) fn note_freedom(&mut self, agent: AgentId) {
        let now = self.now;
        self.agents.entry(agent).and_modify(|member| member.toil.note(member.job.is_some(), now));
        if self.agents.get(&agent).is_some_and(Member::is_free) {
            self.is_due |= self.free.insert(agent);
        } else {
            self.free.remove(&agent);
        }
    }

    /// An agent has a task no more.
    pub(super) fn give_free(&mut self, agent: AgentId, task: TaskId) {
        if let Some(member) = self.agents.get_mut(&agent) {
            member.job.take_if(|job| *job == task);
        }
        self.note_freedom(agent);
    }

    /// What an agent had on board has been fetched.
    pub(super) fn fetched(&mut self, agent: AgentId, task: TaskId) {
        if let Some(member) = self.agents.get_mut(&agent) {
            member.waits_for_fetch.remove(&task);
        }
        self.note_freedom(agent);
    }

    /// An agent goes on: its lease becomes longer, unless that has lapsed and somebody else may have the task.
    pub(super) fn alive(
        &mut self,
        agent: AgentId,
        at: WaypointId,
        on: Option<StepToken>,
    ) -> Result<(), EventError> {
        let is_place = self.site.waypoint(at).is_some();
        if is_place {
            self.move_to(agent, at);
        }
        let member = self.agents.get(&agent).ok_or(EventError::UnknownAgent { agent })?;
        let job = member.job;
        let is_its = |entry: &Entry| {
            entry.is_running()
                && on.is_some_and(|on| (on.task, on.award) == (entry.order.task.id, entry.awards))
        };
        let entry = job.and_then(|job| self.tasks.get_mut(&job));
        let Some(entry) = entry else {
            if let Some(on) = on.filter(|on| !self.take_back(agent, *on)) {
                self.tell_truth(agent, on);
            }
            return Ok(());
        };
        let until = self.now + member.lease(&self.patience, entry.step());
        if is_its(entry) {
            let token = entry.token();
            let Some(taken) = entry.taken_by(agent) else { return Ok(()) };
            let had_lapsed = taken.until <= self.now;
            taken.until = taken.until.max(until);
            let until = taken.until;
            self.effects.push_back(Effect::Lease { agent, token, until });
            if had_lapsed {
                entry.is_silent = false;
                self.review(token.task);
            }
        } else {
            // It has not heard what it has, or not that it has lost what it speaks of.
            let token = entry.token();
            if entry.is_running()
                && let Some(taken) = entry.taken_by(agent).filter(|taken| taken.until <= self.now)
            {
                // With a load on board it is not silent.
                taken.until = until;
                entry.is_silent = false;
            }
            if let Some(on) = on.filter(|on| (on.task, on.award) != (token.task, token.award)) {
                self.tell_truth(agent, on);
            }
            self.tell_truth(agent, token);
            self.review(token.task);
        }
        Ok(())
    }

    /// An agent is out of order or was carried away.
    pub(super) fn lost(&mut self, agent: AgentId, at: WaypointId) -> Result<(), EventError> {
        if self.site.waypoint(at).is_none() {
            return Err(EventError::Agent { agent, problem: "the site has no such waypoint" });
        }
        let member = self.agents.get_mut(&agent).ok_or(EventError::UnknownAgent { agent })?;
        member.takes_tasks = false;
        let job = member.job;
        self.note_freedom(agent);
        self.move_to(agent, at);
        if let Some(task) = job {
            self.stop_of(agent, task, Reason::Lost);
        }
        // It does not act on anything that it had before either.
        let before: Vec<TaskId> = self
            .tasks
            .iter()
            .filter(|(_, entry)| entry.former.iter().any(|former| former.agent == agent))
            .map(|(task, _)| *task)
            .collect();
        for task in before {
            self.confirm(agent, task, None);
        }
        Ok(())
    }

    /// An agent says that it does not act on an award of a task any more, nor on any before; or on none at all.
    pub(super) fn confirm(&mut self, agent: AgentId, task: TaskId, award: Option<u32>) {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let awards = entry.awards;
        // Of an award that never was nobody has heard.
        let is_meant = |of: u32| award.is_none_or(|award| (of..=awards).contains(&award));
        for former in entry.former.iter_mut().filter(|former| former.agent == agent && is_meant(former.award))
        {
            former.until = now;
        }
        if matches!(entry.phase, Phase::Closing(_))
            && is_meant(entry.awards)
            && let Some(taken) = entry.taken_by(agent)
        {
            (taken.until, taken.answered) = (now, true);
        }
        self.review(task);
    }

    pub(super) fn released(&mut self, agent: AgentId, token: StepToken) -> Result<(), EventError> {
        if !self.agents.contains_key(&agent) {
            return Err(EventError::UnknownAgent { agent });
        }
        self.confirm(agent, token.task, Some(token.award));
        Ok(())
    }

    /// An agent has stopped acting on a task that it has or was asked about.
    pub(super) fn stop_of(&mut self, agent: AgentId, task: TaskId, reason: Reason) {
        let (now, cool_until) = (self.now, self.now + self.patience.cool_down);
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        if reason != Reason::Lost {
            entry.cooling.insert(agent, cool_until);
        }
        let carries = entry.is_loaded() && entry.leader() == Some(agent);
        match &entry.phase {
            Phase::Running(_) if entry.is_loaded() && !carries => self.leave_crew(agent, task),
            Phase::Offered(_) | Phase::Running(_) => {
                if let Some(taken) = entry.taken_by(agent) {
                    taken.until = FleetTime::ZERO;
                }
                if carries { self.hand_over(task, reason) } else { self.withdraw(task, reason) }
            }
            Phase::Resuming(_) => self.hand_over(task, reason),
            Phase::Closing(_) => {
                // It has stopped, but does not do the last steps.
                if let Some(taken) = entry.taken_by(agent) {
                    (taken.until, taken.answered) = (now, false);
                }
            }
            Phase::Held | Phase::Open => {}
        }
        self.review(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toil_is_what_was_done_in_the_last_hour() {
        let minutes = |minutes: u64| FleetTime::ZERO + Micros::from_secs(60 * minutes);
        let mut toil = Toil::default();
        assert_eq!(toil.told_at(minutes(600)), 0);
        toil.note(true, minutes(600));
        toil.note(true, minutes(610));
        assert_eq!([615, 630, 660, 700].map(|at| toil.told_at(minutes(at))), [250, 500, 1_000, 1_000]);
        toil.note(false, minutes(630));
        assert_eq!([630, 631, 645, 690].map(|at| toil.told_at(minutes(at))), [500, 450, 350, 0]);
    }
}
