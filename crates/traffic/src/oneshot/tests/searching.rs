//! Plans are valid, the search is complete, and the same every time.

use proptest::prelude::*;

use super::{check, instance, questions};
use crate::oneshot::{Cell, Grid, Infeasible, Instance, Outcome, Search, Solution, Trip};

fn cells(solution: &Solution, instance: &Instance) -> Vec<Vec<Cell>> {
    (0..=solution.makespan()).map(|step| solution.cells(instance, step)).collect()
}

/// Carries a plan text out, letter by letter.
fn carried_out(text: &str, trips: &[Trip]) -> Vec<Cell> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("sheepdog-plan 1"));
    assert!(lines.next().unwrap().starts_with(&format!("agents {} makespan ", trips.len())));
    let end = |(trip, line): (&Trip, &str)| {
        let count = |letter| u32::try_from(line.matches(letter).count()).unwrap();
        Cell { x: trip.start.x + count('E') - count('W'), y: trip.start.y + count('S') - count('N') }
    };
    trips.iter().zip(lines).map(end).collect()
}

fn solve(instance: &Instance, seed: u64, steps: u64) -> Outcome {
    let mut search = Search::new(instance, seed);
    search.run(steps);
    assert!(search.steps() <= steps);
    search.outcome()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The search says "solved" with a valid plan where there is a plan, and "infeasible" where there is none,
    /// after as many configurations as can be reached: three robots on small grids, where everything can be tried.
    #[test]
    fn the_search_finds_a_plan_where_there_is_one((grid, trips, seed) in questions(3, 2, 3)) {
        let instance = instance(&grid, &trips);
        match (solve(&instance, seed, 1_000_000), check::shortest(&grid, &trips)) {
            (Outcome::Solved(plan), Ok(shortest)) => {
                prop_assert!(shortest <= plan.makespan());
                prop_assert_eq!(check::plan_fault(&grid, &trips, &cells(&plan, &instance)), None);
            }
            (Outcome::Infeasible { reason: Infeasible::NoWay { .. } }, Err(_)) => {}
            (Outcome::Infeasible { reason: Infeasible::Exhausted { configurations } }, Err(reached)) => {
                prop_assert_eq!(configurations, reached);
            }
            (outcome, shortest) => prop_assert!(false, "{:?}, and the shortest is {:?}", outcome, shortest),
        }
    }

    /// Crowded grids: whatever the search finds within its steps is valid, and is what it writes.
    #[test]
    fn crowds_get_valid_plans((grid, trips, seed) in questions(9, 2, 40), steps in 0..400_u64) {
        let instance = instance(&grid, &trips);
        let (plan, solved) = match solve(&instance, seed, steps) {
            Outcome::Solved(plan) => (plan, true),
            Outcome::BudgetSpent { best } => (best, false),
            Outcome::Infeasible { .. } => return Ok(()),
        };
        let rows = cells(&plan, &instance);
        let ends: Vec<Trip> = trips
            .iter()
            .zip(rows.last().unwrap())
            .map(|(trip, end)| Trip { start: trip.start, goal: if solved { trip.goal } else { *end } })
            .collect();
        prop_assert_eq!(check::plan_fault(&grid, &ends, &rows), None);
        prop_assert_eq!(&carried_out(&plan.text(&instance), &trips), rows.last().unwrap());
    }

    /// The same question, seed and steps give the same plan, however little room there is for distance fields and however
    /// the steps are cut into runs.
    #[test]
    fn plans_repeat((grid, trips, seed) in questions(7, 2, 16), cut in 1..50_u64) {
        let instance = instance(&grid, &trips);
        let once = solve(&instance, seed, 300);
        let mut again = Search::with_field_bytes(&instance, seed, 0);
        while again.steps() < 300 && !again.run(cut.min(300 - again.steps())) {}
        prop_assert_eq!(again.outcome(), once);
    }

    /// Costs are what a robot-by-robot count gives, and the bounds are shortest ways.
    #[test]
    fn costs_are_counted((grid, trips, seed) in questions(6, 2, 12)) {
        let instance = instance(&grid, &trips);
        let mut search = Search::new(&instance, seed);
        search.run(300);
        let Outcome::Solved(plan) = search.outcome() else { return Ok(()) };
        let rows = cells(&plan, &instance);
        let (mut arrivals, mut loss, mut last) = (0, 0, 0);
        for (robot, trip) in trips.iter().enumerate() {
            let mut arrival = rows.len() - 1;
            while 0 < arrival && rows[arrival - 1][robot] == trip.goal {
                arrival -= 1;
            }
            arrivals += arrival as u64;
            last = last.max(arrival as u64);
            let at_rest = |pair: &[Vec<Cell>]| pair.iter().all(|row| row[robot] == trip.goal);
            loss += rows.windows(2).filter(|pair| !at_rest(pair)).count() as u64;
            let alone = check::shortest(&grid, &[*trip]).unwrap();
            prop_assert_eq!(search.distances()[robot] as usize, alone);
        }
        let costs = plan.costs();
        prop_assert_eq!((costs.sum_of_costs, costs.sum_of_loss, costs.makespan), (arrivals, loss, last));
    }
}

