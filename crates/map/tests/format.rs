//! The TOML form: round trips, precise errors, no panic on any bytes.
#![expect(clippy::expect_used, reason = "fixtures of tests")]

use proptest::prelude::*;
use sheepdog_map::{
    FormatError, Position, Site,
    model::{
        Building, Connector, ConnectorEnd, ConnectorKind, Door, DoorControl, DoorKind, Georeference, Lane,
        Level, Lift, LiftDoor, Obstacle, Role, Room, RoomKind, SCHEMA, Sensor, SensorKind, Station,
        StationKind, Swing, Wall, Waypoint, Zone, ZoneKind,
    },
};

const HUT: &str = "schema = 1
name = \"hut\"

[[level]]
id = \"L1\"
elevation_m = 0

[[waypoint]]
id = \"a\"
level = \"L1\"
at = [1.0, 2.5]
roles = [\"charger\"]
";

fn refused(text: &str) -> FormatError {
    Site::from_toml(text).expect_err("it must be refused")
}

#[test]
fn a_site_is_read() {
    let site = Site::from_toml(HUT).unwrap();
    assert_eq!((site.schema, site.name.as_str()), (SCHEMA, "hut"));
    assert_eq!(site.waypoints.first().unwrap().roles, [Role::Charger]);
    assert_eq!(site.levels, [Level::new("L1", 0.0)]);
}

#[test]
fn errors_name_place_field_and_value() {
    let cases = [
        (
            "elevation_m = 0",
            "elevation = 0",
            "line 6, column 1: unknown field `elevation`, expected one of `id`, `elevation_m`",
        ),
        (
            "elevation_m = 0",
            "elevation_m = \"high\"",
            "line 6, column 15: invalid type: string \"high\", expected f64",
        ),
        ("at = [1.0, 2.5]", "at = [1.0]", "line 11, column 6: invalid length 1"),
        (
            "at = [1.0, 2.5]",
            "at = [1.0, nan]",
            "line 11, column 12: `waypoint[0].at[1]` is nan, which is not a finite number",
        ),
        ("at = [1.0, 2.5]", "at = [-inf, 2.5]", "line 11, column 7: `waypoint[0].at[0]` is -inf"),
        ("at = [1.0, 2.5]", "at = [1e999, 2.5]", "line 11, column 7: `waypoint[0].at[0]` is 1e999"),
        ("at = [1.0, 2.5]\n", "", "line 8, column 1: missing field `at` (at `waypoint[0]`)"),
        ("\"charger\"", "\"sofa\"", "unknown variant `sofa`, expected one of `charger`"),
        ("name = \"hut\"", "name = \"hut", "line 2, column"),
        ("name = \"hut\"", "name = \"hut\"\nname = \"b\"", "line 3, column 1: duplicate key"),
        (
            "schema = 1",
            "schema = 3",
            "line 1, column 10: `schema` is 3, this version reads 1 to 2: it is newer",
        ),
        (
            "schema = 1",
            "schema = 0",
            "line 1, column 10: `schema` is 0, this version reads 1 to 2: there has never been",
        ),
        (
            "schema = 1",
            "schema = -9999999999999999999999",
            "`schema` is -9999999999999999999999, this version reads 1 to 2: there has never been",
        ),
        ("schema = 1", "schema = \"1\"", "line 1, column 10: `schema` must be a number"),
        ("schema = 1", "", "line 1, column 1: missing field `schema`"),
    ];
    for (from, to, expected) in cases {
        assert!(HUT.contains(from));
        let message = refused(&HUT.replacen(from, to, 1)).to_string();
        assert!(message.contains(expected), "{from} -> {to}:\n{message}\n{expected}");
        assert!(!message.contains('\n'), "{message}");
    }
}

/// One fault for each element, numbers that are not finite beside the others, and what stands after them all.
#[test]
fn every_element_with_a_fault_is_named() {
    let bad = HUT
        .replace("elevation_m = 0", "elevation = 0")
        .replace("2.5]", "nan]")
        .replace("charger", "sofa")
        + "[[waypoint]]\nid = \"b\"\nlevel = \"L1\"\nat = [1.0, 2.0]\n[[waypoint]]\nid = 7\n[[hut]]\nid = 1\n";
    let lines: Vec<String> = refused(&bad).to_string().lines().map(str::to_owned).collect();
    let expected = [
        "line 6, column 1: unknown field `elevation`",
        "line 11, column 12: `waypoint[0].at[1]` is nan",
        "line 12, column 10: unknown variant `sofa`",
        "line 18, column 6: invalid type: integer `7`, expected a string (at `waypoint[2].id`)",
        "line 19, column 3: unknown field `hut`",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
    let many = HUT.to_owned() + &"[[zone]]\nid = 1\n".repeat(100);
    assert_eq!(refused(&many).faults.len(), 20);

    let json = r#"{"schema": 2, "name": "hut",
        "level": [{"id": "L1", "elevation": 0}, {"id": "L2", "elevation_m": 3}, {"id": 3, "elevation_m": 3}],
        "waypoint": [{"id": "a", "level": "L1", "at": [1]}]}"#;
    let lines = Site::from_json(json).unwrap_err().to_string();
    let lines: Vec<&str> = lines.lines().collect();
    let [first, second, third] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(first.starts_with("line 2, column 42: unknown field `elevation`"), "{first}");
    assert!(second.contains("integer `3`, expected a string (at `level[2]`)"), "{second}");
    assert!(third.contains("(at `waypoint[0]`)"), "{third}");

    // The reader goes through the tables in the order of the text; nothing is told twice or left out for that.
    let json = r#"{"schema": 2, "name": "hut", "room": [{"id": 1}], "door": [{"id": 2}]}"#;
    let lines = Site::from_json(json).unwrap_err().to_string();
    let lines: Vec<&str> = lines.lines().collect();
    let [first, second] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(first.starts_with("line 1, column 46: invalid type: integer `1`"), "{first}");
    assert!(second.contains("integer `2`, expected a string (at `door[0]`)"), "{second}");
}

/// A newer file fails for its schema, not for a field that this version does not know.
#[test]
fn the_schema_is_judged_before_anything_else() {
    let message = refused("unknown = 1\nschema = 7\n[[level]]\nid = inf\n").to_string();
    assert!(message.starts_with("line 2, column 10: `schema` is 7"), "{message}");
}

#[test]
fn columns_count_characters() {
    let error = refused("schema = 1\nname = \"äöü\" x\n");
    assert_eq!(error.faults[0].position, Some(Position { line: 2, column: 14 }));
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let mut site = Site::from_toml(HUT).unwrap();
    site.schema = 3;
    assert!(site.to_toml().unwrap_err().to_string().contains("`schema` is 3"));
    site.schema = SCHEMA;
    site.levels.first_mut().unwrap().elevation_m = f64::NAN;
    let error = site.to_toml().unwrap_err();
    assert_eq!(error.faults[0].position, None);
    assert_eq!(error.to_string(), "`level[0].elevation_m` is nan, which is not a finite number");
}

#[test]
fn the_deepest_nesting_is_refused_without_a_crash() {
    for open in ["[", "{a="] {
        drop(refused(&format!("schema = 1\nname = {}", open.repeat(100_000))));
    }
}

/// Names with all that TOML, XML and people do to names.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,3}",
        any::<String>(),
        prop::sample::select(vec![
            "\"", "'''", "\\", "\n\r\t", "a.b", "[x]", "#", "\u{0}", "\u{feff}", "é̈", "nan", "= 1"
        ])
        .prop_map(str::to_owned),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        -100.0..100.0_f64,
        prop::sample::select(vec![
            0.0,
            -0.0,
            1e308,
            -1e308,
            f64::MIN_POSITIVE,
            5e-324,
            0.1,
            1.0 / 3.0,
            1e21,
            9_007_199_254_740_993.0
        ]),
    ]
}

