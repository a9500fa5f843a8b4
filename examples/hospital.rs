//! An hour in a small hospital: deliveries, a blind robot, a breakdown with a load, a patient, an emergency stop.
//!
//! Run with `cargo run --release --example hospital`; add `-- --robots 4 --seed 3 --break lift` (or `robot`, `radio`)
//! to change the story, `-- --out DIR` to choose where the files go. The story itself is `examples/hospital.toml`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use std::{collections::BTreeMap, error::Error, fs, path::PathBuf, process::ExitCode};

use sheepdog::fleet::{Entry, Record, explain_task};
use sheepdog::map::Site;
use sheepdog::scenario::{Event, Moment, Scenario, Setup, Summary, Victim, World, film};
use sheepdog::sim::{FaultKind, FaultTarget};
use sheepdog::vocabulary::{FleetTime, Micros, RuleId, Sequential, StopCategory};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hospital: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    // 1. What is asked for on the command line.
    let options = Options::parse(std::env::args().skip(1))?;

    // 2. The story and the building.
    let story = Scenario::from_toml(include_str!("hospital.toml"))?;
    let site = Site::from_toml(include_str!("../sites/hospital.toml"))?;
    let mut setup = story.setup(&site, options.robots, options.seed)?;
    if let Some(what) = &options.broken {
        setup.script.push(breakage(&setup, what)?);
    }
    println!(
        "{}: {} robots, {} people, seed {}",
        story.name,
        setup.plant.robots.len(),
        setup.plant.people.len(),
        setup.seed
    );

    // 3. One hour, simulated.
    let clock = sheepdog::runtime::Clock::starting_at(FleetTime::ZERO);
    let mut world = World::new(setup)?.with_film();
    world.run(&Sequential)?;
    let wall = clock.now().since(FleetTime::ZERO).unwrap_or_default().as_secs_f64();

    // 4. The figures: anyone can check them against the ledger.
    let summary = Summary::of(&mut world, wall)?;
    let entries = world.entries()?;
    println!("\n{summary}");
    println!("simulated   {:.0} s in {wall:.1} s", summary.sim_seconds);

    // 5. What happened beside the deliveries.
    println!("\nThe story");
    for line in chronicle(&entries) {
        println!("  {line}");
    }

    // 6. Why this robot?
    let task = world.task_named("medicine-1").ok_or("the first delivery is not known")?;
    let compiled = world.fleet().site().clone();
    println!("\nWhy this robot? The first delivery, from the ledger:");
    print!("{}", explain_task(&entries, &compiled, task).ok_or("the ledger does not know the task")?);

    // 7. Files to look at, and what to do with them.
    fs::create_dir_all(&options.out)?;
    let (svg, ledger) = (options.out.join("hospital.svg"), options.out.join("hospital.ledger"));
    fs::write(&svg, film(&world))?;
    fs::write(&ledger, world.ledger())?;
    println!("\nwrote {} (open it in a browser: the robots move)\nwrote {}", svg.display(), ledger.display());
    println!("\nNext, paste one of these:");
    let sheepdog = "cargo run --release -q -p sheepdog-cli --";
    println!("  {sheepdog} ledger explain {} --task medicine-2", ledger.display());
    println!("  {sheepdog} ledger replay {}", ledger.display());
    println!("  {sheepdog} map render sites/hospital.toml --out {}", options.out.join("map.svg").display());

    // 8. The story must have happened as told.
    check(&summary, &entries, &options)
}

/// What was asked for on the command line.
struct Options {
    robots: Option<usize>,
    seed: Option<u64>,
    broken: Option<String>,
    out: PathBuf,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { robots: None, seed: None, broken: None, out: PathBuf::from("out") };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            let not_a_number = |_| format!("{name} {value}: not a number");
            match name.as_str() {
                "--robots" => options.robots = Some(value.parse().map_err(not_a_number)?),
                "--seed" => options.seed = Some(value.parse().map_err(not_a_number)?),
                "--break" => options.broken = Some(value),
                "--out" => options.out = PathBuf::from(value),
                _ => {
                    return Err(
                        format!("unknown option {name}; there are --robots --seed --break --out").into()
                    );
                }
            }
        }
        Ok(options)
    }
}

/// One more thing that goes wrong, five minutes in and for two minutes.
fn breakage(setup: &Setup, what: &str) -> Result<(Micros, Event), Box<dyn Error>> {
    let (victim, kind) = match what {
        "lift" => {
            let lift = setup.site.lift_named("lift").ok_or("the site has no lift")?;
            (Victim::Target(FaultTarget::Lift(lift)), FaultKind::LiftStuck)
        }
        "robot" => (Victim::Robot(None, Moment::InCorridor), FaultKind::Breakdown),
        "radio" => (Victim::Target(FaultTarget::EveryAgent), FaultKind::RadioSilence),
        other => return Err(format!("--break {other}: lift, robot or radio").into()),
    };
    Ok((Micros::from_secs(300), Event::Fault { victim, duration: Some(Micros::from_secs(120)), kind }))
}

