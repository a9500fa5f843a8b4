//! The plant: everything that a fleet does not own, stepped together in virtual time.

use std::{collections::BTreeMap, sync::Arc};

use nalgebra::Point2;
use sheepdog_core::{
    AgentId, DoorId, FleetTime, LevelId, LiftId, Micros, RobotTime, StationId, Workers, map_jobs,
    wire::{DoorState, MachineState, PeripheralCommand, PeripheralReport, Report, ToAgent, ToFleet},
};
use sheepdog_driver::{Log, Peripheral, Step};
use sheepdog_interlock::{ConfigDigest, Decision};
use sheepdog_map::CompiledSite;

use crate::{
    build,
    config::{PersonSpec, PlantConfig, RobotSpec},
    error::PlantError,
    fault::{Active, Fault, FaultStatus, FaultTarget},
    loads::{Load, Loads, Place},
    machines::Handed,
    people::{PERSON_RADIUS_M, Person, Surroundings},
    peripherals::{Carried, Peripherals},
    radio::{Channel, RadioSpec, silences},
    random::Purpose,
    robot::{Robot, chargers},
    separation::Separation,
    truth::{BodyKind, Truth},
    world::{Disc, Owner, World},
};

/// Longest tick: a command lasts no longer, so a longer one would end every motion.
pub const TICK_MAX: Micros = Micros::from_millis(100);

/// Robots per job at least: below that a job costs more than it saves.
const ROBOTS_PER_JOB_MIN: usize = 8;

/// Robots, people, doors, lifts, machines, loads and radio of one site in virtual time.
///
/// A run is a function of site, configuration, seed and calls: the same to the last bit for every [`Workers`].
#[derive(Debug)]
pub struct Plant {
    now: FleetTime,
    tick: Micros,
    seed: u64,
    radio: RadioSpec,
    robots: Vec<Robot>,
    people: Vec<Person>,
    peripherals: Peripherals,
    loads: Loads,
    world: Arc<World>,
    chargers: Arc<Vec<(LevelId, Point2<f64>)>>,
    channels: BTreeMap<AgentId, Channels>,
    faults: Vec<FaultStatus>,
    separation: Separation,
}

#[derive(Debug)]
struct Channels {
    owner: Owner,
    down: Channel<ToAgent>,
    up: Channel<ToFleet>,
}

impl Plant {
    /// A plant at time zero, everybody at rest, all doors shut.
    ///
    /// # Errors
    /// [`PlantError`], naming the first part that does not fit.
    pub fn new(site: Arc<CompiledSite>, config: PlantConfig, seed: u64) -> Result<Self, PlantError> {
        let PlantConfig { tick, robots, people, walkers, crowds, machines, radio, power } = config;
        if tick == Micros::ZERO || TICK_MAX < tick {
            return Err(PlantError::Tick { tick });
        }
        let channels = channels(&robots, &people)?;
        let robots: Vec<Robot> = robots
            .iter()
            .enumerate()
            .map(|(index, spec)| build::robot(&site, index, spec, power, seed))
            .collect::<Result<_, _>>()?;
        let mut people = build::people(&site, people, walkers)?;
        build::crowds(&site, &crowds, seed, &discs(&robots, &[]), &mut people)?;
        let discs = discs(&robots, &people);
        let peripherals = Peripherals::new(Arc::clone(&site)).with_machines(&machines)?;
        let chargers = chargers(&site);
        let world = World::new(site, discs, Arc::new(peripherals.barriers()));
        Ok(Self {
            now: FleetTime::ZERO,
            tick,
            seed,
            radio,
            peripherals,
            loads: Loads::default(),
            separation: Separation::new(&world),
            chargers,
            world: Arc::new(world),
            robots,
            people,
            channels,
            faults: Vec::new(),
        })
    }

    /// The time up to which the plant has been stepped.
    pub const fn now(&self) -> FleetTime {
        self.now
    }

    /// Adds a fault; it acts from its onset on, at once when that has passed. Returns its index in [`Plant::faults`].
    pub fn inject(&mut self, fault: Fault) -> usize {
        self.faults.push(FaultStatus::new(fault));
        self.faults.len() - 1
    }

    /// All faults injected, in that order, and whether they mattered.
    pub fn faults(&self) -> &[FaultStatus] {
        &self.faults
    }

    /// Sends a message to a robot or person by radio; to somebody unknown it is lost.
    pub fn send(&mut self, to: AgentId, message: ToAgent) {
        let Some(channels) = self.channels.get_mut(&to) else { return };
        let active = Active::of(&self.faults, to, self.now);
        if !is_silent(&mut self.faults, &active, self.now, true) {
            let guilty = channels.down.send(self.seed, &self.radio, &active, self.now.as_micros(), message);
            mark(&mut self.faults, &guilty, self.now);
        }
    }

