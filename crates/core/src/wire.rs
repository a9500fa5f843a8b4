//! The messages between a fleet and its agents, doors, lifts and machines.
//!
//! Three kinds go to a robot. A [`Release`] says how far along its route it may go and only grows within an
//! [`Epoch`]; a [`StopOrder`] is repeated until acknowledged; a [`Beat`] proves that the fleet is alive. Loss,
//! duplication and reordering of any of them are harmless.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

pub use crate::evidence::{Evidence, Relation};
use crate::{
    ActorId, AgentId, DoorId, Epoch, LaneId, LevelId, LiftId, Micros, Mm, Ppm, RobotTime, RuleId,
    SiteVersion, StationId, StopCategory, StopGeneration, TaskId, WaypointId, ZoneId,
};

/// Where something is, in integers: the coordinator does no float arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pose {
    /// The level whose `map` frame the coordinates are in.
    pub level: LevelId,
    /// Millimetres along x.
    pub x_mm: i32,
    /// Millimetres along y.
    pub y_mm: i32,
    /// Milliradians counter-clockwise from x.
    pub yaw_mrad: i32,
}

/// How far along its route a robot may go.
///
/// A route is the list of lanes of one epoch, counted from zero; it starts at `origin`. The message carries the
/// lanes `first..first + lanes.len()`; a robot that lacks the lanes before `first` ignores it and reports how far
/// its list reaches, so the fleet sends the missing part again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The start of the robot's software that it is for, by its last report. A robot that has started anew since ignores it:
    /// what was released to it before may be somebody else's by now.
    pub boot: u32,
    /// The epoch the route belongs to; a robot ignores older ones.
    pub epoch: Epoch,
    /// The waypoint at which the epoch's route starts.
    pub origin: WaypointId,
    /// Index of the first lane in `lanes`.
    pub first: u32,
    /// Released lanes from `first` on.
    pub lanes: Vec<LaneId>,
    /// The site the lane ids belong to; a robot with another site refuses the release.
    pub site: SiteVersion,
}

/// Whom a stop concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StopScope {
    /// Everybody.
    Site,
    /// Everybody on one level, and in a lift that serves it.
    Level(LevelId),
    /// One agent.
    Agent(AgentId),
    /// Everybody in one zone.
    Zone(ZoneId),
}

impl fmt::Display for StopScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site => write!(f, "the whole site"),
            Self::Level(level) => write!(f, "{level}"),
            Self::Agent(agent) => write!(f, "agent {agent}"),
            Self::Zone(zone) => write!(f, "{zone}"),
        }
    }
}

/// Stop, latched until reset. Repeated in every beat until acknowledged; the highest generation wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopOrder {
    /// Whom it concerns.
    pub scope: StopScope,
    /// How motion ends.
    pub category: StopCategory,
    /// Running number; a reset names it.
    pub generation: StopGeneration,
}

/// One of the two steps after a stop: acknowledging it, or starting again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetOrder {
    /// The stop that is over.
    pub generation: StopGeneration,
    /// The person who says so.
    pub actor: ActorId,
    /// Which of the two steps this is.
    pub step: ResetStep,
}

/// The two steps of a reset: neither alone moves a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResetStep {
    /// The latch is released; the robot stays stopped.
    Acknowledge,
    /// The robot may move again once its interlock agrees.
    Start,
}

/// A doorway or a lift door at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Passage {
    /// A door.
    Door(DoorId),
    /// A lift's door at one level; open only while the cabin stands there.
    Lift(LiftId, LevelId),
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Door(door) => write!(f, "{door}"),
            Self::Lift(lift, level) => write!(f, "{lift} at {level}"),
        }
    }
}

/// Proof that the fleet is alive, and what it knows that a robot needs before it enters a passage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Counts the starts of the fleet's software.
    pub boot: u32,
    /// Running number within the boot.
    pub seq: u32,
    /// Passages on the released route that their own sensors say are open.
    pub open: Vec<Passage>,
    /// Passages on the levels of that route that their own sensors say are shut, or on their way: leaves stand in them.
    /// What is in neither list may be anything.
    pub shut: Vec<Passage>,
    /// The stop in force that this robot has not acknowledged.
    pub stop: Option<StopOrder>,
    /// The last reset step for this robot.
    pub reset: Option<ResetOrder>,
}

