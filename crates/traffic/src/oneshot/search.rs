//! The search through configurations (`LaCAM`, Okumura 2023): depth first, successors made one at a time.
//!
//! A configuration says where all robots are. The first time the search comes by, the generator makes one successor
//! as it likes. Each further time some robots are told where to go: first one, later several, until all
//! combinations have been tried. So the search finds every plan without rotations if it goes on long
//! enough, and says so when there is none.
#![expect(
    clippy::indexing_slicing,
    reason = "rows of one length in one arena; every index is a configuration or a robot of this search"
)]

use crate::scene::mix;

use super::{
    fields::Fields,
    instance::{Instance, NONE, id32},
    pibt::{Guides, Pibt},
    refine::Refiner,
    solution::{Infeasible, Outcome, Solution},
};

/// How many bytes the distance fields of a search take when nobody says otherwise.
pub const FIELD_BYTES: usize = 256 << 20;

/// A search that can be stopped after any step.
///
/// A step makes one configuration out of another. It costs time in proportion to the robots, and takes eight bytes for
/// each of them. The same instance, seed and number of steps give the same plan on every machine.
///
/// ```
/// # use sheepdog_traffic::oneshot::{Cell, Grid, Instance, Outcome, Search, Trip};
/// let grid = Grid::parse("type octile\nheight 2\nwidth 3\nmap\n...\n@.@\n", "bay.map")?;
/// let [left, right] = [0, 2].map(|x| Cell { x, y: 0 });
/// let trips = [Trip { start: left, goal: right }, Trip { start: right, goal: left }];
/// let instance = Instance::on_grid(&grid, &trips)?;
/// let mut search = Search::new(&instance, 1);
/// search.run(1_000);
/// assert!(matches!(search.outcome(), Outcome::Solved(plan) if plan.makespan() >= 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    instance: Instance,
    pibt: Pibt,
    /// How far each robot has to go, undisturbed.
    distances: Vec<u32>,
    nodes: Vec<Node>,
    /// Where everybody is: a row for each configuration.
    places: Vec<u32>,
    /// Who decides first: a row for each configuration.
    orders: Vec<u32>,
    known: Known,
    open: Vec<u32>,
    /// The configuration that the generator has loaded.
    loaded: u32,
    /// With the most robots at their goals.
    best: u32,
    forced: Vec<(u32, u32)>,
    steps: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Searching,
    Solved,
    Infeasible(Infeasible),
}

/// A configuration.
#[derive(Clone, Debug)]
struct Node {
    hash: u64,
    parent: u32,
    /// Steps from the start.
    depth: u32,
    /// How many robots are at their goals.
    arrived: u32,
    /// How often the search came by.
    visits: u32,
    /// What was asked for in each visit, made when the search comes by for the second time.
    demands: Vec<Demand>,
}

/// That a robot goes to a vertex, and all that is demanded by the parent.
#[derive(Clone, Copy, Debug)]
struct Demand {
    parent: u32,
    depth: u32,
    robot: u32,
    vertex: u32,
}

impl Search {
    /// A search with distance fields of at most [`FIELD_BYTES`]. Floods them for all robots.
    pub fn new(instance: &Instance, seed: u64) -> Self {
        Self::with_field_bytes(instance, seed, FIELD_BYTES)
    }

    /// A search with distance fields of at most so many bytes, but at least two. The plan does not depend on how many.
    pub fn with_field_bytes(instance: &Instance, seed: u64, bytes: usize) -> Self {
        let mut fields = Fields::new(instance.raster.clone(), instance.goals.clone(), bytes);
        let mut state = State::Searching;
        let mut distances = Vec::with_capacity(instance.robots());
        for (robot, &start) in instance.starts.iter().enumerate() {
            let distance = fields.prepare(robot, start);
            if distance.is_none() && matches!(state, State::Searching) {
                state = State::Infeasible(Infeasible::NoWay { robot });
            }
            distances.push(distance.unwrap_or(NONE));
        }
        Self::begin(instance, fields, distances, seed, state)
    }

    /// A search in which robots keep to the given ways as far as they are let.
    pub(super) fn guided(
        instance: &Instance,
        fields: Fields,
        distances: Vec<u32>,
        guides: Guides,
        seed: u64,
    ) -> Self {
        let mut search = Self::begin(instance, fields, distances, seed, State::Searching);
        search.pibt.guide(guides);
        search
    }

