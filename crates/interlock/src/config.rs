//! Settings of the interlock. Safety values have no default; [`Config::SIMULATED`] describes no real robot.

use core::fmt;

use sheepdog_core::{
    CONFIDENCE_STOP_MIN, Confidence, Micros, Mm, MmPerS, MmPerS2, Mrad, MradPerS, MradPerS2, Ppm,
};

use crate::{beams::CLEARANCE_MAX, sha256::Sha256, stopping_distance, words::Words as _};

/// The longest a permit may live: 100 ms.
pub const PERMIT_TTL_MAX: Micros = Micros::from_millis(100);
/// The oldest a reading may ever be allowed to be: 500 ms.
pub const SAMPLE_AGE_LIMIT: Micros = Micros::from_millis(500);
/// The longest silence of the supervisor, and the oldest command, that may ever be allowed: 1 s.
pub const BEAT_TIMEOUT_LIMIT: Micros = Micros::from_secs(1);
/// The highest speed cap: 5555 mm/s, just below 20 km/h (ISO 13482 covers robots up to it).
pub const SPEED_LIMIT: MmPerS = MmPerS(5_555);
/// The most stops within a window that can be counted (ARM-004).
pub const TRIPS_MAX: usize = 8;

// What a setting may be at most, so that none of them switches its rule off.
const DWELL_LIMIT: Micros = Micros::from_secs(60);
const CLOCK_JUMP_LIMIT: Micros = Micros::from_secs(1);
const STILL_LIMIT: Micros = Micros::from_secs(10);
const CHATTER_LIMIT: Micros = Micros::from_secs(3_600);
const RESET_PRESS_LIMIT: Micros = Micros::from_secs(10);
const DOUBT_LIMIT: Micros = Micros::from_secs(2);
const STOP_TIME_LIMIT: Micros = Micros::from_secs(20);
const FROZEN_LIMIT: u16 = 50;
const DISAGREEMENT_LIMIT: Mm = Mm(1_000);
const DRIFT_LIMIT: Mm = Mm(500);
const STOP_DISTANCE_LIMIT: u32 = 200;
const STANDSTILL_LIMIT: Mm = Mm(200);
const TURN_LIMIT: Mrad = Mrad(785);

/// How the confidences of several sensors in one sector become one. None of them ever averages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fusion {
    /// The best of the usable sensors that look there: any of them alone is enough.
    Redundant,
    /// The `n`-th best, so that `n` usable sensors agree at least on that much.
    Quorum(u8),
    /// The worst of all sensors that look or have looked there, so that every one of them has to be usable: for sensors
    /// that see different things.
    Min,
}

/// What the speed limit assumes of a person in the way (ISO/TS 15066 calls it speed and separation monitoring).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Separation {
    /// The person stands still; only the robot's own speed counts, as with safety scanners on vehicles.
    StandingPerson,
    /// The person comes straight at the robot at this speed until it stands; 1 600 mm/s is usual.
    ApproachingPerson(MmPerS),
}

impl Separation {
    /// How fast the person comes closer.
    pub const fn speed(self) -> MmPerS {
        match self {
            Self::StandingPerson => MmPerS::ZERO,
            Self::ApproachingPerson(speed) => speed,
        }
    }
}

