//! Polygons: how they wind, where they overlap, and gaps between them.

use super::{
    Finding,
    catalogue::id,
    index::{Index, LevelIndex, element, meeting_boxes},
    profile::metres,
};
use crate::{
    compiled::Room,
    geometry::{Point, Polygon, SegmentGrid, common_area_m2, point_to_segment, sides, twice_area},
    model,
};

/// G003, once for a level: an editor with y downwards turns all of them.
pub(super) fn windings(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let is_clockwise = |ring: &[[f64; 2]]| {
        let ring: Vec<Point> = ring.iter().map(|corner| Point::from(*corner)).collect();
        twice_area(&ring) < 0.0
    };
    let authored = index.authored();
    for level in &index.levels {
        let name = &level.level.name;
        let mut turned: Vec<String> = Vec::new();
        for room in authored.rooms.iter().filter(|room| room.level == *name) {
            let holes = room.holes.iter().any(|hole| !is_clockwise(hole));
            turned.extend((is_clockwise(&room.polygon) || holes).then(|| element("room", &room.id)));
        }
        let zones = authored.zones.iter().filter(|zone| zone.level == *name && is_clockwise(&zone.polygon));
        turned.extend(zones.map(|zone| element("zone", &zone.id)));
        let obstacles = authored.obstacles.iter();
        let obstacles =
            obstacles.filter(|obstacle| obstacle.level == *name && is_clockwise(&obstacle.polygon));
        turned.extend(obstacles.map(|obstacle| element("obstacle", &obstacle.id)));
        turned.sort_unstable();
        if !turned.is_empty() {
            let text = format!("polygons of level {name:?} that wind the other way: {}", turned.len());
            let count = crate::geometry::float(turned.len());
            findings.push(Finding::new(id::G003, text).on(name).about_all(turned).measured(count, 0.0, ""));
        }
    }
}

/// G004.
pub(super) fn overlaps(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m2 = f64::from(index.profile.geometry.overlap_max_cm2) / 1e4;
    for level in &index.levels {
        let mut rooms: Vec<&Room> = index.site.rooms().iter().filter(|room| room.level == level.id).collect();
        rooms.sort_by(|p, q| p.name.cmp(&q.name));
        let outlines: Vec<&[Point]> = rooms.iter().map(|room| room.outer.as_slice()).collect();
        for (first, second) in meeting_boxes(&outlines) {
            let (Some(one), Some(other)) = (rooms.get(first), rooms.get(second)) else { continue };
            let Some(common_m2) = common_area_m2(&polygon(one), &polygon(other)) else { continue };
            if limit_m2 < common_m2 {
                let text = format!(
                    "rooms {:?} and {:?} share {common_m2:.3} m², at most {limit_m2:.3} m² are allowed",
                    one.name, other.name
                );
                let elements = [one, other].map(|room| element("room", &room.name));
                let finding = Finding::new(id::G004, text).on(&level.level.name).about_all(elements);
                findings.push(finding.measured(common_m2, limit_m2, "m²"));
            }
        }
    }
}

fn polygon(room: &Room) -> Polygon {
    Polygon { outer: room.outer.clone(), holes: room.holes.clone() }
}

/// G009. Holes that somebody drew, and those that obstacles leave, are no gaps.
pub(super) fn gaps(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m = metres(index.profile.geometry.gap_width_max_mm);
    for level in &index.levels {
        let drawn = drawn_holes(index, level);
        let grid = SegmentGrid::new(&drawn);
        for ring in level.level.geometry.rings() {
            let area_m2 = -twice_area(ring) / 2.0;
            let girth_m: f64 = sides(ring).map(|(a, b)| (b - a).norm()).sum();
            let width_m = 2.0 * area_m2 / girth_m;
            // Outer rings have a negative area here.
            let is_gap = 0.0 < area_m2 && width_m < limit_m;
            let Some(&corner) = ring.iter().min_by(|p, q| super::index::order(**p, **q)) else { continue };
            if is_gap && !is_on(corner, &drawn, &grid) {
                let text = format!(
                    "a gap of {area_m2:.3} m² between rooms is {width_m:.3} m wide on average, what is meant has {limit_m:.3} m"
                );
                let finding = Finding::new(id::G009, text).on(&level.level.name).at(corner);
                findings.push(finding.measured(width_m, limit_m, "m"));
            }
        }
    }
}

fn drawn_holes(index: &Index<'_>, level: &LevelIndex<'_>) -> Vec<(Point, Point)> {
    let authored = index.authored();
    let holes = index.site.rooms().iter().filter(|room| room.level == level.id).flat_map(|room| &room.holes);
    let here = |obstacle: &&model::Obstacle| obstacle.level == level.level.name;
    let outline = |obstacle: &model::Obstacle| -> Vec<Point> {
        obstacle.polygon.iter().map(|corner| Point::from(*corner)).collect()
    };
    let obstacles: Vec<Vec<Point>> = authored.obstacles.iter().filter(here).map(outline).collect();
    holes.chain(&obstacles).flat_map(|ring| sides(ring)).collect()
}

fn is_on(p: Point, lines: &[(Point, Point)], grid: &SegmentGrid) -> bool {
    /// The union moves corners by up to 5 mm.
    const SNAP_M: f64 = 0.006;
    let mut on = false;
    grid.near(p, p, SNAP_M, |line| {
        on = on || lines.get(line as usize).is_some_and(|&(a, b)| point_to_segment(p, a, b) <= SNAP_M);
    });
    on
}
