//! The sites of this repository.

use std::{fs, path::Path};

use crate::folder::Folder;

/// What is shown to newcomers is free of findings, for the robots of the command and for wider ones.
#[test]
fn nothing_is_found_in_the_sites() {
    let folder = Folder::new("sites-clean");
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sites");
    let mut checked = 0;
    for entry in fs::read_dir(sites).unwrap() {
        let path = entry.unwrap().path();
        for size in ["", "--radius 300"] {
            let run = folder.sheepdog(&format!("map check {} --strict {size}", path.display()));
            assert_eq!(run.code, Some(0), "{}: {run:?}", path.display());
        }
        checked += 1;
    }
    assert!(2 <= checked);
}

/// The hospital shows what people leave by: without exits no rule about them would have anything to look at.
#[test]
fn the_hospital_has_exits_on_both_floors_and_stairs() {
    let folder = Folder::new("sites-exits");
    folder.write("hospital.toml", crate::folder::site("hospital.toml"));
    let run = folder.sheepdog("map info hospital.toml --json");
    let info: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(info["doors"]["exits"], 7);
    assert_eq!(info["connectors_by_kind"]["stairs"], 2);
    for level in info["levels"].as_array().unwrap() {
        assert!(2 <= level["zones_by_kind"]["exit"].as_u64().unwrap(), "{level}");
    }
}
