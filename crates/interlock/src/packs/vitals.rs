//! The pack of vital signs: a gate that opens when two sources on the device agree that somebody is unwell.
//!
//! It rules on no motion. Of each source the latest sample counts that is valid, fresh and measured on the device; two agree
//! when both are out of range on the same side and differ by at most `agreement`. Nothing is averaged: the mean of a source
//! that slipped and one that did not describes nobody. Absence of evidence leaves the gate closed, and the host tells
//! somebody who can look.

use sheepdog_core::{Evidence, Micros, Relation, RobotTime};

use crate::{
    ConfigError,
    config::{at_least, at_most},
    packs::{Freshness, judge::evidence, rules::MED_001},
};

/// The most samples that are looked at in one cycle.
pub const SAMPLES_MAX: usize = 8;
/// The oldest a sample may ever be allowed to be: 60 s.
pub const SAMPLE_AGE_MAX: Micros = Micros::from_secs(60);

/// Settings of a [`Vitals`] for one vital sign, in whatever unit its sources measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VitalsSettings {
    /// The oldest sample that counts. At most [`SAMPLE_AGE_MAX`].
    pub age_max: Micros,
    /// How far a stamp may lie in the future.
    pub skew: Micros,
    /// How many sources have to agree; at least 2.
    pub sources_min: u8,
    /// By how much samples that agree may differ.
    pub agreement: u32,
    /// The lowest value that is normal.
    pub normal_from: i32,
    /// The highest value that is normal.
    pub normal_to: i32,
}

impl VitalsSettings {
    /// Settings for a pulse in beats a minute of people that we simulate; they are no medical advice.
    pub const SIMULATED: Self = Self {
        age_max: SAMPLE_AGE_MAX,
        skew: Micros::from_millis(5),
        sources_min: 2,
        agreement: 10,
        normal_from: 50,
        normal_to: 120,
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not. `normal_to` is reported as its distance from
    /// `normal_from`.
    pub fn validate(&self) -> Result<(), ConfigError> {
        at_least("age_max", self.age_max.as_micros(), 1, "no time is no check")?;
        let oldest = SAMPLE_AGE_MAX.as_micros();
        at_most("age_max", self.age_max.as_micros(), oldest, "the patient has changed since")?;
        let below = self.age_max.as_micros().saturating_sub(1);
        at_most("skew", self.skew.as_micros(), below, "it must stay below age_max")?;
        at_least("sources_min", self.sources_min.into(), 2, "one source agrees with itself")?;
        at_most("sources_min", self.sources_min.into(), SAMPLES_MAX as u64, "no more are looked at")?;
        let width = i64::from(self.normal_to).saturating_sub(self.normal_from.into());
        at_least("normal_to", u64::try_from(width).unwrap_or(0), 1, "something must be normal")
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which source.
    pub source: u8,
    /// Whether it is a source on the device, not one that somebody else reports.
    pub is_on_device: bool,
    /// When it was measured.
    pub taken: RobotTime,
    /// Whether the source believes it: contact, signal quality, range.
    pub is_valid: bool,
    /// The value.
    pub value: i32,
}

/// What is known of one vital sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VitalsEvidence {
    /// The last samples, in any order.
    pub samples: [Option<Sample>; SAMPLES_MAX],
}

/// Whether an escalation may go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open {
        /// How many sources agree.
        evidence: Evidence,
    },
    /// It may not.
    Closed {
        /// How few sources agree.
        evidence: Evidence,
    },
}

impl Gate {
    /// Whether it may.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Why.
    pub const fn evidence(&self) -> Evidence {
        match self {
            Self::Open { evidence } | Self::Closed { evidence } => *evidence,
        }
    }
}

/// The pack of one vital sign.
///
/// ```
/// # use sheepdog_interlock::{*, packs::vitals::*};
/// # fn main() -> Result<(), ConfigError> {
/// let pulse = Vitals::new(VitalsSettings::SIMULATED)?;
/// let now = RobotTime::from_micros(1_000);
/// let sample = |source, value| Some(Sample { source, is_on_device: true, taken: now, is_valid: true, value });
/// let mut seen = VitalsEvidence::default();
/// seen.samples[0] = sample(1, 150);
/// assert!(!pulse.gate(now, &seen).is_open());
/// seen.samples[1] = sample(2, 144);
/// assert!(pulse.gate(now, &seen).is_open());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    settings: VitalsSettings,
}

