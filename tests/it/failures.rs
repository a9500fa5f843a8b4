//! Things go wrong one at a time: who takes over, who is told, and what stands still.

use sheepdog::dispatch::{DSP_009, Performers};
use sheepdog::fleet::{OperatorCommand, Record, TaskRequest, TaskStatus, rules};
use sheepdog::scenario::{Event, Moment, Setup, Victim, World};
use sheepdog::sim::{BodyKind, Fault, FaultKind, FaultTarget, Truth, Victims, swarm};
use sheepdog::vocabulary::{
    AgentId, DoorId, LiftId, Micros, Sequential, StationId, StopCategory,
    wire::{ResetStep, StopScope},
};
use sheepdog_testkit::check;

use crate::common::{
    ANNA, BERT, NURSE, TECHNICIAN, ask, carry, command, has, place, run_until, run_until_done, setup, site,
};

fn fault(setup: &mut Setup, at_s: u64, victim: Victim, for_s: Option<u64>, kind: FaultKind) {
    let event = Event::Fault { victim, duration: for_s.map(Micros::from_secs), kind };
    setup.script.push((Micros::from_secs(at_s), event));
}

fn done_by(world: &World, name: &str) -> Option<AgentId> {
    match world.fleet().task_status(world.task_named(name)?)? {
        TaskStatus::Done(agent) => Some(agent),
        TaskStatus::Pending | TaskStatus::Asked(_) | TaskStatus::Active { .. } | TaskStatus::Cancelled => {
            None
        }
    }
}

fn promises(world: &mut World) {
    kept(world);
    assert_eq!(world.plant().overlaps(), 0);
}

/// Every promise but that bodies keep apart.
fn kept(world: &mut World) {
    let entries = world.entries().unwrap();
    let compiled = world.fleet().site().clone();
    check::no_task_lost_or_done_twice(&entries).unwrap();
    check::every_decision_holds(&entries, &compiled).unwrap();
    check::nearest_is_true(&entries, &site(), &compiled).unwrap();
    check::replays(world.ledger()).unwrap();
}

fn robots(world: &World) -> Vec<Truth> {
    world.plant().truth().into_iter().filter(|body| body.kind == BodyKind::Robot).collect()
}

fn withdrawn(world: &mut World, rule: sheepdog::vocabulary::RuleId, custody: bool) -> bool {
    let entries = world.entries().unwrap();
    has(
        &entries,
        |record| matches!(record, Record::Withdrawn { rule: cited, custody: at, .. } if *cited == rule && at.is_some() == custody),
    )
}

#[test]
fn another_robot_takes_over_from_one_that_fails() {
    let mut setup = setup();
    let request = carry(&setup, "blood", "bay-2", "bay-4");
    ask(&mut setup, 0, request);
    // Early, so that what was released to her, and stays hers, does not reach as far as the place.
    fault(&mut setup, 2, Victim::Target(FaultTarget::Agent(ANNA)), None, FaultKind::Breakdown);
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 1);
    let task = world.task_named("blood").unwrap();
    assert_eq!(world.fleet().task_status(task), Some(TaskStatus::Active { agent: ANNA, step: 0 }));
    run_until_done(&mut world);
    assert_eq!(done_by(&world, "blood"), Some(BERT));
    assert_eq!(world.fleet().failed().collect::<Vec<_>>(), [ANNA]);
    assert!(withdrawn(&mut world, rules::FAILED, false));
    promises(&mut world);
}

#[test]
fn a_person_fetches_the_load_of_a_robot_that_fails_with_it() {
    let mut setup = setup();
    let request = carry(&setup, "blood", "bay-1", "bay-4");
    ask(&mut setup, 0, request);
    fault(&mut setup, 0, Victim::Robot(Some(ANNA), Moment::Loaded), None, FaultKind::Breakdown);
    let mut world = World::new(setup).unwrap();
    run_until_done(&mut world);
    assert!(
        [Some(NURSE), Some(TECHNICIAN)].contains(&done_by(&world, "blood")),
        "{:?}",
        done_by(&world, "blood")
    );
    assert!(withdrawn(&mut world, rules::FAILED, true));
    promises(&mut world);
}

