//! Levels, rooms, doors and lifts: walls with their openings, and the mapped area.

use sheepdog_core::{LevelId, Micros};

use super::check::Names;
use crate::{
    compiled::{Door, Level, Lift, LiftStop, Room},
    error::MapError,
    geometry::{
        LevelGeometry, Point, Polygon, SegmentGrid, WallSegment, mapped_area, point_to_segment,
        ring_contains, sides, twice_area,
    },
    model::{self, Site, default_wall_thickness_m},
};

/// How far from a wall's centre line a door may lie and still cut it.
const DOOR_TO_WALL_MAX_M: f64 = 0.15;
/// The same for a lift's door, which has the thickness of a shaft between it and the walls of the level.
const LIFT_DOOR_TO_WALL_MAX_M: f64 = 0.3;
/// Sine of the largest angle between a door and the wall it cuts (10 degrees).
const PARALLEL_SINE_MAX: f64 = 0.174;
/// How far the mapped area reaches through an opening, to either side.
const BRIDGE_M: f64 = 0.3;

/// Everything of a compiled site except the roadmap.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) levels: Vec<Level>,
    pub(crate) rooms: Vec<Room>,
    pub(crate) doors: Vec<Door>,
    pub(crate) lifts: Vec<Lift>,
}

/// A gap in walls.
struct Opening {
    a: Point,
    b: Point,
    reach_m: f64,
}

/// Builds from a site that passed its checks.
pub(super) fn build(site: &Site, names: &Names<'_>) -> Result<Space, Vec<MapError>> {
    let level_of = |name: &str| names.levels.get(name).copied().unwrap_or_default();
    let rooms: Vec<Room> = site
        .rooms
        .iter()
        .enumerate()
        .map(|(index, room)| self::room(index, room, level_of(&room.level)))
        .collect();
    let doors: Vec<Door> = site
        .doors
        .iter()
        .enumerate()
        .map(|(index, door)| self::door(index, door, level_of(&door.level)))
        .collect();
    let lifts: Vec<Lift> = site.lifts.iter().map(|lift| self::lift(lift, level_of)).collect();
    let mut errors = Vec::new();
    let mut levels = Vec::with_capacity(site.levels.len());
    for (id, level) in (0..).map(LevelId).zip(&site.levels) {
        let walls = walls(site, id, level_of, &rooms, &doors, &lifts);
        let obstacles: Vec<_> = obstacles(site, id, level_of).collect();
        let areas = areas(id, &rooms, &doors, &lifts);
        match mapped_area(&areas, &obstacles) {
            Ok(rings) => {
                let geometry = LevelGeometry::new(walls, rings);
                levels.push(Level {
                    name: level.id.clone(),
                    elevation_m: level.elevation_m,
                    // A mapped area has the obstacles cut out of it.
                    geometry: if areas.is_empty() {
                        geometry.with_solids(&obstacles)
                    } else {
                        geometry.drawn()
                    },
                });
            }
            Err(error) => errors.push(MapError::AreaUnion {
                level: level.id.clone(),
                found_m2: error.found_m2,
                low_m2: error.credible.0,
                high_m2: error.credible.1,
            }),
        }
    }
    if errors.is_empty() { Ok(Space { levels, rooms, doors, lifts }) } else { Err(errors) }
}

/// A ring without repeated consecutive corners.
pub(super) fn ring(corners: &[[f64; 2]]) -> Vec<Point> {
    let mut ring: Vec<Point> = corners.iter().map(|corner| Point::from(*corner)).collect();
    ring.dedup();
    if 1 < ring.len() && ring.first() == ring.last() {
        ring.pop();
    }
    ring
}

/// The corners of a lift's cabin, counter-clockwise.
pub(super) fn cabin(lift: &model::Lift) -> [Point; 4] {
    rectangle(Point::from(lift.at), lift.yaw_rad, lift.width_m, lift.depth_m)
}

/// Distance from a point to the inside of a ring; zero inside.
pub(super) fn distance_to_ring(ring: &[Point], p: Point) -> f64 {
    if ring_contains(ring, p) {
        return 0.0;
    }
    sides(ring).map(|(a, b)| point_to_segment(p, a, b)).fold(f64::INFINITY, f64::min)
}

impl Lift {
    /// The corners of the cabin, counter-clockwise.
    pub fn cabin(&self) -> [nalgebra::Point2<f64>; 4] {
        rectangle(self.at, self.yaw_rad, self.width_m, self.depth_m)
    }
}

