//! The dispatcher: every task from its order to its end, with robots and people that answer late, twice or never.
//!
//! [`Dispatcher`] is a state machine without input, output or clock: [`handle`](Dispatcher::handle) takes an [`Event`],
//! [`decide`](Dispatcher::decide) lets a [`Policy`] choose among those whom a [`Scout`] names, and
//! [`poll_effect`](Dispatcher::poll_effect) says what is to be done. It keeps these promises:
//!
//! * **Nothing is lost.** A task that was accepted ends done, or cancelled because somebody wanted that. That an agent left,
//!   failed or fell silent never ends one.
//! * **Nothing is done by two.** An agent acts on a task only while its lease lasts; the task is offered to somebody else
//!   only when the lease has lapsed or the agent has confirmed that it stopped. Every award has a number of its own, and
//!   what is said about an older one changes nothing, unless it tells of what was done in time.
//! * **A load is where it is.** Whoever has one on board keeps the task. If it cannot go on, a person fetches the load from
//!   it first, and it gets nothing else to do until then.
//! * **All or nobody.** A task that needs several begins when all have accepted.
//! * **No rung before its gate.** From when on others may be asked, and what must be true at that very moment, is said by the
//!   task's ladder; the last rung is the operator.
//!
//! Gates of [steps](crate::Step) are kept by whoever lets steps begin; those of rungs are kept here.
//!
//! The journey of a task: *held* until its time has come and others before it are done, *open*, *offered* to somebody who
//! answers, *committed*, *loaded*, *done*.
//!
//! ```
//! # use std::{collections::BTreeSet, sync::Arc};
//! # use sheepdog_core::{AgentId, FleetTime, Micros, Mm, TaskId, WaypointId, wire::Action};
//! # use sheepdog_map::{CompileOptions, FootprintClass, Site, model::{Level, Lane, Waypoint}};
//! use sheepdog_dispatch::{
//!     AgentKind, Performers, Step, Task,
//!     dispatcher::{Call, Dispatcher, Effect, Event, Order, Patience, Scout, Status},
//!     policy::{Arrival, NearestAvailable},
//! };
//!
//! /// One robot that is a minute away from everything.
//! struct Near;
//!
//! impl Scout for Near {
//!     fn nearest(&mut self, _: &Call<'_>, _: usize, found: &mut Vec<Arrival>) -> Option<u64> {
//!         found.push(Arrival { at_ms: 60_000, agent: 3 });
//!         None
//!     }
//! }
//!
//! # let mut site = Site::new("ward");
//! # site.levels.push(Level::new("ground", 0.0));
//! # site.waypoints.push(Waypoint::new("a", "ground", 0.0, 0.0));
//! # site.waypoints.push(Waypoint::new("b", "ground", 4.0, 0.0));
//! # site.lanes.push(Lane::two_way("a", "b"));
//! # let site = site.compile(&CompileOptions::new(vec![FootprintClass::round("small", Mm(200), Mm(50))])).unwrap();
//! let mut dispatcher = Dispatcher::new(Arc::new(site), Patience::default());
//! let at = WaypointId(0);
//! let robot = Event::Agent { agent: AgentId(3), kind: AgentKind::Robot, at, takes_tasks: true };
//! dispatcher.handle(FleetTime::ZERO, robot)?;
//! let visit = Step { place: WaypointId(1), action: Action::Attend, duration: Micros::ZERO, gates: Vec::new() };
//! let task = Task {
//!     id: TaskId(1),
//!     name: "visit".into(),
//!     requested: FleetTime::ZERO,
//!     deadline: None,
//!     priority: 1,
//!     skills: BTreeSet::new(),
//!     payload_g: 0,
//!     performers: Performers::RobotsFirst,
//!     steps: vec![visit],
//! };
//! dispatcher.handle(FleetTime::ZERO, Event::Submit(Box::new(Order::from(task))))?;
//! dispatcher.decide(FleetTime::ZERO, &mut NearestAvailable, &mut Near);
//! let Some(Effect::Offer { agent, token, .. }) = dispatcher.poll_effect() else { unreachable!() };
//! dispatcher.handle(FleetTime::ZERO, Event::Answer { agent, token, accepted: true })?;
//! assert_eq!(dispatcher.status(TaskId(1)), Some(Status::Committed { agent }));
//! dispatcher.handle(FleetTime::ZERO, Event::StepDone { agent, token })?;
//! assert_eq!(dispatcher.status(TaskId(1)), None, "done");
//! # Ok::<(), sheepdog_dispatch::dispatcher::EventError>(())
//! ```

