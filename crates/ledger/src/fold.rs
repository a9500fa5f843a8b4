//! Runs of equal records as one.
//!
//! A robot that decides twenty times a second would say the same thing more than a million times a day. [`Fold`] turns
//! a run of records that agree in everything that matters, which is what the caller's key covers, into one that says
//! how many there were, when, and on which inputs the first and the last of them were decided.

use serde::{Deserialize, Serialize};
use sheepdog_core::{FleetTime, Micros, RobotTime};

use crate::Digest;

/// A point in time on one clock.
pub trait Stamp: Copy {
    /// Time from `earlier` to `self`; `None` when `earlier` lies in the future.
    fn since(self, earlier: Self) -> Option<Micros>;
}

impl Stamp for FleetTime {
    fn since(self, earlier: Self) -> Option<Micros> {
        Self::since(self, earlier)
    }
}

impl Stamp for RobotTime {
    fn since(self, earlier: Self) -> Option<Micros> {
        Self::since(self, earlier)
    }
}

/// Several records in a row with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run<K, T, D = Digest> {
    /// What all of them say.
    pub key: K,
    /// How many there were, at least one.
    pub count: u64,
    /// When the first was made.
    pub first: T,
    /// When the last was made.
    pub last: T,
    /// Digest of what the first was made from.
    pub first_inputs: D,
    /// Digest of what the last was made from.
    pub last_inputs: D,
}

/// How long a run may get: what a crash can cost, as an open run is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldLimits {
    /// Records in a run; zero counts as one, which folds nothing.
    pub count: u64,
    /// Time from the first record of a run to the last.
    pub span: Micros,
}

/// Folds records as they are made; `D` is the digest that ties them to their inputs. Constant memory: the open run.
///
/// Nothing is lost that the key covers: the runs, each taken `count` times, are the keys in the order they came.
#[derive(Clone, Debug)]
pub struct Fold<K, T, D = Digest> {
    limits: FoldLimits,
    open: Option<Run<K, T, D>>,
}

impl<K: PartialEq, T: Stamp, D: Copy> Fold<K, T, D> {
    /// Nothing folded yet.
    pub const fn new(limits: FoldLimits) -> Self {
        Self { limits, open: None }
    }

    /// Takes in a record. Returns the run before it, if the record does not belong to that: another key, the run is
    /// full, or the time went backwards.
    pub fn push(&mut self, time: T, key: K, inputs: D) -> Option<Run<K, T, D>> {
        if let Some(run) = &mut self.open
            && run.key == key
            && run.count < self.limits.count
            && time.since(run.last).is_some()
            && time.since(run.first).is_some_and(|span| span <= self.limits.span)
        {
            run.count += 1;
            run.last = time;
            run.last_inputs = inputs;
            return None;
        }
        let next = Run { key, count: 1, first: time, last: time, first_inputs: inputs, last_inputs: inputs };
        self.open.replace(next)
    }

    /// Ends the open run, as before a stop or when nothing more will come.
    pub const fn flush(&mut self) -> Option<Run<K, T, D>> {
        self.open.take()
    }

    /// Ends the open run if it is older than its span allows at `now`, so that a silent source does not keep it open.
    pub fn flush_due(&mut self, now: T) -> Option<Run<K, T, D>> {
        let first = self.open.as_ref()?.first;
        if now.since(first).is_some_and(|span| span <= self.limits.span) { None } else { self.flush() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: FoldLimits = FoldLimits { count: 4, span: Micros::new(10) };

    fn at(micros: u64) -> RobotTime {
        RobotTime::from_micros(micros)
    }

    #[test]
    fn a_run_ends_by_key_count_span_and_clock() {
        let mut fold = Fold::new(LIMITS);
        let inputs = |n: u8| Digest([n; 32]);
        assert_eq!(fold.push(at(0), 'a', inputs(0)), None);
        assert_eq!(fold.push(at(10), 'a', inputs(1)), None);
        let run = fold.push(at(11), 'a', inputs(2)).unwrap();
        assert_eq!((run.count, run.first, run.last), (2, at(0), at(10)));
        assert_eq!((run.first_inputs, run.last_inputs), (inputs(0), inputs(1)));
        for _ in 0..3 {
            assert_eq!(fold.push(at(11), 'a', inputs(3)), None);
        }
        assert_eq!(fold.push(at(11), 'a', inputs(4)).map(|run| run.count), Some(4));
        assert_eq!(fold.push(at(11), 'b', inputs(5)).map(|run| run.key), Some('a'));
        assert_eq!(fold.push(at(10), 'b', inputs(5)).map(|run| run.key), Some('b'));
        assert_eq!(fold.flush_due(at(20)), None);
        assert_eq!(fold.flush_due(at(21)).map(|run| run.first), Some(at(10)));
        assert_eq!(fold.flush(), None);
    }

    proptest! {
        /// Unfolded, the runs are the keys that were fed in, in their order; each run keeps its limits, its first and
        /// last time and inputs.
        #[test]
        fn unfolding_gives_back_what_was_fed_in(
            fed in prop::collection::vec((0_u8..3, 0_u64..4, any::<bool>()), 0..60), count in 0_u64..6, span in 0_u64..12,
        ) {
            let limits = FoldLimits { count, span: Micros::new(span) };
            let mut fold = Fold::new(limits);
            let mut now = 100;
            let mut events = Vec::new();
            let mut runs = Vec::new();
            for (index, (key, step, back)) in (0_u64..).zip(fed) {
                now = if back && step == 0 { now - 1 } else { now + step };
                let inputs = Digest([u8::try_from(index).unwrap(); 32]);
                events.push((key, at(now), inputs));
                runs.extend(fold.push(at(now), key, inputs));
            }
            runs.extend(fold.flush());
            prop_assert_eq!(runs.iter().map(|run| run.count).sum::<u64>(), events.len() as u64);
            let mut rest = events.as_slice();
            for run in runs {
                prop_assert!(run.count <= count.max(1));
                prop_assert!(run.last.since(run.first).unwrap() <= Micros::new(span));
                let (of_run, later) = rest.split_at(usize::try_from(run.count).unwrap());
                prop_assert!(of_run.iter().all(|(key, ..)| *key == run.key));
                prop_assert_eq!((of_run[0].1, of_run[0].2), (run.first, run.first_inputs));
                let last = of_run.last().unwrap();
                prop_assert_eq!((last.1, last.2), (run.last, run.last_inputs));
                rest = later;
            }
        }
    }
}
