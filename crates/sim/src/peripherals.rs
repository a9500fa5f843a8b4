//! Doors, lifts and machines, with sensors of their own.
//!
//! A door or lift door that is asked to close while a body stands in the opening opens again and stays open until
//! the body has gone. A cabin leaves only with its door shut and nobody on the sill. Whoever stands in the cabin when
//! it leaves is on the new level when it arrives. States are reported on change, and once at the start; a
//! lift that is called repeats its own every second.

use std::{collections::VecDeque, sync::Arc};

use nalgebra::{Point2, Vector2};
use sheepdog_core::{
    AgentId, DoorId, FleetTime, LevelId, LiftId, Micros, StationId, WaypointId,
    wire::{DoorState, MachineState, PeripheralCommand, PeripheralReport},
};
use sheepdog_driver::Peripheral;
use sheepdog_map::{CompiledSite, Lift};

use crate::{
    config::MachineSpec,
    error::PlantError,
    fault::FaultKind,
    machines::{Handed, MachinePlant},
    world::{Barrier, Disc, Owner, point_segment},
};

/// A lift that is called repeats its state this often, so that whoever enters has fresh news.
const REPORT_CALLED_EVERY: Micros = Micros::from_secs(1);

/// A body nearer than this to an opening is in it, beyond its own radius.
const SILL_MARGIN_M: f64 = 0.1;

/// All doors, lifts and machines of a site.
#[derive(Debug)]
pub struct Peripherals {
    site: Arc<CompiledSite>,
    doors: Vec<DoorPlant>,
    lifts: Vec<LiftPlant>,
    machines: Vec<MachinePlant>,
    reports: VecDeque<PeripheralReport>,
}

/// A body that a lift has taken to another level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) owner: Owner,
    pub(crate) to: LevelId,
}

#[derive(Debug)]
struct DoorPlant {
    leaf: Leaf,
    /// Whether the fleet holds it open.
    commanded: bool,
    /// Until when somebody who walks up to it holds it open.
    held_until: FleetTime,
    stuck: bool,
    /// It closes, and stays so.
    shut: bool,
    reported: Option<DoorState>,
}

#[derive(Debug)]
struct LiftPlant {
    leaf: Leaf,
    /// Height of each stop's floor, metres.
    heights_m: Vec<f64>,
    /// Index of the stop it stands at or left last.
    stop: usize,
    /// Index of the stop it is called to.
    called: Option<usize>,
    ride: Option<Ride>,
    stuck: bool,
    /// Its doors stay where they are.
    leaf_stuck: bool,
    reported: Option<(usize, DoorState)>,
    reported_at: FleetTime,
}

#[derive(Debug)]
struct Ride {
    to: usize,
    left: Micros,
    riders: Vec<Owner>,
}

/// How far something that opens is open, counted in the time it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leaf {
    opened: Micros,
    opening: Micros,
}

impl Leaf {
    fn shut(opening: Micros) -> Self {
        Self { opened: Micros::ZERO, opening: opening.max(Micros::new(1)) }
    }

    fn open(&mut self, span: Micros) {
        self.opened = self.opened.saturating_add(span).min(self.opening);
    }

    fn close(&mut self, span: Micros) {
        self.opened = self.opened.saturating_sub(span);
    }

    fn state(self) -> DoorState {
        if self.opened == Micros::ZERO {
            DoorState::Closed
        } else if self.opened == self.opening {
            DoorState::Open
        } else {
            DoorState::Moving
        }
    }
}

impl Peripherals {
    /// All doors shut; each lift at its lowest-numbered level, free and shut.
    pub fn new(site: Arc<CompiledSite>) -> Self {
        let doors = site.doors().iter().map(|door| DoorPlant::new(door.opening)).collect();
        let lifts = site.lifts().iter().map(|lift| LiftPlant::new(&site, lift)).collect();
        Self { site, doors, lifts, machines: Vec::new(), reports: VecDeque::new() }
    }

