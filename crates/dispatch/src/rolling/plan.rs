//! Plans as they are told: who does what, in which order, and when.
#![expect(clippy::indexing_slicing, reason = "nodes and robots are numbered by their problem")]

use serde::{Deserialize, Serialize};

use super::{
    drive::{Charge, Leg},
    problem::{Handling, Problem},
    search::Known,
};

/// What somebody does at a stop of its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// It begins a task: with the pickup, or all of it.
    Begin {
        /// Which one.
        task: u32,
    },
    /// It delivers the load of a task, and ends it.
    Deliver {
        /// Which one.
        task: u32,
    },
    /// It fills its battery.
    Charge {
        /// Where.
        place: u32,
    },
}

/// A stop of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Visit {
    /// What for.
    pub work: Work,
    /// When it is there.
    pub arrive_ms: u64,
    /// When the work begins.
    pub begin_ms: u64,
    /// When the work has ended, ways within it included.
    pub leave_ms: u64,
    /// How full its battery is then, parts per million, rounded down; full for who has none.
    pub level_ppm: u32,
}

/// What somebody does, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Itinerary {
    /// Who.
    pub agent: u32,
    /// Where it stops.
    pub visits: Vec<Visit>,
}

impl Itinerary {
    /// Tasks that it begins, in order.
    pub fn tasks(&self) -> impl Iterator<Item = u32> + '_ {
        self.visits.iter().filter_map(|visit| match visit.work {
            Work::Begin { task } => Some(task),
            Work::Deliver { .. } | Work::Charge { .. } => None,
        })
    }
}

/// What a plan costs, in milliseconds of wait: the sum of what its tasks cost, tier by tier.
///
/// Lateness, wait and what is left count [so many times](Problem::weight) as the priority says. Each task has bounded terms, and
/// there are at most [`PIECES_MAX`](super::PIECES_MAX) of them, so that no sum leaves an `i64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanCost {
    /// Tasks that nobody does: each 8 · 2³⁰, more than any cost of its own; loads that stay on board, 64 · 2³⁰.
    pub unserved_ms: i64,
    /// How much too late stops begin, weighted as [`Weights`](crate::policy::Weights) say.
    pub late_ms: i64,
    /// From when tasks were asked for until they begin.
    pub wait_ms: i64,
    /// What ways to stops and chargers take from batteries; what is driven within a stop is the same in every plan.
    pub energy_ms: i64,
    /// How busy those have been who begin tasks.
    pub fairness_ms: i64,
}

impl PlanCost {
    /// The sum of all terms, which is what plans are compared by.
    pub const fn total(&self) -> i64 {
        self.unserved_ms + self.late_ms + self.wait_ms + self.energy_ms + self.fairness_ms
    }
}

/// Who does what in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Those who have something to do, in the order of their numbers.
    pub routes: Vec<Itinerary>,
    /// Tasks that nobody does, in order; loads among them that cannot be brought where they should be.
    pub unserved: Vec<u32>,
    /// What it costs.
    pub cost: PlanCost,
}

impl Problem {
    /// What a search has found, with its times.
    pub(super) fn plan(&self, known: &Known) -> Plan {
        let mut plan = Plan::default();
        for (number, nodes) in known.nodes.iter().enumerate().filter(|(_, nodes)| !nodes.is_empty()) {
            let robot = &self.robots[number];
            let mut visits = Vec::new();
            let mut state = robot.start();
            for node in nodes {
                let Some(leg) = self.leg(robot, state, *node) else {
                    debug_assert!(false, "routes keep the rules");
                    break;
                };
                visits.extend(leg.charge.map(|charge| self.charging(charge)));
                visits.push(self.visit(*node, &leg));
                plan.cost.late_ms += leg.late;
                plan.cost.wait_ms += leg.wait;
                plan.cost.energy_ms += leg.energy;
                plan.cost.fairness_ms += leg.fairness;
                state = leg.after;
            }
            plan.routes.push(Itinerary { agent: robot.agent, visits });
        }
        plan.cost.unserved_ms = known.pool.iter().map(|piece| self.price(*piece)).sum();
        plan.unserved = known.pool.iter().map(|piece| self.pieces[*piece as usize].task).collect();
        plan.unserved.sort_unstable();
        debug_assert_eq!(plan.cost.total(), known.cost, "a plan costs what was compared");
        plan
    }

    fn visit(&self, node: u32, leg: &Leg) -> Visit {
        let node = &self.nodes[node as usize];
        let task = self.pieces[node.piece as usize].task;
        let work = match node.handling {
            Handling::Whole | Handling::Pickup => Work::Begin { task },
            Handling::Delivery => Work::Deliver { task },
        };
        Visit {
            work,
            arrive_ms: self.clock(leg.arrive),
            begin_ms: self.clock(leg.begin),
            leave_ms: self.clock(leg.after.time),
            level_ppm: ppm(leg.after.level),
        }
    }

    fn charging(&self, charge: Charge) -> Visit {
        Visit {
            work: Work::Charge { place: self.facts.chargers.get(charge.charger).copied().unwrap_or(0) },
            arrive_ms: self.clock(charge.arrive),
            begin_ms: self.clock(charge.arrive),
            leave_ms: self.clock(charge.leave),
            level_ppm: ppm(charge.level),
        }
    }

    /// What was counted from now.
    pub(super) fn clock(&self, time: i64) -> u64 {
        self.facts.now_ms.saturating_add(time.max(0).unsigned_abs())
    }

    /// The nodes of what a plan gives to each robot; what is unknown is left out.
    pub(super) fn nodes_of(&self, plan: &Plan) -> Vec<Vec<u32>> {
        let mut nodes = vec![Vec::new(); self.robots.len()];
        let node = |work: Work| {
            let (task, ends) = match work {
                Work::Begin { task } => (task, false),
                Work::Deliver { task } => (task, true),
                Work::Charge { .. } => return None,
            };
            let piece = self.piece(task)?;
            // A load that was to be fetched may be on board by now.
            match (piece.carrier.is_some(), ends) {
                (true, false) => None,
                (true, true) | (false, false) => Some(piece.first),
                (false, true) => piece.is_pair.then_some(piece.first + 1),
            }
        };
        for Itinerary { agent, visits } in &plan.routes {
            if let Some((slot, _)) = self.robot(*agent) {
                nodes[slot] = visits.iter().filter_map(|visit| node(visit.work)).collect();
            }
        }
        nodes
    }
}

fn ppm(level: i64) -> u32 {
    u32::try_from(level / 1_000).unwrap_or(0)
}
