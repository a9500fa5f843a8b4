//! A small building for tests: two rooms with a door between them, a lift in the second, and a level above.

use std::sync::Arc;

use sheepdog_core::{AgentId, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, WaypointId};
use sheepdog_interlock::{Config, ValidConfig, packs::map::MapSettings};
use sheepdog_map::{CompileOptions, CompiledSite, FootprintClass, Site};

use crate::{BeamSpec, ControllerSpec, Kinematics, PersonSpec, PlantConfig, PowerSpec, RadioSpec, RobotSpec};

const SITE: &str = r#"
schema = 1
name = "clinic"
level = [{ id = "L0", elevation_m = 0.0 }, { id = "L1", elevation_m = 4.0 }]

[[room]]
id = "west"
level = "L0"
polygon = [[0.0, 0.0], [8.0, 0.0], [8.0, 6.0], [0.0, 6.0]]
walled = true
[[room]]
id = "east"
level = "L0"
polygon = [[8.0, 0.0], [16.0, 0.0], [16.0, 6.0], [8.0, 6.0]]
walled = true
[[room]]
id = "cabin"
level = "L0"
polygon = [[16.0, 2.0], [18.0, 2.0], [18.0, 4.0], [16.0, 4.0]]
walled = true
[[room]]
id = "upper"
level = "L1"
polygon = [[8.0, 0.0], [16.0, 0.0], [16.0, 6.0], [8.0, 6.0]]
walled = true
[[room]]
id = "upper cabin"
level = "L1"
polygon = [[16.0, 2.0], [18.0, 2.0], [18.0, 4.0], [16.0, 4.0]]
walled = true

[[station]]
id = "shelf"
waypoint = "dock"

[[door]]
id = "middle"
level = "L0"
from = [8.0, 2.3]
to = [8.0, 3.7]
opening_s = 2.0

[[lift]]
id = "lift"
at = [17.0, 3.0]
width_m = 1.8
depth_m = 1.8
door_s = 2.0
speed_mps = 1.0
door = [
    { level = "L0", from = [16.0, 2.3], to = [16.0, 3.7] },
    { level = "L1", from = [16.0, 2.3], to = [16.0, 3.7] },
]

[[waypoint]]
id = "dock"
level = "L0"
at = [1.5, 3.0]
roles = ["charger"]
[[waypoint]]
id = "west"
level = "L0"
at = [5.0, 3.0]
[[waypoint]]
id = "east"
level = "L0"
at = [11.0, 3.0]
[[waypoint]]
id = "lobby"
level = "L0"
at = [14.0, 3.0]
[[waypoint]]
id = "cabin"
level = "L0"
at = [17.0, 3.0]
lift = "lift"
[[waypoint]]
id = "upper cabin"
level = "L1"
at = [17.0, 3.0]
lift = "lift"
[[waypoint]]
id = "upper lobby"
level = "L1"
at = [14.0, 3.0]
[[waypoint]]
id = "upper"
level = "L1"
at = [10.0, 3.0]

[[lane]]
from = "dock"
to = "west"
[[lane]]
from = "west"
to = "east"
[[lane]]
from = "east"
to = "lobby"
[[lane]]
from = "lobby"
to = "cabin"
[[lane]]
from = "upper cabin"
to = "upper lobby"
[[lane]]
from = "upper lobby"
to = "upper"
"#;

/// The building, for robots of 0.25 m radius.
pub(crate) fn site() -> Arc<CompiledSite> {
    let class = FootprintClass::round("cart", Mm(250), Mm(100));
    Arc::new(Site::from_toml(SITE).unwrap().compile(&CompileOptions::new(vec![class])).unwrap())
}

pub(crate) fn at(site: &CompiledSite, name: &str) -> WaypointId {
    site.waypoint_named(name).unwrap()
}

/// Robots 0, 1, … and people 100, 101, … at the named places; a perfect radio.
pub(crate) fn config(site: &CompiledSite, robots: &[&str], people: &[&str]) -> PlantConfig {
    let robots = (0..).map(AgentId).zip(robots).map(|(agent, name)| RobotSpec {
        agent,
        class: 0,
        at: at(site, name),
        speed: MmPerS(1_000),
        acceleration: MmPerS2(500),
        deceleration: MmPerS2(1_000),
        kinematics: Kinematics::DIFFERENTIAL,
        battery: Ppm::new(800_000).unwrap(),
        beams: BeamSpec::default(),
        interlock: interlock(),
        controller: ControllerSpec {
            yaw_rate: MradPerS(1_000),
            report_every: Micros::from_secs(1),
            passage_fresh: Micros::from_secs(1),
            fleet_beat_timeout: None,
            map: MapSettings { error_max: Mm(50), ..MapSettings::SIMULATED },
            wall_margin: Mm(50),
            beam_gap_rad: 0.5,
        },
    });
    let people = (100..).map(AgentId).zip(people).map(|(agent, name)| PersonSpec {
        agent,
        at: at(site, name),
        speed: MmPerS(1_200),
        accept_permille: 1_000,
        answer_delay: Micros::from_secs(2),
    });
    PlantConfig {
        machines: Vec::new(),
        tick: Micros::from_millis(50),
        robots: robots.collect(),
        people: people.collect(),
        walkers: Vec::new(),
        crowds: Vec::new(),
        radio: RadioSpec::default(),
        power: PowerSpec::default(),
    }
}

fn interlock() -> ValidConfig {
    Config {
        speed_creep: MmPerS(250),
        yaw_rate_max: MradPerS(1_000),
        cycle_max: Micros::from_millis(200),
        stop_margin: Mm(150),
        clearance_creep: Mm(100),
        ..Config::SIMULATED
    }
    .validate()
    .unwrap()
}
