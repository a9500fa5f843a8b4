//! A robot of the plant: its controller, its body, its radio and its battery.

use std::sync::Arc;

use nalgebra::{Point2, Vector2};
use sheepdog_core::{AgentId, FleetTime, LevelId, Micros, Ppm, RobotTime, wire::ToAgent};
use sheepdog_driver::{Log, Observation, Onboard, OnboardConfig, Step};
use sheepdog_interlock::{ConfigDigest, ConfigError, Decision, Memory, Restart, packs::PACKS};
use sheepdog_map::CompiledSite;

use crate::{
    body::{Body, Drive, SimBase},
    config::{BeamSpec, PowerSpec},
    distort::{self, Frozen, distort},
    fault::{Active, FaultKind},
    full_log::FullLog,
    radio::SimLink,
    random::{Purpose, drift, signed_unit, stream},
    sense::{Eye, Scanner},
    world::{Disc, Owner, World},
};

/// How often a robot that stands, drives nowhere and hears nothing new is stepped.
const IDLE_PERIOD: Micros = Micros::from_millis(200);

/// A robot within this distance of a charger is connected to it, metres.
const CHARGER_REACH_M: f64 = 0.3;

/// However noisy a scanner is, it averages its contour to this, metres.
const CONTOUR_NOISE_MAX_M: f64 = 0.02;

/// A full battery, in parts per million times the microseconds of an hour: rates per hour then add up exactly.
const FULL: u64 = 1_000_000 * HOUR_US;
const HOUR_US: u64 = 3_600_000_000;

#[derive(Debug)]
pub(crate) struct Robot {
    pub(crate) index: usize,
    pub(crate) agent: AgentId,
    pub(crate) radius_m: f64,
    pub(crate) body: Body,
    pub(crate) link: SimLink,
    controller: OnboardConfig,
    onboard: Onboard<SimBase>,
    /// How often it has booted before.
    boot: u32,
    /// What it has to remember, while it is down.
    down: Option<Memory>,
    frozen: Option<Frozen>,
    /// Its own log, if somebody keeps one.
    pub(crate) log: Option<Box<dyn Log>>,
    scanner: Scanner,
    power: PowerSpec,
    charge: u64,
    /// The robot's clock less the plant's.
    clock_offset: Micros,
    idle_period: Micros,
    /// When the controller ran last.
    stepped: Option<FleetTime>,
    seed: u64,
    /// The faults that are on.
    pub(crate) faults: Vec<Active>,
    /// Those that made a difference in the last tick, by their place in the plant's list.
    pub(crate) affected: Vec<usize>,
}

/// What a robot is made of.
pub(crate) struct Parts {
    pub(crate) index: usize,
    pub(crate) agent: AgentId,
    pub(crate) radius_m: f64,
    pub(crate) body: Body,
    pub(crate) controller: OnboardConfig,
    pub(crate) base: SimBase,
    pub(crate) beams: BeamSpec,
    pub(crate) power: PowerSpec,
    pub(crate) battery: Ppm,
    pub(crate) clock_offset: Micros,
    /// The longest gap between two steps that the interlock bears.
    pub(crate) gap_max: Micros,
    pub(crate) seed: u64,
}

impl Robot {
    /// A robot that has just booted for the first time.
    pub(crate) fn new(parts: Parts) -> Result<Self, ConfigError> {
        Ok(Self {
            index: parts.index,
            agent: parts.agent,
            radius_m: parts.radius_m,
            body: parts.body,
            link: SimLink::default(),
            onboard: Onboard::new(parts.controller.clone(), parts.base, 0, Restart::First)?,
            controller: parts.controller,
            boot: 0,
            down: None,
            frozen: None,
            log: None,
            scanner: Scanner::new(parts.beams),
            power: parts.power,
            charge: u64::from(parts.battery.get()) * HOUR_US,
            clock_offset: parts.clock_offset,
            idle_period: IDLE_PERIOD.min(parts.gap_max),
            stepped: None,
            seed: parts.seed,
            faults: Vec::new(),
            affected: Vec::new(),
        })
    }

    pub(crate) fn clock(&self, now: FleetTime) -> RobotTime {
        RobotTime::from_micros(now.as_micros()) + self.clock_offset
    }

    pub(crate) fn disc(&self) -> Disc {
        Disc {
            owner: Owner::Robot(self.index),
            level: self.body.level,
            at: self.body.at,
            radius_m: self.radius_m,
            drift: Vector2::new(libm::cos(self.body.yaw_rad), libm::sin(self.body.yaw_rad))
                * self.body.speed_mps(),
        }
    }

    /// The digest of the interlock's settings.
    pub(crate) fn config(&self) -> ConfigDigest {
        self.onboard.config_digest()
    }

