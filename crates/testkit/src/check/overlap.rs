//! Footprints never overlap: recomputed from positions and radii alone.

use std::collections::BTreeMap;

use sheepdog_core::{AgentId, Micros};

use crate::{Violation, play::Sample};

/// Footprints may touch, and positions of a trace are rounded to a tenth of a millimetre.
const TOUCH_M: f64 = 0.000_2;

/// No two footprints on one level overlap, at any sample or between two, where motion counts as straight and even.
///
/// Samples are in the order of time. Costs samples × robots.
///
/// # Errors
/// The first two robots that overlap.
pub fn no_overlap(samples: &[Sample]) -> Result<(), Violation> {
    let mut found = Ok(());
    closest(samples, &mut |gap_m, a, b| {
        if gap_m < -TOUCH_M && found.is_ok() {
            let message = format!(
                "robots {} and {} overlap by {:.4} m at {}: ({:.3}, {:.3}) and ({:.3}, {:.3})",
                a.agent, b.agent, -gap_m, a.time, a.x_m, a.y_m, b.x_m, b.y_m
            );
            found = Err(Violation::new("no overlap", message));
        }
    });
    found
}

/// Least distance between two footprints on one level, metres; negative when they overlap, `None` when no two robots
/// ever shared a level.
pub fn min_separation_m(samples: &[Sample]) -> Option<f64> {
    let mut least: Option<f64> = None;
    closest(samples, &mut |gap_m, _, _| least = Some(least.map_or(gap_m, |least| least.min(gap_m))));
    least
}

/// Shows the least gap of every pair from each instant to the next.
fn closest(samples: &[Sample], show: &mut impl FnMut(f64, &Sample, &Sample)) {
    let mut before: BTreeMap<AgentId, Sample> = BTreeMap::new();
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let same: fn(&Sample, Micros) -> bool = |sample, time| sample.time == time;
        let count = rest.iter().take_while(|sample| same(sample, first.time)).count();
        let (frame, later) = rest.split_at(count);
        for (index, a) in frame.iter().enumerate() {
            for b in frame.iter().skip(index + 1).filter(|b| b.level == a.level) {
                let now = (b.x_m - a.x_m, b.y_m - a.y_m);
                let then = before.get(&a.agent).zip(before.get(&b.agent));
                let then = then.filter(|(then_a, then_b)| then_a.level == a.level && then_b.level == b.level);
                let then = then.map_or(now, |(a, b)| (b.x_m - a.x_m, b.y_m - a.y_m));
                let gap_m = distance_to_origin(then, now) - a.radius_m - b.radius_m;
                show(gap_m, a, b);
            }
        }
        before = frame.iter().map(|sample| (sample.agent, *sample)).collect();
        rest = later;
    }
}

/// Distance from the origin to the segment between two points.
fn distance_to_origin((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length2 = dx * dx + dy * dy;
    let share = if 0.0 < length2 { (-(ax * dx + ay * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    let (x, y) = (ax + share * dx, ay + share * dy);
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(millis: u64, agent: u32, level: u32, x_m: f64) -> Sample {
        let (time, agent) = (Micros::from_millis(millis), AgentId(agent));
        Sample { time, agent, level, x_m, y_m: 0.0, radius_m: 0.25 }
    }

    #[test]
    fn touching_is_allowed_and_overlapping_is_not() {
        assert_eq!(no_overlap(&[sample(0, 0, 0, 0.0), sample(0, 1, 0, 0.5)]), Ok(()));
        assert!(no_overlap(&[sample(0, 0, 0, 0.0), sample(0, 1, 0, 0.499)]).is_err());
        assert_eq!(no_overlap(&[sample(0, 0, 0, 0.0), sample(0, 1, 1, 0.0)]), Ok(()));
        assert_eq!(min_separation_m(&[sample(0, 0, 0, 0.0), sample(0, 1, 1, 0.0)]), None);
    }

    #[test]
    fn robots_that_pass_through_each_other_between_two_samples_are_found() {
        let swap = [sample(0, 0, 0, 0.0), sample(0, 1, 0, 1.0), sample(50, 0, 0, 1.0), sample(50, 1, 0, 0.0)];
        assert!(no_overlap(&swap).unwrap_err().to_string().contains("a0 and a1"));
        // Not when one of them came by lift.
        let ride = [sample(0, 0, 1, 0.0), sample(0, 1, 0, 1.0), sample(50, 0, 0, 1.0), sample(50, 1, 0, 0.0)];
        assert_eq!(no_overlap(&ride), Ok(()));
    }
}
