//! What a robot perceives: ranges with confidence.

use nalgebra::{Point2, Vector2};
use sheepdog_core::{Confidence, LevelId};
use sheepdog_driver::Beam;

use crate::{
    config::BeamSpec,
    random::{Purpose, signed_unit, stream},
    world::{Barrier, Disc, Owner, World, point_segment, ray_disc, ray_segment},
};

/// Half the thickness of a usual wall: the world's rays end on centre lines, a scanner's on surfaces.
const WALL_HALF_THICKNESS_M: f64 = 0.05;

/// How far beside the middle of a body its outer beams point, as a share of its half angle.
const EDGE_SHARE: f64 = 0.95;

/// Outer beams point at bodies within this share of the range: farther off, a body is hardly wider than a beam.
const EDGES_WITHIN_SHARE: f64 = 0.5;

/// From where, who looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eye {
    pub(crate) robot: usize,
    pub(crate) level: LevelId,
    pub(crate) at: Point2<f64>,
    pub(crate) yaw_rad: f64,
}

/// A body in range, seen from the eye.
struct Seen {
    offset: Vector2<f64>,
    distance_m: f64,
    radius_m: f64,
}

/// The world near one robot, as its scanner meets it.
struct Scene<'a> {
    world: &'a World,
    eye: Eye,
    range_max_m: f64,
    bodies: Vec<Seen>,
    barriers: Vec<&'a Barrier>,
}

impl<'a> Scene<'a> {
    fn new(world: &'a World, eye: Eye, range_max_m: f64) -> Self {
        let seen = |disc: &Disc| {
            let offset = disc.at - eye.at;
            let reach_m = range_max_m + disc.radius_m;
            (offset.norm_squared() <= reach_m * reach_m).then(|| Seen {
                offset,
                distance_m: offset.norm(),
                radius_m: disc.radius_m,
            })
        };
        let near = |barrier: &&Barrier| {
            barrier.level == eye.level && point_segment(eye.at, barrier.a, barrier.b) <= range_max_m
        };
        Self {
            world,
            eye,
            range_max_m,
            bodies: world.others(eye.level, Owner::Robot(eye.robot)).filter_map(seen).collect(),
            barriers: world.barriers.iter().filter(near).collect(),
        }
    }

    /// Distance to whatever is nearest along a unit vector of the map, at most the largest range.
    fn range(&self, direction: Vector2<f64>) -> f64 {
        let origin = self.eye.at;
        let hit =
            |seen: &Seen| ray_disc(Point2::origin(), direction, Point2::from(seen.offset), seen.radius_m);
        let bodies = self.bodies.iter().filter_map(hit);
        let barriers = self.barriers.iter().filter_map(|door| ray_segment(origin, direction, door.a, door.b));
        let nearest = bodies.chain(barriers).fold(self.range_max_m, f64::min);
        let wall = self.world.wall(self.eye.level, origin, direction, nearest + WALL_HALF_THICKNESS_M);
        nearest.min((wall - WALL_HALF_THICKNESS_M).max(0.0))
    }

    /// Directions in which bodies are, and their angles in the frame of the map.
    fn towards_bodies(&self) -> impl Iterator<Item = (f64, Vector2<f64>)> + '_ {
        self.bodies.iter().flat_map(|seen| {
            let middle_rad = libm::atan2(seen.offset.y, seen.offset.x);
            let middle = if 0.0 < seen.distance_m { seen.offset / seen.distance_m } else { Vector2::x() };
            let has_edges = seen.distance_m - seen.radius_m <= self.range_max_m * EDGES_WITHIN_SHARE;
            let edges = has_edges.then(|| {
                let half_sin = (seen.radius_m / seen.distance_m.max(seen.radius_m)).min(1.0);
                let half_rad = libm::asin(half_sin) * EDGE_SHARE;
                let (sin, cos) = libm::sincos(half_rad);
                let left = Vector2::new(middle.x * cos - middle.y * sin, middle.x * sin + middle.y * cos);
                let right = Vector2::new(middle.x * cos + middle.y * sin, middle.y * cos - middle.x * sin);
                [(middle_rad - half_rad, right), (middle_rad + half_rad, left)]
            });
            std::iter::once((middle_rad, middle)).chain(edges.into_iter().flatten())
        })
    }
}

/// One scan: the fixed beams in order of their angle, then those that point at bodies.
///
/// Costs one ray each through walls, and the bodies and closed doors in range.
pub(crate) fn scan(world: &World, eye: Eye, spec: &BeamSpec, seed: u64, entity: u32, step: u64) -> Vec<Beam> {
    let scene = Scene::new(world, eye, spec.range_max_m);
    let mut rng = stream(seed, Purpose::Beams, entity, step);
    let pitch_rad = std::f64::consts::TAU / f64::from(spec.count.max(1));
    let fixed = (0..spec.count).map(|index| {
        let angle_rad = f64::from(index) * pitch_rad;
        let (sin, cos) = libm::sincos(angle_rad + eye.yaw_rad);
        (angle_rad, Vector2::new(cos, sin))
    });
    let bodies =
        scene.towards_bodies().map(|(bearing_rad, direction)| (bearing_rad - eye.yaw_rad, direction));
    fixed
        .chain(bodies)
        .map(|(angle_rad, direction)| {
            let true_m = scene.range(direction);
            // What is out of range stays out of range: noise must not invent an obstacle there.
            let noise_m =
                if true_m < spec.range_max_m { signed_unit(&mut rng) * spec.range_noise_m } else { 0.0 };
            Beam {
                angle_rad,
                range_m: (true_m + noise_m).clamp(0.0, spec.range_max_m),
                confidence: noisy(spec.confidence, spec.confidence_noise_ppm, signed_unit(&mut rng)),
            }
        })
        .collect()
}

