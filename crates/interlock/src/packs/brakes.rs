//! The pack of brakes and tilt: what the brakes really do, how steep the floor is, and whether the load stays put.
//!
//! Every stop under full brakes is an observation: `a = v²/(2·d)` from the speed at which the brakes began to act and the
//! way from there, rounded down. Of the last [`WINDOW`] the 5th percentile counts, which is the smallest of fewer than 20:
//! below 80 % of the declared deceleration the robot is slow, below 60 % it latches (BRK-001).
//!
//! [`Brakes::braking`] says what to count on, for [`Input::braking`](crate::Input::braking):
//! `a = min(declared, observed) · 80 % · min(1, m_declared/m) - g·sin θ`, everything rounded to the safe side. The
//! payload factor holds for brakes of constant force; the sine is replaced by its angle, which is larger, and `g` is the
//! largest on Earth, 9.84 m/s². An unknown load counts as the largest, an unknown tilt as the steepest allowed.
//!
//! TIL-001 stops on a tilt, TIL-002 and TIL-004 latch when the load shifts or is lost while the robot drives.

use sheepdog_core::{Evidence, Micros, Mm, MmPerS, MmPerS2, Relation, RobotTime, StopCategory};

use crate::{
    Braking, ConfigError, Reading,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, evidence, length_up},
        rules::{BRK_001, TIL_001, TIL_002, TIL_003, TIL_004},
    },
};

/// How many observed stops are remembered.
pub const WINDOW: usize = 64;

/// `9_840 mm/s² · π/180_000` per millidegree, times a million and rounded up.
const SLOPE_PER_MDEG_MILLIONTHS: u64 = 171_741;

/// Settings of [`Brakes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrakeSettings {
    /// How old tilt, load and speed may be (TIL-003).
    pub fresh: Freshness,
    /// The deceleration that was measured at commissioning, on the level and with `mass_declared_g`. It should be
    /// [`Config::deceleration`](crate::Config::deceleration).
    pub declared: MmPerS2,
    /// Delay until the brakes act.
    pub delay: Micros,
    /// Mass of robot and load when `declared` was measured, grams.
    pub mass_declared_g: u32,
    /// Mass of the robot without load, grams.
    pub mass_empty_g: u32,
    /// The largest load, counted when it is not known, grams.
    pub payload_max_g: u32,
    /// Share of the deceleration that is counted on, percent.
    pub margin_percent: u32,
    /// Share of the declared deceleration below which the robot is slow (BRK-001), percent.
    pub slow_percent: u32,
    /// Share of the declared deceleration below which it latches (BRK-001), percent.
    pub latch_percent: u32,
    /// How many stops must have been observed before they are judged (BRK-001).
    pub stops_min: u8,
    /// Stops from below this speed are too short to measure.
    pub observed_from: MmPerS,
    /// Speed limit with worn brakes (BRK-001).
    pub speed_worn: MmPerS,
    /// The steepest tilt, millidegrees (TIL-001).
    pub tilt_max_mdeg: u32,
    /// How the load is watched; `None` for a robot that does not weigh it, and then it counts as the largest.
    pub load: Option<LoadSettings>,
}

/// How a load is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSettings {
    /// By how much its centre may move while the robot drives (TIL-002).
    pub shift_max: Mm,
    /// How much lighter it may become while the robot drives, grams (TIL-004).
    pub loss_max_g: u32,
    /// The lightest load whose centre means anything, grams.
    pub mass_min_g: u32,
    /// Speed at or below which the robot stands, and may be loaded.
    pub standstill: MmPerS,
}

