//! The ledger as evidence: decisions hold, inputs alone reproduce them, no bit can be changed unseen.

use std::sync::Arc;

use sheepdog_core::Rule;
use sheepdog_fleet::{Entry, Fleet, Header, Input, Output, Record, audit, replay};
use sheepdog_ledger::{Envelope, Reader, verify};
use sheepdog_map::CompiledSite;

use super::{releases_are_monotone, tasks::until_next_input};
use crate::Violation;

/// Every record cites a rule of a catalogue; every award, hold and stop is borne out by the evidence recorded with it
/// ([`sheepdog_fleet::audit`]); every refusal of a bid and every gate that opened holds on its own values; and
/// [`releases_are_monotone`].
///
/// # Errors
/// The first record whose rule does not hold.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "records of other kinds, later ones too, do not matter here"
)]
pub fn every_decision_holds(entries: &[Entry], site: &CompiledSite) -> Result<(), Violation> {
    const CHECK: &str = "every decision holds";
    if let Some(finding) = audit(entries, site, sheepdog_interlock::CATALOGUE).findings.first() {
        return Err(Violation::at(CHECK, finding.seq, format!("{:?}: {}", finding.rule, finding.reason)));
    }
    let catalogues: [&[Rule]; 4] = [
        sheepdog_interlock::CATALOGUE,
        sheepdog_traffic::RULES,
        sheepdog_dispatch::RULES,
        sheepdog_fleet::rules::RULES,
    ];
    for (index, entry) in entries.iter().enumerate() {
        let wrong = |message: String| Err(Violation::at(CHECK, entry.seq, message));
        if let Some(rule) = entry.record.rule()
            && !catalogues.iter().flat_map(|rules| rules.iter()).any(|known| known.id == rule)
        {
            return wrong(format!("rule {rule} is in no catalogue"));
        }
        match &entry.record {
            Record::Awarded { decision, .. } | Record::Waiting { decision, .. } => {
                if let Some(refusal) = decision.refusals.iter().find(|refusal| !refusal.evidence.holds()) {
                    return wrong(format!("the refusal of {} is false on its own evidence", refusal.agent));
                }
            }
            Record::GateOpened { evidence, .. } if evidence.is_empty() => {
                return wrong("a gate opened on no evidence".to_owned());
            }
            Record::Input(Input::Planned { job, .. }) => {
                let later = entries.get(index + 1..).unwrap_or(&[]);
                let answered = |record: &Record| match record {
                    Record::Planned { job: of, .. } | Record::PlanRefused { job: of, .. } => of == job,
                    Record::Refused { .. } => true,
                    _ => false,
                };
                if !until_next_input(later).any(answered) {
                    return wrong(format!("plan job {job} was neither used nor refused"));
                }
            }
            _ => {}
        }
    }
    releases_are_monotone(entries, site)
}

/// The ledger verifies; feeding its inputs to a new fleet makes the same decisions, byte for byte; and so it does from
/// a ledger whose decision records were removed.
///
/// # Errors
/// What does not verify, or the first decision that comes out differently.
pub fn replays(ledger: &[u8]) -> Result<(), Violation> {
    const CHECK: &str = "replays";
    let (site, header, envelopes) = read(ledger).map_err(|message| Violation::new(CHECK, message))?;
    let head = envelopes.last().map(|envelope| envelope.digest);
    let entries = decode(&envelopes).map_err(|message| Violation::new(CHECK, message))?;
    let is_input = |entry: &Entry| matches!(entry.record, Record::Opened { .. } | Record::Input(_));
    let inputs: Vec<Envelope> = envelopes
        .iter()
        .zip(&entries)
        .filter(|(_, entry)| is_input(entry))
        .map(|(envelope, _)| envelope.clone())
        .collect();
    for (what, envelopes) in [("whole", &envelopes), ("without its decisions", &inputs)] {
        let found = replay(&site, &header, envelopes)
            .map_err(|error| Violation::new(CHECK, format!("the ledger {what}: {error}")))?;
        if let Some(other) = found.other_version {
            return Err(Violation::new(CHECK, format!("this proves nothing about a ledger {other}")));
        }
        if let Some(seq) = found.differs_at {
            return Err(Violation::at(
                CHECK,
                seq,
                format!("the ledger {what}: this decision comes out differently"),
            ));
        }
        if Some(found.head) != head {
            let message = format!("the ledger {what}: {} decisions end in another digest", found.decisions);
            return Err(Violation::new(CHECK, message));
        }
    }
    Ok(())
}

