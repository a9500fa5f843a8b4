//! How much faster than real time the whole stack runs.

use sheepdog_core::{FleetTime, Micros, Mm, Sequential};
use sheepdog_map::model::{Lane, Level, Room, Site, Station, Waypoint};
use sheepdog_runtime::Clock;
use sheepdog_scenario::{DeliveryLoad, Setup, World};

use crate::{figure::Figure, median};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// `realtime_factor_N`: simulated seconds per second with N robots, plant, radio, interlocks, coordinator, planner and
/// ledger on one thread, while deliveries are always waiting.
pub(crate) fn run(quick: bool) -> Outcome<Vec<Figure>> {
    let (seconds, runs) = if quick { (20, 1) } else { (120, 5) };
    [(6, 8), (50, 16), (200, 32)]
        .into_iter()
        .map(|(robots, side)| {
            let factors =
                (0..runs).map(|seed| factor(robots, side, seconds, seed)).collect::<Outcome<Vec<_>>>()?;
            Ok(Figure::alone("sim", format!("realtime_factor_{robots}"), median(factors), "x"))
        })
        .collect()
}

fn factor(robots: usize, side: u32, seconds: u64, seed: u64) -> Outcome<f64> {
    let site = streets(side);
    let options = Setup::options(Mm(300), Mm(150), None);
    let mut setup =
        Setup::random_deliveries(&site, &options, robots, robots * 4, DeliveryLoad::default(), seed)?;
    setup.duration = Micros::from_secs(seconds);
    setup.until_done = false;
    let mut world = World::new(setup)?;
    let clock = Clock::starting_at(FleetTime::ZERO);
    world.run(&Sequential)?;
    let spent = clock.now().since(FleetTime::ZERO).unwrap_or_default().as_secs_f64();
    Ok(Micros::from_secs(seconds).as_secs_f64() / spent.max(1e-9))
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
