//! One step after the other: fewer vehicles and shorter ways by turns.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    Cost, PairId, Problem, Solution, StopId,
    fleet::FleetSearch,
    plan::{Plan, Route},
    recreate::{Order, Recreate, construct},
    ruin::{Near, Pairs},
};
use crate::neighbourhood::{Adaptive, Cooling, Random, Reward, Ruin, index};

/// More than all ways together.
const UNSERVED: i64 = 1 << 46;

/// Steps on vehicles for each pair, before the first turn on distance and before each later one.
const FLEET_STEPS_FIRST: u64 = 10;
const FLEET_STEPS: u64 = 6;
/// Steps on distance for each pair: a short turn first, so that there is something good soon; the others double every other
/// turn, up to a limit.
const TURN_STEPS_FIRST: u64 = 30;
const TURN_STEPS: u64 = 120;
const TURN_STEPS_MAX: u64 = 640;
/// What a worse solution may cost more at first, in mean legs: the hotter, the farther from the known.
const HEAT_FIRST: i64 = 1;
const HEAT: i64 = 6;
/// What a pair left out costs at the start and at the end of a turn in which some may be, in mean legs.
const PRICE: (i64, i64) = (12, 96);
/// Pairs taken out at a time: some of a third of all, and some of so many.
const REMOVED_MAX: usize = 24;

const RECREATES: [Recreate; 8] = [
    Recreate::Ordered(Order::Any),
    Recreate::Ordered(Order::Tight),
    Recreate::Ordered(Order::Far),
    Recreate::Ordered(Order::Long),
    Recreate::Regret { choices: 1, noise: 0 },
    Recreate::Regret { choices: 2, noise: 0 },
    Recreate::Regret { choices: 3, noise: 0 },
    Recreate::Regret { choices: 2, noise: 512 },
];

/// What is being looked for.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A vehicle less, or a vehicle for who has none.
    Fleet {
        /// Steps that are left.
        left: u64,
    },
    /// Shorter ways.
    Distance {
        /// Steps done.
        done: u64,
        /// Steps in all.
        length: u64,
    },
}

/// A search that can be stopped after any step.
///
/// What it has found depends on the problem, the seed and the number of steps, and on nothing else; it never gets worse
/// with more of them. Memory is in proportion to pairs times routes.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    problem: &'a Problem,
    seed: u64,
    steps: u64,
    turn: Turn,
    turns: u32,
    best: Known,
    plan: Plan,
    pool: Vec<u32>,
    fleet: FleetSearch,
    /// Whether the search on vehicles has something to go on with.
    fleet_started: bool,
    near: Option<Near>,
    ruins: Adaptive<5>,
    recreates: Adaptive<8>,
    removed: Vec<u32>,
}

/// The best so far.
#[derive(Clone, Debug)]
struct Known {
    routes: Vec<Vec<u32>>,
    /// Pairs that a vehicle could serve, but none does.
    pool: Vec<u32>,
    /// Pairs that no vehicle could serve even alone.
    hopeless: Vec<u32>,
    distance: i64,
}

impl<'a> Search<'a> {
    /// Puts all pairs into routes, as far as there are vehicles: the solution of zero steps.
    pub fn new(problem: &'a Problem, seed: u64) -> Self {
        let mut plan = Plan::new(problem);
        let (pairs, hopeless) = (0..index(problem.pairs.len())).partition(|&pair| servable(problem, pair));
        let pool = construct(problem, &mut plan, pairs);
        plan.begin();
        let best = Known { routes: plan.stops(), pool: pool.clone(), hopeless, distance: plan.distance };
        Self {
            problem,
            seed,
            steps: 0,
            turn: Turn::Fleet { left: FLEET_STEPS_FIRST * u64::from(index(problem.pairs.len())) },
            turns: 0,
            best,
            plan,
            pool,
            fleet: FleetSearch::new(problem),
            fleet_started: false,
            near: None,
            ruins: Adaptive::new(),
            recreates: Adaptive::new(),
            removed: Vec::new(),
        }
    }