impl BrakeSettings {
    /// The settings of robots that we simulate; they describe no real robot.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        declared: MmPerS2(800),
        delay: Micros::from_millis(50),
        mass_declared_g: 120_000,
        mass_empty_g: 60_000,
        payload_max_g: 60_000,
        margin_percent: 80,
        slow_percent: 80,
        latch_percent: 60,
        stops_min: 5,
        observed_from: MmPerS(200),
        speed_worn: MmPerS(300),
        tilt_max_mdeg: 8_000,
        load: Some(LoadSettings {
            shift_max: Mm(50),
            loss_max_g: 1_000,
            mass_min_g: 2_000,
            standstill: MmPerS(20),
        }),
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        at_least("declared", self.declared.0.into(), 1, "a robot without brakes never stops")?;
        at_least("mass_empty_g", self.mass_empty_g.into(), 1, "every robot weighs something")?;
        let (declared, empty) = (self.mass_declared_g.into(), self.mass_empty_g.into());
        at_least("mass_declared_g", declared, empty, "it includes the robot")?;
        at_least("margin_percent", self.margin_percent.into(), 1, "no share of it stops nothing")?;
        at_most("margin_percent", self.margin_percent.into(), 100, "no brakes do more than they do")?;
        at_least("latch_percent", self.latch_percent.into(), 1, "no share of it is no check")?;
        let slow = self.slow_percent.into();
        at_most("slow_percent", slow, 100, "new brakes are not worn")?;
        at_most("latch_percent", self.latch_percent.into(), slow, "it is slow before it latches")?;
        at_least("stops_min", self.stops_min.into(), 1, "nothing has been observed then")?;
        at_most("stops_min", self.stops_min.into(), WINDOW as u64, "no more are remembered")?;
        at_least("observed_from", self.observed_from.0.into(), 1, "a robot that stands does not brake")?;
        at_most("tilt_max_mdeg", self.tilt_max_mdeg.into(), 30_000, "nothing is stable beyond it")
    }
}

/// One stop under full brakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedStop {
    /// Speed when the brakes began to act.
    pub from: MmPerS,
    /// Way from there until the robot stood.
    pub way: Mm,
}

/// How the robot stands, from level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tilt {
    /// About the y axis, millidegrees.
    pub pitch_mdeg: i32,
    /// About the x axis, millidegrees.
    pub roll_mdeg: i32,
}

/// What the robot carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its mass, grams.
    pub mass_g: u32,
    /// Its centre in `base_link` along x, millimetres.
    pub x_mm: i32,
    /// Its centre in `base_link` along y, millimetres.
    pub y_mm: i32,
}

/// What the robot knows of tilt and load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrakeEvidence {
    /// How it stands.
    pub tilt: Option<Reading<Tilt>>,
    /// What it carries; not looked at without [`BrakeSettings::load`].
    pub load: Option<Reading<Load>>,
    /// How fast it is; unknown counts as driving.
    pub speed: Option<Reading<MmPerS>>,
}

/// The pack of brakes and tilt of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, brakes::*, rules::BRK_001}};
/// # fn main() -> Result<(), ConfigError> {
/// let settings = BrakeSettings { load: None, stops_min: 1, ..BrakeSettings::SIMULATED };
/// let mut brakes = Brakes::new(settings)?;
/// let now = RobotTime::from_micros(1_000);
/// let level = Reading { taken: now, value: Tilt { pitch_mdeg: 0, roll_mdeg: 0 } };
/// let seen = BrakeEvidence { tilt: Some(level), ..BrakeEvidence::default() };
/// assert_eq!(brakes.braking(now, &seen).deceleration, MmPerS2(640));
///
/// // From 1 m/s within 800 mm: 625 mm/s², less than 80 % of the declared 800 mm/s².
/// brakes.observe(ObservedStop { from: MmPerS(1_000), way: Mm(800) });
/// assert_eq!(brakes.rule(now, &seen).ruling.evidence().map(|why| why.rule), Some(BRK_001));
/// assert_eq!(brakes.braking(now, &seen).deceleration, MmPerS2(500));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Brakes {
    settings: BrakeSettings,
    /// Decelerations, the newest first.
    stops: [Option<MmPerS2>; WINDOW],
    /// The load when the robot last stood, or was first weighed.
    reference: Option<Load>,
    was_driving: bool,
}

