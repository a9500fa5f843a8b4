//! Why this one and no other, in a bounded record.

#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, Micros, Ppm, RuleId, SiteVersion, TaskId, WaypointId,
    wire::{Evidence, Relation},
};

pub(crate) use self::words::seconds;
pub use self::words::{Names, SiteNames, explain};
use crate::{
    Agent, Availability, Bid, DSP_006, DSP_007, DSP_008, Decision, Outcome, Refusal, Task, Trips,
    decide_with,
    eligible::{eligible_but_for, need},
};

/// How much an [`Explanation`] keeps. With the default it has less than 2 kB, whatever the fleet.
///
/// Encoded with postcard a loser takes at most 36 bytes, a sample 5 for each of nine rules, and a nearer agent 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The best that could have done it and did not: 8.
    pub losers: u8,
    /// Agents that are named for each rule that refused somebody: 3.
    pub samples: u8,
    /// Agents that would have been there sooner, the nearest first: 16.
    pub nearer: u8,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { losers: 8, samples: 3, nearer: 16 }
    }
}

/// Why a decision is as it is: what the winner's time consists of, who comes next, who was refused for which rule, and for
/// everybody nearer what stood against it and what would have been otherwise.
///
/// It holds ids and no names, so that it has a bound and can be written down for every decision. It is a function of what
/// was decided on: the same question gives the same bytes, in whatever order the agents are given, and
/// [`check_explanation`](crate::check_explanation) answers it again by other code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The task.
    pub task: TaskId,
    /// Where it starts.
    pub place: Option<WaypointId>,
    /// When it should be done.
    pub deadline: Option<FleetTime>,
    /// When the decision was made.
    pub at: FleetTime,
    /// The site it was made on.
    pub site: SiteVersion,
    /// The key for replay, a digest of the whole [`Decision`] with all bids and refusals: whoever decides on the same inputs
    /// finds the same, and a difference in an agent that is not among those kept here shows as well.
    ///
    /// Modulo 2⁶⁴, the sum over agents of a hash of a few words `w`, beginning with zero and going on with
    /// `h = (h rotated left by 5 xor w) · 0x517C_C1B7_2722_0A95` (Fx hash): agent, arrival and finish for a bid; agent, the
    /// seven characters of the rule as a number, measured value and limit for a refusal; and `h xor (h >> 32)` at the end.
    /// Quick to compute, and no protection against forgery: that is what the ledger's chain is for.
    pub digest: u64,
    /// Who does it, and the rule by which.
    pub outcome: Outcome,
    /// What the winner offers; `None` when nobody can.
    pub winner: Option<Breakdown>,
    /// How many could do it, the winner among them.
    pub bids: u32,
    /// Who comes next, best first.
    pub losers: Vec<Loser>,
    /// How many were refused for which rule, by rule.
    pub refused: Vec<Refused>,
    /// Who would have been there before the winner, the nearest first. Of several that are there at the same instant, the
    /// one with the lowest id is the nearest. When nobody wins, everybody who would have got there at all.
    pub nearer: Vec<Nearer>,
    /// How many those are, with those that are not kept.
    pub nearer_count: u32,
}

/// What a winner's time and energy consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Travel time to the first place, waits for doors and lifts included.
    pub arrival: Micros,
    /// Travel time between the places.
    pub onward: Micros,
    /// Work at all places.
    pub work: Micros,
    /// The sum: time from now to the end of the task.
    pub finish: Micros,
    /// What its battery must hold; `None` for agents without one.
    pub energy: Option<Energy>,
    /// What put it before the second.
    pub lead: Lead,
}

/// What a battery must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Energy {
    /// State of charge.
    pub charge: Ppm,
    /// For ways and work, parts per million of a full battery, rounded up.
    pub task_ppm: u32,
    /// For the way from the last place to the nearest charger besides.
    pub charger_ppm: u32,
    /// What must be left there.
    pub reserve: Ppm,
    /// The sum; at most the charge.
    pub total_ppm: u32,
}

/// What put a winner before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    /// There is no second.
    Only,
    /// The second is a person, who is asked only when no robot can (`DSP-008`).
    RobotFirst,
    /// It is there sooner.
    Sooner {
        /// By how much.
        by: Micros,
    },
    /// Both are there at the same instant, and it has the lower id.
    LowerId,
}

/// Somebody who could have done the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loser {
    /// What it offered.
    pub bid: Bid,
    /// How much later than the winner it would have arrived, microseconds; negative for a person who was nearer.
    pub behind_us: i64,
}

/// Who was refused for one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The rule.
    pub rule: RuleId,
    /// How many.
    pub count: u32,
    /// Those with the lowest ids.
    pub samples: Vec<AgentId>,
}

