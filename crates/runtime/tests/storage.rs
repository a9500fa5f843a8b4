//! A disk that forgets: whatever a crash leaves behind, the store comes back with everything it had promised.
//!
//! The model keeps, for every file, what is durable and what is not yet. A run on it is a list of operations; a crash
//! may come after each of them and after every byte of each write. A killed process leaves all that was written. Power
//! loss leaves what was durable and, sector by sector, any part of the rest; names likewise.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use sha2::{Digest as _, Sha256};
use sheepdog_core::{AgentId, FleetTime, Micros, Mm, Ppm, RobotTime, SiteVersion, StopCategory, wire::Fact};
use sheepdog_driver::Log as _;
use sheepdog_fleet::{Fleet, FleetConfig, Header, Input, StorageLevel};
use sheepdog_interlock::{Base, BootNonce, Bounded, Config, Guarded, Input as Perceived, Interlock, Restart};
use sheepdog_ledger::{Body, Digest, Envelope, Reader, Salt, SaltKey, Verified, Verifier};
use sheepdog_map::{
    CompileOptions, FootprintClass, Site,
    model::{Lane, Level, Room, Waypoint},
};
use sheepdog_runtime::{
    Keep, Medium, RobotHeader, RobotLedger, RobotStore, Store, StoreError, StoreOptions, Tap,
};

/// Bytes that reach the model's disk together. Real sectors have 512; with small ones every record spans several.
const SECTOR: usize = 64;

/// What a store did to its medium, and what it had promised by then.
#[derive(Clone, Debug)]
enum Op {
    WriteNew(String, Vec<u8>),
    Append(String, Vec<u8>),
    Truncate(String, u64),
    Sync(String),
    Rename(String, String),
    Remove(String),
    SyncFolder,
    /// So many records survive a killed process from here on.
    Accepted(u64),
    /// So many records survive power loss from here on.
    Durable(u64),
}

#[derive(Clone, Debug, Default)]
struct Contents {
    durable: Vec<u8>,
    live: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Folder {
    contents: Vec<Contents>,
    /// What the names stood for, from when they were last synced until now.
    names: Vec<BTreeMap<String, usize>>,
}

impl Folder {
    fn live(&self) -> BTreeMap<String, usize> {
        self.names.last().cloned().unwrap_or_default()
    }

    fn bytes(&mut self, name: &str) -> io::Result<&mut Contents> {
        let place = self.live().get(name).copied();
        let place = place.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))?;
        Ok(&mut self.contents[place])
    }

    fn apply(&mut self, op: &Op) -> io::Result<()> {
        let mut names = self.live();
        match op {
            Op::WriteNew(name, bytes) => {
                self.contents.push(Contents { durable: Vec::new(), live: bytes.clone() });
                names.insert(name.clone(), self.contents.len() - 1);
                self.names.push(names);
            }
            Op::Append(name, bytes) => self.bytes(name)?.live.extend(bytes),
            Op::Truncate(name, length) => self.bytes(name)?.live.truncate(usize::try_from(*length).unwrap()),
            Op::Sync(name) => {
                let file = self.bytes(name)?;
                file.durable = file.live.clone();
            }
            Op::Rename(from, to) => {
                let place = names.remove(from).ok_or(io::ErrorKind::NotFound)?;
                names.insert(to.clone(), place);
                self.names.push(names);
            }
            Op::Remove(name) => {
                names.remove(name).ok_or(io::ErrorKind::NotFound)?;
                self.names.push(names);
            }
            Op::SyncFolder => self.names = vec![names],
            Op::Accepted(_) | Op::Durable(_) => {}
        }
        Ok(())
    }

    /// What is there after the process was killed: everything.
    fn after_kill(&self) -> BTreeMap<String, Vec<u8>> {
        self.live().iter().map(|(name, place)| (name.clone(), self.contents[*place].live.clone())).collect()
    }

    /// What is there after power loss. `choose` says, of so many possibilities, which.
    fn after_power_loss(&self, mut choose: impl FnMut(usize) -> usize) -> BTreeMap<String, Vec<u8>> {
        let Some(names) = self.names.get(choose(self.names.len())) else { return BTreeMap::new() };
        let mut left = |place: &usize| torn(&self.contents[*place], &mut choose);
        names.iter().map(|(name, place)| (name.clone(), left(place))).collect()
    }
}

/// A file after power loss: some sectors old, some new, and any length that it had in between.
fn torn(Contents { durable, live }: &Contents, choose: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    if durable == live {
        return live.clone();
    }
    let (short, long) = (durable.len().min(live.len()), durable.len().max(live.len()));
    let length = short + choose(long - short + 1);
    let mut bytes: Vec<u8> = (0..length).map(|at| durable.get(at).copied().unwrap_or(0)).collect();
    for (number, sector) in bytes.chunks_mut(SECTOR).enumerate() {
        if choose(2) == 1 {
            let new = live.iter().skip(number * SECTOR);
            sector.iter_mut().zip(new).for_each(|(to, from)| *to = *from);
        }
    }
    bytes
}

