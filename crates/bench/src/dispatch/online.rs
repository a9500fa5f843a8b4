//! Tasks that come by chance, robots that fetch and bring: how long each waits until it is fetched, by policy.
//!
//! Four floors of 200 m by 100 m, 1 m/s along the walls, a lift of 25 s and 6 s a floor, 60 s of service and the trip.
#![expect(clippy::indexing_slicing, reason = "robots and tasks are numbered here")]

use std::collections::BTreeMap;

use rand_pcg::{Pcg64, rand_core::Rng};
use sheepdog_dispatch::{
    assign::DenseAssignment,
    policy::{
        Arrival, Arrivals, BatchOptimal, Choice, GreedyPairs, NearestAvailable, Open, Policy, Question, Ready,
    },
    rolling::{Errand, Outlook, Prospects, Rolling, Stop, Travels},
};

use super::{Outcome, rounds};
use crate::figure::Figure;

pub(super) const SUITE: &str = "dispatch-sim";
const SERVICE_MS: u64 = 60_000;
/// Longest way: across, along, and with the lift over all floors.
const WAY_MS_MAX: u64 = 300_000 + 25_000 + 18_000;
/// Longest time from one award to the next.
const CYCLE_MS_MAX: u64 = 2 * WAY_MS_MAX + SERVICE_MS;
const TASKS: usize = 1_500;
const WINDOW_MS: u64 = 2_000;
/// Steps of a plan's search from one event to the next.
const PLAN_STEPS: u64 = 100;

/// Place in metres, and floor.
pub(super) type Place = [i64; 3];

pub(super) fn way_ms(a: Place, b: Place) -> u64 {
    let floors = a[2].abs_diff(b[2]);
    let lift = if floors == 0 { 0 } else { 25_000 + 6_000 * floors };
    // Places are in centimetres.
    (a[0].abs_diff(b[0]) + a[1].abs_diff(b[1])) * 10 + lift
}

pub(super) struct Random(Pcg64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Pcg64::new(seed.into(), 0xda3e_39cb_94b9_5bdb))
    }

    fn below(&mut self, limit: i64) -> i64 {
        i64::try_from(self.0.next_u64() % limit.unsigned_abs()).unwrap_or(0)
    }

    pub(super) fn place(&mut self) -> Place {
        [self.below(20_000), self.below(10_000), self.below(4)]
    }

    /// Time to the next of independent events, so many milliseconds apart on average.
    pub(super) fn gap_ms(&mut self, mean: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let share = ((self.0.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -libm::log(share) * mean
    }
}

/// A task: where from, where to.
#[derive(Clone, Copy)]
struct Trip {
    from: Place,
    to: Place,
    requested_ms: u64,
}

/// What is asked for, and where robots stand at first.
struct Day {
    errands: Vec<Trip>,
    robots: Vec<Place>,
}

impl Day {
    fn new(robots: u32, load: f64, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let trips = (0..10_000).map(|_| way_ms(random.place(), random.place())).sum::<u64>() / 10_000;
        // A rough empty trip: robots are nearer where there are more of them.
        let empty_ms = if robots < 50 { 60_000 } else { 30_000 };
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        let mean = (trips + SERVICE_MS + empty_ms) as f64 / (f64::from(robots) * load);
        let mut now = 0.0;
        let mut errand = || {
            now += random.gap_ms(mean);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days at most")]
            let requested_ms = now as u64;
            Trip { from: random.place(), to: random.place(), requested_ms }
        };
        let errands = (0..TASKS).map(|_| errand()).collect();
        Self { errands, robots: (0..robots).map(|_| random.place()).collect() }
    }
}

/// Robots: where they are or will be, and when they are free.
struct World<'a> {
    now_ms: u64,
    errands: &'a [Trip],
    robots: Vec<(Place, u64)>,
    /// Room to sort.
    all: Vec<Arrival>,
}

