//! Random histories of a fleet whose radio loses, doubles, delays and reorders, and whose agents decline, fail, fall silent and
//! die; played against a world in which a load is in one place.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that breaks is a test that fails")]

use std::collections::VecDeque;

use proptest::prelude::*;
use sheepdog_core::{
    Micros,
    wire::{Action, Fact, StepToken},
};

use super::*;
use crate::{
    AgentKind, Gate, Performers, Skill, Step, Task,
    fixture::{corridor, visit},
    policy::{Arrival, BatchOptimal, GreedyPairs, NearestAvailable},
};

const ROBOTS: u32 = 3;
const AGENTS: u32 = 6;
const PLACES: u32 = 3;
const PATIENCE: Patience = Patience {
    offer: Micros::from_secs(10),
    robot: Micros::from_secs(10),
    person: Micros::from_secs(60),
    carrier: Micros::from_secs(20),
    cool_down: Micros::from_secs(15),
    people_after: Micros::from_secs(60),
    alarm: Micros::from_secs(90),
    gather: Micros::from_secs(30),
};

const fn kind(agent: u32) -> AgentKind {
    match agent {
        0..ROBOTS => AgentKind::Robot,
        ROBOTS => AgentKind::Nurse,
        _ => AgentKind::Technician,
    }
}

/// Agent 1 can treat rooms; nobody else.
fn has_skills(agent: u32, skills: &BTreeSet<Skill>) -> bool {
    skills.iter().all(|skill| agent == 1 && skill.0 == "uv")
}

fn seconds(seconds: u64) -> Micros {
    Micros::from_secs(seconds)
}

/// Where everybody is; ten seconds from place to place.
struct Places([u32; AGENTS as usize]);

impl Scout for Places {
    fn nearest(&mut self, call: &Call<'_>, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let place = call.task.steps[call.step].place.0;
        let fits = |agent: &u32| {
            has_skills(*agent, &call.task.skills)
                && call
                    .seats
                    .iter()
                    .any(|seat| seat.performers.allow(kind(*agent)) && has_skills(*agent, &seat.skills))
        };
        let arrival =
            |agent: u32| Arrival { at_ms: u64::from(self.0[agent as usize].abs_diff(place)) * 10_000, agent };
        let mut all: Vec<Arrival> = (0..AGENTS).filter(fits).map(arrival).collect();
        all.sort_unstable();
        let next = all.get(most).map(|arrival| arrival.at_ms);
        found.extend(all.into_iter().take(most));
        next
    }

    fn free_ms(&mut self, agent: AgentId) -> Option<u64> {
        (agent.0 != 2).then_some(5_000)
    }
}

fn step(place: u32, action: Action) -> Step {
    Step { place: WaypointId(place), action, duration: Micros::ZERO, gates: Vec::new() }
}

/// Two fresh readings of different origin that agree.
fn vitals() -> Gate {
    Gate::Consistent {
        key: "vitals".into(),
        sources: 2,
        max_age: seconds(30),
        spread_max: 5,
        at_least: Some(40),
        at_most: Some(120),
    }
}

