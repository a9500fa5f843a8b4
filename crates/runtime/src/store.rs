//! The write-ahead log and the snapshot on disk.
//!
//! A folder holds the ledger in segments, `ledger-N.sheepdog` with `N` the number of the first record, and the newest
//! snapshot. Each segment's header says where the chain stood before it, so the oldest may be removed and the rest
//! still verifies. A file gets its name when it is whole and durable; whatever is called `*.new` was never finished.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};
use sheepdog_core::{AgentId, FleetTime, Micros};
use sheepdog_fleet::{Fleet, FleetError, Header, HeaderError, OtherVersion, ReplayError, StorageLevel};
use sheepdog_ledger::{
    Chain, Envelope, FORMAT_VERSION, Ledger, LedgerError, Reader, SaltKey, Verified, Verifier, Writer,
    verify_after_crash,
};
use sheepdog_map::CompiledSite;

use crate::medium::{Disk, Medium};

/// File name of a ledger that is not in segments, as the first version of the format had it.
const LEDGER: &str = "ledger.sheepdog";
/// File name of the newest snapshot.
const SNAPSHOT: &str = "snapshot.sheepdog";
/// File name of something that is being written.
const NEW: &str = "unfinished.new";
/// File name under which a ledger without a record is put aside.
const ASIDE: &str = "empty-ledger.old";

/// Length of what stands before the state in a snapshot.
const SNAPSHOT_START: u64 = 8 + 32 + 32;

/// How much a store keeps and how it is cut, of a fleet or of a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// A segment ends with the batch of records that makes it at least this long, in bytes.
    pub segment_bytes: u64,
    /// What may be removed; `None` keeps everything.
    pub keep: Option<Keep>,
    /// How many bytes the folder may hold, for [`Store::level`] and [`RobotStore::level`](crate::RobotStore::level); `None`
    /// for no limit.
    pub budget_bytes: Option<u64>,
}

impl StoreOptions {
    /// Segments of 64 MiB, everything is kept, no budget.
    pub const KEEP_ALL: Self = Self { segment_bytes: 64 << 20, keep: None, budget_bytes: None };
}

/// What a store must keep. A segment is removed only when it is outside of both, and older than the newest snapshot of a
/// fleet, or the newest checkpoint of a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Records younger than this stay, in time on the clock of whoever wrote them. The fleet's clock stands while the fleet is
    /// down, and of a robot's earlier boots only the time since this one began counts: on the calendar they stay at least
    /// as long.
    pub age: Micros,
    /// As long as all segments together are not longer than this, all of them stay.
    pub bytes: u64,
}

/// A folder that holds a fleet's ledger and its newest snapshot.
#[derive(Debug)]
pub struct Store {
    writer: Writer<Target>,
    header: Header,
    options: StoreOptions,
    /// Oldest first; the last one is being written.
    segments: Vec<Segment>,
    /// Records that the newest snapshot stands for, and its length in bytes.
    snapshot: Option<(u64, u64)>,
    /// Time of the last record.
    now: FleetTime,
    /// The disk refused something that was not vital.
    refused: bool,
    /// What is in the folder is not known any more.
    broken: bool,
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) medium: Box<dyn Medium>,
    pub(crate) name: String,
}

impl Target {
    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.medium.path(&self.name)
    }
}

impl io::Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.medium.append(&self.name, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// Number of its first record.
    pub(crate) first: u64,
    pub(crate) bytes: u64,
    /// Time of its last record, once somebody has looked.
    pub(crate) ends: Option<FleetTime>,
}

