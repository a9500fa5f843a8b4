//! Roadmaps from rooms: a site that was drawn or scanned becomes one that robots can drive in.
//!
//! [`generate`] draws a roadmap for a [`Site`] from its rooms, walls, doors and lifts and returns the site with waypoints,
//! lanes and stations added under a name of their own; what the site has already stays as it is. Every lane is checked
//! with the sweep of the footprint over exact geometry, so a generated lane never touches a wall.
//!
//! How it is drawn, level by level: doors are shut, which divides the floor into pieces. A lane through the middle of every
//! door that is wide enough joins a waypoint on either side; a lift has a waypoint in its cabin on every level and one in
//! front of each door. A piece that is nearly convex gets a star around its centroid; any other gets lines along its
//! middle, by thinning it in the order of clearance (a medial axis without branches that lead nowhere). What is still apart
//! is joined by shortest paths, so whatever can be reached at all is reached. Then links are added until no way between two
//! waypoints that see each other is more than [`SurveyOptions::stretch`] times as long as the straight line. Last come
//! places to wait, ways side by side where two robots can pass, and the names of corridors where they cannot.
//!
//! It refuses to guess: a room that robots cannot reach is in the [`SurveyReport`] with the narrowest place on the way.
//! The order of tables in the site changes nothing.

mod cells;
mod chains;
mod draw;
mod finish;
mod ground;
mod network;
mod places;
mod reach;
mod scan;
mod segment;
mod write;

use std::{collections::BTreeSet, fmt};

use sheepdog_core::Mm;

use crate::{
    compile::{CompileOptions, WAY_OUT_WIDTH},
    compiled::FootprintClass,
    error::MapError,
    geometry::FreeSpaceError,
    model::{RoomKind, Site},
};

pub use self::{
    scan::{Occupancy, OccupancyGrid, ScanError, ScanOptions, generate_from_grid, outline},
    segment::{SegmentReport, segment},
};

/// Which rooms get a station.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Served {
    /// Rooms marked as `served`; if there are none, all rooms that are no ways, stairs or nameless floors; if there are none
    /// of these either, every space between walls and doors.
    #[default]
    Auto,
    /// Rooms marked as `served`.
    Marked,
    /// Rooms of these kinds.
    Kinds(BTreeSet<RoomKind>),
    /// Rooms with one of these tags.
    Tags(BTreeSet<String>),
    /// Spaces between walls and doors, whatever rooms are drawn; each must have a door or a lift.
    Spaces,
}

/// How to draw a roadmap.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyOptions {
    /// Name of the roadmap; the site must not have it yet.
    pub roadmap: String,
    /// For whom it is.
    pub class: FootprintClass,
    /// Clearance to walls beyond the radius of the footprint, metres. More than half of
    /// [`DOOR_PLAY_M`](crate::DOOR_PLAY_M) closes ways that are as narrow as the narrowest doors.
    pub clearance_m: f64,
    /// A way between two waypoints that see each other is at most this many times as long as the straight line.
    pub stretch: f64,
    /// Waypoints further apart than this do not count as seeing each other, metres.
    pub sight_m: f64,
    /// Clearance beyond the radius that the straight line between two waypoints has if they see each other, metres: lanes that
    /// cut across do not run along walls and past doors.
    pub sight_clearance_m: f64,
    /// How far from a door the footprint stays that waits to go through, metres; at least its margin.
    pub approach_m: f64,
    /// How far lanes may be from the middle line that they follow, metres.
    pub simplify_m: f64,
    /// Side of the cells in which middle lines are found, metres; larger on levels with millions of them.
    pub cell_m: f64,
    /// Which rooms get a station.
    pub served: Served,
    /// Whether to add places to wait beside doors and lifts.
    pub holding: bool,
    /// Whether to add ways side by side where two robots can pass.
    pub passing: bool,
    /// Whether middle lines also go where nothing is served, if they reach at least so far out of the way, metres.
    pub branches_m: Option<f64>,
    /// As in [`CompileOptions::way_out_width`].
    pub way_out_width: Mm,
}

impl SurveyOptions {
    /// The usual options for a footprint: roadmap `survey`, 4 cm of clearance, stretch 1.2.
    pub fn new(class: FootprintClass) -> Self {
        Self {
            roadmap: "survey".to_owned(),
            class,
            clearance_m: 0.04,
            stretch: 1.2,
            sight_m: 15.0,
            sight_clearance_m: 0.25,
            approach_m: 0.1,
            simplify_m: 0.05,
            cell_m: 0.05,
            served: Served::Auto,
            holding: true,
            passing: true,
            branches_m: None,
            way_out_width: WAY_OUT_WIDTH,
        }
    }

