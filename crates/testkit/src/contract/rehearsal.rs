//! Playing a case on a driver, with the kit as the fleet.

use nalgebra::Point2;
use sheepdog_core::{
    ActorId, Epoch, LevelId, Micros, SiteVersion, StopCategory, StopGeneration, TaskId,
    wire::{
        Action, Beat, Perform, PeripheralCommand, Release, ResetOrder, ResetStep, StepToken, StopOrder,
        StopScope, ToAgent, ToFleet,
    },
};
use sheepdog_driver::{Incident, ReplayError, Step};

use super::{
    Act, Breach, Case, Condition, Course, Deed, DriverUnderTest, Injection, Limits, Observed, Support,
    judge::{Ground, Judge, LOOK},
};

/// How often the fleet repeats itself.
const REPEAT: Micros = Micros::from_millis(500);
/// The first epoch: so that there is one before it.
const FIRST_EPOCH: u32 = 2;
/// How long everything stays right before the robot is reset at the end, and how long it then has to drive.
const CALM: Micros = Micros::from_secs(2);
const DRIVES_WITHIN: Micros = Micros::from_secs(30);
/// How far a robot drives that drives, metres.
const DRIVES_M: f64 = 0.2;
/// How long work takes.
const WORK: Micros = Micros::from_secs(1);

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// The first promise that was broken.
    pub breach: Option<Breach>,
    /// What the driver could not have injected.
    pub unsupported: Vec<String>,
    /// Where the robot was, tick by tick.
    pub trail: Vec<(LevelId, f64, f64)>,
    /// What it decided.
    pub steps: Vec<Step>,
    /// What was done and seen, and when.
    pub story: Vec<(Micros, String)>,
    /// For each time that it had to brake: how long that took, and how long it might have taken.
    pub stops: Vec<(Micros, Micros)>,
}

/// The fleet's side: what was ordered and what is known.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each changes on its own")]
pub(super) struct Desk {
    epoch: u32,
    /// The lane of the course at which each epoch began, and the one up to which it was released.
    epochs: Vec<(u32, usize, usize)>,
    /// Whether the last epoch has ended.
    is_over: bool,
    /// The robot's boot, by its last report.
    boot: u32,
    generation: u32,
    /// The last stop that was started after.
    started: u32,
    pub(super) stopped_at: Option<Micros>,
    stop: Option<StopOrder>,
    reset: Option<ResetOrder>,
    pub(super) held_at: Option<Micros>,
    pub(super) ordered: Vec<Perform>,
    withdrawn: bool,
    beats: u32,
    silent_until: Micros,
    on: Vec<(u8, Micros)>,
    out_of_order_until: Option<Micros>,
    pub(super) pose_is_odd: bool,
    pub(super) is_down: bool,
}

impl Desk {
    /// How many lanes of the course the robot may be on.
    pub(super) fn reach(&self) -> usize {
        self.epochs.iter().map(|(.., to)| *to).max().unwrap_or(0)
    }

    fn now(&self) -> Option<&(u32, usize, usize)> {
        self.epochs.last().filter(|_| !self.is_over)
    }

    /// How many lanes an epoch has; `None` for one that never was.
    pub(super) fn lanes_of(&self, epoch: Epoch) -> Option<u32> {
        let (_, from, to) = self.epochs.iter().find(|(number, ..)| *number == epoch.0)?;
        u32::try_from(to - from).ok()
    }

    pub(super) fn origin_of(&self, epoch: Epoch) -> Option<usize> {
        self.epochs.iter().find(|(number, ..)| *number == epoch.0).map(|(_, from, _)| *from)
    }

    /// Whether the robot may say that it has failed, now or a moment ago.
    pub(super) fn is_out_of_order(&self, now: Micros) -> bool {
        self.out_of_order_until.is_some_and(|until| now <= until)
    }

    pub(super) const fn stop_generation(&self) -> u32 {
        self.generation
    }
}