/// A fleet that came back from its folder.
#[derive(Debug)]
pub struct Opened {
    /// The fleet, which has yet to be told that it restarted.
    pub fleet: Fleet,
    /// Its site.
    pub site: Arc<CompiledSite>,
    /// Its store, ready for more.
    pub store: Store,
    /// How many envelopes were fed in again: those after the snapshot, or all.
    pub replayed: usize,
    /// Bytes at the end that a crash had left unfinished; they are gone now, and made again where they can be.
    pub torn: u64,
    /// What wrote the end of the ledger, if that is not what goes on with it in a new segment.
    pub other_version: Option<OtherVersion>,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The ledger is damaged.
    #[error("{path}: {error}")]
    Ledger {
        /// Which.
        path: PathBuf,
        /// How.
        error: LedgerError,
    },
    /// There is no ledger, or one without a record: the process died before it had written one. Create it.
    #[error("{0}: there is no record here yet, so there is nothing to come back to; create the store")]
    Empty(PathBuf),
    /// The ledger is shorter than it was when the snapshot was taken: durable records are missing.
    #[error("{path}: the snapshot was taken after {snapshot} records, the ledger has only {records}")]
    Lost {
        /// The snapshot.
        path: PathBuf,
        /// Records when it was taken.
        snapshot: u64,
        /// Records there are.
        records: u64,
    },
    /// The beginning of the ledger was removed, and no snapshot stands for it.
    #[error(
        "{path}: the records before {first} were removed and the snapshot that stood for them cannot be used"
    )]
    NoBeginning {
        /// The snapshot.
        path: PathBuf,
        /// The first record there is.
        first: u64,
    },
    /// The fleet has made records that were not appended; they come first.
    #[error("{path}: the fleet has made {made} records, {stored} are stored")]
    NotStored {
        /// The open segment.
        path: PathBuf,
        /// Records of the fleet.
        made: u64,
        /// Records in the store.
        stored: u64,
    },
    /// The ledger of another robot is here, or no robot's.
    #[error("{path}: this is not the ledger of robot {robot}")]
    OtherRobot {
        /// Which file.
        path: PathBuf,
        /// Whose ledger was to be continued.
        robot: AgentId,
    },
    /// A boot that is said to be new has records already.
    #[error("{path}: boot {boot} has records already; a boot nonce is never used twice")]
    BootUsed {
        /// Which file.
        path: PathBuf,
        /// The number.
        boot: u64,
    },
    /// An earlier operation failed half-way; open the store anew.
    #[error("{0}: an earlier failure left it in an unknown state; open the store anew")]
    Broken(PathBuf),
    /// The ledger's header leads to no site.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The fleet cannot be rebuilt.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The fleet cannot be snapshotted.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

impl Store {
    /// A new store in a folder that has none and is made if it is missing; [`StoreOptions::KEEP_ALL`].
    ///
    /// # Errors
    /// As [`Store::create_on`].
    pub fn create(folder: &Path, header: &Header) -> Result<Self, StoreError> {
        let disk = Disk::create(folder).map_err(|error| failed(folder, error))?;
        Self::create_on(Box::new(disk), header, StoreOptions::KEEP_ALL)
    }

    /// A new store on a medium that has none, or one without a record, which is put aside.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there are records already, or the file cannot be written.
    pub fn create_on(
        mut medium: Box<dyn Medium>,
        header: &Header,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        for segment in segments(medium.as_ref())? {
            let bytes = read(medium.as_ref(), &segment.name)?;
            if !has_no_record(&bytes) {
                let error = io::Error::new(io::ErrorKind::AlreadyExists, "there are records already");
                return Err(failed(&medium.path(&segment.name), error));
            }
            let aside = medium.rename(&segment.name, ASIDE).and_then(|()| medium.sync_folder());
            aside.map_err(|error| failed(&medium.path(&segment.name), error))?;
        }
        let begun = Begun::new(medium.as_mut(), header, None)?;
        Ok(Self::begin(medium, begun, header.clone(), options, Vec::new()))
    }

    fn begin(
        medium: Box<dyn Medium>,
        begun: Begun,
        header: Header,
        options: StoreOptions,
        mut segments: Vec<Segment>,
    ) -> Self {
        let Begun { segment, chain } = begun;
        let target = Target { medium, name: segment.name.clone() };
        let mut writer = Writer::resume(target, &chain, segment.bytes);
        writer.synced();
        segments.push(segment);
        let now = FleetTime::ZERO;
        Self { writer, header, options, segments, snapshot: None, now, refused: false, broken: false }
    }

    /// Appends envelopes and waits until they are durable.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be written; then no output that follows from them may leave.
    pub fn append(&mut self, envelopes: &[Envelope]) -> Result<(), StoreError> {
        self.accept(envelopes)?;
        self.sync()
    }

