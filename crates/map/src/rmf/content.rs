//! What stands on the levels: waypoints, lanes, doors, walls and floors.

use std::collections::BTreeSet;

use crate::model::{
    Door, DoorKind, Lane, Orientation, Role, Room, RoomKind, Site, Station, StationKind, Swing, Wall,
    WallKind, Waypoint, default_wall_thickness_m,
};

use super::{
    ImportReport, RmfError, RmfProblem,
    frame::{Frames, LevelFrame, System, Vertex, distance},
    lifts::Cabin,
    names::{Called, shared, unique},
    rings::{Relation, relation},
    tree::{At, Fields},
};

/// Lift waypoints of different levels that are at most this far apart are one place, metres.
const LIFT_APART_MAX_M: f64 = 0.1;
/// A waypoint that its lift moved by more than this is reported, metres.
const MOVED_REPORT_M: f64 = 0.001;
/// Open-RMF exports roadmaps 0 to 8; 9 is where the editor keeps the lanes of people.
const ROADMAPS: std::ops::RangeInclusive<i64> = 0..=8;

/// All that stands on the levels, waypoints not yet joined to lifts.
#[derive(Debug)]
pub(super) struct Content<'a> {
    ways: Vec<Way<'a>>,
    lanes: Vec<Link<'a>>,
    doors: Vec<Entry<'a>>,
    walls: Vec<Wall>,
    rooms: Vec<Room>,
}

/// A vertex that lanes use.
#[derive(Debug)]
struct Way<'a> {
    at: At<'a>,
    level: usize,
    name: &'a str,
    kind: StationKind,
    /// The `lift_cabin` parameter, which Open-RMF ignores.
    said_lift: &'a str,
    waypoint: Waypoint,
}

/// A lane between two of the ways.
#[derive(Debug)]
struct Link<'a> {
    at: At<'a>,
    from: usize,
    to: usize,
    lane: Lane,
}

/// A door and its name in the file.
#[derive(Debug)]
struct Entry<'a> {
    at: At<'a>,
    level: usize,
    index: usize,
    name: &'a str,
    door: Door,
}

impl<'a> Content<'a> {
    /// Reads all levels.
    pub(super) fn read(frames: &mut Frames<'a>, report: &mut ImportReport) -> Result<Self, RmfError> {
        let mut content = Self {
            ways: Vec::new(),
            lanes: Vec::new(),
            doors: Vec::new(),
            walls: Vec::new(),
            rooms: Vec::new(),
        };
        let system = frames.system;
        for (index, level) in frames.levels.iter_mut().enumerate() {
            content.read_roadmap(index, level, report)?;
            content.read_doors(index, level, system, report)?;
            content.read_walls(level, report)?;
            content.read_floors(level, report)?;
        }
        content.name_all(frames, report);
        Ok(content)
    }

    fn read_roadmap(
        &mut self,
        index: usize,
        level: &mut LevelFrame<'a>,
        report: &mut ImportReport,
    ) -> Result<(), RmfError> {
        let mut drawn = Vec::new();
        for at in level.fields.list("lanes")? {
            drawn.extend(Drawn::read(at, level.vertices.len(), report)?);
        }
        let used: BTreeSet<usize> = drawn.iter().flat_map(|lane| [lane.start, lane.end]).collect();
        let first = self.ways.len();
        for (number, vertex) in level.vertices.iter().enumerate() {
            if used.contains(&number) {
                self.ways.push(Way::read(vertex, index, level.name, number, report)?);
            } else {
                leave_vertex(vertex, report)?;
            }
        }
        // Ways follow the order of the vertices, so the rank among the used ones is the place in the list.
        let rank: Vec<usize> = used.into_iter().collect();
        let place = |vertex: usize| first + rank.partition_point(|used| *used < vertex);
        self.lanes.extend(drawn.into_iter().map(|lane| lane.link(place)));
        Ok(())
    }

