//! Queues for searches whose keys never decrease.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Buckets, a power of two: more than a longest step spans.
const BUCKETS: usize = 128;
/// A longest step spans fewer than two to the power of this many buckets.
const SPAN_LOG2: u32 = 6;

/// A queue for Dijkstra's algorithm whose steps have a known shortest and longest time (Dial 1969): what is due late waits
/// in buckets unsorted. So does what is due next, where no step is shorter than a bucket is wide: then nothing in the
/// bucket can make anything else in it better. Otherwise it is kept in order.
///
/// What is put in must not be due before what was taken out last, nor later than that by more than the longest step.
///
/// ```
/// use sheepdog_map::travel::BucketQueue;
///
/// let mut queue = BucketQueue::new();
/// queue.clear(1, 1_000);
/// for (time, waypoint) in [(900, 1), (20, 2), (500, 3)] {
///     queue.push(time, waypoint);
/// }
/// assert_eq!(queue.pop(), Some((20, 2)));
/// assert_eq!(queue.pop(), Some((500, 3)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct BucketQueue {
    /// Those due now, in order; none where order does not matter.
    due: BinaryHeap<Reverse<(u64, u32)>>,
    buckets: Vec<Vec<Reverse<(u64, u32)>>>,
    waiting: usize,
    /// Which bucket is due.
    current: u64,
    width_log2: u32,
    is_ordered: bool,
}

impl BucketQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it for a search from time zero on whose steps take from `shortest` to `longest`. It keeps its memory.
    pub fn clear(&mut self, shortest: u64, longest: u64) {
        self.due.clear();
        self.buckets.resize(BUCKETS, Vec::new());
        if self.waiting != 0 {
            self.buckets.iter_mut().for_each(Vec::clear);
        }
        (self.waiting, self.current) = (0, 0);
        self.width_log2 = (u64::BITS - longest.leading_zeros()).saturating_sub(SPAN_LOG2);
        self.is_ordered = shortest >> self.width_log2 == 0;
    }

    /// What comes out is not later by as much as this than anything that is still in.
    pub fn disorder(&self) -> u64 {
        if self.is_ordered { 1 } else { 1 << self.width_log2 }
    }

    /// Puts something in. Constant time, unless order matters and it is due at once.
    #[inline]
    pub fn push(&mut self, time: u64, number: u32) {
        let bucket = time >> self.width_log2;
        if self.is_ordered && bucket <= self.current {
            self.due.push(Reverse((time, number)));
        } else if let Some(later) = self.buckets.get_mut(place(bucket)) {
            later.push(Reverse((time, number)));
            self.waiting += 1;
        }
    }

    /// Takes out what is due next.
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, u32)> {
        if let Some(Reverse(first)) = self.due.pop() {
            return Some(first);
        }
        while self.waiting != 0 {
            let bucket = self.buckets.get_mut(place(self.current))?;
            if self.is_ordered && !bucket.is_empty() {
                self.waiting -= bucket.len();
                self.due.extend(bucket.drain(..));
                return self.due.pop().map(|Reverse(first)| first);
            }
            if let Some(Reverse(next)) = bucket.pop() {
                self.waiting -= 1;
                return Some(next);
            }
            self.current += 1;
        }
        None
    }
}

/// A queue whose least key never decreases (Ahuja, Mehlhorn, Orlin, Tarjan 1990): a key waits by the highest bit in which it
/// differs from the last one taken out. No bound of the steps is asked for.
///
/// Equal keys come in an order that depends on nothing but their entry. What is put in must not be below what was taken
/// out last. Each key is moved at most 64 times.
///
/// ```
/// use sheepdog_map::travel::RadixQueue;
///
/// let mut queue = RadixQueue::new();
/// queue.push(70, "lift");
/// queue.push(9, "door");
/// assert_eq!(queue.pop(), Some((9, "door")));
/// queue.push(12, "bed");
/// assert_eq!(queue.pop(), Some((12, "bed")));
/// ```
#[derive(Clone, Debug)]
pub struct RadixQueue<T> {
    /// Those equal to the last, then by bit.
    buckets: [Vec<(u64, T)>; 65],
    /// Which bits somebody waits for.
    filled: u64,
    last: u64,
}

impl<T> Default for RadixQueue<T> {
    fn default() -> Self {
        Self { buckets: [const { Vec::new() }; 65], filled: 0, last: 0 }
    }
}

