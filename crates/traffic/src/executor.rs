//! The dependency graph that turns plans into releases.
//!
//! Every resource has a holder and a queue of the moves that will claim it, in the order of the plan. A move is
//! granted, as a whole, when it comes first in the queue of every resource it claims and nobody else holds one of
//! them. A robot gives a resource back when it has cleared it.
//!
//! Invariants, checked by [`Executor::verify`]:
//! * *Exclusion*: a resource has one holder, and a robot holds all it needs for its granted way and its place.
//! * *Progress*: with every robot at rest at the end of its granted moves, the pending moves can be carried out in
//!   the order of their numbers. So the earliest pending move never waits for a later one, and any finite delay of
//!   driving or working ends.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use sheepdog_core::{AgentId, LaneId, Mm, ResourceId, WaypointId};
use sheepdog_map::{ClassClaims, CompiledSite};

use smallvec::SmallVec;

use crate::{Lanes, Plan, PlannedMove, TRF_001};

mod state;
mod types;

pub use types::{
    AppendError, Grant, PlaceError, RestoreError, ShrinkError, Snapshot, TrackSnapshot, VerifyError, Withheld,
};

/// Queues, holders and tracks of all robots of a site.
///
/// It knows nothing of time: [`complete`](Self::complete) is the only thing that frees a claim. The calls of the
/// running fleet ([`grant`](Self::grant), [`complete`](Self::complete), [`withheld`](Self::withheld)) cost
/// O(claims touched + robots woken), each times a logarithm; what costs more says so.
#[derive(Clone, Debug)]
pub struct Executor {
    site: Arc<CompiledSite>,
    tracks: BTreeMap<AgentId, Track>,
    holder: Vec<Option<AgentId>>,
    /// Whose turn it is at each resource; the numbers grow from front to back.
    queues: Vec<VecDeque<Turn>>,
    /// Robots whose next move may have become grantable.
    awake: BTreeSet<AgentId>,
    next_number: u64,
    horizon: Mm,
}

/// A move of a plan that fits, with its claims.
type CheckedMove = (AgentId, Lanes, Claims);

/// Sorted resources of a move.
type Claims = SmallVec<[ResourceId; 8]>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    agent: AgentId,
    number: u64,
}

#[derive(Clone, Debug)]
struct Track {
    class: usize,
    done: u32,
    at: WaypointId,
    granted: VecDeque<Granted>,
    pending: VecDeque<Pending>,
    /// Sorted.
    held: Vec<ResourceId>,
    /// Length of the granted lanes that are not completed.
    ahead: Mm,
}

#[derive(Clone, Debug)]
struct Granted {
    number: u64,
    lanes: VecDeque<LaneId>,
}

/// A move, or a visit: that has no lanes, claims nothing, and is over when [`Executor::work_done`] says so.
#[derive(Clone, Debug)]
struct Pending {
    number: u64,
    lanes: Lanes,
    claims: Claims,
}

impl Pending {
    fn is_visit(&self) -> bool {
        self.lanes.is_empty()
    }
}

impl Track {
    fn granted_lanes(&self) -> impl DoubleEndedIterator<Item = LaneId> {
        self.granted.iter().flat_map(|granted| granted.lanes.iter().copied())
    }

    fn granted_total(&self) -> u32 {
        let ahead = self.granted.iter().map(|granted| granted.lanes.len()).sum::<usize>();
        self.done.saturating_add(u32::try_from(ahead).unwrap_or(u32::MAX))
    }
}

impl Executor {
    /// An executor without robots.
    pub fn new(site: Arc<CompiledSite>) -> Self {
        let resources = site.resources().len();
        Self {
            site,
            tracks: BTreeMap::new(),
            holder: vec![None; resources],
            queues: vec![VecDeque::new(); resources],
            awake: BTreeSet::new(),
            next_number: 0,
            horizon: Mm::ZERO,
        }
    }

