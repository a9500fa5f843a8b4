//! Scanned floors: grids of free, occupied and unknown cells, cleaned, outlined, and driven on.

use crate::{
    geometry::{Point, SegmentGrid, float, point_to_segment, segments_meet},
    import::raster::{Grid, NOTCH, Region},
    model::{Level, Room, RoomKind, Site},
};

use super::{SurveyError, SurveyOptions, SurveyReport, cells::Cells};

/// The level that everything is on.
const LEVEL: &str = "map";
/// The most cells of a grid.
const CELLS_MAX: usize = 1 << 24;

/// What is known about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// Nothing is there.
    Free,
    /// Something is.
    Occupied,
    /// Nobody has looked.
    Unknown,
}

/// A scanned floor.
#[derive(Clone, Debug, PartialEq)]
pub struct OccupancyGrid {
    name: String,
    width: usize,
    height: usize,
    resolution_m: f64,
    origin: [f64; 3],
    cells: Vec<Occupancy>,
}

/// Why a scan gave no site.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The rows are not full, or there are none, or too many.
    #[error("{cells} cells are no rows of {width}, or more than {CELLS_MAX}")]
    Cells {
        /// How many there are.
        cells: usize,
        /// How many a row has.
        width: usize,
    },
    /// A number is not finite, or outside its range.
    #[error("{field} is {value}, must be in {low}..={high}")]
    OutOfRange {
        /// Which one.
        field: &'static str,
        /// The value found.
        value: f64,
        /// The smallest value allowed.
        low: f64,
        /// The largest value allowed.
        high: f64,
    },
    /// No free floor is left after cleaning.
    #[error("no connected free floor of at least {island_m2} m²")]
    NoFloor {
        /// The least area that counts.
        island_m2: f64,
    },
    /// The outlines have too many corners.
    #[error("the outlines of the free cells have too many corners: {message}")]
    Outlines {
        /// How many are allowed.
        message: String,
    },
    /// No roadmap can be drawn.
    #[error(transparent)]
    Survey(#[from] SurveyError),
}

/// How to read a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanOptions {
    /// Free floor that is narrower than this is taken away, metres: rays that went through gaps.
    pub opening_m: f64,
    /// Unknown cells are free if everything that is not free within this distance around is unknown too and free floor
    /// surrounds it, metres. Occupied cells never become free.
    pub closing_m: f64,
    /// Free floor of less area that hangs together with nothing is taken away, square metres. Rooms are not smaller.
    pub island_m2: f64,
    /// How far outlines may be from those of the cells, metres.
    pub simplify_m: f64,
    /// Rooms end where the free width has a minimum of at most this, metres.
    pub door_width_max_m: f64,
    /// Where they are narrower than this, there is no door, metres.
    pub door_width_min_m: f64,
    /// How many times as wide as a door the rooms on both sides of it are.
    pub contrast: f64,
}

impl Default for ScanOptions {
    /// For scans with cells of some centimetres: doors up to 1.5 m.
    fn default() -> Self {
        Self {
            opening_m: 0.2,
            closing_m: 0.2,
            island_m2: 2.0,
            simplify_m: 0.05,
            door_width_max_m: 1.5,
            door_width_min_m: 0.5,
            contrast: 1.3,
        }
    }
}

impl ScanOptions {
    pub(super) fn check(&self) -> Result<(), ScanError> {
        let numbers = [
            ("opening_m", self.opening_m, 0.0, 10.0),
            ("closing_m", self.closing_m, 0.0, 10.0),
            ("island_m2", self.island_m2, 0.0, 1e6),
            ("simplify_m", self.simplify_m, 0.0, 10.0),
            ("door_width_max_m", self.door_width_max_m, 0.0, 100.0),
            ("door_width_min_m", self.door_width_min_m, 0.3, 10.0),
            ("contrast", self.contrast, 1.0, 100.0),
        ];
        numbers.into_iter().try_for_each(|(field, value, low, high)| in_range(field, value, low, high))
    }
}

fn in_range(field: &'static str, value: f64, low: f64, high: f64) -> Result<(), ScanError> {
    // Written so that NaN is outside.
    if low <= value && value <= high {
        Ok(())
    } else {
        Err(ScanError::OutOfRange { field, value, low, high })
    }
}

