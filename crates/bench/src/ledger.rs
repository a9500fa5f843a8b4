//! What it costs to put a record on file, and to prove a file.

use std::{
    fs::{self, File},
    hint::black_box,
    io::Write,
    path::{Path, PathBuf},
};

use sheepdog_core::{FleetTime, RuleId};
use sheepdog_ledger::{Envelope, Kind, Ledger, SaltKey, Writer, verify};
use sheepdog_runtime::Clock;

use crate::{figure::Figure, median};

/// Bytes of a body: about what a decision of a robot's interlock takes.
const BODY: usize = 160;

/// Records that are written together, as the records of one event of a fleet are.
const BATCH: usize = 32;

/// `ledger_append_accepted_ns`: one record made, salted, chained and written to a file, in batches of 32 with one
/// write each. `ledger_append_accepted_alone_ns`: the same with one write for each record, beside as many writes of as many
/// bytes and nothing else. `ledger_append_durable_us`: one record, and the file synced. `ledger_verify_records_per_s`: a
/// file in memory checked.
pub(crate) fn run(quick: bool) -> Result<Vec<Figure>, Box<dyn std::error::Error>> {
    let folder = Folder::new()?;
    let runs = if quick { 5 } else { 41 };
    let (mut together, mut alone, mut bare, mut durable, mut verified) =
        (vec![], vec![], vec![], vec![], vec![]);
    // Interleaved, so that all of them meet the same machine.
    for run in 0..runs {
        together.push(accepted(&folder.0.join(format!("together-{run}")), BATCH, 10_000)?);
        alone.push(accepted(&folder.0.join(format!("alone-{run}")), 1, 10_000)?);
        bare.push(written(&folder.0.join(format!("bare-{run}")), 10_000)?);
        durable.push(synced(&folder.0.join(format!("durable-{run}")), 20)?);
        verified.push(checked(10_000)?);
    }
    let figure = |name, value, unit| Figure::alone("interlock", name, value, unit);
    Ok(vec![
        figure("ledger_append_accepted_ns", median(together), "ns"),
        figure("ledger_append_accepted_alone_ns", median(alone), "ns").beside("write", median(bare)),
        figure("ledger_append_durable_us", median(durable), "µs"),
        figure("ledger_verify_records_per_s", median(verified), "records/s"),
    ])
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("sheepdog-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _removed = fs::remove_dir_all(&self.0);
    }
}

fn ledger() -> Ledger {
    Ledger::new(b"bench", SaltKey::new([7; 32]))
}

fn next(ledger: &mut Ledger) -> Envelope {
    let time = FleetTime::from_micros(ledger.next_seq());
    ledger.append(time, Kind(11), Some(RuleId::new("OBS-001")), black_box(vec![0x5a; BODY]))
}

fn seconds(clock: &Clock) -> f64 {
    clock.now().since(FleetTime::ZERO).unwrap_or_default().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn accepted(path: &Path, batch: usize, records: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let mut ledger = ledger();
    let mut writer = Writer::create(File::create(path)?, b"bench")?;
    let mut envelopes = Vec::with_capacity(batch);
    let batches = records / batch;
    let clock = Clock::starting_at(FleetTime::ZERO);
    for _ in 0..batches {
        envelopes.extend((0..batch).map(|_| next(&mut ledger)));
        writer.write_all(&envelopes)?;
        envelopes.clear();
    }
    Ok(seconds(&clock) * 1e9 / (batches * batch) as f64)
}

/// Writes of records' size without any record: what the system takes of an append.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn written(path: &Path, records: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let mut one = Writer::create(Vec::new(), b"bench")?;
    let header = one.get_mut().len();
    one.write(&next(&mut ledger()))?;
    let bytes = one.into_inner().split_off(header);
    let mut file = File::create(path)?;
    let clock = Clock::starting_at(FleetTime::ZERO);
    for _ in 0..records {
        file.write_all(black_box(&bytes))?;
    }
    Ok(seconds(&clock) * 1e9 / records as f64)
}

fn synced(path: &Path, records: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let mut ledger = ledger();
    let mut writer = Writer::create(File::create(path)?, b"bench")?;
    let clock = Clock::starting_at(FleetTime::ZERO);
    for _ in 0..records {
        writer.write(&next(&mut ledger))?;
        writer.get_mut().sync_data()?;
        writer.synced();
    }
    Ok(seconds(&clock) * 1e6 / f64::from(records))
}

fn checked(records: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let mut ledger = ledger();
    let mut writer = Writer::create(Vec::new(), b"bench")?;
    for _ in 0..records {
        writer.write(&next(&mut ledger))?;
    }
    let bytes = writer.into_inner();
    let clock = Clock::starting_at(FleetTime::ZERO);
    black_box(verify(black_box(&bytes))?);
    Ok(f64::from(records) / seconds(&clock))
}
