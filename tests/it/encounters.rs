//! Meetings that users of other fleet managers report as deadlocks: everybody gets across.

use std::collections::BTreeSet;

use sheepdog::dispatch::Skill;
use sheepdog::fleet::TaskStatus;
use sheepdog::map::Site;
use sheepdog::map::model::{Lane, Level, Room, Station, Waypoint};
use sheepdog::scenario::{DeliveryLoad, Event, Setup, World, delivery};
use sheepdog::vocabulary::{Micros, Mm, Ppm, Sequential};
use sheepdog_testkit::check;

/// A hall in which lanes alone say where robots drive.
struct Drawing(Site);

impl Drawing {
    fn new(name: &str, [x0_m, y0_m, x1_m, y1_m]: [f64; 4]) -> Self {
        let mut site = Site::new(name);
        site.levels.push(Level::new("floor", 0.0));
        site.rooms.push(Room::rectangle("hall", "floor", x0_m, y0_m, x1_m, y1_m).walled());
        Self(site)
    }

    fn place(&mut self, name: &str, x_m: f64, y_m: f64) {
        self.0.waypoints.push(Waypoint::new(name, "floor", x_m, y_m));
        self.0.stations.push(Station::new(name, name));
    }

    /// A lane in both directions.
    fn lane(&mut self, from: &str, to: &str) {
        self.0.lanes.push(Lane::two_way(from, to));
    }

    /// A robot at the first place of each pair, that has to fetch something at the second; the run ends when all have.
    fn play(&self, trips: &[(&str, &str)]) {
        let options = Setup::options(Mm(250), Mm(150), None);
        let mut setup = Setup::new(&self.0, &options, 1).unwrap();
        for (from, to) in trips {
            let at = setup.site.waypoint_named(from).unwrap();
            let place = setup.site.waypoint_named(to).unwrap();
            let robot = setup.add_robot(from, at, Ppm::ONE).unwrap();
            // Nobody else can do it.
            let skills = BTreeSet::from([Skill(format!("from {from}"))]);
            let agent = setup.fleet.agents.iter_mut().find(|agent| agent.id == robot).unwrap();
            agent.skills.clone_from(&skills);
            let mut request = delivery(format!("to {to}"), place, place, DeliveryLoad::default());
            request.skills = skills;
            setup.script.push((Micros::ZERO, Event::Request(request)));
        }
        setup.duration = Micros::from_secs(900);
        setup.fleet.people_after = Micros::MAX;
        let mut world = World::new(setup).unwrap();
        world.run(&Sequential).unwrap();
        for (task, name, status) in world.fleet().tasks() {
            assert!(matches!(status, TaskStatus::Done(_)), "{task} {name}: {status:?} after {}", world.now());
        }
        assert_eq!(world.fleet().stats().done, trips.len());
        assert_eq!(world.plant().overlaps(), 0);
        let (entries, site) = (world.entries().unwrap(), world.setup().site.clone());
        check::no_task_lost_or_done_twice(&entries).unwrap();
        check::every_decision_holds(&entries, &site).unwrap();
    }
}

/// One lane, one niche in the middle: one waits in it until the other has passed.
#[test]
fn two_robots_swap_the_ends_of_a_corridor_with_a_bay() {
    let mut drawing = Drawing::new("corridor", [0.0, 0.0, 22.0, 4.0]);
    drawing.place("west", 1.0, 1.0);
    drawing.place("middle", 11.0, 1.0);
    drawing.place("bay", 11.0, 3.0);
    drawing.place("east", 21.0, 1.0);
    drawing.lane("west", "middle");
    drawing.lane("middle", "east");
    drawing.lane("middle", "bay");
    drawing.play(&[("west", "east"), ("east", "west")]);
}

/// Three come from the west and two from the east, with three places on either side and one lane between them.
#[test]
fn five_robots_meet_in_a_two_way_lane() {
    let mut drawing = Drawing::new("lane", [-4.0, 0.0, 20.0, 8.0]);
    for (side, x_m, out_m) in [("west", 1.0, -3.0), ("east", 15.0, 19.0)] {
        drawing.place(side, x_m, 4.0);
        for (number, y_m) in [(1, 1.0), (2, 4.0), (3, 7.0)] {
            let name = format!("{side} {number}");
            drawing.place(&name, out_m, y_m);
            drawing.lane(side, &name);
        }
    }
    drawing.lane("west", "east");
    drawing.play(&[
        ("west 1", "east 3"),
        ("west 2", "east 2"),
        ("west 3", "east 1"),
        ("east 1", "west 1"),
        ("east 2", "west 3"),
    ]);
}

/// Two robots stand at the end of each of four arms, and all have to get to the end of the opposite one: every place is taken, and
/// nobody can pass anybody but at the crossing.
#[test]
fn eight_robots_cross_each_other() {
    let mut drawing = Drawing::new("crossing", [-12.0, -12.0, 12.0, 12.0]);
    drawing.place("crossing", 0.0, 0.0);
    let arms = [("north", 0.0, 1.0), ("east", 1.0, 0.0), ("south", 0.0, -1.0), ("west", -1.0, 0.0)];
    for (arm, x, y) in arms {
        drawing.place(arm, 7.0 * x, 7.0 * y);
        drawing.lane("crossing", arm);
        for (side, aside) in [("left", -1.5), ("right", 1.5)] {
            let name = format!("{arm} {side}");
            drawing.place(&name, 9.5 * x - aside * y, 9.5 * y + aside * x);
            drawing.lane(arm, &name);
        }
    }
    drawing.play(&[
        ("north left", "south left"),
        ("north right", "south right"),
        ("south left", "north left"),
        ("south right", "north right"),
        ("east left", "west left"),
        ("east right", "west right"),
        ("west left", "east left"),
        ("west right", "east right"),
    ]);
}
