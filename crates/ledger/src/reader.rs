//! Reading a ledger file.

use std::io::{self, Read};

use crate::{
    Body, Chain, Digest, Envelope, FORMAT_VERSION, HEADER_LENGTH_MAX, Leaves, LedgerError, MAGIC,
    envelope::{DIGEST_LENGTH, genesis},
    file::{BASE_LENGTH, FORMAT_VERSION_MIN, FRAME_HEAD, FrameHead, START_LENGTH},
    tree::{Frontier, peaks_of},
};

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

/// Reads a ledger record by record, checking each before it hands it out.
///
/// As an iterator it yields envelopes; after an error or the end it yields nothing more and [`tail`](Self::tail) says
/// how the file ended. Memory: one record, and never more than the file really holds.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    start: Start,
    chain: Chain,
    redacted: u64,
    offset: u64,
    tail: Tail,
    ended: bool,
    frame: Vec<u8>,
}

/// What stands before the first record.
#[derive(Debug)]
struct Start {
    version: u16,
    header: Vec<u8>,
    base: Chain,
    length: u64,
}

impl<R: Read> Reader<R> {
    /// Starts reading and checks the header. Many small reads follow: hand in a slice or a `BufReader`.
    ///
    /// # Errors
    /// [`LedgerError`] when this is not an intact start of a ledger.
    pub fn new(mut from: R) -> Result<Self, LedgerError> {
        let start = Start::read(&mut from)?;
        let (chain, offset) = (start.base.clone(), start.length);
        Ok(Self {
            from,
            start,
            chain,
            redacted: 0,
            offset,
            tail: Tail::Clean,
            ended: false,
            frame: Vec::new(),
        })
    }

    /// The version of the file's format.
    pub const fn version(&self) -> u16 {
        self.start.version
    }

    /// The owner's header.
    pub fn header(&self) -> &[u8] {
        &self.start.header
    }

    /// Where the chain stood before the first record of this file: at the end of the file before it.
    pub const fn base(&self) -> &Chain {
        &self.start.base
    }

    /// Where the chain stands after the records read so far.
    pub const fn here(&self) -> &Chain {
        &self.chain
    }

    /// How many of the records read so far had no body any more.
    pub const fn redacted(&self) -> u64 {
        self.redacted
    }

    /// Length of the file up to the last record read, in bytes.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// How the ledger ended; [`Tail::Clean`] until the iterator is exhausted.
    pub const fn tail(&self) -> Tail {
        self.tail
    }

    /// Reads to the end and keeps the digests, for proofs: 32 bytes for each record.
    ///
    /// # Errors
    /// The first [`LedgerError`] in the order of the file.
    pub fn leaves(mut self) -> Result<Leaves, LedgerError> {
        let digests = self.by_ref().map(|record| Ok(record?.digest)).collect::<Result<_, _>>()?;
        Ok(Leaves::new(self.start.base.frontier().clone(), digests))
    }

