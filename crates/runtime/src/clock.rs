//! The real clock.

use std::time::{Duration, Instant};

use sheepdog_core::{FleetTime, Micros, RobotTime};

/// A monotonic clock that counts from an offset, so that time goes on after a restart.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    offset: Micros,
}

impl Clock {
    /// A clock that shows `offset` now: zero for a new fleet, the last logged instant after a restart.
    #[expect(clippy::disallowed_methods, reason = "this crate is where real time comes from")]
    pub fn starting_at(offset: FleetTime) -> Self {
        Self { start: Instant::now(), offset: Micros::new(offset.as_micros()) }
    }

    /// The fleet's time.
    pub fn now(&self) -> FleetTime {
        FleetTime::from_micros(self.micros())
    }

    /// A robot's time, when the clock is one robot's own.
    pub fn robot_now(&self) -> RobotTime {
        RobotTime::from_micros(self.micros())
    }

    /// How long to wait until `instant`; zero if it has passed.
    pub fn until(&self, instant: FleetTime) -> Duration {
        Duration::from_micros(instant.as_micros().saturating_sub(self.micros()))
    }

    /// Time since the clock was started, as finely as the machine tells it: for measurements.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn micros(&self) -> u64 {
        let elapsed = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.offset.as_micros().saturating_add(elapsed)
    }
}
