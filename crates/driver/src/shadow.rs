//! Shadow runs: what the interlock would have said to a robot that drives without it.
//!
//! A shadow is fed with what a robot perceived and was commanded, from a recording or beside a controller that is in use.
//! It issues no permits. From it come the figures of commissioning: how often each rule would have stopped the robot, how
//! often without need, and what other thresholds would cost.
//!
//! The robot is taken to have obeyed: after a stop it counts as standing until the interlock lets it go, and a latch is
//! reset at once. There is no map in a recording, so no return is a known wall, and packs are not asked.
//!
//! A stop was *needless* when the robot went on in the recording for at least the way that stopping would have taken, and
//! within [`LOOK_AHEAD`] nothing came as near to its path as the stop margin. It is a judgement with hindsight and about
//! what the sensors saw: it says nothing about what they missed.

use std::collections::BTreeMap;

use sheepdog_core::{
    ActorId, Confidence, Epoch, Micros, Mm, MmPerS, RobotTime, RuleId, SiteVersion, StopGeneration,
};
use sheepdog_interlock::{
    Config, ConfigError, Decision, Input, Interlock, MradPerS, Odometry, Reading, ReleaseLimit, Request,
    Reset, ResetStep, Restart, SelfTest, SensorReading, State, Twist, ValidConfig, Verdict,
    beams::{Surroundings, Sweep},
};

use crate::{
    Beam, SECTORS,
    perception::{self, Scratch, to_i32, to_u32},
};

/// How far into the recording it is looked whether a stop was needed.
pub const LOOK_AHEAD: Micros = Micros::from_secs(3);

const SITE: SiteVersion = SiteVersion([0; 32]);

/// The robot of a shadow run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShadowRobot {
    /// Settings of the interlock. Required packs are not asked.
    pub config: Config,
    /// Radius of the footprint.
    pub radius: Mm,
    /// A range from which on a beam has met nothing, metres.
    pub sight_m: f64,
    /// The widest angle between neighbouring beams that is no gap, radians.
    pub beam_gap_rad: f64,
}

/// What a robot perceived and was commanded at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The robot's clock.
    pub at: RobotTime,
    /// Running number of the scan.
    pub frame: u64,
    /// Commanded speed, metres per second.
    pub linear_mps: f64,
    /// Commanded yaw rate, radians per second.
    pub angular_rps: f64,
    /// Measured speed, metres per second.
    pub speed_mps: f64,
    /// Measured yaw rate, radians per second.
    pub yaw_rate_rps: f64,
    /// The scan.
    pub beams: Vec<Beam>,
}

/// An interlock that runs beside a robot and moves nothing.
#[derive(Debug)]
pub struct Shadow {
    robot: ShadowRobot,
    interlock: Interlock<1, SECTORS>,
    scratch: Scratch,
    last: Option<(RobotTime, Decision)>,
    /// Way and angle of the robot that obeys, so far.
    travelled_mm: f64,
    turned_mrad: f64,
    reset: Option<ResetStep>,
}

/// What the shadow says to one sample.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// The decision.
    pub decision: Decision,
    /// Whether a robot that was moving, or allowed to, is stopped by it.
    pub is_stop: bool,
    /// Free travel along the commanded arc.
    pub free_travel: Mm,
}

impl Shadow {
    /// A shadow of a robot.
    ///
    /// # Errors
    /// [`ConfigError`] when the settings do not make sense together.
    pub fn new(robot: ShadowRobot) -> Result<Self, ConfigError> {
        let config: ValidConfig = Config { packs_required: 0, ..robot.config }.validate()?;
        Ok(Self {
            robot,
            interlock: Interlock::new(config, config.digest(), Restart::First),
            scratch: Scratch::default(),
            last: None,
            travelled_mm: 0.0,
            turned_mrad: 0.0,
            reset: None,
        })
    }

