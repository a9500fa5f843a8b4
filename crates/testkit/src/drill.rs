//! Faults, one or several at once, on a robot at rest, cruising, turning, in a lift or stopping: what finds them, when, and
//! how far the robot still goes.
//!
//! A [`Drill`] is a few lines of data. It sends one simulated robot from a dock round a corner, through a door and up a
//! lift, lets its faults strike in a [`MotionState`], and says in [`Drilled`] what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use sheepdog_core::{
    AgentId, DoorId, Epoch, FleetTime, LaneId, LiftId, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, RuleId,
    Sequential, StopCategory, StopGeneration, WaypointId,
    wire::{Beat, DoorState, Passage, PeripheralCommand, Release, StopOrder, StopScope, ToAgent},
};
use sheepdog_interlock::{
    Config, Decision, PERMIT_TTL_MAX, ValidConfig, Verdict, packs::map::MapSettings, stopping_distance,
};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, NominalWaits, Site, TravelProfile, shortest_path,
};
use sheepdog_sim::{
    BeamSpec, ControllerSpec, Fault, FaultKind, FaultTarget, NamedFault, Plant, PlantConfig, PowerSpec,
    RadioSpec, RobotSpec, Truth, Victims,
};

use crate::check::Violation;

const ROBOT: AgentId = AgentId(0);
const DOOR: DoorId = DoorId(0);
const LIFT: LiftId = LiftId(0);
const TICK: Micros = Micros::from_millis(50);
/// How long a drill lasts at most.
const DRILL_MAX: Micros = Micros::from_secs(150);
/// How long a robot at rest is watched while its faults are on, at most.
const REST_MAX: Micros = Micros::from_secs(25);
/// Below it a robot stands, metres per second.
const STANDING_MPS: f64 = 0.02;

/// What a robot does when a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MotionState {
    /// It stands, and has no release yet.
    AtRest,
    /// It drives at nearly full speed.
    Cruising,
    /// It turns on the spot.
    Turning,
    /// It stands in the cabin of a lift whose door is not open.
    InLift,
    /// It was told to stop, and still moves.
    Stopping,
}

impl MotionState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::AtRest, Self::Cruising, Self::Turning, Self::InLift, Self::Stopping];
}

impl fmt::Display for MotionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AtRest => "at rest",
            Self::Cruising => "cruising",
            Self::Turning => "turning",
            Self::InLift => "in a lift",
            Self::Stopping => "stopping",
        })
    }
}

/// Faults that strike at once, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// What goes wrong; [`sheepdog_sim::FAULTS`] has names for it.
    pub faults: Vec<NamedFault>,
    /// What the robot does at that moment.
    pub state: MotionState,
    /// Where noise comes from.
    pub seed: u64,
}

/// How a drill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The robot is where it was sent.
    There,
    /// It waits for a person.
    Latched,
    /// It waits for a release, a door, a lift or its sensors.
    Waiting,
}

/// A stop of a robot that moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The rule that stopped it.
    pub rule: RuleId,
    /// How long after the faults struck.
    pub after: Micros,
    /// How fast it was.
    pub speed: MmPerS,
    /// How far it still went.
    pub way: Mm,
    /// How far the interlock expected it to go at most.
    pub predicted: Mm,
}

/// What came of a [`Drill`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drilled {
    /// When the faults struck; `None` when the robot never came into the state.
    pub onset: Option<FleetTime>,
    /// How long after that each of them first made a difference, in the order of the drill.
    pub effects: Vec<Option<Micros>>,
    /// Rules that fired and had not fired before, and how long after the onset.
    pub found: BTreeMap<RuleId, Micros>,
    /// The first stop after the onset.
    pub stop: Option<Stop>,
    /// Stops whose evidence does not hold, or whose rule has not fired.
    pub unexplained: u32,
    /// How far the robot went while it gained speed without a live permit.
    pub unpermitted: Mm,
    /// How often it has begun to overlap somebody.
    pub overlaps: u64,
    /// How it ended.
    pub end: End,
}