/// Settings of an [`Interlock`](crate::Interlock). Check them with [`Config::validate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Below it nothing moves (OBS-001). At least [`CONFIDENCE_STOP_MIN`].
    pub confidence_stop: Confidence,
    /// Below it the robot is slow (OBS-002).
    pub confidence_slow: Confidence,
    /// What confidence must reach before motion starts again (ARM-003).
    pub confidence_rearm: Confidence,
    /// How much confidence loses for every millisecond begun of a reading's age, ppm.
    pub decay_ppm_per_ms: u32,
    /// How sensors that look into one sector are combined (OBS-007).
    pub fusion: Fusion,
    /// How long all inputs must be good before motion starts again (ARM-001).
    pub dwell: Micros,
    /// How long confidence must be at the slow threshold or above before the slow band is left (OBS-003).
    pub dwell_up: Micros,
    /// The oldest reading, distance or remaining release that counts (OBS-004, REL-003).
    pub sample_age_max: Micros,
    /// How far a stamp may lie in the future (OBS-005, COM-005).
    pub clock_skew: Micros,
    /// The longest gap between two steps (CLK-002).
    pub clock_jump_max: Micros,
    /// The longest gap between two steps that is not a sign of overload (CLK-003).
    pub cycle_max: Micros,
    /// How many equal frames in a row make a sensor frozen (OBS-006); at least 2.
    pub frozen_frames: u16,
    /// The largest share of beams that may have measured nothing valid (OBS-008).
    pub invalid_max: Ppm,
    /// By how much sensors may differ about the nearest obstacle in a sector (OBS-009).
    pub disagreement_max: Mm,
    /// How long they may differ; for longer, the robot stops (OBS-009).
    pub disagreement_for: Micros,
    /// Farther obstacles count as this far when sensors are compared: not all of them see equally far (OBS-009).
    pub disagreement_within: Mm,
    /// By how much a sensor may miss its reference contour (OBS-010).
    pub drift_max: Mm,
    /// Once it has missed it for so long it counts as none (OBS-010).
    pub drift_for: Micros,
    /// How long a permit lives; the base stops by itself afterwards. At most [`PERMIT_TTL_MAX`].
    pub permit_ttl: Micros,
    /// From the end of a permit until the brakes act.
    pub actuation_delay: Micros,
    /// What the brakes do in the worst case.
    pub deceleration: MmPerS2,
    /// What is assumed of people in the way (SSM-001).
    pub separation: Separation,
    /// The robot's speed limit (SPD-001). At most [`SPEED_LIMIT`].
    pub speed_max: MmPerS,
    /// Speed limit in the slow band: of confidence, after every stop for `dwell_up`, and by the rules that ask for it
    /// (CLK-003, COM-001, OBS-009, OBS-010, OBS-012).
    pub speed_slow: MmPerS,
    /// Speed limit beside walls (CLR-001) and near people with degraded detection (SSM-003).
    pub speed_creep: MmPerS,
    /// The robot's yaw rate limit (SPD-004).
    pub yaw_rate_max: MradPerS,
    /// What the drive does to a yaw rate in the worst case, when it is told to turn more slowly (SPD-005).
    pub yaw_deceleration: MradPerS2,
    /// By how much measured motion may exceed the permitted one, percent (SPD-002, SPD-005).
    pub overspeed_percent: u32,
    /// Once it has exceeded it for so long the robot latches (SPD-002, SPD-005).
    pub overspeed_for: Micros,
    /// Protective distance ahead: at or below it, stop (SSM-002).
    pub stop_margin: Mm,
    /// Free travel beyond the stop margin that is needed to start again (ARM-005).
    pub rearm_margin: Mm,
    /// Clearance beside the path below which the robot creeps (CLR-001).
    pub clearance_creep: Mm,
    /// Within it an obstacle counts as a person near the robot (SSM-003).
    pub person_near: Mm,
    /// The longest silence of the on-robot supervisor that does not make the robot slow (COM-001).
    pub beat_late: Micros,
    /// The longest silence of the on-robot supervisor (COM-002).
    pub beat_timeout: Micros,
    /// The oldest command that counts (COM-005).
    pub command_age_max: Micros,
    /// Measured speed at or below which the robot counts as standing.
    pub standstill: MmPerS,
    /// Measured yaw rate at or below which the robot counts as standing.
    pub standstill_yaw: MradPerS,
    /// How far a robot may move while it stands (STP-004).
    pub standstill_window: Mm,
    /// How far a robot may turn while it stands (STP-004).
    pub standstill_turn: Mrad,
    /// How long a robot that is permitted to move may stay where it is, by its odometer (ODO-002).
    pub still_for: Micros,
    /// The longest time from a stop to standstill (STP-002).
    pub stop_time_max: Micros,
    /// The longest way of a stop in percent of the predicted one (STP-003); at least 100.
    pub stop_distance_percent: u32,
    /// How many stops for want of evidence within `chatter_window` latch (ARM-004); at most [`TRIPS_MAX`].
    pub chatter_trips: u8,
    /// The window in which they are counted, its end included.
    pub chatter_window: Micros,
    /// The shortest press of the reset button that counts (RST-003).
    pub reset_press_min: Micros,
    /// The longest press of the reset button that counts (RST-003).
    pub reset_press_max: Micros,
    /// Packs without whose verdict nothing moves, bit `i` for slot `i` (PCK-001).
    pub packs_required: u16,
    /// The oldest verdict of a pack that counts (PCK-001).
    pub pack_age_max: Micros,
}

