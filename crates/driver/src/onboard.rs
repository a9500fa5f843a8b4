//! The controller of one robot: tracker, interlock and base, and the conversation with the fleet.

use std::{collections::VecDeque, fmt, sync::Arc};

use nalgebra::{Point2, Rotation2, Vector2};
use sheepdog_core::{
    AgentId, LevelId, Micros, Mm, MmPerS, MmPerS2, MradPerS, RobotTime, StopGeneration,
    wire::{self, Report, StepToken, StopEvent, ToAgent, ToFleet},
};
use sheepdog_interlock::{
    Base, Decision, Guarded, Input, Interlock, MapEvidence, Reading, Record, ReleaseLimit, Request, Ring,
    SensorReading, State, Twist, ValidConfig, Verdict, stopping_distance,
};
use sheepdog_map::CompiledSite;

use crate::{
    Link, Observation,
    arc::{self, Motion, Obstacle, SECTORS},
    duty::Duty,
    observation::Pose,
    orders::Orders,
    tracker::{Limits, Passages, Tracker},
};

/// Messages taken from the link in one step; the rest waits for the next.
const MESSAGES_PER_STEP: usize = 64;
/// Stop events kept in reports.
const STOP_EVENTS: usize = 8;
/// Decisions kept in the black box: 30 s at 20 Hz.
const BLACK_BOX: usize = 600;
/// How near a robot must stand to a waypoint to work there, metres.
const AT_PLACE_M: f64 = 0.3;
/// A return this close to a known wall is the wall, metres: localisation and range errors.
const WALL_MATCH_M: f64 = 0.08;

/// Settings of an [`Onboard`]. All of them are the robot's or the site's; none has a default.
#[derive(Clone, Debug)]
pub struct OnboardConfig {
    /// The robot's id in the fleet.
    pub agent: AgentId,
    /// The site it has loaded.
    pub site: Arc<CompiledSite>,
    /// Index of its footprint class in [`CompiledSite::classes`]. With an unknown class it never moves.
    pub class: usize,
    /// Settings of its interlock.
    pub interlock: ValidConfig,
    /// Speed at which it travels.
    pub speed: MmPerS,
    /// Acceleration; it also plans to brake no harder than this.
    pub acceleration: MmPerS2,
    /// Yaw rate at which it turns.
    pub yaw_rate: MradPerS,
    /// The longest time between two reports.
    pub report_every: Micros,
    /// How old a beat may be for what it says of doors and lifts to count.
    pub passage_fresh: Micros,
    /// How long the fleet may be silent before the robot stops; `None` lets it finish its release.
    pub fleet_beat_timeout: Option<Micros>,
    /// The largest error of its localisation with which it moves.
    pub pose_error_max: Mm,
    /// Distance it keeps from known walls ahead, such as those behind a dock, in place of the interlock's stop
    /// margin; at most that margin.
    pub wall_margin: Mm,
}

/// What runs on a robot: takes orders, follows the route, and moves its base only through the interlock.
///
/// Call [`step`](Self::step) at a steady rate, at least ten times a second: a permit lives no longer than 100 ms.
/// Being stepped is the beat of the robot's own supervisor. A new boot begins without a release; a robot without a
/// live release does not move.
pub struct Onboard<B> {
    config: OnboardConfig,
    guarded: Guarded<B, 1, SECTORS>,
    tracker: Tracker,
    /// Door leaves when shut, by level: as well known as walls.
    doors: Vec<(LevelId, Point2<f64>, Point2<f64>)>,
    orders: Orders,
    duty: Duty,
    ring: Ring<4>,
    black_box: VecDeque<Record>,
    last: Option<(RobotTime, Decision)>,
    stops: Stops,
    reporter: Reporter,
}

/// Stops to tell the fleet of.
#[derive(Clone, Debug, Default)]
struct Stops {
    events: VecDeque<StopEvent>,
    seq: u32,
    is_stopped: bool,
}

/// What the last report said, and when.
#[derive(Clone, Debug, Default)]
struct Reporter {
    boot: u32,
    seq: u32,
    last: Option<(RobotTime, Report)>,
}

impl<B> fmt::Debug for Onboard<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onboard")
            .field("agent", &self.config.agent)
            .field("state", &self.guarded.state())
            .finish_non_exhaustive()
    }
}

