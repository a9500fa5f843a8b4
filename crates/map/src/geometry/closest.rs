//! Which of many thick segments is nearest to a point: a nested grid whose cells know every possible answer.
//!
//! It owns the search alone. A cell lists each segment that is nearest to some point in it, so a question reads one
//! list and never looks at a neighbour. Cells with long lists are split into smaller ones. Where a list would have
//! become too long to store, and outside the grid, it refuses, and the caller searches ring by ring.

use super::{
    grid::{bounds, float, truncate},
    segment::{Point, closest},
};

/// A segment and half the thickness around it, ready for distances without division.
#[derive(Clone, Copy, Debug)]
struct Record {
    a: Point,
    along: nalgebra::Vector2<f64>,
    /// One over the square of the length; zero for a point.
    inverse_square: f64,
    half_m: f64,
}

/// How many answers a cell holds; where more are possible it is split.
const ANSWERS: usize = 8;
/// A cell that is split becomes this many cells in each direction.
const SPLIT: u32 = 4;
/// How often a cell may be split.
const DEPTH_MAX: u32 = 4;
/// Marks a cell that is split: the second word is its first child.
const TABLE: u32 = u32::MAX;
/// Marks a cell whose answers are too many: the other words say where they are listed.
const LISTED: u32 = u32::MAX - 1;
/// Marks a cell without answers.
const REFUSED: u32 = u32::MAX - 2;
/// Error of a distance in the index, covering coordinates up to a thousand kilometres.
const SLACK_M: f64 = 1e-8;

/// Ids of the segments that can be nearest, the last one repeated; or a mark and its words.
type Cell = [u32; ANSWERS];

const EMPTY: Cell = [REFUSED; ANSWERS];

/// The nested grid.
#[derive(Clone, Debug, Default)]
pub(super) struct ClosestIndex {
    records: Vec<Record>,
    /// Half the thickness of all segments, when they agree.
    common_half_m: Option<f64>,
    low: Point,
    cell_m: f64,
    per_m: f64,
    columns: u32,
    rows: u32,
    cells: Vec<Cell>,
    lists: Vec<u32>,
}

/// A block of cells of one table.
#[derive(Clone, Copy)]
struct Block {
    first: (u32, u32),
    end: (u32, u32),
}

/// A table of cells that is being filled.
#[derive(Clone, Copy)]
struct Table {
    low: Point,
    cell_m: f64,
    columns: u32,
    start: usize,
    depth: u32,
}

impl ClosestIndex {
    /// Indexes segments `(a, b, half thickness)`; coordinates must be finite. O(n log n) for segments that are spread
    /// out; for hostile ones the work is bounded and some cells refuse.
    pub(super) fn new(segments: impl Iterator<Item = (Point, Point, f64)> + Clone) -> Self {
        const RIM_SHARE: f64 = 0.02;
        const RIM_M: f64 = 1.0;
        let Some((low, high)) = bounds(segments.clone().flat_map(|(a, b, _)| [a, b])) else {
            return Self::default();
        };
        let records: Vec<Record> = segments.map(|(a, b, half_m)| Record::new(a, b, half_m)).collect();
        let count = float(records.len());
        let rim = (high - low).amax() * RIM_SHARE + RIM_M;
        let low = low - nalgebra::Vector2::repeat(rim);
        let size = high - low + nalgebra::Vector2::repeat(rim);
        let cell_m = (size.x * size.y / (2.0 * count)).sqrt().max(size.amax() / (64.0 + 4.0 * count));
        let (columns, rows) = (truncate(size.x / cell_m) + 1, truncate(size.y / cell_m) + 1);
        let common_half_m = records
            .first()
            .map(|first| first.half_m)
            .filter(|half_m| records.iter().all(|record| record.half_m.total_cmp(half_m).is_eq()));
        let mut index = Self {
            records,
            common_half_m,
            low,
            cell_m,
            per_m: 1.0 / cell_m,
            columns,
            rows,
            cells: vec![EMPTY; columns as usize * rows as usize],
            lists: Vec::new(),
        };
        index.fill();
        index
    }

