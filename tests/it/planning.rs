//! The fleet by hand: robots that drive lane by lane, and plans that are answered late, too late or at once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sheepdog::dispatch::{Gate, Performers, Step};
use sheepdog::fleet::{Entry, Fleet, Input, OperatorCommand, Output, Record, TaskRequest, TaskStatus, audit};
use sheepdog::interlock;
use sheepdog::scenario::{Scenario, Setup};
use sheepdog::traffic::{Plan, Planner};
use sheepdog::vocabulary::{
    AgentId, Epoch, FleetTime, LaneId, Micros, Mm, MmPerS, Ppm, RobotTime, StopCategory, StopGeneration,
    TaskId, WaypointId,
    wire::{Action, Motion, Pose, Report, ResetStep, StepToken, StopScope, ToAgent, ToFleet},
};

use sheepdog_testkit::{Bay, Blueprint, Shape};

use crate::common::{ANNA, BERT, NURSE, STORY, TECHNICIAN, carry, operator, place, setup};

/// A robot that does what it is told, as far as the fleet can see.
struct Robot {
    epoch: Epoch,
    origin: WaypointId,
    route: Vec<LaneId>,
    done: usize,
    work: Option<(StepToken, u64)>,
    performed: Option<StepToken>,
    seq: u32,
}

/// A fleet, its robots and its open plan job, moved on by hand in milliseconds.
struct Hand {
    fleet: Fleet,
    planner: Planner,
    robots: BTreeMap<AgentId, Robot>,
    now: u64,
    /// Jobs with their answers, and when to give them; `None`: when the test says so.
    answers: Vec<(Option<u64>, Input)>,
    /// How long an answer takes; `None`: until the test gives it.
    delay: Option<u64>,
    asked: Vec<(AgentId, StepToken)>,
    records: Vec<Entry>,
    plans: usize,
}

impl Hand {
    fn new(setup: &Setup) -> Self {
        let fleet =
            Fleet::new(setup.site.clone(), setup.fleet.clone(), &setup.header, FleetTime::ZERO).unwrap();
        let robot = |at| Robot {
            epoch: Epoch(1),
            origin: at,
            route: Vec::new(),
            done: 0,
            work: None,
            performed: None,
            seq: 0,
        };
        let robots = setup.fleet.agents.iter().filter(|agent| agent.class.is_some());
        let mut hand = Self {
            fleet,
            planner: Planner::new(setup.site.clone(), &[MmPerS(1_000)]),
            robots: robots.map(|agent| (agent.id, robot(agent.at))).collect(),
            now: 0,
            answers: Vec::new(),
            delay: Some(0),
            asked: Vec::new(),
            records: Vec::new(),
            plans: 0,
        };
        for agent in hand.robots.keys().copied().collect::<Vec<_>>() {
            hand.report(agent);
        }
        hand
    }

    /// Gives an input and carries out what comes of it. Nobody is ever released while it works.
    fn give(&mut self, input: Input) -> bool {
        let accepted = self.fleet.handle(FleetTime::from_micros(self.now * 1_000), input).is_ok();
        self.carry_out();
        accepted
    }

    fn carry_out(&mut self) {
        while let Some(envelope) = self.fleet.poll_record() {
            self.records.extend(Entry::decode_all(&[envelope]).unwrap());
        }
        while let Some((_, output)) = self.fleet.poll_output() {
            match output {
                Output::Plan { job, problem, step_budget } => {
                    self.plans += 1;
                    let plan = self.planner.plan(&problem, step_budget);
                    self.answers
                        .push((self.delay.map(|delay| self.now + delay), Input::Planned { job, plan }));
                }
                Output::ToAgent { agent, message } => self.tell(agent, message),
                Output::ToPeripheral(_) | Output::Alert(_) => {}
            }
        }
        self.fleet.traffic().verify().unwrap();
    }

