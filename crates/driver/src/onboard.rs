//! The controller of one robot: tracker, interlock and base, and the conversation with the fleet.

use std::{collections::VecDeque, fmt, sync::Arc};

use sheepdog_core::{
    AgentId, Micros, Mm, MmPerS, MmPerS2, MradPerS, RobotTime, StopGeneration,
    wire::{self, Report, StepToken, StopEvent, StopOrder, ToAgent, ToFleet},
};
use sheepdog_interlock::{
    Base, BootNonce, ConfigDigest, ConfigError, Decision, Guarded, Input, Interlock, Memory, Reading,
    ReleaseLimit, Request, Restart, SelfTest, State, Twist, ValidConfig, Verdict,
    beams::Sweep,
    packs::{
        PackSlot, PackVerdict, Ruling,
        map::{Area, Fix, Map, MapEvidence, MapSettings},
    },
};
use sheepdog_map::{CompiledSite, zones::Visitor};

use crate::{
    Link, Log, Observation,
    black_box::{BlackBox, Incident, Recording, Step},
    duty::Duty,
    log::Nothing,
    observation::Pose,
    orders::Orders,
    perception::{self, Known, SECTORS, Scratch, to_i32, to_u32},
    tracker::{Limits, Motion, Passages, Tracker},
    whereabouts::Whereabouts,
};

