//! How long one decision of the interlock takes, and what stands between it and a motor.

use std::hint::black_box;

use sheepdog_core::FleetTime;
use sheepdog_interlock::{
    Base, BootNonce, Bounded, Confidence, Deadman, Epoch, Guarded, Input, Interlock, Key, Micros, Mm, MmPerS,
    MradPerS, Odometry, Ppm, Reading, Receiver, ReleaseLimit, Request, Restart, Revocations, Ring, RobotTime,
    Sealer, SectorReading, SelfTest, SensorReading, SiteVersion, StopCategory, Twist, ValidConfig,
    beams::{Beam, Direction, Surroundings, Sweep, UNIT, reduce},
    packs::{PACKS, PackSlot, PackVerdict, Ruling},
};
use sheepdog_runtime::Clock;
use sheepdog_scenario::interlock_config;
use sheepdog_testkit::kernel::inputs;

use crate::{figure::Figure, median};

/// As on a well-equipped robot: four sensors, eight sectors.
const SENSORS: usize = 4;
const SECTORS: usize = 8;

/// Inputs made before the clock starts: few enough to stay in the processor's cache, as an input does that was just made.
const INPUTS: usize = 64;
/// Scenes of the oracle that are the random inputs; some 30 inputs each.
const SCENES: u64 = 4;
/// The time between two steps.
const CYCLE_US: u64 = 50_000;

/// With 4 sensors of 8 sectors each:
///
/// - `decision_nominal_ns`: everything is well and the robot drives;
/// - `decision_random_ns`: the oracle's scenes, in which something is always wrong;
/// - `decision_p9999_ns`: the slowest of ten thousand nominal decisions, reading the clock included;
/// - `beams360_decision_ns`: a nominal decision and the reduction of 360 beams before it;
/// - `permit_check_ns`: what a base asks before each motor command;
/// - `permit_mac_ns`: sealing a permit for another processor and opening it there.
pub(crate) fn run(quick: bool) -> Vec<Figure> {
    let Ok(config) = interlock_config() else { return Vec::new() };
    let runs = if quick { 5 } else { 41 };
    let figure = |name: &str, value| Figure::alone("interlock", name, value, "ns");
    let mut measured = Permits::default();
    let mut guarded = Guarded::new(interlock(&config), &mut measured, BootNonce(1));
    let mut log = Ring::<16>::new();
    for input in nominal_run(runs) {
        guarded.step(&input, &mut log);
        log.pop();
    }
    vec![
        figure("decision_nominal_ns", nominal_ns(&config, runs)),
        figure("decision_random_ns", random_ns(runs)),
        figure("decision_p9999_ns", slowest_ns(&config, if quick { 20_000 } else { 1_000_000 })),
        figure("beams360_decision_ns", beams_ns(&config, runs)),
        figure("permit_check_ns", median(measured.check)),
        figure("permit_mac_ns", median(measured.mac)),
    ]
}

fn interlock(config: &ValidConfig) -> Interlock<SENSORS, SECTORS> {
    Interlock::new(*config, config.digest(), Restart::First)
}

/// Nanoseconds for each of `count` calls.
fn each_ns(count: u32, work: impl FnOnce()) -> f64 {
    let begun = Clock::starting_at(FleetTime::ZERO);
    work();
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(count.max(1))
}

/// One decision.
fn ask(interlock: &mut Interlock<SENSORS, SECTORS>, input: &Input<SENSORS, SECTORS>) {
    black_box(interlock.step(black_box(input)));
}

/// Nominal inputs, one after the other: so many after those in which the robot stands and waits for the dwell.
fn nominal_run(count: usize) -> impl Iterator<Item = Input<SENSORS, SECTORS>> {
    (0_u64..).take(INPUTS + count).map(|step| {
        let mut input = nominal(RobotTime::from_micros(1_000_000 + step * CYCLE_US));
        if step < INPUTS as u64 / 2
            && let Some(odometry) = &mut input.odometry
        {
            (odometry.value.speed, odometry.value.travelled) = (MmPerS::ZERO, Mm::ZERO);
        }
        input
    })
}

fn nominal_ns(config: &ValidConfig, runs: usize) -> f64 {
    let mut interlock = interlock(config);
    let inputs: Vec<_> = nominal_run(100 * runs).collect();
    inputs.iter().take(INPUTS).for_each(|input| ask(&mut interlock, input));
    let times = inputs.get(INPUTS..).unwrap_or_default().chunks_exact(INPUTS).map(|inputs| {
        // Once into the cache, on a robot of its own.
        let mut warm = interlock.clone();
        for input in inputs {
            ask(&mut warm, input);
        }
        each_ns(64, || inputs.iter().for_each(|input| ask(&mut interlock, input)))
    });
    median(times.collect())
}

fn random_ns(runs: usize) -> f64 {
    let scenes = inputs::<SENSORS, SECTORS>(1, SCENES);
    let count = scenes.iter().map(|(_, inputs)| inputs.len()).sum::<usize>();
    let times = (0..20 * runs).map(|_| {
        let mut robots: Vec<_> = scenes.iter().map(|(config, _)| interlock(config)).collect();
        each_ns(u32::try_from(count).unwrap_or(u32::MAX), || {
            for (robot, (_, inputs)) in robots.iter_mut().zip(&scenes) {
                for input in inputs {
                    ask(robot, input);
                }
            }
        })
    });
    median(times.collect())
}

fn slowest_ns(config: &ValidConfig, count: usize) -> f64 {
    let mut interlock = interlock(config);
    let mut times: Vec<f64> =
        nominal_run(count).map(|input| each_ns(1, || ask(&mut interlock, &input))).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() - times.len() / 10_000 - 1).copied().unwrap_or(0.0)
}

