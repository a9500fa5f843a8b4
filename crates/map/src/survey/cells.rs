//! A level as cells: filled from rings, exact distances, thinning.
//!
//! It owns rasters and nothing else; what the cells mean is known to whoever filled them. Distances are whole numbers of
//! squared cells, so they are the same on every machine. What lies beyond the raster counts as blocked.

use std::{cmp::Reverse, collections::BinaryHeap};

use nalgebra::Vector2;

use crate::geometry::{Point, float, sides};

/// A raster of cells that are free or not. The first row is the lowest.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// Lower left corner of the first cell, metres.
    pub(super) origin: Point,
    /// Side of a cell, metres.
    pub(super) size_m: f64,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) free: Vec<bool>,
}

/// The eight neighbours, counter-clockwise from the right: even ones share a side.
pub(super) const AROUND: [[i32; 2]; 8] =
    [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]];

impl Cells {
    /// Blocked cells that cover a box with a border of one cell; larger cells than asked for when there would be more than
    /// `count_max` of them.
    pub(super) fn covering(low: Point, high: Point, size_m: f64, count_max: usize) -> Self {
        let area_m2 = (high.x - low.x).max(size_m) * (high.y - low.y).max(size_m);
        let size_m = size_m.max((area_m2 / float(count_max)).sqrt());
        let count = |length_m: f64| crate::geometry::truncate((length_m / size_m).ceil()) as usize + 2;
        let (width, height) = (count(high.x - low.x), count(high.y - low.y));
        let origin = low - Vector2::new(size_m, size_m);
        Self { origin, size_m, width, height, free: vec![false; width * height] }
    }

    /// The middle of a cell.
    pub(super) fn centre(&self, cell: usize) -> Point {
        let (x, y) = (float(cell % self.width) + 0.5, float(cell / self.width) + 0.5);
        self.origin + Vector2::new(x, y) * self.size_m
    }

    /// The cell that a point is in.
    pub(super) fn cell_at(&self, at: Point) -> Option<usize> {
        let place = (at - self.origin) / self.size_m;
        if !(0.0 <= place.x && 0.0 <= place.y) {
            return None;
        }
        let (x, y) =
            (crate::geometry::truncate(place.x) as usize, crate::geometry::truncate(place.y) as usize);
        (x < self.width && y < self.height).then_some(y * self.width + x)
    }

    pub(super) fn is_free(&self, cell: usize) -> bool {
        self.free.get(cell).copied().unwrap_or(false)
    }

    pub(super) fn set(&mut self, cell: usize, free: bool) {
        if let Some(slot) = self.free.get_mut(cell) {
            *slot = free;
        }
    }

    /// The neighbour of a cell in a direction.
    pub(super) fn step(&self, cell: usize, [dx, dy]: [i32; 2]) -> Option<usize> {
        let moved = |at: usize, step: i32, limit: usize| {
            at.checked_add_signed(isize::try_from(step).ok()?).filter(|at| *at < limit)
        };
        Some(
            moved(cell / self.width, dy, self.height)? * self.width
                + moved(cell % self.width, dx, self.width)?,
        )
    }

    /// The free cells among the eight around a cell, as bits in the order of [`AROUND`].
    pub(super) fn around(&self, cell: usize) -> u8 {
        let bit = |step: &[i32; 2]| self.step(cell, *step).is_some_and(|next| self.is_free(next));
        (0..).zip(&AROUND).fold(0, |bits, (n, step)| bits | (u8::from(bit(step)) << n))
    }

    /// Frees the cells whose centres are inside an odd number of rings. O(sides x rows that they cross).
    pub(super) fn fill(&mut self, rings: &[Vec<Point>]) {
        let mut crossed: Vec<Vec<f64>> = vec![Vec::new(); self.height];
        for (a, b) in rings.iter().flat_map(|ring| sides(ring)) {
            let (low, high) = if a.y <= b.y { (a, b) } else { (b, a) };
            let row_of = |y: f64| ((y - self.origin.y) / self.size_m - 0.5).ceil().max(0.0);
            let rows = crate::geometry::truncate(row_of(low.y)) as usize
                ..crate::geometry::truncate(row_of(high.y)) as usize;
            for row in rows {
                let y = self.origin.y + (float(row) + 0.5) * self.size_m;
                let share = (y - low.y) / (high.y - low.y);
                if let Some(row) = crossed.get_mut(row) {
                    row.push(low.x + (high.x - low.x) * share);
                }
            }
        }
        for (row, crossed) in crossed.iter_mut().enumerate() {
            crossed.sort_by(f64::total_cmp);
            for pair in crossed.chunks_exact(2) {
                let column_of = |x: f64| ((x - self.origin.x) / self.size_m - 0.5).ceil().max(0.0);
                let [from, to] = [0, 1].map(|n: usize| pair.get(n).map_or(0.0, |x| column_of(*x)));
                let columns =
                    crate::geometry::truncate(from) as usize..crate::geometry::truncate(to) as usize;
                for column in columns.start..columns.end.min(self.width) {
                    self.set(row * self.width + column, true);
                }
            }
        }
    }

