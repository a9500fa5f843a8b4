//! Settings, inputs and generators that the tests share.

use proptest::prelude::*;
use sheepdog_interlock::{
    CONFIDENCE_STOP_MIN, Confidence, Config, Epoch, Input, Interlock, MapEvidence, Micros, Mm, MmPerS,
    MmPerS2, MradPerS, Reading, ReleaseLimit, Request, Reset, ResetStep, RobotTime, SensorReading,
    SiteVersion, State, StopCategory, StopCommand, StopGeneration, Twist,
};

pub(crate) const SITE: SiteVersion = SiteVersion([7; 32]);

/// When [`armed`] has made its last step, in milliseconds.
pub(crate) const ARMED: u64 = 12_000;

pub(crate) fn ppm(ppm: u32) -> Confidence {
    Confidence::from_ppm(ppm).unwrap()
}

pub(crate) fn at(millis: u64) -> RobotTime {
    RobotTime::from_micros(millis * 1_000)
}

pub(crate) fn config() -> Config {
    Config {
        confidence_stop: CONFIDENCE_STOP_MIN,
        confidence_slow: ppm(960_000),
        confidence_rearm: ppm(950_000),
        dwell: Micros::from_millis(500),
        dwell_up: Micros::from_secs(1),
        sample_age_max: Micros::from_millis(100),
        clock_skew: Micros::from_millis(5),
        clock_jump_max: Micros::from_millis(250),
        permit_ttl: Micros::from_millis(100),
        actuation_delay: Micros::from_millis(50),
        deceleration: MmPerS2(800),
        speed_max: MmPerS(1_000),
        speed_slow: MmPerS(400),
        speed_creep: MmPerS(300),
        yaw_rate_max: MradPerS(1_500),
        stop_margin: Mm(200),
        clearance_creep: Mm(100),
        beat_timeout: Micros::from_millis(200),
        standstill: MmPerS(20),
        stop_time_max: Micros::from_millis(1_500),
    }
}

/// Everything good, asked to drive ahead at `linear` through sector 0.
pub(crate) fn good<const SENSORS: usize, const SECTORS: usize>(
    millis: u64,
    linear: i32,
) -> Input<SENSORS, SECTORS> {
    let now = at(millis);
    Input {
        request: Request { twist: Twist { linear_mm_per_s: linear, angular_mrad_per_s: 0 }, sectors: 1 },
        sensors: [Some(SensorReading {
            taken: now,
            confidence: [Some(Confidence::FULL); SECTORS],
            healthy: true,
        }); SENSORS],
        free_travel: Some(Reading { taken: now, value: Mm(10_000) }),
        side_clearance: Some(Mm(1_000)),
        speed: Some(MmPerS(0)),
        release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(10_000), site: SITE }),
        map: Some(MapEvidence { inside: true, site: SITE, taken: now }),
        beat: Some(now),
        ..Input::unknown(now, SITE)
    }
}

/// An interlock that is ready to move, stepped at 10 Hz until [`ARMED`].
pub(crate) fn armed<const SENSORS: usize, const SECTORS: usize>() -> Interlock<SENSORS, SECTORS> {
    let mut interlock = Interlock::new(config().validate().unwrap());
    for millis in (ARMED - 2_000..=ARMED).step_by(100) {
        interlock.step(&good(millis, 500));
    }
    assert_eq!(interlock.state(), State::Ready);
    interlock
}

/// An interlock latched by the stop of a generation at [`ARMED`] + 100.
pub(crate) fn latched(generation: u32) -> Interlock<1, 8> {
    let mut interlock = armed();
    let stop = StopCommand { generation: StopGeneration(generation), category: StopCategory::One };
    interlock.step(&Input { stop: Some(stop), ..good(ARMED + 100, 500) });
    assert!(matches!(interlock.state(), State::Latched { .. }));
    interlock
}

pub(crate) fn reset(generation: u32, step: ResetStep) -> Reset {
    Reset { generation: StopGeneration(generation), step }
}

fn confidence() -> impl Strategy<Value = Option<Confidence>> {
    prop_oneof![
        1 => Just(None),
        2 => Just(Some(ppm(924_999))),
        2 => Just(Some(ppm(925_000))),
        1 => Just(Some(ppm(949_999))),
        1 => Just(Some(ppm(950_000))),
        1 => Just(Some(ppm(959_999))),
        6 => Just(Some(ppm(960_000))),
        1 => (0_u32..=1_000_000).prop_map(|value| Some(ppm(value))),
    ]
}

