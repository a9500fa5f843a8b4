//! The rooms of one level as areas: which one a point is in, and how far the nearest outline is.
//!
//! It owns geometry only; names and kinds belong to the site. Rooms may overlap, and need not cover the level.

use sheepdog_core::RoomId;

use super::{
    grid::Grid as SegmentGrid,
    regions::{Found, RegionIndex},
    segment::{Point, point_to_segment, sides},
};

/// Where a point is among the rooms of a level. Decided exactly, without tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// Strictly inside the room.
    Inside(RoomId),
    /// On the outline of the room, or of a hole in it. Outlines belong to their rooms.
    Boundary(RoomId),
    /// In no room of the level.
    Outside,
}

impl Location {
    /// The room, outline included.
    pub const fn room(self) -> Option<RoomId> {
        match self {
            Self::Inside(room) | Self::Boundary(room) => Some(room),
            Self::Outside => None,
        }
    }
}

/// Outlines of the rooms of a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoomIndex {
    regions: RegionIndex,
    grid: SegmentGrid,
    sides: Vec<(Point, Point)>,
}

impl RoomIndex {
    /// From rooms in ascending order, each with its outer ring and its holes.
    pub(crate) fn new<'a>(rooms: impl Iterator<Item = (RoomId, &'a [Point], &'a [Vec<Point>])>) -> Self {
        let all: Vec<(u32, (Point, Point))> = rooms
            .flat_map(|(room, outer, holes)| {
                let rings = std::iter::once(outer).chain(holes.iter().map(Vec::as_slice));
                rings.flat_map(sides).map(move |side| (room.0, side))
            })
            .collect();
        let lines: Vec<(Point, Point)> = all.iter().map(|side| side.1).collect();
        Self { regions: RegionIndex::new(all), grid: SegmentGrid::searchable(&lines), sides: lines }
    }

    #[inline]
    pub(crate) fn locate(&self, p: Point) -> Location {
        match self.regions.locate(p) {
            Found::Inside(room) => Location::Inside(RoomId(room)),
            Found::Boundary(room) => Location::Boundary(RoomId(room)),
            Found::Outside => Location::Outside,
        }
    }

    /// Distance to the nearest outline; infinite without rooms, zero for a point that is not finite.
    pub(crate) fn outline_distance(&self, p: Point) -> f64 {
        if !(p.x.is_finite() && p.y.is_finite()) {
            return 0.0;
        }
        let distance = |side: u32| {
            self.sides.get(side as usize).map_or(f64::INFINITY, |&(a, b)| point_to_segment(p, a, b))
        };
        self.grid.nearest(p, 0.0, distance).map_or(f64::INFINITY, |(_, distance_m)| distance_m)
    }
}
