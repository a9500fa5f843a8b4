//! Who does what: who is nearest, and assignment, beside the crates and methods that one would take for it.

mod assign;
mod explain;
mod nearest;
pub(crate) mod online;
mod rounds;
mod throughput;

use crate::{Measuring, figure::Figure};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const SUITE: &str = "dispatch";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) how: Measuring,
    /// Measure only figures whose names contain this; may be given several times.
    #[arg(long)]
    only: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Outcome<Vec<Figure>> {
    let quick = options.how.quick;
    let mut figures = Vec::new();
    let is_wanted =
        |name: &str| options.only.is_empty() || options.only.iter().any(|only| name.contains(only));
    let (few, many) = if quick { (300, 1_000) } else { (5_000, 20_000) };
    for (name, side, eligible, questions) in [
        ("nearest_1e4_10pct", 100, 100, many),
        ("nearest_1e4_rare", 100, 9, many),
        ("nearest_1e5_rare", 316, 9, few),
    ] {
        if is_wanted(name) {
            figures.extend(nearest::nearest(name, side, eligible, questions)?);
        }
    }
    if is_wanted("agent_move_ns") || is_wanted("agent_flip_ns") {
        figures.extend(nearest::moves(if quick { 3 } else { 21 }));
    }
    if is_wanted("explain") {
        figures.extend(explain::explain(if quick { 21 } else { 301 })?);
    }
    for (size, name) in [(1_000, "lap_dense_1000"), (2_000, "lap_dense_2000")] {
        if is_wanted(name) && !(quick && 1_000 < size) {
            figures.extend(assign::dense(name, size, if quick { 3 } else { 7 })?);
        }
    }
    if is_wanted("lap_sparse_1e4") {
        figures.extend(assign::sparse(if quick { 1 } else { 7 })?);
    }
    if is_wanted("dispatcher") {
        figures.extend(throughput::throughput(quick)?);
    }
    Ok(figures)
}
