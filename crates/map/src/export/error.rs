//! Why an export was refused.

use crate::{FormatError, MapError};

/// Why a site cannot be written in a format.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The site is of another schema, or has a number that is not finite.
    #[error("the site cannot be written: {0}")]
    Unwritable(FormatError),
    /// The site has errors; whoever reads the file would find them.
    #[error("the site has {} errors: {}", .0.len(), list(.0))]
    Site(Vec<MapError>),
    /// A name that nothing in the site bears.
    #[error("there is no {what} {name:?}; there are: {}", if known.is_empty() { "none" } else { known.as_str() })]
    NoSuch {
        /// What it should name.
        what: &'static str,
        /// The name.
        name: String,
        /// The names that are there.
        known: String,
    },
    /// A part was asked for of a format that holds the whole site.
    #[error("our own TOML and JSON hold the whole site: they take neither a level nor a roadmap")]
    WholeSite,
    /// There is nothing that the format could hold.
    #[error("there is no {what} to write{place}")]
    Nothing {
        /// What is missing.
        what: &'static str,
        /// Where it was looked for: ` on level "L1"`, or nothing.
        place: String,
    },
    /// A number that the format or its readers do not take.
    #[error("{element}: {field} is {value}, must be {rule}")]
    OutOfRange {
        /// The element.
        element: String,
        /// Its field.
        field: &'static str,
        /// The value.
        value: f64,
        /// The rule.
        rule: &'static str,
    },
    /// A raster would have too many cells.
    #[error(
        "level {level:?} would have {width} × {height} cells of {resolution_m} m, at most {limit} are allowed"
    )]
    TooManyCells {
        /// The level.
        level: String,
        /// Cells along x.
        width: f64,
        /// Cells along y.
        height: f64,
        /// Size of a cell.
        resolution_m: f64,
        /// The largest number of cells.
        limit: u32,
    },
    /// Two files would have one name.
    #[error("two files would be called {name:?}, one of a level and one of a mask")]
    SameName {
        /// The name.
        name: String,
    },
}

/// The first errors of many.
fn list(errors: &[MapError]) -> String {
    let mut text: Vec<String> = errors.iter().take(3).map(ToString::to_string).collect();
    if 3 < errors.len() {
        text.push("…".to_owned());
    }
    text.join("; ")
}
