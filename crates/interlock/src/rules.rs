//! The catalogue of this crate's rules, and sets of them.

use core::fmt;

use sheepdog_core::{Rule, RuleId, StopCategory};

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $category:expr, $text:literal, $rationale:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $name: RuleId = RuleId::new($id);
        )*

        /// Every rule of this crate, the most severe first: of several that fire, the first is the primary one.
        pub const RULES: &[Rule] = &[$(
            Rule { id: $name, text: $text, rationale: $rationale, category: $category },
        )*];
    };
}

const ZERO: Option<StopCategory> = Some(StopCategory::Zero);
const ONE: Option<StopCategory> = Some(StopCategory::One);
const TWO: Option<StopCategory> = Some(StopCategory::Two);

rules! {
    /// The record of a decision was refused.
    LOG_001 = "LOG-001", ZERO,
        "A decision whose record the log cannot take is a stop that latches (records taken, limit 1).",
        "Motion that leaves no record cannot be explained afterwards.";
    /// The clock went backwards.
    CLK_001 = "CLK-001", ZERO,
        "A clock that goes backwards latches a stop (\u{b5}s since the last step, limit 0).",
        "With such a clock every old reading looks fresh.";
    /// The emergency button on the robot.
    EST_003 = "EST-003", ZERO,
        "The pressed emergency button latches a stop (1 = pressed).",
        "The button's own circuit stops the robot; the interlock mirrors it so that release alone restarts nothing.";
    /// An emergency stop ordered by the fleet.
    EST_001 = "EST-001", ZERO,
        "A stop order above the last one that was reset latches a stop (generation).",
        "A stop holds until a person says by number that it is over.";
    /// A stop takes too long.
    STP_002 = "STP-002", ZERO,
        "A robot that is still moving this long after a stop latches (\u{b5}s).",
        "Brakes that do not do what the speed limit relied on need a person.";
    /// First step of a reset.
    RST_001 = "RST-001", ONE,
        "A latched robot stands until a person acknowledges its stop and the cause is gone (steps done, limit 1).",
        "Two deliberate steps, as with safety scanners: releasing a latch moves nothing.";
    /// Second step of a reset.
    RST_002 = "RST-002", ONE,
        "After the acknowledgement the robot stands until a separate start (steps done, limit 2).",
        "Whoever releases the latch may still stand in front of the robot.";
    /// The clock jumped forwards.
    CLK_002 = "CLK-002", ONE,
        "No motion in a step that comes later than the longest allowed gap (\u{b5}s since the last step).",
        "Whatever happened in between was not watched.";
    /// The supervisor on the robot is silent.
    COM_002 = "COM-002", ONE,
        "No motion without a beat of the robot's supervisor within the timeout (\u{b5}s of silence).",
        "Software that has died commands nothing worth doing.";
    /// A reading from the future.
    OBS_005 = "OBS-005", ONE,
        "A reading stamped further in the future than the clocks may differ counts as none (\u{b5}s ahead).",
        "A clock that runs ahead would make every old reading look fresh.";
    /// A stale reading.
    OBS_004 = "OBS-004", ONE,
        "A reading older than the oldest allowed counts as none (\u{b5}s).",
        "The world has changed since.";
    /// A sector nobody watches.
    OBS_007 = "OBS-007", ONE,
        "No motion into a sector that no fresh and healthy sensor covers (such sensors, limit 1).",
        "Absence of evidence is not evidence of absence.";
    /// Confidence below the threshold.
    OBS_001 = "OBS-001", ONE,
        "No motion into a sector whose confidence is below the threshold (ppm).",
        "Below it an undetected obstacle is too likely.";
    /// An obstacle within the stop margin.
    SSM_002 = "SSM-002", ONE,
        "No motion when the free travel along the commanded arc is at most the stop margin (mm).",
        "The margin covers what the distance cannot: measurement error, brake wear, a foot.";
    /// Localisation is missing.
    MAP_002 = "MAP-002", ONE,
        "No motion without fresh localisation on the site the robot has loaded (1 = such evidence).",
        "A geofence on the wrong map protects nobody.";
    /// Outside the mapped area.
    MAP_001 = "MAP-001", ONE,
        "No motion outside the mapped free area (1 = inside).",
        "Stairs and kerbs are where the map ends.";
    /// A release for another site.
    REL_002 = "REL-002", TWO,
        "A release for another site version releases nothing (1 = same version).",
        "Its lane numbers mean other lanes.";
    /// The end of the release.
    REL_001 = "REL-001", TWO,
        "No motion without a release, and speed stops within what remains of it (mm, or mm/s when it limits).",
        "Beyond its end another robot may be.";
    /// Speed limited by the free travel.
    SSM_001 = "SSM-001", ONE,
        "Speed stops within the free travel less the stop margin, counting the reading's age, the permit and the \
         actuation delay (mm/s).",
        "Whoever stands in the way is not touched.";
    /// Speed limited beside walls.
    CLR_001 = "CLR-001", None,
        "Beside the path with less than the clearance the robot creeps (mm).",
        "Known walls beside the path make a robot slow, not stuck.";
    /// The slow band of confidence.
    OBS_002 = "OBS-002", None,
        "Confidence below the slow threshold limits speed (ppm).",
        "Between certain and uncertain a robot hurts less when it is slow.";
    /// Leaving the slow band.
    OBS_003 = "OBS-003", None,
        "The slow band is left only after confidence has been above it for the dwell (\u{b5}s).",
        "A sensor that flickers makes the robot slow, not jerky.";
    /// The speed cap.
    SPD_001 = "SPD-001", None,
        "Speed never exceeds the robot's limit (mm/s).",
        "Stopping distances were measured up to it.";
    /// The yaw rate cap.
    SPD_004 = "SPD-004", None,
        "The yaw rate never exceeds the robot's limit (mrad/s).",
        "A footprint that is not round sweeps with its corners.";
    /// A stop under way is finished.
    STP_001 = "STP-001", ONE,
        "A stop is finished before motion is permitted again (mm/s, limit standstill).",
        "Half a stop is not one.";
    /// Confidence not high enough to start again.
    ARM_003 = "ARM-003", TWO,
        "From boot or a stop, motion waits for confidence at the re-arming level (ppm).",
        "Hysteresis: what stopped the robot has to be clearly over.";
    /// The dwell before motion.
    ARM_001 = "ARM-001", TWO,
        "From boot or a stop, motion waits until all inputs have been good for the dwell (\u{b5}s).",
        "One good reading after a bad one proves little.";
    /// Motion is permitted.
    MOV_001 = "MOV-001", None,
        "Motion is permitted at a speed no rule forbids (mm/s).",
        "So that a permit, too, names its reason.";
    /// Nothing is asked.
    IDL_001 = "IDL-001", None,
        "A robot that is asked for no motion gets no permit (1 = motion asked).",
        "Standing still is not a stop.";
}

