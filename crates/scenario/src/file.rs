//! Scenario files: a story in TOML.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de};
use sheepdog_core::{
    ActorId, AgentId, Confidence, LevelId, Micros, Mm, MmPerS, Ppm, StationId, StopCategory, WaypointId,
    ZoneId,
    wire::{Action, Fact, ResetStep, StopScope},
};
use sheepdog_dispatch::{Agent, AgentKind, Availability, Enforcement, Gate, Performers, Skill, Step};
use sheepdog_fleet::{Actor, ActorEntry, AlarmScope, Role, TaskRequest};
use sheepdog_map::{CompiledSite, Site};
use sheepdog_sim::{
    CrowdSpec, FAULTS, FaultKind, FaultTarget, Kinematics, MachineSpec, NamedFault, PersonSpec, Victims,
    WalkerSpec,
};

use crate::{
    script::{Event, Moment, Victim},
    setup::{DeliveryLoad, Setup, SetupError, delivery},
};

/// A story: who is there, what they ask for, what goes wrong.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the story is called.
    pub name: String,
    /// Path of the site file, relative to the scenario file.
    pub site: String,
    /// How long the run lasts, seconds.
    pub duration_s: f64,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// Size of the robots.
    pub footprint: Footprint,
    /// How many of the robots take part unless somebody asks for more or fewer; all of them if absent.
    pub crew: Option<usize>,
    /// Robots, in the order in which they take part.
    #[serde(default, rename = "robot")]
    pub robots: Vec<Robot>,
    /// People who can be asked.
    #[serde(default, rename = "person")]
    pub people: Vec<Person>,
    /// People who just walk about.
    #[serde(default, rename = "walker")]
    pub walkers: Vec<Walker>,
    /// Crowds, who stroll about off the roadmap.
    #[serde(default, rename = "crowd")]
    pub crowds: Vec<Crowd>,
    /// Arms and dispensers that load and unload robots.
    #[serde(default, rename = "machine")]
    pub machines: Vec<MachineLine>,
    /// Who may give operator inputs.
    #[serde(default, rename = "actor")]
    pub actors: Vec<ActorLine>,
    /// Streams of deliveries.
    #[serde(default, rename = "deliveries")]
    pub deliveries: Vec<Deliveries>,
    /// Single tasks.
    #[serde(default, rename = "task")]
    pub tasks: Vec<TaskLine>,
    /// Readings of devices.
    #[serde(default, rename = "reading")]
    pub readings: Vec<Reading>,
    /// What breaks.
    #[serde(default, rename = "fault")]
    pub faults: Vec<FaultLine>,
    /// Fire alarms.
    #[serde(default, rename = "fire")]
    pub fires: Vec<FireLine>,
    /// What operators do.
    #[serde(default, rename = "operator")]
    pub operators: Vec<OperatorLine>,
}

/// Size of the robots.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// Radius, metres.
    pub radius_m: f64,
    /// Declared envelope around it, metres.
    pub margin_m: f64,
}

/// A robot.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Robot {
    /// Its name.
    pub name: String,
    /// The waypoint it starts at.
    pub at: String,
    /// What it moves on.
    #[serde(default)]
    pub base: BaseName,
    /// State of charge at the start, percent.
    #[serde(default = "full")]
    pub battery_percent: u32,
    /// What it can do.
    #[serde(default)]
    pub skills: BTreeSet<Skill>,
}

/// People who stroll about off the roadmap.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crowd {
    /// How many.
    pub people: u32,
    /// The waypoints or stations round which they are at the start.
    pub at: Vec<String>,
    /// How long they stand before they go on, seconds.
    pub pause_s: f64,
}

/// A machine at a station.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineLine {
    /// The station.
    pub station: String,
    /// How long it takes to load or unload a robot, seconds.
    pub service_s: f64,
}

