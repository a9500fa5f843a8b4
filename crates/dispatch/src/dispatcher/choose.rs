//! Who is offered what.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use sheepdog_core::{AgentId, FleetTime, Micros, TaskId};

use super::{
    Alarm, Dispatcher, Effect, Patience, Seat, Undoable,
    entry::{Entry, Phase, Taken},
};
use crate::{
    Refusal, Task,
    assign::SparseAssignment,
    policy::{Arrival, Arrivals, Choice, Open, Policy, Question, Ready},
    rolling::{Errand, Outlook, Prospects, Stop, Travels},
    task::work,
};

/// What is asked of a [`Scout`]: who may and can do what is left of a task.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The task. For those who are only there with whoever does the steps it is without skills and payload.
    pub task: &'a Task,
    /// The step that is next; those before it are done.
    pub step: usize,
    /// Who is meant: whoever fits one of these.
    pub seats: &'a [&'a Seat],
}

/// Knows where agents are, what they can do, and how long their ways take.
pub trait Scout {
    /// Those who may and can do a task, by when they are where its next step is, in milliseconds of the fleet's clock: the
    /// `most` first are put into `found`, in order. Returns before when nobody else is there; `None` when there is nobody else.
    ///
    /// Whoever is busy counts from when it will be free, see [`free_ms`](Self::free_ms). Whoever takes no tasks may be among
    /// them.
    fn nearest(&mut self, call: &Call<'_>, most: usize, found: &mut Vec<Arrival>) -> Option<u64>;

    /// When somebody who has a task will be free, in milliseconds of the fleet's clock; `None` when nobody can tell. Then it is
    /// not counted on.
    fn free_ms(&mut self, agent: AgentId) -> Option<u64> {
        let _ = agent;
        None
    }

    /// When somebody who is on its way to the next step of what it has will be there, in milliseconds of the fleet's clock;
    /// `None` when nobody can tell. Then nobody is sent in its place.
    fn arrives_ms(&mut self, agent: AgentId, call: &Call<'_>) -> Option<u64> {
        let _ = (agent, call);
        None
    }

    /// Why somebody may not or cannot do a task, who is none of the [`nearest`](Self::nearest) therefore; `None` when nothing stands
    /// against it, and where nobody can tell.
    fn refuses(&mut self, agent: AgentId, call: &Call<'_>) -> Option<Refusal> {
        let _ = (agent, call);
        None
    }

    /// What a second of an agent's way takes from its battery, parts per million; zero where nobody can tell.
    fn drain_ppm_per_s(&mut self, agent: AgentId) -> u32 {
        let _ = agent;
        0
    }

    /// Where an agent is when it is free, for [plans](crate::rolling) that go on from there; `None` when nobody can tell. Places
    /// are waypoints, and room is in grams.
    fn outlook(&mut self, agent: AgentId) -> Option<Outlook> {
        let _ = agent;
        None
    }

    /// Whether an agent may do a task at some time, its battery and its way aside. Asked only about agents that have an
    /// [outlook](Self::outlook).
    fn may(&mut self, agent: AgentId, call: &Call<'_>) -> bool {
        let _ = (agent, call);
        false
    }

    /// Milliseconds from each of some waypoints to each of others, row by row, for those whose outlooks name the same way of
    /// travel; `None` where there is no way, or nobody can tell.
    fn ways(&mut self, travel: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        let _ = travel;
        vec![None; from.len() * to.len()]
    }

    /// Waypoints where batteries are filled.
    fn chargers(&mut self) -> Vec<u32> {
        Vec::new()
    }
}

/// Candidates that are asked for first, for each task.
const ASKED: usize = 16;
/// What it costs to leave a seat empty: more than all ways to all seats.
const EMPTY_SEAT: i64 = 1 << 36;

/// Agents are kept for a crew for at most so many times two as long as at first.
const GATHER_DOUBLINGS: u32 = 4;
/// Tasks under way that are compared with what others could do, in each decision.
const COMPARED: usize = 16;

/// Puts the questions of a policy to a scout, and leaves out whom the dispatcher does not want asked.
struct Questions<'a> {
    now: FleetTime,
    calls: BTreeMap<u32, (&'a Entry, Vec<&'a Seat>)>,
    /// What is asked of those who are there with whoever does the steps.
    companion: Option<&'a Task>,
    scout: &'a mut dyn Scout,
    /// Room for answers.
    all: Vec<Arrival>,
}

