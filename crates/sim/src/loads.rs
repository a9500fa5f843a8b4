//! Where loads really are, whatever anybody reports.
//!
//! The load of a task is taken by whoever completes a loading step, and put down where whoever has it completes an
//! unloading step. At a machine the machine does both.

use std::collections::{BTreeMap, VecDeque};

use nalgebra::Point2;
use sheepdog_core::{
    AgentId, LevelId, TaskId,
    wire::{Action, Perform, StepToken},
};

/// From farther away nothing is taken over, metres.
const HAND_OVER_M: f64 = 2.0;
/// Steps of an agent that are remembered, to recognise what is reported again.
const FINISHED_MAX: usize = 64;

/// Who does a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The agent.
    Agent,
    /// The machine of the place.
    Machine,
}

/// Where something is.
pub(crate) type Place = (LevelId, Point2<f64>);

/// The load of a task, as it really is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// The task.
    pub task: TaskId,
    /// Who has it; `None` when it stands where it was put down.
    pub carrier: Option<AgentId>,
    /// The level it was on when it was last taken or put down.
    pub level: LevelId,
    /// Where it was then, metres along x.
    pub x_m: f64,
    /// Metres along y.
    pub y_m: f64,
}

/// All loads, and what was ordered.
#[derive(Debug, Default)]
pub(crate) struct Loads {
    loads: BTreeMap<TaskId, Load>,
    orders: BTreeMap<(AgentId, StepToken), (Action, By)>,
    finished: BTreeMap<AgentId, VecDeque<StepToken>>,
    misplaced: u64,
}

impl Loads {
    /// All that were ever taken, by task.
    pub(crate) fn all(&self) -> Vec<Load> {
        self.loads.values().copied().collect()
    }

    pub(crate) const fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// An agent hears what is to be done, by it or for it.
    pub(crate) fn ordered(&mut self, agent: AgentId, order: &Perform, by: By) {
        let is_old = self.finished.get(&agent).is_some_and(|finished| finished.contains(&order.token));
        if !is_old {
            self.orders.insert((agent, order.token), (order.action, by));
        }
    }

    pub(crate) fn withdrawn(&mut self, agent: AgentId, token: StepToken) {
        self.orders.remove(&(agent, token));
    }

    /// An agent that is at a place has done a step, or a machine has for it. What it was not told to do is not done, nor what
    /// the other is to do.
    pub(crate) fn done(
        &mut self,
        agent: AgentId,
        token: StepToken,
        by: By,
        at: Place,
        place_of: impl Fn(AgentId) -> Option<Place>,
    ) {
        let order = self.orders.get(&(agent, token));
        let Some(&(action, _)) = order.filter(|(_, who)| *who == by) else { return };
        self.orders.remove(&(agent, token));
        let finished = self.finished.entry(agent).or_default();
        if finished.len() == FINISHED_MAX {
            finished.pop_front();
        }
        finished.push_back(token);
        let before = self.loads.get(&token.task).copied();
        let carrier = match action {
            Action::Attend => return,
            Action::Load => {
                let was = before.and_then(|load| match load.carrier {
                    Some(carrier) => place_of(carrier),
                    None => Some((load.level, Point2::new(load.x_m, load.y_m))),
                });
                self.misplaced += u64::from(was.is_some_and(|was| !is_near(was, at)));
                Some(agent)
            }
            Action::Unload => {
                self.misplaced += u64::from(before.and_then(|load| load.carrier) != Some(agent));
                None
            }
        };
        let (level, Point2 { coords, .. }) = at;
        let load = Load { task: token.task, carrier, level, x_m: coords.x, y_m: coords.y };
        self.loads.insert(token.task, load);
    }

    /// A machine has served somebody whom it was not told to serve: the load is on the wrong body.
    pub(crate) const fn mistaken(&mut self) {
        self.misplaced += 1;
    }