impl Drill {
    /// Plays it. The same drill always comes out the same.
    ///
    /// # Errors
    /// Text that says what of the drill's own building or robot does not fit: a fault of this kit.
    pub fn play(&self) -> Result<Drilled, String> {
        let site = Arc::new(site()?);
        let interlock = interlock()?;
        let mut run = Run::new(self, &site, &interlock)?;
        while run.plant.now() < FleetTime::ZERO + DRILL_MAX {
            run.step(&site);
        }
        Ok(run.finish())
    }
}

impl Drilled {
    /// Whether every promise was kept: every stop explained, nobody touched, and, unless the base itself or its odometer is
    /// at fault, no motion without a permit and no stop longer than the interlock expected.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn keeps_its_promises(&self, drill: &Drill) -> Result<(), Violation> {
        let names = || drill.faults.iter().map(|fault| fault.name).collect::<Vec<_>>().join(" and ");
        let broken =
            |message: String| Violation::new("drill", format!("{} {}: {message}", names(), drill.state));
        let is_of_the_base = drill.faults.iter().any(|fault| is_of_the_base(fault.kind));
        if 0 < self.unexplained {
            return Err(broken(format!("{} stops without a reason", self.unexplained)));
        }
        if 0 < self.overlaps {
            return Err(broken(format!("{} overlaps", self.overlaps)));
        }
        if Mm::ZERO < self.unpermitted && !is_of_the_base {
            return Err(broken(format!("{} mm without a permit", self.unpermitted.0)));
        }
        match self.stop {
            Some(stop) if stop.predicted < stop.way && !is_of_the_base => {
                Err(broken(format!("{} mm to stop, {} expected", stop.way.0, stop.predicted.0)))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a robot does what nobody told it to, or believes that it does.
const fn is_of_the_base(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::BrakeFade { .. }
            | FaultKind::BrakeOpen
            | FaultKind::DriveDelay { .. }
            | FaultKind::Runaway { .. }
            | FaultKind::WheelSlip { .. }
    )
}

/// A drill under way.
struct Run<'a> {
    drill: &'a Drill,
    plant: Plant,
    config: &'a ValidConfig,
    release: Release,
    beats: u32,
    told_to_stop: bool,
    onset: Option<FleetTime>,
    last: Option<Truth>,
    permitted_until: FleetTime,
    /// Rules that fired before the onset.
    usual: BTreeSet<RuleId>,
    found: BTreeMap<RuleId, Micros>,
    stop: Option<Measured>,
    unexplained: u32,
    unpermitted_m: f64,
}

/// A stop that is being measured.
struct Measured {
    stop: Stop,
    way_m: f64,
    is_over: bool,
}

impl<'a> Run<'a> {
    fn new(drill: &'a Drill, site: &Arc<CompiledSite>, config: &'a ValidConfig) -> Result<Self, String> {
        let from = waypoint(site, "dock")?;
        let lanes = route(site, from, waypoint(site, "upper")?)?;
        let plant = Plant::new(Arc::clone(site), plant_config(config, from), drill.seed);
        Ok(Self {
            drill,
            plant: plant.map_err(|error| error.to_string())?,
            config,
            release: Release { epoch: Epoch(1), origin: from, first: 0, lanes, site: site.version() },
            beats: 0,
            told_to_stop: false,
            onset: None,
            last: None,
            permitted_until: FleetTime::ZERO,
            usual: BTreeSet::new(),
            found: BTreeMap::new(),
            stop: None,
            unexplained: 0,
            unpermitted_m: 0.0,
        })
    }

    fn step(&mut self, site: &CompiledSite) {
        let now = self.plant.now();
        let Some(robot) = self.plant.truth().into_iter().find(|truth| truth.agent == Some(ROBOT)) else {
            return;
        };
        let inside = site
            .lift(LIFT)
            .is_some_and(|lift| (robot.x_m - lift.at.x).abs() < 0.3 && (robot.y_m - lift.at.y).abs() < 0.3);
        self.serve(site, robot, inside);
        if self.onset.is_none() && self.is_in_state(robot, inside) {
            self.strike(now);
        }
        self.talk(now);
        self.last = Some(robot);
        self.plant.step(&Sequential);
        if let Some(decision) = self.plant.decision(ROBOT).copied() {
            self.note(now, robot, &decision);
        }
        self.watch(now, robot);
    }

