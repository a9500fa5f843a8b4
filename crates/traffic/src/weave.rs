//! Weaving a robot's way into a joint plan.
//!
//! The search is safe interval path planning (Phillips and Likhachev, 2011) over the claims of hops: a state is a place
//! in a time in which nobody else needs it, reached at the least cost. Robots that have settled are asked to leave
//! where that is worth it, and are then woven in again themselves.

use std::{cmp::Reverse, collections::BinaryHeap, collections::VecDeque};

use crate::{
    distances::UNREACHABLE,
    hop::HopGraph,
    polish::DRIVING_SHARE,
    scene::Bot,
    table::Table,
    timetable::{Leg, Timetable},
};

/// What it is worth not to make a settled robot leave, microseconds for each resource that it holds.
const EVICTION_US: u64 = 2_000_000;
/// Robots that are woven in again because of one.
const EVICTIONS_MAX: usize = 24;
/// The search prefers what is near its end: ways may cost one part in this many more than the best.
const GREED_SHARE: u64 = 4;
/// No state.
const NONE: u32 = u32::MAX;

/// A place in a time in which nobody else needs it.
#[derive(Clone, Copy, Debug)]
struct State {
    place: u32,
    /// Visits done.
    stage: usize,
    /// When it has arrived and done its work there.
    ready: u64,
    /// When it has to be gone.
    until: u64,
    /// As [`Timetable::cost`] counts, and what evictions cost.
    cost: u64,
    /// The leg that ends here, and the state before it.
    via: Option<(Leg, u32)>,
    /// The state before among those of the same place and stage.
    same: u32,
}

/// Room for a search, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    states: Vec<State>,
    /// The newest state by stage and place.
    newest: Vec<Table<u32>>,
    queue: BinaryHeap<Reverse<(u64, u64, u32)>>,
}

impl Room {
    /// Forgets the last search, at the cost of what it has looked at.
    fn clear(&mut self, stages: usize, places: usize) {
        for state in self.states.drain(..) {
            if let Some(newest) = self.newest.get_mut(state.stage) {
                newest.set(state.place as usize, NONE);
            }
        }
        self.queue.clear();
        if self.newest.first().is_some_and(|newest| newest.rows().len() != places) {
            self.newest.clear();
        }
        while self.newest.len() < stages {
            self.newest.push(Table::new(places, NONE));
        }
    }
}

struct Search<'t, 'a> {
    table: &'t Timetable<'a>,
    graph: &'a HopGraph,
    bot: &'a Bot,
    /// Who must not be asked to leave.
    keep: &'t [usize],
    /// Only ways that cost less are looked for.
    below: u64,
    room: &'t mut Room,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// States looked at.
    states: u32,
    /// Ways that cost as much are of no use.
    below: u64,
}

/// The best way of a robot that is taken out, between those of the others; and how many states were looked at.
fn way(
    table: &Timetable<'_>,
    bot: usize,
    keep: &[usize],
    Limits { states: limit, below }: Limits,
    room: &mut Room,
) -> (Option<Vec<Leg>>, u32) {
    let Some((graph, state)) = table.graph(bot).filter(|(_, bot)| !bot.fixed) else { return (None, 0) };
    room.clear(state.visits.len() + 1, graph.waypoints());
    let mut search = Search { table, graph, bot: state, keep, below, room };
    let (stage, ready) = state.serve(0, state.start);
    let until = table.free_until(graph.rest(state.start), 0, keep);
    search.reach(State { place: state.start, stage, ready, until, cost: 0, via: None, same: NONE });
    let mut looked = 0;
    while let Some(Reverse((_, _, index))) = search.room.queue.pop() {
        let Some(&at) = search.room.states.get(index as usize) else { continue };
        if at.until == u64::MAX && (!state.required || state.is_done(at.stage, at.place)) {
            return (Some(search.legs(index)), looked);
        }
        if limit <= looked {
            break;
        }
        looked += 1;
        search.leave(index, at);
    }
    (None, looked)
}

impl Search<'_, '_> {
    fn reach(&mut self, mut state: State) {
        let rest = self.bot.at_least(state.stage, state.place);
        let least = state.cost.saturating_add(rest);
        let Room { states, newest, queue } = &mut *self.room;
        let Some(newest) = newest.get_mut(state.stage).filter(|_| least < self.below) else { return };
        let mut other = newest.at(state.place as usize);
        state.same = other;
        while let Some(known) = states.get(other as usize) {
            // One that came along another hop turns otherwise, and may not fit where this one does.
            let hop = |state: &State| state.via.map(|(leg, _)| leg.hop);
            let same = known.until == state.until && hop(known) == hop(&state);
            let waits = state.ready.checked_sub(known.ready).filter(|_| same);
            let spent = waits
                .map(|waits| known.cost.saturating_add(waits.saturating_mul(self.bot.left(state.stage))));
            if spent.is_some_and(|spent| spent <= state.cost) {
                return;
            }
            other = known.same;
        }
        let index = u32::try_from(states.len()).unwrap_or(NONE);
        newest.set(state.place as usize, index);
        let least = least.saturating_add(rest / GREED_SHARE);
        queue.push(Reverse((least, u64::MAX - state.ready, index)));
        states.push(state);
    }

