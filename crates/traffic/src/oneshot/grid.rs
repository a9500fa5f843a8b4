//! Grids and scenarios of the `MovingAI` benchmarks, read cell by cell.
//!
//! The importer of the map crate turns such a file into rooms. A planner wants the cells themselves, under the
//! coordinates of the scenario files: columns to the right, rows downwards, both from zero.

use std::fmt;

/// Columns and rows, each; more is refused before any memory is taken.
const SIDE_MAX: u32 = 1 << 14;

/// A cell: column and row, both from zero; rows grow downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Column.
    pub x: u32,
    /// Row.
    pub y: u32,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.x, self.y)
    }
}

/// Where a robot starts and where it shall rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Where it is.
    pub start: Cell,
    /// Where it wants to be.
    pub goal: Cell,
}

/// A raster of cells that are free or blocked, four neighbours each.
///
/// ```
/// # use sheepdog_traffic::oneshot::{Cell, Grid};
/// let grid = Grid::parse("type octile\nheight 2\nwidth 3\nmap\n..@\n...\n", "small.map")?;
/// assert!(grid.is_free(Cell { x: 1, y: 0 }));
/// assert!(!grid.is_free(Cell { x: 2, y: 0 }));
/// # Ok::<(), sheepdog_traffic::oneshot::GridError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    width: u32,
    height: u32,
    /// Row by row.
    free: Vec<bool>,
}

/// Why a grid or a scenario was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {value:?} is refused: {rule}")]
pub struct GridError {
    /// The name that the caller gave to the text.
    pub file: String,
    /// Line, from one.
    pub line: usize,
    /// Column of the value in characters, from one.
    pub column: usize,
    /// What stands there, at most 40 characters of it.
    pub value: String,
    /// What it breaks.
    pub rule: GridRule,
}

/// What a grid or a scenario has to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GridRule {
    /// A header line has a fixed word.
    Header(&'static str),
    /// A size is a whole number from 1 to 16 384.
    Size,
    /// A row has as many cells as the width says.
    RowLength(u32),
    /// Only `.`, `G`, `S`, `E` (free) and `@`, `O`, `T`, `W` (blocked) are cells.
    UnknownCell,
    /// There are as many rows as the height says, and nothing after them.
    RowCount(u32),
    /// A trip has nine columns: bucket, map, width, height, start, goal and length.
    Columns,
    /// A whole number is expected.
    Number,
    /// The size in the scenario is that of the grid.
    OtherSize(u32),
    /// A start or a goal is in the grid.
    Outside,
    /// A start or a goal is a free cell.
    Blocked,
    /// No two robots start in one cell, and no two have one goal; the first use is in that line.
    Doubled(usize),
    /// There are at least so many trips.
    TooFewTrips(usize),
}

impl fmt::Display for GridRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(expected) => write!(f, "this line has to read \"{expected}\""),
            Self::Size => write!(f, "a size is a whole number from 1 to {SIDE_MAX}"),
            Self::RowLength(width) => write!(f, "a row has {width} cells, as the width says"),
            Self::UnknownCell => f.write_str("a cell is one of . G S E (free) and @ O T W (blocked)"),
            Self::RowCount(height) => write!(f, "there are {height} rows, as the height says"),
            Self::Columns => f.write_str(
                "a trip has nine columns: bucket, map, width, height, start x and y, goal x and y, length",
            ),
            Self::Number => f.write_str("a whole number is expected"),
            Self::OtherSize(size) => write!(f, "the grid measures {size}"),
            Self::Outside => f.write_str("it lies outside the grid"),
            Self::Blocked => f.write_str("the cell is blocked"),
            Self::Doubled(line) => write!(f, "line {line} has this cell already"),
            Self::TooFewTrips(wanted) => {
                write!(f, "{wanted} robots are asked for, and there are fewer lines")
            }
        }
    }
}

/// A text with its name, for errors.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: &'a str,
}

impl Source<'_> {
    /// `at` is counted from zero, in lines and characters.
    fn refuse(self, at: (usize, usize), value: &str, rule: GridRule) -> GridError {
        let value = value.chars().take(40).collect();
        GridError { file: self.file.to_owned(), line: at.0 + 1, column: at.1 + 1, value, rule }
    }
}

