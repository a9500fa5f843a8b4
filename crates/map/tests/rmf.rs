//! The importer over small files, one for each trap.
#![cfg(feature = "rmf")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "fixtures of tests; exact values are meant"
)]

mod drawn;

use drawn::TOWER;
use proptest::prelude::*;
use sheepdog_map::{
    Site,
    import::{ImportError, ImportProblem, ImportReport, import_building},
    model::{DoorKind, Orientation, Role, StationKind, Swing},
};

/// One level of 10 m x 10 m at 0.1 m per pixel, with `more` in it.
fn level(more: &str) -> String {
    format!(
        "levels:
  L1:
    measurements: [[0, 1, {{distance: [3, 10]}}]]
    vertices: [[0, 0, 0, ''], [100, 0, 0, ''], [100, 100, 0, ''], [0, 100, 0, ''], [50, 50, 0, ''], [60, 50, 0, '']]
{more}"
    )
}

fn import(text: &str) -> (Site, ImportReport) {
    import_building(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(text: &str) -> ImportError {
    import_building(text).expect_err("it must be refused")
}

/// The tower with one thing changed; the change must hit.
fn tower(from: &str, to: &str) -> String {
    assert!(TOWER.contains(from), "{from}");
    TOWER.replacen(from, to, 1)
}

fn near([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> bool {
    (ax - bx).abs() < 1e-9 && (ay - by).abs() < 1e-9
}

#[test]
fn y_turns_over_and_pixels_become_metres() {
    let (site, report) = import(TOWER);
    assert_eq!(site.name, "tower");
    let at = |id: &str| site.waypoints.iter().find(|way| way.id == id).unwrap().at;
    assert!(near(at("desk"), [0.0, 0.0]));
    assert!(near(at("shop@L1_v2"), [10.0, -5.0]));
    assert!(near(site.walls[0].to, [10.0, 0.0]));
    assert_eq!(report.levels[0].scale, 0.1);
}

#[test]
fn a_further_level_is_laid_over_the_first_by_its_fiducials() {
    let (site, report) = import(TOWER);
    let level = &report.levels[1];
    assert!((level.scale - 0.05).abs() < 1e-12, "{level:?}");
    assert!((level.rotation_rad.abs() - std::f64::consts::FRAC_PI_2).abs() < 1e-12, "{level:?}");
    assert!(level.residual_m < 1e-9);
    // Leftwards on the turned drawing of L2 is down the page of L1.
    let shop = site.waypoints.iter().find(|way| way.id == "shop@L2").unwrap();
    assert!(near(shop.at, [0.0, -0.05]), "{:?}", shop.at);
}

#[test]
fn the_first_level_in_file_order_is_the_reference() {
    // Sorted by name, "A" would come first, and it has neither scale nor content.
    let text = TOWER.replace("L1", "Z");
    let (_, report) = import(&text.replace("L2", "A"));
    assert_eq!(report.levels.iter().map(|level| level.name.as_str()).collect::<Vec<_>>(), ["Z", "A"]);
    assert_eq!(report.levels[0].rotation_rad, 0.0);
    let named = refused(&tower("name: tower", "name: tower\nreference_level_name: L2"));
    assert_eq!(named.problem, ImportProblem::NoScale { level: "L2".to_owned() });
    let nobody = refused(&tower("name: tower", "name: tower\nreference_level_name: L9"));
    assert_eq!(nobody.problem, ImportProblem::NoSuch { what: "level", name: "L9".to_owned() });
}

#[test]
fn lanes_keep_direction_speed_roadmap_and_mutex() {
    let (site, report) = import(TOWER);
    let [first, second, ..] = site.lanes.as_slice() else { panic!("{:?}", site.lanes) };
    assert!(first.bidirectional && first.speed_limit_mps.is_none() && first.mutex.is_empty());
    assert_eq!(first.roadmap.as_deref(), Some("0"));
    assert!(!second.bidirectional);
    assert_eq!(second.speed_limit_mps, Some(0.5));
    assert_eq!(
        (second.roadmap.as_deref(), second.mutex.as_slice()),
        (Some("3"), ["narrow".to_owned()].as_slice())
    );
    assert_eq!(site.lanes.len(), 5, "lanes of people are left out");
    assert!(report.dropped.contains(&("levels.L1.human_lanes".to_owned(), 4)), "{:?}", report.dropped);
    assert_eq!((first.orientation, site.lanes[2].orientation), (Orientation::Any, Orientation::Forward));
}

#[test]
fn a_lane_that_does_not_say_is_one_way() {
    let (site, report) = import(&level("    lanes: [[0, 1, {graph_idx: [2, 0]}], [1, 2]]"));
    assert!(site.lanes.iter().all(|lane| !lane.bidirectional));
    assert!(2 <= report.warnings.iter().filter(|warning| warning.message.contains("one-way")).count());
}

#[test]
fn lanes_that_no_robot_drives_are_left_out_and_reported() {
    let (site, report) = import(&level(
        "    lanes: [[0, 1, {graph_idx: [2, 9]}], [1, 1, {graph_idx: [2, 0]}], [1, 2, {graph_idx: [2, 8]}]]",
    ));
    assert_eq!(site.lanes.len(), 1);
    assert!(report.warnings.iter().filter(|warning| warning.message.contains("left out")).count() == 2);
    assert_eq!(site.waypoints.len(), 2, "only vertices on lanes become waypoints");
}

#[test]
fn parameters_become_roles_and_stations() {
    let (site, _) = import(TOWER);
    let desk = site.waypoints.iter().find(|way| way.id == "desk").unwrap();
    assert_eq!(desk.roles, [Role::Charger, Role::Parking]);
    let kind = |id: &str| site.stations.iter().find(|station| station.id == id).unwrap().kind;
    assert_eq!(kind("desk"), StationKind::Charger);
    assert_eq!(kind("shop@L1_v2"), StationKind::Pickup);
    assert_eq!(kind("shop@L1_v3"), StationKind::Dropoff);
    assert_eq!(kind("shop@L2"), StationKind::Place);
    assert_eq!(site.stations.len(), 4, "nameless vertices are no stations");
}

#[test]
fn repeated_names_are_told_apart_and_reported() {
    let (site, report) = import(TOWER);
    let ids: Vec<&str> = site.waypoints.iter().map(|way| way.id.as_str()).collect();
    assert_eq!(ids, ["desk", "L1_v1", "shop@L1_v2", "shop@L1_v3", "L1_v4", "L2_v0", "shop@L2"]);
    assert_eq!(report.warnings.iter().filter(|warning| warning.message.contains("several")).count(), 3);
}

#[test]
fn a_name_that_looks_like_a_number_keeps_its_spelling() {
    let (site, _) = import(
        "levels: {L1: {measurements: [[0, 1, {distance: [3, 1]}]], vertices: [[0, 0, 0, 3.10], [9, 0, 0, 007]], \
         lanes: [[0, 1, {graph_idx: [2, 0]}]]}}",
    );
    assert_eq!((site.waypoints[0].id.as_str(), site.waypoints[1].id.as_str()), ("3.10", "007"));
}

#[test]
fn waypoints_of_a_lift_meet_and_are_found_by_their_place() {
    let (site, report) = import(TOWER);
    let aboard: Vec<_> = site.waypoints.iter().filter(|way| way.lift.is_some()).collect();
    assert_eq!(aboard.len(), 2);
    assert_eq!(aboard[0].at, aboard[1].at, "averaged");
    assert!(near(aboard[0].at, [5.0, -0.045]), "{:?}", aboard[0].at);
    assert_eq!(report.warnings.iter().filter(|warning| warning.message.contains("moved by")).count(), 2);
    let apart = refused(&tower("[50, 0.4, 0,", "[50, 1.6, 0,"));
    assert_eq!(apart.element, "levels.L2.vertices[0]");
    assert!(
        matches!(apart.problem, ImportProblem::LiftApart { apart_m, .. } if (apart_m - 0.11).abs() < 1e-9),
        "{apart}"
    );
}

#[test]
fn the_place_of_a_lift_waypoint_counts_not_its_parameter() {
    let (_, report) = import(&tower("lift_cabin: [1, lift]", "lift_cabin: [1, other]"));
    let warning = report.warnings.iter().find(|warning| warning.message.contains("lift_cabin")).unwrap();
    assert_eq!(warning.element, "levels.L1.vertices[4]");
    // The cabin is turned by 90°: 0.8 m + 0.05 m along the page, 1 m + 0.05 m across it.
    for (x, inside) in [(58.4, true), (58.6, false)] {
        let (site, _) = import(&level(&format!(
            "    lanes: [[4, 0, {{graph_idx: [2, 0]}}]]
lifts: {{l: {{reference_floor_name: L1, x: {x}, y: 50, yaw: 1.5707963267948966, width: 2, depth: 1.6,
       doors: {{d: {{x: 1, y: 0, width: 1}}}}, level_doors: {{L1: [d]}}}}}}"
        )));
        assert_eq!(site.waypoints[1].lift.is_some(), inside, "{x}");
    }
}

/// A long cabin, turned by 0.7 rad: it holds what lies ahead along its axis and not the mirror image of it.
#[test]
fn a_turned_cabin_holds_what_is_along_its_axis() {
    for (y, inside) in [(57.73, true), (42.27, false)] {
        let (site, _) = import(&level(&format!(
            "    lanes: [[4, 0, {{graph_idx: [2, 0]}}]]
lifts: {{l: {{reference_floor_name: L1, x: 40.82, y: {y}, yaw: 0.7, width: 4, depth: 0.4,
       doors: {{d: {{x: 2, y: 0, width: 1}}}}, level_doors: {{L1: [d]}}}}}}"
        )));
        assert_eq!(site.waypoints[1].lift.is_some(), inside, "{y}");
    }
}

#[test]
fn a_lift_is_not_turned_over_with_the_page_but_its_doors_turn_with_it() {
    let (site, _) = import(TOWER);
    let lift = &site.lifts[0];
    assert_eq!((lift.yaw_rad, lift.width_m, lift.depth_m), (std::f64::consts::FRAC_PI_2, 2.0, 1.6));
    assert!(near(lift.at, [5.0, 0.0]));
    let door = &lift.doors[0];
    // 1.1 m along the cabin's x, which points up the page; the door lies across it.
    assert!((door.from[1] - 1.1).abs() < 1e-9 && (door.to[1] - 1.1).abs() < 1e-9, "{door:?}");
    assert!(((door.from[0] - door.to[0]).abs() - 1.0).abs() < 1e-9);
    assert_eq!(lift.doors.iter().map(|door| door.level.as_str()).collect::<Vec<_>>(), ["L1", "L2"]);
}

#[test]
fn a_lift_stops_only_between_its_lowest_and_highest_floor() {
    let (site, report) = import(&tower("highest_floor: ''", "highest_floor: L1"));
    assert_eq!(site.lifts[0].doors.len(), 1);
    assert!(report.warnings.iter().any(|warning| warning.message.contains("does not stop here")));
    let (site, report) = import(&tower("level_doors: {L1: [d], L2: [d]}", "level_doors: {}"));
    assert!(site.lifts.is_empty());
    assert!(report.warnings.iter().any(|warning| warning.element == "lifts.lift"));
}

#[test]
fn a_door_swings_to_the_side_the_editor_draws() {
    // From (5, -5) to (6, -5): the right of somebody looking along it is down the page.
    let door = |params: &str| {
        let (site, _) = import(&level(&format!("    doors: [[4, 5, {{name: [1, d], {params}}}]]")));
        let door = site.doors[0].clone();
        (door.kind, door.swing, door.from[0] < door.to[0])
    };
    let hinged = |axis: &str, direction: i32, degrees: f64| {
        door(&format!(
            "type: [1, hinged], motion_axis: [1, {axis}], motion_direction: [2, {direction}], \
             motion_degrees: [3, {degrees}]"
        ))
    };
    assert_eq!(hinged("start", 1, 90.0), (DoorKind::Hinged, Swing::Right, true));
    assert_eq!(hinged("start", -1, 90.0), (DoorKind::Hinged, Swing::Left, true));
    assert_eq!(hinged("start", 1, -90.0), (DoorKind::Hinged, Swing::Left, true));
    assert_eq!(hinged("start", 1, 0.0), (DoorKind::Hinged, Swing::Both, true));
    assert_eq!(hinged("end", 1, 90.0), (DoorKind::Hinged, Swing::Both, false), "hinged at its end");
    assert_eq!(
        door("type: [1, double_hinged], motion_direction: [2, -1], motion_degrees: [3, 95]"),
        (DoorKind::DoubleHinged, Swing::Left, true)
    );
    assert_eq!(door("type: [1, double_sliding]").0, DoorKind::DoubleSliding);
    assert_eq!(door("plugin: [1, none]"), (DoorKind::Hinged, Swing::Both, true), "nothing is said");
}

#[test]
fn the_swing_is_not_guessed_where_readers_differ() {
    let text = level("    doors: [[4, 5, {name: [1, d], type: [1, hinged], motion_direction: [2, 1]}]]");
    let (site, report) = import(&format!("coordinate_system: cartesian_meters\n{text}"));
    assert_eq!(site.doors[0].swing, Swing::Both);
    assert!(report.warnings.iter().any(|warning| warning.element == "levels.L1.doors[0]"));
}

#[test]
fn doors_get_unique_names() {
    let (site, report) = import(&level(
        "    doors: [[0, 1, {name: [1, 'null'], type: [1, sliding]}], [1, 2, {name: [1, a], type: [1, sliding]}], \
         [2, 3, {name: [1, a], type: [1, sliding]}]]",
    ));
    assert_eq!(
        site.doors.iter().map(|door| door.id.as_str()).collect::<Vec<_>>(),
        ["L1_door_0", "a@L1_door_1", "a@L1_door_2"]
    );
    assert_eq!(report.warnings.len(), 3, "{:?}", report.warnings);
}

#[test]
fn holes_belong_to_the_floor_they_are_in() {
    let text = level(
        "    floors: [{vertices: [0, 1, 2, 3, 0]}]
    holes: [{vertices: [4, 5, 6]}]",
    );
    let inside = text.replace("[60, 50, 0, '']", "[60, 50, 0, ''], [60, 60, 0, '']");
    let (site, _) = import(&inside);
    assert_eq!((site.rooms[0].polygon.len(), site.rooms[0].holes.len()), (4, 1));
    let crossing = text.replace("[60, 50, 0, '']", "[60, 50, 0, ''], [60, 150, 0, '']");
    assert_eq!(refused(&crossing).problem, ImportProblem::HoleCrossesFloor { floor: 0 });
    let apart = text.replace("[50, 50, 0, '']", "[150, 50, 0, '']");
    let apart = apart.replace("[60, 50, 0, '']", "[160, 50, 0, ''], [160, 60, 0, '']");
    let (site, report) = import(&apart);
    assert!(site.rooms[0].holes.is_empty());
    assert!(report.warnings.iter().any(|warning| warning.element == "levels.L1.holes[0]"));
}

#[test]
fn cartesian_metres_pass_through() {
    let (site, report) = import(
        "coordinate_system: cartesian_meters\nlevels: {L1: {vertices: [[1, 2, 0, a], [4, 6, 0, b]], \
         lanes: [[0, 1, {graph_idx: [2, 0]}]]}}",
    );
    assert_eq!((site.waypoints[0].at, site.waypoints[1].at), ([1.0, 2.0], [4.0, 6.0]));
    assert_eq!(report.levels[0].scale, 1.0);
}

#[test]
fn a_door_of_a_lift_that_no_level_names_is_left_behind() {
    let spare = "spare: {x: 0, y: 0.5, width: 0.8, motion_axis_orientation: 0.5}";
    let lifts = |levels: &str| {
        format!(
            "coordinate_system: cartesian_meters\nlevels: {{L1: {{elevation: 0}}, L2: {{elevation: 4}}}}\n\
             lifts: {{lift: {{reference_floor_name: L1, x: 0, y: 0, width: 2, depth: 2, highest_floor: L1, \
             doors: {{d: {{x: 1, y: 0, width: 1}}, {spare}}}, level_doors: {{L1: [d]{levels}}}}}}}"
        )
    };
    for levels in ["", ", L2: [spare]"] {
        let (site, report) = import(&lifts(levels));
        assert_eq!(site.lifts[0].doors.len(), 1);
        let lost: usize = report
            .dropped
            .iter()
            .filter(|(path, _)| path.starts_with("lifts.lift.doors.spare"))
            .map(|(_, count)| count)
            .sum();
        assert_eq!(lost, 4, "{:?}", report.dropped);
        assert!(report.warnings.iter().any(|warning| warning.element == "lifts.lift.doors.spare"));
    }
}

#[test]
fn web_mercator_is_measured_from_its_origin() {
    let map = |y: f64, dy: f64| {
        format!(
            "coordinate_system: web_mercator\nlevels: {{L1: {{vertices: [[200, {y}, 0, origin], [200.001, {}, 0, b]], \
             lanes: [[0, 1, {{graph_idx: [2, 0]}}]]}}}}",
            y + dy
        )
    };
    // True lengths of the ellipsoid at these latitudes: 1.4° north, the same, 48.1° north (Munich), 35.7° south.
    for (y, dy, latitude_deg) in [
        (127.0, -0.002, 1.406),
        (-127.0, 0.002, 1.406),
        (88.882_913, -0.002, 48.1),
        (155.25, -0.002, -35.746),
    ] {
        let (site, report) = import(&map(y, dy));
        let [x, north] = site.waypoints[1].at;
        assert_eq!(site.waypoints[0].at, [0.0, 0.0]);
        let (sine, cosine) =
            (libm::sin(f64::to_radians(latitude_deg)), libm::cos(f64::to_radians(latitude_deg)));
        let bent = 1.0 - 0.006_694_38 * sine * sine;
        let per_rad = [6_378_137.0 / bent.sqrt(), 6_378_137.0 * (1.0 - 0.006_694_38) / (bent * bent.sqrt())];
        // The tile is a circle around; a step north is as much longer on it as a circle of latitude is shorter.
        let step_rad = std::f64::consts::TAU * 0.001 / 256.0;
        let (east_m, north_m) = (per_rad[0] * cosine * step_rad, per_rad[1] * cosine * 2.0 * step_rad);
        assert!(
            (x - east_m).abs() < 0.01 && (north - north_m).abs() < 0.01,
            "{x} {east_m} {north} {north_m}"
        );
        let origin = site.georeference.expect("a place on Earth");
        assert!((origin.latitude_deg - latitude_deg).abs() < 0.01, "{origin:?}");
        assert!((origin.longitude_deg - 101.25).abs() < 1e-9, "{origin:?}");
        let factor = format!("lengths there are {:.2}", 1.0 / cosine - 0.005);
        assert!(report.warnings.iter().any(|warning| warning.message.contains(&factor)), "{factor}");
    }
    assert!(matches!(
        refused(&map(127.0, 0.1).replace("origin", "here")).problem,
        ImportProblem::NoSuch { .. }
    ));
    assert!(matches!(refused(&map(-127.0, 250.0)).problem, ImportProblem::OutOfRange { .. }));
}

#[test]
fn what_would_be_silently_wrong_is_refused() {
    let cases = [
        ("coordinate_system: reference_image", "coordinate_system: wgs84", "a longitude and a latitude"),
        ("coordinate_system: reference_image", "coordinate_system: mars", "unknown value \"mars\""),
        ("measurements: [[0, 1, {distance: [3, 10]}]]", "measurements: {}", "no measurement"),
        (
            "measurements: [[0, 1, {distance: [3, 10]}]]",
            "measurements: [[0, 0, {distance: [3, 10]}]]",
            "same place",
        ),
        ("distance: [3, 10]", "distance: [3, -1]", "above 0 m"),
        ("distance: [3, 10]", "distance: [1, ten]", "type is 1, expected 3"),
        ("distance: [3, 10]", "distance: [3, .nan]", "not a finite number"),
        ("distance: [3, 10]", "distance: [3, 1e999]", "not a finite number"),
        ("[[0, 0, a], [0, 200, b], [-200, 0, 7]]", "[[0, 0, a], [0, 200, c]]", "shares 1 fiducials"),
        ("[[0, 0, a], [0, 200, b], [-200, 0, 7]]", "[[0, 0, a], [0, 0, b]]", "same place"),
        ("[[0, 0, a], [0, 200, b], [-200, 0, 7]]", "[[0, 0, a], [0, 200, a]]", "duplicate fiducial"),
        ("  L2:", "  L1:", "duplicate key \"L1\""),
        ("- [0, 1, {bidirectional", "- [0, 99, {bidirectional", "vertex 99 does not exist, the level has 5"),
        ("- [0, 1, {bidirectional", "- [-1, 1, {bidirectional", "vertex -1 does not exist"),
        ("vertices: [0, 1, 2, 3]", "vertices: [0, 1, 2, 5]", "vertex 5 does not exist"),
        ("- [100, 0, 0, \"\"]", "- [.inf, 0, 0, \"\"]", ".inf is not a finite number"),
        ("- [100, 0, 0, \"\"]", "- [\"100\", 0, 0, \"\"]", "expected a number"),
        ("- [100, 0, 0, \"\"]", "- [100, 0]", "missing [x, y, z, name]"),
        ("bidirectional: [4, true]", "bidirectional: [4, yes]", "expected true or false"),
        ("bidirectional: [4, true]", "bidirectional: [1, 'true']", "type is 1, expected 4"),
        ("bidirectional: [4, true]", "bidirectional: true", "expected a parameter [type, value]"),
        ("is_parking_spot: [2, 1]", "is_parking_spot: [2, 7]", "expected 0 or 1"),
        ("orientation: [1, forward]", "orientation: [1, sideways]", "unknown value \"sideways\""),
        ("speed_limit: [3, 0.5]", "speed_limit: [3, -0.5]", "must be a speed"),
        ("level_doors: {L1: [d]", "level_doors: {L1: [e]", "no lift door \"e\""),
        ("level_doors: {L1: [d]", "level_doors: {L9: [d]", "no level \"L9\""),
        ("reference_floor_name: L1", "reference_floor_name: L7", "no level \"L7\""),
        ("reference_floor_name: L1, ", "", "missing reference_floor_name"),
        ("width: 2, depth", "width: 0, depth", "above 0 m"),
        ("door_type: 2", "door_type: 9", "unknown value \"9\""),
        ("- [2, 3, {bidirectional", "- [4, 4, {bidirectional", ""),
        ("name: tower", "name: &a tower", "anchor"),
        ("name: tower", "name: !!str tower", "tag"),
        ("name: tower", "name: tower\n---\nname: b", "second document"),
        ("name: tower", "name: [", ""),
    ];
    for (from, to, expected) in cases {
        match import_building(&tower(from, to)) {
            Err(error) => assert!(error.to_string().contains(expected), "{from} -> {to}: {error}"),
            Ok(_) => assert!(expected.is_empty(), "{from} -> {to} was accepted"),
        }
    }
}

#[test]
fn an_error_says_where() {
    let error = refused(&tower("speed_limit: [3, 0.5]", "speed_limit: [3, fast]"));
    let line = 1 + TOWER.lines().position(|line| line.contains("mutex")).unwrap();
    let at = error.position.unwrap();
    assert_eq!(at.line as usize, line);
    assert_eq!(
        error.to_string(),
        format!(
            "line {line}, column {}: levels.L1.lanes[1][2].speed_limit[1]: expected a number, found fast",
            at.column
        )
    );
    assert_eq!(
        &tower("speed_limit: [3, 0.5]", "speed_limit: [3, fast]").lines().nth(line - 1).unwrap()
            [at.column as usize - 1..][..4],
        "fast"
    );
}

#[test]
fn a_lane_may_not_join_two_cabins_nor_a_cabin_hold_two_waypoints() {
    let lift = |name: &str, x: f64| {
        format!(
            "  {name}: {{reference_floor_name: L1, x: {x}, y: 50, width: 0.8, depth: 1, \
             doors: {{d: {{x: 0, y: 0.5, width: 0.8}}}}, level_doors: {{L1: [d]}}}}\n"
        )
    };
    let lanes = "    lanes: [[4, 5, {graph_idx: [2, 0]}]]\nlifts:\n";
    let two = level(&format!("{lanes}{}{}", lift("a", 50.0), lift("b", 60.0)));
    assert!(matches!(refused(&two).problem, ImportProblem::LaneBetweenLifts { .. }));
    let one = level(&format!("{lanes}{}", lift("a", 55.0).replace("width: 0.8, depth", "width: 2, depth")));
    assert!(matches!(refused(&one).problem, ImportProblem::CrowdedCabin { .. }));
}

#[test]
fn hostile_files_fail_cleanly() {
    let deep = format!("levels: {}{}", "[".repeat(40), "]".repeat(40));
    assert!(matches!(refused(&deep).problem, ImportProblem::TooDeep { .. } | ImportProblem::Syntax { .. }));
    let deeper = "[".repeat(100_000);
    assert!(matches!(refused(&deeper).problem, ImportProblem::TooDeep { .. } | ImportProblem::Syntax { .. }));
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nlevels: *b\n";
    assert!(matches!(refused(bomb).problem, ImportProblem::Unsupported { .. }));
    assert!(matches!(refused(&" ".repeat(17 << 20)).problem, ImportProblem::TooLarge { .. }));
    assert!(matches!(refused("").problem, ImportProblem::Missing { .. } | ImportProblem::WrongType { .. }));
    let long = format!("levels: [{}]", "1,".repeat(1_100_000));
    assert!(matches!(refused(&long).problem, ImportProblem::TooMany { .. }));
    assert!(matches!(refused("levels: {}").problem, ImportProblem::Missing { .. }));
}

#[test]
fn nothing_that_says_something_is_lost_without_a_word() {
    let (_, report) = import(TOWER);
    let dropped: Vec<&str> = report.dropped.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        dropped,
        ["levels.L1.floors[].parameters.indoor", "levels.L1.human_lanes", "lifts.lift.doors.d.door_type"]
    );
    let (_, report) = import(&tower("name: tower", "name: tower\nfuture: {a: 1}"));
    assert!(report.dropped.contains(&("future".to_owned(), 1)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Fiducials of a level that was scaled, turned and shifted bring it back onto the reference.
    #[test]
    fn alignment_undoes_any_similarity(
        scale in 0.1..10.0_f64,
        turn in -3.0..3.0_f64,
        shift in (-500.0..500.0_f64, -500.0..500.0_f64),
        points in prop::collection::vec((0.0..400.0_f64, 0.0..400.0_f64), 2..6),
    ) {
        let spread = points.iter().enumerate().all(|(index, a)| {
            points.iter().skip(index + 1).all(|b| 5.0 < libm::hypot(a.0 - b.0, a.1 - b.1))
        });
        prop_assume!(spread);
        let moved = |(x, y): (f64, f64)| {
            let (sin, cos) = (libm::sin(turn), libm::cos(turn));
            (scale * (cos * x - sin * y) + shift.0, scale * (sin * x + cos * y) + shift.1)
        };
        let list = |points: Vec<(f64, f64)>| {
            points.iter().enumerate().map(|(i, (x, y))| format!("[{x}, {y}, f{i}]")).collect::<Vec<_>>().join(", ")
        };
        let (px, py) = moved((30.0, 40.0));
        let text = format!(
            "levels:\n  L1: {{measurements: [[0, 1, {{distance: [3, 5]}}]], fiducials: [{}], \
             vertices: [[0, 0, 0, ''], [100, 0, 0, '']]}}\n  L2: {{fiducials: [{}], \
             vertices: [[{px}, {py}, 0, p], [{px}, {}, 0, q]], lanes: [[0, 1, {{graph_idx: [2, 0]}}]]}}\n",
            list(points.clone()),
            list(points.iter().copied().map(moved).collect()),
            py + 1.0,
        );
        let (site, report) = import(&text);
        let [x, y] = site.waypoints[0].at;
        prop_assert!((x - 1.5).abs() < 1e-6 && (y + 2.0).abs() < 1e-6, "{x} {y} {report:?}");
        prop_assert!(report.levels[1].residual_m < 1e-6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Whatever happens to the bytes: an answer, never a panic.
    #[test]
    fn mutated_files_never_panic(
        cut in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(EDITS.to_vec())), 0..6),
    ) {
        let mut bytes = TOWER.as_bytes().to_vec();
        for (place, edit) in &edits {
            let place = place.index(bytes.len());
            let end = (place + edit.len()).min(bytes.len());
            bytes.splice(place..end, edit.iter().copied());
        }
        if edits.len() % 2 == 1 {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        drop(import_building(&String::from_utf8_lossy(&bytes)));
    }
}

/// Pieces that mean something to YAML or to numbers.
const EDITS: [&[u8]; 20] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b"\n",
    b"-",
    b" ",
    b"'",
    b"\"",
    b"&a ",
    b"*a",
    b"!!",
    b"1e999",
    b".nan",
    b"-1",
    b"99999999999999999999",
    b"\xff\xfe",
    b"|",
    b"\t",
];
