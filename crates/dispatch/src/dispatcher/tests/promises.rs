//! Single stories: one for each way in which a promise could be broken that a random history seldom or never takes.

use super::*;
use crate::policy::{Arrivals, Choice, Question};

fn attendance(id: u64) -> Order {
    Order::from(Task { id: TaskId(id), steps: vec![step(0, Action::Attend)], ..visit() })
}

/// An order for which a ladder alone says who may do it.
fn with_ladder(order: Order, seat: Seat, gates: Vec<Gate>) -> Order {
    Order { ladder: vec![Rung { whom: Whom::Agents(seat), after: Micros::ZERO, gates }], ..order }
}

impl Desk {
    /// Only these take tasks.
    fn with(agents: &[u32]) -> Self {
        let mut desk = Self::new();
        (0..AGENTS).for_each(|agent| desk.0.presence(agent, agents.contains(&agent)));
        desk
    }

    /// Lets time pass; what was said meanwhile.
    fn wait(&mut self, span: Micros) -> Vec<Effect> {
        let until = self.0.now + span;
        let mut said = self.said();
        while let Some(next) = self.0.dispatcher.poll_timeout().filter(|next| *next <= until) {
            self.0.now = next;
            self.0.dispatcher.handle_timeout(next);
            said.extend(self.said());
        }
        self.0.now = until;
        self.0.dispatcher.handle_timeout(until);
        said.extend(self.said());
        said
    }

    /// Gives a task to whoever is asked first.
    fn give(&mut self) -> (AgentId, StepToken) {
        let offers = self.offered();
        self.accept(&offers[..1]);
        self.said();
        offers[0]
    }
}

fn alarms(said: &[Effect], alarm: Alarm) -> usize {
    said.iter().filter(|effect| matches!(effect, Effect::Alarm { alarm: told, .. } if *told == alarm)).count()
}

fn offers(said: &[Effect]) -> Vec<AgentId> {
    let agent = |effect: &Effect| match effect {
        Effect::Offer { agent, .. } => Some(*agent),
        _ => None,
    };
    said.iter().filter_map(agent).collect()
}

#[test]
fn whoever_has_a_task_is_told_that_another_has_done_it() {
    let mut desk = Desk::with(&[0, 1]);
    let task = desk.submit(attendance(1));
    let (first, token) = desk.give();
    desk.wait(PATIENCE.robot);
    let (second, newer) = {
        let entry = &desk.0.dispatcher.tasks[&task];
        (entry.leader().unwrap(), entry.token())
    };
    desk.accept(&[(second, newer)]);
    desk.said();
    assert_ne!(first, second);
    desk.done(first, token);
    let done = Effect::Done { task, agent: first };
    assert_eq!(
        desk.said(),
        [
            Effect::Heard { agent: first, token },
            Effect::Withdraw { agent: second, token: StepToken { step: 1, ..newer } },
            done
        ]
    );
}

#[test]
fn people_who_come_for_a_robot_need_what_it_needed() {
    let seat = Seat {
        performers: Performers::RobotsOnly,
        skills: BTreeSet::from([Skill("uv".into())]),
        certification: 2,
    };
    let mut desk = Desk::new();
    let task = desk.submit(with_ladder(attendance(1), seat, vec![vitals()]));
    desk.0.tell(Event::RobotUnwelcome(task)).unwrap();
    assert_eq!(offers(&desk.wait(seconds(3_600))), []);
    let [rung, _] = &desk.0.dispatcher.tasks[&task].ladder[..] else { panic!("a rung and the operator") };
    let Whom::Agents(seat) = &rung.whom else { panic!("people come") };
    assert_eq!((&seat.performers, seat.certification, seat.skills.len()), (&Performers::people(), 2, 1));
    assert_eq!(rung.gates, [vitals()]);
}

