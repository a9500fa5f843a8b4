//! A fleet in real time: the only crate that reads a clock, spawns a thread or takes a lock.
//!
//! [`Server`] runs one [`Fleet`](sheepdog_fleet::Fleet) on a thread of its own and its plan jobs on another. Inputs and
//! outputs travel over crossbeam channels; every record is on disk ([`Store`]) before an output leaves. [`Pool`] is
//! the [`Workers`](sheepdog_core::Workers) of this crate, [`ChannelLink`] a radio made of two channels.
//!
//! On a robot, a [`Tap`] takes the interlock's decisions before the base moves, and a [`RobotStore`] writes them to the
//! robot's own ledger on another thread; [`RobotLedger`] reads it.
#![deny(unsafe_code)]

mod clock;
mod link;
mod medium;
mod pool;
mod recorder;
mod robot;
mod robot_ledger;
mod robot_store;
mod server;
mod sites;
mod store;

pub use clock::Clock;
pub use link::{ChannelLink, FleetEnd, channel_link};
pub use medium::{Disk, Medium};
pub use pool::Pool;
pub use recorder::{ANCHOR_EVERY, RUN_SPAN, Recorder, Tap, recorder};
pub use robot::{RobotHeader, RobotRecord, RobotRecordError, robot_rules_digest};
pub use robot_ledger::{Anchored, Boot, IncidentReplay, RobotEntry, RobotLedger, RobotReplay};
pub use robot_store::RobotStore;
pub use server::{Server, ServerError};
pub use sites::SiteStore;
pub use store::{Keep, Opened, Store, StoreError, StoreOptions, segment_files};
