//! Doors and lifts: opened for whoever holds them, held open until cleared.

use std::collections::BTreeMap;

use sheepdog_core::{
    AgentId, DoorId, FleetTime, LaneId, LevelId, LiftId, Micros, ResourceId,
    wire::{DoorState, Passage, PeripheralCommand, PeripheralReport},
};
use sheepdog_map::{CompiledSite, Lane, Resource};

use crate::{
    area::covers_lift,
    fleet::Fleet,
    input::Output,
    rules,
    state::{PassageState, RobotState},
};

/// A command that has had no effect for this long is given again.
const REPEAT_AFTER: Micros = Micros::from_secs(2);
/// A passage that keeps a robot at its sill waiting for longer than this is stuck.
const STUCK_AFTER: Micros = Micros::from_secs(30);
/// A stuck passage is tried again after this long, or as soon as it reports another state.
const OVERDUE_FOR: Micros = Micros::from_secs(300);

impl PassageState {
    /// A passage that nobody has commanded or heard of yet, taken as shut.
    pub(crate) const fn closed(level: LevelId, now: FleetTime) -> Self {
        Self {
            level,
            state: DoorState::Closed,
            commanded: None,
            commanded_at: now,
            heard: now,
            is_known: false,
            waited_for: None,
            overdue: None,
        }
    }

    /// Whether a lift stands open at a level by a report that is not too old.
    pub(crate) fn is_open_at(&self, level: LevelId, now: FleetTime, fresh: Micros) -> bool {
        let is_fresh = now.since(self.heard).is_some_and(|age| age <= fresh);
        is_fresh && self.level == level && self.state == DoorState::Open
    }

    /// Whether a door is shut, or on its way, by its own report: its leaves stand in the doorway, and nobody gets through.
    /// Doors report on change.
    const fn is_shut(&self) -> bool {
        self.is_known && matches!(self.state, DoorState::Closed | DoorState::Moving)
    }

    /// Whether a lift's door at a level is shut, or on its way, by a report that is not too old: it is, or the cabin is
    /// elsewhere.
    fn is_shut_at(&self, level: LevelId, now: FleetTime, fresh: Micros) -> bool {
        let is_fresh = self.is_known && now.since(self.heard).is_some_and(|age| age <= fresh);
        let shut = match self.state {
            DoorState::Closed | DoorState::Moving => true,
            DoorState::Open => self.level != level,
            DoorState::Faulty => false,
        };
        is_fresh && shut
    }
}

impl Fleet {
    pub(crate) fn peripheral_report(&mut self, report: PeripheralReport) {
        let (name, passage, level, state) = match report {
            PeripheralReport::Door { door, state } => {
                let name = self.site.door(door).map(|door| door.name.as_str());
                (name, self.state.doors.get_mut(door.index()), None, state)
            }
            PeripheralReport::Lift { lift, level, state } => {
                let name = self.site.lift(lift).map(|lift| lift.name.as_str());
                (name, self.state.lifts.get_mut(lift.index()), Some(level), state)
            }
            PeripheralReport::Machine { station, state } => return self.machine_report(station, state),
        };
        let Some(passage) = passage else { return };
        let before = passage.state;
        passage.state = state;
        passage.level = level.unwrap_or(passage.level);
        passage.heard = self.state.now;
        passage.is_known = true;
        if before != state && passage.overdue.take().is_some() {
            self.state.planning.due = true;
        }
        self.state.peripherals_due = true;
        if (before == DoorState::Faulty) != (state == DoorState::Faulty) {
            self.state.planning.due = true;
            let verb = if state == DoorState::Faulty { "reports a fault" } else { "works again" };
            let text = format!("{} {verb}", name.unwrap_or_default());
            self.alert(rules::PASSAGE_FAULTY, None, None, text);
        }
    }

    /// Resources of passages that are out of order.
    pub(crate) fn faulty_passages(&self) -> Vec<ResourceId> {
        let faulty = |passages: &[PassageState], index: usize| {
            let closed =
                |passage: &PassageState| passage.state == DoorState::Faulty || passage.overdue.is_some();
            passages.get(index).is_some_and(closed)
        };
        let numbered = (0_u32..).zip(self.site.resources());
        numbered
            .filter(|(_, resource)| match resource {
                Resource::Door(door) => faulty(&self.state.doors, door.index()),
                Resource::Lift(lift) => faulty(&self.state.lifts, lift.index()),
                Resource::Place(_) | Resource::Overlap(..) | Resource::Corridor(_) | Resource::Group(_) => {
                    false
                }
            })
            .map(|(index, _)| ResourceId(index))
            .collect()
    }

