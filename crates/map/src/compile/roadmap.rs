//! Waypoints and lanes: long lanes split, doors found, rides added.

use std::collections::BTreeMap;

use sheepdog_core::{DoorId, LaneId, LiftId, Mm, MmPerS, WaypointId};

use super::{CompileOptions, Passage, Zones, check::Names};
use crate::{
    compiled::{FootprintClass, Lane, Lift, Roles, Station, Waypoint},
    error::{MapError, MapWarning},
    geometry::{Point, float},
    model::{self, Orientation, Role, Site},
};

/// How far from a sill, a swinging leaf or a cabin a generated waypoint keeps, beside the largest footprint.
const KEEP_CLEAR_M: f64 = 0.05;
/// Step by which a generated waypoint moves along its lane until it is out of the way.
const SHIFT_M: f64 = 0.05;

#[derive(Debug)]
pub(super) struct Roadmap {
    pub(super) waypoints: Vec<Waypoint>,
    pub(super) lanes: Vec<Lane>,
    /// Names of the one-lane corridors, in the order of their first lane.
    pub(super) corridors: Vec<String>,
    /// Names of the mutex groups, sorted.
    pub(super) mutexes: Vec<String>,
    pub(super) warnings: Vec<MapWarning>,
}

/// One direction of travel between two authored waypoints.
#[derive(Clone, Debug)]
struct Direction<'a> {
    /// The lanes as they were written, the first one first.
    written: Vec<&'a model::Lane>,
    orientation: Orientation,
    corridor: Option<u32>,
    mutexes: Vec<u32>,
}

impl Direction<'_> {
    /// The lowest limit of those that are written for classes of the options; of all, if there is none.
    fn speed_limit(&self, options: &CompileOptions) -> Option<MmPerS> {
        let concerns = |lane: &&&model::Lane| {
            let named = |class: &FootprintClass| lane.classes.contains(&class.name);
            lane.classes.is_empty() || options.classes.iter().any(named)
        };
        let any_concerns = self.written.iter().any(|lane| concerns(&lane));
        let limits = self.written.iter().filter(|lane| !any_concerns || concerns(lane));
        limits.filter_map(|lane| lane.speed_limit_mps).map(mm_per_s).min()
    }

    /// Whom it is for, sorted; everybody if empty.
    fn classes(&self) -> Vec<String> {
        if self.written.iter().any(|lane| lane.classes.is_empty()) {
            return Vec::new();
        }
        let mut classes: Vec<String> = self.written.iter().flat_map(|lane| lane.classes.clone()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Whether a lane says again what is known for somebody in its roadmap.
    fn repeats(&self, lane: &model::Lane) -> bool {
        self.written.iter().filter(|known| known.roadmap == lane.roadmap).any(|known| {
            known.classes.is_empty()
                || lane.classes.is_empty()
                || known.classes.iter().any(|class| lane.classes.contains(class))
        })
    }
}

/// All travel between two authored waypoints.
#[derive(Debug)]
struct Way<'a> {
    from: WaypointId,
    to: WaypointId,
    forward: Option<Direction<'a>>,
    backward: Option<Direction<'a>>,
}

/// Builds from a site that passed its checks.
pub(super) fn build(
    site: &Site,
    names: &Names<'_>,
    options: &CompileOptions,
    zones: &[Zones],
) -> Result<Roadmap, MapError> {
    let mutexes = mutexes(site);
    let mut roadmap = Roadmap {
        waypoints: site.waypoints.iter().map(|waypoint| authored(waypoint, names, zones, &mutexes)).collect(),
        lanes: Vec::new(),
        corridors: Vec::new(),
        mutexes,
        warnings: Vec::new(),
    };
    let ways = ways(site, names, options, &mut roadmap);
    let reach_m = options.classes.iter().map(FootprintClass::turning_m).fold(0.0, f64::max) + KEEP_CLEAR_M;
    for way in &ways {
        roadmap.add_way(way, options, zones, reach_m)?;
    }
    roadmap.add_rides(site.lifts.len(), options)?;
    let mut seen: Vec<&str> = roadmap.waypoints.iter().map(|waypoint| waypoint.name.as_str()).collect();
    seen.sort_unstable();
    let twice = seen.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first());
    match twice {
        Some(name) => Err(MapError::DuplicateName { element: format!("waypoint {name:?}") }),
        None => Ok(roadmap),
    }
}

