//! Strategies and invariant checkers for property tests of fleets, drivers and sites.
//!
//! * [`stories()`]: random small sites with robots, people, loads, a bad radio and faults. A [`Story`] is a few lines
//!   of plain data, so a counterexample is short; [`Story::setup`] makes a run of it and [`Story::play`] plays it,
//!   clearing up after every fault as a person would.
//! * [`sites()`], [`fleets()`], [`loads()`], [`radios()`], [`faults()`], [`setups()`]: the parts alone, for sites and
//!   drivers of your own.
//! * [`check`]: promises as functions. Each takes what a run has left behind (positions, ledger entries, the ledger
//!   file) and returns a [`Violation`] that says what is broken and where.
//! * [`drill`]: faults of the catalogue on a robot in every state of motion: what finds them, when, and how far it still
//!   goes.
//! * [`contract`]: tests that hold a driver or a site to what it promises; [`driver_contract!`] and [`site_contract!`].
//! * [`kernel`]: the interlock of this build against a plain one.
//! * [`soak`]: planner and executor in a world that goes wrong, case by case.
//! * [`oracle`]: travel times by Floyd and Warshall's algorithm on the site as authored.
//!
//! ```
//! use proptest::prelude::*;
//! use sheepdog_core::Sequential;
//! use sheepdog_testkit::{check, few, stories};
//!
//! proptest!(few(2), |(story in stories())| {
//!     let mut played = story.play(&Sequential)?;
//!     check::no_overlap(&played.samples)?;
//!     check::no_task_lost_or_done_twice(&played.entries()?)?;
//! });
//! ```
//!
//! The checkers share no code with what they check, except where their documentation says so. They are slow on
//! purpose: plain loops that are easy to believe.
#![forbid(unsafe_code)]

pub mod check;
pub mod contract;
pub mod drill;
mod fleet;
pub mod kernel;
pub mod oracle;
mod play;
mod site;
pub mod soak;
mod story;

use proptest::test_runner::{Config, RngSeed};

/// Every type that an implementation of [`contract::DriverUnderTest`] needs, for crates that depend on this one alone.
pub use sheepdog_core as vocabulary;
pub use sheepdog_driver as driver;
pub use sheepdog_interlock as interlock;
pub use sheepdog_map as map;
pub use sheepdog_sim as sim;

pub use check::Violation;
pub use fleet::{Load, Oddity, Robot, faults, fleets, loads, places, radios};
pub use play::{PlayError, Played, Sample, samples_of_csv};
pub use site::{Bay, Blueprint, MARGIN, RADIUS, Shape, SiteOptions, blueprints, sites, sites_with};
pub use story::{Helper, Incident, Story, StoryOptions, Trouble, setups, stories, stories_with};

/// A proptest configuration for runs that take a while: `cases` cases, always the same ones.
///
/// With the environment variable `PROPTEST_CASES` set, it is that many cases and new ones every time.
pub fn few(cases: u32) -> Config {
    let config = Config { failure_persistence: None, max_shrink_iters: 256, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config
    } else {
        Config { cases, rng_seed: RngSeed::Fixed(7), ..config }
    }
}