impl Grid {
    /// Reads a `.map` file (`type octile`); `file` is its name in errors. Linear in the text.
    ///
    /// Free are `.`, `G`, `S` and the service cells `E` of the League of Robot Runners; water is blocked.
    ///
    /// # Errors
    /// The first [`GridError`] in the order of the lines.
    pub fn parse(text: &str, file: &str) -> Result<Self, GridError> {
        let source = Source { file };
        let mut lines = text.lines().enumerate();
        let mut header = |expected: &'static str| {
            let (number, line) = lines.next().unwrap_or((text.lines().count(), ""));
            let mut words = words(line);
            let key = expected.split_whitespace().next();
            match (words.next(), words.next(), words.next()) {
                (Some((_, word)), value, None) if Some(word) == key => Ok((number, value.unwrap_or((0, "")))),
                _ => Err(source.refuse((number, 0), line, GridRule::Header(expected))),
            }
        };
        let (number, (column, kind)) = header("type octile")?;
        if kind != "octile" {
            return Err(source.refuse((number, column), kind, GridRule::Header("type octile")));
        }
        let mut size = |expected| {
            let (number, (column, value)) = header(expected)?;
            let size = value.parse().ok().filter(|size| (1..=SIDE_MAX).contains(size));
            size.ok_or_else(|| source.refuse((number, column), value, GridRule::Size))
        };
        let (height, width) = (size("height <rows>")?, size("width <columns>")?);
        header("map")?;
        let mut free = Vec::new();
        for _ in 0..height {
            let Some((number, line)) = lines.next() else {
                let end = text.lines().count();
                return Err(source.refuse((end, 0), "", GridRule::RowCount(height)));
            };
            let cells = line.trim_end();
            if cells.chars().count() != width as usize {
                let column = cells.chars().count().min(width as usize);
                return Err(source.refuse((number, column), cells, GridRule::RowLength(width)));
            }
            for (column, cell) in cells.chars().enumerate() {
                free.push(match cell {
                    '.' | 'G' | 'S' | 'E' => true,
                    '@' | 'O' | 'T' | 'W' => false,
                    _ => {
                        let value = cell.to_string();
                        return Err(source.refuse((number, column), &value, GridRule::UnknownCell));
                    }
                });
            }
        }
        match lines.find(|(_, line)| !line.trim().is_empty()) {
            Some((number, line)) => Err(source.refuse((number, 0), line, GridRule::RowCount(height))),
            None => Ok(Self { width, height, free }),
        }
    }

    /// Columns.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Whether robots may be in each cell, row by row.
    pub fn free(&self) -> &[bool] {
        &self.free
    }

    /// Whether robots may be in a cell; outside they may not.
    pub fn is_free(&self, cell: Cell) -> bool {
        cell.x < self.width
            && cell.y < self.height
            && self
                .free
                .get(cell.y as usize * self.width as usize + cell.x as usize)
                .is_some_and(|free| *free)
    }

    /// Reads the first `robots` trips of a `.scen` file (`version 1`); `file` is its name in errors. Linear in the
    /// text and the cells.
    ///
    /// Columns may be apart by any blanks and tabs. The lengths in the last column are not looked at: those of the
    /// benchmarks are of eight neighbours.
    ///
    /// # Errors
    /// The first [`GridError`] in the order of the lines.
    pub fn trips(&self, text: &str, file: &str, robots: usize) -> Result<Vec<Trip>, GridError> {
        let source = Source { file };
        let mut lines = text.lines().enumerate();
        let (number, first) = lines.next().unwrap_or((0, ""));
        let mut version = words(first).map(|(_, word)| word);
        let number_is_one =
            |word: &str| word.parse::<f64>().is_ok_and(|version| (version - 1.0).abs() < 1e-9);
        if version.next() != Some("version")
            || !version.next().is_some_and(number_is_one)
            || version.next().is_some()
        {
            return Err(source.refuse((number, 0), first, GridRule::Header("version 1")));
        }
        // The line in which a cell was used, from one; starts and goals.
        let mut used = [vec![0_usize; self.free.len()], vec![0_usize; self.free.len()]];
        let mut trips = Vec::new();
        while trips.len() < robots {
            let Some((number, line)) = lines.next() else {
                let end = text.lines().count();
                return Err(source.refuse((end, 0), "", GridRule::TooFewTrips(robots)));
            };
            if line.trim().is_empty() {
                continue;
            }
            let columns: Vec<(usize, &str)> = words(line).collect();
            let [_, _, width, height, start_x, start_y, goal_x, goal_y, _] = columns[..] else {
                return Err(source.refuse((number, 0), line, GridRule::Columns));
            };
            let whole = |(column, word): (usize, &str)| {
                let rule = GridRule::Number;
                word.parse::<u32>().map_err(|_| source.refuse((number, column), word, rule))
            };
            for (word, size) in [(width, self.width), (height, self.height)] {
                if whole(word)? != size {
                    return Err(source.refuse((number, word.0), word.1, GridRule::OtherSize(size)));
                }
            }
            let mut ends = [Cell { x: 0, y: 0 }; 2];
            for ((end, used), (x, y)) in
                ends.iter_mut().zip(&mut used).zip([(start_x, start_y), (goal_x, goal_y)])
            {
                *end = Cell { x: whole(x)?, y: whole(y)? };
                let refuse = |rule| Err(source.refuse((number, x.0), &end.to_string(), rule));
                if self.width <= end.x || self.height <= end.y {
                    return refuse(GridRule::Outside);
                }
                if !self.is_free(*end) {
                    return refuse(GridRule::Blocked);
                }
                match used.get_mut(end.y as usize * self.width as usize + end.x as usize) {
                    Some(line) if *line == 0 => *line = number + 1,
                    Some(&mut line) => return refuse(GridRule::Doubled(line)),
                    None => return refuse(GridRule::Outside),
                }
            }
            let [start, goal] = ends;
            trips.push(Trip { start, goal });
        }
        Ok(trips)
    }
}

/// The words of a line and the characters before each.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = line;
    let mut column = 0;
    std::iter::from_fn(move || {
        let blanks = rest.chars().take_while(|c| c.is_whitespace()).count();
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let at = column + blanks;
        column = at + word.chars().count();
        rest = after;
        Some((at, word))
    })
}
