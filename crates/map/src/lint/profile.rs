//! The limits that lints compare with: rules of the building and what each class of robots can do.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The `schema` number of profiles that this version reads.
pub const PROFILE_SCHEMA: u32 = 1;

/// Every limit that a lint uses, all of them whole numbers, so that a profile has one digest and no limit flips by
/// rounding.
///
/// Written in TOML, where each table may be left out, and each limit; what is left out is as in
/// [`default`](Self::default). Unknown names are refused. The limits of the default profile are common values for care
/// homes and hospitals, not a statement about any country's law: whoever runs the building sets them.
///
/// ```
/// # use sheepdog_map::lint::{BuildingProfile, ExitDoors};
/// let profile = BuildingProfile::from_toml(
///     "schema = 1\nname = \"ward\"\nversion = 3\n[building]\nexits = \"all\"\n[class.cart]\nheight_mm = 1900\n",
/// ).unwrap();
/// assert_eq!((profile.building.exits, profile.building.exit_width_mm), (ExitDoors::All, 1_200));
/// assert_eq!(profile.limits_of("cart").height_mm, 1_900);
/// assert_ne!(profile.digest(), BuildingProfile::default().digest());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildingProfile {
    /// Version of the format; [`PROFILE_SCHEMA`].
    pub schema: u32,
    /// What it is called.
    pub name: String,
    /// Version of the profile, counted by whoever keeps it.
    pub version: u32,
    /// Rules of the building.
    #[serde(default)]
    pub building: BuildingRules,
    /// How well geometry is drawn.
    #[serde(default)]
    pub geometry: GeometryRules,
    /// How well the roadmap is drawn.
    #[serde(default)]
    pub roadmap: RoadmapRules,
    /// How well other people's maps fit together.
    #[serde(default)]
    pub import: ImportRules,
    /// What robots can do whose class is not listed.
    #[serde(default)]
    pub robot: RobotLimits,
    /// What robots can do, by the name of their footprint class.
    #[serde(default, rename = "class")]
    pub classes: BTreeMap<String, RobotLimits>,
}

/// Which doors count as exits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitDoors {
    /// Those that the site declares.
    #[default]
    Declared,
    /// Every door.
    All,
    /// Those that the site declares, and those with a room on one side only.
    Outside,
}

/// Rules of a building for the people in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuildingRules {
    /// Which doors count as exits.
    pub exits: ExitDoors,
    /// Clear width of an exit or a fire lane, millimetres.
    pub exit_width_mm: u32,
    /// An exit may be narrower than that by this, millimetres: drawings are no more exact.
    pub width_tolerance_mm: u32,
    /// Clear height of an exit, millimetres.
    pub exit_height_mm: u32,
    /// Longest way on foot to an exit or to stairs of the level, millimetres.
    pub escape_distance_mm: u32,
    /// Radius of a person on that way, millimetres.
    pub person_radius_mm: u32,
    /// Clear width of stairs and ramps, millimetres.
    pub stairs_width_mm: u32,
    /// Steepest ramp, millimetres of height to a metre of length.
    pub ramp_gradient_mm_per_m: u32,
}

impl Default for BuildingRules {
    fn default() -> Self {
        Self {
            exits: ExitDoors::Declared,
            exit_width_mm: 1_200,
            width_tolerance_mm: 1,
            exit_height_mm: 2_000,
            escape_distance_mm: 35_000,
            person_radius_mm: 250,
            stairs_width_mm: 1_000,
            ramp_gradient_mm_per_m: 83,
        }
    }
}

/// How well geometry is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeometryRules {
    /// Area that two rooms may share, square centimetres.
    pub overlap_max_cm2: u32,
    /// Ends of walls that are closer than this are meant to be one, millimetres.
    pub wall_ends_apart_min_mm: u32,
    /// An end of a wall this close to another wall touches it, millimetres.
    pub wall_touch_mm: u32,
    /// A door this close to walls or outlines is in them, millimetres.
    pub door_to_wall_max_mm: u32,
    /// A hole between rooms that is narrower than this on average is a gap, millimetres.
    pub gap_width_max_mm: u32,
}

impl Default for GeometryRules {
    fn default() -> Self {
        Self {
            overlap_max_cm2: 500,
            wall_ends_apart_min_mm: 50,
            wall_touch_mm: 1,
            door_to_wall_max_mm: 150,
            gap_width_max_mm: 300,
        }
    }
}

/// How well the roadmap is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoadmapRules {
    /// A lane's declared length may differ from its geometry by this, parts per thousand.
    pub length_error_max_permille: u32,
    /// Waypoints that are closer than this are meant to be one, millimetres.
    pub waypoints_apart_min_mm: u32,
    /// Longest part of a lane between a cabin and the floor before it, millimetres.
    pub sill_max_mm: u32,
    /// Free width beside two robots that pass each other, millimetres.
    pub passing_play_mm: u32,
    /// Longest part of a lane that no sensor of the building sees, on levels with sensors, millimetres.
    pub sensor_gap_max_mm: u32,
}

