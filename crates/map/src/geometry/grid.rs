//! A uniform grid over segments: which of them are near a place.

use nalgebra::Vector2;

use super::segment::Point;
use crate::compiled::Csr;

/// Cells of equal size over the bounding box of a set of segments, each with the segments that touch it.
///
/// The cell size follows from the number and the total length of the segments, so the index holds at most about
/// a dozen entries per segment, whatever their shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    origin: Point,
    cell_m: f64,
    per_m: f64,
    columns: u32,
    rows: u32,
    cells: Csr<u32>,
    /// Per cell a lower bound of the number of rings of empty cells around it; none where nobody asks for the nearest.
    empty_rings: Vec<u8>,
    /// Per row of cells, the segments that touch it.
    by_row: Csr<u32>,
}

/// A row of cells and the first and last of its columns.
struct Span {
    row: u32,
    first: u32,
    last: u32,
}

impl Grid {
    /// Indexes segments; the items handed to visitors count them. Coordinates must be finite.
    pub(crate) fn new(segments: &[(Point, Point)]) -> Self {
        let count = float(segments.len());
        Self::with_cells(segments, 8.0 * count, 4.0 * count)
    }

    /// The same, made ready to find the [`nearest`](Self::nearest).
    pub(crate) fn searchable(segments: &[(Point, Point)]) -> Self {
        let mut grid = Self::new(segments);
        grid.empty_rings = grid.count_empty_rings();
        grid
    }

    /// The same with smaller cells, for questions that most cells can answer without a look at any segment; slow to find
    /// the nearest one.
    pub(crate) fn fine(segments: &[(Point, Point)]) -> Self {
        const CELLS_MIN: f64 = 16_384.0;
        let count = float(segments.len());
        Self::with_cells(segments, (16.0 * count).max(CELLS_MIN), 8.0 * count + CELLS_MIN)
    }

    /// About so many cells, but no smaller than lets the segments fill so many of them.
    fn with_cells(segments: &[(Point, Point)], cells: f64, filled: f64) -> Self {
        // A ray along an outermost segment must not leave the grid by rounding.
        const RIM_M: f64 = 0.01;
        let Some((low, high)) = bounds(segments.iter().flat_map(|&(a, b)| [a, b])) else {
            return Self::default();
        };
        let count = float(segments.len());
        let total_m: f64 = segments.iter().map(|(a, b)| (b - a).norm()).sum();
        let low = low - Vector2::new(RIM_M, RIM_M);
        let size = high - low + Vector2::new(RIM_M, RIM_M);
        let cell_m = (size.x * size.y / cells).sqrt().max(total_m / filled).max(0.05);
        // Boxes far thinner than a cell still get one row; a set of points gets as many cells as points.
        let cell_m = cell_m.max(size.x.max(size.y) / (64.0 + 8.0 * count));
        let columns = truncate(size.x / cell_m).saturating_add(1);
        let rows = truncate(size.y / cell_m).saturating_add(1);
        let mut grid = Self { origin: low, cell_m, per_m: 1.0 / cell_m, columns, rows, ..Self::default() };
        grid.fill(segments);
        grid
    }

    fn fill(&mut self, segments: &[(Point, Point)]) {
        // Enough for what the cell size allows.
        let mut cells = Vec::with_capacity(12 * segments.len());
        let mut by_row = Vec::new();
        for (item, &(a, b)) in (0_u32..).zip(segments) {
            self.spans(a, b, 0.0, |span| {
                by_row.push((span.row, item));
                let start = span.row * self.columns;
                cells.extend((span.first..=span.last).map(|column| (start + column, item)));
            });
        }
        self.cells = csr(cells, self.columns * self.rows);
        self.by_row = csr(by_row, self.rows);
    }

