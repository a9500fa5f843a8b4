//! The same question answered by other code.
//!
//! [`check_decision`] shares with [`decide`](crate::decide()) the types, the rule ids and nothing else: it searches
//! with Bellman-Ford over the lanes instead of Dijkstra, asks the rules through a table, and goes through agents one
//! by one. It is slow on purpose and meant for tests and audits.

mod explanation;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use sheepdog_core::{AgentId, FleetTime, LaneId, Micros, MmPerS, RuleId, WaypointId};
use sheepdog_map::{CompiledSite, Lane, model::StationKind, travel::Waits};

use crate::{
    Agent, AgentKind, Availability, Bid, DSP_001, DSP_002, DSP_003, DSP_004, DSP_005, DSP_006, DSP_007,
    DSP_008, DSP_009, DSP_010, DSP_011, DSP_012, Decision, Outcome, Performers, Refusal, Task,
};

pub use self::explanation::{ExplanationFault, check_explanation};

/// How a decision differs from what the rules ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecisionFault {
    /// A field does not repeat the question: another task, place, deadline or instant.
    #[error("the decision's {field} is not the one asked about")]
    Question {
        /// The field.
        field: &'static str,
    },
    /// An agent is in neither list, or in more than one place.
    #[error("agent {agent} is listed {times} times, once is right")]
    Listed {
        /// The agent.
        agent: AgentId,
        /// How often it is listed.
        times: usize,
    },
    /// A listed agent was not among those asked.
    #[error("agent {agent} was not asked")]
    Stranger {
        /// The agent.
        agent: AgentId,
    },
    /// An agent bids and should be refused, or the other way round, or it is refused for the wrong rule.
    #[error("agent {agent}: found {found:?}, right is {expected:?} (none means that it bids)")]
    Verdict {
        /// The agent.
        agent: AgentId,
        /// The rule that should refuse it.
        expected: Option<RuleId>,
        /// The rule that refuses it.
        found: Option<RuleId>,
    },
    /// The values a refusal cites are not those of the agent and the task, or do not fire the rule.
    #[error("agent {agent}: rule {rule} cites {found:?}, right is {expected:?}")]
    Values {
        /// The agent.
        agent: AgentId,
        /// The rule.
        rule: RuleId,
        /// Measured value and limit as they are.
        expected: (i64, i64),
        /// Measured value and limit as cited.
        found: (i64, i64),
    },
    /// A bid does not say what the agent would need.
    #[error("the bid is {found:?}, right is {expected:?}")]
    Times {
        /// What the agent would bid.
        expected: Bid,
        /// What it bids.
        found: Bid,
    },
    /// Bids or refusals are not in their order.
    #[error("agent {agent} is listed before one that ranks higher")]
    Order {
        /// The agent.
        agent: AgentId,
    },
    /// The outcome is not the first bid's.
    #[error("the outcome is {found:?}, right is {expected:?}")]
    Outcome {
        /// What follows from the bids.
        expected: Outcome,
        /// What was decided.
        found: Outcome,
    },
}

/// Checks a decision against the question it answers.
///
/// Bellman-Ford per profile and place: O(waypoints · lanes) each in the worst case, a few milliseconds each for
/// 1 000 waypoints.
///
/// # Errors
/// The first [`DecisionFault`].
pub fn check_decision(
    site: &CompiledSite,
    task: &Task,
    agents: &[Agent],
    waits: &dyn Waits,
    now: FleetTime,
    decision: &Decision,
) -> Result<(), DecisionFault> {
    let oracle = Oracle { site, task, waits, now, known: RefCell::default() };
    oracle.check_question(decision)?;
    check_lists(agents, decision)?;
    for agent in agents {
        oracle.check_agent(agent, decision)?;
    }
    check_order(decision)?;
    let permanent = decision.refusals.iter().all(|refusal| !refusal.may_pass());
    let expected = oracle.outcome(agents, permanent);
    if expected != decision.outcome {
        return Err(DecisionFault::Outcome { expected, found: decision.outcome });
    }
    Ok(())
}

/// Measured value and limit when a rule fires on an agent.
type Firing = Option<(i64, i64)>;