    /// One step: one pair is placed, or some are taken out and put back.
    pub fn step(&mut self) {
        let mut random = Random::keyed(self.seed, self.steps);
        self.steps += 1;
        match self.turn {
            Turn::Fleet { left } => {
                self.turn = Turn::Fleet { left: left.saturating_sub(1) };
                let done = left == 0 || self.fleet_is_least();
                if done {
                    self.begin_distance();
                } else {
                    self.fleet_step(&mut random);
                }
            }
            Turn::Distance { done, length } if done < length => {
                self.turn = Turn::Distance { done: done + 1, length };
                self.distance_step(Cooling { done, length }, &mut random);
            }
            Turn::Distance { .. } => {
                self.turns += 1;
                self.turn = Turn::Fleet { left: self.per_pair(FLEET_STEPS) };
            }
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What the best solution so far costs.
    pub fn cost(&self) -> Cost {
        Cost {
            unserved: self.best.pool.len() + self.best.hopeless.len(),
            vehicles: self.best.routes.len(),
            distance: self.best.distance,
        }
    }

    /// The best solution so far.
    pub fn best(&self) -> Solution {
        let routes = self.best.routes.iter().map(|route| route.iter().map(|&stop| StopId(stop)).collect());
        let mut unserved: Vec<PairId> =
            self.best.pool.iter().chain(&self.best.hopeless).map(|&pair| PairId(pair)).collect();
        unserved.sort_unstable();
        Solution { routes: routes.collect(), unserved, distance: self.best.distance }
    }

    fn fleet_is_least(&self) -> bool {
        self.best.pool.is_empty() && self.best.routes.len() <= 1
    }

    fn fleet_step(&mut self, random: &mut Random) {
        if !self.fleet_started {
            self.fleet.start(self.problem, &self.best.routes, &self.best.pool, random);
            self.fleet_started = true;
        }
        if self.fleet.step(self.problem, random) {
            self.fleet_started = false;
            self.keep(&Known {
                routes: self.fleet.plan.stops(),
                pool: Vec::new(),
                hopeless: Vec::new(),
                distance: self.fleet.plan.distance,
            });
            self.turn = Turn::Fleet { left: self.per_pair(FLEET_STEPS) };
            // The ways are whatever they are now: first a short turn again.
            self.turns = 0;
        }
    }

    fn keep(&mut self, found: &Known) {
        let rank = |known: &Known| (known.pool.len(), known.routes.len(), known.distance);
        if rank(found) < rank(&self.best) {
            self.best.routes.clone_from(&found.routes);
            self.best.pool.clone_from(&found.pool);
            self.best.distance = found.distance;
        }
    }

    fn per_pair(&self, steps: u64) -> u64 {
        steps * u64::from(index(self.problem.pairs.len()))
    }

    fn begin_distance(&mut self) {
        self.near.get_or_insert_with(|| Near::new(self.problem));
        self.plan.open = match self.best.pool.len() {
            0 => self.best.routes.len(),
            _ => self.plan.routes.len(),
        };
        self.plan.load(self.problem, &self.best.routes);
        self.pool.clone_from(&self.best.pool);
        let length = match self.turns {
            0 => TURN_STEPS_FIRST,
            turns => (TURN_STEPS << ((turns - 1) / 2).min(8)).min(TURN_STEPS_MAX),
        };
        self.turn = Turn::Distance { done: 0, length: self.per_pair(length) };
    }

    /// Takes some pairs out and puts them back, and keeps that or not.
    fn distance_step(&mut self, cooling: Cooling, random: &mut Random) {
        let problem = self.problem;
        let Some(near) = &self.near else { return };
        let (ruin, recreate) = (self.ruins.draw(random), self.recreates.draw(random));
        let pairs = problem.pairs.len();
        let count = (2 + random.early((pairs / 3).clamp(2, REMOVED_MAX), 2)).min(pairs);
        self.plan.begin();
        let layout = Pairs { problem, plan: &self.plan, near };
        Ruin::ALL[ruin].choose(&layout, count, random, &mut self.removed);
        let before = (self.pool.len(), self.plan.distance);
        self.plan.remove(problem, &mut self.removed);
        let mut pool: Vec<u32> = self.pool.iter().chain(&self.removed).copied().collect();
        RECREATES[recreate].run(problem, &mut self.plan, &mut pool, random);
        // In every other turn pairs may be left out for a while: where windows leave little room, there is no other
        // way from one good solution to the next.
        let price = if self.turns % 2 == 1 { price(cooling, self.mean_leg()) } else { UNSERVED };
        let cost = |(unserved, distance): (usize, i64)| i64::from(index(unserved)) * price + distance;
        let (old, new) = (cost(before), cost((pool.len(), self.plan.distance)));
        let heat = if self.turns == 0 { HEAT_FIRST } else { HEAT };
        let reward = if new == old || new < old + cooling.leeway(heat * self.mean_leg(), random) {
            self.pool = pool;
            if self.keep_plan() {
                Reward::Best
            } else if new < old {
                Reward::Better
            } else if new == old {
                Reward::Nothing
            } else {
                Reward::Other
            }
        } else {
            self.plan.undo(problem);
            Reward::Nothing
        };
        self.ruins.reward(ruin, reward);
        self.recreates.reward(recreate, reward);
    }

    /// Keeps the plan if it is better than the best so far.
    fn keep_plan(&mut self) -> bool {
        let served = self.pool.len() <= self.best.pool.len();
        if !served {
            return false;
        }
        let fewer = self.plan.used() < self.best.routes.len();
        if !fewer && self.pool.len() == self.best.pool.len() && self.best.distance <= self.plan.distance {
            return false;
        }
        let (routes, pool) = (self.plan.stops(), self.pool.clone());
        self.keep(&Known { routes, pool, hopeless: Vec::new(), distance: self.plan.distance });
        if fewer && self.best.pool.is_empty() {
            (self.fleet_started, self.turns) = (false, 0);
            self.begin_distance();
        }
        true
    }

    /// In 1024ths.
    fn mean_leg(&self) -> i64 {
        (1024 * self.best.distance / i64::from(index(self.problem.stops.len())).max(1)).max(1024)
    }
}

/// What a pair left out costs.
fn price(cooling: Cooling, mean_leg: i64) -> i64 {
    let (first, last) = PRICE;
    mean_leg / 1024 * (first + (last - first) * cooling.share(1) / 1024)
}

/// Whether a vehicle could serve the pair and nothing else.
fn servable(problem: &Problem, pair: u32) -> bool {
    let mut route = Route::default();
    0 < problem.vehicles.count && route.alone(problem) && route.has_room(problem, pair, &mut Vec::new())
}
