//! What a ledger file promises.

use std::{
    io::{self, Read, Write},
    ops::Range,
};

use proptest::prelude::*;
use sheepdog_core::{FleetTime, RuleId};

use crate::{
    BODY_LENGTH_MAX, Body, Checkpoint, Digest, Envelope, HEADER_LENGTH_MAX, Kind, Ledger, LedgerError,
    Reader, SaltKey, Tail, Verifier, Writer, file::FrameHead, redact, verify, verify_after_crash,
    verify_against,
};

/// Salts that are not zero.
const KEY: SaltKey = SaltKey::new([7; 32]);

fn written(header: &[u8], bodies: &[Vec<u8>]) -> (Vec<u8>, Vec<Envelope>) {
    let mut ledger = Ledger::new(header, KEY);
    let mut writer = Writer::create(Vec::new(), header).unwrap();
    let append = |(time, body): (u64, &Vec<u8>)| {
        let rule = (time % 2 == 0).then(|| RuleId::new("DSP-001"));
        ledger.append(FleetTime::from_micros(time), Kind(7), rule, body.clone())
    };
    let records: Vec<_> = (0_u64..).zip(bodies).map(append).collect();
    for record in &records {
        writer.write(record).unwrap();
    }
    assert_eq!((writer.seq(), writer.head()), (ledger.next_seq(), ledger.head()));
    assert_eq!(writer.offset(), writer.get_mut().len() as u64);
    (writer.into_inner(), records)
}

/// Where each record stands.
fn frames(header: &[u8], records: &[Envelope]) -> Vec<Range<usize>> {
    let mut start = 14 + 40 + header.len() + 32;
    let frame = |record: &Envelope| {
        let from = start;
        start += 8 + 1 + 65 + 16 + length(record) + 32;
        from..start
    };
    records.iter().map(frame).collect()
}

fn length(record: &Envelope) -> usize {
    usize::try_from(record.body.length()).unwrap()
}

fn bodies(count: Range<usize>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    // Few different bodies, so that records are often equal but for their place.
    prop::collection::vec(prop::collection::vec(0_u8..2, 0..4), count)
}

#[test]
fn an_empty_ledger_is_intact_and_its_header_is_readable() {
    let (bytes, _) = written(b"sheepdog 0.1.0", &[]);
    let ledger = Ledger::new(b"sheepdog 0.1.0", KEY);
    let found = verify(&bytes).unwrap();
    assert_eq!(&found.chain, ledger.chain());
    assert_eq!((found.records(), found.first, found.removed, found.torn_tail), (0, 0, None, None));
    assert_eq!(Reader::new(bytes.as_slice()).unwrap().header(), b"sheepdog 0.1.0");
}

/// Every bit of a file with several records, the header included.
#[test]
fn every_flipped_bit_is_found() {
    let (bytes, _) = written(b"head", &[vec![1], vec![], vec![2, 3]]);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&changed).is_err(), "bit {bit}");
    }
}

/// A crash can cut the file anywhere: what was whole stays whole, the rest is torn, nothing is corrupt.
#[test]
fn every_cut_is_a_torn_tail() {
    let (bytes, records) = written(b"head", &[vec![1], vec![], vec![2, 3]]);
    let frames = frames(b"head", &records);
    for length in 0..bytes.len() {
        let found = verify(&bytes[..length]);
        if length < frames[0].start {
            assert_eq!(found, Err(LedgerError::HeaderCutShort { offset: length as u64 }));
            continue;
        }
        let whole = frames.iter().filter(|frame| frame.end <= length).count();
        let end = if whole == 0 { frames[0].start } else { frames[whole - 1].end };
        let found = found.unwrap();
        assert_eq!(found.records(), whole as u64);
        assert_eq!(found.torn_tail, (end < length).then_some(end as u64), "cut at {length}");
    }
}