impl<B: Base> Onboard<B> {
    /// A controller that has just started, for the `boot`-th time. It owns the base from now on.
    pub fn new(config: OnboardConfig, base: B, boot: u32) -> Self {
        let interlock = config.interlock.get();
        let metres = |value: u32| f64::from(value) / 1e3;
        let limits = Limits {
            speed_mps: metres(config.speed.0.min(interlock.speed_max.0)),
            acceleration_mps2: metres(config.acceleration.0),
            deceleration_mps2: metres(config.acceleration.0.min(interlock.deceleration.0 / 10 * 9).max(1)),
            yaw_rate_rps: f64::from(config.yaw_rate.0.min(interlock.yaw_rate_max.0).max(1)) / 1e3,
            reaction_s: interlock.reaction().as_secs_f64(),
        };
        Self {
            guarded: Guarded::new(Interlock::new(config.interlock), base),
            tracker: Tracker::new(Arc::clone(&config.site), config.class, limits),
            doors: shut_doors(&config.site),
            orders: Orders::default(),
            duty: Duty::default(),
            ring: Ring::new(),
            black_box: VecDeque::new(),
            last: None,
            stops: Stops::default(),
            reporter: Reporter { boot, seq: 0, last: None },
            config,
        }
    }

    /// Where the interlock stands.
    pub const fn state(&self) -> State {
        self.guarded.state()
    }

    /// The last decision of the interlock; `None` before the first step.
    pub fn decision(&self) -> Option<&Decision> {
        self.last.as_ref().map(|(_, decision)| decision)
    }

    /// The last decisions with their reasons, oldest first, at most six hundred.
    pub fn black_box(&self) -> impl Iterator<Item = &Record> {
        self.black_box.iter()
    }

    /// Takes orders, decides, moves or stops the base, and reports.
    ///
    /// O(beams log beams + lanes looked ahead); allocates for the obstacles of a scan.
    pub fn step(&mut self, observation: &Observation, link: &mut dyn Link) {
        self.take_messages(observation, link);
        let pose = observation.pose().filter(|_| self.is_localised(observation));
        let standing = self.is_standing(observation);
        if let Some(pose) = pose {
            self.tracker.adopt(pose, standing);
            self.tracker.advance(pose);
        }
        let present = standing && self.is_at_work(pose);
        self.duty.advance(observation.now, present);

        let motion = self.wanted(observation, pose);
        let before = self.guarded.state();
        let input = self.input(observation, pose, motion);
        let decision = self.guarded.step(&input, &mut self.ring);
        self.keep_records();
        self.orders.note_state(self.guarded.state());
        let wants = !input.request.twist.is_zero() || !standing;
        self.stops.note(observation.now, before, &decision, wants);
        self.last = Some((observation.now, decision));
        self.report(observation, &input, standing, link);
    }

    fn take_messages(&mut self, observation: &Observation, link: &mut dyn Link) {
        let (agent, level) = (self.config.agent, observation.level);
        for _ in 0..MESSAGES_PER_STEP {
            let Some(message) = link.receive() else { break };
            match message {
                ToAgent::Release(release) => self.tracker.accept(&release),
                ToAgent::Hold(epoch) => {
                    let braking_m = self.braking_distance_m(observation.speed_mps);
                    if let Some(lanes) = self.tracker.hold(epoch, observation.pose(), braking_m) {
                        let lanes = u32::try_from(lanes).unwrap_or(u32::MAX);
                        link.send(ToFleet::StoppableAt { epoch, lanes });
                    }
                }
                ToAgent::Stop(order) => self.orders.stop(order, agent, level),
                ToAgent::Reset(order) => self.orders.reset(order),
                ToAgent::Beat(beat) => {
                    let (stop, reset) = (beat.stop, beat.reset);
                    if self.orders.beat(beat, observation.now) {
                        if let Some(order) = stop {
                            self.orders.stop(order, agent, level);
                        }
                        if let Some(order) = reset {
                            self.orders.reset(order);
                        }
                    }
                }
                ToAgent::Perform(order) => self.duty.perform(order),
                ToAgent::Withdraw(token) => self.duty.withdraw(token),
                // Questions are for people; a robot does what it is told.
                ToAgent::Ask(_) => {}
            }
        }
        if observation.emergency_button {
            self.orders.void_pending();
        }
    }

    fn is_localised(&self, observation: &Observation) -> bool {
        (0.0..=f64::from(self.config.pose_error_max.0) / 1e3).contains(&observation.pose_error_m)
    }

    fn is_standing(&self, observation: &Observation) -> bool {
        let limit_mps = f64::from(self.guarded.config().standstill.0) / 1e3;
        observation.speed_mps.abs() <= limit_mps && observation.yaw_rate_rps.abs() <= 0.1
    }

