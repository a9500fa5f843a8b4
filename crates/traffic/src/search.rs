//! One roll-out: prioritised pushing in the order of time, one move after the other.
//!
//! Robots act in an order of precedence. Who acts takes the hop that brings it nearest to its target and pushes
//! whoever rests in its way; who is pushed leaves the claims of all pushers above it, preferably to the side of the
//! way of the first. When a push fails for good, the robot in the way gets an *errand*: a place aside of the way,
//! precedence over the robot it blocks, and orders to wait there until that one has arrived. That is how two robots
//! pass each other at a dead end.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use sheepdog_core::ResourceId;

use crate::{
    distances::UNREACHABLE,
    hop::HopGraph,
    scene::{BLOCKED, Board, Clock, Field, Other, Scene, Step, mix, tag},
    table::Table,
};

/// Robots look again after this time even if none of them has arrived anywhere.
const PATIENCE_US: u64 = 1_000_000;
/// Robots act at most this often.
const QUANTUM_US: u64 = 200_000;
/// Acts without success after which the robot in the way gets an errand.
const STUCK_ACTS: u32 = 3;
/// Acts in which nobody moves, after which the roll-out is given up.
const IDLE_ROUNDS: u32 = 24;
/// Hops ahead that the robots pushed aside try to keep free.
const LOOKAHEAD_HOPS: usize = 32;
/// Places looked at to find a way out of what a pusher needs.
const EXIT_PLACES: usize = 48;

/// A roll-out in progress.
#[derive(Debug)]
pub(crate) struct Rollout<'a> {
    scene: Scene<'a>,
    board: Board<'a>,
    order: Vec<usize>,
    errands: Vec<Option<Errand>>,
    moved: Table<bool>,
    busy: Table<bool>,
    /// How many pushers need each resource.
    reserved: Table<u32>,
    /// Resources on the way of the robot that acts, marked with the number of its act.
    ahead: Table<u32>,
    act: u32,
    stuck: Table<u32>,
    obstacle: Table<u32>,
    /// Visits done, and the least distance to the next target that each robot has reached since.
    nearest: Table<(usize, u64)>,
    clock: Clock<'a>,
    now: u64,
    moves: Vec<Step>,
    timed: usize,
    steps: u32,
    limit: u32,
    push_limit: u32,
    salt: u64,
}

/// How a roll-out ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) moves: Vec<Step>,
    pub(crate) done: bool,
    pub(crate) steps: u32,
    /// The first robot in the order that did not arrive.
    pub(crate) stuck: Option<usize>,
}

#[derive(Clone, Debug)]
struct Errand {
    field: Field,
    /// Ends when this robot is where it wants to be,
    until: usize,
    /// or has done more visits than these.
    stage: usize,
}

/// A way out for a robot that is pushed, or the next hop of one that acts.
struct Candidate {
    key: (u8, u64, u64),
    hops: Vec<u32>,
}

impl<'a> Rollout<'a> {
    /// Rolls out from the start with robots in the order of precedence given, for at most `limit` steps.
    pub(crate) fn run(scene: Scene<'a>, order: Vec<usize>, salt: u64, limit: u32) -> Outcome {
        let bots = scene.bots.len();
        let waypoints = scene.graphs.iter().flatten().map(HopGraph::waypoints).max().unwrap_or(0);
        let mut rollout = Self {
            scene,
            board: Board::new(scene),
            order,
            errands: vec![None; bots],
            moved: Table::new(bots, false),
            busy: Table::new(bots, false),
            reserved: Table::new(scene.resources, 0),
            ahead: Table::new(scene.resources, 0),
            act: 0,
            stuck: Table::new(bots, 0),
            obstacle: Table::new(bots, 0),
            nearest: Table::new(bots, (0, UNREACHABLE)),
            clock: Clock::new(scene),
            now: 0,
            moves: Vec::new(),
            timed: 0,
            steps: 0,
            limit,
            push_limit: u32::try_from(bots * 8 + waypoints.min(64)).unwrap_or(u32::MAX),
            salt,
        };
        let done = rollout.roll();
        let stuck = rollout.order.iter().copied().find(|&bot| !rollout.arrived(bot));
        Outcome { moves: rollout.moves, done, steps: rollout.steps.min(limit), stuck }
    }

    fn roll(&mut self) -> bool {
        let mut idle = 0;
        while !(0..self.scene.bots.len()).all(|bot| self.arrived(bot)) {
            if self.limit <= self.steps || IDLE_ROUNDS <= idle {
                return false;
            }
            self.end_errands();
            let before = self.moves.len();
            self.moved.clear();
            for bot in self.order.clone() {
                if self.clock.ready(bot) <= self.now && !self.moved.at(bot) && !self.content(bot) {
                    self.act(bot);
                }
            }
            self.steps = self.steps.saturating_add(1);
            let travelling = self.wait();
            idle = if before < self.moves.len() || travelling { 0 } else { idle + 1 };
        }
        true
    }

