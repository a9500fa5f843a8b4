//! Multi-robot traffic: joint plans, the dependency graph that executes them, and releases.
//!
//! A [`Plan`] is a linear sequence of moves. It is valid when, with the moves carried out one after the other, the
//! claims of each move are disjoint from what every other robot holds at rest. Any such sequence gives every
//! resource a queue of visitors, and the queues form an acyclic graph: robots follow each other closely, they can
//! neither swap nor rotate in a cycle, and any finite delay of any robot is harmless.
//!
//! * [`HopGraph`]: places where robots may stop, and the indivisible hops between them, for one footprint class.
//! * [`Planner`]: finds plans within a budget of steps. It is total and deterministic.
//! * [`validate`]: checks a plan against its problem; it shares no code with the planner.
//! * [`oneshot`]: plans for thousands of robots on grids, from everybody's start to everybody's goal.
//! * [`Executor`]: keeps the queues, grants moves, frees claims on evidence and says why a robot waits; its
//!   [`Certificate`] shows that nobody waits in a circle, and [`check_certificate`] that it does.
//! * [`analysis`]: what a site can bear, and what a closed lane does.
//! * [`lifelong`]: errands without end on a grid.
//!
//! The crate reads no clock, draws no random numbers and holds no lock.
#![forbid(unsafe_code)]

pub mod analysis;
mod certificate;
mod distances;
mod executor;
mod explore;
mod gradual;
mod hop;
pub mod lifelong;
pub mod oneshot;
mod plan;
mod planner;
mod polish;
mod refine;
mod rules;
mod scene;
mod search;
mod table;
#[cfg(test)]
mod tests;
mod timetable;
mod validate;
mod weave;

pub use certificate::{Certificate, CertificateFault, check_certificate};
pub use executor::{
    AppendError, Executor, Grant, Integration, Outsider, OutsiderError, Overtaking, PlaceError, RestoreError,
    ShrinkError, Snapshot, TrackSnapshot, VerifyError, Withheld,
};
pub use hop::{Hop, HopGraph};
pub use plan::{Lanes, Plan, PlanRobot, PlannedMove, Problem, Unserved, Visit};
pub use planner::Planner;
pub use rules::{
    RULES, TRF_001, TRF_002, TRF_003, TRF_004, TRF_005, TRF_006, TRF_007, TRF_008, TRF_009, TRF_010, TRF_011,
    TRF_012, TRF_013,
};
pub use validate::{PlanFault, validate};
