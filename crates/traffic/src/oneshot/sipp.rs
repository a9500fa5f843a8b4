//! Safe-interval search: the quickest way of one robot among the given ways of all others (Phillips and Likhachev 2011).
//!
//! A state is a place and a span of time in which nobody else is there. Of two ways into one span the earlier is never
//! worse. A robot may enter a place at the instant at which another one leaves it, unless the leaving robot waits, over
//! others that leave in the same step, for the very robot: that would be a swap or a rotation.
#![expect(
    clippy::indexing_slicing,
    reason = "the hottest loops of the refinement; every index is a place and an instant of one timeline"
)]

use std::sync::Arc;

use super::{
    fields::Fields,
    instance::{NONE, Network, id32},
};

/// The last instant of a span that never ends.
const FOREVER: u32 = u32::MAX;

/// Who is where at which instant. After the last instant everybody stays.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    instants: usize,
    /// Place by place, instant by instant; one more than the robot, zero for nobody: memory that nobody was at is never touched.
    who: Vec<u32>,
    /// The same as bits: somebody is there.
    busy: Vec<u64>,
    /// Words of a place in `busy`.
    words: usize,
    /// Where each robot is at each instant.
    ways: Vec<Arc<[u32]>>,
}

impl Timeline {
    /// Everybody on the given ways, each as many instants long.
    pub(super) fn new(vertices: usize, instants: usize, ways: &[Arc<[u32]>]) -> Self {
        let mut timeline = Self::empty(vertices, instants, ways.len());
        for (robot, way) in (0..).zip(ways) {
            timeline.put(robot, way.clone());
        }
        timeline
    }

    /// Nobody yet.
    pub(super) fn empty(vertices: usize, instants: usize, robots: usize) -> Self {
        let words = instants.div_ceil(64);
        let (who, busy) = (vec![0; vertices * instants], vec![0; vertices * words]);
        Self { instants, who, busy, words, ways: vec![Arc::from([]); robots] }
    }

    /// The same places and instants, and everybody on the given ways.
    pub(super) fn again(&self, ways: &[Arc<[u32]>]) -> Self {
        Self::new(self.busy.len() / self.words.max(1), self.instants, ways)
    }

    /// Where everybody is at each instant; nothing for whoever was never put.
    pub(super) fn into_ways(self) -> Vec<Arc<[u32]>> {
        self.ways
    }

    /// Where a robot is at each instant.
    pub(super) fn way(&self, robot: u32) -> &Arc<[u32]> {
        &self.ways[robot as usize]
    }

    /// Gives a robot that was lifted another way.
    pub(super) fn put(&mut self, robot: u32, way: Arc<[u32]>) {
        for (instant, &at) in way.iter().enumerate() {
            self.who[at as usize * self.instants + instant] = robot + 1;
            self.busy[at as usize * self.words + instant / 64] |= 1 << (instant % 64);
        }
        self.ways[robot as usize] = way;
    }

    /// Takes a robot out; it is remembered where it was.
    pub(super) fn lift(&mut self, robot: u32) {
        for (instant, &at) in self.ways[robot as usize].iter().enumerate() {
            self.who[at as usize * self.instants + instant] = 0;
            self.busy[at as usize * self.words + instant / 64] &= !(1 << (instant % 64));
        }
    }

    /// Who is at a place; nobody is known there after the last instant.
    pub(super) fn who(&self, vertex: u32, instant: usize) -> u32 {
        if instant < self.instants && self.is_busy(vertex, instant) {
            self.who[vertex as usize * self.instants + instant].wrapping_sub(1)
        } else {
            NONE
        }
    }

    /// Whether somebody is at a place. The bits are few enough to be at hand when the robots are not.
    fn is_busy(&self, vertex: u32, instant: usize) -> bool {
        self.busy[vertex as usize * self.words + instant / 64] >> (instant % 64) & 1 != 0
    }

    /// Whether a way collides with nobody and closes no cycle.
    pub(super) fn fits(&self, way: &[u32]) -> bool {
        let mut steps = way.windows(2).enumerate();
        way.iter().enumerate().all(|(instant, &at)| self.who(at, instant) == NONE)
            && steps.all(|(instant, pair)| pair[0] == pair[1] || self.may_enter(pair[0], pair[1], instant))
    }

    /// Whether a robot may go from `from` to `to` in the step after `instant`. Somebody may be there who leaves.
    fn may_enter(&self, from: u32, to: u32, instant: usize) -> bool {
        let mut at = to;
        loop {
            let other = self.who(at, instant);
            if other == NONE {
                return true;
            }
            let next = self.ways[other as usize][instant + 1];
            if next == from || next == at {
                return false;
            }
            at = next;
        }
    }

