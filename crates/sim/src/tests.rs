//! The plant as a whole.

use std::sync::{Arc, Mutex};

use sheepdog_core::{
    AgentId, Confidence, DoorId, Epoch, FleetTime, Job, JobResult, LiftId, Micros, MmPerS, Sequential,
    StationId, TaskId, Workers,
    wire::{
        Action, Anchor, Beat, DoorState, Motion, Passage, Perform, PeripheralCommand, Release, Report,
        StepToken, ToAgent, ToFleet,
    },
};
use sheepdog_driver::{Incident, Log, SECTORS};
use sheepdog_interlock::{Input, Record, Sink, SinkFull};
use sheepdog_map::{CompiledSite, NominalWaits, TravelProfile, shortest_path};

use crate::{
    BodyKind, FAULTS, Fault, FaultKind, FaultTarget, Plant, PlantConfig, PlantError, RadioSpec, Truth,
    Victims, WalkerSpec,
    fixture::{at, config, site},
};

/// Runs jobs on threads, last job first.
struct Threads;

impl Workers for Threads {
    fn run(&self, jobs: Vec<Job>) -> Vec<JobResult> {
        let mut handles: Vec<_> = jobs.into_iter().rev().map(std::thread::spawn).collect();
        handles.reverse();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    }

    fn width(&self) -> usize {
        2
    }
}

const NURSE: AgentId = AgentId(100);

fn plant(config: PlantConfig) -> Plant {
    Plant::new(site(), config, 7).unwrap()
}

fn run(plant: &mut Plant, seconds: u64) -> Vec<(AgentId, ToFleet)> {
    let end = plant.now() + Micros::from_secs(seconds);
    let mut said = Vec::new();
    while plant.now() < end {
        plant.step(&Sequential);
        said.extend(plant.take_from_agents());
    }
    said
}

fn body(plant: &Plant, kind: BodyKind) -> Truth {
    plant.truth().into_iter().find(|truth| truth.kind == kind).unwrap()
}

fn order(plant: &str, task: u64) -> Perform {
    Perform {
        token: StepToken { task: TaskId(task), award: 1, step: 0 },
        action: Action::Attend,
        place: at(&site(), plant),
        duration: Micros::from_secs(3),
    }
}

fn performed(said: &[(AgentId, ToFleet)]) -> Vec<StepToken> {
    let token = |(_, message): &(AgentId, ToFleet)| match message {
        ToFleet::Performed(token) => Some(*token),
        ToFleet::Report(_)
        | ToFleet::StoppableAt { .. }
        | ToFleet::Answer { .. }
        | ToFleet::Position(_)
        | ToFleet::Lamp(_)
        | ToFleet::Anchor(_) => None,
    };
    said.iter().filter_map(token).collect()
}

#[test]
fn a_person_answers_after_a_while_goes_there_and_works() {
    let mut plant = plant(config(&site(), &[], &["dock"]));
    let visit = order("lobby", 1);
    plant.send(NURSE, ToAgent::Ask(visit));
    plant.send(NURSE, ToAgent::Ask(visit));
    let answer = (NURSE, ToFleet::Answer { token: visit.token, accepted: true });
    assert!(!run(&mut plant, 2).contains(&answer));
    assert_eq!(run(&mut plant, 1).iter().filter(|said| **said == answer).count(), 1);
    plant.send(NURSE, ToAgent::Perform(visit));
    plant.send(NURSE, ToAgent::Perform(visit));
    // 12.5 m at 1.2 m/s, 2 s for the door at most, 3 s of work, less than 2 s of steps aside.
    assert!(performed(&run(&mut plant, 12)).is_empty());
    let said = run(&mut plant, 6);
    assert_eq!(performed(&said), [visit.token]);
    assert!(said.contains(&(NURSE, ToFleet::Position(visit.place))));
    // Asked again for what is done, they say so again.
    plant.send(NURSE, ToAgent::Perform(visit));
    assert_eq!(performed(&run(&mut plant, 1)), [visit.token]);
    assert_eq!(plant.doors(), [(DoorId(0), DoorState::Closed)]);
}