fn rectangle(at: Point, yaw_rad: f64, width_m: f64, depth_m: f64) -> [Point; 4] {
    let (sine, cosine) = (libm::sin(yaw_rad), libm::cos(yaw_rad));
    [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(x, y)| {
        let (x, y) = (x * width_m, y * depth_m);
        Point::new(at.x + cosine * x - sine * y, at.y + sine * x + cosine * y)
    })
}

fn room(authored: usize, room: &model::Room, level: LevelId) -> Room {
    let turned = |corners: &[[f64; 2]], left: bool| {
        let mut ring = ring(corners);
        if (0.0 < twice_area(&ring)) != left {
            ring.reverse();
        }
        ring
    };
    Room {
        name: room.id.clone(),
        level,
        kind: room.kind,
        outer: turned(&room.polygon, true),
        holes: room.holes.iter().map(|hole| turned(hole, false)).collect(),
        authored: Some(authored),
    }
}

fn door(authored: usize, door: &model::Door, level: LevelId) -> Door {
    let clear_width_m =
        door.clear_width_m.unwrap_or_else(|| (Point::from(door.to) - Point::from(door.from)).norm());
    Door {
        name: door.id.clone(),
        level,
        a: Point::from(door.from),
        b: Point::from(door.to),
        kind: door.kind,
        swing: door.swing,
        opening: micros(door.opening_s),
        fire_rated: door.fire_rated,
        clear_width_m,
        exit_width_m: door.exit.then_some(clear_width_m),
        authored: Some(authored),
    }
}

fn lift(lift: &model::Lift, level_of: impl Fn(&str) -> LevelId) -> Lift {
    let mut stops: Vec<LiftStop> = Vec::new();
    for door in &lift.doors {
        let (level, ends) = (level_of(&door.level), [Point::from(door.from), Point::from(door.to)]);
        match stops.iter_mut().find(|stop| stop.level == level) {
            Some(stop) => stop.doors.push(ends),
            None => stops.push(LiftStop { level, doors: vec![ends], waypoint: None }),
        }
    }
    stops.sort_by_key(|stop| stop.level);
    Lift {
        name: lift.id.clone(),
        at: Point::from(lift.at),
        yaw_rad: lift.yaw_rad,
        width_m: lift.width_m,
        depth_m: lift.depth_m,
        door_time: micros(lift.door_s),
        speed_mps: lift.speed_mps,
        stops,
    }
}

/// Rounds a checked span up to a microsecond.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in 0..=600 s")]
fn micros(seconds: f64) -> Micros {
    Micros::new((seconds * 1e6).ceil() as u64)
}

/// Walls of one level with their openings cut.
fn walls(
    site: &Site,
    level: LevelId,
    level_of: impl Fn(&str) -> LevelId + Copy,
    rooms: &[Room],
    doors: &[Door],
    lifts: &[Lift],
) -> Vec<WallSegment> {
    let authored = site.walls.iter().filter(|wall| level_of(&wall.level) == level).map(|wall| WallSegment {
        a: Point::from(wall.from),
        b: Point::from(wall.to),
        thickness_m: wall.thickness_m,
    });
    let walled =
        site.rooms.iter().zip(rooms).filter(|(room, compiled)| room.walled && compiled.level == level);
    let outlines = walled
        .flat_map(|(_, room)| std::iter::once(&room.outer).chain(&room.holes))
        .flat_map(|ring| sides(ring))
        .map(|(a, b)| WallSegment { a, b, thickness_m: default_wall_thickness_m() });
    let walls: Vec<_> = authored.chain(outlines).collect();

    let mut openings: Vec<Opening> = doors
        .iter()
        .filter(|door| door.level == level)
        .map(|door| Opening { a: door.a, b: door.b, reach_m: DOOR_TO_WALL_MAX_M })
        .collect();
    let stops = || lifts.iter().filter_map(|lift| Some((lift, stop_at(lift, level)?)));
    let lift_openings = stops().flat_map(|(_, stop)| &stop.doors);
    openings.extend(lift_openings.map(|&[a, b]| Opening { a, b, reach_m: LIFT_DOOR_TO_WALL_MAX_M }));
    let mut walls = cut(&walls, &openings);

    for outline in obstacles(site, level, level_of) {
        walls.extend(sides(&outline).map(|(a, b)| WallSegment { a, b, thickness_m: 0.0 }));
    }
    for (lift, stop) in stops() {
        let cabin = lift.cabin();
        let sides: Vec<_> = sides(&cabin).map(|(a, b)| WallSegment { a, b, thickness_m: 0.0 }).collect();
        // A lift's door may lie half a metre off its cabin (see the checks); it still opens it.
        let openings: Vec<_> = stop.doors.iter().map(|&[a, b]| Opening { a, b, reach_m: 0.51 }).collect();
        walls.extend(cut(&sides, &openings));
    }
    walls
}

