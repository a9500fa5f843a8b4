//! Operator inputs: who may do what, and the stop that bypasses every queue.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use sheepdog_core::{
    AgentId, Micros, StopCategory, StopGeneration, TaskId, WaypointId,
    wire::{Motion, ResetOrder, ResetStep, StopOrder, StopScope, ToAgent},
};

use crate::{
    config::Role,
    fleet::Fleet,
    input::{Actor, InputError, OperatorCommand, Output},
    record::Record,
    reverting::Decided,
    rules,
    state::{ActiveStop, RobotState, Standing},
};

impl OperatorCommand {
    const fn name(&self) -> &'static str {
        match self {
            Self::Stop { .. } => "stop",
            Self::Reset { .. } => "reset a stop",
            Self::Cancel { .. } => "cancel a task",
            Self::Approve { .. } => "approve a step",
            Self::Remove { .. } => "remove a robot",
            Self::Resume { .. } => "resume a robot",
            Self::Recover { .. } => "recover a robot",
            Self::EndFireAlarm { .. } => "end a fire alarm",
            Self::Revert { .. } => "revert a decision",
        }
    }

    /// Which roles may give the command. Stopping is everybody's.
    const fn is_allowed_to(&self, role: Role) -> bool {
        match (self, role) {
            (Self::Stop { .. }, Role::Operator | Role::Technician | Role::Staff)
            | (
                Self::Reset { .. }
                | Self::Remove { .. }
                | Self::Resume { .. }
                | Self::Recover { .. }
                | Self::EndFireAlarm { .. },
                Role::Operator | Role::Technician,
            )
            | (Self::Cancel { .. } | Self::Revert { .. }, Role::Operator)
            | (Self::Approve { .. }, Role::Operator | Role::Staff) => true,
            (
                Self::Reset { .. }
                | Self::Remove { .. }
                | Self::Resume { .. }
                | Self::Recover { .. }
                | Self::EndFireAlarm { .. },
                Role::Staff,
            )
            | (Self::Cancel { .. } | Self::Revert { .. }, Role::Technician | Role::Staff)
            | (Self::Approve { .. }, Role::Technician) => false,
        }
    }
}

/// Alerts about one stop come at intervals that double so often; after that they come evenly.
const MAX_DOUBLINGS: u32 = 16;

/// A robot that says it knows a stop so far above the newest one of the fleet remembers nonsense: a stop every ten
/// seconds takes five years for that. Its number does not count, or one damaged memory would use up all numbers.
const MEMORY_JUMP_MAX: u32 = 1 << 24;

/// No number is above this one. Whoever knows it may have known it before, so that its acknowledgement proves nothing.
const LAST: StopGeneration = StopGeneration(u32::MAX);

/// What stands in the ledger in place of a secret that was right.
pub(crate) const PROVEN: &[u8] = b"proven";

impl Fleet {
    /// Whether the actor is known in that role and shows the right secret.
    pub(crate) fn is_authentic(&self, actor: &Actor) -> bool {
        let known = self.config.actors.iter().find(|entry| entry.id == actor.id && entry.role == actor.role);
        let proof: [u8; 32] = Sha256::digest(&actor.proof).into();
        known.is_some_and(|entry| entry.proof == proof)
    }

    pub(crate) fn operator(&mut self, actor: &Actor, command: &OperatorCommand) -> Result<(), InputError> {
        if actor.proof != PROVEN {
            return Err(InputError::NotAuthentic(actor.id));
        }
        if !command.is_allowed_to(actor.role) {
            return Err(InputError::NotAllowed {
                actor: actor.id,
                role: actor.role,
                command: command.name(),
            });
        }
        match *command {
            OperatorCommand::Revert { of, ref why } => self.revert(of, why, actor.id),
            OperatorCommand::Stop { scope, category } => {
                self.order_stop(scope, category);
                Ok(())
            }
            OperatorCommand::Reset { generation, step } => self.reset(actor, generation, step),
            OperatorCommand::Cancel { task } => self.cancel(task),
            OperatorCommand::Approve { task, step } => self.approve(actor, task, step),
            OperatorCommand::Remove { agent } => self.remove(agent),
            OperatorCommand::Resume { agent } => self.resume(agent),
            OperatorCommand::Recover { agent, at } => self.recover(agent, at),
            OperatorCommand::EndFireAlarm { scope } => self.end_fire_alarm(scope, actor.id),
        }
    }

    fn order_stop(&mut self, scope: StopScope, category: StopCategory) {
        let order = StopOrder { scope, category, generation: self.next_generation() };
        let members = self.agents_in(scope);
        self.record(&Record::StopOrdered(order));
        for &agent in &members {
            self.output(Output::ToAgent { agent, message: ToAgent::Stop(order) });
        }
        let since = self.state.now;
        self.state.stops.push(ActiveStop { order, since, alerts: 0, reset: None, members });
        self.state.planning.due = true;
    }