    fn fill(&mut self) {
        let all: Vec<u32> = (0_u32..).zip(&self.records).map(|(id, _)| id).collect();
        let mut work = 512 * self.records.len() + 4096;
        let table = Table { low: self.low, cell_m: self.cell_m, columns: self.columns, start: 0, depth: 0 };
        let block = Block { first: (0, 0), end: (self.columns, self.rows) };
        self.fill_block(table, block, &all, &mut work);
    }

    /// Halves a block until it is one cell, keeping in each half what can be nearest there.
    fn fill_block(&mut self, table: Table, block: Block, candidates: &[u32], work: &mut usize) {
        let (columns, rows) = (block.end.0 - block.first.0, block.end.1 - block.first.1);
        if *work < candidates.len() {
            return;
        }
        *work -= candidates.len();
        let kept = self.nearest_somewhere(table, block, candidates);
        if columns == 1 && rows == 1 {
            self.finish(table, block, kept, work);
            return;
        }
        let (mut near, mut far) = (block, block);
        if rows <= columns {
            let middle = block.first.0 + columns / 2;
            (near.end.0, far.first.0) = (middle, middle);
        } else {
            let middle = block.first.1 + rows / 2;
            (near.end.1, far.first.1) = (middle, middle);
        }
        let kept: Vec<u32> = kept.into_iter().map(|(_, id)| id).collect();
        self.fill_block(table, near, &kept, work);
        self.fill_block(table, far, &kept, work);
    }

    /// Candidates that may be nearest to some point of a block, with their distance from its centre.
    fn nearest_somewhere(&self, table: Table, block: Block, candidates: &[u32]) -> Vec<(f64, u32)> {
        let corner = |cell: (u32, u32)| {
            table.low + nalgebra::Vector2::new(f64::from(cell.0), f64::from(cell.1)) * table.cell_m
        };
        let (low, high) = (corner(block.first), corner(block.end));
        let (centre, radius) = (low + (high - low) / 2.0, (high - low).norm() / 2.0);
        let mut found: Vec<(f64, u32)> = candidates
            .iter()
            .filter_map(|&id| Some((self.records.get(id as usize)?.distance(centre), id)))
            .collect();
        let least = found.iter().map(|found| found.0).fold(f64::INFINITY, f64::min);
        // Distance is 1-Lipschitz: whatever wins somewhere in the block is at most its diameter worse at the centre.
        found.retain(|found| found.0 <= least + 2.0 * radius + SLACK_M);
        found
    }

    /// Drops candidates that another one beats everywhere in a block.
    fn keep_only_winners(&self, table: Table, block: Block, kept: &mut Vec<(f64, u32)>) {
        let corner = |cell: (u32, u32)| {
            table.low + nalgebra::Vector2::new(f64::from(cell.0), f64::from(cell.1)) * table.cell_m
        };
        let (low, high) = (corner(block.first), corner(block.end));
        let corners = [low, Point::new(high.x, low.y), high, Point::new(low.x, high.y)];
        // The distance to a segment is convex, so it is largest in a corner.
        let largest = |record: &Record| corners.iter().map(|p| record.distance(*p)).fold(f64::MIN, f64::max);
        let record = |kept: &(f64, u32)| self.records.get(kept.1 as usize);
        // Any of them bounds the nearest distance; the best bound comes from those nearest to the centre.
        kept.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
        let bound = kept.iter().take(3).filter_map(record).map(largest).fold(f64::INFINITY, f64::min);
        kept.retain(|kept| {
            record(kept).is_some_and(|record| record.distance_to_box(&corners) <= bound + SLACK_M)
        });
        // A segment whose nearest point is one end, wherever one stands in the block, is no nearer than another one
        // that has the same end. Each is compared with those that are still there, so one of them stays.
        let mut at = kept.len();
        while let Some(last) = at.checked_sub(1) {
            at = last;
            let end =
                kept.get(at).and_then(record).and_then(|own| Some((own.end_towards(&corners)?, own.half_m)));
            if let Some((end, half_m)) = end
                && kept.iter().enumerate().any(|(other, kept)| {
                    other != at
                        && record(kept).is_some_and(|record| record.ends_at(end) && half_m <= record.half_m)
                })
            {
                kept.remove(at);
            }
        }
    }

