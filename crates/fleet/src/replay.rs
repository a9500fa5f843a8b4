//! The ledger as truth: replaying it, and coming back from it after a crash.

use std::sync::Arc;

use sheepdog_ledger::{Chain, Digest, Envelope, Ledger};
use sheepdog_map::CompiledSite;

use crate::{
    fleet::{Fleet, FleetError},
    header::{Header, HeaderError, OtherVersion},
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
    /// The first record that came out differently, if any: its sequence number in the ledger. What it means, see
    /// [`outcome`](Self::outcome).
    pub differs_at: Option<u64>,
    /// Digest of the last record that the replay produced: the ledger's own if that is one file of this version whose
    /// salts the header has.
    pub head: Digest,
    /// What wrote the ledger, if that is not what replayed it.
    pub other_version: Option<OtherVersion>,
}

/// What a replay says about a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every decision came out the same.
    Faithful,
    /// The software that wrote the ledger decides differently now: the ledger was forged or the software is not a
    /// function of its inputs.
    Differs {
        /// The first record that came out differently.
        seq: u64,
    },
    /// Another software or other rules wrote the ledger. They may decide differently; that is no divergence.
    OtherVersion(Box<OtherVersion>),
}

impl Replay {
    /// What the replay says about the ledger.
    pub fn outcome(&self) -> Outcome {
        match (&self.other_version, self.differs_at) {
            (Some(other), _) => Outcome::OtherVersion(Box::new(other.clone())),
            (None, Some(seq)) => Outcome::Differs { seq },
            (None, None) => Outcome::Faithful,
        }
    }

    /// Whether this very software made the same decisions.
    pub fn is_faithful(&self) -> bool {
        self.outcome() == Outcome::Faithful
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
    let (head, other_version) = (fleet.ledger().head(), header.other_version());
    Ok(Replay { inputs, decisions, reproduced, differs_at, head, other_version })
}

/// The fleet as it was when the last record was stored, and the records it makes that the file lost.
///
/// A record that was being written when the process died is made again and continues `chain`, where the ledger ends.
/// Then tell the fleet [`Input::Restarted`].
///
/// # Errors
/// [`ReplayError`] if the ledger is not one of this site.
pub fn recover(
    site: &Arc<CompiledSite>,
    header: &Header,
    envelopes: &[Envelope],
    chain: &Chain,
) -> Result<(Fleet, Vec<Envelope>), ReplayError> {
    let entries = Entry::decode_all(envelopes.get(..1).unwrap_or(&[]))?;
    let mut fleet = open(site, header, &entries)?;
    let opened = drain(&mut fleet);
    let ledger = Ledger::resume(chain.clone(), header.salts);
    resume(fleet, envelopes.get(opened.len()..).unwrap_or(&[]), ledger)
}

/// Brings a fleet restored from a snapshot up to the end of its ledger: `tail` is what was stored after the snapshot,
/// `ledger` is where the stored ledger ends.
///
/// As with [`recover`], records that the file lost are made again, chained to the end of the ledger, and returned.
/// These are the decisions about the last input that are not there: what came before an input was stored with it or
/// before it.
///
/// # Errors
/// [`ReplayError`] if a record cannot be read.
pub fn resume(
    mut fleet: Fleet,
    tail: &[Envelope],
    ledger: Ledger,
) -> Result<(Fleet, Vec<Envelope>), ReplayError> {
    let mut made = Vec::new();
    let mut stored = 0;
    for entry in &Entry::decode_all(tail)? {
        stored += 1;
        let Record::Input(input) = &entry.record else { continue };
        feed(&mut fleet, entry, input);
        made = drain(&mut fleet);
        stored = 1;
    }
    while fleet.poll_output().is_some() {}
    let lost = made.split_off(stored.min(made.len()));
    // Another version, or another key for the salts, may have made other envelopes on the way: the file's count.
    fleet.state.ledger = ledger;
    let lost = lost.into_iter().map(|envelope| fleet.seal_again(envelope)).collect();
    Ok((fleet, lost))
}

impl Fleet {
    /// The same record at the end of the ledger as it is now.
    fn seal_again(&mut self, envelope: Envelope) -> Envelope {
        let Envelope { time, kind, rule, body, .. } = envelope;
        self.state.ledger.append(time, kind, rule, body.into_bytes().unwrap_or_default())
    }

    /// From the next record on the ledger is in a file of its own with this header; its bodies are salted with the
    /// header's salts.
    ///
    /// Take all records with [`Fleet::poll_record`] before; the file is begun with
    /// [`Writer::create_segment`](sheepdog_ledger::Writer::create_segment).
    ///
    /// # Errors
    /// [`HeaderError`] if the header cannot be encoded.
    pub fn begin_segment(&mut self, header: &Header) -> Result<(), HeaderError> {
        self.state.ledger.begin_segment(&header.encode()?);
        self.state.ledger.salt_with(header.salts);
        Ok(())
    }
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
        | Input::FireAlarm { .. }
        | Input::Storage { .. }
        | Input::Witness(_)
        | Input::Operator { .. } => {
            // A refusal is a decision like any other and stands in the ledger.
            let _refused = fleet.handle_checked(entry.time, input.clone());
        }
    }
}

fn drain(fleet: &mut Fleet) -> Vec<Envelope> {
    std::iter::from_fn(|| fleet.poll_record()).collect()
}
