//! A fleet in real time: the only crate that reads a clock, spawns a thread or takes a lock.
//!
//! [`Server`] runs one [`Fleet`](sheepdog_fleet::Fleet) on a thread of its own and its plan jobs on another. Inputs and
//! outputs travel over crossbeam channels; every record is on disk ([`Store`]) before an output leaves. [`Pool`] is
//! the [`Workers`](sheepdog_core::Workers) of this crate, [`ChannelLink`] a radio made of two channels.
#![deny(unsafe_code)]

mod clock;
mod link;
mod medium;
mod pool;
mod server;
mod store;

pub use clock::Clock;
pub use link::{ChannelLink, FleetEnd, channel_link};
pub use medium::{Disk, Medium};
pub use pool::Pool;
pub use server::{Server, ServerError};
pub use store::{Keep, Opened, Store, StoreError, StoreOptions, segment_files};
