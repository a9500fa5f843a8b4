//! Lanes and waypoints one by one.

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_core::WaypointId;

use super::{
    Finding,
    catalogue::id,
    index::{Index, Lane, LevelIndex, element, middle, order, pair},
    profile::metres,
    walls::{close_pairs, cross, crossing},
};
use crate::{
    compiled::Waypoint,
    geometry::{Point, point_to_segment},
    model::DoorControl,
};

/// R208: each pair of lanes as they were written.
pub(super) fn crossings(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let lanes: Vec<&Lane<'_>> = level.lanes.iter().filter_map(|lane| index.lanes.get(*lane)).collect();
        for (first, one) in lanes.iter().enumerate() {
            let mut others: Vec<usize> = Vec::new();
            level.lane_grid.near(one.a, one.b, 0.0, |other| others.push(other as usize));
            others.sort_unstable();
            others.dedup();
            for other in
                others.into_iter().filter(|other| first < *other).filter_map(|other| lanes.get(other))
            {
                let corridor =
                    one.authored.corridor.is_some() && one.authored.corridor == other.authored.corridor;
                if !corridor && cross(one.a, one.b, other.a, other.b) {
                    let at = crossing(one.a, one.b, other.a, other.b);
                    let text = format!("{} and {} cross without a waypoint", one.label, other.label);
                    let finding = Finding::new(id::R208, text).on(&level.level.name);
                    findings.push(finding.about(one.label.clone()).about(other.label.clone()).at(at));
                }
            }
        }
    }
}

/// R212, once for a door.
pub(super) fn hand_doors(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for (door, lane) in index.crossed_doors() {
        let (Some(written), Some(door)) = (index.written(door), index.site.door(door)) else { continue };
        let by = match written.control {
            DoorControl::Manual => "by hand",
            DoorControl::Badge => "with a badge",
            DoorControl::Robot | DoorControl::Automatic => continue,
        };
        let text = format!("{} leads through door {:?}, which opens {by}", lane.label, written.id);
        let finding = Finding::new(id::R212, text).on(&written.level).about(element("door", &written.id));
        findings.push(finding.about(lane.label.clone()).at(middle(door)));
    }
}

/// R213, once for lanes in a row that are off by the same factor: curves are written as many short lanes.
pub(super) fn lengths(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit = f64::from(index.profile.roadmap.length_error_max_permille) / 1e3;
    let mut by_factor: BTreeMap<i64, Vec<&Lane<'_>>> = BTreeMap::new();
    for lane in &index.lanes {
        let Some(declared_m) = lane.authored.length_m else { continue };
        let factor = declared_m / (lane.b - lane.a).norm();
        if limit < (factor - 1.0).abs() {
            by_factor.entry(parts_per_million(factor)).or_default().push(lane);
        }
    }
    for row in by_factor.values().flat_map(|lanes| rows(lanes)) {
        let Some(first) = row.first() else { continue };
        let declared_m: f64 = row.iter().filter_map(|lane| lane.authored.length_m).sum();
        let length_m: f64 = row.iter().map(|lane| (lane.b - lane.a).norm()).sum();
        let error = (declared_m - length_m).abs() / length_m;
        let more = if row.len() == 1 { String::new() } else { format!(" with {} next to it", row.len() - 1) };
        let text = format!(
            "{}{more} is declared as {declared_m:.3} m long and is {length_m:.3} m: {:.1} % off, at most {:.1} % are allowed",
            first.label,
            error * 100.0,
            limit * 100.0
        );
        let finding = Finding::new(id::R213, text).on(index.level_name(first.level)).at(first.a);
        let finding = finding.about_all(row.iter().map(|lane| lane.label.clone()));
        findings.push(finding.measured(error * 100.0, limit * 100.0, "%"));
    }
}