#[test]
fn whoever_fetches_a_load_needs_no_skills_for_it() {
    let skills = BTreeSet::from([Skill("uv".into())]);
    let seat = Seat { performers: Performers::RobotsFirst, skills, certification: 0 };
    let mut desk = Desk::new();
    desk.submit(with_ladder(errand(1), seat, Vec::new()));
    let (robot, token) = desk.give();
    assert_eq!(robot, AgentId(1), "it alone has the skill");
    desk.done(robot, token);
    desk.0.tell(Event::Lost { agent: robot, at: WaypointId(1) }).unwrap();
    let asked = offers(&desk.said());
    assert!(asked.iter().all(|agent| kind(agent.0).is_person()) && asked.len() == 1, "{asked:?}");
}

#[test]
fn a_robot_that_is_heard_again_goes_on_with_its_load() {
    let mut desk = Desk::with(&[0]);
    let task = desk.submit(errand(1));
    let (robot, token) = desk.give();
    desk.done(robot, token);
    let said = desk.wait(PATIENCE.robot.saturating_add(PATIENCE.carrier));
    let on = Some(StepToken { step: 1, ..token });
    assert!(said.iter().any(|effect| matches!(effect, Effect::HandOver { .. })));
    assert_eq!(desk.status(task), Some(Status::Open));
    desk.0.tell(Event::Alive { agent: robot, at: WaypointId(0), on }).unwrap();
    assert_eq!(desk.status(task), Some(Status::Loaded { agent: robot }));
    let entry = &desk.0.dispatcher.tasks[&task];
    assert_eq!(entry.order.task.steps, errand(1).task.steps);
    let token = entry.token();
    assert!(
        desk.said().iter().any(|effect| matches!(effect, Effect::Begin { agent, .. } if *agent == robot))
    );
    desk.done(robot, token);
    assert_eq!(desk.status(task), None);
    // A load that somebody is on the way to fetch is fetched.
    let mut desk = Desk::with(&[0, 3]);
    let task = desk.submit(errand(1));
    let (robot, token) = desk.give();
    desk.done(robot, token);
    desk.wait(PATIENCE.robot.saturating_add(PATIENCE.carrier));
    desk.0.tell(Event::Alive { agent: robot, at: WaypointId(0), on }).unwrap();
    assert_eq!(desk.status(task), Some(Status::Offered { agent: AgentId(3) }));
}

#[test]
fn robots_that_were_asked_before_a_hand_over_are_asked_again() {
    let steps = [Action::Load, Action::Unload, Action::Load, Action::Unload];
    let steps = (0..).zip(steps).map(|(number, action)| step(number % 2, action)).collect();
    let task = Task { id: TaskId(1), steps, performers: Performers::RobotsOnly, ..visit() };
    let mut desk = Desk::with(&[0]);
    desk.submit(Order::from(task));
    let (robot, token) = desk.give();
    desk.done(robot, token);
    desk.wait(PATIENCE.robot.saturating_add(PATIENCE.carrier));
    // It had unloaded, which nobody heard of: nothing is to be fetched, and the rest is for robots.
    desk.done(robot, StepToken { step: 1, ..token });
    desk.0.tell(Event::Released { agent: robot, token }).unwrap();
    let asked = offers(&desk.wait(PATIENCE.cool_down));
    assert_eq!(asked, [robot]);
}

#[test]
fn people_have_the_time_that_their_step_takes() {
    let mut desk = Desk::with(&[3, 4]);
    let long = Step { duration: seconds(1_800), ..step(0, Action::Attend) };
    let order = people(Order::from(Task { id: TaskId(1), steps: vec![long], ..visit() }));
    let task = desk.submit(order);
    let (person, _) = desk.give();
    assert_eq!(offers(&desk.wait(seconds(1_800))), []);
    assert_eq!(desk.status(task), Some(Status::Committed { agent: person }));
    desk.wait(PATIENCE.person);
    assert_ne!(desk.status(task), Some(Status::Committed { agent: person }));
}

#[test]
fn whoever_gets_no_further_is_told_of() {
    let mut desk = Desk::with(&[0]);
    desk.submit(errand(1));
    let (robot, token) = desk.give();
    let mut told = 0;
    for _ in 0..60 {
        desk.0.tell(Event::Alive { agent: robot, at: WaypointId(0), on: Some(token) }).unwrap();
        told += alarms(&desk.wait(seconds(5)), Alarm::Stuck(robot));
    }
    assert_eq!(told, 3, "five minutes, a minute and a half each");
}

