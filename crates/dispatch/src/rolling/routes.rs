//! Routes that can be changed and changed back: where a piece fits, and what it costs there.
#![expect(clippy::indexing_slicing, reason = "pieces, nodes and robots are numbered by their problem")]

use super::{
    drive::State,
    facts::ROUTE_MAX,
    problem::{Handling, Problem},
};
use crate::neighbourhood::{Insertion, Layout, Random, index};

/// No route.
const NONE: u32 = u32::MAX;

/// The stops of a robot.
#[derive(Clone, Debug)]
struct Route {
    nodes: Vec<u32>,
    /// Before the first stop, and after each.
    states: Vec<State>,
    /// Another one for each content.
    version: u64,
}

impl Route {
    fn cost(&self) -> i64 {
        self.states.last().map_or(0, |state| state.cost)
    }
}

/// Where a piece fits into a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    delta: i64,
    /// Stops before its first, and stops of others before its second.
    first: u16,
    second: u16,
}

/// What is remembered of a piece and a route.
#[derive(Clone, Copy, Debug, Default)]
struct Memo {
    version: u64,
    spot: Option<Spot>,
}

/// The routes of all robots, some of which have been changed since [`Routes::begin`].
#[derive(Clone, Debug)]
pub(super) struct Routes {
    /// By robot.
    of: Vec<Route>,
    route_of: Vec<u32>,
    pub(super) cost: i64,
    versions: u64,
    /// By robot, then by piece; empty for robots that nobody has asked about.
    memo: Vec<Vec<[Memo; 2]>>,
    /// Versions that will come back if the changes are undone.
    settled: Vec<u64>,
    changed: Vec<(usize, Route)>,
}

impl Routes {
    /// Nobody goes anywhere.
    pub(super) fn new(problem: &Problem) -> Self {
        let robots = problem.robots.len();
        let empty = |number: usize| Route {
            nodes: Vec::new(),
            states: vec![problem.robots[number].start()],
            version: 1 + number as u64,
        };
        Self {
            of: (0..robots).map(empty).collect(),
            route_of: vec![NONE; problem.pieces.len()],
            cost: 0,
            versions: robots as u64,
            memo: vec![Vec::new(); robots],
            settled: vec![0; robots],
            changed: Vec::new(),
        }
    }

    /// The stops of each robot.
    pub(super) fn nodes(&self) -> Vec<Vec<u32>> {
        self.of.iter().map(|route| route.nodes.clone()).collect()
    }

    /// Takes over the stops of each robot, which keep the rules.
    pub(super) fn load(&mut self, problem: &Problem, nodes: &[Vec<u32>]) {
        self.route_of.fill(NONE);
        self.changed.clear();
        for (slot, nodes) in nodes.iter().enumerate() {
            if self.of[slot].nodes != *nodes {
                self.cost -= self.of[slot].cost();
                self.of[slot].nodes.clone_from(nodes);
                let kept = self.refresh(problem, slot, 0);
                debug_assert!(kept, "routes that are taken over keep the rules");
                self.cost += self.of[slot].cost();
            }
            for node in nodes {
                self.route_of[problem.nodes[*node as usize].piece as usize] = index(slot);
            }
        }
        self.begin();
    }

    /// Gives a robot stops that may break a rule: the pieces that do are left out.
    pub(super) fn adopt(&mut self, problem: &Problem, slot: usize, mut nodes: Vec<u32>) {
        nodes.truncate(ROUTE_MAX);
        loop {
            let whole = |piece: u32| {
                let known = &problem.pieces[piece as usize];
                let ends = known.first..=known.first + u32::from(known.is_pair);
                known.may[slot]
                    && !self.is_served(piece)
                    && nodes
                        .iter()
                        .filter(|node| problem.nodes[**node as usize].piece == piece)
                        .copied()
                        .eq(ends)
            };
            let broken = nodes.iter().map(|node| problem.nodes[*node as usize].piece);
            let broken = broken.clone().find(|piece| !whole(*piece));
            self.of[slot].nodes.clone_from(&nodes);
            let failed = match broken {
                Some(piece) => Some(piece),
                None if self.refresh(problem, slot, 0) => None,
                None => {
                    let reached = self.of[slot].states.len() - 1;
                    Some(problem.nodes[nodes[reached] as usize].piece)
                }
            };
            match failed {
                Some(piece) => nodes.retain(|node| problem.nodes[*node as usize].piece != piece),
                None => break,
            }
        }
        for node in &nodes {
            self.route_of[problem.nodes[*node as usize].piece as usize] = index(slot);
        }
        self.cost += self.of[slot].cost();
    }