/// Messages taken from the link in one step; the rest waits for the next.
const MESSAGES_PER_STEP: usize = 64;
/// Stop events kept in reports.
const STOP_EVENTS: usize = 8;
/// How near a robot must stand to a waypoint to work there, metres.
const AT_PLACE_M: f64 = 0.3;

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
    /// Digest of the settings that a person has approved.
    pub approved: ConfigDigest,
    /// Speed at which it travels.
    pub speed: MmPerS,
    /// Acceleration; it also plans to brake no harder than this.
    pub acceleration: MmPerS2,
    /// Yaw rate at which it turns.
    pub yaw_rate: MradPerS,
    /// Smallest radius of a bend that the base can drive; zero for one that turns on the spot.
    pub turning_radius: Mm,
    /// The longest time between two reports.
    pub report_every: Micros,
    /// How old a beat may be for what it says of doors and lifts to count.
    pub passage_fresh: Micros,
    /// How long the fleet may be silent before the robot stops; `None` lets it finish its release.
    pub fleet_beat_timeout: Option<Micros>,
    /// What it asks of its localisation.
    pub map: MapSettings,
    /// Distance it keeps from known walls ahead, such as those behind a dock, in place of the interlock's stop
    /// margin; at most that margin.
    pub wall_margin: Mm,
    /// The widest angle between neighbouring beams of a scan that is no gap, radians. Where beams are missing the scan is
    /// blind.
    pub beam_gap_rad: f64,
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
    known: Known,
    scratch: Scratch,
    map: Map,
    orders: Orders,
    duty: Duty,
    black_box: BlackBox,
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
    ///
    /// `restart` is what [`memory`](Self::memory) said last before it went down.
    ///
    /// # Errors
    /// [`ConfigError`] if the settings of the map pack make no sense together.
    pub fn new(config: OnboardConfig, base: B, boot: u32, restart: Restart) -> Result<Self, ConfigError> {
        let interlock = config.interlock.get();
        let metres = |value: u32| f64::from(value) / 1e3;
        let limits = Limits {
            speed_mps: metres(config.speed.0.min(interlock.speed_max.0)),
            acceleration_mps2: metres(config.acceleration.0),
            deceleration_mps2: metres(config.acceleration.0.min(interlock.deceleration.0 / 10 * 9).max(1)),
            yaw_rate_rps: f64::from(config.yaw_rate.0.min(interlock.yaw_rate_max.0).max(1)) / 1e3,
            curvature_max: 1e3 / f64::from(config.turning_radius.0.max(1)),
            reaction_s: interlock.reaction().as_secs_f64(),
        };
        Ok(Self {
            guarded: Guarded::new(
                Interlock::new(config.interlock, config.approved, restart),
                base,
                BootNonce(boot.into()),
            ),
            tracker: Tracker::new(Arc::clone(&config.site), config.class, limits),
            known: Known::new(&config.site),
            scratch: Scratch::default(),
            map: Map::new(config.map)?,
            orders: Orders::default(),
            duty: Duty::default(),
            black_box: BlackBox::default(),
            last: None,
            stops: Stops::default(),
            reporter: Reporter { boot, seq: 0, last: None },
            config,
        })
    }

    /// Where the interlock stands.
    pub const fn state(&self) -> State {
        self.guarded.state()
    }

    /// What has to outlive a restart.
    pub const fn memory(&self) -> Memory {
        self.guarded.interlock().memory()
    }

    /// The digest of the interlock's settings.
    pub const fn config_digest(&self) -> ConfigDigest {
        self.guarded.interlock().digest()
    }

    /// The last decision of the interlock; `None` before the first step.
    pub fn decision(&self) -> Option<&Decision> {
        self.last.as_ref().map(|(_, decision)| decision)
    }

    /// The steps of the last half minute, oldest first.
    pub fn black_box(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.black_box.steps()
    }

    /// The last stops, oldest first, each with the half minute before it.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.black_box.incidents()
    }

    /// Takes orders, decides, moves or stops the base, and reports.
    ///
    /// O(beams log beams + corners of zones + lanes looked ahead); allocates for the obstacles of a scan.
    ///
    /// Nothing but the black box keeps what was decided; a robot that has to answer for it uses
    /// [`step_logged`](Self::step_logged).
    pub fn step(&mut self, observation: &Observation, link: &mut dyn Link) {
        self.step_logged(observation, link, &mut Nothing);
    }

    /// [`step`](Self::step) with a log, which is asked before the robot moves: a decision that it refuses to record
    /// latches the robot (LOG-001).
    pub fn step_logged(&mut self, observation: &Observation, link: &mut dyn Link, log: &mut dyn Log) {
        if let Some(anchor) = log.anchor() {
            link.send(ToFleet::Anchor(anchor));
        }
        let pose = observation.pose().filter(|_| self.is_localised(observation));
        let map = self.map.rule(observation.now, &self.map_evidence(observation));
        // Where it cannot be it has driven no lane, can give none back, and has nothing to work.
        let trusted = pose.filter(|_| matches!(map.ruling, Ruling::Allow | Ruling::Limit { .. }));
        self.take_messages(observation, trusted, link);
        let standing = self.is_standing(observation);
        if let Some(pose) = trusted {
            self.tracker.adopt(pose, standing);
            self.tracker.advance(pose);
        }
        let present = standing && self.is_at_work(trusted);
        self.duty.advance(observation.now, present);

        let motion = self.wanted(observation, pose);
        let before = self.guarded.state();
        let release = self.release_limit(observation, trusted);
        let input = Input { release, ..self.input(observation, pose, motion, map) };
        self.black_box.before_step(self.guarded.interlock());
        let mut sink = Recording { black_box: &mut self.black_box, log };
        let decision = self.guarded.step(&input, &mut sink);
        self.orders.note_state(self.guarded.state());
        let wants = !input.request.twist.is_zero() || !standing;
        self.stops.note(observation.now, before, &decision, wants);
        self.last = Some((observation.now, decision));
        self.report(observation, &input, standing, link);
    }

    /// `pose` is where the robot certainly is.
    fn take_messages(&mut self, observation: &Observation, pose: Option<Pose>, link: &mut dyn Link) {
        for _ in 0..MESSAGES_PER_STEP {
            let Some(message) = link.receive() else { break };
            match message {
                ToAgent::Release(release) => {
                    if release.boot == self.reporter.boot {
                        self.tracker.accept(&release);
                    }
                }
                ToAgent::Hold(epoch) => {
                    let braking_m = self.braking_distance_m(observation.speed_mps);
                    if let Some(lanes) = self.tracker.hold(epoch, pose, braking_m) {
                        let lanes = u32::try_from(lanes).unwrap_or(u32::MAX);
                        link.send(ToFleet::StoppableAt { epoch, lanes });
                    }
                }
                ToAgent::Stop(order) => self.take_stop(order, observation, pose),
                ToAgent::Reset(order) => self.orders.reset(order),
                ToAgent::Beat(beat) => {
                    let (stop, reset) = (beat.stop, beat.reset);
                    if self.orders.beat(beat, observation.now) {
                        if let Some(order) = stop {
                            self.take_stop(order, observation, pose);
                        }
                        if let Some(order) = reset {
                            self.orders.reset(order);
                        }
                    }
                }
                ToAgent::Perform(order) => self.duty.perform(order),
                ToAgent::Withdraw(token) => self.duty.withdraw(token),
                // Questions are for people; a robot does what it is told. A lamp has a guard of its own.
                ToAgent::Ask(_) | ToAgent::Lamp(_) => {}
            }
        }
        if observation.emergency_button {
            self.orders.void_pending();
        }
    }

    fn take_stop(&mut self, order: StopOrder, observation: &Observation, pose: Option<Pose>) {
        let class = self.config.site.classes().get(self.config.class).map(|claims| &claims.class);
        let reach_m = class.map_or(f64::INFINITY, |class| f64::from(class.radius.0) / 1e3);
        let whereabouts = Whereabouts {
            agent: self.config.agent,
            level: observation.level,
            place: pose.map(|pose| (pose.at, reach_m + observation.pose_error_m)),
            class: self.config.class,
            site: &self.config.site,
            ahead: self.tracker.released().collect(),
        };
        self.orders.stop(order, &whereabouts);
    }

    fn is_localised(&self, observation: &Observation) -> bool {
        (0.0..=f64::from(self.config.map.error_max.0) / 1e3).contains(&observation.pose_error_m)
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

    fn input(
        &mut self,
        observation: &Observation,
        pose: Option<Pose>,
        motion: Motion,
        map: PackVerdict,
    ) -> Input<1, SECTORS> {
        let site = self.tracker.site_version();
        // What is asked in integers is what is checked.
        let twist = perception::twist(motion.linear_mps, motion.angular_rps);
        let shut = self.orders.shut(observation.now, self.config.passage_fresh);
        let (sweep, scratch) = (self.sweep(twist), &mut self.scratch);
        let seen = self.known.surroundings(&self.config.site, observation, pose, shut, sweep, scratch);
        let mut input = Input {
            request: Request {
                twist,
                sectors: perception::swept(self.guarded.config(), twist),
                issued: observation.now,
            },
            sensors: [Some(perception::reading(observation, &seen))],
            free_travel: Some(perception::free_travel(observation, &seen)),
            side_clearance: Some(seen.side_clearance),
            odometry: perception::odometry(observation),
            braking: observation.braking,
            beat: Some(observation.now),
            packs: observation.packs,
            self_test: if observation.failed { SelfTest::NotRun } else { SelfTest::Passed },
            emergency_button: Some(observation.emergency_button),
            bumper: Some(observation.bumper),
            reset_button: observation.reset_button,
            stop: self.orders.stop_command(),
            reset: self.orders.pending_reset(self.guarded.state()),
            ..Input::unknown(observation.now, site)
        };
        input.set_pack(PackSlot::MAP, map);
        input
    }

    /// How far the release reaches from where the robot certainly is.
    fn release_limit(&self, observation: &Observation, pose: Option<Pose>) -> Option<ReleaseLimit> {
        let pose = pose.filter(|_| self.is_released(observation))?;
        let (fresh, open) = self.passages(observation.now);
        let ahead = self.tracker.ahead(pose, Passages { open, fresh });
        Some(ReleaseLimit {
            epoch: self.tracker.route().epoch,
            remaining: Mm(to_u32(ahead.released_m * 1e3)),
            taken: observation.taken,
            site: self.tracker.site_version(),
        })
    }

    fn sweep(&self, twist: Twist) -> Sweep {
        let interlock = self.guarded.config();
        let reach = perception::braking_distance(interlock, MmPerS(twist.linear_mm_per_s.unsigned_abs()));
        Sweep {
            twist,
            radius: self.radius(),
            reach,
            // Behind a dock is a wall: what is known to stand there for ever needs less distance than a person.
            wall_credit: interlock.stop_margin.saturating_sub(self.config.wall_margin),
            half_gap: perception::half_spacing(self.config.beam_gap_rad),
        }
    }

    /// Where localisation says the robot is, whatever its error.
    fn map_evidence(&self, observation: &Observation) -> MapEvidence {
        let fix = observation.pose().map(|pose| Fix {
            site: self.tracker.site_version(),
            area: self.area(pose, observation.pose_error_m),
            error: pose_error(observation.pose_error_m),
            x_mm: to_i32(libm::round(pose.at.x * 1e3)),
            y_mm: to_i32(libm::round(pose.at.y * 1e3)),
            travelled: perception::odometry(observation)
                .map_or(Mm::ZERO, |odometry| odometry.value.travelled),
            zone_limit: self.speed_limit(pose, observation.pose_error_m),
        });
        MapEvidence {
            expected: self.config.site.version(),
            fix: fix.map(|value| Reading { taken: observation.taken, value }),
        }
    }

    /// The lowest speed limit of the zones in which the footprint may be, and of the lane it is on. A robot has no
    /// calendar: of zones with hours it keeps the limits at all hours.
    fn speed_limit(&self, pose: Pose, error_m: f64) -> Option<MmPerS> {
        let site = &self.config.site;
        let class = site.classes().get(self.config.class).map(|claims| &claims.class);
        let visitor = Visitor {
            class: class.map(|class| class.name.as_str()),
            radius_m: class.map_or(f64::INFINITY, |class| f64::from(class.radius.0) / 1e3) + error_m.max(0.0),
            when: None,
        };
        let zones_mps = site.zones_at(pose.level, pose.at, visitor).speed_limit_mps();
        let zones = zones_mps.map(|limit_mps| MmPerS(to_u32(libm::floor(limit_mps * 1e3))));
        [zones, self.tracker.lane_limit()].into_iter().flatten().min()
    }

    /// Whether the footprint less its declared margin, which localisation errors are part of, is in the mapped area
    /// (which includes lifts' cabins). It is outside when no position within the error would bring it inside.
    fn area(&self, pose: Pose, error_m: f64) -> Area {
        let site = &self.config.site;
        let (Some(level), Some(claims)) = (site.level(pose.level), site.classes().get(self.config.class))
        else {
            return Area::Outside;
        };
        let core_m = f64::from(claims.class.radius.saturating_sub(claims.class.margin).0) / 1e3;
        if level.geometry.disc_free(pose.at, core_m) {
            Area::Inside
        } else if level.geometry.disc_free(pose.at, (core_m - error_m).max(0.0)) {
            Area::Uncertain
        } else {
            Area::Outside
        }
    }

    /// Radius of the footprint; with an unknown class everything is in the way.
    fn radius(&self) -> Mm {
        self.config.site.classes().get(self.config.class).map_or(Mm::MAX, |claims| claims.class.radius)
    }

    fn braking_distance_m(&self, speed_mps: f64) -> f64 {
        if !speed_mps.is_finite() {
            return f64::INFINITY;
        }
        let speed = MmPerS(to_u32(libm::ceil(speed_mps.abs() * 1e3)));
        f64::from(perception::braking_distance(self.guarded.config(), speed).0) / 1e3
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