mod agents;
mod choose;
mod entry;
mod event;
mod forecast;
mod order;
mod progress;
mod ranges;
#[cfg(test)]
mod tests;
mod undo;
mod why;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use sheepdog_core::{AgentId, FleetTime, TaskId, WaypointId};
use sheepdog_map::CompiledSite;

use self::{
    agents::Member,
    entry::{Entry, Phase},
    ranges::Ranges,
    undo::Undoable,
};
pub use self::{
    choose::{Call, Scout},
    event::{Alarm, Effect, Event, EventError, Patience, Reason, SkipReason},
    forecast::{Foreseen, Ways},
    order::{AFTER_MAX, CANCEL_STEPS_MAX, CREW_MAX, Order, RUNGS_MAX, Rung, SCHEDULED, Schedule, Seat, Whom},
    why::Obstacle,
};
use crate::{Facts, ORD_002, ORD_006, Task, TaskError, policy::Policy};

/// Tasks that may be open at once.
pub const OPEN_MAX: u32 = 1 << 20;
/// Tasks that were cancelled and are kept for those who take that back, or tell of a load.
const KEPT_MAX: usize = 1 << 10;
/// Schedules that there may be, ended ones included.
pub const SCHEDULES_MAX: usize = 1 << 12;

/// Where a task stands, for those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its time has not come, or other tasks come first.
    Held,
    /// Nobody has it.
    Open,
    /// Somebody was asked.
    Offered {
        /// Who; the first of a crew.
        agent: AgentId,
    },
    /// Somebody does it and has no load of it.
    Committed {
        /// Who; the first of a crew.
        agent: AgentId,
    },
    /// Somebody does it and has its load on board.
    Loaded {
        /// Who.
        agent: AgentId,
    },
    /// It was cancelled, and whoever had it has not confirmed that it stopped.
    Closing,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    site: Arc<CompiledSite>,
    patience: Patience,
    now: FleetTime,
    tasks: BTreeMap<TaskId, Entry>,
    /// Open tasks by their number with policies.
    open: BTreeMap<u32, TaskId>,
    /// Numbers below this have been given out; those of tasks that are over are given out again.
    next_number: u32,
    spare_numbers: Vec<u32>,
    /// By task: those that wait for it.
    successors: BTreeMap<TaskId, Vec<TaskId>>,
    agents: BTreeMap<AgentId, Member>,
    free: BTreeSet<AgentId>,
    /// The task under way that was compared last with what others could do.
    compared: TaskId,
    /// The task for whose crew agents are kept free, and until when.
    gathering: Option<(TaskId, FleetTime)>,
    schedules: BTreeMap<u32, Repeated>,
    facts: Facts,
    done: Ranges,
    cancelled: Ranges,
    /// What was cancelled last: it may be taken back, or somebody may still tell of its load.
    kept: BTreeMap<TaskId, Entry>,
    kept_order: VecDeque<TaskId>,
    wakes: BTreeSet<(FleetTime, Waking)>,
    decisions: BTreeMap<u64, Undoable>,
    undoable_offers: VecDeque<u64>,
    undoable_wishes: VecDeque<u64>,
    next_decision: u64,
    effects: VecDeque<Effect>,
    is_due: bool,
}

/// What is looked at when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waking {
    Task(TaskId),
    Schedule(u32),
}

/// A schedule and where it stands.
#[derive(Clone, Debug, Default)]
struct Repeated {
    /// `None` when it has ended: its numbers are not used again.
    schedule: Option<Box<Schedule>>,
    /// When the last occurrence was due.
    last: Option<FleetTime>,
    next: FleetTime,
    /// The number of the next occurrence.
    occurrence: u32,
}

