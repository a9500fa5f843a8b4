//! Shapes that a robot takes up, and whether there is room for them: standing, moving straight, turning.
//!
//! What is called free is free: answers may refuse a fit closer than a micrometre and never allow one that touches.
//! Collision counts touching; the boundary of the mapped area belongs to it, but a fit within a nanometre is refused.

use nalgebra::{Isometry2, Point2, UnitComplex, Vector2};

use super::{
    LevelGeometry, SLACK_M, is_place,
    segment::{Point, orientation, ring_contains, segment_to_segment, segments_meet, sides, twice_area},
};

/// The ground a robot takes up, in its own frame (x forward, y left, metres).
#[derive(Clone, Debug, PartialEq)]
pub enum Footprint {
    /// A disc around the origin.
    Circle(Disc),
    /// A convex polygon.
    Convex(Outline),
    /// Any simple polygon.
    Polygon(Outline),
}

/// A disc of a checked radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disc {
    radius_m: f64,
}

/// The corners of a checked polygon, counter-clockwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    corners: Vec<Point2<f64>>,
    reach_m: f64,
    core_m: f64,
}

/// Why a footprint was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FootprintError {
    /// A radius is finite and not negative.
    #[error("a radius of {radius_m} m is no length")]
    Radius {
        /// The radius, metres.
        radius_m: f64,
    },
    /// A polygon has at least three corners and at most 256.
    #[error("a footprint has {corners} corners, not 3 to 256")]
    Corners {
        /// How many there are.
        corners: usize,
    },
    /// A corner is not finite.
    #[error("corner {corner} of a footprint is not finite")]
    NotFinite {
        /// Which one, from zero.
        corner: usize,
    },
    /// Sides cross or touch, or a corner is given twice.
    #[error("sides {first} and {second} of a footprint touch")]
    NotSimple {
        /// The first side, from zero.
        first: usize,
        /// The second one.
        second: usize,
    },
    /// Corners go clockwise.
    #[error("the corners of a footprint go clockwise")]
    Clockwise,
    /// A polygon given as convex turns right.
    #[error("the footprint is not convex at corner {corner}")]
    NotConvex {
        /// Where it turns right, from zero.
        corner: usize,
    },
}

impl Footprint {
    /// A disc.
    ///
    /// # Errors
    /// [`FootprintError::Radius`].
    pub fn circle(radius_m: f64) -> Result<Self, FootprintError> {
        if radius_m.is_finite() && 0.0 <= radius_m {
            Ok(Self::Circle(Disc { radius_m }))
        } else {
            Err(FootprintError::Radius { radius_m })
        }
    }

    /// A convex polygon, corners counter-clockwise.
    ///
    /// # Errors
    /// [`FootprintError`]: not finite, not simple, clockwise or not convex. Quadratic in the corners.
    pub fn convex(corners: Vec<Point2<f64>>) -> Result<Self, FootprintError> {
        let outline = Outline::new(corners)?;
        let ring = &outline.corners;
        let after = ring.iter().cycle().skip(1);
        let turn =
            ring.iter().zip(after.clone()).zip(after.skip(1)).map(|((a, b), c)| orientation(*a, *b, *c));
        match turn.enumerate().find(|turn| turn.1 < 0.0) {
            Some((corner, _)) => Err(FootprintError::NotConvex { corner: (corner + 1) % ring.len() }),
            None => Ok(Self::Convex(outline)),
        }
    }

    /// Any polygon that does not touch itself, corners counter-clockwise.
    ///
    /// # Errors
    /// [`FootprintError`]: not finite, not simple or clockwise. Quadratic in the corners.
    pub fn polygon(corners: Vec<Point2<f64>>) -> Result<Self, FootprintError> {
        Outline::new(corners).map(Self::Polygon)
    }

    /// Distance from the origin to the farthest point, metres.
    pub fn reach_m(&self) -> f64 {
        match self {
            Self::Circle(disc) => disc.radius_m,
            Self::Convex(outline) | Self::Polygon(outline) => outline.reach_m,
        }
    }

