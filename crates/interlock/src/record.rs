//! Records of decisions, and where they go before anything moves.

use core::fmt;

use sheepdog_core::RobotTime;

use crate::{BootNonce, Decision, Input, Request, Reset, State};

/// One decision, with all that is needed to explain it. The digest ties it to its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Running number since boot.
    pub seq: u64,
    /// The boot.
    pub boot: BootNonce,
    /// When, on the robot's clock.
    pub at: RobotTime,
    /// The state before.
    pub before: State,
    /// The state after.
    pub after: State,
    /// What was asked.
    pub request: Request,
    /// The step of a reset that was ordered, and by whom.
    pub reset: Option<Reset>,
    /// [`Input::digest`] of what was decided on.
    pub inputs: u64,
    /// What was decided.
    pub decision: Decision,
    /// When the permit lapses; `None` without one.
    pub until: Option<RobotTime>,
    /// How many revocations there had been when the step began.
    pub generation: u32,
}

impl Record {
    /// What two records of decisions in a row must share to be folded into one with a count: everything but numbers,
    /// instants, inputs and measured values.
    pub fn fold_key(&self) -> impl PartialEq + fmt::Debug + use<> {
        let Decision { verdict, rules, primary, .. } = self.decision;
        (self.boot, self.before, self.after, self.reset, verdict, rules, primary, self.generation)
    }
}

/// Takes records, and the inputs they were decided on. It is asked before the robot moves; what it refuses does not
/// happen.
pub trait Sink<const SENSORS: usize, const SECTORS: usize> {
    /// Stores a record.
    ///
    /// # Errors
    /// [`SinkFull`] when it cannot: the robot then stops and latches (LOG-001).
    fn accept(&mut self, record: &Record, input: &Input<SENSORS, SECTORS>) -> Result<(), SinkFull>;
}

/// The sink has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkFull;

impl fmt::Display for SinkFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record sink is full")
    }
}

impl core::error::Error for SinkFull {}

/// A ring of `N` records without an allocator. It refuses when full: somebody has to [`pop`](Self::pop).
#[derive(Clone, Debug)]
pub struct Ring<const N: usize> {
    records: [Option<Record>; N],
    first: usize,
    len: usize,
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Ring<N> {
    /// An empty ring.
    pub const fn new() -> Self {
        Self { records: [None; N], first: 0, len: 0 }
    }

    /// How many records it holds.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes out the oldest record.
    pub fn pop(&mut self) -> Option<Record> {
        let record = self.records.get_mut(self.first)?.take()?;
        self.first = self.first.saturating_add(1).checked_rem(N).unwrap_or(0);
        self.len = self.len.saturating_sub(1);
        Some(record)
    }
}

impl<const N: usize, const SENSORS: usize, const SECTORS: usize> Sink<SENSORS, SECTORS> for Ring<N> {
    fn accept(&mut self, record: &Record, _input: &Input<SENSORS, SECTORS>) -> Result<(), SinkFull> {
        if self.len >= N {
            return Err(SinkFull);
        }
        let slot = self.first.saturating_add(self.len).checked_rem(N).unwrap_or(0);
        *self.records.get_mut(slot).ok_or(SinkFull)? = Some(*record);
        self.len = self.len.saturating_add(1);
        Ok(())
    }
}
