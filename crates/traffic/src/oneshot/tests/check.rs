//! A plain check of plans and a plain search for them: cells and sets, nothing of the planner's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::oneshot::{Cell, Grid, Trip};

/// What is wrong with a step, if anything.
pub(super) fn step_fault(grid: &Grid, before: &[Cell], after: &[Cell]) -> Option<String> {
    if before.len() != after.len() {
        return Some("a robot is lost".to_owned());
    }
    for (robot, (a, b)) in before.iter().zip(after).enumerate() {
        if !grid.is_free(*b) || 1 < a.x.abs_diff(b.x) + a.y.abs_diff(b.y) {
            return Some(format!("robot {robot} goes from {a} to {b}"));
        }
    }
    if after.iter().collect::<BTreeSet<_>>().len() != after.len() {
        return Some("two robots in one cell".to_owned());
    }
    // Carried out one after the other: whoever can move does; who is left is in a cycle.
    let mut at: BTreeMap<Cell, Cell> =
        before.iter().zip(after).filter(|(a, b)| a != b).map(|(a, b)| (*a, *b)).collect();
    let still: BTreeSet<Cell> = before.iter().zip(after).filter(|(a, b)| a == b).map(|(a, _)| *a).collect();
    loop {
        let free =
            at.iter().find(|(_, to)| !at.contains_key(to) && !still.contains(to)).map(|(from, _)| *from);
        match free {
            Some(from) => at.remove(&from),
            None => break,
        };
    }
    (!at.is_empty()).then(|| format!("a swap or a rotation of {}", at.len()))
}

/// What is wrong with a plan, if anything.
pub(super) fn plan_fault(grid: &Grid, trips: &[Trip], steps: &[Vec<Cell>]) -> Option<String> {
    if steps.first()? != &trips.iter().map(|trip| trip.start).collect::<Vec<_>>() {
        return Some("robots do not start where they are".to_owned());
    }
    if steps.last()? != &trips.iter().map(|trip| trip.goal).collect::<Vec<_>>() {
        return Some("robots do not end at their goals".to_owned());
    }
    steps.windows(2).find_map(|pair| step_fault(grid, &pair[0], &pair[1]))
}

/// Fewest steps of a plan without rotations, by trying everything; or how many configurations can be reached, none of which has
/// everybody at its goal.
pub(super) fn shortest(grid: &Grid, trips: &[Trip]) -> Result<usize, usize> {
    let start: Vec<Cell> = trips.iter().map(|trip| trip.start).collect();
    let goal: Vec<Cell> = trips.iter().map(|trip| trip.goal).collect();
    let mut depth = BTreeMap::from([(start.clone(), 0_usize)]);
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let steps = depth[&at];
        if at == goal {
            return Ok(steps);
        }
        let mut after = vec![Vec::new()];
        for cell in &at {
            let around = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
                .map(|(x, y)| Cell { x: cell.x.wrapping_add_signed(x), y: cell.y.wrapping_add_signed(y) });
            after = after
                .into_iter()
                .flat_map(|row: Vec<Cell>| {
                    around.iter().map(move |next| {
                        let mut row = row.clone();
                        row.push(*next);
                        row
                    })
                })
                .collect();
        }
        for next in after {
            if !depth.contains_key(&next) && step_fault(grid, &at, &next).is_none() {
                depth.insert(next.clone(), steps + 1);
                queue.push_back(next);
            }
        }
    }
    Err(depth.len())
}
