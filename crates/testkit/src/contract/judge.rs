//! What is looked for at every tick.

use std::collections::{BTreeMap, VecDeque};

use nalgebra::Point2;
use sheepdog_core::{
    LevelId, Micros, RobotTime,
    wire::{Motion, Perform, Report, StepToken, StopEvent, ToFleet},
};
use sheepdog_driver::Step;
use sheepdog_interlock::{
    Decision, Evidence, PERMIT_TTL_MAX, State, Verdict,
    rules::{PCK_002, PCK_003, PCK_004},
};

use super::{Course, Limits, Observed, rehearsal::Desk};

/// What a driver promises: an id, and the promise.
pub const PROMISES: &[(&str, &str)] = &[
    (
        "DRV-01",
        "the robot gains speed only while it has a release, nothing forbids motion, and it is not stopped",
    ),
    ("DRV-02", "what forbids motion brings it to rest within the declared reaction and deceleration"),
    (
        "DRV-03",
        "it leaves neither the lanes of its release nor their end by more than the declared track error",
    ),
    ("DRV-04", "speed, gains of speed and places are those of a body with the declared limits"),
    ("DRV-05", "with a release, everything right and every stop reset, it drives"),
    ("DRV-06", "reports are numbered and stamped in order, fresh, and come as often as declared"),
    ("DRV-07", "a report's pose is where the robot is, within the error that it states and the one declared"),
    ("DRV-08", "a report tells of no lane that was not released or not driven, and of no epoch that is not"),
    ("DRV-09", "a stop is acknowledged soon, and none that was not ordered"),
    ("DRV-10", "work is reported as finished once, after it was ordered and had its time at its place"),
    ("DRV-11", "a report's motion is what the robot does, and names the rule that has latched it"),
    ("DRV-12", "a hold is answered soon, with what the robot keeps to"),
    ("DRV-13", "every stop on the way is told, in order, with evidence that holds"),
    ("DRV-14", "a restart is told by a new boot, and no other report has one"),
    ("EXP-01", "decisions are recorded without a gap, when they are made"),
    ("EXP-02", "every decision has a rule that fired, and evidence that holds"),
    ("EXP-03", "the robot gains speed under a live permit alone, and not beyond what was decided"),
    ("EXP-04", "the inputs of every decision are the recorded ones"),
    ("EXP-05", "what was recorded comes out the same when it is run again"),
    ("EXP-06", "whatever is changed in the record afterwards is found"),
];

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Its id in [`PROMISES`].
    pub promise: &'static str,
    /// When it showed, from the beginning of the case.
    pub at: Micros,
    /// What was seen.
    pub what: String,
}

/// The kit's tick: how finely it looks.
pub(super) const LOOK: Micros = Micros::from_millis(50);
/// Below it a robot stands, metres per second.
const STANDING_MPS: f64 = 0.02;
/// Gains of speed below it are noise, metres per second.
const GAIN_MPS: f64 = 0.01;
/// How long a robot has for an answer over the radio.
const ANSWER_WITHIN: Micros = Micros::from_millis(500);
/// How long a report may show another motion than the robot's.
const MOTION_WITHIN: Micros = Micros::from_millis(1_500);
/// How near a robot is to where it works, metres.
const AT_WORK_M: f64 = 0.4;
/// How near to the end of a lane it has been when it has driven it, metres.
const DRIVEN_M: f64 = 0.3;

/// Why a robot has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ground {
    /// Nothing is released since it has booted.
    NoRelease,
    /// It was told to stop, or latched by itself.
    Stopped,
    /// A condition, by its place.
    Condition(u8),
}

/// A ground, since when it brakes, and how fast the robot was then.
#[derive(Clone, Copy, Debug)]
struct Demand {
    since: Micros,
    brakes_by: Micros,
    stands_by: Option<Micros>,
    /// How fast the robot was; nothing once it has stood.
    from_mps: Option<f64>,
}

