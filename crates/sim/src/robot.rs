//! A robot of the plant: its controller, its body, its radio and its battery.

use std::sync::Arc;

use nalgebra::{Point2, Vector2};
use sheepdog_core::{AgentId, Confidence, FleetTime, LevelId, Micros, Ppm, RobotTime, wire::ToAgent};
use sheepdog_driver::{Log, Observation, Onboard};
use sheepdog_interlock::{ConfigDigest, packs::PACKS};
use sheepdog_map::CompiledSite;

use crate::{
    body::{Body, SimBase},
    config::{BeamSpec, PowerSpec},
    fault::Conditions,
    radio::SimLink,
    random::{Purpose, drift},
    sense::{Eye, scan},
    world::{Disc, Owner, World},
};

/// How often a robot that stands, drives nowhere and hears nothing new is stepped.
const IDLE_PERIOD: Micros = Micros::from_millis(200);

/// A robot within this distance of a charger is connected to it, metres.
const CHARGER_REACH_M: f64 = 0.3;

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
    onboard: Onboard<SimBase>,
    /// Its own log, if somebody keeps one.
    pub(crate) log: Option<Box<dyn Log>>,
    beams: BeamSpec,
    power: PowerSpec,
    charge: u64,
    /// The robot's clock less the plant's.
    clock_offset: Micros,
    idle_period: Micros,
    /// When the controller ran last.
    stepped: Option<FleetTime>,
    seed: u64,
    pub(crate) conditions: Conditions,
    /// Whether the controller, or the body, has met the conditions in the last tick.
    pub(crate) affected: Affected,
}

/// Which conditions had an effect in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affected {
    /// The limit to which confidence was lowered in a scan.
    pub(crate) confidence: Option<Confidence>,
    /// The controller was told of a breakdown, or the body lacked its drive.
    pub(crate) broken: bool,
    /// The controller was told that the button is pressed.
    pub(crate) button: bool,
}

/// What a robot is made of.
pub(crate) struct Parts {
    pub(crate) index: usize,
    pub(crate) agent: AgentId,
    pub(crate) radius_m: f64,
    pub(crate) body: Body,
    pub(crate) onboard: Onboard<SimBase>,
    pub(crate) beams: BeamSpec,
    pub(crate) power: PowerSpec,
    pub(crate) battery: Ppm,
    pub(crate) clock_offset: Micros,
    /// The longest gap between two steps that the interlock bears.
    pub(crate) gap_max: Micros,
    pub(crate) seed: u64,
}

impl Robot {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            index: parts.index,
            agent: parts.agent,
            radius_m: parts.radius_m,
            body: parts.body,
            link: SimLink::default(),
            onboard: parts.onboard,
            log: None,
            beams: parts.beams,
            power: parts.power,
            charge: u64::from(parts.battery.get()) * HOUR_US,
            clock_offset: parts.clock_offset,
            idle_period: IDLE_PERIOD.min(parts.gap_max),
            stepped: None,
            seed: parts.seed,
            conditions: Conditions::default(),
            affected: Affected::default(),
        }
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
        self.affected = Affected::default();
        if self.due(now) {
            self.control(now, world);
        }
        if self.conditions.broken || self.charge == 0 {
            self.affected.broken = self.conditions.broken;
            self.body.coast(span);
        } else {
            self.body.advance(self.clock(now), span);
        }
        self.spend(span, chargers);
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

    fn control(&mut self, now: FleetTime, world: &World) {
        self.stepped = Some(now);
        let observation = self.observe(now, world);
        self.affected.confidence =
            self.conditions.confidence_max.filter(|&limit| limit < self.beams.confidence);
        self.affected.button = self.conditions.button;
        match &mut self.log {
            Some(log) => self.onboard.step_logged(&observation, &mut self.link, log.as_mut()),
            None => self.onboard.step(&observation, &mut self.link),
        }
    }

    fn observe(&self, now: FleetTime, world: &World) -> Observation {
        let Body { level, at, yaw_rad, .. } = self.body;
        let us = now.as_micros();
        let eye = Eye { robot: self.index, level, at, yaw_rad };
        let error = |purpose| drift(self.seed, purpose, self.agent.0, us);
        let beams =
            scan(world, eye, &self.beams, self.conditions.confidence_max, self.seed, self.agent.0, us);
        Observation {
            now: self.clock(now),
            taken: self.clock(now),
            level,
            x_m: at.x + self.beams.position_error_m * error(Purpose::ErrorX),
            y_m: at.y + self.beams.position_error_m * error(Purpose::ErrorY),
            yaw_rad: yaw_rad + self.beams.yaw_error_rad * error(Purpose::ErrorYaw),
            // Both axes at their limits at once.
            pose_error_m: self.beams.position_error_m * std::f64::consts::SQRT_2,
            speed_mps: self.body.speed_mps(),
            yaw_rate_rps: self.body.yaw_rate_rps(),
            travelled_m: self.body.travelled_m(),
            turned_rad: self.body.turned_rad(),
            frame: us,
            beams,
            beam_range_max_m: self.beams.range_max_m,
            // No plant watches its brakes, knows a contour or has a button for resets.
            residual_m: None,
            braking: None,
            reset_button: false,
            battery: self.battery(),
            emergency_button: self.conditions.button,
            bumper: false,
            packs: [None; PACKS],
            failed: self.conditions.broken,
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
