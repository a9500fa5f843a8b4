//! Movers that nobody plans for: teleoperated and manual vehicles, and those of other fleets.
//!
//! They hold no turns. What they are on, or will be on, keeps robots from being granted it, so they only ever delay
//! releases; the order of the moves stays what it was. How much they get depends on how well they take part.

use sheepdog_core::{AgentId, ResourceId, RuleId};

use super::{Executor, Integration, Outsider, OutsiderError, Withheld};
use crate::{TRF_011, TRF_012, TRF_013};

impl Executor {
    /// Takes in where a mover is that nobody plans for, and where it says that it will be; it replaces what was known
    /// of it. What it is no longer on may be granted again at the next [`grant`](Self::grant).
    ///
    /// Robots keep what they hold, even where the mover is: to stop them is a matter of the robots' interlocks. Where a
    /// mover stays for long, a planner should be told ([`Problem::blocked`](crate::Problem::blocked)). Costs
    /// O(resources named × movers).
    ///
    /// # Errors
    /// [`OutsiderError`] when it is the number of a robot, or when one that is [`Utilised`](Integration::Utilised) may
    /// not enter what it asks for: it has to wait, and keeps only what it is on.
    pub fn note_outsider(&mut self, who: AgentId, outsider: Outsider) -> Result<(), OutsiderError> {
        if self.slots.contains_key(&who) {
            return Err(OutsiderError::Robot { agent: who });
        }
        let asks = outsider.integration == Integration::Utilised;
        let refused = if asks { self.refusal(who, &outsider) } else { None };
        let admitted = match &refused {
            Some(_) => Outsider { next: Vec::new(), stays: Vec::new(), ..outsider },
            None => outsider,
        };
        self.replace_outsider(who, Some(admitted));
        refused.map_or(Ok(()), |withheld| Err(OutsiderError::Withheld(withheld)))
    }

    /// Forgets a mover that is gone. `false` if it was not known.
    pub fn forget_outsider(&mut self, who: AgentId) -> bool {
        let known = self.outsiders.contains_key(&who);
        self.replace_outsider(who, None);
        known
    }

    /// Movers that nobody plans for, sorted.
    pub fn outsiders(&self) -> impl Iterator<Item = (AgentId, &Outsider)> {
        self.outsiders.iter().map(|(&who, outsider)| (who, outsider))
    }

    pub(super) fn replace_outsider(&mut self, who: AgentId, outsider: Option<Outsider>) {
        let before = match outsider {
            Some(outsider) => self.outsiders.insert(who, outsider),
            None => self.outsiders.remove(&who),
        };
        let after = self.outsiders.get(&who);
        let touched = [before.as_ref(), after].into_iter().flatten().flat_map(Outsider::barred);
        let touched: Vec<ResourceId> = touched.collect();
        for resource in touched {
            let bars =
                |(_, outsider): &(&AgentId, &Outsider)| outsider.barred().any(|barred| barred == resource);
            let by = self.outsiders.iter().find(bars).map(|(&who, _)| who);
            let Some(spot) = self.spots.get_mut(resource.index()) else { continue };
            spot.outsider = by;
            if let (None, Some(turn)) = (by, spot.front()) {
                self.wake(turn.slot);
            }
        }
    }

    /// Why a mover may not enter what it asks for.
    ///
    /// It gets its whole way or nothing, so it never waits on a part of it; and it may stand at the end of it for good,
    /// because nobody has a turn there. So whoever waits for it waits for one that only has to drive on: Dijkstra's
    /// banker's algorithm for a single customer.
    fn refusal(&self, who: AgentId, outsider: &Outsider) -> Option<Withheld> {
        let held = |resource: ResourceId| {
            let spot = self.spots.get(resource.index())?;
            self.agent_in(spot.holder).or(spot.outsider.filter(|other| *other != who))
        };
        let taken = outsider.next.iter().find_map(|&resource| Some((resource, held(resource)?)));
        let awaited =
            || outsider.stays.iter().find_map(|&resource| Some((resource, self.first_in_line(resource)?)));
        let (resource, by) = taken.or_else(awaited)?;
        Some(Withheld { agent: who, next_lanes: Vec::new(), resource, by, rule: TRF_013 })
    }

    /// The outsider that keeps a resource from being granted, and the rule by which it does.
    pub(super) fn outsider_on(&self, resource: ResourceId) -> Option<(AgentId, RuleId)> {
        let who = self.spots.get(resource.index())?.outsider?;
        let is_there = self.outsiders.get(&who)?.on.contains(&resource);
        Some((who, if is_there { TRF_011 } else { TRF_012 }))
    }
}

impl Outsider {
    /// What it keeps from being granted.
    fn barred(&self) -> impl Iterator<Item = ResourceId> {
        let (on, next): (&[ResourceId], &[ResourceId]) = match self.integration {
            Integration::Ignored => (&[], &[]),
            Integration::Noticed => (&self.on, &[]),
            Integration::Respected | Integration::Utilised => (&self.on, &self.next),
        };
        on.iter().chain(next).copied()
    }
}