/// What the judge remembers from tick to tick.
#[expect(clippy::struct_excessive_bools, reason = "each is seen on its own")]
pub(super) struct Judge<'a> {
    course: &'a Course,
    limits: &'a Limits,
    demands: BTreeMap<Ground, Demand>,
    last: Option<Observed>,
    reported: Option<(Micros, Report)>,
    restarted: bool,
    /// Whether it has reported since it has booted.
    knows: bool,
    /// Lanes of the course whose end the robot has been at.
    driven: usize,
    /// Since when it stands at the place of an order.
    present_since: Option<Micros>,
    finished: Vec<StepToken>,
    odd_motion_since: Option<Micros>,
    last_step: Option<(u64, u64, RobotTime)>,
    permitted: VecDeque<(RobotTime, f64)>,
    state: Option<State>,
    latches: bool,
    moved: bool,
    told: Option<u32>,
    /// Stops that have to be told: when, on the robot's clock, and until when.
    untold: Vec<(RobotTime, Micros)>,
    /// For each demand that was met by braking: how long that took, and how long it may take.
    pub(super) stops: Vec<(Micros, Micros)>,
}

type Judged = Result<(), Breach>;

impl<'a> Judge<'a> {
    pub(super) const fn new(course: &'a Course, limits: &'a Limits) -> Self {
        Self {
            course,
            limits,
            demands: BTreeMap::new(),
            last: None,
            reported: None,
            restarted: false,
            knows: false,
            driven: 0,
            present_since: None,
            finished: Vec::new(),
            odd_motion_since: None,
            last_step: None,
            permitted: VecDeque::new(),
            state: None,
            latches: false,
            moved: false,
            told: None,
            untold: Vec::new(),
            stops: Vec::new(),
        }
    }

    /// The robot has to stand from now on, `within` from now at the latest beginning to brake.
    pub(super) fn demand(&mut self, ground: Ground, now: Micros, within: Micros) {
        let reaction = self.limits.reaction.saturating_add(self.limits.jitter()).saturating_add(LOOK);
        let brakes_by = now.saturating_add(within).saturating_add(reaction);
        let from_mps = self.last.as_ref().map(|last| last.speed_mps.abs()).filter(|mps| STANDING_MPS < *mps);
        let demand = Demand { since: now, brakes_by, stands_by: None, from_mps };
        self.demands.entry(ground).or_insert(demand);
    }

    pub(super) fn lift(&mut self, ground: Ground) {
        self.demands.remove(&ground);
    }

    /// The robot goes down: what it says next is another boot's.
    pub(super) fn restarts(&mut self) {
        self.restarted = true;
        self.knows = false;
        // What it has done it may have forgotten.
        self.finished.clear();
        self.untold.clear();
        self.last_step = None;
        self.permitted.clear();
        self.state = None;
        self.told = None;
    }

    pub(super) const fn driven(&self) -> usize {
        self.driven
    }

    /// What it has reported last since it has booted.
    pub(super) fn report(&self) -> Option<&Report> {
        self.reported.as_ref().map(|(_, report)| report).filter(|_| self.knows)
    }

    pub(super) fn is_finished(&self, order: &Perform) -> bool {
        self.finished.contains(&order.token)
    }

    /// Whether the robot has latched itself in this tick.
    pub(super) const fn has_latched(&self) -> bool {
        self.latches
    }

    /// Looks at one tick.
    pub(super) fn look(&mut self, now: Micros, desk: &Desk, seen: &Observed) -> Judged {
        let at = Point2::new(seen.x_m, seen.y_m);
        while self.course.is_at_end(self.driven, seen.level, at, DRIVEN_M) {
            self.driven += 1;
        }
        self.note_presence(now, desk, seen);
        self.body(now, seen)?;
        self.lanes(now, desk, seen)?;
        self.rest(now, seen)?;
        self.latches = false;
        for step in &seen.steps {
            self.step(now, step, seen)?;
        }
        self.permit(now, seen)?;
        for message in &seen.said {
            self.message(now, desk, message, seen)?;
        }
        self.silence(now, desk)?;
        self.last = Some(Observed { said: Vec::new(), steps: Vec::new(), ..seen.clone() });
        Ok(())
    }

