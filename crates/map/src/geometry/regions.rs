//! Which of several regions contains a point: a grid whose cells know what surrounds them.
//!
//! A region is bounded by closed rings, holes included, and contains what they surround an odd number of times, and its
//! boundary. Decisions are exact; there is no tolerance anywhere. Regions may overlap: the one with the least id is
//! the answer. It owns the search alone and refuses nothing.

use nalgebra::Vector2;

use super::{
    grid::Grid,
    segment::{Point, crosses, orientation},
};

/// Where a point lies among regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Inside the region.
    Inside(u32),
    /// On the boundary of the region.
    Boundary(u32),
    /// In none.
    Outside,
}

/// More sides in reach of a cell than this are not stored with it: such a point asks its whole row.
const SIDES_MAX: usize = 96;
/// Marks a cell outside all regions.
const OUTSIDE: u32 = u32::MAX;
/// Marks a cell that asks its row.
const ROW: u32 = u32::MAX - 1;
/// Marks a cell inside one region: the other bits are its id.
const WHOLE: u32 = 1 << 31;
/// Marks a cell that a line divides: the other bits are its place in `divided`.
const DIVIDED: u32 = 1 << 30;
/// How far sides must reach beyond a cell, and a corner lie beside the line, for a cell to be divided: far more than
/// rounding can move a point from one cell to another.
const BEYOND_M: f64 = 1e-6;

#[derive(Clone, Copy, Debug)]
struct Side {
    a: Point,
    b: Point,
}

/// A region that a cell may meet, with its sides from the cell to the next clean border on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    region: u32,
    /// Whether that border is inside the region.
    inside: bool,
    /// Whether no entry of the cell follows.
    last: bool,
    first_side: u32,
    end_side: u32,
}

/// A cell that nothing but one line from border to border crosses, so that one question decides.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Divided {
    a: Point,
    b: Point,
    /// On the left, on the line, on the right.
    found: [Found; 3],
}

/// The grid over the sides of all regions.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegionIndex {
    sides: Vec<Side>,
    region_of: Vec<u32>,
    grid: Grid,
    cells: Vec<u32>,
    entries: Vec<Entry>,
    near: Vec<Side>,
    divided: Vec<Divided>,
}

impl Side {
    /// Whether it enters and leaves a box, and ends well outside.
    fn passes(&self, low: Point, high: Point) -> bool {
        let along = self.b - self.a;
        let rim = Vector2::repeat(BEYOND_M);
        let (to_low, to_high) = (low - rim - self.a, high + rim - self.a);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (along, low, high) in [(along.x, to_low.x, to_high.x), (along.y, to_low.y, to_high.y)] {
            if along == 0.0 {
                if !(low < 0.0 && 0.0 < high) {
                    return false;
                }
                continue;
            }
            let (near, far) = (low / along, high / along);
            enter = enter.max(near.min(far));
            leave = leave.min(near.max(far));
        }
        0.0 < enter && enter < leave && leave < 1.0
    }
}

impl RegionIndex {
    /// Indexes sides of rings, each with its region; regions come in ascending order. Coordinates must be finite.
    pub(crate) fn new(sides: impl IntoIterator<Item = (u32, (Point, Point))>) -> Self {
        let mut index = Self::default();
        for (region, (a, b)) in sides {
            index.region_of.push(region);
            index.sides.push(Side { a, b });
        }
        let lines: Vec<_> = index.sides.iter().map(|side| (side.a, side.b)).collect();
        index.grid = Grid::fine(&lines);
        let (columns, rows) = index.grid.size();
        index.cells = vec![OUTSIDE; columns as usize * rows as usize];
        for row in 0..rows {
            index.fill_row(row, columns);
        }
        index
    }

