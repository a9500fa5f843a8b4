//! "Why?" in words, from the ledger alone.

use std::fmt::Write as _;

use sheepdog_core::{AgentId, ResourceId, TaskId, WaypointId};
use sheepdog_map::{CompiledSite, Part, Resource};

use crate::record::{Entry, Record};

/// Turns ids into the names people use.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    site: &'a CompiledSite,
    entries: &'a [Entry],
}

impl sheepdog_dispatch::Names for Names<'_> {
    fn agent(&self, agent: AgentId) -> String {
        Self::agent(self, agent)
    }

    fn place(&self, waypoint: WaypointId) -> String {
        Self::place(self, waypoint)
    }
}

impl<'a> Names<'a> {
    /// Names of places from the site, names of agents from the ledger's first record.
    pub const fn new(site: &'a CompiledSite, entries: &'a [Entry]) -> Self {
        Self { site, entries }
    }

    /// An agent's name.
    pub fn agent(&self, agent: AgentId) -> String {
        let config = self.entries.iter().find_map(|entry| entry.record.opened());
        let known = config.and_then(|config| config.agents.iter().find(|known| known.id == agent));
        known.map_or_else(|| agent.to_string(), |known| known.name.clone())
    }

    /// The task about which a record decided.
    fn task_of(&self, seq: u64) -> Option<TaskId> {
        let record = &self.entries.iter().find(|entry| entry.seq == seq)?.record;
        if let Record::Awarded { decision, .. } = record {
            return Some(decision.task);
        }
        if let Record::Cancelled { task } | Record::Approved { task, .. } = record {
            return Some(*task);
        }
        None
    }

    /// A waypoint's name.
    pub fn place(&self, waypoint: WaypointId) -> String {
        self.site.waypoint(waypoint).map_or_else(|| waypoint.to_string(), |waypoint| waypoint.name.clone())
    }

    /// What a resource stands for.
    pub fn resource(&self, resource: ResourceId) -> String {
        match self.site.resource(resource) {
            Some(Resource::Place(waypoint)) => self.place(*waypoint),
            Some(Resource::Overlap(a, b)) => {
                format!("the narrow spot between {} and {}", self.part(*a), self.part(*b))
            }
            Some(Resource::Door(door)) => {
                self.site.door(*door).map_or_else(|| door.to_string(), |d| d.name.clone())
            }
            Some(Resource::Lift(lift)) => {
                self.site.lift(*lift).map_or_else(|| lift.to_string(), |l| l.name.clone())
            }
            Some(Resource::Corridor(corridor)) => format!("one-lane corridor {corridor}"),
            Some(Resource::Group(group)) => {
                let name = self.site.mutexes().get(*group as usize).map_or("?", String::as_str);
                format!("mutex group {name}")
            }
            None => resource.to_string(),
        }
    }

    fn part(&self, part: Part) -> String {
        match part {
            Part::Waypoint(waypoint) => self.place(waypoint),
            Part::Lane(lane) => self.site.lane(lane).map_or_else(
                || lane.to_string(),
                |lane| format!("{}–{}", self.place(lane.from), self.place(lane.to)),
            ),
        }
    }
}

/// The story of one task: who got it and why not the others, what it waited for, and how it ended.
///
/// `None` when the ledger does not know the task. Linear in the length of the ledger.
pub fn explain_task(entries: &[Entry], site: &CompiledSite, task: TaskId) -> Option<String> {
    let names = Names::new(site, entries);
    let mut story = String::new();
    let mut performer = None;
    for entry in entries {
        let Some(sentence) = sentence(&names, &entry.record, task, &mut performer) else { continue };
        let rule = entry.record.rule().map_or_else(String::new, |rule| format!(" [{rule}]"));
        // Writing to a String cannot fail.
        let _ = writeln!(story, "{:>10}  #{:<6} {sentence}{rule}", entry.time.to_string(), entry.seq);
    }
    (!story.is_empty()).then_some(story)
}

