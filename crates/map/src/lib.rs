//! Site model, room geometry, roadmap and claims.
#![forbid(unsafe_code)]

mod claims;
mod compile;
mod compiled;
mod error;
mod escape;
pub mod export;
pub mod format;
mod geojson;
pub mod geometry;
pub mod import;
pub mod lint;
pub mod model;
pub mod rules;
pub mod survey;
pub mod svg;
pub mod travel;
pub mod versions;
pub mod zones;

pub use compile::{CompileLimits, CompileOptions, DOOR_PLAY_M, WAY_OUT_WIDTH};
pub use compiled::{
    ClassClaims, CompiledSite, Door, FootprintClass, Lane, Level, LevelSummary, Lift, LiftStop, Part,
    Resource, Retired, Roles, Room, SiteSummary, Station, Waypoint, Zone, ZoneKind,
};
pub use error::{MapError, MapWarning};
pub use escape::{Escape, RoomDoor};
pub use format::{FormatError, FormatFault, Position};
pub use geometry::Location;
pub use model::Site;
pub use rules::RULES;
pub use travel::{
    LaneTimes, Nearest, NominalWaits, RouteScratch, RouteTable, TravelProfile, TravelTimes, Waits, lane_time,
    nearest, shortest_path, travel_times_to,
};