#[test]
fn a_tail_of_zeros_is_torn_but_zeros_before_a_record_are_not() {
    let (mut bytes, records) = written(b"", &[vec![1]]);
    let end = bytes.len();
    bytes.resize(end + 1_000, 0);
    assert_eq!(verify(&bytes).unwrap().torn_tail, Some(end as u64));
    bytes.push(1);
    assert_eq!(verify(&bytes), Err(LedgerError::Length { offset: end as u64, seq: records.len() as u64 }));
}

#[test]
fn a_huge_length_allocates_nothing() {
    let (mut bytes, _) = written(b"", &[]);
    let start = bytes.len();
    let end = start as u64;
    let overhead = 1 + 65 + 16 + 32;
    let length = overhead + BODY_LENGTH_MAX;
    for (claimed, expected) in [
        (length, Ok(Some(end))),
        (length + 1, Err(LedgerError::Length { offset: end, seq: 0 })),
        (overhead - 1, Err(LedgerError::Length { offset: end, seq: 0 })),
        (u32::MAX, Err(LedgerError::Length { offset: end, seq: 0 })),
    ] {
        bytes.truncate(start);
        bytes.extend(claimed.to_le_bytes());
        bytes.extend((!claimed).to_le_bytes());
        assert_eq!(verify(&bytes).map(|verified| verified.torn_tail), expected);
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        assert_eq!(reader.by_ref().count(), usize::from(claimed != length));
        assert!(reader.frame_capacity() < 1_000);
    }
}

/// The checkpoint after each record.
fn checkpoints(header: &[u8], bytes: &[u8], records: &[Envelope]) -> Vec<Checkpoint> {
    let prefix = |frame: Range<usize>| verify(&bytes[..frame.end]).unwrap().checkpoint();
    frames(header, records).into_iter().map(prefix).collect()
}

#[test]
fn a_checkpoint_shows_truncation_and_rewriting() {
    let (bytes, records) = written(b"head", &[vec![1], vec![2], vec![3]]);
    let frames = frames(b"head", &records);
    let checkpoints = checkpoints(b"head", &bytes, &records);
    for ((record, frame), checkpoint) in records.iter().zip(&frames).zip(&checkpoints) {
        assert_eq!((checkpoint.seq, checkpoint.digest), (record.seq + 1, record.digest));
        assert!(verify_against(&bytes, checkpoint).is_ok());
        let before = &bytes[..frame.start];
        assert!(verify(before).is_ok());
        assert_eq!(
            verify_against(before, checkpoint),
            Err(LedgerError::CutShort { seq: record.seq + 1, records: record.seq })
        );
    }
    let (rewritten, _) = written(b"head", &[vec![1], vec![9], vec![3]]);
    assert!(verify(&rewritten).is_ok());
    assert!(verify_against(&rewritten, &checkpoints[0]).is_ok());
    assert!(matches!(
        verify_against(&rewritten, &checkpoints[1]),
        Err(LedgerError::Checkpoint { expected, .. }) if *expected == checkpoints[1]
    ));
    let otherwise = Checkpoint { root: Digest([1; 32]), ..checkpoints[1] };
    assert!(verify_against(&bytes, &otherwise).is_err());
    assert!(verify_against(&bytes, &Ledger::new(b"head", KEY).checkpoint()).is_ok());
    assert!(verify_against(&bytes, &Ledger::new(b"tail", KEY).checkpoint()).is_err());
}

#[test]
fn a_torn_file_is_continued_after_truncation() {
    let (bytes, records) = written(b"head", &[vec![1], vec![2]]);
    let found = verify(&bytes[..bytes.len() - 1]).unwrap();
    let end = found.torn_tail.unwrap();
    let kept = bytes[..usize::try_from(end).unwrap()].to_vec();
    let mut writer = Writer::resume(kept, &found.chain, end);
    let mut ledger = Ledger::resume(found.chain, KEY);
    let body = records[1].bytes().unwrap().to_vec();
    let again = ledger.append(records[1].time, records[1].kind, records[1].rule, body);
    writer.write(&again).unwrap();
    assert_eq!(writer.into_inner(), bytes);
}

