//! Where labels go: inside the polygon that they name, and never over another label.

use std::collections::{BTreeMap, BinaryHeap};

use nalgebra::Point2;

use crate::geometry::{bounds, float, point_to_segment, ring_contains, sides, truncate};

/// Side of a cell of the table of boxes, pixels.
const CELL_PX: f64 = 32.0;
/// Cells that one box may be entered into; what is larger is not looked at.
const CELLS_MAX: i32 = 4096;
/// Boxes of a cell from which on it counts as full, so that no map makes a picture slow.
const CROWD: usize = 200;
/// Squares that the search for a pole looks at.
const POLE_STEPS: usize = 300;
/// Corners of all rings of a polygon from which on only the pole itself is tried for its label.
const CORNERS_MANY: usize = 2_000;

/// An upright rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Box2 {
    pub(super) low: [f64; 2],
    pub(super) high: [f64; 2],
}

impl Box2 {
    pub(super) fn around([x, y]: [f64; 2], wide: f64, high: f64) -> Self {
        Self { low: [x - wide / 2.0, y - high / 2.0], high: [x + wide / 2.0, y + high / 2.0] }
    }

    /// The box around points; `None` without any.
    pub(super) fn of(points: impl IntoIterator<Item = [f64; 2]>) -> Option<Self> {
        points.into_iter().fold(None, |all, [x, y]| {
            let Self { low, high } = all.unwrap_or(Self { low: [x, y], high: [x, y] });
            Some(Self { low: [low[0].min(x), low[1].min(y)], high: [high[0].max(x), high[1].max(y)] })
        })
    }

    pub(super) fn grown(self, by: f64) -> Self {
        Self { low: self.low.map(|low| low - by), high: self.high.map(|high| high + by) }
    }

    pub(super) fn wide(self) -> f64 {
        self.high[0] - self.low[0]
    }

    pub(super) fn high(self) -> f64 {
        self.high[1] - self.low[1]
    }

    pub(super) fn middle(self) -> [f64; 2] {
        [f64::midpoint(self.low[0], self.high[0]), f64::midpoint(self.low[1], self.high[1])]
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.low[0] < other.high[0]
            && other.low[0] < self.high[0]
            && self.low[1] < other.high[1]
            && other.low[1] < self.high[1]
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.low[0] <= other.low[0]
            && other.high[0] <= self.high[0]
            && self.low[1] <= other.low[1]
            && other.high[1] <= self.high[1]
    }

    /// Whether a straight line has a part inside: the line is clipped to one side after the other.
    fn meets(self, a: [f64; 2], b: [f64; 2]) -> bool {
        let (mut from, mut to) = (0.0_f64, 1.0_f64);
        for (start, end, low, high) in
            [(a[0], b[0], self.low[0], self.high[0]), (a[1], b[1], self.low[1], self.high[1])]
        {
            let along = end - start;
            if along == 0.0 {
                if start < low || high < start {
                    return false;
                }
            } else {
                let (one, other) = ((low - start) / along, (high - start) / along);
                (from, to) = (from.max(one.min(other)), to.min(one.max(other)));
            }
        }
        from <= to
    }
}

/// Boxes that are taken, in cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Boxes {
    cells: BTreeMap<(i32, i32), Vec<Box2>>,
}

impl Boxes {
    pub(super) fn add(&mut self, taken: Box2) {
        for cell in cells(taken) {
            let cell = self.cells.entry(cell).or_default();
            if cell.len() < CROWD {
                cell.push(taken);
            }
        }
    }

    /// Enters small boxes along a line.
    pub(super) fn add_line(&mut self, a: [f64; 2], b: [f64; 2], wide: f64) {
        let length = libm::hypot(b[0] - a[0], b[1] - a[1]);
        let steps = truncate((length / 8.0).min(1_000.0)).max(1);
        for step in 0..=steps {
            let share = f64::from(step) / f64::from(steps);
            let at = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
            self.add(Box2::around(at, wide, wide));
        }
    }

    /// Whether a box overlaps one that is taken, or reaches into a cell in which there is no room left.
    pub(super) fn hits(&self, wanted: Box2) -> bool {
        let full =
            |taken: &Vec<Box2>| CROWD <= taken.len() || taken.iter().any(|other| other.overlaps(wanted));
        cells(wanted).any(|cell| self.cells.get(&cell).is_some_and(full))
    }
}

fn cells(of: Box2) -> impl Iterator<Item = (i32, i32)> {
    #[expect(clippy::cast_possible_truncation, reason = "saturates; far outside of any picture")]
    let cell = |value: f64| (value / CELL_PX).floor().clamp(-1e6, 1e6) as i32;
    let (x, y) = ([cell(of.low[0]), cell(of.high[0])], [cell(of.low[1]), cell(of.high[1])]);
    let many = (x[1] - x[0]).saturating_add(1).saturating_mul((y[1] - y[0]).saturating_add(1));
    (y[0]..=y[1])
        .filter(move |_| many <= CELLS_MAX)
        .flat_map(move |row| (x[0]..=x[1]).map(move |column| (column, row)))
}

/// A polygon with holes, of which inside and outside are asked.
pub(super) struct Shape<'a> {
    pub(super) outer: &'a [Point2<f64>],
    pub(super) holes: &'a [Vec<Point2<f64>>],
}

