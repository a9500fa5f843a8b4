//! No deadlock: what can be done is done.

use std::collections::BTreeSet;

use sheepdog_core::AgentId;
use sheepdog_dispatch::{AgentKind, Performers};
use sheepdog_fleet::{Entry, Input, Record, TaskRequest, TaskStatus, rules};
use sheepdog_map::{CompiledSite, Site};
use sheepdog_scenario::{Setup, World};

use crate::{Violation, oracle::reachable};

const CHECK: &str = "no deadlock";

/// Every feasible task of a run that has ended is done, and none of them was ever reported as impossible.
///
/// The run must have gone on long enough after the last fault, and somebody must have resumed and reset the robots:
/// [`Story::play`](crate::Story::play) does both. What is feasible, [`is_feasible`] says.
///
/// # Errors
/// The first feasible task that is not done or was given up, with where it stands.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "records of other kinds, later ones too, do not matter here"
)]
pub fn no_deadlock(world: &World, entries: &[Entry], site: &Site) -> Result<(), Violation> {
    let setup = world.setup();
    let failed: BTreeSet<AgentId> = world.fleet().failed().collect();
    for (task, name, status) in world.fleet().tasks() {
        // A refused request and a later one may share a name: the one that was accepted counts.
        let accepted = entries
            .iter()
            .position(|entry| matches!(&entry.record, Record::Accepted { task: of, .. } if *of == task));
        let before = entries.get(..accepted.unwrap_or(entries.len())).unwrap_or(entries);
        let request = before.iter().rev().find_map(|entry| match &entry.record {
            Record::Input(Input::TaskRequested(request)) if request.name == name => Some(request),
            _ => None,
        });
        let Some(request) = request else { continue };
        let custody = entries.iter().any(|entry| {
            matches!(&entry.record, Record::Withdrawn { task: of, custody: Some(_), .. } if *of == task)
        });
        let request = if custody {
            TaskRequest { performers: Performers::people(), ..request.clone() }
        } else {
            request.clone()
        };
        if !is_feasible(setup, site, &request, &failed) {
            continue;
        }
        if !matches!(status, TaskStatus::Done(_) | TaskStatus::Cancelled) {
            let why = last_word(world, entries, task);
            let custody = if custody { ", its load must be fetched" } else { "" };
            return Err(Violation::new(
                CHECK,
                format!("task {task} {name:?} is {status:?} at the end{custody}; {why}"),
            ));
        }
        let given_up = entries.iter().find(|entry| {
            matches!(&entry.record, Record::Alert(alert) if alert.task == Some(task) && alert.rule == rules::NOBODY)
        });
        if let Some(entry) = given_up.filter(|_| !custody) {
            return Err(Violation::at(
                CHECK,
                entry.seq,
                format!("task {task} {name:?} is called impossible"),
            ));
        }
    }
    Ok(())
}

/// Whether somebody of the run can do a task: robots that have not failed, or people who sometimes accept, that have the
/// skills, carry the load, can reach every place in order along the authored lanes and may stand there, and afterwards
/// reach a charger if the site has any.
///
/// It does not look at other robots; on sites on which places of rest are dead ends they can always get out of the way.
pub fn is_feasible(setup: &Setup, site: &Site, request: &TaskRequest, failed: &BTreeSet<AgentId>) -> bool {
    let compiled = &setup.site;
    let places: Option<Vec<&str>> = request.steps.iter().map(|step| name(compiled, step.place)).collect();
    let Some(places) = places else { return false };
    setup.fleet.agents.iter().any(|agent| {
        let person = agent.kind != AgentKind::Robot;
        let may = request.performers.allow(agent.kind)
            && request.skills.is_subset(&agent.skills)
            && request.payload_g <= agent.payload_g
            && !failed.contains(&agent.id);
        let willing = !person
            || setup.plant.people.iter().any(|spec| spec.agent == agent.id && 0 < spec.accept_permille);
        // People take the stairs: nobody works in a cabin.
        let in_cabin = |place| compiled.waypoint(place).is_some_and(|waypoint| waypoint.lift.is_some());
        let may_stand = (person && !request.steps.iter().any(|step| in_cabin(step.place)))
            || agent
                .class
                .and_then(|class| compiled.classes().get(class))
                .is_some_and(|class| request.steps.iter().all(|step| class.may_stop(step.place)));
        may && willing
            && may_stand
            && reaches(compiled, site, agent.at, &places)
            && (person || reaches_charger(compiled, site, &places))
    })
}