    /// Squared distance of every cell's centre to the nearest centre of a blocked cell, in cells. Exact, linear in the
    /// cells: columns first, then the lower envelope of parabolas in every row (Felzenszwalb, Huttenlocher 2012; in whole
    /// numbers as Meijster, Roerdink, Hesselink 2000).
    pub(super) fn distances(&self) -> Vec<i64> {
        let far = i64::try_from(self.width + self.height).unwrap_or(i64::MAX / 4);
        let mut columns = vec![0_i64; self.free.len()];
        let mut sweep = |cells: &mut dyn Iterator<Item = usize>| {
            // One beyond the edge is blocked.
            let mut near = 0_i64;
            for cell in cells {
                near = if self.is_free(cell) { (near + 1).min(far) } else { 0 };
                if let Some(slot) = columns.get_mut(cell) {
                    *slot = if *slot == 0 { near } else { near.min(*slot) };
                }
            }
        };
        for x in 0..self.width {
            sweep(&mut (0..self.height).map(|y| y * self.width + x));
            sweep(&mut (0..self.height).rev().map(|y| y * self.width + x));
        }
        let mut squares = Vec::with_capacity(self.free.len());
        let mut envelope = Envelope::default();
        for row in columns.chunks(self.width) {
            envelope.row(row, &mut squares);
        }
        squares
    }

    /// What is left of the free cells when every cell that is not needed to keep them connected as they are is taken away,
    /// those nearest to blocked cells first: lines one cell wide along the middle. `kept` cells stay; so do ends of lines
    /// for which `end` holds.
    ///
    /// Homotopic thinning in the order of distance (Pudney 1998); O(n log n).
    pub(super) fn thin(&mut self, distances: &[i64], kept: &[bool], end: impl Fn(usize) -> bool) {
        let distance = |cell: usize| distances.get(cell).copied().unwrap_or(0);
        let is_kept = |cell: usize| kept.get(cell).copied().unwrap_or(false);
        let on_rim = |cells: &Self, cell: usize| {
            cells.is_free(cell) && cells.around(cell) & 0b0101_0101 != 0b0101_0101
        };
        let rim = (0..self.free.len()).filter(|cell| on_rim(self, *cell));
        let mut queue: BinaryHeap<Reverse<(i64, usize)>> =
            rim.map(|cell| Reverse((distance(cell), cell))).collect();
        while let Some(Reverse((_, cell))) = queue.pop() {
            if !self.is_free(cell) || is_kept(cell) {
                continue;
            }
            let around = self.around(cell);
            if !is_simple(around) || (around.is_power_of_two() && end(cell)) {
                continue;
            }
            self.set(cell, false);
            for step in AROUND {
                if let Some(next) = self.step(cell, step).filter(|next| self.is_free(*next)) {
                    queue.push(Reverse((distance(next), next)));
                }
            }
        }
    }
}

/// Whether taking a cell away joins and separates nothing, by the cells around it: free cells hang together over corners,
/// blocked ones over sides (Yokoi's crossing number is one).
fn is_simple(around: u8) -> bool {
    let blocked = |n: u32| (!around).rotate_right(n % 8) & 1;
    let changes = [0, 2, 4, 6].map(|n| blocked(n) & !(blocked(n) & blocked(n + 1) & blocked(n + 2)) & 1);
    changes.iter().sum::<u8>() == 1
}

/// Memory for one row of the second pass of [`Cells::distances`].
#[derive(Debug, Default)]
struct Envelope {
    /// Which parabola is lowest, and from where on.
    lowest: Vec<(i64, i64, i64)>,
}

