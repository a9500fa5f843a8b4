//! The chain in a file.
//!
//! ```text
//! file   = preamble genesis frame*
//! preamble = magic (8) version (u16) header length (u32) header
//! genesis  = SHA-256(0x02 ‖ preamble)
//! frame    = length (u32) !length (u32) canonical form, digest      length covers the last two
//! ```
//!
//! Integers are little-endian. The complement of the length tells a flipped bit, which would make a record seem to
//! run past the end, from a record that a crash cut short.

use std::io::{self, Read, Write};

use crate::{
    Checkpoint, Digest, Envelope, LedgerError,
    envelope::{DIGEST_LENGTH, FIXED_LENGTH, genesis},
};

/// The first eight bytes of every ledger.
pub const MAGIC: [u8; 8] = *b"SHEEPLDG";
/// The version of the format that this crate reads and writes.
pub const FORMAT_VERSION: u16 = 1;
/// The longest header: 4 MiB, room for the site as authored.
pub const HEADER_LENGTH_MAX: u32 = 1 << 22;
/// The longest body: 16 MiB. It bounds what a reader allocates for a corrupt length.
pub const BODY_LENGTH_MAX: u32 = 1 << 24;

/// Bytes of a frame that are neither its length nor its body.
#[expect(clippy::cast_possible_truncation, reason = "97 fits")]
const FRAME_OVERHEAD: u32 = (FIXED_LENGTH + DIGEST_LENGTH) as u32;

/// How a ledger ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With a whole record.
    Clean,
    /// With a record that was never finished: the file ends inside it, or holds nothing but zeros from there on (some
    /// file systems extend a file before they fill it). Truncate the file to `offset` and go on.
    Torn {
        /// Where the unfinished record starts.
        offset: u64,
    },
}

/// A ledger whose every record is proven to belong where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many whole records there are.
    pub records: u64,
    /// Digest of the last one, or of the header when there is none.
    pub head: Digest,
    /// Where an unfinished last record starts, if there is one.
    pub torn_tail: Option<u64>,
}

impl Verified {
    /// The head as a checkpoint, from which a [`Ledger`](crate::Ledger) and a [`Writer`] can continue.
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint { seq: self.records, digest: self.head }
    }
}

/// Checks a whole file: one SHA-256 and one allocation per record, so about what it took to append them.
///
/// Any flipped bit and any dropped, swapped, inserted or repeated record before the tail is an error. Records missing
/// at the end are not visible here: see [`verify_against`].
///
/// # Errors
/// The first [`LedgerError`] in the order of the file.
pub fn verify(bytes: &[u8]) -> Result<Verified, LedgerError> {
    walk(bytes, None)
}

/// [`verify`], and the chain passed through the checkpoint: nothing before it was rewritten, nothing is missing.
///
/// # Errors
/// As [`verify`]; [`LedgerError::CutShort`] when the ledger ends before the checkpoint and
/// [`LedgerError::Checkpoint`] when it had another digest there.
pub fn verify_against(bytes: &[u8], checkpoint: &Checkpoint) -> Result<Verified, LedgerError> {
    walk(bytes, Some(checkpoint))
}

fn walk(bytes: &[u8], checkpoint: Option<&Checkpoint>) -> Result<Verified, LedgerError> {
    let mut reader = Reader::new(bytes)?;
    let mut passed = check_passing(reader.head, checkpoint)?;
    while let Some(record) = reader.next() {
        record?;
        passed |= check_passing(reader.head, checkpoint)?;
    }
    let Checkpoint { seq: records, digest: head } = reader.head;
    if let Some(&Checkpoint { seq, .. }) = checkpoint
        && !passed
    {
        return Err(LedgerError::CutShort { seq, records });
    }
    let torn_tail = match reader.tail {
        Tail::Clean => None,
        Tail::Torn { offset } => Some(offset),
    };
    Ok(Verified { records, head, torn_tail })
}

