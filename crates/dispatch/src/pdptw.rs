//! Pickups and deliveries with time windows: which vehicle takes what, in which order.
//!
//! A [`Problem`] holds vehicles, stops, pairs and two matrices; [`solve`] gives a [`Solution`] that keeps every capacity
//! and every window, whatever the budget. [`Problem::check`] says so, too, with other code. Costs are compared in this
//! order: pairs unserved, vehicles used, distance driven ([`Cost`]).
//!
//! The budget is a number of steps. The same problem, seed and steps give the same bytes on every machine; more steps
//! never make it worse. Integers only. Where steps are bought with time, [`Search`] is stopped between two of them.
//!
//! It begins with regret insertion; then come, by turns, an ejection search that empties routes (Nagata and Kobayashi
//! 2010), and a search in large neighbourhoods that shortens ways (Ropke and Pisinger 2006; Christiaens and Vanden
//! Berghe 2020).

mod check;
mod fleet;
mod plan;
mod problem;
mod recreate;
mod ruin;
mod search;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::{
    check::Fault,
    problem::{Matrix, Pair, PairId, Problem, ProblemError, STOPS_MAX, Stop, StopId, VALUE_MAX, Vehicles},
    search::Search,
};

/// Where all vehicles start and end: row and column 0 of the matrices.
pub const DEPOT: StopId = StopId(0);

/// How long to look, and where chance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where chance comes from.
    pub seed: u64,
    /// The budget. A step takes some ten to some hundred microseconds with a hundred pairs.
    pub steps: u64,
}

/// Routes that keep every rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solution {
    /// The stops of each vehicle in their order, without the depot; no route is empty.
    pub routes: Vec<Vec<StopId>>,
    /// Pairs that no vehicle serves, in order.
    pub unserved: Vec<PairId>,
    /// The distance of all routes together, from the depot and back.
    pub distance: i64,
}

/// What a solution costs; the first difference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cost {
    /// Pairs that no vehicle serves.
    pub unserved: usize,
    /// Vehicles that leave the depot.
    pub vehicles: usize,
    /// The distance of all routes together.
    pub distance: i64,
}

/// Searches for so many steps.
///
/// Zero steps already give routes that keep every rule.
///
/// ```
/// use sheepdog_dispatch::pdptw::{Pair, Problem, Settings, Stop, StopId, Vehicles, solve};
/// // A pharmacy 60 s from the depot, a ward 30 s further on; the ward wants it between 100 s and 120 s.
/// let vehicles = Vehicles { count: 1, capacity: 1, ready: 0, due: 1_000 };
/// let pharmacy = Stop { demand: 1, ready: 0, due: 1_000, service: 5 };
/// let ward = Stop { demand: -1, ready: 100, due: 120, service: 5 };
/// let pair = Pair { pickup: StopId(1), delivery: StopId(2) };
/// let way = [0, 60, 90, 60, 0, 30, 90, 30, 0];
/// let problem = Problem::new(vehicles, &[pharmacy, ward], &[pair], &way, &way)?;
/// let solution = solve(&problem, &Settings { seed: 1, steps: 10 });
/// assert_eq!(solution.routes, [[StopId(1), StopId(2)]]);
/// assert_eq!(solution.distance, 60 + 30 + 90);
/// # Ok::<(), sheepdog_dispatch::pdptw::ProblemError>(())
/// ```
pub fn solve(problem: &Problem, settings: &Settings) -> Solution {
    let mut search = Search::new(problem, settings.seed);
    for _ in 0..settings.steps {
        search.step();
    }
    search.best()
}