impl Vitals {
    /// A gate for one vital sign.
    ///
    /// # Errors
    /// [`ConfigError`] as [`VitalsSettings::validate`].
    pub fn new(settings: VitalsSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings })
    }

    /// Whether what is known now allows an escalation. Bounded by the cube of [`SAMPLES_MAX`].
    pub fn gate(&self, now: RobotTime, seen: &VitalsEvidence) -> Gate {
        let counting = self.counting(now, seen);
        let agreeing = |sample: &Sample| {
            let mut sources = 0_i64;
            for (index, other) in counting.iter().enumerate() {
                let Some(other) = other.filter(|other| self.agree(sample, other)) else { continue };
                let mut earlier = counting.iter().take(index).flatten();
                let is_new =
                    !earlier.any(|before| before.source == other.source && self.agree(sample, before));
                sources = sources.saturating_add(is_new.into());
            }
            sources
        };
        let most = counting.iter().flatten().map(agreeing).max().unwrap_or(0);
        let needed = i64::from(self.settings.sources_min);
        let enough = evidence(MED_001, most, Relation::Above, needed.saturating_sub(1));
        if enough.holds() {
            Gate::Open { evidence: enough }
        } else {
            Gate::Closed { evidence: evidence(MED_001, most, Relation::Below, needed) }
        }
    }

    /// The latest sample of each source that counts.
    fn counting(&self, now: RobotTime, seen: &VitalsEvidence) -> [Option<Sample>; SAMPLES_MAX] {
        let fresh = Freshness { age_max: self.settings.age_max, skew: self.settings.skew };
        let counts = |sample: &Sample| {
            sample.is_on_device
                && sample.is_valid
                && fresh.missing(MED_001, now, Some(sample.taken)).is_none()
        };
        let good = seen.samples.map(|sample| sample.filter(counts));
        let is_latest = |sample: &Sample| {
            !good.iter().flatten().any(|other| other.source == sample.source && sample.taken < other.taken)
        };
        good.map(|sample| sample.filter(is_latest))
    }

    /// Whether two samples are out of range on the same side and close to each other.
    fn agree(&self, one: &Sample, other: &Sample) -> bool {
        let is_low = |sample: &Sample| sample.value < self.settings.normal_from;
        let is_high = |sample: &Sample| self.settings.normal_to < sample.value;
        ((is_low(one) && is_low(other)) || (is_high(one) && is_high(other)))
            && one.value.abs_diff(other.value) <= self.settings.agreement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::judge::testing::ms;

    const NOW: RobotTime = ms(100_000);

    fn vitals() -> Vitals {
        Vitals::new(VitalsSettings::SIMULATED).unwrap()
    }

    fn sample(source: u8, value: i32) -> Sample {
        Sample { source, is_on_device: true, taken: NOW, is_valid: true, value }
    }

    fn opens(samples: &[Sample]) -> bool {
        let mut seen = VitalsEvidence::default();
        for (to, from) in seen.samples.iter_mut().zip(samples) {
            *to = Some(*from);
        }
        let gate = vitals().gate(NOW, &seen);
        assert!(gate.evidence().holds() && gate.evidence().rule == MED_001);
        gate.is_open()
    }

    #[test]
    fn two_different_sources_have_to_agree() {
        assert!(!opens(&[]));
        assert!(!opens(&[sample(1, 150)]));
        assert!(!opens(&[sample(1, 150), sample(1, 150)]), "one source, twice");
        assert!(opens(&[sample(1, 150), sample(2, 150)]));
        assert!(opens(&[sample(3, 80), sample(1, 150), sample(2, 150)]), "a third that sees nothing");
    }

    #[test]
    fn samples_agree_within_the_limit_and_on_one_side() {
        for (other, agrees) in
            [(139, false), (140, true), (141, true), (159, true), (160, true), (161, false)]
        {
            assert_eq!(opens(&[sample(1, 150), sample(2, other)]), agrees, "{other}");
        }
        let wide = Vitals::new(VitalsSettings { agreement: 1_000, ..VitalsSettings::SIMULATED }).unwrap();
        let mut seen = VitalsEvidence::default();
        (seen.samples[0], seen.samples[1]) = (Some(sample(1, 150)), Some(sample(2, 40)));
        assert!(!wide.gate(NOW, &seen).is_open(), "too fast and too slow");
    }

    #[test]
    fn normal_values_open_nothing() {
        for (value, opened) in [(49, true), (50, false), (51, false), (119, false), (120, false), (121, true)]
        {
            assert_eq!(opens(&[sample(1, value), sample(2, value)]), opened, "{value}");
        }
    }

    #[test]
    fn samples_are_fresh_valid_and_from_the_device() {
        let now = NOW.as_micros();
        for (taken, counts) in
            [(now - 60_000_001, false), (now - 60_000_000, true), (now + 5_000, true), (now + 5_001, false)]
        {
            let other = Sample { taken: RobotTime::from_micros(taken), ..sample(2, 150) };
            assert_eq!(opens(&[sample(1, 150), other]), counts, "{taken}");
        }
        assert!(!opens(&[sample(1, 150), Sample { is_valid: false, ..sample(2, 150) }]));
        assert!(!opens(&[sample(1, 150), Sample { is_on_device: false, ..sample(2, 150) }]));
    }

    #[test]
    fn the_latest_word_of_a_source_counts() {
        let earlier = Sample { taken: ms(99_000), ..sample(2, 150) };
        assert!(opens(&[sample(1, 150), earlier]));
        assert!(!opens(&[sample(1, 150), earlier, sample(2, 80)]), "it has changed its mind");
        assert!(!opens(&[sample(1, 150), sample(2, 80), earlier]), "in any order");
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = VitalsSettings::SIMULATED;
        let refused = |settings: VitalsSettings| Vitals::new(settings).unwrap_err().setting;
        let cases = [
            (VitalsSettings { age_max: Micros::ZERO, ..simulated }, "age_max"),
            (VitalsSettings { age_max: Micros::from_secs(61), ..simulated }, "age_max"),
            (VitalsSettings { skew: SAMPLE_AGE_MAX, ..simulated }, "skew"),
            (VitalsSettings { sources_min: 1, ..simulated }, "sources_min"),
            (VitalsSettings { sources_min: 9, ..simulated }, "sources_min"),
            (VitalsSettings { normal_to: 50, ..simulated }, "normal_to"),
        ];
        for (settings, setting) in cases {
            assert_eq!(refused(settings), setting);
        }
    }
}
