//! Everything that can be said about an authored site before geometry is built.

mod elements;

use std::{collections::BTreeMap, fmt};

use sheepdog_core::{DoorId, LevelId, LiftId, WaypointId};

use super::{CompileOptions, space};
use crate::{
    error::MapError,
    geometry::{Point, SegmentGrid, point_to_segment, ring_contains, segments_meet, sides, twice_area},
    model::{Lane, Lift, Room, SCHEMA, Site, Waypoint, Zone, ZoneKind},
};

/// Coordinates beyond this are refused: a site's numbers are in metres from an origin of its own.
const COORDINATE_MAX_M: f64 = 1e6;
const DOOR_WIDTH_M: (f64, f64) = (0.3, 10.0);
const LIFT_WAYPOINT_OUTSIDE_MAX_M: f64 = 0.05;
const LIFT_WAYPOINTS_APART_MAX_M: f64 = 0.1;
const LIFT_DOOR_APART_MAX_M: f64 = 0.5;
const LANE_LENGTH_MIN_M: f64 = 0.001;
const WALL_LENGTH_MIN_M: f64 = 0.000_001;

/// Names resolved to ids.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub(super) levels: BTreeMap<&'a str, LevelId>,
    pub(super) doors: BTreeMap<&'a str, DoorId>,
    pub(super) lifts: BTreeMap<&'a str, LiftId>,
    pub(super) waypoints: BTreeMap<&'a str, WaypointId>,
}

/// Checks every element; all errors, or the names resolved.
pub(super) fn check<'a>(site: &'a Site, options: &CompileOptions) -> Result<Names<'a>, Vec<MapError>> {
    let mut checker = Checker { site, errors: Vec::new(), names: Names::default() };
    checker.limits(options);
    // Work on what is over a limit is what the limit guards against.
    if !checker.errors.is_empty() {
        return Err(checker.errors);
    }
    checker.names();
    checker.levels();
    site.rooms.iter().for_each(|room| checker.room(room));
    checker.walls();
    checker.doors();
    site.lifts.iter().for_each(|lift| checker.lift(lift));
    site.waypoints.iter().for_each(|waypoint| checker.waypoint(waypoint));
    checker.lift_waypoints();
    site.lanes.iter().for_each(|lane| checker.lane(lane));
    checker.stations();
    checker.elements();
    site.zones.iter().for_each(|zone| checker.zone(zone));
    if checker.errors.is_empty() { Ok(checker.names) } else { Err(checker.errors) }
}

struct Checker<'a> {
    site: &'a Site,
    errors: Vec<MapError>,
    names: Names<'a>,
}

impl<'a> Checker<'a> {
    fn limits(&mut self, options: &CompileOptions) {
        let (site, limits) = (self.site, &options.limits);
        if site.schema != SCHEMA {
            self.errors.push(MapError::Schema { found: site.schema });
        }
        let rooms = || site.rooms.iter().flat_map(|room| std::iter::once(&room.polygon).chain(&room.holes));
        let rings = || rooms().chain(site.zones.iter().map(|zone| &zone.polygon));
        let counts = [
            ("levels", site.levels.len(), limits.elements),
            ("rooms", site.rooms.len(), limits.elements),
            ("walls", site.walls.len(), limits.elements),
            ("doors", site.doors.len(), limits.elements),
            ("lifts", site.lifts.len(), limits.elements),
            ("lift doors", site.lifts.iter().map(|lift| lift.doors.len()).sum(), limits.elements),
            ("stations", site.stations.len(), limits.elements),
            ("zones", site.zones.len(), limits.elements),
            ("doors of zones", site.zones.iter().map(|zone| zone.doors.len()).sum(), limits.elements),
            ("corners", rings().map(Vec::len).sum(), limits.corners),
            ("corners in one ring", rings().map(Vec::len).max().unwrap_or(0), limits.ring_corners),
            ("waypoints", site.waypoints.len(), limits.waypoints),
            ("lanes", site.lanes.len(), limits.lanes),
            ("footprint classes", options.classes.len(), limits.classes),
        ];
        let over = counts.into_iter().filter(|(_, count, limit)| limit < count);
        self.errors.extend(over.map(|(what, count, limit)| MapError::TooMany { what, count, limit }));
        let spacing_m = f64::from(options.spacing.0) / 1e3;
        self.range(format_args!("the options"), "spacing", spacing_m, (0.1, 1e6));
        let way_out_m = f64::from(options.way_out_width.0) / 1e3;
        self.range(format_args!("the options"), "way_out_width", way_out_m, (0.0, 10.0));
        for class in &options.classes {
            let element = format_args!("footprint class {:?}", class.name);
            let radius_m = f64::from(class.radius.0) / 1e3;
            self.range(element, "radius", radius_m, (0.001, 10.0));
            self.range(element, "half_width", f64::from(class.half_width.0) / 1e3, (0.001, radius_m));
            self.range(element, "margin", f64::from(class.margin.0) / 1e3, (0.0, 10.0));
        }
    }

