//! The ledger: hash-chained envelopes around records whose meaning it does not know.
//!
//! Every decision of a fleet becomes an [`Envelope`]: a number, an instant, a kind, the rule that decided, an opaque
//! body, and the SHA-256 of all of it together with the digest of the envelope before. Changing, dropping,
//! inserting, swapping or repeating any record breaks the chain at that record, and [`verify`] names the place.
//!
//! * [`Ledger`] is the chain in memory: it makes envelopes and does no input or output.
//! * [`Writer`] and [`Reader`] are the file: a magic number, a version, a header of the owner's and the envelopes. A
//!   ledger may go on in a new file ([`Writer::create_segment`], [`Verifier`]).
//! * [`Checkpoint`] is what the ledger was at one instant, to be kept elsewhere; as a [`Note`] it can be signed.
//! * [`InclusionProof`] and [`ConsistencyProof`] prove one record, or that nothing before was changed, to somebody who has
//!   checkpoints but not the ledger.
//! * [`redact()`] makes a copy without some bodies that still verifies; a [`KeyTable`] keeps names and can forget them.
//! * [`Fold`] makes one record of many equal ones.
//!
//! What a chain cannot show: that records are missing *at its end*, and that nobody rewrote it from some record on
//! and hashed everything anew. Both need a [`Checkpoint`] kept where the writer of the file cannot reach it; see
//! [`verify_against`]. A last record that was cut short by a crash is not tampering and is reported apart, as
//! [`Tail::Torn`].
//!
//! The crate refuses to know what a body means, to read a clock, to draw random numbers, to sign, and to decide when a
//! file is synced.
#![forbid(unsafe_code)]

mod chain;
mod envelope;
mod error;
mod file;
mod fold;
mod keys;
mod note;
mod reader;
mod redact;
mod salt;
#[cfg(test)]
mod tests;
mod tree;
mod verify;
mod writer;

pub use chain::{Chain, Checkpoint, Ledger};
pub use envelope::{Body, Digest, Envelope, Kind};
pub use error::LedgerError;
pub use file::{BODY_LENGTH_MAX, FORMAT_VERSION, FORMAT_VERSION_MIN, HEADER_LENGTH_MAX, MAGIC};
pub use fold::{Fold, FoldLimits, Run, Stamp};
pub use keys::{KeyTable, KeyTableError};
pub use note::{Note, NoteError, Sign, SignError, VerifySignature};
pub use reader::{Reader, Tail};
pub use redact::{Redaction, redact};
pub use salt::{Salt, SaltKey};
pub use tree::{ConsistencyProof, InclusionProof, Leaves};
pub use verify::{Verified, Verifier, verify, verify_after_crash, verify_against};
pub use writer::Writer;
