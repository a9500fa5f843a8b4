//! The chain in a file. `docs/ledger.md` has the format byte by byte.
//!
//! ```text
//! file     = preamble genesis frame*
//! preamble = magic (8) version (u16) header length (u32) base header
//! base     = records in earlier files (u64), digest of the last of them, peaks of the tree over them
//! genesis  = SHA-256(0x02 ‖ preamble)
//! frame    = length (u32) check (u32) record                        length covers the record
//! record   = 0x00, fixed part, salt (16), body, digest | 0x01, fixed part, SHA-256(0x04 ‖ salt ‖ body), digest
//! ```
//!
//! Integers are little-endian. The check is the complement of the length; it tells a flipped bit, which would make a
//! record seem to run past the end, from a record that a crash cut short. When everything before the frame was durable
//! before the frame was written, the check is that complement with every other bit flipped again.

use crate::{
    Chain,
    envelope::{DIGEST_LENGTH, FIXED_LENGTH},
    salt::SALT_LENGTH,
};

/// The first eight bytes of every ledger.
pub const MAGIC: [u8; 8] = *b"SHEEPLDG";
/// The version of the format that this crate writes. It reads version 1 too.
pub const FORMAT_VERSION: u16 = 2;
/// The oldest version of the format that this crate reads.
pub const FORMAT_VERSION_MIN: u16 = 1;
/// The longest header: 4 MiB, room for the site as authored.
pub const HEADER_LENGTH_MAX: u32 = 1 << 22;
/// The longest body: 16 MiB. It bounds what a reader allocates for a corrupt length.
pub const BODY_LENGTH_MAX: u32 = 1 << 24;

/// Bytes before the base or, in format 1, before the header.
pub(crate) const START_LENGTH: usize = 14;
/// Bytes of a base without peaks.
pub(crate) const BASE_LENGTH: usize = 8 + DIGEST_LENGTH;
/// Length and check.
pub(crate) const FRAME_HEAD: usize = 8;
/// What a frame's check differs by when everything before the frame is durable. No single flip makes it.
const DURABLE_BEFORE: u32 = 0x5555_5555;

/// Bytes of a record in format 1 without its body.
const OVERHEAD_V1: usize = FIXED_LENGTH + DIGEST_LENGTH;
/// Bytes of a record without its body.
const OVERHEAD_WHOLE: usize = 1 + FIXED_LENGTH + SALT_LENGTH + DIGEST_LENGTH;

/// The length and check of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) length: u32,
    check: u32,
}

impl FrameHead {
    /// The head of a frame around `record` bytes.
    pub(crate) const fn new(length: u32, durable_before: bool) -> Self {
        let mark = if durable_before { DURABLE_BEFORE } else { 0 };
        Self { length, check: !length ^ mark }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (check, _) = rest.split_first_chunk()?;
        Some(Self { length: u32::from_le_bytes(*length), check: u32::from_le_bytes(*check) })
    }

    pub(crate) fn bytes(self) -> [u8; FRAME_HEAD] {
        (u64::from(self.length) | u64::from(self.check) << 32).to_le_bytes()
    }

    /// Whether this is what a file holds where nothing was ever written.
    pub(crate) const fn is_zero(self) -> bool {
        self.length == 0 && self.check == 0
    }

    /// Whether the writer knew that everything before the frame was durable.
    pub(crate) const fn is_durable_before(self) -> bool {
        self.check == !self.length ^ DURABLE_BEFORE
    }

    /// Whether a record can have this length and the check fits it.
    pub(crate) fn is_possible(self, version: u16) -> bool {
        let overhead = if version == 1 { OVERHEAD_V1 } else { OVERHEAD_WHOLE };
        let marked = version != 1 && self.is_durable_before();
        let body = u64::from(self.length).checked_sub(overhead as u64);
        (self.check == !self.length || marked) && body.is_some_and(|body| body <= u64::from(BODY_LENGTH_MAX))
    }
}

/// The bytes of a file before the genesis digest. `before` is the chain that the file continues.
pub(crate) fn preamble(header: &[u8], before: Option<&Chain>) -> Vec<u8> {
    // A header whose length does not fit is never written; as all of it is hashed, its chain is still its own.
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    let before = before.filter(|chain| 0 < chain.seq());
    let mut bytes = [&MAGIC[..], &FORMAT_VERSION.to_le_bytes(), &length.to_le_bytes()].concat();
    bytes.extend(before.map_or(0, Chain::seq).to_le_bytes());
    bytes.extend(before.map_or([0; DIGEST_LENGTH], |chain| chain.head().0));
    for peak in before.map_or(&[][..], |chain| chain.frontier().peaks()) {
        bytes.extend(peak.0);
    }
    bytes.extend_from_slice(header);
    bytes
}
