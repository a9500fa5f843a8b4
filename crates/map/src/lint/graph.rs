//! The roadmaps as graphs: what can be reached, and what can be left again.

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_core::{LaneId, LevelId, WaypointId};

use super::{
    Finding,
    catalogue::id,
    index::{Index, element},
};
use crate::{
    compiled::{Csr, strongly_connected},
    model::StationKind,
};

/// The most roadmaps that are looked at, by name: none of the formats that we read has more than a dozen.
const ROADMAPS_MAX: usize = 64;

type Edge = (WaypointId, WaypointId);

/// A roadmap over authored waypoints, rides included.
struct Graph {
    /// How texts call it.
    name: String,
    nodes: BTreeSet<WaypointId>,
    edges: Vec<Edge>,
}

/// Each roadmap that lanes name, with the lanes that name none; the only one when no lane names any.
fn graphs(index: &Index<'_>) -> Vec<Graph> {
    let mut named: BTreeMap<Option<&str>, Vec<Edge>> = BTreeMap::new();
    for lane in &index.lanes {
        let edges = named.entry(lane.authored.roadmap.as_deref()).or_default();
        edges.push((lane.from, lane.to));
        edges.extend(lane.authored.bidirectional.then_some((lane.to, lane.from)));
    }
    let shared = named.remove(&None).unwrap_or_default();
    if named.is_empty() && !shared.is_empty() {
        return vec![Graph::new(index, None, shared)];
    }
    let with_shared = |edges: Vec<Edge>| edges.into_iter().chain(shared.iter().copied()).collect();
    let few = named.into_iter().take(ROADMAPS_MAX);
    few.map(|(name, edges)| Graph::new(index, name, with_shared(edges))).collect()
}

impl Graph {
    fn new(index: &Index<'_>, roadmap: Option<&str>, mut edges: Vec<Edge>) -> Self {
        let nodes: BTreeSet<WaypointId> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
        let mut cabins: BTreeMap<_, Vec<(WaypointId, LevelId)>> = BTreeMap::new();
        for id in &nodes {
            let waypoint = index.site.waypoint(*id);
            if let Some((lift, level)) = waypoint.and_then(|waypoint| Some((waypoint.lift?, waypoint.level)))
            {
                cabins.entry(lift).or_default().push((*id, level));
            }
        }
        for cabin in cabins.values() {
            let rides = cabin.iter().flat_map(|from| cabin.iter().map(move |to| (from, to)));
            edges.extend(rides.filter(|(from, to)| from.1 != to.1).map(|(from, to)| (from.0, to.0)));
        }
        let name = roadmap.map_or_else(|| "the roadmap".to_owned(), |name| format!("roadmap {name:?}"));
        Self { name, nodes, edges }
    }

    /// Strongly connected components, the largest first; with `both_ways` what is connected at all.
    fn components(&self, index: &Index<'_>, both_ways: bool) -> Vec<Vec<WaypointId>> {
        let nodes: Vec<WaypointId> = self.nodes.iter().copied().collect();
        let number = |id: &WaypointId| nodes.binary_search(id).ok();
        let edges = self.edges.iter().filter_map(|(from, to)| Some((number(from)?, number(to)?)));
        let mut edges: Vec<(usize, usize)> = edges.collect();
        if both_ways {
            let back: Vec<_> = edges.iter().map(|(from, to)| (*to, *from)).collect();
            edges.extend(back);
        }
        let rows = |end: fn(&(usize, usize)) -> usize| {
            let mut rows = vec![Vec::new(); nodes.len()];
            for (lane, edge) in (0..).map(LaneId).zip(&edges) {
                if let Some(row) = rows.get_mut(end(edge)) {
                    row.push(lane);
                }
            }
            Csr::from_rows(rows)
        };
        let end = |lane: LaneId, end: fn(&(usize, usize)) -> usize| {
            edges.get(lane.index()).map(end).and_then(|number| u32::try_from(number).ok()).map(WaypointId)
        };
        let (out, into) = (rows(|edge| edge.0), rows(|edge| edge.1));
        let parts = strongly_connected(
            nodes.len(),
            &out,
            |lane| end(lane, |edge| edge.1),
            &into,
            |lane| end(lane, |edge| edge.0),
        );
        let ids = |part: Vec<WaypointId>| {
            part.iter().filter_map(|number| nodes.get(number.index()).copied()).collect()
        };
        let mut parts: Vec<Vec<WaypointId>> = parts.into_iter().map(ids).collect();
        parts.sort_by_cached_key(|part| (std::cmp::Reverse(part.len()), names(index, part)));
        parts
    }

    /// What can be reached from some waypoints.
    fn reached(&self, from: &[WaypointId]) -> BTreeSet<WaypointId> {
        let mut next: BTreeMap<WaypointId, Vec<WaypointId>> = BTreeMap::new();
        for (from, to) in &self.edges {
            next.entry(*from).or_default().push(*to);
        }
        let mut seen: BTreeSet<WaypointId> = from.iter().copied().collect();
        let mut open: Vec<WaypointId> = from.to_vec();
        while let Some(at) = open.pop() {
            for to in next.get(&at).into_iter().flatten() {
                if seen.insert(*to) {
                    open.push(*to);
                }
            }
        }
        seen
    }
}

/// Names of waypoints, sorted.
fn names(index: &Index<'_>, part: &[WaypointId]) -> Vec<String> {
    let mut names: Vec<String> = part.iter().map(|id| index.waypoint_name(*id).to_owned()).collect();
    names.sort_unstable();
    names
}

