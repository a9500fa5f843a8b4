//! Every lint there is: its id, how bad it is, what the rule asks and why.

use std::fmt;

use serde::{Serialize, Serializer};

/// The stable id of a lint, such as `B101`. The letter says what it is about: geometry, building, roadmap, lifts,
/// import (A, for alignment), zones, sensors. Ids are never given to another lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LintId(&'static str);

impl LintId {
    /// The id as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The lint with this id.
    pub fn lint(self) -> Option<&'static Lint> {
        let index = LINTS.binary_search_by_key(&self, |lint| lint.id).ok()?;
        LINTS.get(index)
    }
}

impl fmt::Display for LintId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for LintId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody comes to harm, or a robot cannot do what the map says.
    Error,
    /// It may be meant; somebody should look.
    Warning,
}

/// A lint: what it asks of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Its id.
    pub id: LintId,
    /// How bad its findings are.
    pub severity: Severity,
    /// What its findings are about, in a few words.
    pub name: &'static str,
    /// What it asks.
    pub rule: &'static str,
    /// What goes wrong otherwise.
    pub why: &'static str,
}

macro_rules! lints {
    ($($id:ident $severity:ident $name:literal $rule:literal $why:literal)*) => {
        /// Every lint, by id.
        pub const LINTS: &[Lint] = &[$(Lint {
            id: LintId(stringify!($id)),
            severity: Severity::$severity,
            name: $name,
            rule: $rule,
            why: $why,
        }),*];

        /// The ids by name.
        pub(super) mod id {
            use super::LintId;
            $(pub(in crate::lint) const $id: LintId = LintId(stringify!($id));)*
        }
    };
}