    /// Appends envelopes with one write. They are *accepted* when this returns: they survive a killed process, but not
    /// power loss before [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be written; then no output that follows from them may leave.
    pub fn accept(&mut self, envelopes: &[Envelope]) -> Result<(), StoreError> {
        self.check_whole()?;
        let written = self.writer.write_all(envelopes);
        if let Err(error) = written {
            self.refused = true;
            return Err(damaged(&self.path(), error));
        }
        self.now = envelopes.last().map_or(self.now, |last| last.time);
        let bytes = self.writer.offset();
        if let Some(segment) = self.segments.last_mut() {
            segment.bytes = bytes;
            segment.ends = Some(self.now);
        }
        Ok(())
    }

    /// Waits until all accepted envelopes are *durable*: they survive power loss.
    ///
    /// # Errors
    /// [`StoreError`] if the disk does not say so; then no output that follows from them may leave.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.check_whole()?;
        let target = self.writer.get_mut();
        if let Err(error) = target.medium.sync(&target.name) {
            // After a failed sync nobody knows what the disk has.
            self.broken = true;
            return Err(failed(&self.path(), error));
        }
        self.writer.synced();
        Ok(())
    }

    /// Replaces the snapshot, atomically; then removes what need not be kept any more.
    ///
    /// Take all records from the fleet and [`append`](Self::append) them before.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written; the old one is still there then.
    pub fn snapshot(&mut self, fleet: &Fleet) -> Result<(), StoreError> {
        self.sync()?;
        self.check_stored(fleet)?;
        let (seq, digest) = (self.writer.seq(), self.writer.head());
        let state = fleet.snapshot()?;
        let mut bytes = seq.to_le_bytes().to_vec();
        bytes.extend_from_slice(&digest.0);
        bytes.extend_from_slice(&Sha256::digest(&state));
        bytes.extend(state);
        let medium = self.writer.get_mut().medium.as_mut();
        let written = put(medium, SNAPSHOT, &bytes);
        self.refused = written.is_err();
        written?;
        self.snapshot = Some((seq, bytes.len() as u64));
        self.prune()
    }

    /// Whether it is time for [`begin_segment`](Self::begin_segment).
    pub fn is_segment_full(&self) -> bool {
        let has_records = self.segments.last().is_some_and(|segment| segment.first < self.writer.seq());
        has_records && self.options.segment_bytes <= self.writer.offset()
    }

    /// Goes on in a new segment. Take all records from the fleet and [`append`](Self::append) them before.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be made; then the old segment goes on.
    pub fn begin_segment(&mut self, fleet: &mut Fleet) -> Result<(), StoreError> {
        self.sync()?;
        self.check_stored(fleet)?;
        let before = fleet.ledger().chain().clone();
        let header = self.header.encode()?;
        let begun = Begun::after(self.writer.get_mut().medium.as_mut(), &header, &before);
        self.refused = begun.is_err();
        let Begun { segment, chain } = begun.map_err(|NotBegun { error, broken }| {
            self.broken = broken;
            error
        })?;
        self.broken = true;
        fleet.begin_segment(&self.header)?;
        let target = self.writer.get_mut();
        target.name.clone_from(&segment.name);
        self.writer.continue_in(&chain, segment.bytes);
        self.segments.push(segment);
        self.broken = false;
        Ok(())
    }

    /// What need not happen with every batch: a new segment when the old one is full, a snapshot when `snapshot` says
    /// so.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses; the ledger goes on as it was, and [`level`](Self::level) says
    /// [`StorageLevel::Full`].
    pub fn keep_house(&mut self, fleet: &mut Fleet, snapshot: bool) -> Result<(), StoreError> {
        if self.is_segment_full() {
            self.begin_segment(fleet)?;
        }
        if snapshot { self.snapshot(fleet) } else { Ok(()) }
    }

    /// How full the folder is of its budget.
    pub fn level(&self) -> StorageLevel {
        self.options.level(self.used_bytes(), self.refused || self.broken)
    }

    /// Bytes of all segments and the snapshot.
    pub fn used_bytes(&self) -> u64 {
        let snapshot = self.snapshot.map_or(0, |(_, bytes)| bytes);
        self.segments.iter().map(|segment| segment.bytes).sum::<u64>() + snapshot
    }

    /// Brings a fleet back from a folder; [`StoreOptions::KEEP_ALL`], [`SaltKey::PUBLIC`].
    ///
    /// # Errors
    /// As [`Store::open_on`].
    pub fn open(folder: &Path) -> Result<Opened, StoreError> {
        Self::open_on(Box::new(Disk::new(folder)), SaltKey::PUBLIC, StoreOptions::KEEP_ALL)
    }

    /// Brings a fleet back: from the snapshot and what follows it, or from the whole ledger when the snapshot is
    /// missing, damaged or of another ledger. A record that was being written when the process died is made again.
    ///
    /// Only the segments that are needed are read and verified; `sheepdog ledger verify` checks all of them. What
    /// another version of the software wrote is continued in a new segment. `salts` is the key with which bodies are
    /// salted from now on.
    ///
    /// # Errors
    /// [`StoreError`] if the ledger is damaged anywhere but in what need not have been durable, [`StoreError::Empty`]
    /// if it has no record.
    pub fn open_on(
        mut medium: Box<dyn Medium>,
        salts: SaltKey,
        options: StoreOptions,
    ) -> Result<Opened, StoreError> {
        let mut segments = segments(medium.as_ref())?;
        let mut found = Found::read(medium.as_ref(), &segments, Snapshot::read(medium.as_ref()))?;
        let header = found.header.clone().with_salts(salts);
        let site = header.compile()?;
        let mut restored = found.restore(&site);
        if restored.is_none() && found.snapshot.is_some() {
            // The snapshot is of another ledger or version.
            found = Found::read(medium.as_ref(), &segments, None)?;
            restored = None;
        }
        let torn = found.settle(medium.as_mut(), &mut segments)?;
        let other_version = header.other_version();
        let chain;
        let mut store = if found.version != FORMAT_VERSION || other_version.is_some() {
            let header = header.clone().of_this_version();
            let begun = Begun::new(medium.as_mut(), &header, Some(&found.verified.chain))?;
            segments.retain(|segment| segment.name != begun.segment.name);
            chain = begun.chain.clone();
            Self::begin(medium, begun, header, options, segments)
        } else {
            let last = segments.pop().ok_or_else(|| StoreError::Empty(medium.path("")))?;
            chain = found.verified.chain.clone();
            let begun = Begun { segment: last, chain: chain.clone() };
            Self::begin(medium, begun, header.clone(), options, segments)
        };
        store.now = found.envelopes.last().map_or(FleetTime::ZERO, |last| last.time);
        store.snapshot = found.snapshot.as_ref().map(|snapshot| (snapshot.seq, snapshot.bytes));
        let ledger = Ledger::resume(chain, salts);
        let replayed =
            found.envelopes.get(restored.as_ref().map_or(0, |(_, from)| *from)..).unwrap_or_default();
        let (fleet, lost) = match restored {
            Some((fleet, _)) => sheepdog_fleet::resume(fleet, replayed, ledger)?,
            None => sheepdog_fleet::recover(&site, &header, replayed, ledger.chain())?,
        };
        let replayed = replayed.len();
        store.append(&lost)?;
        Ok(Opened { fleet, site, store, replayed, torn, other_version })
    }

    /// Removes the oldest segments that need not be kept.
    fn prune(&mut self) -> Result<(), StoreError> {
        while self.may_remove_oldest()? {
            remove_oldest(self.writer.get_mut().medium.as_mut(), &mut self.segments)?;
        }
        Ok(())
    }

    fn may_remove_oldest(&mut self) -> Result<bool, StoreError> {
        let (Some(keep), Some((snapshot, _))) = (self.options.keep, self.snapshot) else { return Ok(false) };
        if !keep.lets_go(&self.segments, snapshot) {
            return Ok(false);
        }
        let Some(oldest) = self.segments.first_mut() else { return Ok(false) };
        let medium = self.writer.get_mut().medium.as_ref();
        // Nothing goes on the word of a snapshot that cannot be read back.
        if Snapshot::read(medium).is_none_or(|read| read.seq != snapshot) {
            return Ok(false);
        }
        let ends = match oldest.ends {
            Some(ends) => ends,
            None => *oldest.ends.insert(end_of(medium, &oldest.name)?),
        };
        Ok(self.now.since(ends).is_some_and(|age| keep.age < age))
    }

    fn check_whole(&mut self) -> Result<(), StoreError> {
        if self.broken { Err(StoreError::Broken(self.path())) } else { Ok(()) }
    }

    /// That the store has all that the fleet has written.
    fn check_stored(&mut self, fleet: &Fleet) -> Result<(), StoreError> {
        let (made, stored) = (fleet.ledger().next_seq(), self.writer.seq());
        if made == stored && fleet.ledger().head() == self.writer.head() {
            return Ok(());
        }
        Err(StoreError::NotStored { path: self.path(), made, stored })
    }

    /// Where the open segment is.
    fn path(&mut self) -> PathBuf {
        self.writer.get_mut().path()
    }
}