    /// Puts a robot at rest at a waypoint, with the claims of the place. A new epoch of the robot begins.
    ///
    /// # Errors
    /// [`PlaceError`] when the robot is placed already, the site does not know the place, or another robot holds
    /// or awaits what the place claims.
    pub fn place(&mut self, agent: AgentId, class: usize, at: WaypointId) -> Result<(), PlaceError> {
        if self.tracks.contains_key(&agent) {
            return Err(PlaceError::Placed { agent });
        }
        let (Some(claims), Some(_)) = (self.site.classes().get(class), self.site.waypoint(at)) else {
            return Err(PlaceError::Unknown { class, at });
        };
        for &resource in claims.at(at) {
            if let Some(by) = self.holder(resource) {
                return Err(PlaceError::Held { at, resource, by });
            }
            if let Some(turn) = self.front(resource) {
                return Err(PlaceError::Awaited { at, resource, by: turn.agent });
            }
        }
        let held = claims.at(at).to_vec();
        for &resource in &held {
            set_holder(&mut self.holder, resource, Some(agent));
        }
        let (granted, pending) = (VecDeque::new(), VecDeque::new());
        self.tracks.insert(agent, Track { class, done: 0, at, granted, pending, held, ahead: Mm::ZERO });
        Ok(())
    }

    /// Frees everything of a robot that was taken away, its pending moves included. `false` if it is not placed.
    ///
    /// The moves of the others stay valid: there is only more room. Costs O(turns in the queues it was in).
    pub fn remove(&mut self, agent: AgentId) -> bool {
        let Some(track) = self.tracks.remove(&agent) else {
            return false;
        };
        for resource in track.pending.iter().flat_map(|pending| &pending.claims) {
            if let Some(queue) = self.queues.get_mut(resource.index()) {
                queue.retain(|turn| turn.agent != agent);
            }
        }
        for &resource in &track.held {
            set_holder(&mut self.holder, resource, None);
        }
        for &resource in track.held.iter().chain(track.pending.iter().flat_map(|pending| &pending.claims)) {
            self.wake_front(resource);
        }
        self.awake.remove(&agent);
        true
    }

    /// Puts a robot at rest at another waypoint, because its pose proves that it stands there. A new epoch begins.
    ///
    /// What it was granted and not needed there is freed; pending moves of everyone are forgotten, because they were
    /// planned for where the robot would have been.
    ///
    /// # Errors
    /// [`PlaceError`] when the robot or the place is unknown, or another robot holds what the place claims; then
    /// nothing has changed.
    pub fn relocate(&mut self, agent: AgentId, at: WaypointId) -> Result<(), PlaceError> {
        let class =
            self.tracks.get(&agent).map(|track| track.class).ok_or(PlaceError::NotPlaced { agent })?;
        let (Some(claims), Some(_)) = (self.site.classes().get(class), self.site.waypoint(at)) else {
            return Err(PlaceError::Unknown { class, at });
        };
        let taken = |resource: &ResourceId| {
            self.holder(*resource).filter(|by| *by != agent).map(|by| (*resource, by))
        };
        if let Some((resource, by)) = claims.at(at).iter().find_map(taken) {
            return Err(PlaceError::Held { at, resource, by });
        }
        self.remove(agent);
        self.drop_pending();
        self.place(agent, class, at)
    }

    /// Forgets every move that is not granted yet, of everyone. What is left is the commit cut.
    ///
    /// Costs O(robots + resources).
    pub fn drop_pending(&mut self) {
        self.tracks.values_mut().for_each(|track| track.pending.clear());
        self.queues.iter_mut().for_each(VecDeque::clear);
        self.awake.clear();
    }

    /// Where each robot rests after its granted moves, sorted by agent. Costs O(robots + granted lanes).
    pub fn cut(&self) -> Vec<(AgentId, WaypointId)> {
        self.tracks.iter().map(|(&agent, track)| (agent, self.cut_of(track))).collect()
    }