/// Groups of lanes that hang together by their ends, each in the order of the lanes.
fn rows<'l, 'a>(lanes: &[&'l Lane<'a>]) -> Vec<Vec<&'l Lane<'a>>> {
    let mut at: BTreeMap<WaypointId, Vec<usize>> = BTreeMap::new();
    for (number, lane) in lanes.iter().enumerate() {
        at.entry(lane.from).or_default().push(number);
        at.entry(lane.to).or_default().push(number);
    }
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for start in 0..lanes.len() {
        let mut row = BTreeSet::new();
        let mut open = if seen.insert(start) { vec![start] } else { Vec::new() };
        while let Some((number, lane)) = open.pop().and_then(|number| Some((number, lanes.get(number)?))) {
            row.insert(number);
            let next = [lane.from, lane.to].into_iter().filter_map(|end| at.get(&end)).flatten().copied();
            open.extend(next.filter(|next| seen.insert(*next)));
        }
        rows.push(row.into_iter().filter_map(|number| lanes.get(number).copied()).collect());
    }
    rows
}

#[expect(clippy::cast_possible_truncation, reason = "held at the limits of the type")]
fn parts_per_million(factor: f64) -> i64 {
    libm::round(factor * 1e6) as i64
}

/// Authored waypoints of a level that lanes end at, by place.
fn used<'l>(index: &'l Index<'_>, level: &LevelIndex<'_>) -> Vec<(WaypointId, &'l Waypoint)> {
    let ends =
        level.lanes.iter().filter_map(|lane| index.lanes.get(*lane)).flat_map(|lane| [lane.from, lane.to]);
    let ids: BTreeSet<WaypointId> = ends.collect();
    let mut used: Vec<_> = ids.into_iter().filter_map(|id| Some((id, index.site.waypoint(id)?))).collect();
    used.sort_by(|(_, p), (_, q)| order(p.at, q.at).then_with(|| p.name.cmp(&q.name)));
    used
}

/// R220. Waypoints that a lane joins are apart on purpose.
pub(super) fn coincident(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m = metres(index.profile.roadmap.waypoints_apart_min_mm);
    let joined: BTreeSet<_> = index.lanes.iter().map(|lane| pair(lane.from, lane.to)).collect();
    for level in &index.levels {
        let used = used(index, level);
        let points: Vec<Point> = used.iter().map(|(_, waypoint)| waypoint.at).collect();
        for (first, second, distance_m) in close_pairs(&points, limit_m) {
            let (Some((p, one)), Some((q, other))) = (used.get(first), used.get(second)) else { continue };
            if !joined.contains(&pair(*p, *q)) {
                let text = format!(
                    "waypoints {:?} and {:?} are {distance_m:.3} m apart; less than {limit_m:.3} m is meant to be one",
                    one.name, other.name
                );
                let elements = [one, other].map(|waypoint| element("waypoint", &waypoint.name));
                let finding =
                    Finding::new(id::R220, text).on(&level.level.name).about_all(elements).at(one.at);
                findings.push(finding.measured(distance_m, limit_m, "m"));
            }
        }
    }
}

/// R221. Near the end of a lane it is a matter of the two waypoints: R220.
pub(super) fn passed_over(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m = metres(index.profile.roadmap.waypoints_apart_min_mm);
    for level in &index.levels {
        for (id, waypoint) in used(index, level) {
            let at = waypoint.at;
            let mut found: BTreeMap<&str, f64> = BTreeMap::new();
            level.lane_grid.near(at, at, limit_m, |lane| {
                let lane = level.lanes.get(lane as usize).and_then(|lane| index.lanes.get(*lane));
                let Some(lane) = lane.filter(|lane| lane.from != id && lane.to != id) else { return };
                let ends_m = (lane.a - at).norm().min((lane.b - at).norm());
                let distance_m = point_to_segment(at, lane.a, lane.b);
                if limit_m <= ends_m && distance_m < limit_m {
                    found.insert(&lane.label, distance_m);
                }
            });
            for (lane, distance_m) in found {
                let text = format!(
                    "waypoint {:?} is {distance_m:.3} m off {lane} and no end of it; less than {limit_m:.3} m looks joined",
                    waypoint.name
                );
                let finding = Finding::new(id::R221, text).on(&level.level.name);
                let finding = finding.about(element("waypoint", &waypoint.name)).about(lane).at(at);
                findings.push(finding.measured(distance_m, limit_m, "m"));
            }
        }
    }
}

