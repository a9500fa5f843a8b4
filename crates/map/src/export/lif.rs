//! VDMA LIF 1.0.0: a layout per level, nodes, directed edges with the rules of each vehicle type, stations.
//!
//! A node's `theta` is in radians from -π to π, an edge's `vehicleOrientation` in degrees. Lanes for all footprint classes
//! are written for every class that the site names, or for the vehicle type `any` when it names none.

use std::{
    collections::{BTreeMap, BTreeSet},
    f64::consts::{PI, TAU},
};

use serde_json::{Value, json};

use crate::model::{Orientation, Site, Waypoint};

use super::{
    ExportError, ExportFile, ExportOptions, ExportReport, Exported, name,
    network::{Directed, Network, Written, indices, levels, roadmaps},
    report::Leaf,
    text::pretty,
};

/// The vehicle type of a site that names no footprint classes.
const ANY: &str = "any";

pub(super) fn export(site: &Site, options: &ExportOptions<'_>) -> Exported {
    let (mut report, mut written) = (ExportReport::default(), Written::default());
    let (mut files, mut names) = (Vec::new(), name::Names::new(options.name));
    let graphs = roadmaps(site, options)?;
    let levels = levels(site, options)?;
    for roadmap in &graphs {
        let network = Network::of(site, *roadmap, options.level);
        if network.ways.is_empty() {
            return Err(ExportError::Nothing { what: "waypoint", place: String::new() });
        }
        let classes = classes(&network, &mut report);
        let mut edges = BTreeSet::new();
        let layouts: Vec<Value> = levels
            .iter()
            .map(|level| {
                json!({
                    "layoutId": level,
                    "layoutLevelId": level,
                    "layoutVersion": "1",
                    "nodes": nodes(&network, level, &classes, &mut report),
                    "edges": directed_edges(&network, level, &classes, &mut edges),
                    "stations": stations(&network, level),
                })
            })
            .collect();
        let layout = json!({
            "metaInformation": {
                "projectIdentification": site.name,
                "creator": "Sheepdog",
                "exportTimestamp": options.timestamp,
                "lifVersion": "1.0.0",
            },
            "layouts": layouts,
        });
        written.add_network(&network);
        written.add("station", network.stations.iter().map(|(index, _)| *index));
        let part = roadmap.filter(|_| 1 < graphs.len());
        files.push(ExportFile::new(names.with_parts(part), pretty(&layout, 0) + "\n"));
    }
    written.add("level", indices(&site.levels, |level| levels.contains(&level.id.as_str())));
    let several = 1 < graphs.len();
    report.tally(site, |leaf| is_carried(leaf, several, &written));
    Ok((files, report))
}

fn is_carried(leaf: &Leaf<'_>, several: bool, written: &Written) -> bool {
    match (leaf.table, leaf.field) {
        ("", "name") => true,
        ("lane", "roadmap") => several && written.has("lane", leaf.index),
        ("level", "id")
        | ("waypoint", "id" | "level" | "at" | "yaw_rad")
        | (
            "lane",
            "from" | "to" | "bidirectional" | "speed_limit_mps" | "orientation" | "height_m" | "classes",
        )
        | ("station", "id" | "waypoint") => written.has(leaf.table, leaf.index),
        _ => false,
    }
}

fn classes<'a>(network: &Network<'a>, report: &mut ExportReport) -> BTreeSet<&'a str> {
    let mut classes: BTreeSet<&str> =
        network.lanes.iter().flat_map(|(_, lane)| &lane.classes).map(String::as_str).collect();
    if classes.is_empty() {
        classes.insert(ANY);
        report.warn("lane", format!("no lane names a footprint class; the vehicle type is {ANY:?}"));
    }
    classes
}

fn nodes(
    network: &Network<'_>,
    level: &str,
    classes: &BTreeSet<&str>,
    report: &mut ExportReport,
) -> Vec<Value> {
    let mut nodes = Vec::new();
    for (_, way) in network.ways.iter().filter(|(_, way)| way.level == level) {
        let theta = theta(way, report);
        let of_class = |class: &&str| match theta {
            Some(theta) => json!({ "vehicleTypeId": class, "theta": theta }),
            None => json!({ "vehicleTypeId": class }),
        };
        nodes.push(json!({
            "nodeId": way.id,
            "mapId": way.level,
            "nodePosition": { "x": way.at[0], "y": way.at[1] },
            "vehicleTypeNodeProperties": classes.iter().map(of_class).collect::<Vec<_>>(),
        }));
    }
    nodes
}

/// The heading at a waypoint, from -π to π.
fn theta(way: &Waypoint, report: &mut ExportReport) -> Option<f64> {
    let yaw_rad = way.yaw_rad?;
    if yaw_rad.abs() <= PI {
        return Some(yaw_rad);
    }
    let turned = libm::remainder(yaw_rad, TAU).clamp(-PI, PI);
    report.warn(format!("waypoint {:?}", way.id), format!("yaw {yaw_rad} rad is written as {turned} rad"));
    Some(turned)
}

fn directed_edges<'a>(
    network: &Network<'a>,
    level: &str,
    classes: &BTreeSet<&'a str>,
    ids: &mut BTreeSet<String>,
) -> Vec<Value> {
    let mut edges: Vec<Value> = Vec::new();
    let mut last: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for directed in network.directed().filter(|directed| directed.from.level == level) {
        let (from, to) = (directed.from.id.as_str(), directed.to.id.as_str());
        let number = last.entry((from, to)).or_insert(0);
        let id = loop {
            *number += 1;
            let id = if *number == 1 { format!("{from} > {to}") } else { format!("{from} > {to} #{number}") };
            if ids.insert(id.clone()) {
                break id;
            }
        };
        let own: BTreeSet<&str> = directed.lane.classes.iter().map(String::as_str).collect();
        let own = if own.is_empty() { classes } else { &own };
        edges.push(json!({
            "edgeId": id,
            "startNodeId": from,
            "endNodeId": to,
            "vehicleTypeEdgeProperties": own.iter().map(|class| rules(&directed, class)).collect::<Vec<_>>(),
        }));
    }
    edges
}

fn rules(directed: &Directed<'_>, class: &str) -> Value {
    let mut rules = json!({ "vehicleTypeId": class });
    let degrees = match directed.orientation {
        Orientation::Any => None,
        Orientation::Forward => Some(0.0),
        Orientation::Backward => Some(180.0),
    };
    if let Some(rules) = rules.as_object_mut() {
        if let Some(degrees) = degrees {
            rules.insert("vehicleOrientation".to_owned(), json!(degrees));
            rules.insert("orientationType".to_owned(), json!("TANGENTIAL"));
        }
        for (key, value) in
            [("maxSpeed", directed.lane.speed_limit_mps), ("maxHeight", directed.lane.height_m)]
        {
            if let Some(value) = value {
                rules.insert(key.to_owned(), json!(value));
            }
        }
    }
    rules
}

fn stations(network: &Network<'_>, level: &str) -> Vec<Value> {
    let here: BTreeSet<&str> =
        network.ways.iter().filter(|(_, way)| way.level == level).map(|(_, way)| way.id.as_str()).collect();
    let on_level = network.stations.iter().filter(|(_, station)| here.contains(station.waypoint.as_str()));
    on_level
        .map(|(_, station)| json!({ "stationId": station.id, "interactionNodeIds": [station.waypoint] }))
        .collect()
}