/// What a robot moves on, as spelt in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseName {
    /// Two driven wheels.
    #[default]
    Wheels,
    /// Steered wheels, [`Kinematics::VEHICLE`].
    Vehicle,
    /// Legs, [`Kinematics::HUMANOID`].
    Humanoid,
    /// Wheels that roll any way, [`Kinematics::OMNIDIRECTIONAL`].
    Omnidirectional,
    /// Rotors, [`Kinematics::DRONE`]: altitudes are levels.
    Drone,
}

impl From<BaseName> for Kinematics {
    fn from(name: BaseName) -> Self {
        match name {
            BaseName::Wheels => Self::DIFFERENTIAL,
            BaseName::Vehicle => Self::VEHICLE,
            BaseName::Humanoid => Self::HUMANOID,
            BaseName::Omnidirectional => Self::OMNIDIRECTIONAL,
            BaseName::Drone => Self::DRONE,
        }
    }
}

const fn full() -> u32 {
    100
}

/// A person who can be asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their pseudonym.
    pub name: String,
    /// What they are.
    pub kind: AgentKind,
    /// Where they are at the start.
    pub at: String,
    /// What they can do.
    #[serde(default)]
    pub skills: BTreeSet<Skill>,
    /// How many questions in a thousand they accept.
    #[serde(default = "always")]
    pub accept_permille: u32,
    /// How long they take to answer, seconds.
    #[serde(default = "answer_s")]
    pub answer_s: f64,
}

const fn always() -> u32 {
    1_000
}

const fn answer_s() -> f64 {
    8.0
}

/// Somebody who walks about.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walker {
    /// Waypoints in turn.
    pub patrol: Vec<String>,
    /// Stay at each, seconds.
    pub pause_s: f64,
}

/// Somebody who may give operator inputs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorLine {
    /// Their number.
    pub id: u32,
    /// What they may do.
    pub role: RoleName,
    /// Their secret, for the simulation only.
    pub secret: String,
}

/// A role as spelt in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// [`Role::Operator`].
    Operator,
    /// [`Role::Technician`].
    Technician,
    /// [`Role::Staff`].
    Staff,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Operator => Self::Operator,
            RoleName::Technician => Self::Technician,
            RoleName::Staff => Self::Staff,
        }
    }
}

/// A stream of deliveries between stations, in turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deliveries {
    /// Their name; a number is added.
    pub name: String,
    /// How many.
    pub count: u32,
    /// The first one, seconds.
    pub first_s: f64,
    /// From one to the next, seconds.
    pub every_s: f64,
    /// Stations they start at, in turn.
    pub from: Vec<String>,
    /// Stations they end at, in turn.
    pub to: Vec<String>,
    /// Time at either end, seconds.
    #[serde(default = "handling_s")]
    pub handling_s: f64,
}

const fn handling_s() -> f64 {
    15.0
}

/// One task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskLine {
    /// When it is asked for, seconds.
    pub at_s: f64,
    /// Its name.
    pub name: String,
    /// Who may do it.
    #[serde(rename = "for", default)]
    pub performers: PerformersName,
    /// Higher goes first.
    #[serde(default)]
    pub priority: u8,
    /// What the agent must be able to do.
    #[serde(default)]
    pub skills: BTreeSet<Skill>,
    /// What is to be done.
    #[serde(rename = "step")]
    pub steps: Vec<StepLine>,
}

/// Who may do a task, as spelt in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PerformersName {
    /// Robots, people when no robot can.
    #[default]
    RobotsFirst,
    /// Robots alone.
    Robots,
    /// Nurses.
    Nurses,
    /// Technicians.
    Technicians,
}

impl From<PerformersName> for Performers {
    fn from(name: PerformersName) -> Self {
        match name {
            PerformersName::RobotsFirst => Self::RobotsFirst,
            PerformersName::Robots => Self::RobotsOnly,
            PerformersName::Nurses => Self::PeopleOnly(BTreeSet::from([AgentKind::Nurse])),
            PerformersName::Technicians => Self::PeopleOnly(BTreeSet::from([AgentKind::Technician])),
        }
    }
}

