//! Whose turn comes first is changed when somebody is late.
//!
//! The pending moves are a linear sequence that can be carried out. A robot that waits for nothing but the turn of
//! another one, which is not there yet, may take its next moves before that turn: they are lifted out of the sequence
//! and put in front of it. The sequence can still be carried out when two things hold:
//! * at that point of the sequence nobody else rests on what the lifted moves claim;
//! * from there until where the last of them was, nobody else claims the place at which it ends.
//!
//! So the dependency graph stays free of cycles, because its edges still point along a sequence; and a robot is through
//! a corridor, with a place of its own behind it, before anybody enters from the other side.

use sheepdog_core::{AgentId, LaneId, Mm, ResourceId};

use super::{Executor, NOBODY, Overtaking, Pending, STRIDE, Track, Turn, claims_of};
use crate::TRF_010;

/// Moves that are put in front at once, at most.
const LIFTED_MAX: usize = 24;

impl Executor {
    /// Puts the next moves of a robot in front of the turns for which it waits, when whoever has those turns loses
    /// nothing by it: has at least as far to drive until then as the robot to clear its way, or is late by what
    /// `is_late` says. `None`, and no effect, when the robot waits for something else, or the moves could not all be
    /// carried out any more.
    ///
    /// The next [`grant`](Self::grant) looks at the robot. Costs O(claims of the moves), each times a logarithm of its
    /// queue and the moves that are overtaken there.
    pub fn overtake(&mut self, agent: AgentId, is_late: &dyn Fn(AgentId) -> bool) -> Option<Overtaking> {
        let slot = *self.slots.get(&agent)?;
        let track = self.tracks.get(slot as usize)?;
        let (turn, resource) = self.turn_waited_for(slot, track)?;
        let other = self.tracks.get(turn.slot as usize)?;
        // Just before the turn, or before the other robot leaves where it is.
        let places = [turn.number, other.pending.front()?.number];
        let (before, moves) = places.into_iter().find_map(|before| {
            let moves = self.moves_that_fit(slot, track, before)?;
            self.is_harmless(slot, track, (before, moves), is_late).then_some((before, moves))
        })?;
        let by = other.agent;
        self.lift(slot, before, moves)?;
        self.wake(slot);
        let moves = u32::try_from(moves).unwrap_or(u32::MAX);
        Some(Overtaking { agent, by, resource, moves, rule: TRF_010 })
    }

    /// The first turn that keeps a robot from its next move, when nothing else does.
    fn turn_waited_for(&self, slot: u32, track: &Track) -> Option<(Turn, ResourceId)> {
        let next = track.pending.front().filter(|next| !next.is_visit())?;
        let mut first: Option<(Turn, ResourceId)> = None;
        for resource in claims_of(&self.site, track.class, &next.lanes) {
            let spot = self.spots.get(resource.index())?;
            if spot.outsider.is_some() || (spot.holder != NOBODY && spot.holder != slot) {
                return None;
            }
            let turn = spot.front().filter(|turn| turn.number != next.number);
            if let Some(turn) = turn.filter(|turn| first.is_none_or(|first| turn.number < first.0.number)) {
                first = Some((turn, resource));
            }
        }
        first
    }

    /// How many of a robot's next moves can be carried out just before the move with number `before`, so that it is in
    /// nobody's way afterwards.
    fn moves_that_fit(&self, slot: u32, track: &Track, before: u64) -> Option<usize> {
        for (index, pending) in track.pending.iter().take(LIFTED_MAX).enumerate() {
            let claims = claims_of(&self.site, track.class, &pending.lanes);
            if pending.is_visit() || claims.iter().any(|resource| self.is_rested_on(*resource, slot, before))
            {
                return None;
            }
            let end = self.end_of_lanes(&pending.lanes)?;
            let in_the_way =
                |resource: &ResourceId| self.others_between(*resource, slot, before, pending.number);
            if !self.rest(track.class, end).iter().any(in_the_way) {
                return Some(index + 1);
            }
        }
        None
    }

