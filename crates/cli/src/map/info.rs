//! `sheepdog map info`.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};
use sheepdog_core::LevelId;
use sheepdog_map::{CompiledSite, Level, ZoneKind, import::ImportReport, model::Site};

use super::{Loaded, table::Table};
use crate::{
    args::MapOptions,
    problem::{Answer, Problem},
};

/// Notes of one kind that are printed; JSON has all.
const NOTES_MAX: usize = 12;

pub(crate) fn run(path: &Path, as_json: bool, options: &MapOptions) -> Result<Answer, Problem> {
    let loaded = super::load(path, options)?;
    let site = super::compile(path, &loaded)?;
    if as_json {
        anstream::println!("{:#}", json(&loaded, &site));
    } else {
        anstream::print!("{}", text(&loaded, &site));
    }
    Ok(Answer::Yes)
}

/// The word that the file format has for a value.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn zone_word(kind: ZoneKind) -> String {
    match kind {
        ZoneKind::Authored(kind) => word(kind),
        ZoneKind::Exit => "exit".to_owned(),
    }
}

/// How often each word occurs.
fn tally(words: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    let parts: Vec<String> =
        counts.iter().map(|(word, count)| format!("{count} {}", word.replace('_', " "))).collect();
    parts.join(", ")
}

/// A level with its id.
fn levels(site: &CompiledSite) -> impl Iterator<Item = (LevelId, &Level)> {
    (0..).map(LevelId).zip(site.levels())
}

/// Mapped area; `None` on a level without rooms, where nobody knows it.
fn area_m2(level: &Level) -> Option<f64> {
    level.geometry.has_area().then(|| level.geometry.area_m2())
}

/// An area with its thousands apart: `18 072.0 m²`.
fn square_metres(m2: f64) -> String {
    let text = format!("{m2:.1}");
    let (whole, tenth) = text.split_once('.').unwrap_or((&text, "0"));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index != 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{tenth} m²")
}

