//! Which of many tasks goes to whom, when there are more than one of both.
//!
//! A [`Policy`] is shown the open tasks, and when agents are free; it asks [`Arrivals`] who could be where when, and names
//! the pairs that begin now. Everything else stays open and is decided anew at the next event.
//!
//! * [`NearestAvailable`]: the oldest task takes the nearest agent that is free.
//! * [`GreedyPairs`]: the closest pair of a task and a free agent, then the closest of the rest.
//! * [`BatchOptimal`]: what is cheapest for all together, agents that will soon be free included.
//! * [`Rolling`](crate::rolling::Rolling): plans of several tasks for each, of which the first begin.
//!
//! Times are milliseconds of one clock, and nothing else is compared: equal questions have equal answers, in whatever order
//! tasks and agents are given.

mod cost;
mod displacement;

use std::collections::{BTreeMap, BTreeSet};

use crate::{assign::SparseAssignment, nearest::AGENTS_MAX, rolling::Prospects};

pub(crate) use self::cost::TERM_MAX;
pub use self::{
    cost::{Cost, Weights},
    displacement::{Displacement, MOVES_MAX, Reassigned},
};

/// A task that nobody has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Which one.
    pub task: u32,
    /// When it was asked for.
    pub requested_ms: u64,
    /// Higher goes first, whatever it costs the others; in plans of several tasks it counts
    /// [many times as much](crate::rolling::Problem::weight).
    pub priority: u8,
    /// When it should be begun at the latest, to be done in time.
    pub due_ms: Option<u64>,
    /// Of tasks between which nothing else decides, the one with the lower one comes first.
    pub tie: u64,
}

impl Open {
    /// A task without a deadline, of the lowest priority; ties go by its number.
    pub const fn new(task: u32, requested_ms: u64) -> Self {
        Self { task, requested_ms, priority: 0, due_ms: None, tie: task as u64 }
    }
}

/// Somebody who may be given a task now or when it is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Who.
    pub agent: u32,
    /// When it is free; now or before for one that is.
    pub free_ms: u64,
    /// How much of the last time it has been busy; all of it for 1 000 and more.
    pub busy_permille: u16,
    /// What a second of its way takes from its battery, parts per million; all of it for a million and more.
    pub drain_ppm_per_s: u32,
}

impl Ready {
    /// Somebody who has not been busy, and whose ways take nothing from a battery.
    pub const fn new(agent: u32, free_ms: u64) -> Self {
        Self { agent, free_ms, busy_permille: 0, drain_ppm_per_s: 0 }
    }
}

/// Somebody who could do a task, and when it would be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When it would be there.
    pub at_ms: u64,
    /// Who.
    pub agent: u32,
}

/// Who could be where when, for those who may do a task at all.
pub trait Arrivals {
    /// Puts the `most` first into `found`, in order, and returns before when nobody else is there; `None` when there is
    /// nobody else. Whoever is not asked about may be among them.
    fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64>;

    /// What plans of several tasks need to know besides; `None` when nobody can tell, then nobody plans ahead.
    fn prospects(&mut self) -> Option<&mut dyn Prospects> {
        None
    }
}

/// A task that somebody begins now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// The task.
    pub task: u32,
    /// Who does it.
    pub agent: u32,
    /// When it is there.
    pub at_ms: u64,
}

/// What is to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// When.
    pub now_ms: u64,
    /// Tasks that nobody has begun, each once, in any order.
    pub tasks: &'a [Open],
    /// Everybody who may be given one, each once, in any order.
    pub agents: &'a [Ready],
}

impl Question<'_> {
    pub(crate) fn free_agents(&self) -> BTreeSet<u32> {
        let free = self.agents.iter().filter(|agent| agent.free_ms <= self.now_ms);
        free.map(|agent| agent.agent).collect()
    }
}

/// A way to choose.
pub trait Policy {
    /// The pairs that begin now: each task and each agent at most once, and only agents that are free.
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice>;
}

/// The oldest task of the highest priority takes the nearest agent that is free, then the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct NearestAvailable;

impl Policy for NearestAvailable {
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice> {
        let mut free = question.free_agents();
        let mut tasks = question.tasks.to_vec();
        tasks.sort_unstable_by_key(|task| {
            (std::cmp::Reverse(task.priority), task.requested_ms, task.tie, task.task)
        });
        let mut choices = Vec::new();
        for Open { task, .. } in tasks {
            let Some(Arrival { at_ms, agent }) = first_of(task, &free, arrivals) else {
                continue;
            };
            free.remove(&agent);
            choices.push(Choice { task, agent, at_ms });
        }
        choices
    }
}

/// The closest pair of a task and a free agent among the tasks of the highest priority, then the closest of the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct GreedyPairs;

