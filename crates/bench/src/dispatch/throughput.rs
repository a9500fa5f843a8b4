//! A million tasks and ten thousand robots through one dispatcher: how many events it takes a second, and in how much memory.
//!
//! A hall of 100 by 100 places, three metres apart. Tasks come by chance at 80 % of what the robots can do; each fetches a load
//! and brings it. Robots answer at once, say every five seconds that they go on, and report each step.
#![expect(clippy::indexing_slicing, reason = "robots and places are numbered here")]

use std::{
    cell::Cell,
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
    time::{Duration, Instant},
};

use rand_pcg::{Pcg64, rand_core::Rng};
use sheepdog_core::{
    AgentId, FleetTime, Micros, MmPerS, TaskId, WaypointId,
    wire::{Action, StepToken},
};
use sheepdog_dispatch::{
    AgentKind, Performers, Step, Task,
    dispatcher::{Call, Dispatcher, Effect, Event, Order, Patience, Scout},
    nearest::{AgentSet, Standings, TravelOracle},
    policy::{Arrival, BatchOptimal},
};
use sheepdog_map::{
    CompileOptions, CompiledSite, Site,
    model::{Lane, Level, Waypoint},
    travel::{NominalWaits, TravelProfile},
};

use super::{Outcome, SUITE};
use crate::{figure::Figure, memory};

const SIDE: u32 = 100;
const PITCH_M: u32 = 3;
const HANDLING_S: u64 = 20;
/// Robots say so often that they go on.
const ALIVE_S: u64 = 5;

fn hall() -> Outcome<CompiledSite> {
    let mut site = Site::new("hall");
    site.levels.push(Level::new("ground", 0.0));
    let name = |x: u32, y: u32| format!("{x}-{y}");
    for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
        let at = [x, y].map(|metres| f64::from(metres * PITCH_M));
        site.waypoints.push(Waypoint::new(name(x, y), "ground", at[0], at[1]));
        if x + 1 < SIDE {
            site.lanes.push(Lane::two_way(name(x, y), name(x + 1, y)));
        }
        if y + 1 < SIDE {
            site.lanes.push(Lane::two_way(name(x, y), name(x, y + 1)));
        }
    }
    let options = CompileOptions { spacing: sheepdog_core::Mm(100_000), ..CompileOptions::default() };
    site.compile(&options).map_err(|_| "the hall is a site".into())
}

/// Where robots are, and how they find their ways.
struct Field {
    now_ms: u64,
    oracle: TravelOracle,
    standings: Standings,
    robots: AgentSet,
}

impl Scout for Field {
    fn nearest(&mut self, call: &Call<'_>, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let place = call.task.steps.get(call.step)?.place;
        if !call.seats.iter().any(|seat| seat.performers.allow(AgentKind::Robot)) {
            return None;
        }
        let Self { now_ms, oracle, standings, robots } = self;
        let all = oracle.nearest(0, standings, robots, place, most);
        found.extend(
            all.iter().map(|near| Arrival { at_ms: *now_ms + u64::from(near.time_ms), agent: near.agent }),
        );
        // Nobody beyond the last is nearer than the last.
        found.last().filter(|_| most <= all.len()).map(|last| last.at_ms)
    }
}

/// What happens in the hall, by second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Done(AgentId, StepToken),
    Alive(AgentId, StepToken),
}

/// Metres along the rows and columns, which is seconds.
fn way_s(from: u32, to: u32) -> u64 {
    let apart = (from % SIDE).abs_diff(to % SIDE) + (from / SIDE).abs_diff(to / SIDE);
    u64::from(apart * PITCH_M)
}

/// What one run did.
struct Run {
    events: u64,
    decisions: u64,
    took: Duration,
    bytes: usize,
}

