//! Import of other people's maps: each format becomes a [`Site`] and an [`ImportReport`].
//!
//! [`import`] tells formats apart by name and content; each format also has a function of its own. What an importer
//! cannot carry over is in the report, never lost in silence: every value of the file is read, repeats what holds
//! without it, or is counted as left behind. What would become silently wrong is an [`ImportError`] that names the
//! element, the value and the rule. Text, depth and counts are bounded, so no input exhausts memory or stack.

#[cfg(feature = "rmf")]
mod building;
mod detect;
mod error;
mod geojson;
#[cfg(feature = "ros")]
mod image;
mod imdf;
mod json;
mod lif;
#[cfg(feature = "ros")]
mod map_server;
mod movingai;
mod nav2;
#[cfg(feature = "rmf")]
mod nav_graph;
#[cfg(feature = "opentcs")]
mod opentcs;
#[cfg_attr(not(feature = "ros"), allow(dead_code, reason = "only masks need all of it"))]
pub(crate) mod raster;
mod report;
mod rmf_site;
pub(crate) mod tangent;
pub(crate) mod tree;
#[cfg(feature = "opentcs")]
mod xml;
#[cfg(feature = "rmf")]
mod yaml;

use crate::model::Site;

#[cfg(feature = "ros")]
pub use self::map_server::{Raster, import_map_server, import_occupancy};
#[cfg(feature = "opentcs")]
pub use self::opentcs::import_opentcs;
#[cfg(feature = "rmf")]
pub use self::{building::import_building, nav_graph::import_nav_graph};
pub use self::{
    error::{ImportError, ImportProblem},
    geojson::import_geojson,
    imdf::import_imdf,
    lif::import_lif,
    movingai::import_movingai,
    nav2::import_nav2,
    report::{ImportReport, ImportWarning, LevelImport, LiftDoorName, RasterReading, SharedName},
    rmf_site::import_rmf_site,
};

/// Between the levels of a file that says nothing about heights, metres.
const LEVEL_APART_M: f64 = 4.0;

/// A format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Open-RMF `.building.yaml`.
    Building,
    /// `GeoJSON` as it is exported here.
    GeoJson,
    /// IMDF, the indoor mapping data format.
    Imdf,
    /// VDMA LIF, the layout interchange format.
    Lif,
    /// ROS `map_server` YAML with its image.
    MapServer,
    /// Grids of the `MovingAI` benchmarks.
    MovingAi,
    /// Nav2 route graph.
    Nav2,
    /// Open-RMF navigation graph.
    NavGraph,
    /// openTCS plant model.
    OpenTcs,
    /// Open-RMF `.site.json`.
    RmfSite,
}

/// Reads a map of any format that is known here.
///
/// `name` is the name of the file; `companion` gives the bytes of a file that the map names, by the name that is
/// written there, for example the image of a raster map. A raster map whose name ends in `_keepout`, `keepout_mask`, `_speed`
/// or `speed_mask` is taken for a mask, with a warning; [`import_raster`] takes it for what the caller says.
///
/// # Errors
/// [`ImportError`] when the format is not known, or as the function of the format says.
pub fn import(
    name: &str,
    bytes: &[u8],
    companion: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(Site, ImportReport), ImportError> {
    let format = Format::detect(name, bytes);
    match format {
        Some(Format::RmfSite) => import_rmf_site(bytes),
        Some(Format::GeoJson) => import_geojson(bytes),
        Some(Format::Imdf) => import_imdf(bytes, companion),
        Some(Format::Lif) => import_lif(bytes),
        Some(Format::MovingAi) => import_movingai(bytes),
        #[cfg(feature = "rmf")]
        Some(Format::NavGraph) => import_nav_graph(bytes),
        Some(Format::Nav2) => import_nav2(bytes),
        #[cfg(feature = "ros")]
        Some(Format::MapServer) => map_server::import_guessed(name, bytes, companion),
        #[cfg(feature = "opentcs")]
        Some(Format::OpenTcs) => import_opentcs(bytes),
        #[cfg(feature = "rmf")]
        Some(Format::Building) => import_building(tree::utf8(bytes)?),
        _ => Err(ImportError::of_file(ImportProblem::Unrecognised { name: name.to_owned() })),
    }
}

/// Reads a raster map or a mask as what the caller says it is, whatever it is called; otherwise as [`import`].
///
/// # Errors
/// [`ImportError`] when the file is no raster map, or as [`import_map_server`] says.
///
/// ```
/// # fn main() -> Result<(), sheepdog_map::import::ImportError> {
/// # use sheepdog_map::import::{Raster, import_raster};
/// let meta = "image: m.pgm\nresolution: 0.5\norigin: [0, 0, 0]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n";
/// let image = |_: &str| Some(b"P2 2 1 255 0 254".to_vec());
/// let (site, _) = import_raster("closed.yaml", meta.as_bytes(), Raster::Keepout, image)?;
/// assert_eq!((site.rooms.len(), site.zones.len()), (0, 1));
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "ros")]
pub fn import_raster(
    name: &str,
    bytes: &[u8],
    raster: Raster,
    image: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(Site, ImportReport), ImportError> {
    match Format::detect(name, bytes) {
        Some(Format::MapServer) => import_map_server(bytes, raster, image),
        _ => Err(ImportError::of_file(ImportProblem::NoRaster { name: name.to_owned() })),
    }
}
