//! The authoring model of a site: what people write, with names for ids and metres for lengths.
//!
//! It is the serde form of our TOML format and what importers produce. [`Site::compile`] checks it as a whole and
//! turns it into the dense, frozen [`CompiledSite`](crate::CompiledSite).

use serde::{Deserialize, Serialize};

/// The `schema` number this version reads and writes.
pub const SCHEMA: u32 = 1;

/// A building and its grounds, as authored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Version of the format; [`SCHEMA`].
    pub schema: u32,
    /// Name of the site.
    pub name: String,
    /// Storeys, in any order.
    #[serde(default, rename = "level")]
    pub levels: Vec<Level>,
    /// Rooms: closed polygons that robots may know.
    #[serde(default, rename = "room")]
    pub rooms: Vec<Room>,
    /// Free-standing walls, beside those of walled rooms.
    #[serde(default, rename = "wall")]
    pub walls: Vec<Wall>,
    /// Doors; each cuts an opening into the walls it lies on.
    #[serde(default, rename = "door")]
    pub doors: Vec<Door>,
    /// Lifts.
    #[serde(default, rename = "lift")]
    pub lifts: Vec<Lift>,
    /// Places of the roadmap.
    #[serde(default, rename = "waypoint")]
    pub waypoints: Vec<Waypoint>,
    /// Ways between waypoints.
    #[serde(default, rename = "lane")]
    pub lanes: Vec<Lane>,
    /// Named places of service.
    #[serde(default, rename = "station")]
    pub stations: Vec<Station>,
    /// Areas with a meaning of their own.
    #[serde(default, rename = "zone", skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
}

/// A storey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Unique name.
    pub id: String,
    /// Height of the floor over the site's zero, in metres.
    pub elevation_m: f64,
}

/// What a room is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Nothing particular.
    #[default]
    Room,
    /// A way between rooms.
    Corridor,
    /// A ward or patient room.
    Ward,
    /// A pharmacy.
    Pharmacy,
    /// A store.
    Store,
    /// Offices and staff rooms.
    Staff,
    /// A lobby or waiting area.
    Lobby,
    /// A plain floor without a name of its own, as other formats have it.
    Floor,
}

/// A room: a polygon with holes on one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// Unique name.
    pub id: String,
    /// The level it is on.
    pub level: String,
    /// What it is for.
    #[serde(default)]
    pub kind: RoomKind,
    /// Outer ring in metres, in either winding, first point not repeated.
    pub polygon: Vec<[f64; 2]>,
    /// Holes: pillars, shafts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holes: Vec<Vec<[f64; 2]>>,
    /// Whether the room's outline is a wall (doors cut their openings).
    #[serde(default)]
    pub walled: bool,
}

/// A straight wall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// The level it is on.
    pub level: String,
    /// One end, metres.
    pub from: [f64; 2],
    /// The other end, metres.
    pub to: [f64; 2],
    /// Thickness in metres.
    #[serde(default = "default_wall_thickness_m")]
    pub thickness_m: f64,
}

/// Thickness of a wall that does not say: 0.1 m, half of it on either side.
pub const fn default_wall_thickness_m() -> f64 {
    0.1
}

/// How a door moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorKind {
    /// One or two leaves that slide; nothing swings.
    #[default]
    Sliding,
    /// One leaf that swings.
    Hinged,
    /// Two leaves that swing.
    DoubleHinged,
}

/// To which side the leaves swing, looking from `from` to `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Swing {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// To both, or not known: no robot waits on either side within reach of a leaf.
    #[default]
    Both,
}

/// A door. Its clear width is the distance between its ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Unique name.
    pub id: String,
    /// The level it is on.
    pub level: String,
    /// The hinge end (single leaf), metres.
    pub from: [f64; 2],
    /// The other end, metres.
    pub to: [f64; 2],
    /// How it moves.
    #[serde(default)]
    pub kind: DoorKind,
    /// Where its leaves swing; ignored for sliding doors.
    #[serde(default)]
    pub swing: Swing,
    /// Time from shut to open, seconds.
    #[serde(default = "default_door_opening_s")]
    pub opening_s: f64,
    /// Whether it is a fire door.
    #[serde(default)]
    pub fire_rated: bool,
    /// Whether people leave the building or its fire section through it: nobody stops where they would be in the way.
    #[serde(default)]
    pub exit: bool,
    /// Width that is clear when the door is open, metres, in the middle of it; only for exits, and the distance
    /// between the ends if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_width_m: Option<f64>,
}

/// Opening time of a door that does not say: 3 s.
pub const fn default_door_opening_s() -> f64 {
    3.0
}

/// What a zone is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKind {
    /// An area that a person can stop as a whole.
    #[default]
    Stop,
    /// A way that people take when they leave, kept clear: nobody stops where it would become too narrow.
    FireLane,
    /// A room that is treated with UV-C light. It names its doors.
    UvC,
}

