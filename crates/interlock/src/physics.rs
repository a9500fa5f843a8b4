//! Stopping distance and its inverse, in integers that only ever round to the safe side.

use sheepdog_core::{Micros, Mm, MmPerS, MmPerS2};

const MICROS_PER_S: u128 = 1_000_000;

/// Above this product of deceleration and reaction time no speed of 2 mm/s or more stops within any [`Mm`].
const REACTION_TERM_MAX: u128 = 1 << 63;

/// Distance a robot covers from the decision to stop until standstill, rounded up to a millimetre.
///
/// It keeps `speed` for `reaction`, then brakes evenly: `d = v·t + v²/(2·a)`
/// (source: `docs/safety.md`, "Stopping distance"). Integers only, constant time, no allocation.
///
/// Returns `None` when `deceleration` is zero or the distance exceeds [`Mm::MAX`].
///
/// ```
/// # use sheepdog_interlock::{stopping_distance, Mm, MmPerS, MmPerS2, Micros};
/// // 1 m/s, 120 ms from perception to motion, 0.8 m/s²: 120 mm + 625 mm.
/// let d = stopping_distance(MmPerS(1_000), Micros::from_millis(120), MmPerS2(800));
/// assert_eq!(d, Some(Mm(745)));
/// ```
pub const fn stopping_distance(speed: MmPerS, reaction: Micros, deceleration: MmPerS2) -> Option<Mm> {
    // Both terms over the common denominator 2·a·10⁶, so that only the sum is rounded.
    let (speed, deceleration) = (speed.0 as u128, deceleration.0 as u128);
    let twice = deceleration.saturating_mul(2);
    let Some(reacting) = speed.saturating_mul(reaction.as_micros() as u128).checked_mul(twice) else {
        return None;
    };
    let braking = speed.saturating_mul(speed).saturating_mul(MICROS_PER_S);
    let denominator = twice.saturating_mul(MICROS_PER_S);
    let (Some(sum), 1..) = (reacting.checked_add(braking), denominator) else {
        return None;
    };
    let distance = sum.div_ceil(denominator);
    if distance <= Mm::MAX.0 as u128 { Some(Mm(truncate(distance))) } else { None }
}

/// A speed from which a robot stops within `distance`, at most 2 mm/s below the highest such speed.
///
/// The closed-form inverse of [`stopping_distance`]: `v = √((a·t)² + 2·a·d) - a·t`, with `a·t` rounded up and the
/// root rounded down. Zero when `deceleration` is zero. Integers only, constant time, no allocation.
///
/// ```
/// # use sheepdog_interlock::{speed_for_distance, stopping_distance, Micros, Mm, MmPerS, MmPerS2};
/// let (reaction, deceleration) = (Micros::from_millis(350), MmPerS2(1_000));
/// let speed = speed_for_distance(Mm(1_185), reaction, deceleration);
/// assert_eq!(speed, MmPerS(1_228));
/// assert!(stopping_distance(speed, reaction, deceleration) <= Some(Mm(1_185)));
/// ```
pub const fn speed_for_distance(distance: Mm, reaction: Micros, deceleration: MmPerS2) -> MmPerS {
    speed_for_separation(distance, reaction, deceleration, MmPerS::ZERO)
}

/// A speed from which a robot stands before somebody who is `distance` away and comes closer at `approach` has reached
/// it, at most 2 mm/s below the highest such speed.
///
/// Until the robot stands, the person walks `h·(t + v/a)` (source: ISO/TS 15066, the sum for speed and separation
/// monitoring), so `v = √((a·t + h)² + 2·a·(d - h·t)) - (a·t + h)`; zero when `d ≤ h·t`. Everything is rounded to the
/// safe side. With `approach` zero it is [`speed_for_distance`].
///
/// ```
/// # use sheepdog_interlock::{speed_for_separation, Micros, Mm, MmPerS, MmPerS2};
/// // A person at 1.6 m/s, 2 m away less half a metre of margin: 0.43 m/s and no more.
/// let (reaction, deceleration) = (Micros::from_millis(350), MmPerS2(1_000));
/// let speed = speed_for_separation(Mm(1_500), reaction, deceleration, MmPerS(1_600));
/// assert_eq!(speed, MmPerS(433));
/// ```
pub const fn speed_for_separation(
    distance: Mm,
    reaction: Micros,
    deceleration: MmPerS2,
    approach: MmPerS,
) -> MmPerS {
    let (acceleration, reaction) = (deceleration.0 as u128, reaction.as_micros() as u128);
    let walked = (approach.0 as u128).saturating_mul(reaction).div_ceil(MICROS_PER_S);
    let Some(left) = (distance.0 as u128).checked_sub(walked) else {
        return MmPerS::ZERO;
    };
    let term =
        acceleration.saturating_mul(reaction).div_ceil(MICROS_PER_S).saturating_add(approach.0 as u128);
    if REACTION_TERM_MAX <= term {
        return MmPerS::ZERO;
    }
    let braking = acceleration.saturating_mul(2).saturating_mul(left);
    let root = term.saturating_mul(term).saturating_add(braking).isqrt();
    MmPerS(truncate(root.saturating_sub(term)))
}