    /// Takes in one sample. O(beams log beams).
    pub fn step(&mut self, sample: &Sample) -> Said {
        let twist = perception::twist(sample.linear_mps, sample.angular_rps);
        let seen = self.seen(sample, twist);
        let odometry = self.obey(sample);
        let input = Input {
            request: Request {
                twist,
                sectors: perception::swept(&self.robot.config, twist),
                issued: sample.at,
            },
            sensors: [Some(SensorReading {
                taken: sample.at,
                seq: sample.frame,
                digest: seen.digest,
                healthy: true,
                invalid: seen.invalid,
                residual: None,
                sectors: seen.sectors,
            })],
            free_travel: Some(Reading { taken: sample.at, value: seen.free_travel }),
            side_clearance: Some(seen.side_clearance),
            odometry: Some(Reading { taken: sample.at, value: odometry }),
            release: Some(ReleaseLimit { epoch: Epoch(0), remaining: Mm::MAX, taken: sample.at, site: SITE }),
            beat: Some(sample.at),
            self_test: SelfTest::Passed,
            emergency_button: Some(false),
            bumper: Some(false),
            reset: self.reset.take().map(|step| Reset {
                generation: StopGeneration(0),
                step,
                actor: ActorId(0),
            }),
            ..Input::unknown(sample.at, SITE)
        };
        let before = self.interlock.state();
        let decision = self.interlock.step(&input);
        self.reset = match self.interlock.state() {
            State::Latched { .. } => Some(ResetStep::Acknowledge),
            State::Acknowledged { .. } => Some(ResetStep::Start),
            State::Boot | State::Stopped { .. } | State::Slow | State::Ready | State::Stopping { .. } => None,
        };
        self.last = Some((sample.at, decision));
        let was_armed = matches!(before, State::Slow | State::Ready);
        let is_stop = was_armed && matches!(decision.verdict, Verdict::Stop { .. });
        Said { decision, is_stop, free_travel: seen.free_travel }
    }

    fn seen(&mut self, sample: &Sample, twist: Twist) -> Surroundings<SECTORS> {
        let speed = MmPerS(twist.linear_mm_per_s.unsigned_abs());
        let reach = perception::braking_distance(&self.robot.config, speed);
        let half_gap = perception::half_spacing(self.robot.beam_gap_rad);
        let sweep = Sweep { twist, radius: self.robot.radius, reach, wall_credit: Mm::ZERO, half_gap };
        perception::surroundings(&sample.beams, self.robot.sight_m, sweep, |_| false, &mut self.scratch)
    }

    /// The motion of a robot that does what it is told: it stands after a stop, and is never faster than permitted.
    fn obey(&mut self, sample: &Sample) -> Odometry {
        let (span, granted) = self.last.map_or((Micros::ZERO, Twist::ZERO), |(at, decision)| {
            (sample.at.since(at).unwrap_or(Micros::ZERO), decision.twist)
        });
        let at_most =
            |measured: f64, granted: i32| (measured.abs() * 1e3).min(f64::from(granted.unsigned_abs()));
        let speed = at_most(sample.speed_mps, granted.linear_mm_per_s);
        let yaw_rate = at_most(sample.yaw_rate_rps, granted.angular_mrad_per_s);
        self.travelled_mm += speed * span.as_secs_f64();
        self.turned_mrad += yaw_rate * span.as_secs_f64();
        Odometry {
            speed: MmPerS(to_u32(speed)),
            yaw_rate: MradPerS(to_i32(yaw_rate)),
            travelled: Mm(to_u32(self.travelled_mm)),
            turned_mrad: to_u32(self.turned_mrad),
        }
    }
}

/// What came out of a shadow run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShadowReport {
    /// Samples taken in.
    pub samples: usize,
    /// Time in which the robot was commanded to move.
    pub driven: Micros,
    /// Of it, how long it would not have been permitted to.
    pub stopped: Micros,
    /// Stops by the rule that decided.
    pub stops: BTreeMap<RuleId, Tally>,
}

/// Stops of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub all: u32,
    /// Those without need.
    pub needless: u32,
}

impl ShadowReport {
    /// Stops of all rules.
    pub fn total(&self) -> Tally {
        self.stops.values().fold(Tally::default(), |sum, tally| Tally {
            all: sum.all.saturating_add(tally.all),
            needless: sum.needless.saturating_add(tally.needless),
        })
    }