    fn radius_m(&self) -> f64 {
        f64::from(self.class.radius.0) / 1e3
    }

    /// Radius with its declared envelope.
    fn reach_m(&self) -> f64 {
        self.class.turning_m()
    }

    fn plan_m(&self) -> f64 {
        self.radius_m() + self.clearance_m
    }

    fn sight_radius_m(&self) -> f64 {
        self.radius_m() + self.sight_clearance_m
    }

    /// What a door or a lift must offer.
    fn opening_m(&self) -> f64 {
        2.0 * self.radius_m() + crate::DOOR_PLAY_M
    }

    fn check(&self) -> Result<(), SurveyError> {
        let numbers = [
            ("radius", self.radius_m(), 0.001, 10.0),
            ("margin", self.reach_m() - self.radius_m(), 0.0, 10.0),
            ("clearance_m", self.clearance_m, 0.001, 10.0),
            ("stretch", self.stretch, 1.07, 100.0),
            ("sight_m", self.sight_m, 0.0, 1_000.0),
            ("sight_clearance_m", self.sight_clearance_m, self.clearance_m, 10.0),
            ("approach_m", self.approach_m, 0.0, 10.0),
            ("simplify_m", self.simplify_m, 0.0, 10.0),
            ("cell_m", self.cell_m, 0.01, 10.0),
            ("branches_m", self.branches_m.unwrap_or(0.0), 0.0, 1_000.0),
        ];
        // Written so that NaN is outside.
        match numbers.into_iter().find(|(_, value, low, high)| !(low <= value && value <= high)) {
            Some((field, value, low, high)) => Err(SurveyError::Option { field, value, low, high }),
            None => Ok(()),
        }
    }
}

/// Why no roadmap was drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// An option is outside its range.
    #[error("{field} is {value}, must be in {low}..={high}")]
    Option {
        /// Which one.
        field: &'static str,
        /// The value found.
        value: f64,
        /// The smallest value allowed.
        low: f64,
        /// The largest value allowed.
        high: f64,
    },
    /// The site has a roadmap of that name.
    #[error("the site has a roadmap {name:?}, which stays as it is; choose another name")]
    RoadmapExists {
        /// The name.
        name: String,
    },
    /// The site does not compile, before or after.
    #[error("the site has {} errors, the first: {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Map(Vec<MapError>),
    /// The free space of a level cannot be found.
    #[error("level {level:?}: {error}")]
    FreeSpace {
        /// The level.
        level: String,
        /// Why not.
        error: FreeSpaceError,
    },
}

/// What was drawn, and what could not be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SurveyReport {
    /// Name of the roadmap.
    pub roadmap: String,
    /// Waypoints added.
    pub waypoints: usize,
    /// Lanes added, each for both directions.
    pub lanes: usize,
    /// Their length, metres.
    pub lanes_m: f64,
    /// Stations added: rooms that are served.
    pub stations: usize,
    /// Places to wait among the waypoints.
    pub holding: usize,
    /// Lanes that were doubled so that robots can pass each other.
    pub passing: usize,
    /// One-lane corridors named.
    pub corridors: usize,
    /// Doors and lift doors without a lane.
    pub skipped: Vec<Skipped>,
    /// What should be reached and is not.
    pub unreached: Vec<Unreached>,
    /// Names of levels with walls or doors on which nothing was drawn, for no room says where the floor is.
    pub unmapped: Vec<String>,
}

/// A door without a lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// The door, or the lift and its level.
    pub door: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a door has no lane.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is too narrow, or the cabin behind it too small.
    Narrow {
        /// What it offers, metres.
        width_m: f64,
        /// What the footprint needs, metres.
        needed_m: f64,
    },
    /// The footprint does not fit on the floor in front of it.
    NoFloor {
        /// The middle of the door, metres.
        x_m: f64,
        /// The middle of the door, metres.
        y_m: f64,
        /// On how many sides.
        sides: usize,
    },
    /// Something stands in it, or another door is in its way.
    Blocked {
        /// The middle of the door, metres.
        x_m: f64,
        /// The middle of the door, metres.
        y_m: f64,
    },
}

/// A room, or a waypoint that the site had, that the roadmap does not reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreached {
    /// What it is, with its name.
    pub what: String,
    /// Its level.
    pub level: String,
    /// Why.
    pub reason: UnreachedReason,
}

