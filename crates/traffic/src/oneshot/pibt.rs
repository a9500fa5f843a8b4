//! Priority inheritance with backtracking: one step of all robots at once (Okumura et al. 2022), without rotations.
//!
//! Robots decide in the order of their priority. Whoever wants to go where another robot stands that has not decided
//! pushes it: that one decides next, and its pusher waits for the answer. The robots that wait form a chain.
//! Nobody may go where a robot of the chain still stands: this one rule forbids swaps and closed cycles of any length, which
//! the executor's dependency graph cannot carry out. Robots may follow each other. In the order in which they
//! decide, the moves of a step can be carried out one after the other.
//!
//! In narrow places two robots that have to pass each other back out to a place with a third exit and swap there
//! (Okumura 2023).
#![expect(
    clippy::indexing_slicing,
    reason = "the hottest loops of the planner; every index is a vertex or a robot of one checked instance"
)]

use std::sync::Arc;

use crate::scene::mix;

use super::{
    fields::Fields,
    instance::{Instance, NONE, Network},
};

/// A robot has at most four neighbours and its own place.
const OPTIONS: usize = 5;

/// Who is at each vertex. Entries carry the number of the step that wrote them, so nothing is ever cleared.
#[derive(Clone, Debug)]
struct Occupancy {
    entries: Vec<u64>,
    epoch: u64,
}

impl Occupancy {
    fn new(vertices: usize) -> Self {
        Self { entries: vec![0; vertices], epoch: 0 }
    }

    fn at(&self, vertex: u32) -> u32 {
        let entry = self.entries[vertex as usize];
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is the robot")]
        if entry >> 32 == self.epoch { entry as u32 } else { NONE }
    }

    fn set(&mut self, vertex: u32, robot: u32) {
        self.entries[vertex as usize] = self.epoch << 32 | u64::from(robot);
    }

    /// Forgets everything; once in four thousand million steps that takes time.
    fn clear(&mut self) {
        if self.epoch == u64::from(u32::MAX) {
            self.entries.fill(0);
            self.epoch = 0;
        }
        self.epoch += 1;
    }
}

/// A robot of the chain.
#[derive(Clone, Copy, Debug)]
struct Link {
    robot: u32,
    options: [u32; OPTIONS],
    count: u8,
    /// The option after the one being tried.
    cursor: u8,
    /// Whoever swaps places with it, and follows when the first option comes true.
    partner: u32,
}

/// Ways that robots would like to go.
#[derive(Clone, Debug, Default)]
pub(super) struct Guides {
    /// Of each robot; nothing for whoever does not mind.
    pub(super) ways: Vec<Arc<[u32]>>,
    /// The ways hold a place for each instant, and say nothing to a robot that is later than so many steps. Without, they
    /// hold for any time.
    pub(super) late_max: Option<usize>,
}

/// The generator of steps, with its room to work in.
#[derive(Clone, Debug)]
pub(super) struct Pibt {
    network: Arc<Network>,
    goals: Arc<[u32]>,
    pub(super) fields: Fields,
    seed: u64,
    guides: Guides,
    now: Occupancy,
    next: Occupancy,
    /// Where each robot goes; [`NONE`] while it has not decided.
    to: Vec<u32>,
    /// Where a robot has to go.
    forced: Vec<u32>,
    in_chain: Vec<bool>,
    /// Of the step.
    instant: usize,
    chain: Vec<Link>,
}

impl Pibt {
    pub(super) fn new(instance: &Instance, fields: Fields, seed: u64) -> Self {
        let robots = instance.robots();
        Self {
            network: instance.network.clone(),
            goals: instance.goals.clone(),
            fields,
            seed,
            guides: Guides::default(),
            now: Occupancy::new(instance.vertices()),
            next: Occupancy::new(instance.vertices()),
            to: vec![NONE; robots],
            forced: vec![NONE; robots],
            in_chain: vec![false; robots],
            instant: 0,
            chain: Vec::new(),
        }
    }

    /// Robots keep to the given ways as far as they are let.
    pub(super) fn guide(&mut self, guides: Guides) {
        self.guides = guides;
    }

    /// Where everybody goes, after a step that came about.
    pub(super) fn to(&self) -> &[u32] {
        &self.to
    }

    /// Sets out from `from`.
    pub(super) fn load(&mut self, from: &[u32]) {
        self.now.clear();
        for (robot, &vertex) in (0..).zip(from) {
            self.now.set(vertex, robot);
        }
    }

