//! Beams against the path: how far a circular footprint can travel along a commanded arc.
//!
//! A beam that met something becomes a disc at that point. Its radius is half the spacing to the neighbouring beam at
//! that range, at most [`BEAM_DISC_MAX_M`]: a surface that bridges two returns is closed between them. What is
//! thinner than the spacing and stands between two beams is not seen; a sensor's confidence has to say so.
//! The travel of the footprint against these discs is exact, on straight lines and on arcs.
//!
//! All functions take time linear in the beams (sorting them once, in [`obstacles`]) and never panic; what is not
//! finite counts as touching.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

use sheepdog_core::Confidence;

use crate::Beam;

/// Number of angular sectors: sector `i` is 45° wide around `i·45°`, so sector 0 is ahead.
pub const SECTORS: usize = 8;

/// Largest radius of the disc that a beam's return becomes, metres.
pub const BEAM_DISC_MAX_M: f64 = 0.03;

/// Below this yaw rate an arc counts as straight, radians per second.
const STRAIGHT_RPS: f64 = 1e-6;

/// Something in the way, in `base_link`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Obstacle {
    /// Ahead, metres.
    pub x_m: f64,
    /// To the left, metres.
    pub y_m: f64,
    /// Its radius, metres.
    pub radius_m: f64,
}

/// A planar motion in SI units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    /// Metres per second, forward positive.
    pub linear_mps: f64,
    /// Radians per second, counter-clockwise positive.
    pub angular_rps: f64,
}

