//! Where the centre of a disc may be: the free space of one radius, and shortest paths through it.
//!
//! It owns a copy of the geometry it needs, so it can be kept, shared and dropped as the caller likes: build one for each
//! radius in use. It is conservative: what it calls free is free by [`LevelGeometry::disc_free`]; it may refuse places
//! that are free by up to 2 % of the radius around convex corners. It refuses to guess: a question outside the free
//! space is answered with an error that says which end is blocked and what is the nearest free point.

mod inflate;
mod locate;
mod mesh;
mod search;

use nalgebra::Point2;

pub use self::search::Scratch;
use self::{locate::PolygonIndex, mesh::Mesh, search::Search};
use super::{
    Found, LevelGeometry, Point, RegionIndex, SegmentGrid, closest, is_place, point_to_segment, sides,
    twice_area,
};

/// Why there is no free space of a radius.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FreeSpaceError {
    /// A radius is finite and between zero and a kilometre.
    #[error("a footprint of radius {radius_m} m is not between 0 and 1000 m")]
    Radius {
        /// The radius asked for, metres.
        radius_m: f64,
    },
    /// The area found is outside what the walls allow: the polygon library failed.
    #[error("the free space has {found_m2} m2, the walls leave between {} and {} m2", credible_m2.0, credible_m2.1)]
    Overlay {
        /// The area found, square metres; NaN when nothing was found at all.
        found_m2: f64,
        /// Bounds of the area, square metres.
        credible_m2: (f64, f64),
    },
    /// Sides of the free space cross, so it cannot be divided into polygons.
    #[error("{conflicts} sides of the free space cross")]
    Triangulation {
        /// How many.
        conflicts: usize,
    },
}

/// Why there is no path.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The start is not in the free space.
    #[error("the start is blocked, the nearest free point is {nearest_free:?}")]
    StartBlocked {
        /// A free point that is nearest up to a micrometre; `None` when nothing is free or the start is not finite.
        nearest_free: Option<Point2<f64>>,
    },
    /// The goal is not in the free space.
    #[error("the goal is blocked, the nearest free point is {nearest_free:?}")]
    GoalBlocked {
        /// As for the start.
        nearest_free: Option<Point2<f64>>,
    },
    /// Both ends are free, and nothing connects them.
    #[error("start and goal are in the separate components {start_component} and {goal_component}")]
    Disconnected {
        /// Component of the start, see [`FreeSpace::component`].
        start_component: u32,
        /// Component of the goal.
        goal_component: u32,
    },
}

/// A shortest path of a disc's centre.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Start, corners and goal; straight between them. One point twice when start and goal are the same.
    pub points: Vec<Point2<f64>>,
    /// Its length, metres.
    pub length_m: f64,
}

/// The free space of one radius on one level: mapped area less everything closer than the radius to a wall, or to the
/// edge of the area. Its boundary belongs to it.
///
/// ```
/// use nalgebra::Point2;
/// use sheepdog_map::{CompileOptions, Site, geometry::{FreeSpace, PathError, Scratch}, model};
///
/// let mut site = Site::new("flat");
/// site.levels.push(model::Level::new("0", 0.0));
/// site.rooms.push(model::Room::rectangle("hall", "0", 0.0, 0.0, 6.0, 4.0).walled());
/// site.walls.push(model::Wall::new("0", [3.0, 0.0], [3.0, 2.0]));
/// let site = site.compile(&CompileOptions::default()).unwrap();
///
/// let free = FreeSpace::new(&site.levels()[0].geometry, 0.3)?;
/// let mut scratch = Scratch::new();
/// let path = free.path(Point2::new(1.0, 1.0), Point2::new(5.0, 1.0), &mut scratch).unwrap();
/// assert!(4.0 < path.length_m && path.length_m < 5.5);
/// let blocked = free.path(Point2::new(3.0, 1.0), Point2::new(5.0, 1.0), &mut scratch);
/// assert!(matches!(blocked, Err(PathError::StartBlocked { nearest_free: Some(_) })));
/// # Ok::<(), sheepdog_map::geometry::FreeSpaceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FreeSpace {
    radius_m: f64,
    rings: Vec<Vec<Point>>,
    mesh: Mesh,
    area: RegionIndex,
    polygons: PolygonIndex,
    sides: Vec<(Point, Point)>,
    boundary: SegmentGrid,
}

impl FreeSpace {
    /// The free space of a radius, cabins of lifts included (see
    /// [`CompiledSite::free_space`](crate::CompiledSite::free_space)). The radius counts up to the next 10 micrometres; O(n log n), some milliseconds for a
    /// storey of a hospital. Empty on a level without mapped area: what was not mapped is not known to be free.
    ///
    /// A larger radius gives a subset.
    ///
    /// # Errors
    /// [`FreeSpaceError`]: the radius is no length, or the polygon libraries failed on this geometry.
    pub fn new(geometry: &LevelGeometry, radius_m: f64) -> Result<Self, FreeSpaceError> {
        Self::outside(geometry, &[], radius_m)
    }

