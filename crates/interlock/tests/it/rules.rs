//! One case for every rule: the smallest change to a good input that makes it the reason. Each fails without its rule.

use sheepdog_interlock::{
    Guarded, Input, Interlock, MapEvidence, Mm, MmPerS, RULES, Reading, ReleaseLimit, Request, Ring,
    RobotTime, RuleId, SiteVersion, StopCategory, StopCommand, StopGeneration, Twist, Verdict,
    rules::{
        ARM_001, ARM_003, CLK_001, CLK_002, CLR_001, COM_002, EST_001, EST_003, IDL_001, LOG_001, MAP_001,
        MAP_002, MOV_001, OBS_001, OBS_002, OBS_003, OBS_004, OBS_005, OBS_007, REL_001, REL_002, RST_001,
        RST_002, SPD_001, SPD_004, SSM_001, SSM_002, STP_001, STP_002,
    },
};

use crate::common::{ARMED, SITE, armed, at, config, good, latched, ppm, reset};

type In = Input<2, 8>;

const NEXT: u64 = ARMED + 100;

/// The decision on a good input with one change.
fn decide(change: impl FnOnce(&mut In)) -> sheepdog_interlock::Decision {
    let mut input = good(NEXT, 500);
    change(&mut input);
    let decision = armed().step(&input);
    assert!(decision.evidence.holds(), "{decision:?}");
    decision
}

/// The rule on which a stop that just misses the limit turns into one that breaks it.
fn stops(rule: RuleId, category: StopCategory, kept: impl FnOnce(&mut In), broken: impl FnOnce(&mut In)) {
    let decision = decide(kept);
    assert!(!decision.rules.contains(rule), "{rule} fires at its limit: {decision:?}");
    let decision = decide(broken);
    assert_eq!(decision.verdict, Verdict::Stop { category, rule }, "{decision:?}");
    assert_eq!(decision.twist, Twist::ZERO);
}

fn both(input: &mut In, change: impl Fn(&mut sheepdog_interlock::SensorReading<8>)) {
    input.sensors.iter_mut().flatten().for_each(change);
}

fn micros(value: u64) -> RobotTime {
    RobotTime::from_micros(value)
}

#[test]
fn obs_001_confidence_below_the_threshold() {
    stops(
        OBS_001,
        StopCategory::One,
        |input| both(input, |sensor| sensor.confidence[0] = Some(ppm(925_000))),
        |input| both(input, |sensor| sensor.confidence[0] = Some(ppm(924_999))),
    );
    let decision = decide(|input| both(input, |sensor| sensor.confidence[0] = Some(ppm(900_000))));
    assert_eq!((decision.evidence.measured, decision.evidence.limit), (900_000, 925_000));
}

#[test]
fn obs_002_the_slow_band() {
    let decision = decide(|input| both(input, |sensor| sensor.confidence[0] = Some(ppm(959_999))));
    assert_eq!((decision.verdict, decision.primary), (Verdict::Move, OBS_002));
    assert_eq!(decision.twist.linear_mm_per_s, 400);
    let decision = decide(|input| both(input, |sensor| sensor.confidence[0] = Some(ppm(960_000))));
    assert_eq!((decision.primary, decision.twist.linear_mm_per_s), (MOV_001, 500));
}

#[test]
fn obs_003_the_slow_band_is_left_after_its_dwell() {
    let mut interlock: Interlock<1, 8> = armed();
    let mut low = good(NEXT, 500);
    low.sensors[0].as_mut().unwrap().confidence[0] = Some(ppm(959_999));
    interlock.step(&low);
    for step in 1..=10 {
        let decision = interlock.step(&good(NEXT + step * 100, 500));
        assert_eq!((decision.primary, decision.twist.linear_mm_per_s), (OBS_003, 400), "step {step}");
        assert!(decision.evidence.holds());
    }
    assert_eq!(interlock.step(&good(NEXT + 1_100, 500)).primary, MOV_001);
}

#[test]
fn obs_003_after_a_stop_the_robot_is_slow_for_the_whole_dwell() {
    let mut interlock: Interlock<1, 8> = armed();
    interlock.step(&Input { beat: None, ..good(NEXT, 500) });
    for step in 1..=5 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, 500)).primary, ARM_001);
    }
    for step in 6..16 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, 500)).primary, OBS_003, "step {step}");
    }
    assert_eq!(interlock.step(&good(NEXT + 1_600, 500)).primary, MOV_001);
}

