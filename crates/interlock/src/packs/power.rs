//! The pack of power and heat: enough charge to move and to stop, and drives that are not too hot.
//!
//! A low charge (PWR-001) slows the robot and asks the host for a charger ([`Power::needs_charger`]); below a second one it
//! stops (PWR-002). Between two temperatures the speed limit falls in a straight line,
//! `v = v_hot + (v_max - v_hot)·(t_hot - t)/(t_hot - t_warm)`, rounded down (THM-001); above the higher it stops
//! (THM-002). Stops have a band of hysteresis, so that a robot at a limit does not stutter.
//!
//! Readings that come slower than [`Config::pack_age_max`](crate::Config::pack_age_max) have to be repeated by the driver
//! of the battery for as long as it still talks to it.

use sheepdog_core::{Evidence, MmPerS, Ppm, Relation, RobotTime, StopCategory};

use crate::{
    ConfigError, Reading, SPEED_LIMIT,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, evidence},
        rules::{PWR_001, PWR_002, PWR_003, THM_001, THM_002, THM_003},
    },
};

/// Settings of a [`Power`]. Temperatures are in millidegrees Celsius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerSettings {
    /// How old charge and temperature may be (PWR-003).
    pub fresh: Freshness,
    /// Below this charge the robot is slow and needs a charger (PWR-001).
    pub charge_low: Ppm,
    /// Below this charge nothing moves (PWR-002).
    pub charge_stop: Ppm,
    /// How much above them the charge must rise to be good again.
    pub charge_band: Ppm,
    /// The robot's own speed limit (THM-001).
    pub speed_max: MmPerS,
    /// Speed limit with a low charge (PWR-001).
    pub speed_low: MmPerS,
    /// Above this temperature the speed limit falls (THM-001).
    pub temperature_warm_mc: i32,
    /// Above this temperature nothing moves (THM-002).
    pub temperature_hot_mc: i32,
    /// How far below it the temperature must fall to be good again.
    pub temperature_band_mc: u32,
    /// Speed limit at `temperature_hot_mc` (THM-001).
    pub speed_hot: MmPerS,
    /// A lower temperature cannot be: the sensor is broken (THM-003).
    pub temperature_least_mc: i32,
}

impl PowerSettings {
    /// The settings of robots that we simulate; they describe no real robot.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        charge_low: share(200_000),
        charge_stop: share(80_000),
        charge_band: share(20_000),
        speed_max: MmPerS(1_000),
        speed_low: MmPerS(500),
        temperature_warm_mc: 60_000,
        temperature_hot_mc: 80_000,
        temperature_band_mc: 5_000,
        speed_hot: MmPerS(200),
        temperature_least_mc: -20_000,
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not. Temperatures are reported as millidegrees above
    /// `temperature_least_mc`.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        let (low, stop) = (self.charge_low.get().into(), self.charge_stop.get().into());
        at_least("charge_stop", stop, 1, "an empty battery stops nothing")?;
        at_least("charge_low", low, stop, "it is slow before it stops")?;
        let room = u64::from(Ppm::ONE.get()).saturating_sub(low);
        at_most("charge_band", self.charge_band.get().into(), room, "a full battery must be good")?;
        let top = self.speed_max.0.into();
        at_most("speed_max", top, SPEED_LIMIT.0.into(), "faster robots are another machine")?;
        at_most("speed_low", self.speed_low.0.into(), top, "it must not exceed speed_max")?;
        at_most("speed_hot", self.speed_hot.0.into(), top, "it must not exceed speed_max")?;
        let above = |temperature| u64::from(self.above_least(temperature));
        let (warm, hot) = (above(self.temperature_warm_mc), above(self.temperature_hot_mc));
        at_least("temperature_warm_mc", warm, 1, "it must be above temperature_least_mc")?;
        let warmer = warm.saturating_add(1);
        at_least("temperature_hot_mc", hot, warmer, "it must be above temperature_warm_mc")?;
        let band = u64::from(self.temperature_band_mc);
        at_most(
            "temperature_band_mc",
            band,
            hot.saturating_sub(warm),
            "it must end above temperature_warm_mc",
        )
    }

    /// A temperature as millidegrees above the least; zero below it.
    fn above_least(&self, temperature_mc: i32) -> u32 {
        let above = i64::from(temperature_mc).saturating_sub(self.temperature_least_mc.into());
        u32::try_from(above).unwrap_or(0)
    }
}

/// What the robot knows of its power and heat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerEvidence {
    /// The battery's state of charge.
    pub charge: Option<Reading<Ppm>>,
    /// The temperature of the hottest part, millidegrees Celsius.
    pub temperature_mc: Option<Reading<i32>>,
}

