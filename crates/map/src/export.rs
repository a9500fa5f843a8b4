//! Export of a [`Site`] to the formats of others, each with an [`ExportReport`] of what the format cannot carry.
//!
//! [`export`] checks the site as [`Site::compile`] does before it writes a byte, so every file obeys what its readers
//! ask: unique names, waypoints of one cabin over each other, lanes between places that exist. A format that holds one
//! roadmap or one level becomes several files when the site has several. The same site gives the same bytes, and all
//! files are made before any is returned.

mod error;
mod geojson;
mod lif;
#[cfg(feature = "ros")]
mod map_server;
mod name;
mod nav2;
#[cfg(feature = "rmf")]
mod nav_graph;
mod network;
mod report;
mod text;
mod zone_set;

use crate::model::Site;

pub use self::{
    error::ExportError,
    name::Format,
    report::{ExportReport, ExportWarning, Lost},
};

/// What to write of a site, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExportOptions<'a> {
    /// Name of the file. When there are several, their roadmap or level is put before its ending.
    pub name: &'a str,
    /// Only this level; all if not given. Our own TOML and JSON hold all levels or none.
    pub level: Option<&'a str>,
    /// Only the lanes of this roadmap, and lanes that name none; all roadmaps if not given.
    pub roadmap: Option<&'a str>,
    /// Size of a cell of a raster, metres.
    pub resolution_m: f64,
    /// When the file was made, as ISO 8601 writes it, for formats that ask. No clock is read here.
    pub timestamp: &'a str,
}

impl<'a> ExportOptions<'a> {
    /// All of a site under a name; rasters with cells of 0.05 m; the beginning of the Unix epoch as time.
    pub const fn named(name: &'a str) -> Self {
        Self { name, level: None, roadmap: None, resolution_m: 0.05, timestamp: "1970-01-01T00:00:00Z" }
    }
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl ExportFile {
    fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: text.into() }
    }
}

/// Writes a site in a format: the files, and what of the site is not in them.
///
/// Linear in the site but for rasters, which cost a few look-ups per cell.
///
/// # Errors
/// [`ExportError`] when the site is not sound, a level or roadmap is not in it, there is nothing that the format could
/// hold, or a reader of the format would refuse the file.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sheepdog_map::{Site, export::{ExportOptions, Format, export}, model::{Lane, Level, Waypoint}};
/// let mut site = Site::new("ward");
/// site.levels.push(Level::new("L1", 0.0));
/// site.waypoints.push(Waypoint::new("1", "L1", 0.0, 0.0));
/// site.waypoints.push(Waypoint::new("2", "L1", 3.0, 0.0));
/// site.lanes.push(Lane::two_way("1", "2").in_corridor("narrow"));
/// let (files, report) = export(&site, Format::Nav2, &ExportOptions::named("ward.nav2.geojson"))?;
/// assert_eq!(files[0].name, "ward.nav2.geojson");
/// // Route graphs know no corridors.
/// assert!(report.lost.iter().any(|lost| lost.path == "lane.corridor"));
/// # Ok(())
/// # }
/// ```
pub fn export(
    site: &Site,
    format: Format,
    options: &ExportOptions<'_>,
) -> Result<(Vec<ExportFile>, ExportReport), ExportError> {
    let toml = site.to_toml().map_err(ExportError::Unwritable)?;
    let whole = |text| Ok((vec![ExportFile::new(options.name, text)], ExportReport::default()));
    match format {
        Format::Toml | Format::Json if options.level.is_some() || options.roadmap.is_some() => {
            Err(ExportError::WholeSite)
        }
        Format::Toml => whole(toml),
        Format::Json => whole(site.to_json().map_err(ExportError::Unwritable)?),
        #[cfg(feature = "rmf")]
        Format::NavGraph => checked(site, || nav_graph::export(site, options)),
        Format::Lif => checked(site, || lif::export(site, options)),
        Format::Nav2 => checked(site, || nav2::export(site, options)),
        #[cfg(feature = "ros")]
        Format::MapServer => checked(site, || map_server::export(site, options)),
        Format::GeoJson => checked(site, || geojson::export(site, options)),
        Format::ZoneSet => checked(site, || zone_set::export(site, options)),
    }
}

/// The files of a format and the report about them.
type Exported = Result<(Vec<ExportFile>, ExportReport), ExportError>;

fn checked(site: &Site, write: impl FnOnce() -> Exported) -> Exported {
    crate::compile::check_site(site).map_err(ExportError::Site)?;
    write()
}
