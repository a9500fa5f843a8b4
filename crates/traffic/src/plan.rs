//! What a planner is asked and what it answers. Both are plain data, because a plan is a logged input.

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, LaneId, Micros, ResourceId, RuleId, WaypointId};
use smallvec::SmallVec;

/// Where the robots are and where they want to go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Every robot that stands somewhere and is alive, in any order.
    pub robots: Vec<PlanRobot>,
    /// Resources that nobody may claim: held by dead robots, or closed.
    pub blocked: Vec<ResourceId>,
    /// Moves that were planned before and not granted, in order. The planner carries on with them where that is best;
    /// it may be empty.
    pub pending: Vec<PlannedMove>,
    /// Breaks ties; the same problem, seed and budget give the same plan.
    pub seed: u64,
}

/// One robot of a [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRobot {
    /// Who.
    pub agent: AgentId,
    /// Index of its footprint class in the compiled site.
    pub class: usize,
    /// Where it rests once its granted moves are done.
    pub at: WaypointId,
    /// Where it shall work, in this order. It works as soon as it rests at the next of these places, and does not
    /// leave before it is done; a robot that is working already has its place as its first visit.
    pub visits: Vec<Visit>,
    /// Where it shall rest at the end. `None`: anywhere; it moves only to let others pass.
    pub goal: Option<WaypointId>,
    /// Higher goes first.
    pub priority: u64,
}

/// Work of a robot at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Where.
    pub place: WaypointId,
    /// How long it is expected to take. A plan holds however long it takes; only its quality depends on this.
    pub work: Micros,
}

/// A linear sequence of moves; each is valid once all earlier ones are done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The moves, in order.
    pub moves: Vec<PlannedMove>,
    /// Robots with a visit or a goal that this plan does not reach, sorted by agent.
    pub unserved: Vec<Unserved>,
    /// Steps the search used, at most the budget.
    pub steps_used: u32,
}

/// The lanes of a move. Most moves have one, and plans are made of thousands: a few need no allocation.
pub type Lanes = SmallVec<[LaneId; 4]>;

/// One indivisible move from a place of rest along lanes to the next place of rest, or a visit where the robot rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMove {
    /// Who moves.
    pub agent: AgentId,
    /// Along which lanes. None for a visit: the robot stays and does the work of its next visit.
    pub lanes: Lanes,
}

impl PlannedMove {
    /// A visit.
    pub const fn visit(agent: AgentId) -> Self {
        Self { agent, lanes: Lanes::new_const() }
    }

    /// Whether the robot stays and works.
    pub fn is_visit(&self) -> bool {
        self.lanes.is_empty()
    }
}

/// A robot with a visit or a goal that a plan does not reach, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unserved {
    /// Who.
    pub agent: AgentId,
    /// Why, as a rule of [`RULES`](crate::RULES).
    pub rule: RuleId,
    /// The robot in the way, when it is a single one.
    pub by: Option<AgentId>,
}