    /// Lets time pass until a robot arrives somewhere. `false` when none is on its way.
    fn wait(&mut self) -> bool {
        let ready = (0..self.scene.bots.len()).map(|bot| self.clock.ready(bot));
        let next = ready.filter(|&ready| self.now < ready).min();
        self.now = match next {
            Some(ready) => ready.max(self.now.saturating_add(QUANTUM_US)),
            None => self.now.saturating_add(PATIENCE_US),
        };
        next.is_some()
    }

    /// Whether a robot does what the plan needs of it.
    fn arrived(&self, bot: usize) -> bool {
        let place = self.board.place(bot);
        self.scene
            .bots
            .get(bot)
            .is_none_or(|state| !state.required || state.is_done(self.clock.stage(bot), place))
    }

    /// Whether a robot is where it wants to be for now.
    fn content(&self, bot: usize) -> bool {
        self.scene.bots.get(bot).is_none_or(|state| state.fixed) || self.distance(self.field(bot), bot) == 0
    }

    fn distance(&self, field: Option<&Field>, bot: usize) -> u64 {
        field.map_or(0, |field| field.at(self.board.place(bot)))
    }

    fn field(&self, bot: usize) -> Option<&Field> {
        match self.errands.get(bot) {
            Some(Some(errand)) => Some(&errand.field),
            _ => self.scene.bots.get(bot)?.field(self.clock.stage(bot)),
        }
    }

    fn end_errands(&mut self) {
        for bot in 0..self.errands.len() {
            if let Some(Some(errand)) = self.errands.get(bot)
                && (self.content(errand.until) || errand.stage < self.clock.stage(errand.until))
                && let Some(slot) = self.errands.get_mut(bot)
            {
                *slot = None;
                self.nearest.set(bot, (self.clock.stage(bot), UNREACHABLE));
            }
        }
    }

    /// One robot acts by itself.
    fn act(&mut self, bot: usize) {
        self.act += 1;
        for step in self.way(bot, LOOKAHEAD_HOPS) {
            for resource in self.scene.claims(step) {
                self.ahead.set(resource.index(), self.act);
            }
        }
        self.obstacle.set(bot, 0);
        let before = self.moves.len();
        let mut pushes = self.push_limit;
        self.push(bot, None, &mut pushes);
        self.date();
        if self.moves.len() == before {
            self.moved.set(bot, true);
        }
        let (stage, distance) = (self.clock.stage(bot), self.distance(self.field(bot), bot));
        let (before, nearest) = self.nearest.at(bot);
        if before < stage || distance < nearest {
            self.nearest.set(bot, (stage, distance));
            self.stuck.set(bot, 0);
            return;
        }
        let obstacle = self.obstacle.at(bot);
        if obstacle != 0 {
            self.stuck.set(bot, self.stuck.at(bot) + 1);
            if STUCK_ACTS <= self.stuck.at(bot) {
                self.stuck.set(bot, 0);
                self.send_aside(obstacle as usize - 1, bot);
            }
        }
    }

    /// Moves a robot, by itself (`by` is `None`) or because another needs what it holds. `false` and no change when
    /// that is not possible.
    fn push(&mut self, bot: usize, by: Option<usize>, pushes: &mut u32) -> bool {
        self.steps = self.steps.saturating_add(1);
        if *pushes == 0 || self.limit <= self.steps {
            return false;
        }
        *pushes -= 1;
        self.busy.set(bot, true);
        let candidates = if by.is_some() { self.exits(bot) } else { self.advances(bot) };
        let moved = candidates.iter().any(|candidate| self.try_way(bot, candidate, by.is_none(), pushes));
        self.busy.set(bot, false);
        moved
    }

    /// Clears a way of whoever rests on it and takes it; undoes everything when that fails.
    fn try_way(&mut self, bot: usize, way: &Candidate, first: bool, pushes: &mut u32) -> bool {
        let mark = self.moves.len();
        self.reserve(bot, way, 1);
        let clear = way.hops.iter().all(|&hop| self.clear(Step { bot, hop }, first, pushes));
        self.reserve(bot, way, -1);
        let taken = clear
            && way.hops.iter().all(|&hop| {
                let step = Step { bot, hop };
                let taken = self.board.advance(step);
                if taken {
                    self.moves.push(step);
                }
                taken
            });
        if taken {
            self.moved.set(bot, true);
        } else {
            self.undo(mark);
        }
        taken
    }

