//! Units and the openings between them, in metres.

use crate::{
    geometry::{Point, SegmentGrid, point_to_segment, sides, twice_area},
    model::{Door, Room, RoomKind},
};

use super::super::tree::At;

/// An opening belongs to a side that both its ends are this near to, metres.
const OPENING_APART_MAX_M: f64 = 0.15;
/// The share of its rectangle that a unit fills which is called rectangular.
const RECTANGLE_MIN: f64 = 0.95;

/// How a unit ends where no opening is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    /// At walls, all around.
    Walled,
    /// At walls, except where it touches another open unit.
    Open,
    /// It is a wall or a column itself.
    Solid,
}

/// The category without what comes after its first dot.
pub(super) fn base(category: &str) -> &str {
    category.split('.').next().unwrap_or(category)
}

pub(super) fn bounds(category: &str) -> Bounds {
    match base(category) {
        "walkway" | "footbridge" | "ramp" | "road" | "parking" | "platform" | "terrace"
        | "unenclosedarea" => Bounds::Open,
        "brick" | "concrete" | "drywall" | "glass" | "wood" | "column" | "structure" => Bounds::Solid,
        _ => Bounds::Walled,
    }
}

pub(super) fn room_kind(category: &str) -> RoomKind {
    match base(category) {
        "walkway" | "movingwalkway" => RoomKind::Corridor,
        "lobby" | "waitingroom" | "foyer" => RoomKind::Lobby,
        "office" => RoomKind::Staff,
        "storage" | "mailroom" => RoomKind::Store,
        "laboratory" => RoomKind::Laboratory,
        "kitchen" => RoomKind::Kitchen,
        "stairs" | "steps" => RoomKind::Stairwell,
        "mechanical" | "serverroom" | "elevator" | "escalator" => RoomKind::Technical,
        "road" | "parking" | "platform" => RoomKind::Outdoor,
        "restroom" => RoomKind::Bathroom,
        _ => RoomKind::Room,
    }
}

/// A polygon of a unit.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) unit: At<'a>,
    pub(super) category: &'a str,
    pub(super) bounds: Bounds,
    /// Its level as an index.
    pub(super) level: usize,
    /// What it becomes, unless it is a cabin.
    pub(super) room: Room,
    pub(super) is_cabin: bool,
}

impl Part<'_> {
    pub(super) fn rings(&self) -> impl Iterator<Item = Vec<Point>> + '_ {
        std::iter::once(&self.room.polygon).chain(&self.room.holes).map(|ring| points(ring))
    }

    /// The lower left and the upper right corner of the box around it.
    pub(super) fn corners(&self) -> (Point, Point) {
        let ring = points(&self.room.polygon);
        let low = ring.iter().copied().reduce(|a, b| a.inf(&b)).unwrap_or_default();
        (low, ring.iter().copied().reduce(|a, b| a.sup(&b)).unwrap_or_default())
    }
}

fn points(ring: &[[f64; 2]]) -> Vec<Point> {
    ring.iter().map(|corner| Point::from(*corner)).collect()
}

/// An opening between units.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    pub(super) at: At<'a>,
    /// Its level as an index.
    pub(super) level: usize,
    pub(super) door: Door,
    /// Whether it is a door of a lift.
    pub(super) is_of_lift: bool,
}

impl Opening<'_> {
    pub(super) fn ends(&self) -> (Point, Point) {
        (Point::from(self.door.from), Point::from(self.door.to))
    }
}

/// The sides of all units of a level.
pub(super) struct Sides {
    /// A side, and the part it belongs to as an index.
    lines: Vec<((Point, Point), usize)>,
    grid: SegmentGrid,
}

impl Sides {
    /// Those of each level.
    pub(super) fn of(parts: &[Part<'_>], levels: usize) -> Vec<Self> {
        let mut lines: Vec<Vec<((Point, Point), usize)>> = vec![Vec::new(); levels];
        for (index, part) in parts.iter().enumerate() {
            if let Some(lines) = lines.get_mut(part.level) {
                lines.extend(
                    part.rings().flat_map(|ring| sides(&ring).map(|side| (side, index)).collect::<Vec<_>>()),
                );
            }
        }
        let index = |lines: Vec<((Point, Point), usize)>| {
            let grid = SegmentGrid::new(&lines.iter().map(|(side, _)| *side).collect::<Vec<_>>());
            Self { lines, grid }
        };
        lines.into_iter().map(index).collect()
    }

    /// Sides that may be within `reach_m` of a line, and the parts they belong to, each once.
    pub(super) fn near(&self, (a, b): (Point, Point), reach_m: f64) -> Vec<((Point, Point), usize)> {
        let mut found = Vec::new();
        self.grid.near(a, b, reach_m, |side| found.push(side as usize));
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|side| self.lines.get(side).copied()).collect()
    }
}

/// Per part, its openings as indices.
pub(super) fn openings_of(parts: &[Part<'_>], openings: &[Opening<'_>], sides: &[Sides]) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    for (index, opening) in openings.iter().enumerate() {
        let (a, b) = opening.ends();
        let Some(sides) = sides.get(opening.level) else { continue };
        for ((c, d), part) in sides.near((a, b), OPENING_APART_MAX_M) {
            let apart_m = point_to_segment(a, c, d).max(point_to_segment(b, c, d));
            if let Some(list) = found.get_mut(part).filter(|list| list.last() != Some(&index))
                && apart_m <= OPENING_APART_MAX_M
            {
                list.push(index);
            }
        }
    }
    found
}

/// A rectangle in any direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    pub(super) middle: Point,
    /// The direction of its first axis, of length one.
    pub(super) along: nalgebra::Vector2<f64>,
    /// Its size along that axis and across it, metres.
    pub(super) size_m: [f64; 2],
}

impl Rectangle {
    /// The least one around a part in the direction of the longest of its sides.
    pub(super) fn around(part: &Part<'_>) -> Option<Self> {
        let ring = points(&part.room.polygon);
        let longest = sides(&ring).map(|(a, b)| b - a).reduce(|longest, side| {
            if longest.norm_squared() < side.norm_squared() { side } else { longest }
        });
        let along = longest?.try_normalize(0.0)?;
        let across = nalgebra::Vector2::new(-along.y, along.x);
        let span = |axis: nalgebra::Vector2<f64>| {
            let places = || ring.iter().map(|corner| axis.dot(&corner.coords));
            (places().fold(f64::INFINITY, f64::min), places().fold(f64::NEG_INFINITY, f64::max))
        };
        let ((left, right), (low, high)) = (span(along), span(across));
        let middle = along * f64::midpoint(left, right) + across * f64::midpoint(low, high);
        Some(Self { middle: Point::from(middle), along, size_m: [right - left, high - low] })
    }

    /// Whether the part fills it.
    pub(super) fn is_filled_by(&self, part: &Part<'_>) -> bool {
        let area_m2 = twice_area(&points(&part.room.polygon)).abs() / 2.0;
        part.room.holes.is_empty() && RECTANGLE_MIN * self.size_m[0] * self.size_m[1] <= area_m2
    }

    pub(super) fn corners(&self) -> [Point; 4] {
        let [width_m, depth_m] = self.size_m;
        let across = nalgebra::Vector2::new(-self.along.y, self.along.x);
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
            .map(|(x, y)| self.middle + self.along * (x * width_m) + across * (y * depth_m))
    }
}
