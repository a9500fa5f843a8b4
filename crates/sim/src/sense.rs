//! What a robot perceives: ranges with confidence.

use nalgebra::{Matrix2, Point2, Rotation2, Vector2};
use sheepdog_core::{Confidence, LevelId};
use sheepdog_driver::Beam;

use crate::{
    config::BeamSpec,
    random::{Purpose, signed_unit, stream},
    world::{Barrier, Disc, Owner, World, floor, point_segment, ray_segment},
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

/// Sectors by which a beam finds the bodies that it may meet.
const SECTORS: usize = 64;
/// As many as there are in a turn.
const SECTORS_PER_RAD: f64 = 32.0 * std::f64::consts::FRAC_1_PI;
/// Bodies that a sector can name.
const NAMED_MAX: usize = u64::BITS as usize;

/// A range sensor: what it is made of, and room for what it sees.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) spec: BeamSpec,
    /// Angles and directions of the fixed beams in `base_link`.
    fixed: Vec<(f64, Vector2<f64>)>,
    found: Vec<usize>,
    bodies: Vec<Seen>,
    /// The beams of the last scan, if they were given back.
    beams: Vec<Beam>,
}

/// A body in range, seen from the eye.
#[derive(Debug)]
struct Seen {
    offset: Vector2<f64>,
    distance_m: f64,
    /// In the frame of the map.
    bearing_rad: f64,
    radius_m: f64,
    /// Square of the distance to its middle less that of its radius: not above zero from inside.
    outside: f64,
}

/// The world near one robot, as its scanner meets it.
struct Scene<'a> {
    world: &'a World,
    eye: Eye,
    range_max_m: f64,
    bodies: &'a [Seen],
    /// Which of the first 64 bodies reach into each sector.
    sectors: [u64; SECTORS],
    /// Whether the eye is in one of them.
    is_inside: bool,
    /// No wall is nearer.
    clearance_m: f64,
    barriers: Vec<&'a Barrier>,
}

impl<'a> Scene<'a> {
    /// `found` and `bodies` are room for it.
    fn new(
        world: &'a World,
        eye: Eye,
        range_max_m: f64,
        found: &mut Vec<usize>,
        bodies: &'a mut Vec<Seen>,
    ) -> Self {
        let seen = |disc: &Disc| {
            if disc.level != eye.level || disc.owner == Owner::Robot(eye.robot) {
                return None;
            }
            let offset = disc.at - eye.at;
            let reach_m = range_max_m + disc.radius_m;
            let square = offset.norm_squared();
            (square <= reach_m * reach_m).then(|| Seen {
                offset,
                distance_m: square.sqrt(),
                bearing_rad: libm::atan2(offset.y, offset.x),
                radius_m: disc.radius_m,
                outside: square - disc.radius_m * disc.radius_m,
            })
        };
        let near = |barrier: &&Barrier| {
            barrier.level == eye.level && point_segment(eye.at, barrier.a, barrier.b) <= range_max_m
        };
        world.find_near(eye.level, eye.at, range_max_m, found);
        bodies.clear();
        bodies.extend(found.iter().filter_map(|index| world.discs().get(*index)).filter_map(seen));
        Self {
            world,
            eye,
            range_max_m,
            is_inside: bodies.iter().any(|seen| seen.outside <= 0.0),
            sectors: sectors(bodies),
            bodies,
            clearance_m: world.clearance(eye.level, eye.at),
            barriers: world.barriers.iter().filter(near).collect(),
        }
    }