/// Orders by shape: steps, who may, what they wait for.
fn order(id: u64, shape: u16, now: FleetTime) -> Order {
    let steps = match shape % 4 {
        0 => vec![step(0, Action::Attend)],
        1 => vec![step(0, Action::Load), step(2, Action::Unload)],
        2 => vec![
            step(1, Action::Attend),
            step(0, Action::Load),
            step(1, Action::Attend),
            step(2, Action::Unload),
        ],
        _ => vec![
            step(2, Action::Load),
            step(0, Action::Unload),
            step(1, Action::Load),
            step(2, Action::Unload),
        ],
    };
    let performers = match shape / 4 % 4 {
        0 | 1 => Performers::RobotsFirst,
        2 => Performers::RobotsOnly,
        _ => Performers::people(),
    };
    let rung =
        |performers: Performers, after, gates| Rung { whom: Whom::Agents(performers.into()), after, gates };
    let ladder = match shape / 16 % 4 {
        0 => vec![
            rung(Performers::RobotsOnly, Micros::ZERO, Vec::new()),
            rung(Performers::people(), seconds(20), vec![vitals()]),
            Rung { whom: Whom::Operator, after: seconds(30), gates: Vec::new() },
        ],
        1 => vec![rung(Performers::people(), seconds(5), vec![vitals()])],
        _ => Vec::new(),
    };
    let after = match shape / 64 % 4 {
        0 => id.checked_sub(1).into_iter().map(TaskId).collect(),
        _ => Vec::new(),
    };
    let crew = match shape / 256 % 8 {
        0 => vec![Performers::people().into()],
        1 => vec![Performers::RobotsOnly.into(), Performers::people().into()],
        _ => Vec::new(),
    };
    let on_cancel = match shape / 2_048 % 4 {
        0 => vec![step(1, Action::Attend), step(1, Action::Unload)],
        1 => vec![step(1, Action::Attend)],
        _ => Vec::new(),
    };
    // Who fetches a load could not treat rooms.
    let treats = shape / 8_192 % 2 == 0 && steps.len() == 1;
    let skills = if treats { BTreeSet::from([Skill("uv".into())]) } else { BTreeSet::new() };
    let not_before = (shape % 7 == 0).then(|| now + seconds(25));
    let deadline = (shape % 5 == 0).then(|| now + seconds(40));
    let priority = u8::from(shape % 3 == 0);
    let task =
        Task { id: TaskId(id), requested: now, deadline, priority, skills, performers, steps, ..visit() };
    Order { ladder, not_before, after, crew, on_cancel, ..Order::from(task) }
}

/// A message that is under way.
#[derive(Clone, Debug)]
enum Message {
    To(Effect),
    From(Event),
}

/// An agent in the world: what it believes, and what it has not been heard to have done.
#[derive(Clone, Debug, Default)]
struct Body {
    /// What it may act on, and until when.
    lease: Option<(StepToken, FleetTime)>,
    /// The highest award of each task that it must not act on any more.
    withdrawn: BTreeMap<TaskId, u32>,
    unreported: Vec<StepToken>,
    is_dead: bool,
}

/// The dispatcher, the world, and what is under way between them.
struct Trial {
    dispatcher: Dispatcher,
    policy: Box<dyn Policy>,
    now: FleetTime,
    at: [u32; AGENTS as usize],
    bodies: Vec<Body>,
    under_way: VecDeque<Message>,
    orders: BTreeMap<TaskId, Order>,
    over: BTreeMap<TaskId, bool>,
    /// Who has a task's load on board.
    load: BTreeMap<TaskId, u32>,
    /// Tasks whose load is fetched from somebody.
    fetched: BTreeSet<TaskId>,
    unwelcome: BTreeSet<TaskId>,
    readings: VecDeque<(String, i64, FleetTime)>,
    decisions: Vec<u64>,
    /// Steps that could not be done because the load was not there.
    missing: u32,
}

impl Trial {
    fn new(policy: u8) -> Self {
        let policy: Box<dyn Policy> = match policy % 3 {
            0 => Box::new(NearestAvailable),
            1 => Box::new(GreedyPairs),
            _ => Box::new(BatchOptimal::default()),
        };
        let mut trial = Self {
            dispatcher: Dispatcher::new(Arc::new(corridor()), PATIENCE),
            policy,
            now: FleetTime::ZERO,
            at: [0; AGENTS as usize],
            bodies: vec![Body::default(); AGENTS as usize],
            under_way: VecDeque::new(),
            orders: BTreeMap::new(),
            over: BTreeMap::new(),
            load: BTreeMap::new(),
            fetched: BTreeSet::new(),
            unwelcome: BTreeSet::new(),
            readings: VecDeque::new(),
            decisions: Vec::new(),
            missing: 0,
        };
        for agent in 0..AGENTS {
            trial.at[agent as usize] = agent % PLACES;
            trial.presence(agent, true);
        }
        trial
    }

    fn tell(&mut self, event: Event) -> Result<(), EventError> {
        self.dispatcher.handle(self.now, event)
    }

    fn presence(&mut self, agent: u32, takes_tasks: bool) {
        let at = WaypointId(self.at[agent as usize]);
        self.tell(Event::Agent { agent: AgentId(agent), kind: kind(agent), at, takes_tasks }).unwrap();
    }

