//! Lifelong errands on a grid with delays: the files of the League of Robot Runners, played in our own simulator.
//!
//! What is taken over from the files: the map, where robots start, tasks as lists of errands in order, how many tasks are
//! known at once, how many ticks an action takes, the side of a robot, and delays. Robots head east at first; a quarter turn
//! and a move to the next cell are an action each. A delay keeps a robot for some ticks from making progress, also in the
//! middle of an action; nobody knows of a delay before the tick is over.
//!
//! [`mod@check`] looks at the squares of all robots in every tick and at the middle of it, and shares no code with the planner.

mod assign;
mod check;
mod delay;
mod instance;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use serde::Serialize;
use sheepdog_traffic::lifelong::{CellId, Command, Floor, Heading, Lifelong};

use self::{
    assign::{Desk, Fields},
    check::Truth,
    delay::Delays,
    instance::Instance,
};
use crate::{median, timed};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// An instance of the League of Robot Runners (JSON); the files that it names lie beside it.
    #[arg(long)]
    instance: PathBuf,
    /// How many ticks to play.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    ticks: u32,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
struct Report {
    instance: String,
    robots: usize,
    ticks: u32,
    /// Tasks of which every errand was run.
    tasks: usize,
    errands: usize,
    /// Ticks that robots lost by delays.
    delayed_ticks: u64,
    /// Pairs of squares that overlapped, and squares in walls or off the map; by tick.
    conflicts: u64,
    /// Milliseconds for the goals and commands of one tick.
    plan_p50_ms: f64,
    plan_p99_ms: f64,
    plan_max_ms: f64,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    match play(options) {
        Ok(report) => {
            report.print(options.json);
            if report.conflicts == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(options: &Options) -> Result<Report, Box<dyn std::error::Error>> {
    let instance = Instance::read(&options.instance)?;
    let floor = Arc::new(Floor::new(instance.map.width, &instance.map.free)?.with_streams());
    let cell = |place: usize| floor.cell(place).ok_or_else(|| format!("cell {place} is not free"));
    let starts: Vec<CellId> = instance.starts.iter().map(|&place| cell(place)).collect::<Result<_, _>>()?;
    let headed: Vec<(CellId, Heading)> = starts.iter().map(|&start| (start, Heading::East)).collect();
    let mut robots = Lifelong::new(Arc::clone(&floor), instance.ticks_per_action, &headed)?;
    let tasks: Result<Vec<Vec<CellId>>, String> =
        instance.tasks.iter().map(|task| task.iter().map(|&place| cell(place)).collect()).collect();
    let mut desk = Desk::new(&floor, instance.map.width, tasks?, starts.len(), instance.known);
    let mut fields = Fields::new(&floor);
    let mut truth = Truth::new(&instance);
    let mut delays = Delays::new(&instance.delays, starts.len());
    let mut planning = Vec::new();
    let (mut conflicts, mut delayed_ticks) = (0, 0);
    for _ in 0..options.ticks {
        let (commands, seconds) = timed(|| {
            desk.assign(&mut robots, &mut fields);
            robots.commands().to_vec()
        });
        planning.push(1e3 * seconds);
        let late = delays.next_tick();
        delayed_ticks += late.iter().filter(|late| **late).count() as u64;
        let progress: Vec<Command> = commands
            .iter()
            .zip(late)
            .map(|(&command, &late)| if late { Command::Hold } else { command })
            .collect();
        conflicts += truth.advance(&progress);
        for (robot, &command) in progress.iter().enumerate() {
            if command != Command::Hold {
                robots.progressed(robot);
            }
            // The errand counts where the robot really is.
            if let Some(place) = truth.rests_at(robot) {
                desk.arrived(robot, floor.cell(place));
            }
        }
    }
    planning.sort_by(f64::total_cmp);
    let name = options.instance.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Report {
        instance: name,
        robots: starts.len(),
        ticks: options.ticks,
        tasks: desk.finished(),
        errands: desk.errands(),
        delayed_ticks,
        conflicts,
        plan_p99_ms: planning.get(planning.len() * 99 / 100).copied().unwrap_or(0.0),
        plan_max_ms: planning.last().copied().unwrap_or(0.0),
        plan_p50_ms: median(planning),
    })
}

impl Report {
    fn print(&self, json: bool) {
        let Self { instance, robots, ticks, tasks, errands, delayed_ticks, conflicts, .. } = self;
        if json && let Ok(object) = serde_json::to_string(self) {
            anstream::println!("{object}");
            return;
        }
        anstream::println!(
            "{instance}: {robots} robots, {ticks} ticks, {delayed_ticks} lost by delays: {tasks} tasks finished, \
             {errands} errands, {conflicts} conflicts; planning {:.3} ms a tick, p99 {:.3} ms, at most {:.1} ms",
            self.plan_p50_ms,
            self.plan_p99_ms,
            self.plan_max_ms,
        );
    }
}
