//! Deciding again what was decided once.

use core::fmt;

use crate::{
    Config, Decision, Input, Interlock, Memory, Record, Snapshot, State, rules::REV_001, words::Words,
};

/// A copy of an interlock that repeats what was decided, as when a black box is read. It may come from a file, so no base
/// can be given to it: [`Guarded`](crate::Guarded) takes only an [`Interlock`] that has booted.
#[derive(Clone)]
pub struct Replica<const SENSORS: usize, const SECTORS: usize>(Interlock<SENSORS, SECTORS>);

impl<const SENSORS: usize, const SECTORS: usize> fmt::Debug for Replica<SENSORS, SECTORS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica").field("state", &self.0.state()).finish_non_exhaustive()
    }
}

impl<const SENSORS: usize, const SECTORS: usize> Replica<SENSORS, SECTORS> {
    /// A copy of an interlock as it stands.
    pub fn of(interlock: &Interlock<SENSORS, SECTORS>) -> Self {
        Self(interlock.clone())
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.0.state()
    }

    /// Its settings.
    pub const fn config(&self) -> &Config {
        self.0.config()
    }

    /// The digest of its settings.
    pub const fn digest(&self) -> crate::ConfigDigest {
        self.0.digest()
    }

    /// What has to outlive a restart.
    pub const fn memory(&self) -> Memory {
        self.0.memory()
    }

    /// What of the past can change a later decision: see [`Snapshot`].
    pub fn snapshot(&self) -> Snapshot<SENSORS, SECTORS> {
        self.0.snapshot()
    }

    /// Decides on the input of a record, in the way of that time: under the same software the record's decision comes out.
    ///
    /// Of `record` only the count of revocations is used, which is no part of the input.
    pub fn repeat(&mut self, record: &Record, input: &Input<SENSORS, SECTORS>) -> Decision {
        let decision = self.0.step(input);
        match u32::try_from(record.decision.evidence.measured) {
            Ok(after) if record.decision.primary == REV_001 => {
                self.0.unless_revoked(decision, record.generation, after)
            }
            Ok(_) | Err(_) => decision,
        }
    }

    /// What follows when the record of the last decision was refused (LOG-001).
    pub fn refuse_record(&mut self) -> Decision {
        self.0.refuse_record()
    }

    /// Hands out the canonical form, settings included, word by word.
    pub fn write(&self, out: &mut impl FnMut(u64)) {
        self.0.put(out);
    }

    /// The replica with this canonical form; `None` when there is none, its settings are not valid, or words are left.
    pub fn read(words: &mut impl Iterator<Item = u64>) -> Option<Self> {
        Interlock::take(words).filter(|_| words.next().is_none()).map(Self)
    }
}
