//! What becomes of a task that somebody has.

use sheepdog_core::{AgentId, FleetTime, TaskId, wire::StepToken};

use super::{
    Alarm, Dispatcher, Effect, EventError, Reason, SCHEDULED, Undoable,
    agents::Member,
    entry::{Entry, Former, Phase, Robots, Taken},
};

impl Dispatcher {
    pub(super) fn answer(
        &mut self,
        agent: AgentId,
        token: StepToken,
        accepted: bool,
    ) -> Result<(), EventError> {
        if !self.agents.contains_key(&agent) {
            return Err(EventError::UnknownAgent { agent });
        }
        let task = token.task;
        let entry = self.tasks.get_mut(&task).filter(|entry| entry.awards == token.award);
        let Some(entry) = entry.filter(|entry| matches!(entry.phase, Phase::Offered(_))) else {
            if accepted {
                self.tell_truth(agent, token);
            }
            return Ok(());
        };
        let Some(taken) = entry.taken_by(agent) else { return Ok(()) };
        if !accepted {
            self.stop_of(agent, task, Reason::Declined);
            return Ok(());
        }
        taken.answered = true;
        if entry.taken().iter().all(|taken| taken.answered) {
            self.begin(task);
        }
        self.review(task);
        Ok(())
    }

    /// All have accepted.
    fn begin(&mut self, task: TaskId) {
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let mut taken = entry.taken().to_vec();
        for Taken { agent, until, .. } in &mut taken {
            let lease = self.agents.get(agent).map(|member| member.lease(&self.patience, entry.step()));
            *until = self.now + lease.unwrap_or_default();
        }
        entry.moved = self.now;
        entry.clock.stop(self.now);
        taken.iter().take(1).for_each(|leader| entry.remember(leader.agent));
        let token = entry.token();
        let begins =
            taken.iter().map(|taken| Effect::Begin { agent: taken.agent, token, until: taken.until });
        self.effects.extend(begins);
        entry.phase = Phase::Running(taken);
    }

    pub(super) fn step_done(&mut self, agent: AgentId, token: StepToken) -> Result<(), EventError> {
        let member = self.agents.get(&agent).ok_or(EventError::UnknownAgent { agent })?;
        self.effects.push_back(Effect::Heard { agent, token });
        let Some(entry) = self.tasks.get_mut(&token.task) else {
            self.adopt_cancelled(agent, token);
            return Ok(());
        };
        let next = entry.order.task.steps.get(token.step as usize + 1);
        let until = self.now + member.lease(&self.patience, next);
        let has_begun = matches!(entry.phase, Phase::Running(_) | Phase::Resuming(_) | Phase::Closing(_));
        // Under an older award of the same steps it is still the same agent.
        let is_its = entry.awards == token.award || entry.is_older_award(agent, token.award);
        if has_begun && entry.leader() == Some(agent) && is_its {
            if entry.step <= token.step && (token.step as usize) < entry.order.task.steps.len() {
                if let (true, Some(taken)) = (entry.is_running(), entry.taken_by(agent)) {
                    taken.until = taken.until.max(until);
                }
                self.advance(agent, token);
            }
        } else if entry.is_late_evidence(agent, token) {
            self.adopt(agent, token);
        } else if entry.is_stray_load(agent, token) {
            self.effects.push_back(Effect::Alarm { task: token.task, alarm: Alarm::StrayLoad(agent) });
        }
        Ok(())
    }

    /// A step has been done, and with it all before it. Whether there are more.
    fn advance(&mut self, agent: AgentId, token: StepToken) -> bool {
        let task = token.task;
        let Some(entry) = self.tasks.get_mut(&task) else { return false };
        entry.is_silent = false;
        entry.moved = self.now;
        let fetched = entry.advance(token.step + 1);
        let (is_finished, is_cancelling) = (entry.is_finished(), entry.is_cancelling);
        for from in fetched {
            self.fetched(from, task);
        }
        if is_finished {
            self.end(task, !is_cancelling, Some(agent));
            self.effects.push_back(if is_cancelling {
                Effect::Cancelled { decision: None, task }
            } else {
                Effect::Done { task, agent }
            });
        } else {
            self.review(task);
        }
        !is_finished
    }

