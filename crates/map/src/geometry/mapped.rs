//! How sure it is that a robot is inside the mapped free area, and what follows from it.
//!
//! A certified bound comes first and settles most cases; only where it is not conclusive are 1 024 fixed places tried.
//! Absence of evidence counts as outside: a covariance that is none, NaN, or a level without mapped area give zero.

use nalgebra::{Matrix2, Point2, Vector2};

use super::{
    LevelGeometry, is_place,
    segment::{Point, point_to_segment},
};

/// Probability that a position is in the mapped area and in no wall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MappedProbability {
    /// A lower bound when certified, an estimate otherwise, tested to be within 5 %, and then at most
    /// [`ESTIMATE_MAX`](Self::ESTIMATE_MAX).
    pub probability: f64,
    /// Whether it is a proven lower bound.
    pub certified: bool,
}

impl MappedProbability {
    /// From here on a probability is certified or not claimed: 99.7 %, three standard deviations on a line.
    pub const CERTIFIED_MIN: f64 = 0.997;

    /// No estimate is above it, so that none makes a robot [`Mapped::Inside`].
    pub const ESTIMATE_MAX: f64 = 0.996;

    const NONE: Self = Self { probability: 0.0, certified: true };
}

impl LevelGeometry {
    /// Probability that a position with this mean and covariance (square metres) is in the mapped area and in no wall.
    ///
    /// With `d` the distance from the mean to the nearest wall or edge and `σ²` the largest eigenvalue of the covariance,
    /// `P(outside) <= exp(-d² / 2σ²)`: the tail of a two-dimensional normal distribution beyond a disc inside the area.
    /// Where that is not conclusive, the same is tried with the largest ellipse of the covariance's own shape, `d / σ` being
    /// the least Mahalanobis distance. Some 100 ns for the first, a microsecond for the second, and some 50 µs where
    /// neither is conclusive. The same on every machine. A covariance of zero claims too much and counts as none.
    pub fn mapped_probability(&self, mean: Point2<f64>, covariance: Matrix2<f64>) -> MappedProbability {
        let Some(axes) = axes(covariance).filter(|_| is_place(mean) && self.has_area()) else {
            return MappedProbability::NONE;
        };
        let is_free = |p: Point2<f64>| self.inside(p) && 0.0 < self.wall_clearance(p);
        let mean_free = is_free(mean);
        if mean_free {
            let clear_m = self.wall_clearance(mean).min(self.boundary_clearance(mean));
            let inside = |deviations: f64| 1.0 - libm::exp(-deviations * deviations / 2.0);
            let disc = inside(clear_m / axes[0].norm());
            let sure = |probability: &f64| MappedProbability::CERTIFIED_MIN <= *probability;
            let ellipse = || inside(self.deviations_to_edge(mean, axes));
            if let Some(probability) = Some(disc).filter(sure).or_else(|| Some(ellipse()).filter(sure)) {
                return MappedProbability { probability, certified: true };
            }
        }
        let probability = share_of_places(|place| is_free(mean + axes[0] * place.x + axes[1] * place.y));
        MappedProbability { probability: probability.min(MappedProbability::ESTIMATE_MAX), certified: false }
    }

    /// How many standard deviations it is at least from a mean to a wall or edge, each in its direction; at most six.
    fn deviations_to_edge(&self, mean: Point, [long, short]: [Vector2<f64>; 2]) -> f64 {
        const MOST: f64 = 6.0;
        /// More than rounding takes away from a distance of this size.
        const SLACK: f64 = 1e-6;
        let long_m = long.norm();
        // A shape without width is made wider, which only brings the edges nearer.
        let short_m = short.norm().max(long_m * 1e-6);
        let unit = long / long_m;
        let shrunk = |p: Point| {
            let to = p - mean;
            Point::new(to.dot(&unit) / long_m, unit.perp(&to) / short_m)
        };
        let distance = |a, b| point_to_segment(Point::origin(), shrunk(a), shrunk(b));
        let mut least = MOST;
        let reach_m = MOST * long_m;
        self.wall_grid.near(mean, mean, reach_m + self.half_thickness_max_m, |wall| {
            if let Some(wall) = self.walls.get(wall as usize) {
                least = least.min(distance(wall.a, wall.b) - wall.thickness_m / 2.0 / short_m);
            }
        });
        self.side_grid.near(mean, mean, reach_m, |side| {
            if let Some(&(a, b)) = self.sides.get(side as usize) {
                least = least.min(distance(a, b));
            }
        });
        (least - SLACK).max(0.0)
    }
}

