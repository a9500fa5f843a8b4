//! The ledger as truth: replaying it, and coming back from it after a crash.

use std::sync::Arc;

use sheepdog_ledger::{Digest, Envelope};
use sheepdog_map::CompiledSite;

use crate::{
    fleet::{Fleet, FleetError},
    header::Header,
    input::Input,
    record::{Entry, Record, RecordError},
};

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Inputs fed in.
    pub inputs: u64,
    /// Decisions the fleet made again.
    pub decisions: u64,
    /// Decisions of the ledger that came out the same.
    pub reproduced: u64,
    /// The first record that came out differently, if any: its sequence number in the replay.
    pub differs_at: Option<u64>,
    /// Digest of the last record that the replay produced.
    pub head: Digest,
}

impl Replay {
    /// Whether every decision of the ledger came out the same.
    pub const fn is_faithful(&self) -> bool {
        self.differs_at.is_none()
    }
}

/// Why a ledger cannot be replayed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A body is not a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The first record does not say which fleet this was.
    #[error("the ledger does not begin with its opening record")]
    NotOpened,
    /// The fleet cannot be built again.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

/// Feeds the inputs of a ledger into a new fleet and compares every decision with the ledger's.
///
/// Envelopes that hold decisions may be missing: then only those that are there are compared. The caller verifies
/// the hash chain first if the ledger is meant to be whole.
///
/// # Errors
/// [`ReplayError`] if the ledger is not one of this site and version.
pub fn replay(
    site: &Arc<CompiledSite>,
    header: &Header,
    envelopes: &[Envelope],
) -> Result<Replay, ReplayError> {
    let entries = Entry::decode_all(envelopes)?;
    let mut fleet = open(site, header, &entries)?;
    let mut made = drain(&mut fleet);
    let mut inputs = 0;
    for entry in &entries {
        let Record::Input(input) = &entry.record else { continue };
        inputs += 1;
        feed(&mut fleet, entry, input);
        made.extend(drain(&mut fleet));
    }
    let is_decision = |record: &Record| !matches!(record, Record::Input(_));
    let mut again =
        made.iter().zip(Entry::decode_all(&made)?).filter(|(_, entry)| is_decision(&entry.record));
    let mut reproduced = 0;
    let mut differs_at = None;
    for entry in entries.iter().filter(|entry| is_decision(&entry.record)) {
        // A ledger with gaps: look for the decision among those that follow the last one found.
        if again.any(|(_, made)| made.time == entry.time && made.record == entry.record) {
            reproduced += 1;
        } else {
            differs_at = Some(entry.seq);
            break;
        }
    }
    let decisions = u64::try_from(made.len()).unwrap_or(u64::MAX) - inputs;
    Ok(Replay { inputs, decisions, reproduced, differs_at, head: fleet.ledger().head() })
}

/// The fleet as it was when the last record was stored, and the records it makes that the file lost.
///
/// A record that was being written when the process died is made again. Then tell the fleet [`Input::Restarted`].
///
/// # Errors
/// [`ReplayError`] if the ledger is not one of this site and version.
pub fn recover(
    site: &Arc<CompiledSite>,
    header: &Header,
    envelopes: &[Envelope],
) -> Result<(Fleet, Vec<Envelope>), ReplayError> {
    let entries = Entry::decode_all(envelopes.get(..1).unwrap_or(&[]))?;
    let mut fleet = open(site, header, &entries)?;
    let opened = drain(&mut fleet);
    resume(fleet, envelopes.get(opened.len()..).unwrap_or(&[]))
}

/// Brings a fleet restored from a snapshot up to the end of the ledger: `tail` is what was stored after the snapshot.
///
/// As with [`recover`], records that the file lost are made again and returned.
///
/// # Errors
/// [`ReplayError`] if a record cannot be read.
pub fn resume(mut fleet: Fleet, tail: &[Envelope]) -> Result<(Fleet, Vec<Envelope>), ReplayError> {
    let mut made = Vec::new();
    for entry in &Entry::decode_all(tail)? {
        let Record::Input(input) = &entry.record else { continue };
        feed(&mut fleet, entry, input);
        made.extend(drain(&mut fleet));
    }
    while fleet.poll_output().is_some() {}
    let lost = made.split_off(tail.len().min(made.len()));
    Ok((fleet, lost))
}

fn open(site: &Arc<CompiledSite>, header: &Header, entries: &[Entry]) -> Result<Fleet, ReplayError> {
    let Some(Entry { time, record: Record::Opened { config }, .. }) = entries.first() else {
        return Err(ReplayError::NotOpened);
    };
    Ok(Fleet::new(Arc::clone(site), (**config).clone(), header, *time)?)
}

fn feed(fleet: &mut Fleet, entry: &Entry, input: &Input) {
    match input {
        Input::Tick => fleet.handle_timeout(entry.time),
        Input::Restarted { .. }
        | Input::TaskRequested(_)
        | Input::FromAgent { .. }
        | Input::FromPeripheral(_)
        | Input::Planned { .. }
        | Input::Fact(_)
        | Input::Operator { .. } => {
            // A refusal is a decision like any other and stands in the ledger.
            let _refused = fleet.handle_checked(entry.time, input.clone());
        }
    }
}

fn drain(fleet: &mut Fleet) -> Vec<Envelope> {
    std::iter::from_fn(|| fleet.poll_record()).collect()
}
