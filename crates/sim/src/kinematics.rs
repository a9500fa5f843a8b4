//! How bases move: on wheels that turn on the spot, that are steered or that roll any way, on legs, or in the air.

use sheepdog_core::{Micros, Mm, MmPerS2, MradPerS};

/// What a base does with a command, beside its [`BodyLimits`](crate::BodyLimits).
///
/// The interlock has to know how late a base brakes: a robot whose `actuation_delay` is below
/// [`delay`](Self::delay) is refused ([`PlantError::Actuation`](crate::PlantError::Actuation)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinematics {
    /// How it turns and sets off.
    pub gait: Gait,
    /// Time from a command until the motors follow it.
    pub actuation: Micros,
    /// Time in which acceleration and braking rise from nothing to their full value, evenly, and fall to nothing again
    /// before the speed is reached; zero for at once. The jerk is the full value divided by it.
    pub onset: Micros,
}

/// How a base turns and sets off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gait {
    /// Two driven wheels, or rotors: it turns on the spot.
    Turning,
    /// Steered wheels: no bend is tighter than this radius, and standing it does not turn. A roadmap with bends of 10° or more,
    /// or with lanes both ways, is refused for it ([`PlantError::Bend`](crate::PlantError::Bend)).
    Steered {
        /// Smallest radius of a bend.
        radius: Mm,
    },
    /// Wheels that roll any way: it drives in every direction and keeps the way it faces. What its controller knows as the
    /// heading is the direction in which it drives, which turns quickly at rest, and under way as far as the wheels hold
    /// sideways.
    Rolling,
    /// Legs: a command counts from the next step on, and a step that has begun is finished.
    Walking {
        /// Time of a step.
        step: Micros,
    },
}

/// Acceleration that wheels with rollers hold sideways.
const SIDEWAYS_MPS2: f64 = 2.0;

/// What acts at the very end of a change of speed.
const END_SHARE: f64 = 0.01;

impl Kinematics {
    /// Two driven wheels that follow at once.
    pub const DIFFERENTIAL: Self = Self { gait: Gait::Turning, actuation: Micros::ZERO, onset: Micros::ZERO };

    /// A van of two metres' bend: 100 ms until its brakes bite, 300 ms until they bite fully.
    pub const VEHICLE: Self = Self {
        gait: Gait::Steered { radius: Mm(2_000) },
        actuation: Micros::from_millis(100),
        onset: Micros::from_millis(300),
    };

    /// Four wheels with rollers, such as a holonomic trolley has.
    pub const OMNIDIRECTIONAL: Self =
        Self { gait: Gait::Rolling, actuation: Micros::from_millis(20), onset: Micros::from_millis(100) };

    /// A humanoid that takes two and a half steps a second.
    pub const HUMANOID: Self = Self {
        gait: Gait::Walking { step: Micros::from_millis(400) },
        actuation: Micros::from_millis(20),
        onset: Micros::from_millis(100),
    };

    /// A drone: it has to tilt before it brakes. Its altitudes are levels of the site, shafts between them are lifts.
    pub const DRONE: Self =
        Self { gait: Gait::Turning, actuation: Micros::from_millis(50), onset: Micros::from_millis(250) };

    /// From a command to stop until the brakes act fully, at the latest. Counted as if nothing braked before, so a bit more
    /// way than it takes.
    pub const fn delay(&self) -> Micros {
        let step = match self.gait {
            Gait::Turning | Gait::Rolling | Gait::Steered { .. } => Micros::ZERO,
            Gait::Walking { step } => step,
        };
        self.actuation.saturating_add(self.onset).saturating_add(step)
    }

    /// What acts of acceleration or brakes that have risen for `risen`, when at their full value the change would be over in
    /// `left_s`.
    ///
    /// With an even jerk both ways a stop takes the way of the full brakes and half the onset at full speed: less than
    /// [`delay`](Self::delay) counts.
    pub(crate) fn share(&self, risen: Micros, left_s: f64) -> f64 {
        let onset_s = self.onset.as_secs_f64();
        if onset_s <= 0.0 {
            return 1.0;
        }
        // v = j t² / 2 from the end of the change backwards; never quite nothing, or it would never end.
        let falling = (2.0 * left_s / onset_s).sqrt().max(END_SHARE);
        (risen.as_secs_f64() / onset_s).min(falling).min(1.0)
    }

    /// Whether motion has to be followed in small steps of time.
    pub(crate) const fn is_gradual(&self) -> bool {
        matches!(self.gait, Gait::Steered { .. }) || self.onset.as_micros() != 0
    }

    /// The smallest radius of a bend; zero on a base that turns on the spot.
    pub const fn turning_radius(&self) -> Mm {
        match self.gait {
            Gait::Turning | Gait::Rolling | Gait::Walking { .. } => Mm(0),
            Gait::Steered { radius } => radius,
        }
    }

    /// How fast its heading may turn, at most, whatever it is told.
    pub const fn heading_rate_max(&self) -> MradPerS {
        match self.gait {
            Gait::Turning | Gait::Steered { .. } | Gait::Walking { .. } => MradPerS(2_000),
            Gait::Rolling => MradPerS(6_000),
        }
    }

    /// How quickly that changes, rad/s².
    pub const fn heading_acceleration_rps2(&self) -> f64 {
        match self.gait {
            Gait::Turning | Gait::Steered { .. } | Gait::Walking { .. } => 3.0,
            Gait::Rolling => 40.0,
        }
    }

    /// Whether the body turns with its heading.
    pub(crate) const fn faces_ahead(&self) -> bool {
        !matches!(self.gait, Gait::Rolling)
    }

    /// The largest yaw rate at a speed, rad/s.
    pub(crate) fn yaw_rate_max(&self, speed_mps: f64) -> f64 {
        match self.gait {
            Gait::Turning | Gait::Walking { .. } => f64::INFINITY,
            Gait::Rolling => SIDEWAYS_MPS2 / speed_mps.abs(),
            Gait::Steered { radius } => speed_mps.abs() * 1e3 / f64::from(radius.0.max(1)),
        }
    }
}

/// Way to standstill, metres: what a body goes in [`Kinematics::delay`], and the braking after that.
pub fn stopping_distance_m(kinematics: Kinematics, speed_mps: f64, deceleration: MmPerS2) -> f64 {
    let braking_mps2 = f64::from(deceleration.0.max(1)) / 1e3;
    speed_mps * kinematics.delay().as_secs_f64() + speed_mps * speed_mps / (2.0 * braking_mps2)
}