    /// Chessboard distance to the nearest occupied cell, in two passes.
    fn count_empty_rings(&self) -> Vec<u8> {
        let (columns, rows) = (self.columns as usize, self.rows as usize);
        // With a rim that is far from everything, so that every cell has all its neighbours.
        let width = columns + 2;
        let mut rings = vec![u8::MAX; width * (rows + 2)];
        for (row, rings) in rings.chunks_exact_mut(width).skip(1).take(rows).enumerate() {
            for (column, ring) in rings.iter_mut().skip(1).take(columns).enumerate() {
                if !self.cells.row(row * columns + column).is_empty() {
                    *ring = 0;
                }
            }
        }
        for row in 1..=rows {
            let (above, own) = rings.split_at_mut(row * width);
            let above = above.get((row - 1) * width..).unwrap_or(&[]).windows(3);
            relax(own.iter_mut().skip(1).zip(above));
        }
        for row in (1..=rows).rev() {
            let (own, below) = rings.split_at_mut((row + 1) * width);
            let own = own.get_mut(row * width..).unwrap_or(&mut []);
            let below = below.get(..width).unwrap_or(&[]).windows(3);
            relax(own.iter_mut().rev().skip(1).zip(below.rev()));
        }
        let inner = rings.chunks_exact(width).skip(1).take(rows);
        inner.flat_map(|row| row.iter().skip(1).take(columns).copied()).collect()
    }

    /// Calls `visit` with every segment that may be within `reach_m` of the segment from `a` to `b`, and with
    /// some others; a segment can come several times.
    pub(crate) fn near(&self, a: Point, b: Point, reach_m: f64, mut visit: impl FnMut(u32)) {
        self.spans(a, b, reach_m, |span| {
            for column in span.first..=span.last {
                self.items(column, span.row).iter().copied().for_each(&mut visit);
            }
        });
    }

    /// Segments that touch the row of cells that contains `y`, once each; none when `y` is outside the grid.
    pub(crate) fn row(&self, y: f64) -> &[u32] {
        let row = (y - self.origin.y) / self.cell_m;
        // One cell of tolerance on either side: the last row ends at the bounding box only up to rounding.
        if self.rows == 0 || row < -1.0 || f64::from(self.rows) + 1.0 < row || row.is_nan() {
            return &[];
        }
        self.by_row.row(clamp_index(row, self.rows) as usize)
    }

    /// The segment of least `distance` to `p`, the least item among equals, and that distance; `None` without segments.
    ///
    /// `distance` must be at least the distance of the segment's line to `p` less `slack_m`.
    pub(crate) fn nearest(
        &self,
        p: Point,
        slack_m: f64,
        mut distance: impl FnMut(u32) -> f64,
    ) -> Option<(u32, f64)> {
        let mut best = (u32::MAX, f64::INFINITY);
        if self.rows == 0 {
            return None;
        }
        let (column, row) = self.cell(p);
        let mut ring = u32::from(self.empty_rings.get(self.flat(column, row)).copied().unwrap_or(0));
        while ring < self.columns.max(self.rows) {
            let least = (f64::from(ring) - 1.0) * self.cell_m - slack_m - 1e-9;
            if best.1 <= least {
                break;
            }
            self.ring(column, row, ring, |items| {
                for &item in items {
                    let distance = distance(item);
                    if distance < best.1 || (distance <= best.1 && item < best.0) {
                        best = (item, distance);
                    }
                }
            });
            ring += 1;
        }
        (best.0 != u32::MAX).then_some(best)
    }

    /// The segment of least `distance` along a ray in the cells that the ray crosses, and that distance; `max_m` and no
    /// segment when none is nearer.
    #[inline]
    pub(crate) fn cast(
        &self,
        origin: Point,
        direction: Vector2<f64>,
        max_m: f64,
        distance: impl Fn(u32) -> f64,
    ) -> (Option<u32>, f64) {
        let mut best = (None, max_m);
        let Some(enter) = self.entry(origin, direction, max_m) else {
            return best;
        };
        let start = origin + direction * enter;
        let (mut column, mut row) = self.cell(start);
        let mut x = Axis::new(origin.x, direction.x, self.origin.x, self.cell_m, column);
        let mut y = Axis::new(origin.y, direction.y, self.origin.y, self.cell_m, row);
        // A long segment comes in many cells, mostly one after the other.
        let mut last = u32::MAX;
        loop {
            for &item in self.items(column, row) {
                if item == last {
                    continue;
                }
                last = item;
                let distance = distance(item);
                if distance < best.1 {
                    best = (Some(item), distance);
                }
            }
            if best.1 <= x.next.min(y.next) {
                return best;
            }
            let stepped = if x.next <= y.next {
                x.advance(&mut column, self.columns)
            } else {
                y.advance(&mut row, self.rows)
            };
            if !stepped {
                return best;
            }
        }
    }

