#![expect(
    clippy::float_cmp,
    reason = "values that must be exact, and comparisons with a reference that computes the same"
)]

use std::mem::discriminant;

use nalgebra::Point2;
use proptest::prelude::*;
use sheepdog_core::{LevelId, Micros, Mm, ZoneId};

use super::*;
use crate::{
    compiled::Resource,
    error::MapWarning,
    model::{self, Door, Lane, Level, Lift, Role, Room, Station, Swing, Wall, Waypoint, Zone},
    rules,
};

fn class(radius_mm: u32) -> FootprintClass {
    FootprintClass::round(format!("r{radius_mm}"), Mm(radius_mm), Mm(50))
}

fn options(radius_mm: u32) -> CompileOptions {
    CompileOptions::new(vec![class(radius_mm)])
}

/// Two walled rooms of 6 m by 4 m with a 1 m door between them, and a lane of 9 m through it.
fn two_rooms() -> Site {
    let mut site = Site::new("two rooms");
    site.levels.push(Level::new("L1", 0.0));
    site.rooms.push(Room::rectangle("left", "L1", 0.0, 0.0, 6.0, 4.0).walled());
    site.rooms.push(Room::rectangle("right", "L1", 6.0, 0.0, 12.0, 4.0).walled());
    site.doors.push(Door::new("d", "L1", [6.0, 1.5], [6.0, 2.5]));
    site.waypoints.push(Waypoint::new("a", "L1", 1.5, 2.0).with_role(Role::Charger));
    site.waypoints.push(Waypoint::new("b", "L1", 10.5, 2.0));
    site.lanes.push(Lane::two_way("b", "a").with_speed_limit(0.5));
    site.stations.push(Station::new("bed", "b"));
    site
}

/// Two levels joined by a lift with a 1.6 m cabin whose door faces a lobby.
fn lift_site() -> Site {
    let mut site = Site::new("lift");
    let mut lift = Lift::new("lift", [0.0, 0.0], 1.6, 1.6);
    for (level, elevation_m) in [("L1", 0.0), ("L2", 4.0)] {
        site.levels.push(Level::new(level, elevation_m));
        site.rooms.push(Room::rectangle(format!("lobby {level}"), level, -3.0, 0.9, 3.0, 5.0).walled());
        lift = lift.with_door(level, [-0.5, 0.8], [0.5, 0.8]);
        site.waypoints.push(Waypoint::new(format!("lobby {level}"), level, 0.0, 3.0));
        site.waypoints.push(Waypoint::new(format!("cabin {level}"), level, 0.0, 0.0).in_lift("lift"));
        site.lanes.push(Lane::two_way(format!("lobby {level}"), format!("cabin {level}")));
    }
    site.lifts.push(lift);
    site
}

fn names(site: &CompiledSite) -> Vec<&str> {
    site.waypoints().iter().map(|waypoint| waypoint.name.as_str()).collect()
}

#[test]
fn a_lane_is_split_and_finds_its_door() {
    let site = two_rooms().compile(&options(350)).unwrap();
    assert_eq!(names(&site), ["a", "b", "a>b#4", "a>b#3", "a>b#2", "a>b#1"]);
    assert!(
        site.waypoints()
            .iter()
            .filter(|waypoint| !waypoint.authored)
            .all(|waypoint| { 0.45 <= (waypoint.at.x - 6.0).abs() && waypoint.at.y == 2.0 })
    );
    assert_eq!(site.lanes().len(), 10);
    assert!(
        site.lanes()
            .iter()
            .all(|lane| lane.length <= Mm(2_000) && lane.speed_limit == Some(sheepdog_core::MmPerS(500)))
    );
    let through: Vec<_> = site.lanes().iter().filter(|lane| !lane.doors.is_empty()).collect();
    assert_eq!(through.len(), 2);
    for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
        let reverse = site.lane(lane.reverse.unwrap()).unwrap();
        assert_eq!((reverse.from, reverse.to, reverse.reverse), (lane.to, lane.from, Some(id)));
    }
    assert_eq!(site.warnings(), []);
    assert_eq!(site.components(0), [(0..6).map(WaypointId).collect::<Vec<_>>()]);
}

#[test]
fn a_split_never_lands_on_a_sill() {
    // Every position of the door along the lane, so that some split point always falls on it.
    for step in 0..60_u32 {
        let x = 2.6 + f64::from(step) * 0.1;
        let mut authored = two_rooms();
        authored.rooms = vec![Room::rectangle("hall", "L1", 0.0, 0.0, 12.0, 4.0).walled()];
        authored.doors = vec![Door::new("d", "L1", [x, 1.5], [x, 2.5]).hinged(Swing::Left)];
        let site = authored.compile(&options(350)).unwrap();
        let generated =
            (0..).map(WaypointId).zip(site.waypoints()).filter(|(_, waypoint)| !waypoint.authored);
        for (id, waypoint) in generated {
            assert!(site.classes()[0].may_stop(id), "{x}: {waypoint:?}");
        }
        assert_eq!(site.lanes().iter().filter(|lane| !lane.doors.is_empty()).count(), 2, "{x}");
    }
}