impl OccupancyGrid {
    /// A grid of rows of `width` cells, the lowest row first. `origin` is the pose of its lower left corner in the frame of
    /// the level: metres, metres, radians.
    ///
    /// ```
    /// use sheepdog_map::survey::{Occupancy, OccupancyGrid};
    /// let cells = vec![Occupancy::Free; 20 * 30];
    /// let grid = OccupancyGrid::new("hut", 20, 0.05, [0.0, 0.0, 0.0], cells).unwrap();
    /// assert_eq!((grid.width(), grid.height()), (20, 30));
    /// ```
    ///
    /// # Errors
    /// [`ScanError`]: rows that are not full, or numbers that make no sense.
    pub fn new(
        name: impl Into<String>,
        width: usize,
        resolution_m: f64,
        origin: [f64; 3],
        cells: Vec<Occupancy>,
    ) -> Result<Self, ScanError> {
        if width == 0 || cells.is_empty() || !cells.len().is_multiple_of(width) || CELLS_MAX < cells.len() {
            return Err(ScanError::Cells { cells: cells.len(), width });
        }
        in_range("resolution", resolution_m, 0.001, 10.0)?;
        let [x_m, y_m, yaw_rad] = origin;
        in_range("x of the origin", x_m, -1e5, 1e5)?;
        in_range("y of the origin", y_m, -1e5, 1e5)?;
        in_range("yaw of the origin", yaw_rad, -100.0, 100.0)?;
        let height = cells.len() / width;
        Ok(Self { name: name.into(), width, height, resolution_m, origin, cells })
    }

    /// Cells in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Side of a cell, metres.
    pub fn resolution_m(&self) -> f64 {
        self.resolution_m
    }

    /// What is known about a cell; what is beyond the grid is unknown.
    pub fn at(&self, column: usize, row: usize) -> Occupancy {
        let cell =
            (column < self.width).then(|| self.cells.get(row.checked_mul(self.width)?.checked_add(column)?));
        cell.flatten().copied().unwrap_or(Occupancy::Unknown)
    }

    /// A site with one level and nothing on it.
    pub(super) fn site(&self) -> Site {
        let mut site = Site::new(self.name.clone());
        site.levels.push(Level::new(LEVEL, 0.0));
        site
    }

    /// From cells to the frame of the level.
    pub(super) fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [ox, oy, yaw] = self.origin;
        let (sine, cosine) = if yaw == 0.0 { (0.0, 1.0) } else { (libm::sin(yaw), libm::cos(yaw)) };
        let (x, y) = (x * self.resolution_m, y * self.resolution_m);
        [ox + cosine * x - sine * y, oy + sine * x + cosine * y]
    }

    /// The free cells after cleaning. Lengths of the result are in cells.
    pub(super) fn cleaned(&self, options: &ScanOptions) -> Result<Cells, ScanError> {
        let is = |what: Occupancy| self.cells.iter().map(|cell| *cell == what).collect::<Vec<bool>>();
        let mut cells = Cells {
            origin: Point::origin(),
            size_m: 1.0,
            width: self.width,
            height: self.height,
            free: is(Occupancy::Free),
        };
        let in_cells = |length_m: f64| length_m / self.resolution_m / 2.0;
        // Closing: unknown cells that vanish when free floor grows and shrinks again, away from what is occupied.
        let closed = complement(&opened(&complement(&cells), in_cells(options.closing_m)));
        let occupied = is(Occupancy::Occupied);
        let barrier = Cells { free: occupied.iter().map(|occupied| !occupied).collect(), ..cells.clone() };
        let away = barrier.distances();
        let near = in_cells(options.closing_m) + 1.0;
        for (cell, free) in cells.free.iter_mut().enumerate() {
            let is_far = away.get(cell).is_some_and(|square| near < super::chains::root(*square));
            *free |= closed.is_free(cell) && is_far;
        }
        let mut cells = opened(&cells, in_cells(options.opening_m));
        let least = options.island_m2 / self.resolution_m / self.resolution_m;
        for piece in pieces(&cells) {
            if float(piece.len()) < least {
                for cell in piece {
                    cells.set(cell, false);
                }
            }
        }
        if cells.free.contains(&true) {
            Ok(cells)
        } else {
            Err(ScanError::NoFloor { island_m2: options.island_m2 })
        }
    }
}