    /// Where a ray enters the grid (zero when it starts inside), `None` when it stays outside up to `max_m`.
    fn entry(&self, origin: Point, direction: Vector2<f64>, max_m: f64) -> Option<f64> {
        if self.rows == 0 {
            return None;
        }
        let high = self.origin + Vector2::new(f64::from(self.columns), f64::from(self.rows)) * self.cell_m;
        let (mut enter, mut leave) = (0.0_f64, max_m);
        for (from, towards, low, high) in
            [(origin.x, direction.x, self.origin.x, high.x), (origin.y, direction.y, self.origin.y, high.y)]
        {
            let slack = self.slack();
            let (low, high) = (low - slack, high + slack);
            if towards == 0.0 {
                if from < low || high < from {
                    return None;
                }
                continue;
            }
            let (near, far) = ((low - from) / towards, (high - from) / towards);
            enter = enter.max(near.min(far));
            leave = leave.min(near.max(far));
        }
        (enter <= leave).then_some(enter)
    }

    fn slack(&self) -> f64 {
        self.cell_m * 1e-6 + 1e-9
    }

    fn cell(&self, p: Point) -> (u32, u32) {
        let at = (p - self.origin) / self.cell_m;
        (clamp_index(at.x, self.columns), clamp_index(at.y, self.rows))
    }

    fn flat(&self, column: u32, row: u32) -> usize {
        row as usize * self.columns as usize + column as usize
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.columns, self.rows)
    }

    /// The lower left corner, and the size of a cell.
    pub(crate) fn frame(&self) -> (Point, f64) {
        (self.origin, self.cell_m)
    }

    /// The cell of a point, `None` outside the grid.
    #[inline]
    pub(crate) fn cell_of(&self, p: Point) -> Option<usize> {
        let (x, y) = ((p.x - self.origin.x) * self.per_m, (p.y - self.origin.y) * self.per_m);
        let inside = 0.0 <= x && 0.0 <= y && x < f64::from(self.columns) && y < f64::from(self.rows);
        inside.then(|| truncate(y) as usize * self.columns as usize + truncate(x) as usize)
    }

    /// The segments that touch a cell, ascending.
    pub(crate) fn items(&self, column: u32, row: u32) -> &[u32] {
        self.cells.row(self.flat(column, row))
    }

    /// Visits the cells at chessboard distance `ring` from one cell.
    fn ring(&self, column: u32, row: u32, ring: u32, mut visit: impl FnMut(&[u32])) {
        let (left, right) = (column.checked_sub(ring), column + ring);
        let first = column.saturating_sub(ring);
        let last = right.min(self.columns - 1);
        let (top, bottom) = (row.checked_sub(ring), row + ring);
        for row in
            [top, Some(bottom).filter(|_| 0 < ring)].into_iter().flatten().filter(|row| *row < self.rows)
        {
            for column in first..=last {
                visit(self.items(column, row));
            }
        }
        let inner = (row + 1).saturating_sub(ring)..(row + ring).min(self.rows);
        for row in inner.filter(|_| 0 < ring) {
            if let Some(left) = left {
                visit(self.items(left, row));
            }
            if right < self.columns {
                visit(self.items(right, row));
            }
        }
    }

    /// The cells that a capsule may touch, row by row.
    fn spans(&self, a: Point, b: Point, reach_m: f64, mut visit: impl FnMut(Span)) {
        if self.rows == 0 {
            return;
        }
        let reach = reach_m + self.slack();
        let index = |y: f64| clamp_index((y - self.origin.y) / self.cell_m, self.rows);
        let along = b - a;
        for row in index(a.y.min(b.y) - reach)..=index(a.y.max(b.y) + reach) {
            let low = self.origin.y + f64::from(row) * self.cell_m - reach;
            let high = low + self.cell_m + 2.0 * reach;
            let (enter, leave) = slab(a.y, along.y, low, high);
            if leave < enter {
                continue;
            }
            let (from, to) = (a.x + along.x * enter, a.x + along.x * leave);
            let column = |x: f64| clamp_index((x - self.origin.x) / self.cell_m, self.columns);
            visit(Span { row, first: column(from.min(to) - reach), last: column(from.max(to) + reach) });
        }
    }
}