#[test]
fn a_door_opens_both_walls_and_joins_the_rooms() {
    let mut authored = two_rooms();
    // The rooms do not share a wall: 0.2 m between them are no room.
    authored.rooms[1] = Room::rectangle("right", "L1", 6.2, 0.0, 12.0, 4.0).walled();
    authored.doors[0] = Door::new("d", "L1", [6.1, 1.5], [6.1, 2.5]);
    let site = authored.compile(&options(350)).unwrap();
    let geometry = &site.levels()[0].geometry;
    let p = Point2::new;
    assert!(geometry.sweep_free(p(1.5, 2.0), p(10.5, 2.0), 0.45));
    assert!(!geometry.sweep_free(p(1.5, 2.0), p(10.5, 2.0), 0.51));
    assert!(!geometry.sweep_free(p(1.5, 1.0), p(10.5, 1.0), 0.1), "beside the door is a wall");
    // The round ends of the cut walls touch the door's ends: half the width is free at its centre.
    assert!((geometry.wall_clearance(p(6.1, 2.0)) - 0.5).abs() < 0.02);
    assert!((geometry.area_m2() - (24.0 + 23.2 + 0.2)).abs() < 1e-9);
}

#[test]
fn a_footprint_that_does_not_fit_is_a_warning_with_figures() {
    let site = two_rooms().compile(&CompileOptions::new(vec![class(350), class(451)])).unwrap();
    assert!((0..).map(LaneId).zip(site.lanes()).all(|(id, _)| site.classes()[0].usable(id)));
    let blocked: Vec<_> =
        (0..).map(LaneId).zip(site.lanes()).filter(|(id, _)| !site.classes()[1].usable(*id)).collect();
    assert_eq!(blocked.len(), 2);
    assert!(blocked.iter().all(|(_, lane)| lane.doors == [sheepdog_core::DoorId(0)]));
    let [MapWarning::DoorTooNarrow { class, door, width_m, needed_m, .. }] = site.warnings() else {
        panic!("{:?}", site.warnings());
    };
    assert_eq!((class.as_str(), door.as_str(), *width_m), ("r451", "d", 1.0));
    assert!((needed_m - 1.002).abs() < 1e-12);
    assert_eq!(site.components(1).len(), 2);
}

#[test]
fn a_door_is_wide_enough_at_exactly_the_limit() {
    let site = two_rooms().compile(&options(450)).unwrap();
    assert_eq!(site.warnings(), []);
}

#[test]
fn walls_and_the_end_of_the_map_block_lanes() {
    let mut authored = two_rooms();
    authored.walls.push(Wall::new("L1", [3.0, 2.3], [4.0, 2.3]));
    authored.rooms[1].holes.push(vec![[8.0, 2.2], [8.5, 2.2], [8.5, 3.0], [8.0, 3.0]]);
    authored.rooms[1].walled = false;
    let site = authored.compile(&options(350)).unwrap();
    let kinds: Vec<_> = site
        .warnings()
        .iter()
        .map(|warning| match warning {
            MapWarning::LaneTouchesWall { clearance_m, needed_m, .. } => ("wall", *clearance_m, *needed_m),
            MapWarning::LaneLeavesArea { clearance_m, needed_m, .. } => ("area", *clearance_m, *needed_m),
            MapWarning::DoorTooNarrow { .. }
            | MapWarning::LiftTooSmall { .. }
            | MapWarning::DuplicateLane { .. } => {
                panic!("{warning}")
            }
        })
        .collect();
    assert!(kinds.iter().any(|(kind, clearance_m, _)| *kind == "wall" && (clearance_m - 0.25).abs() < 1e-9));
    assert!(kinds.iter().any(|(kind, clearance_m, _)| *kind == "area" && (clearance_m - 0.2).abs() < 1e-9));
}

#[test]
fn without_rooms_only_walls_limit_a_footprint() {
    let mut authored = two_rooms();
    authored.rooms.clear();
    let site = authored.compile(&options(350)).unwrap();
    assert_eq!(site.warnings(), []);
    assert!(site.classes()[0].may_stop(WaypointId(0)));
    assert!(!site.levels()[0].geometry.inside(site.waypoints()[0].at), "unknown is not mapped");
}

#[test]
fn a_lift_is_one_resource_on_all_levels() {
    let site = lift_site().compile(&options(350)).unwrap();
    assert_eq!(site.warnings(), []);
    let rides: Vec<_> = (0..).map(LaneId).zip(site.lanes()).filter(|(_, lane)| lane.ride.is_some()).collect();
    assert_eq!(rides.len(), 2);
    let stops: Vec<_> = site.lifts()[0].stops.iter().map(|stop| (stop.level, stop.waypoint)).collect();
    assert_eq!(stops, [(LevelId(0), Some(WaypointId(1))), (LevelId(1), Some(WaypointId(3)))]);
    let claims = &site.classes()[0];
    let lift = |ids: &[sheepdog_core::ResourceId]| {
        ids.iter().any(|id| matches!(site.resource(*id), Some(Resource::Lift(_))))
    };
    for cabin in [WaypointId(1), WaypointId(3)] {
        assert!(lift(claims.at(cabin)) && !claims.may_stop(cabin));
        for lane in site.lanes_from(cabin).iter().chain(site.lanes_to(cabin)) {
            assert!(lift(claims.along(*lane)) && claims.usable(*lane));
        }
    }
    for lobby in [WaypointId(0), WaypointId(2)] {
        assert!(!lift(claims.at(lobby)) && claims.may_stop(lobby));
    }
    let geometry = &site.levels()[0].geometry;
    assert!(geometry.inside(Point2::origin()), "the cabin is mapped");
    assert!(!geometry.sweep_free(Point2::origin(), Point2::new(2.0, 0.0), 0.1), "it has walls");
    assert!(geometry.sweep_free(Point2::origin(), Point2::new(0.0, 3.0), 0.4), "but not at its door");
}

