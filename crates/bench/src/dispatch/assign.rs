//! Assignment: rows to columns at the least cost.
#![expect(clippy::indexing_slicing, reason = "rows and columns are those of the problems drawn here")]

use std::{cmp::Reverse, collections::BinaryHeap, hint::black_box};

use sheepdog_dispatch::assign::{DenseAssignment, DenseError, EdgeError, SparseAssignment};

use super::{Outcome, SUITE};
use crate::{figure::Figure, median, timed};

/// `SplitMix64` (Steele, Lea, Flood 2014).
fn split_mix(mut state: u64) -> u64 {
    state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    state = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ state >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ state >> 31
}

/// Times between places in a building of four floors, 200 m by 100 m: along the walls, and with the lift. `rows` by `columns`.
fn travel_times(rows: u64, columns: u64) -> Vec<i64> {
    let key = 42_u64.wrapping_mul(0x0100_0003);
    let place = |group: u64, number: u64| {
        let draw = split_mix(key ^ ((1 << group) + number));
        let part = |shift: u64, size: i64| {
            i64::try_from((draw >> shift) & 0xFFFF).map_or(0, |part| part * size / 65_536)
        };
        [part(0, 20_000), part(16, 10_000), part(32, 4)]
    };
    let ends: Vec<[i64; 3]> = (0..columns).map(|number| place(41, number)).collect();
    let row = |number: u64| {
        let start = place(40, number);
        ends.iter().map(move |end| {
            let floors = (start[2] - end[2]).abs();
            let lift = if floors == 0 { 0 } else { 2_500 + 600 * floors };
            (start[0] - end[0]).abs() + (start[1] - end[1]).abs() + lift + 1
        })
    };
    (0..rows).flat_map(row).collect()
}

/// A full matrix beside the quickest of three crates, and one changed row beside all of it.
pub(super) fn dense(name: &str, size: usize, runs: usize) -> Outcome<Vec<Figure>> {
    let nodes = u64::try_from(size)?;
    // Rows beyond those that are assigned: what some are changed to.
    let mut costs = travel_times(nodes + 64, nodes);
    let others = costs.split_off(size * size);
    #[expect(clippy::cast_precision_loss, reason = "costs are some ten thousand")]
    let reals: Vec<f64> = costs.iter().map(|cost| *cost as f64).collect();
    let lapjv_costs = lapjv::Matrix::from_shape_vec((size, size), reals.clone())?;
    let matrix = pathfinding::matrix::Matrix::from_vec(size, size, costs.clone())?;
    let total = |columns: &[usize]| {
        columns.iter().enumerate().map(|(row, column)| costs[row * size + column]).sum::<i64>()
    };
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut rows = Vec::new();
    for run in 0..runs {
        let copy = costs.clone();
        let (solved, ours_s) = timed(|| {
            let mut assignment = DenseAssignment::new(size, size, copy)?;
            assignment.solve();
            Ok::<_, DenseError>(assignment)
        });
        let mut ours = solved?;
        ours.verify()?;
        let (lapjv, lapjv_s) = timed(|| lapjv::lapjv(&lapjv_costs));
        let (lsap, lsap_s) = timed(|| lsap::solve(size, size, &reals, false));
        let (pathfinding, pathfinding_s) = timed(|| pathfinding::kuhn_munkres::kuhn_munkres_min(&matrix));
        let lsap = lsap.map_err(|error| error.to_string())?;
        let peers = [total(&lapjv?.0), total(&lsap.1), pathfinding.0];
        if peers.iter().any(|peer| *peer != ours.cost()) {
            return Err(format!("{name}: ours costs {}, the peers' {peers:?}", ours.cost()).into());
        }
        for (times, seconds) in times.iter_mut().zip([ours_s, lapjv_s, lsap_s, pathfinding_s]) {
            times.push(seconds);
        }
        for change in 0..64 {
            let row = u32::try_from((change * 37 + run) % size)?;
            let costs = &others[change * size..][..size];
            let (changed, row_s) = timed(|| ours.set_row(row, costs).map(|()| ours.solve()));
            changed?;
            rows.push(row_s);
        }
        ours.verify()?;
    }
    let [ours, lapjv, lsap, pathfinding] = times.map(|times| median(times) * 1e3);
    let quickest = [("lapjv", lapjv), ("lsap", lsap), ("pathfinding", pathfinding)];
    let (peer, theirs) = quickest.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("none", 0.0));
    let figure = |what: &str, value: f64| Figure::alone(SUITE, format!("{name}_{what}"), value, "ms");
    Ok(vec![
        figure("ms", ours).beside(peer, theirs),
        figure("resolve_row_ms", median(rows) * 1e3).beside("all anew", ours),
    ])
}

