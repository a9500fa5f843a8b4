//! One record and its canonical bytes.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheepdog_core::{FleetTime, RuleId};

/// First byte hashed for a record: a record's digest can never be mistaken for a header's.
const RECORD_DOMAIN: u8 = 0x00;
/// First byte hashed for a file header. `0x01` stays free for the inner nodes of a tree over records (RFC 6962).
const HEADER_DOMAIN: u8 = 0x02;

/// Length of the fixed part of a record's canonical form; the body follows.
pub(crate) const FIXED_LENGTH: usize = 65;
/// Length of a digest.
pub(crate) const DIGEST_LENGTH: usize = 32;

/// A SHA-256 digest.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub [u8; DIGEST_LENGTH]);

impl fmt::Display for Digest {
    /// All 32 bytes in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// What a body is. The numbers belong to whoever owns the ledger; the ledger only carries them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(pub u16);

/// One record of a ledger.
///
/// Its canonical form, which is what the digest covers and what a file holds, is (integers little-endian):
///
/// | bytes | field |
/// |---|---|
/// | 0..8 | `seq` |
/// | 8..16 | `time`, microseconds |
/// | 16..18 | `kind` |
/// | 18..25 | `rule`, seven ASCII characters; seven zeros for none |
/// | 25..57 | `previous` |
/// | 57..65 | length of `body` |
/// | 65.. | `body` |
///
/// `digest = SHA-256(0x00 ‖ canonical form)`; it stands behind the canonical form in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Running number, counted from zero without gaps.
    pub seq: u64,
    /// When, on the fleet's clock.
    pub time: FleetTime,
    /// What the body is.
    pub kind: Kind,
    /// The primary rule the record cites.
    pub rule: Option<RuleId>,
    /// The record itself; its owner knows how to read it.
    pub body: Vec<u8>,
    /// Digest of the envelope before, or of the file header for the first one.
    pub previous: Digest,
    /// Digest of this envelope.
    pub digest: Digest,
}

impl Envelope {
    /// The digest these fields should have; compare it with [`digest`](Self::digest).
    ///
    /// One SHA-256 over 66 bytes and the body, no allocation.
    pub fn expected_digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update([RECORD_DOMAIN]);
        hash.update(self.fixed());
        hash.update(&self.body);
        Digest(hash.finalize().into())
    }

    /// The fixed part of the canonical form.
    pub(crate) fn fixed(&self) -> [u8; FIXED_LENGTH] {
        let mut bytes = [0; FIXED_LENGTH];
        let fields: [&[u8]; 6] = [
            &self.seq.to_le_bytes(),
            &self.time.as_micros().to_le_bytes(),
            &self.kind.0.to_le_bytes(),
            self.rule.as_ref().map_or(&[0; 7], |rule| rule.as_str().as_bytes()),
            &self.previous.0,
            &(self.body.len() as u64).to_le_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Reads a canonical form and the digest behind it; `None` unless every byte has its one place and meaning.
    ///
    /// The digest is taken as it stands: the caller compares it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (seq, rest) = bytes.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (rule, rest) = rest.split_first_chunk::<7>()?;
        let (previous, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (body, digest) = rest.split_last_chunk()?;
        if u64::from_le_bytes(*length) != body.len() as u64 {
            return None;
        }
        Some(Self {
            seq: u64::from_le_bytes(*seq),
            time: FleetTime::from_micros(u64::from_le_bytes(*time)),
            kind: Kind(u16::from_le_bytes(*kind)),
            rule: parse_rule(*rule)?,
            body: body.to_vec(),
            previous: Digest(*previous),
            digest: Digest(*digest),
        })
    }
}

/// Outer `None`: neither a rule id nor seven zeros.
#[expect(clippy::option_option, reason = "the inner option is the value, the outer one the failure")]
fn parse_rule(bytes: [u8; 7]) -> Option<Option<RuleId>> {
    if bytes == [0; 7] {
        return Some(None);
    }
    std::str::from_utf8(&bytes).ok().and_then(RuleId::parse).map(Some)
}

/// The digest a chain starts from: it covers every byte of the file before the first record.
pub(crate) fn genesis(preamble: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([HEADER_DOMAIN]);
    hash.update(preamble);
    Digest(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn envelope() -> Envelope {
        Envelope {
            seq: 0x0102_0304_0506_0708,
            time: FleetTime::from_micros(9),
            kind: Kind(0x0a0b),
            rule: Some(RuleId::new("DSP-001")),
            body: vec![0xee; 3],
            previous: Digest([0xcc; 32]),
            digest: Digest([0; 32]),
        }
    }

    #[test]
    fn the_canonical_form_has_the_documented_layout() {
        let fixed = envelope().fixed();
        assert_eq!(fixed[..8], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(fixed[8..16], [9, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(fixed[16..18], [0x0b, 0x0a]);
        assert_eq!(&fixed[18..25], b"DSP-001");
        assert_eq!(fixed[25..57], [0xcc; 32]);
        assert_eq!(fixed[57..65], [3, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Computed with Python's hashlib, so the chain cannot change unnoticed.
    #[test]
    fn the_digest_is_the_golden_one() {
        assert_eq!(
            envelope().expected_digest().to_string(),
            "a8b4dd40e9a9570dfaa025dc6ee4ad690e04946e85700f7d6dc6c4dcb558a39b"
        );
    }

    proptest! {
        /// Writing a record and reading it gives the same record, and no other byte string reads as it.
        #[test]
        fn the_canonical_form_is_one_to_one(
            seq: u64, micros: u64, kind: u16, cited: bool, body: Vec<u8>, previous: [u8; 32], digest: [u8; 32],
            flipped: prop::sample::Index,
        ) {
            let record = Envelope {
                seq,
                time: FleetTime::from_micros(micros),
                kind: Kind(kind),
                rule: cited.then(|| RuleId::new("GAT-002")),
                body,
                previous: Digest(previous),
                digest: Digest(digest),
            };
            let mut bytes = [&record.fixed()[..], &record.body, &record.digest.0].concat();
            prop_assert_eq!(Envelope::parse(&bytes), Some(record.clone()));
            let bit = flipped.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(Envelope::parse(&bytes), Some(record));
        }

        /// Arbitrary bytes never make the parser panic.
        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(record) = Envelope::parse(&bytes) {
                prop_assert_eq!([&record.fixed()[..], &record.body, &record.digest.0].concat(), bytes);
            }
        }
    }
}