#[test]
fn a_cabin_too_small_for_a_class_is_a_warning() {
    let site = lift_site().compile(&options(460)).unwrap();
    let lifts = site.warnings().iter().filter(|warning| matches!(warning, MapWarning::LiftTooSmall { .. }));
    assert_eq!(lifts.count(), 3, "{:?}", site.warnings());
}

#[test]
fn a_waypoint_in_a_cabin_belongs_to_the_lift_even_if_nobody_says_so() {
    let mut authored = lift_site();
    authored.waypoints[1].lift = None;
    let site = authored.compile(&options(350)).unwrap();
    assert_eq!(site.waypoints()[1].lift, Some(sheepdog_core::LiftId(0)));
}

#[test]
fn nobody_stops_in_a_swing_on_a_sill_or_in_a_corridor() {
    let mut authored = two_rooms();
    authored.doors[0] = authored.doors[0].clone().hinged(Swing::Left);
    // The leaf swings to the left of from → to, which is towards smaller x.
    for (name, x) in [("sill", 6.3), ("swing", 5.2), ("beyond swing", 4.4), ("other side", 6.5)] {
        authored.waypoints.push(Waypoint::new(name, "L1", x, 1.8));
    }
    for (name, x) in [("in", 2.0), ("middle", 2.5), ("dead end", 3.0)] {
        authored.waypoints.push(Waypoint::new(name, "L1", x, 3.4));
    }
    authored.waypoints.push(Waypoint::new("through", "L1", 9.0, 3.0).with_role(Role::Passthrough));
    authored.waypoints.push(Waypoint::new("at the wall", "L1", 9.0, 0.3));
    authored.lanes.push(Lane::two_way("a", "in"));
    authored.lanes.push(Lane::two_way("in", "middle").in_corridor("c"));
    authored.lanes.push(Lane::two_way("middle", "dead end").in_corridor("c"));
    let site = authored.compile(&options(350)).unwrap();
    let claims = &site.classes()[0];
    let stop = |name: &str| claims.may_stop(site.waypoint_named(name).unwrap());
    let free = ["beyond swing", "other side", "in", "dead end", "a", "b"];
    let blocked = ["sill", "swing", "middle", "through", "at the wall"];
    assert_eq!(free.map(stop), [true; 6]);
    assert_eq!(blocked.map(stop), [false; 5]);
    let corridor = |name: &str| {
        let at = claims.at(site.waypoint_named(name).unwrap());
        at.iter().any(|id| matches!(site.resource(*id), Some(Resource::Corridor(0))))
    };
    assert_eq!(["in", "middle", "dead end"].map(corridor), [false, true, true]);
    assert_eq!(site.corridors(), ["c"]);

    // A sliding door has no swing, but a sill.
    let mut sliding = two_rooms();
    for (name, x) in [("sill", 6.39), ("beyond", 6.41)] {
        sliding.waypoints.push(Waypoint::new(name, "L1", x, 2.0));
    }
    let site = sliding.compile(&options(350)).unwrap();
    let stop = |name: &str| site.classes()[0].may_stop(site.waypoint_named(name).unwrap());
    assert_eq!(["sill", "beyond"].map(stop), [false, true]);
}

#[test]
fn only_the_chosen_roadmap_is_kept() {
    let mut authored = two_rooms();
    authored.lanes = vec![
        Lane { roadmap: Some("small".to_owned()), ..Lane::one_way("a", "b") },
        Lane { roadmap: Some("large".to_owned()), ..Lane::one_way("b", "a") },
    ];
    let lanes = |roadmap: Option<&str>| {
        let options =
            CompileOptions { roadmap: roadmap.map(str::to_owned), spacing: Mm(20_000), ..options(350) };
        let site = authored.compile(&options).unwrap();
        site.lanes().iter().map(|lane| (lane.from.0, lane.to.0)).collect::<Vec<_>>()
    };
    assert_eq!(lanes(Some("small")), [(0, 1)]);
    assert_eq!(lanes(Some("large")), [(1, 0)]);
    assert_eq!(lanes(Some("none")), []);
    assert_eq!(lanes(None), [(0, 1), (1, 0)]);
}

