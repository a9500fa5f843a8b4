//! What is written reads back, says what it lost, and is refused where a reader would refuse it.
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "fixtures of tests")]

mod drawn;

use std::collections::BTreeSet;

use drawn::FULL;
use proptest::prelude::*;
use sheepdog_map::{
    MapError, Site,
    export::{ExportError, ExportFile, ExportOptions, ExportReport, Format, export},
    import::import,
    model::{
        Door, Georeference, Lane, Level, Lift, Orientation, Role, Room, Station, StationKind, Waypoint, Zone,
        ZoneKind,
    },
};

fn full() -> Site {
    Site::from_toml(FULL).unwrap_or_else(|error| panic!("{error}"))
}

/// A name that has a format for each.
fn name(format: Format) -> &'static str {
    match format {
        Format::Toml => "x.toml",
        Format::Json => "x.json",
        Format::NavGraph => "x.nav.yaml",
        Format::Lif => "x.lif.json",
        Format::Nav2 => "x.nav2.geojson",
        Format::MapServer => "x.map.yaml",
        Format::GeoJson => "x.site.geojson",
        Format::ZoneSet => "x.zones.json",
        other => panic!("{other}"),
    }
}

fn write(site: &Site, format: Format) -> Result<(Vec<ExportFile>, ExportReport), ExportError> {
    export(site, format, &ExportOptions { resolution_m: 0.1, ..ExportOptions::named(name(format)) })
}

fn read(file: &ExportFile, all: &[ExportFile]) -> Site {
    let beside = |name: &str| all.iter().find(|other| other.name == name).map(|file| file.bytes.clone());
    let text = || String::from_utf8_lossy(&file.bytes).into_owned();
    import(&file.name, &file.bytes, beside).unwrap_or_else(|error| panic!("{error}\n{}", text())).0
}

fn lost(report: &ExportReport, path: &str) -> usize {
    report.lost.iter().find(|lost| lost.path == path).map_or(0, |lost| lost.values)
}

