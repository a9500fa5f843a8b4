//! Follows a route with a differential drive: turns in place, drives straight, stops where the release ends.

use std::sync::Arc;

use nalgebra::{Point2, Vector2};
use sheepdog_core::{
    Epoch, LaneId, LevelId, MmPerS, SiteVersion,
    wire::{Passage, Release},
};
use sheepdog_map::{CompiledSite, Lane};

use crate::{
    angle::wrapped,
    observation::Pose,
    route::{Gate, Route},
};

/// A waypoint is reached within this distance along the lane, metres.
const REACHED_M: f64 = 0.02;
/// And within this distance beside it, metres: well inside the margins for which claims are compiled.
const BESIDE_M: f64 = 0.05;
/// A robot nearer than this to the origin of a new route is at it, metres.
const AT_ORIGIN_M: f64 = 0.1;
/// A robot further than this from the origin of a new route does not go there by itself, metres.
const LEAD_IN_MAX_M: f64 = 3.0;
/// Waypoints between lanes whose headings differ less are driven through: 10°, in radians.
const THROUGH_RAD: f64 = 0.174_532_925_199_432_95;
/// Heading error at which a moving robot stops to turn in place, radians.
const TURN_MOVING_RAD: f64 = 0.5;
/// Heading error at which turning in place ends, radians.
const TURNED_RAD: f64 = 0.05;
/// Tightest curve of a correction, 1/m: tighter ones would sweep the commanded arc into the walls of a doorway.
const CURVATURE_MAX: f64 = 1.0;
/// Yaw rate per heading error, 1/s.
const YAW_GAIN: f64 = 2.0;
/// How fast a turn in place is slowed down, radians per second squared.
const YAW_DECELERATION_RPS2: f64 = 2.5;
/// From a command to turn until the base follows, seconds. Turning in place reaches nothing new, so this is a matter
/// of control and not of safety.
const YAW_REACTION_S: f64 = 0.1;
/// Slowest turn in place, radians per second.
const YAW_RATE_MIN_RPS: f64 = 0.05;
/// Slowest approach, metres per second.
const SPEED_MIN_MPS: f64 = 0.02;
/// How far ahead on the lane the robot aims, at least, metres, and per speed, seconds.
const AIM_M: f64 = 0.4;
const AIM_S: f64 = 0.8;
/// A robot that waits for a passage on the way stops with its margin this far from the sill, metres.
const SHORT_OF_SILL_M: f64 = 0.1;
/// How many lanes ahead are looked at: with lanes of some decimetres more than any braking distance.
const LOOK_AHEAD: usize = 64;

/// What the drive may be asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) speed_mps: f64,
    pub(crate) acceleration_mps2: f64,
    /// Gentler than the interlock's, so that the interlock has nothing to correct.
    pub(crate) deceleration_mps2: f64,
    pub(crate) yaw_rate_rps: f64,
    /// Tightest curve that the base can drive, 1/m.
    pub(crate) curvature_max: f64,
    /// From a command until the brakes act, seconds.
    pub(crate) reaction_s: f64,
}

/// A planar motion in SI units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Motion {
    /// Metres per second, forward positive.
    pub(crate) linear_mps: f64,
    /// Radians per second, counter-clockwise positive.
    pub(crate) angular_rps: f64,
}

/// What is known of doors and lifts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passages<'a> {
    /// Passages that are open, by the last beat.
    pub(crate) open: &'a [Passage],
    /// Whether that beat is recent.
    pub(crate) fresh: bool,
}

impl Passages<'_> {
    fn allows(self, gate: &Gate) -> bool {
        gate.entry.iter().all(|entry| self.lets_in(entry)) && gate.exit.iter().all(|exit| self.lets_out(exit))
    }

    /// Without news nothing is entered.
    fn lets_in(self, passage: &Passage) -> bool {
        self.fresh && self.open.contains(passage)
    }

    /// Without news nobody is kept inside: the robot's own sensors see a shut door.
    fn lets_out(self, passage: &Passage) -> bool {
        !self.fresh || self.open.contains(passage)
    }
}

/// Follows the lanes of a route.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    site: Arc<CompiledSite>,
    class: usize,
    limits: Limits,
    route: Route,
    /// A newer route that begins where the robot is not yet.
    pending: Option<Route>,
    /// The way from where the robot was to the origin of its route, while it is on it.
    lead_in: Option<Point2<f64>>,
    /// The lane whose gate was open when the robot drove in.
    entered: Option<usize>,
    turning: bool,
    /// The speed granted in the step before, metres per second.
    granted_mps: f64,
}

