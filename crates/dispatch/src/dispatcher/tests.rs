//! Random histories of a fleet whose radio loses, doubles, delays and reorders, and whose agents decline, fail, fall silent and
//! die; played against a world in which a load is in one place.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for some effects")]

mod promises;

use std::collections::VecDeque;

use proptest::prelude::*;
use sheepdog_core::{
    Micros, RuleId,
    wire::{Action, Fact, StepToken},
};

use super::*;
use crate::{
    AgentKind, Gate, Performers, Refusal, Skill, Step,
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
    look_again: Micros::from_secs(10),
    gain: Micros::from_secs(20),
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

/// Whether a call means an agent.
fn fits(agent: u32, call: &Call<'_>) -> bool {
    let means = |seat: &&Seat| seat.performers.allow(kind(agent)) && has_skills(agent, &seat.skills);
    has_skills(agent, &call.task.skills) && call.seats.iter().any(means)
}

fn seconds(seconds: u64) -> Micros {
    Micros::from_secs(seconds)
}

/// Where everybody is; ten seconds from place to place.
struct Places([u32; AGENTS as usize]);

impl Scout for Places {
    fn nearest(&mut self, call: &Call<'_>, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let place = call.task.steps[call.step].place.0;
        let arrival =
            |agent: u32| Arrival { at_ms: u64::from(self.0[agent as usize].abs_diff(place)) * 10_000, agent };
        let mut all: Vec<Arrival> = (0..AGENTS).filter(|agent| fits(*agent, call)).map(arrival).collect();
        all.sort_unstable();
        let next = all.get(most).map(|arrival| arrival.at_ms);
        found.extend(all.into_iter().take(most));
        next
    }

    fn refuses(&mut self, agent: AgentId, call: &Call<'_>) -> Option<Refusal> {
        (!fits(agent.0, call)).then(|| Refusal::unknown(agent))
    }

    fn free_ms(&mut self, agent: AgentId) -> Option<u64> {
        (agent.0 != 2).then_some(5_000)
    }

    fn arrives_ms(&mut self, agent: AgentId, call: &Call<'_>) -> Option<u64> {
        let place = call.task.steps[call.step].place.0;
        Some(u64::from(self.0[agent.0 as usize].abs_diff(place)) * 10_000)
    }
}

fn step(place: u32, action: Action) -> Step {
    Step { place: WaypointId(place), action, duration: Micros::ZERO, gates: Vec::new() }
}

/// Fresh readings of two devices that agree.
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
    let treats = (shape / 8_192).is_multiple_of(2) && steps.len() == 1;
    let skills = if treats { BTreeSet::from([Skill("uv".into())]) } else { BTreeSet::new() };
    let not_before = shape.is_multiple_of(7).then(|| now + seconds(25));
    let deadline = shape.is_multiple_of(5).then(|| now + seconds(40));
    let priority = u8::from(shape.is_multiple_of(3));
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
    asks_the_nearest: bool,
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
    readings: Vec<(String, i64, FleetTime)>,
    decisions: Vec<u64>,
    /// Who was ever offered which award.
    offered: BTreeSet<(AgentId, TaskId, u32)>,
    /// What whoever begins an award is told: the steps, and who does them.
    told: BTreeMap<(TaskId, u32), (Vec<Step>, Option<AgentId>)>,
    log: Vec<(FleetTime, Logged)>,
}

/// What a dispatcher was told or let do.
#[derive(Clone, Debug)]
enum Logged {
    Told(Event),
    Passed,
    Decided([u32; AGENTS as usize]),
}

impl Trial {
    fn new(policy: u8) -> Self {
        let asks_the_nearest = policy.is_multiple_of(3);
        let policy: Box<dyn Policy> = match policy % 3 {
            0 => Box::new(NearestAvailable),
            1 => Box::new(GreedyPairs),
            _ => Box::new(BatchOptimal::default()),
        };
        let mut trial = Self {
            dispatcher: Dispatcher::new(Arc::new(corridor()), PATIENCE),
            policy,
            asks_the_nearest,
            now: FleetTime::ZERO,
            at: [0; AGENTS as usize],
            bodies: vec![Body::default(); AGENTS as usize],
            under_way: VecDeque::new(),
            orders: BTreeMap::new(),
            over: BTreeMap::new(),
            load: BTreeMap::new(),
            fetched: BTreeSet::new(),
            unwelcome: BTreeSet::new(),
            readings: Vec::new(),
            decisions: Vec::new(),
            offered: BTreeSet::new(),
            told: BTreeMap::new(),
            log: Vec::new(),
        };
        for agent in 0..AGENTS {
            trial.at[agent as usize] = agent % PLACES;
            trial.presence(agent, true);
        }
        trial
    }