fn complement(cells: &Cells) -> Cells {
    Cells { free: cells.free.iter().map(|free| !free).collect(), ..cells.clone() }
}

/// What a disc covers that stays on free cells (its radius in cells).
fn opened(cells: &Cells, radius: f64) -> Cells {
    let within = |square: i64| super::chains::root(square) <= radius;
    let shrunk = Cells {
        free: cells.distances().into_iter().map(|square| !within(square)).collect(),
        ..cells.clone()
    };
    let away = complement(&shrunk).distances();
    let free = cells.free.iter().zip(away).map(|(free, square)| *free && within(square));
    Cells { free: free.collect(), ..shrunk }
}

/// Free cells that hang together over sides, each piece sorted, in the order of their first cells.
pub(super) fn pieces(cells: &Cells) -> Vec<Vec<usize>> {
    let mut seen = vec![false; cells.free.len()];
    let mut found = Vec::new();
    for start in 0..cells.free.len() {
        let mut piece = Vec::new();
        let mut open = vec![start];
        while let Some(cell) = open.pop() {
            match seen.get_mut(cell) {
                Some(seen) if !*seen && cells.is_free(cell) => *seen = true,
                Some(_) | None => continue,
            }
            piece.push(cell);
            open.extend(
                [[1, 0], [-1, 0], [0, 1], [0, -1]].into_iter().filter_map(|step| cells.step(cell, step)),
            );
        }
        if !piece.is_empty() {
            piece.sort_unstable();
            found.push(piece);
        }
    }
    found
}

/// Outlines of the pieces of free cells, in the order of their first cells: the outer ring, then holes; in cells, without
/// corners that say nothing. No two outlines meet.
pub(super) fn outlines(cells: &Cells, tolerance: f64) -> Result<Vec<Vec<Vec<Point>>>, ScanError> {
    let message = |error: crate::import::ImportError| ScanError::Outlines { message: error.to_string() };
    let mut grid = Grid::new(cells.width, cells.height).map_err(message)?;
    for cell in (0..cells.free.len()).filter(|cell| cells.is_free(*cell)) {
        grid.set(cell % cells.width, cell / cells.width, Some(0));
    }
    let regions = grid.regions(NOTCH).map_err(message)?;
    let exact: Vec<(usize, Vec<Point>)> = regions
        .iter()
        .enumerate()
        .flat_map(|(number, region)| rings(region).map(move |ring| (number, ring)))
        .collect();
    let mut tolerances = vec![tolerance; exact.len()];
    loop {
        let plain: Vec<Vec<Point>> =
            exact.iter().zip(&tolerances).map(|((_, ring), tolerance)| plainer(ring, *tolerance)).collect();
        let met = meetings(&plain);
        if met.is_empty() {
            let mut found: Vec<Vec<Vec<Point>>> = vec![Vec::new(); regions.len()];
            for ((region, _), ring) in exact.iter().zip(plain) {
                if let Some(rings) = found.get_mut(*region) {
                    rings.push(ring);
                }
            }
            return Ok(found);
        }
        // Closer to the cells wherever two meet; the outlines of the cells themselves never do.
        let mut coarser = false;
        for ring in met {
            if let Some(tolerance) = tolerances.get_mut(ring) {
                coarser |= 0.0 < *tolerance;
                *tolerance = if *tolerance < TOLERANCE_LEAST { 0.0 } else { *tolerance / 2.0 };
            }
        }
        if !coarser {
            return Err(ScanError::Outlines { message: "outlines of cells meet".to_owned() });
        }
    }
}

/// A smaller tolerance is none, in cells.
const TOLERANCE_LEAST: f64 = 0.2;

fn rings(region: &Region) -> impl Iterator<Item = Vec<Point>> + '_ {
    std::iter::once(&region.outer)
        .chain(&region.holes)
        .map(|ring| ring.iter().map(|at| Point::from(*at)).collect())
}

