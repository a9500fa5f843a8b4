//! An explanation held against the question it answers.

use std::collections::BTreeMap;

use sheepdog_core::{
    AgentId, FleetTime, Micros, RuleId, TaskId,
    wire::{Evidence, Relation},
};
use sheepdog_map::{CompiledSite, travel::Waits};

use super::{Oracle, RefCell, int};
use crate::{
    Agent, AgentKind, Availability, Bid, Bounds, Breakdown, Counterfactual, DSP_004, DSP_005, DSP_006,
    DSP_007, DSP_008, DSP_009, Energy, Explanation, Lead, Loser, Nearer, Task,
};

/// How an explanation differs from what follows from the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExplanationFault {
    /// A field says something else.
    #[error("the explanation's {field} is not what follows from the question")]
    Field {
        /// The field.
        field: &'static str,
    },
    /// What is said about an agent is wrong.
    #[error("the explanation's {field} of agent {agent} is not what follows from the question")]
    Agent {
        /// The field.
        field: &'static str,
        /// The agent.
        agent: AgentId,
    },
}

/// Checks every statement of an explanation against the question it answers, the counterfactuals among them.
///
/// It shares with [`decide_explained`](crate::decide_explained) what [`check_decision`](crate::check_decision) shares with
/// [`decide`](crate::decide()), which is types and rule ids, and costs as much.
///
/// # Errors
/// The first [`ExplanationFault`].
pub fn check_explanation(
    site: &CompiledSite,
    task: &Task,
    agents: &[Agent],
    waits: &dyn Waits,
    now: FleetTime,
    bounds: Bounds,
    explanation: &Explanation,
) -> Result<(), ExplanationFault> {
    let oracle = Oracle { site, task, waits, now, known: RefCell::default() };
    let world = World::new(&oracle, agents);
    let it = explanation;
    let fields = [
        ("task", it.task == task.id),
        ("place", it.place == task.steps.first().map(|step| step.place)),
        ("deadline", it.deadline == task.deadline),
        ("instant", it.at == now),
        ("site", it.site == site.version()),
        ("outcome", it.outcome == oracle.outcome(agents, world.is_permanent())),
        ("bids", it.bids as usize == world.bids.len()),
        ("winner", it.winner == world.breakdown()),
        ("digest", it.digest == world.digest()),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, same)| !same) {
        return Err(ExplanationFault::Field { field });
    }
    world.check_losers(&it.losers, bounds)?;
    world.check_refused(it, bounds)?;
    world.check_nearer(it, bounds)
}

/// What every agent comes to.
struct World<'a> {
    oracle: &'a Oracle<'a>,
    agents: &'a [Agent],
    /// Best first.
    bids: Vec<Bid>,
    refusals: Vec<(&'a Agent, RuleId, (i64, i64))>,
}

impl<'a> World<'a> {
    fn new(oracle: &'a Oracle<'a>, agents: &'a [Agent]) -> Self {
        let (mut bids, mut refusals) = (Vec::new(), Vec::new());
        for agent in agents {
            match oracle.firing(agent, None) {
                Some((rule, values)) => refusals.push((agent, rule, values)),
                None => bids.extend(oracle.bid(agent)),
            }
        }
        bids.sort_by_key(order);
        Self { oracle, agents, bids, refusals }
    }

    fn agent(&self, id: AgentId) -> Option<&'a Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    /// Whether no refusal ends with time.
    fn is_permanent(&self) -> bool {
        !self.refusals.iter().any(|(agent, rule, (_, limit))| match *rule {
            DSP_004 => agent.shift.is_some_and(|shift| self.oracle.now < shift.from),
            DSP_005 => agent.availability != Availability::Removed,
            DSP_007 => *limit != 1 && *limit <= 1_000_000,
            DSP_009 => true,
            _ => false,
        })
    }

