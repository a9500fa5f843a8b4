//! Angles.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, PI, TAU};

/// 180°, and a little for rounding: no direction is beyond it once it is [`wrapped`].
pub(crate) const HALF_TURN_RAD: f64 = PI + 1e-9;

/// 45°.
pub(crate) const EIGHTH_TURN_RAD: f64 = FRAC_PI_4;

/// The same direction in `-π..=π`.
pub(crate) fn wrapped(angle_rad: f64) -> f64 {
    if angle_rad.abs() <= PI { angle_rad } else { angle_rad - TAU * nearest(angle_rad / TAU).1 }
}

/// The whole number that is nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what is beyond all angles that a sensor shows stays a wrong angle"
)]
fn nearest(value: f64) -> (i64, f64) {
    let whole = (value + 0.5_f64.copysign(value)) as i64;
    (whole, whole as f64)
}

/// Sine and cosine of an angle of a few turns at most, each within 1e-10: finer than any beam's direction is known, at a quarter of the cost of
/// what is exact. The Taylor series about the nearest quarter turn.
pub(crate) fn sin_cos(angle_rad: f64) -> (f64, f64) {
    if !angle_rad.is_finite() {
        return (f64::NAN, f64::NAN);
    }
    let (quarters, turned) = nearest(angle_rad * FRAC_2_PI);
    let x = angle_rad - turned * FRAC_PI_2;
    let y = x * x;
    let sin = x
        * (1.0
            - y * (1.0 / 6.0)
                * (1.0
                    - y * (1.0 / 20.0)
                        * (1.0 - y * (1.0 / 42.0) * (1.0 - y * (1.0 / 72.0) * (1.0 - y * (1.0 / 110.0))))));
    let cos = 1.0
        - y * (1.0 / 2.0)
            * (1.0
                - y * (1.0 / 12.0)
                    * (1.0
                        - y * (1.0 / 30.0)
                            * (1.0
                                - y * (1.0 / 56.0) * (1.0 - y * (1.0 / 90.0) * (1.0 - y * (1.0 / 132.0))))));
    match quarters.rem_euclid(4) {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sine_and_cosine_are_close(angle_rad in -40.0..40.0_f64) {
            let (sin, cos) = sin_cos(angle_rad);
            prop_assert!((sin - libm::sin(angle_rad)).abs() < 1e-10);
            prop_assert!((cos - libm::cos(angle_rad)).abs() < 1e-10);
        }
    }

    #[test]
    fn what_is_no_angle_has_no_direction() {
        for angle_rad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let (sin, cos) = sin_cos(angle_rad);
            assert!(sin.is_nan() && cos.is_nan());
        }
    }
}
