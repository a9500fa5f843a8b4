//! What the fleet writes into its ledger: every input, and every decision with its rule and evidence.

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    ActorId, AgentId, FleetTime, JobId, LaneId, ResourceId, RuleId, StopGeneration, TaskId, WaypointId,
    ZoneId,
    wire::{ResetOrder, StepToken, StopEvent, StopOrder},
};
use sheepdog_dispatch::{Agent, Decision, GateEvidence, Task};
use sheepdog_ledger::{Envelope, Kind};
use sheepdog_traffic::{Unserved, Withheld};

use crate::{
    config::FleetConfig,
    input::{AlarmScope, Alert, Input, OperatorCommand, StorageLevel},
};

/// The body of one envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// The first record: which fleet on which site, so that a ledger replays without anything beside it.
    Opened {
        /// The configuration.
        config: Box<FleetConfig>,
    },
    /// An event came in.
    Input(Input),
    /// The event above was refused.
    Refused {
        /// The reason as shown to whoever sent it.
        reason: String,
    },
    /// A request became a task.
    Accepted {
        /// Its id.
        task: TaskId,
        /// The requester's name for it.
        name: String,
    },
    /// Who does a task, and why not the others.
    Awarded {
        /// Which award of the task this is, counted from one.
        award: u32,
        /// The task as it was offered: the steps that remain, and to whom.
        task: Box<Task>,
        /// Winner, bids and refusals.
        decision: Box<Decision>,
        /// What was known about every agent when the decision was made.
        candidates: Vec<Agent>,
    },
    /// A task found nobody for now; written when the reasons change.
    Waiting {
        /// The task as it was offered.
        task: Box<Task>,
        /// Bids and refusals.
        decision: Box<Decision>,
        /// What was known about every agent.
        candidates: Vec<Agent>,
    },
    /// A plan was accepted.
    Planned {
        /// The job.
        job: JobId,
        /// Moves in it.
        moves: u32,
        /// Robots whose goal it does not reach.
        unserved: Vec<Unserved>,
    },
    /// A plan was refused.
    PlanRefused {
        /// The job.
        job: JobId,
        /// What the validator found.
        reason: String,
    },
    /// A release grew.
    Released {
        /// Whose.
        agent: AgentId,
        /// Index of the first new lane in the epoch's route.
        first: u32,
        /// The new lanes.
        lanes: Vec<LaneId>,
    },
    /// A robot's next move is withheld.
    Held {
        /// Whose.
        agent: AgentId,
        /// Which resource, who has it, which rule.
        withheld: Withheld,
        /// What the robot in front has, so that the reason can be checked.
        ahead: Ahead,
    },
    /// A robot's interlock ended or permitted motion.
    Stop {
        /// Whose.
        agent: AgentId,
        /// When, which rule and on what values.
        event: StopEvent,
    },
    /// A stop was ordered.
    StopOrdered(StopOrder),
    /// A step of a reset was taken.
    Reset(ResetOrder),
    /// A step waits for its gate.
    GateClosed {
        /// The task.
        task: TaskId,
        /// Index of the step.
        step: u32,
        /// The gate's rule.
        rule: RuleId,
        /// What is missing.
        detail: String,
    },
    /// A step's gates are open.
    GateOpened {
        /// The task.
        task: TaskId,
        /// Index of the step.
        step: u32,
        /// What opened them.
        evidence: Vec<GateEvidence>,
    },
    /// An agent was told to perform a step.
    StepStarted {
        /// Who.
        agent: AgentId,
        /// Which.
        token: StepToken,
    },
    /// A step is done.
    StepDone {
        /// Who.
        agent: AgentId,
        /// Which.
        token: StepToken,
    },
    /// A task is done.
    Done {
        /// Which.
        task: TaskId,
        /// Who finished it.
        agent: AgentId,
    },
    /// A task was cancelled.
    Cancelled {
        /// Which.
        task: TaskId,
    },
    /// A task was taken from an agent.
    Withdrawn {
        /// Which.
        task: TaskId,
        /// From whom.
        agent: AgentId,
        /// Why.
        rule: RuleId,
        /// Where a person must fetch the load, when it was on board.
        custody: Option<WaypointId>,
    },
    /// An agent's standing changed.
    Agent {
        /// Who.
        agent: AgentId,
        /// The rule.
        rule: RuleId,
        /// How, in a sentence.
        text: String,
    },
    /// The operator was told.
    Alert(Alert),
    /// A robot's next move leads into a stopped area.
    Barred {
        /// Whose.
        agent: AgentId,
        /// The lanes of the move.
        lanes: Vec<LaneId>,
        /// The stop.
        stop: StopOrder,
    },
    /// A fire alarm began.
    FireAlarm {
        /// What burns.
        scope: AlarmScope,
        /// Who reported it first.
        source: String,
    },
    /// A person ended a fire alarm.
    FireEnded {
        /// Which.
        scope: AlarmScope,
        /// Who.
        by: ActorId,
    },
    /// A UV-C lamp gets leave, or not any more, or still not for another reason.
    Lamp {
        /// The room.
        room: ZoneId,
        /// The robot with the lamp.
        agent: AgentId,
        /// The rule that forbids it; `None` with leave.
        refused: Option<RuleId>,
        /// Why, in a sentence.
        reason: String,
        /// Dose of the last 8 h, mJ/m².
        dose_mj_per_m2: u64,
    },
    /// A person approved a step.
    Approved {
        /// The task.
        task: TaskId,
        /// Index of the step.
        step: u32,
        /// In which role.
        role: String,
        /// Who.
        by: ActorId,
    },
    /// A person took a decision back.
    Revert {
        /// Sequence number of the record of the decision.
        of: u64,
        /// Why.
        why: String,
        /// Who.
        by: ActorId,
    },
    /// The storage of the ledger is fuller or emptier than before.
    Storage {
        /// How full.
        level: StorageLevel,
        /// Whether robots park for it.
        parked: bool,
    },
    /// A stop in force was ordered again under a higher number; the old number is over.
    StopRenumbered {
        /// Its old number.
        was: StopGeneration,
        /// What is in force instead.
        order: StopOrder,
        /// The robot that remembers stops up to the old number, or beyond.
        agent: AgentId,
        /// The highest stop it remembers.
        remembers: StopGeneration,
    },
}

