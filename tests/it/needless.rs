//! Safety that cries wolf is switched off: in a busy, noisy, fault-free hospital hardly a stop is without need.
#![expect(clippy::print_stdout, reason = "the figures are worth reading: run it with --nocapture")]

use sheepdog::{
    map::Site,
    scenario::{Event, Scenario, Summary, World},
    vocabulary::Sequential,
};

/// An hour of the hospital with its visitors, sensor noise, localisation errors and lossy radio, and nothing that fails.
fn fault_free_hour(seed: u64) -> Summary {
    let story = Scenario::from_toml(include_str!("../../examples/hospital.toml")).unwrap();
    let site = Site::from_toml(include_str!("../../sites/hospital.toml")).unwrap();
    let mut setup = story.setup(&site, None, Some(seed)).unwrap();
    setup.script.retain(|(_, event)| matches!(event, Event::Request(_) | Event::Fact(_)));
    setup.until_done = false;
    let mut world = World::new(setup).unwrap();
    world.run(&Sequential).unwrap();
    Summary::of(&mut world, 0.0).unwrap()
}

/// At most one needless stop in ten robot-hours, and at most three percent of the time lost to any rule.
#[test]
fn a_fault_free_noisy_hospital_is_hardly_ever_stopped_without_need() {
    let (mut hours, mut needless) = (0.0, 0_u32);
    for seed in [7, 11] {
        let summary = fault_free_hour(seed);
        assert_eq!((summary.overlaps, summary.tasks_lost, summary.unexplained_stops), (0, 0, 0));
        hours += summary.robot_hours;
        needless +=
            summary.needless_stops_by_rule.values().map(|&count| u32::try_from(count).unwrap()).sum::<u32>();
        for (rule, lost_s) in &summary.time_lost_by_rule_s {
            let share = lost_s / (summary.robot_hours * 3_600.0);
            assert!(share <= 0.03, "{rule} took {:.1} % of the time with seed {seed}", share * 100.0);
        }
        println!(
            "seed {seed}: {:?}, needless {:?}, lost {:?} s in {:.1} robot-hours",
            summary.stops_by_rule,
            summary.needless_stops_by_rule,
            summary.time_lost_by_rule_s,
            summary.robot_hours
        );
    }
    assert!(10.0 < hours);
    assert!(f64::from(needless) <= hours / 10.0, "{needless} needless stops in {hours:.1} robot-hours");
}
