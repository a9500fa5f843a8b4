//! Ledgers of every format that was ever written stay readable. A new format adds a file here; no file is ever made
//! anew.
#![expect(clippy::unwrap_used, reason = "a test")]

use sheepdog_core::{FleetTime, RuleId};
use sheepdog_ledger::{Body, Envelope, Kind, Ledger, Reader, SaltKey, Verified, Writer, verify};

/// `GOLDEN_OUT=folder cargo test -p sheepdog-ledger --test golden` writes what this version writes, for a new file.
const FORMAT_1: &[u8] = include_bytes!("golden/format-1.ledger");
const FORMAT_2: &[u8] = include_bytes!("golden/format-2.ledger");

/// What record `n` of a golden ledger says.
fn expected(n: u64) -> (FleetTime, Kind, Option<RuleId>, Vec<u8>) {
    let body = (0..n * 7).map(|i| u8::try_from((i * 31 + n) % 256).unwrap()).collect();
    let rule = (n % 3 == 1).then(|| RuleId::new("DSP-001"));
    (FleetTime::from_micros(n * 1_000_003), Kind(u16::try_from(n % 4).unwrap()), rule, body)
}

fn read(file: &[u8]) -> (u16, Vec<u8>, Vec<Envelope>, Verified) {
    let mut reader = Reader::new(file).unwrap();
    let records = reader.by_ref().collect::<Result<Vec<_>, _>>().unwrap();
    (reader.version(), reader.header().to_vec(), records, verify(file).unwrap())
}

fn check_records(records: &[Envelope]) {
    assert_eq!(records.len(), 9);
    for (n, record) in (0..).zip(records) {
        let (time, kind, rule, body) = expected(n);
        assert_eq!((record.seq, record.time, record.kind, record.rule), (n, time, kind, rule));
        assert_eq!(record.bytes(), Some(body.as_slice()));
    }
}

#[test]
fn format_1_is_still_read_and_verified() {
    let (version, header, records, verified) = read(FORMAT_1);
    assert_eq!((version, header.as_slice()), (1, &b"golden ledger, format 1"[..]));
    check_records(&records);
    assert!(records.iter().all(|record| matches!(record.body, Body::Unsalted { .. })));
    assert_eq!(
        verified.head().to_string(),
        "e750695370589254427583086c701b34b5f26d670d094d4a21aa2b5078744f37"
    );
    assert_eq!((verified.records(), verified.torn_tail), (9, None));
    for bit in 0..FORMAT_1.len() * 8 {
        let mut changed = FORMAT_1.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&changed).is_err(), "bit {bit}");
    }
}

/// What follows a ledger of format 1 goes into a file of its own.
#[test]
fn format_1_is_continued_in_a_new_file() {
    let before = verify(FORMAT_1).unwrap().chain;
    let mut ledger = Ledger::resume(before.clone(), SaltKey::PUBLIC);
    let mut writer = Writer::create_segment(Vec::new(), b"next", &before).unwrap();
    ledger.begin_segment(b"next");
    writer.write(&ledger.append(FleetTime::ZERO, Kind(1), None, vec![1])).unwrap();
    let next = writer.into_inner();
    let mut verifier = sheepdog_ledger::Verifier::new();
    verifier.file(FORMAT_1).unwrap();
    assert_eq!(verifier.last_file(&next).unwrap().records(), 10);
}

#[test]
fn format_2_is_still_read_and_is_what_is_written() {
    let mut ledger = Ledger::new(b"golden ledger, format 2", SaltKey::new([42; 32]));
    let mut writer = Writer::create(Vec::new(), b"golden ledger, format 2").unwrap();
    for n in 0..9 {
        let (time, kind, rule, body) = expected(n);
        let record = ledger.append(time, kind, rule, body);
        // Two records without their bodies, and a sync after every third.
        let record = if n % 4 == 3 { record.redacted().unwrap() } else { record };
        writer.write(&record).unwrap();
        if n % 3 == 2 {
            writer.synced();
        }
    }
    let written = writer.into_inner();
    if let Some(folder) = std::env::var_os("GOLDEN_OUT") {
        std::fs::write(std::path::Path::new(&folder).join("format-2.ledger"), &written).unwrap();
    }
    assert!(written == FORMAT_2, "this version writes something else in format 2");
    let (version, header, mut records, verified) = read(FORMAT_2);
    assert_eq!((version, header.as_slice()), (2, &b"golden ledger, format 2"[..]));
    assert_eq!((verified.records(), verified.redacted, verified.torn_tail), (9, 2, None));
    assert_eq!(verified.checkpoint(), ledger.checkpoint());
    for n in [3, 7] {
        let (.., bytes) = expected(n);
        let place = usize::try_from(n).unwrap();
        assert_eq!(records[place].bytes(), None);
        assert_eq!(records[place].body.length(), bytes.len() as u64);
        records[place].body = Body::Unsalted { bytes };
    }
    check_records(&records);
}
