//! Robots among people who keep to no lanes.

use sheepdog::map::{
    Site,
    model::{Door, Lane, Level, Room, Station, Waypoint},
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
    assert_eq!(refused(setup(20_000)), "crowd 0 is to have 20000 people, the limit is 10000");
}

/// Robots and crowd at the same places, as dense as it gets.
#[test]
fn nobody_begins_where_somebody_is() {
    let world = World::new(setup(150)).unwrap();
    let truth = world.plant().truth();
    assert_eq!((truth.len(), world.plant().overlaps()), (152, 0));
    for (index, one) in truth.iter().enumerate() {
        for other in truth.iter().skip(index + 1) {
            let gap_m = libm::hypot(one.x_m - other.x_m, one.y_m - other.y_m) - one.radius_m - other.radius_m;
            assert!(0.1 < gap_m, "{one:?} {other:?}");
        }
    }
}

/// How far each of a crowd goes in eighty seconds, metres; a wall with a shut door divides the hall.
fn strolled(people: u32) -> Vec<f64> {
    let mut site = hall();
    site.rooms.clear();
    site.rooms.push(Room::rectangle("west", "floor", 0.0, 0.0, 12.0, 16.0).walled());
    site.rooms.push(Room::rectangle("east", "floor", 12.0, 0.0, 24.0, 16.0).walled());
    site.doors.push(Door::new("door", "floor", [12.0, 3.0], [12.0, 5.0]));
    site.lanes.retain(|lane| (lane.from.as_str(), lane.to.as_str()) != ("c", "d"));
    let mut setup = Setup::new(&site, &Setup::options(Mm(300), Mm(150), None), 4).unwrap();
    let at = vec![setup.site.waypoint_named("a").unwrap()];
    setup.plant.crowds.push(CrowdSpec { people, at, speed: MmPerS(1_200), pause: Micros::new(0) });
    setup.until_done = false;
    let mut world = World::new(setup).unwrap();
    let mut gone = vec![0.0; people as usize];
    for second in 0..200 {
        let before = world.plant().truth();
        for _ in 0..20 {
            world.step(&Sequential).unwrap();
        }
        for (gone, (one, other)) in gone.iter_mut().zip(before.iter().zip(world.plant().truth())) {
            // After two minutes, some of them at the door, they still go elsewhere.
            if second >= 120 {
                *gone += libm::hypot(one.x_m - other.x_m, one.y_m - other.y_m);
            }
        }
    }
    gone
}

#[test]
fn a_shut_door_holds_nobody_and_a_dense_crowd_is_slow() {
    let few = strolled(3);
    assert!(few.iter().all(|gone_m| *gone_m > 20.0), "{few:?}");
    let many = strolled(60);
    assert!(many.iter().all(|gone_m| *gone_m > 1.0), "{many:?}");
    let mean = |gone: &[f64]| gone.iter().sum::<f64>() / f64::from(u32::try_from(gone.len()).unwrap());
    assert!(mean(&many) < 0.75 * mean(&few), "{} {}", mean(&many), mean(&few));
}