/// One step of a task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLine {
    /// The station.
    pub at: String,
    /// What to do.
    pub action: ActionName,
    /// How long it takes, seconds.
    pub seconds: f64,
    /// Readings that must agree before the step may begin.
    pub gate: Option<GateLine>,
}

/// An action as spelt in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionName {
    /// [`Action::Load`].
    Load,
    /// [`Action::Unload`].
    Unload,
    /// [`Action::Attend`].
    Attend,
}

/// Readings that must agree.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateLine {
    /// The quantity.
    pub key: String,
    /// How many different readings.
    pub readings: u8,
    /// How old they may be, seconds.
    pub max_age_s: f64,
    /// How far apart they may lie.
    pub spread_max: i64,
    /// The lowest value that matters.
    pub at_least: Option<i64>,
    /// The highest value that matters.
    pub at_most: Option<i64>,
}

/// A reading of a device.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// When it arrives, seconds.
    pub at_s: f64,
    /// The quantity.
    pub key: String,
    /// The device.
    pub source: String,
    /// The value.
    pub value: i64,
    /// How old it is when it arrives, seconds.
    #[serde(default)]
    pub age_s: f64,
}

/// Something that breaks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultLine {
    /// From when on, seconds.
    pub at_s: f64,
    /// For how long, seconds; as long as the catalogue says if absent, and for the rest of the run if that says nothing.
    pub for_s: Option<f64>,
    /// What breaks: one of the words below, or a name of the catalogue ([`sheepdog_sim::FAULTS`]).
    pub kind: FaultName,
    /// The robot; the first in the right moment if absent.
    pub robot: Option<String>,
    /// The door or lift.
    pub passage: Option<String>,
    /// For `machine`: the station that it is at.
    pub station: Option<String>,
    /// The moment that strikes it.
    #[serde(default)]
    pub when: MomentName,
    /// For `confidence`: what is left, percent.
    pub confidence_percent: Option<f64>,
}

/// What breaks, as spelt in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultName {
    /// Confidence in the sensors drops.
    Confidence,
    /// The drive dies.
    Breakdown,
    /// The radio is silent.
    Radio,
    /// A door does not move.
    Door,
    /// A lift does not move.
    Lift,
    /// A machine does not move.
    Machine,
    /// The button on the robot is pressed.
    EmergencyButton,
    /// A fault of the catalogue.
    Catalogued(NamedFault),
}

/// Words for faults that take a place or a value of their own, and last for the rest of the run.
const FAULT_WORDS: [(&str, FaultName); 7] = [
    ("confidence", FaultName::Confidence),
    ("breakdown", FaultName::Breakdown),
    ("radio", FaultName::Radio),
    ("door", FaultName::Door),
    ("lift", FaultName::Lift),
    ("machine", FaultName::Machine),
    ("emergency_button", FaultName::EmergencyButton),
];

impl<'de> Deserialize<'de> for FaultName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let own = FAULT_WORDS.iter().find(|(own, _)| *own == word).map(|(_, name)| *name);
        let catalogued = || FAULTS.iter().find(|fault| fault.name == word).copied().map(Self::Catalogued);
        own.or_else(catalogued).ok_or_else(|| {
            let names =
                FAULT_WORDS.iter().map(|(word, _)| *word).chain(FAULTS.iter().map(|fault| fault.name));
            let names = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            de::Error::custom(format_args!("unknown fault `{word}`, expected one of {names}"))
        })
    }
}

impl FaultName {
    const fn victims(self) -> Victims {
        match self {
            Self::Door => Victims::Doors,
            Self::Lift => Victims::Lifts,
            Self::Machine => Victims::Machines,
            Self::Confidence | Self::Breakdown | Self::Radio | Self::EmergencyButton => Victims::Agents,
            Self::Catalogued(fault) => fault.kind.victims(),
        }
    }
}

