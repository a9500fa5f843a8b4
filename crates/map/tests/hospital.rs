//! The hospital that examples and tests share: everything in it works for its robots.
#![expect(clippy::unwrap_used, reason = "fixtures of tests")]

use std::collections::BTreeSet;

use sheepdog_core::{Mm, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Resource, Site,
    model::{RoomKind, StationKind},
};

fn authored() -> Site {
    Site::from_toml(include_str!("../../../sites/hospital.toml")).unwrap()
}

fn compiled() -> CompiledSite {
    let class = FootprintClass { name: "robot".to_owned(), radius: Mm(300), margin: Mm(150) };
    authored().compile(&CompileOptions::new(vec![class])).unwrap()
}

/// Everything that can be reached over usable lanes, `site.lanes_from` or `site.lanes_to`.
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
    for (index, lane) in site.lanes().iter().enumerate() {
        let name = |id| &site.waypoint(id).unwrap().name;
        let id = sheepdog_core::LaneId(u32::try_from(index).unwrap());
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
    let lanes = |suffix: char| {
        let site = &site;
        (0..).map(sheepdog_core::LaneId).zip(site.lanes()).filter_map(move |(id, lane)| {
            let on_side = |id| {
                let name = &site.waypoint(id).unwrap().name;
                name.starts_with(['g', 'f']) && name.split(['+', '~', '/', '>', ':']).all(|part| part.contains(suffix))
            };
            (lane.ride.is_none() && on_side(lane.from) && on_side(lane.to)).then_some(id)
        })
    };
    let along_x = |id| {
        let lane = site.lane(id).unwrap();
        let (from, to) = (site.waypoint(lane.from).unwrap(), site.waypoint(lane.to).unwrap());
        from.y_mm == to.y_mm && (from.y_mm == 7_400 || from.y_mm == 8_600)
    };
    let east: BTreeSet<_> =
        lanes('e').filter(|id| along_x(*id)).flat_map(|id| claims.along(id).iter().copied()).collect();
    let west: BTreeSet<_> =
        lanes('w').filter(|id| along_x(*id)).flat_map(|id| claims.along(id).iter().copied()).collect();
    assert!(!east.is_empty() && !west.is_empty());
    let both: Vec<&Resource> = east.intersection(&west).filter_map(|id| site.resource(*id)).collect();
    assert_eq!(both, Vec::<&Resource>::new());
}

#[test]
fn it_has_what_its_readme_promises() {
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

#[test]
#[ignore = "probe"]
fn probe() {
    let site = compiled();
    println!("{:?}", site.summary());
    let claims = site.classes().first().unwrap();
    for (i, w) in site.waypoints().iter().enumerate() {
        if !claims.may_stop(WaypointId(i as u32)) { println!("no stop {} {:?}", w.name, w.at); }
    }
    for w in site.waypoints().iter().filter(|w| !w.authored).take(8) { println!("{}", w.name); }
    let e = site.lanes().iter().map(|l| l.length.0).max();
    println!("longest {e:?}");
    for w in ["g6e", "g5w", "g-lift-front", "g-lift-wait", "g-lift-exit", "g-lift-cabin", "g10w", "pharmacy"] {
        let id = site.waypoint_named(w).unwrap();
        println!("{w}: {:?}", claims.at(id).iter().map(|r| site.resource(*r).unwrap()).collect::<Vec<_>>());
    }
}
