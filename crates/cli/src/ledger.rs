//! `sheepdog ledger`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sheepdog_core::FleetTime;
use sheepdog_fleet::{Audit, Entry, Header, Outcome, Record, Replay, explain_task, may_name_people, replay};
use sheepdog_ledger::{Envelope, Leaves, LedgerError, Note, Reader, Redaction, Verified, Verifier, redact};
use sheepdog_map::CompiledSite;
use sheepdog_runtime::segment_files;

use crate::{
    args::LedgerCommand,
    files::{Sources, read, read_text},
    problem::{Answer, Problem},
    robot,
};

pub(crate) fn run(command: &LedgerCommand) -> Result<Answer, Problem> {
    match command {
        LedgerCommand::Verify { path, checkpoint, anchors } => {
            check(path, checkpoint.as_deref(), anchors.as_deref())
        }
        LedgerCommand::Checkpoint { path, origin } => checkpoint(path, origin),
        LedgerCommand::Prove { path, record, since } => prove(path, *record, since.as_deref()),
        LedgerCommand::Export { path, redact } => export(path, redact),
        LedgerCommand::Replay { path } => match robot::open(path)? {
            Some(ledger) => Ok(robot::replay(&ledger)),
            None => again(path),
        },
        LedgerCommand::Show { path, from, count } => match robot::open(path)? {
            Some(ledger) => Ok(robot::show(&ledger, *from, *count)),
            None => show(path, *from, *count),
        },
        LedgerCommand::Explain { path, task } => match (robot::open(path)?, task) {
            (Some(ledger), None) => Ok(robot::explain(&ledger)),
            (Some(_), Some(_)) => {
                Err(Problem::Usage(format!("{}: a robot's ledger knows no tasks", path.display())))
            }
            (None, task) => explain(path, task.as_deref()),
        },
    }
}

/// The files of a ledger, oldest first: one, or the segments in a folder.
pub(crate) struct Files(pub(crate) Vec<(PathBuf, Vec<u8>)>);

impl Files {
    pub(crate) fn load(path: &Path) -> Result<Self, Problem> {
        let paths = if path.is_dir() {
            segment_files(path).map_err(|error| Problem::input(path, error))?
        } else {
            vec![path.to_owned()]
        };
        if paths.is_empty() {
            return Err(Problem::input(path, "there is no ledger in this folder"));
        }
        paths.into_iter().map(|path| Ok((path.clone(), read(&path)?))).collect::<Result<_, _>>().map(Self)
    }

    /// Checks all files as one ledger; on failure names the file.
    fn verify(&self, mut verifier: Verifier) -> Result<Verified, (&Path, LedgerError)> {
        let Some(((last, bytes), before)) = self.0.split_last() else {
            return Err((Path::new(""), LedgerError::NotALedger));
        };
        for (path, bytes) in before {
            verifier.file(bytes).map_err(|error| (path.as_path(), error))?;
        }
        verifier.last_file(bytes).map_err(|error| (last.as_path(), error))
    }

    /// [`verify`](Self::verify) for commands that need a whole ledger.
    pub(crate) fn verified(&self) -> Result<Verified, Problem> {
        self.verify(Verifier::new()).map_err(|(path, error)| Problem::input(path, error))
    }

    pub(crate) fn leaves(&self) -> Result<Leaves, Problem> {
        let mut leaves: Option<Leaves> = None;
        for (path, bytes) in &self.0 {
            let added = Reader::new(bytes.as_slice()).and_then(|reader| match &mut leaves {
                Some(leaves) => leaves.extend(reader),
                None => reader.leaves().map(|first| leaves = Some(first)),
            });
            added.map_err(|error| Problem::input(path, error))?;
        }
        Ok(leaves.unwrap_or_default())
    }
}

fn check(path: &Path, checkpoint: Option<&Path>, anchors: Option<&Path>) -> Result<Answer, Problem> {
    let files = Files::load(path)?;
    let verifier = match checkpoint {
        Some(file) => Verifier::against(*note(file)?.checkpoint()),
        None => Verifier::new(),
    };
    let verified = match files.verify(verifier) {
        Ok(verified) => verified,
        Err((path, error)) => {
            anstream::println!("NOT OK: {}: {error}", path.display());
            return Ok(Answer::No);
        }
    };
    let head = verified.checkpoint();
    anstream::println!("{} records, head {}", head.seq, head.digest);
    anstream::println!("root {}", head.root);
    if let Some(removed) = verified.removed {
        anstream::println!("the first {} were removed; their root was {}", removed.seq, removed.root);
    }
    if verified.redacted != 0 {
        anstream::println!("{} records have no body any more, as in an export", verified.redacted);
    }
    if let Some(file) = checkpoint {
        anstream::println!("it passes through the checkpoint in {}", file.display());
    }
    if let Some(offset) = verified.torn_tail {
        anstream::println!(
            "the last record was cut short at byte {offset}, as by a crash; the rest is whole"
        );
    }
    robot::check(path, &files, anchors)
}

