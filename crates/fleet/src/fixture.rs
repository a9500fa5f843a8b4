//! A small building with two robots that do as they are told, for tests of this crate.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use sha2::{Digest as _, Sha256};
use sheepdog_core::{
    ActorId, AgentId, Epoch, FleetTime, LaneId, LevelId, LiftId, Micros, Mm, MmPerS, Ppm, RobotTime,
    StopCategory, StopGeneration, WaypointId, ZoneId,
    wire::{
        Action, DoorState, MachineState, Motion, PeripheralCommand, PeripheralReport, Pose, Release, Report,
        ResetOrder, ResetStep, StepToken, StopScope, ToAgent, ToFleet,
    },
};
use sheepdog_dispatch::{Agent, AgentKind, Availability, Enforcement, Performers, Step};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    model::{Door, Lane, Level, Lift, Station, Waypoint, Zone, ZoneKind},
};
use sheepdog_traffic::Planner;

use crate::{
    Actor, ActorEntry, Alert, Entry, Fleet, FleetConfig, Header, Input, InputError, OperatorCommand, Output,
    Record, Role, TaskRequest,
};

pub(crate) const ANNA: AgentId = AgentId(0);
pub(crate) const BERT: AgentId = AgentId(1);
pub(crate) const NURSE: AgentId = AgentId(2);
pub(crate) const GROUND: LevelId = LevelId(0);
pub(crate) const FIRST: LevelId = LevelId(1);
pub(crate) const LIFT: LiftId = LiftId(0);
/// The zones of the site, in its order.
pub(crate) const FIRE_LANE: ZoneId = ZoneId(0);
pub(crate) const EAST: ZoneId = ZoneId(1);
pub(crate) const ROOM: ZoneId = ZoneId(2);

/// The ground floor is a corridor along x with an exit in the west, a fire lane up to c, a fire door between c and d,
/// niches at b and c, a room at d behind a door, and a lift in the east; on the first floor there are e and d.
///
/// ```text
/// exit  a --- b --- c -|- d --- e --|lift      e1 --- d1
///       lane lane lane   zone "east"
///             b2    c2    -
///                         d2 (room, treated with UV-C)
/// ```
pub(crate) fn site() -> Site {
    let mut site = Site::new("ward");
    let mut lift = Lift::new("lift", [15.0, 0.0], 2.0, 2.0);
    for level in ["ground", "first"] {
        site.levels.push(Level::new(level, 0.0));
        lift = lift.with_door(level, [14.0, -0.6], [14.0, 0.6]);
    }
    for (name, x_m, y_m) in [
        ("a", 0.0, 0.0),
        ("b", 3.0, 0.0),
        ("c", 6.0, 0.0),
        ("d", 9.0, 0.0),
        ("e", 12.0, 0.0),
        ("b2", 3.0, -3.0),
        ("c2", 6.0, -3.0),
        ("d2", 9.0, -3.0),
    ] {
        site.waypoints.push(Waypoint::new(name, "ground", x_m, y_m));
    }
    site.waypoints.push(Waypoint::new("cabin ground", "ground", 15.0, 0.0).in_lift("lift"));
    for (name, x_m) in [("d1", 9.0), ("e1", 12.0)] {
        site.waypoints.push(Waypoint::new(name, "first", x_m, 0.0));
    }
    site.waypoints.push(Waypoint::new("cabin first", "first", 15.0, 0.0).in_lift("lift"));
    site.lifts.push(lift);
    for (from, to) in [
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "e"),
        ("b", "b2"),
        ("c", "c2"),
        ("d", "d2"),
        ("e", "cabin ground"),
        ("d1", "e1"),
        ("e1", "cabin first"),
    ] {
        site.lanes.push(Lane::two_way(from, to));
    }
    site.doors.push(Door::new("exit", "ground", [-1.5, -0.8], [-1.5, 0.8]).as_exit());
    site.doors.push(Door { fire_rated: true, ..Door::new("fire door", "ground", [7.5, -0.7], [7.5, 0.7]) });
    site.doors.push(Door::new("room door", "ground", [8.4, -1.5], [9.6, -1.5]));
    let zone = |name, kind, from, to| Zone::rectangle(name, "ground", kind, from, to);
    site.zones.push(zone("fire lane", ZoneKind::FireLane, [-1.5, -0.5], [7.0, 2.5]));
    site.zones.push(zone("east", ZoneKind::Stop, [8.0, -1.0], [13.0, 1.0]));
    site.stations.push(Station::new("shelf", "c2"));
    site.zones.push(zone("room", ZoneKind::UvC, [7.8, -4.2], [10.2, -1.5]).with_door("room door"));
    site
}

