//! Who runs which errands: the cheapest task for whoever is free, exchanged until the first errand is opened.

use std::sync::Arc;

use sheepdog_traffic::lifelong::{CellId, Field, Floor, Lifelong};

/// Steps that an exchange has to save.
const WORTH: u32 = 2;

/// Bytes of distances that are kept.
const BUDGET: usize = 1 << 30;

/// Distances to goals, made when they are asked for first and kept while there is room.
#[derive(Debug)]
pub(super) struct Fields {
    floor: Arc<Floor>,
    kept: Vec<Option<Arc<Field>>>,
    /// Those that are kept, oldest first.
    order: std::collections::VecDeque<CellId>,
}

/// What a robot is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Free,
    /// On its way to the first errand of a task.
    Bound(usize),
    /// On its way to a later one.
    Busy(usize, usize),
}

/// All tasks that are known, and who does them.
#[derive(Debug)]
pub(super) struct Desk {
    floor: Arc<Floor>,
    width: usize,
    tasks: Vec<Vec<CellId>>,
    /// Steps from the first errand of a task through all others.
    lengths: Vec<u32>,
    /// Tasks known so far; their numbers go round.
    revealed: usize,
    known: usize,
    /// Nobody is bound for these.
    open: Vec<usize>,
    jobs: Vec<Job>,
    finished: usize,
    errands: usize,
}

impl Fields {
    pub(super) fn new(floor: &Arc<Floor>) -> Self {
        Self {
            floor: Arc::clone(floor),
            kept: vec![None; floor.len()],
            order: std::collections::VecDeque::new(),
        }
    }

    fn to(&mut self, goal: CellId) -> Arc<Field> {
        if let Some(Some(field)) = self.kept.get(goal.index()) {
            return Arc::clone(field);
        }
        let field = Arc::new(Field::new(&self.floor, goal));
        while BUDGET < (self.order.len() + 1) * 8 * self.floor.len() {
            let Some(slot) = self.order.pop_front().and_then(|old| self.kept.get_mut(old.index())) else {
                break;
            };
            *slot = None;
        }
        if let Some(slot) = self.kept.get_mut(goal.index()) {
            *slot = Some(Arc::clone(&field));
            self.order.push_back(goal);
        }
        field
    }
}

impl Desk {
    /// `known` tasks are on the table at any time, those that are being done included.
    pub(super) fn new(
        floor: &Arc<Floor>,
        width: usize,
        tasks: Vec<Vec<CellId>>,
        robots: usize,
        known: usize,
    ) -> Self {
        let mut desk = Self {
            floor: Arc::clone(floor),
            width,
            lengths: Vec::new(),
            tasks,
            revealed: 0,
            known,
            open: Vec::new(),
            jobs: vec![Job::Free; robots],
            finished: 0,
            errands: 0,
        };
        let length = |task: &Vec<CellId>| {
            let legs = task.iter().zip(task.iter().skip(1));
            legs.map(|(&from, &to)| desk.steps(from, to)).sum()
        };
        desk.lengths = desk.tasks.iter().map(length).collect();
        desk.reveal();
        desk
    }

    pub(super) fn finished(&self) -> usize {
        self.finished
    }

    pub(super) fn errands(&self) -> usize {
        self.errands
    }

    /// A robot stands in a cell: its errand there is run.
    pub(super) fn arrived(&mut self, robot: usize, cell: Option<CellId>) {
        while let Some(&job) = self.jobs.get(robot)
            && let Some((task, errand)) = job.errand()
            && self.errand(task, errand) == cell
            && cell.is_some()
        {
            self.errands += 1;
            let next = if self.errand(task, errand + 1).is_some() {
                Job::Busy(task, errand + 1)
            } else {
                self.finished += 1;
                Job::Free
            };
            if let Some(slot) = self.jobs.get_mut(robot) {
                *slot = next;
            }
        }
    }