    /// Distance to whatever is nearest along a unit vector of the map, which points to `bearing_rad`, at most the largest
    /// range.
    fn range(&self, bearing_rad: f64, direction: Vector2<f64>) -> f64 {
        let origin = self.eye.at;
        if self.is_inside {
            return 0.0;
        }
        let mut nearest = self.range_max_m;
        let mut here = self.sectors.get(sector(bearing_rad)).copied().unwrap_or(u64::MAX);
        let in_sector = std::iter::from_fn(|| {
            let body = self.bodies.get(here.trailing_zeros() as usize).filter(|_| here != 0);
            here &= here.wrapping_sub(1);
            body
        });
        for seen in in_sector.chain(self.bodies.iter().skip(NAMED_MAX)) {
            let along = seen.offset.dot(&direction);
            // Below zero for what the beam passes, and behind: then the root is no number, which no minimum takes.
            let half_chord_squared = along * along.abs() - seen.outside;
            nearest = nearest.min(along - half_chord_squared.sqrt());
        }
        let barriers = self.barriers.iter().filter_map(|door| ray_segment(origin, direction, door.a, door.b));
        nearest = barriers.fold(nearest, f64::min);
        if nearest + WALL_HALF_THICKNESS_M < self.clearance_m {
            return nearest;
        }
        let wall = self.world.wall(self.eye.level, origin, direction, nearest + WALL_HALF_THICKNESS_M);
        nearest.min((wall - WALL_HALF_THICKNESS_M).max(0.0))
    }

