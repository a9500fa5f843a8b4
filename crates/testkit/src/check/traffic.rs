//! Routes and claims, rebuilt from the releases and reports of a ledger.

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_core::{
    AgentId, LaneId, LevelId, ResourceId, RuleId, StopGeneration, WaypointId,
    wire::{Report, ResetStep, StopScope, ToFleet},
};
use sheepdog_fleet::{Entry, Input, OperatorCommand, Record, rules};
use sheepdog_map::CompiledSite;

use super::tasks::until_next_input;
use crate::{Violation, oracle::distance_to_segment};

const CHECK: &str = "releases are monotone";

#[derive(Debug)]
struct Track {
    class: usize,
    epoch: u32,
    at: WaypointId,
    route: Vec<LaneId>,
    done: usize,
    newest: (u32, u32),
    level: LevelId,
    /// It has given back a part of its route; at the end of the rest it begins a new epoch.
    shrunk: bool,
    removed: bool,
}

struct Traffic<'a> {
    site: &'a CompiledSite,
    tracks: BTreeMap<AgentId, Track>,
    stops: BTreeMap<StopGeneration, StopScope>,
}

/// Within an epoch a route only grows, by lanes that connect, fit the robot and end where it may stop, except after the
/// robot said where it can stop; what is left of such a route is driven before a new epoch begins. What a robot needs for its place and for the lanes it has not completed is never needed
/// by another one. A lane counts as completed only on a report whose pose bears it out. Nobody gets a release while a
/// stop that concerns them is in force.
///
/// Routes and claims are rebuilt from the releases and reports alone; the claims of lanes and places are the compiled
/// site's. Linear in the ledger, quadratic with a small factor in robots.
///
/// # Errors
/// The first record that does not fit.
pub fn releases_are_monotone(entries: &[Entry], site: &CompiledSite) -> Result<(), Violation> {
    let mut traffic = Traffic { site, tracks: BTreeMap::new(), stops: BTreeMap::new() };
    for (index, entry) in entries.iter().enumerate() {
        let later = entries.get(index + 1..).unwrap_or(&[]);
        traffic.take(entry, later).map_err(|message| Violation::at(CHECK, entry.seq, message))?;
    }
    Ok(())
}

fn is_note(record: &Record, agent: AgentId, rule: RuleId) -> bool {
    matches!(record, Record::Agent { agent: of, rule: cited, .. } if *of == agent && *cited == rule)
}

