//! Faults, one or several at once, on a robot at rest, cruising, turning, in a lift or stopping: what finds them, when, and
//! how far the robot still goes.
//!
//! A [`Drill`] is a few lines of data. It sends one simulated robot from a dock round a corner, through a door and up a
//! lift, lets its faults strike in a [`MotionState`], and says in [`Drilled`] what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use nalgebra::Point2;
use sheepdog_core::{
    Epoch, Micros, Mm, MmPerS, RuleId, StopCategory, StopGeneration,
    wire::{Beat, DoorState, PeripheralCommand, Release, StopOrder, StopScope, ToAgent, ToFleet},
};
use sheepdog_driver::Step;
use sheepdog_interlock::{PERMIT_TTL_MAX, Verdict, stopping_distance};
use sheepdog_sim::{FaultKind, NamedFault};

use crate::{
    check::Violation,
    contract::{Course, DriverUnderTest, Injection, Limits, Observed, Simulated, Support},
};

/// How finely a drill looks.
const TICK: Micros = Micros::from_millis(50);
/// How long a drill lasts at most.
const DRILL_MAX: Micros = Micros::from_secs(150);
/// How long a robot at rest is watched while its faults are on, at most.
const REST_MAX: Micros = Micros::from_secs(25);
/// Below it a robot stands, metres per second.
const STANDING_MPS: f64 = 0.02;

/// What a robot does when a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MotionState {
    /// It stands, and has no release yet.
    AtRest,
    /// It drives at nearly full speed.
    Cruising,
    /// It turns on the spot.
    Turning,
    /// It stands in the cabin of a lift whose door is not open.
    InLift,
    /// It was told to stop, and still moves.
    Stopping,
}

impl MotionState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::AtRest, Self::Cruising, Self::Turning, Self::InLift, Self::Stopping];
}

impl fmt::Display for MotionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AtRest => "at rest",
            Self::Cruising => "cruising",
            Self::Turning => "turning",
            Self::InLift => "in a lift",
            Self::Stopping => "stopping",
        })
    }
}

/// Faults that strike at once, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// What goes wrong; [`sheepdog_sim::FAULTS`] has names for it.
    pub faults: Vec<NamedFault>,
    /// What the robot does at that moment.
    pub state: MotionState,
    /// Where noise comes from.
    pub seed: u64,
}

/// How a drill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The robot is where it was sent.
    There,
    /// It waits for a person.
    Latched,
    /// It waits for a release, a door, a lift or its sensors.
    Waiting,
}

/// A stop of a robot that moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The rule that stopped it.
    pub rule: RuleId,
    /// How long after the faults struck.
    pub after: Micros,
    /// How fast it was.
    pub speed: MmPerS,
    /// How far it still went.
    pub way: Mm,
    /// How far the interlock expected it to go at most.
    pub predicted: Mm,
}

/// What came of a [`Drill`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drilled {
    /// When the faults struck, from the beginning; `None` when the robot never came into the state.
    pub onset: Option<Micros>,
    /// How long after that each of them first made a difference, in the order of the drill.
    pub effects: Vec<Option<Micros>>,
    /// Faults that the driver could not have injected.
    pub unsupported: Vec<&'static str>,
    /// Rules that fired and had not fired before, and how long after the onset.
    pub found: BTreeMap<RuleId, Micros>,
    /// All rules that fired, also before.
    pub rules: BTreeSet<RuleId>,
    /// The first stop after the onset.
    pub stop: Option<Stop>,
    /// Stops whose evidence does not hold, or whose rule has not fired.
    pub unexplained: u32,
    /// How far the robot went while it gained speed without a live permit.
    pub unpermitted: Mm,
    /// How often it has begun to touch a wall.
    pub touches: u32,
    /// How it ended.
    pub end: End,
}

impl Drill {
    /// Plays it on the simulated robot. The same drill always comes out the same.
    ///
    /// # Errors
    /// Text that says what of the drill's own building or robot does not fit: a fault of this kit.
    pub fn play(&self) -> Result<Drilled, String> {
        let course = Course::standard()?;
        Ok(self.play_on(&mut Simulated::new(&course)?, &course, &Limits::SIMULATED))
    }