#[test]
fn a_withdrawn_step_is_not_done() {
    let mut plant = plant(config(&site(), &[], &["dock"]));
    plant.send(NURSE, ToAgent::Perform(order("lobby", 1)));
    run(&mut plant, 3);
    plant.send(NURSE, ToAgent::Withdraw(order("lobby", 1).token));
    assert!(performed(&run(&mut plant, 30)).is_empty());
    assert!(body(&plant, BodyKind::Person).x_m < 8.0);
}

#[test]
fn people_who_never_accept_decline() {
    let mut config = config(&site(), &[], &["dock"]);
    config.people[0].accept_permille = 0;
    let mut plant = plant(config);
    plant.send(NURSE, ToAgent::Ask(order("lobby", 1)));
    let declined = ToFleet::Answer { token: order("lobby", 1).token, accepted: false };
    assert!(run(&mut plant, 3).contains(&(NURSE, declined)));
}

#[test]
fn people_change_the_level_by_the_stairs() {
    let mut plant = plant(config(&site(), &[], &["east"]));
    plant.send(NURSE, ToAgent::Perform(order("upper", 1)));
    run(&mut plant, 15);
    assert!(plant.truth().is_empty(), "on the stairs");
    assert_eq!(performed(&run(&mut plant, 40)).len(), 1);
    assert_eq!(body(&plant, BodyKind::Person).level, site().level_named("L1").unwrap());
}

#[test]
fn people_go_round_a_robot_and_not_through_it() {
    let mut plant = plant(config(&site(), &["west"], &["dock"]));
    plant.send(NURSE, ToAgent::Perform(order("east", 1)));
    assert_eq!(performed(&run(&mut plant, 40)).len(), 1);
    assert!(plant.min_person_separation_m() > 0.1, "{}", plant.min_person_separation_m());
    assert_eq!(plant.overlaps(), 0);
}

#[test]
fn walkers_on_patrol_meet_and_pass_each_other() {
    let site = site();
    let mut config = config(&site, &[], &[]);
    let (dock, lobby) = (at(&site, "dock"), at(&site, "lobby"));
    for patrol in [vec![dock, lobby], vec![lobby, dock]] {
        config.walkers.push(WalkerSpec { patrol, speed: MmPerS(1_300), pause: Micros::from_secs(1) });
    }
    let mut plant = plant(config);
    let mut crossed = 0;
    let mut before = None;
    for _ in 0..6_000 {
        plant.step(&Sequential);
        let truth = plant.truth();
        let gap = libm::hypot(truth[0].x_m - truth[1].x_m, truth[0].y_m - truth[1].y_m);
        assert!(gap >= truth[0].radius_m + truth[1].radius_m, "{gap}");
        let order = truth[0].x_m < truth[1].x_m;
        crossed += usize::from(before.replace(order).is_some_and(|before| before != order));
    }
    assert!(crossed >= 8, "{crossed}");
}

#[test]
fn a_fault_takes_effect_only_where_it_matters() {
    let mut plant = plant(config(&site(), &["west", "lobby"], &[]));
    let fault = |target, kind| Fault { target, onset: Micros::from_secs(1), duration: None, kind };
    let low = |ppm| FaultKind::ConfidenceLoss { confidence: Confidence::from_ppm(ppm).unwrap() };
    let robot = FaultTarget::Agent(AgentId(0));
    let effective = [
        fault(robot, low(500_000)),
        fault(robot, FaultKind::Breakdown),
        fault(robot, FaultKind::EmergencyButton),
        fault(FaultTarget::EveryAgent, FaultKind::RadioSilence),
        fault(FaultTarget::Door(DoorId(0)), FaultKind::DoorStuck),
    ];
    let idle = [
        fault(FaultTarget::Agent(AgentId(9)), FaultKind::Breakdown),
        fault(FaultTarget::Agent(AgentId(1)), low(1_000_000)),
        fault(robot, FaultKind::DoorStuck),
        fault(FaultTarget::Door(DoorId(9)), FaultKind::DoorStuck),
        Fault { onset: Micros::from_secs(60), ..fault(robot, FaultKind::Breakdown) },
    ];
    for fault in effective.into_iter().chain(idle) {
        plant.inject(fault);
    }
    run(&mut plant, 1);
    assert!(plant.faults().iter().all(|status| status.took_effect.is_none()));
    plant.send(AgentId(0), ToAgent::Withdraw(order("dock", 1).token));
    run(&mut plant, 2);
    let effects: Vec<_> = plant.faults().iter().map(|status| status.took_effect.is_some()).collect();
    assert_eq!(effects, [vec![true; effective.len()], vec![false; idle.len()]].concat());
}

