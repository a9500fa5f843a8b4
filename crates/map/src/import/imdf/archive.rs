//! The collections of a venue: all in one file, or each in a file of an archive.

use crate::format::Position;

use super::super::{
    ImportError, ImportProblem, json,
    tree::{At, Node, Value, utf8},
};

/// The collections of an archive, which are also the names of its files.
const COLLECTIONS: [&str; 16] = [
    "address",
    "amenity",
    "anchor",
    "building",
    "detail",
    "fixture",
    "footprint",
    "geofence",
    "kiosk",
    "level",
    "occupant",
    "opening",
    "relationship",
    "section",
    "unit",
    "venue",
];

/// The collections by name: those of one file, or a file with one of them and the others beside it.
///
/// # Errors
/// What is wrong with a file, or that the one with the venue is not beside this one.
pub(super) fn read(
    bytes: &[u8],
    mut sibling: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Node, ImportError> {
    let tree = json::parse(utf8(bytes)?)?;
    let Some(own) = lone(&At::root(&tree)) else { return Ok(tree) };
    let mut files = vec![(own.into(), tree)];
    for name in COLLECTIONS.into_iter().filter(|name| *name != own) {
        let file = format!("{name}.geojson");
        if let Some(bytes) = sibling(&file) {
            let read = utf8(&bytes).and_then(json::parse);
            let read = read.map_err(|error| ImportError { element: file, ..error })?;
            files.push((name.into(), read));
        } else if name == "venue" {
            return Err(ImportError::of_file(ImportProblem::NoCompanion { name: file }));
        }
    }
    Ok(Node::new(Position::START, Value::Map(files)))
}

/// The collection that a file is, when all its features are of one.
fn lone(top: &At<'_>) -> Option<&'static str> {
    let features = top.get("features")?.items().ok()?;
    let mut kinds = features.iter().map(|feature| feature.get("feature_type")?.text().ok());
    let first = kinds.next()??;
    let own = COLLECTIONS.into_iter().find(|name| *name == first)?;
    kinds.all(|kind| kind == Some(first)).then_some(own)
}