/// What an agent does at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Take a load on board.
    Load,
    /// Hand a load over.
    Unload,
    /// Be there and work: disinfect, inspect, attend to somebody.
    Attend,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Unload => "unload",
            Self::Attend => "attend",
        })
    }
}

/// Do one step of a task. Repeated until reported done; a duplicate is recognised by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Perform {
    /// The token that says which award, and which step of it, this is.
    pub token: StepToken,
    /// What to do.
    pub action: Action,
    /// Where to do it.
    pub place: WaypointId,
    /// How long it takes at least.
    pub duration: Micros,
}

/// Fencing token of a step: an agent whose award was taken away cannot report a step that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepToken {
    /// The task.
    pub task: TaskId,
    /// How often the task has been awarded, counted from one.
    pub award: u32,
    /// Index of the step within the task.
    pub step: u32,
}

/// What a source looks at that guards a UV-C lamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// The room: clear means that nobody is in it.
    Room,
    /// A door: clear means that it is closed.
    Door(DoorId),
}

/// What a source saw of a room that is treated with UV-C.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The room.
    pub room: ZoneId,
    /// The sensor.
    pub source: String,
    /// What it looks at.
    pub subject: Subject,
    /// Whether the room is empty, or the door closed.
    pub clear: bool,
    /// How old that was when it was sent.
    pub age: Micros,
}

/// A lamp asks for leave to be on, or to stay on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LampAsk {
    /// The room it treats.
    pub room: ZoneId,
    /// Which start of the lamp's software this is: its clock begins anew with each.
    pub boot: u32,
    /// The lamp's clock.
    pub asked: RobotTime,
}

/// Leave for a lamp, or its withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LampLease {
    /// The question that it answers.
    pub ask: LampAsk,
    /// Running number within the room; the highest counts.
    pub number: u32,
    /// How long it lasts from the instant of the question on the lamp's clock; zero withdraws.
    pub life: Micros,
}

/// Fleet to agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToAgent {
    /// How far a robot may go.
    Release(Release),
    /// Asks a robot to shrink its release; it answers [`ToFleet::StoppableAt`].
    Hold(Epoch),
    /// Stop and latch.
    Stop(StopOrder),
    /// One step of a reset.
    Reset(ResetOrder),
    /// The fleet is alive.
    Beat(Beat),
    /// Do a step at the place where the agent is (robots) or go there and do it (people).
    Perform(Perform),
    /// Asks a person to take a task; answered by [`ToFleet::Answer`].
    Ask(Perform),
    /// The step or question is withdrawn.
    Withdraw(StepToken),
    /// Leave for the agent's UV-C lamp, or its withdrawal.
    Lamp(LampLease),
}

/// What a robot is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Motion {
    /// At rest: nothing released, or waiting for a passage.
    Waiting,
    /// Following its route.
    Moving,
    /// Performing a step.
    Performing,
    /// Stopped by its interlock for the named rule; it will resume by itself.
    Stopped(RuleId),
    /// Stopped and latched for the named rule; a person must reset it.
    Latched(RuleId),
    /// Out of order until somebody repairs it.
    Failed,
}

/// The moment a robot's interlock stopped it, or let it go again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopEvent {
    /// Running number on the robot; the fleet keeps each once.
    pub seq: u32,
    /// When, on the robot's clock.
    pub at: RobotTime,
    /// `true` when motion ended, `false` when it was permitted again.
    pub stopped: bool,
    /// The rule and the values it fired on.
    pub evidence: Evidence,
}