impl Arrivals for World<'_> {
    fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let Self { now_ms, errands, robots, all } = self;
        let from = errands[task as usize].from;
        all.clear();
        all.extend((0..).zip(&*robots).map(|(agent, &(place, free_ms))| Arrival {
            at_ms: free_ms.max(*now_ms) + way_ms(place, from),
            agent,
        }));
        let next = (most < all.len()).then(|| all.select_nth_unstable(most).1.at_ms);
        all.truncate(most);
        all.sort_unstable();
        found.extend_from_slice(all);
        next
    }

    fn prospects(&mut self) -> Option<&mut dyn Prospects> {
        Some(self)
    }
}

/// Places by number: where errands begin and end by turns, then where robots are.
impl World<'_> {
    fn place(&self, number: u32) -> Place {
        let number = number as usize;
        match self.errands.get(number / 2) {
            Some(errand) if number.is_multiple_of(2) => errand.from,
            Some(errand) => errand.to,
            None => self.robots[number - 2 * self.errands.len()].0,
        }
    }
}

impl Travels for World<'_> {
    fn ways(&mut self, _: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        let to: Vec<Place> = to.iter().map(|to| self.place(*to)).collect();
        let row = |from: &u32| {
            let from = self.place(*from);
            to.iter().map(move |to| Some(way_ms(from, *to)))
        };
        from.iter().flat_map(row).collect()
    }
}

impl Prospects for World<'_> {
    fn errand(&mut self, task: u32) -> Option<Errand> {
        let places = vec![2 * task, 2 * task + 1];
        Some(Errand { pickup: Stop { places, ..Stop::at(0, SERVICE_MS) }, delivery: None, load: 1 })
    }

    fn outlook(&mut self, agent: u32) -> Option<Outlook> {
        let place = u32::try_from(2 * self.errands.len()).ok()? + agent;
        Some(Outlook { place, travel: 0, room: 1, until_ms: None, aboard: Vec::new(), power: None })
    }

    fn may(&mut self, _: u32, _: u32) -> bool {
        true
    }

    fn chargers(&mut self) -> Vec<u32> {
        Vec::new()
    }
}

/// Plans of several tasks, on which the search goes on for so many steps after each decision.
struct Planning {
    rolling: Rolling,
    steps: u64,
}

impl Policy for Planning {
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice> {
        let choices = self.rolling.decide(question, arrivals);
        if let Some(mut job) = self.rolling.job() {
            job.step(self.steps);
            self.rolling.adopt(job.best());
        }
        choices
    }
}

/// Look-ahead as it is usually done: every two seconds, a full matrix of all open tasks and all robots.
struct Window {
    is_looking_ahead: bool,
}

impl Policy for Window {
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice> {
        let Question { now_ms, tasks, agents } = *question;
        let agents: Vec<&Ready> =
            agents.iter().filter(|agent| self.is_looking_ahead || agent.free_ms <= now_ms).collect();
        if tasks.is_empty() || agents.is_empty() {
            return Vec::new();
        }
        let column_of: BTreeMap<u32, usize> =
            agents.iter().enumerate().map(|(at, agent)| (agent.agent, at)).collect();
        let mut costs = vec![vec![0_i64; agents.len()]; tasks.len()];
        let (mut at, mut found) = (vec![vec![0; agents.len()]; tasks.len()], Vec::new());
        for (row, open) in tasks.iter().enumerate() {
            found.clear();
            arrivals.nearest(open.task, usize::MAX, &mut found);
            for arrival in &found {
                if let Some(&column) = column_of.get(&arrival.agent) {
                    let age = i64::try_from(now_ms - open.requested_ms).unwrap_or(0) / 2;
                    costs[row][column] = i64::try_from(arrival.at_ms - now_ms).unwrap_or(0) - age;
                    at[row][column] = arrival.at_ms;
                }
            }
        }
        // The fewer of the two are rows.
        let is_turned = agents.len() < tasks.len();
        let (rows, columns) =
            if is_turned { (agents.len(), tasks.len()) } else { (tasks.len(), agents.len()) };
        let cost =
            |row: usize, column: usize| if is_turned { costs[column][row] } else { costs[row][column] };
        let flat = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let Ok(mut solver) =
            DenseAssignment::new(rows, columns, flat.map(|(row, column)| cost(row, column)).collect())
        else {
            return Vec::new();
        };
        solver.solve();
        let pairs =
            (0_u32..).take(rows).filter_map(|row| Some((row as usize, solver.column_of(row)? as usize)));
        let pairs = pairs.map(|(row, column)| if is_turned { (column, row) } else { (row, column) });
        let starts = pairs.filter(|(_, agent)| agents[*agent].free_ms <= now_ms);
        starts
            .map(|(task, agent)| Choice {
                task: tasks[task].task,
                agent: agents[agent].agent,
                at_ms: at[task][agent],
            })
            .collect()
    }
}

