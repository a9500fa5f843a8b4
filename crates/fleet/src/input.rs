//! What goes into a fleet and what comes out of it.

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    ActorId, AgentId, FleetTime, JobId, LevelId, Micros, RuleId, StopCategory, StopGeneration, TaskId,
    WaypointId, ZoneId,
    wire::{Fact, PeripheralCommand, PeripheralReport, ResetStep, StopScope, ToAgent, ToFleet, Witness},
};
use sheepdog_dispatch::{FactError, Performers, Skill, Step, Task, TaskError};
use sheepdog_traffic::{Plan, Problem};
use std::{collections::BTreeSet, fmt};

use crate::config::Role;

/// One event. A fleet's state is a pure function of the sequence of these and their times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The process came back after a stop; what was lost on the way is sent again.
    Restarted {
        /// Counts the starts of this fleet.
        boot: u32,
    },
    /// Somebody wants something done.
    TaskRequested(TaskRequest),
    /// An agent speaks.
    FromAgent {
        /// Who.
        agent: AgentId,
        /// What.
        message: ToFleet,
    },
    /// A door, a lift or a machine speaks.
    FromPeripheral(PeripheralReport),
    /// The answer to [`Output::Plan`].
    Planned {
        /// The job.
        job: JobId,
        /// Its result.
        plan: Plan,
    },
    /// A reading that gates may wait for.
    Fact(Fact),
    /// A person steers the fleet.
    Operator {
        /// Who, with proof.
        actor: Actor,
        /// What.
        command: OperatorCommand,
    },
    /// A fire panel speaks.
    FireAlarm {
        /// What burns.
        scope: AlarmScope,
        /// Whether the panel reports an alarm, or none any more.
        active: bool,
        /// Which panel.
        source: String,
    },
    /// A sensor that guards a UV-C lamp speaks.
    Witness(Witness),
    /// The host says how full the storage of the ledger is.
    Storage {
        /// How full.
        level: StorageLevel,
    },
    /// Time passed: what [`Fleet::handle_timeout`](crate::Fleet::handle_timeout) logs.
    Tick,
}

/// What a fire alarm concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AlarmScope {
    /// The whole site.
    Site,
    /// A level.
    Level(LevelId),
    /// A zone, and its level with it.
    Zone(ZoneId),
}

impl fmt::Display for AlarmScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site => f.write_str("the whole site"),
            Self::Level(level) => write!(f, "{level}"),
            Self::Zone(zone) => write!(f, "{zone}"),
        }
    }
}

/// How full the storage of the ledger is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StorageLevel {
    /// Below 80 %.
    #[default]
    Normal,
    /// From 80 % on.
    High,
    /// From 90 % on.
    Critical,
    /// The budget is used up, or the disk took no more.
    Full,
}

impl StorageLevel {
    /// The level at `used` bytes of `budget`.
    ///
    /// ```
    /// # use sheepdog_fleet::StorageLevel;
    /// assert_eq!([79, 80, 90, 100].map(|used| StorageLevel::of(used, 100)), {
    ///     use StorageLevel::*;
    ///     [Normal, High, Critical, Full]
    /// });
    /// ```
    pub const fn of(used: u64, budget: u64) -> Self {
        let (used, budget) = (used as u128 * 100, budget as u128);
        if used < budget * 80 {
            Self::Normal
        } else if used < budget * 90 {
            Self::High
        } else if used < budget * 100 {
            Self::Critical
        } else {
            Self::Full
        }
    }
}

/// A wish, before the fleet has given it an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRequest {
    /// The requester's own name for it; a second request with the same name is the same task.
    pub name: String,
    /// How long from now until it should be done.
    pub within: Option<Micros>,
    /// Higher goes first.
    pub priority: u8,
    /// What the agent must be able to do.
    pub skills: BTreeSet<Skill>,
    /// Mass of the load in grams.
    pub payload_g: u32,
    /// Who may do it.
    pub performers: Performers,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
}

impl TaskRequest {
    /// The task that the request becomes when it is accepted at `now` under `id`.
    pub fn into_task(self, id: TaskId, now: FleetTime) -> Task {
        Task {
            id,
            name: self.name,
            requested: now,
            deadline: self.within.map(|within| now + within),
            priority: self.priority,
            skills: self.skills,
            payload_g: self.payload_g,
            performers: self.performers,
            steps: self.steps,
        }
    }
}

/// Who gives an operator input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Pseudonym.
    pub id: ActorId,
    /// The role the actor acts in.
    pub role: Role,
    /// The actor's secret. It is checked on the way in and never written down: the ledger only keeps whether it was
    /// right.
    pub proof: Vec<u8>,
}

