//! The contract tests at length: the simulated driver has to pass them, and every broken one to be caught.

use std::process::ExitCode;

use clap::Args;
use sheepdog_testkit::contract::{
    Case, Check, Course, Limits, Options, Simulated, Verdict,
    broken::{Broken, Lie},
    rehearse, run,
};

/// How much to play.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Arguments {
    /// Random cases of each kind, pairs and triples.
    #[arg(long, default_value_t = 10_000)]
    cases: u64,
    /// Other seeds are other cases.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The checks alone, without the broken drivers.
    #[arg(long)]
    tiers_only: bool,
}

/// A liar has to be caught within so many cases,
const CASES: u64 = 256;
/// and with at most so many acts.
const ACTS: usize = 10;

/// Plays and reports.
pub(crate) fn run_all(arguments: Arguments) -> ExitCode {
    match play(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(Arguments { cases, seed, tiers_only }: Arguments) -> Result<bool, String> {
    let course = Course::standard()?;
    let limits = Limits::SIMULATED;
    let mut sound = true;
    let mut robot = Simulated::new(&course)?;
    let options = Options { cases, seed, ..Options::STANDARD };
    for check in Check::ALL {
        let outcome = run(check, &mut robot, &course, &limits, options);
        let (tier, name, runs) = (check.tier().to_string(), check.name(), outcome.runs);
        let verdict = match &outcome.verdict {
            Verdict::Pass => "pass".to_owned(),
            Verdict::Fail(failure) => format!("FAIL\n{failure}"),
            Verdict::Incomplete(what) => format!("INCOMPLETE {what:?}"),
        };
        sound &= matches!(outcome.verdict, Verdict::Pass);
        let worst = outcome.margins.iter().map(|margin| margin.measured / margin.limit).fold(0.0, f64::max);
        anstream::println!("{tier:<20} {name:<30} {runs:>7} runs, worst margin used {worst:.2}: {verdict}");
    }
    if tiers_only {
        return Ok(sound);
    }
    let (mut caught, mut most_cases, mut most_acts) = (0, 0, 0);
    for lie in Lie::ALL {
        let mut liar = Broken::new(Simulated::new(&course)?, *lie, &course);
        let found = (0..CASES).find_map(|number| {
            let case = Case::draw(seed, number);
            let breach = rehearse(&mut liar, &course, &limits, &case).breach?;
            Some((number + 1, case, breach.promise))
        });
        let Some((number, case, promise)) = found else {
            anstream::println!("{lie:?}: NOT CAUGHT in {CASES} cases");
            continue;
        };
        let least = case.shrink(|case| {
            let breach = rehearse(&mut liar, &course, &limits, case).breach;
            breach.is_some_and(|breach| breach.promise == promise)
        });
        anstream::println!("{lie:?}: {promise} in case {number}, shrunk to {} acts", least.acts.len());
        (most_cases, most_acts) = (most_cases.max(number), most_acts.max(least.acts.len()));
        caught += usize::from(least.acts.len() <= ACTS);
    }
    anstream::println!(
        "{caught} of {} broken drivers caught; at most {most_cases} cases and {most_acts} acts needed",
        Lie::ALL.len()
    );
    Ok(sound && caught == Lie::ALL.len())
}
