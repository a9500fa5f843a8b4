//! A fleet and a simulated plant in virtual time: scenario files, the loop and the summary.
//!
//! A [`Setup`] says who is where and what happens when; it comes from a scenario file ([`Scenario`]) or from
//! [`Setup::random_deliveries`]. A [`World`] steps plant, radio, fleet and plan jobs in lockstep and writes the
//! ledger as a host would: records first, outputs after. A [`Summary`] holds the figures of a run. The same setup and
//! seed give the same bytes, on any number of workers.
#![forbid(unsafe_code)]

pub mod file;
mod film;
mod footage;
mod free_flow;
mod recording;
mod script;
mod setup;
mod stops;
mod summary;
mod world;

pub use file::{Scenario, ScenarioError};
pub use film::film;
pub use footage::Pose;
pub use free_flow::{free_flow, free_flow_done};
pub use recording::{Cuts, Hope, Origin, Outside, Recording, RecordingError, Repeated};
pub use script::{Event, Moment, Victim};
pub use setup::{DeliveryLoad, Setup, SetupError, delivery, interlock_config};
pub use stops::NEAR_M;
pub use summary::Summary;
pub use world::{Trace, World, WorldError};
