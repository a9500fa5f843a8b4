//! One seed, one ledger; and what a ledger is good for.

use proptest::prelude::*;
use sheepdog::fleet::{Audit, Header, Outcome, may_name_people, replay};
use sheepdog::ledger::{Digest, Envelope, Reader, redact, verify, verify_against};
use sheepdog::map::Site;
use sheepdog::runtime::Pool;
use sheepdog::scenario::{DeliveryLoad, Setup, World};
use sheepdog::vocabulary::{Micros, Mm, Sequential, Workers};
use sheepdog_testkit::{Incident, Story, StoryOptions, Trouble, check, few, stories_with};

use crate::common::{ask, carry, run_until, setup};

/// A busy minute in the hospital with enough robots for several workers.
fn busy_minute(seed: u64, workers: &dyn Workers) -> Vec<u8> {
    let site = Site::from_toml(include_str!("../../sites/hospital.toml")).unwrap();
    let options = Setup::options(Mm(300), Mm(150), None);
    let mut setup = Setup::random_deliveries(&site, &options, 16, 24, DeliveryLoad::default(), seed).unwrap();
    setup.duration = Micros::from_secs(60);
    let mut world = World::new(setup).unwrap();
    world.run(workers).unwrap();
    world.ledger().to_vec()
}

#[test]
fn same_seed_same_bytes_on_any_number_of_workers_and_other_seeds_other_bytes() {
    let ledgers: Vec<Vec<u8>> = (1..=5).map(|seed| busy_minute(seed, &Sequential)).collect();
    for (index, ledger) in ledgers.iter().enumerate() {
        assert!(ledgers.iter().skip(index + 1).all(|other| other != ledger));
    }
    assert_eq!(busy_minute(1, &Sequential), ledgers[0]);
    assert_eq!(busy_minute(1, &Pool::new(1)), ledgers[0]);
    assert_eq!(busy_minute(1, &Pool::new(2)), ledgers[0]);
    check::replays(&ledgers[0]).unwrap();
    check::any_flipped_bit_is_found(&ledgers[0], 80_021).unwrap();
}

/// A minute of the small building, in which somebody wants a thing with a telling name.
fn telling_minute() -> Vec<u8> {
    let mut setup = setup();
    let request = carry(&setup, "insulin for Mrs Miller", "bay-1", "bay-4");
    ask(&mut setup, 1, request);
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 60);
    world.ledger().to_vec()
}

/// A ledger that other software or other rules wrote is never said to diverge, even if it does.
#[test]
fn another_version_is_said_and_is_no_divergence() {
    let ledger = telling_minute();
    let reader = Reader::new(ledger.as_slice()).unwrap();
    let header = Header::decode(reader.header()).unwrap();
    let site = header.compile().unwrap();
    let mut envelopes: Vec<Envelope> = reader.collect::<Result<_, _>>().unwrap();
    assert_eq!(replay(&site, &header, &envelopes).unwrap().outcome(), Outcome::Faithful);
    // A decision that this software does not make.
    let input = envelopes.iter().rposition(|envelope| envelope.kind.0 == 32).unwrap();
    let decision = envelopes.iter().rposition(|envelope| envelope.kind.0 == 9).unwrap();
    envelopes[decision].time = envelopes[input].time;
    let found = replay(&site, &header, &envelopes).unwrap();
    assert!(matches!(found.outcome(), Outcome::Differs { .. }));
    let software = Header { software: "sheepdog 0.0.9".to_owned(), ..header.clone() };
    let rules = Header { rules: Some(Digest([1; 32])), ..header.clone() };
    for other in [software, rules] {
        let found = replay(&site, &other, &envelopes).unwrap();
        let Outcome::OtherVersion(versions) = found.outcome() else { panic!("{:?}", found.outcome()) };
        assert_eq!(
            (&versions.written_by.software, versions.written_by.rules),
            (&other.software, other.rules)
        );
        assert!(!found.is_faithful());
        assert_eq!(Audit::of(&other, &[], &site, &[]).is_sound(), None);
    }
    assert_eq!(Audit::of(&header, &[], &site, &[]).is_sound(), Some(true));
}

/// An export names nobody, says nothing in anybody's words, and still verifies against the original's checkpoint.
#[test]
fn a_redacted_export_names_nobody_and_verifies() {
    let ledger = telling_minute();
    let checkpoint = verify(&ledger).unwrap().checkpoint();
    let mut export = Vec::new();
    let done = redact(Reader::new(ledger.as_slice()).unwrap(), &mut export, may_name_people).unwrap();
    let found = verify_against(&export, &checkpoint).unwrap();
    assert_eq!((found.redacted, found.records()), (done.redacted, checkpoint.seq));
    assert!(0 < done.redacted && done.redacted < done.records / 2, "what names nobody stays: {done:?}");
    let holds = |file: &[u8], word: &str| file.windows(word.len()).any(|here| here == word.as_bytes());
    for word in ["Miller", "nurse", "technician", "anna"] {
        assert!(holds(&ledger, word), "{word}");
        assert!(!holds(&export, word), "{word}");
    }
    check::any_flipped_bit_is_found(&export, 40_009).unwrap();
}

fn story(loads: usize, incidents: usize) -> impl Strategy<Value = Story> {
    stories_with(StoryOptions { loads, incidents, robots: 3, ..StoryOptions::default() })
}

proptest! {
    #![proptest_config(few(8))]

    /// Whatever happened: the inputs alone reproduce every decision, from the whole ledger and from one without them.
    #[test]
    fn ledgers_replay(story in story(4, 3)) {
        let mut played = story.play(&Sequential)?;
        check::replays(played.world.ledger())?;
    }

    /// Nobody changes a bit unseen.
    #[test]
    fn flipped_bits_are_found(story in story(1, 1)) {
        let mut played = story.play(&Sequential)?;
        let bits = played.world.ledger().len() * 8;
        check::any_flipped_bit_is_found(played.world.ledger(), bits / 500)?;
    }

    /// Restoring a snapshot after any event changes no later output or record.
    #[test]
    fn snapshots_change_nothing(story in story(4, 3)) {
        let mut played = story.play(&Sequential)?;
        check::a_snapshot_changes_nothing(played.world.ledger(), 1)?;
    }

    /// The coordinator may be killed at any instant, as often as one likes.
    #[test]
    fn crashes_lose_nothing(story in story(4, 0), crashes in prop::collection::vec(0_u8..90, 1..12)) {
        let mut story = story;
        story.people.clear();
        let crash = |at_s| Incident { at_s, for_s: 1, trouble: Trouble::Crash };
        story.incidents.extend(crashes.into_iter().map(crash));
        let mut played = story.play(&Sequential)?;
        let entries = played.entries()?;
        check::no_overlap(&played.samples)?;
        check::no_task_lost_or_done_twice(&entries)?;
        check::every_decision_holds(&entries, played.world.fleet().site())?;
        check::no_deadlock(&played.world, &entries, &played.site)?;
        check::replays(played.world.ledger())?;
    }
}
