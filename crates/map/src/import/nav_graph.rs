//! Open-RMF navigation graphs: the YAML that its tools make of a building file.
//!
//! Lengths are metres with y up. Lanes are directed. There are no elevations and no doors of lifts: levels are put over
//! each other in the order of the file, and a lift's door is the side of its cabin that a lane crosses.

use std::collections::{BTreeMap, BTreeSet};

use crate::geometry::{Point, segments_meet};
use crate::model::{
    Door, DoorKind, Lane, Level, Lift, LiftDoor, Orientation, Role, Site, Station, StationKind, Swing,
    Waypoint,
};

use super::{
    ImportError, ImportProblem, ImportReport, LEVEL_APART_M, LevelImport,
    tree::{At, utf8},
    yaml,
};

/// Reads a navigation graph. Costs n log n in its elements.
///
/// # Errors
/// [`ImportError`] when the text is no such graph, a name is there twice, a lane names a vertex or a vertex a lift that
/// does not exist.
pub fn import_nav_graph(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let tree = yaml::parse(utf8(bytes)?)?;
    let top = At::root(&tree);
    let mut reader =
        Reader { site: Site::new(top.text_or("building_name", "building")?), ..Reader::default() };
    for (name, lift) in top.map("lifts")? {
        reader.lift(name, &lift)?;
    }
    let levels = top.need("levels")?.entries()?;
    if levels.is_empty() {
        return Err(top.error(ImportProblem::Missing { field: "a level" }));
    }
    for (number, (name, level)) in (0_u32..).zip(&levels) {
        if 0 < number {
            level.warn(
                &mut reader.report,
                format!("a graph has no heights: the level is put {LEVEL_APART_M} m over the one before"),
            );
        }
        reader.levels.insert((*name).to_owned());
        reader.site.levels.push(Level::new(*name, f64::from(number) * LEVEL_APART_M));
        reader.report.levels.push(LevelImport::scaled(*name, 1.0));
        for vertex in level.list("vertices")? {
            if let Some(text) =
                vertex.items()?.get(2).map(|flags| flags.text_of("name")).transpose()?.flatten()
                && !reader.names.insert(text.to_owned())
            {
                return Err(vertex.duplicate("waypoint", text));
            }
        }
    }
    reader.doors(&top)?;
    for (name, level) in &levels {
        reader.level(name, level)?;
    }
    reader.lift_doors();
    reader.report.leave(&tree);
    Ok((reader.site, reader.report))
}

#[derive(Default)]
struct Reader {
    site: Site,
    report: ImportReport,
    /// Names of waypoints.
    names: BTreeSet<String>,
    levels: BTreeSet<String>,
    lifts: BTreeSet<String>,
    /// Where each door is in the site, by its name.
    doors: BTreeMap<String, usize>,
}

impl Reader {
    fn lift(&mut self, name: &str, lift: &At<'_>) -> Result<(), ImportError> {
        let position = lift.need("position")?;
        let dims = lift.need("dims")?;
        let (at, yaw_rad) = match position.items()?.as_slice() {
            [x, y, yaw] => ([x.number()?, y.number()?], yaw.number()?),
            _ => return Err(position.wrong("a position [x, y, yaw]")),
        };
        let size = |at: &At<'_>| at.number_where(|metres| 0.0 < metres, "positive");
        let (width_m, depth_m) = match dims.items()?.as_slice() {
            [width, depth] => (size(width)?, size(depth)?),
            _ => return Err(dims.wrong("dimensions [width, depth]")),
        };
        self.lifts.insert(name.to_owned());
        self.site.lifts.push(Lift { yaw_rad, ..Lift::new(name, at, width_m, depth_m) });
        Ok(())
    }

