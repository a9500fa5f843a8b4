//! Doors and lifts: opened for whoever holds them, held open until cleared.

use sheepdog_core::{
    DoorId, FleetTime, LevelId, LiftId, Micros, ResourceId,
    wire::{DoorState, PeripheralCommand, PeripheralReport},
};
use sheepdog_map::Resource;

use crate::{
    area::covers_lift,
    fleet::Fleet,
    input::Output,
    rules,
    state::{PassageState, RobotState},
};

/// A command that has had no effect for this long is given again.
const REPEAT_AFTER: Micros = Micros::from_secs(2);

impl PassageState {
    /// A shut passage that nobody has commanded yet.
    pub(crate) const fn closed(level: LevelId, now: FleetTime) -> Self {
        Self { level, state: DoorState::Closed, commanded: None, commanded_at: now }
    }
}

impl Fleet {
    pub(crate) fn peripheral_report(&mut self, report: PeripheralReport) {
        let (passage, level, state) = match report {
            PeripheralReport::Door { door, state } => (self.state.doors.get_mut(door.index()), None, state),
            PeripheralReport::Lift { lift, level, state } => {
                (self.state.lifts.get_mut(lift.index()), Some(level), state)
            }
        };
        let Some(passage) = passage else { return };
        let before = passage.state;
        passage.state = state;
        passage.level = level.unwrap_or(passage.level);
        self.state.passages_due = true;
        if (before == DoorState::Faulty) != (state == DoorState::Faulty) {
            self.state.planning.due = true;
            let what = match report {
                PeripheralReport::Door { door, .. } => self.site.door(door).map(|door| door.name.clone()),
                PeripheralReport::Lift { lift, .. } => self.site.lift(lift).map(|lift| lift.name.clone()),
            };
            let verb = if state == DoorState::Faulty { "reports a fault" } else { "works again" };
            let text = format!("{} {verb}", what.unwrap_or_default());
            self.alert(rules::PASSAGE_FAULTY, None, None, text);
        }
    }

    /// Resources of passages that are out of order.
    pub(crate) fn faulty_passages(&self) -> Vec<ResourceId> {
        let faulty = |passages: &[PassageState], index: usize| {
            passages.get(index).is_some_and(|passage| passage.state == DoorState::Faulty)
        };
        let numbered = (0_u32..).zip(self.site.resources());
        numbered
            .filter(|(_, resource)| match resource {
                Resource::Door(door) => faulty(&self.state.doors, door.index()),
                Resource::Lift(lift) => faulty(&self.state.lifts, lift.index()),
                Resource::Place(_) | Resource::Overlap(..) | Resource::Corridor(_) => false,
            })
            .map(|(index, _)| ResourceId(index))
            .collect()
    }

    /// Commands every door and lift to where its holder needs it.
    pub(crate) fn move_passages(&mut self) {
        if !std::mem::take(&mut self.state.passages_due) {
            return;
        }
        let mut doors = vec![false; self.state.doors.len()];
        let mut lifts = vec![None; self.state.lifts.len()];
        for robot in self.state.agents.values().filter_map(|agent| agent.robot.as_ref()) {
            self.wanted_doors(robot, &mut doors);
            self.wanted_lifts(robot, &mut lifts);
        }
        let now = self.state.now;
        let mut commands = Vec::new();
        for ((index, open), passage) in (0_u32..).zip(doors).zip(&mut self.state.doors) {
            let wanted = PeripheralCommand::Door { door: DoorId(index), open };
            let reached = passage.state == if open { DoorState::Open } else { DoorState::Closed };
            commands.extend(passage.command(wanted, open, reached, now));
        }
        let stops = self.area_stops();
        for ((index, level), passage) in (0_u32..).zip(lifts).zip(&mut self.state.lifts) {
            let lift = LiftId(index);
            if stops.iter().any(|stop| covers_lift(&self.site, stop.scope, lift)) {
                // Somebody may be in it, or on its sill: it stays where it was called to.
                continue;
            }
            let (wanted, reached) = match level {
                Some(level) => (
                    PeripheralCommand::CallLift { lift, level },
                    passage.level == level && passage.state == DoorState::Open,
                ),
                None => (PeripheralCommand::FreeLift { lift }, passage.state == DoorState::Closed),
            };
            commands.extend(passage.command(wanted, level.is_some(), reached, now));
        }
        for command in commands {
            self.output(Output::ToPeripheral(command));
        }
    }

    /// Whether a stop or a fire alarm keeps robots from getting into a lift.
    pub(crate) fn keeps_out_of(&self, lift: LiftId) -> bool {
        self.burns_at(lift) || self.area_stops().iter().any(|stop| covers_lift(&self.site, stop.scope, lift))
    }

    fn wanted_doors(&self, robot: &RobotState, doors: &mut [bool]) {
        let lanes = robot.ahead().iter().filter_map(|lane| self.site.lane(*lane));
        // What stands in a fire door keeps it open by itself; whoever has not reached it gives its release back.
        for door in lanes.flat_map(|lane| &lane.doors).filter(|door| !self.keeps_shut(**door)) {
            if let Some(wanted) = doors.get_mut(door.index()) {
                *wanted = true;
            }
        }
    }

    /// A lift is wanted where its passenger gets in, then where it gets out, until the way out is cleared.
    fn wanted_lifts(&self, robot: &RobotState, lifts: &mut [Option<LevelId>]) {
        for (index, lane) in robot.ahead().iter().filter_map(|lane| self.site.lane(*lane)).enumerate() {
            let (Some(from), Some(to)) = (self.site.waypoint(lane.from), self.site.waypoint(lane.to)) else {
                continue;
            };
            // On the way in and on the way out the cabin is wanted at the level of the lane; a ride that is next
            // means that the robot is inside and wants to be at the other end.
            let (Some(lift), level) = (from.lift.or(to.lift), to.level) else { continue };
            let waits_outside = index != 0 || robot.proves_standing_at(&self.site, lane.from);
            if from.lift != Some(lift) && waits_outside && self.burns_at(lift) {
                // It stays outside, and so do those who ride with it in its release.
                return;
            }
            if let Some(wanted) = lifts.get_mut(lift.index()) {
                wanted.get_or_insert(level);
            }
        }
    }
}

impl PassageState {
    /// The command to give, if it differs from the last one or that one has had no effect for a while.
    fn command(
        &mut self,
        wanted: PeripheralCommand,
        active: bool,
        reached: bool,
        now: FleetTime,
    ) -> Option<PeripheralCommand> {
        let idle = self.commanded.is_none() && !active;
        let same = self.commanded == Some(wanted);
        let waited = now.since(self.commanded_at).unwrap_or_default();
        if idle || (same && (reached || waited < REPEAT_AFTER)) {
            return None;
        }
        self.commanded = Some(wanted);
        self.commanded_at = now;
        Some(wanted)
    }
}
