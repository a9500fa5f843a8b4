//! The one-shot planner on the grids of the `MovingAI` benchmarks.
//!
//! Beside it, in the same run, a plain breadth-first table of all goals: how fast this machine is. Every plan that solves its
//! instance is checked, from its text, by `sheepdog-validate`, which shares nothing with the planner. The suite also measures
//! the executor that carries such a plan out.

mod execution;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;
use sheepdog_core::{FleetTime, Sequential, Workers};
use sheepdog_runtime::{Clock, Pool};
use sheepdog_traffic::oneshot::{
    Cell, Costs, Grid, Instance, Outcome, Refiner, Search, Solution, Trip, film, heat_map,
};

use crate::{figure::Figure, median, shared, timed};

type Outcomes<T> = Result<T, Box<dyn std::error::Error>>;

/// Steps between two looks at the clock.
const SLICE: u64 = 64;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// A grid (`type octile`). Without one, all shared instances are measured (`SHEEPDOG_DATA`), and the executor.
    #[arg(long, requires_all = ["scen", "agents"])]
    map: Option<PathBuf>,
    /// Its trips (`version 1`).
    #[arg(long, requires = "map")]
    scen: Option<PathBuf>,
    /// How many of them, from the first.
    #[arg(long, default_value_t = 0, requires = "map")]
    agents: usize,
    /// At most so many steps of the search and then rounds of the refinement; the same plan on every machine.
    #[arg(long, conflicts_with = "seconds")]
    steps: Option<u64>,
    /// Refine the first plan until so many seconds have passed since the start. Without, and without steps, the first
    /// plan is printed, or what there is after 30 s.
    #[arg(long)]
    seconds: Option<f64>,
    /// How many threads refine.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where chance comes from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to write the plan.
    #[arg(long)]
    plan_out: Option<PathBuf>,
    /// Where to write the plan as a moving picture.
    #[arg(long, value_name = "FILE.svg", requires = "map")]
    picture: Option<PathBuf>,
    /// How many robots move in the picture, from the first.
    #[arg(long, default_value_t = 100, requires = "picture")]
    picture_robots: usize,
    /// Where to write a picture of how often robots come to each cell.
    #[arg(long, value_name = "FILE.svg", requires = "map")]
    heat: Option<PathBuf>,
    /// All shared instances: only those of at most 400 robots, once each.
    #[arg(long, conflicts_with = "map")]
    quick: bool,
    /// All shared instances: only figures whose names contain this.
    #[arg(long, conflicts_with = "map")]
    only: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// The shared instances, and how many robots.
const SHARED: [(&str, &str, &[usize]); 6] = [
    ("random-32-32-20", "random-1", &[100, 400]),
    ("room-64-64-8", "gen-1", &[100, 400, 1_000]),
    ("warehouse-10-20-10-2-1", "gen-1", &[100, 400, 1_000]),
    ("maze-128-128-10", "gen-1", &[100, 400, 1_000]),
    ("den520d", "gen-1", &[100, 400, 1_000, 5_000]),
    ("warehouse-20-40-10-2-2", "10000agents-1", &[1_000, 5_000, 10_000]),
];

