//! From what a robot perceives to what its interlock is told: floats end here, rounded to the safe side.

use nalgebra::{Matrix2, Point2, Rotation2, Vector2};
use sheepdog_core::{LevelId, Micros, Mm, MmPerS, MradPerS, wire::Passage};
use sheepdog_interlock::{
    Config, Odometry, Reading, SensorReading, Twist,
    beams::{self, Direction, Surroundings, Sweep, UNIT},
    stopping_distance,
};
use sheepdog_map::CompiledSite;

use crate::{
    Beam, Observation,
    angle::{EIGHTH_TURN_RAD, HALF_TURN_RAD, sin_cos, wrapped},
    observation::Pose,
};

/// Number of angular sectors: sector `i` is 45° wide around `i·45°`, so sector 0 is ahead.
pub const SECTORS: usize = 8;

/// A return this close to a known wall is the wall, metres: localisation and range errors.
const WALL_MATCH_M: f64 = 0.08;

/// What of the map a robot knows by sight: walls, and where the leaves of doors are when they are shut.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    doors: Vec<Leaf>,
}

/// Where a door closes an opening.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    passage: Passage,
    level: LevelId,
    a: Point2<f64>,
    b: Point2<f64>,
}

/// Where a robot looks from.
#[derive(Clone, Copy, Debug)]
struct Stand {
    pose: Pose,
    heading: Rotation2<f64>,
    /// Distance to the nearest wall.
    clearance_m: f64,
}

impl Stand {
    fn new(site: &CompiledSite, pose: Pose) -> Self {
        let level = site.level(pose.level);
        let clearance_m = level.map_or(0.0, |level| level.geometry.wall_clearance(pose.at));
        let (sin, cos) = sin_cos(pose.yaw_rad);
        let heading = Rotation2::from_matrix_unchecked(Matrix2::new(cos, -sin, sin, cos));
        Self { pose, heading, clearance_m }
    }
}

impl Known {
    pub(crate) fn new(site: &CompiledSite) -> Self {
        let leaf = |passage, level| move |[a, b]: [Point2<f64>; 2]| Leaf { passage, level, a, b };
        let doors = site.live_doors().map(|(id, door)| leaf(Passage::Door(id), door.level)([door.a, door.b]));
        let stops = site.live_lifts().flat_map(|(id, lift)| lift.stops.iter().map(move |stop| (id, stop)));
        let lifts = stops.flat_map(|(id, stop)| {
            stop.doors.iter().copied().map(leaf(Passage::Lift(id, stop.level), stop.level))
        });
        Self { doors: doors.chain(lifts).collect() }
    }

    /// Whether a wall of the map, or a door that is known to be shut, is where a robot at `pose` has met something, so many
    /// metres along a unit vector. In an open doorway it may be a person.
    fn is_wall(&self, site: &CompiledSite, stand: Stand, shut: &[Passage], met: (Vector2<f64>, f64)) -> bool {
        let Stand { pose, heading, clearance_m } = stand;
        let Some(level) = site.level(pose.level) else { return false };
        let (direction, range_m) = met;
        // Whatever is this near is farther than that from every wall.
        let amid = range_m + WALL_MATCH_M < clearance_m;
        let met = pose.at + heading * (direction * range_m);
        !amid && level.geometry.wall_clearance(met) <= WALL_MATCH_M
            || self.doors.iter().any(|leaf| {
                leaf.level == pose.level && is_on_segment(met, leaf.a, leaf.b) && shut.contains(&leaf.passage)
            })
    }

    /// Reduces the beams of an observation for a motion; `shut` are the passages that are known to be shut now. O(beams
    /// log beams) and what the walls cost.
    pub(crate) fn surroundings(
        &self,
        site: &CompiledSite,
        observation: &Observation,
        pose: Option<Pose>,
        shut: &[Passage],
        sweep: Sweep,
        scratch: &mut Scratch,
    ) -> Surroundings<SECTORS> {
        let stand = pose.map(|pose| Stand::new(site, pose));
        let is_wall = |met| stand.is_some_and(|stand| self.is_wall(site, stand, shut, met));
        surroundings(&observation.beams, observation.beam_range_max_m, sweep, is_wall, scratch)
    }
}

