//! The three files: a grid, its robots, and what they do.

use std::{error, fmt};

/// A cell: column from the left and row from the top, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Column.
    pub x: u32,
    /// Row; rows grow downwards.
    pub y: u32,
}

/// A robot of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Where it is at first.
    pub start: Cell,
    /// Where it rests at the end.
    pub goal: Cell,
}

/// A `MovingAI` grid with a rim of walls around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    width: u32,
    height: u32,
    /// Whether a cell is free, by row, the rim included.
    free: Vec<bool>,
}

/// What every robot does, one letter a step. It borrows the text of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    moves: Vec<&'a [u8]>,
}

/// Why a file was refused. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// A line is missing.
    Missing {
        /// Which.
        line: usize,
        /// What it has to be.
        rule: &'static str,
    },
    /// A line, or a field of it, is something else.
    Wrong {
        /// Which.
        line: usize,
        /// What stands there, shortened.
        found: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// A character is none of those that may stand there.
    Letter {
        /// Line.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What stands there.
        found: char,
        /// What may stand there.
        rule: &'static str,
    },
    /// A number is not the one that it has to be.
    Differs {
        /// Line.
        line: usize,
        /// What is counted.
        what: &'static str,
        /// What stands there.
        found: usize,
        /// What it has to be.
        expected: usize,
    },
    /// A robot starts or ends in a wall or off the map.
    NotFree {
        /// Line.
        line: usize,
        /// `start` or `goal`.
        what: &'static str,
        /// Where.
        cell: Cell,
    },
    /// Two robots start in one cell.
    SharedStart {
        /// Line of the second.
        line: usize,
        /// The first, from 0.
        other: usize,
        /// Where.
        cell: Cell,
    },
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.x, self.y)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { line, rule } => write!(f, "line {line} is missing, the rule asks for {rule}"),
            Self::Wrong { line, found, rule } => {
                write!(f, "line {line} has {found:?}, the rule asks for {rule}")
            }
            Self::Letter { line, column, found, rule } => {
                write!(f, "line {line}, column {column} has {found:?}, the rule asks for one of {rule}")
            }
            Self::Differs { line, what, found, expected } => {
                write!(f, "line {line}: {what} is {found} and must be {expected}")
            }
            Self::NotFree { line, what, cell } => write!(f, "line {line}: {what} {cell} is not free"),
            Self::SharedStart { line, other, cell } => {
                write!(f, "line {line}: start {cell} is the start of agent {other} as well")
            }
        }
    }
}

impl error::Error for InputError {}

impl Grid {
    /// Reads a `MovingAI` map: `type`, `height` and `width` with a value each, `map`, and the rows.
    ///
    /// `.`, `G`, `S` and `E` are free; `@`, `O`, `T` and `W` are not. Costs O(bytes).
    ///
    /// # Errors
    /// [`InputError`] for the first line that is something else. Nothing is reserved by what the head says, so a head
    /// that lies costs nothing.
    pub fn parse(text: &[u8]) -> Result<Self, InputError> {
        let mut lines = lines(text);
        let (mut height, mut width) = (None, None);
        let rule = "a head of `type`, `height H` and `width W`, then `map`";
        for at in 1.. {
            let (line, row) = lines.next().ok_or(InputError::Missing { line: at, rule })?;
            let mut words = row.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            match (words.next(), words.next(), words.next()) {
                (Some(b"type"), Some(_), None) => {}
                (Some(b"height"), Some(value), None) => height = Some(number(line, value)?),
                (Some(b"width"), Some(value), None) => width = Some(number(line, value)?),
                (Some(b"map"), None, None) => break,
                _ => return Err(InputError::Wrong { line, found: shown(row), rule }),
            }
        }
        let missing = |what| InputError::Missing { line: 1, rule: what };
        let height = height.filter(|&height| 0 < height).ok_or(missing("`height H`, at least 1"))?;
        let width = width.filter(|&width| 0 < width).ok_or(missing("`width W`, at least 1"))?;
        let mut rows: Vec<(usize, &[u8])> = lines.collect();
        while rows.last().is_some_and(|(_, row)| row.is_empty()) && height as usize != rows.len() {
            rows.pop();
        }
        if rows.len() != height as usize {
            let line = rows.last().map_or(1, |last| last.0);
            return Err(InputError::Differs {
                line,
                what: "number of rows",
                found: rows.len(),
                expected: height as usize,
            });
        }
        let rim = width as usize + 2;
        let mut free = vec![false; rim.min(text.len() + 2)];
        for (line, row) in rows {
            if row.len() != width as usize {
                let (found, expected) = (row.len(), width as usize);
                return Err(InputError::Differs { line, what: "length of the row", found, expected });
            }
            free.push(false);
            for (column, &letter) in (1..).zip(row) {
                free.push(match letter {
                    b'.' | b'G' | b'S' | b'E' => true,
                    b'@' | b'O' | b'T' | b'W' => false,
                    _ => {
                        let found = char::from(letter);
                        return Err(InputError::Letter { line, column, found, rule: ". G S E @ O T W" });
                    }
                });
            }
            free.push(false);
        }
        free.resize(free.len() + rim, false);
        // Indices are kept in 32 bits.
        if u32::try_from(free.len()).is_err() {
            return Err(InputError::Wrong { line: 1, found: shown(text), rule: "fewer than 2^32 cells" });
        }
        Ok(Self { width, height, free })
    }