    /// Queues the moves of a plan behind all moves there are.
    ///
    /// A plan made for the [`cut`](Self::cut) is appended after [`drop_pending`](Self::drop_pending). All moves are
    /// checked against where the robots will rest, whoever made the plan. Costs O(robots + claims of all moves).
    ///
    /// # Errors
    /// [`AppendError`]; then nothing has changed.
    pub fn append(&mut self, plan: &Plan) -> Result<(), AppendError> {
        let moves = self.check(plan)?;
        let before = self.next_number;
        for (agent, lanes, claims) in moves {
            let number = self.next_number;
            self.next_number += 1;
            for resource in &claims {
                if let Some(queue) = self.queues.get_mut(resource.index()) {
                    queue.push_back(Turn { agent, number });
                }
            }
            if let Some(track) = self.tracks.get_mut(&agent) {
                track.pending.push_back(Pending { number, lanes, claims });
            }
            self.awake.insert(agent);
        }
        if self.progress().is_err() {
            for track in self.tracks.values_mut() {
                track.pending.retain(|pending| pending.number < before);
            }
            self.queues.iter_mut().for_each(|queue| queue.retain(|turn| turn.number < before));
            self.next_number = before;
            return Err(AppendError::Cyclic);
        }
        Ok(())
    }

    /// Grants every move whose turn has come, in the order of agents and, within one, of its moves.
    ///
    /// A robot is granted further moves only while less than `horizon` lies granted and not completed ahead of it;
    /// a robot that has completed all it was granted gets one move in any case. Granted lanes of one robot that
    /// come together are one [`Grant`].
    pub fn grant(&mut self, horizon: Mm) -> Vec<Grant> {
        self.grant_where(horizon, &|_, _| true)
    }

    /// [`grant`](Self::grant), where a move is granted only if `may_go` says so of its robot and lanes.
    ///
    /// A move that `may_go` turns down is asked about again at the next call.
    pub fn grant_where(&mut self, horizon: Mm, may_go: &dyn Fn(AgentId, &[LaneId]) -> bool) -> Vec<Grant> {
        if horizon != self.horizon {
            self.horizon = horizon;
            self.awake
                .extend(self.tracks.iter().filter(|(_, track)| !track.pending.is_empty()).map(|(&id, _)| id));
        }
        let mut grants = Vec::new();
        let mut turned_down = BTreeSet::new();
        while let Some(agent) = self.awake.pop_first() {
            let mut grant = Grant { agent, first: 0, lanes: Vec::new() };
            loop {
                let next = self.next_move(agent);
                if !next.is_empty() && !may_go(agent, next) {
                    turned_down.insert(agent);
                    break;
                }
                let Some((first, lanes)) = self.grant_next(agent, horizon) else { break };
                if grant.lanes.is_empty() {
                    grant.first = first;
                }
                grant.lanes.extend(lanes);
            }
            if !grant.lanes.is_empty() {
                grants.push(grant);
            }
        }
        self.awake = turned_down;
        grants
    }

    /// Robots whose next move the next [`grant`](Self::grant) looks at.
    pub fn awake(&self) -> impl Iterator<Item = AgentId> {
        self.awake.iter().copied()
    }

    /// Takes in that a robot has completed `done` lanes of its route, and frees what it has cleared.
    ///
    /// `false`, and no effect, for what is old, not granted or of an unknown robot: duplicates and reordering are
    /// harmless.
    pub fn complete(&mut self, agent: AgentId, done: u32) -> bool {
        let Some(track) = self.tracks.get_mut(&agent) else {
            return false;
        };
        if done <= track.done || track.granted_total() < done {
            return false;
        }
        while track.done < done {
            let Some(granted) = track.granted.front_mut() else {
                break;
            };
            if let Some(lane) = granted.lanes.pop_front().and_then(|id| self.site.lane(id)) {
                track.at = lane.to;
                track.ahead = track.ahead.saturating_sub(lane.length);
                track.done += 1;
            }
            if granted.lanes.is_empty() {
                track.granted.pop_front();
            }
        }
        if !track.pending.is_empty() {
            self.awake.insert(agent);
        }
        self.free_cleared(agent);
        true
    }

