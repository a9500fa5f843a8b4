//! What is known of a task that is not over.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, Micros, TaskId, WaypointId,
    wire::{Action, StepToken},
};

use super::{Order, Patience, Rung, Seat, Whom};
use crate::{Facts, GateClosed, Performers, Step, Task};

/// How long a person takes to fetch a load from an agent that cannot bring it.
const HAND_OVER: Micros = Micros::from_secs(30);
/// How often steps may take the place of others until the first are forgotten.
const BEFORE_MAX: usize = 8;
/// Awards of which it is remembered who had them, for reports that come late.
const HISTORY_MAX: usize = 64;

/// A task that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) order: Box<Order>,
    /// What was asked for, if that is not what is done.
    asked: Option<Box<Order>>,
    /// Who may do it from when on, in order.
    pub(super) ladder: Vec<Rung>,
    /// Its number with policies.
    pub(super) number: u32,
    /// The step that is next.
    pub(super) step: u32,
    pub(super) awards: u32,
    /// Where what is on board was loaded.
    pub(super) on_board: Vec<WaypointId>,
    pub(super) phase: Phase,
    pub(super) clock: Clock,
    /// Tasks that are not done yet and must be.
    pub(super) waits_for: BTreeSet<TaskId>,
    /// Who has had it, and may act on it until then, because nothing says that it has heard otherwise.
    pub(super) former: Vec<Former>,
    /// Who had which award, the newest last.
    pub(super) history: Vec<(u32, AgentId)>,
    /// Who is not offered it again before when.
    pub(super) cooling: BTreeMap<AgentId, FleetTime>,
    pub(super) forbidden: BTreeSet<AgentId>,
    pub(super) pinned: Option<AgentId>,
    /// Loads that must be fetched from somebody.
    pub(super) fetches: Vec<Fetch>,
    /// What was to be done before hand-overs and a cancellation, the newest last.
    before: Vec<Before>,
    /// Awards up to this one were about steps that are not remembered any more.
    forgotten: u32,
    pub(super) robots: Robots,
    /// When somebody could be asked first.
    pub(super) opened: Option<FleetTime>,
    /// When the operator is told next that nobody has taken it.
    pub(super) alarm_at: Option<FleetTime>,
    /// Until then it is not taken away because somebody else would be there sooner.
    pub(super) stays_until: FleetTime,
    /// When it was begun, or a step was done last, or the operator was told that none was.
    pub(super) moved: FleetTime,
    /// From when on agents are kept free for its crew.
    pub(super) gather_at: FleetTime,
    /// How often they were, without all coming together.
    pub(super) gathers: u32,
    /// Its steps are those of a cancellation.
    pub(super) is_cancelling: bool,
    /// It was reported as late.
    pub(super) is_late: bool,
    /// Whoever has its load was reported as silent.
    pub(super) is_silent: bool,
    /// When it is looked at next.
    pub(super) wake: Option<FleetTime>,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Its time has not come, or other tasks come first.
    Held,
    /// Nobody has it.
    Open,
    /// Some were asked.
    Offered(Vec<Taken>),
    /// Some do it; the first does the steps.
    Running(Vec<Taken>),
    /// Somebody has its load on board and goes on as soon as nobody else may act on it.
    Resuming(Vec<Taken>),
    /// It was cancelled, and those who have it have not all confirmed that they stopped.
    Closing(Vec<Taken>),
}

/// Somebody who has a task, or was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) agent: AgentId,
    pub(super) until: FleetTime,
    /// It has answered the offer, or the withdrawal.
    pub(super) answered: bool,
}

/// What keeps a rung shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// It is not due.
    Until(FleetTime),
    /// A gate is.
    By(GateClosed),
}

/// Somebody who had a task and may still act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Former {
    pub(super) agent: AgentId,
    pub(super) award: u32,
    pub(super) until: FleetTime,
}

/// Whether whom a task is for lets robots come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Robots {
    Welcome,
    Unwelcome,
}

/// Loads on board of somebody who cannot bring them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fetch {
    pub(super) from: AgentId,
    /// They have been fetched when this step is next.
    pub(super) until: u32,
    /// Where they were loaded first, the last one first.
    pub(super) origins: Vec<WaypointId>,
}

