//! Everything about a fleet that can change a later output.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    ActorId, AgentId, Epoch, FleetTime, JobId, LaneId, Micros, Mm, ResourceId, RuleId, SiteVersion,
    StationId, StopGeneration, TaskId, WaypointId, ZoneId,
    wire::{DoorState, Motion, PeripheralCommand, Pose, ResetOrder, ResetStep, StepToken, StopOrder},
};
use sheepdog_dispatch::{Agent, Facts, Task};
use sheepdog_ledger::Ledger;
use sheepdog_traffic::Problem;

use crate::{
    input::{AlarmScope, Output, StorageLevel},
    machines::Machine,
    reverting::Decided,
    uvc::Treatment,
};

/// The part of a [`Fleet`](crate::Fleet) that a snapshot carries, beside the dependency graph.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) now: FleetTime,
    pub(crate) boot: u32,
    pub(crate) agents: BTreeMap<AgentId, AgentState>,
    pub(crate) tasks: BTreeMap<TaskId, TaskState>,
    /// Tasks that are not over, so that no timer walks through a year of finished ones.
    pub(crate) open: BTreeSet<TaskId>,
    /// Tasks by the requester's name, with a digest of what was asked for.
    pub(crate) names: BTreeMap<String, (TaskId, [u8; 32])>,
    pub(crate) next_task: u64,
    pub(crate) facts: Facts,
    pub(crate) planning: Planning,
    pub(crate) doors: Vec<PassageState>,
    pub(crate) lifts: Vec<PassageState>,
    pub(crate) stops: Vec<ActiveStop>,
    /// The number of the newest stop that was ordered.
    pub(crate) generation: StopGeneration,
    /// The highest stop that any robot has ever said it knows: the next one is above it.
    pub(crate) remembered: StopGeneration,
    /// Fire alarms that no person has ended.
    pub(crate) alarms: BTreeMap<AlarmScope, FireAlarm>,
    pub(crate) storage: Storage,
    /// Rooms that are treated with UV-C light.
    pub(crate) lamps: BTreeMap<ZoneId, LampState>,
    /// What loads and unloads robots.
    pub(crate) machines: BTreeMap<StationId, Machine>,
    /// What can be reverted, by the number of its record.
    pub(crate) decided: BTreeMap<u64, Decided>,
    pub(crate) next_beat: FleetTime,
    /// Something happened that may let a waiting task find an agent.
    pub(crate) dispatch_due: bool,
    /// A door, lift or machine may be wanted otherwise than before.
    pub(crate) peripherals_due: bool,
    /// Something happened that may let a withheld move be granted.
    pub(crate) grants_due: bool,
    pub(crate) ledger: Ledger,
    pub(crate) outputs: VecDeque<(u64, Output)>,
    pub(crate) next_output: u64,
}

/// An agent as the fleet sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AgentState {
    /// What dispatch needs to know; its place and availability are kept up to date.
    pub(crate) profile: Agent,
    pub(crate) standing: Standing,
    pub(crate) seen: FleetTime,
    pub(crate) job: Option<StepToken>,
    pub(crate) errand: Errand,
    /// Where a robot that parks goes because it is in a way out.
    pub(crate) refuge: Option<WaypointId>,
    pub(crate) declined_until: Option<FleetTime>,
    /// A task whose load is on board though the task is not the agent's any more: it stays until a person has it.
    pub(crate) burden: Option<TaskId>,
    /// `Some` for robots.
    pub(crate) robot: Option<RobotState>,
}

/// Whether an agent can be counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Heard of lately and well.
    Well,
    /// Not heard of for a while.
    Silent,
    /// Not heard of for too long.
    Lost,
    /// Reported a failure.
    Failed,
    /// Carried away.
    Removed,
}

/// What a robot does when no task needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Errand {
    /// Nothing.
    None,
    /// On its way to a charger, or charging there.
    Charge(WaypointId),
}

/// What only robots have.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RobotState {
    pub(crate) class: usize,
    pub(crate) epoch: Epoch,
    pub(crate) origin: WaypointId,
    /// Released lanes of the epoch.
    pub(crate) route: Vec<LaneId>,
    pub(crate) done: u32,
    /// How many lanes the robot says it knows.
    pub(crate) known: u32,
    /// The robot's boot by its last report; `None` before the first.
    pub(crate) boot: Option<u32>,
    pub(crate) report_seq: u32,
    /// Site and pose error of the last report: what its pose is worth.
    pub(crate) proof: (SiteVersion, Mm),
    pub(crate) stop_seq: u32,
    pub(crate) pose: Pose,
    pub(crate) motion: Motion,
    pub(crate) stopped_since: Option<FleetTime>,
    /// Others are planned around it; it was asked to hold.
    pub(crate) stalled: bool,
    /// Whether it has to give back what it does not need of its release.
    pub(crate) hold: Hold,
    pub(crate) stop_ack: StopGeneration,
    pub(crate) reset_ack: Option<ResetOrder>,
    /// Last withheld move written to the ledger: route length, resource, holder.
    pub(crate) held: Option<(u32, ResourceId, AgentId)>,
    /// The room treated with UV-C that was last written to the ledger as keeping the robot out.
    pub(crate) waits_for_lamp: Option<ZoneId>,
    /// The last stop that was written to the ledger as keeping the robot from where its way leads.
    pub(crate) barred: Option<StopGeneration>,
    pub(crate) beat: u32,
    /// The storage of its own ledger.
    pub(crate) storage: Storage,
}

