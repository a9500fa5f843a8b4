//! openTCS plant models, XML of versions 0.0.4 to 7.
//!
//! Points become waypoints, paths lanes, links of locations stations, blocks mutex groups. Lengths in the file
//! are millimetres and angles degrees; control points are in layout units with y down. Bézier curves and polygonal
//! paths become chains of lanes over waypoints of their own; elbows and slanted paths are only drawn so, and straight.

mod curve;
mod places;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Lane, Level, Orientation, Role, Site, Waypoint};

use self::{
    curve::{CURVE_OFF_MAX_M, Point, apart, chain},
    places::operations,
};

use super::{
    ImportError, ImportProblem, ImportReport, LevelImport,
    tree::{At, utf8},
    xml,
};

/// The level that everything is on.
const LEVEL: &str = "plant";
/// A declared length that differs by more than this share from the geometry is reported.
const LENGTH_OFF_MAX: f64 = 0.02;
const M_PER_MM: f64 = 0.001;

/// Reads an openTCS plant model. Costs n log n in its elements.
///
/// # Errors
/// [`ImportError`] when the text is no plant model of a known version, a name is there twice, or an element names another
/// that does not exist.
pub fn import_opentcs(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let (root, tree) = xml::parse(utf8(bytes)?)?;
    let top = At::root(&tree);
    if root != "model" {
        return Err(top.unknown(&root, "model"));
    }
    let version = top.need("version")?;
    let text = version.text()?;
    if !["0.0.4", "0.0.5", "6.", "7."].iter().any(|known| text.starts_with(known)) {
        return Err(version.unknown(text, "0.0.4, 0.0.5, 6 or 7"));
    }
    version.leave_behind();
    let mut site = Site::new(top.text_or("name", "plant")?);
    site.levels.push(Level::new(LEVEL, 0.0));
    let mut reader = Reader {
        site,
        report: ImportReport::default(),
        names: BTreeSet::new(),
        points: BTreeMap::new(),
        paths: BTreeMap::new(),
        locations: BTreeSet::new(),
        unit_m: unit_m(&top)?,
        sampled: 0,
    };
    reader.report.levels.push(LevelImport::scaled(LEVEL, M_PER_MM));
    for point in top.list("point")? {
        reader.point(&point)?;
    }
    for path in top.list("path")? {
        reader.path(&path)?;
    }
    reader.check_outgoing(&top)?;
    let mut kinds = BTreeMap::new();
    for kind in top.list("locationType")? {
        let name = reader.name(&kind)?;
        kinds.insert(name, operations(&kind)?);
    }
    for location in top.list("location")? {
        reader.location(&location, &kinds)?;
    }
    for block in top.list("block")? {
        reader.block(&block)?;
    }
    if 0 < reader.sampled {
        let message = format!(
            "{} curved or bent paths became chains of straight lanes, at most {CURVE_OFF_MAX_M} m beside the curve",
            reader.sampled
        );
        reader.report.warn("path", message);
    }
    reader.report.leave(&tree);
    Ok((reader.site, reader.report))
}

/// Metres per layout unit along both axes.
fn unit_m(top: &At<'_>) -> Result<[f64; 2], ImportError> {
    let layouts = top.list("visualLayout")?;
    let Some(layout) = layouts.first() else { return Ok([50.0 * M_PER_MM; 2]) };
    let read = |key: &str| {
        let scale = layout.number_or(key, 50.0)?;
        match layout.get(key) {
            Some(at) if scale <= 0.0 => Err(at.out_of_range(scale, "positive")),
            Some(_) | None => Ok(scale * M_PER_MM),
        }
    };
    Ok([read("scaleX")?, read("scaleY")?])
}

struct Reader {
    site: Site,
    report: ImportReport,
    /// All names: openTCS has one space of names for everything.
    names: BTreeSet<String>,
    points: BTreeMap<String, Point>,
    /// Source and lanes of each path, by its name.
    paths: BTreeMap<String, (String, std::ops::Range<usize>)>,
    locations: BTreeSet<String>,
    unit_m: [f64; 2],
    sampled: usize,
}

impl Reader {
    fn name(&mut self, at: &At<'_>) -> Result<String, ImportError> {
        let name_at = at.need("name")?;
        let name = name_at.text()?;
        if self.names.insert(name.to_owned()) {
            Ok(name.to_owned())
        } else {
            Err(name_at.duplicate("name", name))
        }
    }

