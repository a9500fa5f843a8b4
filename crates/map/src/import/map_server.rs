//! Raster maps of ROS `map_server`: a YAML file that names a grey image, or a mask of that form.
//!
//! Grey values mean what they mean there: `p = (255 - grey) / 255`, or `grey / 255` with `negate`; occupied from
//! `occupied_thresh` on, free up to `free_thresh`, otherwise unknown, and in mode `scale` a value between. The origin is
//! the lower left corner of the image, and its yaw is honoured. Free cells become rooms; occupied and unknown cells are
//! not mapped. A keepout mask becomes blocked zones, a speed mask speed limits.

use crate::{
    model::{Level, Site, Zone, ZoneKind},
    survey::{Occupancy, OccupancyGrid},
};

use super::{
    ImportError, ImportProblem, ImportReport, LevelImport, RasterReading,
    image::{Image, Pixel},
    raster::{Grid, NOTCH, Region, add_rooms},
    tree::{At, utf8},
    yaml,
};

/// The level that everything is on.
const LEVEL: &str = "map";
/// The grey that mapping tools write where nothing is known.
const UNKNOWN_GREY: u8 = 205;

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raster {
    /// A map: free cells become rooms.
    Map,
    /// A keepout mask: occupied cells become blocked zones.
    Keepout,
    /// A speed mask: the limit in a cell is `base + multiplier · value`, where values run from 0 to 100.
    Speed {
        /// The limit at value 0, metres per second.
        base_mps: f64,
        /// What each unit adds, metres per second.
        multiplier_mps: f64,
    },
}

/// The speed that is taken for 100 % when a speed mask is imported without saying more.
const TOP_SPEED_MPS: f64 = 1.0;