    /// From right to left: beyond the right border of the grid everything is outside.
    fn fill_row(&mut self, row: u32, columns: u32) {
        // Sides between the cell and the next border that no side crosses, and the regions around that border.
        let mut reach: Vec<u32> = Vec::new();
        let mut around: Vec<u32> = Vec::new();
        let mut right: Vec<u32> = Vec::new();
        let mut whole = (OUTSIDE, 0);
        for column in (0..columns).rev() {
            let own = self.grid.items(column, row);
            if own.is_empty() && right.is_empty() && reach.is_empty() {
                let outside = around.first().map_or(OUTSIDE, |region| WHOLE | region);
                if let Some(slot) = self.cells.get_mut((row * columns + column) as usize) {
                    *slot = outside;
                }
                continue;
            }
            if !own.iter().any(|side| right.binary_search(side).is_ok()) {
                around = self.around_border(column, row, &reach, &around);
                reach.clear();
            }
            for side in own {
                // Sorting all of them again for every cell would be quadratic where sides overlap along a whole row.
                if let Err(place) = reach.binary_search(side) {
                    reach.insert(place, *side);
                }
            }
            right.clear();
            right.extend_from_slice(own);
            let cell = if reach.is_empty() {
                around.first().map_or(OUTSIDE, |region| WHOLE | region)
            } else if SIDES_MAX < reach.len() {
                ROW
            } else if let Some(divided) = self.divide(column, row, own, &reach, &around) {
                if self.divided.last() != Some(&divided) {
                    self.divided.push(divided);
                }
                DIVIDED | count(self.divided.len() - 1)
            } else {
                self.store(&reach, &around)
            };
            // A run of cells around a long side shares one list.
            whole = if self.same(whole, cell, reach.is_empty()) { whole } else { (cell, self.near.len()) };
            if let Some(slot) = self.cells.get_mut((row * columns + column) as usize) {
                *slot = whole.0;
            }
        }
    }

    /// Whether the entries that were just stored repeat those of the cell before; if so they are dropped again.
    fn same(&mut self, before: (u32, usize), cell: u32, plain: bool) -> bool {
        if plain || before.0 >= DIVIDED || cell >= DIVIDED {
            return false;
        }
        let (old, new) = (before.0 as usize, cell as usize);
        let count = self.entries.len() - new;
        let (Some(first), Some(second)) = (self.entries.get(old..old + count), self.entries.get(new..))
        else {
            return false;
        };
        let alike = first.iter().zip(second).all(|(p, q)| {
            let sides = |entry: &Entry| {
                let sides = self.near.get(entry.first_side as usize..entry.end_side as usize);
                sides.unwrap_or(&[]).iter().map(|side| (side.a, side.b))
            };
            (p.region, p.inside, p.last) == (q.region, q.inside, q.last) && sides(p).eq(sides(q))
        });
        if alike {
            let stored = second.first().map_or(0, |entry| entry.first_side as usize);
            self.entries.truncate(new);
            self.near.truncate(stored);
        }
        alike
    }