/// Writes the waypoints in cabins into the lifts' stops: of each level the first one.
pub(super) fn link_lifts(lifts: &mut [Lift], waypoints: &[Waypoint]) {
    for (id, waypoint) in (0..).map(WaypointId).zip(waypoints) {
        let lift = waypoint.lift.and_then(|lift| lifts.get_mut(lift.index()));
        let stop = lift.and_then(|lift| lift.stops.iter_mut().find(|stop| stop.level == waypoint.level));
        if let Some(stop) = stop {
            stop.waypoint.get_or_insert(id);
        }
    }
}

/// Stations of a site that passed its checks.
pub(super) fn stations(site: &Site, names: &Names<'_>) -> Vec<Station> {
    let waypoint = |name: &str| names.waypoints.get(name).copied().unwrap_or_default();
    let station = |station: &model::Station| Station {
        name: station.id.clone(),
        waypoint: waypoint(&station.waypoint),
        kind: station.kind,
    };
    site.stations.iter().map(station).collect()
}

/// The names of all mutex groups, sorted.
fn mutexes(site: &Site) -> Vec<String> {
    let at = site.waypoints.iter().flat_map(|waypoint| &waypoint.mutex);
    let mut names: Vec<String> = at.chain(site.lanes.iter().flat_map(|lane| &lane.mutex)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The numbers of some mutex groups, sorted.
fn numbers(of: &[String], mutexes: &[String]) -> Vec<u32> {
    let number = |name: &String| mutexes.binary_search(name).ok().and_then(|at| u32::try_from(at).ok());
    let mut numbers: Vec<u32> = of.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn authored(waypoint: &model::Waypoint, names: &Names<'_>, zones: &[Zones], mutexes: &[String]) -> Waypoint {
    let level = names.levels.get(waypoint.level.as_str()).copied().unwrap_or_default();
    let at = Point::from(waypoint.at);
    let has = |role: Role| waypoint.roles.contains(&role);
    let named = waypoint.lift.as_deref().and_then(|lift| names.lifts.get(lift)).copied();
    Waypoint {
        name: waypoint.id.clone(),
        authored: true,
        level,
        at,
        x_mm: millimetres(at.x),
        y_mm: millimetres(at.y),
        roles: Roles {
            charger: has(Role::Charger),
            parking: has(Role::Parking),
            holding: has(Role::Holding),
            passthrough: has(Role::Passthrough),
        },
        // Who stands in a cabin uses the lift, whether or not the author said so.
        lift: named.or_else(|| zones.get(level.index()).and_then(|zones| zones.cabin_at(at))),
        yaw_rad: waypoint.yaw_rad,
        mutexes: numbers(&waypoint.mutex, mutexes),
    }
}

/// Lanes of the roadmap, the two directions of a way together, in the order of first mention.
fn ways<'a>(
    site: &'a Site,
    names: &Names<'_>,
    options: &CompileOptions,
    roadmap: &mut Roadmap,
) -> Vec<Way<'a>> {
    let mut ways: Vec<Way<'a>> = Vec::new();
    let mut by_ends: BTreeMap<(WaypointId, WaypointId), usize> = BTreeMap::new();
    let mut corridors: BTreeMap<&str, u32> = BTreeMap::new();
    let wanted = |lane: &&model::Lane| match (&options.roadmap, &lane.roadmap) {
        (Some(wanted), Some(own)) => wanted == own,
        (None, _) | (_, None) => true,
    };
    for lane in site.lanes.iter().filter(wanted) {
        let end = |name: &str| names.waypoints.get(name).copied().unwrap_or_default();
        let (from, to) = (end(&lane.from), end(&lane.to));
        let corridor = lane.corridor.as_deref().map(|name| {
            let next = u32::try_from(roadmap.corridors.len()).unwrap_or(u32::MAX);
            *corridors.entry(name).or_insert_with(|| {
                roadmap.corridors.push(name.to_owned());
                next
            })
        });
        let mutexes = numbers(&lane.mutex, &roadmap.mutexes);
        let index = *by_ends.entry((from.min(to), from.max(to))).or_insert_with(|| {
            ways.push(Way { from, to, forward: None, backward: None });
            ways.len() - 1
        });
        let Some(way) = ways.get_mut(index) else { continue };
        let same = way.from == from;
        for forward in [same, !same].into_iter().take(if lane.bidirectional { 2 } else { 1 }) {
            let is_along = forward == same;
            let orientation = if is_along { lane.orientation } else { lane.orientation.reversed() };
            let slot = if forward { &mut way.forward } else { &mut way.backward };
            let Some(known) = slot else {
                *slot =
                    Some(Direction { written: vec![lane], orientation, corridor, mutexes: mutexes.clone() });
                continue;
            };
            // Several roadmaps or classes may share a lane; twice for the same one is a slip of the author.
            if known.repeats(lane) {
                let (a, b) = if is_along { (&lane.from, &lane.to) } else { (&lane.to, &lane.from) };
                roadmap.warnings.push(MapWarning::DuplicateLane { lane: format!("{a} > {b}") });
            }
            known.written.push(lane);
            if known.orientation == Orientation::Any {
                known.orientation = orientation;
            }
            known.corridor = known.corridor.or(corridor);
            known.mutexes.extend(&mutexes);
            known.mutexes.sort_unstable();
            known.mutexes.dedup();
        }
    }
    ways
}

impl Way<'_> {
    /// The mutex groups of either direction: who stands on the way is in all of them.
    fn mutexes(&self) -> Vec<u32> {
        let directions = [&self.forward, &self.backward].into_iter().flatten();
        let mut mutexes: Vec<u32> = directions.flat_map(|direction| direction.mutexes.clone()).collect();
        mutexes.sort_unstable();
        mutexes.dedup();
        mutexes
    }
}

