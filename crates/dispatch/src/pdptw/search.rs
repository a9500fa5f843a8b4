//! One step after the other: fewer vehicles and shorter ways by turns.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::{
    Cost, PairId, Problem, Solution, StopId,
    fleet::FleetSearch,
    plan::{Plan, Route, index},
    random::Random,
    recreate::{Order, Recreate, construct},
    ruin::{Near, Ruin},
};

/// More than all ways together.
const UNSERVED: i64 = 1 << 46;

/// Steps on vehicles before the first ones on distance, and more each time after.
const FLEET_STEPS: u64 = 1_500;
/// Steps on distance in the first turn; twice as many in each that follows, up to a limit.
const TURN_STEPS: u64 = 4_000;
const TURN_STEPS_MAX: u64 = 64_000;

const RUINS: [Ruin; 5] = [Ruin::Any, Ruin::Alike, Ruin::Worst, Ruin::Route, Ruin::Strings];
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
    ruins: Weights<5>,
    recreates: Weights<8>,
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
            turn: Turn::Fleet { left: FLEET_STEPS },
            turns: 0,
            best,
            plan,
            pool,
            fleet: FleetSearch::new(problem),
            fleet_started: false,
            near: None,
            ruins: Weights::new(),
            recreates: Weights::new(),
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
                self.distance_step(done, length, &mut random);
            }
            Turn::Distance { .. } => {
                self.turns += 1;
                self.turn = Turn::Fleet { left: FLEET_STEPS };
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
            self.turn = Turn::Fleet { left: FLEET_STEPS };
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

    fn begin_distance(&mut self) {
        self.near.get_or_insert_with(|| Near::new(self.problem));
        self.plan.open = match self.best.pool.len() {
            0 => self.best.routes.len(),
            _ => self.plan.routes.len(),
        };
        self.plan.load(self.problem, &self.best.routes);
        self.pool.clone_from(&self.best.pool);
        let length = (TURN_STEPS << self.turns.min(16)).min(TURN_STEPS_MAX);
        self.turn = Turn::Distance { done: 0, length };
    }

    fn distance_step(&mut self, done: u64, length: u64, random: &mut Random) {
        let problem = self.problem;
        let Some(near) = &self.near else { return };
        let (ruin, recreate) = (self.ruins.draw(random), self.recreates.draw(random));
        let served = problem.pairs.len();
        let most = (served / 3).clamp(2, 24);
        let count = (2 + random.early(most, 2)).min(served);
        self.plan.begin();
        RUINS[ruin].choose(problem, &self.plan, near, count, random, &mut self.removed);
        let before = (self.plan.distance, self.pool.len());
        self.plan.remove(problem, &mut self.removed);
        let mut pool: Vec<u32> = self.pool.iter().chain(&self.removed).copied().collect();
        RECREATES[recreate].run(problem, &mut self.plan, &mut pool, random);
        let old = cost(before.1, before.0);
        let new = cost(pool.len(), self.plan.distance);
        let chance = heat(self.best.distance, done, length) * random.surprise() / 1024;
        let reward = if old + chance <= new && old != new {
            self.plan.undo(problem);
            0
        } else {
            self.pool = pool;
            let best = cost(self.best.pool.len(), self.best.distance);
            let fewer = self.pool.len() <= self.best.pool.len() && self.plan.used() < self.best.routes.len();
            if new < best || fewer {
                self.keep(&Known {
                    routes: self.plan.stops(),
                    pool: self.pool.clone(),
                    hopeless: Vec::new(),
                    distance: self.plan.distance,
                });
                if fewer {
                    self.plan.open = self.best.routes.len().max(1);
                    self.fleet_started = false;
                    self.begin_distance();
                }
                REWARD_BEST
            } else if new < old {
                REWARD_BETTER
            } else {
                u32::from(new != old) * REWARD_OTHER
            }
        };
        self.ruins.reward(ruin, reward);
        self.recreates.reward(recreate, reward);
    }
}

const REWARD_BEST: u32 = 33;
const REWARD_BETTER: u32 = 9;
const REWARD_OTHER: u32 = 3;

fn cost(unserved: usize, distance: i64) -> i64 {
    i64::from(index(unserved)) * UNSERVED + distance
}

/// What a worse solution may cost more, roughly: a share of the distance that halves six times.
fn heat(distance: i64, done: u64, length: u64) -> i64 {
    let progress = 6 * 1024 * done / length.max(1);
    let (halvings, rest) = (progress / 1024, i64::try_from(progress % 1024).unwrap_or(0));
    let hot = distance / 300;
    (hot >> halvings) * (2048 - rest) / 2048
}

/// Whether a vehicle could serve the pair and nothing else.
fn servable(problem: &Problem, pair: u32) -> bool {
    let mut route = Route::default();
    0 < problem.vehicles.count && route.alone(problem) && route.has_room(problem, pair)
}

/// How often each way is taken, by what it has brought.
#[derive(Clone, Debug)]
struct Weights<const N: usize> {
    weight: [u32; N],
    reward: [u32; N],
    uses: [u32; N],
    draws: u32,
}

/// Draws between two looks at the rewards.
const SEGMENT: u32 = 200;

impl<const N: usize> Weights<N> {
    fn new() -> Self {
        Self { weight: [1024; N], reward: [0; N], uses: [0; N], draws: 0 }
    }

    fn draw(&mut self, random: &mut Random) -> usize {
        let total: u32 = self.weight.iter().sum();
        let mut left = index(random.below(total as usize));
        for (way, &weight) in self.weight.iter().enumerate() {
            if left < weight {
                return way;
            }
            left -= weight;
        }
        0
    }

    fn reward(&mut self, way: usize, reward: u32) {
        self.reward[way] += reward;
        self.uses[way] += 1;
        self.draws += 1;
        if self.draws < SEGMENT {
            return;
        }
        self.draws = 0;
        for way in 0..N {
            if 0 < self.uses[way] {
                let earned = 1024 * self.reward[way] / self.uses[way];
                self.weight[way] = (self.weight[way] * 7 + earned).div_ceil(8).max(64);
            }
            (self.reward[way], self.uses[way]) = (0, 0);
        }
    }
}
