//! Walls: the format has none, so the outlines of units are taken for them.

use crate::{
    geometry::{Point, sides},
    model::{Wall, default_wall_thickness_m},
};

use super::{
    Reader,
    units::{Bounds, Sides},
};

/// Sides that are nearer than a wall is thick are one side.
const APART_MAX_M: f64 = default_wall_thickness_m();
/// Sine of the largest angle between them (10 degrees).
const PARALLEL_SINE_MAX: f64 = 0.174;
/// Shorter remains of a side are rounding.
const CRUMB_M: f64 = 1e-3;

impl Reader<'_> {
    /// Walls around every room. Open units have none where they touch: there one leads into the other.
    pub(super) fn walls(&mut self, sides_of: &[Sides]) {
        let mut outlines = 0_usize;
        let mut walls = Vec::new();
        for (index, part) in self.parts.iter().enumerate().filter(|(_, part)| !part.is_cabin) {
            outlines += 1;
            let Some(near) = sides_of.get(part.level).filter(|_| part.bounds == Bounds::Open) else {
                continue;
            };
            for (a, b) in part.rings().flat_map(|ring| sides(&ring).collect::<Vec<_>>()) {
                // The walls of a closed neighbour are its own outline.
                let others = near.near((a, b), APART_MAX_M).into_iter().filter(|(_, owner)| {
                    *owner != index && self.parts.get(*owner).is_some_and(|part| !part.is_cabin)
                });
                let shared = others.filter_map(|(other, _)| shared((a, b), other)).collect();
                for (from, to) in rest((b - a).norm(), shared) {
                    let unit = (b - a).normalize();
                    let ends = [a + unit * from, a + unit * to].map(|end| [end.x, end.y]);
                    walls.push(Wall::new(&part.room.level, ends[0], ends[1]));
                }
            }
        }
        for part in &mut self.parts {
            part.room.walled = part.bounds == Bounds::Walled;
        }
        self.site.walls = walls;
        if 0 < outlines {
            let message = format!(
                "the format has no walls: the outlines of {outlines} units were taken for them, cut by the openings; \
                 only walkways and other open ground lead into each other without an opening"
            );
            self.report.warn("unit", message);
        }
    }
}

/// From where to where the first line runs along the second, metres from its start.
fn shared((a, b): (Point, Point), (c, d): (Point, Point)) -> Option<(f64, f64)> {
    let unit = (b - a).try_normalize(0.0)?;
    let (from, to) = (unit.dot(&(c - a)), unit.dot(&(d - a)));
    let (off_from, off_to) = (unit.perp(&(c - a)), unit.perp(&(d - a)));
    let (low, high) = (from.min(to).max(0.0), from.max(to).min((b - a).norm()));
    let is_parallel = unit.perp(&(d - c)).abs() <= PARALLEL_SINE_MAX * (d - c).norm();
    let off = |at: f64| (off_from + (off_to - off_from) * (at - from) / (to - from)).abs();
    (is_parallel && low < high && off(low).max(off(high)) <= APART_MAX_M).then_some((low, high))
}

/// What stretches leave of a length.
fn rest(length_m: f64, mut stretches: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    stretches.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.total_cmp(&q.1)));
    let mut pieces = Vec::new();
    let mut from = 0.0;
    for (low, high) in stretches.into_iter().chain([(length_m, length_m)]) {
        if from + CRUMB_M < low {
            pieces.push((from, low));
        }
        from = high.max(from);
    }
    pieces
}