/// What a robot says about itself: sent on change and at least once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which start of the robot's software this is; a new one begins without a release.
    pub boot: u32,
    /// Running number within the boot.
    pub seq: u32,
    /// The robot's clock.
    pub taken: RobotTime,
    /// The site the robot has loaded.
    pub site: SiteVersion,
    /// The epoch of the route it follows.
    pub epoch: Epoch,
    /// How many lanes of the route it knows.
    pub known: u32,
    /// How many lanes of the route it has completed.
    pub done: u32,
    /// Where it is.
    pub pose: Pose,
    /// Radius around `pose` in which the robot certainly is, beyond its footprint.
    pub pose_error: Mm,
    /// State of charge.
    pub battery: Ppm,
    /// What it is doing.
    pub motion: Motion,
    /// The highest stop it has acknowledged.
    pub stop_ack: StopGeneration,
    /// The last reset step it has taken.
    pub reset_ack: Option<ResetOrder>,
    /// The last step it has finished.
    pub performed: Option<StepToken>,
    /// Stops and resumptions that the fleet has not confirmed yet, at most eight.
    pub stops: Vec<StopEvent>,
}

/// Agent to fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToFleet {
    /// A robot's state.
    Report(Report),
    /// Answer to a hold: claims beyond lane `done` of the route are free.
    StoppableAt {
        /// The epoch of the hold.
        epoch: Epoch,
        /// How many lanes of the route the robot will have completed when it stands.
        lanes: u32,
    },
    /// A person takes or declines a task.
    Answer {
        /// The question.
        token: StepToken,
        /// Whether the person comes.
        accepted: bool,
    },
    /// A person has finished a step.
    Performed(StepToken),
    /// A person is somewhere else now.
    Position(WaypointId),
    /// The agent's UV-C lamp asks for leave.
    Lamp(LampAsk),
    /// Where the chain of a robot's own ledger stands.
    Anchor(Anchor),
}

/// What the robot's own ledger was at one instant. In the fleet's ledger it shows whether the robot's was cut short or
/// written anew after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How many records the robot's ledger had.
    pub seq: u64,
    /// Root of the tree over them (RFC 6962, SHA-256).
    pub root: [u8; 32],
    /// How much of its storage is used; all of it when the disk refuses.
    pub used: Ppm,
}

/// What a door, a lift or a machine at a station is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PeripheralCommand {
    /// Open a door and hold it open, or let it close.
    Door {
        /// The door.
        door: DoorId,
        /// `true` to open and hold.
        open: bool,
    },
    /// Bring a cabin to a level and hold its door open there.
    CallLift {
        /// The lift.
        lift: LiftId,
        /// Where to.
        level: LevelId,
    },
    /// Close a lift's door; nobody needs the cabin.
    FreeLift {
        /// The lift.
        lift: LiftId,
    },
    /// Load or unload a robot that stands at a station. Repeated until the machine says that it has; for a step that it
    /// serves or has served last, that is all it has to do.
    Serve {
        /// The station.
        station: StationId,
        /// The robot's step.
        token: StepToken,
        /// The robot.
        agent: AgentId,
        /// Which of the two.
        action: Action,
    },
    /// Stop serving, and keep clear of whoever comes. Repeated until the machine says that it is idle; it remembers what it has
    /// served last.
    Rest {
        /// The station.
        station: StationId,
    },
}

/// What a machine at a station does: an arm, a dispenser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MachineState {
    /// Nothing; it is clear of the station.
    Idle,
    /// It serves a step, or waits for the robot to stand still.
    Serving(StepToken),
    /// It has done a step, and is clear of the robot.
    Served(StepToken),
    /// Out of order.
    Faulty,
}

/// Where a door or a lift's door stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorState {
    /// Shut.
    Closed,
    /// Between shut and open, either way.
    Moving,
    /// Fully open.
    Open,
    /// Out of order.
    Faulty,
}

/// What a door, a lift or a machine says about itself: sent on change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeripheralReport {
    /// A door's state.
    Door {
        /// The door.
        door: DoorId,
        /// Its state.
        state: DoorState,
    },
    /// A lift's state.
    Lift {
        /// The lift.
        lift: LiftId,
        /// The level it stands at or left last.
        level: LevelId,
        /// Its door at that level.
        state: DoorState,
    },
    /// A machine's state.
    Machine {
        /// The station it is at.
        station: StationId,
        /// Its state.
        state: MachineState,
    },
}

/// A reading about the world that a gate may wait for, such as a vital sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about, for example `heart_rate:bed-12`.
    pub key: String,
    /// The device that measured it.
    pub source: String,
    /// The value, in the key's unit.
    pub value: i64,
    /// How old it was when it was sent.
    pub age: Micros,
}
