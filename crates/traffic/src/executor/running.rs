//! What happens while robots drive: grants, reports, work and holds.

use sheepdog_core::{AgentId, LaneId, Mm, ResourceId};
use smallvec::SmallVec;

use super::{
    Executor, Grant, GrantedLane, NOBODY, Pending, STRIDE, ShrinkError, Turn, claims_of, needed_along,
};
use crate::Lanes;

impl Executor {
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
            let waiting: Vec<u32> = (0..)
                .zip(&self.tracks)
                .filter(|(_, track)| !track.pending.is_empty())
                .map(|(slot, _)| slot)
                .collect();
            for slot in waiting {
                self.wake(slot);
            }
        }
        let mut awake = std::mem::take(&mut self.awake);
        awake.sort_unstable_by_key(|slot| self.agent_in(*slot));
        let mut grants = Vec::new();
        for &slot in &awake {
            let Some(track) = self.tracks.get_mut(slot as usize) else { continue };
            track.is_awake = false;
            let mut grant = Grant { agent: track.agent, first: track.granted_total(), lanes: Lanes::new() };
            while let Some(next) = self.grantable(slot, horizon) {
                if !may_go(grant.agent, &next.lanes) {
                    self.wake(slot);
                    break;
                }
                self.grant_next(slot, &mut grant.lanes);
            }
            if !grant.lanes.is_empty() {
                grants.push(grant);
            }
        }
        awake.clear();
        // The longer of the two buffers, most often the one of before, is kept.
        if self.awake.is_empty() {
            self.awake = awake;
        }
        grants
    }

    /// The robot's next move, if it is one and its turn has come.
    fn grantable(&self, slot: u32, horizon: Mm) -> Option<&Pending> {
        let track = self.tracks.get(slot as usize)?;
        let next = track.pending.front()?;
        if next.is_visit() || (!track.granted.is_empty() && horizon <= track.ahead) {
            return None;
        }
        let class = self.site.classes().get(track.class)?;
        let mut claims = next.lanes.iter().flat_map(|&lane| class.along(lane));
        let free = |resource: &ResourceId| {
            self.spots.get(resource.index()).is_some_and(|spot| {
                (spot.holder == NOBODY || spot.holder == slot)
                    && spot.outsider.is_none()
                    && spot.front().is_some_and(|turn| turn.number == next.number)
            })
        };
        claims.all(free).then_some(next)
    }

    /// Grants the robot's next move.
    fn grant_next(&mut self, slot: u32, granted: &mut Lanes) {
        let Some(track) = self.tracks.get_mut(slot as usize) else { return };
        let Some(Pending { number, lanes }) = track.pending.pop_front() else { return };
        if !number.is_multiple_of(STRIDE) {
            self.between.remove(&number);
        }
        let class = self.site.classes().get(track.class);
        for &lane in &lanes {
            for (resource, until) in needed_along(class, &self.ways, track.granted_total(), lane) {
                let Some(spot) = self.spots.get_mut(resource.index()) else { continue };
                (spot.holder, spot.until) = (slot, until);
                if spot.front() == Some(Turn { number, slot }) {
                    spot.queue.pop_front();
                }
            }
            let length = self.ways.get(lane.index()).map_or(Mm::ZERO, |way| way.length);
            track.ahead = track.ahead.saturating_add(length);
            track.granted.push(GrantedLane { number, lane });
        }
        granted.extend(lanes);
    }

    /// Takes in that a robot has completed `done` lanes of its route, and frees what it has cleared.
    ///
    /// `false`, and no effect, for what is old, not granted or of an unknown robot: duplicates and reordering are
    /// harmless.
    pub fn complete(&mut self, agent: AgentId, done: u32) -> bool {
        let Some(&slot) = self.slots.get(&agent) else { return false };
        let Some(track) = self.tracks.get_mut(slot as usize) else { return false };
        if done <= track.done || track.granted_total() < done {
            return false;
        }
        let mut next: SmallVec<[u32; 8]> = SmallVec::new();
        if !track.pending.is_empty() {
            next.push(slot);
        }
        let class = self.site.classes().get(track.class);
        let completed = usize::try_from(done - track.done).unwrap_or(usize::MAX);
        for GrantedLane { lane: id, .. } in track.granted.drain(..completed.min(track.granted.len())) {
            track.done += 1;
            if let Some(way) = self.ways.get(id.index()) {
                track.at = way.to;
                track.ahead = track.ahead.saturating_sub(way.length);
            }
            for resource in class.map_or(&[][..], |class| class.along(id)) {
                let spot = self.spots.get_mut(resource.index());
                let Some(spot) = spot.filter(|spot| spot.holder == slot && spot.until <= track.done) else {
                    continue;
                };
                spot.holder = NOBODY;
                next.extend(spot.front().map(|turn| turn.slot));
            }
        }
        for slot in next {
            self.wake(slot);
        }
        true
    }

    /// Takes in that a robot has done the work for which it rests: what comes after the visit may be granted.
    ///
    /// `false`, and no effect, when that is not what comes next for the robot.
    pub fn work_done(&mut self, agent: AgentId) -> bool {
        let visits = self.is_visiting(agent);
        let slot = self.slots.get(&agent).copied().filter(|_| visits);
        if let Some(track) = slot.and_then(|slot| self.tracks.get_mut(slot as usize)) {
            track.pending.pop_front();
        }
        if let Some(slot) = slot {
            self.wake(slot);
        }
        visits
    }

    /// Takes in a robot's answer to a hold: it stands after `lanes` lanes of its route. What lies beyond is pending
    /// again, at the head of its queues; what is cut off a move stays one move, which ends where that move ended.
    ///
    /// Unless [`drop_pending`](Self::drop_pending) follows, the next [`grant`](Self::grant) grants it again. Costs
    /// O(claims of the granted lanes).
    ///
    /// # Errors
    /// [`ShrinkError`] when the robot is unknown or the number lies outside what it has completed and was granted.
    pub fn shrink(&mut self, agent: AgentId, lanes: u32) -> Result<(), ShrinkError> {
        let not_placed = ShrinkError::NotPlaced { agent };
        let slot = self.slots.get(&agent).copied().ok_or(not_placed.clone())?;
        let track = self.tracks.get_mut(slot as usize).ok_or(not_placed)?;
        let (done, granted) = (track.done, track.granted_total());
        if lanes < done || granted < lanes {
            return Err(ShrinkError::OutOfRange { agent, lanes, done, granted });
        }
        let keep = usize::try_from(lanes - done).unwrap_or(usize::MAX);
        let mut cut_off: Vec<GrantedLane> = track.granted.drain(keep..).collect();
        let given_back: Lanes = cut_off.iter().map(|granted| granted.lane).collect();
        let class = track.class;
        while let Some(&GrantedLane { number, .. }) = cut_off.last() {
            let begin =
                cut_off.iter().rposition(|granted| granted.number != number).map_or(0, |last| last + 1);
            let mut lanes: Lanes = cut_off.drain(begin..).map(|granted| granted.lane).collect();
            let length = lanes.iter().filter_map(|id| self.ways.get(id.index())).map(|way| way.length);
            track.ahead = length.fold(track.ahead, Mm::saturating_sub);
            // What an earlier hold cut off the same move comes back to it: no grant ends where the cut was.
            if track.pending.front().is_some_and(|next| next.number == number) {
                lanes.extend(track.pending.pop_front().into_iter().flat_map(|cut_off| cut_off.lanes));
            }
            let turn = Turn { number, slot };
            for resource in &claims_of(&self.site, class, &lanes) {
                let spot = self.spots.get_mut(resource.index());
                if let Some(spot) = spot.filter(|spot| spot.front() != Some(turn)) {
                    spot.queue.insert(turn);
                }
            }
            track.pending.push_front(Pending { number, lanes });
            if !number.is_multiple_of(STRIDE) {
                self.between.insert(number);
            }
        }
        self.hold_less(slot, &claims_of(&self.site, class, &given_back));
        if !given_back.is_empty() {
            self.wake(slot);
        }
        Ok(())
    }

    /// Gives back what a robot no longer needs of what it held for lanes that are not granted any more.
    fn hold_less(&mut self, slot: u32, held: &[ResourceId]) {
        let Some(track) = self.tracks.get(slot as usize) else { return };
        let needed: Vec<(ResourceId, u32)> = self.needed(track).collect();
        for &resource in held {
            self.free(resource, slot);
        }
        for (resource, until) in needed {
            if let Some(spot) = self.spots.get_mut(resource.index()) {
                (spot.holder, spot.until) = (slot, until);
            }
        }
    }
}
