//! The importers over public files, when they are at hand: what is in them, that nothing is lost, that nothing panics.
#![expect(clippy::expect_used, clippy::panic, reason = "fixtures of tests")]

mod data;

use data::{bytes, result};
use proptest::prelude::*;
use sheepdog_map::{CompileOptions, Site, import::ImportReport, model::ZoneKind};

fn read(file: &str) -> Option<(Site, ImportReport)> {
    let (site, report) = result(file, &bytes(file)?).expect(file);
    site.compile(&CompileOptions::default()).unwrap_or_else(|errors| panic!("{file}: {errors:?}"));
    assert_eq!(Site::from_toml(&site.to_toml().expect(file)).expect(file), site, "{file}");
    Some((site, report))
}

#[test]
fn route_graphs_have_the_nodes_and_edges_they_should() {
    for (name, nodes, edges) in [
        ("depot_graph", 34, 78),
        ("turtlebot3_graph", 20, 65),
        ("sample_graph", 9, 24),
        ("aws_graph", 40, 83),
        ("error_codes", 13, 1),
    ] {
        let Some((site, _)) = read(&format!("nav2_route/{name}.geojson")) else { return };
        assert_eq!((site.waypoints.len(), site.lanes.len()), (nodes, edges), "{name}");
        assert!(site.lanes.iter().all(|lane| !lane.bidirectional));
    }
}

#[test]
fn the_layout_of_the_standard_is_read() {
    let Some((site, report)) = read("lif/example.lif.json") else { return };
    assert_eq!(
        (site.levels.len(), site.waypoints.len(), site.lanes.len(), site.stations.len()),
        (2, 3, 2, 3)
    );
    let degrees = report.warnings.iter().filter(|warning| warning.message.contains("cannot be radians"));
    assert_eq!(degrees.count(), 3);
}

#[cfg(feature = "opentcs")]
#[test]
fn plant_models_have_the_points_and_paths_they_should() {
    let Some((site, report)) = read("opentcs/Demo-01.xml") else { return };
    let inner = site.waypoints.iter().filter(|way| way.id.contains('#')).count();
    assert_eq!((site.waypoints.len() - inner, site.lanes.len() - inner), (59, 75));
    // Of 16 locations one, a fire door, is linked to no point.
    assert_eq!(site.stations.len(), 15);
    assert_eq!(report.warnings.iter().filter(|warning| warning.message.contains("no link")).count(), 1);
    let groups: std::collections::BTreeSet<_> = site.lanes.iter().flat_map(|lane| &lane.mutex).collect();
    assert_eq!(groups.len(), 2);
    for name in ["V004", "V005", "V6", "V7"] {
        let Some((site, _)) = read(&format!("opentcs/PlantModel{name}.sample.xml")) else { return };
        let inner = site.waypoints.iter().filter(|way| way.id.contains('#')).count();
        assert_eq!((site.waypoints.len() - inner, site.stations.len()), (15, 1), "{name}");
    }
}

/// Attributes of an XML text, as ranges of bytes.
#[cfg(feature = "opentcs")]
fn attributes(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("=\"").filter(|(at, _)| !text[..*at].ends_with("<?xml version")) {
        let name = text[..start].rfind(' ').expect("a name");
        let end = start + 2 + text[start + 2..].find('"').expect("an end") + 1;
        found.push(name..end);
    }
    found
}

#[cfg(feature = "opentcs")]
#[test]
fn nothing_of_a_plant_model_is_lost() {
    for file in XML {
        let Some(bytes) = bytes(file) else { return };
        let text = String::from_utf8(bytes).expect(file);
        let (head, body) = text.split_once("?>").expect(file);
        let whole = content(result(file, text.as_bytes()));
        let all = attributes(body);
        for range in all.iter().step_by((all.len() / 100).max(1)) {
            let rest = format!("{head}?>{}{}", &body[..range.start], &body[range.end..]);
            assert_ne!(content(result(file, rest.as_bytes())), whole, "{file}: {}", &body[range.clone()]);
        }
    }
}

const XML: [&str; 3] =
    ["opentcs/Demo-01.xml", "opentcs/PlantModelV004.sample.xml", "opentcs/PlantModelV7.sample.xml"];

#[test]
fn sites_of_the_newer_editor_have_the_lanes_they_should() {
    let Some((site, _)) = read("rmf_site/office.site.json") else { return };
    assert_eq!((site.levels.len(), site.lanes.len(), site.walls.len(), site.doors.len()), (1, 32, 34, 3));
    let Some((site, _)) = read("rmf_site/test.site.json") else { return };
    assert_eq!((site.levels.len(), site.lanes.len(), site.lifts.len()), (2, 16, 1));
}

#[cfg(feature = "ros")]
#[test]
fn raster_maps_have_the_cells_they_should() {
    let warns =
        |report: &ImportReport| report.warnings.iter().any(|warning| warning.element == "free_thresh");
    let area = |site: &Site| {
        site.compile(&CompileOptions::default()).expect("compiles").levels()[0].geometry.area_m2()
    };
    let Some((site, report)) = read("ros_map_server/depot.yaml") else { return };
    let cells = area(&site) / 0.0025;
    assert!(
        warns(&report) && (cells / (604.0 * 307.0) - 0.968).abs() < 0.001,
        "{cells} {:?}",
        report.warnings
    );
    let Some((site, report)) = read("ros_map_server/tb3_sandbox.yaml") else { return };
    let unknown = report.dropped.iter().find(|(path, _)| path == "image: unknown cells").expect("unknown").1;
    assert!(!warns(&report) && unknown * 100 / (384 * 384) == 94, "{unknown} {}", area(&site));
    let Some((site, _)) = read("ros_map_server/depot_keepout.yaml") else { return };
    assert!(!site.zones.is_empty() && site.zones.iter().all(|zone| zone.kind == ZoneKind::Blocked));
    let Some((site, _)) = read("ros_map_server/depot_speed.yaml") else { return };
    let mut limits: Vec<_> = site.zones.iter().filter_map(|zone| zone.speed_limit_mps).collect();
    limits.sort_by(f64::total_cmp);
    limits.dedup();
    assert_eq!(limits, [0.5, 0.75, 0.8]);
}

/// The files of which bytes are changed.
const JSON: [&str; 8] = [
    "rmf_site/office.site.json",
    "rmf_site/test.site.json",
    "nav2_route/depot_graph.geojson",
    "nav2_route/sample_graph.geojson",
    "nav2_route/aws_graph.geojson",
    "nav2_route/turtlebot3_graph.geojson",
    "nav2_route/error_codes.geojson",
    "lif/example.lif.json",
];

/// What is not a warning's line: taking something away moves the rest.
fn content(result: Result<(Site, ImportReport), String>) -> Result<(Site, ImportReport), String> {
    result.map(|(site, mut report)| {
        report.warnings.iter_mut().for_each(|warning| warning.line = None);
        (site, report)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1536, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to the bytes of a real file: an answer, never a panic.
    #[test]
    fn mutated_files_never_panic(
        file in prop::sample::select([&JSON[..], &XML[..]].concat()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let Some(mut bytes) = bytes(file) else { return Ok(()) };
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            if let Some(slot) = bytes.get_mut(place) {
                *slot = byte;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok((site, _)) = result(file, &bytes) {
            drop(site.compile(&CompileOptions::default()));
        }
    }
}
