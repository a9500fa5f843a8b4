//! Measured figures: `cargo run --release -p sheepdog-bench -- SUITE [--quick] [--json]`.
//!
//! One line a figure: suite, name, value, unit and, where there is one, a peer measured in the same run, interleaved
//! with ours, and the ratio. With `--json` one object a line. Every value is the median of several runs.
#![forbid(unsafe_code)]

mod figure;
mod interlock;
mod ledger;
mod sim;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::figure::Figure;

/// Measure this machine with one suite.
#[derive(Debug, Parser)]
#[command(
    name = "sheepdog-bench",
    after_help = "Example:\n  cargo run --release -p sheepdog-bench -- interlock"
)]
struct Args {
    /// What to measure.
    suite: Suite,
    /// Shorter runs, for a check that the suite works; the figures are rougher.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Suite {
    /// Simulated seconds per second of the whole stack.
    Sim,
    /// Time of one interlock decision, and of putting it on file.
    Interlock,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let figures = match args.suite {
        Suite::Sim => sim::run(args.quick),
        Suite::Interlock => ledger::run(args.quick).map(|ledger| {
            let decisions = interlock::run(args.quick);
            decisions.into_iter().chain(ledger).collect()
        }),
    };
    match figures.and_then(|figures| figures.iter().try_for_each(|figure| figure.print(args.json))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            ExitCode::FAILURE
        }
    }
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
