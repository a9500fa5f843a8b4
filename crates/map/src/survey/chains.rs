//! From lines of cells to polylines: where they end and meet, what is between, and which of them say nothing.

use std::collections::BTreeMap;

use crate::geometry::{Point, point_to_segment};

use super::cells::{AROUND, Cells};

/// Cells from one node to another, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) cells: Vec<usize>,
}

impl Chain {
    fn ends(&self) -> Option<(usize, usize)> {
        Some((*self.cells.first()?, *self.cells.last()?))
    }
}

/// Neighbours of a cell on its line: a corner counts only where no side leads to the same cell.
fn neighbours(cells: &Cells, cell: usize) -> impl Iterator<Item = usize> + '_ {
    let around = cells.around(cell);
    let is = move |n: usize| (around >> (n % 8)) & 1 == 1;
    (0..8)
        .filter(move |&n| is(n) && (n % 2 == 0 || !(is(n + 1) || is(n + 7))))
        .filter_map(move |n| AROUND.get(n).and_then(|step| cells.step(cell, *step)))
}

/// Divides thin lines of cells at their ends, where they meet, and at `kept` cells. Linear in the cells.
pub(super) fn chains(cells: &Cells, kept: &[bool]) -> Vec<Chain> {
    let lines = || (0..cells.free.len()).filter(|cell| cells.is_free(*cell));
    let mut is_node: Vec<bool> = kept.to_vec();
    is_node.resize(cells.free.len(), false);
    for cell in lines() {
        if neighbours(cells, cell).count() != 2
            && let Some(node) = is_node.get_mut(cell)
        {
            *node = true;
        }
    }
    let mut seen = vec![false; cells.free.len()];
    let mut found = Vec::new();
    for start in lines().filter(|cell| is_node.get(*cell) == Some(&true)) {
        trace(cells, &is_node, start, &mut seen, &mut found);
    }
    // What is left are rings without a node.
    for start in lines() {
        if is_node.get(start) == Some(&false) && seen.get(start) == Some(&false) {
            if let Some(node) = is_node.get_mut(start) {
                *node = true;
            }
            trace(cells, &is_node, start, &mut seen, &mut found);
        }
    }
    found
}

/// Chains that begin at a node, each once: it is taken from the end that comes first.
fn trace(cells: &Cells, is_node: &[bool], start: usize, seen: &mut [bool], found: &mut Vec<Chain>) {
    for first in neighbours(cells, start) {
        let mut chain = vec![start];
        let mut at = first;
        loop {
            if is_node.get(at).copied().unwrap_or(true) {
                chain.push(at);
                // Between two nodes without a cell between them the smaller one is first.
                if 2 < chain.len() || start < at {
                    found.push(Chain { cells: chain });
                }
                break;
            }
            match seen.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => break,
            }
            let last = chain.last().copied();
            chain.push(at);
            let Some(next) = neighbours(cells, at).find(|next| Some(*next) != last) else { break };
            at = next;
        }
    }
}