    /// Sets out from where the last step led to.
    pub(super) fn follow(&mut self) {
        std::mem::swap(&mut self.now, &mut self.next);
    }

    /// The step after `instant` from `from`, which is loaded. Robots decide in `order`; those in `forced` have to go to the given
    /// vertices, neighbours or their own. `number` is different each time, for ties. False when no such step came about.
    pub(super) fn step(
        &mut self,
        from: &[u32],
        order: &[u32],
        forced: &[(u32, u32)],
        number: u64,
        instant: usize,
    ) -> bool {
        self.instant = instant;
        self.to.fill(NONE);
        self.next.clear();
        let salt = mix(self.seed ^ number);
        let apart = forced.iter().all(|&(robot, vertex)| {
            let free = self.next.at(vertex) == NONE;
            self.next.set(vertex, robot);
            self.forced[robot as usize] = vertex;
            free
        });
        let mut decide = |robot: u32| self.to[robot as usize] != NONE || self.decide(robot, from, salt);
        let done = apart
            && forced.iter().all(|&(robot, _)| decide(robot))
            && order.iter().all(|&robot| decide(robot));
        for &(robot, _) in forced {
            self.forced[robot as usize] = NONE;
        }
        if !done {
            for link in self.chain.drain(..) {
                self.in_chain[link.robot as usize] = false;
            }
        }
        done
    }

