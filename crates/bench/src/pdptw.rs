//! The pickup and delivery solver on Li & Lim's instances, beside the best-known solutions.
//!
//! Routes are checked by [`mod@check`], which shares no code with the solver and works in the doubles of the benchmark. The
//! solver works in ten-thousandths of a unit; times are rounded up, so that what is in time there is in time here.

mod check;
mod lilim;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;
use sheepdog_core::FleetTime;
use sheepdog_dispatch::pdptw::{Pair, Problem, ProblemError, Search, Stop, StopId, Vehicles};
use sheepdog_runtime::Clock;

use self::{
    check::{Checked, check},
    lilim::{Instance, best_known},
};

/// Integer units for each of the instance's.
const SCALE: i64 = 10_000;
/// Tasks of the published sets.
const SIZES: [usize; 6] = [100, 200, 400, 600, 800, 1_000];

#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
#[command(group = clap::ArgGroup::new("budget").required(true))]
pub(crate) struct Options {
    /// An instance.
    #[arg(long, group = "what")]
    instance: Option<PathBuf>,
    /// All instances in a folder, and a summary.
    #[arg(long, group = "what")]
    set: Option<PathBuf>,
    /// Of a folder only the instances of about so many tasks.
    #[arg(long, conflicts_with = "instance")]
    tasks: Option<usize>,
    /// How many steps; the same result on every machine.
    #[arg(long, group = "budget")]
    steps: Option<u64>,
    /// How many seconds of real time, from a checked file to routes.
    #[arg(long, group = "budget")]
    seconds: Option<f64>,
    /// Where chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What came out for one instance.
#[derive(Clone, Debug, Serialize)]
struct Report {
    instance: String,
    #[serde(flatten)]
    checked: Checked,
    steps: u64,
    seconds: f64,
    best_vehicles: Option<usize>,
    best_distance: Option<f64>,
}

/// What came out for a folder.
#[derive(Clone, Debug, Default, Serialize)]
struct Summary {
    instances: usize,
    valid: usize,
    /// With as many vehicles as the best-known solution, or fewer.
    best_vehicles: usize,
    /// Vehicles above the best-known, all instances together.
    vehicles_over: usize,
    vehicles_over_worst: usize,
    /// How much longer than best-known, mean of those with as many vehicles.
    gap_percent: f64,
    gap_percent_worst: f64,
    /// The same of all, whatever their vehicles.
    gap_percent_all: f64,
    /// The longest that an instance took.
    seconds_max: f64,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    match report(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Solves and prints; whether all routes are valid.
fn report(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let Some(folder) = &options.set else {
        let path = options.instance.as_deref().unwrap_or(Path::new(""));
        let report = solve(path, &read(path)?, options)?;
        report.print(options.json)?;
        return Ok(report.checked.valid);
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let mut reports = Vec::new();
    for path in paths {
        let instance = read(&path)?;
        if options.tasks.is_none_or(|tasks| tasks == size(&instance)) {
            let report = solve(&path, &instance, options)?;
            report.print(options.json)?;
            reports.push(report);
        }
    }
    let summary = Summary::of(&reports);
    if options.json {
        anstream::println!("{}", serde_json::to_string(&summary)?);
    } else {
        summary.print();
    }
    Ok(summary.valid == summary.instances)
}

fn read(path: &Path) -> Result<Instance, Box<dyn std::error::Error>> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    Ok(Instance::read(&name, &text)?)
}

/// The published size that is nearest.
fn size(instance: &Instance) -> usize {
    let tasks = instance.nodes.len().saturating_sub(1);
    SIZES.into_iter().min_by_key(|size| size.abs_diff(tasks)).unwrap_or(0)
}

fn solve(path: &Path, instance: &Instance, options: &Options) -> Result<Report, Box<dyn std::error::Error>> {
    let clock = Clock::starting_at(FleetTime::ZERO);
    let problem = problem(instance).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut search = Search::new(&problem, options.seed);
    while options.steps.is_none_or(|steps| search.steps() < steps)
        && options.seconds.is_none_or(|seconds| clock.elapsed().as_secs_f64() < seconds)
    {
        search.step();
    }
    let solution = search.best();
    let seconds = clock.elapsed().as_secs_f64();
    let routes: Vec<Vec<usize>> = solution
        .routes
        .iter()
        .map(|route| route.iter().filter_map(|stop| usize::try_from(stop.0).ok()).collect())
        .collect();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let best = table(path).and_then(|table| best_known(&table, &name));
    Ok(Report {
        instance: name,
        checked: check(instance, &routes),
        steps: search.steps(),
        seconds,
        best_vehicles: best.map(|best| best.0),
        best_distance: best.map(|best| best.1),
    })
}

/// The table beside the file or beside its folder.
fn table(path: &Path) -> Option<String> {
    path.ancestors().skip(1).take(2).find_map(|folder| fs::read_to_string(folder.join("tables.csv")).ok())
}

/// The instance in integers.
fn problem(instance: &Instance) -> Result<Problem, ProblemError> {
    let time = |value: i64| value.saturating_mul(SCALE);
    let depot = instance.nodes.first();
    let vehicles = Vehicles {
        count: instance.vehicles,
        capacity: instance.capacity,
        ready: depot.map_or(0, |depot| time(depot.ready)),
        due: depot.map_or(0, |depot| time(depot.due)),
    };
    let tasks = instance.nodes.iter().skip(1);
    let stops: Vec<Stop> = tasks
        .map(|node| Stop {
            demand: node.demand,
            ready: time(node.ready),
            due: time(node.due),
            service: time(node.service),
        })
        .collect();
    let id = |node: usize| StopId(u32::try_from(node).unwrap_or(u32::MAX));
    let pairs: Vec<Pair> = instance
        .pairs()
        .map(|(pickup, delivery)| Pair { pickup: id(pickup), delivery: id(delivery) })
        .collect();
    let ways = || {
        let rows = instance.nodes.iter();
        rows.flat_map(|from| {
            instance.nodes.iter().map(|to| {
                let (x, y) = (from.x - to.x, from.y - to.y);
                (x * x + y * y).sqrt() * 1e4
            })
        })
    };
    #[expect(clippy::cast_possible_truncation, reason = "coordinates are at most a million")]
    let (distances, durations): (Vec<i64>, Vec<i64>) =
        ways().map(|way| (way.round() as i64, way.ceil() as i64)).unzip();
    Problem::new(vehicles, &stops, &pairs, &distances, &durations)
}

impl Report {
    /// How much longer than best-known, in percent.
    fn gap(&self) -> Option<f64> {
        self.best_distance.filter(|best| 0.0 < *best).map(|best| 100.0 * (self.checked.distance / best - 1.0))
    }

    fn over(&self) -> Option<usize> {
        self.best_vehicles.map(|best| self.checked.vehicles.saturating_sub(best))
    }

    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        let Self { instance, checked, steps, seconds, best_vehicles, best_distance } = self;
        if json {
            anstream::println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Checked { vehicles, distance, lateness, unserved, valid, faults } = checked;
        let best = match (best_vehicles, best_distance, self.gap()) {
            (Some(vehicles), Some(distance), Some(gap)) => {
                format!("   best known {vehicles:>3} / {distance:.2}, {gap:+.2} %")
            }
            (_, _, _) => String::new(),
        };
        anstream::println!(
            "{instance:<10} {vehicles:>3} vehicles, distance {distance:>10.2}, lateness {lateness:.6}, unserved \
             {unserved}, {}, {steps} steps in {seconds:.3} s{best}",
            if *valid { "valid" } else { "NOT VALID" },
        );
        for fault in faults {
            anstream::println!("    {fault}");
        }
        Ok(())
    }
}

impl Summary {
    fn of(reports: &[Report]) -> Self {
        let equal: Vec<f64> =
            reports.iter().filter(|report| report.over() == Some(0)).filter_map(Report::gap).collect();
        let all: Vec<f64> = reports.iter().filter_map(Report::gap).collect();
        let over: Vec<usize> = reports.iter().filter_map(Report::over).collect();
        Self {
            instances: reports.len(),
            valid: reports.iter().filter(|report| report.checked.valid).count(),
            best_vehicles: over.iter().filter(|over| **over == 0).count(),
            vehicles_over: over.iter().sum(),
            vehicles_over_worst: over.iter().copied().max().unwrap_or(0),
            gap_percent: mean(&equal),
            gap_percent_worst: equal.iter().copied().fold(0.0, f64::max),
            gap_percent_all: mean(&all),
            seconds_max: reports.iter().map(|report| report.seconds).fold(0.0, f64::max),
        }
    }

    fn print(&self) {
        anstream::println!(
            "{} instances, {} valid; vehicles as best known in {}, {} over in all, worst {}; distance over best known \
             {:.2} % where vehicles are equal (worst {:.2} %), {:.2} % over all; at most {:.3} s",
            self.instances,
            self.valid,
            self.best_vehicles,
            self.vehicles_over,
            self.vehicles_over_worst,
            self.gap_percent,
            self.gap_percent_worst,
            self.gap_percent_all,
            self.seconds_max,
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred instances")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
