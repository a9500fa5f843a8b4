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

#[cfg(test)]
mod tests {
    use sheepdog_core::{FleetTime, MmPerS, Ppm};

    use super::*;
    use crate::{
        Availability, Battery, Task, decide,
        fixture::{NOW, Table, corridor, nurse, robot, visit},
    };

    const AT_ONCE: Table = Table { door: Micros::ZERO, odd_door: Micros::ZERO, lift: Micros::ZERO };

    fn explained(task: &Task, agents: &[Agent]) -> String {
        let site = corridor();
        explain(&decide(&site, task, agents, &AT_ONCE, NOW), &SiteNames { site: &site, agents })
    }

    #[test]
    fn the_winner_the_losers_and_the_refused_are_named_with_their_reasons() {
        let charge = Ppm::new(80_000).unwrap();
        let reserve = Ppm::new(100_000).unwrap();
        let low = Battery { charge, reserve, drain_ppm_per_s: 1_000 };
        let agents = [
            Agent { speed: MmPerS(399), ..robot(1, 2) },
            Agent { speed: MmPerS(323), ..robot(2, 1) },
            Agent { battery: Some(low), ..robot(3, 0) },
            nurse(4, 1),
        ];
        assert_eq!(
            explained(&visit(), &agents),
            "r2 goes: it reaches pharmacy in 12.4 s, rule DSP-001; r1 would need 20.1 s; \
             n4 would need 4.0 s but people are asked only when no robot can, rule DSP-008; \
             r3 was refused: its battery is at 8.0 %, the task and its reserve take 11.0 %, rule DSP-007."
        );
    }

    #[test]
    fn a_person_is_asked_and_a_missed_deadline_is_said() {
        let task = Task { deadline: Some(FleetTime::from_micros(NOW.as_micros() + 11_500_000)), ..visit() };
        let broken = Agent { availability: Availability::Failed, ..robot(1, 0) };
        assert_eq!(
            explained(&task, &[broken, nurse(2, 1), nurse(3, 1)]),
            "n2 is asked to reach pharmacy in 4.0 s and is done 2.5 s after the deadline, rule DSP-008 (People are \
             asked only when no robot can do a task that robots may do); n3 would need 4.0 s too, and the lower id \
             goes; r1 was refused: it is out of order, rule DSP-005."
        );
    }

    #[test]
    fn nobody_is_an_answer_and_ids_do_without_names() {
        let decision = decide(&corridor(), &visit(), &[], &AT_ONCE, NOW);
        let nameless = |agent: AgentId| agent.to_string();
        assert_eq!(
            explain(&decision, &nameless),
            "nobody can go to w0 now and the task stays open, rule DSP-012."
        );
    }
}
