//! Searches in large neighbourhoods: what all of them have in common.
//!
//! Such a search takes some *pieces* out of routes (ruin), puts them back elsewhere (recreate), and keeps that or not
//! (Shaw 1998; Schrimpf and others 2000; Ropke and Pisinger 2006). A piece is whatever moves as one: a pair of a pickup and a
//! delivery, a task. What pieces and routes are is said by whoever searches, through [`Layout`] and [`Insertion`]; here are the
//! choices that are the same for all: which pieces go, in what order they come back, how much worse a result may be for a
//! while, and which ways of all this have paid so far.
//!
//! Everything depends on arguments alone; chance comes from [`Random`], begun anew at each step.

mod adaptive;
mod cooling;
mod random;
mod recreate;
mod ruin;

pub(crate) use self::{
    adaptive::{Adaptive, Reward},
    cooling::Cooling,
    random::Random,
    recreate::{Insertion, one_by_one, regret},
    ruin::{Layout, Ruin},
};

/// Slots and places as they are kept: far fewer than 2³².
pub(crate) fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