    /// Half the width of the strip along x, symmetric to it, that covers the footprint, metres.
    pub fn half_width_m(&self) -> f64 {
        match self {
            Self::Circle(disc) => disc.radius_m,
            Self::Convex(outline) | Self::Polygon(outline) => {
                outline.corners.iter().map(|corner| corner.y.abs()).fold(0.0, f64::max)
            }
        }
    }
}

impl Disc {
    /// The radius, metres.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }
}

impl Outline {
    fn new(corners: Vec<Point>) -> Result<Self, FootprintError> {
        if !(3..=256).contains(&corners.len()) {
            return Err(FootprintError::Corners { corners: corners.len() });
        }
        if let Some(corner) = corners.iter().position(|corner| !is_place(*corner)) {
            return Err(FootprintError::NotFinite { corner });
        }
        let lines: Vec<_> = sides(&corners).collect();
        for (first, &(a, b)) in lines.iter().enumerate() {
            for (second, &(c, d)) in lines.iter().enumerate().skip(first + 1) {
                let neighbours = second == first + 1 || (first == 0 && second + 1 == lines.len());
                // Neighbours share a corner, and nothing else: they do not fold back.
                let touch = if neighbours {
                    let (before, corner, after) = if second == first + 1 { (a, b, d) } else { (c, a, b) };
                    let folds = orientation(before, corner, after) == 0.0
                        && 0.0 <= (before - corner).dot(&(after - corner));
                    a == b || c == d || folds
                } else {
                    segments_meet(a, b, c, d)
                };
                if touch {
                    return Err(FootprintError::NotSimple { first, second });
                }
            }
        }
        if twice_area(&corners) <= 0.0 {
            return Err(FootprintError::Clockwise);
        }
        let reach_m = corners.iter().map(|corner| corner.coords.norm()).fold(0.0, f64::max);
        let origin = Point::origin();
        let edge_m =
            lines.iter().map(|&(a, b)| super::point_to_segment(origin, a, b)).fold(f64::INFINITY, f64::min);
        let core_m = if ring_contains(&corners, origin) { edge_m } else { -1.0 };
        Ok(Self { corners, reach_m, core_m })
    }

    /// The corners, metres, counter-clockwise.
    pub fn corners(&self) -> &[Point2<f64>] {
        &self.corners
    }

    fn at(&self, pose: &Isometry2<f64>) -> Vec<Point> {
        self.corners.iter().map(|corner| pose * corner).collect()
    }
}

impl LevelGeometry {
    /// Whether a footprint at a pose lies in the mapped area and touches no wall.
    ///
    /// O(1) where there is room to spare; close to walls O(corners x walls nearby). Never `true` when blocked; it may
    /// refuse a fit closer than 1e-9 m. On a level without mapped area only the walls are asked. `false` for a pose that
    /// is not finite.
    ///
    /// ```
    /// use nalgebra::{Isometry2, Point2, Vector2};
    /// use sheepdog_map::{CompileOptions, Site, geometry::Footprint, model};
    ///
    /// let mut site = Site::new("flat");
    /// site.levels.push(model::Level::new("0", 0.0));
    /// site.rooms.push(model::Room::rectangle("hall", "0", 0.0, 0.0, 4.0, 3.0).walled());
    /// let site = site.compile(&CompileOptions::default()).unwrap();
    /// let corners = [(-0.5, -0.2), (0.5, -0.2), (0.5, 0.2), (-0.5, 0.2)];
    /// let cart = Footprint::convex(corners.map(|(x, y)| Point2::new(x, y)).to_vec()).unwrap();
    /// let geometry = &site.levels()[0].geometry;
    /// let at = |y, yaw| geometry.footprint_free(&cart, &Isometry2::new(Vector2::new(2.0, y), yaw));
    /// assert!(at(0.3, 0.0) && !at(0.3, 1.0));
    /// ```
    pub fn footprint_free(&self, footprint: &Footprint, pose: &Isometry2<f64>) -> bool {
        let at = Point::from(pose.translation.vector);
        if !is_pose(pose) {
            return false;
        }
        let outline = match footprint {
            Footprint::Circle(disc) => return self.disc_free(at, disc.radius_m),
            Footprint::Convex(outline) | Footprint::Polygon(outline) => outline,
        };
        let clearance_m = self.wall_clearance(at);
        if clearance_m <= outline.core_m {
            return false;
        }
        let reach_m = outline.reach_m + SLACK_M;
        let walls_far = reach_m < clearance_m;
        let edge_far = !self.has_area() || (reach_m < self.boundary_clearance(at) && self.inside(at));
        if walls_far && edge_far {
            return true;
        }
        let corners = outline.at(pose);
        (walls_far || !self.wall_meets(&[corners.as_slice()], at, at, outline.reach_m, 0.0))
            && (edge_far || !self.edge_meets(&[corners.as_slice()], at, at, outline.reach_m, 0.0))
    }

