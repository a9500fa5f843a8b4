//! Arms and dispensers at stations, and where loads really are.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sheepdog::fleet::Record;
use sheepdog::fleet::rules::MACHINE_FAULTY;
use sheepdog::map::Site;
use sheepdog::map::model::Station;
use sheepdog::scenario::{Event, Scenario, Setup, Summary, Victim, World};
use sheepdog::sim::{FaultKind, FaultTarget, Victims};
use sheepdog::vocabulary::wire::MachineState;
use sheepdog::vocabulary::{AgentId, FleetTime, Micros, Sequential};
use sheepdog_testkit::check;

use crate::common::{self, STORY, ask, carry, has, run_until, run_until_done};

/// An arm that takes twelve seconds in the west, and one that takes eight in the east.
const MACHINES: &str = r#"
[[machine]]
station = "shelf"
service_s = 12.0

[[machine]]
station = "counter"
service_s = 8.0
"#;

fn site() -> Site {
    let mut site = common::site();
    site.stations.extend([Station::new("shelf", "bay-1"), Station::new("counter", "bay-4")]);
    site.stations.push(Station::new("desk", "bay-2"));
    site
}

fn setup_with(more: &str) -> Setup {
    let text = format!("{STORY}{MACHINES}{more}");
    let mut setup = Scenario::from_toml(&text).unwrap().setup(&site(), None, Some(1)).unwrap();
    let request = carry(&setup, "linen", "bay-1", "bay-4");
    ask(&mut setup, 1, request);
    setup
}

/// When the steps of the only task were done, and when they had begun.
fn steps(world: &mut World) -> Vec<Micros> {
    let entries = world.entries().unwrap();
    let times = |began: bool| -> Vec<FleetTime> {
        let is_it = |record: &Record| {
            began && matches!(record, Record::StepStarted { .. })
                || !began && matches!(record, Record::StepDone { .. })
        };
        entries.iter().filter(|entry| is_it(&entry.record)).map(|entry| entry.time).collect()
    };
    times(true).into_iter().zip(times(false)).map(|(from, to)| to.since(from).unwrap()).collect()
}

#[test]
fn machines_load_and_unload_a_robot_and_take_their_time() {
    let mut world = World::new(setup_with("")).unwrap();
    let station = world.setup().site.station_named("shelf").unwrap();
    while !matches!(world.plant().machine(station), Some(MachineState::Serving(_))) {
        world.step(&Sequential).unwrap();
    }
    assert!(world.plant().loads().is_empty(), "the arm has it");
    run_until_done(&mut world);
    let took = steps(&mut world);
    assert!(
        took.len() == 2 && Micros::from_secs(12) <= took[0] && Micros::from_secs(8) <= took[1],
        "{took:?}"
    );
    assert!(took.iter().all(|took| *took < Micros::from_secs(16)), "{took:?}");
    let goal = world.setup().site.waypoint(common::place(world.setup(), "bay-4")).unwrap().at;
    let loads = world.plant().loads();
    assert!(loads.len() == 1 && loads[0].carrier.is_none());
    assert!((loads[0].x_m - goal.x).abs() < 0.3 && (loads[0].y_m - goal.y).abs() < 0.3);
    let summary = Summary::of(&mut world, 0.0).unwrap();
    assert!(summary.tasks_done == 1 && summary.misplaced_loads == 0 && summary.ledger_ok, "{summary}");
}

#[test]
fn a_robot_waits_for_a_machine_that_is_stuck() {
    let fault = "[[fault]]\nat_s = 0.0\nfor_s = 200.0\nkind = \"machine\"\nstation = \"shelf\"\n";
    let mut world = World::new(setup_with(fault)).unwrap();
    run_until(&mut world, 200);
    assert_eq!(steps(&mut world), [], "it is not loaded");
    run_until_done(&mut world);
    assert_eq!(world.fleet().stats().done, 1);
    assert!(world.plant().faults()[0].took_effect.is_some());
    let entries = world.entries().unwrap();
    for said in ["reports a fault", "works again"] {
        assert!(has(&entries, |record| matches!(record, Record::Alert(alert)
            if alert.rule == MACHINE_FAULTY && alert.text == format!("the machine at shelf {said}"))));
    }
    assert_eq!(world.plant().misplaced_loads(), 0);
}

