//! One seed, one ledger; and what a ledger is good for.

use proptest::prelude::*;
use sheepdog::map::Site;
use sheepdog::runtime::Pool;
use sheepdog::scenario::{DeliveryLoad, Setup, World};
use sheepdog::vocabulary::{Micros, Mm, Sequential, Workers};
use sheepdog_testkit::{Incident, Story, StoryOptions, Trouble, check, few, stories_with};

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