/// Names that mean something to a format, each once.
fn names() -> impl Strategy<Value = Vec<String>> {
    let words = vec![
        "a",
        "7",
        "07",
        "18446744073709551616",
        "\"",
        "'",
        "\\",
        "\n\r\t",
        "a.b",
        "[x]",
        "#",
        "\u{0}",
        "\u{feff}",
        "é̈",
        "nan",
        "~",
        "null",
        "true",
        "1e5",
        "- x",
        "a: b",
        "{}",
        "&a",
        "*a",
        "!t",
        "%",
        "@",
        "`",
        " ",
        "L1_v0",
        "L1_v2",
        "\u{7f}\u{85}",
        "\u{2028}",
        "<&>",
        "\u{ffff}",
        "x > y",
    ];
    Just(words).prop_shuffle().prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

fn metres() -> impl Strategy<Value = f64> {
    prop_oneof![
        -0.9..0.9_f64,
        prop::sample::select(vec![0.0, -0.0, 0.1, 1.0 / 3.0, 5e-324, 1e-7, 0.123_456_789_012_345_68]),
    ]
}

type Way = (f64, f64, Option<f64>, Vec<Role>, u8);
type Link = (usize, usize, bool, Option<f64>, u8, Option<bool>);

fn way() -> impl Strategy<Value = Way> {
    let roles = vec![Role::Charger, Role::Parking, Role::Holding, Role::Passthrough];
    (metres(), metres(), prop::option::of(-9.0..9.0_f64), prop::sample::subsequence(roles, 0..3), 0..9_u8)
}

/// Sound sites of two levels and a lift, with names of all kinds.
fn sites() -> impl Strategy<Value = Site> {
    let link = (
        0..12_usize,
        0..12_usize,
        any::<bool>(),
        prop::option::of(0.1..3.0_f64),
        0..6_u8,
        any::<Option<bool>>(),
    );
    let ways = prop::collection::vec(way(), 2..10);
    (names(), ways, prop::collection::vec(link, 1..16), any::<[bool; 3]>())
        .prop_map(|(names, ways, links, with)| build(&names, &ways, &links, with))
}

fn build(names: &[String], ways: &[Way], links: &[Link], [graphs, classes, outlines]: [bool; 3]) -> Site {
    let mut site = Site::new(names[0].as_str());
    site.levels.push(Level::new("L1", 0.0));
    site.levels.push(Level::new("L2", 4.0));
    let shaft = [100.0, 0.25];
    let mut lift = Lift::new(names[1].as_str(), shaft, 2.0, 2.0);
    for level in ["L1", "L2"] {
        lift = lift.with_door(level, [99.0, -0.5], [99.0, 0.5]);
    }
    site.lifts.push(lift);
    for (number, (x, y, yaw_rad, roles, kind)) in ways.iter().enumerate() {
        let level = if number % 3 == 0 { "L2" } else { "L1" };
        let id = names[number + 2].as_str();
        let number = f64::from(u32::try_from(number).expect("few"));
        let way = Waypoint::new(id, level, number * 3.0 + x, number * number + y);
        let mut roles = roles.clone();
        let kinds = [StationKind::Place, StationKind::Pickup, StationKind::Dropoff, StationKind::Charger];
        if let Some(kind) = kinds.get(usize::from(*kind)) {
            // A place where a charger is reads back as the charger.
            let is_charger = *kind == StationKind::Place && roles.contains(&Role::Charger);
            let kind = if is_charger { &StationKind::Charger } else { kind };
            site.stations.push(Station { kind: *kind, ..Station::new(id, id) });
            if *kind == StationKind::Charger && !roles.contains(&Role::Charger) {
                roles.insert(0, Role::Charger);
            }
        }
        site.waypoints.push(Waypoint { yaw_rad: *yaw_rad, roles, ..way });
    }
    for (level, cabin) in [("L1", "c1"), ("L2", "c2")] {
        site.waypoints.push(Waypoint::new(cabin, level, shaft[0], shaft[1]).in_lift(names[1].as_str()));
    }
    let count = site.waypoints.len();
    for (from, to, bidirectional, speed_limit_mps, kind, way) in links {
        let (from, to) = (&site.waypoints[from % count], &site.waypoints[to % count]);
        if from.level == to.level && from.id != to.id {
            let orientation = match way {
                None => Orientation::Any,
                Some(true) => Orientation::Forward,
                Some(false) => Orientation::Backward,
            };
            site.lanes.push(Lane {
                bidirectional: *bidirectional,
                speed_limit_mps: *speed_limit_mps,
                mutex: if *kind == 1 { vec![names[3].clone()] } else { Vec::new() },
                roadmap: (graphs && *kind < 4).then(|| names[4 + usize::from(kind % 2)].clone()),
                orientation,
                height_m: (*kind == 2).then_some(2.5),
                classes: if classes && *kind < 3 { vec![names[6].clone()] } else { Vec::new() },
                ..Lane::two_way(&from.id, &to.id)
            });
        }
    }
    let door = Door::new(names[7].as_str(), "L1", [1.5, -1.0], [1.5, 2.0]);
    site.doors.push(Door { exit: classes, ..door });
    if outlines {
        // Clockwise, which GeoJSON turns round.
        let ring = vec![[0.0, 0.0], [0.0, 9.0], [9.0, 9.5], [9.0, 0.0]];
        let hole = vec![[2.0, 2.0], [3.0, 2.0], [3.0, 3.0]];
        site.rooms.push(Room { holes: vec![hole], ..Room::new(names[8].as_str(), "L1", ring.clone()) });
        site.zones.push(Zone::new(names[9].as_str(), "L2", ZoneKind::Blocked, ring));
    }
    site
}

/// A direction of a lane, as far as most formats know it.
fn directed(site: &Site, roadmap: Option<&str>) -> Vec<String> {
    let mut all = Vec::new();
    for lane in site.lanes.iter().filter(|lane| lane.roadmap.is_none() || lane.roadmap.as_deref() == roadmap)
    {
        let line = |from: &str, to: &str, orientation| {
            format!("{from:?} {to:?} {:?} {orientation:?} {:?}", lane.speed_limit_mps, lane.mutex)
        };
        all.push(line(&lane.from, &lane.to, lane.orientation));
        if lane.bidirectional {
            let back = match lane.orientation {
                Orientation::Any => Orientation::Any,
                Orientation::Forward => Orientation::Backward,
                Orientation::Backward => Orientation::Forward,
            };
            all.push(line(&lane.to, &lane.from, back));
        }
    }
    all.sort();
    all
}

fn places(site: &Site, is_written: impl Fn(&Waypoint) -> bool) -> Vec<String> {
    let mut all: Vec<String> = site
        .waypoints
        .iter()
        .filter(|way| is_written(way))
        .map(|way| {
            format!("{:?} {:?} {:?} {:?}", way.id, way.level, way.at.map(|metres| metres + 0.0), way.lift)
        })
        .collect();
    all.sort();
    all
}

/// Waypoints on lanes of a roadmap, or on no lane at all.
fn of_roadmap(site: &Site, roadmap: Option<&str>, way: &Waypoint) -> bool {
    let mut own = site.lanes.iter().filter(|lane| lane.from == way.id || lane.to == way.id).peekable();
    own.peek().is_none() || own.any(|lane| lane.roadmap.is_none() || lane.roadmap.as_deref() == roadmap)
}

fn roadmaps(site: &Site) -> Vec<Option<&str>> {
    let names: BTreeSet<&str> = site.lanes.iter().filter_map(|lane| lane.roadmap.as_deref()).collect();
    if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() }
}

