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

/// From where, who looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eye {
    pub(crate) robot: usize,
    pub(crate) level: LevelId,
    pub(crate) at: Point2<f64>,
    pub(crate) yaw_rad: f64,
}

/// The world near one robot, as its scanner meets it.
struct Scene<'a> {
    world: &'a World,
    eye: Eye,
    range_max_m: f64,
    discs: Vec<&'a Disc>,
    barriers: Vec<&'a Barrier>,
}

impl<'a> Scene<'a> {
    fn new(world: &'a World, eye: Eye, range_max_m: f64) -> Self {
        let in_range = |disc: &&Disc| (disc.at - eye.at).norm() - disc.radius_m <= range_max_m;
        let near = |barrier: &&Barrier| {
            barrier.level == eye.level && point_segment(eye.at, barrier.a, barrier.b) <= range_max_m
        };
        Self {
            world,
            eye,
            range_max_m,
            discs: world.others(eye.level, Owner::Robot(eye.robot)).filter(in_range).collect(),
            barriers: world.barriers.iter().filter(near).collect(),
        }
    }

    /// Distance to whatever is nearest in a direction of the map, at most the largest range.
    fn range(&self, bearing_rad: f64) -> f64 {
        let direction = Vector2::new(libm::cos(bearing_rad), libm::sin(bearing_rad));
        let origin = self.eye.at;
        let discs = self.discs.iter().filter_map(|disc| ray_disc(origin, direction, disc.at, disc.radius_m));
        let barriers = self.barriers.iter().filter_map(|door| ray_segment(origin, direction, door.a, door.b));
        let nearest = discs.chain(barriers).fold(self.range_max_m, f64::min);
        let wall = self.world.wall(self.eye.level, origin, direction, nearest + WALL_HALF_THICKNESS_M);
        nearest.min((wall - WALL_HALF_THICKNESS_M).max(0.0))
    }

    /// Directions in which bodies are, in the frame of the map.
    fn body_bearings(&self) -> impl Iterator<Item = f64> + '_ {
        self.discs.iter().flat_map(|disc| {
            let offset = disc.at - self.eye.at;
            let middle = libm::atan2(offset.y, offset.x);
            let half = libm::asin((disc.radius_m / offset.norm().max(disc.radius_m)).min(1.0)) * EDGE_SHARE;
            [middle, middle - half, middle + half]
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
    let fixed = (0..spec.count).map(|index| f64::from(index) * pitch_rad);
    let bodies = scene.body_bearings().map(|bearing_rad| bearing_rad - eye.yaw_rad);
    fixed
        .chain(bodies)
        .map(|angle_rad| {
            let true_m = scene.range(angle_rad + eye.yaw_rad);
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
    let ppm = f64::from(nominal.ppm()) + draw * f64::from(noise_ppm);
    Confidence::from_fraction((ppm / 1e6).clamp(0.0, 1.0)).unwrap_or(Confidence::NONE)
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