fn run(robots: u32, tasks: u64) -> Outcome<Run> {
    let site = Arc::new(hall()?);
    let profile = TravelProfile { speed: MmPerS(1_000), class: None };
    let oracle = TravelOracle::new(&site, &[profile], &NominalWaits(&site))?;
    let mut random = Pcg64::new(6, 0xda3e_39cb_94b9_5bdb);
    let places = SIDE * SIDE;
    let mut below = |limit: u32| u32::try_from(random.next_u64() % u64::from(limit)).unwrap_or(0);
    let mut field =
        Field { now_ms: 0, oracle, standings: Standings::new(places), robots: (0..robots).collect() };
    let mut at: Vec<u32> = (0..robots).map(|_| below(places)).collect();
    memory::begin();
    let mut dispatcher = Dispatcher::new(site, Patience::default());
    let mut policy = BatchOptimal::default();
    let (mut events, mut decisions, took) = (0, 0, Cell::new(Duration::ZERO));
    let mut tell = |dispatcher: &mut Dispatcher, now, event| {
        let start = Instant::now();
        let told = dispatcher.handle(now, event);
        took.set(took.get() + start.elapsed());
        events += 1;
        told
    };
    for (agent, place) in (0..).zip(&at) {
        field.standings.place(agent, &[(*place, 0)]);
        let robot = Event::Agent {
            agent: AgentId(agent),
            kind: AgentKind::Robot,
            at: WaypointId(*place),
            takes_tasks: true,
        };
        tell(&mut dispatcher, FleetTime::ZERO, robot)?;
    }
    let mut happenings: BinaryHeap<Reverse<(u64, Happening)>> = BinaryHeap::new();
    // A trip of 200 m, handling at both ends, and a rough way of 20 m to the load.
    let cycle_s = 200 + 2 * HANDLING_S + 20;
    let (mut submitted, mut done, mut second, mut credit) = (0, 0, 0, 0);
    let mut over = BTreeSet::new();
    while done < tasks {
        let now = FleetTime::from_micros(second * 1_000_000);
        field.now_ms = second * 1_000;
        credit += u64::from(robots) * 8;
        while 10 * cycle_s <= credit && submitted < tasks {
            credit -= 10 * cycle_s;
            let [from, to] = [below(places), below(places)];
            let step = |place: u32, action| Step {
                place: WaypointId(place),
                action,
                duration: Micros::from_secs(HANDLING_S),
                gates: Vec::new(),
            };
            let task = Task {
                id: TaskId(submitted),
                name: "load".into(),
                requested: now,
                deadline: None,
                priority: 0,
                skills: BTreeSet::new(),
                payload_g: 1_000,
                performers: Performers::RobotsFirst,
                steps: vec![step(from, Action::Load), step(to, Action::Unload)],
            };
            tell(&mut dispatcher, now, Event::Submit(Box::new(Order::from(task))))?;
            submitted += 1;
        }
        while let Some(Reverse((at_s, what))) = happenings.pop() {
            if second < at_s {
                happenings.push(Reverse((at_s, what)));
                break;
            }
            match what {
                Happening::Done(agent, token) => {
                    tell(&mut dispatcher, now, Event::StepDone { agent, token })?
                }
                Happening::Alive(agent, token) => {
                    let at = WaypointId(at[agent.index()]);
                    tell(&mut dispatcher, now, Event::Alive { agent, at, on: Some(token) })?;
                    if dispatcher.task_of(agent) == Some(token.task) {
                        happenings.push(Reverse((second + ALIVE_S, what)));
                    }
                }
            }
        }
        let start = Instant::now();
        dispatcher.decide(now, &mut policy, &mut field);
        decisions += 1;
        let mut spent = start.elapsed();
        let mut next = || {
            let start = Instant::now();
            let effect = dispatcher.poll_effect();
            spent += start.elapsed();
            effect
        };
        let mut answers = Vec::new();
        while let Some(effect) = next() {
            match effect {
                Effect::Offer { agent, token, .. } => answers.push((agent, token)),
                Effect::Done { task, agent } => {
                    done += 1;
                    if !over.insert(task) {
                        return Err(format!("{task} was done twice").into());
                    }
                    field.robots.set(agent.0, true);
                    field.standings.place(agent.0, &[(at[agent.index()], 0)]);
                }
                Effect::Begin { .. } | Effect::Lease { .. } | Effect::Heard { .. } => {}
                other => return Err(format!("{other:?} in a hall where all goes well").into()),
            }
        }
        for (agent, token) in answers {
            tell(&mut dispatcher, now, Event::Answer { agent, token, accepted: true })?;
            let task = dispatcher.task(token.task).ok_or("a task was lost")?;
            let places: Vec<u32> = task.steps.iter().map(|step| step.place.0).collect();
            let mut at_s = second;
            for (step, place) in (0..).zip(places) {
                at_s += way_s(at[agent.index()], place) + HANDLING_S;
                at[agent.index()] = place;
                happenings.push(Reverse((at_s, Happening::Done(agent, StepToken { step, ..token }))));
            }
            happenings.push(Reverse((second + ALIVE_S, Happening::Alive(agent, token))));
            field.robots.set(agent.0, false);
        }
        took.set(took.get() + spent);
        second += 1;
    }
    let bytes = memory::end();
    Ok(Run { events, decisions, took: took.get(), bytes })
}

pub(super) fn throughput(quick: bool) -> Outcome<Vec<Figure>> {
    let (robots, tasks) = if quick { (500, 5_000) } else { (10_000, 1_000_000) };
    let Run { events, decisions, took, bytes } = run(robots, tasks)?;
    anstream::println!(
        "dispatcher: {tasks} tasks, {robots} robots, {events} events, {decisions} decisions, {took:.1?}"
    );
    #[expect(clippy::cast_precision_loss, reason = "millions")]
    let [events, megabytes] = [events as f64, bytes as f64 / 1e6];
    let mut figures = vec![
        Figure::alone(SUITE, "dispatcher_events_per_s", events / took.as_secs_f64(), "1/s"),
        Figure::alone(SUITE, "dispatcher_peak_heap_mb", megabytes, "MB"),
    ];
    figures.extend(peak_rss_mb().map(|peak| Figure::alone(SUITE, "dispatcher_peak_rss_mb", peak, "MB")));
    Ok(figures)
}

/// The most memory that this process has had, site, robots and what was measured before included, where the system tells.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1e3)
}
