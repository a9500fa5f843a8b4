//! The loop: plant, radio, fleet and plan jobs in virtual time.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use sheepdog_core::{
    AgentId, FleetTime, JobId, LevelId, Micros, StopCategory, TaskId, Workers,
    wire::{StopScope, ToFleet},
};
use sheepdog_fleet::{
    Actor, Entry, Fleet, FleetError, Input, OperatorCommand, Output, Record, RecordError, ReplayError,
};
use sheepdog_ledger::{Envelope, LedgerError, Reader, Writer};
use sheepdog_map::{CompiledSite, model::RoomKind};
use sheepdog_sim::{BodyKind, Fault, FaultKind, FaultTarget, Plant, PlantError, Truth};
use sheepdog_traffic::{Planner, Problem};

use crate::{
    film::Film,
    recording::{Camera, Cuts, Origin, Outside, Recording, RecordingError},
    script::{Event, Moment, Victim},
    setup::Setup,
    stops::Stops,
};

/// How long a plan job takes in virtual time.
const PLAN_TIME: Micros = Micros::from_millis(100);

/// The source of every fire alarm of a script.
const FIRE_PANEL: &str = "fire panel";

/// A robot faster than this drives.
const DRIVING_MPS: f64 = 0.3;

/// A running scenario.
#[derive(Debug)]
pub struct World {
    pub(crate) setup: Setup,
    pub(crate) fleet: Fleet,
    pub(crate) plant: Plant,
    planner: Planner,
    jobs: Vec<(FleetTime, JobId, Problem, u32)>,
    /// Script lines that are still to come, latest first.
    script: Vec<(Micros, Event)>,
    /// Stops of areas that wait until a robot drives there.
    armed_stops: Vec<(StopScope, Actor, StopCategory)>,
    /// Faults that wait for their moment.
    armed: Vec<(Option<AgentId>, Moment, Option<Micros>, FaultKind)>,
    writer: Writer<Vec<u8>>,
    pub(crate) tally: Tally,
    trace: Option<Trace>,
    film: Option<Film>,
    camera: Option<Box<Camera>>,
    boots: u32,
}

/// Figures gathered during a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Names that were asked for, and how many requests the fleet refused.
    pub(crate) requested: Vec<String>,
    pub(crate) refused: Vec<String>,
    pub(crate) stops: Stops,
    pub(crate) yields: u64,
    pub(crate) rides: u64,
    pub(crate) last_done: Option<FleetTime>,
    /// Number of the last report and level of each robot.
    pub(crate) levels: BTreeMap<AgentId, (u32, LevelId)>,
}

impl Tally {
    fn ask(&mut self, name: String, refused: bool) {
        if refused {
            self.refused.push(name.clone());
        }
        self.requested.push(name);
    }
}

