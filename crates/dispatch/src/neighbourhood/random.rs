//! Even numbers that depend on a seed and a step and on nothing else.

/// What one step of a search draws from: splitmix64 (Steele, Lea and Flood 2014), begun anew at each step.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn keyed(seed: u64, step: u64) -> Self {
        Self(mixed(seed ^ mixed(step.wrapping_add(0x6a09_e667_f3bc_c908))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// One of `0..count`; zero if there is none.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let product = u128::from(self.next()) * count as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// One of `0..count`, the least of so many draws: early ones are likelier.
    pub(crate) fn early(&mut self, count: usize, draws: u32) -> usize {
        (0..draws).map(|_| self.below(count)).min().unwrap_or(0)
    }

    /// The negative binary logarithm of an even number between 0 and 1, in 1024ths, less than 0.09 too high.
    pub(crate) fn surprise(&mut self) -> i64 {
        let draw = self.next() | 1;
        let zeros = draw.leading_zeros();
        let fraction = (draw << zeros << 1) >> 54;
        1024 * i64::from(zeros + 1) - i64::try_from(fraction).unwrap_or(0)
    }

    /// Puts a list into an even order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
