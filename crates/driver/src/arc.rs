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
    if motion.linear_mps.abs() <= 0.0 || !turned.is_finite() {
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
