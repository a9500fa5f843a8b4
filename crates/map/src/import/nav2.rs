//! Nav2 route graphs: `GeoJSON` whose points are nodes and whose lines are directed edges between two of them.
//!
//! Coordinates are metres in the frame `map`, whatever the file says about its reference system. An edge is straight:
//! its own coordinates are only compared with its ends, as in Nav2. There are no levels, so all is on one. A node is called
//! by the `name` in its metadata if that tells nodes apart, otherwise by its id.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Lane, Level, Site, Waypoint};

use super::{
    ImportError, ImportProblem, ImportReport, LevelImport, json,
    tree::{At, utf8},
};

/// The level that everything is on.
const LEVEL: &str = "map";
/// An end of an edge that is farther than this from its node is reported, metres.
const END_APART_M: f64 = 0.01;
/// The largest speed limit that may be a share of the top speed.
const SHARE_MAX: f64 = 1.0;

/// Reads a Nav2 route graph. Costs n log n in nodes and edges.
///
/// # Errors
/// [`ImportError`] when the text is no such graph: no nodes or no edges, an id that is missing, a node's id that is there
/// twice, an edge to a node that does not exist.
///
/// ```
/// # fn main() -> Result<(), sheepdog_map::import::ImportError> {
/// let (site, _) = sheepdog_map::import::import_nav2(
///     br#"{"type": "FeatureCollection", "features": [
///     {"type": "Feature", "properties": {"id": 0}, "geometry": {"type": "Point", "coordinates": [0, 0]}},
///     {"type": "Feature", "properties": {"id": 1}, "geometry": {"type": "Point", "coordinates": [3, 4]}},
///     {"type": "Feature", "properties": {"id": 2, "startid": 0, "endid": 1},
///      "geometry": {"type": "LineString", "coordinates": [[0, 0], [3, 4]]}}]}"#,
/// )?;
/// assert_eq!((site.lanes[0].from.as_str(), site.lanes[0].bidirectional), ("0", false));
/// # Ok(())
/// # }
/// ```
pub fn import_nav2(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let tree = json::parse(utf8(bytes)?)?;
    let top = At::root(&tree);
    expect_word(&top, "type", "FeatureCollection")?;
    let mut site = Site::new(top.text_or("name", "graph")?);
    site.levels.push(Level::new(LEVEL, 0.0));
    let mut reader =
        Reader { site, report: ImportReport::default(), nodes: BTreeMap::new(), names: names(&top)? };
    reader.report.levels.push(LevelImport::scaled(LEVEL, 1.0));
    let mut edges = Vec::new();
    for feature in top.need("features")?.items()? {
        expect_word(&feature, "type", "Feature")?;
        let geometry = feature.need("geometry")?;
        let kind = geometry.need("type")?;
        match kind.text()? {
            "Point" => reader.node(&feature, &geometry)?,
            "LineString" => edges.push((feature, geometry, false)),
            "MultiLineString" => edges.push((feature, geometry, true)),
            other => return Err(kind.unknown(other, "Point, LineString or MultiLineString")),
        }
    }
    if reader.nodes.is_empty() {
        return Err(top.error(ImportProblem::Missing { field: "nodes" }));
    }
    if edges.is_empty() {
        return Err(top.error(ImportProblem::Missing { field: "edges" }));
    }
    let mut ids = BTreeSet::new();
    for (feature, geometry, multi) in edges {
        reader.edge(&feature, &geometry, multi, &mut ids)?;
    }
    reader.report.leave(&tree);
    Ok((reader.site, reader.report))
}

pub(super) fn expect_word(at: &At<'_>, key: &'static str, expected: &'static str) -> Result<(), ImportError> {
    let word = at.need(key)?;
    let text = word.text()?;
    if text == expected { Ok(()) } else { Err(word.unknown(text, expected)) }
}

struct Reader {
    site: Site,
    report: ImportReport,
    /// Where the nodes are, by id.
    nodes: BTreeMap<u64, [f64; 2]>,
    /// What the nodes are called; empty unless every node can be told from the others by it.
    names: BTreeMap<u64, String>,
}

