//! Errors of the compiler and of importers as findings: nothing is detected here.
//!
//! A site that does not compile has no geometry, so an error is placed where the site says that its element is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, catalogue::id, index::element};
use crate::{
    CompileOptions, CompiledSite, MapError,
    geometry::Point,
    import::{ImportError, ImportProblem},
    model::{Lane, LiftDoor, Site, Wall, Waypoint},
};

/// Where the elements of a site are, by the names that errors give them; of several with one name the last.
struct Places<'a>(BTreeMap<String, Place<'a>>);

/// A level that is there, and a point that is one.
#[derive(Clone, Copy, Debug, Default)]
struct Place<'a> {
    level: Option<&'a str>,
    at: Option<Point>,
}

/// The findings that errors of the compiler are.
pub(super) fn findings(errors: &[MapError], site: &Site) -> Vec<Finding> {
    let places = Places::of(site);
    errors.iter().map(|error| places.put(finding(error))).collect()
}

impl<'a> Places<'a> {
    /// O(n log n) in the elements of the site.
    fn of(site: &'a Site) -> Self {
        let levels: BTreeSet<&str> = site.levels.iter().map(|level| level.id.as_str()).collect();
        let mut places = BTreeMap::new();
        let mut add = |name: String, level: &'a str, at: Option<[f64; 2]>| {
            let level = Some(level).filter(|level| levels.contains(level));
            let at = at.map(Point::from).filter(|at| at.iter().all(|value| value.is_finite()));
            places.insert(name, Place { level, at });
        };
        for level in &site.levels {
            add(element("level", &level.id), &level.id, None);
        }
        for room in &site.rooms {
            add(element("room", &room.id), &room.level, room.polygon.first().copied());
        }
        for (number, wall) in site.walls.iter().enumerate() {
            let at = Some(middle(wall.from, wall.to));
            add(wall_name(number, wall), &wall.level, at);
            add(wall_ends_name(wall), &wall.level, at);
        }
        for door in &site.doors {
            add(element("door", &door.id), &door.level, Some(middle(door.from, door.to)));
        }
        for lift in &site.lifts {
            // A cabin is on several levels: on the first of its doors, unless the error names one.
            let first = lift.doors.first().map_or("", |door| door.level.as_str());
            add(element("lift", &lift.id), first, Some(lift.at));
            for door in &lift.doors {
                add(lift_door_name(&lift.id, door), &door.level, Some(middle(door.from, door.to)));
            }
        }
        for connector in &site.connectors {
            add(element("connector", &connector.id), &connector.from.level, Some(connector.from.at));
        }
        for obstacle in &site.obstacles {
            add(element("obstacle", &obstacle.id), &obstacle.level, obstacle.polygon.first().copied());
        }
        for sensor in &site.sensors {
            add(element("sensor", &sensor.id), &sensor.level, Some(sensor.at));
        }
        for zone in &site.zones {
            add(element("zone", &zone.id), &zone.level, zone.polygon.first().copied());
        }
        let waypoints: BTreeMap<&str, &Waypoint> =
            site.waypoints.iter().map(|waypoint| (waypoint.id.as_str(), waypoint)).collect();
        for waypoint in &site.waypoints {
            add(element("waypoint", &waypoint.id), &waypoint.level, Some(waypoint.at));
        }
        for station in &site.stations {
            if let Some(waypoint) = waypoints.get(station.waypoint.as_str()) {
                add(element("station", &station.id), &waypoint.level, Some(waypoint.at));
            }
        }
        for lane in &site.lanes {
            // An end that is not there is what the error may be about.
            let ends = [&lane.from, &lane.to].map(|end| waypoints.get(end.as_str()));
            let (first, second) = match ends {
                [Some(first), Some(second)] if first.level == second.level => (first, second),
                [Some(end), _] | [None, Some(end)] => (end, end),
                [None, None] => continue,
            };
            add(lane_name(lane), &first.level, Some(middle(first.at, second.at)));
        }
        Self(places)
    }

    /// The finding with the level and the place of its first element, where it has none of its own.
    fn put(&self, finding: Finding) -> Finding {
        let Some(place) = finding.elements.first().and_then(|element| self.0.get(element)) else {
            return finding;
        };
        let finding = match place.level.filter(|_| finding.level.is_none()) {
            Some(level) => finding.on(level),
            None => finding,
        };
        match place.at.filter(|_| finding.place.is_none()) {
            Some(at) => finding.at(at),
            None => finding,
        }
    }
}

