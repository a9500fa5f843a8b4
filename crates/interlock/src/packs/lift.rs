//! The pack of lifts: no way over a sill that is not level and open, and always a way out.
//!
//! A sill is crossed inwards only while two fresh pieces of evidence say that the cabin is level and that the door is open
//! (LFT-001). Missing evidence denies entry, never exit: a robot that leaves goes on without it, slowly (LFT-004). Only what
//! is *known* to be wrong keeps it inside a cabin, and it stays known for `stuck_after` when its source falls silent; on
//! the sill nothing does, because a sill is no place to stay. A robot that waits too long is told to retreat (LFT-002).
//!
//! This pack is for robots near lifts; elsewhere the host says [`Side::Outside`] and [`Crossing::None`].

use sheepdog_core::{Evidence, Micros, MmPerS, Relation, RobotTime, StopCategory};

use crate::{
    ConfigError, Reading, SPEED_LIMIT,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, bad_for, cap, evidence, micros},
        rules::{LFT_001, LFT_002, LFT_003, LFT_004},
    },
};

/// Settings of a [`Lift`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiftSettings {
    /// How old evidence may be (LFT-001, LFT-003).
    pub fresh: Freshness,
    /// How long a robot waits for the door (LFT-002).
    pub stuck_after: Micros,
    /// The robot's own speed limit (LFT-004).
    pub speed_max: MmPerS,
    /// Speed limit when leaving over a sill that is not proven (LFT-004).
    pub speed_unsure: MmPerS,
}

impl LiftSettings {
    /// The settings of robots that we simulate; they describe no real robot.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        stuck_after: Micros::from_secs(30),
        speed_max: MmPerS(1_000),
        speed_unsure: MmPerS(150),
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        at_least("stuck_after", self.stuck_after.as_micros(), 1, "doors take time")?;
        let longest = Micros::from_secs(600).as_micros();
        at_most("stuck_after", self.stuck_after.as_micros(), longest, "somebody else needs the lift")?;
        let top = self.speed_max.0.into();
        at_most("speed_max", top, SPEED_LIMIT.0.into(), "faster robots are another machine")?;
        at_least("speed_unsure", self.speed_unsure.0.into(), 1, "leaving is never denied")?;
        at_most("speed_unsure", self.speed_unsure.0.into(), top, "it must not exceed speed_max")
    }
}

/// Where the footprint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Outside the cabin, off the sill.
    Outside,
    /// On the sill, with any part of it.
    OnSill,
    /// Inside the cabin, off the sill.
    Inside,
}

/// What the requested motion does to a sill before the robot could stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crossing {
    /// It does not reach one.
    #[default]
    None,
    /// It leads into the cabin.
    Entering,
    /// It leads out of the cabin, or off the sill to either side.
    Leaving,
}

/// What the robot knows of the lift it is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiftEvidence {
    /// Where it is.
    pub side: Option<Reading<Side>>,
    /// What the requested motion does.
    pub crossing: Crossing,
    /// Whether the cabin is level with this floor.
    pub is_level: Option<Reading<bool>>,
    /// Whether the door on this floor is fully open.
    pub is_open: Option<Reading<bool>>,
}

/// The lift pack of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, lift::*, rules::LFT_001}};
/// # fn main() -> Result<(), ConfigError> {
/// let mut lift = Lift::new(LiftSettings::SIMULATED)?;
/// let now = RobotTime::from_micros(1_000);
/// let silent = |side, crossing| LiftEvidence {
///     side: Some(Reading { taken: now, value: side }),
///     crossing,
///     ..LiftEvidence::default()
/// };
/// let entering = lift.rule(now, &silent(Side::Outside, Crossing::Entering)).ruling;
/// assert_eq!(entering.evidence().map(|why| why.rule), Some(LFT_001));
/// let leaving = lift.rule(now, &silent(Side::Inside, Crossing::Leaving)).ruling;
/// assert!(matches!(leaving, Ruling::Limit { speed: MmPerS(150), .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lift {
    settings: LiftSettings,
    waiting_since: Option<RobotTime>,
    stuck: Option<Evidence>,
    /// When the cabin was last said not to be level, and the door not to be open, and not the contrary since.
    refuted: [Option<RobotTime>; 2],
}

/// What is known of one thing that has to be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Proven,
    Refuted,
    Unknown,
}