fn beams_ns(config: &ValidConfig, runs: usize) -> f64 {
    let mut interlock = interlock(config);
    let beams = circle_of_beams();
    let sweep = Sweep {
        twist: Twist { linear_mm_per_s: 800, angular_mrad_per_s: 100 },
        radius: Mm(300),
        reach: Mm(1_000),
        wall_credit: Mm(100),
        half_gap: 1_000,
    };
    let inputs: Vec<_> = nominal_run(100 * runs).collect();
    inputs.iter().take(INPUTS).for_each(|input| ask(&mut interlock, input));
    let times = inputs.get(INPUTS..).unwrap_or_default().chunks_exact(INPUTS).map(|inputs| {
        each_ns(64, || {
            for input in inputs {
                let seen: Surroundings<SECTORS> = reduce(black_box(&beams), Mm(10_000), sweep);
                let mut input = *input;
                if let Some(reading) = input.sensors.iter_mut().flatten().next() {
                    (reading.sectors, reading.invalid) = (seen.sectors, seen.invalid);
                }
                input.free_travel = Some(Reading { taken: input.now, value: seen.free_travel });
                ask(&mut interlock, &input);
            }
        })
    });
    median(times.collect())
}

/// A beam a degree in a room with uneven walls. Turned step by step: no sine of the platform.
fn circle_of_beams() -> Vec<Beam> {
    const COS_1_DEGREE: f64 = 0.999_847_695_156_391_2;
    const SIN_1_DEGREE: f64 = 0.017_452_406_437_283_51;
    let unit = f64::from(UNIT);
    #[expect(clippy::cast_possible_truncation, reason = "within one unit")]
    let fixed = |part: f64| (part * unit).round() as i32;
    let mut beams = Vec::with_capacity(360);
    let (mut x, mut y) = (1.0_f64, 0.0_f64);
    for degree in 0_u32..360 {
        let sector = u8::try_from(degree / 45).unwrap_or(0);
        if let Some(direction) = Direction::new(fixed(x), fixed(y), sector) {
            beams.push(Beam {
                direction,
                half_spacing: 286,
                // Some are swallowed, behind the robot: ahead of it they would stop it.
                range: (degree % 50 != 25 || !(100..260).contains(&degree))
                    .then_some(Mm(2_000 + degree * 37 % 5_000)),
                confidence: Confidence::from_ppm(990_000).unwrap_or(Confidence::NONE),
                is_wall: degree % 3 == 0,
            });
        }
        (x, y) = (x * COS_1_DEGREE - y * SIN_1_DEGREE, x * SIN_1_DEGREE + y * COS_1_DEGREE);
    }
    beams
}

/// A base that measures what becomes of the permits it is given.
#[derive(Default)]
struct Permits {
    check: Vec<f64>,
    mac: Vec<f64>,
}

impl Base for &mut Permits {
    fn drive(&mut self, command: Bounded<'_>) {
        const CHECKS: u32 = 10_000;
        const SEALS: u32 = 500;
        let mut deadman = Deadman::default();
        deadman.accept(&command);
        let (now, revocations) = (RobotTime::from_micros(1_000_000), Revocations::default());
        self.check.push(each_ns(CHECKS, || {
            for _ in 0..CHECKS {
                black_box(black_box(&deadman).twist(black_box(now), &revocations));
            }
        }));
        let Ok(config) = interlock_config() else { return };
        let key = Key::new(&[7; 32]);
        let (mut sealer, mut receiver) =
            (Sealer::new(key.clone(), config.digest()), Receiver::new(key, config.digest()));
        let asked = command.until().since(RobotTime::ZERO).unwrap_or(Micros::ZERO);
        let now = RobotTime::from_micros(asked.as_micros().saturating_sub(100_000));
        self.mac.push(each_ns(SEALS, || {
            for random in 0..u64::from(SEALS) {
                let challenge = receiver.challenge(now, random);
                let sealed = sealer.seal(&command, now, challenge);
                black_box(receiver.open(now, &sealed).is_ok());
            }
        }));
    }

    fn halt(&mut self, _: StopCategory) {}
}

/// A robot that drives straight at 0.8 m/s with a clear view.
fn nominal(now: RobotTime) -> Input<SENSORS, SECTORS> {
    let site = SiteVersion([7; 32]);
    let confidence = Confidence::from_ppm(990_000).unwrap_or(Confidence::NONE);
    let sensor = SensorReading {
        taken: now,
        seq: now.as_micros(),
        digest: now.as_micros(),
        healthy: true,
        invalid: Ppm::ZERO,
        residual: None,
        sectors: [Some(SectorReading { confidence, obstacle: Mm::MAX }); SECTORS],
    };
    let mut packs = [None; PACKS];
    if let Some(slot) = packs.get_mut(PackSlot::MAP.index()) {
        *slot = Some(PackVerdict::new(now, Ruling::Allow));
    }
    Input {
        request: Request {
            twist: Twist { linear_mm_per_s: 800, angular_mrad_per_s: 0 },
            sectors: 0b0000_0111,
            issued: now,
        },
        sensors: [Some(sensor); SENSORS],
        free_travel: Some(Reading { value: Mm(6_000), taken: now }),
        side_clearance: Some(Mm(700)),
        odometry: Some(Reading {
            taken: now,
            value: Odometry {
                speed: MmPerS(800),
                yaw_rate: MradPerS(0),
                travelled: Mm(u32::try_from(now.as_micros() / 1_250).unwrap_or(u32::MAX)),
                turned_mrad: 0,
            },
        }),
        release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(4_000), taken: now, site }),
        beat: Some(now),
        packs,
        self_test: SelfTest::Passed,
        emergency_button: Some(false),
        bumper: Some(false),
        ..Input::unknown(now, site)
    }
}
