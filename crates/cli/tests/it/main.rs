//! The `sheepdog` command as people run it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "fixtures of tests")]

mod analyse;
mod check;
mod convert;
mod folder;
mod path;
mod recording;
mod sites;
mod sources;
