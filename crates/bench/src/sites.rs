//! Fleets of two kinds of robots on public maps of buildings, for an hour: what they get done, and whether anybody stalls.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use clap::Args;
use nalgebra::{Point2, distance};
use rand_pcg::{Pcg64, rand_core::Rng};
use sheepdog_core::{ActorId, AgentId, Micros, Mm, MmPerS, Sequential, WaypointId};
use sheepdog_fleet::{Actor, ActorEntry, Input, OperatorCommand, Role, TaskStatus, explain_task};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    import::import_building,
    travel::{NominalWaits, TravelProfile, travel_times_to},
};
use sheepdog_scenario::{DeliveryLoad, Event, Setup, Summary, World, delivery, free_flow_done};

use crate::{Measuring, figure::Figure, shared, timed};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Which fleets to send out.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) how: Measuring,
    /// Only maps whose names contain this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// So many robots instead of as many as suit each map.
    #[arg(long)]
    robots: Option<usize>,
    /// Other seeds are other starts and other deliveries.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Maps of Open-RMF, and how many robots are sent out on them.
const FLEETS: [(&str, usize); 5] =
    [("hotel", 20), ("clinic", 20), ("campus", 20), ("airport_terminal", 50), ("airport_terminal", 100)];

/// Deliveries are asked for during this time; then those that nobody has begun are cancelled, and the others have as long again.
const HOUR: Micros = Micros::from_secs(3_600);
/// Whoever has work and neither moves nor gets a step done for so long stalls.
const STALLED: Micros = Micros::from_secs(900);
/// Asked for at the start, for each robot, and then to what robots that never meet would get done: there is always work waiting.
const WAITING: u64 = 2;
const DEMAND_PERCENT: u64 = 120;
/// Who has moved less than this stands.
const STANDS_M: f64 = 0.05;

/// Sends every fleet out, and prints its figures. Fails if robots touch, something is lost, or somebody stalls.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (map, robots) in FLEETS {
        if options.only.as_ref().is_some_and(|only| !map.contains(only.as_str())) {
            continue;
        }
        let path = shared().join("maps/rmf").join(format!("{map}.building.yaml"));
        if !path.is_file() {
            anstream::eprintln!("SKIPPED: no map at {}", path.display());
            continue;
        }
        let (robots, hour) =
            if options.how.quick { (robots / 5, Micros::from_secs(300)) } else { (robots, HOUR) };
        let fleet = Fleet { map, robots: options.robots.unwrap_or(robots), hour, seed: options.seed };
        if let Err(error) = fleet.play(&path, options.how.json) {
            anstream::eprintln!("sheepdog-bench: {map} with {} robots: {error}", fleet.robots);
            code = ExitCode::FAILURE;
        }
    }
    code
}

#[derive(Clone, Copy)]
struct Fleet {
    map: &'static str,
    robots: usize,
    hour: Micros,
    seed: u64,
}

impl Fleet {
    /// Prints what came of it.
    ///
    /// # Errors
    /// What went wrong, when the figures have been printed.
    fn play(self, path: &Path, json: bool) -> Outcome<()> {
        let (site, _) = import_building(&std::fs::read_to_string(path)?)?;
        let setup = self.setup(&site)?;
        let bound = free_flow_done(&setup, self.hour);
        let mut world = World::new(setup)?;
        let (watched, seconds) = timed(|| watch(&mut world, self.hour));
        let watched = watched?;
        let summary = Summary::of(&mut world, seconds)?;
        let open = u64::try_from(world.fleet().open_tasks())?;
        let done = f64::from(u32::try_from(watched.done)?);
        let bound = f64::from(u32::try_from(bound)?);
        for (name, value, unit, peer) in [
            ("done", done, "deliveries", Some(bound)),
            ("longest_wait_s", watched.longest.as_secs_f64(), "s", None),
            ("min_gap_m", summary.min_separation_m.unwrap_or(f64::INFINITY), "m", None),
            ("realtime_factor", summary.sim_seconds / seconds, "x", None),
        ] {
            let name = format!("{}_{}_{name}", self.map, self.robots);
            let figure = Figure::alone("sites", name, value, unit);
            let figure = match peer {
                Some(bound) => figure.beside("if nobody met", bound),
                None => figure,
            };
            figure.print(json)?;
        }
        let wrong = [
            ("overlaps", summary.overlaps),
            ("tasks lost", summary.tasks_lost),
            ("loads misplaced", summary.misplaced_loads),
            ("unexplained stops", summary.unexplained_stops),
            ("ledgers that are not sound", u64::from(!summary.ledger_ok)),
            ("deliveries begun and not made", open),
        ];
        let mut told: Vec<String> = wrong
            .into_iter()
            .filter(|(_, count)| 0 < *count)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        if STALLED < watched.longest {
            told.push(format!("somebody with work stood for {}", watched.longest));
        }
        if told.is_empty() {
            Ok(())
        } else {
            Err(format!("{}\n{}", told.join(", "), last_words(&mut world)?).into())
        }
    }

