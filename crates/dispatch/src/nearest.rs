//! Who of many is there first, over roads whose times change while one asks.
//!
//! * [`TravelOracle`]: all below together for a compiled site and several travel profiles at once, with congestion, closed
//!   lanes and waits for doors and lifts that change at any time; also times between places.
//! * [`Roads`]: the lanes of one travel profile in whole milliseconds; closing one or changing its time takes constant time.
//! * [`Standings`]: where agents are, or will be and when; a move takes constant time.
//! * [`AgentSet`]: who may go at all; intersections take nanoseconds.
//! * [`Finder`]: the nearest of a set to a place, exactly. Where many may go, a search backwards from the place ends at the
//!   first of them. Where few may go, lower bounds from [`Anchors`] say who cannot be first, and a directed search finds
//!   how far the others have. Both give the same answer; a rule of density chooses.
//!
//! ```
//! use sheepdog_dispatch::nearest::{AgentSet, Finder, Found, Roads, Standings};
//!
//! // Two rooms on a corridor of three places, a second apart; the corridor is one-way.
//! let lanes = [(0, 1, 1_000), (1, 2, 1_000), (2, 0, 5_000)];
//! let mut roads = Roads::new(3, &lanes)?;
//! let mut standings = Standings::new(3);
//! standings.place(7, &[(0, 0)]);
//! standings.place(9, &[(1, 250)]);
//! let everybody = AgentSet::from_iter([7, 9]);
//! let mut finder = Finder::new();
//! assert_eq!(finder.nearest(&roads, &standings, &everybody, 2, 1), [Found { time_ms: 1_250, agent: 9 }]);
//! // The lane ahead of the second is closed: it goes nowhere, and the first neither.
//! roads.set(1, None);
//! assert!(finder.nearest(&roads, &standings, &everybody, 2, 1).is_empty());
//! # Ok::<(), sheepdog_dispatch::nearest::RoadError>(())
//! ```

mod agents;
mod anchors;
mod finder;
mod oracle;
mod roads;

pub use self::{
    agents::{AgentSet, Standings},
    anchors::Anchors,
    finder::{Finder, Found},
    oracle::{CONGESTION_MAX, TravelError, TravelOracle},
    roads::{RoadError, Roads},
};

/// The longest time of a lane: twelve days.
pub const LANE_MS_MAX: u32 = 1 << 30;
/// Agents have numbers below this: a million. They are places in tables, so use the lowest.
pub const AGENTS_MAX: u32 = 1 << 20;
/// The most places: sixteen million.
pub const PLACES_MAX: u32 = 1 << 24;
