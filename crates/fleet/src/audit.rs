//! The auditor's question: does every decision name a rule whose predicate holds on the recorded evidence?

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_core::{
    AgentId, LaneId, Rule, RuleId, StopGeneration,
    wire::{ResetStep, StopOrder, StopScope},
};
use sheepdog_dispatch::check_decision;
use sheepdog_map::{CompiledSite, travel::NominalWaits};
use sheepdog_traffic::{RULES as TRAFFIC_RULES, Withheld};

use crate::{
    header::{Header, OtherVersion},
    record::{Ahead, Entry, Record},
    rules,
};

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Awards, holds and stops that were looked at.
    pub checked: u64,
    /// Those whose rule is unknown or whose predicate does not hold on the recorded evidence.
    pub findings: Vec<Finding>,
    /// What wrote the ledger, if that is not what audits it and the audit was told ([`Audit::of`]). Findings may come
    /// from rules that have changed then.
    pub other_version: Option<OtherVersion>,
}

impl Audit {
    /// [`audit`] of the ledger with this header, which says under which rules its decisions were made.
    pub fn of(header: &Header, entries: &[Entry], site: &CompiledSite, robot_rules: &[Rule]) -> Self {
        Self { other_version: header.other_version(), ..audit(entries, site, robot_rules) }
    }

    /// Whether the rules that decided bear out every decision; `None` if other rules decided than those here.
    pub fn is_sound(&self) -> Option<bool> {
        self.other_version.is_none().then_some(self.findings.is_empty())
    }
}

/// A decision that its evidence does not bear out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Sequence number of the record.
    pub seq: u64,
    /// The rule it names.
    pub rule: Option<RuleId>,
    /// What does not fit.
    pub reason: String,
}

/// Evaluates again the rule of every award, hold and stop of a ledger, on the evidence recorded with it.
///
/// Awards are decided again by [`check_decision`], which shares no code with the dispatcher. Stops must cite one of
/// `robot_rules` (the rules of the interlock that the robots run) and its predicate must hold. Holds must name a
/// resource that the withheld lanes really claim and that the named holder really held or is first at. A stop may only
/// keep robots out while it is in force, and only from where it holds.
pub fn audit(entries: &[Entry], site: &CompiledSite, robot_rules: &[Rule]) -> Audit {
    let mut audit = Audit::default();
    let mut stopped = BTreeSet::new();
    let mut in_force = BTreeMap::new();
    for entry in entries {
        let checked = match &entry.record {
            Record::Awarded { task, decision, candidates, .. }
            | Record::Waiting { task, decision, candidates } => {
                check_decision(site, task, candidates, &NominalWaits(site), entry.time, decision)
                    .map_err(|fault| fault.to_string())
            }
            Record::Held { agent, withheld, ahead } => check_hold(site, entries, *agent, withheld, ahead),
            Record::Barred { agent, lanes, stop } => {
                check_bar(site, agent_class(entries, *agent), &in_force, lanes, stop)
            }
            Record::Revert { of, .. } => check_revert(entries, entry.seq, *of),
            Record::StopOrdered(order) => {
                in_force.insert(order.generation, *order);
                continue;
            }
            Record::StopRenumbered { was, order, .. } => {
                let renumbered = check_renumbering(&in_force, *was, order);
                in_force.remove(was);
                in_force.insert(order.generation, *order);
                renumbered
            }
            Record::Reset(reset) if reset.step == ResetStep::Start => {
                in_force.remove(&reset.generation);
                continue;
            }
            Record::Stop { agent, event } => {
                if event.stopped {
                    stopped.insert(*agent);
                    check_stop(event.evidence.rule, event.evidence.holds(), robot_rules)
                } else if stopped.remove(agent) {
                    Ok(())
                } else {
                    Err("motion is permitted again without having been stopped".to_owned())
                }
            }
            Record::Withdrawn { rule, .. } | Record::Agent { rule, .. } => check_known(*rule, rules::RULES),
            Record::Opened { .. }
            | Record::Input(_)
            | Record::Refused { .. }
            | Record::Accepted { .. }
            | Record::Planned { .. }
            | Record::PlanRefused { .. }
            | Record::Released { .. }
            | Record::Reset(_)
            | Record::GateClosed { .. }
            | Record::GateOpened { .. }
            | Record::StepStarted { .. }
            | Record::StepDone { .. }
            | Record::Done { .. }
            | Record::Cancelled { .. }
            | Record::FireAlarm { .. }
            | Record::FireEnded { .. }
            | Record::Storage { .. }
            | Record::Lamp { .. }
            | Record::Approved { .. }
            | Record::Alert(_) => continue,
        };
        audit.checked += 1;
        if let Err(reason) = checked {
            audit.findings.push(Finding { seq: entry.seq, rule: entry.record.rule(), reason });
        }
    }
    audit
}

