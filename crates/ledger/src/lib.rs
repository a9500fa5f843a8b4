//! The ledger: hash-chained envelopes around records whose meaning it does not know.
//!
//! Every decision of a fleet becomes an [`Envelope`]: a number, an instant, a kind, the rule that decided, an opaque
//! body, and the SHA-256 of all of it together with the digest of the envelope before. Changing, dropping,
//! inserting, swapping or repeating any record breaks the chain at that record, and [`verify`] names the place.
//!
//! * [`Ledger`] is the chain in memory: it makes envelopes and does no input or output.
//! * [`Writer`] and [`Reader`] are the file: a magic number, a version, a header of the owner's and the envelopes.
//! * [`Checkpoint`] is the chain's head at one instant, to be kept elsewhere.
//! * [`Fold`] makes one record of many equal ones.
//!
//! What a chain cannot show: that records are missing *at its end*, and that nobody rewrote it from some record on
//! and hashed everything anew. Both need a [`Checkpoint`] kept where the writer of the file cannot reach it; see
//! [`verify_against`]. A last record that was cut short by a crash is not tampering and is reported apart, as
//! [`Tail::Torn`].
//!
//! The crate refuses to know what a body means, to read a clock, and to decide when a file is synced.
#![forbid(unsafe_code)]

mod chain;
mod envelope;
mod error;
mod file;
mod fold;

pub use chain::{Checkpoint, Ledger};
pub use envelope::{Digest, Envelope, Kind};
pub use error::LedgerError;
pub use file::{
    BODY_LENGTH_MAX, FORMAT_VERSION, HEADER_LENGTH_MAX, MAGIC, Reader, Tail, Verified, Writer, verify,
    verify_against,
};
pub use fold::{Fold, FoldLimits, Run, Stamp};
