//! A robot's log without room.

use sheepdog_core::wire::Anchor;
use sheepdog_driver::{Incident, Log, SECTORS};
use sheepdog_interlock::{Input, Record, Sink, SinkFull};

/// Refuses everything.
#[derive(Debug)]
pub(crate) struct FullLog;

impl Sink<1, SECTORS> for FullLog {
    fn accept(&mut self, _: &Record, _: &Input<1, SECTORS>) -> Result<(), SinkFull> {
        Err(SinkFull)
    }
}

impl Log for FullLog {
    fn incident(&mut self, _: &Incident) {}

    fn anchor(&mut self) -> Option<Anchor> {
        None
    }
}
