//! The Merkle tree over the records (RFC 6962, RFC 9162): one root for all of them, and short proofs against it.
//!
//! A leaf's hash is the digest of an envelope, which is `SHA-256(0x00 ‖ canonical form)` already; an inner node is
//! `SHA-256(0x01 ‖ left ‖ right)`. So the tree costs one more hash a record, and no record is hashed twice.

use std::io::Read;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Checkpoint, Digest, LedgerError, Reader, envelope::joined};

/// First byte hashed for an inner node.
const NODE_DOMAIN: u8 = 0x01;

/// The root of a tree without leaves: SHA-256 of nothing.
fn empty() -> Digest {
    Digest(Sha256::digest([]).into())
}

fn inner(left: Digest, right: Digest) -> Digest {
    Digest(Sha256::digest(joined::<65>(&[&[NODE_DOMAIN], &left.0, &right.0])).into())
}

/// Where the left part of a range of `count` leaves ends: the largest power of two below `count`, at least two.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The right edge of a tree: all that is needed to add leaves and to know the root. At most 64 digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u64, Vec<Digest>)", into = "(u64, Vec<Digest>)")]
pub(crate) struct Frontier {
    count: u64,
    /// Roots of the full subtrees, from left (largest) to right: one for each set bit of `count`.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The frontier of `count` leaves; `None` unless there is one peak for each set bit of `count`.
    pub(crate) fn new(count: u64, peaks: Vec<Digest>) -> Option<Self> {
        (peaks.len() == peaks_of(count)).then_some(Self { count, peaks })
    }

    /// Adds a leaf. One inner node on average, at most 64.
    pub(crate) fn push(&mut self, leaf: Digest) {
        let mut node = leaf;
        for _ in 0..self.count.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            node = inner(left, node);
        }
        self.peaks.push(node);
        // 2^64 records do not fit a lifetime of the universe.
        self.count = self.count.saturating_add(1);
    }

    /// How many leaves there are.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// The root over all leaves: at most 63 inner nodes.
    pub(crate) fn root(&self) -> Digest {
        let peaks = self.peaks.iter().rev().copied();
        peaks.reduce(|right, left| inner(left, right)).unwrap_or_else(empty)
    }

    /// The peak over leaves `from` to `from + count`, if they are one.
    fn peak(&self, from: u64, count: u64) -> Option<Digest> {
        let mut start = 0;
        let mut rest = self.count;
        for peak in &self.peaks {
            let size = 1 << rest.checked_ilog2()?;
            if (start, size) == (from, count) {
                return Some(*peak);
            }
            start += size;
            rest -= size;
        }
        None
    }
}

impl TryFrom<(u64, Vec<Digest>)> for Frontier {
    type Error = &'static str;

    fn try_from((count, peaks): (u64, Vec<Digest>)) -> Result<Self, Self::Error> {
        Self::new(count, peaks).ok_or("a tree has one peak for each set bit of its size")
    }
}

impl From<Frontier> for (u64, Vec<Digest>) {
    fn from(frontier: Frontier) -> Self {
        (frontier.count, frontier.peaks)
    }
}

/// How many peaks a tree of `count` leaves has.
pub(crate) const fn peaks_of(count: u64) -> usize {
    count.count_ones() as usize
}

/// The digests of a ledger's records, from which proofs are made. See [`Reader::leaves`](crate::Reader::leaves).
///
/// Records before a removed prefix have no digests any more; what a proof needs of them is in the first segment's
/// header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    base: Frontier,
    digests: Vec<Digest>,
}

impl Leaves {
    pub(crate) const fn new(base: Frontier, digests: Vec<Digest>) -> Self {
        Self { base, digests }
    }

    /// How many records there are, removed ones included.
    pub fn count(&self) -> u64 {
        self.base.count + self.digests.len() as u64
    }

    /// The digest of record `seq`; `None` if there is none or it was removed.
    pub fn digest(&self, seq: u64) -> Option<Digest> {
        let index = usize::try_from(seq.checked_sub(self.base.count)?).ok()?;
        self.digests.get(index).copied()
    }

    /// Adds the records of the file that goes on where this ledger ends.
    ///
    /// # Errors
    /// The first [`LedgerError`] in the order of the file; [`LedgerError::Segment`] if it goes on elsewhere.
    pub fn extend<R: Read>(&mut self, file: Reader<R>) -> Result<(), LedgerError> {
        let mut so_far = self.base.clone();
        self.digests.iter().for_each(|digest| so_far.push(*digest));
        if file.base().frontier() != &so_far {
            let head = self.digests.last().copied().unwrap_or_default();
            let expected = Checkpoint { seq: self.count(), digest: head, root: so_far.root() };
            let actual = file.base().checkpoint();
            return Err(LedgerError::Segment { expected: Box::new(expected), actual: Box::new(actual) });
        }
        for record in file {
            self.digests.push(record?.digest);
        }
        Ok(())
    }

