//! Where pairs are, for whoever takes them out of their routes.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    plan::{NONE, Plan},
    problem::Problem,
};
use crate::neighbourhood::{Layout, index};

/// What lies near what: for each pair others, the nearest first.
#[derive(Clone, Debug)]
pub(super) struct Near {
    lists: Vec<Vec<u32>>,
}

/// Neighbours that are listed.
const LISTED: usize = 80;

impl Near {
    pub(super) fn new(problem: &Problem) -> Self {
        let count = index(problem.pairs.len());
        let mut ranked: Vec<(i64, u32)> = Vec::new();
        let lists = (0..count).map(|pair| {
            ranked.clear();
            ranked.extend(
                (0..count).filter(|&other| other != pair).map(|other| (gap(problem, pair, other), other)),
            );
            if LISTED < ranked.len() {
                ranked.select_nth_unstable(LISTED);
                ranked.truncate(LISTED);
            }
            ranked.sort_unstable();
            ranked.iter().map(|&(_, other)| other).collect()
        });
        Self { lists: lists.collect() }
    }
}

/// The shortest way from an end of one pair to an end of the other.
fn gap(problem: &Problem, one: u32, other: u32) -> i64 {
    let (one, other) = (problem.pairs[one as usize], problem.pairs[other as usize]);
    let (pickup, delivery) = (problem.leaving(one.pickup.0), problem.leaving(one.delivery.0));
    let (p, d) = (other.pickup.0 as usize, other.delivery.0 as usize);
    let least =
        pickup[p].distance.min(pickup[d].distance).min(delivery[p].distance).min(delivery[d].distance);
    i64::from(least)
}

/// Pairs of a problem in the routes of a plan.
pub(super) struct Pairs<'a> {
    pub(super) problem: &'a Problem,
    pub(super) plan: &'a Plan,
    pub(super) near: &'a Near,
}

impl Layout for Pairs<'_> {
    fn served(&self) -> Vec<u32> {
        let all = 0..index(self.problem.pairs.len());
        all.filter(|&pair| self.plan.route_of[pair as usize] != NONE).collect()
    }

    fn unlike(&self, one: u32, other: u32) -> i64 {
        unlike(self.problem, one, other)
    }

    fn detour(&self, pair: u32) -> i64 {
        detour(self.problem, self.plan, pair)
    }

    fn near(&self, pair: u32) -> &[u32] {
        &self.near.lists[pair as usize]
    }

    fn route_of(&self, pair: u32) -> Option<u32> {
        Some(self.plan.route_of[pair as usize]).filter(|route| *route != NONE)
    }

    fn pieces_in(&self, route: u32) -> Vec<u32> {
        self.plan.pairs_in(self.problem, route as usize).collect()
    }

    fn stops_in(&self, route: u32) -> Vec<u32> {
        let stops = self.plan.routes[route as usize].stops();
        stops.map(|stop| self.problem.pair_of[stop as usize]).collect()
    }

    fn ends(&self, pair: u32) -> [usize; 2] {
        let ends = self.problem.pairs[pair as usize];
        // The depot is in front.
        [ends.pickup.0, ends.delivery.0].map(|stop| self.plan.place(stop) - 1)
    }
}

/// How far apart two pairs are in space and time.
fn unlike(problem: &Problem, one: u32, other: u32) -> i64 {
    if one == other {
        return 0;
    }
    let (one, other) = (problem.pairs[one as usize], problem.pairs[other as usize]);
    let ends = [(one.pickup.0, other.pickup.0), (one.delivery.0, other.delivery.0)];
    ends.map(|(from, to)| {
        let (here, there) = (problem.stops[from as usize], problem.stops[to as usize]);
        // Time that cannot overlap counts fully, windows of other shape a little.
        let apart = (there.ready - here.due).max(here.ready - there.due).max(0);
        let shape = (there.ready - here.ready).abs() + (there.due - here.due).abs();
        problem.leaving(from)[to as usize].duration() + apart + shape / 8
    })
    .iter()
    .sum()
}

/// What a pair adds to the distance of its route.
fn detour(problem: &Problem, plan: &Plan, pair: u32) -> i64 {
    let ends = problem.pairs[pair as usize];
    let at = &plan.routes[plan.route_of[pair as usize] as usize].at;
    let way = |from: usize, to: usize| problem.leaving(at[from].stop)[at[to].stop as usize].distance();
    let (p, d) = (plan.place(ends.pickup.0), plan.place(ends.delivery.0));
    if p + 1 == d {
        return way(p - 1, p) + way(p, d) + way(d, d + 1) - way(p - 1, d + 1);
    }
    let around = |place: usize| way(place - 1, place) + way(place, place + 1) - way(place - 1, place + 1);
    around(p) + around(d)
}
