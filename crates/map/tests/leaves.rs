//! Nothing is lost silently: take any value away from a file, and the site or the report is another.
//!
//! `SHEEPDOG_LEAVES` says how many values of a public file are taken away, evenly spread; of ours all are.
#![cfg(all(feature = "rmf", feature = "ros"))]
#![expect(clippy::expect_used, clippy::panic, reason = "fixtures of tests")]

mod data;
mod drawn;

use serde_json::Value;
use sheepdog_map::{
    Site,
    import::{ImportReport, Raster, import, import_building, import_map_server, import_nav_graph},
};

/// Values that are taken away from a public file unless the environment says otherwise.
const LEAVES: usize = 12;

fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{path}/{index}"), out));
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                leaves(item, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push(path.to_owned());
        }
    }
}

fn without(value: &Value, leaf: &str) -> Value {
    let mut value = value.clone();
    let (parent, key) = leaf.rsplit_once('/').expect(leaf);
    match value.pointer_mut(parent) {
        Some(Value::Array(items)) => drop(items.remove(key.parse().expect(leaf))),
        Some(Value::Object(entries)) => {
            entries.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        _ => panic!("{leaf}"),
    }
    value
}

type Outcome = Result<(Site, ImportReport), String>;

/// What is not a warning's line: taking something away moves the rest.
fn content(outcome: Outcome) -> Outcome {
    outcome.map(|(site, mut report)| {
        report.warnings.iter_mut().for_each(|warning| warning.line = None);
        (site, report)
    })
}

/// Takes `count` values away, one at a time. The file is read in the JSON form of its text, which is YAML as well.
fn nothing_is_lost(file: &str, text: &[u8], count: usize, read: impl Fn(&[u8]) -> Outcome) {
    let text = std::str::from_utf8(text).expect(file);
    let value: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let whole = content(read(value.to_string().as_bytes()));
    assert!(whole.is_ok(), "{file}: {whole:?}");
    let mut all = Vec::new();
    leaves(&value, "", &mut all);
    let is_lost = |leaf: &&String| content(read(without(&value, leaf).to_string().as_bytes())) == whole;
    let lost: Vec<&String> = all.iter().step_by((all.len() / count).max(1)).filter(is_lost).collect();
    assert!(lost.is_empty(), "{file}: lost silently: {lost:?}");
}

fn count() -> usize {
    std::env::var("SHEEPDOG_LEAVES").ok().and_then(|text| text.parse().ok()).unwrap_or(LEAVES)
}

/// Reads a file as what its name says: the JSON form of YAML would be taken for JSON.
fn read(file: &str, bytes: &[u8], image: &[u8]) -> Outcome {
    let companion = |_: &str| Some(image.to_vec());
    let outcome = if file.ends_with(".building.yaml") {
        import_building(std::str::from_utf8(bytes).expect(file))
    } else if file.ends_with("0.yaml") {
        import_nav_graph(bytes)
    } else if file.ends_with("keepout.yaml") {
        import_map_server(bytes, Raster::Keepout, companion)
    } else if file.ends_with("speed.yaml") {
        import_map_server(bytes, Raster::Speed { base_mps: 1.0, multiplier_mps: -0.01 }, companion)
    } else if file.starts_with("ros") || file == "a.yaml" {
        import_map_server(bytes, Raster::Map, companion)
    } else {
        import(file, bytes, companion)
    };
    outcome.map_err(|error| error.to_string())
}

#[test]
fn nothing_of_public_files_is_lost() {
    for file in data::ALL.iter().filter(|file| !file.ends_with("xml")) {
        let Some(bytes) = data::bytes(file) else { return };
        let image = file.strip_prefix("ros").and_then(|_| data::bytes(&file.replace(".yaml", ".pgm")));
        nothing_is_lost(file, &bytes, count(), |bytes| {
            read(file, bytes, image.as_deref().unwrap_or_default())
        });
    }
}

#[test]
fn nothing_of_drawn_files_is_lost() {
    for (file, text) in drawn::FILES {
        if ["json", "yaml"].iter().any(|ending| file.ends_with(ending)) {
            nothing_is_lost(file, text.as_bytes(), usize::MAX, |bytes| {
                read(file, bytes, drawn::IMAGE.as_bytes())
            });
        }
    }
}