    /// Whether a machine has still to do a step for an agent.
    pub(crate) fn is_for_machine(&self, agent: AgentId, token: StepToken) -> bool {
        self.orders.get(&(agent, token)).is_some_and(|(_, by)| *by == By::Machine)
    }
}

fn is_near((level, at): Place, (other_level, other): Place) -> bool {
    level == other_level && (at - other).norm() <= HAND_OVER_M
}

#[cfg(test)]
mod tests {
    use sheepdog_core::{Micros, WaypointId};

    use super::*;

    const ANNA: AgentId = AgentId(1);
    const BERT: AgentId = AgentId(2);

    fn at(x_m: f64) -> Place {
        (LevelId(0), Point2::new(x_m, 0.0))
    }

    fn does(loads: &mut Loads, agent: AgentId, step: u32, action: Action, x_m: f64, other: Option<Place>) {
        let token = StepToken { task: TaskId(7), award: agent.0, step };
        let order = Perform { token, action, place: WaypointId(0), duration: Micros::ZERO };
        for _ in 0..2 {
            // The order and the report come twice.
            loads.ordered(agent, &order, By::Agent);
            loads.done(agent, token, By::Machine, at(x_m), |_| other);
            loads.done(agent, token, By::Agent, at(x_m), |_| other);
        }
    }

    fn carrier(loads: &Loads) -> Option<AgentId> {
        loads.all()[0].carrier
    }

    #[test]
    fn a_load_goes_from_hand_to_hand() {
        let mut loads = Loads::default();
        does(&mut loads, ANNA, 0, Action::Load, 0.0, None);
        assert_eq!(carrier(&loads), Some(ANNA));
        does(&mut loads, BERT, 0, Action::Load, 5.0, Some(at(4.0)));
        assert_eq!(carrier(&loads), Some(BERT));
        does(&mut loads, BERT, 1, Action::Attend, 9.0, None);
        does(&mut loads, BERT, 2, Action::Unload, 9.0, None);
        let load = loads.all()[0];
        assert_eq!((load.carrier, load.x_m, loads.misplaced()), (None, 9.0, 0));
        does(&mut loads, ANNA, 3, Action::Load, 9.5, None);
        assert_eq!((carrier(&loads), loads.misplaced()), (Some(ANNA), 0));
    }

    #[test]
    fn nobody_takes_from_afar_or_puts_down_what_another_has() {
        let mut loads = Loads::default();
        does(&mut loads, ANNA, 0, Action::Load, 0.0, None);
        does(&mut loads, BERT, 0, Action::Load, 5.0, Some(at(0.0)));
        assert_eq!(loads.misplaced(), 1, "the shelf was empty");
        does(&mut loads, ANNA, 1, Action::Unload, 9.0, None);
        assert_eq!(loads.misplaced(), 2, "Bert has it");
        does(&mut loads, BERT, 1, Action::Load, 20.0, None);
        assert_eq!(loads.misplaced(), 3, "it was put down elsewhere");
        does(&mut loads, BERT, 2, Action::Unload, 20.0, None);
        assert_eq!(loads.misplaced(), 3);
    }

    #[test]
    fn what_was_withdrawn_or_never_ordered_changes_nothing() {
        let mut loads = Loads::default();
        let token = StepToken { task: TaskId(7), award: 1, step: 0 };
        let order = Perform { token, action: Action::Load, place: WaypointId(0), duration: Micros::ZERO };
        loads.done(ANNA, token, By::Agent, at(0.0), |_| None);
        loads.ordered(ANNA, &order, By::Agent);
        loads.withdrawn(ANNA, token);
        loads.done(ANNA, token, By::Agent, at(0.0), |_| None);
        loads.ordered(ANNA, &order, By::Machine);
        loads.done(ANNA, token, By::Agent, at(0.0), |_| None);
        assert_eq!((loads.all(), loads.misplaced()), (Vec::new(), 0));
    }
}