    /// Gives a robot a log of its own, which its controller asks before it moves. Returns whether there is such a robot.
    pub fn keep_log(&mut self, agent: AgentId, log: Box<dyn Log>) -> bool {
        let robot = self.robots.iter_mut().find(|robot| robot.agent == agent);
        robot.map(|robot| robot.log = Some(log)).is_some()
    }

    /// The last decision of a robot's interlock; `None` for one that is down or has not decided yet, and for nobody.
    pub fn decision(&self, agent: AgentId) -> Option<&Decision> {
        self.robots.iter().find(|robot| robot.agent == agent)?.decision()
    }

    /// The last step of a robot's controller, as its black box has it; `None` before the first one since it has booted, and
    /// for nobody.
    pub fn last_step(&self, agent: AgentId) -> Option<&Step> {
        self.robots.iter().find(|robot| robot.agent == agent)?.last_step()
    }

    /// Whether a robot waits for a person to reset it.
    pub fn needs_person(&self, agent: AgentId) -> bool {
        self.robots.iter().any(|robot| robot.agent == agent && robot.needs_person())
    }

    /// The robots: id, settings of the interlock, and what their clocks show now.
    pub fn robots(&self) -> impl Iterator<Item = (AgentId, ConfigDigest, RobotTime)> {
        self.robots.iter().map(|robot| (robot.agent, robot.config(), robot.clock(self.now)))
    }

    /// Commands a door, lift or machine; they are wired, so nothing is lost or delayed.
    pub fn command(&mut self, command: PeripheralCommand) {
        self.peripherals.command(command);
    }

    /// What doors, lifts and machines have reported since the last call, in order.
    pub fn take_from_peripherals(&mut self) -> Vec<PeripheralReport> {
        std::iter::from_fn(|| self.peripherals.poll()).collect()
    }

    /// What has arrived from agents until now, ordered by arrival, then agent, then running number.
    pub fn take_from_agents(&mut self) -> Vec<(AgentId, ToFleet)> {
        let mut arrived = Vec::new();
        let now_us = self.now.as_micros();
        for (&agent, channels) in &mut self.channels {
            let active = Active::of(&self.faults, agent, self.now);
            while let Some((arrival, number, message)) = channels.up.receive(now_us) {
                if !is_silent(&mut self.faults, &active, self.now, false) {
                    arrived.push((arrival, agent, number, message));
                }
            }
        }
        arrived.sort_by_key(|&(arrival, agent, number, _)| (arrival, agent, number));
        arrived.into_iter().map(|(_, agent, _, message)| (agent, message)).collect()
    }

    /// Where everybody really is: robots in the order of the configuration, then people, then walkers.
    ///
    /// Who is on the stairs is nowhere and left out.
    pub fn truth(&self) -> Vec<Truth> {
        let robots = self.robots.iter().map(|robot| Truth {
            agent: Some(robot.agent),
            kind: BodyKind::Robot,
            level: robot.body.level,
            x_m: robot.body.at.x,
            y_m: robot.body.at.y,
            yaw_rad: robot.body.faces_rad(),
            radius_m: robot.radius_m,
            speed_mps: robot.body.speed_mps(),
            battery: Some(robot.battery()),
        });
        let people = self.people.iter().filter(|person| person.disc().is_some()).map(|person| Truth {
            agent: person.id(),
            kind: if person.id().is_some() { BodyKind::Person } else { BodyKind::Walker },
            level: person.level,
            x_m: person.at.x,
            y_m: person.at.y,
            yaw_rad: person.yaw_rad,
            radius_m: PERSON_RADIUS_M,
            speed_mps: 0.0,
            battery: None,
        });
        robots.chain(people).collect()
    }

    /// Where every door stands, by id.
    pub fn doors(&self) -> Vec<(DoorId, DoorState)> {
        (0..).map(DoorId).map_while(|door| Some((door, self.peripherals.door(door)?))).collect()
    }

    /// Where every lift stands and its door there, by id.
    pub fn lifts(&self) -> Vec<(LiftId, LevelId, DoorState)> {
        let state = |lift| self.peripherals.lift(lift).map(|(level, door)| (lift, level, door));
        (0..).map(LiftId).map_while(state).collect()
    }

    /// What the machine at a station does; `None` where there is none.
    pub fn machine(&self, station: StationId) -> Option<MachineState> {
        self.peripherals.machine(station)
    }

    /// The loads that somebody has begun to carry, in that order: where they really are.
    pub fn loads(&self) -> &[Load] {
        self.loads.all()
    }

    /// How often somebody took a load that was not there because another had it, or put down what it did not have.
    pub const fn misplaced_loads(&self) -> u64 {
        self.loads.misplaced()
    }