    /// The same with machines at stations.
    ///
    /// # Errors
    /// [`PlantError::Machine`] for a station that is not there, or that has one already.
    pub fn with_machines(mut self, specs: &[MachineSpec]) -> Result<Self, PlantError> {
        for spec in specs {
            let station = spec.station;
            let plant = MachinePlant::new(&self.site, spec).filter(|_| self.machine(station).is_none());
            self.machines.push(plant.ok_or(PlantError::Machine { station })?);
        }
        Ok(self)
    }

    /// What a machine does; `Faulty` while it is stuck.
    pub fn machine(&self, station: StationId) -> Option<MachineState> {
        self.machines.iter().find(|plant| plant.station == station).map(MachinePlant::state)
    }

    /// Where a door stands; `Faulty` while it is stuck.
    pub fn door(&self, door: DoorId) -> Option<DoorState> {
        self.doors.get(door.index()).map(DoorPlant::state)
    }

    /// The level a lift stands at or left last, and where its door there stands.
    pub fn lift(&self, lift: LiftId) -> Option<(LevelId, DoorState)> {
        let plant = self.lifts.get(lift.index())?;
        Some((self.site.lift(lift)?.stops.get(plant.stop)?.level, plant.state()))
    }

    /// Holds a door open for somebody who walks up to it, beside what the fleet commands.
    pub(crate) fn hold_door(&mut self, door: DoorId, until: FleetTime) {
        if let Some(plant) = self.doors.get_mut(door.index()) {
            plant.held_until = plant.held_until.max(until);
        }
    }

    /// Lets every door, lift and machine move again.
    pub(crate) fn unstick(&mut self) {
        self.doors.iter_mut().for_each(|plant| (plant.stuck, plant.shut) = (false, false));
        self.lifts.iter_mut().for_each(|plant| (plant.stuck, plant.leaf_stuck) = (false, false));
        self.machines.iter_mut().for_each(|plant| plant.stuck = false);
    }