    /// Takes in that a robot has done the work for which it rests: what comes after the visit may be granted.
    ///
    /// `false`, and no effect, when that is not what comes next for the robot.
    pub fn work_done(&mut self, agent: AgentId) -> bool {
        let visits = self.is_visiting(agent);
        if let Some(track) = self.tracks.get_mut(&agent).filter(|_| visits) {
            track.pending.pop_front();
            self.awake.insert(agent);
        }
        visits
    }

    /// Whether a robot has driven what it was granted and rests to work.
    pub fn is_visiting(&self, agent: AgentId) -> bool {
        let rests = |track: &&Track| track.granted.is_empty();
        let next = self.tracks.get(&agent).filter(rests).and_then(|track| track.pending.front());
        next.is_some_and(Pending::is_visit)
    }

    /// How many visits of a robot are still to come.
    pub fn visits_ahead(&self, agent: AgentId) -> usize {
        let visits = |track: &Track| track.pending.iter().filter(|pending| pending.is_visit()).count();
        self.tracks.get(&agent).map_or(0, visits)
    }

    /// Moves and visits of a robot that are not granted yet.
    pub fn moves_ahead(&self, agent: AgentId) -> usize {
        self.tracks.get(&agent).map_or(0, |track| track.pending.len())
    }

    /// Takes in a robot's answer to a hold: it stands after `lanes` lanes of its route. What lies beyond is pending
    /// again, at the head of its queues; what is cut off a move stays one move, which ends where that move ended.
    ///
    /// Unless [`drop_pending`](Self::drop_pending) follows, the next [`grant`](Self::grant) grants it again.
    ///
    /// # Errors
    /// [`ShrinkError`] when the robot is unknown or the number lies outside what it has completed and was granted.
    pub fn shrink(&mut self, agent: AgentId, lanes: u32) -> Result<(), ShrinkError> {
        let track = self.tracks.get_mut(&agent).ok_or(ShrinkError::NotPlaced { agent })?;
        let (done, granted) = (track.done, track.granted_total());
        if lanes < done || granted < lanes {
            return Err(ShrinkError::OutOfRange { agent, lanes, done, granted });
        }
        let mut surplus = granted - lanes;
        while 0 < surplus {
            let Some(mut last) = track.granted.pop_back() else {
                break;
            };
            let keep = last.lanes.len().saturating_sub(surplus as usize);
            let mut lanes: Lanes = last.lanes.split_off(keep).into_iter().collect();
            surplus = surplus.saturating_sub(u32::try_from(lanes.len()).unwrap_or(u32::MAX));
            let number = last.number;
            if !last.lanes.is_empty() {
                track.granted.push_back(last);
            }
            let length = lanes.iter().filter_map(|&id| self.site.lane(id)).map(|lane| lane.length);
            track.ahead = length.fold(track.ahead, Mm::saturating_sub);
            // What an earlier hold cut off the same move comes back to it: no grant ends where the cut was.
            if track.pending.front().is_some_and(|next| next.number == number) {
                lanes.extend(track.pending.pop_front().into_iter().flat_map(|cut_off| cut_off.lanes));
            }
            let claims = claims_of(&self.site, track.class, &lanes);
            let turn = Turn { agent, number };
            for resource in &claims {
                if let Some(queue) = self.queues.get_mut(resource.index())
                    && queue.front() != Some(&turn)
                {
                    queue.push_front(turn);
                }
            }
            track.pending.push_front(Pending { number, lanes, claims });
            self.awake.insert(agent);
        }
        self.free_cleared(agent);
        Ok(())
    }

    /// Why the robot's next move is not granted. `None` when it has none, or waits for nobody but itself: it has not
    /// driven what it was granted, or works.
    pub fn withheld(&self, agent: AgentId) -> Option<Withheld> {
        let next = self.tracks.get(&agent)?.pending.front()?;
        next.claims.iter().find_map(|&resource| {
            let by = self.obstacle(agent, next.number, resource)?;
            Some(Withheld { agent, next_lanes: next.lanes.to_vec(), resource, by, rule: TRF_001 })
        })
    }