/// Somebody who would have been there before the winner, and what stood against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nearer {
    /// The agent.
    pub agent: AgentId,
    /// Travel time from where it is to the first place, whatever refused it.
    pub arrival: Micros,
    /// The binding rule with its values. For somebody refused it is the first that fired, in the order of
    /// [`eligible`](crate::eligible()); for a person who bids it is `DSP-008` with the number of robots that can.
    ///
    /// For `DSP-007` it counts the way to a charger in any case: the limit is the charge from which on the rule holds, and
    /// it is "0 below 1" where no charger is within reach.
    pub evidence: Evidence,
    /// The task it is on, or is asked about.
    pub elsewhere: Option<TaskId>,
    /// What would have happened had exactly that rule held for it.
    pub otherwise: Counterfactual,
}

/// What would have happened had one rule held for one agent, and nothing else been different.
///
/// | rule | holds if |
/// |---|---|
/// | `DSP-002` | it has the skills |
/// | `DSP-003` | it carries the load |
/// | `DSP-004` | its shift covers the whole task: neither its beginning nor its end stands against it |
/// | `DSP-005`, `DSP-009` | it is available |
/// | `DSP-007` | its battery lasts, and that it reaches no charger does not matter |
/// | `DSP-008` | the person is ranked as if it were a robot |
/// | `DSP-010` | the task is open to it; it is ranked as what it is, robots before people |
/// | `DSP-011` | it may stand at the places of the task; chargers at which it may not stay none for it |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counterfactual {
    /// It would have won.
    Wins,
    /// It would have come in this place, from 2: robots go before people.
    Ranks(u32),
    /// The next rule would have refused it.
    RefusedFor(RuleId),
    /// There is no answer: without a way to a later place (`DSP-006`) there is no time to go on with.
    Undefined,
}

/// [`decide_with`], and why.
///
/// What it takes besides: a search for each travel profile of which everybody was refused before a way was asked for, and
/// O(agents). The rules are asked again only for those that are kept as nearer.
///
/// ```
/// # use std::collections::BTreeSet;
/// # use sheepdog_core::{FleetTime, Micros, MmPerS, TaskId, WaypointId, wire::Action};
/// # use sheepdog_map::{CompileOptions, Site, model::{Lane, Level, Waypoint}, travel::NominalWaits};
/// use sheepdog_dispatch::{
///     Agent, AgentKind, Availability, Bounds, Counterfactual, DSP_005, Enforcement, Performers, SiteNames, Step,
///     Task, Trips, decide_explained,
/// };
/// # let mut site = Site::new("corridor");
/// # site.levels.push(Level::new("L0", 0.0));
/// # site.waypoints.extend([("a", 0.0), ("b", 4.0), ("c", 8.0)].map(|(id, x_m)| Waypoint::new(id, "L0", x_m, 0.0)));
/// # site.lanes.extend([Lane::two_way("a", "b"), Lane::two_way("b", "c")]);
/// # let site = site.compile(&CompileOptions::new(vec![])).unwrap();
/// # let step = Step {
/// #     place: WaypointId(0), action: Action::Attend, duration: Micros::from_secs(10), gates: vec![],
/// # };
/// # let task = Task {
/// #     id: TaskId(1), name: "visit".into(), requested: FleetTime::ZERO, deadline: None, priority: 0,
/// #     skills: BTreeSet::new(), payload_g: 0, performers: Performers::RobotsFirst, steps: vec![step],
/// # };
/// # let agent = |id: u32, name: &str, availability| Agent {
/// #     id: sheepdog_core::AgentId(id), name: name.into(), kind: AgentKind::Robot, enforcement: Enforcement::Permit,
/// #     skills: BTreeSet::new(), payload_g: 0, shift: None, at: WaypointId(id), speed: MmPerS(1_000), class: None,
/// #     battery: None, availability,
/// # };
/// // A corridor of three places 4 m apart; a visit to the first of them. Bert is nearer, and busy.
/// let agents =
///     [agent(1, "Bert", Availability::Busy { task: TaskId(7) }), agent(2, "Carla", Availability::Available)];
/// let waits = NominalWaits(&site);
/// let mut trips = Trips::new(&site, &waits);
/// let (decision, why) = decide_explained(&mut trips, &task, &agents, FleetTime::ZERO, Bounds::default());
/// assert_eq!(decision.outcome.agent(), Some(agents[1].id));
/// assert_eq!((why.nearer[0].agent, why.nearer[0].evidence.rule), (agents[0].id, DSP_005));
/// assert_eq!(why.nearer[0].otherwise, Counterfactual::Wins);
/// let words = why.in_words(&SiteNames { site: &site, agents: &agents });
/// assert!(words.contains("Why not Bert (4.0 s nearer)? It is taken up with task t7; but for that it would have won"));
/// ```
pub fn decide_explained(
    trips: &mut Trips<'_>,
    task: &Task,
    agents: &[Agent],
    now: FleetTime,
    bounds: Bounds,
) -> (Decision, Explanation) {
    let decision = decide_with(trips, task, agents, now);
    let case = Case { decision: &decision, task, now, bounds };
    let explanation = case.explain(trips, agents);
    (decision, explanation)
}

