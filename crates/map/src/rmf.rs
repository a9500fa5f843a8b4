//! Import of Open-RMF `.building.yaml` files, as its own tools read them.
//!
//! The file holds pixels of a drawing, typed parameters and no rooms. [`import_building`] turns it into a
//! [`Site`] in metres with y up, and says in an [`ImportReport`] what it had to change, guess or leave
//! behind. What Open-RMF's tools would take silently and wrongly is refused: a level that cannot be aligned, a scale
//! that nobody measured, a lift whose waypoints do not meet.
//!
//! The swing of a door follows the editor's drawing, which is what the author saw: with `motion_direction` 1 a leaf
//! turns clockwise about its hinge. Where the editor and the simulator disagree (a hinge at the `end`, a coordinate
//! system that is not an image) the door swings to [`Both`](crate::model::Swing::Both) sides.

mod content;
mod frame;
mod lifts;
mod names;
mod rings;
pub(crate) mod tree;

use crate::{
    format::Position,
    model::{Level, SCHEMA, Site},
};

use self::{
    content::Content,
    frame::Frames,
    tree::{At, Fields},
};

pub use crate::import::{ImportReport, ImportWarning, LevelImport};

/// Reads an Open-RMF building.
///
/// Levels keep their order in the file. Costs time and memory linear in the text, beside the pairs of fiducials of
/// a level and the pairs of floors and holes of a level.
///
/// # Errors
/// [`RmfError`] names the element, the line and the rule when the text is not a building file or when importing it
/// would be silently wrong.
///
/// ```
/// # fn main() -> Result<(), sheepdog_map::rmf::RmfError> {
/// let (site, report) = sheepdog_map::rmf::import_building(
///     "levels:
///   L1:
///     vertices: [[0, 0, 0, pharmacy], [200, 0, 0, ward]]
///     measurements: [[0, 1, {distance: [3, 10]}]]
///     lanes: [[0, 1, {bidirectional: [4, true], graph_idx: [2, 0]}]]
/// ",
/// )?;
/// assert_eq!(site.waypoints[1].at, [10.0, 0.0]);
/// assert_eq!(report.levels[0].scale, 0.05);
/// # Ok(())
/// # }
/// ```
pub fn import_building(text: &str) -> Result<(Site, ImportReport), RmfError> {
    let tree = tree::parse(text)?;
    let mut report = ImportReport::default();
    let mut top = At::root(&tree).fields()?;
    let name = building_name(&mut top)?;
    let levels = read_levels(&mut top)?;
    let mut frames = Frames::read(&mut top, levels, &mut report)?;
    let mut content = Content::read(&mut frames, &mut report)?;
    let lifts = lifts::read(&mut top, &frames, &mut report)?;
    content.board(&lifts, &mut report)?;
    let mut site = content.into_site();
    site.schema = SCHEMA;
    site.name = name;
    site.levels = frames.levels.iter().map(|level| Level::new(level.name, level.elevation_m)).collect();
    site.georeference = frames.georeference();
    site.lifts = lifts.into_iter().map(|lift| lift.lift).collect();
    for level in frames.levels {
        level.fields.leave(&mut report);
    }
    top.leave(&mut report);
    Ok((site, report))
}

fn building_name(top: &mut Fields<'_>) -> Result<String, RmfError> {
    // Old files say `building_name`, and it wins as in Open-RMF's own reader.
    let new = top.take("name");
    let name = top.take("building_name").or(new);
    Ok(name.map(|at| at.text()).transpose()?.unwrap_or("building").to_owned())
}

fn read_levels<'a>(top: &mut Fields<'a>) -> Result<Vec<(&'a str, At<'a>)>, RmfError> {
    let levels = top.need("levels")?;
    let entries = levels.entries()?;
    if entries.is_empty() { Err(levels.error(RmfProblem::Missing { field: "a level" })) } else { Ok(entries) }
}

impl ImportReport {
    fn drop_one(&mut self, at: &At<'_>) {
        self.drop_count(&pattern(at.path()), at.count());
    }
}

/// The path with its indices left out.
fn pattern(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        inside = inside && character.is_ascii_digit();
        if !inside {
            out.push(character);
        }
        inside = inside || character == '[';
    }
    out
}

/// Why a building file was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{position}: {element}{}{problem}", if element.is_empty() { "" } else { ": " })]
pub struct RmfError {
    /// Where in the text.
    pub position: Position,
    /// Path of the element, for example `levels.L1.lanes[3]`; empty for the file as a whole.
    pub element: String,
    /// What is wrong.
    pub problem: RmfProblem,
}

/// What is wrong with a building file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RmfProblem {
    /// The text is not YAML.
    #[error("{message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// The text is longer than any building.
    #[error("the file has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Lists and maps are nested deeper than any building.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// There are more values than in any building.
    #[error("more than {limit} values")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// There is no document.
    #[error("the file is empty")]
    Empty,
    /// Legal YAML that building files do not use.
    #[error("{what} is not part of a building file")]
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
    /// A typed parameter `[type, value]` of another type.
    #[error("the parameter's type is {kind}, expected {expected} (1 string, 2 int, 3 double, 4 bool)")]
    WrongParam {
        /// The number of the type.
        kind: i64,
        /// The number that should be there.
        expected: i64,
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
    /// An index beyond the level's vertices.
    #[error("vertex {index} does not exist, the level has {count}")]
    NoSuchVertex {
        /// The index.
        index: i64,
        /// How many there are.
        count: usize,
    },
    /// A name that nothing bears.
    #[error("there is no {what} {name:?}")]
    NoSuch {
        /// What it should name.
        what: &'static str,
        /// The name.
        name: String,
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
    /// Two things that must be apart are at one place.
    #[error("{what} are at the same place")]
    Coincident {
        /// What they are.
        what: &'static str,
    },
    /// Web-Mercator metres are longer than metres on the ground.
    #[error(
        "at this latitude lengths in web mercator are {factor:.3} times the true ones, the limit is {limit}"
    )]
    Stretched {
        /// How many times.
        factor: f64,
        /// The limit.
        limit: f64,
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
        lift: String,
        /// One waypoint.
        a: String,
        /// The other.
        b: String,
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