/// A medium in memory that writes down what is done to it.
#[derive(Clone, Debug, Default)]
struct Model {
    folder: Arc<Mutex<Folder>>,
    log: Arc<Mutex<Vec<Op>>>,
    /// Bytes that the disk still takes.
    room: Arc<Mutex<Option<usize>>>,
}

impl Model {
    fn holding(files: BTreeMap<String, Vec<u8>>) -> Self {
        let model = Self::default();
        for (name, bytes) in files {
            model.folder.lock().unwrap().apply(&Op::WriteNew(name.clone(), bytes)).unwrap();
            model.folder.lock().unwrap().apply(&Op::Sync(name)).unwrap();
        }
        model.folder.lock().unwrap().apply(&Op::SyncFolder).unwrap();
        model
    }

    fn take_room(&self, bytes: &[u8]) -> io::Result<()> {
        if let Some(room) = self.room.lock().unwrap().as_mut() {
            *room = room.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        }
        Ok(())
    }

    fn mark(&self, op: Op) {
        self.log.lock().unwrap().push(op);
    }

    fn do_it(&self, op: Op) -> io::Result<()> {
        self.folder.lock().unwrap().apply(&op)?;
        self.mark(op);
        Ok(())
    }
}

impl Medium for Model {
    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let files = self.folder.lock().unwrap().after_kill();
        Ok(files.into_iter().map(|(name, bytes)| (name, bytes.len() as u64)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.folder.lock().unwrap().bytes(name).map(|file| file.live.clone())
    }

    fn write_new(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.take_room(bytes)?;
        self.do_it(Op::WriteNew(name.to_owned(), bytes.to_vec()))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.take_room(bytes)?;
        self.do_it(Op::Append(name.to_owned(), bytes.to_vec()))
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.do_it(Op::Truncate(name.to_owned(), length))
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.do_it(Op::Sync(name.to_owned()))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.do_it(Op::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.do_it(Op::Remove(name.to_owned()))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.do_it(Op::SyncFolder)
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

fn header() -> Header {
    let mut site = Site::new("one room");
    site.levels.push(Level::new("ground", 0.0));
    site.rooms.push(Room::rectangle("hall", "ground", 0.0, 0.0, 6.0, 4.0).walled());
    site.waypoints.push(Waypoint::new("a", "ground", 2.0, 2.0));
    site.waypoints.push(Waypoint::new("b", "ground", 4.0, 2.0));
    site.lanes.push(Lane::two_way("a", "b"));
    let class = FootprintClass::round("round", Mm(250), Mm(150));
    let options = CompileOptions::new(vec![class]);
    Header::new(&site, &options, &site.compile(&options).unwrap()).unwrap()
}

fn fleet(header: &Header) -> Fleet {
    Fleet::new(header.compile().unwrap(), FleetConfig::standard(Vec::new()), header, FleetTime::ZERO).unwrap()
}

fn records(fleet: &mut Fleet) -> Vec<Envelope> {
    std::iter::from_fn(|| fleet.poll_record()).collect()
}

/// An input with its consequences: a reading, or time.
fn feed(fleet: &mut Fleet, step: u32) {
    let now = FleetTime::from_micros(u64::from(step) * 350_000);
    if step.is_multiple_of(2) {
        fleet.handle_timeout(now);
    } else {
        let fact =
            Fact { key: format!("pressure-{step}"), source: "gauge".to_owned(), value: 7, age: Micros::ZERO };
        fleet.handle(now, Input::Fact(fact)).unwrap();
    }
}

/// Every envelope of all files, which must verify as one ledger.
fn ledger(files: &BTreeMap<String, Vec<u8>>) -> (Verified, Vec<Envelope>) {
    let segments: Vec<_> = files.iter().filter(|(name, _)| name.starts_with("ledger-")).collect();
    let mut verifier = Verifier::new();
    let mut envelopes = Vec::new();
    for (number, (_, bytes)) in segments.iter().enumerate() {
        envelopes.extend(Reader::new(bytes.as_slice()).unwrap().map(Result::unwrap));
        if number + 1 == segments.len() {
            return (verifier.last_file(bytes).unwrap(), envelopes);
        }
        verifier.file(bytes).unwrap();
    }
    panic!("no segment")
}

const OPTIONS: StoreOptions = StoreOptions {
    segment_bytes: 2_000,
    keep: Some(Keep { age: Micros::from_secs(2), bytes: 3_000 }),
    budget_bytes: None,
};

/// A run with everything a store can do: single records and batches, with and without waiting for the disk, new
/// segments, snapshots, removed segments.
fn run(options: StoreOptions) -> (Vec<Op>, BTreeMap<u64, Digest>) {
    let model = Model::default();
    let header = header();
    let mut fleet = fleet(&header);
    let mut store = Store::create_on(Box::new(model.clone()), &header, options).unwrap();
    let mut digests = BTreeMap::new();
    for step in 1..=16 {
        if step % 3 == 0 {
            feed(&mut fleet, 2 * step);
        }
        feed(&mut fleet, 2 * step + 1);
        let made = records(&mut fleet);
        digests.extend(made.iter().map(|record| (record.seq, record.digest)));
        let count = fleet.ledger().next_seq();
        store.accept(&made).unwrap();
        model.mark(Op::Accepted(count));
        if step % 4 != 1 {
            store.sync().unwrap();
            model.mark(Op::Durable(count));
        }
        // The ninth batch was not synced.
        if store.is_segment_full() || step == 9 {
            store.begin_segment(&mut fleet).unwrap();
            model.mark(Op::Durable(count));
        }
        if step % 5 == 4 {
            store.snapshot(&fleet).unwrap();
            model.mark(Op::Durable(count));
        }
    }
    let log = model.log.lock().unwrap().clone();
    (log, digests)
}

/// What a crash left behind is opened, or created anew if nothing was promised; it holds a beginning of the run that
/// has at least `promised` records, and goes on.
fn check(files: BTreeMap<String, Vec<u8>>, promised: u64, digests: &BTreeMap<u64, Digest>, what: &str) {
    let model = Model::holding(files);
    let opened = match Store::open_on(Box::new(model.clone()), SaltKey::PUBLIC, OPTIONS) {
        Ok(opened) => opened,
        Err(StoreError::Empty(_)) if promised == 0 => {
            let store = Store::create_on(Box::new(model.clone()), &header(), OPTIONS);
            store.unwrap_or_else(|error| panic!("{what}: {error}"));
            return;
        }
        Err(StoreError::Ledger { .. }) if promised == 0 => panic!("{what}: neither opened nor empty"),
        Err(error) => panic!("{what}, {promised} promised: {error}"),
    };
    let (mut fleet, mut store) = (opened.fleet, opened.store);
    let (verified, envelopes) = ledger(&model.folder.lock().unwrap().after_kill());
    assert!(promised <= verified.records(), "{what}: {} of {promised} records", verified.records());
    for envelope in &envelopes {
        assert_eq!(digests.get(&envelope.seq), Some(&envelope.digest), "{what}: record {}", envelope.seq);
    }
    assert_eq!(fleet.ledger().next_seq(), verified.records(), "{what}");
    fleet.handle(fleet.now(), Input::Restarted { boot: 1 }).unwrap();
    let made = records(&mut fleet);
    store.append(&made).unwrap_or_else(|error| panic!("{what}: {error}"));
    drop(store);
    let again = Store::open_on(Box::new(model.clone()), SaltKey::PUBLIC, OPTIONS);
    let again = again.unwrap_or_else(|error| panic!("{what}, opened twice: {error}"));
    assert_eq!(again.fleet.ledger().chain(), fleet.ledger().chain(), "{what}");
}

/// A small generator; the test must not depend on chance.
fn generator(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |choices| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % choices.max(1) as u64).unwrap()
    }
}

/// The operation cut after so many of its bytes; `None` for one that has no parts.
fn cut(op: &Op, length: usize) -> Option<Op> {
    match op {
        Op::WriteNew(name, bytes) => Some(Op::WriteNew(name.clone(), bytes.get(..length)?.to_vec())),
        Op::Append(name, bytes) => Some(Op::Append(name.clone(), bytes.get(..length)?.to_vec())),
        Op::Truncate(..)
        | Op::Sync(_)
        | Op::Rename(..)
        | Op::Remove(_)
        | Op::SyncFolder
        | Op::Accepted(_)
        | Op::Durable(_) => None,
    }
}

/// Every crash of a run: after each operation, and within each write after every `stride`-th byte.
fn crashes(log: &[Op], stride: usize, mut at: impl FnMut(&Folder, u64, u64, &str)) {
    let mut folder = Folder { names: vec![BTreeMap::new()], ..Folder::default() };
    let (mut accepted, mut durable) = (0, 0);
    for (number, op) in log.iter().enumerate() {
        let mut length = 0;
        while let Some(part) = cut(op, length) {
            let mut partly = folder.clone();
            partly.apply(&part).unwrap();
            at(&partly, accepted, durable, &format!("operation {number}, {length} bytes"));
            length += stride;
        }
        folder.apply(op).unwrap();
        match op {
            Op::Accepted(count) => accepted = *count,
            Op::Durable(count) => durable = *count,
            Op::WriteNew(..)
            | Op::Append(..)
            | Op::Truncate(..)
            | Op::Sync(_)
            | Op::Rename(..)
            | Op::Remove(_)
            | Op::SyncFolder => {}
        }
        at(&folder, accepted, durable, &format!("after operation {number}"));
    }
}

#[test]
fn the_run_does_everything_a_store_can_do() {
    let (log, digests) = run(OPTIONS);
    let segments =
        log.iter().filter(|op| matches!(op, Op::Rename(_, to) if to.starts_with("ledger-"))).count();
    let removed = log.iter().filter(|op| matches!(op, Op::Remove(_))).count();
    let snapshots =
        log.iter().filter(|op| matches!(op, Op::Rename(_, to) if to.starts_with("snapshot"))).count();
    assert!(3 <= segments && 1 <= removed && removed < segments - 1 && 2 <= snapshots);
    assert!(20 < digests.len());
}

/// No accepted record is lost by a killed process, wherever it is killed.
#[test]
fn a_killed_process_loses_nothing_that_was_accepted() {
    let (log, digests) = run(OPTIONS);
    crashes(&log, 1, |folder, accepted, _, what| check(folder.after_kill(), accepted, &digests, what));
}

/// No durable record is lost by power loss, whatever part of the rest had reached the disk.
#[test]
fn power_loss_loses_nothing_that_was_durable() {
    let (log, digests) = run(OPTIONS);
    let mut seed = 0;
    crashes(&log, 1, |folder, _, durable, what| {
        let last = |choices: usize| choices.saturating_sub(1);
        // Nothing that was not synced, all of it, and two mixtures.
        check(folder.after_power_loss(|_| 0), durable, &digests, &format!("{what}, nothing kept"));
        check(folder.after_power_loss(last), durable, &digests, &format!("{what}, all kept"));
        for _ in 0..2 {
            seed += 1;
            let image = folder.after_power_loss(generator(seed));
            check(image, durable, &digests, &format!("{what}, mixture {seed}"));
        }
    });
}

/// Killed, opened again, and then the power fails: what the first life had accepted is durable by then.
#[test]
fn what_a_killed_process_left_is_durable_once_it_is_opened() {
    let (log, digests) = run(OPTIONS);
    let mut number = 0;
    crashes(&log, 1, |folder, accepted, durable, what| {
        number += 1;
        if number % 41 != 0 || accepted == 0 {
            return;
        }
        let model = Model { folder: Arc::new(Mutex::new(folder.clone())), ..Model::default() };
        let opened = Store::open_on(Box::new(model.clone()), SaltKey::PUBLIC, OPTIONS).unwrap();
        let (mut fleet, mut store) = (opened.fleet, opened.store);
        model.mark(Op::Durable(accepted));
        feed(&mut fleet, 1_000);
        let made = records(&mut fleet);
        let mut digests = digests.clone();
        digests.extend(made.iter().map(|record| (record.seq, record.digest)));
        store.append(&made).unwrap();
        let mut folder = folder.clone();
        let mut promised = durable;
        for op in model.log.lock().unwrap().iter() {
            for seed in 0..4 {
                let image = match cut(op, 100 * usize::try_from(seed).unwrap()) {
                    Some(part) => {
                        let mut partly = folder.clone();
                        partly.apply(&part).unwrap();
                        partly.after_power_loss(generator(seed + number))
                    }
                    None => folder.after_power_loss(generator(seed + number)),
                };
                check(image, promised, &digests, &format!("{what}, then {op:?}"));
            }
            folder.apply(op).unwrap();
            promised = if let Op::Durable(count) = op { *count } else { promised };
        }
    });
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_durable() {
    let model = Model::default();
    let header = header();
    let mut fleet = fleet(&header);
    let mut store = Store::create_on(Box::new(model.clone()), &header, OPTIONS).unwrap();
    store.append(&records(&mut fleet)).unwrap();
    let durable = fleet.ledger().next_seq();
    assert_eq!(store.level(), StorageLevel::Normal);

    // What is not vital fails first: the ledger goes on in its old segment, without a snapshot.
    let snapshot = fleet.snapshot().unwrap().len();
    *model.room.lock().unwrap() = Some(snapshot);
    assert!(matches!(store.snapshot(&fleet), Err(StoreError::Io { .. })));
    assert_eq!(store.level(), StorageLevel::Full);
    *model.room.lock().unwrap() = Some(200);
    assert!(matches!(store.begin_segment(&mut fleet), Err(StoreError::Io { .. })));
    *model.room.lock().unwrap() = Some(2_000);
    feed(&mut fleet, 1);
    store.append(&records(&mut fleet)).unwrap();
    let more = fleet.ledger().next_seq();
    assert!(durable < more);

    // Then the ledger itself: nothing may leave the fleet, and nothing is written any more.
    *model.room.lock().unwrap() = Some(0);
    feed(&mut fleet, 3);
    let late = records(&mut fleet);
    assert!(store.append(&late).is_err());
    *model.room.lock().unwrap() = None;
    assert!(store.append(&late).is_err());
    assert_eq!(store.level(), StorageLevel::Full);
    let opened = Store::open_on(Box::new(model), SaltKey::PUBLIC, OPTIONS).unwrap();
    assert_eq!(opened.fleet.ledger().next_seq(), more);
    assert_eq!(opened.store.level(), StorageLevel::Normal);
}

#[test]
fn the_level_is_that_of_the_budget() {
    use StorageLevel::{Critical, Full, High, Normal};

    let levels: Vec<_> =
        [0, 79, 80, 89, 90, 99, 100, u64::MAX].into_iter().map(|used| StorageLevel::of(used, 100)).collect();
    assert_eq!(levels, [Normal, Normal, High, High, Critical, Critical, Full, Full]);
    assert_eq!(StorageLevel::of(0, 0), Full);
    assert_eq!(StorageLevel::of(u64::MAX / 100 * 85, u64::MAX), High);

    let model = Model::default();
    let header = header();
    let mut fleet = fleet(&header);
    let measure = Store::create_on(Box::new(Model::default()), &header, OPTIONS).unwrap().used_bytes();
    let options = StoreOptions { budget_bytes: Some(measure * 5 / 4), ..OPTIONS };
    let mut store = Store::create_on(Box::new(model.clone()), &header, options).unwrap();
    assert_eq!(store.level(), High);
    store.append(&records(&mut fleet)).unwrap();
    store.snapshot(&fleet).unwrap();
    assert_eq!(store.level(), Full);
    let files: u64 = model.files().unwrap().iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(store.used_bytes(), files);
}

/// What was removed is stated where the rest begins, and fits a checkpoint that was kept elsewhere.
#[test]
fn a_removed_beginning_is_stated_and_verifiable() {
    let model = Model::default();
    let header = header();
    let mut fleet = fleet(&header);
    let mut store = Store::create_on(Box::new(model.clone()), &header, OPTIONS).unwrap();
    let mut kept_elsewhere = Vec::new();
    let mut step = 0;
    while !model.log.lock().unwrap().iter().any(|op| matches!(op, Op::Remove(_))) {
        step += 1;
        feed(&mut fleet, 2 * step + 1);
        store.append(&records(&mut fleet)).unwrap();
        if store.is_segment_full() {
            kept_elsewhere.push(fleet.ledger().checkpoint());
            store.begin_segment(&mut fleet).unwrap();
            store.snapshot(&fleet).unwrap();
        }
        assert!(step < 1_000);
    }
    let files = model.folder.lock().unwrap().after_kill();
    let (verified, envelopes) = ledger(&files);
    assert!(0 < verified.first);
    assert_eq!(envelopes.len() as u64, verified.records() - verified.first);
    let removed = verified.removed.unwrap();
    assert_eq!(kept_elsewhere.iter().find(|kept| kept.seq == removed.seq), Some(&removed));
    // What must be kept is kept: by bytes here, as all of it is young enough only by its clock.
    let left: usize =
        files.iter().filter(|(name, _)| name.starts_with("ledger-")).map(|(_, file)| file.len()).sum();
    assert!(OPTIONS.keep.unwrap().bytes < left as u64 + OPTIONS.segment_bytes * 2);
    // Without the snapshot nobody can come back, and the store says why.
    let opened = Store::open_on(Box::new(Model::holding(files.clone())), SaltKey::PUBLIC, OPTIONS).unwrap();
    assert_eq!(opened.fleet.ledger().chain(), fleet.ledger().chain());
    let without: BTreeMap<_, _> = files.into_iter().filter(|(name, _)| name.starts_with("ledger-")).collect();
    let refused = Store::open_on(Box::new(Model::holding(without)), SaltKey::PUBLIC, OPTIONS);
    assert!(matches!(refused, Err(StoreError::NoBeginning { first, .. }) if first == verified.first));
}

/// Durable records that are gone are noticed, by the snapshot or by what was written after them.
#[test]
fn durable_records_that_are_missing_are_an_error() {
    let model = Model::default();
    let header = header();
    let mut fleet = fleet(&header);
    let options = StoreOptions { segment_bytes: u64::MAX, ..OPTIONS };
    let mut store = Store::create_on(Box::new(model.clone()), &header, options).unwrap();
    let name = "ledger-00000000000000000000.sheepdog";
    for step in 0..6 {
        feed(&mut fleet, 2 * step + 1);
        store.append(&records(&mut fleet)).unwrap();
    }
    store.snapshot(&fleet).unwrap();
    let files = model.folder.lock().unwrap().after_kill();
    let open = |files| Store::open_on(Box::new(Model::holding(files)), SaltKey::PUBLIC, options);
    let mut short = files.clone();
    let length = short[name].len();
    short.get_mut(name).unwrap().truncate(length - 1);
    assert!(matches!(open(short), Err(StoreError::Lost { .. })));
    let mut damaged = files;
    damaged.remove("snapshot.sheepdog");
    damaged.get_mut(name).unwrap()[length - 900] ^= 1;
    assert!(matches!(open(damaged), Err(StoreError::Ledger { .. })));
}

/// What another version wrote is read, and continued in a segment that says who goes on; the key for the salts counts
/// from there.
fn goes_on_under_this_version(files: BTreeMap<String, Vec<u8>>, records_before: u64, segmented: bool) {
    let model = Model::holding(files);
    let key = SaltKey::new([9; 32]);
    let opened = Store::open_on(Box::new(model.clone()), key, OPTIONS).unwrap();
    assert!(opened.other_version.is_some());
    let (mut fleet, mut store) = (opened.fleet, opened.store);
    assert_eq!(fleet.ledger().next_seq(), records_before);
    fleet.handle(fleet.now(), Input::Restarted { boot: 1 }).unwrap();
    store.append(&records(&mut fleet)).unwrap();
    let again = Store::open_on(Box::new(model.clone()), key, OPTIONS).unwrap();
    assert_eq!(again.other_version, None);
    assert_eq!(again.fleet.ledger().head(), fleet.ledger().head());
    let files = model.folder.lock().unwrap().after_kill();
    let segments: Vec<_> = files.iter().filter(|(name, _)| name.ends_with(".sheepdog")).collect();
    assert_eq!(segments.len(), 2);
    let mut verifier = Verifier::new();
    // The file of the first format sorts last by its name.
    let (old, new) = if segmented { (segments[0].1, segments[1].1) } else { (segments[1].1, segments[0].1) };
    verifier.file(old).unwrap();
    assert_eq!(verifier.last_file(new).unwrap().records(), fleet.ledger().next_seq());
    let header = Header::decode(Reader::new(new.as_slice()).unwrap().header()).unwrap();
    assert_eq!(header.other_version(), None);
    let salts: Vec<_> = Reader::new(new.as_slice()).unwrap().map(|record| record.unwrap().body).collect();
    let is_salted = |body: &Body| matches!(body, Body::Whole { salt, .. } if *salt != Salt([0; 16]));
    assert!(!salts.is_empty() && salts.iter().all(is_salted));
}

#[test]
fn another_version_goes_on_in_a_segment_of_its_own() {
    let model = Model::default();
    let header = Header { software: "sheepdog 0.0.9".to_owned(), ..header() };
    let mut fleet = fleet(&header);
    let mut store = Store::create_on(Box::new(model.clone()), &header, OPTIONS).unwrap();
    for step in 0..4 {
        feed(&mut fleet, 2 * step + 1);
    }
    store.append(&records(&mut fleet)).unwrap();
    let files = model.folder.lock().unwrap().after_kill();
    goes_on_under_this_version(files, fleet.ledger().next_seq(), true);
}

/// A ledger as the first format had it: one file, no base, no salts, no digest of the rules.
#[test]
fn a_ledger_of_format_1_goes_on_in_a_segment_of_this_one() {
    let encoded = Header { rules: None, ..header() }.encode().unwrap();
    // Format 1 had no rules (one byte when there are none), no width of ways out (two), no half widths (three).
    let encoded = &encoded[..encoded.len() - 6];
    let length = u32::try_from(encoded.len()).unwrap();
    let preamble = [b"SHEEPLDG", &1_u16.to_le_bytes()[..], &length.to_le_bytes(), encoded].concat();
    let mut previous = Digest(Sha256::digest([&[2], &preamble[..]].concat()).into());
    let mut file = [&preamble[..], &previous.0].concat();
    let mut fleet = fleet(&header());
    feed(&mut fleet, 1);
    feed(&mut fleet, 2);
    let made = records(&mut fleet);
    for record in &made {
        let bytes = record.bytes().unwrap().to_vec();
        let body = Body::Unsalted { bytes: bytes.clone() };
        let record = Envelope { body, previous, ..record.clone() };
        let digest = record.expected_digest();
        let rule = record.rule.map_or([0; 7], |rule| rule.as_str().as_bytes().try_into().unwrap());
        let content = [
            &record.seq.to_le_bytes()[..],
            &record.time.as_micros().to_le_bytes(),
            &record.kind.0.to_le_bytes(),
            &rule,
            &previous.0,
            &(bytes.len() as u64).to_le_bytes(),
            &bytes,
            &digest.0,
        ]
        .concat();
        let length = u32::try_from(content.len()).unwrap();
        file.extend([&length.to_le_bytes()[..], &(!length).to_le_bytes(), &content].concat());
        previous = digest;
    }
    // The last record, an input, was being written when the process died: it never happened.
    let torn = file.len() - 3;
    file.truncate(torn);
    let files = BTreeMap::from([("ledger.sheepdog".to_owned(), file)]);
    goes_on_under_this_version(files, made.len() as u64 - 1, false);
}

/// A robot that knows nothing, and so has no reason to move.
struct Parked;

impl Base for Parked {
    fn drive(&mut self, _command: Bounded<'_>) {}

    fn halt(&mut self, _category: StopCategory) {}
}

const ROBOT_OPTIONS: StoreOptions = StoreOptions {
    segment_bytes: 700,
    keep: Some(Keep { age: Micros::from_secs(30), bytes: 1_800 }),
    budget_bytes: None,
};

fn robot_header(boot: u64) -> RobotHeader {
    let config = Config::SIMULATED.validate().unwrap();
    RobotHeader::new(AgentId(3), BootNonce(boot), config.digest(), SiteVersion([7; 32]))
}

fn open_robot(model: &Model, boot: u64, options: StoreOptions) -> Result<(Tap, RobotStore), StoreError> {
    RobotStore::open(Box::new(model.clone()), &robot_header(boot), SaltKey::PUBLIC, 8, options)
}

/// One boot: a decision every eleven seconds, each a record of its own; what an anchor says is durable.
fn boot_robot(model: &Model, boot: u64, digests: &mut BTreeMap<u64, Digest>) -> RobotStore {
    let (mut tap, mut store) = open_robot(model, boot, ROBOT_OPTIONS).unwrap();
    model.mark(Op::Durable(store.ledger().next_seq()));
    let config = Config::SIMULATED.validate().unwrap();
    let interlock = Interlock::<1, 1>::new(config, config.digest(), Restart::First);
    let mut robot = Guarded::new(interlock, Parked, BootNonce(boot));
    for step in 1..=14 {
        let now = RobotTime::from_micros(11_000_000 * step);
        robot.step(&Perceived::unknown(now, SiteVersion([7; 32])), &mut tap);
        store.drain(now).unwrap();
        let files = model.folder.lock().unwrap().after_kill();
        digests.extend(ledger(&files).1.iter().map(|record| (record.seq, record.digest)));
        model.mark(Op::Accepted(store.ledger().next_seq()));
        if let Some(anchor) = tap.anchor() {
            model.mark(Op::Durable(anchor.seq));
        }
    }
    store
}

/// Three boots, of which the second ends in order and the others are killed.
fn run_robot() -> (Vec<Op>, BTreeMap<u64, Digest>) {
    let (model, mut digests) = (Model::default(), BTreeMap::new());
    for boot in 1..=3 {
        let store = boot_robot(&model, boot, &mut digests);
        if boot == 2 {
            store.close(RobotTime::from_micros(200_000_000)).unwrap();
            let files = model.folder.lock().unwrap().after_kill();
            digests.extend(ledger(&files).1.iter().map(|record| (record.seq, record.digest)));
            model.mark(Op::Durable(digests.len() as u64));
        }
    }
    let log = model.log.lock().unwrap().clone();
    (log, digests)
}

/// What a crash left behind is gone on with in another boot, and holds a beginning of the run that has at least
/// `promised` records.
fn check_robot(files: BTreeMap<String, Vec<u8>>, promised: u64, digests: &BTreeMap<u64, Digest>, what: &str) {
    let model = Model::holding(files);
    let (_tap, store) =
        open_robot(&model, 99, ROBOT_OPTIONS).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(promised <= store.ledger().next_seq(), "{what}");
    let files = model.folder.lock().unwrap().after_kill();
    let (verified, envelopes) = ledger(&files);
    assert_eq!(verified.records(), store.ledger().next_seq(), "{what}");
    for envelope in envelopes {
        assert_eq!(digests.get(&envelope.seq), Some(&envelope.digest), "{what}");
    }
    let used: u64 =
        model.files().unwrap().iter().filter(|(name, _)| name != "unfinished.new").map(|file| file.1).sum();
    assert_eq!(store.used_bytes(), used, "{what}");
}

#[test]
fn a_robots_ledger_is_cut_into_segments_and_does_not_grow_for_ever() {
    let (log, digests) = run_robot();
    let segments =
        log.iter().filter(|op| matches!(op, Op::Rename(_, to) if to.starts_with("ledger-"))).count();
    let removed = log.iter().filter(|op| matches!(op, Op::Remove(_))).count();
    assert!(6 <= segments && 2 <= removed && removed < segments - 1, "{removed} of {segments}");
    let mut folder = Folder { names: vec![BTreeMap::new()], ..Folder::default() };
    for op in &log {
        folder.apply(op).unwrap();
    }
    let files: Vec<Vec<u8>> = folder
        .after_kill()
        .into_iter()
        .filter(|(name, _)| name.starts_with("ledger-"))
        .map(|file| file.1)
        .collect();
    let bytes: usize = files.iter().map(Vec::len).sum();
    assert!(bytes < 3_500, "{bytes} of {} records", digests.len());
    // What is left reads as one story, though its beginning is gone.
    let read = RobotLedger::read(files.iter().map(Vec::as_slice)).unwrap();
    assert!(
        read.boots.len() < files.len()
            && read.boots[0].cut
            && read.boots.iter().skip(1).all(|boot| !boot.cut)
    );
    assert_eq!(read.replay().findings, []);
}

#[test]
fn a_killed_robot_loses_nothing_that_was_accepted() {
    let (log, digests) = run_robot();
    crashes(&log, 5, |folder, accepted, _, what| check_robot(folder.after_kill(), accepted, &digests, what));
}

#[test]
fn power_loss_loses_nothing_of_a_robot_that_was_durable() {
    let (log, digests) = run_robot();
    let mut seed = 0;
    crashes(&log, 11, |folder, _, durable, what| {
        check_robot(folder.after_power_loss(|_| 0), durable, &digests, &format!("{what}, nothing kept"));
        seed += 1;
        let image = folder.after_power_loss(generator(seed));
        check_robot(image, durable, &digests, &format!("{what}, mixture {seed}"));
    });
}

/// A boot reads from the checkpoint on; without one it reads everything.
#[test]
fn a_boot_reads_from_the_checkpoint_on() {
    let (model, mut digests) = (Model::default(), BTreeMap::new());
    for boot in 1..=3 {
        drop(boot_robot(&model, boot, &mut digests));
    }
    let mut files = model.folder.lock().unwrap().after_kill();
    for boot in 1..=3 {
        let again = open_robot(&Model::holding(files.clone()), boot, ROBOT_OPTIONS);
        assert!(matches!(again, Err(StoreError::BootUsed { .. })), "boot {boot}, read or not");
    }
    let first = files.keys().find(|name| name.starts_with("ledger-")).unwrap().clone();
    let length = files[&first].len();
    files.get_mut(&first).unwrap()[length - 40] ^= 1;
    open_robot(&Model::holding(files.clone()), 4, ROBOT_OPTIONS).unwrap();
    let mut without = files.clone();
    without.remove("checkpoint.sheepdog");
    let refused = open_robot(&Model::holding(without), 4, ROBOT_OPTIONS);
    assert!(matches!(refused, Err(StoreError::Ledger { .. })));
    // Records that the checkpoint knows are gone.
    let names: Vec<_> = files.keys().filter(|name| name.starts_with("ledger-")).cloned().collect();
    for name in names.iter().rev().take(2) {
        files.remove(name);
    }
    let refused = open_robot(&Model::holding(files), 4, ROBOT_OPTIONS);
    assert!(matches!(refused, Err(StoreError::Ledger { .. })));
}

#[test]
fn a_robots_disk_that_fills_up_is_said_before_it_is_full() {
    let (model, mut digests) = (Model::default(), BTreeMap::new());
    let used = boot_robot(&model, 1, &mut digests).used_bytes();
    let level = |budget| {
        let model = Model::holding(model.folder.lock().unwrap().after_kill());
        let options = StoreOptions { budget_bytes: Some(budget), keep: None, ..ROBOT_OPTIONS };
        let (_tap, store) = open_robot(&model, 2, options).unwrap();
        assert!(used < store.used_bytes());
        StorageLevel::of(store.used_bytes(), budget) == store.level() && store.level() != StorageLevel::Normal
    };
    assert!(level(used) && level(used * 3 / 2) && !level(used * 100));
    // What is not vital is refused first: the old segment goes on, and the level says so.
    let (mut tap, mut store) =
        open_robot(&model, 2, StoreOptions { segment_bytes: 1, ..ROBOT_OPTIONS }).unwrap();
    let config = Config::SIMULATED.validate().unwrap();
    let interlock = Interlock::<1, 1>::new(config, config.digest(), Restart::First);
    let mut robot = Guarded::new(interlock, Parked, BootNonce(2));
    let mut step = |at: u64, room: usize| {
        let now = RobotTime::from_micros(11_000_000 * at);
        robot.step(&Perceived::unknown(now, SiteVersion([7; 32])), &mut tap);
        *model.room.lock().unwrap() = Some(room);
        let drained = store.drain(now);
        // The fleet hears of every change, though nothing else is due.
        let told = tap.anchor().map(|anchor| anchor.used == Ppm::ONE);
        (drained.is_ok(), store.level(), told)
    };
    assert_eq!(step(1, 100_000), (true, StorageLevel::Normal, Some(false)));
    assert_eq!(step(2, 400), (true, StorageLevel::Full, Some(true)));
    assert_eq!(step(3, 100_000), (true, StorageLevel::Normal, Some(false)), "there is room again");
    assert_eq!(step(4, 10), (false, StorageLevel::Full, Some(true)));
    assert_eq!(step(5, 100_000), (false, StorageLevel::Full, None), "it does not go on after a hole");
}
