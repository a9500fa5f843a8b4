//! What the planner is asked: a graph, who may be where with whom, and where everybody goes.

use std::sync::Arc;

use super::{Cell, Grid, Trip};

/// No vertex, no robot.
pub(super) const NONE: u32 = u32::MAX;

/// Cells are numbered tile by tile; so many along a side.
const TILE: u32 = 16;

/// Robots on a graph. Frozen and cheap to clone.
///
/// ```
/// # use sheepdog_traffic::oneshot::{Cell, Grid, Instance, Trip};
/// let grid = Grid::parse("type octile\nheight 1\nwidth 3\nmap\n...\n", "small.map")?;
/// let trip = Trip { start: Cell { x: 0, y: 0 }, goal: Cell { x: 2, y: 0 } };
/// let instance = Instance::on_grid(&grid, &[trip])?;
/// assert_eq!((instance.vertices(), instance.robots()), (3, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Instance {
    pub(super) network: Arc<Network>,
    pub(super) raster: Arc<Raster>,
    pub(super) starts: Arc<[u32]>,
    pub(super) goals: Arc<[u32]>,
}

/// Who is next to whom. A robot claims the vertex at which it is, and nothing else.
#[derive(Debug)]
pub(super) struct Network {
    /// `out[v]..out[v + 1]` are the neighbours of `v`.
    out: Vec<u32>,
    targets: Vec<u32>,
    /// At least three neighbours can be left again.
    roomy: Vec<bool>,
}

/// How vertices lie in a raster that has a blocked cell all around.
#[derive(Debug)]
pub(super) struct Raster {
    /// Cells from row to row.
    pub(super) stride: usize,
    /// One for free cells, zero for blocked ones.
    pub(super) open: Vec<u8>,
    /// [`NONE`] for blocked cells.
    pub(super) vertex_of: Vec<u32>,
    pub(super) cell_of: Vec<u32>,
}

/// Why robots were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// A start or a goal is no free cell of the grid.
    #[error("robot {robot}: {cell} is not a free cell of the grid")]
    NotFree {
        /// Index of the robot.
        robot: usize,
        /// Its start or goal.
        cell: Cell,
    },
    /// Two robots start at one place.
    #[error("robots {first} and {second} start at one place")]
    SameStart {
        /// Index of a robot.
        first: usize,
        /// Index of another.
        second: usize,
    },
    /// Two robots have one goal.
    #[error("robots {first} and {second} have one goal")]
    SameGoal {
        /// Index of a robot.
        first: usize,
        /// Index of another.
        second: usize,
    },
}

impl Network {
    pub(super) fn neighbours(&self, vertex: u32) -> &[u32] {
        let bound = |index: usize| self.out.get(index).map_or(0, |bound| *bound as usize);
        self.targets.get(bound(vertex as usize)..bound(vertex as usize + 1)).unwrap_or(&[])
    }

    /// Whether a robot that comes to a vertex always has two ways on that are no dead ends.
    pub(super) fn is_roomy(&self, vertex: u32) -> bool {
        self.roomy.get(vertex as usize).is_some_and(|roomy| *roomy)
    }
}

impl Instance {
    /// Robots on the free cells of a grid, four neighbours each, every move one step long. Linear in the cells.
    ///
    /// # Errors
    /// The first robot that starts or ends outside the free cells, or where another one does.
    pub fn on_grid(grid: &Grid, trips: &[Trip]) -> Result<Self, InstanceError> {
        let stride = grid.width() as usize + 2;
        let cells = stride * (grid.height() as usize + 2);
        let mut raster =
            Raster { stride, open: vec![0; cells], vertex_of: vec![NONE; cells], cell_of: Vec::new() };
        let tiles = |length: u32| (0..length.div_ceil(TILE)).map(|tile| tile * TILE);
        for top in tiles(grid.height()) {
            for left in tiles(grid.width()) {
                for y in top..top + TILE {
                    for x in left..left + TILE {
                        if grid.is_free(Cell { x, y }) {
                            raster.add(Cell { x, y });
                        }
                    }
                }
            }
        }
        let mut network = Network { out: vec![0], targets: Vec::new(), roomy: Vec::new() };
        for &cell in &raster.cell_of {
            let cell = cell as usize;
            let next = [cell - 1, cell + 1, cell - stride, cell + stride];
            let next = next.into_iter().filter_map(|cell| raster.vertex_of.get(cell));
            network.targets.extend(next.copied().filter(|vertex| *vertex != NONE));
            network.out.push(id32(network.targets.len()));
        }
        let through = |vertex: &&u32| 1 < network.neighbours(**vertex).len();
        let roomy = |vertex| 3 <= network.neighbours(vertex).iter().filter(through).count();
        network.roomy = (0..id32(raster.cell_of.len())).map(roomy).collect();
        let ends = |end: fn(&Trip) -> Cell| {
            let vertices = trips.iter().enumerate().map(|(robot, trip)| {
                let cell = end(trip);
                let vertex = if grid.is_free(cell) { raster.vertex_at(cell) } else { NONE };
                if vertex == NONE { Err(InstanceError::NotFree { robot, cell }) } else { Ok(vertex) }
            });
            vertices.collect::<Result<Vec<u32>, _>>()
        };
        let (starts, goals) = (ends(|trip| trip.start)?, ends(|trip| trip.goal)?);
        let vertices = raster.cell_of.len();
        if let Some((first, second)) = twice(vertices, &starts) {
            return Err(InstanceError::SameStart { first, second });
        }
        if let Some((first, second)) = twice(vertices, &goals) {
            return Err(InstanceError::SameGoal { first, second });
        }
        Ok(Self {
            network: Arc::new(network),
            raster: Arc::new(raster),
            starts: starts.into(),
            goals: goals.into(),
        })
    }

    /// How many places there are.
    pub fn vertices(&self) -> usize {
        self.raster.cell_of.len()
    }

    /// How many robots there are.
    pub fn robots(&self) -> usize {
        self.starts.len()
    }

    /// The cell of a vertex.
    pub(super) fn cell(&self, vertex: u32) -> Cell {
        let cell = self.raster.cell_of.get(vertex as usize).map_or(0, |cell| *cell as usize);
        let part = |value: usize| id32(value.saturating_sub(1));
        Cell { x: part(cell % self.raster.stride), y: part(cell / self.raster.stride) }
    }
}

impl Raster {
    fn index(&self, cell: Cell) -> usize {
        (cell.y as usize + 1) * self.stride + cell.x as usize + 1
    }

    fn vertex_at(&self, cell: Cell) -> u32 {
        self.vertex_of.get(self.index(cell)).copied().unwrap_or(NONE)
    }

    fn add(&mut self, cell: Cell) {
        let (index, vertex) = (self.index(cell), id32(self.cell_of.len()));
        if let (Some(open), Some(vertex_of)) = (self.open.get_mut(index), self.vertex_of.get_mut(index)) {
            (*open, *vertex_of) = (1, vertex);
            self.cell_of.push(id32(index));
        }
    }
}

/// Two robots with one vertex.
fn twice(vertices: usize, of: &[u32]) -> Option<(usize, usize)> {
    let mut first = vec![None; vertices];
    of.iter().enumerate().find_map(|(robot, vertex)| {
        let first = first.get_mut(*vertex as usize)?;
        first.replace(robot).map(|first| (first, robot))
    })
}

/// A dense id. Grids have fewer than 2^28 cells.
pub(super) fn id32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}
