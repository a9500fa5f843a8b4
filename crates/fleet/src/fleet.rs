//! The state machine's skeleton: construction, the four calls of a host, and snapshots.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, RuleId, SiteVersion, StationId, StopGeneration, TaskId, WaypointId, wire::ToFleet,
};
use sheepdog_dispatch::{Agent, Facts, TripMemo};
use sheepdog_ledger::{Envelope, Ledger};
use sheepdog_map::{CompiledSite, ZoneKind, model};
use sheepdog_traffic::{Executor, Snapshot as ExecutorSnapshot};

use crate::{
    config::FleetConfig,
    header::Header,
    input::{Actor, Alert, Input, InputError, Output},
    machines::{self, Machine},
    record::Record,
    reverting::Decided,
    state::{
        AgentState, Errand, PassageState, Phase, Planning, RobotState, Standing, State, Storage, TaskState,
    },
    stops::PROVEN,
};

/// The coordinator of one fleet on one site.
///
/// Cost of a call: proportional to the claims touched and the robots woken, except for the named events that look at
/// every agent or every open task: a tick, a task that looks for an agent, a stop, and building a plan job.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(crate) site: Arc<CompiledSite>,
    pub(crate) config: Arc<FleetConfig>,
    pub(crate) executor: Executor,
    pub(crate) state: State,
    records: VecDeque<Envelope>,
    /// Times of an idle building, which change with the site alone: no part of the state.
    pub(crate) trips: TripMemo,
}

/// Why a fleet cannot start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// Two agents share an id.
    #[error("agent {0} is listed twice")]
    DuplicateAgent(AgentId),
    /// A robot cannot stand where it is said to stand.
    #[error("robot {name:?} cannot start at {at}: {reason}")]
    Place {
        /// Which robot.
        name: String,
        /// Where.
        at: WaypointId,
        /// Why not.
        reason: String,
    },
    /// A robot has a footprint class for which the site was not compiled.
    #[error("robot {name:?} has footprint class {class}, the site was compiled for {classes}")]
    Class {
        /// Which robot.
        name: String,
        /// Its class.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// A room cannot be treated with UV-C as configured.
    #[error("uvc room {zone}: {reason}")]
    Uvc {
        /// Its zone.
        zone: sheepdog_core::ZoneId,
        /// Why not.
        reason: &'static str,
    },
    /// There cannot be such a machine.
    #[error("machine at {station}: {reason}")]
    Machine {
        /// The station.
        station: StationId,
        /// Why not.
        reason: &'static str,
    },
    /// A snapshot cannot be read.
    #[error("snapshot: {0}")]
    Snapshot(String),
    /// The ledger cannot be begun.
    #[error("ledger: {0}")]
    Ledger(String),
    /// A header or snapshot was made on another site.
    #[error("made on site {found}, this is site {expected}")]
    OtherSite {
        /// The site of this fleet.
        expected: SiteVersion,
        /// The site it was made on.
        found: SiteVersion,
    },
}

/// What a snapshot holds.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    site: SiteVersion,
    config: FleetConfig,
    executor: ExecutorSnapshot,
    state: State,
}

/// Where a task stands, for whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// Nobody has it yet.
    Pending,
    /// A person was asked.
    Asked(AgentId),
    /// An agent is on its way to the step, performs it, or waits for its gate.
    Active {
        /// Who.
        agent: AgentId,
        /// Index of the step.
        step: u32,
    },
    /// Done.
    Done(AgentId),
    /// Cancelled.
    Cancelled,
}

/// How many tasks stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Accepted.
    pub tasks: usize,
    /// Done.
    pub done: usize,
    /// Done by people.
    pub done_by_people: usize,
    /// Cancelled.
    pub cancelled: usize,
    /// Not over.
    pub open: usize,
    /// Open and reported to the operator because nobody can do them.
    pub escalated: usize,
}

