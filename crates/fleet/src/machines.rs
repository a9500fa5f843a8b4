//! Machines at stations: arms and dispensers that put loads on robots and take them off.
//!
//! Where a machine is, its word alone ends a robot's loading or unloading ([`rules::SERVED`]): from that instant on the load is
//! where the machine has put it, whatever happens to the robot. A machine is asked again until it has served the step, and
//! told to rest until it says that it does; after a restart nothing is taken for known. People work by hand, and no robot
//! is served that is stopped, latched, lost, or wanted elsewhere by a fire alarm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, Micros, StationId, WaypointId,
    wire::{Action, MachineState, Motion, PeripheralCommand, StepToken, ToAgent},
};
use sheepdog_map::CompiledSite;

use crate::{
    config::FleetConfig,
    fleet::{Fleet, FleetError},
    input::Output,
    rules,
    state::{AgentState, Phase, Standing},
};

/// A machine that has not done what it was asked to is asked again after this long.
const REPEAT_AFTER: Micros = Micros::from_secs(2);
/// A machine that has not served a robot for so many seconds is reported.
const SERVED_WITHIN_S: u64 = 120;

/// What the fleet knows of a machine, and what it has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    place: WaypointId,
    /// By its last report; `None` before the first since the fleet has started.
    state: Option<MachineState>,
    /// What it was asked last, to rest or to serve a step, and when.
    asked: Option<(Option<StepToken>, FleetTime)>,
    /// The step that was reported as late.
    late: Option<StepToken>,
}

/// A robot that stands at a machine and is to be served.
#[derive(Clone, Copy, Debug)]
struct Customer {
    agent: AgentId,
    token: StepToken,
    action: Action,
    since: FleetTime,
}

impl Machine {
    /// What happened while the fleet was down is not known, nor what was asked.
    pub(crate) const fn forget(&mut self) {
        (self.state, self.asked) = (None, None);
    }

    /// Whether to ask for something now; takes down that it was.
    fn ask(&mut self, what: Option<StepToken>, now: FleetTime) -> bool {
        let recently = |at: FleetTime| now.since(at).is_some_and(|waited| waited < REPEAT_AFTER);
        if self.asked.is_some_and(|(asked, at)| asked == what && recently(at)) {
            return false;
        }
        self.asked = Some((what, now));
        true
    }
}

impl Fleet {
    pub(crate) fn machine_report(&mut self, station: StationId, state: MachineState) {
        let Some(machine) = self.state.machines.get_mut(&station) else { return };
        let place = machine.place;
        let was_faulty = machine.state.replace(state) == Some(MachineState::Faulty);
        self.state.peripherals_due = true;
        if was_faulty != (state == MachineState::Faulty) {
            let verb = if was_faulty { "works again" } else { "reports a fault" };
            let text = format!("the machine at {} {verb}", self.station_name(station));
            self.alert(rules::MACHINE_FAULTY, None, None, text);
        }
        if let MachineState::Served(token) = state
            && let Some(agent) = self.state.tasks.get(&token.task).and_then(|task| task.phase.agent())
            && self.machine_of(agent, token) == Some(place)
        {
            self.step_done(agent, token);
        }
    }

    /// Asks machines to serve the robots that wait at them, and to rest where none does.
    pub(crate) fn move_machines(&mut self) {
        if self.state.machines.is_empty() {
            return;
        }
        self.leave_machines();
        let customers = self.customers();
        let now = self.state.now;
        let (mut commands, mut late) = (Vec::new(), Vec::new());
        for (&station, machine) in &mut self.state.machines {
            match customers.get(&machine.place) {
                None => {
                    let is_clear = matches!(machine.state, Some(MachineState::Idle | MachineState::Faulty));
                    if !is_clear && machine.ask(None, now) {
                        commands.push(PeripheralCommand::Rest { station });
                    }
                }
                Some(&Customer { agent, token, action, since }) => {
                    if machine.ask(Some(token), now) {
                        commands.push(PeripheralCommand::Serve { station, token, agent, action });
                    }
                    let is_late =
                        now.since(since).is_some_and(|waited| Micros::from_secs(SERVED_WITHIN_S) < waited);
                    if is_late && machine.late.replace(token) != Some(token) {
                        late.push((station, agent, token));
                    }
                }
            }
        }
        for command in commands {
            self.output(Output::ToPeripheral(command));
        }
        for (station, agent, token) in late {
            let (name, who) = (self.station_name(station), self.name(agent));
            let text = format!("the machine at {name} has not served {who} within {SERVED_WITHIN_S} s");
            self.alert(rules::SERVED, Some(agent), Some(token.task), text);
        }
    }