    /// DRV-04: the body is one.
    fn body(&self, now: Micros, seen: &Observed) -> Judged {
        let top_mps = f64::from(self.limits.speed.0) / 1e3;
        if top_mps * 1.02 + GAIN_MPS < seen.speed_mps.abs() {
            return breach("DRV-04", now, format!("{:.2} m/s, {top_mps:.2} declared", seen.speed_mps));
        }
        let Some(last) = &self.last else { return Ok(()) };
        let span_s = LOOK.saturating_add(self.limits.jitter()).as_secs_f64();
        let way_m = libm::hypot(seen.x_m - last.x_m, seen.y_m - last.y_m);
        let reach_m = last.speed_mps.abs().max(seen.speed_mps.abs()) * span_s + 0.005;
        if last.level == seen.level && reach_m < way_m {
            return breach("DRV-04", now, format!("{way_m:.3} m in a tick, at {:.2} m/s", seen.speed_mps));
        }
        let gain_mps = seen.speed_mps.abs() - last.speed_mps.abs();
        let most_mps = f64::from(self.limits.acceleration.0) / 1e3 * span_s + GAIN_MPS;
        if most_mps < gain_mps {
            return breach("DRV-04", now, format!("{gain_mps:.2} m/s faster within a tick"));
        }
        Ok(())
    }

    /// DRV-03: it is where it may be.
    fn lanes(&self, now: Micros, desk: &Desk, seen: &Observed) -> Judged {
        let off_m = self.course.distance_m(seen.level, Point2::new(seen.x_m, seen.y_m), desk.reach());
        if f64::from(self.limits.track_error.0) / 1e3 < off_m {
            let what = format!("{off_m:.2} m off the {} lanes that were released", desk.reach());
            return breach("DRV-03", now, what);
        }
        Ok(())
    }

    /// DRV-01 and DRV-02: it rests when it has to.
    fn rest(&mut self, now: Micros, seen: &Observed) -> Judged {
        let speed_mps = seen.speed_mps.abs();
        let gain_mps = speed_mps - self.last.as_ref().map_or(0.0, |last| last.speed_mps.abs());
        let deceleration_mps2 = f64::from(self.limits.deceleration.0.max(1)) / 1e3;
        let brakes_s = speed_mps / deceleration_mps2;
        for (ground, demand) in &mut self.demands {
            if speed_mps <= STANDING_MPS
                && let Some(from_mps) = demand.from_mps.take()
            {
                let allowed = demand.brakes_by.saturating_sub(demand.since);
                let allowed = allowed.saturating_add(from_seconds(from_mps / deceleration_mps2));
                self.stops.push((now.saturating_sub(demand.since), allowed));
            }
            if now < demand.brakes_by {
                continue;
            }
            let slack = LOOK.saturating_add(LOOK).saturating_add(self.limits.jitter());
            let stands_by = *demand
                .stands_by
                .get_or_insert(now.saturating_add(from_seconds(brakes_s * 1.05)).saturating_add(slack));
            if GAIN_MPS < gain_mps {
                return breach(
                    "DRV-01",
                    now,
                    format!("{speed_mps:.2} m/s and faster, though {}", ground.why()),
                );
            }
            if stands_by < now && STANDING_MPS < speed_mps {
                return breach("DRV-02", now, format!("still {speed_mps:.2} m/s, though {}", ground.why()));
            }
        }
        Ok(())
    }

    /// EXP-01, EXP-02, EXP-04 and part of DRV-13: a decision.
    fn step(&mut self, now: Micros, step: &Step, seen: &Observed) -> Judged {
        let record = &step.record;
        let Decision { verdict, evidence, rules, primary, twist, .. } = record.decision;
        let follows = match self.last_step {
            Some((boot, seq, _)) => boot == record.boot.0 && Some(record.seq) == seq.checked_add(1),
            None => record.seq == 0,
        };
        if !follows {
            let before =
                self.last_step.map_or_else(|| "none".to_owned(), |(_, seq, _)| format!("decision {seq}"));
            return breach("EXP-01", now, format!("decision {} follows {before}", record.seq));
        }
        let since = self.last.as_ref().map(|last| last.clock).unwrap_or_default();
        let slack = self.limits.jitter().saturating_add(Micros::from_millis(1));
        let too_late = record.at + slack < since;
        if too_late || seen.clock + slack < record.at {
            let (at, clock) = (record.at.as_micros() / 1_000, seen.clock.as_micros() / 1_000);
            return breach("EXP-01", now, format!("a decision of {at} ms is recorded at {clock} ms"));
        }
        self.last_step = Some((record.boot.0, record.seq, record.at));
        let by_pack = [PCK_002, PCK_003, PCK_004].contains(&primary);
        if !evidence.holds() || !rules.contains(primary) || (evidence.rule != primary && !by_pack) {
            return breach(
                "EXP-02",
                now,
                format!("decision {} by {primary}: {}", record.seq, told(&evidence)),
            );
        }
        let input = step.input().filter(|input| input.digest() == record.inputs);
        let Some(input) = input else {
            return breach("EXP-04", now, format!("decision {} was made on something else", record.seq));
        };
        let permit = record.until.and_then(|until| until.since(record.at));
        let moves = verdict == Verdict::Move && !step.is_refused();
        if (verdict == Verdict::Move) != permit.is_some() || permit.is_some_and(|life| PERMIT_TTL_MAX < life)
        {
            return breach("EXP-03", now, format!("decision {} has a permit of {permit:?}", record.seq));
        }
        if moves && let Some(until) = record.until {
            self.permitted.push_back((until, f64::from(twist.linear_mm_per_s.unsigned_abs()) / 1e3));
        }
        let stops = matches!(verdict, Verdict::Stop { .. }) && !input.request.twist.is_zero();
        if stops && self.moved && matches!(record.before, State::Slow | State::Ready) {
            self.untold.push((record.at, now.saturating_add(self.report_within())));
        }
        self.latches |= record.after.needs_person() && !record.before.needs_person();
        (self.moved, self.state) = (moves, Some(record.after));
        Ok(())
    }

