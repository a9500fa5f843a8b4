//! Writing a ledger file.

use std::{io::Write, slice};

use crate::{
    BODY_LENGTH_MAX, Body, Chain, Digest, Envelope, HEADER_LENGTH_MAX, LedgerError,
    file::{FRAME_HEAD, FrameHead, preamble},
    reader::continues,
};

/// Writes envelopes to a file, in the order of their chain.
///
/// A batch of envelopes is one `write_all`; when that has returned and the `Write` is a file, they are *accepted*: they
/// survive a killed process. They are *durable*, and survive power loss, when the file was synced. Syncing is the
/// caller's: reach the file through [`get_mut`](Self::get_mut) and then say [`synced`](Self::synced).
///
/// Envelopes come from a [`Ledger`](crate::Ledger), which has just hashed them; the writer does not hash them again,
/// except in builds with debug assertions. One that was made in another way and has a wrong digest is written, and
/// found by [`verify`](crate::verify).
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    place: Place,
    offset: u64,
    /// Everything written so far is durable, and nobody has read so in the file yet.
    durable: bool,
    failed: bool,
    frames: Vec<u8>,
}

/// Where the chain in the file stands, as far as the next record must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    seq: u64,
    head: Digest,
    link: Digest,
}

impl Place {
    const fn of(chain: &Chain) -> Self {
        Self { seq: chain.seq(), head: chain.head(), link: chain.link() }
    }

    const fn after(record: &Envelope) -> Self {
        Self { seq: record.seq.saturating_add(1), head: record.digest, link: record.digest }
    }
}

impl<W: Write> Writer<W> {
    /// Starts a new ledger; a [`Ledger::new`](crate::Ledger::new) with the same header makes its envelopes.
    ///
    /// # Errors
    /// [`LedgerError::HeaderTooLong`], or [`LedgerError::Io`] when the header cannot be written.
    pub fn create(to: W, header: &[u8]) -> Result<Self, LedgerError> {
        Self::start(to, header, &Chain::begin(header), None)
    }

    /// Starts a new file that goes on where another one ended, at `before`; a
    /// [`Ledger::begin_segment`](crate::Ledger::begin_segment) with the same header makes its envelopes.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub fn create_segment(to: W, header: &[u8], before: &Chain) -> Result<Self, LedgerError> {
        let mut chain = before.clone();
        chain.begin_segment(header);
        Self::start(to, header, &chain, Some(before))
    }

    fn start(mut to: W, header: &[u8], chain: &Chain, before: Option<&Chain>) -> Result<Self, LedgerError> {
        if u64::from(HEADER_LENGTH_MAX) < header.len() as u64 {
            return Err(LedgerError::HeaderTooLong { length: header.len() as u64 });
        }
        let mut start = preamble(header, before);
        start.extend_from_slice(&chain.link().0);
        to.write_all(&start).map_err(|error| LedgerError::io(0, &error))?;
        Ok(Self { offset: start.len() as u64, ..Self::resume(to, chain, 0) })
    }

    /// Continues a file whose chain stands at `chain`; `to` must write behind its last whole record, at `offset`.
    pub const fn resume(to: W, chain: &Chain, offset: u64) -> Self {
        Self { to, place: Place::of(chain), offset, durable: false, failed: false, frames: Vec::new() }
    }

    /// Writes the next envelope, as [`write_all`](Self::write_all) does.
    ///
    /// # Errors
    /// As [`write_all`](Self::write_all).
    pub fn write(&mut self, record: &Envelope) -> Result<(), LedgerError> {
        self.write_all(slice::from_ref(record))
    }

    /// Writes the next envelopes with one `write_all`. One copy of each body.
    ///
    /// # Errors
    /// The envelopes are refused, and nothing written, when one is not the next of the chain, without a salt as in
    /// format 1, or longer than [`BODY_LENGTH_MAX`]. After [`LedgerError::Io`] the end of the file is
    /// unknown and every further write is [`LedgerError::WriterFailed`].
    pub fn write_all(&mut self, records: &[Envelope]) -> Result<(), LedgerError> {
        if self.failed {
            return Err(LedgerError::WriterFailed);
        }
        let mut place = self.place;
        let mut durable = self.durable;
        self.frames.clear();
        for record in records {
            check(record, place, self.offset + self.frames.len() as u64)?;
            place = Place::after(record);
            push_frame(record, std::mem::take(&mut durable), &mut self.frames)?;
        }
        if let Err(error) = self.to.write_all(&self.frames) {
            self.failed = true;
            return Err(LedgerError::io(self.offset, &error));
        }
        self.place = place;
        self.durable = durable;
        self.offset += self.frames.len() as u64;
        Ok(())
    }

    /// Says that everything written so far is durable. The next frame carries that, so that whoever opens the file
    /// after a crash can tell a record that never reached the disk from one that was damaged there.
    pub const fn synced(&mut self) {
        self.durable = true;
    }

    /// From now on `to` writes to another file, whose chain stands at `chain`, behind its last whole record at
    /// `offset`; everything there is durable.
    pub const fn continue_in(&mut self, chain: &Chain, offset: u64) {
        self.place = Place::of(chain);
        self.offset = offset;
        self.durable = true;
    }

    /// How many records the chain has in this file and those before it.
    pub const fn seq(&self) -> u64 {
        self.place.seq
    }

    /// Digest of the last record, or of the header when there is none.
    pub const fn head(&self) -> Digest {
        self.place.head
    }

    /// Length of the file up to the last whole record, in bytes.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// What is written to, for syncing it. Writing to it directly corrupts the ledger.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.to
    }
}

fn check(record: &Envelope, place: Place, offset: u64) -> Result<(), LedgerError> {
    let seq = record.seq;
    if matches!(record.body, Body::Unsalted { .. }) {
        return Err(LedgerError::Unsalted { seq });
    }
    let length = record.body.length();
    if u64::from(BODY_LENGTH_MAX) < length {
        return Err(LedgerError::BodyTooLong { seq, length });
    }
    continues(record, place.seq, place.link, offset)?;
    debug_assert_eq!(record.expected_digest(), record.digest, "record {seq} was not made by a ledger");
    Ok(())
}

fn push_frame(record: &Envelope, durable_before: bool, frames: &mut Vec<u8>) -> Result<(), LedgerError> {
    let head = frames.len();
    frames.extend_from_slice(&[0; FRAME_HEAD]);
    record.write_to(frames);
    let too_long = LedgerError::BodyTooLong { seq: record.seq, length: record.body.length() };
    let length = u32::try_from(frames.len() - head - FRAME_HEAD).map_err(|_| too_long)?;
    let bytes = FrameHead::new(length, durable_before).bytes();
    for (to, from) in frames.iter_mut().skip(head).zip(bytes) {
        *to = from;
    }
    Ok(())
}
