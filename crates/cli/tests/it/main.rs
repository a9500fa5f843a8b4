//! The `sheepdog` command as people run it.
#![expect(clippy::unwrap_used, reason = "fixtures of tests")]

mod folder;
mod sources;