    /// EXP-03: nothing gains speed without a permit.
    fn permit(&mut self, now: Micros, seen: &Observed) -> Judged {
        let Some(last) = &self.last else { return Ok(()) };
        let slack = self.limits.jitter();
        let gains = GAIN_MPS < seen.speed_mps.abs() - last.speed_mps.abs();
        if self.last_step.is_some() && gains {
            let limit_mps = self.permitted.iter().map(|(_, mps)| *mps).reduce(f64::max);
            match limit_mps {
                None => return breach("EXP-03", now, "faster without a permit".to_owned()),
                Some(limit_mps) if limit_mps + 0.05 < seen.speed_mps.abs() => {
                    let what = format!("{:.2} m/s, {limit_mps:.2} decided", seen.speed_mps);
                    return breach("EXP-03", now, what);
                }
                Some(_) => {}
            }
        }
        // A permit that ended before this tick permits nothing in the next.
        self.permitted.retain(|(until, _)| seen.clock <= *until + slack);
        Ok(())
    }

    fn message(&mut self, now: Micros, desk: &Desk, message: &ToFleet, seen: &Observed) -> Judged {
        match message {
            ToFleet::Report(report) => self.judge_report(now, desk, report, seen),
            ToFleet::StoppableAt { epoch, lanes } => {
                let known = self.report().filter(|report| report.epoch == *epoch);
                if known.is_some_and(|report| *lanes < report.done) || desk.lanes_of(*epoch) < Some(*lanes) {
                    let what = format!("a hold in {epoch} is answered with lane {lanes}");
                    return breach("DRV-12", now, what);
                }
                Ok(())
            }
            ToFleet::Answer { .. }
            | ToFleet::Performed(_)
            | ToFleet::Position(_)
            | ToFleet::Lamp(_)
            | ToFleet::Anchor(_) => Ok(()),
        }
    }

    fn judge_report(&mut self, now: Micros, desk: &Desk, report: &Report, seen: &Observed) -> Judged {
        let before = self.reported.take();
        self.numbers(now, report, before.as_ref().map(|(_, report)| report), seen)?;
        if !desk.pose_is_odd {
            self.pose(now, report, seen)?;
        }
        self.route(now, desk, report)?;
        if desk.stop_generation() < report.stop_ack.0 {
            let what = format!("stop {} is acknowledged and was not ordered", report.stop_ack.0);
            return breach("DRV-09", now, what);
        }
        self.work(now, desk, report)?;
        self.motion(now, desk, report, seen)?;
        self.stops(now, report)?;
        self.reported = Some((now, report.clone()));
        Ok(())
    }

    /// DRV-06 and DRV-14.
    fn numbers(&mut self, now: Micros, report: &Report, before: Option<&Report>, seen: &Observed) -> Judged {
        if let Some(before) = before {
            let place = (report.boot, report.seq);
            if place <= (before.boot, before.seq) {
                let what = format!("report {place:?} follows ({}, {})", before.boot, before.seq);
                return breach("DRV-06", now, what);
            }
            if (report.boot != before.boot) != self.restarted {
                return breach("DRV-14", now, format!("boot {} follows {}", report.boot, before.boot));
            }
        }
        self.restarted = false;
        self.knows = true;
        let since = self.last.as_ref().map(|last| last.clock).unwrap_or_default();
        let slack = self.limits.jitter().saturating_add(Micros::from_millis(1));
        if report.taken + slack < since || seen.clock + slack < report.taken {
            let (taken, clock) = (report.taken.as_micros() / 1_000, seen.clock.as_micros() / 1_000);
            return breach("DRV-06", now, format!("a report of {taken} ms is sent at {clock} ms"));
        }
        Ok(())
    }