#[test]
fn obs_003_time_without_evidence_does_not_count_for_the_dwell() {
    let mut interlock: Interlock<1, 8> = armed();
    let mut low = good(NEXT, 500);
    low.sensors[0].as_mut().unwrap().confidence[0] = Some(ppm(959_999));
    interlock.step(&low);
    for step in 1..30 {
        interlock.step(&Input { map: None, ..good(NEXT + step * 100, 0) });
    }
    assert_eq!(interlock.step(&good(NEXT + 3_000, 500)).primary, OBS_003);
}

#[test]
fn obs_004_stale_readings() {
    let old = |input: &mut In, micros| {
        both(input, |sensor| sensor.taken = RobotTime::from_micros(NEXT * 1_000 - micros));
    };
    stops(OBS_004, StopCategory::One, |input| old(input, 100_000), |input| old(input, 100_001));
    // One fresh sensor is enough.
    let decision = decide(|input| input.sensors[1].as_mut().unwrap().taken = at(0));
    assert_eq!(decision.verdict, Verdict::Move);
    // A distance ages as well.
    let free = |input: &mut In, micros| {
        let taken = RobotTime::from_micros(NEXT * 1_000 - micros);
        input.free_travel = Some(Reading { taken, value: Mm(10_000) });
    };
    stops(OBS_004, StopCategory::One, |input| free(input, 100_000), |input| free(input, 100_001));
}

#[test]
fn obs_005_readings_from_the_future() {
    let ahead = |input: &mut In, micros| {
        both(input, |sensor| sensor.taken = RobotTime::from_micros(NEXT * 1_000 + micros));
    };
    stops(OBS_005, StopCategory::One, |input| ahead(input, 5_000), |input| ahead(input, 5_001));
    let decision = decide(|input| input.free_travel.as_mut().unwrap().taken = RobotTime::MAX);
    assert_eq!(decision.primary, OBS_005);
}

#[test]
fn obs_007_a_sector_nobody_watches() {
    stops(OBS_007, StopCategory::One, |input| input.sensors[0] = None, |input| input.sensors = [None; 2]);
    stops(
        OBS_007,
        StopCategory::One,
        |input| input.sensors[0].as_mut().unwrap().healthy = false,
        |input| both(input, |sensor| sensor.healthy = false),
    );
    stops(
        OBS_007,
        StopCategory::One,
        |input| both(input, |sensor| sensor.confidence[5] = None),
        |input| both(input, |sensor| sensor.confidence[0] = None),
    );
}

#[test]
fn obs_007_no_mask_and_rotation_mean_all_sectors() {
    let blind_behind = |sectors, linear, angular| {
        decide(|input| {
            both(input, |sensor| sensor.confidence[4] = None);
            let twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
            input.request = Request { twist, sectors };
        })
    };
    assert_eq!(blind_behind(0b1000_0011, 500, 0).verdict, Verdict::Move);
    assert_eq!(blind_behind(0, 500, 0).primary, OBS_007);
    assert_eq!(blind_behind(0xff00, 500, 0).primary, OBS_007, "sectors that do not exist are no mask");
    assert_eq!(blind_behind(0b1000_0011, 0, 300).primary, OBS_007);
}

#[test]
fn ssm_001_speed_stops_within_the_free_travel() {
    let decision = decide(|input| input.free_travel.as_mut().unwrap().value = Mm(400));
    assert_eq!((decision.verdict, decision.primary), (Verdict::Move, SSM_001));
    // 200 mm beyond the margin, 150 ms, 800 mm/s²: √(120² + 320000) - 120.
    assert_eq!(decision.twist.linear_mm_per_s, 458);
    // The older the reading, the slower.
    let older = decide(|input| {
        input.free_travel = Some(Reading { taken: at(NEXT - 100), value: Mm(400) });
    });
    assert_eq!(older.twist.linear_mm_per_s, 400);
    let decision = decide(|input| input.free_travel.as_mut().unwrap().value = Mm(10_000));
    assert!(!decision.rules.contains(SSM_001));
}