fn reaches(compiled: &CompiledSite, site: &Site, from: sheepdog_core::WaypointId, places: &[&str]) -> bool {
    let mut starts: Vec<&str> = ends(compiled, site, from);
    for place in places {
        if !starts.contains(place) && !reachable(site, starts.iter().copied(), true).contains(place) {
            return false;
        }
        starts = vec![place];
    }
    true
}

fn reaches_charger(compiled: &CompiledSite, site: &Site, places: &[&str]) -> bool {
    let chargers: Vec<&str> = compiled
        .waypoints()
        .iter()
        .filter(|waypoint| waypoint.roles.charger)
        .map(|waypoint| waypoint.name.as_str())
        .collect();
    let Some(last) = places.last() else { return false };
    let within = reachable(site, std::iter::once(*last), true);
    chargers.is_empty() || chargers.iter().any(|charger| within.contains(charger))
}

fn name(site: &CompiledSite, at: sheepdog_core::WaypointId) -> Option<&str> {
    site.waypoint(at).filter(|waypoint| waypoint.authored).map(|waypoint| waypoint.name.as_str())
}

/// The authored waypoint at a place, or the ends of the lane on which a place between two of them lies.
fn ends<'a>(compiled: &CompiledSite, site: &'a Site, at: sheepdog_core::WaypointId) -> Vec<&'a str> {
    let Some(waypoint) = compiled.waypoint(at) else { return Vec::new() };
    let here = site.waypoints.iter().find(|authored| authored.id == waypoint.name);
    if let Some(here) = here {
        return vec![here.id.as_str()];
    }
    let level = compiled.level(waypoint.level).map_or("", |level| level.name.as_str());
    let point =
        |id: &str| site.waypoints.iter().find(|authored| authored.id == id && authored.level == level);
    let mut found = Vec::new();
    for lane in &site.lanes {
        let (Some(a), Some(b)) = (point(&lane.from), point(&lane.to)) else { continue };
        if crate::oracle::distance_to_segment([waypoint.at.x, waypoint.at.y], a.at, b.at) < 0.002 {
            found.push(lane.to.as_str());
            found.extend(lane.bidirectional.then_some(lane.from.as_str()));
        }
    }
    found
}

/// What the ledger says last about a task and about whoever has it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "records of other kinds, later ones too, do not matter here"
)]
fn last_word(world: &World, entries: &[Entry], task: sheepdog_core::TaskId) -> String {
    let on_it = match world.fleet().task_status(task) {
        Some(TaskStatus::Asked(agent) | TaskStatus::Active { agent, .. }) => Some(agent),
        Some(TaskStatus::Pending | TaskStatus::Done(_) | TaskStatus::Cancelled) | None => None,
    };
    let concerns = |record: &Record| match record {
        Record::Waiting { decision, .. } => decision.task == task,
        Record::Withdrawn { task: of, .. } | Record::GateClosed { task: of, .. } => *of == task,
        Record::Held { agent, .. }
        | Record::Barred { agent, .. }
        | Record::Stop { agent, .. }
        | Record::Agent { agent, .. } => Some(*agent) == on_it,
        Record::Planned { .. } => true,
        _ => false,
    };
    let last: Vec<String> = entries
        .iter()
        .rev()
        .filter(|entry| concerns(&entry.record))
        .take(3)
        .map(|entry| format!("{} {:?}", entry.time, entry.record))
        .collect();
    format!("last said: {}", last.join("; "))
}
