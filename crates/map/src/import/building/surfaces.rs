//! Walls, floors and holes of a level.

use crate::model::{Room, RoomKind, Wall, WallKind};

use super::{
    At, ImportError, ImportProblem, ImportReport,
    frame::LevelFrame,
    params::{self, edge, vertex},
    rings::{Relation, relation},
    similarity::distance,
};

pub(super) fn walls(level: &LevelFrame<'_>, report: &mut ImportReport) -> Result<Vec<Wall>, ImportError> {
    let mut walls = Vec::new();
    for at in level.at.list("walls")? {
        let (start, end, params) = edge(&at, level.vertices.len())?;
        let mut kind = WallKind::Solid;
        if let Some(params) = params {
            if params::number(&params, "alpha")?.is_some_and(|alpha| alpha < 1.0) {
                kind = WallKind::Glass;
            } else {
                params::left(&params, "alpha", true);
            }
        }
        let [from, to] = level.ends(start, end);
        if distance(from, to) <= 0.0 {
            at.warn(report, "the wall has no length and was left out");
            at.leave_all_behind();
            continue;
        }
        walls.push(Wall { kind, ..Wall::new(level.name, from, to) });
    }
    Ok(walls)
}

pub(super) fn floors(level: &LevelFrame<'_>, report: &mut ImportReport) -> Result<Vec<Room>, ImportError> {
    let mut rooms = Vec::new();
    for (index, at) in level.at.list("floors")?.into_iter().enumerate() {
        let polygon = read_ring(&at, level)?;
        if polygon.len() < 3 {
            at.warn(report, "the floor has fewer than three corners and was left out");
            at.leave_all_behind();
            continue;
        }
        let id = format!("{}_floor_{index}", level.name);
        rooms.push((index, Room::new(id, level.name, polygon).of_kind(RoomKind::Floor)));
    }
    for at in level.at.list("holes")? {
        let hole = read_ring(&at, level)?;
        if hole.len() < 3 {
            at.warn(report, "the hole has fewer than three corners and was left out");
            at.leave_all_behind();
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
                    return Err(at.error(ImportProblem::HoleCrossesFloor { floor: *floor }));
                }
            }
        }
        if !cut {
            at.warn(report, "the hole is on no floor and was left out");
            at.leave_all_behind();
        }
    }
    Ok(rooms.into_iter().map(|(_, room)| room).collect())
}

/// The corners of a floor or hole, repeated ones left out.
fn read_ring(at: &At<'_>, level: &LevelFrame<'_>) -> Result<Vec<[f64; 2]>, ImportError> {
    let fields = params::fields(at)?;
    if let Some(parameters) = fields.get("parameters") {
        params::fields(&parameters)?;
    }
    let mut ring: Vec<([f64; 2], At<'_>)> = Vec::new();
    for index in fields.list("vertices")? {
        let Some(vertex) = level.vertices.get(vertex(&index, level.vertices.len())?) else { continue };
        if ring.last().is_none_or(|(last, _)| 0.0 < distance(*last, vertex.metres)) {
            ring.push((vertex.metres, index));
        } else {
            index.implied();
        }
    }
    while let [(first, _), .., (last, index)] = ring.as_slice()
        && distance(*first, *last) <= 0.0
    {
        index.implied();
        ring.pop();
    }
    Ok(ring.into_iter().map(|(corner, _)| corner).collect())
}
