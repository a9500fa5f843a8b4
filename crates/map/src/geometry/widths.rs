//! How wide it is: the free width across a straight way.

use nalgebra::{Point2, Vector2};

use super::{
    LevelGeometry, is_place,
    segment::{Point, crossing_share, segments_meet},
};

/// The narrowest place of a straight way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorridorWidth {
    /// Free width across the way, metres.
    pub width_m: f64,
    /// Where, on the way.
    pub at: Point2<f64>,
    /// Free to the left of that place, metres.
    pub left_m: f64,
    /// Free to the right of it, metres.
    pub right_m: f64,
}

impl LevelGeometry {
    /// The least free width across the line from `a` to `b`, measured square to it between wall surfaces and edges of the
    /// mapped area, and at most `reach_m` to either side, and where; `None` for a line without length or numbers that are
    /// not finite.
    ///
    /// It is looked at beside every end of a wall or edge, where one crosses the line, and at both ends of the line: exact
    /// where walls run along the way, and too wide by less than half a wall's thickness beside round ends of walls that do
    /// not. O(walls nearby x cells across).
    pub fn corridor_width(&self, a: Point2<f64>, b: Point2<f64>, reach_m: f64) -> Option<CorridorWidth> {
        if !is_place(a) || !is_place(b) || !reach_m.is_finite() || reach_m < 0.0 {
            return None;
        }
        let along = b - a;
        let length_m = along.norm();
        let unit = along.try_normalize(0.0)?;
        let left = Vector2::new(-unit.y, unit.x);
        let mut places = vec![0.0, length_m];
        self.wall_grid.near(a, b, reach_m + self.half_thickness_max_m, |wall| {
            let Some(wall) = self.walls.get(wall as usize) else { return };
            if segments_meet(a, b, wall.a, wall.b) {
                places.push(crossing_share(a, b, wall.a, wall.b) * length_m);
            }
            for end in [wall.a, wall.b] {
                let (at, half_m) = ((end - a).dot(&unit), wall.thickness_m / 2.0);
                places.extend(
                    [at - half_m, at, at + half_m].iter().filter(|at| (0.0..=length_m).contains(*at)),
                );
            }
        });
        self.side_grid.near(a, b, reach_m, |side| {
            let Some(&(c, d)) = self.sides.get(side as usize) else { return };
            if segments_meet(a, b, c, d) {
                places.push(crossing_share(a, b, c, d) * length_m);
            }
            let ends = [c, d].map(|end| (end - a).dot(&unit));
            places.extend(ends.iter().filter(|at| (0.0..=length_m).contains(*at)));
        });
        places.sort_by(f64::total_cmp);
        places.dedup();
        let free = |at: Point, side: Vector2<f64>| {
            let wall_m = self.ray_surface(at, side, reach_m).map_or(reach_m, |hit| hit.distance_m);
            self.ray_edge(at, side, wall_m)
        };
        let widths = places.into_iter().map(|place| {
            let at = a + unit * place;
            let (left_m, right_m) = (free(at, left), free(at, -left));
            CorridorWidth { width_m: left_m + right_m, at, left_m, right_m }
        });
        widths.min_by(|x, y| x.width_m.total_cmp(&y.width_m))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{
        WallSegment,
        tests::{level, probe, walls},
    };

    proptest! {
        /// No sampled place is narrower, but for what is said about round ends.
        #[test]
        fn no_place_is_narrower(walls in walls(), a in probe(), b in probe()) {
            prop_assume!(a != b);
            let geometry = LevelGeometry::new(walls, Vec::new());
            let found = geometry.corridor_width(a, b, 5.0).unwrap();
            let unit = (b - a).normalize();
            let left = Vector2::new(-unit.y, unit.x);
            for step in 0..=32 {
                let at = a + (b - a) * (f64::from(step) / 32.0);
                let free = |side: Vector2<f64>| geometry.ray_surface(at, side, 5.0).map_or(5.0, |hit| hit.distance_m);
                prop_assert!(found.width_m <= free(left) + free(-left) + 0.15 + 1e-6);
            }
            prop_assert!((found.left_m + found.right_m - found.width_m).abs() < 1e-12);
        }
    }

    /// Where the map ends, nobody drives: an edge without a wall is as good as one.
    #[test]
    fn an_edge_narrows_a_corridor() {
        let geometry = level(&[[0, 0, 8, 3], [3, 0, 5, 4]], Vec::new());
        let found = geometry.corridor_width(Point::new(1.0, 1.0), Point::new(7.0, 1.0), 5.0).unwrap();
        assert!((found.width_m - 3.0).abs() < 1e-9 && (found.right_m - 1.0).abs() < 1e-9, "{found:?}");
        let bay = geometry.corridor_width(Point::new(3.5, 1.0), Point::new(4.5, 1.0), 5.0).unwrap();
        assert!((bay.width_m - 4.0).abs() < 1e-9, "{bay:?}");
    }

    #[test]
    fn a_pillar_narrows_a_corridor() {
        let wall = |a: (f64, f64), b: (f64, f64)| WallSegment {
            a: Point::new(a.0, a.1),
            b: Point::new(b.0, b.1),
            thickness_m: 0.1,
        };
        let walls =
            vec![wall((0.0, 0.0), (10.0, 0.0)), wall((0.0, 2.0), (10.0, 2.0)), wall((4.0, 1.7), (4.2, 1.7))];
        let geometry = LevelGeometry::new(walls, Vec::new());
        let found = geometry.corridor_width(Point::new(1.0, 0.5), Point::new(9.0, 0.5), 3.0).unwrap();
        assert!((found.width_m - 1.6).abs() < 1e-9 && (found.left_m - 1.15).abs() < 1e-9, "{found:?}");
        assert!((4.0..=4.2).contains(&found.at.x));
        let before = geometry.corridor_width(Point::new(1.0, 0.5), Point::new(3.0, 0.5), 3.0).unwrap();
        assert!((before.width_m - 1.9).abs() < 1e-9);
        assert_eq!(geometry.corridor_width(Point::origin(), Point::origin(), 3.0), None);
    }
}
