//! `sheepdog ledger` on a robot's own ledger.

use std::path::Path;

use sheepdog_fleet::{Entry, Record};
use sheepdog_ledger::Reader;
use sheepdog_runtime::{Anchored, IncidentReplay, RobotLedger, RobotRecord};

use crate::{
    ledger::{Files, print_line},
    problem::{Answer, Problem},
};

/// The ledger, verified; `None` if it is not a robot's.
pub(crate) fn open(path: &Path) -> Result<Option<RobotLedger>, Problem> {
    let files = Files::load(path)?;
    if !is_robots(&files) {
        return Ok(None);
    }
    files.verified()?;
    read(path, &files).map(Some)
}

fn is_robots(files: &Files) -> bool {
    files.0.first().is_some_and(|(_, bytes)| RobotLedger::is_one(bytes))
}

fn read(path: &Path, files: &Files) -> Result<RobotLedger, Problem> {
    let bytes = files.0.iter().map(|(_, bytes)| bytes.as_slice());
    RobotLedger::read(bytes).map_err(|error| Problem::input(path, error))
}

/// What more there is to say of a ledger that verifies, if it is a robot's; and whether the fleet's anchors hold.
pub(crate) fn check(path: &Path, files: &Files, anchors: Option<&Path>) -> Result<Answer, Problem> {
    if !is_robots(files) {
        return match anchors {
            Some(_) => Err(Problem::Usage(format!("{}: only a robot's ledger has anchors", path.display()))),
            None => Ok(Answer::Yes),
        };
    }
    let ledger = read(path, files)?;
    introduce(&ledger);
    let (Some(fleet), Some(boot)) = (anchors, ledger.boots.first()) else { return Ok(Answer::Yes) };
    let anchored = Anchored::check(boot.header.robot, &anchors_in(fleet)?, &files.leaves()?);
    for (seq, anchor) in &anchored.broken {
        anstream::println!(
            "NOT OK: it does not pass through the anchor at {} records in the fleet's record {seq}",
            anchor.seq
        );
    }
    anstream::println!(
        "{} anchors of the fleet's ledger hold; they cover {} records",
        anchored.held,
        anchored.covered
    );
    Ok(if anchored.broken.is_empty() && 0 < anchored.held { Answer::Yes } else { Answer::No })
}

/// The fleet's records of messages; those that an export left out are no messages of robots.
fn anchors_in(path: &Path) -> Result<Vec<Entry>, Problem> {
    let files = Files::load(path)?;
    if is_robots(&files) {
        return Err(Problem::Usage(format!(
            "{}: the anchors are in the fleet's ledger, this is a robot's",
            path.display()
        )));
    }
    files.verified()?;
    let mut entries = Vec::new();
    for (path, bytes) in &files.0 {
        let reader = Reader::new(bytes.as_slice()).map_err(|error| Problem::input(path, error))?;
        for envelope in reader {
            let envelope = envelope.map_err(|error| Problem::input(path, error))?;
            if envelope.bytes().is_none() {
                continue;
            }
            let record = Record::decode(&envelope).map_err(|error| Problem::input(path, error))?;
            entries.push(Entry { seq: envelope.seq, time: envelope.time, record });
        }
    }
    Ok(entries)
}

fn introduce(ledger: &RobotLedger) {
    for boot in &ledger.boots {
        let header = &boot.header;
        let records = boot.entries.len();
        anstream::println!(
            "robot {}'s own ledger, boot {}, {}: {records} records",
            header.robot,
            header.boot.0,
            header.software
        );
    }
}

pub(crate) fn replay(ledger: &RobotLedger) -> Answer {
    introduce(ledger);
    let replay = ledger.replay();
    if let Some(other) = &replay.other_version {
        anstream::println!("OTHER VERSION: {other}");
        anstream::println!("what comes out differently below says nothing about the ledger");
    }
    for IncidentReplay { seq, rule, outcome } in &replay.incidents {
        let rule = rule.map_or_else(|| "no rule".to_owned(), |rule| rule.to_string());
        match outcome {
            Ok(steps) => anstream::println!("  incident #{seq}, {rule}: {steps} decisions came out the same"),
            Err(error) => anstream::println!("  incident #{seq}, {rule}: DIFFERS: {error}"),
        }
    }
    anstream::println!(
        "records of {} decisions checked, {} findings",
        replay.decisions,
        replay.findings.len()
    );
    for (seq, what) in replay.findings.iter().take(20) {
        anstream::println!("  record {seq}: {what}");
    }
    match replay.is_faithful() {
        Some(true) => Answer::Yes,
        Some(false) => Answer::No,
        None => Answer::None,
    }
}

pub(crate) fn show(ledger: &RobotLedger, from: u64, count: usize) -> Answer {
    introduce(ledger);
    let entries = ledger.boots.iter().flat_map(|boot| &boot.entries);
    for entry in entries.filter(|entry| from <= entry.seq).take(count) {
        let what = match &entry.record {
            Ok(RobotRecord::Incident(incident)) => format!("Incident of {} steps", incident.steps().count()),
            Ok(
                record @ (RobotRecord::Run { .. }
                | RobotRecord::Changed(_)
                | RobotRecord::Stopped(_)
                | RobotRecord::Reset(_)
                | RobotRecord::Refused { .. }),
            ) => format!("{record:?}"),
            Err(error) => format!("({error})"),
        };
        print_line(entry.time, entry.seq, &what);
    }
    Answer::Yes
}

pub(crate) fn explain(ledger: &RobotLedger) -> Answer {
    anstream::print!("{}", ledger.explain());
    Answer::Yes
}
