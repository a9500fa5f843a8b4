//! What the planner answers.

use std::fmt::Write;

use super::{Cell, instance::Instance, instance::id32};

/// What became of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everybody arrives.
    Solved(Solution),
    /// Nobody can find a plan, because there is none.
    Infeasible {
        /// Why.
        reason: Infeasible,
    },
    /// There may be a plan, and the steps did not suffice to find it.
    BudgetSpent {
        /// Valid steps to where the most robots are at their goals at once.
        best: Solution,
    },
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Infeasible {
    /// A robot cannot reach its goal even when it is alone.
    #[error("robot {robot} has no way to its goal")]
    NoWay {
        /// Index of the robot.
        robot: usize,
    },
    /// Everything that can be reached without rotations was tried.
    #[error("none of the {configurations} configurations that can be reached has everybody at its goal")]
    Exhausted {
        /// How many there are.
        configurations: usize,
    },
}

/// Where every robot is after every step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    robots: usize,
    goals: Vec<u32>,
    /// A row of all robots for each instant, the first where they start.
    places: Vec<u32>,
}

/// What a plan costs, in steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Sum of the instants at which robots come to their goals for the last time.
    pub sum_of_costs: u64,
    /// Sum of the steps in which robots do not rest at their goals.
    pub sum_of_loss: u64,
    /// When the last one arrives.
    pub makespan: u64,
}

impl Solution {
    /// One row of all robots after the other.
    pub(super) fn new(instance: &Instance, places: Vec<u32>) -> Self {
        Self { robots: instance.robots(), goals: instance.goals.to_vec(), places }
    }

    /// Steps until everybody is at rest.
    pub fn makespan(&self) -> usize {
        (self.places.len() / self.robots.max(1)).saturating_sub(1)
    }

    /// Where everybody is after so many steps; empty beyond the makespan.
    pub(super) fn at(&self, step: usize) -> &[u32] {
        let begin = step.saturating_mul(self.robots);
        self.places.get(begin..begin.saturating_add(self.robots)).unwrap_or(&[])
    }

    /// The cell of every robot after so many steps; empty beyond the makespan.
    pub fn cells(&self, instance: &Instance, step: usize) -> Vec<Cell> {
        self.at(step).iter().map(|&vertex| instance.cell(vertex)).collect()
    }

    /// What the plan costs. Linear in robots times steps.
    pub fn costs(&self) -> Costs {
        let mut costs = Costs::default();
        let mut last = vec![0_u64; self.robots];
        for step in 1..=self.makespan() {
            let rows = self.at(step - 1).iter().zip(self.at(step));
            for ((last, goal), (before, after)) in last.iter_mut().zip(&self.goals).zip(rows) {
                if before != goal || after != goal {
                    costs.sum_of_loss += 1;
                    *last = step as u64;
                }
            }
        }
        costs.sum_of_costs = last.iter().sum();
        costs.makespan = last.into_iter().max().unwrap_or(0);
        costs
    }

    /// The plan as text: `sheepdog-plan 1`, then `agents N makespan T`, then a line for each robot with a letter for
    /// each step: `E` to the next column, `W` to the one before, `S` to the next row, `N` to the one before, `.`
    /// waits. A robot rests after its last letter.
    pub fn text(&self, instance: &Instance) -> String {
        let makespan = self.makespan();
        let mut text = String::new();
        let _infallible = write!(text, "sheepdog-plan 1\nagents {} makespan {makespan}\n", self.robots);
        let mut line = String::with_capacity(makespan);
        for robot in 0..self.robots {
            line.clear();
            let cell = |step: usize| self.at(step).get(robot).map(|&vertex| instance.cell(vertex));
            for step in 1..=makespan {
                let (Some(before), Some(after)) = (cell(step - 1), cell(step)) else { continue };
                line.push(match (after.x.cmp(&before.x), after.y.cmp(&before.y)) {
                    (std::cmp::Ordering::Greater, _) => 'E',
                    (std::cmp::Ordering::Less, _) => 'W',
                    (std::cmp::Ordering::Equal, std::cmp::Ordering::Greater) => 'S',
                    (std::cmp::Ordering::Equal, std::cmp::Ordering::Less) => 'N',
                    (std::cmp::Ordering::Equal, std::cmp::Ordering::Equal) => '.',
                });
            }
            text.push_str(line.trim_end_matches('.'));
            text.push('\n');
        }
        text
    }

    /// How many robots it is for.
    pub fn robots(&self) -> u32 {
        id32(self.robots)
    }
}