/// Plays a case, and looks on until a promise is broken or the case is over.
///
/// At its end everything is right again, the robot is reset and has lanes before it: then it has to drive.
pub fn rehearse(
    driver: &mut dyn DriverUnderTest,
    course: &Course,
    limits: &Limits,
    case: &Case,
) -> Rehearsed {
    let mut run = Run::new(driver, course, limits, case.seed);
    let breach = run.play(case).err().or_else(|| run.replay().err());
    let Run { unsupported, trail, steps, mut story, judge, .. } = run;
    if let Some(Breach { promise, at, what }) = &breach {
        story.push((*at, format!("{promise}: {what}")));
    }
    Rehearsed { breach, unsupported, trail, steps, story, stops: judge.stops }
}

struct Run<'a> {
    driver: &'a mut dyn DriverUnderTest,
    course: &'a Course,
    judge: Judge<'a>,
    desk: Desk,
    now: Micros,
    /// How many lanes can be released: without a lift in the rig those before the first.
    lanes: usize,
    /// How the building stood last.
    building: Observed,
    last: Option<ToAgent>,
    unsupported: Vec<String>,
    trail: Vec<(LevelId, f64, f64)>,
    steps: Vec<Step>,
    story: Vec<(Micros, String)>,
}

impl<'a> Run<'a> {
    fn new(driver: &'a mut dyn DriverUnderTest, course: &'a Course, limits: &'a Limits, seed: u64) -> Self {
        driver.reset(seed);
        let mut run = Self {
            driver,
            course,
            judge: Judge::new(course, limits),
            desk: Desk { epoch: FIRST_EPOCH - 1, is_over: true, ..Desk::default() },
            now: Micros::ZERO,
            lanes: course.lanes.len(),
            building: Observed::default(),
            last: None,
            unsupported: Vec::new(),
            trail: Vec::new(),
            steps: Vec::new(),
            story: Vec::new(),
        };
        run.judge.demand(Ground::NoRelease, Micros::ZERO, Micros::ZERO);
        let seen = run.driver.observe();
        if seen.lifts.is_empty() {
            run.lanes = course.before_lifts();
        }
        run.building = seen;
        run
    }

    fn play(&mut self, case: &Case) -> Result<(), Breach> {
        for Act { deed, then } in &case.acts {
            self.story.push((self.now, deed.to_string()));
            self.carry_out(*deed);
            self.wait(*then)?;
        }
        self.finish()
    }

    /// Everything is right again: whoever is reset and has lanes before it has to drive.
    fn finish(&mut self) -> Result<(), Breach> {
        let longest = self.desk.on.iter().map(|(_, until)| *until).max().unwrap_or(self.now);
        self.wait(longest.max(self.desk.silent_until).saturating_sub(self.now).saturating_add(CALM))?;
        for deed in [Deed::Stop, Deed::Acknowledge, Deed::Start, Deed::Release(u8::MAX)] {
            self.story.push((self.now, deed.to_string()));
            self.carry_out(deed);
            self.wait(Micros::from_secs(1))?;
        }
        let Some((level, x_m, y_m)) = self.judge.place().filter(|_| 0 < self.lanes) else {
            self.unsupported.push("a way without a lift".to_owned());
            return Ok(());
        };
        let at = Point2::new(x_m, y_m);
        let goal = self.lanes.saturating_sub(1);
        let deadline = self.now.saturating_add(DRIVES_WITHIN);
        while self.now < deadline {
            let drives = self.judge.place().is_some_and(|(now_level, x_m, y_m)| {
                let gone_m = nalgebra::distance(&at, &Point2::new(x_m, y_m));
                now_level != level
                    || DRIVES_M < gone_m
                    || self.course.is_at_end(goal, now_level, at, DRIVES_M)
            });
            if drives {
                return Ok(());
            }
            self.wait(LOOK)?;
        }
        let why = self.steps.last().map_or_else(String::new, |step| {
            format!(", its last decision is by {}", step.record.decision.primary)
        });
        let what = format!("it stands at ({x_m:.2}, {y_m:.2}){why}");
        Err(Breach { promise: "DRV-05", at: self.now, what })
    }