#[test]
fn a_silent_robot_loses_its_task_unless_it_has_the_load() {
    for (moment, taken_over) in [(Moment::Now, true), (Moment::Loaded, false)] {
        let mut setup = setup();
        let request = carry(&setup, "blood", "bay-1", "bay-4");
        ask(&mut setup, 0, request);
        fault(&mut setup, 2, Victim::Robot(Some(ANNA), moment), Some(30), FaultKind::RadioSilence);
        let mut world = World::new(setup).unwrap();
        run_until_done(&mut world);
        assert_eq!(done_by(&world, "blood"), Some(if taken_over { BERT } else { ANNA }));
        assert_eq!(withdrawn(&mut world, rules::SILENT, false), taken_over);
        promises(&mut world);
    }
}

#[test]
fn a_lost_robot_s_load_is_fetched_and_it_cannot_hand_it_over_afterwards() {
    let mut setup = setup();
    let request = carry(&setup, "blood", "bay-1", "bay-4");
    ask(&mut setup, 0, request);
    fault(&mut setup, 2, Victim::Robot(Some(ANNA), Moment::Loaded), Some(120), FaultKind::RadioSilence);
    let mut world = World::new(setup).unwrap();
    run_until_done(&mut world);
    run_until(&mut world, 400);
    assert!(
        [Some(NURSE), Some(TECHNICIAN)].contains(&done_by(&world, "blood")),
        "{:?}",
        done_by(&world, "blood")
    );
    assert!(withdrawn(&mut world, rules::LOST, true));
    promises(&mut world);
}

#[test]
fn somebody_else_is_asked_when_a_person_declines() {
    let mut setup = setup();
    let request = carry(&setup, "round", "bay-2", "bay-3");
    ask(&mut setup, 0, TaskRequest { performers: Performers::people(), ..request });
    setup.plant.people[0].accept_permille = 0;
    let mut world = World::new(setup).unwrap();
    run_until_done(&mut world);
    assert_eq!(done_by(&world, "round"), Some(TECHNICIAN));
    let entries = world.entries().unwrap();
    let declined =
        |record: &Record| matches!(record, Record::Withdrawn { agent: NURSE, rule, .. } if *rule == DSP_009);
    assert!(has(&entries, declined));
    promises(&mut world);
}

#[test]
fn robots_that_lose_the_fleet_finish_their_release_and_stop() {
    let mut setup = setup();
    for (name, from, to) in [("there", "bay-1", "bay-4"), ("back", "bay-4", "bay-1")] {
        let request = carry(&setup, name, from, to);
        ask(&mut setup, 0, request);
    }
    fault(&mut setup, 5, Victim::Target(FaultTarget::EveryAgent), None, FaultKind::RadioSilence);
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 5);
    let moving = robots(&world).iter().filter(|body| 0.1 < body.speed_mps).count();
    assert!(0 < moving, "nobody moves when the radio falls silent");
    run_until(&mut world, 60);
    let rest = robots(&world);
    for body in &rest {
        let end = world.fleet().traffic().rests_at(body.agent.unwrap()).unwrap();
        let end = world.fleet().site().waypoint(end).unwrap().at;
        let off_m = ((body.x_m - end.x).powi(2) + (body.y_m - end.y).powi(2)).sqrt();
        assert!(off_m < 0.15, "{:?} stands {off_m} m from the end of its release", body.agent);
    }
    run_until(&mut world, 120);
    assert_eq!(
        robots(&world).iter().map(|body| (body.x_m, body.y_m)).collect::<Vec<_>>(),
        rest.iter().map(|body| (body.x_m, body.y_m)).collect::<Vec<_>>()
    );
    promises(&mut world);
}

