//! The executor with many robots that are late at random.
//!
//! An event is a report that a robot has completed a lane, together with the releases that it allows. The run is
//! played once, and the reports written down; then they are fed to copies of the executor, so that what is measured
//! is the executor alone.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    hint::black_box,
    path::Path,
    sync::Arc,
};

use rand_pcg::{
    Pcg64,
    rand_core::{Rng as _, SeedableRng as _},
};
use sheepdog_core::{AgentId, FleetTime, Mm};
use sheepdog_map::CompiledSite;
use sheepdog_runtime::Clock;
use sheepdog_traffic::{
    Executor,
    oneshot::{Cell, Grid, Instance, Outcome, Search, Trip},
};

use super::{Outcomes, read};
use crate::{figure::Figure, median};

/// How far robots are released ahead: what a fleet takes unless told otherwise.
const HORIZON: Mm = Mm(4_000);
/// Steps of the search for the plan; the largest instance takes a few thousand.
const STEPS: u64 = 100_000;
/// Robots for the comparison of orders.
const FEW: usize = 1_000;
/// Milliseconds for a lane.
const LANE_MS: u64 = 1_000;
/// One lane in so many takes up to ten times as long.
const LATE_SHARE: u64 = 10;
/// Who has been on a lane for so many milliseconds is late.
const LATE_MS: u64 = 2_000;
/// Milliseconds between two looks at who could go before others.
const LOOK_MS: u64 = 5_000;

/// Events a second, and the time that 99.9 % of them stay below, medians of some passes over one run; and how much earlier a
/// thousand robots arrive when they may go before others that are late.
///
/// With a folder of shared data, on warehouse-20-40-10-2-2; else on a grid of shelves of our own.
pub(super) fn figures(data: Option<&Path>, quick: bool, seed: u64) -> Outcomes<Vec<Figure>> {
    let agents = if quick { 1_000 } else { 10_000 };
    let (grid, trips) = match data {
        Some(data) => {
            let (map, scen) = super::files(data, "warehouse-20-40-10-2-2", "10000agents-1");
            let grid = Grid::parse(&read(&map)?, &map.display().to_string())?;
            let trips = grid.trips(&read(&scen)?, &scen.display().to_string(), agents)?;
            (grid, trips)
        }
        None => shelves(agents, seed)?,
    };
    let executor = loaded(&grid, &trips, None, seed)?;
    let (reports, _) = play(&executor, seed, false)?;
    let (mut rates, mut latest) = (Vec::new(), Vec::new());
    for _ in 0..if quick { 1 } else { 5 } {
        rates.push(rate(executor.clone(), &reports));
        latest.push(late(executor.clone(), &reports));
    }
    let few = loaded(&grid, trips.get(..FEW).unwrap_or(&trips), Some(executor.site()), seed)?;
    let (_, planned_s) = play(&few, seed, false)?;
    let (_, overtaking_s) = play(&few, seed, true)?;
    Ok(vec![
        Figure::alone("traffic", "executor_events_per_s", median(rates), "/s"),
        Figure::alone("traffic", "executor_p999_us", median(latest), "us"),
        Figure::alone("traffic", "executor_arrival_s", overtaking_s, "s").beside("planned order", planned_s),
    ])
}

/// An executor with a plan for all trips; on the site of the grid, if there is one already.
fn loaded(grid: &Grid, trips: &[Trip], site: Option<&Arc<CompiledSite>>, seed: u64) -> Outcomes<Executor> {
    let instance = Instance::on_grid(grid, trips)?;
    let mut search = Search::new(&instance, seed);
    search.run(STEPS);
    let Outcome::Solved(solution) = search.outcome() else {
        return Err("no plan for the executor to carry out".into());
    };
    let site = match site {
        Some(site) => Arc::clone(site),
        None => instance.site().map_err(|errors| format!("{errors:?}"))?,
    };
    let plan = solution.plan(&site).ok_or("the site is not that of the plan")?;
    let mut executor = Executor::new(site);
    for (agent, at) in instance.placements() {
        executor.place(agent, 0, at)?;
    }
    executor.append(&plan)?;
    Ok(executor)
}

/// Who reported how many lanes, in order, and when robots arrived on average, seconds.
type Played = (Vec<(AgentId, u32)>, f64);

/// What is known of a robot while it drives.
#[derive(Clone, Copy, Debug, Default)]
struct Driver {
    done: u32,
    released: u32,
    /// When it came to the end of a lane, or left where it waited.
    since: u64,
}