    /// The first instant from `instant` on at which somebody is there; `FOREVER` if there is none.
    fn next_busy(&self, vertex: u32, instant: u32) -> u32 {
        self.scan(vertex, instant, 0)
    }

    /// The first instant from `instant` on at which nobody is there.
    fn next_free(&self, vertex: u32, instant: u32) -> u32 {
        self.scan(vertex, instant, u64::MAX)
    }

    fn scan(&self, vertex: u32, instant: u32, flip: u64) -> u32 {
        let row = &self.busy[vertex as usize * self.words..][..self.words];
        let (first, shift) = (instant as usize / 64, instant % 64);
        let mut mask = u64::MAX << shift;
        for (index, &word) in row.iter().enumerate().skip(first) {
            let found = (word ^ flip) & mask;
            if found != 0 {
                return id32(index * 64) + found.trailing_zeros();
            }
            mask = u64::MAX;
        }
        FOREVER
    }
}

/// A robot that asks for a way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traveller {
    pub(super) robot: u32,
    pub(super) start: u32,
    pub(super) goal: u32,
    /// From start to goal, when nobody is in the way.
    pub(super) distance: u32,
}

/// What a search tries first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Haste {
    /// What loses least: the first way that is found is the best one.
    None,
    /// What is near the goal: sooner done, and the way may be up to twice as long.
    Greedy,
}

/// When a search gives up, and how it goes about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Steps that may be lost.
    pub(super) most: u32,
    pub(super) haste: Haste,
    /// States that are looked at.
    pub(super) effort: u32,
}

/// A place, from an instant on.
#[derive(Clone, Copy, Debug)]
struct State {
    vertex: u32,
    instant: u32,
    /// The last instant at which nobody else is there.
    end: u32,
    /// Steps so far that were spent at rest at the goal; the others are lost.
    rested: u32,
    /// How far it is to the goal.
    to_go: u32,
    parent: u32,
    /// Another state of the same place and span.
    sibling: u32,
}

impl State {
    /// Whether nobody needs `other` of the same place and span.
    const fn covers(&self, other: &Self) -> bool {
        self.instant <= other.instant && other.rested <= self.rested
    }
}

/// What is known of a place and a span.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Number of the search.
    epoch: u32,
    vertex: u32,
    end: u32,
    /// Its last state; nearly always the only one, since only who passes by its goal and leaves it again has a choice.
    state: u32,
}

/// Room to search in, kept from search to search.
#[derive(Clone, Debug, Default)]
pub(super) struct Finder {
    states: Vec<State>,
    /// States by the steps that are lost at the least, weighted.
    buckets: Vec<Vec<u32>>,
    /// Open addressing; entries of earlier searches count as empty.
    seen: Vec<Seen>,
    epoch: u32,
    used: usize,
}

impl Finder {
    /// A way within the limits, padded to all instants; without haste, one that loses no more steps than the one that arrives
    /// first. Rest at the goal counts as no loss; that a robot could leave its goal later than it has to is not looked into.
    pub(super) fn find(
        &mut self,
        network: &Network,
        fields: &mut Fields,
        timeline: &Timeline,
        who: Traveller,
        limits: Limits,
    ) -> Option<Vec<u32>> {
        let last = id32(timeline.instants).checked_sub(1)?;
        let most = limits.most.min(last);
        let spare = most.checked_sub(who.distance)?;
        // With haste a step to go counts twice.
        let (per_loss, per_step) = match limits.haste {
            Haste::None => (1, 1),
            Haste::Greedy => (1, 2),
        };
        let rank =
            |lost: u32, to_go: u32| (per_loss * lost + per_step * to_go - per_loss * who.distance) as usize;
        let slots = (per_step * (spare + who.distance) - per_loss * who.distance) as usize + 1;
        self.begin(slots);
        let end = match timeline.next_busy(who.start, 0) {
            FOREVER => FOREVER,
            busy => busy.checked_sub(1)?,
        };
        let (vertex, to_go) = (who.start, who.distance);
        self.states.push(State { vertex, instant: 0, end, rested: 0, to_go, parent: NONE, sibling: NONE });
        let mut slot = rank(0, to_go);
        self.buckets[slot].push(0);
        let mut effort = limits.effort;
        while slot < slots {
            let Some(id) = self.buckets[slot].pop() else {
                slot += 1;
                continue;
            };
            let state = self.states[id as usize];
            if self.is_stale(id) {
                continue;
            }
            if effort == 0 {
                return None;
            }
            effort -= 1;
            let home = state.vertex == who.goal;
            if home && state.end == FOREVER {
                return Some(self.way(id, timeline.instants));
            }
            let lost = state.instant - state.rested;
            let code = fields.code(who.robot as usize, state.vertex);
            for &next in network.neighbours(state.vertex) {
                let nearer = (code + 3 - fields.code(who.robot as usize, next)) % 3 == 1;
                let to_go = if nearer { state.to_go - 1 } else { state.to_go + 1 };
                let Some(spare) = most.checked_sub(lost + to_go) else { continue };
                // It may leave until the span is over, and has to arrive in time and not to lose too much.
                let loses = if home { u32::from(spare != 0) * last } else { spare };
                let until =
                    state.end.saturating_add(1).min(last.saturating_sub(to_go)).min(state.instant + loses);
                let mut from = state.instant + 1;
                while from <= until {
                    let begin = timeline.next_free(next, from);
                    if until < begin {
                        break;
                    }
                    let busy = timeline.next_busy(next, begin);
                    let end = if busy == FOREVER { FOREVER } else { busy - 1 };
                    let mut instant = begin;
                    if !timeline.may_enter(state.vertex, next, instant as usize - 1) {
                        // A step later the place is empty.
                        instant += 1;
                    }
                    if instant <= until.min(end) {
                        let rested = state.rested + if home { instant - state.instant - 1 } else { 0 };
                        let state =
                            State { vertex: next, instant, end, rested, to_go, parent: id, sibling: NONE };
                        let better = rank(instant - rested, to_go);
                        self.push(state, better);
                        slot = slot.min(better);
                    }
                    from = busy.saturating_add(1).max(begin + 1);
                }
            }
        }
        None
    }

