//! The hospital that examples and tests share: everything in it works for its robots.
#![expect(clippy::unwrap_used, reason = "fixtures of tests")]

use std::collections::BTreeSet;

use sheepdog_core::{LaneId, Mm, ResourceId, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Resource, Site,
    model::{RoomKind, StationKind},
};

fn authored() -> Site {
    Site::from_toml(include_str!("../../../sites/hospital.toml")).unwrap()
}

fn compiled() -> CompiledSite {
    let class = FootprintClass::round("robot", Mm(300), Mm(150));
    authored().compile(&CompileOptions::new(vec![class])).unwrap()
}

/// Everything that can be reached over usable lanes.
fn reachable(site: &CompiledSite, from: WaypointId) -> BTreeSet<WaypointId> {
    let claims = site.classes().first().unwrap();
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for lane in site.lanes_from(at).iter().filter(|lane| claims.usable(**lane)) {
            let to = site.lane(*lane).unwrap().to;
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    seen
}

#[test]
fn it_compiles_without_a_warning_and_every_lane_is_usable() {
    let site = compiled();
    assert_eq!(site.warnings(), []);
    let claims = site.classes().first().unwrap();
    for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
        let name = |id| &site.waypoint(id).unwrap().name;
        assert!(claims.usable(id), "{} -> {}", name(lane.from), name(lane.to));
    }
}

#[test]
fn every_station_reaches_every_station_and_may_be_stopped_at() {
    let site = compiled();
    let claims = site.classes().first().unwrap();
    for station in site.stations() {
        assert!(claims.may_stop(station.waypoint), "{}", station.name);
        let reached = reachable(&site, station.waypoint);
        for other in site.stations() {
            assert!(reached.contains(&other.waypoint), "{} does not reach {}", station.name, other.name);
        }
    }
}

/// Robots that pass each other on the two lanes of a corridor hold nothing in common.
#[test]
fn opposite_lanes_of_a_corridor_do_not_conflict() {
    let site = compiled();
    let claims = site.classes().first().unwrap();
    let along = |y_mm: i32| -> BTreeSet<ResourceId> {
        let on = |id| site.waypoint(id).is_some_and(|way| way.y_mm == y_mm);
        let lanes = (0..).map(LaneId).zip(site.lanes()).filter(|(_, lane)| on(lane.from) && on(lane.to));
        lanes.flat_map(|(id, _)| claims.along(id).iter().copied()).collect()
    };
    let (east, west) = (along(7_400), along(8_600));
    assert!(40 < east.len() && 40 < west.len(), "{} {}", east.len(), west.len());
    let both: Vec<&Resource> = east.intersection(&west).filter_map(|id| site.resource(*id)).collect();
    assert_eq!(both, Vec::<&Resource>::new());
}

/// A robot that leaves the lift needs no place at which another waits for it.
#[test]
fn who_leaves_the_lift_does_not_meet_who_waits_for_it() {
    let site = compiled();
    let claims = site.classes().first().unwrap();
    for floor in ["g", "f"] {
        let way = |name: &str| site.waypoint_named(&format!("{floor}-lift-{name}")).unwrap();
        let out = [("cabin", "front"), ("front", "exit")].map(|(from, to)| {
            let leaves = |lane: &&LaneId| site.lane(**lane).is_some_and(|lane| lane.to == way(to));
            *site.lanes_from(way(from)).iter().find(leaves).unwrap()
        });
        assert!(
            claims.may_stop(way("exit")) && claims.may_stop(way("wait")) && !claims.may_stop(way("front"))
        );
        for waiting in ["wait", "queue"] {
            let waits = claims.at(way(waiting));
            assert!(out.iter().all(|lane| claims.along(*lane).iter().all(|claim| !waits.contains(claim))));
        }
    }
}

#[test]
fn it_is_as_large_as_its_users_count_on() {
    let site = authored();
    let rooms = site.rooms.iter().filter(|room| room.kind != RoomKind::Corridor).count();
    assert!(22 <= rooms, "{rooms}");
    let kind = |kind| site.stations.iter().filter(|station| station.kind == kind).count();
    assert_eq!(kind(StationKind::Charger), 6);
    assert_eq!((site.levels.len(), site.lifts.len()), (2, 1));
    let widths_m = site.doors.iter().map(|door| {
        let ([ax, ay], [bx, by]) = (door.from, door.to);
        ((bx - ax).powi(2) + (by - ay).powi(2)).sqrt()
    });
    assert!(widths_m.into_iter().all(|width_m| 1.1 <= width_m));
}
