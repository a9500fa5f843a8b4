//! `sheepdog simulate`.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use sheepdog_core::{FleetTime, Sequential, Workers};
use sheepdog_runtime::{Clock, Pool};
use sheepdog_scenario::{DeliveryLoad, Setup, Summary, World, film};

use crate::{
    args::Simulate,
    map::load,
    problem::{Answer, Problem, write},
};

/// Ticks between two looks at the progress.
const LOOK_EVERY: u32 = 400;

pub(crate) fn run(args: &Simulate) -> Result<Answer, Problem> {
    let loaded = load(&args.map.path, &args.map.options)?;
    let setup = Setup::random_deliveries(
        &loaded.site,
        &loaded.options,
        usize::from(args.robots),
        usize::try_from(args.tasks).unwrap_or(usize::MAX),
        DeliveryLoad::default(),
        args.seed,
    )
    .map_err(|error| Problem::input(&args.map.path, error))?;
    let mut world = World::new(setup).map_err(|error| Problem::input(&args.map.path, error))?;
    if args.trace.is_some() {
        world = world.with_trace();
    }
    if args.svg.is_some() {
        world = world.with_film();
    }
    let clock = Clock::starting_at(FleetTime::ZERO);
    let workers: Box<dyn Workers> =
        if args.workers == 1 { Box::new(Sequential) } else { Box::new(Pool::new(usize::from(args.workers))) };
    drive(&mut world, workers.as_ref(), args)?;
    let wall = clock.now().since(FleetTime::ZERO).unwrap_or_default().as_secs_f64();
    let summary = Summary::of(&mut world, wall).map_err(|error| Problem::input(&args.map.path, error))?;
    save(&mut world, args)?;
    report(&world, &summary, args)?;
    let complete = summary.tasks_done == summary.tasks_requested;
    let sound = summary.overlaps == 0 && summary.ledger_ok && summary.unexplained_stops == 0;
    Ok(if complete && sound { Answer::Yes } else { Answer::No })
}

fn drive(world: &mut World, workers: &dyn Workers, args: &Simulate) -> Result<(), Problem> {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new(args.tasks.into())
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} tasks  {msg}") {
        bar.set_style(style);
    }
    let mut ticks = 0_u32;
    while !world.is_over() {
        world.step(workers).map_err(|error| Problem::input(&args.map.path, error))?;
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(LOOK_EVERY) && !bar.is_hidden() {
            bar.set_position(u64::try_from(world.fleet().stats().done).unwrap_or(0));
            bar.set_message(format!("{} simulated", world.now()));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn save(world: &mut World, args: &Simulate) -> Result<(), Problem> {
    if let Some(path) = &args.ledger {
        write(path, world.ledger())?;
    }
    if let (Some(path), Some(trace)) = (&args.trace, world.trace()) {
        write(path, trace.csv())?;
    }
    if let Some(path) = &args.svg {
        write(path, film(world))?;
    }
    Ok(())
}

fn report(world: &World, summary: &Summary, args: &Simulate) -> Result<(), Problem> {
    if args.json {
        let json = serde_json::to_string(summary).map_err(|error| Problem::Usage(error.to_string()))?;
        anstream::println!("{json}");
        return Ok(());
    }
    anstream::println!("{summary}");
    let open = Summary::open_tasks(world);
    if !open.is_empty() {
        anstream::println!("not done    {}", open.join(", "));
    }
    for path in [&args.ledger, &args.trace, &args.svg].into_iter().flatten() {
        anstream::println!("wrote       {}", path.display());
    }
    Ok(())
}
