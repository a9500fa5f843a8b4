//! Nav2 route graphs: points and directed lines with whole numbers for ids, one level a file.
//!
//! A waypoint whose name is such a number keeps it; others are numbered from the lowest that is free, and their name is
//! in the metadata of the node, where [`import_nav2`](crate::import::import_nav2) finds it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::{Site, Waypoint};

use super::{
    ExportError, ExportFile, ExportOptions, ExportReport, Exported, name,
    network::{Directed, Network, Written, levels, roadmaps},
    report::Leaf,
    text::json,
};

pub(super) fn export(site: &Site, options: &ExportOptions<'_>) -> Exported {
    let (mut report, mut written) = (ExportReport::default(), Written::default());
    let (mut files, mut names) = (Vec::new(), name::Names::new(options.name));
    let graphs = roadmaps(site, options)?;
    let all = levels(site, options)?;
    let mut parts = Vec::new();
    for roadmap in &graphs {
        for level in &all {
            let network = Network::of(site, *roadmap, Some(level));
            // Nav2 refuses a graph without nodes or without edges.
            if !network.lanes.is_empty() {
                parts.push((*roadmap, *level, network));
            } else if options.level.is_some() || all.len() == 1 {
                return Err(ExportError::Nothing { what: "lane", place: format!(" on level {level:?}") });
            } else if !network.ways.is_empty() {
                report.warn(format!("level {level:?}"), "it has no lane, so there is no graph of it");
            }
        }
    }
    let several_levels =
        parts.iter().any(|(_, level, _)| parts.first().is_some_and(|first| first.1 != *level));
    for (roadmap, level, network) in &parts {
        let part = [roadmap.filter(|_| 1 < graphs.len()), Some(*level).filter(|_| several_levels)];
        let file = names.with_parts(part.into_iter().flatten());
        files.push(ExportFile::new(file, text(site, network)));
        written.add_network(network);
    }
    if files.is_empty() {
        return Err(ExportError::Nothing { what: "lane", place: String::new() });
    }
    let level_is_written = |index: usize| {
        let level = site.levels.get(index);
        several_levels && parts.iter().any(|(_, name, _)| level.is_some_and(|level| level.id == *name))
    };
    report.tally(site, |leaf: &Leaf<'_>| match (leaf.table, leaf.field) {
        ("", "name") => true,
        ("level", "id") => level_is_written(leaf.index),
        ("waypoint", "level") => several_levels && written.has("waypoint", leaf.index),
        ("lane", "roadmap") => 1 < graphs.len() && written.has("lane", leaf.index),
        ("waypoint", "id" | "at") | ("lane", "from" | "to" | "bidirectional" | "speed_limit_mps") => {
            written.has(leaf.table, leaf.index)
        }
        _ => false,
    });
    Ok((files, report))
}

fn text(site: &Site, network: &Network<'_>) -> String {
    let ids = numbers(network);
    let id = |way: &Waypoint| ids.get(way.id.as_str()).copied().unwrap_or_default();
    let mut features: Vec<String> = network.ways.iter().map(|(_, way)| json(&node(way, id(way)))).collect();
    let mut next = ids.values().max().map_or(0, |most| most.saturating_add(1));
    for directed in network.directed() {
        features.push(json(&edge(&directed, next, id(directed.from), id(directed.to))));
        next = next.saturating_add(1);
    }
    format!(
        "{{\"type\": \"FeatureCollection\", \"name\": {}, \"features\": [\n{}\n]}}\n",
        Value::from(site.name.as_str()),
        features.join(",\n")
    )
}

/// The largest number that every reader holds exactly.
const ID_MAX: u64 = 1 << 32;

/// A number for each waypoint, its own where its name is one.
fn numbers<'a>(network: &Network<'a>) -> BTreeMap<&'a str, u64> {
    let own = |name: &str| name.parse::<u64>().ok().filter(|id| *id < ID_MAX && id.to_string() == name);
    let taken: BTreeSet<u64> = network.ways.iter().filter_map(|(_, way)| own(&way.id)).collect();
    let mut free = (0..).filter(|id| !taken.contains(id));
    let number =
        |way: &'a Waypoint| (way.id.as_str(), own(&way.id).or_else(|| free.next()).unwrap_or_default());
    network.ways.iter().map(|(_, way)| *way).map(number).collect()
}

fn node(way: &Waypoint, id: u64) -> Value {
    let mut properties = json!({ "id": id, "frame": "map" });
    if way.id != id.to_string()
        && let Some(properties) = properties.as_object_mut()
    {
        properties.insert("metadata".to_owned(), json!({ "name": way.id }));
    }
    json!({
        "type": "Feature",
        "properties": properties,
        "geometry": { "type": "Point", "coordinates": way.at },
    })
}

fn edge(directed: &Directed<'_>, id: u64, from: u64, to: u64) -> Value {
    let mut properties = json!({ "id": id, "startid": from, "endid": to });
    if let Some(limit_mps) = directed.lane.speed_limit_mps
        && let Some(properties) = properties.as_object_mut()
    {
        properties.insert("metadata".to_owned(), json!({ "abs_speed_limit": limit_mps }));
    }
    json!({
        "type": "Feature",
        "properties": properties,
        "geometry": { "type": "LineString", "coordinates": [directed.from.at, directed.to.at] },
    })
}