#[test]
fn robots_with_a_fleet_beat_timeout_stop_before_the_end_of_their_release() {
    let mut setup = setup();
    let request = carry(&setup, "far", "bay-5", "bay-1");
    ask(&mut setup, 0, request);
    let request = carry(&setup, "farther", "bay-4", "bay-0");
    ask(&mut setup, 0, request);
    for robot in &mut setup.plant.robots {
        robot.controller.fleet_beat_timeout = Some(Micros::from_millis(1_200));
    }
    setup.fleet.release_horizon = sheepdog::vocabulary::Mm(50_000);
    fault(&mut setup, 24, Victim::Target(FaultTarget::EveryAgent), None, FaultKind::RadioSilence);
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 24);
    let moving: Vec<AgentId> =
        robots(&world).iter().filter(|body| 0.2 < body.speed_mps).filter_map(|body| body.agent).collect();
    assert!(!moving.is_empty(), "nobody moves when the radio falls silent");
    let before = robots(&world);
    run_until(&mut world, 60);
    for (then, now) in before.iter().zip(robots(&world)) {
        let path_m = ((then.x_m - now.x_m).powi(2) + (then.y_m - now.y_m).powi(2)).sqrt();
        assert!(path_m < 2.5, "{:?} went on for {path_m} m", now.agent);
        assert!(now.speed_mps.abs() < 1e-9);
    }
}

#[test]
fn a_stopped_level_stands_still_until_the_second_step_of_its_reset() {
    let mut setup = setup();
    for (name, from, to) in [("there", "bay-1", "bay-4"), ("back", "bay-4", "bay-1")] {
        let request = carry(&setup, name, from, to);
        ask(&mut setup, 0, request);
    }
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 5);
    let level = world.plant().truth()[0].level;
    command(
        &mut world,
        OperatorCommand::Stop { scope: StopScope::Level(level), category: StopCategory::One },
    )
    .unwrap();
    let generation = world.fleet().stop_generation();
    run_until(&mut world, 9);
    let rest = robots(&world);
    assert!(rest.iter().all(|body| body.speed_mps.abs() < 1e-9));
    run_until(&mut world, 20);
    command(&mut world, OperatorCommand::Reset { generation, step: ResetStep::Acknowledge }).unwrap();
    run_until(&mut world, 40);
    assert_eq!(
        robots(&world).iter().map(|body| (body.x_m, body.y_m)).collect::<Vec<_>>(),
        rest.iter().map(|body| (body.x_m, body.y_m)).collect::<Vec<_>>(),
        "acknowledging starts nothing"
    );
    command(&mut world, OperatorCommand::Reset { generation, step: ResetStep::Start }).unwrap();
    run_until_done(&mut world);
    assert!(done_by(&world, "there").is_some() && done_by(&world, "back").is_some());
    promises(&mut world);
}

/// A robot that is out of reach of the radio while a stop is reset is reset when it is heard of again.
#[test]
fn a_reset_reaches_a_robot_that_was_silent() {
    let mut setup = setup();
    let request = carry(&setup, "there", "bay-1", "bay-4");
    ask(&mut setup, 0, request);
    fault(&mut setup, 8, Victim::Target(FaultTarget::Agent(ANNA)), Some(30), FaultKind::RadioSilence);
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 5);
    command(&mut world, OperatorCommand::Stop { scope: StopScope::Agent(ANNA), category: StopCategory::One })
        .unwrap();
    let generation = world.fleet().stop_generation();
    run_until(&mut world, 16);
    for step in [ResetStep::Acknowledge, ResetStep::Start] {
        command(&mut world, OperatorCommand::Reset { generation, step }).unwrap();
    }
    run_until(&mut world, 60);
    let request = carry(world.setup(), "again", "bay-0", "bay-1");
    world.input(sheepdog::fleet::Input::TaskRequested(request)).unwrap();
    run_until_done(&mut world);
    assert_eq!(done_by(&world, "again"), Some(ANNA));
}

#[test]
fn robots_without_a_release_do_not_move() {
    let mut world = World::new(setup()).unwrap();
    let before: Vec<(f64, f64)> = robots(&world).iter().map(|body| (body.x_m, body.y_m)).collect();
    run_until(&mut world, 30);
    assert_eq!(robots(&world).iter().map(|body| (body.x_m, body.y_m)).collect::<Vec<_>>(), before);
}