    /// Plays a fault on a door in this tick; returns whether that makes a difference: a stuck door says so.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    pub(crate) fn break_door(&mut self, door: DoorId, kind: FaultKind) -> bool {
        let Some(plant) = self.doors.get_mut(door.index()) else { return false };
        match kind {
            FaultKind::DoorStuck => plant.stuck = true,
            FaultKind::DoorShut => {
                plant.shut = true;
                return plant.commanded || plant.leaf.opened != Micros::ZERO;
            }
            _ => return false,
        }
        true
    }

    /// Plays a fault on a lift in this tick; returns whether that makes a difference: a stuck lift says so.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    pub(crate) fn break_lift(&mut self, lift: LiftId, kind: FaultKind) -> bool {
        let Some(plant) = self.lifts.get_mut(lift.index()) else { return false };
        match kind {
            FaultKind::LiftStuck => plant.stuck = true,
            FaultKind::LiftDoorStuck => {
                plant.leaf_stuck = true;
                let opens = plant.called == Some(plant.stop) || plant.leaf.opened != Micros::ZERO;
                return opens && plant.ride.is_none();
            }
            _ => return false,
        }
        true
    }

    /// Plays a fault on a machine in this tick; returns whether that makes a difference: a stuck machine says so.
    pub(crate) fn break_machine(&mut self, station: StationId, kind: FaultKind) -> bool {
        let plant = self.machines.iter_mut().find(|plant| plant.station == station);
        let stuck = plant.filter(|_| kind == FaultKind::MachineStuck);
        stuck.map(|plant| plant.stuck = true).is_some()
    }

    /// Whether a machine serves whoever stands at a waypoint.
    pub(crate) fn serves_at(&self, place: WaypointId) -> bool {
        self.machines.iter().any(|plant| plant.waypoint == place)
    }

    /// Lets `span` pass for the machines, and says what they have done; `owner_of` knows whose body is a robot's.
    pub(crate) fn advance_machines(
        &mut self,
        span: Micros,
        discs: &[Disc],
        owner_of: impl Fn(AgentId) -> Option<Owner>,
    ) -> Vec<Handed> {
        self.machines.iter_mut().filter_map(|plant| plant.advance(span, discs, &owner_of)).collect()
    }

    /// Lets `span` pass after `now` with bodies where they are, and says who has been carried to another level.
    ///
    /// Linear in doors and lifts; each one that closes looks at every body.
    pub(crate) fn advance(&mut self, now: FleetTime, span: Micros, discs: &[Disc]) -> Vec<Carried> {
        let mut carried = Vec::new();
        for (plant, door) in self.doors.iter_mut().zip(self.site.doors()) {
            let blocked = || in_opening(discs, door.level, &[[door.a, door.b]]);
            plant.advance(now, span, blocked);
        }
        for (plant, lift) in self.lifts.iter_mut().zip(self.site.lifts()) {
            plant.advance(span, lift, discs, &mut carried);
        }
        self.report_changes(now);
        carried
    }

    fn report_changes(&mut self, now: FleetTime) {
        for (index, plant) in (0..).zip(&mut self.doors) {
            let state = plant.state();
            if plant.reported.replace(state) != Some(state) {
                self.reports.push_back(PeripheralReport::Door { door: DoorId(index), state });
            }
        }
        for ((index, plant), lift) in (0..).zip(&mut self.lifts).zip(self.site.lifts()) {
            let (stop, state) = (plant.stop, plant.state());
            let Some(level) = lift.stops.get(stop).map(|stop| stop.level) else { continue };
            let due = plant.called.is_some()
                && now.since(plant.reported_at).is_some_and(|span| REPORT_CALLED_EVERY <= span);
            if plant.reported.replace((stop, state)) != Some((stop, state)) || due {
                plant.reported_at = now;
                self.reports.push_back(PeripheralReport::Lift { lift: LiftId(index), level, state });
            }
        }
        for plant in &mut self.machines {
            let (station, state) = (plant.station, plant.state());
            if plant.reported.replace(state) != Some(state) {
                self.reports.push_back(PeripheralReport::Machine { station, state });
            }
        }
    }

    /// Every opening that is not fully open.
    pub(crate) fn barriers(&self) -> Vec<Barrier> {
        let doors = self.doors.iter().zip(self.site.doors());
        let shut = doors
            .filter(|(plant, _)| plant.leaf.state() != DoorState::Open)
            .map(|(_, door)| Barrier { level: door.level, a: door.a, b: door.b });
        let lifts = self.lifts.iter().zip(self.site.lifts());
        let shafts = lifts.flat_map(|(plant, lift)| {
            let open = plant.open_stop();
            let stops = lift.stops.iter().enumerate().filter(move |(index, _)| open != Some(*index));
            stops.flat_map(|(_, stop)| stop.doors.iter().map(|&[a, b]| Barrier { level: stop.level, a, b }))
        });
        shut.chain(shafts).collect()
    }
}

impl Peripheral for Peripherals {
    /// Commands for doors, lifts, levels or machines that do not exist are dropped.
    fn command(&mut self, command: PeripheralCommand) {
        match command {
            PeripheralCommand::Door { door, open } => {
                if let Some(plant) = self.doors.get_mut(door.index()) {
                    plant.commanded = open;
                }
            }
            PeripheralCommand::CallLift { lift, level } => {
                let stop = self
                    .site
                    .lift(lift)
                    .and_then(|model| model.stops.iter().position(|stop| stop.level == level));
                if let (Some(plant), Some(stop)) = (self.lifts.get_mut(lift.index()), stop) {
                    plant.called = Some(stop);
                }
            }
            PeripheralCommand::FreeLift { lift } => {
                if let Some(plant) = self.lifts.get_mut(lift.index()) {
                    plant.called = None;
                }
            }
            PeripheralCommand::Serve { station, token, agent, action } => {
                self.machines
                    .iter_mut()
                    .filter(|plant| plant.station == station)
                    .for_each(|plant| plant.serve(token, agent, action));
            }
            PeripheralCommand::Rest { station } => {
                self.machines
                    .iter_mut()
                    .filter(|plant| plant.station == station)
                    .for_each(MachinePlant::rest);
            }
        }
    }