    /// Takes every hop in every time in which it is free.
    fn leave(&mut self, index: u32, at: State) {
        for id in self.graph.out_range(at.place) {
            let Some(hop) = self.graph.hop(id) else { continue };
            let (served, work) = self.bot.serve(at.stage, hop.to.0);
            if self.bot.to_go(served, hop.to.0) == UNREACHABLE {
                continue;
            }
            let turn = at.via.map_or(0, |(leg, _)| self.graph.turn(leg.hop, id));
            let duration = hop.time.as_micros().saturating_add(turn);
            let (claims, rest) = (self.graph.claims(hop), self.graph.rest(hop.to.0));
            let mut from = at.ready;
            while let Some(gap) = self.table.gap(claims, from, duration, at.until, self.keep) {
                let end = gap.start.saturating_add(duration);
                let ready = end.saturating_add(work);
                let until = self.table.free_until(rest, end, self.keep);
                if ready <= until {
                    let cost = (end.saturating_sub(at.ready).saturating_mul(self.bot.left(at.stage)))
                        .saturating_add(work.saturating_mul(self.bot.left(served)))
                        .saturating_add(duration / DRIVING_SHARE)
                        .saturating_add(u64::from(gap.evicts).saturating_mul(EVICTION_US))
                        .saturating_add(at.cost);
                    let leg = Leg { hop: id, start: gap.start, end };
                    let place = hop.to.0;
                    let via = Some((leg, index));
                    self.reach(State { place, stage: served, ready, until, cost, via, same: NONE });
                }
                if until == u64::MAX {
                    break;
                }
                // The next time begins when those have passed who need the place then.
                from = until;
            }
        }
    }

    fn legs(&self, index: u32) -> Vec<Leg> {
        let states = &self.room.states;
        let before = |state: &&State| states.get(state.via?.1 as usize);
        let states = std::iter::successors(states.get(index as usize), before);
        let mut legs: Vec<Leg> = states.filter_map(|state| Some(state.via?.0)).collect();
        legs.reverse();
        legs
    }
}

