//! Robots on a grid whose goals never end: priority inheritance with backtracking (PIBT), carried out under delays.
//!
//! Source: Okumura et al., "Priority Inheritance with Backtracking for Iterative Multi-agent Path Finding", 2019 (arXiv
//! 1901.11282), and its form without a clock, "Time-Independent Planning for Multiple Moving Agents", 2020.
//!
//! There is no schedule. In every tick [`Lifelong::commands`] looks where the robots are, lets each of them choose the
//! cell it enters next, those that have waited longest first, and begins the turns and moves that can begin now. A robot
//! that stands in the way inherits the rank of who wants its cell and chooses at once. Nobody chooses the cell of a robot
//! that waits for the choice, so no choices form a cycle: robots follow each other, they neither swap nor rotate.
//!
//! A robot that moves holds the cell it leaves and the cell it enters until it has arrived. Another may enter the cell it
//! leaves behind it in the same direction, as far as the first is known to have moved out; from the side only when it
//! has arrived. So squares of one cell never touch more than their sides, whatever delays there are, and a robot in
//! motion can always finish: whoever it follows is ahead of it on a straight line.
//!
//! A robot's age since its goal was set is its rank, so the one that has waited longest chooses first, and whoever stands
//! in its way has to find another place. On grids on which any two cells lie on a cycle and that have a free cell, it
//! comes to its goal in the end. On others nothing is promised but that robots do not collide.

mod floor;
mod pibt;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::floor::{CellId, Field, Floor, FloorError, Heading};
use self::pibt::{Chooser, Pibt};
use crate::table::Table;

/// No robot.
const NOBODY: u32 = u32::MAX;

/// What a robot is to do in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make no progress, also within an action.
    Hold,
    /// Move on to the next cell ahead.
    Forward,
    /// Turn clockwise by a quarter.
    Right,
    /// Turn counter-clockwise by a quarter.
    Left,
}

/// Why robots cannot be where they are said to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A cell is not of the floor.
    #[error("robot {robot} starts in cell {cell:?}, which the floor does not have")]
    NoCell {
        /// Who.
        robot: usize,
        /// Where.
        cell: CellId,
    },
    /// Two robots in one cell.
    #[error("robots {first} and {second} start in cell {cell:?}")]
    Shared {
        /// The first.
        first: usize,
        /// The second.
        second: usize,
        /// Where.
        cell: CellId,
    },
    /// Actions have to take some time.
    #[error("an action takes 0 ticks, the rule asks for 1 or more")]
    NoTicks,
}

/// What a robot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    Rest,
    /// Turning to its heading, which is already the new one, for so many ticks.
    Turning {
        done: u32,
        right: bool,
    },
    /// On its way to the next cell for so many ticks.
    Moving {
        to: CellId,
        done: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct Body {
    cell: CellId,
    heading: Heading,
    motion: Motion,
}

/// All robots of a floor, where they are known to be, and where they want to go.
///
/// ```
/// use std::sync::Arc;
/// use sheepdog_traffic::lifelong::{Command, Field, Floor, Heading, Lifelong};
///
/// // A robot in a row of three cells goes east; an action takes two ticks.
/// let floor = Arc::new(Floor::new(3, &[true; 3])?);
/// let (start, goal) = (floor.cell(0).unwrap(), floor.cell(2).unwrap());
/// let mut robots = Lifelong::new(Arc::clone(&floor), 2, &[(start, Heading::East)])?;
/// robots.set_goal(0, Some(Arc::new(Field::new(&floor, goal))));
/// for _ in 0..4 {
///     assert_eq!(robots.commands(), [Command::Forward]);
///     robots.progressed(0);
/// }
/// assert_eq!(robots.resting_at(0), Some(goal));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lifelong {
    floor: Arc<Floor>,
    ticks: u32,
    bodies: Vec<Body>,
    goals: Vec<Option<Arc<Field>>>,
    /// Ticks since the goal was set; zero at the goal and without one.
    ages: Vec<u64>,
    /// Who stands in a cell or is entering it.
    holder: Table<u32>,
    /// Who is leaving a cell.
    leaving: Table<u32>,
    order: Vec<u32>,
    pibt: Pibt,
    commands: Vec<Command>,
}

impl Lifelong {
    /// Robots at rest. An action, a quarter turn or a move to the next cell, takes so many ticks.
    ///
    /// # Errors
    /// [`StartError`] for a cell that there is not, two robots in one cell, or actions without time.
    pub fn new(
        floor: Arc<Floor>,
        ticks_per_action: u32,
        starts: &[(CellId, Heading)],
    ) -> Result<Self, StartError> {
        if ticks_per_action == 0 {
            return Err(StartError::NoTicks);
        }
        let mut holder = Table::new(floor.len(), NOBODY);
        for (robot, &(cell, _)) in starts.iter().enumerate() {
            if floor.len() <= cell.index() {
                return Err(StartError::NoCell { robot, cell });
            }
            let first = holder.at(cell.index());
            if first != NOBODY {
                return Err(StartError::Shared { first: first as usize, second: robot, cell });
            }
            holder.set(cell.index(), number(robot));
        }
        let rest = |&(cell, heading): &(CellId, Heading)| Body { cell, heading, motion: Motion::Rest };
        Ok(Self {
            ticks: ticks_per_action,
            bodies: starts.iter().map(rest).collect(),
            goals: vec![None; starts.len()],
            ages: vec![0; starts.len()],
            holder,
            leaving: Table::new(floor.len(), NOBODY),
            order: (0..number(starts.len())).collect(),
            pibt: Pibt::new(floor.len(), starts.len()),
            commands: vec![Command::Hold; starts.len()],
            floor,
        })
    }