    fn finish(&mut self, table: Table, block: Block, mut kept: Vec<(f64, u32)>, work: &mut usize) {
        let slot = table.start + block.first.1 as usize * table.columns as usize + block.first.0 as usize;
        self.keep_only_winners(table, block, &mut kept);
        let cell = if kept.len() <= ANSWERS {
            // The likeliest first, and repeated: a test that changes nothing costs less than a branch.
            kept.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
            let mut ids =
                kept.iter().map(|kept| kept.1).chain(kept.last().map(|kept| kept.1).into_iter().cycle());
            [(); ANSWERS].map(|()| ids.next().unwrap_or(REFUSED))
        } else if table.depth < DEPTH_MAX && self.cells.len() < 8 * self.records.len() + 2048 {
            let start = self.cells.len();
            self.cells.resize(start + (SPLIT * SPLIT) as usize, EMPTY);
            let corner = nalgebra::Vector2::new(f64::from(block.first.0), f64::from(block.first.1));
            let inner = Table {
                low: table.low + corner * table.cell_m,
                cell_m: table.cell_m / f64::from(SPLIT),
                columns: SPLIT,
                start,
                depth: table.depth + 1,
            };
            let ids: Vec<u32> = kept.into_iter().map(|(_, id)| id).collect();
            self.fill_block(inner, Block { first: (0, 0), end: (SPLIT, SPLIT) }, &ids, work);
            marked(TABLE, start, 0)
        } else if self.lists.len() + kept.len() <= 24 * self.records.len() + 4096 {
            let start = self.lists.len();
            self.lists.extend(kept.iter().map(|kept| kept.1));
            marked(LISTED, start, self.lists.len())
        } else {
            EMPTY
        };
        if let Some(slot) = self.cells.get_mut(slot) {
            *slot = cell;
        }
    }

    /// The segment whose surface is nearest to `p`, the least id of equally near ones, and the distance to the surface,
    /// negative inside. `None` where the index refuses. A few nanoseconds for each segment in the list of the cell.
    #[inline]
    pub(super) fn nearest(&self, p: Point) -> Option<(u32, f64)> {
        let candidates = self.candidates(p)?;
        let mut best = (u32::MAX, f64::INFINITY);
        if let Some(half_m) = self.common_half_m {
            let (first, rest) = candidates.split_at(4.min(candidates.len()));
            for &id in first {
                best = self.closer(best, id, p);
            }
            // Most lists are short, and what follows repeats.
            if rest.first() != first.last() {
                for &id in rest {
                    best = self.closer(best, id, p);
                }
            }
            return (best.0 != u32::MAX).then_some((best.0, best.1.sqrt() - half_m));
        }
        for &id in candidates {
            let Some(record) = self.records.get(id as usize) else { continue };
            let distance = record.square_distance(p).sqrt() - record.half_m;
            let wins = distance < best.1 || (distance <= best.1 && id < best.0);
            best = if wins { (id, distance) } else { best };
        }
        (best.0 != u32::MAX).then_some(best)
    }

