//! Tables of text.

use std::fmt;

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows under headings, in columns as wide as their widest text.
pub(super) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows. Columns whose heading ends in a blank are to the left, others to the right.
    pub(super) fn new(headings: &[&str]) -> Self {
        let column = |heading: &&str| {
            let align = if heading.ends_with(' ') { Align::Left } else { Align::Right };
            (heading.trim_end().to_owned(), align)
        };
        Self { columns: headings.iter().map(column).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (heading, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(index));
                cells.chain([heading]).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let headings: Vec<String> = self.columns.iter().map(|(heading, _)| heading.clone()).collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::from(" ");
            for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(&self.columns) {
                line.extend(match align {
                    Align::Left => [format!(" {cell:<width$} ")],
                    Align::Right => [format!(" {cell:>width$} ")],
                });
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["level ", "area"]);
        table.row(["ground".to_owned(), "5 m²".to_owned()]);
        table.row(["1".to_owned(), "1 500 m²".to_owned()]);
        assert_eq!(table.to_string(), "  level       area\n  ground      5 m²\n  1       1 500 m²\n");
    }
}