/// Instants around `now`: usually a little earlier, sometimes at a limit, sometimes anywhere.
fn stamp(now: u64) -> impl Strategy<Value = RobotTime> {
    let around = move |offset: i64| RobotTime::from_micros(now.saturating_add_signed(offset));
    prop_oneof![
        6 => (-90_000_i64..=0).prop_map(around),
        1 => Just(around(-100_000)),
        1 => Just(around(-100_001)),
        1 => Just(around(5_000)),
        1 => Just(around(5_001)),
        1 => any::<u64>().prop_map(RobotTime::from_micros),
    ]
}

fn sensor<const SECTORS: usize>(now: u64) -> impl Strategy<Value = Option<SensorReading<SECTORS>>> {
    let confidence = proptest::collection::vec(confidence(), SECTORS);
    let reading =
        (stamp(now), confidence, proptest::bool::weighted(0.95)).prop_map(|(taken, confidence, healthy)| {
            SensorReading { taken, confidence: confidence.try_into().unwrap(), healthy }
        });
    proptest::option::weighted(0.95, reading)
}

fn request() -> impl Strategy<Value = Request> {
    let speed = || prop_oneof![3 => -1_500_i32..=1_500, 2 => Just(0), 1 => Just(i32::MIN), 1 => Just(i32::MAX), 1 => any::<i32>()];
    (speed(), speed(), prop_oneof![Just(0), Just(1), Just(0b1110), any::<u32>()]).prop_map(
        |(linear, angular, sectors)| Request {
            twist: Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular },
            sectors,
        },
    )
}

fn distance() -> impl Strategy<Value = Mm> {
    prop_oneof![4 => 0_u32..3_000, 1 => Just(200), 1 => Just(201), 1 => Just(u32::MAX), 1 => any::<u32>()]
        .prop_map(Mm)
}

/// Inputs around an instant in microseconds: mostly plausible, with ties, limits and nonsense mixed in.
pub(crate) fn input<const SENSORS: usize, const SECTORS: usize>(
    now: u64,
) -> impl Strategy<Value = Input<SENSORS, SECTORS>> {
    let site = || prop_oneof![9 => Just(SITE), 1 => Just(SiteVersion([8; 32]))];
    let sensors = proptest::collection::vec(sensor::<SECTORS>(now), SENSORS);
    let free = proptest::option::weighted(
        0.9,
        (stamp(now), distance()).prop_map(|(taken, value)| Reading { taken, value }),
    );
    let release = proptest::option::weighted(
        0.9,
        (distance(), site()).prop_map(|(remaining, site)| ReleaseLimit { epoch: Epoch(1), remaining, site }),
    );
    let map =
        proptest::option::weighted(
            0.9,
            (proptest::bool::weighted(0.9), site(), stamp(now))
                .prop_map(|(inside, site, taken)| MapEvidence { inside, site, taken }),
        );
    let category = prop_oneof![Just(StopCategory::Zero), Just(StopCategory::One), Just(StopCategory::Two)];
    let stop = proptest::option::weighted(
        0.1,
        (0_u32..4, category).prop_map(|(generation, category)| StopCommand {
            generation: StopGeneration(generation),
            category,
        }),
    );
    let step = prop_oneof![Just(ResetStep::Acknowledge), Just(ResetStep::Start)];
    let reset = proptest::option::weighted(
        0.3,
        (0_u32..4, step)
            .prop_map(|(generation, step)| Reset { generation: StopGeneration(generation), step }),
    );
    let speed = proptest::option::weighted(
        0.95,
        prop_oneof![3 => Just(0), 1 => Just(20), 1 => Just(21), 1 => any::<u32>()],
    );
    let clearance = proptest::option::weighted(0.9, distance());
    let beat = proptest::option::weighted(0.95, stamp(now));
    let button = proptest::bool::weighted(0.03);
    ((request(), sensors, free, clearance, speed), (release, map, beat, button, stop, reset)).prop_map(
        move |(
            (request, sensors, free_travel, side_clearance, speed),
            (release, map, beat, button, stop, reset),
        )| {
            Input {
                now: RobotTime::from_micros(now),
                request,
                sensors: sensors.try_into().unwrap(),
                free_travel,
                side_clearance,
                speed: speed.map(MmPerS),
                release,
                map,
                site: SITE,
                beat,
                emergency_button: button,
                stop,
                reset,
            }
        },
    )
}

/// A run of inputs at 10 Hz, starting at [`ARMED`] + 100.
pub(crate) fn inputs<const SENSORS: usize, const SECTORS: usize>(
    steps: usize,
) -> impl Strategy<Value = Vec<Input<SENSORS, SECTORS>>> {
    let first = (ARMED + 100) * 1_000;
    (0..u64::try_from(steps).unwrap()).map(|step| input(first + step * 100_000)).collect::<Vec<_>>()
}