    fn read_doors(
        &mut self,
        index: usize,
        level: &mut LevelFrame<'a>,
        system: System,
        report: &mut ImportReport,
    ) -> Result<(), RmfError> {
        let mut driveless = 0_usize;
        for (number, at) in level.fields.list("doors")?.into_iter().enumerate() {
            let read = read_door(&at, level, system, report)?;
            driveless += usize::from(!read.driven);
            self.doors.push(Entry { at, level: index, index: number, name: read.name, door: read.door });
        }
        if 0 < driveless {
            let message =
                format!("{driveless} doors have no drive (plugin none); somebody must open them for robots");
            report.warn(format_args!("{}.doors", level.fields.at()), message);
        }
        Ok(())
    }

    fn read_walls(&mut self, level: &mut LevelFrame<'a>, report: &mut ImportReport) -> Result<(), RmfError> {
        for at in level.fields.list("walls")? {
            let (start, end, params) = edge(&at, level.vertices.len())?;
            let mut kind = WallKind::Solid;
            if let Some(mut params) = params {
                if params.number_param("alpha")?.is_some_and(|alpha| alpha < 1.0) {
                    kind = WallKind::Glass;
                }
                params.leave(report);
            }
            let [from, to] = ends(level, start, end);
            if distance(from, to) <= 0.0 {
                report.warn(&at, "the wall has no length and was left out".to_owned());
                continue;
            }
            let thickness_m = default_wall_thickness_m();
            self.walls.push(Wall { thickness_m, kind, ..Wall::new(level.name, from, to) });
        }
        Ok(())
    }

    fn read_floors(&mut self, level: &mut LevelFrame<'a>, report: &mut ImportReport) -> Result<(), RmfError> {
        let mut rooms = Vec::new();
        for (index, at) in level.fields.list("floors")?.into_iter().enumerate() {
            let polygon = read_ring(&at, level, report)?;
            if polygon.len() < 3 {
                report.warn(&at, "the floor has fewer than three corners and was left out".to_owned());
                continue;
            }
            let id = format!("{}_floor_{index}", level.name);
            let level = level.name.to_owned();
            rooms.push((index, Room::new(id, level, polygon).of_kind(RoomKind::Floor)));
        }
        for at in level.fields.list("holes")? {
            let hole = read_ring(&at, level, report)?;
            if hole.len() < 3 {
                report.warn(&at, "the hole has fewer than three corners and was left out".to_owned());
                continue;
            }
            let mut cut = false;
            for (floor, room) in &mut rooms {
                match relation(&hole, &room.polygon) {
                    Relation::Within => {
                        room.holes.push(hole.clone());
                        cut = true;
                    }
                    Relation::Apart => {}
                    Relation::Crossing => {
                        return Err(at.error(RmfProblem::HoleCrossesFloor { floor: *floor }));
                    }
                }
            }
            if !cut {
                report.warn(&at, "the hole is on no floor and was left out".to_owned());
            }
        }
        self.rooms.extend(rooms.into_iter().map(|(_, room)| room));
        Ok(())
    }

    /// Gives every waypoint and door its unique name.
    fn name_all(&mut self, frames: &Frames<'a>, report: &mut ImportReport) {
        let level_name = |level: usize| frames.levels.get(level).map_or("", |level| level.name);
        let called: Vec<Called<'_>> = self
            .ways
            .iter()
            .map(|way| Called {
                name: way.name,
                level: level_name(way.level),
                fallback: way.waypoint.id.clone(),
            })
            .collect();
        let ids = unique(&called);
        report.shared_names.extend(shared("waypoint", &called, &ids));
        for (way, id) in self.ways.iter_mut().zip(ids) {
            if !way.name.is_empty() && way.name != id {
                report.warn(
                    &way.at,
                    format!("several waypoints are called {:?}; this one became {id:?}", way.name),
                );
            }
            way.waypoint.id = id;
        }
        let called: Vec<Called<'_>> = self
            .doors
            .iter()
            .map(|door| {
                let level = level_name(door.level);
                Called { name: door.name, level, fallback: format!("{level}_door_{}", door.index) }
            })
            .collect();
        let ids = unique(&called);
        report.shared_names.extend(shared("door", &called, &ids));
        for (door, id) in self.doors.iter_mut().zip(ids) {
            if door.name.is_empty() {
                report.warn(&door.at, format!("the door has no name; it became {id:?}"));
            } else if door.name != id {
                report.warn(
                    &door.at,
                    format!("several doors are called {:?}; this one became {id:?}", door.name),
                );
            }
            door.door.id = id;
        }
        for link in &mut self.lanes {
            let id = |way: usize| self.ways.get(way).map(|way| way.waypoint.id.clone()).unwrap_or_default();
            (link.lane.from, link.lane.to) = (id(link.from), id(link.to));
        }
    }