    fn doors(&mut self, top: &At<'_>) -> Result<(), ImportError> {
        for (name, door) in top.map("doors")? {
            let endpoints = door.need("endpoints")?;
            let (from, to) = match endpoints.items()?.as_slice() {
                [from, to] => (from.point()?, to.point()?),
                _ => return Err(endpoints.wrong("two ends")),
            };
            let map = door.need("map")?;
            let level = map.text()?;
            if !self.levels.contains(level) {
                return Err(map.no_such("level", level));
            }
            let door = Door::new(name, level, from, to);
            self.doors.insert(name.to_owned(), self.site.doors.len());
            self.site.doors.push(Door { kind: DoorKind::Hinged, swing: Swing::Both, ..door });
        }
        if !self.doors.is_empty() {
            let message = "a graph does not say how doors move; they are taken to swing to both sides";
            self.report.warn("doors", message.to_owned());
        }
        Ok(())
    }

    fn level(&mut self, level: &str, at: &At<'_>) -> Result<(), ImportError> {
        let mut ids = Vec::new();
        for (number, vertex) in at.list("vertices")?.into_iter().enumerate() {
            ids.push((self.vertex(level, number, &vertex)?, Point::from(vertex.point()?)));
        }
        for lane in at.list("lanes")? {
            let items = lane.items()?;
            let [start, end, flags @ ..] = items.as_slice() else {
                return Err(lane.wrong("a lane [start, end, {}]"));
            };
            let vertex = |at: &At<'_>| -> Result<(String, Point), ImportError> {
                at.number()?;
                let text = at.text()?;
                let id = text.parse::<usize>().ok().and_then(|index| ids.get(index));
                id.cloned().ok_or_else(|| at.no_such("vertex", text))
            };
            let ((from, a), (to, b)) = (vertex(start)?, vertex(end)?);
            if from == to {
                return Err(lane.error(ImportProblem::Coincident { what: "both ends of a lane" }));
            }
            let mut made = Lane::one_way(from, to);
            if let [flags] = flags {
                read_lane(&mut made, flags)?;
                self.door_of_lane(flags, level, (a, b))?;
            }
            self.site.lanes.push(made);
        }
        Ok(())
    }

    /// A lane has no place for the name of a door: which lanes lead through one is seen from where both are. A name that
    /// says something else is left behind.
    fn door_of_lane(
        &mut self,
        flags: &At<'_>,
        level: &str,
        (a, b): (Point, Point),
    ) -> Result<(), ImportError> {
        let Some(at) = flags.get("door_name") else { return Ok(()) };
        let name = at.text()?;
        let door = self.doors.get(name).and_then(|index| self.site.doors.get(*index));
        let door = door.ok_or_else(|| at.no_such("door", name))?;
        if door.level == level && segments_meet(a, b, door.from.into(), door.to.into()) {
            at.implied();
        } else {
            at.leave_behind();
            let message = format!(
                "the lane does not lead through the door {name:?}: nobody opens that door on this way, as Open-RMF would"
            );
            at.warn(&mut self.report, message);
        }
        Ok(())
    }

    fn vertex(&mut self, level: &str, number: usize, at: &At<'_>) -> Result<String, ImportError> {
        let [x, y] = at.point()?;
        let items = at.items()?;
        // Without a third item the vertex itself, a list, answers that it has no entries.
        let flags = items.get(2).unwrap_or(at);
        let name = flags.text_of("name")?;
        let id = name.map_or_else(
            || {
                let mut id = format!("{level}_v{number}");
                while !self.names.insert(id.clone()) {
                    id.push('\'');
                }
                id
            },
            str::to_owned,
        );
        let mut waypoint = Waypoint::new(&id, level, x, y);
        waypoint.mutex = flags.text_of("mutex")?.map(str::to_owned).into_iter().collect();
        for (key, role) in [
            ("is_charger", Role::Charger),
            ("is_parking_spot", Role::Parking),
            ("is_holding_point", Role::Holding),
            ("is_passthrough_point", Role::Passthrough),
        ] {
            if flags.flag_or(key, false)? {
                waypoint.roles.push(role);
            }
        }
        if let Some(lift_at) = flags.get("lift")
            && !lift_at.text()?.is_empty()
        {
            let lift = lift_at.text()?;
            if !self.lifts.contains(lift) {
                return Err(lift_at.no_such("lift", lift));
            }
            waypoint.lift = Some(lift.to_owned());
        }
        let has = |key: &str| Ok::<_, ImportError>(flags.text_of(key)?.is_some());
        let kind = match (has("pickup_dispenser")?, has("dropoff_ingestor")?) {
            (true, false) => StationKind::Pickup,
            (false, true) => StationKind::Dropoff,
            (true, true) | (false, false) if waypoint.roles.contains(&Role::Charger) => StationKind::Charger,
            (true, true) | (false, false) => StationKind::Place,
        };
        for key in ["pickup_dispenser", "dropoff_ingestor"] {
            // The kind is kept, the name of the machine is not.
            if let Some(at) = flags.get(key) {
                at.leave_behind();
            }
        }
        if name.is_some() {
            self.site.stations.push(Station { id: id.clone(), waypoint: id.clone(), kind });
        }
        self.site.waypoints.push(waypoint);
        Ok(id)
    }

    /// Gives each lift a door on each level: the side of the cabin that a lane crosses.
    fn lift_doors(&mut self) {
        let places: BTreeMap<&str, &Waypoint> =
            self.site.waypoints.iter().map(|way| (way.id.as_str(), way)).collect();
        // Per lift and level its first waypoint, and per waypoint where its first lane leads.
        let (mut cabins, mut beyond) = (BTreeMap::new(), BTreeMap::new());
        for way in &self.site.waypoints {
            if let Some(lift) = &way.lift {
                cabins.entry((lift.as_str(), way.level.as_str())).or_insert(way.id.as_str());
            }
        }
        for lane in &self.site.lanes {
            for (id, other) in [(&lane.from, &lane.to), (&lane.to, &lane.from)] {
                if let Some(place) = places.get(other.as_str()) {
                    beyond.entry(id.as_str()).or_insert(place.at);
                }
            }
        }
        for lift in &mut self.site.lifts {
            let mut doors = Vec::new();
            for level in &self.site.levels {
                let Some(cabin) = cabins.get(&(lift.id.as_str(), level.id.as_str())) else { continue };
                doors.push(side(lift, &level.id, beyond.get(cabin).copied().unwrap_or(lift.at)));
            }
            lift.doors = doors;
            let message = "a graph has no doors of lifts; the side of the cabin that a lane crosses is taken";
            self.report.warn(format_args!("lifts.{}", lift.id), message.to_owned());
        }
    }
}

