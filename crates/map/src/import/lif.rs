//! VDMA LIF: the layout interchange format of automated guided vehicles, version 1.
//!
//! Each `layoutLevelId` is a level, each node a waypoint, each directed edge a lane per set of vehicle types. Lengths
//! are metres; a node's `theta` is in radians, an edge's `vehicleOrientation` in degrees. NURBS trajectories are
//! replaced by the straight lane between the nodes, and reported.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Lane, Level, Orientation, Site, Station, StationKind, Waypoint};

use super::{
    ImportError, ImportProblem, ImportReport, LEVEL_APART_M, LevelImport, json,
    tree::{At, utf8},
};

/// Angles larger than this are no radians, and what was meant is not known.
const RADIANS_MAX: f64 = core::f64::consts::TAU;

/// Reads a VDMA LIF file. Costs n log n in nodes and edges.
///
/// # Errors
/// [`ImportError`] when the text is no LIF file of version 1, an id is missing or there twice, or an edge or a station
/// names a node that does not exist.
pub fn import_lif(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let tree = json::parse(utf8(bytes)?)?;
    let top = At::root(&tree);
    let meta = top.need("metaInformation")?;
    let version = meta.need("lifVersion")?;
    match version.text()? {
        text if text.starts_with("1.") => {}
        other => return Err(version.unknown(other, "1.x.y")),
    }
    let mut reader =
        Reader { site: Site::new(meta.text_or("projectIdentification", "layout")?), ..Reader::default() };
    for layout in top.need("layouts")?.items()? {
        reader.layout(&layout)?;
    }
    if reader.site.levels.is_empty() {
        return Err(top.error(ImportProblem::Missing { field: "a layout" }));
    }
    reader.report.leave(&tree);
    Ok((reader.site, reader.report))
}

#[derive(Default)]
struct Reader {
    site: Site,
    report: ImportReport,
    layouts: BTreeSet<String>,
    /// Level and place of the nodes, by id.
    nodes: BTreeMap<String, (String, [f64; 2])>,
    edges: BTreeSet<String>,
    stations: BTreeSet<String>,
    /// What stations are called in the site.
    station_ids: BTreeSet<String>,
    levels: BTreeSet<String>,
}

/// What holds for some vehicle types on an edge.
struct Rules {
    class: String,
    speed_limit_mps: Option<f64>,
    orientation: Orientation,
    height_m: Option<f64>,
}

