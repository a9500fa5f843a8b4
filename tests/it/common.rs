//! A small building and the people who work in it.

use std::{fs, path::PathBuf};

use sheepdog::fleet::{Actor, Entry, Input, OperatorCommand, Record, Role, TaskRequest};
use sheepdog::map::Site;
use sheepdog::scenario::{DeliveryLoad, Event, Scenario, Setup, World, delivery};
use sheepdog::sim::RadioSpec;
use sheepdog::vocabulary::{ActorId, AgentId, FleetTime, Micros, Sequential, WaypointId};
use sheepdog_testkit::{Bay, Blueprint, Shape};

/// Two robots, a nurse and a technician, and somebody in every role.
pub(crate) const STORY: &str = r#"
name = "small"
site = "in code"
duration_s = 1800.0
footprint = { radius_m = 0.25, margin_m = 0.15 }
robot = [{ name = "anna", at = "bay-0" }, { name = "bert", at = "bay-5" }]
person = [
    { name = "nurse", kind = "nurse", at = "bay-2" },
    { name = "technician", kind = "technician", at = "bay-4" },
]
actor = [
    { id = 1, role = "operator", secret = "o" },
    { id = 2, role = "technician", secret = "t" },
    { id = 3, role = "staff", secret = "s" },
]
"#;

pub(crate) const ANNA: AgentId = AgentId(0);
pub(crate) const BERT: AgentId = AgentId(1);
pub(crate) const NURSE: AgentId = AgentId(2);
pub(crate) const TECHNICIAN: AgentId = AgentId(3);

/// A corridor with three niches north and three south: `bay-0` and `bay-1` in the west, `bay-4` and `bay-5` in the east.
pub(crate) fn site() -> Site {
    let shape = Shape::Corridor(vec![[Bay::Open; 2]; 3]);
    Blueprint { shape, pitch_m: 3, upper: false, chargers: 0, one_way: None, cut_off: None }.site()
}

/// The small story with a perfect radio.
pub(crate) fn setup() -> Setup {
    let mut setup = Scenario::from_toml(STORY).unwrap().setup(&site(), None, Some(1)).unwrap();
    setup.plant.radio = RadioSpec::default();
    setup
}

pub(crate) fn place(setup: &Setup, name: &str) -> WaypointId {
    setup.site.waypoint_named(name).unwrap()
}

/// A delivery of five seconds at either end.
pub(crate) fn carry(setup: &Setup, name: &str, from: &str, to: &str) -> TaskRequest {
    let handling = Micros::from_secs(5);
    let load = DeliveryLoad { load: handling, unload: handling, ..DeliveryLoad::default() };
    delivery(name.to_owned(), place(setup, from), place(setup, to), load)
}

pub(crate) fn ask(setup: &mut Setup, at_s: u64, request: TaskRequest) {
    setup.script.push((Micros::from_secs(at_s), Event::Request(request)));
}

pub(crate) fn actor(id: u32, role: Role, secret: &str) -> Actor {
    Actor { id: ActorId(id), role, proof: secret.as_bytes().to_vec() }
}

pub(crate) fn operator() -> Actor {
    actor(1, Role::Operator, "o")
}

pub(crate) fn command(world: &mut World, command: OperatorCommand) -> Result<(), String> {
    world.input(Input::Operator { actor: operator(), command }).map_err(|error| error.to_string())
}

/// Runs until the given second of the run.
pub(crate) fn run_until(world: &mut World, second: u64) {
    while world.now() < FleetTime::from_micros(second * 1_000_000) {
        world.step(&Sequential).unwrap();
    }
}

/// Runs until no task is open, for an hour at most.
pub(crate) fn run_until_done(world: &mut World) {
    run_until(world, world.now().as_micros() / 1_000_000 + 2);
    while 0 < world.fleet().open_tasks() && world.now() < FleetTime::from_micros(3_600_000_000) {
        world.step(&Sequential).unwrap();
    }
}

pub(crate) fn has(entries: &[Entry], fits: impl Fn(&Record) -> bool) -> bool {
    entries.iter().any(|entry| fits(&entry.record))
}

/// A folder of this test's own that is gone afterwards.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sheepdog-{name}-{}", std::process::id()));
        // Nobody minds if it was not there.
        let _absent = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _absent = fs::remove_dir_all(&self.0);
    }
}
