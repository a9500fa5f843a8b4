//! Grids of the `MovingAI` benchmarks (`type octile`), with cells of one metre.
//!
//! `.` and `G` are free, and `S` (swamp) is free as well; `@`, `O`, `T` are blocked. `W` (water) can only be entered from
//! water, so it is not mapped. The first row is the highest.

use crate::model::{Level, Site};

use super::{
    ImportError, ImportProblem, ImportReport, LevelImport,
    raster::{CELLS_MAX, Grid, NOTCH, add_rooms},
    tree::{shorten, utf8_of},
};

/// Reads a `.map` file. Linear in the cells.
///
/// # Errors
/// [`ImportError`] when the header or the number of cells is wrong, or a cell is of an unknown kind.
pub fn import_movingai(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let text = utf8_of(bytes, 2 * CELLS_MAX)?;
    let mut lines = text.lines();
    let kind = field(lines.next(), "type")?;
    if kind != "octile" {
        let problem = ImportProblem::UnknownWord { value: shorten(kind), expected: "octile" };
        return Err(ImportError::at("type", problem));
    }
    let mut size = |name: &'static str| {
        let text = field(lines.next(), name)?;
        text.parse::<usize>().map_err(|_| {
            ImportError::at(
                name,
                ImportProblem::WrongType { expected: "a whole number", found: shorten(text) },
            )
        })
    };
    let (height, width) = (size("height")?, size("width")?);
    if lines.next().map(str::trim) != Some("map") {
        return Err(ImportError::at("map", ImportProblem::Missing { field: "the line \"map\"" }));
    }
    // No memory for cells that the text cannot hold.
    if text.len() < width.saturating_mul(height) {
        let problem = ImportProblem::Missing { field: "as many cells as height and width say" };
        return Err(ImportError::at("map", problem));
    }
    let mut grid = Grid::new(width, height)?;
    let (mut blocked, mut water, mut swamp) = (0, 0, 0);
    for row in 0..height {
        let line = lines.next().unwrap_or_default().trim_end();
        if line.len() != width {
            let problem = ImportProblem::OutOfRange {
                value: f64::from(u32::try_from(line.len()).unwrap_or(u32::MAX)),
                rule: "as many cells as the width says",
            };
            return Err(ImportError::at(format!("map[{row}]"), problem));
        }
        for (x, cell) in line.bytes().enumerate() {
            let value = match cell {
                b'.' | b'G' => Some(0),
                b'S' => {
                    swamp += 1;
                    Some(0)
                }
                b'@' | b'O' | b'T' => {
                    blocked += 1;
                    None
                }
                b'W' => {
                    water += 1;
                    None
                }
                other => {
                    let value = char::from(other).to_string();
                    let problem = ImportProblem::UnknownWord { value, expected: "one of . G S @ O T W" };
                    return Err(ImportError::at(format!("map[{row}][{x}]"), problem));
                }
            };
            grid.set(x, height - 1 - row, value);
        }
    }
    if lines.any(|line| !line.trim().is_empty()) {
        let problem = ImportProblem::Unsupported { what: "something after the last row" };
        return Err(ImportError::at("map", problem));
    }
    let mut site = Site::new("grid");
    site.levels.push(Level::new("map", 0.0));
    let mut report = ImportReport::default();
    report.levels.push(LevelImport::scaled("map", 1.0));
    report.drop_count("map: blocked cells", blocked);
    report.drop_count("map: water cells", water);
    report.drop_count("map: the slowness of swamp cells", swamp);
    add_rooms(&mut site, &mut report, &grid.regions(NOTCH)?, <[[f64; 2]]>::to_vec);
    Ok((site, report))
}

fn field<'a>(line: Option<&'a str>, name: &'static str) -> Result<&'a str, ImportError> {
    let words = line.and_then(|line| line.trim().split_once(char::is_whitespace));
    match words {
        Some((key, value)) if key == name => Ok(value.trim()),
        Some(_) | None => Err(ImportError::at(name, ImportProblem::Missing { field: name })),
    }
}