/// A finding about a part of a roadmap: on the level of its first waypoint by name.
fn about(index: &Index<'_>, lint: super::LintId, part: &[WaypointId], text: String) -> Finding {
    let names = names(index, part);
    let first = names.first().and_then(|name| index.site.waypoint_named(name));
    let finding = Finding::new(lint, text).about_all(names.iter().map(|name| element("waypoint", name)));
    match first.and_then(|id| index.site.waypoint(id)) {
        Some(waypoint) => finding.on(index.level_name(waypoint.level)).at(waypoint.at),
        None => finding,
    }
}

/// R205, R206 and L305.
pub(super) fn connections(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for graph in graphs(index) {
        let joined = graph.components(index, true);
        let Some((main, others)) = joined.split_first() else { continue };
        let level = |id: &WaypointId| index.site.waypoint(*id).map(|waypoint| waypoint.level);
        let here: BTreeSet<Option<LevelId>> = main.iter().map(level).collect();
        let mut lost: BTreeSet<LevelId> = BTreeSet::new();
        for part in others {
            // A whole level that is out of reach is one fault, however many parts it has.
            if let Some(Some(alone)) = part.iter().map(level).find(|level| !here.contains(level)) {
                lost.insert(alone);
                continue;
            }
            let text = format!("waypoints that are not joined to the rest of {}: {}", graph.name, part.len());
            findings.push(about(index, id::R205, part, text));
        }
        for name in lost.into_iter().map(|level| index.level_name(level)) {
            let text = format!("no lift joins level {name:?} to the rest of {}", graph.name);
            findings.push(Finding::new(id::L305, text).on(name).about(element("level", name)));
        }
        one_way_parts(index, &graph, main, findings);
    }
}

/// Parts that lanes lead into and not out of, or out of and not into.
fn one_way_parts(index: &Index<'_>, graph: &Graph, main: &[WaypointId], findings: &mut Vec<Finding>) {
    let main: BTreeSet<WaypointId> = main.iter().copied().collect();
    let mut parts = graph.components(index, false);
    parts.retain(|part| part.first().is_some_and(|id| main.contains(id)));
    let mut part_of: BTreeMap<WaypointId, usize> = BTreeMap::new();
    for (number, part) in parts.iter().enumerate() {
        part_of.extend(part.iter().map(|id| (*id, number)));
    }
    let leaves: BTreeSet<usize> = graph
        .edges
        .iter()
        .filter_map(|(from, to)| part_of.get(from).filter(|part| Some(*part) != part_of.get(to)).copied())
        .collect();
    let reached = graph.reached(parts.first().map_or(&[], Vec::as_slice));
    for (number, part) in parts.iter().enumerate().skip(1) {
        if !leaves.contains(&number) {
            let text = format!("waypoints that no lane of {} leads out of again: {}", graph.name, part.len());
            findings.push(about(index, id::R206, part, text));
        } else if part.first().is_some_and(|id| !reached.contains(id)) {
            let text = format!("waypoints that no lane of {} leads to: {}", graph.name, part.len());
            findings.push(about(index, id::R205, part, text));
        }
    }
}

/// R205 for rooms that are served and hold no waypoint with a lane.
pub(super) fn served_rooms(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let ends = index.lanes.iter().flat_map(|lane| [(lane.level, lane.a), (lane.level, lane.b)]);
    let entered: BTreeSet<_> = ends.filter_map(|(level, at)| index.site.room_at(level, at)).collect();
    for (number, room) in (0..).map(sheepdog_core::RoomId).zip(&index.authored().rooms) {
        if room.served && !entered.contains(&number) {
            let text = format!("robots serve room {:?}, and no lane leads into it", room.id);
            findings.push(Finding::new(id::R205, text).on(&room.level).about(element("room", &room.id)));
        }
    }
}

/// R210.
pub(super) fn chargers(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let site = index.site;
    let stations = site.stations().iter().filter(|station| station.kind == StationKind::Charger);
    let mut chargers: BTreeSet<WaypointId> = stations.map(|station| station.waypoint).collect();
    let roles = (0..).map(WaypointId).zip(site.waypoints()).filter(|(_, waypoint)| waypoint.roles.charger);
    chargers.extend(roles.map(|(id, _)| id));
    for (number, claims) in site.classes().iter().enumerate() {
        let mut parts = site.components(number);
        parts.sort_by_cached_key(|part| (std::cmp::Reverse(part.len()), names(index, part)));
        // Where a class can use no lane at all, other lints say why.
        let Some(main) = parts.first().filter(|part| 1 < part.len()) else { continue };
        if !main.iter().any(|id| chargers.contains(id)) {
            let class = &claims.class.name;
            let text = format!(
                "class {class:?} gets to no charger and back; chargers on the map: {}",
                chargers.len()
            );
            findings.push(Finding::new(id::R210, text).about(element("class", class)));
        }
    }
}

/// R222.
pub(super) fn parking(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for graph in graphs(index) {
        let may_stay = |id: &WaypointId| {
            let roles = index.site.waypoint(*id).map(|waypoint| waypoint.roles).unwrap_or_default();
            roles.parking || roles.holding || roles.charger
        };
        if !graph.nodes.iter().any(may_stay) {
            let text = format!("{} has no place to park, wait or charge", graph.name);
            findings.push(Finding::new(id::R222, text).about(graph.name));
        }
    }
}