/// Asks one rule.
type Test<O> = fn(&O, &Agent) -> Firing;

struct Oracle<'a> {
    site: &'a CompiledSite,
    task: &'a Task,
    waits: &'a dyn Waits,
    now: FleetTime,
    known: RefCell<BTreeMap<Search, Vec<Option<u64>>>>,
}

/// Whose times, from or to where.
type Search = (MmPerS, Option<usize>, WaypointId, Direction);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    /// Times from the place to everywhere.
    From,
    /// Times from everywhere to the place.
    To,
}

impl Oracle<'_> {
    /// The rules in the order in which they are asked.
    const ORDER: [(RuleId, Test<Self>); 10] = [
        (DSP_010, Self::kind_fires),
        (DSP_002, Self::skills_fire),
        (DSP_003, Self::payload_fires),
        (DSP_004, Self::shift_fires),
        (DSP_009, Self::declined_fires),
        (DSP_005, Self::unavailable_fires),
        (DSP_011, Self::standing_fires),
        (DSP_006, Self::unreachable_fires),
        (DSP_004, Self::overtime_fires),
        (DSP_007, Self::battery_fires),
    ];

    fn check_question(&self, decision: &Decision) -> Result<(), DecisionFault> {
        let fields = [
            ("task", decision.task == self.task.id),
            ("place", decision.place == self.task.steps.first().map(|step| step.place)),
            ("deadline", decision.deadline == self.task.deadline),
            ("instant", decision.at == self.now),
        ];
        match fields.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(DecisionFault::Question { field }),
            None => Ok(()),
        }
    }

    fn check_agent(&self, agent: &Agent, decision: &Decision) -> Result<(), DecisionFault> {
        let refusal = decision.refusals.iter().find(|refusal| refusal.agent == agent.id);
        let firing = self.firing(agent, None);
        let expected = firing.map(|(rule, _)| rule);
        let found = refusal.map(|refusal| refusal.rule);
        if expected != found {
            return Err(DecisionFault::Verdict { agent: agent.id, expected, found });
        }
        if let (Some((rule, values)), Some(refusal)) = (firing, refusal) {
            return check_values(agent.id, rule, values, refusal);
        }
        let bid = decision.bids.iter().find(|bid| bid.agent == agent.id);
        match (bid, self.bid(agent)) {
            (Some(found), Some(expected)) if *found != expected => {
                Err(DecisionFault::Times { expected, found: *found })
            }
            (Some(_), Some(_)) => Ok(()),
            // Whoever no rule refuses has a way, and the lists are known to hold everybody.
            (None, _) | (_, None) => Err(DecisionFault::Listed { agent: agent.id, times: 0 }),
        }
    }

    /// The first rule that fires, but for one that is passed over.
    fn firing(&self, agent: &Agent, lifted: Option<RuleId>) -> Option<(RuleId, (i64, i64))> {
        let mut asked = Self::ORDER.iter().filter(|(rule, _)| Some(*rule) != lifted);
        asked.find_map(|(rule, fires)| fires(self, agent).map(|values| (*rule, values)))
    }

    fn bid(&self, agent: &Agent) -> Option<Bid> {
        let arrival = self.legs(agent).into_iter().next()??;
        let person = agent.kind != AgentKind::Robot;
        Some(Bid {
            agent: agent.id,
            person,
            arrival: Micros::new(arrival),
            finish: Micros::new(self.total(agent)?),
        })
    }

    /// `permanent` is for the case that nobody can.
    fn outcome(&self, agents: &[Agent], permanent: bool) -> Outcome {
        let mut best: Option<(bool, u64, AgentId, u64)> = None;
        for agent in agents {
            let (None, Some(bid)) = (self.firing(agent, None), self.bid(agent)) else { continue };
            let key = (bid.person, bid.arrival.as_micros(), bid.agent, bid.finish.as_micros());
            if best.is_none_or(|best| key < best) {
                best = Some(key);
            }
        }
        let Some((person, arrival, agent, finish)) = best else {
            return Outcome::None { rule: DSP_012, permanent };
        };
        let (arrival, finish) = (Micros::new(arrival), Micros::new(finish));
        if !person {
            return Outcome::Award { agent, arrival, finish, rule: DSP_001 };
        }
        let rule = if self.task.performers == Performers::RobotsFirst { DSP_008 } else { DSP_001 };
        Outcome::AskPerson { agent, arrival, finish, rule }
    }

    fn kind_fires(&self, agent: &Agent) -> Firing {
        let open = match (&self.task.performers, agent.kind) {
            (Performers::RobotsFirst, _) | (Performers::RobotsOnly, AgentKind::Robot) => true,
            (Performers::RobotsOnly, AgentKind::Technician | AgentKind::Nurse)
            | (Performers::PeopleOnly(_), AgentKind::Robot) => false,
            (Performers::PeopleOnly(kinds), kind) => kinds.iter().any(|open| *open == kind),
        };
        (!open).then_some((0, 1))
    }

    fn skills_fire(&self, agent: &Agent) -> Firing {
        let held =
            self.task.skills.iter().filter(|skill| agent.skills.iter().any(|own| own == *skill)).count();
        let asked = self.task.skills.len();
        (held != asked).then_some((int(held as u64), int(asked as u64)))
    }

    fn payload_fires(&self, agent: &Agent) -> Firing {
        let spare = i64::from(agent.payload_g) - i64::from(self.task.payload_g);
        (spare < 0).then_some((agent.payload_g.into(), self.task.payload_g.into()))
    }

    fn shift_fires(&self, agent: &Agent) -> Firing {
        let shift = agent.shift?;
        let (now, from, to) = (self.now.as_micros(), shift.from.as_micros(), shift.to.as_micros());
        if now < from { Some((int(now), int(from))) } else { (to <= now).then_some((int(to), int(now))) }
    }

    fn declined_fires(&self, agent: &Agent) -> Firing {
        let Availability::Declined { until } = agent.availability else {
            return None;
        };
        (self.now < until).then_some((int(self.now.as_micros()), int(until.as_micros())))
    }

    #[expect(clippy::unused_self, reason = "it has the shape of the other tests in the table")]
    fn unavailable_fires(&self, agent: &Agent) -> Firing {
        match agent.availability {
            Availability::Available | Availability::Declined { .. } => None,
            Availability::Removed => Some((-1, 1)),
            Availability::Busy { .. }
            | Availability::Asked { .. }
            | Availability::Stopped { .. }
            | Availability::Silent
            | Availability::Failed => Some((0, 1)),
        }
    }

    fn standing_fires(&self, agent: &Agent) -> Firing {
        let stands = self.task.steps.iter().all(|step| self.stands(agent, step.place));
        (!stands).then_some((0, 1))
    }

    fn unreachable_fires(&self, agent: &Agent) -> Firing {
        let legs = self.legs(agent);
        let reached = legs.iter().take_while(|leg| leg.is_some()).count() as u64;
        let places = legs.len().max(1) as u64;
        (reached < places).then_some((int(reached), int(places)))
    }

    fn overtime_fires(&self, agent: &Agent) -> Firing {
        let (shift, total) = (agent.shift?, self.total(agent)?);
        let end = self.now.as_micros().saturating_add(total);
        (shift.to.as_micros() < end).then_some((int(end), int(shift.to.as_micros())))
    }

    fn battery_fires(&self, agent: &Agent) -> Firing {
        let (battery, total, last) = (agent.battery?, self.total(agent)?, self.task.steps.last()?);
        let charge = i64::from(battery.charge.get());
        let need = |micros: u64| {
            let used = u128::from(micros) * u128::from(battery.drain_ppm_per_s);
            let whole = used / 1_000_000 + u128::from(used % 1_000_000 != 0);
            i64::try_from(whole + u128::from(battery.reserve.get())).unwrap_or(i64::MAX)
        };
        if charge < need(total) {
            return Some((charge, need(total)));
        }
        match self.charger_leg(agent, last.place) {
            None => Some((0, 1)),
            Some(leg) => {
                let need = need(total.saturating_add(leg));
                (charge < need).then_some((charge, need))
            }
        }
    }

    /// Microseconds from one place of the agent's way to the next.
    fn legs(&self, agent: &Agent) -> Vec<Option<u64>> {
        let places = self.task.steps.iter().map(|step| step.place);
        let starts = std::iter::once(agent.at).chain(places.clone());
        starts.zip(places).map(|(from, to)| self.time(agent, to, Direction::To, from)).collect()
    }

    /// Microseconds from now to the end of the task.
    fn total(&self, agent: &Agent) -> Option<u64> {
        let work = self.task.steps.iter().map(|step| step.duration.as_micros());
        let ways: Option<Vec<u64>> = self.legs(agent).into_iter().collect();
        Some(ways?.into_iter().chain(work).fold(0, u64::saturating_add))
    }

    fn charger_leg(&self, agent: &Agent, from: WaypointId) -> Option<u64> {
        let at_station = |place| {
            self.site.live_stations().any(|(_, it)| it.kind == StationKind::Charger && it.waypoint == place)
        };
        let is_charger = |place: WaypointId| {
            self.site.waypoint(place).is_some_and(|it| it.roles.charger) || at_station(place)
        };
        let count = u32::try_from(self.site.waypoints().len()).unwrap_or(u32::MAX);
        let chargers: Vec<WaypointId> =
            (0..count).map(WaypointId).filter(|place| is_charger(*place)).collect();
        if chargers.is_empty() {
            return Some(0);
        }
        let standing = chargers.into_iter().filter(|place| self.stands(agent, *place));
        standing.filter_map(|place| self.time(agent, from, Direction::From, place)).min()
    }

    fn stands(&self, agent: &Agent, place: WaypointId) -> bool {
        match agent.class {
            None => true,
            Some(class) => self.site.classes().get(class).is_some_and(|claims| claims.may_stop(place)),
        }
    }

    /// Microseconds between a place and another waypoint, searched once per profile, place and direction.
    fn time(&self, agent: &Agent, place: WaypointId, direction: Direction, other: WaypointId) -> Option<u64> {
        let search = (agent.speed, agent.class, place, direction);
        let mut known = self.known.borrow_mut();
        let times = known.entry(search).or_insert_with(|| self.search(agent, place, direction));
        times.get(other.index()).copied().flatten()
    }

    /// Bellman-Ford along the lanes until nothing changes.
    fn search(&self, agent: &Agent, place: WaypointId, direction: Direction) -> Vec<Option<u64>> {
        let mut times: Vec<Option<u64>> = vec![None; self.site.waypoints().len()];
        let mut changed = 0 < agent.speed.0;
        if let Some(start) = times.get_mut(place.index()).filter(|_| changed) {
            *start = Some(0);
        }
        while changed {
            changed = false;
            for (id, lane) in (0..).map(LaneId).zip(self.site.lanes()) {
                let (near, far) = match direction {
                    Direction::From => (lane.from, lane.to),
                    Direction::To => (lane.to, lane.from),
                };
                let Some(Some(here)) = times.get(near.index()).copied() else { continue };
                let (Some(cost), Some(there)) = (self.lane_time(agent, id, lane), times.get_mut(far.index()))
                else {
                    continue;
                };
                let sum = here.saturating_add(cost);
                // The longest span stands for "never".
                if sum < u64::MAX && there.is_none_or(|known| sum < known) {
                    *there = Some(sum);
                    changed = true;
                }
            }
        }
        times
    }

    /// What `sheepdog_map::travel::lane_time` documents, computed again.
    fn lane_time(&self, agent: &Agent, id: LaneId, lane: &Lane) -> Option<u64> {
        if let Some(class) = agent.class {
            self.site.classes().get(class).filter(|claims| claims.usable(id))?;
        }
        let level = |waypoint: WaypointId| self.site.waypoint(waypoint).map(|it| it.level);
        let time = if let Some(lift) = lane.ride {
            self.waits.lift(lift, level(lane.from)?, level(lane.to)?).as_micros()
        } else {
            let speed = u64::from(lane.speed_limit.map_or(agent.speed.0, |limit| agent.speed.0.min(limit.0)));
            let driving =
                (u64::from(lane.length.0) * 1_000_000 + speed).checked_sub(1)?.checked_div(speed)?;
            lane.doors
                .iter()
                .map(|door| self.waits.door(*door).as_micros())
                .fold(driving, u64::saturating_add)
        };
        (time < u64::MAX).then_some(time.max(1))
    }
}