/// Room for the beams of a scan, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    /// The [`key`]s of the beams.
    sorted: Vec<u64>,
    reduced: Vec<beams::Beam>,
}

/// Reduces beams for a motion; `is_wall` knows what is a wall, by the unit vector towards it in `base_link` and its
/// distance.
pub(crate) fn surroundings(
    beams: &[Beam],
    sight_m: f64,
    sweep: Sweep,
    is_wall: impl Fn((Vector2<f64>, f64)) -> bool,
    scratch: &mut Scratch,
) -> Surroundings<SECTORS> {
    let sight = Mm(to_u32(sight_m * 1e3));
    let Scratch { sorted, reduced } = scratch;
    reduced.clear();
    sorted.clear();
    if beams.len() <= beams::BEAMS_MAX {
        sorted.extend(beams.iter().zip(0..).map(|(beam, place)| key(wrapped(beam.angle_rad), place)));
    }
    sorted.sort_unstable();
    let beam_of = |key: &u64| beams.get(usize::try_from(key & PLACE_MASK).unwrap_or(usize::MAX));
    let angle_of = |key: Option<&u64>| key.and_then(beam_of).map_or(0.0, |beam| wrapped(beam.angle_rad));
    let gap = |from_rad: f64, to_rad: f64| wrapped(to_rad - from_rad).abs();
    let mut angle_rad = angle_of(sorted.first());
    let mut gap_before = gap(angle_of(sorted.last()), angle_rad);
    for (index, key) in sorted.iter().enumerate() {
        let Some(beam) = beam_of(key) else { continue };
        let after_rad = angle_of(sorted.get(index + 1).or(sorted.first()));
        let gap_after = gap(angle_rad, after_rad);
        let range = valid_range(beam.range_m);
        let (sin, cos) = sin_cos(angle_rad);
        // Only what has been met has a place.
        let is_wall =
            range.is_some_and(|range| range < sight) && is_wall((Vector2::new(cos, sin), beam.range_m));
        let reduce = |direction| beams::Beam {
            direction,
            half_spacing: half_spacing(gap_after.max(gap_before)),
            range,
            confidence: beam.confidence,
            is_wall,
        };
        if angle_rad.abs() <= HALF_TURN_RAD {
            reduced.extend(direction(angle_rad, (sin, cos)).map(reduce));
        } else {
            // One without a direction counts against all: it points in all eight main directions.
            let main = (0..8).map(|eighth| f64::from(eighth) * EIGHTH_TURN_RAD);
            reduced.extend(main.filter_map(|angle_rad| direction(angle_rad, sin_cos(angle_rad))).map(reduce));
        }
        (angle_rad, gap_before) = (after_rad, gap_after);
    }
    if sorted.len() < beams.len() {
        // More than are ever reduced: the scan counts as blind.
        return beams::reduce(&[], sight, sweep);
    }
    beams::reduce(reduced, sight, sweep)
}

/// Where in a [`key`] the place of a beam is.
const PLACE_MASK: u64 = 0xffff;

/// A number by which beams sort: first the angle in `-π..=π`, to 2⁻⁴⁴ of a radian, then the place in the scan. What is no
/// angle comes first or last.
fn key(angle_rad: f64, place: u64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and turns NaN into zero"
    )]
    let steps = ((angle_rad + HALF_TURN_RAD) * f64::from(1 << 22) * f64::from(1 << 22)) as u64;
    steps.min(u64::MAX >> 16) << 16 | place & PLACE_MASK
}

const _: () = assert!(beams::BEAMS_MAX as u64 <= PLACE_MASK, "every beam that is reduced has a place");