    /// EXP-05: what each boot has recorded comes out the same again.
    fn replay(&self) -> Result<(), Breach> {
        for boot in self.steps.chunk_by(|a, b| a.record.boot == b.record.boot) {
            Incident::of(boot.iter().cloned()).replay().map_err(|error| Breach {
                promise: "EXP-05",
                at: self.now,
                what: if let ReplayError::Divergence { seq, was, is } = error {
                    format!("decision {seq} was {:?} and is {:?} now", was.primary, is.primary)
                } else {
                    error.to_string()
                },
            })?;
        }
        Ok(())
    }

    fn wait(&mut self, span: Micros) -> Result<(), Breach> {
        let until = self.now.saturating_add(span);
        while self.now < until {
            self.repeat();
            self.serve();
            self.driver.tick(LOOK);
            self.now = self.now.saturating_add(LOOK);
            let mut seen = self.driver.observe();
            // What a driver on a clock of its own has done before the first look.
            seen.said.splice(0..0, std::mem::take(&mut self.building.said));
            seen.steps.splice(0..0, std::mem::take(&mut self.building.steps));
            self.trail.push((seen.level, seen.x_m, seen.y_m));
            self.steps.extend(seen.steps.iter().cloned());
            let judged = self.judge.look(self.now, &self.desk, &seen);
            self.hear(&seen);
            self.building = Observed { said: Vec::new(), steps: Vec::new(), ..seen };
            judged?;
            self.end_conditions();
        }
        Ok(())
    }

    /// What the fleet learns.
    fn hear(&mut self, seen: &Observed) {
        for message in &seen.said {
            if let ToFleet::StoppableAt { epoch, lanes } = message
                && self.desk.held_at.is_some()
                && epoch.0 == self.desk.epoch
            {
                self.desk.held_at = None;
                self.desk.is_over = true;
                if let Some((_, from, to)) = self.desk.epochs.last_mut() {
                    *to = (*to).min(*from + usize::try_from(*lanes).unwrap_or(usize::MAX));
                }
            }
            if let ToFleet::Report(report) = message {
                self.desk.boot = report.boot;
                if report.stop_ack.0 == self.desk.generation {
                    self.desk.stop = None;
                }
                if report.reset_ack.is_some() && report.reset_ack == self.desk.reset {
                    self.desk.reset = None;
                }
            }
        }
    }

    /// The robot has latched itself: it stands until somebody resets it.
    fn note_latch(&mut self) {
        if self.judge.has_latched() {
            self.judge.demand(Ground::Stopped, self.now, Micros::ZERO);
        }
    }

    fn end_conditions(&mut self) {
        self.note_latch();
        let now = self.now;
        let (over, on): (Vec<_>, Vec<_>) = self.desk.on.iter().partition(|(_, until)| *until <= now);
        self.desk.on = on;
        for (place, _) in over {
            let condition = Condition::at(place);
            if self.desk.on.iter().any(|(other, _)| *other == place) {
                continue;
            }
            self.judge.lift(Ground::Condition(place));
            if condition.restarts() {
                self.desk.is_down = false;
                if self.desk.now().is_some() {
                    self.judge.lift(Ground::NoRelease);
                }
            }
        }
        self.desk.pose_is_odd = self.desk.on.iter().any(|(place, _)| Condition::at(*place).moves_pose());
    }

