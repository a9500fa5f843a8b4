//! How much worse something may be than what was there before.

use super::Random;

/// How often the heat is halved in a turn.
const HALVINGS: u64 = 7;

/// How far a turn of a search is; it cools down from its beginning to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cooling {
    /// Steps done.
    pub(crate) done: u64,
    /// Steps in all.
    pub(crate) length: u64,
}

impl Cooling {
    /// What of the turn is done, from 0 to `whole`, in 1024ths.
    pub(crate) fn share(self, whole: u64) -> i64 {
        i64::try_from(1024 * whole * self.done / self.length.max(1)).unwrap_or(0)
    }

    /// How much more a result may cost than the one before it, by chance; `hot` is what it may be at the beginning, in
    /// 1024ths.
    pub(crate) fn leeway(self, hot: i64, random: &mut Random) -> i64 {
        let cooled = self.share(HALVINGS);
        let (halvings, rest) = (cooled / 1024, i128::from(cooled % 1024));
        // A power of two, straight in between; all three in 1024ths, since a whole unit may be a long way.
        let hot = i128::from(hot) >> halvings;
        i64::try_from((hot * (2048 - rest) * i128::from(random.surprise())) >> 31).unwrap_or(i64::MAX >> 16)
    }
}
