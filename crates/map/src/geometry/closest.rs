//! Which of many thick segments is nearest to a point: a nested grid whose cells know every possible answer.
//!
//! It owns the search alone. A cell lists each segment that is nearest to some point in it, so a question reads one
//! list and never looks at a neighbour. Cells with long lists are split into smaller ones. Where a list would have
//! become too long to store, and outside the grid, it refuses, and the caller searches ring by ring.

use super::{
    grid::{bounds, float, truncate},
    segment::{Point, closest},
};

/// A centre line, in half a line of the cache: to fetch one takes longer than to divide by its length.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Line {
    a: Point,
    along: nalgebra::Vector2<f64>,
}

/// A segment with half the thickness around it.
#[derive(Clone, Copy, Debug)]
struct Thick {
    line: Line,
    half_m: f64,
}

/// How many answers a cell holds itself; most have no more.
const IN_CELL: usize = 4;
/// How often a cell with more is halved in both directions to find out who really wins in it.
const LOOK: u32 = 3;
/// More candidates than this are not compared with each other: that takes time by their square.
const COMPARED_MAX: usize = 64;
/// A cell with more answers than this is split.
const LIST_MAX: usize = 8;
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

/// Ids of the segments that can be nearest, the last one repeated; or a mark and its words. In half a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
struct Cell([u32; IN_CELL]);

impl Cell {
    const EMPTY: Self = Self([REFUSED; IN_CELL]);

    fn marked(mark: u32, first: usize, second: usize) -> Self {
        let word = |word: usize| u32::try_from(word).unwrap_or(u32::MAX);
        let mut words = [mark, word(first), word(second)].into_iter();
        Self(Self::EMPTY.0.map(|rest| words.next().unwrap_or(rest)))
    }
}

/// The nested grid.
#[derive(Clone, Debug, Default)]
pub(super) struct ClosestIndex {
    lines: Vec<Line>,
    /// Half the thickness of each.
    halves_m: Vec<f64>,
    /// Half the thickness of all of them, when they agree.
    common_half_m: Option<f64>,
    low: Point,
    cell_m: f64,
    per_m: f64,
    columns: u32,
    rows: u32,
    cells: Vec<Cell>,
    lists: Vec<u32>,
}

/// Candidates with a number that grows with their distance from somewhere.
type Found = Vec<(f64, u32)>;

/// An index that is being filled.
struct Filler {
    index: ClosestIndex,
    /// How many candidates may still be looked at: hostile segments leave cells that refuse.
    work: usize,
    /// Lists to use again.
    spare: Vec<Found>,
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

impl Table {
    /// Lower left and upper right corner of a block of cells.
    fn corners(&self, block: Block) -> (Point, Point) {
        let corner = |cell: (u32, u32)| {
            self.low + nalgebra::Vector2::new(f64::from(cell.0), f64::from(cell.1)) * self.cell_m
        };
        (corner(block.first), corner(block.end))
    }
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
        let (lines, halves_m): (Vec<Line>, Vec<f64>) =
            segments.map(|(a, b, half_m)| (Line { a, along: b - a }, half_m)).unzip();
        let count = float(lines.len());
        let rim = (high - low).amax() * RIM_SHARE + RIM_M;
        let low = low - nalgebra::Vector2::repeat(rim);
        let size = high - low + nalgebra::Vector2::repeat(rim);
        let cell_m = (size.x * size.y / (1.6 * count)).sqrt().max(size.amax() / (64.0 + 4.0 * count));
        let (columns, rows) = (truncate(size.x / cell_m) + 1, truncate(size.y / cell_m) + 1);
        let is_common = |half_m: &f64| halves_m.iter().all(|other| other.total_cmp(half_m).is_eq());
        let common_half_m = halves_m.first().copied().filter(is_common);
        let index = Self {
            lines,
            halves_m,
            common_half_m,
            low,
            cell_m,
            per_m: 1.0 / cell_m,
            columns,
            rows,
            cells: vec![Cell::EMPTY; columns as usize * rows as usize],
            lists: Vec::new(),
        };
        let work = 1024 * index.lines.len() + 4096;
        let mut filler = Filler { index, work, spare: Vec::new() };
        filler.fill();
        filler.index
    }