fn noisy(nominal: Confidence, noise_ppm: u32, draw: f64) -> Confidence {
    #[expect(clippy::cast_possible_truncation, reason = "noise is below 2³² parts per million")]
    let noise_ppm = (draw * f64::from(noise_ppm)) as i64;
    let ppm = (i64::from(nominal.ppm()) + noise_ppm).clamp(0, i64::from(Confidence::FULL.ppm()));
    u32::try_from(ppm).ok().and_then(|ppm| Confidence::from_ppm(ppm).ok()).unwrap_or(Confidence::NONE)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{fixture, peripherals::Peripherals};

    fn world(bodies: &[(u32, f64, f64, f64)]) -> World {
        let site = fixture::site();
        let barriers = Arc::new(Peripherals::new(Arc::clone(&site)).barriers());
        let disc = |(index, &(level, x, y, radius_m)): (usize, &(u32, f64, f64, f64))| Disc {
            owner: Owner::Person(index),
            level: LevelId(level),
            at: Point2::new(x, y),
            radius_m,
            drift: Vector2::zeros(),
        };
        World { site, discs: bodies.iter().enumerate().map(disc).collect(), barriers }
    }

    /// A robot in the middle of the western room, 3 m from the door.
    const EYE: Eye = Eye { robot: 0, level: LevelId(0), at: Point2::new(5.0, 3.0), yaw_rad: 0.4 };

    fn look(world: &World) -> Vec<Beam> {
        let spec = BeamSpec { range_noise_m: 0.0, ..BeamSpec::default() };
        scan(world, EYE, &spec, 1, 0, 0)
    }

    #[test]
    fn walls_and_the_closed_door_end_every_beam() {
        let beams = look(&world(&[]));
        assert_eq!(beams.len(), 24);
        // The corners of the western room are at most 5.83 m away.
        assert!(beams.iter().all(|beam| beam.range_m < 5.84));
        let ahead = scan(&world(&[]), Eye { yaw_rad: 0.0, ..EYE }, &BeamSpec::default(), 1, 0, 0);
        assert!((ahead[0].range_m - 3.0).abs() < 0.06);
    }

    #[test]
    fn bodies_behind_walls_on_other_levels_and_oneself_are_not_seen() {
        let alone = look(&world(&[]));
        let nearest = |beams: &[Beam]| beams.iter().map(|beam| beam.range_m).fold(f64::INFINITY, f64::min);
        for hidden in [(0, 9.0, 3.0, 0.3), (0, 9.0, 1.0, 0.3), (1, 5.5, 3.0, 0.3)] {
            assert!((nearest(&look(&world(&[hidden]))) - nearest(&alone)).abs() < 1e-12, "{hidden:?}");
        }
        let mut with_me = world(&[]);
        with_me.discs.push(Disc {
            owner: Owner::Robot(0),
            level: LevelId(0),
            at: EYE.at,
            radius_m: 0.25,
            drift: Vector2::zeros(),
        });
        assert_eq!(look(&with_me), alone);
    }

    #[test]
    fn confidence_keeps_to_its_noise() {
        let confidence = |beam: &Beam| (987_000..=993_000).contains(&beam.confidence.ppm());
        assert!(look(&world(&[])).iter().all(confidence));
    }

    proptest! {
        /// However small a body is and wherever it stands in the room, a beam meets it where it is nearest.
        #[test]
        fn no_body_slips_between_the_beams(x in 0.5..7.5_f64, y in 0.5..5.5_f64, radius in 0.02..0.4_f64) {
            let gap = (Point2::new(x, y) - EYE.at).norm() - radius;
            prop_assume!(0.0 < gap);
            let beams = look(&world(&[(0, x, y, radius)]));
            prop_assert!(beams.iter().any(|beam| (beam.range_m - gap).abs() < 1e-6));
        }

        /// A beam never reports more than the way to a body's surface along its direction.
        #[test]
        fn ranges_are_exact(x in 0.5..7.5_f64, y in 0.5..5.5_f64, radius in 0.1..0.4_f64) {
            let centre = Point2::new(x, y);
            for beam in look(&world(&[(0, x, y, radius)])) {
                let bearing = beam.angle_rad + EYE.yaw_rad;
                let direction = Vector2::new(libm::cos(bearing), libm::sin(bearing));
                let hit = ray_disc(EYE.at, direction, centre, radius);
                prop_assert!(hit.is_none_or(|distance| beam.range_m <= distance + 1e-9));
            }
        }
    }
}
