//! What would become of all tasks if there were more.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use sheepdog_core::{AgentId, FleetTime, Micros, TaskId, WaypointId};

use super::{
    Call, Dispatcher, EventError, Order, Rung, Seat, Whom,
    entry::{Entry, Phase, ladder_of},
};
use crate::{Step, Task};

/// Knows how long ways take, and who fits, for times at which nobody is where it is now.
pub trait Ways {
    /// How long an agent takes from one place to another, in milliseconds; `None` when it finds no way.
    fn travel_ms(&mut self, agent: AgentId, from: WaypointId, to: WaypointId) -> Option<u64>;

    /// Whether an agent may and can do a task, wherever it is.
    fn fits(&mut self, agent: AgentId, call: &Call<'_>) -> bool;
}

/// What is foreseen for one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Which task.
    pub task: TaskId,
    /// Who does it, the first of a crew; `None` when nobody can.
    pub agent: Option<AgentId>,
    /// When its next step begins.
    pub starts: Option<FleetTime>,
    /// When it is done.
    pub done: Option<FleetTime>,
    /// When it would be done without the tasks that were asked about; `None` for these themselves, and when nobody could.
    pub done_without: Option<FleetTime>,
    /// By how much it misses its deadline; zero when it does not, or has none.
    pub late: Micros,
}

/// A task on its way through a forecast.
struct Job<'a> {
    task: &'a Task,
    step: usize,
    crew: &'a [Seat],
    after: Vec<TaskId>,
    not_before: FleetTime,
    /// Since when somebody could be asked, if so.
    opened: Option<FleetTime>,
    /// Who may be asked, and how much later.
    seats: Vec<(Micros, &'a Seat)>,
    /// If it is no new one.
    entry: Option<&'a Entry>,
}

/// Where an agent will be, and from when on.
#[derive(Clone, Copy)]
struct Free {
    at: WaypointId,
    from: FleetTime,
}

impl Dispatcher {
    /// What would become of all tasks if these were asked for now as well: "how late, if I add these twenty?"
    ///
    /// An estimate, and the same each time: tasks are taken in order of priority and age, those before them first, and each
    /// goes to whoever is there first when all before it is done. Gates count as open from the time of their rung on, and
    /// nobody declines, fails, is stopped or goes off shift. Nothing is changed. O((tasks + new ones) · agents) questions to
    /// `ways`.
    ///
    /// # Errors
    /// [`EventError`] for the first order that would be refused.
    pub fn what_if(&self, orders: &[Order], ways: &mut dyn Ways) -> Result<Vec<Foreseen>, EventError> {
        let mut new = BTreeSet::new();
        for order in orders {
            self.check_order(order, &new)?;
            if !new.insert(order.task.id) {
                return Err(EventError::Taken { task: order.task.id });
            }
        }
        let without = if orders.is_empty() { BTreeMap::new() } else { self.foresee(&[], ways) };
        let mut all = self.foresee(orders, ways);
        for (task, foreseen) in &mut all {
            foreseen.done_without = match (new.contains(task), orders.is_empty()) {
                (true, _) => None,
                (false, true) => foreseen.done,
                (false, false) => without.get(task).and_then(|before| before.done),
            };
        }
        Ok(all.into_values().collect())
    }

