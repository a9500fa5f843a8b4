//! What the executor answers, refuses and hands out as a snapshot.

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, LaneId, Mm, ResourceId, RuleId, WaypointId};

use crate::Lanes;

#[cfg(doc)]
use crate::{Executor, TRF_001, TRF_010, TRF_011, TRF_012, TRF_013};

/// A release: lanes that a robot may now drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub agent: AgentId,
    /// Index of the first lane, counted from [`Executor::place`].
    pub first: u32,
    /// The lanes.
    pub lanes: Lanes,
}

/// Why a robot's next move is not granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Who waits.
    pub agent: AgentId,
    /// The move that is withheld.
    pub next_lanes: Vec<LaneId>,
    /// The first resource it lacks.
    pub resource: ResourceId,
    /// Who holds the resource, or whose turn comes first; or the mover that nobody plans for.
    pub by: AgentId,
    /// The rule: [`TRF_001`]; [`TRF_011`] or [`TRF_012`] when it is because of a mover that nobody plans for,
    /// [`TRF_013`] when such a mover is to wait.
    pub rule: RuleId,
}

/// A robot that was put before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overtaking {
    /// Who goes first now.
    pub agent: AgentId,
    /// Whose turn came first before.
    pub by: AgentId,
    /// Where.
    pub resource: ResourceId,
    /// How many of the robot's moves were put in front.
    pub moves: u32,
    /// The rule: [`TRF_010`].
    pub rule: RuleId,
}

/// How far a mover that nobody plans for takes part in the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Integration {
    /// Nothing is withheld for it: it is known, and keeps out of the robots' way by itself.
    Ignored,
    /// What it is on is withheld.
    Noticed,
    /// What it is on and what it will be on is withheld: it has the right of way.
    Respected,
    /// It asks before it enters and waits until it may: its whole way at once, when nobody holds a part
    /// of it, to where nobody has a turn.
    Utilised,
}

/// A mover that nobody plans for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outsider {
    /// How far it takes part.
    pub integration: Integration,
    /// What it is on: the claims of a footprint class that covers it, where it may be.
    pub on: Vec<ResourceId>,
    /// What it will be on, or asks for: its whole way to where it can stay.
    pub next: Vec<ResourceId>,
    /// What of this it keeps at the end of its way.
    pub stays: Vec<ResourceId>,
}

/// Why a mover that nobody plans for is not taken as it asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutsiderError {
    /// It is a robot that is planned for.
    #[error("{agent} is a robot that is planned for")]
    Robot {
        /// The robot.
        agent: AgentId,
    },
    /// It has to wait.
    #[error("{} may not enter {} because of {} ({})", .0.agent, .0.resource, .0.by, .0.rule)]
    Withheld(Withheld),
}

/// Why a robot cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It stands somewhere already.
    #[error("robot {agent} is placed already")]
    Placed {
        /// The robot.
        agent: AgentId,
    },
    /// It stands nowhere.
    #[error("robot {agent} is not placed")]
    NotPlaced {
        /// The robot.
        agent: AgentId,
    },
    /// The site has no such footprint class or waypoint.
    #[error("the site has no footprint class {class} or no waypoint {at}")]
    Unknown {
        /// The class.
        class: usize,
        /// The waypoint.
        at: WaypointId,
    },
    /// Another robot holds what the place claims.
    #[error("{resource} at {at} is held by robot {by}")]
    Held {
        /// The waypoint.
        at: WaypointId,
        /// The resource.
        resource: ResourceId,
        /// Who holds it.
        by: AgentId,
    },
    /// A pending move will claim what the place claims; [`Executor::drop_pending`] first.
    #[error("{resource} at {at} is awaited by robot {by}")]
    Awaited {
        /// The waypoint.
        at: WaypointId,
        /// The resource.
        resource: ResourceId,
        /// Whose move awaits it.
        by: AgentId,
    },
}

/// Why a plan cannot be appended. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The robot of a move is not placed.
    #[error("move {index}: robot {agent} is not placed")]
    NotPlaced {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
    },
    /// A move does not start where the robot will rest, is too narrow, or ends where nobody may stop.
    #[error("move {index}: robot {agent} at {at} cannot make it")]
    NoWay {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// Where it will rest before the move.
        at: WaypointId,
    },
    /// A move claims what another robot will hold at rest.
    #[error("move {index}: robot {agent} needs {resource}, where robot {by} will rest")]
    Conflict {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// The resource.
        resource: ResourceId,
        /// Who will hold it.
        by: AgentId,
    },
    /// The certificate failed: the moves could not all be carried out. Never seen; the check costs little.
    #[error("the moves wait for each other")]
    Cyclic,
}

/// Why an answer to a hold is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShrinkError {
    /// The robot is not placed.
    #[error("robot {agent} is not placed")]
    NotPlaced {
        /// The robot.
        agent: AgentId,
    },
    /// The robot has completed more, or was never granted as much.
    #[error("robot {agent} cannot stop after {lanes} lanes, outside {done}..={granted}")]
    OutOfRange {
        /// The robot.
        agent: AgentId,
        /// What it said.
        lanes: u32,
        /// Lanes it has completed.
        done: u32,
        /// Lanes it was granted.
        granted: u32,
    },
}

/// Why a snapshot is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A robot's class, waypoint or lanes are not of this site, or it is there twice.
    #[error("robot {agent} does not fit the site")]
    Unknown {
        /// The robot.
        agent: AgentId,
    },
    /// The state breaks an invariant.
    #[error(transparent)]
    Inconsistent(#[from] VerifyError),
}

/// A broken invariant. It means a defect in this crate or a forged snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A robot does not hold exactly what it needs, or two robots hold the same.
    #[error("{resource} should be held by robot {agent} alone")]
    Exclusion {
        /// The robot.
        agent: AgentId,
        /// The resource.
        resource: ResourceId,
    },
    /// Some pending moves can never be carried out, however long one waits.
    #[error("{pending} pending moves wait for each other or for a robot at rest")]
    Stuck {
        /// How many.
        pending: usize,
    },
}

/// State of an [`Executor`] as plain data; the site is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The robots, sorted by agent.
    pub tracks: Vec<(AgentId, TrackSnapshot)>,
    /// Robots to look at in the next grant, sorted.
    pub awake: Vec<AgentId>,
    /// The number of the next move.
    pub next_number: u64,
    /// The horizon of the last grant.
    pub horizon: Mm,
    /// Movers that nobody plans for, sorted.
    pub outsiders: Vec<(AgentId, Outsider)>,
}

/// One robot of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackSnapshot {
    /// Footprint class.
    pub class: usize,
    /// Lanes completed since it was placed.
    pub done: u32,
    /// The waypoint after those lanes.
    pub at: WaypointId,
    /// Granted moves that are not completed: number and lanes left.
    pub granted: Vec<(u64, Vec<LaneId>)>,
    /// Pending moves: number and lanes; no lanes for a visit.
    pub pending: Vec<(u64, Vec<LaneId>)>,
}