/// Plays a run to its end, where a report is of one lane. With `overtaking`, robots that wait are put before others that
/// are late or far away, every five seconds.
fn play(executor: &Executor, seed: u64, overtaking: bool) -> Outcomes<Played> {
    let mut executor = executor.clone();
    let mut driving = BinaryHeap::new();
    let mut drivers: BTreeMap<AgentId, Driver> =
        executor.agents().map(|agent| (agent, Driver::default())).collect();
    let mut reports = Vec::new();
    let (mut now, mut looked) = (0_u64, 0_u64);
    loop {
        if overtaking && looked + LOOK_MS <= now {
            looked = now;
            let late = |driver: &Driver| driver.done < driver.released && driver.since + LATE_MS < now;
            let is_late = |agent: AgentId| drivers.get(&agent).is_some_and(late);
            for (&agent, _) in drivers.iter().filter(|(_, driver)| driver.done == driver.released) {
                executor.overtake(agent, &is_late);
            }
        }
        for grant in executor.grant(HORIZON) {
            let driver = drivers.entry(grant.agent).or_default();
            if driver.released == driver.done {
                driver.since = now;
                driving.push(Reverse((now + lane_time(seed, grant.agent, driver.done), grant.agent)));
            }
            driver.released += u32::try_from(grant.lanes.len())?;
        }
        let Some(Reverse((time, agent))) = driving.pop() else { break };
        now = time;
        let Some(driver) = drivers.get_mut(&agent) else { continue };
        driver.done += 1;
        driver.since = now;
        executor.complete(agent, driver.done);
        reports.push((agent, driver.done));
        if driver.done < driver.released {
            driving.push(Reverse((now + lane_time(seed, agent, driver.done), agent)));
        }
    }
    let stuck = executor.agents().filter(|agent| !executor.is_idle(*agent)).count();
    if 0 < stuck {
        return Err(format!("{stuck} robots never arrive").into());
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds and robots, far below 2^53")]
    let mean_s = drivers.values().map(|driver| driver.since as f64).sum::<f64>() / 1e3 / drivers.len() as f64;
    Ok((reports, mean_s))
}

/// How long a robot takes for the lane with this index of its route.
fn lane_time(seed: u64, agent: AgentId, lane: u32) -> u64 {
    let key = u64::from(agent.0) << 32 | u64::from(lane);
    let drawn = Pcg64::seed_from_u64(seed ^ key).next_u64();
    if drawn.is_multiple_of(LATE_SHARE) { LANE_MS + (drawn >> 8) % (9 * LANE_MS) } else { LANE_MS }
}

/// Events a second.
fn rate(mut executor: Executor, reports: &[(AgentId, u32)]) -> f64 {
    black_box(executor.grant(HORIZON));
    let clock = Clock::starting_at(FleetTime::ZERO);
    for &(agent, done) in reports {
        executor.complete(agent, done);
        black_box(executor.grant(HORIZON));
    }
    #[expect(clippy::cast_precision_loss, reason = "a few millions")]
    let events = reports.len() as f64;
    events / clock.elapsed().as_secs_f64()
}

/// The microseconds that 99.9 % of the events stay below, the look at the clock included.
fn late(mut executor: Executor, reports: &[(AgentId, u32)]) -> f64 {
    black_box(executor.grant(HORIZON));
    let mut times = Vec::with_capacity(reports.len());
    for &(agent, done) in reports {
        let clock = Clock::starting_at(FleetTime::ZERO);
        executor.complete(agent, done);
        black_box(executor.grant(HORIZON));
        times.push(clock.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() - times.len().div_ceil(1_000)).copied().unwrap_or(0.0) * 1e6
}

/// Rows of shelves ten cells long with aisles two cells wide between them, and robots whose trips are drawn.
fn shelves(agents: usize, seed: u64) -> Outcomes<(Grid, Vec<Trip>)> {
    let side = (4 * agents).isqrt() / 12 * 12 + 14;
    let row = |y: usize| -> String {
        let shelf = |x: usize| y % 3 == 2 && 2 <= x % 12 && x + 2 < side && y + 2 < side;
        (0..side).map(|x| if shelf(x) { '@' } else { '.' }).collect()
    };
    let rows: Vec<String> = (0..side).map(row).collect();
    let text = format!("type octile\nheight {side}\nwidth {side}\nmap\n{}\n", rows.join("\n"));
    let grid = Grid::parse(&text, "shelves")?;
    let mut random = Pcg64::seed_from_u64(seed);
    let mut shuffled = || {
        let cells = (0..grid.height()).flat_map(|y| (0..grid.width()).map(move |x| Cell { x, y }));
        let mut cells: Vec<Cell> = cells.filter(|cell| grid.is_free(*cell)).collect();
        for last in (1..cells.len()).rev() {
            let other = random.next_u64() % (last as u64 + 1);
            cells.swap(last, usize::try_from(other).unwrap_or(last));
        }
        cells
    };
    let trips = shuffled().into_iter().zip(shuffled());
    let trips = trips.take(agents).map(|(start, goal)| Trip { start, goal }).collect();
    Ok((grid, trips))
}