/// The axes of the ellipse of one standard deviation, the longer one first; `None` for what is no covariance.
fn axes(covariance: Matrix2<f64>) -> Option<[Vector2<f64>; 2]> {
    const SLACK: f64 = 1e-12;
    let [[xx, xy], [yx, yy]] = covariance.data.0;
    let size = xx + yy;
    let legal = covariance.iter().all(|value| value.is_finite())
        && 0.0 <= xx
        && 0.0 <= yy
        && 0.0 < size
        && (xy - yx).abs() <= SLACK * size
        && -SLACK * size * size <= xx * yy - xy * yx;
    if !legal {
        return None;
    }
    let (middle, half) = (size / 2.0, (xx - yy) / 2.0);
    let spread = (half * half + xy * xy).sqrt();
    let (long, short) = (middle + spread, (middle - spread).max(0.0));
    // An eigenvector of the larger eigenvalue, in whichever form does not cancel.
    let towards = if 0.0 <= half { Vector2::new(half + spread, xy) } else { Vector2::new(xy, spread - half) };
    let unit = towards.try_normalize(0.0).unwrap_or_else(Vector2::x);
    Some([unit * long.sqrt(), Vector2::new(-unit.y, unit.x) * short.sqrt()])
}

/// The share of 1 024 equally likely places of the standard normal distribution: 32 rings of equal probability with 32
/// places each, turned against each other by the golden angle.
fn share_of_places(is_in: impl Fn(Vector2<f64>) -> bool) -> f64 {
    const RINGS: u32 = 32;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let turn = |share: f64| {
        let angle = share * std::f64::consts::TAU;
        Vector2::new(libm::cos(angle), libm::sin(angle))
    };
    let spokes: Vec<Vector2<f64>> = (0..RINGS).map(|n| turn(f64::from(n) / f64::from(RINGS))).collect();
    let mut count = 0_u32;
    for ring in 0..RINGS {
        let rest = 1.0 - (f64::from(ring) + 0.5) / f64::from(RINGS);
        let radius = (-2.0 * libm::log(rest)).sqrt();
        let start = turn(f64::from(ring) * GOLDEN) * radius;
        for spoke in &spokes {
            let place =
                Vector2::new(start.x * spoke.x - start.y * spoke.y, start.x * spoke.y + start.y * spoke.x);
            count += u32::from(is_in(place));
        }
    }
    f64::from(count) / f64::from(RINGS * RINGS)
}

/// Whether a robot is where the map knows the ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// Sure enough to move as usual.
    Inside,
    /// Not sure: slow down.
    Uncertain,
    /// Likely not, or nothing is known: halt.
    Outside,
}

/// Limits between the three. All are safety values, so none has a default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MappedPolicy {
    /// From this probability on a robot is inside; at least [`MappedProbability::CERTIFIED_MIN`], which no estimate reaches.
    pub inside_min: f64,
    /// Below this probability it is outside.
    pub outside_below: f64,
    /// So many readings in a row must be better than the present state before it improves; it worsens at once.
    pub readings_to_improve: u32,
}

/// Why a policy was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MappedPolicyError {
    /// `0 < outside_below <= inside_min <= 1` must hold, and `inside_min` be at least
    /// [`MappedProbability::CERTIFIED_MIN`].
    #[error(
        "limits {outside_below} and {inside_min} are not 0 < outside <= inside <= 1 with inside at least {}",
        MappedProbability::CERTIFIED_MIN
    )]
    Limits {
        /// As given.
        outside_below: f64,
        /// As given.
        inside_min: f64,
    },
}

/// The state over time: it worsens with one reading, and improves only after several.
///
/// ```
/// use sheepdog_map::geometry::{Mapped, MappedMonitor, MappedPolicy};
///
/// let policy = MappedPolicy { inside_min: 0.997, outside_below: 0.9, readings_to_improve: 2 };
/// let mut monitor = MappedMonitor::new(policy)?;
/// assert_eq!(monitor.state(), Mapped::Outside, "nothing is known yet");
/// assert_eq!(monitor.update(0.999), Mapped::Outside);
/// assert_eq!(monitor.update(0.997), Mapped::Inside);
/// assert_eq!(monitor.update(0.95), Mapped::Uncertain);
/// assert_eq!(monitor.update(f64::NAN), Mapped::Outside);
/// # Ok::<(), sheepdog_map::geometry::MappedPolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MappedMonitor {
    policy: MappedPolicy,
    state: Mapped,
    /// Readings in a row that were better than the state, and the worst of them.
    better: u32,
    worst: Mapped,
}

