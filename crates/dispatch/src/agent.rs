//! Who can do tasks: robots and people.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, FleetTime, MmPerS, Ppm, RuleId, TaskId, WaypointId};

/// Something an agent can do and a task may ask for, such as `uv` or `draw-blood`. Compared letter by letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skill(pub String);

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// A machine: it is told.
    Robot,
    /// A person who looks after machines and rooms: is asked.
    Technician,
    /// A person who looks after patients: is asked.
    Nurse,
}

impl AgentKind {
    /// Whether it is somebody who is asked and may decline, rather than a machine.
    pub const fn is_person(self) -> bool {
        match self {
            Self::Robot => false,
            Self::Technician | Self::Nurse => true,
        }
    }
}

impl fmt::Display for AgentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Robot => "robot",
            Self::Technician => "technician",
            Self::Nurse => "nurse",
        })
    }
}

/// What makes sure that an agent moves only where it may. Ledger and reports show it beside the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Our interlock on the robot: nothing moves without a permit.
    Permit,
    /// The robot's own controller follows our releases.
    ReleaseOnly,
    /// Nothing: a person decides.
    Advisory,
}

/// When a person works: from `from` until just before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// First instant of the shift.
    pub from: FleetTime,
    /// First instant after the shift.
    pub to: FleetTime,
}

/// A robot's energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Battery {
    /// State of charge.
    pub charge: Ppm,
    /// What must be left when the robot reaches a charger.
    pub reserve: Ppm,
    /// Upper bound of the use while on a task, driving or working: parts per million of the full battery per second.
    pub drain_ppm_per_s: u32,
}

/// Whether an agent may be given a task at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Idle and well.
    Available,
    /// On a task.
    Busy {
        /// The task.
        task: TaskId,
    },
    /// A person who was asked and has not answered.
    Asked {
        /// The task.
        task: TaskId,
    },
    /// Stopped for a safety rule; not yet reset.
    Stopped {
        /// The rule.
        rule: RuleId,
    },
    /// Not heard of for too long.
    Silent,
    /// Out of order until somebody repairs it.
    Failed,
    /// Taken out of the fleet.
    Removed,
    /// Said no; is not asked again before `until`.
    Declined {
        /// When asking is allowed again.
        until: FleetTime,
    },
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Available => f.write_str("available"),
            Self::Busy { task } => write!(f, "busy with task {task}"),
            Self::Asked { task } => write!(f, "asked about task {task} and has not answered"),
            Self::Stopped { rule } => write!(f, "stopped for rule {rule}"),
            Self::Silent => f.write_str("silent"),
            Self::Failed => f.write_str("out of order"),
            Self::Removed => f.write_str("taken out of the fleet"),
            Self::Declined { until } => write!(f, "declined, not asked again before {until}"),
        }
    }
}

/// A robot or person as the dispatcher sees it at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// Which one. Unique within a fleet; ties are broken by it.
    pub id: AgentId,
    /// Its name, for people.
    pub name: String,
    /// What it is.
    pub kind: AgentKind,
    /// What makes it keep to its releases.
    pub enforcement: Enforcement,
    /// What it can do.
    pub skills: BTreeSet<Skill>,
    /// The heaviest load it can carry, grams.
    pub payload_g: u32,
    /// When it works; `None` for always.
    pub shift: Option<Shift>,
    /// The waypoint it is at, or the next one it can turn at.
    pub at: WaypointId,
    /// How fast it travels where no lane limits it; zero never arrives.
    pub speed: MmPerS,
    /// Its footprint class as an index into [`CompiledSite::classes`](sheepdog_map::CompiledSite::classes); `None`
    /// fits wherever a lane is, as people do.
    pub class: Option<usize>,
    /// Its energy; `None` for agents that never run out.
    pub battery: Option<Battery>,
    /// Whether it may be given a task at once.
    pub availability: Availability,
}