fn point() -> impl Strategy<Value = [f64; 2]> {
    [number(), number()]
}

fn some<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(strategy, 0..3)
}

fn places() -> impl Strategy<Value = Site> {
    let levels = some((name(), number()).prop_map(|(id, elevation_m)| Level::new(id, elevation_m)));
    let kinds = prop::sample::select(vec![RoomKind::Room, RoomKind::Ward, RoomKind::Floor]);
    let rooms = some((name(), name(), kinds, some(point()), some(some(point())), any::<bool>()).prop_map(
        |(id, level, kind, polygon, holes, walled)| Room {
            kind,
            holes,
            walled,
            ..Room::new(id, level, polygon)
        },
    ));
    let walls = some(
        (name(), point(), point(), number())
            .prop_map(|(level, from, to, thickness_m)| Wall { thickness_m, ..Wall::new(level, from, to) }),
    );
    let doors =
        some((name(), point(), number(), any::<bool>()).prop_map(|(id, from, opening_s, fire_rated)| Door {
            kind: if fire_rated { DoorKind::DoubleHinged } else { DoorKind::Sliding },
            swing: if fire_rated { Swing::Left } else { Swing::Both },
            opening_s,
            fire_rated,
            exit: fire_rated,
            clear_width_m: fire_rated.then_some(opening_s),
            signed: fire_rated.then_some(true),
            control: if fire_rated { DoorControl::Badge } else { DoorControl::Robot },
            ..Door::new(id.clone(), id, from, [opening_s, 0.5])
        }));
    let lifts = some((name(), point(), number(), some((name(), point(), point()))).prop_map(
        |(id, at, size, doors)| Lift {
            yaw_rad: size,
            door_s: size,
            speed_mps: size,
            payload_kg: Some(size),
            doors: doors.into_iter().map(|(level, from, to)| LiftDoor { level, from, to }).collect(),
            ..Lift::new(id, at, size, size)
        },
    ));
    (name(), levels, rooms, walls, doors, lifts).prop_map(|(name, levels, rooms, walls, doors, lifts)| Site {
        schema: SCHEMA,
        name,
        levels,
        rooms,
        walls,
        doors,
        lifts,
        ..Site::default()
    })
}

