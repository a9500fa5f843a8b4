//! What can go wrong, and with which exit code.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The answer of a command that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All is well.
    Yes,
    /// It is not; the output says how.
    No,
    /// It cannot be told; the output says why.
    None,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// An input file is bad.
    #[error("{}: {message}", path.display())]
    Input {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Arguments that parse but do not fit together or the file.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
}

impl Problem {
    pub(crate) fn input(path: &Path, message: impl std::fmt::Display) -> Self {
        Self::Input { path: path.to_owned(), message: message.to_string() }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Input { .. } => 3,
            Self::Io { .. } => 4,
        }
    }
}

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

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Problem> {
    fs::write(path, bytes).map_err(|error| Problem::Io { path: path.to_owned(), error })
}