    fn point(&mut self, point: &At<'_>) -> Result<(), ImportError> {
        let name = self.name(point)?;
        let coordinate = |new: &'static str, old: &str| match point.get(old) {
            Some(at) => Ok(at.number()? * M_PER_MM),
            None => Ok::<_, ImportError>(point.need(new)?.number()? * M_PER_MM),
        };
        let at = [coordinate("positionX", "xPosition")?, coordinate("positionY", "yPosition")?];
        for key in ["positionZ", "zPosition"] {
            // The plant has one level: heights that are not zero are left behind.
            if point.number_or(key, 0.0)? != 0.0
                && let Some(at) = point.get(key)
            {
                at.leave_behind();
            }
        }
        let mut waypoint = Waypoint::new(&name, LEVEL, at[0], at[1]);
        if let Some(angle) = point.get("vehicleOrientationAngle") {
            if angle.text()? == "NaN" {
                angle.implied();
            } else {
                waypoint.yaw_rad = Some(angle.number()?.to_radians());
            }
        }
        if let Some(kind) = point.get("type") {
            match kind.text()? {
                "HALT_POSITION" => kind.implied(),
                "PARK_POSITION" => waypoint.roles.push(Role::Parking),
                "REPORT_POSITION" => waypoint.roles.push(Role::Passthrough),
                other => return Err(kind.unknown(other, "HALT_POSITION, PARK_POSITION or REPORT_POSITION")),
            }
        }
        self.points.insert(name, at);
        self.site.waypoints.push(waypoint);
        Ok(())
    }

    fn path(&mut self, path: &At<'_>) -> Result<(), ImportError> {
        let name = self.name(path)?;
        path.need("name")?.leave_behind();
        let (from, a) = self.end(&path.need("sourcePoint")?)?;
        let (to, b) = self.end(&path.need("destinationPoint")?)?;
        let first = self.site.lanes.len();
        let speed = |key: &str| match path.get(key) {
            Some(at) => {
                at.number_where(|mm| 0.0 <= mm, "at least 0")?;
                Ok::<_, ImportError>(path.number_or(key, 0.0)? * M_PER_MM)
            }
            None => Ok(0.0),
        };
        let (ahead_mps, back_mps) = (speed("maxVelocity")?, speed("maxReverseVelocity")?);
        let corners = self.corners(path, a, b)?;
        let is_locked = path.flag_or("locked", false)?;
        if is_locked || ahead_mps + back_mps == 0.0 {
            let why = if is_locked { "is locked" } else { "has no speed in either direction" };
            path.warn(&mut self.report, format!("{name:?} {why}: it becomes no lane"));
            path.leave_all_behind();
            self.paths.insert(name, (from, first..first));
            return Ok(());
        }
        let mut places = vec![a];
        for corner in corners {
            if places.last().is_some_and(|last| curve::LANE_MIN_M < apart(*last, corner))
                && curve::LANE_MIN_M < apart(corner, b)
            {
                places.push(corner);
            }
        }
        places.push(b);
        if apart(a, b) == 0.0 && places.len() == 2 {
            return Err(path.error(ImportProblem::Coincident { what: "both ends of a path" }));
        }
        let ids = self.waypoints(&name, &from, &to, &places);
        let lengths: Vec<f64> = places.windows(2).map(length_m).collect();
        let share = self.declared(path, lengths.iter().sum())?;
        for (ends, length_m) in ids.windows(2).zip(&lengths) {
            let [from, to] = ends else { continue };
            let lane = Lane { length_m: share.map(|share| share * length_m), ..Lane::two_way(from, to) };
            self.add_lanes(lane, ahead_mps, back_mps);
        }
        self.paths.insert(name, (from, first..self.site.lanes.len()));
        Ok(())
    }

    /// A path with a reverse velocity is driven backwards from its destination to its source.
    fn add_lanes(&mut self, lane: Lane, ahead_mps: f64, back_mps: f64) {
        let some = |mps: f64| (0.0 < mps).then_some(mps);
        if ahead_mps.to_bits() == back_mps.to_bits() {
            let speed_limit_mps = some(ahead_mps);
            self.site.lanes.push(Lane { speed_limit_mps, orientation: Orientation::Forward, ..lane });
            return;
        }
        if let Some(mps) = some(ahead_mps) {
            self.site.lanes.push(Lane {
                speed_limit_mps: Some(mps),
                orientation: Orientation::Forward,
                bidirectional: false,
                ..lane.clone()
            });
        }
        if let Some(mps) = some(back_mps) {
            self.site.lanes.push(Lane {
                from: lane.to.clone(),
                to: lane.from.clone(),
                speed_limit_mps: Some(mps),
                orientation: Orientation::Backward,
                bidirectional: false,
                ..lane
            });
        }
    }

    fn end(&self, at: &At<'_>) -> Result<(String, Point), ImportError> {
        let name = at.text()?;
        let place = self.points.get(name).ok_or_else(|| at.no_such("point", name))?;
        Ok((name.to_owned(), *place))
    }

    /// The places between both ends of a path.
    fn corners(&mut self, path: &At<'_>, a: Point, b: Point) -> Result<Vec<Point>, ImportError> {
        let layouts = path.list("pathLayout")?;
        let Some(layout) = layouts.first() else { return Ok(Vec::new()) };
        let mut controls = Vec::new();
        for control in layout.list("controlPoint")? {
            let [x, y] = [control.need("x")?.number()?, control.need("y")?.number()?];
            controls.push([x * self.unit_m[0], -y * self.unit_m[1]]);
        }
        let kind = layout.need("connectionType")?;
        let corners = match (kind.text()?, controls.as_slice()) {
            ("DIRECT", _) => {
                kind.implied();
                Vec::new()
            }
            (drawn @ ("ELBOW" | "SLANTED"), _) => {
                kind.leave_behind();
                kind.warn(
                    &mut self.report,
                    format!("{drawn} is how the path is drawn; the lane is straight"),
                );
                Vec::new()
            }
            ("POLYPATH", controls) => controls.to_vec(),
            ("BEZIER" | "BEZIER_3", controls) => chain(a, controls, b)
                .ok_or_else(|| layout.wrong("2 control points for BEZIER, 5 for BEZIER_3"))?,
            (other, _) => {
                return Err(kind.unknown(other, "DIRECT, ELBOW, SLANTED, POLYPATH, BEZIER or BEZIER_3"));
            }
        };
        if corners.is_empty() {
            for control in layout.list("controlPoint")? {
                control.leave_all_behind();
            }
        }
        self.sampled += usize::from(!corners.is_empty());
        Ok(corners)
    }

    /// Waypoints for the places between the ends; the names of all.
    fn waypoints(&mut self, path: &str, from: &str, to: &str, places: &[Point]) -> Vec<String> {
        let mut ids = vec![from.to_owned()];
        let inner = places.get(1..places.len().saturating_sub(1)).unwrap_or_default();
        for (number, place) in (1_usize..).zip(inner) {
            let mut id = format!("{path} #{number}");
            while !self.names.insert(id.clone()) {
                id.push('\'');
            }
            let waypoint = Waypoint::new(&id, LEVEL, place[0], place[1]).with_role(Role::Passthrough);
            self.site.waypoints.push(waypoint);
            ids.push(id);
        }
        ids.push(to.to_owned());
        ids
    }

    /// How much longer the declared length is than the geometry; `None` when none is declared.
    fn declared(&mut self, path: &At<'_>, length_m: f64) -> Result<Option<f64>, ImportError> {
        let Some(at) = path.get("length") else { return Ok(None) };
        let declared_m = at.number_where(|mm| 0.0 < mm, "positive")? * M_PER_MM;
        if LENGTH_OFF_MAX * length_m < (declared_m - length_m).abs() {
            path.warn(
                &mut self.report,
                format!(
                    "declared to be {declared_m:.3} m long, its geometry is {length_m:.3} m; geometry counts"
                ),
            );
        }
        Ok(Some(declared_m / length_m))
    }

    /// The lists of outgoing paths only repeat what the paths say, unless they contradict it.
    fn check_outgoing(&mut self, top: &At<'_>) -> Result<(), ImportError> {
        let mut listed = BTreeSet::new();
        for point in top.list("point")? {
            let name = point.need("name")?.text()?;
            for outgoing in point.list("outgoingPath")? {
                let at = outgoing.need("name")?;
                let path = at.text()?;
                match self.paths.get(path) {
                    None => return Err(at.no_such("path", path)),
                    Some((source, _)) if source != name => {
                        at.warn(&mut self.report, format!("{path:?} begins at {source:?}; that counts"));
                    }
                    Some(_) => at.implied(),
                }
                listed.insert(path);
            }
        }
        for path in self.paths.keys().filter(|path| !listed.contains(path.as_str())) {
            self.report
                .warn("path", format!("{path:?} is not among the outgoing paths of its source; it counts"));
        }
        Ok(())
    }
}

fn length_m(ends: &[Point]) -> f64 {
    match ends {
        [a, b] => apart(*a, *b),
        _ => 0.0,
    }
}