impl Fleet {
    /// A fleet whose agents stand at their starting places; writes the ledger's first record.
    ///
    /// # Errors
    /// [`FleetError`] if two agents share an id, or a robot cannot stand at its place.
    pub fn new(
        site: Arc<CompiledSite>,
        config: FleetConfig,
        header: &Header,
        now: FleetTime,
    ) -> Result<Self, FleetError> {
        if header.site != site.version() {
            return Err(FleetError::OtherSite { expected: site.version(), found: header.site });
        }
        let ledger = header.encode().map_err(|error| FleetError::Ledger(error.to_string()))?;
        let ledger = Ledger::new(&ledger, header.salts);
        check_uvc(&site, &config)?;
        let machines = machines::of(&site, &config)?;
        let mut executor = Executor::new(Arc::clone(&site));
        let mut agents = std::collections::BTreeMap::new();
        for profile in &config.agents {
            let robot = profile.class.map(|class| place(&mut executor, &site, profile, class)).transpose()?;
            let state = AgentState {
                profile: profile.clone(),
                standing: Standing::Well,
                seen: now,
                job: None,
                errand: Errand::None,
                refuge: None,
                declined_until: None,
                burden: None,
                robot,
            };
            if agents.insert(profile.id, state).is_some() {
                return Err(FleetError::DuplicateAgent(profile.id));
            }
        }
        let doors = site.doors().iter().map(|door| PassageState::closed(door.level, now)).collect();
        let lifts = site
            .lifts()
            .iter()
            .map(|lift| {
                let level = lift.stops.first().map(|stop| stop.level).unwrap_or_default();
                PassageState::closed(level, now)
            })
            .collect();
        let opened = Record::Opened { config: Box::new(config.clone()) };
        let state = State {
            now,
            boot: 0,
            agents,
            tasks: std::collections::BTreeMap::new(),
            open: std::collections::BTreeSet::new(),
            names: std::collections::BTreeMap::new(),
            next_task: 0,
            facts: Facts::default(),
            planning: Planning::default(),
            doors,
            lifts,
            stops: Vec::new(),
            generation: StopGeneration(0),
            remembered: StopGeneration(0),
            alarms: std::collections::BTreeMap::new(),
            lamps: std::collections::BTreeMap::new(),
            machines,
            decided: std::collections::BTreeMap::new(),
            storage: Storage::default(),
            next_beat: now,
            dispatch_due: false,
            peripherals_due: false,
            grants_due: false,
            ledger,
            outputs: VecDeque::new(),
            next_output: 0,
        };
        let mut fleet = Self {
            site,
            config: Arc::new(config),
            executor,
            state,
            records: VecDeque::new(),
            trips: TripMemo::default(),
        };
        fleet.record(&opened);
        Ok(fleet)
    }

    /// Takes in one event observed at `now`.
    ///
    /// The event is written to the ledger before it is looked at; a refused event leaves nothing else behind.
    ///
    /// # Errors
    /// [`InputError`] naming what is wrong with the event.
    pub fn handle(&mut self, now: FleetTime, input: Input) -> Result<(), InputError> {
        if input == Input::Tick {
            self.handle_timeout(now);
            return Ok(());
        }
        if now < self.state.now {
            return Err(InputError::TimeWentBack { now, last: self.state.now });
        }
        let input = self.check_proof(input);
        self.handle_checked(now, input)
    }

    /// [`handle`](Self::handle) for an input from a ledger, whose proof was checked when it came in.
    pub(crate) fn handle_checked(&mut self, now: FleetTime, input: Input) -> Result<(), InputError> {
        self.state.now = now;
        self.record(&Record::Input(input.clone()));
        let reporter = if let Input::FromAgent { agent, message: ToFleet::Report(_) } = &input {
            Some(*agent)
        } else {
            None
        };
        let result = self.apply(input);
        if let Err(error) = &result {
            self.record(&Record::Refused { reason: error.to_string() });
        }
        self.settle(reporter);
        result
    }

