//! The importer over the public Open-RMF demonstration maps, when they are at hand.
#![cfg(feature = "rmf")]
#![expect(clippy::expect_used, clippy::float_cmp, reason = "fixtures of tests; exact values are meant")]

mod data;

use proptest::prelude::*;
use sheepdog_map::{
    CompileOptions, Site,
    import::{ImportReport, import_building},
    model::{DoorKind, RoomKind, StationKind, Swing},
};

fn import(name: &str) -> Option<(Site, ImportReport)> {
    data::building(name).map(|text| import_building(&text).expect("the map is importable"))
}

/// Authored lanes, walls, doors and floors of a level.
fn counts(site: &Site, level: &str) -> [usize; 4] {
    let on = |id: &str| site.waypoints.iter().any(|way| way.id == id && way.level == level);
    [
        site.lanes.iter().filter(|lane| on(&lane.from)).count(),
        site.walls.iter().filter(|wall| wall.level == level).count(),
        site.doors.iter().filter(|door| door.level == level).count(),
        site.rooms.iter().filter(|room| room.level == level && room.kind == RoomKind::Floor).count(),
    ]
}

/// Size of the box around everything on a level, metres.
fn size_m(site: &Site, level: &str) -> [f64; 2] {
    let walls = site.walls.iter().filter(|wall| wall.level == level).flat_map(|wall| [wall.from, wall.to]);
    let floors = site.rooms.iter().filter(|room| room.level == level).flat_map(|room| room.polygon.clone());
    let ways = site.waypoints.iter().filter(|way| way.level == level).map(|way| way.at);
    let points: Vec<[f64; 2]> = walls.chain(floors).chain(ways).collect();
    let span = |axis: fn([f64; 2]) -> f64| {
        let values = points.iter().copied().map(axis);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    };
    [span(|[x, _]| x), span(|[_, y]| y)]
}

fn near(value: f64, expected: f64, tolerance: f64) -> bool {
    (value - expected).abs() <= tolerance
}

#[test]
fn every_map_in_metres_has_the_counts_and_the_size_it_should() {
    let expected = [
        ("office", "L1", [30, 33, 3, 4], None),
        ("hotel", "L1", [58, 56, 5, 3], Some([30.5, 33.3])),
        ("hotel", "L2", [32, 99, 7, 5], None),
        ("hotel", "L3", [32, 99, 7, 5], None),
        ("clinic", "L1", [91, 360, 76, 2], Some([52.8, 46.4])),
        ("clinic", "L2", [78, 259, 56, 1], None),
        ("airport_terminal", "L1", [223, 464, 5, 75], Some([282.1, 64.3])),
        ("battle_royale", "L1", [20, 32, 0, 1], Some([22.6, 22.6])),
        ("triple_H", "L1", [22, 28, 0, 1], Some([18.2, 12.9])),
        ("door_madness", "L1", [0, 10, 2, 1], None),
    ];
    for (name, level, expected, expected_m) in expected {
        let Some((site, _)) = import(name) else { return };
        assert_eq!(counts(&site, level), expected, "{name} {level}");
        if let Some([wide, deep]) = expected_m {
            let [x, y] = size_m(&site, level);
            assert!(near(x, wide, 0.06) && near(y, deep, 0.06), "{name} {level}: {x} x {y}");
        }
        let reference = site.levels.first().unwrap();
        let lowest = site.walls.iter().filter(|wall| wall.level == reference.id).map(|wall| wall.from[1]);
        assert!(lowest.fold(f64::INFINITY, f64::min) < 0.0, "the page of {name} lies below its upper edge");
    }
}

#[test]
fn hotel_is_aligned_as_measured() {
    let Some((site, report)) = import("hotel") else { return };
    let [reference, upper @ ..] = report.levels.as_slice() else { panic!("{report:?}") };
    assert!(near(reference.scale, 0.05568, 1e-5), "{reference:?}");
    for level in upper {
        assert!(near(level.rotation_rad, 0.00082, 5e-6), "{level:?}");
        assert!(near(level.scale, 0.056_199, 1e-6), "{level:?}");
        assert!(near(level.residual_m, 0.044, 5e-4), "{level:?}");
        let about = format!("levels.{}", level.name);
        assert!(
            report
                .warnings
                .iter()
                .any(|warning| warning.element == about && warning.message.contains("0.044"))
        );
    }
    assert_eq!(site.levels.iter().map(|level| level.elevation_m).collect::<Vec<_>>(), [0.0, 8.0, 16.0]);
}

#[test]
fn the_lifts_of_hotel_and_clinic_carry_their_waypoints() {
    for (name, lifts, aboard) in [("hotel", 2, 6), ("clinic", 4, 4)] {
        let Some((site, _)) = import(name) else { return };
        assert_eq!(site.lifts.len(), lifts);
        let ways: Vec<_> = site.waypoints.iter().filter(|way| way.lift.is_some()).collect();
        assert_eq!(ways.len(), aboard, "{name}");
        for way in &ways {
            assert!(
                ways.iter().filter(|other| other.lift == way.lift).all(|other| other.at == way.at),
                "{way:?}"
            );
        }
    }
}

