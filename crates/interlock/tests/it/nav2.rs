//! Gaps of a widely used collision monitor, each with a test that ours is closed.
//!
//! The list is that of a reading of the sources of Nav2's collision monitor: what it does when commands, stamps, beams or
//! settings are missing or wrong.

use sheepdog_interlock::{
    Config, Input, Interlock, Micros, Mm, Restart, RobotTime, StopCategory, Twist, Verdict,
    beams::{Beam, Direction, Sweep, UNIT, reduce},
    packs::{PackSlot, PackVerdict, Ruling},
    rules::*,
};

use crate::{
    common::{ARMED, CRUISE, UNAPPROVED, armed, at, booted, every_sensor, good, look, simulated},
    plant::{Habits, Scene},
};

const NEXT: u64 = ARMED + 100;

fn scene() -> Scene<2> {
    Scene::new(booted(Config::SIMULATED), Habits::DECLARED, Micros::from_millis(50)).cruise()
}

/// There: without commands nothing is evaluated. Here: every step is, and the base is told to stand.
#[test]
fn no_command_is_still_a_step() {
    let mut scene = scene();
    let idle = |input: &mut Input<2, 8>| input.request.twist = Twist::ZERO;
    assert_eq!(scene.step(idle).verdict, Verdict::Idle);
    assert_eq!(scene.body.borrow().halted, Some(StopCategory::Two));
    let decision = scene.step(|input| {
        idle(input);
        input.bumper = Some(true);
    });
    assert_eq!(decision.primary, EST_002);
    assert_eq!(scene.body.borrow().halted, Some(StopCategory::One));
}

/// There: after a while of stopping, zeros are published no more. Here: as often as it steps, for as long as it lasts.
#[test]
fn a_halted_base_is_halted_at_every_step() {
    let mut scene = scene();
    for _ in 0..500 {
        scene.body.borrow_mut().halted = None;
        scene.step(|input| input.free_travel.as_mut().unwrap().value = Mm(0));
        assert!(scene.body.borrow().halted.is_some());
    }
}

/// There: a command that is not a number is ignored, and the last one goes on. Here: a command is two integers; one that
/// is not handed over grows old, and the base stops by itself even if nobody steps at all.
#[test]
fn a_command_that_does_not_come_lapses() {
    let mut first = scene();
    let last = first.now;
    let mut decision = None;
    for _ in 0..6 {
        decision = Some(first.step(|input| input.request.issued = last));
    }
    assert_eq!(decision.unwrap().primary, COM_005);
    let second = scene();
    let until = second.now + Micros::from_millis(100 + 50 + 750);
    second.body.borrow_mut().advance(until);
    assert!(second.body.borrow().speed <= 0.0, "nobody has stepped since");
}

/// There: a stamp from the future is valid. Here: it is none, for readings, distances, beats, commands and packs.
#[test]
fn stamps_from_the_future_are_none() {
    type Change = fn(&mut Input<2, 8>);
    let futures: [(Change, sheepdog_interlock::RuleId); 5] = [
        (|input| every_sensor(input, |sensor| sensor.taken = RobotTime::MAX), OBS_005),
        (|input| input.free_travel.as_mut().unwrap().taken = at(NEXT + 6), OBS_005),
        (|input| input.beat = Some(at(NEXT + 6)), COM_002),
        (|input| input.request.issued = at(NEXT + 6), COM_005),
        (|input| input.packs[0].as_mut().unwrap().taken = at(NEXT + 6), PCK_001),
    ];
    for (change, rule) in futures {
        let mut input = good(NEXT, CRUISE);
        change(&mut input);
        assert_eq!(armed::<2, 8>().step(&input).primary, rule);
    }
}

/// There: a timeout of zero switches the check off. Here: no such settings exist.
#[test]
fn no_timeout_can_be_switched_off() {
    type Change = fn(&mut Config);
    let off: [Change; 6] = [
        |config| config.sample_age_max = Micros::ZERO,
        |config| config.beat_timeout = Micros::ZERO,
        |config| config.command_age_max = Micros::ZERO,
        |config| config.pack_age_max = Micros::ZERO,
        |config| config.permit_ttl = Micros::ZERO,
        |config| config.still_for = Micros::ZERO,
    ];
    for change in off {
        let mut config = Config::SIMULATED;
        change(&mut config);
        assert!(config.validate().is_err());
        let mut endless = Config::SIMULATED;
        change(&mut endless);
        endless.sample_age_max = Micros::MAX;
        assert!(endless.validate().is_err());
    }
}

