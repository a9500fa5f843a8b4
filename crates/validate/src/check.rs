//! Carries a plan out, one step after the other, and stops at its first fault.

use std::{error, fmt};

use crate::input::{Agent, Cell, Grid, Plan};

/// What a valid plan costs, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Robots.
    pub agents: usize,
    /// When the last robot has arrived for good.
    pub makespan: u64,
    /// When each robot has arrived for good, added up.
    pub sum_of_costs: u64,
    /// Steps that do not begin and end at the robot's own goal, added up.
    pub sum_of_loss: u64,
}

/// The first fault of a plan. Robots are counted from 0 in the order of the scenario, steps from 1.
///
/// Within a step walls come first, then shared cells, then cycles; within each the robot with the lowest number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A robot moves into a wall.
    Wall {
        /// Who.
        agent: usize,
        /// Where to.
        cell: Cell,
        /// When.
        step: usize,
    },
    /// A robot leaves the map.
    OffMap {
        /// Who.
        agent: usize,
        /// Where it was.
        from: Cell,
        /// When.
        step: usize,
    },
    /// Two robots in one cell.
    Vertex {
        /// Who, lower number first.
        agents: [usize; 2],
        /// Where.
        cell: Cell,
        /// After which step.
        step: usize,
    },
    /// Two robots change places.
    Swap {
        /// Who, lower number first.
        agents: [usize; 2],
        /// Where they were, in the same order.
        cells: [Cell; 2],
        /// When.
        step: usize,
    },
    /// Three robots or more change places in a cycle.
    Rotation {
        /// Who, each followed by the one whose cell it enters, lowest number first.
        agents: Vec<usize>,
        /// Where the first of them was.
        cell: Cell,
        /// When.
        step: usize,
    },
    /// A robot does not end at its goal.
    Goal {
        /// Who.
        agent: usize,
        /// Where it ends.
        cell: Cell,
        /// Where it has to end.
        goal: Cell,
        /// The last step of the plan.
        step: usize,
    },
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agents, makespan, sum_of_costs, sum_of_loss } = self;
        write!(
            f,
            "agents {agents}, makespan {makespan}, sum of costs {sum_of_costs}, sum of loss {sum_of_loss}"
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wall { agent, cell, step } => {
                write!(f, "step {step}: wall: agent {agent} moves into {cell}, which is not free")
            }
            Self::OffMap { agent, from, step } => {
                write!(f, "step {step}: off the map: agent {agent} leaves it from {from}")
            }
            Self::Vertex { agents: [one, two], cell, step } => {
                write!(f, "step {step}: vertex conflict: agents {one} and {two} are both in {cell}")
            }
            Self::Swap { agents: [one, two], cells: [at, other], step } => {
                write!(f, "step {step}: edge swap: agents {one} in {at} and {two} in {other} change places")
            }
            Self::Rotation { agents, cell, step } => {
                write!(f, "step {step}: rotation: {} robots change places in a cycle: agents", agents.len())?;
                for (index, agent) in agents.iter().enumerate() {
                    write!(f, "{} {agent}", if index == 0 { "" } else { "," })?;
                }
                write!(f, "; the first leaves {cell}")
            }
            Self::Goal { agent, cell, goal, step } => {
                write!(f, "step {step}: goal: agent {agent} ends in {cell}, its goal is {goal}")
            }
        }
    }
}

impl error::Error for Fault {}

/// Who was in which cell after a step; older entries do not count.
#[derive(Debug)]
struct Occupants {
    /// One more than the step after which the entry was made, and the robot.
    rows: Vec<(usize, usize)>,
}

impl Occupants {
    fn at(&self, step: usize, index: u32) -> Option<usize> {
        let &(written, agent) = self.rows.get(index as usize)?;
        (written == step + 1).then_some(agent)
    }

    fn put(&mut self, step: usize, index: u32, agent: usize) {
        if let Some(row) = self.rows.get_mut(index as usize) {
            *row = (step + 1, agent);
        }
    }
}

