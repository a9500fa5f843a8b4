//! Packs: checks that need to know more than the kernel, each with one verdict slot.
//!
//! A pack is host code: it may look at maps, batteries and patients, and says every cycle what it thinks in a
//! [`PackVerdict`]. The kernel believes only fresh verdicts. A required pack that says nothing, or one that has spoken
//! and falls silent, stops the robot (PCK-001), and a verdict whose evidence does not hold is none. A pack can slow the
//! robot, stop it or latch it; it cannot make it move.
//!
//! The packs in here obey the kernel's own discipline: integers only, no allocation, no panic, time as an argument,
//! and evidence that is missing, stale or from the future counts against motion. Each has settings to be measured or
//! assessed by the integrator, is asked with the evidence of one cycle, and cites rules of [`RULES`]. The `taken` of a
//! verdict is the oldest stamp among the evidence that counted; what did not count is a rule that fired, said now.
//!
//! | pack | slot | says |
//! |---|---|---|
//! | [`map::Map`] | [`PackSlot::MAP`] | inside the allowed area, sure of the place, no faster than the zone allows |
//! | [`teleop::Teleop`] | [`PackSlot::TELEOP`] | exactly one authority; people who drive hold a lease of a zone |
//! | [`brakes::Brakes`] | [`PackSlot::BRAKES`] | brakes that do what they were declared to do, no tilt, a load that stays where it is |
//! | [`patient::Patient`] | [`PackSlot::PATIENT`] | forces and torques within limits by two channels; no power cut while somebody is carried |
//! | [`power::Power`] | [`PackSlot::POWER`] | enough charge, not too hot |
//! | [`lift::Lift`] | [`PackSlot::LIFT`] | no way over a sill that is not level and open; always a way out |
//! | [`uvc::Uvc`] | [`PackSlot::UVC`] | a lamp that burns only in an empty, closed room, under a lease, within its dose |
//! | [`envelope::Envelope`] | [`PackSlot::ENVELOPE`] | a robot that tracks and reacts as was declared |
//! | [`vitals::Vitals`] | - | opens a gate, no verdict on motion: vital signs escalate only when two sources agree |

pub mod brakes;
pub mod envelope;
pub mod lift;
pub mod map;
pub mod patient;
pub mod power;
pub mod rules;
pub mod teleop;
pub mod uvc;
pub mod vitals;

mod judge;

pub use judge::Freshness;
pub use rules::RULES;

use sheepdog_core::{Evidence, MmPerS, RobotTime, StopCategory};

/// How many packs a kernel listens to.
pub const PACKS: usize = 16;

/// The place of a pack in [`Input::packs`](crate::Input::packs) and in
/// [`Config::packs_required`](crate::Config::packs_required).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackSlot(u8);

impl PackSlot {
    /// Mapped area, localisation, zones.
    pub const MAP: Self = Self(0);
    /// Battery and temperature.
    pub const POWER: Self = Self(1);
    /// Brakes, slope, tilt.
    pub const BRAKES: Self = Self(2);
    /// Lifts and their sills.
    pub const LIFT: Self = Self(3);
    /// The UV-C lamp.
    pub const UVC: Self = Self(4);
    /// Patient handling: forces and torques.
    pub const PATIENT: Self = Self(5);
    /// Teleoperation: who has authority.
    pub const TELEOP: Self = Self(6);
    /// The declared envelope of tracking.
    pub const ENVELOPE: Self = Self(7);

    /// A slot for an integrator's own pack: `0..8` are slots 8 to 15, anything else is none.
    pub const fn own(index: u8) -> Option<Self> {
        if index < 8 { Some(Self(8_u8.saturating_add(index))) } else { None }
    }

    /// Its index, below [`PACKS`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its bit in [`Config::packs_required`](crate::Config::packs_required).
    pub const fn bit(self) -> u16 {
        1 << self.0
    }
}

/// What a pack thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackVerdict {
    /// When it looked: the oldest of what it looked at.
    pub taken: RobotTime,
    /// Its ruling.
    pub ruling: Ruling,
    /// Whether every stop has to be a controlled one that keeps power, because somebody is being carried. It stays in
    /// force when the pack falls silent, until a fresh verdict whose evidence holds says otherwise.
    pub keep_power: bool,
}

impl PackVerdict {
    /// A ruling without a word about power.
    pub const fn new(taken: RobotTime, ruling: Ruling) -> Self {
        Self { taken, ruling, keep_power: false }
    }
}

/// What a pack can rule, from the mildest to the most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing against motion.
    Allow,
    /// No faster than this.
    Limit {
        /// The limit.
        speed: MmPerS,
        /// Why.
        evidence: Evidence,
    },
    /// Stop, and resume when the pack allows it again.
    Stop {
        /// How.
        category: StopCategory,
        /// Why.
        evidence: Evidence,
    },
    /// Stop until a person resets it.
    Latch {
        /// How.
        category: StopCategory,
        /// Why.
        evidence: Evidence,
    },
}

impl Ruling {
    /// Why; `None` when nothing is wrong.
    pub const fn evidence(&self) -> Option<Evidence> {
        match self {
            Self::Allow => None,
            Self::Limit { evidence, .. } | Self::Stop { evidence, .. } | Self::Latch { evidence, .. } => {
                Some(*evidence)
            }
        }
    }

    /// The more severe of two rulings; of two limits the lower, of two stops the more abrupt, the first of equals.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if other.severity() < self.severity() { other } else { self }
    }

    /// The lower, the more severe.
    const fn severity(&self) -> (u8, u32) {
        match self {
            Self::Latch { category, .. } => (0, *category as u32),
            Self::Stop { category, .. } => (1, *category as u32),
            Self::Limit { speed, .. } => (2, speed.0),
            Self::Allow => (3, 0),
        }
    }
}
