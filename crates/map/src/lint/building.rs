//! Rules of the building that are not about its exits alone: what stands in ways out, stairs, where robots wait.

use nalgebra::Vector2;
use sheepdog_core::{Mm, WaypointId};

use super::{
    Finding,
    catalogue::id,
    index::{Index, element},
    profile::{metres, whole_mm},
};
use crate::{
    compile::leaves_ways_out,
    compiled::{FootprintClass, Waypoint, Zone, ZoneKind},
    geometry::{Point, Polygon, common_area_m2, ring_contains, sides},
    model::{self, ConnectorKind},
};

/// B117.
pub(super) fn obstacles(index: &Index<'_>, findings: &mut Vec<Finding>) {
    /// Area that may be shared by rounding, square metres.
    const SHARED_MAX_M2: f64 = 1e-4;
    let ways: Vec<&Zone> = index.site.zones().iter().filter(|zone| zone.kind.is_way_out()).collect();
    for obstacle in &index.authored().obstacles {
        let outline: Vec<Point> = obstacle.polygon.iter().map(|corner| Point::from(*corner)).collect();
        let polygon = |outer: &[Point]| Polygon { outer: outer.to_vec(), holes: Vec::new() };
        for zone in ways.iter().filter(|zone| index.level_name(zone.level) == obstacle.level) {
            let is_near = sides(&outline).any(|(a, b)| crate::compiled::touches(&zone.outer, a, b, 0.0))
                || zone.outer.first().is_some_and(|corner| ring_contains(&outline, *corner));
            let shared_m2 =
                if is_near { common_area_m2(&polygon(&zone.outer), &polygon(&outline)) } else { None };
            let Some(shared_m2) = shared_m2.filter(|shared_m2| SHARED_MAX_M2 < *shared_m2) else { continue };
            let (way, place) = (way_name(zone), outline.first().copied().unwrap_or_default());
            let text = format!("obstacle {:?} takes {shared_m2:.2} m² of {way}", obstacle.id);
            let finding =
                Finding::new(id::B117, text).on(&obstacle.level).about(element("obstacle", &obstacle.id));
            findings.push(finding.about(way).at(place).measured(shared_m2, 0.0, "m²"));
        }
    }
}

fn way_name(zone: &Zone) -> String {
    match zone.kind {
        ZoneKind::Exit => zone.name.clone(),
        ZoneKind::Authored(_) => element("zone", &zone.name),
    }
}

/// B118.
pub(super) fn stairs(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_mm = f64::from(index.profile.building.stairs_width_mm);
    for connector in &index.authored().connectors {
        let width_mm = whole_mm(connector.width_m);
        // People stand on an escalator: it is no way to hurry.
        if width_mm < limit_mm && connector.kind != ConnectorKind::Escalator {
            let text = format!("connector {:?} is {width_mm} mm wide, {limit_mm} mm are asked", connector.id);
            let finding = Finding::new(id::B118, text).on(&connector.from.level);
            let finding =
                finding.about(element("connector", &connector.id)).at(Point::from(connector.from.at));
            findings.push(finding.measured(width_mm, limit_mm, "mm"));
        }
    }
}

/// B119.
pub(super) fn fire_lanes(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_mm = f64::from(index.profile.building.exit_width_mm);
    let lanes = index.site.zones().iter();
    for zone in lanes.filter(|zone| zone.kind == ZoneKind::Authored(model::ZoneKind::FireLane)) {
        let width_mm = whole_mm(width_m(&zone.outer));
        if width_mm + f64::from(index.profile.building.width_tolerance_mm) < limit_mm {
            let text = format!("fire lane {:?} is {width_mm} mm wide, {limit_mm} mm are asked", zone.name);
            let finding = Finding::new(id::B119, text).on(index.level_name(zone.level));
            let finding = finding.about(element("zone", &zone.name));
            findings.push(finding.measured(width_mm, limit_mm, "mm"));
        }
    }
}

/// The least extent of a polygon square to one of its sides.
fn width_m(ring: &[Point]) -> f64 {
    let across = |(a, b): (Point, Point)| {
        let unit: Vector2<f64> = (b - a).try_normalize(0.0)?;
        let off = ring.iter().map(|corner| unit.perp(&(corner - a)));
        Some(off.clone().fold(f64::NEG_INFINITY, f64::max) - off.fold(f64::INFINITY, f64::min))
    };
    sides(ring).filter_map(across).fold(f64::INFINITY, f64::min)
}

/// Authored waypoints at which robots stand for long: places with a role, and stations. Those in cabins and one-lane
/// corridors and passthroughs are not among them: other lints are about these.
fn places<'l>(index: &'l Index<'_>) -> impl Iterator<Item = &'l Waypoint> + 'l {
    let mut stations = vec![false; index.site.waypoints().len()];
    for station in index.site.stations() {
        if let Some(flag) = stations.get_mut(station.waypoint.index()) {
            *flag = true;
        }
    }
    let waypoints = (0..).map(WaypointId).zip(index.site.waypoints()).zip(stations);
    let stands = |((id, waypoint), station): ((WaypointId, &'l Waypoint), bool)| {
        let roles = waypoint.roles;
        let meant = station || roles.parking || roles.holding || roles.charger;
        let possible = waypoint.authored
            && !roles.passthrough
            && waypoint.lift.is_none()
            && !crate::claims::is_inside_corridor(index.site, id);
        (meant && possible).then_some(waypoint)
    };
    waypoints.filter_map(stands)
}

/// B103, once for a place: for the largest class that is in the way. Where a footprint touches a wall its lanes say so.
pub(super) fn stops_in_the_way(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let width_mm = index.profile.building.exit_width_mm;
    let mut classes: Vec<&FootprintClass> = index.site.classes().iter().map(|claims| &claims.class).collect();
    classes.sort_by_key(|class| (std::cmp::Reverse(class.radius.0 + class.margin.0), &class.name));
    for waypoint in places(index) {
        let openings = index.levels.get(waypoint.level.index()).map(|level| &level.openings);
        let trouble = classes.iter().find_map(|class| {
            let reach_m = class.turning_m();
            if openings.is_some_and(|openings| openings.in_the_way(waypoint.at, reach_m)) {
                Some((class, "is on a sill, within reach of a leaf, or in a cabin".to_owned()))
            } else if !leaves_ways_out(index.site, waypoint.level, waypoint.at, reach_m, Mm(width_mm)) {
                Some((class, format!("leaves less than {:.3} m of an exit or fire lane", metres(width_mm))))
            } else {
                None
            }
        });
        if let Some((class, what)) = trouble {
            let text = format!("class {:?} at waypoint {:?} {what}", class.name, waypoint.name);
            let finding = Finding::new(id::B103, text).on(index.level_name(waypoint.level));
            findings.push(finding.about(element("waypoint", &waypoint.name)).at(waypoint.at));
        }
    }
}