impl Arrivals for Questions<'_> {
    fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let Self { now, calls, companion, scout, all } = self;
        let (entry, seats) = calls.get(&task)?;
        let leads = companion.is_none();
        let call = Call { task: companion.unwrap_or(&entry.order.task), step: entry.step as usize, seats };
        let mut asked = most;
        loop {
            all.clear();
            let next = scout.nearest(&call, asked, all);
            let mut allowed = all.iter().filter(|arrival| entry.allows(AgentId(arrival.agent), leads, *now));
            let count = allowed.clone().count();
            if count < most && next.is_some() && asked <= all.len() {
                asked = asked.saturating_mul(4);
                continue;
            }
            found.extend(allowed.by_ref().take(most));
            return allowed.next().map(|arrival| arrival.at_ms).or(next);
        }
    }

    fn prospects(&mut self) -> Option<&mut dyn Prospects> {
        Some(self)
    }
}

impl Travels for Questions<'_> {
    fn ways(&mut self, travel: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        self.scout.ways(travel, from, to)
    }
}

impl Prospects for Questions<'_> {
    /// What is left of a task is done in one go: whoever has it does nothing else in between.
    fn errand(&mut self, task: u32) -> Option<Errand> {
        let (entry, _) = self.calls.get(&task)?;
        let task = &entry.order.task;
        let steps = task.steps.get(entry.step as usize..).filter(|steps| !steps.is_empty())?;
        let places = steps.iter().map(|step| step.place.0).collect();
        let takes_ms = work(steps).as_micros().div_ceil(1_000);
        let pickup = Stop { places, takes_ms, ready_ms: 0, due_ms: None };
        Some(Errand { pickup, delivery: None, load: task.payload_g })
    }

    fn outlook(&mut self, agent: u32) -> Option<Outlook> {
        self.scout.outlook(AgentId(agent))
    }

    fn may(&mut self, task: u32, agent: u32) -> bool {
        let Some((entry, seats)) = self.calls.get(&task) else { return false };
        let call = Call { task: &entry.order.task, step: entry.step as usize, seats };
        entry.allows(AgentId(agent), true, self.now) && self.scout.may(AgentId(agent), &call)
    }

    fn chargers(&mut self) -> Vec<u32> {
        self.scout.chargers()
    }
}

impl Dispatcher {
    pub(super) fn choose(&mut self, policy: &mut dyn Policy, scout: &mut dyn Scout) {
        let mut free = self.free.clone();
        self.check_gathering();
        self.fill_crews(scout, &mut free);
        self.fill_seats(policy, scout, &mut free);
        self.compare(scout, &free);
    }

    /// Offers tasks that need one to those whom the policy names; they are not free any more.
    fn fill_seats(&mut self, policy: &mut dyn Policy, scout: &mut dyn Scout, free: &mut BTreeSet<AgentId>) {
        let now = self.now;
        let open = self.open.iter().filter_map(|(number, task)| Some((*number, self.tasks.get(task)?)));
        let mut calls = BTreeMap::new();
        let mut tasks = Vec::new();
        for (number, entry) in open {
            if !entry.order.crew.is_empty() || !entry.is_left(now) {
                continue;
            }
            let seats = entry.seats(now, &self.facts);
            if !seats.is_empty() {
                // Time in which nobody could be asked is no wait.
                let since = entry.opened.unwrap_or(now);
                tasks.push(Open {
                    task: number,
                    tie: entry.order.task.id.0,
                    requested_ms: millis(since),
                    priority: entry.order.task.priority,
                    due_ms: entry.order.task.deadline.map(|deadline| {
                        let left = entry.order.task.steps.get(entry.step as usize..).unwrap_or_default();
                        millis(deadline).saturating_sub(work(left).as_micros() / 1_000)
                    }),
                });
                calls.insert(number, (entry, seats));
            }
        }
        if tasks.is_empty() {
            return;
        }
        let mut agents = Vec::with_capacity(free.len());
        for (&agent, member) in &self.agents {
            let free_ms = if free.contains(&agent) {
                Some(millis(now))
            } else if member.job.is_some() && member.takes_tasks {
                scout.free_ms(agent).map(|free_ms| free_ms.max(millis(now) + 1))
            } else {
                None
            };
            agents.extend(free_ms.map(|free_ms| Ready {
                agent: agent.0,
                free_ms,
                busy_permille: member.toil.told_at(now),
                drain_ppm_per_s: scout.drain_ppm_per_s(agent),
            }));
        }
        let mut questions = Questions { now, calls, companion: None, scout, all: Vec::new() };
        let question = Question { now_ms: millis(now), tasks: &tasks, agents: &agents };
        let choices = policy.decide(&question, &mut questions);
        // What a policy says is checked: it may be somebody else's.
        let asked = |choice: Choice| {
            let (entry, _) = questions.calls.remove(&choice.task)?;
            let agent = AgentId(choice.agent);
            entry.allows(agent, true, now).then_some((entry.order.task.id, agent))
        };
        for (task, agent) in choices.into_iter().filter_map(asked).collect::<Vec<_>>() {
            if free.remove(&agent) {
                self.offer(task, &[agent]);
            }
        }
    }

