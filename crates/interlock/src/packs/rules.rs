//! The catalogue of the rules of the packs, by pack.
//!
//! The kernel carries their verdicts out by `PCK-001` to `PCK-004` and cites these as evidence. Pointers name places
//! where the same concern is treated; nobody has compared the rules with the documents.

use sheepdog_core::{Parameter, Pointer, PointerStatus, Rule, RuleId, StopCategory};

const ZERO: Option<StopCategory> = Some(StopCategory::Zero);
const ONE: Option<StopCategory> = Some(StopCategory::One);
const TWO: Option<StopCategory> = Some(StopCategory::Two);
const LIMIT: Option<StopCategory> = None;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $category:expr, $text:literal, $rationale:literal,
        [$($parameter:literal $unit:literal $default:literal),*], [$($document:literal $clause:literal),*];)*) => {
        $(
            $(#[$doc])*
            pub const $name: RuleId = RuleId::new($id);
        )*

        /// Every rule of the packs.
        pub const RULES: &[Rule] = &[$(Rule {
            id: $name,
            text: $text,
            rationale: $rationale,
            category: $category,
            parameters: &[$(Parameter { name: $parameter, unit: $unit, default: $default },)*],
            pointers: &[$(Pointer {
                document: $document,
                clause: $clause,
                status: PointerStatus::Unverified,
            },)*],
        },)*];
    };
}