    /// States of the last search.
    pub(super) fn states(&self) -> usize {
        self.states.len()
    }

    fn begin(&mut self, slots: usize) {
        self.states.clear();
        self.buckets.iter_mut().for_each(Vec::clear);
        if self.buckets.len() < slots {
            self.buckets.resize_with(slots, Vec::new);
        }
        if self.epoch == u32::MAX || self.seen.is_empty() {
            self.seen = vec![Seen::default(); self.seen.len().max(1 << 12)];
            self.epoch = 0;
        }
        self.epoch += 1;
        self.used = 0;
    }

    /// Takes a state in unless it is no better than what is known.
    fn push(&mut self, mut state: State, slot: usize) {
        if self.seen.len() < 2 * self.used {
            let old = std::mem::take(&mut self.seen);
            self.seen = vec![Seen::default(); 2 * old.len()];
            for entry in old.into_iter().filter(|entry| entry.epoch == self.epoch) {
                let at = self.position(entry.vertex, entry.end);
                self.seen[at] = entry;
            }
        }
        let at = self.position(state.vertex, state.end);
        let entry = self.seen[at];
        let known = entry.epoch == self.epoch;
        if known && self.siblings(entry.state).any(|(_, other)| other.covers(&state)) {
            return;
        }
        state.sibling = if known { entry.state } else { NONE };
        self.used += usize::from(!known);
        let new = id32(self.states.len());
        self.seen[at] = Seen { epoch: self.epoch, vertex: state.vertex, end: state.end, state: new };
        self.buckets[slot].push(new);
        self.states.push(state);
    }

    /// All states of a place and a span, the last one first.
    fn siblings(&self, last: u32) -> impl Iterator<Item = (u32, &State)> {
        let mut id = last;
        std::iter::from_fn(move || {
            let state = self.states.get(id as usize)?;
            Some((std::mem::replace(&mut id, state.sibling), state))
        })
    }

    /// Whether a better state of the same place and span came later.
    fn is_stale(&self, id: u32) -> bool {
        let state = &self.states[id as usize];
        let entry = &self.seen[self.position(state.vertex, state.end)];
        entry.epoch == self.epoch
            && self.siblings(entry.state).any(|(other, better)| other > id && better.covers(state))
    }

    /// Where the entry of a place and a span is, or would be.
    fn position(&self, vertex: u32, end: u32) -> usize {
        let mask = self.seen.len() - 1;
        let key = u64::from(vertex) << 32 | u64::from(end);
        // The upper bits of a product with the golden ratio; one multiplication, for this is asked at every state.
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & mask;
        loop {
            let entry = &self.seen[at];
            if entry.epoch != self.epoch || (entry.vertex, entry.end) == (vertex, end) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn way(&self, id: u32, instants: usize) -> Vec<u32> {
        let mut way = vec![self.states[id as usize].vertex; instants];
        let mut state = self.states[id as usize];
        while state.parent != NONE {
            let parent = self.states[state.parent as usize];
            way[parent.instant as usize..state.instant as usize].fill(parent.vertex);
            state = parent;
        }
        way
    }
}