    fn begin(instance: &Instance, fields: Fields, distances: Vec<u32>, seed: u64, state: State) -> Self {
        let mut order: Vec<u32> = (0..id32(instance.robots())).collect();
        order.sort_by_key(|&robot| (std::cmp::Reverse(distances[robot as usize]), robot));
        let mut search = Self {
            instance: instance.clone(),
            pibt: Pibt::new(instance, fields, seed),
            distances,
            nodes: Vec::new(),
            places: Vec::new(),
            orders: Vec::new(),
            known: Known::default(),
            open: Vec::new(),
            loaded: NONE,
            best: 0,
            forced: Vec::new(),
            steps: 0,
            state,
        };
        let hash = (0..).zip(&*instance.starts).fold(0, |hash, (robot, &at)| hash ^ code(robot, at));
        search.places.extend(&*instance.starts);
        search.orders.extend(order);
        search.add(hash, NONE);
        search
    }

    /// How many steps were made.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Moves and waits that were decided so far: steps times robots.
    pub fn agent_steps(&self) -> u64 {
        self.steps * self.instance.robots() as u64
    }

    /// How long the way of each robot is when nobody is in its way; nothing is shorter.
    pub fn distances(&self) -> &[u32] {
        &self.distances
    }

    /// Goes on for at most so many steps; whether the answer is final.
    pub fn run(&mut self, steps: u64) -> bool {
        let end = self.steps.saturating_add(steps);
        while self.steps < end && matches!(self.state, State::Searching) {
            self.step();
        }
        !matches!(self.state, State::Searching)
    }

    /// What is known by now.
    pub fn outcome(&self) -> Outcome {
        match &self.state {
            State::Searching => Outcome::BudgetSpent { best: self.solution() },
            State::Solved => Outcome::Solved(self.solution()),
            State::Infeasible(reason) => Outcome::Infeasible { reason: reason.clone() },
        }
    }

    /// Goes on from the plan that was found; `None` when there is none.
    pub fn into_refiner(self, seed: u64) -> Option<Refiner> {
        let State::Solved = self.state else { return None };
        let plan = self.solution();
        Some(Refiner::new(&self.instance, self.pibt.fields, self.distances, &plan, seed))
    }

    /// The distance fields, for another search.
    pub(super) fn into_fields(self) -> Fields {
        self.pibt.fields
    }

    /// The way to the best configuration.
    fn solution(&self) -> Solution {
        let mut way = Vec::new();
        let mut at = self.best;
        while let Some(node) = self.nodes.get(at as usize) {
            way.push(at);
            at = node.parent;
        }
        let mut places = Vec::with_capacity(way.len() * self.instance.robots());
        for &node in way.iter().rev() {
            places.extend_from_slice(self.row(&self.places, node));
        }
        Solution::new(&self.instance, places)
    }