/// What of a site compiles, and what was left out of it: elements with errors, and then those that name them. `None`
/// when errors are about no element, or do not end.
pub(super) fn sound_part(site: &Site, options: &CompileOptions) -> Option<(CompiledSite, Vec<String>)> {
    /// A chain of names is short: a station names a waypoint, that a lift, that a level.
    const ROUNDS_MAX: usize = 16;
    let (mut site, mut left_out) = (site.clone(), Vec::new());
    for _ in 0..ROUNDS_MAX {
        let errors = match site.compile(options) {
            Ok(compiled) => return Some((compiled, left_out)),
            Err(errors) => errors,
        };
        let names = errors.iter().filter_map(|error| finding(error).elements.into_iter().next());
        let taken = take(&mut site, &names.collect());
        if taken.is_empty() {
            return None;
        }
        left_out.extend(taken);
    }
    None
}

/// Takes elements out of a site, of several with one name the last; their names, by table.
fn take(site: &mut Site, names: &BTreeSet<String>) -> Vec<String> {
    fn of<T>(
        table: &mut Vec<T>,
        names: &BTreeSet<String>,
        taken: &mut Vec<String>,
        name: impl Fn(usize, &T) -> String,
    ) {
        let mut last: BTreeMap<String, usize> =
            table.iter().enumerate().map(|(index, item)| (name(index, item), index)).collect();
        last.retain(|name, _| names.contains(name));
        let indices: BTreeSet<usize> = last.values().copied().collect();
        let mut index = 0..;
        table.retain(|_| index.next().is_none_or(|index: usize| !indices.contains(&index)));
        taken.extend(last.into_keys());
    }
    let mut taken = Vec::new();
    of(&mut site.buildings, names, &mut taken, |_, building| element("building", &building.id));
    of(&mut site.levels, names, &mut taken, |_, level| element("level", &level.id));
    of(&mut site.rooms, names, &mut taken, |_, room| element("room", &room.id));
    of(&mut site.walls, names, &mut taken, wall_name);
    of(&mut site.walls, names, &mut taken, |_, wall| wall_ends_name(wall));
    of(&mut site.doors, names, &mut taken, |_, door| element("door", &door.id));
    for lift in &mut site.lifts {
        of(&mut lift.doors, names, &mut taken, |_, door| lift_door_name(&lift.id, door));
    }
    of(&mut site.lifts, names, &mut taken, |_, lift| element("lift", &lift.id));
    of(&mut site.connectors, names, &mut taken, |_, connector| element("connector", &connector.id));
    of(&mut site.obstacles, names, &mut taken, |_, obstacle| element("obstacle", &obstacle.id));
    of(&mut site.sensors, names, &mut taken, |_, sensor| element("sensor", &sensor.id));
    of(&mut site.zones, names, &mut taken, |_, zone| element("zone", &zone.id));
    of(&mut site.roadmaps, names, &mut taken, |_, roadmap| element("roadmap", &roadmap.id));
    of(&mut site.waypoints, names, &mut taken, |_, waypoint| element("waypoint", &waypoint.id));
    of(&mut site.lanes, names, &mut taken, |_, lane| lane_name(lane));
    of(&mut site.stations, names, &mut taken, |_, station| element("station", &station.id));
    taken
}