    /// Takes tasks from those who are on their way to them where somebody who is free would be there much sooner, a few at a
    /// time, in turn. Whoever has one stops where it safely can, and says so; then it is open for all.
    fn compare(&mut self, scout: &mut dyn Scout, free: &BTreeSet<AgentId>) {
        if free.is_empty() {
            return;
        }
        let now = self.now;
        let gain_ms = self.patience.gain.as_micros() / 1_000;
        let turn = self.compared;
        let later = self.tasks.range((Bound::Excluded(turn), Bound::Unbounded));
        let all = later.chain(self.tasks.range(..=turn));
        let under_way: Vec<TaskId> =
            all.filter(|(_, entry)| entry.may_pass_on(now)).map(|(task, _)| *task).take(COMPARED).collect();
        for task in under_way {
            self.compared = task;
            let Some(entry) = self.tasks.get(&task) else { continue };
            let Some(leader) = entry.leader() else { continue };
            let seats = entry.seats(now, &self.facts);
            if seats.is_empty() {
                continue;
            }
            let call = Call { task: &entry.order.task, step: entry.step as usize, seats: &seats };
            let Some(arrives_ms) = scout.arrives_ms(leader, &call) else { continue };
            let calls = BTreeMap::from([(0, (entry, seats))]);
            let mut questions = Questions { now, calls, companion: None, scout, all: Vec::new() };
            let first = nearest_free(&mut questions, free, 1).first().copied();
            if first.is_some_and(|first| first.at_ms.saturating_add(gain_ms) <= arrives_ms) {
                self.pass_on(task);
            }
        }
    }

    /// Offers tasks that need several to all of them, the most urgent and then the oldest first. Agents who are chosen, or kept
    /// free for a crew that is not complete, are not free any more.
    fn fill_crews(&mut self, scout: &mut dyn Scout, free: &mut BTreeSet<AgentId>) {
        let now = self.now;
        let needs_crew = |task: &&TaskId| {
            self.tasks.get(task).is_some_and(|entry| !entry.order.crew.is_empty() && entry.is_left(now))
        };
        let mut waiting: Vec<TaskId> = self.open.values().filter(needs_crew).copied().collect();
        let urgency = |task: &TaskId| {
            let entry = self.tasks.get(task);
            entry.map(|entry| {
                (std::cmp::Reverse(entry.order.task.priority), entry.order.task.requested, *task)
            })
        };
        waiting.sort_by_cached_key(urgency);
        let rank = self.rank_of_singles();
        for task in waiting {
            let Some((crew, is_complete)) = self.crew(task, scout, free) else { continue };
            let is_kept = is_complete || (!self.is_below(task, rank) && self.gathers(task));
            free.retain(|agent| !(is_kept && crew.contains(agent)));
            if is_complete {
                self.offer(task, &crew);
            }
        }
    }

    /// The highest priority of a task for one that is open: who comes to that is not kept for a crew.
    fn rank_of_singles(&self) -> u8 {
        let open = self.open.values().filter_map(|task| self.tasks.get(task));
        let single = open.filter(|entry| entry.order.crew.is_empty() || !entry.is_left(self.now));
        single.map(|entry| entry.order.task.priority).max().unwrap_or(0)
    }

    fn is_below(&self, task: TaskId, rank: u8) -> bool {
        self.tasks.get(&task).is_none_or(|entry| entry.order.task.priority < rank)
    }

    /// For which task's crew an agent is kept free, and until when at most.
    pub(super) fn kept_for(&self, agent: AgentId, scout: &mut dyn Scout) -> Option<(TaskId, FleetTime)> {
        let (task, until) = self.gathering?;
        if self.is_below(task, self.rank_of_singles()) {
            return None;
        }
        let (crew, _) = self.crew(task, scout, &self.free)?;
        crew.contains(&agent).then_some((task, until))
    }

    /// Ends the time for which agents are kept free for a task, when it is over or the task needs nobody any more.
    fn check_gathering(&mut self) {
        let now = self.now;
        let Some((task, until)) = self.gathering else { return };
        let needs_crew = |entry: &&mut Entry| entry.phase == Phase::Open && !entry.order.crew.is_empty();
        let entry = self.tasks.get_mut(&task).filter(needs_crew);
        if let Some(entry) = entry {
            if now < until {
                return;
            }
            // It waits for longer each time, so that long tasks of others are outlasted; others have their turn for as long.
            entry.gather_at = now + gather_for(&self.patience, entry.gathers);
            entry.gathers = entry.gathers.saturating_add(1);
            self.effects.push_back(Effect::Alarm { task, alarm: Alarm::CrewIncomplete });
            self.review(task);
        }
        self.gathering = None;
    }

