//! Snapshots of an executor, and the check of its invariants.

use std::{collections::VecDeque, sync::Arc};

use sheepdog_core::{AgentId, Mm, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{
    Executor, Granted, Pending, RestoreError, Snapshot, Track, TrackSnapshot, Turn, VerifyError, claims_of,
    end_of_lanes, set_holder, walk,
};

impl Executor {
    /// Everything but the site. Costs O(state).
    pub fn snapshot(&self) -> Snapshot {
        let track = |track: &Track| TrackSnapshot {
            class: track.class,
            done: track.done,
            at: track.at,
            granted: track
                .granted
                .iter()
                .map(|move_| (move_.number, Vec::from(move_.lanes.clone())))
                .collect(),
            pending: track.pending.iter().map(|move_| (move_.number, move_.lanes.to_vec())).collect(),
        };
        Snapshot {
            tracks: self.tracks.iter().map(|(&agent, state)| (agent, track(state))).collect(),
            awake: self.awake.iter().copied().collect(),
            next_number: self.next_number,
            horizon: self.horizon,
        }
    }

    /// The executor that [`snapshot`](Self::snapshot) was taken of. Costs O(state) and a [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`RestoreError`] when the snapshot does not fit the site or breaks an invariant.
    pub fn restore(site: Arc<CompiledSite>, snapshot: &Snapshot) -> Result<Self, RestoreError> {
        let mut executor = Self::new(site);
        executor.awake = snapshot.awake.iter().copied().collect();
        executor.next_number = snapshot.next_number;
        executor.horizon = snapshot.horizon;
        let mut turns = Vec::new();
        for (agent, state) in &snapshot.tracks {
            let agent = *agent;
            let track = executor.restore_track(state).ok_or(RestoreError::Unknown { agent })?;
            for pending in &track.pending {
                turns.extend(pending.claims.iter().map(|&resource| (pending.number, agent, resource)));
            }
            for &resource in &track.held {
                if executor.holder(resource).is_some() {
                    return Err(VerifyError::Exclusion { agent, resource }.into());
                }
                set_holder(&mut executor.holder, resource, Some(agent));
            }
            if executor.tracks.insert(agent, track).is_some() {
                return Err(RestoreError::Unknown { agent });
            }
        }
        turns.sort_unstable();
        for (number, agent, resource) in turns {
            if let Some(queue) = executor.queues.get_mut(resource.index()) {
                queue.push_back(Turn { agent, number });
            }
        }
        executor.verify()?;
        Ok(executor)
    }

    /// Checks the invariants: exclusion, and that every pending move can be carried out. Costs O(state).
    ///
    /// # Errors
    /// [`VerifyError`] names the first breach.
    pub fn verify(&self) -> Result<(), VerifyError> {
        let mut holders = vec![None; self.holder.len()];
        for (&agent, track) in &self.tracks {
            let needed = self.needed(track);
            if let Some(&resource) = needed
                .iter()
                .chain(&track.held)
                .find(|id| needed.binary_search(id).is_err() || track.held.binary_search(id).is_err())
            {
                return Err(VerifyError::Exclusion { agent, resource });
            }
            for resource in needed {
                if holders.get(resource.index()) != Some(&None) {
                    return Err(VerifyError::Exclusion { agent, resource });
                }
                set_holder(&mut holders, resource, Some(agent));
            }
        }
        for (index, (expected, held)) in (0..).zip(holders.iter().zip(&self.holder)) {
            if expected != held {
                let agent = expected.or(*held).unwrap_or_default();
                return Err(VerifyError::Exclusion { agent, resource: ResourceId(index) });
            }
        }
        self.progress()
    }

    /// Kahn's algorithm on the moves: lets every robot come to rest, then carries out whatever comes first in its
    /// queues until nothing is left. What can be carried out stays so, hence the order does not matter.
    pub(super) fn progress(&self) -> Result<(), VerifyError> {
        let mut left = self.tracks.values().map(|track| track.pending.len()).sum::<usize>();
        let mut holder: Vec<Option<AgentId>> = vec![None; self.holder.len()];
        let mut heads = vec![0_usize; self.queues.len()];
        let tracks: Vec<(AgentId, &Track)> =
            self.tracks.iter().map(|(&agent, track)| (agent, track)).collect();
        let mut next: Vec<(usize, WaypointId)> = Vec::with_capacity(tracks.len());
        for &(agent, track) in &tracks {
            let at = self.cut_of(track);
            self.rest(track.class, at)
                .iter()
                .for_each(|&resource| set_holder(&mut holder, resource, Some(agent)));
            next.push((0, at));
        }
        let mut awake: Vec<usize> = (0..tracks.len()).collect();
        while let Some(who) = awake.pop() {
            let (Some(&(agent, track)), Some(progress)) = (tracks.get(who), next.get_mut(who)) else {
                continue;
            };
            let (index, at) = *progress;
            let Some(pending) = track.pending.get(index) else {
                continue;
            };
            let turn = Some(Turn { agent, number: pending.number });
            let free = pending.claims.iter().all(|resource| {
                let index = resource.index();
                let head = heads.get(index).and_then(|&head| self.queues.get(index)?.get(head));
                head.copied() == turn && holder.get(index).copied().flatten().is_none_or(|by| by == agent)
            });
            if !free {
                continue;
            }
            left -= 1;
            let to = end_of_lanes(&self.site, &pending.lanes).unwrap_or(at);
            *progress = (index + 1, to);
            for &resource in &pending.claims {
                set_holder(&mut holder, resource, None);
            }
            self.rest(track.class, to)
                .iter()
                .for_each(|&resource| set_holder(&mut holder, resource, Some(agent)));
            awake.push(who);
            for resource in &pending.claims {
                if let (Some(head), Some(queue)) =
                    (heads.get_mut(resource.index()), self.queues.get(resource.index()))
                {
                    *head += 1;
                    let turn = queue.get(*head);
                    awake.extend(
                        turn.and_then(|turn| tracks.binary_search_by_key(&turn.agent, |track| track.0).ok()),
                    );
                }
            }
        }
        if left == 0 { Ok(()) } else { Err(VerifyError::Stuck { pending: left }) }
    }

    fn restore_track(&self, state: &TrackSnapshot) -> Option<Track> {
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
            let claims = claims_of(&self.site, state.class, lanes);
            pending.push_back(Pending { number: *number, lanes: lanes.iter().copied().collect(), claims });
        }
        let granted = state
            .granted
            .iter()
            .map(|(number, lanes)| Granted { number: *number, lanes: lanes.iter().copied().collect() })
            .collect();
        let (class, done, at) = (state.class, state.done, state.at);
        let mut track = Track { class, done, at, granted, pending, held: Vec::new(), ahead };
        track.held = self.needed(&track);
        Some(track)
    }
}