    fn names(&mut self) {
        let site = self.site;
        self.names.levels = self.unique("level", site.levels.iter().map(|level| level.id.as_str()), LevelId);
        self.names.lifts = self.unique("lift", site.lifts.iter().map(|lift| lift.id.as_str()), LiftId);
        self.names.waypoints =
            self.unique("waypoint", site.waypoints.iter().map(|waypoint| waypoint.id.as_str()), WaypointId);
        self.unique("room", site.rooms.iter().map(|room| room.id.as_str()), |_| ());
        self.names.doors = self.unique("door", site.doors.iter().map(|door| door.id.as_str()), DoorId);
        self.unique("zone", site.zones.iter().map(|zone| zone.id.as_str()), |_| ());
        self.unique("station", site.stations.iter().map(|station| station.id.as_str()), |_| ());
    }

    fn unique<T>(
        &mut self,
        kind: &str,
        ids: impl Iterator<Item = &'a str>,
        id: impl Fn(u32) -> T,
    ) -> BTreeMap<&'a str, T> {
        let mut map = BTreeMap::new();
        for (index, name) in (0..).zip(ids) {
            if map.insert(name, id(index)).is_some() {
                self.errors.push(MapError::DuplicateName { element: format!("{kind} {name:?}") });
            }
        }
        map
    }

    fn range(
        &mut self,
        element: fmt::Arguments<'_>,
        field: &'static str,
        value: f64,
        (low, high): (f64, f64),
    ) {
        // Written so that NaN is outside.
        if !(low <= value && value <= high) {
            self.errors.push(MapError::OutOfRange { element: element.to_string(), field, value, low, high });
        }
    }

    /// A checked point; `None` after reporting.
    fn point(&mut self, element: fmt::Arguments<'_>, field: &'static str, at: [f64; 2]) -> Option<Point> {
        let before = self.errors.len();
        for value in at {
            self.range(element, field, value, (-COORDINATE_MAX_M, COORDINATE_MAX_M));
        }
        (self.errors.len() == before).then(|| Point::from(at))
    }

    fn level_named(&mut self, element: fmt::Arguments<'_>, name: &str) -> Option<LevelId> {
        let level = self.names.levels.get(name).copied();
        if level.is_none() {
            self.unknown(element, "level", name);
        }
        level
    }

    fn unknown(&mut self, element: fmt::Arguments<'_>, field: &'static str, name: &str) {
        let (element, name) = (element.to_string(), name.to_owned());
        self.errors.push(MapError::UnknownName { element, field, name });
    }

    fn levels(&mut self) {
        for level in &self.site.levels {
            let element = format_args!("level {:?}", level.id);
            self.range(element, "elevation_m", level.elevation_m, (-10_000.0, 10_000.0));
        }
    }

    fn room(&mut self, room: &Room) {
        let element = format_args!("room {:?}", room.id);
        self.level_named(element, &room.level);
        let outer = self.ring(element, "polygon", &room.polygon);
        for hole in &room.holes {
            let hole = self.ring(element, "holes", hole);
            if let (Some(outer), Some(hole)) = (&outer, hole)
                && let Some(stray) = hole.iter().find(|corner| !ring_contains(outer, **corner))
            {
                let element = element.to_string();
                self.errors.push(MapError::HoleOutside { element, x_m: stray.x, y_m: stray.y });
            }
        }
    }

    fn ring(
        &mut self,
        element: fmt::Arguments<'_>,
        field: &'static str,
        corners: &[[f64; 2]],
    ) -> Option<Vec<Point>> {
        let before = self.errors.len();
        for corner in corners {
            self.point(element, field, *corner);
        }
        if self.errors.len() != before {
            return None;
        }
        let ring = space::ring(corners);
        let area_m2 = twice_area(&ring).abs() / 2.0;
        if ring.len() < 3 || area_m2 < 1e-6 {
            let element = element.to_string();
            self.errors.push(MapError::DegenerateRing { element, points: ring.len(), area_m2 });
            return None;
        }
        if let Some((first, second)) = self_intersection(&ring) {
            let element = element.to_string();
            self.errors.push(MapError::SelfIntersection { element, first, second });
            return None;
        }
        Some(ring)
    }

    fn walls(&mut self) {
        for (index, wall) in self.site.walls.iter().enumerate() {
            let element = format_args!("wall {index} on level {:?}", wall.level);
            self.level_named(element, &wall.level);
            self.range(element, "thickness_m", wall.thickness_m, (0.0, 5.0));
            self.segment(element, wall.from, wall.to, WALL_LENGTH_MIN_M);
        }
    }

    /// Both ends, checked; reports a segment shorter than `limit_m`.
    fn segment(&mut self, element: fmt::Arguments<'_>, from: [f64; 2], to: [f64; 2], limit_m: f64) {
        if let (Some(a), Some(b)) = (self.point(element, "from", from), self.point(element, "to", to)) {
            let length_m = (b - a).norm();
            if length_m < limit_m {
                let element = element.to_string();
                self.errors.push(MapError::TooShort { element, length_m, limit_m });
            }
        }
    }

    fn opening(
        &mut self,
        element: fmt::Arguments<'_>,
        from: [f64; 2],
        to: [f64; 2],
    ) -> Option<(Point, Point)> {
        let (a, b) = self.point(element, "from", from).zip(self.point(element, "to", to))?;
        self.range(element, "width", (b - a).norm(), DOOR_WIDTH_M);
        Some((a, b))
    }

    fn doors(&mut self) {
        for door in &self.site.doors {
            let element = format_args!("door {:?}", door.id);
            self.level_named(element, &door.level);
            let ends = self.opening(element, door.from, door.to);
            self.range(element, "opening_s", door.opening_s, (0.0, 600.0));
            if let (Some(clear_width_m), Some((a, b))) = (door.clear_width_m, ends) {
                self.range(element, "clear_width_m", clear_width_m, (DOOR_WIDTH_M.0, (b - a).norm()));
            }
        }
    }

    fn lift(&mut self, lift: &Lift) {
        let before = self.errors.len();
        let element = format_args!("lift {:?}", lift.id);
        self.point(element, "at", lift.at);
        self.range(element, "yaw_rad", lift.yaw_rad, (-100.0, 100.0));
        self.range(element, "width_m", lift.width_m, (0.3, 50.0));
        self.range(element, "depth_m", lift.depth_m, (0.3, 50.0));
        self.range(element, "door_s", lift.door_s, (0.0, 600.0));
        self.range(element, "speed_mps", lift.speed_mps, (0.01, 50.0));
        let cabin = (self.errors.len() == before).then(|| space::cabin(lift));
        for door in &lift.doors {
            let element = format_args!("the door of lift {:?} at level {:?}", lift.id, door.level);
            self.level_named(element, &door.level);
            let ends = self.opening(element, door.from, door.to);
            if let (Some((a, b)), Some(cabin)) = (ends, cabin) {
                let outline = |p: Point| {
                    sides(&cabin).map(|(c, d)| point_to_segment(p, c, d)).fold(f64::INFINITY, f64::min)
                };
                let distance_m = outline(a).max(outline(b));
                if LIFT_DOOR_APART_MAX_M < distance_m {
                    let limit_m = LIFT_DOOR_APART_MAX_M;
                    self.errors.push(MapError::LiftDoorApart {
                        door: element.to_string(),
                        distance_m,
                        limit_m,
                    });
                }
            }
        }
    }

    fn waypoint(&mut self, waypoint: &Waypoint) {
        let element = format_args!("waypoint {:?}", waypoint.id);
        self.level_named(element, &waypoint.level);
        let at = self.point(element, "at", waypoint.at);
        let Some(name) = &waypoint.lift else { return };
        let lift = self.names.lifts.get(name.as_str()).and_then(|id| self.site.lifts.get(id.index()));
        let Some(lift) = lift else {
            return self.unknown(element, "lift", name);
        };
        if !lift.doors.iter().any(|door| door.level == waypoint.level) {
            let (lift, level) = (name.clone(), waypoint.level.clone());
            self.errors.push(MapError::LiftSkipsLevel { waypoint: element.to_string(), lift, level });
        }
        let distance_m = at.map_or(0.0, |at| space::distance_to_ring(&space::cabin(lift), at));
        // Infinite means that the cabin itself is not finite, which has been reported.
        if LIFT_WAYPOINT_OUTSIDE_MAX_M < distance_m && distance_m.is_finite() {
            let (waypoint, lift, limit_m) = (element.to_string(), name.clone(), LIFT_WAYPOINT_OUTSIDE_MAX_M);
            self.errors.push(MapError::LiftWaypointOutside { waypoint, lift, distance_m, limit_m });
        }
    }

    /// Compares every waypoint in a cabin with the first one of that cabin.
    fn lift_waypoints(&mut self) {
        let mut firsts: BTreeMap<&str, &Waypoint> = BTreeMap::new();
        for waypoint in &self.site.waypoints {
            let Some(lift) = waypoint.lift.as_deref() else { continue };
            let first = *firsts.entry(lift).or_insert(waypoint);
            let distance_m = (Point::from(first.at) - Point::from(waypoint.at)).norm();
            if first.level != waypoint.level && LIFT_WAYPOINTS_APART_MAX_M < distance_m {
                self.errors.push(MapError::LiftWaypointsApart {
                    lift: lift.to_owned(),
                    first: first.id.clone(),
                    second: waypoint.id.clone(),
                    distance_m,
                    limit_m: LIFT_WAYPOINTS_APART_MAX_M,
                });
            }
        }
    }

    fn lane(&mut self, lane: &Lane) {
        let element = format_args!("lane {:?} to {:?}", lane.from, lane.to);
        if let Some(speed) = lane.speed_limit_mps {
            self.range(element, "speed_limit_mps", speed, (0.001, 100.0));
        }
        let (from, to) = (self.lane_end(element, "from", &lane.from), self.lane_end(element, "to", &lane.to));
        let Some((from, to)) = from.zip(to) else { return };
        if from.level != to.level {
            let (from_level, to_level) = (from.level.clone(), to.level.clone());
            self.errors.push(MapError::LaneAcrossLevels { lane: element.to_string(), from_level, to_level });
            return;
        }
        if let (Some(from_lift), Some(to_lift)) = (&from.lift, &to.lift)
            && from_lift != to_lift
        {
            let (lane, from_lift, to_lift) = (element.to_string(), from_lift.clone(), to_lift.clone());
            self.errors.push(MapError::LaneAcrossLifts { lane, from_lift, to_lift });
        }
        let length_m = (Point::from(from.at) - Point::from(to.at)).norm();
        if length_m < LANE_LENGTH_MIN_M {
            self.errors.push(MapError::TooShort {
                element: element.to_string(),
                length_m,
                limit_m: LANE_LENGTH_MIN_M,
            });
        }
    }

    fn zone(&mut self, zone: &'a Zone) {
        let element = format_args!("zone {:?}", zone.id);
        self.level_named(element, &zone.level);
        self.ring(element, "polygon", &zone.polygon);
        if (zone.kind == ZoneKind::UvC) == zone.doors.is_empty() {
            let (zone, doors) = (element.to_string(), zone.doors.len());
            self.errors.push(MapError::ZoneDoors { zone, doors });
        }
        for name in &zone.doors {
            let door = self.names.doors.get(name.as_str()).and_then(|id| self.site.doors.get(id.index()));
            match door {
                Some(door) if door.level == zone.level => {}
                Some(door) => self.errors.push(MapError::ZoneDoorElsewhere {
                    zone: element.to_string(),
                    door: name.clone(),
                    level: door.level.clone(),
                }),
                None => self.unknown(element, "doors", name),
            }
        }
    }

    fn lane_end(
        &mut self,
        element: fmt::Arguments<'_>,
        field: &'static str,
        name: &str,
    ) -> Option<&'a Waypoint> {
        let waypoint = self.names.waypoints.get(name).and_then(|id| self.site.waypoints.get(id.index()));
        if waypoint.is_none() {
            self.unknown(element, field, name);
        }
        waypoint
    }

    fn stations(&mut self) {
        for station in &self.site.stations {
            if !self.names.waypoints.contains_key(station.waypoint.as_str()) {
                self.unknown(format_args!("station {:?}", station.id), "waypoint", &station.waypoint);
            }
        }
    }
}

