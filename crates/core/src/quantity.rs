//! Integer quantities of the safety path: no NaN, no rounding up, the same bits on every machine.

use core::fmt;

/// Below this confidence nothing moves: 92.5 %.
pub const CONFIDENCE_STOP_MIN: Confidence = Confidence(925_000);

const PPM: u32 = 1_000_000;

macro_rules! quantity {
    ($($(#[$doc:meta])* $name:ident($repr:ty, $unit:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(pub $repr);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest value that fits.
            pub const MAX: Self = Self(<$repr>::MAX);

            /// The sum, or `None` when it does not fit.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The sum, held at the limits of the type.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, held at the limits of the type.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $unit), self.0)
            }
        }
    )*};
}

quantity! {
    /// A distance in millimetres.
    Mm(u32, "mm");
    /// A speed in millimetres per second, never negative: direction lives elsewhere.
    MmPerS(u32, "mm/s");
    /// A deceleration in millimetres per second squared, never negative.
    MmPerS2(u32, "mm/s²");
    /// An angle in milliradians, never negative.
    Mrad(u32, "mrad");
    /// An angular deceleration in milliradians per second squared, never negative.
    MradPerS2(u32, "mrad/s²");
    /// A yaw rate in milliradians per second, counter-clockwise positive.
    MradPerS(i32, "mrad/s");
}

/// A fraction in parts per million, at most one: a battery's state of charge, a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "u32", into = "u32"))]
pub struct Ppm(u32);

/// A fraction above one million parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PpmError(pub u32);

impl fmt::Display for PpmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ppm is more than the whole (1000000 ppm)", self.0)
    }
}

impl core::error::Error for PpmError {}

impl Ppm {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const ONE: Self = Self(PPM);

    /// A fraction of `ppm` parts per million.
    ///
    /// # Errors
    /// [`PpmError`] when `ppm` is above one million.
    pub const fn new(ppm: u32) -> Result<Self, PpmError> {
        if ppm <= PPM { Ok(Self(ppm)) } else { Err(PpmError(ppm)) }
    }

    /// Parts per million.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Ppm {
    type Error = PpmError;

    fn try_from(ppm: u32) -> Result<Self, PpmError> {
        Self::new(ppm)
    }
}

impl From<Ppm> for u32 {
    fn from(ppm: Ppm) -> Self {
        ppm.0
    }
}

impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04} %", self.0 / 10_000, self.0 % 10_000)
    }
}

/// Lower bound of the probability that no undetected obstacle is in a sector, in parts per million.
///
/// An integer, so it is never NaN and a threshold test cannot fail open.
///
/// ```
/// # use sheepdog_core::{Confidence, CONFIDENCE_STOP_MIN};
/// assert_eq!(Confidence::from_fraction(0.925).unwrap(), CONFIDENCE_STOP_MIN);
/// assert!(Confidence::from_fraction(0.925_f64.next_down()).unwrap() < CONFIDENCE_STOP_MIN);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "u32", into = "u32"))]
pub struct Confidence(u32);

/// Why a number is not a confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfidenceError {
    /// Not a number.
    NotANumber,
    /// Outside `0.0..=1.0`; 92.5 is a percentage, not a fraction.
    NotAFraction(f64),
    /// More than 1000000 parts per million.
    AboveOne(u32),
}

impl fmt::Display for ConfidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => write!(f, "confidence is not a number"),
            Self::NotAFraction(value) => write!(f, "confidence {value} is outside 0.0..=1.0"),
            Self::AboveOne(ppm) => write!(f, "confidence {ppm} ppm is above 1000000 ppm"),
        }
    }
}

impl core::error::Error for ConfidenceError {}

impl Confidence {
    /// No confidence: what a missing, stale or future-dated reading counts as.
    pub const NONE: Self = Self(0);
    /// Certainty.
    pub const FULL: Self = Self(PPM);

    /// A confidence of `ppm` parts per million.
    ///
    /// # Errors
    /// [`ConfidenceError::AboveOne`] when `ppm` is above one million.
    pub const fn from_ppm(ppm: u32) -> Result<Self, ConfidenceError> {
        if ppm <= PPM { Ok(Self(ppm)) } else { Err(ConfidenceError::AboveOne(ppm)) }
    }