impl Record {
    /// The kind of [`Record::Held`].
    pub const HELD: Kind = Kind(10);
    /// The kind of [`Record::Stop`].
    pub const STOP: Kind = Kind(11);
    /// The kind of [`Record::Done`].
    pub const DONE: Kind = Kind(18);

    /// The kind under which the envelope is filed.
    pub fn kind(&self) -> Kind {
        Kind(match self {
            Self::Opened { .. } => 1,
            Self::Input(input) => kind_of_input(input),
            Self::Refused { .. } => 3,
            Self::Accepted { .. } => 4,
            Self::Awarded { .. } => 5,
            Self::Waiting { .. } => 6,
            Self::Planned { .. } => 7,
            Self::PlanRefused { .. } => 8,
            Self::Released { .. } => 9,
            Self::Held { .. } => Self::HELD.0,
            Self::Stop { .. } => Self::STOP.0,
            Self::StopOrdered(_) => 12,
            Self::Reset(_) => 13,
            Self::GateClosed { .. } => 14,
            Self::GateOpened { .. } => 15,
            Self::StepStarted { .. } => 16,
            Self::StepDone { .. } => 17,
            Self::Done { .. } => Self::DONE.0,
            Self::Cancelled { .. } => 19,
            Self::Withdrawn { .. } => 20,
            Self::Agent { .. } => 21,
            Self::Alert(_) => 22,
            Self::Barred { .. } => 23,
            Self::FireAlarm { .. } => 24,
            Self::FireEnded { .. } => 25,
            Self::Storage { .. } => 26,
            Self::Lamp { .. } => 27,
            Self::Approved { .. } => 28,
            Self::Revert { .. } => 29,
            Self::StopRenumbered { .. } => 30,
        })
    }

    /// The configuration, if this is the opening record.
    pub fn opened(&self) -> Option<&FleetConfig> {
        if let Self::Opened { config } = self { Some(config) } else { None }
    }

