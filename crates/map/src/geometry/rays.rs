//! Rays, lines of sight and what can be seen from a point.
//!
//! Says of each question whether a wall counts as its centre line or with its thickness. It refuses to see through a
//! touching end: where two walls meet, nothing is seen between them.

use nalgebra::{Point2, Vector2};

use super::{
    LevelGeometry, WallSegment, is_place,
    segment::{Point, closest, crossing_share, ray_to_segment, segments_meet},
};

/// Where a ray meets a wall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RayHit {
    /// Which wall, counted as in [`LevelGeometry::walls`].
    pub wall: usize,
    /// Distance along the ray, metres.
    pub distance_m: f64,
    /// Where.
    pub at: Point2<f64>,
}

impl LevelGeometry {
    /// Distance along a ray to the nearest wall, at most `max_m`. O(cells crossed), no allocation.
    ///
    /// Walls count as their centre lines, so a real surface is half a wall's thickness nearer when hit squarely; see
    /// [`ray_surface`](Self::ray_surface). `direction_unit` must have length one; with a zero or non-finite argument the
    /// answer is zero.
    pub fn ray(&self, origin: Point2<f64>, direction_unit: Vector2<f64>, max_m: f64) -> f64 {
        if !is_ray(origin, direction_unit, max_m) {
            return 0.0;
        }
        self.cast(origin, direction_unit, max_m.max(0.0)).1
    }

    /// The wall whose centre line a ray meets first within `max_m`, and where; `None` when it meets none, and for a zero
    /// or non-finite argument. O(cells crossed), no allocation.
    pub fn ray_hit(&self, origin: Point2<f64>, direction_unit: Vector2<f64>, max_m: f64) -> Option<RayHit> {
        if !is_ray(origin, direction_unit, max_m) {
            return None;
        }
        let (wall, distance_m) = self.cast(origin, direction_unit, max_m.max(0.0));
        Some(RayHit { wall: wall? as usize, distance_m, at: origin + direction_unit * distance_m })
    }

    /// The same with the thickness of walls: where a ray meets the surface of a wall first. Zero distance in a wall.
    pub fn ray_surface(
        &self,
        origin: Point2<f64>,
        direction_unit: Vector2<f64>,
        max_m: f64,
    ) -> Option<RayHit> {
        if !is_ray(origin, direction_unit, max_m) {
            return None;
        }
        // No surface is met later than its centre line.
        let limit_m = self.cast(origin, direction_unit, max_m.max(0.0)).1;
        let mut best: Option<(f64, u32)> = None;
        self.wall_grid.near(origin, origin + direction_unit * limit_m, self.half_thickness_max_m, |wall| {
            let Some(segment) = self.walls.get(wall as usize) else { return };
            let distance_m = ray_to_body(origin, direction_unit, segment);
            let nearer =
                best.is_none_or(|best| distance_m < best.0 || (distance_m <= best.0 && wall < best.1));
            if distance_m <= limit_m && nearer {
                best = Some((distance_m, wall));
            }
        });
        let (distance_m, wall) = best?;
        Some(RayHit { wall: wall as usize, distance_m, at: origin + direction_unit * distance_m })
    }

    /// Whether the straight line between two points touches no wall, thickness included; never `true` when it does.
    /// O(cells touched).
    pub fn is_visible(&self, a: Point2<f64>, b: Point2<f64>) -> bool {
        is_place(a) && is_place(b) && self.wall_in_reach(a, b, 0.0).is_none()
    }

