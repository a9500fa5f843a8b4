//! Exits: whether people get out.

use nalgebra::Vector2;
use sheepdog_core::DoorId;

use super::{
    Finding, LintId,
    catalogue::id,
    index::{Index, LevelIndex, element, middle},
    profile::{metres, whole_mm},
};
use crate::{
    compiled::{Door, Room},
    geometry::{FreeSpace, Point, Scratch, ring_contains},
    model::{ConnectorKind, DoorControl, DoorKind, RoomKind, Swing},
};

/// The most corners of a room from which a way out is looked for; of rooms with more, so many spread evenly.
const CORNERS_MAX: usize = 48;

impl Index<'_> {
    /// Exits of a level, by id.
    fn exits<'l>(&'l self, level: &'l LevelIndex<'_>) -> impl Iterator<Item = (DoorId, &'l Door)> + 'l {
        level.doors.iter().filter(|(_, door)| self.is_exit(door)).map(|(id, door)| (*id, *door))
    }
}

fn about(lint: LintId, level: &LevelIndex<'_>, door: &Door, text: String) -> Finding {
    let finding = Finding::new(lint, text).on(&level.level.name);
    finding.about(element("door", &door.name)).at(middle(door))
}

/// B101.
pub(super) fn widths(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let rules = &index.profile.building;
    for level in &index.levels {
        for (_, door) in index.exits(level) {
            let width_mm = whole_mm(door.clear_width_m);
            if width_mm + f64::from(rules.width_tolerance_mm) < f64::from(rules.exit_width_mm) {
                let text = format!(
                    "exit {:?} is {width_mm} mm wide, {} mm are asked with a tolerance of {} mm",
                    door.name, rules.exit_width_mm, rules.width_tolerance_mm
                );
                let finding = about(id::B101, level, door, text);
                findings.push(finding.measured(width_mm, f64::from(rules.exit_width_mm), "mm"));
            }
        }
    }
}

/// B102.
pub(super) fn swings(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        for (_, door) in index.exits(level) {
            let swings = matches!(door.kind, DoorKind::Hinged | DoorKind::DoubleHinged);
            let inwards = match (index.outer_side(door), door.swing) {
                (Some(outer), Swing::Left) => outer < 0.0,
                (Some(outer), Swing::Right) => 0.0 < outer,
                (None, Swing::Left | Swing::Right) | (_, Swing::Both) => false,
            };
            if swings && inwards {
                let text = format!("exit {:?} swings inwards, against the people who leave", door.name);
                findings.push(about(id::B102, level, door, text));
            }
        }
    }
}

/// B109.
pub(super) fn headroom(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_mm = f64::from(index.profile.building.exit_height_mm);
    for level in &index.levels {
        for (number, door) in index.exits(level) {
            let height_m = index.written(number).and_then(|door| door.clear_height_m);
            let Some(height_mm) = height_m.map(whole_mm).filter(|height_mm| *height_mm < limit_mm) else {
                continue;
            };
            let text = format!("exit {:?} is {height_mm} mm high, {limit_mm} mm are asked", door.name);
            findings.push(about(id::B109, level, door, text).measured(height_mm, limit_mm, "mm"));
        }
    }
}

/// B110 for each exit, B111 once for a level: it is a matter of going round and looking.
pub(super) fn signs(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let mut unknown: Vec<String> = Vec::new();
        for (number, door) in index.exits(level) {
            match index.written(number).and_then(|door| door.signed) {
                Some(true) => {}
                Some(false) => {
                    let text = format!("exit {:?} has no sign", door.name);
                    findings.push(about(id::B110, level, door, text));
                }
                None => unknown.push(element("door", &door.name)),
            }
        }
        unknown.sort_unstable();
        if !unknown.is_empty() {
            let text = format!(
                "exits of level {:?} of which nobody says whether they have signs: {}",
                level.level.name,
                unknown.len()
            );
            let count = crate::geometry::float(unknown.len());
            let finding = Finding::new(id::B111, text).on(&level.level.name).about_all(unknown);
            findings.push(finding.measured(count, 0.0, ""));
        }
    }
}

/// B115.
pub(super) fn locks(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        for (number, door) in index.exits(level) {
            if index.written(number).is_some_and(|door| door.control == DoorControl::Badge) {
                let text = format!("exit {:?} opens with a badge", door.name);
                findings.push(about(id::B115, level, door, text));
            }
        }
    }
}

/// Where stairs lead away from a level.
fn stairs(index: &Index<'_>, level: &LevelIndex<'_>) -> Vec<Point> {
    let stairs = index.authored().connectors.iter();
    let stairs =
        stairs.filter(|stairs| stairs.kind == ConnectorKind::Stairs && stairs.from.level != stairs.to.level);
    let ends = stairs.flat_map(|stairs| [&stairs.from, &stairs.to]);
    ends.filter(|end| end.level == level.level.name).map(|end| Point::from(end.at)).collect()
}

fn indoors<'l>(index: &'l Index<'_>, level: &'l LevelIndex<'_>) -> impl Iterator<Item = &'l Room> + 'l {
    let here = |room: &&Room| room.level == level.id && room.kind != RoomKind::Outdoor;
    index.site.rooms().iter().filter(here)
}

/// B112.
pub(super) fn none_at_all(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let has_rooms = indoors(index, level).next().is_some();
        if has_rooms && index.exits(level).next().is_none() && stairs(index, level).is_empty() {
            let name = &level.level.name;
            let text = format!("level {name:?} has neither an exit nor stairs");
            findings.push(Finding::new(id::B112, text).on(name).about(element("level", name)));
        }
    }
}