impl<T> RadixQueue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it for keys from zero on. It keeps its memory.
    pub fn clear(&mut self) {
        self.buckets.iter_mut().take(1).for_each(Vec::clear);
        while self.filled != 0 {
            if let Some(bucket) = self.buckets.get_mut(self.filled.trailing_zeros() as usize + 1) {
                bucket.clear();
            }
            self.filled &= self.filled - 1;
        }
        self.last = 0;
    }

    /// Puts something in. Constant time.
    #[inline]
    pub fn push(&mut self, key: u64, item: T) {
        let bit = u64::BITS - (key ^ self.last).leading_zeros();
        if let Some(bucket) = self.buckets.get_mut(bit as usize) {
            bucket.push((key, item));
            // Nobody waits for the bit before the first.
            self.filled |= 1_u64.checked_shl(bit.wrapping_sub(1)).unwrap_or(0);
        }
    }

    /// Takes out one of least key.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        if let Some(first) = self.buckets.first_mut().and_then(Vec::pop) {
            return Some(first);
        }
        let bucket = self.filled.trailing_zeros() as usize + 1;
        let mut moving = std::mem::take(self.buckets.get_mut(bucket)?);
        self.filled &= self.filled - 1;
        self.last = moving.iter().map(|item| item.0).min()?;
        for (key, item) in moving.drain(..) {
            self.push(key, item);
        }
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket = moving;
        }
        self.buckets.first_mut().and_then(Vec::pop)
    }
}

/// Where a bucket is kept.
#[expect(clippy::cast_possible_truncation, reason = "only the remainder counts")]
const fn place(bucket: u64) -> usize {
    bucket as usize % BUCKETS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is put in comes out in order, each once.
        #[test]
        fn keys_come_in_order(
            steps in prop::collection::vec((any::<bool>(), prop_oneof![0..4_u64, 0..5_000_u64, any::<u64>()]), 0..200),
        ) {
            let (mut queue, mut waiting, mut last) = (RadixQueue::new(), Vec::new(), 0);
            queue.push(9, 0);
            queue.push(u64::MAX, 0);
            queue.clear();
            for (number, (takes, draw)) in (0_u32..).zip(steps.into_iter().chain([(true, 0); 200])) {
                if takes {
                    let next = queue.pop();
                    let least = waiting.iter().map(|(key, _)| *key).min();
                    prop_assert_eq!(next.map(|next| next.0), least);
                    if let Some(at) = waiting.iter().position(|other| Some(*other) == next) {
                        waiting.remove(at);
                    } else {
                        prop_assert!(next.is_none());
                    }
                    last = least.unwrap_or(last);
                } else {
                    let key = last.saturating_add(draw);
                    queue.push(key, number);
                    waiting.push((key, number));
                }
            }
        }

        /// Whatever is put in within the bounds comes out in order, as from a heap; where order does not matter, nothing
        /// comes out that is later than the first by a shortest step.
        #[test]
        fn it_is_a_heap(
            (shortest, longest) in prop_oneof![
                (0..3_u64, 0..100_u64), (0..1_000_000_u64, 0..10_000_000_u64), (Just(1), Just(u64::MAX)),
            ],
            steps in prop::collection::vec((any::<bool>(), any::<u64>(), any::<u32>()), 0..200),
        ) {
            let (mut queue, mut waiting, mut last) = (BucketQueue::new(), Vec::new(), 0_u64);
            queue.clear(7, 7);
            queue.push(3, 1);
            queue.clear(shortest, longest);
            let steps = steps.into_iter().chain([(true, 0, 0); 200]);
            for (takes, draw, number) in steps {
                if !takes {
                    let time = last.saturating_add(draw.checked_rem(longest.saturating_add(1)).unwrap_or(draw));
                    let time = time.max(last.saturating_add(shortest.min(longest)));
                    queue.push(time, number);
                    waiting.push((time, number));
                    continue;
                }
                let next = queue.pop();
                prop_assert_eq!(next.is_none(), waiting.is_empty());
                if let Some((time, _)) = next {
                    let first = waiting.iter().map(|(time, _)| *time).min().unwrap();
                    prop_assert!(time == first || time < first.saturating_add(shortest));
                    prop_assert!(time - first < queue.disorder());
                    let at = waiting.iter().position(|other| Some(*other) == next);
                    prop_assert!(at.is_some());
                    waiting.remove(at.unwrap());
                    last = time;
                }
            }
        }
    }
}
