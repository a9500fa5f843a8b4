//! Every fault of the catalogue in every state of motion: what finds it, when, and how far the robot still goes.

use std::process::ExitCode;

use clap::Args;
use sheepdog_sim::FAULTS;
use sheepdog_testkit::drill::{Drill, Drilled, MotionState, Stop};

/// What to play.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// Every pair of faults as well, and only what breaks a promise of theirs.
    #[arg(long)]
    pairs: bool,
    /// Where noise comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What was played.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    drills: usize,
    /// Those in which every fault made a difference.
    effective: usize,
    broken: usize,
}

impl Tally {
    /// Plays a drill and says what it breaks.
    fn play(&mut self, drill: &Drill) -> Option<Drilled> {
        self.drills += 1;
        let drilled = drill.play().map_err(|error| anstream::eprintln!("sheepdog-bench: {error}"));
        let broken = match &drilled {
            Ok(drilled) if drilled.onset.is_none() => Some(format!("never {}", drill.state)),
            Ok(drilled) => drilled.keeps_its_promises(drill).err().map(|violation| violation.to_string()),
            Err(()) => Some("it cannot be played".to_owned()),
        };
        if let Some(broken) = broken {
            self.broken += 1;
            anstream::println!("BROKEN: {broken}");
        }
        let drilled = drilled.ok()?;
        self.effective += usize::from(drilled.effects.iter().all(Option::is_some));
        Some(drilled)
    }

    fn say(self, what: &str) {
        anstream::println!(
            "{what}: {} drills, every fault made a difference in {}, {} broke a promise",
            self.drills,
            self.effective,
            self.broken
        );
    }
}

/// Plays and reports.
pub(crate) fn run(options: Options) -> ExitCode {
    let mut single = Tally::default();
    anstream::println!(
        "{:<22} {:<9} {:>9}  {:<32} {:<10} {:>8} {:>8} {:>8} {:>8}  end",
        "fault",
        "state",
        "effect ms",
        "new rules, after ms",
        "stopped by",
        "after ms",
        "mm/s",
        "way mm",
        "at most"
    );
    for fault in FAULTS {
        for state in MotionState::ALL {
            let drill = Drill { faults: vec![*fault], state, seed: options.seed };
            if let Some(drilled) = single.play(&drill) {
                anstream::println!("{:<22} {state:<9} {}", fault.name, row(&drilled));
            }
        }
    }
    single.say("singles");
    if !options.pairs {
        return exit(single);
    }
    let mut pairs = Tally { broken: single.broken, ..Tally::default() };
    for (place, first) in FAULTS.iter().enumerate() {
        for second in FAULTS.iter().skip(place + 1) {
            for state in MotionState::ALL {
                pairs.play(&Drill { faults: vec![*first, *second], state, seed: options.seed });
            }
        }
    }
    pairs.say("pairs");
    exit(pairs)
}

fn exit(tally: Tally) -> ExitCode {
    if tally.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(drilled: &Drilled) -> String {
    let effect = drilled.effects.first().copied().flatten();
    let effect = effect.map_or_else(|| "-".to_owned(), |effect| effect.as_millis().to_string());
    // The three that came first; all are in the drill.
    let mut found: Vec<_> = drilled.found.iter().map(|(rule, after)| (after.as_millis(), rule)).collect();
    found.sort();
    let found: Vec<_> = found.iter().take(3).map(|(after, rule)| format!("{rule}@{after}")).collect();
    let stop = drilled.stop.map_or_else(
        || format!("{:<10} {:>8} {:>8} {:>8} {:>8}", "-", "-", "-", "-", "-"),
        |Stop { rule, after, speed, way, predicted }| {
            let (after, rule) = (after.as_millis(), rule.to_string());
            format!("{rule:<10} {after:>8} {:>8} {:>8} {:>8}", speed.0, way.0, predicted.0)
        },
    );
    format!("{effect:>9}  {:<32} {stop}  {:?}", found.join(" "), drilled.end)
}
