//! A decision in plain words.

use sheepdog_core::{AgentId, Micros, WaypointId};
use sheepdog_map::CompiledSite;

use crate::{Agent, Bid, Decision, Outcome, RULES, Refusal};

/// What people call things. Whatever is not told keeps its id, so a reader without tables can still explain.
///
/// A closure from agents to names is enough.
pub trait Names {
    /// An agent's name.
    fn agent(&self, id: AgentId) -> String;

    /// A place's name.
    fn place(&self, id: WaypointId) -> String {
        id.to_string()
    }
}

impl<F: Fn(AgentId) -> String> Names for F {
    fn agent(&self, id: AgentId) -> String {
        self(id)
    }
}

/// The names of a site's stations and waypoints and of a fleet's agents. Each look-up is linear.
#[derive(Clone, Copy, Debug)]
pub struct SiteNames<'a> {
    /// The site.
    pub site: &'a CompiledSite,
    /// The fleet.
    pub agents: &'a [Agent],
}

impl Names for SiteNames<'_> {
    fn agent(&self, id: AgentId) -> String {
        let known = self.agents.iter().find(|agent| agent.id == id);
        known.map_or_else(|| id.to_string(), |agent| agent.name.clone())
    }

    /// The station's name, or the waypoint's when no station is there.
    fn place(&self, id: WaypointId) -> String {
        let station = self.site.stations().iter().find(|station| station.waypoint == id);
        let name = station.map(|station| &station.name).or_else(|| Some(&self.site.waypoint(id)?.name));
        name.map_or_else(|| id.to_string(), String::clone)
    }
}

/// The decision in plain words: who goes, who would have come later, who was refused and for which rule.
///
/// One sentence per agent, joined by semicolons; linear in the decision.
pub fn explain(decision: &Decision, names: &dyn Names) -> String {
    let mut clauses = vec![headline(decision, names)];
    let chosen = decision.outcome.agent();
    let losers = decision.bids.iter().filter(|bid| Some(bid.agent) != chosen);
    clauses.extend(losers.map(|bid| loser(bid, decision, names)));
    clauses.extend(decision.refusals.iter().map(|refusal| refused(refusal, names)));
    clauses.join("; ") + "."
}

fn headline(decision: &Decision, names: &dyn Names) -> String {
    let place = decision.place.map_or_else(|| "its first place".into(), |place| names.place(place));
    let rule = decision.outcome.rule();
    match decision.outcome {
        Outcome::Award { agent, arrival, finish, .. } => {
            let (name, late) = (names.agent(agent), late(decision, finish));
            format!("{name} goes: it reaches {place} in {}{late}, rule {rule}", seconds(arrival))
        }
        Outcome::AskPerson { agent, arrival, finish, .. } => {
            let (name, late) = (names.agent(agent), late(decision, finish));
            let why = RULES.iter().find(|known| known.id == rule).map_or("", |known| known.text);
            let why = why.trim_end_matches('.');
            format!("{name} is asked to reach {place} in {}{late}, rule {rule} ({why})", seconds(arrival))
        }
        Outcome::None { .. } => format!("nobody can go to {place} now and the task stays open, rule {rule}"),
    }
}

fn late(decision: &Decision, finish: Micros) -> String {
    let end = decision.at + finish;
    match decision.deadline.and_then(|deadline| end.since(deadline)) {
        Some(late) if Micros::ZERO < late => format!(" and is done {} after the deadline", seconds(late)),
        Some(_) | None => String::new(),
    }
}

fn loser(bid: &Bid, decision: &Decision, names: &dyn Names) -> String {
    let name = names.agent(bid.agent);
    let (time, tie) =
        (seconds(bid.arrival), decision.bids.first().map(|best| best.arrival) == Some(bid.arrival));
    match decision.outcome {
        Outcome::Award { .. } if bid.person => {
            format!("{name} would need {time} but people are asked only when no robot can, rule DSP-008")
        }
        Outcome::Award { .. } | Outcome::AskPerson { .. } | Outcome::None { .. } if tie => {
            format!("{name} would need {time} too, and the lower id goes")
        }
        Outcome::Award { .. } | Outcome::AskPerson { .. } | Outcome::None { .. } => {
            format!("{name} would need {time}")
        }
    }
}

fn refused(refusal: &Refusal, names: &dyn Names) -> String {
    let Refusal { agent, rule, evidence: _, detail } = refusal;
    format!("{} was refused: {detail}, rule {rule}", names.agent(*agent))
}

/// Seconds with one decimal, rounded to the nearest tenth.
fn seconds(span: Micros) -> String {
    let tenths = span.as_micros().saturating_add(50_000) / 100_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}