    /// Columns.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Whether a robot can stand in a cell; not off the map.
    pub fn is_free(&self, cell: Cell) -> bool {
        cell.x < self.width && cell.y < self.height && self.is_free_at(self.index(cell))
    }

    /// Cells with the rim.
    pub(crate) fn len(&self) -> usize {
        self.free.len()
    }

    /// Cells from one row to the next, rim included.
    pub(crate) fn stride(&self) -> u32 {
        self.width + 2
    }

    /// Index of a cell of the map.
    pub(crate) fn index(&self, cell: Cell) -> u32 {
        (cell.y + 1) * self.stride() + cell.x + 1
    }

    /// Column and row of an index, which may lie on the rim.
    pub(crate) fn place(&self, index: u32) -> (i64, i64) {
        (i64::from(index % self.stride()) - 1, i64::from(index / self.stride()) - 1)
    }

    pub(crate) fn is_free_at(&self, index: u32) -> bool {
        self.free.get(index as usize).copied().unwrap_or(false)
    }
}

/// Reads the first `count` robots of a `MovingAI` scenario: `version 1`, then nine columns a line. Costs O(bytes + cells).
///
/// # Errors
/// [`InputError`] for the first line that is missing or wrong: fewer columns, a map of another size, a start or goal that
/// is not free, two robots that start in one cell.
pub fn parse_agents(text: &[u8], grid: &Grid, count: usize) -> Result<Vec<Agent>, InputError> {
    let mut lines = lines(text);
    let rule = "`version 1`";
    let (line, head) = lines.next().ok_or(InputError::Missing { line: 1, rule })?;
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    if (words.next(), words.next(), words.next()) != (Some(b"version"), Some(b"1"), None)
        && head.trim_ascii() != b"version 1.0"
    {
        return Err(InputError::Wrong { line, found: shown(head), rule });
    }
    let mut agents: Vec<Agent> = Vec::new();
    // One more than the robot that starts there; zero for nobody.
    let mut starts = vec![0_usize; grid.len()];
    while agents.len() < count {
        let rule = "a robot: bucket, map, width, height, start x, start y, goal x, goal y, length";
        let (line, row) = lines.next().ok_or(InputError::Missing { line: agents.len() + 2, rule })?;
        let fields: Vec<&[u8]> =
            row.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect();
        let &[_, _, width, height, start_x, start_y, goal_x, goal_y, _] = fields.as_slice() else {
            return Err(InputError::Wrong { line, found: shown(row), rule });
        };
        for (what, field, expected) in [("width", width, grid.width()), ("height", height, grid.height())] {
            let found = number(line, field)?;
            if found != expected {
                let (found, expected) = (found as usize, expected as usize);
                return Err(InputError::Differs { line, what, found, expected });
            }
        }
        let start = Cell { x: number(line, start_x)?, y: number(line, start_y)? };
        let goal = Cell { x: number(line, goal_x)?, y: number(line, goal_y)? };
        for (what, cell) in [("start", start), ("goal", goal)] {
            if !grid.is_free(cell) {
                return Err(InputError::NotFree { line, what, cell });
            }
        }
        if let Some(first) = starts.get_mut(grid.index(start) as usize) {
            if let Some(other) = first.checked_sub(1) {
                return Err(InputError::SharedStart { line, other, cell: start });
            }
            *first = agents.len() + 1;
        }
        agents.push(Agent { start, goal });
    }
    Ok(agents)
}