#[test]
fn a_robot_on_a_charger_gains_what_another_loses() {
    let mut plant = plant(config(&site(), &["dock", "lobby"], &[]));
    run(&mut plant, 36);
    let battery = |index: usize| plant.truth()[index].battery.unwrap().get();
    assert_eq!(battery(0), 808_000);
    assert_eq!(battery(1), 799_500);
}

/// Everything that can be observed of a run, to the last bit.
fn trace(workers: &dyn Workers, seed: u64) -> Vec<(Vec<Truth>, String)> {
    let site = site();
    let mut config = config(&site, &["dock"; 17], &["west", "lobby"]);
    config.radio = RadioSpec {
        delay: Micros::from_millis(20),
        jitter: Micros::from_millis(200),
        loss_permille: 100,
        duplicate_permille: 100,
    };
    config.walkers.push(WalkerSpec {
        patrol: vec![at(&site, "west"), at(&site, "lobby")],
        speed: MmPerS(1_000),
        pause: Micros::ZERO,
    });
    let mut plant = Plant::new(Arc::clone(&site), config, seed).unwrap();
    plant.send(NURSE, ToAgent::Perform(order("lobby", 1)));
    let mut step = || {
        plant.step(workers);
        (plant.truth(), format!("{:?}", (plant.take_from_agents(), plant.take_from_peripherals())))
    };
    (0..200).map(|_| step()).collect()
}

#[test]
fn a_run_is_a_function_of_its_seed_on_any_number_of_threads() {
    let one = trace(&Sequential, 3);
    assert_eq!(one, trace(&Sequential, 3));
    assert_eq!(one, trace(&Threads, 3));
    assert_ne!(one, trace(&Sequential, 4));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let site = site();
    let refused = |change: fn(&mut PlantConfig)| {
        let mut config = config(&site, &["west", "east"], &["dock"]);
        change(&mut config);
        Plant::new(Arc::clone(&site), config, 0).err()
    };
    let long = Micros::new(100_001);
    assert_eq!(refused(|config| config.tick = Micros::new(100_001)), Some(PlantError::Tick { tick: long }));
    assert_eq!(refused(|config| config.tick = Micros::ZERO), Some(PlantError::Tick { tick: Micros::ZERO }));
    assert_eq!(
        refused(|config| config.people[0].agent = AgentId(1)),
        Some(PlantError::Twice { agent: AgentId(1) })
    );
    assert_eq!(
        refused(|config| config.robots[1].class = 1),
        Some(PlantError::Class { agent: AgentId(1), class: 1, classes: 1 })
    );
    let refusals: [fn(&mut PlantConfig); 4] = [
        |config| config.robots[0].at.0 = 9_999,
        |config| config.robots[0].deceleration.0 = 0,
        |config| config.people[0].speed.0 = 0,
        |config| {
            config.walkers.push(WalkerSpec { patrol: Vec::new(), speed: MmPerS(1), pause: Micros::ZERO });
        },
    ];
    let texts: Vec<String> =
        refusals.into_iter().map(|change| refused(change).unwrap().to_string()).collect();
    let expected = [
        "agent a0 is at w9999, which the site does not have",
        "agent a0 has a deceleration of zero",
        "agent a100 has a speed of zero",
        "walker 0 has no patrol",
    ];
    assert_eq!(texts, expected);
    assert_eq!(refused(|config| config.tick = Micros::from_millis(100)), None);
}