    /// The root over the first `size` records; `None` if there are fewer, or `size` lies in a removed prefix.
    pub fn root(&self, size: u64) -> Option<Digest> {
        if size < self.base.count || self.count() < size { None } else { self.subtree(0, size) }
    }

    /// The proof that record `seq` is one of the first `size`. Hashes every digest once.
    ///
    /// `None` if `size` is larger than the ledger or not larger than `seq`, or the record was removed.
    pub fn prove_inclusion(&self, seq: u64, size: u64) -> Option<InclusionProof> {
        if size <= seq || self.count() < size {
            return None;
        }
        self.digest(seq)?;
        let mut path = Vec::new();
        let (mut from, mut to) = (0, size);
        while 1 < to - from {
            let middle = from + split(to - from);
            if seq < middle {
                path.push(self.subtree(middle, to)?);
                to = middle;
            } else {
                path.push(self.subtree(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(InclusionProof { seq, size, path })
    }

    /// The proof that the first `old` records are the beginning of the first `new`. Hashes every digest once.
    ///
    /// `None` if `new` is larger than the ledger, `old` larger than `new`, or `old` lies in a removed prefix.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Option<ConsistencyProof> {
        if new < old || self.count() < new || old < self.base.count {
            return None;
        }
        let mut path = Vec::new();
        if 0 < old && old < new {
            self.consistency_path(old, new, &mut path)?;
        }
        Some(ConsistencyProof { old, new, path })
    }

    /// SUBPROOF of RFC 6962, section 2.1.2, without recursion: down to the subtree that ends at `old`, then back up.
    fn consistency_path(&self, old: u64, new: u64, path: &mut Vec<Digest>) -> Option<()> {
        let (mut from, mut to) = (0, new);
        while old < to {
            let middle = from + split(to - from);
            if old <= middle {
                path.push(self.subtree(middle, to)?);
                to = middle;
            } else {
                path.push(self.subtree(from, middle)?);
                from = middle;
            }
        }
        if 0 < from {
            path.push(self.subtree(from, to)?);
        }
        path.reverse();
        Some(())
    }

    /// The hash over records `from` to `to`; `None` where removed records are needed one by one.
    fn subtree(&self, from: u64, to: u64) -> Option<Digest> {
        let count = to.checked_sub(from)?;
        if count == 0 {
            return Some(empty());
        }
        if to <= self.base.count {
            return self.base.peak(from, count).or_else(|| self.fork(from, to));
        }
        if count == 1 { self.digest(from) } else { self.fork(from, to) }
    }

    fn fork(&self, from: u64, to: u64) -> Option<Digest> {
        if to - from < 2 {
            return None;
        }
        let middle = from + split(to - from);
        Some(inner(self.subtree(from, middle)?, self.subtree(middle, to)?))
    }
}

/// That one record is among the first so many of a ledger: the siblings on the way from its leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// The record.
    pub seq: u64,
    /// How many records the tree covers.
    pub size: u64,
    /// Siblings, from the leaf upwards.
    pub path: Vec<Digest>,
}

impl InclusionProof {
    /// Whether the record with digest `leaf` has this place under `root`. RFC 9162, section 2.1.3.2.
    pub fn verify(&self, leaf: Digest, root: Digest) -> bool {
        if self.size <= self.seq {
            return false;
        }
        let (mut node, mut last) = (self.seq, self.size - 1);
        let mut hash = leaf;
        for sibling in &self.path {
            if last == 0 {
                return false;
            }
            if node & 1 == 1 || node == last {
                hash = inner(*sibling, hash);
                skip_missing_levels(&mut node, &mut last);
            } else {
                hash = inner(hash, *sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        last == 0 && hash == root
    }
}

/// That a ledger only grew: the first `old` of its `new` records are the ones it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// How many records there were.
    pub old: u64,
    /// How many there are.
    pub new: u64,
    /// The nodes from which both roots follow.
    pub path: Vec<Digest>,
}

impl ConsistencyProof {
    /// Whether a ledger with root `old` grew into one with root `new`. RFC 9162, section 2.1.4.2; two roots of equal
    /// size must be equal, and everything grows from nothing.
    pub fn verify(&self, old: Digest, new: Digest) -> bool {
        if self.old == self.new {
            return self.path.is_empty() && old == new;
        }
        if self.old == 0 {
            return self.path.is_empty() && old == empty();
        }
        if self.new < self.old {
            return false;
        }
        // An old tree that is one full subtree is not repeated in the path.
        let whole = self.old.is_power_of_two().then_some(old);
        let mut path = whole.iter().chain(&self.path);
        let Some(first) = path.next() else { return false };
        let (mut node, mut last) = (self.old - 1, self.new - 1);
        let ones = node.trailing_ones();
        node >>= ones;
        last >>= ones;
        let (mut old_hash, mut new_hash) = (*first, *first);
        for sibling in path {
            if last == 0 {
                return false;
            }
            if node & 1 == 1 || node == last {
                old_hash = inner(*sibling, old_hash);
                new_hash = inner(*sibling, new_hash);
                skip_missing_levels(&mut node, &mut last);
            } else {
                new_hash = inner(new_hash, *sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        last == 0 && old_hash == old && new_hash == new
    }
}

/// A node at the right edge has no sibling on levels where it is a left child: go up to where it is a right one.
fn skip_missing_levels(node: &mut u64, last: &mut u64) {
    if *node & 1 == 0 {
        let levels = node.trailing_zeros().min(63);
        *node >>= levels;
        *last >>= levels;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// MTH of RFC 6962, section 2.1, word for word, over leaves that are hashed already.
    fn mth(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => empty(),
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                inner(mth(&leaves[..k]), mth(&leaves[k..]))
            }
        }
    }

    /// PATH(m, D\[n\]) of RFC 6962, section 2.1.1.
    fn path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut path, other) = if m < k {
            (path(m, &leaves[..k]), mth(&leaves[k..]))
        } else {
            (path(m - k, &leaves[k..]), mth(&leaves[..k]))
        };
        path.push(other);
        path
    }

    /// SUBPROOF(m, D\[n\], b) of RFC 6962, section 2.1.2.
    fn subproof(m: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
        if m == leaves.len() {
            return if whole { Vec::new() } else { vec![mth(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut proof, other) = if m <= k {
            (subproof(m, &leaves[..k], whole), mth(&leaves[k..]))
        } else {
            (subproof(m - k, &leaves[k..], false), mth(&leaves[..k]))
        };
        proof.push(other);
        proof
    }

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|n| Digest(Sha256::digest(n.to_le_bytes()).into())).collect()
    }

    fn frontier(leaves: &[Digest]) -> Frontier {
        let mut frontier = Frontier::default();
        for leaf in leaves {
            frontier.push(*leaf);
        }
        frontier
    }

    /// The tree of a ledger whose first `removed` records are gone.
    fn tree(all: &[Digest], removed: u64) -> Leaves {
        let (gone, here) = all.split_at(usize::try_from(removed).unwrap());
        Leaves::new(frontier(gone), here.to_vec())
    }

    fn at(n: u64) -> usize {
        usize::try_from(n).unwrap()
    }

    /// The roots that the authors of RFC 6962 publish with their implementation, for leaves `""`, `00`, `10`, `2021`.
    #[test]
    fn the_roots_are_the_published_ones() {
        let hashed = |data: &[u8]| Digest(Sha256::digest([&[0], data].concat()).into());
        let all = [hashed(b""), hashed(&[0x00]), hashed(&[0x10]), hashed(&[0x20, 0x21])];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        for (size, root) in roots.into_iter().enumerate() {
            assert_eq!(frontier(&all[..size]).root().to_string(), root, "{size} leaves");
        }
    }

    /// Every tree of up to 40 leaves, every record, every old size, every removed prefix.
    #[test]
    fn roots_and_proofs_are_those_of_the_rfc() {
        for count in 0..=40 {
            let all = leaves(count);
            for removed in [0, 1, 7, 8, 12, 31, 40].into_iter().filter(|removed| *removed <= count) {
                let tree = tree(&all, removed);
                assert_eq!(tree.count(), count);
                assert_eq!(tree.root(count), Some(mth(&all)));
                assert_eq!(frontier(&all).root(), mth(&all));
                for m in 0..count {
                    let proof = tree.prove_inclusion(m, count);
                    assert_eq!(
                        proof.map(|proof| proof.path),
                        (removed <= m).then(|| path(at(m), &all)),
                        "record {m} of {count}, {removed} removed"
                    );
                    let expected = if m == 0 { Vec::new() } else { subproof(at(m), &all, true) };
                    assert_eq!(
                        tree.prove_consistency(m, count).map(|proof| proof.path),
                        (removed <= m).then_some(expected),
                        "{m} of {count}, {removed} removed"
                    );
                }
            }
        }
    }

    #[test]
    fn there_is_no_proof_of_what_is_not_there() {
        let tree = tree(&leaves(5), 2);
        assert_eq!(tree.prove_inclusion(5, 5), None);
        assert_eq!(tree.prove_inclusion(3, 6), None);
        assert_eq!(tree.prove_inclusion(1, 5), None);
        assert_eq!(tree.prove_consistency(1, 5), None);
        assert_eq!(tree.prove_consistency(3, 6), None);
        assert_eq!(tree.prove_consistency(4, 3), None);
        assert_eq!(tree.root(1), None);
        assert_eq!(tree.root(6), None);
    }

    #[test]
    fn a_frontier_has_one_peak_for_each_set_bit() {
        let frontier = frontier(&leaves(11));
        let bytes = postcard::to_allocvec(&frontier).unwrap();
        assert_eq!(postcard::from_bytes::<Frontier>(&bytes), Ok(frontier.clone()));
        assert_eq!(Frontier::new(12, frontier.peaks.clone()), None);
        let wrong = postcard::to_allocvec(&(12_u64, frontier.peaks)).unwrap();
        assert!(postcard::from_bytes::<Frontier>(&wrong).is_err());
    }

    proptest! {
        /// A proof convinces of its record at its place in its tree, and of nothing else.
        #[test]
        fn an_inclusion_proof_proves_one_thing(
            count in 1_u64..70, seq in 0_u64..70, other in 0_u64..75, at_byte: prop::sample::Index,
        ) {
            let all = leaves(count);
            let seq = seq % count;
            let root = mth(&all);
            let proof = tree(&all, 0).prove_inclusion(seq, count).unwrap();
            let leaf = all[at(seq)];
            prop_assert!(proof.verify(leaf, root));
            prop_assert!(!proof.verify(root, leaf) || leaf == root);
            prop_assert!(!proof.verify(leaves(other + 100)[at(other + 99)], root));
            for (wrong_seq, wrong_size) in [(other, count), (seq, other), (seq, count + 1), (u64::MAX, u64::MAX)] {
                let wrong = InclusionProof { seq: wrong_seq, size: wrong_size, ..proof.clone() };
                if (wrong_seq, wrong_size) != (seq, count) && wrong.verify(leaf, root) {
                    // Another size can share the way to the root, never another place.
                    prop_assert_eq!(wrong_seq, seq);
                }
            }
            let mut longer = proof.clone();
            longer.path.push(leaf);
            prop_assert!(!longer.verify(leaf, root));
            if !proof.path.is_empty() {
                let mut changed = proof.clone();
                let byte = at_byte.index(changed.path.len() * 32);
                changed.path[byte / 32].0[byte % 32] ^= 1;
                prop_assert!(!changed.verify(leaf, root));
                let mut shorter = proof;
                shorter.path.pop();
                prop_assert!(!shorter.verify(leaf, root));
            }
        }

        /// A ledger that grew is told from one that was rewritten before it grew.
        #[test]
        fn a_consistency_proof_needs_the_same_beginning(
            new in 1_u64..70, old in 0_u64..70, changed in 0_u64..70, at_byte: prop::sample::Index,
        ) {
            let all = leaves(new);
            let old = old % (new + 1);
            let (old_root, new_root) = (mth(&all[..at(old)]), mth(&all));
            let proof = tree(&all, 0).prove_consistency(old, new).unwrap();
            prop_assert!(proof.verify(old_root, new_root));
            // Rewritten in the old part: its honest proof does not lead to the old root.
            if 0 < old {
                let mut rewritten = all.clone();
                rewritten[at(changed % old)].0[0] ^= 1;
                let forged = tree(&rewritten, 0).prove_consistency(old, new).unwrap();
                prop_assert!(!forged.verify(old_root, mth(&rewritten)));
                prop_assert!(!proof.verify(old_root, mth(&rewritten)));
            }
            if !proof.path.is_empty() {
                let mut wrong = proof.clone();
                let byte = at_byte.index(wrong.path.len() * 32);
                wrong.path[byte / 32].0[byte % 32] ^= 1;
                prop_assert!(!wrong.verify(old_root, new_root));
                wrong.path.pop();
                prop_assert!(!wrong.verify(old_root, new_root));
            }
            let backwards = ConsistencyProof { old: new, new: old, path: proof.path };
            prop_assert!(old == new || !backwards.verify(new_root, old_root));
        }

        /// Adding leaves one at a time gives the root of the definition.
        #[test]
        fn the_frontier_knows_the_root(count in 0_u64..300) {
            prop_assert_eq!(frontier(&leaves(count)).root(), mth(&leaves(count)));
        }

        /// No proof makes the checks panic.
        #[test]
        fn arbitrary_proofs_are_judged(a: u64, b: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let path: Vec<Digest> = path.into_iter().map(Digest).collect();
            let inclusion = InclusionProof { seq: a, size: b, path: path.clone() };
            inclusion.verify(Digest([1; 32]), Digest([2; 32]));
            ConsistencyProof { old: a, new: b, path }.verify(Digest([1; 32]), Digest([2; 32]));
        }
    }
}