/// Waits in milliseconds, and the longest as a share of its bound.
struct Waits {
    all: Vec<u64>,
    over_bound: f64,
    /// How long robots drove, empty or not.
    driven_ms: u64,
}

/// Serves a day. With a window decisions are made at its ends, otherwise whenever something happens.
fn serve(day: &Day, policy: &mut dyn Policy, window_ms: Option<u64>, horizon_ms: u64) -> Outcome<Waits> {
    let robots = day.robots.iter().map(|place| (*place, 0)).collect();
    let mut world = World { now_ms: 0, errands: &day.errands, robots, all: Vec::new() };
    let (mut open, mut next, mut waits) = (BTreeMap::<u32, Open>::new(), 0, vec![None; day.errands.len()]);
    let (mut older, mut driven_ms) = (BTreeMap::new(), 0);
    while next < day.errands.len() || !open.is_empty() {
        let asked = day.errands.get(next).map(|errand| errand.requested_ms);
        let free = world.robots.iter().map(|robot| robot.1).filter(|free| world.now_ms < *free).min();
        let free = free.filter(|_| !open.is_empty());
        let due =
            open.values().map(|task| task.requested_ms + horizon_ms).filter(|due| world.now_ms < *due).min();
        let event = [asked, free, due].into_iter().flatten().min().ok_or("nothing happens any more")?;
        world.now_ms = window_ms.map_or(event, |window| event.div_ceil(window) * window).max(world.now_ms);
        while let Some(errand) = day.errands.get(next).filter(|errand| errand.requested_ms <= world.now_ms) {
            let task = u32::try_from(next)?;
            open.insert(task, Open::new(task, errand.requested_ms));
            next += 1;
        }
        let tasks: Vec<Open> = open.values().copied().collect();
        for (before, task) in tasks.iter().enumerate() {
            if task.requested_ms + horizon_ms <= world.now_ms {
                older.entry(task.task).or_insert(before);
            }
        }
        let agents: Vec<Ready> =
            (0..).zip(&world.robots).map(|(agent, robot)| Ready::new(agent, robot.1)).collect();
        let now_ms = world.now_ms;
        for Choice { task, agent, at_ms } in
            policy.decide(&Question { now_ms, tasks: &tasks, agents: &agents }, &mut world)
        {
            let errand = day.errands[task as usize];
            let (place, free_ms) = &mut world.robots[agent as usize];
            if now_ms < *free_ms
                || at_ms != now_ms + way_ms(*place, errand.from)
                || open.remove(&task).is_none()
            {
                return Err(format!("task {task} cannot begin with robot {agent} at {now_ms} ms").into());
            }
            driven_ms += at_ms - now_ms + way_ms(errand.from, errand.to);
            (*place, *free_ms) = (errand.to, at_ms + SERVICE_MS + way_ms(errand.from, errand.to));
            waits[task as usize] = Some(at_ms - errand.requested_ms);
        }
    }
    let robots = day.robots.len();
    let share = |(task, wait): (usize, &Option<u64>)| {
        let wait = (*wait)?;
        let rounds = u32::try_from(task)
            .ok()
            .and_then(|task| older.get(&task))
            .map_or(0, |before| before / robots + 1);
        let bound = horizon_ms + u64::try_from(rounds).ok()? * CYCLE_MS_MAX + WAY_MS_MAX;
        #[expect(clippy::cast_precision_loss, reason = "days at most")]
        let share = wait as f64 / bound as f64;
        Some(share)
    };
    let over_bound = waits.iter().enumerate().filter_map(share).fold(0.0, f64::max);
    let all: Option<Vec<u64>> = waits.into_iter().collect();
    Ok(Waits { all: all.ok_or("a task was lost")?, over_bound, driven_ms })
}