    /// Whether a footprint stays free while it moves straight by `along`, keeping its heading; both ends included.
    ///
    /// As conservative as [`footprint_free`](Self::footprint_free); O(corners x walls along the way).
    pub fn footprint_sweep_free(
        &self,
        footprint: &Footprint,
        pose: &Isometry2<f64>,
        along: Vector2<f64>,
    ) -> bool {
        let at = Point::from(pose.translation.vector);
        if !is_pose(pose) || !is_place(along.into()) {
            return false;
        }
        let outline = match footprint {
            Footprint::Circle(disc) => return self.sweep_free(at, at + along, disc.radius_m),
            Footprint::Convex(outline) | Footprint::Polygon(outline) => outline,
        };
        // What is met first is met by the outline: its place at the start, and the ground that each side passes.
        let corners = outline.at(pose);
        let passed: Vec<Vec<Point>> =
            sides(&corners).map(|(a, b)| hull(vec![a, b, a + along, b + along])).collect();
        let mut ground: Vec<&[Point]> = vec![&corners];
        ground.extend(passed.iter().map(Vec::as_slice));
        !self.wall_meets(&ground, at, at + along, outline.reach_m, 0.0)
            && !self.edge_meets(&ground, at, at + along, outline.reach_m, 0.0)
    }

    /// Whether a footprint stays free while it turns around a fixed point of the level by an angle, counter-clockwise
    /// when positive; both ends included.
    ///
    /// Never `true` when blocked. It may refuse a turn that passes something closer than some micrometres, and one that
    /// needs more than 20 000 pieces to be judged or reaches further than 1 000 km from its centre; a full turn in a roomy
    /// place needs a few dozen.
    pub fn footprint_arc_free(
        &self,
        footprint: &Footprint,
        pose: &Isometry2<f64>,
        around: Point2<f64>,
        angle_rad: f64,
    ) -> bool {
        /// Within it, places on the arc are exact to less than a nanometre and a half.
        const ARC_RADIUS_MAX_M: f64 = 1e6;
        if !is_pose(pose) || !is_place(around) || !angle_rad.is_finite() {
            return false;
        }
        let from_centre = Point::from(pose.translation.vector) - around;
        let radius_m = from_centre.norm() + footprint.reach_m();
        if ARC_RADIUS_MAX_M < radius_m {
            return false;
        }
        let turned = |share: f64| {
            // The platform's sine may differ from another one's.
            let (sine, cosine) = (libm::sin(angle_rad * share), libm::cos(angle_rad * share));
            let turn = UnitComplex::from_cos_sin_unchecked(cosine, sine);
            Isometry2::from_parts((around + turn * from_centre).into(), turn * pose.rotation)
        };
        if !self.footprint_free(footprint, pose) || !self.footprint_free(footprint, &turned(1.0)) {
            return false;
        }
        // Pieces of the turn that are still to be judged, as shares of it.
        let mut pieces = vec![(0.0_f64, 1.0_f64)];
        for _ in 0..20_000 {
            let Some((from, to)) = pieces.pop() else { return true };
            let middle = f64::midpoint(from, to);
            let half_rad = angle_rad.abs() * (to - from) / 2.0;
            if self.piece_free(footprint, &turned(from), &turned(middle), &turned(to), radius_m, half_rad) {
                continue;
            }
            if radius_m * half_rad < 1e-6 || !self.footprint_free(footprint, &turned(middle)) {
                return false;
            }
            pieces.push((middle, to));
            pieces.push((from, middle));
        }
        false
    }

