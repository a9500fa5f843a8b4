//! One record and its canonical bytes.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheepdog_core::{FleetTime, RuleId};

use crate::salt::{SALT_LENGTH, Salt};

/// First byte hashed for a record: a record's digest can never be mistaken for a header's.
const RECORD_DOMAIN: u8 = 0x00;
/// First byte hashed for a file header. `0x01` is for the inner nodes of the tree over records (RFC 6962).
const HEADER_DOMAIN: u8 = 0x02;

/// Length of the fixed part of a record's canonical form; what stands for the body follows.
pub(crate) const FIXED_LENGTH: usize = 65;
/// First byte of a record in a file: salt and body follow.
const FORM_WHOLE: u8 = 0x00;
/// First byte of a record in a file: the body was left out.
const FORM_REDACTED: u8 = 0x01;
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

/// What a record says, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// The record's bytes; its owner knows how to read them.
    Whole {
        /// What was hashed before them.
        salt: Salt,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// An export left the bytes out; the digest of the record still covers them.
    Redacted {
        /// `SHA-256(0x04 ‖ salt ‖ bytes)`.
        commitment: Digest,
        /// How many there were.
        length: u64,
    },
    /// The bytes of a record of format 1, which the digest covers directly. They can be read but not left out.
    Unsalted {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl Body {
    /// The bytes, unless they were left out.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Whole { bytes, .. } | Self::Unsalted { bytes } => Some(bytes),
            Self::Redacted { .. } => None,
        }
    }

    /// The bytes, unless they were left out.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Whole { bytes, .. } | Self::Unsalted { bytes } => Some(bytes),
            Self::Redacted { .. } => None,
        }
    }

    /// How many bytes there are or were.
    pub fn length(&self) -> u64 {
        match self {
            Self::Whole { bytes, .. } | Self::Unsalted { bytes } => bytes.len() as u64,
            Self::Redacted { length, .. } => *length,
        }
    }
}

/// One record of a ledger.
///
/// Its canonical form, which is what the digest covers, is (integers little-endian):
///
/// | bytes | field |
/// |---|---|
/// | 0..8 | `seq` |
/// | 8..16 | `time`, microseconds |
/// | 16..18 | `kind` |
/// | 18..25 | `rule`, seven ASCII characters; seven zeros for none |
/// | 25..57 | `previous` |
/// | 57..65 | length of the body |
/// | 65..97 | `SHA-256(0x04 ‖ salt ‖ body)` |
///
/// `digest = SHA-256(0x00 ‖ canonical form)`. So the digest still holds when salt and body are left out and the hash of
/// them is kept. In format 1 the body itself stood at 65.
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
    /// What the record says.
    pub body: Body,
    /// Digest of the envelope before, or of the file header for the first one of a file.
    pub previous: Digest,
    /// Digest of this envelope.
    pub digest: Digest,
}

impl Envelope {
    /// The digest these fields should have; compare it with [`digest`](Self::digest).
    ///
    /// One SHA-256 over 98 bytes and one over 17 bytes and the body, no allocation.
    pub fn expected_digest(&self) -> Digest {
        let commitment = match &self.body {
            Body::Whole { salt, bytes } => salt.commit(bytes),
            Body::Redacted { commitment, .. } => *commitment,
            Body::Unsalted { bytes } => {
                let mut hash = Sha256::new();
                hash.update([RECORD_DOMAIN]);
                hash.update(self.fixed());
                hash.update(bytes);
                return Digest(hash.finalize().into());
            }
        };
        let covered: [u8; 1 + FIXED_LENGTH + DIGEST_LENGTH] =
            joined(&[&[RECORD_DOMAIN], &self.fixed(), &commitment.0]);
        Digest(Sha256::digest(covered).into())
    }

