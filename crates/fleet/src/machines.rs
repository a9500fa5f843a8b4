//! Machines at stations: arms and dispensers that put loads on robots and take them off.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, Micros, StationId,
    wire::{Action, MachineState, PeripheralCommand, StepToken},
};
use sheepdog_dispatch::Step;
use sheepdog_map::CompiledSite;

use crate::{
    config::FleetConfig,
    fleet::{Fleet, FleetError},
    input::Output,
    rules,
    state::Phase,
};

/// A machine that has not begun is asked again after this long.
const REPEAT_AFTER: Micros = Micros::from_secs(2);

/// What the fleet knows of a machine, and what it has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    state: MachineState,
    asked: Option<(StepToken, FleetTime)>,
}

impl Machine {
    pub(crate) const IDLE: Self = Self { state: MachineState::Idle, asked: None };

    /// After a restart nobody knows what was asked.
    pub(crate) const fn forget(&mut self) {
        self.asked = None;
    }
}

impl Fleet {
    pub(crate) fn machine_report(&mut self, station: StationId, state: MachineState) {
        let Some(machine) = self.state.machines.get_mut(&station) else { return };
        let before = std::mem::replace(&mut machine.state, state);
        if (before == MachineState::Faulty) != (state == MachineState::Faulty) {
            let name = self.site.station(station).map(|station| station.name.clone()).unwrap_or_default();
            let verb = if state == MachineState::Faulty { "reports a fault" } else { "works again" };
            self.alert(rules::MACHINE_FAULTY, None, None, format!("the machine at {name} {verb}"));
        }
    }

    /// Asks machines to serve the robots that work at them, and to rest where nobody does, or who does is stopped.
    pub(crate) fn move_machines(&mut self) {
        if self.state.machines.is_empty() {
            return;
        }
        let wanted = self.wanted_machines();
        let now = self.state.now;
        let mut commands = Vec::new();
        for (&station, machine) in &mut self.state.machines {
            match wanted.get(&station) {
                None => {
                    if machine.asked.take().is_some() {
                        commands.push(PeripheralCommand::Rest { station });
                    }
                }
                Some(&token) => {
                    let obeys = [MachineState::Serving(token), MachineState::Served(token)];
                    let recently = machine.asked.is_some_and(|(asked, at)| {
                        asked == token && now.since(at).is_some_and(|waited| waited < REPEAT_AFTER)
                    });
                    if !recently && !obeys.contains(&machine.state) {
                        machine.asked = Some((token, now));
                        commands.push(PeripheralCommand::Serve { station, token });
                    }
                }
            }
        }
        for command in commands {
            self.output(Output::ToPeripheral(command));
        }
    }

    fn wanted_machines(&self) -> BTreeMap<StationId, StepToken> {
        let at_work = |(&agent, state): (&AgentId, &crate::state::AgentState)| {
            let token = state.job.filter(|_| !self.is_stopped(agent))?;
            let task = self.state.tasks.get(&token.task)?;
            let performs = matches!(task.phase, Phase::Performing { agent: by, .. } if by == agent);
            let step = task.task.steps.get(task.step as usize).filter(|_| performs)?;
            Some((self.machine_for(agent, step)?, token))
        };
        self.state.agents.iter().filter_map(at_work).collect()
    }

    /// The machine that does the step of a robot. People work by hand.
    fn machine_for(&self, agent: AgentId, step: &Step) -> Option<StationId> {
        let handles = matches!(step.action, Action::Load | Action::Unload);
        let is_robot = self.agent(agent).is_some_and(|agent| agent.robot.is_some());
        let is_here = |station: &&StationId| {
            self.site.station(**station).is_some_and(|station| station.waypoint == step.place)
        };
        self.state.machines.keys().filter(|_| handles && is_robot).find(is_here).copied()
    }

    /// Whether the machine at which a robot does its step, if there is one, has served it ([`rules::SERVED`]).
    pub(crate) fn is_served(&self, agent: AgentId, token: StepToken) -> bool {
        let step =
            self.state.tasks.get(&token.task).and_then(|task| task.task.steps.get(token.step as usize));
        let machine = step.and_then(|step| self.state.machines.get(&self.machine_for(agent, step)?));
        machine.is_none_or(|machine| machine.state == MachineState::Served(token))
    }
}

/// Every machine is at a station of the site, and none is listed twice.
pub(crate) fn check(site: &CompiledSite, config: &FleetConfig) -> Result<(), FleetError> {
    for (index, &station) in config.machines.iter().enumerate() {
        let reason = if site.station(station).is_none() {
            "there is no such station"
        } else if config.machines.iter().take(index).any(|other| *other == station) {
            "it is listed twice"
        } else {
            continue;
        };
        return Err(FleetError::Machine { station, reason });
    }
    Ok(())
}
