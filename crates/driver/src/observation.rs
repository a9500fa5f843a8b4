//! What a robot perceives in one step.

use nalgebra::Point2;
use sheepdog_core::{Confidence, LevelId, Ppm, RobotTime};
use sheepdog_interlock::{
    Braking,
    packs::{PACKS, PackVerdict},
};

/// Everything a robot knows of itself and its surroundings at one instant.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a contact of its own, and all combinations occur")]
pub struct Observation {
    /// The robot's monotonic clock.
    pub now: RobotTime,
    /// When the rest was measured.
    pub taken: RobotTime,
    /// The level the robot is on, as its own sensors witness it.
    pub level: LevelId,
    /// Position along x in the level's `map` frame, metres.
    pub x_m: f64,
    /// Position along y, metres.
    pub y_m: f64,
    /// Heading, counter-clockwise from x, radians.
    pub yaw_rad: f64,
    /// Radius around the position in which the robot certainly is, metres.
    pub pose_error_m: f64,
    /// Measured speed along the heading, metres per second, negative backwards.
    pub speed_mps: f64,
    /// Measured yaw rate, radians per second.
    pub yaw_rate_rps: f64,
    /// Length of the path since boot, metres; it never shrinks.
    pub travelled_m: f64,
    /// Angle turned since boot, both ways added up, radians; it never shrinks.
    pub turned_rad: f64,
    /// Running number of the scan.
    pub frame: u64,
    /// Ranges around the robot, in any order.
    pub beams: Vec<Beam>,
    /// A range from which on a beam has met nothing, metres.
    pub beam_range_max_m: f64,
    /// By how much the scanner misses its reference contour, metres; `None` for one without a contour (OBS-010).
    pub residual_m: Option<f64>,
    /// What is known of the brakes now, as [`packs::brakes`](sheepdog_interlock::packs::brakes) finds it from watching
    /// them; `None` leaves the settings as they are. It can only make limits lower.
    pub braking: Option<Braking>,
    /// State of charge.
    pub battery: Ppm,
    /// Whether the emergency button on the robot is pressed.
    pub emergency_button: bool,
    /// Whether the reset button on the robot is pressed; a robot without one says no (RST-003).
    pub reset_button: bool,
    /// Whether the bumper is touched; a robot without one says no.
    pub bumper: bool,
    /// The last verdicts of packs that run beside, by slot; the map's is the controller's own.
    pub packs: [Option<PackVerdict>; PACKS],
    /// Whether the robot knows itself to be out of order.
    pub failed: bool,
}

/// One range measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beam {
    /// Direction in `base_link`, counter-clockwise from ahead, radians.
    pub angle_rad: f64,
    /// Distance from the robot's centre to what it met, metres; not a number means that the beam is blind.
    pub range_m: f64,
    /// Lower bound of the probability that no undetected obstacle is in this direction. What a sensor gives as a
    /// float passes [`Confidence::from_fraction`] at the edge.
    pub confidence: Confidence,
}

/// Where a robot is and which way it looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pose {
    pub(crate) level: LevelId,
    pub(crate) at: Point2<f64>,
    pub(crate) yaw_rad: f64,
}

impl Observation {
    /// The pose; `None` when it is not finite.
    pub(crate) fn pose(&self) -> Option<Pose> {
        let finite = self.x_m.is_finite() && self.y_m.is_finite() && self.yaw_rad.is_finite();
        finite.then(|| Pose { level: self.level, at: Point2::new(self.x_m, self.y_m), yaw_rad: self.yaw_rad })
    }
}
