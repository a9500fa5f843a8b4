//! Scenario, replay and example tests across crates.
