//! Proving that a ledger is whole.

use crate::{Chain, Checkpoint, Digest, LedgerError, Reader, Tail, reader::durable_frame_follows};

/// A ledger whose every record is proven to belong where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Where its chain stands, from which a [`Ledger`](crate::Ledger) and a [`Writer`](crate::Writer) can continue.
    pub chain: Chain,
    /// Number of the first record that is there. More than zero when the beginning was removed, or for a file that
    /// goes on where another one ended; [`Verified::removed`] says what came before.
    pub first: u64,
    /// What the first file says of the records before it.
    pub removed: Option<Checkpoint>,
    /// How many of the records have no body any more.
    pub redacted: u64,
    /// Where an unfinished last record starts in the last file, if there is one.
    pub torn_tail: Option<u64>,
}

impl Verified {
    /// How many whole records the chain has, those before the first file included.
    pub const fn records(&self) -> u64 {
        self.chain.seq()
    }

    /// Digest of the last record, or of the header when there is none.
    pub const fn head(&self) -> Digest {
        self.chain.head()
    }

    /// The head with the root over all records.
    pub fn checkpoint(&self) -> Checkpoint {
        self.chain.checkpoint()
    }
}

/// Checks a whole file: the hashes that it took to append its records and one allocation for each.
///
/// Any flipped bit and any dropped, swapped, inserted or repeated record before the tail is an error. Records missing
/// at the end are not visible here: see [`verify_against`].
///
/// # Errors
/// The first [`LedgerError`] in the order of the file.
pub fn verify(bytes: &[u8]) -> Result<Verified, LedgerError> {
    Verifier::new().last_file(bytes)
}

/// [`verify`], and the chain passed through the checkpoint: nothing before it was rewritten, nothing is missing.
///
/// # Errors
/// As [`verify`]; [`LedgerError::CutShort`] when the ledger ends before the checkpoint,
/// [`LedgerError::Checkpoint`] when it was another one there, and [`LedgerError::Removed`] when the checkpoint lies
/// before the first record of the file.
pub fn verify_against(bytes: &[u8], checkpoint: &Checkpoint) -> Result<Verified, LedgerError> {
    Verifier::against(*checkpoint).last_file(bytes)
}

/// [`verify`] for a file whose process died: what need not have reached the disk may be missing or wrong.
///
/// Sectors reach a disk in any order, so after power loss the batch that was being written can have a hole with whole
/// records behind it. From the first wrong record on the file counts as torn, unless a later frame says that everything
/// before it was durable: then what is wrong was damaged or changed afterwards, and that is an error.
///
/// # Errors
/// As [`verify`], for what was durable.
pub fn verify_after_crash(bytes: &[u8]) -> Result<Verified, LedgerError> {
    Verifier::new().last_file_after_crash(bytes)
}

/// Checks a ledger of several files, one after the other in the order of their first records.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    checkpoint: Option<Checkpoint>,
    passed: bool,
    so_far: Option<Verified>,
}

impl Verifier {
    /// Checks the chain alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks that the chain passes through a checkpoint, too.
    pub fn against(checkpoint: Checkpoint) -> Self {
        Self { checkpoint: Some(checkpoint), ..Self::default() }
    }

    /// Checks a file that another one follows.
    ///
    /// # Errors
    /// The first [`LedgerError`] in the order of the file; [`LedgerError::Segment`] if it does not go on where the one
    /// before ended, [`LedgerError::TornSegment`] if its last record is unfinished.
    pub fn file(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        let mut reader = self.start(bytes)?;
        self.walk(&mut reader)?;
        match reader.tail() {
            Tail::Torn { offset } => Err(LedgerError::TornSegment { offset }),
            Tail::Clean => {
                self.so_far = Some(self.verified(&reader, None));
                Ok(())
            }
        }
    }

