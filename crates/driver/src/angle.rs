//! Angles.

use std::f64::consts::{FRAC_PI_4, PI, TAU};

/// 45°.
pub(crate) const EIGHTH_TURN_RAD: f64 = FRAC_PI_4;

/// The same direction in `-π..=π`.
pub(crate) fn wrapped(angle_rad: f64) -> f64 {
    if angle_rad.abs() <= PI { angle_rad } else { angle_rad - TAU * libm::round(angle_rad / TAU) }
}
