//! Which ways of a search have paid.
#![expect(clippy::indexing_slicing, reason = "ways are numbered below their count")]

use super::{Random, index};

/// What a way has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reward {
    /// Nothing that is kept, or nothing new.
    Nothing,
    /// Something else that is kept.
    Other,
    /// Something better than before.
    Better,
    /// The best so far.
    Best,
}

impl Reward {
    const fn points(self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Other => 3,
            Self::Better => 9,
            Self::Best => 33,
        }
    }
}

/// How often each way is taken, by what it has brought (Ropke and Pisinger 2006).
#[derive(Clone, Debug)]
pub(crate) struct Adaptive<const N: usize> {
    weight: [u32; N],
    reward: [u32; N],
    uses: [u32; N],
    draws: u32,
}

/// Draws between two looks at the rewards.
const SEGMENT: u32 = 200;

impl<const N: usize> Adaptive<N> {
    /// All ways alike.
    pub(crate) fn new() -> Self {
        Self { weight: [1024; N], reward: [0; N], uses: [0; N], draws: 0 }
    }

    /// A way, by weight.
    pub(crate) fn draw(&mut self, random: &mut Random) -> usize {
        let total: u32 = self.weight.iter().sum();
        let mut left = index(random.below(total as usize));
        for (way, &weight) in self.weight.iter().enumerate() {
            if left < weight {
                return way;
            }
            left -= weight;
        }
        0
    }

    /// Notes what a way has brought.
    pub(crate) fn reward(&mut self, way: usize, reward: Reward) {
        self.reward[way] += reward.points();
        self.uses[way] += 1;
        self.draws += 1;
        if self.draws < SEGMENT {
            return;
        }
        self.draws = 0;
        for way in 0..N {
            if let Some(earned) = (1024 * self.reward[way]).checked_div(self.uses[way]) {
                self.weight[way] = (self.weight[way] * 7 + earned).div_ceil(8).max(64);
            }
            (self.reward[way], self.uses[way]) = (0, 0);
        }
    }
}
