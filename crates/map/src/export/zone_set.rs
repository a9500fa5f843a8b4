//! Zone sets of VDA 5050 version 3: the zones of a level as one set for the map of that level.
//!
//! A zone set is immutable under its id, so the id ends in a hash of what is in the set. Zones of our own kinds have no
//! place in it, but `human_only` is written as `BLOCKED`, which no robot enters either.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::{ReleaseLoss, Site, Strictness, Zone, ZoneActions, ZoneKind};

use super::{
    ExportError, ExportFile, ExportOptions, ExportReport, Exported, name,
    network::{Written, levels},
    report::Leaf,
    text::{json as line, pretty},
};

pub(super) fn export(site: &Site, options: &ExportOptions<'_>) -> Exported {
    if options.roadmap.is_some() {
        return Err(ExportError::Nothing { what: "roadmap", place: " in a zone set".to_owned() });
    }
    let (mut report, mut written) = (ExportReport::default(), Written::default());
    let mut sets = Vec::new();
    for level in levels(site, options)? {
        let mut zones = Vec::new();
        for (index, zone) in site.zones.iter().enumerate().filter(|(_, zone)| zone.level == level) {
            if let Some(word) = word(zone.kind) {
                zones.push(self::zone(zone, word, &mut report));
                written.add("zone", [index]);
            }
        }
        if !zones.is_empty() {
            sets.push((level, zones));
        }
    }
    if sets.is_empty() {
        let place = options.level.map_or_else(String::new, |level| format!(" on level {level:?}"));
        return Err(ExportError::Nothing { what: "zone of a kind of VDA 5050", place });
    }
    let several = 1 < sets.len();
    let mut names = name::Names::new(options.name);
    let files: Vec<ExportFile> = sets
        .iter()
        .map(|(level, zones)| {
            let file = names.with_parts(Some(*level).filter(|_| several));
            ExportFile::new(file, set(site, level, zones))
        })
        .collect();
    report.tally(site, |leaf| is_carried(leaf, site, &written, &sets));
    Ok((files, report))
}

fn is_carried(leaf: &Leaf<'_>, site: &Site, written: &Written, sets: &[(&str, Vec<Value>)]) -> bool {
    match (leaf.table, leaf.field) {
        ("", "name") => true,
        ("level", "id") => {
            site.levels.get(leaf.index).is_some_and(|level| sets.iter().any(|(name, _)| *name == level.id))
        }
        (
            "zone",
            "id" | "level" | "kind" | "polygon" | "speed_limit_mps" | "weight" | "direction_rad"
            | "strictness" | "release_loss",
        ) => written.has("zone", leaf.index),
        ("zone", field) => field.starts_with("actions.") && written.has("zone", leaf.index),
        _ => false,
    }
}

fn set(site: &Site, level: &str, zones: &[Value]) -> String {
    let zones = Value::from(zones);
    let digest = Sha256::digest(format!("{level}\n{}", line(&zones)));
    let mut hash = String::new();
    for byte in digest.iter().take(8) {
        // A String takes all that is written to it.
        let _ = write!(hash, "{byte:02x}");
    }
    let set = json!({
        "zoneSet": {
            "mapId": level,
            "zoneSetId": format!("{}-{level}-{hash}", site.name),
            "zoneSetDescriptor": site.name,
            "zones": zones,
        }
    });
    pretty(&set, 0) + "\n"
}

/// What VDA 5050 calls a kind of zone.
const fn word(kind: ZoneKind) -> Option<&'static str> {
    match kind {
        ZoneKind::Blocked | ZoneKind::HumanOnly => Some("BLOCKED"),
        ZoneKind::LineGuided => Some("LINE_GUIDED"),
        ZoneKind::Release => Some("RELEASE"),
        ZoneKind::CoordinatedReplanning => Some("COORDINATED_REPLANNING"),
        ZoneKind::SpeedLimit => Some("SPEED_LIMIT"),
        ZoneKind::Action => Some("ACTION"),
        ZoneKind::Priority => Some("PRIORITY"),
        ZoneKind::Penalty => Some("PENALTY"),
        ZoneKind::Directed => Some("DIRECTED"),
        ZoneKind::Bidirected => Some("BIDIRECTED"),
        ZoneKind::Stop
        | ZoneKind::FireLane
        | ZoneKind::UvC
        | ZoneKind::Sterile
        | ZoneKind::QuietHours
        | ZoneKind::UvExclusion
        | ZoneKind::Privacy => None,
    }
}

fn zone(zone: &Zone, word: &str, report: &mut ExportReport) -> Value {
    let mut warn = |message: &str| report.warn(format!("zone {:?}", zone.id), message);
    if zone.kind == ZoneKind::HumanOnly {
        warn("it is for people alone; it is written as BLOCKED");
    }
    if !zone.classes.is_empty() {
        warn("a zone set counts for whoever has it: send it to the classes of the zone alone");
    }
    if !zone.schedules.is_empty() {
        warn("a zone set has no schedule: the zone counts as long as the set is enabled");
    }
    let vertex = |[x, y]: &[f64; 2]| json!({ "x": x, "y": y });
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    put("zoneId", json!(zone.id));
    put("zoneType", json!(word));
    put("vertices", zone.polygon.iter().map(vertex).collect());
    let number = |value: Option<f64>| value.map(Value::from);
    let kinds = [
        (ZoneKind::SpeedLimit, "maximumSpeed", number(zone.speed_limit_mps)),
        (ZoneKind::Priority, "priorityFactor", number(zone.weight)),
        (ZoneKind::Penalty, "penaltyFactor", number(zone.weight)),
        (ZoneKind::Directed, "direction", number(zone.direction_rad)),
        (ZoneKind::Bidirected, "direction", number(zone.direction_rad)),
        (ZoneKind::Directed, "directedLimitation", Some(json!(strictness(zone.strictness)))),
        (ZoneKind::Bidirected, "bidirectedLimitation", Some(json!(strictness(zone.strictness)))),
        (ZoneKind::Release, "releaseLossBehavior", Some(json!(release_loss(zone.release_loss)))),
    ];
    for (kind, key, value) in kinds {
        if kind == zone.kind
            && let Some(value) = value
        {
            put(key, value);
        }
    }
    if zone.kind == ZoneKind::Action {
        let ZoneActions { entry, during, exit } = &zone.actions;
        for (key, names) in [("entryActions", entry), ("duringActions", during), ("exitActions", exit)] {
            if !names.is_empty() {
                put(
                    key,
                    names.iter().map(|name| json!({ "actionType": name, "blockingType": "NONE" })).collect(),
                );
            }
        }
    }
    Value::Object(fields)
}

const fn strictness(strictness: Strictness) -> &'static str {
    match strictness {
        Strictness::Soft => "SOFT",
        Strictness::Restricted => "RESTRICTED",
        Strictness::Strict => "STRICT",
    }
}

const fn release_loss(loss: ReleaseLoss) -> &'static str {
    match loss {
        ReleaseLoss::Stop => "STOP",
        ReleaseLoss::Continue => "CONTINUE",
        ReleaseLoss::Evacuate => "EVACUATE",
    }
}
