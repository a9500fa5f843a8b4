//! What is where at one instant: the frozen picture that all robots of a tick sense.

use std::sync::Arc;

use nalgebra::{Point2, Vector2};
use sheepdog_core::LevelId;
use sheepdog_map::CompiledSite;

/// Whose body it is: an index into the plant's robots or people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Robot(usize),
    Person(usize),
}

/// A body on a level, as a disc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disc {
    pub(crate) owner: Owner,
    pub(crate) level: LevelId,
    pub(crate) at: Point2<f64>,
    pub(crate) radius_m: f64,
    /// How far it gets within a second as it moves now; zero for people, who stop at once.
    pub(crate) drift: Vector2<f64>,
}

/// A door or lift door that is not fully open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Barrier {
    pub(crate) level: LevelId,
    pub(crate) a: Point2<f64>,
    pub(crate) b: Point2<f64>,
}

/// Side of the squares by which bodies are looked up, metres.
const CELL_M: f64 = 4.0;

/// A square of a level: level, row, column.
type Cell = (LevelId, i32, i32);

/// The site with everything in it that moves, at one instant.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) site: Arc<CompiledSite>,
    discs: Vec<Disc>,
    /// Squares with the bodies whose middle is there, sorted.
    cells: Vec<(Cell, usize)>,
    radius_max_m: f64,
    /// The longest drift.
    drift_max_m: f64,
    pub(crate) barriers: Arc<Vec<Barrier>>,
}

impl World {
    pub(crate) fn new(site: Arc<CompiledSite>, discs: Vec<Disc>, barriers: Arc<Vec<Barrier>>) -> Self {
        let mut cells: Vec<_> = discs.iter().map(cell).zip(0..).collect();
        cells.sort_unstable();
        let radius_max_m = discs.iter().map(|disc| disc.radius_m).fold(0.0, f64::max);
        let drift_max_m = discs.iter().map(|disc| disc.drift.norm()).fold(0.0, f64::max);
        Self { site, discs, cells, radius_max_m, drift_max_m, barriers }
    }

    /// All bodies, sorted by owner.
    pub(crate) fn discs(&self) -> &[Disc] {
        &self.discs
    }

    /// The same with a body elsewhere, new or gone.
    pub(crate) fn replace(&mut self, owner: Owner, disc: Option<Disc>) {
        let found = self.discs.binary_search_by_key(&owner, |disc| disc.owner);
        match (found, disc) {
            (Ok(index), Some(disc)) => {
                let before = self.discs.get(index).map(|before| (cell(before), index));
                self.cells.retain(|entry| Some(*entry) != before);
                let entry = (cell(&disc), index);
                self.cells.insert(self.cells.partition_point(|other| *other < entry), entry);
                self.radius_max_m = self.radius_max_m.max(disc.radius_m);
                self.drift_max_m = self.drift_max_m.max(disc.drift.norm());
                if let Some(slot) = self.discs.get_mut(index) {
                    *slot = disc;
                }
                return;
            }
            (Ok(index), None) => drop(self.discs.remove(index)),
            (Err(index), Some(disc)) => self.discs.insert(index, disc),
            (Err(_), None) => return,
        }
        *self =
            Self::new(Arc::clone(&self.site), std::mem::take(&mut self.discs), Arc::clone(&self.barriers));
    }

    /// How far any body gets within a second as it moves now.
    pub(crate) const fn drift_max_m(&self) -> f64 {
        self.drift_max_m
    }

    /// The discs on a level that are not `me` and may come within `reach_m` of a point, in the order of their owners: a few
    /// that are farther off are among them. Costs what is near.
    pub(crate) fn near(
        &self,
        level: LevelId,
        at: Point2<f64>,
        reach_m: f64,
        me: Owner,
    ) -> impl Iterator<Item = &Disc> {
        let mut found = Vec::new();
        self.find_near(level, at, reach_m, &mut found);
        let discs = found.into_iter().filter_map(|index| self.discs.get(index));
        discs.filter(move |disc| disc.level == level && disc.owner != me)
    }