impl Policy for GreedyPairs {
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice> {
        let mut free = question.free_agents();
        let mut best = BTreeMap::new();
        let mut choices = Vec::new();
        for open in question.tasks {
            if let Some(first) = first_of(open.task, &free, arrivals) {
                best.insert((open.tie, open.task), (std::cmp::Reverse(open.priority), first));
            }
        }
        while let Some((&(tie, task), &(_, Arrival { at_ms, agent }))) =
            best.iter().min_by_key(|(task, best)| (**best, **task))
        {
            free.remove(&agent);
            best.remove(&(tie, task));
            choices.push(Choice { task, agent, at_ms });
            // Whoever counted on this agent needs another one.
            best.retain(|(_, task), (_, first)| {
                if first.agent == agent {
                    match first_of(*task, &free, arrivals) {
                        Some(next) => *first = next,
                        None => return false,
                    }
                }
                true
            });
        }
        choices
    }
}

/// Who of those who are free is first at a task: more and more are asked for until one of them is.
pub(crate) fn first_of(task: u32, free: &BTreeSet<u32>, arrivals: &mut dyn Arrivals) -> Option<Arrival> {
    let (mut most, mut found) = (8, Vec::new());
    while !free.is_empty() {
        found.clear();
        let beyond = arrivals.nearest(task, most, &mut found);
        if let Some(first) = found.iter().find(|arrival| free.contains(&arrival.agent)) {
            return Some(*first);
        }
        if found.len() < most {
            break;
        }
        beyond?;
        most = most.saturating_mul(4);
    }
    None
}

/// Whether a task has waited so long that it goes first.
pub(crate) const fn is_overdue(open: &Open, now_ms: u64, horizon_ms: u64) -> bool {
    horizon_ms <= now_ms.saturating_sub(open.requested_ms)
}

/// The oldest task first takes the nearest agent that is free; who is taken is not free any more.
pub(crate) fn serve_overdue(
    mut tasks: Vec<Open>,
    free: &mut BTreeSet<u32>,
    arrivals: &mut dyn Arrivals,
) -> Vec<Choice> {
    tasks.sort_unstable_by_key(|task| (task.requested_ms, task.tie, task.task));
    let mut choices = Vec::new();
    for Open { task, .. } in tasks {
        if let Some(Arrival { at_ms, agent }) = first_of(task, free, arrivals) {
            free.remove(&agent);
            choices.push(Choice { task, agent, at_ms });
        }
    }
    choices
}

/// What is cheapest for all together: the least sum of the [`Cost`] of all tasks, with agents counted that are busy but will be
/// free. Waits are what it consists of above all; what is late counts several times, and between ways of about the same
/// length batteries are spared and those chosen who have been less busy.
///
/// Tasks of a higher priority are settled before all others. Where there are more tasks than agents, those are left that
/// have waited least, against what their ways cost. Each task knows its nearest agents; while the price that it pays for
/// one of them is above what others would cost at least, it is shown more of them, so the result is the cheapest over all
/// (Jonker, Volgenant 1987, and a bound on what has been left out).
///
/// **No task starves.** One that has waited for [`horizon_ms`](Self::horizon_ms) goes before all that have not, whatever
/// their priority, and before those that have waited less: it is begun as soon as somebody who may do it is free and all
/// that were asked for before it, and could take the same, have been begun. Nothing that somebody busy promises delays it.
///
/// Agents have numbers below [`AGENTS_MAX`]; others are passed over. What was found last is kept, and only what hangs on a
/// change is solved again.
#[derive(Clone, Debug)]
pub struct BatchOptimal {
    /// After how long a task goes first.
    pub horizon_ms: u64,
    /// What a second of age is worth, in thousandths of a second of wait, where somebody must be left.
    pub age_permille: u32,
    /// What lateness, energy and fairness weigh.
    pub weights: Weights,
    /// By priority.
    batches: BTreeMap<u8, Batch>,
}

/// Tasks of one priority.
#[derive(Clone, Debug, Default)]
struct Batch {
    solver: SparseAssignment,
    rows: BTreeMap<u32, Row>,
    /// Rows that nobody uses.
    spare: Vec<u32>,
    columns: usize,
}

/// What the solver knows of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    number: u32,
    /// How many agents it is shown.
    shown: usize,
    /// When they would be there.
    found: Vec<Arrival>,
    edges: Vec<(u32, i64)>,
    price: i64,
    /// What anybody costs at least whom it is not shown.
    beyond: Option<i64>,
}

/// A task and what it has been shown.
struct Shown<'a> {
    open: &'a Open,
    most: usize,
    found: Vec<Arrival>,
    /// Nobody else is there before.
    next_ms: Option<u64>,
    /// Whether it is to be shown more.
    is_due: bool,
}

impl<'a> Shown<'a> {
    fn new(open: &'a Open, most: usize) -> Self {
        Self { open, most, found: Vec::new(), next_ms: None, is_due: true }
    }
}

/// Agents that a task is shown at first.
const SHOWN: usize = 16;

