//! Snapshots of an executor, and the check of its invariants.

use std::{collections::VecDeque, sync::Arc};

use sheepdog_core::{AgentId, LaneId, Mm, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{
    Executor, GrantedLane, NOBODY, Pending, RestoreError, STRIDE, Snapshot, Spot, Track, TrackSnapshot, Turn,
    VerifyError, claims_of, set_holder, walk,
};
use crate::Certificate;

impl Executor {
    /// Everything but the site. Costs O(state).
    pub fn snapshot(&self) -> Snapshot {
        let track = |track: &Track| {
            let mut granted: Vec<(u64, Vec<LaneId>)> = Vec::new();
            for &GrantedLane { number, lane } in &track.granted {
                match granted.last_mut() {
                    Some((last, lanes)) if *last == number => lanes.push(lane),
                    Some(_) | None => granted.push((number, vec![lane])),
                }
            }
            let pending = track.pending.iter().map(|pending| (pending.number, pending.lanes.to_vec()));
            let (class, done, at) = (track.class, track.done, track.at);
            TrackSnapshot { class, done, at, granted, pending: pending.collect() }
        };
        let mut awake: Vec<AgentId> = self.awake().collect();
        awake.sort_unstable();
        Snapshot {
            tracks: self.all().map(|(_, state)| (state.agent, track(state))).collect(),
            awake,
            next_number: self.next_number,
            horizon: self.horizon,
            outsiders: self.outsiders.clone().into_iter().collect(),
        }
    }

    /// The executor that [`snapshot`](Self::snapshot) was taken of. Costs O(state) and a [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`RestoreError`] when the snapshot does not fit the site or breaks an invariant.
    pub fn restore(site: Arc<CompiledSite>, snapshot: &Snapshot) -> Result<Self, RestoreError> {
        let mut executor = Self::new(site);
        executor.next_number = snapshot.next_number;
        executor.horizon = snapshot.horizon;
        let mut turns = Vec::new();
        for (slot, (agent, state)) in (0..).zip(&snapshot.tracks) {
            let agent = *agent;
            let track = executor.restore_track(agent, state).ok_or(RestoreError::Unknown { agent })?;
            if executor.slots.contains_key(&agent) {
                return Err(RestoreError::Unknown { agent });
            }
            for pending in &track.pending {
                if !pending.number.is_multiple_of(STRIDE) {
                    executor.between.insert(pending.number);
                }
                let claims = claims_of(&executor.site, track.class, &pending.lanes);
                turns.extend(claims.into_iter().map(|resource| (pending.number, slot, resource)));
            }
            if let Some((resource, _)) =
                executor.needed(&track).find(|need| executor.holder(need.0).is_some())
            {
                return Err(VerifyError::Exclusion { agent, resource }.into());
            }
            executor.enter(track);
        }
        turns.sort_unstable();
        for (number, slot, resource) in turns {
            if let Some(spot) = executor.spots.get_mut(resource.index()) {
                spot.queue.insert(Turn { number, slot });
            }
        }
        for &agent in &snapshot.awake {
            let slot = executor.slots.get(&agent).copied().ok_or(RestoreError::Unknown { agent })?;
            executor.wake(slot);
        }
        for (who, outsider) in &snapshot.outsiders {
            let twice = executor.slots.contains_key(who) || executor.outsiders.contains_key(who);
            if twice {
                return Err(RestoreError::Unknown { agent: *who });
            }
            executor.replace_outsider(*who, Some(outsider.clone()));
        }
        executor.verify()?;
        Ok(executor)
    }

    /// Evidence that all pending moves can be carried out, for [`check_certificate`](crate::check_certificate). Costs
    /// O(state), times a logarithm.
    pub fn certificate(&self) -> Certificate {
        let rest = |(_, track): (u32, &Track)| (track.agent, track.class, self.cut_of(track));
        let numbers = |spot: &Spot| spot.queue.range(0..).map(|turn| turn.number).collect();
        let queues = (0..).map(ResourceId).zip(&self.spots).map(|(id, spot)| (id, numbers(spot)));
        Certificate {
            rests: self.all().map(rest).collect(),
            moves: self.numbered_moves(),
            queues: queues.filter(|(_, queue): &(ResourceId, Vec<u64>)| !queue.is_empty()).collect(),
        }
    }

    /// Checks the invariants: exclusion, and that every pending move can be carried out. Costs O(state).
    ///
    /// # Errors
    /// [`VerifyError`] names the first breach.
    pub fn verify(&self) -> Result<(), VerifyError> {
        let mut expected = vec![(NOBODY, 0); self.spots.len()];
        for (slot, track) in self.all() {
            for (resource, until) in self.needed(track) {
                let Some(expected) = expected.get_mut(resource.index()) else { continue };
                if expected.0 != NOBODY && expected.0 != slot {
                    return Err(VerifyError::Exclusion { agent: track.agent, resource });
                }
                *expected = (slot, until);
            }
        }
        for (index, (&(holder, until), spot)) in (0..).zip(expected.iter().zip(&self.spots)) {
            if holder != spot.holder || (holder != NOBODY && until != spot.until) {
                let agent = self.agent_in(holder).or(self.agent_in(spot.holder)).unwrap_or_default();
                return Err(VerifyError::Exclusion { agent, resource: ResourceId(index) });
            }
        }
        self.progress()
    }

    /// Kahn's algorithm on the moves: lets every robot come to rest, then carries out whatever comes first in its
    /// queues until nothing is left. What can be carried out stays so, hence the order does not matter.
    pub(super) fn progress(&self) -> Result<(), VerifyError> {
        let mut left = self.tracks.iter().map(|track| track.pending.len()).sum::<usize>();
        let mut holder = vec![NOBODY; self.spots.len()];
        let mut heads = vec![0_usize; self.spots.len()];
        // How many moves of each robot are carried out, and where it is.
        let mut next: Vec<(usize, WaypointId)> =
            self.tracks.iter().map(|track| (0, self.cut_of(track))).collect();
        for (slot, track) in self.all() {
            set_holder(&mut holder, self.rest(track.class, self.cut_of(track)), slot);
        }
        let mut awake: Vec<u32> = self.slots.values().copied().collect();
        while let Some(slot) = awake.pop() {
            let (Some(track), Some(progress)) = (self.tracks.get(slot as usize), next.get_mut(slot as usize))
            else {
                continue;
            };
            let (index, at) = *progress;
            let Some(pending) = track.pending.get(index) else { continue };
            let turn = Turn { number: pending.number, slot };
            let claims = claims_of(&self.site, track.class, &pending.lanes);
            let free = claims.iter().map(|resource| resource.index()).all(|index| {
                let head = heads.get(index).and_then(|&head| self.spots.get(index)?.queue.get(head));
                head == Some(turn) && holder.get(index).is_some_and(|by| *by == NOBODY || *by == slot)
            });
            if !free {
                continue;
            }
            left -= 1;
            let to = self.end_of_lanes(&pending.lanes).unwrap_or(at);
            *progress = (index + 1, to);
            set_holder(&mut holder, &claims, NOBODY);
            set_holder(&mut holder, self.rest(track.class, to), slot);
            awake.push(slot);
            for resource in &claims {
                if let (Some(head), Some(spot)) =
                    (heads.get_mut(resource.index()), self.spots.get(resource.index()))
                {
                    *head += 1;
                    awake.extend(spot.queue.get(*head).map(|turn| turn.slot));
                }
            }
        }
        if left == 0 { Ok(()) } else { Err(VerifyError::Stuck { pending: left }) }
    }

    fn restore_track(&self, agent: AgentId, state: &TrackSnapshot) -> Option<Track> {
        let class = self.site.classes().get(state.class)?;
        self.site.waypoint(state.at)?;
        let mut at = state.at;
        let mut ahead = Mm::ZERO;
        for lane in state.granted.iter().flat_map(|(_, lanes)| lanes) {
            let lane = self.site.lane(*lane).filter(|lane| lane.from == at)?;
            (at, ahead) = (lane.to, ahead.saturating_add(lane.length));
        }
        let mut pending = VecDeque::new();
        for (number, lanes) in &state.pending {
            if !lanes.is_empty() {
                at = walk(&self.site, class, at, lanes)?;
            }
            pending.push_back(Pending { number: *number, lanes: lanes.iter().copied().collect() });
        }
        let granted = state
            .granted
            .iter()
            .flat_map(|(number, lanes)| lanes.iter().map(|&lane| GrantedLane { number: *number, lane }));
        let new = Track::new(agent, state.class, state.at);
        Some(Track { done: state.done, granted: granted.collect(), pending, ahead, ..new })
    }
}
