//! Decisions and their explanations in plain words.

use sheepdog_core::{AgentId, FleetTime, Micros, WaypointId, wire::Relation};
use sheepdog_map::CompiledSite;

use super::{Breakdown, Counterfactual, Energy, Explanation, Lead, Loser, Nearer, Refused};
use crate::{
    Agent, Bid, DSP_002, DSP_003, DSP_004, DSP_005, DSP_006, DSP_007, DSP_008, DSP_009, DSP_010, DSP_011,
    Decision, Outcome, RULES, Refusal, eligible::percent,
};

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
    Headline {
        outcome: decision.outcome,
        place: decision.place,
        at: decision.at,
        deadline: decision.deadline,
    }
    .in_words(names)
}

/// What comes first, of a decision or of its explanation.
struct Headline {
    outcome: Outcome,
    place: Option<WaypointId>,
    at: FleetTime,
    deadline: Option<FleetTime>,
}

impl Headline {
    fn in_words(&self, names: &dyn Names) -> String {
        let place = self.place.map_or_else(|| "its first place".into(), |place| names.place(place));
        let rule = self.outcome.rule();
        match self.outcome {
            Outcome::Award { agent, arrival, finish, .. } => {
                let (name, late) = (names.agent(agent), self.late(finish));
                format!("{name} goes: it reaches {place} in {}{late}, rule {rule}", seconds(arrival))
            }
            Outcome::AskPerson { agent, arrival, finish, .. } => {
                let (name, late) = (names.agent(agent), self.late(finish));
                let why = RULES.iter().find(|known| known.id == rule).map_or("", |known| known.text);
                let why = why.trim_end_matches('.');
                format!("{name} is asked to reach {place} in {}{late}, rule {rule} ({why})", seconds(arrival))
            }
            Outcome::None { .. } => {
                format!("nobody can go to {place} now and the task stays open, rule {rule}")
            }
        }
    }

    fn late(&self, finish: Micros) -> String {
        let end = self.at + finish;
        match self.deadline.and_then(|deadline| end.since(deadline)) {
            Some(late) if Micros::ZERO < late => format!(" and is done {} after the deadline", seconds(late)),
            Some(_) | None => String::new(),
        }
    }
}

impl Explanation {
    /// The explanation in plain words: who goes and what its time consists of, who comes next, for everybody nearer why not
    /// and what would have been otherwise, and who was refused for which rule.
    ///
    /// Sentences; linear in the explanation, whatever the fleet.
    pub fn in_words(&self, names: &dyn Names) -> String {
        let &Self { outcome, place, at, deadline, .. } = self;
        let mut sentences = vec![Headline { outcome, place, at, deadline }.in_words(names)];
        sentences.extend(self.winner.map(breakdown));
        if !self.losers.is_empty() {
            let losers: Vec<String> = self.losers.iter().map(|it| behind(it, names)).collect();
            let others = (self.bids as usize).saturating_sub(self.losers.len()).saturating_sub(1);
            sentences.push(format!("Next come {}{}", losers.join(", "), and_more(others)));
        }
        sentences.extend(self.nearer.iter().map(|it| self.why_not(it, names)));
        let others = (self.nearer_count as usize).saturating_sub(self.nearer.len());
        if 0 < others {
            sentences.push(format!("{others} more would have been nearer"));
        }
        if !self.refused.is_empty() {
            let refused: Vec<String> = self.refused.iter().map(|it| refused_by(it, names)).collect();
            sentences.push(format!("Refused: {}", refused.join("; ")));
        }
        sentences.join(". ") + "."
    }

    /// "Why not Bert (12.0 s nearer)?", and the answer.
    fn why_not(&self, nearer: &Nearer, names: &dyn Names) -> String {
        let name = names.agent(nearer.agent);
        let distance = match self.winner {
            Some(best) if nearer.arrival == best.arrival => "as near, with a lower id".into(),
            Some(best) => format!("{} nearer", seconds(best.arrival.saturating_sub(nearer.arrival))),
            None => format!("{} away", seconds(nearer.arrival)),
        };
        let rule = nearer.evidence.rule;
        format!("Why not {name} ({distance})? {}{}, rule {rule}", obstacle(nearer), otherwise(nearer))
    }
}

