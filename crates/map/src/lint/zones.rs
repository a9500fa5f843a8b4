//! Zones: contradictions, places they do not touch, and what they keep robots from.

use std::collections::BTreeSet;

use sheepdog_core::{LaneId, WaypointId, ZoneId};

use super::{
    Finding,
    catalogue::id,
    index::{Index, LevelIndex, element, meeting_boxes, middle},
};
use crate::{
    compiled::{Zone, ZoneKind},
    geometry::{Point, Polygon, common_area_m2, point_to_segment, ring_contains, sides},
    model::{self, ZoneKind as Kind},
    zones::{Overlap, overlap},
};

/// Area that zones may share by rounding, square metres.
const SHARED_MAX_M2: f64 = 1e-4;
/// A door this close to the outline of a zone leads into it, metres.
const ON_OUTLINE_M: f64 = 0.3;

/// Authored zones of a level with what was written, by name.
fn zones_of<'l>(index: &'l Index<'_>, level: &LevelIndex<'_>) -> Vec<(&'l Zone, &'l model::Zone)> {
    let zones = index.site.zones().iter().zip(&index.authored().zones);
    let mut here: Vec<_> = zones.filter(|(zone, _)| zone.level == level.id).collect();
    here.sort_by(|p, q| p.0.name.cmp(&q.0.name));
    here
}

/// Z501.
pub(super) fn directions(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let mut zones = zones_of(index, level);
        zones.retain(|(_, written)| matches!(written.kind, Kind::Directed | Kind::Bidirected));
        let outlines: Vec<&[Point]> = zones.iter().map(|(zone, _)| zone.outer.as_slice()).collect();
        for (first, second) in meeting_boxes(&outlines) {
            let (Some((one, p)), Some((other, q))) = (zones.get(first), zones.get(second)) else { continue };
            let for_same = p.classes.is_empty()
                || q.classes.is_empty()
                || p.classes.iter().any(|class| q.classes.contains(class));
            let polygon = |zone: &Zone| Polygon { outer: zone.outer.clone(), holes: Vec::new() };
            let shared_m2 = common_area_m2(&polygon(one), &polygon(other)).unwrap_or(0.0);
            if for_same && overlap(p.kind, q.kind) == Overlap::Undefined && SHARED_MAX_M2 < shared_m2 {
                let text = format!(
                    "zones {:?} and {:?} give directions and share {shared_m2:.2} m²; nobody knows what holds there",
                    one.name, other.name
                );
                let elements = [one, other].map(|zone| element("zone", &zone.name));
                let finding = Finding::new(id::Z501, text).on(&level.level.name).about_all(elements);
                findings.push(finding.measured(shared_m2, 0.0, "m²"));
            }
        }
    }
}

/// Z502. A level without a mapped area has no outside.
pub(super) fn outside(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let geometry = &level.level.geometry;
        if !geometry.has_area() {
            continue;
        }
        for (zone, _) in zones_of(index, level) {
            let corners = zone.outer.iter().any(|corner| geometry.inside(*corner));
            let touches = corners || sides(&zone.outer).any(|(a, b)| geometry.meets_boundary(a, b));
            let holds =
                |ring: &Vec<Point>| ring.first().is_some_and(|corner| ring_contains(&zone.outer, *corner));
            if !touches && !geometry.rings().iter().any(holds) {
                let text = format!(
                    "zone {:?} lies outside the mapped area of level {:?}",
                    zone.name, level.level.name
                );
                let finding =
                    Finding::new(id::Z502, text).on(&level.level.name).about(element("zone", &zone.name));
                findings.push(match zone.outer.first() {
                    Some(corner) => finding.at(*corner),
                    None => finding,
                });
            }
        }
    }
}

/// Waypoints where robots have something to do, with what they are called.
fn places(index: &Index<'_>) -> Vec<(WaypointId, String)> {
    let stations =
        index.site.stations().iter().map(|station| (station.waypoint, element("station", &station.name)));
    let stays = (0..).map(WaypointId).zip(index.site.waypoints()).filter(|(_, waypoint)| {
        let roles = waypoint.roles;
        roles.charger || roles.parking || roles.holding
    });
    stations.chain(stays.map(|(id, waypoint)| (id, element("waypoint", &waypoint.name)))).collect()
}

/// Z504.
pub(super) fn blocked_places(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let places = places(index);
    for (zone, written) in index.site.zones().iter().zip(&index.authored().zones) {
        if !written.is_closed() || !written.classes.is_empty() {
            continue;
        }
        let inside: BTreeSet<WaypointId> = zone.waypoints.iter().copied().collect();
        for (waypoint, what) in places.iter().filter(|(waypoint, _)| inside.contains(waypoint)) {
            let text = format!("{what} is in zone {:?}, which no robot enters", zone.name);
            let finding = Finding::new(id::Z504, text).on(index.level_name(zone.level));
            let finding = finding.about(what.clone()).about(element("zone", &zone.name));
            findings.push(match index.site.waypoint(*waypoint) {
                Some(waypoint) => finding.at(waypoint.at),
                None => finding,
            });
        }
    }
}

/// Z503, once for a class: places of the largest part of what it can use that closed zones cut off.
pub(super) fn cut_off(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let site = index.site;
    for (number, claims) in site.classes().iter().enumerate() {
        let class = claims.class.name.as_str();
        let is_shut = |zone: &ZoneId| site.is_closed(*zone, class);
        if !(0..).map(ZoneId).zip(site.zones()).any(|(zone, _)| is_shut(&zone)) {
            continue;
        }
        let largest = |mut parts: Vec<Vec<WaypointId>>| -> BTreeSet<WaypointId> {
            let name = |part: &Vec<WaypointId>| {
                part.iter().map(|id| index.waypoint_name(*id)).min().unwrap_or("").to_owned()
            };
            parts.sort_by_cached_key(|part| (std::cmp::Reverse(part.len()), name(part)));
            parts.into_iter().next().unwrap_or_default().into_iter().collect()
        };
        let without_zones =
            |id: LaneId| claims.fits(id) && site.lane(id).is_some_and(|lane| lane.admits(class));
        let before = largest(site.components_over(without_zones));
        let after = largest(site.components(number));
        let is_cut = |id: &WaypointId| {
            before.contains(id) && !after.contains(id) && !claims.zones_at(*id).iter().any(is_shut)
        };
        let mut lost: Vec<String> =
            places(index).into_iter().filter(|(id, _)| is_cut(id)).map(|(_, what)| what).collect();
        lost.sort_unstable();
        lost.dedup();
        if !lost.is_empty() {
            let text = format!(
                "places that class {class:?} gets to only through zones that it may not enter: {}",
                lost.len()
            );
            findings.push(Finding::new(id::Z503, text).about_all(lost));
        }
    }
}

/// Z506.
pub(super) fn lamp_doors(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        for (zone, _) in zones_of(index, level) {
            if zone.kind != ZoneKind::Authored(Kind::UvC) {
                continue;
            }
            for (number, door) in &level.doors {
                let at = middle(door);
                let off =
                    sides(&zone.outer).map(|(a, b)| point_to_segment(at, a, b)).fold(f64::INFINITY, f64::min);
                if off <= ON_OUTLINE_M && !zone.doors.contains(number) {
                    let text = format!(
                        "zone {:?} is treated with UV-C light and does not name door {:?}",
                        zone.name, door.name
                    );
                    let elements = [element("zone", &zone.name), element("door", &door.name)];
                    findings
                        .push(Finding::new(id::Z506, text).on(&level.level.name).about_all(elements).at(at));
                }
            }
        }
    }
}