    /// DRV-07.
    fn pose(&self, now: Micros, report: &Report, seen: &Observed) -> Judged {
        let declared = self.limits.pose_error;
        if declared < report.pose_error {
            let what = format!("an error of {} mm, {} declared", report.pose_error.0, declared.0);
            return breach("DRV-07", now, what);
        }
        let (x_m, y_m) = (f64::from(report.pose.x_mm) / 1e3, f64::from(report.pose.y_mm) / 1e3);
        let was = self.last.as_ref().unwrap_or(seen);
        let jitter_m = f64::from(self.limits.speed.0) / 1e3 * self.limits.jitter().as_secs_f64();
        let off_m = |seen: &Observed| {
            let off_m = libm::hypot(seen.x_m - x_m, seen.y_m - y_m);
            if seen.level == report.pose.level { off_m } else { f64::INFINITY }
        };
        let off_m = off_m(was).min(off_m(seen));
        if f64::from(report.pose_error.0) / 1e3 + jitter_m + 0.005 < off_m {
            let what = format!("{off_m:.3} m from the pose it reports within {} mm", report.pose_error.0);
            return breach("DRV-07", now, what);
        }
        Ok(())
    }

    /// DRV-08.
    fn route(&self, now: Micros, desk: &Desk, report: &Report) -> Judged {
        if report.epoch.0 == 0 && report.known == 0 {
            return Ok(());
        }
        let Some(lanes) = desk.lanes_of(report.epoch) else {
            return breach("DRV-08", now, format!("follows {}, which was not released", report.epoch));
        };
        let driven = desk.origin_of(report.epoch).map(|origin| self.driven.saturating_sub(origin));
        let done = usize::try_from(report.done).unwrap_or(usize::MAX);
        if lanes < report.known || report.known < report.done || driven < Some(done) {
            let (known, done) = (report.known, report.done);
            let what = format!("knows {known} lanes of {lanes} and has driven {done} of {driven:?}");
            return breach("DRV-08", now, what);
        }
        Ok(())
    }

    /// DRV-10.
    fn work(&mut self, now: Micros, desk: &Desk, report: &Report) -> Judged {
        if let Some(token) = report.performed.filter(|token| !self.finished.contains(token)) {
            let Some(order) = desk.ordered.iter().find(|order| order.token == token) else {
                return breach("DRV-10", now, format!("step {} was not ordered", token.step));
            };
            let present = self.present_since.map(|since| now.saturating_sub(since));
            let slack = LOOK.saturating_add(self.limits.jitter());
            if present.is_none_or(|present| present.saturating_add(slack) < order.duration) {
                return breach("DRV-10", now, format!("step {} is finished after {present:?}", token.step));
            }
            self.finished.push(token);
        }
        let open = |order: &Perform| !self.finished.contains(&order.token);
        if report.motion == Motion::Performing && !desk.ordered.iter().any(open) {
            return breach("DRV-10", now, "works, and everything is finished".to_owned());
        }
        Ok(())
    }

    /// DRV-11.
    fn motion(&mut self, now: Micros, desk: &Desk, report: &Report, seen: &Observed) -> Judged {
        let failed = report.motion == Motion::Failed && desk.is_out_of_order(now);
        if report.motion == Motion::Failed && !failed {
            return breach("DRV-11", now, "says that it has failed, and it has not".to_owned());
        }
        if let Some(State::Latched { evidence, .. }) = self.state
            && !failed
            && report.motion != Motion::Latched(evidence.rule)
        {
            return breach(
                "DRV-11",
                now,
                format!("{:?}, and {} has latched it", report.motion, evidence.rule),
            );
        }
        let rests = match report.motion {
            Motion::Waiting
            | Motion::Performing
            | Motion::Stopped(_)
            | Motion::Latched(_)
            | Motion::Failed => true,
            Motion::Moving => false,
        };
        // At rest, with nothing released since it has booted, there is nothing to follow.
        let idle = self.demands.get(&Ground::NoRelease).is_some_and(|demand| demand.brakes_by <= now);
        let stands = seen.speed_mps.abs() <= STANDING_MPS;
        let odd = if rests { 0.15 < seen.speed_mps.abs() } else { idle && stands };
        let since = odd.then(|| self.odd_motion_since.unwrap_or(now));
        self.odd_motion_since = since;
        if since.map(|since| now.saturating_sub(since)).is_some_and(|odd| MOTION_WITHIN < odd) {
            return breach("DRV-11", now, format!("{:?} at {:.2} m/s", report.motion, seen.speed_mps));
        }
        Ok(())
    }

