//! Tasks: from request to done, with people where robots cannot.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use sheepdog_core::{
    AgentId, FleetTime, Micros, RuleId, TaskId, WaypointId,
    wire::{Action, Perform, StepToken, ToAgent},
};
use sheepdog_dispatch::{
    Agent, AgentKind, Availability, DSP_009, Decision, Gate, Outcome, Performers, Refusal, Step, Task, Trips,
    decide_with,
};
use sheepdog_map::travel::{NominalWaits, TravelProfile, travel_times_to};

use crate::{
    fleet::Fleet,
    input::{InputError, Output, TaskRequest},
    record::Record,
    reverting::Decided,
    rules,
    state::{AgentState, Errand, Phase, RobotState, Standing, TaskState},
};

/// How long a person takes to fetch a load from a robot that dropped out.
const HAND_OVER: Micros = Micros::from_secs(30);
/// Tasks of one rank that are compared with each other; more are taken in the order in which they were asked for.
const EQUALS_MAX: usize = 64;
/// What it is expected to cost to find another agent at a place.
const MEETING: Micros = Micros::from_secs(10);

/// A task and what was decided about it.
struct Offer {
    task: Task,
    decision: Decision,
}

impl Offer {
    /// What comes first among equals, in microseconds; `None` when nobody can do it.
    ///
    /// Near ones, because an agent that is there already is in nobody's way; those at places for which nobody is
    /// bound; and long ones, because what is begun last should not take long.
    fn cost(&self, bound: &BTreeMap<WaypointId, i64>) -> Option<i64> {
        let bid = self.decision.bids.first()?;
        let micros = |time: Micros| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let meetings = self.task.steps.iter().filter_map(|step| bound.get(&step.place)).sum::<i64>();
        let work = bid.finish.saturating_sub(bid.arrival);
        let cost = micros(bid.arrival).saturating_add(micros(MEETING).saturating_mul(meetings));
        Some(cost.saturating_sub(micros(work) / 2))
    }
}

impl Fleet {
    /// Accepts a request, or refuses it naming the field. A name seen before is the task it named then.
    pub(crate) fn request(&mut self, request: TaskRequest) -> Result<(), InputError> {
        let content = digest(&request);
        if let Some(&(task, known)) = self.state.names.get(&request.name) {
            let name = request.name;
            return if known == content { Ok(()) } else { Err(InputError::NameTaken { name, task }) };
        }
        let id = TaskId(self.state.next_task);
        let name = request.name.clone();
        let task = request.into_task(id, self.state.now);
        task.check(&self.site).map_err(|error| InputError::Task { name: name.clone(), error })?;
        self.state.next_task += 1;
        self.record(&Record::Accepted { task: id, name: name.clone() });
        self.state.names.insert(name, (id, content));
        self.state.open.insert(id);
        self.state.tasks.insert(id, TaskState::new(task));
        self.state.dispatch_due = true;
        Ok(())
    }