#[test]
fn the_writer_refuses_what_would_not_verify() {
    let mut ledger = Ledger::new(b"", KEY);
    let mut writer = Writer::create(Vec::new(), b"").unwrap();
    let first = ledger.append(FleetTime::ZERO, Kind(0), None, vec![1]);
    let second = ledger.append(FleetTime::ZERO, Kind(0), None, vec![2]);
    assert!(matches!(writer.write(&second), Err(LedgerError::Sequence { seq: 0, found: 1, .. })));
    let stranger = Ledger::new(b"other", KEY).append(FleetTime::ZERO, Kind(0), None, vec![1]);
    assert!(matches!(writer.write(&stranger), Err(LedgerError::Chain { seq: 0, .. })));
    let old = Envelope { body: Body::Unsalted { bytes: vec![1] }, ..first.clone() };
    assert_eq!(writer.write(&old), Err(LedgerError::Unsalted { seq: 0 }));
    let batch = [first.clone(), first.clone()];
    assert!(matches!(writer.write_all(&batch), Err(LedgerError::Sequence { seq: 1, .. })));
    assert_eq!(writer.seq(), 0, "nothing of a refused batch is written");
    let huge = ledger.append(FleetTime::ZERO, Kind(0), None, vec![0; BODY_LENGTH_MAX as usize + 1]);
    assert!(matches!(writer.write(&huge), Err(LedgerError::BodyTooLong { .. })));
    writer.write(&first).unwrap();
    writer.write(&second).unwrap();
    assert_eq!(verify(&writer.into_inner()).map(|verified| verified.records()), Ok(2));
    let header = vec![0; HEADER_LENGTH_MAX as usize + 1];
    assert!(matches!(Writer::create(Vec::new(), &header), Err(LedgerError::HeaderTooLong { .. })));
    assert!(Writer::create(Vec::new(), &header[1..]).is_ok());
}

/// A disk that takes `left` bytes and then is full.
struct Disk {
    left: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_nothing_more_is_written() {
    let mut ledger = Ledger::new(b"", KEY);
    let mut writer = Writer::create(Disk { left: 100 }, b"").unwrap();
    let first = ledger.append(FleetTime::ZERO, Kind(0), None, Vec::new());
    assert!(matches!(writer.write(&first), Err(LedgerError::Io { kind: io::ErrorKind::WriteZero, .. })));
    writer.get_mut().left = 1_000;
    assert_eq!(writer.write(&first), Err(LedgerError::WriterFailed));
    assert_eq!(writer.get_mut().left, 1_000);
}

#[test]
fn other_files_and_versions_are_named() {
    let (bytes, _) = written(b"head", &[]);
    let mut newer = bytes.clone();
    newer[8] = 3;
    assert_eq!(verify(&newer), Err(LedgerError::Version { found: 3 }));
    newer[8] = 0;
    assert_eq!(verify(&newer), Err(LedgerError::Version { found: 0 }));
    assert_eq!(verify(b"<html><body></body></html>"), Err(LedgerError::NotALedger));
    assert_eq!(verify(b"SHEEP"), Err(LedgerError::HeaderCutShort { offset: 5 }));
    assert_eq!(verify(b""), Err(LedgerError::HeaderCutShort { offset: 0 }));
}

#[test]
fn an_error_says_where_and_ends_the_reading() {
    let (mut bytes, records) = written(b"head", &[vec![1], vec![2], vec![3]]);
    let second = frames(b"head", &records)[1].clone();
    bytes[second.start + 8 + 1 + 65 + 16] ^= 1;
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    assert_eq!(reader.next(), Some(Ok(records[0].clone())));
    let error = reader.next().unwrap().unwrap_err();
    let offset = second.start as u64;
    assert!(matches!(error, LedgerError::Digest { seq: 1, expected, offset: at, .. }
        if expected == records[1].digest && at == offset));
    assert_eq!(reader.next(), None);
    assert_eq!((reader.here().seq(), reader.here().head()), (1, records[0].digest));
}

/// A reader that gives one byte at a time, with interruptions.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let (Some(first), Some(slot)) = (self.0.first(), to.first_mut()) else { return Ok(0) };
        *slot = *first;
        self.0 = &self.0[1..];
        Ok(1)
    }
}