/// Takes away chains that lead nowhere and reach less than `beyond_m` out of the free circle around the place where they
/// leave; `kept` ends stay. Repeated until nothing changes.
pub(super) fn prune(cells: &mut Cells, distances: &[i64], kept: &[bool], beyond_m: f64) {
    for _ in 0..8 {
        let found = chains(cells, kept);
        let mut degree: BTreeMap<usize, usize> = BTreeMap::new();
        for (from, to) in found.iter().filter_map(Chain::ends) {
            *degree.entry(from).or_default() += 1;
            *degree.entry(to).or_default() += 1;
        }
        let is_end = |cell: usize| degree.get(&cell) == Some(&1) && kept.get(cell) == Some(&false);
        let free_m = |cell: usize| distances.get(cell).map_or(0.0, |square| root(*square)) * cells.size_m;
        let mut gone: Vec<(f64, Vec<usize>)> = Vec::new();
        for chain in &found {
            let Some((from, to)) = chain.ends() else { continue };
            let (leaf, stem) = match (is_end(from), is_end(to)) {
                (true, false) => (from, to),
                (false, true) => (to, from),
                (true, true) | (false, false) => continue,
            };
            let reach_m = (cells.centre(leaf) - cells.centre(stem)).norm() + free_m(leaf) - free_m(stem);
            if degree.get(&stem).is_some_and(|degree| 2 < *degree) && reach_m < beyond_m {
                gone.push((reach_m, chain.cells.iter().copied().filter(|cell| *cell != stem).collect()));
            }
        }
        // The shortest first, so that of two that meet in a fork the longer one stays.
        gone.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        let Some(limit) = gone.len().checked_sub(1) else { return };
        for (_, chain) in gone.into_iter().take(limit / 2 + 1) {
            for cell in chain {
                cells.set(cell, false);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "squared cells of a raster, far below 2^53")]
pub(super) fn root(square: i64) -> f64 {
    (square as f64).sqrt()
}

/// Corners of a polyline that stays within `tolerance_m` of another one, both ends included (Douglas, Peucker 1973), as
/// indices; more of them where `fits` refuses a straight piece. A piece that fits nowhere is left out of the pairs.
pub(super) fn simplified(
    line: &[Point],
    tolerance_m: f64,
    fits: &mut dyn FnMut(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut open = vec![(0, line.len().saturating_sub(1))];
    while let Some((from, to)) = open.pop() {
        let (Some(&a), Some(&b)) = (line.get(from), line.get(to)) else { continue };
        if to <= from {
            continue;
        }
        let inner = (from + 1..to).filter_map(|n| Some((n, point_to_segment(*line.get(n)?, a, b))));
        let far = inner.fold(None, |far: Option<(usize, f64)>, next| match far {
            Some(far) if next.1 <= far.1 => Some(far),
            Some(_) | None => Some(next),
        });
        match far {
            Some((at, far_m)) if tolerance_m < far_m => open.extend([(at, to), (from, at)]),
            Some(_) | None if fits(from, to) => pieces.push((from, to)),
            Some(_) => {
                let middle = usize::midpoint(from, to);
                open.extend([(middle, to), (from, middle)]);
            }
            None => {}
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(rows: &[&str]) -> Cells {
        let free = rows.iter().rev().flat_map(|row| row.bytes().map(|byte| byte != b'#')).collect();
        Cells { origin: Point::origin(), size_m: 1.0, width: rows[0].len(), height: rows.len(), free }
    }

    #[test]
    fn a_cross_has_four_chains() {
        let cells = cells(&["##.##", "##.##", ".....", "##.##", "##.##"]);
        let found = chains(&cells, &[]);
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|chain| chain.cells.contains(&12) && chain.cells.len() == 3));
    }

    #[test]
    fn a_ring_is_one_chain_back_to_its_start() {
        let cells = cells(&["....", ".##.", "...."]);
        let found = chains(&cells, &[]);
        let [chain] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(chain.cells.first(), chain.cells.last());
        // Corners are cut: four cells of the ten are reached over a side only.
        assert!(7 <= chain.cells.len(), "{chain:?}");
    }

    #[test]
    fn short_branches_are_pruned_and_long_ones_stay() {
        let rows = ["#####.####", "..........", "##########"];
        let mut pruned = cells(&rows);
        let distances = vec![1; pruned.free.len()];
        prune(&mut pruned, &distances, &[false; 30], 1.5);
        assert_eq!(pruned.free.iter().filter(|free| **free).count(), 10);
        let mut whole = cells(&rows);
        prune(&mut whole, &distances, &[false; 30], 0.5);
        assert_eq!(whole.free.iter().filter(|free| **free).count(), 11);
    }

    #[test]
    fn simplified_keeps_corners_and_asks_before_it_cuts() {
        let line: Vec<Point> = [(0.0, 0.0), (1.0, 0.02), (2.0, 0.0), (2.0, 1.0), (2.0, 2.0)]
            .map(|(x, y)| Point::new(x, y))
            .to_vec();
        assert_eq!(simplified(&line, 0.05, &mut |_, _| true), [(0, 2), (2, 4)]);
        assert_eq!(simplified(&line, 0.05, &mut |a, b| b - a < 2), [(0, 1), (1, 2), (2, 3), (3, 4)]);
        assert_eq!(simplified(&line, 0.05, &mut |_, _| false), []);
    }
}