#[test]
fn opposite_one_way_lanes_are_each_others_reverse_and_doubles_are_reported() {
    let mut authored = two_rooms();
    authored.lanes = vec![Lane::one_way("a", "b"), Lane::two_way("b", "a")];
    let options = CompileOptions { spacing: Mm(20_000), ..options(350) };
    let site = authored.compile(&options).unwrap();
    assert_eq!(
        site.lanes().iter().map(|lane| lane.reverse).collect::<Vec<_>>(),
        [Some(LaneId(1)), Some(LaneId(0))]
    );
    assert_eq!(site.warnings(), [MapWarning::DuplicateLane { lane: "a > b".to_owned() }]);
    authored.lanes[0].roadmap = Some("0".to_owned());
    authored.lanes[1] = authored.lanes[1].clone().with_speed_limit(0.4);
    let site = authored.compile(&options).unwrap();
    assert_eq!(site.warnings(), [], "two roadmaps may share a lane");
    assert!(site.lanes().iter().all(|lane| lane.speed_limit == Some(sheepdog_core::MmPerS(400))));
}

#[test]
fn a_lane_is_for_its_classes_alone_each_with_its_limit() {
    let mut authored = two_rooms();
    let lane = |classes: &[&str], limit_mps| Lane {
        classes: classes.iter().map(ToString::to_string).collect(),
        ..Lane::one_way("a", "b").with_speed_limit(limit_mps)
    };
    authored.lanes = vec![lane(&["r200", "cart"], 0.3), lane(&["r100"], 0.9)];
    let compile = |authored: &Site, radii: &[u32]| {
        let classes = radii.iter().map(|radius| class(*radius)).collect();
        let options = CompileOptions { spacing: Mm(20_000), ..CompileOptions::new(classes) };
        authored.compile(&options).unwrap()
    };
    let usable =
        |site: &CompiledSite| site.classes().iter().map(|of| of.usable(LaneId(0))).collect::<Vec<_>>();
    let site = compile(&authored, &[100, 200, 300]);
    assert_eq!(usable(&site), [true, true, false]);
    assert!(site.classes().iter().all(|claims| claims.fits(LaneId(0))));
    assert_eq!(site.lanes()[0].classes, ["cart", "r100", "r200"]);
    assert_eq!(site.warnings(), [], "one lane for each class is no repetition");
    let limit = |radii: &[u32]| compile(&authored, radii).lanes()[0].speed_limit.map(|limit| limit.0);
    assert_eq!(limit(&[100]), Some(900));
    assert_eq!(limit(&[200]), Some(300));
    assert_eq!(limit(&[100, 200]), Some(300));
    assert_eq!(limit(&[300]), Some(300));
    assert_eq!(travel_time(&site, 2), None, "nobody is sent along a lane for others");
    assert!(travel_time(&site, 0).is_some());
    authored.lanes[1].classes.push("cart".to_owned());
    assert_eq!(
        compile(&authored, &[100]).warnings(),
        [MapWarning::DuplicateLane { lane: "a > b".to_owned() }]
    );
    authored.lanes[1].classes.clear();
    assert_eq!(usable(&compile(&authored, &[300])), [true]);
}

/// From a to b at 1 m/s.
fn travel_time(site: &CompiledSite, class: usize) -> Option<Micros> {
    let profile = crate::TravelProfile::robot(sheepdog_core::MmPerS(1_000), class);
    let waits = crate::NominalWaits(site);
    let [from, to] = ["a", "b"].map(|name| site.waypoint_named(name).unwrap());
    crate::travel_times_to(site, profile, &waits, to).from(from)
}

#[test]
fn no_plan_leads_through_a_closed_zone() {
    let open = two_rooms();
    let options = CompileOptions::new(vec![class(200), class(300)]);
    // 0.2 m beside the lane: within reach of either footprint with its envelope.
    let zone = Zone::rectangle("z", "L1", model::ZoneKind::Blocked, [2.0, 2.2], [4.0, 3.0]);
    let with = |zone: Zone| Site { zones: vec![zone], ..open.clone() }.compile(&options).unwrap();
    let times = |site: &CompiledSite| [0, 1].map(|class| travel_time(site, class).is_some());
    assert_eq!(times(&with(zone.clone())), [false, false]);
    let people = Zone { kind: model::ZoneKind::HumanOnly, ..zone.clone() };
    assert_eq!(times(&with(people)), [false, false]);
    let for_one = Zone { classes: vec!["r300".to_owned()], ..zone.clone() };
    assert_eq!(times(&with(for_one)), [true, false]);
    let slow = Zone { kind: model::ZoneKind::SpeedLimit, speed_limit_mps: Some(0.2), ..zone.clone() };
    assert_eq!(times(&with(slow)), [true, true]);
    let nights = model::Schedule { days: Vec::new(), from: "22:00".to_owned(), to: "06:00".to_owned() };
    let at_night = Zone { schedules: vec![nights], ..zone.clone() };
    assert_eq!(times(&with(at_night)), [false, false], "who plans does not know when");

    let site = with(zone);
    let area = |class: &str| site.free_space(LevelId(0), 0.2, Some(class)).unwrap();
    let (free, all) =
        (area("r200"), crate::geometry::FreeSpace::new(&site.levels()[0].geometry, 0.2).unwrap());
    for (x, y, is_free) in
        [(3.0, 2.6, false), (3.0, 2.01, false), (3.0, 1.99, true), (1.0, 2.6, true), (4.19, 2.6, false)]
    {
        assert_eq!(free.contains(Point2::new(x, y)), is_free, "({x}, {y})");
        assert!(all.contains(Point2::new(x, y)));
    }
    assert!(site.free_space(LevelId(0), 0.2, None).unwrap().contains(Point2::new(3.0, 2.6)), "people may");
    let unknown = site.free_space(LevelId(7), 0.2, None).unwrap();
    assert!(unknown.rings().is_empty(), "an unknown level has no floor");
}