    /// The indices of [`near`](Self::near), and a few more, in place of what was in `found`.
    pub(crate) fn find_near(&self, level: LevelId, at: Point2<f64>, reach_m: f64, found: &mut Vec<usize>) {
        found.clear();
        let reach_m = reach_m + self.radius_max_m;
        let (bottom, top) = (row(at.y - reach_m), row(at.y + reach_m));
        if self.cells.len() <= usize::try_from(top.saturating_sub(bottom)).unwrap_or(0) {
            // Looking at all of them costs less.
            found.extend(0..self.discs.len());
        } else {
            let (left, right) = (row(at.x - reach_m), row(at.x + reach_m));
            for y in bottom..=top {
                let first = self.cells.partition_point(|(cell, _)| *cell < (level, y, left));
                let cells = self.cells.iter().skip(first).take_while(|(cell, _)| *cell <= (level, y, right));
                found.extend(cells.map(|(_, index)| *index));
            }
            found.sort_unstable();
        }
    }

    /// Free distance from `origin` along the unit vector `direction` to the next static wall, at most `max_m`.
    pub(crate) fn wall(
        &self,
        level: LevelId,
        origin: Point2<f64>,
        direction: Vector2<f64>,
        max_m: f64,
    ) -> f64 {
        self.site.level(level).map_or(0.0, |level| level.geometry.ray(origin, direction, max_m))
    }

    /// Distance to the nearest wall; zero on a level that is not there.
    pub(crate) fn clearance(&self, level: LevelId, at: Point2<f64>) -> f64 {
        self.site.level(level).map_or(0.0, |level| level.geometry.wall_clearance(at))
    }
}

fn cell(disc: &Disc) -> Cell {
    (disc.level, row(disc.at.y), row(disc.at.x))
}

/// In which row or column of squares a coordinate lies.
fn row(coordinate_m: f64) -> i32 {
    let row = floor(coordinate_m / CELL_M).clamp(i32::MIN.into(), i32::MAX.into());
    i32::try_from(row).unwrap_or_default()
}

/// The largest whole number that is not above, within the range of an `i64`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "no coordinate or angle of a site comes near the limits"
)]
pub(crate) fn floor(value: f64) -> i64 {
    let towards_zero = value as i64;
    towards_zero.saturating_sub(i64::from(value < towards_zero as f64))
}

/// Distance along the unit vector `direction` from `origin` to the segment `a`-`b`, both ends included.
pub(crate) fn ray_segment(
    origin: Point2<f64>,
    direction: Vector2<f64>,
    a: Point2<f64>,
    b: Point2<f64>,
) -> Option<f64> {
    let span = b - a;
    let to_a = a - origin;
    let across = direction.perp(&span);
    if across == 0.0 {
        return None;
    }
    let distance = to_a.perp(&span) / across;
    let share = to_a.perp(&direction) / across;
    (0.0 <= distance && (0.0..=1.0).contains(&share)).then_some(distance)
}

/// Distance from a point to the segment `a`-`b`.
pub(crate) fn point_segment(point: Point2<f64>, a: Point2<f64>, b: Point2<f64>) -> f64 {
    let span = b - a;
    let length_squared = span.norm_squared();
    if length_squared <= 0.0 {
        return (point - a).norm();
    }
    let share = ((point - a).dot(&span) / length_squared).clamp(0.0, 1.0);
    (point - (a + span * share)).norm()
}

/// Least distance of two points that both move evenly, from `p[0]` to `p[1]` and from `q[0]` to `q[1]`.
pub(crate) fn closest_approach(p: [Point2<f64>; 2], q: [Point2<f64>; 2]) -> f64 {
    let [p0, p1] = p;
    let [q0, q1] = q;
    point_segment(Point2::origin(), Point2::from(q0 - p0), Point2::from(q1 - p1))
}