impl Dispatcher {
    /// Nobody and nothing to do.
    pub fn new(site: Arc<CompiledSite>, patience: Patience) -> Self {
        Self {
            site,
            patience: patience.or_a_second(),
            now: FleetTime::ZERO,
            tasks: BTreeMap::new(),
            open: BTreeMap::new(),
            next_number: 0,
            spare_numbers: Vec::new(),
            successors: BTreeMap::new(),
            agents: BTreeMap::new(),
            free: BTreeSet::new(),
            compared: TaskId(0),
            gathering: None,
            schedules: BTreeMap::new(),
            facts: Facts::default(),
            done: Ranges::default(),
            cancelled: Ranges::default(),
            kept: BTreeMap::new(),
            kept_order: VecDeque::new(),
            wakes: BTreeSet::new(),
            decisions: BTreeMap::new(),
            undoable_offers: VecDeque::new(),
            undoable_wishes: VecDeque::new(),
            next_decision: 1,
            effects: VecDeque::new(),
            is_due: false,
        }
    }

    /// Takes in an event, after everything that time has brought until `now`; an earlier `now` counts as the last one.
    ///
    /// O(log tasks + log agents), and as much for each timer that has run out; O(tasks) for [`Event::Lost`], and for the end of a
    /// task as much as there are others that wait for it.
    ///
    /// # Errors
    /// [`EventError`]: the event is refused and has changed nothing.
    pub fn handle(&mut self, now: FleetTime, event: Event) -> Result<(), EventError> {
        self.handle_timeout(now);
        match event {
            Event::Submit(order) => self.submit(order),
            Event::Cancel(task) => self.cancel(task),
            Event::Change { task, priority, deadline } => self.change(task, (priority, deadline)),
            Event::Repeat(schedule) => self.repeat(schedule),
            Event::EndRepeat(schedule) => self.end_repeat(schedule),
            Event::Agent { agent, kind, at, takes_tasks } => self.join(agent, kind, at, takes_tasks),
            Event::Alive { agent, at, on } => self.alive(agent, at, on),
            Event::Answer { agent, token, accepted } => self.answer(agent, token, accepted),
            Event::StepDone { agent, token } => self.step_done(agent, token),
            Event::Failed { agent, token } => self.failed(agent, token),
            Event::Released { agent, token } => self.released(agent, token),
            Event::Lost { agent, at } => self.lost(agent, at),
            Event::RobotUnwelcome(task) => self.unwelcome(task),
            Event::Fact(fact) => {
                self.facts.record(self.now, fact)?;
                self.is_due |= !self.open.is_empty();
                Ok(())
            }
            Event::Pin { task, agent } => self.pin(task, agent),
            Event::Forbid { task, agent, forbidden } => self.forbid(task, agent, forbidden),
            Event::Undo(decision) => self.undo(decision),
        }
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: FleetTime) {
        self.now = self.now.max(now);
        while let Some((at, what)) = self.wakes.first().copied().filter(|(at, _)| *at <= self.now) {
            self.wakes.remove(&(at, what));
            match what {
                Waking::Task(task) => self.review(task),
                Waking::Schedule(schedule) => self.come_due(schedule),
            }
        }
    }

    /// When something changes by itself next.
    pub fn poll_timeout(&self) -> Option<FleetTime> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// What is to be done next, in the order in which it came up.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether something has happened after which [`decide`](Self::decide) may find another answer.
    pub fn is_due(&self) -> bool {
        self.is_due
    }

    /// Lets a policy choose who is offered what, if something has happened since the last time.
    ///
    /// Tasks that need several come first; then the policy is asked about all others that may be offered to somebody. At last
    /// some of those under way are compared with what agents could do whom nobody needs, see [`Patience::gain`]. What it costs is
    /// up to the policy, and O(agents + tasks) besides.
    pub fn decide(&mut self, now: FleetTime, policy: &mut dyn Policy, scout: &mut dyn Scout) {
        self.handle_timeout(now);
        if std::mem::take(&mut self.is_due) {
            self.choose(policy, scout);
        }
    }

    /// Where a task stands; `None` when it is over or unknown.
    pub fn status(&self, task: TaskId) -> Option<Status> {
        let entry = self.tasks.get(&task)?;
        Some(match &entry.phase {
            Phase::Held => Status::Held,
            Phase::Open => Status::Open,
            Phase::Closing(_) => Status::Closing,
            Phase::Offered(taken) => Status::Offered { agent: taken.first()?.agent },
            Phase::Running(taken) if entry.is_loaded() => Status::Loaded { agent: taken.first()?.agent },
            Phase::Resuming(taken) => Status::Loaded { agent: taken.first()?.agent },
            Phase::Running(taken) => Status::Committed { agent: taken.first()?.agent },
        })
    }