/// A moment, as spelt in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentName {
    /// At once.
    #[default]
    Now,
    /// While driving in a corridor.
    InCorridor,
    /// While driving with a load.
    Loaded,
}

/// A fire alarm: of a zone, of a level, or of the whole site when it names neither.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FireLine {
    /// From when on the panel reports it, seconds.
    pub at_s: f64,
    /// For how long, seconds; for the rest of the run if absent. An operator ends the alarm after that.
    pub for_s: Option<f64>,
    /// The level.
    pub level: Option<String>,
    /// The zone.
    pub zone: Option<String>,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorLine {
    /// When, seconds.
    pub at_s: f64,
    /// Who.
    pub actor: u32,
    /// What.
    #[serde(rename = "do")]
    pub command: OperatorName,
    /// The level, for `stop_level` and `end_fire`.
    pub level: Option<String>,
    /// The zone, for `stop_zone` and `end_fire`.
    pub zone: Option<String>,
    /// The task's name, for `revert`.
    pub task: Option<String>,
    /// The reason, for `revert`.
    pub why: Option<String>,
    /// For `stop_level` and `stop_zone`: wait until a robot drives there.
    #[serde(default)]
    pub when_driving: bool,
}

/// An operator's command, as spelt in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorName {
    /// Stops a level, category 1.
    StopLevel,
    /// Stops a zone, category 1.
    StopZone,
    /// Ends the fire alarm of the zone or level, or of the whole site when it names neither.
    EndFire,
    /// Takes back the newest award, cancellation or approval of a task.
    Revert,
    /// Lets failed robots that work again go on.
    Resume,
    /// First step of the reset of the newest stop.
    Acknowledge,
    /// Second step.
    Start,
}