    /// Offers every waiting task to the agents: urgent ones first, then old ones, and equals as it suits the whole.
    /// Returns whether there was a reason to.
    pub(crate) fn dispatch(&mut self) -> bool {
        if !std::mem::take(&mut self.state.dispatch_due) {
            return false;
        }
        let mut waiting: Vec<(std::cmp::Reverse<u8>, FleetTime, TaskId)> = self
            .state
            .open
            .iter()
            .filter_map(|id| self.state.tasks.get(id))
            .filter(|task| task.phase == Phase::Pending)
            .map(|task| (std::cmp::Reverse(task.task.priority), task.task.requested, task.task.id))
            .collect();
        waiting.sort_unstable();
        let equals = waiting.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1));
        for batch in equals.flat_map(|equals| equals.chunks(EQUALS_MAX)) {
            // Nobody is left to ask: what still waits will be looked at when somebody is.
            if !self.is_anybody_free() {
                break;
            }
            self.offer_equals(batch.iter().map(|(_, _, id)| *id).collect());
        }
        self.send_to_chargers();
        true
    }

    /// Offers tasks of one rank: again and again the one that comes first by [`Offer::cost`].
    fn offer_equals(&mut self, mut ids: Vec<TaskId>) {
        let mut offers: BTreeMap<TaskId, Offer> = BTreeMap::new();
        while self.is_anybody_free() {
            ids.retain(|id| offers.contains_key(id) || self.gates_are_open(*id));
            let candidates = self.candidates();
            let is_free = |agent: &&Agent| agent.availability == Availability::Available;
            let free: Vec<Agent> = candidates.iter().filter(is_free).cloned().collect();
            for &id in &ids {
                if !offers.contains_key(&id) {
                    // Tasks that somebody can do are compared by bids; why the others cannot matters only to the rest.
                    let offer = self.offer(id, &free).filter(|offer| !offer.decision.bids.is_empty());
                    let offer = offer.or_else(|| self.offer(id, &candidates));
                    offers.extend(offer.map(|offer| (id, offer)));
                }
            }
            let bound = self.bound_for();
            let first = offers.iter().filter_map(|(id, offer)| Some((offer.cost(&bound)?, *id))).min();
            let Some((_, id)) = first else { break };
            ids.retain(|other| *other != id);
            offers.remove(&id);
            // What is written down is decided on what is known now, not when the offers were first compared.
            let offer = self.offer(id, &candidates);
            let Some(agent) = offer.and_then(|offer| self.accept(offer, candidates)) else { continue };
            // Whoever counted on this agent needs another one.
            offers.retain(|_, offer| offer.decision.bids.iter().all(|bid| bid.agent != agent));
        }
        let waiting = offers.iter().filter(|(_, offer)| offer.decision.bids.is_empty());
        let waiting: Vec<TaskId> = waiting.map(|(id, _)| *id).collect();
        if !waiting.is_empty() {
            // Others have been awarded tasks since these were looked at.
            let candidates = self.candidates();
            for id in waiting {
                let offer = self.offer(id, &candidates).filter(|offer| offer.decision.bids.is_empty());
                if let Some(offer) = offer {
                    self.note_waiting(offer, &candidates);
                }
            }
        }
    }

    fn is_anybody_free(&self) -> bool {
        self.state.agents.values().any(|agent| self.availability(agent) == Availability::Available)
    }

    /// How many agents are bound for each place.
    fn bound_for(&self) -> BTreeMap<WaypointId, i64> {
        let mut bound = BTreeMap::new();
        for token in self.state.agents.values().filter_map(|agent| agent.job) {
            let Some(task) = self.state.tasks.get(&token.task) else { continue };
            for step in task.task.steps.iter().skip(task.step as usize) {
                *bound.entry(step.place).or_insert(0) += 1;
            }
        }
        bound
    }

    /// All agents as candidates.
    fn candidates(&self) -> Vec<Agent> {
        self.state.agents.values().map(|agent| self.candidate(agent)).collect()
    }

    /// What the agents answer to a task now.
    fn offer(&mut self, id: TaskId, candidates: &[Agent]) -> Option<Offer> {
        let mut task = self.state.tasks.get(&id).map(TaskState::remaining)?;
        let performers = task.performers.clone();
        if performers == Performers::RobotsFirst {
            task.performers = Performers::RobotsOnly;
        }
        let mut decision = self.decide(&task, candidates);
        if performers == Performers::RobotsFirst
            && decision.outcome.agent().is_none()
            && !self.is_worth_waiting(&task, &decision)
        {
            task.performers = performers;
            decision = self.decide(&task, candidates);
        }
        Some(Offer { task, decision })
    }

    /// Awards a task as decided, and returns to whom.
    fn accept(&mut self, offer: Offer, candidates: Vec<Agent>) -> Option<AgentId> {
        match offer.decision.outcome {
            Outcome::Award { agent, .. } => {
                self.award(offer, candidates, agent, false);
                Some(agent)
            }
            Outcome::AskPerson { agent, .. } => {
                self.award(offer, candidates, agent, true);
                Some(agent)
            }
            Outcome::None { .. } => {
                self.note_waiting(offer, &candidates);
                None
            }
        }
    }

    fn decide(&mut self, task: &Task, candidates: &[Agent]) -> Decision {
        let waits = NominalWaits(&self.site);
        let mut trips = Trips::new(&self.site, &waits).with_memo(std::mem::take(&mut self.trips));
        let decision = decide_with(&mut trips, task, candidates, self.state.now);
        self.trips = trips.into_memo();
        decision
    }

    /// Whether a robot that cannot now may do the task later, and the task has not waited too long for one.
    fn is_worth_waiting(&self, task: &Task, decision: &Decision) -> bool {
        let waited = self.state.now.since(task.requested).unwrap_or_default();
        let robot = |refusal: &&Refusal| self.agent(refusal.agent).is_some_and(|agent| agent.robot.is_some());
        waited < self.config.people_after && decision.refusals.iter().filter(robot).any(Refusal::may_pass)
    }

    fn award(&mut self, offer: Offer, candidates: Vec<Agent>, agent: AgentId, ask: bool) {
        let Offer { task: offered, decision } = offer;
        let now = self.state.now;
        let id = offered.id;
        let until = now + self.config.answer_within;
        let Some(task) = self.state.tasks.get_mut(&id) else { return };
        task.awards = task.awards.saturating_add(1);
        task.waiting = None;
        task.phase =
            if ask { Phase::Asked { agent, until } } else { Phase::Travelling { agent, since: now } };
        let token = StepToken { task: id, award: task.awards, step: task.step };
        let award = task.awards;
        let step = task.task.steps.get(task.step as usize).cloned();
        let (task, decision) = (Box::new(offered), Box::new(decision));
        let decided = Decided::Award { task: id, award, step: token.step };
        self.record_decision(&Record::Awarded { award, task, decision, candidates }, decided);
        if let Some(state) = self.state.agents.get_mut(&agent) {
            state.job = Some(token);
            state.errand = Errand::None;
        }
        self.state.planning.due = true;
        if let (true, Some(step)) = (ask, step) {
            self.output(Output::ToAgent { agent, message: ToAgent::Ask(order(token, &step)) });
        }
    }

    fn note_waiting(&mut self, offer: Offer, candidates: &[Agent]) {
        let Offer { task: offered, decision } = offer;
        let id = offered.id;
        let permanent = !decision.refusals.iter().any(Refusal::may_pass);
        let reasons: Vec<(AgentId, RuleId)> =
            decision.refusals.iter().map(|refusal| (refusal.agent, refusal.rule)).collect();
        let Some(task) = self.state.tasks.get_mut(&id) else { return };
        if task.waiting.as_ref() == Some(&reasons) {
            return;
        }
        task.waiting = Some(reasons);
        let alert = permanent && !task.alerted;
        task.alerted = permanent;
        let name = task.task.name.clone();
        let (task, decision) = (Box::new(offered), Box::new(decision));
        self.record(&Record::Waiting { task, decision, candidates: candidates.to_vec() });
        if alert {
            let text = format!("no agent of this fleet can do task {name:?}; it stays open");
            self.alert(rules::NOBODY, None, Some(id), text);
        }
    }

    /// An agent as a candidate: its profile with today's availability.
    fn candidate(&self, agent: &AgentState) -> Agent {
        Agent { availability: self.availability(agent), ..agent.profile.clone() }
    }

    fn availability(&self, agent: &AgentState) -> Availability {
        let now = self.state.now;
        let charging = match (agent.errand, &agent.profile.battery) {
            (Errand::Charge(_), Some(battery)) => battery.charge < self.config.charge_until,
            (Errand::Charge(_) | Errand::None, _) => false,
        };
        match agent.standing {
            Standing::Silent | Standing::Lost => return Availability::Silent,
            Standing::Failed => return Availability::Failed,
            Standing::Removed => return Availability::Removed,
            Standing::Well => {}
        }
        if self.is_awaited(agent) {
            return Availability::Stopped { rule: rules::CUSTODY };
        }
        if let Some(token) = agent.job {
            return Availability::Busy { task: token.task };
        }
        if let Some(until) = agent.declined_until.filter(|until| now < *until) {
            return Availability::Declined { until };
        }
        if self.is_stopped(agent.profile.id) {
            return Availability::Stopped { rule: rules::STOP_ORDERED };
        }
        if let Some(rule) = self.awards_nothing_to(agent) {
            return Availability::Stopped { rule };
        }
        if charging && self.is_low(agent) {
            return Availability::Stopped { rule: rules::CHARGE };
        }
        Availability::Available
    }

    fn is_low(&self, agent: &AgentState) -> bool {
        agent.profile.battery.as_ref().is_some_and(|battery| battery.charge < self.config.charge_below)
    }

    /// Sends idle robots that run low to the nearest charger that nobody is bound for.
    fn send_to_chargers(&mut self) {
        let taken: BTreeSet<WaypointId> = self
            .state
            .agents
            .values()
            .filter_map(|agent| match agent.errand {
                Errand::Charge(at) => Some(at),
                Errand::None => None,
            })
            .collect();
        let low = |agent: &&AgentState| {
            agent.job.is_none()
                && agent.errand == Errand::None
                && agent.standing == Standing::Well
                && agent.robot.is_some()
                && self.is_low(agent)
                && !self.is_awaited(agent)
                && self.awards_nothing_to(agent).is_none()
        };
        let Some(agent) = self.state.agents.values().find(low) else { return };
        let id = agent.profile.id;
        let Some(charger) = self.nearest_charger(&agent.profile, &taken) else { return };
        if let Some(state) = self.state.agents.get_mut(&id) {
            state.errand = Errand::Charge(charger);
            self.state.planning.due = true;
            self.agent_note(id, rules::CHARGE, format!("goes to charge at {charger}"));
        }
    }

    fn nearest_charger(&self, agent: &Agent, taken: &BTreeSet<WaypointId>) -> Option<WaypointId> {
        let claims = self.site.classes().get(agent.class?)?;
        let waits = NominalWaits(&self.site);
        let profile = TravelProfile { speed: agent.speed, class: agent.class };
        let way = |to: WaypointId| travel_times_to(&self.site, profile, &waits, to).from(agent.at);
        (0_u32..)
            .map(WaypointId)
            .zip(self.site.waypoints())
            .filter(|(id, waypoint)| waypoint.roles.charger && !taken.contains(id) && claims.may_stop(*id))
            .filter_map(|(id, _)| Some((way(id)?, id)))
            .min()
            .map(|(_, id)| id)
    }

    /// Lets robots that have arrived, or one of them, begin their step once its gates are open.
    pub(crate) fn advance_steps(&mut self, only: Option<AgentId>) {
        let arrived: Vec<(AgentId, StepToken)> = self
            .agents(only)
            .filter(|(_, agent)| agent.robot.as_ref().is_some_and(RobotState::is_at_end))
            .filter_map(|(id, agent)| Some((*id, agent.profile.at, agent.job?)))
            .filter(|&(id, at, token)| self.waits_to_begin(id, at, token))
            .map(|(id, _, token)| (id, token))
            .collect();
        for (agent, token) in arrived {
            self.begin_step(agent, token);
        }
    }

    /// Whether an agent that has come to rest at `at` is to begin its step there.
    fn waits_to_begin(&self, agent: AgentId, at: WaypointId, token: StepToken) -> bool {
        let Some(task) = self.state.tasks.get(&token.task) else { return false };
        let travelling = matches!(task.phase, Phase::Travelling { agent: on_it, .. } if on_it == agent);
        travelling && task.task.steps.get(task.step as usize).is_some_and(|step| step.place == at)
    }

    fn begin_step(&mut self, agent: AgentId, token: StepToken) {
        let parks = self.agent(agent).is_some_and(|state| self.parks_for(agent, state).is_some());
        if parks || !self.gates_are_open(token.task) {
            return;
        }
        let now = self.state.now;
        let Some(task) = self.state.tasks.get_mut(&token.task) else { return };
        let Some(step) = task.task.steps.get(task.step as usize).cloned() else { return };
        task.phase = Phase::Performing { agent, since: now };
        // Unless the plan knows of the work, it may send the robot away.
        self.state.planning.due |= !self.executor.is_visiting(agent);
        self.state.peripherals_due = true;
        self.record(&Record::StepStarted { agent, token });
        self.output(Output::ToAgent { agent, message: ToAgent::Perform(order(token, &step)) });
    }

    /// An agent says that it has done a step. Where a machine does it, the machine's word counts ([`rules::SERVED`]).
    pub(crate) fn performed(&mut self, agent: AgentId, token: StepToken) {
        if self.machine_of(agent, token).is_none() {
            self.step_done(agent, token);
        }
    }

    /// A finished step, proven by the token of the award in force. Anything else is a latecomer and harmless.
    pub(crate) fn step_done(&mut self, agent: AgentId, token: StepToken) {
        let now = self.state.now;
        if self.agent(agent).and_then(|agent| agent.job) != Some(token) {
            return;
        }
        let phase = self.state.tasks.get(&token.task).map(|task| task.phase);
        let performs = matches!(phase, Some(Phase::Performing { agent: on_it, .. }) if on_it == agent);
        if !performs {
            return;
        }
        let Some(task) = self.state.tasks.get_mut(&token.task) else { return };
        match task.task.steps.get(task.step as usize).map(|step| step.action) {
            Some(Action::Load) => {
                task.loaded = Some(agent);
                task.custody = false;
                for other in self.state.agents.values_mut().filter(|other| other.burden == Some(token.task)) {
                    other.burden = None;
                    // It was planned around until now.
                    self.state.planning.due = true;
                }
            }
            Some(Action::Unload) => task.loaded = None,
            Some(Action::Attend) | None => {}
        }
        task.step += 1;
        let next = StepToken { step: task.step, ..token };
        let over = task.task.steps.len() <= task.step as usize;
        task.phase = if over { Phase::Done { agent } } else { Phase::Travelling { agent, since: now } };
        self.record(&Record::StepDone { agent, token });
        if let Some(state) = self.state.agents.get_mut(&agent) {
            state.job = (!over).then_some(next);
        }
        self.state.grants_due |= self.executor.work_done(agent);
        if let Some(open) = &mut self.state.planning.open {
            open.finished.push(agent);
        }
        // What was in somebody's way may be on its own way now.
        self.state.planning.due |= !self.state.planning.unserved.is_empty();
        if over {
            self.state.open.remove(&token.task);
            self.state.dispatch_due = true;
            self.record(&Record::Done { task: token.task, agent });
        } else {
            self.send_person_on(agent, next);
        }
        self.check_course(agent);
    }

    /// A person goes from step to step without a release.
    fn send_person_on(&mut self, agent: AgentId, token: StepToken) {
        if self.gates_are_open(token.task) {
            self.send_person(agent, token);
        }
    }

    fn send_person(&mut self, agent: AgentId, token: StepToken) {
        if self.agent(agent).is_none_or(|agent| agent.robot.is_some()) {
            return;
        }
        let now = self.state.now;
        let Some(task) = self.state.tasks.get_mut(&token.task) else { return };
        let Some(step) = task.task.steps.get(task.step as usize).cloned() else { return };
        task.phase = Phase::Performing { agent, since: now };
        self.record(&Record::StepStarted { agent, token });
        self.output(Output::ToAgent { agent, message: ToAgent::Perform(order(token, &step)) });
    }

    /// A person's answer to a question.
    pub(crate) fn answer(&mut self, agent: AgentId, token: StepToken, accepted: bool) {
        let now = self.state.now;
        let Some(task) = self.state.tasks.get_mut(&token.task) else { return };
        let asked = matches!(task.phase, Phase::Asked { agent: asked, .. } if asked == agent);
        if !asked || task.awards != token.award {
            if self.agent(agent).and_then(|agent| agent.job) != Some(token) {
                // Nobody waits for this answer any more, and the person must know.
                self.output(Output::ToAgent { agent, message: ToAgent::Withdraw(token) });
            }
            return;
        }
        if accepted {
            task.phase = Phase::Travelling { agent, since: now };
            // The gates were open when the person was asked; that is what the person was asked for.
            self.send_person(agent, token);
        } else {
            self.decline(agent, token.task);
        }
    }

    fn decline(&mut self, agent: AgentId, task: TaskId) {
        let until = self.state.now + self.config.decline_cool_down;
        if let Some(state) = self.state.agents.get_mut(&agent) {
            state.job = None;
            state.declined_until = Some(until);
        }
        if let Some(task) = self.state.tasks.get_mut(&task) {
            task.phase = Phase::Pending;
        }
        self.state.dispatch_due = true;
        self.record(&Record::Withdrawn { task, agent, rule: DSP_009, custody: None });
    }

    pub(crate) fn person_moved(&mut self, agent: AgentId, at: WaypointId) {
        if self.site.waypoint(at).is_none() {
            return;
        }
        if let Some(state) = self.state.agents.get_mut(&agent).filter(|agent| agent.robot.is_none()) {
            state.profile.at = at;
        }
    }

    /// Questions lapse, gates are looked at again, slow people are reported.
    pub(crate) fn watch_people(&mut self) {
        let now = self.state.now;
        let open: Vec<TaskId> = self.state.open.iter().copied().collect();
        for id in open {
            let Some(task) = self.state.tasks.get(&id) else { continue };
            match task.phase {
                Phase::Asked { agent, until } if until <= now => {
                    let token = StepToken { task: id, award: task.awards, step: task.step };
                    self.output(Output::ToAgent { agent, message: ToAgent::Withdraw(token) });
                    self.decline(agent, id);
                }
                Phase::Travelling { agent, since } => {
                    if let Some(token) = self.agent(agent).and_then(|agent| agent.job) {
                        self.send_person_on(agent, token);
                    }
                    self.watch_step(agent, id, since);
                }
                Phase::Performing { agent, since } => self.watch_step(agent, id, since),
                Phase::Asked { .. } | Phase::Pending | Phase::Done { .. } | Phase::Cancelled => {}
            }
        }
    }

    /// A step that takes too long is reported once; a person's task then goes to somebody else.
    fn watch_step(&mut self, agent: AgentId, id: TaskId, since: FleetTime) {
        let Some(task) = self.state.tasks.get_mut(&id) else { return };
        let work = task.task.steps.get(task.step as usize).map_or(Micros::ZERO, |step| step.duration);
        let limit = self.config.person_step_within.saturating_add(work);
        let late = self.state.now.since(since).is_some_and(|waited| limit < waited);
        if !late || task.late == Some((task.awards, task.step)) {
            return;
        }
        task.late = Some((task.awards, task.step));
        let text = format!("{} has not finished a step in time", self.name(agent));
        self.alert(rules::LATE, Some(agent), Some(id), text);
        if self.agent(agent).is_some_and(|agent| agent.robot.is_none()) {
            self.withdraw_from(agent, rules::LATE);
        }
    }

    /// Repeats to every working agent what it is to do, in case it was lost on the way.
    pub(crate) fn repeat_orders(&mut self) {
        let orders: Vec<(AgentId, ToAgent)> = self
            .state
            .open
            .iter()
            .filter_map(|id| self.state.tasks.get(id))
            .filter_map(|task| {
                let agent = task.phase.agent()?;
                let step = task.task.steps.get(task.step as usize)?;
                let token = StepToken { task: task.task.id, award: task.awards, step: task.step };
                match task.phase {
                    Phase::Asked { .. } => Some((agent, ToAgent::Ask(order(token, step)))),
                    Phase::Performing { .. } => Some((agent, ToAgent::Perform(order(token, step)))),
                    Phase::Pending | Phase::Travelling { .. } | Phase::Done { .. } | Phase::Cancelled => None,
                }
            })
            .collect();
        for (agent, message) in orders {
            self.output(Output::ToAgent { agent, message });
        }
    }

    /// Takes its task from an agent that dropped out. A load on board is fetched by a person.
    pub(crate) fn withdraw_from(&mut self, agent: AgentId, rule: RuleId) {
        let Some(state) = self.state.agents.get_mut(&agent) else { return };
        let place = state.profile.at;
        let Some(token) = state.job else { return };
        let standing = state.standing;
        let Some(task) = self.state.tasks.get_mut(&token.task) else { return };
        let custody = task.loaded == Some(agent);
        if custody && standing == Standing::Silent {
            // It may come back with the load; only when it is lost does a person go and look.
            return;
        }
        if let Some(state) = self.state.agents.get_mut(&agent) {
            state.job = None;
        }
        task.phase = Phase::Pending;
        if custody {
            task.hand_over_at(place);
            if let Some(state) = self.state.agents.get_mut(&agent) {
                state.burden = Some(token.task);
            }
        }
        self.state.dispatch_due = true;
        self.state.planning.due = true;
        self.state.peripherals_due = true;
        let custody = custody.then_some(place);
        self.record(&Record::Withdrawn { task: token.task, agent, rule, custody });
        self.output(Output::ToAgent { agent, message: ToAgent::Withdraw(token) });
    }

    pub(crate) fn cancel(&mut self, id: TaskId) -> Result<(), InputError> {
        let task = self.state.tasks.get_mut(&id).ok_or(InputError::UnknownTask(id))?;
        let refused = |reason| Err(InputError::TaskState { task: id, command: "cancelled", reason });
        if task.phase.is_over() {
            return refused("it is over");
        }
        if task.loaded.is_some() || task.custody {
            return refused("its load is under way and must be handed over first");
        }
        let agent = task.phase.agent();
        let token = StepToken { task: id, award: task.awards, step: task.step };
        task.phase = Phase::Cancelled;
        self.state.open.remove(&id);
        if let Some(agent) = agent {
            if let Some(state) = self.state.agents.get_mut(&agent) {
                state.job = None;
            }
            self.output(Output::ToAgent { agent, message: ToAgent::Withdraw(token) });
        }
        self.state.planning.due = true;
        self.state.dispatch_due = true;
        self.state.peripherals_due = true;
        self.record_decision(&Record::Cancelled { task: id }, Decided::Cancellation(id));
        Ok(())
    }

    /// Looks at the gates of a task's next step and writes down a change.
    fn gates_are_open(&mut self, id: TaskId) -> bool {
        let now = self.state.now;
        let Some(task) = self.state.tasks.get(&id) else { return false };
        let step = task.step;
        let Some(current) = task.task.steps.get(step as usize) else { return false };
        if current.gates.is_empty() {
            return true;
        }
        let checked: Result<Vec<_>, _> = current
            .gates
            .iter()
            .map(|gate| {
                let approval = match gate {
                    Gate::Approved { role } => task.approvals.get(&(step, role.clone())).copied(),
                    Gate::Consistent { .. } | Gate::Fact { .. } => None,
                };
                self.state.facts.check_with_approval(gate, approval, now)
            })
            .collect();
        let Some(task) = self.state.tasks.get_mut(&id) else { return false };
        match checked {
            Ok(evidence) => {
                if task.gate.replace((step, None)) != Some((step, None)) {
                    self.record(&Record::GateOpened { task: id, step, evidence });
                }
                true
            }
            Err(closed) => {
                let change = (step, Some(closed.rule));
                if task.gate.replace(change) != Some(change) {
                    // Whoever waits for the gate makes room for others.
                    self.state.planning.due |= task.phase.agent().is_some();
                    self.record(&Record::GateClosed {
                        task: id,
                        step,
                        rule: closed.rule,
                        detail: closed.detail,
                    });
                }
                false
            }
        }
    }
}