    /// The free space of a radius less everything closer than the radius to `closed` areas, such as blocked zones:
    /// simple polygons, either way round.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn outside(
        geometry: &LevelGeometry,
        closed: &[&[Point2<f64>]],
        radius_m: f64,
    ) -> Result<Self, FreeSpaceError> {
        const STEPS_PER_M: f64 = 1e5;
        if !(0.0..=1_000.0).contains(&radius_m) {
            return Err(FreeSpaceError::Radius { radius_m });
        }
        let rings = inflate::free_rings(geometry, closed, (radius_m * STEPS_PER_M).ceil() / STEPS_PER_M)?;
        let mesh = Mesh::new(&rings)?;
        let lines: Vec<_> = rings.iter().flat_map(|ring| sides(ring)).collect();
        Ok(Self {
            radius_m,
            area: RegionIndex::new(lines.iter().map(|line| (0, *line))),
            polygons: PolygonIndex::new(&mesh),
            boundary: SegmentGrid::searchable(&lines),
            sides: lines,
            mesh,
            rings,
        })
    }

    /// The radius, metres.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }

    /// Rings of the free space, for drawing: outer rings counter-clockwise, holes clockwise.
    pub fn rings(&self) -> &[Vec<Point2<f64>>] {
        &self.rings
    }

    /// Its size, square metres.
    pub fn area_m2(&self) -> f64 {
        self.rings.iter().map(|ring| twice_area(ring)).sum::<f64>() / 2.0
    }

    /// Whether a point is in the free space, its boundary included; exact, O(1) on average.
    #[inline]
    pub fn contains(&self, p: Point2<f64>) -> bool {
        self.area.locate(p) != Found::Outside
    }

    /// How many pieces there are between which no path leads.
    pub fn components(&self) -> u32 {
        self.mesh.components
    }

    /// The piece that a point is in; `None` for a blocked point. At a point where two pieces touch, one of them.
    pub fn component(&self, p: Point2<f64>) -> Option<u32> {
        let mut polygons = Vec::new();
        self.polygons.find(&self.mesh, p, &mut polygons);
        polygons.first().and_then(|polygon| self.mesh.component.get(*polygon as usize).copied())
    }

    /// The point itself when it is free, else a free point that is nearest up to a micrometre; `None` when nothing is
    /// free or the point is not finite.
    pub fn nearest_free(&self, p: Point2<f64>) -> Option<Point2<f64>> {
        if !is_place(p) || self.sides.is_empty() {
            return None;
        }
        if self.contains(p) {
            return Some(p);
        }
        let distance = |side: u32| {
            self.sides.get(side as usize).map_or(f64::INFINITY, |&(a, b)| point_to_segment(p, a, b))
        };
        let (side, _) = self.boundary.nearest(p, 0.0, distance)?;
        let &(a, b) = self.sides.get(side as usize)?;
        let at = closest(p, a, b);
        // On the side up to rounding; a little further in than that, or at an end, which is exact.
        let inwards = nalgebra::Vector2::new(a.y - b.y, b.x - a.x).try_normalize(0.0)?;
        let further = [0.0, 1e-9, 1e-8, 1e-7].into_iter().map(|step_m| at + inwards * step_m);
        let nearer_end = if (p - a).norm_squared() <= (p - b).norm_squared() { a } else { b };
        further.chain([nearer_end]).find(|at| self.contains(*at))
    }

    /// A shortest path between two points in any direction; shortest up to 1e-6 m, and the same on every machine.
    ///
    /// Both ends must be free; use [`nearest_free`](Self::nearest_free) of the error to move one. Microseconds on a
    /// storey of a hospital, and no allocation but that of the path once `scratch` has grown.
    ///
    /// # Errors
    /// [`PathError`]: which end is blocked, or that the two are in separate components.
    pub fn path(
        &self,
        start: Point2<f64>,
        goal: Point2<f64>,
        scratch: &mut Scratch,
    ) -> Result<Path, PathError> {
        for (p, polygons) in [(start, &mut scratch.starts), (goal, &mut scratch.goals)] {
            polygons.clear();
            self.polygons.find(&self.mesh, p, polygons);
        }
        let component = |polygons: &[u32]| {
            let first = polygons.first().and_then(|polygon| self.mesh.component.get(*polygon as usize));
            first.copied()
        };
        let Some(start_component) = component(&scratch.starts) else {
            return Err(PathError::StartBlocked { nearest_free: self.nearest_free(start) });
        };
        let Some(goal_component) = component(&scratch.goals) else {
            return Err(PathError::GoalBlocked { nearest_free: self.nearest_free(goal) });
        };
        let component_of = |polygon: &u32| self.mesh.component.get(*polygon as usize);
        let joined =
            |goal: &u32| scratch.starts.iter().any(|start| component_of(start) == component_of(goal));
        if !scratch.goals.iter().any(joined) {
            return Err(PathError::Disconnected { start_component, goal_component });
        }
        let search = Search { mesh: &self.mesh, start, goal };
        let Some(points) = search.run(scratch) else {
            return Err(PathError::Disconnected { start_component, goal_component });
        };
        let length_m = points.windows(2).filter_map(|pair| Some((pair.first()? - pair.last()?).norm())).sum();
        Ok(Path { points, length_m })
    }
}

#[cfg(test)]
mod tests;