/// Records in several files: a list of bodies for each.
fn segmented(parts: &[Vec<Vec<u8>>]) -> (Vec<Vec<u8>>, Ledger) {
    let mut ledger = Ledger::new(b"part 0", KEY);
    let mut files: Vec<Vec<u8>> = Vec::new();
    for (number, bodies) in parts.iter().enumerate() {
        let header = format!("part {number}");
        let mut writer = if number == 0 {
            Writer::create(Vec::new(), header.as_bytes()).unwrap()
        } else {
            let writer = Writer::create_segment(Vec::new(), header.as_bytes(), ledger.chain()).unwrap();
            ledger.begin_segment(header.as_bytes());
            writer
        };
        for body in bodies {
            let record = ledger.append(FleetTime::ZERO, Kind(1), None, body.clone());
            writer.write(&record).unwrap();
        }
        assert_eq!((writer.seq(), writer.head()), (ledger.next_seq(), ledger.head()));
        files.push(writer.into_inner());
    }
    (files, ledger)
}

fn verify_files(files: &[Vec<u8>], mut verifier: Verifier) -> Result<crate::Verified, LedgerError> {
    let (last, before) = files.split_last().unwrap();
    before.iter().try_for_each(|file| verifier.file(file))?;
    verifier.last_file(last)
}

#[test]
fn what_was_not_durable_may_have_a_hole_after_a_crash() {
    let mut ledger = Ledger::new(b"", KEY);
    let mut writer = Writer::create(Vec::new(), b"").unwrap();
    let mut records: Vec<_> =
        (0..6).map(|n| ledger.append(FleetTime::ZERO, Kind(0), None, vec![n; 40])).collect();
    let rest = records.split_off(3);
    writer.write_all(&records).unwrap();
    let first_batch = writer.offset();
    writer.synced();
    writer.write_all(&rest).unwrap();
    let bytes = writer.into_inner();
    assert!(verify(&bytes).is_ok());
    let at = |offset: u64| usize::try_from(offset).unwrap();
    // The second batch was never synced: a hole in it is torn, whatever follows.
    for hole in [at(first_batch), at(first_batch) + 9, at(first_batch) + 200, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[hole] ^= 0xff;
        assert!(verify(&changed).is_err());
        let found = verify_after_crash(&changed).unwrap();
        assert!(3 <= found.records() && found.records() < 6);
        assert!(found.torn_tail.is_some());
    }
    // The first batch was durable before the second was written: a hole in it is damage.
    let start = 14 + 40 + 32;
    for hole in [start, start + 9, start + 200, at(first_batch) - 1] {
        let mut changed = bytes.clone();
        changed[hole] ^= 0xff;
        assert!(verify_after_crash(&changed).is_err(), "byte {hole}");
    }
}