/// A decision with what it was made on.
struct Case<'a> {
    decision: &'a Decision,
    task: &'a Task,
    now: FleetTime,
    bounds: Bounds,
}

/// Somebody who would have been there before the winner.
struct Candidate<'a> {
    arrival: Micros,
    agent: AgentId,
    /// What refused it, and who it is; `None` for a person who bids.
    refused: Option<(&'a Refusal, &'a Agent)>,
}

impl Case<'_> {
    fn explain(&self, trips: &mut Trips<'_>, agents: &[Agent]) -> Explanation {
        let Decision { task, place, deadline, at, outcome, bids, refusals: _ } = self.decision;
        let agents = by_id(agents);
        let (refused, digest, mut nearer) = self.survey(trips, &agents);
        let nearer_count = count(nearer.len());
        let order = |one: &Candidate<'_>| (one.arrival, one.agent);
        let kept = usize::from(self.bounds.nearer);
        if kept < nearer.len() {
            nearer.select_nth_unstable_by_key(kept, order);
            nearer.truncate(kept);
        }
        nearer.sort_unstable_by_key(order);
        let winner = bids.first().and_then(|best| {
            let at = agents.binary_search_by_key(&best.agent, |agent| agent.id).ok()?;
            Some(self.breakdown(best, agents.get(at)?, trips))
        });
        let behind = |bid: &Bid| {
            let first = bids.first().map_or(0, |best| signed(best.arrival));
            Loser { bid: *bid, behind_us: signed(bid.arrival) - first }
        };
        Explanation {
            task: *task,
            place: *place,
            deadline: *deadline,
            at: *at,
            site: trips.site_version(),
            digest,
            outcome: *outcome,
            winner,
            bids: count(bids.len()),
            losers: bids.iter().skip(1).take(self.bounds.losers.into()).map(behind).collect(),
            refused,
            nearer: nearer.iter().map(|candidate| self.nearer(candidate, trips)).collect(),
            nearer_count,
        }
    }

    /// Looks at everybody once: counts by rule, the digest, and who would have been there before the winner.
    fn survey<'a>(
        &'a self,
        trips: &mut Trips<'_>,
        agents: &[&'a Agent],
    ) -> (Vec<Refused>, u64, Vec<Candidate<'a>>) {
        let Decision { place, bids, refusals, .. } = self.decision;
        let best = bids.first().map_or((Micros::MAX, AgentId(u32::MAX)), |best| (best.arrival, best.agent));
        let people = bids.iter().skip(bids.partition_point(|bid| !bid.person));
        let sooner = |bid: &&Bid| (bid.arrival, bid.agent) < best;
        let bidding = |bid: &Bid| Candidate { arrival: bid.arrival, agent: bid.agent, refused: None };
        let mut nearer: Vec<Candidate<'_>> = people.take_while(sooner).map(bidding).collect();
        let words = |bid: &Bid| [bid.agent.0.into(), bid.arrival.as_micros(), bid.finish.as_micros()];
        let mut digest = bids.iter().fold(0, |sum: u64, bid| sum.wrapping_add(hash(words(bid))));
        let mut refused: Vec<(Refused, u64)> = Vec::new();
        let mut agents = agents.iter();
        let mut known: Vec<(&Refusal, &Agent)> = Vec::with_capacity(refusals.len());
        for refusal in refusals {
            let tallied = refused.iter().position(|(tally, _)| tally.rule == refusal.rule);
            let slot = tallied.unwrap_or_else(|| {
                refused
                    .push((Refused { rule: refusal.rule, count: 0, samples: vec![] }, spelt(refusal.rule)));
                refused.len() - 1
            });
            let Some((tally, rule)) = refused.get_mut(slot) else { continue };
            tally.count = tally.count.saturating_add(1);
            if tally.samples.len() < usize::from(self.bounds.samples) {
                tally.samples.push(refusal.agent);
            }
            let Evidence { measured, limit, .. } = refusal.evidence;
            let words = [refusal.agent.0.into(), *rule, measured.cast_unsigned(), limit.cast_unsigned()];
            digest = digest.wrapping_add(hash(words));
            // Both are in the order of ids.
            known.extend(agents.find(|agent| agent.id == refusal.agent).map(|agent| (refusal, *agent)));
        }
        if let Some(place) = *place {
            let arrivals = trips.arrivals(known.iter().map(|(_, agent)| *agent), place);
            nearer.extend(known.iter().zip(arrivals).filter_map(|(&(refusal, agent), arrival)| {
                let arrival = arrival.filter(|arrival| (*arrival, agent.id) < best)?;
                Some(Candidate { arrival, agent: agent.id, refused: Some((refusal, agent)) })
            }));
        }
        let mut refused: Vec<Refused> = refused.into_iter().map(|(tally, _)| tally).collect();
        refused.sort_unstable_by_key(|tally| tally.rule);
        (refused, digest, nearer)
    }

    fn nearer(&self, candidate: &Candidate<'_>, trips: &mut Trips<'_>) -> Nearer {
        let &Candidate { arrival, agent: id, refused } = candidate;
        let bids = &self.decision.bids;
        let Some((refusal, agent)) = refused else {
            let robots = bids.partition_point(|bid| !bid.person);
            let (measured, relation) = (i64::from(count(robots)), Relation::Above);
            let evidence = Evidence { rule: DSP_008, measured, relation, limit: 0 };
            // As a robot it is before the best of them, because it is nearer.
            return Nearer { agent: id, arrival, evidence, elsewhere: None, otherwise: Counterfactual::Wins };
        };
        let (mut evidence, mut otherwise) = (refusal.evidence, Counterfactual::Undefined);
        if refusal.rule != DSP_006 {
            match eligible_but_for(refusal.rule, agent, self.task, self.now, trips) {
                Ok(bid) => {
                    let rank = bids.partition_point(|other| other.rank() < bid.rank());
                    otherwise = if rank == 0 {
                        Counterfactual::Wins
                    } else {
                        Counterfactual::Ranks(count(rank.saturating_add(1)))
                    };
                    if refusal.rule == DSP_007 {
                        (evidence.measured, evidence.limit) = match need(agent, self.task, bid.finish, trips)
                        {
                            Some(need) => (evidence.measured, need.total),
                            None => (0, 1),
                        };
                    }
                }
                Err(next) => otherwise = Counterfactual::RefusedFor(next.rule),
            }
        }
        Nearer { agent: id, arrival, evidence, elsewhere: elsewhere(agent), otherwise }
    }

    fn breakdown(&self, best: &Bid, agent: &Agent, trips: &mut Trips<'_>) -> Breakdown {
        let work = self.task.work();
        let onward = best.finish.saturating_sub(work).saturating_sub(best.arrival);
        let part = |ppm: i64| u32::try_from(ppm).unwrap_or(u32::MAX);
        let energy = agent.battery.and_then(|battery| {
            let need = need(agent, self.task, best.finish, trips)?;
            Some(Energy {
                charge: battery.charge,
                task_ppm: part(need.task),
                charger_ppm: part(need.charger),
                reserve: battery.reserve,
                total_ppm: part(need.total),
            })
        });
        let lead = match self.decision.bids.get(1) {
            None => Lead::Only,
            Some(second) if second.person && !best.person => Lead::RobotFirst,
            Some(second) if second.arrival == best.arrival => Lead::LowerId,
            Some(second) => Lead::Sooner { by: second.arrival.saturating_sub(best.arrival) },
        };
        Breakdown { arrival: best.arrival, onward, work, finish: best.finish, energy, lead }
    }
}

/// The agents in the order of their ids.
fn by_id(agents: &[Agent]) -> Vec<&Agent> {
    let mut sorted: Vec<&Agent> = agents.iter().collect();
    if !sorted.is_sorted_by_key(|agent| agent.id) {
        sorted.sort_by_key(|agent| agent.id);
    }
    sorted
}

/// What somebody does who is not available.
const fn elsewhere(agent: &Agent) -> Option<TaskId> {
    match agent.availability {
        Availability::Busy { task } | Availability::Asked { task } => Some(task),
        Availability::Available
        | Availability::Stopped { .. }
        | Availability::Silent
        | Availability::Failed
        | Availability::Removed
        | Availability::Declined { .. } => None,
    }
}

/// Some words, hashed as [`Explanation::digest`] says.
fn hash<const WORDS: usize>(words: [u64; WORDS]) -> u64 {
    let step = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    let hash = words.into_iter().fold(0, step);
    hash ^ (hash >> 32)
}

/// A rule's seven characters as a number.
fn spelt(rule: RuleId) -> u64 {
    rule.as_str().bytes().fold(0, |sum, letter| sum << 8 | u64::from(letter))
}

/// Microseconds; what is beyond 292 000 years is all the same.
fn signed(span: Micros) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