    fn is_at_work(&self, pose: Option<Pose>) -> bool {
        let place = self.duty.order().and_then(|order| self.config.site.waypoint(order.place));
        let (Some(place), Some(pose)) = (place, pose) else { return false };
        self.tracker.is_complete()
            && place.level == pose.level
            && nalgebra::distance(&place.at, &pose.at) <= AT_PLACE_M
            && !self.guarded.state().needs_person()
    }

    /// Whether the release is live: a fleet that is silent for too long may have given it to somebody else.
    fn is_released(&self, observation: &Observation) -> bool {
        let timeout = self.config.fleet_beat_timeout;
        let heard = timeout.is_none_or(|timeout| self.orders.hears_fleet(observation.now, timeout));
        heard && !self.tracker.is_complete()
    }

    fn passages(&self, now: RobotTime) -> (bool, &[wire::Passage]) {
        (self.orders.hears_fleet(now, self.config.passage_fresh), self.orders.open())
    }

    fn wanted(&mut self, observation: &Observation, pose: Option<Pose>) -> Motion {
        let Some(pose) = pose.filter(|_| !observation.failed && !self.duty.is_busy()) else {
            return Motion::default();
        };
        let (granted_mps, span_s) = match &self.last {
            Some((at, decision)) => {
                let span = observation.now.since(*at).unwrap_or(Micros::ZERO).min(Micros::from_millis(200));
                (f64::from(decision.twist.linear_mm_per_s) / 1e3, span.as_secs_f64())
            }
            None => (0.0, 0.0),
        };
        let fresh = self.orders.hears_fleet(observation.now, self.config.passage_fresh);
        let passages = Passages { open: self.orders.open(), fresh };
        self.tracker.motion(pose, passages, granted_mps, span_s)
    }

    fn input(&self, observation: &Observation, pose: Option<Pose>, motion: Motion) -> Input<1, SECTORS> {
        let site = self.tracker.site_version();
        let taken = observation.taken;
        let twist = Twist {
            linear_mm_per_s: to_i32(motion.linear_mps * 1e3),
            angular_mrad_per_s: to_i32(motion.angular_rps * 1e3),
        };
        // What is asked in integers is what is checked.
        let motion = Motion {
            linear_mps: f64::from(twist.linear_mm_per_s) / 1e3,
            angular_rps: f64::from(twist.angular_mrad_per_s) / 1e3,
        };
        let surroundings = self.surroundings(observation, pose, motion);
        let release = pose.filter(|_| self.is_released(observation)).map(|pose| {
            let (fresh, open) = self.passages(observation.now);
            let ahead = self.tracker.ahead(pose, Passages { open, fresh });
            let epoch = self.tracker.route().epoch;
            ReleaseLimit { epoch, remaining: Mm(to_u32(libm::floor(ahead.released_m * 1e3))), site }
        });
        Input {
            request: Request { twist, sectors: surroundings.sectors },
            sensors: [Some(SensorReading {
                taken,
                confidence: arc::sector_confidence(&observation.beams),
                healthy: !observation.failed,
            })],
            free_travel: surroundings.free_travel.map(|value| Reading { taken, value }),
            side_clearance: surroundings.side_clearance,
            speed: observation
                .speed_mps
                .is_finite()
                .then(|| MmPerS(to_u32(libm::ceil(observation.speed_mps.abs() * 1e3)))),
            release,
            map: pose.map(|pose| MapEvidence { inside: self.is_inside(pose), site, taken }),
            beat: Some(observation.now),
            emergency_button: observation.emergency_button,
            stop: self.orders.stop_command(),
            reset: self.orders.pending_reset(self.guarded.state()),
            ..Input::unknown(observation.now, site)
        }
    }