/// A policy by name, and the window in which it decides.
fn policy(name: &str) -> (Box<dyn Policy>, Option<u64>) {
    match name {
        "fcfs_nearest" => (Box::new(NearestAvailable), None),
        "greedy_pairs" => (Box::new(GreedyPairs), None),
        "batch_2s" => (Box::new(Window { is_looking_ahead: false }), Some(WINDOW_MS)),
        "look_ahead_2s" => (Box::new(Window { is_looking_ahead: true }), Some(WINDOW_MS)),
        "rolling" => (Box::new(Planning { rolling: Rolling::default(), steps: PLAN_STEPS }), None),
        _ => (Box::new(BatchOptimal::default()), None),
    }
}

/// All policies on the same days.
pub(crate) fn run(quick: bool) -> Outcome<Vec<Figure>> {
    let horizon_ms = BatchOptimal::default().horizon_ms;
    let mut figures = Vec::new();
    let mut over_bound: f64 = 0.0;
    for (robots, load) in
        [20, 100].into_iter().flat_map(|robots| [0.5, 0.8, 0.95, 1.05].map(|load| (robots, load)))
    {
        if quick && (robots, load) != (20, 0.8) {
            continue;
        }
        let days: Vec<Day> =
            (1..=if quick { 1 } else { 10 }).map(|seed| Day::new(robots, load, seed)).collect();
        let (mut means, mut driven) = (BTreeMap::new(), BTreeMap::new());
        for name in ["fcfs_nearest", "greedy_pairs", "batch_2s", "look_ahead_2s", "default", "rolling"] {
            let (mut mean, mut late, mut longest) = (0.0, 0.0, 0.0);
            for day in &days {
                let (mut policy, window_ms) = policy(name);
                let mut waits = serve(day, &mut *policy, window_ms, horizon_ms)?;
                if matches!(name, "default" | "rolling") {
                    over_bound = over_bound.max(waits.over_bound);
                }
                waits.all.sort_unstable();
                *driven.entry(name).or_insert(0) += waits.driven_ms;
                #[expect(clippy::cast_precision_loss, reason = "days at most")]
                let seconds = |ms: u64| ms as f64 / 1_000.0 / days.len() as f64;
                mean += seconds(waits.all.iter().sum()) / f64::from(u32::try_from(waits.all.len())?);
                late += seconds(waits.all[waits.all.len() * 95 / 100]);
                longest += seconds(waits.all.last().copied().unwrap_or(0));
            }
            means.insert(name, mean);
            for (what, value) in [("mean", mean), ("p95", late), ("max", longest)] {
                figures.push(Figure::alone(
                    SUITE,
                    format!("wait_{what}_s_{name}_{robots}_{load}"),
                    value,
                    "s",
                ));
            }
        }
        let ratio = |to: &str| means["default"] / means[to];
        figures.push(Figure::alone(
            SUITE,
            format!("wait_mean_ratio_{robots}_{load}"),
            ratio("greedy_pairs"),
            "",
        ));
        let rolling = means["rolling"] / means["default"];
        figures.push(Figure::alone(
            SUITE,
            format!("wait_mean_rolling_to_default_{robots}_{load}"),
            rolling,
            "",
        ));
        let ahead = format!("wait_mean_to_look_ahead_{robots}_{load}");
        figures.push(Figure::alone(SUITE, ahead, ratio("look_ahead_2s"), ""));
        #[expect(clippy::cast_precision_loss, reason = "months at most")]
        let energy = |name: &str, to: &str| driven[name] as f64 / driven[to] as f64;
        for (what, value) in [
            ("energy_per_task_ratio", energy("default", "fcfs_nearest")),
            ("energy_rolling_to_default", energy("rolling", "default")),
        ] {
            figures.push(Figure::alone(SUITE, format!("{what}_{robots}_{load}"), value, ""));
        }
    }
    figures.push(Figure::alone(SUITE, "wait_max_over_bound", over_bound, ""));
    figures.extend(rounds::run(quick)?);
    Ok(figures)
}