fn check_lists(agents: &[Agent], decision: &Decision) -> Result<(), DecisionFault> {
    let bids = decision.bids.iter().map(|bid| bid.agent);
    let listed: Vec<AgentId> = bids.chain(decision.refusals.iter().map(|refusal| refusal.agent)).collect();
    for agent in agents {
        let times = listed.iter().filter(|id| **id == agent.id).count();
        if times != 1 {
            return Err(DecisionFault::Listed { agent: agent.id, times });
        }
    }
    let asked: BTreeSet<AgentId> = agents.iter().map(|agent| agent.id).collect();
    match listed.into_iter().find(|id| !asked.contains(id)) {
        Some(agent) => Err(DecisionFault::Stranger { agent }),
        None => Ok(()),
    }
}

fn check_values(
    agent: AgentId,
    rule: RuleId,
    expected: (i64, i64),
    refusal: &Refusal,
) -> Result<(), DecisionFault> {
    let cited = refusal.evidence;
    let found = (cited.measured, cited.limit);
    if found == expected && cited.rule == rule && cited.holds() {
        Ok(())
    } else {
        Err(DecisionFault::Values { agent, rule, expected, found })
    }
}

fn check_order(decision: &Decision) -> Result<(), DecisionFault> {
    for (one, next) in decision.bids.iter().zip(decision.bids.iter().skip(1)) {
        let later = (next.person, next.arrival, next.agent) < (one.person, one.arrival, one.agent);
        if later {
            return Err(DecisionFault::Order { agent: one.agent });
        }
    }
    for (one, next) in decision.refusals.iter().zip(decision.refusals.iter().skip(1)) {
        if next.agent < one.agent {
            return Err(DecisionFault::Order { agent: one.agent });
        }
    }
    Ok(())
}

fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        decide,
        fixture::{NOW, Question, questions},
    };

    type Change = fn(&mut Decision);

    /// Every way in which a decision can be wrong; a change may find nothing to change.
    const CHANGES: [Change; 16] = [
        |it| it.task.0 += 1,
        |it| it.place = it.place.map_or(Some(WaypointId(0)), |_| None),
        |it| it.deadline = it.deadline.map_or(Some(NOW), |_| None),
        |it| it.at = it.at + Micros::new(1),
        |it| it.outcome = Outcome::None { rule: DSP_012, permanent: true },
        |it| it.outcome = Outcome::None { rule: DSP_012, permanent: false },
        |it| it.outcome = award(it.bids.get(1)).unwrap_or(it.outcome),
        |it| it.bids.truncate(1),
        |it| it.refusals.truncate(1),
        |it| it.bids.extend(it.bids.first().copied()),
        |it| it.bids.iter_mut().take(1).for_each(|bid| bid.agent.0 += 100),
        |it| it.bids.iter_mut().for_each(|bid| bid.arrival = bid.arrival.saturating_add(Micros::new(1))),
        |it| it.bids.iter_mut().take(1).for_each(|bid| bid.finish = Micros::ZERO),
        |it| it.bids.reverse(),
        |it| it.refusals.iter_mut().take(1).for_each(|refusal| refusal.rule = DSP_001),
        |it| it.refusals.iter_mut().take(1).for_each(|refusal| refusal.evidence.measured -= 1),
    ];

    fn award(bid: Option<&Bid>) -> Option<Outcome> {
        bid.map(|bid| Outcome::Award {
            agent: bid.agent,
            arrival: bid.arrival,
            finish: bid.finish,
            rule: DSP_001,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// The checker accepts what was decided and nothing that differs from it.
        #[test]
        fn every_change_to_a_decision_is_found(question in questions(), change in 0..CHANGES.len()) {
            let Question { site, task, agents, waits } = &question;
            let decision = decide(site, task, agents, waits, NOW);
            let mut changed = decision.clone();
            CHANGES[change](&mut changed);
            let verdict = check_decision(site, task, agents, waits, NOW, &changed);
            prop_assert_eq!(verdict.is_ok(), changed == decision, "{:?}", verdict);
        }
    }
}