    /// Whether base or odometer are at fault: then nothing is promised of ways and permits.
    pub fn is_of_the_base(&self) -> bool {
        self.faults.iter().any(|fault| is_of_the_base(fault.kind))
    }

    /// Plays it on a driver, along a course.
    pub fn play_on(&self, driver: &mut dyn DriverUnderTest, course: &Course, limits: &Limits) -> Drilled {
        driver.reset(self.seed);
        let mut run = Run::new(self, driver, course, limits);
        while run.now < DRILL_MAX {
            run.step();
        }
        run.finish()
    }
}

impl Drilled {
    /// Whether every promise was kept: every stop explained, and, unless the base itself or its odometer is at fault, no
    /// wall touched, no motion without a permit and no stop longer than expected.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn keeps_its_promises(&self, drill: &Drill) -> Result<(), Violation> {
        let names = || drill.faults.iter().map(|fault| fault.name).collect::<Vec<_>>().join(" and ");
        let broken =
            |message: String| Err(Violation::new("drill", format!("{} {}: {message}", names(), drill.state)));
        if 0 < self.unexplained {
            return broken(format!("{} stops without a reason", self.unexplained));
        }
        if drill.is_of_the_base() {
            return Ok(());
        }
        if 0 < self.touches {
            return broken(format!("touched walls {} times", self.touches));
        }
        if Mm::ZERO < self.unpermitted {
            return broken(format!("{} mm without a permit", self.unpermitted.0));
        }
        match self.stop {
            Some(stop) if stop.predicted < stop.way => {
                broken(format!("{} mm to stop, {} expected", stop.way.0, stop.predicted.0))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a robot does what nobody told it to, or believes that it does.
const fn is_of_the_base(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::BrakeFade { .. }
            | FaultKind::BrakeOpen
            | FaultKind::DriveDelay { .. }
            | FaultKind::Runaway { .. }
            | FaultKind::WheelSlip { .. }
    )
}

/// A drill under way.
struct Run<'a> {
    drill: &'a Drill,
    driver: &'a mut dyn DriverUnderTest,
    course: &'a Course,
    limits: &'a Limits,
    now: Micros,
    release: Release,
    beats: u32,
    told_to_stop: bool,
    onset: Option<Micros>,
    /// When each fault that could be injected first made a difference; `None` in place of one that could not.
    struck: Vec<Option<Struck>>,
    seen: Observed,
    turned_rad: f64,
    verdict: Option<Verdict>,
    needs_person: bool,
    permitted_until: Micros,
    /// Rules that fired before the onset.
    usual: BTreeSet<RuleId>,
    found: BTreeMap<RuleId, Micros>,
    stop: Option<Measured>,
    unexplained: u32,
    unpermitted_m: f64,
    touching: bool,
    touches: u32,
}

/// A fault that was injected: when it first made a difference.
#[derive(Clone, Copy, Default)]
struct Struck(Option<Micros>);

/// A stop that is being measured.
struct Measured {
    stop: Stop,
    way_m: f64,
    is_over: bool,
}

impl<'a> Run<'a> {
    fn new(
        drill: &'a Drill,
        driver: &'a mut dyn DriverUnderTest,
        course: &'a Course,
        limits: &'a Limits,
    ) -> Self {
        let seen = driver.observe();
        let reach = if seen.lifts.is_empty() { course.before_lifts() } else { course.lanes.len() };
        let lanes = course.lanes.get(..reach).unwrap_or_default().to_vec();
        let site = course.site.version();
        Self {
            drill,
            driver,
            course,
            limits,
            now: Micros::ZERO,
            release: Release { boot: 0, epoch: Epoch(1), origin: course.from, first: 0, lanes, site },
            beats: 0,
            told_to_stop: false,
            onset: None,
            struck: Vec::new(),
            seen,
            turned_rad: 0.0,
            verdict: None,
            needs_person: false,
            permitted_until: Micros::ZERO,
            usual: BTreeSet::new(),
            found: BTreeMap::new(),
            stop: None,
            unexplained: 0,
            unpermitted_m: 0.0,
            touching: false,
            touches: 0,
        }
    }

