//! Ground truth about distances: how near bodies have come to each other.

use std::collections::BTreeSet;

use crate::world::{Disc, Owner, World, closest_approach};

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
}

impl Separation {
    /// Starts with bodies where they are; they count as having stood there.
    pub(crate) fn new(world: &World) -> Self {
        let mut separation = Self {
            robots_m: f64::INFINITY,
            people_m: f64::INFINITY,
            overlaps: 0,
            overlapping: BTreeSet::new(),
            before: Vec::new(),
        };
        separation.advance(world);
        separation
    }

    /// Takes in where everybody is at the end of a tick. Costs what is nearer than the least distance so far.
    pub(crate) fn advance(&mut self, world: &World) {
        let steps: Vec<Step> = world.discs().iter().map(|&after| self.step(after)).collect();
        let stride = |step: &Step| (step.after.at - step.before.at).norm();
        let stride_max_m = steps.iter().map(stride).fold(0.0, f64::max);
        let mut overlapping = BTreeSet::new();
        for &b in &steps {
            let least_m = *self.least(b.after.owner);
            let reach_m = least_m.max(0.0) + b.after.radius_m + stride(&b) + stride_max_m;
            for a in world.near(b.after.level, b.after.at, reach_m, b.after.owner) {
                // Each pair once, and no two people.
                let Some(&a) =
                    steps.get(index(&steps, a.owner)).filter(|_| is_robot(a) && a.owner < b.after.owner)
                else {
                    continue;
                };
                let gap_m = gap(a, b);
                let least = self.least(b.after.owner);
                *least = least.min(gap_m);
                if gap_m < 0.0 {
                    overlapping.insert((a.after.owner, b.after.owner));
                }
            }
        }
        let begun = overlapping.difference(&self.overlapping).map(|_| 1).sum::<u64>();
        self.overlaps += begun;
        self.overlapping = overlapping;
        self.before = world.discs().to_vec();
    }

    /// The least distance so far between robots and such a body.
    const fn least(&mut self, owner: Owner) -> &mut f64 {
        match owner {
            Owner::Robot(_) => &mut self.robots_m,
            Owner::Person(_) => &mut self.people_m,
        }
    }

    fn step(&self, after: Disc) -> Step {
        let known = self.before.binary_search_by_key(&after.owner, |disc| disc.owner);
        let before = known.ok().and_then(|index| self.before.get(index)).copied();
        // Who comes from another level or from nowhere was never between there and here.
        let before = before.filter(|before| before.level == after.level).unwrap_or(after);
        Step { before, after }
    }
}

/// The place of a body among all, which are sorted.
fn index(steps: &[Step], owner: Owner) -> usize {
    steps.partition_point(|step| step.after.owner < owner)
}

const fn is_robot(disc: &Disc) -> bool {
    matches!(disc.owner, Owner::Robot(_))
}

/// The least distance of two bodies during their steps.
fn gap(a: Step, b: Step) -> f64 {
    let centres_m = closest_approach([a.before.at, a.after.at], [b.before.at, b.after.at]);
    centres_m - a.after.radius_m - b.after.radius_m
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nalgebra::{Point2, Vector2};
    use proptest::prelude::*;
    use sheepdog_core::LevelId;

    use super::*;
    use crate::fixture;

    fn world<const N: usize>(discs: [Disc; N]) -> World {
        World::new(fixture::site(), discs.to_vec(), Arc::default())
    }

    fn disc(owner: Owner, level: u32, x: f64) -> Disc {
        Disc { owner, level: LevelId(level), at: Point2::new(x, 0.0), radius_m: 0.5, drift: Vector2::zeros() }
    }

    const A: Owner = Owner::Robot(0);
    const B: Owner = Owner::Robot(1);
    const P: Owner = Owner::Person(0);

    #[test]
    fn nobody_is_near_on_another_level() {
        let separation = Separation::new(&world([disc(A, 0, 0.0), disc(B, 1, 0.0)]));
        assert!(separation.robots_m.is_infinite());
        assert_eq!(separation.overlaps, 0);
    }

    #[test]
    fn passing_through_each_other_within_a_tick_is_seen() {
        let mut separation = Separation::new(&world([disc(A, 0, 0.0), disc(B, 0, 4.0)]));
        assert!((separation.robots_m - 3.0).abs() < 1e-12);
        separation.advance(&world([disc(A, 0, 4.0), disc(B, 0, 0.0)]));
        assert!((separation.robots_m + 1.0).abs() < 1e-12);
        assert_eq!(separation.overlaps, 1);
    }

    #[test]
    fn an_overlap_counts_once_until_it_ends() {
        let mut separation = Separation::new(&world([disc(A, 0, 0.0), disc(P, 0, 0.9)]));
        separation.advance(&world([disc(A, 0, 0.1), disc(P, 0, 0.9)]));
        assert_eq!(separation.overlaps, 1);
        separation.advance(&world([disc(A, 0, -0.5), disc(P, 0, 0.9)]));
        separation.advance(&world([disc(A, 0, -0.5), disc(P, 0, 1.9)]));
        separation.advance(&world([disc(A, 0, 1.0), disc(P, 0, 1.9)]));
        assert_eq!(separation.overlaps, 2);
        assert!(separation.robots_m.is_infinite());
    }

    #[test]
    fn a_lift_does_not_drag_anybody_through_others() {
        let mut separation = Separation::new(&world([disc(A, 0, 0.0), disc(B, 1, 2.0)]));
        separation.advance(&world([disc(A, 1, 4.0), disc(B, 1, 2.0)]));
        assert!((separation.robots_m - 1.0).abs() < 1e-12);
    }

    proptest! {
        /// Looking at neighbours only finds what looking at all pairs finds.
        #[test]
        fn nobody_is_overlooked(
            ticks in prop::collection::vec(prop::array::uniform6((0..2_u32, -9.0..9.0_f64, -9.0..9.0_f64)), 1..5),
        ) {
            let mut separation: Option<Separation> = None;
            let (mut robots_m, mut people_m) = (f64::INFINITY, f64::INFINITY);
            let mut before: Option<Vec<Disc>> = None;
            for places in ticks {
                let owner = |n| if n < 4 { Owner::Robot(n) } else { Owner::Person(n) };
                let disc = |(n, (level, x, y)): (usize, (u32, f64, f64))| {
                    let radius_m = 0.2 + 0.1 * f64::from(u32::try_from(n).unwrap());
                    Disc { at: Point2::new(x, y), radius_m, ..disc(owner(n), level, 0.0) }
                };
                let discs: Vec<Disc> = places.into_iter().enumerate().map(disc).collect();
                for (n, a) in discs.iter().enumerate().take(4) {
                    for (m, b) in discs.iter().enumerate().skip(n + 1).filter(|(_, b)| b.level == a.level) {
                        let from = |index: usize, now: &Disc| {
                            let disc = before.as_ref().map_or(*now, |before| before[index]);
                            Step { before: if disc.level == now.level { disc } else { *now }, after: *now }
                        };
                        let least = if m < 4 { &mut robots_m } else { &mut people_m };
                        *least = least.min(gap(from(n, a), from(m, b)));
                    }
                }
                let world = World::new(fixture::site(), discs.clone(), Arc::default());
                match &mut separation {
                    Some(separation) => separation.advance(&world),
                    None => separation = Some(Separation::new(&world)),
                }
                before = Some(discs);
            }
            let separation = separation.unwrap();
            prop_assert_eq!((separation.robots_m, separation.people_m), (robots_m, people_m));
        }
    }
}
