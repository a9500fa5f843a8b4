//! Ids that outlive an edit: what keeps its name keeps its id, what is new is appended, what is gone is retired.

use std::collections::BTreeMap;

use nalgebra::Point2;
use sheepdog_core::{DoorId, LaneId, LevelId, LiftId, ResourceId, RoomId, StationId, WaypointId, ZoneId};

use super::{CompileOptions, hash, incidence, rooms_of};
use crate::{
    compiled::{ClassClaims, CompiledSite, Csr, Lane, Part, Resource, Retired, ZoneKind},
    error::MapError,
    model::Site,
};

impl Site {
    /// Compiles as [`compile`](Self::compile) does, with ids that continue those of a previous version.
    ///
    /// Whatever has the same name as before has the same id as before; lanes are known by their ends, resources by what
    /// they stand for. What is new has ids behind all of the previous version's. What is gone keeps its id, is
    /// [retired](CompiledSite::retired) and leads nowhere; should it come back, it has its old id again.
    ///
    /// Cost: that of `compile` plus O(n log n).
    ///
    /// ```
    /// # use sheepdog_map::{CompileOptions, Site, model::{Lane, Level, Waypoint}};
    /// let mut site = Site::new("hut");
    /// site.levels.push(Level::new("L1", 0.0));
    /// site.waypoints.extend(["a", "b"].map(|id| Waypoint::new(id, "L1", f64::from(id == "b"), 0.0)));
    /// site.lanes.push(Lane::two_way("a", "b"));
    /// let options = CompileOptions::default();
    /// let first = site.compile(&options).unwrap();
    /// site.waypoints[0] = Waypoint::new("c", "L1", 2.0, 0.0);
    /// site.lanes[0] = Lane::two_way("c", "b");
    /// let second = site.compile_after(&first, &options).unwrap();
    /// assert_eq!(second.waypoint_named("b"), first.waypoint_named("b"));
    /// assert_eq!(second.waypoint_named("c").unwrap().index(), 2);
    /// assert_eq!(second.waypoint_named("a"), None);
    /// ```
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_after(
        &self,
        previous: &CompiledSite,
        options: &CompileOptions,
    ) -> Result<CompiledSite, Vec<MapError>> {
        self.compile(options).map(|fresh| renumbered(fresh, previous))
    }
}

/// Where things of one kind go.
struct Renumbering {
    /// The new id of each thing.
    to: Vec<u32>,
    /// The thing of each new id; `None` for one that is gone.
    from: Vec<Option<usize>>,
}

impl Renumbering {
    /// Things of a previous version and of this one, each known by a key of its own.
    fn new<K: Ord>(previous: impl Iterator<Item = K>, fresh: impl Iterator<Item = K>) -> Self {
        let known: BTreeMap<K, u32> = previous.zip(0..).collect();
        let mut from = vec![None; known.len()];
        let to = fresh.enumerate().map(|(index, key)| {
            let id = known.get(&key).copied().unwrap_or_else(|| {
                from.push(None);
                u32::try_from(from.len() - 1).unwrap_or(u32::MAX)
            });
            if let Some(slot) = from.get_mut(id as usize) {
                *slot = Some(index);
            }
            id
        });
        let to = to.collect();
        Self { to, from }
    }

    fn id(&self, old: u32) -> u32 {
        self.to.get(old as usize).copied().unwrap_or(u32::MAX)
    }

    /// Ids in their new order, sorted.
    fn ids<T: Copy + Ord>(&self, of: &[T], number: impl Fn(T) -> u32, id: impl Fn(u32) -> T) -> Vec<T> {
        let mut ids: Vec<T> = of.iter().map(|one| id(self.id(number(*one)))).collect();
        ids.sort_unstable();
        ids
    }

    /// A table in its new order; what is gone is made of what it was.
    fn table<T: Clone>(&self, previous: &[T], fresh: Vec<T>, mut gone: impl FnMut(&mut T)) -> Vec<T> {
        let mut fresh: Vec<Option<T>> = fresh.into_iter().map(Some).collect();
        let mut place = |(index, from): (usize, &Option<usize>)| match from {
            Some(from) => fresh.get_mut(*from).and_then(Option::take),
            None => previous.get(index).cloned().map(|mut one| {
                gone(&mut one);
                one
            }),
        };
        self.from.iter().enumerate().filter_map(&mut place).collect()
    }

    /// The same for what has no place of its own.
    fn flags(&self, fresh: &[bool]) -> Vec<bool> {
        let flag = |from: &Option<usize>| from.and_then(|from| fresh.get(from)).copied().unwrap_or(false);
        self.from.iter().map(flag).collect()
    }

    /// Rows in their new order, each changed; those of what is gone are empty.
    fn rows<T: Copy>(&self, fresh: &Csr<T>, row: impl Fn(&[T]) -> Vec<T>) -> Csr<T> {
        Csr::from_rows(self.from.iter().map(|from| from.map_or_else(Vec::new, |from| row(fresh.row(from)))))
    }