#[cfg(test)]
/// Distance along the unit vector `direction` from `origin` to a disc; zero from inside, `None` when missed.
/// What a scan computes, written plainly.
pub(crate) fn ray_disc(
    origin: Point2<f64>,
    direction: Vector2<f64>,
    centre: Point2<f64>,
    radius_m: f64,
) -> Option<f64> {
    let to_centre = centre - origin;
    let outside = to_centre.norm_squared() - radius_m * radius_m;
    if outside <= 0.0 {
        return Some(0.0);
    }
    let along = to_centre.dot(&direction);
    let half_chord_squared = along * along - outside;
    (0.0 < along && 0.0 <= half_chord_squared).then(|| along - half_chord_squared.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(angle_rad: f64) -> Vector2<f64> {
        Vector2::new(libm::cos(angle_rad), libm::sin(angle_rad))
    }

    #[test]
    fn a_ray_meets_the_near_side_of_a_disc() {
        let east = Vector2::new(1.0, 0.0);
        let hit = |x, y, radius| ray_disc(Point2::origin(), east, Point2::new(x, y), radius);
        assert_eq!(hit(2.0, 0.0, 0.5), Some(1.5));
        assert_eq!(hit(2.0, 0.5, 0.5), Some(2.0));
        assert_eq!(hit(2.0, 0.500_001, 0.5), None);
        assert_eq!(hit(-2.0, 0.0, 0.5), None);
        assert_eq!(hit(0.2, 0.0, 0.5), Some(0.0));
    }

    #[test]
    fn a_ray_meets_a_segment_between_its_ends_only() {
        let hit = |y| {
            let (a, b) = (Point2::new(2.0, -1.0), Point2::new(2.0, 1.0));
            ray_segment(Point2::new(0.0, y), Vector2::new(1.0, 0.0), a, b)
        };
        assert_eq!(hit(0.0), Some(2.0));
        assert_eq!(hit(1.0), Some(2.0));
        assert_eq!(hit(1.000_001), None);
        let (a, b) = (Point2::new(1.0, 0.0), Point2::new(2.0, 0.0));
        assert_eq!(ray_segment(Point2::origin(), Vector2::new(1.0, 0.0), a, b), None);
    }

    proptest! {
        /// The point that a ray reports lies on the disc's edge, and no earlier point of the ray lies inside.
        #[test]
        fn ray_hits_lie_on_the_edge(angle in 0.0..7.0_f64, x in -5.0..5.0_f64, y in -5.0..5.0_f64, r in 0.01..2.0_f64) {
            let (origin, centre, direction) = (Point2::origin(), Point2::new(x, y), unit(angle));
            let nearest = point_segment(centre, origin, origin + direction * 20.0);
            match ray_disc(origin, direction, centre, r) {
                Some(0.0) => prop_assert!(centre.coords.norm() <= r + 1e-9),
                Some(distance) => {
                    prop_assert!(((origin + direction * distance - centre).norm() - r).abs() < 1e-6);
                    prop_assert!(point_segment(centre, origin, origin + direction * distance) >= r - 1e-6);
                }
                None => prop_assert!(r <= nearest + 1e-9),
            }
        }

        /// The closed form is never above a sampled minimum, and reaches it.
        #[test]
        fn closest_approach_matches_sampling(c in prop::array::uniform8(-2.0..2.0_f64)) {
            let p = [Point2::new(c[0], c[1]), Point2::new(c[2], c[3])];
            let q = [Point2::new(c[4], c[5]), Point2::new(c[6], c[7])];
            let at = |[from, to]: [Point2<f64>; 2], share: f64| from + (to - from) * share;
            let sampled = (0..=1_000)
                .map(|k| f64::from(k) / 1e3)
                .map(|share| (at(p, share) - at(q, share)).norm())
                .fold(f64::INFINITY, f64::min);
            let closest = closest_approach(p, q);
            prop_assert!(closest <= sampled + 1e-12 && sampled <= closest + 0.01);
        }
    }
}
