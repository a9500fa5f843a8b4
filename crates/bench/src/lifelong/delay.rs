//! When robots are delayed, and for how long.

use rand_pcg::{
    Pcg64,
    rand_core::{Rng as _, SeedableRng as _},
};

use super::instance::{DelayRule, Durations, Events};

/// The delays of all robots, tick by tick: a function of the instance's seed.
#[derive(Debug)]
pub(super) struct Delays {
    rule: DelayRule,
    random: Pcg64,
    /// Ticks for which each robot is still delayed.
    left: Vec<u32>,
    late: Vec<bool>,
}

impl Delays {
    pub(super) fn new(rule: &DelayRule, robots: usize) -> Self {
        let random = Pcg64::seed_from_u64(rule.seed);
        Self { rule: rule.clone(), random, left: vec![0; robots], late: vec![false; robots] }
    }

    /// Which robots make no progress in the next tick. A robot that is delayed meets no other delay.
    pub(super) fn next_tick(&mut self) -> &[bool] {
        // At least one event of a Poisson process in a tick, or one draw.
        let chance = match self.rule.events {
            Events::Bernoulli => self.rule.chance,
            Events::Poisson => 1.0 - libm::exp(-self.rule.chance),
        };
        for robot in 0..self.left.len() {
            let drawn = unit(&mut self.random) < chance;
            let left = self.left.get(robot).copied().unwrap_or(0);
            let left = if left == 0 && drawn { self.duration() } else { left };
            if let (Some(slot), Some(late)) = (self.left.get_mut(robot), self.late.get_mut(robot)) {
                *late = 0 < left;
                *slot = left.saturating_sub(1);
            }
        }
        &self.late
    }

    /// How many ticks a delay lasts.
    fn duration(&mut self) -> u32 {
        let (min, max) = (self.rule.min, self.rule.max);
        let span = f64::from(max - min);
        let drawn = match self.rule.durations {
            Durations::Uniform => libm::floor(unit(&mut self.random) * (span + 1.0)),
            Durations::Gaussian { mean, deviation } => {
                // Box and Muller.
                let radius = libm::sqrt(-2.0 * libm::log(1.0 - unit(&mut self.random)));
                let normal = radius * libm::cos(std::f64::consts::TAU * unit(&mut self.random));
                libm::round(span * (mean + deviation * normal))
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped between two u32"
        )]
        let ticks = drawn.clamp(0.0, span) as u32;
        min + ticks
    }
}

/// Evenly from 0 up to but not including 1.
fn unit(random: &mut Pcg64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let bits = (random.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_as_often_and_as_long_as_the_rule_says() {
        for (durations, mean) in
            [(Durations::Uniform, 4.0), (Durations::Gaussian { mean: 0.5, deviation: 0.1 }, 4.0)]
        {
            let rule =
                DelayRule { seed: 1, min: 2, max: 6, events: Events::Bernoulli, chance: 0.02, durations };
            let mut delays = Delays::new(&rule, 1_000);
            let late: u32 =
                (0..1_000).map(|_| delays.next_tick().iter().map(|&late| u32::from(late)).sum::<u32>()).sum();
            // A share p of the other ticks begins a delay of so many ticks on average.
            let expected = 1e6 * 0.02 * mean / (1.0 + 0.02 * mean);
            assert!((f64::from(late) / expected - 1.0).abs() < 0.03, "{late} {expected}");
        }
    }
}