pub(crate) fn options() -> CompileOptions {
    let class = FootprintClass::round("robot", Mm(300), Mm(100));
    CompileOptions { spacing: Mm(100_000), ..CompileOptions::new(vec![class]) }
}

fn agent(site: &CompiledSite, id: AgentId, name: &str, at: &str) -> Agent {
    let is_robot = id != NURSE;
    Agent {
        id,
        name: name.to_owned(),
        kind: if is_robot { AgentKind::Robot } else { AgentKind::Nurse },
        enforcement: if is_robot { Enforcement::Permit } else { Enforcement::Advisory },
        skills: std::collections::BTreeSet::new(),
        payload_g: 10_000,
        shift: None,
        at: site.waypoint_named(at).unwrap(),
        speed: MmPerS(1_000),
        class: is_robot.then_some(0),
        battery: None,
        availability: Availability::Available,
    }
}

pub(crate) fn operator() -> Actor {
    Actor { id: ActorId(1), role: Role::Operator, proof: b"o".to_vec() }
}

/// What a robot knows and does.
#[derive(Clone, Debug)]
pub(crate) struct Bot {
    seq: u32,
    epoch: Epoch,
    origin: WaypointId,
    lanes: Vec<LaneId>,
    done: usize,
    pub(crate) at: WaypointId,
    pub(crate) stop_ack: StopGeneration,
    reset_ack: Option<ResetOrder>,
    performed: Option<StepToken>,
    latched: bool,
    /// It hears the fleet.
    pub(crate) hears: bool,
}

/// A fleet with its planner, robots that jump from waypoint to waypoint, and doors that obey at once.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) fleet: Fleet,
    /// Shared between copies: what it keeps in mind makes it faster, not different.
    planner: Rc<RefCell<Planner>>,
    pub(crate) now: FleetTime,
    pub(crate) bots: BTreeMap<AgentId, Bot>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) sent: Vec<(AgentId, ToAgent)>,
    pub(crate) commands: Vec<PeripheralCommand>,
    /// Everything that was recorded.
    pub(crate) entries: Vec<Entry>,
    /// Doors, lifts and machines answer commands at once.
    pub(crate) obeys: bool,
}

impl Bench {
    /// Anna and Bert at two waypoints, a nurse at `c2`.
    pub(crate) fn new(anna: &str, bert: &str) -> Self {
        Self::with(anna, bert, |_| {})
    }

    pub(crate) fn with(anna: &str, bert: &str, change: impl FnOnce(&mut FleetConfig)) -> Self {
        let authored = site();
        let site = Arc::new(authored.compile(&options()).unwrap());
        let header = Header::new(&authored, &options(), &site).unwrap();
        let agents = vec![
            agent(&site, ANNA, "Anna", anna),
            agent(&site, BERT, "Bert", bert),
            agent(&site, NURSE, "nurse", "c2"),
        ];
        let mut config = FleetConfig::standard(agents);
        let actors = [(1, Role::Operator, "o"), (2, Role::Technician, "t"), (3, Role::Staff, "s")];
        config.actors = actors
            .map(|(id, role, proof)| ActorEntry {
                id: ActorId(id),
                role,
                proof: Sha256::digest(proof).into(),
            })
            .to_vec();
        change(&mut config);
        let fleet = Fleet::new(Arc::clone(&site), config, &header, FleetTime::ZERO).unwrap();
        let bot = |name: &str| Bot {
            seq: 0,
            epoch: Epoch(1),
            origin: site.waypoint_named(name).unwrap(),
            lanes: Vec::new(),
            done: 0,
            at: site.waypoint_named(name).unwrap(),
            stop_ack: StopGeneration(0),
            reset_ack: None,
            performed: None,
            latched: false,
            hears: true,
        };
        let bots = BTreeMap::from([(ANNA, bot(anna)), (BERT, bot(bert))]);
        let planner = Rc::new(RefCell::new(Planner::new(Arc::clone(&site), &[MmPerS(1_000)])));
        let mut bench = Self {
            fleet,
            planner,
            now: FleetTime::ZERO,
            bots,
            alerts: Vec::new(),
            sent: Vec::new(),
            commands: Vec::new(),
            entries: Vec::new(),
            obeys: true,
        };
        bench.drain();
        bench
    }

    pub(crate) fn place(&self, name: &str) -> WaypointId {
        self.fleet.site().waypoint_named(name).unwrap()
    }

    pub(crate) fn at(&self, agent: AgentId) -> String {
        self.fleet.site().waypoint(self.bots[&agent].at).unwrap().name.clone()
    }