/// A fleet of one: keeps a release, the door and beats going.
struct Dispatcher {
    robot: AgentId,
    release: Release,
    open: Vec<Passage>,
    beat: u32,
}

impl Dispatcher {
    fn new(site: &CompiledSite, from: &str, to: &str) -> Self {
        let profile = TravelProfile::robot(MmPerS(1_000), 0);
        let lanes = shortest_path(site, profile, &NominalWaits(site), at(site, from), at(site, to)).unwrap();
        let release = Release {
            boot: 0,
            epoch: Epoch(1),
            origin: at(site, from),
            first: 0,
            lanes,
            site: site.version(),
        };
        Self { robot: AgentId(0), release, open: Vec::new(), beat: 0 }
    }

    /// One tick of the plant, and every half second a message of each kind.
    fn step(&mut self, plant: &mut Plant) -> Vec<Report> {
        if plant.now().as_micros().is_multiple_of(500_000) {
            self.beat += 1;
            let (seq, open, shut) = (self.beat, self.open.clone(), Vec::new());
            let beat = Beat { boot: 0, seq, open, shut, stop: None, reset: None };
            plant.send(self.robot, ToAgent::Release(self.release.clone()));
            plant.send(self.robot, ToAgent::Beat(beat));
        }
        plant.step(&Sequential);
        let reports = plant.take_from_agents().into_iter().filter_map(|(_, message)| match message {
            ToFleet::Report(report) => Some(report),
            ToFleet::StoppableAt { .. }
            | ToFleet::Answer { .. }
            | ToFleet::Performed(_)
            | ToFleet::Position(_)
            | ToFleet::Lamp(_)
            | ToFleet::Anchor(_) => None,
        });
        reports.collect()
    }
}

#[test]
fn a_robot_waits_for_a_door_and_follows_its_release_to_the_other_room() {
    let site = site();
    let mut plant = plant(config(&site, &["dock"], &[]));
    let mut fleet = Dispatcher::new(&site, "dock", "lobby");
    let mut last = None;
    for _ in 0..400 {
        last = fleet.step(&mut plant).pop().or(last);
    }
    let waiting = body(&plant, BodyKind::Robot);
    assert!(4.0 < waiting.x_m && waiting.x_m < 7.7, "{waiting:?}");
    assert!(last.is_some_and(|report| report.motion == Motion::Waiting));

    plant.command(PeripheralCommand::Door { door: DoorId(0), open: true });
    let mut done = 0;
    for _ in 0..600 {
        done = fleet.step(&mut plant).pop().map_or(done, |report| report.done);
        if plant.doors() == [(DoorId(0), DoorState::Open)] {
            fleet.open = vec![Passage::Door(DoorId(0))];
        }
    }
    assert_eq!(usize::try_from(done), Ok(fleet.release.lanes.len()));
    let there = body(&plant, BodyKind::Robot);
    assert!(libm::hypot(there.x_m - 14.0, there.y_m - 3.0) < 0.1, "{there:?}");
    assert!(there.battery.unwrap().get() < 800_000);
}

#[test]
fn a_released_robot_stops_for_a_robot_that_does_not_move() {
    let site = site();
    let mut plant = plant(config(&site, &["dock", "west"], &[]));
    let mut fleet = Dispatcher::new(&site, "dock", "east");
    for _ in 0..600 {
        fleet.step(&mut plant);
    }
    let stopped = body(&plant, BodyKind::Robot);
    assert!(2.5 < stopped.x_m, "{stopped:?}");
    assert!(0.1 < plant.min_separation_m(), "{}", plant.min_separation_m());
    assert_eq!(plant.overlaps(), 0);
}

