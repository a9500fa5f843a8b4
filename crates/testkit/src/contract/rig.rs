//! What stands around a controller that has no simulator of its own: a clock, a scanner, odometers and a radio.

use std::{collections::VecDeque, sync::Arc};

use sheepdog_core::{
    Confidence, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, RobotTime,
    wire::{ToAgent, ToFleet},
};
use sheepdog_driver::{Base, Beam, Link, Observation, Onboard, OnboardConfig};
use sheepdog_interlock::{
    Config, ConfigError,
    packs::{PACKS, map::MapSettings},
};
use sheepdog_sim::Tampering;

use super::{Course, Injection, Observed, Support};

/// How far the scanner of a rig looks, metres.
const SIGHT_M: f64 = 8.0;

/// A robot's surroundings in virtual time, for controllers under test that are an
/// [`Onboard`] over a base of one's own.
///
/// Its scanner meets nothing but what is injected: faults of perception ([`Tampering`]). Faults of base, building, radio and
/// power are the driver's own to inject.
#[derive(Debug)]
pub struct Rig {
    now: Micros,
    seen: Observed,
    yaw_rate_rps: f64,
    travelled_m: f64,
    turned_rad: f64,
    radio: Radio,
    faults: Vec<(Micros, Option<Micros>, Tampering)>,
    steps: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Radio {
    down: VecDeque<ToAgent>,
    up: Vec<ToFleet>,
}

impl Link for Radio {
    fn send(&mut self, message: ToFleet) {
        self.up.push(message);
    }

    fn receive(&mut self) -> Option<ToAgent> {
        self.down.pop_front()
    }
}

impl Rig {
    /// A robot at rest where the course begins.
    pub fn new(course: &Course) -> Self {
        let start = course.site.waypoint(course.from);
        let seen = start.map_or_else(Observed::default, |start| Observed {
            level: start.level,
            x_m: start.at.x,
            y_m: start.at.y,
            ..Observed::default()
        });
        Self {
            now: Micros::ZERO,
            seen,
            yaw_rate_rps: 0.0,
            travelled_m: 0.0,
            turned_rad: 0.0,
            radio: Radio::default(),
            faults: Vec::new(),
            steps: None,
        }
    }

    /// Settings for a controller on the course: 0.8 m/s, 0.8 rad/s, accelerating at 0.4 m/s² and braking at 0.8.
    ///
    /// # Errors
    /// None in practice; settings are always checked.
    pub fn settings(course: &Course) -> Result<OnboardConfig, ConfigError> {
        let interlock = Config { yaw_rate_max: MradPerS(1_000), ..Config::SIMULATED }.validate()?;
        Ok(OnboardConfig {
            agent: course.agent,
            site: Arc::clone(&course.site),
            class: 0,
            interlock,
            approved: interlock.digest(),
            speed: MmPerS(800),
            acceleration: MmPerS2(400),
            yaw_rate: MradPerS(800),
            turning_radius: Mm(0),
            report_every: Micros::from_secs(1),
            passage_fresh: Micros::from_secs(1),
            fleet_beat_timeout: None,
            map: MapSettings { error_max: Mm(50), ..MapSettings::SIMULATED },
            wall_margin: Mm(50),
            beam_gap_rad: 0.5,
        })
    }

    /// What the robot's clock shows.
    pub const fn clock(&self) -> RobotTime {
        RobotTime::from_micros(self.now.as_micros())
    }

    /// Speed, metres per second, and yaw rate, radians per second.
    pub const fn motion(&self) -> (f64, f64) {
        (self.seen.speed_mps, self.yaw_rate_rps)
    }

    /// Takes in a message of the fleet.
    pub fn command(&mut self, message: ToAgent) {
        self.radio.down.push_back(message);
    }

    /// Injects what it can: faults of perception.
    pub fn inject(&mut self, injection: Injection) -> Support {
        let Injection::Fault { kind, duration } = injection else { return Support::Unsupported };
        let Some(fault) = Tampering::of(kind, 0) else { return Support::Unsupported };
        self.faults.push((self.now, duration, fault));
        self.seen.struck.push(false);
        Support::Supported
    }

    /// Lets a controller sense, decide and command its base.
    pub fn step<B: Base>(&mut self, onboard: &mut Onboard<B>) {
        let observation = self.sense();
        onboard.step(&observation, &mut self.radio);
        if let Some(step) = onboard.black_box().next_back() {
            let key = (step.record.boot.0, step.record.seq);
            if self.steps != Some(key) {
                self.steps = Some(key);
                self.seen.steps.push(step.clone());
            }
        }
    }

    /// Lets `span` pass, in which the body has come to a speed and a yaw rate.
    pub fn pass(&mut self, span: Micros, speed_mps: f64, yaw_rate_rps: f64) {
        let span_s = span.as_secs_f64();
        let way_m = self.seen.speed_mps.midpoint(speed_mps) * span_s;
        let turn_rad = self.yaw_rate_rps.midpoint(yaw_rate_rps) * span_s;
        let heading_rad = self.seen.yaw_rad + turn_rad / 2.0;
        self.seen.x_m += way_m * libm::cos(heading_rad);
        self.seen.y_m += way_m * libm::sin(heading_rad);
        self.seen.yaw_rad += turn_rad;
        self.travelled_m += way_m.abs();
        self.turned_rad += turn_rad.abs();
        (self.seen.speed_mps, self.yaw_rate_rps) = (speed_mps, yaw_rate_rps);
        self.now = self.now.saturating_add(span);
    }

    /// What has happened since the last call.
    pub fn observe(&mut self) -> Observed {
        self.seen.clock = self.clock();
        let (said, steps) = (std::mem::take(&mut self.radio.up), std::mem::take(&mut self.seen.steps));
        Observed { said, steps, ..self.seen.clone() }
    }

    fn sense(&mut self) -> Observation {
        let (now, clock) = (self.now, self.clock());
        let confidence = Confidence::from_ppm(990_000).unwrap_or(Confidence::NONE);
        // A scanner whose frames are all the same counts as frozen.
        let range_m = SIGHT_M - (now.as_secs_f64() * 7.0).fract() / 100.0;
        let beam = |index: u32| Beam { angle_rad: f64::from(index) * 0.25 - 3.1, range_m, confidence };
        let mut observation = Observation {
            now: clock,
            taken: clock,
            level: self.seen.level,
            x_m: self.seen.x_m,
            y_m: self.seen.y_m,
            yaw_rad: self.seen.yaw_rad,
            pose_error_m: 0.01,
            speed_mps: self.seen.speed_mps,
            yaw_rate_rps: self.yaw_rate_rps,
            travelled_m: self.travelled_m,
            turned_rad: self.turned_rad,
            frame: now.as_micros(),
            beams: (0..25).map(beam).collect(),
            beam_range_max_m: SIGHT_M,
            residual_m: Some(0.0),
            braking: None,
            battery: Ppm::ONE,
            emergency_button: false,
            reset_button: false,
            bumper: false,
            packs: [None; PACKS],
            failed: false,
        };
        for ((begun, duration, fault), struck) in self.faults.iter_mut().zip(&mut self.seen.struck) {
            let age = now.saturating_sub(*begun);
            if duration.is_none_or(|duration| age < duration) {
                *struck |= fault.apply(&mut observation, age);
            }
        }
        observation
    }
}