    fn foresee(&self, orders: &[Order], ways: &mut dyn Ways) -> BTreeMap<TaskId, Foreseen> {
        let now = self.now;
        let mut free: BTreeMap<AgentId, Free> = BTreeMap::new();
        for (agent, member) in &self.agents {
            if member.takes_tasks && member.waits_for_fetch.is_empty() {
                free.insert(*agent, Free { at: member.at, from: now });
            }
        }
        let mut all = BTreeMap::new();
        let mut jobs = BTreeMap::new();
        let ladders: Vec<Vec<Rung>> = orders.iter().map(|order| ladder_of(order, &self.patience)).collect();
        for (task, entry) in &self.tasks {
            if let (Phase::Offered(_) | Phase::Running(_) | Phase::Resuming(_), Some(leader)) =
                (&entry.phase, entry.leader())
            {
                let others = entry.taken().iter().map(|taken| taken.agent).collect::<Vec<_>>();
                let steps = entry.order.task.steps.get(entry.step as usize..).unwrap_or(&[]);
                let start = Free { at: self.place_of(leader), from: now };
                let way = walk(leader, start, steps, ways);
                all.insert(*task, foreseen(&entry.order.task, leader, way));
                for agent in others {
                    occupy(&mut free, agent, way);
                }
            } else if matches!(entry.phase, Phase::Closing(_)) {
                // What is left of it shows when those who have it have stopped.
                all.insert(*task, Foreseen { agent: entry.leader(), ..Foreseen::nobody(*task) });
                entry.taken().iter().for_each(|taken| occupy(&mut free, taken.agent, None));
            } else {
                jobs.insert(*task, self.job(entry));
            }
        }
        for (order, ladder) in orders.iter().zip(&ladders) {
            jobs.insert(order.task.id, new_job(order, ladder, now));
        }
        self.place_all(&jobs, &mut free, &mut all, ways);
        all
    }

    fn job<'a>(&self, entry: &'a Entry) -> Job<'a> {
        Job {
            task: &entry.order.task,
            step: entry.step as usize,
            crew: &entry.order.crew,
            after: entry.waits_for.iter().copied().collect(),
            not_before: entry.order.not_before.unwrap_or(self.now).max(self.now),
            opened: entry.opened,
            seats: rungs(&entry.ladder, |after| entry.lacks(after, self.now)),
            entry: Some(entry),
        }
    }

    /// Gives each job to whoever is there first, the most urgent and then the oldest first.
    fn place_all(
        &self,
        jobs: &BTreeMap<TaskId, Job<'_>>,
        free: &mut BTreeMap<AgentId, Free>,
        all: &mut BTreeMap<TaskId, Foreseen>,
        ways: &mut dyn Ways,
    ) {
        let (mut left, mut successors) = (BTreeMap::new(), BTreeMap::<TaskId, Vec<TaskId>>::new());
        let mut ready = BTreeSet::new();
        for (task, job) in jobs {
            let before: BTreeSet<TaskId> =
                job.after.iter().copied().filter(|before| jobs.contains_key(before)).collect();
            for before in &before {
                successors.entry(*before).or_default().push(*task);
            }
            if before.is_empty() {
                ready.insert(self.rank(*task, job, all));
            } else {
                left.insert(*task, before.len());
            }
        }
        while let Some((_, from, task)) = ready.pop_first() {
            let Some(job) = jobs.get(&task) else { continue };
            let placed =
                if from < FleetTime::MAX { place(job, from.max(self.now), free, ways) } else { None };
            all.insert(task, placed.unwrap_or_else(|| Foreseen::nobody(task)));
            for successor in successors.remove(&task).into_iter().flatten() {
                let Some(count) = left.get_mut(&successor) else { continue };
                *count -= 1;
                if let (0, Some(job)) = (*count, jobs.get(&successor)) {
                    ready.insert(self.rank(successor, job, all));
                }
            }
        }
        // Orders that wait for each other in a circle would be begun by nobody.
        for task in jobs.keys() {
            all.entry(*task).or_insert_with(|| Foreseen::nobody(*task));
        }
    }

    /// What comes first: priority, then when somebody can be asked first; at the end of time if never.
    fn rank(
        &self,
        task: TaskId,
        job: &Job<'_>,
        all: &BTreeMap<TaskId, Foreseen>,
    ) -> (Reverse<u8>, FleetTime, TaskId) {
        // What comes before has to be done, or was when this was asked for.
        let before = |before: &TaskId| match all.get(before) {
            Some(foreseen) => foreseen.done,
            None if self.cancelled.contains(before.0) => None,
            None => Some(self.now),
        };
        let open = job.after.iter().map(before).try_fold(job.not_before, |from, at| Some(from.max(at?)));
        let open = open.map(|open| job.opened.unwrap_or(open));
        (Reverse(job.task.priority), open.unwrap_or(FleetTime::MAX), task)
    }
}

impl Foreseen {
    fn nobody(task: TaskId) -> Self {
        Self { task, agent: None, starts: None, done: None, done_without: None, late: Micros::ZERO }
    }
}

