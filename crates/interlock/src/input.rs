//! What the interlock is told in one step. Whatever is missing counts against motion.

use sheepdog_core::{Confidence, Epoch, Mm, MmPerS, RobotTime, SiteVersion, StopCategory, StopGeneration};

/// Everything one step decides on, for `SENSORS` sensors and `SECTORS` angular sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<const SENSORS: usize, const SECTORS: usize> {
    /// The robot's monotonic clock.
    pub now: RobotTime,
    /// What the robot is asked to do.
    pub request: Request,
    /// The last reading of each sensor; `None` for a sensor that has said nothing.
    pub sensors: [Option<SensorReading<SECTORS>>; SENSORS],
    /// Free travel of the footprint along the commanded arc; `None` (unknown) counts as zero.
    pub free_travel: Option<Reading<Mm>>,
    /// Clearance beside the path; `None` (unknown) counts as zero.
    pub side_clearance: Option<Mm>,
    /// Measured speed; `None` (unknown) counts as moving.
    pub speed: Option<MmPerS>,
    /// How far the robot may go.
    pub release: Option<ReleaseLimit>,
    /// Where the robot is on the map.
    pub map: Option<MapEvidence>,
    /// The site the robot has loaded.
    pub site: SiteVersion,
    /// The last beat of the robot's own supervisor.
    pub beat: Option<RobotTime>,
    /// Whether the emergency button on the robot is pressed.
    pub emergency_button: bool,
    /// The highest stop order known to be in force.
    pub stop: Option<StopCommand>,
    /// A step of a reset that a person has just ordered.
    pub reset: Option<Reset>,
}

impl<const SENSORS: usize, const SECTORS: usize> Input<SENSORS, SECTORS> {
    /// An input that knows nothing and asks for nothing: every rule that needs evidence denies it.
    pub const fn unknown(now: RobotTime, site: SiteVersion) -> Self {
        Self {
            now,
            request: Request::NONE,
            sensors: [None; SENSORS],
            free_travel: None,
            side_clearance: None,
            speed: None,
            release: None,
            map: None,
            site,
            beat: None,
            emergency_button: false,
            stop: None,
            reset: None,
        }
    }
}

/// A planar motion of a differential drive, in `base_link`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Twist {
    /// Speed along x, millimetres per second, forward positive.
    pub linear_mm_per_s: i32,
    /// Yaw rate, milliradians per second, counter-clockwise positive.
    pub angular_mrad_per_s: i32,
}

impl Twist {
    /// No motion.
    pub const ZERO: Self = Self { linear_mm_per_s: 0, angular_mrad_per_s: 0 };

    /// Whether nothing moves.
    pub const fn is_zero(self) -> bool {
        self.linear_mm_per_s == 0 && self.angular_mrad_per_s == 0
    }
}

/// A motion that somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The motion.
    pub twist: Twist,
    /// The sectors the footprint sweeps, bit `i` for sector `i`. A motion that names none sweeps all, and so does
    /// rotation in place.
    pub sectors: u32,
}

impl Request {
    /// No motion.
    pub const NONE: Self = Self { twist: Twist::ZERO, sectors: 0 };
}

/// A value and when it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<T> {
    /// When.
    pub taken: RobotTime,
    /// What.
    pub value: T,
}

/// What one sensor says about every sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorReading<const SECTORS: usize> {
    /// When it was measured.
    pub taken: RobotTime,
    /// Confidence per sector; `None` where the sensor does not look.
    pub confidence: [Option<Confidence>; SECTORS],
    /// Whether the sensor's self-tests pass.
    pub healthy: bool,
}

/// How far a robot may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseLimit {
    /// The route it belongs to.
    pub epoch: Epoch,
    /// What remains of it along the route.
    pub remaining: Mm,
    /// The site its lanes belong to.
    pub site: SiteVersion,
}

/// Where the robot is on the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEvidence {
    /// Whether the footprint is inside the mapped free area.
    pub inside: bool,
    /// The site the geofence belongs to.
    pub site: SiteVersion,
    /// When the robot was localised.
    pub taken: RobotTime,
}

/// A stop ordered from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopCommand {
    /// Its running number; the highest wins.
    pub generation: StopGeneration,
    /// How motion ends.
    pub category: StopCategory,
}

/// One step of a reset, ordered by a person. Pass it once, not for as long as it is displayed somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The stop that is over.
    pub generation: StopGeneration,
    /// Which step.
    pub step: ResetStep,
}

/// The two steps of a reset: neither alone moves a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetStep {
    /// The latch is released; the robot stays stopped.
    Acknowledge,
    /// The robot may move again once its inputs have been good for the dwell.
    Start,
}