    /// Directions in which bodies are, and their angles in the frame of the map.
    fn towards_bodies(&self) -> impl Iterator<Item = (f64, Vector2<f64>)> + '_ {
        self.bodies.iter().flat_map(|seen| {
            let middle_rad = seen.bearing_rad;
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

/// The sector of a bearing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole turns fall away")]
fn sector(bearing_rad: f64) -> usize {
    floor(bearing_rad * SECTORS_PER_RAD) as usize % SECTORS
}

/// Which of the first 64 bodies a beam into each sector may meet.
fn sectors(bodies: &[Seen]) -> [u64; SECTORS] {
    let mut sectors = [0; SECTORS];
    for (index, seen) in bodies.iter().enumerate().take(NAMED_MAX) {
        // An arc sine is at most this much above its sine; and a little for rounding.
        let half_rad = seen.radius_m / seen.distance_m * std::f64::consts::FRAC_PI_2 + 1e-6;
        let first = sector(seen.bearing_rad - half_rad);
        let count =
            if half_rad < 3.0 { sector(seen.bearing_rad + half_rad) + SECTORS - first } else { SECTORS - 1 };
        for step in 0..=count % SECTORS {
            if let Some(sector) = sectors.get_mut((first + step) % SECTORS) {
                *sector |= 1 << index;
            }
        }
    }
    sectors
}

impl Scanner {
    pub(crate) fn new(spec: BeamSpec) -> Self {
        let pitch_rad = std::f64::consts::TAU / f64::from(spec.count.max(1));
        let fixed = (0..spec.count).map(|index| {
            let angle_rad = f64::from(index) * pitch_rad;
            let (sin, cos) = libm::sincos(angle_rad);
            (angle_rad, Vector2::new(cos, sin))
        });
        let fixed = fixed.collect();
        Self { spec, fixed, found: Vec::new(), bodies: Vec::new(), beams: Vec::new() }
    }

    /// One scan: the fixed beams in order of their angle, then those that point at bodies.
    ///
    /// Costs one ray each through walls, and the bodies and closed doors in range. Allocates for the beams unless those of
    /// a scan before were [given back](Self::give_back).
    pub(crate) fn scan(&mut self, world: &World, eye: Eye, seed: u64, entity: u32, step: u64) -> Vec<Beam> {
        let Self { spec, fixed, found, bodies, beams } = self;
        let scene = Scene::new(world, eye, spec.range_max_m, found, bodies);
        let mut rng = stream(seed, Purpose::Beams, entity, step);
        let mut beam = |angle_rad: f64, bearing_rad: f64, direction: Vector2<f64>| {
            let true_m = scene.range(bearing_rad, direction);
            // What is out of range stays out of range: noise must not invent an obstacle there.
            let noise_m =
                if true_m < spec.range_max_m { signed_unit(&mut rng) * spec.range_noise_m } else { 0.0 };
            Beam {
                angle_rad,
                range_m: (true_m + noise_m).clamp(0.0, spec.range_max_m),
                confidence: noisy(spec.confidence, spec.confidence_noise_ppm, signed_unit(&mut rng)),
            }
        };
        let mut scan = std::mem::take(beams);
        scan.clear();
        let (sin, cos) = libm::sincos(eye.yaw_rad);
        let heading = Rotation2::from_matrix_unchecked(Matrix2::new(cos, -sin, sin, cos));
        for &(angle_rad, direction) in &*fixed {
            scan.push(beam(angle_rad, angle_rad + eye.yaw_rad, heading * direction));
        }
        for (bearing_rad, direction) in scene.towards_bodies() {
            scan.push(beam(bearing_rad - eye.yaw_rad, bearing_rad, direction));
        }
        scan
    }

    /// Takes the beams of a scan for the next.
    pub(crate) fn give_back(&mut self, beams: Vec<Beam>) {
        self.beams = beams;
    }
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
    use crate::{fixture, peripherals::Peripherals, world::ray_disc};

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
        World::new(site, bodies.iter().enumerate().map(disc).collect(), barriers)
    }

    /// A robot in the middle of the western room, 3 m from the door.
    const EYE: Eye = Eye { robot: 0, level: LevelId(0), at: Point2::new(5.0, 3.0), yaw_rad: 0.4 };

    fn look(world: &World) -> Vec<Beam> {
        let spec = BeamSpec { range_noise_m: 0.0, ..BeamSpec::default() };
        Scanner::new(spec).scan(world, EYE, 1, 0, 0)
    }

    #[test]
    fn walls_and_the_closed_door_end_every_beam() {
        let beams = look(&world(&[]));
        assert_eq!(beams.len(), 24);
        // The corners of the western room are at most 5.83 m away.
        assert!(beams.iter().all(|beam| beam.range_m < 5.84));
        let ahead = Scanner::new(BeamSpec::default()).scan(&world(&[]), Eye { yaw_rad: 0.0, ..EYE }, 1, 0, 0);
        assert!((ahead[0].range_m - 3.0).abs() < 0.06);
    }

    #[test]
    fn bodies_behind_walls_on_other_levels_and_oneself_are_not_seen() {
        let alone = look(&world(&[]));
        let nearest = |beams: &[Beam]| beams.iter().map(|beam| beam.range_m).fold(f64::INFINITY, f64::min);
        for hidden in [(0, 9.0, 3.0, 0.3), (0, 9.0, 1.0, 0.3), (1, 5.5, 3.0, 0.3)] {
            assert!((nearest(&look(&world(&[hidden]))) - nearest(&alone)).abs() < 1e-12, "{hidden:?}");
        }
        let World { site, barriers, .. } = world(&[]);
        let (owner, level) = (Owner::Robot(0), LevelId(0));
        let me = Disc { owner, level, at: EYE.at, radius_m: 0.25, drift: Vector2::zeros() };
        assert_eq!(look(&World::new(site, vec![me], barriers)), alone);
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

        /// Beams meet what looking at every body for every beam finds, however many there are.
        #[test]
        fn sectors_leave_nothing_out(
            bodies in prop::collection::vec((0.5..7.5_f64, 0.5..5.5_f64, 0.02..0.6_f64), 0..90),
        ) {
            let bodies: Vec<_> = bodies.into_iter().map(|(x, y, radius)| (0, x, y, radius)).collect();
            let empty = world(&[]);
            let (mut found, mut seen) = (Vec::new(), Vec::new());
            let alone = Scene::new(&empty, EYE, 10.0, &mut found, &mut seen);
            for beam in look(&world(&bodies)) {
                let bearing = beam.angle_rad + EYE.yaw_rad;
                let direction = Vector2::new(libm::cos(bearing), libm::sin(bearing));
                let hit = |&(_, x, y, radius): &(u32, f64, f64, f64)| {
                    ray_disc(EYE.at, direction, Point2::new(x, y), radius)
                };
                let nearest = bodies.iter().filter_map(hit).fold(alone.range(bearing, direction), f64::min);
                prop_assert!((beam.range_m - nearest).abs() < 1e-9);
            }
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
