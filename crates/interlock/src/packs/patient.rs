//! The pack of patient handling: forces and torques by two channels, and no power cut while somebody is carried.
//!
//! Both channels of force (PAT-001) and of torque (PAT-002) have to be fresh (PAT-005). The larger magnitude counts
//! against the limit, and two that differ for too long stop the robot (PAT-006): nothing is averaged. The limits are the
//! integrator's, from their own risk assessment; no table of forces comes with this crate.
//!
//! Whether somebody is carried is known from the load, with hysteresis: from `carried_from_g` on, until it has been below
//! `released_below_g` for `released_for`. Not known is carried. While somebody is carried every stop of the robot,
//! whichever rule it comes from, is one of category 2: controlled, with power and posture kept (PAT-003). The kernel goes
//! on with that when this pack falls silent.

use sheepdog_core::{Micros, MmPerS, Relation, RobotTime, RuleId, StopCategory};

use crate::{
    ConfigError, Reading, SPEED_LIMIT,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, bad_for, cap, evidence, good_for, micros},
        rules::{PAT_001, PAT_002, PAT_003, PAT_004, PAT_005, PAT_006},
    },
};

/// Settings of a [`Patient`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatientSettings {
    /// How old a channel, the load and the phase may be (PAT-005).
    pub fresh: Freshness,
    /// The largest force, millinewtons (PAT-001).
    pub force_max_mn: u32,
    /// By how much the channels of force may differ, millinewtons (PAT-006).
    pub force_difference_mn: u32,
    /// The largest torque, millinewton metres (PAT-002).
    pub torque_max_mnm: u32,
    /// By how much the channels of torque may differ, millinewton metres (PAT-006).
    pub torque_difference_mnm: u32,
    /// How long channels may differ (PAT-006).
    pub difference_for: Micros,
    /// From this load on somebody is carried, grams (PAT-003).
    pub carried_from_g: u32,
    /// Below this load nobody is carried, grams (PAT-003).
    pub released_below_g: u32,
    /// How long the load must be below it (PAT-003).
    pub released_for: Micros,
    /// The robot's own speed limit (PAT-004).
    pub speed_max: MmPerS,
    /// Speed limit while somebody is carried (PAT-003).
    pub speed_carrying: MmPerS,
    /// Speed limit while somebody is lowered or handed over (PAT-004).
    pub speed_handover: MmPerS,
}

impl PatientSettings {
    /// The settings of robots that we simulate. They describe no real robot, and the round numbers for force and torque
    /// recommend nothing.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        force_max_mn: 100_000,
        force_difference_mn: 10_000,
        torque_max_mnm: 20_000,
        torque_difference_mnm: 2_000,
        difference_for: Micros::from_millis(100),
        carried_from_g: 5_000,
        released_below_g: 3_000,
        released_for: Micros::from_secs(1),
        speed_max: MmPerS(1_000),
        speed_carrying: MmPerS(300),
        speed_handover: MmPerS(100),
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        let (force, torque) = (self.force_max_mn.into(), self.torque_max_mnm.into());
        at_least("force_max_mn", force, 1, "nobody is handled without force")?;
        at_least("torque_max_mnm", torque, 1, "nobody is handled without torque")?;
        let why = "channels that differ by the limit know nothing about it";
        at_most("force_difference_mn", self.force_difference_mn.into(), force.saturating_sub(1), why)?;
        at_most("torque_difference_mnm", self.torque_difference_mnm.into(), torque.saturating_sub(1), why)?;
        at_most("difference_for", self.difference_for.as_micros(), 500_000, "one channel is not two")?;
        at_least("released_below_g", self.released_below_g.into(), 1, "nobody would ever be released")?;
        let released = self.released_below_g.into();
        at_least("carried_from_g", self.carried_from_g.into(), released, "hysteresis needs a band")?;
        at_least("released_for", self.released_for.as_micros(), 1, "no time is no check")?;
        let top = self.speed_max.0.into();
        at_most("speed_max", top, SPEED_LIMIT.0.into(), "faster robots are another machine")?;
        let carrying = self.speed_carrying.0.into();
        at_most("speed_carrying", carrying, top, "it must not exceed speed_max")?;
        at_most("speed_handover", self.speed_handover.0.into(), carrying, "it must not exceed speed_carrying")
    }
}

