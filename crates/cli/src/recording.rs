//! `sheepdog recording`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sheepdog_core::{FleetTime, Sequential};
use sheepdog_scenario::{Hope, Recording, Summary};

use crate::{
    args::{Outcome, RecordingCommand},
    files::{Sources, read},
    problem::{Answer, Problem},
};

pub(crate) fn run(command: &RecordingCommand) -> Result<Answer, Problem> {
    match command {
        RecordingCommand::Replay { path } => replay(path),
        RecordingCommand::At { path, seconds } => at(path, *seconds),
        RecordingCommand::Timeline { path } => timeline(path),
        RecordingCommand::Shrink { path, hope, out, test } => shrink(path, *hope, out, test.as_deref()),
    }
}

fn load(path: &Path) -> Result<Recording, Problem> {
    Recording::decode(&read(path)?).map_err(|error| Problem::input(path, error))
}

fn replay(path: &Path) -> Result<Answer, Problem> {
    let recording = load(path)?;
    let mut again = recording.replay(&Sequential).map_err(|error| Problem::input(path, error))?;
    let summary = Summary::of(&mut again.world, 0.0).map_err(|error| Problem::input(path, error))?;
    anstream::println!("{summary}");
    let Some(time) = again.differs_from else {
        anstream::println!("replay      the same to the last bit, {} long", recording.duration());
        return Ok(Answer::Yes);
    };
    anstream::println!("replay      DIFFERS from {time} on");
    Ok(match again.other_version {
        Some(other) => {
            anstream::println!("            it was recorded by {other}; a difference proves nothing then");
            Answer::None
        }
        None => Answer::No,
    })
}

fn at(path: &Path, seconds: f64) -> Result<Answer, Problem> {
    let recording = load(path)?;
    let time =
        Duration::try_from_secs_f64(seconds).ok().and_then(|time| u64::try_from(time.as_micros()).ok());
    let Some(poses) = time.and_then(|time| recording.at(FleetTime::from_micros(time))) else {
        let duration = recording.duration();
        return Err(Problem::Usage(format!(
            "{seconds} s is not within the recording, which is {duration} long"
        )));
    };
    for pose in poses {
        anstream::println!("{pose}");
    }
    Ok(Answer::Yes)
}

fn timeline(path: &Path) -> Result<Answer, Problem> {
    let told = load(path)?.timeline(&Sequential).map_err(|error| Problem::input(path, error))?;
    anstream::print!("{told}");
    Ok(Answer::Yes)
}

fn shrink(path: &Path, hope: Outcome, out: &Path, test: Option<&Path>) -> Result<Answer, Problem> {
    let sources = Sources::of([path]);
    sources.spare([out].into_iter().chain(test))?;
    if test.is_some_and(|test| test == out || test.parent() != out.parent()) {
        let (out, test) = (out.display(), test.unwrap_or(out).display());
        return Err(Problem::Usage(format!(
            "{test}: the test reads {out}, and has to be another file beside it"
        )));
    }
    let hope = Hope::from(hope);
    let least = load(path)?.shrink(hope, &Sequential).map_err(|error| Problem::input(path, error))?;
    let bytes = least.encode().map_err(|error| Problem::input(path, error))?;
    sources.write(out, bytes)?;
    anstream::println!("wrote       {}, {} long", out.display(), least.duration());
    if let Some(test) = test {
        let name = out.file_name().map(PathBuf::from).unwrap_or_default();
        sources.write(test, least.rust_test("the_run_goes_well", &name.to_string_lossy(), hope))?;
        anstream::println!("wrote       {}", test.display());
    }
    Ok(Answer::Yes)
}

impl From<Outcome> for Hope {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::NoOverlap => Self::NoOverlap,
            Outcome::EveryTaskDone => Self::EveryTaskDone,
            Outcome::EveryStopExplained => Self::EveryStopExplained,
            Outcome::LedgerHolds => Self::LedgerHolds,
        }
    }
}
