//! The simulated plant: robots, people, sensors, doors, lifts, radio and faults, in virtual time.
//!
//! [`Plant`] is what a fleet does not own. It is stepped tick by tick, takes the messages that a fleet sends to robots,
//! people, doors and lifts, and hands back what they answer. On board of every robot runs the real controller,
//! `sheepdog_driver::Onboard` with its interlock, over a simulated base and a simulated scanner.
//!
//! * A run is a function of site, configuration, seed and calls, to the last bit, on any number of threads: robots of
//!   one tick sense the same frozen world, and random numbers come from streams keyed by (seed, entity, step).
//! * Nothing is held back by physics: two bodies that are driven into each other overlap, and [`Plant::overlaps`] and
//!   [`Plant::min_separation_m`] say so.
//! * [`Fault`]s are data; [`FaultStatus::took_effect`] tells a fault that mattered from one that passed unnoticed.
#![forbid(unsafe_code)]

mod body;
mod build;
mod config;
mod distort;
mod error;
mod fault;
#[cfg(test)]
mod fixture;
mod full_log;
mod kinematics;
mod loads;
mod machines;
mod people;
mod peripherals;
mod plant;
mod radio;
mod random;
mod robot;
mod sense;
mod separation;
#[cfg(test)]
mod tests;
mod truth;
mod world;

pub use body::{Body, BodyLimits, SimBase};
pub use config::{
    BeamSpec, ControllerSpec, CrowdSpec, MachineSpec, PersonSpec, PlantConfig, PowerSpec, RobotSpec,
    WalkerSpec,
};
pub use distort::Tampering;
pub use error::PlantError;
pub use fault::{FAULTS, Fault, FaultKind, FaultStatus, FaultTarget, NamedFault, Victims, swarm};
pub use kinematics::{Gait, Kinematics, stopping_distance_m};
pub use loads::Load;
pub use people::{PERSON_RADIUS_M, STAIRS};
pub use peripherals::Peripherals;
pub use plant::{Plant, TICK_MAX};
pub use radio::{RadioSpec, SimLink};
pub use truth::{BodyKind, Truth};