    /// Notices doors and lifts that keep a robot at their sill waiting, and closes them to planning for a while.
    pub(crate) fn watch_passages(&mut self) {
        let now = self.state.now;
        let mut waiting: BTreeMap<Passage, AgentId> = BTreeMap::new();
        for (id, agent) in &self.state.agents {
            let lane = agent.robot.as_ref().and_then(|robot| self.site.lane(*robot.ahead().first()?));
            let Some(lane) = lane else { continue };
            for passage in passages_of(&self.site, lane) {
                if !self.is_passable(passage) {
                    waiting.entry(passage).or_insert(*id);
                }
            }
        }
        let mut late = Vec::new();
        let lifts = (0..).map(LiftId).zip(&mut self.state.lifts).map(|(id, state)| (Err(id), state));
        let doors = (0..).map(DoorId).zip(&mut self.state.doors).map(|(id, state)| (Ok(id), state));
        for (id, state) in doors.chain(lifts) {
            let is_it = |passage: &Passage| match (passage, id) {
                (Passage::Door(door), Ok(id)) => *door == id,
                (Passage::Lift(lift, _), Err(id)) => *lift == id,
                (Passage::Door(_), Err(_)) | (Passage::Lift(..), Ok(_)) => false,
            };
            let by = waiting.iter().find(|(passage, _)| is_it(passage)).map(|(_, agent)| *agent);
            if state.overdue.and_then(|since| now.since(since)).is_some_and(|span| OVERDUE_FOR < span) {
                state.overdue = None;
                self.state.planning.due = true;
            }
            state.waited_for = by.map(|_| state.waited_for.unwrap_or(now));
            let waited = state.waited_for.and_then(|since| now.since(since)).unwrap_or_default();
            if STUCK_AFTER < waited && state.overdue.is_none() {
                state.overdue = Some(now);
                self.state.planning.due = true;
                late.extend(by.map(|agent| (id, agent)));
            }
        }
        for (id, agent) in late {
            let name = match id {
                Ok(door) => self.site.door(door).map(|door| door.name.clone()),
                Err(lift) => self.site.lift(lift).map(|lift| lift.name.clone()),
            };
            let text = format!(
                "{} keeps {} waiting at its sill; others go round it",
                name.unwrap_or_default(),
                self.name(agent)
            );
            self.alert(rules::PASSAGE_STUCK, Some(agent), None, text);
        }
    }

    /// Whether a robot could pass by the last report.
    fn is_passable(&self, passage: Passage) -> bool {
        match passage {
            Passage::Door(door) => {
                self.state.doors.get(door.index()).is_some_and(|door| door.state == DoorState::Open)
            }
            Passage::Lift(lift, level) => {
                let fresh = self.config.lift_fresh;
                let state = self.state.lifts.get(lift.index());
                state.is_some_and(|state| state.is_open_at(level, self.state.now, fresh))
            }
        }
    }

    /// Passages that are shut by their own reports, by level.
    pub(crate) fn shut_passages(&self) -> BTreeMap<LevelId, Vec<Passage>> {
        let (now, fresh) = (self.state.now, self.config.lift_fresh);
        let mut shut: BTreeMap<LevelId, Vec<Passage>> = BTreeMap::new();
        for ((id, door), state) in (0..).map(DoorId).zip(self.site.doors()).zip(&self.state.doors) {
            if state.is_shut() {
                shut.entry(door.level).or_default().push(Passage::Door(id));
            }
        }
        for ((id, lift), state) in (0..).map(LiftId).zip(self.site.lifts()).zip(&self.state.lifts) {
            for level in lift.stops.iter().map(|stop| stop.level) {
                if state.is_shut_at(level, now, fresh) {
                    shut.entry(level).or_default().push(Passage::Lift(id, level));
                }
            }
        }
        shut
    }

    /// Whether a robot's release leads through a passage that keeps robots waiting: it gives back what it can.
    pub(crate) fn waits_for_stuck(&self, robot: &RobotState) -> bool {
        let overdue = |passage: Passage| {
            match passage {
                Passage::Door(door) => self.state.doors.get(door.index()),
                Passage::Lift(lift, _) => self.state.lifts.get(lift.index()),
            }
            .is_some_and(|state| state.overdue.is_some())
        };
        let lanes = robot.ahead().iter().filter_map(|lane| self.site.lane(*lane));
        lanes.flat_map(|lane| passages_of(&self.site, lane)).any(overdue)
    }

    /// Commands every door and lift to where its holder needs it.
    pub(crate) fn move_passages(&mut self) {
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

/// Whether a lane has to do with a door or a lift.
pub(crate) fn leads_through(site: &CompiledSite, lane: LaneId) -> bool {
    site.lane(lane).is_some_and(|lane| {
        let in_lift = |at| site.waypoint(at).is_some_and(|at| at.lift.is_some());
        !lane.doors.is_empty() || in_lift(lane.from) || in_lift(lane.to)
    })
}

/// Doors across a lane, and the door of a lift that it leads into or out of.
fn passages_of(site: &CompiledSite, lane: &Lane) -> Vec<Passage> {
    let lift_at = |at| site.waypoint(at).and_then(|at| Some((at.lift?, at.level)));
    let (from, to) = (lift_at(lane.from), lift_at(lane.to));
    let rides = lane.ride.is_some() || from.map(|at| at.0) == to.map(|at| at.0);
    let lifts = [from, to].into_iter().flatten().filter(|_| !rides);
    let lifts = lifts.map(|(lift, level)| Passage::Lift(lift, level));
    lane.doors.iter().map(|door| Passage::Door(*door)).chain(lifts).collect()
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
