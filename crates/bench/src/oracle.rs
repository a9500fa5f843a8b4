//! The safety kernel against an independent, plain oracle, at length.

use std::process::ExitCode;

use clap::Args;
use sheepdog_core::Sequential;
use sheepdog_runtime::Pool;
use sheepdog_testkit::kernel::survey;

/// Which scenes to play.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// How many scenes of 12 to 48 decisions.
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// Other seeds are other scenes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads to share the scenes among; the result is the same for every number.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// Plays the scenes and reports. It fails on the first disagreement, and when a rule or a boundary did not have its share.
pub(crate) fn run(Options { cases, seed, threads }: Options) -> ExitCode {
    let tally = if threads <= 1 {
        survey(seed, cases, &Sequential)
    } else {
        survey(seed, cases, &Pool::new(threads))
    };
    if let Some(disagreement) = tally.disagreement() {
        anstream::println!("{disagreement}");
        return ExitCode::FAILURE;
    }
    let (report, complete) = tally.report();
    anstream::println!("{report}");
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
