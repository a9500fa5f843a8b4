//! Broken drivers, one for each way in which a driver can lie. A kit that lets one of them pass is worth nothing.
//!
//! A [`Broken`] driver is a sound one behind somebody who changes what it is told, what it does and what it says.
#![expect(clippy::wildcard_enum_match_arm, reason = "each place tells the lies of its own")]

use std::collections::VecDeque;

use sheepdog_core::{
    ActorId, Confidence, Epoch, Micros, Mm, RobotTime, StopGeneration, TaskId,
    wire::{Motion, Release, Report, ResetOrder, ResetStep, StepToken, StopOrder, ToAgent, ToFleet},
};
use sheepdog_driver::Step;
use sheepdog_interlock::{State, Verdict, rules};
use sheepdog_sim::FaultKind;

use super::{Course, DriverUnderTest, Injection, Observed, Support};

macro_rules! lies {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        /// What a broken driver does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Lie {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Lie {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What is wrong, in a few words.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+),)*
                }
            }
        }
    };
}

lies! {
    /// It keeps its last command for two seconds when it may not move any more.
    KeepsLastCommand;
    /// It creeps before anything is released.
    CreepsWithoutRelease;
    /// It drives a fifth faster than it says.
    Overspeeds;
    /// It is somewhere else all of a sudden.
    Jumps;
    /// It drifts to the side while it drives.
    Drifts;
    /// It brakes half as hard as declared.
    BrakesWeakly;
    /// It starts at full speed.
    StartsHard;
    /// It drives on where its release ends.
    IgnoresReleaseEnd;
    /// It does not hear stops.
    IgnoresStops;
    /// It hears stops a second and a half late.
    StopsLate;
    /// It acknowledges a stop at once and carries it out later.
    AcknowledgesBeforeActing;
    /// It resets itself.
    ResetsItself;
    /// It starts when a stop is only acknowledged.
    StartsOnAcknowledge;
    /// It takes the reset of an old stop for that of the last.
    TakesOldResets;
    /// It takes releases of other sites.
    TakesForeignReleases;
    /// It takes releases of epochs that are over.
    TakesOldReleases;
    /// It does not answer holds.
    IgnoresHolds;
    /// It answers a hold and drives on.
    HoldsInWordsOnly;
    /// It never drives.
    NeverDrives;
    /// It goes on with its old release after a restart.
    RemembersReleaseOverRestart;
    /// It does its work again when the order is repeated.
    WorksTwice;
    /// It reports work as finished when it is ordered.
    FinishesAtOnce;
    /// It reports work that nobody has ordered.
    FinishesUnasked;
    /// It sends poses of two seconds ago with fresh stamps.
    SendsStalePoses;
    /// It stamps its reports with a time to come.
    StampsAhead;
    /// It stamps its reports with a time long gone.
    StampsBehind;
    /// It numbers all its reports alike.
    RepeatsNumbers;
    /// It reports nothing more after four seconds.
    FallsSilent;
    /// It sends one report of three.
    ReportsSeldom;
    /// It acknowledges stops that nobody has ordered.
    AcknowledgesEverything;
    /// It never acknowledges a stop.
    NeverAcknowledges;
    /// It does not say that it is latched.
    HidesLatches;
    /// It does not tell its stops.
    HidesStops;
    /// It leaves out numbers of its stops.
    MiscountsStops;
    /// It says that it waits whatever it does.
    SaysThatItWaits;
    /// It says that it drives whatever it does.
    SaysThatItDrives;
    /// It says that it has failed when it is latched.
    SaysThatItHasFailed;
    /// It reports a lane as driven before it has driven it.
    RunsAhead;
    /// It reports lanes that were not released.
    KnowsTooMuch;
    /// It hides that it has restarted.
    HidesRestarts;
    /// It says that it has restarted and has not.
    InventsRestarts;
    /// It reports the wrong level.
    MistakesLevels;
    /// It claims to know its pose exactly.
    ClaimsExactPose;
    /// It does not know its pose as well as declared.
    KnowsItsPoseBadly;
    /// It does not care how sure its perception is.
    IgnoresConfidence;
    /// Its threshold is one part per million too low.
    OffByOne;
    /// It does not see who stands before it.
    IgnoresPeople;
    /// It takes readings of any time.
    IgnoresStamps;
    /// It does not notice that its scanner is frozen.
    IgnoresFrozenScans;
    /// It drives blind.
    IgnoresBlindness;
    /// Its emergency button is not connected.
    IgnoresButton;
    /// It drives outside of its map.
    IgnoresMap;
    /// It moves though nothing can be recorded.
    IgnoresFullLog;
    /// It records its decisions a second late.
    RecordsLate;
    /// It records nine decisions of ten.
    RecordsWithGaps;
    /// It records evidence that does not hold.
    FakesEvidence;
    /// It records a rule that has not fired.
    BlamesAnotherRule;
    /// It gives itself permits of a second.
    StretchesPermits;
    /// It does not record what it has decided on.
    RecordsOtherInputs;
    /// It records another confidence than the one it has decided on.
    RewritesHistory;
}