    fn digest(&self) -> u64 {
        let bids = self
            .bids
            .iter()
            .map(|bid| vec![u64::from(bid.agent.0), bid.arrival.as_micros(), bid.finish.as_micros()]);
        let refusals = self.refusals.iter().map(|(agent, rule, (measured, limit))| {
            let mut name = [0; 8];
            name.iter_mut().skip(1).zip(rule.as_str().bytes()).for_each(|(to, from)| *to = from);
            let values = [measured.cast_unsigned(), limit.cast_unsigned()];
            vec![u64::from(agent.id.0), u64::from_be_bytes(name), values[0], values[1]]
        });
        let mut sum = 0_u64;
        for words in bids.chain(refusals) {
            let mut hash = 0_u64;
            for word in words {
                hash = hash.rotate_left(5) ^ word;
                hash = hash.wrapping_mul(0x517C_C1B7_2722_0A95);
            }
            sum = sum.wrapping_add(hash ^ (hash >> 32));
        }
        sum
    }

    fn breakdown(&self) -> Option<Breakdown> {
        let best = self.bids.first()?;
        let agent = self.agent(best.agent)?;
        let legs: Vec<u64> = self.oracle.legs(agent).into_iter().flatten().collect();
        let sum = |sum: u64, part: &u64| sum.saturating_add(*part);
        let work: Vec<u64> = self.oracle.task.steps.iter().map(|step| step.duration.as_micros()).collect();
        let lead = match self.bids.get(1) {
            None => Lead::Only,
            Some(second) if second.person != best.person => Lead::RobotFirst,
            Some(second) => match second.arrival.as_micros() - best.arrival.as_micros() {
                0 => Lead::LowerId,
                by => Lead::Sooner { by: Micros::new(by) },
            },
        };
        Some(Breakdown {
            arrival: Micros::new(*legs.first()?),
            onward: Micros::new(legs.iter().skip(1).fold(0, sum)),
            work: Micros::new(work.iter().fold(0, sum)),
            finish: best.finish,
            energy: self.energy(agent),
            lead,
        })
    }

    fn energy(&self, agent: &Agent) -> Option<Energy> {
        let battery = agent.battery?;
        let total = self.oracle.total(agent)?;
        let leg = self.oracle.charger_leg(agent, self.oracle.task.steps.last()?.place)?;
        let used = |micros: u64| {
            let used = (u128::from(micros) * u128::from(battery.drain_ppm_per_s)).div_ceil(1_000_000);
            u32::try_from(used).unwrap_or(u32::MAX)
        };
        let (task_ppm, all_ppm) = (used(total), used(total.saturating_add(leg)));
        let charger_ppm = all_ppm.saturating_sub(task_ppm);
        let total_ppm = all_ppm.saturating_add(battery.reserve.get());
        Some(Energy { charge: battery.charge, task_ppm, charger_ppm, reserve: battery.reserve, total_ppm })
    }

    fn check_losers(&self, losers: &[Loser], bounds: Bounds) -> Result<(), ExplanationFault> {
        let rest: Vec<&Bid> = self.bids.iter().skip(1).collect();
        if losers.len() != rest.len().min(bounds.losers.into()) {
            return Err(ExplanationFault::Field { field: "losers" });
        }
        let first = self.bids.first().map_or(0, |best| int(best.arrival.as_micros()));
        for (loser, bid) in losers.iter().zip(rest) {
            let behind_us = int(bid.arrival.as_micros()) - first;
            if loser.bid != *bid || loser.behind_us != behind_us {
                return Err(ExplanationFault::Agent { field: "bid", agent: loser.bid.agent });
            }
        }
        Ok(())
    }

    fn check_refused(&self, it: &Explanation, bounds: Bounds) -> Result<(), ExplanationFault> {
        let mut by_rule: BTreeMap<RuleId, Vec<AgentId>> = BTreeMap::new();
        for (agent, rule, _) in &self.refusals {
            by_rule.entry(*rule).or_default().push(agent.id);
        }
        let same = it.refused.len() == by_rule.len()
            && it.refused.iter().zip(&mut by_rule).all(|(found, (rule, agents))| {
                let count = agents.len();
                agents.sort_unstable();
                agents.truncate(bounds.samples.into());
                (found.rule, found.count as usize) == (*rule, count) && found.samples == *agents
            });
        if same { Ok(()) } else { Err(ExplanationFault::Field { field: "refused" }) }
    }

