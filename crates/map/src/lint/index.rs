//! What every lint looks things up in, built once.

use std::collections::BTreeMap;

use sheepdog_core::{DoorId, LevelId, WaypointId};

use super::{BuildingProfile, ExitDoors};
use crate::{
    compile::{CompileOptions, Zones},
    compiled::{CompiledSite, Door, Level},
    geometry::{Point, SegmentGrid, bounds},
    model::{self, RoomKind, Site},
};

/// How far in front of a door one looks for the room on that side, metres.
const IN_FRONT_M: f64 = 0.35;

/// A compiled site and grids over what was authored.
pub(super) struct Index<'a> {
    pub(super) site: &'a CompiledSite,
    pub(super) profile: &'a BuildingProfile,
    /// Authored lanes of the roadmaps in question, by their names.
    pub(super) lanes: Vec<Lane<'a>>,
    /// One for each level.
    pub(super) levels: Vec<LevelIndex<'a>>,
    /// The name of a pair of waypoints, lesser id first, that lanes join.
    labels: BTreeMap<(WaypointId, WaypointId), String>,
    /// Authored ends of the way that a generated waypoint splits.
    ways: Vec<Option<(WaypointId, WaypointId)>>,
}

/// An authored lane.
#[derive(Clone, Debug)]
pub(super) struct Lane<'a> {
    pub(super) authored: &'a model::Lane,
    pub(super) level: LevelId,
    pub(super) from: WaypointId,
    pub(super) to: WaypointId,
    pub(super) a: Point,
    pub(super) b: Point,
    /// How findings call it.
    pub(super) label: String,
}

/// What stands on one level.
pub(super) struct LevelIndex<'a> {
    pub(super) id: LevelId,
    pub(super) level: &'a Level,
    pub(super) written: &'a model::Level,
    /// Authored walls, by their ends.
    pub(super) walls: Vec<Wall>,
    pub(super) wall_grid: SegmentGrid,
    /// Lanes as an index into [`Index::lanes`].
    pub(super) lanes: Vec<usize>,
    pub(super) lane_grid: SegmentGrid,
    /// Doors of the level.
    pub(super) doors: Vec<(DoorId, &'a Door)>,
    /// Sills, swings and cabins, as the compiler sees them.
    pub(super) openings: Zones,
}

/// An authored wall; `a` is the lesser end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wall {
    pub(super) a: Point,
    pub(super) b: Point,
}

impl Wall {
    pub(super) fn label(&self) -> String {
        format!("wall ({:.3}, {:.3}) to ({:.3}, {:.3})", self.a.x, self.a.y, self.b.x, self.b.y)
    }
}

/// Compares points by x, then y.
pub(super) fn order(p: Point, q: Point) -> std::cmp::Ordering {
    p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y))
}

/// An element as findings and errors call it.
pub(super) fn element(kind: &str, name: &str) -> String {
    format!("{kind} {name:?}")
}

impl<'a> Index<'a> {
    pub(super) fn new(
        site: &'a CompiledSite,
        options: &CompileOptions,
        profile: &'a BuildingProfile,
    ) -> Self {
        let lanes = lanes(site, options);
        let mut labels: BTreeMap<(WaypointId, WaypointId), String> = BTreeMap::new();
        for lane in &lanes {
            let label = format!("lane {:?} to {:?}", lane.authored.from, lane.authored.to);
            labels.entry(pair(lane.from, lane.to)).or_insert(label);
        }
        let written = &site.authored().levels;
        let levels = (0..).map(LevelId).zip(site.levels()).zip(written);
        let levels =
            levels.map(|((id, level), written)| level_index(site, id, level, written, &lanes)).collect();
        Self { site, profile, labels, ways: ways(site), lanes, levels }
    }