impl StoreOptions {
    /// How full a folder is that holds so many bytes; one whose disk refuses is full.
    pub(crate) fn level(&self, used_bytes: u64, refused: bool) -> StorageLevel {
        match self.budget_bytes {
            _ if refused => StorageLevel::Full,
            Some(budget) => StorageLevel::of(used_bytes, budget),
            None => StorageLevel::Normal,
        }
    }
}

impl Keep {
    /// Whether the oldest of the segments may go, its age apart: it ends before record `settled`, which can be come back
    /// to without it, and together they are long enough.
    pub(crate) fn lets_go(&self, segments: &[Segment], settled: u64) -> bool {
        let all: u64 = segments.iter().map(|segment| segment.bytes).sum();
        matches!(segments, [_, next, ..] if next.first <= settled) && self.bytes < all
    }
}

/// Removes the oldest segment; one at a time, so that what is left never has a gap.
pub(crate) fn remove_oldest(medium: &mut dyn Medium, segments: &mut Vec<Segment>) -> Result<(), StoreError> {
    let Some(oldest) = segments.first() else { return Ok(()) };
    let removed = medium.remove(&oldest.name).and_then(|()| medium.sync_folder());
    removed.map_err(|error| failed(&medium.path(&oldest.name), error))?;
    segments.remove(0);
    Ok(())
}