/// Whether the chain is at the checkpoint now.
fn check_passing(here: Checkpoint, checkpoint: Option<&Checkpoint>) -> Result<bool, LedgerError> {
    match checkpoint {
        Some(mark) if mark.seq == here.seq && mark.digest == here.digest => Ok(true),
        Some(mark) if mark.seq == here.seq => {
            Err(LedgerError::Checkpoint { seq: mark.seq, expected: mark.digest, actual: here.digest })
        }
        Some(_) | None => Ok(false),
    }
}

/// The bytes of a file before the genesis digest.
pub(crate) fn preamble(header: &[u8]) -> Vec<u8> {
    // A header whose length does not fit is never written; as all of it is hashed, its chain is still its own.
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    [&MAGIC[..], &FORMAT_VERSION.to_le_bytes(), &length.to_le_bytes(), header].concat()
}

/// Reads a ledger record by record, checking each before it hands it out.
///
/// As an iterator it yields envelopes; after an error or the end it yields nothing more and [`tail`](Self::tail) says
/// how the file ended. Memory: one record, and never more than the file really holds.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    header: Vec<u8>,
    head: Checkpoint,
    offset: u64,
    tail: Tail,
    ended: bool,
    frame: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Starts reading and checks the header. Many small reads follow: hand in a slice or a `BufReader`.
    ///
    /// # Errors
    /// [`LedgerError`] when this is not an intact start of a ledger.
    pub fn new(mut from: R) -> Result<Self, LedgerError> {
        let mut start = Vec::new();
        fill(&mut from, &mut start, 0, 14)?;
        if !MAGIC.starts_with(start.get(..8).unwrap_or(&start)) {
            return Err(LedgerError::NotALedger);
        }
        let cut_short = |length: usize| LedgerError::HeaderCutShort { offset: length as u64 };
        let (version, length) = version_and_length(&start).ok_or_else(|| cut_short(start.len()))?;
        if version != FORMAT_VERSION {
            return Err(LedgerError::Version { found: version });
        }
        if HEADER_LENGTH_MAX < length {
            return Err(LedgerError::HeaderTooLong { length: length.into() });
        }
        let whole = 14 + u64::from(length) + DIGEST_LENGTH as u64;
        fill(&mut from, &mut start, 0, whole)?;
        if (start.len() as u64) < whole {
            return Err(cut_short(start.len()));
        }
        let (preamble, stored) = start.split_last_chunk().ok_or_else(|| cut_short(start.len()))?;
        let (expected, actual) = (Digest(*stored), genesis(preamble));
        if expected != actual {
            return Err(LedgerError::HeaderDigest { expected, actual });
        }
        let header = preamble.get(14..).unwrap_or_default().to_vec();
        let head = Checkpoint { seq: 0, digest: actual };
        Ok(Self { from, header, head, offset: whole, tail: Tail::Clean, ended: false, frame: Vec::new() })
    }

    /// The owner's header.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Where the chain stands after the records read so far.
    pub const fn checkpoint(&self) -> Checkpoint {
        self.head
    }

    /// How the ledger ended; [`Tail::Clean`] until the iterator is exhausted.
    pub const fn tail(&self) -> Tail {
        self.tail
    }

    /// The next record, `None` at the end.
    fn step(&mut self) -> Result<Option<Envelope>, LedgerError> {
        self.frame.clear();
        self.fill(8)?;
        let Some((length, complement)) = frame_length(&self.frame) else {
            // Zero to seven bytes are left.
            return Ok(self.end());
        };
        if length == 0 && complement == 0 && self.only_zeros_follow()? {
            return Ok(self.end());
        }
        let (offset, seq) = (self.offset, self.head.seq);
        if length != !complement || length < FRAME_OVERHEAD || BODY_LENGTH_MAX < length - FRAME_OVERHEAD {
            return Err(LedgerError::Length { offset, seq });
        }
        let whole = 8 + u64::from(length);
        self.fill(whole)?;
        if (self.frame.len() as u64) < whole {
            return Ok(self.end());
        }
        let record =
            self.frame.get(8..).and_then(Envelope::parse).ok_or(LedgerError::Malformed { offset, seq })?;
        follows(&record, self.head, offset)?;
        self.head = Checkpoint { seq: seq.saturating_add(1), digest: record.digest };
        self.offset += whole;
        Ok(Some(record))
    }

    /// The file is over; what lies in the frame now belongs to an unfinished record.
    fn end(&mut self) -> Option<Envelope> {
        self.ended = true;
        if !self.frame.is_empty() {
            self.tail = Tail::Torn { offset: self.offset };
        }
        None
    }

    fn fill(&mut self, length: u64) -> Result<(), LedgerError> {
        fill(&mut self.from, &mut self.frame, self.offset, length)
    }

    fn only_zeros_follow(&mut self) -> Result<bool, LedgerError> {
        let mut piece = [0; 512];
        loop {
            let count = match self.from.read(&mut piece) {
                Ok(0) => return Ok(true),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LedgerError::io(self.offset, &error)),
            };
            if piece.iter().take(count).any(|byte| *byte != 0) {
                return Ok(false);
            }
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Envelope, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.step().transpose();
        self.ended |= matches!(item, Some(Err(_)));
        item
    }
}

