//! Machines at stations: stationary arms and dispensers, each with a controller of its own.
//!
//! A machine serves one step at a time. It works while the robot that it serves stands still in its reach; when that moves
//! or leaves, the machine withdraws and begins again. It remembers what it has done last, and does not do it twice.

use nalgebra::Point2;
use sheepdog_core::{
    AgentId, LevelId, Micros, StationId, WaypointId,
    wire::{Action, MachineState, StepToken},
};
use sheepdog_map::CompiledSite;

use crate::{
    config::MachineSpec,
    world::{Disc, Owner},
};

/// How far from the middle of its station a robot may stand, metres: somewhat farther than a robot that takes itself to be
/// there, by its localisation.
const REACH_M: f64 = 0.4;

#[derive(Debug)]
pub(crate) struct MachinePlant {
    pub(crate) station: StationId,
    pub(crate) waypoint: WaypointId,
    level: LevelId,
    at: Point2<f64>,
    service: Micros,
    work: Work,
    /// The step that it has done last.
    served: Option<StepToken>,
    /// It stays where it is.
    pub(crate) stuck: bool,
    pub(crate) reported: Option<MachineState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Idle,
    Serving { token: StepToken, agent: AgentId, action: Action, left: Micros },
    Served(StepToken),
}

/// A step that a machine has done, and the robot that it has served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) agent: AgentId,
    pub(crate) token: StepToken,
    pub(crate) action: Action,
}

impl MachinePlant {
    /// A machine at rest; `None` when the site has no such station.
    pub(crate) fn new(site: &CompiledSite, spec: &MachineSpec) -> Option<Self> {
        let place = site.station(spec.station)?.waypoint;
        let waypoint = site.waypoint(place)?;
        Some(Self {
            station: spec.station,
            waypoint: place,
            level: waypoint.level,
            at: waypoint.at,
            service: spec.service,
            work: Work::Idle,
            served: None,
            stuck: false,
            reported: None,
        })
    }

    pub(crate) const fn state(&self) -> MachineState {
        match self.work {
            _ if self.stuck => MachineState::Faulty,
            Work::Idle => MachineState::Idle,
            Work::Serving { token, .. } => MachineState::Serving(token),
            Work::Served(token) => MachineState::Served(token),
        }
    }

    /// Serves a robot, unless it does already or has. Whoever asks again has not heard.
    pub(crate) fn serve(&mut self, token: StepToken, agent: AgentId, action: Action) {
        self.reported = None;
        if self.served == Some(token) {
            self.work = Work::Served(token);
        } else if !matches!(self.work, Work::Serving { token: current, .. } if current == token) {
            self.work = Work::Serving { token, agent, action, left: self.service };
        }
    }

    pub(crate) const fn rest(&mut self) {
        self.work = Work::Idle;
        self.reported = None;
    }

    /// Lets `span` pass with bodies where they are; `owner_of` knows whose body is a robot's. Says what it has done.
    pub(crate) fn advance(
        &mut self,
        span: Micros,
        discs: &[Disc],
        owner_of: impl Fn(AgentId) -> Option<Owner>,
    ) -> Option<Handed> {
        let Work::Serving { token, agent, action, left } = self.work else { return None };
        if self.stuck {
            return None;
        }
        let owner = owner_of(agent);
        let stands_here = |disc: &Disc| {
            let is_near = disc.level == self.level && (disc.at - self.at).norm() <= REACH_M;
            is_near && Some(disc.owner) == owner && disc.drift.norm_squared() <= f64::EPSILON
        };
        let is_here = discs.iter().any(stands_here);
        let left = if is_here { left.saturating_sub(span) } else { self.service };
        if !is_here || left != Micros::ZERO {
            self.work = Work::Serving { token, agent, action, left };
            return None;
        }
        self.work = Work::Served(token);
        self.served = Some(token);
        Some(Handed { agent, token, action })
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector2;
    use sheepdog_core::TaskId;

    use super::*;
    use crate::fixture;

    const TICK: Micros = Micros::from_millis(500);

    fn token(step: u32) -> StepToken {
        StepToken { task: TaskId(1), award: 1, step }
    }

    fn machine() -> MachinePlant {
        let spec = MachineSpec { station: StationId(0), service: Micros::from_secs(2) };
        MachinePlant::new(&fixture::site(), &spec).unwrap()
    }

    fn body(machine: &MachinePlant, aside_m: f64, speed_mps: f64) -> Disc {
        Disc {
            owner: Owner::Robot(3),
            level: machine.level,
            at: machine.at + Vector2::new(aside_m, 0.0),
            radius_m: 0.25,
            drift: Vector2::new(speed_mps, 0.0),
        }
    }

    const ANNA: AgentId = AgentId(7);

    fn serve(machine: &mut MachinePlant, step: u32) {
        machine.serve(token(step), ANNA, Action::Load);
    }

    /// Lets a tick pass; Anna is the third robot.
    fn tick(machine: &mut MachinePlant, discs: &[Disc]) -> Option<Handed> {
        machine.advance(TICK, discs, |agent| (agent == ANNA).then_some(Owner::Robot(3)))
    }

    #[test]
    fn it_takes_its_time_and_serves_a_step_once() {
        let mut machine = machine();
        let robot = [body(&machine, 0.1, 0.0)];
        assert_eq!((tick(&mut machine, &robot), machine.state()), (None, MachineState::Idle));
        serve(&mut machine, 0);
        for _ in 0..3 {
            serve(&mut machine, 0);
            assert_eq!(tick(&mut machine, &robot), None);
        }
        let handed = Handed { agent: ANNA, token: token(0), action: Action::Load };
        assert_eq!(tick(&mut machine, &robot), Some(handed));
        for _ in 0..2 {
            serve(&mut machine, 0);
            let told = (tick(&mut machine, &robot), machine.state());
            assert_eq!(told, (None, MachineState::Served(token(0))));
            machine.rest();
            assert_eq!(machine.state(), MachineState::Idle);
        }
        serve(&mut machine, 1);
        assert_eq!(machine.state(), MachineState::Serving(token(1)));
    }

    #[test]
    fn it_begins_again_when_its_robot_moves_or_is_away() {
        for (aside_m, speed_mps, other) in [(0.5, 0.0, 3), (0.0, 0.2, 3), (0.0, 0.0, 4)] {
            let mut machine = machine();
            let robot = [body(&machine, 0.0, 0.0)];
            let away = [Disc { owner: Owner::Robot(other), ..body(&machine, aside_m, speed_mps) }];
            serve(&mut machine, 0);
            let seen = [&robot, &robot, &robot, &away, &robot, &robot, &robot, &robot];
            let done = seen.map(|discs| tick(&mut machine, discs).is_some());
            assert_eq!(done, [false, false, false, false, false, false, false, true]);
        }
    }

    #[test]
    fn it_waits_while_it_is_stuck() {
        let mut machine = machine();
        serve(&mut machine, 0);
        machine.stuck = true;
        let robot = [body(&machine, 0.0, 0.0)];
        assert!((0..20).all(|_| tick(&mut machine, &robot).is_none()));
        assert_eq!(machine.state(), MachineState::Faulty);
        machine.stuck = false;
        assert_eq!((0..4).filter(|_| tick(&mut machine, &robot).is_some()).count(), 1);
    }
}
