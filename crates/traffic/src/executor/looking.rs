//! What can be asked of an executor.

use std::sync::Arc;

use sheepdog_core::{AgentId, LaneId, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{Executor, NOBODY, Pending, Track, Withheld, claims_of};
use crate::{PlannedMove, TRF_001};

impl Executor {
    /// Where each robot rests after its granted moves, sorted by agent. Costs O(robots + granted lanes).
    pub fn cut(&self) -> Vec<(AgentId, WaypointId)> {
        self.all().map(|(_, track)| (track.agent, self.cut_of(track))).collect()
    }

    /// Robots whose next move the next [`grant`](Self::grant) looks at, in no particular order.
    pub fn awake(&self) -> impl Iterator<Item = AgentId> {
        self.awake.iter().filter_map(|slot| self.agent_in(*slot))
    }

    /// Whether a robot has driven what it was granted and rests to work.
    pub fn is_visiting(&self, agent: AgentId) -> bool {
        let rests = |track: &&Track| track.granted.is_empty();
        let next = self.track(agent).filter(rests).and_then(|track| track.pending.front());
        next.is_some_and(Pending::is_visit)
    }

    /// How many visits of a robot are still to come.
    pub fn visits_ahead(&self, agent: AgentId) -> usize {
        let visits = |track: &Track| track.pending.iter().filter(|pending| pending.is_visit()).count();
        self.track(agent).map_or(0, visits)
    }

    /// Moves and visits of a robot that are not granted yet.
    pub fn moves_ahead(&self, agent: AgentId) -> usize {
        self.track(agent).map_or(0, |track| track.pending.len())
    }

    /// Why the robot's next move is not granted. `None` when it has none, or waits for nobody but itself: it has not
    /// driven what it was granted, or works.
    pub fn withheld(&self, agent: AgentId) -> Option<Withheld> {
        let (slot, track) =
            self.slots.get(&agent).and_then(|slot| Some((*slot, self.tracks.get(*slot as usize)?)))?;
        let next = track.pending.front()?;
        claims_of(&self.site, track.class, &next.lanes).into_iter().find_map(|resource| {
            let robot = || Some((self.agent_in(self.obstacle(slot, next.number, resource)?)?, TRF_001));
            let (by, rule) = self.outsider_on(resource).or_else(robot)?;
            Some(Withheld { agent, next_lanes: next.lanes.to_vec(), resource, by, rule })
        })
    }

    /// The robot that keeps a move from a resource: who holds it, or whose turn comes first.
    fn obstacle(&self, slot: u32, number: u64, resource: ResourceId) -> Option<u32> {
        let spot = self.spots.get(resource.index())?;
        let holder = (spot.holder != NOBODY && spot.holder != slot).then_some(spot.holder);
        holder.or_else(|| spot.front().filter(|turn| turn.number != number).map(|turn| turn.slot))
    }

    /// Why the robot waits, why the robot it waits for waits, and so on. The last one waits for a robot that only has
    /// to drive what it was granted, or to finish its work, or for a mover that nobody plans for. Costs O(robots) at most.
    pub fn blame(&self, agent: AgentId) -> Vec<Withheld> {
        let mut chain: Vec<Withheld> = Vec::new();
        let mut at = agent;
        while let Some(withheld) = self.withheld(at) {
            let (by, resource) = (withheld.by, withheld.resource);
            chain.push(withheld);
            // The order of the moves has no cycle, so the second bound only guards against a defect.
            if self.frees_by_driving(by, resource) || 2 * self.slots.len() < chain.len() {
                break;
            }
            at = by;
        }
        chain
    }

    /// Whether a robot gives a resource back when it has driven what it was granted.
    fn frees_by_driving(&self, agent: AgentId, resource: ResourceId) -> bool {
        self.track(agent).is_some_and(|track| {
            let rest = self.rest(track.class, self.cut_of(track));
            self.holder(resource) == Some(agent) && rest.binary_search(&resource).is_err()
        })
    }

    /// Who holds a resource.
    pub fn holder(&self, resource: ResourceId) -> Option<AgentId> {
        self.agent_in(self.spots.get(resource.index())?.holder)
    }

    /// Whose turn comes next at a resource, whoever holds it now.
    pub(super) fn first_in_line(&self, resource: ResourceId) -> Option<AgentId> {
        self.agent_in(self.spots.get(resource.index())?.front()?.slot)
    }

    /// What a robot holds, sorted; empty for an unknown robot. Costs O(claims of its granted lanes).
    pub fn held(&self, agent: AgentId) -> Vec<ResourceId> {
        let Some(track) = self.track(agent) else { return Vec::new() };
        let mut held: Vec<ResourceId> = self.needed(track).map(|(resource, _)| resource).collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    /// Granted lanes that a robot has not completed. The first has index [`done`](Self::done).
    pub fn granted(&self, agent: AgentId) -> Vec<LaneId> {
        self.track(agent).map_or_else(Vec::new, |track| track.granted_lanes().collect())
    }

    /// Lanes of the next move; none when that is a visit, or nothing is left.
    pub fn next_move(&self, agent: AgentId) -> &[LaneId] {
        let next = self.track(agent).and_then(|track| track.pending.front());
        next.map_or(&[], |pending| &pending.lanes)
    }

    /// Lanes of moves that are not granted yet, in order.
    pub fn pending(&self, agent: AgentId) -> Vec<LaneId> {
        let lanes =
            |track: &Track| track.pending.iter().flat_map(|pending| pending.lanes.iter().copied()).collect();
        self.track(agent).map_or_else(Vec::new, lanes)
    }

    /// Whether any robot at rest waits for another. Costs O(robots + claims of their next moves).
    pub fn anybody_waits(&self) -> bool {
        self.all().any(|(_, track)| track.granted.is_empty() && self.withheld(track.agent).is_some())
    }

    /// Moves and visits of all robots that are not granted yet, in the order of the plan. Costs O(moves log moves).
    pub fn pending_moves(&self) -> Vec<PlannedMove> {
        self.numbered_moves().into_iter().map(|(_, planned)| planned).collect()
    }

    /// Moves and visits that are not granted yet, by their numbers.
    pub(super) fn numbered_moves(&self) -> Vec<(u64, PlannedMove)> {
        let mut moves: Vec<(u64, PlannedMove)> = Vec::new();
        for (_, track) in self.all() {
            let planned =
                |pending: &Pending| PlannedMove { agent: track.agent, lanes: pending.lanes.clone() };
            moves.extend(track.pending.iter().map(|pending| (pending.number, planned(pending))));
        }
        moves.sort_unstable_by_key(|(number, _)| *number);
        moves
    }

    /// Lanes a robot has completed since it was placed.
    pub fn done(&self, agent: AgentId) -> Option<u32> {
        self.track(agent).map(|track| track.done)
    }

    /// The waypoint a robot reached last.
    pub fn at(&self, agent: AgentId) -> Option<WaypointId> {
        self.track(agent).map(|track| track.at)
    }

    /// Where a robot rests after its granted moves.
    pub fn rests_at(&self, agent: AgentId) -> Option<WaypointId> {
        self.track(agent).map(|track| self.cut_of(track))
    }

    /// Where a robot rests after its granted and pending moves.
    pub fn ends_at(&self, agent: AgentId) -> Option<WaypointId> {
        self.track(agent).map(|track| self.end_of(track))
    }

    /// Whether a robot is placed and has nothing granted or pending.
    pub fn is_idle(&self, agent: AgentId) -> bool {
        self.track(agent).is_some_and(|track| track.granted.is_empty() && track.pending.is_empty())
    }

    /// Placed robots, sorted.
    pub fn agents(&self) -> impl Iterator<Item = AgentId> {
        self.slots.keys().copied()
    }

    /// The site it works on.
    pub fn site(&self) -> &Arc<CompiledSite> {
        &self.site
    }

    /// Slots and tracks of all robots, in the order of their numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Track)> {
        self.slots.values().filter_map(|&slot| Some((slot, self.tracks.get(slot as usize)?)))
    }
}