    /// The largest `k` with `k / 1e6 <= fraction`: conversion never rounds up.
    ///
    /// `0.925_f64.next_down()` stays below the threshold and `0.925` is at it.
    ///
    /// # Errors
    /// [`ConfidenceError`] if `fraction` is NaN or outside `0.0..=1.0` (92.5 is not a fraction).
    pub fn from_fraction(fraction: f64) -> Result<Self, ConfidenceError> {
        check_fraction(fraction)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in 0..=1")]
        let guess = (fraction * f64::from(PPM)) as u32;
        // The product rounds, so the guess may be one off in either direction.
        let below = |k: &u32| f64::from(*k) / f64::from(PPM) <= fraction;
        Ok(Self(largest_below(guess, below)))
    }

    /// [`Confidence::from_fraction`] for sensors that speak `f32`: the largest `k` with `k as f32 / 1e6 <= fraction`.
    ///
    /// # Errors
    /// As [`Confidence::from_fraction`].
    pub fn from_fraction_f32(fraction: f32) -> Result<Self, ConfidenceError> {
        check_fraction(f64::from(fraction))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in 0..=1")]
        let guess = (f64::from(fraction) * f64::from(PPM)) as u32;
        #[expect(clippy::cast_precision_loss, reason = "integers up to 1e6 are exact in f32")]
        let below = |k: &u32| *k as f32 / PPM as f32 <= fraction;
        Ok(Self(largest_below(guess, below)))
    }

    /// Parts per million.
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

fn check_fraction(fraction: f64) -> Result<(), ConfidenceError> {
    if fraction.is_nan() {
        Err(ConfidenceError::NotANumber)
    } else if (0.0..=1.0).contains(&fraction) {
        Ok(())
    } else {
        Err(ConfidenceError::NotAFraction(fraction))
    }
}

/// The largest `k` near `guess` and at most one million for which `below` holds; zero if none does.
fn largest_below(guess: u32, below: impl Fn(&u32) -> bool) -> u32 {
    let highest = guess.saturating_add(2).min(PPM);
    (guess.saturating_sub(2)..=highest).rev().find(below).unwrap_or(0)
}

impl TryFrom<u32> for Confidence {
    type Error = ConfidenceError;

    fn try_from(ppm: u32) -> Result<Self, ConfidenceError> {
        Self::from_ppm(ppm)
    }
}

impl From<Confidence> for u32 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04} %", self.0 / 10_000, self.0 % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_six_digit_decimal_converts_exactly() {
        for ppm in 0..=PPM {
            let exact = Confidence::from_ppm(ppm).unwrap();
            assert_eq!(Confidence::from_fraction(f64::from(ppm) / 1e6), Ok(exact));
        }
    }

    #[test]
    fn the_value_below_the_threshold_stays_below_it() {
        assert!(Confidence::from_fraction(0.925_f64.next_down()).unwrap() < CONFIDENCE_STOP_MIN);
        assert!(Confidence::from_fraction_f32(0.925_f32.next_down()).unwrap() < CONFIDENCE_STOP_MIN);
        assert_eq!(Confidence::from_fraction(0.925), Ok(CONFIDENCE_STOP_MIN));
        assert_eq!(Confidence::from_fraction_f32(0.925), Ok(CONFIDENCE_STOP_MIN));
    }

    #[test]
    fn what_is_not_a_fraction_is_refused() {
        assert_eq!(Confidence::from_fraction(f64::NAN), Err(ConfidenceError::NotANumber));
        assert_eq!(Confidence::from_fraction(92.5), Err(ConfidenceError::NotAFraction(92.5)));
        assert_eq!(Confidence::from_fraction(-0.1), Err(ConfidenceError::NotAFraction(-0.1)));
        assert_eq!(Confidence::from_ppm(1_000_001), Err(ConfidenceError::AboveOne(1_000_001)));
    }

    proptest! {
        /// The result is the largest `k` whose quotient does not exceed the input, in the input's own type.
        #[test]
        fn conversion_is_the_largest_quotient_not_above(fraction in 0.0..=1.0_f64) {
            let k = Confidence::from_fraction(fraction).unwrap().ppm();
            prop_assert!(f64::from(k) / 1e6 <= fraction);
            prop_assert!(k == PPM || fraction < f64::from(k + 1) / 1e6);
        }

        /// The same in `f32`.
        #[test]
        fn f32_conversion_is_the_largest_quotient_not_above(fraction in 0.0..=1.0_f32) {
            let k = Confidence::from_fraction_f32(fraction).unwrap().ppm();
            #[expect(clippy::cast_precision_loss, reason = "integers up to 1e6 are exact in f32")]
            let quotient = |k: u32| k as f32 / 1e6;
            prop_assert!(quotient(k) <= fraction);
            prop_assert!(k == PPM || fraction < quotient(k + 1));
        }
    }
}