/// What came out.
#[derive(Clone, Debug, Serialize)]
struct Report {
    map: String,
    agents: usize,
    outcome: &'static str,
    reason: Option<String>,
    /// To the first plan, tables included.
    ttfs_ms: f64,
    /// Of these, the tables.
    tables_ms: f64,
    /// Where everybody arrives for the last time, in steps.
    sum_of_costs: u64,
    /// Steps that are not spent at rest at the goal.
    sum_of_loss: u64,
    makespan: u64,
    /// To the sum of the shortest ways,
    soc_ratio: f64,
    sol_ratio: f64,
    /// and to the longest of them.
    makespan_ratio: f64,
    steps: u64,
    /// Rounds of the refinement.
    rounds: u64,
    /// Seconds since the start and the sum of loss then, at each tenth of a second.
    sum_of_loss_over_time: Vec<(f64, u64)>,
    agent_steps_per_s: f64,
    peak_rss_mb: f64,
    /// A plain breadth-first table of every goal.
    bfs_table_ms: f64,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let done = match (&options.map, &options.scen) {
        (Some(map), Some(scen)) => solve(options, map, scen).and_then(|report| {
            report.print(options.json)?;
            Ok(report.outcome == "solved")
        }),
        (_, _) => suite(options).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Figures of the executor and of all shared instances, medians of five runs each.
fn suite(options: &Options) -> Outcomes<()> {
    let data = Some(shared()).filter(|data| data.is_dir());
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    if ["executor_events_per_s", "executor_p999_us"].into_iter().any(wanted) {
        for figure in execution::figures(data.as_deref(), options.quick, options.seed)? {
            figure.print(options.json)?;
        }
    }
    let Some(data) = data else {
        return Err(format!("no shared instances at {}", shared().display()).into());
    };
    let (runs, most) = if options.quick { (1, 400) } else { (5, usize::MAX) };
    let mut speeds = Vec::new();
    for (map, scen, sizes) in SHARED {
        let (grid, trips) = files(&data, map, scen);
        for &agents in sizes.iter().filter(|agents| **agents <= most) {
            let ttfs = format!("ttfs_{map}_{agents}_ms");
            let sol_ratio = format!("sol_ratio_{map}_{agents}");
            if ![ttfs.as_str(), &sol_ratio, "agent_steps_per_s"].into_iter().any(wanted) {
                continue;
            }
            let one = Options { agents, plan_out: None, ..options.clone() };
            let reports = (0..runs).map(|_| solve(&one, &grid, &trips)).collect::<Outcomes<Vec<Report>>>()?;
            if let Some(report) = reports.iter().find(|report| report.outcome != "solved") {
                return Err(format!("{map} with {agents} robots: {}", report.outcome).into());
            }
            let of = |value: fn(&Report) -> f64| median(reports.iter().map(value).collect());
            speeds.push(of(|report| report.agent_steps_per_s));
            let figure = Figure::alone("traffic", ttfs, of(|report| report.ttfs_ms), "ms");
            figure.beside("plain tables", of(|report| report.bfs_table_ms)).print(options.json)?;
            Figure::alone("traffic", sol_ratio, of(|report| report.sol_ratio), "").print(options.json)?;
        }
    }
    if speeds.is_empty() {
        return Ok(());
    }
    Figure::alone("traffic", "agent_steps_per_s", median(speeds), "/s").print(options.json)
}

/// Where a shared instance lies.
fn files(data: &Path, map: &str, scen: &str) -> (PathBuf, PathBuf) {
    let folder = data.join("mapf");
    (folder.join("map").join(format!("{map}.map")), folder.join("scen").join(format!("{map}-{scen}.scen")))
}

/// Plans for one instance.
fn solve(options: &Options, map: &Path, scen: &Path) -> Outcomes<Report> {
    let (map_text, scen_text) = (read(map)?, read(scen)?);
    let grid = Grid::parse(&map_text, &map.display().to_string())?;
    let trips = grid.trips(&scen_text, &scen.display().to_string(), options.agents)?;
    let clock = Clock::starting_at(FleetTime::ZERO);
    let instance = Instance::on_grid(&grid, &trips)?;
    let mut search = Search::new(&instance, options.seed);
    let tables = clock.elapsed().as_secs_f64();
    let seconds = options.seconds.unwrap_or(30.0);
    let done = || clock.elapsed().as_secs_f64();
    while options.steps.map_or_else(|| done() < seconds, |steps| search.steps() < steps) {
        let slice = options.steps.map_or(SLICE, |steps| (steps - search.steps()).min(SLICE));
        if search.run(slice) {
            break;
        }
    }
    let first = clock.elapsed().as_secs_f64();
    let (steps, agent_steps) = (search.steps(), search.agent_steps());
    let (outcome, reason, mut solution) = match search.outcome() {
        Outcome::Solved(solution) => ("solved", None, Some(solution)),
        Outcome::Infeasible { reason } => ("infeasible", Some(reason.to_string()), None),
        Outcome::BudgetSpent { best } => ("budget-spent", None, Some(best)),
    };
    let distances = search.distances().to_vec();
    let mut refined = Refined::default();
    let wanted = options.steps.is_some() || options.seconds.is_some();
    if let Some(mut refiner) = wanted.then(|| search.into_refiner(options.seed)).flatten() {
        let rounds = options.steps.map(|all| all.saturating_sub(steps));
        refined = refine(&mut refiner, rounds, seconds, options.threads, &clock);
        solution = Some(refiner.solution());
    }
    let costs = solution.as_ref().map(Solution::costs).unwrap_or_default();
    let (sum, most) = distances
        .iter()
        .fold((0, 0), |(sum, most), &distance| (sum + u64::from(distance), most.max(u64::from(distance))));
    let peak_rss_mb = peak_rss_mb();
    let plan = solution.as_ref().map(|solution| solution.text(&instance)).unwrap_or_default();
    if let Some(path) = &options.plan_out {
        write(path, &plan)?;
    }
    if let (Some(path), Some(solution)) = (&options.picture, &solution) {
        let robots: Vec<usize> = (0..options.agents.min(options.picture_robots)).collect();
        write(path, &film(&instance, solution, &robots)?)?;
    }
    if let (Some(path), Some(solution)) = (&options.heat, &solution) {
        write(path, &heat_map(&instance, solution)?)?;
    }
    if outcome == "solved" {
        let checked = costs_by_checker(&map_text, &scen_text, options.agents, &plan);
        let checked =
            checked.map_err(|fault| format!("{}: the plan is not valid: {fault}", map.display()))?;
        if checked != costs {
            return Err(format!("{}: {costs:?}, and the checker counts {checked:?}", map.display()).into());
        }
    }
    let (_, table) = timed(|| tables_by_breadth(&grid, &trips));
    Ok(Report {
        map: map.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        agents: options.agents,
        outcome,
        reason,
        ttfs_ms: first * 1e3,
        tables_ms: tables * 1e3,
        sum_of_costs: costs.sum_of_costs,
        sum_of_loss: costs.sum_of_loss,
        makespan: costs.makespan,
        soc_ratio: ratio(costs.sum_of_costs, sum),
        sol_ratio: ratio(costs.sum_of_loss, sum),
        makespan_ratio: ratio(costs.makespan, most),
        steps,
        rounds: refined.rounds,
        sum_of_loss_over_time: refined.over_time,
        agent_steps_per_s: per_second(agent_steps, first - tables),
        peak_rss_mb,
        bfs_table_ms: table * 1e3,
    })
}

/// What a plan costs by `sheepdog-validate`, from the texts alone; an error when it is not valid.
fn costs_by_checker(map: &str, scen: &str, agents: usize, plan: &str) -> Outcomes<Costs> {
    let grid = sheepdog_validate::Grid::parse(map.as_bytes())?;
    let robots = sheepdog_validate::parse_agents(scen.as_bytes(), &grid, agents)?;
    let plan = sheepdog_validate::Plan::parse(plan.as_bytes(), robots.len())?;
    let sheepdog_validate::Figures { makespan, sum_of_costs, sum_of_loss, .. } =
        sheepdog_validate::check(&grid, &robots, &plan)?;
    Ok(Costs { sum_of_costs, sum_of_loss, makespan })
}

/// What the refinement came to.
#[derive(Clone, Debug, Default)]
struct Refined {
    rounds: u64,
    over_time: Vec<(f64, u64)>,
}

/// Makes so many rounds, or as many as there is time for.
fn refine(
    refiner: &mut Refiner,
    rounds: Option<u64>,
    seconds: f64,
    threads: usize,
    clock: &Clock,
) -> Refined {
    let pool = (1 < threads).then(|| Pool::new(threads));
    let workers: &dyn Workers = pool.as_ref().map_or(&Sequential, |pool| pool);
    let mut over_time = vec![(clock.elapsed().as_secs_f64(), refiner.sum_of_loss())];
    let mut due = 0.1;
    loop {
        let now = clock.elapsed().as_secs_f64();
        if rounds.map_or(seconds <= now, |rounds| rounds <= refiner.rounds()) {
            over_time.push((now, refiner.sum_of_loss()));
            return Refined { rounds: refiner.rounds(), over_time };
        }
        if due <= now {
            over_time.push((now, refiner.sum_of_loss()));
            due = (now * 10.0).floor() / 10.0 + 0.1;
        }
        refiner.round(workers);
    }
}

fn write(path: &Path, text: &str) -> Outcomes<()> {
    Ok(fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn read(path: &Path) -> Outcomes<String> {
    Ok(fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?)
}

#[expect(clippy::cast_precision_loss, reason = "sums of steps, far below 2^53")]
fn ratio(sum: u64, bound: u64) -> f64 {
    sum as f64 / bound.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "sums of steps, far below 2^53")]
fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(1e-9)
}

/// The most memory that this process ever had; zero where the system does not say.
fn peak_rss_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

/// A plain breadth-first search from each goal over the whole grid, a table after the other; the sum of the ways.
fn tables_by_breadth(grid: &Grid, trips: &[Trip]) -> u64 {
    let (width, height) = (grid.width() as usize, grid.height() as usize);
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); width * height];
    let index = |cell: Cell| cell.y as usize * width + cell.x as usize;
    let cells = (0..grid.height()).flat_map(|y| (0..grid.width()).map(move |x| Cell { x, y }));
    for cell in cells.filter(|cell| grid.is_free(*cell)) {
        let Cell { x, y } = cell;
        let around = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
        let around = around.map(|(x, y)| Cell { x, y }).into_iter().filter(|cell| grid.is_free(*cell));
        if let Some(list) = neighbours.get_mut(index(cell)) {
            list.extend(around.map(index));
        }
    }
    let mut sum = 0;
    let mut queue = std::collections::VecDeque::new();
    for trip in trips {
        let mut table = vec![u32::MAX; width * height];
        let goal = index(trip.goal);
        if let Some(distance) = table.get_mut(goal) {
            *distance = 0;
        }
        queue.push_back((goal, 0));
        while let Some((cell, distance)) = queue.pop_front() {
            for &next in neighbours.get(cell).into_iter().flatten() {
                if let Some(known) = table.get_mut(next).filter(|known| **known == u32::MAX) {
                    *known = distance + 1;
                    queue.push_back((next, distance + 1));
                }
            }
        }
        sum += u64::from(table.get(index(trip.start)).copied().unwrap_or(0));
    }
    sum
}

impl Report {
    fn print(&self, json: bool) -> Outcomes<()> {
        if json {
            anstream::println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Self { map, agents, outcome, ttfs_ms, tables_ms, sum_of_costs, sum_of_loss, makespan, .. } = self;
        anstream::println!(
            "{map} {agents}: {outcome}, {ttfs_ms:.1} ms ({tables_ms:.1} ms tables), sum of costs {sum_of_costs} ({:.3}), \
             sum of loss {sum_of_loss} ({:.3}), makespan {makespan} ({:.3}); {} steps, {:.0} agent steps a second; \
             {:.1} MB; plain tables {:.1} ms{}",
            self.soc_ratio,
            self.sol_ratio,
            self.makespan_ratio,
            self.steps,
            self.agent_steps_per_s,
            self.peak_rss_mb,
            self.bfs_table_ms,
            self.reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default(),
        );
        Ok(())
    }
}