impl<'a> Plan<'a> {
    /// Reads a plan: `sheepdog-plan 1`, `agents N makespan T`, then N lines of at most T of the letters `E W S N .`.
    ///
    /// Empty lines after them are let pass. Costs O(bytes), and 16 bytes a robot beside the text.
    ///
    /// # Errors
    /// [`InputError`] for the first line that is missing or wrong.
    pub fn parse(text: &'a [u8], agents: usize) -> Result<Self, InputError> {
        let mut lines = lines(text);
        let rule = "`sheepdog-plan 1`";
        let (line, head) = lines.next().ok_or(InputError::Missing { line: 1, rule })?;
        if head != b"sheepdog-plan 1" {
            return Err(InputError::Wrong { line, found: shown(head), rule });
        }
        let rule = "`agents N makespan T`";
        let (line, head) = lines.next().ok_or(InputError::Missing { line: 2, rule })?;
        let words: Vec<&[u8]> = head.split(|&letter| letter == b' ').collect();
        let &[b"agents", found, b"makespan", makespan] = words.as_slice() else {
            return Err(InputError::Wrong { line, found: shown(head), rule });
        };
        let (found, makespan) = (number(line, found)? as usize, number(line, makespan)? as usize);
        if found != agents {
            return Err(InputError::Differs { line, what: "number of agents", found, expected: agents });
        }
        let mut moves: Vec<&[u8]> = Vec::new();
        while moves.len() < agents {
            let rule = "the moves of a robot";
            let (line, row) = lines.next().ok_or(InputError::Missing { line: moves.len() + 3, rule })?;
            let odd = row.iter().zip(1..).find(|(letter, _)| !b"EWSN.".contains(letter));
            if let Some((&letter, column)) = odd {
                let found = char::from(letter);
                return Err(InputError::Letter { line, column, found, rule: "E W S N ." });
            }
            if makespan < row.len() {
                let what = "number of moves";
                return Err(InputError::Differs { line, what, found: row.len(), expected: makespan });
            }
            moves.push(row);
        }
        if let Some((line, row)) = lines.find(|(_, row)| !row.is_empty()) {
            return Err(InputError::Wrong { line, found: shown(row), rule: "nothing after the last robot" });
        }
        Ok(Self { moves })
    }

    /// Steps until the last letter of the longest line.
    pub fn steps(&self) -> usize {
        self.moves.iter().map(|row| row.len()).max().unwrap_or(0)
    }

    /// The letter of a robot in a step, from 0; a wait after the end of its line.
    pub(crate) fn letter(&self, agent: usize, step: usize) -> u8 {
        self.moves.get(agent).and_then(|row| row.get(step)).copied().unwrap_or(b'.')
    }
}

/// Lines with their numbers; a return before the line feed does not count.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let rows = text.split(|&letter| letter == b'\n');
    (1..).zip(rows.map(|row| row.strip_suffix(b"\r").unwrap_or(row)))
}

/// A number without sign, below 2^31.
fn number(line: usize, word: &[u8]) -> Result<u32, InputError> {
    let digits = std::str::from_utf8(word).ok().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let value = digits.and_then(|word| word.parse::<u32>().ok()).filter(|&value| value < 1 << 31);
    value.ok_or_else(|| InputError::Wrong { line, found: shown(word), rule: "a whole number below 2^31" })
}

/// The beginning of a line, for a person.
fn shown(row: &[u8]) -> String {
    String::from_utf8_lossy(row).chars().take(60).collect()
}