/// An area of one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Unique name.
    pub id: String,
    /// The level it is on.
    pub level: String,
    /// What it is for.
    pub kind: ZoneKind,
    /// Outline in metres, in either winding, first point not repeated.
    pub polygon: Vec<[f64; 2]>,
    /// All doors of the room, for `uv_c`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doors: Vec<String>,
}

/// A lift: a rectangular cabin that visits levels. Its waypoints are those with `lift` set to its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Unique name.
    pub id: String,
    /// Centre of the cabin in metres, the same on every level.
    pub at: [f64; 2],
    /// Yaw of the cabin in radians.
    #[serde(default)]
    pub yaw_rad: f64,
    /// Cabin size along its x axis, metres.
    pub width_m: f64,
    /// Cabin size along its y axis, metres.
    pub depth_m: f64,
    /// Time its door takes to open or close, seconds.
    #[serde(default = "default_door_opening_s")]
    pub door_s: f64,
    /// Speed between levels, metres per second.
    #[serde(default = "default_lift_speed_mps")]
    pub speed_mps: f64,
    /// Its doors: the level, and the two ends of the opening in the frame of the level, metres.
    #[serde(rename = "door")]
    pub doors: Vec<LiftDoor>,
}

/// Speed of a lift that does not say: 1 m/s.
pub const fn default_lift_speed_mps() -> f64 {
    1.0
}

/// One opening of a lift's cabin at one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftDoor {
    /// The level.
    pub level: String,
    /// One end of the opening, metres.
    pub from: [f64; 2],
    /// The other end, metres.
    pub to: [f64; 2],
}

/// What a waypoint may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A charger stands here.
    Charger,
    /// Robots park here when idle.
    Parking,
    /// Robots may wait here.
    Holding,
    /// No robot ends a movement here.
    Passthrough,
}

/// A place of the roadmap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waypoint {
    /// Unique name.
    pub id: String,
    /// The level it is on.
    pub level: String,
    /// Where, metres.
    pub at: [f64; 2],
    /// What it may be used for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// The lift in whose cabin it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<String>,
}

/// A straight way between two waypoints of one level. Ways between levels come from lifts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// The waypoint it starts at.
    pub from: String,
    /// The waypoint it ends at.
    pub to: String,
    /// Whether it may be driven both ways.
    #[serde(default = "yes")]
    pub bidirectional: bool,
    /// Speed limit, metres per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_limit_mps: Option<f64>,
    /// Lanes with the same corridor name are one resource: one robot at a time, in and out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corridor: Option<String>,
    /// The roadmap it belongs to, when a site has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roadmap: Option<String>,
}

const fn yes() -> bool {
    true
}

/// What is served at a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationKind {
    /// A named place without further duties.
    #[default]
    Place,
    /// Loads are taken here.
    Pickup,
    /// Loads are handed over here.
    Dropoff,
    /// Batteries are charged here.
    Charger,
}

/// A named place of service on the roadmap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// Unique name.
    pub id: String,
    /// The waypoint it is at.
    pub waypoint: String,
    /// What is served.
    #[serde(default)]
    pub kind: StationKind,
}

// Constructors, for sites written in code. What they do not take has the default of the file format; set other
// fields with struct update syntax.

impl Site {
    /// A site without levels.
    ///
    /// ```
    /// # use sheepdog_map::{model::{Lane, Level, Room, Waypoint}, CompileOptions, Site};
    /// let mut site = Site::new("ward");
    /// site.levels.push(Level::new("L1", 0.0));
    /// site.rooms.push(Room::rectangle("corridor", "L1", 0.0, 0.0, 10.0, 2.0));
    /// site.waypoints.push(Waypoint::new("west", "L1", 1.0, 1.0));
    /// site.waypoints.push(Waypoint::new("east", "L1", 9.0, 1.0));
    /// site.lanes.push(Lane::two_way("west", "east"));
    /// let compiled = site.compile(&CompileOptions::default()).unwrap();
    /// assert_eq!(compiled.lanes().len(), 8);
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self { schema: SCHEMA, name: name.into(), ..Self::default() }
    }
}

impl Level {
    /// A level whose floor is `elevation_m` metres over the site's zero.
    pub fn new(id: impl Into<String>, elevation_m: f64) -> Self {
        Self { id: id.into(), elevation_m }
    }
}

impl Room {
    /// A room without walls of its own and without holes.
    pub fn new(id: impl Into<String>, level: impl Into<String>, polygon: Vec<[f64; 2]>) -> Self {
        let (id, level) = (id.into(), level.into());
        Self { id, level, kind: RoomKind::default(), polygon, holes: Vec::new(), walled: false }
    }