/// The names in the metadata of nodes, by id. They count when no two nodes are called the same, be it by name or by id.
fn names(top: &At<'_>) -> Result<BTreeMap<u64, String>, ImportError> {
    let (mut names, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut is_unique = true;
    for feature in top.need("features")?.items()? {
        let is_node = feature.get("geometry").and_then(|at| at.get("type")?.text().ok()) == Some("Point");
        let Some(properties) = feature.get("properties").filter(|_| is_node) else { continue };
        let Some(id) = properties.get("id").and_then(|at| whole(&at).ok()) else { continue };
        let name = properties.get("metadata").and_then(|at| at.get("name"));
        let name = name.and_then(|at| at.text().ok()).filter(|name| !name.is_empty());
        is_unique &= seen.insert(name.map_or_else(|| id.to_string(), str::to_owned));
        names.extend(name.map(|name| (id, name.to_owned())));
    }
    Ok(if is_unique { names } else { BTreeMap::new() })
}

impl Reader {
    fn node(&mut self, feature: &At<'_>, geometry: &At<'_>) -> Result<(), ImportError> {
        let properties = feature.need("properties")?;
        let id = properties.need("id")?;
        let number = whole(&id)?;
        let at = geometry.need("coordinates")?.point()?;
        if self.nodes.insert(number, at).is_some() {
            return Err(id.duplicate("node id", &number.to_string()));
        }
        if let Some(frame) = properties.get("frame") {
            match frame.text()? {
                "map" => frame.implied(),
                other => frame.warn(
                    &mut self.report,
                    format!(
                        "the frame {other:?} is taken for the frame of the map: nothing here says where it is"
                    ),
                ),
            }
        }
        if !self.names.contains_key(&number)
            && let Some(name) = properties.get("metadata").and_then(|at| at.get("name"))
        {
            name.leave_all_behind();
        }
        self.site.waypoints.push(Waypoint::new(self.name(number), LEVEL, at[0], at[1]));
        Ok(())
    }

    fn edge(
        &mut self,
        feature: &At<'_>,
        geometry: &At<'_>,
        multi: bool,
        ids: &mut BTreeSet<u64>,
    ) -> Result<(), ImportError> {
        let properties = feature.need("properties")?;
        let id = properties.need("id")?;
        let number = whole(&id)?;
        if !ids.insert(number) {
            // Nav2 reads on, and its own demonstration has some. Lanes go by their ends, so nothing is mixed up.
            id.warn(&mut self.report, format!("edge id {number} is there twice"));
        }
        // Lanes have no names of their own.
        id.leave_behind();
        let (from, a) = self.end(&properties.need("startid")?)?;
        let (to, b) = self.end(&properties.need("endid")?)?;
        if a.map(f64::to_bits) == b.map(f64::to_bits) {
            feature
                .warn(&mut self.report, format!("edge {number} leads nowhere: both ends are at one place"));
            feature.leave_all_behind();
            return Ok(());
        }
        self.line(geometry, multi, a, b)?;
        if !properties.flag_or("overridable", true)?
            && let Some(at) = properties.get("overridable")
        {
            at.leave_behind();
        }
        let speed_limit_mps = match properties.get("metadata") {
            Some(metadata) => self.speed_limit(&metadata)?,
            None => None,
        };
        self.site.lanes.push(Lane { speed_limit_mps, ..Lane::one_way(self.name(from), self.name(to)) });
        Ok(())
    }

    fn name(&self, node: u64) -> String {
        self.names.get(&node).cloned().unwrap_or_else(|| node.to_string())
    }

    fn end(&self, at: &At<'_>) -> Result<(u64, [f64; 2]), ImportError> {
        let id = whole(at)?;
        self.nodes.get(&id).map(|place| (id, *place)).ok_or_else(|| at.no_such("node", &id.to_string()))
    }

    /// Compares the drawn line with the straight one between the nodes, which is what counts.
    fn line(&mut self, geometry: &At<'_>, multi: bool, a: [f64; 2], b: [f64; 2]) -> Result<(), ImportError> {
        let coordinates = geometry.need("coordinates")?;
        // Nav2 never looks at the coordinates, and its own demonstration has lines of lines that say `LineString`.
        let is_nested = coordinates
            .items()?
            .first()
            .and_then(|line| line.items().ok()?.first().map(At::is_seq))
            .unwrap_or(multi);
        let lines = if is_nested { coordinates.items()? } else { vec![coordinates.clone()] };
        let mut points = Vec::new();
        for line in lines {
            for point in line.items()? {
                points.push(point.point()?);
            }
        }
        let apart = |[x, y]: [f64; 2], [u, v]: [f64; 2]| libm::hypot(x - u, y - v);
        match points.as_slice() {
            [] | [_] => return Err(coordinates.wrong("a line")),
            [first, .., last] => {
                let off_m = apart(*first, a).max(apart(*last, b));
                if 2 < points.len() || END_APART_M < off_m {
                    coordinates.warn(
                        &mut self.report,
                        format!(
                            "the line of {} points with ends up to {off_m:.3} m from the nodes is replaced by the \
                             straight line between the nodes, as in Nav2",
                            points.len()
                        ),
                    );
                } else {
                    coordinates.implied();
                }
            }
        }
        Ok(())
    }

    /// `abs_speed_limit` is in metres per second. `speed_limit` is a share of the top speed in one part of Nav2 and a
    /// percentage in another. What may be a share is taken as metres per second, which for robots of 1 m/s and more is the
    /// slower reading; what can only be a percentage is no speed, and none is made up.
    fn speed_limit(&mut self, metadata: &At<'_>) -> Result<Option<f64>, ImportError> {
        let read = |key: &str| {
            metadata.get(key).map(|at| at.number_where(|limit| 0.0 < limit, "positive")).transpose()
        };
        let absolute = read("abs_speed_limit")?;
        let Some(at) = metadata.get("speed_limit") else { return Ok(absolute) };
        let plain = at.number_where(|limit| 0.0 < limit, "positive")?;
        if SHARE_MAX < plain {
            at.leave_behind();
            let message = format!(
                "a speed limit of {plain} is taken as percent of a top speed that is not known; it is left behind, so \
                 robots are as fast as they can on this edge"
            );
            metadata.warn(&mut self.report, message);
            return Ok(absolute);
        }
        metadata.warn(
            &mut self.report,
            format!(
                "a speed limit of {plain} is taken as metres per second; some parts of Nav2 read it as a share of the top \
                 speed"
            ),
        );
        Ok(Some(absolute.map_or(plain, |absolute| absolute.min(plain))))
    }
}

/// A whole number that is not negative.
fn whole(at: &At<'_>) -> Result<u64, ImportError> {
    at.number()?;
    at.text()?.parse().map_err(|_| at.wrong("a whole number that is not negative"))
}