    /// A number above every stop that was ordered and every one that a robot knows; [`LAST`] for good when there is none.
    fn next_generation(&mut self) -> StopGeneration {
        let highest = self.state.generation.max(self.state.remembered);
        self.state.generation = StopGeneration(highest.0.saturating_add(1));
        self.state.generation
    }

    /// Takes in the highest stop that a robot says it knows. One that it `remembers` from before its boot, or that was
    /// never ordered, acknowledges nothing: stops in force that it would take for old ones are ordered again.
    pub(crate) fn hear_of_stop(&mut self, agent: AgentId, known: StopGeneration, remembers: bool) {
        let newest = self.state.generation;
        if newest.0.saturating_add(MEMORY_JUMP_MAX) < known.0 {
            let text = format!(
                "{} remembers stop {known}, which nobody can have ordered: no stop reaches it until its memory is \
                 set right",
                self.name(agent)
            );
            self.alert(rules::STOP_NUMBER, Some(agent), None, text);
            return;
        }
        self.state.remembered = self.state.remembered.max(known);
        if remembers || newest < known {
            self.renumber_stops(agent, known);
        }
    }

    /// Orders the stops that hold, and that a robot may take for old ones, again: as new stops, each to be
    /// acknowledged and reset under its new number.
    fn renumber_stops(&mut self, agent: AgentId, remembers: StopGeneration) {
        let (old, mut stops): (Vec<ActiveStop>, Vec<ActiveStop>) =
            std::mem::take(&mut self.state.stops).into_iter().partition(|stop| {
                !stop.is_started() && stop.order.generation <= remembers && stop.order.generation < LAST
            });
        for mut stop in old {
            let was = stop.order.generation;
            let order = StopOrder { generation: self.next_generation(), ..stop.order };
            self.record(&Record::StopRenumbered { was, order, agent, remembers });
            let text = format!(
                "stop {was} is in force as stop {} from now on, because {} remembers stop {remembers}: reset that one",
                order.generation,
                self.name(agent)
            );
            self.alert(rules::STOP_NUMBER, Some(agent), None, text);
            for &agent in &stop.members {
                self.output(Output::ToAgent { agent, message: ToAgent::Stop(order) });
            }
            (stop.order, stop.since, stop.alerts, stop.reset) = (order, self.state.now, 0, None);
            stops.push(stop);
        }
        self.state.stops = stops;
    }

    /// Whether a robot has acknowledged a stop: it knows a number that was ordered, and may not have known it before.
    fn has_acknowledged(&self, robot: &RobotState, generation: StopGeneration) -> bool {
        (generation..=self.state.generation).contains(&robot.stop_ack) && generation < LAST
    }

    /// Whether a stop holds a robot that may be moving and that no number stops for certain: all there is left is to
    /// say nothing to it but that it shall stop, and to ask it for its release.
    pub(crate) fn is_deaf(&self, agent: AgentId) -> bool {
        let holding = self.state.stops.iter().filter(|stop| stop.members.contains(&agent));
        let newest = holding.filter(|stop| !stop.is_started()).map(|stop| stop.order.generation).max();
        let robot = self.agent(agent).and_then(|agent| agent.robot.as_ref());
        let unreachable = |robot: &RobotState| self.state.generation < robot.stop_ack;
        newest.is_some_and(|newest| {
            (newest == LAST || robot.is_some_and(unreachable)) && self.may_move_in_spite_of(agent, newest)
        })
    }

    /// Robots in the area of a stop.
    fn agents_in(&self, scope: StopScope) -> BTreeSet<AgentId> {
        let agents = self.state.agents.iter();
        agents.filter(|(id, agent)| self.is_in(scope, **id, agent)).map(|(id, _)| *id).collect()
    }

    fn reset(&mut self, actor: &Actor, named: StopGeneration, step: ResetStep) -> Result<(), InputError> {
        let refused = |reason| Err(InputError::Reset { named, reason });
        // Only the last number can be that of several stops: they are reset one after the other.
        let so_named = self.state.stops.iter_mut().filter(|stop| stop.order.generation == named);
        let Some(stop) = so_named.min_by_key(|stop| stop.reset.map(|reset| reset.step)) else {
            return refused("no such stop is in force");
        };
        let before = stop.reset.map(|reset| reset.step);
        match (before, step) {
            (None, ResetStep::Acknowledge) | (Some(ResetStep::Acknowledge), ResetStep::Start) => {}
            (None, ResetStep::Start) => return refused("it must be acknowledged before a start"),
            (Some(ResetStep::Acknowledge), ResetStep::Acknowledge) => {
                return refused("it is acknowledged already");
            }
            (Some(ResetStep::Start), ResetStep::Acknowledge | ResetStep::Start) => {
                return refused("it is over already");
            }
        }
        let order = ResetOrder { generation: named, actor: actor.id, step };
        stop.reset = Some(order);
        let members = stop.members.clone();
        self.record(&Record::Reset(order));
        // Whoever waits outside the area may go in again, and lifts that were kept where they are are wanted elsewhere.
        self.state.grants_due = true;
        self.state.peripherals_due = true;
        for agent in members {
            if let (_, Some(order)) = self.stop_for(agent) {
                self.output(Output::ToAgent { agent, message: ToAgent::Reset(order) });
            }
        }
        Ok(())
    }