    /// A task that is not over, with the steps that are to be done now: those of a hand-over or a cancellation are among them.
    pub fn task(&self, task: TaskId) -> Option<&Task> {
        Some(&self.tasks.get(&task)?.order.task)
    }

    /// The number by which policies know a task that is not over: what
    /// [`why_not`](crate::policy::BatchOptimal::why_not) takes. Later it may be another's.
    pub fn number_of(&self, task: TaskId) -> Option<u32> {
        Some(self.tasks.get(&task)?.number)
    }

    /// Tasks that are not over.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether every task is over.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The task that an agent has, was asked about, or has a load of.
    pub fn task_of(&self, agent: AgentId) -> Option<TaskId> {
        let member = self.agents.get(&agent)?;
        member.job.or_else(|| member.waits_for_fetch.first().copied())
    }

    fn submit(&mut self, order: Box<Order>) -> Result<(), EventError> {
        let task = order.task.id;
        if self.tasks.get(&task).is_some_and(|known| known.is_same(&order)) {
            return Ok(());
        }
        self.check_order(&order, &BTreeSet::new())?;
        self.accept(order)
    }

    /// Whether an order would be accepted, if others were before.
    fn check_order(&self, order: &Order, others: &BTreeSet<TaskId>) -> Result<(), EventError> {
        let task = order.task.id;
        if SCHEDULED <= task.0 {
            let (field, value) = ("id".into(), task.to_string());
            return Err(EventError::Order { task, error: TaskError { field, value, rule: ORD_006 } });
        }
        let is_used = self.done.contains(task.0) || self.cancelled.contains(task.0);
        if is_used || self.tasks.contains_key(&task) {
            return Err(EventError::Taken { task });
        }
        let refused = |error| EventError::Order { task, error };
        order.check(&self.site).map_err(refused)?;
        order.check_requested(self.now).map_err(refused)?;
        let is_known = |after: &&TaskId| {
            let is_done = self.done.contains(after.0) && !self.cancelled.contains(after.0);
            self.tasks.contains_key(after) || is_done || others.contains(after)
        };
        if let Some(unknown) = order.after.iter().find(|after| !is_known(after)) {
            let error = TaskError { field: "after".into(), value: unknown.to_string(), rule: ORD_002 };
            return Err(EventError::Order { task, error });
        }
        Ok(())
    }

    /// Takes in an order that was checked, whoever numbered it.
    fn accept(&mut self, order: Box<Order>) -> Result<(), EventError> {
        let task = order.task.id;
        let open = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
        if OPEN_MAX <= open {
            return Err(EventError::Full { task, limit: OPEN_MAX });
        }
        let number = self.take_number();
        let mut entry = Entry::new(order, number, &self.patience);
        entry.waits_for =
            entry.order.after.iter().copied().filter(|after| self.tasks.contains_key(after)).collect();
        for after in &entry.waits_for {
            self.successors.entry(*after).or_default().push(task);
        }
        self.tasks.insert(task, entry);
        self.review(task);
        Ok(())
    }

    /// A number for policies that no open task has: there are never more than open tasks.
    fn take_number(&mut self) -> u32 {
        self.spare_numbers.pop().unwrap_or_else(|| {
            self.next_number += 1;
            self.next_number - 1
        })
    }

    /// Looks at a task whose time may have come, and arranges for the next time.
    fn review(&mut self, task: TaskId) {
        let (now, patience) = (self.now, self.patience);
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        if let Some(at) = entry.wake.take() {
            self.wakes.remove(&(at, Waking::Task(task)));
        }
        entry.cooling.retain(|_, until| now < *until);
        if entry.order.task.deadline.is_some_and(|deadline| deadline <= now) && !entry.is_late {
            entry.is_late = true;
            self.effects.push_back(Effect::Alarm { task, alarm: Alarm::Late });
        }
        match &entry.phase {
            Phase::Held => {
                let is_time = entry.order.not_before.is_none_or(|at| at <= now);
                if entry.waits_for.is_empty() && is_time {
                    entry.alarm_at = None;
                    self.reopen(task);
                } else if entry.alarm_at.is_some_and(|at| at <= now) {
                    self.tell_of_predecessors(task);
                }
            }
            Phase::Open => {
                self.is_due = true;
                self.tell_operator(task);
            }
            Phase::Offered(_) => {
                self.tell_operator(task);
                self.lapse_offer(task);
            }
            Phase::Running(_) => {
                self.tell_of_standstill(task);
                self.lapse_lease(task);
            }
            Phase::Resuming(_) => {
                self.tell_of_standstill(task);
                self.resume(task);
            }
            Phase::Closing(_) => self.close(task),
        }
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        entry.former.retain(|former| now < former.until);
        let next = entry.next_wake(now, &patience);
        if let Some(at) = std::mem::replace(&mut entry.wake, next) {
            self.wakes.remove(&(at, Waking::Task(task)));
        }
        self.wakes.extend(next.map(|at| (at, Waking::Task(task))));
    }

