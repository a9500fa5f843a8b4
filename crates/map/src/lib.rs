//! Site model, room geometry, roadmap and claims.
#![forbid(unsafe_code)]

mod compiled;
pub mod geometry;
pub mod model;

pub use compiled::{
    ClassClaims, CompiledSite, Door, FootprintClass, Lane, Level, Lift, LiftStop, Part, Resource, Roles, Room, Station,
    Waypoint,
};
pub use model::Site;
