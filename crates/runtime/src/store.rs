//! The write-ahead log and the snapshot on disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};
use sheepdog_fleet::{Fleet, FleetError, Header, HeaderError, ReplayError};
use sheepdog_ledger::{Envelope, LedgerError, Reader, Writer, verify};
use sheepdog_map::CompiledSite;

/// File name of the ledger in its folder.
const LEDGER: &str = "ledger.sheepdog";
/// File name of the newest snapshot.
const SNAPSHOT: &str = "snapshot.sheepdog";
/// File name of a snapshot that is being written.
const SNAPSHOT_NEW: &str = "snapshot.new";

/// A folder that holds a fleet's ledger and its newest snapshot.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    writer: Writer<File>,
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
    /// Bytes of a last record that a crash had cut short; they are gone now and made again.
    pub torn: u64,
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
    /// A new store in a folder that has none; the folder is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there is a ledger already or the file cannot be written.
    pub fn create(folder: &Path, header: &Header) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        let path = folder.join(LEDGER);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| failed(&path, error))?;
        let writer = Writer::create(file, &header.encode()?).map_err(|error| damaged(&path, error))?;
        let mut store = Self { folder: folder.to_owned(), writer };
        store.sync()?;
        Ok(store)
    }

    /// Appends envelopes and waits until they are durable.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be written; then no output that follows from them may leave.
    pub fn append(&mut self, envelopes: &[Envelope]) -> Result<(), StoreError> {
        for envelope in envelopes {
            self.writer.write(envelope).map_err(|error| damaged(&self.folder.join(LEDGER), error))?;
        }
        self.sync()
    }

    /// Replaces the snapshot, atomically; the ledger stays whole.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written; the old one is still there then.
    pub fn snapshot(&mut self, fleet: &Fleet) -> Result<(), StoreError> {
        let new = self.folder.join(SNAPSHOT_NEW);
        let head = self.writer.checkpoint();
        let mut bytes = head.seq.to_le_bytes().to_vec();
        bytes.extend_from_slice(&head.digest.0);
        let state = fleet.snapshot()?;
        bytes.extend_from_slice(&Sha256::digest(&state));
        bytes.extend(state);
        let write = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, self.folder.join(SNAPSHOT))?;
            // The rename is durable once the folder is.
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| failed(&new, error))
    }

    /// Brings a fleet back: from the snapshot and what follows it, or from the whole ledger when the snapshot is
    /// missing, damaged or of another ledger. A record that was being written when the process died is made again.
    ///
    /// # Errors
    /// [`StoreError`] if the ledger is damaged anywhere but in its last, unfinished record.
    pub fn open(folder: &Path) -> Result<Opened, StoreError> {
        let path = folder.join(LEDGER);
        let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
        let verified = verify(&bytes).map_err(|error| damaged(&path, error))?;
        let whole = verified.torn_tail.unwrap_or(bytes.len() as u64);
        let reader = Reader::new(bytes.as_slice()).map_err(|error| damaged(&path, error))?;
        let header = Header::decode(reader.header())?;
        let envelopes: Vec<Envelope> =
            reader.collect::<Result<_, _>>().map_err(|error| damaged(&path, error))?;
        let site = header.compile()?;
        let (fleet, lost, replayed) = if let Some((fleet, from)) = Self::restore(folder, &site, &envelopes) {
            let tail = envelopes.get(from..).unwrap_or(&[]);
            let (fleet, lost) = sheepdog_fleet::resume(fleet, tail)?;
            (fleet, lost, tail.len())
        } else {
            let (fleet, lost) = sheepdog_fleet::recover(&site, &header, &envelopes)?;
            (fleet, lost, envelopes.len())
        };
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| failed(&path, error))?;
        file.set_len(whole).map_err(|error| failed(&path, error))?;
        let writer = Writer::resume(file, verified.checkpoint(), whole);
        let mut store = Self { folder: folder.to_owned(), writer };
        store.append(&lost)?;
        Ok(Opened { fleet, site, store, replayed, torn: bytes.len() as u64 - whole })
    }

    /// The fleet of the snapshot and how many envelopes it stands for, if the snapshot belongs to this ledger.
    fn restore(folder: &Path, site: &Arc<CompiledSite>, envelopes: &[Envelope]) -> Option<(Fleet, usize)> {
        let bytes = fs::read(folder.join(SNAPSHOT)).ok()?;
        let (seq, rest) = bytes.split_first_chunk::<8>()?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let (checksum, state) = rest.split_first_chunk::<32>()?;
        let count = usize::try_from(u64::from_le_bytes(*seq)).ok()?;
        let last = envelopes.get(count.checked_sub(1)?)?;
        if last.digest.0 != *digest || Sha256::digest(state).as_slice() != checksum {
            return None;
        }
        Some((Fleet::restore(Arc::clone(site), state).ok()?, count))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let path = self.folder.join(LEDGER);
        self.writer.get_mut().sync_data().map_err(|error| failed(&path, error))
    }
}

fn failed(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), error }
}

fn damaged(path: &Path, error: LedgerError) -> StoreError {
    StoreError::Ledger { path: path.to_owned(), error }
}
