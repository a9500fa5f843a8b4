//! Random numbers by counter: what is drawn depends on (seed, entity, step) and on nothing else.
//!
//! No generator is kept between steps, so neither the order in which robots are stepped nor the number of threads
//! can change a draw.

use rand::Rng;
use rand_pcg::Pcg32;

/// What a stream belongs to; the discriminant keeps streams of one number apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Messages to an agent.
    Downlink = 1,
    /// Messages from an agent.
    Uplink = 2,
    /// Confidence and range noise of a robot's beams.
    Beams = 3,
    /// Localisation error of a robot along x, y and yaw.
    ErrorX = 4,
    /// See [`Purpose::ErrorX`].
    ErrorY = 5,
    /// See [`Purpose::ErrorX`].
    ErrorYaw = 6,
    /// Offset of a robot's clock.
    Clock = 7,
    /// Answers of a person.
    Answer = 8,
    /// Noise that a fault adds to ranges.
    Noise = 9,
    /// What a scanner sees of its contour.
    Contour = 10,
    /// Faults of a swarm.
    Swarm = 11,
    /// Where somebody of a crowd goes next.
    Stroll = 12,
}

/// The generator of one entity at one step. Constant time.
pub(crate) fn stream(seed: u64, purpose: Purpose, entity: u32, step: u64) -> Pcg32 {
    let key = mix(mix(mix(seed) ^ ((purpose as u64) << 32 | u64::from(entity))) ^ step);
    Pcg32::new(key, step)
}

/// Whether an event of `permille` in a thousand happens; never for 0, always for 1000 and above.
pub(crate) fn happens(rng: &mut Pcg32, permille: u32) -> bool {
    (u64::from(rng.next_u32()) * 1_000) >> 32 < u64::from(permille)
}

/// A number in `-1.0..1.0`.
pub(crate) fn signed_unit(rng: &mut Pcg32) -> f64 {
    f64::from(rng.next_u32().cast_signed()) / 2_147_483_648.0
}

/// A number in `0..=most`.
pub(crate) fn up_to(rng: &mut Pcg32, most: u64) -> u64 {
    let wide = u128::from(rng.next_u64()) * (u128::from(most) + 1);
    u64::try_from(wide >> 64).unwrap_or(most)
}

/// A continuous error in `-1.0..1.0`: linear between independent values a second apart.
pub(crate) fn drift(seed: u64, purpose: Purpose, entity: u32, now_us: u64) -> f64 {
    const KNOT_US: u32 = 1_000_000;
    let knot = now_us / u64::from(KNOT_US);
    let at = |knot| signed_unit(&mut stream(seed, purpose, entity, knot));
    let into = u32::try_from(now_us % u64::from(KNOT_US)).unwrap_or(0);
    let share = f64::from(into) / f64::from(KNOT_US);
    at(knot) * (1.0 - share) + at(knot + 1) * share
}

/// The finaliser of `SplitMix64`: a bijection that changes about half of the bits for each bit changed.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn certain_and_impossible_events() {
        for step in 0..1_000 {
            let mut rng = stream(7, Purpose::Uplink, 3, step);
            assert!(!happens(&mut rng, 0));
            assert!(happens(&mut rng, 1_000));
        }
    }

    #[test]
    fn frequency_is_about_the_share_asked_for() {
        let hits = (0..10_000).filter(|&step| happens(&mut stream(1, Purpose::Answer, 0, step), 250)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }

    proptest! {
        /// Each key has its own stream, and the same key always has the same one.
        #[test]
        fn streams_differ_by_key(seed: u64, entity: u32, step in 0..u64::MAX) {
            let first = |seed, purpose, entity, step| stream(seed, purpose, entity, step).next_u64();
            let base = first(seed, Purpose::Uplink, entity, step);
            prop_assert_eq!(base, first(seed, Purpose::Uplink, entity, step));
            prop_assert_ne!(base, first(seed, Purpose::Downlink, entity, step));
            prop_assert_ne!(base, first(seed, Purpose::Uplink, entity, step + 1));
            prop_assert_ne!(base, first(seed, Purpose::Uplink, entity ^ 1, step));
        }

        /// The error is bounded and moves by at most two over a second.
        #[test]
        fn drift_is_bounded_and_continuous(seed: u64, now in 0..10_000_000_u64, later in 0..50_000_u64) {
            let a = drift(seed, Purpose::ErrorX, 1, now);
            let b = drift(seed, Purpose::ErrorX, 1, now + later);
            prop_assert!((-1.0..=1.0).contains(&a));
            prop_assert!((a - b).abs() <= 2.0 * 0.05 + 1e-9);
        }

        #[test]
        fn draws_stay_in_range(seed: u64, most: u64) {
            prop_assert!(up_to(&mut stream(seed, Purpose::Uplink, 0, 0), most) <= most);
        }
    }
}