    pub(super) fn is_served(&self, piece: u32) -> bool {
        self.route_of[piece as usize] != NONE
    }

    /// Keeps all changes so far.
    pub(super) fn begin(&mut self) {
        self.changed.clear();
        for (settled, route) in self.settled.iter_mut().zip(&self.of) {
            *settled = route.version;
        }
    }

    /// Undoes all changes since [`Routes::begin`].
    pub(super) fn undo(&mut self, problem: &Problem) {
        let piece = |node: &u32| problem.nodes[*node as usize].piece as usize;
        for (slot, _) in &self.changed {
            for node in &self.of[*slot].nodes {
                self.route_of[piece(node)] = NONE;
            }
        }
        while let Some((slot, route)) = self.changed.pop() {
            self.cost += route.cost() - self.of[slot].cost();
            for node in &route.nodes {
                self.route_of[piece(node)] = index(slot);
            }
            self.of[slot] = route;
        }
    }

    /// Takes pieces out. Where the rest of a route breaks a rule then, which ways round that are quicker can do, it comes out as
    /// well and is added to the list.
    pub(super) fn remove(&mut self, problem: &Problem, pieces: &mut Vec<u32>) {
        let mut slots: Vec<usize> =
            pieces.iter().map(|piece| self.route_of[*piece as usize] as usize).collect();
        slots.sort_unstable();
        slots.dedup();
        for piece in &*pieces {
            self.route_of[*piece as usize] = NONE;
        }
        for slot in slots {
            self.touch(slot);
            self.cost -= self.of[slot].cost();
            let (route_of, routes) = (&mut self.route_of, &mut self.of);
            let piece = |node: &u32| problem.nodes[*node as usize].piece;
            routes[slot].nodes.retain(|node| route_of[piece(node) as usize] == index(slot));
            if !self.refresh(problem, slot, 0) {
                for node in std::mem::take(&mut self.of[slot].nodes) {
                    let piece = problem.nodes[node as usize].piece;
                    if self.route_of[piece as usize] != NONE {
                        self.route_of[piece as usize] = NONE;
                        pieces.push(piece);
                    }
                }
                self.refresh(problem, slot, 0);
            }
            self.cost += self.of[slot].cost();
        }
    }

    fn touch(&mut self, slot: usize) {
        if self.changed.iter().all(|(changed, _)| *changed != slot) {
            self.changed.push((slot, self.of[slot].clone()));
        }
    }

    fn put(&mut self, problem: &Problem, piece: u32, slot: usize, spot: Spot) {
        self.touch(slot);
        let known = &problem.pieces[piece as usize];
        let route = &mut self.of[slot];
        let (first, second) = (usize::from(spot.first), usize::from(spot.second));
        if known.is_pair {
            route.nodes.insert(second, known.first + 1);
        }
        route.nodes.insert(first, known.first);
        let before = route.cost();
        let kept = self.refresh(problem, slot, first);
        debug_assert!(kept, "a spot is only found where the piece fits");
        debug_assert_eq!(self.of[slot].cost() - before, spot.delta, "a spot knows its cost");
        self.cost += self.of[slot].cost() - before;
        self.route_of[piece as usize] = index(slot);
    }

    /// Drives a route again, from one of its stops on; false where it breaks a rule, and then the states end before that.
    fn refresh(&mut self, problem: &Problem, slot: usize, from: usize) -> bool {
        self.versions += 1;
        let robot = &problem.robots[slot];
        let Route { nodes, states, version } = &mut self.of[slot];
        *version = self.versions;
        states.truncate(from + 1);
        for node in &nodes[from..] {
            let Some(leg) = states.last().and_then(|state| problem.leg(robot, *state, *node)) else {
                return false;
            };
            states.push(leg.after);
        }
        true
    }