    fn poll(&mut self) -> Option<PeripheralReport> {
        self.reports.pop_front()
    }
}

impl DoorPlant {
    fn new(opening: Micros) -> Self {
        Self {
            leaf: Leaf::shut(opening),
            commanded: false,
            held_until: FleetTime::ZERO,
            stuck: false,
            shut: false,
            reported: None,
        }
    }

    fn state(&self) -> DoorState {
        if self.stuck { DoorState::Faulty } else { self.leaf.state() }
    }

    fn advance(&mut self, now: FleetTime, span: Micros, blocked: impl FnOnce() -> bool) {
        if self.stuck {
            return;
        }
        let wanted = !self.shut && (self.commanded || now < self.held_until);
        if wanted || (self.leaf.opened != Micros::ZERO && blocked()) {
            self.leaf.open(span);
        } else {
            self.leaf.close(span);
        }
    }
}

impl LiftPlant {
    fn new(site: &CompiledSite, lift: &Lift) -> Self {
        let height_m = |level| site.level(level).map_or(0.0, |level| level.elevation_m);
        Self {
            leaf: Leaf::shut(lift.door_time),
            heights_m: lift.stops.iter().map(|stop| height_m(stop.level)).collect(),
            stop: 0,
            called: None,
            ride: None,
            stuck: false,
            leaf_stuck: false,
            reported: None,
            reported_at: FleetTime::ZERO,
        }
    }