/// Why a run broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The fleet cannot start.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The plant cannot start.
    #[error(transparent)]
    Plant(#[from] PlantError),
    /// The ledger cannot be written or read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The header of the ledger cannot be written.
    #[error(transparent)]
    Header(#[from] sheepdog_fleet::HeaderError),
    /// A record of the ledger cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The fleet cannot be recovered.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Plant truth as CSV: `t_s,robot,level,x_m,y_m,yaw_rad,radius_m`, one line per robot and tick.
#[derive(Clone, Debug)]
pub struct Trace {
    csv: String,
}

impl Trace {
    fn new() -> Self {
        Self { csv: "t_s,robot,level,x_m,y_m,yaw_rad,radius_m\n".to_owned() }
    }

    fn add(&mut self, now: FleetTime, site: &CompiledSite, truth: &[Truth]) {
        for body in truth.iter().filter(|body| body.kind == BodyKind::Robot) {
            let level = site.level(body.level).map_or("", |level| level.name.as_str());
            let robot = body.agent.map_or(u32::MAX, |agent| agent.0);
            // Writing to a String cannot fail.
            let _ = writeln!(
                self.csv,
                "{:.3},{robot},{level},{:.4},{:.4},{:.4},{:.4}",
                Micros::new(now.as_micros()).as_secs_f64(),
                body.x_m,
                body.y_m,
                body.yaw_rad,
                body.radius_m
            );
        }
    }

    /// The whole trace.
    pub fn csv(&self) -> &str {
        &self.csv
    }
}

impl World {
    /// A world at time zero.
    ///
    /// # Errors
    /// [`WorldError`] if fleet or plant cannot start.
    pub fn new(setup: Setup) -> Result<Self, WorldError> {
        let start = FleetTime::ZERO;
        let fleet = Fleet::new(Arc::clone(&setup.site), setup.fleet.clone(), &setup.header, start)?;
        let plant = Plant::new(Arc::clone(&setup.site), setup.plant.clone(), setup.seed)?;
        let planner = Planner::new(Arc::clone(&setup.site), &setup.speeds());
        let writer = Writer::create(Vec::new(), &setup.header.encode()?)?;
        let mut script = setup.script.clone();
        script.sort_by_key(|(at, _)| *at);
        script.reverse();
        let mut world = Self {
            setup,
            fleet,
            plant,
            planner,
            jobs: Vec::new(),
            script,
            armed_stops: Vec::new(),
            armed: Vec::new(),
            writer,
            tally: Tally::default(),
            trace: None,
            film: None,
            camera: None,
            boots: 0,
        };
        world.store()?;
        Ok(world)
    }

    /// Keeps a CSV of where every robot truly is.
    #[must_use]
    pub fn with_trace(mut self) -> Self {
        self.trace = Some(Trace::new());
        self
    }

    /// Keeps what [`film`](crate::film()) needs.
    #[must_use]
    pub fn with_film(mut self) -> Self {
        self.film = Some(Film::default());
        self
    }

    /// A world at time zero that keeps a [`Recording`] of itself.
    ///
    /// What a host does through [`World::plant_mut`] is not part of it.
    ///
    /// # Errors
    /// [`RecordingError`] if the run cannot start.
    pub fn recorded(origin: Origin) -> Result<Self, RecordingError> {
        Self::recorded_with(origin, Cuts::default())
    }

    pub(crate) fn recorded_with(origin: Origin, cuts: Cuts) -> Result<Self, RecordingError> {
        let mut setup = origin.setup()?;
        cuts.apply(&mut setup);
        let camera = Camera::new(origin, cuts, setup.plant.tick);
        Ok(Self { camera: Some(Box::new(camera)), ..Self::new(setup)? })
    }

    /// The recording up to now, if one is kept.
    pub fn recording(&self) -> Option<Recording> {
        self.camera.as_ref().map(|camera| camera.recording(self.fleet.ledger().head()))
    }

    /// Runs until the setup's end, or until everything is done if the setup says so.
    ///
    /// # Errors
    /// [`WorldError`] if the ledger cannot be written, which in memory it can.
    pub fn run(&mut self, workers: &dyn Workers) -> Result<(), WorldError> {
        while !self.is_over() {
            self.step(workers)?;
        }
        Ok(())
    }

    /// Whether the run has come to its end.
    pub fn is_over(&self) -> bool {
        let now = Micros::new(self.now().as_micros());
        let done = self.script.is_empty()
            && self.armed.is_empty()
            && self.armed_stops.is_empty()
            && self.fleet.open_tasks() == 0;
        self.setup.duration <= now || (self.setup.until_done && done)
    }

    /// Advances everything by one tick of the plant.
    ///
    /// # Errors
    /// As [`World::run`].
    pub fn step(&mut self, workers: &dyn Workers) -> Result<(), WorldError> {
        self.plant.step(workers);
        let now = self.now();
        for (agent, message) in self.plant.take_from_agents() {
            self.note(agent, &message);
            self.feed(now, Input::FromAgent { agent, message });
        }
        for report in self.plant.take_from_peripherals() {
            self.feed(now, Input::FromPeripheral(report));
        }
        self.play_script(now);
        self.strike();
        self.answer_jobs(now);
        if self.fleet.poll_timeout().is_some_and(|due| due <= now) {
            self.fleet.handle_timeout(now);
        }
        self.store()?;
        self.carry_out(now);
        self.observe(now);
        Ok(())
    }

    /// The time of the run.
    pub fn now(&self) -> FleetTime {
        self.plant.now()
    }

    /// The fleet.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The plant.
    pub fn plant(&self) -> &Plant {
        &self.plant
    }

    /// The plant, for hosts that equip it, as with [`Plant::keep_log`].
    pub const fn plant_mut(&mut self) -> &mut Plant {
        &mut self.plant
    }

    /// The setup the run was started from.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The ledger file as it would be on disk.
    pub fn ledger(&mut self) -> &[u8] {
        self.writer.get_mut()
    }

    /// The ledger's records, decoded.
    ///
    /// # Errors
    /// [`WorldError`] if the ledger does not verify.
    pub fn entries(&mut self) -> Result<Vec<Entry>, WorldError> {
        Ok(Entry::decode_all(&envelopes(self.ledger())?)?)
    }

    /// The trace, if one was kept.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    pub(crate) fn film(&self) -> Option<&Film> {
        self.film.as_ref()
    }

    /// Gives the fleet an input from outside, as a host would.
    ///
    /// # Errors
    /// What the fleet answers.
    pub fn input(&mut self, input: Input) -> Result<(), sheepdog_fleet::InputError> {
        if let Some(camera) = &mut self.camera {
            camera.note(Outside::Input(Box::new(input.clone())));
        }
        let asked =
            if let Input::TaskRequested(request) = &input { Some(request.name.clone()) } else { None };
        let answer = self.fleet.handle(self.now(), input);
        if let Some(name) = asked {
            self.tally.ask(name, answer.is_err());
        }
        answer
    }

    /// Breaks something now.
    pub fn inject(&mut self, fault: Fault) {
        if let Some(camera) = &mut self.camera {
            camera.note(Outside::Fault(fault));
        }
        self.plant.inject(fault);
    }

    /// Kills the coordinator where it stands and brings it back from its ledger; the plant knows nothing of it.
    ///
    /// Outputs that were not carried out and plan jobs that were running are gone, as after a crash.
    ///
    /// # Errors
    /// [`WorldError`] if the ledger does not verify or replay.
    pub fn crash_and_recover(&mut self) -> Result<(), WorldError> {
        if let Some(camera) = &mut self.camera {
            camera.note(Outside::CrashAndRecovery);
        }
        let mut reader = Reader::new(self.ledger())?;
        let envelopes = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
        let chain = reader.here().clone();
        let Setup { site, header, .. } = &self.setup;
        let (mut fleet, lost) = sheepdog_fleet::recover(site, header, &envelopes, &chain)?;
        for envelope in &lost {
            self.writer.write(envelope)?;
        }
        self.jobs.clear();
        self.boots += 1;
        // A refusal would be in the ledger; a restart is never refused.
        let _refused = fleet.handle(self.now(), Input::Restarted { boot: self.boots });
        self.fleet = fleet;
        self.store()
    }

    fn feed(&mut self, now: FleetTime, input: Input) {
        // A refused input is a decision and stands in the ledger.
        let _refused = self.fleet.handle(now, input);
    }

    fn play_script(&mut self, now: FleetTime) {
        let elapsed = Micros::new(now.as_micros());
        while let Some((_, event)) = self.script.pop_if(|(at, _)| *at <= elapsed) {
            match event {
                Event::Request(request) => {
                    let name = request.name.clone();
                    let refused = self.fleet.handle(now, Input::TaskRequested(request)).is_err();
                    self.tally.ask(name, refused);
                }
                Event::Fact(fact) => self.feed(now, Input::Fact(fact)),
                Event::Fault { victim: Victim::Target(target), duration, kind } => {
                    self.plant.inject(Fault { target, onset: elapsed, duration, kind });
                }
                Event::Fault { victim: Victim::Robot(robot, moment), duration, kind } => {
                    self.armed.push((robot, moment, duration, kind));
                }
                Event::Stop { actor, scope, category, when_driving } => {
                    let stop = (scope, actor, category);
                    if when_driving { self.armed_stops.push(stop) } else { self.stop(now, stop) }
                }
                Event::Fire { scope, active } => {
                    self.feed(now, Input::FireAlarm { scope, active, source: FIRE_PANEL.to_owned() });
                }
                Event::EndFire { actor, scope } => {
                    let command = OperatorCommand::EndFireAlarm { scope };
                    self.feed(now, Input::Operator { actor, command });
                }
                Event::Revert { actor, task, why } => {
                    let of = self.task_named(&task).and_then(|task| self.fleet.last_decision(task));
                    if let Some(of) = of {
                        let command = OperatorCommand::Revert { of, why };
                        self.feed(now, Input::Operator { actor, command });
                    }
                }
                Event::Resume { actor } => {
                    let failed: Vec<AgentId> = self.fleet.failed().collect();
                    for agent in failed {
                        let command = OperatorCommand::Resume { agent };
                        self.feed(now, Input::Operator { actor: actor.clone(), command });
                    }
                }
                Event::Reset { actor, step } => {
                    let command = OperatorCommand::Reset { generation: self.fleet.stop_generation(), step };
                    self.feed(now, Input::Operator { actor, command });
                }
            }
        }
    }

    /// Lets armed faults strike robots that are in the right moment.
    fn strike(&mut self) {
        if self.armed.is_empty() && self.armed_stops.is_empty() {
            return;
        }
        let onset = Micros::new(self.now().as_micros());
        let truth = self.plant.truth();
        let driving = |scope: StopScope| {
            truth.iter().any(|body| {
                body.kind == BodyKind::Robot
                    && DRIVING_MPS < body.speed_mps
                    && is_in(&self.setup.site, scope, body)
            })
        };
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.armed_stops).into_iter().partition(|(scope, ..)| driving(*scope));
        self.armed_stops = later;
        for stop in due {
            self.stop(self.now(), stop);
        }
        let mut armed = std::mem::take(&mut self.armed);
        armed.retain(|(robot, moment, duration, kind)| {
            let fits = |body: &&Truth| {
                body.kind == BodyKind::Robot
                    && (robot.is_none() || *robot == body.agent)
                    && self.is_in(*moment, body)
            };
            let Some(agent) = truth.iter().find(fits).and_then(|body| body.agent) else { return true };
            let target = FaultTarget::Agent(agent);
            self.plant.inject(Fault { target, onset, duration: *duration, kind: *kind });
            false
        });
        self.armed = armed;
    }

    fn stop(&mut self, now: FleetTime, (scope, actor, category): (StopScope, Actor, StopCategory)) {
        let command = OperatorCommand::Stop { scope, category };
        self.feed(now, Input::Operator { actor, command });
    }

    fn is_in(&self, moment: Moment, body: &Truth) -> bool {
        let driving = DRIVING_MPS < body.speed_mps;
        match moment {
            Moment::Now => true,
            Moment::InCorridor => {
                let at = nalgebra::Point2::new(body.x_m, body.y_m);
                let room =
                    self.setup.site.room_at(body.level, at).and_then(|room| self.setup.site.room(room));
                driving && room.is_some_and(|room| room.kind == RoomKind::Corridor)
            }
            Moment::Loaded => driving && body.agent.is_some_and(|agent| self.fleet.load_of(agent).is_some()),
        }
    }

    fn answer_jobs(&mut self, now: FleetTime) {
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.jobs).into_iter().partition(|(ready, ..)| *ready <= now);
        self.jobs = later;
        for (_, job, problem, budget) in due {
            let plan = self.planner.plan(&problem, budget);
            self.feed(now, Input::Planned { job, plan });
        }
    }

    /// Stores what the fleet has written, and counts.
    fn store(&mut self) -> Result<(), WorldError> {
        while let Some(envelope) = self.fleet.poll_record() {
            self.count(&envelope)?;
            self.writer.write(&envelope)?;
        }
        Ok(())
    }

    fn count(&mut self, envelope: &Envelope) -> Result<(), WorldError> {
        match envelope.kind {
            Record::STOP => {
                if let Record::Stop { agent, event } = Record::decode(envelope)? {
                    self.tally.stops.note(agent, &event, &self.plant.truth());
                }
            }
            Record::HELD => self.tally.yields += 1,
            Record::DONE => self.tally.last_done = Some(envelope.time),
            _ => {}
        }
        Ok(())
    }

    fn carry_out(&mut self, now: FleetTime) {
        while let Some((_, output)) = self.fleet.poll_output() {
            match output {
                Output::ToAgent { agent, message } => self.plant.send(agent, message),
                Output::ToPeripheral(command) => self.plant.command(command),
                Output::Plan { job, problem, step_budget } => {
                    self.jobs.push((now + PLAN_TIME, job, problem, step_budget));
                }
                Output::Alert(_) => {}
            }
        }
    }

    /// Counts what only reports show: a robot that is on another level than before has ridden a lift.
    fn note(&mut self, agent: AgentId, message: &ToFleet) {
        if let ToFleet::Report(report) = message
            && self.tally.levels.get(&agent).is_none_or(|(seq, _)| *seq < report.seq)
            && let Some((_, before)) = self.tally.levels.insert(agent, (report.seq, report.pose.level))
        {
            self.tally.rides += u64::from(before != report.pose.level);
        }
    }

    fn observe(&mut self, now: FleetTime) {
        if self.trace.is_none() && self.film.is_none() && self.camera.is_none() {
            return;
        }
        let truth = self.plant.truth();
        if let Some(trace) = &mut self.trace {
            trace.add(now, &self.setup.site, &truth);
        }
        if let Some(film) = &mut self.film {
            film.add(now, &truth);
        }
        if let Some(camera) = &mut self.camera {
            camera.add(&self.plant, &truth, self.fleet.ledger().head());
        }
    }

    /// The task that somebody asked for under a name.
    pub fn task_named(&self, name: &str) -> Option<TaskId> {
        self.fleet.task_named(name)
    }
}

/// Whether a body is truly in the area of a stop.
fn is_in(site: &CompiledSite, scope: StopScope, body: &Truth) -> bool {
    match scope {
        StopScope::Site => true,
        StopScope::Level(level) => body.level == level,
        StopScope::Agent(agent) => body.agent == Some(agent),
        StopScope::Zone(zone) => site.zone(zone).is_some_and(|zone| {
            zone.level == body.level && zone.is_within(nalgebra::Point2::new(body.x_m, body.y_m), 0.0)
        }),
    }
}

/// All envelopes of a ledger file.
///
/// # Errors
/// [`LedgerError`] if it does not verify.
pub(crate) fn envelopes(bytes: &[u8]) -> Result<Vec<Envelope>, LedgerError> {
    Reader::new(bytes)?.collect()
}