    /// The site as it was written.
    pub(super) fn authored(&self) -> &'a Site {
        self.site.authored()
    }

    /// Name of a level.
    pub(super) fn level_name(&self, level: LevelId) -> &'a str {
        self.site.level(level).map_or("", |level| level.name.as_str())
    }

    pub(super) fn waypoint_name(&self, id: WaypointId) -> &'a str {
        self.site.waypoint(id).map_or("", |waypoint| waypoint.name.as_str())
    }

    /// Each pair of waypoints that lanes join, with one of these lanes.
    pub(super) fn joined(&self) -> impl Iterator<Item = (&Lane<'a>, &str)> + '_ {
        let mut last = None;
        let mut firsts: Vec<&Lane<'a>> = self.lanes.iter().collect();
        firsts.sort_by_key(|lane| pair(lane.from, lane.to));
        firsts.into_iter().filter_map(move |lane| {
            let key = pair(lane.from, lane.to);
            let is_new = last != Some(key);
            last = Some(key);
            is_new.then(|| (lane, self.labels.get(&key).map_or("", String::as_str)))
        })
    }

    /// How findings call the way that joins two waypoints.
    pub(super) fn label(&self, way: (WaypointId, WaypointId)) -> String {
        let names = || {
            element("lane", self.waypoint_name(way.0)) + " to " + &format!("{:?}", self.waypoint_name(way.1))
        };
        self.labels.get(&pair(way.0, way.1)).cloned().unwrap_or_else(names)
    }

    /// The authored way of each compiled lane, by the name that warnings give that lane.
    pub(super) fn ways_by_warning(&self) -> BTreeMap<String, (WaypointId, WaypointId)> {
        let named = |lane: &crate::compiled::Lane| {
            let (from, to) = (self.waypoint_name(lane.from), self.waypoint_name(lane.to));
            let split = |id: WaypointId| self.ways.get(id.index()).copied().flatten();
            let way = split(lane.from).or_else(|| split(lane.to)).unwrap_or_else(|| pair(lane.from, lane.to));
            (format!("{from} > {to}"), way)
        };
        self.site.lanes().iter().map(named).collect()
    }

    /// Whether a door counts as an exit by the profile.
    pub(super) fn is_exit(&self, door: &Door) -> bool {
        match self.profile.building.exits {
            ExitDoors::Declared => door.exit_width_m.is_some(),
            ExitDoors::All => true,
            ExitDoors::Outside => door.exit_width_m.is_some() || self.outer_side(door).is_some(),
        }
    }

    /// To which side of a door, looking from its first end to its second, there is no room of the building: 1 to the
    /// left, -1 to the right; `None` with rooms on both sides or on neither.
    pub(super) fn outer_side(&self, door: &Door) -> Option<f64> {
        let is_room = |side: f64| {
            let at = middle(door) + left_of(door) * (side * IN_FRONT_M);
            let room = self.site.room_at(door.level, at).and_then(|room| self.site.room(room));
            room.is_some_and(|room| room.kind != RoomKind::Outdoor)
        };
        match (is_room(1.0), is_room(-1.0)) {
            (false, true) => Some(1.0),
            (true, false) => Some(-1.0),
            (true, true) | (false, false) => None,
        }
    }

    /// The authored door.
    pub(super) fn written(&self, door: DoorId) -> Option<&'a model::Door> {
        self.authored().doors.get(door.index())
    }
}

/// Unit vector square to a door, to the left looking from its first end to its second.
pub(super) fn left_of(door: &Door) -> nalgebra::Vector2<f64> {
    let along = (door.b - door.a).try_normalize(0.0).unwrap_or_else(nalgebra::Vector2::x);
    nalgebra::Vector2::new(-along.y, along.x)
}

pub(super) fn middle(door: &Door) -> Point {
    door.a + (door.b - door.a) / 2.0
}

pub(super) fn pair(a: WaypointId, b: WaypointId) -> (WaypointId, WaypointId) {
    (a.min(b), a.max(b))
}

fn lanes<'a>(site: &'a CompiledSite, options: &CompileOptions) -> Vec<Lane<'a>> {
    let authored = site.authored();
    let ids: BTreeMap<&str, WaypointId> =
        authored.waypoints.iter().map(|waypoint| waypoint.id.as_str()).zip((0..).map(WaypointId)).collect();
    let wanted = |lane: &&model::Lane| match (&options.roadmap, &lane.roadmap) {
        (Some(wanted), Some(own)) => wanted == own,
        (None, _) | (_, None) => true,
    };
    let mut lanes: Vec<Lane<'a>> = authored
        .lanes
        .iter()
        .filter(wanted)
        .filter_map(|lane| {
            let (from, to) = (*ids.get(lane.from.as_str())?, *ids.get(lane.to.as_str())?);
            let (start, end) = (site.waypoint(from)?, site.waypoint(to)?);
            let of = lane.roadmap.as_ref().map(|name| format!(" of roadmap {name:?}")).unwrap_or_default();
            let label = format!("lane {:?} to {:?}{of}", lane.from, lane.to);
            Some(Lane { authored: lane, level: start.level, from, to, a: start.at, b: end.at, label })
        })
        .collect();
    lanes.sort_by(|p, q| p.label.cmp(&q.label));
    lanes
}