/// What the beams have met. A blind beam (its range is no number, negative or infinite) counts as touching.
pub fn obstacles(beams: &[Beam], range_max_m: f64) -> Vec<Obstacle> {
    let mut sorted: Vec<(f64, f64)> =
        beams.iter().map(|beam| (wrapped(beam.angle_rad), beam.range_m)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let angle_at = |index: usize| sorted.get(index % sorted.len().max(1)).map_or(0.0, |beam| beam.0);
    let mut met = Vec::with_capacity(sorted.len());
    for (index, &(angle_rad, range_m)) in sorted.iter().enumerate() {
        if range_max_m <= range_m && range_m.is_finite() {
            continue;
        }
        let range_m = if range_m.is_finite() && 0.0 <= range_m { range_m } else { 0.0 };
        let gap = |other: usize| wrapped(angle_at(other) - angle_rad).abs();
        let spacing_rad = gap(index + 1).max(gap(index + sorted.len() - 1));
        met.push(Obstacle {
            // Never quite the centre, so that a blind beam still has a direction.
            x_m: range_m.max(1e-3) * libm::cos(angle_rad),
            y_m: range_m.max(1e-3) * libm::sin(angle_rad),
            radius_m: (range_m * spacing_rad / 2.0).min(BEAM_DISC_MAX_M),
        });
    }
    met
}

/// Free travel of a disc of `radius_m` along a motion against one obstacle, metres of path; infinite when they never
/// meet. What touches already blocks motion towards it and not motion away from it.
pub fn travel_to(motion: Motion, radius_m: f64, obstacle: Obstacle) -> f64 {
    let reach = radius_m + obstacle.radius_m;
    let (motion, x, y) = forwards(motion, obstacle);
    if !(x.is_finite() && y.is_finite() && reach.is_finite()) {
        return 0.0;
    }
    if motion.angular_rps.abs() < STRAIGHT_RPS {
        let ahead = x - libm::sqrt((reach * reach - y * y).max(0.0));
        return if reach <= y.abs() || x <= 0.0 { f64::INFINITY } else { ahead.max(0.0) };
    }
    // The centre moves on a circle around (0, turn); seen from there, the obstacle lies at the angle `ahead` further
    // along, and contact is at the angle `contact` before it.
    let turn = motion.linear_mps / motion.angular_rps;
    let turn_abs = turn.abs();
    let distance = libm::hypot(x, y - turn);
    if turn_abs <= 0.0 || distance <= 0.0 {
        return if turn_abs <= reach { 0.0 } else { f64::INFINITY };
    }
    let cosine = (turn * turn + distance * distance - reach * reach) / (2.0 * turn_abs * distance);
    if 1.0 <= cosine {
        return f64::INFINITY;
    }
    let contact = libm::acos(cosine.max(-1.0));
    let ahead = angle_ahead(x, y, turn);
    if contact <= ahead { turn_abs * (ahead - contact) } else { 0.0 }
}

/// Free travel among all obstacles, at most `sight_m` less the radius: nobody knows what is beyond.
pub fn free_travel(motion: Motion, radius_m: f64, obstacles: &[Obstacle], sight_m: f64) -> f64 {
    let sight = (sight_m - radius_m).max(0.0);
    obstacles.iter().map(|obstacle| travel_to(motion, radius_m, *obstacle)).fold(sight, f64::min)
}

/// Clearance between the swept path of the next `reach_m` metres and what stands beside it, metres; infinite when
/// nothing does. What is in the way is no matter of clearance and left out.
pub fn side_clearance(motion: Motion, radius_m: f64, obstacles: &[Obstacle], reach_m: f64) -> f64 {
    let clearance = |obstacle: &Obstacle| {
        let (motion, x, y) = forwards(motion, *obstacle);
        let wide = radius_m + obstacle.radius_m;
        let (along, beside) = if motion.angular_rps.abs() < STRAIGHT_RPS {
            (x, y.abs())
        } else {
            let turn = motion.linear_mps / motion.angular_rps;
            (turn.abs() * angle_ahead(x, y, turn), (libm::hypot(x, y - turn) - turn.abs()).abs())
        };
        let is_beside = wide <= beside && 0.0 <= along && along <= reach_m + radius_m;
        is_beside.then_some(beside - wide)
    };
    obstacles.iter().filter_map(clearance).fold(f64::INFINITY, f64::min)
}

/// The sectors into which the footprint moves within `horizon_s` seconds, bit `i` for sector `i`.
///
/// A disc that moves enters the half plane ahead of it; as it turns, so does the half plane. Without linear motion
/// these are all sectors.
pub fn swept_sectors(motion: Motion, horizon_s: f64) -> u32 {
    let all = (1 << SECTORS) - 1;
    let turned = (motion.angular_rps * horizon_s).clamp(-PI, PI);
    if motion.linear_mps.abs() <= 0.0 || !motion.linear_mps.is_finite() || !turned.is_finite() {
        return all;
    }
    let heading = if motion.linear_mps < 0.0 { PI } else { 0.0 };
    let (right, left) = (turned.min(0.0) - FRAC_PI_2, turned.max(0.0) + FRAC_PI_2);
    let middle = heading + f64::midpoint(right, left);
    let half_width = (left - right) / 2.0 + FRAC_PI_4 / 2.0;
    (0_u32..)
        .zip([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
        .filter(|(_, sector)| wrapped(sector * FRAC_PI_4 - middle).abs() < half_width)
        .fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// Confidence per sector: the lowest of its beams; `None` for a sector without one. A blind beam counts as none.
pub fn sector_confidence(beams: &[Beam]) -> [Option<Confidence>; SECTORS] {
    let mut sectors = [None; SECTORS];
    for beam in beams {
        let is_blind = !beam.range_m.is_finite() || beam.range_m < 0.0;
        let confidence = if is_blind { Confidence::NONE } else { beam.confidence };
        // A beam without direction says nothing about any of them.
        let hit: &mut [Option<Confidence>] = match sector_of(beam.angle_rad) {
            Some(sector) => sectors.get_mut(sector..=sector).unwrap_or_default(),
            None => continue,
        };
        for sector in hit {
            *sector = Some(sector.map_or(confidence, |lowest: Confidence| lowest.min(confidence)));
        }
    }
    sectors
}

fn sector_of(angle_rad: f64) -> Option<usize> {
    let eighths = libm::round(wrapped(angle_rad) / FRAC_PI_4);
    // -180° and 180° are one direction.
    [0.0, 1.0, 2.0, 3.0, 4.0, -3.0, -2.0, -1.0]
        .iter()
        .position(|sector: &f64| (sector - eighths).abs() < 0.5)
        .or_else(|| ((eighths + 4.0).abs() < 0.5).then_some(4))
}

/// The same problem with the motion going forwards.
fn forwards(motion: Motion, obstacle: Obstacle) -> (Motion, f64, f64) {
    if motion.linear_mps < 0.0 {
        let mirrored = Motion { linear_mps: -motion.linear_mps, angular_rps: -motion.angular_rps };
        (mirrored, -obstacle.x_m, obstacle.y_m)
    } else {
        (motion, obstacle.x_m, obstacle.y_m)
    }
}

/// Angle along the circle around (0, turn) from the robot to a point, in `0..2π` in the direction of travel.
fn angle_ahead(x: f64, y: f64, turn: f64) -> f64 {
    // For a left turn the robot is below the centre and moves counter-clockwise; a right turn is its mirror image.
    let (along, across) = if turn < 0.0 { (x, y - turn) } else { (x, turn - y) };
    let angle = libm::atan2(along, across);
    if angle < 0.0 { angle + TAU } else { angle }
}

/// The same direction in `-π..=π`.
pub(crate) fn wrapped(angle_rad: f64) -> f64 {
    if angle_rad.abs() <= PI { angle_rad } else { angle_rad - TAU * libm::round(angle_rad / TAU) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RADIUS_M: f64 = 0.3;

    fn motion(linear_mps: f64, angular_rps: f64) -> Motion {
        Motion { linear_mps, angular_rps }
    }

    fn point(x_m: f64, y_m: f64) -> Obstacle {
        Obstacle { x_m, y_m, radius_m: 0.0 }
    }

    fn beam(angle_rad: f64, range_m: f64) -> Beam {
        Beam { angle_rad, range_m, confidence: Confidence::FULL }
    }

    /// Centre of the footprint after `travel` metres.
    fn centre(motion: Motion, travel: f64) -> (f64, f64) {
        let sign = motion.linear_mps.signum();
        let curvature = motion.angular_rps / motion.linear_mps.abs();
        let turned = curvature * travel;
        if turned.abs() < 1e-9 {
            return (sign * travel, 0.0);
        }
        let turn = sign / curvature;
        (turn * libm::sin(turned), turn * (1.0 - libm::cos(turned)))
    }

    /// The plain reference: goes along in small steps until the footprint touches.
    fn travel_by_steps(motion: Motion, obstacle: Obstacle, limit: f64) -> f64 {
        let reach = RADIUS_M + obstacle.radius_m;
        let gap = |travel| {
            let (x, y) = centre(motion, travel);
            libm::hypot(obstacle.x_m - x, obstacle.y_m - y) - reach
        };
        let mut travel = 0.0;
        while travel < limit {
            let gap = gap(travel);
            if gap <= 1e-6 {
                return travel;
            }
            // The gap shrinks by at most what is travelled, so this never jumps over a contact.
            travel += gap.max(1e-6);
        }
        f64::INFINITY
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        /// Closed form and small steps agree, on straight lines and arcs, forwards and backwards.
        #[test]
        fn the_travel_is_exact(
            linear in prop_oneof![0.05_f64..1.5, -1.5_f64..-0.05],
            angular in prop_oneof![2 => Just(0.0), 6 => -1.5_f64..1.5],
            x in -3.0_f64..3.0, y in -3.0_f64..3.0, radius_m in 0.0_f64..0.1,
        ) {
            let obstacle = Obstacle { x_m: x, y_m: y, radius_m };
            prop_assume!(libm::hypot(x, y) > RADIUS_M + radius_m + 1e-3);
            let motion = motion(linear, angular);
            let turn: f64 = if angular == 0.0 { f64::INFINITY } else { linear / angular };
            let limit = (TAU * turn.abs() - 1e-3).min(6.0);
            let (exact, stepped) = (travel_to(motion, RADIUS_M, obstacle), travel_by_steps(motion, obstacle, limit));
            // Where the two only graze each other, rounding decides.
            let graze = (libm::hypot(x, y - turn) - turn.abs()).abs() - RADIUS_M - radius_m;
            if exact < limit - 0.01 && graze.abs() > 1e-4 {
                prop_assert!((exact - stepped).abs() < 1e-2, "{exact} and {stepped}");
            } else if stepped < limit - 0.01 && graze.abs() > 1e-4 {
                prop_assert!((exact - stepped).abs() < 1e-2, "{exact} and {stepped}");
            }
        }

        /// Mirrored worlds have mirrored answers.
        #[test]
        fn left_and_right_are_alike(
            linear in -1.5_f64..1.5, angular in -1.5_f64..1.5, x in -3.0_f64..3.0, y in -3.0_f64..3.0,
        ) {
            let (one, other) = (motion(linear, angular), motion(linear, -angular));
            let (a, b) = (travel_to(one, RADIUS_M, point(x, y)), travel_to(other, RADIUS_M, point(x, -y)));
            prop_assert!(a.to_bits() == b.to_bits() || (a - b).abs() < 1e-9, "{a} {b}");
        }

        /// What the footprint will run into lies in a swept sector: gating those sectors is enough.
        #[test]
        fn what_is_hit_is_in_a_swept_sector(
            linear in prop_oneof![0.1_f64..1.5, -1.5_f64..-0.1],
            angular in prop_oneof![1 => Just(0.0), 6 => -1.5_f64..1.5],
            share in 0.0_f64..1.0, side_rad in -FRAC_PI_2..FRAC_PI_2,
        ) {
            // A point on the front of the footprint somewhere along the way.
            let motion = motion(linear, angular);
            let travel = linear.abs() * share;
            let (x, y) = centre(motion, travel);
            let heading = angular * share + if linear < 0.0 { PI } else { 0.0 };
            let (x, y) =
                (x + RADIUS_M * libm::cos(heading + side_rad), y + RADIUS_M * libm::sin(heading + side_rad));
            prop_assert!(travel_to(motion, RADIUS_M, point(x, y)) <= travel + 1e-6);
            if libm::hypot(x, y) > RADIUS_M + 1e-3 {
                let sector = sector_of(libm::atan2(y, x)).unwrap();
                prop_assert!(swept_sectors(motion, 1.0) >> sector & 1 == 1, "sector {sector}, {travel} m");
            }
        }

        /// Nothing panics, and nothing that is not a number is a free way.
        #[test]
        fn nonsense_is_survived(
            range in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), any::<f64>()],
            angle in prop_oneof![Just(f64::NAN), -7.0_f64..7.0, any::<f64>()],
            linear in any::<f64>(), angular in any::<f64>(),
        ) {
            let beams = [beam(angle, range), beam(0.1, 2.0)];
            let met = obstacles(&beams, 8.0);
            let motion = motion(linear, angular);
            let free = free_travel(motion, RADIUS_M, &met, 8.0);
            prop_assert!((0.0..=8.0).contains(&free));
            side_clearance(motion, RADIUS_M, &met, 1.0);
            swept_sectors(motion, 1.0);
            sector_confidence(&beams);
        }
    }

    #[test]
    fn touching_blocks_the_way_to_and_not_the_way_from() {
        let ahead = point(RADIUS_M, 0.0);
        assert!(travel_to(motion(0.5, 0.0), RADIUS_M, ahead) <= 0.0);
        assert!(travel_to(motion(-0.5, 0.0), RADIUS_M, ahead).is_infinite());
        assert!(travel_to(motion(0.5, 0.5), RADIUS_M, ahead) <= 0.0);
        assert!(travel_to(motion(-0.5, 0.5), RADIUS_M, ahead) > 1.0);
    }

    #[test]
    fn a_beam_at_its_range_met_nothing_and_a_blind_one_touches() {
        let beams = [beam(0.0, 8.0), beam(1.0, 9.0)];
        assert!(obstacles(&beams, 8.0).is_empty());
        for blind in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
            let beams = [beam(0.0, blind), beam(1.0, 8.0)];
            let free = free_travel(motion(0.5, 0.0), RADIUS_M, &obstacles(&beams, 8.0), 8.0);
            assert!(free <= 0.0, "{blind}");
            assert_eq!(sector_confidence(&beams)[0], Some(Confidence::NONE), "{blind}");
        }
    }

    #[test]
    fn nobody_knows_what_is_beyond_sight() {
        assert!((free_travel(motion(0.5, 0.0), RADIUS_M, &[], 8.0) - 7.7).abs() < 1e-9);
        assert!(free_travel(motion(0.5, 0.0), RADIUS_M, &[], 0.1) <= 0.0);
    }

    #[test]
    fn walls_beside_the_path_are_clearance_and_not_obstacles() {
        // A doorway of 0.9 m, seen by beams of one degree.
        let jambs: Vec<Beam> = (0..360)
            .map(|degree| {
                let angle = f64::from(degree).to_radians();
                let across = 0.45 / libm::sin(angle).abs().max(1e-9);
                beam(angle, across.min(8.0))
            })
            .collect();
        let met = obstacles(&jambs, 8.0);
        let ahead = motion(0.3, 0.0);
        assert!((free_travel(ahead, RADIUS_M, &met, 8.0) - 7.7).abs() < 1e-9);
        let clearance = side_clearance(ahead, RADIUS_M, &met, 0.5);
        assert!((0.13..=0.15).contains(&clearance), "{clearance}");
        assert!(side_clearance(ahead, RADIUS_M, &obstacles(&jambs, 0.1), 0.5).is_infinite());
    }

    #[test]
    fn beams_grow_with_their_spacing_up_to_a_limit() {
        let radius = |range: f64, beams: u32| {
            let step = TAU / f64::from(beams);
            let ring: Vec<Beam> = (0..beams).map(|index| beam(f64::from(index) * step, range)).collect();
            obstacles(&ring, 8.0)[0].radius_m
        };
        assert!((radius(2.0, 360) - 2.0 * TAU / 720.0).abs() < 1e-9);
        assert!(radius(1.0, 360) < radius(1.5, 360));
        assert!((radius(5.0, 24) - BEAM_DISC_MAX_M).abs() < 1e-12);
    }

    #[test]
    fn sectors_are_centred_and_take_their_lowest_beam() {
        let low = |degrees: f64, ppm| Beam {
            angle_rad: degrees.to_radians(),
            range_m: 1.0,
            confidence: Confidence::from_ppm(ppm).unwrap(),
        };
        let beams = [
            low(0.0, 990_000),
            low(22.0, 950_000),
            low(-22.0, 970_000),
            low(180.0, 1),
            low(-179.0, 2),
            low(450.0, 3),
        ];
        let sectors = sector_confidence(&beams).map(|sector| sector.map(Confidence::ppm));
        assert_eq!(sectors, [Some(950_000), None, Some(3), None, Some(1), None, None, None]);
    }

    #[test]
    fn forwards_sweeps_the_front_half_and_turning_sweeps_more() {
        assert_eq!(swept_sectors(motion(0.5, 0.0), 1.0), 0b1100_0111);
        assert_eq!(swept_sectors(motion(-0.5, 0.0), 1.0), 0b0111_1100);
        assert_eq!(swept_sectors(motion(0.5, 0.8), 1.0), 0b1100_1111);
        assert_eq!(swept_sectors(motion(0.0, 0.5), 1.0), 0xff);
        assert_eq!(swept_sectors(motion(f64::NAN, 0.5), 1.0), 0xff);
    }
}
