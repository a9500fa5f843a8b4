//! Sets of numbers that mostly come one after the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A set of numbers, kept as ranges: as small as there are gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ranges {
    /// First and last of each range; ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Ranges that are kept at most: beyond, the gap between the two lowest is closed.
    const MAX: usize = 1 << 16;

    /// O(log ranges)
    pub(super) fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    /// O(log ranges). Where there are too many gaps, numbers in the lowest become members.
    pub(super) fn insert(&mut self, number: u64) {
        let (mut first, mut last) = (number, number);
        while let Some((&start, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            self.ranges.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.ranges.insert(first, last);
        if Self::MAX < self.ranges.len() {
            self.close_lowest_gap();
        }
    }

    /// O(log ranges). Takes a number out again.
    pub(super) fn remove(&mut self, number: u64) {
        let Some((&first, &last)) = self.ranges.range(..=number).next_back() else { return };
        if last < number {
            return;
        }
        self.ranges.remove(&first);
        if first < number {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
        }
    }

    fn close_lowest_gap(&mut self) {
        let Some((first, _)) = self.ranges.pop_first() else { return };
        let Some((_, last)) = self.ranges.pop_first() else { return };
        self.ranges.insert(first, last);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(
            steps in prop::collection::vec(
                (any::<bool>(), prop_oneof![0..24_u64, u64::MAX - 3..=u64::MAX]),
                0..200,
            ),
        ) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (inserts, number) in steps {
                if inserts {
                    ranges.insert(number);
                    set.insert(number);
                } else {
                    ranges.remove(number);
                    set.remove(&number);
                }
                for number in (0..25).chain(u64::MAX - 4..=u64::MAX) {
                    prop_assert_eq!(ranges.contains(number), set.contains(&number));
                }
                let gaps = set.iter().filter(|number| number.checked_add(1).is_none_or(|next| !set.contains(&next)));
                prop_assert_eq!(ranges.ranges.len(), gaps.count());
            }
        }
    }

    #[test]
    fn with_too_many_gaps_the_lowest_are_closed() {
        let mut ranges = Ranges::default();
        (0..=1 << 16).for_each(|number| ranges.insert(2 * number));
        assert_eq!(ranges.ranges.len(), Ranges::MAX);
        assert!(ranges.contains(1) && !ranges.contains(3));
    }
}