    /// Sends a robot somewhere, or nowhere. Its age starts anew. An unknown robot is none.
    pub fn set_goal(&mut self, robot: usize, goal: Option<Arc<Field>>) {
        if let (Some(slot), Some(age)) = (self.goals.get_mut(robot), self.ages.get_mut(robot)) {
            *slot = goal;
            *age = 0;
        }
    }

    /// Where a robot is sent.
    pub fn goal(&self, robot: usize) -> Option<CellId> {
        self.goals.get(robot)?.as_ref().map(|goal| goal.goal())
    }

    /// Where a robot stands; `None` while it moves to another cell.
    pub fn resting_at(&self, robot: usize) -> Option<CellId> {
        let body = self.bodies.get(robot)?;
        match body.motion {
            Motion::Rest | Motion::Turning { .. } => Some(body.cell),
            Motion::Moving { .. } => None,
        }
    }

    /// The cell that a robot will stand in when its action is over, and how it will head.
    pub fn bound_for(&self, robot: usize) -> Option<(CellId, Heading)> {
        let body = self.bodies.get(robot)?;
        Some((body.next_cell(), body.heading))
    }

    /// What every robot is to do in this tick. Robots that are in an action go on with it or hold.
    ///
    /// Costs O(robots · log robots), nothing is allocated.
    pub fn commands(&mut self) -> &[Command] {
        self.age();
        let bodies = &self.bodies;
        let choosers = bodies.iter().zip(&self.goals).map(|(body, goal)| Chooser {
            cell: body.cell,
            heading: body.heading,
            entering: body.entering(),
            goal: goal.as_deref(),
        });
        self.pibt.choose(&self.floor, choosers, &self.order);
        for robot in 0..self.bodies.len() {
            let command = self.begin_or_go_on(robot);
            if let Some(slot) = self.commands.get_mut(robot) {
                *slot = command;
            }
        }
        &self.commands
    }

    /// Takes in that a robot has made the progress of one tick, as it was told to. Without an action there is none.
    pub fn progressed(&mut self, robot: usize) {
        let Some(body) = self.bodies.get_mut(robot) else { return };
        match &mut body.motion {
            Motion::Rest => {}
            Motion::Turning { done, .. } => {
                *done += 1;
                if self.ticks <= *done {
                    body.motion = Motion::Rest;
                }
            }
            Motion::Moving { to, done } => {
                *done += 1;
                if self.ticks <= *done {
                    self.leaving.set(body.cell.index(), NOBODY);
                    body.cell = *to;
                    body.motion = Motion::Rest;
                }
            }
        }
    }

    /// Makes those older that are not where they want to be, and ranks all.
    fn age(&mut self) {
        for ((body, goal), age) in self.bodies.iter().zip(&self.goals).zip(&mut self.ages) {
            let wants = goal.as_ref().is_some_and(|goal| goal.goal() != body.next_cell());
            *age = if wants { age.saturating_add(1) } else { 0 };
        }
        let ages = &self.ages;
        self.order.sort_unstable_by_key(|&robot| {
            (std::cmp::Reverse(ages.get(robot as usize).copied().unwrap_or(0)), robot)
        });
    }

    /// The command of a robot, after its choice has been made.
    fn begin_or_go_on(&mut self, robot: usize) -> Command {
        let Some(&body) = self.bodies.get(robot) else { return Command::Hold };
        match body.motion {
            Motion::Turning { right, .. } => turn(right),
            Motion::Moving { to, done } => {
                if self.has_room(body.heading, to, done + 1) {
                    Command::Forward
                } else {
                    Command::Hold
                }
            }
            Motion::Rest => self.begin(robot, body),
        }
    }

    fn begin(&mut self, robot: usize, body: Body) -> Command {
        let to = self.pibt.choice(robot).unwrap_or(body.cell);
        let Some(direction) = self.floor.direction(body.cell, to) else { return Command::Hold };
        let (motion, heading, command) = if direction != body.heading {
            let right = body.heading.left() != direction;
            let heading = if right { body.heading.right() } else { body.heading.left() };
            (Motion::Turning { done: 0, right }, heading, turn(right))
        } else if self.holder.at(to.index()) == NOBODY && self.has_room(direction, to, 1) {
            self.holder.set(body.cell.index(), NOBODY);
            self.leaving.set(body.cell.index(), number(robot));
            self.holder.set(to.index(), number(robot));
            (Motion::Moving { to, done: 0 }, body.heading, Command::Forward)
        } else {
            return Command::Hold;
        };
        if let Some(slot) = self.bodies.get_mut(robot) {
            *slot = Body { heading, motion, ..body };
        }
        command
    }

    /// Whether a robot may have moved `ticks` into a cell: whoever leaves it is known to be as far out in the same
    /// direction.
    fn has_room(&self, direction: Heading, to: CellId, ticks: u32) -> bool {
        let Some(ahead) = self.bodies.get(self.leaving.at(to.index()) as usize) else { return true };
        match ahead.motion {
            Motion::Moving { done, .. } => ahead.heading == direction && ticks <= done,
            Motion::Rest | Motion::Turning { .. } => true,
        }
    }
}

impl Body {
    fn entering(&self) -> Option<CellId> {
        match self.motion {
            Motion::Moving { to, .. } => Some(to),
            Motion::Rest | Motion::Turning { .. } => None,
        }
    }

    fn next_cell(&self) -> CellId {
        self.entering().unwrap_or(self.cell)
    }
}

fn turn(right: bool) -> Command {
    if right { Command::Right } else { Command::Left }
}

/// The number of a robot; there are far fewer than 2^32.
fn number(robot: usize) -> u32 {
    u32::try_from(robot).unwrap_or(NOBODY)
}
