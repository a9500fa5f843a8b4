//! `sheepdog-validate MAP SCEN N PLAN`: checks a plan for the first N robots of a scenario.
//!
//! Exit codes: 0 the plan is valid; 1 it is not; 2 a file is bad or cannot be read, or the arguments are wrong.
#![forbid(unsafe_code)]

use std::{env, fs, io, process::ExitCode};

use sheepdog_validate::{Fault, Figures, Grid, Plan, check, parse_agents};

const USAGE: &str = "sheepdog-validate MAP SCEN N PLAN

MAP   a MovingAI grid
SCEN  a MovingAI scenario; its first N lines are the robots
PLAN  what they do:
        sheepdog-plan 1
        agents N makespan T
        one line a robot, one letter a step: E x+1, W x-1, S y+1, N y-1, . waits

Rows grow downwards; waits at the end of a line may be left out. Exit code 0: valid, 1: not valid, 2: bad input.";

fn main() -> ExitCode {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return say(io::stdout(), USAGE, 0);
    }
    match judge(&arguments) {
        Ok(Ok(figures)) => say(io::stdout(), &format!("valid: {figures}"), 0),
        Ok(Err(fault)) => say(io::stdout(), &format!("invalid: {fault}"), 1),
        Err(what) => say(io::stderr(), &format!("sheepdog-validate: {what}"), 2),
    }
}

/// Whoever does not read what is said still gets the exit code.
fn say(mut to: impl io::Write, what: &str, code: u8) -> ExitCode {
    writeln!(to, "{what}").map_or(ExitCode::from(code), |()| ExitCode::from(code))
}

/// Reads the files and checks the plan. The outer error is bad input.
fn judge(arguments: &[String]) -> Result<Result<Figures, Fault>, String> {
    let [map, scenario, count, plan] = arguments else {
        return Err(format!("{} arguments, there must be 4\n\n{USAGE}", arguments.len()));
    };
    let agents = count.parse::<u32>().ok().filter(|&count| 0 < count);
    let agents = agents.ok_or_else(|| format!("N: {count:?} is not a number from 1 to {}", u32::MAX))?;
    let read = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
    let grid = Grid::parse(&read(map)?).map_err(|error| format!("{map}: {error}"))?;
    let agents = parse_agents(&read(scenario)?, &grid, agents as usize)
        .map_err(|error| format!("{scenario}: {error}"))?;
    let text = read(plan)?;
    let moves = Plan::parse(&text, agents.len()).map_err(|error| format!("{plan}: {error}"))?;
    Ok(check(&grid, &agents, &moves))
}