fn note(path: &Path) -> Result<Note, Problem> {
    Note::parse(&read_text(path)?).map_err(|error| Problem::input(path, error))
}

fn checkpoint(path: &Path, origin: &str) -> Result<Answer, Problem> {
    let verified = Files::load(path)?.verified()?;
    let note = Note::new(origin, verified.checkpoint()).map_err(|error| Problem::Usage(error.to_string()))?;
    anstream::print!("{note}");
    Ok(Answer::Yes)
}

fn prove(path: &Path, record: Option<u64>, since: Option<&Path>) -> Result<Answer, Problem> {
    let leaves = Files::load(path)?.leaves()?;
    let size = leaves.count();
    let Some(root) = leaves.root(size) else { return Err(Problem::input(path, "it has no root")) };
    if let Some(seq) = record {
        let proof = leaves.digest(seq).zip(leaves.prove_inclusion(seq, size));
        let Some((digest, proof)) = proof else {
            return Err(Problem::Usage(format!("{}: record {seq} is not there", path.display())));
        };
        anstream::println!("record {seq} of {size}\ndigest {digest}\nroot {root}");
        proof.path.iter().for_each(|node| anstream::println!("path {node}"));
    }
    if let Some(file) = since {
        let old = *note(file)?.checkpoint();
        let proof = leaves.prove_consistency(old.seq, size);
        let Some(proof) = proof.filter(|proof| proof.verify(old.root, root)) else {
            anstream::println!("NOT OK: the ledger does not continue the checkpoint in {}", file.display());
            return Ok(Answer::No);
        };
        anstream::println!("size {size} continues {}\nold root {}\nroot {root}", old.seq, old.root);
        proof.path.iter().for_each(|node| anstream::println!("path {node}"));
    }
    Ok(Answer::Yes)
}

fn export(path: &Path, out: &Path) -> Result<Answer, Problem> {
    let files = Files::load(path)?;
    let original = files.verified()?;
    let folder = path.is_dir();
    if folder {
        std::fs::create_dir_all(out).map_err(|error| Problem::Io { path: out.to_owned(), error })?;
    }
    let sources = Sources::of(files.0.iter().map(|(from, _)| from.as_path()));
    let copy_of =
        |from: &Path| if folder { out.join(from.file_name().unwrap_or_default()) } else { out.to_owned() };
    let targets: Vec<PathBuf> = files.0.iter().map(|(from, _)| copy_of(from)).collect();
    sources.spare(targets.iter().map(PathBuf::as_path))?;
    let mut all = Redaction::default();
    let mut copies = Files(Vec::new());
    for ((from, bytes), to) in files.0.iter().zip(targets) {
        let mut copy = Vec::new();
        let done = Reader::new(bytes.as_slice())
            .and_then(|reader| redact(reader, &mut copy, may_name_people))
            .map_err(|error| Problem::input(from, error))?;
        sources.write(&to, &copy)?;
        all.records += done.records;
        all.redacted += done.redacted;
        copies.0.push((to, copy));
    }
    if copies.verified()?.checkpoint() != original.checkpoint() {
        return Err(Problem::input(out, "the copy is not of the same ledger"));
    }
    anstream::println!(
        "wrote {}: {} records, {} without their bodies",
        out.display(),
        all.records,
        all.redacted
    );
    anstream::println!("head and root are those of the original");
    Ok(Answer::Yes)
}

/// A ledger that verifies, read for its content.
struct Content {
    /// Header of the oldest file that another version wrote, else of the newest.
    header: Header,
    /// Number of the first record that is there.
    first: u64,
    envelopes: Vec<Envelope>,
}