impl TaskState {
    fn new(task: Task) -> Self {
        Self {
            task,
            phase: Phase::Pending,
            awards: 0,
            step: 0,
            loaded: None,
            custody: false,
            waiting: None,
            approvals: BTreeMap::new(),
            gate: None,
            late: None,
            alerted: false,
        }
    }

    /// From here on the task is a person's: fetch the load at `place`, then finish what remains.
    fn hand_over_at(&mut self, place: WaypointId) {
        self.loaded = None;
        self.custody = true;
        self.task.performers =
            Performers::PeopleOnly(BTreeSet::from([AgentKind::Technician, AgentKind::Nurse]));
        let shifted = |(step, role): (u32, String)| (if step < self.step { step } else { step + 1 }, role);
        self.approvals = std::mem::take(&mut self.approvals)
            .into_iter()
            .map(|(key, actor)| (shifted(key), actor))
            .collect();
        let fetch = Step { place, action: Action::Load, duration: HAND_OVER, gates: Vec::new() };
        self.task.steps.insert(self.step as usize, fetch);
    }

    /// The task as it is offered: without the steps that are done.
    fn remaining(&self) -> Task {
        let mut task = self.task.clone();
        task.steps.drain(..(self.step as usize).min(task.steps.len()));
        task
    }
}

/// What a request asks for, to tell a repetition from a clash of names.
fn digest(request: &TaskRequest) -> [u8; 32] {
    // A request that cannot be encoded is one of its own kind.
    Sha256::digest(postcard::to_allocvec(request).unwrap_or_default()).into()
}

fn order(token: StepToken, step: &Step) -> Perform {
    Perform { token, action: step.action, place: step.place, duration: step.duration }
}