    /// Takes in steps that were done in time by somebody who has lost the task since: what is done is done, and a load that was
    /// taken is on board of whoever took it.
    fn adopt(&mut self, agent: AgentId, token: StepToken) {
        let task = token.task;
        let Some(entry) = self.tasks.get(&task) else { return };
        if entry.is_without_load(token) {
            // Whoever has it now goes on from there.
            self.advance(agent, token);
            return;
        }
        let mut is_cancelled = matches!(entry.phase, Phase::Closing(_));
        if is_cancelled || !entry.taken().is_empty() {
            self.withdraw(task, Reason::Overtaken);
        }
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let waiting: Vec<AgentId> = entry.fetches.iter().map(|fetch| fetch.from).collect();
        is_cancelled |= entry.restore_steps(token.award);
        let still: Vec<AgentId> = entry.fetches.iter().map(|fetch| fetch.from).collect();
        for from in waiting.into_iter().filter(|from| !still.contains(from)) {
            self.fetched(from, task);
        }
        if !self.advance(agent, token) {
            return;
        }
        let is_open = |entry: &Entry| entry.is_loaded() && entry.phase == Phase::Open;
        if self.tasks.get(&task).is_some_and(is_open) {
            self.reinstate(agent, task);
            self.review(task);
        }
        if is_cancelled {
            // Somebody wanted it cancelled: so it is, from where it truly is.
            let again = self.cancel(task);
            debug_assert_eq!(again, Ok(()), "the task is there");
        }
    }

    /// Somebody tells of a task that was cancelled: what it took is brought back.
    fn adopt_cancelled(&mut self, agent: AgentId, token: StepToken) {
        let task = token.task;
        let is_evidence = |entry: &Entry| entry.is_late_evidence(agent, token);
        let is_stray = |entry: &Entry| entry.is_stray_load(agent, token);
        let is_forgotten = self.cancelled.contains(task.0) && !self.kept.contains_key(&task);
        if self.kept.get(&task).is_some_and(is_evidence) && self.reinstall(task) {
            self.effects.push_back(Effect::Reopened { task });
            self.adopt(agent, token);
            if self.tasks.contains_key(&task) {
                let again = self.cancel(task);
                debug_assert_eq!(again, Ok(()), "the task is there");
            }
        } else if is_forgotten || self.kept.get(&task).is_some_and(is_stray) {
            // What it was about is not known any more, or others have done it.
            self.effects.push_back(Effect::Alarm { task, alarm: Alarm::StrayLoad(agent) });
        }
    }

    /// Somebody whose load is to be fetched because it was silent goes on with it, if nobody has been asked to fetch it yet.
    pub(super) fn take_back(&mut self, agent: AgentId, on: StepToken) -> bool {
        let task = on.task;
        let Some(entry) = self.tasks.get_mut(&task).filter(|entry| entry.may_take_back(agent, on)) else {
            return false;
        };
        entry.restore_steps(on.award);
        self.fetched(agent, task);
        self.reinstate(agent, task);
        self.review(task);
        true
    }

    /// Gives a task back to whoever has its load on board. What else it was given it loses, unless it has a load of that too:
    /// then the load is fetched from it.
    fn reinstate(&mut self, agent: AgentId, task: TaskId) {
        let now = self.now;
        let Some(member) = self.agents.get(&agent) else { return };
        let other = member.job.and_then(|job| Some((job, self.tasks.get(&job)?)));
        if let Some((other, entry)) = other
            && !entry.is_loaded()
            && matches!(entry.phase, Phase::Offered(_) | Phase::Running(_))
        {
            self.withdraw(other, Reason::Overtaken);
            self.review(other);
        }
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let goes_on = |member: &Member| member.is_free() && member.is_welcome(entry.robots);
        let goes_on = self.agents.get(&agent).is_some_and(goes_on);
        self.open.remove(&entry.number);
        // It may still act on what it had.
        let until = entry.former.iter().filter(|former| former.agent == agent).map(|former| former.until);
        let until = until.max().unwrap_or(FleetTime::ZERO);
        entry.former.retain(|former| former.agent != agent);
        entry.clock.stop(now);
        entry.phase = Phase::Resuming(vec![Taken { agent, until, answered: true }]);
        if goes_on {
            self.agents.entry(agent).and_modify(|member| member.job = Some(task));
            self.note_freedom(agent);
            self.resume(task);
        } else {
            self.hand_over(task, Reason::Overtaken);
        }
    }

