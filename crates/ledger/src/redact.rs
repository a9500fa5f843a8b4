//! Exports that leave bodies out and still verify.

use std::io::{Read, Write};

use crate::{Body, Envelope, Kind, LedgerError, Reader, Writer};

/// What an export holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    /// Records in it.
    pub records: u64,
    /// Those without their body, those that had none before included.
    pub redacted: u64,
}

/// Copies a ledger file and leaves out the bodies, with their salts, of the kinds that `leave_out` names.
///
/// The copy has the header, the digests and the root of the original, so checkpoints and proofs hold for both. Number,
/// time, kind, rule and length of every record stay, and so does the whole header. An unfinished last record is not
/// copied.
///
/// # Errors
/// [`LedgerError`] if the original does not verify, the copy cannot be written, or it is of format 1, where digests
/// cover bodies directly ([`LedgerError::Unsalted`]).
pub fn redact<R: Read, W: Write>(
    mut from: Reader<R>,
    to: W,
    leave_out: impl Fn(Kind) -> bool,
) -> Result<Redaction, LedgerError> {
    if from.version() == 1 {
        return Err(LedgerError::Unsalted { seq: from.base().seq() });
    }
    let mut writer = Writer::create_segment(to, from.header(), from.base())?;
    let mut done = Redaction::default();
    for record in from.by_ref() {
        let record = record?;
        let record = if leave_out(record.kind) { left_out(record)? } else { record };
        done.records += 1;
        done.redacted += u64::from(matches!(record.body, Body::Redacted { .. }));
        writer.write(&record)?;
    }
    Ok(done)
}

fn left_out(record: Envelope) -> Result<Envelope, LedgerError> {
    let seq = record.seq;
    record.redacted().ok_or(LedgerError::Unsalted { seq })
}