/// The pack of power and heat of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, power::*}};
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let mut power = Power::new(PowerSettings::SIMULATED)?;
/// let now = RobotTime::from_micros(1_000);
/// let seen = PowerEvidence {
///     charge: Some(Reading { taken: now, value: Ppm::new(700_000)? }),
///     temperature_mc: Some(Reading { taken: now, value: 70_000 }),
/// };
/// // Half-way between warm and hot: half-way between 1000 and 200 mm/s.
/// assert!(matches!(power.rule(now, &seen).ruling, Ruling::Limit { speed: MmPerS(600), .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Power {
    settings: PowerSettings,
    low: Option<Evidence>,
    is_empty: bool,
    is_hot: bool,
}

impl Power {
    /// A pack that knows nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] as [`PowerSettings::validate`].
    pub fn new(settings: PowerSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings, low: None, is_empty: false, is_hot: false })
    }

    /// Why the robot should be sent to a charger (PWR-001), as last known.
    pub const fn needs_charger(&self) -> Option<Evidence> {
        self.low
    }

    /// What it thinks of the evidence of one cycle. Constant time.
    pub fn rule(&mut self, now: RobotTime, evidence: &PowerEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        if let Some(charge) = judge.read(evidence.charge, PWR_003, StopCategory::One) {
            self.charge(charge, &mut judge);
        }
        if let Some(temperature) = judge.read(evidence.temperature_mc, PWR_003, StopCategory::One) {
            self.temperature(temperature, &mut judge);
        }
        judge.verdict()
    }

    fn charge(&mut self, charge: Ppm, judge: &mut Judge) {
        let PowerSettings { charge_low, charge_stop, charge_band, speed_low, .. } = self.settings;
        let below = |rule, limit: Ppm, was_below: bool| {
            let band = if was_below { charge_band.get() } else { 0 };
            let limit = limit.get().saturating_add(band);
            evidence(rule, charge.get().into(), Relation::Below, limit.into())
        };
        let empty = below(PWR_002, charge_stop, self.is_empty);
        let low = below(PWR_001, charge_low, self.low.is_some());
        self.is_empty = empty.holds();
        self.low = low.holds().then_some(low);
        judge.stop(StopCategory::One, empty);
        judge.limit(speed_low, low);
    }

    fn temperature(&mut self, temperature_mc: i32, judge: &mut Judge) {
        let settings = self.settings;
        let measured = i64::from(temperature_mc);
        let broken = evidence(THM_003, measured, Relation::Below, settings.temperature_least_mc.into());
        judge.stop(StopCategory::One, broken);
        // A broken sensor does not say that it has cooled down.
        let band = if self.is_hot { i64::from(settings.temperature_band_mc) } else { 0 };
        let limit = i64::from(settings.temperature_hot_mc).saturating_sub(band);
        let hot = evidence(THM_002, measured, Relation::Above, limit);
        self.is_hot = hot.holds() || (self.is_hot && broken.holds());
        judge.stop(StopCategory::One, hot);
        let warm = evidence(THM_001, measured, Relation::Above, settings.temperature_warm_mc.into());
        judge.limit(self.derated(temperature_mc), warm);
    }

    /// The speed limit at a temperature above warm.
    fn derated(&self, temperature_mc: i32) -> MmPerS {
        let PowerSettings {
            temperature_warm_mc: warm, temperature_hot_mc: hot, speed_max, speed_hot, ..
        } = self.settings;
        let above = |high: i32, low: i32| i64::from(high).saturating_sub(low.into()).max(0);
        let range = i64::from(speed_max.saturating_sub(speed_hot).0);
        let rest =
            range.saturating_mul(above(hot, temperature_mc)).checked_div(above(hot, warm)).unwrap_or(0);
        speed_hot.saturating_add(MmPerS(u32::try_from(rest).unwrap_or(0))).min(speed_max)
    }
}