    fn step(&mut self) {
        let inside = self.is_in_lift();
        self.serve(inside);
        if self.onset.is_none() && self.is_in_state(inside) {
            self.strike();
        }
        self.talk();
        let (began, before) = (self.now, std::mem::take(&mut self.seen));
        self.driver.tick(TICK);
        self.now = self.now.saturating_add(TICK);
        self.seen = self.driver.observe();
        self.turned_rad = (self.seen.yaw_rad - before.yaw_rad).abs();
        for message in &self.seen.said {
            if let ToFleet::Report(report) = message {
                self.release.boot = report.boot;
            }
        }
        for step in std::mem::take(&mut self.seen.steps) {
            self.note(began, before.speed_mps, &step);
        }
        self.watch(began, &before);
    }

    fn is_in_lift(&self) -> bool {
        let here = Point2::new(self.seen.x_m, self.seen.y_m);
        let inside =
            |lift: &sheepdog_map::Lift| (here.x - lift.at.x).abs() < 0.3 && (here.y - lift.at.y).abs() < 0.3;
        self.seen.lifts.iter().any(|(lift, ..)| self.course.site.lift(*lift).is_some_and(inside))
    }

    /// Opens doors, and calls lifts to where the robot is, or to where it wants once it is inside.
    fn serve(&mut self, inside: bool) {
        let goal = self.course.origin(self.release.lanes.len());
        let goal = self.course.site.waypoint(goal).map_or(self.seen.level, |goal| goal.level);
        let level = if inside { goal } else { self.seen.level };
        for (door, _) in self.seen.doors.clone() {
            self.driver.inject(Injection::Building(PeripheralCommand::Door { door, open: true }));
        }
        for (lift, ..) in self.seen.lifts.clone() {
            self.driver.inject(Injection::Building(PeripheralCommand::CallLift { lift, level }));
        }
    }

    fn is_in_state(&mut self, inside: bool) -> bool {
        let Observed { speed_mps, .. } = self.seen;
        let cruises = 0.9 * f64::from(self.limits.speed.0) / 1e3 < speed_mps;
        match self.drill.state {
            MotionState::AtRest => Micros::from_secs(2) <= self.now,
            MotionState::Cruising => cruises,
            MotionState::Turning => speed_mps.abs() < 0.1 && (0.03..1.0).contains(&self.turned_rad),
            MotionState::InLift => {
                inside && self.seen.lifts.iter().all(|(.., door)| *door != DoorState::Open)
            }
            MotionState::Stopping => {
                if cruises && !self.told_to_stop {
                    self.told_to_stop = true;
                    let (scope, generation) = (StopScope::Agent(self.course.agent), StopGeneration(1));
                    let order = StopOrder { scope, category: StopCategory::One, generation };
                    self.driver.command(ToAgent::Stop(order));
                }
                let stops = self.verdict.is_some_and(|verdict| verdict != Verdict::Move);
                self.told_to_stop && stops && STANDING_MPS < speed_mps
            }
        }
    }

    fn strike(&mut self) {
        self.onset = Some(self.now);
        for fault in &self.drill.faults {
            let injection = Injection::Fault { kind: fault.kind, duration: fault.duration };
            let supported = self.driver.inject(injection) == Support::Supported;
            self.struck.push(supported.then(Struck::default));
        }
    }

    /// Twice a second the release, unless the robot is to rest, and a beat.
    fn talk(&mut self) {
        if !self.now.as_micros().is_multiple_of(500_000) {
            return;
        }
        let longest =
            self.drill.faults.iter().filter_map(|fault| fault.duration).fold(Micros::ZERO, Micros::max);
        let watched = longest.min(REST_MAX).saturating_add(Micros::from_secs(1));
        let rests = self.drill.state == MotionState::AtRest
            && self.onset.is_none_or(|onset| self.now < onset.saturating_add(watched));
        if !rests {
            self.driver.command(ToAgent::Release(self.release.clone()));
        }
        self.beats += 1;
        let open = self.course.open_passages(&self.seen);
        let beat = Beat { boot: 0, seq: self.beats, open, shut: Vec::new(), stop: None, reset: None };
        self.driver.command(ToAgent::Beat(beat));
    }