/// Every `every`-th bit of the file, and every bit of its first and last hundred bytes, is missed when it is flipped.
///
/// `every` 1 looks at each bit: quadratic in the length of the file, for short ledgers only.
///
/// # Errors
/// The first bit whose flipping goes unseen.
pub fn any_flipped_bit_is_found(ledger: &[u8], every: usize) -> Result<(), Violation> {
    const CHECK: &str = "any flipped bit is found";
    let whole = verify(ledger).map_err(|error| Violation::new(CHECK, format!("before any flip: {error}")))?;
    if let Some(offset) = whole.torn_tail {
        return Err(Violation::new(CHECK, format!("before any flip: torn at byte {offset}")));
    }
    let bits = ledger.len() * 8;
    let edge = 800.min(bits);
    let mut copy = ledger.to_vec();
    for bit in (0..edge).chain((0..bits).step_by(every.max(1))).chain(bits - edge..bits) {
        let Some(byte) = copy.get_mut(bit / 8) else { continue };
        *byte ^= 1 << (bit % 8);
        if let Ok(seen) = verify(&copy) {
            return Err(Violation::new(CHECK, format!("bit {bit} of {bits} is flipped: {seen:?}")));
        }
        if let Some(byte) = copy.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }
    Ok(())
}

/// A fleet that is replaced by its own snapshot after every `every`-th input gives the same outputs and records as one
/// that is left alone.
///
/// # Errors
/// The first input after which the two differ.
pub fn a_snapshot_changes_nothing(ledger: &[u8], every: usize) -> Result<(), Violation> {
    const CHECK: &str = "a snapshot changes nothing";
    let broken = |message: String| Violation::new(CHECK, message);
    let (site, header, envelopes) = read(ledger).map_err(broken)?;
    let entries = decode(&envelopes).map_err(broken)?;
    let Some(Entry { time, record: Record::Opened { config }, .. }) = entries.first() else {
        return Err(broken("the ledger does not begin with its opening record".to_owned()));
    };
    let fleet = Fleet::new(Arc::clone(&site), (**config).clone(), &header, *time);
    let mut alone = fleet.map_err(|error| broken(error.to_string()))?;
    let mut replaced = alone.clone();
    for (number, entry) in entries.iter().filter(|entry| matches!(entry.record, Record::Input(_))).enumerate()
    {
        let Record::Input(input) = &entry.record else { continue };
        let (expected, found) = (feed(&mut alone, entry, input), feed(&mut replaced, entry, input));
        if expected != found {
            let message = format!("after {number} inputs: {found:?} instead of {expected:?}");
            return Err(Violation::at(CHECK, entry.seq, message));
        }
        if number % every.max(1) == 0 {
            let snapshot = replaced.snapshot().map_err(|error| broken(error.to_string()))?;
            let restored = Fleet::restore(Arc::clone(&site), &snapshot);
            replaced = restored.map_err(|error| broken(error.to_string()))?;
            if replaced.snapshot().ok().as_ref() != Some(&snapshot) {
                return Err(Violation::at(
                    CHECK,
                    entry.seq,
                    "a snapshot of the restored fleet differs".to_owned(),
                ));
            }
        }
    }
    Ok(())
}

type Reaction = (Result<(), String>, Vec<Envelope>, Vec<(u64, Output)>);

/// What a fleet makes of an input. Outputs are taken before and after, so that some are inside a snapshot.
fn feed(fleet: &mut Fleet, entry: &Entry, input: &Input) -> Reaction {
    let mut outputs: Vec<(u64, Output)> = std::iter::from_fn(|| fleet.poll_output()).collect();
    let result = fleet.handle(entry.time, input.clone()).map_err(|error| error.to_string());
    let records = std::iter::from_fn(|| fleet.poll_record()).collect();
    if entry.seq.is_multiple_of(2) {
        outputs.extend(std::iter::from_fn(|| fleet.poll_output()));
    }
    (result, records, outputs)
}

fn read(ledger: &[u8]) -> Result<(Arc<CompiledSite>, Header, Vec<Envelope>), String> {
    verify(ledger).map_err(|error| error.to_string())?;
    let reader = Reader::new(ledger).map_err(|error| error.to_string())?;
    let header = Header::decode(reader.header()).map_err(|error| error.to_string())?;
    let site = header.compile().map_err(|error| error.to_string())?;
    let envelopes = reader.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    Ok((site, header, envelopes))
}

fn decode(envelopes: &[Envelope]) -> Result<Vec<Entry>, String> {
    Entry::decode_all(envelopes).map_err(|error| error.to_string())
}
