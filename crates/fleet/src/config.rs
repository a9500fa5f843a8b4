//! What a fleet is made of and how patient it is.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheepdog_core::{ActorId, Micros, Mm, Ppm, StationId};
use sheepdog_dispatch::Agent;

use crate::{input::Actor, uvc::UvcRoom};

/// Everything a [`Fleet`](crate::Fleet) is told once. It is part of the ledger's first record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetConfig {
    /// Robots and people, with their starting places.
    pub agents: Vec<Agent>,
    /// Who may give operator inputs.
    pub actors: Vec<ActorEntry>,
    /// Interval of beats; every timer is looked at this often.
    pub beat_every: Micros,
    /// A robot not heard of for this long is silent: its task goes to somebody else unless it carries the load.
    pub silent_after: Micros,
    /// A silent robot counts as lost after this long: its load is fetched by a person.
    pub lost_after: Micros,
    /// A stop not acknowledged for this long is reported to the operator with the names of who still moves.
    pub stop_ack_within: Micros,
    /// How old the last report of a lift may be for a robot to enter. A lift that is called repeats its state at least
    /// once a second.
    pub lift_fresh: Micros,
    /// A robot that is still in an exit or fire lane this long after a fire alarm is reported by name.
    pub clear_exits_within: Micros,
    /// A person who has not answered within this time has declined.
    pub answer_within: Micros,
    /// A person who declined is not asked again for this long.
    pub decline_cool_down: Micros,
    /// People are asked to do a robot's task when it has waited this long for a robot.
    pub people_after: Micros,
    /// A person who takes longer than this for a step is reported and somebody else is asked.
    pub person_step_within: Micros,
    /// How far ahead of a robot its release reaches; one move at least.
    pub release_horizon: Mm,
    /// Steps a plan job may use, or 400 for each robot if that is more.
    pub plan_steps: u32,
    /// A plan job not answered within this time is asked again.
    pub plan_within: Micros,
    /// Others are planned around a robot that its interlock has stopped for this long.
    pub stalled_after: Micros,
    /// An idle robot below this charge goes to a charger.
    pub charge_below: Ppm,
    /// A charging robot is available again from this charge on.
    pub charge_until: Ppm,
    /// Rooms that are treated with UV-C light.
    pub uvc: Vec<UvcRoom>,
    /// Stations where a machine loads and unloads robots.
    pub machines: Vec<StationId>,
    /// Seed of the planner's tie-breaking.
    pub seed: u64,
}

impl FleetConfig {
    /// A fleet of `agents` with usual patience: 0.5 s beats, silent after 5 s, lost after 60 s.
    pub fn standard(agents: Vec<Agent>) -> Self {
        Self {
            agents,
            actors: Vec::new(),
            beat_every: Micros::from_millis(500),
            silent_after: Micros::from_secs(5),
            lost_after: Micros::from_secs(60),
            stop_ack_within: Micros::from_secs(2),
            lift_fresh: Micros::from_secs(3),
            clear_exits_within: Micros::from_secs(60),
            answer_within: Micros::from_secs(45),
            decline_cool_down: Micros::from_secs(180),
            people_after: Micros::from_secs(1_800),
            person_step_within: Micros::from_secs(1_200),
            release_horizon: Mm(4_000),
            plan_steps: 100_000,
            plan_within: Micros::from_secs(5),
            stalled_after: Micros::from_secs(4),
            charge_below: percent(30),
            charge_until: percent(80),
            uvc: Vec::new(),
            machines: Vec::new(),
            seed: 0,
        }
    }
}

fn percent(percent: u32) -> Ppm {
    Ppm::new(percent.min(100) * 10_000).unwrap_or(Ppm::ONE)
}

/// What an actor may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Runs the fleet: cancels tasks, stops, resets.
    Operator,
    /// Looks after robots: stops, resets, recovers and removes them.
    Technician,
    /// Works beside the robots: stops them and approves steps.
    Staff,
}

impl Role {
    /// The role's name, as gates that wait for an approval spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Technician => "technician",
            Self::Staff => "staff",
        }
    }
}

/// Somebody known to the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorEntry {
    /// Pseudonym; the name behind it is kept elsewhere.
    pub id: ActorId,
    /// What the actor may do.
    pub role: Role,
    /// SHA-256 of the actor's secret; an input proves itself by the secret.
    pub proof: [u8; 32],
}

impl ActorEntry {
    /// The entry of somebody, who proves to be them by the secret in [`Actor::proof`].
    ///
    /// ```
    /// use sheepdog_core::ActorId;
    /// use sheepdog_fleet::{Actor, ActorEntry, Role};
    ///
    /// let nurse = Actor { id: ActorId(1), role: Role::Staff, proof: b"secret".to_vec() };
    /// assert_eq!(ActorEntry::of(&nurse).proof[..2], [0x2b, 0xb8]);
    /// ```
    pub fn of(actor: &Actor) -> Self {
        Self { id: actor.id, role: actor.role, proof: Sha256::digest(&actor.proof).into() }
    }
}