lints! {
    A401 Error "level without a scale or a place"
        "A drawing needs a measured distance, and every further level two fiducials that it shares with the reference level."
        "Without them lengths are pixels and storeys do not lie over each other; other tools go on silently."
    A402 Warning "fiducials do not meet"
        "Fiducials of one name lie within `import.fiducial_residual_max_mm` of each other when the levels are aligned."
        "Lift cabins and shafts of the levels are then apart by as much."
    A403 Warning "measurements disagree about the scale"
        "The largest of the measured scales of a level and the scale used is at most `import.scale_spread_max_permille` above the least."
        "A door of 0.9 m at a scale that is 2 % off is as wide as another robot's margin."
    A404 Warning "turned raster map"
        "A raster map is not turned (yaw of its origin is zero)."
        "It is honoured here; Nav2's costmaps and AMCL ignore it, and then two robots disagree about where things are."
    A405 Warning "unknown cells count as free"
        "`free_thresh` is at most 0.196, so that grey 205, which mapping tools write where nothing is known, stays unknown."
        "Robots plan through what nobody has ever seen."
    A406 Warning "left behind by the importer"
        "Everything in an imported file has a place in the model."
        "Somebody drew it for a purpose, and it has none here."
    B101 Error "narrow exit"
        "An exit is at least `building.exit_width_mm` wide, less `building.width_tolerance_mm`, measured in whole millimetres."
        "People who leave together, and people in wheelchairs and beds, have to get through."
    B102 Warning "exit swings against escape"
        "The leaf of an exit that leads out of the building swings outwards."
        "A crowd that pushes against a door that opens towards it keeps it shut."
    B103 Error "robots stand in the way"
        "No parking, holding or charging place, and no station, is where a standing footprint narrows a declared exit or a fire lane, or is within reach of a door's leaf, on its sill or in a cabin."
        "Robots queue there for hours, and people must not have to climb over them."
    B104 Error "exit too far away"
        "From every corner of a room an exit or stairs of the level are at most `building.escape_distance_mm` away on foot."
        "Whoever is far from an exit is still inside when the smoke arrives."
    B105 Warning "two-way lane too narrow to pass"
        "A two-way lane that is no one-lane corridor and has no door has room for two robots of a class beside each other."
        "Two robots meet there and one has to go back. Name a corridor, or make the lane one-way."
    B106 Warning "no room to turn at a dead end"
        "At a dead end a robot has its turning radius free."
        "It gets in and cannot face the way out."
    B107 Error "steep ramp"
        "A ramp rises by at most `building.ramp_gradient_mm_per_m`, and by `gradient_max_mm_per_m` of each class whose lanes lead over it."
        "Wheelchairs roll back, robots tip or cannot brake."
    B108 Error "too low for robots"
        "Doors, lanes, rooms and cabins are at least as high as each class that drives there, `height_mm`."
        "A robot's sensors mostly look ahead, not up."
    B109 Error "exit too low"
        "An exit is at least `building.exit_height_mm` high."
        "People hit their heads in the dark."
    B110 Error "exit without a sign"
        "An exit has a sign."
        "Strangers to the building walk past it."
    B111 Warning "nobody looked for a sign"
        "Of each exit it is known whether it has a sign (`signed`)."
        "What nobody has looked at may be missing."
    B112 Warning "level without an exit"
        "A level with rooms has an exit or stairs."
        "Either people cannot leave, or the map does not say how and no robot keeps that way clear."
    B113 Error "high threshold"
        "The threshold of a door on a lane is at most `threshold_max_mm` of each class that uses the lane."
        "The robot is stuck in the doorway, with the door open."
    B114 Error "step on a lane"
        "Where a lane goes from room to room their floors differ in height by at most `threshold_max_mm` of each class, but for ramps."
        "The robot falls down it or stands before it."
    B115 Warning "exit that needs a badge"
        "Nobody needs a badge to leave through an exit."
        "Visitors and patients have none."
    B116 Error "no way to an exit"
        "From every room of a level with exits a person gets to one of them, or to stairs, on foot."
        "A wall without a door shuts people in, or the map is wrong."
    B117 Error "obstacle in a way out"
        "No obstacle stands in front of a declared exit or in a fire lane."
        "Furniture narrows the way as a robot would, and does not move away."
    B118 Warning "narrow stairs"
        "Stairs and ramps are at least `building.stairs_width_mm` wide."
        "They are a way out too."
    B119 Warning "narrow fire lane"
        "A fire lane is at least `building.exit_width_mm` wide."
        "Even with no robot in it it is too narrow."
    G001 Error "number out of range"
        "Every number is finite and in the range that makes sense for it."
        "A NaN or a slip of a power of ten goes through every comparison that follows."
    G002 Error "polygon crosses itself"
        "The sides of a polygon meet at their common corners only."
        "It has no inside that everybody agrees on."
    G003 Warning "polygon winds the other way"
        "Outer rings are drawn counter-clockwise and holes clockwise."
        "We turn them; other tools take the outside for the inside."
    G004 Error "overlapping rooms"
        "Two rooms of a level share at most `geometry.overlap_max_cm2`."
        "A robot there is in two rooms, with two rules."
    G005 Warning "wall ends almost meet"
        "Ends of walls are at one point or at least `geometry.wall_ends_apart_min_mm` apart."
        "A slip of the mouse: light and lasers shine through, and so do planned paths of points."
    G006 Warning "dangling wall end"
        "A wall ends at another wall, an outline, an obstacle, a lift or a door (within `geometry.wall_touch_mm` of it)."
        "It was meant to end somewhere, and what it should separate is one."
    G007 Error "door outside walls"
        "Both ends of a door are within `geometry.door_to_wall_max_mm` of a wall or of the outline of a room."
        "It opens nothing; the opening it was meant for stays a wall."
    G008 Error "door walled up"
        "No wall, obstacle or cabin stands in the opening of a door."
        "The door cut its own wall; another one still stands there."
    G009 Warning "gap between rooms"
        "No hole between the rooms of a level is narrower than `geometry.gap_width_max_mm`, unless somebody drew it."
        "Robots take the edge of the mapped area for the end of the world."
    G010 Warning "walls cross"
        "Walls meet at their ends, or one ends at the other; they do not cross."
        "Triangulations refuse it, and one of the two is mostly drawn too long."
    G011 Error "polygon without area"
        "A polygon has three corners and an area."
        "Nobody can be in it."
    G012 Error "hole outside its polygon"
        "A hole lies within its outer ring."
        "It cuts something else, or nothing."
    G013 Error "wall without length"
        "A wall has two ends."
        "It has no direction; somebody clicked twice."
    G014 Warning "wall drawn twice"
        "Walls do not lie over each other."
        "Whoever moves one of them leaves the other standing."
    G015 Error "mapped area not credible"
        "The union of a level's rooms is at least as large as the largest of them and at most as large as all together."
        "The polygon library failed on this geometry, and nobody should drive on its result."
    G016 Error "not a map of this version"
        "A site has a schema that is known, and not more elements than the options allow."
        "It would be read wrongly, or exhaust the machine."
    G017 Warning "doors over each other"
        "Two doors do not share an opening."
        "A robot waits for both, and both report their own state."
    L301 Error "lift without a door"
        "A lift has a door on every level on which a waypoint lies in its cabin."
        "The robot rides there and cannot leave."
    L302 Error "lift waypoints do not line up"
        "The waypoints of a cabin lie in it, and over each other on all levels."
        "The robot leaves the lift beside where it believes to be."
    L303 Error "robot does not fit the lift"
        "Cabin and doors of a lift on the roadmap are wide enough for each class."
        "It gets stuck, and so does the lift."
    L304 Warning "careless name of a lift door"
        "Doors of lifts have names of their own: not empty, not what the editor filled in, not shared by two lifts."
        "Whoever opens \"name\" opens the wrong one."
    L305 Error "level out of reach"
        "A level with a roadmap is joined to the others by a lift."
        "Tasks between them can never be done."
    L306 Error "lane between lifts"
        "A lane touches one lift."
        "It would need both cabins at once."
    L307 Error "lift door away from its cabin"
        "The doors of a lift are at its cabin."
        "It opens a wall somewhere else."
    L308 Warning "lift stop without a waypoint"
        "Where a lift with a roadmap has a door there is a waypoint in its cabin."
        "No robot ever gets out there."
    L309 Error "robot too heavy for the lift"
        "A lift on the roadmap carries each class, `mass_kg`."
        "It does not move, or its brake does not hold."
    R201 Error "lane through a wall"
        "No lane meets a wall, an obstacle or the side of a cabin."
        "The robot cannot follow it, or tries to."
    R202 Error "lane leaves the floor"
        "A lane lies in rooms, doorways and cabins; between a cabin and the floor before it are at most `roadmap.sill_max_mm`."
        "Nobody knows whether there is a floor."
    R203 Error "lane too close to a wall"
        "On a lane a footprint does not touch a wall."
        "The robot stops there, every time."
    R204 Error "door too narrow for robots"
        "A door on a lane is wide enough for each class with its play."
        "The lane cannot be used, and what lies behind is out of reach."
    R205 Error "out of reach"
        "Robots get from everywhere on a roadmap to everywhere else, and into every room that is served."
        "Tasks there can never be done."
    R206 Error "trap"
        "From everywhere on a roadmap a lane leads back to the rest of it."
        "A robot that drives in never comes out."
    R207 Warning "loose end"
        "A waypoint has a lane; a dead end has a role or a station."
        "It was drawn for a purpose that is not there."
    R208 Warning "lanes cross without a waypoint"
        "Lanes that cross do so at a waypoint, or are of one corridor."
        "Nothing says who goes first there, and other planners do not see the crossing at all."
    R209 Error "name used twice"
        "Names are unique among elements of a kind, on all levels and roadmaps."
        "A task to that name goes to one of them."
    R210 Error "no charger in reach"
        "Every class of robots gets to a charger and back on what it can use."
        "It works until its battery is empty."
    R211 Warning "lane written twice"
        "A lane is written once in a roadmap."
        "Whoever changes one of them leaves the other as it was."
    R212 Warning "lane through a door that robots cannot open"
        "A door on a lane opens by itself or for robots."
        "The robot waits before it until somebody comes by."
    R213 Warning "declared length is wrong"
        "The declared length of a lane is that of its geometry, but for `roadmap.length_error_max_permille`."
        "Travel times of who believes it are wrong, or a waypoint has been moved."
    R214 Error "lane too close to the edge"
        "On a lane a footprint stays in the mapped area."
        "Beyond the edge there may be a step, glass or a wall that nobody drew."
    R215 Error "lane between levels"
        "A lane stays on its level; ways between levels come from lifts."
        "Robots do not fly."
    R216 Error "contradicting roles"
        "Where robots park, wait or charge they may end a movement: such a waypoint is no passthrough."
        "They are sent there and may not stop."
    R217 Error "station where nobody may stop"
        "At a station some class of robots may stop: it is no passthrough, not in a cabin and not in a one-lane corridor."
        "No task there can ever end."
    R218 Error "name of nothing"
        "What an element names exists."
        "A slip of the keyboard, or something was deleted."
    R219 Error "lane without length"
        "A lane has two ends."
        "It has no direction, and takes no time."
    R220 Warning "waypoints almost at one place"
        "Waypoints of a level are at least `roadmap.waypoints_apart_min_mm` apart."
        "They were meant to be one, and the lanes of one do not lead to those of the other."
    R221 Warning "waypoint on a passing lane"
        "A waypoint is at least `roadmap.waypoints_apart_min_mm` away from lanes that it does not end."
        "It looks joined and is not."
    R222 Warning "nowhere to park"
        "A roadmap has a parking place, a holding place or a charger."
        "Idle robots stay wherever they finished, in the way."
    S601 Warning "lane that no sensor sees"
        "On a level with sensors of the building no part of a lane longer than `roadmap.sensor_gap_max_mm` is out of their sight."
        "There robots have their own eyes only."
    S602 Warning "sensor outside the map"
        "A sensor is in the mapped area of its level or in a wall of it."
        "What it reports is placed wrongly."
    S603 Error "camera sees a private place"
        "No camera sees into a privacy zone."
        "People there do not expect to be recorded, and may not be."
    Z501 Error "zones contradict each other"
        "Zones overlap only where it is defined what then holds."
        "Two robots, or two fleet managers, will decide differently."
    Z502 Warning "zone outside its level"
        "A zone touches the mapped area of its level."
        "It holds nowhere; it is on the wrong level or at the wrong place."
    Z503 Warning "zone cuts off a place"
        "What robots can reach without blocked zones they can reach around them."
        "Tasks there can never be done."
    Z504 Warning "place in a blocked zone"
        "No station and no parking, holding or charging place is in a zone that no robot may enter."
        "Nobody ever gets there."
    Z505 Error "zone with fields that do not fit"
        "A zone has the fields of its kind, its times are times, and its doors are on its level."
        "Whoever reads it has to guess."
    Z506 Error "lamp that shines through a door"
        "A `uv_c` zone names every door on its outline."
        "A door that it does not name does not switch the lamp off."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_well_formed() {
        assert!(LINTS.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(45 <= LINTS.len(), "{}", LINTS.len());
        for lint in LINTS {
            let (letter, number) = lint.id.as_str().split_at(1);
            assert!("ABGLRSZ".contains(letter) && number.len() == 3, "{}", lint.id);
            assert!(
                lint.rule.ends_with('.') && lint.why.ends_with('.') && !lint.name.ends_with('.'),
                "{}",
                lint.id
            );
            assert_eq!(lint.id.lint(), Some(lint));
        }
    }
}