#[test]
fn a_load_that_nobody_counts_on_is_told_of() {
    let steps =
        vec![step(0, Action::Load), step(0, Action::Load), step(1, Action::Unload), step(1, Action::Unload)];
    let mut desk = Desk::with(&[0, 3]);
    desk.submit(Order::from(Task { id: TaskId(1), steps, ..visit() }));
    let (robot, token) = desk.give();
    desk.done(robot, token);
    // The second load is on board as well, but a person fetches one, and only then it is heard of.
    desk.wait(PATIENCE.robot.saturating_add(PATIENCE.carrier));
    let entry = &desk.0.dispatcher.tasks[&TaskId(1)];
    let (person, fetch) = (entry.leader().unwrap(), entry.token());
    desk.accept(&[(person, fetch)]);
    desk.done(person, fetch);
    desk.said();
    desk.done(robot, StepToken { step: 1, ..token });
    assert_eq!(alarms(&desk.said(), Alarm::StrayLoad(robot)), 1);
    // What was counted is not.
    desk.done(robot, token);
    assert_eq!(alarms(&desk.said(), Alarm::StrayLoad(robot)), 0);
}

#[test]
fn an_occurrence_that_is_done_holds_nobody_back() {
    let mut desk = Desk::new();
    let schedule = Schedule { id: 7, order: attendance(0), first: desk.0.now, every: seconds(86_400) };
    desk.0.tell(Event::Repeat(Box::new(schedule))).unwrap();
    let waits = desk.submit(Order { after: vec![Schedule::task(7, 0)], ..attendance(1) });
    let (agent, token) = desk.give();
    desk.0.tell(Event::Cancel(waits)).unwrap();
    let decision = desk.said().iter().find_map(|effect| match effect {
        Effect::Cancelled { decision, .. } => *decision,
        _ => None,
    });
    desk.done(agent, token);
    desk.0.tell(Event::Undo(decision.unwrap())).unwrap();
    assert_eq!(desk.status(waits), Some(Status::Open));
}

#[test]
fn that_a_task_waits_in_vain_is_told_again_and_again() {
    let mut desk = Desk::new();
    let first = desk.submit(attendance(1));
    desk.submit(Order { after: vec![first], ..attendance(2) });
    desk.0.tell(Event::Cancel(first)).unwrap();
    let said = desk.wait(Micros::new(4 * PATIENCE.alarm.as_micros()));
    assert_eq!(alarms(&said, Alarm::Predecessor(first)), 5);
}

#[test]
fn a_cancelled_task_does_not_wait() {
    let mut desk = Desk::with(&[]);
    let task = desk.submit(attendance(1));
    desk.0.tell(Event::Cancel(task)).unwrap();
    let decision = desk.said().iter().find_map(|effect| match effect {
        Effect::Cancelled { decision, .. } => *decision,
        _ => None,
    });
    desk.wait(seconds(3_600));
    desk.0.tell(Event::Undo(decision.unwrap())).unwrap();
    assert_eq!(alarms(&desk.said(), Alarm::Nobody), 0);
    assert_eq!(alarms(&desk.wait(PATIENCE.people_after.saturating_add(PATIENCE.alarm)), Alarm::Nobody), 1);
}

#[test]
fn a_crew_that_is_never_complete_does_not_keep_others_for_long() {
    let mut desk = Desk::with(&[0]);
    desk.submit(Order { crew: vec![Performers::people().into()], ..attendance(1) });
    desk.wait(seconds(86_400));
    let Order { task, .. } = attendance(2);
    let now = desk.0.now;
    desk.submit(Order::from(Task { requested: now, priority: 0, ..task.clone() }));
    let most = Micros::new(16 * PATIENCE.gather.as_micros());
    assert_eq!(offers(&desk.wait(most)).first(), Some(&AgentId(0)));
    let mut desk = Desk::with(&[0]);
    desk.submit(Order { crew: vec![Performers::people().into()], ..attendance(1) });
    desk.wait(PATIENCE.gather);
    assert!(desk.0.dispatcher.gathering.is_some());
    let now = desk.0.now;
    desk.submit(Order::from(Task { requested: now, priority: 9, ..task }));
    assert_eq!(offers(&desk.said()), [AgentId(0)], "it is more urgent");
}