/// What was to be done until other steps took its place, for whoever had it then and is heard later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Before {
    /// Awards up to this one were about these steps, but for those about steps before.
    awards: u32,
    task: Task,
    ladder: Vec<Rung>,
    crew: Vec<Seat>,
    step: u32,
    on_board: Vec<WaypointId>,
    fetches: Vec<Fetch>,
    is_cancelling: bool,
    /// It was because whoever had the load was silent.
    is_lapse: bool,
}

/// Time spent without anybody who does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clock {
    waited: Micros,
    since: Option<FleetTime>,
}

impl Clock {
    pub(super) fn start(&mut self, now: FleetTime) {
        self.since.get_or_insert(now);
    }

    pub(super) fn stop(&mut self, now: FleetTime) {
        let since = self.since.take();
        let span = since.and_then(|since| now.since(since)).unwrap_or_default();
        self.waited = self.waited.saturating_add(span);
    }

    /// When it will have waited for so long, if it goes on waiting.
    pub(super) fn reaches(&self, span: Micros) -> Option<FleetTime> {
        Some(self.since? + self.lacks(span))
    }

    /// Whether it has waited for so long.
    fn has_waited(&self, span: Micros, now: FleetTime) -> bool {
        self.reaches(span).map_or(self.lacks(span) == Micros::ZERO, |at| at <= now)
    }

    /// How long it must wait on until it has waited for so long.
    pub(super) fn lacks(&self, span: Micros) -> Micros {
        span.saturating_sub(self.waited)
    }
}

impl Entry {
    pub(super) fn new(order: Box<Order>, number: u32, patience: &Patience) -> Self {
        let ladder = ladder_of(&order, patience);
        Self {
            order,
            asked: None,
            ladder,
            number,
            step: 0,
            awards: 0,
            on_board: Vec::new(),
            phase: Phase::Held,
            clock: Clock::default(),
            waits_for: BTreeSet::new(),
            former: Vec::new(),
            history: Vec::new(),
            cooling: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            pinned: None,
            fetches: Vec::new(),
            before: Vec::new(),
            forgotten: 0,
            robots: Robots::Welcome,
            opened: None,
            alarm_at: None,
            stays_until: FleetTime::ZERO,
            moved: FleetTime::ZERO,
            gather_at: FleetTime::MAX,
            gathers: 0,
            is_cancelling: false,
            is_late: false,
            is_silent: false,
            wake: None,
        }
    }

    /// Whether that is what was asked for.
    pub(super) fn is_same(&self, order: &Order) -> bool {
        **self.asked.as_ref().unwrap_or(&self.order) == *order
    }

    /// The order, to change it.
    pub(super) fn alter(&mut self) -> &mut Order {
        let Self { order, asked, .. } = self;
        asked.get_or_insert_with(|| order.clone());
        order
    }

    pub(super) fn token(&self) -> StepToken {
        StepToken { task: self.order.task.id, award: self.awards, step: self.step }
    }

    /// Those who have it or were asked; the first does the steps.
    pub(super) fn taken(&self) -> &[Taken] {
        match &self.phase {
            Phase::Offered(taken)
            | Phase::Running(taken)
            | Phase::Resuming(taken)
            | Phase::Closing(taken) => taken,
            Phase::Held | Phase::Open => &[],
        }
    }

    pub(super) fn taken_by(&mut self, agent: AgentId) -> Option<&mut Taken> {
        match &mut self.phase {
            Phase::Offered(taken)
            | Phase::Running(taken)
            | Phase::Resuming(taken)
            | Phase::Closing(taken) => taken.iter_mut().find(|taken| taken.agent == agent),
            Phase::Held | Phase::Open => None,
        }
    }

    pub(super) fn leader(&self) -> Option<AgentId> {
        self.taken().first().map(|leader| leader.agent)
    }