const fn share(ppm: u32) -> Ppm {
    match Ppm::new(ppm) {
        Ok(share) => share,
        Err(_) => Ppm::ONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{limits, ms, read, stops},
    };

    fn power() -> Power {
        Power::new(PowerSettings::SIMULATED).unwrap()
    }

    fn seen(now: RobotTime, charge: u32, temperature_mc: i32) -> PowerEvidence {
        PowerEvidence {
            charge: read(now, Ppm::new(charge).unwrap()),
            temperature_mc: read(now, temperature_mc),
        }
    }

    fn once(charge: u32, temperature_mc: i32) -> PackVerdict {
        power().rule(ms(0), &seen(ms(0), charge, temperature_mc))
    }

    #[test]
    fn a_low_charge_slows_and_an_empty_one_stops() {
        for (charge, low) in [(199_999, true), (200_000, false), (200_001, false)] {
            assert_eq!(limits(once(charge, 20_000)), low.then_some((PWR_001, 500)), "{charge}");
        }
        for (charge, empty) in [(79_999, true), (80_000, false), (80_001, false)] {
            assert_eq!(stops(once(charge, 20_000)), empty.then_some(PWR_002), "{charge}");
        }
    }

    #[test]
    fn charge_is_good_again_above_its_band() {
        let mut power = power();
        power.rule(ms(0), &seen(ms(0), 79_000, 20_000));
        for (charge, empty) in [(99_999, true), (100_000, false), (80_000, false)] {
            let verdict = power.rule(ms(0), &seen(ms(0), charge, 20_000));
            assert_eq!(stops(verdict), empty.then_some(PWR_002), "{charge}");
        }
        for (charge, low) in [(219_999, true), (220_000, false), (200_000, false)] {
            let verdict = power.rule(ms(0), &seen(ms(0), charge, 20_000));
            assert_eq!(limits(verdict), low.then_some((PWR_001, 500)), "{charge}");
            assert_eq!(power.needs_charger().is_some(), low);
        }
    }

    #[test]
    fn speed_falls_with_heat_until_it_stops() {
        let cases = [
            (59_999, None),
            (60_000, None),
            (60_001, Some((THM_001, 999))),
            (70_000, Some((THM_001, 600))),
            (79_999, Some((THM_001, 200))),
            (80_000, Some((THM_001, 200))),
        ];
        for (temperature, limited) in cases {
            assert_eq!(limits(once(500_000, temperature)), limited, "{temperature}");
        }
        for (temperature, hot) in [(79_999, false), (80_000, false), (80_001, true), (i32::MAX, true)] {
            assert_eq!(stops(once(500_000, temperature)), hot.then_some(THM_002), "{temperature}");
        }
    }

    #[test]
    fn heat_is_over_below_its_band() {
        let mut power = power();
        let course = [
            (80_001, true),
            (75_001, true),
            (-20_001, true),
            (75_001, true),
            (75_000, false),
            (80_000, false),
        ];
        for (temperature, stopped) in course {
            let verdict = power.rule(ms(0), &seen(ms(0), 500_000, temperature));
            assert_eq!(stops(verdict).is_some(), stopped, "{temperature}");
        }
    }

    #[test]
    fn a_cut_wire_is_not_cold() {
        for (temperature, broken) in [(-20_001, true), (-20_000, false), (-19_999, false)] {
            assert_eq!(stops(once(500_000, temperature)), broken.then_some(THM_003), "{temperature}");
        }
    }

    #[test]
    fn charge_and_temperature_are_known_freshly() {
        let now = ms(1_000);
        for (taken, counts) in [(799_999, false), (800_000, true), (1_005_000, true), (1_005_001, false)] {
            let taken = RobotTime::from_micros(taken);
            let (old, fresh) = (seen(taken, 500_000, 20_000), seen(now, 500_000, 20_000));
            for mixed in [
                PowerEvidence { charge: old.charge, ..fresh },
                PowerEvidence { temperature_mc: old.temperature_mc, ..fresh },
            ] {
                assert_eq!(stops(power().rule(now, &mixed)), (!counts).then_some(PWR_003), "{taken}");
            }
        }
        assert_eq!(stops(power().rule(now, &PowerEvidence::default())), Some(PWR_003));
        let verdict =
            power().rule(now, &PowerEvidence { charge: seen(ms(900), 500_000, 0).charge, ..seen(now, 0, 0) });
        assert_eq!(verdict, PackVerdict::new(ms(900), Ruling::Allow));
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = PowerSettings::SIMULATED;
        let refused = |settings: PowerSettings| Power::new(settings).unwrap_err().setting;
        let cases = [
            (PowerSettings { charge_stop: Ppm::ZERO, ..simulated }, "charge_stop"),
            (PowerSettings { charge_low: share(79_999), ..simulated }, "charge_low"),
            (PowerSettings { charge_band: share(800_001), ..simulated }, "charge_band"),
            (PowerSettings { speed_max: MmPerS(5_556), ..simulated }, "speed_max"),
            (PowerSettings { speed_low: MmPerS(1_001), ..simulated }, "speed_low"),
            (PowerSettings { speed_hot: MmPerS(1_001), ..simulated }, "speed_hot"),
            (PowerSettings { temperature_warm_mc: -20_000, ..simulated }, "temperature_warm_mc"),
            (PowerSettings { temperature_hot_mc: 60_000, ..simulated }, "temperature_hot_mc"),
            (PowerSettings { temperature_band_mc: 20_001, ..simulated }, "temperature_band_mc"),
        ];
        for (settings, setting) in cases {
            assert_eq!(refused(settings), setting);
        }
    }
}