/// Why a segment was not begun behind another one.
pub(crate) struct NotBegun {
    pub(crate) error: StoreError,
    /// Whether the old one cannot go on either.
    pub(crate) broken: bool,
}

/// A segment that was just made, with a header and no record.
pub(crate) struct Begun {
    pub(crate) segment: Segment,
    pub(crate) chain: Chain,
}

impl Begun {
    fn new(medium: &mut dyn Medium, header: &Header, before: Option<&Chain>) -> Result<Self, StoreError> {
        Self::with(medium, &header.encode()?, before)
    }

    /// A segment behind one that goes on if this one cannot be made.
    pub(crate) fn after(medium: &mut dyn Medium, header: &[u8], before: &Chain) -> Result<Self, NotBegun> {
        Self::with(medium, header, Some(before)).map_err(|error| {
            // A new segment that is there after all would contradict what is added to the old one.
            let name = segment_name(before.seq());
            let is_absent = |files: Vec<(String, u64)>| files.iter().all(|(file, _)| *file != name);
            NotBegun { error, broken: !medium.files().is_ok_and(is_absent) }
        })
    }

    /// A segment with an encoded header.
    pub(crate) fn with(
        medium: &mut dyn Medium,
        header: &[u8],
        before: Option<&Chain>,
    ) -> Result<Self, StoreError> {
        // The same steps as those of the ledger that goes on here; salts are no part of a chain.
        let mut ledger = match before {
            Some(chain) => Ledger::resume(chain.clone(), SaltKey::PUBLIC),
            None => Ledger::new(header, SaltKey::PUBLIC),
        };
        if before.is_some() {
            ledger.begin_segment(header);
        }
        let chain = ledger.chain().clone();
        let first = before.map_or(0, Chain::seq);
        let name = segment_name(first);
        let writer = match before {
            Some(chain) => Writer::create_segment(Vec::new(), header, chain),
            None => Writer::create(Vec::new(), header),
        };
        let writer = writer.map_err(|error| damaged(&medium.path(&name), error))?;
        let bytes = writer.into_inner();
        put(medium, &name, &bytes)?;
        Ok(Self { segment: Segment { name, first, bytes: bytes.len() as u64, ends: None }, chain })
    }
}