/// Walls have no names; errors call them by their number or by their ends.
fn wall_name(number: usize, wall: &Wall) -> String {
    format!("wall {number} on level {:?}", wall.level)
}

fn wall_ends_name(wall: &Wall) -> String {
    format!("the wall from {:?} to {:?}", wall.from, wall.to)
}

fn lift_door_name(lift: &str, door: &LiftDoor) -> String {
    format!("the door of lift {lift:?} at level {:?}", door.level)
}

fn lane_name(lane: &Lane) -> String {
    format!("lane {:?} to {:?}", lane.from, lane.to)
}

fn middle([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> [f64; 2] {
    [ax + (bx - ax) / 2.0, ay + (by - ay) / 2.0]
}

/// The finding that an error of the compiler is, without a place.
fn finding(error: &MapError) -> Finding {
    use MapError as E;
    let text = error.to_string();
    let about = |id, element: &str| Finding::new(id, text.clone()).about(element);
    match error {
        E::Schema { .. } => Finding::new(id::G016, text),
        E::TooMany { count, limit, .. } => Finding::new(id::G016, text).measured(
            crate::geometry::float(*count),
            crate::geometry::float(*limit),
            "",
        ),
        E::DuplicateName { element } => about(id::R209, element),
        E::UnknownName { element, .. } => about(id::R218, element),
        E::OutOfRange { element, value, low, high, .. } => {
            about(id::G001, element).measured(*value, if *value < *low { *low } else { *high }, "")
        }
        E::DegenerateRing { element, area_m2, .. } => about(id::G011, element).measured(*area_m2, 0.0, "m²"),
        E::SelfIntersection { element, .. } => about(id::G002, element),
        E::HoleOutside { element, x_m, y_m } => about(id::G012, element).at(Point::new(*x_m, *y_m)),
        E::TooShort { element, length_m, limit_m } => {
            let lint = if element.starts_with("lane ") { id::R219 } else { id::G013 };
            about(lint, element).measured(*length_m, *limit_m, "m")
        }
        E::LaneAcrossLevels { lane, .. } => about(id::R215, lane),
        E::LaneAcrossLifts { lane, .. } => about(id::L306, lane),
        E::LiftWaypointOutside { waypoint, lift, distance_m, limit_m } => {
            about(id::L302, waypoint).about(element("lift", lift)).measured(*distance_m, *limit_m, "m")
        }
        E::LiftSkipsLevel { waypoint, lift, level } => {
            about(id::L301, waypoint).about(element("lift", lift)).on(level)
        }
        E::LiftWaypointsApart { lift, first, second, distance_m, limit_m } => {
            let waypoints = [first, second].map(|name| element("waypoint", name));
            about(id::L302, &element("lift", lift)).about_all(waypoints).measured(*distance_m, *limit_m, "m")
        }
        E::LiftDoorApart { door, distance_m, limit_m } => {
            about(id::L307, door).measured(*distance_m, *limit_m, "m")
        }
        E::ZoneField { zone, .. }
        | E::StrictBothWays { zone }
        | E::ZoneDoors { zone, .. }
        | E::ZoneDoorElsewhere { zone, .. } => about(id::Z505, zone),
        E::NotATime { element, .. } => about(id::Z505, element),
        E::AreaUnion { level, found_m2, high_m2, .. } => {
            Finding::new(id::G015, text).on(level).measured(*found_m2, *high_m2, "m²")
        }
    }
}

/// The finding that a refused import is, when the map rather than the file is at fault.
pub(super) fn import_finding(error: &ImportError) -> Option<Finding> {
    let (ImportProblem::NoScale { .. } | ImportProblem::TooFewFiducials { .. }) = error.problem else {
        return None;
    };
    let text = error.to_string();
    let finding = Finding::new(id::A401, text).about(if error.element.is_empty() {
        "the file"
    } else {
        &error.element
    });
    if let ImportProblem::NoScale { level } = &error.problem {
        return Some(finding.on(level));
    }
    Some(finding)
}