/// What a record says about a task; `performer` follows who has it, so that their stops and waits are told too.
fn sentence(
    names: &Names<'_>,
    record: &Record,
    task: TaskId,
    performer: &mut Option<AgentId>,
) -> Option<String> {
    match record {
        Record::Accepted { task: id, name } if *id == task => {
            Some(format!("task {task} {name:?} is accepted"))
        }
        Record::Awarded { decision, award, .. } if decision.task == task => {
            *performer = decision.outcome.agent();
            let why = sheepdog_dispatch::explain(decision, names);
            Some(format!("award {award}: {why}; undo: an operator cancels {task} until its load is taken"))
        }
        Record::Waiting { decision, .. } if decision.task == task => {
            Some(format!("nobody yet: {}", sheepdog_dispatch::explain(decision, names)))
        }
        Record::Held { agent, withheld, .. } if Some(*agent) == *performer => Some(format!(
            "{} waits for {}, which {} has",
            names.agent(*agent),
            names.resource(withheld.resource),
            names.agent(withheld.by)
        )),
        Record::Barred { agent, stop, .. } if Some(*agent) == *performer => {
            Some(format!("{} waits outside the area of stop {}", names.agent(*agent), stop.generation))
        }
        Record::Stop { agent, event } if Some(*agent) == *performer => {
            let verb = if event.stopped { "is stopped" } else { "may move again" };
            let evidence = event.evidence;
            Some(format!(
                "{} {verb}: measured {}, limit {}",
                names.agent(*agent),
                evidence.measured,
                evidence.limit
            ))
        }
        Record::GateClosed { task: id, step, detail, .. } if *id == task => {
            Some(format!("step {} waits: {detail}", step + 1))
        }
        Record::GateOpened { task: id, step, evidence } if *id == task => {
            let readings: usize = evidence.iter().map(|evidence| evidence.readings.len()).sum();
            Some(format!("the gate of step {} is open on {readings} readings", step + 1))
        }
        Record::StepStarted { agent, token } if token.task == task => {
            Some(format!("{} begins step {}", names.agent(*agent), token.step + 1))
        }
        Record::StepDone { agent, token } if token.task == task => {
            Some(format!("{} has done step {}", names.agent(*agent), token.step + 1))
        }
        Record::Withdrawn { task: id, agent, custody, .. } if *id == task => {
            *performer = None;
            let load = custody.map(|at| format!("; a person must fetch its load at {}", names.place(at)));
            Some(format!("the task is taken from {}{}", names.agent(*agent), load.unwrap_or_default()))
        }
        Record::Done { task: id, agent } if *id == task => {
            *performer = None;
            Some(format!("done by {}", names.agent(*agent)))
        }
        Record::Cancelled { task: id } if *id == task => Some("cancelled".to_owned()),
        Record::Approved { task: id, step, role, by } if *id == task => {
            Some(format!("step {} is approved by person {by} as {role}", step + 1))
        }
        Record::Revert { of, why, by } if names.task_of(*of) == Some(task) => {
            Some(format!("person {by} takes #{of} back: {why}"))
        }
        Record::Alert(alert) if alert.task == Some(task) => Some(format!("operator told: {}", alert.text)),
        Record::Opened { .. }
        | Record::Input(_)
        | Record::Refused { .. }
        | Record::Accepted { .. }
        | Record::Awarded { .. }
        | Record::Waiting { .. }
        | Record::Planned { .. }
        | Record::PlanRefused { .. }
        | Record::Released { .. }
        | Record::Held { .. }
        | Record::Barred { .. }
        | Record::Stop { .. }
        | Record::StopOrdered(_)
        | Record::StopRenumbered { .. }
        | Record::Reset(_)
        | Record::GateClosed { .. }
        | Record::GateOpened { .. }
        | Record::StepStarted { .. }
        | Record::StepDone { .. }
        | Record::Withdrawn { .. }
        | Record::Done { .. }
        | Record::Cancelled { .. }
        | Record::Agent { .. }
        | Record::FireAlarm { .. }
        | Record::FireEnded { .. }
        | Record::Storage { .. }
        | Record::Lamp { .. }
        | Record::Approved { .. }
        | Record::Revert { .. }
        | Record::Alert(_) => None,
    }
}