/// Authored waypoints from which lanes lead to one other, with that one.
pub(super) fn dead_ends<'l>(index: &'l Index<'_>) -> Vec<(&'l Waypoint, WaypointId)> {
    let mut others: BTreeMap<WaypointId, BTreeSet<WaypointId>> = BTreeMap::new();
    for lane in &index.lanes {
        others.entry(lane.from).or_default().insert(lane.to);
        others.entry(lane.to).or_default().insert(lane.from);
    }
    let single = |(id, others): (WaypointId, BTreeSet<WaypointId>)| {
        let other = others.first().copied().filter(|_| others.len() == 1)?;
        Some((index.site.waypoint(id)?, other))
    };
    others.into_iter().filter_map(single).collect()
}

/// R207: waypoints without a lane of any roadmap, and dead ends without a purpose.
pub(super) fn loose_ends(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let authored = index.authored();
    let served: BTreeSet<&str> = authored.stations.iter().map(|station| station.waypoint.as_str()).collect();
    let joined: BTreeSet<&str> =
        authored.lanes.iter().flat_map(|lane| [lane.from.as_str(), lane.to.as_str()]).collect();
    let mut report = |waypoint: &Waypoint, text: String| {
        let finding = Finding::new(id::R207, text).on(index.level_name(waypoint.level));
        findings.push(finding.about(element("waypoint", &waypoint.name)).at(waypoint.at));
    };
    for waypoint in index.site.waypoints().iter().filter(|waypoint| waypoint.authored) {
        if !joined.contains(waypoint.name.as_str()) {
            report(waypoint, format!("no lane leads to waypoint {:?}", waypoint.name));
        }
    }
    for (waypoint, _) in dead_ends(index) {
        let roles = waypoint.roles;
        let has_purpose = roles.charger || roles.parking || roles.holding || waypoint.lift.is_some();
        if !has_purpose && !served.contains(waypoint.name.as_str()) {
            report(
                waypoint,
                format!("waypoint {:?} is a dead end with neither a role nor a station", waypoint.name),
            );
        }
    }
}

/// R216.
pub(super) fn contradictions(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for waypoint in index.site.waypoints() {
        let roles = waypoint.roles;
        let stays = [(roles.charger, "charge"), (roles.parking, "park"), (roles.holding, "wait")];
        let stays: Vec<&str> = stays.into_iter().filter_map(|(has, what)| has.then_some(what)).collect();
        if roles.passthrough && !stays.is_empty() {
            let text = format!(
                "robots {} at waypoint {:?}, which is a passthrough",
                stays.join(" and "),
                waypoint.name
            );
            let finding = Finding::new(id::R216, text).on(index.level_name(waypoint.level));
            findings.push(finding.about(element("waypoint", &waypoint.name)).at(waypoint.at));
        }
    }
}

/// R217.
pub(super) fn stations(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for station in index.site.stations() {
        let Some(waypoint) = index.site.waypoint(station.waypoint) else { continue };
        let what = if waypoint.roles.passthrough {
            "is a passthrough"
        } else if waypoint.lift.is_some() {
            "is in the cabin of a lift"
        } else if crate::claims::is_inside_corridor(index.site, station.waypoint) {
            "is in a one-lane corridor"
        } else {
            continue;
        };
        let text = format!("station {:?} is at waypoint {:?}, which {what}", station.name, waypoint.name);
        let elements = [element("station", &station.name), element("waypoint", &waypoint.name)];
        let finding = Finding::new(id::R217, text).on(index.level_name(waypoint.level));
        findings.push(finding.about_all(elements).at(waypoint.at));
    }
}
