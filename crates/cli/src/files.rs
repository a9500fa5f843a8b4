//! Files: what is read, and what may be written.
//!
//! Invariant: no command writes over a file that it has read, by whatever path either is called.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use crate::problem::Problem;

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    text(path, read(path)?)
}

/// Bytes of a file as text.
pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| Problem::input(path, format!("not UTF-8: {error}")))
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    fs::read(path).map_err(|error| Problem::Io { path: path.to_owned(), error })
}

/// What a command has read. Whatever it writes is written here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// Resolved paths.
    paths: Vec<PathBuf>,
}

impl Sources {
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut sources = Self::default();
        paths.into_iter().for_each(|path| sources.add(path));
        sources
    }

    /// Remembers a file that was read.
    pub(crate) fn add(&mut self, path: &Path) {
        self.paths.extend(fs::canonicalize(path));
    }

    /// Refuses to write over what was read: for commands that write several files, or after much work.
    pub(crate) fn spare<'a>(&self, outs: impl IntoIterator<Item = &'a Path>) -> Result<(), Problem> {
        let is_source = |out: &&Path| fs::canonicalize(out).is_ok_and(|out| self.paths.contains(&out));
        match outs.into_iter().find(is_source) {
            Some(out) => Err(Problem::Usage(format!("{} is read, and would be written over", out.display()))),
            None => Ok(()),
        }
    }

    /// Writes a file that was not read, in one step: whoever looks sees the old one or the new one.
    pub(crate) fn write(&self, out: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Problem> {
        self.spare([out])?;
        let problem = |path: &Path, error| Problem::Io { path: path.to_owned(), error };
        // A link stays a link, and what is no file, such as a terminal, is not replaced.
        let target = fs::canonicalize(out).unwrap_or_else(|_| out.to_owned());
        if fs::metadata(&target).is_ok_and(|target| !target.is_file()) {
            return fs::write(out, bytes).map_err(|error| problem(out, error));
        }
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = target.with_file_name(name);
        let mut file = File::create_new(&part).map_err(|error| {
            // A file of that name is somebody's.
            let is_there = error.kind() == ErrorKind::AlreadyExists;
            problem(if is_there { &part } else { out }, error)
        })?;
        let written = file.write_all(bytes.as_ref());
        drop(file);
        written.and_then(|()| fs::rename(&part, &target)).map_err(|error| {
            // What is left behind would only be in the way; the error that counts is the first.
            drop(fs::remove_file(&part));
            problem(out, error)
        })
    }
}
