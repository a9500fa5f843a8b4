//! Planner and executor in a world that goes wrong, at length.

use std::process::ExitCode;

use clap::Args;
use sheepdog_core::Sequential;
use sheepdog_runtime::Pool;
use sheepdog_testkit::soak::{Order, survey};

use crate::timed;

/// Which cases to play.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// How many cases.
    #[arg(long, default_value_t = 10_000)]
    cases: u64,
    /// Other seeds are other cases.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads to share the cases among; the result is the same for every number.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Never let anybody go before whom the plan lets go first.
    #[arg(long)]
    keep_order: bool,
}

/// Plays the cases and reports. It fails when something happened that should not, and when the cases were too easy.
pub(crate) fn run(Options { cases, seed, threads, keep_order }: Options) -> ExitCode {
    let order = if keep_order { Order::Planned } else { Order::Overtaking };
    let (tally, seconds) = timed(|| {
        if threads <= 1 {
            survey(seed, cases, order, &Sequential)
        } else {
            survey(seed, cases, order, &Pool::new(threads))
        }
    });
    if let Some(finding) = tally.finding() {
        anstream::println!("{finding}");
    }
    let (report, fine) = tally.report();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rate = cases as f64 / seconds;
    anstream::println!("{report}; {rate:.0} cases a second");
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