    /// A count per hour of driving; zero when nothing was driven.
    pub fn per_hour(&self, count: u32) -> f64 {
        let hours = self.driven.as_secs_f64() / 3_600.0;
        if 0.0 < hours { f64::from(count) / hours } else { 0.0 }
    }

    /// The share of the driven time in which the robot would have stood, `0.0..=1.0`.
    pub fn stopped_share(&self) -> f64 {
        let driven = self.driven.as_secs_f64();
        if 0.0 < driven { self.stopped.as_secs_f64() / driven } else { 0.0 }
    }
}

/// Runs a shadow over a recording.
///
/// # Errors
/// [`ConfigError`] when the settings do not make sense together.
pub fn run(robot: ShadowRobot, samples: &[Sample]) -> Result<ShadowReport, ConfigError> {
    let mut shadow = Shadow::new(robot)?;
    let said: Vec<Said> = samples.iter().map(|sample| shadow.step(sample)).collect();
    let mut report = ShadowReport { samples: samples.len(), ..ShadowReport::default() };
    for (index, (sample, step)) in samples.iter().zip(&said).enumerate() {
        let next = samples.get(index + 1).and_then(|next| next.at.since(sample.at));
        let span = next.unwrap_or(Micros::ZERO).min(robot.config.clock_jump_max);
        if !perception::twist(sample.linear_mps, sample.angular_rps).is_zero() {
            report.driven = report.driven.saturating_add(span);
            if step.decision.verdict != Verdict::Move {
                report.stopped = report.stopped.saturating_add(span);
            }
        }
        if step.is_stop {
            let ahead = samples.iter().zip(&said).skip(index);
            let tally = report.stops.entry(step.decision.evidence.rule).or_default();
            tally.all = tally.all.saturating_add(1);
            tally.needless = tally.needless.saturating_add(is_needless(&robot, sample, ahead).into());
        }
    }
    Ok(report)
}

/// Whether the robot went on from a stop for long enough without anything near its path.
fn is_needless<'a>(
    robot: &ShadowRobot,
    stop: &Sample,
    ahead: impl Iterator<Item = (&'a Sample, &'a Said)>,
) -> bool {
    let speed = MmPerS(to_u32(libm::ceil(stop.speed_mps.abs() * 1e3)));
    let needed_m = f64::from(perception::braking_distance(&robot.config, speed).0) / 1e3;
    let (mut gone_m, mut last) = (0.0, stop.at);
    for (sample, said) in ahead {
        if sample.at.since(stop.at).is_none_or(|after| LOOK_AHEAD < after) {
            break;
        }
        gone_m += sample.speed_mps.abs() * sample.at.since(last).unwrap_or(Micros::ZERO).as_secs_f64();
        last = sample.at;
        if sample.linear_mps.abs() > 0.0 && said.free_travel <= robot.config.stop_margin {
            return false;
        }
    }
    needed_m <= gone_m
}

/// Runs a shadow for each of some stop thresholds; the other bands move up with the threshold where they must.
///
/// # Errors
/// [`ConfigError`] when the settings do not make sense together, as with a threshold below 92.5 %.
pub fn sweep(
    robot: ShadowRobot,
    samples: &[Sample],
    thresholds: &[Confidence],
) -> Result<Vec<(Confidence, ShadowReport)>, ConfigError> {
    let with = |&threshold: &Confidence| {
        let config = Config {
            confidence_stop: threshold,
            confidence_slow: robot.config.confidence_slow.max(threshold),
            confidence_rearm: robot.config.confidence_rearm.max(threshold),
            ..robot.config
        };
        Ok((threshold, run(ShadowRobot { config, ..robot }, samples)?))
    };
    thresholds.iter().map(with).collect()
}