/// What the robot does with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Neither of the others.
    Driving,
    /// It lowers somebody.
    Lowering,
    /// It hands somebody over, or takes somebody over.
    HandingOver,
}

/// What the robot feels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatientEvidence {
    /// Two channels of the same force, millinewtons.
    pub force_mn: [Option<Reading<i32>>; 2],
    /// Two channels of the same torque, millinewton metres.
    pub torque_mnm: [Option<Reading<i32>>; 2],
    /// The load on its arms or seat, grams.
    pub load_g: Option<Reading<u32>>,
    /// What it does.
    pub phase: Option<Reading<Phase>>,
}

/// The pack of patient handling of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, patient::*}};
/// # fn main() -> Result<(), ConfigError> {
/// let mut patient = Patient::new(PatientSettings::SIMULATED)?;
/// let verdict = patient.rule(RobotTime::ZERO, &PatientEvidence::default());
/// assert!(matches!(verdict.ruling, Ruling::Stop { category: StopCategory::Two, .. }));
/// assert!(verdict.keep_power && patient.is_carrying());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Patient {
    settings: PatientSettings,
    is_carrying: bool,
    light_since: Option<RobotTime>,
    force: Pair,
    torque: Pair,
}

/// What is remembered of two channels.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    differing_since: Option<RobotTime>,
}

/// What two channels are compared with.
#[derive(Clone, Copy, Debug)]
struct Limits {
    rule: RuleId,
    most: u32,
    difference: u32,
    difference_for: Micros,
    category: StopCategory,
}

impl Patient {
    /// A pack that knows of nobody's absence yet, so that somebody counts as carried.
    ///
    /// # Errors
    /// [`ConfigError`] as [`PatientSettings::validate`].
    pub fn new(settings: PatientSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        let (force, torque) = (Pair::default(), Pair::default());
        Ok(Self { settings, is_carrying: true, light_since: None, force, torque })
    }

    /// Whether somebody is carried, or that is not known.
    pub const fn is_carrying(&self) -> bool {
        self.is_carrying
    }

    /// What it thinks of the evidence of one cycle. Constant time.
    pub fn rule(&mut self, now: RobotTime, evidence: &PatientEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        self.load(now, evidence, &mut judge);
        let settings = self.settings;
        let force = Limits {
            rule: PAT_001,
            most: settings.force_max_mn,
            difference: settings.force_difference_mn,
            difference_for: settings.difference_for,
            category: self.category(),
        };
        let torque = Limits {
            rule: PAT_002,
            most: settings.torque_max_mnm,
            difference: settings.torque_difference_mnm,
            ..force
        };
        self.force.fuse(now, force, evidence.force_mn, &mut judge);
        self.torque.fuse(now, torque, evidence.torque_mnm, &mut judge);
        self.phase(evidence, &mut judge);
        PackVerdict { keep_power: self.is_carrying, ..judge.verdict() }
    }

    /// How this pack stops: never by cutting power while somebody is carried.
    const fn category(&self) -> StopCategory {
        if self.is_carrying { StopCategory::Two } else { StopCategory::One }
    }

    fn load(&mut self, now: RobotTime, seen: &PatientEvidence, judge: &mut Judge) {
        let load = judge.look(seen.load_g, PAT_005);
        self.light_since = match load {
            Ok(load) if load < self.settings.released_below_g => self.light_since.or(Some(now)),
            Ok(_) | Err(_) => None,
        };
        self.is_carrying = match load {
            Ok(load) if self.settings.carried_from_g <= load => true,
            Ok(_) if self.light_since.is_some() => {
                self.is_carrying && good_for(self.light_since, now) < self.settings.released_for
            }
            Ok(_) => self.is_carrying,
            Err(_) => true,
        };
        if let Err(missing) = load {
            judge.stop(self.category(), missing);
        }
        let carried = evidence(PAT_003, self.is_carrying.into(), Relation::Equal, 1);
        judge.limit(self.settings.speed_carrying, carried);
    }