/// Ten thousand tasks that know sixteen robots each and may be left at a price, beside the plain method.
pub(super) fn sparse(runs: usize) -> Outcome<Vec<Figure>> {
    let problem = nearest_neighbours(10_000, 16);
    let (mut ours, mut plain, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let (solved, ours_s) = timed(|| {
            let mut assignment = SparseAssignment::new(problem.len(), problem.len());
            for (row, edges) in (0..).zip(&problem) {
                assignment.set_row(row, edges, LEFT)?;
            }
            assignment.solve();
            Ok::<_, EdgeError>(assignment)
        });
        let mut assignment = solved?;
        assignment.verify()?;
        let (cost, plain_s) = timed(|| successive_shortest_paths(&problem, problem.len(), LEFT));
        ours.push(ours_s);
        plain.push(plain_s);
        if cost != assignment.cost() {
            return Err(
                format!("lap_sparse_1e4: ours costs {}, the plain one {cost}", assignment.cost()).into()
            );
        }
        for change in 0..200 {
            let (row, from) = ((change * 97 + run) % problem.len(), (change * 89 + 5) % problem.len());
            let row = u32::try_from(row)?;
            let (changed, change_s) =
                timed(|| assignment.set_row(row, &problem[from], LEFT).map(|()| assignment.solve()));
            changed?;
            single.push(change_s);
        }
        assignment.verify()?;
    }
    let ours = median(ours) * 1e3;
    Ok(vec![
        Figure::alone(SUITE, "lap_sparse_1e4_ms", ours, "ms").beside("plain", median(plain) * 1e3),
        Figure::alone(SUITE, "lap_sparse_1e4_event_ms", median(single) * 1e3, "ms").beside("all anew", ours),
    ])
}

/// What it costs to leave a task.
const LEFT: i64 = 200_000;

/// The `each` nearest robots of as many tasks, on 25 m² each: distances in centimetres along the walls.
fn nearest_neighbours(tasks: u64, each: usize) -> Vec<Vec<(u32, i64)>> {
    const CELL_CM: i64 = 2_000;
    let side = i64::try_from(tasks.isqrt()).unwrap_or(1) * 500;
    let place = |group: u64, number: u64| {
        let draw = split_mix(0x2A ^ ((1 << group) + number));
        let part =
            |shift: u64| i64::try_from((draw >> shift) & 0xFF_FFFF).map_or(0, |part| (part * side) >> 24);
        (part(0), part(24))
    };
    let cell = |(x, y): (i64, i64)| (x / CELL_CM, y / CELL_CM);
    let mut cells = std::collections::BTreeMap::<_, Vec<_>>::new();
    for robot in 0..tasks {
        let at = place(40, robot);
        cells.entry(cell(at)).or_default().push((robot, at));
    }
    let nearest = |task: u64| {
        let (at, mut around, mut found) = (place(41, task), 1, Vec::new());
        // Whoever is not in the cells around is farther than these.
        loop {
            let (x, y) = cell(at);
            found.clear();
            for near in (x - around..=x + around).flat_map(|x| (y - around..=y + around).map(move |y| (x, y)))
            {
                for &(robot, (x, y)) in cells.get(&near).into_iter().flatten() {
                    found.push(((at.0 - x).abs() + (at.1 - y).abs() + 1, robot));
                }
            }
            found.sort_unstable();
            let is_certain = found.get(each).is_some_and(|(distance, _)| *distance <= around * CELL_CM);
            if is_certain || side < around * CELL_CM {
                break;
            }
            around += 1;
        }
        let edges =
            found.iter().take(each).filter_map(|&(cost, robot)| Some((u32::try_from(robot).ok()?, cost)));
        edges.collect()
    };
    (0..tasks).map(nearest).collect()
}

/// The plain method: row after row, the shortest augmenting path by Dijkstra's algorithm with potentials (Edmonds, Karp 1972),
/// ending at the first column that is free or row that is best left.
fn successive_shortest_paths(problem: &[Vec<(u32, i64)>], columns: usize, left: i64) -> i64 {
    const FREE: usize = usize::MAX;
    let (mut row_of, mut column_of) = (vec![FREE; columns], vec![FREE; problem.len()]);
    let (mut rows, mut prices) = (vec![0_i64; problem.len()], vec![0_i64; columns]);
    // Distance, the row it comes from, and the search.
    let mut known = vec![(0, 0, FREE); columns];
    for start in 0..problem.len() {
        let least = problem[start].iter().map(|&(column, cost)| cost + prices[column as usize]).min();
        rows[start] = least.unwrap_or(left).min(left);
        let mut queue = BinaryHeap::new();
        let (mut best, mut end) = (left - rows[start], None);
        let (mut settled, mut here) = (Vec::new(), Some((start, 0)));
        loop {
            if let Some((row, distance)) = here {
                for &(column, cost) in &problem[row] {
                    let column = column as usize;
                    let next: i64 = distance + cost + prices[column] - rows[row];
                    if known[column].2 != start || next < known[column].0 {
                        known[column] = (next, row, start);
                        queue.push(Reverse((next, column)));
                    }
                }
            }
            let Some(Reverse((distance, column))) = queue.pop() else { break };
            if best <= distance {
                break;
            }
            here = None;
            if known[column].0 < distance {
                continue;
            }
            if row_of[column] == FREE {
                (best, end) = (distance, Some(column));
                break;
            }
            settled.push((distance, column));
            let row = row_of[column];
            here = Some((row, distance));
            if distance + left - rows[row] < best {
                (best, end) = (distance + left - rows[row], Some(column));
            }
        }
        rows[start] += best;
        for (distance, column) in settled {
            let rise = (best - distance).max(0);
            prices[column] += rise;
            rows[row_of[column]] += rise;
        }
        let Some(mut column) = end else { continue };
        if row_of[column] != FREE {
            column_of[row_of[column]] = FREE;
        }
        loop {
            let row = known[column].1;
            row_of[column] = row;
            let before = std::mem::replace(&mut column_of[row], column);
            if row == start {
                break;
            }
            column = before;
        }
    }
    let cost = |(row, column): (usize, &usize)| {
        problem[row].iter().find(|edge| edge.0 as usize == *column).map_or(left, |edge| edge.1)
    };
    black_box(column_of.iter().enumerate().map(cost).sum())
}