    /// Why the robot waits, why the robot it waits for waits, and so on. The last one waits for a robot that only has
    /// to drive what it was granted, or to finish its work. Costs O(robots) at most.
    pub fn blame(&self, agent: AgentId) -> Vec<Withheld> {
        let mut chain: Vec<Withheld> = Vec::new();
        let mut at = agent;
        while let Some(withheld) = self.withheld(at) {
            let (by, resource) = (withheld.by, withheld.resource);
            chain.push(withheld);
            // The order of the moves has no cycle, so the second bound only guards against a defect.
            if self.frees_by_driving(by, resource) || 2 * self.tracks.len() < chain.len() {
                break;
            }
            at = by;
        }
        chain
    }

    /// Whether a robot gives a resource back when it has driven what it was granted.
    fn frees_by_driving(&self, agent: AgentId, resource: ResourceId) -> bool {
        self.tracks.get(&agent).is_some_and(|track| {
            let rest = self.rest(track.class, self.cut_of(track));
            track.held.binary_search(&resource).is_ok() && rest.binary_search(&resource).is_err()
        })
    }

    /// Who holds a resource.
    pub fn holder(&self, resource: ResourceId) -> Option<AgentId> {
        self.holder.get(resource.index()).copied().flatten()
    }

    /// What a robot holds, sorted; empty for an unknown robot.
    pub fn held(&self, agent: AgentId) -> &[ResourceId] {
        self.tracks.get(&agent).map_or(&[], |track| &track.held)
    }

    /// Granted lanes that a robot has not completed. The first has index [`done`](Self::done).
    pub fn granted(&self, agent: AgentId) -> Vec<LaneId> {
        self.tracks.get(&agent).map_or_else(Vec::new, |track| track.granted_lanes().collect())
    }

    /// Lanes of the next move; none when that is a visit, or nothing is left.
    pub fn next_move(&self, agent: AgentId) -> &[LaneId] {
        let next = self.tracks.get(&agent).and_then(|track| track.pending.front());
        next.map_or(&[], |pending| &pending.lanes)
    }

    /// Lanes of moves that are not granted yet, in order.
    pub fn pending(&self, agent: AgentId) -> Vec<LaneId> {
        let lanes =
            |track: &Track| track.pending.iter().flat_map(|pending| pending.lanes.iter().copied()).collect();
        self.tracks.get(&agent).map_or_else(Vec::new, lanes)
    }

    /// Whether any robot at rest waits for another. Costs O(robots + claims of their next moves).
    pub fn anybody_waits(&self) -> bool {
        let rests = |track: &Track| track.granted.is_empty();
        self.tracks.iter().any(|(&agent, track)| rests(track) && self.withheld(agent).is_some())
    }

    /// Moves and visits of all robots that are not granted yet, in the order of the plan. Costs O(moves log moves).
    pub fn pending_moves(&self) -> Vec<PlannedMove> {
        let mut moves: Vec<(u64, PlannedMove)> = Vec::new();
        for (&agent, track) in &self.tracks {
            let planned = |pending: &Pending| PlannedMove { agent, lanes: pending.lanes.clone() };
            moves.extend(track.pending.iter().map(|pending| (pending.number, planned(pending))));
        }
        moves.sort_by_key(|(number, _)| *number);
        moves.into_iter().map(|(_, planned)| planned).collect()
    }

    /// Lanes a robot has completed since it was placed.
    pub fn done(&self, agent: AgentId) -> Option<u32> {
        self.tracks.get(&agent).map(|track| track.done)
    }

    /// The waypoint a robot reached last.
    pub fn at(&self, agent: AgentId) -> Option<WaypointId> {
        self.tracks.get(&agent).map(|track| track.at)
    }