    fn submit(&mut self, shape: u16) {
        let id = self.orders.len() as u64;
        let order = order(id, shape, self.now);
        match self.tell(Event::Submit(Box::new(order.clone()))) {
            Ok(()) => {
                // Once more is the same; another under its number is not.
                assert_eq!(self.tell(Event::Submit(Box::new(order.clone()))), Ok(()));
                self.orders.insert(TaskId(id), order);
            }
            Err(EventError::Order { error, .. }) => {
                assert_eq!(error.rule, ORD_002, "{error}");
                assert_eq!(self.over.get(&order.after[0]), Some(&false));
                let order = Order { after: Vec::new(), ..order };
                self.tell(Event::Submit(Box::new(order.clone()))).unwrap();
                self.orders.insert(TaskId(id), order);
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn decide(&mut self) {
        let mut places = Places(self.at);
        self.dispatcher.decide(self.now, &mut *self.policy, &mut places);
    }

    /// Takes the effects, checks what they say, and sends what is to be sent.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        while let Some(effect) = self.dispatcher.poll_effect() {
            match effect.clone() {
                Effect::Offer { decision, agent, token, .. } => {
                    self.decisions.push(decision);
                    self.check_offer(agent, token)?;
                    self.under_way.push_back(Message::To(effect));
                }
                Effect::Begin { .. }
                | Effect::Lease { .. }
                | Effect::Heard { .. }
                | Effect::Withdraw { .. } => {
                    self.under_way.push_back(Message::To(effect));
                }
                Effect::HandOver { task, .. } => {
                    self.fetched.insert(task);
                }
                Effect::Done { task, .. } => {
                    prop_assert_eq!(self.over.insert(task, true), None, "done twice");
                    prop_assert!(!self.load.contains_key(&task) || self.fetched.contains(&task));
                }
                Effect::Cancelled { task, decision } => {
                    prop_assert_eq!(self.over.insert(task, false), None);
                    self.decisions.extend(decision);
                    // Nothing stays on board, but for what nobody has told.
                    let told = self.load.get(&task).is_none_or(|agent| {
                        self.bodies[*agent as usize].unreported.iter().any(|token| token.task == task)
                    });
                    prop_assert!(told || self.fetched.contains(&task), "{} is left on board", task);
                }
                Effect::Noted { decision, .. } => self.decisions.push(decision),
                Effect::Withdrawn { .. }
                | Effect::Undone { .. }
                | Effect::Alarm { .. }
                | Effect::Due { .. }
                | Effect::Skipped { .. } => {}
            }
        }
        let open: BTreeSet<TaskId> = self.dispatcher.tasks.keys().copied().collect();
        for task in self.orders.keys() {
            let is_over = self.over.contains_key(task);
            prop_assert_ne!(is_over, open.contains(task), "{} is lost or there twice", task);
        }
        self.check_leases()?;
        audit(&self.dispatcher).map_err(TestCaseError::fail)
    }

    /// Never do two act on one task, but together.
    fn check_leases(&self) -> Result<(), TestCaseError> {
        let mut acting = BTreeMap::new();
        for body in self.bodies.iter().filter(|body| !body.is_dead) {
            if let Some((token, _)) = body.lease.filter(|(_, until)| self.now < *until) {
                let award = *acting.entry(token.task).or_insert(token.award);
                prop_assert_eq!(award, token.award, "two act on {}", token.task);
                let has_crew = self.orders[&token.task].crew.len();
                let actors = self.bodies.iter().filter(|other| {
                    !other.is_dead
                        && other.lease.is_some_and(|(of, until)| of.task == token.task && self.now < until)
                });
                prop_assert!(actors.count() <= 1 + has_crew, "two act on {}", token.task);
            }
        }
        Ok(())
    }

    /// An offer is made because of a rung that is due, to somebody who fits it, while its gate is open.
    fn check_offer(&self, agent: AgentId, token: StepToken) -> Result<(), TestCaseError> {
        let order = &self.orders[&token.task];
        let kind = kind(agent.0);
        let entry = &self.dispatcher.tasks[&token.task];
        prop_assert!(!entry.is_loaded(), "a load on board was offered to somebody else");
        prop_assert!(order.after.iter().all(|before| self.over.get(before) == Some(&true)));
        prop_assert!(order.not_before.is_none_or(|at| at <= self.now));
        if self.fetched.contains(&token.task) || self.unwelcome.contains(&token.task) {
            prop_assert!(kind.is_person() || !entry.order.crew.is_empty());
        }
        if entry.leader() != Some(agent) || order.ladder.is_empty() {
            return Ok(());
        }
        let waited = self.now.since(order.task.requested).unwrap_or_default();
        let mut after = Micros::ZERO;
        let taken_over = self.fetched.contains(&token.task) || self.unwelcome.contains(&token.task);
        let justified = order.ladder.iter().any(|rung| {
            after = after.saturating_add(rung.after);
            let Whom::Agents(seat) = &rung.whom else { return false };
            let fits = seat.performers.allow(kind);
            fits && (after <= waited || taken_over) && (rung.gates.is_empty() || self.are_vitals_good())
        });
        // Who fetches a load from a robot is found even if the ladder names only robots.
        let only_robots = order.ladder.iter().all(|rung| match &rung.whom {
            Whom::Agents(seat) => seat.performers == Performers::RobotsOnly,
            Whom::Operator => true,
        });
        prop_assert!(
            justified || (taken_over && only_robots),
            "no rung lets {} be asked for {}",
            agent,
            token.task
        );
        Ok(())
    }

    /// What the gate of [`vitals`] asks for, plainly.
    fn are_vitals_good(&self) -> bool {
        let fresh = |(_, _, taken): &&(String, i64, FleetTime)| {
            self.now.since(*taken).is_some_and(|age| age <= seconds(30))
        };
        let fresh: Vec<_> = self.readings.iter().filter(fresh).collect();
        let origins: BTreeSet<_> = fresh.iter().map(|(source, _, taken)| (source, taken)).collect();
        let values: Vec<i64> = fresh.iter().map(|(_, value, _)| *value).collect();
        2 <= origins.len()
            && values.iter().max().unwrap() - values.iter().min().unwrap() <= 5
            && values.iter().all(|value| (40..=120).contains(value))
    }

    fn fact(&mut self, source: u8, value: i64) {
        let source = format!("device-{}", source % 3);
        let fact = Fact { key: "vitals".into(), source: source.clone(), value, age: Micros::ZERO };
        self.tell(Event::Fact(fact)).unwrap();
        let reading = (source, value, self.now);
        if !self.readings.contains(&reading) {
            if self.readings.len() == crate::READINGS_PER_KEY {
                self.readings.pop_front();
            }
            self.readings.push_back(reading);
        }
    }

    /// A message arrives. Agents do what the module's documentation asks of them.
    fn arrive(&mut self, message: Message, mood: u8) {
        match message {
            Message::From(event) => drop(self.tell(event)),
            Message::To(effect) => self.hear(&effect, mood),
        }
    }

    fn hear(&mut self, effect: &Effect, mood: u8) {
        let (agent, token) = match effect {
            Effect::Offer { agent, token, .. }
            | Effect::Begin { agent, token, .. }
            | Effect::Lease { agent, token, .. }
            | Effect::Heard { agent, token }
            | Effect::Withdraw { agent, token } => (*agent, *token),
            _ => return,
        };
        let body = &mut self.bodies[agent.0 as usize];
        if body.is_dead {
            return;
        }
        let is_over = body.withdrawn.get(&token.task).is_some_and(|award| token.award <= *award);
        match effect {
            Effect::Offer { .. } if mood % 8 != 0 => {
                let answer = Event::Answer { agent, token, accepted: mood % 8 != 1 };
                self.under_way.push_back(Message::From(answer));
            }
            Effect::Begin { until, .. } | Effect::Lease { until, .. } if !is_over => {
                let is_older = body.lease.is_some_and(|(known, _)| {
                    known.task == token.task && (token.award, token.step) < (known.award, known.step)
                });
                if !is_older {
                    let longest = body
                        .lease
                        .filter(|(known, _)| known.task == token.task && known.award == token.award);
                    let until = longest.map_or(*until, |(_, known)| known.max(*until));
                    body.lease = Some((token, until));
                }
            }
            Effect::Heard { .. } => {
                body.unreported.retain(|done| {
                    (done.task, done.award) != (token.task, token.award) || token.step < done.step
                });
            }
            Effect::Withdraw { .. } => {
                let withdrawn = body.withdrawn.entry(token.task).or_default();
                *withdrawn = token.award.max(*withdrawn);
                let withdrawn = *withdrawn;
                body.lease.take_if(|(known, _)| known.task == token.task && known.award <= withdrawn);
                self.under_way.push_back(Message::From(Event::Released { agent, token }));
            }
            _ => {}
        }
    }

    /// An agent does its next step, if it may.
    fn act(&mut self, agent: u32) {
        let body = &self.bodies[agent as usize];
        let Some((token, until)) = body.lease.filter(|_| !body.is_dead) else { return };
        let Some(entry) = self.dispatcher.tasks.get(&token.task).filter(|_| self.now < until) else { return };
        // It was told the steps with the award; those of a later one it does not know.
        if entry.awards != token.award || entry.leader() != Some(AgentId(agent)) {
            return;
        }
        let Some(next) = entry.order.task.steps.get(token.step as usize).cloned() else { return };
        let task = token.task;
        self.at[agent as usize] = next.place.0;
        let holder = self.load.get(&task).copied();
        let can = match next.action {
            Action::Attend => true,
            Action::Load => holder.is_none_or(|holder| holder == agent || self.fetched.contains(&task)),
            Action::Unload => holder == Some(agent) || self.fetched.contains(&task),
        };
        let body = &mut self.bodies[agent as usize];
        if !can {
            self.missing += 1;
            body.lease = None;
            body.withdrawn.insert(task, token.award);
            self.under_way.push_back(Message::From(Event::Failed { agent: AgentId(agent), token }));
            return;
        }
        match next.action {
            Action::Attend => {}
            Action::Load => drop(self.load.insert(task, agent)),
            Action::Unload => drop(self.load.remove(&task)),
        }
        body.unreported.push(token);
        body.lease = Some((StepToken { step: token.step + 1, ..token }, until));
        let done = Event::StepDone { agent: AgentId(agent), token };
        self.under_way.push_back(Message::From(done));
    }

    fn beat(&mut self, agent: u32) {
        let body = &self.bodies[agent as usize];
        if body.is_dead {
            return;
        }
        let id = AgentId(agent);
        let at = WaypointId(self.at[agent as usize]);
        self.under_way.push_back(Message::From(Event::Alive { agent: id, at }));
        let again = body.unreported.iter().map(|token| Event::StepDone { agent: id, token: *token });
        self.under_way.extend(again.map(Message::From));
    }

    fn crash(&mut self, agent: u32) {
        let body = &mut self.bodies[agent as usize];
        let untold: Vec<TaskId> = body.unreported.iter().map(|token| token.task).collect();
        *body = Body { is_dead: true, withdrawn: std::mem::take(&mut body.withdrawn), ..Body::default() };
        // Whoever carries it away puts back what nobody was told of.
        self.load.retain(|task, holder| *holder != agent || !untold.contains(task));
        let at = WaypointId(self.at[agent as usize]);
        self.tell(Event::Lost { agent: AgentId(agent), at }).unwrap();
        // A start of its software later, nothing counts that was said to it or by it before.
        self.under_way.retain(|message| of_agent(message) != Some(AgentId(agent)));
    }

    fn revive(&mut self, agent: u32) {
        self.bodies[agent as usize].is_dead = false;
        self.presence(agent, true);
    }

    fn pass(&mut self, span: Micros) {
        self.now = self.now + span;
        self.dispatcher.handle_timeout(self.now);
    }

    fn task(&self, pick: u16) -> TaskId {
        TaskId(u64::from(pick) % self.orders.len().max(1) as u64)
    }

    fn operate(&mut self, what: u8, pick: u16) {
        let (task, agent) = (self.task(pick), AgentId(u32::from(pick / 7) % AGENTS));
        let result = match what % 8 {
            0 => self.tell(Event::Cancel(task)),
            1 => self.tell(Event::Pin { task, agent: Some(agent) }),
            2 => self.tell(Event::Pin { task, agent: None }),
            3 => self.tell(Event::Forbid { task, agent, forbidden: pick % 2 == 0 }),
            4 => self.tell(Event::Change { task, priority: 2, deadline: None }),
            5 => {
                let result = self.tell(Event::RobotUnwelcome(task));
                if result.is_ok() {
                    self.unwelcome.insert(task);
                }
                result
            }
            _ => {
                let picked = usize::from(pick) % self.decisions.len().max(1);
                match self.decisions.get(picked).copied() {
                    Some(decision) => {
                        let before: Vec<TaskId> = self.over.keys().copied().collect();
                        let result = self.tell(Event::Undo(decision));
                        if result.is_ok() {
                            // A task that was cancelled may be there again.
                            for task in before {
                                if self.dispatcher.tasks.contains_key(&task) {
                                    self.over.remove(&task);
                                }
                            }
                        }
                        result
                    }
                    None => Ok(()),
                }
            }
        };
        if let Err(error) = result {
            assert!(
                matches!(
                    error,
                    EventError::NotOpen { .. } | EventError::Undo { .. } | EventError::Loaded { .. }
                ),
                "{error}"
            );
        }
    }

    fn play(&mut self, act: Act) -> Result<(), TestCaseError> {
        match act {
            Act::Submit(shape) => self.submit(shape),
            Act::Pass(seconds_) => self.pass(seconds(seconds_.into())),
            Act::Radio { pick, fate, mood } => {
                if !self.under_way.is_empty() {
                    let index = usize::from(pick) % self.under_way.len().min(6);
                    let message = self.under_way.remove(index).unwrap();
                    match fate % 8 {
                        0 => {}
                        1 => {
                            self.under_way.push_back(message.clone());
                            self.arrive(message, mood);
                        }
                        _ => self.arrive(message, mood),
                    }
                }
            }
            Act::Work(agent) => self.act(u32::from(agent) % AGENTS),
            Act::Beat(agent) => self.beat(u32::from(agent) % AGENTS),
            Act::Decide => self.decide(),
            Act::Fact(source, value) => self.fact(source, i64::from(value) * 3 + 30),
            Act::Presence(agent, takes) => {
                let agent = u32::from(agent) % AGENTS;
                if !self.bodies[agent as usize].is_dead {
                    self.presence(agent, takes);
                }
            }
            Act::Crash(agent) => self.crash(u32::from(agent) % AGENTS),
            Act::Revive(agent) => self.revive(u32::from(agent) % AGENTS),
            Act::Operate(what, pick) => self.operate(what, pick),
        }
        self.settle()
    }

    /// From now on everything works and everybody is willing: nothing may be left.
    fn heal(&mut self) -> Result<(), TestCaseError> {
        (0..AGENTS).for_each(|agent| self.revive(agent));
        for task in self.dispatcher.tasks.keys().copied().collect::<Vec<_>>() {
            self.tell(Event::Pin { task, agent: None }).unwrap();
            for agent in 0..AGENTS {
                self.tell(Event::Forbid { task, agent: AgentId(agent), forbidden: false }).unwrap();
            }
        }
        // What can never be done is not wanted: its predecessor was cancelled, or nobody may do it.
        let hopeless = |(task, order): (&TaskId, &Order)| {
            let is_blocked = order.after.iter().any(|before| self.over.get(before) == Some(&false));
            let is_for_uv = !order.task.skills.is_empty();
            (is_blocked || is_for_uv).then_some(*task)
        };
        let hopeless: Vec<TaskId> = self.orders.iter().filter_map(hopeless).collect();
        for task in hopeless {
            if self.dispatcher.tasks.contains_key(&task) {
                self.tell(Event::Cancel(task)).unwrap();
            }
        }
        self.settle()?;
        for round in 0..2_000_u32 {
            if self.dispatcher.is_empty() {
                return Ok(());
            }
            for agent in 0..AGENTS {
                self.beat(agent);
                self.act(agent);
            }
            if round % 10 == 0 {
                self.fact(0, 80);
                self.fact(1, 81);
                // Whoever waits for one that was cancelled in the meantime waits for ever.
                let waits: Vec<TaskId> = self
                    .orders
                    .iter()
                    .filter(|(task, order)| {
                        self.dispatcher.tasks.contains_key(task)
                            && order.after.iter().any(|before| self.over.get(before) == Some(&false))
                    })
                    .map(|(task, _)| *task)
                    .collect();
                for task in waits {
                    self.tell(Event::Cancel(task)).unwrap();
                }
            }
            self.decide();
            self.settle()?;
            while let Some(message) = self.under_way.pop_front() {
                self.arrive(message, 7);
                self.settle()?;
            }
            self.pass(seconds(1));
            self.settle()?;
        }
        let left: Vec<_> = self.dispatcher.tasks.values().collect();
        Err(TestCaseError::fail(format!("never done: {left:?}")))
    }
}

/// Who speaks or is spoken to.
fn of_agent(message: &Message) -> Option<AgentId> {
    match message {
        Message::To(
            Effect::Offer { agent, .. }
            | Effect::Begin { agent, .. }
            | Effect::Lease { agent, .. }
            | Effect::Heard { agent, .. }
            | Effect::Withdraw { agent, .. },
        )
        | Message::From(
            Event::Alive { agent, .. }
            | Event::Answer { agent, .. }
            | Event::StepDone { agent, .. }
            | Event::Failed { agent, .. }
            | Event::Released { agent, .. },
        ) => Some(*agent),
        _ => None,
    }
}

/// What the parts of a dispatcher say about each other.
fn audit(dispatcher: &Dispatcher) -> Result<(), String> {
    let mut has = BTreeMap::new();
    for (id, entry) in &dispatcher.tasks {
        for taken in entry.taken() {
            if let Some(other) = has.insert(taken.agent, *id) {
                return Err(format!("{} has {id} and {other}", taken.agent));
            }
        }
        if (entry.phase == Phase::Open) != (dispatcher.open.get(&entry.number) == Some(id)) {
            return Err(format!("{id} is {:?} and the list of open tasks says otherwise", entry.phase));
        }
        if entry.wake.is_some_and(|at| !dispatcher.wakes.contains(&(at, Waking::Task(*id)))) {
            return Err(format!("nobody wakes {id}"));
        }
        // A lease that has become longer is looked at when it would have lapsed.
        let next = entry.next_wake(dispatcher.now, &dispatcher.patience);
        if next.is_some_and(|next| entry.wake.is_none_or(|at| next < at)) {
            return Err(format!("{id} wakes at {:?}, not at {next:?}", entry.wake));
        }
        if matches!(entry.phase, Phase::Offered(_)) && entry.is_loaded() {
            return Err(format!("{id} is offered with its load on board"));
        }
    }
    let wakes = dispatcher.tasks.values().filter(|entry| entry.wake.is_some()).count();
    let tasks = dispatcher.wakes.iter().filter(|(_, what)| matches!(what, Waking::Task(_))).count();
    if wakes != tasks {
        return Err(format!("{tasks} timers for {wakes} tasks"));
    }
    for (id, member) in &dispatcher.agents {
        if member.job != has.get(id).copied() {
            return Err(format!("{id} has {:?}, the tasks say {:?}", member.job, has.get(id)));
        }
        if member.is_free() != dispatcher.free.contains(id) {
            return Err(format!("{id} is in the list of the free wrongly"));
        }
        for task in &member.waits_for_fetch {
            let fetch = dispatcher.tasks.get(task).and_then(|entry| entry.fetch.as_ref());
            if fetch.is_none_or(|fetch| fetch.from != *id) {
                return Err(format!("{id} waits for ever with the load of {task}"));
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Submit(u16),
    Pass(u8),
    Radio { pick: u8, fate: u8, mood: u8 },
    Work(u8),
    Beat(u8),
    Decide,
    Fact(u8, u8),
    Presence(u8, bool),
    Crash(u8),
    Revive(u8),
    Operate(u8, u16),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let radio = (any::<u8>(), any::<u8>(), any::<u8>());
    let act = prop_oneof![
        4 => any::<u16>().prop_map(Act::Submit),
        6 => (0_u8..15).prop_map(Act::Pass),
        24 => radio.prop_map(|(pick, fate, mood)| Act::Radio { pick, fate, mood }),
        12 => (0_u8..6).prop_map(Act::Work),
        8 => (0_u8..6).prop_map(Act::Beat),
        8 => Just(Act::Decide),
        3 => (0_u8..3, 14_u8..32).prop_map(|(source, value)| Act::Fact(source, value)),
        1 => (0_u8..6, any::<bool>()).prop_map(|(agent, takes)| Act::Presence(agent, takes)),
        1 => (0_u8..6).prop_map(Act::Crash),
        1 => (0_u8..6).prop_map(Act::Revive),
        3 => (any::<u8>(), any::<u16>()).prop_map(|(what, pick)| Act::Operate(what, pick)),
    ];
    prop::collection::vec(act, 0..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is lost, doubled, late or reordered: each task is in one place, nobody acts on what another may act on, a load
    /// on board is not offered away, no rung is climbed before its time and gate; and when all is well again, all is done.
    #[test]
    fn nothing_is_lost_and_nothing_is_done_by_two(policy in 0_u8..3, acts in acts()) {
        let mut trial = Trial::new(policy);
        for act in acts {
            trial.play(act)?;
        }
        trial.heal()?;
    }
}