/// There: beams out of range or not a number are left out, and a blinded sensor sees free space. Here: they touch, they
/// have no confidence, and the sensor counts as none.
#[test]
fn a_scan_of_nothing_is_no_free_space() {
    let blind = Beam {
        direction: Direction::new(UNIT, 0, 0).unwrap(),
        half_spacing: 286,
        range: None,
        confidence: sheepdog_interlock::Confidence::FULL,
        is_wall: true,
    };
    let twist = crate::common::ahead(CRUISE);
    let sweep =
        Sweep { twist, radius: Mm(300), reach: Mm(1_000), wall_credit: Mm(100_000), half_gap: u16::MAX };
    let seen = reduce::<8>(&[blind; 360], Mm(8_000), Sweep { wall_credit: Mm(0), ..sweep });
    assert_eq!(seen.free_travel, Mm(0));
    let mut input = good(NEXT, CRUISE);
    every_sensor(&mut input, |sensor| {
        (sensor.sectors, sensor.invalid) = (seen.sectors, seen.invalid);
    });
    let decision = armed::<2, 8>().step(&input);
    assert!(
        decision.rules.contains(OBS_008)
            && decision.rules.contains(OBS_001)
            && decision.verdict != Verdict::Move
    );
}

/// There: a field whose shape is not set yet triggers nothing. Here: what is not known stops, input by input.
#[test]
fn what_is_not_configured_yet_stops() {
    type Change = fn(&mut Input<2, 8>);
    let unknown: [Change; 11] = [
        |input| input.sensors = [None; 2],
        |input| every_sensor(input, |sensor| sensor.sectors = [None; 8]),
        |input| input.free_travel = None,
        |input| input.release = None,
        |input| input.beat = None,
        |input| input.packs[PackSlot::MAP.index()] = None,
        |input| input.self_test = sheepdog_interlock::SelfTest::NotRun,
        |input| input.emergency_button = None,
        |input| input.bumper = None,
        |input| *input = Input { request: input.request, ..Input::unknown(input.now, input.site) },
        |input| input.request.sectors = 0xffff_ff00,
    ];
    for (place, change) in unknown.into_iter().enumerate() {
        let mut input = good(NEXT, CRUISE);
        look(&mut input, 4, if place == 10 { 900_000 } else { 1_000_000 }, u32::MAX);
        change(&mut input);
        let decision = armed::<2, 8>().step(&input);
        assert!(matches!(decision.verdict, Verdict::Stop { .. }), "{place}: {decision:?}");
    }
    let unapproved = Interlock::<2, 8>::new(simulated(), UNAPPROVED, Restart::First);
    assert_eq!(unapproved.clone().step(&good(NEXT, CRUISE)).primary, CFG_001);
}

/// There: a service and parameters silence protection while it runs. Here: settings have no setter, a pack cannot allow
/// what another rule forbids, and one that is taken away stops the robot.
#[test]
fn nothing_silences_protection_at_run_time() {
    let mut interlock: Interlock<2, 8> = armed();
    let before = interlock.digest();
    let mut near = good(NEXT, CRUISE);
    near.free_travel.as_mut().unwrap().value = Mm(100);
    near.packs = [Some(PackVerdict::new(near.now, Ruling::Allow)); 16];
    assert_eq!(interlock.step(&near).primary, SSM_002);
    assert_eq!(interlock.step(&good(NEXT + 100, CRUISE)).primary, PCK_001, "fifteen packs have vanished");
    assert_eq!((interlock.digest(), interlock.config()), (before, &Config::SIMULATED));
}

/// There: release is automatic and at once. Here: what may be over by itself waits for the dwell, and what may not for a
/// person.
#[test]
fn release_waits_for_the_dwell_or_for_a_person() {
    let mut scene = scene();
    for _ in 0..40 {
        scene.step(|input| input.free_travel.as_mut().unwrap().value = Mm(100));
    }
    let gone = scene.now;
    let mut waited = Micros::ZERO;
    while scene.step(|_| {}).verdict != Verdict::Move {
        waited = scene.now.since(gone).unwrap();
    }
    assert!(Micros::from_millis(450) <= waited && waited <= Micros::from_millis(550), "{waited}");
    scene.step(|input| input.bumper = Some(true));
    assert_eq!(scene.drive(20_000).primary, RST_001);
}

/// There: protection ran at the rate of commands until 2023. Here: every step looks, at whatever rate; a reading that
/// comes between two commands stops.
#[test]
fn every_step_looks() {
    let mut interlock: Interlock<2, 8> = armed();
    let command = good::<2, 8>(NEXT, CRUISE).request;
    for step in 0..20 {
        let input = Input { request: command, ..good(NEXT + step * 5, CRUISE) };
        assert_eq!(interlock.step(&input).verdict, Verdict::Move, "step {step}");
    }
    let mut near = Input { request: command, ..good(NEXT + 100, CRUISE) };
    near.free_travel.as_mut().unwrap().value = Mm(100);
    assert_eq!(interlock.step(&near).primary, SSM_002);
}
