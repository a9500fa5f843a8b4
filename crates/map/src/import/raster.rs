//! Grids of cells as polygons with holes.
//!
//! Cells that share a side and a value are one region; its outline follows the sides of the cells, so it is exact. Where
//! two cells of a value touch in a corner only, the corner may be cut off on either side: rings then never touch
//! themselves or each other.

use crate::model::{Room, RoomKind, Site};

use super::{ImportError, ImportProblem, ImportReport};

/// The most cells of a grid.
pub(super) const CELLS_MAX: usize = 1 << 24;
/// The most corners of all rings.
const CORNERS_MAX: usize = 1 << 20;
/// The part of a cell that may be cut off where cells touch in a corner only.
pub(crate) const NOTCH: f64 = 0.25;

/// A grid of values; the first row is the lowest.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    /// What is in the cells, row by row.
    pub(super) cells: Vec<Option<u8>>,
}

/// Cells that belong together: their outline in cells, counter-clockwise, and the holes in it.
#[derive(Debug)]
pub(crate) struct Region {
    pub(super) value: u8,
    pub(crate) outer: Vec<[f64; 2]>,
    pub(crate) holes: Vec<Vec<[f64; 2]>>,
    /// In how many corners it touches a cell of the same value.
    pub(super) touched: usize,
}

/// A direction along the sides of cells.
type Step = [isize; 2];

impl Grid {
    /// A grid of cells that are all empty.
    pub(crate) fn new(width: usize, height: usize) -> Result<Self, ImportError> {
        let count = width.checked_mul(height).filter(|count| (1..=CELLS_MAX).contains(count));
        let Some(count) = count else {
            return Err(ImportError::of_file(ImportProblem::TooMany {
                what: "cells (or none)",
                limit: CELLS_MAX,
            }));
        };
        Ok(Self { width, height, cells: vec![None; count] })
    }

    pub(crate) fn set(&mut self, x: usize, y: usize, value: Option<u8>) {
        if x < self.width
            && let Some(cell) = self.cells.get_mut(y * self.width + x)
        {
            *cell = value;
        }
    }