impl Envelope {
    fn row(&mut self, heights: &[i64], squares: &mut Vec<i64>) {
        self.lowest.clear();
        let width = i64::try_from(heights.len()).unwrap_or(i64::MAX);
        let at = |x: i64, (u, square): (i64, i64)| (x - u) * (x - u) + square;
        // Beyond both edges everything is blocked.
        let padded = std::iter::once((-1, 0)).chain((0..).zip(heights.iter().map(|height| height * height)));
        for (u, square) in padded.chain([(width, 0)]) {
            while self
                .lowest
                .last()
                .is_some_and(|&(i, other, from)| at(from, (u, square)) < at(from, (i, other)))
            {
                self.lowest.pop();
            }
            match self.lowest.last() {
                None => self.lowest.push((u, square, -1)),
                Some(&(i, other, _)) => {
                    let from = 1 + (u * u - i * i + square - other).div_euclid(2 * (u - i));
                    if from <= width {
                        self.lowest.push((u, square, from));
                    }
                }
            }
        }
        let mut pieces = self.lowest.iter().peekable();
        let mut now = (0, 0);
        for x in -1..width {
            while let Some(&&(u, square, _)) = pieces.peek().filter(|piece| piece.2 <= x) {
                now = (u, square);
                pieces.next();
            }
            if 0 <= x {
                squares.push(at(x, now));
            }
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small rasters"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells() -> impl Strategy<Value = Cells> {
        (1_usize..14, 1_usize..14).prop_flat_map(|(width, height)| {
            prop::collection::vec(prop::bool::weighted(0.8), width * height).prop_map(move |free| Cells {
                origin: Point::origin(),
                size_m: 1.0,
                width,
                height,
                free,
            })
        })
    }

    /// Number of pieces of cells, over corners or over sides only; the border beyond the raster counts as blocked.
    fn pieces(cells: &Cells, free: bool) -> usize {
        let (width, height) = (cells.width as i32 + 2, cells.height as i32 + 2);
        let is = |x: i32, y: i32| {
            let inside = 0 < x && x < width - 1 && 0 < y && y < height - 1;
            let cell = || (y as usize - 1) * cells.width + x as usize - 1;
            free == (inside && cells.is_free(cell()))
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut count = 0;
        for start in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            if !is(start.0, start.1) || !seen.insert(start) {
                continue;
            }
            count += 1;
            let mut open = vec![start];
            while let Some((x, y)) = open.pop() {
                for (n, [dx, dy]) in AROUND.iter().enumerate() {
                    let next = (x + dx, y + dy);
                    let legal = (0..width).contains(&next.0) && (0..height).contains(&next.1);
                    if legal && (free || n % 2 == 0) && is(next.0, next.1) && seen.insert(next) {
                        open.push(next);
                    }
                }
            }
        }
        count
    }

    proptest! {
        /// Distances are those of all pairs.
        #[test]
        fn distances_are_exact(cells in cells()) {
            let place = |cell: usize| ((cell % cells.width) as i64, (cell / cells.width) as i64);
            for (cell, found) in cells.distances().into_iter().enumerate() {
                let (x, y) = place(cell);
                let border = [x + 1, y + 1, cells.width as i64 - x, cells.height as i64 - y];
                let mut least = border.iter().map(|d| d * d).min().unwrap();
                for other in (0..cells.free.len()).filter(|other| !cells.is_free(*other)) {
                    let (u, v) = place(other);
                    least = least.min((x - u).pow(2) + (y - v).pow(2));
                }
                prop_assert_eq!(found, least);
            }
        }

        /// Thinning keeps what hangs together, and what is separate; it leaves no cell that could go; a kept cell stays.
        #[test]
        fn thinning_keeps_the_shape(cells in cells(), seed in 0_usize..100) {
            let mut thin = cells.clone();
            let mut kept = vec![false; cells.free.len()];
            let stays = seed % kept.len();
            kept[stays] = true;
            thin.thin(&cells.distances(), &kept, |_| false);
            prop_assert_eq!(thin.is_free(stays), cells.is_free(stays));
            for free in [true, false] {
                prop_assert_eq!(pieces(&thin, free), pieces(&cells, free));
            }
            for cell in (0..thin.free.len()).filter(|cell| thin.is_free(*cell) && *cell != stays) {
                prop_assert!(!is_simple(thin.around(cell)));
            }
        }
    }

    #[test]
    fn rings_fill_the_cells_whose_centres_they_contain() {
        let mut cells = Cells::covering(Point::new(0.0, 0.0), Point::new(4.0, 3.0), 0.5, 10_000);
        assert_eq!((cells.width, cells.height), (10, 8));
        let ring = |points: &[(f64, f64)]| points.iter().map(|(x, y)| Point::new(*x, *y)).collect::<Vec<_>>();
        let outer = ring(&[(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)]);
        let hole = ring(&[(1.0, 1.0), (1.0, 2.0), (2.0, 2.0), (2.0, 1.0)]);
        cells.fill(&[outer.clone(), hole.clone()]);
        assert_eq!(cells.free.iter().filter(|free| **free).count(), 48 - 4);
        for (cell, free) in cells.free.iter().enumerate() {
            let at = cells.centre(cell);
            assert_eq!(cells.cell_at(at), Some(cell));
            let inside = |ring: &[Point]| crate::geometry::ring_contains(ring, at);
            assert_eq!(*free, inside(&outer) && !inside(&hole));
        }
        assert_eq!(cells.cell_at(Point::new(-9.0, 0.0)), None);
    }
}