    /// The cheapest spot of a piece in a route, remembered until the route changes.
    fn find(&mut self, problem: &Problem, piece: u32, slot: usize) -> Option<Spot> {
        if !problem.pieces[piece as usize].may[slot] {
            return None;
        }
        let version = self.of[slot].version;
        let memo = &mut self.memo[slot];
        if memo.is_empty() {
            memo.resize(problem.pieces.len(), Default::default());
        }
        let [first, second] = memo[piece as usize];
        if first.version == version {
            return first.spot;
        }
        if second.version == version {
            return second.spot;
        }
        let spot = cheapest(problem, slot, &self.of[slot], piece, || false);
        // What belongs to the state before the changes is worth more: it will be asked again.
        let way = usize::from(first.version == self.settled[slot]);
        self.memo[slot][piece as usize][way] = Memo { version, spot };
        spot
    }
}

/// The cheapest spot of those that are not overlooked.
fn cheapest(
    problem: &Problem,
    slot: usize,
    route: &Route,
    piece: u32,
    mut overlooked: impl FnMut() -> bool,
) -> Option<Spot> {
    let known = &problem.pieces[piece as usize];
    let length = route.nodes.len();
    if ROUTE_MAX < length + 1 + usize::from(known.is_pair) {
        return None;
    }
    let robot = &problem.robots[slot];
    let drive = |state: State, node: u32| problem.leg(robot, state, node).map(|leg| leg.after);
    let mut best: Option<(i64, usize, usize)> = None;
    // All stops from some place on, as long as they do not cost more than what is known.
    let rest = |mut state: State, from: usize, best: Option<(i64, usize, usize)>| {
        for node in &route.nodes[from..] {
            if best.is_some_and(|best| best.0 <= state.cost) {
                return None;
            }
            state = drive(state, *node)?;
        }
        (best.is_none_or(|best| state.cost < best.0)).then_some(state.cost)
    };
    for first in 0..=length {
        let Some(mut state) = drive(route.states[first], known.first) else { continue };
        if !known.is_pair {
            if let Some(cost) = rest(state, first, best).filter(|_| !overlooked()) {
                best = Some((cost, first, first));
            }
            continue;
        }
        for second in first..=length {
            let there = drive(state, known.first + 1);
            if let Some(cost) = there.and_then(|state| rest(state, second, best)).filter(|_| !overlooked()) {
                best = Some((cost, first, second));
            }
            let Some(next) = route.nodes.get(second).and_then(|node| drive(state, *node)) else { break };
            if best.is_some_and(|best| best.0 <= next.cost) {
                break;
            }
            state = next;
        }
    }
    let (cost, first, second) = best?;
    let place = |place: usize| u16::try_from(place).ok();
    Some(Spot { delta: cost - route.cost(), first: place(first)?, second: place(second)? })
}

/// One spot in so many is overlooked by who is careless.
const OVERLOOKED: usize = 3;

/// Routes into which pieces of a problem are put.
pub(super) struct Inserting<'a> {
    pub(super) problem: &'a Problem,
    pub(super) routes: &'a mut Routes,
    /// Overlooks some spots by chance (blinks of Christiaens and Vanden Berghe 2020), so that stops of a route also come into an
    /// order that does not arise from putting each where it is cheapest.
    pub(super) careless: Option<Random>,
}

impl Insertion for Inserting<'_> {
    type Spot = Spot;

    fn slots(&self) -> usize {
        self.routes.of.len()
    }

    fn is_spare(&self, _: usize) -> bool {
        false
    }

    fn spot(&mut self, piece: u32, slot: usize) -> Option<(i64, Spot)> {
        let spot = match &mut self.careless {
            None => self.routes.find(self.problem, piece, slot),
            Some(random) => {
                let overlooked = || random.below(OVERLOOKED) == 0;
                let may = self.problem.pieces[piece as usize].may[slot];
                may.then(|| cheapest(self.problem, slot, &self.routes.of[slot], piece, overlooked)).flatten()
            }
        };
        spot.map(|spot| (spot.delta, spot))
    }

    fn insert(&mut self, piece: u32, slot: usize, spot: Spot) {
        self.routes.put(self.problem, piece, slot, spot);
    }
}

