//! Zones: where they are, which parts of the roadmap reach into them, and the ways out that must stay clear.

use nalgebra::Vector2;
use sheepdog_core::{DoorId, LevelId, Mm, WaypointId, ZoneId};

use super::{check::Names, space};
use crate::{
    compiled::{CompiledSite, Csr, Door, FootprintClass, Lane, Waypoint, Zone, ZoneKind, metres, touches},
    geometry::{Point, ring_contains, sides, twice_area},
    model::Site,
    zones::Window,
};

/// Sides that run more than 60° off the way end it: cosine of that angle.
const ALONG_COSINE_MIN: f64 = 0.5;
/// How much narrower than asked a way may be by rounding, metres.
const SLACK_M: f64 = 1e-9;

/// The zones of a site that passed its checks, in its order, then one for each exit.
pub(super) fn build(
    site: &Site,
    names: &Names<'_>,
    doors: &[Door],
    waypoints: &[Waypoint],
    way_out_width: Mm,
) -> Vec<Zone> {
    let authored = site.zones.iter().enumerate().map(|(index, zone)| Zone {
        authored: Some(index),
        name: zone.id.clone(),
        level: names.levels.get(zone.level.as_str()).copied().unwrap_or_default(),
        kind: ZoneKind::Authored(zone.kind),
        outer: counter_clockwise(space::ring(&zone.polygon)),
        doors: zone.doors.iter().filter_map(|door| names.doors.get(door.as_str()).copied()).collect(),
        waypoints: Vec::new(),
        windows: zone.schedules.iter().filter_map(|schedule| Window::new(schedule).ok()).collect(),
    });
    let numbered = (0..).map(DoorId).zip(doors);
    let exits = numbered.filter_map(|(id, door)| {
        let outer = ground_of(door, door.exit_width_m?, metres(way_out_width));
        Some(Zone {
            authored: None,
            name: format!("exit {}", door.name),
            level: door.level,
            kind: ZoneKind::Exit,
            outer,
            doors: vec![id],
            waypoints: Vec::new(),
            windows: Vec::new(),
        })
    });
    authored.chain(exits).map(|zone| Zone { waypoints: inside(&zone, waypoints), ..zone }).collect()
}

fn inside(zone: &Zone, waypoints: &[Waypoint]) -> Vec<WaypointId> {
    let numbered = (0..).map(WaypointId).zip(waypoints);
    let inside =
        |waypoint: &Waypoint| waypoint.level == zone.level && ring_contains(&zone.outer, waypoint.at);
    numbered.filter(|(_, waypoint)| inside(waypoint)).map(|(id, _)| id).collect()
}

/// The ground on either side of an exit, as wide as people can leave through it: its first side lies along the door.
fn ground_of(door: &Door, width_m: f64, depth_m: f64) -> Vec<Point> {
    let along = (door.b - door.a).normalize();
    let out = Vector2::new(-along.y, along.x) * depth_m;
    let middle = door.a + (door.b - door.a) / 2.0;
    let half = along * (width_m / 2.0);
    vec![middle - half - out, middle + half - out, middle + half + out, middle - half + out]
}

fn counter_clockwise(mut ring: Vec<Point>) -> Vec<Point> {
    if twice_area(&ring) < 0.0 {
        ring.reverse();
    }
    ring
}

/// Zones into which a standing footprint reaches, by waypoint.
pub(super) fn at_waypoints(site: &CompiledSite, class: &FootprintClass) -> Csr<ZoneId> {
    let reach_m = class.turning_m();
    Csr::from_rows(site.waypoints.iter().map(|waypoint| reached(site, waypoint, waypoint, reach_m)))
}

/// Zones into which a moving footprint reaches, by lane. In a ride it is on the levels of both ends.
pub(super) fn along_lanes(site: &CompiledSite, class: &FootprintClass) -> Csr<ZoneId> {
    let along = |lane: &Lane| {
        let (Some(from), Some(to)) = (site.waypoint(lane.from), site.waypoint(lane.to)) else {
            return Vec::new();
        };
        let mut zones = reached(site, from, from, class.turning_m());
        zones.extend(reached(site, to, to, class.turning_m()));
        if from.level == to.level {
            zones.extend(reached(site, from, to, class.driving_m()));
        }
        zones.sort_unstable();
        zones.dedup();
        zones
    };
    Csr::from_rows(site.lanes.iter().map(along))
}