#[test]
fn ssm_002_an_obstacle_within_the_margin() {
    let free = |input: &mut In, value| input.free_travel.as_mut().unwrap().value = Mm(value);
    stops(SSM_002, StopCategory::One, |input| free(input, 201), |input| free(input, 200));
    assert_eq!(decide(|input| input.free_travel = None).primary, SSM_002, "unknown is no distance");
    // Turning in place, it does not matter.
    let decision = decide(|input| {
        input.free_travel = None;
        input.request.twist = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 300 };
    });
    assert_eq!(decision.verdict, Verdict::Move);
}

#[test]
fn full_confidence_does_not_outweigh_an_obstacle_ahead() {
    let decision = decide(|input| {
        both(input, |sensor| sensor.confidence = [Some(ppm(1_000_000)); 8]);
        input.free_travel.as_mut().unwrap().value = Mm(200);
    });
    assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::One, rule: SSM_002 });
}

#[test]
fn clr_001_beside_a_wall_the_robot_creeps_but_is_never_stuck() {
    for (clearance, speed, primary) in [
        (Some(Mm(100)), 500, MOV_001),
        (Some(Mm(99)), 300, CLR_001),
        (Some(Mm(0)), 300, CLR_001),
        (None, 300, CLR_001),
    ] {
        let decision = decide(|input| input.side_clearance = clearance);
        assert_eq!(decision.verdict, Verdict::Move);
        assert_eq!((decision.twist.linear_mm_per_s, decision.primary), (speed, primary), "{clearance:?}");
    }
}

#[test]
fn rel_001_speed_stops_within_the_release() {
    stops(
        REL_001,
        StopCategory::Two,
        |input| input.release.as_mut().unwrap().remaining = Mm(5_000),
        |input| input.release = None,
    );
    let ends = |remaining| decide(|input| input.release.as_mut().unwrap().remaining = Mm(remaining));
    assert_eq!(ends(0).verdict, Verdict::Stop { category: StopCategory::Two, rule: REL_001 });
    assert_eq!((ends(200).primary, ends(200).twist.linear_mm_per_s), (REL_001, 458));
    // Turning in place needs a release, but none of its length.
    let turn = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 300 };
    let turning = |release| {
        decide(|input| {
            input.request.twist = turn;
            input.release = release;
        })
    };
    let here = ReleaseLimit { epoch: sheepdog_interlock::Epoch(1), remaining: Mm(0), site: SITE };
    assert_eq!(turning(Some(here)).verdict, Verdict::Move);
    assert_eq!(turning(None).primary, REL_001);
}

#[test]
fn rel_001_waiting_for_a_release_is_not_a_fault() {
    let mut interlock: Interlock<1, 8> = armed();
    interlock.step(&Input { release: None, ..good(NEXT, 500) });
    assert_eq!(interlock.step(&good(NEXT + 100, 500)).verdict, Verdict::Move, "no dwell");
}

#[test]
fn rel_002_a_release_for_another_site() {
    stops(
        REL_002,
        StopCategory::Two,
        |_| {},
        |input| input.release.as_mut().unwrap().site = SiteVersion([8; 32]),
    );
}

#[test]
fn map_001_outside_the_mapped_area() {
    stops(MAP_001, StopCategory::One, |_| {}, |input| input.map.as_mut().unwrap().inside = false);
}

#[test]
fn map_002_localisation_missing_old_or_elsewhere() {
    let map = |taken, site| Some(MapEvidence { inside: true, site, taken });
    let now = NEXT * 1_000;
    for (kept, broken) in [
        (map(at(NEXT), SITE), None),
        (map(micros(now - 100_000), SITE), map(micros(now - 100_001), SITE)),
        (map(micros(now + 5_000), SITE), map(micros(now + 5_001), SITE)),
        (map(at(NEXT), SITE), map(at(NEXT), SiteVersion([8; 32]))),
    ] {
        stops(MAP_002, StopCategory::One, |input| input.map = kept, |input| input.map = broken);
    }
}

#[test]
fn com_002_the_supervisor_is_silent() {
    let now = NEXT * 1_000;
    for (kept, broken) in [
        (Some(at(NEXT)), None),
        (Some(micros(now - 200_000)), Some(micros(now - 200_001))),
        (Some(micros(now + 5_000)), Some(micros(now + 5_001))),
    ] {
        stops(COM_002, StopCategory::One, |input| input.beat = kept, |input| input.beat = broken);
    }
}

