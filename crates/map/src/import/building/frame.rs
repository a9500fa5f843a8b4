//! Coordinate systems: how the points of each level become metres with y up.

use std::collections::BTreeMap;

use super::super::tangent::{Tangent, is_place};
use crate::model::Georeference;

use super::{
    At, ImportError, ImportProblem, ImportReport, LevelImport,
    params::{self, text, vertex},
    similarity::{Similarity, distance, fit, mean},
};

/// Fiducials farther off than this are worth a look, metres.
const RESIDUAL_WARN_M: f64 = 0.02;
/// Scales that differ by more than this share are worth a look.
const SCALE_SPREAD_WARN: f64 = 0.01;
/// Half the side of the one tile that holds the whole Earth.
const TILE_HALF: f64 = 128.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    ReferenceImage,
    WebMercator,
    CartesianMeters,
    Wgs84,
}

/// A vertex of a level.
#[derive(Debug)]
pub(super) struct Vertex<'a> {
    pub(super) at: At<'a>,
    /// In the file's units, y up.
    pub(super) raw: [f64; 2],
    /// Metres.
    pub(super) metres: [f64; 2],
    pub(super) name: &'a str,
    pub(super) params: Option<At<'a>>,
}

/// A level with its vertices in metres.
#[derive(Debug)]
pub(super) struct LevelFrame<'a> {
    pub(super) name: &'a str,
    pub(super) elevation_m: f64,
    /// The map of the level in the file.
    pub(super) at: At<'a>,
    pub(super) vertices: Vec<Vertex<'a>>,
    transform: Similarity,
}

/// All levels and what they share.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    pub(super) system: System,
    flip: f64,
    /// The plane of a file with longitudes and latitudes, be they written or projected.
    tangent: Option<Tangent>,
    pub(super) levels: Vec<LevelFrame<'a>>,
}

impl<'a> Frames<'a> {
    pub(super) fn read(
        top: &At<'a>,
        levels: &[(&'a str, At<'a>)],
        report: &mut ImportReport,
    ) -> Result<Self, ImportError> {
        let system = read_system(top)?;
        let several = 1 < levels.len();
        let levels = levels
            .iter()
            .map(|(name, at)| LevelFrame::read(name, at, several, report))
            .collect::<Result<Vec<_>, _>>()?;
        let mut frames = Self { system, flip: 1.0, tangent: None, levels };
        match system {
            System::ReferenceImage => {
                frames.flip(-1.0);
                let reference = frames.reference(top)?;
                frames.align(reference, report)?;
            }
            System::WebMercator => frames.project(top, report)?,
            System::Wgs84 => frames.touch_mean(report)?,
            System::CartesianMeters => {
                report.levels.extend(frames.levels.iter().map(|level| level.import(0.0)));
            }
        }
        for level in &mut frames.levels {
            let transform = level.transform;
            for vertex in &mut level.vertices {
                vertex.metres = transform.apply(vertex.raw);
                if !vertex.metres.iter().all(|value| value.is_finite()) {
                    return Err(vertex
                        .at
                        .error(ImportProblem::NotFinite { value: "its place in metres".to_owned() }));
                }
            }
        }
        Ok(frames)
    }

    /// A point of the file on a level, in metres.
    pub(super) fn metres(&self, level: &LevelFrame<'_>, [x, y]: [f64; 2]) -> [f64; 2] {
        match &self.tangent {
            // Not a number for what is too far away, so that whoever asks refuses it.
            Some(tangent) => {
                let place = match self.system {
                    System::WebMercator => unmercator([x, self.flip * y]),
                    System::Wgs84 | System::ReferenceImage | System::CartesianMeters => [x, y],
                };
                tangent.project(place).unwrap_or([f64::NAN; 2])
            }
            None => level.transform.apply([x, self.flip * y]),
        }
    }

    /// Where on Earth the origin is, when the file says so.
    pub(super) fn georeference(&self) -> Option<Georeference> {
        self.tangent.map(|tangent| tangent.origin())
    }