    /// What can be seen from a point within a radius: a ring around it, counter-clockwise. Walls count as their centre
    /// lines; the round end of sight is a polygon of at least 64 corners inside the circle.
    ///
    /// Empty for a point that is not finite or a radius that is not positive. O(k²) for `k` walls within the radius.
    pub fn visible_region(&self, p: Point2<f64>, radius_m: f64) -> Vec<Point2<f64>> {
        if !is_place(p) || !radius_m.is_finite() || radius_m <= 0.0 {
            return Vec::new();
        }
        let mut walls: Vec<u32> = Vec::new();
        self.wall_grid.near(p, p, radius_m, |wall| walls.push(wall));
        walls.sort_unstable();
        walls.dedup();
        let walls: Vec<&WallSegment> = walls
            .iter()
            .filter_map(|wall| self.walls.get(*wall as usize))
            .filter(|wall| (closest(p, wall.a, wall.b) - p).norm() <= radius_m)
            .collect();
        let turns = turns(p, radius_m, &walls);
        let mut ring: Vec<Point> = Vec::new();
        // Between two neighbouring directions the same wall is nearest all the way.
        let next =
            turns.iter().skip(1).copied().chain(turns.first().map(|first| first + std::f64::consts::TAU));
        for (from, to) in turns.iter().copied().zip(next) {
            let middle = unit(f64::midpoint(from, to));
            let hit = walls
                .iter()
                .map(|wall| (ray_to_segment(p, middle, wall.a, wall.b), *wall))
                .min_by(|x, y| x.0.total_cmp(&y.0))
                .filter(|hit| hit.0 <= radius_m);
            for direction in [unit(from), unit(to)] {
                let distance_m = hit.map_or(radius_m, |(seen_m, wall)| {
                    let along = wall.b - wall.a;
                    let across = direction.perp(&along);
                    let line_m = (wall.a - p).perp(&along) / across;
                    if line_m.is_finite() { line_m.clamp(0.0, radius_m) } else { seen_m }
                });
                ring.push(p + direction * distance_m);
            }
        }
        ring.dedup();
        ring
    }

    /// Distance along a ray to the nearest edge of the mapped area, at most `max_m`.
    pub(super) fn ray_edge(&self, origin: Point, direction_unit: Vector2<f64>, max_m: f64) -> f64 {
        let distance = |side: u32| {
            let side = self.sides.get(side as usize);
            side.map_or(f64::INFINITY, |&(a, b)| ray_to_segment(origin, direction_unit, a, b))
        };
        self.side_grid.cast(origin, direction_unit, max_m, distance).1
    }

    #[inline]
    fn cast(&self, origin: Point, direction: Vector2<f64>, max_m: f64) -> (Option<u32>, f64) {
        self.wall_grid.cast(origin, direction, max_m, |wall| {
            self.walls
                .get(wall as usize)
                .map_or(f64::INFINITY, |wall| ray_to_segment(origin, direction, wall.a, wall.b))
        })
    }
}

/// Directions, ascending angles, at which what is seen can change.
fn turns(p: Point, radius_m: f64, walls: &[&WallSegment]) -> Vec<f64> {
    const ARC_SIDES: u32 = 64;
    let angle = |at: Point| libm::atan2(at.y - p.y, at.x - p.x);
    let mut turns: Vec<f64> =
        (0..ARC_SIDES).map(|n| (f64::from(n) / f64::from(ARC_SIDES) - 0.5) * std::f64::consts::TAU).collect();
    for (number, wall) in walls.iter().enumerate() {
        turns.extend([angle(wall.a), angle(wall.b)]);
        // Where the wall passes the end of sight.
        let foot = wall.a + (wall.b - wall.a) * line_share(p, wall);
        let half = (radius_m * radius_m - (foot - p).norm_squared()).max(0.0).sqrt();
        if let Some(along) = (wall.b - wall.a).try_normalize(0.0) {
            turns.extend([angle(foot + along * half), angle(foot - along * half)]);
        }
        for other in walls.iter().skip(number + 1) {
            if segments_meet(wall.a, wall.b, other.a, other.b) {
                let share = crossing_share(wall.a, wall.b, other.a, other.b);
                turns.push(angle(wall.a + (wall.b - wall.a) * share));
            }
        }
    }
    turns.sort_by(f64::total_cmp);
    turns.dedup();
    turns
}

/// Where on the line of a wall, as a share of its length, the point nearest to `p` is.
fn line_share(p: Point, wall: &WallSegment) -> f64 {
    let along = wall.b - wall.a;
    let square = along.norm_squared();
    if 0.0 < square { (p - wall.a).dot(&along) / square } else { 0.0 }
}