    /// Checks the last file.
    ///
    /// # Errors
    /// As [`file`](Self::file), except that the last record may be unfinished; [`LedgerError::CutShort`] and
    /// [`LedgerError::Removed`] if the chain does not pass through the checkpoint.
    pub fn last_file(mut self, bytes: &[u8]) -> Result<Verified, LedgerError> {
        let mut reader = self.start(bytes)?;
        self.walk(&mut reader)?;
        let torn_tail = torn(reader.tail());
        self.finish(&reader, torn_tail)
    }

    /// Checks the last file as [`verify_after_crash`] does.
    ///
    /// # Errors
    /// As [`last_file`](Self::last_file), for what was durable.
    pub fn last_file_after_crash(mut self, bytes: &[u8]) -> Result<Verified, LedgerError> {
        let mut reader = self.start(bytes)?;
        let torn_tail = match self.walk(&mut reader) {
            Ok(()) => torn(reader.tail()),
            Err(error @ (LedgerError::Checkpoint { .. } | LedgerError::Io { .. })) => return Err(error),
            Err(error) => {
                let offset = reader.offset();
                let was_durable = usize::try_from(offset).is_ok_and(|at| durable_frame_follows(bytes, at));
                // Format 1 has no marks, so nothing in it is known not to have been durable.
                if was_durable || reader.version() == 1 {
                    return Err(error);
                }
                Some(offset)
            }
        };
        self.finish(&reader, torn_tail)
    }

    fn start<'a>(&mut self, bytes: &'a [u8]) -> Result<Reader<&'a [u8]>, LedgerError> {
        let reader = Reader::new(bytes)?;
        if let Some(before) = &self.so_far {
            let (expected, actual) = (before.chain.checkpoint(), reader.base().checkpoint());
            if expected != actual {
                return Err(LedgerError::Segment { expected: Box::new(expected), actual: Box::new(actual) });
            }
        }
        self.passed |= check_passing(reader.here(), self.checkpoint.as_ref())?;
        Ok(reader)
    }

    fn walk(&mut self, reader: &mut Reader<&[u8]>) -> Result<(), LedgerError> {
        while let Some(record) = reader.next() {
            record?;
            self.passed |= check_passing(reader.here(), self.checkpoint.as_ref())?;
        }
        Ok(())
    }

    fn verified(&self, reader: &Reader<&[u8]>, torn_tail: Option<u64>) -> Verified {
        let base = reader.base();
        let before = self.so_far.as_ref();
        Verified {
            chain: reader.here().clone(),
            first: before.map_or(base.seq(), |before| before.first),
            removed: before
                .map_or_else(|| (0 < base.seq()).then(|| base.checkpoint()), |before| before.removed),
            redacted: reader.redacted() + before.map_or(0, |before| before.redacted),
            torn_tail,
        }
    }

    fn finish(self, reader: &Reader<&[u8]>, torn_tail: Option<u64>) -> Result<Verified, LedgerError> {
        let verified = self.verified(reader, torn_tail);
        match self.checkpoint {
            Some(Checkpoint { seq, .. }) if !self.passed && seq < verified.first => {
                Err(LedgerError::Removed { seq, first: verified.first })
            }
            Some(Checkpoint { seq, .. }) if !self.passed => {
                Err(LedgerError::CutShort { seq, records: verified.records() })
            }
            Some(_) | None => Ok(verified),
        }
    }
}

fn torn(tail: Tail) -> Option<u64> {
    match tail {
        Tail::Clean => None,
        Tail::Torn { offset } => Some(offset),
    }
}

/// Whether the chain is at the checkpoint now.
fn check_passing(chain: &Chain, checkpoint: Option<&Checkpoint>) -> Result<bool, LedgerError> {
    let Some(mark) = checkpoint.filter(|mark| mark.seq == chain.seq()) else { return Ok(false) };
    let here = chain.checkpoint();
    if here == *mark {
        return Ok(true);
    }
    Err(LedgerError::Checkpoint { expected: Box::new(*mark), actual: Box::new(here) })
}