/// A lift's door looks towards the lane that leads into its cabin: yaw and door side are right.
#[test]
fn lanes_enter_cabins_through_their_doors() {
    for name in ["hotel", "clinic"] {
        let Some((site, _)) = import(name) else { return };
        let way = |id: &str| site.waypoints.iter().find(|way| way.id == id).unwrap();
        let mut entered = 0;
        for lane in &site.lanes {
            let (from, to) = (way(&lane.from), way(&lane.to));
            let (inside, outside) = match (&from.lift, &to.lift) {
                (Some(_), None) => (from, to),
                (None, Some(_)) => (to, from),
                _ => continue,
            };
            let lift = site.lifts.iter().find(|lift| Some(&lift.id) == inside.lift.as_ref()).unwrap();
            let door = lift.doors.iter().find(|door| door.level == inside.level).unwrap();
            let side = |[x, y]: [f64; 2]| {
                let ([ax, ay], [bx, by]) = (door.from, door.to);
                (bx - ax) * (y - ay) - (by - ay) * (x - ax)
            };
            assert!(side(inside.at) * side(outside.at) < 0.0, "{name}: {} - {}", lane.from, lane.to);
            entered += 1;
        }
        assert!(4 <= entered, "{name}: {entered}");
    }
}

/// The bedroom doors of the hotel swing into the bedrooms, away from the corridor and its lanes.
#[test]
fn bedroom_doors_swing_away_from_the_corridor() {
    let Some((site, _)) = import("hotel") else { return };
    for level in ["L2", "L3"] {
        let place =
            |id: &str| site.waypoints.iter().find(|way| way.id == id && way.level == level).map(|way| way.at);
        let doors: Vec<_> =
            site.doors.iter().filter(|door| door.level == level && door.kind == DoorKind::Hinged).collect();
        assert!(4 <= doors.len());
        for door in doors {
            let ([ax, ay], [bx, by]) = (door.from, door.to);
            let sign = match door.swing {
                Swing::Left => 1.0,
                Swing::Right => -1.0,
                Swing::Both => panic!("{door:?}"),
            };
            let off = |share: f64| {
                [f64::midpoint(ax, bx) - share * (by - ay), f64::midpoint(ay, by) + share * (bx - ax)]
            };
            let to_lane = |point: [f64; 2]| {
                let lanes = site.lanes.iter().filter_map(|lane| Some((place(&lane.from)?, place(&lane.to)?)));
                lanes.map(|(a, b)| to_segment(point, a, b)).fold(f64::INFINITY, f64::min)
            };
            assert!(to_lane(off(-0.5 * sign)) < to_lane(off(0.5 * sign)), "{door:?}");
        }
    }
}

fn to_segment([x, y]: [f64; 2], [ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let share = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    libm::hypot(x - ax - share * dx, y - ay - share * dy)
}

#[test]
fn names_are_unique_and_the_double_ones_are_reported() {
    for (name, twins) in [("office", 0), ("hotel", 0), ("clinic", 2), ("airport_terminal", 14)] {
        let Some((site, report)) = import(name) else { return };
        let mut ids: Vec<&str> = site.waypoints.iter().map(|way| way.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), site.waypoints.len(), "{name}");
        assert_eq!(
            report.warnings.iter().filter(|warning| warning.message.contains("several")).count(),
            twins
        );
    }
}

#[test]
fn furniture_and_people_are_reported_as_left_behind() {
    let Some((site, report)) = import("airport_terminal") else { return };
    for (path, count) in [
        ("levels.L1.models", 282),
        ("levels.L1.human_lanes", 7),
        ("levels.L1.vertices[][].is_cleaning_zone", 4),
        ("crowd_sim", 1),
    ] {
        // Every value counts, so one that goes missing in the file shows.
        let found = report.dropped.iter().find(|(other, _)| other == path);
        assert!(found.is_some_and(|(_, values)| count <= *values), "{path}: {:?}", report.dropped);
    }
    let roadmaps: std::collections::BTreeSet<_> =
        site.lanes.iter().map(|lane| lane.roadmap.clone()).collect();
    assert_eq!(roadmaps.into_iter().flatten().collect::<Vec<_>>(), ["0", "1", "2", "4"]);
    let Some((office, _)) = import("office") else { return };
    let count = |kind| office.stations.iter().filter(|station| station.kind == kind).count();
    assert_eq!(
        (count(StationKind::Pickup), count(StationKind::Dropoff), count(StationKind::Charger)),
        (1, 2, 2)
    );
}

#[test]
fn campus_lies_in_the_plane_at_its_middle() {
    let Some((site, report)) = import("campus") else { return };
    let origin = site.georeference.expect("it has longitudes and latitudes");
    assert!(
        near(origin.latitude_deg, 1.300, 0.001) && near(origin.longitude_deg, 103.781, 0.001),
        "{origin:?}"
    );
    assert_eq!(counts(&site, "L1"), [154, 0, 0, 0]);
    let [wide, deep] = size_m(&site, "L1");
    assert!((50.0..500.0).contains(&wide) && (50.0..500.0).contains(&deep), "{wide} x {deep}");
    assert!(report.dropped.iter().any(|(path, _)| path == "parameters"), "{:?}", report.dropped);
}

#[test]
fn every_import_compiles_and_survives_our_own_format() {
    for name in [
        "office",
        "hotel",
        "clinic",
        "airport_terminal",
        "battle_royale",
        "triple_H",
        "door_madness",
        "campus",
    ] {
        let Some((site, _)) = import(name) else { return };
        site.compile(&CompileOptions::default()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(Site::from_toml(&site.to_toml().unwrap()).unwrap(), site, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever happens to the bytes of a real map: an answer, never a panic.
    #[test]
    fn mutated_maps_never_panic(
        name in prop::sample::select(vec!["office", "triple_H", "hotel", "door_madness", "campus"]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let Some(text) = data::building(name) else { return Ok(()) };
        let mut bytes = text.into_bytes();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            if let Some(slot) = bytes.get_mut(place) {
                *slot = byte;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok((site, _)) = import_building(&String::from_utf8_lossy(&bytes)) {
            drop(site.compile(&CompileOptions::default()));
        }
    }
}
