//! A million tasks and ten thousand robots through one dispatcher: how many events it takes a second, and in how much memory.
//!
//! A hall of 100 by 100 places, three metres apart. Tasks come by chance at 80 % of what the robots can do; each fetches a load
//! and brings it. Robots answer at once, say every five seconds that they go on, and report each step.
#![expect(clippy::indexing_slicing, reason = "robots and places are numbered here")]

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
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
use crate::{figure::Figure, memory, timed};

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

/// The hall with its robots, and the dispatcher that is measured.
struct Hall {
    dispatcher: Dispatcher,
    policy: BatchOptimal,
    field: Field,
    /// Where each robot is, or will be when it has done what it does.
    at: Vec<u32>,
    happenings: BinaryHeap<Reverse<(u64, Happening)>>,
    random: Pcg64,
    second: u64,
    submitted: u64,
    over: Vec<bool>,
    events: u64,
    decisions: u64,
    spent_s: f64,
}

impl Hall {
    fn new(robots: u32, tasks: u64) -> Outcome<Self> {
        let site = Arc::new(hall()?);
        let profile = TravelProfile { speed: MmPerS(1_000), class: None };
        let oracle = TravelOracle::new(&site, &[profile], &NominalWaits(&site))?;
        let standings = Standings::new(SIDE * SIDE);
        let mut hall = Self {
            dispatcher: Dispatcher::new(site, Patience::default()),
            policy: BatchOptimal::default(),
            field: Field { now_ms: 0, oracle, standings, robots: (0..robots).collect() },
            at: Vec::new(),
            happenings: BinaryHeap::new(),
            random: Pcg64::new(6, 0xda3e_39cb_94b9_5bdb),
            second: 0,
            submitted: 0,
            over: vec![false; usize::try_from(tasks)?],
            events: 0,
            decisions: 0,
            spent_s: 0.0,
        };
        for agent in 0..robots {
            let place = hall.place();
            hall.at.push(place);
            hall.field.standings.place(agent, &[(place, 0)]);
            let (agent, at) = (AgentId(agent), WaypointId(place));
            hall.tell(Event::Agent { agent, kind: AgentKind::Robot, at, takes_tasks: true })?;
        }
        Ok(hall)
    }

    fn place(&mut self) -> u32 {
        u32::try_from(self.random.next_u64() % u64::from(SIDE * SIDE)).unwrap_or(0)
    }

    fn now(&self) -> FleetTime {
        FleetTime::from_micros(self.second * 1_000_000)
    }

    fn tell(&mut self, event: Event) -> Outcome<()> {
        let now = self.now();
        let (told, spent_s) = timed(|| self.dispatcher.handle(now, event));
        self.spent_s += spent_s;
        self.events += 1;
        Ok(told?)
    }

    fn submit(&mut self) -> Outcome<()> {
        let mut step = |action| Step {
            place: WaypointId(self.place()),
            action,
            duration: Micros::from_secs(HANDLING_S),
            gates: Vec::new(),
        };
        let steps = vec![step(Action::Load), step(Action::Unload)];
        let task = Task {
            id: TaskId(self.submitted),
            name: "load".into(),
            requested: self.now(),
            deadline: None,
            priority: 0,
            skills: BTreeSet::new(),
            payload_g: 1_000,
            performers: Performers::RobotsFirst,
            steps,
        };
        self.submitted += 1;
        self.tell(Event::Submit(Box::new(Order::from(task))))
    }

    /// What robots report in this second.
    fn reports(&mut self) -> Outcome<()> {
        while let Some(Reverse((at_s, what))) = self.happenings.pop() {
            if self.second < at_s {
                self.happenings.push(Reverse((at_s, what)));
                break;
            }
            match what {
                Happening::Done(agent, token) => self.tell(Event::StepDone { agent, token })?,
                // It goes on until it is done.
                Happening::Alive(agent, token) if self.dispatcher.task_of(agent) == Some(token.task) => {
                    let at = WaypointId(self.at[agent.index()]);
                    self.tell(Event::Alive { agent, at, on: Some(token) })?;
                    self.happenings.push(Reverse((self.second + ALIVE_S, what)));
                }
                Happening::Alive(..) => {}
            }
        }
        Ok(())
    }

    /// Lets the dispatcher decide, and robots accept.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else it says is a fault here")]
    fn decide(&mut self) -> Outcome<()> {
        let now = self.now();
        self.field.now_ms = self.second * 1_000;
        let Self { dispatcher, policy, field, .. } = self;
        let (effects, spent_s) = timed(|| {
            dispatcher.decide(now, policy, field);
            std::iter::from_fn(|| dispatcher.poll_effect()).collect::<Vec<_>>()
        });
        self.spent_s += spent_s;
        self.decisions += 1;
        for effect in effects {
            match effect {
                Effect::Offer { agent, token, .. } => self.accept(agent, token)?,
                Effect::Done { task, agent } => {
                    if std::mem::replace(&mut self.over[task.index()], true) {
                        return Err(format!("{task} was done twice").into());
                    }
                    self.field.robots.set(agent.0, true);
                    self.field.standings.place(agent.0, &[(self.at[agent.index()], 0)]);
                }
                Effect::Begin { .. } | Effect::Lease { .. } | Effect::Heard { .. } => {}
                other => return Err(format!("{other:?} in a hall where all goes well").into()),
            }
        }
        Ok(())
    }

    /// A robot accepts, and what it will report is known.
    fn accept(&mut self, agent: AgentId, token: StepToken) -> Outcome<()> {
        self.tell(Event::Answer { agent, token, accepted: true })?;
        let task = self.dispatcher.task(token.task).ok_or("a task was lost")?;
        let places: Vec<u32> = task.steps.iter().map(|step| step.place.0).collect();
        let mut at_s = self.second;
        for (step, place) in (0..).zip(places) {
            let at = &mut self.at[agent.index()];
            at_s += way_s(*at, place) + HANDLING_S;
            *at = place;
            self.happenings.push(Reverse((at_s, Happening::Done(agent, StepToken { step, ..token }))));
        }
        self.happenings.push(Reverse((self.second + ALIVE_S, Happening::Alive(agent, token))));
        self.field.robots.set(agent.0, false);
        Ok(())
    }
}

pub(super) fn throughput(quick: bool) -> Outcome<Vec<Figure>> {
    let (robots, tasks) = if quick { (500, 5_000) } else { (10_000, 1_000_000) };
    memory::begin();
    let mut hall = Hall::new(robots, tasks)?;
    // A trip of 200 m, handling at both ends, and a rough way of 20 m to the load; and 80 % of that.
    let cycle_s = 200 + 2 * HANDLING_S + 20;
    let mut due = 0;
    while hall.submitted < tasks || !hall.dispatcher.is_empty() {
        due += u64::from(robots) * 8;
        while 10 * cycle_s <= due && hall.submitted < tasks {
            due -= 10 * cycle_s;
            hall.submit()?;
        }
        hall.reports()?;
        hall.decide()?;
        hall.second += 1;
    }
    let bytes = memory::end();
    let Hall { events, decisions, spent_s, over, .. } = hall;
    if over.contains(&false) {
        return Err("a task was not done".into());
    }
    anstream::println!(
        "dispatcher: {tasks} tasks, {robots} robots, {events} events, {decisions} decisions, {spent_s:.1} s"
    );
    #[expect(clippy::cast_precision_loss, reason = "millions")]
    let [events, megabytes] = [events as f64, bytes as f64 / 1e6];
    let mut figures = vec![
        Figure::alone(SUITE, "dispatcher_events_per_s", events / spent_s, "1/s"),
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