    /// Finds the waypoints in each cabin and puts those of one lift at one place.
    pub(super) fn board(&mut self, lifts: &[Cabin<'_>], report: &mut ImportReport) -> Result<(), RmfError> {
        for cabin in lifts {
            self.board_one(cabin, report)?;
        }
        for way in &self.ways {
            let held = way.waypoint.lift.as_deref().unwrap_or("");
            if !way.said_lift.is_empty() && way.said_lift != held {
                let place =
                    if held.is_empty() { "no cabin".to_owned() } else { format!("the cabin of {held:?}") };
                let message =
                    format!("lift_cabin says {:?}, but it lies in {place}; its place counts", way.said_lift);
                report.warn(&way.at, message);
            }
        }
        for link in &self.lanes {
            let lift = |way: usize| self.ways.get(way).and_then(|way| way.waypoint.lift.as_deref());
            if let (Some(a), Some(b)) = (lift(link.from), lift(link.to))
                && a != b
            {
                return Err(link.at.error(RmfProblem::LaneBetweenLifts { a: a.to_owned(), b: b.to_owned() }));
            }
        }
        Ok(())
    }

    fn board_one(&mut self, cabin: &Cabin<'_>, report: &mut ImportReport) -> Result<(), RmfError> {
        let mut aboard: Vec<&mut Way<'_>> = Vec::new();
        for way in self.ways.iter_mut().filter(|way| cabin.holds(way.waypoint.at)) {
            if let Some(other) = &way.waypoint.lift {
                let message =
                    format!("it lies in the cabins of {other:?} and {:?}; the first counts", cabin.lift.id);
                report.warn(&way.at, message);
            } else if cabin.served.get(way.level) != Some(&true) {
                let message =
                    format!("it lies in the cabin of {:?}, which does not stop here", cabin.lift.id);
                report.warn(&way.at, message);
            } else {
                aboard.push(way);
            }
        }
        if aboard.is_empty() {
            report.warn(&cabin.at, "no lane leads into it on any level".to_owned());
        }
        check_aboard(&aboard, cabin)?;
        let place = centre(&aboard);
        for way in aboard {
            let moved_m = distance(way.waypoint.at, place);
            if MOVED_REPORT_M < moved_m {
                let message =
                    format!("moved by {moved_m:.3} m to where {:?} holds it on every level", cabin.lift.id);
                report.warn(&way.at, message);
            }
            if 0.0 < moved_m {
                way.waypoint.at = place;
            }
            way.waypoint.lift = Some(cabin.lift.id.clone());
        }
        Ok(())
    }

    /// The site without its name, levels and lifts.
    pub(super) fn into_site(self) -> Site {
        let stations = self
            .ways
            .iter()
            .filter(|way| !way.name.is_empty())
            .map(|way| Station {
                id: way.waypoint.id.clone(),
                waypoint: way.waypoint.id.clone(),
                kind: way.kind,
            })
            .collect();
        Site {
            rooms: self.rooms,
            walls: self.walls,
            doors: self.doors.into_iter().map(|entry| entry.door).collect(),
            waypoints: self.ways.into_iter().map(|way| way.waypoint).collect(),
            lanes: self.lanes.into_iter().map(|link| link.lane).collect(),
            stations,
            ..Site::default()
        }
    }
}

/// One waypoint per level, and all of them at one place.
fn check_aboard(aboard: &[&mut Way<'_>], cabin: &Cabin<'_>) -> Result<(), RmfError> {
    let lift = || cabin.lift.id.clone();
    for (index, way) in aboard.iter().enumerate() {
        for other in aboard.iter().skip(index + 1) {
            let (a, b) = (way.waypoint.id.clone(), other.waypoint.id.clone());
            if way.level == other.level {
                return Err(other.at.error(RmfProblem::CrowdedCabin { lift: lift(), a, b }));
            }
            let apart_m = distance(way.waypoint.at, other.waypoint.at);
            if LIFT_APART_MAX_M < apart_m {
                let limit_m = LIFT_APART_MAX_M;
                return Err(other.at.error(RmfProblem::LiftApart { lift: lift(), a, b, apart_m, limit_m }));
            }
        }
    }
    Ok(())
}

fn centre(aboard: &[&mut Way<'_>]) -> [f64; 2] {
    #[expect(clippy::cast_precision_loss, reason = "at most one waypoint per level")]
    let count = aboard.len() as f64;
    let sum = |axis: fn([f64; 2]) -> f64| aboard.iter().map(|way| axis(way.waypoint.at)).sum::<f64>();
    [sum(|[x, _]| x) / count, sum(|[_, y]| y) / count]
}

impl<'a> Way<'a> {
    fn read(
        vertex: &Vertex<'a>,
        level: usize,
        level_name: &str,
        number: usize,
        report: &mut ImportReport,
    ) -> Result<Self, RmfError> {
        let mut way = Self {
            at: vertex.at.clone(),
            level,
            name: vertex.name,
            kind: StationKind::Place,
            said_lift: "",
            waypoint: {
                let [x_m, y_m] = vertex.metres;
                Waypoint::new(format!("{level_name}_v{number}"), level_name, x_m, y_m)
            },
        };
        if let Some(params) = &vertex.params {
            way.read_params(params.fields()?, report)?;
        }
        Ok(way)
    }

    fn read_params(&mut self, mut params: Fields<'a>, report: &mut ImportReport) -> Result<(), RmfError> {
        let roles = [
            ("is_charger", Role::Charger),
            ("is_parking_spot", Role::Parking),
            ("is_holding_point", Role::Holding),
            ("is_passthrough_point", Role::Passthrough),
        ];
        for (key, role) in roles {
            if params.flag_param(key)? {
                self.waypoint.roles.push(role);
            }
        }
        if self.waypoint.roles.contains(&Role::Charger) {
            self.kind = StationKind::Charger;
        }
        for (key, kind) in
            [("dropoff_ingestor", StationKind::Dropoff), ("pickup_dispenser", StationKind::Pickup)]
        {
            let machine = params.string_param(key)?;
            if !machine.is_empty() {
                self.kind = kind;
                report.warn(&self.at, format!("the name of its {key}, {machine:?}, is not carried over"));
                if self.name.is_empty() {
                    report.warn(
                        &self.at,
                        format!("it has a {key} and no name, so it did not become a station"),
                    );
                }
            }
        }
        self.said_lift = params.string_param("lift_cabin")?;
        params.leave(report);
        Ok(())
    }
}

fn leave_vertex(vertex: &Vertex<'_>, report: &mut ImportReport) -> Result<(), RmfError> {
    if !vertex.name.is_empty() {
        report.warn(&vertex.at, format!("{:?} is on no lane and was left out", vertex.name));
    }
    if let Some(params) = &vertex.params {
        params.fields()?.leave(report);
    }
    Ok(())
}

// Open-RMF's reader takes it so; its editor draws both ways.
const ONE_WAY: &str = "it does not say whether it is bidirectional; it is one-way";

/// A lane between two vertices of a level.
#[derive(Debug)]
struct Drawn<'a> {
    at: At<'a>,
    start: usize,
    end: usize,
    lane: Lane,
}

impl<'a> Drawn<'a> {
    /// Reads a lane; `None` when robots do not use it.
    fn read(at: At<'a>, vertices: usize, report: &mut ImportReport) -> Result<Option<Self>, RmfError> {
        let (start, end, params) = edge(&at, vertices)?;
        let mut lane = Lane::one_way("", "");
        let mut graph = None;
        if let Some(mut params) = params {
            if !params.has("bidirectional") {
                report.warn(&at, ONE_WAY.to_owned());
            }
            lane.bidirectional = params.flag_param("bidirectional")?;
            graph = params.integer_param("graph_idx")?;
            lane.speed_limit_mps = speed_limit(&mut params)?;
            lane.corridor = Some(params.string_param("mutex")?.to_owned()).filter(|mutex| !mutex.is_empty());
            lane.orientation = read_orientation(&mut params)?;
            params.leave(report);
        } else {
            report.warn(&at, ONE_WAY.to_owned());
        }
        let graph = graph.unwrap_or_else(|| {
            report.warn(&at, "it does not name its roadmap; it went into roadmap 0".to_owned());
            0
        });
        if !ROADMAPS.contains(&graph) {
            report
                .warn(&at, format!("roadmap {graph} is not for robots (0 to 8 are); the lane was left out"));
            return Ok(None);
        }
        if start == end {
            report.warn(&at, "it ends where it starts and was left out".to_owned());
            return Ok(None);
        }
        lane.roadmap = Some(graph.to_string());
        Ok(Some(Self { at, start, end, lane }))
    }

    fn link(self, place: impl Copy + Fn(usize) -> usize) -> Link<'a> {
        Link { at: self.at, from: place(self.start), to: place(self.end), lane: self.lane }
    }
}

fn speed_limit(params: &mut Fields<'_>) -> Result<Option<f64>, RmfError> {
    let Some(value) = params.number_param("speed_limit")? else { return Ok(None) };
    if value < 0.0 {
        let rule = "a speed, or 0 for no limit";
        return Err(params.at().error(RmfProblem::OutOfRange { value, rule }));
    }
    Ok((0.0 < value).then_some(value))
}

fn read_orientation(params: &mut Fields<'_>) -> Result<Orientation, RmfError> {
    match params.string_param("orientation")? {
        "" => Ok(Orientation::Any),
        "forward" => Ok(Orientation::Forward),
        "backward" => Ok(Orientation::Backward),
        other => {
            let expected = "forward, backward or nothing";
            Err(params.at().error(RmfProblem::UnknownWord { value: other.to_owned(), expected }))
        }
    }
}

/// An edge `[start, end, {params}]`; the parameters may be absent.
fn edge<'a>(at: &At<'a>, vertices: usize) -> Result<(usize, usize, Option<Fields<'a>>), RmfError> {
    let items = at.items()?;
    let (start, end, params) = match items.as_slice() {
        [start, end] => (start, end, None),
        [start, end, params] => (start, end, Some(params.fields()?)),
        _ => return Err(at.error(RmfProblem::Missing { field: "[start, end, {parameters}]" })),
    };
    Ok((start.vertex(vertices)?, end.vertex(vertices)?, params))
}