    fn note(&mut self, now: Micros, speed_mps: f64, step: &Step) {
        let decision = &step.record.decision;
        self.verdict = Some(decision.verdict);
        self.needs_person = step.record.after.needs_person();
        if decision.verdict == Verdict::Move && !step.is_refused() {
            self.permitted_until = now.saturating_add(PERMIT_TTL_MAX);
        }
        let Some(onset) = self.onset else {
            self.usual.extend(decision.rules.iter());
            return;
        };
        let after = now.saturating_sub(onset);
        for rule in decision.rules.iter().filter(|rule| !self.usual.contains(rule)) {
            self.found.entry(rule).or_insert(after);
        }
        let Verdict::Stop { rule, .. } = decision.verdict else { return };
        if !decision.evidence.holds() || !decision.rules.contains(decision.primary) {
            self.unexplained += 1;
        }
        if self.stop.is_none() && STANDING_MPS < speed_mps.abs() {
            let speed = MmPerS(whole(speed_mps.abs() * 1e3));
            let reaction = self.limits.actuation.saturating_add(TICK).saturating_add(self.limits.jitter());
            let predicted = stopping_distance(speed, reaction, self.limits.deceleration).unwrap_or(Mm::MAX);
            let stop = Stop { rule, after, speed, way: Mm::ZERO, predicted };
            self.stop = Some(Measured { stop, way_m: 0.0, is_over: false });
        }
    }

    /// Looks at what the robot really did in the tick.
    fn watch(&mut self, began: Micros, before: &Observed) {
        let way_m = libm::hypot(self.seen.x_m - before.x_m, self.seen.y_m - before.y_m);
        let gains = before.speed_mps.abs() + 0.001 < self.seen.speed_mps.abs();
        if gains && self.permitted_until <= began && self.verdict.is_some() {
            self.unpermitted_m += way_m;
        }
        if let Some(measured) = self.stop.as_mut().filter(|measured| !measured.is_over) {
            measured.way_m += way_m;
            measured.is_over = self.seen.speed_mps.abs() <= STANDING_MPS;
        }
        let touches = self.course.touches(self.seen.level, Point2::new(self.seen.x_m, self.seen.y_m));
        self.touches += u32::from(touches && !self.touching);
        self.touching = touches;
        let after = self.onset.map(|onset| began.saturating_sub(onset));
        let struck = self.struck.iter_mut().flatten();
        for (Struck(at), made) in struck.zip(&self.seen.struck) {
            *at = at.or(after.filter(|_| *made));
        }
    }

    fn finish(self) -> Drilled {
        let here = Point2::new(self.seen.x_m, self.seen.y_m);
        let goal = self.release.lanes.len().saturating_sub(1);
        let there = self.course.is_at_end(goal, self.seen.level, here, 0.5);
        let end = match self.needs_person {
            true => End::Latched,
            false if there => End::There,
            false => End::Waiting,
        };
        let without = self.drill.faults.iter().zip(&self.struck).filter(|(_, struck)| struck.is_none());
        Drilled {
            onset: self.onset,
            effects: self.struck.iter().map(|struck| struck.and_then(|Struck(at)| at)).collect(),
            unsupported: without.map(|(fault, _)| fault.name).collect(),
            rules: self.usual.iter().chain(self.found.keys()).copied().collect(),
            found: self.found,
            stop: self.stop.map(|Measured { stop, way_m, .. }| Stop { way: Mm(whole(way_m * 1e3)), ..stop }),
            unexplained: self.unexplained,
            unpermitted: Mm(whole(self.unpermitted_m * 1e3)),
            touches: self.touches,
            end,
        }
    }
}

/// Rounded up.
fn whole(value: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let whole = libm::ceil(value) as u32;
    whole
}
