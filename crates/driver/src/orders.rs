//! Stops, resets and beats from the fleet: what of them is still in force.

use sheepdog_core::{
    AgentId, LevelId, Micros, RobotTime, StopGeneration,
    wire::{Beat, Passage, ResetOrder, ResetStep, StopOrder, StopScope},
};
use sheepdog_interlock::{Reset, State, StopCommand};

/// What the fleet has ordered and announced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    stop: Option<StopOrder>,
    /// A reset that has not been carried out yet.
    reset: Option<ResetOrder>,
    /// The furthest reset that has been carried out.
    taken: Option<(StopGeneration, ResetStep)>,
    /// A reset that is behind `taken`: nothing to do, but the fleet waits for the answer.
    repeated: Option<ResetOrder>,
    reset_ack: Option<ResetOrder>,
    open: Vec<Passage>,
    beat: Option<(u32, RobotTime)>,
}

impl Orders {
    /// The highest stop that concerns the robot stays in force; the interlock knows which one has been reset.
    pub(crate) fn stop(&mut self, order: StopOrder, agent: AgentId, level: LevelId) {
        let concerned = match order.scope {
            StopScope::Site => true,
            StopScope::Level(stopped) => stopped == level,
            StopScope::Agent(stopped) => stopped == agent,
        };
        // A stop that arrives after its own start order is over.
        let is_over = self.taken.is_some_and(|taken| (order.generation, ResetStep::Start) <= taken);
        if concerned && !is_over && self.stop.is_none_or(|stop| stop.generation < order.generation) {
            self.stop = Some(order);
        }
    }

    /// A reset step counts once, and never after a later one: steps are ordered by generation, then step. So a copy
    /// that is late cannot release a latch that came after it.
    pub(crate) fn reset(&mut self, order: ResetOrder) {
        let place = (order.generation, order.step);
        if self.taken.is_some_and(|taken| place <= taken) {
            self.repeated = Some(order);
        } else if self.reset.is_none_or(|reset| (reset.generation, reset.step) < place) {
            self.reset = Some(order);
        }
    }

    /// Takes in a beat. One that is older than the last is ignored while the last is fresh; after that a fleet that
    /// counts from the start again is believed.
    pub(crate) fn beat(&mut self, beat: Beat, now: RobotTime, fresh: Micros) -> bool {
        let is_late = self.beat.is_some_and(|(seq, _)| beat.seq <= seq);
        if is_late && self.hears_fleet(now, fresh) {
            return false;
        }
        self.beat = Some((beat.seq, now));
        self.open = beat.open;
        true
    }

    pub(crate) fn hears_fleet(&self, now: RobotTime, within: Micros) -> bool {
        self.beat.and_then(|(_, at)| now.since(at)).is_some_and(|silence| silence <= within)
    }

    pub(crate) fn open(&self) -> &[Passage] {
        &self.open
    }

    pub(crate) fn stop_command(&self) -> Option<StopCommand> {
        self.stop.map(|stop| StopCommand { generation: stop.generation, category: stop.category })
    }

    /// The step to put to the interlock now.
    ///
    /// A start proves that somebody acknowledged before: the fleet takes no other order. So a robot that has missed
    /// the first message takes both steps, one after the other.
    pub(crate) fn pending_reset(&self, state: State) -> Option<Reset> {
        use sheepdog_interlock::ResetStep::{Acknowledge, Start};
        let order = self.reset?;
        match (state, order.step) {
            (State::Latched { .. }, ResetStep::Acknowledge | ResetStep::Start) => {
                Some(Reset { generation: order.generation, step: Acknowledge })
            }
            (State::Acknowledged { .. }, ResetStep::Start) => {
                Some(Reset { generation: order.generation, step: Start })
            }
            (State::Acknowledged { .. }, ResetStep::Acknowledge)
            | (
                State::Boot | State::Stopped { .. } | State::Slow | State::Ready | State::Stopping { .. },
                ResetStep::Acknowledge | ResetStep::Start,
            ) => None,
        }
    }

    /// Confirms the reset once the interlock is where it leads; a robot that is not latched has nothing to do.
    pub(crate) fn note_state(&mut self, state: State) {
        if let Some(order) = self.repeated.take()
            && !state.needs_person()
        {
            self.reset_ack = Some(order);
        }
        let Some(order) = self.reset else { return };
        let carried_out = match state {
            State::Latched { .. } => false,
            State::Acknowledged { .. } => order.step == ResetStep::Acknowledge,
            State::Boot | State::Stopped { .. } | State::Slow | State::Ready | State::Stopping { .. } => true,
        };
        if carried_out {
            self.taken = self.taken.max(Some((order.generation, order.step)));
            self.reset_ack = self.reset.take();
        }
    }

    pub(crate) const fn reset_ack(&self) -> Option<ResetOrder> {
        self.reset_ack
    }
}