/// How many of each thing a level has.
fn counts(site: &CompiledSite, id: LevelId, level: &Level) -> [(&'static str, usize); 6] {
    [
        ("rooms", site.rooms().iter().filter(|room| room.level == id).count()),
        ("doors", site.doors().iter().filter(|door| door.level == id).count()),
        ("walls", level.geometry.walls().count()),
        ("zones", site.zones().iter().filter(|zone| zone.level == id).count()),
        ("lifts", site.lifts().iter().filter(|lift| lift.serves(id)).count()),
        ("waypoints", site.waypoints().iter().filter(|way| way.level == id && way.authored).count()),
    ]
}

/// Lanes by the name of their roadmap, as authored: lanes without a name belong to all.
fn roadmaps(site: &Site) -> BTreeMap<Option<&str>, usize> {
    let mut lanes = BTreeMap::new();
    for roadmap in &site.roadmaps {
        lanes.entry(Some(roadmap.id.as_str())).or_insert(0);
    }
    for lane in &site.lanes {
        *lanes.entry(lane.roadmap.as_deref()).or_insert(0) += 1;
    }
    lanes
}

/// Sizes of the connected parts of the roadmap, the largest first.
fn parts(site: &CompiledSite) -> Vec<usize> {
    let mut sizes: Vec<usize> = site.components(0).iter().map(Vec::len).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

fn text(loaded: &Loaded, site: &CompiledSite) -> String {
    let mut out = format!("{}\n  version {}\n", site.name(), site.version());
    let mut add = |title: &str, body: &str| {
        if !body.trim().is_empty() {
            out.extend([format!("\n{title}\n{body}")]);
        }
    };
    add("Levels", &levels_table(site).to_string());
    add("Space", &space(site));
    let lifts = lifts_table(site);
    if !lifts.is_empty() {
        add("Lifts", &lifts.to_string());
    }
    add("Roadmap", &roadmap(loaded, site));
    add("Note", &notes(loaded.generated.iter().cloned()));
    if let Some(report) = &loaded.report {
        add("Import", &import_table(report));
        add(
            "Not carried over",
            &notes(report.dropped.iter().map(|(what, count)| format!("{what} ({count})"))),
        );
        add("Warnings of the importer", &notes(report.warnings.iter().map(ToString::to_string)));
    }
    add("Warnings", &notes(site.warnings().iter().map(ToString::to_string)));
    out
}

fn levels_table(site: &CompiledSite) -> Table {
    let mut table = Table::new(&[
        "level ",
        "elevation",
        "area",
        "rooms",
        "doors",
        "walls",
        "zones",
        "lifts",
        "waypoints",
    ]);
    for (id, level) in levels(site) {
        let area = area_m2(level).map_or_else(|| "-".to_owned(), square_metres);
        let head = [level.name.clone(), format!("{:.2} m", level.elevation_m), area];
        table.row(head.into_iter().chain(counts(site, id, level).map(|(_, count)| count.to_string())));
    }
    table
}

fn space(site: &CompiledSite) -> String {
    let mut lines = String::new();
    let mut add = |what: &str, text: String| {
        if !text.is_empty() {
            lines.extend([format!("  {what:<10} {text}\n")]);
        }
    };
    add("rooms", listed(&tally(site.rooms().iter().map(|room| word(room.kind)))));
    add("doors", doors(site));
    add("walls", walls(site));
    let authored = site.authored();
    add("zones", listed(&tally(site.zones().iter().map(|zone| zone_word(zone.kind)))));
    add("connectors", listed(&tally(authored.connectors.iter().map(|way| word(way.kind)))));
    if !authored.obstacles.is_empty() {
        add("obstacles", authored.obstacles.len().to_string());
    }
    add("sensors", listed(&tally(authored.sensors.iter().map(|sensor| word(sensor.kind)))));
    lines
}

fn doors(site: &CompiledSite) -> String {
    let narrowest = site.doors().iter().map(|door| door.clear_width_m).fold(f64::INFINITY, f64::min);
    if site.doors().is_empty() {
        return String::new();
    }
    let exits = site.doors().iter().filter(|door| door.exit_width_m.is_some()).count();
    let fire = site.doors().iter().filter(|door| door.fire_rated).count();
    let kinds = listed(&tally(site.doors().iter().map(|door| word(door.kind))));
    format!("{kinds}; {exits} exits, {fire} fire doors; the narrowest {narrowest:.2} m")
}

fn walls(site: &CompiledSite) -> String {
    let all =
        || site.levels().iter().flat_map(|level| level.geometry.walls()).filter(|(.., thick)| 0.0 < *thick);
    let long_m: f64 = all().map(|(a, b, _)| (b - a).norm()).sum();
    let count = all().count();
    if count == 0 {
        String::new()
    } else {
        format!("{count} pieces, {long_m:.1} m; what has no thickness not counted")
    }
}

fn lifts_table(site: &CompiledSite) -> Table {
    let mut table = Table::new(&["lift ", "cabin", "levels "]);
    for lift in site.lifts() {
        let stops =
            lift.stops.iter().filter_map(|stop| site.level(stop.level)).map(|level| level.name.as_str());
        let stops: Vec<&str> = stops.collect();
        table.row([
            lift.name.clone(),
            format!("{:.2} m x {:.2} m", lift.width_m, lift.depth_m),
            stops.join(", "),
        ]);
    }
    table
}

fn roadmap(loaded: &Loaded, site: &CompiledSite) -> String {
    if site.waypoints().is_empty() {
        return "  none: rooms and walls alone\n".to_owned();
    }
    let mut lines = String::new();
    let used = loaded.options.roadmap.as_deref();
    let named = roadmaps(&loaded.site);
    if named.keys().any(Option::is_some) {
        let mut table = Table::new(&["roadmap ", "lanes", " "]);
        for (name, lanes) in &named {
            let label = name.map_or_else(|| "(of all)".to_owned(), str::to_owned);
            let note = if name.is_some() && *name == used { "shown here" } else { "" };
            table.row([label, lanes.to_string(), note.to_owned()]);
        }
        lines.push_str(&table.to_string());
    }
    let summary = site.summary();
    lines.extend([format!(
        "  {} waypoints, and {} where long lanes were split; {} directed lanes, {:.1} m\n",
        summary.authored_waypoints, summary.generated_waypoints, summary.lanes, summary.lanes_m
    )]);
    if 0 < summary.rides + summary.corridors {
        lines.extend([format!(
            "  {} rides in lifts, {} one-lane corridors\n",
            summary.rides, summary.corridors
        )]);
    }
    let stations = listed(&tally(site.stations().iter().map(|station| word(station.kind))));
    if !stations.is_empty() {
        lines.extend([format!("  stations: {stations}\n")]);
    }
    let sizes = parts(site);
    let alone = sizes.iter().filter(|size| **size == 1).count();
    let large: Vec<String> =
        sizes.iter().filter(|size| 1 < **size).take(NOTES_MAX).map(usize::to_string).collect();
    let connected = if large.is_empty() { "none".to_owned() } else { large.join(", ") };
    lines.extend([format!("  connected parts, in waypoints: {connected}; {alone} waypoints alone\n")]);
    lines
}

fn import_table(report: &ImportReport) -> String {
    let mut table = Table::new(&["level ", "scale", "rotation", "shift", "residual"]);
    for level in &report.levels {
        let [x, y] = level.translation_m;
        table.row([
            level.name.clone(),
            format!("{:.6} m", level.scale),
            format!("{:.5} rad", level.rotation_rad),
            format!("({x:.3}, {y:.3}) m"),
            format!("{:.3} m", level.residual_m),
        ]);
    }
    if table.is_empty() { String::new() } else { table.to_string() }
}

/// The first notes, one a line, and how many there are beyond.
fn notes(notes: impl Iterator<Item = String>) -> String {
    let notes: Vec<String> = notes.collect();
    let mut lines = String::new();
    lines.extend(notes.iter().take(NOTES_MAX).map(|note| format!("  {note}\n")));
    if let Some(more) = notes.len().checked_sub(NOTES_MAX).filter(|more| *more != 0) {
        lines.extend([format!("  and {more} more: see --json\n")]);
    }
    lines
}

fn json(loaded: &Loaded, site: &CompiledSite) -> Value {
    let summary = site.summary();
    let authored = site.authored();
    let lift = |lift: &sheepdog_map::Lift| {
        let stops = lift.stops.iter().filter_map(|stop| site.level(stop.level)).map(|level| &level.name);
        json!({ "name": lift.name, "width_m": lift.width_m, "depth_m": lift.depth_m, "levels": stops.collect::<Vec<_>>() })
    };
    let used = loaded.options.roadmap.as_deref();
    let roadmaps = roadmaps(&loaded.site)
        .into_iter()
        .map(|(name, lanes)| json!({ "name": name, "lanes": lanes, "used": name.is_none() || name == used }));
    json!({
        "name": site.name(),
        "version": site.version().to_string(),
        "georeference": authored.georeference,
        "area_m2": site.levels().iter().filter_map(area_m2).sum::<f64>(),
        "levels": levels(site).map(|(id, level)| level_json(site, id, level)).collect::<Vec<_>>(),
        "rooms_by_kind": tally(site.rooms().iter().map(|room| word(room.kind))),
        "zones_by_kind": tally(site.zones().iter().map(|zone| zone_word(zone.kind))),
        "doors": {
            "count": site.doors().len(),
            "by_kind": tally(site.doors().iter().map(|door| word(door.kind))),
            "exits": site.doors().iter().filter(|door| door.exit_width_m.is_some()).count(),
            "fire_rated": site.doors().iter().filter(|door| door.fire_rated).count(),
            "narrowest_m": site.doors().iter().map(|door| door.clear_width_m).min_by(f64::total_cmp),
        },
        "lifts": site.lifts().iter().map(lift).collect::<Vec<_>>(),
        "connectors_by_kind": tally(authored.connectors.iter().map(|way| word(way.kind))),
        "obstacles": authored.obstacles.len(),
        "sensors_by_kind": tally(authored.sensors.iter().map(|sensor| word(sensor.kind))),
        "stations_by_kind": tally(site.stations().iter().map(|station| word(station.kind))),
        "roadmaps": roadmaps.collect::<Vec<_>>(),
        "waypoints": { "authored": summary.authored_waypoints, "generated": summary.generated_waypoints },
        "lanes": {
            "directed": summary.lanes,
            "length_m": summary.lanes_m,
            "rides": summary.rides,
            "corridors": summary.corridors,
        },
        "components": parts(site),
        "resources": summary.resources,
        "generated": loaded.generated,
        "import": loaded.report.as_ref().map(report_json),
        "warnings": site.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn level_json(site: &CompiledSite, id: LevelId, level: &Level) -> Value {
    let zones = site.zones().iter().filter(|zone| zone.level == id).map(|zone| zone_word(zone.kind));
    let counts = counts(site, id, level).map(|(what, count)| (what.to_owned(), json!(count)));
    let more = [
        ("name".to_owned(), json!(level.name)),
        ("elevation_m".to_owned(), json!(level.elevation_m)),
        ("area_m2".to_owned(), json!(area_m2(level))),
        ("walls_m".to_owned(), json!(level.geometry.walls().map(|(a, b, _)| (b - a).norm()).sum::<f64>())),
        (
            "bounds_m".to_owned(),
            json!(level.geometry.bounds().map(|(low, high)| [[low.x, low.y], [high.x, high.y]])),
        ),
        ("zones_by_kind".to_owned(), json!(tally(zones))),
    ];
    Value::Object(more.into_iter().chain(counts).collect())
}

fn report_json(report: &ImportReport) -> Value {
    let warning = |warning: &sheepdog_map::import::ImportWarning| json!({ "element": warning.element, "line": warning.line, "message": warning.message });
    let level = |level: &sheepdog_map::import::LevelImport| {
        json!({
            "name": level.name,
            "scale_m": level.scale,
            "rotation_rad": level.rotation_rad,
            "translation_m": level.translation_m,
            "residual_m": level.residual_m,
        })
    };
    let counted = |list: &[(String, usize)]| {
        list.iter().map(|(path, count)| json!({ "path": path, "count": count })).collect::<Vec<_>>()
    };
    json!({
        "levels": report.levels.iter().map(level).collect::<Vec<_>>(),
        "warnings": report.warnings.iter().map(warning).collect::<Vec<_>>(),
        "dropped": counted(&report.dropped),
        "implied": counted(&report.implied),
    })
}
