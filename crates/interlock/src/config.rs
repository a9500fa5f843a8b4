//! Settings of the interlock. Safety values have no default.

use core::fmt;

use sheepdog_core::{CONFIDENCE_STOP_MIN, Confidence, Micros, Mm, MmPerS, MmPerS2, MradPerS};

use crate::stopping_distance;

/// The longest a permit may live: 100 ms.
pub const PERMIT_TTL_MAX: Micros = Micros::from_millis(100);
/// The oldest a reading may ever be allowed to be: 500 ms.
pub const SAMPLE_AGE_LIMIT: Micros = Micros::from_millis(500);
/// The longest silence of the supervisor that may ever be allowed: 1 s.
pub const BEAT_TIMEOUT_LIMIT: Micros = Micros::from_secs(1);
/// The highest speed cap: 5555 mm/s, just below 20 km/h (ISO 13482 covers robots up to it).
pub const SPEED_LIMIT: MmPerS = MmPerS(5_555);

/// Settings of an [`Interlock`](crate::Interlock). Check them with [`Config::validate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Below it nothing moves (OBS-001). At least [`CONFIDENCE_STOP_MIN`].
    pub confidence_stop: Confidence,
    /// Below it the robot is slow (OBS-002).
    pub confidence_slow: Confidence,
    /// What confidence must reach before motion starts again (ARM-003).
    pub confidence_rearm: Confidence,
    /// How long all inputs must be good before motion starts again (ARM-001).
    pub dwell: Micros,
    /// How long confidence must be at the slow threshold before the slow band is left (OBS-003).
    pub dwell_up: Micros,
    /// The oldest reading, localisation or distance that counts (OBS-004, MAP-002).
    pub sample_age_max: Micros,
    /// How far a stamp may lie in the future (OBS-005).
    pub clock_skew: Micros,
    /// The longest gap between two steps (CLK-002).
    pub clock_jump_max: Micros,
    /// How long a permit lives; the base stops by itself afterwards. At most [`PERMIT_TTL_MAX`].
    pub permit_ttl: Micros,
    /// From the end of a permit until the brakes act.
    pub actuation_delay: Micros,
    /// What the brakes do in the worst case.
    pub deceleration: MmPerS2,
    /// The robot's speed limit (SPD-001). At most [`SPEED_LIMIT`].
    pub speed_max: MmPerS,
    /// Speed limit while confidence is in the slow band, and after every stop for `dwell_up`.
    pub speed_slow: MmPerS,
    /// Speed limit with less than `clearance_creep` beside the path (CLR-001).
    pub speed_creep: MmPerS,
    /// The robot's yaw rate limit (SPD-004).
    pub yaw_rate_max: MradPerS,
    /// Protective distance ahead: at or below it, stop (SSM-002).
    pub stop_margin: Mm,
    /// Clearance beside the path below which the robot creeps (CLR-001).
    pub clearance_creep: Mm,
    /// The longest silence of the on-robot supervisor (COM-002).
    pub beat_timeout: Micros,
    /// Measured speed at or below which the robot counts as standing.
    pub standstill: MmPerS,
    /// The longest time from a stop to standstill (STP-002).
    pub stop_time_max: Micros,
}

/// Settings that passed [`Config::validate`]: the only kind an interlock takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidConfig(Config);

