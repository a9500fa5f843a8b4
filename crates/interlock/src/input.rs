//! What the interlock is told in one step. Whatever is missing counts against motion.

use sheepdog_core::{
    ActorId, Confidence, Epoch, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, RobotTime, SiteVersion,
    StopCategory, StopGeneration,
};

use crate::packs::{PACKS, PackSlot, PackVerdict};

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
    /// Measured motion; `None` (unknown), stale or from the future counts as moving.
    pub odometry: Option<Reading<Odometry>>,
    /// What is known of the brakes now; `None` leaves the settings as they are. It can only make them worse.
    pub braking: Option<Braking>,
    /// How far the robot may go.
    pub release: Option<ReleaseLimit>,
    /// The site the robot has loaded.
    pub site: SiteVersion,
    /// The last beat of the robot's own supervisor.
    pub beat: Option<RobotTime>,
    /// The last verdict of each pack, by slot.
    pub packs: [Option<PackVerdict>; PACKS],
    /// What the robot's self-test says.
    pub self_test: SelfTest,
    /// Whether the emergency button on the robot is pressed; `None` (unknown) stops.
    pub emergency_button: Option<bool>,
    /// Whether the bumper is touched; `None` (unknown) stops. A robot without a bumper says `Some(false)`.
    pub bumper: Option<bool>,
    /// Whether the reset button on the robot is pressed. A press of the right length takes the step of a reset that is
    /// due, unless a stop that was ordered has not been reset (RST-003).
    pub reset_button: bool,
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
            odometry: None,
            braking: None,
            release: None,
            site,
            beat: None,
            packs: [None; PACKS],
            self_test: SelfTest::NotRun,
            emergency_button: None,
            bumper: None,
            reset_button: false,
            stop: None,
            reset: None,
        }
    }

    /// Hands in the verdict of a pack.
    pub fn set_pack(&mut self, slot: PackSlot, verdict: PackVerdict) {
        if let Some(place) = self.packs.get_mut(slot.index()) {
            *place = Some(verdict);
        }
    }
}

/// A planar motion of a differential drive, in `base_link`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// The sectors the footprint sweeps, bit `i` for sector `i`. A motion that does not name those which it points to
    /// (sector 0 ahead, and backwards the one or two at the back) sweeps all, and so does rotation in place.
    pub sectors: u32,
    /// When the command was issued.
    pub issued: RobotTime,
}

impl Request {
    /// No motion.
    pub const NONE: Self = Self { twist: Twist::ZERO, sectors: 0, issued: RobotTime::ZERO };
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
    /// Running number of the frame.
    pub seq: u64,
    /// Digest of what was measured, without stamp and number.
    pub digest: u64,
    /// Whether the sensor's self-tests pass.
    pub healthy: bool,
    /// Share of its beams that measured nothing valid.
    pub invalid: Ppm,
    /// By how much it misses its reference contour; `None` for a sensor without one.
    pub residual: Option<Mm>,
    /// What it says about each sector; `None` where it does not look.
    pub sectors: [Option<SectorReading>; SECTORS],
}

/// What a sensor says about one sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorReading {
    /// Lower bound of the probability that no undetected obstacle is there.
    pub confidence: Confidence,
    /// Distance from the footprint to the nearest thing there that is no known wall; [`Mm::MAX`] for none.
    pub obstacle: Mm,
}

/// Measured motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odometry {
    /// Speed, whichever way.
    pub speed: MmPerS,
    /// Yaw rate, either sign.
    pub yaw_rate: MradPerS,
    /// Length of the path since boot.
    pub travelled: Mm,
    /// Angle turned since boot, both ways added up, milliradians.
    pub turned_mrad: u32,
}

/// What is known of the brakes now, from watching them, from the slope and from the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Braking {
    /// Deceleration to count on.
    pub deceleration: MmPerS2,
    /// Delay until they act.
    pub delay: Micros,
}

/// What the robot's self-test says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SelfTest {
    /// Nothing yet.
    #[default]
    NotRun,
    /// That something is broken.
    Failed,
    /// That nothing is.
    Passed,
}

/// How far a robot may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseLimit {
    /// The route it belongs to.
    pub epoch: Epoch,
    /// What remains of it along the route.
    pub remaining: Mm,
    /// When that was measured.
    pub taken: RobotTime,
    /// The site its lanes belong to.
    pub site: SiteVersion,
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
    /// The stop that is over: the highest one, or a later one. An acknowledgement resets all orders up to it that there
    /// have been.
    pub generation: StopGeneration,
    /// Which step.
    pub step: ResetStep,
    /// Who orders it, for the record.
    pub actor: ActorId,
}

/// The two steps of a reset: neither alone moves a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetStep {
    /// The latch is released; the robot stays stopped.
    Acknowledge,
    /// The robot may move again once its inputs have been good for the dwell.
    Start,
}