impl Brakes {
    /// A pack that has observed no stop yet.
    ///
    /// # Errors
    /// [`ConfigError`] as [`BrakeSettings::validate`].
    pub fn new(settings: BrakeSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings, stops: [None; WINDOW], reference: None, was_driving: true })
    }

    /// Takes in a stop under full brakes; those that are too short to measure are left out. Constant time.
    pub fn observe(&mut self, stop: ObservedStop) {
        let twice_the_way = u64::from(stop.way.0).saturating_mul(2);
        let square = u64::from(stop.from.0).saturating_mul(stop.from.0.into());
        if let Some(deceleration) = square.checked_div(twice_the_way)
            && self.settings.observed_from <= stop.from
        {
            self.stops.rotate_right(1);
            if let Some(newest) = self.stops.first_mut() {
                *newest = Some(MmPerS2(u32::try_from(deceleration).unwrap_or(u32::MAX)));
            }
        }
    }

    /// Forgets what was observed: the brakes were repaired and tested. Without it worn brakes stay worn.
    pub fn forget(&mut self) {
        self.stops = [None; WINDOW];
    }

    /// The 5th percentile of what was observed: of `n` stops the one with `n/20` smaller ones. Sorts [`WINDOW`] numbers.
    pub fn observed(&self) -> Option<MmPerS2> {
        let mut sorted = self.stops.map(|stop| stop.unwrap_or(MmPerS2::MAX));
        sorted.sort_unstable();
        let count = self.count();
        sorted.get(count / 20).copied().filter(|_| 0 < count)
    }

    /// What to count on now, for [`Input::braking`](crate::Input::braking).
    pub fn braking(&self, now: RobotTime, evidence: &BrakeEvidence) -> Braking {
        let mut judge = Judge::new(now, self.settings.fresh);
        let tilt = judge.look(evidence.tilt, TIL_003).map_or(self.settings.tilt_max_mdeg, Tilt::angle);
        let load = self.settings.load.and_then(|_| judge.look(evidence.load, TIL_003).ok());
        let load = load.map_or(self.settings.payload_max_g, |load| load.mass_g);
        Braking { deceleration: self.deceleration(tilt, load), delay: self.settings.delay }
    }

    /// What it thinks of the evidence of one cycle. Bounded by [`WINDOW`].
    pub fn rule(&mut self, now: RobotTime, evidence: &BrakeEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        self.wear(&mut judge);
        if let Some(tilt) = judge.read(evidence.tilt, TIL_003, StopCategory::One) {
            judge.stop(StopCategory::One, self.tilt(tilt));
        }
        if let Some(settings) = self.settings.load {
            self.load(settings, evidence, &mut judge);
        }
        judge.verdict()
    }

    fn count(&self) -> usize {
        self.stops.iter().flatten().count()
    }

    fn deceleration(&self, tilt_mdeg: u32, load_g: u32) -> MmPerS2 {
        let BrakeSettings { declared, mass_declared_g, mass_empty_g, margin_percent, .. } = self.settings;
        let best = self.observed().map_or(declared, |observed| observed.min(declared));
        let counted = u64::from(best.0).saturating_mul(margin_percent.into()) / 100;
        let mass = mass_empty_g.saturating_add(load_g).max(mass_declared_g);
        let laden = counted.saturating_mul(mass_declared_g.into()).checked_div(mass.into()).unwrap_or(0);
        let slope = u64::from(tilt_mdeg).saturating_mul(SLOPE_PER_MDEG_MILLIONTHS).div_ceil(1_000_000);
        MmPerS2(u32::try_from(laden.saturating_sub(slope)).unwrap_or(u32::MAX))
    }

    fn wear(&self, judge: &mut Judge) {
        let Some(observed) = self.observed().filter(|_| usize::from(self.settings.stops_min) <= self.count())
        else {
            return;
        };
        let below = |percent: u32| {
            let limit = u64::from(self.settings.declared.0).saturating_mul(percent.into()).div_ceil(100);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            evidence(BRK_001, observed.0.into(), Relation::Below, limit)
        };
        judge.latch(StopCategory::Zero, below(self.settings.latch_percent));
        judge.limit(self.settings.speed_worn, below(self.settings.slow_percent));
    }

    fn tilt(&self, tilt: Tilt) -> Evidence {
        evidence(TIL_001, tilt.angle().into(), Relation::Above, self.settings.tilt_max_mdeg.into())
    }

    fn load(&mut self, settings: LoadSettings, seen: &BrakeEvidence, judge: &mut Judge) {
        let Some(load) = judge.read(seen.load, TIL_003, StopCategory::One) else { return };
        let is_driving = judge.look(seen.speed, TIL_003).map_or(true, |speed| settings.standstill < speed);
        // What shifts while the robot brakes is seen when it stands.
        if let Some(before) = self.reference.filter(|_| is_driving || self.was_driving) {
            let lost = i64::from(before.mass_g.saturating_sub(load.mass_g));
            let loss = evidence(TIL_004, lost, Relation::Above, settings.loss_max_g.into());
            judge.latch(StopCategory::One, loss);
            if settings.mass_min_g <= before.mass_g.min(load.mass_g) {
                let moved = length_up(load.x_mm.abs_diff(before.x_mm), load.y_mm.abs_diff(before.y_mm));
                let shift = evidence(TIL_002, moved.into(), Relation::Above, settings.shift_max.0.into());
                judge.latch(StopCategory::One, shift);
            }
        }
        if !is_driving || self.reference.is_none() {
            self.reference = Some(load);
        }
        self.was_driving = is_driving;
    }
}