    /// The record's bytes; `None` if an export left them out.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.body.bytes()
    }

    /// The same record without its bytes, with the same digest. `None` for a record of format 1, whose digest covers
    /// the bytes directly.
    #[must_use]
    pub fn redacted(self) -> Option<Self> {
        let body = match self.body {
            Body::Whole { salt, bytes } => {
                Body::Redacted { commitment: salt.commit(&bytes), length: bytes.len() as u64 }
            }
            Body::Redacted { commitment, length } => Body::Redacted { commitment, length },
            Body::Unsalted { .. } => return None,
        };
        Some(Self { body, ..self })
    }

    /// The fixed part of the canonical form.
    pub(crate) fn fixed(&self) -> [u8; FIXED_LENGTH] {
        joined(&[
            &self.seq.to_le_bytes(),
            &self.time.as_micros().to_le_bytes(),
            &self.kind.0.to_le_bytes(),
            self.rule.as_ref().map_or(&[0; 7], |rule| rule.as_str().as_bytes()),
            &self.previous.0,
            &self.body.length().to_le_bytes(),
        ])
    }

    /// Appends what a file of this format holds of the record, digest included. Nothing for a record of format 1.
    pub(crate) fn write_to(&self, frame: &mut Vec<u8>) {
        let (form, parts): (u8, [&[u8]; 2]) = match &self.body {
            Body::Whole { salt, bytes } => (FORM_WHOLE, [&salt.0, bytes]),
            Body::Redacted { commitment, .. } => (FORM_REDACTED, [&commitment.0, &[]]),
            Body::Unsalted { .. } => return,
        };
        frame.push(form);
        frame.extend_from_slice(&self.fixed());
        for part in parts {
            frame.extend_from_slice(part);
        }
        frame.extend_from_slice(&self.digest.0);
    }

    /// Reads what [`write_to`](Self::write_to) wrote; `None` unless every byte has its one place and meaning.
    ///
    /// The digest is taken as it stands: the caller compares it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (form, rest) = bytes.split_first()?;
        let (fixed, rest) = rest.split_first_chunk()?;
        let (content, digest) = rest.split_last_chunk()?;
        let (envelope, length) = Self::parse_fixed(fixed, Digest(*digest))?;
        let body = match *form {
            FORM_WHOLE => {
                let (salt, bytes) = content.split_first_chunk::<SALT_LENGTH>()?;
                (bytes.len() as u64 == length)
                    .then(|| Body::Whole { salt: Salt(*salt), bytes: bytes.to_vec() })?
            }
            FORM_REDACTED => Body::Redacted { commitment: Digest(content.try_into().ok()?), length },
            _ => return None,
        };
        Some(Self { body, ..envelope })
    }

    /// Reads a record of format 1: canonical form and digest.
    pub(crate) fn parse_unsalted(bytes: &[u8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk()?;
        let (body, digest) = rest.split_last_chunk()?;
        let (envelope, length) = Self::parse_fixed(fixed, Digest(*digest))?;
        (body.len() as u64 == length)
            .then(|| Self { body: Body::Unsalted { bytes: body.to_vec() }, ..envelope })
    }

    /// The fields of the fixed part, an empty body, and the length that it should have.
    fn parse_fixed(bytes: &[u8; FIXED_LENGTH], digest: Digest) -> Option<(Self, u64)> {
        let (seq, rest) = bytes.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (rule, rest) = rest.split_first_chunk::<7>()?;
        let (previous, length) = rest.split_first_chunk()?;
        let envelope = Self {
            seq: u64::from_le_bytes(*seq),
            time: FleetTime::from_micros(u64::from_le_bytes(*time)),
            kind: Kind(u16::from_le_bytes(*kind)),
            rule: parse_rule(*rule)?,
            body: Body::Unsalted { bytes: Vec::new() },
            previous: Digest(*previous),
            digest,
        };
        Some((envelope, u64::from_le_bytes(length.try_into().ok()?)))
    }
}

/// The parts one behind the other; what does not fit is cut off, what is missing stays zero.
pub(crate) fn joined<const LENGTH: usize>(parts: &[&[u8]]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut start = 0;
    for part in parts {
        let Some(to) = bytes.get_mut(start..start + part.len()) else { break };
        to.copy_from_slice(part);
        start += part.len();
    }
    debug_assert_eq!(start, LENGTH, "the parts fill their place");
    bytes
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
            body: Body::Whole { salt: Salt([0xaa; 16]), bytes: vec![0xee; 3] },
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
        let mut whole = Vec::new();
        envelope().write_to(&mut whole);
        assert_eq!(whole, [&[0][..], &fixed, &[0xaa; 16], &[0xee; 3], &[0; 32]].concat());
    }

    /// Computed with Python's hashlib, so the chain cannot change unnoticed.
    #[test]
    fn the_digests_are_the_golden_ones() {
        assert_eq!(
            envelope().expected_digest().to_string(),
            "1a620be7924420e8057b71a5bb8bd35fe37679b85013faa6a07459f2d5be1519"
        );
        let body = Body::Unsalted { bytes: vec![0xee; 3] };
        assert_eq!(
            Envelope { body, ..envelope() }.expected_digest().to_string(),
            "a8b4dd40e9a9570dfaa025dc6ee4ad690e04946e85700f7d6dc6c4dcb558a39b"
        );
    }

    #[test]
    fn leaving_the_body_out_keeps_the_digest() {
        let whole = envelope();
        let redacted = whole.clone().redacted().unwrap();
        assert_eq!(redacted.bytes(), None);
        assert_eq!(redacted.body.length(), 3);
        assert_eq!(redacted.expected_digest(), whole.expected_digest());
        assert_eq!(redacted.clone().redacted(), Some(redacted));
        let body = Body::Unsalted { bytes: vec![1] };
        assert_eq!(Envelope { body, ..whole }.redacted(), None);
    }

    proptest! {
        /// Writing a record and reading it gives the same record, and no other byte string reads as it.
        #[test]
        fn the_written_form_is_one_to_one(
            seq: u64, micros: u64, kind: u16, cited: bool, salt: [u8; 16], bytes: Vec<u8>, left_out: bool,
            previous: [u8; 32], digest: [u8; 32], flipped: prop::sample::Index,
        ) {
            let whole = Envelope {
                seq,
                time: FleetTime::from_micros(micros),
                kind: Kind(kind),
                rule: cited.then(|| RuleId::new("GAT-002")),
                body: Body::Whole { salt: Salt(salt), bytes },
                previous: Digest(previous),
                digest: Digest(digest),
            };
            let record = if left_out { whole.redacted().unwrap() } else { whole };
            let mut bytes = Vec::new();
            record.write_to(&mut bytes);
            prop_assert_eq!(Envelope::parse(&bytes), Some(record.clone()));
            let bit = flipped.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(Envelope::parse(&bytes), Some(record));
        }

        /// Arbitrary bytes never make the parser panic.
        #[test]
        fn arbitrary_bytes_are_read_or_refused(form in 0_u8..3, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [vec![form], bytes].concat();
            if let Some(record) = Envelope::parse(&bytes) {
                let mut written = Vec::new();
                record.write_to(&mut written);
                prop_assert_eq!(written, bytes.clone());
            }
            if let Some(record) = Envelope::parse_unsalted(&bytes) {
                let body = record.bytes().unwrap_or_default();
                prop_assert_eq!([&record.fixed()[..], body, &record.digest.0].concat(), bytes);
            }
        }
    }
}