#[test]
fn clk_001_a_clock_that_goes_backwards_latches() {
    let mut interlock: Interlock<1, 8> = armed();
    assert_eq!(interlock.step(&good(ARMED, 500)).verdict, Verdict::Move, "the same instant twice is fine");
    let mut input = good(ARMED, 500);
    input.now = micros(ARMED * 1_000 - 1);
    let decision = interlock.step(&input);
    assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Zero, rule: CLK_001 });
    assert!(interlock.state().needs_person() && decision.evidence.holds());
}

#[test]
fn clk_002_a_clock_that_jumps_stops_and_restarts_the_dwell() {
    let mut interlock: Interlock<1, 8> = armed();
    assert_eq!(interlock.step(&good(ARMED + 250, 500)).verdict, Verdict::Move);
    let late = good(ARMED + 501, 500);
    assert_eq!(interlock.step(&late).verdict, Verdict::Stop { category: StopCategory::One, rule: CLK_002 });
    assert_eq!(interlock.step(&good(ARMED + 600, 500)).primary, ARM_001);
    assert_eq!(interlock.step(&good(ARMED + 850, 500)).primary, ARM_001);
    assert_eq!(interlock.step(&good(ARMED + 1_100, 500)).verdict, Verdict::Move);
}

#[test]
fn est_001_an_ordered_stop_latches() {
    let stop = |generation| {
        Some(StopCommand { generation: StopGeneration(generation), category: StopCategory::One })
    };
    for generation in [0, 1, u32::MAX] {
        stops(EST_001, StopCategory::One, |_| {}, |input| input.stop = stop(generation));
    }
    let mut interlock = latched(3);
    let decision = interlock.step(&good(NEXT + 100, 500));
    assert_eq!((decision.primary, interlock.highest_stop()), (EST_001, Some(StopGeneration(3))));
    assert!(decision.rules.contains(RST_001) && decision.evidence.holds());
}

#[test]
fn est_003_the_button_latches_even_a_robot_at_rest() {
    let mut interlock: Interlock<1, 8> = armed();
    let decision = interlock.step(&Input { emergency_button: true, ..good(NEXT, 0) });
    assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Zero, rule: EST_003 });
    assert_eq!(interlock.step(&good(NEXT + 100, 0)).primary, EST_003);
}

#[test]
fn stp_001_a_stop_is_finished_before_motion_starts_again() {
    let mut interlock: Interlock<1, 8> = armed();
    let mut low = good(NEXT, 500);
    low.speed = Some(MmPerS(500));
    low.free_travel = None;
    interlock.step(&low);
    for step in 1..=10 {
        let decision = interlock.step(&Input { speed: Some(MmPerS(21)), ..good(NEXT + step * 100, 500) });
        assert_eq!(decision.primary, STP_001, "step {step}");
        assert!(decision.evidence.holds());
    }
    let standing = Input { speed: Some(MmPerS(20)), ..good(NEXT + 1_100, 500) };
    assert_eq!(interlock.step(&standing).verdict, Verdict::Move, "the dwell is over by now");
}

#[test]
fn stp_002_a_robot_that_does_not_stop_latches() {
    for speed in [Some(MmPerS(21)), None] {
        let mut interlock: Interlock<1, 8> = armed();
        let failing = |millis| Input { free_travel: None, speed, ..good(millis, 500) };
        for step in 0..=15 {
            assert_eq!(interlock.step(&failing(NEXT + step * 100)).primary, SSM_002, "step {step}");
        }
        let decision = interlock.step(&failing(NEXT + 1_501));
        assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Zero, rule: STP_002 });
        assert!(decision.evidence.holds());
    }
}

#[test]
fn stp_002_pushing_a_robot_that_has_not_armed_yet_is_no_fault() {
    let mut interlock = Interlock::<1, 8>::new(config().validate().unwrap());
    for step in 0..50 {
        let decision = interlock.step(&Input { speed: Some(MmPerS(300)), ..good(step * 100, 0) });
        assert_eq!(decision.primary, STP_001);
    }
    assert!(!interlock.state().needs_person());
}

#[test]
fn rst_002_an_acknowledged_robot_waits_for_its_start() {
    let mut interlock = latched(3);
    let acknowledge = Some(reset(3, sheepdog_interlock::ResetStep::Acknowledge));
    let decision = interlock.step(&Input { reset: acknowledge, ..good(NEXT + 100, 500) });
    assert_eq!(decision.primary, RST_002);
    for step in 2..50 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, 500)).primary, RST_002);
    }
}

