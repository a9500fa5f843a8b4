//! Why a ledger was refused.

use std::io;

use crate::{BODY_LENGTH_MAX, Checkpoint, Digest, FORMAT_VERSION, HEADER_LENGTH_MAX};

/// Why a ledger file cannot be trusted, read or written. Offsets count bytes from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file does not start with [`MAGIC`](crate::MAGIC).
    #[error("this is no ledger: its first eight bytes are wrong")]
    NotALedger,
    /// The file is of another version of the format.
    #[error("the ledger's format is version {found}, this program reads versions 1 to {FORMAT_VERSION}")]
    Version {
        /// The version in the file.
        found: u16,
    },
    /// The file ends before its first record could start.
    #[error("the ledger ends inside its header, at byte {offset}")]
    HeaderCutShort {
        /// Length of the file.
        offset: u64,
    },
    /// A header is longer than [`HEADER_LENGTH_MAX`].
    #[error("the header is {length} bytes long, at most {HEADER_LENGTH_MAX} are allowed")]
    HeaderTooLong {
        /// Its length in bytes.
        length: u64,
    },
    /// The header is not the one the file was created with.
    #[error("the header hashes to {actual}, the file says {expected}")]
    HeaderDigest {
        /// The digest stored behind the header.
        expected: Digest,
        /// The digest of the header as it stands.
        actual: Digest,
    },
    /// The length of a record and its complement disagree, or no record can have that length.
    #[error("record {seq} at byte {offset} has an impossible length")]
    Length {
        /// Where the record starts.
        offset: u64,
        /// The sequence number that belongs here.
        seq: u64,
    },
    /// A body is longer than [`BODY_LENGTH_MAX`].
    #[error("the body of record {seq} is {length} bytes long, at most {BODY_LENGTH_MAX} are allowed")]
    BodyTooLong {
        /// The record.
        seq: u64,
        /// Length of its body in bytes.
        length: u64,
    },
    /// A record is not in canonical form.
    #[error("record {seq} at byte {offset} is malformed")]
    Malformed {
        /// Where the record starts.
        offset: u64,
        /// The sequence number that belongs here.
        seq: u64,
    },
    /// A record does not carry the number that belongs here: records were dropped, inserted, moved or repeated.
    #[error("record {found} stands at byte {offset}, where record {seq} belongs")]
    Sequence {
        /// Where the record starts.
        offset: u64,
        /// The sequence number that belongs here.
        seq: u64,
        /// The sequence number found.
        found: u64,
    },
    /// A record does not continue the record before it.
    #[error("record {seq} at byte {offset} follows {actual}, the record before it is {expected}")]
    Chain {
        /// Where the record starts.
        offset: u64,
        /// The record.
        seq: u64,
        /// Digest of the record before, or of the header.
        expected: Digest,
        /// What the record names as its predecessor.
        actual: Digest,
    },
    /// A record was changed after it was written.
    #[error("record {seq} at byte {offset} hashes to {actual}, it says {expected}")]
    Digest {
        /// Where the record starts.
        offset: u64,
        /// The record.
        seq: u64,
        /// The digest stored with the record.
        expected: Digest,
        /// The digest of the record as it stands.
        actual: Digest,
    },
    /// A record of format 1, whose digest covers the body directly: it can be read, but not be written again or have
    /// its body left out.
    #[error("record {seq} is of format 1 and cannot be written in format {FORMAT_VERSION}")]
    Unsalted {
        /// The record.
        seq: u64,
    },
    /// A file does not go on where the one before it ended: files are missing, changed or out of order.
    #[error(
        "the file goes on after {} records at {}, the file before it ended after {} at {}",
        actual.seq, actual.digest, expected.seq, expected.digest
    )]
    Segment {
        /// Where the file before ended.
        expected: Box<Checkpoint>,
        /// Where this one goes on.
        actual: Box<Checkpoint>,
    },
    /// A file that another one follows ends with an unfinished record.
    #[error("the file ends inside a record, at byte {offset}, but another file follows it")]
    TornSegment {
        /// Where the unfinished record starts.
        offset: u64,
    },
    /// The checkpoint lies in a part of the ledger that was removed, so it cannot be compared.
    #[error("the checkpoint was taken after {seq} records, the records before {first} were removed")]
    Removed {
        /// Records at the checkpoint.
        seq: u64,
        /// The first record that is there.
        first: u64,
    },
    /// The ledger ends before a checkpoint: its end is missing.
    #[error("the checkpoint was taken after {seq} records, the ledger has only {records}")]
    CutShort {
        /// Records at the checkpoint.
        seq: u64,
        /// Records in the ledger.
        records: u64,
    },
    /// The ledger went another way than it had at a checkpoint: it was rewritten.
    #[error(
        "after {} records the ledger has head {} and root {}, the checkpoint says head {} and root {}",
        actual.seq, actual.digest, actual.root, expected.digest, expected.root
    )]
    Checkpoint {
        /// The checkpoint.
        expected: Box<Checkpoint>,
        /// What the ledger was there.
        actual: Box<Checkpoint>,
    },
    /// The reader or writer underneath failed.
    #[error("input or output failed at byte {offset} ({kind:?}): {detail}")]
    Io {
        /// How many bytes had been read or written before.
        offset: u64,
        /// What kind of failure.
        kind: io::ErrorKind,
        /// What it said.
        detail: String,
    },
    /// An earlier write failed, so the end of the file is unknown: verify it and start a new writer.
    #[error("an earlier write failed, the ledger must be verified before it is continued")]
    WriterFailed,
}

impl LedgerError {
    pub(crate) fn io(offset: u64, error: &io::Error) -> Self {
        Self::Io { offset, kind: error.kind(), detail: error.to_string() }
    }
}