    fn phase(&self, seen: &PatientEvidence, judge: &mut Judge) {
        match judge.look(seen.phase, PAT_004) {
            Ok(Phase::Driving) => {}
            Ok(Phase::Lowering | Phase::HandingOver) | Err(_) => {
                let slow = self.settings.speed_handover;
                judge.limit(slow, cap(PAT_004, self.settings.speed_max, slow));
            }
        }
    }
}

impl Pair {
    /// Compares two channels with each other and the larger with its limit.
    fn fuse(
        &mut self,
        now: RobotTime,
        limits: Limits,
        channels: [Option<Reading<i32>>; 2],
        judge: &mut Judge,
    ) {
        let values = channels.map(|channel| judge.read(channel, PAT_005, limits.category));
        let larger = values.iter().flatten().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        let excess = evidence(limits.rule, larger.into(), Relation::Above, limits.most.into());
        judge.stop(limits.category, excess);
        if let [Some(one), Some(other)] = values {
            let differ = limits.difference < one.abs_diff(other);
            // Only two that agree end a disagreement; silence does not.
            self.differing_since = if differ { self.differing_since.or(Some(now)) } else { None };
        }
        let lasting = micros(bad_for(self.differing_since, now));
        let apart = evidence(PAT_006, lasting, Relation::Above, micros(limits.difference_for));
        judge.stop(limits.category, apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{limits, ms, read, stops},
    };

    fn seen(now: RobotTime, load_g: u32) -> PatientEvidence {
        PatientEvidence {
            force_mn: [read(now, 20_000), read(now, 21_000)],
            torque_mnm: [read(now, -3_000), read(now, -3_500)],
            load_g: read(now, load_g),
            phase: read(now, Phase::Driving),
        }
    }

    /// A pack that knows since an instant that nobody is carried.
    fn free(at: u64) -> Patient {
        let mut patient = Patient::new(PatientSettings::SIMULATED).unwrap();
        for millis in [at - 1_000, at] {
            patient.rule(ms(millis), &seen(ms(millis), 0));
        }
        assert!(!patient.is_carrying());
        patient
    }

    fn carrying(at: u64) -> Patient {
        let mut patient = Patient::new(PatientSettings::SIMULATED).unwrap();
        patient.rule(ms(at), &seen(ms(at), 40_000));
        patient
    }

    fn category(verdict: PackVerdict) -> Option<StopCategory> {
        match verdict.ruling {
            Ruling::Stop { category, .. } | Ruling::Latch { category, .. } => Some(category),
            Ruling::Allow | Ruling::Limit { .. } => None,
        }
    }

    #[test]
    fn nobody_carried_and_small_forces_allow() {
        let verdict = free(2_000).rule(ms(2_100), &seen(ms(2_050), 0));
        assert_eq!(verdict, PackVerdict::new(ms(2_050), Ruling::Allow));
    }

    #[test]
    fn the_larger_force_and_torque_count() {
        for (mn, stopped) in [(99_999, false), (100_000, false), (100_001, true), (-100_001, true)] {
            for channel in [0, 1] {
                let mut felt = seen(ms(2_100), 0);
                felt.force_mn[channel] = read(ms(2_100), mn);
                assert_eq!(stops(free(2_000).rule(ms(2_100), &felt)), stopped.then_some(PAT_001), "{mn}");
            }
        }
        for (mnm, stopped) in [(19_999, false), (20_000, false), (20_001, true), (-20_001, true)] {
            for channel in [0, 1] {
                let mut felt = seen(ms(2_100), 0);
                felt.torque_mnm[channel] = read(ms(2_100), mnm);
                assert_eq!(stops(free(2_000).rule(ms(2_100), &felt)), stopped.then_some(PAT_002), "{mnm}");
            }
        }
    }

    #[test]
    fn the_larger_counts_even_alone() {
        let mut felt = seen(ms(2_100), 0);
        felt.force_mn = [None, read(ms(2_100), 100_001)];
        let verdict = free(2_000).rule(ms(2_100), &felt);
        // Both rules stop; the missing channel was found first.
        assert_eq!(stops(verdict), Some(PAT_005));
    }

    #[test]
    fn channels_that_differ_for_too_long_stop() {
        let now = RobotTime::from_micros;
        for (other, differs) in [(30_000, false), (30_001, true), (9_999, true)] {
            let mut patient = free(2_000);
            for (micros, due) in [(2_100_000, false), (2_200_000, false), (2_200_001, true)] {
                let mut felt = seen(now(micros), 0);
                felt.force_mn[1] = read(now(micros), other);
                let verdict = patient.rule(now(micros), &felt);
                assert_eq!(stops(verdict), (differs && due).then_some(PAT_006), "{other} {micros}");
            }
            assert_eq!(
                patient.rule(ms(2_300), &seen(ms(2_300), 0)).ruling,
                Ruling::Allow,
                "they agree again"
            );
        }
        for (other, differs) in [(-5_000, false), (-5_001, true)] {
            let mut patient = free(2_000);
            let verdicts = [2_100, 2_250].map(|millis| {
                let mut felt = seen(ms(millis), 0);
                felt.torque_mnm[1] = read(ms(millis), other);
                stops(patient.rule(ms(millis), &felt))
            });
            assert_eq!(verdicts, [None, differs.then_some(PAT_006)], "{other}");
        }
    }

    #[test]
    fn silence_does_not_end_a_disagreement() {
        let mut patient = free(2_000);
        let mut felt = seen(ms(2_100), 0);
        felt.force_mn[1] = read(ms(2_100), 90_000);
        patient.rule(ms(2_100), &felt);
        let mut silent = seen(ms(2_201), 0);
        silent.force_mn[1] = None;
        patient.rule(ms(2_201), &silent);
        felt.force_mn = [read(ms(2_202), 20_000), read(ms(2_202), 90_000)];
        let mut again = seen(ms(2_202), 0);
        again.force_mn = felt.force_mn;
        assert_eq!(stops(patient.rule(ms(2_202), &again)), Some(PAT_006));
    }

    #[test]
    fn every_channel_is_fresh() {
        let now = ms(2_300);
        for (taken, counts) in [(2_099_999, false), (2_100_000, true), (2_305_000, true), (2_305_001, false)]
        {
            let taken = RobotTime::from_micros(taken);
            let fresh = seen(now, 0);
            let cases = [
                PatientEvidence { force_mn: [read(taken, 20_000), fresh.force_mn[1]], ..fresh },
                PatientEvidence { force_mn: [fresh.force_mn[0], read(taken, 20_000)], ..fresh },
                PatientEvidence { torque_mnm: [read(taken, -3_000), fresh.torque_mnm[1]], ..fresh },
                PatientEvidence { torque_mnm: [fresh.torque_mnm[0], read(taken, -3_000)], ..fresh },
                PatientEvidence { load_g: read(taken, 0), ..fresh },
            ];
            for felt in cases {
                let verdict = free(2_000).rule(now, &felt);
                assert_eq!(stops(verdict), (!counts).then_some(PAT_005), "{felt:?}");
            }
        }
    }

    #[test]
    fn somebody_is_carried_until_the_load_has_been_off_for_long() {
        let mut patient = Patient::new(PatientSettings::SIMULATED).unwrap();
        assert!(patient.is_carrying(), "not known is carried");
        let now = RobotTime::from_micros;
        let course = [
            (0, 2_999, true),
            (999_999, 2_999, true),
            (1_000_000, 2_999, false),
            (1_100_000, 4_999, false),
            (1_200_000, 5_000, true),
            (1_300_000, 3_000, true),
            (2_400_000, 3_000, true),
            (2_500_000, 2_999, true),
            (3_400_000, 3_000, true),
            (3_500_000, 2_999, true),
            (4_499_999, 2_999, true),
            (4_500_001, 2_999, false),
        ];
        for (micros, load, carried) in course {
            let verdict = patient.rule(now(micros), &seen(now(micros), load));
            assert_eq!((patient.is_carrying(), verdict.keep_power), (carried, carried), "{micros}");
            assert_eq!(limits(verdict), carried.then_some((PAT_003, 300)), "{micros}");
        }
    }

    #[test]
    fn a_lost_load_channel_is_a_carried_person() {
        let mut patient = free(2_000);
        let lost = PatientEvidence { load_g: None, ..seen(ms(2_100), 0) };
        let verdict = patient.rule(ms(2_100), &lost);
        assert_eq!((stops(verdict), category(verdict)), (Some(PAT_005), Some(StopCategory::Two)));
        assert!(verdict.keep_power && verdict.taken == ms(2_100));
    }

    #[test]
    fn no_stop_cuts_power_while_somebody_is_carried() {
        let now = ms(2_100);
        let strong = PatientEvidence { force_mn: [read(now, 200_000); 2], ..seen(now, 40_000) };
        let blind = PatientEvidence { torque_mnm: [None; 2], ..seen(now, 40_000) };
        for felt in [strong, blind, PatientEvidence::default()] {
            let verdict = carrying(2_000).rule(now, &felt);
            assert_eq!((category(verdict), verdict.keep_power), (Some(StopCategory::Two), true), "{felt:?}");
        }
        let empty = PatientEvidence { force_mn: [read(now, 200_000); 2], ..seen(now, 0) };
        let verdict = free(2_000).rule(now, &empty);
        assert_eq!((category(verdict), verdict.keep_power), (Some(StopCategory::One), false));
    }

    #[test]
    fn lowering_and_handing_over_are_slow() {
        let cases = [
            (read(ms(2_100), Phase::Driving), None),
            (read(ms(2_100), Phase::Lowering), Some((PAT_004, 100))),
            (read(ms(2_100), Phase::HandingOver), Some((PAT_004, 100))),
            (read(ms(1_900), Phase::Driving), None),
            (read(ms(1_899), Phase::Driving), Some((PAT_004, 100))),
            (None, Some((PAT_004, 100))),
        ];
        for (phase, limited) in cases {
            let verdict = free(2_000).rule(ms(2_100), &PatientEvidence { phase, ..seen(ms(2_100), 0) });
            assert_eq!(limits(verdict), limited, "{phase:?}");
        }
    }

    #[test]
    fn handing_over_limits_only_who_could_be_faster() {
        for (own, limited) in [(100, None), (101, Some((PAT_004, 100)))] {
            let (speed_max, speed_carrying) = (MmPerS(own), MmPerS(100));
            let settings = PatientSettings { speed_max, speed_carrying, ..PatientSettings::SIMULATED };
            let mut patient = Patient { settings, ..free(2_000) };
            let handing =
                PatientEvidence { phase: read(ms(2_100), Phase::HandingOver), ..seen(ms(2_100), 0) };
            assert_eq!(limits(patient.rule(ms(2_100), &handing)), limited, "{own}");
        }
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = PatientSettings::SIMULATED;
        let refused = |settings: PatientSettings| Patient::new(settings).unwrap_err().setting;
        let cases = [
            (PatientSettings { force_max_mn: 0, ..simulated }, "force_max_mn"),
            (PatientSettings { torque_max_mnm: 0, ..simulated }, "torque_max_mnm"),
            (PatientSettings { force_difference_mn: 100_000, ..simulated }, "force_difference_mn"),
            (PatientSettings { torque_difference_mnm: 20_000, ..simulated }, "torque_difference_mnm"),
            (PatientSettings { difference_for: Micros::from_secs(1), ..simulated }, "difference_for"),
            (PatientSettings { released_below_g: 0, ..simulated }, "released_below_g"),
            (PatientSettings { carried_from_g: 2_999, ..simulated }, "carried_from_g"),
            (PatientSettings { released_for: Micros::ZERO, ..simulated }, "released_for"),
            (PatientSettings { speed_max: MmPerS(5_556), ..simulated }, "speed_max"),
            (PatientSettings { speed_carrying: MmPerS(1_001), ..simulated }, "speed_carrying"),
            (PatientSettings { speed_handover: MmPerS(301), ..simulated }, "speed_handover"),
        ];
        for (settings, setting) in cases {
            assert_eq!(refused(settings), setting);
        }
    }
}