/// Carries a plan out.
///
/// Robots without a line stay where they are. Costs O(robots · steps + cells) time and O(robots + cells) memory.
///
/// # Errors
/// The first [`Fault`].
pub fn check(grid: &Grid, agents: &[Agent], plan: &Plan<'_>) -> Result<Figures, Fault> {
    let steps = plan.steps();
    let goals: Vec<u32> = agents.iter().map(|agent| grid.index(agent.goal)).collect();
    let mut places: Vec<u32> = agents.iter().map(|agent| grid.index(agent.start)).collect();
    let mut before = Occupants { rows: vec![(0, 0); grid.len()] };
    let mut after = Occupants { rows: vec![(0, 0); grid.len()] };
    share(grid, &places, 0, &mut before)?;
    let mut next = places.clone();
    // In which step a robot was last met in a search for cycles.
    let mut met = vec![0_usize; agents.len()];
    // The step after the last one at whose end a robot was not at its goal.
    let mut arrived: Vec<u64> =
        places.iter().zip(&goals).map(|(place, goal)| u64::from(place != goal)).collect();
    let mut loss = 0;
    for step in 1..=steps {
        for (agent, (place, next)) in places.iter().zip(&mut next).enumerate() {
            *next = enter(grid, agent, *place, plan.letter(agent, step - 1), step)?;
        }
        share(grid, &next, step, &mut after)?;
        cycles(grid, &places, &next, step, &before, &mut met)?;
        for (((place, next), goal), arrived) in places.iter().zip(&next).zip(&goals).zip(&mut arrived) {
            if next != goal {
                *arrived = step as u64 + 1;
            }
            loss += u64::from(place != goal || next != goal);
        }
        std::mem::swap(&mut places, &mut next);
        std::mem::swap(&mut before, &mut after);
    }
    let late =
        places.iter().zip(agents).enumerate().find(|(_, (place, agent))| **place != grid.index(agent.goal));
    if let Some((agent, (&place, &Agent { goal, .. }))) = late {
        return Err(Fault::Goal { agent, cell: cell(grid, place), goal, step: steps });
    }
    Ok(Figures {
        agents: agents.len(),
        makespan: arrived.iter().copied().max().unwrap_or(0),
        sum_of_costs: arrived.iter().sum(),
        sum_of_loss: loss,
    })
}

/// Where a letter leads.
fn enter(grid: &Grid, agent: usize, place: u32, letter: u8, step: usize) -> Result<u32, Fault> {
    let next = match letter {
        b'E' => place + 1,
        b'W' => place - 1,
        b'S' => place + grid.stride(),
        b'N' => place - grid.stride(),
        _ => place,
    };
    if grid.is_free_at(next) {
        return Ok(next);
    }
    let (x, y) = grid.place(next);
    let inside = (0..i64::from(grid.width())).contains(&x) && (0..i64::from(grid.height())).contains(&y);
    Err(if inside {
        Fault::Wall { agent, cell: cell(grid, next), step }
    } else {
        Fault::OffMap { agent, from: cell(grid, place), step }
    })
}

/// Writes down who is where after a step.
fn share(grid: &Grid, places: &[u32], step: usize, occupants: &mut Occupants) -> Result<(), Fault> {
    for (agent, &place) in places.iter().enumerate() {
        if let Some(other) = occupants.at(step, place) {
            return Err(Fault::Vertex { agents: [other, agent], cell: cell(grid, place), step });
        }
        occupants.put(step, place, agent);
    }
    Ok(())
}

/// Looks for robots that change places. No two are in one cell, so who follows whom forms chains and cycles alone.
fn cycles(
    grid: &Grid,
    places: &[u32],
    next: &[u32],
    step: usize,
    before: &Occupants,
    met: &mut [usize],
) -> Result<(), Fault> {
    // Whose cell a robot enters, if it moves.
    let ahead = |agent: usize| {
        let (from, to) = (places.get(agent)?, next.get(agent)?);
        if from == to { None } else { before.at(step - 1, *to) }
    };
    let place = |agent: usize| cell(grid, places.get(agent).copied().unwrap_or(0));
    for first in 0..places.len() {
        let mut at = first;
        while let Some(mark) = met.get_mut(at) {
            if *mark == step {
                break;
            }
            *mark = step;
            let Some(other) = ahead(at) else { break };
            if other == first {
                return Err(cycle(first, step, ahead, place));
            }
            at = other;
        }
    }
    Ok(())
}

/// The cycle that a robot is in.
fn cycle(
    first: usize,
    step: usize,
    ahead: impl Fn(usize) -> Option<usize>,
    place: impl Fn(usize) -> Cell,
) -> Fault {
    let mut agents = vec![first];
    let mut at = first;
    while let Some(other) = ahead(at).filter(|&other| other != first) {
        agents.push(other);
        at = other;
    }
    match agents.as_slice() {
        &[one, two] => Fault::Swap { agents: [one, two], cells: [place(one), place(two)], step },
        _ => Fault::Rotation { agents, cell: place(first), step },
    }
}

/// The cell of an index; the rim counts as the cell beside it.
fn cell(grid: &Grid, index: u32) -> Cell {
    let (x, y) = grid.place(index);
    Cell { x: u32::try_from(x).unwrap_or(0), y: u32::try_from(y).unwrap_or(0) }
}
