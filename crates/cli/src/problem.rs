//! What can go wrong, and with which exit code.

use std::path::{Path, PathBuf};

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