impl Traffic<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "records of other kinds, later ones too, do not matter here"
    )]
    fn take(&mut self, entry: &Entry, later: &[Entry]) -> Result<(), String> {
        let refused = || until_next_input(later).any(|record| matches!(record, Record::Refused { .. }));
        match &entry.record {
            Record::Opened { config } => {
                for agent in &config.agents {
                    let Some(class) = agent.class else { continue };
                    let level = self.level(agent.at);
                    self.tracks.insert(agent.id, Track::new(class, 1, agent.at, level));
                }
                self.tracks.keys().try_for_each(|agent| self.check_claims(*agent))
            }
            Record::Released { agent, first, lanes } => self.released(*agent, *first, lanes),
            Record::Input(Input::FromAgent { agent, message: ToFleet::Report(report) }) => {
                self.reported(*agent, report, later)
            }
            Record::Input(Input::FromAgent { agent, message: ToFleet::StoppableAt { epoch, lanes } }) => {
                let Some(track) = self.tracks.get_mut(agent) else { return Ok(()) };
                let lanes = *lanes as usize;
                let believed = until_next_input(later).any(|record| is_note(record, *agent, rules::STALLED));
                if believed && (track.epoch != epoch.0 || lanes < track.done) {
                    return Err(format!("{agent} gives back lanes it has driven, or those of another epoch"));
                }
                if believed {
                    track.route.truncate(lanes);
                    track.shrunk = true;
                }
                Ok(())
            }
            Record::Input(Input::Operator { command: OperatorCommand::Remove { agent }, .. })
                if !refused() =>
            {
                if let Some(track) = self.tracks.get_mut(agent) {
                    track.removed = true;
                    track.route.truncate(track.done);
                }
                Ok(())
            }
            Record::Input(Input::Operator { command: OperatorCommand::Recover { agent, at }, .. })
                if !refused() =>
            {
                let level = self.level(*at);
                if let Some(track) = self.tracks.get_mut(agent) {
                    let newest = track.newest;
                    *track = Track { newest, ..Track::new(track.class, track.epoch + 1, *at, level) };
                }
                self.check_claims(*agent)
            }
            Record::StopOrdered(order) => {
                self.stops.insert(order.generation, order.scope);
                Ok(())
            }
            Record::StopRenumbered { was, order, .. } => {
                self.stops.remove(was);
                self.stops.insert(order.generation, order.scope);
                Ok(())
            }
            Record::Reset(order) if order.step == ResetStep::Start => {
                self.stops.remove(&order.generation);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn level(&self, at: WaypointId) -> LevelId {
        self.site.waypoint(at).map(|waypoint| waypoint.level).unwrap_or_default()
    }

    fn released(&mut self, agent: AgentId, first: u32, lanes: &[LaneId]) -> Result<(), String> {
        let site = self.site;
        let track = self.tracks.get_mut(&agent).ok_or_else(|| format!("{agent} is no robot"))?;
        if track.removed {
            return Err(format!("{agent} was removed and gets a release"));
        }
        if first == 0 && track.shrunk && track.done == track.route.len() {
            let at = track.after(site, track.done).ok_or("the route leads nowhere")?;
            *track =
                Track { newest: track.newest, ..Track::new(track.class, track.epoch + 1, at, track.level) };
        }
        if first as usize != track.route.len() {
            let known = track.route.len();
            return Err(format!("{agent} is released from lane {first} on, its route has {known} lanes"));
        }
        let class = site.classes().get(track.class).ok_or("unknown footprint class")?;
        let mut here = track.after(site, track.route.len()).ok_or("the route leads nowhere")?;
        for id in lanes {
            let lane = site.lane(*id).filter(|lane| lane.from == here && class.usable(*id));
            here = lane.ok_or_else(|| format!("{agent} cannot go from {here} along {id}"))?.to;
        }
        if lanes.is_empty() || !class.may_stop(here) {
            return Err(format!("the release of {agent} ends at {here}, where it may not stop"));
        }
        track.route.extend(lanes);
        self.check_stops(agent, lanes)?;
        self.check_claims(agent)
    }

    fn check_stops(&self, agent: AgentId, lanes: &[LaneId]) -> Result<(), String> {
        let level = self.tracks.get(&agent).map(|track| track.level);
        let class = self.tracks.get(&agent).and_then(|track| self.site.classes().get(track.class));
        for (generation, scope) in &self.stops {
            let concerned = match scope {
                StopScope::Site => true,
                StopScope::Agent(stopped) => *stopped == agent,
                StopScope::Level(stopped) => {
                    let ends = || lanes.iter().filter_map(|lane| self.site.lane(*lane)).map(|lane| lane.to);
                    let rides = |to: WaypointId| {
                        let lift = self.site.waypoint(to).and_then(|to| self.site.lift(to.lift?));
                        lift.is_some_and(|lift| lift.stops.iter().any(|stop| stop.level == *stopped))
                    };
                    level == Some(*stopped) || ends().any(|to| self.level(to) == *stopped || rides(to))
                }
                StopScope::Zone(zone) => class
                    .is_some_and(|class| lanes.iter().any(|lane| class.zones_along(*lane).contains(zone))),
            };
            if concerned {
                let rule = rules::STOPPED_AREA;
                return Err(format!("{agent} gets a release while stop {generation} is in force ({rule})"));
            }
        }
        Ok(())
    }

    fn reported(&mut self, agent: AgentId, report: &Report, later: &[Entry]) -> Result<(), String> {
        let site = self.site;
        let Some(track) = self.tracks.get_mut(&agent).filter(|track| !track.removed) else { return Ok(()) };
        if (report.boot, report.seq) <= track.newest {
            return Ok(());
        }
        track.newest = (report.boot, report.seq);
        track.level = report.pose.level;
        let noted = |rule| until_next_input(later).any(|record| is_note(record, agent, rule));
        let failed = |record: &Record| matches!(record, Record::Alert(alert) if alert.agent == Some(agent));
        if noted(rules::RESTARTED) {
            if !until_next_input(later).any(failed) {
                let at = track.nearest(site, report).ok_or("the robot restarted nowhere")?;
                let newest = track.newest;
                *track = Track { newest, ..Track::new(track.class, track.epoch + 1, at, report.pose.level) };
                return self.check_claims(agent);
            }
            return Ok(());
        }
        let done = report.done as usize;
        if report.epoch.0 != track.epoch || done <= track.done || noted(rules::NO_EVIDENCE) {
            return Ok(());
        }
        if track.route.len() < done {
            return Err(format!("{agent} counts {done} lanes done, {} were released", track.route.len()));
        }
        track.done = done;
        track.check_pose(site, report).map_err(|reason| format!("{agent} frees claims: {reason}"))
    }

    /// Nobody else needs what this robot needs.
    fn check_claims(&self, agent: AgentId) -> Result<(), String> {
        let Some(own) = self.tracks.get(&agent).map(|track| track.claims(self.site)) else { return Ok(()) };
        for (other, track) in self.tracks.iter().filter(|(other, _)| **other != agent) {
            if let Some(both) = track.claims(self.site).intersection(&own).next() {
                return Err(format!("{agent} and {other} both need {both}: {:?}", self.site.resource(*both)));
            }
        }
        Ok(())
    }
}

impl Track {
    const fn new(class: usize, epoch: u32, at: WaypointId, level: LevelId) -> Self {
        Self {
            class,
            epoch,
            at,
            route: Vec::new(),
            done: 0,
            newest: (0, 0),
            level,
            shrunk: false,
            removed: false,
        }
    }

    fn after(&self, site: &CompiledSite, lanes: usize) -> Option<WaypointId> {
        match lanes.checked_sub(1) {
            None => Some(self.at),
            Some(last) => site.lane(*self.route.get(last)?).map(|lane| lane.to),
        }
    }

    fn claims(&self, site: &CompiledSite) -> BTreeSet<ResourceId> {
        let Some(class) = site.classes().get(self.class).filter(|_| !self.removed) else {
            return BTreeSet::new();
        };
        let here = self.after(site, self.done).map_or(&[][..], |at| class.at(at));
        let ahead = self.route.iter().skip(self.done).flat_map(|lane| class.along(*lane));
        here.iter().chain(ahead).copied().collect()
    }

    /// The waypoint of the route that is nearest to the reported pose.
    fn nearest(&self, site: &CompiledSite, report: &Report) -> Option<WaypointId> {
        let on_route = (self.done..=self.route.len()).filter_map(|lanes| self.after(site, lanes));
        let distance = |at: &WaypointId| {
            let waypoint = site.waypoint(*at)?;
            let (dx, dy) = (report.pose.x_mm - waypoint.x_mm, report.pose.y_mm - waypoint.y_mm);
            (waypoint.level == report.pose.level).then(|| i64::from(dx).pow(2) + i64::from(dy).pow(2))
        };
        on_route.filter_map(|at| Some((distance(&at)?, at))).min().map(|(_, at)| at)
    }

    /// The pose of a report that frees claims is within the class's margin of where the robot says it is.
    fn check_pose(&self, site: &CompiledSite, report: &Report) -> Result<(), String> {
        let metres = |mm: i32| f64::from(mm) / 1e3;
        let from = self.after(site, self.done).and_then(|at| site.waypoint(at)).ok_or("no such place")?;
        let next = self.after(site, self.done + 1).and_then(|at| site.waypoint(at));
        let to = next.filter(|next| next.level == from.level).unwrap_or(from);
        if report.pose.level != from.level || report.site != site.version() {
            return Err(format!("the report is of {}, the route is on {}", report.pose.level, from.level));
        }
        let point = |waypoint: &sheepdog_map::Waypoint| [metres(waypoint.x_mm), metres(waypoint.y_mm)];
        let off_m =
            distance_to_segment([metres(report.pose.x_mm), metres(report.pose.y_mm)], point(from), point(to));
        let class = site.classes().get(self.class).ok_or("unknown footprint class")?;
        let allowed_m = (f64::from(class.class.margin.0) - f64::from(report.pose_error.0)) / 1e3;
        if off_m <= allowed_m + 1e-6 {
            Ok(())
        } else {
            Err(format!("the pose is {off_m:.3} m off, {allowed_m:.3} m are allowed"))
        }
    }
}