    /// Lays longitudes and latitudes into the plane that touches the Earth at the mean of all vertices.
    fn touch_mean(&mut self, report: &mut ImportReport) -> Result<(), ImportError> {
        let vertices = || self.levels.iter().flat_map(|level| &level.vertices);
        for vertex in vertices() {
            if !is_place(vertex.raw) {
                let value = if 180.0 < vertex.raw[0].abs() { vertex.raw[0] } else { vertex.raw[1] };
                let rule = "a longitude and a latitude in degrees";
                return Err(vertex.at.error(ImportProblem::OutOfRange { value, rule }));
            }
        }
        let axis = |axis: fn([f64; 2]) -> f64| {
            mean(&vertices().map(|vertex| axis(vertex.raw)).collect::<Vec<_>>()).unwrap_or(0.0)
        };
        let tangent = Tangent::new([axis(|[x, _]| x), axis(|[_, y]| y)]);
        self.touch(tangent, "a place within half a degree of the mean of all vertices", report)?;
        let Georeference { latitude_deg, longitude_deg, .. } = tangent.origin();
        report.warn(
            "coordinate_system",
            format!("metres are east and north of the mean vertex, latitude {latitude_deg}, longitude {longitude_deg}"),
        );
        Ok(())
    }

    /// Lays longitudes and latitudes into a plane that touches the Earth.
    fn touch(
        &mut self,
        tangent: Tangent,
        rule: &'static str,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        for vertex in self.levels.iter_mut().flat_map(|level| &mut level.vertices) {
            let metres = tangent.project(vertex.raw);
            vertex.raw = metres.ok_or_else(|| vertex.at.out_of_range(vertex.raw[0], rule))?;
        }
        self.tangent = Some(tangent);
        report.levels.extend(self.levels.iter().map(|level| level.import(0.0)));
        Ok(())
    }

    /// How far a level was turned, radians.
    pub(super) fn rotation_rad(level: &LevelFrame<'_>) -> f64 {
        level.transform.rotation_rad
    }

    fn flip(&mut self, flip: f64) {
        self.flip = flip;
        for vertex in self.levels.iter_mut().flat_map(|level| &mut level.vertices) {
            let [x, y] = vertex.raw;
            vertex.raw = [x, flip * y];
        }
    }

    fn reference(&self, top: &At<'a>) -> Result<usize, ImportError> {
        let Some(at) = top.get("reference_level_name") else { return Ok(0) };
        let name = text(&at)?;
        if name.is_empty() {
            at.implied();
            return Ok(0);
        }
        let found = self.levels.iter().position(|level| level.name == name);
        if found == Some(0) {
            at.implied();
        }
        found.ok_or_else(|| at.no_such("level", name))
    }

    /// Scales the reference level by its measurements and lays the others over it by their fiducials.
    fn align(&mut self, reference: usize, report: &mut ImportReport) -> Result<(), ImportError> {
        let scales =
            self.levels.iter().map(LevelFrame::read_scales).collect::<Result<Vec<_>, ImportError>>()?;
        let fiducials = self
            .levels
            .iter()
            .map(|level| level.read_fiducials(-1.0))
            .collect::<Result<Vec<_>, ImportError>>()?;
        let (Some(base), Some(base_scales), Some(base_fiducials)) =
            (self.levels.get(reference), scales.get(reference), fiducials.get(reference))
        else {
            return Ok(());
        };
        let base_name = base.name;
        let Some(base_scale) = mean(base_scales) else {
            return Err(base.at.error(ImportProblem::NoScale { level: base_name.to_owned() }));
        };
        warn_of_spread(base, base_scales, base_scale, report);
        for (index, level) in self.levels.iter_mut().enumerate() {
            let (mut residual_m, mut shared) = (0.0, None);
            if index == reference {
                level.transform.scale = base_scale;
            } else {
                let common = fiducials
                    .get(index)
                    .into_iter()
                    .flatten()
                    .filter_map(|(name, point)| Some((*point, *base_fiducials.get(name)?)))
                    .collect::<Vec<_>>();
                shared = Some(common.len());
                (level.transform, residual_m) = fit(&common, base_scale)
                    .map_err(|misfit| level.at.error(misfit.problem(common.len(), base_name)))?;
                if RESIDUAL_WARN_M < residual_m {
                    let message =
                        format!("its fiducials miss those of {base_name} by up to {residual_m:.3} m");
                    level.at.warn(report, message);
                }
                level.warn_of_own_scale(scales.get(index).and_then(|own| mean(own)), report);
            }
            report.levels.push(LevelImport {
                scales: scales.get(index).cloned().unwrap_or_default(),
                fiducials: shared,
                ..level.import(residual_m)
            });
        }
        Ok(())
    }

    /// Puts the vertex called `origin` at (0, 0). Lengths of web mercator grow with the latitude, so places are brought back
    /// to Earth: metres are those on the ground.
    fn project(&mut self, top: &At<'a>, report: &mut ImportReport) -> Result<(), ImportError> {
        let parameters = top.get("parameters").map(|at| params::fields(&at)).transpose()?;
        let chosen = match &parameters {
            Some(parameters) => params::string(parameters, "generate_origin_vertex")?,
            None => "",
        };
        let origin = if chosen.is_empty() { "origin" } else { chosen };
        self.upright()?;
        let mut found =
            self.levels.iter().flat_map(|level| &level.vertices).filter(|vertex| vertex.name == origin);
        let Some(first) = found.next() else {
            return Err(top.no_such("origin vertex", origin));
        };
        if let Some(second) = found.next() {
            return Err(second.at.duplicate("origin vertex", origin));
        }
        let place = unmercator(first.raw);
        let Georeference { latitude_deg, longitude_deg, .. } = Tangent::new(place).origin();
        let factor = 1.0 / libm::cos(latitude_deg.to_radians());
        first.at.warn(
            report,
            format!(
                "web mercator: lengths there are {factor:.5} times those on the ground; metres are true ones, east and \
                 north of latitude {latitude_deg}, longitude {longitude_deg}"
            ),
        );
        for vertex in self.levels.iter_mut().flat_map(|level| &mut level.vertices) {
            vertex.raw = unmercator(vertex.raw);
        }
        self.touch(Tangent::new(place), "a place within half a degree of the origin vertex", report)
    }

    /// Tiles have y downwards from 0 to 256; some files hold it negated already. Both signs at once cannot be.
    fn upright(&mut self) -> Result<(), ImportError> {
        let mut down = false;
        for vertex in self.levels.iter().flat_map(|level| &level.vertices) {
            let [x, y] = vertex.raw;
            if !(0.0..=256.0).contains(&x) {
                return Err(vertex
                    .at
                    .error(ImportProblem::OutOfRange { value: x, rule: "a tile's x, 0 to 256" }));
            }
            if !(-256.0..=256.0).contains(&y) || down && y < 0.0 {
                return Err(vertex
                    .at
                    .error(ImportProblem::OutOfRange { value: y, rule: "a tile's y, 0 to 256" }));
            }
            down = down || 0.0 < y;
        }
        let mixed =
            self.levels.iter().flat_map(|level| &level.vertices).find(|vertex| down && vertex.raw[1] < 0.0);
        if let Some(vertex) = mixed {
            let value = vertex.raw[1];
            return Err(vertex.at.error(ImportProblem::OutOfRange { value, rule: "a tile's y, 0 to 256" }));
        }
        if down {
            self.flip(-1.0);
        }
        Ok(())
    }
}