rules! {
    /// Outside the allowed area.
    MAP_001 = "MAP-001", ONE,
        "No motion outside the allowed area, and slow motion where that is uncertain (0 = outside, 1 = uncertain, \
         2 = inside for `settle`).",
        "Stairs and kerbs are where the map ends.",
        ["settle" "\u{b5}s" "500_000", "speed_uncertain" "mm/s" "300"], ["ISO 13482:2014" "5.15"];
    /// The place is not known.
    MAP_002 = "MAP-002", ONE,
        "No motion without localisation that is fresh (\u{b5}s), in order (\u{b5}s after the last, limit 0), on the \
         loaded site (1 = same version), exact to `error_max` (mm) and free of jumps that motion does not explain (mm).",
        "A geofence on the wrong map, or around the wrong place, protects nobody.",
        ["age_max" "\u{b5}s" "200_000", "error_max" "mm" "200", "jump_max" "mm" "200"],
        ["ISO 13482:2014" "5.16"];
    /// The zone's speed limit.
    SPD_003 = "SPD-003", LIMIT,
        "In a zone speed is at most the zone's limit (the robot's own limit in mm/s, above the zone's).",
        "Wards, lobbies and corridors are shared with people who do not look out for robots.",
        ["zone_limit" "mm/s" "site"], ["ISO 13482:2014" "5.10"];
    /// Authority.
    COM_003 = "COM-003", ONE,
        "Exactly one token of authority is live at every instant: none is a gap and two are an overlap, and both stop \
         (tokens).",
        "Between two drivers a robot has none, or two.",
        ["overlap" "\u{b5}s" "0"], ["ISO 10218-1:2025" "?"];
    /// The operator is silent.
    COM_006 = "COM-006", ONE,
        "Motion by a person's hand needs a beat of that person's panel within `beat_timeout` (\u{b5}s of silence).",
        "Whoever drives from afar may have lost the picture and not know it.",
        ["beat_timeout" "\u{b5}s" "500_000"], [];
    /// No lease.
    COM_007 = "COM-007", ONE,
        "Motion by a person's hand needs a lease of a zone by the same person (\u{b5}s left of it).",
        "Others were kept out of that zone, and of no other.",
        [], [];
    /// Outside the lease's area.
    COM_008 = "COM-008", ONE,
        "Motion by a person's hand stays within the area of its lease (1 = inside, by fresh evidence).",
        "Beyond it other robots count on the place being free.",
        [], [];
    /// The lease's speed.
    COM_009 = "COM-009", LIMIT,
        "Motion by a person's hand is at most as fast as its lease says (the robot's own limit in mm/s, above the lease's).",
        "Nobody sees as much through a camera as beside the robot.",
        [], [];
    /// The way of a recovery.
    REC_001 = "REC-001", ONE,
        "Recovery motion covers at most `way_recovery` for each token (mm; not known counts as endless).",
        "It is for getting off a sill, not for driving home.",
        ["way_recovery" "mm" "2_000"], [];
    /// The speed of a recovery.
    REC_002 = "REC-002", LIMIT,
        "Recovery motion is at most as fast as `speed_recovery` (the robot's own limit in mm/s, above that).",
        "The robot is where it should not be, and does not know why.",
        ["speed_recovery" "mm/s" "100"], [];
    /// Worn brakes.
    BRK_001 = "BRK-001", ZERO,
        "When the 5th percentile of the observed decelerations is below `slow_percent` of the declared one the robot is \
         slow, below `latch_percent` it latches (mm/s\u{b2}).",
        "Every speed limit relies on the declared deceleration.",
        ["slow_percent" "%" "80", "latch_percent" "%" "60", "stops_min" "stops" "5", "speed_worn" "mm/s" "300"],
        ["ISO 13482:2014" "6.2", "ISO 3691-4:2023" "4.2"];
    /// Tilted.
    TIL_001 = "TIL-001", ONE,
        "No motion on a tilt above `tilt_max_mdeg` (mdeg).",
        "Beyond it the robot slides or falls, and brakes were never measured there.",
        ["tilt_max_mdeg" "mdeg" "8_000"], ["ISO 13482:2014" "5.10"];
    /// The load has shifted.
    TIL_002 = "TIL-002", ONE,
        "A load whose centre moves by more than `shift_max` while the robot drives latches (mm).",
        "What has slid once slides again, and further.",
        ["shift_max" "mm" "50"], [];
    /// Tilt or load are not known.
    TIL_003 = "TIL-003", ONE,
        "No motion while tilt, or the load of a robot that weighs it, is not known freshly (\u{b5}s).",
        "Absence of evidence stops the robot.",
        ["age_max" "\u{b5}s" "200_000"], [];
    /// The load is lost.
    TIL_004 = "TIL-004", ONE,
        "A load that becomes lighter by more than `loss_max_g` while the robot drives latches (g).",
        "Something has fallen off and lies somewhere.",
        ["loss_max_g" "g" "1_000"], [];
    /// Too much force.
    PAT_001 = "PAT-001", TWO,
        "The larger force of two channels above `force_max_mn` stops (mN).",
        "Whichever channel is wrong, the larger may be right.",
        ["force_max_mn" "mN" "100_000, of the simulator"], ["ISO 13482:2014" "5.10", "ISO/TS 15066:2016" "?"];
    /// Too much torque.
    PAT_002 = "PAT-002", TWO,
        "The larger torque of two channels above `torque_max_mnm` stops (mN\u{b7}m).",
        "Limbs and backs are levers.",
        ["torque_max_mnm" "mN\u{b7}m" "20_000, of the simulator"], ["ISO 13482:2014" "5.10"];
    /// Somebody is carried.
    PAT_003 = "PAT-003", LIMIT,
        "While somebody is carried, or that is not known, every stop keeps power and posture, and speed is at most \
         `speed_carrying` (1 = carried or not known).",
        "Arms without power drop whom they hold.",
        ["carried_from_g" "g" "5_000", "released_below_g" "g" "3_000", "released_for" "\u{b5}s" "1_000_000",
            "speed_carrying" "mm/s" "300"],
        ["ISO 13482:2014" "6.2", "IEC 60204-1:2016" "9.2.2"];
    /// Lowering and handing over.
    PAT_004 = "PAT-004", LIMIT,
        "While somebody is lowered or handed over, or the phase is not known, speed is at most `speed_handover` (the \
         robot's own limit in mm/s, above that).",
        "Two hold the same person then, and neither is quick.",
        ["speed_handover" "mm/s" "100"], [];
    /// A channel is missing.
    PAT_005 = "PAT-005", TWO,
        "No motion while a channel of force, torque or load is not known freshly (\u{b5}s).",
        "One channel is not two.",
        ["age_max" "\u{b5}s" "200_000"], ["ISO 13849-1:2023" "6.1.3"];
    /// Channels disagree.
    PAT_006 = "PAT-006", TWO,
        "Two channels of force or torque that differ by more than allowed for longer than `difference_for` stop (\u{b5}s).",
        "One of them is wrong, and nobody knows which.",
        ["force_difference_mn" "mN" "10_000", "torque_difference_mnm" "mN\u{b7}m" "2_000",
            "difference_for" "\u{b5}s" "100_000"],
        ["ISO 13849-1:2023" "6.1.3"];
    /// The battery is low.
    PWR_001 = "PWR-001", LIMIT,
        "A charge below `charge_low` makes the robot slow and asks for a charger, until `charge_band` above it (ppm).",
        "What is left has to last until the charger.",
        ["charge_low" "ppm" "200_000", "charge_band" "ppm" "20_000", "speed_low" "mm/s" "500"], [];
    /// The battery is empty.
    PWR_002 = "PWR-002", ONE,
        "No motion with a charge below `charge_stop`, until `charge_band` above it (ppm).",
        "Stopping while there is power to stop with.",
        ["charge_stop" "ppm" "80_000", "charge_band" "ppm" "20_000"], ["ISO 13482:2014" "5.4"];
    /// Charge or temperature are not known.
    PWR_003 = "PWR-003", ONE,
        "No motion while charge or temperature are not known freshly (\u{b5}s).",
        "Absence of evidence stops the robot.",
        ["age_max" "\u{b5}s" "200_000"], [];
    /// Warm.
    THM_001 = "THM-001", LIMIT,
        "Above `temperature_warm_mc` speed falls in a straight line, to `speed_hot` at `temperature_hot_mc` (m\u{b0}C).",
        "Slower is cooler, and better than stopping in the way.",
        ["temperature_warm_mc" "m\u{b0}C" "60_000", "temperature_hot_mc" "m\u{b0}C" "80_000", "speed_hot" "mm/s" "200"],
        [];
    /// Hot.
    THM_002 = "THM-002", ONE,
        "No motion above `temperature_hot_mc`, until `temperature_band_mc` below it (m\u{b0}C).",
        "Hot drives fail, and hot batteries burn.",
        ["temperature_hot_mc" "m\u{b0}C" "80_000", "temperature_band_mc" "m\u{b0}C" "5_000"], [];
    /// Colder than can be.
    THM_003 = "THM-003", ONE,
        "A temperature below `temperature_least_mc` is no temperature, and stops (m\u{b0}C).",
        "A sensor whose wire is cut reads very cold.",
        ["temperature_least_mc" "m\u{b0}C" "-20_000"], [];
    /// A sill that is not proven safe.
    LFT_001 = "LFT-001", ONE,
        "No motion over a sill into a cabin unless fresh evidence says that the cabin is level and the door open, and \
         none out of a cabin that is known not to be (proofs, limit 2).",
        "Behind a door that is not open, or beside a cabin that is not level, is a shaft.",
        ["age_max" "\u{b5}s" "200_000"], ["EN 81-20:2020" "?"];
    /// The door is stuck.
    LFT_002 = "LFT-002", ONE,
        "A robot that waits longer than `stuck_after` for a level cabin and an open door retreats from the lift, and \
         enters it no more until both are proven (\u{b5}s).",
        "Whoever waits in front of a broken lift is in everybody's way.",
        ["stuck_after" "\u{b5}s" "30_000_000"], [];
    /// It is not known where the robot is.
    LFT_003 = "LFT-003", ONE,
        "Near a lift no motion but out of it while it is not known freshly on which side of the sill the robot is \
         (\u{b5}s).",
        "Missing evidence denies entry, never exit.",
        ["age_max" "\u{b5}s" "200_000"], [];
    /// Leaving without proof.
    LFT_004 = "LFT-004", LIMIT,
        "Over a sill that is not proven level and open the robot leaves at most at `speed_unsure` (the robot's own limit \
         in mm/s, above that).",
        "A robot must not stay on a sill, and feels its way off.",
        ["speed_unsure" "mm/s" "150"], [];
    /// The room is not proven empty and closed.
    UVC_001 = "UVC-001", LIMIT,
        "The lamp burns only while two independent fresh sources say that the room is empty, two that it is closed, and \
         none says otherwise (sources of the weaker proof).",
        "Nobody feels UV-C before it has burnt them.",
        ["sources" "sources" "2", "age_max" "\u{b5}s" "200_000"], ["UL 3300" "?"];
    /// Somebody was seen.
    UVC_002 = "UVC-002", LIMIT,
        "The lamp goes off when somebody is seen, within its permit's life of at most 100 ms, and stays off for \
         `clear_for` (\u{b5}s since).",
        "Who was seen once is still near, seen or not.",
        ["lamp_ttl" "\u{b5}s" "100_000", "clear_for" "\u{b5}s" "10_000_000"], [];
    /// The dose is spent.
    UVC_003 = "UVC-003", LIMIT,
        "The effective dose of any 8 hours at the nearest place where somebody may be, reflections included, stays within \
         `dose_max_uj_per_m2` (\u{b5}J/m\u{b2}).",
        "Harm adds up over a shift, behind glass and through gaps too.",
        ["dose_max_uj_per_m2" "\u{b5}J/m\u{b2}" "30_000_000", "reflection_ppm" "ppm" "1_300_000"],
        ["ICNIRP 2004, UV guidelines" "?"];
    /// No lease.
    UVC_004 = "UVC-004", LIMIT,
        "The lamp burns only under a lease of the fleet that has not lapsed (\u{b5}s left).",
        "The fleet knows who is on the way to the room.",
        [], [];
    /// The lamp does not obey.
    UVC_005 = "UVC-005", ONE,
        "A lamp that still burns longer than `off_within` after its permission ended latches (\u{b5}s).",
        "A lamp that cannot be put out has to be put out by hand.",
        ["off_within" "\u{b5}s" "100_000"], [];
    /// Nobody knows whether the lamp burns.
    UVC_006 = "UVC-006", ONE,
        "While it is not known freshly whether the lamp burns it is not permitted to, and nothing moves (\u{b5}s).",
        "Not known is burning.",
        ["age_max" "\u{b5}s" "200_000"], [];
    /// Off the path.
    ENV_001 = "ENV-001", ONE,
        "A tracking error above `tracking_max` stops and is a finding, until it is below `slow_percent` of it; above \
         that share the robot is slow (mm).",
        "Other robots pass at the distance that was declared.",
        ["tracking_max" "mm" "100", "slow_percent" "%" "80", "speed_slow" "mm/s" "300"], ["ISO 13482:2014" "6.1"];
    /// Late.
    ENV_002 = "ENV-002", ONE,
        "A time from perception to motion above `latency_max` stops and is a finding, until it is below `slow_percent` of \
         it; above that share the robot is slow (\u{b5}s).",
        "Every millisecond is a millimetre more of stopping distance for each metre per second.",
        ["latency_max" "\u{b5}s" "120_000", "slow_percent" "%" "80", "speed_slow" "mm/s" "300"],
        ["ISO 13855:2010" "5"];
    /// Tracking error or latency are not known.
    ENV_003 = "ENV-003", ONE,
        "No motion while tracking error or latency are not measured freshly (\u{b5}s).",
        "A promise that nobody watches is none.",
        ["age_max" "\u{b5}s" "200_000"], [];
    /// Vital signs.
    MED_001 = "MED-001", LIMIT,
        "Vital signs escalate only when the latest valid samples of `sources_min` different on-device sources, none older \
         than `age_max`, are out of range on the same side and agree (sources that agree).",
        "A sensor that slipped must not call the crash team, and two that agree must.",
        ["sources_min" "sources" "2", "age_max" "\u{b5}s" "60_000_000", "agreement" "of the value" "10"], [];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_spells_every_id_once_and_takes_none_of_the_kernels() {
        for (index, rule) in RULES.iter().enumerate() {
            assert_ne!(rule.id.as_str(), "INT-000", "entry {index} is misspelt");
            assert!(RULES.iter().skip(index + 1).all(|other| other.id != rule.id), "{} twice", rule.id);
            assert!(crate::RULES.iter().all(|other| other.id != rule.id), "{} is the kernel's", rule.id);
            assert!(rule.text.ends_with('.') && rule.rationale.ends_with('.'), "{}", rule.id);
            assert!(rule.text.contains('('), "{} names no unit", rule.id);
            assert!(rule.pointers.iter().all(|pointer| pointer.status == PointerStatus::Unverified));
        }
    }
}
