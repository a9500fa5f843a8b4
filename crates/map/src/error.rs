//! Why a site was refused, and what a compiled site warns about.

use crate::model::{SCHEMA, ZoneKind};

/// Why a site was refused: the element, the value and the rule it breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The site is written in another version of the format.
    #[error("schema is {found}, this version reads {SCHEMA}")]
    Schema {
        /// The number in the file.
        found: u32,
    },
    /// There are more elements of one kind than the caller allows.
    #[error("{count} {what}, at most {limit} are allowed")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are (or at which count the compiler gave up).
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Two elements of one kind have the same name.
    #[error("{element} is defined twice, names must be unique")]
    DuplicateName {
        /// The second element with the name.
        element: String,
    },
    /// A name refers to nothing.
    #[error("{element}: {field} names {name:?}, which does not exist")]
    UnknownName {
        /// The element that refers.
        element: String,
        /// Its field.
        field: &'static str,
        /// What it refers to.
        name: String,
    },
    /// A number is not finite, or outside its range.
    #[error("{element}: {field} is {value}, must be in {low}..={high}")]
    OutOfRange {
        /// The element.
        element: String,
        /// Its field.
        field: &'static str,
        /// The value found.
        value: f64,
        /// The smallest value allowed.
        low: f64,
        /// The largest value allowed.
        high: f64,
    },
    /// A ring has fewer than three distinct points, or no area.
    #[error(
        "{element}: a ring needs three corners and an area, this one has {points} corners and {area_m2} m²"
    )]
    DegenerateRing {
        /// The element.
        element: String,
        /// Distinct consecutive points.
        points: usize,
        /// Its area.
        area_m2: f64,
    },
    /// Two sides of a ring cross or touch.
    #[error("{element}: side {first} meets side {second}, a ring must not touch itself")]
    SelfIntersection {
        /// The element.
        element: String,
        /// Index of one side, after repeated points were dropped.
        first: usize,
        /// Index of the other.
        second: usize,
    },
    /// A hole lies outside its polygon.
    #[error("{element}: corner ({x_m}, {y_m}) of a hole lies outside the outer ring")]
    HoleOutside {
        /// The element.
        element: String,
        /// Where.
        x_m: f64,
        /// Where.
        y_m: f64,
    },
    /// Two ends are the same point.
    #[error("{element} is {length_m} m long, at least {limit_m} m are needed")]
    TooShort {
        /// The element.
        element: String,
        /// Its length.
        length_m: f64,
        /// The shortest allowed.
        limit_m: f64,
    },
    /// A lane joins two levels; only lifts do.
    #[error("{lane} joins {from_level:?} and {to_level:?}, ways between levels come from lifts")]
    LaneAcrossLevels {
        /// The lane.
        lane: String,
        /// Level of its start.
        from_level: String,
        /// Level of its end.
        to_level: String,
    },
    /// A lane joins the cabins of two lifts.
    #[error("{lane} joins lifts {from_lift:?} and {to_lift:?}, a lane may touch one lift")]
    LaneAcrossLifts {
        /// The lane.
        lane: String,
        /// Lift of its start.
        from_lift: String,
        /// Lift of its end.
        to_lift: String,
    },
    /// A lift waypoint lies outside the cabin.
    #[error(
        "{waypoint} lies {distance_m} m outside the cabin of lift {lift:?}, at most {limit_m} m are allowed"
    )]
    LiftWaypointOutside {
        /// The waypoint.
        waypoint: String,
        /// The lift.
        lift: String,
        /// Distance from the cabin.
        distance_m: f64,
        /// The largest allowed.
        limit_m: f64,
    },
    /// A lift waypoint is on a level at which the lift has no door.
    #[error("{waypoint} is in lift {lift:?}, which has no door at {level:?}")]
    LiftSkipsLevel {
        /// The waypoint.
        waypoint: String,
        /// The lift.
        lift: String,
        /// The level.
        level: String,
    },
    /// Waypoints of one cabin on different levels do not lie over each other.
    #[error(
        "waypoints {first:?} and {second:?} of lift {lift:?} are {distance_m} m apart, at most {limit_m} m are allowed"
    )]
    LiftWaypointsApart {
        /// The lift.
        lift: String,
        /// One waypoint.
        first: String,
        /// The other.
        second: String,
        /// Horizontal distance.
        distance_m: f64,
        /// The largest allowed.
        limit_m: f64,
    },
    /// A lift's door is away from its cabin.
    #[error("{door} is {distance_m} m from the cabin, at most {limit_m} m are allowed")]
    LiftDoorApart {
        /// The door.
        door: String,
        /// Distance of its farther end from the outline of the cabin.
        distance_m: f64,
        /// The largest allowed.
        limit_m: f64,
    },
    /// A field of a zone that its kind does not have, or a missing one that it needs.
    #[error("{zone}: {field} is {}, a zone of kind {kind:?} {}", if *is_there { "given" } else { "missing" },
        if *is_there { "has none" } else { "needs it" })]
    ZoneField {
        /// The zone.
        zone: String,
        /// Its kind.
        kind: ZoneKind,
        /// The field.
        field: &'static str,
        /// Whether it is given, and should not be.
        is_there: bool,
    },
    /// A zone for both directions that forbids one of them.
    #[error("{zone}: strictness is strict, a bidirected zone is soft or restricted")]
    StrictBothWays {
        /// The zone.
        zone: String,
    },
    /// A text that is no time of day.
    #[error("{element}: {value:?} is no time of day, write it as \"06:30\"")]
    NotATime {
        /// The element.
        element: String,
        /// The text.
        value: String,
    },
    /// A room that is treated with UV-C light names all its doors, other zones name none.
    #[error("{zone} names {doors} doors: a uv_c zone names every door of its room, other zones name none")]
    ZoneDoors {
        /// The zone.
        zone: String,
        /// How many doors it names.
        doors: usize,
    },
    /// A zone names a door of another level.
    #[error("{zone}: doors names {door:?}, which is on level {level:?}")]
    ZoneDoorElsewhere {
        /// The zone.
        zone: String,
        /// The door.
        door: String,
        /// The door's level.
        level: String,
    },
    /// The union of a level's rooms does not have a credible area.
    #[error("level {level:?}: the union of its rooms has {found_m2} m², expected {low_m2} to {high_m2} m²")]
    AreaUnion {
        /// The level.
        level: String,
        /// Area found; NaN when the union failed altogether.
        found_m2: f64,
        /// Area of the largest room.
        low_m2: f64,
        /// Sum of the areas of all rooms.
        high_m2: f64,
    },
}