/// The longitude and latitude, in degrees, of a place on the tile, y up.
fn unmercator([x, y]: [f64; 2]) -> [f64; 2] {
    let [east_rad, north] = [x - TILE_HALF, y + TILE_HALF].map(|off| std::f64::consts::PI * off / TILE_HALF);
    [east_rad.to_degrees(), libm::atan(libm::sinh(north)).to_degrees()]
}

fn read_system(top: &At<'_>) -> Result<System, ImportError> {
    let Some(at) = top.get("coordinate_system") else { return Ok(System::ReferenceImage) };
    match text(&at)? {
        "" | "reference_image" => {
            at.implied();
            Ok(System::ReferenceImage)
        }
        "web_mercator" => Ok(System::WebMercator),
        "cartesian_meters" => Ok(System::CartesianMeters),
        "wgs84" => Ok(System::Wgs84),
        other => Err(at.unknown(other, "reference_image, web_mercator, cartesian_meters or wgs84")),
    }
}

impl<'a> LevelFrame<'a> {
    fn read(
        name: &'a str,
        at: &At<'a>,
        several: bool,
        report: &mut ImportReport,
    ) -> Result<Self, ImportError> {
        let at = params::fields(at)?;
        let mut elevation_m = 0.0;
        if let Some(elevation) = at.get("elevation") {
            elevation_m = elevation.number()?;
            if !several && elevation_m == 0.0 {
                elevation.implied();
            }
        } else if several {
            at.warn(report, "it has no elevation; 0 m was taken");
        }
        let vertices = at.list("vertices")?.into_iter().map(Vertex::read).collect::<Result<_, _>>()?;
        Ok(Self { name, elevation_m, at, vertices, transform: Similarity::IDENTITY })
    }

