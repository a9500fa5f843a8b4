//! Contract tests: what every driver of a robot promises to the fleet and to the people beside it, tried on yours.
//!
//! A driver is whatever runs on a robot: it takes the fleet's messages, moves, and reports. Implement [`DriverUnderTest`]
//! for yours, say in [`Limits`] what it declares, and let [`driver_contract!`](crate::driver_contract) make the tests. The
//! kit plays the fleet: it releases lanes, stops, resets, orders work, breaks things, and looks on at every tick. What it
//! looks for is in [`PROMISES`].
//!
//! Three tiers, each of several [`Check`]s:
//! 1. functional logic: the confidence threshold to the part per million, every rule that can be reached from outside, the
//!    interlock in this build against a plain one, and random [`Case`]s;
//! 2. failure modes: every fault of [`sheepdog_sim::FAULTS`] in every state of motion, pairs, and random triples;
//! 3. explainability: every action has a rule whose evidence holds, what was recorded replays, tampering is found.
//!
//! A check ends as [`Verdict::Pass`], [`Verdict::Fail`] or [`Verdict::Incomplete`]: a driver that cannot have a fault
//! injected has not passed the check that needed it. A failing case is shrunk and comes with the one line that plays it
//! again.
//!
//! No test replaces an assessment by people who answer for it: whatever comes out here, the robot is not certified.

pub mod broken;
mod bundle;
mod case;
mod checks;
mod course;
mod driver;
mod failure;
mod judge;
mod macros;
mod rehearsal;
mod report;
mod rig;
mod simulated;
mod site;

pub use bundle::{Bundle, Replayed};
pub use case::{Act, Case, Condition, Deed};
pub use checks::{Check, Margin, Options, Outcome, RULES_FROM_OUTSIDE, Tier, Verdict, run};
pub use course::Course;
pub use driver::{DriverUnderTest, Injection, Limits, Observed, Pace, Support};
pub use failure::Failure;
pub use judge::{Breach, PROMISES};
pub use macros::{ContractError, play};
pub use rehearsal::{Rehearsed, rehearse};
pub use report::Report;
pub use rig::Rig;
pub use simulated::Simulated;
pub use site::{SiteCheck, SiteFailure, SiteTerms, check_site};