    /// DRV-13.
    fn stops(&mut self, now: Micros, report: &Report) -> Judged {
        for StopEvent { seq, at, stopped, evidence } in &report.stops {
            if self.told.is_some_and(|told| *seq <= told) {
                continue;
            }
            if !evidence.holds() || self.told.is_some_and(|told| *seq != told + 1) {
                return breach("DRV-13", now, format!("stop {seq}: {}", told(evidence)));
            }
            self.told = Some(*seq);
            if *stopped {
                self.untold.retain(|(when, _)| when != at);
            }
        }
        Ok(())
    }

    /// DRV-06, DRV-09 and DRV-13: what does not come.
    fn silence(&self, now: Micros, desk: &Desk) -> Judged {
        if self.restarted {
            return Ok(());
        }
        let heard = self.reported.as_ref().map_or(Micros::ZERO, |(at, _)| *at);
        if heard.saturating_add(self.report_within()) < now && !desk.is_down {
            return breach("DRV-06", now, format!("no report since {}", super::case::seconds(heard)));
        }
        if let Some((_, until)) = self.untold.iter().find(|(_, until)| *until < now) {
            let at = super::case::seconds(until.saturating_sub(self.report_within()));
            return breach("DRV-13", now, format!("the stop at {at} is not told"));
        }
        let acknowledged = self.report().map_or(0, |report| report.stop_ack.0);
        let due = |ordered: &Micros| ordered.saturating_add(self.report_within()) < now;
        if desk.stopped_at.as_ref().is_some_and(due) && acknowledged < desk.stop_generation() {
            return breach("DRV-09", now, format!("stop {} is not acknowledged", desk.stop_generation()));
        }
        let late =
            |held: Micros| held.saturating_add(ANSWER_WITHIN).saturating_add(self.limits.jitter()) < now;
        if desk.held_at.is_some_and(late) {
            return breach("DRV-12", now, "a hold is not answered".to_owned());
        }
        Ok(())
    }

    fn report_within(&self) -> Micros {
        let slack = self.limits.jitter().saturating_add(LOOK).saturating_add(LOOK);
        self.limits.report_every.saturating_add(slack)
    }

    fn note_presence(&mut self, now: Micros, desk: &Desk, seen: &Observed) {
        let at = Point2::new(seen.x_m, seen.y_m);
        let place = desk.ordered.last().and_then(|order| self.course.site.waypoint(order.place));
        let here = place.is_some_and(|place| {
            place.level == seen.level && nalgebra::distance(&place.at, &at) <= AT_WORK_M
        });
        if !here || STANDING_MPS < seen.speed_mps.abs() {
            self.present_since = None;
        } else {
            self.present_since.get_or_insert(now);
        }
    }

    /// Where the robot was last.
    pub(super) fn place(&self) -> Option<(LevelId, f64, f64)> {
        self.last.as_ref().map(|last| (last.level, last.x_m, last.y_m))
    }
}

impl Ground {
    fn why(self) -> String {
        match self {
            Self::NoRelease => "nothing is released".to_owned(),
            Self::Stopped => "it is stopped".to_owned(),
            Self::Condition(place) => super::Condition::at(place).name.to_owned(),
        }
    }
}

fn breach(promise: &'static str, at: Micros, what: String) -> Judged {
    Err(Breach { promise, at, what })
}

/// Evidence in a line.
fn told(evidence: &Evidence) -> String {
    let Evidence { rule, measured, relation, limit } = evidence;
    format!("{rule} on {measured} {relation:?} {limit}")
}

fn from_seconds(seconds: f64) -> Micros {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let micros = (seconds.max(0.0) * 1e6) as u64;
    Micros::new(micros)
}
