//! The chain in memory.

use serde::{Deserialize, Serialize};
use sheepdog_core::{FleetTime, RuleId};

use crate::{Body, Digest, Envelope, Kind, SaltKey, envelope::genesis, file::preamble, tree::Frontier};

/// What a ledger was at one instant. Kept out of reach of whoever writes the file, it shows truncation and rewriting,
/// which the chain alone cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many records the chain had: the number the next one gets.
    pub seq: u64,
    /// Digest of the last record, or of the header when there was none.
    pub digest: Digest,
    /// Root of the Merkle tree over all records (RFC 6962): what proofs lead to.
    pub root: Digest,
}

/// Where a chain stands: all that is needed to continue it, and to prove that it did. At most 64 digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    frontier: Frontier,
    /// Digest of the last record, or of the header when there is none.
    head: Digest,
    /// What the next record names as the one before: the head, or the header of a file that was just begun.
    link: Digest,
}

impl Chain {
    /// The chain before the first record of a file with this header.
    pub(crate) fn begin(header: &[u8]) -> Self {
        let head = genesis(&preamble(header, None));
        Self { frontier: Frontier::default(), head, link: head }
    }

    /// The chain of a file as its first bytes say it; the digest of those bytes is the link.
    pub(crate) fn at_start_of_file(frontier: Frontier, head: Digest, link: Digest) -> Self {
        let head = if frontier.count() == 0 { link } else { head };
        Self { frontier, head, link }
    }

    /// The next record's `previous` becomes the digest of a new file's header.
    pub(crate) fn begin_segment(&mut self, header: &[u8]) {
        self.link = genesis(&preamble(header, Some(self)));
        if self.seq() == 0 {
            self.head = self.link;
        }
    }

    /// Takes in a record that was checked to be the next one.
    pub(crate) fn adopt(&mut self, digest: Digest) {
        self.frontier.push(digest);
        self.head = digest;
        self.link = digest;
    }

    /// Digest that the next record names as the one before.
    pub(crate) const fn link(&self) -> Digest {
        self.link
    }

    pub(crate) const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// How many records there are: the number the next one gets.
    pub const fn seq(&self) -> u64 {
        self.frontier.count()
    }

    /// Digest of the last record, or of the header when there is none.
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// The head with the root over all records, to be kept elsewhere. At most 63 hashes.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { seq: self.seq(), digest: self.head, root: self.frontier.root() }
    }
}

/// A chain of envelopes: its next number, its head and the right edge of its tree, not its records. Cheap to snapshot.
///
/// ```
/// # use sheepdog_core::{FleetTime, RuleId};
/// # use sheepdog_ledger::{Kind, Ledger, SaltKey};
/// let mut ledger = Ledger::new(b"sheepdog 0.1.0", SaltKey::PUBLIC);
/// let first = ledger.append(FleetTime::ZERO, Kind(1), None, b"hello".to_vec());
/// let second = ledger.append(FleetTime::ZERO, Kind(2), Some(RuleId::new("DSP-001")), Vec::new());
/// assert_eq!((first.seq, second.seq), (0, 1));
/// assert_eq!(second.previous, first.digest);
/// assert_eq!(ledger.head(), second.digest);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    chain: Chain,
    /// Never serialized: a snapshot must not hold the secret. What is deserialized has [`SaltKey::PUBLIC`].
    #[serde(skip)]
    salts: SaltKey,
}

impl Ledger {
    /// An empty chain for a file with this header, for example the software's version and the site's hash.
    ///
    /// A header longer than [`HEADER_LENGTH_MAX`](crate::HEADER_LENGTH_MAX) can start a chain but not a file.
    pub fn new(header: &[u8], salts: SaltKey) -> Self {
        Self { chain: Chain::begin(header), salts }
    }

    /// The chain that continues from where one stands, such as [`Verified::chain`](crate::Verified::chain).
    pub const fn resume(chain: Chain, salts: SaltKey) -> Self {
        Self { chain, salts }
    }

