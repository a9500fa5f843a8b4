//! Measured figures, and the safety kernel against an oracle and against all its small worlds.
//!
//! `cargo run --release -p sheepdog-bench -- SUITE [--quick] [--json]` measures. One line a figure: suite, name, value,
//! unit and, where there is one, a peer measured in the same run, interleaved with ours, and the ratio. With `--json`
//! one object a line. Every value is the median of several runs.
//!
//! `… -- oracle --cases N` compares decisions of the kernel with an independent oracle, and `… -- model --depth D` tries
//! every order of events in a small world. `… -- fuzz` changes maps and imports them, `… -- drills` plays every fault
//! on a robot in every state of motion, `… -- soak-traffic` plays planner and executor in a world that goes wrong, and
//! `… -- contract` holds the simulated driver to the contract tests, and shows that
//! they catch broken ones.
#![deny(unsafe_code)]

mod contract;
mod dispatch;
mod drills;
mod figure;
mod fuzz;
mod interlock;
mod ledger;
mod lifelong;
mod map;
mod memory;
mod model;
mod oracle;
mod pdptw;
mod sim;
mod sites;
mod soak;
mod traffic;

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use sheepdog_core::FleetTime;
use sheepdog_runtime::Clock;

use crate::figure::Figure;

/// Measure this machine, or try the safety kernel.
#[derive(Debug, Parser)]
#[command(
    name = "sheepdog-bench",
    after_help = "Example:\n  cargo run --release -p sheepdog-bench -- interlock"
)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Simulated seconds per second of the whole stack.
    Sim(Measuring),
    /// An hour of deliveries with two kinds of robots on public maps of buildings.
    Sites(sites::Options),
    /// Time of one interlock decision, and of putting it on file.
    Interlock(Measuring),
    /// Questions about rooms, walls and paths, beside the crates one would take for them.
    Map(map::Options),
    /// Who is nearest, and assignment, beside the crates and methods that one would take for it.
    Dispatch(dispatch::Options),
    /// How long tasks wait for robots, by policy.
    DispatchSim(Measuring),
    /// Changed maps through every importer: no panic, and memory in proportion to the input.
    Fuzz(fuzz::Options),
    /// Decisions of the safety kernel against an independent oracle.
    Oracle(oracle::Options),
    /// Every order of events in a small world of the safety kernel.
    Model(model::Options),
    /// Every fault of the catalogue on a robot in every state of motion.
    Drills(drills::Options),
    /// Pickups and deliveries with time windows, beside the best-known solutions.
    Pdptw(pdptw::Options),
    /// Errands without end on a grid, with delays: an instance of the League of Robot Runners.
    Lifelong(lifelong::Options),
    /// Plans for many robots on grids: one instance, or all shared ones.
    Traffic(traffic::Options),
    /// Planner and executor with late and dead robots, closures and a bad radio: no overlap, no deadlock.
    SoakTraffic(soak::Options),
    /// The contract tests on the simulated driver, and on every broken one.
    Contract(contract::Arguments),
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct Measuring {
    /// Shorter runs, for a check that the suite works; the figures are rougher.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match Args::parse().what {
        What::Sim(how) => print(sim::run(how.quick), how.json),
        What::Sites(options) => sites::run(&options),
        What::Interlock(how) => {
            let decisions = interlock::run(how.quick);
            let all = ledger::run(how.quick).map(|ledger| decisions.into_iter().chain(ledger).collect());
            print(all, how.json)
        }
        What::Map(options) => print(map::run(&options), options.how.json),
        What::Dispatch(options) => print(dispatch::run(&options), options.how.json),
        What::DispatchSim(how) => print(dispatch::online::run(how.quick), how.json),
        What::Fuzz(options) => fuzz::run(&options),
        What::Oracle(options) => oracle::run(options),
        What::Model(options) => model::run(options),
        What::Drills(options) => drills::run(options),
        What::Pdptw(options) => pdptw::run(&options),
        What::Lifelong(options) => lifelong::run(&options),
        What::Traffic(options) => traffic::run(&options),
        What::SoakTraffic(options) => soak::run(options),
        What::Contract(arguments) => contract::run_all(arguments),
    }
}

fn print(figures: Result<Vec<Figure>, Box<dyn std::error::Error>>, json: bool) -> ExitCode {
    match figures.and_then(|figures| figures.iter().try_for_each(|figure| figure.print(json))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the shared maps and instances are.
fn shared() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("SHEEPDOG_DATA").map_or(beside, PathBuf::from)
}

/// What some work gives, and how many seconds it takes.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Clock::starting_at(FleetTime::ZERO);
    let result = black_box(work());
    (result, begun.elapsed().as_secs_f64())
}

/// The median of some measurements; zero for none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Figure {
    fn print(&self, json: bool) -> Result<(), Box<dyn std::error::Error>> {
        if json {
            anstream::println!("{}", serde_json::to_string(self)?);
        } else {
            anstream::println!("{self}");
        }
        Ok(())
    }
}