/// Reading what was written and writing it again changes nothing more.
fn settles(site: &Site, format: Format) {
    let (files, _) = write(site, format).unwrap_or_else(|error| panic!("{format}: {error}"));
    assert_eq!(files, write(site, format).expect("as before").0, "the same bytes");
    for file in &files {
        let first = read(file, &files);
        if first.lanes.is_empty() {
            continue;
        }
        let (again, _) = write(&first, format).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(read(&again[0], &again), first, "{format}");
    }
}

/// Rings from their first corner counter-clockwise, holes clockwise.
fn turned(mut site: Site) -> Site {
    let turn = |ring: &mut Vec<[f64; 2]>, is_hole: bool| {
        let area: f64 =
            ring.iter().zip(ring.iter().cycle().skip(1)).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum();
        if (area < 0.0) != is_hole {
            ring[1..].reverse();
        }
    };
    for room in &mut site.rooms {
        turn(&mut room.polygon, false);
        room.holes.iter_mut().for_each(|hole| turn(hole, true));
    }
    site.zones.iter_mut().for_each(|zone| turn(&mut zone.polygon, false));
    site.obstacles.iter_mut().for_each(|obstacle| turn(&mut obstacle.polygon, false));
    site
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_navigation_graph_reads_back(site in sites()) {
        let (files, report) = write(&site, Format::NavGraph).unwrap();
        let graphs = roadmaps(&site);
        prop_assert_eq!(files.len(), graphs.len());
        for (file, roadmap) in files.iter().zip(graphs) {
            let back = read(file, &files);
            prop_assert_eq!(&back.name, &site.name);
            let here = |way: &Waypoint| of_roadmap(&site, roadmap, way);
            prop_assert_eq!(places(&back, |_| true), places(&site, here));
            prop_assert_eq!(directed(&back, None), directed(&site, roadmap));
            for way in &back.waypoints {
                let own = site.waypoints.iter().find(|other| other.id == way.id).unwrap();
                let roles = |way: &Waypoint| way.roles.iter().copied().collect::<BTreeSet<_>>();
                prop_assert_eq!(roles(way), roles(own));
            }
            for station in site.stations.iter().filter(|station| {
                back.waypoints.iter().any(|way| way.id == station.waypoint)
            }) {
                prop_assert!(back.stations.contains(station), "{:?}", station);
            }
            prop_assert_eq!((back.lifts[0].at, &back.lifts[0].id), (site.lifts[0].at, &site.lifts[0].id));
            prop_assert_eq!((back.doors[0].from, &back.doors[0].id), (site.doors[0].from, &site.doors[0].id));
        }
        let yaws = site.waypoints.iter().filter(|way| way.yaw_rad.is_some()).count();
        prop_assert_eq!(lost(&report, "waypoint.yaw_rad"), yaws);
        settles(&site, Format::NavGraph);
    }

    #[test]
    fn a_route_graph_reads_back(site in sites()) {
        prop_assume!(!site.lanes.is_empty());
        let (files, _) = write(&site, Format::Nav2).unwrap();
        let mut parts = Vec::new();
        for roadmap in roadmaps(&site) {
            for level in ["L1", "L2"] {
                let here = |way: &Waypoint| way.level == level && of_roadmap(&site, roadmap, way);
                let mut part = Site { lanes: Vec::new(), waypoints: Vec::new(), ..site.clone() };
                part.waypoints.extend(site.waypoints.iter().filter(|way| here(way)).cloned());
                part.lanes = site.lanes.iter().filter(|lane| {
                    part.waypoints.iter().any(|way| way.id == lane.from)
                        && (lane.roadmap.is_none() || lane.roadmap.as_deref() == roadmap)
                }).cloned().map(|lane| Lane { orientation: Orientation::Any, mutex: Vec::new(), roadmap: None, ..lane }).collect();
                part.waypoints.iter_mut().for_each(|way| {
                    way.level = "map".to_owned();
                    way.lift = None;
                });
                parts.extend((!part.lanes.is_empty()).then_some(part));
            }
        }
        prop_assert_eq!(parts.len(), files.len());
        for (file, part) in files.iter().zip(&parts) {
            let back = read(file, &files);
            prop_assert_eq!(places(&back, |_| true), places(part, |_| true));
            prop_assert_eq!(directed(&back, None), directed(part, None));
        }
        settles(&site, Format::Nav2);
    }

    #[test]
    fn a_layout_reads_back(site in sites()) {
        let (files, _) = write(&site, Format::Lif).unwrap();
        for (file, roadmap) in files.iter().zip(roadmaps(&site)) {
            let back = read(file, &files);
            let mut flat = site.clone();
            flat.waypoints.iter_mut().for_each(|way| way.lift = None);
            prop_assert_eq!(places(&back, |_| true), places(&flat, |way| of_roadmap(&site, roadmap, way)));
            for way in &back.waypoints {
                let own = site.waypoints.iter().find(|other| other.id == way.id).unwrap().yaw_rad;
                let off = own.zip(way.yaw_rad).map_or(0.0, |(a, b)| libm::sin((a - b) / 2.0).abs());
                prop_assert!(own.is_some() == way.yaw_rad.is_some() && off < 1e-12, "{:?} {:?}", own, way.yaw_rad);
            }
            let all: BTreeSet<&String> = back.lanes.iter().flat_map(|lane| &lane.classes).collect();
            let mut expected = Vec::new();
            for lane in site.lanes.iter().filter(|lane| lane.roadmap.is_none() || lane.roadmap.as_deref() == roadmap) {
                let classes: Vec<&String> = if lane.classes.is_empty() { all.iter().copied().collect() } else { lane.classes.iter().collect() };
                expected.extend(classes.into_iter().map(|class| {
                    Lane { classes: vec![class.clone()], mutex: Vec::new(), roadmap: None, ..lane.clone() }
                }));
            }
            prop_assert_eq!(directed(&back, None), directed(&Site { lanes: expected, ..Site::new("") }, None));
            let heights = |site: &Site| site.lanes.iter().filter(|lane| lane.height_m.is_some()).count();
            let own = |lane: &&Lane| lane.roadmap.is_none() || lane.roadmap.as_deref() == roadmap;
            let is_low = site.lanes.iter().filter(own).any(|lane| lane.height_m.is_some());
            prop_assert_eq!(heights(&back) == 0, !is_low);
        }
        settles(&site, Format::Lif);
    }

    #[test]
    fn our_own_formats_read_back(site in sites(), place in prop::option::of((-179.0..179.0_f64, -80.0..80.0_f64, -3.0..3.0_f64))) {
        let (files, report) = write(&site, Format::GeoJson).unwrap();
        prop_assert_eq!(report, ExportReport::default());
        prop_assert_eq!(&read(&files[0], &files), &turned(site.clone()));
        let (files, _) = write(&site, Format::Toml).unwrap();
        prop_assert_eq!(&Site::from_toml(std::str::from_utf8(&files[0].bytes).unwrap()).unwrap(), &site);
        let (files, _) = write(&site, Format::Json).unwrap();
        prop_assert_eq!(&Site::from_json(std::str::from_utf8(&files[0].bytes).unwrap()).unwrap(), &site);
        let Some((longitude_deg, latitude_deg, yaw_rad)) = place else { return Ok(()) };
        let on_earth = Site { georeference: Some(Georeference { latitude_deg, longitude_deg, yaw_rad }), ..site };
        let (files, report) = write(&on_earth, Format::GeoJson).unwrap();
        prop_assert_eq!(report, ExportReport::default());
        let back = read(&files[0], &files);
        prop_assert_eq!(back.georeference, on_earth.georeference);
        prop_assert_eq!(&back.lanes, &on_earth.lanes);
        for (a, b) in back.waypoints.iter().zip(&on_earth.waypoints) {
            let off = libm::hypot(a.at[0] - b.at[0], a.at[1] - b.at[1]);
            prop_assert!(a.id == b.id && off < 1e-8, "{} {}", a.id, off);
        }
    }
}

