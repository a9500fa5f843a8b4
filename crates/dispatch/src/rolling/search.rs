//! One step after the other: some pieces are taken out and put back.
#![expect(clippy::indexing_slicing, reason = "pieces and ways of searching are numbered here")]

use super::{
    problem::{NEVER, Problem},
    routes::{Inserting, Planned, Routes, near},
};
use crate::neighbourhood::{Adaptive, Cooling, Random, Reward, Ruin, index, one_by_one, regret};

/// Pieces taken out at a time: some of a third of all, and some of so many.
const REMOVED_MAX: usize = 12;
/// Steps of a turn for each piece: the first one takes only what is no worse, so that there is something good soon.
const TURN_STEPS_FIRST: u64 = 40;
const TURN_STEPS: u64 = 80;

/// How pieces are put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recreate {
    /// One by one, in any order.
    Any,
    /// One by one, in any order, some spots overlooked.
    Careless,
    /// One by one, whoever is due first, or was asked for first, first.
    Early,
    /// One by one, the one that lasts longest first.
    Long,
    /// The one that would lose most first.
    Regret {
        /// How many choices count.
        choices: usize,
    },
}

const RECREATES: [Recreate; 7] = [
    Recreate::Any,
    Recreate::Careless,
    Recreate::Early,
    Recreate::Long,
    Recreate::Regret { choices: 1 },
    Recreate::Regret { choices: 2 },
    Recreate::Regret { choices: 3 },
];

/// A search that can be stopped after any step.
#[derive(Clone, Debug)]
pub(super) struct Search {
    seed: u64,
    steps: u64,
    /// How far the turn is, and how many there were.
    turn: Cooling,
    turns: u64,
    best: Known,
    routes: Routes,
    pool: Vec<u32>,
    near: Vec<Vec<u32>>,
    ruins: Adaptive<5>,
    recreates: Adaptive<7>,
    removed: Vec<u32>,
}

/// The best so far.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The stops of each robot.
    pub(super) nodes: Vec<Vec<u32>>,
    /// Pieces that are in no route.
    pub(super) pool: Vec<u32>,
    pub(super) cost: i64,
}

impl Search {
    /// Starts from routes as far as they keep the rules, and puts in what they lack: loads that are on board first.
    pub(super) fn new(problem: &Problem, seed: u64, known: Vec<Vec<u32>>) -> Self {
        let mut routes = Routes::new(problem);
        for (slot, nodes) in known.into_iter().enumerate().filter(|(_, nodes)| !nodes.is_empty()) {
            routes.adopt(problem, slot, nodes);
        }
        let missing = (0..index(problem.pieces.len())).filter(|piece| !routes.is_served(*piece));
        let (mut loads, mut rest): (Vec<u32>, Vec<u32>) =
            missing.partition(|piece| problem.pieces[*piece as usize].carrier.is_some());
        let mut random = Random::keyed(0, 0);
        let mut inserting = Inserting { problem, routes: &mut routes, careless: None };
        regret(&mut inserting, &mut loads, 2, 0, &mut random);
        regret(&mut inserting, &mut rest, 2, 0, &mut random);
        let mut pool = loads;
        pool.extend(rest);
        pool.sort_unstable();
        routes.begin();
        let best = Known { nodes: routes.nodes(), pool: pool.clone(), cost: total(problem, &routes, &pool) };
        Self {
            seed,
            steps: 0,
            turn: Cooling { done: 0, length: TURN_STEPS_FIRST * problem.pieces.len() as u64 },
            turns: 0,
            best,
            routes,
            pool,
            near: Vec::new(),
            ruins: Adaptive::new(),
            recreates: Adaptive::new(),
            removed: Vec::new(),
        }
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn best(&self) -> &Known {
        &self.best
    }

    /// One step.
    pub(super) fn step(&mut self, problem: &Problem) {
        let mut random = Random::keyed(self.seed, self.steps);
        self.steps += 1;
        if problem.pieces.is_empty() || problem.robots.is_empty() {
            return;
        }
        if self.near.is_empty() {
            self.near = near(problem);
        }
        if self.turn.length <= self.turn.done {
            self.turns += 1;
            self.turn = Cooling { done: 0, length: TURN_STEPS * problem.pieces.len() as u64 };
            self.routes.load(problem, &self.best.nodes);
            self.pool.clone_from(&self.best.pool);
        }
        self.change(problem, &mut random);
        self.turn.done += 1;
    }

    /// Takes some pieces out and puts them back, and keeps that or not.
    fn change(&mut self, problem: &Problem, random: &mut Random) {
        let (ruin, recreate) = (self.ruins.draw(random), self.recreates.draw(random));
        let pieces = problem.pieces.len();
        let count = (1 + random.early((pieces / 3).clamp(4, REMOVED_MAX), 2)).min(pieces);
        self.routes.begin();
        let layout = Planned { problem, routes: &self.routes, near: &self.near };
        Ruin::ALL[ruin].choose(&layout, count, random, &mut self.removed);
        let old = total(problem, &self.routes, &self.pool);
        self.routes.remove(problem, &mut self.removed);
        let mut pool: Vec<u32> = self.pool.iter().chain(&self.removed).copied().collect();
        put_back(problem, &mut self.routes, RECREATES[recreate], &mut pool, random);
        let new = total(problem, &self.routes, &pool);
        let leeway = if self.turns == 0 { 0 } else { self.turn.leeway(self.heat(), random) };
        let reward = if new <= old || new - leeway < old {
            self.pool = pool;
            if new < self.best.cost {
                self.best = Known { nodes: self.routes.nodes(), pool: self.pool.clone(), cost: new };
                Reward::Best
            } else if new < old {
                Reward::Better
            } else if new == old {
                Reward::Nothing
            } else {
                Reward::Other
            }
        } else {
            self.routes.undo(problem);
            Reward::Nothing
        };
        self.ruins.reward(ruin, reward);
        self.recreates.reward(recreate, reward);
    }

    /// What a worse plan may cost more at the beginning of a turn, in 1024ths: an eighth of what a piece costs.
    fn heat(&self) -> i64 {
        let served = self.near.len() - self.pool.len();
        self.routes.cost / i64::from(index(served)).max(1) * (1024 / 8)
    }
}

/// What routes cost, and pieces that are in none.
fn total(problem: &Problem, routes: &Routes, pool: &[u32]) -> i64 {
    routes.cost + pool.iter().map(|piece| problem.price(*piece)).sum::<i64>()
}

fn put_back(
    problem: &Problem,
    routes: &mut Routes,
    recreate: Recreate,
    pool: &mut Vec<u32>,
    random: &mut Random,
) {
    let node = |piece: u32| &problem.nodes[problem.pieces[piece as usize].first as usize];
    let careless = (recreate == Recreate::Careless).then(|| Random::keyed(random.next(), 0));
    let mut inserting = Inserting { problem, routes, careless };
    match recreate {
        Recreate::Any | Recreate::Careless => random.shuffle(pool),
        Recreate::Early => pool.sort_unstable_by_key(|&piece| {
            let node = node(piece);
            (if node.due == NEVER { node.since.unwrap_or(0) } else { node.due }, piece)
        }),
        Recreate::Long => pool.sort_unstable_by_key(|&piece| {
            let number = problem.pieces[piece as usize].first as usize;
            (std::cmp::Reverse(problem.modes[0].lasts[number]), piece)
        }),
        Recreate::Regret { choices } => {
            return regret(&mut inserting, pool, choices, 0, random);
        }
    }
    one_by_one(&mut inserting, pool, random);
}
