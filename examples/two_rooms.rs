//! Two rooms, one door, one robot, one delivery: every layer once.
//!
//! Run with `cargo run --release --example two_rooms`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;

use sheepdog::map::model::{Door, Lane, Level, Role, Room, Station, StationKind, Waypoint};
use sheepdog::prelude::*;
use sheepdog::scenario::{DeliveryLoad, Event, delivery};
use sheepdog::vocabulary::{Ppm, Sequential};

fn main() -> Result<(), Box<dyn Error>> {
    // 1. The site, in metres: a store and a ward side by side, a sliding door in the wall between them.
    let mut site = Site::new("two rooms");
    site.levels.push(Level::new("ground", 0.0));
    site.rooms.push(Room::rectangle("store", "ground", 0.0, 0.0, 5.0, 4.0).walled());
    site.rooms.push(Room::rectangle("ward", "ground", 5.0, 0.0, 10.0, 4.0).walled());
    site.doors.push(Door::new("ward-door", "ground", [5.0, 1.4], [5.0, 2.6]));
    site.waypoints.push(Waypoint::new("dock", "ground", 1.0, 2.0).with_role(Role::Charger));
    site.waypoints.push(Waypoint::new("shelf", "ground", 3.0, 2.0));
    site.waypoints.push(Waypoint::new("bed", "ground", 8.0, 2.0));
    site.lanes.push(Lane::two_way("dock", "shelf"));
    site.lanes.push(Lane::two_way("shelf", "bed"));
    site.stations.push(Station::new("shelf", "shelf").of_kind(StationKind::Pickup));
    site.stations.push(Station::new("bed", "bed").of_kind(StationKind::Dropoff));

    // 2. One robot of radius 0.25 m with an envelope of 0.15 m starts at the dock.
    let mut setup = Setup::new(&site, &Setup::options(Mm(250), Mm(150), None), 1)?;
    let place = |name: &str| setup.site.waypoint_named(name).ok_or(format!("no waypoint {name}"));
    let (dock, shelf, bed) = (place("dock")?, place("shelf")?, place("bed")?);
    setup.add_robot("rex", dock, Ppm::ONE)?;

    // 3. Somebody wants medicine at the bed.
    let request = delivery("medicine".to_owned(), shelf, bed, DeliveryLoad::default());
    setup.script.push((Micros::from_secs(1), Event::Request(request)));

    // 4. The run: award, plan, release, permit, motion, report, done.
    let mut world = World::new(setup)?;
    world.run(&Sequential)?;

    // 5. The ledger tells the story; replaying it makes the same decisions.
    let task = world.task_named("medicine").ok_or("the task is not known")?;
    let site = world.fleet().site().clone();
    let story = sheepdog::fleet::explain_task(&world.entries()?, &site, task);
    println!("{}", story.ok_or("the ledger does not know the task")?);
    let summary = Summary::of(&mut world, 0.0)?;
    println!("{summary}");
    if summary.tasks_done != 1 || !summary.ledger_ok {
        return Err("the delivery was not done".into());
    }
    Ok(())
}