    /// What a cell is when all its own sides lie on one line that leaves it on two sides; `None` when there is more to it.
    fn divide(&self, column: u32, row: u32, own: &[u32], reach: &[u32], around: &[u32]) -> Option<Divided> {
        let (low, cell_m) = self.grid.frame();
        let low = low + Vector2::new(f64::from(column), f64::from(row)) * cell_m;
        let high = low + Vector2::repeat(cell_m);
        let Side { a, b } = *self.sides.get(*own.first()? as usize)?;
        let mut on_line = Vec::new();
        for id in own {
            let side = self.sides.get(*id as usize)?;
            let is_straight = orientation(a, b, side.a) == 0.0 && orientation(a, b, side.b) == 0.0;
            if !is_straight || !side.passes(low, high) {
                return None;
            }
            on_line.push(*self.region_of.get(*id as usize)?);
        }
        // Near the corners and not on them: what touches the border of the row from outside is not in reach.
        let inner =
            [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)].map(|(x, y)| low + Vector2::new(x, y) * cell_m);
        let beside = |sign: f64| {
            let far = BEYOND_M * (b - a).norm();
            let is_beside = |p: &&Point| far < sign * (b - a).perp(&(**p - a));
            inner.iter().find(is_beside).map(|p| self.around_point(*p, reach, around))
        };
        let (left, right) = (beside(1.0)?, beside(-1.0)?);
        let first = |regions: &[u32]| regions.first().map_or(Found::Outside, |region| Found::Inside(*region));
        let least = left.iter().chain(&right).chain(&on_line).min()?;
        let found = if on_line.contains(least) { Found::Boundary(*least) } else { Found::Inside(*least) };
        Some(Divided { a, b, found: [first(&left), found, first(&right)] })
    }

    /// Regions around the right border of a cell, which no side crosses, from those around the next clean border.
    fn around_border(&self, column: u32, row: u32, reach: &[u32], beyond: &[u32]) -> Vec<u32> {
        let (low, cell_m) = self.grid.frame();
        self.around_point(
            low + Vector2::new(f64::from(column + 1), f64::from(row) + 0.5) * cell_m,
            reach,
            beyond,
        )
    }

    /// Regions around a point on no side, from those around the next clean border and the sides up to it.
    fn around_point(&self, at: Point, reach: &[u32], beyond: &[u32]) -> Vec<u32> {
        let mut around: Vec<u32> = beyond.to_vec();
        for side in reach {
            let (Some(side), Some(&region)) =
                (self.sides.get(*side as usize), self.region_of.get(*side as usize))
            else {
                continue;
            };
            if crosses(side.a, side.b, at) == Some(true) {
                match around.binary_search(&region) {
                    Ok(found) => drop(around.remove(found)),
                    Err(place) => around.insert(place, region),
                }
            }
        }
        around
    }

    fn store(&mut self, reach: &[u32], around: &[u32]) -> u32 {
        let first = self.entries.len();
        let region_of = |side: &u32| self.region_of.get(*side as usize).copied().unwrap_or(0);
        let mut regions: Vec<u32> = reach.iter().map(region_of).chain(around.iter().copied()).collect();
        regions.sort_unstable();
        regions.dedup();
        for region in regions {
            let first_side = count(self.near.len());
            let sides = reach.iter().filter(|side| region_of(side) == region);
            self.near.extend(sides.filter_map(|side| self.sides.get(*side as usize).copied()));
            let end_side = count(self.near.len());
            let inside = around.binary_search(&region).is_ok();
            self.entries.push(Entry { region, inside, last: false, first_side, end_side });
            // Nothing beats a region that contains the whole cell but those before it.
            if inside && first_side == end_side {
                break;
            }
        }
        if let Some(entry) = self.entries.last_mut() {
            entry.last = true;
        }
        count(first)
    }

    /// The region of least id that contains a point, boundary included. Exact; some nanoseconds in a cell without a
    /// side, and a few more for each side nearby. A point with NaN is outside.
    #[inline]
    pub(crate) fn locate(&self, p: Point) -> Found {
        let Some(cell) = self.grid.cell_of(p).and_then(|cell| self.cells.get(cell)) else {
            return Found::Outside;
        };
        match *cell {
            OUTSIDE => Found::Outside,
            ROW => self.locate_in_row(p),
            whole if WHOLE <= whole => Found::Inside(whole & !WHOLE),
            divided if DIVIDED <= divided => self.locate_beside(divided & !DIVIDED, p),
            first => self.locate_among(first, p),
        }
    }

    fn locate_beside(&self, divided: u32, p: Point) -> Found {
        let Some(Divided { a, b, found }) = self.divided.get(divided as usize) else { return Found::Outside };
        let side = orientation(*a, *b, p);
        // Looked up, because nobody can guess which side it is.
        let at = 2 * usize::from(side < 0.0) + usize::from(side == 0.0);
        found.get(at).copied().unwrap_or(Found::Outside)
    }

    fn locate_among(&self, first: u32, p: Point) -> Found {
        for entry in self.entries.iter().skip(first as usize) {
            let near = self.near.get(entry.first_side as usize..entry.end_side as usize).unwrap_or(&[]);
            match near.iter().try_fold(entry.inside, |inside, side| {
                crosses(side.a, side.b, p).map(|cross| inside != cross)
            }) {
                None => return Found::Boundary(entry.region),
                Some(true) => return Found::Inside(entry.region),
                Some(false) if entry.last => return Found::Outside,
                Some(false) => {}
            }
        }
        Found::Outside
    }

    fn locate_in_row(&self, p: Point) -> Found {
        self.row(p)
            .into_iter()
            .find_map(|(region, found)| match found {
                None => Some(Found::Boundary(region)),
                Some(true) => Some(Found::Inside(region)),
                Some(false) => None,
            })
            .unwrap_or(Found::Outside)
    }

    /// Per region with a side in the row of a point: whether the point is inside, `None` for on its boundary.
    fn row(&self, p: Point) -> Vec<(u32, Option<bool>)> {
        let mut found: Vec<(u32, Option<bool>)> = Vec::new();
        for side in self.grid.row(p.y) {
            let (Some(line), Some(&region)) =
                (self.sides.get(*side as usize), self.region_of.get(*side as usize))
            else {
                continue;
            };
            let place = found.binary_search_by_key(&region, |found| found.0).unwrap_or_else(|place| {
                found.insert(place, (region, Some(false)));
                place
            });
            if let Some((_, inside)) = found.get_mut(place) {
                *inside = inside.and_then(|inside| crosses(line.a, line.b, p).map(|cross| inside != cross));
            }
        }
        found
    }
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{ring_contains, sides};

    fn point() -> impl Strategy<Value = Point> {
        let raster = || (-8_i32..=8).prop_map(|n| f64::from(n) * 0.5);
        (raster(), raster()).prop_map(|(x, y)| Point::new(x, y))
    }

    fn probe() -> impl Strategy<Value = Point> {
        let anywhere = (-6.0..6.0, -6.0..6.0).prop_map(|(x, y)| Point::new(x, y));
        prop_oneof![point(), anywhere]
    }

    proptest! {
        /// The index changes no answer: the first ring that contains the point by its exact definition, whatever the
        /// rings look like, self-crossing ones and ones that share sides included.
        #[test]
        fn locating_equals_the_definition(
            rings in prop::collection::vec(prop::collection::vec(point(), 3..9), 0..6),
            probes in prop::collection::vec(probe(), 1..30),
        ) {
            let numbered = (0_u32..).zip(&rings);
            let index = RegionIndex::new(
                numbered.flat_map(|(id, ring)| sides(ring).map(move |side| (id, side))),
            );
            for p in probes {
                let expected = rings.iter().position(|ring| ring_contains(ring, p));
                let found = match index.locate(p) {
                    Found::Inside(region) => {
                        let ring = &rings[region as usize];
                        prop_assert!(sides(ring).all(|(a, b)| crosses(a, b, p).is_some()));
                        Some(region as usize)
                    }
                    Found::Boundary(region) => {
                        let ring = &rings[region as usize];
                        prop_assert!(sides(ring).any(|(a, b)| crosses(a, b, p).is_none()));
                        Some(region as usize)
                    }
                    Found::Outside => None,
                };
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// Coordinates as whole numbers of 2^-40 m: doubles hold them exactly, and not their products.
    fn raster((x, y): (i64, i64)) -> Point {
        const STEPS: f64 = 1_099_511_627_776.0;
        #[expect(clippy::cast_precision_loss, reason = "at most 2^45")]
        let metres = |n: i64| n as f64 / STEPS;
        Point::new(metres(x), metres(y))
    }

    /// Whether a point is in a ring, by whole numbers alone; `None` on it.
    fn winding(ring: &[(i64, i64)], p: (i64, i64)) -> Option<bool> {
        let mut inside = false;
        for (index, &a) in ring.iter().enumerate() {
            let b = ring[(index + 1) % ring.len()];
            let product = |x: i64, y: i64| i128::from(x) * i128::from(y);
            let turn = product(b.0 - a.0, p.1 - a.1) - product(b.1 - a.1, p.0 - a.0);
            let within = |a: i64, b: i64, p: i64| a.min(b) <= p && p <= a.max(b);
            if turn == 0 && within(a.0, b.0, p.0) && within(a.1, b.1, p.1) {
                return None;
            }
            let upwards = a.1 <= p.1 && p.1 < b.1;
            let downwards = b.1 <= p.1 && p.1 < a.1;
            inside ^= (upwards && 0 < turn) || (downwards && turn < 0);
        }
        Some(inside)
    }

    proptest! {
        /// Places that lie on a side but for the last digit are on the right side of it.
        #[test]
        fn locating_is_exact_to_the_last_digit(
            ring in prop::collection::vec((-(1_i64 << 44)..1 << 44, -(1_i64 << 44)..1 << 44), 3..7),
            probes in prop::collection::vec((any::<prop::sample::Index>(), 0_i64..=64, -2_i64..=2, -2_i64..=2), 1..40),
        ) {
            let corners: Vec<Point> = ring.iter().copied().map(raster).collect();
            let index = RegionIndex::new(sides(&corners).map(|side| (0, side)));
            for (side, share, dx, dy) in probes {
                let side = side.index(ring.len());
                let (a, b) = (ring[side], ring[(side + 1) % ring.len()]);
                let between = |a: i64, b: i64| a + (b - a) / 64 * share;
                let p = (between(a.0, b.0) + dx, between(a.1, b.1) + dy);
                let expected = match winding(&ring, p) {
                    None => Found::Boundary(0),
                    Some(true) => Found::Inside(0),
                    Some(false) => Found::Outside,
                };
                prop_assert_eq!(index.locate(raster(p)), expected);
            }
        }
    }

    #[test]
    fn a_point_that_is_no_number_is_outside() {
        let square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)].map(|(x, y)| Point::new(x, y));
        let index = RegionIndex::new(sides(&square).map(|side| (0, side)));
        assert_eq!(index.locate(Point::new(2.0, 2.0)), Found::Inside(0));
        assert_eq!(index.locate(Point::new(4.0, 2.0)), Found::Boundary(0));
        for p in [Point::new(f64::NAN, 2.0), Point::new(2.0, f64::INFINITY), Point::new(-1e300, 2.0)] {
            assert_eq!(index.locate(p), Found::Outside);
        }
        assert_eq!(RegionIndex::default().locate(Point::origin()), Found::Outside);
    }
}
