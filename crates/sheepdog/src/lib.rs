//! Coordinate fleets of service robots and the people who work beside them.
//!
//! This crate re-exports the others under one name; each can also be used alone. Features pick what is pulled in:
//! `fleet` (map, dispatch, traffic, ledger, coordinator), `driver` (what runs on a robot), `sim` (plant and scenarios),
//! `runtime` (clock, threads, disk), `rmf` (importer for Open-RMF buildings), `rota` (shifts in civil time). Without
//! features there are the vocabulary and the interlock.
//!
//! Start with [`prelude`], or read `docs/ARCHITECTURE.md` for the journey of one task.
#![forbid(unsafe_code)]

pub use sheepdog_core as vocabulary;
#[cfg(feature = "fleet")]
pub use sheepdog_dispatch as dispatch;
#[cfg(feature = "driver")]
pub use sheepdog_driver as driver;
#[cfg(feature = "fleet")]
pub use sheepdog_fleet as fleet;
pub use sheepdog_interlock as interlock;
#[cfg(feature = "fleet")]
pub use sheepdog_ledger as ledger;
#[cfg(any(feature = "fleet", feature = "driver"))]
pub use sheepdog_map as map;
#[cfg(feature = "runtime")]
pub use sheepdog_runtime as runtime;
#[cfg(feature = "sim")]
pub use sheepdog_scenario as scenario;
#[cfg(feature = "sim")]
pub use sheepdog_sim as sim;
#[cfg(feature = "fleet")]
pub use sheepdog_traffic as traffic;

/// What most programs need.
pub mod prelude {
    pub use sheepdog_core::{AgentId, Confidence, FleetTime, Micros, Mm, MmPerS, RobotTime, TaskId};
    #[cfg(feature = "fleet")]
    pub use sheepdog_fleet::{Fleet, FleetConfig, Input, Output, TaskRequest};
    #[cfg(any(feature = "fleet", feature = "driver"))]
    pub use sheepdog_map::{CompileOptions, CompiledSite, Site};
    #[cfg(feature = "sim")]
    pub use sheepdog_scenario::{Setup, Summary, World};
}

/// Compiles and runs the code of the README.
#[cfg(all(doctest, feature = "sim"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
