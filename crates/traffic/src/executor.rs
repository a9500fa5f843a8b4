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

use crate::{Lanes, Plan};

mod looking;
mod outsiders;
mod overtaking;
mod queue;
mod running;
mod state;
mod types;

use queue::{Queue, Turn};
pub use types::{
    AppendError, Grant, Integration, Outsider, OutsiderError, Overtaking, PlaceError, RestoreError,
    ShrinkError, Snapshot, TrackSnapshot, VerifyError, Withheld,
};

/// Queues, holders and tracks of all robots of a site.
///
/// It knows nothing of time: [`complete`](Self::complete) is the only thing that frees a claim. The calls of the
/// running fleet ([`grant`](Self::grant), [`complete`](Self::complete), [`withheld`](Self::withheld)) cost
/// O(claims touched + robots woken), and a logarithm of the robots to find one; what costs more says so.
#[derive(Clone, Debug)]
pub struct Executor {
    site: Arc<CompiledSite>,
    /// By lane: what is needed of it at every event, close together.
    ways: Arc<[Way]>,
    /// The index of each robot's track.
    slots: BTreeMap<AgentId, u32>,
    tracks: Vec<Track>,
    /// Indices of tracks without a robot.
    vacant: Vec<u32>,
    /// By resource.
    spots: Vec<Spot>,
    /// Slots of robots whose next move may have become grantable, each once: those with [`Track::is_awake`].
    awake: Vec<u32>,
    /// A multiple of [`STRIDE`].
    next_number: u64,
    /// Numbers of pending moves that were put before others, between the multiples.
    between: BTreeSet<u64>,
    outsiders: BTreeMap<AgentId, Outsider>,
    horizon: Mm,
}

/// From the number of a move to that of the next in a plan: room for moves that are put in between.
const STRIDE: u64 = 1 << 24;

/// The slot of nobody.
const NOBODY: u32 = u32::MAX;

/// A move of a plan that fits, with its robot's slot and its claims.
type CheckedMove = (u32, Lanes, Claims);

/// Sorted resources of a move.
type Claims = SmallVec<[ResourceId; 8]>;

/// Where a lane leads, and how far it is.
#[derive(Clone, Copy, Debug)]
struct Way {
    to: WaypointId,
    length: Mm,
}

/// Who holds a resource, and whose turns come next.
#[derive(Clone, Debug)]
struct Spot {
    /// Its slot, or [`NOBODY`].
    holder: u32,
    /// How many lanes the holder has to complete before it gives the resource back.
    until: u32,
    /// The first of the movers that keep it from being granted.
    outsider: Option<AgentId>,
    queue: Queue,
}

#[derive(Clone, Debug)]
struct Track {
    agent: AgentId,
    class: usize,
    done: u32,
    at: WaypointId,
    /// Lanes that are not completed.
    granted: SmallVec<[GrantedLane; 4]>,
    pending: VecDeque<Pending>,
    /// Length of the granted lanes that are not completed.
    ahead: Mm,
    is_awake: bool,
}

/// A lane, and the number of its move.
#[derive(Clone, Copy, Debug)]
struct GrantedLane {
    number: u64,
    lane: LaneId,
}

/// A move, or a visit: that has no lanes, claims nothing, and is over when [`Executor::work_done`] says so.
#[derive(Clone, Debug)]
struct Pending {
    number: u64,
    lanes: Lanes,
}

impl Spot {
    const FREE: Self = Self { holder: NOBODY, until: 0, outsider: None, queue: Queue::EMPTY };

    const fn front(&self) -> Option<Turn> {
        self.queue.front()
    }
}

impl Pending {
    fn is_visit(&self) -> bool {
        self.lanes.is_empty()
    }
}

impl Track {
    fn new(agent: AgentId, class: usize, at: WaypointId) -> Self {
        let (granted, pending) = (SmallVec::new(), VecDeque::new());
        Self { agent, class, done: 0, at, granted, pending, ahead: Mm::ZERO, is_awake: false }
    }

    fn granted_lanes(&self) -> impl DoubleEndedIterator<Item = LaneId> {
        self.granted.iter().map(|granted| granted.lane)
    }

    fn granted_total(&self) -> u32 {
        self.done.saturating_add(u32::try_from(self.granted.len()).unwrap_or(u32::MAX))
    }
}

impl Executor {
    /// An executor without robots.
    pub fn new(site: Arc<CompiledSite>) -> Self {
        let spots = vec![Spot::FREE; site.resources().len()];
        let ways = site.lanes().iter().map(|lane| Way { to: lane.to, length: lane.length }).collect();
        Self {
            site,
            ways,
            slots: BTreeMap::new(),
            tracks: Vec::new(),
            vacant: Vec::new(),
            spots,
            awake: Vec::new(),
            next_number: STRIDE,
            between: BTreeSet::new(),
            outsiders: BTreeMap::new(),
            horizon: Mm::ZERO,
        }
    }