/// `value` as `u32`, held at its maximum.
#[expect(clippy::cast_possible_truncation, reason = "compared with the maximum first")]
const fn truncate(value: u128) -> u32 {
    if value <= u32::MAX as u128 { value as u32 } else { u32::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The speed stops within the distance, and two millimetres per second more do not.
        #[test]
        fn speed_for_distance_inverts_stopping_distance(
            distance in prop_oneof![0_u32..20_000, any::<u32>()],
            reaction in prop_oneof![0_u64..2_000_000, any::<u64>()],
            deceleration in prop_oneof![1_u32..5_000, any::<u32>()],
        ) {
            let (distance, reaction, deceleration) = (Mm(distance), Micros::new(reaction), MmPerS2(deceleration));
            let speed = speed_for_distance(distance, reaction, deceleration);
            if deceleration == MmPerS2::ZERO {
                prop_assert_eq!(speed, MmPerS::ZERO);
                return Ok(());
            }
            let needed = stopping_distance(speed, reaction, deceleration).unwrap();
            prop_assert!(needed <= distance, "{needed} > {distance}");
            if let Some(faster) = speed.checked_add(MmPerS(2)) {
                let needed = stopping_distance(faster, reaction, deceleration);
                prop_assert!(needed.is_none_or(|needed| distance < needed));
            }
        }

        /// A longer reaction, a weaker brake and a shorter distance never allow a higher speed.
        #[test]
        fn worse_circumstances_never_allow_more_speed(
            distance in 0_u32..20_000, reaction in 0_u64..2_000_000, deceleration in 1_u32..5_000,
            less in 0_u32..500, later in 0_u64..500_000,
        ) {
            let best = speed_for_distance(Mm(distance), Micros::new(reaction), MmPerS2(deceleration));
            let late = speed_for_distance(Mm(distance), Micros::new(reaction + later), MmPerS2(deceleration));
            let near = speed_for_distance(
                Mm(distance.saturating_sub(less)), Micros::new(reaction), MmPerS2(deceleration));
            prop_assert!(late <= best && near <= best);
        }

        /// The integers agree with the formula in floats, and never promise less than it.
        #[test]
        fn stopping_distance_agrees_with_the_formula(
            speed in 0_u32..6_000, reaction in 0_u32..1_000_000, deceleration in 1_u32..5_000,
        ) {
            let (v, t, a) = (f64::from(speed), f64::from(reaction) / 1e6, f64::from(deceleration));
            let exact = v * t + v * v / (2.0 * a);
            let d = stopping_distance(MmPerS(speed), Micros::new(u64::from(reaction)), MmPerS2(deceleration));
            let d = f64::from(d.unwrap().0);
            prop_assert!(exact - 1e-6 <= d && d < exact + 1.0 + 1e-6);
        }
    }

    proptest! {
        /// Robot and person together stay within the distance, by the sum of the source in floats; 3 mm/s more do not.
        #[test]
        fn an_approaching_person_is_not_reached(
            distance in 0_u32..20_000, reaction in 0_u64..1_000_000, deceleration in 1_u32..5_000, approach in 0_u32..3_000,
        ) {
            let speed =
                speed_for_separation(Mm(distance), Micros::new(reaction), MmPerS2(deceleration), MmPerS(approach));
            let (t, a, h) = (f64::from(u32::try_from(reaction).unwrap()) / 1e6, f64::from(deceleration), f64::from(approach));
            let needed = |v: f64| h * (t + v / a) + v * t + v * v / (2.0 * a);
            let v = f64::from(speed.0);
            prop_assert!(speed == MmPerS::ZERO || needed(v) <= f64::from(distance) + 1e-6);
            if h * t + 1.0 < f64::from(distance) {
                prop_assert!(f64::from(distance) < needed(v + 3.0) + h / a + 1.0, "{v}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_has_no_distance() {
        assert_eq!(stopping_distance(MmPerS(1), Micros::ZERO, MmPerS2(0)), None);
        assert_eq!(stopping_distance(MmPerS::MAX, Micros::MAX, MmPerS2::MAX), None);
        assert_eq!(stopping_distance(MmPerS(0), Micros::MAX, MmPerS2(1)), Some(Mm(0)));
    }

    #[test]
    fn the_published_table_comes_out() {
        // Static person, 1.0 m/s², 350 ms, 315 mm taken off: distance ahead in metres, speed in m/s.
        let table = [(500, 350), (700, 590), (1_000, 870), (1_500, 1_230), (2_000, 1_520), (6_000, 3_040)];
        for (distance, expected) in table {
            let speed = speed_for_distance(Mm(distance - 315), Micros::from_millis(350), MmPerS2(1_000));
            assert!(speed.0.abs_diff(expected) <= 5, "{distance} mm: {speed}");
        }
    }
}
