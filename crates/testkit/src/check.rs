//! Promises as functions: each looks at what a run has left behind and says what is broken.

use std::fmt;

mod ledger;
mod nearest;
mod overlap;
mod progress;
mod tasks;
mod traffic;

pub use ledger::{a_snapshot_changes_nothing, any_flipped_bit_is_found, every_decision_holds, replays};
pub use nearest::nearest_is_true;
pub use overlap::{min_separation_m, no_overlap};
pub use progress::{is_feasible, no_deadlock};
pub use tasks::no_task_lost_or_done_twice;
pub use traffic::releases_are_monotone;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The check that found it.
    pub check: &'static str,
    /// Sequence number of the ledger record at which it shows.
    pub seq: Option<u64>,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl Violation {
    /// A violation that shows at no particular record.
    pub const fn new(check: &'static str, message: String) -> Self {
        Self { check, seq: None, message }
    }

    /// A violation that shows at a record.
    pub const fn at(check: &'static str, seq: u64, message: String) -> Self {
        Self { check, seq: Some(seq), message }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "{} at record {seq}: {}", self.check, self.message),
            None => write!(f, "{}: {}", self.check, self.message),
        }
    }
}

impl std::error::Error for Violation {}
