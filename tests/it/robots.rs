//! The robots' own ledgers: from the decision to the file, and what the file is good for.

use std::{collections::BTreeMap, fs, path::Path};

use sheepdog::fleet::OperatorCommand;
use sheepdog::interlock::{self, BootNonce, Record, SinkFull, State, Verdict, rules};
use sheepdog::ledger::{Body, Leaves, LedgerError, Reader, SaltKey, Verifier};
use sheepdog::runtime::{
    Anchored, Disk, RobotHeader, RobotLedger, RobotRecord, RobotStore, StoreError, StoreOptions, recorder,
    segment_files,
};
use sheepdog::scenario::World;
use sheepdog::sim::{Fault, FaultKind, FaultTarget};
use sheepdog::vocabulary::{
    AgentId, Confidence, Micros, RobotTime, Sequential, StopCategory, StopGeneration,
    wire::{ResetStep, StopScope},
};

use crate::common::{ANNA, Folder, ask, carry, command, setup};

/// Decisions that a ring takes.
const CAPACITY: usize = 64;

type Stores = BTreeMap<AgentId, RobotStore>;

fn equip(world: &mut World, folder: &Path, boot: u64) -> Stores {
    let site = world.setup().site.version();
    let robots: Vec<_> = world.plant().robots().collect();
    let equip = |(agent, config, _): (AgentId, _, _)| {
        let header = RobotHeader::new(agent, BootNonce(boot), config, site);
        let disk = Disk::create(&folder.join(agent.0.to_string())).unwrap();
        let options = StoreOptions::KEEP_ALL;
        let (tap, store) =
            RobotStore::open(Box::new(disk), &header, SaltKey::PUBLIC, CAPACITY, options).unwrap();
        assert!(world.plant_mut().keep_log(agent, Box::new(tap)));
        (agent, store)
    };
    robots.into_iter().map(equip).collect()
}

fn drain(world: &World, stores: &mut Stores) {
    for (agent, _, clock) in world.plant().robots() {
        stores.get_mut(&agent).unwrap().drain(clock).unwrap();
    }
}

fn clock(world: &World, robot: AgentId) -> RobotTime {
    world.plant().robots().find(|(agent, ..)| *agent == robot).unwrap().2
}

fn run(world: &mut World, stores: &mut Stores, second: u64) {
    while world.now().as_micros() < second * 1_000_000 {
        world.step(&Sequential).unwrap();
        drain(world, stores);
    }
}

fn close(world: &World, stores: Stores) {
    for (agent, store) in stores {
        store.close(clock(world, agent)).unwrap();
    }
}

