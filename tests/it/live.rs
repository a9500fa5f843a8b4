//! The same fleet in real time: a server, its store, a few seconds of simulated robots, and a crash.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sheepdog::fleet::{Entry, Fleet, Input, Output, Record, StorageLevel};
use sheepdog::ledger::{Envelope, Reader};
use sheepdog::runtime::{Disk, Server, Store, StoreError, StoreOptions};
use sheepdog::sim::Plant;
use sheepdog::vocabulary::{FleetTime, Micros, Sequential};
use sheepdog_testkit::check;

use crate::common::{ANNA, Folder, carry, setup};

/// Lets the plant run for `ticks` ticks of 50 ms, ten times as fast as life.
fn run(server: &Server, plant: &mut Plant, ticks: usize) {
    let inputs = server.inputs().unwrap();
    for _ in 0..ticks {
        while let Ok((_, output)) = server.outputs().try_recv() {
            match output {
                Output::ToAgent { agent, message } => plant.send(agent, message),
                Output::ToPeripheral(command) => plant.command(command),
                Output::Plan { .. } => panic!("plan jobs stay inside the server"),
                Output::Alert(_) => {}
            }
        }
        plant.step(&Sequential);
        for (agent, message) in plant.take_from_agents() {
            inputs.send(Input::FromAgent { agent, message }).unwrap();
        }
        for report in plant.take_from_peripherals() {
            inputs.send(Input::FromPeripheral(report)).unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ledger_file(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap()
}

fn envelopes(bytes: &[u8]) -> Vec<Envelope> {
    Reader::new(bytes).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_fleet_in_real_time_is_killed_and_comes_back_from_disk() {
    let mut setup = setup();
    setup.plant.people.clear();
    setup.fleet.agents.truncate(2);
    setup.fleet.beat_every = Micros::from_millis(50);
    setup.fleet.stalled_after = Micros::from_millis(400);
    let (first, second) = (Folder::new("live-1"), Folder::new("live-2"));
    let fleet = Fleet::new(setup.site.clone(), setup.fleet.clone(), &setup.header, FleetTime::ZERO).unwrap();
    let mut plant = Plant::new(setup.site.clone(), setup.plant.clone(), 1).unwrap();

    // Three deliveries are asked for, and work begins.
    let server = Server::start(fleet, Some(Store::create(&first.0, &setup.header).unwrap()));
    let names = ["one", "two", "three"];
    for (name, to) in names.into_iter().zip(["bay-4", "bay-2", "bay-3"]) {
        let request = carry(&setup, name, "bay-1", to);
        server.inputs().unwrap().send(Input::TaskRequested(request)).unwrap();
    }
    run(&server, &mut plant, 100);

    // The process dies: what its file holds at some instant is all that is left, and the last record is torn.
    fs::create_dir_all(&second.0).unwrap();
    let bytes = fs::read(ledger_file(&first.0)).unwrap();
    drop(server);
    let copy = second.0.join(ledger_file(&first.0).file_name().unwrap());
    fs::write(&copy, &bytes).unwrap();
    let torn = envelopes(&bytes).last().unwrap().bytes().unwrap().len().min(20) + 4;
    let start = bytes.len() - torn;
    let mut file = fs::OpenOptions::new().append(true).open(&copy).unwrap();
    let length = u32::try_from(torn + 500).unwrap();
    file.write_all(&length.to_le_bytes()).unwrap();
    file.write_all(&(!length).to_le_bytes()).unwrap();
    file.write_all(&bytes[start..]).unwrap();
    drop(file);
    assert!(
        matches!(Store::create(&second.0, &setup.header), Err(StoreError::Io { .. })),
        "a ledger is never replaced"
    );

    // It comes back with every task, tells the robots again, and finishes.
    let opened = Store::open(&second.0).unwrap();
    assert_eq!(opened.torn, 8 + torn as u64);
    let mut fleet = opened.fleet;
    assert!(names.iter().all(|name| fleet.task_named(name).is_some()));
    fleet.handle(fleet.now(), Input::Restarted { boot: 1 }).unwrap();
    let server = Server::start(fleet, Some(opened.store));
    let is_done = |envelope: &Envelope| matches!(Record::decode(envelope), Ok(Record::Done { .. }));
    for _ in 0..100 {
        run(&server, &mut plant, 100);
        let bytes = fs::read(&copy).unwrap();
        if Reader::new(bytes.as_slice()).unwrap().map_while(Result::ok).filter(is_done).count() == names.len()
        {
            break;
        }
    }
    let fleet = server.stop().unwrap();
    assert_eq!(fleet.stats().done, 3, "{:?}", fleet.tasks().collect::<Vec<_>>());
    assert_eq!(plant.overlaps(), 0);

    // The file tells the whole story, on both sides of the crash.
    let bytes = fs::read(&copy).unwrap();
    let entries = Entry::decode_all(&envelopes(&bytes)).unwrap();
    check::no_task_lost_or_done_twice(&entries).unwrap();
    check::every_decision_holds(&entries, fleet.site()).unwrap();
    check::replays(&bytes).unwrap();
}

#[test]
fn a_snapshot_shortens_the_way_back_and_changes_nothing() {
    let setup = setup();
    let folder = Folder::new("live-3");
    let mut store = Store::create(&folder.0, &setup.header).unwrap();
    let mut fleet =
        Fleet::new(setup.site.clone(), setup.fleet.clone(), &setup.header, FleetTime::ZERO).unwrap();
    let request = carry(&setup, "one", "bay-1", "bay-4");
    fleet.handle(FleetTime::ZERO, Input::TaskRequested(request)).unwrap();
    let mut keep = |fleet: &mut Fleet, snapshot: bool| {
        let records: Vec<Envelope> = std::iter::from_fn(|| fleet.poll_record()).collect();
        store.append(&records).unwrap();
        if snapshot {
            store.snapshot(fleet).unwrap();
        }
    };
    keep(&mut fleet, true);
    fleet.handle_timeout(FleetTime::from_micros(1_000_000));
    keep(&mut fleet, false);
    let tail = 1;
    let opened = Store::open(&folder.0).unwrap();
    assert_eq!((opened.replayed, opened.torn), (tail, 0));
    assert_eq!(opened.fleet.ledger().head(), fleet.ledger().head());
    // A damaged snapshot is no loss: the ledger has everything.
    for file in fs::read_dir(&folder.0).unwrap().map(|file| file.unwrap().path()) {
        if file != ledger_file(&folder.0) && file.to_string_lossy().contains("snapshot") {
            fs::write(&file, b"nonsense").unwrap();
        }
    }
    drop(opened);
    let opened = Store::open(&folder.0).unwrap();
    assert!(tail < opened.replayed);
    assert_eq!(opened.fleet.ledger().head(), fleet.ledger().head());
    assert_eq!(opened.fleet.traffic().held(ANNA), fleet.traffic().held(ANNA));
}

/// A store that fills up is told to the fleet: first an alert, then robots park in order, and nothing latches.
#[test]
fn a_store_that_fills_up_parks_the_robots_before_it_is_full() {
    let mut setup = setup();
    setup.plant.people.clear();
    setup.fleet.agents.truncate(2);
    setup.fleet.beat_every = Micros::from_millis(50);
    let folder = Folder::new("live-4");
    let fleet = Fleet::new(setup.site.clone(), setup.fleet.clone(), &setup.header, FleetTime::ZERO).unwrap();
    let mut plant = Plant::new(setup.site.clone(), setup.plant.clone(), 1).unwrap();
    let options = StoreOptions { budget_bytes: Some(120_000), ..StoreOptions::KEEP_ALL };
    let store = Store::create_on(Box::new(Disk::create(&folder.0).unwrap()), &setup.header, options).unwrap();
    let server = Server::start(fleet, Some(store));
    for (index, to) in ["bay-4", "bay-2", "bay-3"].into_iter().cycle().take(40).enumerate() {
        let request = carry(&setup, &format!("task {index}"), "bay-1", to);
        server.inputs().unwrap().send(Input::TaskRequested(request)).unwrap();
    }
    let folder_bytes = || fs::metadata(ledger_file(&folder.0)).unwrap().len();
    for _ in 0..200 {
        run(&server, &mut plant, 20);
        if 112_000 < folder_bytes() {
            break;
        }
    }
    let fleet = server.stop().unwrap();
    assert_eq!(fleet.storage_level(), StorageLevel::Critical, "{} bytes", folder_bytes());
    let entries = Entry::decode_all(&envelopes(&fs::read(ledger_file(&folder.0)).unwrap())).unwrap();
    let storage_alert = |entry: &Entry| {
        let Record::Alert(alert) = &entry.record else { return None };
        Some(alert.rule.to_string()).filter(|rule| rule.starts_with("STO"))
    };
    let rules: Vec<String> = entries.iter().filter_map(storage_alert).collect();
    assert_eq!(rules, ["STO-001", "STO-002"]);
    let parked_at =
        entries.iter().position(|entry| storage_alert(entry).as_deref() == Some("STO-002")).unwrap();
    let is_award = |entry: &&Entry| matches!(&entry.record, Record::Awarded { .. });
    assert_eq!(entries[parked_at..].iter().filter(is_award).count(), 0, "no new work");
    let latched = entries.iter().any(|entry| matches!(&entry.record, Record::Stop { .. }));
    assert!(!latched, "and nobody is stopped by an interlock");
}
