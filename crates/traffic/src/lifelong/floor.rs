//! A grid of free cells with four directions, and distances to a goal.
#![expect(
    clippy::indexing_slicing,
    reason = "cells and their neighbours are indices of the floor's own tables"
)]

/// Cost of a move with the stream, and of any where there are no streams.
pub(super) const MOVE: u8 = 4;
/// Cost of a move against the stream.
const AGAINST: u8 = 8;
/// Cost of a quarter turn.
pub(super) const TURN: u8 = 6;
/// More than the dearest action.
const RING: usize = 16;
/// No cell.
const NONE: u32 = u32::MAX;

/// A free cell of one [`Floor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellId(pub(crate) u32);

/// Where a robot looks. Rows grow downwards, so south is the next row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    /// The next column.
    East,
    /// The next row.
    South,
    /// The column before.
    West,
    /// The row before.
    North,
}

/// Why a grid was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FloorError {
    /// Rows are not complete.
    #[error("{cells} cells are no rows of {width}")]
    Ragged {
        /// Cells that were given.
        cells: usize,
        /// Length of a row.
        width: usize,
    },
    /// Too many to be numbered.
    #[error("{cells} cells, the rule asks for fewer than 2^29")]
    TooMany {
        /// Cells that were given.
        cells: usize,
    },
}

/// The free cells of a grid and who is beside whom.
#[derive(Clone, Debug)]
pub struct Floor {
    /// By row and column.
    ids: Vec<u32>,
    /// Row and column as one index, by cell.
    places: Vec<u32>,
    /// By cell and heading.
    beside: Vec<[u32; 4]>,
    /// Of the move to the cell beside, by cell and heading.
    costs: Vec<[u8; 4]>,
    width: u32,
}

/// What it costs to get to a goal from every cell and heading.
///
/// A move costs 4 with the stream and 8 against it, a quarter turn costs 6: a little more than its time, for whoever
/// turns stands in the way. Takes eight bytes a cell.
#[derive(Clone, Debug)]
pub struct Field {
    goal: CellId,
    costs: Vec<[u16; 4]>,
}

impl CellId {
    /// Dense index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Heading {
    /// All, clockwise.
    pub const ALL: [Self; 4] = [Self::East, Self::South, Self::West, Self::North];

    /// A quarter clockwise.
    #[must_use]
    pub const fn right(self) -> Self {
        match self {
            Self::East => Self::South,
            Self::South => Self::West,
            Self::West => Self::North,
            Self::North => Self::East,
        }
    }

    /// A quarter counter-clockwise.
    #[must_use]
    pub const fn left(self) -> Self {
        self.right().right().right()
    }

    /// Quarter turns to another heading.
    pub const fn turns_to(self, other: Self) -> u32 {
        match (other as u32 + 4 - self as u32) % 4 {
            0 => 0,
            2 => 2,
            _ => 1,
        }
    }
}

impl Floor {
    /// The free cells of a grid, given row by row.
    ///
    /// # Errors
    /// [`FloorError`] when rows are not complete, or cells too many.
    pub fn new(width: usize, free: &[bool]) -> Result<Self, FloorError> {
        let cells = free.len();
        if 1 << 29 <= cells {
            return Err(FloorError::TooMany { cells });
        }
        if width == 0 || !cells.is_multiple_of(width) {
            return Err(FloorError::Ragged { cells, width });
        }
        let mut ids = vec![NONE; cells];
        let mut places = Vec::new();
        for ((place, _), next) in (0..).zip(free).filter(|(_, free)| **free).zip(0..) {
            ids[place as usize] = next;
            places.push(place);
        }
        let row = u32::try_from(width).unwrap_or(NONE);
        let beside = places.iter().map(|&place| {
            let at = |yes: bool, other: u32| {
                if yes { ids.get(other as usize).copied().unwrap_or(NONE) } else { NONE }
            };
            [
                at(place % row + 1 < row, place + 1),
                at(true, place + row),
                at(0 < place % row, place.wrapping_sub(1)),
                at(row <= place, place.wrapping_sub(row)),
            ]
        });
        let beside: Vec<[u32; 4]> = beside.collect();
        let costs = vec![[MOVE; 4]; places.len()];
        Ok(Self { ids, places, beside, costs, width: row })
    }

