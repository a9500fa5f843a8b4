//! The shared data that tests read when they are at hand.
#![allow(dead_code, reason = "each test uses some of it")]

use std::{fs, path::PathBuf};

use sheepdog_map::{
    Site,
    import::{ImportReport, import},
};

fn root() -> PathBuf {
    let root = std::env::var_os("SHEEPDOG_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    root.join("maps")
}

/// A file's bytes, or `None` with a visible line when the data are not here.
pub(crate) fn bytes(file: &str) -> Option<Vec<u8>> {
    let path = root().join(file);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: no data at {}", path.display());
        }
    }
    bytes
}

/// The text of an Open-RMF demonstration map.
pub(crate) fn building(name: &str) -> Option<String> {
    bytes(&format!("rmf/{name}.building.yaml")).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// What an import of `bytes` under the name of `file` gives, images looked for beside it; errors as text.
pub(crate) fn result(file: &str, bytes: &[u8]) -> Result<(Site, ImportReport), String> {
    let path = root().join(file);
    import(file, bytes, |name| fs::read(path.parent()?.join(name)).ok()).map_err(|error| error.to_string())
}

/// All files that are maps.
pub(crate) const ALL: [&str; 25] = [
    "lif/example.lif.json",
    "nav2_route/aws_graph.geojson",
    "nav2_route/depot_graph.geojson",
    "nav2_route/error_codes.geojson",
    "nav2_route/sample_graph.geojson",
    "nav2_route/turtlebot3_graph.geojson",
    "opentcs/Demo-01.xml",
    "opentcs/PlantModelV004.sample.xml",
    "opentcs/PlantModelV005.sample.xml",
    "opentcs/PlantModelV6.sample.xml",
    "opentcs/PlantModelV7.sample.xml",
    "rmf/airport_terminal.building.yaml",
    "rmf/battle_royale.building.yaml",
    "rmf/campus.building.yaml",
    "rmf/clinic.building.yaml",
    "rmf/door_madness.building.yaml",
    "rmf/hotel.building.yaml",
    "rmf/office.building.yaml",
    "rmf/triple_H.building.yaml",
    "rmf_site/office.site.json",
    "rmf_site/test.site.json",
    "ros_map_server/depot.yaml",
    "ros_map_server/depot_keepout.yaml",
    "ros_map_server/depot_speed.yaml",
    "ros_map_server/tb3_sandbox.yaml",
];