    fn surroundings(&self, observation: &Observation, pose: Option<Pose>, motion: Motion) -> Surroundings {
        let speed_mps = motion.linear_mps.abs();
        let interlock = self.guarded.config();
        let horizon_s =
            interlock.reaction().as_secs_f64() + speed_mps * 1e3 / f64::from(interlock.deceleration.0.max(1));
        let sectors = arc::swept_sectors(motion, horizon_s);
        if observation.beams.is_empty() || speed_mps <= 0.0 {
            return Surroundings { sectors, free_travel: None, side_clearance: None };
        }
        let (radius_m, sight_m) = (self.radius_m(), observation.beam_range_max_m);
        let met = arc::obstacles(&observation.beams, sight_m);
        let (walls, others): (Vec<Obstacle>, Vec<Obstacle>) =
            met.iter().partition(|obstacle| pose.is_some_and(|pose| self.is_wall(pose, obstacle)));
        // Behind a dock is a wall: what is known to stand there for ever needs less distance than a person.
        let spare = interlock.stop_margin.saturating_sub(self.config.wall_margin);
        let to_walls_m = arc::free_travel(motion, radius_m, &walls, sight_m);
        let wall_credit_m =
            if self.sees_wall_first(motion, &walls, sight_m) { f64::from(spare.0) / 1e3 } else { 0.0 };
        let free_m = arc::free_travel(motion, radius_m, &others, sight_m).min(to_walls_m + wall_credit_m);
        let reach_m = self.braking_distance_m(speed_mps);
        let clearance_m = arc::side_clearance(motion, radius_m, &met, reach_m);
        Surroundings {
            sectors,
            free_travel: Some(Mm(to_u32(libm::floor(free_m * 1e3)))),
            side_clearance: Some(Mm(to_u32(libm::floor(clearance_m.min(sight_m) * 1e3)))),
        }
    }

    /// Whether a wall, rather than the end of sight, limits the travel.
    fn sees_wall_first(&self, motion: Motion, walls: &[Obstacle], sight_m: f64) -> bool {
        let radius_m = self.radius_m();
        arc::free_travel(motion, radius_m, walls, sight_m) < (sight_m - radius_m).max(0.0)
    }

    fn is_wall(&self, pose: Pose, obstacle: &Obstacle) -> bool {
        let Some(level) = self.config.site.level(pose.level) else { return false };
        let met = pose.at + Rotation2::new(pose.yaw_rad) * Vector2::new(obstacle.x_m, obstacle.y_m);
        level.geometry.wall_clearance(met) <= WALL_MATCH_M
            || self.doors.iter().any(|&(on, a, b)| on == pose.level && is_on_segment(met, a, b))
    }

    /// Whether the footprint, less its declared margin, is in the mapped area (which includes lifts' cabins).
    fn is_inside(&self, pose: Pose) -> bool {
        let site = &self.config.site;
        let (Some(level), Some(claims)) = (site.level(pose.level), site.classes().get(self.config.class))
        else {
            return false;
        };
        let core_m = f64::from(claims.class.radius.saturating_sub(claims.class.margin).0) / 1e3;
        level.geometry.disc_free(pose.at, core_m)
    }

    fn radius_m(&self) -> f64 {
        let class = self.config.site.classes().get(self.config.class);
        class.map_or(f64::INFINITY, |claims| f64::from(claims.class.radius.0) / 1e3)
    }

    fn braking_distance_m(&self, speed_mps: f64) -> f64 {
        if !speed_mps.is_finite() {
            return f64::INFINITY;
        }
        let interlock = self.guarded.config();
        let speed = MmPerS(to_u32(libm::ceil(speed_mps.abs() * 1e3)));
        let reaction = interlock.reaction().saturating_add(interlock.sample_age_max);
        stopping_distance(speed, reaction, interlock.deceleration)
            .map_or(f64::INFINITY, |distance| f64::from(distance.0) / 1e3)
    }

    fn keep_records(&mut self) {
        while let Some(record) = self.ring.pop() {
            if self.black_box.len() == BLACK_BOX {
                self.black_box.pop_front();
            }
            self.black_box.push_back(record);
        }
    }

    fn motion_state(
        &self,
        observation: &Observation,
        input: &Input<1, SECTORS>,
        standing: bool,
    ) -> wire::Motion {
        if observation.failed {
            return wire::Motion::Failed;
        }
        let state = self.guarded.state();
        if let (true, Some(rule)) = (state.needs_person(), state.cause()) {
            return wire::Motion::Latched(rule);
        }
        let wants = !input.request.twist.is_zero();
        match self.last.map(|(_, decision)| decision.verdict) {
            Some(Verdict::Stop { rule, .. }) if wants => wire::Motion::Stopped(rule),
            Some(Verdict::Move) => wire::Motion::Moving,
            Some(Verdict::Stop { .. } | Verdict::Idle) | None => {
                if self.duty.is_busy() {
                    wire::Motion::Performing
                } else if standing {
                    wire::Motion::Waiting
                } else {
                    wire::Motion::Moving
                }
            }
        }
    }