/// A driver that lies.
#[derive(Debug)]
pub struct Broken<D> {
    inner: D,
    lie: Lie,
    course: Course,
    now: Micros,
    last: Observed,
    /// By how much the body is not where the sound one is, metres.
    off_m: (f64, f64),
    speed_mps: f64,
    /// Messages that are handed over later, and when.
    later: VecDeque<(Micros, ToAgent)>,
    release: Option<Release>,
    generation: StopGeneration,
    ordered: Option<StepToken>,
    finished: Vec<StepToken>,
    works_until: Micros,
    /// What it has said in its reports, for those that repeat it.
    said: VecDeque<(Micros, Report)>,
    steps: VecDeque<(Micros, Step)>,
    count: u32,
    said_waits: Option<(Epoch, u32)>,
    down_until: Option<Micros>,
}

impl<D: DriverUnderTest> Broken<D> {
    /// Makes a sound driver lie.
    pub fn new(inner: D, lie: Lie, course: &Course) -> Self {
        Self {
            inner,
            lie,
            course: course.clone(),
            now: Micros::ZERO,
            last: Observed::default(),
            off_m: (0.0, 0.0),
            speed_mps: 0.0,
            later: VecDeque::new(),
            release: None,
            generation: StopGeneration(0),
            ordered: None,
            finished: Vec::new(),
            works_until: Micros::ZERO,
            said: VecDeque::new(),
            steps: VecDeque::new(),
            count: 0,
            said_waits: None,
            down_until: None,
        }
    }

    fn later(&mut self, millis: u64, message: ToAgent) {
        self.later.push_back((self.now.saturating_add(Micros::from_millis(millis)), message));
    }

    /// What it makes of a message; `None` when it does not hear it.
    fn heard(&mut self, message: ToAgent) -> Option<ToAgent> {
        match message {
            ToAgent::Release(release) => self.heard_release(release),
            ToAgent::Stop(order) => self.heard_stop(order),
            ToAgent::Reset(order) => Some(ToAgent::Reset(self.heard_reset(order))),
            ToAgent::Beat(mut beat) => {
                if matches!(self.lie, Lie::IgnoresStops | Lie::StopsLate | Lie::AcknowledgesBeforeActing) {
                    beat.stop = None;
                }
                beat.reset = beat.reset.map(|order| self.heard_reset(order));
                Some(ToAgent::Beat(beat))
            }
            ToAgent::Hold(epoch) => match self.lie {
                Lie::IgnoresHolds => None,
                Lie::HoldsInWordsOnly => {
                    let done = self.said.back().map_or(0, |(_, report)| report.done);
                    self.said_waits = Some((epoch, done));
                    None
                }
                _ => Some(ToAgent::Hold(epoch)),
            },
            ToAgent::Perform(order) => {
                self.ordered = Some(order.token);
                if self.finished.contains(&order.token) {
                    self.works_until = self.now.saturating_add(Micros::from_secs(2));
                }
                Some(ToAgent::Perform(order))
            }
            ToAgent::Withdraw(_) | ToAgent::Ask(_) | ToAgent::Lamp(_) => Some(message),
        }
    }