/// Why settings were refused: the first check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `confidence_stop` is below 92.5 %.
    ConfidenceStop(Confidence),
    /// `confidence_slow` or `confidence_rearm` is below `confidence_stop`.
    ConfidenceBands {
        /// The stop threshold.
        stop: Confidence,
        /// The lower of the two.
        lower: Confidence,
    },
    /// `dwell` or `dwell_up` is zero.
    Dwell,
    /// `permit_ttl` is zero or above [`PERMIT_TTL_MAX`].
    PermitTtl(Micros),
    /// `sample_age_max` is zero or above [`SAMPLE_AGE_LIMIT`].
    SampleAge(Micros),
    /// `clock_skew` is not below `sample_age_max`.
    ClockSkew {
        /// The skew.
        skew: Micros,
        /// The oldest sample.
        age: Micros,
    },
    /// `clock_jump_max` is zero.
    ClockJump,
    /// `beat_timeout` is zero or above [`BEAT_TIMEOUT_LIMIT`].
    BeatTimeout(Micros),
    /// `deceleration` is zero.
    Deceleration,
    /// A speed is zero, above `speed_max`, or `speed_max` is above [`SPEED_LIMIT`].
    Speed {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        speed: MmPerS,
    },
    /// `yaw_rate_max` is zero or negative.
    YawRate(MradPerS),
    /// `stop_margin` is zero.
    StopMargin,
    /// `stop_time_max` is shorter than stopping from `speed_max` takes.
    StopTime {
        /// What is set.
        set: Micros,
        /// What stopping takes.
        needed: Micros,
    },
    /// From `speed_max` the stopping distance exceeds what fits.
    StoppingDistance,
}

impl Config {
    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub const fn validate(self) -> Result<ValidConfig, ConfigError> {
        if let Err(error) = self.check_confidence() {
            return Err(error);
        }
        if let Err(error) = self.check_times() {
            return Err(error);
        }
        if let Err(error) = self.check_motion() {
            return Err(error);
        }
        Ok(ValidConfig(self))
    }

    /// From a reading until the brakes act, without the reading's age: `permit_ttl + actuation_delay`.
    pub const fn reaction(&self) -> Micros {
        self.permit_ttl.saturating_add(self.actuation_delay)
    }

    const fn check_confidence(&self) -> Result<(), ConfigError> {
        let stop = self.confidence_stop.ppm();
        if stop < CONFIDENCE_STOP_MIN.ppm() {
            return Err(ConfigError::ConfidenceStop(self.confidence_stop));
        }
        let (slow, rearm) = (self.confidence_slow, self.confidence_rearm);
        let lower = if slow.ppm() < rearm.ppm() { slow } else { rearm };
        if lower.ppm() < stop {
            return Err(ConfigError::ConfidenceBands { stop: self.confidence_stop, lower });
        }
        Ok(())
    }

    const fn check_times(&self) -> Result<(), ConfigError> {
        if self.dwell.as_micros() == 0 || self.dwell_up.as_micros() == 0 {
            return Err(ConfigError::Dwell);
        }
        if !within(self.permit_ttl, PERMIT_TTL_MAX) {
            return Err(ConfigError::PermitTtl(self.permit_ttl));
        }
        if !within(self.sample_age_max, SAMPLE_AGE_LIMIT) {
            return Err(ConfigError::SampleAge(self.sample_age_max));
        }
        if self.sample_age_max.as_micros() <= self.clock_skew.as_micros() {
            return Err(ConfigError::ClockSkew { skew: self.clock_skew, age: self.sample_age_max });
        }
        if self.clock_jump_max.as_micros() == 0 {
            return Err(ConfigError::ClockJump);
        }
        if !within(self.beat_timeout, BEAT_TIMEOUT_LIMIT) {
            return Err(ConfigError::BeatTimeout(self.beat_timeout));
        }
        Ok(())
    }

    const fn check_motion(&self) -> Result<(), ConfigError> {
        if self.deceleration.0 == 0 {
            return Err(ConfigError::Deceleration);
        }
        if self.speed_max.0 == 0 || SPEED_LIMIT.0 < self.speed_max.0 {
            return Err(ConfigError::Speed { setting: "speed_max", speed: self.speed_max });
        }
        if self.speed_slow.0 == 0 || self.speed_max.0 < self.speed_slow.0 {
            return Err(ConfigError::Speed { setting: "speed_slow", speed: self.speed_slow });
        }
        if self.speed_creep.0 == 0 || self.speed_max.0 < self.speed_creep.0 {
            return Err(ConfigError::Speed { setting: "speed_creep", speed: self.speed_creep });
        }
        if self.speed_creep.0 <= self.standstill.0 {
            return Err(ConfigError::Speed { setting: "standstill", speed: self.standstill });
        }
        if self.yaw_rate_max.0 <= 0 {
            return Err(ConfigError::YawRate(self.yaw_rate_max));
        }
        if self.stop_margin.0 == 0 {
            return Err(ConfigError::StopMargin);
        }
        let reaction = self.sample_age_max.saturating_add(self.reaction());
        if stopping_distance(self.speed_max, reaction, self.deceleration).is_none() {
            return Err(ConfigError::StoppingDistance);
        }
        let needed = self.reaction().saturating_add(braking_time(self.speed_max, self.deceleration));
        if self.stop_time_max.as_micros() < needed.as_micros() {
            return Err(ConfigError::StopTime { set: self.stop_time_max, needed });
        }
        Ok(())
    }
}