impl Shape<'_> {
    fn corners(&self) -> usize {
        self.outer.len() + self.holes.iter().map(Vec::len).sum::<usize>()
    }

    fn sides(&self) -> impl Iterator<Item = (Point2<f64>, Point2<f64>)> {
        sides(self.outer).chain(self.holes.iter().flat_map(|hole| sides(hole)))
    }

    /// Distance to the outline, positive inside.
    fn depth(&self, at: Point2<f64>) -> f64 {
        let inside = ring_contains(self.outer, at) && !self.holes.iter().any(|hole| ring_contains(hole, at));
        let distance = self.sides().map(|(a, b)| point_to_segment(at, a, b)).fold(f64::INFINITY, f64::min);
        if inside { distance } else { -distance }
    }

    /// Whether a box, in metres, lies inside and touches no side.
    pub(super) fn holds(&self, wanted: Box2) -> bool {
        let [x, y] = wanted.middle();
        0.0 < self.depth(Point2::new(x, y))
            && !self.sides().any(|(a, b)| wanted.meets([a.x, a.y], [b.x, b.y]))
    }

    /// The point inside that is farthest from the outline, about.
    ///
    /// Squares are looked at in the order of how good a point in them can be, and cut in four while that is better than
    /// the best one found. O(corners), for a bounded number of squares.
    pub(super) fn pole(&self) -> Option<Point2<f64>> {
        let (low, high) = bounds(self.outer.iter().copied())?;
        let size = high - low;
        let fine = 0.02 * size.x.min(size.y);
        let half = size.x.min(size.y) / 2.0;
        if !(half.is_finite() && 0.0 < half) {
            return None;
        }
        let mut queue = BinaryHeap::new();
        // A long shape would need many squares: it has at most so many, along its length, to begin with.
        let (columns, rows) =
            (truncate((size.x / half / 2.0).min(40.0)), truncate((size.y / half / 2.0).min(40.0)));
        let (columns, rows) = (columns.max(1), rows.max(1));
        let half_of = |size: f64, count: u32| size / f64::from(count) / 2.0;
        let half = half_of(size.x, columns).max(half_of(size.y, rows));
        for column in 0..columns {
            for row in 0..rows {
                let share = |index: u32, count: u32| (f64::from(index) + 0.5) / f64::from(count);
                let at =
                    Point2::new(low.x + share(column, columns) * size.x, low.y + share(row, rows) * size.y);
                queue.push(Square::new(self, at, half));
            }
        }
        let mut best = Square::new(self, nalgebra::center(&low, &high), 0.0);
        for _ in 0..POLE_STEPS {
            let Some(square) = queue.pop() else { break };
            if best.depth < square.depth {
                best = square;
            }
            if square.promise() <= best.depth + fine {
                break;
            }
            let quarter = square.half / 2.0;
            for (x, y) in [(-quarter, -quarter), (quarter, -quarter), (-quarter, quarter), (quarter, quarter)]
            {
                queue.push(Square::new(self, Point2::new(square.at.x + x, square.at.y + y), quarter));
            }
        }
        (0.0 < best.depth).then_some(best.at)
    }

    /// Places for a label, the best first: the pole, then points of a lattice by their distance from the outline.
    pub(super) fn places(&self) -> Vec<Point2<f64>> {
        let (Some(pole), Some((low, high))) = (self.pole(), bounds(self.outer.iter().copied())) else {
            return Vec::new();
        };
        if CORNERS_MANY < self.corners() {
            return vec![pole];
        }
        let mut lattice = Vec::new();
        for (column, row) in (0..LATTICE).flat_map(|column| (0..LATTICE).map(move |row| (column, row))) {
            let share = |index: u32| f64::from(index + 1) / f64::from(LATTICE + 1);
            let at =
                Point2::new(low.x + share(column) * (high.x - low.x), low.y + share(row) * (high.y - low.y));
            let depth = self.depth(at);
            if 0.0 < depth {
                lattice.push((depth, at));
            }
        }
        lattice.sort_by(|a, b| b.0.total_cmp(&a.0));
        std::iter::once(pole).chain(lattice.into_iter().map(|(_, at)| at)).collect()
    }
}

/// Lattice points along a side of the box around a polygon.
const LATTICE: u32 = 9;

/// A square of the search for a pole.
#[derive(Clone, Copy)]
struct Square {
    at: Point2<f64>,
    half: f64,
    depth: f64,
}

impl Square {
    fn new(shape: &Shape<'_>, at: Point2<f64>, half: f64) -> Self {
        Self { at, half, depth: shape.depth(at) }
    }

    /// No point of the square is deeper inside.
    fn promise(&self) -> f64 {
        self.depth + self.half * std::f64::consts::SQRT_2
    }
}

impl PartialEq for Square {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Square {}

impl PartialOrd for Square {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Square {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.promise()
            .total_cmp(&other.promise())
            .then(self.at.x.total_cmp(&other.at.x))
            .then(self.at.y.total_cmp(&other.at.y))
    }
}

/// The box of lines of text of one size around a point.
pub(super) fn text_box(at: [f64; 2], lines: &[String], size_px: f64) -> Box2 {
    let wide = lines.iter().map(|line| super::text::width_px(line, size_px)).fold(0.0, f64::max);
    Box2::around(at, wide, float(lines.len()) * LINE_HEIGHT * size_px)
}

/// From one line of text to the next, in font sizes.
pub(super) const LINE_HEIGHT: f64 = 1.15;
