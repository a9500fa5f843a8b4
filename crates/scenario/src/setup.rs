//! Who is where at the start of a run, and what will happen.

use std::{collections::BTreeSet, sync::Arc};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use sheepdog_core::{
    AgentId, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, ResourceId, WaypointId, wire::Action,
};
use sheepdog_dispatch::{Agent, AgentKind, Availability, Battery, Enforcement, Performers, Step};
use sheepdog_fleet::{FleetConfig, Header, HeaderError, TaskRequest};
use sheepdog_interlock::{Config, ConfigError, ValidConfig, packs::map::MapSettings};
use sheepdog_map::{CompileOptions, CompiledSite, FootprintClass, MapError, Site, travel::TravelProfile};
use sheepdog_sim::{
    BeamSpec, ControllerSpec, Gait, Kinematics, PlantConfig, PowerSpec, RadioSpec, RobotSpec,
};

use crate::script::Event;

/// A run before it starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The site.
    pub site: Arc<CompiledSite>,
    /// Header of the ledger.
    pub header: Header,
    /// The fleet.
    pub fleet: FleetConfig,
    /// The plant.
    pub plant: PlantConfig,
    /// What happens, and when; sorted by time when the run starts.
    pub script: Vec<(Micros, Event)>,
    /// The run ends here at the latest.
    pub duration: Micros,
    /// The run ends as soon as every task is over and nothing is left in the script.
    pub until_done: bool,
    /// Seed of everything random.
    pub seed: u64,
}

/// Why a run cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The site does not compile.
    #[error("the site has {} errors, the first: {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Map(Vec<MapError>),
    /// The ledger's header cannot be made.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The interlock's configuration breaks a rule.
    #[error("interlock: {0}")]
    Interlock(#[from] ConfigError),
    /// There are more robots than places where they can stand.
    #[error("{wanted} robots are wanted, there are starting places for {room}")]
    TooManyRobots {
        /// How many were asked for.
        wanted: usize,
        /// How many fit.
        room: usize,
    },
    /// Deliveries need two places.
    #[error("the roadmap has {0} named places that robots can reach, deliveries need two")]
    TooFewPlaces(usize),
}

/// What a random delivery carries and how long it takes at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryLoad {
    /// Mass in grams.
    pub payload_g: u32,
    /// Time to take it on board.
    pub load: Micros,
    /// Time to hand it over.
    pub unload: Micros,
}

impl Default for DeliveryLoad {
    /// 2 kg, 15 s at both ends.
    fn default() -> Self {
        Self { payload_g: 2_000, load: Micros::from_secs(15), unload: Micros::from_secs(15) }
    }
}

/// The interlock of the simulated robots. They turn fast, and a controller that has nothing to do runs five times a second.
///
/// # Errors
/// None in practice; the type says that settings are always checked.
pub fn interlock_config() -> Result<ValidConfig, ConfigError> {
    Config { yaw_rate_max: MradPerS(1_800), cycle_max: Micros::from_millis(200), ..Config::SIMULATED }
        .validate()
}

/// Pieces of lanes, at most: the more places there are to wait, the better robots pass each other.
const SPACING: Mm = Mm(1_300);

/// How fast a simulated robot drives.
const SPEED: MmPerS = MmPerS(1_000);

/// Drain of a simulated robot while it drives, parts per million of a full battery per second.
const DRAIN_PPM_PER_S: u32 = 60;

impl Setup {
    /// The options for robots of one size: radius and margin as in [`FootprintClass`].
    pub fn options(radius: Mm, margin: Mm, roadmap: Option<String>) -> CompileOptions {
        let class = FootprintClass::round("robot", radius, margin);
        CompileOptions { roadmap, spacing: SPACING, ..CompileOptions::new(vec![class]) }
    }

    /// A fleet on a site with nothing to do.
    ///
    /// # Errors
    /// [`SetupError`] if the site does not compile.
    pub fn new(site: &Site, options: &CompileOptions, seed: u64) -> Result<Self, SetupError> {
        let compiled = Arc::new(site.compile(options).map_err(SetupError::Map)?);
        let header = Header::new(site, options, &compiled)?;
        let mut fleet = FleetConfig::standard(Vec::new());
        fleet.seed = seed;
        let plant = PlantConfig {
            tick: Micros::from_millis(50),
            robots: Vec::new(),
            people: Vec::new(),
            walkers: Vec::new(),
            crowds: Vec::new(),
            machines: Vec::new(),
            radio: RadioSpec {
                delay: Micros::from_millis(20),
                jitter: Micros::from_millis(20),
                loss_permille: 5,
                duplicate_permille: 2,
            },
            power: PowerSpec::default(),
        };
        Ok(Self {
            site: compiled,
            header,
            fleet,
            plant,
            script: Vec::new(),
            duration: Micros::from_secs(3_600),
            until_done: true,
            seed,
        })
    }