    fn heard_release(&mut self, mut release: Release) -> Option<ToAgent> {
        match self.lie {
            Lie::NeverDrives => return None,
            Lie::TakesForeignReleases => release.site = self.course.site.version(),
            Lie::TakesOldReleases => {
                let newest = self.release.as_ref().map(|release| release.epoch);
                release.epoch = newest.map_or(release.epoch, |newest| newest.max(release.epoch));
            }
            Lie::IgnoresReleaseEnd => {
                let lanes = &self.course.lanes;
                let last = release.lanes.last().and_then(|last| lanes.iter().position(|lane| lane == last));
                let rest = last.and_then(|last| lanes.get(last + 1..)).unwrap_or_default();
                release.lanes.extend(rest);
            }
            _ => {}
        }
        self.release = Some(release.clone());
        Some(ToAgent::Release(release))
    }

    fn heard_stop(&mut self, order: StopOrder) -> Option<ToAgent> {
        self.generation = self.generation.max(order.generation);
        match self.lie {
            Lie::IgnoresStops => None,
            Lie::StopsLate | Lie::AcknowledgesBeforeActing => {
                self.later(1_500, ToAgent::Stop(order));
                None
            }
            Lie::ResetsItself => {
                let (generation, actor, step) = (order.generation, ActorId(0), ResetStep::Start);
                self.later(1_500, ToAgent::Reset(ResetOrder { generation, actor, step }));
                Some(ToAgent::Stop(order))
            }
            _ => Some(ToAgent::Stop(order)),
        }
    }

    fn heard_reset(&self, mut order: ResetOrder) -> ResetOrder {
        if self.lie == Lie::StartsOnAcknowledge {
            order.step = ResetStep::Start;
        }
        if self.lie == Lie::TakesOldResets {
            order.generation = self.generation;
        }
        order
    }

    /// Whether it does not notice what happens to it.
    fn ignores(&self, kind: FaultKind) -> bool {
        match self.lie {
            Lie::IgnoresConfidence => matches!(kind, FaultKind::ConfidenceLoss { .. }),
            Lie::IgnoresPeople => matches!(kind, FaultKind::ScanGhost { .. }),
            Lie::IgnoresStamps => {
                matches!(kind, FaultKind::StampAhead { .. } | FaultKind::StampBehind { .. })
            }
            Lie::IgnoresFrozenScans => kind == FaultKind::ScanFrozen,
            Lie::IgnoresBlindness => {
                matches!(kind, FaultKind::ScanLost | FaultKind::ScanNotANumber | FaultKind::ScanOutOfRange)
            }
            Lie::IgnoresButton => kind == FaultKind::EmergencyButton,
            Lie::IgnoresMap => kind == FaultKind::PoseOutside,
            Lie::IgnoresFullLog => kind == FaultKind::LogFull,
            _ => false,
        }
    }

    /// What its body does otherwise.
    fn act(&mut self, seen: &mut Observed, span_s: f64) {
        let sound_mps = seen.speed_mps;
        let (ahead_x, ahead_y) = (libm::cos(seen.yaw_rad), libm::sin(seen.yaw_rad));
        let mut along = |speed_mps: f64| {
            self.off_m.0 += ahead_x * (speed_mps - sound_mps) * span_s;
            self.off_m.1 += ahead_y * (speed_mps - sound_mps) * span_s;
            seen.speed_mps = speed_mps;
        };
        match self.lie {
            Lie::KeepsLastCommand => {
                let stopped = seen.steps.iter().any(|step| step.record.decision.verdict != Verdict::Move);
                let was_mps = self.last.speed_mps;
                if stopped && 0.1 < was_mps && self.works_until <= self.now {
                    self.works_until = self.now.saturating_add(Micros::from_secs(2));
                    self.speed_mps = was_mps;
                }
                if self.now < self.works_until {
                    along(self.speed_mps);
                }
            }
            Lie::CreepsWithoutRelease if self.release.is_none() => along(0.1),
            Lie::Overspeeds => along(sound_mps * 1.2),
            Lie::Jumps if self.now == Micros::from_secs(3) => self.off_m.0 += 0.6,
            Lie::Drifts if sound_mps.abs() > 0.1 => {
                self.off_m.0 -= ahead_y * 0.05 * span_s;
                self.off_m.1 += ahead_x * 0.05 * span_s;
            }
            Lie::BrakesWeakly => along(sound_mps.max(self.last.speed_mps - 0.5 * span_s)),
            Lie::StartsHard if sound_mps > 0.0 => along(1.0),
            _ => {}
        }
        seen.x_m += self.off_m.0;
        seen.y_m += self.off_m.1;
    }

