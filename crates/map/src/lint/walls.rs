//! Walls that somebody drew, and the doors in them.

use super::{
    Finding,
    catalogue::id,
    index::{Index, LevelIndex, Wall, element, order},
    profile::metres,
};
use crate::{
    compiled::Door,
    geometry::{Point, SegmentGrid, orientation, point_to_segment, segment_to_segment, sides},
    model::default_wall_thickness_m,
};

/// How far from each end of an opening something may reach into it, as a share of its width.
const JAMB_SHARE: f64 = 0.2;
/// Walls this close to each other lie over each other, metres.
const OVER_M: f64 = 0.001;
/// The length that walls share when they lie over each other, metres.
const OVERLAP_MIN_M: f64 = 0.05;
/// Sine of the largest angle between things that run along each other (10 degrees).
const PARALLEL_SINE_MAX: f64 = 0.174;

/// A place at which walls end.
struct End<'l> {
    at: Point,
    /// One of the walls.
    wall: &'l Wall,
    /// Whether there are several.
    several: bool,
}

/// The ends of all walls of a level, each place once, by place.
fn ends<'l>(level: &'l LevelIndex<'_>) -> Vec<End<'l>> {
    let each = |wall: &'l Wall| [wall.a, wall.b].map(|at| End { at, wall, several: false });
    let mut ends: Vec<End<'l>> = level.walls.iter().flat_map(each).collect();
    ends.sort_by(|p, q| order(p.at, q.at));
    ends.dedup_by(|end, kept| {
        let same = end.at == kept.at;
        kept.several = kept.several || same;
        same
    });
    ends
}

/// Pairs of points of a sorted list that are less than `apart_m` apart, by index.
pub(super) fn close_pairs(points: &[Point], apart_m: f64) -> Vec<(usize, usize, f64)> {
    let lines: Vec<_> = points.iter().map(|p| (*p, *p)).collect();
    let grid = SegmentGrid::new(&lines);
    let mut pairs = Vec::new();
    for (first, p) in points.iter().enumerate() {
        grid.near(*p, *p, apart_m, |second| {
            let second = second as usize;
            if let Some(q) = points.get(second).filter(|_| first < second) {
                let distance_m = (q - p).norm();
                if distance_m < apart_m {
                    pairs.push((first, second, distance_m));
                }
            }
        });
    }
    pairs.sort_by_key(|pair| (pair.0, pair.1));
    pairs.dedup_by_key(|pair| (pair.0, pair.1));
    pairs
}

/// G005.
pub(super) fn close_ends(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m = metres(index.profile.geometry.wall_ends_apart_min_mm);
    for level in &index.levels {
        let points: Vec<Point> = ends(level).into_iter().map(|end| end.at).collect();
        for (first, second, distance_m) in close_pairs(&points, limit_m) {
            let (Some(p), Some(q)) = (points.get(first), points.get(second)) else { continue };
            let text = format!(
                "walls end {distance_m:.3} m apart, at ({:.3}, {:.3}) and ({:.3}, {:.3}); less than {limit_m:.3} m is meant to be one point",
                p.x, p.y, q.x, q.y
            );
            let finding = Finding::new(id::G005, text).on(&level.level.name).at(*p);
            findings.push(finding.measured(distance_m, limit_m, "m"));
        }
    }
}

/// G006.
pub(super) fn dangling_ends(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let touch_m = metres(index.profile.geometry.wall_touch_mm);
    let door_m = metres(index.profile.geometry.door_to_wall_max_mm);
    for level in &index.levels {
        let stops = stops(index, level, touch_m, door_m);
        let lines: Vec<_> = stops.iter().map(|(line, _)| *line).collect();
        let reach_m = stops.iter().map(|(_, reach_m)| *reach_m).fold(touch_m, f64::max);
        let grid = SegmentGrid::new(&lines);
        for End { at, wall, several } in ends(level) {
            let mut held = several || touches_wall(level, at, touch_m);
            grid.near(at, at, reach_m, |stop| {
                let stop = stops.get(stop as usize).filter(|_| !held);
                held = held || stop.is_some_and(|((a, b), reach_m)| point_to_segment(at, *a, *b) <= *reach_m);
            });
            if !held {
                let text = format!("a wall ends at ({:.3}, {:.3}), where nothing is", at.x, at.y);
                findings.push(Finding::new(id::G006, text).on(&level.level.name).about(wall.label()).at(at));
            }
        }
    }
}

