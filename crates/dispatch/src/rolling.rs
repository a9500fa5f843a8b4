//! Plans of several tasks for each of a fleet: who does what, in which order, and where it charges on the way.
//!
//! A plan is made by regret insertion (Potvin and Rousseau 1993) and improved by a search in large neighbourhoods (Shaw 1998; Ropke
//! and Pisinger 2006), step by step. It can be read after any step, keeps every rule after each, and never gets worse. The same
//! facts, seed and steps give the same plan on every machine, in whatever order tasks and robots are given. Integers only.
//!
//! * [`Facts`]: tasks with their stops, loads, due times and who may do them; robots with where and when they are free,
//!   what they have on board and what their batteries hold. [`Facts::problem`] checks them and asks for the ways.
//! * [`PlanJob`]: the search. It owns what it needs, and goes on for so many steps at a time.
//! * [`Plan`]: routes with times, charges and cost. [`Plan::still_holds`] says which parts the world has overtaken,
//!   [`Problem::check`] holds all of it to the rules with other code.
//! * [`Rolling`]: the [`Policy`](crate::policy::Policy) that lets begin what comes first.
//!
//! The journey of a task: whoever asks a policy shows it as [`Open`](crate::policy::Open); [`Prospects::errand`] tells its stops,
//! and with who [may](Prospects::may) do it, it is [`Wanted`] among the [`Facts`]; it becomes a piece of the [`Problem`], is put
//! into a route by regret, taken out and put elsewhere while a job runs, and appears in the [`Itinerary`] of a [`Plan`]. When it
//! comes first there and its robot is free, it is a [`Choice`](crate::policy::Choice); from then on it is the robot's, as the
//! place and time at which that will be free, and as what it will have [`Aboard`].
//!
//! # What is compared
//!
//! Plans are compared by the sum of [`PlanCost`]: tasks left, lateness, wait, energy of empty ways, fairness. Of plans that cost the
//! same the first stays, and pieces are tried in the order of their ids. Each term is bounded as in
//! [`Cost`](crate::policy::Cost), so that sums fit without a check.
//!
//! # Batteries
//!
//! Driving and working drain a battery evenly; waiting does not. A charger is driven to only when it has to be: when after the
//! next stop no charger could be reached with the reserve. Of several the one is taken by which the next stop is reached
//! first. A robot stays there until it is as full as it [should be](Power::charge_to_ppm), or as the next stop needs. So after
//! every stop of every plan a charger can be reached with the reserve. Queues at chargers are not foreseen.

mod check;
mod drive;
mod facts;
mod holds;
mod job;
mod plan;
mod policy;
mod problem;
mod routes;
mod search;
#[cfg(test)]
mod tests;

pub use self::{
    check::PlanFault,
    facts::{
        Aboard, Errand, Facts, FactsError, Outlook, PIECES_MAX, Power, Prospects, ROBOTS_MAX, ROUTE_MAX,
        Robot, Stop, Travels, Wanted,
    },
    holds::Breach,
    job::{PlanJob, Progress},
    plan::{Itinerary, Plan, PlanCost, Visit, Work},
    policy::Rolling,
    problem::Problem,
};
