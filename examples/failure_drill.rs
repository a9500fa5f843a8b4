//! A shift in which everything goes wrong that radios, robots and software do: a handover that is lost, a partition, a crash
//! and restart of a robot and of the coordinator, brakes that fade, a scanner that drifts. Each stop is explained by its rule.
//!
//! ```sh
//! cargo run --release --example failure_drill
//! cargo run --release --example failure_drill -- 7     # another seed
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use std::{error::Error, process::ExitCode};

use sheepdog::{
    fleet::{Actor, ActorEntry, Input, OperatorCommand, Record, Role},
    interlock::CATALOGUE,
    map::Site,
    scenario::{DeliveryLoad, Setup, Summary, World},
    sim::{Fault, FaultTarget},
    vocabulary::{
        ActorId, AgentId, FleetTime, Micros, Mm, Sequential, StopCategory,
        wire::{ResetStep, StopScope},
    },
};

/// What goes wrong, from when on, with which robot (nobody in particular is everybody), and whether it drives then.
///
/// Brakes that fade show when they are used, so somebody who is not there steps in the way. A robot that restarts between two
/// waypoints has to be brought to one by hand (`OperatorCommand::Recover`); this one restarts at its place of work.
const FAULTS: [(u64, &str, Option<u32>, bool); 6] = [
    (40, "handover gap", Some(0), true),
    (70, "comms loss", None, false),
    (110, "process crash", Some(1), false),
    (150, "brake fade", Some(2), true),
    (150, "ghost obstacle", Some(2), true),
    (200, "slow drift", Some(3), true),
];
/// Above it a robot drives, metres per second.
const DRIVES_MPS: f64 = 0.5;
/// When the coordinator is killed.
const COORDINATOR_DIES: Micros = Micros::from_secs(180);
/// How long a robot waits for somebody to come to it.
const SOMEBODY_COMES: Micros = Micros::from_secs(15);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failure_drill: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    // 1. Four robots, twelve deliveries, and somebody who resets robots.
    let seed = std::env::args().nth(1).map_or(Ok(1), |seed| seed.parse())?;
    let site = Site::from_toml(include_str!("../sites/hospital.toml"))?;
    let options = Setup::options(Mm(250), Mm(100), None);
    let mut setup = Setup::random_deliveries(&site, &options, 4, 12, DeliveryLoad::default(), seed)?;
    let nurse = Actor { id: ActorId(1), role: Role::Operator, proof: b"drill".to_vec() };
    setup.fleet.actors.push(ActorEntry::of(&nurse));
    setup.duration = Micros::from_secs(3_600);

    // 2. The shift. Whoever is latched is reset by the nurse, in two steps, after a while.
    let mut ahead = FAULTS.to_vec();
    let mut struck = Vec::new();
    let mut world = World::new(setup)?;
    let agents: Vec<AgentId> = world.plant().robots().map(|(agent, ..)| agent).collect();
    let mut latched: Vec<(AgentId, FleetTime)> = Vec::new();
    let mut coordinator_lives = true;
    while !world.is_over() {
        world.step(&Sequential)?;
        let now = world.now();
        let due: Vec<_> = ahead.extract_if(.., |fault| strikes(&world, fault)).collect();
        for fault in due {
            let (_, name, robot, _) = fault;
            let target = robot.map_or(FaultTarget::EveryAgent, |robot| FaultTarget::Agent(AgentId(robot)));
            let onset = Micros::new(now.as_micros());
            world.inject(Fault::named(name, target, onset).ok_or("no such fault")?);
            struck.push(fault);
        }
        if coordinator_lives && FleetTime::ZERO + COORDINATOR_DIES <= now {
            coordinator_lives = false;
            world.crash_and_recover()?;
        }
        for agent in agents.iter().copied().filter(|agent| world.plant().needs_person(*agent)) {
            if !latched.iter().any(|(other, _)| *other == agent) {
                latched.push((agent, now));
            }
        }
        let due = |(_, since): &mut (AgentId, FleetTime)| *since + SOMEBODY_COMES <= now;
        let waiting: Vec<_> = latched.extract_if(.., due).collect();
        for (agent, _) in waiting {
            reset(&mut world, &nurse, agent)?;
        }
        let failed: Vec<AgentId> = world.fleet().failed().collect();
        for agent in failed {
            let command = OperatorCommand::Resume { agent };
            // A robot that still reports its failure is not resumed; the nurse tries again.
            let _refused = world.input(Input::Operator { actor: nurse.clone(), command });
        }
    }

    // 3. What happened, rule by rule.
    let entries = world.entries()?;
    println!("What went wrong");
    for ((_, name, robot, _), status) in struck.iter().zip(world.plant().faults()) {
        let who = robot.map_or_else(|| "everybody".to_owned(), |robot| format!("robot {robot}"));
        let effect =
            status.took_effect.map_or_else(|| "no difference".to_owned(), |at| format!("felt at {at}"));
        let at_s = status.fault.onset.as_millis() / 1_000;
        println!("  {at_s:>4} s  {name:<20} {who:<10} {effect}");
    }
    println!(
        "  {:>4} s  the coordinator is killed and comes back from its ledger",
        COORDINATOR_DIES.as_millis() / 1_000
    );
    println!("\nWhy robots stopped");
    for entry in &entries {
        let Record::Stop { agent, event } = &entry.record else { continue };
        if event.stopped {
            let evidence = event.evidence;
            let text = CATALOGUE.iter().find(|rule| rule.id == evidence.rule).map_or("", |rule| rule.text);
            let told = text.split(". ").next().unwrap_or(text);
            println!(
                "  {:>10}  robot {agent} by {}: {} against {}: {told}",
                entry.time.to_string(),
                evidence.rule,
                evidence.measured,
                evidence.limit
            );
        }
    }

    // 4. What was kept.
    let summary = Summary::of(&mut world, 0.0)?;
    println!("\n{summary}");
    let kept = summary.tasks_lost == 0
        && summary.overlaps == 0
        && summary.unexplained_stops == 0
        && summary.ledger_ok
        && summary.tasks_done == summary.tasks_requested;
    if kept { Ok(()) } else { Err("a promise was broken".into()) }
}

/// Whether it is time for a fault, and its robot drives if it has to.
fn strikes(world: &World, (at_s, _, robot, drives): &(u64, &str, Option<u32>, bool)) -> bool {
    let truth = world.plant().truth();
    let body = truth.iter().find(|body| body.agent.map(|agent| agent.0) == *robot);
    let fits = body
        .is_none_or(|body| if *drives { DRIVES_MPS < body.speed_mps } else { body.speed_mps.abs() < 0.01 });
    FleetTime::from_micros(at_s * 1_000_000) <= world.now() && fits
}

/// A stop for one robot, and both steps of its reset.
fn reset(world: &mut World, nurse: &Actor, agent: AgentId) -> Result<(), Box<dyn Error>> {
    let order = |world: &mut World, command| world.input(Input::Operator { actor: nurse.clone(), command });
    let stop = OperatorCommand::Stop { scope: StopScope::Agent(agent), category: StopCategory::One };
    order(world, stop)?;
    let generation = world.fleet().stop_generation();
    for step in [ResetStep::Acknowledge, ResetStep::Start] {
        order(world, OperatorCommand::Reset { generation, step })?;
    }
    Ok(())
}