/// Distance along a ray to the body of a wall with its round ends; zero in it, infinite when it misses.
fn ray_to_body(origin: Point, direction: Vector2<f64>, wall: &WallSegment) -> f64 {
    let half_m = wall.thickness_m / 2.0;
    if (origin - closest(origin, wall.a, wall.b)).norm() <= half_m {
        return 0.0;
    }
    let along = (wall.b - wall.a).try_normalize(0.0).unwrap_or_else(Vector2::x);
    let out = Vector2::new(-along.y, along.x) * half_m;
    let sides = [out, -out].map(|out| ray_to_segment(origin, direction, wall.a + out, wall.b + out));
    let ends = [wall.a, wall.b].map(|end| {
        let to = end - origin;
        let (ahead, beside) = (to.dot(&direction), to.perp(&direction));
        let square = half_m * half_m - beside * beside;
        if square < 0.0 || ahead < 0.0 { f64::INFINITY } else { (ahead - square.sqrt()).max(0.0) }
    });
    sides.into_iter().chain(ends).fold(f64::INFINITY, f64::min)
}

fn is_ray(origin: Point, direction: Vector2<f64>, max_m: f64) -> bool {
    is_place(origin) && is_place(direction.into()) && max_m.is_finite() && direction != Vector2::zeros()
}

fn unit(angle: f64) -> Vector2<f64> {
    Vector2::new(libm::cos(angle), libm::sin(angle))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{
        point_to_segment, ring_contains,
        tests::{clearance_reference, point, probe, unit as at_angle, walls},
    };

    proptest! {
        /// A hit names the wall that it is on, and agrees with the distance.
        #[test]
        fn a_hit_is_on_its_wall(walls in walls(), p in probe(), turn in 0.0..6.3_f64) {
            let geometry = LevelGeometry::new(walls.clone(), Vec::new());
            let distance_m = geometry.ray(p, at_angle(turn), 50.0);
            match geometry.ray_hit(p, at_angle(turn), 50.0) {
                Some(hit) => {
                    prop_assert!((hit.distance_m - distance_m).abs() < 1e-12);
                    let wall = walls[hit.wall];
                    prop_assert!(point_to_segment(hit.at, wall.a, wall.b) < 1e-6);
                }
                None => prop_assert!(50.0 <= distance_m),
            }
        }

        /// The surface is met where the clearance vanishes first.
        #[test]
        fn a_surface_is_where_the_clearance_ends(walls in walls(), p in probe(), turn in 0.0..6.3_f64) {
            let geometry = LevelGeometry::new(walls.clone(), Vec::new());
            let direction = at_angle(turn);
            let hit = geometry.ray_surface(p, direction, 20.0);
            let free_m = hit.map_or(20.0, |hit| hit.distance_m);
            prop_assert!(free_m <= geometry.ray(p, direction, 20.0) + 1e-9);
            prop_assert!(hit.is_none_or(|hit| clearance_reference(&walls, hit.at) < 1e-6));
            for step in 0..64 {
                let at = p + direction * (free_m * f64::from(step) / 64.0 - 1e-9).max(0.0);
                prop_assert!(free_m == 0.0 || 0.0 < clearance_reference(&walls, at) || walls.iter().all(|wall| wall.thickness_m == 0.0));
            }
        }

        /// Sight is symmetric, and a line that is called free touches no wall.
        #[test]
        fn sight_is_symmetric(walls in walls(), a in point(), b in probe()) {
            let geometry = LevelGeometry::new(walls.clone(), Vec::new());
            let seen = geometry.is_visible(a, b);
            prop_assert_eq!(seen, geometry.is_visible(b, a));
            for step in 0..=32 {
                let at = a + (b - a) * (f64::from(step) / 32.0);
                prop_assert!(!seen || 0.0 < clearance_reference(&walls, at) || walls.is_empty());
            }
        }

        /// A point well inside the region is seen, one well outside is not or is out of sight.
        #[test]
        fn the_region_is_what_is_seen(walls in walls(), p in probe(), q in probe()) {
            let bare: Vec<_> = walls.iter().map(|wall| WallSegment { thickness_m: 0.0, ..*wall }).collect();
            let geometry = LevelGeometry::new(bare.clone(), Vec::new());
            prop_assume!(1e-3 < clearance_reference(&bare, p));
            let region = geometry.visible_region(p, 5.0);
            let near_edge = crate::geometry::sides(&region).any(|(a, b)| point_to_segment(q, a, b) < 1e-3);
            if !near_edge && (q - p).norm() < 4.99 {
                let meets = |wall: &WallSegment| segments_meet(p, q, wall.a, wall.b);
                prop_assert_eq!(ring_contains(&region, q), !bare.iter().any(meets));
            }
        }
    }
}
