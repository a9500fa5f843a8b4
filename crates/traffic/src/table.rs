//! A dense table whose look-ups are total.

/// Rows by index. Reading outside yields the default, writing outside does nothing, so dense ids never panic.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
    default: T,
}

impl<T: Copy> Table<T> {
    /// A table of `len` rows, all equal to `default`.
    pub(crate) fn new(len: usize, default: T) -> Self {
        Self { rows: vec![default; len], default }
    }

    /// A row.
    pub(crate) fn at(&self, index: usize) -> T {
        self.rows.get(index).copied().unwrap_or(self.default)
    }

    /// Overwrites a row.
    pub(crate) fn set(&mut self, index: usize, value: T) {
        if let Some(row) = self.rows.get_mut(index) {
            *row = value;
        }
    }

    /// Sets every row to the default.
    pub(crate) fn clear(&mut self) {
        self.rows.fill(self.default);
    }

    /// All rows.
    pub(crate) fn rows(&self) -> &[T] {
        &self.rows
    }
}