/// What was read of a ledger.
struct Found {
    header: Header,
    version: u16,
    verified: Verified,
    /// The records of the segments that were read.
    envelopes: Vec<Envelope>,
    /// Length of the last segment.
    bytes: u64,
    snapshot: Option<Snapshot>,
}

impl Found {
    /// Reads from the last segment on that begins no later than the snapshot, or all.
    fn read(
        medium: &dyn Medium,
        segments: &[Segment],
        snapshot: Option<Snapshot>,
    ) -> Result<Self, StoreError> {
        let stands_for = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        let from = segments.iter().rposition(|segment| segment.first <= stands_for).unwrap_or(0);
        let needed = segments.get(from..).unwrap_or_default();
        let Some((last, before)) = needed.split_last() else {
            return Err(StoreError::Empty(medium.path("")));
        };
        let mut verifier = Verifier::new();
        let mut envelopes = Vec::new();
        for Segment { name, .. } in before {
            let bytes = read(medium, name)?;
            let checked = verifier.file(&bytes).and_then(|()| collect(&bytes, &mut envelopes));
            checked.map_err(|error| damaged(&medium.path(name), error))?;
        }
        let path = medium.path(&last.name);
        let bytes = read(medium, &last.name)?;
        let verified = verifier.last_file_after_crash(&bytes).map_err(|error| damaged(&path, error))?;
        let length = verified.torn_tail.and_then(|at| usize::try_from(at).ok()).unwrap_or(bytes.len());
        let whole = bytes.get(..length).unwrap_or(&bytes);
        let reader = Reader::new(whole).map_err(|error| damaged(&path, error))?;
        let (header, version) = (Header::decode(reader.header())?, reader.version());
        collect(whole, &mut envelopes).map_err(|error| damaged(&path, error))?;
        let found = Self { header, version, verified, envelopes, bytes: bytes.len() as u64, snapshot };
        found.check(medium)?;
        Ok(found)
    }

    /// That nothing durable is missing.
    fn check(&self, medium: &dyn Medium) -> Result<(), StoreError> {
        let (records, first) = (self.verified.records(), self.verified.first);
        let path = medium.path(SNAPSHOT);
        match self.snapshot.as_ref().map(|snapshot| snapshot.seq) {
            Some(snapshot) if records < snapshot => Err(StoreError::Lost { path, snapshot, records }),
            None if 0 < first => Err(StoreError::NoBeginning { path, first }),
            _ if records == 0 => Err(StoreError::Empty(medium.path(""))),
            Some(_) | None => Ok(()),
        }
    }

    /// Cuts off what a crash left behind, and makes the rest durable: a killed process may have left records that never
    /// were, and what is written next says that everything before it is. Returns how many bytes were cut off.
    fn settle(&self, medium: &mut dyn Medium, segments: &mut [Segment]) -> Result<u64, StoreError> {
        let Some(last) = segments.last_mut() else { return Ok(0) };
        let whole = self.verified.torn_tail.unwrap_or(self.bytes);
        let cut = if whole < self.bytes { medium.truncate(&last.name, whole) } else { Ok(()) };
        let settled = cut.and_then(|()| medium.sync(&last.name));
        settled.map_err(|error| failed(&medium.path(&last.name), error))?;
        last.bytes = whole;
        Ok(self.bytes - whole)
    }

