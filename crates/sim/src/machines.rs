//! Machines at stations: stationary arms and dispensers, each with a controller of its own.
//!
//! A machine serves one step at a time. It works while a body stands still in its reach; when the body moves or leaves, the
//! machine withdraws and begins again.

use nalgebra::Point2;
use sheepdog_core::{
    LevelId, Micros, StationId, WaypointId,
    wire::{MachineState, StepToken},
};
use sheepdog_map::CompiledSite;

use crate::{
    config::MachineSpec,
    world::{Disc, Owner},
};

/// How far from the middle of its station a body may stand, metres.
const REACH_M: f64 = 0.3;

#[derive(Debug)]
pub(crate) struct MachinePlant {
    pub(crate) station: StationId,
    pub(crate) waypoint: WaypointId,
    level: LevelId,
    at: Point2<f64>,
    service: Micros,
    work: Work,
    /// It stays where it is.
    pub(crate) stuck: bool,
    pub(crate) reported: Option<MachineState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Idle,
    Serving { token: StepToken, left: Micros },
    Served(StepToken),
}

/// A step that a machine has done, and the body that it has served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) owner: Owner,
    pub(crate) token: StepToken,
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

    /// Serves a step, unless it does already or has.
    pub(crate) fn serve(&mut self, token: StepToken) {
        match self.work {
            Work::Serving { token: current, .. } | Work::Served(current) if current == token => {
                // Whoever asks again has not heard.
                self.reported = None;
            }
            Work::Idle | Work::Serving { .. } | Work::Served(_) => {
                self.work = Work::Serving { token, left: self.service };
            }
        }
    }

    pub(crate) const fn rest(&mut self) {
        self.work = Work::Idle;
    }

    /// Lets `span` pass. Says what it has done.
    pub(crate) fn advance(&mut self, span: Micros, discs: &[Disc]) -> Option<Handed> {
        let Work::Serving { token, left } = self.work else { return None };
        if self.stuck {
            return None;
        }
        let stands_here = |disc: &&Disc| {
            let is_near = disc.level == self.level && (disc.at - self.at).norm() <= REACH_M;
            is_near && disc.drift.norm_squared() <= f64::EPSILON
        };
        let Some(body) = discs.iter().find(stands_here) else {
            self.work = Work::Serving { token, left: self.service };
            return None;
        };
        let left = left.saturating_sub(span);
        if left != Micros::ZERO {
            self.work = Work::Serving { token, left };
            return None;
        }
        self.work = Work::Served(token);
        Some(Handed { owner: body.owner, token })
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

    #[test]
    fn it_takes_its_time_and_serves_a_step_once() {
        let mut machine = machine();
        let robot = [body(&machine, 0.1, 0.0)];
        assert_eq!((machine.advance(TICK, &robot), machine.state()), (None, MachineState::Idle));
        machine.serve(token(0));
        for _ in 0..3 {
            machine.serve(token(0));
            assert_eq!(machine.advance(TICK, &robot), None);
        }
        let handed = Handed { owner: Owner::Robot(3), token: token(0) };
        assert_eq!(machine.advance(TICK, &robot), Some(handed));
        machine.serve(token(0));
        assert_eq!((machine.advance(TICK, &robot), machine.state()), (None, MachineState::Served(token(0))));
        machine.serve(token(1));
        assert_eq!(machine.state(), MachineState::Serving(token(1)));
        machine.rest();
        assert_eq!(machine.state(), MachineState::Idle);
    }

    #[test]
    fn it_begins_again_when_the_robot_moves_or_is_away_and_waits_while_it_is_stuck() {
        for (aside_m, speed_mps) in [(0.4, 0.0), (0.0, 0.2)] {
            let mut machine = machine();
            let (robot, away) = ([body(&machine, 0.0, 0.0)], [body(&machine, aside_m, speed_mps)]);
            machine.serve(token(0));
            let seen = [&robot, &robot, &robot, &away, &robot, &robot, &robot, &robot];
            let done: Vec<bool> = seen.map(|discs| machine.advance(TICK, discs).is_some()).into();
            assert_eq!(done, [false, false, false, false, false, false, false, true]);
        }
        let mut machine = machine();
        machine.serve(token(0));
        machine.stuck = true;
        let robot = [body(&machine, 0.0, 0.0)];
        assert!((0..20).all(|_| machine.advance(TICK, &robot).is_none()));
        assert_eq!(machine.state(), MachineState::Faulty);
        machine.stuck = false;
        assert_eq!((0..4).filter(|_| machine.advance(TICK, &robot).is_some()).count(), 1);
    }
}