    /// A rectangular room between two opposite corners, metres.
    pub fn rectangle(
        id: impl Into<String>,
        level: impl Into<String>,
        x0_m: f64,
        y0_m: f64,
        x1_m: f64,
        y1_m: f64,
    ) -> Self {
        Self::new(id, level, vec![[x0_m, y0_m], [x1_m, y0_m], [x1_m, y1_m], [x0_m, y1_m]])
    }

    /// The same room with its outline as walls.
    #[must_use]
    pub fn walled(self) -> Self {
        Self { walled: true, ..self }
    }

    /// The same room for another purpose.
    #[must_use]
    pub fn of_kind(self, kind: RoomKind) -> Self {
        Self { kind, ..self }
    }
}

impl Wall {
    /// A wall of the usual thickness between two points, metres.
    pub fn new(level: impl Into<String>, from: [f64; 2], to: [f64; 2]) -> Self {
        Self { level: level.into(), from, to, thickness_m: default_wall_thickness_m() }
    }
}

impl Door {
    /// A sliding door between two points, metres.
    pub fn new(id: impl Into<String>, level: impl Into<String>, from: [f64; 2], to: [f64; 2]) -> Self {
        Self {
            id: id.into(),
            level: level.into(),
            from,
            to,
            kind: DoorKind::default(),
            swing: Swing::default(),
            opening_s: default_door_opening_s(),
            fire_rated: false,
            exit: false,
            clear_width_m: None,
        }
    }

    /// The same door as a way out.
    #[must_use]
    pub fn as_exit(self) -> Self {
        Self { exit: true, ..self }
    }

    /// The same door with one leaf, hinged at its first end.
    #[must_use]
    pub fn hinged(self, swing: Swing) -> Self {
        Self { kind: DoorKind::Hinged, swing, ..self }
    }
}

impl Zone {
    /// A rectangular zone between two opposite corners, metres, that names no doors.
    pub fn rectangle(
        id: impl Into<String>,
        level: impl Into<String>,
        kind: ZoneKind,
        [x0_m, y0_m]: [f64; 2],
        [x1_m, y1_m]: [f64; 2],
    ) -> Self {
        let polygon = vec![[x0_m, y0_m], [x1_m, y0_m], [x1_m, y1_m], [x0_m, y1_m]];
        Self { id: id.into(), level: level.into(), kind, polygon, doors: Vec::new() }
    }

    /// The same zone with one more door.
    #[must_use]
    pub fn with_door(mut self, door: impl Into<String>) -> Self {
        self.doors.push(door.into());
        self
    }
}

impl Lift {
    /// A lift without doors and without rotation; centre and size of the cabin in metres.
    pub fn new(id: impl Into<String>, at: [f64; 2], width_m: f64, depth_m: f64) -> Self {
        Self {
            id: id.into(),
            at,
            yaw_rad: 0.0,
            width_m,
            depth_m,
            door_s: default_door_opening_s(),
            speed_mps: default_lift_speed_mps(),
            doors: Vec::new(),
        }
    }

    /// The same lift with one more door.
    #[must_use]
    pub fn with_door(mut self, level: impl Into<String>, from: [f64; 2], to: [f64; 2]) -> Self {
        self.doors.push(LiftDoor { level: level.into(), from, to });
        self
    }
}

impl Waypoint {
    /// A waypoint without roles, metres.
    pub fn new(id: impl Into<String>, level: impl Into<String>, x_m: f64, y_m: f64) -> Self {
        Self { id: id.into(), level: level.into(), at: [x_m, y_m], roles: Vec::new(), lift: None }
    }

    /// The same waypoint with one more role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// The same waypoint in the cabin of a lift.
    #[must_use]
    pub fn in_lift(self, lift: impl Into<String>) -> Self {
        Self { lift: Some(lift.into()), ..self }
    }
}

impl Lane {
    /// A lane that may be driven both ways.
    pub fn two_way(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            bidirectional: true,
            speed_limit_mps: None,
            corridor: None,
            roadmap: None,
        }
    }

    /// A lane that may be driven from `from` to `to` only.
    pub fn one_way(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { bidirectional: false, ..Self::two_way(from, to) }
    }

    /// The same lane as a part of a one-lane corridor.
    #[must_use]
    pub fn in_corridor(self, corridor: impl Into<String>) -> Self {
        Self { corridor: Some(corridor.into()), ..self }
    }

    /// The same lane with a speed limit, metres per second.
    #[must_use]
    pub fn with_speed_limit(self, speed_limit_mps: f64) -> Self {
        Self { speed_limit_mps: Some(speed_limit_mps), ..self }
    }
}

impl Station {
    /// A place without further duties at a waypoint.
    pub fn new(id: impl Into<String>, waypoint: impl Into<String>) -> Self {
        Self { id: id.into(), waypoint: waypoint.into(), kind: StationKind::default() }
    }

    /// The same station for another service.
    #[must_use]
    pub fn of_kind(self, kind: StationKind) -> Self {
        Self { kind, ..self }
    }
}
