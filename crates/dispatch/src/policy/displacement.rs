//! Why somebody nearer went elsewhere.

use std::collections::BTreeMap;

use sheepdog_core::Micros;

use super::{Batch, BatchOptimal};
use crate::{assign::Forced, explain::seconds};

/// How many that would do something else a [`Displacement`] names.
pub const MOVES_MAX: usize = 8;

/// What would have to change for a task to be done by somebody else than [`BatchOptimal`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displacement {
    /// The task.
    pub task: u32,
    /// Who does not do it.
    pub agent: u32,
    /// Who does, now or when it is free; `None` when nobody does.
    pub instead: Option<u32>,
    /// How much sooner `agent` would be there than `instead`; negative if later.
    pub sooner_ms: Option<i64>,
    /// How much dearer it would be for all tasks of that priority, at least zero: the sum of their [`Cost`](super::Cost), with
    /// what it costs to leave a task where others would be left than now.
    pub rise_ms: i64,
    /// Whether nothing is cheaper. Otherwise somebody whom a task was not shown might make it cheaper than said.
    pub is_exact: bool,
    /// Tasks that would be done by others, from the one that `agent` is taken from on; at most [`MOVES_MAX`].
    pub moves: Vec<Reassigned>,
    /// How many more there are.
    pub more: usize,
    /// A task that nobody would do any more.
    pub left: Option<u32>,
    /// A task that somebody would do whom nobody does now, besides `task`.
    pub taken_up: Option<u32>,
}

/// A task that would be done by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reassigned {
    /// The task.
    pub task: u32,
    /// Who does it; `None` for nobody.
    pub from: Option<u32>,
    /// Who would.
    pub to: Option<u32>,
}

impl BatchOptimal {
    /// What would have to change for `task` to be done by `agent`, by what was decided last, tasks that wait for somebody busy
    /// included.
    ///
    /// `None` when `agent` does it; when it was not shown to the task, which is shown everybody nearer than whoever does it;
    /// when it went to a task that goes before, because that has waited for the horizon or is more urgent; and for tasks that
    /// have waited for the horizon themselves, or are unknown. One search, see
    /// [`SparseAssignment::displacement`](crate::assign::SparseAssignment::displacement).
    ///
    /// ```
    /// use sheepdog_dispatch::policy::{Arrival, Arrivals, BatchOptimal, Open, Policy, Question, Ready};
    ///
    /// /// Robot 7 is 12 s nearer to task 1 than robot 2, and much nearer to task 3.
    /// struct Ways;
    ///
    /// impl Arrivals for Ways {
    ///     fn nearest(&mut self, task: u32, _: usize, found: &mut Vec<Arrival>) -> Option<u64> {
    ///         let at_ms: [(u64, u32); 2] = if task == 1 { [(8_000, 7), (20_000, 2)] } else { [(5_000, 7), (47_000, 2)] };
    ///         found.extend(at_ms.map(|(at_ms, agent)| Arrival { at_ms, agent }));
    ///         None
    ///     }
    /// }
    ///
    /// let tasks = [1, 3].map(|task| Open::new(task, 0));
    /// let agents = [2, 7].map(|agent| Ready::new(agent, 0));
    /// let mut policy = BatchOptimal::default();
    /// policy.decide(&Question { now_ms: 0, tasks: &tasks, agents: &agents }, &mut Ways);
    /// let why = policy.why_not(1, 7).unwrap();
    /// assert_eq!(
    ///     why.in_words(&|task| format!("t{task}"), &|agent| format!("R{agent}")),
    ///     "R7 would be at t1 12.0 s sooner than R2 but goes to t3; were it to come here, R2 would go to t3: 30.0 s more \
    ///      in all"
    /// );
    /// ```
    pub fn why_not(&self, task: u32, agent: u32) -> Option<Displacement> {
        // A task that is no longer of a batch has no edges in it.
        self.batches.values().find_map(|batch| batch.why_not(task, agent))
    }
}

impl Batch {
    fn why_not(&self, task: u32, agent: u32) -> Option<Displacement> {
        let row = self.rows.get(&task)?;
        let by_number: BTreeMap<u32, u32> = self.rows.iter().map(|(task, row)| (row.number, *task)).collect();
        let beyond = |number: u32| self.rows.get(by_number.get(&number)?)?.beyond;
        let (Forced { rise, moves }, is_exact) = self.solver.force(row.number, agent, beyond)?;
        let (first, others) = moves.split_first()?;
        let at = |agent: u32| {
            let arrival = row.found.iter().find(|arrival| arrival.agent == agent)?;
            i64::try_from(arrival.at_ms).ok()
        };
        let sooner = |instead: u32| at(instead)?.checked_sub(at(agent)?);
        let all = || {
            others.iter().filter_map(|it| {
                Some(Reassigned { task: *by_number.get(&it.row)?, from: it.from, to: it.to })
            })
        };
        let moves: Vec<Reassigned> = all().take(MOVES_MAX).collect();
        Some(Displacement {
            task,
            agent,
            instead: first.from,
            sooner_ms: first.from.and_then(sooner),
            rise_ms: rise,
            is_exact,
            more: others.len().saturating_sub(moves.len()),
            moves,
            left: all().find(|it| it.to.is_none()).map(|it| it.task),
            taken_up: all().find(|it| it.from.is_none()).map(|it| it.task),
        })
    }
}

impl Displacement {
    /// The same in plain words, with the names of tasks and agents.
    pub fn in_words(&self, task: &dyn Fn(u32) -> String, agent: &dyn Fn(u32) -> String) -> String {
        let (who, here) = (agent(self.agent), task(self.task));
        let beside = match (self.sooner_ms, self.instead.map(agent)) {
            (Some(0), Some(other)) => format!("{who} would be at {here} as soon as {other}"),
            (Some(sooner), Some(other)) if 0 < sooner => {
                format!("{who} would be at {here} {} sooner than {other}", span(sooner))
            }
            (Some(later), Some(other)) => {
                format!("{who} would be at {here} {} later than {other}", span(later))
            }
            (None, _) | (_, None) => format!("{who} could do {here}, which nobody does"),
        };
        let own = self.moves.first().filter(|it| it.from == Some(self.agent));
        let goes = own.map_or_else(String::new, |it| format!(" but goes to {}", task(it.task)));
        let moves = self.moves.iter().map(|it| match it.to {
            Some(to) => format!("{} would go to {}", agent(to), task(it.task)),
            None => format!("{} would be left", task(it.task)),
        });
        let mut moves: Vec<String> = moves.collect();
        if 0 < self.more {
            moves.push(format!("{} more tasks would change hands", self.more));
        }
        let at_most = if self.is_exact { "" } else { "at most " };
        let all = match (self.instead, self.left, self.taken_up) {
            (Some(_), None, None) => Some(format!("{at_most}{} more in all", span(self.rise_ms))),
            // Whom to leave is not told in seconds.
            (_, left, _) => {
                left.filter(|_| 0 < self.more).map(|left| format!("{} would be left", task(left)))
            }
        };
        let would = match (moves.is_empty(), all) {
            (true, all) => all,
            (false, None) => Some(moves.join(", ")),
            (false, Some(all)) => Some(format!("{}: {all}", moves.join(", "))),
        };
        let would = would.map_or_else(String::new, |would| format!("; were it to come here, {would}"));
        format!("{beside}{goes}{would}")
    }
}

/// Milliseconds in words, whatever the sign.
fn span(ms: i64) -> String {
    seconds(Micros::from_millis(ms.unsigned_abs()))
}