/// A set of the rules in [`RULES`], one bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleSet(u64);

impl RuleSet {
    /// No rule.
    pub const EMPTY: Self = Self(0);

    /// The bits: bit `i` stands for `RULES[i]`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether no rule is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `rule` is in the set; linear in the catalogue.
    pub fn contains(self, rule: RuleId) -> bool {
        self.0 & bit(rule) != 0
    }

    /// The set with `rule` in it; a rule of another crate changes nothing. Linear in the catalogue.
    #[must_use]
    pub fn with(self, rule: RuleId) -> Self {
        Self(self.0 | bit(rule))
    }

    /// The rules in the set, most severe first.
    pub fn iter(self) -> impl Iterator<Item = RuleId> {
        RULES.iter().map(|rule| rule.id).filter(move |rule| self.contains(*rule))
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Place in the catalogue: the lower, the more severe. Unknown rules come last.
pub(crate) fn severity(rule: RuleId) -> u32 {
    RULES
        .iter()
        .map(|entry| entry.id)
        .zip(0..)
        .find(|(id, _)| *id == rule)
        .map_or(u32::MAX, |(_, index)| index)
}

fn bit(rule: RuleId) -> u64 {
    1_u64.checked_shl(severity(rule)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_fits_its_set_and_every_id_is_spelt_once() {
        assert!(RULES.len() <= 64);
        for (index, rule) in RULES.iter().enumerate() {
            assert_ne!(rule.id.as_str(), "INT-000", "entry {index} is misspelt");
            assert!(RULES.iter().skip(index + 1).all(|other| other.id != rule.id), "{} twice", rule.id);
            assert_eq!(RuleSet::EMPTY.with(rule.id).bits(), 1 << index);
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = RuleSet::EMPTY.with(OBS_001).with(LOG_001).with(RuleId::new("XXX-001"));
        assert!(set.iter().eq([LOG_001, OBS_001]));
        assert!(!set.contains(OBS_004) && !set.is_empty());
    }
}