    /// From now on somebody may be asked.
    fn reopen(&mut self, task: TaskId) {
        let (now, gather) = (self.now, self.patience.gather);
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        entry.phase = Phase::Open;
        entry.is_silent = false;
        entry.clock.start(now);
        entry.opened.get_or_insert(now);
        entry.gather_at = if entry.order.crew.is_empty() { FleetTime::MAX } else { now + gather };
        self.open.insert(entry.number, task);
        self.is_due = true;
    }

    /// Tells the operator, again and again, that a task waits for others that were cancelled.
    fn tell_of_predecessors(&mut self, task: TaskId) {
        let Some(entry) = self.tasks.get(&task) else { return };
        let gone = entry.waits_for.iter().filter(|before| !self.tasks.contains_key(before));
        let alarms: Vec<Effect> =
            gone.map(|before| Effect::Alarm { task, alarm: Alarm::Predecessor(*before) }).collect();
        let again = (!alarms.is_empty()).then_some(self.now + self.patience.alarm);
        self.tasks.entry(task).and_modify(|entry| entry.alarm_at = again);
        self.effects.extend(alarms);
    }

    /// Tells the operator that nobody has taken a task, when the ladder says so.
    fn tell_operator(&mut self, task: TaskId) {
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        if entry.operator_at().is_some_and(|at| at <= self.now) {
            entry.alarm_at = Some(self.now + self.patience.alarm);
            self.effects.push_back(Effect::Alarm { task, alarm: Alarm::Nobody });
        }
    }

    fn repeat(&mut self, schedule: Box<Schedule>) -> Result<(), EventError> {
        let id = schedule.id;
        let refused = |error| EventError::Order { task: Schedule::task(id, 0), error };
        schedule.check(&self.site).map_err(refused)?;
        if self.schedules.get(&id).is_some_and(|known| known.schedule.as_ref() == Some(&schedule)) {
            return Ok(());
        }
        if !self.schedules.contains_key(&id) && SCHEDULES_MAX <= self.schedules.len() {
            return Err(EventError::SchedulesFull { schedule: id, limit: SCHEDULES_MAX });
        }
        let known = self.schedules.entry(id).or_default();
        self.wakes.remove(&(known.next, Waking::Schedule(id)));
        // What has come due is not due again.
        known.next = schedule.first_after(known.last);
        known.schedule = Some(schedule);
        self.come_due(id);
        Ok(())
    }

    fn end_repeat(&mut self, schedule: u32) -> Result<(), EventError> {
        let unknown = EventError::UnknownSchedule { schedule };
        let known = self.schedules.get_mut(&schedule).filter(|known| known.schedule.is_some());
        let known = known.ok_or(unknown)?;
        known.schedule = None;
        self.wakes.remove(&(known.next, Waking::Schedule(schedule)));
        Ok(())
    }

    /// Makes tasks of what has come due. Of occurrences that were missed only the last is one.
    fn come_due(&mut self, id: u32) {
        let now = self.now;
        let Some(repeated) = self.schedules.get_mut(&id) else { return };
        let Some(schedule) = &repeated.schedule else { return };
        if let Some(late) = now.since(repeated.next) {
            // Numbers end some day, and with them the schedule.
            let Some(most) = (u32::MAX - 1).checked_sub(repeated.occurrence) else { return };
            let missed = u32::try_from(late.as_micros() / schedule.every.as_micros().max(1));
            let missed = missed.unwrap_or(u32::MAX).min(most);
            let (first, last) = (repeated.occurrence, repeated.occurrence + missed);
            let due = schedule.later(repeated.next, missed);
            let next = schedule.later(due, 1);
            let order = schedule.order_of(last, due);
            (repeated.occurrence, repeated.last, repeated.next) = (last + 1, Some(due), next);
            if missed != 0 {
                let reason = SkipReason::Missed;
                self.effects.push_back(Effect::Skipped { schedule: id, first, count: missed, reason });
            }
            let task = order.task.id;
            let skipped = |reason| Effect::Skipped { schedule: id, first: last, count: 1, reason };
            let effect = if self.is_open_before(id, last) {
                skipped(SkipReason::StillOpen)
            } else if self.accept(Box::new(order)).is_ok() {
                Effect::Due { schedule: id, task, next }
            } else {
                skipped(SkipReason::NoRoom)
            };
            self.effects.push_back(effect);
        }
        let next = self.schedules.get(&id).map(|repeated| repeated.next);
        // At the end of time nothing comes any more.
        let next = next.filter(|at| self.now < *at);
        self.wakes.extend(next.map(|at| (at, Waking::Schedule(id))));
    }