    /// What it makes of a report; `None` when it keeps it to itself.
    fn say(&mut self, mut report: Report) -> Option<Report> {
        self.said.push_back((self.now, report.clone()));
        self.finished.extend(report.performed);
        self.count += 1;
        let shifted = |time: RobotTime, millis: i64| {
            RobotTime::from_micros(time.as_micros().saturating_add_signed(millis * 1_000))
        };
        match self.lie {
            Lie::FallsSilent if Micros::from_secs(4) < self.now => return None,
            Lie::ReportsSeldom if !self.count.is_multiple_of(3) => return None,
            Lie::SendsStalePoses => {
                let then = self.now.saturating_sub(Micros::from_secs(2));
                let old = self.said.iter().rev().find(|(at, _)| *at <= then);
                report.pose = old.or(self.said.front()).map_or(report.pose, |(_, report)| report.pose);
            }
            Lie::StampsAhead => report.taken = shifted(report.taken, 2_000),
            Lie::StampsBehind => report.taken = shifted(report.taken, -2_000),
            Lie::RepeatsNumbers => report.seq = 1,
            Lie::AcknowledgesBeforeActing => report.stop_ack = self.generation,
            Lie::AcknowledgesEverything => report.stop_ack = StopGeneration(u32::MAX),
            Lie::NeverAcknowledges => report.stop_ack = StopGeneration(0),
            Lie::HidesLatches if matches!(report.motion, Motion::Latched(_)) => {
                report.motion = Motion::Waiting;
            }
            Lie::HidesStops => report.stops.clear(),
            Lie::MiscountsStops => {
                for stop in &mut report.stops {
                    stop.seq *= 2;
                }
            }
            Lie::SaysThatItWaits => report.motion = Motion::Waiting,
            Lie::SaysThatItDrives if !matches!(report.motion, Motion::Latched(_)) => {
                report.motion = Motion::Moving;
            }
            Lie::SaysThatItHasFailed if matches!(report.motion, Motion::Latched(_)) => {
                report.motion = Motion::Failed;
            }
            Lie::RunsAhead => report.done = report.known.min(report.done + 1),
            Lie::KnowsTooMuch => report.known += 3,
            Lie::HidesRestarts => (report.boot, report.seq) = (0, self.count),
            Lie::InventsRestarts if Micros::from_secs(3) < self.now => report.boot += 1,
            Lie::MistakesLevels => report.pose.level.0 += 1,
            Lie::ClaimsExactPose => report.pose_error = Mm::ZERO,
            Lie::KnowsItsPoseBadly => report.pose_error = Mm(500),
            Lie::WorksTwice if self.now < self.works_until => report.motion = Motion::Performing,
            Lie::FinishesAtOnce => report.performed = self.ordered,
            Lie::FinishesUnasked if Micros::from_secs(3) < self.now => {
                report.performed = Some(StepToken { task: TaskId(9), award: 1, step: 0 });
            }
            _ => {}
        }
        Some(report)
    }

    /// What it makes of a record.
    fn record(&mut self, mut step: Step) -> Option<Step> {
        self.count += 1;
        let record = &mut step.record;
        let stopped = matches!(record.decision.verdict, Verdict::Stop { .. });
        match self.lie {
            Lie::RecordsWithGaps if self.count.is_multiple_of(10) => return None,
            Lie::FakesEvidence if stopped => record.decision.evidence.rule = rules::MOV_001,
            Lie::BlamesAnotherRule if stopped => record.decision.primary = rules::MOV_001,
            Lie::StretchesPermits => {
                record.until = record.until.map(|until| until + Micros::from_secs(1));
            }
            Lie::RecordsOtherInputs => record.inputs ^= 1,
            Lie::RewritesHistory if record.after == State::Ready => record.decision.lowest = Confidence::FULL,
            _ => {}
        }
        Some(step)
    }
}

