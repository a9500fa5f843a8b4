//! The authoring model of a site: what people write, with names for ids and metres for lengths.
//!
//! It is the serde form of our own formats and what importers produce. [`Site::compile`] checks it as a whole and
//! turns it into the dense, frozen [`CompiledSite`](crate::CompiledSite).
//!
//! One frame per level, right-handed, x and y in metres, angles in radians counter-clockwise from x; z grows upwards. What
//! is not known is absent, never zero: a door without a height has no known height.

mod roadmap;
mod space;
mod zone;

use serde::{Deserialize, Serialize};

pub use self::{
    roadmap::{Lane, Orientation, Roadmap, Role, Station, StationKind, Waypoint},
    space::{
        Access, Building, Connector, ConnectorEnd, ConnectorKind, Door, DoorControl, DoorKind, Georeference,
        Hygiene, Level, Lift, LiftDoor, Obstacle, Room, RoomKind, Sensor, SensorKind, Swing, Wall, WallKind,
        default_door_opening_s, default_lift_speed_mps, default_wall_thickness_m,
    },
    zone::{ReleaseLoss, Schedule, Strictness, Weekday, Zone, ZoneActions, ZoneKind},
};

/// The `schema` number this version writes. It reads this one and all before it.
pub const SCHEMA: u32 = 2;

/// A building and its grounds, as authored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Version of the format; [`SCHEMA`].
    pub schema: u32,
    /// Name of the site.
    pub name: String,
    /// Where the site is on Earth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub georeference: Option<Georeference>,
    /// Buildings, when there are several or their names matter.
    #[serde(default, rename = "building", skip_serializing_if = "Vec::is_empty")]
    pub buildings: Vec<Building>,
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
    /// Stairs, ramps and escalators.
    #[serde(default, rename = "connector", skip_serializing_if = "Vec::is_empty")]
    pub connectors: Vec<Connector>,
    /// What stands on the floor and does not move.
    #[serde(default, rename = "obstacle", skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
    /// Sensors of the building, with what they see.
    #[serde(default, rename = "sensor", skip_serializing_if = "Vec::is_empty")]
    pub sensors: Vec<Sensor>,
    /// Roadmaps by name, when a site has several. A lane may name one that is not listed here.
    #[serde(default, rename = "roadmap", skip_serializing_if = "Vec::is_empty")]
    pub roadmaps: Vec<Roadmap>,
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

/// What a field that is `false` unless written serialises to.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Whether a value is the one it has when nobody writes it.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
