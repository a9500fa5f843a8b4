//! Geometry of one level: walls, mapped free area, and fast questions about both.
//!
//! Containment is decided with exact predicates and includes the boundary; collision counts touching as hit.
//! A question with NaN, infinite numbers or places beyond a million kilometres gets the answer of a blocked place. Errors of distances are below
//! 1e-9 m for coordinates up to 10 km.

mod area;
mod closest;
mod footprint;
mod free;
mod grid;
mod mapped;
mod rays;
mod regions;
mod rooms;
mod segment;
mod widths;

use nalgebra::Point2;

pub use self::footprint::{Disc, Footprint, FootprintError, Outline};
pub use self::free::{FreeSpace, FreeSpaceError, Path, PathError, Scratch};
pub use self::mapped::{Mapped, MappedMonitor, MappedPolicy, MappedPolicyError, MappedProbability};
pub use self::rays::RayHit;
pub use self::rooms::Location;
pub(crate) use self::rooms::RoomIndex;
pub use self::widths::CorridorWidth;

pub(crate) use self::{
    area::{Polygon, common_area_m2, mapped_area},
    grid::{Grid as SegmentGrid, bounds, float, truncate},
    regions::{Found, RegionIndex},
    segment::*,
};
use self::{closest::ClosestIndex, grid::Grid};

/// A straight wall: a centre line with half its thickness on either side and round ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WallSegment {
    /// One end of the centre line, metres.
    pub a: Point2<f64>,
    /// The other end, metres.
    pub b: Point2<f64>,
    /// Thickness, metres; zero for a bare surface such as the inside of a lift cabin.
    pub thickness_m: f64,
}

/// The wall nearest to a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearestWall {
    /// Which wall, counted as in [`LevelGeometry::walls`].
    pub wall: usize,
    /// Distance to its surface, metres; zero in it.
    pub distance_m: f64,
    /// The point of the wall's body that is nearest; the point asked for when that is in the wall.
    pub at: Point2<f64>,
}

/// Walls and mapped free area of one level. It is frozen; all questions are read-only.
///
/// Costs are given for `n` walls or sides spread evenly; the index holds about a dozen entries per segment.
#[derive(Clone, Debug, Default)]
pub struct LevelGeometry {
    walls: Vec<WallSegment>,
    wall_grid: Grid,
    closest_wall: ClosestIndex,
    half_thickness_max_m: f64,
    rings: Vec<Vec<Point2<f64>>>,
    sides: Vec<(Point2<f64>, Point2<f64>)>,
    side_grid: Grid,
    closest_side: ClosestIndex,
    area: RegionIndex,
    area_m2: f64,
    /// Whether rooms were drawn, even if nothing of them is free.
    is_drawn: bool,
    /// Obstacles, which are walls all round, where there is no mapped area that they are cut out of.
    solids: Option<RegionIndex>,
}

impl LevelGeometry {
    /// Geometry from walls and from the rings of the mapped area: outer rings counter-clockwise, holes
    /// clockwise, no two rings crossing. Coordinates must be finite; O(n log n).
    pub(crate) fn new(walls: Vec<WallSegment>, rings: Vec<Vec<Point2<f64>>>) -> Self {
        let lines: Vec<_> = walls.iter().map(|wall| (wall.a, wall.b)).collect();
        let sides: Vec<_> = rings.iter().flat_map(|ring| sides(ring)).collect();
        Self {
            wall_grid: Grid::searchable(&lines),
            closest_wall: ClosestIndex::new(
                walls.iter().map(|wall| (wall.a, wall.b, wall.thickness_m / 2.0)),
            ),
            half_thickness_max_m: walls.iter().map(|wall| wall.thickness_m / 2.0).fold(0.0, f64::max),
            side_grid: Grid::searchable(&sides),
            area: RegionIndex::new(sides.iter().map(|side| (0, *side))),
            closest_side: ClosestIndex::new(sides.iter().map(|&(a, b)| (a, b, 0.0))),
            area_m2: rings.iter().map(|ring| twice_area(ring)).sum::<f64>() / 2.0,
            is_drawn: !rings.is_empty(),
            solids: None,
            walls,
            rings,
            sides,
        }
    }

    /// The same of a level with rooms: where nothing of them is left, nothing is free.
    pub(crate) fn drawn(self) -> Self {
        Self { is_drawn: true, ..self }
    }