/// Reads a map of `map_server`; `image` gives the bytes of the image that the file names.
///
/// # Errors
/// [`ImportError`] when the text is no such file, a number makes no sense, or the image is not at hand or no PGM.
pub fn import_map_server(
    bytes: &[u8],
    raster: Raster,
    image: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(Site, ImportReport), ImportError> {
    let tree = yaml::parse(utf8(bytes)?)?;
    let mut report = ImportReport::default();
    let (meta, image, name) = read(&At::root(&tree), image, &mut report)?;
    let mut site = Site::new(name);
    site.levels.push(Level::new(LEVEL, 0.0));
    report.levels.push(LevelImport {
        rotation_rad: meta.origin[2],
        translation_m: [meta.origin[0], meta.origin[1]],
        ..LevelImport::scaled(LEVEL, meta.resolution_m)
    });
    report.raster = Some(RasterReading {
        occupied_thresh: meta.occupied,
        free_thresh: meta.free,
        yaw_rad: meta.origin[2],
        unknown_as_free: None,
        is_scale: meta.mode == Mode::Scale,
    });
    match raster {
        Raster::Map => rooms(&meta, &image, &mut site, &mut report)?,
        Raster::Keepout => keepout(&meta, &image, &mut site, &mut report)?,
        Raster::Speed { base_mps, multiplier_mps } => {
            let limit = |value: u8| base_mps + multiplier_mps * f64::from(value);
            speed(&meta, &image, limit, &mut site, &mut report)?;
        }
    }
    report.leave(&tree);
    Ok((site, report))
}

/// Reads a map of `map_server` as cells that are free, occupied or unknown; `image` gives the bytes of the image that the
/// file names. The name is that of the image.
///
/// Cells of the grey that mapping tools write where nothing is known are unknown, also where `free_thresh` would take them
/// for free; the report says so.
///
/// # Errors
/// As [`import_map_server`].
pub fn import_occupancy(
    bytes: &[u8],
    image: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(OccupancyGrid, ImportReport), ImportError> {
    let tree = yaml::parse(utf8(bytes)?)?;
    let mut report = ImportReport::default();
    let (meta, image, name) = read(&At::root(&tree), image, &mut report)?;
    let trap = unknown_is_free(&meta);
    let of = |pixel: Pixel| match meta.cell(pixel) {
        Cell::Value(0) if pixel.grey == UNKNOWN_GREY && trap => Occupancy::Unknown,
        Cell::Value(0) => Occupancy::Free,
        Cell::Value(100) => Occupancy::Occupied,
        Cell::Value(_) | Cell::Unknown => Occupancy::Unknown,
    };
    if trap {
        let text = format!("{} takes grey {UNKNOWN_GREY} for free; such cells stay unknown here", meta.free);
        report.warn("free_thresh", text);
    }
    let rows = image.pixels.chunks(image.width).rev();
    let cells = rows.flatten().map(|pixel| of(*pixel)).collect();
    let grid = OccupancyGrid::new(name, image.width, meta.resolution_m, meta.origin, cells);
    let grid =
        grid.map_err(|error| ImportError::of_file(ImportProblem::Syntax { message: error.to_string() }))?;
    report.leave(&tree);
    Ok((grid, report))
}

/// What the file says, the image, and its name without folders and ending.
fn read(
    top: &At<'_>,
    mut image: impl FnMut(&str) -> Option<Vec<u8>>,
    report: &mut ImportReport,
) -> Result<(Meta, Image, String), ImportError> {
    let meta = Meta::read(top, report)?;
    let name = top.need("image")?;
    let file = name.text()?;
    let missing = || name.error(ImportProblem::NoCompanion { name: super::tree::shorten(file) });
    let image = Image::parse(&image(file).ok_or_else(missing)?)?;
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    Ok((meta, image, stem.rsplit_once('.').map_or(stem, |(stem, _)| stem).to_owned()))
}

/// Whether the thresholds take what mapping tools write for unknown as free.
fn unknown_is_free(meta: &Meta) -> bool {
    meta.value(UNKNOWN_GREY) == Cell::Value(0) && !meta.negate && meta.mode != Mode::Raw
}

/// Reads a map of `map_server`, taken for a mask where the end of the name says so; the report tells.
///
/// The name of the file is all there is to go by: the format has no word for it. A speed mask is read as in Nav2's example
/// (percent of a top speed of 1 m/s, base 100, multiplier -1), since the numbers are kept elsewhere.
pub(super) fn import_guessed(
    name: &str,
    bytes: &[u8],
    image: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(Site, ImportReport), ImportError> {
    let name = name.to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let speed = Raster::Speed { base_mps: TOP_SPEED_MPS, multiplier_mps: -TOP_SPEED_MPS / 100.0 };
    let masks = [
        ("_keepout", "a keepout mask", Raster::Keepout),
        ("keepout_mask", "a keepout mask", Raster::Keepout),
        ("_speed", "a speed mask", speed),
        ("speed_mask", "a speed mask", speed),
    ];
    let Some((end, what, raster)) = masks.into_iter().find(|(end, ..)| stem.ends_with(end)) else {
        return import_map_server(bytes, Raster::Map, image);
    };
    let (site, mut report) = import_map_server(bytes, raster, image)?;
    let message = format!("taken for {what} and not for a map, because the name of the file ends in {end:?}");
    report.warn("image", message);
    Ok((site, report))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Trinary,
    Scale,
    Raw,
}

/// What a cell holds: as in an occupancy grid, 0 is free and 100 occupied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Unknown,
    Value(u8),
}

struct Meta {
    mode: Mode,
    resolution_m: f64,
    origin: [f64; 3],
    negate: bool,
    occupied: f64,
    free: f64,
}

impl Meta {
    fn read(top: &At<'_>, report: &mut ImportReport) -> Result<Self, ImportError> {
        let mode = match top.get("mode") {
            None => Mode::Trinary,
            Some(at) => match at.text()? {
                "trinary" => {
                    at.implied();
                    Mode::Trinary
                }
                "scale" => Mode::Scale,
                "raw" => Mode::Raw,
                other => return Err(at.unknown(other, "trinary, scale or raw")),
            },
        };
        let resolution_m = top.need("resolution")?.number_where(|m| 0.0 < m && m <= 100.0, "in 0..100 m")?;
        let origin_at = top.need("origin")?;
        let origin = match origin_at.items()?.as_slice() {
            [x, y, yaw] => [x.number()?, y.number()?, yaw.number()?],
            _ => return Err(origin_at.wrong("an origin [x, y, yaw]")),
        };
        if origin[2] != 0.0 {
            origin_at.warn(
                report,
                format!("the map is turned by {} rad; it is honoured here, Nav2 ignores it", origin[2]),
            );
        }
        let share = |key: &'static str| top.need(key)?.number_where(|p| (0.0..=1.0).contains(&p), "in 0..1");
        let (occupied, free) = if mode == Mode::Raw && top.get("occupied_thresh").is_none() {
            (1.0, 0.0)
        } else {
            (share("occupied_thresh")?, share("free_thresh")?)
        };
        if occupied <= free && mode != Mode::Raw {
            return Err(top.need("free_thresh")?.out_of_range(free, "less than occupied_thresh"));
        }
        let negate = top.need("negate")?;
        let is_negative = match negate.text()? {
            "0" | "false" => {
                // The key is required and zero is its usual value.
                negate.implied();
                false
            }
            "1" | "true" => true,
            other => return Err(negate.unknown(other, "0 or 1")),
        };
        Ok(Self { mode, resolution_m, origin, negate: is_negative, occupied, free })
    }

    /// What a pixel means: what shines through says nothing, unless values are raw.
    fn cell(&self, pixel: Pixel) -> Cell {
        if pixel.is_opaque || self.mode == Mode::Raw { self.value(pixel.grey) } else { Cell::Unknown }
    }

    /// What a grey value means.
    fn value(&self, grey: u8) -> Cell {
        let p = f64::from(if self.negate { grey } else { u8::MAX - grey }) / 255.0;
        match self.mode {
            Mode::Raw if grey <= 100 => Cell::Value(grey),
            Mode::Trinary | Mode::Scale if self.occupied <= p => Cell::Value(100),
            Mode::Trinary | Mode::Scale if p <= self.free => Cell::Value(0),
            Mode::Raw | Mode::Trinary => Cell::Unknown,
            Mode::Scale => Cell::Value(share(100.0 * (p - self.free) / (self.occupied - self.free))),
        }
    }

    /// From cells to metres.
    fn place(&self, ring: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let [ox, oy, yaw] = self.origin;
        let (sine, cosine) = if yaw == 0.0 { (0.0, 1.0) } else { (libm::sin(yaw), libm::cos(yaw)) };
        let map = |&[x, y]: &[f64; 2]| {
            let (x, y) = (x * self.resolution_m, y * self.resolution_m);
            [ox + cosine * x - sine * y, oy + sine * x + cosine * y]
        };
        ring.iter().map(map).collect()
    }

    /// The cells that `keep` gives a value; how many of the others there are is in the report.
    fn grid(
        &self,
        image: &Image,
        report: &mut ImportReport,
        keep: impl Fn(Cell) -> Option<u8>,
    ) -> Result<Grid, ImportError> {
        let mut grid = Grid::new(image.width, image.height)?;
        let (mut unknown, mut other) = (0, 0);
        for (row, line) in image.pixels.chunks(image.width).enumerate() {
            for (x, pixel) in line.iter().enumerate() {
                let cell = self.cell(*pixel);
                let value = keep(cell);
                if value.is_none() {
                    *(if cell == Cell::Unknown { &mut unknown } else { &mut other }) += 1;
                }
                grid.set(x, image.height - 1 - row, value);
            }
        }
        report.drop_count("image: unknown cells", unknown);
        report.drop_count("image: other cells without a place in the result", other);
        Ok(grid)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a value from 0 to 100")]
fn share(percent: f64) -> u8 {
    libm::round(percent).clamp(0.0, 100.0) as u8
}

fn rooms(meta: &Meta, image: &Image, site: &mut Site, report: &mut ImportReport) -> Result<(), ImportError> {
    let unknown = |pixel: &Pixel| usize::from(pixel.is_opaque && pixel.grey == UNKNOWN_GREY);
    let grey = image.pixels.iter().map(unknown).sum::<usize>();
    if let Some(reading) = report.raster.as_mut().filter(|_| unknown_is_free(meta)) {
        reading.unknown_as_free = Some(grey);
        let (free, remedy) = (meta.free, reading.remedy());
        report.warn(
            "free_thresh",
            format!(
                "{free} takes grey {UNKNOWN_GREY}, which means unknown, for free: {grey} cells; {remedy}"
            ),
        );
    }
    let grid = meta.grid(image, report, |cell| (cell == Cell::Value(0)).then_some(0))?;
    let regions = grid.regions(NOTCH)?;
    add_rooms(site, report, &regions, |ring| meta.place(ring));
    Ok(())
}

fn keepout(
    meta: &Meta,
    image: &Image,
    site: &mut Site,
    report: &mut ImportReport,
) -> Result<(), ImportError> {
    let grid = meta.grid(image, report, |cell| (cell == Cell::Value(100)).then_some(100))?;
    for ring in grid.regions(0.0)?.iter().flat_map(Region::without_holes) {
        let id = format!("keepout {}", site.zones.len() + 1);
        site.zones.push(Zone::new(id, LEVEL, ZoneKind::Blocked, meta.place(&ring)));
    }
    Ok(())
}

fn speed(
    meta: &Meta,
    image: &Image,
    limit: impl Fn(u8) -> f64,
    site: &mut Site,
    report: &mut ImportReport,
) -> Result<(), ImportError> {
    report.warn(
        "image",
        format!(
            "values become limits from {} m/s (value 0, which is no limit) to {} m/s (value 100): the file does not \
             say what they mean",
            limit(0),
            limit(100)
        ),
    );
    let keep = |cell| match cell {
        Cell::Unknown | Cell::Value(0) => None,
        Cell::Value(value) => Some(value),
    };
    for region in meta.grid(image, report, keep)?.regions(0.0)? {
        let limit_mps = limit(region.value);
        for ring in region.without_holes() {
            let id = format!("speed {}", site.zones.len() + 1);
            // Nobody moves where the limit is zero or less.
            let zone = if limit_mps.is_finite() && 0.0 < limit_mps {
                let zone = Zone::new(id, LEVEL, ZoneKind::SpeedLimit, meta.place(&ring));
                Zone { speed_limit_mps: Some(limit_mps), ..zone }
            } else {
                Zone::new(id, LEVEL, ZoneKind::Blocked, meta.place(&ring))
            };
            site.zones.push(zone);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where something shines through nobody knows what is there, unless the values are raw.
    #[test]
    fn what_is_not_opaque_is_unknown() {
        let meta = |mode: Mode| Meta {
            mode,
            resolution_m: 0.05,
            origin: [0.0; 3],
            negate: false,
            occupied: 0.65,
            free: 0.196,
        };
        let pixel = |grey, is_opaque| Pixel { grey, is_opaque };
        for mode in [Mode::Trinary, Mode::Scale] {
            assert!(meta(mode).cell(pixel(254, true)) == Cell::Value(0));
            assert!(meta(mode).cell(pixel(0, true)) == Cell::Value(100));
            for grey in [0, 128, 254] {
                assert!(meta(mode).cell(pixel(grey, false)) == Cell::Unknown, "{grey}");
            }
        }
        assert!(meta(Mode::Raw).cell(pixel(40, false)) == Cell::Value(40));
    }
}
