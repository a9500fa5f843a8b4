//! Scenario, replay and example tests across crates.

mod stories;
