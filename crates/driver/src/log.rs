//! The robot's own log, seen from its controller.

use std::fmt;

use sheepdog_core::wire::Anchor;
use sheepdog_interlock::{Input, Record, Sink, SinkFull};

use crate::{Incident, SECTORS};

/// Where a controller's decisions, and what led to its stops, go on record.
///
/// It is asked for each decision before the robot moves; what it refuses latches the robot (LOG-001). It must answer
/// within the time that a step has: files are written elsewhere.
pub trait Log: Sink<1, SECTORS> + fmt::Debug + Send {
    /// Takes the half minute that led to a stop. It comes behind the record of the stop.
    fn incident(&mut self, incident: &Incident);

    /// Where the log's chain stands, when the fleet should be told.
    fn anchor(&mut self) -> Option<Anchor>;
}

/// Keeps nothing.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Sink<1, SECTORS> for Nothing {
    fn accept(&mut self, _: &Record, _: &Input<1, SECTORS>) -> Result<(), SinkFull> {
        Ok(())
    }
}

impl Log for Nothing {
    fn incident(&mut self, _: &Incident) {}

    fn anchor(&mut self) -> Option<Anchor> {
        None
    }
}