    /// Whether a small turn is certainly free. No point moves further than `half_rad` times `radius_m` from the middle.
    fn piece_free(
        &self,
        footprint: &Footprint,
        from: &Isometry2<f64>,
        middle: &Isometry2<f64>,
        to: &Isometry2<f64>,
        radius_m: f64,
        half_rad: f64,
    ) -> bool {
        let at = Point::from(middle.translation.vector);
        let reach_m = footprint.reach_m() + radius_m * half_rad + SLACK_M;
        let edge_far = !self.has_area() || (reach_m < self.boundary_clearance(at) && self.inside(at));
        if edge_far && reach_m < self.wall_clearance(at) {
            return true;
        }
        // Half a turn and more has no chord worth the name.
        if 1.0 < half_rad {
            return false;
        }
        let half_sine = libm::sin(half_rad / 2.0);
        let bulge_m = 2.0 * radius_m * half_sine * half_sine + SLACK_M;
        let (start, end) = (Point::from(from.translation.vector), Point::from(to.translation.vector));
        let outline = match footprint {
            Footprint::Circle(disc) => return self.sweep_free(start, end, disc.radius_m + bulge_m),
            Footprint::Convex(outline) | Footprint::Polygon(outline) => outline,
        };
        // Each side passes the hull of its two places, but for the bulge of the arcs.
        let (before, after) = (outline.at(from), outline.at(to));
        let passed: Vec<Vec<Point>> =
            sides(&before).zip(sides(&after)).map(|((a, b), (c, d))| hull(vec![a, b, c, d])).collect();
        let mut ground: Vec<&[Point]> = vec![&before];
        ground.extend(passed.iter().map(Vec::as_slice));
        let reach_m = outline.reach_m + bulge_m;
        !self.wall_meets(&ground, start, end, reach_m, bulge_m)
            && !self.edge_meets(&ground, start, end, reach_m, bulge_m)
    }

    /// Whether a wall comes within `play_m` of ground that is nowhere further than `reach_m` from the line `a` to `b`.
    fn wall_meets(&self, ground: &[&[Point]], a: Point, b: Point, reach_m: f64, play_m: f64) -> bool {
        // What lies in an obstacle as a whole meets no side of it.
        let mut met = ground.iter().any(|ring| ring.first().is_some_and(|p| self.is_solid(*p)));
        self.wall_grid.near(a, b, reach_m + self.half_thickness_max_m, |wall| {
            if let Some(wall) = self.walls.get(wall as usize).filter(|_| !met) {
                let reach_m = wall.thickness_m / 2.0 + play_m + SLACK_M;
                met = ground.iter().any(|ring| meets(ring, wall.a, wall.b, reach_m));
            }
        });
        met
    }

    /// The same for the boundary of the mapped area, and whether the ground starts outside it.
    fn edge_meets(&self, ground: &[&[Point]], a: Point, b: Point, reach_m: f64, play_m: f64) -> bool {
        if !self.has_area() {
            return false;
        }
        let starts_inside = ground.first().and_then(|ring| ring.first()).is_some_and(|p| self.inside(*p));
        let mut met = !starts_inside;
        self.side_grid.near(a, b, reach_m, |side| {
            if let Some(&(c, d)) = self.sides.get(side as usize).filter(|_| !met) {
                met = ground.iter().any(|ring| meets(ring, c, d, play_m + SLACK_M));
            }
        });
        met
    }
}