    /// Robots that a fire alarm wants elsewhere leave their machines, and come back when it is over.
    fn leave_machines(&mut self) {
        let leaves = |(&agent, state): (&AgentId, &AgentState)| {
            let token = state.job?;
            let phase = self.state.tasks.get(&token.task)?.phase;
            let performs = matches!(phase, Phase::Performing { agent: by, .. } if by == agent);
            let parks = self.parks_for(agent, state) == Some(rules::FIRE_ALARM);
            (performs && parks && self.machine_of(agent, token).is_some()).then_some((agent, token))
        };
        let leaving: Vec<(AgentId, StepToken)> = self.state.agents.iter().filter_map(leaves).collect();
        for (agent, token) in leaving {
            if let Some(task) = self.state.tasks.get_mut(&token.task) {
                task.phase = Phase::Travelling { agent, since: self.state.now };
            }
            self.state.planning.due = true;
            self.state.grants_due = true;
            self.output(Output::ToAgent { agent, message: ToAgent::Withdraw(token) });
        }
    }

    /// Who is to be served, by place.
    fn customers(&self) -> BTreeMap<WaypointId, Customer> {
        let customer = |(&agent, state): (&AgentId, &AgentState)| {
            let motion = state.robot.as_ref()?.motion;
            let is_down =
                state.standing != Standing::Well || matches!(motion, Motion::Latched(_) | Motion::Failed);
            let token = state.job.filter(|_| !is_down && !self.is_stopped(agent))?;
            let task = self.state.tasks.get(&token.task)?;
            let Phase::Performing { agent: by, since } = task.phase else { return None };
            let place = self.machine_of(agent, token).filter(|_| by == agent)?;
            let action = task.task.steps.get(token.step as usize)?.action;
            Some((place, Customer { agent, token, action, since }))
        };
        self.state.agents.iter().filter_map(customer).collect()
    }

    /// Where the machine is that does the step of a robot, if it is one that a machine does.
    pub(crate) fn machine_of(&self, agent: AgentId, token: StepToken) -> Option<WaypointId> {
        let step = self.state.tasks.get(&token.task)?.task.steps.get(token.step as usize)?;
        let handles = matches!(step.action, Action::Load | Action::Unload);
        let is_robot = self.agent(agent).is_some_and(|agent| agent.robot.is_some());
        let mut places = self.state.machines.values().map(|machine| machine.place);
        places.find(|place| handles && is_robot && *place == step.place)
    }

    fn station_name(&self, station: StationId) -> String {
        self.site.station(station).map(|station| station.name.clone()).unwrap_or_default()
    }
}

/// The machines of a fleet, each at a place of its own.
pub(crate) fn of(
    site: &CompiledSite,
    config: &FleetConfig,
) -> Result<BTreeMap<StationId, Machine>, FleetError> {
    let mut machines: BTreeMap<StationId, Machine> = BTreeMap::new();
    for &station in &config.machines {
        let refused = |reason| FleetError::Machine { station, reason };
        let place = site.station(station).ok_or_else(|| refused("there is no such station"))?.waypoint;
        if machines.values().any(|machine| machine.place == place) {
            return Err(refused("there is another machine at its place"));
        }
        machines.insert(station, Machine { place, state: None, asked: None, late: None });
    }
    Ok(machines)
}