    fn row<'b>(&self, of: &'b [u32], node: u32) -> &'b [u32] {
        let robots = self.instance.robots();
        &of[node as usize * robots..][..robots]
    }

    fn step(&mut self) {
        let Some(&node) = self.open.last() else {
            self.state = State::Infeasible(Infeasible::Exhausted { configurations: self.nodes.len() });
            return;
        };
        if !self.demand(node) {
            self.open.pop();
            return;
        }
        self.steps += 1;
        let robots = self.instance.robots();
        let from = &self.places[node as usize * robots..][..robots];
        let order = &self.orders[node as usize * robots..][..robots];
        if self.loaded != node {
            self.pibt.load(from);
            self.loaded = node;
        }
        let instant = self.nodes[node as usize].depth as usize;
        if !self.pibt.step(from, order, &self.forced, self.steps, instant) {
            return;
        }
        let to = self.pibt.to();
        let mut hash = self.nodes[node as usize].hash;
        for ((robot, &from), &to) in (0..).zip(from).zip(to) {
            if from != to {
                hash ^= code(robot, from) ^ code(robot, to);
            }
        }
        let same = |other: u32| &self.places[other as usize * robots..][..robots] == to;
        let found = self.known.find(hash, |other| self.nodes[other as usize].hash == hash && same(other));
        if let Some(found) = found {
            // Come by once more, and ask for something else.
            self.open.push(found);
            return;
        }
        self.places.extend_from_slice(to);
        self.pibt.follow();
        self.loaded = id32(self.nodes.len());
        self.add_order(node);
        self.add(hash, node);
    }

    /// Whoever has not arrived goes first, and keeps its place among its like.
    fn add_order(&mut self, parent: u32) {
        let robots = self.instance.robots();
        let begin = self.orders.len();
        let places = &self.places[begin..];
        let goals = &self.instance.goals[..];
        self.orders.resize(begin + robots, 0);
        let (old, new) = self.orders.split_at_mut(begin);
        let old = &old[parent as usize * robots..][..robots];
        let (mut head, mut tail) = (0, robots);
        for &robot in old {
            if places[robot as usize] == goals[robot as usize] {
                tail -= 1;
                new[tail] = robot;
            } else {
                new[head] = robot;
                head += 1;
            }
        }
        new[tail..].reverse();
    }

    /// Adds the configuration that is the last row.
    fn add(&mut self, hash: u64, parent: u32) {
        let id = id32(self.nodes.len());
        let arrived =
            self.row(&self.places, id).iter().zip(&*self.instance.goals).filter(|(at, goal)| at == goal);
        let arrived = id32(arrived.count());
        let depth = self.nodes.get(parent as usize).map_or(0, |node| node.depth + 1);
        self.nodes.push(Node { hash, parent, depth, arrived, visits: 0, demands: Vec::new() });
        self.known.insert(hash, id, |other| self.nodes[other as usize].hash);
        self.open.push(id);
        if self.nodes[self.best as usize].arrived < arrived {
            self.best = id;
        }
        if arrived as usize == self.instance.robots() && matches!(self.state, State::Searching) {
            self.best = id;
            self.state = State::Solved;
        }
    }

    /// Puts together what the next visit of a configuration asks for; false when everything was tried.
    fn demand(&mut self, id: u32) -> bool {
        self.forced.clear();
        let robots = self.instance.robots();
        let node = &mut self.nodes[id as usize];
        let visit = node.visits;
        node.visits += 1;
        if visit == 0 {
            return true;
        }
        if node.demands.is_empty() {
            node.demands.push(Demand { parent: NONE, depth: 0, robot: NONE, vertex: NONE });
        }
        // What follows from the visit before.
        let before = node.demands[visit as usize - 1];
        if (before.depth as usize) < robots {
            let robot = self.orders[id as usize * robots + before.depth as usize];
            let here = self.places[id as usize * robots + robot as usize];
            let neighbours = self.instance.network.neighbours(here);
            let first = mix(self.steps ^ u64::from(robot) << 32);
            let count = neighbours.len() + 1;
            #[expect(clippy::cast_possible_truncation, reason = "a number below five")]
            let first = (first % count as u64) as usize;
            for option in (first..count).chain(0..first) {
                let vertex = neighbours.get(option).copied().unwrap_or(here);
                node.demands.push(Demand { parent: visit - 1, depth: before.depth + 1, robot, vertex });
            }
        }
        let Some(&demand) = node.demands.get(visit as usize) else {
            // It may be found again, and is still exhausted then.
            node.visits = visit;
            return false;
        };
        let mut demand = demand;
        while demand.depth != 0 {
            self.forced.push((demand.robot, demand.vertex));
            demand = node.demands[demand.parent as usize];
        }
        self.forced.reverse();
        true
    }
}

/// What a robot at a vertex adds to the hash of a configuration.
fn code(robot: u32, vertex: u32) -> u64 {
    mix(u64::from(robot) << 32 | u64::from(vertex))
}

/// Configurations by hash, with open addressing.
#[derive(Clone, Debug, Default)]
struct Known {
    slots: Vec<u32>,
    count: usize,
}

impl Known {
    fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = Self::first(hash, mask);
        while self.slots[at] != NONE {
            if is(self.slots[at]) {
                return Some(self.slots[at]);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn insert(&mut self, hash: u64, id: u32, hash_of: impl Fn(u32) -> u64) {
        if self.slots.len() <= 2 * self.count {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![NONE; (4 * self.count).next_power_of_two().max(64)];
            for id in old.into_iter().filter(|id| *id != NONE) {
                self.put(hash_of(id), id);
            }
        }
        self.put(hash, id);
        self.count += 1;
    }

    fn put(&mut self, hash: u64, id: u32) {
        let mask = self.slots.len() - 1;
        let mut at = Self::first(hash, mask);
        while self.slots[at] != NONE {
            at = (at + 1) & mask;
        }
        self.slots[at] = id;
    }

    #[expect(clippy::cast_possible_truncation, reason = "masked")]
    const fn first(hash: u64, mask: usize) -> usize {
        hash as usize & mask
    }
}