    /// Adds a robot of footprint class 0, 1 m/s, and returns its id.
    ///
    /// # Errors
    /// [`SetupError::Interlock`] if the interlock's configuration breaks a rule.
    pub fn add_robot(&mut self, name: &str, at: WaypointId, battery: Ppm) -> Result<AgentId, SetupError> {
        self.add_robot_of(0, name, at, battery)
    }

    /// The same of a footprint class, by its place in [`CompileOptions::classes`].
    fn add_robot_of(
        &mut self,
        class: usize,
        name: &str,
        at: WaypointId,
        battery: Ppm,
    ) -> Result<AgentId, SetupError> {
        let id = self.next_id();
        let interlock = interlock_config()?;
        self.fleet.agents.push(Agent {
            id,
            name: name.to_owned(),
            kind: AgentKind::Robot,
            enforcement: Enforcement::Permit,
            skills: BTreeSet::new(),
            payload_g: 20_000,
            shift: None,
            at,
            speed: SPEED,
            class: Some(class),
            battery: Some(Battery {
                charge: battery,
                reserve: Ppm::new(100_000).unwrap_or(Ppm::ZERO),
                drain_ppm_per_s: DRAIN_PPM_PER_S,
            }),
            availability: Availability::Available,
        });
        self.plant.robots.push(RobotSpec {
            agent: id,
            class,
            at,
            speed: SPEED,
            acceleration: MmPerS2(800),
            deceleration: MmPerS2(1_000),
            kinematics: Kinematics::DIFFERENTIAL,
            battery,
            beams: BeamSpec::default(),
            interlock,
            controller: ControllerSpec {
                yaw_rate: MradPerS(1_800),
                report_every: Micros::from_secs(1),
                passage_fresh: Micros::from_millis(1_500),
                fleet_beat_timeout: None,
                map: MapSettings { error_max: Mm(50), ..MapSettings::SIMULATED },
                wall_margin: Mm(50),
                beam_gap_rad: 0.5,
            },
        });
        Ok(id)
    }

    /// Puts a robot on another base, and lets its interlock know how late that brakes and how fast its heading may turn; its
    /// `actuation_delay` is never made shorter. Does nothing for an agent that is no robot.
    ///
    /// # Errors
    /// [`SetupError::Interlock`] if the interlock's configuration breaks a rule with that.
    pub fn put_on(&mut self, agent: AgentId, kinematics: Kinematics) -> Result<(), SetupError> {
        if let Some(robot) = self.plant.robots.iter_mut().find(|robot| robot.agent == agent) {
            let before = robot.interlock.get();
            let actuation_delay = before.actuation_delay.max(kinematics.delay());
            let top = MradPerS(kinematics.heading_rate_max().0 / 10 * 9);
            let rate =
                |before: MradPerS| if kinematics.gait == Gait::Rolling { top } else { before.min(top) };
            let yaw_rate_max = rate(before.yaw_rate_max);
            robot.controller.yaw_rate = rate(robot.controller.yaw_rate);
            robot.interlock = Config { actuation_delay, yaw_rate_max, ..*before }.validate()?;
            robot.kinematics = kinematics;
        }
        Ok(())
    }

    pub(crate) fn next_id(&self) -> AgentId {
        AgentId(u32::try_from(self.fleet.agents.len()).unwrap_or(u32::MAX))
    }