/// Reads until `bytes` holds `length` bytes or the input ends; it allocates for what is there, not for `length`.
fn fill(from: &mut impl Read, bytes: &mut Vec<u8>, offset: u64, length: u64) -> Result<(), LedgerError> {
    let missing = length.saturating_sub(bytes.len() as u64);
    match from.take(missing).read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(LedgerError::io(offset.saturating_add(bytes.len() as u64), &error)),
    }
}

fn version_and_length(start: &[u8]) -> Option<(u16, u32)> {
    let (_magic, rest) = start.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk()?;
    let (length, _) = rest.split_first_chunk()?;
    Some((u16::from_le_bytes(*version), u32::from_le_bytes(*length)))
}

fn frame_length(frame: &[u8]) -> Option<(u32, u32)> {
    let (length, rest) = frame.split_first_chunk()?;
    let (complement, _) = rest.split_first_chunk()?;
    Some((u32::from_le_bytes(*length), u32::from_le_bytes(*complement)))
}

/// Whether the record is intact and the next one after `head`.
fn follows(record: &Envelope, head: Checkpoint, offset: u64) -> Result<(), LedgerError> {
    let seq = head.seq;
    let actual = record.expected_digest();
    if actual != record.digest {
        return Err(LedgerError::Digest { offset, seq, expected: record.digest, actual });
    }
    if record.seq != seq {
        return Err(LedgerError::Sequence { offset, seq, found: record.seq });
    }
    if record.previous != head.digest {
        return Err(LedgerError::Chain { offset, seq, expected: head.digest, actual: record.previous });
    }
    Ok(())
}