/// Why a recording cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file is empty.
    #[error("the recording is empty: its first line names the columns")]
    Empty,
    /// A column is missing.
    #[error("line 1: there is no column {0:?}")]
    Missing(&'static str),
    /// A column means nothing, or is there twice.
    #[error("line 1, column {column}: {name:?} {reason}")]
    Column {
        /// Its place, from 1.
        column: usize,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A line has another number of fields than the first.
    #[error("line {line}: {found} fields, the first line names {expected}")]
    Fields {
        /// The line, from 1.
        line: usize,
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A value is not what its column says.
    #[error("line {line}, {column}: {value:?} {reason}")]
    Value {
        /// The line, from 1.
        line: usize,
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Time,
    Frame,
    Linear,
    Angular,
    Speed,
    YawRate,
    /// Range of the beam at an angle.
    Range(f64),
    /// Confidence of the beam at an angle.
    ConfidenceAt(f64),
    /// Confidence of all beams.
    Confidence,
}

const NEEDED: [(&str, Column); 5] = [
    ("time_s", Column::Time),
    ("linear_mps", Column::Linear),
    ("angular_rps", Column::Angular),
    ("speed_mps", Column::Speed),
    ("yaw_rate_rps", Column::YawRate),
];

/// Reads a recording: comma-separated values whose first line names the columns, in any order.
///
/// | column | what |
/// |---|---|
/// | `time_s` | the robot's clock, seconds, never going back |
/// | `linear_mps`, `angular_rps` | the command |
/// | `speed_mps`, `yaw_rate_rps` | measured |
/// | `range@A` | range of the beam at `A` degrees, counter-clockwise from ahead, metres; empty or `nan`: blind |
/// | `confidence@A`, or one `confidence` | of the beam, or of all, as a fraction `0..=1` |
/// | `frame` | running number of the scan; the line's if there is no such column |
///
/// ```
/// # use sheepdog_driver::shadow::read_csv;
/// let csv = "time_s,linear_mps,angular_rps,speed_mps,yaw_rate_rps,confidence,range@0,range@90\n\
///            0.00,0.5,0,0.5,0,0.99,4.2,1.0\n";
/// assert_eq!(read_csv(csv).unwrap()[0].beams.len(), 2);
/// let wrong = read_csv("time_s,linear_mps\n").unwrap_err();
/// assert_eq!(wrong.to_string(), "line 1: there is no column \"angular_rps\"");
/// ```
///
/// # Errors
/// [`RecordingError`] naming line, column and value.
pub fn read_csv(text: &str) -> Result<Vec<Sample>, RecordingError> {
    let mut lines = text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty());
    let (header, _) = lines.next().ok_or(RecordingError::Empty)?;
    let columns = columns(header)?;
    let mut samples: Vec<Sample> = Vec::new();
    for (text, line) in lines {
        let sample = sample(&columns, text, line)?;
        if samples.last().is_some_and(|last| sample.at < last.at) {
            let value = text.split(',').nth(place(&columns, Column::Time)).unwrap_or_default().to_owned();
            let reason = "is earlier than the line before";
            return Err(RecordingError::Value { line, column: "time_s".to_owned(), value, reason });
        }
        samples.push(sample);
    }
    Ok(samples)
}

fn place(columns: &[Column], wanted: Column) -> usize {
    columns.iter().position(|column| *column == wanted).unwrap_or(0)
}

fn columns(header: &str) -> Result<Vec<Column>, RecordingError> {
    let mut columns = Vec::new();
    for (name, place) in header.split(',').map(str::trim).zip(1_usize..) {
        let wrong = |reason| RecordingError::Column { column: place, name: name.to_owned(), reason };
        let angle = |degrees: &str| {
            let degrees = degrees.parse::<f64>().ok().filter(|degrees| degrees.is_finite());
            degrees.map(f64::to_radians).ok_or_else(|| wrong("needs an angle in degrees behind the @"))
        };
        let needed = NEEDED.iter().find(|(needed, _)| *needed == name).map(|(_, column)| *column);
        let column = match (needed, name.split_once('@')) {
            (Some(column), _) => column,
            (None, Some(("range", degrees))) => Column::Range(angle(degrees)?),
            (None, Some(("confidence", degrees))) => Column::ConfidenceAt(angle(degrees)?),
            (None, None) if name == "frame" => Column::Frame,
            (None, None) if name == "confidence" => Column::Confidence,
            (None, _) => return Err(wrong("is no column of a recording")),
        };
        if columns.contains(&column) {
            return Err(wrong("is there twice"));
        }
        columns.push(column);
    }
    if let Some((name, _)) = NEEDED.iter().find(|(_, column)| !columns.contains(column)) {
        return Err(RecordingError::Missing(name));
    }
    if !columns.iter().any(|column| matches!(column, Column::Range(_))) {
        return Err(RecordingError::Missing("range@0"));
    }
    if !columns.iter().any(|column| matches!(column, Column::Confidence | Column::ConfidenceAt(_))) {
        return Err(RecordingError::Missing("confidence"));
    }
    Ok(columns)
}

fn sample(columns: &[Column], text: &str, line: usize) -> Result<Sample, RecordingError> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    if fields.len() != columns.len() {
        return Err(RecordingError::Fields { line, found: fields.len(), expected: columns.len() });
    }
    let mut sample = Sample {
        at: RobotTime::ZERO,
        frame: line as u64,
        linear_mps: 0.0,
        angular_rps: 0.0,
        speed_mps: 0.0,
        yaw_rate_rps: 0.0,
        beams: Vec::new(),
    };
    let mut common = None;
    let mut by_angle: Vec<(f64, Confidence)> = Vec::new();
    for (field, column) in fields.iter().zip(columns) {
        let value = Field { text: field, column: *column, line };
        match column {
            Column::Time => sample.at = RobotTime::from_micros(value.micros()?),
            Column::Frame => sample.frame = value.whole()?,
            Column::Linear => sample.linear_mps = value.number()?,
            Column::Angular => sample.angular_rps = value.number()?,
            Column::Speed => sample.speed_mps = value.number()?,
            Column::YawRate => sample.yaw_rate_rps = value.number()?,
            Column::Range(angle_rad) => {
                let range_m = value.range()?;
                sample.beams.push(Beam { angle_rad: *angle_rad, range_m, confidence: Confidence::NONE });
            }
            Column::ConfidenceAt(angle_rad) => by_angle.push((*angle_rad, value.confidence()?)),
            Column::Confidence => common = Some(value.confidence()?),
        }
    }
    for beam in &mut sample.beams {
        let own = by_angle.iter().find(|(angle_rad, _)| angle_rad.to_bits() == beam.angle_rad.to_bits());
        beam.confidence = own.map(|(_, own)| *own).or(common).unwrap_or(Confidence::NONE);
    }
    Ok(sample)
}

/// One field of a line.
struct Field<'a> {
    text: &'a str,
    column: Column,
    line: usize,
}