/// Why a scenario file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file is not of this form.
    #[error("line {line}, column {column}: {message}")]
    Format {
        /// Line, from one.
        line: usize,
        /// Column, from one.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A name that the site does not have.
    #[error("{field}: {kind} {name:?} is not on the site")]
    Unknown {
        /// Where in the file.
        field: String,
        /// Of what kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A value outside its range.
    #[error("{field} is {value}: {rule}")]
    Value {
        /// Where in the file.
        field: String,
        /// The value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The run cannot start.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// The longest a scenario may last, and the latest anything in it may happen: a day.
const DAY_S: f64 = 86_400.0;

/// The most lines a scenario may unfold into.
const EVENTS_MAX: usize = 100_000;

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`ScenarioError::Format`] with line and column.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| {
            let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
            ScenarioError::Format { line, column, message: error.message().replace('\n', " ") }
        })
    }

    /// Turns the story into a run on `site`, with the first `robots` robots and another seed if given.
    ///
    /// # Errors
    /// [`ScenarioError`] naming the line's field, the value and the rule.
    pub fn setup(
        &self,
        site: &Site,
        robots: Option<usize>,
        seed: Option<u64>,
    ) -> Result<Setup, ScenarioError> {
        let radius = length("footprint.radius_m", self.footprint.radius_m)?;
        let margin = length("footprint.margin_m", self.footprint.margin_m)?;
        let mut setup = Setup::new(site, &Setup::options(radius, margin, None), seed.unwrap_or(self.seed))?;
        setup.duration = span("duration_s", self.duration_s)?;
        setup.until_done = false;
        self.add_robots(&mut setup, robots)?;
        self.add_people(&mut setup)?;
        self.add_walkers(&mut setup)?;
        self.add_crowds(&mut setup)?;
        self.add_machines(&mut setup)?;
        setup.fleet.actors = self.actors.iter().map(|line| ActorEntry::of(&line.actor())).collect();
        self.add_deliveries(&mut setup)?;
        self.add_tasks(&mut setup)?;
        self.add_readings(&mut setup)?;
        self.add_faults(&mut setup)?;
        self.add_fires(&mut setup)?;
        self.add_operators(&mut setup)?;
        Ok(setup)
    }

    fn add_robots(&self, setup: &mut Setup, robots: Option<usize>) -> Result<(), ScenarioError> {
        let wanted = robots.or(self.crew).unwrap_or(self.robots.len());
        if self.robots.len() < wanted {
            return Err(SetupError::TooManyRobots { wanted, room: self.robots.len() }.into());
        }
        for (index, robot) in self.robots.iter().enumerate().take(wanted) {
            let at = waypoint(&setup.site, &format!("robot[{index}].at"), &robot.at)?;
            let battery = robot.battery_percent.saturating_mul(10_000);
            let battery = Ppm::new(battery).map_err(|_| ScenarioError::Value {
                field: format!("robot[{index}].battery_percent"),
                value: robot.battery_percent.to_string(),
                rule: "at most 100",
            })?;
            let agent = setup.add_robot(&robot.name, at, battery)?;
            setup.put_on(agent, robot.base.into())?;
            if let Some(agent) = setup.fleet.agents.last_mut() {
                agent.skills.clone_from(&robot.skills);
            }
        }
        Ok(())
    }

    fn add_people(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, person) in self.people.iter().enumerate() {
            let at = waypoint(&setup.site, &format!("person[{index}].at"), &person.at)?;
            let answer_delay = span(&format!("person[{index}].answer_s"), person.answer_s)?;
            let id = setup.next_id();
            let speed = MmPerS(1_200);
            setup.fleet.agents.push(Agent {
                id,
                name: person.name.clone(),
                kind: person.kind,
                enforcement: Enforcement::Advisory,
                skills: person.skills.clone(),
                payload_g: 10_000,
                shift: None,
                at,
                speed,
                class: None,
                battery: None,
                availability: Availability::Available,
            });
            let accept_permille = person.accept_permille;
            setup.plant.people.push(PersonSpec { agent: id, at, speed, accept_permille, answer_delay });
        }
        Ok(())
    }

    fn add_walkers(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, walker) in self.walkers.iter().enumerate() {
            let field = format!("walker[{index}].patrol");
            let places = walker.patrol.iter().map(|name| waypoint(&setup.site, &field, name));
            let patrol = places.collect::<Result<Vec<_>, _>>()?;
            let pause = span(&format!("walker[{index}].pause_s"), walker.pause_s)?;
            setup.plant.walkers.push(WalkerSpec { patrol, speed: MmPerS(1_200), pause });
        }
        Ok(())
    }

    fn add_crowds(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, crowd) in self.crowds.iter().enumerate() {
            let field = format!("crowd[{index}].at");
            let at = crowd.at.iter().map(|name| waypoint(&setup.site, &field, name));
            let at = at.collect::<Result<Vec<_>, _>>()?;
            let pause = span(&format!("crowd[{index}].pause_s"), crowd.pause_s)?;
            setup.plant.crowds.push(CrowdSpec { people: crowd.people, at, speed: MmPerS(1_200), pause });
        }
        Ok(())
    }

    fn add_machines(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.machines.iter().enumerate() {
            let field = |name: &str| format!("machine[{index}].{name}");
            let station = machine_at(&setup.site, &field("station"), Some(&line.station))?;
            if setup.fleet.machines.contains(&station) {
                return Err(value(field("station"), &line.station, "a station without another machine"));
            }
            let service = span(&field("service_s"), line.service_s)?;
            setup.fleet.machines.push(station);
            setup.plant.machines.push(MachineSpec { station, service });
        }
        Ok(())
    }

    fn add_deliveries(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.deliveries.iter().enumerate() {
            let field = |name: &str| format!("deliveries[{index}].{name}");
            let from = stations(&setup.site, &field("from"), &line.from)?;
            let to = stations(&setup.site, &field("to"), &line.to)?;
            let handling = span(&field("handling_s"), line.handling_s)?;
            let load = DeliveryLoad { load: handling, unload: handling, ..DeliveryLoad::default() };
            let first = span(&field("first_s"), line.first_s)?;
            let every = span(&field("every_s"), line.every_s)?;
            let unfolded = setup.script.len() + line.count as usize;
            if EVENTS_MAX < unfolded {
                return Err(value(field("count"), line.count, "a scenario has at most 100000 events"));
            }
            for number in 0..line.count {
                let turn = number as usize;
                let (Some(from), Some(to)) = (from.get(turn % from.len()), to.get(turn % to.len())) else {
                    continue;
                };
                let at =
                    first.as_micros().saturating_add(every.as_micros().saturating_mul(u64::from(number)));
                let request = delivery(format!("{}-{}", line.name, number + 1), *from, *to, load);
                setup.script.push((Micros::new(at), Event::Request(request)));
            }
        }
        Ok(())
    }

    fn add_tasks(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.tasks.iter().enumerate() {
            let at = span(&format!("task[{index}].at_s"), line.at_s)?;
            let steps = line.steps.iter().enumerate();
            let steps = steps
                .map(|(step, line)| line.step(&setup.site, &format!("task[{index}].step[{step}]")))
                .collect::<Result<Vec<_>, _>>()?;
            let request = TaskRequest {
                name: line.name.clone(),
                within: None,
                priority: line.priority,
                skills: line.skills.clone(),
                payload_g: 0,
                performers: line.performers.into(),
                steps,
            };
            setup.script.push((at, Event::Request(request)));
        }
        Ok(())
    }

    fn add_readings(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.readings.iter().enumerate() {
            let at = span(&format!("reading[{index}].at_s"), line.at_s)?;
            let age = span(&format!("reading[{index}].age_s"), line.age_s)?;
            let fact = Fact { key: line.key.clone(), source: line.source.clone(), value: line.value, age };
            setup.script.push((at, Event::Fact(fact)));
        }
        Ok(())
    }

    fn add_faults(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.faults.iter().enumerate() {
            let field = |name: &str| format!("fault[{index}].{name}");
            let at = span(&field("at_s"), line.at_s)?;
            let said = line.for_s.map(|for_s| span(&field("for_s"), for_s)).transpose()?;
            let robot = line.robot.as_ref().map(|name| agent(setup, &field("robot"), name)).transpose()?;
            let victim = match line.kind.victims() {
                Victims::Doors => {
                    Victim::Target(FaultTarget::Door(passage(line, &field("passage"), "door", |name| {
                        setup.site.door_named(name)
                    })?))
                }
                Victims::Lifts => {
                    Victim::Target(FaultTarget::Lift(passage(line, &field("passage"), "lift", |name| {
                        setup.site.lift_named(name)
                    })?))
                }
                Victims::Machines => {
                    let at = machine_at(&setup.site, &field("station"), line.station.as_deref())?;
                    Victim::Target(FaultTarget::Machine(at))
                }
                Victims::Agents => Victim::Robot(robot, line.when.into()),
            };
            let (kind, usual) = match line.kind {
                FaultName::Confidence => {
                    let percent = line.confidence_percent.unwrap_or(0.0);
                    let confidence = Confidence::from_fraction(percent / 100.0)
                        .map_err(|_| value(field("confidence_percent"), percent, "from 0 to 100"))?;
                    (FaultKind::ConfidenceLoss { confidence }, None)
                }
                FaultName::Breakdown => (FaultKind::Breakdown, None),
                FaultName::Radio => (FaultKind::RadioSilence, None),
                FaultName::Door => (FaultKind::DoorStuck, None),
                FaultName::Lift => (FaultKind::LiftStuck, None),
                FaultName::Machine => (FaultKind::MachineStuck, None),
                FaultName::EmergencyButton => (FaultKind::EmergencyButton, None),
                FaultName::Catalogued(fault) => (fault.kind, fault.duration),
            };
            setup.script.push((at, Event::Fault { victim, duration: said.or(usual), kind }));
        }
        Ok(())
    }

    fn add_fires(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.fires.iter().enumerate() {
            let field = format!("fire[{index}]");
            let at = span(&format!("{field}.at_s"), line.at_s)?;
            let scope = alarm_scope(&setup.site, &field, line.level.as_deref(), line.zone.as_deref())?;
            setup.script.push((at, Event::Fire { scope, active: true }));
            if let Some(for_s) = line.for_s {
                let over = at.saturating_add(span(&format!("{field}.for_s"), for_s)?);
                setup.script.push((over, Event::Fire { scope, active: false }));
            }
        }
        Ok(())
    }

    fn add_operators(&self, setup: &mut Setup) -> Result<(), ScenarioError> {
        for (index, line) in self.operators.iter().enumerate() {
            let field = |name: &str| format!("operator[{index}].{name}");
            let at = span(&field("at_s"), line.at_s)?;
            let actor = self.actors.iter().find(|actor| actor.id == line.actor);
            let actor =
                actor.ok_or_else(|| value(field("actor"), line.actor, "one of the [[actor]] ids"))?.actor();
            let event = match line.command {
                OperatorName::StopLevel => {
                    let scope = StopScope::Level(level(&setup.site, &field("level"), line.level.as_deref())?);
                    line.stop(actor, scope)
                }
                OperatorName::StopZone => {
                    let scope = StopScope::Zone(zone(&setup.site, &field("zone"), line.zone.as_deref())?);
                    line.stop(actor, scope)
                }
                OperatorName::EndFire => {
                    let (level, zone) = (line.level.as_deref(), line.zone.as_deref());
                    let scope = alarm_scope(&setup.site, &format!("operator[{index}]"), level, zone)?;
                    Event::EndFire { actor, scope }
                }
                OperatorName::Revert => {
                    let missing = |name| value(field(name), "missing", "the task's name and the reason");
                    let task = line.task.clone().ok_or_else(|| missing("task"))?;
                    let why = line.why.clone().ok_or_else(|| missing("why"))?;
                    Event::Revert { actor, task, why }
                }
                OperatorName::Resume => Event::Resume { actor },
                OperatorName::Acknowledge => Event::Reset { actor, step: ResetStep::Acknowledge },
                OperatorName::Start => Event::Reset { actor, step: ResetStep::Start },
            };
            setup.script.push((at, event));
        }
        Ok(())
    }
}