/// Lanes that a class fits through, that are meant for it, and that reach into no zone closed to it.
pub(super) fn usable(
    site: &CompiledSite,
    class: &FootprintClass,
    fits: &[bool],
    zones_along: &Csr<ZoneId>,
) -> Vec<bool> {
    let lanes = site.lanes.iter().zip(fits).enumerate();
    let open = |index: usize| !zones_along.row(index).iter().any(|zone| site.is_closed(*zone, &class.name));
    lanes.map(|(index, (lane, fits))| *fits && lane.admits(&class.name) && open(index)).collect()
}

fn reached(site: &CompiledSite, from: &Waypoint, to: &Waypoint, reach_m: f64) -> Vec<ZoneId> {
    let numbered = (0..).map(ZoneId).zip(&site.zones);
    let reaches = |zone: &Zone| zone.level == from.level && touches(&zone.outer, from.at, to.at, reach_m);
    numbered.filter(|(_, zone)| reaches(zone)).map(|(id, _)| id).collect()
}

/// Whether a footprint that stands at a point leaves every way out wide enough: rule MAP-003.
pub(crate) fn leaves_ways_out(
    site: &CompiledSite,
    level: LevelId,
    at: Point,
    reach_m: f64,
    width: Mm,
) -> bool {
    let ways = site.zones.iter().filter(|zone| zone.kind.is_way_out() && zone.level == level);
    let in_the_way = |zone: &&Zone| touches(&zone.outer, at, at, reach_m);
    ways.filter(in_the_way).all(|zone| metres(width) <= clear_width_m(zone, at, reach_m) + SLACK_M)
}

/// The wider of the two ways past a disc in a way out, metres; negative where a fire lane turns or ends beside the disc.
///
/// Looked at over the length that the disc takes up. The longest side of a fire lane says where people go.
fn clear_width_m(zone: &Zone, at: Point, reach_m: f64) -> f64 {
    let Some(way) = direction(zone) else { return f64::NEG_INFINITY };
    let across = Vector2::new(-way.y, way.x);
    let (mut low_m, mut high_m) = (f64::NEG_INFINITY, f64::INFINITY);
    for (a, b) in sides(&zone.outer) {
        let Some((a, b)) = within(at, way, reach_m, a, b) else { continue };
        let cosine = (b - a).try_normalize(SLACK_M).map_or(0.0, |side| side.dot(&way));
        let (from_m, to_m) = (across.dot(&(a - at)), across.dot(&(b - at)));
        // The ring is counter-clockwise, so the way lies to the left of each of its sides.
        if ALONG_COSINE_MIN <= cosine {
            low_m = low_m.max(from_m.max(to_m));
        } else if cosine <= -ALONG_COSINE_MIN {
            high_m = high_m.min(from_m.min(to_m));
        } else if zone.kind != ZoneKind::Exit {
            return f64::NEG_INFINITY;
        }
    }
    (high_m - reach_m.max(low_m)).max((-reach_m).min(high_m) - low_m)
}

/// Where people go in a way out, as a unit vector: through the door of an exit, along the longest side of a lane.
fn direction(zone: &Zone) -> Option<Vector2<f64>> {
    let mut sides = sides(&zone.outer).map(|(a, b)| b - a);
    match zone.kind {
        ZoneKind::Exit => sides.next().map(|along| Vector2::new(-along.y, along.x)),
        ZoneKind::Authored(_) => sides.max_by(|p, q| p.norm_squared().total_cmp(&q.norm_squared())),
    }
    .and_then(|way| way.try_normalize(SLACK_M))
}

/// The part of a side that lies beside a disc: less than `reach_m` before or behind its centre along the way.
fn within(at: Point, way: Vector2<f64>, reach_m: f64, a: Point, b: Point) -> Option<(Point, Point)> {
    let (from_m, to_m) = (way.dot(&(a - at)), way.dot(&(b - at)));
    if from_m.max(to_m) <= -reach_m || reach_m <= from_m.min(to_m) {
        return None;
    }
    let span_m = to_m - from_m;
    let clipped = |along_m: f64| {
        let share = if span_m == 0.0 { 0.0 } else { (along_m - from_m) / span_m };
        a + (b - a) * share.clamp(0.0, 1.0)
    };
    if span_m == 0.0 {
        return Some((a, b));
    }
    let ends = if from_m < to_m { (-reach_m, reach_m) } else { (reach_m, -reach_m) };
    Some((clipped(ends.0), clipped(ends.1)))
}
