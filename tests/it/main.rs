//! Scenario, replay and example tests across crates.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at the first surprise, as tests do"
)]

mod architecture;
mod bases;
mod common;
mod contract;
mod crowds;
mod drills;
mod encounters;
mod failures;
mod hostile;
mod incident;
mod ledgers;
mod live;
mod machines;
mod needless;
mod operators;
mod planning;
mod recordings;
mod robots;
mod rules;
mod stories;
mod survey;
mod uvc;