/// Writes envelopes to a file, and only those that [`verify`] will accept there.
///
/// Each envelope is one `write_all`. Syncing is the caller's: reach the file through [`get_mut`](Self::get_mut), or
/// hand in a `Write` that syncs on `flush`.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    head: Checkpoint,
    offset: u64,
    failed: bool,
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a new file; a [`Ledger::new`](crate::Ledger::new) with the same header makes its envelopes.
    ///
    /// # Errors
    /// [`LedgerError::HeaderTooLong`], or [`LedgerError::Io`] when the header cannot be written.
    pub fn create(mut to: W, header: &[u8]) -> Result<Self, LedgerError> {
        if u64::from(HEADER_LENGTH_MAX) < header.len() as u64 {
            return Err(LedgerError::HeaderTooLong { length: header.len() as u64 });
        }
        let mut start = preamble(header);
        let digest = genesis(&start);
        start.extend_from_slice(&digest.0);
        to.write_all(&start).map_err(|error| LedgerError::io(0, &error))?;
        let head = Checkpoint { seq: 0, digest };
        Ok(Self { to, head, offset: start.len() as u64, failed: false, frame: Vec::new() })
    }

    /// Continues a file whose chain stands at `head`; `to` must write behind its last whole record, at `offset`.
    pub const fn resume(to: W, head: Checkpoint, offset: u64) -> Self {
        Self { to, head, offset, failed: false, frame: Vec::new() }
    }

    /// Writes the next envelope. One hash and one copy of the body.
    ///
    /// # Errors
    /// The envelope is refused, and nothing written, when it is not the next of the chain, not intact, or longer than
    /// [`BODY_LENGTH_MAX`]. After [`LedgerError::Io`] the end of the file is unknown and every further write is
    /// [`LedgerError::WriterFailed`].
    pub fn write(&mut self, record: &Envelope) -> Result<(), LedgerError> {
        if self.failed {
            return Err(LedgerError::WriterFailed);
        }
        let length = record_length(record)?;
        follows(record, self.head, self.offset)?;
        self.frame.clear();
        self.frame.extend_from_slice(&length.to_le_bytes());
        self.frame.extend_from_slice(&(!length).to_le_bytes());
        self.frame.extend_from_slice(&record.fixed());
        self.frame.extend_from_slice(&record.body);
        self.frame.extend_from_slice(&record.digest.0);
        if let Err(error) = self.to.write_all(&self.frame) {
            self.failed = true;
            return Err(LedgerError::io(self.offset, &error));
        }
        self.head = Checkpoint { seq: record.seq.saturating_add(1), digest: record.digest };
        self.offset += self.frame.len() as u64;
        Ok(())
    }

    /// Where the chain in the file stands.
    pub const fn checkpoint(&self) -> Checkpoint {
        self.head
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

/// What a frame's length field says for a record: canonical form and digest.
fn record_length(record: &Envelope) -> Result<u32, LedgerError> {
    let too_long = LedgerError::BodyTooLong { seq: record.seq, length: record.body.len() as u64 };
    let body =
        u32::try_from(record.body.len()).ok().filter(|length| *length <= BODY_LENGTH_MAX).ok_or(too_long)?;
    Ok(body + FRAME_OVERHEAD)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;
    use sheepdog_core::{FleetTime, RuleId};

    use super::*;
    use crate::{Kind, Ledger};

    fn written(header: &[u8], bodies: &[Vec<u8>]) -> (Vec<u8>, Vec<Envelope>) {
        let mut ledger = Ledger::new(header);
        let mut writer = Writer::create(Vec::new(), header).unwrap();
        let append = |(time, body): (u64, &Vec<u8>)| {
            let rule = (time % 2 == 0).then(|| RuleId::new("DSP-001"));
            ledger.append(FleetTime::from_micros(time), Kind(7), rule, body.clone())
        };
        let records: Vec<_> = (0_u64..).zip(bodies).map(append).collect();
        for record in &records {
            writer.write(record).unwrap();
        }
        assert_eq!(writer.checkpoint(), ledger.checkpoint());
        assert_eq!(writer.offset(), writer.to.len() as u64);
        (writer.into_inner(), records)
    }

    /// Where each record stands.
    fn frames(header: &[u8], records: &[Envelope]) -> Vec<Range<usize>> {
        let mut start = 14 + header.len() + 32;
        let frame = |record: &Envelope| {
            let from = start;
            start += 8 + 65 + record.body.len() + 32;
            from..start
        };
        records.iter().map(frame).collect()
    }

    fn bodies(count: Range<usize>) -> impl Strategy<Value = Vec<Vec<u8>>> {
        // Few different bodies, so that records are often equal but for their place.
        prop::collection::vec(prop::collection::vec(0_u8..2, 0..4), count)
    }

    #[test]
    fn an_empty_ledger_is_intact_and_its_header_is_readable() {
        let (bytes, _) = written(b"sheepdog 0.1.0", &[]);
        let genesis = Ledger::new(b"sheepdog 0.1.0").head();
        assert_eq!(verify(&bytes), Ok(Verified { records: 0, head: genesis, torn_tail: None }));
        assert_eq!(Reader::new(bytes.as_slice()).unwrap().header(), b"sheepdog 0.1.0");
    }

    /// Every bit of a file with several records, the header included.
    #[test]
    fn every_flipped_bit_is_found() {
        let (bytes, _) = written(b"head", &[vec![1], vec![], vec![2, 3]]);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&changed).is_err(), "bit {bit}");
        }
    }

    /// A crash can cut the file anywhere: what was whole stays whole, the rest is torn, nothing is corrupt.
    #[test]
    fn every_cut_is_a_torn_tail() {
        let (bytes, records) = written(b"head", &[vec![1], vec![], vec![2, 3]]);
        let frames = frames(b"head", &records);
        for length in 0..bytes.len() {
            let found = verify(&bytes[..length]);
            if length < frames[0].start {
                assert_eq!(found, Err(LedgerError::HeaderCutShort { offset: length as u64 }));
                continue;
            }
            let whole = frames.iter().filter(|frame| frame.end <= length).count();
            let end = if whole == 0 { frames[0].start } else { frames[whole - 1].end };
            let found = found.unwrap();
            assert_eq!(found.records, whole as u64);
            assert_eq!(found.torn_tail, (end < length).then_some(end as u64), "cut at {length}");
        }
    }

    #[test]
    fn a_tail_of_zeros_is_torn_but_zeros_before_a_record_are_not() {
        let (mut bytes, records) = written(b"", &[vec![1]]);
        let end = bytes.len();
        bytes.resize(end + 1_000, 0);
        assert_eq!(verify(&bytes).unwrap().torn_tail, Some(end as u64));
        bytes.push(1);
        assert_eq!(
            verify(&bytes),
            Err(LedgerError::Length { offset: end as u64, seq: records.len() as u64 })
        );
    }

    #[test]
    fn a_huge_length_allocates_nothing() {
        let (mut bytes, _) = written(b"", &[]);
        let start = bytes.len();
        let end = start as u64;
        let length = FRAME_OVERHEAD + BODY_LENGTH_MAX;
        for (claimed, expected) in [
            (length, Ok(Some(end))),
            (length + 1, Err(LedgerError::Length { offset: end, seq: 0 })),
            (FRAME_OVERHEAD - 1, Err(LedgerError::Length { offset: end, seq: 0 })),
            (u32::MAX, Err(LedgerError::Length { offset: end, seq: 0 })),
        ] {
            bytes.truncate(start);
            bytes.extend(claimed.to_le_bytes());
            bytes.extend((!claimed).to_le_bytes());
            assert_eq!(verify(&bytes).map(|verified| verified.torn_tail), expected);
            let mut reader = Reader::new(bytes.as_slice()).unwrap();
            assert_eq!(reader.by_ref().count(), usize::from(claimed != length));
            assert!(reader.frame.capacity() < 1_000);
        }
    }

    #[test]
    fn a_checkpoint_shows_truncation_and_rewriting() {
        let (bytes, records) = written(b"head", &[vec![1], vec![2], vec![3]]);
        let frames = frames(b"head", &records);
        let mark = |seq, digest| Checkpoint { seq, digest };
        for (record, frame) in records.iter().zip(&frames) {
            let checkpoint = mark(record.seq + 1, record.digest);
            assert!(verify_against(&bytes, &checkpoint).is_ok());
            let before = &bytes[..frame.start];
            assert!(verify(before).is_ok());
            assert_eq!(
                verify_against(before, &checkpoint),
                Err(LedgerError::CutShort { seq: record.seq + 1, records: record.seq })
            );
        }
        let (rewritten, _) = written(b"head", &[vec![1], vec![9], vec![3]]);
        assert!(verify(&rewritten).is_ok());
        assert!(verify_against(&rewritten, &mark(1, records[0].digest)).is_ok());
        assert!(matches!(
            verify_against(&rewritten, &mark(2, records[1].digest)),
            Err(LedgerError::Checkpoint { seq: 2, .. })
        ));
        assert!(verify_against(&bytes, &Ledger::new(b"head").checkpoint()).is_ok());
        assert!(verify_against(&bytes, &Ledger::new(b"tail").checkpoint()).is_err());
    }

    #[test]
    fn a_torn_file_is_continued_after_truncation() {
        let (bytes, records) = written(b"head", &[vec![1], vec![2]]);
        let found = verify(&bytes[..bytes.len() - 1]).unwrap();
        let end = found.torn_tail.unwrap();
        let kept = bytes[..usize::try_from(end).unwrap()].to_vec();
        let mut writer = Writer::resume(kept, found.checkpoint(), end);
        let mut ledger = Ledger::resume(found.checkpoint());
        let again = ledger.append(records[1].time, records[1].kind, records[1].rule, records[1].body.clone());
        writer.write(&again).unwrap();
        assert_eq!(writer.into_inner(), bytes);
    }

    #[test]
    fn the_writer_refuses_what_would_not_verify() {
        let mut ledger = Ledger::new(b"");
        let mut writer = Writer::create(Vec::new(), b"").unwrap();
        let first = ledger.append(FleetTime::ZERO, Kind(0), None, vec![1]);
        let second = ledger.append(FleetTime::ZERO, Kind(0), None, vec![2]);
        assert!(matches!(writer.write(&second), Err(LedgerError::Sequence { seq: 0, found: 1, .. })));
        let forged = Envelope { body: vec![9], ..first.clone() };
        assert!(matches!(writer.write(&forged), Err(LedgerError::Digest { seq: 0, .. })));
        let stranger = Ledger::new(b"other").append(FleetTime::ZERO, Kind(0), None, vec![1]);
        assert!(matches!(writer.write(&stranger), Err(LedgerError::Chain { seq: 0, .. })));
        let huge = ledger.append(FleetTime::ZERO, Kind(0), None, vec![0; BODY_LENGTH_MAX as usize + 1]);
        assert!(matches!(writer.write(&huge), Err(LedgerError::BodyTooLong { .. })));
        writer.write(&first).unwrap();
        writer.write(&second).unwrap();
        assert_eq!(verify(&writer.into_inner()).map(|verified| verified.records), Ok(2));
        let header = vec![0; HEADER_LENGTH_MAX as usize + 1];
        assert!(matches!(Writer::create(Vec::new(), &header), Err(LedgerError::HeaderTooLong { .. })));
        assert!(Writer::create(Vec::new(), &header[1..]).is_ok());
    }

    /// A disk that takes `left` bytes and then is full.
    struct Disk {
        left: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_failed_write_nothing_more_is_written() {
        let mut ledger = Ledger::new(b"");
        let mut writer = Writer::create(Disk { left: 60 }, b"").unwrap();
        let first = ledger.append(FleetTime::ZERO, Kind(0), None, Vec::new());
        assert!(matches!(writer.write(&first), Err(LedgerError::Io { kind: io::ErrorKind::WriteZero, .. })));
        writer.get_mut().left = 1_000;
        assert_eq!(writer.write(&first), Err(LedgerError::WriterFailed));
        assert_eq!(writer.get_mut().left, 1_000);
    }

    #[test]
    fn other_files_and_versions_are_named() {
        let (bytes, _) = written(b"head", &[]);
        let mut newer = bytes.clone();
        newer[8] = 2;
        assert_eq!(verify(&newer), Err(LedgerError::Version { found: 2 }));
        assert_eq!(verify(b"<html><body></body></html>"), Err(LedgerError::NotALedger));
        assert_eq!(verify(b"SHEEP"), Err(LedgerError::HeaderCutShort { offset: 5 }));
        assert_eq!(verify(b""), Err(LedgerError::HeaderCutShort { offset: 0 }));
    }

    #[test]
    fn an_error_says_where_and_ends_the_reading() {
        let (mut bytes, records) = written(b"head", &[vec![1], vec![2], vec![3]]);
        let second = frames(b"head", &records)[1].clone();
        bytes[second.start + 73] ^= 1;
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        assert_eq!(reader.next(), Some(Ok(records[0].clone())));
        let error = reader.next().unwrap().unwrap_err();
        let offset = second.start as u64;
        assert!(matches!(error, LedgerError::Digest { seq: 1, expected, offset: at, .. }
            if expected == records[1].digest && at == offset));
        assert_eq!(reader.next(), None);
        assert_eq!(reader.checkpoint(), Checkpoint { seq: 1, digest: records[0].digest });
    }

    /// A reader that gives one byte at a time, with interruptions.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let (Some(first), Some(slot)) = (self.0.first(), to.first_mut()) else { return Ok(0) };
            *slot = *first;
            self.0 = &self.0[1..];
            Ok(1)
        }
    }

    proptest! {
        /// What was written is what is read, whatever the reader underneath does.
        #[test]
        fn reading_gives_back_what_was_written(header: [u8; 3], bodies in bodies(0..6), zeros in 0_usize..20) {
            let (mut bytes, records) = written(&header, &bodies);
            let end = bytes.len() as u64;
            bytes.resize(bytes.len() + zeros, 0);
            let mut reader = Reader::new(Slow(&bytes, false)).unwrap();
            prop_assert_eq!(reader.header(), &header);
            let read: Result<Vec<_>, _> = reader.by_ref().collect();
            prop_assert_eq!(read, Ok(records));
            let tail = if zeros == 0 { Tail::Clean } else { Tail::Torn { offset: end } };
            prop_assert_eq!(reader.tail(), tail);
        }

        /// Dropping, swapping, inserting and repeating whole records is found; only a drop at the end needs a
        /// checkpoint.
        #[test]
        fn every_rearrangement_is_found(
            bodies in bodies(1..6), order in prop::collection::vec(0_usize..6, 0..8),
        ) {
            let (bytes, records) = written(b"head", &bodies);
            let frames = frames(b"head", &records);
            let order: Vec<_> = order.into_iter().map(|index| index % records.len()).collect();
            let mut rearranged = bytes[..frames[0].start].to_vec();
            rearranged.extend(order.iter().flat_map(|index| bytes[frames[*index].clone()].to_vec()));
            let prefix = order.iter().copied().eq(0..order.len());
            prop_assert_eq!(verify(&rearranged).is_ok(), prefix);
            let last = records.last().unwrap();
            let checkpoint = Checkpoint { seq: last.seq + 1, digest: last.digest };
            prop_assert_eq!(verify_against(&rearranged, &checkpoint).is_ok(), rearranged == bytes);
        }

        /// A record of another ledger does not fit in, even with the same content.
        #[test]
        fn a_foreign_record_is_found(bodies in bodies(1..5), at in 0_usize..5) {
            let (bytes, records) = written(b"ours", &bodies);
            let (foreign, _) = written(b"else", &bodies);
            let frame = frames(b"ours", &records)[at % records.len()].clone();
            let mut mixed = bytes.clone();
            mixed[frame.clone()].copy_from_slice(&foreign[frame]);
            prop_assert!(verify(&mixed).is_err());
        }

        /// Arbitrary bytes behind a good start are refused or torn, and never make the reader panic.
        #[test]
        fn arbitrary_bytes_are_no_records(
            tail in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xff), any::<u8>()], 0..300),
        ) {
            let (mut bytes, _) = written(b"head", &[vec![1]]);
            let end = bytes.len() as u64;
            bytes.extend(&tail);
            if let Ok(found) = verify(&bytes) {
                prop_assert_eq!(found.records, 1);
                prop_assert_eq!(found.torn_tail, (!tail.is_empty()).then_some(end));
            }
            prop_assert!(verify(&tail).is_err());
        }
    }
}