#[test]
fn a_removed_robot_comes_back_only_where_its_pose_proves_that_it_stands() {
    let mut setup = setup();
    // Only past the place where anna stands can bert do this.
    let request = carry(&setup, "visit", "bay-0", "bay-1");
    ask(&mut setup, 10, request);
    fault(&mut setup, 1, Victim::Target(FaultTarget::Agent(ANNA)), None, FaultKind::Breakdown);
    let mut world = World::new(setup).unwrap();
    run_until(&mut world, 60);
    assert_eq!(done_by(&world, "visit"), None, "a broken robot blocks the bay");
    command(&mut world, OperatorCommand::Remove { agent: ANNA }).unwrap();
    let home = place(world.setup(), "bay-2");
    let elsewhere = OperatorCommand::Recover { agent: ANNA, at: home };
    assert!(command(&mut world, elsewhere).is_err(), "her last report was sent from another place");
    let removed = OperatorCommand::Remove { agent: ANNA };
    assert!(command(&mut world, removed).is_err(), "she is gone already");
    world.step(&Sequential).unwrap();
    let entries = world.entries().unwrap();
    check::releases_are_monotone(&entries, world.fleet().site()).unwrap();
}

/// Each fault of the catalogue strikes Anna, a door or the lift while two errands are under way.
#[test]
fn no_fault_of_the_catalogue_breaks_a_promise() {
    for named in sheepdog::sim::FAULTS {
        let mut setup = setup();
        for (name, from, to) in [("blood", "bay-2", "bay-4"), ("linen", "bay-3", "bay-1")] {
            let request = carry(&setup, name, from, to);
            ask(&mut setup, 0, request);
        }
        let target = match named.kind.victims() {
            Victims::Agents => FaultTarget::Agent(ANNA),
            Victims::Doors => FaultTarget::Door(DoorId(0)),
            Victims::Lifts => FaultTarget::Lift(LiftId(0)),
            Victims::Machines => FaultTarget::Machine(StationId(0)),
        };
        fault(
            &mut setup,
            6,
            Victim::Target(target),
            named.duration.map(|duration| duration.as_millis().div_ceil(1_000)),
            named.kind,
        );
        setup.duration = Micros::from_secs(120);
        let mut world = World::new(setup).unwrap();
        world.run(&Sequential).unwrap();
        if named.kind == FaultKind::BrakeOpen {
            // Nobody holds back a robot without brakes: it rolls until it meets something.
            assert!(world.plant().faults().iter().any(|status| status.took_effect.is_some()));
            kept(&mut world);
        } else {
            promises(&mut world);
        }
    }
}

/// Swarms of faults on both robots, the door and the lift, while errands are under way. Bodies keep apart as long as no base is
/// at fault; every other promise is kept whatever comes together.
#[test]
fn swarms_of_faults_break_no_promise() {
    let mut effective = 0;
    for seed in 0..12 {
        let mut setup = setup();
        for (name, from, to) in [("blood", "bay-2", "bay-4"), ("linen", "bay-3", "bay-1")] {
            let request = carry(&setup, name, from, to);
            ask(&mut setup, 0, request);
        }
        setup.duration = Micros::from_secs(150);
        let mut world = World::new(setup).unwrap();
        let agents = [ANNA, BERT];
        let faults = swarm(seed, 8, Micros::from_secs(60), &agents, &[DoorId(0)], &[LiftId(0)]);
        let of_the_base = |fault: &Fault| {
            matches!(
                fault.kind,
                FaultKind::BrakeFade { .. }
                    | FaultKind::BrakeOpen
                    | FaultKind::DriveDelay { .. }
                    | FaultKind::Runaway { .. }
                    | FaultKind::WheelSlip { .. }
            )
        };
        let sound = !faults.iter().any(of_the_base);
        for fault in faults {
            world.inject(fault);
        }
        world.run(&Sequential).unwrap();
        effective += world.plant().faults().iter().filter(|status| status.took_effect.is_some()).count();
        if sound {
            promises(&mut world);
        } else {
            kept(&mut world);
        }
    }
    assert!(
        48 <= effective,
        "{effective} of 96 faults made a difference: a run that meets none proves nothing"
    );
}