/// Settings that passed [`Config::validate`]: the only kind an interlock takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidConfig {
    config: Config,
    digest: ConfigDigest,
}

/// SHA-256 of settings, to be approved by a person and kept on the robot (CFG-001).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigDigest(pub [u8; 32]);

impl fmt::Display for ConfigDigest {
    /// All 32 bytes in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why settings were refused: the first check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Which setting.
    pub setting: &'static str,
    /// Its value, in its unit.
    pub value: u64,
    /// What it has to be.
    pub needed: Needed,
}

/// What a setting has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// At least this much, for a reason.
    AtLeast(u64, &'static str),
    /// At most this much, for a reason.
    AtMost(u64, &'static str),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value, needed } = self;
        match needed {
            Needed::AtLeast(limit, why) => {
                write!(f, "{setting} is {value}, it must be at least {limit}: {why}")
            }
            Needed::AtMost(limit, why) => write!(f, "{setting} is {value}, it may be at most {limit}: {why}"),
        }
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// The settings of robots that we simulate, and the defaults of `docs/rules.md`. They describe no real robot: every
    /// one of them belongs to a robot or a site and comes from measurement or risk assessment.
    pub const SIMULATED: Self = Self {
        confidence_stop: CONFIDENCE_STOP_MIN,
        confidence_slow: confidence(960_000),
        confidence_rearm: confidence(950_000),
        decay_ppm_per_ms: 50,
        fusion: Fusion::Redundant,
        dwell: Micros::from_millis(500),
        dwell_up: Micros::from_secs(1),
        sample_age_max: Micros::from_millis(100),
        clock_skew: Micros::from_millis(5),
        clock_jump_max: Micros::from_millis(250),
        cycle_max: Micros::from_millis(120),
        frozen_frames: 5,
        invalid_max: share(200_000),
        disagreement_max: Mm(300),
        disagreement_for: Micros::from_millis(200),
        disagreement_within: Mm(3_000),
        drift_max: Mm(50),
        drift_for: Micros::from_millis(500),
        permit_ttl: Micros::from_millis(100),
        actuation_delay: Micros::from_millis(50),
        deceleration: MmPerS2(800),
        separation: Separation::StandingPerson,
        speed_max: MmPerS(1_000),
        speed_slow: MmPerS(500),
        speed_creep: MmPerS(300),
        yaw_rate_max: MradPerS(1_500),
        yaw_deceleration: MradPerS2(2_000),
        overspeed_percent: 5,
        overspeed_for: Micros::from_millis(50),
        stop_margin: Mm(200),
        rearm_margin: Mm(50),
        clearance_creep: Mm(150),
        person_near: Mm(1_500),
        beat_late: Micros::from_millis(200),
        beat_timeout: Micros::from_millis(500),
        command_age_max: Micros::from_millis(200),
        standstill: MmPerS(20),
        standstill_yaw: MradPerS(100),
        standstill_window: Mm(30),
        standstill_turn: Mrad(150),
        still_for: Micros::from_secs(2),
        stop_time_max: Micros::from_millis(3_000),
        stop_distance_percent: 120,
        chatter_trips: 3,
        chatter_window: Micros::from_secs(60),
        reset_press_min: Micros::from_millis(120),
        reset_press_max: Micros::from_millis(4_000),
        packs_required: 0b1,
        pack_age_max: Micros::from_millis(200),
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        self.check_confidence()?;
        self.check_times()?;
        self.check_perception()?;
        self.check_speeds()?;
        self.check_stops()?;
        Ok(ValidConfig { config: self, digest: self.digest() })
    }

    /// From a reading until the brakes act, without the reading's age: `permit_ttl + actuation_delay`.
    pub const fn reaction(&self) -> Micros {
        self.permit_ttl.saturating_add(self.actuation_delay)
    }

    /// The yaw rate limit of the slow band, mrad/s: the share of `yaw_rate_max` that `speed_slow` is of `speed_max`,
    /// rounded up, but more than standstill: who turns must not count as standing.
    pub(crate) fn yaw_rate_slow(&self) -> u32 {
        let (most, top) = (self.yaw_rate_max.0.unsigned_abs(), u64::from(self.speed_max.0));
        let product = u64::from(most).saturating_mul(self.speed_slow.0.into());
        let rounded = product.saturating_add(top.saturating_sub(1)).checked_div(top);
        let least = self.standstill_yaw.0.unsigned_abs().saturating_add(1);
        rounded.and_then(|rate| u32::try_from(rate).ok()).map_or(most, |rate| rate.max(least).min(most))
    }

    /// The longest span that any rule looks back.
    pub(crate) fn longest_span(&self) -> Micros {
        // A stop takes at most `stop_time_max`, so the envelope of a lower speed does not outlast it either.
        let spans = [
            self.dwell,
            self.dwell_up,
            self.sample_age_max,
            self.clock_jump_max,
            self.disagreement_for,
            self.drift_for,
            self.overspeed_for,
            self.still_for,
            self.stop_time_max,
            self.chatter_window,
            self.command_age_max,
            self.reset_press_max,
        ];
        spans.into_iter().fold(Micros::ZERO, Micros::max)
    }

    fn check_confidence(&self) -> Result<(), ConfigError> {
        let stop = self.confidence_stop.ppm().into();
        at_least(
            "confidence_stop",
            stop,
            CONFIDENCE_STOP_MIN.ppm().into(),
            "below it nothing may ever move",
        )?;
        let why = "the bands lie above the stop threshold";
        at_least("confidence_slow", self.confidence_slow.ppm().into(), stop, why)?;
        at_least("confidence_rearm", self.confidence_rearm.ppm().into(), stop, why)
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        let spans = [
            ("dwell", self.dwell, DWELL_LIMIT),
            ("dwell_up", self.dwell_up, DWELL_LIMIT),
            ("permit_ttl", self.permit_ttl, PERMIT_TTL_MAX),
            ("sample_age_max", self.sample_age_max, SAMPLE_AGE_LIMIT),
            ("clock_jump_max", self.clock_jump_max, CLOCK_JUMP_LIMIT),
            ("cycle_max", self.cycle_max, self.clock_jump_max),
            ("beat_timeout", self.beat_timeout, BEAT_TIMEOUT_LIMIT),
            ("beat_late", self.beat_late, self.beat_timeout),
            ("command_age_max", self.command_age_max, BEAT_TIMEOUT_LIMIT),
            ("pack_age_max", self.pack_age_max, BEAT_TIMEOUT_LIMIT),
            ("still_for", self.still_for, STILL_LIMIT),
            ("chatter_window", self.chatter_window, CHATTER_LIMIT),
            ("reset_press_max", self.reset_press_max, RESET_PRESS_LIMIT),
            ("reset_press_min", self.reset_press_min, self.reset_press_max),
        ];
        for (setting, span, limit) in spans {
            at_least(setting, span.as_micros(), 1, "no time is no check")?;
            at_most(setting, span.as_micros(), limit.as_micros(), "longer than may ever be waited")?;
        }
        let below_age = self.sample_age_max.as_micros().saturating_sub(1);
        at_most("clock_skew", self.clock_skew.as_micros(), below_age, "it must stay below sample_age_max")
    }

    fn check_perception(&self) -> Result<(), ConfigError> {
        at_least("frozen_frames", self.frozen_frames.into(), 2, "one frame equals itself")?;
        at_most(
            "frozen_frames",
            self.frozen_frames.into(),
            FROZEN_LIMIT.into(),
            "a frozen sensor must be found",
        )?;
        let doubts = [
            ("disagreement_max", self.disagreement_max, DISAGREEMENT_LIMIT),
            ("drift_max", self.drift_max, DRIFT_LIMIT),
        ];
        for (setting, length, limit) in doubts {
            at_most(setting, length.0.into(), limit.0.into(), "who looks elsewhere must be found")?;
        }
        for (setting, span) in [("disagreement_for", self.disagreement_for), ("drift_for", self.drift_for)] {
            at_most(
                setting,
                span.as_micros(),
                DOUBT_LIMIT.as_micros(),
                "who looks elsewhere must be found in time",
            )?;
        }
        let quorum = match self.fusion {
            Fusion::Redundant | Fusion::Min => 1,
            Fusion::Quorum(sensors) => sensors,
        };
        at_least("fusion", quorum.into(), 1, "a quorum of nobody agrees on everything")
    }

    fn check_speeds(&self) -> Result<(), ConfigError> {
        at_least("deceleration", self.deceleration.0.into(), 1, "a robot without brakes never stops")?;
        let top = self.speed_max.0.into();
        at_most("speed_max", top, SPEED_LIMIT.0.into(), "faster robots are another machine")?;
        let standing = u64::from(self.standstill.0).saturating_add(1);
        let speeds = [
            ("speed_max", self.speed_max),
            ("speed_slow", self.speed_slow),
            ("speed_creep", self.speed_creep),
        ];
        for (setting, speed) in speeds {
            at_least(setting, speed.0.into(), standing, "it must exceed standstill")?;
            at_most(setting, speed.0.into(), top, "it must not exceed speed_max")?;
        }
        at_least("yaw_rate_max", positive(self.yaw_rate_max), 1, "it must allow turning")?;
        let below_top = positive(self.yaw_rate_max).saturating_sub(1);
        // Below zero makes no sense either, and counts as endless.
        at_most(
            "standstill_yaw",
            u64::try_from(self.standstill_yaw.0).unwrap_or(u64::MAX),
            below_top,
            "it must stay below yaw_rate_max",
        )?;
        at_least(
            "yaw_deceleration",
            self.yaw_deceleration.0.into(),
            1,
            "a drive must be able to stop turning",
        )?;
        at_most("overspeed_percent", self.overspeed_percent.into(), 50, "a runaway must be found")?;
        at_most("overspeed_for", self.overspeed_for.as_micros(), 500_000, "a runaway must be found in time")
    }

    fn check_stops(&self) -> Result<(), ConfigError> {
        at_least("stop_margin", self.stop_margin.0.into(), 1, "no margin touches")?;
        at_least(
            "stop_distance_percent",
            self.stop_distance_percent.into(),
            100,
            "the prediction must fit in",
        )?;
        let percent = self.stop_distance_percent.into();
        at_most("stop_distance_percent", percent, STOP_DISTANCE_LIMIT.into(), "worn brakes must be found")?;
        at_most(
            "standstill_window",
            self.standstill_window.0.into(),
            STANDSTILL_LIMIT.0.into(),
            "a push is motion",
        )?;
        at_most("standstill_turn", self.standstill_turn.0.into(), TURN_LIMIT.0.into(), "a push is motion")?;
        let least = self.dwell.as_micros();
        at_least(
            "chatter_window",
            self.chatter_window.as_micros(),
            least,
            "no two stops lie closer than the dwell",
        )?;
        at_least("chatter_trips", self.chatter_trips.into(), 1, "the guard must count something")?;
        at_most("chatter_trips", self.chatter_trips.into(), TRIPS_MAX as u64, "no more are remembered")?;
        let reaction = self.sample_age_max.saturating_add(self.reaction());
        let distance = stopping_distance(self.speed_max, reaction, self.deceleration);
        let longest = distance.map_or(u64::MAX, |distance| distance.0.into());
        at_most("speed_max", longest, u32::MAX.into(), "its stopping distance does not fit")?;
        let needed = self.protective_distance().0.into();
        at_least("disagreement_within", self.disagreement_within.0.into(), needed, "a stop takes that far")?;
        at_least(
            "person_near",
            self.person_near.0.into(),
            self.stop_margin.0.into(),
            "it must exceed the stop margin",
        )?;
        at_most(
            "clearance_creep",
            self.clearance_creep.0.into(),
            CLEARANCE_MAX.0.into(),
            "no more is measured",
        )?;
        at_most("invalid_max", self.invalid_max.get().into(), 999_999, "a blind sensor must be found")?;
        let needed = self.reaction().saturating_add(braking_time(self.speed_max, self.deceleration));
        at_least(
            "stop_time_max",
            self.stop_time_max.as_micros(),
            needed.as_micros(),
            "stopping takes that long",
        )?;
        at_most(
            "stop_time_max",
            self.stop_time_max.as_micros(),
            STOP_TIME_LIMIT.as_micros(),
            "it must be found in time",
        )
    }

    /// The way of a stop from top speed, seen as late as may be, and the margin.
    fn protective_distance(&self) -> Mm {
        let reaction = self.sample_age_max.saturating_add(self.reaction());
        stopping_distance(self.speed_max, reaction, self.deceleration)
            .map_or(Mm::MAX, |distance| distance.saturating_add(self.stop_margin))
    }

    /// SHA-256 over every setting in the order of the fields, eight bytes each, little-endian.
    fn digest(&self) -> ConfigDigest {
        let mut hash = Sha256::new();
        self.put(&mut |word| hash.update(&word.to_le_bytes()));
        ConfigDigest(hash.finish())
    }
}

impl ValidConfig {
    /// The settings.
    pub const fn get(&self) -> &Config {
        &self.config
    }

    /// Their digest.
    pub const fn digest(&self) -> ConfigDigest {
        self.digest
    }
}

pub(crate) const fn at_least(
    setting: &'static str,
    value: u64,
    limit: u64,
    why: &'static str,
) -> Result<(), ConfigError> {
    if limit <= value {
        Ok(())
    } else {
        Err(ConfigError { setting, value, needed: Needed::AtLeast(limit, why) })
    }
}

pub(crate) const fn at_most(
    setting: &'static str,
    value: u64,
    limit: u64,
    why: &'static str,
) -> Result<(), ConfigError> {
    if value <= limit {
        Ok(())
    } else {
        Err(ConfigError { setting, value, needed: Needed::AtMost(limit, why) })
    }
}

/// A yaw rate as a number; none below zero makes sense as a limit.
fn positive(rate: MradPerS) -> u64 {
    u64::try_from(rate.0).unwrap_or(0)
}

/// Time to standstill at an even deceleration, rounded up; zero deceleration never stops.
fn braking_time(speed: MmPerS, deceleration: MmPerS2) -> Micros {
    let micros = u64::from(speed.0).saturating_mul(1_000_000);
    micros.checked_add(u64::from(deceleration.0).saturating_sub(1)).map_or(Micros::MAX, |rounded| {
        rounded.checked_div(deceleration.0.into()).map_or(Micros::MAX, Micros::new)
    })
}

const fn confidence(ppm: u32) -> Confidence {
    match Confidence::from_ppm(ppm) {
        Ok(confidence) => confidence,
        Err(_) => Confidence::NONE,
    }
}

const fn share(ppm: u32) -> Ppm {
    match Ppm::new(ppm) {
        Ok(share) => share,
        Err(_) => Ppm::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_that_a_rule_looks_back_counts() {
        for name in [
            "dwell",
            "dwell_up",
            "sample_age_max",
            "clock_jump_max",
            "disagreement_for",
            "drift_for",
            "overspeed_for",
            "still_for",
            "stop_time_max",
            "chatter_window",
            "command_age_max",
            "reset_press_max",
        ] {
            let mut config = Config::SIMULATED;
            assert_eq!(config.set(name, 77_000_000), Ok(()), "{name}");
            assert_eq!(config.longest_span(), Micros::from_secs(77), "{name}");
        }
    }
}