    /// Makes the next envelope.
    ///
    /// SHA-256 over the salt and the body, over 98 bytes, over 41 bytes for the salt, and over 65 bytes for the tree.
    /// The body is moved, nothing is allocated. `docs/benchmarks.md` has the time. A body longer than
    /// [`BODY_LENGTH_MAX`](crate::BODY_LENGTH_MAX) can be chained but not written to a file.
    pub fn append(&mut self, time: FleetTime, kind: Kind, rule: Option<RuleId>, bytes: Vec<u8>) -> Envelope {
        let (seq, previous) = (self.chain.seq(), self.chain.link());
        let body = Body::Whole { salt: self.salts.salt(seq), bytes };
        let mut envelope = Envelope { seq, time, kind, rule, body, previous, digest: Digest::default() };
        envelope.digest = envelope.expected_digest();
        self.chain.adopt(envelope.digest);
        envelope
    }

    /// From the next record on the chain is in a file of its own with this header; see
    /// [`Writer::create_segment`](crate::Writer::create_segment).
    pub fn begin_segment(&mut self, header: &[u8]) {
        self.chain.begin_segment(header);
    }

    /// Salts the bodies from the next record on with another key.
    pub const fn salt_with(&mut self, salts: SaltKey) {
        self.salts = salts;
    }

    /// The key for the salts.
    pub const fn salts(&self) -> SaltKey {
        self.salts
    }

    /// The number the next record gets: how many there are.
    pub const fn next_seq(&self) -> u64 {
        self.chain.seq()
    }

    /// Digest of the last record, or of the header when there is none.
    pub const fn head(&self) -> Digest {
        self.chain.head()
    }

    /// Where the chain stands.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The head with the root over all records, to be kept elsewhere. At most 63 hashes.
    pub fn checkpoint(&self) -> Checkpoint {
        self.chain.checkpoint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SaltKey = SaltKey::new([7; 32]);

    #[test]
    fn a_restored_chain_continues_as_if_nothing_had_happened() {
        let mut ledger = Ledger::new(b"header", KEY);
        ledger.append(FleetTime::ZERO, Kind(1), None, vec![1]);
        let bytes = postcard::to_allocvec(&ledger).unwrap();
        let mut restored: Ledger = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(restored.salts(), SaltKey::PUBLIC, "a snapshot holds no secret");
        restored.salt_with(KEY);
        let mut resumed = Ledger::resume(ledger.chain().clone(), KEY);
        let next = ledger.append(FleetTime::ZERO, Kind(1), None, vec![2]);
        assert_eq!(restored.append(FleetTime::ZERO, Kind(1), None, vec![2]), next);
        assert_eq!(resumed.append(FleetTime::ZERO, Kind(1), None, vec![2]), next);
    }

    #[test]
    fn every_field_changes_the_digest() {
        let rule = Some(RuleId::new("DSP-001"));
        let time = FleetTime::from_micros(7);
        let digest = |header: &[u8], salts, time, kind, rule, body: &[u8]| {
            Ledger::new(header, salts).append(time, Kind(kind), rule, body.to_vec()).digest
        };
        let all = [
            digest(b"h", SaltKey::PUBLIC, FleetTime::ZERO, 0, None, b""),
            digest(b"h", KEY, FleetTime::ZERO, 0, None, b""),
            digest(b"i", SaltKey::PUBLIC, FleetTime::ZERO, 0, None, b""),
            digest(b"h", SaltKey::PUBLIC, time, 0, None, b""),
            digest(b"h", SaltKey::PUBLIC, FleetTime::ZERO, 1, None, b""),
            digest(b"h", SaltKey::PUBLIC, FleetTime::ZERO, 0, rule, b""),
            digest(b"h", SaltKey::PUBLIC, FleetTime::ZERO, 0, None, b"\0"),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|other| one != other), "{i}");
        }
    }

    /// A segment's header is chained like a record: the next record names it, and the tree goes on.
    #[test]
    fn a_segment_is_bound_to_the_chain_by_its_header() {
        let mut ledger = Ledger::new(b"one", SaltKey::PUBLIC);
        let last = ledger.append(FleetTime::ZERO, Kind(1), None, vec![1]);
        let before = ledger.checkpoint();
        let mut other = ledger.clone();
        ledger.begin_segment(b"two");
        other.begin_segment(b"else");
        assert_eq!(ledger.checkpoint(), before);
        let next = ledger.append(FleetTime::ZERO, Kind(1), None, vec![2]);
        assert_eq!(next.seq, 1);
        assert_ne!(next.previous, last.digest);
        assert_ne!(next.digest, other.append(FleetTime::ZERO, Kind(1), None, vec![2]).digest);
    }
}