#[test]
fn companions_need_no_skills_of_whoever_does_the_steps() {
    let mut desk = Desk::new();
    let Order { task, .. } = attendance(1);
    let task = Task { skills: BTreeSet::from([Skill("uv".into())]), ..task };
    let nurse = Seat::from(Performers::PeopleOnly(BTreeSet::from([AgentKind::Nurse])));
    desk.submit(Order { crew: vec![nurse], ..Order::from(task) });
    assert_eq!(offers(&desk.said()), [AgentId(1), AgentId(ROBOTS)]);
}

/// Names a task and an agent, whatever it is asked.
struct Stubborn(u32, u32);

impl Policy for Stubborn {
    fn decide(&mut self, _: &Question<'_>, _: &mut dyn Arrivals) -> Vec<Choice> {
        vec![Choice { task: self.0, agent: self.1, at_ms: 0 }; 2]
    }
}

#[test]
fn what_a_policy_was_not_asked_about_it_does_not_decide() {
    let mut desk = Desk::new();
    desk.0.asks_the_nearest = false;
    desk.0.policy = Box::new(Stubborn(0, 2));
    // A gate is closed; a second task makes that anything is asked at all.
    desk.submit(with_ladder(attendance(1), Performers::people().into(), vec![vitals()]));
    desk.submit(attendance(2));
    assert_eq!(offers(&desk.said()), []);
    desk.0.policy = Box::new(Stubborn(1, 2));
    desk.submit(attendance(3));
    assert_eq!(offers(&desk.said()), [AgentId(2)]);
}

#[test]
fn tasks_of_one_instant_go_by_their_ids() {
    for ids in [[1, 2], [2, 1]] {
        let mut desk = Desk::with(&[0]);
        for id in ids {
            desk.submit(attendance(id));
        }
        desk.said();
        assert_eq!(desk.status(TaskId(1)), Some(Status::Offered { agent: AgentId(0) }));
    }
}

#[test]
fn what_is_said_of_a_task_before_it_is_there_does_not_count_against_it() {
    let mut desk = Desk::with(&[0]);
    let (agent, token) = (AgentId(0), StepToken { task: TaskId(1), award: 1, step: 0 });
    desk.0.tell(Event::Answer { agent, token, accepted: true }).unwrap();
    desk.0.tell(Event::Alive { agent, at: WaypointId(0), on: Some(token) }).unwrap();
    assert_eq!(desk.said(), []);
    desk.submit(attendance(1));
    assert_eq!(desk.give(), (agent, token));
}

