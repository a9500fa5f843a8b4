//! `sheepdog simulate`.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use sheepdog_core::{AgentId, FleetTime, RobotTime, Sequential, Workers};
use sheepdog_interlock::BootNonce;
use sheepdog_ledger::SaltKey;
use sheepdog_runtime::{Clock, Disk, Pool, RobotHeader, RobotStore, StoreError, StoreOptions};
use sheepdog_scenario::{DeliveryLoad, Origin, Setup, Summary, World, film};

use crate::{
    args::Simulate,
    files::Sources,
    map::load,
    problem::{Answer, Problem},
};

/// Ticks between two looks at the progress.
const LOOK_EVERY: u32 = 400;

/// Decisions that wait for a robot's store, which is emptied at every tick.
const RING: usize = 64;

pub(crate) fn run(args: &Simulate) -> Result<Answer, Problem> {
    let loaded = load(&args.map.path, &args.map.options)?;
    let outs = [&args.ledger, &args.trace, &args.svg, &args.record].into_iter().flatten();
    loaded.sources.spare(outs.map(PathBuf::as_path))?;
    if let Some(note) = &loaded.generated {
        // Not among the figures, which may be JSON.
        anstream::eprintln!("note: {note}");
    }
    let setup = Setup::random_deliveries(
        &loaded.site,
        &loaded.options,
        usize::from(args.robots),
        usize::try_from(args.tasks).unwrap_or(usize::MAX),
        DeliveryLoad::default(),
        args.seed,
    )
    .map_err(|error| Problem::input(&args.map.path, error))?;
    let mut world = if args.record.is_some() {
        World::recorded(origin(args, &setup)).map_err(|error| Problem::input(&args.map.path, error))?
    } else {
        World::new(setup).map_err(|error| Problem::input(&args.map.path, error))?
    };
    if args.trace.is_some() {
        world = world.with_trace();
    }
    if args.svg.is_some() {
        world = world.with_film();
    }
    let clock = Clock::starting_at(FleetTime::ZERO);
    let workers: Box<dyn Workers> =
        if args.workers == 1 { Box::new(Sequential) } else { Box::new(Pool::new(usize::from(args.workers))) };
    let mut stores = match &args.robot_ledgers {
        Some(folder) => keep_ledgers(&mut world, folder)?,
        None => Vec::new(),
    };
    drive(&mut world, workers.as_ref(), args, &mut stores)?;
    for (store, clock) in stores.into_iter().zip(clocks(&world)) {
        store.close(clock).map_err(|error| ledger_problem(args, &error))?;
    }
    let wall = clock.now().since(FleetTime::ZERO).unwrap_or_default().as_secs_f64();
    let summary = Summary::of(&mut world, wall).map_err(|error| Problem::input(&args.map.path, error))?;
    save(&mut world, args, &loaded.sources)?;
    report(&world, &summary, args)?;
    let complete = summary.tasks_done == summary.tasks_requested;
    let sound = summary.overlaps == 0
        && summary.misplaced_loads == 0
        && summary.ledger_ok
        && summary.unexplained_stops == 0;
    Ok(if complete && sound { Answer::Yes } else { Answer::No })
}

/// What the run begins with, on file.
fn origin(args: &Simulate, setup: &Setup) -> Origin {
    let DeliveryLoad { payload_g, load, unload } = DeliveryLoad::default();
    Origin::Deliveries {
        header: Box::new(setup.header.clone()),
        robots: args.robots.into(),
        tasks: args.tasks,
        load: (payload_g, load, unload),
        seed: args.seed,
    }
}

/// Gives every robot a ledger of its own, in the order of the plant.
fn keep_ledgers(world: &mut World, folder: &Path) -> Result<Vec<RobotStore>, Problem> {
    let site = world.setup().site.version();
    let robots: Vec<_> = world.plant().robots().collect();
    let mut stores = Vec::new();
    for (agent, config, _) in robots {
        let path = robot_folder(folder, agent);
        let disk = Disk::create(&path).map_err(|error| Problem::Io { path: path.clone(), error })?;
        // Robots of the plant boot once, and count from zero.
        let header = RobotHeader::new(agent, BootNonce(0), config, site);
        let opened = RobotStore::open(Box::new(disk), &header, SaltKey::PUBLIC, RING, StoreOptions::KEEP_ALL);
        let (tap, store) = opened.map_err(|error| Problem::input(&path, error))?;
        world.plant_mut().keep_log(agent, Box::new(tap));
        stores.push(store);
    }
    Ok(stores)
}

/// What the robots' clocks show, in the order of the plant.
fn clocks(world: &World) -> impl Iterator<Item = RobotTime> {
    world.plant().robots().map(|(_, _, clock)| clock)
}

fn ledger_problem(args: &Simulate, error: &StoreError) -> Problem {
    Problem::input(args.robot_ledgers.as_deref().unwrap_or(Path::new("")), error)
}

fn robot_folder(folder: &Path, agent: AgentId) -> PathBuf {
    folder.join(format!("robot-{}", agent.0))
}

fn drive(
    world: &mut World,
    workers: &dyn Workers,
    args: &Simulate,
    stores: &mut [RobotStore],
) -> Result<(), Problem> {
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
        for (store, clock) in stores.iter_mut().zip(clocks(world)) {
            store.drain(clock).map_err(|error| ledger_problem(args, &error))?;
        }
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(LOOK_EVERY) && !bar.is_hidden() {
            bar.set_position(u64::try_from(world.fleet().stats().done).unwrap_or(0));
            bar.set_message(format!("{} simulated", world.now()));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn save(world: &mut World, args: &Simulate, sources: &Sources) -> Result<(), Problem> {
    if let Some(path) = &args.ledger {
        sources.write(path, world.ledger())?;
    }
    if let (Some(path), Some(trace)) = (&args.trace, world.trace()) {
        sources.write(path, trace.csv())?;
    }
    if let Some(path) = &args.svg {
        sources.write(path, film(world))?;
    }
    if let (Some(path), Some(recording)) = (&args.record, world.recording()) {
        sources.write(path, recording.encode().map_err(|error| Problem::input(path, error))?)?;
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
    for path in
        [&args.ledger, &args.robot_ledgers, &args.trace, &args.svg, &args.record].into_iter().flatten()
    {
        anstream::println!("wrote       {}", path.display());
    }
    Ok(())
}