    /// The rule the record cites.
    pub fn rule(&self) -> Option<RuleId> {
        match self {
            Self::Awarded { decision, .. } | Self::Waiting { decision, .. } => Some(decision.outcome.rule()),
            Self::PlanRefused { .. } => Some(crate::rules::PLAN_REFUSED),
            Self::Held { withheld, .. } => Some(withheld.rule),
            Self::Barred { .. } => Some(crate::rules::STOPPED_AREA),
            Self::Stop { event, .. } => Some(event.evidence.rule),
            Self::StopOrdered(_) | Self::Reset(_) => Some(crate::rules::STOP_ORDERED),
            Self::StopRenumbered { .. } => Some(crate::rules::STOP_NUMBER),
            Self::GateClosed { rule, .. } | Self::Withdrawn { rule, .. } | Self::Agent { rule, .. } => {
                Some(*rule)
            }
            Self::Alert(alert) => Some(alert.rule),
            Self::FireAlarm { .. } | Self::FireEnded { .. } => Some(crate::rules::FIRE_ALARM),
            Self::Revert { .. } => Some(crate::rules::REVERTED),
            Self::Lamp { refused, .. } => Some(refused.unwrap_or(crate::rules::UVC_EVIDENCE)),
            Self::Storage { level, .. } => Some(match level {
                StorageLevel::Normal | StorageLevel::High => crate::rules::STORAGE_HIGH,
                StorageLevel::Critical => crate::rules::STORAGE_CRITICAL,
                StorageLevel::Full => crate::rules::STORAGE_FULL,
            }),
            Self::Opened { .. }
            | Self::Input(_)
            | Self::Refused { .. }
            | Self::Accepted { .. }
            | Self::Planned { .. }
            | Self::Released { .. }
            | Self::GateOpened { .. }
            | Self::Approved { .. }
            | Self::StepStarted { .. }
            | Self::StepDone { .. }
            | Self::Done { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// Canonical bytes (postcard).
    ///
    /// # Errors
    /// [`RecordError`] if a collection is too long to encode, which no record of a fleet is.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        postcard::to_allocvec(self).map_err(|error| RecordError { seq: None, error: error.to_string() })
    }

    /// Reads the body of an envelope.
    ///
    /// # Errors
    /// [`RecordError`] if the body is not a record of this version.
    pub fn decode(envelope: &Envelope) -> Result<Self, RecordError> {
        let failed = |error: String| RecordError { seq: Some(envelope.seq), error };
        let bytes = envelope.bytes().ok_or_else(|| failed("its body was left out".to_owned()))?;
        postcard::from_bytes(bytes).map_err(|error| failed(error.to_string()))
    }
}

/// Inputs in the words of people are filed apart from those of machines, so that an export can leave out just them.
fn kind_of_input(input: &Input) -> u16 {
    match input {
        Input::TaskRequested(_)
        | Input::Fact(_)
        | Input::FireAlarm { .. }
        | Input::Witness(_)
        | Input::Operator { command: OperatorCommand::Revert { .. }, .. } => 2,
        Input::Restarted { .. }
        | Input::Storage { .. }
        | Input::FromAgent { .. }
        | Input::FromPeripheral(_)
        | Input::Planned { .. }
        | Input::Operator { .. }
        | Input::Tick => 32,
    }
}

/// Whether records of a kind may hold a person's name or words: names of agents (opening, awards, alerts), names of
/// tasks, and what readings say and where they come from. An export that leaves out these bodies names nobody;
/// operators stand in the others by pseudonym alone.
///
/// Kinds that nobody has thought about count as naming people.
pub const fn may_name_people(kind: Kind) -> bool {
    // Planned, PlanRefused, Released, Held, Stop, StopOrdered, Reset; StepStarted, StepDone, Done, Cancelled,
    // Withdrawn, Agent; Barred; StopRenumbered; inputs of machines; what robots write in ledgers of their own. Their texts are made of ids
    // and numbers.
    !matches!(kind.0, 7..=13 | 16..=21 | 23 | 30 | 32 | 64..=69)
}

/// What a robot holds and where it is bound for, as evidence for whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// Resources it holds.
    pub holds: Vec<ResourceId>,
    /// Lanes it has been granted or is queued for, in order.
    pub lanes: Vec<LaneId>,
}

/// A body that cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {}: {error}", seq.map_or_else(|| "to be written".to_owned(), |seq| seq.to_string()))]
pub struct RecordError {
    /// Sequence number of the envelope.
    pub seq: Option<u64>,
    /// What is wrong with it.
    pub error: String,
}

/// A record with the time and place it has in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Sequence number.
    pub seq: u64,
    /// When, on the fleet's clock.
    pub time: FleetTime,
    /// What.
    pub record: Record,
}

impl Entry {
    /// Decodes every envelope.
    ///
    /// # Errors
    /// [`RecordError`] naming the first envelope whose body is not a record.
    pub fn decode_all(envelopes: &[Envelope]) -> Result<Vec<Self>, RecordError> {
        envelopes
            .iter()
            .map(|envelope| {
                Ok(Self { seq: envelope.seq, time: envelope.time, record: Record::decode(envelope)? })
            })
            .collect()
    }
}
