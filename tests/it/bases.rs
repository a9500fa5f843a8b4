//! Robots on other bases than two driven wheels, with the whole stack.

use std::f64::consts::TAU;

use sheepdog::map::{
    Site,
    model::{Lane, Level, Room, Station, Waypoint},
};
use sheepdog::prelude::Mm;
use sheepdog::scenario::{DeliveryLoad, Scenario, Setup, Summary, World, delivery};
use sheepdog::sim::Kinematics;
use sheepdog::vocabulary::{Micros, Ppm, Sequential};

use crate::common::{self, STORY, ask, carry};

/// Everything is done, nobody has touched anybody, every stop has its reason, and none came of the base.
fn goes_well(setup: Setup) {
    let mut world = World::new(setup).unwrap();
    world.run(&Sequential).unwrap();
    let summary = Summary::of(&mut world, 0.0).unwrap();
    assert_eq!(summary.tasks_done, summary.tasks_requested, "{summary}");
    assert!(summary.overlaps == 0 && summary.unexplained_stops == 0 && summary.ledger_ok, "{summary}");
    for rule in ["ODO-001", "SPD-001", "BRK-001"] {
        assert!(!summary.stops_by_rule.contains_key(rule), "{summary}");
    }
}

#[test]
fn legs_rotors_and_rollers_deliver_as_wheels_do() {
    for base in ["humanoid", "drone", "omnidirectional"] {
        let text = STORY.replace("at = \"bay-0\" }", &format!("at = \"bay-0\", base = \"{base}\" }}"));
        assert!(text.contains(base));
        let mut setup = Scenario::from_toml(&text).unwrap().setup(&common::site(), None, Some(1)).unwrap();
        setup.until_done = true;
        for (number, (from, to)) in
            [("bay-0", "bay-3"), ("bay-5", "bay-2"), ("bay-1", "bay-4")].iter().enumerate()
        {
            let request = carry(&setup, &format!("d{number}"), from, to);
            ask(&mut setup, 1, request);
        }
        goes_well(setup);
    }
}

/// Forty-eight places on a circle of eight metres, one way round: no bend is tighter than steered wheels can take.
fn ring() -> Site {
    let mut site = Site::new("ring");
    site.levels.push(Level::new("floor", 0.0));
    site.rooms.push(Room::rectangle("hall", "floor", 0.0, 0.0, 20.0, 20.0).walled());
    for place in 0..48_u32 {
        let angle = f64::from(place) / 48.0 * TAU;
        let (sin, cos) = libm::sincos(angle);
        let (x_m, y_m) = (10.0 + 8.0 * cos, 10.0 + 8.0 * sin);
        site.waypoints.push(Waypoint::new(format!("p{place}"), "floor", x_m, y_m));
        site.lanes.push(Lane::one_way(format!("p{place}"), format!("p{}", (place + 1) % 48)));
    }
    for place in [0, 16, 32] {
        site.stations.push(Station::new(format!("s{place}"), format!("p{place}")));
    }
    site
}

#[test]
fn steered_wheels_deliver_where_bends_are_wide() {
    let mut setup = Setup::new(&ring(), &Setup::options(Mm(400), Mm(150), None), 1).unwrap();
    let at = |name: &str| setup.site.waypoint_named(name).unwrap();
    let (start, from, to) = (at("p0"), at("p16"), at("p32"));
    let van = setup.add_robot("van", start, Ppm::ONE).unwrap();
    setup.put_on(van, Kinematics::VEHICLE).unwrap();
    setup.duration = Micros::from_secs(900);
    ask(&mut setup, 1, delivery("post".to_owned(), from, to, DeliveryLoad::default()));
    goes_well(setup);
}

#[test]
fn steered_wheels_are_refused_where_they_cannot_turn() {
    let mut setup = common::setup();
    setup.put_on(common::ANNA, Kinematics::VEHICLE).unwrap();
    let refused = World::new(setup).unwrap_err().to_string();
    assert!(refused.starts_with("agent a0 has steered wheels and cannot turn at "), "{refused}");
}

#[test]
fn an_interlock_that_counts_on_quicker_brakes_is_refused() {
    let mut setup = common::setup();
    setup.plant.robots[0].kinematics = Kinematics::HUMANOID;
    let refused = World::new(setup).unwrap_err().to_string();
    assert_eq!(
        refused,
        "agent a0: its brakes act after 0.520 s, its interlock counts on 0.050 s (actuation_delay)"
    );
}