#[test]
fn a_robot_keeps_its_heading_on_the_way_back() {
    use crate::model::Orientation::{Any, Backward, Forward};
    let mut authored = two_rooms();
    authored.waypoints[0].yaw_rad = Some(1.5);
    let facing = |authored: &Site| {
        let site = authored.compile(&CompileOptions { spacing: Mm(20_000), ..options(300) }).unwrap();
        assert_eq!(site.waypoints()[0].yaw_rad, Some(1.5));
        site.lanes().iter().map(|lane| lane.orientation).collect::<Vec<_>>()
    };
    assert_eq!(facing(&authored), [Any, Any]);
    authored.lanes[0].orientation = Forward;
    assert_eq!(facing(&authored), [Forward, Backward]);
    authored.lanes = vec![Lane { orientation: Backward, ..Lane::one_way("a", "b") }];
    assert_eq!(facing(&authored), [Backward]);
}

#[test]
fn the_version_follows_the_content() {
    let version = |site: &Site, options: &CompileOptions| site.compile(options).unwrap().version();
    let (site, plain) = (two_rooms(), options(350));
    assert_eq!(version(&site, &plain), version(&site.clone(), &plain));
    let mut versions = vec![version(&site, &plain)];
    let edits: [fn(&mut Site); 7] = [
        |site| site.name.push('!'),
        |site| site.levels[0].elevation_m = 1.0,
        |site| site.doors[0].opening_s = 4.0,
        |site| site.waypoints[0].at[0] += 0.000_001,
        |site| site.waypoints[0].roles.clear(),
        |site| site.rooms[0].polygon[0][0] -= 0.000_001,
        |site| site.stations[0].id.push('!'),
    ];
    for edit in edits {
        let mut edited = site.clone();
        edit(&mut edited);
        versions.push(version(&edited, &plain));
    }
    versions.push(version(&site, &options(351)));
    let count = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), count);
}

#[test]
fn nominal_waits_follow_doors_and_heights() {
    use crate::travel::{NominalWaits, Waits};
    let site = lift_site().compile(&options(350)).unwrap();
    // Half the 4 m run, the 4 m ride, and three door movements of 3 s.
    assert_eq!(
        NominalWaits(&site).lift(sheepdog_core::LiftId(0), LevelId(0), LevelId(1)),
        Micros::from_secs(15)
    );
    assert_eq!(NominalWaits(&site).lift(sheepdog_core::LiftId(9), LevelId(0), LevelId(1)), Micros::MAX);
    let site = two_rooms().compile(&options(350)).unwrap();
    assert_eq!(NominalWaits(&site).door(sheepdog_core::DoorId(0)), Micros::from_secs(3));
}

#[test]
fn the_summary_counts_what_was_compiled() {
    let summary = two_rooms().compile(&options(350)).unwrap().summary();
    assert_eq!((summary.doors, summary.lifts, summary.stations), (1, 0, 1));
    assert_eq!((summary.authored_waypoints, summary.generated_waypoints, summary.lanes), (2, 4, 10));
    assert!((summary.levels[0].area_m2 - 48.0).abs() < 1e-9);
    assert!((summary.lanes_m - 18.0).abs() < 0.01);
}

/// An edit, and an error of the kind it must cause.
type Mutation = (fn(&mut Site), MapError);

