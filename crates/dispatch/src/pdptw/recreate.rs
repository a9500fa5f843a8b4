//! Putting pairs back into routes.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    plan::{NONE, Plan, Spot},
    problem::Problem,
};
use crate::neighbourhood::{Insertion, Random, index, one_by_one, regret};

/// Opening a route costs more than any way round, and less than not being served.
const OPENING: i64 = 1 << 44;

/// How pairs are put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recreate {
    /// One after the other in some order, each where it is cheapest, a route in so many overlooked by chance
    /// (Christiaens and Vanden Berghe 2020).
    Ordered(Order),
    /// First the one that would lose most if it had to take its second, or third, best route (Ropke and Pisinger
    /// 2006); with one choice the cheapest first. Noise, in 1024ths of the mean leg, makes costs uncertain.
    Regret {
        /// How many choices count.
        choices: usize,
        /// How uncertain costs are.
        noise: i64,
    },
}

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Any order.
    Any,
    /// The tightest window first.
    Tight,
    /// Who has to be picked up first.
    Early,
    /// The farthest from the depot first.
    Far,
    /// The farthest between its ends first.
    Long,
}

impl Recreate {
    /// Puts pairs from the pool into open routes until none fits; opens another route only for who fits into no other.
    pub(super) fn run(self, problem: &Problem, plan: &mut Plan, pool: &mut Vec<u32>, random: &mut Random) {
        match self {
            Self::Ordered(order) => {
                order.sort(problem, pool, random);
                one_by_one(&mut Inserting { problem, plan }, pool, random);
            }
            Self::Regret { choices, noise: share } => {
                let noise = noise(problem, plan, share);
                regret(&mut Inserting { problem, plan }, pool, choices, noise, random);
            }
        }
    }
}

impl Order {
    fn sort(self, problem: &Problem, pool: &mut [u32], random: &mut Random) {
        random.shuffle(pool);
        match self {
            Self::Any => {}
            Self::Tight => pool.sort_by_key(|&pair| {
                let ends = problem.pairs[pair as usize];
                let width = |stop: u32| problem.stops[stop as usize].due - problem.stops[stop as usize].ready;
                width(ends.pickup.0) + width(ends.delivery.0)
            }),
            Self::Early => {
                pool.sort_by_key(|&pair| problem.stops[problem.pairs[pair as usize].pickup.0 as usize].due);
            }
            Self::Far => pool.sort_by_key(|&pair| {
                let ends = problem.pairs[pair as usize];
                let far = |stop: u32| problem.leaving(0)[stop as usize].distance();
                -far(ends.pickup.0).max(far(ends.delivery.0))
            }),
            Self::Long => pool.sort_by_key(|&pair| {
                let ends = problem.pairs[pair as usize];
                -problem.leaving(ends.pickup.0)[ends.delivery.0 as usize].distance()
            }),
        }
    }
}

/// A plan into whose open routes pairs are put.
struct Inserting<'a> {
    problem: &'a Problem,
    plan: &'a mut Plan,
}

impl Insertion for Inserting<'_> {
    type Spot = Spot;

    fn slots(&self) -> usize {
        self.plan.open
    }

    fn is_spare(&self, slot: usize) -> bool {
        self.plan.routes[slot].is_empty()
    }

    fn spot(&mut self, pair: u32, slot: usize) -> Option<(i64, Spot)> {
        let spot = self.plan.spot(self.problem, pair, slot)?;
        Some((spot.delta + if self.plan.routes[slot].is_empty() { OPENING } else { 0 }, spot))
    }

    fn insert(&mut self, pair: u32, slot: usize, spot: Spot) {
        self.plan.insert(self.problem, slot, pair, spot);
    }
}

/// So many 1024ths of the mean leg.
fn noise(problem: &Problem, plan: &Plan, share: i64) -> usize {
    let stops = i64::from(index(problem.stops.len())).max(1);
    usize::try_from((plan.distance / stops * share / 1024).min(1 << 30)).unwrap_or(0)
}

/// The most pairs that are compared with each other before anything else is done.
const REGRETTED: usize = 256;

/// Routes for all pairs that fit, from nothing; the rest.
pub(super) fn construct(problem: &Problem, plan: &mut Plan, pairs: Vec<u32>) -> Vec<u32> {
    let mut pool = pairs;
    debug_assert!(pool.iter().all(|&pair| plan.route_of[pair as usize] == NONE), "nobody is served yet");
    let mut random = Random::keyed(0, 0);
    if pool.len() <= REGRETTED {
        regret(&mut Inserting { problem, plan }, &mut pool, 2, 0, &mut random);
    } else {
        Recreate::Ordered(Order::Early).run(problem, plan, &mut pool, &mut random);
    }
    pool
}