    /// Doors are held open, and the lift comes to the robot, or takes it on.
    fn serve(&mut self) {
        let site = &self.course.site;
        for (door, _) in self.building.doors.clone() {
            self.driver.inject(Injection::Building(PeripheralCommand::Door { door, open: true }));
        }
        for (lift, ..) in self.building.lifts.clone() {
            let Some((level, x_m, y_m)) = self.judge.place() else { continue };
            let Some(cabin) = site.lift(lift) else { continue };
            let inside = (x_m - cabin.at.x).abs() < 0.3 && (y_m - cabin.at.y).abs() < 0.3;
            let end = self.course.lanes.last().and_then(|lane| site.lane(*lane)).map(|lane| lane.to);
            let goal = end.and_then(|end| site.waypoint(end)).map_or(level, |end| end.level);
            // It takes nobody further than the release.
            let released = self.course.distance_m(goal, cabin.at, self.desk.reach()).is_finite();
            let level = if inside && released { goal } else { level };
            self.driver.inject(Injection::Building(PeripheralCommand::CallLift { lift, level }));
        }
    }

    /// Twice a second: what the robot has to know, until it does.
    fn repeat(&mut self) {
        if self.now < self.desk.silent_until || !self.now.as_micros().is_multiple_of(REPEAT.as_micros()) {
            return;
        }
        if self.desk.now().is_some() {
            let release = self.release();
            self.driver.command(release);
        }
        let open = self.desk.ordered.last().filter(|order| !self.judge.is_finished(order));
        if let Some(order) = open.filter(|_| !self.desk.withdrawn) {
            self.driver.command(ToAgent::Perform(*order));
        }
        self.desk.beats += 1;
        let open = self.course.open_passages(&self.building);
        let beat = Beat {
            boot: 0,
            seq: self.desk.beats,
            open,
            shut: Vec::new(),
            stop: self.desk.stop,
            reset: self.desk.reset,
        };
        self.driver.command(ToAgent::Beat(beat));
    }

    fn release(&self) -> ToAgent {
        let (number, from, to) = self.desk.epochs.last().copied().unwrap_or((self.desk.epoch, 0, 0));
        ToAgent::Release(Release {
            boot: self.desk.boot,
            epoch: Epoch(number),
            origin: self.course.origin(from),
            first: 0,
            lanes: self.course.lanes.get(from..to).unwrap_or_default().to_vec(),
            site: self.course.site.version(),
        })
    }

    fn send(&mut self, message: ToAgent) {
        self.last = Some(message.clone());
        self.driver.command(message);
    }