#[test]
fn a_robot_without_confidence_or_drive_stands() {
    for kind in [
        FaultKind::ConfidenceLoss { confidence: Confidence::from_ppm(924_999).unwrap() },
        FaultKind::Breakdown,
        FaultKind::EmergencyButton,
    ] {
        let site = site();
        let mut plant = plant(config(&site, &["dock"], &[]));
        let mut fleet = Dispatcher::new(&site, "dock", "west");
        let target = FaultTarget::Agent(AgentId(0));
        plant.inject(Fault { target, onset: Micros::from_secs(4), duration: None, kind });
        for _ in 0..120 {
            fleet.step(&mut plant);
        }
        let stopped = body(&plant, BodyKind::Robot);
        assert!(1.6 < stopped.x_m && stopped.x_m < 4.5, "{kind:?} {stopped:?}");
        for _ in 0..200 {
            fleet.step(&mut plant);
        }
        assert_eq!(
            body(&plant, BodyKind::Robot),
            Truth { battery: body(&plant, BodyKind::Robot).battery, ..stopped }
        );
        assert!(plant.faults()[0].took_effect.is_some());
    }
}

#[test]
fn a_robot_rides_the_lift() {
    let site = site();
    let mut plant = plant(config(&site, &["lobby"], &[]));
    let mut fleet = Dispatcher::new(&site, "lobby", "upper");
    let lift = LiftId(0);
    let [ground, upper] = ["L0", "L1"].map(|name| site.level_named(name).unwrap());
    let cabin = site.waypoint(at(&site, "cabin")).unwrap().at;
    for _ in 0..2_000 {
        let robot = body(&plant, BodyKind::Robot);
        let inside = libm::hypot(robot.x_m - cabin.x, robot.y_m - cabin.y) < 0.2;
        let level = if inside || robot.level == upper { upper } else { ground };
        plant.command(PeripheralCommand::CallLift { lift, level });
        let open = plant.lifts().into_iter().filter(|(_, _, state)| *state == DoorState::Open);
        fleet.open = open.map(|(lift, level, _)| Passage::Lift(lift, level)).collect();
        fleet.step(&mut plant);
    }
    let there = body(&plant, BodyKind::Robot);
    assert_eq!(there.level, upper);
    assert!((there.x_m - 10.0).abs() < 0.1, "{there:?}");
}

/// Keeps what a robot decided.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Record>>>);

impl Sink<1, SECTORS> for Recorder {
    fn accept(&mut self, record: &Record, _: &Input<1, SECTORS>) -> Result<(), SinkFull> {
        self.0.lock().unwrap().push(*record);
        Ok(())
    }
}

impl Log for Recorder {
    fn incident(&mut self, _: &Incident) {}

    fn anchor(&mut self) -> Option<Anchor> {
        None
    }
}

/// Half a minute and more of a robot on its way through an open door, with a fault from the sixth second on: what it
/// decided since, in milliseconds after the onset, and whether it is there.
fn through_the_door_with(fault: Fault) -> (Plant, Vec<(u64, Record)>, bool) {
    let site = site();
    let mut plant = plant(config(&site, &["dock"], &[]));
    let mut fleet = Dispatcher::new(&site, "dock", "lobby");
    let log = Recorder::default();
    assert!(plant.keep_log(AgentId(0), Box::new(log.clone())));
    plant.command(PeripheralCommand::Door { door: DoorId(0), open: true });
    // Somebody holds the lift.
    let level = site.level_named("L0").unwrap();
    plant.command(PeripheralCommand::CallLift { lift: LiftId(0), level });
    plant.inject(fault);
    let mut done = 0;
    let mut records = Vec::new();
    while plant.now() < FleetTime::from_micros(60_000_000) {
        let is_open = plant.doors() == [(DoorId(0), DoorState::Open)];
        fleet.open = is_open.then_some(Passage::Door(DoorId(0))).into_iter().collect();
        let after = plant.now().since(FleetTime::from_micros(fault.onset.as_micros()));
        done = fleet.step(&mut plant).pop().map_or(done, |report| report.done);
        // Stamps are of the robot's clock, which may be what is wrong.
        let new = std::mem::take(&mut *log.0.lock().unwrap());
        records.extend(new.into_iter().filter_map(|record| Some((after?.as_millis(), record))));
    }
    let is_there = usize::try_from(done) == Ok(fleet.release.lanes.len());
    (plant, records, is_there)
}