    /// Whoever has a task's load goes on, once nobody else may act on the task.
    pub(super) fn resume(&mut self, task: TaskId) {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task).filter(|entry| entry.is_left(now)) else { return };
        let Some(agent) = entry.leader() else { return };
        let needs_crew = !entry.order.crew.is_empty();
        self.carry_on(agent, task);
        if needs_crew {
            self.effects.push_back(Effect::Alarm { task, alarm: Alarm::CrewIncomplete });
        }
    }

    /// Tells somebody who speaks of an award what is true of it: it goes on with it, or must not act on it.
    pub(super) fn tell_truth(&mut self, agent: AgentId, on: StepToken) {
        let entry = self.tasks.get(&on.task);
        let is_over =
            on.task.0 >= SCHEDULED || self.done.contains(on.task.0) || self.cancelled.contains(on.task.0);
        if entry.map_or(!is_over, |entry| entry.awards < on.award) {
            // There is no such award yet, and there may be.
            return;
        }
        let Some(entry) = entry.filter(|entry| entry.has(agent) && entry.awards == on.award) else {
            self.effects.push_back(Effect::Withdraw { agent, token: on });
            return;
        };
        let token = entry.token();
        let until = entry.taken().iter().find(|taken| taken.agent == agent).map(|taken| taken.until);
        match (&entry.phase, until) {
            (Phase::Running(_), Some(until)) => self.effects.push_back(Effect::Begin { agent, token, until }),
            (Phase::Closing(_), _) => self.effects.push_back(Effect::Withdraw { agent, token }),
            (Phase::Held | Phase::Open | Phase::Offered(_) | Phase::Running(_) | Phase::Resuming(_), _) => {}
        }
    }

    pub(super) fn failed(&mut self, agent: AgentId, token: StepToken) -> Result<(), EventError> {
        if !self.agents.contains_key(&agent) {
            return Err(EventError::UnknownAgent { agent });
        }
        let has = |entry: &Entry| entry.has(agent) && entry.awards == token.award;
        if self.tasks.get(&token.task).is_some_and(has) {
            self.stop_of(agent, token.task, Reason::Failed);
        } else {
            // It has stopped, which is what a withdrawal asks for.
            self.confirm(agent, token.task, Some(token.award));
        }
        Ok(())
    }

    /// Some have not answered in time: the offer is off for all.
    pub(super) fn lapse_offer(&mut self, task: TaskId) {
        let (now, cool_until) = (self.now, self.now + self.patience.cool_down);
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let mute = entry.taken().iter().filter(|taken| taken.until <= now && !taken.answered);
        let mute: Vec<AgentId> = mute.map(|taken| taken.agent).collect();
        if !mute.is_empty() {
            entry.cooling.extend(mute.into_iter().map(|agent| (agent, cool_until)));
            self.withdraw(task, Reason::Lapsed);
        }
    }

    /// Somebody is there and well, but no step of its task gets done.
    pub(super) fn tell_of_standstill(&mut self, task: TaskId) {
        let (now, patience) = (self.now, self.patience);
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        if let Some(agent) = entry.leader().filter(|_| entry.stuck_at(&patience).is_some_and(|at| at <= now))
        {
            entry.moved = now;
            self.effects.push_back(Effect::Alarm { task, alarm: Alarm::Stuck(agent) });
        }
    }

    /// Some have not been heard of in time.
    pub(super) fn lapse_lease(&mut self, task: TaskId) {
        let (now, cool_until) = (self.now, self.now + self.patience.cool_down);
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let Some(leader) = entry.taken().first().copied() else { return };
        let lapsed = entry.taken().iter().filter(|taken| taken.until <= now);
        let lapsed: Vec<AgentId> = lapsed.map(|taken| taken.agent).collect();
        if lapsed.is_empty() {
            return;
        }
        if !entry.is_loaded() {
            entry.cooling.extend(lapsed.into_iter().map(|agent| (agent, cool_until)));
            self.withdraw(task, Reason::Lapsed);
            return;
        }
        if leader.until + self.patience.carrier <= now {
            self.hand_over(task, Reason::Lapsed);
            return;
        }
        if leader.until <= now && !std::mem::replace(&mut entry.is_silent, true) {
            let alarm = Alarm::CarrierSilent(leader.agent);
            self.effects.push_back(Effect::Alarm { task, alarm });
        }
        for agent in lapsed.into_iter().filter(|agent| *agent != leader.agent) {
            self.leave_crew(agent, task);
        }
    }

    /// Somebody of a crew is not there any more, but a load is on board: whoever has it goes on.
    pub(super) fn leave_crew(&mut self, agent: AgentId, task: TaskId) {
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        if let Phase::Running(taken) = &mut entry.phase {
            taken.retain(|taken| taken.agent != agent);
        }
        let token = entry.token();
        self.give_free(agent, task);
        self.effects.push_back(Effect::Withdraw { agent, token });
        self.effects.push_back(Effect::Alarm { task, alarm: Alarm::CrewIncomplete });
    }

    /// Takes a task from whoever is on its way to it: somebody else would be there much sooner.
    pub(super) fn pass_on(&mut self, task: TaskId) {
        let cool_until = self.now + self.patience.cool_down;
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        entry.stays_until = cool_until;
        self.withdraw(task, Reason::Sooner);
        self.review(task);
    }

    /// Takes a task away from all who have it or were asked. Those who may still act on it must confirm, or their leases
    /// lapse, before it is offered again.
    pub(super) fn withdraw(&mut self, task: TaskId, reason: Reason) {
        self.dismiss(task);
        self.effects.push_back(Effect::Withdrawn { task, reason });
        self.reopen(task);
    }

    /// Those who have a task or were asked have it no more.
    fn dismiss(&mut self, task: TaskId) {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let (token, acts) = (entry.token(), !matches!(entry.phase, Phase::Offered(_)));
        let taken = entry.taken().to_vec();
        entry.phase = Phase::Open;
        if acts {
            let acting = taken.iter().filter(|taken| now < taken.until);
            let former =
                acting.map(|taken| Former { agent: taken.agent, award: token.award, until: taken.until });
            entry.former.extend(former);
        }
        for Taken { agent, until, .. } in taken {
            // Whoever has stopped by itself need not be told.
            if until != FleetTime::ZERO {
                self.effects.push_back(Effect::Withdraw { agent, token });
            }
            self.give_free(agent, task);
        }
    }

    /// People fetch the load from whoever has it, and do the rest.
    pub(super) fn hand_over(&mut self, task: TaskId, reason: Reason) {
        let Some(from) = self.tasks.get(&task).and_then(Entry::leader) else { return };
        let at = self.place_of(from);
        self.dismiss(task);
        if let Some(member) = self.agents.get_mut(&from) {
            member.waits_for_fetch.insert(task);
        }
        self.note_freedom(from);
        if let Some(entry) = self.tasks.get_mut(&task) {
            entry.hand_over(from, at, reason == Reason::Lapsed);
        }
        self.effects.push_back(Effect::Withdrawn { task, reason });
        self.effects.push_back(Effect::HandOver { task, from, at });
        self.reopen(task);
    }

    pub(super) fn unwelcome(&mut self, task: TaskId) -> Result<(), EventError> {
        let entry = self.tasks.get_mut(&task).ok_or(EventError::NotOpen { task })?;
        let is_robot =
            |taken: &Taken| self.agents.get(&taken.agent).is_some_and(|member| !member.kind.is_person());
        let robots: Vec<AgentId> =
            entry.taken().iter().filter(|taken| is_robot(taken)).map(|taken| taken.agent).collect();
        let has_robot = !robots.is_empty();
        entry.robots = Robots::Unwelcome;
        match &entry.phase {
            Phase::Running(_) | Phase::Resuming(_) if has_robot && entry.is_loaded() => {
                if entry.leader().is_some_and(|leader| robots.contains(&leader)) {
                    self.hand_over(task, Reason::Unwelcome);
                } else {
                    entry.close_to_robots();
                    for robot in robots {
                        self.leave_crew(robot, task);
                    }
                }
            }
            Phase::Offered(_) | Phase::Running(_) if has_robot => {
                entry.close_to_robots();
                self.withdraw(task, Reason::Unwelcome);
            }
            Phase::Held
            | Phase::Open
            | Phase::Offered(_)
            | Phase::Running(_)
            | Phase::Resuming(_)
            | Phase::Closing(_) => entry.close_to_robots(),
        }
        self.is_due = true;
        self.review(task);
        Ok(())
    }

    pub(super) fn cancel(&mut self, task: TaskId) -> Result<(), EventError> {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else {
            let is_over = self.cancelled.contains(task.0);
            return if is_over { Ok(()) } else { Err(EventError::NotOpen { task }) };
        };
        if matches!(entry.phase, Phase::Closing(_)) || entry.is_cancelling {
            return Ok(());
        }
        if matches!(entry.phase, Phase::Offered(_)) {
            // Nobody acts on an offer.
            self.withdraw(task, Reason::Cancelled);
        }
        let Some(entry) = self.tasks.get_mut(&task) else { return Ok(()) };
        let is_acted_on = entry.is_running() || !entry.is_left(now);
        if !is_acted_on && entry.step == 0 {
            self.end(task, false, None);
            let decision = Some(self.keep(Undoable::Cancel(task)));
            self.effects.push_back(Effect::Cancelled { decision, task });
            return Ok(());
        }
        let token = entry.token();
        let mut taken = entry.taken().to_vec();
        for taken in taken.iter_mut().filter(|taken| taken.until != FleetTime::ZERO) {
            taken.answered = false;
            self.effects.push_back(Effect::Withdraw { agent: taken.agent, token });
        }
        entry.clock.stop(now);
        entry.phase = Phase::Closing(taken);
        self.open.remove(&entry.number);
        self.review(task);
        Ok(())
    }

    /// Goes on with a cancellation as soon as nobody acts on the task any more: over, or its last steps.
    pub(super) fn close(&mut self, task: TaskId) {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let mut until = entry.taken().iter().map(|taken| taken.until);
        if until.any(|until| now < until) || !entry.is_left(now) {
            return;
        }
        let leader = entry.taken().first().copied();
        let carries = entry.is_loaded();
        if !entry.cancel_steps() {
            self.end(task, false, leader.map(|leader| leader.agent));
            self.effects.push_back(Effect::Cancelled { decision: None, task });
            return;
        }
        let is_permitted = |agent: AgentId| carries || entry.permits(agent, true);
        let robots = entry.robots;
        let stays = leader.filter(|leader| {
            leader.answered
                && is_permitted(leader.agent)
                && self
                    .agents
                    .get(&leader.agent)
                    .is_some_and(|member| member.takes_tasks && member.is_welcome(robots))
        });
        match stays {
            Some(leader) => self.carry_on(leader.agent, task),
            None if carries => self.hand_over(task, Reason::Cancelled),
            None => self.withdraw(task, Reason::Cancelled),
        }
    }

    /// Whoever had a task goes on with it, alone and under another award.
    fn carry_on(&mut self, agent: AgentId, task: TaskId) {
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let lease = self.agents.get(&agent).map(|member| member.lease(&self.patience, entry.step()));
        let until = self.now + lease.unwrap_or_default();
        entry.moved = self.now;
        let others: Vec<AgentId> = entry.taken().iter().skip(1).map(|taken| taken.agent).collect();
        entry.awards = entry.awards.saturating_add(1);
        entry.remember(agent);
        entry.phase = Phase::Running(vec![Taken { agent, until, answered: true }]);
        let token = entry.token();
        self.effects.push_back(Effect::Begin { agent, token, until });
        for other in others {
            self.give_free(other, task);
        }
    }
}