/// A scan as one sensor's reading.
pub(crate) fn reading(observation: &Observation, seen: &Surroundings<SECTORS>) -> SensorReading<SECTORS> {
    SensorReading {
        taken: observation.taken,
        seq: observation.frame,
        digest: seen.digest,
        healthy: !observation.failed,
        invalid: seen.invalid,
        residual: observation.residual_m.map(residual),
        sectors: seen.sectors,
    }
}

/// By how much a sensor misses its contour, rounded up; what is no number misses it by everything.
fn residual(residual_m: f64) -> Mm {
    if residual_m.is_finite() { Mm(to_u32(libm::ceil(residual_m.abs() * 1e3))) } else { Mm::MAX }
}

/// Free travel as of the scan.
pub(crate) const fn free_travel(observation: &Observation, seen: &Surroundings<SECTORS>) -> Reading<Mm> {
    Reading { taken: observation.taken, value: seen.free_travel }
}

/// Measured motion; `None` when a part of it is no number.
pub(crate) fn odometry(observation: &Observation) -> Option<Reading<Odometry>> {
    let Observation { taken, speed_mps, yaw_rate_rps, travelled_m, turned_rad, .. } = *observation;
    let finite = [speed_mps, yaw_rate_rps, travelled_m, turned_rad].into_iter().all(f64::is_finite);
    finite.then(|| {
        let value = Odometry {
            speed: MmPerS(to_u32(libm::ceil(speed_mps.abs() * 1e3))),
            yaw_rate: MradPerS(to_i32(libm::ceil(yaw_rate_rps.abs() * 1e3))),
            travelled: Mm(to_u32(travelled_m * 1e3)),
            turned_mrad: to_u32(turned_rad * 1e3),
        };
        Reading { taken, value }
    })
}

/// The sectors that the footprint sweeps until it could stand.
pub(crate) fn swept(config: &Config, twist: Twist) -> u32 {
    let speed = u64::from(twist.linear_mm_per_s.unsigned_abs());
    let braking = Micros::new(speed * 1_000_000 / u64::from(config.deceleration.0.max(1)));
    beams::swept_sectors::<SECTORS>(twist, config.reaction().saturating_add(braking))
}

/// Way to standstill from a speed, counting the oldest reading that is allowed; all there is when it does not fit.
pub(crate) fn braking_distance(config: &Config, speed: MmPerS) -> Mm {
    let reaction = config.reaction().saturating_add(config.sample_age_max);
    stopping_distance(speed, reaction, config.deceleration).unwrap_or(Mm::MAX)
}

/// A motion in the integers that are checked and carried out.
pub(crate) fn twist(linear_mps: f64, angular_rps: f64) -> Twist {
    Twist { linear_mm_per_s: to_i32(linear_mps * 1e3), angular_mrad_per_s: to_i32(angular_rps * 1e3) }
}

/// Rounded down to a millimetre; `None` for what is no distance.
fn valid_range(range_m: f64) -> Option<Mm> {
    (range_m.is_finite() && 0.0 <= range_m).then(|| Mm(to_u32(range_m * 1e3)))
}

/// The direction of an angle in `-π..=π`, with its sine and cosine.
fn direction(angle_rad: f64, (sin, cos): (f64, f64)) -> Option<Direction> {
    let unit = f64::from(UNIT);
    // Eight more, which is once around, keep it above zero.
    let sector = angle_rad / EIGHTH_TURN_RAD + 8.5;
    Direction::new(to_i32(cos * unit), to_i32(sin * unit), u8::try_from(to_u32(sector) % 8).unwrap_or(0))
}

/// Half an angle in the unit of directions, rounded up.
pub(crate) fn half_spacing(spacing_rad: f64) -> u16 {
    let half = spacing_rad / 2.0 * f64::from(UNIT);
    let below = to_u32(half);
    let up = u32::from(f64::from(below) < half);
    u16::try_from(below.saturating_add(up)).unwrap_or(u16::MAX)
}