    /// The segment whose surface is nearest to `p`, the least id of equally near ones, and the distance to the surface,
    /// negative inside. `None` where the index refuses. A few nanoseconds for each segment in the list of the cell.
    #[inline]
    pub(super) fn nearest(&self, p: Point) -> Option<(u32, f64)> {
        let (first, more) = self.candidates(p)?;
        let ids = first.iter().chain(more);
        let best = if let Some(half_m) = self.common_half_m {
            let (id, square) = ids.fold((u32::MAX, f64::INFINITY), |best, id| {
                closer(best, *id, self.lines.get(*id as usize).map(|line| line.square_distance(p)))
            });
            (id, square.sqrt() - half_m)
        } else {
            ids.fold((u32::MAX, f64::INFINITY), |best, id| {
                closer(best, *id, self.thick(*id).map(|thick| thick.distance(p)))
            })
        };
        (best.0 != u32::MAX).then_some(best)
    }

    /// Distance to the surface that is nearest to `p`, negative inside; `None` where the index refuses. Without asking which
    /// one it is, all candidates can be compared at once.
    #[inline]
    pub(super) fn distance(&self, p: Point) -> Option<f64> {
        let Some(half_m) = self.common_half_m else {
            return self.nearest(p).map(|(_, distance_m)| distance_m);
        };
        let (first, more) = self.candidates(p)?;
        let less = |least: f64, id: &u32| {
            let square = self.lines.get(*id as usize).map_or(f64::INFINITY, |line| line.square_distance(p));
            // Written out, because `min` costs more instructions for NaN.
            if square < least { square } else { least }
        };
        let mut square = first.iter().fold(f64::INFINITY, less);
        if !more.is_empty() {
            square = more.iter().fold(square, less);
        }
        (square < f64::INFINITY).then(|| square.sqrt() - half_m)
    }

    fn thick(&self, id: u32) -> Option<Thick> {
        let (line, half_m) = (self.lines.get(id as usize)?, self.halves_m.get(id as usize)?);
        Some(Thick { line: *line, half_m: *half_m })
    }

    /// The point of a segment's body that is nearest to `p`: `p` itself when it is inside.
    pub(super) fn point_of(&self, id: u32, p: Point) -> Option<Point> {
        let Thick { line, half_m } = self.thick(id)?;
        let on_line = closest(p, line.a, line.a + line.along);
        let out = p - on_line;
        let distance = out.norm();
        Some(if distance <= half_m { p } else { on_line + out * (half_m / distance) })
    }

    /// The ids in the cell of a point, and those that it had no room for.
    #[inline]
    fn candidates(&self, p: Point) -> Option<(&[u32; IN_CELL], &[u32])> {
        let (mut x, mut y) = ((p.x - self.low.x) * self.per_m, (p.y - self.low.y) * self.per_m);
        let inside = 0.0 <= x && 0.0 <= y && x < f64::from(self.columns) && y < f64::from(self.rows);
        if !inside {
            return None;
        }
        let (mut column, mut row) = (truncate(x), truncate(y));
        let mut cell = self.cells.get(row as usize * self.columns as usize + column as usize)?;
        loop {
            let Cell(words @ [mark, first, second, ..]) = cell;
            if *mark < REFUSED {
                return Some((words, &[]));
            }
            match *mark {
                TABLE => {
                    let side = f64::from(SPLIT);
                    (x, y) = ((x - f64::from(column)) * side, (y - f64::from(row)) * side);
                    (column, row) = (truncate(x).min(SPLIT - 1), truncate(y).min(SPLIT - 1));
                    cell = self.cells.get((first + row * SPLIT + column) as usize)?;
                }
                LISTED => return self.lists.get(*first as usize..*second as usize)?.split_first_chunk(),
                _ => return None,
            }
        }
    }
}

impl Filler {
    fn fill(&mut self) {
        let ClosestIndex { low, cell_m, columns, rows, .. } = self.index;
        let all: Found = (0_u32..).zip(&self.index.lines).map(|(id, _)| (0.0, id)).collect();
        let table = Table { low, cell_m, columns, start: 0, depth: 0 };
        self.fill_block(table, Block { first: (0, 0), end: (columns, rows) }, &all);
    }

