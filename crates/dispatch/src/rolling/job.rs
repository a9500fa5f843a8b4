//! Planning that is done a piece at a time, by whoever has time.

use super::{Plan, Problem, search::Search};

/// A search for a plan that can be stopped and gone on with at any time.
///
/// It owns everything that it needs, so it can be sent elsewhere and worked on there. What it has found depends on the problem,
/// the plan that it started from, the seed and the number of steps, and on nothing else.
#[derive(Clone, Debug)]
pub struct PlanJob {
    problem: Problem,
    search: Search,
}

/// How far a [`PlanJob`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done in all.
    pub steps: u64,
    /// What the best plan so far [costs in all](super::PlanCost::total); never more than before.
    pub cost: i64,
}

impl PlanJob {
    /// Begins with a plan as far as it still [holds](Plan::still_holds), and puts in what it lacks by regret insertion: the plan of
    /// zero steps. An empty plan is one to start from, too.
    pub fn new(problem: Problem, start: &Plan, seed: u64) -> Self {
        let known = problem.nodes_of(start);
        let search = Search::new(&problem, seed, known);
        Self { problem, search }
    }

    /// Goes on for so many steps. One takes some microseconds for some tens of tasks and robots.
    pub fn step(&mut self, budget: u64) -> Progress {
        for _ in 0..budget {
            self.search.step(&self.problem);
        }
        self.progress()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress { steps: self.search.steps(), cost: self.search.best().cost }
    }

    /// The best plan so far.
    pub fn best(&self) -> Plan {
        self.problem.plan(self.search.best())
    }

    /// What is planned.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}
