//! Whether a plan still holds, and what is left of one that does not.

use super::{
    Itinerary, Plan, Work,
    problem::{Member, Problem},
};

/// Why a part of a plan does not hold any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// Somebody is not there any more: all that it was to do is open.
    AgentGone {
        /// Who.
        agent: u32,
    },
    /// A task has been begun, or is not wanted any more.
    TaskGone {
        /// Who was to do it.
        agent: u32,
        /// Which one.
        task: u32,
    },
    /// Somebody may not do a task any more.
    MayNot {
        /// Who.
        agent: u32,
        /// Which one.
        task: u32,
    },
    /// Somebody would be at its first stop much later than was planned, or not at all: all that it was to begin is open.
    Behind {
        /// Who.
        agent: u32,
        /// How much later; `None` for not at all.
        by_ms: Option<u64>,
    },
}

impl Plan {
    /// What of a plan does not hold for the facts of now, in the order of its routes; nothing if it can be gone on with.
    /// Somebody is behind when it is at its first stop later than planned by more than `drift_ms`.
    ///
    /// O(stops · log(tasks))
    pub fn still_holds(&self, problem: &Problem, drift_ms: u64) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for route in &self.routes {
            let Some((slot, robot)) = problem.robot(route.agent) else {
                breaches.push(Breach::AgentGone { agent: route.agent });
                continue;
            };
            let before = breaches.len();
            for task in route.tasks() {
                let agent = route.agent;
                match problem.piece(task) {
                    None => breaches.push(Breach::TaskGone { agent, task }),
                    // It may have fetched it in the meantime.
                    Some(piece) if !piece.may.get(slot).copied().unwrap_or(false) => {
                        breaches.push(Breach::MayNot { agent, task });
                    }
                    Some(_) => {}
                }
            }
            if before == breaches.len() {
                breaches.extend(problem.behind(route, robot, drift_ms));
            }
        }
        breaches
    }

    /// What is left of a plan without the parts that do not hold.
    #[must_use]
    pub fn without(mut self, breaches: &[Breach]) -> Self {
        for breach in breaches {
            match *breach {
                Breach::AgentGone { agent } | Breach::Behind { agent, .. } => {
                    self.routes.retain(|route| route.agent != agent);
                }
                Breach::TaskGone { agent, task } | Breach::MayNot { agent, task } => {
                    let is_meant =
                        |work: Work| work == Work::Begin { task } || work == Work::Deliver { task };
                    for route in self.routes.iter_mut().filter(|route| route.agent == agent) {
                        route.visits.retain(|visit| !is_meant(visit.work));
                    }
                }
            }
        }
        self.routes.retain(|route| !route.visits.is_empty());
        self
    }
}

impl Problem {
    /// Whether somebody is behind at the first stop of its route.
    fn behind(&self, route: &Itinerary, robot: &Member, drift_ms: u64) -> Option<Breach> {
        let first = route.visits.iter().find(|visit| match visit.work {
            Work::Begin { .. } | Work::Deliver { .. } => true,
            Work::Charge { .. } => false,
        })?;
        let (task, is_second) = match first.work {
            Work::Begin { task } => (task, false),
            Work::Deliver { task } => (task, true),
            Work::Charge { .. } => return None,
        };
        let piece = self.piece(task)?;
        let node = piece.first + u32::from(is_second && piece.is_pair);
        let agent = route.agent;
        match self.leg(robot, robot.start(), node) {
            None => Some(Breach::Behind { agent, by_ms: None }),
            Some(leg) => {
                let by_ms = self.clock(leg.arrive).saturating_sub(first.arrive_ms);
                (drift_ms < by_ms).then_some(Breach::Behind { agent, by_ms: Some(by_ms) })
            }
        }
    }
}