impl<D: DriverUnderTest> DriverUnderTest for Broken<D> {
    fn reset(&mut self, seed: u64) {
        self.inner.reset(seed);
        self.now = Micros::ZERO;
        self.last = Observed::default();
        (self.off_m, self.speed_mps) = ((0.0, 0.0), 0.0);
        self.later.clear();
        self.release = None;
        self.generation = StopGeneration(0);
        self.ordered = None;
        self.finished.clear();
        self.works_until = Micros::ZERO;
        self.said.clear();
        self.steps.clear();
        self.count = 0;
        self.said_waits = None;
        self.down_until = None;
    }

    fn tick(&mut self, span: Micros) {
        while let Some((_, message)) = self.later.front().filter(|(at, _)| *at <= self.now).cloned() {
            self.later.pop_front();
            self.inner.command(message);
        }
        if self.down_until.is_some_and(|until| until <= self.now) {
            self.down_until = None;
            if let Some(mut release) = self.release.clone() {
                release.boot += 1;
                self.inner.command(ToAgent::Release(release));
            }
        }
        self.inner.tick(span);
        self.now = self.now.saturating_add(span);
    }

    fn command(&mut self, message: ToAgent) {
        if let Some(message) = self.heard(message) {
            self.inner.command(message);
        }
    }

    fn observe(&mut self) -> Observed {
        let mut seen = self.inner.observe();
        let span = seen.clock.since(self.last.clock).unwrap_or_default().min(Micros::from_millis(200));
        if self.last.clock == RobotTime::ZERO {
            self.last.clock = seen.clock;
        } else {
            self.act(&mut seen, span.as_secs_f64());
        }
        let said = std::mem::take(&mut seen.said);
        for message in said {
            match message {
                ToFleet::Report(report) => seen.said.extend(self.say(report).map(ToFleet::Report)),
                ToFleet::StoppableAt { .. }
                | ToFleet::Answer { .. }
                | ToFleet::Performed(_)
                | ToFleet::Position(_)
                | ToFleet::Lamp(_)
                | ToFleet::Anchor(_) => seen.said.push(message),
            }
        }
        if let Some((epoch, lanes)) = self.said_waits.take() {
            seen.said.push(ToFleet::StoppableAt { epoch, lanes });
        }
        let steps = std::mem::take(&mut seen.steps);
        for step in steps {
            let late = if self.lie == Lie::RecordsLate { Micros::from_secs(1) } else { Micros::ZERO };
            if let Some(step) = self.record(step) {
                self.steps.push_back((self.now.saturating_add(late), step));
            }
        }
        while self.steps.front().is_some_and(|(at, _)| *at <= self.now) {
            seen.steps.extend(self.steps.pop_front().map(|(_, step)| step));
        }
        self.last = Observed { said: Vec::new(), steps: Vec::new(), ..seen.clone() };
        seen
    }

    fn inject(&mut self, injection: Injection) -> Support {
        if let Injection::Fault { kind, duration } = injection {
            if self.ignores(kind) {
                return Support::Supported;
            }
            let just_below = FaultKind::ConfidenceLoss {
                confidence: Confidence::from_ppm(924_999).unwrap_or(Confidence::NONE),
            };
            if self.lie == Lie::OffByOne && kind == just_below {
                let confidence = Confidence::from_ppm(925_000).unwrap_or(Confidence::FULL);
                let kind = FaultKind::ConfidenceLoss { confidence };
                return self.inner.inject(Injection::Fault { kind, duration });
            }
            if self.lie == Lie::RemembersReleaseOverRestart && kind == FaultKind::Crash {
                let after = duration.unwrap_or(Micros::MAX).saturating_add(Micros::from_millis(100));
                self.down_until = Some(self.now.saturating_add(after));
            }
        }
        self.inner.inject(injection)
    }
}