impl MappedMonitor {
    /// A monitor that knows nothing yet, so the robot is outside.
    ///
    /// # Errors
    /// [`MappedPolicyError`] for limits that are no probabilities or out of order.
    pub fn new(policy: MappedPolicy) -> Result<Self, MappedPolicyError> {
        let MappedPolicy { inside_min, outside_below, .. } = policy;
        let sure = (MappedProbability::CERTIFIED_MIN..=1.0).contains(&inside_min);
        if 0.0 < outside_below && outside_below <= inside_min && sure {
            Ok(Self { policy, state: Mapped::Outside, better: 0, worst: Mapped::Inside })
        } else {
            Err(MappedPolicyError::Limits { outside_below, inside_min })
        }
    }

    /// The state after the last reading.
    pub fn state(&self) -> Mapped {
        self.state
    }

    /// Takes in a probability; what is none, such as NaN, counts as zero.
    pub fn update(&mut self, probability: f64) -> Mapped {
        let probability = if (0.0..=1.0).contains(&probability) { probability } else { 0.0 };
        let seen = if self.policy.inside_min <= probability {
            Mapped::Inside
        } else if self.policy.outside_below <= probability {
            Mapped::Uncertain
        } else {
            Mapped::Outside
        };
        match (self.state, seen) {
            (Mapped::Inside, Mapped::Inside)
            | (Mapped::Uncertain, Mapped::Uncertain)
            | (Mapped::Outside, Mapped::Outside) => self.settle(seen),
            (Mapped::Inside, Mapped::Uncertain | Mapped::Outside) | (Mapped::Uncertain, Mapped::Outside) => {
                self.settle(seen);
            }
            (Mapped::Uncertain, Mapped::Inside) | (Mapped::Outside, Mapped::Inside | Mapped::Uncertain) => {
                self.better += 1;
                if seen == Mapped::Uncertain {
                    self.worst = seen;
                }
                if self.policy.readings_to_improve <= self.better {
                    self.settle(self.worst);
                }
            }
        }
        self.state
    }