    /// Puts a robot at rest at a waypoint, with the claims of the place. A new epoch of the robot begins.
    ///
    /// # Errors
    /// [`PlaceError`] when the robot is placed already, the site does not know the place, or another robot holds
    /// or awaits what the place claims.
    pub fn place(&mut self, agent: AgentId, class: usize, at: WaypointId) -> Result<(), PlaceError> {
        if self.slots.contains_key(&agent) {
            return Err(PlaceError::Placed { agent });
        }
        let (Some(claims), Some(_)) = (self.site.classes().get(class), self.site.waypoint(at)) else {
            return Err(PlaceError::Unknown { class, at });
        };
        for &resource in claims.at(at) {
            if let Some(by) = self.holder(resource) {
                return Err(PlaceError::Held { at, resource, by });
            }
            if let Some(by) = self.first_in_line(resource) {
                return Err(PlaceError::Awaited { at, resource, by });
            }
        }
        self.enter(Track::new(agent, class, at));
        Ok(())
    }

    /// Takes a track in, with all that it needs.
    fn enter(&mut self, track: Track) {
        let new = u32::try_from(self.tracks.len()).unwrap_or(NOBODY);
        let slot = self.vacant.pop().unwrap_or(new);
        self.slots.insert(track.agent, slot);
        let needed: Vec<(ResourceId, u32)> = self.needed(&track).collect();
        for (resource, until) in needed {
            if let Some(spot) = self.spots.get_mut(resource.index()) {
                (spot.holder, spot.until) = (slot, until);
            }
        }
        match self.tracks.get_mut(slot as usize) {
            Some(vacant) => *vacant = track,
            None => self.tracks.push(track),
        }
    }

    /// Frees everything of a robot that was taken away, its pending moves included. `false` if it is not placed.
    ///
    /// The moves of the others stay valid: there is only more room. Costs O(turns in the queues it was in).
    pub fn remove(&mut self, agent: AgentId) -> bool {
        let Some(slot) = self.slots.remove(&agent) else {
            return false;
        };
        let gone = Track::new(agent, usize::MAX, WaypointId(u32::MAX));
        let Some(track) = self.tracks.get_mut(slot as usize).map(|track| std::mem::replace(track, gone))
        else {
            return false;
        };
        self.vacant.push(slot);
        self.awake.retain(|awake| *awake != slot);
        let claims = |pending: &Pending| claims_of(&self.site, track.class, &pending.lanes);
        let awaited: Vec<ResourceId> = track.pending.iter().flat_map(claims).collect();
        for resource in &awaited {
            if let Some(spot) = self.spots.get_mut(resource.index()) {
                spot.queue.retain(|turn| turn.slot != slot);
            }
        }
        let needed: Vec<ResourceId> = self.needed(&track).map(|(resource, _)| resource).collect();
        for resource in needed.iter().chain(&awaited) {
            self.free(*resource, slot);
        }
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
        let class = self.track(agent).map(|track| track.class).ok_or(PlaceError::NotPlaced { agent })?;
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
        for track in &mut self.tracks {
            track.pending.clear();
            track.is_awake = false;
        }
        self.spots.iter_mut().for_each(|spot| spot.queue.clear());
        self.between.clear();
        self.awake.clear();
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
        for (slot, lanes, claims) in moves {
            let number = self.next_number;
            self.next_number += STRIDE;
            for resource in &claims {
                if let Some(spot) = self.spots.get_mut(resource.index()) {
                    spot.queue.insert(Turn { number, slot });
                }
            }
            if let Some(track) = self.tracks.get_mut(slot as usize) {
                track.pending.push_back(Pending { number, lanes });
            }
            self.wake(slot);
        }
        if self.progress().is_err() {
            for track in &mut self.tracks {
                track.pending.retain(|pending| pending.number < before);
            }
            self.spots.iter_mut().for_each(|spot| spot.queue.retain(|turn| turn.number < before));
            self.next_number = before;
            return Err(AppendError::Cyclic);
        }
        Ok(())
    }