fn ends(level: &LevelFrame<'_>, start: usize, end: usize) -> [[f64; 2]; 2] {
    [start, end].map(|vertex| level.vertices.get(vertex).map(|vertex| vertex.metres).unwrap_or_default())
}

const NO_KIND: &str = "it does not say how it moves; it counts as hinged, swinging to both sides";

/// A door, and what our model has no place for.
#[derive(Debug)]
struct ReadDoor<'a> {
    name: &'a str,
    driven: bool,
    door: Door,
}

fn read_door<'a>(
    at: &At<'a>,
    level: &LevelFrame<'a>,
    system: System,
    report: &mut ImportReport,
) -> Result<ReadDoor<'a>, RmfError> {
    let (start, end, params) = edge(at, level.vertices.len())?;
    let [start, end] = ends(level, start, end);
    if distance(start, end) <= 0.0 {
        return Err(at.error(RmfProblem::Coincident { what: "the ends of the door" }));
    }
    let mut door = Door::new("", level.name, start, end).hinged(Swing::Both);
    let Some(mut params) = params else {
        report.warn(at, NO_KIND.to_owned());
        return Ok(ReadDoor { name: "", driven: true, door });
    };
    let kind = params.string_param("type")?;
    door.kind = match kind {
        "hinged" | "" => DoorKind::Hinged,
        "double_hinged" => DoorKind::DoubleHinged,
        "sliding" => DoorKind::Sliding,
        "double_sliding" => DoorKind::DoubleSliding,
        other => {
            let expected = "hinged, double_hinged, sliding or double_sliding";
            return Err(at.error(RmfProblem::UnknownWord { value: other.to_owned(), expected }));
        }
    };
    if kind.is_empty() {
        report.warn(at, NO_KIND.to_owned());
    } else {
        read_swing(&mut params, &mut door, at, system, report)?;
    }
    let driven = params.string_param("plugin")? != "none";
    let name = match params.string_param("name")? {
        "null" => "",
        name => name,
    };
    params.leave(report);
    Ok(ReadDoor { name, driven, door })
}

