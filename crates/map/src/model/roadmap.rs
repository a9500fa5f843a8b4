//! The roadmap: waypoints, lanes and stations.

use serde::{Deserialize, Serialize};

use super::is_default;

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
    /// Heading that a robot takes here, radians; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yaw_rad: Option<f64>,
    /// Mutex groups: at most one robot is in all that names one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutex: Vec<String>,
}

/// How a robot faces while it drives along a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// As it likes.
    #[default]
    Any,
    /// Where it goes.
    Forward,
    /// Where it comes from.
    Backward,
}

impl Orientation {
    /// The same heading for a robot that drives the other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }
}

/// One of several roadmaps of a site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roadmap {
    /// Unique name, as lanes give it.
    pub id: String,
    /// For whom it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
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
    /// Mutex groups: at most one robot is in all that names one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutex: Vec<String>,
    /// The roadmap it belongs to, when a site has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roadmap: Option<String>,
    /// How a robot faces on it when it drives from `from` to `to`; on the way back it keeps its heading, so it drives
    /// the other way round.
    #[serde(default, skip_serializing_if = "is_default")]
    pub orientation: Orientation,
    /// Clear height over it, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
    /// Length as declared by whoever made it, metres; its geometry counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_m: Option<f64>,
    /// Footprint classes that may use it; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
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

impl Waypoint {
    /// A waypoint without roles, metres.
    pub fn new(id: impl Into<String>, level: impl Into<String>, x_m: f64, y_m: f64) -> Self {
        Self {
            id: id.into(),
            level: level.into(),
            at: [x_m, y_m],
            roles: Vec::new(),
            lift: None,
            yaw_rad: None,
            mutex: Vec::new(),
        }
    }

    /// The same waypoint with one more role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// The same waypoint in one more mutex group.
    #[must_use]
    pub fn in_mutex(mut self, group: impl Into<String>) -> Self {
        self.mutex.push(group.into());
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
            mutex: Vec::new(),
            roadmap: None,
            orientation: Orientation::default(),
            height_m: None,
            length_m: None,
            classes: Vec::new(),
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

    /// The same lane in one more mutex group.
    #[must_use]
    pub fn in_mutex(mut self, group: impl Into<String>) -> Self {
        self.mutex.push(group.into());
        self
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