    /// Where a robot rests after its granted moves.
    pub fn rests_at(&self, agent: AgentId) -> Option<WaypointId> {
        self.tracks.get(&agent).map(|track| self.cut_of(track))
    }

    /// Where a robot rests after its granted and pending moves.
    pub fn ends_at(&self, agent: AgentId) -> Option<WaypointId> {
        self.tracks.get(&agent).map(|track| self.end_of(track))
    }

    /// Whether a robot is placed and has nothing granted or pending.
    pub fn is_idle(&self, agent: AgentId) -> bool {
        self.tracks.get(&agent).is_some_and(|track| track.granted.is_empty() && track.pending.is_empty())
    }

    /// Placed robots, sorted.
    pub fn agents(&self) -> impl Iterator<Item = AgentId> {
        self.tracks.keys().copied()
    }

    /// The site it works on.
    pub fn site(&self) -> &Arc<CompiledSite> {
        &self.site
    }

    /// Carries the moves out on a copy of where the robots will rest, and collects the claims.
    fn check(&self, plan: &Plan) -> Result<Vec<CheckedMove>, AppendError> {
        let mut holder: Vec<Option<AgentId>> = vec![None; self.holder.len()];
        let mut ends: BTreeMap<AgentId, WaypointId> = BTreeMap::new();
        for (&agent, track) in &self.tracks {
            let at = self.end_of(track);
            self.rest(track.class, at)
                .iter()
                .for_each(|&resource| set_holder(&mut holder, resource, Some(agent)));
            ends.insert(agent, at);
        }
        let mut moves = Vec::with_capacity(plan.moves.len());
        for (index, step) in plan.moves.iter().enumerate() {
            let agent = step.agent;
            let (Some(track), Some(&at)) = (self.tracks.get(&agent), ends.get(&agent)) else {
                return Err(AppendError::NotPlaced { index, agent });
            };
            if step.is_visit() {
                moves.push((agent, Lanes::new(), Claims::new()));
                continue;
            }
            let no_way = AppendError::NoWay { index, agent, at };
            let class = self.site.classes().get(track.class).ok_or(no_way.clone())?;
            let to = walk(&self.site, class, at, &step.lanes).ok_or(no_way)?;
            let claims = claims_of(&self.site, track.class, &step.lanes);
            for &resource in &claims {
                if let Some(by) = holder.get(resource.index()).copied().flatten().filter(|&by| by != agent) {
                    return Err(AppendError::Conflict { index, agent, resource, by });
                }
            }
            for &resource in &claims {
                set_holder(&mut holder, resource, None);
            }
            class.at(to).iter().for_each(|&resource| set_holder(&mut holder, resource, Some(agent)));
            ends.insert(agent, to);
            moves.push((agent, step.lanes.clone(), claims));
        }
        Ok(moves)
    }

    /// Grants the robot's next move if its turn has come: index of its first lane, and the lanes.
    fn grant_next(&mut self, agent: AgentId, horizon: Mm) -> Option<(u32, Lanes)> {
        let track = self.tracks.get(&agent)?;
        let next = track.pending.front()?;
        if next.is_visit() || (!track.granted.is_empty() && horizon <= track.ahead) {
            return None;
        }
        if next.claims.iter().any(|&resource| self.obstacle(agent, next.number, resource).is_some()) {
            return None;
        }
        let track = self.tracks.get_mut(&agent)?;
        let first = track.granted_total();
        let Pending { number, lanes, claims } = track.pending.pop_front()?;
        for &resource in &claims {
            if let Some(queue) = self.queues.get_mut(resource.index()) {
                queue.pop_front();
            }
            set_holder(&mut self.holder, resource, Some(agent));
        }
        track.held.extend(claims);
        track.held.sort_unstable();
        track.held.dedup();
        let length = lanes.iter().filter_map(|&id| self.site.lane(id)).map(|lane| lane.length);
        track.ahead = length.fold(track.ahead, Mm::saturating_add);
        track.granted.push_back(Granted { number, lanes: lanes.iter().copied().collect() });
        Some((first, lanes))
    }

