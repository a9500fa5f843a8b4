//! "Nearest" means nearest: awards compared with the oracle on the authored site.

use std::collections::BTreeMap;

use sheepdog_core::{AgentId, Micros, MmPerS, WaypointId};
use sheepdog_dispatch::{Agent, DSP_006, Decision, Task};
use sheepdog_fleet::{Entry, Record};
use sheepdog_map::{CompiledSite, Site};

use crate::{
    Violation,
    oracle::{Oracle, Traveller, tolerance_s},
};

const CHECK: &str = "nearest is true";

struct Judge<'a> {
    authored: &'a Site,
    compiled: &'a CompiledSite,
    oracles: BTreeMap<(MmPerS, Option<usize>), Oracle<'a>>,
}

/// Every bid's arrival is what the [`Oracle`] computes on the authored site, within [`tolerance_s`]; whoever was refused
/// because there is no way to the first place has none; and the award goes to the bid with the earliest arrival, robots
/// before people, ties to the lowest id.
///
/// For sites on which every lane fits the robots, as the oracle does not look at walls. Tasks whose first place is not
/// an authored waypoint are passed over.
///
/// # Errors
/// The first award that does not fit.
pub fn nearest_is_true(entries: &[Entry], authored: &Site, compiled: &CompiledSite) -> Result<(), Violation> {
    let mut judge = Judge { authored, compiled, oracles: BTreeMap::new() };
    for entry in entries {
        if let Record::Awarded { task, decision, candidates, .. }
        | Record::Waiting { task, decision, candidates } = &entry.record
        {
            judge
                .decision(task, decision, candidates)
                .map_err(|message| Violation::at(CHECK, entry.seq, message))?;
        }
    }
    Ok(())
}

impl Judge<'_> {
    fn decision(&mut self, task: &Task, decision: &Decision, candidates: &[Agent]) -> Result<(), String> {
        let Some(place) = task.steps.first().and_then(|step| self.compiled.waypoint(step.place)) else {
            return Ok(());
        };
        if !place.authored {
            return Ok(());
        }
        let to = place.name.clone();
        let candidate = |agent: AgentId| candidates.iter().find(|candidate| candidate.id == agent);
        for bid in &decision.bids {
            let agent =
                candidate(bid.agent).ok_or_else(|| format!("{} bids and is no candidate", bid.agent))?;
            let true_s = self
                .time_s(agent, &to)
                .ok_or_else(|| format!("{} bids and has no way to {to}", bid.agent))?;
            let bid_s = bid.arrival.as_secs_f64();
            if tolerance_s(true_s) < (bid_s - true_s).abs() {
                return Err(format!(
                    "{} bids {bid_s:.4} s to {to}, the oracle says {true_s:.4} s",
                    bid.agent
                ));
            }
        }
        for refusal in decision
            .refusals
            .iter()
            .filter(|refusal| refusal.rule == DSP_006 && refusal.evidence.measured == 0)
        {
            let agent =
                candidate(refusal.agent).ok_or_else(|| format!("{} is no candidate", refusal.agent))?;
            if let Some(true_s) = self.time_s(agent, &to) {
                return Err(format!(
                    "{} is refused for want of a way to {to}, which takes {true_s:.2} s",
                    agent.id
                ));
            }
        }
        let key = |person: bool, arrival: Micros, agent: AgentId| (person, arrival, agent);
        let best = decision.bids.iter().map(|bid| key(bid.person, bid.arrival, bid.agent)).min();
        if best.map(|(_, _, agent)| agent) != decision.outcome.agent() {
            return Err(format!("the nearest is {best:?}, the outcome is {:?}", decision.outcome));
        }
        Ok(())
    }

    fn time_s(&mut self, agent: &Agent, to: &str) -> Option<f64> {
        let diameter_m = agent
            .class
            .and_then(|class| self.compiled.classes().get(class))
            .map(|class| 2.0 * f64::from(class.class.radius.0) / 1e3);
        let speed_mps = f64::from(agent.speed.0) / 1e3;
        let authored = self.authored;
        let oracle = self
            .oracles
            .entry((agent.speed, agent.class))
            .or_insert_with(|| Oracle::new(authored, Traveller { speed_mps, diameter_m }));
        let (level, at) = place(self.compiled, agent.at)?;
        oracle.from_point(level, at, to)
    }
}

fn place(site: &CompiledSite, at: WaypointId) -> Option<(&str, [f64; 2])> {
    let waypoint = site.waypoint(at)?;
    let level = site.level(waypoint.level)?;
    Some((level.name.as_str(), [waypoint.at.x, waypoint.at.y]))
}