    fn check_nearer(&self, it: &Explanation, bounds: Bounds) -> Result<(), ExplanationFault> {
        let mut nearer: Vec<(u64, AgentId)> = Vec::new();
        for agent in self.agents {
            let Some(Some(arrival)) = self.oracle.legs(agent).into_iter().next() else { continue };
            let is_nearer = self.bids.first().is_none_or(|best| {
                arrival < best.arrival.as_micros()
                    || (arrival == best.arrival.as_micros() && agent.id < best.agent)
            });
            if is_nearer {
                nearer.push((arrival, agent.id));
            }
        }
        nearer.sort_unstable();
        let kept = nearer.len().min(bounds.nearer.into());
        if it.nearer_count as usize != nearer.len() || it.nearer.len() != kept {
            return Err(ExplanationFault::Field { field: "nearer" });
        }
        for (found, (arrival, id)) in it.nearer.iter().zip(nearer) {
            let agent = self.agent(id).ok_or(ExplanationFault::Field { field: "nearer" })?;
            let is_same = [
                ("place among the nearer", (found.agent, found.arrival) == (id, Micros::new(arrival))),
                ("evidence", found.evidence == self.evidence(agent)),
                ("other task", found.elsewhere == other_task(agent)),
                ("counterfactual", self.is_counterfactual(agent, found)),
            ];
            if let Some((field, _)) = is_same.into_iter().find(|(_, same)| !same) {
                return Err(ExplanationFault::Agent { field, agent: id });
            }
        }
        Ok(())
    }

    fn evidence(&self, agent: &Agent) -> Evidence {
        let (now, shift) = (self.oracle.now, agent.shift);
        let (rule, (measured, limit)) = match self.oracle.firing(agent, None) {
            None => (DSP_008, (int(self.bids.iter().filter(|bid| !bid.person).count() as u64), 0)),
            Some((DSP_007, _)) => (DSP_007, self.battery_values(agent)),
            Some(fired) => fired,
        };
        let relation = match rule {
            DSP_004 if shift.is_some_and(|shift| now < shift.from) => Relation::Below,
            DSP_004 if shift.is_some_and(|shift| shift.to <= now) => Relation::AtMost,
            DSP_004 | DSP_008 => Relation::Above,
            _ => Relation::Below,
        };
        Evidence { rule, measured, relation, limit }
    }

    /// State of charge and what is needed with the way to the charger; 0 and 1 where none is within reach.
    fn battery_values(&self, agent: &Agent) -> (i64, i64) {
        let values = || {
            let (battery, total) = (agent.battery?, self.oracle.total(agent)?);
            let leg = self.oracle.charger_leg(agent, self.oracle.task.steps.last()?.place)?;
            let drain = u128::from(battery.drain_ppm_per_s);
            let used = u128::from(total.saturating_add(leg)) * drain;
            let need = used.div_ceil(1_000_000) + u128::from(battery.reserve.get());
            Some((battery.charge.get().into(), i64::try_from(need).unwrap_or(i64::MAX)))
        };
        values().unwrap_or((0, 1))
    }

    fn is_counterfactual(&self, agent: &Agent, found: &Nearer) -> bool {
        let firing = self.oracle.firing(agent, None).map(|(rule, _)| rule);
        let expected = match firing {
            Some(DSP_006) => Counterfactual::Undefined,
            None => self.rank(agent, false),
            Some(lifted) => match self.oracle.firing(agent, Some(lifted)) {
                Some((next, _)) => Counterfactual::RefusedFor(next),
                None => self.rank(agent, agent.kind != AgentKind::Robot),
            },
        };
        found.otherwise == expected
    }

    /// Where an agent would stand among all others that bid.
    fn rank(&self, agent: &Agent, person: bool) -> Counterfactual {
        let Some(bid) = self.oracle.bid(agent) else { return Counterfactual::Undefined };
        let others = self.bids.iter().filter(|other| other.agent != agent.id);
        let before = others.filter(|other| order(other) < order(&Bid { person, ..bid })).count();
        match u32::try_from(before).unwrap_or(u32::MAX) {
            0 => Counterfactual::Wins,
            before => Counterfactual::Ranks(before.saturating_add(1)),
        }
    }
}

/// Robots before people, then who is there first, then the lower id.
fn order(bid: &Bid) -> (u8, u64, u32) {
    (u8::from(bid.person), bid.arrival.as_micros(), bid.agent.0)
}

fn other_task(agent: &Agent) -> Option<TaskId> {
    if let Availability::Busy { task } | Availability::Asked { task } = agent.availability {
        return Some(task);
    }
    None
}
