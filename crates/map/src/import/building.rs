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
mod doors;
mod frame;
mod lanes;
mod lifts;
mod names;
mod params;
mod rings;
mod similarity;
mod surfaces;

use crate::model::{Level, SCHEMA, Site};

use self::{content::Content, frame::Frames};

use super::{ImportError, ImportProblem, ImportReport, LevelImport, tree::At, yaml};

/// Reads an Open-RMF building.
///
/// Levels keep their order in the file. Costs time and memory linear in the text, beside the pairs of fiducials of
/// a level and the pairs of floors and holes of a level.
///
/// # Errors
/// [`ImportError`] names the element, the line and the rule when the text is not a building file or when importing it
/// would be silently wrong.
///
/// ```
/// # fn main() -> Result<(), sheepdog_map::import::ImportError> {
/// let (site, report) = sheepdog_map::import::import_building(
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
pub fn import_building(text: &str) -> Result<(Site, ImportReport), ImportError> {
    let tree = yaml::parse(text)?;
    let mut report = ImportReport::default();
    let top = params::fields(&At::root(&tree))?;
    let name = building_name(&top)?;
    let frames = Frames::read(&top, &read_levels(&top)?, &mut report)?;
    let mut content = Content::read(&frames, &mut report)?;
    let lifts = lifts::read(&top, &frames, &mut report)?;
    content.board(&lifts, &mut report)?;
    let mut site = content.into_site();
    site.schema = SCHEMA;
    site.name = name;
    site.levels = frames.levels.iter().map(|level| Level::new(level.name, level.elevation_m)).collect();
    site.georeference = frames.georeference();
    site.lifts = lifts.into_iter().map(|lift| lift.lift).collect();
    report.leave(&tree);
    Ok((site, report))
}

fn building_name(top: &At<'_>) -> Result<String, ImportError> {
    // Old files say `building_name`, and it wins as in Open-RMF's own reader.
    let key = if top.get("building_name").is_some() { "building_name" } else { "name" };
    Ok(top.text_or(key, "building")?.to_owned())
}

fn read_levels<'a>(top: &At<'a>) -> Result<Vec<(&'a str, At<'a>)>, ImportError> {
    let levels = top.need("levels")?;
    let entries = levels.entries()?;
    if entries.is_empty() {
        Err(levels.error(ImportProblem::Missing { field: "a level" }))
    } else {
        Ok(entries)
    }
}