/// Whether a wall's end lies on another wall.
fn touches_wall(level: &LevelIndex<'_>, end: Point, touch_m: f64) -> bool {
    let mut touches = false;
    level.wall_grid.near(end, end, touch_m, |wall| {
        let other = level.walls.get(wall as usize).filter(|wall| wall.a != end && wall.b != end && !touches);
        touches = touches || other.is_some_and(|wall| point_to_segment(end, wall.a, wall.b) <= touch_m);
    });
    touches
}

/// What else a wall may end at, and how close: outlines, obstacles, cabins and doors.
fn stops(index: &Index<'_>, level: &LevelIndex<'_>, touch_m: f64, door_m: f64) -> Vec<((Point, Point), f64)> {
    let (site, authored, name) = (index.site, index.authored(), &level.level.name);
    let half_m = default_wall_thickness_m() / 2.0;
    let mut stops = Vec::new();
    for (written, room) in authored.rooms.iter().zip(site.rooms()) {
        if written.walled && room.level == level.id {
            let rings = std::iter::once(&room.outer).chain(&room.holes);
            stops.extend(rings.flat_map(|ring| sides(ring)).map(|side| (side, half_m + touch_m)));
        }
    }
    for obstacle in authored.obstacles.iter().filter(|obstacle| obstacle.level == *name) {
        let ring: Vec<Point> = obstacle.polygon.iter().map(|corner| Point::from(*corner)).collect();
        stops.extend(sides(&ring).map(|side| (side, half_m + touch_m)));
    }
    stops.extend(level.doors.iter().map(|(_, door)| ((door.a, door.b), door_m)));
    for lift in site.lifts() {
        for stop in lift.stops.iter().filter(|stop| stop.level == level.id) {
            stops.extend(sides(&lift.cabin()).map(|side| (side, door_m)));
            stops.extend(stop.doors.iter().map(|[a, b]| ((*a, *b), door_m)));
        }
    }
    stops
}

/// Pairs of walls of a level that come near each other, lesser first, each once.
fn neighbours<'l>(level: &'l LevelIndex<'_>, reach_m: f64) -> Vec<(&'l Wall, &'l Wall)> {
    let mut pairs = Vec::new();
    for (first, wall) in level.walls.iter().enumerate() {
        let from = pairs.len();
        level.wall_grid.near(wall.a, wall.b, reach_m, |second| {
            let second = second as usize;
            if first < second {
                pairs.push((first, second));
            }
        });
        if let Some(new) = pairs.get_mut(from..) {
            new.sort_unstable();
        }
    }
    pairs.dedup();
    pairs.into_iter().filter_map(|(p, q)| Some((level.walls.get(p)?, level.walls.get(q)?))).collect()
}

/// Whether two segments cross at a point that is an end of neither; exact.
pub(super) fn cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let apart = |s: f64, t: f64| (s < 0.0 && 0.0 < t) || (t < 0.0 && 0.0 < s);
    apart(orientation(a, b, c), orientation(a, b, d)) && apart(orientation(c, d, a), orientation(c, d, b))
}

/// Where two segments that cross do so.
pub(super) fn crossing(a: Point, b: Point, c: Point, d: Point) -> Point {
    a + (b - a) * crate::geometry::crossing_share(a, b, c, d)
}

/// G010.
pub(super) fn crossings(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        for (one, other) in neighbours(level, 0.0) {
            if cross(one.a, one.b, other.a, other.b) {
                let at = crossing(one.a, one.b, other.a, other.b);
                let text = format!("two walls cross at ({:.3}, {:.3})", at.x, at.y);
                let elements = [one, other].map(Wall::label);
                findings.push(Finding::new(id::G010, text).on(&level.level.name).about_all(elements).at(at));
            }
        }
    }
}