    /// Couriers and wider, slower carts by turns, and deliveries between stations that both get to and may stop at.
    fn setup(self, site: &Site) -> Outcome<Setup> {
        let classes = vec![
            FootprintClass::round("courier", Mm(250), Mm(100)),
            FootprintClass::round("cart", Mm(300), Mm(100)),
        ];
        let options = CompileOptions { classes, ..Setup::options(Mm(250), Mm(100), None) };
        let mut setup =
            Setup::random_deliveries(site, &options, self.robots, 0, DeliveryLoad::default(), self.seed)?;
        for robot in setup.plant.robots.iter_mut().filter(|robot| robot.class == CART) {
            robot.speed = CART_SPEED;
        }
        for agent in setup.fleet.agents.iter_mut().filter(|agent| agent.class == Some(CART)) {
            agent.speed = CART_SPEED;
        }
        let places = places(&setup.site);
        if places.len() < 2 {
            return Err(format!("{}: no two stations that all robots get to", self.map).into());
        }
        let mut random = Pcg64::new(u128::from(self.seed), 0xda3e_39cb_94b9_5bdb);
        let mut below = |count: usize| usize::try_from(random.next_u64() >> 1).unwrap_or(0) % count;
        let robots = u64::try_from(self.robots)?;
        let waiting = WAITING * robots;
        let each_us = cycle(&setup.site, &places).as_micros() * 100 / (robots * DEMAND_PERCENT);
        for number in 0..waiting + self.hour.as_micros() / each_us.max(1) {
            let from = below(places.len());
            let to = (from + 1 + below(places.len() - 1)) % places.len();
            let (Some(from), Some(to)) = (places.get(from), places.get(to)) else { continue };
            let request = delivery(format!("delivery-{number}"), *from, *to, DeliveryLoad::default());
            let at = Micros::new(number.saturating_sub(waiting) * each_us);
            setup.script.push((at, Event::Request(request)));
        }
        setup.duration = self.hour.saturating_add(HOUR);
        setup.fleet.actors.push(ActorEntry::of(&operator()));
        Ok(setup)
    }
}

/// The class of carts, and their speed.
const CART: usize = 1;
const CART_SPEED: MmPerS = MmPerS(700);

