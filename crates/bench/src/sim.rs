//! How much faster than real time the whole stack runs, and how its cost grows with robots.

use sheepdog_core::{FleetTime, Micros, Mm, Sequential};
use sheepdog_map::model::{Lane, Level, Room, Site, Station, Waypoint};
use sheepdog_runtime::Clock;
use sheepdog_scenario::{DeliveryLoad, Setup, World};

use crate::{figure::Figure, median, memory};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Robots of one run, and how they look around.
#[derive(Clone, Copy)]
struct Crowd {
    robots: u32,
    /// Crossings along each side of the hall.
    side: u32,
    beams: u32,
}

impl Crowd {
    /// Five crossings for every robot, however many there are.
    fn of(robots: u32) -> Self {
        Self { robots, side: (robots * 5 - 1).isqrt() + 1, beams: 16 }
    }

    /// Everybody has deliveries waiting all the time.
    fn world(self, duration: Micros, seed: u64) -> Outcome<World> {
        let site = streets(self.side);
        let options = Setup::options(Mm(300), Mm(150), None);
        let load = DeliveryLoad::default();
        let robots = usize::try_from(self.robots)?;
        let mut setup = Setup::random_deliveries(&site, &options, robots, robots * 4, load, seed)?;
        setup.plant.tick = TICK;
        for robot in &mut setup.plant.robots {
            robot.beams.count = self.beams;
        }
        setup.duration = duration;
        setup.until_done = false;
        Ok(World::new(setup)?)
    }

    /// Seconds for each simulated second, the start of the world not counted.
    fn cost(self, seconds: u64, seed: u64) -> Outcome<f64> {
        let mut world = self.world(Micros::from_secs(seconds), seed)?;
        let clock = Clock::starting_at(FleetTime::ZERO);
        world.run(&Sequential)?;
        Ok(clock.elapsed().as_secs_f64() / Micros::from_secs(seconds).as_secs_f64())
    }

    fn median_cost(self, seconds: u64, runs: u64) -> Outcome<f64> {
        Ok(median((0..runs).map(|seed| self.cost(seconds, seed)).collect::<Outcome<_>>()?))
    }

    /// Bytes that are held after some simulated seconds.
    fn bytes(self, seconds: u64) -> Outcome<usize> {
        memory::begin();
        let mut world = self.world(Micros::from_secs(seconds), 0)?;
        world.run(&Sequential)?;
        let held = memory::held();
        memory::end();
        Ok(held)
    }
}

/// Ten times a second, every robot looks around and decides.
const TICK: Micros = Micros::from_millis(100);

/// What the whole stack costs, on one thread: plant, radio, interlocks, coordinator, planner and ledger, while deliveries
/// are always waiting.
pub(crate) fn run(quick: bool) -> Outcome<Vec<Figure>> {
    let (seconds, runs) = if quick { (10, 1) } else { (60, 3) };
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    for robots in [10, 100, 1_000] {
        let cost = Crowd::of(robots).median_cost(seconds, runs)?;
        figures.push(Figure::alone("sim", format!("realtime_factor_{robots}"), 1.0 / cost, "x"));
        costs.push((f64::from(robots), cost));
    }
    let wide = Crowd { beams: 360, ..Crowd::of(100) }.median_cost(seconds, runs)?;
    figures.push(Figure::alone("sim", "realtime_factor_100_beams360", 1.0 / wide, "x"));
    if let [(few, cheap), (some, cost), (many, dear)] = costs[..] {
        let step_us = cost * TICK.as_secs_f64() / some * 1e6;
        figures.push(Figure::alone("sim", "us_per_robot_step", step_us, "us"));
        let exponent = libm::log(dear / cheap) / libm::log(many / few);
        figures.push(Figure::alone("sim", "growth_exponent", exponent, ""));
    }
    let crowd = Crowd::of(200);
    let half = Crowd { robots: 100, ..crowd };
    let more = crowd.bytes(seconds)?.saturating_sub(half.bytes(seconds)?);
    let bytes = u32::try_from(more)? / (crowd.robots - half.robots);
    figures.push(Figure::alone("sim", "bytes_per_robot", bytes.into(), "B"));
    Ok(figures)
}

/// One large room with `side` by `side` crossings of one-way streets, 2 m apart, their directions alternating.
fn streets(side: u32) -> Site {
    let mut site = Site::new("streets");
    let extent = f64::from(side) * 2.0;
    site.levels.push(Level::new("floor", 0.0));
    site.rooms.push(Room::rectangle("hall", "floor", 0.0, 0.0, extent, extent).walled());
    let name = |column: u32, row: u32| format!("{column}/{row}");
    for row in 0..side {
        for column in 0..side {
            let (x_m, y_m) = (f64::from(column) * 2.0 + 1.0, f64::from(row) * 2.0 + 1.0);
            site.waypoints.push(Waypoint::new(name(column, row), "floor", x_m, y_m));
            if (column + row) % 3 == 0 {
                site.stations.push(Station::new(name(column, row), name(column, row)));
            }
        }
    }
    for line in 0..side {
        for step in 1..side {
            let (across, up) =
                ((name(step - 1, line), name(step, line)), (name(line, step - 1), name(line, step)));
            let forward = line % 2 == 0;
            for (from, to) in [across, up] {
                let (from, to) = if forward { (from, to) } else { (to, from) };
                // The outermost streets run both ways, so that every corner can be left.
                let rim = line == 0 || line == side - 1;
                site.lanes.push(if rim { Lane::two_way(from, to) } else { Lane::one_way(from, to) });
            }
        }
    }
    site
}