    /// `robots` robots and `tasks` random deliveries between named places, all asked for at the start.
    ///
    /// Robots stand at chargers and parking places first, then at other places of rest of the largest connected part
    /// of the roadmap; with several footprint classes they take turns. Deliveries go between stations on the roadmap in use,
    /// drawn from `seed`.
    ///
    /// # Errors
    /// [`SetupError`] if the site does not compile, or has too few places.
    pub fn random_deliveries(
        site: &Site,
        options: &CompileOptions,
        robots: usize,
        tasks: usize,
        load: DeliveryLoad,
        seed: u64,
    ) -> Result<Self, SetupError> {
        let mut setup = Self::new(site, options, seed)?;
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let starts = setup.starting_places(robots, &mut rng);
        if starts.len() < robots {
            return Err(SetupError::TooManyRobots { wanted: robots, room: starts.len() });
        }
        for (number, (class, at)) in starts.into_iter().enumerate() {
            setup.add_robot_of(class, &format!("robot-{}", number + 1), at, Ppm::ONE)?;
        }
        let places = setup.places();
        if places.len() < 2 {
            return Err(SetupError::TooFewPlaces(places.len()));
        }
        for number in 0..tasks {
            let from = rng.random_range(0..places.len());
            let to = (from + rng.random_range(1..places.len())) % places.len();
            let (Some(from), Some(to)) = (places.get(from), places.get(to)) else { continue };
            let request = delivery(format!("delivery-{}", number + 1), *from, *to, load);
            setup.script.push((Micros::ZERO, Event::Request(request)));
        }
        setup.duration = Micros::from_secs(6 * 3_600);
        // Nobody is there to step in: every task waits for a robot.
        setup.fleet.people_after = Micros::MAX;
        Ok(setup)
    }

    /// Stations on the roadmap in use, by id.
    fn places(&self) -> Vec<WaypointId> {
        let on_roadmap = |waypoint: &WaypointId| !self.site.lanes_from(*waypoint).is_empty();
        let mut places: Vec<WaypointId> =
            self.site.stations().iter().map(|station| station.waypoint).filter(on_roadmap).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// So many places of rest whose claims are disjoint, with classes that take turns; for each class the best first: chargers,
    /// parking places, then others in random order. Fewer if there is no room for more.
    fn starting_places(&self, wanted: usize, rng: &mut Pcg64Mcg) -> Vec<(usize, WaypointId)> {
        let classes = self.site.classes();
        let mut rest: Vec<_> = (0..classes.len()).map(|class| self.resting_places(class, rng)).collect();
        let mut taken: BTreeSet<ResourceId> = BTreeSet::new();
        let mut places = Vec::new();
        while places.len() < wanted {
            let class = places.len() % classes.len().max(1);
            let (Some(claims), Some(rest)) = (classes.get(class), rest.get_mut(class)) else { break };
            let is_free = |place: &WaypointId| claims.at(*place).iter().all(|claim| !taken.contains(claim));
            let Some(place) = rest.by_ref().find(is_free) else { break };
            taken.extend(claims.at(place));
            places.push((class, place));
        }
        places
    }

    /// Where robots of a class may rest in the largest part of the roadmap that they get about in, best first.
    fn resting_places(&self, class: usize, rng: &mut Pcg64Mcg) -> std::vec::IntoIter<WaypointId> {
        let component = self.site.components(class).into_iter().max_by_key(Vec::len).unwrap_or_default();
        let may_stop =
            |place: &WaypointId| self.site.classes().get(class).is_some_and(|claims| claims.may_stop(*place));
        let mut candidates: Vec<(u8, u64, WaypointId)> = component
            .into_iter()
            .filter(may_stop)
            .map(|waypoint| {
                let roles = self.site.waypoint(waypoint).map(|waypoint| waypoint.roles).unwrap_or_default();
                let rank = match (roles.charger, roles.parking) {
                    (true, _) => 0,
                    (false, true) => 1,
                    (false, false) => 2,
                };
                (rank, rng.random(), waypoint)
            })
            .collect();
        candidates.sort_unstable();
        candidates.into_iter().map(|(_, _, waypoint)| waypoint).collect::<Vec<_>>().into_iter()
    }

    /// The travel profile of each robot.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = TravelProfile> + '_ {
        let robots = self.plant.robots.iter();
        robots.map(|robot| TravelProfile { speed: robot.speed, class: Some(robot.class) })
    }

    /// How fast the first robot of each class is; where there is none, 1 m/s.
    pub(crate) fn speeds(&self) -> Vec<MmPerS> {
        let speed =
            |class| self.plant.robots.iter().find(|robot| robot.class == class).map(|robot| robot.speed);
        (0..self.site.classes().len()).map(|class| speed(class).unwrap_or(SPEED)).collect()
    }
}

/// A request to carry something from one waypoint to another, for robots first.
pub fn delivery(name: String, from: WaypointId, to: WaypointId, load: DeliveryLoad) -> TaskRequest {
    TaskRequest {
        name,
        within: None,
        priority: 1,
        skills: BTreeSet::new(),
        payload_g: load.payload_g,
        performers: Performers::RobotsFirst,
        steps: vec![
            Step { place: from, action: Action::Load, duration: load.load, gates: Vec::new() },
            Step { place: to, action: Action::Unload, duration: load.unload, gates: Vec::new() },
        ],
    }
}