impl ValidConfig {
    /// The settings.
    pub const fn get(&self) -> &Config {
        &self.0
    }
}

const fn within(span: Micros, limit: Micros) -> bool {
    0 < span.as_micros() && span.as_micros() <= limit.as_micros()
}

/// Time to standstill at an even deceleration, rounded up; zero deceleration never stops.
const fn braking_time(speed: MmPerS, deceleration: MmPerS2) -> Micros {
    if deceleration.0 == 0 {
        return Micros::MAX;
    }
    Micros::new((speed.0 as u64).saturating_mul(1_000_000).div_ceil(deceleration.0 as u64))
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfidenceStop(stop) => {
                write!(f, "confidence_stop {stop} is below the least allowed, {CONFIDENCE_STOP_MIN}")
            }
            Self::ConfidenceBands { stop, lower } => {
                write!(
                    f,
                    "confidence_slow and confidence_rearm must reach confidence_stop {stop}, one is {lower}"
                )
            }
            Self::Dwell => write!(f, "dwell or dwell_up is zero: one good reading would be enough"),
            Self::PermitTtl(ttl) => write!(f, "permit_ttl {ttl} is not within 0..={PERMIT_TTL_MAX}"),
            Self::SampleAge(age) => write!(f, "sample_age_max {age} is not within 0..={SAMPLE_AGE_LIMIT}"),
            Self::ClockSkew { skew, age } => {
                write!(f, "clock_skew {skew} must be below sample_age_max {age}")
            }
            Self::ClockJump => write!(f, "clock_jump_max is zero: every step would be a jump"),
            Self::BeatTimeout(timeout) => {
                write!(f, "beat_timeout {timeout} is not within 0..={BEAT_TIMEOUT_LIMIT}")
            }
            Self::Deceleration => write!(f, "deceleration is zero: the robot would never stop"),
            Self::Speed { setting, speed } => {
                write!(
                    f,
                    "{setting} {speed} breaks 0 <= standstill < speed_creep, speed_slow <= speed_max <= {SPEED_LIMIT}"
                )
            }
            Self::YawRate(rate) => write!(f, "yaw_rate_max {rate} is not positive"),
            Self::StopMargin => write!(f, "stop_margin is zero: the robot would stop on contact"),
            Self::StopTime { set, needed } => {
                write!(f, "stop_time_max {set} is shorter than stopping from speed_max takes, {needed}")
            }
            Self::StoppingDistance => write!(f, "the stopping distance from speed_max does not fit"),
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            confidence_stop: CONFIDENCE_STOP_MIN,
            confidence_slow: Confidence::from_ppm(960_000).unwrap(),
            confidence_rearm: Confidence::from_ppm(950_000).unwrap(),
            dwell: Micros::from_millis(500),
            dwell_up: Micros::from_secs(1),
            sample_age_max: Micros::from_millis(100),
            clock_skew: Micros::from_millis(5),
            clock_jump_max: Micros::from_millis(250),
            permit_ttl: Micros::from_millis(100),
            actuation_delay: Micros::from_millis(50),
            deceleration: MmPerS2(800),
            speed_max: MmPerS(1_000),
            speed_slow: MmPerS(400),
            speed_creep: MmPerS(300),
            yaw_rate_max: MradPerS(1_500),
            stop_margin: Mm(200),
            clearance_creep: Mm(100),
            beat_timeout: Micros::from_millis(200),
            standstill: MmPerS(20),
            stop_time_max: Micros::from_millis(1_500),
        }
    }

    fn refused(change: impl FnOnce(&mut Config)) -> Option<ConfigError> {
        let mut config = config();
        change(&mut config);
        config.validate().err()
    }

    #[test]
    fn the_threshold_cannot_be_set_below_its_floor() {
        let below = Confidence::from_ppm(924_999).unwrap();
        assert_eq!(refused(|c| c.confidence_stop = below), Some(ConfigError::ConfidenceStop(below)));
        assert_eq!(refused(|c| c.confidence_stop = CONFIDENCE_STOP_MIN), None);
    }

    #[test]
    fn each_limit_is_checked_on_both_sides() {
        let below = Confidence::from_ppm(925_000).unwrap();
        let stop = Confidence::from_ppm(925_001).unwrap();
        assert_eq!(
            refused(|c| (c.confidence_stop, c.confidence_rearm) = (stop, below)),
            Some(ConfigError::ConfidenceBands { stop, lower: below })
        );
        assert_eq!(
            refused(|c| (c.confidence_stop, c.confidence_slow) = (stop, below)),
            Some(ConfigError::ConfidenceBands { stop, lower: below })
        );
        assert_eq!(refused(|c| c.dwell = Micros::ZERO), Some(ConfigError::Dwell));
        assert_eq!(refused(|c| c.dwell_up = Micros::ZERO), Some(ConfigError::Dwell));
        let long = Micros::new(100_001);
        assert_eq!(refused(|c| c.permit_ttl = long), Some(ConfigError::PermitTtl(long)));
        assert_eq!(refused(|c| c.permit_ttl = PERMIT_TTL_MAX), None);
        assert_eq!(refused(|c| c.permit_ttl = Micros::ZERO), Some(ConfigError::PermitTtl(Micros::ZERO)));
        let old = Micros::new(500_001);
        assert_eq!(refused(|c| c.sample_age_max = old), Some(ConfigError::SampleAge(old)));
        assert!(matches!(refused(|c| c.clock_skew = c.sample_age_max), Some(ConfigError::ClockSkew { .. })));
        assert_eq!(refused(|c| c.clock_jump_max = Micros::ZERO), Some(ConfigError::ClockJump));
        assert!(matches!(refused(|c| c.beat_timeout = Micros::ZERO), Some(ConfigError::BeatTimeout(_))));
        assert!(matches!(
            refused(|c| c.beat_timeout = Micros::new(1_000_001)),
            Some(ConfigError::BeatTimeout(_))
        ));
        assert_eq!(refused(|c| c.deceleration = MmPerS2::ZERO), Some(ConfigError::Deceleration));
        assert!(matches!(refused(|c| c.speed_max = MmPerS(5_556)), Some(ConfigError::Speed { .. })));
        assert!(matches!(refused(|c| c.speed_slow = MmPerS::ZERO), Some(ConfigError::Speed { .. })));
        assert!(matches!(refused(|c| c.speed_creep = MmPerS(9_999)), Some(ConfigError::Speed { .. })));
        assert!(matches!(refused(|c| c.standstill = c.speed_creep), Some(ConfigError::Speed { .. })));
        assert!(matches!(refused(|c| c.yaw_rate_max = MradPerS(0)), Some(ConfigError::YawRate(_))));
        assert_eq!(refused(|c| c.stop_margin = Mm::ZERO), Some(ConfigError::StopMargin));
    }

    #[test]
    fn brakes_must_be_able_to_keep_the_time_they_get() {
        // 1 m/s at 800 mm/s² takes 1.25 s, and 150 ms until the brakes act.
        let needed = Micros::from_millis(1_400);
        let set = needed.saturating_sub(Micros::new(1));
        assert_eq!(refused(|c| c.stop_time_max = set), Some(ConfigError::StopTime { set, needed }));
        assert_eq!(refused(|c| c.stop_time_max = needed), None);
    }
}
