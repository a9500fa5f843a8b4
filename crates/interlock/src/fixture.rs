//! Settings and inputs for the tests.
#![expect(clippy::unwrap_used, reason = "a fixture of tests")]

use sheepdog_core::{
    CONFIDENCE_STOP_MIN, Confidence, Epoch, Micros, Mm, MmPerS, MmPerS2, MradPerS, RobotTime, SiteVersion,
};

use crate::{Config, Input, MapEvidence, Reading, ReleaseLimit, Request, SensorReading, Twist};

pub(crate) const SITE: SiteVersion = SiteVersion([7; 32]);

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

/// Everything good, asked to drive ahead at `linear`.
pub(crate) fn good<const SENSORS: usize, const SECTORS: usize>(
    now: RobotTime,
    linear: i32,
) -> Input<SENSORS, SECTORS> {
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