    /// Halves a block until it is one cell, keeping in each half what can be nearest there.
    fn fill_block(&mut self, table: Table, block: Block, candidates: &[(f64, u32)]) {
        let (columns, rows) = (block.end.0 - block.first.0, block.end.1 - block.first.1);
        if self.work < candidates.len() {
            return;
        }
        let (low, high) = table.corners(block);
        let mut kept = self.nearest_somewhere(low, high, candidates);
        if columns == 1 && rows == 1 {
            self.finish(table, block, &mut kept);
        } else {
            let (mut near, mut far) = (block, block);
            if rows <= columns {
                let middle = block.first.0 + columns / 2;
                (near.end.0, far.first.0) = (middle, middle);
            } else {
                let middle = block.first.1 + rows / 2;
                (near.end.1, far.first.1) = (middle, middle);
            }
            self.fill_block(table, near, &kept);
            self.fill_block(table, far, &kept);
        }
        self.spare.push(kept);
    }

    /// Candidates that may be nearest to some point of a box, with a number that grows with their distance from its centre.
    fn nearest_somewhere(&mut self, low: Point, high: Point, candidates: &[(f64, u32)]) -> Found {
        let (centre, diameter) = (low + (high - low) / 2.0, (high - low).norm());
        self.work = self.work.saturating_sub(candidates.len());
        let mut found = self.spare.pop().unwrap_or_default();
        found.clear();
        found.reserve(candidates.len());
        let mut least = f64::INFINITY;
        let mut add = |number: f64, id: u32| {
            least = if number < least { number } else { least };
            found.push((number, id));
        };
        // Distance is 1-Lipschitz: whatever wins somewhere in the box is at most its diameter worse at the centre.
        let worse = diameter + SLACK_M;
        let most = if self.index.common_half_m.is_some() {
            // Of bodies that are equally thick the squares of the distances to their lines have the same order.
            for (_, id) in candidates {
                if let Some(line) = self.index.lines.get(*id as usize) {
                    add(line.square_distance(centre), *id);
                }
            }
            let most = least.sqrt() + worse;
            most * most
        } else {
            for (_, id) in candidates {
                if let Some(thick) = self.index.thick(*id) {
                    add(thick.distance(centre), *id);
                }
            }
            least + worse
        };
        found.retain(|found| found.0 <= most);
        found
    }

    /// Drops candidates that another one beats everywhere in a block.
    fn keep_only_winners(&self, low: Point, high: Point, kept: &mut Found) {
        let corners = [low, Point::new(high.x, low.y), high, Point::new(low.x, high.y)];
        // The distance to a segment is convex, so it is largest in a corner.
        let largest = |thick: Thick| corners.iter().map(|p| thick.distance(*p)).fold(f64::MIN, f64::max);
        let thick = |kept: &(f64, u32)| self.index.thick(kept.1);
        // Any of them bounds the nearest distance; the best bound comes from those nearest to the centre.
        kept.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
        let bound = kept.iter().take(3).filter_map(thick).map(largest).fold(f64::INFINITY, f64::min);
        kept.retain(|kept| {
            thick(kept).is_some_and(|thick| thick.distance_to_box(&corners) <= bound + SLACK_M)
        });
        if COMPARED_MAX < kept.len() {
            return;
        }
        // A segment whose nearest point is one end, wherever one stands in the block, is no nearer than another one
        // that has the same end. Each is compared with those that are still there, so one of them stays.
        let mut at = kept.len();
        while let Some(last) = at.checked_sub(1) {
            at = last;
            let end = kept
                .get(at)
                .and_then(thick)
                .and_then(|own| Some((own.line.end_towards(&corners)?, own.half_m)));
            if let Some((end, half_m)) = end
                && kept.iter().enumerate().any(|(other, kept)| {
                    other != at
                        && thick(kept).is_some_and(|thick| thick.line.ends_at(end) && half_m <= thick.half_m)
                })
            {
                kept.remove(at);
            }
        }
    }

