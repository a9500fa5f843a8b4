//! Putting pairs back into routes.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    plan::{FAR, NONE, Plan, Spot, index},
    problem::Problem,
    random::Random,
};

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

/// Routes overlooked: one in so many.
const BLINK: usize = 24;

impl Recreate {
    /// Puts pairs from the pool into open routes until none fits; opens another route only for who fits into no other.
    pub(super) fn run(self, problem: &Problem, plan: &mut Plan, pool: &mut Vec<u32>, random: &mut Random) {
        match self {
            Self::Ordered(order) => {
                order.sort(problem, pool, random);
                pool.retain(|&pair| match best(problem, plan, pair, random) {
                    Some((slot, spot)) => {
                        plan.insert(problem, slot, pair, spot);
                        false
                    }
                    None => true,
                });
            }
            Self::Regret { choices, noise } => regret(problem, plan, pool, choices, noise, random),
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

/// The cheapest open route for a pair, as far as it is looked at.
fn best(problem: &Problem, plan: &mut Plan, pair: u32, random: &mut Random) -> Option<(usize, Spot)> {
    let mut best: Option<(i64, usize, Spot)> = None;
    let mut opened = false;
    for slot in 0..plan.open {
        let empty = plan.routes[slot].is_empty();
        if (empty && opened) || (!empty && random.below(BLINK) == 0) {
            continue;
        }
        opened |= empty;
        if let Some(spot) = plan.spot(problem, pair, slot) {
            let cost = spot.delta + if empty { OPENING } else { 0 };
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, slot, spot));
            }
        }
    }
    best.map(|(_, slot, spot)| (slot, spot))
}

/// The cheapest routes of a pair, in order.
#[derive(Clone, Copy, Debug)]
struct Choices {
    costs: [i64; 3],
    slots: [u32; 3],
    spot: Option<Spot>,
}

impl Choices {
    const NONE: Self = Self { costs: [FAR; 3], slots: [NONE; 3], spot: None };

    fn offer(&mut self, cost: i64, slot: u32, spot: Spot) {
        let ([first, second, third], [one, two, _]) = (self.costs, self.slots);
        if cost < first {
            *self = Self { costs: [cost, first, second], slots: [slot, one, two], spot: Some(spot) };
        } else if cost < second {
            (self.costs, self.slots) = ([first, cost, second], [one, slot, two]);
        } else if cost < third {
            (self.costs, self.slots) = ([first, second, cost], [one, two, slot]);
        }
    }

    /// The higher, the sooner.
    fn urgency(&self, choices: usize) -> (i64, i64) {
        let [first, second, third] = self.costs;
        let regret = match choices {
            0 | 1 => 0,
            2 => second - first,
            _ => second - first + third - first,
        };
        (regret, -first)
    }
}

/// What makes a cost uncertain: at most so much more or less.
struct Noise<'a> {
    most: usize,
    random: &'a mut Random,
}

impl Noise<'_> {
    fn on(&mut self, cost: i64) -> i64 {
        if self.most == 0 {
            return cost;
        }
        cost + i64::from(index(self.random.below(2 * self.most))) - i64::from(index(self.most))
    }
}

fn regret(
    problem: &Problem,
    plan: &mut Plan,
    pool: &mut Vec<u32>,
    choices: usize,
    noise: i64,
    random: &mut Random,
) {
    let stops = i64::from(index(problem.stops.len())).max(1);
    let most = usize::try_from((plan.distance / stops * noise / 1024).min(1 << 30)).unwrap_or(0);
    let mut noise = Noise { most, random };
    let mut found: Vec<Choices> = pool.iter().map(|&pair| look(problem, plan, pair, &mut noise)).collect();
    loop {
        let ranked = found.iter().enumerate().filter(|(_, found)| found.spot.is_some());
        let ranked = ranked.map(|(place, found)| (found.urgency(choices), place, found));
        let next = ranked.max_by_key(|(urgency, place, _)| (*urgency, std::cmp::Reverse(*place)));
        let Some((_, place, &Choices { slots: [slot, ..], spot: Some(spot), .. })) = next else {
            return;
        };
        let opening = plan.routes[slot as usize].is_empty();
        plan.insert(problem, slot as usize, pool.swap_remove(place), spot);
        found.swap_remove(place);
        for (&pair, known) in pool.iter().zip(&mut found) {
            // Only one route is another one now. Who had not counted on it need not look at all the others.
            if opening || known.slots.contains(&slot) {
                *known = look(problem, plan, pair, &mut noise);
            } else if let Some(spot) = plan.spot(problem, pair, slot as usize) {
                known.offer(noise.on(spot.delta), slot, spot);
            }
        }
    }
}

fn look(problem: &Problem, plan: &mut Plan, pair: u32, noise: &mut Noise<'_>) -> Choices {
    let mut found = Choices::NONE;
    let mut opened = false;
    for slot in 0..plan.open {
        let empty = plan.routes[slot].is_empty();
        if empty && opened {
            continue;
        }
        opened |= empty;
        if let Some(spot) = plan.spot(problem, pair, slot) {
            let cost = spot.delta + if empty { OPENING } else { 0 };
            found.offer(noise.on(cost), index(slot), spot);
        }
    }
    found
}

/// The most pairs that are compared with each other before anything else is done.
const REGRETTED: usize = 256;

/// Routes for all pairs that fit, from nothing; the rest.
pub(super) fn construct(problem: &Problem, plan: &mut Plan, pairs: Vec<u32>) -> Vec<u32> {
    let mut pool = pairs;
    debug_assert!(pool.iter().all(|&pair| plan.route_of[pair as usize] == NONE), "nobody is served yet");
    let mut random = Random::keyed(0, 0);
    if pool.len() <= REGRETTED {
        regret(problem, plan, &mut pool, 2, 0, &mut random);
    } else {
        Recreate::Ordered(Order::Early).run(problem, plan, &mut pool, &mut random);
    }
    pool
}