    fn tell(&mut self, agent: AgentId, message: ToAgent) {
        let Some(robot) = self.robots.get_mut(&agent) else {
            if let ToAgent::Ask(order) = message {
                self.asked.push((agent, order.token));
            }
            return;
        };
        match message {
            ToAgent::Release(release) => {
                if robot.epoch < release.epoch {
                    (robot.epoch, robot.origin, robot.done) = (release.epoch, release.origin, 0);
                    robot.route.clear();
                }
                let news = release.lanes.get(robot.route.len().saturating_sub(release.first as usize)..);
                let news = news.filter(|_| release.epoch == robot.epoch).unwrap_or(&[]);
                assert!(news.is_empty() || robot.work.is_none(), "{agent} is sent away from its work");
                robot.route.extend(news);
            }
            ToAgent::Perform(order) if robot.performed != Some(order.token) && robot.work.is_none() => {
                robot.work = Some((order.token, self.now + order.duration.as_millis()));
            }
            ToAgent::Withdraw(token) => robot.work = robot.work.filter(|(work, _)| *work != token),
            ToAgent::Perform(_)
            | ToAgent::Hold(_)
            | ToAgent::Stop(_)
            | ToAgent::Reset(_)
            | ToAgent::Beat(_)
            | ToAgent::Ask(_)
            | ToAgent::Lamp(_) => {}
        }
    }

    fn report(&mut self, agent: AgentId) {
        let site = self.fleet.site().clone();
        let Some(robot) = self.robots.get_mut(&agent) else { return };
        robot.seq += 1;
        let last = robot.done.checked_sub(1).map(|last| site.lane(robot.route[last]).unwrap().to);
        let at = site.waypoint(last.unwrap_or(robot.origin)).unwrap();
        let count = |lanes: usize| u32::try_from(lanes).unwrap();
        let report = Report {
            boot: 1,
            seq: robot.seq,
            taken: RobotTime::from_micros(0),
            site: site.version(),
            epoch: robot.epoch,
            known: count(robot.route.len()),
            done: count(robot.done),
            pose: Pose { level: at.level, x_mm: at.x_mm, y_mm: at.y_mm, yaw_mrad: 0 },
            pose_error: Mm(10),
            battery: Ppm::new(900_000).unwrap(),
            motion: if robot.work.is_some() { Motion::Performing } else { Motion::Waiting },
            stop_ack: StopGeneration(0),
            reset_ack: None,
            performed: robot.performed,
            stops: Vec::new(),
        };
        self.give(Input::FromAgent { agent, message: ToFleet::Report(report) });
    }

    /// Lets robots drive a lane and finish what they work on, and says so.
    fn step(&mut self, drives: impl Fn(AgentId) -> bool) {
        self.now += 500;
        for agent in self.robots.keys().copied().collect::<Vec<_>>() {
            let Some(robot) = self.robots.get_mut(&agent) else { continue };
            if robot.done < robot.route.len() && drives(agent) {
                robot.done += 1;
            }
            if let Some((token, until)) = robot.work
                && until <= self.now
            {
                (robot.performed, robot.work) = (Some(token), None);
            }
            self.report(agent);
        }
        let (due, later) = self.answers.drain(..).partition(|(at, _)| at.is_some_and(|at| at <= self.now));
        self.answers = later;
        let due: Vec<(Option<u64>, Input)> = due;
        for (_, answer) in due {
            self.give(answer);
        }
        self.fleet.handle_timeout(FleetTime::from_micros(self.now * 1_000));
        self.carry_out();
    }

    fn run_for(&mut self, secs: u64) {
        for _ in 0..secs * 2 {
            self.step(|_| true);
        }
    }

    fn status(&self, name: &str) -> TaskStatus {
        self.fleet.task_status(self.fleet.task_named(name).unwrap()).unwrap()
    }

    fn has(&self, fits: impl Fn(&Record) -> bool) -> bool {
        self.records.iter().any(|entry| fits(&entry.record))
    }
}