/// Outlines of the obstacles of one level.
fn obstacles<'a>(
    site: &'a Site,
    level: LevelId,
    level_of: impl Fn(&str) -> LevelId + 'a,
) -> impl Iterator<Item = Vec<Point>> + 'a {
    let there = move |obstacle: &&model::Obstacle| level_of(&obstacle.level) == level;
    site.obstacles.iter().filter(there).map(|obstacle| ring(&obstacle.polygon))
}

fn stop_at(lift: &Lift, level: LevelId) -> Option<&LiftStop> {
    lift.stops.iter().find(|stop| stop.level == level)
}

/// What is left of walls; the round end of a cut wall touches the end of the opening and does not narrow it.
fn cut(walls: &[WallSegment], openings: &[Opening]) -> Vec<WallSegment> {
    let grid = SegmentGrid::new(&walls.iter().map(|wall| (wall.a, wall.b)).collect::<Vec<_>>());
    let mut gaps: Vec<Vec<(f64, f64)>> = vec![Vec::new(); walls.len()];
    for opening in openings {
        grid.near(opening.a, opening.b, opening.reach_m, |wall| {
            let wall = wall as usize;
            if let (Some(segment), Some(gaps)) = (walls.get(wall), gaps.get_mut(wall)) {
                gaps.extend(gap(segment, opening));
            }
        });
    }
    walls.iter().zip(gaps).flat_map(|(wall, gaps)| without(wall, gaps)).collect()
}

/// The part of a wall's length, in metres from its start, that an opening takes away.
fn gap(wall: &WallSegment, opening: &Opening) -> Option<(f64, f64)> {
    let length = (wall.b - wall.a).norm();
    let unit = (wall.b - wall.a) / length;
    let (from, to) = (opening.a - wall.a, opening.b - wall.a);
    let across = unit.perp(&(opening.b - opening.a)).abs();
    let parallel = across <= PARALLEL_SINE_MAX * (opening.b - opening.a).norm();
    let close = unit.perp(&from).abs().max(unit.perp(&to).abs()) <= opening.reach_m;
    let (from, to) = (unit.dot(&from), unit.dot(&to));
    let half = wall.thickness_m / 2.0;
    let (low, high) = (from.min(to) - half, from.max(to) + half);
    (parallel && close && low < length && 0.0 < high).then_some((low, high))
}

fn without(wall: &WallSegment, mut gaps: Vec<(f64, f64)>) -> Vec<WallSegment> {
    const CRUMB_M: f64 = 1e-6;
    if gaps.is_empty() {
        return vec![*wall];
    }
    gaps.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.total_cmp(&q.1)));
    let length = (wall.b - wall.a).norm();
    let unit = (wall.b - wall.a) / length;
    let mut pieces = Vec::new();
    let mut from = 0.0;
    for (low, high) in gaps.into_iter().chain([(length, f64::INFINITY)]) {
        if from + CRUMB_M < low {
            let b = if low < length { wall.a + unit * low } else { wall.b };
            pieces.push(WallSegment { a: wall.a + unit * from, b, thickness_m: wall.thickness_m });
        }
        from = high.max(from);
    }
    pieces
}

/// Polygons whose union is the mapped area: rooms, cabins, and bridges through openings. None without a room.
fn areas(level: LevelId, rooms: &[Room], doors: &[Door], lifts: &[Lift]) -> Vec<Polygon> {
    let mut areas: Vec<Polygon> = rooms
        .iter()
        .filter(|room| room.level == level)
        .map(|room| Polygon { outer: room.outer.clone(), holes: room.holes.clone() })
        .collect();
    if areas.is_empty() {
        return areas;
    }
    let plain = |outer: [Point; 4]| Polygon { outer: outer.to_vec(), holes: Vec::new() };
    areas.extend(doors.iter().filter(|door| door.level == level).map(|door| plain(bridge(door.a, door.b))));
    for lift in lifts {
        if let Some(stop) = stop_at(lift, level) {
            areas.push(plain(lift.cabin()));
            areas.extend(stop.doors.iter().map(|&[a, b]| plain(bridge(a, b))));
        }
    }
    areas
}

fn bridge(a: Point, b: Point) -> [Point; 4] {
    let along = (b - a).normalize();
    let left = nalgebra::Vector2::new(-along.y, along.x) * BRIDGE_M;
    [a - left, b - left, b + left, a + left]
}