    fn tell(&mut self, event: Event) -> Result<(), EventError> {
        self.log.push((self.now, Logged::Told(event.clone())));
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

    /// Whoever is asked had nothing against it, and where the nearest is asked, nobody is left out without a reason.
    fn decide(&mut self) {
        let mut places = Places(self.at);
        self.log.push((self.now, Logged::Decided(self.at)));
        self.dispatcher.handle_timeout(self.now);
        let before = self.dispatcher.clone();
        self.dispatcher.decide(self.now, &mut *self.policy, &mut places);
        for effect in self.dispatcher.effects.range(before.effects.len()..) {
            if let Effect::Offer { agent, token, .. } = effect {
                let against = before.why_not(token.task, *agent, &mut places);
                assert_eq!(against.filter(|against| !matches!(against, Obstacle::Kept { .. })), None);
            }
        }
        // Whoever is to make room for somebody sooner is looked at again.
        if !before.is_due || self.dispatcher.is_due || !self.asks_the_nearest {
            return;
        }
        for (task, entry) in &self.dispatcher.tasks {
            let is_single = entry.order.crew.is_empty();
            for agent in (0..AGENTS).map(AgentId).filter(|_| is_single && entry.phase == Phase::Open) {
                let against = self.dispatcher.why_not(*task, agent, &mut places);
                assert!(against.is_some(), "{agent} could have had {task}");
            }
        }
    }

    /// Takes the effects, checks what they say, and sends what is to be sent.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        while let Some(effect) = self.dispatcher.poll_effect() {
            match effect.clone() {
                Effect::Offer { decision, agent, token, .. } => {
                    self.decisions.push(decision);
                    self.offered.insert((agent, token.task, token.award));
                    self.check_offer(agent, token)?;
                    self.under_way.push_back(Message::To(effect));
                }
                Effect::Begin { agent, token, .. } => {
                    self.offered.insert((agent, token.task, token.award));
                    if let Some(entry) = self.dispatcher.tasks.get(&token.task) {
                        let steps = entry.order.task.steps.clone();
                        self.told.entry((token.task, token.award)).or_insert((steps, entry.leader()));
                    }
                    self.under_way.push_back(Message::To(effect));
                }
                Effect::Lease { .. } | Effect::Heard { .. } | Effect::Withdraw { .. } => {
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
                Effect::Reopened { task } => {
                    prop_assert_eq!(self.over.remove(&task), Some(false));
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
        // Whoever had a load may have been heard again: then robots may do the rest.
        if !entry.fetches.is_empty() || self.unwelcome.contains(&token.task) {
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
        let devices = ["device-0", "device-1", "device-2"];
        let fresh: Vec<_> =
            devices.into_iter().flat_map(|source| self.last_two(source)).filter(fresh).collect();
        let origins: BTreeSet<_> = fresh.iter().map(|(source, ..)| source).collect();
        let values: Vec<i64> = fresh.iter().map(|(_, value, _)| *value).collect();
        2 <= origins.len()
            && values.iter().max().unwrap() - values.iter().min().unwrap() <= 5
            && values.iter().all(|value| (40..=120).contains(value))
    }

    fn last_two(&self, source: &str) -> Vec<&(String, i64, FleetTime)> {
        self.readings.iter().rev().filter(|reading| reading.0 == source).take(2).collect()
    }

    fn fact(&mut self, source: u8, value: i64) {
        let source = format!("device-{}", source % 3);
        let fact = Fact { key: "vitals".into(), source: source.clone(), value, age: Micros::ZERO };
        self.tell(Event::Fact(fact)).unwrap();
        let reading = (source, value, self.now);
        if !self.last_two(&reading.0).contains(&&reading) {
            self.readings.push(reading);
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
            Effect::Offer { .. } if !mood.is_multiple_of(8) => {
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
        // It knows what it was told with the award, and goes on until it hears otherwise or its lease has lapsed.
        let Some((steps, leader)) = self.told.get(&(token.task, token.award)) else { return };
        if until <= self.now || *leader != Some(AgentId(agent)) {
            return;
        }
        let Some(next) = steps.get(token.step as usize).cloned() else { return };
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
        let on = body.lease.map(|(token, _)| token);
        self.under_way.push_back(Message::From(Event::Alive { agent: id, at, on }));
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
        self.log.push((self.now, Logged::Passed));
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
            3 => self.tell(Event::Forbid { task, agent, forbidden: pick.is_multiple_of(2) }),
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
                    EventError::NotOpen { .. }
                        | EventError::Undo { .. }
                        | EventError::Loaded { .. }
                        | EventError::Agent { .. }
                ),
                "{error}"
            );
        }
    }

    /// Somebody speaks of an award that it never had: nothing changes.
    fn stray(&mut self, agent: AgentId, pick: u16, step: u8) -> Result<(), TestCaseError> {
        let task = self.task(pick);
        let essence = |trial: &Self| {
            let entry = trial.dispatcher.tasks.get(&task)?;
            Some((entry.awards, entry.step, entry.phase.clone(), entry.on_board.clone()))
        };
        let before = essence(self);
        let award = u32::from(pick / 16) % (before.as_ref().map_or(0, |before| before.0) + 2);
        if !self.offered.contains(&(agent, task, award)) {
            let token = StepToken { task, award, step: step.into() };
            for event in [
                Event::StepDone { agent, token },
                Event::Answer { agent, token, accepted: true },
                Event::Answer { agent, token, accepted: false },
                Event::Failed { agent, token },
            ] {
                self.tell(event).unwrap();
                prop_assert_eq!(&essence(self), &before);
            }
        }
        Ok(())
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
            Act::Stray(agent, pick, step) => self.stray(AgentId(u32::from(agent) % AGENTS), pick, step)?,
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
            if round.is_multiple_of(10) {
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
            let entry = dispatcher.tasks.get(task);
            if !entry.is_some_and(|entry| entry.fetches.iter().any(|fetch| fetch.from == *id)) {
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
    Stray(u8, u16, u8),
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
        2 => (0_u8..6, any::<u16>(), 0_u8..4).prop_map(|(agent, pick, step)| Act::Stray(agent, pick, step)),
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

/// All that a dispatcher knows.
fn knowledge(dispatcher: &Dispatcher) -> String {
    // All but the site, the patience, the numbers given out and what has been said.
    let Dispatcher { tasks, open, agents, free, decisions, kept, wakes, done, cancelled, .. } = dispatcher;
    let Dispatcher { successors, gathering, schedules, facts, kept_order, is_due, now, .. } = dispatcher;
    let tasks = (tasks, open, successors, gathering, schedules, kept, kept_order, done, cancelled);
    format!("{:?}", (tasks, agents, free, facts, decisions, wakes, is_due, now))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The log, played again, leads to the same; and so it does when everything is told twice.
    #[test]
    fn a_log_replays_and_what_is_told_twice_counts_once(policy in 0_u8..3, acts in acts()) {
        let mut trial = Trial::new(policy);
        for act in acts {
            trial.play(act)?;
        }
        for times in 1..=2 {
            let mut again = Trial::new(policy);
            again.dispatcher = Dispatcher::new(Arc::new(corridor()), PATIENCE);
            for (now, logged) in &trial.log {
                match logged {
                    Logged::Told(event) => (0..times).for_each(|_| drop(again.dispatcher.handle(*now, event.clone()))),
                    Logged::Passed => again.dispatcher.handle_timeout(*now),
                    Logged::Decided(at) => again.dispatcher.decide(*now, &mut *again.policy, &mut Places(*at)),
                }
                let told = again.dispatcher.effects.len();
                again.dispatcher.effects.drain(..told);
            }
            prop_assert_eq!(knowledge(&again.dispatcher), knowledge(&trial.dispatcher), "told {} times", times);
        }
    }
}

/// A dispatcher with the agents of the trial, and what it has said since it was asked last.
struct Desk(Trial);

impl Desk {
    fn new() -> Self {
        Self(Trial::new(0))
    }

    fn submit(&mut self, order: Order) -> TaskId {
        let task = order.task.id;
        self.0.tell(Event::Submit(Box::new(order))).unwrap();
        task
    }

    fn said(&mut self) -> Vec<Effect> {
        self.0.decide();
        std::iter::from_fn(|| self.0.dispatcher.poll_effect()).collect()
    }

    /// Who was offered what since.
    fn offered(&mut self) -> Vec<(AgentId, StepToken)> {
        let offer = |effect| match effect {
            Effect::Offer { agent, token, .. } => Some((agent, token)),
            _ => None,
        };
        self.said().into_iter().filter_map(offer).collect()
    }

    fn accept(&mut self, offers: &[(AgentId, StepToken)]) {
        for (agent, token) in offers {
            self.0.tell(Event::Answer { agent: *agent, token: *token, accepted: true }).unwrap();
        }
    }

    fn done(&mut self, agent: AgentId, token: StepToken) {
        self.0.tell(Event::StepDone { agent, token }).unwrap();
    }

    fn status(&self, task: TaskId) -> Option<Status> {
        self.0.dispatcher.status(task)
    }
}

fn errand(id: u64) -> Order {
    let steps = vec![step(0, Action::Load), step(2, Action::Unload)];
    Order::from(Task { id: TaskId(id), steps, ..visit() })
}

fn people(order: Order) -> Order {
    let task = Task { performers: Performers::people(), ..order.task };
    Order { task, ..order }
}

impl Ways for Places {
    fn travel_ms(&mut self, _: AgentId, from: WaypointId, to: WaypointId) -> Option<u64> {
        Some(u64::from(from.0.abs_diff(to.0)) * 10_000)
    }

    fn fits(&mut self, agent: AgentId, call: &Call<'_>) -> bool {
        call.seats
            .iter()
            .any(|seat| seat.performers.allow(kind(agent.0)) && has_skills(agent.0, &seat.skills))
            && has_skills(agent.0, &call.task.skills)
    }
}

/// Lets one robot work without a fault until nothing is left; when each task was done.
fn work_off(trial: &mut Trial) -> BTreeMap<TaskId, FleetTime> {
    let mut done = BTreeMap::new();
    for agent in 1..AGENTS {
        trial.presence(agent, false);
    }
    let robot = AgentId(0);
    while !trial.dispatcher.is_empty() {
        trial.decide();
        let mut offer = None;
        while let Some(effect) = trial.dispatcher.poll_effect() {
            if let Effect::Offer { token, .. } = effect {
                offer = Some(token);
            }
        }
        let Some(token) = offer else {
            let next = trial.dispatcher.poll_timeout().expect("something will happen");
            trial.now = next;
            trial.dispatcher.handle_timeout(next);
            continue;
        };
        trial.tell(Event::Answer { agent: robot, token, accepted: true }).unwrap();
        for (number, step) in (0..).zip(trial.orders[&token.task].task.steps.clone()) {
            let way = u64::from(trial.at[0].abs_diff(step.place.0)) * 10_000;
            let arrives = trial.now + Micros::from_millis(way) + step.duration;
            while trial.now < arrives {
                trial.now = arrives.min(trial.now + seconds(5));
                trial
                    .tell(Event::Alive { agent: robot, at: WaypointId(trial.at[0]), on: Some(token) })
                    .unwrap();
            }
            trial.at[0] = step.place.0;
            trial.tell(Event::StepDone { agent: robot, token: StepToken { step: number, ..token } }).unwrap();
        }
        trial.tell(Event::Alive { agent: robot, at: WaypointId(trial.at[0]), on: Some(token) }).unwrap();
        done.insert(token.task, trial.now);
    }
    done
}

proptest! {
    /// For one robot that is never disturbed, what is foreseen is what comes.
    #[test]
    fn what_is_foreseen_comes(shapes in prop::collection::vec((0_u16..4, 0_u64..90, 0_u8..3, any::<bool>()), 1..12), new in 0_usize..12) {
        let order = |(id, (shape, within, priority, waits)): (u64, &(u16, u64, u8, bool))| {
            // Steps of every kind, for robots, of one class.
            let order = order(id, shape + 8 + 32 + 64 + 512 + 8_192 + 4_096, FleetTime::ZERO);
            let mut task = Task { priority: *priority, deadline: Some(FleetTime::ZERO + seconds(*within)), ..order.task };
            (0..).zip(&mut task.steps).for_each(|(number, step)| step.duration = seconds(number));
            let after = if *waits { id.checked_sub(1).map(TaskId).into_iter().collect() } else { Vec::new() };
            Order { after, ..Order::from(task) }
        };
        let orders: Vec<Order> = (0..).zip(&shapes).map(order).collect();
        let new = new.min(orders.len());
        let mut trial = Trial::new(0);
        for agent in 1..AGENTS {
            trial.presence(agent, false);
        }
        let (known, asked) = orders.split_at(orders.len() - new);
        for order in known {
            trial.tell(Event::Submit(Box::new(order.clone()))).unwrap();
            trial.orders.insert(order.task.id, order.clone());
        }
        let mut alone = Trial { dispatcher: trial.dispatcher.clone(), orders: trial.orders.clone(), ..Trial::new(0) };
        let foreseen = trial.dispatcher.what_if(asked, &mut Places(trial.at)).unwrap();
        for order in asked {
            trial.tell(Event::Submit(Box::new(order.clone()))).unwrap();
            trial.orders.insert(order.task.id, order.clone());
        }
        prop_assert_eq!(foreseen.len(), orders.len());
        let (done, without) = (work_off(&mut trial), work_off(&mut alone));
        for one in foreseen {
            prop_assert_eq!(one.agent, Some(AgentId(0)));
            prop_assert_eq!(one.done, Some(done[&one.task]), "{}", one.task);
            prop_assert_eq!(one.done_without, without.get(&one.task).copied());
            let deadline = trial.orders[&one.task].task.deadline.unwrap();
            prop_assert_eq!(one.late, done[&one.task].since(deadline).unwrap_or_default());
        }
    }
}

#[test]
fn robots_are_asked_first_then_people_then_the_operator() {
    let mut desk = Desk::new();
    for robot in 0..ROBOTS {
        desk.0.presence(robot, false);
    }
    let task = desk.submit(errand(1));
    assert!(desk.offered().is_empty());
    desk.0.pass(Micros::new(59_999_999));
    assert!(desk.offered().is_empty(), "a robot may still come");
    desk.0.pass(Micros::new(1));
    let offers = desk.offered();
    assert_eq!(offers.len(), 1);
    // Nobody answers, in turn.
    let mut asked = BTreeSet::from([offers[0].0]);
    for _ in 0..2 {
        desk.0.pass(PATIENCE.offer);
        asked.extend(desk.offered().iter().map(|(agent, _)| *agent));
    }
    assert_eq!(asked, (ROBOTS..AGENTS).map(AgentId).collect(), "nobody is asked again before the others");
    let is_alarm = |effect: &Effect| *effect == Effect::Alarm { task, alarm: Alarm::Nobody };
    let alarm_at = PATIENCE.people_after.saturating_add(PATIENCE.alarm);
    desk.0.pass(Micros::new(alarm_at.as_micros() - desk.0.now.as_micros() - 1));
    assert!(!desk.said().iter().any(is_alarm));
    desk.0.pass(Micros::new(1));
    assert!(desk.said().iter().any(is_alarm));
    // And again, until somebody takes it.
    desk.0.pass(PATIENCE.alarm);
    let said = desk.said();
    assert!(said.iter().any(is_alarm));
    desk.0.presence(0, true);
    desk.0.pass(PATIENCE.offer);
    assert_eq!(desk.offered().first().map(|(agent, _)| *agent), Some(AgentId(0)));
}

#[test]
fn a_rung_waits_for_its_gate_and_the_operator_does_not() {
    let mut desk = Desk::new();
    let rung = |whom, after, gates| Rung { whom, after: seconds(after), gates };
    let ladder = vec![
        rung(Whom::Agents(Performers::people().into()), 0, vec![vitals()]),
        rung(Whom::Operator, 30, Vec::new()),
    ];
    let task = desk.submit(Order { ladder, ..errand(1) });
    assert!(desk.offered().is_empty());
    desk.0.fact(0, 80);
    assert!(desk.offered().is_empty(), "one source is none");
    desk.0.fact(1, 90);
    assert!(desk.offered().is_empty(), "they disagree");
    desk.0.pass(seconds(30));
    assert_eq!(desk.said(), [Effect::Alarm { task, alarm: Alarm::Nobody }]);
    desk.0.fact(1, 91);
    assert!(desk.offered().is_empty(), "the first is as old as it may be and contradicts");
    desk.0.pass(seconds(1));
    desk.0.fact(2, 92);
    assert_eq!(desk.offered().len(), 1);
}

#[test]
fn all_of_a_crew_or_nobody() {
    let mut desk = Desk::new();
    let crew = vec![Performers::people().into(), Performers::people().into()];
    let task = desk.submit(Order { crew, ..errand(1) });
    let offers = desk.offered();
    assert_eq!(offers.len(), 3);
    assert_eq!(offers.iter().filter(|(agent, _)| ROBOTS <= agent.0).count(), 2);
    // One declines: nobody begins.
    desk.accept(&offers[..2]);
    assert_eq!(desk.status(task), Some(Status::Offered { agent: offers[0].0 }));
    let (agent, token) = offers[2];
    desk.0.tell(Event::Answer { agent, token, accepted: false }).unwrap();
    let again = desk.offered();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|(other, _)| *other != agent));
    desk.accept(&again);
    assert_eq!(desk.status(task), Some(Status::Committed { agent: again[0].0 }));
    // Nobody of them has anything else to do until it is done.
    desk.submit(people(errand(2)));
    assert_eq!(desk.offered().iter().map(|(agent, _)| *agent).collect::<Vec<_>>(), [agent]);
    let (leader, token) = again[0];
    desk.done(leader, token);
    assert_eq!(desk.status(task), Some(Status::Loaded { agent: leader }));
    desk.done(leader, StepToken { step: 1, ..token });
    assert_eq!(desk.status(task), None);
    assert_eq!(desk.0.dispatcher.task_of(again[1].0), None);
}

#[test]
fn agents_are_kept_for_a_crew_that_waits_too_long_but_not_for_ever() {
    let mut desk = Desk::new();
    for agent in [0, 4, 5] {
        desk.0.presence(agent, false);
    }
    let crew = vec![Performers::people().into(), Performers::people().into()];
    let task = desk.submit(Order { crew, ..errand(1) });
    assert!(desk.offered().is_empty());
    // Before, others may be given the only person.
    desk.0.pass(PATIENCE.gather);
    desk.said();
    desk.submit(people(errand(2)));
    assert!(desk.offered().is_empty(), "the nurse is kept");
    desk.0.pass(PATIENCE.gather);
    let said = desk.said();
    assert!(said.contains(&Effect::Alarm { task, alarm: Alarm::CrewIncomplete }));
    assert!(said.iter().any(|effect| matches!(effect, Effect::Offer { agent: AgentId(3), .. })), "{said:?}");
    desk.0.presence(4, true);
    desk.0.presence(5, true);
    assert_eq!(desk.offered().len(), 3);
}

#[test]
fn a_task_waits_for_those_before_it() {
    let mut desk = Desk::new();
    let first = desk.submit(errand(1));
    let second = desk.submit(Order { after: vec![first], ..errand(2) });
    let error =
        desk.0.tell(Event::Submit(Box::new(Order { after: vec![TaskId(9)], ..errand(3) }))).unwrap_err();
    assert_eq!(error.to_string(), format!("task t3: after is t9; rule ORD-002: {}", rule_text(ORD_002)));
    let offers = desk.offered();
    assert_eq!((offers.len(), desk.status(second)), (1, Some(Status::Held)));
    let numbers = [first, second, TaskId(9)].map(|task| desk.0.dispatcher.number_of(task));
    assert_eq!(numbers, [Some(0), Some(1), None]);
    desk.accept(&offers);
    let (agent, token) = offers[0];
    desk.done(agent, StepToken { step: 1, ..token });
    assert_eq!((desk.status(first), desk.status(second)), (None, Some(Status::Open)));
    // One that is cancelled is never done: whoever waits for it is told.
    let third = desk.submit(Order { after: vec![second], ..errand(4) });
    desk.said();
    desk.0.tell(Event::Cancel(second)).unwrap();
    let alarm = Effect::Alarm { task: third, alarm: Alarm::Predecessor(second) };
    let said = desk.said();
    assert!(said.contains(&alarm));
    // Until the cancellation is taken back.
    let decision = said.iter().find_map(|effect| match effect {
        Effect::Cancelled { decision, .. } => *decision,
        _ => None,
    });
    desk.0.tell(Event::Undo(decision.unwrap())).unwrap();
    assert_eq!((desk.status(second), desk.status(third)), (Some(Status::Open), Some(Status::Held)));
}

fn rule_text(id: RuleId) -> &'static str {
    crate::RULES.iter().find(|rule| rule.id == id).unwrap().text
}

#[test]
fn what_is_cancelled_on_the_way_is_brought_back() {
    let mut desk = Desk::new();
    let on_cancel = vec![step(1, Action::Attend)];
    let task = desk.submit(Order { on_cancel, ..errand(1) });
    let offers = desk.offered();
    desk.accept(&offers);
    let (agent, token) = offers[0];
    desk.done(agent, token);
    desk.said();
    desk.0.tell(Event::Cancel(task)).unwrap();
    assert_eq!(desk.status(task), Some(Status::Closing));
    let token = StepToken { step: 1, ..token };
    assert_eq!(desk.said(), [Effect::Withdraw { agent, token }]);
    desk.0.tell(Event::Released { agent, token }).unwrap();
    let token = StepToken { award: 2, ..token };
    assert!(matches!(desk.said()[..], [Effect::Begin { token: of, .. }] if of == token));
    let places: Vec<u32> =
        desk.0.dispatcher.tasks[&task].order.task.steps.iter().map(|step| step.place.0).collect();
    assert_eq!(places, [0, 1, 0], "loaded at the first, attend to the second, back to the first");
    desk.done(agent, StepToken { step: 2, ..token });
    assert!(desk.said().contains(&Effect::Cancelled { decision: None, task }));
}

#[test]
fn a_resident_may_decline_a_robot() {
    let mut desk = Desk::new();
    let task = desk.submit(errand(1));
    let offers = desk.offered();
    desk.accept(&offers);
    let (robot, token) = offers[0];
    desk.done(robot, token);
    desk.said();
    desk.0.tell(Event::RobotUnwelcome(task)).unwrap();
    let said = desk.said();
    assert!(said.contains(&Effect::HandOver { task, from: robot, at: WaypointId(0) }));
    assert_eq!(desk.0.dispatcher.task_of(robot), Some(task), "it waits with the load");
    // Its lease has not lapsed and it has not said that it stopped: nobody else is asked before.
    assert!(desk.offered().is_empty());
    desk.0.tell(Event::Released { agent: robot, token: StepToken { step: 1, ..token } }).unwrap();
    let offers = desk.offered();
    assert!(ROBOTS <= offers[0].0.0);
    desk.accept(&offers);
    let (person, token) = offers[0];
    desk.done(person, token);
    assert_eq!(desk.0.dispatcher.task_of(robot), None, "the load has been fetched");
    desk.done(person, StepToken { step: 2, ..token });
    assert_eq!(desk.status(task), None);
}

#[test]
fn a_schedule_makes_a_task_of_each_occurrence_or_says_why_not() {
    let mut desk = Desk::new();
    let order = people(errand(0));
    let deadline = Some(FleetTime::from_micros(300_000_000));
    let order = Order { task: Task { deadline, ..order.task }, ..order };
    let first = FleetTime::from_micros(60_000_000);
    let schedule = Schedule { id: 7, order, first, every: seconds(600) };
    desk.0.tell(Event::Repeat(Box::new(schedule.clone()))).unwrap();
    desk.0.tell(Event::Repeat(Box::new(schedule.clone()))).unwrap();
    assert!(desk.said().is_empty());
    desk.0.pass(seconds(60));
    let task = Schedule::task(7, 0);
    let said = desk.said();
    assert_eq!(said[0], Effect::Due { schedule: 7, task, next: first + seconds(600) });
    assert_eq!(desk.0.dispatcher.tasks[&task].order.task.deadline, Some(first + seconds(300)));
    // Nobody does it: the next one is left out, and it is late.
    desk.0.pass(seconds(300));
    assert!(desk.said().contains(&Effect::Alarm { task, alarm: Alarm::Late }));
    desk.0.pass(seconds(300));
    let open = Effect::Skipped { schedule: 7, first: 1, count: 1, reason: SkipReason::StillOpen };
    assert!(desk.said().contains(&open));
    desk.0.tell(Event::Cancel(task)).unwrap();
    desk.0.pass(PATIENCE.person);
    desk.said();
    assert_eq!(desk.status(task), None);
    // The clock stands still for a day: only the last one is a task.
    desk.0.pass(seconds(86_400));
    let said = desk.said();
    let missed = said.iter().find_map(|effect| match effect {
        Effect::Skipped { first, count, reason: SkipReason::Missed, .. } => Some((*first, *count)),
        _ => None,
    });
    let due = said.iter().find_map(|effect| match effect {
        Effect::Due { task, .. } => Some(*task),
        _ => None,
    });
    let (first, count) = missed.unwrap();
    assert_eq!((first, due), (2, Some(Schedule::task(7, 2 + count))));
    // A schedule that begins anew goes on counting.
    desk.0.tell(Event::EndRepeat(7)).unwrap();
    assert_eq!(desk.0.tell(Event::EndRepeat(7)), Err(EventError::UnknownSchedule { schedule: 7 }));
    desk.0.tell(Event::Cancel(due.unwrap())).unwrap();
    desk.0.pass(PATIENCE.person);
    desk.said();
    desk.0.tell(Event::Repeat(Box::new(Schedule { first: desk.0.now, ..schedule }))).unwrap();
    let next = Schedule::task(7, 3 + count);
    assert!(desk.said().iter().any(|effect| matches!(effect, Effect::Due { task, .. } if *task == next)));
}

#[test]
fn decisions_are_taken_back_until_somebody_has_acted() {
    let mut desk = Desk::new();
    let task = desk.submit(errand(1));
    let first = desk.offered()[0].0;
    desk.0.tell(Event::Undo(1)).unwrap();
    assert_eq!(
        desk.0.tell(Event::Undo(1)).unwrap_err().to_string(),
        "decision 1 cannot be taken back: it is not known, too old, or was taken back"
    );
    let offers = desk.offered();
    assert_ne!(offers[0].0, first, "who was taken back is not asked again at once");
    desk.accept(&offers);
    let (agent, token) = offers[0];
    desk.done(agent, token);
    let refused = desk.0.tell(Event::Undo(2)).unwrap_err();
    assert!(matches!(refused, EventError::Undo { decision: 2, .. }));
    assert_eq!(
        desk.0.tell(Event::Forbid { task, agent, forbidden: true }),
        Err(EventError::Loaded { task, agent })
    );
    assert_eq!(desk.0.tell(Event::Pin { task, agent: Some(first) }), Err(EventError::Loaded { task, agent }));
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let mut desk = Desk::new();
    let later = FleetTime::from_micros(1);
    let bad = [
        Order { task: Task { id: TaskId(SCHEDULED), ..errand(1).task }, ..errand(1) },
        Order { task: Task { requested: later, ..errand(1).task }, ..errand(1) },
        Order { task: Task { steps: Vec::new(), ..errand(1).task }, ..errand(1) },
        Order { crew: vec![Performers::RobotsOnly.into(); CREW_MAX + 1], ..errand(1) },
        Order { after: vec![TaskId(0); AFTER_MAX + 1], ..errand(1) },
        Order { on_cancel: vec![step(0, Action::Load)], ..errand(1) },
        Order { on_cancel: vec![step(9, Action::Attend)], ..errand(1) },
        Order { on_cancel: vec![step(0, Action::Attend); CANCEL_STEPS_MAX + 1], ..errand(1) },
        Order {
            ladder: vec![Rung { whom: Whom::Operator, after: Micros::ZERO, gates: vec![vitals()] }],
            ..errand(1)
        },
        Order {
            ladder: vec![Rung {
                whom: Whom::Agents(Performers::PeopleOnly(BTreeSet::new()).into()),
                after: Micros::ZERO,
                gates: Vec::new(),
            }],
            ..errand(1)
        },
    ];
    let mut rules = BTreeSet::new();
    for order in bad {
        let task = order.task.id;
        match desk.0.tell(Event::Submit(Box::new(order))) {
            Err(EventError::Order { task: of, error }) if of == task => rules.insert(error.rule),
            other => panic!("{other:?}"),
        };
        assert!(desk.0.dispatcher.is_empty());
    }
    let all =
        ["ORD-001", "ORD-002", "ORD-003", "ORD-004", "ORD-005", "ORD-006", "TSK-001", "TSK-002", "TSK-006"];
    let rules: Vec<&str> = rules.iter().map(RuleId::as_str).collect();
    assert_eq!(rules, all);
    desk.submit(errand(1));
    assert_eq!(
        desk.0.tell(Event::Submit(Box::new(people(errand(1))))),
        Err(EventError::Taken { task: TaskId(1) })
    );
    let nobody = AgentId(77);
    let at = WaypointId(0);
    assert_eq!(
        desk.0.tell(Event::Alive { agent: nobody, at, on: None }),
        Err(EventError::UnknownAgent { agent: nobody })
    );
    for (agent, kind, at) in [
        (AgentId(crate::nearest::AGENTS_MAX), AgentKind::Robot, at),
        (AgentId(0), AgentKind::Nurse, at),
        (AgentId(9), AgentKind::Nurse, WaypointId(99)),
    ] {
        let refused = desk.0.tell(Event::Agent { agent, kind, at, takes_tasks: true });
        assert!(matches!(refused, Err(EventError::Agent { .. })), "{refused:?}");
    }
}

/// A robot that took a load in time and was not heard: its errand, offered to somebody else since or not.
fn unheard(desk: &mut Desk) -> (TaskId, AgentId, StepToken) {
    let task = desk.submit(errand(1));
    let offers = desk.offered();
    desk.accept(&offers);
    desk.said();
    desk.0.pass(PATIENCE.robot);
    (task, offers[0].0, offers[0].1)
}

#[test]
fn who_took_the_load_goes_on_when_the_next_one_has_stopped() {
    let mut desk = Desk::new();
    let (task, first, token) = unheard(&mut desk);
    let again = desk.offered();
    desk.accept(&again);
    let (second, newer) = again[0];
    assert_ne!(first, second);
    desk.said();
    desk.done(first, token);
    assert_eq!(desk.status(task), Some(Status::Loaded { agent: first }));
    let withdrawn = Effect::Withdrawn { task, reason: Reason::Overtaken };
    let said = desk.said();
    assert_eq!(
        said,
        [Effect::Heard { agent: first, token }, Effect::Withdraw { agent: second, token: newer }, withdrawn]
    );
    desk.0.tell(Event::Released { agent: second, token: newer }).unwrap();
    let token = StepToken { task, award: 3, step: 1 };
    assert!(
        matches!(desk.said()[..], [Effect::Begin { agent, token: of, .. }] if (agent, of) == (first, token))
    );
    desk.done(first, token);
    assert_eq!(desk.status(task), None);
}

#[test]
fn a_load_of_which_somebody_tells_after_the_end_is_brought_back() {
    let mut desk = Desk::new();
    let (task, agent, token) = unheard(&mut desk);
    desk.0.tell(Event::Cancel(task)).unwrap();
    let said = desk.said();
    let cancelled = said.iter().find_map(|effect| match effect {
        Effect::Cancelled { decision, .. } => *decision,
        _ => None,
    });
    assert_eq!(desk.status(task), None);
    desk.done(agent, token);
    assert!(desk.said().contains(&Effect::Reopened { task }));
    assert_eq!(desk.status(task), Some(Status::Closing));
    let token = StepToken { step: 1, award: 2, ..token };
    desk.0.tell(Event::Released { agent, token }).unwrap();
    let token = StepToken { award: 3, ..token };
    assert!(matches!(desk.said()[..], [Effect::Begin { token: of, .. }] if of == token));
    assert_eq!(
        desk.0.dispatcher.task(task).unwrap().steps[1],
        step(0, Action::Unload),
        "back to where it was"
    );
    desk.done(agent, token);
    assert_eq!(desk.status(task), None);
    // The decision is there, but somebody has acted on it.
    let refused = desk.0.tell(Event::Undo(cancelled.unwrap())).unwrap_err();
    assert!(refused.to_string().ends_with("or was begun"), "{refused}");
}

#[test]
fn somebody_much_sooner_takes_over_until_a_load_is_on_board() {
    let [near, far] = [AgentId(0), AgentId(2)];
    let mut desk = Desk::new();
    (0..AGENTS).for_each(|agent| desk.0.presence(agent, agent == far.0));
    let task = desk.submit(errand(1));
    let offers = desk.offered();
    desk.accept(&offers);
    assert_eq!(desk.status(task), Some(Status::Committed { agent: far }));
    // Twenty seconds nearer.
    desk.0.presence(near.0, true);
    let reason = Reason::Sooner;
    assert!(desk.said().contains(&Effect::Withdrawn { task, reason }));
    assert_eq!(desk.offered(), [], "whoever has it still moves");
    desk.0.tell(Event::Released { agent: far, token: offers[0].1 }).unwrap();
    let offers = desk.offered();
    assert_eq!(offers.iter().map(|(agent, _)| *agent).collect::<Vec<_>>(), [near]);
    desk.accept(&offers);
    // It has gone far away; but it was given this only now, and once it has the load the task is its own.
    desk.0.at = [2, 0, 0, 0, 0, 0];
    desk.0.presence(far.0, true);
    assert_eq!(desk.said().iter().filter(|effect| matches!(effect, Effect::Withdrawn { .. })).count(), 0);
    desk.done(near, offers[0].1);
    for _ in 0..6 {
        desk.0.now = desk.0.now + seconds(5);
        desk.0.tell(Event::Alive { agent: near, at: WaypointId(2), on: Some(offers[0].1) }).unwrap();
        desk.0.presence(far.0, true);
        desk.said();
    }
    assert_eq!(desk.status(task), Some(Status::Loaded { agent: near }));
}
