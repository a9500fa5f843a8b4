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
pub(crate) fn scan(
    world: &World,
    eye: Eye,
    spec: &BeamSpec,
    limit: Option<Confidence>,
    seed: u64,
    entity: u32,
    step: u64,
) -> Vec<Beam> {
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
            let confidence = noisy(spec.confidence, spec.confidence_noise_ppm, signed_unit(&mut rng));
            Beam {
                angle_rad,
                range_m: (true_m + noise_m).clamp(0.0, spec.range_max_m),
                confidence: limit.map_or(confidence, |limit| confidence.min(limit)),
            }
        })
        .collect()
}

fn noisy(nominal: Confidence, noise_ppm: u32, draw: f64) -> Confidence {
    let ppm = f64::from(nominal.ppm()) + draw * f64::from(noise_ppm);
    Confidence::from_fraction((ppm / 1e6).clamp(0.0, 1.0)).unwrap_or(Confidence::NONE)
}