    /// Adds those that may be nearest to some point of a box, looking closer where that brings anything new.
    fn collect_winners(
        &mut self,
        low: Point,
        high: Point,
        candidates: &[(f64, u32)],
        closer: u32,
        winners: &mut Vec<u32>,
    ) {
        let found = self.nearest_somewhere(low, high, candidates);
        let is_known = found.iter().all(|found| winners.contains(&found.1));
        match closer.checked_sub(1) {
            _ if is_known => {}
            Some(closer) if 1 < found.len() && candidates.len() < self.work => {
                let half = (high - low) / 2.0;
                for (x, y) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                    let low = low + nalgebra::Vector2::new(x, y).component_mul(&half);
                    self.collect_winners(low, low + half, &found, closer, winners);
                }
            }
            _ => {
                for (_, id) in &found {
                    if !winners.contains(id) {
                        winners.push(*id);
                    }
                }
            }
        }
        self.spare.push(found);
    }

    fn finish(&mut self, table: Table, block: Block, kept: &mut Found) {
        let slot = table.start + block.first.1 as usize * table.columns as usize + block.first.0 as usize;
        let (low, high) = table.corners(block);
        self.keep_only_winners(low, high, kept);
        if (IN_CELL + 1..=COMPARED_MAX).contains(&kept.len()) {
            let mut winners = Vec::with_capacity(kept.len());
            self.collect_winners(low, high, kept, LOOK, &mut winners);
            kept.retain(|kept| winners.contains(&kept.1));
        }
        // The likeliest first.
        kept.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
        let index = &mut self.index;
        let cell = if kept.len() <= IN_CELL {
            // The last one repeated: a test that changes nothing costs less than a branch.
            let mut ids =
                kept.iter().map(|kept| kept.1).chain(kept.last().map(|kept| kept.1).into_iter().cycle());
            Cell([(); IN_CELL].map(|()| ids.next().unwrap_or(REFUSED)))
        } else if LIST_MAX < kept.len()
            && table.depth < DEPTH_MAX
            && index.cells.len() < 8 * index.lines.len() + 2048
        {
            let start = index.cells.len();
            index.cells.resize(start + (SPLIT * SPLIT) as usize, Cell::EMPTY);
            let corner = nalgebra::Vector2::new(f64::from(block.first.0), f64::from(block.first.1));
            let inner = Table {
                low: table.low + corner * table.cell_m,
                cell_m: table.cell_m / f64::from(SPLIT),
                columns: SPLIT,
                start,
                depth: table.depth + 1,
            };
            self.fill_block(inner, Block { first: (0, 0), end: (SPLIT, SPLIT) }, kept);
            Cell::marked(TABLE, start, 0)
        } else if index.lists.len() + kept.len() <= 24 * index.lines.len() + 4096 {
            let start = index.lists.len();
            index.lists.extend(kept.iter().map(|kept| kept.1));
            Cell::marked(LISTED, start, index.lists.len())
        } else {
            Cell::EMPTY
        };
        if let Some(slot) = self.index.cells.get_mut(slot) {
            *slot = cell;
        }
    }
}

impl Line {
    #[inline]
    fn square_distance(&self, p: Point) -> f64 {
        let to = p - self.a;
        // Not a number for a point, and then its first end.
        let share = to.dot(&self.along) / self.along.norm_squared();
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
}

impl Thick {
    fn distance(&self, p: Point) -> f64 {
        self.line.square_distance(p).sqrt() - self.half_m
    }

    /// Lower bound of the distance to a box given by its corners, counter-clockwise from the lower left.
    fn distance_to_box(&self, corners: &[Point; 4]) -> f64 {
        let [low, _, high, _] = *corners;
        let Line { a, along } = self.line;
        let b = a + along;
        // The shares of the segment within the box's columns, and within its rows.
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (from, along, low, high) in [(a.x, along.x, low.x, high.x), (a.y, along.y, low.y, high.y)] {
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
        let ends = to_box(a).min(to_box(b));
        let square = corners.iter().map(|p| self.line.square_distance(*p)).fold(ends, f64::min);
        square.sqrt() - self.half_m
    }
}

/// The nearer one of two, the lower id of equally near ones.
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "measured: a branch that is guessed wrong costs more than both tests"
)]
fn closer(best: (u32, f64), id: u32, distance: Option<f64>) -> (u32, f64) {
    let Some(distance) = distance else { return best };
    let wins = (distance < best.1) | ((distance <= best.1) & (id < best.0));
    if wins { (id, distance) } else { best }
}