    /// Lets a robot decide, and whomever it pushes.
    fn decide(&mut self, first: u32, from: &[u32], salt: u64) -> bool {
        let link = self.link(first, from, salt);
        self.chain.push(link);
        'chain: while let Some(top) = self.chain.last_mut() {
            let (robot, here) = (top.robot, from[top.robot as usize]);
            let forced = self.forced[robot as usize];
            while top.cursor < top.count {
                let target = top.options[usize::from(top.cursor)];
                top.cursor += 1;
                if self.next.at(target) != NONE && forced == NONE {
                    continue;
                }
                let other = self.now.at(target);
                if other != NONE && other != robot {
                    if self.in_chain[other as usize] {
                        continue;
                    }
                    if self.to[other as usize] == NONE {
                        self.next.set(target, robot);
                        self.to[robot as usize] = target;
                        self.in_chain[robot as usize] = true;
                        let link = self.link(other, from, salt);
                        self.chain.push(link);
                        continue 'chain;
                    }
                }
                self.next.set(target, robot);
                self.to[robot as usize] = target;
                self.settle(from);
                return true;
            }
            if forced != NONE {
                return false;
            }
            // It stays, and whoever pushed it looks elsewhere.
            self.next.set(here, robot);
            self.to[robot as usize] = here;
            self.in_chain[robot as usize] = false;
            self.chain.pop();
            if self.chain.is_empty() {
                return false;
            }
        }
        false
    }

    /// The robot at the end of the chain moves, and so everybody in it.
    fn settle(&mut self, from: &[u32]) {
        while let Some(link) = self.chain.pop() {
            let here = from[link.robot as usize];
            self.in_chain[link.robot as usize] = false;
            let partner = link.partner;
            if partner != NONE
                && link.cursor == 1
                && self.to[partner as usize] == NONE
                && self.forced[partner as usize] == NONE
                && self.next.at(here) == NONE
            {
                self.to[partner as usize] = here;
                self.next.set(here, partner);
            }
        }
    }

    /// The options of a robot, best first.
    fn link(&mut self, robot: u32, from: &[u32], salt: u64) -> Link {
        let forced = self.forced[robot as usize];
        let mut link = Link { robot, options: [forced; OPTIONS], count: 1, cursor: 0, partner: NONE };
        if forced != NONE {
            return link;
        }
        let here = from[robot as usize];
        let index = robot as usize;
        let mut ties = mix(salt ^ u64::from(robot) << 32 ^ u64::from(here));
        // Three times of four it looks for a free place first; always would let the same robots block each other for long.
        let careful = u32::from(ties >> 62 != 0);
        let code = self.fields.code(index, here);
        let wanted = self.wanted(index, here);
        let mut keys = [u32::MAX; OPTIONS];
        let neighbours = self.network.neighbours(here);
        let count = neighbours.len().min(OPTIONS - 1);
        let mut options = [here; OPTIONS];
        options[..count].copy_from_slice(&neighbours[..count]);
        for (slot, &vertex) in (0_u32..).zip(&options[..=count]) {
            // Nearer, staying, farther; then free before taken; then by chance.
            let away =
                if vertex == wanted { 0 } else { 1 + (self.fields.code(index, vertex) + 4 - code) % 3 };
            let taken = u32::from(self.now.at(vertex) != NONE) * careful;
            #[expect(clippy::cast_possible_truncation, reason = "twelve bits of chance are enough")]
            let chance = ties as u32 & 0xfff;
            ties >>= 12;
            let key = away << 24 | taken << 20 | chance << 4 | slot;
            // Insert; at most five.
            let mut at = slot as usize;
            while 0 < at && key < keys[at - 1] {
                keys[at] = keys[at - 1];
                at -= 1;
            }
            keys[at] = key;
        }
        for (option, key) in link.options.iter_mut().zip(&keys[..=count]) {
            *option = options[(key & 15) as usize];
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most five")]
        {
            link.count = count as u8 + 1;
        }
        link.partner = self.partner(robot, link.options[0], from);
        if link.partner != NONE {
            link.options[..=count].reverse();
        }
        link
    }

    /// Where a robot goes that keeps to its way; [`NONE`] when it has none, or is beside it.
    fn wanted(&self, robot: usize, here: u32) -> u32 {
        let Some(way) = self.guides.ways.get(robot) else { return NONE };
        let Some(last) = way.len().checked_sub(2) else { return NONE };
        let (first, last) = match self.guides.late_max {
            Some(late_max) => (self.instant.min(last).saturating_sub(late_max), self.instant.min(last)),
            None => (0, last),
        };
        way[first..=last].iter().rposition(|at| *at == here).map_or(NONE, |index| way[first + index + 1])
    }

    /// Whoever has to swap places with a robot that wants to go to `best`; then the robot goes the other way.
    fn partner(&mut self, robot: u32, best: u32, from: &[u32]) -> u32 {
        let here = from[robot as usize];
        // Where it goes on to a roomy place, nobody is driven through a corridor, and nobody has to make way.
        let network = &self.network;
        if best == here || network.is_roomy(best) && self.fields.nearer(robot as usize, best, here) {
            return NONE;
        }
        let ahead = self.now.at(best);
        if ahead != NONE
            && self.to[ahead as usize] == NONE
            && self.swap_is_needed(robot, ahead, here, best)
            && self.swap_is_possible(best, here)
        {
            return ahead;
        }
        // A robot behind that has to come through: this one clears the way for it.
        for slot in 0..self.network.neighbours(here).len() {
            let vertex = self.network.neighbours(here)[slot];
            let behind = self.now.at(vertex);
            if behind != NONE
                && vertex != best
                && self.swap_is_needed(behind, robot, here, best)
                && self.swap_is_possible(best, here)
            {
                return behind;
            }
        }
        NONE
    }

    /// The only way on from `vertex` other than back to `from` and into dead ends where somebody rests at its goal:
    /// none, one, or several.
    fn ways_on(&self, vertex: u32, from: u32) -> Ways {
        let mut ways = Ways::None;
        for &next in self.network.neighbours(vertex) {
            let who = self.now.at(next);
            let plugged = || {
                self.network.neighbours(next).len() == 1 && who != NONE && self.goals[who as usize] == next
            };
            if next != from && !plugged() {
                ways = match ways {
                    Ways::None => Ways::One(next),
                    Ways::One(_) | Ways::Several => return Ways::Several,
                };
            }
        }
        ways
    }

    /// Whether `pusher` at `back` drives `puller` at `front` before it as far as it wants to go, and `puller` wants to
    /// go the other way.
    fn swap_is_needed(&mut self, pusher: u32, puller: u32, mut back: u32, mut front: u32) -> bool {
        let (pusher, puller) = (pusher as usize, puller as usize);
        while self.fields.nearer(pusher, front, back) {
            match self.ways_on(front, back) {
                Ways::Several => return false,
                Ways::None => break,
                Ways::One(next) => (back, front) = (front, next),
            }
        }
        self.fields.nearer(puller, back, front)
            && (self.goals[pusher] == back || self.fields.nearer(pusher, front, back))
    }

    /// Whether two robots find a place with a third exit when the one at `front` goes on from `back`.
    fn swap_is_possible(&self, mut back: u32, mut front: u32) -> bool {
        let begin = back;
        while front != begin {
            match self.ways_on(front, back) {
                Ways::Several => return true,
                Ways::None => return false,
                Ways::One(next) => (back, front) = (front, next),
            }
        }
        false
    }
}

/// How a place can be left.
#[derive(Clone, Copy)]
enum Ways {
    None,
    One(u32),
    Several,
}
