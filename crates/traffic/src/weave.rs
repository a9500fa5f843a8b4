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
/// Times in which one place is reached by one hop.
const GAPS_MAX: usize = 6;

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

/// The search prefers what is near its end: ways may cost one part in this many more than the best.
const GREED_SHARE: u64 = 4;
/// No state.
const NONE: u32 = u32::MAX;

struct Search<'t, 'a> {
    table: &'t Timetable<'a>,
    graph: &'a HopGraph,
    bot: &'a Bot,
    /// Who must not be asked to leave.
    keep: &'t [usize],
    states: Vec<State>,
    /// The newest state by stage and place.
    newest: Vec<Table<u32>>,
    queue: BinaryHeap<Reverse<(u64, u64, u32)>>,
}

/// The best way of a robot that is taken out, between those of the others. Looks at up to `limit` states and returns how
/// many it looked at.
fn way(table: &Timetable<'_>, bot: usize, keep: &[usize], limit: u32) -> (Option<Vec<Leg>>, u32) {
    let Some((graph, state)) = table.graph(bot).filter(|(_, bot)| !bot.fixed) else { return (None, 0) };
    let newest = vec![Table::new(graph.waypoints(), NONE); state.visits.len() + 1];
    let mut search =
        Search { table, graph, bot: state, keep, states: Vec::new(), newest, queue: BinaryHeap::new() };
    let (stage, ready) = state.serve(0, state.start);
    let until = table.free_until(graph.rest(state.start), 0, keep);
    search.reach(State { place: state.start, stage, ready, until, cost: 0, via: None, same: NONE });
    let mut looked = 0;
    while let Some(Reverse((_, _, index))) = search.queue.pop() {
        let Some(&at) = search.states.get(index as usize) else { continue };
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
        let Some(newest) = self.newest.get_mut(state.stage) else { return };
        let mut other = newest.at(state.place as usize);
        state.same = other;
        while let Some(known) = self.states.get(other as usize) {
            if known.until == state.until && known.cost <= state.cost && known.ready <= state.ready {
                return;
            }
            other = known.same;
        }
        let index = u32::try_from(self.states.len()).unwrap_or(NONE);
        newest.set(state.place as usize, index);
        let rest = self.bot.at_least(state.stage, state.place);
        let least = state.cost.saturating_add(rest).saturating_add(rest / GREED_SHARE);
        self.queue.push(Reverse((least, u64::MAX - state.ready, index)));
        self.states.push(state);
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
            for _ in 0..GAPS_MAX {
                let Some(gap) = self.table.gap(claims, from, duration, at.until, self.keep) else { break };
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
        let before = |state: &&State| self.states.get(state.via?.1 as usize);
        let states = std::iter::successors(self.states.get(index as usize), before);
        let mut legs: Vec<Leg> = states.filter_map(|state| Some(state.via?.0)).collect();
        legs.reverse();
        legs
    }
}

/// Takes a group out and weaves each of them in again, in this order, and whoever has to leave for them. Keeps the result
/// if everybody together then costs less. Returns whether it does, and the states looked at, about `limit` at most.
pub(crate) fn weave(table: &mut Timetable<'_>, group: &[usize], limit: u32) -> (bool, u32) {
    let mut used = 0_u32;
    let mut before: Vec<(usize, Vec<Leg>)> = Vec::new();
    let mut woven: Vec<usize> = Vec::new();
    let mut cost_before = 0_u64;
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut out = |table: &mut Timetable<'_>, bot: usize| {
        let cost = table.cost(bot);
        if let Some(legs) = table.take_out(bot)
            && before.iter().all(|(other, _)| *other != bot)
        {
            cost_before = cost_before.saturating_add(cost);
            before.push((bot, legs));
        }
    };
    for &bot in group {
        out(table, bot);
        waiting.push_back(bot);
    }
    let mut complete = true;
    while let Some(bot) = waiting.pop_front() {
        let (legs, looked) = way(table, bot, &woven, limit.saturating_sub(used));
        used = used.saturating_add(looked).saturating_add(1);
        let Some(legs) = legs else {
            complete = false;
            break;
        };
        for other in table.in_the_way(bot, &legs) {
            out(table, other);
            waiting.push_back(other);
        }
        table.put_in(bot, legs);
        woven.push(bot);
        if group.len() + EVICTIONS_MAX < woven.len() + waiting.len() {
            complete = false;
            break;
        }
    }
    let after = before.iter().fold(0_u64, |sum, (bot, _)| sum.saturating_add(table.cost(*bot)));
    if complete && after < cost_before {
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