/// One axis of a walk through the cells.
struct Axis {
    /// Distance along the ray at which the next cell begins.
    next: f64,
    /// Distance along the ray between cells.
    pace: f64,
    forward: bool,
}

impl Axis {
    fn new(from: f64, towards: f64, low: f64, cell_m: f64, index: u32) -> Self {
        if towards == 0.0 {
            return Self { next: f64::INFINITY, pace: f64::INFINITY, forward: true };
        }
        let forward = 0.0 < towards;
        let border = low + (f64::from(index) + if forward { 1.0 } else { 0.0 }) * cell_m;
        Self { next: (border - from) / towards, pace: cell_m / towards.abs(), forward }
    }

    /// Steps to the next cell; `false` at the end of the grid.
    fn advance(&mut self, index: &mut u32, count: u32) -> bool {
        let next = if self.forward { index.checked_add(1) } else { index.checked_sub(1) };
        self.next += self.pace;
        match next.filter(|next| *next < count) {
            Some(next) => {
                *index = next;
                true
            }
            None => false,
        }
    }
}

/// The shares of a segment's length at which it enters and leaves a slab; leaving comes first when it misses.
fn slab(from: f64, along: f64, low: f64, high: f64) -> (f64, f64) {
    if along == 0.0 {
        return if low <= from && from <= high { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    let (near, far) = ((low - from) / along, (high - from) / along);
    (near.min(far).max(0.0), near.max(far).min(1.0))
}

/// Lowers each cell of a row to one more than the nearest of the three in the row beside it and of the one before it.
fn relax<'a>(row: impl Iterator<Item = (&'a mut u8, &'a [u8])>) {
    let mut before = u8::MAX;
    for (own, beside) in row {
        let near = beside.iter().fold(before, |near, other| near.min(*other));
        *own = (*own).min(near.saturating_add(1));
        before = *own;
    }
}

/// Rows from `(row, item)` pairs that come in ascending order of items; each sorted and without duplicates.
fn csr(mut pairs: Vec<(u32, u32)>, rows: u32) -> Csr<u32> {
    let mut last = vec![u32::MAX; rows as usize];
    pairs.retain(|&(row, item)| {
        last.get_mut(row as usize).is_some_and(|last| std::mem::replace(last, item) != item)
    });
    // A counting sort: how many there are before each row, then each to its place.
    let mut start = vec![0_u32; rows as usize + 1];
    for &(row, _) in &pairs {
        if let Some(count) = start.get_mut(row as usize + 1) {
            *count += 1;
        }
    }
    let mut before = 0;
    for count in &mut start {
        before += *count;
        *count = before;
    }
    let mut next = start.clone();
    let mut items = vec![0; pairs.len()];
    for (row, item) in pairs {
        if let Some(place) = next.get_mut(row as usize) {
            if let Some(slot) = items.get_mut(*place as usize) {
                *slot = item;
            }
            *place += 1;
        }
    }
    Csr { start, items }
}

/// The smallest box around points; `None` without points.
pub(crate) fn bounds(points: impl IntoIterator<Item = Point>) -> Option<(Point, Point)> {
    points.into_iter().fold(None, |bounds, p| {
        let (low, high) = bounds.unwrap_or((p, p));
        Some((Point::new(low.x.min(p.x), low.y.min(p.y)), Point::new(high.x.max(p.x), high.y.max(p.y))))
    })
}

#[expect(clippy::cast_precision_loss, reason = "a count that shapes an index")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// Rounds towards zero, held at the limits of the type; NaN becomes zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is wanted")]
pub(crate) fn truncate(value: f64) -> u32 {
    value as u32
}

fn clamp_index(value: f64, count: u32) -> u32 {
    truncate(value).min(count.saturating_sub(1))
}
