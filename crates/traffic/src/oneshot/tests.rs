//! Tests across the modules of the one-shot planner, against plain code of their own.

mod check;
mod drawing;
mod executing;
mod reading;
mod refining;
mod searching;
mod streaming;

use proptest::prelude::*;

use super::{Cell, Grid, Instance, Trip};

/// A grid out of rows of `.` and `@`.
pub(super) fn grid(rows: &[String]) -> Grid {
    let text =
        format!("type octile\nheight {}\nwidth {}\nmap\n{}\n", rows.len(), rows[0].len(), rows.join("\n"));
    Grid::parse(&text, "drawn.map").unwrap()
}

/// Grids with walls, dead ends and corridors; `walls` of eight cells are blocked.
pub(super) fn grids(width: usize, height: usize, walls: u8) -> impl Strategy<Value = Grid> {
    let cell = (0..8_u8).prop_map(move |draw| if draw < walls { '@' } else { '.' });
    let row = proptest::collection::vec(cell, width).prop_map(|row| row.into_iter().collect::<String>());
    proptest::collection::vec(row, height).prop_map(|rows| grid(&rows))
}

/// At most `robots` trips between free cells, starts and goals drawn apart; goals may be out of reach.
pub(super) fn trips(grid: &Grid, robots: usize, seed: u64) -> Vec<Trip> {
    let mut state = seed;
    let mut shuffled = || {
        let cells = (0..grid.height()).flat_map(|y| (0..grid.width()).map(move |x| Cell { x, y }));
        let mut cells: Vec<Cell> = cells.filter(|cell| grid.is_free(*cell)).collect();
        for last in (1..cells.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            cells.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
        }
        cells
    };
    let (starts, goals) = (shuffled(), shuffled());
    starts.into_iter().zip(goals).take(robots).map(|(start, goal)| Trip { start, goal }).collect()
}

/// Grid and trips.
pub(super) fn questions(
    side: usize,
    walls: u8,
    robots: usize,
) -> impl Strategy<Value = (Grid, Vec<Trip>, u64)> {
    let sizes = (1..=side, 1..=side);
    let grids = sizes.prop_flat_map(move |(width, height)| grids(width, height, walls));
    (grids, 0..=robots, any::<u64>()).prop_map(|(grid, robots, seed)| {
        let trips = trips(&grid, robots, seed);
        (grid, trips, seed)
    })
}

pub(super) fn instance(grid: &Grid, trips: &[Trip]) -> Instance {
    Instance::on_grid(grid, trips).unwrap()
}