    /// Gives free robots tasks, exchanges those that are not opened, and sends everybody to its errand.
    pub(super) fn assign(&mut self, robots: &mut Lifelong, fields: &mut Fields) {
        self.reveal();
        for robot in 0..self.jobs.len() {
            if self.jobs.get(robot) == Some(&Job::Free) {
                self.take_cheapest(robots, robot);
            }
        }
        self.exchange(robots);
        for (robot, job) in self.jobs.iter().enumerate() {
            let goal = job.errand().and_then(|(task, errand)| self.errand(task, errand));
            let before = robots.goal(robot);
            match goal {
                _ if goal == before => {}
                Some(goal) => robots.set_goal(robot, Some(fields.to(goal))),
                None => robots.set_goal(robot, None),
            }
        }
    }

    fn reveal(&mut self) {
        while self.revealed - self.finished < self.known && !self.tasks.is_empty() {
            self.open.push(self.revealed);
            self.revealed += 1;
        }
    }

    fn take_cheapest(&mut self, robots: &Lifelong, robot: usize) {
        let priced =
            self.open.iter().enumerate().map(|(slot, &task)| (self.cost(robots, robot, task), task, slot));
        if let Some((_, task, slot)) = priced.min() {
            self.open.swap_remove(slot);
            self.put(robot, task);
        }
    }

    /// Everybody who has not opened its task may take an open one that is cheaper, or change with another robot.
    fn exchange(&mut self, robots: &Lifelong) {
        let bound: Vec<usize> = (0..self.jobs.len()).filter(|&robot| self.bound(robot).is_some()).collect();
        for (index, &robot) in bound.iter().enumerate() {
            let Some(own) = self.bound(robot) else { continue };
            let price = self.cost(robots, robot, own);
            let priced = self.open.iter().enumerate();
            let priced = priced.map(|(slot, &task)| (self.cost(robots, robot, task), task, slot));
            if let Some((other, task, slot)) = priced.min()
                && other + WORTH <= price
            {
                if let Some(slot) = self.open.get_mut(slot) {
                    *slot = own;
                }
                self.put(robot, task);
                continue;
            }
            for &other in bound.iter().skip(index + 1) {
                let (Some(own), Some(theirs)) = (self.bound(robot), self.bound(other)) else { continue };
                let now = self.cost(robots, robot, own) + self.cost(robots, other, theirs);
                let then = self.cost(robots, robot, theirs) + self.cost(robots, other, own);
                if then + WORTH <= now {
                    self.put(robot, theirs);
                    self.put(other, own);
                }
            }
        }
    }

    fn bound(&self, robot: usize) -> Option<usize> {
        match self.jobs.get(robot)? {
            Job::Bound(task) => Some(*task),
            Job::Free | Job::Busy(_, _) => None,
        }
    }

    fn put(&mut self, robot: usize, task: usize) {
        if let Some(slot) = self.jobs.get_mut(robot) {
            *slot = Job::Bound(task);
        }
    }

    /// Steps of a robot to the first errand of a task and through all others, as if there were no walls.
    fn cost(&self, robots: &Lifelong, robot: usize, task: usize) -> u32 {
        let from = robots.bound_for(robot).map(|(cell, _)| cell);
        let approach = from.zip(self.errand(task, 0)).map_or(u32::MAX / 4, |(from, to)| self.steps(from, to));
        approach + self.lengths.get(task % self.tasks.len().max(1)).copied().unwrap_or(0)
    }

    fn errand(&self, task: usize, errand: usize) -> Option<CellId> {
        self.tasks.get(task % self.tasks.len().max(1))?.get(errand).copied()
    }

    /// Steps between two cells as if there were no walls.
    fn steps(&self, from: CellId, to: CellId) -> u32 {
        let (Some(from), Some(to)) = (self.floor.place(from), self.floor.place(to)) else {
            return u32::MAX / 4;
        };
        let (rows, columns) =
            ((from / self.width).abs_diff(to / self.width), (from % self.width).abs_diff(to % self.width));
        u32::try_from(rows + columns).unwrap_or(u32::MAX / 4)
    }
}

impl Job {
    fn errand(self) -> Option<(usize, usize)> {
        match self {
            Self::Free => None,
            Self::Bound(task) => Some((task, 0)),
            Self::Busy(task, errand) => Some((task, errand)),
        }
    }
}