/// The straight piece the robot is on.
#[derive(Clone, Copy, Debug)]
struct Leg {
    level: LevelId,
    from: Point2<f64>,
    to: Point2<f64>,
    speed_mps: f64,
}

/// Where a robot is on a leg.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "the postfix is the unit")]
struct Progress {
    length_m: f64,
    along_m: f64,
    beside_m: f64,
    to_go_m: f64,
}

/// How far the robot can drive on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ahead {
    /// To the end of the release, or to the first passage that is not open, metres.
    pub(crate) released_m: f64,
    /// The highest speed from which every stop, turn and slower lane ahead is met, metres per second.
    pub(crate) speed_mps: f64,
}

impl Tracker {
    pub(crate) const fn new(site: Arc<CompiledSite>, class: usize, limits: Limits) -> Self {
        Self {
            site,
            class,
            limits,
            route: Route::none(),
            pending: None,
            lead_in: None,
            entered: None,
            turning: false,
            granted_mps: 0.0,
        }
    }

    pub(crate) const fn route(&self) -> &Route {
        &self.route
    }

    /// Every lane the robot may still drive, on the route it follows and on a newer one.
    pub(crate) fn released(&self) -> impl Iterator<Item = LaneId> + '_ {
        let pending = self.pending.iter().flat_map(Route::ahead);
        self.route.ahead().iter().chain(pending).copied()
    }

    /// The speed limit of the lane the robot is on, or stands at the beginning of.
    pub(crate) fn lane_limit(&self) -> Option<MmPerS> {
        self.lane(self.route.done).filter(|_| self.lead_in.is_none()).and_then(|lane| lane.speed_limit)
    }

    /// Whether nothing is left to drive.
    pub(crate) fn is_complete(&self) -> bool {
        self.route.is_complete() && self.lead_in.is_none()
    }

    pub(crate) fn site_version(&self) -> SiteVersion {
        self.site.version()
    }

    /// Takes in a release: grows the route, or keeps a newer one until the robot is where it begins.
    pub(crate) fn accept(&mut self, release: &Release) {
        if release.site != self.site.version() {
            return;
        }
        if release.epoch == self.route.epoch && self.route.origin.is_some() {
            return self.route.extend(&self.site, self.class, release);
        }
        let newest = self.pending.as_ref().map_or(self.route.epoch, |pending| pending.epoch);
        if release.epoch < newest {
            return;
        }
        match &mut self.pending {
            Some(pending) if pending.epoch == release.epoch => {
                pending.extend(&self.site, self.class, release);
            }
            Some(_) | None => {
                if let Some(route) = Route::begin(&self.site, self.class, release) {
                    self.pending = Some(route);
                }
            }
        }
    }

    /// Begins the newer route when the robot stands, or has driven its old route to the new one's origin.
    ///
    /// A robot that stands beside the origin drives there first, straight, up to [`LEAD_IN_MAX_M`].
    pub(crate) fn adopt(&mut self, pose: Pose, standing: bool) {
        let Some(pending) = &self.pending else { return };
        let on_the_way = !self.is_complete() && self.route.end(&self.site) == pending.origin;
        if on_the_way || !standing {
            return;
        }
        let Some(origin) = pending.origin.and_then(|origin| self.site.waypoint(origin)) else { return };
        let distance = nalgebra::distance(&origin.at, &pose.at);
        if origin.level != pose.level || LEAD_IN_MAX_M < distance {
            return;
        }
        if let Some(route) = self.pending.take() {
            self.lead_in = (AT_ORIGIN_M < distance).then_some(pose.at);
            self.route = route;
            self.entered = None;
            self.turning = false;
        }
    }

    /// Counts the lanes that the pose proves to be completed.
    pub(crate) fn advance(&mut self, pose: Pose) {
        if let (Some(_), Some(leg)) = (self.lead_in, self.leg())
            && leg.is_reached(pose)
        {
            self.lead_in = None;
        }
        while self.lead_in.is_none() && self.is_passed(pose) {
            self.route.done += 1;
            self.turning = false;
        }
    }

    fn is_passed(&self, pose: Pose) -> bool {
        let Some(lane) = self.lane(self.route.done) else { return false };
        if lane.ride.is_some() {
            return self.site.waypoint(lane.to).is_some_and(|to| to.level == pose.level);
        }
        self.leg().is_some_and(|leg| leg.is_reached(pose))
    }

    /// The motion to ask for, given the speed granted in the step before and the time since.
    pub(crate) fn motion(
        &mut self,
        pose: Pose,
        passages: Passages<'_>,
        granted_mps: f64,
        span_s: f64,
    ) -> Motion {
        self.granted_mps = granted_mps.max(0.0);
        let Some(leg) = self.leg() else { return Motion::default() };
        if leg.level != pose.level || self.is_superseded() {
            return Motion::default();
        }
        let ahead = self.ahead(pose, passages);
        if ahead.speed_mps <= 0.0 {
            return Motion::default();
        }
        let error_rad = wrapped(leg.heading_to(pose) - pose.yaw_rad);
        let slow = granted_mps.abs() < 2.0 * SPEED_MIN_MPS;
        self.turning = if self.turning {
            TURNED_RAD < error_rad.abs()
        } else {
            let limit = if slow { THROUGH_RAD } else { TURN_MOVING_RAD };
            limit < error_rad.abs()
        };
        if self.turning {
            return Motion { linear_mps: 0.0, angular_rps: self.turn(error_rad) };
        }
        if self.lead_in.is_none() {
            self.entered = Some(self.route.done);
        }
        let ramp = granted_mps.max(0.0) + self.limits.acceleration_mps2 * span_s;
        let linear_mps = ahead.speed_mps.min(ramp.max(SPEED_MIN_MPS)) * libm::cos(error_rad);
        let curvature_max = CURVATURE_MAX.min(self.limits.curvature_max);
        let yaw_max = self.limits.yaw_rate_rps.min(curvature_max * linear_mps);
        Motion { linear_mps, angular_rps: (YAW_GAIN * error_rad).clamp(-yaw_max, yaw_max) }
    }

    /// How far and how fast the robot can drive on.
    pub(crate) fn ahead(&self, pose: Pose, passages: Passages<'_>) -> Ahead {
        let mut ahead = Ahead { released_m: 0.0, speed_mps: 0.0 };
        let Some(mut leg) = self.leg().filter(|leg| leg.level == pose.level) else { return ahead };
        let is_open = |index: usize| {
            self.entered == Some(index)
                || self.lane(index).is_some_and(|lane| passages.allows(&Gate::of(&self.site, lane)))
        };
        let first_on_route = self.lead_in.is_none();
        if first_on_route && !is_open(self.route.done) {
            return ahead;
        }
        ahead.released_m = leg.progress(pose.at).to_go_m;
        ahead.speed_mps = self.limits.speed_mps.min(leg.speed_mps);
        if let Some(hold_m) = self.to_shut_sill(leg, pose, passages).filter(|_| first_on_route) {
            let speed_mps = ahead.speed_mps.min(self.speed_towards(hold_m, 0.0));
            return Ahead { released_m: hold_m, speed_mps: if hold_m <= 0.0 { 0.0 } else { speed_mps } };
        }
        let mut has_stop = false;
        let next = self.route.done + usize::from(first_on_route);
        for index in next..next.saturating_add(LOOK_AHEAD) {
            let onward = self.lane_leg(index).filter(|_| is_open(index));
            let Some(onward) = onward else { break };
            if !has_stop {
                let turn_rad = wrapped(onward.heading() - leg.heading()).abs();
                let speed_mps = if turn_rad < THROUGH_RAD { onward.speed_mps } else { 0.0 };
                has_stop = speed_mps <= 0.0;
                ahead.speed_mps = ahead.speed_mps.min(self.speed_towards(ahead.released_m, speed_mps));
            }
            ahead.released_m += onward.progress(onward.from).length_m;
            leg = onward;
        }
        if !has_stop {
            ahead.speed_mps = ahead.speed_mps.min(self.speed_towards(ahead.released_m, 0.0));
        }
        ahead
    }

    /// How far the robot may still go on its lane to the first sill ahead whose passage does not let it through, metres.
    ///
    /// A lane begins some way before its sill, and what was open when the robot entered the lane may have shut since, or
    /// the news of it may have ended. What the robot cannot stop short of any more, it passes: never does it stop on a
    /// sill by itself.
    fn to_shut_sill(&self, leg: Leg, pose: Pose, passages: Passages<'_>) -> Option<f64> {
        let lane = self.lane(self.route.done)?;
        let gate = Gate::of(&self.site, lane);
        let shut_in = gate.entry.iter().filter(|entry| !passages.lets_in(entry));
        let shut_out = gate.exit.iter().filter(|exit| !passages.lets_out(exit));
        let edges = shut_in.chain(shut_out).flat_map(|passage| self.edges(*passage, leg, pose));
        let braking_m = self.braking_m();
        let ahead = edges.filter(|edge_m| 0.0 < *edge_m && braking_m <= *edge_m);
        ahead.min_by(f64::total_cmp).map(|edge_m| (edge_m - SHORT_OF_SILL_M).max(0.0))
    }

    /// Along the leg from the robot to where its claim would first touch each opening of a passage, metres.
    fn edges(&self, passage: Passage, leg: Leg, pose: Pose) -> Vec<f64> {
        let openings = match passage {
            Passage::Door(door) => self.site.door(door).map(|door| vec![[door.a, door.b]]),
            Passage::Lift(lift, level) => self.site.lift(lift).map(|lift| {
                let stops = lift.stops.iter().filter(|stop| stop.level == level);
                stops.flat_map(|stop| stop.doors.iter().copied()).collect()
            }),
        };
        let class = self.site.classes().get(self.class).map(|claims| &claims.class);
        let reach_m =
            class.map_or(0.0, |class| f64::from(class.radius.0.saturating_add(class.margin.0)) / 1e3);
        let along_m = leg.progress(pose.at).along_m;
        let edge = |[a, b]: [Point2<f64>; 2]| leg.crossing(a, b).map(|at_m| at_m - reach_m - along_m);
        openings.unwrap_or_default().into_iter().filter_map(edge).collect()
    }

    /// What the robot needs to stand, from the speed it was granted.
    fn braking_m(&self) -> f64 {
        let speed_mps = self.granted_mps;
        speed_mps * self.limits.reaction_s
            + speed_mps * speed_mps / (2.0 * self.limits.deceleration_mps2.max(1e-3))
    }

    /// Shrinks the release to the first waypoint where the robot can and may stop; `None` for another epoch.
    pub(crate) fn hold(&mut self, epoch: Epoch, pose: Option<Pose>, braking_m: f64) -> Option<usize> {
        if epoch != self.route.epoch {
            return None;
        }
        if !self.route.held {
            if let Some(pose) = pose {
                self.advance(pose);
            }
            let keep = self.stoppable_at(pose, braking_m).unwrap_or(self.route.lanes.len());
            self.route.lanes.truncate(keep);
            self.route.held = true;
        }
        Some(self.route.lanes.len())
    }

    fn stoppable_at(&self, pose: Option<Pose>, braking_m: f64) -> Option<usize> {
        let (pose, claims) = (pose?, self.site.classes().get(self.class)?);
        let done = self.route.done;
        // On a lane that has not been entered the robot still stands at the end of the last one, unless it has rolled on.
        let rolled_on = self.leg().is_none_or(|leg| BESIDE_M < leg.progress(pose.at).along_m + braking_m);
        let here = self.lane(done).map(|lane| lane.from).filter(|at| !rolled_on && claims.may_stop(*at));
        if self.lead_in.is_none() && self.entered != Some(done) && here.is_some() {
            return Some(done);
        }
        let mut distance_m = self.leg().map_or(0.0, |leg| leg.progress(pose.at).to_go_m);
        for (lanes, id) in (done + 1..).zip(self.route.ahead()) {
            if lanes > done + 1 {
                distance_m += self.site.lane(*id).map_or(0.0, |lane| f64::from(lane.length.0) / 1e3);
            }
            let to = self.site.lane(*id)?.to;
            if braking_m <= distance_m && claims.may_stop(to) {
                return Some(lanes);
            }
        }
        None
    }

    /// Whether a newer route waits that begins elsewhere than where this one ends: then this one is over.
    fn is_superseded(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.origin != self.route.end(&self.site))
    }

    fn lane_id(&self, index: usize) -> Option<LaneId> {
        self.route.lanes.get(index).copied()
    }

    fn lane(&self, index: usize) -> Option<&Lane> {
        self.lane_id(index).and_then(|id| self.site.lane(id))
    }

    fn lane_leg(&self, index: usize) -> Option<Leg> {
        let lane = self.lane(index).filter(|lane| lane.ride.is_none())?;
        let (from, to) = (self.site.waypoint(lane.from)?, self.site.waypoint(lane.to)?);
        let limit_mps = lane.speed_limit.map_or(f64::INFINITY, |limit| f64::from(limit.0) / 1e3);
        let speed_mps = limit_mps.min(self.limits.speed_mps);
        Some(Leg { level: from.level, from: from.at, to: to.at, speed_mps })
    }

    /// The piece the robot is on; `None` when there is nothing to drive or it rides a lift.
    fn leg(&self) -> Option<Leg> {
        let Some(start) = self.lead_in else { return self.lane_leg(self.route.done) };
        let origin = self.site.waypoint(self.route.origin?)?;
        Some(Leg { level: origin.level, from: start, to: origin.at, speed_mps: self.limits.speed_mps / 2.0 })
    }

    /// The highest speed from which `end_mps` is met after `distance_m`.
    fn speed_towards(&self, distance_m: f64, end_mps: f64) -> f64 {
        fastest_towards(self.limits.deceleration_mps2, distance_m, end_mps, self.limits.reaction_s)
            .max(SPEED_MIN_MPS)
    }

    /// The yaw rate that turns the error away as fast as it can be stopped.
    fn turn(&self, error_rad: f64) -> f64 {
        let rate_rps = fastest_towards(YAW_DECELERATION_RPS2, error_rad.abs(), 0.0, YAW_REACTION_S);
        rate_rps.clamp(YAW_RATE_MIN_RPS, self.limits.yaw_rate_rps).copysign(error_rad)
    }
}