fn breakdown(winner: Breakdown) -> String {
    let Breakdown { arrival, onward, work, finish, energy, lead } = winner;
    let [arrival, onward, work, finish] = [arrival, onward, work, finish].map(seconds);
    let energy = energy.map_or_else(String::new, |it| {
        let Energy { charge, task_ppm, charger_ppm, reserve, total_ppm } = it;
        let [charge, reserve] = [charge, reserve].map(|share| percent(share.get().into()));
        let [task, charger, total] = [task_ppm, charger_ppm, total_ppm].map(|ppm| percent(ppm.into()));
        format!(
            "; its battery is at {charge} and must hold {total}: task {task}, way to a charger {charger}, reserve \
             {reserve}"
        )
    });
    let lead = match lead {
        Lead::Only => "nobody else can".into(),
        Lead::RobotFirst => "the next is a person, and people are asked only when no robot can".into(),
        Lead::Sooner { by } => format!("it is there {} before the next", seconds(by)),
        Lead::LowerId => "the next is there as soon, and the lower id goes".into(),
    };
    format!(
        "It is done in {finish}: way {arrival}, ways between places {onward}, work {work}{energy}; {lead}"
    )
}

fn behind(loser: &Loser, names: &dyn Names) -> String {
    let name = names.agent(loser.bid.agent);
    let span = seconds(Micros::new(loser.behind_us.unsigned_abs()));
    if loser.behind_us < 0 { format!("{name} ({span} sooner)") } else { format!("{name} ({span} later)") }
}

fn refused_by(refused: &Refused, names: &dyn Names) -> String {
    let Refused { rule, count, samples } = refused;
    let names: Vec<String> = samples.iter().map(|id| names.agent(*id)).collect();
    let others = (*count as usize).saturating_sub(names.len());
    format!("{count} by rule {rule} ({}{})", names.join(", "), and_more(others))
}

fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" and {others} more") }
}

/// What stood against somebody nearer, told from values alone.
fn obstacle(nearer: &Nearer) -> String {
    let (measured, limit) = (nearer.evidence.measured, nearer.evidence.limit);
    let instant = |micros: i64| FleetTime::from_micros(micros.unsigned_abs());
    match nearer.evidence.rule {
        DSP_002 => format!("It has {measured} of the {limit} skills"),
        DSP_003 => format!("It carries {measured} g, the load is {limit} g"),
        DSP_004 => match nearer.evidence.relation {
            Relation::Below => format!("Its shift begins at {}", instant(limit)),
            Relation::AtMost => format!("Its shift ended at {}", instant(measured)),
            Relation::Above | Relation::Equal => {
                format!("Its shift ends at {}, the task at {}", instant(limit), instant(measured))
            }
        },
        DSP_005 => match nearer.elsewhere {
            Some(task) => format!("It is taken up with task {task}"),
            None => "It is not available".into(),
        },
        DSP_006 => format!("It has a way to {measured} of the {limit} places in their order"),
        DSP_007 if (measured, limit) == (0, 1) => "It reaches no charger after the task".into(),
        DSP_007 => format!(
            "Its battery is at {}, the task, the way to a charger and its reserve take {}",
            percent(measured),
            percent(limit)
        ),
        DSP_008 => format!("People are asked only when no robot can, and of those there are {measured}"),
        DSP_009 => format!("It declined and is not asked again before {}", instant(limit)),
        DSP_010 => "The task is not open to it".into(),
        DSP_011 => "It may not stand at every place of the task".into(),
        _ => format!("Measured {measured}, limit {limit}"),
    }
}

fn otherwise(nearer: &Nearer) -> String {
    let lifted = match (nearer.evidence.rule, nearer.evidence.limit) {
        (DSP_007, 2..) => "with that",
        _ => "but for that",
    };
    match nearer.otherwise {
        Counterfactual::Wins => format!("; {lifted} it would have won"),
        Counterfactual::Ranks(place) => format!("; {lifted} it would have come in place {place}"),
        Counterfactual::RefusedFor(rule) => format!("; {lifted} rule {rule} would have refused it"),
        Counterfactual::Undefined => String::new(),
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
pub(crate) fn seconds(span: Micros) -> String {
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