    /// The fleet of the snapshot, and how many of the envelopes it stands for, if the snapshot is of this ledger.
    fn restore(&self, site: &Arc<CompiledSite>) -> Option<(Fleet, usize)> {
        let snapshot = self.snapshot.as_ref()?;
        let read_from = self.verified.records() - self.envelopes.len() as u64;
        let count = usize::try_from(snapshot.seq.checked_sub(read_from)?).ok()?;
        let digest = match count.checked_sub(1) {
            Some(last) => self.envelopes.get(last)?.digest,
            None => self.verified.removed?.digest,
        };
        let is_of_this_ledger = digest.0 == snapshot.digest;
        let fleet = is_of_this_ledger.then(|| Fleet::restore(Arc::clone(site), &snapshot.state).ok())??;
        Some((fleet, count))
    }
}

/// A snapshot whose checksum is right.
struct Snapshot {
    /// Records it stands for.
    seq: u64,
    /// Digest of the last of them.
    digest: [u8; 32],
    state: Vec<u8>,
    /// Length of the file.
    bytes: u64,
}

impl Snapshot {
    /// `None` if it is missing or damaged.
    fn read(medium: &dyn Medium) -> Option<Self> {
        let bytes = medium.read(SNAPSHOT).ok()?;
        let (seq, rest) = bytes.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (checksum, state) = rest.split_first_chunk::<32>()?;
        (Sha256::digest(state).as_slice() == checksum).then(|| Self {
            seq: u64::from_le_bytes(*seq),
            digest: *digest,
            state: state.to_vec(),
            bytes: SNAPSHOT_START + state.len() as u64,
        })
    }
}

/// Puts a whole file in place: durable under its name, or not there.
pub(crate) fn put(medium: &mut dyn Medium, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let written = medium
        .write_new(NEW, bytes)
        .and_then(|()| medium.sync(NEW))
        .and_then(|()| medium.rename(NEW, name))
        .and_then(|()| medium.sync_folder());
    written.map_err(|error| failed(&medium.path(name), error))
}

/// The segments of a ledger, oldest first.
pub(crate) fn segments(medium: &dyn Medium) -> Result<Vec<Segment>, StoreError> {
    let files = medium.files().map_err(|error| failed(&medium.path(""), error))?;
    let segment = |(name, bytes): (String, u64)| {
        first_of(&name).map(|first| Segment { name, first, bytes, ends: None })
    };
    let mut segments: Vec<Segment> = files.into_iter().filter_map(segment).collect();
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// The segments of the ledger in a folder, oldest first: what [`Verifier`] takes one after the other.
///
/// # Errors
/// [`StoreError::Io`] if the folder cannot be read.
pub fn segment_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let disk = Disk::new(folder);
    Ok(segments(&disk)?.iter().map(|segment| disk.path(&segment.name)).collect())
}

/// Twenty digits hold every number, so names sort as their numbers do.
fn segment_name(first: u64) -> String {
    format!("ledger-{first:020}.sheepdog")
}

fn first_of(name: &str) -> Option<u64> {
    if name == LEDGER {
        return Some(0);
    }
    name.strip_prefix("ledger-")?.strip_suffix(".sheepdog")?.parse().ok()
}

/// Whether a file holds no whole record, and never did for anybody.
fn has_no_record(bytes: &[u8]) -> bool {
    match verify_after_crash(bytes) {
        Ok(verified) => verified.records() == 0,
        Err(error) => matches!(error, LedgerError::HeaderCutShort { .. }),
    }
}

fn collect(bytes: &[u8], envelopes: &mut Vec<Envelope>) -> Result<(), LedgerError> {
    Reader::new(bytes)?.try_for_each(|record| record.map(|record| envelopes.push(record)))
}

/// Time of the last record of a segment.
fn end_of(medium: &dyn Medium, name: &str) -> Result<FleetTime, StoreError> {
    let bytes = read(medium, name)?;
    let last = Reader::new(bytes.as_slice()).and_then(|mut reader| {
        reader.try_fold(FleetTime::ZERO, |_, record| record.map(|record| record.time))
    });
    last.map_err(|error| damaged(&medium.path(name), error))
}

pub(crate) fn read(medium: &dyn Medium, name: &str) -> Result<Vec<u8>, StoreError> {
    medium.read(name).map_err(|error| failed(&medium.path(name), error))
}

pub(crate) fn failed(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), error }
}

pub(crate) fn damaged(path: &Path, error: LedgerError) -> StoreError {
    StoreError::Ledger { path: path.to_owned(), error }
}