/// Whether a robot has to give back what it does not need of its release in this epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Hold {
    /// It was not asked to.
    #[default]
    No,
    /// It was asked, and has perhaps given it back already: it is asked until it answers.
    Asked,
    /// It has: nothing more is released in this epoch, and the next begins where this one ends.
    Answered,
}

/// A task and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaskState {
    pub(crate) task: Task,
    pub(crate) phase: Phase,
    /// How often it was awarded.
    pub(crate) awards: u32,
    /// Next step.
    pub(crate) step: u32,
    /// Whoever has the load.
    pub(crate) loaded: Option<AgentId>,
    /// Only people may take it, because a load must be fetched.
    pub(crate) custody: bool,
    /// Reasons why nobody took it, as last written to the ledger.
    pub(crate) waiting: Option<Vec<(AgentId, RuleId)>>,
    /// Who approved which step in which role.
    pub(crate) approvals: BTreeMap<(u32, String), ActorId>,
    /// The step whose gates were last written to the ledger, and the rule that kept them closed, if any.
    pub(crate) gate: Option<(u32, Option<RuleId>)>,
    pub(crate) alerted: bool,
    /// The award and step that were reported as late.
    pub(crate) late: Option<(u32, u32)>,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Nobody has it.
    Pending,
    /// A person was asked.
    Asked { agent: AgentId, until: FleetTime },
    /// An agent is on its way to the next step, or waits for its gate.
    Travelling { agent: AgentId, since: FleetTime },
    /// An agent performs the step.
    Performing { agent: AgentId, since: FleetTime },
    /// Done.
    Done { agent: AgentId },
    /// Not wanted any more.
    Cancelled,
}

impl Phase {
    /// Who has the task, if anybody.
    pub(crate) const fn agent(self) -> Option<AgentId> {
        match self {
            Self::Asked { agent, .. }
            | Self::Travelling { agent, .. }
            | Self::Performing { agent, .. }
            | Self::Done { agent } => Some(agent),
            Self::Pending | Self::Cancelled => None,
        }
    }

    /// Whether nothing more will happen to the task.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Done { .. } | Self::Cancelled)
    }
}

/// Plan jobs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Planning {
    /// The world has changed since the last question.
    pub(crate) due: bool,
    /// Not before this instant: a plan is not worth making for every single event.
    pub(crate) not_before: FleetTime,
    /// How long after a plan the next one is asked for only because robots wait for each other.
    pub(crate) improve_after: Micros,
    pub(crate) open: Option<OpenJob>,
    pub(crate) next_job: u64,
    /// Robots whose goal the last plan did not reach: asked again when somebody has moved.
    pub(crate) unserved: BTreeSet<AgentId>,
    /// Robots of whose way the last plan covered only what comes first.
    pub(crate) ahead: BTreeSet<AgentId>,
}

/// A question that the host has not answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OpenJob {
    pub(crate) job: JobId,
    pub(crate) asked: FleetTime,
    pub(crate) problem: Problem,
    /// Who has finished a step since, once for each step.
    pub(crate) finished: Vec<AgentId>,
}

/// A door or lift as last reported and as last commanded.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct PassageState {
    pub(crate) level: sheepdog_core::LevelId,
    pub(crate) state: DoorState,
    pub(crate) commanded: Option<PeripheralCommand>,
    pub(crate) commanded_at: FleetTime,
    /// When it was heard of last.
    pub(crate) heard: FleetTime,
    /// It has been heard of since the fleet started: only then `state` is more than a guess.
    pub(crate) is_known: bool,
    /// Since when a robot at its sill waits for it.
    pub(crate) waited_for: Option<FleetTime>,
    /// A robot has waited too long: closed to planning since then.
    pub(crate) overdue: Option<FleetTime>,
}

/// A room that is treated with UV-C light.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LampState {
    pub(crate) treatment: Treatment,
    /// What was last written to the ledger about the lamp.
    pub(crate) said: Option<Leave>,
}

/// Whether a lamp may be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Leave {
    /// It may.
    Given,
    /// A rule forbids it.
    Refused(RuleId),
}

/// The storage of a ledger.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Storage {
    pub(crate) level: StorageLevel,
    /// It was critical and has not been normal since: robots park.
    pub(crate) parks: bool,
}

impl Storage {
    /// Takes in how full it is; whether that changes who parks.
    pub(crate) fn set(&mut self, level: StorageLevel) -> bool {
        self.level = level;
        let parks = match level {
            StorageLevel::Normal => false,
            StorageLevel::High => self.parks,
            StorageLevel::Critical | StorageLevel::Full => true,
        };
        std::mem::replace(&mut self.parks, parks) != parks
    }
}

/// A fire alarm from its first report until a person ends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FireAlarm {
    pub(crate) since: FleetTime,
    /// Who reports it and has not said that it is over.
    pub(crate) sources: BTreeSet<String>,
    /// How often the operator was told who is in a way out.
    pub(crate) alerts: u32,
}

/// A stop from its order until everybody whom it stopped has been started again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ActiveStop {
    pub(crate) order: StopOrder,
    pub(crate) since: FleetTime,
    /// How often the operator was told who has not acknowledged it.
    pub(crate) alerts: u32,
    /// The last reset step a person took, with the person.
    pub(crate) reset: Option<ResetOrder>,
    /// Whom it holds: everybody who was in its scope at any time before the start, wherever they are now, and who has
    /// not confirmed the start.
    pub(crate) members: BTreeSet<AgentId>,
}

impl ActiveStop {
    /// Whether a person has ordered the start: the scope is open again, though not everybody may have heard.
    pub(crate) fn is_started(&self) -> bool {
        self.reset.is_some_and(|reset| reset.step == ResetStep::Start)
    }
}