    fn report(
        &mut self,
        observation: &Observation,
        input: &Input<1, SECTORS>,
        standing: bool,
        link: &mut dyn Link,
    ) {
        let route = self.tracker.route();
        let count = |lanes: usize| u32::try_from(lanes).unwrap_or(u32::MAX);
        let report = Report {
            boot: self.reporter.boot,
            seq: self.reporter.seq,
            taken: observation.now,
            site: self.config.site.version(),
            epoch: route.epoch,
            known: count(route.lanes.len()),
            done: count(route.done),
            pose: wire::Pose {
                level: observation.level,
                x_mm: to_i32(libm::round(observation.x_m * 1e3)),
                y_mm: to_i32(libm::round(observation.y_m * 1e3)),
                yaw_mrad: to_i32(libm::round(observation.yaw_rad * 1e3)),
            },
            pose_error: pose_error(observation.pose_error_m),
            battery: observation.battery,
            motion: self.motion_state(observation, input, standing),
            stop_ack: self.guarded.interlock().highest_stop().unwrap_or(StopGeneration(0)),
            reset_ack: self.orders.reset_ack(),
            performed: self.duty.performed(),
            stops: self.stops.events.iter().copied().collect(),
        };
        let due = self.reporter.last.as_ref().is_none_or(|(at, last)| {
            let waited = observation.now.since(*at).unwrap_or(Micros::MAX);
            self.config.report_every <= waited || is_news(last, &report)
        });
        if due {
            self.reporter.seq = self.reporter.seq.saturating_add(1);
            self.reporter.last = Some((observation.now, report.clone()));
            link.send(ToFleet::Report(report));
        }
    }
}

/// What the beams say about a motion.
struct Surroundings {
    sectors: u32,
    free_travel: Option<Mm>,
    side_clearance: Option<Mm>,
}

impl Stops {
    /// Notes the edges: an armed robot that moves or wants to is denied, and a denied one is permitted again.
    fn note(&mut self, at: RobotTime, before: State, decision: &Decision, wants: bool) {
        let was_armed = matches!(before, State::Slow | State::Ready);
        match decision.verdict {
            Verdict::Stop { .. } if was_armed && wants && !self.is_stopped => self.push(at, true, decision),
            Verdict::Move if self.is_stopped => self.push(at, false, decision),
            Verdict::Stop { .. } | Verdict::Move | Verdict::Idle => {}
        }
    }

    fn push(&mut self, at: RobotTime, stopped: bool, decision: &Decision) {
        self.is_stopped = stopped;
        self.seq = self.seq.saturating_add(1);
        if self.events.len() == STOP_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(StopEvent { seq: self.seq, at, stopped, evidence: decision.evidence });
    }
}

/// Whether a report says something that the last one did not, other than where the robot is.
fn is_news(last: &Report, report: &Report) -> bool {
    type Key<'a> = (
        wire::Motion,
        (u32, u32, u32),
        u32,
        StopGeneration,
        Option<wire::ResetOrder>,
        Option<StepToken>,
        &'a [StopEvent],
    );
    fn key(report: &Report) -> Key<'_> {
        (
            report.motion,
            (report.epoch.0, report.known, report.done),
            report.pose.level.0,
            report.stop_ack,
            report.reset_ack,
            report.performed,
            &report.stops,
        )
    }
    key(last) != key(report)
}

/// Rounded up; unknown is the whole world.
fn pose_error(error_m: f64) -> Mm {
    if error_m.is_finite() && 0.0 <= error_m { Mm(to_u32(libm::ceil(error_m * 1e3))) } else { Mm::MAX }
}

/// Towards zero, held at the limits; what is no number is zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float to integer cast saturates and turns NaN into zero"
)]
const fn to_i32(value: f64) -> i32 {
    value as i32
}

/// Towards zero, held at the limits; what is no number is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates and turns NaN into zero"
)]
const fn to_u32(value: f64) -> u32 {
    value as u32
}

/// Where the leaves of a site's doors and lift doors are when they are shut.
fn shut_doors(site: &CompiledSite) -> Vec<(LevelId, Point2<f64>, Point2<f64>)> {
    let doors = site.doors().iter().map(|door| (door.level, door.a, door.b));
    let stops = site.lifts().iter().flat_map(|lift| &lift.stops);
    let lifts = stops.flat_map(|stop| stop.doors.iter().map(|&[a, b]| (stop.level, a, b)));
    doors.chain(lifts).collect()
}

/// Whether a return lies on the line between two points, as far as localisation and ranges can tell.
fn is_on_segment(met: Point2<f64>, a: Point2<f64>, b: Point2<f64>) -> bool {
    let along = b - a;
    let share = ((met - a).dot(&along) / along.norm_squared()).clamp(0.0, 1.0);
    (met - (a + along * share)).norm() <= WALL_MATCH_M
}