    /// The same with obstacles nobody can be inside; their outlines must be among the walls.
    pub(crate) fn with_solids(self, solids: &[Vec<Point2<f64>>]) -> Self {
        let solid_sides =
            (0..).zip(solids).flat_map(|(number, ring)| sides(ring).map(move |side| (number, side)));
        Self { solids: (!solids.is_empty()).then(|| RegionIndex::new(solid_sides)), ..self }
    }

    /// Whether a point is in an obstacle that is not cut out of a mapped area.
    fn is_solid(&self, p: Point) -> bool {
        self.solids.as_ref().is_some_and(|solids| solids.locate(p) != Found::Outside)
    }

    /// Walls: both ends of the centre line and the thickness, metres.
    pub fn walls(&self) -> impl Iterator<Item = (Point2<f64>, Point2<f64>, f64)> + '_ {
        self.walls.iter().map(|wall| (wall.a, wall.b, wall.thickness_m))
    }

    /// Rings of the mapped area, for drawing: outer rings counter-clockwise, holes clockwise.
    pub fn rings(&self) -> &[Vec<Point2<f64>>] {
        &self.rings
    }

    /// Whether the level has a mapped area at all. Without one (no room was drawn) only walls limit motion.
    pub fn has_area(&self) -> bool {
        self.is_drawn
    }

    /// Size of the mapped area, square metres.
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// Lower left and upper right corner of the box around walls and mapped area; `None` when there are neither.
    pub fn bounds(&self) -> Option<(Point2<f64>, Point2<f64>)> {
        let walls = self.walls.iter().flat_map(|wall| [wall.a, wall.b]);
        bounds(walls.chain(self.rings.iter().flatten().copied()))
    }

    /// Whether a point is in the mapped area, its boundary included; exact. O(1) on average.
    ///
    /// Always `false` on a level without mapped area: what was not mapped is not known to be free.
    pub fn inside(&self, p: Point2<f64>) -> bool {
        self.area.locate(p) != Found::Outside
    }

    /// Distance to the nearest wall surface, metres: zero in a wall and in an obstacle, infinite without walls. O(1) on
    /// average.
    pub fn wall_clearance(&self, p: Point2<f64>) -> f64 {
        if !is_place(p) || self.is_solid(p) {
            return 0.0;
        }
        let distance_m = self.closest_wall.distance(p).or_else(|| Some(self.wall_searched(p)?.1));
        distance_m.map_or(f64::INFINITY, |distance_m| distance_m.max(0.0))
    }

    /// The wall whose surface is nearest to a point, of several one, and always the same; `None` without walls and for
    /// a point that is not finite. O(1) on average.
    ///
    /// In a wall the distance is zero, and the wall is the one that `p` is deepest in.
    pub fn nearest_wall(&self, p: Point2<f64>) -> Option<NearestWall> {
        let (wall, distance_m) = self.wall_near(p)?;
        let at = self.closest_wall.point_of(wall, p)?;
        Some(NearestWall { wall: wall as usize, distance_m: distance_m.max(0.0), at })
    }

    /// The nearest wall and the distance to its surface, negative in it.
    fn wall_near(&self, p: Point) -> Option<(u32, f64)> {
        if !is_place(p) {
            return None;
        }
        self.closest_wall.nearest(p).or_else(|| self.wall_searched(p))
    }

    /// The same ring by ring, where the index refuses.
    fn wall_searched(&self, p: Point) -> Option<(u32, f64)> {
        let surface = |wall: u32| {
            self.walls
                .get(wall as usize)
                .map_or(f64::INFINITY, |wall| point_to_segment(p, wall.a, wall.b) - wall.thickness_m / 2.0)
        };
        self.wall_grid.nearest(p, self.half_thickness_max_m, surface)
    }

    /// Distance to the boundary of the mapped area, from either side, metres; infinite without an area. O(1) on
    /// average.
    pub fn boundary_clearance(&self, p: Point2<f64>) -> f64 {
        if !is_place(p) {
            return 0.0;
        }
        let distance = |side: u32| {
            self.sides.get(side as usize).map_or(f64::INFINITY, |&(a, b)| point_to_segment(p, a, b))
        };
        let searched = || Some(self.side_grid.nearest(p, 0.0, distance)?.1);
        self.closest_side.distance(p).or_else(searched).unwrap_or(f64::INFINITY)
    }

    /// Whether a disc lies in the mapped area and touches no wall; O(1) on average.
    ///
    /// On a level without mapped area only walls and obstacles are asked.
    pub fn disc_free(&self, p: Point2<f64>, radius_m: f64) -> bool {
        self.sweep_free(p, p, radius_m)
    }

    /// Whether a disc moved straight from `a` to `b` stays in the mapped area and touches no wall.
    ///
    /// Never `true` when blocked; it may refuse a fit closer than 1e-9 m. O(cells touched). On a level without
    /// mapped area only walls and obstacles are asked.
    pub fn sweep_free(&self, a: Point2<f64>, b: Point2<f64>, radius_m: f64) -> bool {
        let legal = is_place(a) && is_place(b) && radius_m.is_finite() && 0.0 <= radius_m;
        legal
            && !self.is_solid(a)
            && self.wall_in_reach(a, b, radius_m).is_none()
            && self.boundary_in_reach(a, b, radius_m).is_none()
    }

    /// Distance from the centre line of a sweep to the closest wall surface and where, if a disc would touch it.
    pub(crate) fn wall_in_reach(&self, a: Point, b: Point, radius_m: f64) -> Option<(f64, Point)> {
        let mut worst: Option<(f64, Point)> = None;
        self.wall_grid.near(a, b, radius_m + self.half_thickness_max_m, |wall| {
            if let Some(wall) = self.walls.get(wall as usize) {
                let (distance, at) = approach_of(a, b, wall.a, wall.b);
                let clearance = distance - wall.thickness_m / 2.0;
                if clearance <= radius_m + SLACK_M
                    && worst.is_none_or(|worst| is_before((clearance, at), worst))
                {
                    worst = Some((clearance, at));
                }
            }
        });
        worst.map(|(clearance, at)| (clearance.max(0.0), at))
    }

    /// Whether a segment has a point in common with the boundary of the mapped area.
    pub(crate) fn meets_boundary(&self, a: Point, b: Point) -> bool {
        let mut meets = false;
        self.side_grid.near(a, b, 0.0, |side| {
            let side = self.sides.get(side as usize).filter(|_| !meets);
            meets = meets || side.is_some_and(|&(c, d)| segments_meet(a, b, c, d));
        });
        meets
    }

    /// Distance from the centre line of a sweep to the boundary of the mapped area and where, if a disc would
    /// leave the area; zero when the line itself is outside.
    pub(crate) fn boundary_in_reach(&self, a: Point, b: Point, radius_m: f64) -> Option<(f64, Point)> {
        if !self.has_area() {
            return None;
        }
        if !self.inside(a) {
            return Some((0.0, a));
        }
        let mut worst: Option<(f64, Point)> = None;
        self.side_grid.near(a, b, radius_m, |side| {
            if let Some(&(c, d)) = self.sides.get(side as usize) {
                let (distance, at) = approach_of(a, b, c, d);
                if distance < radius_m + SLACK_M && worst.is_none_or(|worst| is_before((distance, at), worst))
                {
                    worst = Some((distance, at));
                }
            }
        });
        worst
    }
}

/// Nearer, or as near at a lesser place: what is found does not depend on the order of walls.
fn is_before((near, at): (f64, Point), (than, there): (f64, Point)) -> bool {
    near.total_cmp(&than).then(at.x.total_cmp(&there.x)).then(at.y.total_cmp(&there.y)).is_lt()
}

/// Beyond it nothing is mapped: a million kilometres, where neighbouring numbers lie 0.1 µm apart.
const FAR_M: f64 = 1e9;

/// How much closer than allowed a sweep may seem by rounding and still be refused.
const SLACK_M: f64 = 1e-9;

/// [`approach`], without its exact predicates where the sweep is a single place.
fn approach_of(a: Point, b: Point, c: Point, d: Point) -> (f64, Point) {
    if a == b { (point_to_segment(a, c, d), a) } else { approach(a, b, c, d) }
}

/// Whether a point is one that can be asked about: finite, and near enough that no product overflows.
fn is_place(p: Point) -> bool {
    p.x.abs() <= FAR_M && p.y.abs() <= FAR_M
}

#[cfg(test)]
mod tests;