    /// Whether an occurrence before is not over.
    fn is_open_before(&self, id: u32, occurrence: u32) -> bool {
        self.tasks.range(Schedule::task(id, 0)..Schedule::task(id, occurrence)).next().is_some()
    }

    /// Ends a task: nobody has it any more, and those that wait for it go on. Everybody but whoever ended it is told.
    fn end(&mut self, task: TaskId, is_done: bool, by: Option<AgentId>) {
        let Some(mut entry) = self.tasks.remove(&task) else { return };
        entry.clock.stop(self.now);
        self.open.remove(&entry.number);
        self.spare_numbers.push(entry.number);
        if let Some(at) = entry.wake {
            self.wakes.remove(&(at, Waking::Task(task)));
        }
        for taken in entry.taken() {
            self.give_free(taken.agent, task);
        }
        let token = entry.token();
        for other in entry.taken().iter().filter(|taken| Some(taken.agent) != by) {
            self.effects.push_back(Effect::Withdraw { agent: other.agent, token });
        }
        for fetch in &entry.fetches {
            self.fetched(fetch.from, task);
        }
        if self.gathering.is_some_and(|(of, _)| of == task) {
            self.gathering = None;
            self.is_due = true;
        }
        for before in &entry.waits_for {
            if let Some(successors) = self.successors.get_mut(before) {
                successors.retain(|successor| *successor != task);
                if successors.is_empty() {
                    self.successors.remove(before);
                }
            }
        }
        // A schedule knows by itself how far it has come.
        if task.0 < SCHEDULED {
            let over = if is_done { &mut self.done } else { &mut self.cancelled };
            over.insert(task.0);
        } else if is_done {
            for kept in self.kept.values_mut() {
                kept.waits_for.remove(&task);
            }
        }
        let successors = self.successors.get(&task).cloned().unwrap_or_default();
        for successor in successors {
            if let Some(entry) = self.tasks.get_mut(&successor) {
                if is_done {
                    entry.waits_for.remove(&task);
                } else {
                    entry.alarm_at = Some(self.now);
                }
            }
            self.review(successor);
        }
        if is_done {
            self.successors.remove(&task);
        } else {
            self.kept.insert(task, entry);
            self.kept_order.push_back(task);
            if KEPT_MAX < self.kept_order.len()
                && let Some(oldest) = self.kept_order.pop_front()
            {
                self.kept.remove(&oldest);
            }
        }
    }

    /// Opens a task again that was cancelled; whether it is still known.
    fn reinstall(&mut self, task: TaskId) -> bool {
        let Some(mut entry) = self.kept.remove(&task) else { return false };
        self.kept_order.retain(|kept| *kept != task);
        self.cancelled.remove(task.0);
        entry.phase = Phase::Held;
        entry.wake = None;
        entry.number = self.take_number();
        entry.waits_for.retain(|before| !self.done.contains(before.0));
        for before in &entry.waits_for {
            self.successors.entry(*before).or_default().push(task);
        }
        entry.alarm_at = Some(self.now);
        for fetch in &entry.fetches {
            self.agents.entry(fetch.from).and_modify(|member| {
                member.waits_for_fetch.insert(task);
            });
            self.note_freedom(fetch.from);
        }
        self.tasks.insert(task, entry);
        self.review(task);
        true
    }

    /// Where an agent was last.
    fn place_of(&self, agent: AgentId) -> WaypointId {
        self.agents.get(&agent).map_or_else(WaypointId::default, |member| member.at)
    }
}
