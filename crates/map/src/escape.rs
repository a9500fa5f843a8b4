//! Ways out: the doors of a room, and how far it is to an exit.

use nalgebra::{Point2, Vector2};
use sheepdog_core::{DoorId, LevelId, RoomId};

use crate::{
    compiled::{CompiledSite, Door},
    geometry::{FreeSpace, Scratch},
};

/// A door that leads out of a room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoomDoor {
    /// Which door.
    pub door: DoorId,
    /// Its clear width, metres: the one stated for an exit, else the distance between its ends.
    pub clear_width_m: f64,
    /// Whether it is an exit of the building or of its fire section.
    pub is_exit: bool,
}

/// The way to the nearest exit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Escape {
    /// The exit.
    pub door: DoorId,
    /// Length of the way to the free point nearest to its middle, and from there to the middle, metres.
    pub length_m: f64,
}

/// How far in front of a door one stands in its room, metres.
const IN_FRONT_M: f64 = 0.3;

impl CompiledSite {
    /// Doors of a room with their clear widths, by id: those in front of which, on either side, one stands in the room.
    ///
    /// Empty for an unknown room. O(doors of the site).
    pub fn exit_widths(&self, room: RoomId) -> Vec<RoomDoor> {
        let Some(level) = self.room(room).map(|room| room.level) else { return Vec::new() };
        let doors = self.live_doors().filter(|(_, door)| door.level == level);
        doors
            .filter(|(_, door)| {
                let along = (door.b - door.a).try_normalize(0.0).unwrap_or_else(Vector2::x);
                let out = Vector2::new(-along.y, along.x) * IN_FRONT_M;
                [out, -out].into_iter().any(|out| self.room_at(level, middle(door) + out) == Some(room))
            })
            .map(|(id, door)| RoomDoor {
                door: id,
                clear_width_m: door.exit_width_m.unwrap_or_else(|| (door.b - door.a).norm()),
                is_exit: door.exit_width_m.is_some(),
            })
            .collect()
    }

    /// The exit of a level that is nearest along paths through free space, the least id among equals; `None` when the
    /// point is blocked or no exit can be reached. `free` must be of that level, and is best
    /// [`free_space`](Self::free_space), which does not lead through the shafts of lifts. A path search for each exit.
    pub fn escape_distance(
        &self,
        level: LevelId,
        p: Point2<f64>,
        free: &FreeSpace,
        scratch: &mut Scratch,
    ) -> Option<Escape> {
        let exits = self.live_doors().filter(|(_, door)| door.level == level && door.exit_width_m.is_some());
        let mut best: Option<Escape> = None;
        for (door, at) in exits {
            let middle = middle(at);
            let Some(goal) = free.nearest_free(middle) else { continue };
            let rest_m = (middle - goal).norm();
            let least_m = (p - goal).norm() + rest_m;
            if best.is_some_and(|best| best.length_m <= least_m) {
                continue;
            }
            if let Ok(path) = free.path(p, goal, scratch)
                && best.is_none_or(|best| path.length_m + rest_m < best.length_m)
            {
                best = Some(Escape { door, length_m: path.length_m + rest_m });
            }
        }
        best
    }
}

fn middle(door: &Door) -> Point2<f64> {
    door.a + (door.b - door.a) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CompileOptions, Site,
        model::{self, Level, Room, Wall},
    };

    /// A cabin is mapped, and open to two sides; nobody leaves through the shaft.
    #[test]
    fn nobody_walks_through_a_lift() {
        let mut site = Site::new("ward");
        site.levels.push(Level::new("0", 0.0));
        site.rooms.push(Room::rectangle("ward", "0", 0.0, 0.0, 4.0, 4.0).walled());
        site.rooms.push(Room::rectangle("hall", "0", 6.0, 0.0, 10.0, 4.0).walled());
        let lift = model::Lift::new("lift", [5.0, 2.0], 1.8, 1.8);
        site.lifts.push(lift.with_door("0", [4.05, 1.5], [4.05, 2.5]).with_door(
            "0",
            [5.95, 1.5],
            [5.95, 2.5],
        ));
        site.doors.push(model::Door::new("exit", "0", [10.0, 1.0], [10.0, 2.2]).as_exit());
        let site = site.compile(&CompileOptions::default()).unwrap();
        let mut scratch = Scratch::new();
        let [ward, hall] = [Point2::new(2.0, 2.0), Point2::new(8.0, 2.0)];
        let mapped = FreeSpace::new(&site.levels()[0].geometry, 0.3).unwrap();
        assert!(mapped.path(ward, hall, &mut scratch).is_ok(), "the cabin is known ground");
        let ground = site.free_space(LevelId(0), 0.3, None).unwrap();
        assert!(ground.path(ward, hall, &mut scratch).is_err());
        assert_eq!(site.escape_distance(LevelId(0), ward, &ground, &mut scratch), None);
        assert!(site.escape_distance(LevelId(0), hall, &ground, &mut scratch).is_some());
    }

    #[test]
    fn the_nearest_exit_is_nearest_on_foot() {
        let mut site = Site::new("flat");
        site.levels.push(Level::new("0", 0.0));
        site.rooms.push(Room::rectangle("hall", "0", 0.0, 0.0, 10.0, 4.0).walled());
        site.walls.push(Wall::new("0", [4.0, 0.0], [4.0, 3.0]));
        site.doors.push(model::Door::new("near", "0", [5.0, 0.0], [6.2, 0.0]).as_exit());
        site.doors.push(model::Door::new("far", "0", [0.0, 1.0], [0.0, 2.0]).as_exit());
        site.doors.push(model::Door::new("inner", "0", [8.0, 4.0], [9.0, 4.0]));
        let site = site.compile(&CompileOptions::default()).unwrap();
        let doors = site.exit_widths(RoomId(0));
        let widths: Vec<_> = doors.iter().map(|door| (door.door.0, door.is_exit)).collect();
        assert_eq!(widths, [(0, true), (1, true), (2, false)]);
        assert!((doors[0].clear_width_m - 1.2).abs() < 1e-12);
        let level = LevelId(0);
        let free = FreeSpace::new(&site.level(level).unwrap().geometry, 0.25).unwrap();
        let mut scratch = Scratch::new();
        // Beside the wall the door behind it is nearer as the crow flies, and further on foot.
        let escape = site.escape_distance(level, Point2::new(3.3, 1.5), &free, &mut scratch).unwrap();
        assert_eq!(escape.door, DoorId(1));
        assert!((escape.length_m - 3.3).abs() < 0.01, "{escape:?}");
        let blocked = site.escape_distance(level, Point2::new(4.0, 1.0), &free, &mut scratch);
        assert_eq!(blocked, None);
        assert!(site.exit_widths(RoomId(9)).is_empty());
    }
}
