//! The step a robot performs at a place.

use std::collections::VecDeque;

use sheepdog_core::{
    RobotTime,
    wire::{Perform, StepToken},
};

/// How many finished steps are remembered, to recognise repeated orders.
const FINISHED_MAX: usize = 16;

/// What the robot has been told to do, and what it has done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Duty {
    order: Option<Perform>,
    since: Option<RobotTime>,
    finished: VecDeque<StepToken>,
    performed: Option<StepToken>,
}

impl Duty {
    /// Takes in an order. One that is done already is only reported again.
    pub(crate) fn perform(&mut self, order: Perform) {
        if self.finished.contains(&order.token) {
            self.performed = Some(order.token);
        } else if self.order.is_none_or(|current| current.token != order.token) {
            self.order = Some(order);
            self.since = None;
        }
    }

    pub(crate) fn withdraw(&mut self, token: StepToken) {
        if self.order.is_some_and(|order| order.token == token) {
            self.order = None;
            self.since = None;
        }
    }

    pub(crate) const fn order(&self) -> Option<&Perform> {
        self.order.as_ref()
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.since.is_some()
    }

    pub(crate) const fn performed(&self) -> Option<StepToken> {
        self.performed
    }

    /// Goes on with the order; `present` says that the robot stands where it is to be done. Whoever leaves begins
    /// again.
    pub(crate) fn advance(&mut self, now: RobotTime, present: bool) {
        let Some(order) = self.order.filter(|_| present) else {
            self.since = None;
            return;
        };
        let since = *self.since.get_or_insert(now);
        if now.since(since).is_some_and(|elapsed| order.duration <= elapsed) {
            self.performed = Some(order.token);
            if self.finished.len() == FINISHED_MAX {
                self.finished.pop_front();
            }
            self.finished.push_back(order.token);
            self.order = None;
            self.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use sheepdog_core::{Micros, TaskId, WaypointId, wire::Action};

    use super::*;

    fn order(step: u32) -> Perform {
        let token = StepToken { task: TaskId(1), award: 1, step };
        Perform { token, action: Action::Load, place: WaypointId(0), duration: Micros::from_secs(2) }
    }

    fn at(secs: u64) -> RobotTime {
        RobotTime::from_micros(secs * 1_000_000)
    }

    #[test]
    fn a_step_takes_its_time_and_is_done_once() {
        let mut duty = Duty::default();
        duty.perform(order(0));
        duty.advance(at(0), false);
        assert!(!duty.is_busy());
        duty.advance(at(1), true);
        duty.perform(order(0));
        duty.advance(at(2), true);
        assert_eq!((duty.is_busy(), duty.performed()), (true, None));
        duty.advance(at(3), true);
        assert_eq!((duty.is_busy(), duty.performed()), (false, Some(order(0).token)));
        duty.perform(order(0));
        assert_eq!(duty.order(), None, "a repeated order is not done twice");
    }

    #[test]
    fn an_older_order_that_is_repeated_is_reported_again() {
        let mut duty = Duty::default();
        for step in 0..2 {
            duty.perform(order(step));
            duty.advance(at(10 * u64::from(step)), true);
            duty.advance(at(10 * u64::from(step) + 2), true);
        }
        assert_eq!(duty.performed(), Some(order(1).token));
        duty.perform(order(0));
        assert_eq!((duty.order(), duty.performed()), (None, Some(order(0).token)));
    }

    #[test]
    fn leaving_the_place_or_withdrawing_ends_the_work() {
        let mut duty = Duty::default();
        duty.perform(order(0));
        duty.advance(at(0), true);
        duty.advance(at(1), false);
        duty.advance(at(2), true);
        duty.advance(at(3), true);
        assert_eq!(duty.performed(), None, "it began again at 2 s");
        duty.withdraw(order(1).token);
        assert!(duty.is_busy());
        duty.withdraw(order(0).token);
        duty.advance(at(9), true);
        assert_eq!(duty.performed(), None);
    }
}