impl Default for BatchOptimal {
    /// Age counts half, and a task goes first after half an hour.
    fn default() -> Self {
        let weights = Weights::default();
        Self { horizon_ms: 30 * 60 * 1_000, age_permille: 500, weights, batches: BTreeMap::new() }
    }
}

impl Policy for BatchOptimal {
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice> {
        let Question { now_ms, tasks, agents } = *question;
        let mut left: BTreeMap<u32, Ready> = agents.iter().map(|ready| (ready.agent, *ready)).collect();
        let (due, rest): (Vec<Open>, Vec<Open>) =
            tasks.iter().partition(|task| is_overdue(task, now_ms, self.horizon_ms));
        let mut choices = serve_overdue(due, &mut question.free_agents(), arrivals);
        for choice in &choices {
            left.remove(&choice.agent);
        }
        let mut ranks: BTreeMap<u8, Vec<Open>> =
            self.batches.keys().map(|rank| (*rank, Vec::new())).collect();
        for open in rest {
            ranks.entry(open.priority).or_default().push(open);
        }
        for (priority, mut tasks) in ranks.into_iter().rev() {
            tasks.sort_unstable_by_key(|task| task.task);
            let scale = Scale { now_ms, age_permille: self.age_permille, weights: self.weights };
            let batch = self.batches.entry(priority).or_default();
            for Choice { task, agent, at_ms } in batch.pairs(scale, &tasks, &left, arrivals) {
                if left.remove(&agent).is_some_and(|ready| ready.free_ms <= now_ms) {
                    choices.push(Choice { task, agent, at_ms });
                }
            }
        }
        choices.sort_unstable();
        choices
    }
}

impl Batch {
    /// Who does which task, now or when it is free. Tasks are in order.
    fn pairs(
        &mut self,
        scale: Scale,
        tasks: &[Open],
        agents: &BTreeMap<u32, Ready>,
        arrivals: &mut dyn Arrivals,
    ) -> Vec<Choice> {
        self.make_room(tasks, agents);
        let known = |open: &Open| self.rows.get(&open.task).map_or(SHOWN, |row| row.shown);
        let mut shown: Vec<Shown<'_>> = tasks.iter().map(|open| Shown::new(open, known(open))).collect();
        while shown.iter().any(|shown| shown.is_due) {
            for Shown { open, most, found, next_ms, .. } in shown.iter_mut().filter(|shown| shown.is_due) {
                found.clear();
                let next = arrivals.nearest(open.task, *most, found);
                *next_ms = next.filter(|_| *most <= found.len());
                found.retain(|arrival| arrival.agent < AGENTS_MAX && agents.contains_key(&arrival.agent));
                self.set(scale, open, found, agents);
            }
            self.solver.solve();
            for Shown { open, most, next_ms, is_due, .. } in &mut shown {
                let pays = self.rows.get(&open.task).map_or(0, |row| self.solver.row_dual(row.number));
                // It pays as much as somebody costs at least whom it has not been shown.
                *is_due = next_ms.is_some_and(|next_ms| scale.least(open, next_ms) <= pays);
                if *is_due {
                    *most = most.saturating_mul(4);
                    self.rows.entry(open.task).and_modify(|row| row.shown = *most);
                }
            }
        }
        let mut in_order: Vec<&Open> = tasks.iter().collect();
        in_order.sort_unstable_by_key(|open| (open.tie, open.task));
        let order: Vec<u32> =
            in_order.iter().filter_map(|open| Some(self.rows.get(&open.task)?.number)).collect();
        self.solver.canonicalize_in(&order);
        let choice = |Shown { open, found, .. }: &Shown<'_>| {
            let agent = self.solver.column_of(self.rows.get(&open.task)?.number)?;
            let at_ms = found.iter().find(|arrival| arrival.agent == agent)?.at_ms;
            Some(Choice { task: open.task, agent, at_ms })
        };
        let choices = shown.iter().filter_map(choice).collect();
        for Shown { open, found, next_ms, .. } in shown {
            let beyond = next_ms.map(|next_ms| scale.least(open, next_ms));
            self.rows.entry(open.task).and_modify(|row| (row.found, row.beyond) = (found, beyond));
        }
        choices
    }

    /// Drops tasks that are no longer open, and gives new ones a row.
    fn make_room(&mut self, tasks: &[Open], agents: &BTreeMap<u32, Ready>) {
        let gone = |task: &u32| tasks.binary_search_by_key(task, |open| open.task).is_err();
        for task in self.rows.keys().copied().filter(gone).collect::<Vec<_>>() {
            self.put(task, Vec::new(), 0);
            self.spare.extend(self.rows.remove(&task).map(|row| row.number));
        }
        let highest = agents.range(..AGENTS_MAX).next_back();
        let columns = highest.map_or(0, |(agent, _)| *agent as usize + 1);
        let known = |open: &&Open| self.rows.contains_key(&open.task);
        let new: Vec<u32> = tasks.iter().filter(|open| !known(open)).map(|open| open.task).collect();
        if self.spare.len() < new.len() || self.columns < columns {
            let rows = (self.rows.len() + new.len()).next_power_of_two();
            self.columns = self.columns.max(columns.next_power_of_two());
            self.solver = SparseAssignment::new(rows, self.columns);
            self.rows = std::mem::take(&mut self.rows).into_keys().zip((0..).map(Row::new)).collect();
            self.spare = (0..).take(rows).skip(self.rows.len()).collect();
        }
        for task in new {
            if let Some(number) = self.spare.pop() {
                self.rows.insert(task, Row::new(number));
            }
        }
    }

    /// Shows a task those who are there first.
    fn set(&mut self, scale: Scale, open: &Open, found: &[Arrival], agents: &BTreeMap<u32, Ready>) {
        let edge = |arrival: &Arrival| {
            let ready = agents.get(&arrival.agent)?;
            Some((arrival.agent, scale.weights.cost(open, ready, scale.now_ms, arrival.at_ms).total()))
        };
        self.put(open.task, found.iter().filter_map(edge).collect(), scale.price(open));
    }

    fn put(&mut self, task: u32, edges: Vec<(u32, i64)>, price: i64) {
        let Some(row) = self.rows.get_mut(&task) else { return };
        if row.price == price && row.edges == edges {
            return;
        }
        let accepted = self.solver.set_row(row.number, &edges, price);
        debug_assert_eq!(accepted, Ok(()), "there is room for every agent");
        (row.edges, row.price) = (edges, price);
    }
}