/// Which pieces lie near each: of so many the nearest come first.
const NEAR: usize = 24;

/// For each piece others, the nearest first.
pub(super) fn near(problem: &Problem) -> Vec<Vec<u32>> {
    let pieces = index(problem.pieces.len());
    let list = |piece: u32| {
        let others = (0..pieces).filter(|other| *other != piece);
        let mut ranked: Vec<(i64, u32)> = others.map(|other| (gap(problem, piece, other), other)).collect();
        if NEAR < ranked.len() {
            ranked.select_nth_unstable(NEAR);
            ranked.truncate(NEAR);
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, other)| other).collect()
    };
    (0..pieces).map(list).collect()
}

/// The shorter way from the end of one piece to the beginning of the other.
fn gap(problem: &Problem, one: u32, other: u32) -> i64 {
    let first = |piece: u32| &problem.nodes[problem.pieces[piece as usize].first as usize];
    let last = |piece: u32| {
        let known = &problem.pieces[piece as usize];
        &problem.nodes[(known.first + u32::from(known.is_pair)) as usize]
    };
    let ways =
        [(one, other), (other, one)].map(|(from, to)| problem.way(0, last(from).row, first(to).column));
    i64::from(ways[0].min(ways[1]))
}

/// Pieces of a problem in routes.
pub(super) struct Planned<'a> {
    pub(super) problem: &'a Problem,
    pub(super) routes: &'a Routes,
    pub(super) near: &'a [Vec<u32>],
}

impl Planned<'_> {
    fn route(&self, piece: u32) -> Option<&Route> {
        self.routes.of.get(self.routes.route_of[piece as usize] as usize)
    }

    /// When the first stop of a piece ends.
    fn time(&self, piece: u32) -> i64 {
        let [first, _] = self.ends(piece);
        self.route(piece).and_then(|route| route.states.get(first + 1)).map_or(0, |state| state.time)
    }
}

impl Layout for Planned<'_> {
    fn served(&self) -> Vec<u32> {
        (0..index(self.problem.pieces.len())).filter(|piece| self.routes.is_served(*piece)).collect()
    }

    fn unlike(&self, one: u32, other: u32) -> i64 {
        if one == other {
            return -1;
        }
        let column = |piece: u32| &self.problem.nodes[self.problem.pieces[piece as usize].first as usize];
        let apart = self.problem.way(0, column(one).row, column(other).column).min(1 << 30);
        i64::from(apart) + self.time(one).abs_diff(self.time(other)).cast_signed()
    }

    /// What its stops add to what it costs to be at them: the later of the route are not driven again.
    fn detour(&self, piece: u32) -> i64 {
        let Some(route) = self.route(piece) else { return 0 };
        let [first, second] = self.ends(piece);
        let at = |place: usize| route.states[place + 1].cost - route.states[place].cost;
        at(first) + if first == second { 0 } else { at(second) }
    }

    fn near(&self, piece: u32) -> &[u32] {
        &self.near[piece as usize]
    }

    fn route_of(&self, piece: u32) -> Option<u32> {
        Some(self.routes.route_of[piece as usize]).filter(|route| *route != NONE)
    }

    fn pieces_in(&self, route: u32) -> Vec<u32> {
        let first = |node: &u32| {
            let node = &self.problem.nodes[*node as usize];
            let ends =
                node.handling == Handling::Delivery && self.problem.pieces[node.piece as usize].is_pair;
            (!ends).then_some(node.piece)
        };
        self.routes.of[route as usize].nodes.iter().filter_map(first).collect()
    }

    fn stops_in(&self, route: u32) -> Vec<u32> {
        let nodes = self.routes.of[route as usize].nodes.iter();
        nodes.map(|node| self.problem.nodes[*node as usize].piece).collect()
    }

    fn ends(&self, piece: u32) -> [usize; 2] {
        let known = &self.problem.pieces[piece as usize];
        let place = |node: u32| {
            self.route(piece).and_then(|route| route.nodes.iter().position(|at| *at == node)).unwrap_or(0)
        };
        let first = place(known.first);
        [first, if known.is_pair { place(known.first + 1) } else { first }]
    }
}