    /// The robot that keeps a move from a resource: who holds it, or whose turn comes first.
    fn obstacle(&self, agent: AgentId, number: u64, resource: ResourceId) -> Option<AgentId> {
        let holder = self.holder(resource).filter(|&by| by != agent);
        let first =
            self.front(resource).filter(|&turn| turn != Turn { agent, number }).map(|turn| turn.agent);
        holder.or(first)
    }

    /// Gives back what the robot no longer needs and wakes who comes first there.
    fn free_cleared(&mut self, agent: AgentId) {
        let Some(track) = self.tracks.get(&agent) else {
            return;
        };
        let needed = self.needed(track);
        let freed: Vec<ResourceId> =
            track.held.iter().copied().filter(|resource| needed.binary_search(resource).is_err()).collect();
        for resource in freed {
            set_holder(&mut self.holder, resource, None);
            self.wake_front(resource);
        }
        if let Some(track) = self.tracks.get_mut(&agent) {
            track.held = needed;
        }
    }

    /// What a robot needs for its place and its granted way; sorted.
    fn needed(&self, track: &Track) -> Vec<ResourceId> {
        let mut needed = self.rest(track.class, track.at).to_vec();
        for lane in track.granted_lanes() {
            extend_claims(&self.site, track.class, lane, &mut needed);
        }
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    fn rest(&self, class: usize, at: WaypointId) -> &[ResourceId] {
        self.site.classes().get(class).map_or(&[], |class| class.at(at))
    }

    fn cut_of(&self, track: &Track) -> WaypointId {
        track.granted_lanes().next_back().and_then(|id| self.site.lane(id)).map_or(track.at, |lane| lane.to)
    }

    fn end_of(&self, track: &Track) -> WaypointId {
        let mut latest_first = track.pending.iter().rev();
        let end = latest_first.find_map(|pending| end_of_lanes(&self.site, &pending.lanes));
        end.unwrap_or_else(|| self.cut_of(track))
    }

    fn front(&self, resource: ResourceId) -> Option<Turn> {
        self.queues.get(resource.index())?.front().copied()
    }

    fn wake_front(&mut self, resource: ResourceId) {
        self.awake.extend(self.queues.get(resource.index()).and_then(VecDeque::front).map(|turn| turn.agent));
    }
}

fn set_holder(holders: &mut [Option<AgentId>], resource: ResourceId, holder: Option<AgentId>) {
    if let Some(slot) = holders.get_mut(resource.index()) {
        *slot = holder;
    }
}

fn end_of_lanes(site: &CompiledSite, lanes: &[LaneId]) -> Option<WaypointId> {
    Some(site.lane(*lanes.last()?)?.to)
}

/// Where lanes lead that start at `from`; `None` when they do not connect, are too narrow or end where nobody may
/// stop.
fn walk(site: &CompiledSite, class: &ClassClaims, from: WaypointId, lanes: &[LaneId]) -> Option<WaypointId> {
    let mut at = from;
    for &id in lanes {
        at = site.lane(id).filter(|lane| lane.from == at && class.usable(id))?.to;
    }
    (!lanes.is_empty() && class.may_stop(at)).then_some(at)
}

/// Sorted claims of lanes, both ends included.
fn claims_of(site: &CompiledSite, class: usize, lanes: &[LaneId]) -> Claims {
    let mut claims = Claims::new();
    for &lane in lanes {
        extend_claims(site, class, lane, &mut claims);
    }
    claims.sort_unstable();
    claims.dedup();
    claims
}

fn extend_claims(site: &CompiledSite, class: usize, id: LaneId, claims: &mut impl Extend<ResourceId>) {
    if let (Some(class), Some(lane)) = (site.classes().get(class), site.lane(id)) {
        claims
            .extend([class.along(id), class.at(lane.from), class.at(lane.to)].into_iter().flatten().copied());
    }
}
