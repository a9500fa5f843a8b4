//! Stops, resets and beats from the fleet: what of them is still in force.

use sheepdog_core::{
    Micros, RobotTime, StopGeneration,
    wire::{Beat, Passage, ResetOrder, ResetStep, StopOrder},
};
use sheepdog_interlock::{Reset, State, StopCommand};

use crate::whereabouts::Whereabouts;

/// What the fleet has ordered and announced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    stop: Option<StopOrder>,
    /// A reset that has not been carried out yet.
    reset: Option<ResetOrder>,
    /// The furthest reset that has been carried out.
    taken: Option<(StopGeneration, ResetStep)>,
    /// Resets up to this stop were ordered while the button on the robot was pressed.
    void: Option<StopGeneration>,
    /// A reset that is behind `taken`: nothing to do, but the fleet waits for the answer.
    repeated: Option<ResetOrder>,
    reset_ack: Option<ResetOrder>,
    open: Vec<Passage>,
    shut: Vec<Passage>,
    beat: Option<((u32, u32), RobotTime)>,
}

impl Orders {
    /// The highest stop that concerns the robot stays in force; the interlock knows which one has been reset.
    pub(crate) fn stop(&mut self, order: StopOrder, whereabouts: &Whereabouts<'_>) {
        let concerned = whereabouts.is_in(order.scope);
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
        if self.void.is_some_and(|void| order.generation <= void) {
            return;
        }
        if self.taken.is_some_and(|taken| place <= taken) {
            self.repeated = Some(order);
        } else if self.reset.is_none_or(|reset| (reset.generation, reset.step) < place) {
            self.reset = Some(order);
        }
    }

    /// Voids the reset that waits, and all of its stop: letting go of a button that was pressed meanwhile must start
    /// nothing. Whoever wants the robot to move again orders a stop and resets that.
    pub(crate) fn void_pending(&mut self) {
        if let Some(order) = self.reset.take() {
            self.void = self.void.max(Some(order.generation));
        }
    }

    /// Takes in a beat. One that is older than the last, by the fleet's boot and then by number, is ignored: what it
    /// says of doors and lifts is history.
    pub(crate) fn beat(&mut self, beat: Beat, now: RobotTime) -> bool {
        let place = (beat.boot, beat.seq);
        if self.beat.is_some_and(|(last, _)| place <= last) {
            return false;
        }
        self.beat = Some((place, now));
        self.open = beat.open;
        self.shut = beat.shut;
        true
    }

    pub(crate) fn hears_fleet(&self, now: RobotTime, within: Micros) -> bool {
        self.beat.and_then(|(_, at)| now.since(at)).is_some_and(|silence| silence <= within)
    }

    pub(crate) fn open(&self) -> &[Passage] {
        &self.open
    }