/// G014.
pub(super) fn doubles(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        for (one, other) in neighbours(level, OVER_M) {
            let shared_m = shared_m(one, other);
            if OVERLAP_MIN_M < shared_m {
                let text = format!("two walls lie over each other for {shared_m:.3} m");
                let elements = [one, other].map(Wall::label);
                let finding =
                    Finding::new(id::G014, text).on(&level.level.name).about_all(elements).at(other.a);
                findings.push(finding.measured(shared_m, OVERLAP_MIN_M, "m"));
            }
        }
    }
}

/// The length over which a wall lies on another one.
fn shared_m(one: &Wall, other: &Wall) -> f64 {
    let Some(unit) = (one.b - one.a).try_normalize(0.0) else { return 0.0 };
    let off = |p: Point| unit.perp(&(p - one.a)).abs();
    if OVER_M < off(other.a).max(off(other.b)) {
        return 0.0;
    }
    let along = |p: Point| unit.dot(&(p - one.a));
    let (from, to) = (along(other.a).min(along(other.b)), along(other.a).max(along(other.b)));
    to.min((one.b - one.a).norm()) - from.max(0.0)
}

/// G007. A level without walls and rooms has nothing that a door could be in.
pub(super) fn doors_off_walls(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m = metres(index.profile.geometry.door_to_wall_max_mm);
    for level in &index.levels {
        let geometry = &level.level.geometry;
        if !geometry.has_area() && geometry.walls().next().is_none() {
            continue;
        }
        for (_, door) in &level.doors {
            let off = |p: Point| {
                let outline_m = index.site.outline_distance(level.id, p).unwrap_or(f64::INFINITY);
                outline_m.min(geometry.wall_clearance(p))
            };
            let off_m = off(door.a).max(off(door.b));
            if limit_m < off_m {
                let text = format!(
                    "door {:?} is {off_m:.3} m away from walls and rooms, at most {limit_m:.3} m are allowed",
                    door.name
                );
                findings.push(at_door(id::G007, text, level, door).measured(off_m, limit_m, "m"));
            }
        }
    }
}

fn at_door(lint: super::LintId, text: String, level: &LevelIndex<'_>, door: &Door) -> Finding {
    let finding = Finding::new(lint, text).on(&level.level.name).about(element("door", &door.name));
    finding.at(super::index::middle(door))
}

/// The middle part of an opening, that its jambs leave.
fn opening(door: &Door) -> (Point, Point) {
    let jamb = (door.b - door.a) * JAMB_SHARE;
    (door.a + jamb, door.b - jamb)
}

/// G008.
pub(super) fn doors_walled_up(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        for (_, door) in &level.doors {
            let (a, b) = opening(door);
            if let Some((_, at)) = level.level.geometry.wall_in_reach(a, b, 0.0) {
                let text = format!("something stands in door {:?} at ({:.3}, {:.3})", door.name, at.x, at.y);
                let finding = Finding::new(id::G008, text).on(&level.level.name);
                findings.push(finding.about(element("door", &door.name)).at(at));
            }
        }
    }
}

/// G017.
pub(super) fn doors_over_doors(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let mut doors: Vec<&Door> = level.doors.iter().map(|(_, door)| *door).collect();
        doors.sort_by(|p, q| p.name.cmp(&q.name));
        let lines: Vec<_> = doors.iter().map(|door| opening(door)).collect();
        let grid = SegmentGrid::new(&lines);
        for (first, &(a, b)) in lines.iter().enumerate() {
            let mut over: Vec<usize> = Vec::new();
            grid.near(a, b, OVER_M, |second| over.push(second as usize));
            over.sort_unstable();
            over.dedup();
            for second in over.into_iter().filter(|second| first < *second) {
                let (Some(&(c, d)), Some(one), Some(other)) =
                    (lines.get(second), doors.get(first), doors.get(second))
                else {
                    continue;
                };
                let sine = (b - a).perp(&(d - c)).abs();
                let is_along = sine <= PARALLEL_SINE_MAX * (b - a).norm() * (d - c).norm();
                if is_along && segment_to_segment(a, b, c, d) <= OVER_M {
                    let text = format!("doors {:?} and {:?} are in one opening", one.name, other.name);
                    findings.push(at_door(id::G017, text, level, one).about(element("door", &other.name)));
                }
            }
        }
    }
}