/// Gives a job to whoever is there first, with the crew that it needs.
fn place(
    job: &Job<'_>,
    from: FleetTime,
    free: &mut BTreeMap<AgentId, Free>,
    ways: &mut dyn Ways,
) -> Option<Foreseen> {
    let place = job.task.steps.get(job.step)?.place;
    let mut taken: Vec<AgentId> = Vec::new();
    let mut starts = from;
    for seat in 0..=job.crew.len() {
        let mut best: Option<(FleetTime, AgentId)> = None;
        for (&agent, state) in free.iter().filter(|(agent, _)| !taken.contains(agent)) {
            let due = if let Some(seat) = seat.checked_sub(1).and_then(|other| job.crew.get(other)) {
                fits(job, agent, seat, false, ways).then_some(from)
            } else {
                let fitting = job.seats.iter().filter(|(_, seat)| fits(job, agent, seat, true, ways));
                fitting.map(|(after, _)| from + *after).min()
            };
            let Some(due) = due else { continue };
            let Some(way) = ways.travel_ms(agent, state.at, place) else { continue };
            let at = state.from.max(due).max(from) + Micros::from_millis(way);
            if best.is_none_or(|best| (at, agent) < best) {
                best = Some((at, agent));
            }
        }
        let (at, agent) = best?;
        starts = starts.max(at);
        taken.push(agent);
    }
    let leader = *taken.first()?;
    let way = walk(leader, Free { at: place, from: starts }, job.task.steps.get(job.step..)?, ways);
    for agent in taken {
        occupy(free, agent, way);
    }
    Some(foreseen(job.task, leader, way))
}

fn fits(job: &Job<'_>, agent: AgentId, seat: &Seat, leads: bool, ways: &mut dyn Ways) -> bool {
    job.entry.is_none_or(|entry| entry.permits(agent, leads))
        && ways.fits(agent, &Call { task: job.task, step: job.step, seats: &[seat] })
}

/// When an agent begins the first step and has done the last, and where it is then.
fn walk(agent: AgentId, start: Free, steps: &[Step], ways: &mut dyn Ways) -> Option<(FleetTime, Free)> {
    let (mut here, mut starts) = (start, None);
    for step in steps {
        let way = ways.travel_ms(agent, here.at, step.place)?;
        let arrives = here.from + Micros::from_millis(way);
        starts = starts.or(Some(arrives));
        here = Free { at: step.place, from: arrives + step.duration };
    }
    Some((starts.unwrap_or(start.from), here))
}

/// An agent is busy until a way ends; for good if that never does.
fn occupy(free: &mut BTreeMap<AgentId, Free>, agent: AgentId, way: Option<(FleetTime, Free)>) {
    match way {
        Some((_, end)) => {
            free.entry(agent).and_modify(|state| *state = end);
        }
        None => {
            free.remove(&agent);
        }
    }
}

fn foreseen(task: &Task, agent: AgentId, way: Option<(FleetTime, Free)>) -> Foreseen {
    let done = way.map(|(_, end)| end.from);
    let late = task.deadline.zip(done).and_then(|(deadline, done)| done.since(deadline));
    Foreseen {
        task: task.id,
        agent: Some(agent),
        starts: way.map(|(starts, _)| starts),
        done,
        done_without: None,
        late: late.unwrap_or_default(),
    }
}

fn new_job<'a>(order: &'a Order, ladder: &'a [Rung], now: FleetTime) -> Job<'a> {
    Job {
        task: &order.task,
        step: 0,
        crew: &order.crew,
        after: order.after.clone(),
        not_before: order.not_before.unwrap_or(now).max(now),
        opened: None,
        seats: rungs(ladder, |after| after),
        entry: None,
    }
}

/// Whom rungs name, and how much later they are due.
fn rungs(ladder: &[Rung], lacks: impl Fn(Micros) -> Micros) -> Vec<(Micros, &Seat)> {
    let mut sum = Micros::ZERO;
    let mut seats = Vec::new();
    for rung in ladder {
        sum = sum.saturating_add(rung.after);
        if let Whom::Agents(seat) = &rung.whom {
            seats.push((lacks(sum), seat));
        }
    }
    seats
}