impl Row {
    fn new(number: u32) -> Self {
        Self { number, shown: SHOWN, found: Vec::new(), edges: Vec::new(), price: 0, beyond: None }
    }
}

/// What tasks cost at one time.
#[derive(Clone, Copy, Debug)]
struct Scale {
    now_ms: u64,
    age_permille: u32,
    weights: Weights,
}

impl Scale {
    /// What anybody costs at least who is there at some time or later.
    fn least(&self, open: &Open, at_ms: u64) -> i64 {
        self.weights.least(open, at_ms).total()
    }

    /// What it costs to leave a task now: more than any cost, and more for one that has waited longer or is urgent. A wait counts
    /// the time until now as well, for whoever is served; so age counts once to make up for that, and what it is worth besides.
    ///
    /// Without a deadline it depends on the time of the request alone, but for one step every twelve days, so that a task need
    /// not be set again because time passes.
    fn price(&self, open: &Open) -> i64 {
        let millis = |span_ms: u64| i64::try_from(span_ms.min(TERM_MAX)).unwrap_or(i64::MAX);
        let since = self.now_ms - self.now_ms % TERM_MAX;
        let age = millis(since.saturating_sub(open.requested_ms));
        let older = age - millis(open.requested_ms.saturating_sub(since));
        let aged = older * (1_000 + i64::from(self.age_permille.min(1_000))) / 1_000;
        8 * millis(TERM_MAX) + aged + self.weights.price(open, self.now_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

    use super::*;
    use crate::assign::COST_MAX;

    /// A million milliseconds after a step of the price: some tasks are older, some younger.
    const NOW_MS: u64 = 3 * TERM_MAX + 1_000_000;
    const SCALE: Scale = Scale {
        now_ms: NOW_MS,
        age_permille: 500,
        weights: Weights { late: 8, energy_ms_per_percent: 1_000, busy_ms: 2_000 },
    };

    /// Who would be where when, by task and agent; `None` where somebody may not.
    #[derive(Clone, Debug)]
    struct Table {
        tasks: Vec<Open>,
        agents: Vec<Ready>,
        at_ms: Vec<Vec<Option<u64>>>,
    }

    impl Arrivals for Table {
        fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
            let mut all = self.all(task);
            let next = all.get(most).map(|next| next.at_ms);
            all.truncate(most);
            found.extend(all);
            next
        }
    }

    impl Table {
        fn all(&self, task: u32) -> Vec<Arrival> {
            let row = (0_u32..).zip(&self.at_ms[task as usize]);
            let mut all: Vec<Arrival> =
                row.filter_map(|(agent, at)| Some(Arrival { at_ms: (*at)?, agent })).collect();
            all.sort_unstable();
            all
        }

        fn ready(&self) -> BTreeMap<u32, Ready> {
            self.agents.iter().map(|ready| (ready.agent, *ready)).collect()
        }

        fn is_free(&self, agent: u32) -> bool {
            self.agents.iter().any(|ready| ready.agent == agent && ready.free_ms <= NOW_MS)
        }

        fn decide(&self, policy: &mut dyn Policy) -> Vec<Choice> {
            let question = Question { now_ms: NOW_MS, tasks: &self.tasks, agents: &self.agents };
            policy.decide(&question, &mut self.clone())
        }

        /// What a pair costs, or a task that is left, by the plain formula.
        fn cost(&self, open: &Open, arrival: Option<Arrival>) -> i64 {
            let late = |at: u64| 8 * at.saturating_sub(open.due_ms.unwrap_or(u64::MAX));
            let cost = if let Some(Arrival { at_ms, agent }) = arrival {
                let ready = self.agents[agent as usize];
                assert_eq!(ready.agent, agent);
                let way_ms = at_ms - ready.free_ms.max(NOW_MS);
                let ppm = (way_ms * u64::from(ready.drain_ppm_per_s) / 1_000).min(1_000_000);
                let busy = u64::from(ready.busy_permille.min(1_000));
                late(at_ms) + at_ms - open.requested_ms + ppm / 10 + 2 * busy
            } else {
                let step = NOW_MS - 1_000_000;
                let aged = step.abs_diff(open.requested_ms) * 3 / 2;
                let price = if step < open.requested_ms { 8 * TERM_MAX - aged } else { 8 * TERM_MAX + aged };
                price + late(NOW_MS / 1_000 * 1_000 + 300_000)
            };
            i64::try_from(cost).unwrap()
        }

        fn without(&self, choice: Choice) -> Self {
            let mut rest = self.clone();
            rest.tasks.retain(|open| open.task != choice.task);
            rest.agents.retain(|ready| ready.agent != choice.agent);
            rest.at_ms.iter_mut().for_each(|row| row[choice.agent as usize] = None);
            rest
        }
    }

    /// Up to 30 tasks, which are shown 16 agents at first, and 50 agents; many ties, the same agents near to most; young
    /// tasks and ones that are due.
    fn tables() -> impl Strategy<Value = Table> {
        let sizes = prop_oneof![(0..6_u32, 1..8_u32), (0..30_u32, 1..50_u32)];
        sizes.prop_flat_map(|(tasks, agents)| {
            let due = prop::option::weighted(0.3, prop_oneof![3 => 0..800_000_u64, 1 => Just(0)]);
            let open = (
                prop_oneof![3 => 0..2_000_000_u64, 1 => Just(0), 1 => 1_800_000..1_800_003_u64],
                0..2_u8,
                due,
            );
            let open = prop::collection::vec(open, tasks as usize);
            let free = prop_oneof![2 => Just(NOW_MS), 1 => Just(0), 2 => NOW_MS + 1..NOW_MS + 9_000];
            let free = prop::collection::vec(free, agents as usize);
            let way = prop::option::weighted(0.9, prop_oneof![0..6_u64, 0..90_000_u64]);
            let ways = prop::collection::vec(prop::collection::vec(way, agents as usize), tasks as usize);
            let far = prop::collection::vec(prop_oneof![Just(0), 0..300_000_u64], agents as usize);
            let burden = prop_oneof![2 => Just((0, 0)), 1 => (0..1_200_u16, 0..2_000_u32)];
            let burden = prop::collection::vec(burden, agents as usize);
            (open, free, ways, far, burden).prop_map(|(open, free, ways, far, burden)| {
                let open = (0..).zip(open).map(|(task, (age, priority, due))| {
                    let due_ms = due.map(|due| NOW_MS - 400_000 + due);
                    // The other way round than the numbers.
                    Open { priority, due_ms, tie: 100 - u64::from(task), ..Open::new(task, NOW_MS - age) }
                });
                let at = |row: Vec<Option<u64>>| {
                    let from = |((way, free), far): ((Option<u64>, &u64), &u64)| {
                        Some(way? + far + NOW_MS.max(*free))
                    };
                    row.into_iter().zip(&free).zip(&far).map(from).collect()
                };
                let at_ms = ways.into_iter().map(at).collect();
                let agents =
                    (0..).zip(&free).zip(burden).map(|((agent, free), (busy_permille, drain_ppm_per_s))| {
                        Ready { busy_permille, drain_ppm_per_s, ..Ready::new(agent, *free) }
                    });
                let agents = agents.collect();
                Table { tasks: open.collect(), agents, at_ms }
            })
        })
    }

    /// What comes first when everything is compared by hand.
    type Rank = (std::cmp::Reverse<u8>, u64, u64, u32, u32);

    fn policies() -> [Box<dyn Policy>; 3] {
        [Box::new(NearestAvailable), Box::new(GreedyPairs), Box::new(BatchOptimal::default())]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Each task and each agent once, agents that are free, and times as they were told.
        #[test]
        fn choices_can_be_carried_out(table in tables()) {
            for mut policy in policies() {
                let choices = table.decide(&mut *policy);
                let tasks: BTreeSet<u32> = choices.iter().map(|choice| choice.task).collect();
                let agents: BTreeSet<u32> = choices.iter().map(|choice| choice.agent).collect();
                prop_assert_eq!((tasks.len(), agents.len()), (choices.len(), choices.len()));
                for Choice { task, agent, at_ms } in choices {
                    prop_assert!(table.is_free(agent));
                    prop_assert_eq!(table.at_ms[task as usize][agent as usize], Some(at_ms));
                }
            }
        }

        /// No order of tasks or agents changes a decision, nor does what was decided before.
        #[test]
        fn neither_order_nor_history_matters(
            (table, tasks, agents) in tables().prop_flat_map(|table| {
                let (tasks, agents) = (table.tasks.clone(), table.agents.clone());
                (Just(table), Just(tasks).prop_shuffle(), Just(agents).prop_shuffle())
            }),
            before in tables(),
        ) {
            for (mut policy, mut other) in policies().into_iter().zip(policies()) {
                let choices = table.decide(&mut *policy);
                let turned = Table { tasks: tasks.clone(), agents: agents.clone(), at_ms: table.at_ms.clone() };
                before.decide(&mut *other);
                prop_assert_eq!(&turned.decide(&mut *other), &choices);
                // Nothing has changed, so nothing is decided otherwise.
                prop_assert_eq!(&table.decide(&mut *policy), &choices);
            }
        }

        /// The oldest of the most urgent takes the nearest; the closest pair comes first. Then the same without them.
        #[test]
        fn simple_policies_keep_to_their_rule(table in tables()) {
            let pairs = |table: &Table| {
                let of = |open: &Open| {
                    let open = *open;
                    let free = table.all(open.task).into_iter().filter(|arrival| table.is_free(arrival.agent));
                    free.map(|arrival| (open, arrival)).collect::<Vec<_>>()
                };
                table.tasks.iter().flat_map(of).collect::<Vec<_>>()
            };
            let plainly = |rank: &dyn Fn(&(Open, Arrival)) -> Rank| {
                let (mut rest, mut choices) = (table.clone(), Vec::new());
                while let Some((open, Arrival { at_ms, agent })) = pairs(&rest).into_iter().min_by_key(rank) {
                    let choice = Choice { task: open.task, agent, at_ms };
                    rest = rest.without(choice);
                    choices.push(choice);
                }
                choices
            };
            let urgency = |open: &Open| std::cmp::Reverse(open.priority);
            let nearest = plainly(&|(open, arrival)| {
                (urgency(open), open.requested_ms, open.tie, u32::try_from(arrival.at_ms).unwrap(), arrival.agent)
            });
            prop_assert_eq!(table.decide(&mut NearestAvailable), nearest);
            let greedy = plainly(&|(open, arrival)| {
                (urgency(open), arrival.at_ms, arrival.agent.into(), u32::try_from(open.tie).unwrap(), 0)
            });
            prop_assert_eq!(table.decide(&mut GreedyPairs), greedy);
        }

        /// A batch costs what it costs when every task is shown every agent, and never more than the closest pairs.
        #[test]
        fn what_has_not_been_shown_would_not_have_helped(table in tables()) {
            let agents = table.ready();
            let mut batch = Batch::default();
            let pairs = batch.pairs(SCALE, &table.tasks, &agents, &mut table.clone());
            prop_assert_eq!(batch.solver.verify(), Ok(()));
            let mut all = SparseAssignment::new(table.tasks.len(), agents.len());
            for (row, open) in (0..).zip(&table.tasks) {
                let edge = |arrival: Arrival| (arrival.agent, table.cost(open, Some(arrival)));
                let edges: Vec<_> = table.all(open.task).into_iter().map(edge).collect();
                all.set_row(row, &edges, table.cost(open, None)).unwrap();
            }
            all.solve();
            prop_assert_eq!(batch.solver.cost(), all.cost());
            let cost = |pairs: &[Choice]| {
                let of = |open: &Open| {
                    let choice = pairs.iter().find(|choice| choice.task == open.task);
                    table.cost(open, choice.map(|Choice { at_ms, agent, .. }| Arrival { at_ms: *at_ms, agent: *agent }))
                };
                table.tasks.iter().map(of).sum::<i64>()
            };
            prop_assert_eq!(cost(&pairs), all.cost());
            prop_assert!(cost(&pairs) <= cost(&table.decide(&mut GreedyPairs)));
            prop_assert!(cost(&pairs) <= cost(&table.decide(&mut NearestAvailable)));
        }

        /// What it would take is what it takes when every task is shown every agent and the pair has to be made; whoever is
        /// nearer than the one who comes has an answer; and moves start from what was decided.
        #[test]
        fn who_is_nearer_and_went_elsewhere_would_cost_what_is_said(table in tables(), pick in any::<usize>()) {
            let agents = table.ready();
            let mut batch = Batch::default();
            let pairs = batch.pairs(SCALE, &table.tasks, &agents, &mut table.clone());
            let performer = |task: u32| pairs.iter().find(|pair| pair.task == task).map(|pair| pair.agent);
            let solved = |forced: Option<(u32, Arrival)>| {
                let mut all = SparseAssignment::new(table.tasks.len(), agents.len());
                for open in &table.tasks {
                    let edge = |arrival: Arrival| (arrival.agent, table.cost(open, Some(arrival)));
                    let is_left = |arrival: &Arrival| match forced {
                        Some((task, known)) if task == open.task => known == *arrival,
                        Some((_, known)) => known.agent != arrival.agent,
                        None => true,
                    };
                    let edges: Vec<_> = table.all(open.task).into_iter().filter(is_left).map(edge).collect();
                    let is_forced = forced.is_some_and(|(task, _)| task == open.task);
                    let price = if is_forced { COST_MAX } else { table.cost(open, None) };
                    all.set_row(open.task, &edges, price).unwrap();
                }
                all.solve();
                all.cost()
            };
            let policy = BatchOptimal { batches: BTreeMap::from([(0, batch)]), ..BatchOptimal::default() };
            for open in table.tasks.iter().cycle().skip(pick % 31).take(4) {
                let all = table.all(open.task);
                let nearer = all.iter().take_while(|arrival| Some(arrival.agent) != performer(open.task));
                if performer(open.task).is_some() {
                    prop_assert!(nearer.clone().all(|it| policy.why_not(open.task, it.agent).is_some()));
                }
                for arrival in nearer.copied().skip(pick % 3).take(2) {
                    let Some(found) = policy.why_not(open.task, arrival.agent) else { continue };
                    let rise = solved(Some((open.task, arrival))) - solved(None);
                    prop_assert!(rise <= found.rise_ms && (!found.is_exact || rise == found.rise_ms), "{rise}, {found:?}");
                    prop_assert_eq!(found.instead, performer(open.task));
                    prop_assert!(found.sooner_ms.is_none_or(|sooner| 0 <= sooner));
                    prop_assert!(found.moves.len() <= MOVES_MAX && (found.more == 0 || found.moves.len() == MOVES_MAX));
                    for it in &found.moves {
                        prop_assert_ne!(it.task, open.task);
                        prop_assert_eq!(it.from, performer(it.task));
                        prop_assert!(it.to.is_some() || found.left == Some(it.task));
                        prop_assert!(it.from.is_some() || found.taken_up == Some(it.task));
                    }
                }
            }
            // Whoever does a task is not asked why it does not.
            prop_assert!(pairs.iter().all(|pair| policy.why_not(pair.task, pair.agent).is_none()));
            prop_assert_eq!(policy.why_not(99, 0), None);
        }

        /// Those who have waited for the horizon are served before everybody else, the oldest first, by whoever of those who
        /// are free is there first.
        #[test]
        fn who_is_due_goes_first(table in tables()) {
            let mut policy = BatchOptimal::default();
            let choices = table.decide(&mut policy);
            let is_due = |open: &&Open| open.requested_ms + policy.horizon_ms <= NOW_MS;
            let mut due: Vec<Open> = table.tasks.iter().filter(is_due).copied().collect();
            due.sort_unstable_by_key(|open| (open.requested_ms, open.tie));
            let mut taken = BTreeSet::new();
            for Open { task, .. } in due {
                let mut free = table.all(task).into_iter().filter(|arrival| table.is_free(arrival.agent));
                let expected = free.find(|arrival| !taken.contains(&arrival.agent)).map(|arrival| arrival.agent);
                let chosen = choices.iter().find(|choice| choice.task == task).map(|choice| choice.agent);
                prop_assert_eq!(chosen, expected);
                taken.extend(expected);
            }
        }

        /// Agents that nobody asks about change nothing, wherever they would be.
        #[test]
        fn who_is_not_asked_about_changes_nothing(table in tables(), out in prop::collection::vec(any::<bool>(), 50)) {
            let is_in = |agent: u32| !out.get(agent as usize).copied().unwrap_or(false);
            let mut fewer = table.clone();
            fewer.agents.retain(|ready| is_in(ready.agent));
            let mut alone = fewer.clone();
            for row in &mut alone.at_ms {
                (0_u32..).zip(row).filter(|(agent, _)| !is_in(*agent)).for_each(|(_, at)| *at = None);
            }
            for (mut policy, mut other) in policies().into_iter().zip(policies()) {
                prop_assert_eq!(fewer.decide(&mut *policy), alone.decide(&mut *other));
            }
        }
    }

    /// The property above means something only if drawn tables lead to all kinds of displacements.
    #[test]
    fn drawn_tables_reach_every_kind_of_displacement() {
        let mut runner = TestRunner::deterministic();
        let [mut nearer, mut inexact, mut long, mut left, mut taken_up, mut unserved] = [0; 6];
        for _ in 0..2_000 {
            let table = tables().new_tree(&mut runner).unwrap().current();
            let mut policy = BatchOptimal::default();
            table.decide(&mut policy);
            let all = table
                .tasks
                .iter()
                .flat_map(|open| table.all(open.task).into_iter().map(|arrival| (open.task, arrival.agent)));
            for it in all.filter_map(|(task, agent)| policy.why_not(task, agent)) {
                nearer += u32::from(it.sooner_ms.is_some_and(|sooner| 0 < sooner));
                inexact += u32::from(!it.is_exact);
                long += u32::from(0 < it.more);
                left += u32::from(it.left.is_some());
                taken_up += u32::from(it.taken_up.is_some());
                unserved += u32::from(it.instead.is_none());
            }
        }
        let counts = [nearer, inexact, long, left, taken_up, unserved];
        assert!(counts.iter().all(|count| 0 < *count), "{counts:?}");
    }

    #[test]
    fn of_two_that_are_as_near_the_older_is_served() {
        let ages = [1_000, 600_000, 30_000];
        let open = |(task, age): (u32, &u64)| Open::new(task, NOW_MS - age);
        let tasks = (0..).zip(&ages).map(open).collect();
        let agents = vec![Ready::new(0, NOW_MS)];
        let table = Table { tasks, agents, at_ms: vec![vec![Some(NOW_MS + 10_000)]; 3] };
        let chosen = |policy: &mut BatchOptimal| table.decide(policy).first().map(|choice| choice.task);
        assert_eq!(chosen(&mut BatchOptimal::default()), Some(1));
        // What age is worth decides against a longer way.
        let mut far = table.clone();
        far.at_ms[1] = vec![Some(NOW_MS + 10_000 + 300_000)];
        let task = |table: &Table, age_permille| {
            let mut policy = BatchOptimal { age_permille, ..BatchOptimal::default() };
            table.decide(&mut policy).first().map(|choice| choice.task)
        };
        assert_eq!((task(&far, 400), task(&far, 600)), (Some(2), Some(1)));
    }

    /// What somebody who is alone does first, of tasks that are as near and as old.
    fn first_of_two(due_ms: [Option<u64>; 2]) -> u32 {
        let tasks =
            (0..).zip(due_ms).map(|(task, due_ms)| Open { due_ms, ..Open::new(task, NOW_MS) }).collect();
        let at_ms = vec![vec![Some(NOW_MS + 10_000)]; 2];
        let table = Table { tasks, agents: vec![Ready::new(0, 0)], at_ms };
        table.decide(&mut BatchOptimal::default())[0].task
    }

    #[test]
    fn whatever_would_be_late_goes_first() {
        assert_eq!(first_of_two([None, Some(NOW_MS + 120_000)]), 1);
        assert_eq!(first_of_two([Some(NOW_MS + 100_000), Some(NOW_MS + 200_000)]), 0);
        assert_eq!(first_of_two([Some(NOW_MS + 200_000), Some(NOW_MS + 100_000)]), 1);
        assert_eq!(first_of_two([None, Some(NOW_MS + 3_600_000)]), 0, "there is time");
    }

    #[test]
    fn of_ways_that_are_as_long_the_battery_and_the_less_busy_decide() {
        let chosen = |second: Ready, way_ms: u64| {
            let agents = vec![Ready { drain_ppm_per_s: 100, busy_permille: 400, ..Ready::new(0, 0) }, second];
            let at_ms = vec![vec![Some(NOW_MS + 60_000), Some(NOW_MS + way_ms)]];
            let table = Table { tasks: vec![Open::new(0, NOW_MS)], agents, at_ms };
            table.decide(&mut BatchOptimal::default())[0].agent
        };
        let like = Ready { drain_ppm_per_s: 100, busy_permille: 400, ..Ready::new(1, 0) };
        assert_eq!(chosen(like, 60_000), 0);
        assert_eq!(chosen(Ready { drain_ppm_per_s: 50, ..like }, 60_000), 1);
        assert_eq!(chosen(Ready { busy_permille: 300, ..like }, 60_000), 1);
        // 0.6 % of a battery and 0.4 of the time are worth 1.4 s.
        let rested = Ready::new(1, 0);
        assert_eq!((chosen(rested, 61_300), chosen(rested, 61_500)), (1, 0));
    }

    #[test]
    fn waiting_for_a_busy_robot_may_be_better() {
        let tasks = vec![Open::new(0, NOW_MS - 1_000)];
        let agents = vec![Ready::new(0, 0), Ready::new(1, NOW_MS + 5_000)];
        let at_ms = vec![vec![Some(NOW_MS + 60_000), Some(NOW_MS + 6_000)]];
        let table = Table { tasks, agents, at_ms };
        assert!(table.decide(&mut BatchOptimal::default()).is_empty());
        let far = Choice { task: 0, agent: 0, at_ms: NOW_MS + 60_000 };
        assert_eq!(table.decide(&mut GreedyPairs), [far]);
    }
}
