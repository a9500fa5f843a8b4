//! What stands on the levels, with its names, and which of it is in lifts.

use std::collections::BTreeSet;

use crate::model::{Door, Lane, Role, Room, Site, Station, StationKind, Wall, Waypoint};

use super::{
    At, ImportError, ImportProblem, ImportReport,
    doors::{self, ReadDoor},
    frame::{Frames, LevelFrame, System, Vertex},
    lanes::Drawn,
    lifts::Cabin,
    names::{Called, shared, unique},
    params,
    similarity::distance,
    surfaces,
};

/// Lift waypoints of different levels that are at most this far apart are one place, metres.
const LIFT_APART_MAX_M: f64 = 0.1;
/// A waypoint that its lift moved by more than this is reported, metres.
const MOVED_REPORT_M: f64 = 0.001;

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
    params: Option<At<'a>>,
    waypoint: Waypoint,
}

/// A lane between two of the ways.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) at: At<'a>,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) lane: Lane,
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
    pub(super) fn read(frames: &Frames<'a>, report: &mut ImportReport) -> Result<Self, ImportError> {
        let mut content = Self {
            ways: Vec::new(),
            lanes: Vec::new(),
            doors: Vec::new(),
            walls: Vec::new(),
            rooms: Vec::new(),
        };
        let system = frames.system;
        for (index, level) in frames.levels.iter().enumerate() {
            content.read_roadmap(index, level, report)?;
            content.read_doors(index, level, system, report)?;
            content.walls.extend(surfaces::walls(level, report)?);
            content.rooms.extend(surfaces::floors(level, report)?);
        }
        content.name_all(frames, report);
        Ok(content)
    }

    fn read_roadmap(
        &mut self,
        index: usize,
        level: &LevelFrame<'a>,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        let mut drawn = Vec::new();
        for at in level.at.list("lanes")? {
            drawn.extend(Drawn::read(at, level.vertices.len(), report)?);
        }
        let used: BTreeSet<usize> = drawn.iter().flat_map(|lane| [lane.start, lane.end]).collect();
        let first = self.ways.len();
        for (number, vertex) in level.vertices.iter().enumerate() {
            if used.contains(&number) {
                self.ways.push(Way::read(vertex, index, level.name, number, report)?);
            } else {
                if !vertex.name.is_empty() {
                    vertex.at.warn(report, format!("{:?} is on no lane and was left out", vertex.name));
                }
                vertex.params.as_ref().map(params::fields).transpose()?;
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
        level: &LevelFrame<'a>,
        system: System,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        let mut driveless = 0_usize;
        for (number, at) in level.at.list("doors")?.into_iter().enumerate() {
            let ReadDoor { name, driven, door } = doors::read(&at, level, system, report)?;
            driveless += usize::from(!driven);
            self.doors.push(Entry { at, level: index, index: number, name, door });
        }
        if 0 < driveless {
            let message =
                format!("{driveless} doors have no drive (plugin none); somebody must open them for robots");
            report.warn(format_args!("{}.doors", level.at), message);
        }
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
                way.at.warn(
                    report,
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
                door.at.warn(report, format!("the door has no name; it became {id:?}"));
            } else if door.name != id {
                door.at.warn(
                    report,
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
    pub(super) fn board(
        &mut self,
        lifts: &[Cabin<'_>],
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        for cabin in lifts {
            self.board_one(cabin, report)?;
        }
        for way in &self.ways {
            let held = way.waypoint.lift.as_deref().unwrap_or("");
            if let Some(params) = way.params.as_ref().filter(|_| way.said_lift == held) {
                params::left(params, "lift_cabin", true);
            }
            if !way.said_lift.is_empty() && way.said_lift != held {
                let place =
                    if held.is_empty() { "no cabin".to_owned() } else { format!("the cabin of {held:?}") };
                let message =
                    format!("lift_cabin says {:?}, but it lies in {place}; its place counts", way.said_lift);
                way.at.warn(report, message);
            }
        }
        for link in &self.lanes {
            let lift = |way: usize| self.ways.get(way).and_then(|way| way.waypoint.lift.as_deref());
            if let (Some(a), Some(b)) = (lift(link.from), lift(link.to))
                && a != b
            {
                return Err(link
                    .at
                    .error(ImportProblem::LaneBetweenLifts { a: a.to_owned(), b: b.to_owned() }));
            }
        }
        Ok(())
    }

    fn board_one(&mut self, cabin: &Cabin<'_>, report: &mut ImportReport) -> Result<(), ImportError> {
        let mut aboard: Vec<&mut Way<'_>> = Vec::new();
        for way in self.ways.iter_mut().filter(|way| cabin.holds(way.waypoint.at)) {
            if let Some(other) = &way.waypoint.lift {
                let message =
                    format!("it lies in the cabins of {other:?} and {:?}; the first counts", cabin.lift.id);
                way.at.warn(report, message);
            } else if cabin.served.get(way.level) != Some(&true) {
                let message =
                    format!("it lies in the cabin of {:?}, which does not stop here", cabin.lift.id);
                way.at.warn(report, message);
            } else {
                aboard.push(way);
            }
        }
        if aboard.is_empty() {
            cabin.at.warn(report, "no lane leads into it on any level".to_owned());
        }
        check_aboard(&aboard, cabin)?;
        let place = centre(&aboard);
        for way in aboard {
            let moved_m = distance(way.waypoint.at, place);
            if MOVED_REPORT_M < moved_m {
                let message =
                    format!("moved by {moved_m:.3} m to where {:?} holds it on every level", cabin.lift.id);
                way.at.warn(report, message);
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
fn check_aboard(aboard: &[&mut Way<'_>], cabin: &Cabin<'_>) -> Result<(), ImportError> {
    let lift = || cabin.lift.id.clone();
    for (index, way) in aboard.iter().enumerate() {
        for other in aboard.iter().skip(index + 1) {
            let (a, b) = (way.waypoint.id.clone(), other.waypoint.id.clone());
            if way.level == other.level {
                return Err(other.at.error(ImportProblem::CrowdedCabin { lift: lift(), a, b }));
            }
            let apart_m = distance(way.waypoint.at, other.waypoint.at);
            if LIFT_APART_MAX_M < apart_m {
                let limit_m = LIFT_APART_MAX_M;
                return Err(other.at.error(ImportProblem::LiftApart {
                    lift: lift().into(),
                    a: a.into(),
                    b: b.into(),
                    apart_m,
                    limit_m,
                }));
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
    ) -> Result<Self, ImportError> {
        let mut way = Self {
            at: vertex.at.clone(),
            level,
            name: vertex.name,
            kind: StationKind::Place,
            said_lift: "",
            params: None,
            waypoint: {
                let [x_m, y_m] = vertex.metres;
                Waypoint::new(format!("{level_name}_v{number}"), level_name, x_m, y_m)
            },
        };
        if let Some(params) = &vertex.params {
            way.read_params(params, report)?;
        }
        Ok(way)
    }

    fn read_params(&mut self, at: &At<'a>, report: &mut ImportReport) -> Result<(), ImportError> {
        let at = params::fields(at)?;
        let roles = [
            ("is_charger", Role::Charger),
            ("is_parking_spot", Role::Parking),
            ("is_holding_point", Role::Holding),
            ("is_passthrough_point", Role::Passthrough),
        ];
        for (key, role) in roles {
            if params::flag(&at, key)? {
                self.waypoint.roles.push(role);
            }
        }
        self.waypoint.mutex = params::mutex(&at)?;
        if self.waypoint.roles.contains(&Role::Charger) {
            self.kind = StationKind::Charger;
        }
        for (key, kind) in
            [("dropoff_ingestor", StationKind::Dropoff), ("pickup_dispenser", StationKind::Pickup)]
        {
            let machine = params::string(&at, key)?;
            if !machine.is_empty() {
                self.kind = kind;
                self.at.warn(report, format!("the name of its {key}, {machine:?}, is not carried over"));
                if self.name.is_empty() {
                    self.at
                        .warn(report, format!("it has a {key} and no name, so it did not become a station"));
                }
            }
        }
        self.said_lift = params::string(&at, "lift_cabin")?;
        self.params = Some(at);
        Ok(())
    }
}