/// Hinge and side of a swinging door.
///
/// The editor draws the leaf at `start` turning by `direction · degrees` in its own frame, where y points down: with
/// direction 1 it turns clockwise as seen from above, to the right of somebody who looks from the hinge along the
/// leaf. The leaf at `end` mirrors it, so both end up on one side of the door.
fn read_swing(
    params: &mut Fields<'_>,
    door: &mut Door,
    at: &At<'_>,
    system: System,
    report: &mut ImportReport,
) -> Result<(), RmfError> {
    let axis = params.string_param("motion_axis")?;
    let direction = params.integer_param("motion_direction")?.unwrap_or(1);
    let degrees = params.number_param("motion_degrees")?.unwrap_or(90.0);
    if !matches!(axis, "" | "start" | "end") {
        let expected = "start or end";
        return Err(at.error(RmfProblem::UnknownWord { value: axis.to_owned(), expected }));
    }
    if !matches!(direction, -1 | 1) {
        let value = direction.to_string();
        return Err(at.error(RmfProblem::UnknownWord { value, expected: "motion_direction 1 or -1" }));
    }
    match door.kind {
        DoorKind::Sliding | DoorKind::DoubleSliding | DoorKind::Opening => return Ok(()),
        DoorKind::Hinged if axis == "end" => {
            (door.from, door.to) = (door.to, door.from);
            let message =
                "the editor hinges it at its end, the simulator at its start; it swings to both sides";
            report.warn(at, message.to_owned());
            return Ok(());
        }
        DoorKind::Hinged | DoorKind::DoubleHinged => {}
    }
    let image = match system {
        System::ReferenceImage => true,
        System::WebMercator | System::CartesianMeters | System::Wgs84 => false,
    };
    let turns = 0.0 < degrees.abs() && degrees.abs() <= 180.0;
    if !image || !turns {
        report.warn(at, "the side it swings to is not certain; it swings to both sides".to_owned());
        return Ok(());
    }
    door.swing = if (0 < direction) == (0.0 < degrees) { Swing::Right } else { Swing::Left };
    Ok(())
}

/// The corners of a floor or hole, repeated ones left out.
fn read_ring(
    at: &At<'_>,
    level: &LevelFrame<'_>,
    report: &mut ImportReport,
) -> Result<Vec<[f64; 2]>, RmfError> {
    let mut fields = at.fields()?;
    let mut ring: Vec<[f64; 2]> = Vec::new();
    for index in fields.list("vertices")? {
        let Some(vertex) = level.vertices.get(index.vertex(level.vertices.len())?) else { continue };
        if ring.last().is_none_or(|last| 0.0 < distance(*last, vertex.metres)) {
            ring.push(vertex.metres);
        }
    }
    while let [first, .., last] = ring.as_slice()
        && distance(*first, *last) <= 0.0
    {
        ring.pop();
    }
    if let Some(parameters) = fields.take("parameters") {
        parameters.fields()?.leave(report);
    }
    fields.leave(report);
    Ok(ring)
}