/// B104 and B116, once for a room: the corner that is farthest away.
pub(super) fn escape(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let rules = &index.profile.building;
    let limit_m = metres(rules.escape_distance_mm);
    for level in &index.levels {
        let exits = index.exits(level).map(|(_, door)| middle(door));
        let exits: Vec<Point> = exits.chain(stairs(index, level)).collect();
        if exits.is_empty() {
            continue;
        }
        let free = match index.site.free_space(level.id, metres(rules.person_radius_mm), None) {
            Ok(free) => free,
            // What nobody could look at does not pass.
            Err(error) => {
                let name = &level.level.name;
                let text = format!("ways to the exits of level {name:?} cannot be looked for: {error}");
                findings.push(Finding::new(id::B116, text).on(name).about(element("level", name)));
                continue;
            }
        };
        let goals: Vec<(Point, f64)> = exits
            .iter()
            .filter_map(|exit| free.nearest_free(*exit).map(|at| (at, (exit - at).norm())))
            .collect();
        let mut ways = Ways { free, goals, scratch: Scratch::new() };
        for room in indoors(index, level) {
            findings.extend(ways.farthest(room, limit_m).and_then(|far| far.finding(room, level, limit_m)));
        }
    }
}

/// Ways to the exits of a level.
struct Ways {
    free: FreeSpace,
    /// Where each exit is entered, and how far it is from there.
    goals: Vec<(Point, f64)>,
    scratch: Scratch,
}

/// The corner of a room that is farthest from an exit; infinitely far when no way leads there.
struct Farthest {
    at: Point,
    length_m: f64,
}

impl Ways {
    /// The corner that is farthest from an exit, when one is farther than allowed or none leads to one. Corners without
    /// free ground near them are left out.
    fn farthest(&mut self, room: &Room, limit_m: f64) -> Option<Farthest> {
        let step = room.outer.len().div_ceil(CORNERS_MAX).max(1);
        let mut farthest: Option<Farthest> = None;
        let mut is_shut_in = true;
        for (number, corner) in room.outer.iter().copied().enumerate().step_by(step) {
            let Some(at) = self.stand(room, number, corner) else { continue };
            let Some(length_m) = self.way_to_exit_m(at, limit_m) else {
                // Beyond a wall that divides the room; another corner may have a way.
                if is_shut_in {
                    farthest.get_or_insert(Farthest { at: corner, length_m: f64::INFINITY });
                }
                continue;
            };
            if is_shut_in || farthest.as_ref().is_some_and(|far| far.length_m < length_m) {
                farthest = Some(Farthest { at: corner, length_m });
            }
            is_shut_in = false;
        }
        farthest
    }

    /// The free place of a room that is nearest to one of its corners; `None` for a corner that something fills.
    fn stand(&self, room: &Room, number: usize, corner: Point) -> Option<Point> {
        /// A corner whose free ground is further away is filled.
        const FILLED_M: f64 = 1.0;
        /// How far from the corner one looks where the nearest place is behind the wall.
        const INWARDS_M: f64 = 0.5;
        let ring = &room.outer;
        let at = |number: usize| ring.get(number % ring.len()).copied().unwrap_or(corner);
        // The ring is counter-clockwise, so the room is on the left of both sides.
        let left = |from: Point, to: Point| {
            let along = (to - from).try_normalize(0.0).unwrap_or_default();
            Vector2::new(-along.y, along.x)
        };
        let inwards = left(at(number + ring.len() - 1), corner) + left(corner, at(number + 1));
        let inwards = inwards.try_normalize(0.0).unwrap_or_default() * INWARDS_M;
        [corner, corner + inwards].into_iter().find_map(|from| {
            let near = self.free.nearest_free(from)?;
            ((near - corner).norm() < FILLED_M && ring_contains(ring, near)).then_some(near)
        })
    }

    /// Length of a way to an exit: of the first one within the limit, else of the shortest. The exits that are nearest as
    /// the crow flies come first.
    fn way_to_exit_m(&mut self, from: Point, limit_m: f64) -> Option<f64> {
        let mut goals: Vec<(f64, Point, f64)> =
            self.goals.iter().map(|(at, rest_m)| ((at - from).norm() + rest_m, *at, *rest_m)).collect();
        goals.sort_by(|p, q| p.0.total_cmp(&q.0).then(super::index::order(p.1, q.1)));
        let mut best: Option<f64> = None;
        for (least_m, at, rest_m) in goals {
            if best.is_some_and(|best| best <= least_m.max(limit_m)) {
                break;
            }
            if let Ok(path) = self.free.path(from, at, &mut self.scratch) {
                let length_m = path.length_m + rest_m;
                best = Some(best.map_or(length_m, |best| best.min(length_m)));
            }
        }
        best
    }
}

impl Farthest {
    fn finding(&self, room: &Room, level: &LevelIndex<'_>, limit_m: f64) -> Option<Finding> {
        let make = |lint, text: String| {
            Finding::new(lint, text).on(&level.level.name).about(element("room", &room.name)).at(self.at)
        };
        if self.length_m.is_infinite() {
            return Some(make(
                id::B116,
                format!("no way leads from room {:?} to an exit or to stairs", room.name),
            ));
        }
        let text = format!(
            "the way from a corner of room {:?} to the nearest exit is {:.1} m long, at most {limit_m:.1} m are allowed",
            room.name, self.length_m
        );
        (limit_m < self.length_m).then(|| make(id::B104, text).measured(self.length_m, limit_m, "m"))
    }
}