    /// The last decision of the interlock; `None` before the first, and while the controller is down.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.onboard.decision().filter(|_| self.down.is_none())
    }

    pub(crate) fn last_step(&self) -> Option<&Step> {
        self.onboard.black_box().next_back()
    }

    pub(crate) fn needs_person(&self) -> bool {
        self.onboard.state().needs_person()
    }

    /// State of charge, rounded down.
    pub(crate) fn battery(&self) -> Ppm {
        u32::try_from(self.charge / HOUR_US).ok().and_then(|ppm| Ppm::new(ppm).ok()).unwrap_or(Ppm::ONE)
    }

    /// One tick: sense and decide on the world as it is at `now`, then move, then spend or gain charge.
    ///
    /// Depends on the robot and the frozen world alone, so any thread may run it.
    pub(crate) fn tick(
        &mut self,
        now: FleetTime,
        span: Micros,
        world: &World,
        chargers: &[(LevelId, Point2<f64>)],
    ) {
        self.affected.clear();
        self.break_down(now);
        if self.down.is_none() && self.due(now) {
            self.control(now, world);
        }
        self.drive_faults();
        let without_power =
            |active: &&Active| matches!(active.kind, FaultKind::Breakdown | FaultKind::BrownOut);
        let broken = self.faults.iter().find(without_power).copied();
        self.affected.extend(broken.map(|active| active.index));
        self.drive(now, span, broken.is_some() || self.charge == 0);
        self.spend(span, chargers);
    }

    /// Goes down with its faults, and boots when they are over.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    fn break_down(&mut self, now: FleetTime) {
        for active in &self.faults {
            let changes = match active.kind {
                FaultKind::Crash | FaultKind::BrownOut => {
                    self.down.get_or_insert(self.onboard.memory());
                    true
                }
                FaultKind::BatteryLow { left } => {
                    let left = u64::from(left.get()) * HOUR_US;
                    let changes = left < self.charge;
                    self.charge = self.charge.min(left);
                    changes
                }
                _ => false,
            };
            if changes {
                self.affected.push(active.index);
            }
        }
        let stays_down = |active: &Active| matches!(active.kind, FaultKind::Crash | FaultKind::BrownOut);
        if let Some(memory) = self.down.filter(|_| !self.faults.iter().any(stays_down)) {
            let (controller, base) = (self.controller.clone(), self.body.base());
            // Its settings were accepted when it was built.
            if let Ok(onboard) = Onboard::new(controller, base, self.boot + 1, Restart::Remembered(memory)) {
                (self.onboard, self.boot, self.down, self.stepped) = (onboard, self.boot + 1, None, None);
            }
        }
        if self.down.is_some() {
            // Nobody is there to hear it.
            self.link.inbox.clear();
        }
        if !self.faults.iter().any(|active| active.kind == FaultKind::ScanFrozen) {
            self.frozen = None;
        }
        let ahead = i128::from(self.shown(now).as_micros()) - i128::from(self.clock(now).as_micros());
        self.body.controller_is_ahead(i64::try_from(ahead).unwrap_or(0));
    }

    /// What the controller's clock shows.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    fn shown(&self, now: FleetTime) -> RobotTime {
        let clock = self.clock(now).as_micros();
        let shown = self.faults.iter().fold(clock, |shown, active| match active.kind {
            FaultKind::ClockBack { by } => shown.saturating_sub(by.as_micros()),
            FaultKind::ClockAhead { by } => shown.saturating_add(by.as_micros()),
            FaultKind::ClockStalled => shown.saturating_sub(active.age.as_micros()),
            FaultKind::ClockWrapped => active.age.as_micros(),
            _ => shown,
        });
        RobotTime::from_micros(shown)
    }

    /// Says what is wrong with the drive in this tick.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    fn drive_faults(&mut self) {
        self.body.drive = Drive::SOUND;
        for active in &self.faults {
            let drive = &mut self.body.drive;
            let share = |percent: u32| f64::from(percent) / 100.0;
            match active.kind {
                FaultKind::BrakeFade { percent } => drive.brakes *= 1.0 - share(percent.min(100)),
                FaultKind::BrakeOpen => drive.brakes = 0.0,
                FaultKind::Runaway { percent } => drive.gain *= 1.0 + share(percent),
                FaultKind::WheelSlip { percent } => drive.slip *= 1.0 + share(percent),
                FaultKind::DriveDelay { by } => drive.delay = drive.delay.max(by),
                _ => {}
            }
        }
    }

    /// Moves, or brakes to rest without power.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    fn drive(&mut self, now: FleetTime, span: Micros, coasts: bool) {
        let (speed, rate) = (self.body.speed_mps(), self.body.yaw_rate_rps());
        let clock = self.clock(now);
        let moves = !self.body.at_rest();
        let commanded = !coasts && self.body.commanded(clock);
        if coasts {
            self.body.coast(span);
        } else {
            self.body.advance(clock, span);
        }
        let brakes = self.body.speed_mps().abs() < speed.abs() || self.body.yaw_rate_rps().abs() < rate.abs();
        for active in &self.faults {
            let matters = match active.kind {
                FaultKind::BrakeFade { percent } => brakes && 0 < percent,
                FaultKind::BrakeOpen => brakes,
                FaultKind::Runaway { percent } => commanded && 0 < percent,
                FaultKind::WheelSlip { percent } => moves && 0 < percent,
                FaultKind::DriveDelay { by } => (commanded || moves && !coasts) && Micros::ZERO < by,
                _ => false,
            };
            if matters {
                self.affected.push(active.index);
            }
        }
    }

    /// Robots that stand without a command and without news run less often.
    fn due(&self, now: FleetTime) -> bool {
        let news = |message: &ToAgent| match message {
            ToAgent::Beat(beat) => beat.stop.is_some(),
            ToAgent::Release(_)
            | ToAgent::Hold(_)
            | ToAgent::Stop(_)
            | ToAgent::Reset(_)
            | ToAgent::Perform(_)
            | ToAgent::Ask(_)
            | ToAgent::Withdraw(_)
            | ToAgent::Lamp(_) => true,
        };
        let age = self.stepped.and_then(|stepped| now.since(stepped));
        !self.body.at_rest()
            || self.body.commanded(self.clock(now))
            || self.link.inbox.iter().any(news)
            || age.is_none_or(|age| self.idle_period <= age)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    fn control(&mut self, now: FleetTime, world: &World) {
        self.stepped = Some(now);
        let mut observation = self.observe(now, world);
        let shown = self.shown(now);
        let mut is_full = false;
        for active in &self.faults {
            let mut memory = distort::Memory {
                frozen: &mut self.frozen,
                draw: (self.seed, self.agent.0, now.as_micros()),
            };
            let changes = match active.kind {
                FaultKind::ClockBack { by } | FaultKind::ClockAhead { by } => Micros::ZERO < by,
                FaultKind::ClockStalled => Micros::ZERO < active.age,
                FaultKind::ClockWrapped => shown != observation.now,
                FaultKind::LogFull => {
                    is_full = true;
                    true
                }
                _ => distort(&mut observation, *active, &mut memory),
            };
            if changes {
                self.affected.push(active.index);
            }
        }
        observation.now = shown;
        match &mut self.log {
            _ if is_full => self.onboard.step_logged(&observation, &mut self.link, &mut FullLog),
            Some(log) => self.onboard.step_logged(&observation, &mut self.link, log.as_mut()),
            None => self.onboard.step(&observation, &mut self.link),
        }
        self.scanner.give_back(observation.beams);
    }

    fn observe(&mut self, now: FleetTime, world: &World) -> Observation {
        let Body { level, at, yaw_rad, .. } = self.body;
        let us = now.as_micros();
        let eye = Eye { robot: self.index, level, at, yaw_rad };
        let error = |purpose| drift(self.seed, purpose, self.agent.0, us);
        let beams = self.scanner.scan(world, eye, self.seed, self.agent.0, us);
        let spec = &self.scanner.spec;
        let residual_m = spec.contour.then(|| {
            let mut rng = stream(self.seed, Purpose::Contour, self.agent.0, us);
            (signed_unit(&mut rng).abs() * spec.range_noise_m).min(CONTOUR_NOISE_MAX_M)
        });
        Observation {
            now: self.clock(now),
            taken: self.clock(now),
            level,
            x_m: at.x + spec.position_error_m * error(Purpose::ErrorX),
            y_m: at.y + spec.position_error_m * error(Purpose::ErrorY),
            yaw_rad: yaw_rad + spec.yaw_error_rad * error(Purpose::ErrorYaw),
            // Both axes at their limits at once.
            pose_error_m: spec.position_error_m * std::f64::consts::SQRT_2,
            speed_mps: self.body.speed_mps(),
            yaw_rate_rps: self.body.yaw_rate_rps(),
            travelled_m: self.body.travelled_m(),
            turned_rad: self.body.turned_rad(),
            frame: us,
            beams,
            beam_range_max_m: spec.range_max_m,
            residual_m,
            // No plant watches its brakes or presses a button for resets.
            braking: None,
            reset_button: false,
            battery: self.battery(),
            emergency_button: false,
            bumper: false,
            packs: [None; PACKS],
            failed: false,
        }
    }

    fn spend(&mut self, span: Micros, chargers: &[(LevelId, Point2<f64>)]) {
        let rest = self.body.at_rest();
        let driving = if rest { 0 } else { self.power.driving_ppm_per_h };
        let used = (u64::from(self.power.idle_ppm_per_h) + u64::from(driving)) * span.as_micros();
        self.charge = self.charge.saturating_sub(used);
        let here = |&(level, at): &(LevelId, Point2<f64>)| {
            level == self.body.level && (at - self.body.at).norm() <= CHARGER_REACH_M
        };
        if rest && chargers.iter().any(here) {
            let gained = u64::from(self.power.charging_ppm_per_h) * span.as_micros();
            self.charge = self.charge.saturating_add(gained).min(FULL);
        }
    }
}

/// Where chargers are.
pub(crate) fn chargers(site: &CompiledSite) -> Arc<Vec<(LevelId, Point2<f64>)>> {
    let chargers = site.waypoints().iter().filter(|waypoint| waypoint.roles.charger);
    Arc::new(chargers.map(|waypoint| (waypoint.level, waypoint.at)).collect())
}