/// Why something is not reached.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UnreachedReason {
    /// The footprint may stand nowhere in it.
    NoPlace,
    /// The widest way to it is too narrow.
    Narrow {
        /// Where, metres.
        x_m: f64,
        /// Where, metres.
        y_m: f64,
        /// Width of the widest way at its narrowest place, metres, up to a hundredth of what is needed.
        width_m: f64,
        /// What the footprint needs there, metres.
        needed_m: f64,
    },
    /// No way leads to it, however narrow.
    Enclosed,
    /// The floor is wide enough; a door on the way, named among those skipped, has no lane.
    Door,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let door = &self.door;
        match self.reason {
            SkipReason::Narrow { width_m, needed_m } => {
                write!(f, "{door} is {width_m:.3} m wide, the robot needs {needed_m:.3} m")
            }
            SkipReason::NoFloor { x_m, y_m, sides } => write!(
                f,
                "{door} at ({x_m:.2}, {y_m:.2}): the robot does not fit on the floor {}",
                if sides == 1 { "on one side of it" } else { "on either side of it" }
            ),
            SkipReason::Blocked { x_m, y_m } => {
                write!(f, "{door} at ({x_m:.2}, {y_m:.2}): something is in the way through its middle")
            }
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on level {:?} is not reached: ", self.what, self.level)?;
        match self.reason {
            UnreachedReason::NoPlace => f.write_str("there is no place in it where the robot may stand"),
            UnreachedReason::Narrow { x_m, y_m, width_m, needed_m } => write!(
                f,
                "the widest way is {width_m:.2} m wide near ({x_m:.2}, {y_m:.2}), the robot needs {needed_m:.2} m"
            ),
            UnreachedReason::Enclosed => f.write_str("no way leads to it"),
            UnreachedReason::Door => f.write_str("a door on the way has no lane"),
        }
    }
}

/// Draws a roadmap for the robots of one footprint class and adds it to the site.
///
/// Waypoints that are chargers, parking places or stations already are linked to it. Time: some hundred milliseconds for a
/// storey of a hospital; O(cells log cells + pairs of waypoints that are near each other).
///
/// ```
/// use sheepdog_core::Mm;
/// use sheepdog_map::{CompileOptions, FootprintClass, Site, model::{Door, Level, Room}, survey};
///
/// // Two rooms and a door, and nothing that a robot could drive on.
/// let mut site = Site::new("two rooms");
/// site.levels.push(Level::new("0", 0.0));
/// site.rooms.push(Room::rectangle("store", "0", 0.0, 0.0, 5.0, 4.0).walled());
/// site.rooms.push(Room::rectangle("ward", "0", 5.0, 0.0, 10.0, 4.0).walled());
/// site.doors.push(Door::new("door", "0", [5.0, 1.4], [5.0, 2.6]));
///
/// let class = FootprintClass::round("robot", Mm(250), Mm(150));
/// let (site, report) = survey::generate(&site, &survey::SurveyOptions::new(class.clone()))?;
/// assert_eq!((report.stations, report.unreached.len()), (2, 0));
/// let site = site.compile(&CompileOptions::new(vec![class])).unwrap();
/// assert!(site.station_named("ward").is_some() && site.warnings().is_empty());
/// # Ok::<(), survey::SurveyError>(())
/// ```
///
/// # Errors
/// [`SurveyError`]: an option or the site is not valid, or the polygon libraries failed on it.
pub fn generate(site: &Site, options: &SurveyOptions) -> Result<(Site, SurveyReport), SurveyError> {
    options.check()?;
    let named = site.roadmaps.iter().map(|roadmap| &roadmap.id);
    if named
        .chain(site.lanes.iter().filter_map(|lane| lane.roadmap.as_ref()))
        .any(|name| *name == options.roadmap)
    {
        return Err(SurveyError::RoadmapExists { name: options.roadmap.clone() });
    }
    let mut bare = site.clone();
    bare.sort();
    bare.lanes.clear();
    let bare = bare.compile(&CompileOptions::default()).map_err(SurveyError::Map)?;
    let mut report = SurveyReport { roadmap: options.roadmap.clone(), ..SurveyReport::default() };
    let mut drawing = draw::draw(&bare, options, &mut report)?;
    reach::drop_unreached(&bare, options, &mut drawing, &mut report)?;
    for level in &mut drawing.levels {
        finish::finish(level, options, &mut report);
    }
    let site = write::write(site, &bare, options, &drawing, &mut report);
    Ok((site, report))
}