    pub(super) fn has(&self, agent: AgentId) -> bool {
        self.taken().iter().any(|taken| taken.agent == agent)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    pub(super) fn is_loaded(&self) -> bool {
        !self.on_board.is_empty()
    }

    /// Whether somebody is on the way to it who could be spared: without a load, alone, and not by the operator's wish.
    pub(super) fn may_pass_on(&self, now: FleetTime) -> bool {
        let is_easy = self.is_running() && !self.is_loaded() && !self.is_cancelling;
        let is_simple = self.order.crew.is_empty() && self.fetches.is_empty() && self.pinned.is_none();
        is_easy && is_simple && self.stays_until <= now
    }

    pub(super) fn is_finished(&self) -> bool {
        self.order.task.steps.len() <= self.step as usize
    }

    /// Notes who does the steps of this award, for reports that come late.
    pub(super) fn remember(&mut self, leader: AgentId) {
        if HISTORY_MAX <= self.history.len() {
            self.history.remove(0);
        }
        self.history.push((self.awards, leader));
    }

    /// Each rung, with how long it must have waited for it.
    fn spans(&self) -> impl Iterator<Item = (Micros, &Rung)> {
        let mut sum = Micros::ZERO;
        self.ladder.iter().map(move |rung| {
            sum = sum.saturating_add(rung.after);
            (sum, rung)
        })
    }

    /// When each rung is due, while it waits.
    fn due_times(&self) -> impl Iterator<Item = (FleetTime, &Rung)> {
        self.spans().filter_map(|(span, rung)| Some((self.clock.reaches(span)?, rung)))
    }

    /// Whom it may be offered to now: rungs that are due and whose gates are open at this very moment.
    pub(super) fn seats(&self, now: FleetTime, facts: &Facts) -> Vec<&Seat> {
        self.doors(now, facts).filter_map(|(_, seat, shut)| shut.is_none().then_some(seat)).collect()
    }

    /// Rungs by which nobody may be offered it now, with their numbers, and what keeps them shut.
    pub(super) fn shut(&self, now: FleetTime, facts: &Facts) -> impl Iterator<Item = (usize, &Seat, Shut)> {
        self.doors(now, facts).filter_map(|(number, seat, shut)| Some((number, seat, shut?)))
    }

    fn doors(&self, now: FleetTime, facts: &Facts) -> impl Iterator<Item = (usize, &Seat, Option<Shut>)> {
        let shut = move |span: Micros, rung: &Rung| {
            if !self.clock.has_waited(span, now) {
                return Some(Shut::Until(self.clock.reaches(span).unwrap_or(FleetTime::MAX)));
            }
            rung.gates.iter().find_map(|gate| facts.check(gate, now).err()).map(Shut::By)
        };
        let rungs = self.spans().enumerate();
        rungs.filter_map(move |(number, (span, rung))| Some((number, rung.seat()?, shut(span, rung))))
    }

    /// The step that is next.
    pub(super) fn step(&self) -> Option<&Step> {
        self.order.task.steps.get(self.step as usize)
    }

    /// When the operator is told that no step has been done for long.
    pub(super) fn stuck_at(&self, patience: &Patience) -> Option<FleetTime> {
        let is_acted_on = matches!(self.phase, Phase::Running(_) | Phase::Resuming(_));
        let work = self.step().filter(|_| is_acted_on)?.duration;
        Some(self.moved + work.saturating_add(patience.alarm))
    }

    /// Whether nobody who has had it may still act on it.
    pub(super) fn is_left(&self, now: FleetTime) -> bool {
        self.former.iter().all(|former| former.until <= now)
    }

    /// Whether the operator lets an agent do the steps, or be there with whoever does.
    pub(super) fn permits(&self, agent: AgentId, leads: bool) -> bool {
        self.pinned.is_none_or(|pinned| (pinned == agent) == leads) && !self.forbidden.contains(&agent)
    }

    /// Whether an agent may be offered that.
    pub(super) fn allows(&self, agent: AgentId, leads: bool, now: FleetTime) -> bool {
        self.permits(agent, leads) && self.cooling.get(&agent).is_none_or(|until| *until <= now)
    }

    /// How long it must still wait, open, until it has waited for so long.
    pub(super) fn lacks(&self, span: Micros, now: FleetTime) -> Micros {
        let due = self.clock.reaches(span);
        due.map_or_else(|| self.clock.lacks(span), |due| due.since(now).unwrap_or_default())
    }

    /// When the operator is to be told that nobody has taken it.
    pub(super) fn operator_at(&self) -> Option<FleetTime> {
        let mut due = self.due_times().filter(|(_, rung)| rung.whom == Whom::Operator);
        due.next().map(|(at, _)| self.alarm_at.map_or(at, |next| next.max(at)))
    }

    /// When something about it changes by itself next.
    pub(super) fn next_wake(&self, now: FleetTime, patience: &Patience) -> Option<FleetTime> {
        let lapses = self.taken().iter().map(|taken| taken.until);
        let fetched = self.is_silent.then(|| lapses.clone().map(|until| until + patience.carrier));
        let mut wakes: Vec<FleetTime> = lapses.chain(fetched.into_iter().flatten()).collect();
        wakes.extend(self.former.iter().map(|former| former.until));
        match &self.phase {
            Phase::Held if self.waits_for.is_empty() => wakes.extend(self.order.not_before),
            Phase::Held => wakes.extend(self.alarm_at),
            Phase::Open => {
                wakes.extend(self.due_times().map(|(at, _)| at));
                wakes.extend(self.operator_at());
                wakes.extend(self.cooling.values());
                wakes.push(self.gather_at);
                wakes.push(now + patience.look_again);
            }
            Phase::Offered(_) => wakes.extend(self.operator_at()),
            Phase::Running(_) | Phase::Resuming(_) | Phase::Closing(_) => {}
        }
        wakes.extend(self.stuck_at(patience));
        wakes.extend(self.order.task.deadline.filter(|_| !self.is_late));
        wakes.into_iter().filter(|at| now < *at && *at < FleetTime::MAX).min()
    }

    /// Takes steps as done, up to the next one. Those who waited with loads that have been fetched are returned.
    pub(super) fn advance(&mut self, next: u32) -> Vec<AgentId> {
        let Self { order, on_board, fetches, .. } = self;
        for (number, step) in (0..).zip(&order.task.steps).take(next as usize).skip(self.step as usize) {
            match step.action {
                Action::Load => {
                    let fetch = fetches.iter_mut().find(|fetch| number < fetch.until);
                    on_board.push(fetch.and_then(|fetch| fetch.origins.pop()).unwrap_or(step.place));
                }
                Action::Unload => drop(on_board.pop()),
                Action::Attend => {}
            }
        }
        self.step = self.step.max(next);
        let done = self.fetches.extract_if(.., |fetch| fetch.until <= self.step);
        done.map(|fetch| fetch.from).collect()
    }

    /// Whoever has loads that must be fetched is somewhere else now; whether anything was to be fetched there.
    pub(super) fn move_fetch(&mut self, from: AgentId, at: WaypointId) -> bool {
        let mut first = self.step;
        let mut is_moved = false;
        for fetch in self.fetches.clone() {
            let steps = first as usize..fetch.until as usize;
            first = fetch.until;
            if fetch.from == from {
                for step in self.alter().task.steps.get_mut(steps).into_iter().flatten() {
                    is_moved |= step.place != at;
                    step.place = at;
                }
            }
        }
        is_moved
    }

    /// Other steps take the place of those that were to be done.
    fn replace_steps(&mut self, is_lapse: bool) {
        if BEFORE_MAX <= self.before.len() {
            self.forgotten = self.before.remove(0).awards;
        }
        self.before.push(Before {
            awards: self.awards,
            task: self.order.task.clone(),
            ladder: self.ladder.clone(),
            crew: self.order.crew.clone(),
            step: self.step,
            on_board: self.on_board.clone(),
            fetches: self.fetches.clone(),
            is_cancelling: self.is_cancelling,
            is_lapse,
        });
    }

    /// Whether an agent had an award of the steps that are to be done now.
    pub(super) fn is_older_award(&self, agent: AgentId, award: u32) -> bool {
        self.history.contains(&(award, agent))
            && self.before.last().is_none_or(|before| before.awards < award)
    }

    /// Which of the steps that were to be done before an award was about; those of now for `None`.
    fn program_of(&self, award: u32) -> Option<usize> {
        self.before.iter().position(|before| award <= before.awards)
    }

    /// Whether somebody who has lost the task tells truly that it did the next steps: it had that award, and nobody has done
    /// them, or what took their place, since.
    pub(super) fn is_late_evidence(&self, agent: AgentId, token: StepToken) -> bool {
        let is_next = |step: u32, task: &Task| step <= token.step && (token.step as usize) < task.steps.len();
        if !self.history.contains(&(token.award, agent)) || token.award <= self.forgotten {
            return false;
        }
        let Some(program) = self.program_of(token.award) else {
            return !self.is_loaded() && is_next(self.step, &self.order.task);
        };
        let mut since = self.before.iter().skip(program);
        let Some(before) = since.next() else { return false };
        let is_untouched = self.step == before.step && since.all(|later| later.step == before.step);
        // Steps of a cancellation are done again where that is so.
        let is_cancelled = self.is_cancelling && !before.is_cancelling && !self.is_loaded();
        (is_untouched || is_cancelled) && is_next(before.step, &before.task)
    }

    /// Whether somebody goes on with steps whose load is to be fetched from it because it was silent, and nobody was asked to.
    pub(super) fn may_take_back(&self, agent: AgentId, on: StepToken) -> bool {
        let is_last = self.before.last().is_some_and(|before| before.is_lapse && before.awards == on.award);
        let is_fetch = self.fetches.first().is_some_and(|fetch| fetch.from == agent);
        let is_untouched = self.before.last().is_some_and(|before| before.step == self.step);
        let is_open = self.phase == Phase::Open && self.awards == on.award;
        is_last && is_fetch && is_untouched && is_open && self.history.contains(&(on.award, agent))
    }

    /// Whether somebody tells of a load that it took long ago and that is in no account.
    pub(super) fn is_stray_load(&self, agent: AgentId, token: StepToken) -> bool {
        if !self.history.contains(&(token.award, agent)) {
            return false;
        }
        if token.award <= self.forgotten {
            return true;
        }
        let Some(before) = self.program_of(token.award).and_then(|program| self.before.get(program)) else {
            return false;
        };
        let told = before.task.steps.get(before.step as usize..=token.step as usize);
        told.is_some_and(|steps| steps.iter().any(|step| step.action == Action::Load))
    }

    /// Whether somebody who tells of steps of now has no load of them.
    pub(super) fn is_without_load(&self, token: StepToken) -> bool {
        let steps = self.order.task.steps.get(self.step as usize..=token.step as usize);
        let takes_none = |steps: &[Step]| steps.iter().all(|step| step.action != Action::Load);
        self.program_of(token.award).is_none() && steps.is_some_and(takes_none)
    }

    /// What was to be done when an award was made is to be done again. Whether the task was cancelled since.
    pub(super) fn restore_steps(&mut self, award: u32) -> bool {
        let Some(program) = self.program_of(award) else { return false };
        let Some(before) = self.before.drain(program..).next() else { return false };
        let was_cancelled = self.is_cancelling && !before.is_cancelling;
        let Before { task, ladder, crew, step, on_board, fetches, is_cancelling, .. } = before;
        let order = self.alter();
        let Task { deadline, priority, .. } = order.task;
        order.task = Task { deadline, priority, ..task };
        order.crew = crew;
        (self.step, self.on_board, self.fetches) = (step, on_board, fetches);
        (self.ladder, self.is_cancelling) = (ladder, is_cancelling);
        if self.robots == Robots::Unwelcome {
            self.close_to_robots();
        }
        was_cancelled
    }

    /// From here on people do it: first they fetch what is on board of an agent at a place.
    pub(super) fn hand_over(&mut self, from: AgentId, at: WaypointId, is_lapse: bool) {
        self.replace_steps(is_lapse);
        let next = self.step as usize;
        let mut origins = std::mem::take(&mut self.on_board);
        origins.reverse();
        let loads = origins.len();
        let fetch = Step { place: at, action: Action::Load, duration: HAND_OVER, gates: Vec::new() };
        let task = &mut self.alter().task;
        task.steps.splice(next..next, std::iter::repeat_n(fetch, loads));
        // Who fetches it needs to do nothing that the one could who had it.
        task.skills.clear();
        for rung in &mut self.ladder {
            if let Whom::Agents(seat) = &mut rung.whom {
                *seat = Seat::from(seat.performers.clone());
            }
        }
        let loads = u32::try_from(loads).unwrap_or(u32::MAX);
        for later in &mut self.fetches {
            later.until = later.until.saturating_add(loads);
        }
        self.fetches.insert(0, Fetch { from, until: self.step.saturating_add(loads), origins });
        self.pinned = None;
        self.close_to_robots();
    }

    /// No robot may do the steps any more. People may at once, as far as gates let them: those of whom the ladder speaks, or else
    /// whoever can do what robots should have.
    pub(super) fn close_to_robots(&mut self) {
        let is_for_people = |rung: &Rung| match &rung.whom {
            Whom::Agents(seat) => seat.performers != Performers::RobotsOnly,
            Whom::Operator => false,
        };
        let has_people = self.ladder.iter().any(is_for_people);
        self.ladder.retain_mut(|rung| {
            let Whom::Agents(seat) = &mut rung.whom else { return true };
            rung.after = Micros::ZERO;
            match &seat.performers {
                Performers::RobotsOnly if has_people => return false,
                Performers::RobotsOnly | Performers::RobotsFirst => seat.performers = Performers::people(),
                Performers::PeopleOnly(_) => {}
            }
            true
        });
        for seat in &mut self.alter().crew {
            if seat.performers == Performers::RobotsFirst {
                seat.performers = Performers::people();
            }
        }
        if !self.ladder.iter().any(|rung| matches!(rung.whom, Whom::Agents(_))) {
            let whom = Whom::Agents(Performers::people().into());
            self.ladder.insert(0, Rung { whom, after: Micros::ZERO, gates: Vec::new() });
        }
    }

    /// Replaces what remains by the steps of a cancellation. Whether there are any.
    pub(super) fn cancel_steps(&mut self) -> bool {
        self.replace_steps(false);
        self.is_cancelling = true;
        // Loads that wait to be fetched are fetched first.
        let next = self.fetches.last().map_or(self.step, |fetch| fetch.until) as usize;
        let mut on_board = self.on_board.clone();
        on_board.extend(self.fetches.iter().flat_map(|fetch| fetch.origins.iter().rev()));
        let Order { task, on_cancel, crew, .. } = self.alter();
        crew.clear();
        let steps = &mut task.steps;
        steps.truncate(next);
        if next != 0 {
            // Unloads for which nothing is on board fall away.
            let possible = |step: &&Step| step.action != Action::Unload || on_board.pop().is_some();
            steps.extend(on_cancel.iter().filter(possible).cloned());
        }
        let back = on_board.iter().rev().map(|place| Step {
            place: *place,
            action: Action::Unload,
            duration: Micros::ZERO,
            gates: Vec::new(),
        });
        steps.extend(back);
        !self.is_finished()
    }
}

/// Who may do a task from when on: as the order says, or else as usual.
pub(super) fn ladder_of(order: &Order, patience: &Patience) -> Vec<Rung> {
    if !order.ladder.is_empty() {
        let mut ladder = order.ladder.clone();
        if !ladder.iter().any(|rung| rung.whom == Whom::Operator) {
            ladder.push(Rung { whom: Whom::Operator, after: patience.alarm, gates: Vec::new() });
        }
        return ladder;
    }
    let performers = &order.task.performers;
    let rung = |whom, after| Rung { whom, after, gates: Vec::new() };
    let first = |performers: Performers| rung(Whom::Agents(performers.into()), Micros::ZERO);
    let mut ladder = match performers {
        Performers::RobotsFirst => {
            let people = Whom::Agents(Performers::people().into());
            vec![first(Performers::RobotsOnly), rung(people, patience.people_after)]
        }
        Performers::RobotsOnly | Performers::PeopleOnly(_) => vec![first(performers.clone())],
    };
    ladder.push(rung(Whom::Operator, patience.alarm));
    ladder
}