/// Whether a segment comes within `reach_m` of a ring's inside.
fn meets(ring: &[Point], a: Point, b: Point, reach_m: f64) -> bool {
    let along = b - a;
    let length = along.norm();
    if 0.0 < length {
        // All corners beyond one side of the segment's box: the usual case, told without exact predicates.
        let unit = along / length;
        let play_m = reach_m + SLACK_M;
        let (mut left, mut right, mut before, mut after) = (true, true, true, true);
        for corner in ring {
            let to = corner - a;
            let (beside, ahead) = (unit.perp(&to), unit.dot(&to));
            left &= play_m < beside;
            right &= beside < -play_m;
            before &= ahead < -play_m;
            after &= length + play_m < ahead;
        }
        if left || right || before || after {
            return false;
        }
    }
    ring_contains(ring, a) || sides(ring).any(|(c, d)| segment_to_segment(a, b, c, d) <= reach_m)
}

/// The convex hull, counter-clockwise; fewer than three points when they are in line.
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
    points.dedup();
    let mut ring: Vec<Point> = Vec::with_capacity(points.len() + 1);
    let mut half = |points: &mut dyn Iterator<Item = Point>| {
        let floor = ring.len();
        for p in points {
            while floor + 2 <= ring.len()
                && let [.., a, b] = ring.as_slice()
                && orientation(*a, *b, p) <= 0.0
            {
                ring.pop();
            }
            ring.push(p);
        }
        ring.pop();
    };
    half(&mut points.iter().copied());
    half(&mut points.iter().rev().copied());
    if ring.is_empty() { points } else { ring }
}