impl Roadmap {
    fn add_way(
        &mut self,
        way: &Way<'_>,
        options: &CompileOptions,
        zones: &[Zones],
        reach_m: f64,
    ) -> Result<(), MapError> {
        let (Some(from), Some(to)) =
            (self.waypoints.get(way.from.index()).cloned(), self.waypoints.get(way.to.index()).cloned())
        else {
            return Ok(());
        };
        let zones = zones.get(from.level.index());
        let in_the_way = |p: Point| zones.is_some_and(|zones| zones.in_the_way(p, reach_m));
        let room = options.limits.waypoints.saturating_sub(self.waypoints.len());
        let limit = MapError::TooMany {
            what: "waypoints, those that split long lanes included",
            count: options.limits.waypoints.saturating_add(1),
            limit: options.limits.waypoints,
        };
        let splits =
            splits(from.at, to.at, f64::from(options.spacing.0) / 1e3, room, in_the_way).ok_or(limit)?;
        let count = splits.len();
        let mut chain = vec![way.from];
        let mutexes = way.mutexes();
        for (index, at) in splits.into_iter().enumerate() {
            chain.push(WaypointId(u32::try_from(self.waypoints.len()).unwrap_or(u32::MAX)));
            let waypoint = generated(&from, &to, index, count, at);
            self.waypoints.push(Waypoint { mutexes: mutexes.clone(), ..waypoint });
        }
        chain.push(way.to);
        for (&a, &b) in chain.iter().zip(chain.iter().skip(1)) {
            self.add_piece(a, b, way, zones, options)?;
        }
        Ok(())
    }