    /// The next record, `None` at the end.
    fn step(&mut self) -> Result<Option<Envelope>, LedgerError> {
        self.frame.clear();
        self.fill(FRAME_HEAD as u64)?;
        let Some(head) = FrameHead::parse(&self.frame) else {
            // Zero to seven bytes are left.
            return Ok(self.end());
        };
        if head.is_zero() && self.only_zeros_follow()? {
            return Ok(self.end());
        }
        let (offset, seq) = (self.offset, self.chain.seq());
        if !head.is_possible(self.start.version) {
            return Err(LedgerError::Length { offset, seq });
        }
        let whole = FRAME_HEAD as u64 + u64::from(head.length);
        self.fill(whole)?;
        if (self.frame.len() as u64) < whole {
            return Ok(self.end());
        }
        let record = self.frame.get(FRAME_HEAD..).and_then(|bytes| parse(self.start.version, bytes));
        let record = record.ok_or(LedgerError::Malformed { offset, seq })?;
        follows(&record, &self.chain, offset)?;
        self.chain.adopt(record.digest);
        self.redacted += u64::from(matches!(record.body, Body::Redacted { .. }));
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

    #[cfg(test)]
    pub(crate) fn frame_capacity(&self) -> usize {
        self.frame.capacity()
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

impl Start {
    fn read(from: &mut impl Read) -> Result<Self, LedgerError> {
        let mut bytes = Vec::new();
        fill(from, &mut bytes, 0, START_LENGTH as u64)?;
        if !MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(&bytes)) {
            return Err(LedgerError::NotALedger);
        }
        let cut_short = |length: usize| LedgerError::HeaderCutShort { offset: length as u64 };
        let (version, length) = version_and_length(&bytes).ok_or_else(|| cut_short(bytes.len()))?;
        if !(FORMAT_VERSION_MIN..=FORMAT_VERSION).contains(&version) {
            return Err(LedgerError::Version { found: version });
        }
        if HEADER_LENGTH_MAX < length {
            return Err(LedgerError::HeaderTooLong { length: length.into() });
        }
        let mut before = START_LENGTH;
        if version != 1 {
            fill(from, &mut bytes, 0, (START_LENGTH + BASE_LENGTH) as u64)?;
            let records = bytes.get(START_LENGTH..).and_then(<[u8]>::first_chunk);
            let records = records.ok_or_else(|| cut_short(bytes.len()))?;
            before += BASE_LENGTH + DIGEST_LENGTH * peaks_of(u64::from_le_bytes(*records));
        }
        let whole = before as u64 + u64::from(length) + DIGEST_LENGTH as u64;
        fill(from, &mut bytes, 0, whole)?;
        if (bytes.len() as u64) < whole {
            return Err(cut_short(bytes.len()));
        }
        Self::parse(version, before, &bytes).ok_or_else(|| cut_short(bytes.len()))?
    }

    /// `bytes` is the whole start; the header begins at `before`. `None` if that is not so.
    fn parse(version: u16, before: usize, bytes: &[u8]) -> Option<Result<Self, LedgerError>> {
        let (preamble, stored) = bytes.split_last_chunk()?;
        let (expected, actual) = (Digest(*stored), genesis(preamble));
        if expected != actual {
            return Some(Err(LedgerError::HeaderDigest { expected, actual }));
        }
        let (frontier, head) = parse_base(preamble.get(START_LENGTH..before)?)?;
        Some(Ok(Self {
            version,
            header: preamble.get(before..)?.to_vec(),
            base: Chain::at_start_of_file(frontier, head, actual),
            length: bytes.len() as u64,
        }))
    }
}

/// What a base says of the records before; nothing in format 1.
fn parse_base(bytes: &[u8]) -> Option<(Frontier, Digest)> {
    let Some((count, rest)) = bytes.split_first_chunk() else {
        return Some((Frontier::default(), Digest::default()));
    };
    let (head, rest) = rest.split_first_chunk()?;
    let (peaks, _) = rest.as_chunks();
    let peaks = peaks.iter().map(|peak| Digest(*peak)).collect();
    Some((Frontier::new(u64::from_le_bytes(*count), peaks)?, Digest(*head)))
}

fn version_and_length(start: &[u8]) -> Option<(u16, u32)> {
    let (_magic, rest) = start.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk()?;
    let (length, _) = rest.split_first_chunk()?;
    Some((u16::from_le_bytes(*version), u32::from_le_bytes(*length)))
}

fn parse(version: u16, bytes: &[u8]) -> Option<Envelope> {
    if version == 1 { Envelope::parse_unsalted(bytes) } else { Envelope::parse(bytes) }
}

/// Reads until `bytes` holds `length` bytes or the input ends; it allocates for what is there, not for `length`.
fn fill(from: &mut impl Read, bytes: &mut Vec<u8>, offset: u64, length: u64) -> Result<(), LedgerError> {
    let missing = length.saturating_sub(bytes.len() as u64);
    match from.take(missing).read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(LedgerError::io(offset.saturating_add(bytes.len() as u64), &error)),
    }
}

/// Whether the record is intact and the next one of the chain.
fn follows(record: &Envelope, chain: &Chain, offset: u64) -> Result<(), LedgerError> {
    let seq = chain.seq();
    let actual = record.expected_digest();
    if actual != record.digest {
        return Err(LedgerError::Digest { offset, seq, expected: record.digest, actual });
    }
    continues(record, seq, chain.link(), offset)
}

/// Whether the record, taken to be intact, is number `seq` and names `link` as the one before.
pub(crate) fn continues(record: &Envelope, seq: u64, link: Digest, offset: u64) -> Result<(), LedgerError> {
    if record.seq != seq {
        return Err(LedgerError::Sequence { offset, seq, found: record.seq });
    }
    if record.previous != link {
        return Err(LedgerError::Chain { offset, seq, expected: link, actual: record.previous });
    }
    Ok(())
}

/// Whether an intact frame stands at or behind `from` that was written when everything before it was durable.
///
/// Looks at every byte, as what lies between may be of any length.
pub(crate) fn durable_frame_follows(bytes: &[u8], from: usize) -> bool {
    let is_proof = |at: usize| {
        let frame = bytes.get(at..)?;
        let head = FrameHead::parse(frame).filter(|head| head.is_durable_before())?;
        let end = FRAME_HEAD.checked_add(usize::try_from(head.length).ok()?)?;
        let record = Envelope::parse(frame.get(FRAME_HEAD..end)?)?;
        (record.expected_digest() == record.digest).then_some(())
    };
    (from..bytes.len()).any(|at| is_proof(at).is_some())
}