    /// Whether a stop holds the robot.
    pub(crate) fn is_stopped(&self, agent: AgentId) -> bool {
        self.state.stops.iter().any(|stop| stop.members.contains(&agent))
    }

    /// Stops of areas that nobody has ordered to start again.
    pub(crate) fn area_stops(&self) -> Vec<StopOrder> {
        let area =
            |stop: &&ActiveStop| !stop.is_started() && !matches!(stop.order.scope, StopScope::Agent(_));
        self.state.stops.iter().filter(area).map(|stop| stop.order).collect()
    }

    /// What a beat tells a robot: the newest stop it has not acknowledged, and the reset step it may take.
    ///
    /// A robot knows one stop, the newest, so it is reset only as far as *every* stop that holds it has been: starting
    /// a newer stop does not start what an older one still holds.
    pub(crate) fn stop_for(&self, agent: AgentId) -> (Option<StopOrder>, Option<ResetOrder>) {
        let Some(robot) = self.agent(agent).and_then(|agent| agent.robot.as_ref()) else {
            return (None, None);
        };
        let holding = || self.state.stops.iter().filter(|stop| stop.members.contains(&agent));
        let Some(newest) = holding().next_back() else { return (None, None) };
        let order = Some(newest.order).filter(|order| !self.has_acknowledged(robot, order.generation));
        let least = holding().map(|stop| stop.reset.map(|reset| reset.step)).min().flatten();
        let actor = holding().filter_map(|stop| stop.reset).next_back().map(|reset| reset.actor);
        let reset = least
            .zip(actor)
            .map(|(step, actor)| ResetOrder { generation: newest.order.generation, actor, step })
            .filter(|reset| robot.reset_ack != Some(*reset));
        (order, reset)
    }

    /// Lets a robot go that confirms the start of the newest stop that holds it, once all of them are started.
    pub(crate) fn confirm_start(&mut self, agent: AgentId, ack: ResetOrder) {
        let holding = || self.state.stops.iter().filter(|stop| stop.members.contains(&agent));
        let newest = holding().map(|stop| stop.order.generation).next_back();
        let over = ack.step == ResetStep::Start
            && newest.is_some_and(|newest| newest <= ack.generation)
            && holding().all(ActiveStop::is_started);
        if over {
            for stop in &mut self.state.stops {
                stop.members.remove(&agent);
            }
            self.state.planning.due = true;
            self.state.dispatch_due = true;
            self.state.grants_due = true;
        }
    }

    /// Takes in who has come into a stopped area, tells the operator who has not acknowledged a stop in time, and
    /// forgets a stop once everybody whom it stopped has been started again.
    pub(crate) fn watch_stops(&mut self) {
        for mut stop in std::mem::take(&mut self.state.stops) {
            if !stop.is_started() {
                stop.members.extend(self.agents_in(stop.order.scope));
            }
            self.watch_acknowledgements(&mut stop);
            if !stop.is_started() || !stop.members.is_empty() {
                self.state.stops.push(stop);
            }
        }
    }

    /// Tells the operator who may still be moving: after `stop_ack_within`, and again each time twice as much time has
    /// passed, until everybody has acknowledged.
    fn watch_acknowledgements(&mut self, stop: &mut ActiveStop) {
        let waited = self.state.now.since(stop.since).unwrap_or_default();
        let patience =
            self.config.stop_ack_within.as_micros().saturating_mul(1 << stop.alerts.min(MAX_DOUBLINGS));
        if stop.is_started() || waited <= Micros::new(patience) {
            return;
        }
        let generation = stop.order.generation;
        let late: Vec<AgentId> = stop
            .members
            .iter()
            .copied()
            .filter(|agent| self.may_move_in_spite_of(*agent, generation))
            .collect();
        let Some(&first) = late.first() else { return };
        stop.alerts = stop.alerts.saturating_add(1);
        let names: Vec<String> = late.iter().map(|agent| self.name(*agent)).collect();
        let text =
            format!("stop {generation} is not acknowledged by {}, who may be moving", names.join(", "));
        self.alert(rules::STOP_UNACKNOWLEDGED, Some(first), None, text);
    }

