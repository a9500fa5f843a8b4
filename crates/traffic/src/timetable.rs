//! A joint plan in time: which robot holds which resource from when to when.

use sheepdog_core::ResourceId;

use crate::{
    hop::HopGraph,
    polish::DRIVING_SHARE,
    scene::{Board, Bot, Clock, Scene, Step},
    table::Table,
};

/// A hop of one robot in time, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) hop: u32,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// A time in which one robot holds a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u64,
    /// `u64::MAX` when it stays for good.
    end: u64,
    /// `None` for what nobody may claim.
    bot: Option<usize>,
}

/// What a robot that does not do all it has to is taken to cost: more than any way.
const UNSERVED_US: u64 = 1 << 50;
/// After its last work a robot can be asked to be gone within this time, or that of its quickest hop.
const LEAVE_US: u64 = 4_000_000;

/// The legs of every robot, and by resource the time that they take.
///
/// Spans of a resource never overlap, so the legs in the order of their ends are a valid sequence of moves: whoever
/// rests where a leg passes has a span there until then.
#[derive(Clone, Debug)]
pub(crate) struct Timetable<'a> {
    scene: Scene<'a>,
    /// Sorted.
    spans: Vec<Vec<Span>>,
    /// `None` for who is taken out.
    legs: Vec<Option<Vec<Leg>>>,
    /// When each robot is done with its legs and work, and could be gone from where it rests then.
    gone: Table<u64>,
}

/// The memory of a timetable, for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Vec<Vec<Span>>);

/// A time in which a leg can be driven, and who would have to leave its place of rest for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    pub(crate) start: u64,
    /// How many resources others would have to leave.
    pub(crate) evicts: u32,
}

impl<'a> Timetable<'a> {
    /// Dates moves that can be carried out one after the other; each starts as soon as possible. `room` is that of a timetable
    /// before, or empty.
    pub(crate) fn new(scene: Scene<'a>, moves: &[Step], Room(mut spans): Room) -> Self {
        spans.iter_mut().for_each(Vec::clear);
        spans.resize(scene.resources, Vec::new());
        let mut legs: Vec<Option<Vec<Leg>>> =
            scene.bots.iter().map(|bot| (!bot.fixed).then(Vec::new)).collect();
        let mut clock = Clock::new(scene);
        for &step in moves {
            let Some(Some(legs)) = legs.get_mut(step.bot) else { continue };
            let last = legs.last().map_or(0, |leg: &Leg| leg.hop + 1);
            let end = clock.run(step, 0);
            let start = end.saturating_sub(scene.duration(last, step));
            legs.push(Leg { hop: step.hop, start, end });
        }
        let mut table = Self { scene, spans, legs: Vec::new(), gone: Table::new(scene.bots.len(), u64::MAX) };
        for resource in scene.blocked {
            table.put(*resource, Span { start: 0, end: u64::MAX, bot: None });
        }
        for (bot, legs) in legs.iter().enumerate() {
            let mut spans = Vec::new();
            if let Some(legs) = legs {
                table.holds(bot, legs, |resource, start, end| spans.push((resource, start, end)));
                table.gone.set(bot, table.gone_after(bot, legs));
            }
            for (resource, start, end) in spans {
                if let Some(row) = table.spans.get_mut(resource.index()) {
                    row.push(Span { start, end, bot: Some(bot) });
                }
            }
        }
        for row in &mut table.spans {
            row.sort_unstable_by_key(|span| span.start);
        }
        table.legs = legs;
        table
    }

    /// The moves that can still be carried out, of those planned before: who cannot make one of its moves makes no later
    /// one.
    pub(crate) fn carried_over(scene: Scene<'_>, old: &[Step]) -> Vec<Step> {
        let mut board = Board::new(scene);
        let mut broken = vec![false; scene.bots.len()];
        let possible = |step: &&Step| {
            let Some(broken) = broken.get_mut(step.bot).filter(|broken| !**broken) else { return false };
            *broken = !board.advance(**step);
            !*broken
        };
        old.iter().filter(possible).copied().collect()
    }

    /// Who holds a resource from when to when, by resource; for tests that look at everything.
    #[cfg(test)]
    pub(crate) fn spans(&self) -> impl Iterator<Item = (ResourceId, u64, u64, Option<usize>)> {
        let of = |(id, row): (u32, &'_ Vec<Span>)| {
            row.iter().map(move |span| (ResourceId(id), span.start, span.end, span.bot)).collect::<Vec<_>>()
        };
        (0..).zip(&self.spans).flat_map(of)
    }

    /// Its memory.
    pub(crate) fn into_room(self) -> Room {
        Room(self.spans)
    }

