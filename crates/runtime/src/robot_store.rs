//! A robot's own ledger on its disk: at least one segment for each boot, and a checkpoint.
//!
//! The checkpoint says where the newest segment begins, and which boots have records. A boot reads and verifies from there
//! on, not all that there is; `sheepdog ledger verify` checks everything. Records that the checkpoint knows and that are
//! gone are an error. Without a checkpoint that can be read everything is read.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use sheepdog_core::{AgentId, Micros, Ppm, RobotTime};
use sheepdog_fleet::StorageLevel;
use sheepdog_ledger::{Chain, Checkpoint, Digest, Envelope, Ledger, Reader, SaltKey, Verifier, Writer};

use crate::{
    StoreError, StoreOptions,
    medium::Medium,
    recorder::{Recorder, Tap, recorder},
    robot::RobotHeader,
    store::{Begun, NotBegun, Segment, Target, damaged, failed, put, read, remove_oldest, segments},
};

/// File name of the checkpoint.
const CHECKPOINT: &str = "checkpoint.sheepdog";

/// Writes a robot's ledger into a folder of its own.
///
/// Records are *accepted* when [`drain`](Self::drain) returns, and *durable* after each stop and before each anchor. When the
/// disk refuses, the store drains no more: the ring fills and the robot latches (LOG-001). [`level`](Self::level) is there so
/// that the robot is parked before it comes to that.
#[derive(Debug)]
pub struct RobotStore {
    recorder: Recorder,
    writer: Writer<Target>,
    header: RobotHeader,
    options: StoreOptions,
    /// Oldest first; the last one is being written.
    segments: Vec<Segment>,
    mark: Mark,
    /// The level that the fleet was told last.
    said: StorageLevel,
    /// When the boot's first record was drained.
    began: Option<RobotTime>,
    /// The disk refused something that was not vital.
    refused: bool,
    broken: bool,
}

/// Where a boot begins to read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    /// Where the newest segment begins.
    at: Checkpoint,
    /// Boots that have records before it.
    boots: BTreeSet<u64>,
}

/// What earlier boots have left.
#[derive(Debug, Default)]
struct Earlier {
    chain: Option<Chain>,
    segments: Vec<Segment>,
    boots: BTreeSet<u64>,
}

impl RobotStore {
    /// Begins the segment of a boot behind those of earlier boots, and the ring before it. What a crash had left unfinished at
    /// their end is cut off.
    ///
    /// # Errors
    /// [`StoreError`] if what is read of earlier boots is damaged, another robot's, or of the same boot, if durable records
    /// are missing, or if the new segment cannot be written.
    pub fn open(
        mut medium: Box<dyn Medium>,
        header: &RobotHeader,
        salts: SaltKey,
        capacity: usize,
        options: StoreOptions,
    ) -> Result<(Tap, Self), StoreError> {
        let Earlier { chain: before, mut segments, boots } = Earlier::read(medium.as_mut(), header)?;
        let Begun { segment, chain } = Begun::with(medium.as_mut(), &header.encode(), before.as_ref())?;
        // A boot that has left no record is begun anew.
        segments.retain(|old| old.name != segment.name);
        let mut writer = Writer::resume(Target { medium, name: segment.name.clone() }, &chain, segment.bytes);
        writer.synced();
        segments.push(segment);
        let mark = Mark { at: chain.checkpoint(), boots };
        let (tap, recorder) = recorder(Ledger::resume(chain, salts), capacity);
        let header = header.clone();
        let (began, refused, broken) = (None, false, false);
        let said = StorageLevel::Normal;
        let mut store =
            Self { recorder, writer, header, options, segments, mark, said, began, refused, broken };
        store.put_mark();
        Ok((tap, store))
    }

    /// Writes what came in since the last call, `now` being the robot's clock; goes on in a new segment when the old one is
    /// full, and removes what need not be kept. Returns how many records it wrote. Call it often enough that the ring does
    /// not fill; ten times a second is plenty.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses the records; from then on it always does. When it refuses only a new segment, the
    /// old one goes on, and the [`level`](Self::level) says so.
    pub fn drain(&mut self, now: RobotTime) -> Result<usize, StoreError> {
        if self.broken {
            return Err(StoreError::Broken(self.writer.get_mut().path()));
        }
        self.began = self.began.or(Some(now));
        let envelopes = self.recorder.drain(now);
        self.write(&envelopes)?;
        let due = self.recorder.anchor_due(now);
        if due || self.is_segment_full() {
            self.sync()?;
            self.keep_house(now)?;
        }
        if due || self.level() != self.said {
            self.sync()?;
            self.said = self.level();
            let used = self.used_share();
            self.recorder.anchor(now, used);
        }
        Ok(envelopes.len())
    }