/// Two sides of a ring that have a point in common which they should not have; the pair with the least indices.
fn self_intersection(ring: &[Point]) -> Option<(usize, usize)> {
    /// Up to so many sides are compared with each other sooner than a grid is built.
    const FEW: usize = 16;
    let lines: Vec<_> = sides(ring).collect();
    let grid = (FEW < lines.len()).then(|| SegmentGrid::new(&lines));
    lines.iter().enumerate().find_map(|(first, &(a, b))| {
        let mut found: Option<usize> = None;
        let mut meet = |second: usize| {
            if first < second
                && found.is_none_or(|found| second < found)
                && let Some(&(c, d)) = lines.get(second)
                && sides_conflict(
                    (a, b),
                    (c, d),
                    second == first + 1,
                    first == 0 && second + 1 == lines.len(),
                )
            {
                found = Some(second);
            }
        };
        match &grid {
            Some(grid) => grid.near(a, b, 0.0, |second| meet(second as usize)),
            None => (0..lines.len()).for_each(meet),
        }
        found.map(|second| (first, second))
    })
}

/// Neighbouring sides share one corner and may share nothing else; other sides share nothing.
fn sides_conflict((a, b): (Point, Point), (c, d): (Point, Point), follows: bool, precedes: bool) -> bool {
    use crate::geometry::{between, orientation};
    let folds_back = |near: Point, corner: Point, far: Point| {
        let flat = orientation(near, corner, far) == 0.0;
        flat && (between(near, corner, far) || between(corner, far, near))
    };
    match (follows, precedes) {
        (true, _) => folds_back(a, b, d),
        (false, true) => folds_back(c, a, b),
        (false, false) => segments_meet(a, b, c, d),
    }
}