    pub(crate) fn input(&mut self, input: Input) -> Result<(), InputError> {
        let result = self.fleet.handle(self.now, input);
        self.drain();
        result
    }

    pub(crate) fn command(&mut self, command: OperatorCommand) -> Result<(), InputError> {
        self.input(Input::Operator { actor: operator(), command })
    }

    pub(crate) fn stop(&mut self, scope: StopScope) {
        self.command(OperatorCommand::Stop { scope, category: StopCategory::One }).unwrap();
    }

    pub(crate) fn reset(&mut self) {
        for step in [ResetStep::Acknowledge, ResetStep::Start] {
            let generation = self.fleet.stop_generation();
            self.command(OperatorCommand::Reset { generation, step }).unwrap();
            self.report_all();
        }
    }

    /// Asks for a delivery.
    pub(crate) fn carry(&mut self, name: &str, from: &str, to: &str) {
        let step = |place, action| Step { place, action, duration: Micros::ZERO, gates: Vec::new() };
        let steps = vec![step(self.place(from), Action::Load), step(self.place(to), Action::Unload)];
        self.request(name, steps, Performers::RobotsOnly);
    }

    pub(crate) fn request(&mut self, name: &str, steps: Vec<Step>, performers: Performers) {
        let request = TaskRequest {
            name: name.to_owned(),
            within: None,
            priority: 0,
            skills: std::collections::BTreeSet::new(),
            payload_g: 0,
            performers,
            steps,
        };
        self.input(Input::TaskRequested(request)).unwrap();
    }

    /// Lets the next beat come.
    pub(crate) fn beat(&mut self) {
        self.now = self.fleet.poll_timeout().unwrap();
        self.fleet.handle_timeout(self.now);
        self.drain();
    }

    /// One lane further, if the robot is released and not stopped; then it reports.
    pub(crate) fn advance(&mut self, agent: AgentId) {
        let bot = self.bots.get_mut(&agent).unwrap();
        if let Some(lane) = bot.lanes.get(bot.done).filter(|_| !bot.latched) {
            bot.at = self.fleet.site().lane(*lane).unwrap().to;
            bot.done += 1;
        }
        self.report(agent);
    }

    pub(crate) fn report(&mut self, agent: AgentId) {
        let motion = if self.bots[&agent].latched {
            Motion::Latched(crate::rules::STOP_ORDERED)
        } else if self.bots[&agent].done < self.bots[&agent].lanes.len() {
            Motion::Moving
        } else {
            Motion::Waiting
        };
        self.report_as(agent, motion);
    }

    pub(crate) fn report_as(&mut self, agent: AgentId, motion: Motion) {
        let site = Arc::clone(self.fleet.site());
        let bot = self.bots.get_mut(&agent).unwrap();
        bot.seq += 1;
        let at = site.waypoint(bot.at).unwrap();
        let report = Report {
            boot: 0,
            seq: bot.seq,
            taken: RobotTime::from_micros(u64::from(bot.seq)),
            site: site.version(),
            epoch: bot.epoch,
            known: u32::try_from(bot.lanes.len()).unwrap(),
            done: u32::try_from(bot.done).unwrap(),
            pose: Pose { level: at.level, x_mm: at.x_mm, y_mm: at.y_mm, yaw_mrad: 0 },
            pose_error: Mm(10),
            battery: Ppm::ONE,
            motion,
            stop_ack: bot.stop_ack,
            reset_ack: bot.reset_ack,
            performed: bot.performed,
            stops: Vec::new(),
        };
        self.input(Input::FromAgent { agent, message: ToFleet::Report(report) }).unwrap();
    }

    pub(crate) fn report_all(&mut self) {
        self.report(ANNA);
        self.report(BERT);
    }

    /// Everybody drives and the fleet beats for so long.
    pub(crate) fn run(&mut self, beats: usize) {
        for _ in 0..beats {
            self.advance(ANNA);
            self.advance(BERT);
            self.beat();
        }
    }

    pub(crate) fn alerted(&self, rule: sheepdog_core::RuleId) -> Vec<&str> {
        self.alerts.iter().filter(|alert| alert.rule == rule).map(|alert| alert.text.as_str()).collect()
    }

    pub(crate) fn lift(&mut self, level: LevelId, state: DoorState) {
        self.input(Input::FromPeripheral(PeripheralReport::Lift { lift: LIFT, level, state })).unwrap();
    }