    fn retired<T>(&self, id: impl Fn(u32) -> T) -> Vec<T> {
        (0..).zip(&self.from).filter(|(_, from)| from.is_none()).map(|(number, _)| id(number)).collect()
    }
}

/// How everything of a fresh version is numbered when it follows a previous one.
struct Plan {
    levels: Renumbering,
    rooms: Renumbering,
    doors: Renumbering,
    lifts: Renumbering,
    stations: Renumbering,
    zones: Renumbering,
    waypoints: Renumbering,
    lanes: Renumbering,
    corridors: Renumbering,
    mutexes: Renumbering,
}

impl Plan {
    fn new(previous: &CompiledSite, fresh: &CompiledSite) -> Self {
        macro_rules! by_name {
            ($table:ident) => {{
                let names = |site: &'_ CompiledSite| -> Vec<String> {
                    site.$table.iter().map(|one| one.name.clone()).collect()
                };
                Renumbering::new(names(previous).into_iter(), names(fresh).into_iter())
            }};
        }
        // An exit's ground may have the name of an authored zone.
        let zone = |zone: &crate::compiled::Zone| (zone.kind == ZoneKind::Exit, zone.name.clone());
        let lifts = by_name!(lifts);
        let waypoints = by_name!(waypoints);
        let lane = |lane: &Lane| (lane.from.0, lane.to.0, lane.ride.map(|lift| lift.0));
        let moved = |lane: &Lane| {
            let ride = lane.ride.map(|lift| lifts.id(lift.0));
            (waypoints.id(lane.from.0), waypoints.id(lane.to.0), ride)
        };
        let lanes = Renumbering::new(previous.lanes.iter().map(lane), fresh.lanes.iter().map(moved));
        Self {
            levels: by_name!(levels),
            rooms: by_name!(rooms),
            doors: by_name!(doors),
            stations: by_name!(stations),
            zones: Renumbering::new(previous.zones.iter().map(zone), fresh.zones.iter().map(zone)),
            corridors: Renumbering::new(previous.corridors.iter(), fresh.corridors.iter()),
            mutexes: Renumbering::new(previous.mutexes.iter(), fresh.mutexes.iter()),
            lifts,
            waypoints,
            lanes,
        }
    }

    fn level(&self, id: &mut LevelId) {
        id.0 = self.levels.id(id.0);
    }

    fn waypoint(&self, id: &mut WaypointId) {
        id.0 = self.waypoints.id(id.0);
    }

    fn lift(&self, id: &mut Option<LiftId>) {
        *id = id.map(|id| LiftId(self.lifts.id(id.0)));
    }

    fn mutexes(&self, mutexes: &mut Vec<u32>) {
        *mutexes = self.mutexes.ids(mutexes, |id| id, |id| id);
    }

    /// A resource by what it stands for now. Of a lane and its reverse, the smaller id stands for both.
    fn resource(&self, site: &CompiledSite, resource: &Resource) -> Resource {
        let part = |part: &Part| match part {
            Part::Waypoint(id) => Part::Waypoint(WaypointId(self.waypoints.id(id.0))),
            Part::Lane(id) => {
                let reverse = site.lanes.get(id.index()).and_then(|lane| lane.reverse).unwrap_or(*id);
                Part::Lane(LaneId(self.lanes.id(id.0).min(self.lanes.id(reverse.0))))
            }
        };
        match resource {
            Resource::Place(id) => Resource::Place(WaypointId(self.waypoints.id(id.0))),
            Resource::Overlap(a, b) => Resource::Overlap(part(a).min(part(b)), part(a).max(part(b))),
            Resource::Door(id) => Resource::Door(DoorId(self.doors.id(id.0))),
            Resource::Lift(id) => Resource::Lift(LiftId(self.lifts.id(id.0))),
            Resource::Corridor(id) => Resource::Corridor(self.corridors.id(*id)),
            Resource::Group(id) => Resource::Group(self.mutexes.id(*id)),
        }
    }
}

/// Resources with a count, for a pair of parts may have several overlaps.
fn counted(resources: impl Iterator<Item = Resource>) -> Vec<(Resource, u32)> {
    let mut counts: BTreeMap<Resource, u32> = BTreeMap::new();
    let count = |resource: Resource| {
        let next = counts.entry(resource).or_insert(0);
        *next += 1;
        (resource, *next)
    };
    resources.map(count).collect()
}