/// Four robots that fill a square can only rotate, and that is forbidden.
#[test]
fn a_full_square_does_not_rotate() {
    let grid = super::grid(&["..".to_owned(), "..".to_owned()]);
    let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(x, y)| Cell { x, y });
    let trip = |corner: usize| Trip { start: corners[corner], goal: corners[(corner + 1) % 4] };
    let trips: Vec<Trip> = (0..4).map(trip).collect();
    let outcome = solve(&instance(&grid, &trips), 1, 10_000);
    assert!(matches!(outcome, Outcome::Infeasible { .. }), "{outcome:?}");
    // With a place left they come round.
    let outcome = solve(&instance(&grid, &trips[..3]), 1, 10_000);
    assert!(matches!(outcome, Outcome::Solved(_)), "{outcome:?}");
}

/// A push goes through a queue of twelve thousand robots, without recursion.
#[test]
fn a_long_queue_moves_up() {
    const SIDE: u32 = 12_000;
    let row = ".".repeat(SIDE as usize);
    let grid = super::grid(&[row]);
    let trips: Vec<Trip> =
        (0..SIDE - 1).map(|x| Trip { start: Cell { x, y: 0 }, goal: Cell { x: x + 1, y: 0 } }).collect();
    let outcome = solve(&instance(&grid, &trips), 1, 10);
    assert!(matches!(&outcome, Outcome::Solved(plan) if plan.makespan() == 1));
}

/// The shared instances, where they are at hand; small ones, for a debug build.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn the_benchmarks_are_solved() {
    let Some(data) = std::env::var_os("SHEEPDOG_DATA").map(std::path::PathBuf::from) else {
        eprintln!("SKIPPED: SHEEPDOG_DATA is not set, the benchmark instances are not tried");
        return;
    };
    let read =
        |kind: &str, name: &str| std::fs::read_to_string(data.join("mapf").join(kind).join(name)).unwrap();
    for (map, scen, robots) in [
        ("random-32-32-20", "random-1", 100),
        ("random-32-32-20", "random-1", 400),
        ("random-32-32-20", "gen-1", 400),
        ("room-64-64-8", "gen-1", 400),
        ("warehouse-10-20-10-2-1", "gen-1", 400),
        ("maze-128-128-10", "gen-1", 100),
    ] {
        let name = format!("{map}-{scen}.scen");
        let grid = Grid::parse(&read("map", &format!("{map}.map")), map).unwrap();
        let trips = grid.trips(&read("scen", &name), &name, robots).unwrap();
        let instance = instance(&grid, &trips);
        let Outcome::Solved(plan) = solve(&instance, 0, 20_000) else {
            panic!("{name} {robots} is not solved")
        };
        assert_eq!(check::plan_fault(&grid, &trips, &cells(&plan, &instance)), None, "{name} {robots}");
    }
}