    pub(crate) const fn scene(&self) -> Scene<'a> {
        self.scene
    }

    /// The legs of a robot; `None` when it is taken out or never moves.
    pub(crate) fn legs(&self, bot: usize) -> Option<&[Leg]> {
        self.legs.get(bot)?.as_deref()
    }

    /// All legs as moves, one after the other.
    pub(crate) fn moves(&self) -> Vec<Step> {
        let of = |(bot, legs): (usize, &Option<Vec<Leg>>)| {
            let legs = legs.clone().unwrap_or_default();
            legs.into_iter().map(move |leg| (leg.end, bot, leg.hop))
        };
        let mut dated: Vec<(u64, usize, u32)> = self.legs.iter().enumerate().flat_map(of).collect();
        dated.sort_unstable();
        dated.into_iter().map(|(_, bot, hop)| Step { bot, hop }).collect()
    }

    /// Takes a robot out and returns its legs.
    pub(crate) fn take_out(&mut self, bot: usize) -> Option<Vec<Leg>> {
        let legs = self.legs.get_mut(bot)?.take()?;
        let mut held = Vec::new();
        self.holds(bot, &legs, |resource, start, _| held.push((resource, start)));
        for (resource, start) in held {
            if let Some(row) = self.spans.get_mut(resource.index()) {
                let at = row.partition_point(|span| span.start < start);
                if row.get(at).is_some_and(|span| span.bot == Some(bot)) {
                    row.remove(at);
                }
            }
        }
        Some(legs)
    }

    /// Puts a robot in that was taken out, with legs that fit between those of the others.
    pub(crate) fn put_in(&mut self, bot: usize, legs: Vec<Leg>) {
        let mut held = Vec::new();
        self.holds(bot, &legs, |resource, start, end| held.push((resource, start, end)));
        for (resource, start, end) in held {
            self.put(resource, Span { start, end, bot: Some(bot) });
        }
        self.gone.set(bot, self.gone_after(bot, &legs));
        if let Some(slot) = self.legs.get_mut(bot) {
            *slot = Some(legs);
        }
    }

    fn put(&mut self, resource: ResourceId, span: Span) {
        if let Some(row) = self.spans.get_mut(resource.index()) {
            let at = row.partition_point(|other| other.start < span.start);
            debug_assert!(row.get(at).is_none_or(|next| span.end <= next.start), "spans do not overlap");
            row.insert(at, span);
        }
    }

    /// What a robot holds that drives these legs, and from when to when.
    fn holds(&self, bot: usize, legs: &[Leg], mut put: impl FnMut(ResourceId, u64, u64)) {
        let (Some(graph), Some(state)) = (self.scene.graph(bot), self.scene.bots.get(bot)) else { return };
        let mut held: Vec<(ResourceId, u64)> =
            graph.rest(state.start).iter().map(|&resource| (resource, 0)).collect();
        for leg in legs {
            for &resource in graph.hop_claims(leg.hop) {
                if held.iter().all(|(other, _)| *other != resource) {
                    held.push((resource, leg.start));
                }
            }
            let rest = graph.hop(leg.hop).map_or(&[][..], |hop| graph.rest(hop.to.0));
            held.retain(|&(resource, start)| {
                let stays = rest.contains(&resource);
                if !stays {
                    put(resource, start, leg.end);
                }
                stays
            });
        }
        for (resource, start) in held {
            put(resource, start, u64::MAX);
        }
    }

    /// What the way of a robot costs: for each visit and goal the time until it is done, and a share of the driving; what lies
    /// beyond the plan as if it were alone. It is beyond all measure when too little is done. Work that it has begun counts for
    /// nothing.
    pub(crate) fn cost(&self, bot: usize) -> u64 {
        let Some((graph, state)) = self.graph(bot) else { return 0 };
        let Some(legs) = self.legs(bot) else { return 0 };
        let (mut stage, mut ready) = state.serve(0, state.start);
        let (mut cost, mut place) = (0_u64, state.start);
        let mut driving = 0_u64;
        for leg in legs {
            place = graph.hop(leg.hop).map_or(place, |hop| hop.to.0);
            let (served, work) = state.serve(stage, place);
            cost = cost
                .saturating_add(leg.end.saturating_sub(ready).saturating_mul(state.left(stage)))
                .saturating_add(work.saturating_mul(state.left(served)));
            driving = driving.saturating_add(leg.end.saturating_sub(leg.start));
            (stage, ready) = (served, leg.end.saturating_add(work));
        }
        let served = !state.required || state.is_half_done(stage, place);
        cost.saturating_add(driving / DRIVING_SHARE)
            .saturating_add(state.at_least(stage, place))
            .saturating_add(if served { 0 } else { UNSERVED_US })
    }

    /// By how much the way of a robot costs more than if it were alone.
    pub(crate) fn loss(&self, bot: usize) -> u64 {
        let is_required = self.graph(bot).is_some_and(|(_, bot)| bot.required);
        if is_required { self.cost(bot).saturating_sub(self.cost_alone(bot)) } else { 0 }
    }

    /// What the way of a robot would cost if it were alone: at least what it costs.
    pub(crate) fn cost_alone(&self, bot: usize) -> u64 {
        self.graph(bot).map_or(0, |(_, state)| state.at_least(state.serve(0, state.start).0, state.start))
    }

    /// Visits that a robot has done after its first legs, and where it rests then.
    fn end(&self, bot: usize, legs: usize) -> (usize, u32) {
        let Some((graph, state)) = self.graph(bot) else { return (0, 0) };
        let start = (state.serve(0, state.start).0, state.start);
        let hops = self.legs(bot).unwrap_or(&[]).iter().take(legs).filter_map(|leg| graph.hop(leg.hop));
        hops.fold(start, |(stage, _), hop| (state.serve(stage, hop.to.0).0, hop.to.0))
    }

    /// Whether a robot has legs beyond what it has to do, or does not do it all, or will soon have none left.
    pub(crate) fn is_amiss(&self, bot: usize) -> bool {
        let Some((_, state)) = self.graph(bot) else { return false };
        let legs = self.legs(bot).map_or(0, <[Leg]>::len);
        let (stage, place) = self.end(bot, usize::MAX);
        let early = || {
            let (stage, place) = self.end(bot, legs.saturating_sub(1));
            state.is_finished(stage, place)
        };
        !state.is_half_done(stage, place) || (0 < legs && early())
    }

    /// Whether a robot does all that it has to, as far as the plan has to cover it.
    pub(crate) fn is_served(&self, bot: usize) -> bool {
        let (stage, place) = self.end(bot, usize::MAX);
        self.graph(bot).is_some_and(|(_, state)| state.is_half_done(stage, place))
    }

    /// When a robot that is done with these legs and its work could be gone.
    fn gone_after(&self, bot: usize, legs: &[Leg]) -> u64 {
        let (Some(graph), Some(state)) = (self.scene.graph(bot), self.scene.bots.get(bot)) else {
            return u64::MAX;
        };
        let (stage, ready) = state.serve(0, state.start);
        let (_, ready, place) = legs.iter().fold((stage, ready, state.start), |(stage, _, place), leg| {
            let place = graph.hop(leg.hop).map_or(place, |hop| hop.to.0);
            let (served, work) = state.serve(stage, place);
            (served, leg.end.saturating_add(work), place)
        });
        let hops = graph.out_range(place).filter_map(|id| graph.hop(id));
        let quickest = hops.map(|hop| hop.time.as_micros()).min().unwrap_or(0);
        ready.saturating_add(quickest.max(LEAVE_US))
    }

    /// From when on whoever holds a resource for good could be gone; `None` if never.
    fn gone(&self, span: &Span, keep: &[usize]) -> Option<u64> {
        let bot = span.bot.filter(|bot| span.end == u64::MAX && !keep.contains(bot))?;
        Some(self.gone.at(bot))
    }

    /// The earliest time from `from` on in which all of `claims` are free for `duration`, if it ends until `until`. Robots
    /// that have settled there count as gone, but for those in `keep`.
    pub(crate) fn gap(
        &self,
        claims: &[ResourceId],
        from: u64,
        duration: u64,
        until: u64,
        keep: &[usize],
    ) -> Option<Gap> {
        let mut start = from;
        let mut evicts = 0;
        let mut agreed = 0;
        for resource in claims.iter().cycle() {
            let end = start.saturating_add(duration);
            if until < end {
                return None;
            }
            if agreed == claims.len() {
                return Some(Gap { start, evicts });
            }
            agreed += 1;
            match self.next(*resource, start).filter(|span| span.start < end) {
                None => {}
                Some(span) if span.end == u64::MAX => match self.gone(span, keep)? {
                    gone if gone <= start => evicts += 1,
                    gone => (start, agreed, evicts) = (gone, 0, 0),
                },
                Some(span) => (start, agreed, evicts) = (span.end, 0, 0),
            }
        }
        Some(Gap { start, evicts })
    }

    /// Until when a place stays free that is free at `from`; robots that have settled there count as gone.
    pub(crate) fn free_until(&self, rest: &[ResourceId], from: u64, keep: &[usize]) -> u64 {
        let ends = rest.iter().map(|&resource| match self.next(resource, from) {
            Some(span) if self.gone(span, keep).is_some_and(|gone| gone <= from) => u64::MAX,
            Some(span) => span.start,
            None => u64::MAX,
        });
        ends.min().unwrap_or(u64::MAX)
    }

    /// Robots other than this one that have spans where these legs would be.
    pub(crate) fn in_the_way(&self, bot: usize, legs: &[Leg]) -> Vec<usize> {
        let mut others = Vec::new();
        self.holds(bot, legs, |resource, start, end| {
            let row = self.spans.get(resource.index()).map_or(&[][..], Vec::as_slice);
            let first = row.partition_point(|span| span.end <= start);
            let met = row.get(first..).unwrap_or(&[]).iter().take_while(|span| span.start < end);
            others.extend(met.filter_map(|span| span.bot).filter(|&other| other != bot));
        });
        others.sort_unstable();
        others.dedup();
        others
    }

    /// The first span of a resource that ends after an instant.
    fn next(&self, resource: ResourceId, after: u64) -> Option<&Span> {
        let row = self.spans.get(resource.index())?;
        row.get(row.partition_point(|span| span.end <= after))
    }

    pub(crate) fn graph(&self, bot: usize) -> Option<(&'a HopGraph, &'a Bot)> {
        Some((self.scene.graph(bot)?, self.scene.bots.get(bot)?))
    }
}