    /// Passages that are known to be shut: of whatever else is where a door may be, nobody knows that it is the door.
    pub(crate) fn shut(&self, now: RobotTime, within: Micros) -> &[Passage] {
        if self.hears_fleet(now, within) { &self.shut } else { &[] }
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
                Some(Reset { generation: order.generation, step: Acknowledge, actor: order.actor })
            }
            (State::Acknowledged { .. }, ResetStep::Start) => {
                Some(Reset { generation: order.generation, step: Start, actor: order.actor })
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

#[cfg(test)]
mod tests {
    use sheepdog_core::{ActorId, AgentId, DoorId, LevelId, wire::StopScope};
    use sheepdog_map::{CompileOptions, CompiledSite, Site, model::Level};

    use super::*;
    use sheepdog_interlock::{Evidence, Relation, StopCategory, rules};

    const ME: AgentId = AgentId(1);
    const HERE: LevelId = LevelId(0);

    fn stop(generation: u32, scope: StopScope) -> StopOrder {
        StopOrder { scope, category: StopCategory::One, generation: StopGeneration(generation) }
    }

    fn site() -> CompiledSite {
        let mut site = Site::new("two levels");
        site.levels = vec![Level::new("0", 0.0), Level::new("1", 4.0)];
        site.compile(&CompileOptions::default()).unwrap()
    }

    /// A robot whose pose is known, far from everything.
    fn here(site: &CompiledSite) -> Whereabouts<'_> {
        let place = Some((nalgebra::Point2::new(0.0, 0.0), 0.4));
        Whereabouts { agent: ME, level: HERE, place, class: 0, site, ahead: Vec::new() }
    }

    fn order(generation: u32, step: ResetStep) -> ResetOrder {
        ResetOrder { generation: StopGeneration(generation), actor: ActorId(0), step }
    }

    fn latched() -> State {
        let evidence = Evidence { rule: rules::EST_001, measured: 1, relation: Relation::Above, limit: 0 };
        State::Latched { evidence, category: StopCategory::One }
    }

    #[test]
    fn only_stops_that_concern_it_count_and_the_highest_wins() {
        let (mut orders, site) = (Orders::default(), site());
        for other in [StopScope::Agent(AgentId(2)), StopScope::Level(LevelId(1))] {
            orders.stop(stop(9, other), &here(&site));
        }
        assert_eq!(orders.stop_command(), None);
        for (generation, scope) in
            [(2, StopScope::Agent(ME)), (4, StopScope::Level(HERE)), (3, StopScope::Site)]
        {
            orders.stop(stop(generation, scope), &here(&site));
        }
        assert_eq!(orders.stop_command().map(|stop| stop.generation), Some(StopGeneration(4)));
    }

    #[test]
    fn a_stop_that_arrives_after_its_start_is_over() {
        let (mut orders, site) = (Orders::default(), site());
        orders.reset(order(4, ResetStep::Start));
        orders.note_state(State::Ready);
        orders.stop(stop(4, StopScope::Site), &here(&site));
        assert_eq!(orders.stop_command(), None);
        orders.stop(stop(5, StopScope::Site), &here(&site));
        assert!(orders.stop_command().is_some());
    }

    #[test]
    fn an_older_reset_is_confirmed_but_never_put_to_a_latched_interlock() {
        let mut orders = Orders::default();
        orders.reset(order(4, ResetStep::Start));
        orders.note_state(State::Ready);
        for old in [order(3, ResetStep::Start), order(4, ResetStep::Acknowledge), order(4, ResetStep::Start)]
        {
            orders.reset(old);
            assert_eq!(orders.pending_reset(latched()), None);
            orders.note_state(latched());
            assert_eq!(orders.reset_ack(), Some(order(4, ResetStep::Start)));
        }
        // The fleet waits for the answer to a reset of an older stop; nothing is latched, so there is nothing to do.
        orders.reset(order(3, ResetStep::Start));
        orders.note_state(State::Ready);
        assert_eq!(orders.reset_ack(), Some(order(3, ResetStep::Start)));
    }

    #[test]
    fn beats_count_in_their_order_while_they_are_fresh() {
        let fresh = Micros::from_secs(2);
        let at = |secs: u64| RobotTime::from_micros(secs * 1_000_000);
        let shut = vec![Passage::Door(DoorId(1))];
        let beat = |seq, open| Beat { boot: 0, seq, open, shut: shut.clone(), stop: None, reset: None };
        let door = vec![Passage::Door(DoorId(0))];
        let mut orders = Orders::default();
        assert!(!orders.hears_fleet(at(0), fresh));
        assert!(orders.beat(beat(7, Vec::new()), at(1)));
        assert!(!orders.beat(beat(6, door.clone()), at(2)), "an older beat came late");
        assert!(orders.open().is_empty());
        assert!(orders.hears_fleet(at(3), fresh) && !orders.hears_fleet(at(4), fresh));
        assert_eq!(orders.shut(at(3), fresh), shut);
        assert!(orders.shut(at(4), fresh).is_empty(), "what was shut may have opened");
        assert!(!orders.beat(beat(0, door.clone()), at(4)), "silence does not make it news");
        let restarted = Beat { boot: 1, ..beat(0, door.clone()) };
        assert!(orders.beat(restarted, at(4)), "a fleet that restarted counts anew");
        assert_eq!(orders.open(), door);
    }
}