    /// Pushes everybody out of the way of one hop.
    fn clear(&mut self, step: Step, first: bool, pushes: &mut u32) -> bool {
        while let Some(other) = self.board.other(step) {
            let Other::Bot(other) = other else {
                return false;
            };
            if self.busy.at(other) || self.moved.at(other) {
                return false;
            }
            // It will arrive, or finish its work, and move on by itself.
            if self.now < self.clock.ready(other) && (!self.content(other) || self.clock.is_working(other)) {
                return false;
            }
            if first && self.obstacle.at(step.bot) == 0 {
                self.obstacle.set(step.bot, tag(other));
            }
            if !self.push(other, Some(step.bot), pushes) {
                return false;
            }
        }
        true
    }

    fn reserve(&mut self, bot: usize, way: &Candidate, change: i32) {
        for &hop in &way.hops {
            for resource in self.scene.claims(Step { bot, hop }) {
                let count = self.reserved.at(resource.index());
                self.reserved.set(resource.index(), count.saturating_add_signed(change));
            }
        }
    }

    fn undo(&mut self, mark: usize) {
        while mark < self.moves.len() {
            let Some(step) = self.moves.pop() else {
                return;
            };
            if let Some((from, to, _)) = self.scene.leads(step) {
                self.board.shift(step.bot, to, from);
            }
            self.moved.set(step.bot, false);
        }
    }

    /// Hops that bring a robot nearer to its target, best first.
    fn advances(&self, bot: usize) -> Vec<Candidate> {
        let (Some(graph), Some(field)) = (self.scene.graph(bot), self.field(bot)) else {
            return Vec::new();
        };
        let from = self.board.place(bot);
        let here = field.at(from);
        let mut candidates: Vec<Candidate> = graph
            .out_range(from)
            .filter_map(|id| {
                let hop = graph.hop(id)?;
                let there = field.at(hop.to.0);
                let key = (0, there.saturating_add(hop.time.as_micros()), self.tie(bot, id));
                (there < here).then(|| Candidate { key, hops: vec![id] })
            })
            .collect();
        candidates.sort_by_key(|candidate| candidate.key);
        candidates
    }

    /// Ways by which a pushed robot leaves what its pushers need, best first: towards its own target, then aside of
    /// the way of the first pusher, then anywhere.
    fn exits(&self, bot: usize) -> Vec<Candidate> {
        let Some(graph) = self.scene.graph(bot) else {
            return Vec::new();
        };
        let from = self.board.place(bot);
        let field = self.field(bot);
        let here = self.distance(field, bot);
        let mut seen = vec![from];
        let mut queue = BinaryHeap::from([Reverse((0_u64, from, Vec::new()))]);
        let mut candidates = Vec::new();
        while let Some(Reverse((time, place, hops))) = queue.pop() {
            if self.is_needed(graph.rest(place)) || hops.is_empty() {
                for id in graph.out_range(place) {
                    let Some(hop) = graph.hop(id) else {
                        continue;
                    };
                    let hopeless = graph.hop_claims(id).iter().any(|resource| {
                        let holder = self.board.holder(*resource);
                        holder == BLOCKED
                            || (holder != 0 && holder != tag(bot) && self.busy.at(holder as usize - 1))
                    });
                    if !hopeless && seen.len() < EXIT_PLACES && !seen.contains(&hop.to.0) {
                        seen.push(hop.to.0);
                        let mut way = hops.clone();
                        way.push(id);
                        queue.push(Reverse((time.saturating_add(hop.time.as_micros()), hop.to.0, way)));
                    }
                }
            } else {
                let there = field.map_or(0, |field| field.at(place));
                let rest = graph.rest(place);
                let on_the_way = rest.iter().any(|resource| self.ahead.at(resource.index()) == self.act);
                let crowd = rest.iter().filter(|resource| self.board.holder(**resource) != 0).count() as u64;
                let class = if there < here {
                    0
                } else if on_the_way {
                    2
                } else {
                    1
                };
                let detour = time.saturating_add(there).saturating_add(crowd.min(8) * PATIENCE_US);
                let last = hops.last().copied().unwrap_or(0);
                candidates.push(Candidate { key: (class, detour, self.tie(bot, last)), hops });
            }
        }
        candidates.sort_by_key(|candidate| candidate.key);
        candidates
    }

    fn is_needed(&self, rest: &[ResourceId]) -> bool {
        rest.iter().any(|resource| self.reserved.at(resource.index()) != 0)
    }

