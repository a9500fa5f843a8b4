//! Buildings and what stands in them: levels, rooms, walls, doors, lifts, stairs, obstacles, sensors.

use serde::{Deserialize, Serialize};

use super::{is_default, is_false};

/// Where a site is on Earth: its origin, and how its axes lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Georeference {
    /// WGS 84 latitude of the origin, degrees, north positive.
    pub latitude_deg: f64,
    /// WGS 84 longitude of the origin, degrees, east positive.
    pub longitude_deg: f64,
    /// Direction of the x axis, radians counter-clockwise from east.
    #[serde(default)]
    pub yaw_rad: f64,
}

/// A building of a site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Building {
    /// Unique name.
    pub id: String,
}

/// A storey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Unique name.
    pub id: String,
    /// Height of the floor over the site's zero, in metres.
    pub elevation_m: f64,
    /// The building it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<String>,
    /// From the floor to the ceiling, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
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
    /// An operating theatre.
    Theatre,
    /// A laboratory.
    Laboratory,
    /// A kitchen.
    Kitchen,
    /// Bathrooms and toilets.
    Bathroom,
    /// Machines of the building.
    Technical,
    /// Stairs.
    Stairwell,
    /// In front of lifts.
    LiftLobby,
    /// Where robots charge and park.
    RobotBay,
    /// Not under a roof.
    Outdoor,
}

/// Who may be in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everybody.
    #[default]
    Public,
    /// People who work here.
    Staff,
    /// Named people.
    Restricted,
}

/// How clean a room is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hygiene {
    /// Nothing dirty goes in.
    Clean,
    /// What comes out has to be cleaned.
    Dirty,
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
    /// What people call it, when that is not its unique name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who may be in it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub access: Access,
    /// How many people it is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupancy_max: Option<u32>,
    /// How clean it is kept, when that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hygiene: Option<Hygiene>,
    /// Whether robots serve it: a roadmap has to reach it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub served: bool,
    /// Height of its floor over that of the level, metres.
    #[serde(default, skip_serializing_if = "is_default")]
    pub floor_m: f64,
    /// From its floor to its ceiling, metres; that of the level if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
}

/// What a wall is made of, as far as sensors and people care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WallKind {
    /// Nothing is seen through it.
    #[default]
    Solid,
    /// Light goes through: lidars may not see it.
    Glass,
    /// People look over it: a counter, a railing.
    HalfHeight,
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
    /// What it is made of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: WallKind,
    /// Height, metres; to the ceiling if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
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
    /// Two leaves that slide apart.
    DoubleSliding,
    /// No leaf: an opening in a wall.
    Opening,
}

/// Who opens a door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorControl {
    /// A robot asks the building, and it opens.
    #[default]
    Robot,
    /// It opens for whatever is in front of it.
    Automatic,
    /// Somebody's hand.
    Manual,
    /// Somebody's badge.
    Badge,
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
    /// Width that is clear when the door is open, metres, in the middle of it; the distance between the ends if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_width_m: Option<f64>,
    /// Height that is clear when the door is open, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_height_m: Option<f64>,
    /// Height of its threshold over the floor, metres, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_m: Option<f64>,
    /// Who opens it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub control: DoorControl,
    /// Whether a sign says that it is an exit, as far as anybody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
}

/// Opening time of a door that does not say: 3 s.
pub const fn default_door_opening_s() -> f64 {
    3.0
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
    /// Height of the cabin, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
    /// What it carries, kilograms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_kg: Option<f64>,
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

/// How people, or some robots, get from level to level or over a step without a lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// Steps.
    Stairs,
    /// Steps that move.
    Escalator,
    /// A slope.
    Ramp,
}

/// Stairs, an escalator or a ramp. Robots keep off it; a ramp within a level is ground that slopes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// Unique name.
    pub id: String,
    /// What it is.
    pub kind: ConnectorKind,
    /// Its lower end.
    pub from: ConnectorEnd,
    /// Its upper end.
    pub to: ConnectorEnd,
    /// Clear width, metres.
    pub width_m: f64,
}

/// One end of a connector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorEnd {
    /// The level.
    pub level: String,
    /// The middle of the end, metres.
    pub at: [f64; 2],
    /// Height over the floor of the level, metres.
    #[serde(default, skip_serializing_if = "is_default")]
    pub height_m: f64,
}

/// Something that stands on the floor and does not move: furniture, a machine, a pillar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obstacle {
    /// Unique name.
    pub id: String,
    /// The level it is on.
    pub level: String,
    /// Outline in metres, in either winding, first point not repeated.
    pub polygon: Vec<[f64; 2]>,
    /// Height, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
}

/// What kind of sensor it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    /// A camera.
    #[default]
    Camera,
    /// A lidar.
    Lidar,
    /// A radar.
    Radar,
    /// A detector of warm bodies that move.
    Motion,
}

/// A sensor of the building.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensor {
    /// Unique name.
    pub id: String,
    /// The level it looks at.
    pub level: String,
    /// Where it is, metres.
    pub at: [f64; 2],
    /// Where it looks, radians.
    #[serde(default)]
    pub yaw_rad: f64,
    /// Angle of view, radians; all around if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_rad: Option<f64>,
    /// How far it sees, metres.
    pub range_m: f64,
    /// What it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: SensorKind,
}

impl Level {
    /// A level whose floor is `elevation_m` metres over the site's zero.
    pub fn new(id: impl Into<String>, elevation_m: f64) -> Self {
        Self { id: id.into(), elevation_m, building: None, height_m: None }
    }
}

impl Room {
    /// A room without walls of its own and without holes.
    pub fn new(id: impl Into<String>, level: impl Into<String>, polygon: Vec<[f64; 2]>) -> Self {
        Self {
            id: id.into(),
            level: level.into(),
            kind: RoomKind::default(),
            polygon,
            holes: Vec::new(),
            walled: false,
            label: None,
            tags: Vec::new(),
            access: Access::default(),
            occupancy_max: None,
            hygiene: None,
            served: false,
            floor_m: 0.0,
            height_m: None,
        }
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

    /// The same room, to be reached by robots.
    #[must_use]
    pub fn served(self) -> Self {
        Self { served: true, ..self }
    }
}

impl Wall {
    /// A wall of the usual thickness between two points, metres.
    pub fn new(level: impl Into<String>, from: [f64; 2], to: [f64; 2]) -> Self {
        Self {
            level: level.into(),
            from,
            to,
            thickness_m: default_wall_thickness_m(),
            kind: WallKind::default(),
            height_m: None,
        }
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
            clear_height_m: None,
            threshold_m: None,
            control: DoorControl::default(),
            signed: None,
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
            height_m: None,
            payload_kg: None,
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

impl Obstacle {
    /// An obstacle of unknown height.
    pub fn new(id: impl Into<String>, level: impl Into<String>, polygon: Vec<[f64; 2]>) -> Self {
        Self { id: id.into(), level: level.into(), polygon, height_m: None }
    }
}