impl Content {
    fn load(path: &Path) -> Result<Self, Problem> {
        let files = Files::load(path)?;
        let first = files.verified()?.first;
        let mut headers = Vec::new();
        let mut envelopes = Vec::new();
        for (path, bytes) in &files.0 {
            let reader = Reader::new(bytes.as_slice()).map_err(|error| Problem::input(path, error))?;
            headers.push(Header::decode(reader.header()).map_err(|error| Problem::input(path, error))?);
            let records = reader.collect::<Result<Vec<_>, _>>();
            envelopes.extend(records.map_err(|error| Problem::input(path, error))?);
        }
        let other = headers.iter().find(|header| header.other_version().is_some()).or(headers.last());
        let header = other.cloned().ok_or_else(|| Problem::input(path, "it has no header"))?;
        Ok(Self { header, first, envelopes })
    }

    fn site(&self, path: &Path) -> Result<Arc<CompiledSite>, Problem> {
        self.header.compile().map_err(|error| Problem::input(path, error))
    }

    fn entries(&self, path: &Path) -> Result<Vec<Entry>, Problem> {
        Entry::decode_all(&self.envelopes).map_err(|error| Problem::input(path, error))
    }
}

fn again(path: &Path) -> Result<Answer, Problem> {
    let content = Content::load(path)?;
    if 0 < content.first {
        let what = format!("the records before {} were removed; a replay needs all inputs", content.first);
        return Err(Problem::input(path, what));
    }
    let Some(other) = content.header.other_version() else {
        return judge(path, &content);
    };
    anstream::println!("OTHER VERSION: {other}");
    anstream::println!("what comes out differently below says nothing about the ledger");
    match judge(path, &content) {
        Ok(_) => {}
        Err(problem) => anstream::println!("it cannot be replayed here: {problem}"),
    }
    Ok(Answer::None)
}

fn judge(path: &Path, content: &Content) -> Result<Answer, Problem> {
    let site = content.site(path)?;
    let entries = content.entries(path)?;
    let replay = replay(&site, &content.header, &content.envelopes);
    let replay = replay.map_err(|error| Problem::input(path, error))?;
    print_replay(&replay);
    let audit = Audit::of(&content.header, &entries, &site, sheepdog_interlock::CATALOGUE);
    print_audit(&audit);
    Ok(if replay.is_faithful() && audit.is_sound() == Some(true) { Answer::Yes } else { Answer::No })
}

fn print_replay(replay: &Replay) {
    anstream::println!(
        "{} inputs fed in, {} decisions made again, {} of the ledger's came out the same",
        replay.inputs,
        replay.decisions,
        replay.reproduced
    );
    match (replay.outcome(), replay.differs_at) {
        (Outcome::Differs { seq }, _) => anstream::println!("DIFFERS from record {seq} on"),
        (Outcome::OtherVersion(_), Some(seq)) => {
            anstream::println!("this version decides otherwise from record {seq} on");
        }
        (Outcome::OtherVersion(_) | Outcome::Faithful, _) => {}
    }
}

fn print_audit(audit: &Audit) {
    anstream::println!(
        "{} awards, holds and stops checked on their evidence, {} findings",
        audit.checked,
        audit.findings.len()
    );
    for finding in audit.findings.iter().take(20) {
        let rule = finding.rule.map_or_else(|| "no rule".to_owned(), |rule| rule.to_string());
        anstream::println!("  record {}: {rule}: {}", finding.seq, finding.reason);
    }
}

fn show(path: &Path, from: u64, count: usize) -> Result<Answer, Problem> {
    let content = Content::load(path)?;
    for envelope in content.envelopes.iter().filter(|envelope| from <= envelope.seq).take(count) {
        let Envelope { seq, time, .. } = envelope;
        if envelope.bytes().is_none() {
            print_line(
                *time,
                *seq,
                &format!("(kind {}, {} bytes left out)", envelope.kind.0, envelope.body.length()),
            );
            continue;
        }
        let record = Record::decode(envelope).map_err(|error| Problem::input(path, error))?;
        print_line(*time, *seq, &format!("{record:?}"));
    }
    Ok(Answer::Yes)
}

pub(crate) fn print_line(time: FleetTime, seq: u64, what: &str) {
    anstream::println!("{:>10}  #{seq:<6} {what}", time.to_string());
}

fn explain(path: &Path, task: Option<&str>) -> Result<Answer, Problem> {
    let content = Content::load(path)?;
    let entries = content.entries(path)?;
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
    let site = content.site(path)?;
    anstream::print!("{}", explain_task(&entries, &site, id).unwrap_or_default());
    Ok(Answer::Yes)
}
