//! What happens in a run, and when.

use sheepdog_core::{
    AgentId, Micros, StopCategory,
    wire::{Fact, ResetStep, StopScope},
};
use sheepdog_fleet::{Actor, AlarmScope, TaskRequest};
use sheepdog_sim::{FaultKind, FaultTarget};

/// One line of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody asks for something.
    Request(TaskRequest),
    /// A device sends a reading.
    Fact(Fact),
    /// Something breaks, as soon as the victim is in the right moment.
    Fault {
        /// Whom it hits.
        victim: Victim,
        /// For how long; `None` for the rest of the run.
        duration: Option<Micros>,
        /// What breaks.
        kind: FaultKind,
    },
    /// A person stops an area.
    Stop {
        /// Who.
        actor: Actor,
        /// Which area.
        scope: StopScope,
        /// How.
        category: StopCategory,
        /// Wait until a robot drives there.
        when_driving: bool,
    },
    /// A fire panel reports an alarm, or none any more.
    Fire {
        /// What burns.
        scope: AlarmScope,
        /// Whether there is an alarm.
        active: bool,
    },
    /// A person ends a fire alarm.
    EndFire {
        /// Who.
        actor: Actor,
        /// Which.
        scope: AlarmScope,
    },
    /// A person takes back the newest decision about a task that can be taken back.
    Revert {
        /// Who.
        actor: Actor,
        /// The task's name.
        task: String,
        /// Why.
        why: String,
    },
    /// A person lets every failed robot that works again go on.
    Resume {
        /// Who.
        actor: Actor,
    },
    /// A person takes one step of the reset of the newest stop.
    Reset {
        /// Who.
        actor: Actor,
        /// Which step.
        step: ResetStep,
    },
}

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// A fixed target, at once.
    Target(FaultTarget),
    /// A robot once it is in the given moment; `None` for the first robot that is.
    Robot(Option<AgentId>, Moment),
}

/// When a fault strikes a robot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moment {
    /// At once.
    #[default]
    Now,
    /// While it drives in a corridor.
    InCorridor,
    /// While it drives with a load on board.
    Loaded,
}
