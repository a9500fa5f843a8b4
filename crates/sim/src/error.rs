//! Why a plant was refused.

use sheepdog_core::{AgentId, Micros, StationId, WaypointId};
use sheepdog_interlock::ConfigError;

use crate::plant::TICK_MAX;

/// Why a plant was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlantError {
    /// The tick is zero or above [`TICK_MAX`].
    #[error("tick {tick} is not within 0..={TICK_MAX}")]
    Tick {
        /// The tick.
        tick: Micros,
    },
    /// A machine is at a station that is not there, or is there twice.
    #[error("machine at {station}: there is no such station, or it has one already")]
    Machine {
        /// The station.
        station: StationId,
    },
    /// Two agents share an id.
    #[error("agent {agent} is there twice")]
    Twice {
        /// The id.
        agent: AgentId,
    },
    /// The settings of a robot's controller make no sense together.
    #[error("agent {agent}: {error}")]
    Settings {
        /// The robot.
        agent: AgentId,
        /// Which setting.
        error: ConfigError,
    },
    /// Somebody starts or walks at a waypoint that the site does not have.
    #[error("{who} is at {waypoint}, which the site does not have")]
    Waypoint {
        /// Who.
        who: String,
        /// The waypoint.
        waypoint: WaypointId,
    },
    /// A robot belongs to a footprint class that the site was not compiled for.
    #[error("agent {agent} is of footprint class {class}, the site has {classes}")]
    Class {
        /// The robot.
        agent: AgentId,
        /// Index of the class.
        class: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A speed or acceleration of a robot is zero, or a person cannot walk.
    #[error("{who} has a {quantity} of zero")]
    Zero {
        /// Who.
        who: String,
        /// Which quantity.
        quantity: &'static str,
    },
    /// The interlock of a robot counts on brakes that act sooner than its base's do.
    #[error(
        "agent {agent}: its brakes act after {delay}, its interlock counts on {assumed} (actuation_delay)"
    )]
    Actuation {
        /// The robot.
        agent: AgentId,
        /// [`Kinematics::delay`](crate::Kinematics::delay) of its base.
        delay: Micros,
        /// `actuation_delay` of its interlock.
        assumed: Micros,
    },
    /// A robot whose base does not turn on the spot has to.
    #[error(
        "agent {agent} has steered wheels and cannot turn at {at}, where its roadmap bends by 10° or more"
    )]
    Bend {
        /// The robot.
        agent: AgentId,
        /// Where.
        at: WaypointId,
    },
    /// A crowd of too many.
    #[error("crowd {crowd} is to have {wanted} people, the limit is {limit}")]
    Crowd {
        /// Index of the crowd.
        crowd: usize,
        /// How many people it is to have.
        wanted: u32,
        /// How many it may have.
        limit: u32,
    },
    /// A crowd without places to be, or without room there.
    #[error("crowd {crowd} has room for {room} of {wanted} people")]
    NoRoom {
        /// Index of the crowd.
        crowd: usize,
        /// How many people it is to have.
        wanted: u32,
        /// How many fit.
        room: u32,
    },
    /// A walker without a place to be.
    #[error("walker {walker} has no patrol")]
    NoPatrol {
        /// Index of the walker.
        walker: usize,
    },
}