impl Default for RoadmapRules {
    fn default() -> Self {
        Self {
            length_error_max_permille: 20,
            waypoints_apart_min_mm: 50,
            sill_max_mm: 100,
            passing_play_mm: 0,
            sensor_gap_max_mm: 1_000,
        }
    }
}

/// How well other people's maps fit together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportRules {
    /// Largest distance between fiducials that should meet, millimetres.
    pub fiducial_residual_max_mm: u32,
    /// Largest difference between measured scales, and between them and the scale used, parts per thousand.
    pub scale_spread_max_permille: u32,
}

impl Default for ImportRules {
    fn default() -> Self {
        Self { fiducial_residual_max_mm: 20, scale_spread_max_permille: 10 }
    }
}

/// What robots of a class can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RobotLimits {
    /// Height with its load and the play over it, millimetres.
    pub height_mm: u32,
    /// Mass with its load, kilograms.
    pub mass_kg: u32,
    /// Radius in which it turns on the spot, millimetres; that of its footprint with its margin if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turning_radius_mm: Option<u32>,
    /// Steepest slope, millimetres of height to a metre of length.
    pub gradient_max_mm_per_m: u32,
    /// Highest threshold or step, millimetres.
    pub threshold_max_mm: u32,
}

impl Default for RobotLimits {
    fn default() -> Self {
        Self {
            height_mm: 1_600,
            mass_kg: 200,
            turning_radius_mm: None,
            gradient_max_mm_per_m: 50,
            threshold_max_mm: 15,
        }
    }
}

/// Why a profile was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is not what a profile is.
    #[error("{0}")]
    Syntax(String),
    /// It is written in another version of the format.
    #[error("schema is {found}, this version reads {PROFILE_SCHEMA}")]
    Schema {
        /// The number in the file.
        found: u32,
    },
}

impl Default for BuildingProfile {
    fn default() -> Self {
        Self {
            schema: PROFILE_SCHEMA,
            name: "default".to_owned(),
            version: 1,
            building: BuildingRules::default(),
            geometry: GeometryRules::default(),
            roadmap: RoadmapRules::default(),
            import: ImportRules::default(),
            robot: RobotLimits::default(),
            classes: BTreeMap::new(),
        }
    }
}

impl BuildingProfile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`] with line and column for what is no profile, or of a schema that is not known.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)
            .map_err(|error| ProfileError::Syntax(error.to_string().trim_end().to_owned()))?;
        if profile.schema == PROFILE_SCHEMA {
            Ok(profile)
        } else {
            Err(ProfileError::Schema { found: profile.schema })
        }
    }

    /// The profile as TOML, every limit written out.
    pub fn to_toml(&self) -> String {
        // Whole numbers and strings: serialising them cannot fail.
        toml::to_string(self).unwrap_or_default()
    }

    /// SHA-256 of [`to_toml`](Self::to_toml): the same limits have the same digest, however their file is laid out.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_toml()).into()
    }

    pub(super) fn digest_hex(&self) -> String {
        self.digest().iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// What robots of a class can do.
    pub fn limits_of(&self, class: &str) -> &RobotLimits {
        self.classes.get(class).unwrap_or(&self.robot)
    }
}

/// Millimetres as metres.
pub(super) fn metres(mm: u32) -> f64 {
    f64::from(mm) / 1e3
}

/// A length in whole millimetres, rounded to the nearest.
pub(super) fn whole_mm(length_m: f64) -> f64 {
    libm::round(length_m * 1e3) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_survives_its_own_text() {
        let mut profile = BuildingProfile::default();
        profile.classes.insert(
            "cart".to_owned(),
            RobotLimits { turning_radius_mm: Some(400), ..RobotLimits::default() },
        );
        let text = profile.to_toml();
        assert_eq!(BuildingProfile::from_toml(&text), Ok(profile));
    }

    #[test]
    fn what_is_no_profile_is_refused_with_its_place() {
        let unknown = "schema = 1\nname = \"a\"\nversion = 1\n[building]\nexit_width = 1200\n";
        let error = BuildingProfile::from_toml(unknown).unwrap_err().to_string();
        assert!(error.contains("line 5") && error.contains("exit_width"), "{error}");
        let later = "schema = 2\nname = \"a\"\nversion = 1\n";
        assert_eq!(BuildingProfile::from_toml(later), Err(ProfileError::Schema { found: 2 }));
        let metres = "schema = 1\nname = \"a\"\nversion = 1\n[building]\nexit_width_mm = 1.2\n";
        assert!(matches!(BuildingProfile::from_toml(metres), Err(ProfileError::Syntax(_))));
    }
}
