//! Ground truth about distances: how near bodies have come to each other.

use std::collections::BTreeSet;

use crate::world::{Disc, Owner, closest_approach};

/// Least distances and overlaps since the start.
#[derive(Clone, Debug)]
pub(crate) struct Separation {
    /// Between two robots, metres.
    pub(crate) robots_m: f64,
    /// Between a robot and a person, metres.
    pub(crate) people_m: f64,
    /// How often an overlap has begun.
    pub(crate) overlaps: u64,
    overlapping: BTreeSet<(Owner, Owner)>,
    /// Where everybody was, sorted by owner.
    before: Vec<Disc>,
}

/// A body at the beginning and at the end of a tick.
#[derive(Clone, Copy)]
struct Step {
    before: Disc,
    after: Disc,
    /// Whether it stood here all along.
    stood: bool,
}

impl Separation {
    /// Starts with bodies where they are; they count as having stood there.
    pub(crate) fn new(discs: &[Disc]) -> Self {
        let mut separation = Self {
            robots_m: f64::INFINITY,
            people_m: f64::INFINITY,
            overlaps: 0,
            overlapping: BTreeSet::new(),
            before: Vec::new(),
        };
        separation.advance(discs);
        separation
    }

    /// Takes in where everybody is at the end of a tick, sorted by owner. Pairs of which neither moved cost nothing
    /// but the look.
    pub(crate) fn advance(&mut self, discs: &[Disc]) {
        let steps: Vec<Step> = discs.iter().map(|&after| self.step(after)).collect();
        for (index, &a) in steps.iter().enumerate() {
            let Owner::Robot(_) = a.after.owner else { break };
            for &b in steps.iter().skip(index + 1).filter(|b| b.after.level == a.after.level) {
                if !(a.stood && b.stood) {
                    self.meet(a, b);
                }
            }
        }
        self.overlapping.retain(|pair| {
            let level = |owner| discs.iter().find(|disc| disc.owner == owner).map(|disc| disc.level);
            level(pair.0) == level(pair.1)
        });
        self.before = discs.to_vec();
    }

    fn step(&self, after: Disc) -> Step {
        let known = self.before.binary_search_by_key(&after.owner, |disc| disc.owner);
        let before = known.ok().and_then(|index| self.before.get(index)).copied();
        // Who comes from another level or from nowhere was never between there and here.
        match before.filter(|before| before.level == after.level) {
            Some(before) => Step { before, after, stood: before == after },
            None => Step { before: after, after, stood: false },
        }
    }

    fn meet(&mut self, a: Step, b: Step) {
        let centres_m = closest_approach([a.before.at, a.after.at], [b.before.at, b.after.at]);
        let gap_m = centres_m - a.after.radius_m - b.after.radius_m;
        let least = match b.after.owner {
            Owner::Robot(_) => &mut self.robots_m,
            Owner::Person(_) => &mut self.people_m,
        };
        *least = least.min(gap_m);
        let pair = (a.after.owner, b.after.owner);
        if 0.0 <= gap_m {
            self.overlapping.remove(&pair);
        } else if self.overlapping.insert(pair) {
            self.overlaps += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Point2, Vector2};
    use sheepdog_core::LevelId;

    use super::*;

    fn disc(owner: Owner, level: u32, x: f64) -> Disc {
        Disc { owner, level: LevelId(level), at: Point2::new(x, 0.0), radius_m: 0.5, drift: Vector2::zeros() }
    }

    const A: Owner = Owner::Robot(0);
    const B: Owner = Owner::Robot(1);
    const P: Owner = Owner::Person(0);

    #[test]
    fn nobody_is_near_on_another_level() {
        let separation = Separation::new(&[disc(A, 0, 0.0), disc(B, 1, 0.0)]);
        assert!(separation.robots_m.is_infinite());
        assert_eq!(separation.overlaps, 0);
    }

    #[test]
    fn passing_through_each_other_within_a_tick_is_seen() {
        let mut separation = Separation::new(&[disc(A, 0, 0.0), disc(B, 0, 4.0)]);
        assert!((separation.robots_m - 3.0).abs() < 1e-12);
        separation.advance(&[disc(A, 0, 4.0), disc(B, 0, 0.0)]);
        assert!((separation.robots_m + 1.0).abs() < 1e-12);
        assert_eq!(separation.overlaps, 1);
    }

    #[test]
    fn an_overlap_counts_once_until_it_ends() {
        let mut separation = Separation::new(&[disc(A, 0, 0.0), disc(P, 0, 0.9)]);
        separation.advance(&[disc(A, 0, 0.1), disc(P, 0, 0.9)]);
        assert_eq!(separation.overlaps, 1);
        separation.advance(&[disc(A, 0, -0.5), disc(P, 0, 0.9)]);
        separation.advance(&[disc(A, 0, -0.5), disc(P, 0, 1.9)]);
        separation.advance(&[disc(A, 0, 1.0), disc(P, 0, 1.9)]);
        assert_eq!(separation.overlaps, 2);
        assert!(separation.robots_m.is_infinite());
    }

    #[test]
    fn a_lift_does_not_drag_anybody_through_others() {
        let mut separation = Separation::new(&[disc(A, 0, 0.0), disc(B, 1, 2.0)]);
        separation.advance(&[disc(A, 1, 4.0), disc(B, 1, 2.0)]);
        assert!((separation.robots_m - 1.0).abs() < 1e-12);
    }
}