/// What a person can tell the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorCommand {
    /// Stop and latch everybody in scope.
    Stop {
        /// Whom.
        scope: StopScope,
        /// How.
        category: StopCategory,
    },
    /// One of the two steps of a reset.
    Reset {
        /// The stop that is over.
        generation: StopGeneration,
        /// Acknowledge first, start second.
        step: ResetStep,
    },
    /// The task is not wanted any more.
    Cancel {
        /// Which.
        task: TaskId,
    },
    /// A step that waits for approval may go on.
    Approve {
        /// The task.
        task: TaskId,
        /// Index of the step.
        step: u32,
    },
    /// A robot was carried away: its claims are free.
    Remove {
        /// Which.
        agent: AgentId,
    },
    /// A robot that failed works again where it stands; what was released to it still holds.
    Resume {
        /// Which.
        agent: AgentId,
    },
    /// A decision is taken back, as far as nobody has acted on it: an award, a cancellation, an approval.
    Revert {
        /// Sequence number of its record.
        of: u64,
        /// Why.
        why: String,
    },
    /// A fire alarm is over: robots go on.
    EndFireAlarm {
        /// Which.
        scope: AlarmScope,
    },
    /// A robot that failed, or was carried away, stands ready at a waypoint again.
    Recover {
        /// Which.
        agent: AgentId,
        /// Where it stands.
        at: WaypointId,
    },
}

/// What the host is to do. Sequence numbers grow by one; doing one twice is harmless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Tell an agent.
    ToAgent {
        /// Whom.
        agent: AgentId,
        /// What.
        message: ToAgent,
    },
    /// Tell a door, a lift or a machine.
    ToPeripheral(PeripheralCommand),
    /// Run a plan job with [`Planner::plan`](sheepdog_traffic::Planner::plan) and answer [`Input::Planned`].
    Plan {
        /// The job.
        job: JobId,
        /// The question.
        problem: Problem,
        /// How many steps it may use.
        step_budget: u32,
    },
    /// Tell the operator.
    Alert(Alert),
}

/// What an operator must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The rule that asks for a person's attention.
    pub rule: RuleId,
    /// Whom it concerns.
    pub agent: Option<AgentId>,
    /// Which task it concerns.
    pub task: Option<TaskId>,
    /// What is the matter, in a sentence.
    pub text: String,
}

/// Why an input was refused. A refused input changes nothing but the ledger.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Time must not go backwards.
    #[error("input at {now} is older than the last one at {last}")]
    TimeWentBack {
        /// The time of the input.
        now: FleetTime,
        /// The time of the last one.
        last: FleetTime,
    },
    /// No such agent.
    #[error("agent {0} is not part of this fleet")]
    UnknownAgent(AgentId),
    /// No such task.
    #[error("task {0} is not known")]
    UnknownTask(TaskId),
    /// The task request breaks a rule.
    #[error("task request {name:?}: {error}")]
    Task {
        /// The requester's name for it.
        name: String,
        /// What is wrong with it.
        error: TaskError,
    },
    /// The requester's name stands for something else already.
    #[error("task request {name:?}: the name stands for task {task}, which is something else")]
    NameTaken {
        /// The name.
        name: String,
        /// The task it stands for.
        task: TaskId,
    },
    /// The reading cannot be kept.
    #[error("reading: {0}")]
    Fact(FactError),
    /// The result belongs to no question that is open.
    #[error("plan job {0} is not open")]
    UnknownJob(JobId),
    /// The actor is unknown, shows the wrong proof or acts in a role that is not theirs.
    #[error("actor {0} is not who they claim to be")]
    NotAuthentic(ActorId),
    /// The role may not do this.
    #[error("actor {actor} as {role:?} may not {command}")]
    NotAllowed {
        /// Who.
        actor: ActorId,
        /// In which role.
        role: Role,
        /// What.
        command: &'static str,
    },
    /// A reset must name the stop in force, and acknowledging comes before starting.
    #[error("reset of stop {named} does not fit: {reason}")]
    Reset {
        /// The generation named.
        named: StopGeneration,
        /// Why not.
        reason: &'static str,
    },
    /// A decision cannot be taken back.
    #[error("record {of} cannot be reverted: {reason}")]
    Revert {
        /// Sequence number of its record.
        of: u64,
        /// Why not.
        reason: &'static str,
    },
    /// A fire alarm cannot be ended.
    #[error("fire alarm for {scope} cannot be ended: {reason}")]
    Alarm {
        /// Which.
        scope: AlarmScope,
        /// Why not.
        reason: String,
    },
    /// The agent is not in a state in which this can be done.
    #[error("agent {agent} cannot be {command}: {reason}")]
    Agent {
        /// Which.
        agent: AgentId,
        /// What was asked.
        command: &'static str,
        /// Why not.
        reason: String,
    },
    /// The task is not in a state in which this can be done.
    #[error("task {task} cannot be {command}: {reason}")]
    TaskState {
        /// Which.
        task: TaskId,
        /// What was asked.
        command: &'static str,
        /// Why not.
        reason: &'static str,
    },
}
