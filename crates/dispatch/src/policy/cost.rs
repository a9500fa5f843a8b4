//! What it costs that somebody does a task, tier by tier.

use super::{Open, Ready};

/// What it costs that somebody does a task, in milliseconds of wait.
///
/// Tasks of a higher priority are settled before all others, so priority is no term. Each term has a bound, 2³⁰, so their sum
/// has one too, 2³², and the sum over all tasks of a decision fits into an `i64` without a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// How much too late it is begun, weighted.
    pub late_ms: i64,
    /// From when it was asked for until it is begun.
    pub wait_ms: i64,
    /// What the way takes from the battery of whoever comes.
    pub energy_ms: i64,
    /// How busy whoever comes has been.
    pub fairness_ms: i64,
}

/// What a term of the [`Cost`] weighs, against a millisecond of wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// A millisecond too late, in milliseconds: 8. At most 64 count.
    pub late: u32,
    /// One percent of a battery, in milliseconds: a second.
    pub energy_ms_per_percent: u32,
    /// Having been busy all the time against not at all, in milliseconds: two seconds.
    pub busy_ms: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { late: 8, energy_ms_per_percent: 1_000, busy_ms: 2_000 }
    }
}

/// The largest term, and the longest span that is told from a longer one: twelve days.
pub(crate) const TERM_MAX: u64 = 1 << 30;
/// Whoever is left now is thought to be served so much later.
const LEFT_MS: u64 = 5 * 60 * 1_000;
/// Prices of late tasks are raised in steps of this, so that not each decision changes all of them.
const STEP_MS: u64 = 1_000;

impl Cost {
    /// The sum of all terms: less than 2³².
    pub const fn total(&self) -> i64 {
        self.late_ms + self.wait_ms + self.energy_ms + self.fairness_ms
    }
}

impl Weights {
    /// What it costs that a task is begun at some time by somebody who sets out when it is free, but not before now.
    pub fn cost(&self, open: &Open, ready: &Ready, now_ms: u64, at_ms: u64) -> Cost {
        let way_ms = at_ms.saturating_sub(ready.free_ms.max(now_ms));
        let energy_ms = self.energy(way_ms, ready.drain_ppm_per_s);
        let fairness_ms = self.fairness(ready.busy_permille);
        Cost { energy_ms, fairness_ms, ..self.least(open, at_ms) }
    }

    /// What the way of somebody costs whose battery it drains.
    pub(crate) fn energy(&self, way_ms: u64, drain_ppm_per_s: u32) -> i64 {
        let drain_ppm = (way_ms.min(TERM_MAX) * u64::from(drain_ppm_per_s.min(1_000_000))) / 1_000;
        term(drain_ppm.min(1_000_000) * u64::from(self.energy_ms_per_percent) / 10_000)
    }

    /// What it costs that somebody comes who has been busy for so much of the last time.
    pub(crate) fn fairness(&self, busy_permille: u16) -> i64 {
        term(u64::from(busy_permille.min(1_000)) * u64::from(self.busy_ms) / 1_000)
    }

    /// What it costs to be so late.
    pub(crate) fn lateness(&self, late_ms: u64) -> i64 {
        term(late_ms.min(TERM_MAX) * u64::from(self.late.min(64)))
    }

    /// What it costs at least that a task is begun at some time or later, whoever comes.
    pub(super) fn least(&self, open: &Open, at_ms: u64) -> Cost {
        let wait_ms = term(at_ms.saturating_sub(open.requested_ms));
        Cost { late_ms: self.late(open, at_ms), wait_ms, ..Cost::default() }
    }

    /// What a task is dearer to leave now because of its deadline.
    pub(super) fn price(&self, open: &Open, now_ms: u64) -> i64 {
        self.late(open, (now_ms - now_ms % STEP_MS).saturating_add(LEFT_MS))
    }

    fn late(&self, open: &Open, at_ms: u64) -> i64 {
        self.lateness(open.due_ms.map_or(0, |due_ms| at_ms.saturating_sub(due_ms)))
    }
}

fn term(ms: u64) -> i64 {
    i64::try_from(ms.min(TERM_MAX)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the times and weights, every term has its bound, and nobody is cheaper for coming later.
        #[test]
        fn costs_are_bounded_and_grow_with_time(
            (requested_ms, due_ms, free_ms) in (any::<u64>(), any::<Option<u64>>(), any::<u64>()),
            (busy_permille, drain_ppm_per_s) in any::<(u16, u32)>(),
            (late, energy_ms_per_percent, busy_ms) in any::<(u32, u32, u32)>(),
            (now_ms, at_ms, later_ms) in any::<(u64, u64, u64)>(),
        ) {
            let open = Open { due_ms, ..Open::new(0, requested_ms) };
            let ready = Ready { busy_permille, drain_ppm_per_s, ..Ready::new(0, free_ms) };
            let weights = Weights { late, energy_ms_per_percent, busy_ms };
            let cost = weights.cost(&open, &ready, now_ms, at_ms);
            let Cost { late_ms, wait_ms, energy_ms, fairness_ms } = cost;
            for term in [late_ms, wait_ms, energy_ms, fairness_ms, weights.price(&open, now_ms)] {
                prop_assert!((0..=1 << 30).contains(&term));
            }
            prop_assert_eq!(cost.total(), late_ms + wait_ms + energy_ms + fairness_ms);
            let later_ms = later_ms.max(at_ms);
            prop_assert!(cost.total() <= weights.cost(&open, &ready, now_ms, later_ms).total());
            prop_assert!(weights.least(&open, at_ms).total() <= cost.total());
        }
    }

    #[test]
    fn each_term_counts_as_documented() {
        let open = Open { due_ms: Some(30_000), ..Open::new(0, 5_000) };
        let ready = Ready { busy_permille: 500, drain_ppm_per_s: 200, ..Ready::new(0, 10_000) };
        let cost = Weights::default().cost(&open, &ready, 12_000, 62_000);
        // 32 s late, 57 s of wait, 1 % of the battery for a way of 50 s, busy half of the time.
        assert_eq!(cost, Cost { late_ms: 8 * 32_000, wait_ms: 57_000, energy_ms: 1_000, fairness_ms: 1_000 });
        let asleep = Ready::new(0, 10_000);
        let cost = Weights::default().cost(&Open::new(0, 5_000), &asleep, 12_000, 62_000);
        assert_eq!(cost, Cost { wait_ms: 57_000, ..Cost::default() });
    }
}