fn only(agents: &[AgentId]) -> Setup {
    let mut setup = setup();
    setup.fleet.agents.retain(|agent| agents.contains(&agent.id));
    setup
}

fn request(setup: &Setup, name: &str, steps: &[(&str, u64, bool)]) -> TaskRequest {
    let step = |&(at, secs, gated): &(&str, u64, bool)| Step {
        place: place(setup, at),
        action: Action::Attend,
        duration: Micros::from_secs(secs),
        gates: if gated { vec![Gate::Approved { role: "operator".into() }] } else { Vec::new() },
    };
    TaskRequest {
        performers: Performers::RobotsOnly,
        steps: steps.iter().map(step).collect(),
        ..carry(setup, name, "bay-0", "bay-1")
    }
}

#[derive(Clone, Debug)]
enum Event {
    Request(Vec<(usize, u64, bool)>),
    Cancel(usize),
    Approve(usize, u32),
    Delay(u64),
    Run(u8, u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let steps = proptest::collection::vec((0..6_usize, 0..4_u64, prop::bool::weighted(0.25)), 1..5);
    let event = prop_oneof![
        3 => steps.prop_map(Event::Request),
        1 => any::<usize>().prop_map(Event::Cancel),
        2 => (any::<usize>(), 0..5_u32).prop_map(|(task, step)| Event::Approve(task, step)),
        2 => (0..6_000_u64).prop_map(Event::Delay),
        6 => (1..20_u8, any::<u8>()).prop_map(|(steps, who)| Event::Run(steps, who)),
    ];
    proptest::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However late plans are answered and whatever is asked for, cancelled and approved meanwhile: nobody is sent
    /// away from its work, and everything is done in the end.
    #[test]
    fn late_plans_neither_interrupt_work_nor_strand_anybody(events in events()) {
        let setup = only(&[ANNA, BERT]);
        let mut hand = Hand::new(&setup);
        let mut tasks = 0;
        for event in events {
            let task = |pick: usize| TaskId(u64::try_from(pick % usize::max(tasks, 1)).unwrap());
            match event {
                Event::Request(steps) => {
                    let bays: Vec<String> = steps.iter().map(|(bay, ..)| format!("bay-{bay}")).collect();
                    let steps: Vec<(&str, u64, bool)> = bays
                        .iter()
                        .zip(&steps)
                        .map(|(bay, (_, secs, gated))| (bay.as_str(), *secs, *gated))
                        .collect();
                    tasks += usize::from(
                        hand.give(Input::TaskRequested(request(&setup, &format!("task-{tasks}"), &steps))),
                    );
                }
                Event::Cancel(pick) => {
                    let command = OperatorCommand::Cancel { task: task(pick) };
                    hand.give(Input::Operator { actor: operator(), command });
                }
                Event::Approve(pick, step) => {
                    let command = OperatorCommand::Approve { task: task(pick), step };
                    hand.give(Input::Operator { actor: operator(), command });
                }
                Event::Delay(delay) => hand.delay = Some(delay),
                Event::Run(steps, who) => {
                    for step in 0..steps {
                        hand.step(|agent| (who >> ((agent.0 + u32::from(step)) % 8)) & 1 == 1);
                    }
                }
            }
        }
        hand.delay = Some(500);
        for task in 0..tasks {
            for step in 0..5 {
                let command = OperatorCommand::Approve { task: TaskId(task as u64), step };
                hand.give(Input::Operator { actor: operator(), command });
            }
        }
        for _ in 0..1_800 {
            if hand.fleet.open_tasks() == 0 {
                break;
            }
            hand.step(|_| true);
        }
        prop_assert_eq!(hand.fleet.open_tasks(), 0, "{:?}", hand.fleet.tasks().collect::<Vec<_>>());
    }
}

#[test]
fn work_that_ends_while_a_plan_is_made_is_not_waited_for_again() {
    let setup = only(&[ANNA]);
    let mut hand = Hand::new(&setup);
    hand.give(Input::TaskRequested(request(&setup, "round", &[("bay-0", 5, false), ("bay-5", 5, false)])));
    while hand.robots[&ANNA].work.is_none() {
        hand.step(|_| true);
    }
    // A question that stays open until the work is done.
    hand.delay = None;
    hand.give(Input::TaskRequested(request(&setup, "other", &[("bay-1", 1, false)])));
    let other = hand.fleet.task_named("other").unwrap();
    hand.give(Input::Operator { actor: operator(), command: OperatorCommand::Cancel { task: other } });
    while hand.answers.is_empty() || hand.robots[&ANNA].work.is_some() {
        hand.step(|_| true);
    }
    let (_, answer) = hand.answers.remove(0);
    assert!(hand.give(answer));
    // No later plan comes to the rescue.
    hand.run_for(60);
    assert_eq!((hand.status("round"), hand.answers.len()), (TaskStatus::Done(ANNA), 0));
}

#[test]
fn a_robot_whose_load_was_fetched_is_planned_for_again() {
    let mut setup = only(&[ANNA, NURSE, TECHNICIAN]);
    setup.fleet.answer_within = Micros::from_secs(3_600);
    let mut hand = Hand::new(&setup);
    hand.give(Input::TaskRequested(carry(&setup, "blood", "bay-1", "bay-4")));
    while hand.fleet.load_of(ANNA).is_none() {
        hand.step(|_| true);
    }
    // She falls silent, a person is asked to fetch the load, and she comes back.
    for _ in 0..400 {
        hand.now += 500;
        hand.fleet.handle_timeout(FleetTime::from_micros(hand.now * 1_000));
        hand.carry_out();
    }
    let &(person, token) = hand.asked.last().unwrap();
    hand.run_for(5);
    hand.give(Input::FromAgent { agent: person, message: ToFleet::Answer { token, accepted: true } });
    hand.run_for(5);
    let before = hand.plans;
    hand.give(Input::FromAgent { agent: person, message: ToFleet::Performed(token) });
    hand.run_for(30);
    assert!(before < hand.plans, "the robot is free again and nobody plans for it");
}

#[test]
fn a_robot_at_a_closed_gate_makes_room_and_comes_back_when_it_opens() {
    let setup = only(&[ANNA, BERT]);
    let mut hand = Hand::new(&setup);
    let gated = [("bay-1", 1, false), ("bay-4", 1, true)];
    hand.give(Input::TaskRequested(request(&setup, "gated", &gated)));
    hand.run_for(60);
    assert!(hand.has(|record| matches!(record, Record::GateClosed { step: 1, .. })));
    assert!(matches!(hand.status("gated"), TaskStatus::Active { step: 1, .. }));
    hand.give(Input::TaskRequested(request(&setup, "same place", &[("bay-4", 1, false)])));
    hand.run_for(90);
    assert!(matches!(hand.status("same place"), TaskStatus::Done(_)), "{:?}", hand.status("same place"));
    let task = hand.fleet.task_named("gated").unwrap();
    hand.give(Input::Operator { actor: operator(), command: OperatorCommand::Approve { task, step: 1 } });
    hand.run_for(90);
    assert!(matches!(hand.status("gated"), TaskStatus::Done(_)), "{:?}", hand.status("gated"));
}

#[test]
fn equal_tasks_are_taken_where_the_robot_is() {
    let setup = only(&[ANNA]);
    let mut hand = Hand::new(&setup);
    let here = hand.fleet.traffic().at(ANNA).unwrap();
    let bays = ["bay-5", "bay-4", "bay-3", "bay-2", "bay-1", "bay-0"];
    // All of them at once, while she is busy; the last one asked for is where she is.
    hand.give(Input::TaskRequested(request(&setup, "first", &[("bay-0", 5, false)])));
    for bay in bays {
        hand.give(Input::TaskRequested(request(&setup, bay, &[(bay, 5, false)])));
    }
    while !matches!(hand.status("first"), TaskStatus::Done(_)) {
        hand.step(|_| true);
    }
    assert_eq!(here, place(&setup, "bay-0"), "the story has moved her");
    assert!(matches!(hand.status("bay-0"), TaskStatus::Active { .. }));
    hand.run_for(300);
    assert_eq!(hand.fleet.open_tasks(), 0);
}

#[test]
fn a_late_answer_is_refused_and_asked_for_again() {
    let setup = only(&[ANNA]);
    let mut hand = Hand::new(&setup);
    hand.delay = None;
    hand.give(Input::TaskRequested(request(&setup, "round", &[("bay-5", 1, false)])));
    hand.run_for(60);
    let (_, first) = hand.answers.remove(0);
    assert!(!hand.give(first), "nobody waits for this answer any more");
    hand.delay = Some(0);
    let Some((_, Input::Planned { job, .. })) = hand.answers.pop() else { panic!("no open question") };
    // An answer that fits no robot is refused as a whole, and the question is asked again.
    assert!(hand.give(Input::Planned { job, plan: Plan::default() }));
    assert!(hand.has(|record| matches!(record, Record::PlanRefused { .. })));
    hand.run_for(60);
    assert!(matches!(hand.status("round"), TaskStatus::Done(ANNA)));
}

/// A move into a stopped level is held, with its rule on record, until the level is started again.
#[test]
fn nobody_enters_a_stopped_level() {
    let shape = Shape::Corridor(vec![[Bay::Open; 2]; 3]);
    let site = Blueprint { shape, pitch_m: 3, upper: true, chargers: 0, one_way: None, cut_off: None }.site();
    let mut setup = Scenario::from_toml(STORY).unwrap().setup(&site, None, Some(1)).unwrap();
    setup.fleet.agents.retain(|agent| agent.id == ANNA);
    let mut hand = Hand::new(&setup);
    let level = |at: WaypointId| setup.site.waypoint(at).unwrap().level;
    let below = level(place(&setup, "bay-0"));
    let above = setup.site.stations().iter().map(|station| station.waypoint).find(|at| level(*at) != below);
    let above = above.unwrap();
    let scope = StopScope::Level(level(above));
    let command = OperatorCommand::Stop { scope, category: StopCategory::One };
    hand.give(Input::Operator { actor: operator(), command });
    let step = Step { place: above, ..request(&setup, "up", &[("bay-0", 1, false)]).steps[0].clone() };
    let up = TaskRequest { steps: vec![step], ..request(&setup, "up", &[]) };
    hand.give(Input::TaskRequested(up));
    hand.run_for(120);
    assert_eq!(level(hand.fleet.traffic().at(ANNA).unwrap()), below);
    let barred =
        |record: &Record| matches!(record, Record::Barred { agent: ANNA, stop, .. } if stop.scope == scope);
    assert!(hand.has(barred));
    let bars = || hand.records.iter().filter(|entry| barred(&entry.record));
    assert_eq!(bars().count(), 1, "once for each stop");
    assert_eq!(bars().next().unwrap().record.rule(), Some(sheepdog::fleet::rules::STOPPED_AREA));

    let audited = audit(&hand.records, &setup.site, interlock::CATALOGUE);
    assert_eq!(audited.findings, []);
    // Without the order on record the same evidence proves nothing.
    let unordered: Vec<Entry> = hand
        .records
        .iter()
        .filter(|entry| !matches!(entry.record, Record::StopOrdered(_)))
        .cloned()
        .collect();
    assert_eq!(audit(&unordered, &setup.site, interlock::CATALOGUE).findings.len(), 1);

    let generation = hand.fleet.stop_generation();
    for step in [ResetStep::Acknowledge, ResetStep::Start] {
        let command = OperatorCommand::Reset { generation, step };
        assert!(hand.give(Input::Operator { actor: operator(), command }));
    }
    hand.run_for(120);
    assert_eq!(hand.status("up"), TaskStatus::Done(ANNA));
}