    /// The better one, by the square of the distance.
    #[inline]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "measured: a branch that is guessed wrong costs more than both tests"
    )]
    fn closer(&self, best: (u32, f64), id: u32, p: Point) -> (u32, f64) {
        let Some(record) = self.records.get(id as usize) else { return best };
        let square = record.square_distance(p);
        let wins = (square < best.1) | ((square <= best.1) & (id < best.0));
        if wins { (id, square) } else { best }
    }

    /// The point of a segment's body that is nearest to `p`: `p` itself when it is inside.
    pub(super) fn point_of(&self, id: u32, p: Point) -> Option<Point> {
        let record = self.records.get(id as usize)?;
        let on_line = closest(p, record.a, record.a + record.along);
        let out = p - on_line;
        let distance = out.norm();
        Some(if distance <= record.half_m { p } else { on_line + out * (record.half_m / distance) })
    }

    #[inline]
    fn candidates(&self, p: Point) -> Option<&[u32]> {
        let (mut x, mut y) = ((p.x - self.low.x) * self.per_m, (p.y - self.low.y) * self.per_m);
        let inside = 0.0 <= x && 0.0 <= y && x < f64::from(self.columns) && y < f64::from(self.rows);
        if !inside {
            return None;
        }
        let (mut column, mut row) = (truncate(x), truncate(y));
        let mut cell = self.cells.get(row as usize * self.columns as usize + column as usize)?;
        loop {
            let [mark, first, second, ..] = *cell;
            if mark < REFUSED {
                return Some(cell);
            }
            match mark {
                TABLE => {
                    let side = f64::from(SPLIT);
                    (x, y) = ((x - f64::from(column)) * side, (y - f64::from(row)) * side);
                    (column, row) = (truncate(x).min(SPLIT - 1), truncate(y).min(SPLIT - 1));
                    cell = self.cells.get((first + row * SPLIT + column) as usize)?;
                }
                LISTED => return self.lists.get(first as usize..second as usize),
                _ => return None,
            }
        }
    }
}

impl Record {
    fn new(a: Point, b: Point, half_m: f64) -> Self {
        let along = b - a;
        let square = along.norm_squared();
        // The reciprocal of a tiny square overflows, and such a segment is a point.
        let inverse_square = if f64::MIN_POSITIVE < square { 1.0 / square } else { 0.0 };
        Self { a, along, inverse_square, half_m }
    }

    #[inline]
    fn square_distance(&self, p: Point) -> f64 {
        let to = p - self.a;
        let share = to.dot(&self.along) * self.inverse_square;
        // Written out, because `clamp` keeps NaN and costs more instructions for it.
        let share = if 0.0 < share { share } else { 0.0 };
        let share = if share < 1.0 { share } else { 1.0 };
        (to - self.along * share).norm_squared()
    }

    /// The end that is the nearest point of the segment for all corners of a box, and so for the whole box.
    fn end_towards(&self, corners: &[Point; 4]) -> Option<Point> {
        let b = self.a + self.along;
        if corners.iter().all(|p| (p - self.a).dot(&self.along) <= 0.0) {
            return Some(self.a);
        }
        corners.iter().all(|p| 0.0 <= (p - b).dot(&self.along)).then_some(b)
    }

    fn ends_at(&self, end: Point) -> bool {
        (self.a - end).amax() <= 0.0 || (self.a + self.along - end).amax() <= 0.0
    }

    /// Lower bound of the distance to a box given by its corners, counter-clockwise from the lower left.
    fn distance_to_box(&self, corners: &[Point; 4]) -> f64 {
        let [low, _, high, _] = *corners;
        let b = self.a + self.along;
        // The shares of the segment within the box's columns, and within its rows.
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (from, along, low, high) in
            [(self.a.x, self.along.x, low.x, high.x), (self.a.y, self.along.y, low.y, high.y)]
        {
            let (near, far) = ((low - SLACK_M - from) / along, (high + SLACK_M - from) / along);
            if along == 0.0 {
                if from < low || high < from {
                    leave = -1.0;
                }
                continue;
            }
            enter = enter.max(near.min(far));
            leave = leave.min(near.max(far));
        }
        if enter <= leave {
            return -self.half_m;
        }
        let to_box = |p: Point| {
            let (x, y) = ((low.x - p.x).max(p.x - high.x).max(0.0), (low.y - p.y).max(p.y - high.y).max(0.0));
            x * x + y * y
        };
        let ends = to_box(self.a).min(to_box(b));
        let square = corners.iter().map(|p| self.square_distance(*p)).fold(ends, f64::min);
        square.sqrt() - self.half_m
    }

    fn distance(&self, p: Point) -> f64 {
        self.square_distance(p).sqrt() - self.half_m
    }
}

fn marked(mark: u32, first: usize, second: usize) -> Cell {
    let word = |word: usize| u32::try_from(word).unwrap_or(u32::MAX);
    let mut words = [mark, word(first), word(second)].into_iter();
    EMPTY.map(|rest| words.next().unwrap_or(rest))
}