    /// Opens the door, and calls the lift to where the robot is, or upstairs once it is inside.
    fn serve(&mut self, site: &CompiledSite, robot: Truth, inside: bool) {
        let upper = site.level_named("L1");
        let level = if inside { upper.unwrap_or(robot.level) } else { robot.level };
        self.plant.command(PeripheralCommand::Door { door: DOOR, open: true });
        self.plant.command(PeripheralCommand::CallLift { lift: LIFT, level });
    }

    fn is_in_state(&mut self, robot: Truth, inside: bool) -> bool {
        let turned_rad = self.last.map_or(0.0, |last| (robot.yaw_rad - last.yaw_rad).abs());
        let cruises = 0.9 < robot.speed_mps;
        match self.drill.state {
            MotionState::AtRest => FleetTime::from_micros(2_000_000) <= self.plant.now(),
            MotionState::Cruising => cruises,
            MotionState::Turning => robot.speed_mps.abs() < 0.1 && (0.03..1.0).contains(&turned_rad),
            MotionState::InLift => {
                inside && self.plant.lifts().iter().all(|(.., door)| *door != DoorState::Open)
            }
            MotionState::Stopping => {
                if cruises && !self.told_to_stop {
                    self.told_to_stop = true;
                    let (scope, generation) = (StopScope::Agent(ROBOT), StopGeneration(1));
                    let order = StopOrder { scope, category: StopCategory::One, generation };
                    self.plant.send(ROBOT, ToAgent::Stop(order));
                }
                let stops = self.plant.decision(ROBOT).is_some_and(|last| last.verdict != Verdict::Move);
                self.told_to_stop && stops && STANDING_MPS < robot.speed_mps
            }
        }
    }

    fn strike(&mut self, now: FleetTime) {
        self.onset = Some(now);
        let onset = now.since(FleetTime::ZERO).unwrap_or(Micros::ZERO);
        for fault in &self.drill.faults {
            let target = match fault.kind.victims() {
                Victims::Agents => FaultTarget::Agent(ROBOT),
                Victims::Doors => FaultTarget::Door(DOOR),
                Victims::Lifts => FaultTarget::Lift(LIFT),
            };
            self.plant.inject(Fault { target, onset, duration: fault.duration, kind: fault.kind });
        }
    }

    /// Twice a second the release, unless the robot is to rest, and a beat.
    fn talk(&mut self, now: FleetTime) {
        if !now.as_micros().is_multiple_of(500_000) {
            return;
        }
        let longest =
            self.drill.faults.iter().filter_map(|fault| fault.duration).fold(Micros::ZERO, Micros::max);
        let rests = self.drill.state == MotionState::AtRest
            && self.onset.is_none_or(|onset| now < onset + longest.min(REST_MAX) + Micros::from_secs(1));
        if !rests {
            self.plant.send(ROBOT, ToAgent::Release(self.release.clone()));
        }
        self.beats += 1;
        let doors = self.plant.doors().into_iter().filter(|(_, state)| *state == DoorState::Open);
        let lifts = self.plant.lifts().into_iter().filter(|(.., state)| *state == DoorState::Open);
        let open = doors.map(|(door, _)| Passage::Door(door));
        let open = open.chain(lifts.map(|(lift, level, _)| Passage::Lift(lift, level))).collect();
        let beat = Beat { boot: 0, seq: self.beats, open, shut: Vec::new(), stop: None, reset: None };
        self.plant.send(ROBOT, ToAgent::Beat(beat));
    }

    fn note(&mut self, now: FleetTime, robot: Truth, decision: &Decision) {
        if decision.verdict == Verdict::Move {
            self.permitted_until = now + PERMIT_TTL_MAX;
        }
        let Some(after) = self.onset.and_then(|onset| now.since(onset)) else {
            self.usual.extend(decision.rules.iter());
            return;
        };
        for rule in decision.rules.iter().filter(|rule| !self.usual.contains(rule)) {
            self.found.entry(rule).or_insert(after);
        }
        let Verdict::Stop { rule, .. } = decision.verdict else { return };
        if !decision.evidence.holds() || !decision.rules.contains(decision.primary) {
            self.unexplained += 1;
        }
        if self.stop.is_none() && STANDING_MPS < robot.speed_mps.abs() {
            let config = self.config.get();
            let speed = MmPerS(whole(robot.speed_mps.abs() * 1e3));
            let predicted =
                stopping_distance(speed, config.actuation_delay.saturating_add(TICK), config.deceleration);
            let stop = Stop { rule, after, speed, way: Mm::ZERO, predicted: predicted.unwrap_or(Mm::MAX) };
            self.stop = Some(Measured { stop, way_m: 0.0, is_over: false });
        }
    }