fn is_pose(pose: &Isometry2<f64>) -> bool {
    is_place(pose.translation.vector.into()) && pose.rotation.re.is_finite() && pose.rotation.im.is_finite()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{
        WallSegment, point_to_segment,
        tests::{level, probe, rectangles, walls},
    };

    fn shapes() -> impl Strategy<Value = Footprint> {
        let p = |(x, y): (f64, f64)| Point::new(x, y);
        let square = [(-0.5, -0.25), (0.5, -0.25), (0.5, 0.25), (-0.5, 0.25)];
        let hook = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (0.25, 0.5), (0.25, -0.25), (-0.5, -0.25)];
        prop_oneof![
            Just(Footprint::circle(0.25).unwrap()),
            Just(Footprint::convex(square.map(p).to_vec()).unwrap()),
            Just(Footprint::polygon(hook.map(p).to_vec()).unwrap()),
        ]
    }

    fn pose() -> impl Strategy<Value = Isometry2<f64>> {
        let turn = prop_oneof![(0..8).prop_map(|n| f64::from(n) * std::f64::consts::FRAC_PI_4), 0.0..6.3_f64];
        (probe(), turn).prop_map(|(p, turn)| Isometry2::new(p.coords, turn))
    }

    /// By the definition, without an index: clear of each wall by a margin, all corners inside, no edge crossed.
    fn is_free(
        geometry: &LevelGeometry,
        footprint: &Footprint,
        pose: &Isometry2<f64>,
        margin_m: f64,
    ) -> bool {
        let at = Point::from(pose.translation.vector);
        let (ring, radius_m) = match footprint {
            Footprint::Circle(disc) => (vec![at], disc.radius_m()),
            Footprint::Convex(outline) | Footprint::Polygon(outline) => (outline.at(pose), 0.0),
        };
        let apart = |a: Point, b: Point| {
            if 2 < ring.len() && ring_contains(&ring, a) {
                return 0.0;
            }
            if let [only] = ring.as_slice() {
                return point_to_segment(*only, a, b);
            }
            sides(&ring).map(|(c, d)| segment_to_segment(a, b, c, d)).fold(f64::INFINITY, f64::min)
        };
        let clear = |wall: &WallSegment| radius_m + margin_m < apart(wall.a, wall.b) - wall.thickness_m / 2.0;
        geometry.walls.iter().all(clear)
            && ring.iter().all(|p| !geometry.has_area() || geometry.inside(*p))
            && geometry.sides.iter().all(|&(a, b)| radius_m + margin_m <= apart(a, b))
    }

    proptest! {
        /// The quick answers change nothing: free is free by the definition, and refused only within a nanometre.
        #[test]
        fn standing_equals_the_definition(
            rectangles in rectangles(), walls in walls(), footprint in shapes(), pose in pose(),
        ) {
            let geometry = level(&rectangles, walls);
            let free = geometry.footprint_free(&footprint, &pose);
            prop_assert!(!free || is_free(&geometry, &footprint, &pose, -1e-9));
            prop_assert!(free || !is_free(&geometry, &footprint, &pose, 3e-9));
        }

        /// A way that is called free is free everywhere along it; standing still is a way.
        #[test]
        fn a_free_way_is_free_everywhere(
            rectangles in rectangles(), walls in walls(), footprint in shapes(), pose in pose(), to in probe(),
        ) {
            let geometry = level(&rectangles, walls);
            let along = to.coords * 0.25;
            if geometry.footprint_sweep_free(&footprint, &pose, along) {
                for step in 0..=16 {
                    let share = f64::from(step) / 16.0;
                    let at = Isometry2::from_parts((pose.translation.vector + along * share).into(), pose.rotation);
                    prop_assert!(is_free(&geometry, &footprint, &at, -1e-9));
                }
            }
            let still = geometry.footprint_sweep_free(&footprint, &pose, Vector2::zeros());
            prop_assert!(still || !is_free(&geometry, &footprint, &pose, 3e-9));
        }

        /// A turn that is called free is free everywhere along it; one with room to spare is not refused.
        #[test]
        fn a_free_turn_is_free_everywhere(
            rectangles in rectangles(), walls in walls(), footprint in shapes(), pose in pose(), around in probe(),
            angle in -3.2..3.2_f64,
        ) {
            let geometry = level(&rectangles, walls);
            let around = Point::from(pose.translation.vector) + (around.coords * 0.2);
            let free = geometry.footprint_arc_free(&footprint, &pose, around, angle);
            let mut roomy = true;
            for step in 0..=64 {
                let turned = Isometry2::translation(around.x, around.y)
                    * Isometry2::rotation(angle * f64::from(step) / 64.0)
                    * Isometry2::translation(-around.x, -around.y)
                    * pose;
                prop_assert!(!free || is_free(&geometry, &footprint, &turned, -1e-9));
                roomy = roomy && is_free(&geometry, &footprint, &turned, 0.2);
            }
            prop_assert!(free || !roomy);
        }
    }

    #[test]
    fn footprints_are_checked() {
        let ring =
            |corners: &[(f64, f64)]| corners.iter().map(|&(x, y)| Point::new(x, y)).collect::<Vec<_>>();
        assert!(matches!(Footprint::circle(f64::NAN), Err(FootprintError::Radius { .. })));
        assert!(matches!(Footprint::circle(-0.1), Err(FootprintError::Radius { .. })));
        let two = Footprint::polygon(ring(&[(0.0, 0.0), (1.0, 0.0)]));
        assert_eq!(two, Err(FootprintError::Corners { corners: 2 }));
        let nan = Footprint::polygon(ring(&[(0.0, 0.0), (1.0, f64::NAN), (0.0, 1.0)]));
        assert_eq!(nan, Err(FootprintError::NotFinite { corner: 1 }));
        let bow = Footprint::polygon(ring(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]));
        assert_eq!(bow, Err(FootprintError::NotSimple { first: 0, second: 2 }));
        let clockwise = Footprint::convex(ring(&[(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)]));
        assert_eq!(clockwise, Err(FootprintError::Clockwise));
        let dart = ring(&[(0.0, 0.0), (2.0, 0.0), (0.5, 0.5), (0.0, 2.0)]);
        assert_eq!(Footprint::convex(dart.clone()), Err(FootprintError::NotConvex { corner: 2 }));
        assert!(Footprint::polygon(dart).is_ok());
    }
}
