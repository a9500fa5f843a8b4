//! Fewer vehicles: the pairs of one route are pushed into the others, which push out what is easier to place.
//!
//! Guided ejection search after Nagata and Kobayashi (2010): each time that a pair fits nowhere it becomes dearer, and
//! who is pushed out for it is who was cheapest so far. Between pushes pairs move at random, as far as windows and loads
//! let them.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    plan::{NONE, Plan, Route, Spot, Tail},
    problem::Problem,
};
use crate::neighbourhood::{Random, index};

/// Random moves after each push.
const MOVES: usize = 60;

/// A search for routes on fewer vehicles.
#[derive(Clone, Debug)]
pub(super) struct FleetSearch {
    pub(super) plan: Plan,
    /// Who is still without a route; the last one is next.
    pub(super) pool: Vec<u32>,
    /// How often each pair fitted nowhere, and one.
    penalty: Vec<u32>,
    scratch: Route,
    tails: Vec<Tail>,
}

/// Who leaves a route so that another pair fits, and where that one goes then.
struct Push {
    slot: usize,
    leaving: Vec<u32>,
    penalty: u32,
}

impl FleetSearch {
    pub(super) fn new(problem: &Problem) -> Self {
        Self {
            plan: Plan::new(problem),
            pool: Vec::new(),
            penalty: vec![1; problem.pairs.len()],
            scratch: Route::default(),
            tails: Vec::new(),
        }
    }

    /// Starts from routes, with one vehicle less, or with pairs that have no vehicle yet.
    pub(super) fn start(
        &mut self,
        problem: &Problem,
        routes: &[Vec<u32>],
        pool: &[u32],
        random: &mut Random,
    ) {
        let mut routes = routes.to_vec();
        self.pool = pool.to_vec();
        self.penalty.fill(1);
        if pool.is_empty() && !routes.is_empty() {
            let first = random.below(routes.len());
            let second = random.below(routes.len());
            let out = if routes[first].len() <= routes[second].len() { first } else { second };
            for stop in routes.swap_remove(out) {
                let pair = problem.pair_of[stop as usize];
                if problem.pairs[pair as usize].pickup.0 == stop {
                    self.pool.push(pair);
                }
            }
            self.plan.open = routes.len();
        } else {
            self.plan.open = self.plan.routes.len();
        }
        random.shuffle(&mut self.pool);
        self.plan.load(problem, &routes);
    }

    /// Places one pair; true when all have a place.
    pub(super) fn step(&mut self, problem: &Problem, random: &mut Random) -> bool {
        let Some(pair) = self.pool.pop() else { return true };
        self.plan.begin();
        if !self.place(problem, pair, random) {
            self.penalty[pair as usize] = self.penalty[pair as usize].saturating_add(1);
            match self.cheapest_push(problem, pair, random) {
                Some(push) => self.push(problem, pair, push, random),
                // Next time somebody else comes first.
                None => self.pool.insert(0, pair),
            }
            self.stir(problem, random);
        }
        self.pool.is_empty()
    }

    /// Puts a pair into any route that has room.
    fn place(&mut self, problem: &Problem, pair: u32, random: &mut Random) -> bool {
        let mut found = 0;
        let mut chosen = None;
        for slot in 0..self.plan.open {
            if self.plan.spot(problem, pair, slot).is_some() {
                found += 1;
                if random.below(found) == 0 {
                    chosen = Some(slot);
                }
            }
        }
        let Some(slot) = chosen else { return false };
        let Some(spot) = self.plan.any_spot(problem, pair, slot, random) else { return false };
        self.plan.insert(problem, slot, pair, spot);
        true
    }

    /// The one or two pairs with the least penalties that make room for another.
    fn cheapest_push(&mut self, problem: &Problem, pair: u32, random: &mut Random) -> Option<Push> {
        let mut best: Option<Push> = None;
        let mut slots: Vec<usize> = (0..self.plan.open).collect();
        random.shuffle(&mut slots);
        for two in [false, true] {
            for &slot in &slots {
                let mut inside: Vec<u32> = self.plan.pairs_in(problem, slot).collect();
                random.shuffle(&mut inside);
                for (place, &one) in inside.iter().enumerate() {
                    let others = if two { &inside[place + 1..] } else { &inside[place..=place] };
                    for &other in others {
                        let pushed = if two { &[one, other][..] } else { &[one][..] };
                        let penalty = pushed.iter().map(|&pair| self.penalty[pair as usize]).sum();
                        if best.as_ref().is_none_or(|best| penalty < best.penalty)
                            && self.fits_without(problem, pair, slot, pushed)
                        {
                            best = Some(Push { slot, leaving: pushed.to_vec(), penalty });
                        }
                    }
                }
            }
        }
        best
    }

    fn fits_without(&mut self, problem: &Problem, pair: u32, slot: usize, pushed: &[u32]) -> bool {
        self.scratch.without(problem, &self.plan.routes[slot], pushed)
            && self.scratch.has_room(problem, pair, &mut self.tails)
    }

    fn push(&mut self, problem: &Problem, pair: u32, push: Push, random: &mut Random) {
        let Push { slot, mut leaving, .. } = push;
        self.plan.remove(problem, &mut leaving);
        if let Some(spot) = self.plan.any_spot(problem, pair, slot, random) {
            self.plan.insert(problem, slot, pair, spot);
        } else {
            debug_assert!(false, "there was room");
            leaving.push(pair);
        }
        random.shuffle(&mut leaving);
        self.pool.extend(leaving);
    }

    /// Moves pairs about.
    fn stir(&mut self, problem: &Problem, random: &mut Random) {
        if self.plan.open == 0 {
            return;
        }
        let pairs = problem.pairs.len();
        for _ in 0..MOVES {
            let one = index(random.below(pairs));
            let home = self.plan.route_of[one as usize];
            if home == NONE {
                continue;
            }
            let other = index(random.below(pairs));
            let there = self.plan.route_of[other as usize];
            self.plan.begin();
            let kept = if random.below(2) == 0 || there == NONE || there == home {
                let there = random.below(self.plan.open);
                self.take(problem, &[one]) && self.put(problem, one, there, random)
            } else {
                self.take(problem, &[one, other])
                    && self.put(problem, one, there as usize, random)
                    && self.put(problem, other, home as usize, random)
            };
            if !kept {
                self.plan.undo(problem);
            }
        }
    }

    /// Takes out these and nobody else.
    fn take(&mut self, problem: &Problem, pairs: &[u32]) -> bool {
        let mut out = pairs.to_vec();
        self.plan.remove(problem, &mut out);
        out.len() == pairs.len()
    }

    fn put(&mut self, problem: &Problem, pair: u32, slot: usize, random: &mut Random) -> bool {
        let spot: Option<Spot> = self.plan.any_spot(problem, pair, slot, random);
        spot.is_some_and(|spot| {
            self.plan.insert(problem, slot, pair, spot);
            true
        })
    }
}