    /// Time of a ride at even speed, at least a microsecond.
    fn ride_time(&self, to: usize, speed_mps: f64) -> Micros {
        let (Some(from_m), Some(to_m)) = (self.heights_m.get(self.stop), self.heights_m.get(to)) else {
            return Micros::new(1);
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        let micros = ((to_m - from_m).abs() / speed_mps * 1e6).ceil() as u64;
        Micros::new(micros.max(1))
    }

    fn state(&self) -> DoorState {
        if self.stuck { DoorState::Faulty } else { self.leaf.state() }
    }

    /// The stop at which the cabin stands with its door fully open.
    fn open_stop(&self) -> Option<usize> {
        (self.ride.is_none() && self.leaf.state() == DoorState::Open).then_some(self.stop)
    }

    fn advance(&mut self, span: Micros, lift: &Lift, discs: &[Disc], carried: &mut Vec<Carried>) {
        if self.stuck {
            return;
        }
        if let Some(ride) = &mut self.ride {
            ride.left = ride.left.saturating_sub(span);
            if ride.left == Micros::ZERO {
                self.arrive(lift, carried);
            }
            return;
        }
        if self.leaf_stuck && (self.called == Some(self.stop) || self.leaf.opened != Micros::ZERO) {
            return;
        }
        if self.called == Some(self.stop) {
            self.leaf.open(span);
            return;
        }
        let Some(here) = lift.stops.get(self.stop) else { return };
        let blocked = in_opening(discs, here.level, &here.doors);
        if self.leaf.opened != Micros::ZERO {
            if blocked { self.leaf.open(span) } else { self.leaf.close(span) }
        } else if let Some(to) = self.called
            && !blocked
        {
            self.depart(to, lift, discs);
        }
    }

    fn depart(&mut self, to: usize, lift: &Lift, discs: &[Disc]) {
        let Some(here) = lift.stops.get(self.stop) else { return };
        let inside = |disc: &&Disc| disc.level == here.level && in_cabin(lift, disc.at);
        let riders = discs.iter().filter(inside).map(|disc| disc.owner).collect();
        self.ride = Some(Ride { to, left: self.ride_time(to, lift.speed_mps), riders });
    }

    fn arrive(&mut self, lift: &Lift, carried: &mut Vec<Carried>) {
        let Some(Ride { to, riders, .. }) = self.ride.take() else { return };
        let Some(stop) = lift.stops.get(to) else { return };
        self.stop = to;
        carried.extend(riders.into_iter().map(|owner| Carried { owner, to: stop.level }));
    }
}

/// Whether a body reaches into one of the openings of a level.
fn in_opening(discs: &[Disc], level: LevelId, openings: &[[Point2<f64>; 2]]) -> bool {
    let reaches = |disc: &Disc, a, b| point_segment(disc.at, a, b) < disc.radius_m + SILL_MARGIN_M;
    discs
        .iter()
        .filter(|disc| disc.level == level)
        .any(|disc| openings.iter().any(|&[a, b]| reaches(disc, a, b)))
}

/// Whether a point lies in the rectangle of a lift's cabin.
fn in_cabin(lift: &Lift, at: Point2<f64>) -> bool {
    // `libm`, because the rotation of nalgebra takes the platform's sine.
    let x_axis = Vector2::new(libm::cos(lift.yaw_rad), libm::sin(lift.yaw_rad));
    let offset = at - lift.at;
    offset.dot(&x_axis).abs() <= lift.width_m / 2.0 && x_axis.perp(&offset).abs() <= lift.depth_m / 2.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    const TICK: Micros = Micros::from_millis(50);
    const DOOR: DoorId = DoorId(0);
    const LIFT: LiftId = LiftId(0);

    struct Building {
        peripherals: Peripherals,
        now: FleetTime,
    }

    impl Building {
        fn new() -> Self {
            Self { peripherals: Peripherals::new(fixture::site()), now: FleetTime::ZERO }
        }

        fn run(&mut self, millis: u64, discs: &[Disc]) -> Vec<Carried> {
            let ticks = millis / TICK.as_millis();
            (0..ticks).flat_map(|_| self.tick(discs)).collect()
        }

        fn tick(&mut self, discs: &[Disc]) -> Vec<Carried> {
            let carried = self.peripherals.advance(self.now, TICK, discs);
            self.now = self.now + TICK;
            carried
        }

        fn reports(&mut self) -> Vec<PeripheralReport> {
            std::iter::from_fn(|| self.peripherals.poll()).collect()
        }
    }

    fn robot(level: u32, x: f64, y: f64) -> Disc {
        Disc {
            owner: Owner::Robot(0),
            level: LevelId(level),
            at: Point2::new(x, y),
            radius_m: 0.25,
            drift: Vector2::zeros(),
        }
    }

    fn door(state: DoorState) -> PeripheralReport {
        PeripheralReport::Door { door: DOOR, state }
    }

    #[test]
    fn a_door_opens_in_its_time_and_reports_changes_only() {
        let mut building = Building::new();
        building.tick(&[]);
        assert_eq!(building.reports().len(), 2, "one first report each of door and lift");
        building.peripherals.command(PeripheralCommand::Door { door: DOOR, open: true });
        building.run(1_950, &[]);
        assert_eq!(building.reports(), [door(DoorState::Moving)]);
        building.tick(&[]);
        assert_eq!(building.reports(), [door(DoorState::Open)]);
        building.peripherals.command(PeripheralCommand::Door { door: DOOR, open: false });
        building.run(2_000, &[]);
        assert_eq!(building.reports(), [door(DoorState::Moving), door(DoorState::Closed)]);
    }

    #[test]
    fn a_stuck_door_stays_as_it_is() {
        let mut building = Building::new();
        building.peripherals.command(PeripheralCommand::Door { door: DOOR, open: true });
        building.run(1_000, &[]);
        assert!(building.peripherals.break_door(DOOR, FaultKind::DoorStuck));
        assert!(!building.peripherals.break_door(DoorId(9), FaultKind::DoorStuck));
        assert!(!building.peripherals.break_door(DOOR, FaultKind::LiftStuck));
        building.run(5_000, &[]);
        assert_eq!(building.peripherals.door(DOOR), Some(DoorState::Faulty));
        building.peripherals.unstick();
        assert_eq!(building.peripherals.door(DOOR), Some(DoorState::Moving));
    }

    #[test]
    fn unknown_targets_are_dropped() {
        let mut building = Building::new();
        building.peripherals.command(PeripheralCommand::Door { door: DoorId(7), open: true });
        building.peripherals.command(PeripheralCommand::CallLift { lift: LIFT, level: LevelId(7) });
        building.peripherals.command(PeripheralCommand::FreeLift { lift: LiftId(7) });
        building.run(5_000, &[]);
        assert_eq!(building.reports().len(), 2);
    }

    #[test]
    fn a_lift_carries_who_stands_in_the_cabin_and_nobody_else() {
        let mut building = Building::new();
        let inside = robot(0, 17.0, 3.0);
        let outside = Disc { owner: Owner::Robot(1), ..robot(0, 15.0, 3.0) };
        let above = Disc { owner: Owner::Robot(2), ..robot(1, 14.0, 3.0) };
        building.peripherals.command(PeripheralCommand::CallLift { lift: LIFT, level: LevelId(1) });
        // Shut already: 4 m at 1 m/s, after the tick in which it sets off.
        assert_eq!(building.run(4_000, &[inside, outside, above]), []);
        assert_eq!(building.peripherals.lift(LIFT), Some((LevelId(0), DoorState::Closed)));
        let carried = building.tick(&[inside, outside, above]);
        assert_eq!(carried, [Carried { owner: Owner::Robot(0), to: LevelId(1) }]);
        building.run(2_000, &[]);
        assert_eq!(building.peripherals.lift(LIFT), Some((LevelId(1), DoorState::Open)));
    }

    #[test]
    fn a_lift_waits_for_a_body_on_the_sill() {
        let mut building = Building::new();
        building.peripherals.command(PeripheralCommand::CallLift { lift: LIFT, level: LevelId(0) });
        building.run(2_000, &[]);
        building.peripherals.command(PeripheralCommand::CallLift { lift: LIFT, level: LevelId(1) });
        building.run(30_000, &[robot(0, 16.2, 3.0)]);
        assert_eq!(building.peripherals.lift(LIFT), Some((LevelId(0), DoorState::Open)));
        building.run(30_000, &[robot(0, 15.6, 3.0)]);
        assert_eq!(building.peripherals.lift(LIFT), Some((LevelId(1), DoorState::Open)));
    }

    #[test]
    fn a_shut_lift_does_not_leave_from_under_a_body_on_the_sill() {
        let mut building = Building::new();
        building.peripherals.command(PeripheralCommand::CallLift { lift: LIFT, level: LevelId(1) });
        building.run(30_000, &[robot(0, 16.0, 3.0)]);
        assert_eq!(building.peripherals.lift(LIFT), Some((LevelId(0), DoorState::Closed)));
    }

    #[test]
    fn closed_and_moving_openings_are_barriers() {
        let mut building = Building::new();
        assert_eq!(building.peripherals.barriers().len(), 3);
        building.peripherals.command(PeripheralCommand::Door { door: DOOR, open: true });
        building.peripherals.command(PeripheralCommand::CallLift { lift: LIFT, level: LevelId(0) });
        building.run(1_950, &[]);
        assert_eq!(building.peripherals.barriers().len(), 3);
        building.tick(&[]);
        let left = building.peripherals.barriers();
        assert_eq!(left.iter().map(|barrier| barrier.level).collect::<Vec<_>>(), [LevelId(1)]);
    }

    proptest! {
        /// Whatever is commanded and wherever a body wanders, a leaf never comes nearer to shut while it is in the way.
        #[test]
        fn no_door_closes_on_a_body(
            script in prop::collection::vec((any::<bool>(), 7.0..9.0_f64, 2.0..4.0_f64, 1..30_u32), 1..12),
        ) {
            let mut building = Building::new();
            for (open, x, y, ticks) in script {
                building.peripherals.command(PeripheralCommand::Door { door: DOOR, open });
                let body = robot(0, x, y);
                let plan = fixture::site();
                let model = plan.door(DOOR).unwrap();
                for _ in 0..ticks {
                    let before = building.peripherals.doors[0].leaf.opened;
                    building.tick(&[body]);
                    let after = building.peripherals.doors[0].leaf.opened;
                    if point_segment(body.at, model.a, model.b) < body.radius_m {
                        prop_assert!(before <= after);
                    }
                }
            }
        }
    }
}
