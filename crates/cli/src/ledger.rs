//! `sheepdog ledger`.

use std::path::Path;

use sheepdog_fleet::{Entry, Header, Record, audit, explain_task, replay};
use sheepdog_ledger::{Envelope, Reader, verify};

use crate::{
    args::LedgerCommand,
    problem::{Answer, Problem, read},
};

pub(crate) fn run(command: &LedgerCommand) -> Result<Answer, Problem> {
    match command {
        LedgerCommand::Verify { file } => check(file),
        LedgerCommand::Replay { file } => again(file),
        LedgerCommand::Show { file, from, count } => show(file, *from, *count),
        LedgerCommand::Explain { file, task } => explain(file, task.as_deref()),
    }
}

fn check(path: &Path) -> Result<Answer, Problem> {
    match verify(&read(path)?) {
        Ok(verified) => {
            let head = verified.checkpoint();
            anstream::println!("{} records, head {}", head.seq, head.digest);
            if let Some(offset) = verified.torn_tail {
                anstream::println!(
                    "the last record was cut short at byte {offset}, as by a crash; the rest is whole"
                );
            }
            Ok(Answer::Yes)
        }
        Err(error) => {
            anstream::println!("NOT OK: {error}");
            Ok(Answer::No)
        }
    }
}

/// The header and the envelopes of a ledger that verifies.
fn open(path: &Path) -> Result<(Header, Vec<Envelope>), Problem> {
    let bytes = read(path)?;
    let bad = |error: &dyn std::fmt::Display| Problem::input(path, error);
    let reader = Reader::new(bytes.as_slice()).map_err(|error| bad(&error))?;
    let header = Header::decode(reader.header()).map_err(|error| bad(&error))?;
    let envelopes = reader.collect::<Result<Vec<_>, _>>().map_err(|error| bad(&error))?;
    Ok((header, envelopes))
}

fn again(path: &Path) -> Result<Answer, Problem> {
    let (header, envelopes) = open(path)?;
    let site = header.compile().map_err(|error| Problem::input(path, error))?;
    let entries = Entry::decode_all(&envelopes).map_err(|error| Problem::input(path, error))?;
    let replay = replay(&site, &header, &envelopes).map_err(|error| Problem::input(path, error))?;
    anstream::println!(
        "{} inputs fed in, {} decisions made again, {} of the ledger's came out the same",
        replay.inputs,
        replay.decisions,
        replay.reproduced
    );
    if let Some(seq) = replay.differs_at {
        anstream::println!("DIFFERS from record {seq} on");
    }
    let audit = audit(&entries, &site, sheepdog_interlock::CATALOGUE);
    anstream::println!(
        "{} awards, holds and stops checked on their evidence, {} findings",
        audit.checked,
        audit.findings.len()
    );
    for finding in audit.findings.iter().take(20) {
        let rule = finding.rule.map_or_else(|| "no rule".to_owned(), |rule| rule.to_string());
        anstream::println!("  record {}: {rule}: {}", finding.seq, finding.reason);
    }
    Ok(if replay.is_faithful() && audit.findings.is_empty() { Answer::Yes } else { Answer::No })
}

fn show(path: &Path, from: u64, count: usize) -> Result<Answer, Problem> {
    let (_, envelopes) = open(path)?;
    let entries = Entry::decode_all(&envelopes).map_err(|error| Problem::input(path, error))?;
    for entry in entries.iter().filter(|entry| from <= entry.seq).take(count) {
        anstream::println!("{:>10}  #{:<6} {:?}", entry.time.to_string(), entry.seq, entry.record);
    }
    Ok(Answer::Yes)
}

fn explain(path: &Path, task: Option<&str>) -> Result<Answer, Problem> {
    let (header, envelopes) = open(path)?;
    let entries = Entry::decode_all(&envelopes).map_err(|error| Problem::input(path, error))?;
    let tasks = entries.iter().filter_map(|entry| {
        if let Record::Accepted { task, name } = &entry.record { Some((*task, name.as_str())) } else { None }
    });
    let Some(wanted) = task else {
        for (id, name) in tasks {
            anstream::println!("{id}  {name}");
        }
        return Ok(Answer::Yes);
    };
    let found = tasks.into_iter().find(|(id, name)| *name == wanted || id.to_string() == wanted);
    let Some((id, _)) = found else {
        return Err(Problem::Usage(format!(
            "{}: no task {wanted:?}; leave --task out to list them",
            path.display()
        )));
    };
    let site = header.compile().map_err(|error| Problem::input(path, error))?;
    anstream::print!("{}", explain_task(&entries, &site, id).unwrap_or_default());
    Ok(Answer::Yes)
}
