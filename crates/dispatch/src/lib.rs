//! Dispatch: who does which task, and why.
//!
//! [`decide`] takes a [`Task`], the [`Agent`]s of a fleet and the true travel times of a site, and gives a
//! [`Decision`]: the nearest available agent that may and can do the whole task, everybody else with the reason why
//! not. Robots and people stand in one ranking, so "nobody can" becomes "ask the nurse".
//!
//! * [`Task`], [`Step`], [`Gate`]: what is to be done; [`Task::check`] refuses nonsense and names the field.
//! * [`Facts`]: readings about the world; they open a step's gates.
//! * [`eligible`]: the rules in their fixed order; the first that fires is the reason of a [`Refusal`].
//! * [`check_decision`]: the same question answered by other code, for tests and audits.
//! * [`explain`]: a decision in plain words. [`decide_explained`]: with it an [`Explanation`], bounded whatever the fleet, that
//!   says of everybody nearer what stood against it, and what would have been otherwise; [`check_explanation`] checks it.
//! * [`nearest`]: who of very many is there first, in microseconds, while lanes open and close.
//! * [`policy`]: which of many tasks goes to whom; [`assign`]: the solvers behind it, for anything that comes in pairs.
//! * [`dispatcher`]: every task from its order to its end, with agents that answer late, twice or never.
//! * [`pdptw`]: what each vehicle picks up and delivers, in which order, within windows of time.
//! * [`rolling`]: plans of several tasks for each of a fleet, with loads, due times and batteries, improved while there is time.
//! * [`roster`]: who may do what, in sets of bits that follow every change, and who of those is there first.
//! * `rota`: when people work, told in civil time with a zone (feature `rota`).
//!
//! All is a function of its arguments: no clock, no chance but from a seed, no hash order; integers only. It refuses to
//! guess: an unknown place, a silent robot, a battery that cannot bring the robot home is a refusal with its rule.
#![forbid(unsafe_code)]

mod agent;
pub mod assign;
mod check;
mod decide;
pub mod dispatcher;
mod eligible;
mod explain;
mod facts;
#[cfg(test)]
mod fixture;
pub mod nearest;
mod neighbourhood;
pub mod pdptw;
pub mod policy;
pub mod rolling;
pub mod roster;
#[cfg(feature = "rota")]
pub mod rota;
mod rules;
mod task;

pub use agent::{Agent, AgentKind, Availability, Battery, Enforcement, Shift, Skill};
pub use check::{DecisionFault, ExplanationFault, check_decision, check_explanation};
pub use decide::{Bid, Decision, Outcome, decide, decide_with};
pub use eligible::{Refusal, TripMemo, Trips, eligible};
pub use explain::{
    Bounds, Breakdown, Counterfactual, Energy, Explanation, Lead, Loser, Names, Nearer, Refused, SiteNames,
    decide_explained, explain,
};
pub use facts::{FACT_TEXT_MAX, FactError, Facts, GateClosed, GateEvidence, KEYS_MAX, Reading, SOURCES_MAX};
pub use rules::{
    DSP_001, DSP_002, DSP_003, DSP_004, DSP_005, DSP_006, DSP_007, DSP_008, DSP_009, DSP_010, DSP_011,
    DSP_012, DSP_013, DSP_014, DSP_015, DSP_016, DSP_017, GAT_001, GAT_002, GAT_003, GAT_004, GAT_005,
    GAT_006, GAT_007, ORD_001, ORD_002, ORD_003, ORD_004, ORD_005, ORD_006, RULES, TSK_001, TSK_002, TSK_003,
    TSK_004, TSK_005, TSK_006, TSK_007, TSK_008,
};
pub use task::{
    GATES_MAX, Gate, NAME_LENGTH_MAX, Performers, STEP_DURATION_MAX, STEPS_MAX, Step, Task, TaskError,
};
