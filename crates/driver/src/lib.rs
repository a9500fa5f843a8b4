//! What runs on a robot: the link to the fleet, the tracker that follows the route, the interlock and the base.
//!
//! [`Onboard`] puts them together. An integrator implements
//! * [`Base`] for the drive,
//! * [`Link`] for the radio, and
//! * [`Peripheral`] for doors, lifts and machines, where the fleet runs,
//!
//! and calls [`Onboard::step`] with an [`Observation`] at a steady rate. The base never sees more than a
//! [`Bounded`] command, so no planning error above it reaches the motors unchecked.
//!
//! What is done when something is missing:
//! * no release, or its end: the robot stands; a lost fleet lets it finish the release, then it stays;
//! * no news of a door or a lift: it is not entered; a robot inside a cabin still gets out;
//! * no localisation, no beams in a direction it moves to, a blind beam: the interlock stops it;
//! * a new boot: nothing of the old route counts;
//! * a hold was answered: nothing more is released in that epoch, because a release that was still under way would
//!   grow the route over what has been given back. The fleet goes on in a new epoch.
//!
//! Floats live here and end here: what the interlock decides on is integers, rounded to the safe side.
#![forbid(unsafe_code)]

mod angle;
mod black_box;
mod duty;
pub mod failsafe;
pub mod lamp;
mod link;
mod log;
pub mod mapping;
mod observation;
mod onboard;
mod orders;
pub mod packed;
mod perception;
mod route;
pub mod shadow;
mod tracker;
mod whereabouts;

pub use black_box::{BLACK_BOX_SPAN, INCIDENTS_MAX, Incident, ReplayError, Step};
pub use link::{Direction, Fate, Link, Lossy, Peripheral};
pub use log::Log;
pub use observation::{Beam, Observation};
pub use onboard::{Onboard, OnboardConfig};
pub use perception::SECTORS;
pub use sheepdog_interlock::{Base, Bounded, StopCategory};