impl OperatorLine {
    fn stop(&self, actor: Actor, scope: StopScope) -> Event {
        Event::Stop { actor, scope, category: StopCategory::One, when_driving: self.when_driving }
    }
}

impl ActorLine {
    fn actor(&self) -> Actor {
        Actor { id: ActorId(self.id), role: self.role.into(), proof: self.secret.as_bytes().to_vec() }
    }
}

impl From<MomentName> for Moment {
    fn from(name: MomentName) -> Self {
        match name {
            MomentName::Now => Self::Now,
            MomentName::InCorridor => Self::InCorridor,
            MomentName::Loaded => Self::Loaded,
        }
    }
}

impl StepLine {
    fn step(&self, site: &CompiledSite, field: &str) -> Result<Step, ScenarioError> {
        let action = match self.action {
            ActionName::Load => Action::Load,
            ActionName::Unload => Action::Unload,
            ActionName::Attend => Action::Attend,
        };
        let gates = match &self.gate {
            None => Vec::new(),
            Some(gate) => vec![Gate::Consistent {
                key: gate.key.clone(),
                sources: gate.readings,
                max_age: span(&format!("{field}.gate.max_age_s"), gate.max_age_s)?,
                spread_max: gate.spread_max,
                at_least: gate.at_least,
                at_most: gate.at_most,
            }],
        };
        let place = station(site, &format!("{field}.at"), &self.at)?;
        Ok(Step { place, action, duration: span(&format!("{field}.seconds"), self.seconds)?, gates })
    }
}