impl Tilt {
    /// Its angle from level in millidegrees, rounded up: at most the length of its two parts as a vector.
    ///
    /// ```
    /// # use sheepdog_interlock::packs::brakes::Tilt;
    /// assert_eq!(Tilt { pitch_mdeg: -3_000, roll_mdeg: 4_000 }.angle(), 5_000);
    /// ```
    pub fn angle(self) -> u32 {
        length_up(self.pitch_mdeg.unsigned_abs(), self.roll_mdeg.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{latches, limits, ms, read, stops},
    };
    use proptest::prelude::*;

    const LEVEL: Tilt = Tilt { pitch_mdeg: 0, roll_mdeg: 0 };
    const LOAD: Load = Load { mass_g: 20_000, x_mm: 0, y_mm: 10 };

    fn brakes() -> Brakes {
        Brakes::new(BrakeSettings::SIMULATED).unwrap()
    }

    fn seen(now: RobotTime) -> BrakeEvidence {
        BrakeEvidence { tilt: read(now, LEVEL), load: read(now, LOAD), speed: read(now, MmPerS(500)) }
    }

    /// A stop that shows a deceleration.
    fn stop(deceleration: u32) -> ObservedStop {
        // From 2·a mm/s the way is 2·a mm: a² · 4 / (2 · 2a) = a.
        ObservedStop { from: MmPerS(2 * deceleration), way: Mm(2 * deceleration) }
    }

    fn worn(decelerations: &[u32]) -> Brakes {
        let mut brakes = brakes();
        for deceleration in decelerations {
            brakes.observe(stop(*deceleration));
        }
        brakes
    }

    #[test]
    fn worn_brakes_slow_and_then_latch() {
        let cases = [(479, "latch"), (480, "limit"), (481, "limit"), (639, "limit"), (640, ""), (641, "")];
        for (deceleration, expected) in cases {
            let verdict = worn(&[deceleration; 5]).rule(ms(0), &seen(ms(0)));
            assert_eq!(latches(verdict), (expected == "latch").then_some(BRK_001), "{deceleration}");
            assert_eq!(limits(verdict), (expected == "limit").then_some((BRK_001, 300)), "{deceleration}");
        }
        let latched = worn(&[400; 5]).rule(ms(0), &seen(ms(0))).ruling;
        assert!(matches!(latched, Ruling::Latch { category: StopCategory::Zero, .. }));
    }

    #[test]
    fn too_few_stops_are_not_judged_but_counted_on() {
        for (count, judged) in [(4, false), (5, true), (6, true)] {
            let mut brakes = worn(&[400; 6][..count]);
            assert_eq!(latches(brakes.rule(ms(0), &seen(ms(0)))).is_some(), judged, "{count}");
            assert_eq!(brakes.braking(ms(0), &seen(ms(0))).deceleration, MmPerS2(320));
        }
    }

    #[test]
    fn stops_that_are_too_short_are_left_out() {
        for (from, counts) in [(199, false), (200, true), (201, true)] {
            let mut brakes = brakes();
            brakes.observe(ObservedStop { from: MmPerS(from), way: Mm(100) });
            assert_eq!(brakes.observed().is_some(), counts, "{from}");
        }
        let mut brakes = brakes();
        brakes.observe(ObservedStop { from: MmPerS(500), way: Mm(0) });
        assert_eq!(brakes.observed(), None);
    }

    #[test]
    fn repaired_brakes_are_new() {
        let mut brakes = worn(&[400; 5]);
        brakes.forget();
        assert_eq!(brakes.rule(ms(0), &seen(ms(0))).ruling, Ruling::Allow);
    }

    #[test]
    fn the_percentile_lets_one_in_twenty_be_worse() {
        for (good, expected) in [(18, 300), (19, 800), (38, 800)] {
            let mut decelerations = [800; 64];
            decelerations[0] = 300;
            assert_eq!(worn(&decelerations[..=good]).observed(), Some(MmPerS2(expected)), "{good}");
        }
    }

    #[test]
    fn the_window_forgets_the_oldest() {
        let mut brakes = worn(&[300; WINDOW]);
        (0..60).for_each(|_| brakes.observe(stop(800)));
        assert_eq!(brakes.observed(), Some(MmPerS2(300)), "4 of 64 are worse");
        brakes.observe(stop(800));
        assert_eq!(brakes.observed(), Some(MmPerS2(800)), "3 of 64 are worse");
    }

    #[test]
    fn a_tilt_above_the_limit_stops() {
        let cases =
            [(7_999, 0, false), (8_000, 0, false), (8_001, 0, true), (0, -8_001, true), (6_000, 6_000, true)];
        for (pitch_mdeg, roll_mdeg, stopped) in cases {
            let tilted = BrakeEvidence { tilt: read(ms(0), Tilt { pitch_mdeg, roll_mdeg }), ..seen(ms(0)) };
            let verdict = brakes().rule(ms(0), &tilted);
            assert_eq!(stops(verdict), stopped.then_some(TIL_001), "{pitch_mdeg} {roll_mdeg}");
        }
    }

    #[test]
    fn tilt_and_load_are_known_freshly() {
        let now = ms(1_000);
        for (taken, counts) in [(799_999, false), (800_000, true), (1_005_000, true), (1_005_001, false)] {
            let taken = RobotTime::from_micros(taken);
            for old in [
                BrakeEvidence { tilt: read(taken, LEVEL), ..seen(now) },
                BrakeEvidence { load: read(taken, LOAD), ..seen(now) },
            ] {
                let verdict = brakes().rule(now, &old);
                assert_eq!(stops(verdict), (!counts).then_some(TIL_003), "{taken}");
            }
        }
        for none in [BrakeEvidence { tilt: None, ..seen(now) }, BrakeEvidence { load: None, ..seen(now) }] {
            assert_eq!(stops(brakes().rule(now, &none)), Some(TIL_003));
        }
    }

    #[test]
    fn a_robot_that_does_not_weigh_its_load_needs_not_know_it() {
        let settings = BrakeSettings { load: None, ..BrakeSettings::SIMULATED };
        let mut brakes = Brakes::new(settings).unwrap();
        assert_eq!(brakes.rule(ms(0), &BrakeEvidence { load: None, ..seen(ms(0)) }).ruling, Ruling::Allow);
    }

    #[test]
    fn a_load_that_shifts_while_driving_latches() {
        for (x_mm, y_mm, shifted) in [(49, 10, false), (50, 10, false), (51, 10, true), (0, -41, true)] {
            let mut brakes = brakes();
            brakes.rule(ms(0), &seen(ms(0)));
            let there = Load { x_mm, y_mm, ..LOAD };
            let verdict =
                brakes.rule(ms(100), &BrakeEvidence { load: read(ms(100), there), ..seen(ms(100)) });
            assert_eq!(latches(verdict), shifted.then_some(TIL_002), "{x_mm} {y_mm}");
        }
    }

    #[test]
    fn a_load_that_is_lost_while_driving_latches() {
        for (mass_g, lost) in [(19_001, false), (19_000, false), (18_999, true), (0, true)] {
            let mut brakes = brakes();
            brakes.rule(ms(0), &seen(ms(0)));
            let lighter = Load { mass_g, ..LOAD };
            let verdict =
                brakes.rule(ms(100), &BrakeEvidence { load: read(ms(100), lighter), ..seen(ms(100)) });
            assert_eq!(latches(verdict), lost.then_some(TIL_004), "{mass_g}");
        }
    }

    /// What was loaded at a stand is what can be lost afterwards.
    #[test]
    fn the_load_of_the_last_stand_is_the_one_that_counts() {
        let mut brakes = brakes();
        let weigh = |brakes: &mut Brakes, millis: u64, speed: u32, mass_g: u32| {
            let now = ms(millis);
            let load = read(now, Load { mass_g, ..LOAD });
            brakes.rule(now, &BrakeEvidence { speed: read(now, MmPerS(speed)), load, ..seen(now) })
        };
        assert_eq!(latches(weigh(&mut brakes, 0, 0, 5_000)), None);
        assert_eq!(latches(weigh(&mut brakes, 100, 0, 40_000)), None);
        assert_eq!(latches(weigh(&mut brakes, 200, 500, 20_000)), Some(TIL_004));
    }

    #[test]
    fn a_robot_that_stands_may_be_loaded() {
        for (speed, stands) in
            [(read(ms(200), MmPerS(20)), true), (read(ms(200), MmPerS(21)), false), (None, false)]
        {
            let mut brakes = brakes();
            brakes.rule(ms(0), &seen(ms(0)));
            brakes.rule(ms(100), &BrakeEvidence { speed: read(ms(100), MmPerS(0)), ..seen(ms(100)) });
            let other = Load { mass_g: 3_000, x_mm: 300, y_mm: 0 };
            let verdict =
                brakes.rule(ms(200), &BrakeEvidence { load: read(ms(200), other), speed, ..seen(ms(200)) });
            assert_eq!(latches(verdict).is_none(), stands, "{speed:?}");
        }
    }

    #[test]
    fn what_shifts_in_the_moment_of_stopping_is_found() {
        let mut brakes = brakes();
        brakes.rule(ms(0), &seen(ms(0)));
        let there = Load { x_mm: 60, ..LOAD };
        let stood =
            BrakeEvidence { load: read(ms(100), there), speed: read(ms(100), MmPerS(0)), ..seen(ms(100)) };
        assert_eq!(latches(brakes.rule(ms(100), &stood)), Some(TIL_002));
        let later =
            BrakeEvidence { load: read(ms(200), there), speed: read(ms(200), MmPerS(0)), ..seen(ms(200)) };
        assert_eq!(brakes.rule(ms(200), &later).ruling, Ruling::Allow, "a person may reset it");
    }

    #[test]
    fn the_centre_of_no_load_means_nothing() {
        for (mass_g, shifted) in [(1_999, false), (2_000, true), (2_001, true)] {
            let mut brakes = brakes();
            let light = Load { mass_g, ..LOAD };
            brakes.rule(ms(0), &BrakeEvidence { load: read(ms(0), light), ..seen(ms(0)) });
            let there = BrakeEvidence { load: read(ms(0), Load { x_mm: 900, ..light }), ..seen(ms(0)) };
            assert_eq!(latches(brakes.rule(ms(0), &there)).is_some(), shifted, "{mass_g}");
        }
    }

    #[test]
    fn slope_and_payload_weaken_the_brakes() {
        let braking = |tilt, load| {
            let tilt = Tilt { pitch_mdeg: tilt, roll_mdeg: 0 };
            let load = Load { mass_g: load, ..LOAD };
            let known = BrakeEvidence { tilt: read(ms(0), tilt), load: read(ms(0), load), speed: None };
            brakes().braking(ms(0), &known).deceleration.0
        };
        assert_eq!(braking(0, 60_000), 640);
        assert_eq!(braking(0, 0), 640, "less than was declared does not help");
        assert_eq!(braking(0, 68_000), 600, "120/128");
        assert_eq!(braking(1_000, 60_000), 640 - 172);
        assert_eq!(braking(-1_000, 60_000), 640 - 172, "either way");
        assert_eq!(braking(4_000, 60_000), 0, "brakes that do not hold on the slope");
        let unknown = brakes().braking(ms(0), &BrakeEvidence::default());
        assert_eq!(
            unknown,
            Braking { deceleration: MmPerS2(0), delay: Micros::from_millis(50) },
            "8 degrees"
        );
    }

    proptest! {
        /// The integers never promise more than the formula in floats, and only a little less.
        #[test]
        fn braking_agrees_with_the_formula(
            observed in 100_u32..2_000, tilt in 0_i32..8_000, load in 0_u32..100_000,
        ) {
            let mut brakes = brakes();
            brakes.observe(stop(observed));
            let known = BrakeEvidence {
                tilt: read(ms(0), Tilt { pitch_mdeg: tilt, roll_mdeg: 0 }),
                load: read(ms(0), Load { mass_g: load, ..LOAD }),
                speed: None,
            };
            let payload = (120_000.0 / (60_000.0 + f64::from(load))).min(1.0);
            let slope = 9_806.65 * (f64::from(tilt) / 1_000.0).to_radians() .min(1.0);
            let exact = (f64::from(observed.min(800)) * 0.8 * payload - slope).max(0.0);
            let counted = f64::from(brakes.braking(ms(0), &known).deceleration.0);
            prop_assert!(counted <= exact && exact - counted < 9.0, "{counted} {exact}");
        }
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = BrakeSettings::SIMULATED;
        let refused = |settings: BrakeSettings| Brakes::new(settings).unwrap_err().setting;
        assert_eq!(refused(BrakeSettings { declared: MmPerS2(0), ..simulated }), "declared");
        assert_eq!(refused(BrakeSettings { mass_empty_g: 0, ..simulated }), "mass_empty_g");
        assert_eq!(refused(BrakeSettings { mass_declared_g: 59_999, ..simulated }), "mass_declared_g");
        assert_eq!(refused(BrakeSettings { margin_percent: 0, ..simulated }), "margin_percent");
        assert_eq!(refused(BrakeSettings { margin_percent: 101, ..simulated }), "margin_percent");
        assert_eq!(refused(BrakeSettings { latch_percent: 0, ..simulated }), "latch_percent");
        assert_eq!(refused(BrakeSettings { latch_percent: 81, ..simulated }), "latch_percent");
        assert_eq!(refused(BrakeSettings { slow_percent: 101, ..simulated }), "slow_percent");
        assert_eq!(refused(BrakeSettings { stops_min: 0, ..simulated }), "stops_min");
        assert_eq!(refused(BrakeSettings { stops_min: 65, ..simulated }), "stops_min");
        assert_eq!(refused(BrakeSettings { observed_from: MmPerS(0), ..simulated }), "observed_from");
        assert_eq!(refused(BrakeSettings { tilt_max_mdeg: 30_001, ..simulated }), "tilt_max_mdeg");
    }
}
