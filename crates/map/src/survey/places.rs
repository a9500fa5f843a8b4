//! Where rooms are served: one place in each, roomy and near its middle.

use sheepdog_core::{LevelId, RoomId};

use crate::{
    compiled::{CompiledSite, Room},
    geometry::{Point, ring_contains},
    model::RoomKind,
};

use super::{
    Served, SurveyOptions,
    cells::Cells,
    chains::root,
    ground::{Ground, Piece},
};

/// What is to be served.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Name of the station.
    pub(super) name: String,
    pub(super) level: LevelId,
    pub(super) room: Option<RoomId>,
    pub(super) at: Option<Point>,
}

/// Clearance beyond which a place is not better for having more, metres.
const ROOMY_M: f64 = 1.5;
/// What a metre away from the middle of the room is worth in metres of clearance.
const MIDDLE_WORTH: f64 = 0.05;
/// The smallest space that is served, square metres of floor for the centre of the robot.
const SPACE_MIN_M2: f64 = 0.5;

/// The rooms to serve, by id; `None` stands for spaces.
pub(super) fn served(site: &CompiledSite, options: &SurveyOptions) -> Option<Vec<RoomId>> {
    let authored = &site.authored().rooms;
    let of = |is: &dyn Fn(&crate::model::Room) -> bool| -> Vec<RoomId> {
        (0..).map(RoomId).zip(authored).filter(|(_, room)| is(room)).map(|(id, _)| id).collect()
    };
    match &options.served {
        Served::Marked => Some(of(&|room| room.served)),
        Served::Kinds(kinds) => Some(of(&|room| kinds.contains(&room.kind))),
        Served::Tags(tags) => Some(of(&|room| room.tags.iter().any(|tag| tags.contains(tag)))),
        Served::Spaces => None,
        Served::Auto => [of(&|room| room.served), of(&|room| is_goal(room.kind))]
            .into_iter()
            .find(|rooms| !rooms.is_empty()),
    }
}

/// Whether robots are sent to rooms of a kind, rather than through them.
const fn is_goal(kind: RoomKind) -> bool {
    match kind {
        RoomKind::Corridor
        | RoomKind::Floor
        | RoomKind::Stairwell
        | RoomKind::LiftLobby
        | RoomKind::Outdoor => false,
        RoomKind::Room
        | RoomKind::Ward
        | RoomKind::Pharmacy
        | RoomKind::Store
        | RoomKind::Staff
        | RoomKind::Lobby
        | RoomKind::Theatre
        | RoomKind::Laboratory
        | RoomKind::Kitchen
        | RoomKind::Bathroom
        | RoomKind::Technical
        | RoomKind::RobotBay => true,
    }
}

/// Where to serve a room.
pub(super) fn in_room(
    ground: &Ground<'_>,
    room: &Room,
    pieces: &[Piece],
    cells: &Cells,
    distances: &[i64],
) -> Option<Point> {
    let inside =
        |p: Point| ring_contains(&room.outer, p) && !room.holes.iter().any(|hole| ring_contains(hole, p));
    let (low, high) = crate::geometry::bounds(room.outer.iter().copied())?;
    let middle = low + (high - low) / 2.0;
    let near = cells_between(cells, low, high).filter(|cell| cells.is_free(*cell));
    let near = near.filter(|cell| inside(cells.centre(*cell)));
    best(ground, near, middle, pieces, cells, distances, &inside)
}

/// Where to serve a space.
pub(super) fn in_space(
    ground: &Ground<'_>,
    number: usize,
    pieces: &[Piece],
    cells: &Cells,
    distances: &[i64],
) -> Option<Point> {
    let piece = pieces.get(number).filter(|piece| SPACE_MIN_M2 <= piece.area_m2)?;
    let (low, high) = crate::geometry::bounds(piece.rings.first()?.iter().copied())?;
    let is_here = |p: Point| ground.plan.component(p) == u32::try_from(number).ok();
    let near = cells_between(cells, low, high).filter(|cell| cells.is_free(*cell));
    best(ground, near, low + (high - low) / 2.0, pieces, cells, distances, &is_here)
}

/// The cells of a box, row by row.
fn cells_between(cells: &Cells, low: Point, high: Point) -> impl Iterator<Item = usize> + '_ {
    let clamped = |p: Point| {
        let place = (p - cells.origin) / cells.size_m;
        let index = |value: f64, count: usize| {
            (crate::geometry::truncate(value) as usize).min(count.saturating_sub(1))
        };
        (index(place.x, cells.width), index(place.y, cells.height))
    };
    let ((left, bottom), (right, top)) = (clamped(low), clamped(high));
    (bottom..=top).flat_map(move |row| (left..=right).map(move |column| row * cells.width + column))
}

/// The roomiest cell near the middle where a robot may stop; the centroid of its piece instead if that is plain.
fn best(
    ground: &Ground<'_>,
    near: impl Iterator<Item = usize>,
    middle: Point,
    pieces: &[Piece],
    cells: &Cells,
    distances: &[i64],
    inside: &dyn Fn(Point) -> bool,
) -> Option<Point> {
    let score = |cell: usize| {
        let clearance_m = distances.get(cell).map_or(0.0, |square| root(*square)) * cells.size_m;
        clearance_m.min(ROOMY_M) - MIDDLE_WORTH * (cells.centre(cell) - middle).norm()
    };
    let mut ranked: Vec<(f64, usize)> = near.map(|cell| (score(cell), cell)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let found = ranked
        .into_iter()
        .map(|(_, cell)| cells.centre(cell))
        .find(|at| inside(*at) && ground.may_stand(*at))?;
    let piece = ground.plan.component(found).and_then(|piece| pieces.get(piece as usize));
    let centroid = piece.filter(|piece| piece.is_plain).map(|piece| piece.centroid);
    centroid.filter(|at| inside(*at) && ground.plan.contains(*at) && ground.may_stand(*at)).or(Some(found))
}
