//! What a driver shows to the kit, and what it declares.

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    DoorId, LevelId, LiftId, Micros, Mm, MmPerS, MmPerS2, RobotTime,
    wire::{DoorState, PeripheralCommand, ToAgent, ToFleet},
};
use sheepdog_driver::Step;
use sheepdog_sim::FaultKind;

/// A driver as the kit handles it: on a simulator, on a bench or on the robot itself.
pub trait DriverUnderTest {
    /// Puts the robot at rest where the course begins, as after its first boot, with nothing wrong and nothing ordered.
    /// The same seed makes the same noise.
    fn reset(&mut self, seed: u64);

    /// Lets `span` pass. A driver whose time is real waits.
    fn tick(&mut self, span: Micros);

    /// Hands a message of the fleet to the robot.
    fn command(&mut self, message: ToAgent);

    /// What has happened since the last call, and how things stand.
    fn observe(&mut self) -> Observed;

    /// Makes something happen to the robot or its building. What cannot be done is [`Support::Unsupported`], and what
    /// needed it is not passed.
    fn inject(&mut self, injection: Injection) -> Support;
}

impl<D: DriverUnderTest + ?Sized> DriverUnderTest for Box<D> {
    fn reset(&mut self, seed: u64) {
        (**self).reset(seed);
    }

    fn tick(&mut self, span: Micros) {
        (**self).tick(span);
    }

    fn command(&mut self, message: ToAgent) {
        (**self).command(message);
    }

    fn observe(&mut self) -> Observed {
        (**self).observe()
    }

    fn inject(&mut self, injection: Injection) -> Support {
        (**self).inject(injection)
    }
}

/// Something that the kit makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// A fault, from now on.
    Fault {
        /// What goes wrong.
        kind: FaultKind,
        /// For how long; `None` for one that does not end by itself.
        duration: Option<Micros>,
    },
    /// A door or lift is asked for something.
    Building(PeripheralCommand),
}

/// Whether something could be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It is on.
    Supported,
    /// This driver, or the rig around it, cannot have it.
    Unsupported,
}

/// How a robot stands, and what it has said and decided since it was looked at last.
///
/// Pose and speed are true: they come from the simulator or from an instrument beside the robot, never from the robot's
/// own localisation, which is one of the things under test.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What the robot's clock shows.
    pub clock: RobotTime,
    /// The level it is on.
    pub level: LevelId,
    /// Position along x in the level's `map` frame, metres.
    pub x_m: f64,
    /// Position along y, metres.
    pub y_m: f64,
    /// Heading, counter-clockwise from x, radians.
    pub yaw_rad: f64,
    /// Speed along the heading, metres per second.
    pub speed_mps: f64,
    /// What it has sent to the fleet, in order.
    pub said: Vec<ToFleet>,
    /// What its interlock has decided, in order; [`Onboard::black_box`](sheepdog_driver::Onboard::black_box) has it.
    pub steps: Vec<Step>,
    /// Whether each fault that was injected since the reset has made a difference, in their order; empty when nobody knows.
    pub struck: Vec<bool>,
    /// Doors of the rig; empty when it has none, and then the kit calls them open.
    pub doors: Vec<(DoorId, DoorState)>,
    /// Lifts of the rig, and the level each is at; empty when it has none, and then the course ends before the first.
    pub lifts: Vec<(LiftId, LevelId, DoorState)>,
}

/// Whether a driver's time is the kit's or the world's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// [`DriverUnderTest::tick`] makes the time pass.
    Virtual,
    /// Threads of the driver's own run on a real clock, and the kit looks on this much too early or too late.
    Real {
        /// By how much at most.
        jitter: Micros,
    },
}

/// What a driver declares; the kit holds it to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Highest speed.
    pub speed: MmPerS,
    /// Largest gain of speed per second.
    pub acceleration: MmPerS2,
    /// Loss of speed per second when braking, at least.
    pub deceleration: MmPerS2,
    /// From what demands a stop until the brakes act, at most, sensing and deciding included.
    pub reaction: Micros,
    /// From a decision to stop until the brakes act, at most.
    pub actuation: Micros,
    /// The longest time between two reports.
    pub report_every: Micros,
    /// Largest error of its localisation while nothing is wrong.
    pub pose_error: Mm,
    /// How far beside its lanes it drives at most.
    pub track_error: Mm,
    /// Whose time it runs on.
    pub pace: Pace,
}

impl Limits {
    /// What the simulated robot of [`Simulated`](super::Simulated) declares.
    pub const SIMULATED: Self = Self {
        speed: MmPerS(1_000),
        acceleration: MmPerS2(500),
        deceleration: MmPerS2(1_000),
        reaction: Micros::from_millis(200),
        actuation: Micros::from_millis(50),
        report_every: Micros::from_secs(1),
        pose_error: Mm(15),
        track_error: Mm(100),
        pace: Pace::Virtual,
    };

    /// The value as Rust code.
    pub(super) fn rust(&self) -> String {
        let Self {
            speed,
            acceleration,
            deceleration,
            reaction,
            actuation,
            report_every,
            pose_error,
            track_error,
            pace,
        } = *self;
        let pace = match pace {
            Pace::Virtual => "Pace::Virtual".to_owned(),
            Pace::Real { jitter } => {
                format!("Pace::Real {{ jitter: Micros::new({}) }}", jitter.as_micros())
            }
        };
        format!(
            "Limits {{ speed: MmPerS({}), acceleration: MmPerS2({}), deceleration: MmPerS2({}), reaction: Micros::new({}), \
             actuation: Micros::new({}), report_every: Micros::new({}), pose_error: Mm({}), track_error: Mm({}), pace: {pace} }}",
            speed.0,
            acceleration.0,
            deceleration.0,
            reaction.as_micros(),
            actuation.as_micros(),
            report_every.as_micros(),
            pose_error.0,
            track_error.0,
        )
    }

    pub(crate) const fn jitter(&self) -> Micros {
        match self.pace {
            Pace::Virtual => Micros::ZERO,
            Pace::Real { jitter } => jitter,
        }
    }
}