    fn index(&self, x: isize, y: isize) -> Option<usize> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < self.width && y < self.height).then_some(y * self.width + x)
    }

    fn label(&self, labels: &[u32], x: isize, y: isize) -> u32 {
        self.index(x, y).and_then(|index| labels.get(index)).copied().unwrap_or(0)
    }

    fn value(&self, x: isize, y: isize) -> Option<u8> {
        self.index(x, y).and_then(|index| self.cells.get(index)).copied().flatten()
    }

    /// The regions, in the order of their first cells, rows from below. Linear in the cells.
    ///
    /// `notch` is cut off from corners in which cells only touch, in cells.
    pub(crate) fn regions(&self, notch: f64) -> Result<Vec<Region>, ImportError> {
        let (labels, values) = self.labels();
        let mut found: Vec<Region> = values
            .into_iter()
            .map(|value| Region { value, outer: Vec::new(), holes: Vec::new(), touched: 0 })
            .collect();
        let mut seen = vec![false; self.cells.len()];
        let mut corners = 0;
        for (start, &label) in labels.iter().enumerate() {
            let [x, y] = self.place(start);
            let below = self.label(&labels, x, y - 1);
            if label == 0 || label == below || seen.get(start).copied().unwrap_or(true) {
                continue;
            }
            let (ring, touched) = self.trace([x, y], notch, &mut seen);
            corners += ring.len();
            if CORNERS_MAX < corners {
                let problem = ImportProblem::TooMany { what: "corners of outlines", limit: CORNERS_MAX };
                return Err(ImportError::of_file(problem));
            }
            let region = usize::try_from(label - 1).ok().and_then(|index| found.get_mut(index));
            if let Some(region) = region {
                region.touched += touched;
                if 0.0 < twice_area(&ring) { region.outer = ring } else { region.holes.push(ring) }
            }
        }
        Ok(found)
    }

    fn place(&self, index: usize) -> [isize; 2] {
        let to = |value: usize| isize::try_from(value).unwrap_or(isize::MAX);
        [to(index % self.width), to(index / self.width)]
    }

    /// A number for each cell, from one, zero for empty cells; the value of each number.
    fn labels(&self) -> (Vec<u32>, Vec<u8>) {
        let mut labels = vec![0_u32; self.cells.len()];
        let mut values = Vec::new();
        let mut todo = Vec::new();
        for (start, &cell) in self.cells.iter().enumerate() {
            let Some(value) = cell else { continue };
            if labels.get(start).is_none_or(|label| *label != 0) {
                continue;
            }
            values.push(value);
            let label = u32::try_from(values.len()).unwrap_or(u32::MAX);
            todo.push(start);
            while let Some(index) = todo.pop() {
                match labels.get_mut(index) {
                    Some(slot) if *slot == 0 => *slot = label,
                    Some(_) | None => continue,
                }
                let [x, y] = self.place(index);
                for [dx, dy] in [[1, 0], [-1, 0], [0, 1], [0, -1]] {
                    let next = self.index(x + dx, y + dy);
                    todo.extend(next.filter(|next| {
                        self.cells.get(*next) == Some(&Some(value)) && labels.get(*next) == Some(&0)
                    }));
                }
            }
        }
        (labels, values)
    }

    /// Walks around a region with the region on the left, from the lower side of a cell.
    fn trace(&self, start: [isize; 2], notch: f64, seen: &mut [bool]) -> (Vec<[f64; 2]>, usize) {
        let (mut ring, mut touched) = (Vec::new(), 0);
        let value = self.value(start[0], start[1]);
        let ([mut x, mut y], mut step): ([isize; 2], Step) = (start, [1, 0]);
        loop {
            if step == [1, 0]
                && let Some(slot) = self.index(x, y).and_then(|index| seen.get_mut(index))
            {
                *slot = true;
            }
            [x, y] = [x + step[0], y + step[1]];
            let left = [-step[1], step[0]];
            // The cell before the corner, on the side of `side`.
            let ahead = |side: Step| {
                let cell = |at: isize, along: isize, across: isize| at + (along + across - 1) / 2;
                self.value(cell(x, step[0], side[0]), cell(y, step[1], side[1])) == value
            };
            let (ahead_left, ahead_right) = (ahead(left), ahead([-left[0], -left[1]]));
            match (ahead_left, ahead_right) {
                (false, is_touched) => {
                    corner(&mut ring, [x, y], step, left, if is_touched { notch } else { 0.0 });
                    touched += usize::from(is_touched);
                    step = left;
                }
                (true, false) => {}
                (true, true) => {
                    corner(&mut ring, [x, y], step, left, 0.0);
                    step = [-left[0], -left[1]];
                }
            }
            if [x, y] == start && step == [1, 0] {
                return (ring, touched);
            }
        }
    }
}

/// Adds a corner, or the three corners of a notch in it.
#[expect(clippy::cast_precision_loss, reason = "a grid has at most 2^24 cells")]
fn corner(ring: &mut Vec<[f64; 2]>, [x, y]: [isize; 2], step: Step, left: Step, notch: f64) {
    let at = |back: f64, aside: f64| {
        let along =
            |axis: isize, step: isize, left: isize| axis as f64 - back * step as f64 + aside * left as f64;
        [along(x, step[0], left[0]), along(y, step[1], left[1])]
    };
    if 0.0 < notch {
        ring.extend([at(notch, 0.0), at(notch, notch), at(0.0, notch)]);
    } else {
        ring.push(at(0.0, 0.0));
    }
}

/// A floor for each region.
pub(super) fn add_rooms(
    site: &mut Site,
    report: &mut ImportReport,
    regions: &[Region],
    place: impl Fn(&[[f64; 2]]) -> Vec<[f64; 2]>,
) {
    let level = site.levels.first().map(|level| level.id.clone()).unwrap_or_default();
    let touched: usize = regions.iter().map(|region| region.touched).sum();
    if 0 < touched {
        report.warn(
            "image",
            format!("{touched} corners in which free cells only touch were cut by {NOTCH} of a cell"),
        );
    }
    for (number, region) in (1_usize..).zip(regions) {
        site.rooms.push(Room {
            kind: RoomKind::Floor,
            holes: region.holes.iter().map(|ring| place(ring)).collect(),
            ..Room::new(format!("free {number}"), &level, place(&region.outer))
        });
    }
}

