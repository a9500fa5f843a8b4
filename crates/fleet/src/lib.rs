//! The coordinator: a sans-IO state machine that ties map, dispatch, traffic and ledger together.
//!
//! [`Fleet`] has no thread, clock, socket or file. A host calls [`Fleet::handle`] with every event,
//! [`Fleet::handle_timeout`] when [`Fleet::poll_timeout`] says so, stores what [`Fleet::poll_record`] yields, and only
//! then carries out what [`Fleet::poll_output`] yields. That order is the write-ahead rule: nothing leaves the fleet
//! before the input that caused it and the decision about it are stored.
//!
//! The state is a pure function of the sequence of inputs and their times, so [`replay()`] reproduces every decision
//! from a ledger, and [`explain_task`] tells in words why each was made.
#![forbid(unsafe_code)]

mod area;
mod audit;
mod config;
mod explain;
#[cfg(test)]
mod fixture;
mod fleet;
mod header;
mod input;
#[cfg(test)]
mod interleaving_tests;
mod lamps;
#[cfg(test)]
mod lamps_tests;
mod machines;
#[cfg(test)]
mod machines_tests;
mod parking;
#[cfg(test)]
mod parking_tests;
mod passages;
#[cfg(test)]
mod passages_tests;
mod planning;
mod record;
mod replay;
mod reports;
mod reverting;
#[cfg(test)]
mod reverting_tests;
pub mod rules;
mod state;
mod stops;
#[cfg(test)]
mod stops_tests;
mod tasks;
pub mod uvc;

pub use audit::{Audit, Finding, audit};
pub use config::{ActorEntry, FleetConfig, Role};
pub use explain::{Names, explain_task};
pub use fleet::{Fleet, FleetError, Stats, TaskStatus};
pub use header::{Header, HeaderError, OtherVersion, Version, catalogues_digest, rules_digest};
pub use input::{
    Actor, AlarmScope, Alert, Input, InputError, OperatorCommand, Output, StorageLevel, TaskRequest,
};
pub use record::{Ahead, Entry, Record, RecordError, may_name_people};
pub use replay::{Outcome, Replay, ReplayError, recover, replay, resume};
