//! Errors of the compiler and of importers as findings: nothing is detected here.
//!
//! A site that does not compile has no geometry, so an error is placed where the site says that its element is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, catalogue::id, index::element};
use crate::{
    MapError,
    geometry::Point,
    import::{ImportError, ImportProblem},
    model::{Site, Waypoint},
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
            add(format!("wall {number} on level {:?}", wall.level), &wall.level, at);
            add(format!("the wall from {:?} to {:?}", wall.from, wall.to), &wall.level, at);
        }
        for door in &site.doors {
            add(element("door", &door.id), &door.level, Some(middle(door.from, door.to)));
        }
        for lift in &site.lifts {
            // A cabin is on several levels: on the first of its doors, unless the error names one.
            let first = lift.doors.first().map_or("", |door| door.level.as_str());
            add(element("lift", &lift.id), first, Some(lift.at));
            for door in &lift.doors {
                let name = format!("the door of lift {:?} at level {:?}", lift.id, door.level);
                add(name, &door.level, Some(middle(door.from, door.to)));
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
            let name = format!("lane {:?} to {:?}", lane.from, lane.to);
            add(name, &first.level, Some(middle(first.at, second.at)));
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
