//! Zones: areas of a level in which something else holds than elsewhere.
//!
//! The ten kinds of VDA 5050 version 3 (section 6.4) bear its names; the others are ours. What several zones mean where
//! they overlap is in [`zones`](crate::zones).

use serde::{Deserialize, Serialize};

use super::is_default;

/// What a zone is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKind {
    /// An area that a person can stop as a whole.
    #[default]
    Stop,
    /// A way that people take when they leave, kept clear: nobody stops where it would become too narrow.
    FireLane,
    /// A room that is treated with UV-C light. It names its doors.
    UvC,
    /// VDA 5050 `BLOCKED`: no robot enters.
    Blocked,
    /// VDA 5050 `LINE_GUIDED`: robots keep to lanes.
    LineGuided,
    /// VDA 5050 `RELEASE`: robots enter when the coordinator says so.
    Release,
    /// VDA 5050 `COORDINATED_REPLANNING`: robots do not change their way by themselves.
    CoordinatedReplanning,
    /// VDA 5050 `SPEED_LIMIT`: nobody is faster, from the moment of entry.
    SpeedLimit,
    /// VDA 5050 `ACTION`: something is done on entry, inside, or on leaving.
    Action,
    /// VDA 5050 `PRIORITY`: a way through it is better than its length says.
    Priority,
    /// VDA 5050 `PENALTY`: a way through it is worse than its length says.
    Penalty,
    /// VDA 5050 `DIRECTED`: robots go one way.
    Directed,
    /// VDA 5050 `BIDIRECTED`: robots go one way or the opposite.
    Bidirected,
    /// For people alone.
    HumanOnly,
    /// Kept sterile: only clean robots enter.
    Sterile,
    /// Robots are slow and silent in it, usually by night.
    QuietHours,
    /// Nobody is near while UV-C light burns, and no robot lights a lamp.
    UvExclusion,
    /// No camera records in it.
    Privacy,
}

/// How strictly a direction is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// Other directions cost more.
    Soft,
    /// No way is planned in another direction.
    #[default]
    Restricted,
    /// No robot moves in another direction, not even to go round something.
    Strict,
}

/// What a robot does that loses its leave to be in a `release` zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseLoss {
    /// It stops.
    #[default]
    Stop,
    /// It goes on.
    Continue,
    /// It leaves the zone.
    Evacuate,
}

/// Actions of an `action` zone, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneActions {
    /// Once, on entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entry: Vec<String>,
    /// For as long as the robot is inside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub during: Vec<String>,
    /// Once, on leaving.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit: Vec<String>,
}

/// A day of the week, in the order of ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// The first.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The seventh.
    Sunday,
}

/// When a zone counts, in the civil time of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The days on which it begins; every day if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// When it begins, `"22:00"`.
    pub from: String,
    /// When it has ended, `"06:30"`: on the next day if that is not later than `from`.
    pub to: String,
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
    /// The highest speed, metres per second, for `speed_limit` and `quiet_hours`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_limit_mps: Option<f64>,
    /// From 0 to 1, for `priority` and `penalty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// The direction, radians, for `directed` and `bidirected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction_rad: Option<f64>,
    /// How strictly the direction is meant; `bidirected` zones are never `strict`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strictness: Strictness,
    /// What happens without leave, for `release`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub release_loss: ReleaseLoss,
    /// What is done, for `action`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub actions: ZoneActions,
    /// Footprint classes for which it counts; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// When it counts; always if empty.
    #[serde(default, rename = "schedule", skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Schedule>,
}

impl Zone {
    /// A zone that names no doors and counts always and for everybody.
    pub fn new(
        id: impl Into<String>,
        level: impl Into<String>,
        kind: ZoneKind,
        polygon: Vec<[f64; 2]>,
    ) -> Self {
        Self {
            id: id.into(),
            level: level.into(),
            kind,
            polygon,
            doors: Vec::new(),
            speed_limit_mps: None,
            weight: None,
            direction_rad: None,
            strictness: Strictness::default(),
            release_loss: ReleaseLoss::default(),
            actions: ZoneActions::default(),
            classes: Vec::new(),
            schedules: Vec::new(),
        }
    }

    /// A rectangular zone between two opposite corners, metres.
    pub fn rectangle(
        id: impl Into<String>,
        level: impl Into<String>,
        kind: ZoneKind,
        [x0_m, y0_m]: [f64; 2],
        [x1_m, y1_m]: [f64; 2],
    ) -> Self {
        Self::new(id, level, kind, vec![[x0_m, y0_m], [x1_m, y0_m], [x1_m, y1_m], [x0_m, y1_m]])
    }

    /// The same zone with one more door.
    #[must_use]
    pub fn with_door(mut self, door: impl Into<String>) -> Self {
        self.doors.push(door.into());
        self
    }
}