fn level_index<'a>(
    site: &'a CompiledSite,
    id: LevelId,
    level: &'a Level,
    written: &'a model::Level,
    lanes: &[Lane<'a>],
) -> LevelIndex<'a> {
    let mut walls: Vec<Wall> = site
        .authored()
        .walls
        .iter()
        .filter(|wall| wall.level == level.name)
        .map(|wall| {
            let (from, to) = (Point::from(wall.from), Point::from(wall.to));
            let (a, b) = if order(from, to).is_le() { (from, to) } else { (to, from) };
            Wall { a, b }
        })
        .collect();
    walls.sort_by(|p, q| order(p.a, q.a).then(order(p.b, q.b)));
    let wall_lines: Vec<_> = walls.iter().map(|wall| (wall.a, wall.b)).collect();
    let here: Vec<usize> =
        lanes.iter().enumerate().filter(|(_, lane)| lane.level == id).map(|(index, _)| index).collect();
    let lane_lines: Vec<_> =
        here.iter().filter_map(|lane| lanes.get(*lane)).map(|lane| (lane.a, lane.b)).collect();
    LevelIndex {
        id,
        level,
        written,
        walls,
        wall_grid: SegmentGrid::new(&wall_lines),
        lanes: here,
        lane_grid: SegmentGrid::new(&lane_lines),
        doors: (0..).map(DoorId).zip(site.doors()).filter(|(_, door)| door.level == id).collect(),
        openings: Zones::of(id, site.doors(), site.lifts()),
    }
}

/// For each waypoint that splits a lane, the authored ends of that lane.
fn ways(site: &CompiledSite) -> Vec<Option<(WaypointId, WaypointId)>> {
    let is_generated = |id: WaypointId| site.waypoint(id).is_some_and(|waypoint| !waypoint.authored);
    let mut ways = vec![None; site.waypoints().len()];
    for (start, waypoint) in (0..).map(WaypointId).zip(site.waypoints()) {
        if !waypoint.authored {
            continue;
        }
        for first in site.lanes_from(start).iter().filter_map(|lane| site.lane(*lane)) {
            let mut chain = Vec::new();
            let (mut before, mut here) = (start, first.to);
            while is_generated(here) && chain.len() < ways.len() {
                chain.push(here);
                let next = site
                    .lanes_from(here)
                    .iter()
                    .filter_map(|lane| site.lane(*lane))
                    .find(|lane| lane.to != before);
                let Some(next) = next else { break };
                (before, here) = (here, next.to);
            }
            for split in chain {
                if let Some(way) = ways.get_mut(split.index()) {
                    *way = Some(pair(start, here));
                }
            }
        }
    }
    ways
}

/// Pairs of shapes whose boxes meet, by index, lesser first: a sweep along x. O(n log n) beside the pairs found and what
/// lies over each other in x alone.
pub(super) fn meeting_boxes(shapes: &[&[Point]]) -> Vec<(usize, usize)> {
    let mut boxes: Vec<(usize, Point, Point)> = shapes
        .iter()
        .enumerate()
        .filter_map(|(index, ring)| bounds(ring.iter().copied()).map(|(low, high)| (index, low, high)))
        .collect();
    boxes.sort_by(|p, q| p.1.x.total_cmp(&q.1.x).then(p.0.cmp(&q.0)));
    let mut pairs = Vec::new();
    let mut open: Vec<(usize, Point, Point)> = Vec::new();
    for (index, low, high) in boxes {
        open.retain(|(_, _, end)| low.x <= end.x);
        for (other, other_low, other_high) in &open {
            if low.y <= other_high.y && other_low.y <= high.y {
                pairs.push((index.min(*other), index.max(*other)));
            }
        }
        open.push((index, low, high));
    }
    pairs.sort_unstable();
    pairs
}