#[test]
fn every_fault_of_the_catalogue_takes_effect_and_is_found_by_its_rule_in_time() {
    /// How a run ends that a fault has met.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum End {
        /// The robot is where it was sent.
        There,
        /// It waits for a person.
        Latched,
        /// It has booted, and waits for a new release.
        Booted,
    }
    use End::{Booted, Latched, There};

    /// A rule, and by when it fires, milliseconds.
    type By = Option<(&'static str, u64)>;

    /// Each fault of the catalogue, played on a robot that cruises: the rule that finds it, if a robot alone can, by when, in
    /// milliseconds, and how the run ends. A fleet, a second sensor or a pack that the plant does not run finds the others.
    const FOUND: [(&str, By, End); 51] = [
        ("comms loss", None, There),
        ("handover gap", None, There),
        ("handover overlap", None, There),
        ("delay", None, There),
        ("jitter", None, There),
        ("reorder", None, There),
        ("duplicate", None, There),
        ("corrupt", None, There),
        ("truncate", None, There),
        ("burst loss", None, There),
        ("asymmetric partition", None, There),
        ("flapping", None, There),
        ("stale replay", None, There),
        ("sensor dropout", Some(("OBS-008", 0)), There),
        ("freeze", Some(("OBS-006", 200)), There),
        ("NaN", Some(("OBS-008", 0)), There),
        ("inf", Some(("OBS-008", 0)), There),
        ("out-of-range", Some(("OBS-008", 0)), There),
        ("bias", Some(("OBS-010", 0)), There),
        ("slow drift", Some(("OBS-010", 4_200)), There),
        ("noise", None, There),
        ("stuck-high confidence", None, There),
        ("stuck-low", Some(("OBS-001", 0)), There),
        ("partial sector blind", Some(("OBS-001", 0)), There),
        ("false clear", None, There),
        ("ghost obstacle", Some(("SSM-002", 0)), There),
        ("future stamp", Some(("OBS-005", 0)), There),
        ("old stamp", Some(("OBS-004", 0)), There),
        ("sensor swap", Some(("OBS-010", 0)), There),
        ("clock back", Some(("CLK-001", 0)), Latched),
        ("clock forward", Some(("CLK-002", 0)), Latched),
        ("clock stall", Some(("OBS-005", 50)), There),
        ("32-bit wrap", Some(("CLK-001", 0)), Latched),
        ("brake fade", None, There),
        ("brake stuck open", Some(("SPD-002", 9_000)), Latched),
        ("delayed actuation", Some(("SPD-002", 9_000)), Latched),
        ("runaway", Some(("SPD-002", 200)), Latched),
        ("wheel slip", Some(("SPD-002", 100)), Latched),
        ("lift failure", None, There),
        ("lift door stuck", None, There),
        ("fire door shut", None, There),
        ("low battery", None, There),
        ("brown-out", Some(("ARM-001", 3_000)), Booted),
        ("e-stop", Some(("EST-003", 0)), Latched),
        ("e-stop bounce", Some(("EST-003", 0)), Latched),
        ("reset button stuck", None, There),
        ("leaves map", Some(("PCK-002", 0)), There),
        ("localisation jump", Some(("PCK-002", 0)), There),
        ("process crash", Some(("ARM-001", 3_000)), Booted),
        ("restart mid-motion", Some(("STP-001", 100)), Booted),
        // LOG-001 is what the log did not take; the first record that it takes again says that the robot is latched.
        ("log full", Some(("RST-001", 2_000)), Latched),
    ];

    let names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
    assert_eq!(FOUND.map(|(name, ..)| name).to_vec(), names);
    let onset = Micros::from_secs(6);
    let fires = |rule: &str, (_, record): &(u64, Record)| {
        record.decision.rules.iter().any(|fired| fired.as_str() == rule)
    };
    // A fault of somebody who is not there, and so a run without one.
    let nobody = Fault::named("comms loss", FaultTarget::Agent(AgentId(9)), onset).unwrap();
    let (_, sound, _) = through_the_door_with(nobody);
    for (name, found, end) in FOUND {
        let kind = FAULTS.iter().find(|fault| fault.name == name).unwrap().kind;
        let target = match kind.victims() {
            Victims::Agents => FaultTarget::Agent(AgentId(0)),
            Victims::Doors => FaultTarget::Door(DoorId(0)),
            Victims::Lifts => FaultTarget::Lift(LiftId(0)),
            Victims::Machines => FaultTarget::Machine(StationId(0)),
        };
        let (plant, records, is_there) = through_the_door_with(Fault::named(name, target, onset).unwrap());
        if let Some((rule, by)) = found {
            let first = records.iter().find(|record| fires(rule, record)).map(|(at, _)| *at);
            assert!(first.is_some_and(|at| at <= by), "{name}: {rule} after {first:?} ms, not within {by}");
            let anyway = sound.iter().find(|record| fires(rule, record)).map(|(at, _)| *at);
            assert!(anyway.is_none_or(|at| by < at), "{rule} fires without {name} as well");
        }
        let latched = records.last().is_some_and(|(_, record)| record.after.needs_person());
        let ended = if latched {
            Latched
        } else if is_there {
            There
        } else {
            Booted
        };
        assert_eq!(ended, end, "{name}");
        assert!(plant.faults()[0].took_effect.is_some(), "{name} has made no difference");
        assert_eq!(plant.overlaps(), 0, "{name}");
    }
}