    /// The places of two vertices, metres.
    pub(super) fn ends(&self, start: usize, end: usize) -> [[f64; 2]; 2] {
        [start, end].map(|vertex| self.vertices.get(vertex).map(|vertex| vertex.metres).unwrap_or_default())
    }

    fn import(&self, residual_m: f64) -> LevelImport {
        let Similarity { scale, rotation_rad, translation } = self.transform;
        LevelImport {
            name: self.name.to_owned(),
            scale,
            rotation_rad,
            translation_m: translation,
            residual_m,
            scales: Vec::new(),
            fiducials: None,
        }
    }

    /// Metres per pixel, as each measurement has it.
    fn read_scales(&self) -> Result<Vec<f64>, ImportError> {
        let count = self.vertices.len();
        let mut scales = Vec::new();
        for at in self.at.list("measurements")? {
            let items = at.items()?;
            let [start, end, params] = items.as_slice() else {
                return Err(at.error(ImportProblem::Missing { field: "[start, end, {distance}]" }));
            };
            let (start, end) = (vertex(start, count)?, vertex(end, count)?);
            let Some(metres) = params::number(&params::fields(params)?, "distance")? else {
                return Err(at.error(ImportProblem::Missing { field: "distance" }));
            };
            if metres <= 0.0 {
                return Err(at.out_of_range(metres, "a distance above 0 m"));
            }
            let (Some(start), Some(end)) = (self.vertices.get(start), self.vertices.get(end)) else {
                continue;
            };
            let scale = metres / distance(start.raw, end.raw);
            if !scale.is_finite() {
                return Err(at.error(ImportProblem::Coincident { what: "the measured vertices" }));
            }
            scales.push(scale);
        }
        Ok(scales)
    }

    /// The fiducials by name, y up.
    fn read_fiducials(&self, flip: f64) -> Result<BTreeMap<&'a str, [f64; 2]>, ImportError> {
        let mut fiducials = BTreeMap::new();
        for at in self.at.list("fiducials")? {
            let items = at.items()?;
            let [x, y, name_at] = items.as_slice() else {
                return Err(at.error(ImportProblem::Missing { field: "[x, y, name]" }));
            };
            let name = text(name_at)?;
            if fiducials.insert(name, [x.number()?, flip * y.number()?]).is_some() {
                return Err(at.duplicate("fiducial", name));
            }
        }
        Ok(fiducials)
    }

    fn warn_of_own_scale(&self, own: Option<f64>, report: &mut ImportReport) {
        let scale = self.transform.scale;
        if let Some(own) = own
            && SCALE_SPREAD_WARN < (own - scale).abs() / scale
        {
            let share = 100.0 * (own - scale) / scale;
            let message = format!(
                "its own measurements say {own:.6} m per pixel ({share:+.1} %), its fiducials {scale:.6}; \
                 the fiducials count"
            );
            self.at.warn(report, message);
        }
    }
}

impl<'a> Vertex<'a> {
    fn read(at: At<'a>) -> Result<Self, ImportError> {
        let items = at.items()?;
        let (x, y, z, name, params) = match items.as_slice() {
            [x, y, z, name] => (x, y, z, name, None),
            [x, y, z, name, params] => (x, y, z, name, Some(params.clone())),
            _ => return Err(at.error(ImportProblem::Missing { field: "[x, y, z, name]" })),
        };
        // The elevation of the level counts, as in Open-RMF.
        if z.number().is_ok_and(|z| z == 0.0) {
            z.implied();
        } else {
            z.leave_all_behind();
        }
        let raw = [x.number()?, y.number()?];
        let name = text(name)?;
        Ok(Self { at, raw, metres: raw, name, params })
    }
}

fn warn_of_spread(level: &LevelFrame<'_>, scales: &[f64], mean: f64, report: &mut ImportReport) {
    let lowest = scales.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = scales.iter().copied().fold(0.0, f64::max);
    let spread = (highest - lowest) / mean;
    if SCALE_SPREAD_WARN < spread {
        let message = format!("its measurements disagree by {:.1} % about the scale", 100.0 * spread);
        level.at.warn(report, message);
    }
}