    /// Whether somebody else rests on a resource when all moves below a number are done.
    fn is_rested_on(&self, resource: ResourceId, slot: u32, before: u64) -> bool {
        let Some(spot) = self.spots.get(resource.index()) else { return false };
        let earlier = spot.queue.below(before);
        let (who, at) = match earlier.checked_sub(1).and_then(|last| spot.queue.get(last)) {
            Some(turn) => {
                let Some(track) = self.tracks.get(turn.slot as usize) else { return false };
                let index = track.pending.binary_search_by_key(&turn.number, |pending| pending.number);
                let pending = index.ok().and_then(|index| track.pending.get(index));
                (turn.slot, pending.and_then(|pending| self.end_of_lanes(&pending.lanes)))
            }
            None => (spot.holder, self.tracks.get(spot.holder as usize).map(|track| self.cut_of(track))),
        };
        let class = self.tracks.get(who as usize).map(|track| track.class);
        let rest = class.zip(at).map_or(&[][..], |(class, at)| self.rest(class, at));
        who != slot && rest.binary_search(&resource).is_ok()
    }

    /// Whether somebody else has a turn at a resource with a number from `before` up to `until`.
    fn others_between(&self, resource: ResourceId, slot: u32, before: u64, until: u64) -> bool {
        self.overtaken(resource, before, until).any(|turn| turn.slot != slot)
    }

    fn overtaken(&self, resource: ResourceId, before: u64, until: u64) -> impl Iterator<Item = Turn> {
        let queue = self.spots.get(resource.index()).map(|spot| &spot.queue);
        queue.into_iter().flat_map(move |queue| {
            queue.range(queue.below(before)..).take_while(move |turn| turn.number < until)
        })
    }

    /// Whether everybody whose turn would come later is late, or far enough away.
    fn is_harmless(
        &self,
        slot: u32,
        track: &Track,
        (before, moves): (u64, usize),
        is_late: &dyn Fn(AgentId) -> bool,
    ) -> bool {
        let lifted = || track.pending.iter().take(moves);
        let way =
            lifted().flat_map(|pending| &pending.lanes).fold(track.ahead, |way, lane| self.add(way, *lane));
        let loses = |turn: Turn| {
            let agent = self.agent_in(turn.slot);
            turn.slot != slot && !agent.is_some_and(is_late) && !self.drives(turn, way)
        };
        !lifted().any(|pending| {
            let claims = claims_of(&self.site, track.class, &pending.lanes);
            claims.into_iter().any(|resource| self.overtaken(resource, before, pending.number).any(loses))
        })
    }

    /// Whether a robot has at least so far to drive until its turn.
    fn drives(&self, turn: Turn, way: Mm) -> bool {
        let Some(track) = self.tracks.get(turn.slot as usize) else { return true };
        let mut ahead = track.ahead;
        let earlier = track.pending.iter().take_while(|pending| pending.number < turn.number);
        for &lane in earlier.flat_map(|pending| &pending.lanes) {
            if way <= ahead {
                break;
            }
            ahead = self.add(ahead, lane);
        }
        way <= ahead
    }

    fn add(&self, way: Mm, lane: LaneId) -> Mm {
        self.way(lane).map_or(way, |lane| way.saturating_add(lane.length))
    }

    /// Gives the next moves of a robot numbers just below `before`, and their turns the places of these. `None`, and no
    /// effect, when there are no such numbers left.
    fn lift(&mut self, slot: u32, before: u64, moves: usize) -> Option<()> {
        let below = before.saturating_sub(1) / STRIDE * STRIDE;
        let taken = self.between.range(..before).next_back().copied().unwrap_or(0).max(below);
        let step = (before - taken) / (moves as u64 + 1);
        if step == 0 {
            return None;
        }
        let track = self.tracks.get_mut(slot as usize)?;
        for (pending, place) in track.pending.iter_mut().take(moves).zip(1..) {
            let Pending { number, lanes } = pending;
            let (old, new) = (*number, taken + place * step);
            *number = new;
            self.between.remove(&old);
            self.between.insert(new);
            for resource in claims_of(&self.site, track.class, lanes) {
                let Some(spot) = self.spots.get_mut(resource.index()) else { continue };
                spot.queue.remove(old);
                spot.queue.insert(Turn { number: new, slot });
            }
        }
        Some(())
    }
}