/// Whether a return lies on the line between two points, as far as localisation and ranges can tell.
fn is_on_segment(met: Point2<f64>, a: Point2<f64>, b: Point2<f64>) -> bool {
    let along = b - a;
    let share = ((met - a).dot(&along) / along.norm_squared()).clamp(0.0, 1.0);
    (met - (a + along * share)).norm() <= WALL_MATCH_M
}

/// Towards zero, held at the limits; what is no number is zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float to integer cast saturates and turns NaN into zero"
)]
pub(crate) const fn to_i32(value: f64) -> i32 {
    value as i32
}

/// Towards zero, held at the limits; what is no number is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates and turns NaN into zero"
)]
pub(crate) const fn to_u32(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use sheepdog_core::{DoorId, LiftId};
    use sheepdog_map::{
        CompileOptions, Site,
        model::{Door, Level, Lift, Room},
    };

    use super::*;

    #[test]
    fn no_beam_is_lost_and_one_without_a_direction_counts_against_all() {
        let sweep = Sweep {
            twist: Twist { linear_mm_per_s: 500, angular_mrad_per_s: 0 },
            radius: Mm(250),
            reach: Mm(1_000),
            wall_credit: Mm::ZERO,
            half_gap: u16::MAX,
        };
        for angle_rad in [f64::NAN, f64::INFINITY, 1e300, -1e40] {
            let beam = Beam { angle_rad, range_m: 0.5, confidence: sheepdog_core::Confidence::FULL };
            let seen = surroundings(&[beam], 10.0, sweep, |_| false, &mut Scratch::default());
            let spoken_for = seen.sectors.iter().flatten().count();
            assert!(spoken_for == SECTORS || angle_rad.is_finite() && spoken_for == 1, "{angle_rad}");
        }
    }

    #[test]
    fn only_a_passage_that_is_known_to_be_shut_is_a_wall() {
        let mut site = Site::new("a door and a lift");
        site.levels = vec![Level::new("0", 0.0), Level::new("1", 4.0)];
        site.rooms = vec![
            Room::rectangle("room", "0", 0.0, -2.0, 6.0, 2.0).walled(),
            Room::rectangle("hall", "0", 6.0, -2.0, 9.0, 2.0).walled(),
        ];
        site.doors = vec![Door::new("door", "0", [6.0, -0.5], [6.0, 0.5])];
        let lift = Lift::new("lift", [10.0, 0.0], 1.8, 1.6);
        site.lifts =
            vec![lift.with_door("0", [9.0, -0.5], [9.0, 0.5]).with_door("1", [9.0, -0.5], [9.0, 0.5])];
        let site = site.compile(&CompileOptions::default()).unwrap();
        let known = Known::new(&site);
        let (door, lift) = (Passage::Door(DoorId(0)), |level| Passage::Lift(LiftId(0), LevelId(level)));
        let pose = |level| Pose { level: LevelId(level), at: Point2::new(3.0, 0.0), yaw_rad: 0.0 };
        let is_wall = |level, x_m: f64, shut: &[Passage]| {
            known.is_wall(
                &site,
                Stand::new(&site, pose(level)),
                shut,
                (Vector2::x() * (x_m - 3.0).signum(), (x_m - 3.0).abs()),
            )
        };
        for shut in [&[][..], &[Passage::Door(DoorId(1))], &[lift(0)]] {
            assert!(!is_wall(0, 6.0, shut), "{shut:?}");
            assert!(is_wall(0, 0.0, shut), "a wall is always one");
        }
        assert!(is_wall(0, 6.0, &[lift(1), door]));
        assert!(!is_wall(0, 5.9, &[door]), "that stands before the door");
        assert!(is_wall(0, 9.0, &[lift(0)]) && !is_wall(0, 9.0, &[door, lift(1)]));
        assert!(is_wall(1, 9.0, &[lift(1)]) && !is_wall(1, 9.0, &[door, lift(0)]));
    }
}