    /// Writes everything, the open run too, and makes it durable, as before the robot is switched off. The tap refuses
    /// from now on.
    ///
    /// # Errors
    /// As [`drain`](Self::drain).
    pub fn close(mut self, now: RobotTime) -> Result<(), StoreError> {
        self.drain(now)?;
        let rest = self.recorder.flush();
        self.write(&rest)?;
        self.sync()
    }

    /// The chain of what was drained.
    pub const fn ledger(&self) -> &Ledger {
        self.recorder.ledger()
    }

    /// How full the folder is of its budget. The fleet is told with the next anchor, at once when the level changes, and parks
    /// the robot in order from [`StorageLevel::Critical`] on.
    pub fn level(&self) -> StorageLevel {
        self.options.level(self.used_bytes(), self.refused || self.broken)
    }

    /// Bytes of all segments and the checkpoint.
    pub fn used_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum::<u64>() + self.mark.length()
    }

    /// Rounded up: what is told is never a lower level than [`level`](Self::level).
    fn used_share(&self) -> Ppm {
        let budget = u128::from(self.options.budget_bytes.unwrap_or(u64::MAX).max(1));
        let share = (u128::from(self.used_bytes()) * 1_000_000).div_ceil(budget);
        let share = u32::try_from(share).ok().and_then(|share| Ppm::new(share).ok()).unwrap_or(Ppm::ONE);
        if self.level() == StorageLevel::Full { Ppm::ONE } else { share }
    }

    /// The disk has refused what is vital.
    fn give_up(&mut self) {
        self.broken = true;
        self.recorder.refused();
    }

    fn is_segment_full(&self) -> bool {
        let has_records = self.segments.last().is_some_and(|segment| segment.first < self.writer.seq());
        has_records && self.options.segment_bytes <= self.writer.offset()
    }

    /// A new segment when the old one is full, and no segment that need not be kept. What the disk refuses of that is tried
    /// again with the next records.
    fn keep_house(&mut self, now: RobotTime) -> Result<(), StoreError> {
        if self.is_segment_full() {
            self.begin_segment()?;
        }
        while self.may_remove_oldest(now) {
            let removed = remove_oldest(self.writer.get_mut().medium.as_mut(), &mut self.segments);
            self.refused |= removed.is_err();
            if removed.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<(), StoreError> {
        let header = self.header.encode();
        let before = self.recorder.ledger().chain().clone();
        match Begun::after(self.writer.get_mut().medium.as_mut(), &header, &before) {
            Ok(Begun { segment, chain }) => {
                self.recorder.begin_segment(&header);
                self.writer.get_mut().name.clone_from(&segment.name);
                self.writer.continue_in(&chain, segment.bytes);
                self.segments.push(segment);
                self.mark.at = chain.checkpoint();
                self.mark.boots.insert(self.header.boot.0);
                self.put_mark();
                Ok(())
            }
            Err(NotBegun { error, broken: true }) => {
                self.give_up();
                Err(error)
            }
            Err(NotBegun { broken: false, .. }) => {
                self.refused = true;
                Ok(())
            }
        }
    }

    /// Replaces the checkpoint; without it the next boot reads more.
    fn put_mark(&mut self) {
        let bytes = self.mark.encode();
        self.refused = put(self.writer.get_mut().medium.as_mut(), CHECKPOINT, &bytes).is_err();
    }

    fn may_remove_oldest(&mut self, now: RobotTime) -> bool {
        let Some(keep) = self.options.keep.filter(|keep| keep.lets_go(&self.segments, self.mark.at.seq))
        else {
            return false;
        };
        let (Some(oldest), Some(began)) = (self.segments.first(), self.began) else { return false };
        // Clocks of other boots tell nothing.
        let ends = oldest.ends.map_or(began, |at| RobotTime::from_micros(at.as_micros()));
        let is_old = now.since(ends).is_some_and(|age: Micros| keep.age < age);
        // Nothing goes on the word of a checkpoint that cannot be read back.
        is_old && Mark::read(self.writer.get_mut().medium.as_ref()).as_ref() == Some(&self.mark)
    }

    fn write(&mut self, envelopes: &[Envelope]) -> Result<(), StoreError> {
        let Some(last) = envelopes.last() else { return Ok(()) };
        self.writer.write_all(envelopes).map_err(|error| {
            self.give_up();
            damaged(&self.writer.get_mut().path(), error)
        })?;
        let bytes = self.writer.offset();
        if let Some(segment) = self.segments.last_mut() {
            (segment.bytes, segment.ends) = (bytes, Some(last.time));
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let Target { medium, name } = self.writer.get_mut();
        if let Err(error) = medium.sync(name) {
            let error = failed(&medium.path(name), error);
            self.give_up();
            return Err(error);
        }
        self.writer.synced();
        Ok(())
    }
}

impl Mark {
    /// Length in bytes.
    fn length(&self) -> u64 {
        8 + 3 * 32 + 8 * self.boots.len() as u64
    }

    /// Number, digest and root (as in [`Checkpoint`]), the boots, and a checksum. Little-endian.
    fn encode(&self) -> Vec<u8> {
        let Checkpoint { seq, digest, root } = self.at;
        let mut bytes = [&seq.to_le_bytes()[..], &digest.0, &root.0].concat();
        bytes.extend(self.boots.iter().flat_map(|boot| boot.to_le_bytes()));
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// `None` if it is missing or damaged.
    fn read(medium: &dyn Medium) -> Option<Self> {
        let bytes = medium.read(CHECKPOINT).ok()?;
        let (body, checksum) = bytes.split_last_chunk::<32>()?;
        let (seq, rest) = body.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (root, boots) = rest.split_first_chunk()?;
        let (boots, rest) = boots.as_chunks();
        (rest.is_empty() && Sha256::digest(body).as_slice() == checksum).then(|| Self {
            at: Checkpoint { seq: u64::from_le_bytes(*seq), digest: Digest(*digest), root: Digest(*root) },
            boots: boots.iter().map(|boot| u64::from_le_bytes(*boot)).collect(),
        })
    }
}

impl Earlier {
    /// Reads from the checkpoint on, or everything.
    fn read(medium: &mut dyn Medium, header: &RobotHeader) -> Result<Self, StoreError> {
        let mut segments = segments(medium)?;
        let mark = Mark::read(medium);
        let from = mark
            .as_ref()
            .map_or(0, |mark| segments.iter().rposition(|segment| segment.first <= mark.at.seq).unwrap_or(0));
        // Before the first record the digest is that of a header, which may have been replaced.
        let at = mark.as_ref().map(|mark| mark.at).filter(|at| 0 < at.seq);
        let mut verifier = at.map_or_else(Verifier::new, Verifier::against);
        let mut boots = mark.map(|mark| mark.boots).unwrap_or_default();
        let Some((last, before)) = segments.get(from..).and_then(<[Segment]>::split_last) else {
            return Ok(Self { chain: None, segments, boots });
        };
        for segment in before {
            let bytes = read(medium, &segment.name)?;
            let path = medium.path(&segment.name);
            boots.extend(boot_of(&bytes, header, &path)?);
            verifier.file(&bytes).map_err(|error| damaged(&path, error))?;
        }
        let bytes = read(medium, &last.name)?;
        let path = medium.path(&last.name);
        boots.extend(boot_of(&bytes, header, &path)?);
        if boots.contains(&header.boot.0) {
            return Err(StoreError::BootUsed { path, boot: header.boot.0 });
        }
        let verified = verifier.last_file_after_crash(&bytes).map_err(|error| damaged(&path, error))?;
        let whole = verified.torn_tail.unwrap_or(bytes.len() as u64);
        let cut = if verified.torn_tail.is_some() { medium.truncate(&last.name, whole) } else { Ok(()) };
        cut.and_then(|()| medium.sync(&last.name)).map_err(|error| failed(&path, error))?;
        if let Some(last) = segments.last_mut() {
            last.bytes = whole;
        }
        Ok(Self { chain: Some(verified.chain), segments, boots })
    }
}

/// The boot of a file of the same robot, if it has a record.
fn boot_of(bytes: &[u8], header: &RobotHeader, path: &std::path::Path) -> Result<Option<u64>, StoreError> {
    let robot: AgentId = header.robot;
    let mut reader = Reader::new(bytes).map_err(|error| damaged(path, error))?;
    let Some(found) = RobotHeader::decode(reader.header()).filter(|found| found.robot == robot) else {
        return Err(StoreError::OtherRobot { path: path.to_owned(), robot });
    };
    Ok(reader.next().is_some().then_some(found.boot.0))
}