/// The highest rate of change from which `end` is met after `way`, if slowing down begins after the reaction.
fn fastest_towards(deceleration: f64, way: f64, end: f64, reaction_s: f64) -> f64 {
    let term = deceleration * reaction_s;
    let root = libm::sqrt(term * term + end * end + 2.0 * deceleration * way.max(0.0));
    (root - term).max(end)
}

impl Leg {
    fn heading(self) -> f64 {
        let gap = self.to - self.from;
        libm::atan2(gap.y, gap.x)
    }

    fn progress(self, at: Point2<f64>) -> Progress {
        let gap = self.to - self.from;
        let length_m = gap.norm();
        let unit = gap.try_normalize(1e-9).unwrap_or_else(Vector2::zeros);
        let offset = at - self.from;
        Progress {
            length_m,
            along_m: unit.dot(&offset),
            beside_m: unit.perp(&offset).abs(),
            to_go_m: nalgebra::distance(&at, &self.to),
        }
    }

    /// Where the leg crosses the line through two points between them, metres from its start; `None` if it does not.
    fn crossing(self, a: Point2<f64>, b: Point2<f64>) -> Option<f64> {
        let (way, sill) = (self.to - self.from, b - a);
        let denominator = way.perp(&sill);
        if denominator == 0.0 {
            return None;
        }
        let share = (a - self.from).perp(&sill) / denominator;
        let beside = (a - self.from).perp(&way) / denominator;
        let crosses = (0.0..=1.0).contains(&share) && (0.0..=1.0).contains(&beside);
        crosses.then(|| share * way.norm())
    }

    fn is_reached(self, pose: Pose) -> bool {
        let progress = self.progress(pose.at);
        let at_end = progress.length_m - REACHED_M <= progress.along_m && progress.beside_m <= BESIDE_M;
        pose.level == self.level && (at_end || progress.to_go_m <= REACHED_M)
    }

    /// Heading towards a point a little ahead on the leg.
    fn heading_to(self, pose: Pose) -> f64 {
        let progress = self.progress(pose.at);
        let aim_m = AIM_M.max(AIM_S * self.speed_mps);
        if progress.length_m - progress.along_m <= AIM_M && progress.beside_m <= BESIDE_M {
            // Close to the end the aim would be a point underfoot.
            return self.heading();
        }
        let share = ((progress.along_m + aim_m) / progress.length_m.max(1e-9)).clamp(0.0, 1.0);
        let aim = self.from + (self.to - self.from) * share;
        let gap = aim - pose.at;
        if gap.norm() < REACHED_M { self.heading() } else { libm::atan2(gap.y, gap.x) }
    }
}

#[cfg(test)]
mod sill_tests;