#[test]
#[expect(clippy::too_many_lines, reason = "a table with a row per rule")]
fn every_rule_has_a_mutation_that_breaks_it_alone() {
    let text = String::new;
    let range = || MapError::OutOfRange { element: text(), field: "", value: 0.0, low: 0.0, high: 0.0 };
    let unknown = || MapError::UnknownName { element: text(), field: "", name: text() };
    let short = || MapError::TooShort { element: text(), length_m: 0.0, limit_m: 0.0 };
    let degenerate = || MapError::DegenerateRing { element: text(), points: 0, area_m2: 0.0 };
    let crossing = || MapError::SelfIntersection { element: text(), first: 0, second: 0 };
    let mutations: Vec<Mutation> = vec![
        (|site| site.schema = 3, MapError::Schema { found: 3 }),
        (|site| site.levels[0].elevation_m = f64::NAN, range()),
        (|site| site.rooms[0].polygon[0][0] = f64::INFINITY, range()),
        (|site| site.rooms[0].polygon[0][0] = 1e7, range()),
        (|site| site.doors[0].opening_s = f64::NAN, range()),
        (|site| site.doors.push(Door::new("d", "L1", [0.0, 1.0], [0.29, 1.0])), range()),
        (|site| site.doors.push(Door::new("d", "L1", [0.0, 1.0], [10.01, 1.0])), range()),
        (
            |site| site.walls.push(Wall { thickness_m: -0.1, ..Wall::new("L1", [0.0, 1.0], [1.0, 1.0]) }),
            range(),
        ),
        (|site| site.lanes[0].speed_limit_mps = Some(0.0), range()),
        (|site| site.lanes[0].speed_limit_mps = Some(f64::NAN), range()),
        (|site| site.lifts[0].speed_mps = 0.0, range()),
        (|site| site.lifts[0].door_s = -1.0, range()),
        (|site| site.rooms[0].level = "L9".to_owned(), unknown()),
        (|site| site.walls.push(Wall::new("L9", [0.0, 1.0], [1.0, 1.0])), unknown()),
        (|site| site.lanes[0].from = "nowhere".to_owned(), unknown()),
        (|site| site.stations.push(Station::new("s", "nowhere")), unknown()),
        (|site| site.waypoints[1].lift = Some("no lift".to_owned()), unknown()),
        (|site| site.levels.push(Level::new("L1", 9.0)), MapError::DuplicateName { element: text() }),
        (
            |site| site.waypoints.push(Waypoint::new("lobby L1", "L1", 0.0, 4.0)),
            MapError::DuplicateName { element: text() },
        ),
        (|site| site.walls.push(Wall::new("L1", [1.0, 1.0], [1.0, 1.0])), short()),
        (|site| site.lanes.push(Lane::two_way("lobby L1", "lobby L1")), short()),
        (|site| site.rooms[0].polygon.truncate(2), degenerate()),
        (|site| site.rooms[0].polygon = vec![[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], degenerate()),
        (|site| site.rooms[0].polygon = vec![[0.0, 0.0], [3.0, 3.0], [3.0, 0.0], [0.0, 2.0]], crossing()),
        (
            |site| {
                site.rooms[0].polygon =
                    vec![[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [1.0, 3.0], [2.0, 3.0], [0.0, 1.0]];
            },
            crossing(),
        ),
        (
            |site| site.rooms[0].holes.push(vec![[9.0, 9.0], [9.5, 9.0], [9.0, 9.5]]),
            MapError::HoleOutside { element: text(), x_m: 0.0, y_m: 0.0 },
        ),
        (
            |site| site.lanes.push(Lane::two_way("lobby L1", "lobby L2")),
            MapError::LaneAcrossLevels { lane: text(), from_level: text(), to_level: text() },
        ),
        (
            |site| {
                let lift = Lift::new("other", [2.0, 6.0], 1.5, 1.5).with_door("L1", [1.5, 5.25], [2.5, 5.25]);
                site.lifts.push(lift);
                site.waypoints.push(Waypoint::new("other cabin", "L1", 2.0, 6.0).in_lift("other"));
                site.lanes.push(Lane::two_way("cabin L1", "other cabin"));
            },
            MapError::LaneAcrossLifts { lane: text(), from_lift: text(), to_lift: text() },
        ),
        (
            |site| {
                site.lifts.push(Lift::new("other", [2.0, 6.0], 1.5, 1.5).with_door(
                    "L1",
                    [1.5, 5.25],
                    [2.5, 5.25],
                ));
                site.waypoints.push(Waypoint::new("other cabin", "L1", 2.0, 6.81).in_lift("other"));
            },
            MapError::LiftWaypointOutside { waypoint: text(), lift: text(), distance_m: 0.0, limit_m: 0.0 },
        ),
        (
            |site| site.waypoints[3].at = [0.0, 0.11],
            MapError::LiftWaypointsApart {
                lift: text(),
                first: text(),
                second: text(),
                distance_m: 0.0,
                limit_m: 0.0,
            },
        ),
        (
            |site| site.lifts[0].doors.truncate(1),
            MapError::LiftSkipsLevel { waypoint: text(), lift: text(), level: text() },
        ),
        (
            |site| site.lifts[0].doors[0].from[1] += 0.6,
            MapError::LiftDoorApart { door: text(), distance_m: 0.0, limit_m: 0.0 },
        ),
    ];
    let valid = || {
        let mut site = lift_site();
        site.doors.push(Door::new("d0", "L1", [-3.0, 2.0], [-3.0, 3.0]));
        site
    };
    valid().compile(&options(350)).unwrap();
    for (index, (mutate, expected)) in mutations.into_iter().enumerate() {
        let mut site = valid();
        mutate(&mut site);
        let Err(errors) = site.compile(&options(350)) else {
            panic!("mutation {index} was accepted, expected {expected:?}");
        };
        assert_eq!(
            errors.iter().map(discriminant).collect::<Vec<_>>(),
            [discriminant(&expected)],
            "{index}: {errors:?}"
        );
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let mut site = lift_site();
    site.rooms[0].level = "L9".to_owned();
    site.lanes[0].to = "nowhere".to_owned();
    site.lifts[0].width_m = f64::NAN;
    let errors = site.compile(&options(350)).unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts[0], "room \"lobby L1\": level names \"L9\", which does not exist");
}

#[test]
fn limits_hold_for_what_is_generated_too() {
    let limited = |change: fn(&mut CompileLimits)| {
        let mut options = CompileOptions { spacing: Mm(100), ..options(350) };
        change(&mut options.limits);
        two_rooms().compile(&options).unwrap_err()
    };
    let changes: [fn(&mut CompileLimits); 8] = [
        |limits| limits.elements = 1,
        |limits| limits.corners = 7,
        |limits| limits.ring_corners = 3,
        |limits| limits.classes = 0,
        |limits| limits.waypoints = 50,
        |limits| limits.lanes = 50,
        |limits| limits.overlaps = 50,
        |limits| limits.claims = 500,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let errors = limited(change);
        assert!(matches!(errors[..], [MapError::TooMany { .. }]), "{index}: {errors:?}");
    }
    let hostile = CompileOptions { spacing: Mm(0), ..options(350) };
    assert!(matches!(two_rooms().compile(&hostile).unwrap_err()[..], [MapError::OutOfRange { .. }]));
}

/// A hall of 12 m by 4 m with waypoints every metre along its middle, and one zone.
fn hall(zone: Zone) -> Site {
    let mut site = two_rooms();
    site.rooms = vec![Room::rectangle("hall", "L1", 0.0, 0.0, 12.0, 4.0).walled()];
    site.doors.clear();
    site.zones.push(zone);
    site
}

fn stops(site: &CompiledSite, name: &str) -> bool {
    site.classes()[0].may_stop(site.waypoint_named(name).unwrap())
}

#[test]
fn a_part_is_in_a_zone_when_the_footprint_reaches_into_it() {
    let zone = |x0: f64| Zone::rectangle("z", "L1", model::ZoneKind::Stop, [x0, 0.0], [12.0, 4.0]);
    // Radius 0.35 m and margin 0.05 m: the robot at x 10.5 reaches from 10.1 on.
    let site = hall(zone(10.901)).compile(&options(350)).unwrap();
    let (b, class) = (site.waypoint_named("b").unwrap(), &site.classes()[0]);
    assert_eq!(site.zone_named("z"), Some(ZoneId(0)));
    assert_eq!(class.zones_at(b), []);
    let site = hall(zone(10.899)).compile(&options(350)).unwrap();
    let class = &site.classes()[0];
    assert_eq!(class.zones_at(b), [ZoneId(0)]);
    for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
        assert_eq!(!class.zones_along(id).is_empty(), lane.from == b || lane.to == b);
    }
    assert!(stops(&site, "b"), "a zone to stop in is no way out");
}

#[test]
fn nobody_stops_where_a_fire_lane_would_be_narrower_than_the_rule_says() {
    assert_eq!(rules::WAY_OUT.as_str(), "MAP-003");
    let lane = |y1: f64| Zone::rectangle("lane", "L1", model::ZoneKind::FireLane, [0.0, 0.5], [12.0, y1]);
    let at = |y1| hall(lane(y1)).compile(&options(350)).unwrap();
    // The robot covers y 1.6 to 2.4; beside it 1.2 m remain up to y 3.6, and 1.1 m down to y 0.5.
    assert!(stops(&at(3.6), "b") && stops(&at(3.6), "a"));
    assert!(!stops(&at(3.599), "b"), "one millimetre is missing");
    assert!(stops(&at(1.5), "b"), "it does not reach into the lane");
    assert!(!stops(&at(1.7), "b"), "it reaches in, and 1.1 m remain");
    let mut wide = options(350);
    wide.way_out_width = Mm(1_100);
    assert!(stops(&hall(lane(1.7)).compile(&wide).unwrap(), "b"));
}

#[test]
fn nobody_stops_where_a_fire_lane_ends_or_turns() {
    let lane = |x1: f64| Zone::rectangle("lane", "L1", model::ZoneKind::FireLane, [0.0, 0.0], [x1, 4.0]);
    let at = |x1| hall(lane(x1)).compile(&options(350)).unwrap();
    assert!(stops(&at(12.0), "b") && stops(&at(10.0), "b"));
    assert!(!stops(&at(10.5), "b"), "the end of the lane is under it");
}

#[test]
fn nobody_stops_in_front_of_an_exit() {
    let exit = |y0: f64, clear_width_m| {
        let mut site = hall(Zone::rectangle("z", "L1", model::ZoneKind::Stop, [0.0, 0.0], [1.0, 1.0]));
        let door = Door::new("out", "L1", [12.0, y0], [12.0, y0 + 1.6]).as_exit();
        site.doors.push(Door { clear_width_m, ..door });
        site.compile(&options(350)).unwrap()
    };
    // Its ground reaches 1.2 m from the door, to x 10.8; the robot reaches to x 10.9.
    let site = exit(1.2, None);
    assert!(!stops(&site, "b") && stops(&site, "a"));
    let ground = site.zone_named("exit out").unwrap();
    assert_eq!(site.zone(ground).unwrap().kind, crate::ZoneKind::Exit);
    assert_eq!(site.classes()[0].zones_at(site.waypoint_named("b").unwrap()), [ground]);
    assert!(stops(&exit(2.41, None), "b"), "it stands beside the exit");
    assert!(stops(&exit(2.0, None), "b"), "1.2 m remain beside it");
    assert!(!stops(&exit(1.99, None), "b"));
    assert!(
        stops(&exit(2.3, Some(1.2)), "b"),
        "it stands beside the part that is clear when the door is open"
    );
}

#[test]
fn zones_are_refused_with_the_field_that_is_wrong() {
    let refused = |zone: Zone| {
        let mut site = two_rooms();
        site.levels.push(Level::new("L2", 4.0));
        site.doors.push(Door::new("up", "L2", [6.0, 1.5], [6.0, 2.5]));
        site.zones.push(zone);
        site.compile(&options(350)).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let zone = |kind| Zone::rectangle("z", "L1", kind, [0.0, 0.0], [6.0, 4.0]);
    let rule = "a uv_c zone names every door of its room, other zones name none";
    assert_eq!(refused(zone(model::ZoneKind::UvC)), [format!("zone \"z\" names 0 doors: {rule}")]);
    assert_eq!(
        refused(zone(model::ZoneKind::Stop).with_door("d")),
        [format!("zone \"z\" names 1 doors: {rule}")]
    );
    assert_eq!(
        refused(zone(model::ZoneKind::UvC).with_door("x")),
        ["zone \"z\": doors names \"x\", which does not exist"]
    );
    assert_eq!(
        refused(zone(model::ZoneKind::UvC).with_door("up")),
        ["zone \"z\": doors names \"up\", which is on level \"L2\""]
    );
    let flat = Zone { polygon: vec![[0.0, 0.0], [1.0, 0.0]], ..zone(model::ZoneKind::Stop) };
    assert!(refused(flat)[0].starts_with("zone \"z\": a ring needs three corners"));
    let nowhere = Zone { level: "L9".to_owned(), ..zone(model::ZoneKind::Stop) };
    assert_eq!(refused(nowhere), ["zone \"z\": level names \"L9\", which does not exist"]);
}

#[test]
fn a_clear_width_is_no_wider_than_the_door() {
    let refused = |door: Door| {
        let mut site = two_rooms();
        site.doors[0] = door;
        site.compile(&options(350)).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let door = |clear_width_m| Door { clear_width_m, ..Door::new("d", "L1", [6.0, 1.5], [6.0, 2.5]) };
    assert_eq!(refused(door(Some(1.1))), ["door \"d\": clear_width_m is 1.1, must be in 0.3..=1"]);
    assert_eq!(refused(door(Some(1.1)).as_exit()), ["door \"d\": clear_width_m is 1.1, must be in 0.3..=1"]);
}

proptest! {
    /// Wherever a robot may stop in a straight fire lane, a person of 1.2 m width gets past it on one side.
    #[test]
    fn a_way_past_a_standing_robot_remains(
        y0 in 0.0..2.5_f64, width in 0.3..4.0_f64, shift in -3.0..3.0_f64, left in any::<bool>(),
    ) {
        let mut lane = Zone::rectangle("l", "L1", model::ZoneKind::FireLane, [-20.0, y0 + shift], [40.0, y0 + shift + width]);
        if left {
            lane.polygon.reverse();
        }
        let site = hall(lane).compile(&options(350)).unwrap();
        let (low, high) = (y0 + shift, y0 + shift + width);
        let (robot_low, robot_high) = (2.0 - 0.4, 2.0 + 0.4);
        let reaches = robot_low < high && low < robot_high;
        let past = (high - robot_high.max(low)).max(robot_low.min(high) - low);
        if stops(&site, "b") {
            prop_assert!(!reaches || 1.2 - 1e-6 <= past, "{} m remain", past);
        } else {
            prop_assert!(reaches && past < 1.2 + 1e-6, "{} m remain", past);
        }
    }
}

#[test]
fn a_door_that_is_crossed_there_and_back_is_there_twice() {
    let mut site = Site::new("two");
    site.levels.push(Level::new("0", 0.0));
    site.rooms.push(Room::rectangle("hall", "0", 0.0, 0.0, 4.0, 3.0));
    site.rooms.push(Room::rectangle("ward", "0", 4.0, 0.0, 8.0, 3.0));
    site.doors.push(Door::new("door", "0", [4.0, 1.0], [4.0, 2.0]));
    let site = site.compile(&CompileOptions::default()).unwrap();
    let times = |points: &[(f64, f64)]| {
        let points: Vec<_> = points.iter().map(|&(x, y)| Point2::new(x, y)).collect();
        site.doors_along(LevelId(0), &points).len()
    };
    assert_eq!(times(&[(2.0, 1.5), (6.0, 1.5)]), 1);
    assert_eq!(times(&[(2.0, 1.5), (6.0, 1.5), (2.0, 1.4)]), 2);
    assert_eq!(times(&[(2.0, 1.5), (4.0, 1.5), (6.0, 1.5)]), 1, "a corner on the sill");
    assert_eq!(times(&[(2.0, 1.5), (3.0, 1.5), (2.0, 2.0)]), 0);
}