impl Field<'_> {
    fn wrong(&self, reason: &'static str) -> RecordingError {
        let column = match self.column {
            Column::Frame => "frame".to_owned(),
            Column::Confidence => "confidence".to_owned(),
            Column::Range(angle_rad) => format!("range@{}", angle_rad.to_degrees()),
            Column::ConfidenceAt(angle_rad) => format!("confidence@{}", angle_rad.to_degrees()),
            Column::Time | Column::Linear | Column::Angular | Column::Speed | Column::YawRate => {
                let named = NEEDED.iter().find(|(_, column)| *column == self.column);
                named.map_or_else(String::new, |(name, _)| (*name).to_owned())
            }
        };
        RecordingError::Value { line: self.line, column, value: self.text.to_owned(), reason }
    }

    fn number(&self) -> Result<f64, RecordingError> {
        let number = self.text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.wrong("is no finite number"))
    }

    fn whole(&self) -> Result<u64, RecordingError> {
        self.text.parse().map_err(|_| self.wrong("is no whole number"))
    }

    fn micros(&self) -> Result<u64, RecordingError> {
        let seconds = self.number()?;
        if !(0.0..=1e12).contains(&seconds) {
            return Err(self.wrong("is no time in 0..=1e12 seconds"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        Ok(libm::round(seconds * 1e6) as u64)
    }

    /// A blind beam stays one; it is the interlock's matter what follows from it.
    fn range(&self) -> Result<f64, RecordingError> {
        if self.text.is_empty() {
            Ok(f64::NAN)
        } else {
            self.text.parse().map_err(|_| self.wrong("is no number"))
        }
    }

    fn confidence(&self) -> Result<Confidence, RecordingError> {
        Confidence::from_fraction(self.number()?).map_err(|_| self.wrong("is no fraction in 0..=1"))
    }
}