    /// Lets time-driven rules act: beats go out, questions lapse, silent robots are noticed.
    ///
    /// Calling it early does nothing; time that goes backwards is ignored.
    pub fn handle_timeout(&mut self, now: FleetTime) {
        if now < self.state.next_beat || now < self.state.now {
            return;
        }
        self.state.now = now;
        self.record(&Record::Input(Input::Tick));
        self.tick();
        self.settle(None);
    }

    /// When to call [`Fleet::handle_timeout`] if nothing else happens first.
    pub fn poll_timeout(&self) -> Option<FleetTime> {
        Some(self.state.next_beat)
    }

    /// The next record to store. Store all of them before carrying out any output.
    pub fn poll_record(&mut self) -> Option<Envelope> {
        self.records.pop_front()
    }

    /// The next thing to do, with its sequence number; `None` until more input or a timeout.
    pub fn poll_output(&mut self) -> Option<(u64, Output)> {
        self.state.outputs.pop_front()
    }

    /// The site.
    pub fn site(&self) -> &Arc<CompiledSite> {
        &self.site
    }

    /// The configuration.
    pub fn config(&self) -> &FleetConfig {
        &self.config
    }

    /// The time of the last event.
    pub fn now(&self) -> FleetTime {
        self.state.now
    }

    /// The end of the ledger: the sequence number of the next record and the digest of the last.
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// The dependency graph: who holds and waits for what.
    pub fn traffic(&self) -> &Executor {
        &self.executor
    }

    /// Where a task stands; `None` for an unknown id.
    pub fn task_status(&self, task: TaskId) -> Option<TaskStatus> {
        self.state.tasks.get(&task).map(|task| match task.phase {
            Phase::Pending => TaskStatus::Pending,
            Phase::Asked { agent, .. } => TaskStatus::Asked(agent),
            Phase::Travelling { agent, .. } | Phase::Performing { agent, .. } => {
                TaskStatus::Active { agent, step: task.step }
            }
            Phase::Done { agent } => TaskStatus::Done(agent),
            Phase::Cancelled => TaskStatus::Cancelled,
        })
    }

    /// The task that came in under the requester's `name`.
    pub fn task_named(&self, name: &str) -> Option<TaskId> {
        self.state.names.get(name).map(|(task, _)| *task)
    }