#[test]
fn rst_001_is_named_as_long_as_nobody_has_acknowledged() {
    let mut interlock = latched(3);
    for step in 1..50 {
        let decision = interlock.step(&good(NEXT + step * 100, 500));
        assert!(decision.rules.contains(RST_001) && decision.primary == EST_001);
    }
}

#[test]
fn arm_001_motion_waits_for_the_dwell() {
    let mut interlock = Interlock::<1, 8>::new(config().validate().unwrap());
    for step in 0..5 {
        let decision = interlock.step(&good(step * 100, 500));
        assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Two, rule: ARM_001 });
        assert!(decision.evidence.holds());
    }
    assert_eq!(interlock.step(&good(500, 500)).verdict, Verdict::Move);
}

#[test]
fn arm_003_motion_waits_for_the_rearming_level() {
    let mut interlock = Interlock::<1, 8>::new(config().validate().unwrap());
    for step in 0..50 {
        let mut input = good(step * 100, 500);
        input.sensors[0].as_mut().unwrap().confidence[0] = Some(ppm(949_999));
        assert_eq!(interlock.step(&input).primary, ARM_003);
    }
}

#[test]
fn spd_001_and_spd_004_cap_the_twist_and_keep_its_curvature() {
    let bounded = |linear, angular| {
        decide(|input| {
            input.request.twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
        })
    };
    let decision = bounded(2_000, 1_000);
    assert_eq!(decision.twist, Twist { linear_mm_per_s: 1_000, angular_mrad_per_s: 500 });
    assert_eq!(decision.primary, SPD_001);
    let decision = bounded(-800, 3_000);
    assert_eq!(decision.twist, Twist { linear_mm_per_s: -400, angular_mrad_per_s: 1_500 });
    assert_eq!(decision.primary, SPD_004);
    let decision = bounded(4_000, 3_000);
    assert_eq!(decision.twist, Twist { linear_mm_per_s: 1_000, angular_mrad_per_s: 750 });
    assert!(decision.rules.contains(SPD_001) && decision.rules.contains(SPD_004));
    assert_eq!(bounded(i32::MIN, 0).twist.linear_mm_per_s, -1_000);
    assert_eq!(bounded(1_000, 1_500).primary, MOV_001);
}

#[test]
fn mov_001_a_permit_names_its_reason() {
    let decision = decide(|_| {});
    assert_eq!((decision.verdict, decision.primary), (Verdict::Move, MOV_001));
    assert_eq!((decision.evidence.measured, decision.evidence.limit), (500, 1_000));
    assert!(decision.rules.iter().eq([MOV_001]));
}

#[test]
fn idl_001_standing_still_is_not_a_stop() {
    // Nobody looks anywhere, there is no release and no map: it does not matter as long as nobody wants to move.
    let mut interlock: Interlock<1, 8> = armed();
    let decision = interlock.step(&Input { speed: Some(MmPerS(0)), ..Input::unknown(at(NEXT), SITE) });
    assert_eq!((decision.verdict, decision.primary), (Verdict::Idle, IDL_001));
    assert_eq!(interlock.step(&good(NEXT + 100, 500)).verdict, Verdict::Move);
}

struct Nothing;

impl sheepdog_interlock::Base for Nothing {
    fn drive(&mut self, _: sheepdog_interlock::Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

#[test]
fn log_001_a_full_log_latches() {
    let mut robot = Guarded::<_, 1, 8>::new(armed(), Nothing);
    let mut log = Ring::<1>::new();
    assert_eq!(robot.step(&good(NEXT, 500), &mut log).verdict, Verdict::Move);
    let decision = robot.step(&good(NEXT + 100, 500), &mut log);
    assert_eq!(decision.verdict, Verdict::Stop { category: StopCategory::Zero, rule: LOG_001 });
    log.pop();
    assert_eq!(robot.step(&good(NEXT + 200, 500), &mut log).primary, LOG_001, "room in the log is no reset");
}

/// Every rule of the catalogue is the subject of a test above.
#[test]
fn no_rule_is_without_a_test() {
    let source = include_str!("rules.rs");
    for rule in RULES {
        let name = rule.id.as_str().to_lowercase().replace('-', "_");
        let is_subject = |line: &str| line.starts_with("fn ") && line.contains(&name);
        assert!(source.lines().any(is_subject), "{} has no test", rule.id);
    }
}
