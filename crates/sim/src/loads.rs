//! Where loads really are, whatever anybody reports.
//!
//! Whoever completes a loading step has a load: the one that stands there or that somebody there has, or else one more. Whoever
//! completes an unloading step puts one down. Where a machine is, the machine does both.

use std::collections::{BTreeMap, VecDeque};

use nalgebra::Point2;
use sheepdog_core::{
    AgentId, LevelId, TaskId,
    wire::{Action, Perform, StepToken},
};

/// From farther away nothing is taken over, metres: a robot may have failed on the way to the next place, and a person
/// stands beside the last one.
const HAND_OVER_M: f64 = 4.0;
/// Steps of an agent that are remembered, to recognise what is ordered or reported again.
const STEPS_MAX: usize = 64;

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
    all: Vec<Load>,
    /// What agents are to do themselves, the oldest first.
    orders: BTreeMap<AgentId, VecDeque<(StepToken, Action)>>,
    /// What they have done, or machines for them.
    done: BTreeMap<AgentId, VecDeque<StepToken>>,
    misplaced: u64,
}

impl Loads {
    /// All that were ever taken, in that order.
    pub(crate) fn all(&self) -> &[Load] {
        &self.all
    }

    pub(crate) const fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// An agent hears what it is to do with its own hands.
    pub(crate) fn ordered(&mut self, agent: AgentId, order: &Perform) {
        let orders = self.orders.entry(agent).or_default();
        if orders.iter().all(|(token, _)| *token != order.token) {
            remember(orders, (order.token, order.action));
        }
    }

    /// An agent says that it has done a step. What it was not told to do is not done.
    pub(crate) fn performed(
        &mut self,
        agent: AgentId,
        token: StepToken,
        place_of: impl Fn(AgentId) -> Option<Place>,
    ) {
        let order = self.orders.get(&agent).and_then(|orders| orders.iter().find(|(told, _)| *told == token));
        if let Some(&(_, action)) = order {
            self.moved(agent, token, action, place_of);
        }
    }

    /// A load has been put on an agent, or taken off it. Once for each step.
    pub(crate) fn moved(
        &mut self,
        agent: AgentId,
        token: StepToken,
        action: Action,
        place_of: impl Fn(AgentId) -> Option<Place>,
    ) {
        let done = self.done.entry(agent).or_default();
        let Some(at) = place_of(agent).filter(|_| !done.contains(&token)) else { return };
        remember(done, token);
        match action {
            Action::Attend => {}
            Action::Load => self.take(agent, token.task, at, place_of),
            Action::Unload => self.put_down(agent, token.task, at),
        }
    }

    fn take(&mut self, agent: AgentId, task: TaskId, at: Place, place_of: impl Fn(AgentId) -> Option<Place>) {
        let others = |load: &&mut Load| load.task == task && load.carrier != Some(agent);
        let is_here = |load: &&mut Load| {
            let there = match load.carrier {
                Some(carrier) => place_of(carrier),
                None => Some((load.level, Point2::new(load.x_m, load.y_m))),
            };
            there.is_some_and(|there| is_near(there, at))
        };
        let taken = Load { task, carrier: Some(agent), level: at.0, x_m: at.1.x, y_m: at.1.y };
        if let Some(load) = self.all.iter_mut().filter(others).find(is_here) {
            *load = taken;
            return;
        }
        // Somebody drives about with what was to be taken here.
        self.misplaced += u64::from(self.all.iter_mut().filter(others).any(|load| load.carrier.is_some()));
        self.all.push(taken);
    }

    fn put_down(&mut self, agent: AgentId, task: TaskId, (level, at): Place) {
        let carried = |load: &&mut Load| load.task == task && load.carrier == Some(agent);
        match self.all.iter_mut().find(carried) {
            Some(load) => *load = Load { task, carrier: None, level, x_m: at.x, y_m: at.y },
            None => self.misplaced += 1,
        }
    }
}

/// Adds to the end of what is remembered, and forgets the oldest when it is too much.
fn remember<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() == STEPS_MAX {
        all.pop_front();
    }
    all.push_back(one);
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

    struct Hall {
        loads: Loads,
        step: u32,
    }

    impl Hall {
        fn new() -> Self {
            Self { loads: Loads::default(), step: 0 }
        }

        /// Order and report come twice. The other one is elsewhere.
        fn does(&mut self, agent: AgentId, action: Action, x_m: f64, other: f64) -> u64 {
            let token = StepToken { task: TaskId(7), award: 1, step: self.step };
            self.step += 1;
            let order = Perform { token, action, place: WaypointId(0), duration: Micros::ZERO };
            let place_of = |who| Some(at(if who == agent { x_m } else { other }));
            for _ in 0..2 {
                self.loads.performed(agent, token, place_of);
                self.loads.ordered(agent, &order);
                self.loads.performed(agent, token, place_of);
            }
            self.loads.misplaced()
        }

        fn carriers(&self) -> Vec<Option<AgentId>> {
            self.loads.all().iter().map(|load| load.carrier).collect()
        }
    }

    #[test]
    fn a_load_goes_from_hand_to_hand() {
        let mut hall = Hall::new();
        assert_eq!(hall.does(ANNA, Action::Load, 0.0, 90.0), 0);
        assert_eq!(hall.does(BERT, Action::Load, 5.0, 2.5), 0);
        assert_eq!(hall.carriers(), [Some(BERT)]);
        assert_eq!(hall.does(BERT, Action::Attend, 9.0, 90.0), 0);
        assert_eq!(hall.does(BERT, Action::Unload, 9.0, 90.0), 0);
        assert_eq!((hall.carriers(), hall.loads.all()[0].x_m), (vec![None], 9.0));
        assert_eq!(hall.does(ANNA, Action::Load, 9.5, 90.0), 0, "it stands there");
        assert_eq!(hall.carriers(), [Some(ANNA)]);
    }

    #[test]
    fn a_task_may_have_several_loads() {
        for steps in [
            [(Action::Load, 0.0), (Action::Load, 20.0), (Action::Unload, 40.0), (Action::Unload, 60.0)],
            [(Action::Load, 0.0), (Action::Unload, 20.0), (Action::Load, 40.0), (Action::Unload, 60.0)],
        ] {
            let mut hall = Hall::new();
            for (action, x_m) in steps {
                assert_eq!(hall.does(ANNA, action, x_m, 90.0), 0);
            }
            assert_eq!(hall.carriers(), [None, None]);
        }
    }

    #[test]
    fn nobody_takes_from_afar_or_puts_down_what_another_has() {
        let mut hall = Hall::new();
        hall.does(ANNA, Action::Load, 0.0, 90.0);
        assert_eq!(hall.does(BERT, Action::Load, 0.0, 50.0), 1, "the shelf was empty");
        assert_eq!(hall.does(ANNA, Action::Unload, 50.0, 0.0), 1);
        assert_eq!(hall.does(ANNA, Action::Unload, 50.0, 0.0), 2, "she has no more");
    }

    #[test]
    fn a_machine_acts_once_and_without_an_order() {
        let mut loads = Loads::default();
        let token = StepToken { task: TaskId(7), award: 1, step: 0 };
        for _ in 0..2 {
            loads.moved(ANNA, token, Action::Load, |_| Some(at(1.0)));
        }
        assert_eq!((loads.all().len(), loads.misplaced()), (1, 0));
    }
}