    /// Every task with its name and where it stands, by id.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, &str, TaskStatus)> {
        let status = |task: &TaskState| self.task_status(task.task.id).unwrap_or(TaskStatus::Pending);
        self.state.tasks.iter().map(move |(id, task)| (*id, task.task.name.as_str(), status(task)))
    }

    /// How many tasks are not over.
    pub fn open_tasks(&self) -> usize {
        self.state.open.len()
    }

    /// The task whose load an agent carries.
    pub fn load_of(&self, agent: AgentId) -> Option<TaskId> {
        let task = self.agent(agent)?.job?.task;
        self.state.tasks.get(&task).filter(|task| task.loaded == Some(agent)).map(|task| task.task.id)
    }

    /// Robots that have failed and were neither resumed, recovered nor removed.
    pub fn failed(&self) -> impl Iterator<Item = AgentId> {
        let failed = |agent: &&AgentState| agent.standing == Standing::Failed;
        self.state.agents.values().filter(failed).map(|agent| agent.profile.id)
    }

    /// The running number of the newest stop.
    pub fn stop_generation(&self) -> StopGeneration {
        self.state.generation
    }

    /// How many tasks stand where; looks at every task.
    pub fn stats(&self) -> Stats {
        let mut stats =
            Stats { tasks: self.state.tasks.len(), open: self.state.open.len(), ..Stats::default() };
        for task in self.state.tasks.values() {
            match task.phase {
                Phase::Done { agent } => {
                    stats.done += 1;
                    let person = self.state.agents.get(&agent).is_some_and(|agent| agent.robot.is_none());
                    stats.done_by_people += usize::from(person);
                }
                Phase::Cancelled => stats.cancelled += 1,
                Phase::Pending if task.alerted => stats.escalated += 1,
                Phase::Pending
                | Phase::Asked { .. }
                | Phase::Travelling { .. }
                | Phase::Performing { .. } => {}
            }
        }
        stats
    }

    /// Everything that can change a later output. Take it after all records are stored.
    ///
    /// # Errors
    /// [`FleetError::Snapshot`] if the state cannot be encoded.
    pub fn snapshot(&self) -> Result<Vec<u8>, FleetError> {
        let snapshot = Snapshot {
            site: self.site.version(),
            config: (*self.config).clone(),
            executor: self.executor.snapshot(),
            state: self.state.clone(),
        };
        postcard::to_allocvec(&snapshot).map_err(|error| FleetError::Snapshot(error.to_string()))
    }

    /// The fleet as it was when the snapshot was taken; every later output is the same as without the detour.
    ///
    /// # Errors
    /// [`FleetError`] if the bytes are no snapshot, or one of another site.
    pub fn restore(site: Arc<CompiledSite>, snapshot: &[u8]) -> Result<Self, FleetError> {
        let snapshot: Snapshot =
            postcard::from_bytes(snapshot).map_err(|error| FleetError::Snapshot(error.to_string()))?;
        if snapshot.site != site.version() {
            return Err(FleetError::OtherSite { expected: site.version(), found: snapshot.site });
        }
        let executor = Executor::restore(Arc::clone(&site), &snapshot.executor)
            .map_err(|error| FleetError::Snapshot(error.to_string()))?;
        Ok(Self {
            site,
            config: Arc::new(snapshot.config),
            executor,
            state: snapshot.state,
            records: VecDeque::new(),
            trips: TripMemo::default(),
        })
    }

    /// Replaces an actor's secret by what it was worth, so that no ledger ever holds it.
    fn check_proof(&self, input: Input) -> Input {
        match input {
            Input::Operator { actor, command } => {
                let proof = if self.is_authentic(&actor) { PROVEN.to_vec() } else { Vec::new() };
                Input::Operator { actor: Actor { proof, ..actor }, command }
            }
            Input::Restarted { .. }
            | Input::TaskRequested(_)
            | Input::FromAgent { .. }
            | Input::FromPeripheral(_)
            | Input::Planned { .. }
            | Input::Fact(_)
            | Input::FireAlarm { .. }
            | Input::Storage { .. }
            | Input::Witness(_)
            | Input::Tick => input,
        }
    }

    fn apply(&mut self, input: Input) -> Result<(), InputError> {
        match input {
            Input::Restarted { boot } => {
                self.restarted(boot);
                Ok(())
            }
            Input::TaskRequested(request) => self.request(request),
            Input::FromAgent { agent, message } => self.agent_message(agent, message),
            Input::FromPeripheral(report) => {
                self.peripheral_report(report);
                Ok(())
            }
            Input::Planned { job, plan } => self.planned(job, &plan),
            Input::Fact(fact) => {
                self.state.facts.record(self.state.now, fact).map_err(InputError::Fact)?;
                self.state.dispatch_due = true;
                Ok(())
            }
            Input::FireAlarm { scope, active, source } => {
                self.fire_alarm(scope, active, &source);
                Ok(())
            }
            Input::Witness(witness) => {
                self.witnessed(&witness);
                Ok(())
            }
            Input::Storage { level } => {
                self.storage(level);
                Ok(())
            }
            Input::Operator { actor, command } => self.operator(&actor, &command),
            Input::Tick => {
                self.tick();
                Ok(())
            }
        }
    }

    /// Draws the consequences of an event.
    ///
    /// After a robot's report, the most frequent event by far, only its own arrival and waiting are looked at; after
    /// everything else, a tick included, those of all agents.
    fn settle(&mut self, reporter: Option<AgentId>) {
        let dispatched = self.dispatch();
        let reporter = reporter.filter(|_| !dispatched);
        self.advance_steps(reporter);
        // Granting comes first: a question that is always open must not keep an answer from being used.
        if self.grant() || reporter.is_none() {
            self.note_withheld(reporter);
        }
        self.ask_for_plan();
        if std::mem::take(&mut self.state.peripherals_due) {
            self.move_passages();
            self.move_machines();
        }
        self.watch_lamps();
    }

    fn tick(&mut self) {
        self.state.next_beat = self.state.now + self.config.beat_every;
        self.watch_agents();
        self.watch_people();
        self.watch_stops();
        self.watch_ways_out();
        self.watch_passages();
        self.watch_plan();
        self.state.dispatch_due = true;
        self.state.peripherals_due = true;
        // Whoever waits outside a room may go in once its lamp is off.
        self.state.grants_due |= !self.config.uvc.is_empty();
        self.beat();
    }

    fn restarted(&mut self, boot: u32) {
        self.state.boot = boot;
        let now = self.state.now;
        for agent in self.state.agents.values_mut() {
            agent.seen = now;
            if let Some(robot) = &mut agent.robot {
                // What was released may not have arrived: the next report tells what has.
                robot.known = robot.done;
            }
        }
        for passage in self.state.doors.iter_mut().chain(&mut self.state.lifts) {
            passage.commanded = None;
            passage.is_known = false;
        }
        self.state.machines.values_mut().for_each(Machine::forget);
        if let Some(open) = &self.state.planning.open {
            let (job, problem) = (open.job, open.problem.clone());
            self.output_plan(job, problem);
        }
        self.state.next_beat = now;
    }

    pub(crate) fn record(&mut self, record: &Record) {
        match record.encode() {
            Ok(body) => {
                let envelope = self.state.ledger.append(self.state.now, record.kind(), record.rule(), body);
                self.records.push_back(envelope);
            }
            Err(error) => debug_assert!(false, "{error}"),
        }
    }

    /// Writes down a decision that can be named later to take it back.
    pub(crate) fn record_decision(&mut self, record: &Record, decided: Decided) {
        let seq = self.state.ledger.next_seq();
        self.record(record);
        self.state.remember(seq, decided);
    }

    pub(crate) fn output(&mut self, output: Output) {
        let seq = self.state.next_output;
        self.state.next_output += 1;
        self.state.outputs.push_back((seq, output));
    }

    pub(crate) fn alert(&mut self, rule: RuleId, agent: Option<AgentId>, task: Option<TaskId>, text: String) {
        let alert = Alert { rule, agent, task, text };
        self.record(&Record::Alert(alert.clone()));
        self.output(Output::Alert(alert));
    }
}

