//! The report of all three tiers for the simulated driver: HTML, JSON and `JUnit`, and what it says, which is first of all
//! that nothing is certified.
//!
//! ```sh
//! cargo run --release --example certification             # into target/contract-report
//! cargo run --release --example certification -- FOLDER
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use std::{env, path::PathBuf, process::ExitCode};

use sheepdog_testkit::contract::{Course, Limits, Options, Report, Simulated, Tier, Verdict};

fn main() -> ExitCode {
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from("target/contract-report"), PathBuf::from);
    match report(&folder) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn report(folder: &std::path::Path) -> Result<bool, String> {
    let course = Course::standard()?;
    let mut robot = Simulated::new(&course)?;
    let options = Options { cases: 200, ..Options::STANDARD }.with_environment();
    let report = Report::of("the simulated robot", &mut robot, &course, &Limits::SIMULATED, options);
    println!("not certified: no test replaces an assessment by people who answer for it");
    for tier in [Tier::Functional, Tier::Failures, Tier::Explained] {
        println!("{tier}: {}", report.verdict(tier));
        for outcome in report.outcomes.iter().filter(|outcome| outcome.check.tier() == tier) {
            let verdict = match &outcome.verdict {
                Verdict::Pass => "pass".to_owned(),
                Verdict::Fail(failure) => format!("fail\n{failure}"),
                Verdict::Incomplete(what) => format!("incomplete, {} could not be tried", what.len()),
            };
            println!("  {:<32} {:>5} runs  {verdict}", outcome.check.name(), outcome.runs);
        }
    }
    report.write(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("written to {}: contract.html, contract.json, contract.xml", folder.display());
    Ok(report.has_passed())
}
