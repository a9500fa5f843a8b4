//! The `sheepdog` command.
//!
//! Exit codes: 0 all is well; 1 the answer is "no" (tasks left, ledger damaged, replay differs); 2 wrong arguments;
//! 3 an input file is bad; 4 a file cannot be read or written; 5 there is no answer (another version wrote the ledger).
#![forbid(unsafe_code)]

mod args;
mod files;
mod interlock;
mod ledger;
mod map;
mod problem;
mod recording;
mod robot;
mod simulate;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::{Command, Sheepdog},
    problem::Answer,
};

fn main() -> ExitCode {
    let result = match Sheepdog::parse().command {
        Command::Simulate(args) => simulate::run(&args),
        Command::Map(command) => map::run(&command),
        Command::Ledger(command) => ledger::run(&command),
        Command::Interlock(command) => interlock::run(&command),
        Command::Recording(command) => recording::run(&command),
    };
    match result {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::None) => ExitCode::from(5),
        Err(problem) => {
            anstream::eprintln!("sheepdog: {problem}");
            ExitCode::from(problem.exit_code())
        }
    }
}