    /// Carries the moves out on a copy of where the robots will rest, and collects the claims.
    fn check(&self, plan: &Plan) -> Result<Vec<CheckedMove>, AppendError> {
        let mut holder = vec![NOBODY; self.spots.len()];
        let mut ends: Vec<WaypointId> = self.tracks.iter().map(|track| self.end_of(track)).collect();
        for &slot in self.slots.values() {
            if let (Some(track), Some(&at)) = (self.tracks.get(slot as usize), ends.get(slot as usize)) {
                set_holder(&mut holder, self.rest(track.class, at), slot);
            }
        }
        let mut moves = Vec::with_capacity(plan.moves.len());
        for (index, step) in plan.moves.iter().enumerate() {
            let agent = step.agent;
            let not_placed = AppendError::NotPlaced { index, agent };
            let slot = self.slots.get(&agent).copied().ok_or(not_placed.clone())?;
            let (Some(track), Some(at)) = (self.tracks.get(slot as usize), ends.get_mut(slot as usize))
            else {
                return Err(not_placed);
            };
            if step.is_visit() {
                moves.push((slot, Lanes::new(), Claims::new()));
                continue;
            }
            let no_way = AppendError::NoWay { index, agent, at: *at };
            let class = self.site.classes().get(track.class).ok_or(no_way.clone())?;
            let to = walk(&self.site, class, *at, &step.lanes).ok_or(no_way)?;
            let claims = claims_of(&self.site, track.class, &step.lanes);
            for &resource in &claims {
                let by = holder.get(resource.index()).copied().filter(|by| *by != slot);
                if let Some(by) = by.and_then(|by| self.agent_in(by)) {
                    return Err(AppendError::Conflict { index, agent, resource, by });
                }
            }
            set_holder(&mut holder, &claims, NOBODY);
            set_holder(&mut holder, class.at(to), slot);
            *at = to;
            moves.push((slot, step.lanes.clone(), claims));
        }
        Ok(moves)
    }

    fn track(&self, agent: AgentId) -> Option<&Track> {
        self.tracks.get(*self.slots.get(&agent)? as usize)
    }

    fn agent_in(&self, slot: u32) -> Option<AgentId> {
        self.tracks.get(slot as usize).map(|track| track.agent)
    }

    /// What a robot needs for its place and its granted way, and how many lanes it has to complete before it needs
    /// it no more. What comes again comes with a larger number.
    fn needed(&self, track: &Track) -> impl Iterator<Item = (ResourceId, u32)> {
        let here = self.rest(track.class, track.at).iter();
        let here = here.map(|&resource| (resource, track.done.saturating_add(1)));
        let on = (track.done..).zip(track.granted_lanes());
        let class = self.site.classes().get(track.class);
        here.chain(on.flat_map(move |(index, lane)| needed_along(class, &self.ways, index, lane)))
    }

    fn rest(&self, class: usize, at: WaypointId) -> &[ResourceId] {
        self.site.classes().get(class).map_or(&[], |class| class.at(at))
    }

    /// Where a robot rests after its granted moves.
    fn cut_of(&self, track: &Track) -> WaypointId {
        track.granted.last().and_then(|last| self.way(last.lane)).map_or(track.at, |way| way.to)
    }

    /// Where a robot rests after its pending moves.
    fn end_of(&self, track: &Track) -> WaypointId {
        let mut latest_first = track.pending.iter().rev();
        let end = latest_first.find_map(|pending| self.end_of_lanes(&pending.lanes));
        end.unwrap_or_else(|| self.cut_of(track))
    }

    fn end_of_lanes(&self, lanes: &[LaneId]) -> Option<WaypointId> {
        Some(self.way(*lanes.last()?)?.to)
    }

    fn way(&self, lane: LaneId) -> Option<Way> {
        self.ways.get(lane.index()).copied()
    }

    /// Lets the next grant look at a robot.
    fn wake(&mut self, slot: u32) {
        if let Some(track) = self.tracks.get_mut(slot as usize).filter(|track| !track.is_awake) {
            track.is_awake = true;
            self.awake.push(slot);
        }
    }

    /// Gives back a resource if a robot holds it, and wakes who comes first there.
    fn free(&mut self, resource: ResourceId, slot: u32) {
        let Some(spot) = self.spots.get_mut(resource.index()) else { return };
        if spot.holder == slot {
            spot.holder = NOBODY;
        }
        if let Some(turn) = spot.front() {
            self.wake(turn.slot);
        }
    }
}

fn set_holder(holders: &mut [u32], resources: &[ResourceId], holder: u32) {
    for resource in resources {
        if let Some(slot) = holders.get_mut(resource.index()) {
            *slot = holder;
        }
    }
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
    let class = site.classes().get(class);
    let mut claims: Claims =
        lanes.iter().flat_map(|&lane| class.map_or(&[][..], |class| class.along(lane))).copied().collect();
    claims.sort_unstable();
    claims.dedup();
    claims
}

/// What a robot needs for the lane with this index of its route, and how many lanes it has to complete before it
/// needs it no more, for all it is known: where the lane leads, it stays.
fn needed_along(
    class: Option<&ClassClaims>,
    ways: &[Way],
    index: u32,
    lane: LaneId,
) -> impl Iterator<Item = (ResourceId, u32)> {
    let (along, end) = match (class, ways.get(lane.index())) {
        (Some(class), Some(way)) => (class.along(lane), class.at(way.to)),
        (None, _) | (_, None) => (&[][..], &[][..]),
    };
    let until = move |lanes: u32| move |&resource: &ResourceId| (resource, index.saturating_add(lanes));
    along.iter().map(until(1)).chain(end.iter().map(until(2)))
}
