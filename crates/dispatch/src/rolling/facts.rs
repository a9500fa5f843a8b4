//! What a plan is made from: tasks, robots and ways, checked once.

use super::problem::Problem;
use crate::policy::{Open, Ready, Weights};

/// Pieces of work that are planned at a time: tasks and loads on board.
pub const PIECES_MAX: usize = 1 << 10;
/// Robots that are planned for at a time.
pub const ROBOTS_MAX: usize = 1 << 12;
/// Stops that a robot is given at a time, those to charge not counted.
pub const ROUTE_MAX: usize = 64;

/// Work that is done in one go at one place or several, in their order: nothing else comes in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Where, by number; at least one.
    pub places: Vec<u32>,
    /// How long the work takes, without the ways between the places.
    pub takes_ms: u64,
    /// When it may begin; whoever comes earlier waits.
    pub ready_ms: u64,
    /// When it should begin at the latest. What is later is late, and still done.
    pub due_ms: Option<u64>,
}

impl Stop {
    /// Work at one place, at any time.
    pub fn at(place: u32, takes_ms: u64) -> Self {
        Self { places: vec![place], takes_ms, ready_ms: 0, due_ms: None }
    }
}

/// What a task takes of whoever does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What begins it; the time until then is the wait of whoever asked.
    pub pickup: Stop,
    /// What ends it; between the two other work may be done. `None` when it is all one.
    pub delivery: Option<Stop>,
    /// What is on board from the pickup to the delivery, or during a stop that is all; in units of [`Outlook::room`].
    pub load: u32,
}

/// A task that nobody has begun, what it takes, and who may do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The task.
    pub open: Open,
    /// What it takes.
    pub errand: Errand,
    /// Who may do it, in any order, batteries aside: whoever has too little is charged first.
    pub may: Vec<u32>,
}

/// A load that somebody has on board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aboard {
    /// Of which task.
    pub task: u32,
    /// How much that task matters.
    pub priority: u8,
    /// Where it goes.
    pub delivery: Stop,
    /// How much it is.
    pub load: u32,
}

/// A battery that is emptied evenly by driving and working, and filled evenly at a charger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power {
    /// How full it is when its robot is free, parts per million.
    pub level_ppm: u32,
    /// What must be left on arrival at a charger.
    pub reserve_ppm: u32,
    /// What a second at a charger brings.
    pub gain_ppm_per_s: u32,
    /// A robot that is at a charger stays until it is so full, or longer where the next stop needs more.
    pub charge_to_ppm: u32,
}

/// Where somebody will be when it is free, and what it can do from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Where.
    pub place: u32,
    /// How it travels: who has the same number finds the same ways.
    pub travel: u32,
    /// How much it can have on board.
    pub room: u32,
    /// When it must have ended everything; `None` for never.
    pub until_ms: Option<u64>,
    /// What it has on board. This alone it has to do, and before it takes on anything for which there is no room.
    pub aboard: Vec<Aboard>,
    /// Its battery; `None` for who never runs out. It drains as [`Ready::drain_ppm_per_s`] tells.
    pub power: Option<Power>,
}

/// Somebody who may be given tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// Who, and when it is free.
    pub ready: Ready,
    /// Where it is then.
    pub outlook: Outlook,
}

/// All that a plan depends on, but for ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// When.
    pub now_ms: u64,
    /// Tasks that nobody has begun, in any order.
    pub wanted: Vec<Wanted>,
    /// Who may be given them, in any order.
    pub robots: Vec<Robot>,
    /// Places where batteries are filled. When there are none, nobody has to reach one.
    pub chargers: Vec<u32>,
    /// What lateness, energy and fairness weigh.
    pub weights: Weights,
}

/// How long ways take.
pub trait Travels {
    /// Milliseconds from each of some places to each of others, row by row, for those who travel alike; `None` where there is
    /// no way.
    fn ways(&mut self, travel: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>>;
}

/// Tells of tasks and agents what plans need to know besides [who is there when](crate::policy::Arrivals).
pub trait Prospects: Travels {
    /// What a task takes; `None` when nobody can tell. Then it is not planned ahead.
    fn errand(&mut self, task: u32) -> Option<Errand>;
    /// Where an agent is when it is free; `None` when nobody can tell. Then no plan counts on it.
    fn outlook(&mut self, agent: u32) -> Option<Outlook>;
    /// Whether an agent may do a task, its battery aside.
    fn may(&mut self, task: u32, agent: u32) -> bool;
    /// Places where batteries are filled.
    fn chargers(&mut self) -> Vec<u32>;
}

/// Why there can be no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// More tasks and loads than [`PIECES_MAX`].
    #[error("there are {pieces} tasks and loads, {PIECES_MAX} are allowed")]
    Pieces {
        /// How many there are.
        pieces: usize,
    },
    /// More robots than [`ROBOTS_MAX`].
    #[error("there are {robots} robots, {ROBOTS_MAX} are allowed")]
    Robots {
        /// How many there are.
        robots: usize,
    },
    /// A task that is there twice, or open and on board.
    #[error("task {task} is there twice")]
    TaskTwice {
        /// Which one.
        task: u32,
    },
    /// A robot that is there twice.
    #[error("robot {agent} is there twice")]
    RobotTwice {
        /// Which one.
        agent: u32,
    },
    /// A stop of a task without a place.
    #[error("a stop of task {task} has no place")]
    NoPlace {
        /// Which one.
        task: u32,
    },
}

impl Facts {
    /// Checks all of it, and asks for the ways that a plan may need: from where somebody can be to where somebody has to be.
    ///
    /// Times beyond twelve days from now count as twelve days. O(pieces · (pieces + robots)) ways for each way of travel.
    ///
    /// # Errors
    /// [`FactsError`] names the first thing that is wrong.
    pub fn problem(self, travels: &mut dyn Travels) -> Result<Problem, FactsError> {
        let loads = self.robots.iter().flat_map(|robot| &robot.outlook.aboard);
        let pieces = self.wanted.len() + loads.clone().count();
        if PIECES_MAX < pieces {
            return Err(FactsError::Pieces { pieces });
        }
        if ROBOTS_MAX < self.robots.len() {
            return Err(FactsError::Robots { robots: self.robots.len() });
        }
        let agents = self.robots.iter().map(|robot| robot.ready.agent).collect();
        twice(agents).map_or(Ok(()), |agent| Err(FactsError::RobotTwice { agent }))?;
        let open = self.wanted.iter().map(|wanted| wanted.open.task);
        let tasks = open.chain(loads.clone().map(|aboard| aboard.task)).collect();
        twice(tasks).map_or(Ok(()), |task| Err(FactsError::TaskTwice { task }))?;
        let ends = self.wanted.iter().flat_map(|wanted| {
            let Errand { pickup, delivery, .. } = &wanted.errand;
            std::iter::once(pickup).chain(delivery).map(|stop| (wanted.open.task, stop))
        });
        let mut stops = ends.chain(loads.map(|aboard| (aboard.task, &aboard.delivery)));
        if let Some((task, _)) = stops.find(|(_, stop)| stop.places.is_empty()) {
            return Err(FactsError::NoPlace { task });
        }
        Ok(Problem::new(self, travels))
    }
}

/// The lowest number that is there twice.
fn twice(mut numbers: Vec<u32>) -> Option<u32> {
    numbers.sort_unstable();
    numbers.iter().zip(numbers.iter().skip(1)).find(|(one, next)| one == next).map(|(one, _)| *one)
}