    fn carry_out(&mut self, deed: Deed) {
        match deed {
            Deed::Release(more) => {
                if self.desk.is_over {
                    let from = self.judge.driven().min(self.lanes);
                    self.desk.epoch += 1;
                    self.desk.epochs.push((self.desk.epoch, from, from));
                    self.desk.is_over = false;
                }
                if let Some((.., to)) = self.desk.epochs.last_mut() {
                    *to = to.saturating_add(usize::from(more)).min(self.lanes);
                }
                if !self.desk.is_down {
                    self.judge.lift(Ground::NoRelease);
                }
                let release = self.release();
                self.send(release);
            }
            Deed::ReleaseElsewhere => {
                self.release_all(self.desk.boot, self.desk.epoch, SiteVersion([0x5A; 32]));
            }
            Deed::ReleaseOld => {
                let site = self.course.site.version();
                if let Some(boot) = self.desk.boot.checked_sub(1) {
                    self.release_all(boot, self.desk.epoch, site);
                }
                // Only a robot that knows a newer epoch knows that this one is old.
                if self.judge.report().is_some_and(|report| report.epoch.0 == self.desk.epoch) {
                    self.release_all(self.desk.boot, self.desk.epoch - 1, site);
                }
            }
            Deed::Hold => {
                let knows = self.judge.report().is_some_and(|report| report.epoch.0 == self.desk.epoch);
                if self.desk.now().is_some() && knows && !self.desk.is_down {
                    self.desk.held_at = Some(self.now);
                    self.send(ToAgent::Hold(Epoch(self.desk.epoch)));
                }
            }
            Deed::Stop => {
                self.desk.generation += 1;
                let generation = StopGeneration(self.desk.generation);
                let (scope, category) = (StopScope::Agent(self.course.agent), StopCategory::One);
                let order = StopOrder { scope, category, generation };
                (self.desk.stop, self.desk.reset) = (Some(order), None);
                self.desk.stopped_at = (!self.desk.is_down).then_some(self.now);
                self.judge.demand(Ground::Stopped, self.now, Micros::ZERO);
                self.send(ToAgent::Stop(order));
            }
            // What was never stopped is not reset.
            Deed::Acknowledge | Deed::Start if self.desk.generation == 0 => {}
            Deed::Acknowledge => self.reset(self.desk.generation, ResetStep::Acknowledge),
            Deed::Start => {
                // Each stop is over once: who has latched since waits for another.
                if self.desk.started < self.desk.generation {
                    self.desk.started = self.desk.generation;
                    self.judge.lift(Ground::Stopped);
                }
                self.reset(self.desk.generation, ResetStep::Start);
            }
            Deed::ResetOld => {
                if let Some(generation) = self.desk.generation.checked_sub(1) {
                    self.reset(generation, ResetStep::Start);
                }
            }
            Deed::Perform => {
                let step = u32::try_from(self.desk.ordered.len()).unwrap_or(u32::MAX);
                let token = StepToken { task: TaskId(1), award: 1, step };
                let place = self.course.origin(self.desk.reach());
                let order = Perform { token, action: Action::Attend, place, duration: WORK };
                self.desk.ordered.push(order);
                self.desk.withdrawn = false;
                self.send(ToAgent::Perform(order));
            }
            Deed::PerformAgain => {
                if let Some(order) = self.desk.ordered.last().copied() {
                    self.desk.withdrawn = false;
                    self.send(ToAgent::Perform(order));
                }
            }
            Deed::Withdraw => {
                if let Some(order) = self.desk.ordered.last() {
                    self.desk.withdrawn = true;
                    let token = order.token;
                    self.send(ToAgent::Withdraw(token));
                }
            }
            Deed::Silence(span) => self.desk.silent_until = self.now.saturating_add(span),
            Deed::Meet(place, span) => self.meet(place, span),
        }
    }

    fn release_all(&mut self, boot: u32, epoch: u32, site: SiteVersion) {
        let lanes = self.course.lanes.get(..self.lanes).unwrap_or_default().to_vec();
        let release = Release { boot, epoch: Epoch(epoch), origin: self.course.from, first: 0, lanes, site };
        self.send(ToAgent::Release(release));
    }

    fn reset(&mut self, generation: u32, step: ResetStep) {
        let order = ResetOrder { generation: StopGeneration(generation), actor: ActorId(1), step };
        if generation == self.desk.generation {
            self.desk.reset = Some(order);
        }
        self.send(ToAgent::Reset(order));
    }

    fn meet(&mut self, place: u8, span: Micros) {
        let place = place % u8::try_from(Condition::ALL.len()).unwrap_or(u8::MAX);
        let condition = Condition::at(place);
        if self.desk.on.iter().any(|(other, _)| Condition::at(*other).hides(condition)) {
            return;
        }
        let injection = Injection::Fault { kind: condition.kind, duration: Some(span) };
        if self.driver.inject(injection) == Support::Unsupported {
            self.unsupported.push(condition.name.to_owned());
            return;
        }
        let until = self.now.saturating_add(span);
        self.desk.on.push((place, until));
        self.desk.pose_is_odd |= condition.moves_pose();
        if condition.fails() {
            let after = until.saturating_add(Micros::from_secs(1));
            self.desk.out_of_order_until = self.desk.out_of_order_until.max(Some(after));
        }
        if let Some(within) = condition.forbids {
            self.judge.demand(Ground::Condition(place), self.now, within);
        }
        if condition.restarts() {
            self.desk.is_down = true;
            (self.desk.is_over, self.desk.held_at, self.desk.stopped_at) = (true, None, None);
            self.judge.restarts();
            self.judge.demand(Ground::NoRelease, self.now, Micros::ZERO);
        }
    }
}