    /// The undisturbed way of a robot to its target.
    fn way(&self, bot: usize, limit: usize) -> Vec<Step> {
        let (Some(graph), Some(field)) = (self.scene.graph(bot), self.field(bot)) else {
            return Vec::new();
        };
        descent(graph, field, self.board.place(bot), limit).into_iter().map(|hop| Step { bot, hop }).collect()
    }

    /// Gives the robot in the way an errand aside of the way of the robot it blocks, and precedence.
    fn send_aside(&mut self, obstacle: usize, blocked: usize) {
        let Some(graph) = self.scene.graph(obstacle) else {
            return;
        };
        let mut way = Table::new(self.scene.resources, false);
        for step in self.way(blocked, usize::MAX) {
            for resource in self.scene.claims(step) {
                way.set(resource.index(), true);
            }
        }
        let free = |place: u32| graph.rest(place).iter().all(|resource| !way.at(resource.index()));
        // Robots do not count here: whoever rests on the way of the errand will be pushed.
        let closed =
            |claims: &[ResourceId]| claims.iter().any(|resource| self.board.holder(*resource) == BLOCKED);
        let mut best: Vec<(u64, u32)> = Vec::new();
        let mut distance = Table::new(graph.waypoints(), UNREACHABLE);
        let mut queue = BinaryHeap::from([Reverse((0_u64, self.board.place(obstacle)))]);
        distance.set(self.board.place(obstacle) as usize, 0);
        while let Some(Reverse((time, place))) = queue.pop() {
            self.steps = self.steps.saturating_add(1);
            if distance.at(place as usize) < time {
                continue;
            }
            if time != 0 && free(place) {
                best.push((time, place));
                if best.len() == 3 {
                    break;
                }
                continue;
            }
            for hop in graph.out_range(place).filter_map(|id| graph.hop(id)) {
                let total = time.saturating_add(hop.time.as_micros());
                if total < distance.at(hop.to.index()) && !closed(graph.claims(hop)) {
                    distance.set(hop.to.index(), total);
                    queue.push(Reverse((total, hop.to.0)));
                }
            }
        }
        // The nearest place, but not always: another roll-out may need another one.
        let pick = mix(self.salt ^ u64::from(self.act)) % 4;
        let choice = best.get(usize::try_from(pick).unwrap_or(0).saturating_sub(1)).or(best.first());
        let Some(&(_, place)) = choice else {
            return;
        };
        let field = Arc::new(graph.distances([place], closed));
        if let Some(slot) = self.errands.get_mut(obstacle) {
            *slot = Some(Errand { field, until: blocked, stage: self.clock.stage(blocked) });
        }
        self.order.retain(|&bot| bot != obstacle);
        let rank = self.order.iter().position(|&bot| bot == blocked).unwrap_or(0);
        self.order.insert(rank, obstacle);
        self.stuck.set(obstacle, 0);
        self.nearest.set(obstacle, (self.clock.stage(obstacle), UNREACHABLE));
    }

    /// Dates the moves that were added.
    fn date(&mut self) {
        for &step in self.moves.get(self.timed..).unwrap_or(&[]) {
            self.clock.run(step, self.now);
        }
        self.timed = self.moves.len();
    }

    fn tie(&self, bot: usize, hop: u32) -> u64 {
        let agent = self.scene.bots.get(bot).map_or(0, |bot| bot.agent.0);
        mix(self.scene.seed
            ^ mix(self.salt ^ (u64::from(agent) << 32 | u64::from(self.act)))
            ^ u64::from(hop))
    }
}

/// Number of hops of a robot's undisturbed way from its start through its visits to its goal.
pub(crate) fn hops_alone(scene: Scene<'_>, bot: usize) -> usize {
    let (Some(graph), Some(bot)) = (scene.graph(bot), scene.bots.get(bot)) else { return 0 };
    let mut at = bot.start;
    let mut hops = 0;
    for stage in 0..=bot.visits.len() {
        let way = bot.field(stage).map(|field| descent(graph, field, at, usize::MAX)).unwrap_or_default();
        hops += way.len();
        at = way.last().and_then(|&hop| graph.hop(hop)).map_or(at, |hop| hop.to.0);
    }
    hops
}

/// The fastest way down a distance field.
pub(crate) fn descent(graph: &HopGraph, field: &Field, from: u32, limit: usize) -> Vec<u32> {
    let mut at = from;
    let mut way = Vec::new();
    while way.len() < limit && field.at(at) != 0 {
        let next = graph.out_range(at).filter_map(|id| {
            let hop = graph.hop(id)?;
            let there = field.at(hop.to.0);
            (there < field.at(at)).then(|| (there.saturating_add(hop.time.as_micros()), id, hop.to.0))
        });
        let Some((_, hop, to)) = next.min() else {
            break;
        };
        way.push(hop);
        at = to;
    }
    way
}