    fn settle(&mut self, state: Mapped) {
        (self.state, self.better, self.worst) = (state, 0, Mapped::Inside);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::tests::{level, probe, rectangles, walls};

    proptest! {
        /// A certified bound is no larger than what plain sampling finds, and an estimate agrees with it.
        #[test]
        fn probabilities_agree_with_sampling(
            rectangles in rectangles(), walls in walls(), mean in probe(), sigma in (0.01..1.5_f64, 0.01..1.5_f64),
            turn in 0.0..3.2_f64,
        ) {
            let geometry = level(&rectangles, walls);
            let rotation = nalgebra::Rotation2::new(turn).into_inner();
            let diagonal = Matrix2::new(sigma.0 * sigma.0, 0.0, 0.0, sigma.1 * sigma.1);
            let covariance = rotation * diagonal * rotation.transpose();
            let covariance = (covariance + covariance.transpose()) / 2.0;
            let found = geometry.mapped_probability(mean, covariance);
            // Box-Muller over an additive recurrence, another sequence than the one tested.
            let mut hits = 0_u32;
            let (mut u, mut v) = (0.5_f64, 0.5_f64);
            for _ in 0..4096 {
                (u, v) = ((u + 0.754_877_666_246_692_7).fract(), (v + 0.569_840_290_998_053_3).fract());
                let (r, angle) = ((-2.0 * libm::log(1.0 - u)).sqrt(), v * std::f64::consts::TAU);
                let place = Vector2::new(r * libm::cos(angle) * sigma.0, r * libm::sin(angle) * sigma.1);
                let at = mean + rotation * place;
                hits += u32::from(geometry.inside(at) && 0.0 < geometry.wall_clearance(at));
            }
            let sampled = f64::from(hits) / 4096.0;
            if found.certified {
                prop_assert!(found.probability <= sampled + 0.01);
            } else {
                prop_assert!((found.probability - sampled).abs() < 0.05, "{} {sampled}", found.probability);
            }
        }

        /// In a convex area more uncertainty is never more certainty.
        #[test]
        fn more_uncertainty_is_less_certainty(
            x in 0.1..7.9_f64, y in 0.1..7.9_f64, sigma in 0.01..2.0_f64, more in 1.0..3.0_f64,
        ) {
            let geometry = level(&[[0, 0, 8, 8]], Vec::new());
            let at = |sigma: f64| {
                geometry.mapped_probability(Point2::new(x, y), Matrix2::identity() * (sigma * sigma)).probability
            };
            prop_assert!(at(sigma * more) <= at(sigma) + 1e-12);
        }

        /// Whatever comes, a state is never better than the last reading, and improves only after enough of them.
        #[test]
        fn the_state_is_never_better_than_the_last_reading(
            readings in prop::collection::vec(prop_oneof![Just(0.0), Just(0.9), Just(0.95), Just(0.997), Just(1.0), Just(f64::NAN)], 1..40),
            needed in 0_u32..4,
        ) {
            let policy = MappedPolicy { inside_min: 0.997, outside_below: 0.9, readings_to_improve: needed };
            let mut monitor = MappedMonitor::new(policy).unwrap();
            let rank = |state: Mapped| match state {
                Mapped::Inside => 2,
                Mapped::Uncertain => 1,
                Mapped::Outside => 0,
            };
            let mut better = 0;
            for reading in readings {
                let seen = if 0.997 <= reading { 2 } else { u8::from(0.9 <= reading) };
                let before = rank(monitor.state());
                better = if before < seen { better + 1 } else { 0 };
                let after = rank(monitor.update(reading));
                prop_assert!(after <= seen);
                prop_assert!(after <= before || needed <= better);
                if before < after {
                    better = 0;
                }
            }
        }
    }

    #[test]
    fn no_evidence_is_outside() {
        let geometry = level(&[[0, 0, 8, 8]], Vec::new());
        let centre = Point2::new(4.0, 4.0);
        let covariance = Matrix2::identity() * 0.01;
        assert!(0.999 < geometry.mapped_probability(centre, covariance).probability);
        let none =
            |mean, covariance| geometry.mapped_probability(mean, covariance) == MappedProbability::NONE;
        assert!(none(Point2::new(f64::NAN, 4.0), covariance));
        for bad in [
            Matrix2::new(f64::NAN, 0.0, 0.0, 1.0),
            Matrix2::new(-1.0, 0.0, 0.0, 1.0),
            Matrix2::new(1.0, 2.0, 2.0, 1.0),
            Matrix2::new(1.0, 0.5, 0.0, 1.0),
            Matrix2::new(f64::INFINITY, 0.0, 0.0, 1.0),
            Matrix2::zeros(),
        ] {
            assert!(none(centre, bad), "{bad}");
        }
        let unmapped = LevelGeometry::new(Vec::new(), Vec::new());
        assert_eq!(unmapped.mapped_probability(centre, covariance), MappedProbability::NONE);
        let policy = MappedPolicy { inside_min: 0.997, outside_below: 0.9, readings_to_improve: 0 };
        for none in [f64::INFINITY, 1.000_001, -0.1, f64::NAN] {
            assert_eq!(MappedMonitor::new(policy).unwrap().update(none), Mapped::Outside, "{none}");
        }
    }

    /// A robot knows better how far it is from the walls of a corridor than how far it has come.
    #[test]
    fn a_corridor_is_certain_in_its_own_direction() {
        let walls = [0.0, 2.0].map(|y| crate::geometry::WallSegment {
            a: Point2::new(0.0, y),
            b: Point2::new(40.0, y),
            thickness_m: 0.1,
        });
        let geometry = level(&[[0, 0, 40, 2]], walls.to_vec());
        let at = |x: f64, along_m: f64| {
            let covariance = Matrix2::new(along_m * along_m, 0.0, 0.0, 0.03 * 0.03);
            geometry.mapped_probability(Point2::new(x, 1.0), covariance)
        };
        let found = at(20.0, 0.4);
        assert!(found.certified && 0.999_999 < found.probability, "{found:?}");
        assert!(at(20.0, 0.0).certified);
        // Near the end of the corridor it is the way along that counts.
        let near = at(39.0, 0.4);
        assert!(!near.certified && 0.98 < near.probability && near.probability < 0.996, "{near:?}");
    }
}