#[test]
fn a_fault_that_changes_nothing_takes_no_effect() {
    // A robot that rests by a shut door and a lift that nobody calls.
    for name in [
        "brake fade",
        "brake stuck open",
        "delayed actuation",
        "runaway",
        "wheel slip",
        "fire door shut",
        "lift door stuck",
        "burst loss",
    ] {
        let kind = FAULTS.iter().find(|fault| fault.name == name).unwrap().kind;
        let target = match kind.victims() {
            Victims::Agents => FaultTarget::Agent(AgentId(0)),
            Victims::Doors => FaultTarget::Door(DoorId(0)),
            Victims::Lifts => FaultTarget::Lift(LiftId(0)),
            Victims::Machines => FaultTarget::Machine(StationId(0)),
        };
        let mut plant = plant(config(&site(), &["dock"], &[]));
        // The first report is sent, and may be lost.
        run(&mut plant, 1);
        plant.inject(Fault { target, onset: Micros::from_millis(1_050), duration: None, kind });
        run(&mut plant, 0);
        for _ in 0..10 {
            plant.step(&Sequential);
        }
        assert_eq!(plant.faults()[0].took_effect, None, "{name}");
    }
}

#[test]
fn a_robot_that_is_down_boots_again_and_keeps_its_latch() {
    let site = site();
    let mut plant = plant(config(&site, &["dock"], &[]));
    let robot = FaultTarget::Agent(AgentId(0));
    plant.inject(Fault::named("e-stop", robot, Micros::from_secs(2)).unwrap());
    plant.inject(Fault::named("process crash", robot, Micros::from_secs(6)).unwrap());
    run(&mut plant, 5);
    assert!(plant.needs_person(AgentId(0)));
    run(&mut plant, 3);
    assert_eq!(plant.decision(AgentId(0)), None, "it is down");
    run(&mut plant, 3);
    assert!(plant.needs_person(AgentId(0)) && plant.decision(AgentId(0)).is_some());
}