    fn add_piece(
        &mut self,
        a: WaypointId,
        b: WaypointId,
        way: &Way<'_>,
        zones: Option<&Zones>,
        options: &CompileOptions,
    ) -> Result<(), MapError> {
        let (Some(from), Some(to)) = (self.waypoints.get(a.index()), self.waypoints.get(b.index())) else {
            return Ok(());
        };
        let crossed = zones.map(|zones| zones.crossed(from.at, to.at)).unwrap_or_default();
        let doors: Vec<DoorId> = crossed
            .iter()
            .filter_map(|(passage, _)| match passage {
                Passage::Door(door) => Some(*door),
                Passage::Lift(_) => None,
            })
            .collect();
        let length = length((to.at - from.at).norm());
        let mut lane = |from, to, direction: &Direction<'_>, doors| {
            self.lanes.push(Lane {
                from,
                to,
                length,
                speed_limit: direction.speed_limit(options),
                classes: direction.classes(),
                orientation: direction.orientation,
                doors,
                ride: None,
                corridor: direction.corridor,
                mutexes: direction.mutexes.clone(),
                reverse: None,
            });
        };
        if let Some(direction) = &way.forward {
            lane(a, b, direction, doors.clone());
        }
        if let Some(direction) = &way.backward {
            lane(b, a, direction, doors.into_iter().rev().collect());
        }
        if way.forward.is_some() && way.backward.is_some() {
            self.link_last_two();
        }
        self.check_lanes(options)
    }

    /// Rides both ways between all waypoints of one cabin on different levels.
    fn add_rides(&mut self, lifts: usize, options: &CompileOptions) -> Result<(), MapError> {
        let mut cabins: Vec<Vec<WaypointId>> = vec![Vec::new(); lifts];
        for (id, waypoint) in (0..).map(WaypointId).zip(&self.waypoints) {
            if let Some(cabin) = waypoint.lift.and_then(|lift| cabins.get_mut(lift.index())) {
                cabin.push(id);
            }
        }
        for (lift, cabin) in (0..).map(LiftId).zip(&cabins) {
            for (index, &a) in cabin.iter().enumerate() {
                for &b in cabin.iter().skip(index + 1) {
                    let level =
                        |id: WaypointId| self.waypoints.get(id.index()).map(|waypoint| waypoint.level);
                    if level(a) == level(b) {
                        continue;
                    }
                    for (from, to) in [(a, b), (b, a)] {
                        self.lanes.push(Lane {
                            from,
                            to,
                            length: Mm::ZERO,
                            speed_limit: None,
                            classes: Vec::new(),
                            orientation: Orientation::Any,
                            doors: Vec::new(),
                            ride: Some(lift),
                            corridor: None,
                            mutexes: Vec::new(),
                            reverse: None,
                        });
                    }
                    self.link_last_two();
                    self.check_lanes(options)?;
                }
            }
        }
        Ok(())
    }

    fn link_last_two(&mut self) {
        let next = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        let partners = [LaneId(next.saturating_sub(1)), LaneId(next.saturating_sub(2))];
        let last = self.lanes.len().saturating_sub(2);
        for (lane, partner) in self.lanes.iter_mut().skip(last).zip(partners) {
            lane.reverse = Some(partner);
        }
    }

    fn check_lanes(&self, options: &CompileOptions) -> Result<(), MapError> {
        let (count, limit) = (self.lanes.len(), options.limits.lanes);
        let what = "lanes, pieces and rides included";
        if limit < count { Err(MapError::TooMany { what, count, limit }) } else { Ok(()) }
    }
}

/// Points that split a lane into equal pieces, moved or left out where they are in the way.
///
/// `None` when there would be more than `room` of them.
fn splits(
    from: Point,
    to: Point,
    spacing_m: f64,
    room: usize,
    in_the_way: impl Fn(Point) -> bool,
) -> Option<Vec<Point>> {
    let length_m = (to - from).norm();
    // A lane that is a multiple of the spacing up to rounding gets no extra piece.
    let pieces = (length_m / spacing_m - 1e-6).ceil().max(1.0);
    if float(room) < pieces - 1.0 {
        return None;
    }
    let piece_m = length_m / pieces;
    let unit = (to - from) / length_m;
    let shifts_max = (piece_m / 3.0 / SHIFT_M).floor();
    let offsets: Vec<f64> = std::iter::successors(Some(0.0), |shift| Some(shift + 1.0))
        .take_while(|shift| *shift <= shifts_max)
        .flat_map(|shift| [-shift * SHIFT_M, shift * SHIFT_M])
        .collect();
    let ideal =
        std::iter::successors(Some(1.0), |piece| Some(piece + 1.0)).take_while(|piece| *piece < pieces);
    let free = |piece: f64| {
        let at = |offset: &f64| from + unit * (piece * piece_m + offset);
        offsets.iter().map(at).find(|at| !in_the_way(*at))
    };
    Some(ideal.filter_map(free).collect())
}

/// A waypoint that splits a lane, named after the lane's ends in the order of their names.
fn generated(from: &Waypoint, to: &Waypoint, index: usize, count: usize, at: Point) -> Waypoint {
    let name = if from.name <= to.name {
        format!("{}>{}#{}", from.name, to.name, index + 1)
    } else {
        format!("{}>{}#{}", to.name, from.name, count - index)
    };
    Waypoint {
        name,
        authored: false,
        level: from.level,
        at,
        x_mm: millimetres(at.x),
        y_mm: millimetres(at.y),
        roles: Roles::default(),
        lift: None,
        yaw_rad: None,
        mutexes: Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates were checked to be at most 1e6 m")]
fn millimetres(metres: f64) -> i32 {
    (metres * 1e3).round() as i32
}

/// Rounded to the nearest millimetre, at least one: no lane takes no time.
fn length(metres: f64) -> Mm {
    Mm(crate::geometry::truncate((metres * 1e3).round()).max(1))
}

/// Rounded down, at least one: a speed limit is never exceeded.
fn mm_per_s(metres_per_s: f64) -> MmPerS {
    MmPerS(crate::geometry::truncate((metres_per_s * 1e3 + 1e-6).floor()).max(1))
}
