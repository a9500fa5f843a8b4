//! Checks plans of many robots on a `MovingAI` grid, and counts what they cost.
//!
//! The crate uses the standard library alone. It has no line in common with the planner, so that both cannot be wrong
//! in the same way. [`Grid::parse`], [`parse_agents`] and [`Plan::parse`] read the three files, [`check`] carries the
//! plan out. The binary `sheepdog-validate MAP SCEN N PLAN` does all of that.
//!
//! A plan is valid when every robot goes from its start to its goal and rests there at the end, never stands in a wall
//! or off the map, never shares a cell, and no robots change places in a cycle. A robot may enter the cell that another
//! leaves in the same step (*following*). A cycle of two is a *swap*, one of three or more a *rotation*: on a grid the
//! latter meets nobody, but robots that wait for each other's cell to be left would wait for ever.
//!
//! ```
//! use sheepdog_validate::{Grid, Plan, check, parse_agents};
//!
//! let grid = Grid::parse(b"type octile\nheight 1\nwidth 3\nmap\n...\n")?;
//! let agents = parse_agents(b"version 1\n0\tm.map\t3\t1\t0\t0\t2\t0\t2\n", &grid, 1)?;
//! let plan = Plan::parse(b"sheepdog-plan 1\nagents 1 makespan 3\nE.E\n", 1)?;
//! let figures = check(&grid, &agents, &plan)?;
//! assert_eq!((figures.makespan, figures.sum_of_costs, figures.sum_of_loss), (3, 3, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod check;
mod input;
#[cfg(test)]
mod tests;

pub use check::{Fault, Figures, check};
pub use input::{Agent, Cell, Grid, InputError, Plan, parse_agents};
