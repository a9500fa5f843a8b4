//! The catalogue of the kernel's rules, and sets of them.
//!
//! Every rule is looked at in every step, and all that fire are in [`Decision::rules`](crate::Decision::rules), whatever
//! the state: an idle robot alone names nothing but IDL-001. Rules about the command and the release are looked at when
//! motion is asked for, those about distance and clearance when it has a linear part, and OBS-002, OBS-003, SPD-004
//! and MOV-001 only when motion is about to be permitted.
//!
//! Order is severity. The primary rule is the first of [`RULES`] among those that decide: among those that latch; else, for
//! a latched robot, RST-003 before RST-001; else among those that stop; else what a robot waits for (STP-001, ARM-003,
//! ARM-001, in this order); else among REL-001 to REL-003, which hold it; else the rule of the lowest limit, the first of
//! equals. When several rules stop in one step, or latch, the most abrupt of their categories is carried out. Rules of
//! [`packs`](crate::packs) are catalogued there; the kernel carries their verdicts out by `PCK-001` to `PCK-004`.

use core::fmt;

use sheepdog_core::{Parameter, Pointer, PointerStatus, Rule, RuleId, StopCategory};

const ZERO: Option<StopCategory> = Some(StopCategory::Zero);
const ONE: Option<StopCategory> = Some(StopCategory::One);
const TWO: Option<StopCategory> = Some(StopCategory::Two);
const LIMIT: Option<StopCategory> = None;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $category:expr, $text:literal, $rationale:literal,
        [$($parameter:literal $unit:literal $default:literal),*], [$($document:literal $clause:literal),*];)*) => {
        /// A rule of the kernel by its place in [`RULES`]: the lower, the more severe.
        #[expect(non_camel_case_types, reason = "the names are those of the constants")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub(crate) enum Code {
            $($name,)*
        }

        impl Code {
            /// The catalogue's entry.
            pub(crate) const fn rule(self) -> Rule {
                match self {
                    $(Self::$name => Rule {
                        id: RuleId::new($id),
                        text: $text,
                        rationale: $rationale,
                        category: $category,
                        parameters: &[$(Parameter { name: $parameter, unit: $unit, default: $default },)*],
                        pointers: &[$(Pointer {
                            document: $document,
                            clause: $clause,
                            status: PointerStatus::Unverified,
                        },)*],
                    },)*
                }
            }

            /// How motion ends when it fires; at once, when the catalogue leaves it open.
            pub(crate) const fn category(self) -> StopCategory {
                let category = match self {
                    $(Self::$name => $category,)*
                };
                match category {
                    Some(category) => category,
                    None => StopCategory::Zero,
                }
            }

            /// The stable name.
            #[inline]
            pub(crate) const fn id(self) -> RuleId {
                match self {
                    $(Self::$name => $name,)*
                }
            }
        }

        $(
            $(#[$doc])*
            pub const $name: RuleId = RuleId::new($id);
        )*

        /// Every rule of the kernel, the most severe first.
        pub const RULES: &[Rule] = &[$(Code::$name.rule(),)*];
    };
}