    /// Whether a robot has not acknowledged a stop and is not known to stand: what it was released it may still drive.
    fn may_move_in_spite_of(&self, agent: AgentId, generation: StopGeneration) -> bool {
        let Some(state) = self.agent(agent) else { return false };
        let Some(robot) = &state.robot else { return false };
        let stands = match robot.motion {
            Motion::Latched(_) | Motion::Failed => true,
            Motion::Waiting | Motion::Performing => robot.is_at_end(),
            Motion::Moving | Motion::Stopped(_) => false,
        };
        !self.has_acknowledged(robot, generation) && state.standing != Standing::Removed && !stands
    }

    fn remove(&mut self, agent: AgentId) -> Result<(), InputError> {
        let state = self.state.agents.get_mut(&agent).ok_or(InputError::UnknownAgent(agent))?;
        let refused =
            |reason: &str| InputError::Agent { agent, command: "removed", reason: reason.to_owned() };
        let robot = state.robot.as_mut().ok_or_else(|| refused("it is not a robot"))?;
        let dead = matches!(state.standing, Standing::Failed | Standing::Lost);
        if !dead && !matches!(robot.motion, Motion::Latched(_)) {
            return Err(refused(
                "it is alive: stop it first, so that it cannot move while its claims are freed",
            ));
        }
        robot.route.truncate(robot.done as usize);
        let text = "is taken out of the fleet by a person".to_owned();
        self.record_decision(&Record::Agent { agent, rule: rules::FAILED, text }, Decided::Physical(agent));
        self.lose(agent, Standing::Removed, rules::FAILED, "was removed");
        self.executor.remove(agent);
        self.state.grants_due = true;
        Ok(())
    }

    fn resume(&mut self, agent: AgentId) -> Result<(), InputError> {
        let refused =
            |reason: &str| InputError::Agent { agent, command: "resumed", reason: reason.to_owned() };
        let now = self.state.now;
        let state = self.state.agents.get_mut(&agent).ok_or(InputError::UnknownAgent(agent))?;
        let robot = state.robot.as_ref().ok_or_else(|| refused("it is not a robot"))?;
        if state.standing != Standing::Failed {
            return Err(refused("it has not failed"));
        }
        if robot.motion == Motion::Failed {
            return Err(refused("it still reports a failure"));
        }
        state.standing = Standing::Well;
        state.seen = now;
        self.state.planning.due = true;
        self.state.dispatch_due = true;
        let text = "works again where it stands".to_owned();
        self.record_decision(&Record::Agent { agent, rule: rules::FAILED, text }, Decided::Physical(agent));
        Ok(())
    }

    fn recover(&mut self, agent: AgentId, at: WaypointId) -> Result<(), InputError> {
        let state = self.agent(agent).ok_or(InputError::UnknownAgent(agent))?;
        let refused = |reason: String| InputError::Agent { agent, command: "recovered", reason };
        let robot = state.robot.as_ref().ok_or_else(|| refused("it is not a robot".to_owned()))?;
        let class = robot.class;
        match state.standing {
            Standing::Failed | Standing::Removed | Standing::Lost => {}
            Standing::Well | Standing::Silent => return Err(refused("it has not failed".to_owned())),
        }
        if !robot.proves_standing_at(&self.site, at) {
            return Err(refused(format!("its last report does not prove that it stands at {at}")));
        }
        let placed = if state.standing == Standing::Removed {
            self.executor.place(agent, class, at).map_err(|error| error.to_string())
        } else {
            self.executor.relocate(agent, at).map_err(|error| error.to_string())
        };
        placed.map_err(refused)?;
        let now = self.state.now;
        if let Some(state) = self.state.agents.get_mut(&agent) {
            state.standing = Standing::Well;
            state.seen = now;
            state.profile.at = at;
            if let Some(robot) = &mut state.robot {
                robot.begin_epoch(at);
                robot.stopped_since = None;
                robot.stalled = false;
            }
        }
        self.state.planning.due = true;
        self.state.dispatch_due = true;
        let text = format!("is recovered and stands at {at}");
        self.record_decision(&Record::Agent { agent, rule: rules::FAILED, text }, Decided::Physical(agent));
        Ok(())
    }

    fn approve(&mut self, actor: &Actor, task: TaskId, step: u32) -> Result<(), InputError> {
        let state = self.state.tasks.get_mut(&task).ok_or(InputError::UnknownTask(task))?;
        if state.task.steps.len() <= step as usize {
            return Err(InputError::TaskState { task, command: "approved", reason: "it has no such step" });
        }
        let role = actor.role.name().to_owned();
        state.approvals.insert((step, role.clone()), actor.id);
        let record = Record::Approved { task, step, role: role.clone(), by: actor.id };
        self.record_decision(&record, Decided::Approval { task, step, role });
        self.state.dispatch_due = true;
        Ok(())
    }
}
