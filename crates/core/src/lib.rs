//! The vocabulary every Sheepdog crate shares. It holds types and their checks, and no logic.
//!
//! * [`FleetTime`], [`RobotTime`]: two clocks that nothing compares; [`Micros`]: a span.
//! * [`AgentId`], [`TaskId`], …: typed ids, dense where they index tables.
//! * [`Mm`], [`MmPerS`], [`Confidence`], …: integer quantities, so a threshold can never meet a NaN.
//! * [`Rule`], [`RuleId`], [`Evidence`]: what a decision cites, and why it fired.
//! * [`wire`] (feature `alloc`): the messages between a fleet and its agents.
//! * [`Workers`] (feature `alloc`): how a library crate runs jobs in parallel without owning a thread.
//!
//! The crate is `no_std`; without features it also needs no allocator and has no dependency.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod evidence;
mod id;
mod quantity;
mod rule;
mod time;
#[cfg(feature = "alloc")]
pub mod wire;
#[cfg(feature = "alloc")]
mod workers;

pub use evidence::{Evidence, Relation};
pub use id::{
    ActorId, AgentId, DoorId, Epoch, JobId, LaneId, LevelId, LiftId, ResourceId, RoomId, SiteVersion,
    StationId, StopGeneration, TaskId, WaypointId, ZoneId,
};
pub use quantity::{
    CONFIDENCE_STOP_MIN, Confidence, ConfidenceError, Mm, MmPerS, MmPerS2, Mrad, MradPerS, MradPerS2, Ppm,
    PpmError,
};
pub use rule::{Parameter, Pointer, PointerStatus, Rule, RuleId, StopCategory};
pub use time::{FleetTime, Micros, RobotTime};
#[cfg(feature = "alloc")]
pub use workers::{Job, JobResult, Sequential, Workers, map_jobs};