#[test]
fn everything_that_stands_between_a_task_and_an_agent_is_named_and_nothing_once_it_is_lifted() {
    use Obstacle as O;
    let mut desk = Desk::with(&[0]);
    let seat = Seat::from(Performers::RobotsOnly);
    let rung = |after, whom| Rung { whom, after, gates: Vec::new() };
    let ladder = vec![
        rung(seconds(5), Whom::Agents(seat)),
        Rung { gates: vec![vitals()], ..rung(seconds(5), Whom::Agents(Performers::people().into())) },
    ];
    let task = desk.submit(Order { ladder, ..attendance(1) });
    let why_not = |desk: &Desk, task: TaskId, agent: u32| {
        let said = desk.0.dispatcher.why_not(task, AgentId(agent), &mut Places(desk.0.at));
        // Whatever is said has words, and a rule unless it is how things stand.
        if let Some(said) = &said {
            let text = said.to_string();
            let is_state = matches!(said, O::NoTask | O::NoAgent | O::Placed(_));
            assert!(!text.is_empty() && said.rule().is_none() == is_state, "{text}");
            assert!(said.rule().is_none_or(|rule| text.ends_with(&format!("({rule})"))), "{text}");
        }
        said
    };
    assert_eq!(why_not(&desk, TaskId(9), 0), Some(O::NoTask));
    assert_eq!(why_not(&desk, task, 99), Some(O::NoAgent));
    let due = FleetTime::ZERO + seconds(5);
    assert_eq!(why_not(&desk, task, 0), Some(O::TooEarly { rung: 0, due }));
    assert_eq!(why_not(&desk, task, 1), Some(O::TakesNone));
    assert_eq!(why_not(&desk, task, 0).unwrap().rule(), Some(crate::DSP_016));
    desk.0.presence(ROBOTS, true);
    assert_eq!(why_not(&desk, task, ROBOTS), Some(O::TooEarly { rung: 1, due: due + seconds(5) }));
    desk.0.tell(Event::Forbid { task, agent: AgentId(0), forbidden: true }).unwrap();
    desk.wait(seconds(5));
    assert_eq!(why_not(&desk, task, 0), Some(O::Forbidden));
    desk.0.tell(Event::Pin { task, agent: Some(AgentId(1)) }).unwrap();
    assert_eq!(why_not(&desk, task, 0), Some(O::Pinned { to: AgentId(1) }));
    desk.wait(seconds(5));
    desk.0.tell(Event::Pin { task, agent: None }).unwrap();
    assert_eq!(why_not(&desk, task, 0).unwrap().rule(), Some(crate::DSP_015));
    let Some(O::Gate { rung: 1, closed }) = why_not(&desk, task, ROBOTS) else { panic!("the gate is shut") };
    assert_eq!(closed.rule, crate::GAT_001);
    desk.0.tell(Event::Forbid { task, agent: AgentId(0), forbidden: false }).unwrap();
    assert_eq!(why_not(&desk, task, 0), None);
    let (robot, token) = desk.offered()[0];
    let status = Status::Offered { agent: robot };
    assert_eq!(why_not(&desk, task, 0), Some(O::Placed(status)));
    let other = desk.submit(attendance(2));
    assert_eq!(why_not(&desk, other, 0), Some(O::Elsewhere { task }));
    desk.0.tell(Event::Answer { agent: robot, token, accepted: false }).unwrap();
    let until = desk.0.now + PATIENCE.cool_down;
    assert_eq!(why_not(&desk, task, 0), Some(O::CoolsDown { until }));
    assert_eq!(why_not(&desk, other, 0), None);
    let skilled = desk.submit(Order::from(Task {
        id: TaskId(3),
        skills: BTreeSet::from([Skill("uv".into())]),
        steps: vec![step(0, Action::Attend)],
        ..visit()
    }));
    assert!(matches!(why_not(&desk, skilled, 0), Some(O::Refused(_))));
    let alone = desk.submit(Order { ladder: vec![rung(Micros::ZERO, Whom::Operator)], ..attendance(4) });
    assert_eq!(why_not(&desk, alone, 0), Some(O::NobodyAsked));
}

#[test]
fn whoever_waits_for_a_crew_or_for_a_lease_to_end_is_told_so() {
    let mut desk = Desk::with(&[0]);
    let joint = desk.submit(Order { crew: vec![Performers::people().into()], ..attendance(1) });
    desk.wait(PATIENCE.gather);
    let until = desk.0.now + PATIENCE.gather;
    let single = desk.submit(attendance(2));
    assert_eq!(offers(&desk.said()), [], "the robot is kept for the crew");
    let mut places = Places(desk.0.at);
    let kept = Obstacle::Kept { task: joint, until };
    assert_eq!(kept.rule(), Some(crate::DSP_017));
    assert_eq!(desk.0.dispatcher.why_not(single, AgentId(0), &mut places), Some(kept));
    assert_eq!(desk.0.dispatcher.why_not(joint, AgentId(0), &mut places), None);

    let mut desk = Desk::with(&[0]);
    let task = desk.submit(attendance(1));
    let (robot, _) = desk.give();
    desk.0.presence(1, true);
    desk.0.tell(Event::Forbid { task, agent: robot, forbidden: true }).unwrap();
    desk.said();
    let mut places = Places(desk.0.at);
    let told = desk.0.dispatcher.why_not(task, AgentId(1), &mut places);
    assert!(matches!(told, Some(Obstacle::StillActs { agent, .. }) if agent == robot), "{told:?}");
}
