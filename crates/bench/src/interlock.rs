//! How long one decision of the interlock takes.

use std::hint::black_box;

use sheepdog_core::FleetTime;
use sheepdog_interlock::{
    Confidence, Epoch, Input, Interlock, Mm, MmPerS, MradPerS, Odometry, Ppm, Reading, ReleaseLimit, Request,
    Restart, RobotTime, SectorReading, SelfTest, SensorReading, SiteVersion, Twist,
    packs::{PACKS, PackSlot, PackVerdict, Ruling},
};
use sheepdog_runtime::Clock;
use sheepdog_scenario::interlock_config;

use crate::{figure::Figure, median};

/// As on a well-equipped robot: four sensors, eight sectors.
const SENSORS: usize = 4;
const SECTORS: usize = 8;

/// Decisions in one measurement.
const BATCH: u32 = 100_000;

/// `decision_nominal_ns`: everything is well and the robot drives, 4 sensors with 8 sectors each.
pub(crate) fn run(quick: bool) -> Vec<Figure> {
    let Ok(config) = interlock_config() else { return Vec::new() };
    let mut interlock = Interlock::<SENSORS, SECTORS>::new(config, config.digest(), Restart::First);
    let mut now = 1_000_000_u64;
    let runs = if quick { 5 } else { 41 };
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let clock = Clock::starting_at(FleetTime::ZERO);
        for _ in 0..BATCH {
            now += 50_000;
            black_box(interlock.step(black_box(&nominal(RobotTime::from_micros(now)))));
        }
        let spent = clock.now().since(FleetTime::ZERO).unwrap_or_default();
        times.push(spent.as_secs_f64() * 1e9 / f64::from(BATCH));
    }
    vec![Figure::alone("interlock", "decision_nominal_ns", median(times), "ns")]
}

/// A robot that drives straight at 0.8 m/s with a clear view. Making it is part of what is measured.
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
        odometry: Some(Odometry {
            speed: MmPerS(800),
            yaw_rate: MradPerS(0),
            travelled: Mm(u32::try_from(now.as_micros() / 1_250).unwrap_or(u32::MAX)),
            turned_mrad: 0,
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