fn value(field: String, value: impl std::fmt::Display, rule: &'static str) -> ScenarioError {
    ScenarioError::Value { field, value: value.to_string(), rule }
}

fn unknown(field: &str, kind: &'static str, name: &str) -> ScenarioError {
    ScenarioError::Unknown { field: field.to_owned(), kind, name: name.to_owned() }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in 0..=86400")]
fn span(field: &str, seconds: f64) -> Result<Micros, ScenarioError> {
    if (0.0..=DAY_S).contains(&seconds) {
        Ok(Micros::new((seconds * 1e6) as u64))
    } else {
        Err(value(field.to_owned(), seconds, "from 0 to 86400 seconds"))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in 0..=10")]
fn length(field: &str, metres: f64) -> Result<Mm, ScenarioError> {
    if (0.0..=10.0).contains(&metres) {
        Ok(Mm((metres * 1e3 + 0.5) as u32))
    } else {
        Err(value(field.to_owned(), metres, "from 0 to 10 metres"))
    }
}

fn waypoint(site: &CompiledSite, field: &str, name: &str) -> Result<WaypointId, ScenarioError> {
    let at_station =
        || site.station_named(name).and_then(|id| site.station(id)).map(|station| station.waypoint);
    site.waypoint_named(name).or_else(at_station).ok_or_else(|| unknown(field, "waypoint", name))
}

fn station(site: &CompiledSite, field: &str, name: &str) -> Result<WaypointId, ScenarioError> {
    let station = site.station_named(name).and_then(|id| site.station(id));
    station.map(|station| station.waypoint).ok_or_else(|| unknown(field, "station", name))
}

fn stations(site: &CompiledSite, field: &str, names: &[String]) -> Result<Vec<WaypointId>, ScenarioError> {
    if names.is_empty() {
        return Err(value(field.to_owned(), "empty", "at least one station"));
    }
    names.iter().map(|name| station(site, field, name)).collect()
}

fn alarm_scope(
    site: &CompiledSite,
    field: &str,
    level_name: Option<&str>,
    zone_name: Option<&str>,
) -> Result<AlarmScope, ScenarioError> {
    match (level_name, zone_name) {
        (None, None) => Ok(AlarmScope::Site),
        (Some(_), None) => Ok(AlarmScope::Level(level(site, &format!("{field}.level"), level_name)?)),
        (None, Some(_)) => Ok(AlarmScope::Zone(zone(site, &format!("{field}.zone"), zone_name)?)),
        (Some(_), Some(name)) => Err(value(
            format!("{field}.zone"),
            name,
            "absent when a level is named: a zone has its level with it",
        )),
    }
}

fn level(site: &CompiledSite, field: &str, name: Option<&str>) -> Result<LevelId, ScenarioError> {
    let name = name.unwrap_or_default();
    site.level_named(name).ok_or_else(|| unknown(field, "level", name))
}

fn zone(site: &CompiledSite, field: &str, name: Option<&str>) -> Result<ZoneId, ScenarioError> {
    let name = name.unwrap_or_default();
    site.zone_named(name).ok_or_else(|| unknown(field, "zone", name))
}

fn machine_at(site: &CompiledSite, field: &str, name: Option<&str>) -> Result<StationId, ScenarioError> {
    let name = name.unwrap_or_default();
    site.station_named(name).ok_or_else(|| unknown(field, "station", name))
}

fn agent(setup: &Setup, field: &str, name: &str) -> Result<AgentId, ScenarioError> {
    let known = setup.fleet.agents.iter().find(|agent| agent.name == name);
    known.map(|agent| agent.id).ok_or_else(|| unknown(field, "robot", name))
}

fn passage<T>(
    line: &FaultLine,
    field: &str,
    kind: &'static str,
    named: impl Fn(&str) -> Option<T>,
) -> Result<T, ScenarioError> {
    let name = line.passage.as_deref().unwrap_or_default();
    named(name).ok_or_else(|| unknown(field, kind, name))
}