fn check_uvc(site: &CompiledSite, config: &FleetConfig) -> Result<(), FleetError> {
    for (index, room) in config.uvc.iter().enumerate() {
        let refused = |reason| Err(FleetError::Uvc { zone: room.zone, reason });
        let Some(zone) =
            site.zone(room.zone).filter(|zone| zone.kind == ZoneKind::Authored(model::ZoneKind::UvC))
        else {
            return refused("there is no such zone of kind uv_c");
        };
        if config.uvc.iter().take(index).any(|other| other.zone == room.zone) {
            return refused("it is listed twice");
        }
        if !config.agents.iter().any(|agent| agent.id == room.lamp && agent.class.is_some()) {
            return refused("its lamp is no robot of this fleet");
        }
        room.check(&zone.doors).or_else(refused)?;
    }
    Ok(())
}

fn place(
    executor: &mut Executor,
    site: &CompiledSite,
    profile: &Agent,
    class: usize,
) -> Result<RobotState, FleetError> {
    if class >= site.classes().len() {
        let classes = site.classes().len();
        return Err(FleetError::Class { name: profile.name.clone(), class, classes });
    }
    executor.place(profile.id, class, profile.at).map_err(|error| FleetError::Place {
        name: profile.name.clone(),
        at: profile.at,
        reason: error.to_string(),
    })?;
    Ok(RobotState::standing_at(site, class, profile.at))
}