/// The copy has the digests of the original, the bodies that stay, and nothing else.
#[test]
fn a_redacted_export_verifies_and_says_less() {
    let mut ledger = Ledger::new(b"head", KEY);
    let mut writer = Writer::create(Vec::new(), b"head").unwrap();
    for n in 0..8_u16 {
        let body = format!("secret {n}").into_bytes();
        writer.write(&ledger.append(FleetTime::ZERO, Kind(n % 3), None, body)).unwrap();
    }
    let bytes = writer.into_inner();
    let mut copy = Vec::new();
    let done = redact(Reader::new(bytes.as_slice()).unwrap(), &mut copy, |kind| kind == Kind(1)).unwrap();
    assert_eq!((done.records, done.redacted), (8, 3));
    let found = verify_against(&copy, &ledger.checkpoint()).unwrap();
    assert_eq!((found.records(), found.redacted), (8, 3));
    let bodies: Vec<_> = Reader::new(copy.as_slice())
        .unwrap()
        .map(|record| record.unwrap().bytes().map(<[u8]>::to_vec))
        .collect();
    for (n, body) in bodies.iter().enumerate() {
        assert_eq!(body.is_none(), n % 3 == 1);
        let text = format!("secret {n}");
        assert_eq!(copy.windows(text.len()).any(|here| here == text.as_bytes()), n % 3 != 1);
        // Nor is the salt there, with which the body could be guessed.
        let salt = KEY.salt(n as u64).0;
        assert_eq!(copy.windows(16).any(|here| here == salt), n % 3 != 1);
    }
    for bit in 0..copy.len() * 8 {
        let mut changed = copy.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn only_the_check_that_is_written_is_possible() {
    for length in [114, 200, 1 << 20] {
        for durable in [false, true] {
            let bytes = FrameHead::new(length, durable).bytes();
            let head = FrameHead::parse(&bytes).unwrap();
            assert!(head.is_possible(2));
            assert_eq!(head.is_possible(1), !durable);
            assert_eq!(head.is_durable_before(), durable);
            for bit in 0..64 {
                let flipped = (u64::from_le_bytes(bytes) ^ 1 << bit).to_le_bytes();
                assert!(!FrameHead::parse(&flipped).unwrap().is_possible(2), "bit {bit}");
            }
        }
    }
}

#[test]
fn a_checkpoint_in_a_removed_part_cannot_be_compared() {
    let (files, ledger) = segmented(&[vec![vec![1], vec![2]], vec![vec![3]], vec![vec![4]]]);
    let all = |checkpoint| verify_files(&files, Verifier::against(checkpoint));
    let kept = |checkpoint| verify_files(&files[1..], Verifier::against(checkpoint));
    let mut checkpoints = vec![Ledger::new(b"part 0", KEY).checkpoint()];
    let mut seen = Vec::new();
    for file in &files {
        let mut reader = Reader::new(file.as_slice()).unwrap();
        while let Some(record) = reader.next() {
            seen.push(record.unwrap().digest);
            checkpoints.push(reader.here().checkpoint());
        }
    }
    assert_eq!(checkpoints.last(), Some(&ledger.checkpoint()));
    for checkpoint in &checkpoints {
        assert!(all(*checkpoint).is_ok());
        let found = kept(*checkpoint);
        if checkpoint.seq < 2 {
            assert_eq!(found, Err(LedgerError::Removed { seq: checkpoint.seq, first: 2 }));
        } else {
            let found = found.unwrap();
            assert_eq!((found.records(), found.first, found.removed), (4, 2, Some(checkpoints[2])));
        }
    }
    // What is kept still proves that it grew out of what was removed.
    let mut leaves = Reader::new(files[1].as_slice()).unwrap().leaves().unwrap();
    leaves.extend(Reader::new(files[2].as_slice()).unwrap()).unwrap();
    assert_eq!(leaves.root(4), Some(ledger.checkpoint().root));
    let proof = leaves.prove_consistency(2, 4).unwrap();
    assert!(proof.verify(checkpoints[2].root, checkpoints[4].root));
    let proof = leaves.prove_inclusion(3, 4).unwrap();
    assert!(proof.verify(seen[3], checkpoints[4].root));
}

proptest! {
    /// A ledger in several files verifies as one, however it was split; and no file can be left out, exchanged or
    /// changed.
    #[test]
    fn several_files_are_one_ledger(
        parts in prop::collection::vec(bodies(0..4), 2..5), order in prop::collection::vec(0_usize..5, 1..5),
        flipped: prop::sample::Index,
    ) {
        // A file that goes on after no record at all would be a beginning.
        let mut parts = parts;
        parts[0].push(vec![7]);
        let (files, ledger) = segmented(&parts);
        let checkpoint = ledger.checkpoint();
        let found = verify_files(&files, Verifier::against(checkpoint)).unwrap();
        prop_assert_eq!(&found.chain, ledger.chain());
        prop_assert_eq!(found.records(), parts.iter().map(Vec::len).sum::<usize>() as u64);
        let order: Vec<_> = order.into_iter().map(|index| index % files.len()).collect();
        let other: Vec<_> = order.iter().map(|index| files[*index].clone()).collect();
        let is_run = order.windows(2).all(|two| two[0] + 1 == two[1]);
        let ends = order.last() == Some(&(files.len() - 1));
        // A file without records may be missing or repeated: nothing is missing then.
        if parts.iter().all(|bodies| !bodies.is_empty()) {
            prop_assert_eq!(verify_files(&other, Verifier::new()).is_ok(), is_run);
            prop_assert_eq!(verify_files(&other, Verifier::against(checkpoint)).is_ok(), is_run && ends);
        }
        let mut changed = files.clone();
        let all: usize = files.iter().map(Vec::len).sum();
        let mut bit = flipped.index(all * 8);
        let file = changed.iter_mut().find(|file| {
            let here = bit < file.len() * 8;
            if !here {
                bit -= file.len() * 8;
            }
            here
        });
        file.unwrap()[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify_files(&changed, Verifier::new()).is_err());
    }

    /// What was written is what is read, whatever the reader underneath does.
    #[test]
    fn reading_gives_back_what_was_written(header: [u8; 3], bodies in bodies(0..6), zeros in 0_usize..20) {
        let (mut bytes, records) = written(&header, &bodies);
        let end = bytes.len() as u64;
        bytes.resize(bytes.len() + zeros, 0);
        let mut reader = Reader::new(Slow(&bytes, false)).unwrap();
        prop_assert_eq!(reader.header(), &header);
        let read: Result<Vec<_>, _> = reader.by_ref().collect();
        prop_assert_eq!(read, Ok(records));
        let tail = if zeros == 0 { Tail::Clean } else { Tail::Torn { offset: end } };
        prop_assert_eq!(reader.tail(), tail);
    }

    /// Dropping, swapping, inserting and repeating whole records is found; only a drop at the end needs a
    /// checkpoint.
    #[test]
    fn every_rearrangement_is_found(
        bodies in bodies(1..6), order in prop::collection::vec(0_usize..6, 0..8),
    ) {
        let (bytes, records) = written(b"head", &bodies);
        let frames = frames(b"head", &records);
        let order: Vec<_> = order.into_iter().map(|index| index % records.len()).collect();
        let mut rearranged = bytes[..frames[0].start].to_vec();
        rearranged.extend(order.iter().flat_map(|index| bytes[frames[*index].clone()].to_vec()));
        let prefix = order.iter().copied().eq(0..order.len());
        prop_assert_eq!(verify(&rearranged).is_ok(), prefix);
        let checkpoint = *checkpoints(b"head", &bytes, &records).last().unwrap();
        prop_assert_eq!(verify_against(&rearranged, &checkpoint).is_ok(), rearranged == bytes);
    }

    /// A record of another ledger does not fit in, even with the same content.
    #[test]
    fn a_foreign_record_is_found(bodies in bodies(1..5), at in 0_usize..5) {
        let (bytes, records) = written(b"ours", &bodies);
        let (foreign, _) = written(b"else", &bodies);
        let frame = frames(b"ours", &records)[at % records.len()].clone();
        let mut mixed = bytes.clone();
        mixed[frame.clone()].copy_from_slice(&foreign[frame]);
        prop_assert!(verify(&mixed).is_err());
    }

    /// Arbitrary bytes behind a good start are refused or torn, and never make the reader panic.
    #[test]
    fn arbitrary_bytes_are_no_records(
        tail in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xff), any::<u8>()], 0..300),
    ) {
        let (mut bytes, _) = written(b"head", &[vec![1]]);
        let end = bytes.len() as u64;
        bytes.extend(&tail);
        if let Ok(found) = verify(&bytes) {
            prop_assert_eq!(found.records(), 1);
            prop_assert_eq!(found.torn_tail, (!tail.is_empty()).then_some(end));
        }
        prop_assert!(verify(&tail).is_err());
    }
}