    /// Every output is carried out, every record kept.
    fn drain(&mut self) {
        loop {
            while let Some(envelope) = self.fleet.poll_record() {
                let record = Record::decode(&envelope).unwrap();
                self.entries.push(Entry { seq: envelope.seq, time: envelope.time, record });
            }
            let Some((_, output)) = self.fleet.poll_output() else { return };
            match output {
                Output::Plan { job, problem, step_budget } => {
                    let plan = self.planner.borrow_mut().plan(&problem, step_budget);
                    self.fleet.handle(self.now, Input::Planned { job, plan }).unwrap();
                }
                Output::ToAgent { agent, message } => {
                    let site = Arc::clone(self.fleet.site());
                    let bot = self.bots.get_mut(&agent).filter(|bot| bot.hears);
                    let answer = bot.and_then(|bot| bot.take(&site, &message));
                    self.sent.push((agent, message));
                    if let Some(message) = answer {
                        self.fleet.handle(self.now, Input::FromAgent { agent, message }).unwrap();
                    }
                }
                Output::ToPeripheral(command) => {
                    self.commands.push(command);
                    if self.obeys {
                        self.fleet.handle(self.now, Input::FromPeripheral(obeyed(command))).unwrap();
                    }
                }
                Output::Alert(alert) => self.alerts.push(alert),
            }
        }
    }

    pub(crate) fn decisions(&self) -> impl Iterator<Item = &Record> {
        self.entries.iter().map(|entry| &entry.record)
    }
}

fn obeyed(command: PeripheralCommand) -> PeripheralReport {
    match command {
        PeripheralCommand::Door { door, open } => {
            let state = if open { DoorState::Open } else { DoorState::Closed };
            PeripheralReport::Door { door, state }
        }
        PeripheralCommand::CallLift { lift, level } => {
            PeripheralReport::Lift { lift, level, state: DoorState::Open }
        }
        PeripheralCommand::FreeLift { lift } => {
            PeripheralReport::Lift { lift, level: GROUND, state: DoorState::Closed }
        }
        PeripheralCommand::Serve { station, token, .. } => {
            PeripheralReport::Machine { station, state: MachineState::Served(token) }
        }
        PeripheralCommand::Rest { station } => {
            PeripheralReport::Machine { station, state: MachineState::Idle }
        }
    }
}

impl Bot {
    /// The lane that comes next.
    pub(crate) fn ahead(&self) -> Option<LaneId> {
        self.lanes.get(self.done).copied()
    }

    pub(crate) fn is_latched(&self) -> bool {
        self.latched
    }

    fn take(&mut self, site: &CompiledSite, message: &ToAgent) -> Option<ToFleet> {
        match message {
            ToAgent::Release(release) => self.take_release(release),
            ToAgent::Hold(epoch) if *epoch == self.epoch => return Some(self.give_back(site)),
            ToAgent::Hold(_) | ToAgent::Ask(_) | ToAgent::Withdraw(_) | ToAgent::Lamp(_) => {}
            // A number that it knows is that of a stop that holds it already, or of one that is over.
            ToAgent::Stop(order) if order.generation <= self.stop_ack => {}
            ToAgent::Stop(order) => {
                self.stop_ack = order.generation;
                self.latched = true;
            }
            ToAgent::Reset(order) => {
                self.reset_ack = Some(*order);
                self.latched &= order.step != ResetStep::Start;
            }
            ToAgent::Beat(beat) => {
                if let Some(order) = beat.stop {
                    self.take(site, &ToAgent::Stop(order));
                }
                if let Some(order) = beat.reset {
                    self.take(site, &ToAgent::Reset(order));
                }
            }
            ToAgent::Perform(order) => self.performed = Some(order.token),
        }
        None
    }

    /// Keeps its release up to the next place where it may stop.
    fn give_back(&mut self, site: &CompiledSite) -> ToFleet {
        let after = |lanes: usize| match lanes.checked_sub(1) {
            None => self.origin,
            Some(last) => site.lane(self.lanes[last]).unwrap().to,
        };
        let keep = (self.done..=self.lanes.len()).find(|lanes| site.classes()[0].may_stop(after(*lanes)));
        let keep = keep.unwrap_or(self.lanes.len());
        self.lanes.truncate(keep);
        ToFleet::StoppableAt { epoch: self.epoch, lanes: u32::try_from(keep).unwrap() }
    }

    fn take_release(&mut self, release: &Release) {
        if self.epoch < release.epoch {
            self.epoch = release.epoch;
            self.origin = release.origin;
            self.lanes.clear();
            self.done = 0;
        }
        if self.epoch == release.epoch && self.lanes.len() == release.first as usize {
            self.lanes.extend(&release.lanes);
        }
    }
}