rules! {
    /// The record of a decision was refused.
    LOG_001 = "LOG-001", ZERO,
        "A decision whose record the log cannot take is a stop that latches (records taken, limit 1).",
        "Motion that leaves no record cannot be explained afterwards.",
        [], ["EU 2024/1689" "Art. 12", "EU 2023/1230" "Annex III 1.1.9"];
    /// The interlock contradicts itself.
    INT_001 = "INT-001", ZERO,
        "A decision that breaks an invariant of the interlock is replaced by a stop that latches (1 = broken).",
        "A program that contradicts itself is not to be believed in anything else.",
        [], [];
    /// A restart with a latch, or without memory.
    INT_002 = "INT-002", ZERO,
        "After a restart the robot stays latched when it was latched before or its memory cannot be read \
         (1 = latched before, 2 = unreadable).",
        "Switching off and on must not be a way round the reset.",
        [], ["ISO 3691-4:2023" "4.1.14"];
    /// Settings that nobody has approved.
    CFG_001 = "CFG-001", ZERO,
        "Settings whose digest is not the approved one latch a stop (1 = approved).",
        "Safety values are changed by a person who answers for them, not by a deployment.",
        [], ["EU 2023/1230" "Annex III 1.1.9"];
    /// The clock went backwards.
    CLK_001 = "CLK-001", ZERO,
        "A clock that goes backwards latches a stop (\u{b5}s since the last step, limit 0).",
        "With such a clock every old reading looks fresh.",
        [], [];
    /// The emergency button on the robot.
    EST_003 = "EST-003", ZERO,
        "The pressed emergency button latches a stop (1 = pressed).",
        "The button's own circuit stops the robot; the interlock mirrors it so that release alone restarts nothing.",
        [], ["ISO 13850:2015" "4.1", "IEC 60204-1:2016" "9.2.3.4"];
    /// An emergency stop ordered by the fleet.
    EST_001 = "EST-001", ZERO,
        "A stop order above the last one that was reset, or is acknowledged in this very step, latches a stop in the \
         order's category (generation).",
        "A stop holds until a person says by number that it is over.",
        [], ["ISO 13850:2015" "4.1"];
    /// The bumper.
    EST_002 = "EST-002", ONE,
        "A touched bumper latches a stop (1 = touched).",
        "Whatever was touched was not seen, and may still be there.",
        [], ["ISO 3691-4:2023" "4.1.14"];
    /// Faster than permitted.
    SPD_002 = "SPD-002", ZERO,
        "A measured speed above the permitted one by `overspeed_percent` or `standstill`, whichever is more, for \
         `overspeed_for` latches; permitted is what was so until the brakes could act, and from there what braking \
         leaves (mm/s).",
        "A base that does not do what it is told cannot be stopped by telling it to.",
        ["overspeed_percent" "%" "5", "overspeed_for" "\u{b5}s" "50_000"], ["ISO 13482:2014" "6.1"];
    /// Turning faster than allowed.
    SPD_005 = "SPD-005", ZERO,
        "A measured yaw rate above the permitted one by `overspeed_percent` or `standstill_yaw`, whichever is more, for \
         `overspeed_for` latches. Permitted is as with SPD-002, with `yaw_deceleration` as brakes; while no motion is \
         permitted, the robot's limit (mrad/s).",
        "A robot that spins is out of control even if it stays where it is, and one that turns otherwise than it was told \
         goes where nobody has looked.",
        ["yaw_rate_max" "mrad/s" "1_500", "yaw_deceleration" "mrad/s\u{b2}" "2_000", "overspeed_for" "\u{b5}s" "50_000"],
        [];
    /// A stop takes too long.
    STP_002 = "STP-002", ZERO,
        "A robot that is still moving, or whose motion is not known, for longer than `stop_time_max` after a stop \
         latches (\u{b5}s).",
        "Brakes that do not do what the speed limit relied on need a person.",
        ["stop_time_max" "\u{b5}s" "3_000_000"], ["ISO 13855:2010" "5", "ISO 13482:2014" "6.2"];
    /// A stop takes too much way.
    STP_003 = "STP-003", ZERO,
        "A robot that covers more after a stop than the predicted distance times `stop_distance_percent`, or than \
         `standstill_window` if that is more, latches; predicted is the distance at the higher of the measured and the \
         permitted speed (SPD-002), with the brakes as they are known and `cycle_max` more (mm).",
        "The distance kept from people is the predicted one.",
        ["stop_distance_percent" "%" "120"], ["ISO 13482:2014" "6.2"];
    /// It moves although it stands.
    STP_004 = "STP-004", ZERO,
        "A robot that has come to a stop and moves further than `standstill_window`, or turns further than \
         `standstill_turn`, without a permit latches, unless it has just booted, or stands while it is latched or \
         acknowledged: then it may be pushed about (mm, or mrad).",
        "A category 2 stop keeps power, so standstill has to be watched.",
        ["standstill_window" "mm" "30", "standstill_turn" "mrad" "150"], ["IEC 60204-1:2016" "9.2.2"];
    /// A pack latches.
    PCK_003 = "PCK-003", ZERO,
        "A pack's verdict to latch is carried out; its own rule is the evidence.",
        "Packs know brakes, loads and patients; the kernel alone moves the robot.",
        [], [];
    /// The self-test.
    ARM_002 = "ARM-002", ONE,
        "No motion before the robot's self-test has passed, and a test that fails latches (0 = failed, 1 = not run, \
         2 = passed).",
        "A robot that has not looked at itself does not know its brakes.",
        [], ["ISO 13482:2014" "5.4"];
    /// Too many stops.
    ARM_004 = "ARM-004", ONE,
        "`chatter_trips` stops within `chatter_window` latch. Counted are stops of a robot that was permitted to move and \
         was asked to, by any rule but SSM-001 and SSM-002 alone; an acknowledgement starts the count anew (stops).",
        "What comes and goes is not repaired by waiting for it to go.",
        ["chatter_trips" "stops" "3", "chatter_window" "\u{b5}s" "60_000_000"], [];
    /// First step of a reset.
    RST_001 = "RST-001", ONE,
        "A latched robot stays so until a person acknowledges the highest stop, or a later one, while it stands and \
         nothing latches any more (steps done, limit 1).",
        "Two deliberate steps, as with safety scanners: releasing a latch moves nothing.",
        [], ["ISO 13849-1:2023" "5.2.2"];
    /// A press that is no reset.
    RST_003 = "RST-003", ONE,
        "The reset button counts when it is let go after `reset_press_min` to `reset_press_max`, and never otherwise; it \
         takes whichever step of the reset is due, but ends no stop that was ordered and not reset. Another press is \
         reported to a latched robot whose cause is gone (\u{b5}s pressed).",
        "A stuck button or a knock must not reset a robot.",
        ["reset_press_min" "\u{b5}s" "120_000", "reset_press_max" "\u{b5}s" "4_000_000"],
        ["ISO 13849-1:2023" "5.2.2"];
    /// Second step of a reset.
    RST_002 = "RST-002", ONE,
        "After the acknowledgement the robot stands until a separate start that names the highest stop, or a later one; \
         the dwell begins in the step after it (steps done, limit 2).",
        "Whoever releases the latch may still stand in front of the robot.",
        [], ["ISO 13849-1:2023" "5.2.2"];
    /// A permit was taken back.
    REV_001 = "REV-001", ONE,
        "A permit revoked while it was made is none, though the state stays, and a counter of revocations that is full \
         latches whatever was decided (the counter, limit its value before the step, or its maximum).",
        "Whoever revokes must be sure that nothing granted a moment before still moves.",
        [], [];
    /// The clock jumped forwards.
    CLK_002 = "CLK-002", ONE,
        "No motion in a step that comes later than the longest allowed gap (\u{b5}s since the last step).",
        "Whatever happened in between was not watched.",
        ["clock_jump_max" "\u{b5}s" "250_000"], [];
    /// Button or bumper not known.
    EST_004 = "EST-004", ONE,
        "No motion while the state of the emergency button or of the bumper is not known (states known, limit 2).",
        "A cable that is cut must look like a button that is pressed.",
        [], ["ISO 13849-1:2023" "6.1"];
    /// The robot's own motion is not known.
    ODO_001 = "ODO-001", ONE,
        "No motion while nobody measures how the robot moves: odometry that is missing, older than `sample_age_max` or \
         further in the future than `clock_skew` is none (\u{b5}s old).",
        "What is not measured cannot be supervised, and what was seen before cannot be placed.",
        ["sample_age_max" "\u{b5}s" "100_000"], ["ISO 3691-4:2023" "4.2"];
    /// Permitted to move, and nothing moves.
    ODO_002 = "ODO-002", ONE,
        "A robot that is permitted to move faster than `standstill` or to turn faster than `standstill_yaw` in every step \
         for longer than `still_for`, while its odometer shows neither way nor turn, stops (\u{b5}s).",
        "Either it pushes against something, or its odometer is frozen and nothing supervises its brakes.",
        ["still_for" "\u{b5}s" "2_000_000"], [];
    /// The supervisor on the robot is silent.
    COM_002 = "COM-002", ONE,
        "No motion without a beat of the robot's supervisor within the timeout; a beat further in the future than \
         `clock_skew` is none (\u{b5}s of silence).",
        "Software that has died commands nothing worth doing.",
        ["beat_timeout" "\u{b5}s" "500_000"], [];
    /// A command out of order.
    COM_004 = "COM-004", ONE,
        "A command issued before the last one, or another twist issued at the same instant, is no command; the last one \
         is the last that was one, by this rule and by COM-005 (\u{b5}s after it, limit 0).",
        "What arrives twice or late belongs to a situation that is over.",
        [], [];
    /// An old command.
    COM_005 = "COM-005", ONE,
        "A command older than `command_age_max`, or further in the future than `clock_skew`, is no command (\u{b5}s).",
        "A planner that hangs keeps wanting what it wanted last.",
        ["command_age_max" "\u{b5}s" "200_000", "clock_skew" "\u{b5}s" "5_000"], [];
    /// A pack is silent.
    PCK_001 = "PCK-001", ONE,
        "No motion while the verdict of a required pack, or of one that has spoken, is missing, older than \
         `pack_age_max`, further in the future than `clock_skew`, or cites evidence that does not hold (\u{b5}s).",
        "Absence of evidence stops the robot, in packs as in sensors.",
        ["pack_age_max" "\u{b5}s" "200_000"], [];
    /// A pack stops.
    PCK_002 = "PCK-002", ONE,
        "A pack's verdict to stop is carried out; its own rule is the evidence.",
        "Packs know maps, power and lifts; the kernel alone moves the robot.",
        [], [];
    /// A reading from the future.
    OBS_005 = "OBS-005", ONE,
        "A reading stamped further in the future than the clocks may differ counts as none (\u{b5}s ahead).",
        "A clock that runs ahead would make every old reading look fresh.",
        ["clock_skew" "\u{b5}s" "5_000"], [];
    /// Stamps that go back.
    OBS_011 = "OBS-011", ONE,
        "A reading stamped before the same sensor's last one that was neither stale nor from the future counts as none \
         (\u{b5}s since that one, limit 0).",
        "Readings out of order show obstacles that have gone and hide those that have come.",
        [], [];
    /// A stale reading.
    OBS_004 = "OBS-004", ONE,
        "A reading older than the oldest allowed counts as none (\u{b5}s).",
        "The world has changed since.",
        ["sample_age_max" "\u{b5}s" "100_000"], ["IEC TS 62998-1:2019" "?"];
    /// A frozen sensor.
    OBS_006 = "OBS-006", ONE,
        "A sensor counts as none while, of `frozen_frames` frames in a row, the first included, none differs from the one \
         before in digest and advances in number. A reading with the stamp of the last one is the same frame, and a stale \
         one or one from the future is no frame (frames).",
        "A frozen picture of an empty corridor looks perfect.",
        ["frozen_frames" "frames" "5"], ["IEC TS 62998-1:2019" "?"];
    /// A drifting sensor.
    OBS_010 = "OBS-010", ONE,
        "A sensor that misses its reference contour by more than `drift_max` slows the robot, and counts as none \
         once that has lasted `drift_for`; only a reading that counts and is within `drift_max` ends either. One that does \
         not say keeps what the last one said (mm).",
        "A scanner that was knocked looks in the wrong direction with full confidence.",
        ["drift_max" "mm" "50", "drift_for" "\u{b5}s" "500_000"], ["IEC 61496-3:2018" "?"];
    /// A blind sensor.
    OBS_008 = "OBS-008", ONE,
        "A sensor of which more than `invalid_max` of its beams measured nothing valid counts as none (ppm).",
        "A covered lens reports on time, and nothing.",
        ["invalid_max" "ppm" "200_000"], [];
    /// Sensors that disagree.
    OBS_009 = "OBS-009", ONE,
        "Usable sensors that differ by more than `disagreement_max` about a sector that the motion sweeps slow the robot \
         at once, and stop it when that lasts longer than `disagreement_for`; silence does not end it for as long. \
         Obstacles beyond `disagreement_within` count as that far: not all sensors see equally far (mm, then \u{b5}s).",
        "One of them is wrong, and nobody knows which.",
        ["disagreement_max" "mm" "300", "disagreement_for" "\u{b5}s" "200_000", "disagreement_within" "mm" "3_000"],
        ["ISO 13849-1:2023" "6.1.3"];
    /// A sector nobody watches.
    OBS_007 = "OBS-007", ONE,
        "No motion into a sector that fewer usable sensors cover than the fusion asks for; its confidence is none. A \
         sensor is usable when it has a reading that counts (OBS-004, -005, -006, -008, -010, -011) and is healthy; the \
         rules by which those that look there, or have looked, are not usable fire as well (such sensors).",
        "Absence of evidence is not evidence of absence.",
        ["fusion" "sensors" "1"], ["ISO 3691-4:2023" "4.8"];
    /// Confidence below the threshold.
    OBS_001 = "OBS-001", ONE,
        "No motion into a sector whose confidence, less `decay` for every millisecond begun of its reading's age, is \
         below the threshold (ppm).",
        "Below it an undetected obstacle is too likely.",
        ["confidence_stop" "ppm" "925_000", "decay" "ppm/ms" "50"], ["GB/T 42645-2023" "?"];
    /// An obstacle within the stop margin.
    SSM_002 = "SSM-002", ONE,
        "No motion when the free travel along the commanded arc is at most the stop margin. A measurement of it that is \
         older than `sample_age_max` (OBS-004) or from the future (OBS-005) is none. What a sensor has last seen in a \
         swept sector, or has said of it since while it did not count, is free travel, too, while it says nothing that \
         counts: less the way since then, none when the way is not known, and in any sector once the robot has turned by \
         more than half a sector since (mm).",
        "The margin covers what the distance cannot: measurement error, brake wear, a foot.",
        ["stop_margin" "mm" "200"], ["ISO/TS 15066:2016" "5.5.4", "ISO 13855:2010" "6"];
    /// A release for another site.
    REL_002 = "REL-002", TWO,
        "A release for another site version releases nothing (1 = same version).",
        "Its lane numbers mean other lanes.",
        [], [];
    /// A release measured too long ago.
    REL_003 = "REL-003", TWO,
        "What remains of a release counts only if it was measured within `sample_age_max`, and not further in the future \
         than `clock_skew` (\u{b5}s).",
        "A robot that does not know where it is does not know how far it may go.",
        ["sample_age_max" "\u{b5}s" "100_000"], [];
    /// The end of the release.
    REL_001 = "REL-001", TWO,
        "No motion without a release, and speed stops within what remains of it, counting the measurement's age, the \
         permit and the actuation delay (mm, or mm/s when it limits).",
        "Beyond its end another robot may be.",
        [], [];
    /// Speed limited by the free travel.
    SSM_001 = "SSM-001", ONE,
        "Speed stops within the free travel less the stop margin, counting the reading's age (`sample_age_max` for what \
         is only remembered), the permit, the actuation delay and, if so configured, a person who comes closer (mm/s).",
        "Whoever stands in the way is not touched.",
        ["separation" "mm/s" "0", "deceleration" "mm/s\u{b2}" "800", "actuation_delay" "\u{b5}s" "50_000"],
        ["ISO/TS 15066:2016" "5.5.4", "ISO 13855:2010" "5"];
    /// Somebody near, detection degraded.
    SSM_003 = "SSM-003", LIMIT,
        "With something that is no known wall within `person_near` in any sector, seen or remembered, and detection \
         degraded, the robot creeps. Degraded is detection with a sensor that is not usable or drifts, or is missing as of \
         OBS-012, with sensors that disagree, or with a confidence below `confidence_slow` (mm).",
        "Near people a sensor in doubt is worth little, and slowness much.",
        ["person_near" "mm" "1_500", "speed_creep" "mm/s" "300"], ["ISO 3691-4:2023" "?"];
    /// Speed limited beside walls.
    CLR_001 = "CLR-001", LIMIT,
        "Beside the path with less than the clearance the robot creeps (mm).",
        "Known walls beside the path make a robot slow, not stuck.",
        ["clearance_creep" "mm" "150", "speed_creep" "mm/s" "300"], ["ISO 13854:2017" "?"];
    /// The supervisor is late.
    COM_001 = "COM-001", LIMIT,
        "A supervisor silent for longer than `beat_late` makes the robot slow (\u{b5}s).",
        "Software that stutters may be about to die.",
        ["beat_late" "\u{b5}s" "200_000"], [];
    /// A step came late.
    CLK_003 = "CLK-003", LIMIT,
        "A step later than `cycle_max` after the last one makes the robot slow for the dwell of the slow band (\u{b5}s).",
        "An overloaded computer stops late.",
        ["cycle_max" "\u{b5}s" "120_000"], [];
    /// A pack limits.
    PCK_004 = "PCK-004", LIMIT,
        "A pack's speed limit is carried out; its own rule is the evidence.",
        "Zones, heat and worn brakes make a robot slow before they stop it.",
        [], [];
    /// A sensor is missing.
    OBS_012 = "OBS-012", LIMIT,
        "Motion into a sector of which fewer usable sensors speak than have ever spoken of it is slow (such sensors).",
        "The others may do without it, but it may have been the one that saw more, or that was right.",
        ["speed_slow" "mm/s" "500"], [];
    /// The slow band of confidence.
    OBS_002 = "OBS-002", LIMIT,
        "Confidence below the slow threshold limits speed (ppm).",
        "Between certain and uncertain a robot hurts less when it is slow.",
        ["confidence_slow" "ppm" "960_000", "speed_slow" "mm/s" "500"], [];
    /// Leaving the slow band.
    OBS_003 = "OBS-003", LIMIT,
        "The slow band is left only after confidence has been above it for `dwell_up` while no rule stopped the robot or \
         asked for the slow band (CLK-003, COM-001, OBS-009, OBS-010, OBS-012); the time begins anew whenever motion begins \
         after boot or a stop (\u{b5}s).",
        "A sensor that flickers makes the robot slow, not jerky.",
        ["dwell_up" "\u{b5}s" "1_000_000"], [];
    /// The speed cap.
    SPD_001 = "SPD-001", LIMIT,
        "Speed never exceeds the robot's limit (mm/s).",
        "Stopping distances were measured up to it.",
        ["speed_max" "mm/s" "1_000"], ["ISO 13482:2014" "5.10"];
    /// The yaw rate cap.
    SPD_004 = "SPD-004", LIMIT,
        "The yaw rate never exceeds the robot's limit, nor in the slow band the share of it that `speed_slow` is of \
         `speed_max`, rounded up, or the lowest above `standstill_yaw` if that is more (mrad/s).",
        "A footprint that is not round sweeps with its corners, and who turns on the spot sweeps every sector.",
        ["yaw_rate_max" "mrad/s" "1_500", "speed_slow" "mm/s" "500", "speed_max" "mm/s" "1_000",
         "standstill_yaw" "mrad/s" "100"], [];
    /// A stop under way is finished.
    STP_001 = "STP-001", ONE,
        "A robot that moves, or whose motion is not known, finishes its stop before motion is permitted again, after boot \
         as after a stop (mm/s or mrad/s, limit standstill).",
        "Half a stop is not one.",
        ["standstill" "mm/s" "20", "standstill_yaw" "mrad/s" "100"], ["IEC 60204-1:2016" "9.2"];
    /// Confidence not high enough to start again.
    ARM_003 = "ARM-003", TWO,
        "From boot or a stop, motion waits for confidence at the re-arming level (ppm).",
        "Hysteresis: what stopped the robot has to be clearly over.",
        ["confidence_rearm" "ppm" "950_000"], [];
    /// Not enough free travel to start again.
    ARM_005 = "ARM-005", TWO,
        "From boot or a stop, motion waits for a free travel of more than the stop margin and `rearm_margin` (mm).",
        "Hysteresis: somebody who stands at the margin would otherwise stop the robot again and again.",
        ["rearm_margin" "mm" "50"], [];
    /// The dwell before motion.
    ARM_001 = "ARM-001", TWO,
        "From boot or a stop, motion waits until in every step of the dwell no rule stopped the robot or latched, and \
         confidence was at the re-arming level, whether motion was asked for or not (\u{b5}s).",
        "One good reading after a bad one proves little.",
        ["dwell" "\u{b5}s" "500_000"], [];
    /// Motion is permitted.
    MOV_001 = "MOV-001", LIMIT,
        "Motion is permitted at a speed no rule forbids (mm/s).",
        "So that a permit, too, names its reason.",
        [], [];
    /// Nothing is asked.
    IDL_001 = "IDL-001", LIMIT,
        "A robot that might move and is asked for no motion gets no permit (1 = motion asked).",
        "Standing still is not a stop.",
        [], [];
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

    /// The set with these bits; `None` when one stands for no rule.
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        let rules = u32::try_from(RULES.len()).ok()?;
        (bits.checked_shr(rules).unwrap_or(0) == 0).then_some(Self(bits))
    }

    /// Whether no rule is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `rule` is in the set; linear in the catalogue.
    pub fn contains(self, rule: RuleId) -> bool {
        self.iter().any(|id| id == rule)
    }

    /// The rules in the set, most severe first.
    pub fn iter(self) -> impl Iterator<Item = RuleId> {
        let is_set = move |bit: u32| self.0.checked_shr(bit).is_some_and(|bits| bits & 1 == 1);
        RULES.iter().zip(0_u32..).filter(move |(_, bit)| is_set(*bit)).map(|(rule, _)| rule.id)
    }

    #[must_use]
    pub(crate) const fn with(self, code: Code) -> Self {
        Self(self.0 | 1 << code as u8)
    }

    pub(crate) const fn has(self, code: Code) -> bool {
        self.0 & 1 << code as u8 != 0
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

const _: () = assert!(RULES.len() <= 64, "the kernel's rules are the bits of a u64");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_spells_every_id_once() {
        for (index, rule) in RULES.iter().enumerate() {
            assert_ne!(rule.id.as_str(), "INT-000", "entry {index} is misspelt");
            assert!(RULES.iter().skip(index + 1).all(|other| other.id != rule.id), "{} twice", rule.id);
            let set = RuleSet(1 << index);
            assert!(set.contains(rule.id) && set.iter().eq([rule.id]) && !set.is_empty());
        }
    }

    #[test]
    fn the_whole_catalogue_is_the_kernel_s_and_then_the_packs() {
        let all = RULES.iter().chain(crate::packs::RULES).map(|rule| rule.id);
        assert!(crate::CATALOGUE.iter().map(|rule| rule.id).eq(all));
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = RuleSet::EMPTY.with(Code::OBS_001).with(Code::LOG_001);
        assert!(set.iter().eq([LOG_001, OBS_001]));
        assert!(set.has(Code::OBS_001) && !set.has(Code::OBS_004) && !set.contains(RuleId::new("XXX-001")));
        assert_eq!(set.bits(), 1 | 1 << Code::OBS_001 as u8);
        assert!(RuleSet::EMPTY.is_empty() && !set.is_empty());
    }
}
