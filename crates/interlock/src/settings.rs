//! Settings by name, as files and command lines give them.

use core::fmt;

use sheepdog_core::{Confidence, Micros, Mm, MmPerS, MmPerS2, Mrad, MradPerS, MradPerS2, Ppm};

use crate::{Config, Fusion, Separation};

/// Why a setting cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// There is no such setting.
    Unknown,
    /// The value does not fit the setting's type; the largest that does.
    TooLarge(u64),
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such setting"),
            Self::TooLarge(most) => write!(f, "the value may be at most {most}"),
        }
    }
}

impl core::error::Error for SettingError {}

/// A type of setting that is one number.
trait Number: Sized {
    const MOST: u64;
    fn of(value: u64) -> Option<Self>;
}

macro_rules! numbers {
    ($($name:ty, $most:expr, |$value:ident| $make:expr;)*) => {$(
        impl Number for $name {
            const MOST: u64 = $most as u64;
            fn of($value: u64) -> Option<Self> {
                $make
            }
        }
    )*};
}

numbers! {
    u8, u8::MAX, |value| Self::try_from(value).ok();
    u16, u16::MAX, |value| Self::try_from(value).ok();
    u32, u32::MAX, |value| Self::try_from(value).ok();
    Micros, u64::MAX, |value| Some(Self::new(value));
    Confidence, 1_000_000_u32, |value| u32::try_from(value).ok().and_then(|ppm| Self::from_ppm(ppm).ok());
    Ppm, 1_000_000_u32, |value| u32::try_from(value).ok().and_then(|ppm| Self::new(ppm).ok());
    Mm, u32::MAX, |value| u32::try_from(value).ok().map(Self);
    MmPerS, u32::MAX, |value| u32::try_from(value).ok().map(Self);
    MmPerS2, u32::MAX, |value| u32::try_from(value).ok().map(Self);
    Mrad, u32::MAX, |value| u32::try_from(value).ok().map(Self);
    MradPerS2, u32::MAX, |value| u32::try_from(value).ok().map(Self);
    MradPerS, i32::MAX, |value| i32::try_from(value).ok().map(Self);
    Fusion, u8::MAX, |value| match value {
        0 => Some(Self::Min),
        1 => Some(Self::Redundant),
        sensors => u8::try_from(sensors).ok().map(Self::Quorum),
    };
    Separation, u32::MAX, |value| match value {
        0 => Some(Self::StandingPerson),
        speed => u32::try_from(speed).ok().map(|speed| Self::ApproachingPerson(MmPerS(speed))),
    };
}

fn set<T: Number>(slot: &mut T, value: u64) -> Result<(), SettingError> {
    *slot = T::of(value).ok_or(SettingError::TooLarge(T::MOST))?;
    Ok(())
}

macro_rules! settings {
    ($($name:ident),* $(,)?) => {
        impl Config {
            /// The names of all settings.
            pub const SETTINGS: &[&str] = &[$(stringify!($name)),*];

            /// Sets a setting by the name of its field, in the field's unit. `fusion` is 0 for [`Fusion::Min`], 1 for
            /// [`Fusion::Redundant`], and the quorum otherwise; `separation` is the speed of a person who approaches, 0
            /// for one who stands.
            ///
            /// ```
            /// # use sheepdog_interlock::{Config, Mm, SettingError};
            /// let mut config = Config::SIMULATED;
            /// config.set("stop_margin", 315)?;
            /// assert_eq!(config.stop_margin, Mm(315));
            /// assert_eq!(config.set("stop_margn", 1), Err(SettingError::Unknown));
            /// # Ok::<(), SettingError>(())
            /// ```
            ///
            /// # Errors
            /// [`SettingError`]; nothing has changed then. Whether the settings make sense together,
            /// [`Config::validate`] says.
            pub fn set(&mut self, name: &str, value: u64) -> Result<(), SettingError> {
                match name {
                    $(stringify!($name) => set(&mut self.$name, value),)*
                    _ => Err(SettingError::Unknown),
                }
            }
        }
    };
}

settings! {
    confidence_stop, confidence_slow, confidence_rearm, decay_ppm_per_ms, fusion, dwell, dwell_up, sample_age_max,
    clock_skew, clock_jump_max, cycle_max, frozen_frames, invalid_max, disagreement_max, disagreement_for, disagreement_within, drift_max,
    drift_for, permit_ttl, actuation_delay, deceleration, separation, speed_max, speed_slow, speed_creep, yaw_rate_max, yaw_deceleration,
    overspeed_percent, overspeed_for, stop_margin, rearm_margin, clearance_creep, person_near, beat_late, beat_timeout,
    command_age_max, standstill, standstill_yaw, standstill_window, standstill_turn, still_for, stop_time_max, stop_distance_percent, chatter_trips,
    chatter_window, reset_press_min, reset_press_max, packs_required, pack_age_max,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// Every field has its name, every name its own field: each changes the settings in a way no other does.
    #[test]
    fn every_setting_can_be_set() {
        let changed = |name: &&str| {
            let mut config = Config::SIMULATED;
            assert_eq!(config.set(name, 77), Ok(()), "{name}");
            assert_ne!(config, Config::SIMULATED, "{name}");
            config
        };
        let all: Vec<Config> = Config::SETTINGS.iter().map(changed).collect();
        for (index, one) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| other != one), "{}", Config::SETTINGS[index]);
        }
        let text = std::format!("{:?}", Config::SIMULATED);
        for name in Config::SETTINGS {
            assert!(text.contains(&std::format!("{name}: ")), "{name} is no field");
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut config = Config::SIMULATED;
        assert_eq!(config.set("confidence_stop", 1_000_001), Err(SettingError::TooLarge(1_000_000)));
        assert_eq!(config.set("chatter_trips", 256), Err(SettingError::TooLarge(255)));
        assert_eq!(config.set("Dwell", 1), Err(SettingError::Unknown));
        assert_eq!(config, Config::SIMULATED);
        assert_eq!(std::format!("{}", SettingError::TooLarge(255)), "the value may be at most 255");
        assert_eq!(std::format!("{}", SettingError::Unknown), "there is no such setting");
    }
}
