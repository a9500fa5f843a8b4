//! Taking pairs out of routes.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    plan::{NONE, Plan, index},
    problem::Problem,
    random::Random,
};

/// Which pairs are taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruin {
    /// Any.
    Any,
    /// Such as could take each other's place: near each other at the same time (Shaw 1997).
    Alike,
    /// Such as make the longest way round.
    Worst,
    /// A whole route, and its neighbours.
    Route,
    /// Strings of neighbouring routes (Christiaens and Vanden Berghe 2020).
    Strings,
}

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

impl Ruin {
    /// About so many served pairs, to be taken out.
    pub(super) fn choose(
        self,
        problem: &Problem,
        plan: &Plan,
        near: &Near,
        count: usize,
        random: &mut Random,
        chosen: &mut Vec<u32>,
    ) {
        chosen.clear();
        let served: Vec<u32> =
            (0..index(problem.pairs.len())).filter(|&pair| plan.route_of[pair as usize] != NONE).collect();
        if served.is_empty() {
            return;
        }
        let seed = served[random.below(served.len())];
        match self {
            Self::Any => {
                let mut served = served;
                random.shuffle(&mut served);
                chosen.extend(served.iter().take(count));
            }
            Self::Alike => {
                let mut ranked: Vec<(i64, u32)> =
                    served.iter().map(|&other| (unlike(problem, seed, other), other)).collect();
                take(&mut ranked, count, 3, random, chosen);
            }
            Self::Worst => {
                let mut ranked: Vec<(i64, u32)> =
                    served.iter().map(|&pair| (-detour(problem, plan, pair), pair)).collect();
                take(&mut ranked, count, 3, random, chosen);
            }
            Self::Route => routes(problem, plan, near, seed, count, chosen),
            Self::Strings => strings(problem, plan, near, seed, count, random, chosen),
        }
    }
}

/// So many of those that rank first, the first ones likelier.
fn take(ranked: &mut Vec<(i64, u32)>, count: usize, draws: u32, random: &mut Random, chosen: &mut Vec<u32>) {
    let room = (4 * count).min(ranked.len());
    if 0 < room && room < ranked.len() {
        ranked.select_nth_unstable(room - 1);
        ranked.truncate(room);
    }
    ranked.sort_unstable();
    while chosen.len() < count && !ranked.is_empty() {
        chosen.push(ranked.remove(random.early(ranked.len(), draws)).1);
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

/// The route of the seed, and those of its neighbours while there is room.
fn routes(problem: &Problem, plan: &Plan, near: &Near, seed: u32, count: usize, chosen: &mut Vec<u32>) {
    let mut done: Vec<u32> = Vec::new();
    for &pair in std::iter::once(&seed).chain(&near.lists[seed as usize]) {
        let slot = plan.route_of[pair as usize];
        if slot == NONE || done.contains(&slot) {
            continue;
        }
        let route: Vec<u32> = plan.pairs_in(problem, slot as usize).collect();
        if !done.is_empty() && count < chosen.len() + route.len() {
            break;
        }
        done.push(slot);
        chosen.extend(route);
    }
}

/// From each route near the seed a run of stops, and the pairs that they belong to.
fn strings(
    problem: &Problem,
    plan: &Plan,
    near: &Near,
    seed: u32,
    count: usize,
    random: &mut Random,
    chosen: &mut Vec<u32>,
) {
    let longest = 2 + random.below(9);
    let mut done: Vec<u32> = Vec::new();
    for &pair in std::iter::once(&seed).chain(&near.lists[seed as usize]) {
        let slot = plan.route_of[pair as usize];
        if slot == NONE || done.contains(&slot) {
            continue;
        }
        done.push(slot);
        let stops = plan.routes[slot as usize].at.len() - 2;
        let length = (1 + random.below(longest)).min(stops);
        let ends = problem.pairs[pair as usize];
        let through = plan.place(if random.below(2) == 0 { ends.pickup.0 } else { ends.delivery.0 });
        // Any run of that length that has the stop in it.
        let (low, high) = ((through + 1).saturating_sub(length).max(1), through.min(stops + 1 - length));
        let start = low + random.below(high + 1 - low);
        for at in &plan.routes[slot as usize].at[start..start + length] {
            let pair = problem.pair_of[at.stop as usize];
            if !chosen.contains(&pair) {
                chosen.push(pair);
            }
        }
        if count <= chosen.len() {
            break;
        }
    }
}