fn read_lane(lane: &mut Lane, flags: &At<'_>) -> Result<(), ImportError> {
    if let Some(limit) = flags.get("speed_limit") {
        let mps = limit.number_where(|mps| 0.0 <= mps, "at least 0")?;
        if mps == 0.0 {
            limit.implied();
        } else {
            lane.speed_limit_mps = Some(mps);
        }
    }
    if let Some(at) = flags.get("orientation_constraint") {
        lane.orientation = match at.text()? {
            "" => Orientation::Any,
            "forward" => Orientation::Forward,
            "backward" => Orientation::Backward,
            other => return Err(at.unknown(other, "forward or backward")),
        };
    }
    lane.mutex = flags.text_of("mutex")?.map(str::to_owned).into_iter().collect();
    Ok(())
}

/// The side of a cabin towards a place, as a door of its full width.
fn side(lift: &Lift, level: &str, [x, y]: [f64; 2]) -> LiftDoor {
    let (sine, cosine) = (libm::sin(lift.yaw_rad), libm::cos(lift.yaw_rad));
    let (dx, dy) = (x - lift.at[0], y - lift.at[1]);
    let (along, across) = (cosine * dx + sine * dy, cosine * dy - sine * dx);
    let (w, d) = (lift.width_m / 2.0, lift.depth_m / 2.0);
    let ends = if across.abs() * w < along.abs() * d {
        [[w.copysign(along), -d], [w.copysign(along), d]]
    } else {
        [[-w, d.copysign(across)], [w, d.copysign(across)]]
    };
    let [from, to] =
        ends.map(|[u, v]| [lift.at[0] + cosine * u - sine * v, lift.at[1] + sine * u + cosine * v]);
    LiftDoor { level: level.to_owned(), from, to }
}