#[test]
fn a_site_with_everything_survives_geojson() {
    let site = full();
    site.compile(&sheepdog_map::CompileOptions::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let (files, report) = write(&site, Format::GeoJson).unwrap();
    assert_eq!((report, read(&files[0], &files)), (ExportReport::default(), turned(site.clone())));
    let text = String::from_utf8(files[0].bytes.clone()).unwrap();
    for (from, to, expected) in [
        ("\"element\": \"wall\"", "\"element\": \"fence\"", "unknown value \"fence\""),
        ("\"kind\": \"glass\"", "\"colour\": \"red\"", "unknown field `colour`"),
        ("\"coordinates\": \"metres\"", "\"coordinates\": \"wgs84\"", "missing georeference"),
        ("\"schema\": 2", "\"schema\": 3", "it is newer"),
        (
            "\"id\": \"home\", \"level\": \"L1\"",
            "\"at\": [1, 2], \"id\": \"home\", \"level\": \"L1\"",
            "duplicate field",
        ),
        ("\"type\": \"Point\"", "\"type\": \"Polygon\"", "unknown value \"Polygon\""),
        ("\"elevation_m\": 0.5", "\"elevation_m\": 1e999", "expected a value of JSON"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = import("x.site.geojson", text.replacen(from, to, 1).as_bytes(), |_| None).expect_err(to);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[cfg(feature = "ros")]
#[test]
fn a_raster_of_one_level_says_that_it_lacks_the_lifts_of_others() {
    let mut site = Site::new("x");
    for (level, elevation_m) in [("L1", 0.0), ("L2", 4.0)] {
        site.levels.push(Level::new(level, elevation_m));
        site.rooms.push(Room::rectangle(format!("hall {level}"), level, 0.0, 0.0, 8.0, 6.0).walled());
    }
    let lift = |id: &str, x: f64| Lift::new(id, [x, 7.0], 1.6, 2.0);
    let ends = |x: f64| ([x - 0.5, 6.0], [x + 0.5, 6.0]);
    let (from, to) = ends(2.0);
    site.lifts.push(lift("both", 2.0).with_door("L1", from, to).with_door("L2", from, to));
    let (from, to) = ends(6.0);
    site.lifts.push(lift("upper", 6.0).with_door("L2", from, to));
    let write = |level| {
        let options = ExportOptions { level, ..ExportOptions::named("x.map.yaml") };
        export(&site, Format::MapServer, &options).expect("it is written").1
    };
    let report = write(Some("L1"));
    for (path, values) in [("lift.door.level", 1), ("lift.door.from", 2), ("lift.door.to", 2), ("lift.id", 1)]
    {
        assert_eq!(lost(&report, path), values, "{path} {:?}", report.lost);
    }
    // Its name, its place, its size and its door.
    assert_eq!(lost(&report, "lift"), 1 + 2 + 2 + 5, "{:?}", report.lost);
    let report = write(None);
    assert_eq!((lost(&report, "lift"), lost(&report, "lift.id")), (0, 2), "{:?}", report.lost);
}

#[test]
fn a_site_becomes_a_file_for_each_part() {
    let names = |format| -> Vec<String> {
        write(&full(), format).expect("it is written").0.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(names(Format::NavGraph), ["x.beds.nav.yaml", "x.carts.nav.yaml"]);
    assert_eq!(names(Format::Lif), ["x.beds.lif.json", "x.carts.lif.json"]);
    assert_eq!(
        names(Format::Nav2),
        ["x.beds.L1.nav2.geojson", "x.beds.L_2.nav2.geojson", "x.carts.L1.nav2.geojson"]
    );
    assert_eq!(names(Format::ZoneSet), ["x.L1.zones.json", "x.L_2.zones.json"]);
    assert_eq!(
        names(Format::MapServer),
        [
            "x.L1.map.yaml",
            "x.L1.pgm",
            "x.L1_keepout.yaml",
            "x.L1_keepout.pgm",
            "x.L1_speed.yaml",
            "x.L1_speed.pgm",
            "x.L_2.map.yaml",
            "x.L_2.pgm",
            "x.L_2_keepout.yaml",
            "x.L_2_keepout.pgm",
        ]
    );
    let mut twins = full();
    twins.levels.push(Level::new("L/2", 9.0));
    twins.zones.push(Zone::rectangle("z", "L/2", ZoneKind::Blocked, [0.0, 0.0], [1.0, 1.0]));
    let names: Vec<_> = write(&twins, Format::ZoneSet).unwrap().0.into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["x.L1.zones.json", "x.L_2.zones.json", "x.L_2-2.zones.json"]);
    twins.levels[2].id = "L1_keepout".to_owned();
    twins.zones.pop();
    twins.rooms.push(Room::rectangle("r", "L1_keepout", 0.0, 0.0, 1.0, 1.0));
    let refused = write(&twins, Format::MapServer).expect_err("two names");
    assert_eq!(refused, ExportError::SameName { name: "x.L1_keepout.pgm".to_owned() });
}

#[test]
fn a_navigation_graph_is_as_its_reader_wants_it() {
    let options = ExportOptions { roadmap: Some("carts"), ..ExportOptions::named("0.yaml") };
    let (files, report) = export(&full(), Format::NavGraph, &options).unwrap();
    let text = String::from_utf8(files[0].bytes.clone()).unwrap();
    assert_eq!(files[0].name, "0.yaml");
    for line in [
        "building_name: \"clinic \\\"north\\\"\"\n",
        "  \"L1\":\n    vertices:\n      - [2.0, 2.0, {name: \"home\", is_charger: true, is_parking_spot: true}]\n",
        "{name: \"in\", is_holding_point: true, is_passthrough_point: true, pickup_dispenser: \"till\", dropoff_ingestor: \"bin\"}",
        "      - [0, 1, {orientation_constraint: forward, speed_limit: 0.7, mutex: \"narrow\"}]\n",
        "      - [1, 0, {orientation_constraint: backward, speed_limit: 0.7, mutex: \"narrow\"}]\n",
        "      - [1, 2, {orientation_constraint: backward, door_name: \"d\"}]\n",
        "  \"d\": {endpoints: [[5.0, 5.0], [6.0, 5.0]], map: \"L1\"}\n",
        "lifts:\n  \"lift\": {position: [18.0, 2.5, 0.1], dims: [2.0, 1.8]}\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for (path, values) in
        [("station", 2), ("lane.height_m", 1), ("lift.door.from", 4), ("door.exit", 1), ("roadmap", 2)]
    {
        assert_eq!(lost(&report, path), values, "{path} {:?}", report.lost);
    }
    assert!(report.warnings.iter().any(|warning| warning.message.contains("makes them places")));
}

#[test]
fn a_zone_set_says_what_the_standard_asks() {
    let (files, report) = write(&full(), Format::ZoneSet).unwrap();
    let set: serde_json::Value = serde_json::from_slice(&files[0].bytes).unwrap();
    let zone = |id: &str| {
        let zones = set["zoneSet"]["zones"].as_array().expect("zones");
        zones.iter().find(|zone| zone["zoneId"] == id).cloned().unwrap_or_else(|| panic!("{id}"))
    };
    assert_eq!(
        (&zone("slow")["zoneType"], &zone("slow")["maximumSpeed"]),
        (&"SPEED_LIMIT".into(), &0.4.into())
    );
    assert_eq!(zone("better")["priorityFactor"], 0.25);
    assert_eq!(
        (&zone("one way")["direction"], &zone("one way")["directedLimitation"]),
        (&0.5.into(), &"STRICT".into())
    );
    assert_eq!(zone("leave")["releaseLossBehavior"], "EVACUATE");
    assert_eq!(zone("ring")["exitActions"][1]["actionType"], "off");
    assert_eq!(zone("closed")["vertices"][2]["x"], 16.0);
    let other: serde_json::Value = serde_json::from_slice(&files[1].bytes).unwrap();
    assert_eq!(other["zoneSet"]["zones"][0]["zoneType"], "BLOCKED");
    assert_eq!(other["zoneSet"]["mapId"], "L 2");
    // The lamp's room stays behind as a whole, of the others the times and classes.
    assert!(lost(&report, "zone") == 12 && lost(&report, "zone.schedule.from") == 1, "{:?}", report.lost);
    assert!(report.warnings.iter().any(|warning| warning.message.contains("for people alone")));
    let mut faster = full();
    faster.zones[1].speed_limit_mps = Some(0.5);
    let id = |files: &[ExportFile]| {
        String::from_utf8_lossy(&files[0].bytes).split("zoneSetId").nth(1).map(str::to_owned)
    };
    assert_ne!(id(&write(&faster, Format::ZoneSet).unwrap().0), id(&files), "another set has another id");
}

#[test]
fn what_a_reader_would_refuse_is_not_written() {
    let with = |change: &dyn Fn(&mut Site), format: Format| {
        let mut site = full();
        change(&mut site);
        write(&site, format).expect_err("it must be refused")
    };
    let site_error = |error: ExportError| {
        let ExportError::Site(errors) = error else { panic!("{error}") };
        errors.into_iter().next().expect("an error")
    };
    let double = |site: &mut Site| site.waypoints[1].id = "home".to_owned();
    assert!(matches!(site_error(with(&double, Format::NavGraph)), MapError::DuplicateName { .. }));
    let apart = |site: &mut Site| {
        site.waypoints[5].at[0] += 0.2;
    };
    assert!(matches!(site_error(with(&apart, Format::NavGraph)), MapError::LiftWaypointsApart { .. }));
    let stray = |site: &mut Site| site.waypoints[4].lift = Some("none".to_owned());
    assert!(matches!(site_error(with(&stray, Format::NavGraph)), MapError::UnknownName { .. }));
    let across = |site: &mut Site| site.lanes[0].to = "up".to_owned();
    assert!(matches!(site_error(with(&across, Format::Lif)), MapError::LaneAcrossLevels { .. }));
    for format in Format::ALL {
        let nan = |site: &mut Site| site.waypoints[0].at[0] = f64::NAN;
        let error = with(&nan, *format);
        assert!(
            matches!(error, ExportError::Unwritable(_))
                && error.to_string().contains("`waypoint[0].at[0]` is nan"),
            "{error}"
        );
    }
    let empty = |site: &mut Site| *site = Site { levels: vec![Level::new("L1", 0.0)], ..Site::new("empty") };
    for format in [Format::NavGraph, Format::Lif, Format::Nav2, Format::MapServer, Format::ZoneSet] {
        assert!(matches!(with(&empty, format), ExportError::Nothing { .. }), "{format}");
    }
    let crawl = |site: &mut Site| site.zones[1].speed_limit_mps = Some(0.009);
    assert!(matches!(
        with(&crawl, Format::MapServer),
        ExportError::OutOfRange { field: "speed_limit_mps", .. }
    ));
    let far = |site: &mut Site| {
        site.georeference = Some(Georeference { latitude_deg: 50.0, longitude_deg: 8.0, yaw_rad: 0.0 });
        site.waypoints[7].at = [900_000.0, 0.0];
    };
    assert!(matches!(with(&far, Format::GeoJson), ExportError::OutOfRange { .. }));
    let named = |format, options: &ExportOptions<'_>| {
        export(&full(), format, options).expect_err("refused").to_string()
    };
    let base = ExportOptions::named("x");
    assert_eq!(
        named(Format::Lif, &ExportOptions { roadmap: Some("vans"), ..base }),
        "there is no roadmap \"vans\"; there are: beds, carts"
    );
    assert_eq!(
        named(Format::GeoJson, &ExportOptions { level: Some("L9"), ..base }),
        "there is no level \"L9\"; there are: L1, L 2"
    );
    assert!(named(Format::Toml, &ExportOptions { level: Some("L1"), ..base }).contains("whole site"));
    for resolution_m in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        assert!(
            named(Format::MapServer, &ExportOptions { resolution_m, ..base }).contains("resolution_m is")
        );
    }
    let fine = named(Format::MapServer, &ExportOptions { resolution_m: 0.001, ..base });
    assert!(fine.contains("cells of 0.001 m, at most 16777216"), "{fine}");
}

fn leaves(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{path}/{index}"), out));
        }
        serde_json::Value::Object(entries) => {
            entries.iter().for_each(|(key, item)| leaves(item, &format!("{path}/{key}"), out));
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => out.push(path.to_owned()),
    }
}

/// Take any value away from the site: the files or the report change.
#[test]
fn nothing_of_a_site_is_lost_silently() {
    let whole = serde_json::to_value(full()).expect("JSON");
    let mut all = Vec::new();
    leaves(&whole, "", &mut all);
    for format in Format::ALL {
        let options = ExportOptions { resolution_m: 0.5, ..ExportOptions::named(name(*format)) };
        let before = export(&full(), *format, &options).expect("it is written");
        let mut told = 0;
        for leaf in &all {
            let mut value = whole.clone();
            let (parent, key) = leaf.rsplit_once('/').expect("a path");
            match value.pointer_mut(parent) {
                Some(serde_json::Value::Array(items)) => drop(items.remove(key.parse().expect("an index"))),
                Some(serde_json::Value::Object(entries)) => drop(entries.remove(key)),
                _ => panic!("{leaf}"),
            }
            let Ok(site) = serde_json::from_value::<Site>(value) else { continue };
            if let Ok(after) = export(&site, *format, &options)
                && site != full()
            {
                // Half a metre of raster does not show every centimetre.
                let is_fine = *format == Format::MapServer && leaf.ends_with("thickness_m");
                assert!(after != before || is_fine, "{format}: {leaf}");
                told += 1;
            }
        }
        assert!(50 < told, "{format}: {told}");
    }
}

#[test]
fn names_tell_formats() {
    for (name, expected) in [
        ("a.toml", vec![Format::Toml]),
        ("A.TOML", vec![Format::Toml]),
        ("0.yaml", vec![Format::NavGraph]),
        ("a.nav.yml", vec![Format::NavGraph]),
        ("a.map.yaml", vec![Format::MapServer]),
        ("a.pgm", vec![Format::MapServer]),
        ("a.yaml", vec![Format::NavGraph, Format::MapServer]),
        ("a.zones.json", vec![Format::ZoneSet]),
        ("a.site.geojson", vec![Format::GeoJson]),
        ("a", vec![]),
        (".yaml", vec![Format::NavGraph, Format::MapServer]),
    ] {
        assert_eq!(Format::of_name(name), expected, "{name}");
    }
    for format in Format::ALL {
        assert_eq!(
            (Format::of_name(name(*format)), Format::from_word(format.word())),
            (vec![*format], Some(*format))
        );
    }
}

/// Width, height and cells of an image, the lowest row first.
fn cells(file: &ExportFile) -> (usize, usize, Vec<u8>) {
    let text = String::from_utf8_lossy(&file.bytes[..32.min(file.bytes.len())]).into_owned();
    let words: Vec<&str> = text.split_ascii_whitespace().take(4).collect();
    let [kind, width, height, white] = words.as_slice() else { panic!("{text}") };
    let (width, height): (usize, usize) =
        (width.parse().expect("a width"), height.parse().expect("a height"));
    assert_eq!((*kind, *white), ("P5", "255"));
    let pixels = &file.bytes[file.bytes.len() - width * height..];
    (width, height, pixels.chunks(width).rev().flatten().copied().collect())
}

/// Every cell says what the geometry says of its middle, except within half a diagonal of an edge, where it is not free.
#[test]
fn a_raster_agrees_with_the_site() {
    let hospital = include_str!("../../../sites/hospital.toml");
    let hospital = Site::from_toml(hospital).unwrap_or_else(|error| panic!("{error}"));
    for (site, resolution_m) in [(full(), 0.07), (hospital, 0.1)] {
        let options = ExportOptions { resolution_m, ..ExportOptions::named("m.map.yaml") };
        let (files, _) = export(&site, Format::MapServer, &options).unwrap();
        let compiled = site.compile(&sheepdog_map::CompileOptions::default()).expect("it compiles");
        for level in compiled.levels() {
            let part = level.name.replace(' ', "_");
            let file =
                |name: &str| files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("{name}"));
            let yaml = file(&format!("m.{part}.map.yaml"));
            let (width, height, greys) = cells(file(&format!("m.{part}.pgm")));
            let meta =
                import(&yaml.name, &yaml.bytes, |name| Some(file(name).bytes.clone())).expect("it is read");
            let [x, y] = meta.1.levels[0].translation_m;
            let back = meta.0.compile(&sheepdog_map::CompileOptions::default()).expect("it compiles");
            let half = resolution_m * std::f64::consts::FRAC_1_SQRT_2;
            let blocked = |p: nalgebra::Point2<f64>, near: f64| {
                site.obstacles.iter().filter(|obstacle| obstacle.level == level.name).any(|obstacle| {
                    // Obstacles of these sites are boxes.
                    let (low, high) = (obstacle.polygon[0], obstacle.polygon[2]);
                    let off = |v: f64, low: f64, high: f64| (low - v).max(v - high).max(0.0);
                    libm::hypot(off(p.x, low[0], high[0]), off(p.y, low[1], high[1])) <= near
                })
            };
            let mut counts = [0_usize; 3];
            for (index, grey) in greys.iter().enumerate() {
                let cell = |number: usize| f64::from(u32::try_from(number).expect("a cell")) + 0.5;
                let p = nalgebra::Point2::new(
                    x + cell(index % width) * resolution_m,
                    y + cell(index / width) * resolution_m,
                );
                let wall_m = level.geometry.wall_clearance(p);
                match grey {
                    254 => {
                        counts[0] += 1;
                        assert!(level.geometry.disc_free(p, half - 1e-6) && !blocked(p, half - 1e-6), "{p}");
                    }
                    0 => {
                        counts[1] += 1;
                        assert!(wall_m <= half + 1e-6 || blocked(p, half + 1e-6), "{p}");
                    }
                    205 => {
                        counts[2] += 1;
                        assert!(half - 1e-6 < wall_m && !blocked(p, half - 1e-6), "{p}");
                        assert!(!level.geometry.disc_free(p, half + 1e-6), "{p}");
                    }
                    other => panic!("{other}"),
                }
                assert_eq!(back.levels()[0].geometry.inside(p), *grey == 254, "{p}");
            }
            assert!(counts.iter().all(|count| height < *count), "{counts:?}");
        }
    }
}

#[test]
fn masks_hold_the_zones() {
    let (files, report) = write(&full(), Format::MapServer).unwrap();
    let back = |name: &str| read(files.iter().find(|file| file.name == name).expect(name), &files);
    let box_of = |ring: &[[f64; 2]]| {
        let axis = |axis: usize| {
            let values = || ring.iter().map(|corner| corner[axis]);
            [values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)]
        };
        [axis(0), axis(1)]
    };
    let covers = |zone: &Zone, expected: [[f64; 2]; 2]| {
        let found = box_of(&zone.polygon);
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                found[0] <= expected[0] + 1e-9 && expected[1] <= found[1] + 1e-9,
                "{found:?} {expected:?}"
            );
            assert!(expected[0] - 0.13 < found[0] && found[1] < expected[1] + 0.13, "{found:?} {expected:?}");
        }
    };
    let keepout = back("x.L1_keepout.yaml");
    assert_eq!((keepout.zones.len(), keepout.zones[0].kind), (1, ZoneKind::Blocked));
    covers(&keepout.zones[0], [[15.0, 16.0], [6.0, 7.0]]);
    let speed = back("x.L1_speed.yaml");
    assert_eq!((speed.zones.len(), speed.zones[0].speed_limit_mps), (1, Some(0.4)));
    covers(&speed.zones[0], [[0.0, 4.0], [0.0, 4.0]]);
    covers(&back("x.L_2_keepout.yaml").zones[0], [[0.0, 1.0], [0.0, 1.0]]);
    assert!(
        report.warnings.iter().any(|warning| warning.message.contains("base 1 m/s and multiplier -0.01 m/s"))
    );
    // Never faster than the zone says.
    for limit in [0.011, 0.3333, 0.999, 1.0, 2.5, 7.77] {
        let mut site = full();
        site.zones[1].speed_limit_mps = Some(limit);
        let Ok((files, _)) = write(&site, Format::MapServer) else { panic!("{limit}") };
        let (.., greys) = cells(files.iter().find(|file| file.name == "x.L1_speed.pgm").expect("a mask"));
        let grey = greys.iter().copied().min().expect("cells");
        let base = libm::floor(limit) + 1.0;
        let value = libm::round(100.0 * f64::from(255 - grey) / 255.0);
        let read = base - base / 100.0 * value;
        assert!(0.0 < read && read <= limit + 1e-9 && limit - read < base / 100.0 + 1e-9, "{limit} {read}");
    }
}