    /// Least distance between the footprints of two robots on one level so far, metres; negative when they have
    /// overlapped, infinite before any two have shared a level.
    ///
    /// It is the least over all instants, not only over ticks: within a tick, motion counts as straight and even.
    pub fn min_separation_m(&self) -> f64 {
        self.separation.robots_m
    }

    /// The same between a robot and a person.
    pub fn min_person_separation_m(&self) -> f64 {
        self.separation.people_m
    }

    /// How often two robots, or a robot and a person, have begun to overlap.
    pub fn overlaps(&self) -> u64 {
        self.separation.overlaps
    }

    /// Lets one tick pass.
    ///
    /// All robots sense the same frozen world and decide, on `workers`; then robots, people, lifts, doors and machines move,
    /// in this order. Linear in robots times beams, quadratic with a small factor in bodies of one level.
    pub fn step(&mut self, workers: &dyn Workers) {
        self.apply_faults();
        self.deliver();
        self.tick_robots(workers);
        self.collect_from_robots();
        self.tick_people();
        self.tick_peripherals();
        let discs = discs(&self.robots, &self.people);
        let barriers = Arc::new(self.peripherals.barriers());
        let site = Arc::clone(&self.world.site);
        self.world = Arc::new(World::new(site, discs, barriers));
        self.separation.advance(&self.world);
        self.now = self.now + self.tick;
    }