/// What a compiled site cannot offer, with the measured value and the limit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MapWarning {
    /// A footprint on a lane would touch a wall.
    #[error(
        "lane {lane}: class {class:?} has {clearance_m:.3} m to a wall near ({x_m:.2}, {y_m:.2}), needs more than {needed_m:.3} m"
    )]
    LaneTouchesWall {
        /// The lane, by the names of its ends.
        lane: String,
        /// The footprint class.
        class: String,
        /// Where the lane is closest to the wall.
        x_m: f64,
        /// Where the lane is closest to the wall.
        y_m: f64,
        /// Distance from the lane's centre line to the wall's surface.
        clearance_m: f64,
        /// Radius of the footprint.
        needed_m: f64,
    },
    /// A footprint on a lane would leave the mapped area.
    #[error(
        "lane {lane}: class {class:?} has {clearance_m:.3} m to the end of the mapped area near ({x_m:.2}, {y_m:.2}), needs {needed_m:.3} m"
    )]
    LaneLeavesArea {
        /// The lane, by the names of its ends.
        lane: String,
        /// The footprint class.
        class: String,
        /// Where the lane is closest to the boundary.
        x_m: f64,
        /// Where the lane is closest to the boundary.
        y_m: f64,
        /// Distance from the lane's centre line to the boundary; zero when the lane itself leaves the area.
        clearance_m: f64,
        /// Radius of the footprint.
        needed_m: f64,
    },
    /// A door on a lane is too narrow for a footprint.
    #[error("lane {lane}: door {door:?} is {width_m:.3} m wide, class {class:?} needs {needed_m:.3} m")]
    DoorTooNarrow {
        /// The lane, by the names of its ends.
        lane: String,
        /// The footprint class.
        class: String,
        /// The door.
        door: String,
        /// Its clear width.
        width_m: f64,
        /// Diameter of the footprint plus [`DOOR_PLAY_M`](crate::DOOR_PLAY_M).
        needed_m: f64,
    },
    /// A lift's cabin or its door is too small for a footprint.
    #[error("lane {lane}: lift {lift:?} offers {width_m:.3} m, class {class:?} needs {needed_m:.3} m")]
    LiftTooSmall {
        /// The lane, by the names of its ends.
        lane: String,
        /// The footprint class.
        class: String,
        /// The lift.
        lift: String,
        /// The smaller side of the cabin or the width of its door, whichever is less.
        width_m: f64,
        /// Diameter of the footprint plus [`DOOR_PLAY_M`](crate::DOOR_PLAY_M).
        needed_m: f64,
    },
    /// The same directed lane is written twice in one roadmap; the lower speed limit counts.
    #[error("lane {lane} is written twice, the lower speed limit counts")]
    DuplicateLane {
        /// The lane, by the names of its ends.
        lane: String,
    },
}