/// Stations that robots of all classes reach from everywhere in their largest part of the roadmap, and may stop at.
fn places(site: &CompiledSite) -> Vec<WaypointId> {
    let parts: Vec<Vec<WaypointId>> = (0..site.classes().len())
        .map(|class| site.components(class).into_iter().max_by_key(Vec::len).unwrap_or_default())
        .collect();
    let suits = |place: &WaypointId| {
        parts
            .iter()
            .zip(site.classes())
            .all(|(part, class)| part.binary_search(place).is_ok() && class.may_stop(*place))
    };
    let mut places: Vec<WaypointId> =
        site.stations().iter().map(|station| station.waypoint).filter(suits).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// How long one delivery takes a courier, on the average over all pairs of places: there, loading, across and unloading.
fn cycle(site: &CompiledSite, places: &[WaypointId]) -> Micros {
    let profile = TravelProfile { speed: MmPerS(1_000), class: Some(0) };
    let (mut sum_us, mut count) = (0, 0);
    for to in places {
        let times = travel_times_to(site, profile, &NominalWaits(site), *to);
        for way in places.iter().filter_map(|from| times.from(*from)) {
            sum_us += way.as_micros();
            count += 1;
        }
    }
    let DeliveryLoad { load, unload, .. } = DeliveryLoad::default();
    // Of many that wait one is near: half as far as it is across.
    let driven = Micros::new(sum_us * 3 / (2 * count.max(1)));
    driven.saturating_add(load).saturating_add(unload)
}

/// What was seen while a world went on.
struct Watched {
    /// Tasks done within the hour.
    done: usize,
    /// The longest time that a robot with work has stood without getting anything done.
    longest: Micros,
}

/// Lets a world go on to its end.
fn watch(world: &mut World, hour: Micros) -> Outcome<Watched> {
    let mut watched = Watched { done: 0, longest: Micros::ZERO };
    let mut seen: BTreeMap<AgentId, Seen> = BTreeMap::new();
    let (mut next, mut is_closed) = (Micros::ZERO, false);
    while !world.is_over() {
        world.step(&Sequential)?;
        let now = Micros::new(world.now().as_micros());
        if now < next {
            continue;
        }
        next = now.saturating_add(Micros::from_secs(1));
        if now <= hour {
            watched.done = world.fleet().stats().done;
        } else if !is_closed {
            is_closed = true;
            cancel_pending(world)?;
        }
        let work: BTreeMap<AgentId, (u64, u32)> = world
            .fleet()
            .tasks()
            .filter_map(|(task, _, status)| match status {
                TaskStatus::Active { agent, step } => Some((agent, (task.0, step))),
                TaskStatus::Pending | TaskStatus::Asked(_) | TaskStatus::Done(_) | TaskStatus::Cancelled => {
                    None
                }
            })
            .collect();
        for truth in world.plant().truth() {
            let Some(agent) = truth.agent else { continue };
            let at = Point2::new(truth.x_m, truth.y_m);
            let work = work.get(&agent).copied();
            let here = Seen { since: now, at, work };
            let before = seen.entry(agent).or_insert(here);
            if work.is_none() || work != before.work || STANDS_M < distance(&at, &before.at) {
                *before = here;
            }
            watched.longest = watched.longest.max(now.saturating_sub(before.since));
        }
    }
    Ok(watched)
}

/// What the ledger says at last of the first tasks that are open.
fn last_words(world: &mut World) -> Outcome<String> {
    const TASKS: usize = 3;
    const LINES: usize = 8;
    let entries = world.entries()?;
    let site = &world.setup().site;
    let tasks = world.fleet().tasks();
    let open = tasks.filter(|(.., status)| matches!(status, TaskStatus::Active { .. })).take(TASKS);
    let told = open.filter_map(|(task, ..)| explain_task(&entries, site, task));
    let last = told.map(|text| {
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
    });
    Ok(last.collect::<Vec<_>>().join("\n\n"))
}

fn operator() -> Actor {
    Actor { id: ActorId(1), role: Role::Operator, proof: b"bench".to_vec() }
}

fn cancel_pending(world: &mut World) -> Outcome<()> {
    let tasks = world.fleet().tasks();
    let pending: Vec<_> =
        tasks.filter(|(.., status)| *status == TaskStatus::Pending).map(|(task, ..)| task).collect();
    for task in pending {
        world.input(Input::Operator { actor: operator(), command: OperatorCommand::Cancel { task } })?;
    }
    Ok(())
}

/// Since when a robot has stood where with what work.
#[derive(Clone, Copy)]
struct Seen {
    since: Micros,
    at: Point2<f64>,
    work: Option<(u64, u32)>,
}