impl Reader {
    fn layout(&mut self, layout: &At<'_>) -> Result<(), ImportError> {
        let id_at = layout.need("layoutId")?;
        let id = id_at.text()?.to_owned();
        if !self.layouts.insert(id.clone()) {
            return Err(id_at.duplicate("layout", &id));
        }
        let level = layout.text_of("layoutLevelId")?.map_or_else(|| id.clone(), str::to_owned);
        // The layout's own name is carried only where it stands in for the level's.
        if level != id {
            id_at.leave_behind();
        }
        if self.levels.insert(level.clone()) {
            let number = u32::try_from(self.site.levels.len()).unwrap_or(u32::MAX);
            if 0 < number {
                layout.warn(
                    &mut self.report,
                    format!(
                        "a layout has no height: level {level:?} is put {LEVEL_APART_M} m over the one before"
                    ),
                );
            }
            self.site.levels.push(Level::new(&level, f64::from(number) * LEVEL_APART_M));
            self.report.levels.push(LevelImport::scaled(&level, 1.0));
        }
        for node in layout.list("nodes")? {
            self.node(&node, &level)?;
        }
        for edge in layout.list("edges")? {
            self.edge(&edge)?;
        }
        for station in layout.list("stations")? {
            self.station(&station)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &At<'_>, level: &str) -> Result<(), ImportError> {
        let id_at = node.need("nodeId")?;
        let id = id_at.text()?;
        let place = node.need("nodePosition")?;
        let at = [place.need("x")?.number()?, place.need("y")?.number()?];
        if self.nodes.insert(id.to_owned(), (level.to_owned(), at)).is_some() {
            return Err(id_at.duplicate("node", id));
        }
        let mut yaws = Vec::new();
        for properties in node.list("vehicleTypeNodeProperties")? {
            if let Some(theta) = properties.get("theta") {
                let yaw_rad = theta.number()?;
                if RADIANS_MAX < yaw_rad.abs() {
                    theta.leave_behind();
                    theta.warn(
                        &mut self.report,
                        format!("theta {yaw_rad} cannot be radians, as the format asks; it is left behind"),
                    );
                } else {
                    yaws.push((theta, yaw_rad));
                }
            }
        }
        let mut waypoint = Waypoint::new(id, level, at[0], at[1]);
        if let Some((_, first)) = yaws.first() {
            let first = *first;
            if yaws.iter().all(|(_, yaw_rad)| yaw_rad.to_bits() == first.to_bits()) {
                waypoint.yaw_rad = Some(first);
                yaws.iter().skip(1).for_each(|(at, _)| at.implied());
            } else {
                for (at, _) in &yaws {
                    at.leave_behind();
                }
                node.warn(
                    &mut self.report,
                    "vehicle types differ in their heading here; a waypoint has one, so none is kept",
                );
            }
        }
        self.site.waypoints.push(waypoint);
        Ok(())
    }

    fn edge(&mut self, edge: &At<'_>) -> Result<(), ImportError> {
        let id = edge.need("edgeId")?;
        if !self.edges.insert(id.text()?.to_owned()) {
            return Err(id.duplicate("edge", id.text()?));
        }
        // Lanes have no names of their own.
        id.leave_behind();
        let (from, level_a, a) = self.place(&edge.need("startNodeId")?)?;
        let (to, level_b, b) = self.place(&edge.need("endNodeId")?)?;
        if level_a != level_b {
            let problem = ImportProblem::LevelsDiffer { what: "the ends of an edge", a: level_a, b: level_b };
            return Err(edge.error(problem));
        }
        if a.map(f64::to_bits) == b.map(f64::to_bits) {
            return Err(edge.error(ImportProblem::Coincident { what: "both ends of an edge" }));
        }
        let (mut rules, mut classes) = (Vec::new(), BTreeSet::new());
        for properties in edge.list("vehicleTypeEdgeProperties")? {
            let read = self.rules(&properties)?;
            if !classes.insert(read.class.clone()) {
                return Err(properties.duplicate("vehicle type", &read.class));
            }
            rules.push(read);
        }
        if rules.is_empty() {
            edge.warn(&mut self.report, "no vehicle type may use this edge; it is left behind");
            edge.leave_all_behind();
        }
        for one in rules {
            self.site.lanes.push(Lane {
                speed_limit_mps: one.speed_limit_mps,
                orientation: one.orientation,
                height_m: one.height_m,
                classes: vec![one.class],
                ..Lane::one_way(&from, &to)
            });
        }
        Ok(())
    }

    fn rules(&mut self, properties: &At<'_>) -> Result<Rules, ImportError> {
        let positive = |key: &str| {
            let read = |at: At<'_>| at.number_where(|value| 0.0 < value, "positive");
            properties.get(key).map(read).transpose()
        };
        let orientation = match (properties.get("vehicleOrientation"), properties.text_of("orientationType")?)
        {
            // GLOBAL turns the vehicle to a heading of the map, which a lane cannot say.
            (Some(at), Some("GLOBAL")) => {
                at.number_where(|deg| (-360.0..=360.0).contains(&deg), "-360 to 360 degrees")?;
                at.leave_behind();
                at.warn(
                    &mut self.report,
                    "the orientation is in the frame of the map; lanes do not carry that",
                );
                Orientation::Any
            }
            (Some(at), Some("TANGENTIAL") | None) => {
                let deg = at.number_where(|deg| (-360.0..=360.0).contains(&deg), "-360 to 360 degrees")?;
                let turn = libm::fabs(deg) % 360.0;
                if turn == 0.0 {
                    Orientation::Forward
                } else if libm::fabs(turn - 180.0) == 0.0 {
                    Orientation::Backward
                } else {
                    at.leave_behind();
                    at.warn(
                        &mut self.report,
                        format!("vehicles drive at {deg}° to the edge; lanes know forward and backward only"),
                    );
                    Orientation::Any
                }
            }
            (None, Some("GLOBAL" | "TANGENTIAL")) => {
                // Without an angle the frame of the angle says nothing.
                if let Some(at) = properties.get("orientationType") {
                    at.implied();
                }
                Orientation::Any
            }
            (_, Some(other)) => {
                return Err(properties.unknown(other, "orientationType GLOBAL or TANGENTIAL"));
            }
            (None, None) => Orientation::Any,
        };
        if let Some(at) = properties.get("orientationType")
            && at.text()? == "TANGENTIAL"
        {
            at.implied();
        }
        if let Some(trajectory) = properties.get("trajectory") {
            trajectory
                .warn(&mut self.report, "the trajectory is replaced by the straight lane between the nodes");
        }
        let class = properties.need("vehicleTypeId")?.text()?.to_owned();
        Ok(Rules {
            class,
            speed_limit_mps: positive("maxSpeed")?,
            orientation,
            height_m: positive("maxHeight")?,
        })
    }

    fn place(&self, at: &At<'_>) -> Result<(String, String, [f64; 2]), ImportError> {
        let name = at.text()?;
        let (level, place) = self.nodes.get(name).ok_or_else(|| at.no_such("node", name))?;
        Ok((name.to_owned(), level.clone(), *place))
    }

    fn station(&mut self, station: &At<'_>) -> Result<(), ImportError> {
        let id_at = station.need("stationId")?;
        let id = id_at.text()?;
        if !self.stations.insert(id.to_owned()) {
            return Err(id_at.duplicate("station", id));
        }
        let nodes = station.list("interactionNodeIds")?;
        let several = 1 < nodes.len();
        if nodes.is_empty() {
            return Err(station.error(ImportProblem::Missing { field: "interactionNodeIds" }));
        }
        for node in nodes {
            let (waypoint, ..) = self.place(&node)?;
            // A station of ours is at one waypoint: several ways to reach it are several stations.
            let id = if several { format!("{id}@{waypoint}") } else { id.to_owned() };
            if !self.station_ids.insert(id.clone()) {
                return Err(node.duplicate("station", &id));
            }
            self.site.stations.push(Station { id, waypoint, kind: StationKind::Place });
        }
        if several {
            station
                .warn(&mut self.report, "a station with several nodes becomes one station at each of them");
        }
        Ok(())
    }
}