fn twice_area(ring: &[[f64; 2]]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|([x, y], [u, v])| x * v - u * y).sum()
}

impl Region {
    /// The region as polygons without holes, for zones: itself, or rectangles when it has holes or touches itself. It
    /// must have been made without notches.
    pub(super) fn without_holes(&self) -> Vec<Vec<[f64; 2]>> {
        if self.holes.is_empty() && self.touched == 0 {
            return vec![self.outer.clone()];
        }
        let rings = || core::iter::once(&self.outer).chain(&self.holes);
        let mut heights: Vec<f64> = rings().flatten().map(|[_, y]| *y).collect();
        heights.sort_by(f64::total_cmp);
        heights.dedup();
        let mut open: Vec<[f64; 3]> = Vec::new();
        let mut done = Vec::new();
        for band in heights.windows(2) {
            let [low, high] = band else { continue };
            let mut sides: Vec<f64> = rings()
                .flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)))
                .filter(|([x, y], [u, v])| {
                    x.to_bits() == u.to_bits() && y.min(*v) <= *low && *high <= y.max(*v)
                })
                .map(|([x, _], _)| *x)
                .collect();
            sides.sort_by(f64::total_cmp);
            let spans: Vec<[f64; 2]> =
                sides.chunks_exact(2).filter_map(|pair| <[f64; 2]>::try_from(pair).ok()).collect();
            let is_span = |&[x, u, _]: &[f64; 3]| spans.contains(&[x, u]);
            let (kept, closed): (Vec<_>, Vec<_>) = open.into_iter().partition(is_span);
            done.extend(closed.into_iter().map(|[x, u, from]| rectangle(x, from, u, *low)));
            open = kept;
            for [x, u] in spans {
                if !open.iter().any(|other| other[..2] == [x, u]) {
                    open.push([x, u, *low]);
                }
            }
        }
        let top = heights.last().copied().unwrap_or_default();
        done.extend(open.into_iter().map(|[x, u, from]| rectangle(x, from, u, top)));
        done
    }
}

fn rectangle(x: f64, y: f64, u: f64, v: f64) -> Vec<[f64; 2]> {
    vec![[x, y], [u, y], [u, v], [x, v]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[&str]) -> Grid {
        let mut grid = Grid::new(rows[0].len(), rows.len()).unwrap();
        for (y, row) in rows.iter().rev().enumerate() {
            for (x, byte) in row.bytes().enumerate() {
                grid.set(x, y, (byte != b'#').then_some(byte));
            }
        }
        grid
    }

    fn area(rings: &[Vec<[f64; 2]>]) -> f64 {
        rings.iter().map(|ring| twice_area(ring) / 2.0).sum()
    }

    #[test]
    fn a_pillar_is_a_hole() {
        let found = grid(&["...", ".#.", "..."]).regions(NOTCH).unwrap();
        let [region] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(region.outer, [[3.0, 0.0], [3.0, 3.0], [0.0, 3.0], [0.0, 0.0]]);
        assert!((area(&region.holes) + 1.0).abs() < 1e-12 && region.holes.len() == 1);
        let parts = region.without_holes();
        assert!((area(&parts) - 8.0).abs() < 1e-12 && parts.len() == 4, "{parts:?}");
    }

    #[test]
    fn corners_that_only_touch_are_cut() {
        let found = grid(&[".#", "#."]).regions(NOTCH).unwrap();
        let outer: Vec<_> = found.iter().map(|region| region.outer.clone()).collect();
        assert_eq!((found.len(), found[0].touched), (2, 1));
        assert!((area(&outer) - (2.0 - 2.0 * NOTCH * NOTCH)).abs() < 1e-12);
        // Two cells that touch inside of one region are one hole with a waist.
        let found = grid(&["....", ".#..", "..#.", "...."]).regions(NOTCH).unwrap();
        assert_eq!((found.len(), found[0].holes.len(), found[0].touched), (1, 1, 2));
        let parts = grid(&["....", ".#..", "..#.", "...."]).regions(0.0).unwrap()[0].without_holes();
        assert!((area(&parts) - 14.0).abs() < 1e-12, "{parts:?}");
    }
}