fn files(folder: &Path, robot: AgentId) -> Vec<Vec<u8>> {
    let paths = segment_files(&folder.join(robot.0.to_string())).unwrap();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

fn read(files: &[Vec<u8>]) -> RobotLedger {
    RobotLedger::read(files.iter().map(Vec::as_slice)).unwrap()
}

fn busy() -> World {
    let mut setup = setup();
    for (at_s, from, to) in [(1, "bay-1", "bay-4"), (2, "bay-4", "bay-0"), (3, "bay-3", "bay-1")] {
        let request = carry(&setup, &format!("{from} to {to}"), from, to);
        ask(&mut setup, at_s, request);
    }
    World::new(setup).unwrap()
}

/// A minute and a half in which Anna goes blind, is stopped by an operator, and is let go again.
fn eventful(folder: &Path) -> World {
    let mut world = busy();
    let mut stores = equip(&mut world, folder, 0);
    run(&mut world, &mut stores, 8);
    world.inject(Fault {
        target: FaultTarget::Agent(ANNA),
        onset: Micros::from_secs(8),
        duration: Some(Micros::from_secs(3)),
        kind: FaultKind::ConfidenceLoss { confidence: Confidence::from_ppm(924_999).unwrap() },
    });
    run(&mut world, &mut stores, 20);
    let stop = OperatorCommand::Stop { scope: StopScope::Site, category: StopCategory::One };
    command(&mut world, stop).unwrap();
    run(&mut world, &mut stores, 25);
    for (step, second) in [(ResetStep::Acknowledge, 28), (ResetStep::Start, 90)] {
        let reset = OperatorCommand::Reset { generation: StopGeneration(1), step };
        command(&mut world, reset).unwrap();
        run(&mut world, &mut stores, second);
    }
    close(&world, stores);
    world
}

#[test]
fn a_robots_ledger_from_the_decision_to_the_court() {
    let folder = Folder::new("robot-ledger");
    let mut world = eventful(&folder.0);
    let files = files(&folder.0, ANNA);
    let ledger = read(&files);
    let records: Vec<&RobotRecord> =
        ledger.boots[0].entries.iter().map(|entry| entry.record.as_ref().unwrap()).collect();

    // Every stop, every reset, and an incident for each stop that disarmed the robot.
    let stops: Vec<&Record> = records
        .iter()
        .filter_map(|record| if let RobotRecord::Stopped(stop) = record { Some(stop.as_ref()) } else { None })
        .collect();
    let stopped_by = |rule| stops.iter().filter(|stop| stop.decision.primary == rule).count();
    assert_eq!(stopped_by(rules::OBS_001), 1);
    assert_eq!(stopped_by(rules::EST_001), 1, "{stops:#?}");
    let incidents = records.iter().filter(|record| matches!(record, RobotRecord::Incident(_))).count();
    let disarming = stops.iter().filter(|stop| !is_armed(stop.after)).count();
    assert_eq!(incidents, disarming);
    let steps: Vec<_> = records
        .iter()
        .filter_map(|record| if let RobotRecord::Reset(reset) = record { reset.reset } else { None })
        .map(|reset| reset.step)
        .collect();
    assert_eq!(steps, [interlock::ResetStep::Acknowledge, interlock::ResetStep::Start]);

    // The records stand for every decision; the incidents come out as they were.
    let replay = ledger.replay();
    assert_eq!(replay.is_faithful(), Some(true), "{replay:#?}");
    assert_eq!(replay.incidents.len(), incidents);
    assert!(600 < replay.decisions);
    assert!(records.len() * 5 < usize::try_from(replay.decisions).unwrap(), "folded");

    // Bodies have one form; what is damaged in them is refused or read as something else, and never panics. A step
    // takes little.
    for entry in Reader::new(files[0].as_slice()).unwrap() {
        let mut entry = entry.unwrap();
        let bytes = entry.bytes().unwrap().to_vec();
        let record = RobotRecord::decode(&entry).unwrap();
        assert_eq!(record.encode(), bytes);
        let steps = if let RobotRecord::Incident(incident) = record { incident.steps().count() } else { 1 };
        assert!(bytes.len() < 180 * steps, "{} bytes for {steps} steps", bytes.len());
        for bit in (0..bytes.len() * 8).step_by(1 + bytes.len() / 40) {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            entry.body = Body::Unsalted { bytes: changed.clone() };
            assert!(RobotRecord::decode(&entry).map_or(true, |read| read.encode() == changed), "bit {bit}");
        }
    }

    // The story names rule, values and person.
    let story = ledger.explain();
    for part in ["OBS-001: 924999 is below 925000", "RESET: Acknowledge of stop 1", "black box of that stop"]
    {
        assert!(story.contains(part), "{part:?} is not in\n{story}");
    }

    // The fleet's anchors hold, and nearly everything is covered.
    let mut leaves = Leaves::default();
    leaves.extend(Reader::new(files[0].as_slice()).unwrap()).unwrap();
    let fleet = world.entries().unwrap();
    let anchored = Anchored::check(ANNA, &fleet, &leaves);
    assert!(3 <= anchored.held && anchored.broken.is_empty(), "{anchored:?}");
    assert!(records.len() as u64 / 2 < anchored.covered);
    let shorter = shortened(&files[0], anchored.covered - 1);
    let mut leaves = Leaves::default();
    leaves.extend(Reader::new(shorter.as_slice()).unwrap()).unwrap();
    assert!(Verifier::new().last_file(&shorter).is_ok(), "the chain alone does not show it");
    assert!(!Anchored::check(ANNA, &fleet, &leaves).broken.is_empty());

    // Any changed byte is found.
    for index in (0..files[0].len()).step_by(997) {
        let mut changed = files[0].clone();
        changed[index] ^= 4;
        assert!(!is_whole(&changed, &files[0]), "byte {index}");
    }
}

fn is_armed(state: State) -> bool {
    matches!(state, State::Slow | State::Ready)
}

fn is_whole(file: &[u8], original: &[u8]) -> bool {
    match Verifier::new().last_file(file) {
        // Only the length of the last frame can make it look unfinished; then its record is missing.
        Ok(verified) => {
            verified.torn_tail.is_none()
                && verified.chain == Verifier::new().last_file(original).unwrap().chain
        }
        Err(_) => false,
    }
}

/// The file without its last records.
fn shortened(file: &[u8], records: u64) -> Vec<u8> {
    let mut reader = Reader::new(file).unwrap();
    for _ in 0..records {
        reader.next().unwrap().unwrap();
    }
    file[..usize::try_from(reader.offset()).unwrap()].to_vec()
}

/// What another version decided differently says nothing.
#[test]
fn another_version_is_no_divergence() {
    let folder = Folder::new("robot-version");
    eventful(&folder.0);
    let mut ledger = read(&files(&folder.0, ANNA));
    ledger.boots[0].header.software = "sheepdog 0.0.9".to_owned();
    let replay = ledger.replay();
    assert_eq!(replay.is_faithful(), None);
    assert_eq!(replay.other_version.unwrap().written_by.software, "sheepdog 0.0.9");
}

/// Nobody empties the ring: it fills, the next decision is refused, and the robot latches before it moves on it. When
/// somebody empties it at last, the file says how many decisions are missing.
#[test]
fn a_decision_whose_record_is_refused_latches() {
    let folder = Folder::new("robot-full");
    let mut world = busy();
    let mut stores = equip(&mut world, &folder.0, 0);
    run(&mut world, &mut stores, 8);
    let truth = |world: &World| {
        world.plant().truth().into_iter().find(|body| body.agent == Some(ANNA)).unwrap().speed_mps
    };
    assert!(0.3 < truth(&world), "Anna drives");
    // 64 decisions at 20 Hz, and the time to stop.
    while world.now().as_micros() < 15_000_000 {
        world.step(&Sequential).unwrap();
    }
    assert!(truth(&world) < 0.01, "Anna stands");
    drain(&world, &mut stores);
    run(&mut world, &mut stores, 16);
    close(&world, stores);
    let ledger = read(&files(&folder.0, ANNA));
    let entries = &ledger.boots[0].entries;
    let gap =
        entries.iter().position(|entry| matches!(entry.record, Ok(RobotRecord::Refused { .. }))).unwrap();
    let Ok(RobotRecord::Refused { count, .. }) = entries[gap].record else { panic!() };
    assert!(0 < count);
    let incident = entries[..gap].iter().rev().find_map(|entry| match &entry.record {
        Ok(RobotRecord::Incident(incident)) => Some(incident),
        _ => None,
    });
    let last = incident.unwrap().steps().last().unwrap();
    assert!(last.is_refused() && last.record.decision.verdict == Verdict::Move);
    let after = entries[gap + 1].record.as_ref().unwrap().decision().unwrap();
    assert_eq!(after.before.cause(), Some(rules::LOG_001));
    assert_eq!(ledger.replay().is_faithful(), Some(true), "{:#?}", ledger.replay());
    assert!(ledger.explain().contains("are not on record"));
}

/// A ring whose other end is gone refuses, and the smallest ring takes a decision.
#[test]
fn a_tap_without_a_recorder_refuses() {
    use sheepdog::interlock::{Input, Sink as _};
    let folder = Folder::new("robot-tap");
    eventful(&folder.0);
    let ledger = read(&files(&folder.0, ANNA));
    let record = *ledger.boots[0].entries[0].record.as_ref().unwrap().decision().unwrap();
    let input = Input::<1, 2>::unknown(record.at, setup().site.version());
    let (mut tap, mut end) = recorder(sheepdog::ledger::Ledger::new(b"", SaltKey::PUBLIC), 0);
    assert_eq!(tap.accept(&record, &input), Ok(()));
    assert_eq!(tap.accept(&record, &input), Err(SinkFull));
    assert_eq!(end.drain(record.at).len() + end.flush().len(), 1);
    assert_eq!(tap.accept(&record, &input), Ok(()));
    drop(end);
    assert_eq!(tap.accept(&record, &input), Err(SinkFull));
}

/// A robot's chain goes on over its boots, cut where a crash cut it; another robot's folder, and a boot that was used
/// before, are refused.
#[test]
fn the_next_boot_continues_the_chain() {
    let folder = Folder::new("robot-boots");
    eventful(&folder.0);
    let path = segment_files(&folder.0.join("0")).unwrap().remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut world = busy();
    let mut stores = equip(&mut world, &folder.0, 1);
    run(&mut world, &mut stores, 12);
    close(&world, stores);
    let files = files(&folder.0, ANNA);
    assert_eq!(files.len(), 2);
    let mut verifier = Verifier::new();
    verifier.file(&files[0]).unwrap();
    verifier.last_file(&files[1]).unwrap();
    assert!(
        matches!(Verifier::new().last_file(&files[1]).map(|verified| verified.first), Ok(first) if 0 < first)
    );
    // The simulated robot says boot 0 every time; that a header says something else is found.
    let replay = read(&files).replay();
    assert!(replay.incidents.iter().all(|incident| incident.outcome.is_ok()));
    assert!(!replay.findings.is_empty(), "{replay:#?}");
    assert!(replay.findings.iter().all(|(_, what)| what == "it is of boot 0"), "{replay:#?}");
    let open = |robot, boot| {
        let (_, config, _) = world.plant().robots().next().unwrap();
        let header = RobotHeader::new(AgentId(robot), BootNonce(boot), config, world.setup().site.version());
        let disk = Disk::create(&folder.0.join("0")).unwrap();
        let options = StoreOptions::KEEP_ALL;
        RobotStore::open(Box::new(disk), &header, SaltKey::PUBLIC, CAPACITY, options).map(|_| ())
    };
    assert!(matches!(open(0, 1), Err(StoreError::BootUsed { boot: 1, .. })));
    assert!(matches!(open(0, 0), Err(StoreError::BootUsed { boot: 0, .. })));
    assert!(matches!(open(1, 7), Err(StoreError::OtherRobot { .. })));
    let mut damaged = fs::read(&path).unwrap();
    damaged[2_000] ^= 1;
    fs::write(&path, damaged).unwrap();
    // A boot reads from the checkpoint on; without it, everything.
    fs::remove_file(folder.0.join("0/checkpoint.sheepdog")).unwrap();
    assert!(matches!(
        open(0, 7),
        Err(StoreError::Ledger { error: LedgerError::Digest { .. } | LedgerError::Malformed { .. }, .. })
    ));
}