/// Everything that is not a delivery, in a line each.
fn chronicle(entries: &[Entry]) -> Vec<String> {
    let mut names = BTreeMap::new();
    let mut lines = Vec::new();
    for entry in entries {
        let line = match &entry.record {
            Record::Opened { config } => {
                names = config.agents.iter().map(|agent| (agent.id, agent.name.clone())).collect();
                continue;
            }
            Record::Stop { agent, event } if event.stopped => {
                let name = names.get(agent).map_or("?", String::as_str);
                let evidence = event.evidence;
                format!(
                    "{name} is stopped by {}: {} against {}",
                    evidence.rule, evidence.measured, evidence.limit
                )
            }
            Record::GateClosed { detail, .. } => format!("nobody is called yet: {detail}"),
            Record::GateOpened { evidence, .. } => {
                let readings: usize = evidence.iter().map(|evidence| evidence.readings.len()).sum();
                format!("{readings} readings agree: somebody is called")
            }
            Record::StopOrdered(order) => {
                format!("stop {} for {}, {}", order.generation, order.scope, order.category)
            }
            Record::StopRenumbered { was, order, .. } => {
                format!("stop {was} is in force as stop {} from now on", order.generation)
            }
            Record::Reset(order) => {
                format!("reset of stop {}: {:?} by person {}", order.generation, order.step, order.actor)
            }
            Record::Withdrawn { task, custody: Some(_), .. } => {
                format!("a person takes over the load of task {task}")
            }
            Record::FireAlarm { scope, source } => format!("fire alarm for {scope} by {source}"),
            Record::FireEnded { scope, by } => format!("fire alarm for {scope} ended by person {by}"),
            Record::Alert(alert) => format!("operator told: {}", alert.text),
            Record::Input(_)
            | Record::Refused { .. }
            | Record::Accepted { .. }
            | Record::Awarded { .. }
            | Record::Waiting { .. }
            | Record::Planned { .. }
            | Record::PlanRefused { .. }
            | Record::Released { .. }
            | Record::Held { .. }
            | Record::Barred { .. }
            | Record::Stop { .. }
            | Record::StepStarted { .. }
            | Record::StepDone { .. }
            | Record::Done { .. }
            | Record::Cancelled { .. }
            | Record::Withdrawn { .. }
            | Record::Agent { .. }
            | Record::Storage { .. }
            | Record::Lamp { .. }
            | Record::Approved { .. }
            | Record::Revert { .. } => continue,
        };
        lines.push(format!("{:>10}  {line}", entry.time.to_string()));
    }
    lines
}

/// Fails unless everything that the story promises is in the ledger.
fn check(summary: &Summary, entries: &[Entry], options: &Options) -> Result<(), Box<dyn Error>> {
    let any = |test: &dyn Fn(&Record) -> bool| entries.iter().any(|entry| test(&entry.record));
    let stopped_by = |rule: &str| {
        let rule = RuleId::new(rule);
        any(
            &|record| matches!(record, Record::Stop { event, .. } if event.stopped && event.evidence.rule == rule),
        )
    };
    let mut missing = Vec::new();
    let mut must = |fact: bool, what: &'static str| {
        if !fact {
            missing.push(what);
        }
    };
    must(summary.tasks_lost == 0, "no task is lost");
    must(summary.overlaps == 0, "no footprints overlap");
    must(summary.unexplained_stops == 0, "every decision is explained");
    must(summary.ledger_ok, "the ledger verifies and replays");
    must(stopped_by("OBS-001"), "a robot stops because it is not sure enough of what it sees");
    must(stopped_by("EST-001"), "robots on the first floor stop when told");
    must(any(&|record| matches!(record, Record::GateOpened { .. })), "two readings that agree call a nurse");
    must(
        any(&|record| matches!(record, Record::StopOrdered(order) if order.category == StopCategory::One)),
        "the level is stopped",
    );
    if options.broken.is_none() && options.robots.is_none() {
        must(
            any(&|record| matches!(record, Record::Withdrawn { custody: Some(_), .. })),
            "a person takes over a load",
        );
        must(summary.tasks_done == summary.tasks_requested, "every task is done");
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("the story did not happen as told: {}", missing.join("; ")).into())
    }
}