/// Rings of which a side meets another side that is not its neighbour, sorted.
fn meetings(rings: &[Vec<Point>]) -> Vec<usize> {
    let mut sides: Vec<(Point, Point)> = Vec::new();
    let mut of: Vec<(usize, usize)> = Vec::new();
    for (number, ring) in rings.iter().enumerate() {
        sides.extend(crate::geometry::sides(ring));
        of.extend((0..ring.len()).map(|side| (number, side)));
    }
    let index = SegmentGrid::new(&sides);
    let mut met = Vec::new();
    for (&(a, b), &(ring, side)) in sides.iter().zip(&of) {
        let count = rings.get(ring).map_or(0, Vec::len);
        if count < 3 {
            met.push(ring);
        }
        index.near(a, b, 0.0, |other| {
            let Some((&(c, d), &(other_ring, other_side))) =
                sides.get(other as usize).zip(of.get(other as usize))
            else {
                return;
            };
            let same = ring == other_ring;
            let next = same && (other_side == (side + 1) % count || side == (other_side + 1) % count);
            if (same && side == other_side) || next || !segments_meet(a, b, c, d) {
                return;
            }
            met.extend([ring, other_ring]);
        });
    }
    met.sort_unstable();
    met.dedup();
    met
}

/// A ring without corners that are closer than the tolerance to the line between others. Both of its two corners that are
/// far apart stay.
fn plainer(ring: &[Point], tolerance: f64) -> Vec<Point> {
    let Some(&first) = ring.first() else { return Vec::new() };
    let far = ring.iter().enumerate().max_by(|p, q| (p.1 - first).norm().total_cmp(&(q.1 - first).norm()));
    let far = far.map_or(0, |far| far.0);
    let mut kept = vec![0, far];
    let mut open = vec![(0, far), (far, ring.len())];
    while let Some((from, to)) = open.pop() {
        let end = ring.get(to).copied().unwrap_or(first);
        let Some(&start) = ring.get(from) else { continue };
        let inner = (from + 1..to).filter_map(|n| Some((n, point_to_segment(*ring.get(n)?, start, end))));
        let worst = inner.fold(None, |worst: Option<(usize, f64)>, next| match worst {
            Some(worst) if next.1 <= worst.1 => Some(worst),
            Some(_) | None => Some(next),
        });
        if let Some((at, _)) = worst.filter(|worst| tolerance < worst.1) {
            kept.push(at);
            open.extend([(from, at), (at, to)]);
        }
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().filter_map(|n| ring.get(n).copied()).collect()
}

/// A site with a floor for every piece of free cells, and nothing else.
///
/// O(cells log cells).
///
/// # Errors
/// [`ScanError`]: an option is outside its range, or nothing is free.
pub fn outline(grid: &OccupancyGrid, options: &ScanOptions) -> Result<Site, ScanError> {
    options.check()?;
    let cells = grid.cleaned(options)?;
    let mut site = grid.site();
    for (number, rings) in (1_usize..).zip(outlines(&cells, options.simplify_m / grid.resolution_m)?) {
        site.rooms.push(room(grid, format!("floor {number}"), RoomKind::Floor, &rings));
    }
    Ok(site)
}

/// A room from rings in cells.
pub(super) fn room(grid: &OccupancyGrid, name: String, kind: RoomKind, rings: &[Vec<Point>]) -> Room {
    let mut rings =
        rings.iter().map(|ring| ring.iter().map(|at| grid.place([at.x, at.y])).collect::<Vec<_>>());
    let outer = rings.next().unwrap_or_default();
    Room { holes: rings.collect(), ..Room::new(name, LEVEL, outer) }.of_kind(kind)
}

/// A site with the floors of [`outline`] and a roadmap along their middle: the free cells are cleaned, thinned in the order
/// of their distance from what is not free, divided where lines meet and simplified; branches that leave the middle by less
/// than half a metre ([`SurveyOptions::branches_m`], if not given) are pruned. Every lane is checked as in
/// [`generate`](super::generate).
///
/// # Errors
/// [`ScanError`].
pub fn generate_from_grid(
    grid: &OccupancyGrid,
    scan: &ScanOptions,
    options: &SurveyOptions,
) -> Result<(Site, SurveyReport), ScanError> {
    let mut options = options.clone();
    options.branches_m.get_or_insert(0.5);
    Ok(super::generate(&outline(grid, scan)?, &options)?)
}
