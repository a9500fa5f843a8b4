//! An analysis in plain sentences.

use std::fmt::Write as _;

use sheepdog_core::{LaneId, Micros, ResourceId, WaypointId};
use sheepdog_map::{Part, Resource};

use super::{Apart, Capacity, Closed, Closure, Cut, SiteAnalysis, Trip};

/// Lanes and names that are listed before the rest is counted.
const LISTED: usize = 5;

impl SiteAnalysis<'_> {
    /// All of it: how many robots the site holds, what limits journeys, the busiest lanes, and what cuts ends of trips off from
    /// each other (without trips: any waypoints).
    ///
    /// ```
    /// use sheepdog_core::{Mm, MmPerS};
    /// use sheepdog_map::{CompileOptions, FootprintClass, Site, model};
    /// use sheepdog_traffic::analysis::SiteAnalysis;
    ///
    /// let mut site = Site::new("two rooms");
    /// site.levels.push(model::Level::new("ground", 0.0));
    /// for (name, x_m) in [("left", 0.0), ("door", 5.0), ("right", 10.0)] {
    ///     site.waypoints.push(model::Waypoint::new(name, "ground", x_m, 0.0));
    /// }
    /// site.lanes.push(model::Lane::two_way("left", "door"));
    /// site.lanes.push(model::Lane::two_way("door", "right"));
    /// let class = FootprintClass::round("robot", Mm(300), Mm(50));
    /// let site = site.compile(&CompileOptions { spacing: Mm(10_000), ..CompileOptions::new(vec![class]) }).unwrap();
    /// let analysis = SiteAnalysis::new(&site, 0, MmPerS(1_000)).unwrap();
    /// let said = analysis.describe(&analysis.between_stations());
    /// assert!(said.contains("door cuts left off from right, and right off from left."), "{said}");
    /// ```
    pub fn describe(&self, trips: &[Trip]) -> String {
        let mut out = String::new();
        let _infallible =
            write!(out, "{}{}", self.capacity_in_words(&self.capacity(trips)), self.load_in_words(trips));
        let cuts = self.cuts();
        if cuts.is_empty() {
            out.push_str("No single lane or waypoint cuts anybody off when it is closed.\n");
            return out;
        }
        let lanes = cuts.iter().filter(|cut| matches!(cut.closed, Closed::Lane(_))).count();
        let _infallible = writeln!(
            out,
            "{lanes} lanes and {} waypoints cut somebody off when they are closed.",
            cuts.len() - lanes
        );
        // What cuts the same places off from each other is said once.
        let mut alike: Vec<(Cut, Vec<String>)> = Vec::new();
        for cut in cuts.into_iter().filter_map(|cut| among(cut, trips)) {
            let closed = self.closed_in_words(cut.closed);
            match alike.iter_mut().find(|(other, _)| other.apart == cut.apart) {
                Some((_, names)) => names.push(closed),
                None => alike.push((cut, vec![closed])),
            }
        }
        for (cut, names) in &alike {
            let closed = if names.len() == 1 { String::new() } else { "any of ".to_owned() };
            let _infallible = writeln!(
                out,
                "Closing {closed}{} cuts {}.",
                listed(names, names.len()),
                self.apart_in_words(cut)
            );
        }
        out
    }

    /// What a closure does, in plain sentences.
    pub fn describe_closure(&self, closure: &Closure) -> String {
        let Closure { lane, unreachable, later, before, after } = closure;
        let mut out = format!("With {} closed", self.lane_in_words(*lane));
        let _infallible = match (unreachable.len(), later.len()) {
            (0, 0) => writeln!(out, " every trip takes as long as before."),
            (0, late) => writeln!(out, " every trip has a way; {late} take longer."),
            (lost, late) => writeln!(out, " {lost} trips have no way; {late} others take longer."),
        };
        for trip in unreachable.iter().take(LISTED) {
            let _infallible =
                writeln!(out, "  {} cannot be reached from {}.", self.name(trip.to), self.name(trip.from));
        }
        let mut worst: Vec<&(Trip, Micros)> = later.iter().collect();
        worst.sort_by_key(|(trip, extra)| (std::cmp::Reverse(*extra), *trip));
        for (trip, extra) in worst.into_iter().take(LISTED) {
            let (from, to) = (self.name(trip.from), self.name(trip.to));
            let _infallible = writeln!(out, "  From {from} to {to} it is {} longer.", seconds(*extra));
        }
        let _infallible =
            write!(out, "Before: {}After: {}", self.capacity_in_words(before), self.capacity_in_words(after));
        out
    }

    /// Who is cut off from whom, as one sentence.
    pub fn cut_in_words(&self, cut: &Cut) -> String {
        format!("Closing {} cuts {}.", self.closed_in_words(cut.closed), self.apart_in_words(cut))
    }

    fn closed_in_words(&self, closed: Closed) -> String {
        match closed {
            Closed::Lane(lane) => self.lane_in_words(lane),
            Closed::Waypoint(waypoint) => self.name(waypoint),
        }
    }

    fn apart_in_words(&self, cut: &Cut) -> String {
        let off = |apart: &Apart| format!("{} off from {}", self.names(&apart.from), self.names(&apart.to));
        let apart: Vec<String> = cut.apart.iter().take(LISTED).map(off).collect();
        let more = cut.apart.len().saturating_sub(LISTED);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        format!("{}{more}", apart.join(", and "))
    }

    fn capacity_in_words(&self, capacity: &Capacity) -> String {
        let holds = format!("The site holds at least {} robots at rest.", capacity.holds);
        let Some(limit) = capacity.bottleneck else { return format!("{holds} Nobody goes anywhere.\n") };
        format!(
            "{holds} At most {} journeys an hour are possible: a mean one holds {} for {} (an hour by that time, the utilisation \
             law).\n",
            limit.journeys_per_hour,
            self.resource_in_words(limit.resource),
            seconds(limit.held),
        )
    }

    fn load_in_words(&self, trips: &[Trip]) -> String {
        let load = self.load(trips);
        let mut busy: Vec<(LaneId, u64)> =
            (0_u32..).map(LaneId).zip(load).filter(|(_, load)| 0 < *load).collect();
        busy.sort_by_key(|&(lane, load)| (std::cmp::Reverse(load), lane));
        let all: u64 = trips.iter().map(|trip| u64::from(trip.weight)).sum();
        let mut out = String::new();
        for (lane, load) in busy.into_iter().take(LISTED) {
            let _infallible = writeln!(out, "{load} of {all} trips go over {}.", self.lane_in_words(lane));
        }
        out
    }

    fn resource_in_words(&self, resource: ResourceId) -> String {
        let named = |name: Option<&String>| name.cloned().unwrap_or_default();
        match self.site.resource(resource) {
            None => "nothing known".to_owned(),
            Some(Resource::Place(waypoint)) => format!("the place {}", self.name(*waypoint)),
            Some(Resource::Overlap(a, b)) => {
                format!("what {} and {} share", self.part_in_words(*a), self.part_in_words(*b))
            }
            Some(Resource::Door(door)) => {
                format!("door {}", named(self.site.door(*door).map(|door| &door.name)))
            }
            Some(Resource::Lift(lift)) => {
                format!("lift {}", named(self.site.lift(*lift).map(|lift| &lift.name)))
            }
            Some(Resource::Corridor(corridor)) => {
                format!("corridor {}", named(self.site.corridors().get(*corridor as usize)))
            }
            Some(Resource::Group(group)) => {
                format!("the mutex group {}", named(self.site.mutexes().get(*group as usize)))
            }
        }
    }

    fn part_in_words(&self, part: Part) -> String {
        match part {
            Part::Waypoint(waypoint) => self.name(waypoint),
            Part::Lane(lane) => self.lane_in_words(lane),
        }
    }

    fn lane_in_words(&self, lane: LaneId) -> String {
        let Some(data) = self.site.lane(lane) else { return format!("lane {}", lane.0) };
        let arrow = if self.reverse(lane).is_some() { "–" } else { "→" };
        format!("the lane {} {arrow} {}", self.name(data.from), self.name(data.to))
    }

    fn name(&self, waypoint: WaypointId) -> String {
        self.site
            .waypoint(waypoint)
            .map_or_else(|| format!("waypoint {}", waypoint.0), |data| data.name.clone())
    }

    /// The first few, those first that somebody wrote, and how many more.
    fn names(&self, waypoints: &[WaypointId]) -> String {
        let is_split = |id: WaypointId| self.site.waypoint(id).is_none_or(|data| !data.authored);
        let mut sorted = waypoints.to_vec();
        sorted.sort_by_key(|&id| (is_split(id), id));
        let names: Vec<String> = sorted.iter().take(LISTED).map(|&id| self.name(id)).collect();
        listed(&names, waypoints.len())
    }
}

/// The first few of some names, and how many more there are.
fn listed(names: &[String], all: usize) -> String {
    let mut names: Vec<String> = names.iter().take(LISTED).cloned().collect();
    let more = all.saturating_sub(LISTED);
    if more != 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

/// A cut as far as trips notice it; `None` where none does. Without trips all waypoints count.
fn among(mut cut: Cut, trips: &[Trip]) -> Option<Cut> {
    if !trips.is_empty() {
        for apart in &mut cut.apart {
            apart.from.retain(|&at| trips.iter().any(|trip| trip.from == at));
            apart.to.retain(|&at| trips.iter().any(|trip| trip.to == at));
        }
        cut.apart.retain(|apart| !apart.from.is_empty() && !apart.to.is_empty());
    }
    (!cut.apart.is_empty()).then_some(cut)
}

/// With tenths.
fn seconds(span: Micros) -> String {
    let tenths = span.as_micros().div_ceil(100_000);
    format!("{}.{} s", tenths / 10, tenths % 10)
}