fn renumbered(fresh: CompiledSite, previous: &CompiledSite) -> CompiledSite {
    let plan = Plan::new(previous, &fresh);
    let standing = counted(fresh.resources.iter().map(|resource| plan.resource(&fresh, resource)));
    let resources =
        Renumbering::new(counted(previous.resources.iter().copied()).into_iter(), standing.iter().copied());
    let mut site = fresh;
    refer(&mut site, &plan);
    let inert: Vec<Point2<f64>> = Vec::new();
    site.levels = plan.levels.table(&previous.levels, site.levels, |_| {});
    site.rooms = plan.rooms.table(&previous.rooms, site.rooms, |room| {
        (room.outer, room.holes, room.authored) = (inert.clone(), Vec::new(), None);
    });
    site.doors = plan.doors.table(&previous.doors, site.doors, |door| {
        (door.exit_width_m, door.authored) = (None, None);
    });
    site.lifts = plan.lifts.table(&previous.lifts, site.lifts, |lift| lift.stops.clear());
    site.stations = plan.stations.table(&previous.stations, site.stations, |_| {});
    site.zones = plan.zones.table(&previous.zones, site.zones, |zone| {
        (zone.outer, zone.authored) = (inert.clone(), None);
        zone.doors.clear();
        zone.waypoints.clear();
    });
    site.waypoints = plan.waypoints.table(&previous.waypoints, site.waypoints, |waypoint| {
        (waypoint.roles, waypoint.lift) = (crate::Roles::default(), None);
    });
    site.lanes = plan.lanes.table(&previous.lanes, site.lanes, |_| {});
    site.corridors = plan.corridors.table(&previous.corridors, site.corridors, |_| {});
    site.mutexes = plan.mutexes.table(&previous.mutexes, site.mutexes, |_| {});
    let fresh_resources = standing.into_iter().map(|(resource, _)| resource).collect();
    site.resources = resources.table(&previous.resources, fresh_resources, |_| {});
    site.classes = site.classes.iter().map(|claims| reclaimed(claims, &plan, &resources)).collect();
    site.retired = Retired {
        levels: plan.levels.retired(LevelId),
        rooms: plan.rooms.retired(RoomId),
        doors: plan.doors.retired(DoorId),
        lifts: plan.lifts.retired(LiftId),
        stations: plan.stations.retired(StationId),
        zones: plan.zones.retired(ZoneId),
        waypoints: plan.waypoints.retired(WaypointId),
        lanes: plan.lanes.retired(LaneId),
        resources: resources.retired(ResourceId),
    };
    site.is_successor = true;
    site.rooms_of = rooms_of(&site.levels, &site.rooms);
    let count = site.waypoints.len();
    site.out = incidence(&site.lanes, &site.retired.lanes, count, |lane| lane.from);
    site.into = incidence(&site.lanes, &site.retired.lanes, count, |lane| lane.to);
    site.version = hash::version(&site);
    site
}

/// Lets everything that names something name it by its new id.
fn refer(site: &mut CompiledSite, plan: &Plan) {
    site.rooms.iter_mut().for_each(|room| plan.level(&mut room.level));
    site.doors.iter_mut().for_each(|door| plan.level(&mut door.level));
    for stop in site.lifts.iter_mut().flat_map(|lift| &mut lift.stops) {
        plan.level(&mut stop.level);
        stop.waypoint.iter_mut().for_each(|id| plan.waypoint(id));
    }
    site.lifts.iter_mut().for_each(|lift| lift.stops.sort_by_key(|stop| stop.level));
    site.stations.iter_mut().for_each(|station| plan.waypoint(&mut station.waypoint));
    for zone in &mut site.zones {
        plan.level(&mut zone.level);
        zone.doors = plan.doors.ids(&zone.doors, |id| id.0, DoorId);
        zone.waypoints = plan.waypoints.ids(&zone.waypoints, |id| id.0, WaypointId);
    }
    for waypoint in &mut site.waypoints {
        plan.level(&mut waypoint.level);
        plan.lift(&mut waypoint.lift);
        plan.mutexes(&mut waypoint.mutexes);
    }
    for lane in &mut site.lanes {
        plan.waypoint(&mut lane.from);
        plan.waypoint(&mut lane.to);
        lane.doors.iter_mut().for_each(|door| door.0 = plan.doors.id(door.0));
        plan.lift(&mut lane.ride);
        lane.corridor = lane.corridor.map(|id| plan.corridors.id(id));
        plan.mutexes(&mut lane.mutexes);
        lane.reverse = lane.reverse.map(|id| LaneId(plan.lanes.id(id.0)));
    }
}

fn reclaimed(claims: &ClassClaims, plan: &Plan, resources: &Renumbering) -> ClassClaims {
    let held = |row: &[ResourceId]| resources.ids(row, |id| id.0, ResourceId);
    let zones = |row: &[ZoneId]| plan.zones.ids(row, |id| id.0, ZoneId);
    ClassClaims {
        class: claims.class.clone(),
        waypoint: plan.waypoints.rows(&claims.waypoint, held),
        lane: plan.lanes.rows(&claims.lane, held),
        fits: plan.lanes.flags(&claims.fits),
        usable: plan.lanes.flags(&claims.usable),
        may_stop: plan.waypoints.flags(&claims.may_stop),
        zones_at: plan.waypoints.rows(&claims.zones_at, zones),
        zones_along: plan.lanes.rows(&claims.zones_along, zones),
    }
}
