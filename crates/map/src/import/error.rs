//! Why an import was refused.

use crate::format::Position;

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}{element}{}{problem}",
    position.map(|at| format!("{at}: ")).unwrap_or_default(),
    if element.is_empty() { "" } else { ": " })]
pub struct ImportError {
    /// Where in the text, when that is known.
    pub position: Option<Position>,
    /// Path of the element, for example `features[3].properties.id`; empty for the file as a whole.
    pub element: String,
    /// What is wrong.
    pub problem: ImportProblem,
}

impl ImportError {
    /// An error about a file as a whole.
    pub(crate) fn of_file(problem: ImportProblem) -> Self {
        Self { position: None, element: String::new(), problem }
    }

    /// An error about an element whose place in the text is not known.
    pub(crate) fn at(element: impl Into<String>, problem: ImportProblem) -> Self {
        Self { position: None, element: element.into(), problem }
    }
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportProblem {
    /// Neither name nor content say what it is.
    #[error("{name:?} is of no format that is read here")]
    Unrecognised {
        /// The name of the file.
        name: String,
    },
    /// It should be a raster map or a mask.
    #[error("{name:?} is no raster map of map_server, so it is no mask either")]
    NoRaster {
        /// The name of the file.
        name: String,
    },
    /// The text is not what its format asks.
    #[error("{message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// The text is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The file is longer than any map.
    #[error("the file has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Values are nested deeper than in any map.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// There are more of them than in any map.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Something legal that maps of this format do not use, or that has no meaning in our model.
    #[error("{what} is not supported")]
    Unsupported {
        /// The construct.
        what: &'static str,
    },
    /// Something that must be unique is there twice.
    #[error("duplicate {what} {value:?}")]
    Duplicate {
        /// What it is.
        what: &'static str,
        /// Its name.
        value: String,
    },
    /// Something that must be there is absent.
    #[error("missing {field}")]
    Missing {
        /// What is absent.
        field: &'static str,
    },
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A number that is infinite or no number.
    #[error("{value} is not a finite number")]
    NotFinite {
        /// The value as spelled.
        value: String,
    },
    /// A number outside what makes sense.
    #[error("{value} must be {rule}")]
    OutOfRange {
        /// The value.
        value: f64,
        /// The rule.
        rule: &'static str,
    },
    /// A word outside the words that are known.
    #[error("unknown value {value:?}, expected {expected}")]
    UnknownWord {
        /// The word.
        value: String,
        /// The words that are known.
        expected: &'static str,
    },
    /// A name that nothing bears.
    #[error("there is no {what} {name:?}")]
    NoSuch {
        /// What it should name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two things that must be apart are at one place.
    #[error("{what} are at the same place")]
    Coincident {
        /// What they are.
        what: &'static str,
    },
    /// Two things that must be in one plane are not.
    #[error("{what} are on levels {a:?} and {b:?}")]
    LevelsDiffer {
        /// What they are.
        what: &'static str,
        /// One level.
        a: String,
        /// The other.
        b: String,
    },
    /// A file that this one names is not at hand.
    #[error("the file {name:?} is not at hand")]
    NoCompanion {
        /// Its name.
        name: String,
    },
    /// A typed parameter `[type, value]` of another type.
    #[error("the parameter's type is {kind}, expected {expected} (1 string, 2 int, 3 double, 4 bool)")]
    WrongParam {
        /// The number of the type.
        kind: i64,
        /// The number that should be there.
        expected: i64,
    },
    /// An index beyond the level's vertices.
    #[error("vertex {index} does not exist, the level has {count}")]
    NoSuchVertex {
        /// The index.
        index: i64,
        /// How many there are.
        count: usize,
    },
    /// The reference level of a drawing has no measurement: lengths would be pixels.
    #[error(
        "the reference level {level:?} has no measurement, so its lengths would be pixels instead of metres"
    )]
    NoScale {
        /// The level.
        level: String,
    },
    /// A further level shares fewer than two fiducials with the reference level: its place is unknown.
    #[error("shares {common} fiducials with the reference level {reference:?}, aligning it needs 2")]
    TooFewFiducials {
        /// How many they share.
        common: usize,
        /// The reference level.
        reference: String,
    },
    /// A hole crosses the edge of a floor: what is left of the floor is not a polygon with holes.
    #[error("the hole crosses the edge of floor {floor}; draw the floor around it")]
    HoleCrossesFloor {
        /// Index of the floor.
        floor: usize,
    },
    /// The waypoints of one lift are too far apart for one cabin.
    #[error(
        "waypoints {a:?} and {b:?} of lift {lift:?} are {apart_m:.3} m apart, more than {limit_m} m: \
         the levels do not line up"
    )]
    LiftApart {
        /// The lift.
        lift: Box<str>,
        /// One waypoint.
        a: Box<str>,
        /// The other.
        b: Box<str>,
        /// Their horizontal distance, metres.
        apart_m: f64,
        /// The largest distance that is one place, metres.
        limit_m: f64,
    },
    /// Two waypoints of one level are in one cabin.
    #[error("lift {lift:?} holds waypoints {a:?} and {b:?} of one level; a cabin has one waypoint per level")]
    CrowdedCabin {
        /// The lift.
        lift: String,
        /// One waypoint.
        a: String,
        /// The other.
        b: String,
    },
    /// A lane leads from one cabin into another.
    #[error("the lane joins lifts {a:?} and {b:?}")]
    LaneBetweenLifts {
        /// One lift.
        a: String,
        /// The other.
        b: String,
    },
}
