//! One-shot plans for thousands of robots on grids: from everybody's start to everybody's goal, all at once.
//!
//! * [`Grid`]: a grid and its trips, read from the files of the `MovingAI` benchmarks.
//! * [`Instance`]: who is next to whom, and where everybody goes.
//! * [`Search`]: a search through configurations whose steps come from priority inheritance with backtracking. It is
//!   complete: it finds a plan where there is one, and says so where there is none.
//! * [`Refiner`]: makes a plan better for as long as somebody lets it, on all cores.
//!
//! All parts keep one rule, the one of the executor's dependency graph: the moves of a step can be carried out one after the other,
//! each into a place that is free by then. Robots may follow each other, and neither swap nor rotate in a cycle. All work is
//! counted in steps and rounds, and the same count gives the same plan on every machine and any number of workers.
//! Nothing here reads a clock.
//!
//! Robots claim the vertex at which they are. Footprints that claim more, on the roadmap of a site, are what
//! [`Planner`](crate::Planner) is for. [`Instance::site`] and [`Solution::plan`] hand a plan to the
//! [`Executor`](crate::Executor).

mod draft;
mod execute;
mod fields;
mod grid;
mod instance;
mod lanes;
mod pibt;
mod picture;
mod refine;
mod search;
mod sipp;
mod solution;
#[cfg(test)]
mod tests;

pub use grid::{Cell, Grid, GridError, GridRule, Trip};
pub use instance::{Instance, InstanceError};
pub use picture::{PictureError, film, heat_map};
pub use refine::Refiner;
pub use search::{FIELD_BYTES, Search};
pub use solution::{Costs, Infeasible, Outcome, Solution};