fn site() -> impl Strategy<Value = Site> {
    let roles =
        prop::sample::subsequence(vec![Role::Charger, Role::Parking, Role::Holding, Role::Passthrough], 0..4);
    let waypoints = some((name(), name(), point(), roles, prop::option::of(name())).prop_map(
        |(id, level, [x_m, y_m], roles, lift)| Waypoint { roles, lift, ..Waypoint::new(id, level, x_m, y_m) },
    ));
    let lanes =
        some((name(), name(), any::<bool>(), prop::option::of(number()), prop::option::of(name())).prop_map(
            |(from, to, bidirectional, speed_limit_mps, corridor)| Lane {
                bidirectional,
                speed_limit_mps,
                roadmap: corridor.clone(),
                corridor,
                ..Lane::two_way(from, to)
            },
        ));
    let stations =
        some((name(), name()).prop_map(|(id, waypoint)| Station { id, waypoint, kind: StationKind::Pickup }));
    let zone_kinds = prop::sample::select(vec![ZoneKind::Stop, ZoneKind::FireLane, ZoneKind::UvC]);
    let zones =
        some((name(), name(), zone_kinds, some(point()), some(name())).prop_map(
            |(id, level, kind, polygon, doors)| Zone { doors, ..Zone::new(id, level, kind, polygon) },
        ));
    (places(), surroundings(), waypoints, lanes, stations, zones).prop_map(
        |(site, around, waypoints, lanes, stations, zones)| Site {
            georeference: around.georeference,
            buildings: around.buildings,
            connectors: around.connectors,
            obstacles: around.obstacles,
            sensors: around.sensors,
            waypoints,
            lanes,
            stations,
            zones,
            ..site
        },
    )
}

/// What stands about.
fn surroundings() -> impl Strategy<Value = Site> {
    let place = prop::option::of((number(), number()).prop_map(|(latitude_deg, longitude_deg)| {
        Georeference { latitude_deg, longitude_deg, yaw_rad: latitude_deg }
    }));
    let buildings = some(name().prop_map(|id| Building { id }));
    let obstacles =
        some((name(), name(), some(point())).prop_map(|(id, level, ring)| Obstacle::new(id, level, ring)));
    let connectors = some((name(), name(), point(), number()).prop_map(|(id, level, at, width_m)| {
        let end = |height_m| ConnectorEnd { level: level.clone(), at, height_m };
        let (from, to) = (end(0.0), end(width_m));
        Connector { id, kind: ConnectorKind::Ramp, from, to, width_m }
    }));
    let sensors = some((name(), name(), point(), number()).prop_map(|(id, level, at, range_m)| Sensor {
        id,
        level,
        at,
        yaw_rad: range_m,
        view_rad: None,
        range_m,
        kind: SensorKind::Lidar,
    }));
    (place, buildings, obstacles, connectors, sensors).prop_map(
        |(georeference, buildings, obstacles, connectors, sensors)| Site {
            georeference,
            buildings,
            obstacles,
            connectors,
            sensors,
            ..Site::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// What was written is read back as the same site, and writing it again gives the same text.
    #[test]
    fn a_written_site_reads_back_the_same(site in site()) {
        let text = site.to_toml().unwrap();
        let back = Site::from_toml(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&back, &site);
        prop_assert_eq!(back.to_toml().unwrap(), text);
        let json = site.to_json().unwrap();
        let back = Site::from_json(&json).map_err(|error| TestCaseError::fail(format!("{error}\n{json}")))?;
        prop_assert_eq!(&back, &site);
    }

    /// Whatever happens to the bytes: a site or an error with a place inside the text, never a panic.
    #[test]
    fn mutated_sites_never_panic(
        cut in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
    ) {
        let mut bytes = HUT.as_bytes().to_vec();
        for (place, byte) in &edits {
            let place = place.index(bytes.len());
            if let Some(slot) = bytes.get_mut(place) {
                *slot = *byte;
            }
        }
        if edits.len() % 2 == 0 {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = Site::from_toml(&text) {
            prop_assert!(!error.faults.is_empty());
            for fault in error.faults {
                let position = fault.position.unwrap();
                prop_assert!(1 <= position.line && 1 <= position.column);
                prop_assert!(position.line as usize <= text.split('\n').count());
            }
        }
    }
}