    /// Streams against jams: eastwards in every other row and westwards in those between, southwards in every other column
    /// and northwards in those between. A move against the stream counts twice, so that robots who meet head on are fewer.
    #[must_use]
    pub fn with_streams(mut self) -> Self {
        for (&place, costs) in self.places.iter().zip(&mut self.costs) {
            let (column, row) = (place % self.width, place / self.width);
            let cost = |with: bool| if with { MOVE } else { AGAINST };
            let (east, south) = (row.is_multiple_of(2), column.is_multiple_of(2));
            *costs = [cost(east), cost(south), cost(!east), cost(!south)];
        }
        self
    }

    /// Free cells.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no cell is free.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The free cell at row · width + column.
    pub fn cell(&self, place: usize) -> Option<CellId> {
        self.ids.get(place).copied().filter(|&id| id != NONE).map(CellId)
    }

    /// Row · width + column of a cell.
    pub fn place(&self, cell: CellId) -> Option<usize> {
        self.places.get(cell.index()).map(|&place| place as usize)
    }

    /// The free cell beside another.
    pub fn beside(&self, cell: CellId, heading: Heading) -> Option<CellId> {
        let id = self.beside.get(cell.index())?[heading as usize];
        (id != NONE).then_some(CellId(id))
    }

    /// In which direction another cell lies beside one.
    pub fn direction(&self, from: CellId, to: CellId) -> Option<Heading> {
        Heading::ALL.into_iter().find(|&heading| self.beside(from, heading) == Some(to))
    }
}

impl Field {
    /// One search backwards over cells and headings. A goal outside of the floor is reached from nowhere.
    ///
    /// Takes O(cells) time. Where the way costs more than 65 000 it counts as out of reach.
    pub fn new(floor: &Floor, goal: CellId) -> Self {
        let mut costs = vec![[u16::MAX; 4]; floor.len()];
        // A ring of lists by cost: no action costs more than it is long.
        let mut ring: [Vec<(u32, u8)>; RING] = std::array::from_fn(|_| Vec::new());
        let mut waiting = 0_usize;
        if let Some(at_goal) = costs.get_mut(goal.index()) {
            *at_goal = [0; 4];
            ring[0].extend((0..4).map(|heading| (goal.0, heading)));
            waiting = 4;
        }
        let mut front = Vec::new();
        for so_far in 0..65_000 {
            if waiting == 0 {
                break;
            }
            std::mem::swap(&mut front, &mut ring[usize::from(so_far) % RING]);
            waiting -= front.len();
            for (cell, heading) in front.drain(..) {
                if costs[cell as usize][usize::from(heading)] != so_far {
                    continue;
                }
                let behind = floor.beside[cell as usize][usize::from(heading + 2) % 4];
                let drive =
                    if behind == NONE { 0 } else { floor.costs[behind as usize][usize::from(heading)] };
                for (cell, heading, cost) in [
                    (behind, heading, drive),
                    (cell, (heading + 1) % 4, TURN),
                    (cell, (heading + 3) % 4, TURN),
                ] {
                    let total = so_far + u16::from(cost);
                    if cell != NONE && total < costs[cell as usize][usize::from(heading)] {
                        costs[cell as usize][usize::from(heading)] = total;
                        ring[usize::from(total) % RING].push((cell, heading));
                        waiting += 1;
                    }
                }
            }
        }
        Self { goal, costs }
    }

    /// Where it leads.
    pub const fn goal(&self) -> CellId {
        self.goal
    }

    /// Cost from a cell and heading; `None` where there is no way.
    pub fn cost(&self, cell: CellId, heading: Heading) -> Option<u32> {
        let cost = self.costs.get(cell.index())?[heading as usize];
        (cost != u16::MAX).then_some(u32::from(cost))
    }
}