/// Takes a group out and weaves each of them in again, in this order, and whoever has to leave for them. Keeps the result
/// if everybody together then costs less. Returns whether it does, and the states looked at, about `limit` at most.
pub(crate) fn weave(table: &mut Timetable<'_>, group: &[usize], limit: u32, room: &mut Room) -> (bool, u32) {
    let mut used = 0_u32;
    let mut before: Vec<(usize, Vec<Leg>)> = Vec::new();
    let mut woven: Vec<usize> = Vec::new();
    // What they have cost together, and what they will cost at least: who is not woven in yet, as if it were alone.
    let (mut spent, mut least) = (0_u64, 0_u64);
    let mut leaving = group.to_vec();
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let complete = loop {
        for bot in leaving {
            let cost = table.cost(bot);
            if let Some(legs) = table.take_out(bot)
                && before.iter().all(|(other, _)| *other != bot)
            {
                spent = spent.saturating_add(cost);
                least = least.saturating_add(table.cost_alone(bot));
                before.push((bot, legs));
            }
            waiting.push_back(bot);
        }
        let Some(bot) = waiting.pop_front() else { break true };
        let others = least.saturating_sub(table.cost_alone(bot));
        let limits = Limits { states: limit.saturating_sub(used), below: spent.saturating_sub(others) };
        let (legs, looked) = way(table, bot, &woven, limits, room);
        used = used.saturating_add(looked).saturating_add(1);
        let Some(legs) = legs else { break false };
        leaving = table.in_the_way(bot, &legs);
        table.put_in(bot, legs);
        least = others.saturating_add(table.cost(bot));
        woven.push(bot);
        if group.len() + EVICTIONS_MAX < woven.len() + waiting.len() + leaving.len() {
            break false;
        }
    };
    if complete && least < spent {
        return (true, used);
    }
    for (bot, _) in &before {
        table.take_out(*bot);
    }
    for (bot, legs) in before {
        table.put_in(bot, legs);
    }
    (false, used)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use sheepdog_core::ResourceId;

    use super::*;
    use crate::{
        Planner, Problem,
        tests::{AMPLE, SPEEDS, problems},
    };

    /// The least cost of a way, found by trying every hop at every instant at which something becomes free.
    fn plain(table: &Timetable<'_>, bot: usize) -> Option<u64> {
        let (graph, state) = table.graph(bot)?;
        let spans: Vec<_> = table.spans().filter(|span| span.3 != Some(bot)).collect();
        let free = |claims: &[ResourceId], from: u64, to: u64| {
            !spans.iter().any(|(id, start, end, _)| claims.contains(id) && *start < to && from < *end)
        };
        let (stage, ready) = state.serve(0, state.start);
        let mut open = BinaryHeap::from([Reverse((0_u64, ready, stage, state.start, NONE))]);
        let mut seen: BTreeMap<(usize, u32, u32), Vec<(u64, u64)>> = BTreeMap::new();
        while let Some(Reverse((cost, ready, stage, place, last))) = open.pop() {
            // Whoever was here before, could have waited, and would not have lost more by it, does as well.
            let known = seen.entry((stage, place, last)).or_default();
            let as_good = |&(earlier, spent): &(u64, u64)| {
                earlier <= ready
                    && spent + (ready - earlier) * state.left(stage) <= cost
                    && free(graph.rest(place), earlier, ready)
            };
            if known.iter().any(as_good) {
                continue;
            }
            known.push((ready, cost));
            let stays = free(graph.rest(place), ready, u64::MAX);
            if stays && (!state.required || state.is_done(stage, place)) {
                return Some(cost);
            }
            for id in graph.out_range(place) {
                let hop = graph.hop(id)?;
                let turn = if last == NONE { 0 } else { graph.turn(last, id) };
                let duration = hop.time.as_micros() + turn;
                let ends = spans.iter().map(|span| span.2).filter(|end| ready < *end && *end < u64::MAX);
                for start in ends.chain([ready]) {
                    let end = start + duration;
                    let (served, work) = state.serve(stage, hop.to.0);
                    let waits = free(graph.rest(place), ready, end);
                    if waits
                        && free(graph.claims(hop), start, end)
                        && free(graph.rest(hop.to.0), end, end + work)
                    {
                        let more = (end - ready) * state.left(stage)
                            + work * state.left(served)
                            + duration / DRIVING_SHARE;
                        open.push(Reverse((cost + more, end + work, served, hop.to.0, id)));
                    }
                }
            }
        }
        None
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// A way is found exactly when there is one, it costs little more than the best, and it leaves everything valid.
        #[test]
        fn a_way_is_found_when_there_is_one((site, problem) in problems(), who in 0..7_usize) {
            let mut planner = Planner::new(site, &SPEEDS);
            let pending = planner.plan(&problem, AMPLE).moves;
            let problem = Problem { pending, ..problem };
            planner.with_timetable(&problem, |table| {
                let bots = table.scene().bots.len();
                let bot = who % bots.max(1);
                let others: Vec<usize> = (0..bots).filter(|other| *other != bot).collect();
                let Some(before) = table.take_out(bot) else { return Ok(()) };
                let best = plain(table, bot);
                let limits = Limits { states: u32::MAX, below: u64::MAX };
                let (found, _) = way(table, bot, &others, limits, &mut Room::default());
                prop_assert_eq!(found.is_some(), best.is_some());
                table.put_in(bot, found.unwrap_or(before));
                if let Some(best) = best {
                    // The search is greedy, and of ways to one place it keeps the cheapest and not the best turned.
                    let bound = best + best / GREED_SHARE + 6_000_000 * (1 + table.scene().bots[bot].left(0));
                    prop_assert!(table.cost(bot) <= bound, "{} above {best}", table.cost(bot));
                    prop_assert!(best <= table.cost(bot));
                }
                let mut board = crate::scene::Board::new(table.scene());
                prop_assert!(table.moves().into_iter().all(|step| board.advance(step)));
                Ok(())
            })?;
        }

        /// Whatever is woven, no two robots hold a resource at one time, and what is not better changes nothing.
        #[test]
        fn weaving_keeps_everybody_apart((site, problem) in problems(), groups in prop::collection::vec(any::<u8>(), 1..9)) {
            Planner::new(site, &SPEEDS).with_timetable(&problem, |table| {
                for members in groups {
                    let group: Vec<usize> =
                        (0..table.scene().bots.len()).filter(|bot| members >> bot & 1 == 1).collect();
                    let before: Vec<_> = table.spans().collect();
                    let (better, _) = weave(table, &group, 2_000, &mut Room::default());
                    let after: Vec<_> = table.spans().collect();
                    prop_assert!(better || before == after);
                    for pair in after.windows(2) {
                        let ((one, _, end, _), (other, start, ..)) = (pair[0], pair[1]);
                        prop_assert!(one != other || end <= start, "{pair:?}");
                    }
                    let mut board = crate::scene::Board::new(table.scene());
                    prop_assert!(table.moves().into_iter().all(|step| board.advance(step)));
                }
                Ok(())
            })?;
        }
    }
}
