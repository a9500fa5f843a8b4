//! The importers over small files of our own, one for each trap.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "fixtures of tests; exact values are meant"
)]

mod drawn;

use drawn::{FILES, GRAPH, IMAGE, LAYOUT, PLANT, ROUTE, SITE, VENUE};
use proptest::prelude::*;
use sheepdog_map::{
    CompileOptions, Site,
    import::{Format, ImportError, ImportProblem, ImportReport, import},
    lint,
    model::{DoorKind, Level, Orientation, Room, StationKind},
};

fn read(name: &str, text: &str) -> (Site, ImportReport) {
    let (site, report) = import(name, text.as_bytes(), |_| None).unwrap_or_else(|error| panic!("{error}"));
    site.compile(&CompileOptions::default()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    (site, report)
}

fn refused(name: &str, text: &str) -> ImportError {
    import(name, text.as_bytes(), |_| None).expect_err("it must be refused")
}

fn dropped(report: &ImportReport, path: &str) -> usize {
    report.dropped.iter().find(|(other, _)| other == path).map_or(0, |(_, count)| *count)
}

fn implied(report: &ImportReport, path: &str) -> usize {
    report.implied.iter().find(|(other, _)| other == path).map_or(0, |(_, count)| *count)
}

#[test]
fn a_route_graph_becomes_waypoints_and_one_way_lanes() {
    let (site, report) = read("aisle.geojson", ROUTE);
    assert_eq!(site.name, "aisle");
    let places: Vec<_> = site.waypoints.iter().map(|way| (way.id.as_str(), way.at)).collect();
    assert_eq!(places, [("7", [1.0, -2.0]), ("3", [4.0, 2.0])]);
    let lanes: Vec<_> = site
        .lanes
        .iter()
        .map(|lane| (lane.from.as_str(), lane.bidirectional, lane.speed_limit_mps))
        .collect();
    assert_eq!(lanes, [("7", false, Some(0.5)), ("3", false, Some(0.85))]);
    for (path, count) in [
        ("features[].properties.cost", 1),
        ("features[].properties.id", 2),
        ("features[].properties.metadata.aisle", 1),
        ("features[].properties.overridable", 1),
    ] {
        assert_eq!(dropped(&report, path), count, "{path}: {:?}", report.dropped);
    }
    assert_eq!(implied(&report, "features[].properties.frame"), 1);
    let lines: Vec<_> = report.warnings.iter().filter_map(|warning| warning.line).collect();
    assert_eq!(lines, [7, 8, 7], "{:?}", report.warnings);
}

#[test]
fn a_percentage_of_an_unknown_speed_is_no_speed() {
    let limits = |limit: &str| {
        let (site, report) = read("aisle.geojson", &ROUTE.replacen("\"speed_limit\": 0.85", limit, 1));
        let of_metadata = |(path, _): &&(String, usize)| path.starts_with("features[].properties.metadata");
        // Nobody has a use for the aisle.
        let lost: usize =
            report.dropped.iter().filter(of_metadata).map(|(_, count)| count).sum::<usize>() - 1;
        let warned = report.warnings.iter().filter(|warning| warning.message.contains("percent of")).count();
        (site.lanes[1].speed_limit_mps, lost, warned)
    };
    assert_eq!(limits("\"speed_limit\": 50"), (None, 1, 1));
    assert_eq!(limits("\"speed_limit\": 1.5, \"abs_speed_limit\": 0.7"), (Some(0.7), 1, 1));
    assert_eq!(limits("\"speed_limit\": 1"), (Some(1.0), 0, 0));
    assert_eq!(limits("\"speed_limit\": 0.4, \"abs_speed_limit\": 0.7"), (Some(0.4), 0, 0));
}

#[test]
fn route_graphs_with_faults_are_refused() {
    let with = |from: &str, to: &str| {
        assert!(ROUTE.contains(from), "{from}");
        refused("aisle.geojson", &ROUTE.replacen(from, to, 1))
    };
    let error = with("\"endid\": 3", "\"endid\": 9");
    assert_eq!(error.problem, ImportProblem::NoSuch { what: "node", name: "9".to_owned() });
    assert_eq!(error.element, "features[2].properties.endid");
    assert_eq!(error.position.map(|at| at.line), Some(4));
    let error = with("\"id\": 3", "\"id\": 7");
    assert_eq!(error.problem, ImportProblem::Duplicate { what: "node id", value: "7".to_owned() });
    assert_eq!(with("\"startid\": 7, ", "").problem, ImportProblem::Missing { field: "startid" });
    assert!(matches!(with("[4, 2]", "[4e999, 2]").problem, ImportProblem::NotFinite { .. }));
    assert!(matches!(with("\"id\": 3", "\"id\": -3").problem, ImportProblem::WrongType { .. }));
    assert!(matches!(with("\"Point\"", "\"Polygon\"").problem, ImportProblem::UnknownWord { .. }));
    let deep = format!("{{\"type\": \"FeatureCollection\", \"x\": {}", "[".repeat(1_000));
    assert!(matches!(refused("deep.geojson", &deep).problem, ImportProblem::TooDeep { .. }));
    assert!(matches!(with("\"id\": 3", "\"id\": 3, \"id\": 4").problem, ImportProblem::Duplicate { .. }));
}

#[test]
fn a_layout_keeps_classes_headings_and_limits() {
    let (site, report) = read("hall.lif.json", LAYOUT);
    assert_eq!((site.name.as_str(), site.levels[0].id.as_str()), ("hall", "ground"));
    assert_eq!((site.waypoints[0].yaw_rad, site.waypoints[1].yaw_rad), (Some(1.5), None));
    let [cart, lift] = site.lanes.as_slice() else { panic!("{:?}", site.lanes) };
    assert_eq!(
        (cart.orientation, cart.speed_limit_mps, cart.height_m),
        (Orientation::Backward, Some(1.5), Some(2.0))
    );
    assert_eq!(
        (lift.orientation, lift.classes.as_slice()),
        (Orientation::Forward, ["lift".to_owned()].as_slice())
    );
    assert_eq!((site.stations[0].waypoint.as_str(), site.stations[0].kind), ("n2", StationKind::Place));
    assert!(report.warnings.iter().any(|warning| warning.message.contains("cannot be radians")));
    assert_eq!(dropped(&report, "layouts[].stations[].stationHeight"), 1);
    let error = refused("hall.lif.json", &LAYOUT.replacen("\"n2\"]", "\"n9\"]", 1));
    assert_eq!(error.problem, ImportProblem::NoSuch { what: "node", name: "n9".to_owned() });
    let error = refused("hall.lif.json", &LAYOUT.replacen("1.0.0", "2.0.0", 1));
    assert!(matches!(error.problem, ImportProblem::UnknownWord { .. }), "{error}");
}

#[cfg(feature = "opentcs")]
#[test]
fn a_plant_model_has_curves_blocks_and_both_speeds() {
    let (site, report) = read("plant.xml", PLANT);
    let way = |id: &str| site.waypoints.iter().find(|way| way.id == id).unwrap();
    assert_eq!(way("B").at, [4.0, 0.0]);
    assert_eq!(way("A").yaw_rad, Some(core::f64::consts::FRAC_PI_2));
    let [ahead, back, curve @ ..] = site.lanes.as_slice() else { panic!("{:?}", site.lanes) };
    assert_eq!((ahead.speed_limit_mps, ahead.orientation), (Some(1.0), Orientation::Forward));
    assert_eq!(
        (back.from.as_str(), back.speed_limit_mps, back.orientation),
        ("B", Some(0.5), Orientation::Backward)
    );
    assert_eq!((ahead.mutex.as_slice(), ahead.length_m), (["X".to_owned()].as_slice(), Some(5.0)));
    // 6 · 4 m of second derivative, 2 cm beside the curve: 13 pieces, mirrored about the diagonal through B.
    assert_eq!(curve.len(), 13);
    let declared: f64 = curve.iter().filter_map(|lane| lane.length_m).sum();
    assert!((declared - 6.0).abs() < 1e-9 && curve.iter().all(|lane| !lane.bidirectional));
    let ([x, y], [u, v]) = (way("A-C #1").at, way("A-C #12").at);
    assert!((x - (4.0 - v)).abs() < 1e-9 && (y - (4.0 - u)).abs() < 1e-9, "{x} {y} {u} {v}");
    assert_eq!((site.stations[0].waypoint.as_str(), site.stations[0].kind), ("B", StationKind::Dropoff));
    assert!(report.warnings.iter().any(|warning| warning.message.contains("declared to be 5.000 m")));
    // Its member that is a place is in it as well.
    assert!(site.waypoints.iter().any(|way| way.mutex == ["X"]));
    for (path, count) in [("point[].positionZ", 1), ("path[].name", 2)] {
        assert_eq!(dropped(&report, path), count, "{path}: {:?}", report.dropped);
    }
}

#[cfg(feature = "opentcs")]
#[test]
fn plant_models_with_faults_are_refused() {
    let with = |from: &str, to: &str| {
        assert!(PLANT.contains(from), "{from}");
        refused("plant.xml", &PLANT.replacen(from, to, 1)).problem
    };
    assert!(matches!(with("destinationPoint=\"B\"", "destinationPoint=\"D\""), ImportProblem::NoSuch { .. }));
    assert!(matches!(with("point name=\"B\"", "point name=\"A\""), ImportProblem::Duplicate { .. }));
    assert!(matches!(with("positionX=\"4000\"", "positionX=\"inf\""), ImportProblem::NotFinite { .. }));
    assert!(matches!(with("version=\"7.0.0\"", "version=\"8\""), ImportProblem::UnknownWord { .. }));
    assert!(matches!(with("<model", "<!DOCTYPE x [<!ENTITY a \"b\">]><model"), ImportProblem::Syntax { .. }));
    let deep = format!("<model version=\"7\">{}", "<a>".repeat(100_000));
    assert!(matches!(refused("deep.xml", &deep).problem, ImportProblem::TooDeep { .. }));
}

#[cfg(feature = "ros")]
#[test]
fn a_raster_map_becomes_floors_where_it_is_free() {
    let meta = "image: m.pgm\nresolution: 0.5\norigin: [10.0, 20.0, 0.0]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n";
    let image = "P2\n# ours\n4 3\n255\n254 254 254 205\n254 0 254 205\n254 254 254 205\n";
    let with = |meta: &str, image: &str| {
        import("m.yaml", meta.as_bytes(), |name| (name == "m.pgm").then(|| image.as_bytes().to_vec()))
    };
    let (site, report) = with(meta, image).expect("a map");
    let [room] = site.rooms.as_slice() else { panic!("{:?}", site.rooms) };
    assert_eq!(room.polygon, [[11.5, 20.0], [11.5, 21.5], [10.0, 21.5], [10.0, 20.0]]);
    assert_eq!((room.holes.len(), dropped(&report, "image: unknown cells")), (1, 3));
    assert_eq!(dropped(&report, "image: other cells without a place in the result"), 1);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    // The trap: 50 / 255 is 0.19608.
    let (site, report) = with(&meta.replace("0.196", "0.25"), image).expect("a map");
    assert!(site.rooms[0].polygon.contains(&[12.0, 20.0]) && report.warnings[0].element == "free_thresh");
    // Turned by a quarter: x becomes y.
    let turned = meta.replace("20.0, 0.0]", "20.0, 1.5707963267948966]");
    let (site, report) = with(&turned, image).expect("a map");
    let [x, y] = site.rooms[0].polygon[0];
    assert!((x - 10.0).abs() < 1e-9 && (y - 21.5).abs() < 1e-9 && report.warnings.len() == 1, "{x} {y}");
    for (meta, image) in [
        (meta.replace("m.pgm", "n.pgm"), image.to_owned()),
        (meta.replace("0.5\n", "-0.5\n"), image.to_owned()),
        (meta.replace("10.0", ".nan"), image.to_owned()),
        (meta.replace("0.65", "0.1"), image.to_owned()),
        (meta.to_owned(), image.replace("4 3", "4 4")),
        (meta.to_owned(), image.replace("4 3", "400000 400000")),
        (meta.to_owned(), image.replace("P2", "P6")),
        (meta.to_owned(), image.replace(" 0 ", " 300 ")),
    ] {
        assert!(with(&meta, &image).is_err(), "{meta}{image}");
    }
}

#[cfg(feature = "ros")]
#[test]
fn a_threshold_that_frees_the_unknown_is_no_remedy_against_itself() {
    let image = |_: &str| Some(IMAGE.as_bytes().to_vec());
    let text = |mode: &str, free: &str| {
        let meta = format!("mode: {mode}\n{}", drawn::META.replace("0.196", free));
        let (site, report) = import("m.yaml", meta.as_bytes(), image).expect("a map");
        let profile = lint::BuildingProfile::default();
        let linted = lint::check(&site, &CompileOptions::default(), Some(&report), &profile);
        let found = linted.findings.iter().find(|finding| finding.id.as_str() == "A405");
        let found = found.map(|finding| finding.text.clone());
        let warned = report.warnings.iter().find(|warning| warning.element == "free_thresh");
        (warned.map(|warning| warning.message.clone()), found)
    };
    let (warned, found) = text("scale", "0.196");
    for message in [warned.expect("a warning"), found.expect("a finding")] {
        assert!(message.contains("mode trinary") && !message.contains("0.196 keeps it unknown"), "{message}");
    }
    let (warned, found) = text("trinary", "0.25");
    for message in [warned.expect("a warning"), found.expect("a finding")] {
        assert!(message.ends_with("0.196 keeps it unknown"), "{message}");
    }
    assert_eq!(text("trinary", "0.196"), (None, None));
}

#[cfg(feature = "ros")]
#[test]
fn a_mask_is_what_the_caller_says_or_the_end_of_its_name() {
    use drawn::META;
    use sheepdog_map::import::{Raster, import_raster};
    let image = |_: &str| Some(IMAGE.as_bytes().to_vec());
    let kind = |name: &str| {
        let (site, report) = import(name, META.as_bytes(), image).expect(name);
        let guessed = report.warnings.iter().any(|warning| warning.message.contains("taken for a"));
        (site.rooms.is_empty(), site.zones.is_empty(), guessed)
    };
    for name in ["speed_office.map.yaml", "keepout_lab.yaml", "speedway.yaml", "mask.yaml", "house.yaml"] {
        assert_eq!(kind(name), (false, true, false), "{name}");
    }
    for name in ["lab_keepout.yaml", "Keepout_Mask.yml", "depot_speed.yaml", "depot.speed_mask.yaml"] {
        assert_eq!(kind(name), (true, false, true), "{name}");
    }
    let (site, report) = import_raster("mask.yaml", META.as_bytes(), Raster::Keepout, image).expect("a mask");
    assert!(site.rooms.is_empty() && !site.zones.is_empty());
    assert!(report.warnings.iter().all(|warning| !warning.message.contains("taken for a")));
    let (site, _) = import_raster("a_keepout.yaml", META.as_bytes(), Raster::Map, image).expect("a map");
    assert!(!site.rooms.is_empty() && site.zones.is_empty());
    let error =
        import_raster("a.lif.json", LAYOUT.as_bytes(), Raster::Keepout, image).expect_err("no raster");
    assert_eq!(error.problem, ImportProblem::NoRaster { name: "a.lif.json".to_owned() });
}

#[test]
fn a_benchmark_grid_becomes_floors() {
    let text = "type octile\nheight 2\nwidth 3\nmap\n.@G\nSTW\n";
    let (site, report) = read("a.map", text);
    let corners: Vec<_> = site.rooms.iter().map(|room| room.polygon.len()).collect();
    assert_eq!((site.rooms.len(), corners), (2, vec![4, 4]));
    assert!(site.rooms[1].polygon.contains(&[3.0, 2.0]), "{:?}", site.rooms);
    assert_eq!((dropped(&report, "map: water cells"), dropped(&report, "map: blocked cells")), (1, 2));
    for (from, to) in [("width 3", "width 4"), ("STW", "STX"), ("STW", ""), ("height 2", "height -2")] {
        assert!(import("a.map", text.replace(from, to).as_bytes(), |_| None).is_err(), "{to}");
    }
}

#[cfg(feature = "rmf")]
#[test]
fn a_navigation_graph_has_lanes_doors_and_lifts() {
    let (site, report) = read("0.yaml", GRAPH);
    assert_eq!(
        (site.name.as_str(), site.levels.len(), site.waypoints.len(), site.lanes.len()),
        ("tower", 2, 5, 3)
    );
    let lane = &site.lanes[0];
    assert_eq!(
        (lane.speed_limit_mps, lane.orientation, lane.mutex.as_slice()),
        (Some(0.5), Orientation::Forward, ["m".to_owned()].as_slice())
    );
    let doors: Vec<_> = site.lifts[0].doors.iter().map(|door| (door.from, door.to)).collect();
    assert_eq!(doors, [([7.0, -1.5], [7.0, 1.5]); 2]);
    assert_eq!(dropped(&report, "levels.L1.lanes[][].dock_name"), 1, "{:?}", report.dropped);
    let kinds: Vec<_> = site.stations.iter().map(|station| station.kind).collect();
    assert_eq!(kinds, [StationKind::Charger, StationKind::Place, StationKind::Place, StationKind::Pickup]);
    for (from, to) in [
        ("lift: lift}", "lift: other}"),
        ("[1, 2, {}]", "[1, 3, {}]"),
        ("name: ward", "name: desk"),
        ("door_name: d", "door_name: e"),
        ("forward", "sideways"),
        ("0.5", ".inf"),
    ] {
        assert!(import("0.yaml", GRAPH.replacen(from, to, 1).as_bytes(), |_| None).is_err(), "{to}");
    }
}

#[cfg(feature = "rmf")]
#[test]
fn a_door_that_a_lane_names_and_does_not_meet_is_left_behind() {
    let path = "levels.L1.lanes[][].door_name";
    let (_, report) = read("0.yaml", GRAPH);
    assert_eq!((implied(&report, path), dropped(&report, path)), (1, 0), "{:?}", report.implied);
    for (from, to) in [("[[2, -1], [2, 1]], map: L1", "[[2, 1], [2, 3]], map: L1"), ("map: L1", "map: L2")] {
        let (_, report) = read("0.yaml", &GRAPH.replacen(from, to, 1));
        assert_eq!((implied(&report, path), dropped(&report, path)), (0, 1), "{:?}", report.dropped);
        let warned = |text: &str| report.warnings.iter().any(|warning| warning.message.contains(text));
        assert!(warned("does not lead through the door \"d\""), "{:?}", report.warnings);
    }
}

#[test]
fn a_venue_has_rooms_in_metres_and_a_place_on_earth() {
    let (site, report) = read("venue.json", VENUE);
    let origin = site.georeference.expect("a place on Earth");
    assert!((origin.latitude_deg - 45.0).abs() < 1e-9 && (origin.longitude_deg - 10.0).abs() < 1e-9);
    let room = &site.rooms[0];
    let [x, y] = room.polygon[2];
    assert!((x - 7.885).abs() < 0.001 && (y - 11.113).abs() < 0.001, "{x} {y}");
    assert_eq!((room.kind, room.label.as_deref()), (sheepdog_map::model::RoomKind::Corridor, Some("Hall")));
    assert!(site.doors[0].exit && site.obstacles.len() == 1 && site.stations.len() == 1);
    assert_eq!((site.levels[0].elevation_m, site.levels[0].building.as_deref()), (4.0, Some("b")));
    assert!(0 < dropped(&report, "fixture.features[].properties.category"), "{:?}", report.dropped);
    for (from, to) in [
        ("\"level_id\": \"l\"", "\"level_id\": \"m\""),
        ("\"id\": \"o\"", "\"id\": \"u\""),
        ("[10.00002, 45]", "[11, 45]"),
        ("44.999", "144.999"),
        ("\"ordinal\": 1", "\"ordinal\": 1e400"),
    ] {
        assert!(import("venue.json", VENUE.replacen(from, to, 1).as_bytes(), |_| None).is_err(), "{to}");
    }
}

#[test]
fn a_site_of_the_newer_editor_has_lanes_doors_and_a_lift() {
    let (site, report) = read("s.site.json", SITE);
    let [narrow, into] = site.lanes.as_slice() else { panic!("{:?}", site.lanes) };
    assert_eq!(
        (narrow.from.as_str(), narrow.bidirectional, narrow.speed_limit_mps),
        ("home", false, Some(0.5))
    );
    assert_eq!(
        (narrow.mutex.as_slice(), narrow.roadmap.as_deref()),
        (["m".to_owned()].as_slice(), Some("20"))
    );
    assert!(into.bidirectional && into.roadmap.is_none());
    // The first reference anchor is to the right of the second for who looks out: the cabin opens to the west.
    let lift = &site.lifts[0];
    let [x, y] = lift.at;
    assert!((x - 7.0).abs() < 1e-9 && y.abs() < 1e-9, "{lift:?}");
    assert!((lift.doors[0].from[0] - 6.0).abs() < 1e-9, "{lift:?}");
    let cabin = site.waypoints.iter().find(|way| way.lift.is_some()).expect("a waypoint in the cabin");
    assert_eq!((cabin.id.as_str(), cabin.level.as_str()), ("anchor 12@L1", "L1"));
    assert_eq!((site.doors[0].from, site.doors[0].clear_height_m), ([4.0, 0.0], Some(2.1)));
    assert_eq!(dropped(&report, "levels[].walls[].texture"), 1, "{:?}", report.dropped);
    for (from, to) in [
        ("\"Only\": [20]", "\"Only\": [22]"),
        ("\"anchors\": [2, 3], \"mutex\": 21", "\"anchors\": [2, 7]"),
        ("\"mutex\": 21", "\"mutex\": 22"),
        ("\"0.1\"", "\"0.2\""),
        ("\"visits\": [1]", "\"visits\": [2]"),
        ("[4, 0]", "[4, 1e999]"),
    ] {
        assert!(import("s.site.json", SITE.replacen(from, to, 1).as_bytes(), |_| None).is_err(), "{to}");
    }
}

#[test]
fn what_the_newer_editor_leaves_open_is_read_with_a_warning() {
    let with = |from: &str, to: &str| {
        assert!(SITE.contains(from), "{from}");
        read("s.site.json", &SITE.replacen(from, to, 1))
    };
    let warned = |report: &ImportReport, text: &str| {
        report.warnings.iter().filter(|warning| warning.message.contains(text)).count()
    };
    // The same name twice is refused, no name twice is not.
    let two = |name: &str| {
        let more = format!(r#""40": {{"anchor": 3, "tags": [], "name": "{name}"}}, "41""#);
        SITE.replacen("\"40\"", &more, 1).replacen("\"name\": \"home\"", &format!("\"name\": \"{name}\""), 1)
    };
    let (site, report) = read("s.site.json", &two("<Unnamed>"));
    let names: Vec<_> = site.stations.iter().map(|station| station.id.as_str()).collect();
    assert_eq!((names, warned(&report, "nobody has named")), (vec!["location 41", "location 40"], 2));
    assert!(matches!(refused("s.site.json", &two("home")).problem, ImportProblem::Duplicate { .. }));

    let (site, report) = with(r#"{"SingleSwing": {"pivot_on": "Right"}}"#, r#"{"Model": {"x": 1}}"#);
    assert_eq!((site.doors[0].kind, warned(&report, "of kind Model")), (DoorKind::Hinged, 1));
    assert_eq!(dropped(&report, "levels[].doors[].kind"), 1, "{:?}", report.dropped);

    let back = r#""reverse": {"Different": {"speed_limit": 0.3, "orientation_constraint": "Backwards"}}"#;
    let (site, _) = with("\"reverse\": \"Disable\"", back);
    let ways: Vec<_> = site.lanes.iter().map(|lane| (lane.from.as_str(), lane.bidirectional)).collect();
    assert_eq!(ways[..2], [("home", false), ("anchor 3", false)]);
    let back = &site.lanes[1];
    assert_eq!(
        (back.speed_limit_mps, back.orientation, back.mutex.as_slice(), back.roadmap.as_deref()),
        (Some(0.3), Orientation::Backward, ["m".to_owned()].as_slice(), Some("20"))
    );
}

/// Twice as much takes about twice as long. With quadratic readers it is minutes; with these it is a second or two.
#[test]
fn many_names_cost_no_more_than_they_should() {
    let many: u32 = 120_000;
    let join =
        |each: &dyn Fn(u32) -> String, between: &str| (0..many).map(each).collect::<Vec<_>>().join(between);
    let stations = join(
        &|n| format!(r#"{{"stationId": "s{n}", "interactionNodeIds": ["n2"], "stationName": "x"}}"#),
        ", ",
    );
    let (head, tail) = LAYOUT.split_once("\"stations\": [").expect("stations");
    let more = format!("{head}\"stations\": [{stations}, {tail}");
    let (site, _) = import("a.lif.json", more.as_bytes(), |_| None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(site.stations.len(), many as usize + 1);
    #[cfg(feature = "opentcs")]
    {
        let children = join(&|n| format!("<x{n}/>"), "");
        let plant = PLANT.replacen("</model>", &format!("{children}</model>"), 1);
        let (_, report) =
            import("a.xml", plant.as_bytes(), |_| None).unwrap_or_else(|error| panic!("{error}"));
        assert!(!report.dropped.is_empty());
        let attributes = join(&|n| format!("x{n}=\">\""), " ");
        let error = refused("a.xml", &PLANT.replacen("</model>", &format!("<y {attributes}/></model>"), 1));
        let limit = 1_000;
        assert_eq!(error.problem, ImportProblem::TooMany { what: "attributes of one element", limit });
    }
}

#[test]
fn json_is_told_by_its_outermost_keys() {
    let mut own = Site::new("layouts");
    own.levels.push(Level::new("format_version", 0.0));
    own.rooms.push(Room::rectangle("metaInformation", "format_version", 0.0, 0.0, 4.0, 3.0));
    own.rooms.push(Room::rectangle("features", "format_version", 4.0, 0.0, 8.0, 3.0));
    let text = own.to_json().expect("json");
    for name in ["a.json", "h.site.json", "x.lif.json", "venue.geojson"] {
        assert_eq!(Format::detect(name, text.as_bytes()), None, "{name}");
    }
    assert_eq!(Site::from_json(&text).expect("ours"), own);
    let of = |name: &str, text: &str| Format::detect(name, text.as_bytes());
    assert_eq!(of("a.json", LAYOUT), Some(Format::Lif));
    assert_eq!(of("a.json", SITE), Some(Format::RmfSite));
    assert_eq!(of("a.json", VENUE), Some(Format::Imdf));
    assert_eq!(of("a.json", ROUTE), Some(Format::Nav2));
    // A word in a text or deep inside is no key of the file, and a key may come late.
    let route = ROUTE.replace("\"aisle\": 14", "\"layouts\": 1, \"feature_type\": 2, \"schema\": 3");
    assert_eq!(of("a.json", &route), Some(Format::Nav2));
    let late = LAYOUT.replacen('{', &format!("{{\"x\": \"{}\\\" {{\",", " ".repeat(100_000)), 1);
    assert_eq!(of("a.json", &late), Some(Format::Lif));
    assert_eq!(of("a.json", "{\"a\": 1}"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2560, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to the bytes of a file or of its image: an answer, never a panic.
    #[test]
    fn mutated_files_never_panic(
        (name, text) in prop::sample::select(FILES.to_vec()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<u8>()), 1..5),
    ) {
        let (mut bytes, mut image) = (text.as_bytes().to_vec(), IMAGE.as_bytes().to_vec());
        for (place, in_image, byte) in edits {
            let target = if in_image { &mut image } else { &mut bytes };
            let place = place.index(target.len());
            // Digits are as common as all other bytes, so that numbers change and files stay legal.
            if let Some(slot) = target.get_mut(place) {
                *slot = if byte < 128 { b'0' + byte % 10 } else { byte };
            }
        }
        if let Ok((site, _)) = import(name, &bytes, |_| Some(image.clone())) {
            drop(site.compile(&CompileOptions::default()));
        }
    }
}