impl Lift {
    /// A lift pack that has seen no lift yet.
    ///
    /// # Errors
    /// [`ConfigError`] as [`LiftSettings::validate`].
    pub fn new(settings: LiftSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings, waiting_since: None, stuck: None, refuted: [None; 2] })
    }

    /// Why the robot should give this lift up (LFT-002): back out, or, inside a cabin, call for help.
    pub const fn retreat(&self) -> Option<Evidence> {
        self.stuck
    }

    /// What it thinks of the evidence of one cycle. Constant time.
    pub fn rule(&mut self, now: RobotTime, evidence: &LiftEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        let side = judge.look(evidence.side, LFT_003);
        // Evidence that is not needed must not age the verdict.
        let mut looked = judge;
        let said = [evidence.is_level, evidence.is_open].map(|proof| looked.look(proof, LFT_001).ok());
        let proofs = self.proofs(now, said);
        if side != Ok(Side::Outside) || evidence.crossing != Crossing::None {
            judge = looked;
        }
        self.wait(now, side.ok(), evidence.crossing, proofs);
        self.cross(side, evidence.crossing, proofs, &mut judge);
        judge.verdict()
    }

    /// What is known by what was said now or, where nothing is said, lately.
    fn proofs(&mut self, now: RobotTime, said: [Option<bool>; 2]) -> [Proof; 2] {
        let mut proofs = [Proof::Unknown; 2];
        for ((proof, said), refuted) in proofs.iter_mut().zip(said).zip(&mut self.refuted) {
            *refuted = match said {
                Some(true) => None,
                Some(false) => Some(now),
                None => *refuted,
            };
            let is_remembered = refuted.is_some() && bad_for(*refuted, now) <= self.settings.stuck_after;
            *proof = match said {
                Some(true) => Proof::Proven,
                Some(false) => Proof::Refuted,
                None if is_remembered => Proof::Refuted,
                None => Proof::Unknown,
            };
        }
        proofs
    }

    /// Watches how long it waits for the proofs.
    fn wait(&mut self, now: RobotTime, side: Option<Side>, crossing: Crossing, proofs: [Proof; 2]) {
        let is_done =
            proofs == [Proof::Proven; 2] || (side == Some(Side::Outside) && crossing != Crossing::Entering);
        let is_wanted = crossing != Crossing::None || side == Some(Side::OnSill);
        self.waiting_since = match self.waiting_since {
            _ if is_done => None,
            None if is_wanted => Some(now),
            since => since,
        };
        let waited = micros(bad_for(self.waiting_since, now));
        let stuck = evidence(LFT_002, waited, Relation::Above, micros(self.settings.stuck_after));
        self.stuck = stuck.holds().then_some(stuck);
    }

    fn cross(&self, side: Result<Side, Evidence>, crossing: Crossing, proofs: [Proof; 2], judge: &mut Judge) {
        let proven = proofs.iter().filter(|proof| **proof == Proof::Proven).count();
        let unproven = evidence(LFT_001, i64::try_from(proven).unwrap_or(0), Relation::Below, 2);
        let stop = |judge: &mut Judge| {
            if let Some(stuck) = self.stuck {
                judge.stop(StopCategory::One, stuck);
            }
            judge.stop(StopCategory::One, unproven);
        };
        let leave = |judge: &mut Judge| {
            if unproven.holds() {
                let slow = self.settings.speed_unsure;
                judge.limit(slow, cap(LFT_004, self.settings.speed_max, slow));
            }
        };
        match (side, crossing) {
            (Ok(Side::Outside), Crossing::None | Crossing::Leaving) | (Ok(Side::Inside), Crossing::None) => {}
            (Ok(Side::Outside | Side::Inside | Side::OnSill), Crossing::Entering)
            | (Ok(Side::OnSill), Crossing::None) => stop(judge),
            (Ok(Side::OnSill), Crossing::Leaving) => leave(judge),
            (Ok(Side::Inside) | Err(_), Crossing::Leaving) => {
                if proofs.contains(&Proof::Refuted) {
                    stop(judge);
                }
                leave(judge);
            }
            (Err(unknown), Crossing::None | Crossing::Entering) => judge.stop(StopCategory::One, unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{limits, ms, read, stops},
    };

    fn lift() -> Lift {
        Lift::new(LiftSettings::SIMULATED).unwrap()
    }

    fn seen(now: RobotTime, side: Side, crossing: Crossing) -> LiftEvidence {
        LiftEvidence { side: read(now, side), crossing, is_level: read(now, true), is_open: read(now, true) }
    }

    #[test]
    fn with_a_level_cabin_and_an_open_door_every_way_is_free() {
        for side in [Side::Outside, Side::OnSill, Side::Inside] {
            for crossing in [Crossing::None, Crossing::Entering, Crossing::Leaving] {
                assert_eq!(lift().rule(ms(0), &seen(ms(0), side, crossing)).ruling, Ruling::Allow);
            }
        }
    }

    /// Who stands in a cabin and wants nothing waits for nothing; who stands on the sill does.
    #[test]
    fn only_who_wants_through_or_is_in_the_way_waits() {
        for (side, waits) in [(Side::Inside, false), (Side::OnSill, true)] {
            let mut lift = lift();
            let mut rule = |millis, crossing| {
                let shut =
                    LiftEvidence { is_level: read(ms(millis), false), ..seen(ms(millis), side, crossing) };
                stops(lift.rule(ms(millis), &shut)) == Some(LFT_002)
            };
            rule(0, Crossing::None);
            assert_eq!(rule(60_000, Crossing::None), waits, "{side:?}");
            assert!(side == Side::OnSill || !rule(60_100, Crossing::Leaving), "it begins to wait only now");
        }
    }

    /// The whole table: entry asks for two proofs, exit is denied only inside and only by what is known.
    #[test]
    fn missing_evidence_denies_entry_and_never_exit() {
        let says = |known: Option<bool>| known.and_then(|value| read(ms(0), value));
        for level in [Some(true), Some(false), None] {
            for open in [Some(true), Some(false), None] {
                for side in [Side::Outside, Side::OnSill, Side::Inside] {
                    for crossing in [Crossing::None, Crossing::Entering, Crossing::Leaving] {
                        let told = LiftEvidence {
                            is_level: says(level),
                            is_open: says(open),
                            ..seen(ms(0), side, crossing)
                        };
                        let verdict = lift().rule(ms(0), &told);
                        let (proven, refuted) = (
                            (level, open) == (Some(true), Some(true)),
                            level == Some(false) || open == Some(false),
                        );
                        let (denied, slowed) = match (side, crossing) {
                            (_, Crossing::Entering) | (Side::OnSill, Crossing::None) => (!proven, false),
                            (Side::Inside, Crossing::Leaving) => (refuted, !proven && !refuted),
                            (Side::OnSill, Crossing::Leaving) => (false, !proven),
                            (Side::Outside | Side::Inside, _) => (false, false),
                        };
                        assert_eq!(stops(verdict), denied.then_some(LFT_001), "{told:?}");
                        assert_eq!(limits(verdict), slowed.then_some((LFT_004, 150)), "{told:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn proofs_and_the_side_are_fresh() {
        let now = ms(1_000);
        for (taken, counts) in [(799_999, false), (800_000, true), (1_005_000, true), (1_005_001, false)] {
            let taken = RobotTime::from_micros(taken);
            let fresh = seen(now, Side::Outside, Crossing::Entering);
            for old in [
                LiftEvidence { is_level: read(taken, true), ..fresh },
                LiftEvidence { is_open: read(taken, true), ..fresh },
            ] {
                assert_eq!(stops(lift().rule(now, &old)), (!counts).then_some(LFT_001), "{taken}");
            }
            for crossing in [Crossing::None, Crossing::Entering] {
                let old = LiftEvidence { side: read(taken, Side::Outside), crossing, ..fresh };
                assert_eq!(stops(lift().rule(now, &old)), (!counts).then_some(LFT_003), "{taken}");
            }
        }
        let lost = LiftEvidence { crossing: Crossing::Leaving, ..LiftEvidence::default() };
        assert_eq!(limits(lift().rule(now, &lost)), Some((LFT_004, 150)), "whoever knows nothing may leave");
        assert_eq!(stops(lift().rule(now, &LiftEvidence::default())), Some(LFT_003));
    }

    #[test]
    fn evidence_that_is_not_needed_does_not_age_the_verdict() {
        let told =
            LiftEvidence { is_level: read(ms(850), true), ..seen(ms(1_000), Side::Outside, Crossing::None) };
        assert_eq!(lift().rule(ms(1_000), &told).taken, ms(1_000));
        let entering = LiftEvidence { crossing: Crossing::Entering, ..told };
        assert_eq!(lift().rule(ms(1_000), &entering).taken, ms(850));
    }

    #[test]
    fn a_stuck_door_makes_the_robot_retreat() {
        for told in [None, read(ms(0), false)] {
            let mut lift = lift();
            let shut = |now: RobotTime| LiftEvidence {
                is_open: told.map(|told| Reading { taken: now, ..told }),
                ..seen(now, Side::Outside, Crossing::Entering)
            };
            let now = RobotTime::from_micros;
            for (micros, stuck) in [(1, false), (30_000_000, false), (30_000_001, false), (30_000_002, true)]
            {
                let verdict = lift.rule(now(micros), &shut(now(micros)));
                assert_eq!(stops(verdict), Some(if stuck { LFT_002 } else { LFT_001 }), "{micros}");
                assert_eq!(lift.retreat().is_some(), stuck, "{micros}");
            }
            lift.rule(ms(31_000), &LiftEvidence { crossing: Crossing::None, ..shut(ms(31_000)) });
            assert_eq!(lift.retreat(), None, "it has retreated");
        }
    }

    #[test]
    fn inside_a_cabin_the_wait_goes_on_and_ends_with_proof() {
        let mut lift = lift();
        let inside = |millis: u64, crossing| LiftEvidence {
            is_open: read(ms(millis), false),
            ..seen(ms(millis), Side::Inside, crossing)
        };
        lift.rule(ms(0), &inside(0, Crossing::Leaving));
        lift.rule(ms(20_000), &inside(20_000, Crossing::None));
        assert_eq!(stops(lift.rule(ms(30_001), &inside(30_001, Crossing::Leaving))), Some(LFT_002));
        let open = seen(ms(30_100), Side::Inside, Crossing::Leaving);
        assert_eq!(lift.rule(ms(30_100), &open).ruling, Ruling::Allow);
        assert_eq!(lift.retreat(), None);
    }

    #[test]
    fn what_was_wrong_stays_wrong_for_a_while_when_nobody_speaks() {
        let mut lift = lift();
        let leaving = |now: RobotTime, told: Option<bool>| LiftEvidence {
            is_level: told.and_then(|level| read(now, level)),
            ..seen(now, Side::Inside, Crossing::Leaving)
        };
        let now = RobotTime::from_micros;
        lift.rule(now(0), &leaving(now(0), Some(false)));
        for (micros, denied) in [(1, true), (29_999_999, true), (30_000_000, true), (30_000_001, false)] {
            let verdict = lift.rule(now(micros), &leaving(now(micros), None));
            assert_eq!(stops(verdict), denied.then_some(LFT_001), "{micros}");
            assert_eq!(limits(verdict), (!denied).then_some((LFT_004, 150)), "{micros}");
        }
        lift.rule(ms(40_000), &leaving(ms(40_000), Some(false)));
        lift.rule(ms(40_100), &leaving(ms(40_100), Some(true)));
        assert_eq!(stops(lift.rule(ms(40_200), &leaving(ms(40_200), None))), None, "the contrary was said");
    }

    #[test]
    fn leaving_limits_only_who_could_be_faster() {
        for (own, limited) in [(150, None), (151, Some((LFT_004, 150)))] {
            let settings = LiftSettings { speed_max: MmPerS(own), ..LiftSettings::SIMULATED };
            let lost = LiftEvidence { is_open: None, ..seen(ms(0), Side::Inside, Crossing::Leaving) };
            assert_eq!(limits(Lift::new(settings).unwrap().rule(ms(0), &lost)), limited, "{own}");
        }
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = LiftSettings::SIMULATED;
        let refused = |settings: LiftSettings| Lift::new(settings).unwrap_err().setting;
        assert_eq!(refused(LiftSettings { stuck_after: Micros::ZERO, ..simulated }), "stuck_after");
        assert_eq!(refused(LiftSettings { stuck_after: Micros::from_secs(601), ..simulated }), "stuck_after");
        assert_eq!(refused(LiftSettings { speed_max: MmPerS(5_556), ..simulated }), "speed_max");
        assert_eq!(refused(LiftSettings { speed_unsure: MmPerS(0), ..simulated }), "speed_unsure");
        assert_eq!(refused(LiftSettings { speed_unsure: MmPerS(1_001), ..simulated }), "speed_unsure");
    }
}