fn check_known(rule: RuleId, catalogue: &[Rule]) -> Result<(), String> {
    let known = catalogue.iter().chain(sheepdog_dispatch::RULES).any(|known| known.id == rule);
    if known { Ok(()) } else { Err(format!("rule {rule} is in no catalogue")) }
}

fn check_stop(rule: RuleId, holds: bool, robot_rules: &[Rule]) -> Result<(), String> {
    check_known(rule, robot_rules)?;
    if holds { Ok(()) } else { Err(format!("the predicate of {rule} is false on its own evidence")) }
}

/// A stop keeps a robot out only if it was ordered, was not started again, and the move leads to where it holds.
fn check_bar(
    site: &CompiledSite,
    class: Option<usize>,
    in_force: &BTreeMap<StopGeneration, StopOrder>,
    lanes: &[LaneId],
    stop: &StopOrder,
) -> Result<(), String> {
    if in_force.get(&stop.generation) != Some(stop) {
        return Err(format!("stop {} is not in force", stop.generation));
    }
    let leads_to = |level| {
        let mut ends = lanes.iter().filter_map(|lane| site.waypoint(site.lane(*lane)?.to));
        ends.any(|to| {
            let lift = to.lift.and_then(|lift| site.lift(lift));
            to.level == level || lift.is_some_and(|lift| lift.stops.iter().any(|stop| stop.level == level))
        })
    };
    let claims = class.and_then(|class| site.classes().get(class));
    let barred = match stop.scope {
        StopScope::Site => true,
        StopScope::Level(level) => leads_to(level),
        StopScope::Agent(_) => false,
        StopScope::Zone(zone) => {
            claims.is_none_or(|claims| lanes.iter().any(|lane| claims.zones_along(*lane).contains(&zone)))
        }
    };
    if barred {
        Ok(())
    } else {
        Err(format!("the move does not lead to where stop {} holds", stop.generation))
    }
}

/// What is ordered again is in force, and its new number is the highest.
fn check_renumbering(
    in_force: &BTreeMap<StopGeneration, StopOrder>,
    was: StopGeneration,
    order: &StopOrder,
) -> Result<(), String> {
    let Some(old) = in_force.get(&was) else { return Err(format!("stop {was} is not in force")) };
    if (StopOrder { generation: order.generation, ..*old }) != *order {
        return Err(format!("stop {was} is ordered again as another stop"));
    }
    match in_force.last_key_value() {
        Some((highest, _)) if order.generation <= *highest => {
            Err(format!("stop {} is not above stop {highest}", order.generation))
        }
        Some(_) | None => Ok(()),
    }
}

/// What is taken back is an earlier award, cancellation or approval, and was not taken back before.
fn check_revert(entries: &[Entry], seq: u64, of: u64) -> Result<(), String> {
    let earlier = entries.iter().find(|entry| entry.seq == of && entry.seq < seq);
    match earlier.map(|entry| &entry.record) {
        Some(Record::Awarded { .. } | Record::Cancelled { .. } | Record::Approved { .. }) => {}
        Some(_) => return Err(format!("record {of} is no decision that can be taken back")),
        None => return Err(format!("there is no earlier record {of}")),
    }
    let again = |entry: &&Entry| {
        entry.seq < seq && matches!(entry.record, Record::Revert { of: other, .. } if other == of)
    };
    entries
        .iter()
        .find(again)
        .map_or(Ok(()), |entry| Err(format!("record {} took {of} back already", entry.seq)))
}

fn agent_class(entries: &[Entry], agent: AgentId) -> Option<usize> {
    let config = entries.iter().find_map(|entry| entry.record.opened())?;
    config.agents.iter().find(|known| known.id == agent)?.class
}

fn check_hold(
    site: &CompiledSite,
    entries: &[Entry],
    agent: AgentId,
    withheld: &Withheld,
    ahead: &Ahead,
) -> Result<(), String> {
    check_known(withheld.rule, TRAFFIC_RULES)?;
    let class = agent_class(entries, agent).and_then(|class| site.classes().get(class));
    let claims = class.ok_or("the robot's footprint class is unknown")?;
    let claimed = withheld.next_lanes.iter().any(|lane| claims.along(*lane).contains(&withheld.resource));
    if !claimed {
        return Err(format!("the withheld move does not claim {}", withheld.resource));
    }
    if withheld.by == agent {
        return Err("a robot does not wait for itself".to_owned());
    }
    let class = agent_class(entries, withheld.by).and_then(|class| site.classes().get(class));
    let comes_first = class.is_some_and(|claims| {
        ahead.lanes.iter().any(|lane| claims.along(*lane).contains(&withheld.resource))
    });
    if ahead.holds.contains(&withheld.resource) || comes_first {
        Ok(())
    } else {
        Err(format!("{} neither held {} nor was bound for it", withheld.by, withheld.resource))
    }
}
