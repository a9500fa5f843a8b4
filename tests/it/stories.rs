//! Random small sites, fleets, radios and faults: the promises hold in every one of them.

use proptest::prelude::*;
use sheepdog::{
    fleet::{Entry, Record},
    sim::{FaultKind, RadioSpec},
    vocabulary::{Confidence, Micros, Sequential},
};
use sheepdog_testkit::{
    Bay, Blueprint, Incident, Load, Oddity, Played, Robot, Shape, SiteOptions, Story, StoryOptions, Trouble,
    check, few, stories_with,
};

fn promises(story: &Story, played: &mut Played) -> Result<(), TestCaseError> {
    let entries = played.entries()?;
    let site = story.setup()?.site;
    check::no_overlap(&played.samples)?;
    check::no_task_lost_or_done_twice(&entries)?;
    check::every_decision_holds(&entries, &site)?;
    check::nearest_is_true(&entries, &played.site, &site)?;
    Ok(())
}

const ALONE: StoryOptions = StoryOptions {
    site: SiteOptions { connected: true, lifts: true, doors: true },
    robots: 4,
    people: 0,
    loads: 6,
    odd_loads: true,
    incidents: 0,
};

proptest! {
    #![proptest_config(few(24))]

    /// Nothing goes wrong: every feasible task is done, and everything is explained.
    #[test]
    fn quiet_stories_end_well(story in stories_with(ALONE)) {
        let mut played = story.play(&Sequential)?;
        promises(&story, &mut played)?;
        let entries = played.entries()?;
        check::no_deadlock(&played.world, &entries, &played.site)?;
    }

    /// Robots break, doors stick, radios fall silent, levels are stopped, the coordinator is killed.
    #[test]
    fn stories_with_incidents_end_well(story in stories_with(StoryOptions { incidents: 4, ..ALONE })) {
        let mut played = story.play(&Sequential)?;
        promises(&story, &mut played)?;
        let entries = played.entries()?;
        check::no_deadlock(&played.world, &entries, &played.site)?;
    }

    /// Bays that no lane leads to: whoever cannot be served is named, everybody else is.
    #[test]
    fn torn_sites_serve_whom_they_can(
        story in stories_with(StoryOptions { site: SiteOptions { connected: false, ..ALONE.site }, ..ALONE }),
    ) {
        let mut played = story.play(&Sequential)?;
        promises(&story, &mut played)?;
        let entries = played.entries()?;
        check::no_deadlock(&played.world, &entries, &played.site)?;
    }

    /// People walk among the robots, take over loads, decline. What they hold up is not lost.
    #[test]
    fn people_among_robots_break_no_promise(story in stories_with(StoryOptions { incidents: 2, ..StoryOptions::default() })) {
        let mut played = story.play(&Sequential)?;
        promises(&story, &mut played)?;
    }
}

/// A robot stands, is asked to give its release back, does so, and the radio loses its answer: it is asked again, though it
/// does not stand for its interlock any more.
#[test]
fn a_lost_answer_to_a_hold_leaves_nobody_behind() {
    let blind = FaultKind::ConfidenceLoss { confidence: Confidence::NONE };
    let story = Story {
        site: Blueprint {
            shape: Shape::Tree { branches: vec![[2, 2], [1, 1]], one_lane: true },
            pitch_m: 2,
            upper: true,
            chargers: 0,
            one_way: None,
            cut_off: None,
        },
        robots: vec![Robot { place: 15, battery_percent: 100 }],
        people: Vec::new(),
        loads: vec![Load { at_s: 0, from: 2, to: 0, handling_s: 0, oddity: Oddity::None }],
        radio: RadioSpec {
            delay: Micros::new(51_000),
            loss_permille: 50,
            jitter: Micros::ZERO,
            duplicate_permille: 0,
        },
        incidents: vec![Incident { at_s: 0, for_s: 10, trouble: Trouble::Fault(blind, 0) }],
        seed: 776,
    };
    let mut played = story.play(&Sequential).unwrap();
    let entries = played.entries().unwrap();
    check::no_deadlock(&played.world, &entries, &played.site).unwrap();
}

/// The first report of a robot is lost, so that the fleet takes the stop that it knows for one from before, and orders it anew under
/// another number: that one is reset, and the robot goes on.
#[test]
fn a_stop_under_another_number_is_reset_under_that() {
    let story = Story {
        site: Blueprint {
            shape: Shape::Corridor(vec![[Bay::Open; 2]; 2]),
            pitch_m: 2,
            upper: false,
            chargers: 0,
            one_way: None,
            cut_off: None,
        },
        robots: vec![Robot { place: 0, battery_percent: 100 }],
        people: Vec::new(),
        loads: vec![Load { at_s: 0, from: 0, to: 0, handling_s: 0, oddity: Oddity::None }],
        radio: RadioSpec {
            loss_permille: 24,
            delay: Micros::ZERO,
            jitter: Micros::ZERO,
            duplicate_permille: 0,
        },
        incidents: vec![Incident { at_s: 0, for_s: 1, trouble: Trouble::LevelStop(0) }],
        seed: 708,
    };
    let mut played = story.play(&Sequential).unwrap();
    let entries = played.entries().unwrap();
    let renumbered = |entry: &Entry| matches!(entry.record, Record::StopRenumbered { .. });
    assert!(entries.iter().any(renumbered), "otherwise this shows nothing");
    check::no_deadlock(&played.world, &entries, &played.site).unwrap();
}
