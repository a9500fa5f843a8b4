//! Chance, from the seed and the number of a case.

use rand_pcg::{
    Pcg64,
    rand_core::{Rng as _, SeedableRng as _},
};

/// What a case draws from.
#[derive(Clone, Debug)]
pub(super) struct Dice(Pcg64);

impl Dice {
    /// The stream `stream` of a case or a site; each is independent of the others.
    pub(super) fn new(seed: u64, number: u64, stream: u64) -> Self {
        let mut key = Pcg64::seed_from_u64(seed ^ number.rotate_left(20) ^ stream.rotate_left(50));
        Self(Pcg64::seed_from_u64(key.next_u64()))
    }

    /// A number below `limit`; zero if that is zero.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64().checked_rem(limit).unwrap_or(0)
    }

    /// Whether something happens that does so in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of some, unless there is none.
    pub(super) fn pick<T: Copy>(&mut self, some: &[T]) -> Option<T> {
        let index = self.below(some.len() as u64);
        some.get(usize::try_from(index).unwrap_or(0)).copied()
    }

    /// All of them, in another order.
    pub(super) fn shuffled<T: Copy>(&mut self, some: &[T]) -> Vec<T> {
        let mut rest = some.to_vec();
        let mut order = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let index = self.below(rest.len() as u64);
            order.push(rest.swap_remove(usize::try_from(index).unwrap_or(0)));
        }
        order
    }
}