    fn apply_faults(&mut self) {
        let now = self.now;
        for robot in &mut self.robots {
            robot.faults = Active::of(&self.faults, robot.agent, now);
        }
        self.peripherals.unstick();
        for status in self.faults.iter_mut().filter(|status| status.active(now)) {
            let stuck = match status.fault.target {
                FaultTarget::Door(door) => self.peripherals.break_door(door, status.fault.kind),
                FaultTarget::Lift(lift) => self.peripherals.break_lift(lift, status.fault.kind),
                FaultTarget::Machine(station) => self.peripherals.break_machine(station, status.fault.kind),
                FaultTarget::Agent(_) | FaultTarget::EveryAgent => false,
            };
            if stuck {
                status.mark(now);
            }
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        for (&agent, channels) in &mut self.channels {
            let active = Active::of(&self.faults, agent, now);
            while let Some((_, _, message)) = channels.down.receive(now.as_micros()) {
                if is_silent(&mut self.faults, &active, now, true) {
                    continue;
                }
                if let ToAgent::Perform(order) = &message
                    && !(matches!(channels.owner, Owner::Robot(_)) && self.peripherals.serves_at(order.place))
                {
                    self.loads.ordered(agent, order);
                }
                match channels.owner {
                    Owner::Robot(index) => {
                        if let Some(robot) = self.robots.get_mut(index) {
                            robot.link.inbox.push_back(message);
                        }
                    }
                    Owner::Person(index) => {
                        if let Some(person) = self.people.get_mut(index) {
                            person.hear(now, self.seed, &message);
                        }
                    }
                }
            }
        }
    }

    fn tick_robots(&mut self, workers: &dyn Workers) {
        let (now, span) = (self.now, self.tick);
        let jobs = workers.width().min(self.robots.len() / ROBOTS_PER_JOB_MIN);
        if jobs < 2 {
            for robot in &mut self.robots {
                robot.tick(now, span, &self.world, &self.chargers);
            }
        } else {
            let count = self.robots.len();
            let chunks = chunks(std::mem::take(&mut self.robots), jobs);
            let (world, chargers) = (Arc::clone(&self.world), Arc::clone(&self.chargers));
            let stepped = map_jobs(workers, chunks, move |mut robots: Vec<Robot>| {
                for robot in &mut robots {
                    robot.tick(now, span, &world, &chargers);
                }
                robots
            });
            self.robots = stepped.into_iter().flatten().collect();
            debug_assert_eq!(count, self.robots.len(), "workers must return every result");
        }
        for robot in &self.robots {
            mark(&mut self.faults, &robot.affected, now);
        }
    }

    fn collect_from_robots(&mut self) {
        for index in 0..self.robots.len() {
            let Some(robot) = self.robots.get_mut(index) else { continue };
            let (agent, said) = (robot.agent, std::mem::take(&mut robot.link.outbox));
            self.note_performed(agent, &said);
            self.radio_up(agent, said);
        }
    }

    fn tick_people(&mut self) {
        if self.people.is_empty() {
            return;
        }
        let (site, barriers) = (Arc::clone(&self.world.site), Arc::clone(&self.world.barriers));
        let mut world = World::new(site, discs(&self.robots, &self.people), barriers);
        for index in 0..self.people.len() {
            let Some(person) = self.people.get_mut(index) else { continue };
            let said = person.step(&mut Surroundings {
                now: self.now,
                tick: self.tick,
                world: &world,
                peripherals: &mut self.peripherals,
            });
            // Whoever is next sees where this one has gone.
            world.replace(Owner::Person(index), person.disc());
            if let Some(agent) = person.id() {
                self.note_performed(agent, &said);
                self.radio_up(agent, said);
            }
        }
    }

    fn radio_up(&mut self, agent: AgentId, said: Vec<ToFleet>) {
        let Some(channels) = self.channels.get_mut(&agent) else { return };
        let active = Active::of(&self.faults, agent, self.now);
        for message in said {
            if !is_silent(&mut self.faults, &active, self.now, false) {
                let guilty = channels.up.send(self.seed, &self.radio, &active, self.now.as_micros(), message);
                mark(&mut self.faults, &guilty, self.now);
            }
        }
    }

    fn tick_peripherals(&mut self) {
        let discs = discs(&self.robots, &self.people);
        for Carried { owner, to } in self.peripherals.advance(self.now, self.tick, &discs) {
            match owner {
                Owner::Robot(index) => {
                    if let Some(robot) = self.robots.get_mut(index) {
                        robot.body.level = to;
                    }
                }
                Owner::Person(index) => {
                    if let Some(person) = self.people.get_mut(index) {
                        person.level = to;
                    }
                }
            }
        }
        let channels = &self.channels;
        let owner_of = |agent| channels.get(&agent).map(|channels| channels.owner);
        for Handed { agent, token, action } in self.peripherals.advance_machines(self.tick, &discs, owner_of)
        {
            let place_of = |agent| place_of(&self.channels, &self.robots, &self.people, agent);
            self.loads.moved(agent, token, action, place_of);
        }
    }

    /// Whoever says that it has done a step has done it, unless a machine does it.
    fn note_performed(&mut self, agent: AgentId, said: &[ToFleet]) {
        for message in said {
            let (ToFleet::Performed(token) | ToFleet::Report(Report { performed: Some(token), .. })) =
                message
            else {
                continue;
            };
            let place_of = |agent| place_of(&self.channels, &self.robots, &self.people, agent);
            self.loads.performed(agent, *token, place_of);
        }
    }
}

impl Channels {
    const fn new(agent: AgentId, owner: Owner) -> Self {
        Self {
            owner,
            down: Channel::new(Purpose::Downlink, agent.0),
            up: Channel::new(Purpose::Uplink, agent.0),
        }
    }
}

/// Marks faults as having had an effect.
fn mark(faults: &mut [FaultStatus], guilty: &[usize], now: FleetTime) {
    for index in guilty {
        if let Some(status) = faults.get_mut(*index) {
            status.mark(now);
        }
    }
}

/// Whether a message that is sent or due now gets lost in silence; marks the faults that silence it.
fn is_silent(faults: &mut [FaultStatus], active: &[Active], now: FleetTime, down: bool) -> bool {
    let guilty: Vec<_> =
        active.iter().filter(|active| silences(active, down)).map(|active| active.index).collect();
    mark(faults, &guilty, now);
    !guilty.is_empty()
}

/// Where an agent really is.
fn place_of(
    channels: &BTreeMap<AgentId, Channels>,
    robots: &[Robot],
    people: &[Person],
    agent: AgentId,
) -> Option<Place> {
    match channels.get(&agent)?.owner {
        Owner::Robot(index) => robots.get(index).map(|robot| (robot.body.level, robot.body.at)),
        Owner::Person(index) => people.get(index).map(|person| (person.level, person.at)),
    }
}

/// All bodies, sorted by owner.
fn discs(robots: &[Robot], people: &[Person]) -> Vec<Disc> {
    robots.iter().map(Robot::disc).chain(people.iter().filter_map(Person::disc)).collect()
}

/// Cuts a list into `count` parts of about the same size, in order.
fn chunks<T>(mut items: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let size = items.len().div_ceil(count.max(1)).max(1);
    let mut parts = Vec::with_capacity(count);
    while size < items.len() {
        let rest = items.split_off(size);
        parts.push(std::mem::replace(&mut items, rest));
    }
    parts.push(items);
    parts
}

fn channels(robots: &[RobotSpec], people: &[PersonSpec]) -> Result<BTreeMap<AgentId, Channels>, PlantError> {
    let robots =
        robots.iter().map(|robot| robot.agent).enumerate().map(|(i, agent)| (agent, Owner::Robot(i)));
    let people =
        people.iter().map(|person| person.agent).enumerate().map(|(i, agent)| (agent, Owner::Person(i)));
    let mut channels = BTreeMap::new();
    for (agent, owner) in robots.chain(people) {
        if channels.insert(agent, Channels::new(agent, owner)).is_some() {
            return Err(PlantError::Twice { agent });
        }
    }
    Ok(channels)
}
