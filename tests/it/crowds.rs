//! Robots among people who keep to no lanes.

use sheepdog::map::{
    Site,
    model::{Lane, Level, Room, Station, Waypoint},
};
use sheepdog::prelude::Mm;
use sheepdog::scenario::{DeliveryLoad, Setup, Summary, World, delivery};
use sheepdog::sim::{BodyKind, CrowdSpec, PlantError};
use sheepdog::vocabulary::{Micros, MmPerS, Ppm, Sequential};

use crate::common::ask;

/// A hall with a street round a square in its middle.
fn hall() -> Site {
    let mut site = Site::new("hall");
    site.levels.push(Level::new("floor", 0.0));
    site.rooms.push(Room::rectangle("hall", "floor", 0.0, 0.0, 24.0, 16.0).walled());
    let corners = [("a", 4.0, 4.0), ("b", 20.0, 4.0), ("c", 20.0, 12.0), ("d", 4.0, 12.0)];
    for (name, x_m, y_m) in corners {
        site.waypoints.push(Waypoint::new(name, "floor", x_m, y_m));
        site.stations.push(Station::new(name, name));
    }
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")] {
        site.lanes.push(Lane::two_way(from, to));
    }
    site
}

fn setup(people: u32) -> Setup {
    let mut setup = Setup::new(&hall(), &Setup::options(Mm(300), Mm(150), None), 4).unwrap();
    let at = |name: &str| setup.site.waypoint_named(name).unwrap();
    let places @ [a, b, c, d] = [at("a"), at("b"), at("c"), at("d")];
    setup.add_robot("anna", a, Ppm::ONE).unwrap();
    setup.add_robot("bert", c, Ppm::ONE).unwrap();
    let (speed, pause) = (MmPerS(1_200), Micros::from_secs(3));
    setup.plant.crowds.push(CrowdSpec { people, at: places.to_vec(), speed, pause });
    for (number, (from, to)) in [(a, c), (d, b), (c, a), (b, d)].into_iter().enumerate() {
        ask(&mut setup, 1, delivery(format!("d{number}"), from, to, DeliveryLoad::default()));
    }
    setup
}

#[test]
fn a_crowd_strolls_everywhere_and_robots_work_among_it() {
    let mut world = World::new(setup(16)).unwrap();
    let (mut off_lanes, mut least_m) = (0, f64::INFINITY);
    while !world.is_over() {
        world.step(&Sequential).unwrap();
        let truth = world.plant().truth();
        let people: Vec<_> = truth.iter().filter(|body| body.kind == BodyKind::Walker).collect();
        assert_eq!(people.len(), 16);
        for (index, one) in people.iter().enumerate() {
            // The street is four metres off every wall, so whoever is nearer to one has left it.
            let from_wall_m = one.x_m.min(24.0 - one.x_m).min(one.y_m.min(16.0 - one.y_m));
            off_lanes += u32::from(from_wall_m < 2.5);
            assert!(0.15 < from_wall_m, "in a wall: {one:?}");
            for other in people.iter().skip(index + 1) {
                least_m = least_m.min(libm::hypot(one.x_m - other.x_m, one.y_m - other.y_m) - 0.5);
            }
        }
    }
    assert!(off_lanes > 1_000, "{off_lanes}");
    assert!(0.0 < least_m, "people walked into each other: {least_m}");
    let summary = Summary::of(&mut world, 0.0).unwrap();
    assert!(summary.tasks_done == 4 && summary.overlaps == 0 && summary.unexplained_stops == 0, "{summary}");
}

#[test]
fn a_crowd_without_room_is_refused() {
    let refused = |setup: Setup| World::new(setup).unwrap_err().to_string();
    let text = refused(setup(5_000));
    assert!(text.starts_with("crowd 0 has room for ") && text.ends_with(" of 5000 people"), "{text}");
    let mut nowhere = setup(1);
    nowhere.plant.crowds[0].at.clear();
    assert_eq!(refused(nowhere), PlantError::NoRoom { crowd: 0, wanted: 1, room: 0 }.to_string());
}