/// Whoever does not know of the arms drives off with nothing, and the truth knows.
#[test]
fn a_fleet_without_its_machines_carries_nothing() {
    let mut setup = setup_with("");
    setup.fleet.machines.clear();
    let mut world = World::new(setup).unwrap();
    run_until_done(&mut world);
    assert_eq!(world.fleet().stats().done, 1, "so the fleet believes");
    assert!(world.plant().loads().is_empty());
    // With one arm only, what is put down was never taken.
    let mut setup = setup_with("");
    setup.fleet.machines.remove(0);
    let mut world = World::new(setup).unwrap();
    run_until_done(&mut world);
    assert_eq!(world.plant().misplaced_loads(), 1);
}

#[test]
fn a_machine_that_cannot_be_is_refused_by_field() {
    let refused = |more: &str| {
        let text = format!("{STORY}{MACHINES}{more}");
        let scenario = Scenario::from_toml(&text).map_err(|error| error.to_string())?;
        scenario.setup(&site(), None, None).map(drop).map_err(|error| error.to_string())
    };
    for (more, expected) in [
        (
            "[[machine]]\nstation = \"attic\"\nservice_s = 1.0",
            "machine[2].station: station \"attic\" is not on the site",
        ),
        (
            "[[machine]]\nstation = \"counter\"\nservice_s = 1.0",
            "machine[2].station is counter: a station without another machine",
        ),
        (
            "[[machine]]\nstation = \"desk\"\nservice_s = -1.0",
            "machine[2].service_s is -1: from 0 to 86400 seconds",
        ),
        ("[[fault]]\nat_s = 0.0\nkind = \"machine\"", "fault[0].station: station \"\" is not on the site"),
    ] {
        let said = refused(more).unwrap_err();
        assert!(said == expected, "{said}");
    }
}

/// What strikes whom: a robot, or the arm in the west.
fn strikes() -> impl Strategy<Value = (u32, FaultKind)> {
    let kind = prop_oneof![
        Just(FaultKind::RadioSilence),
        Just(FaultKind::RadioLoss { permille: 700 }),
        Just(FaultKind::RadioDelay { by: Micros::from_secs(3) }),
        Just(FaultKind::RadioDuplicates { permille: 900 }),
        Just(FaultKind::Crash),
        Just(FaultKind::EmergencyButton),
        Just(FaultKind::MachineStuck),
    ];
    (0..2_u32, kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where machines load and unload, no fault of a robot, its radio or a machine makes anybody take or put down what is not
    /// there, and no task gets lost.
    #[test]
    fn loads_are_where_the_fleet_takes_them_to_be(
        strikes in prop::collection::vec((strikes(), 0..240_u64, 1..60_u64), 0..5),
        back in prop::collection::vec(any::<bool>(), 0..3),
    ) {
        let mut setup = setup_with("");
        for (number, back) in back.iter().enumerate() {
            let (from, to) = if *back { ("bay-4", "bay-1") } else { ("bay-1", "bay-4") };
            let request = carry(&setup, &format!("more {number}"), from, to);
            ask(&mut setup, 2 + 20 * number as u64, request);
        }
        let west = setup.site.station_named("shelf").unwrap();
        for ((agent, kind), at_s, for_s) in strikes {
            let target = match kind.victims() {
                Victims::Machines => FaultTarget::Machine(west),
                Victims::Agents | Victims::Doors | Victims::Lifts => FaultTarget::Agent(AgentId(agent)),
            };
            let duration = Some(Micros::from_secs(for_s));
            let event = Event::Fault { victim: Victim::Target(target), duration, kind };
            setup.script.push((Micros::from_secs(at_s), event));
        }
        setup.duration = Micros::from_secs(900);
        let mut world = World::new(setup).unwrap();
        world.run(&Sequential).unwrap();
        prop_assert_eq!(world.plant().misplaced_loads(), 0);
        prop_assert_eq!(world.plant().overlaps(), 0);
        let entries = world.entries().unwrap();
        check::no_task_lost_or_done_twice(&entries).map_err(|found| TestCaseError::fail(found.to_string()))?;
        check::replays(world.ledger()).map_err(|found| TestCaseError::fail(found.to_string()))?;
    }
}