    /// Whether agents are kept free for a task now: one task at a time, for a bounded time.
    fn gathers(&mut self, task: TaskId) -> bool {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else { return false };
        match self.gathering {
            Some((of, _)) => of == task,
            None if entry.gather_at <= now => {
                let until = now + gather_for(&self.patience, entry.gathers);
                self.gathering = Some((task, until));
                entry.gather_at = until;
                self.review(task);
                true
            }
            None => false,
        }
    }

    /// Who of those who are free would sit where, at the least cost for all, and whether everybody is there.
    fn crew(
        &self,
        task: TaskId,
        scout: &mut dyn Scout,
        free: &BTreeSet<AgentId>,
    ) -> Option<(Vec<AgentId>, bool)> {
        let now = self.now;
        let entry = self.tasks.get(&task)?;
        let leaders = entry.seats(now, &self.facts);
        let places = 1 + entry.order.crew.len();
        let companion = companion(&entry.order.task);
        // As many as there are seats are enough for each: somebody is always left.
        let mut candidates = Vec::new();
        for seat in 0..places {
            let seats = match seat.checked_sub(1) {
                None => leaders.clone(),
                Some(other) => entry.order.crew.get(other).into_iter().collect(),
            };
            if seats.is_empty() {
                return None;
            }
            let calls = BTreeMap::from([(0, (entry, seats))]);
            let companion = (seat != 0).then_some(&companion);
            let mut questions = Questions { now, calls, companion, scout, all: Vec::new() };
            candidates.push(nearest_free(&mut questions, free, places));
        }
        let known: BTreeSet<u32> = candidates.iter().flatten().map(|arrival| arrival.agent).collect();
        let known: Vec<u32> = known.into_iter().collect();
        let mut solver = SparseAssignment::new(places, known.len().max(1));
        for (row, found) in (0..).zip(&candidates) {
            let edge = |arrival: &Arrival| {
                let column = u32::try_from(known.binary_search(&arrival.agent).ok()?).ok()?;
                let wait = i64::try_from(arrival.at_ms.saturating_sub(millis(now))).unwrap_or(i64::MAX);
                Some((column, wait.min(EMPTY_SEAT / 16)))
            };
            let edges: Vec<(u32, i64)> = found.iter().filter_map(edge).collect();
            let accepted = solver.set_row(row, &edges, EMPTY_SEAT);
            debug_assert_eq!(accepted, Ok(()), "seats and candidates are few");
        }
        solver.solve();
        let rows = 0..u32::try_from(places).unwrap_or(u32::MAX);
        solver.canonicalize_in(&rows.clone().collect::<Vec<_>>());
        let sits = |row| known.get(solver.column_of(row)? as usize).map(|agent| AgentId(*agent));
        let crew: Vec<AgentId> = rows.filter_map(sits).collect();
        let is_complete = crew.len() == places;
        Some((crew, is_complete))
    }

    /// Asks agents to do a task together; the first does the steps.
    fn offer(&mut self, task: TaskId, agents: &[AgentId]) {
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let until = now + self.patience.offer;
        entry.awards = entry.awards.saturating_add(1);
        entry.phase = Phase::Offered(
            agents.iter().map(|agent| Taken { agent: *agent, until, answered: false }).collect(),
        );
        let token = entry.token();
        self.open.remove(&entry.number);
        if self.gathering.is_some_and(|(of, _)| of == task) {
            self.gathering = None;
        }
        let decision = self.keep(Undoable::Offer(token));
        for &agent in agents {
            if let Some(member) = self.agents.get_mut(&agent) {
                member.job = Some(task);
            }
            self.note_freedom(agent);
            self.effects.push_back(Effect::Offer { decision, agent, token, until });
        }
        self.review(task);
    }
}

/// What is asked of those who are there with whoever does the steps of a task: that one has the skills for them, and carries
/// the load.
pub(super) fn companion(task: &Task) -> Task {
    Task { skills: BTreeSet::new(), payload_g: 0, ..task.clone() }
}

/// For how long agents are kept for a crew that was not complete so often.
fn gather_for(patience: &Patience, gathers: u32) -> Micros {
    Micros::new(patience.gather.as_micros().saturating_mul(1 << gathers.min(GATHER_DOUBLINGS)))
}

/// The first of those who are free, so many.
fn nearest_free(questions: &mut Questions<'_>, free: &BTreeSet<AgentId>, most: usize) -> Vec<Arrival> {
    let mut asked = ASKED;
    loop {
        let mut found = Vec::new();
        let next = questions.nearest(0, asked, &mut found);
        let is_last = next.is_none() || found.len() < asked;
        found.retain(|arrival| free.contains(&AgentId(arrival.agent)));
        if is_last || most <= found.len() {
            found.truncate(most);
            return found;
        }
        asked = asked.saturating_mul(4);
    }
}

fn millis(time: FleetTime) -> u64 {
    time.as_micros() / 1_000
}