    /// Looks at what the robot really did in the tick.
    fn watch(&mut self, now: FleetTime, before: Truth) {
        let Some(robot) = self.plant.truth().into_iter().find(|truth| truth.agent == Some(ROBOT)) else {
            return;
        };
        let way_m = libm::hypot(robot.x_m - before.x_m, robot.y_m - before.y_m);
        if before.speed_mps.abs() + 0.001 < robot.speed_mps.abs() && self.permitted_until <= now {
            self.unpermitted_m += way_m;
        }
        if let Some(measured) = self.stop.as_mut().filter(|measured| !measured.is_over) {
            measured.way_m += way_m;
            measured.is_over = robot.speed_mps.abs() <= STANDING_MPS;
        }
    }

    fn finish(self) -> Drilled {
        let onset = self.onset;
        let since = |at: Option<FleetTime>| at.and_then(|at| at.since(onset?));
        let there = self.plant.truth().iter().any(|truth| truth.level.0 == 1 && truth.x_m < 10.5);
        let end = match self.plant.needs_person(ROBOT) {
            true => End::Latched,
            false if there => End::There,
            false => End::Waiting,
        };
        Drilled {
            onset,
            effects: self.plant.faults().iter().map(|status| since(status.took_effect)).collect(),
            found: self.found,
            stop: self.stop.map(|Measured { stop, way_m, .. }| Stop { way: Mm(whole(way_m * 1e3)), ..stop }),
            unexplained: self.unexplained,
            unpermitted: Mm(whole(self.unpermitted_m * 1e3)),
            overlaps: self.plant.overlaps(),
            end,
        }
    }
}

/// Rounded up.
fn whole(value: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let whole = libm::ceil(value) as u32;
    whole
}

/// The building of all drills.
fn site() -> Result<CompiledSite, String> {
    let site = Site::from_toml(include_str!("drill.toml")).map_err(|error| error.to_string())?;
    let class = FootprintClass::round("cart", Mm(250), Mm(100));
    let compiled = site.compile(&CompileOptions::new(vec![class]));
    compiled.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn waypoint(site: &CompiledSite, name: &str) -> Result<WaypointId, String> {
    site.waypoint_named(name).ok_or_else(|| format!("there is no waypoint {name}"))
}

fn route(site: &CompiledSite, from: WaypointId, to: WaypointId) -> Result<Vec<LaneId>, String> {
    let profile = TravelProfile::robot(MmPerS(1_000), 0);
    shortest_path(site, profile, &NominalWaits(site), from, to).ok_or_else(|| "there is no way".to_owned())
}

fn interlock() -> Result<ValidConfig, String> {
    let config = Config {
        speed_creep: MmPerS(250),
        yaw_rate_max: MradPerS(1_000),
        cycle_max: Micros::from_millis(200),
        stop_margin: Mm(150),
        clearance_creep: Mm(100),
        ..Config::SIMULATED
    };
    config.validate().map_err(|error| error.to_string())
}

fn plant_config(interlock: &ValidConfig, at: WaypointId) -> PlantConfig {
    let robot = RobotSpec {
        agent: ROBOT,
        class: 0,
        at,
        speed: MmPerS(1_000),
        acceleration: MmPerS2(500),
        deceleration: MmPerS2(1_000),
        battery: Ppm::ONE,
        beams: BeamSpec::default(),
        interlock: *interlock,
        controller: ControllerSpec {
            yaw_rate: MradPerS(1_000),
            report_every: Micros::from_secs(1),
            passage_fresh: Micros::from_secs(1),
            fleet_beat_timeout: None,
            map: MapSettings { error_max: Mm(50), ..MapSettings::SIMULATED },
            wall_margin: Mm(50),
            beam_gap_rad: 0.5,
        },
    };
    PlantConfig {
        tick: TICK,
        robots: vec![robot],
        people: Vec::new(),
        walkers: Vec::new(),
        radio: RadioSpec::default(),
        power: PowerSpec::default(),
    }
}
