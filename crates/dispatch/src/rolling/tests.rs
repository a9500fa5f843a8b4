//! Promises of plans: rules are kept, more steps are never worse, small problems are solved, order does not matter, and what the
//! world has overtaken is not begun.

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;
use crate::policy::{Arrival, Arrivals, BatchOptimal, Choice, Open, Policy, Question, Ready, Weights};

const NOW_MS: u64 = 5_000_000;

/// Facts and ways as they are drawn: places are numbers, and each way of travel has a matrix.
#[derive(Clone, Debug)]
struct Draft {
    facts: Facts,
    ways: Vec<Vec<Vec<Option<u64>>>>,
}

impl Travels for Draft {
    fn ways(&mut self, travel: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        let way = |from: &u32, to: &u32| self.ways[travel as usize][*from as usize][*to as usize];
        from.iter().flat_map(|from| to.iter().map(move |to| way(from, to))).collect()
    }
}

impl Draft {
    fn problem(&self) -> Problem {
        self.facts.clone().problem(&mut self.clone()).unwrap()
    }

    fn planned(&self, steps: u64) -> Plan {
        let mut job = PlanJob::new(self.problem(), &Plan::default(), 7);
        job.step(steps);
        job.best()
    }

    fn open(&self) -> Vec<Open> {
        self.facts.wanted.iter().map(|wanted| wanted.open).collect()
    }

    fn ready(&self) -> Vec<Ready> {
        self.facts.robots.iter().map(|robot| robot.ready).collect()
    }
}

/// Puts a draft to a policy: who may is asked of the facts, and who is there when is the straight way.
impl Arrivals for Draft {
    fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let wanted = self.facts.wanted.iter().find(|wanted| wanted.open.task == task)?;
        let to = wanted.errand.pickup.places[0];
        let mut all: Vec<Arrival> = Vec::new();
        for robot in self.facts.robots.iter().filter(|robot| wanted.may.contains(&robot.ready.agent)) {
            let Robot { ready, outlook } = robot;
            if let Some(way) = self.ways[outlook.travel as usize][outlook.place as usize][to as usize] {
                let at_ms = ready.free_ms.max(self.facts.now_ms).saturating_add(way);
                all.push(Arrival { at_ms, agent: ready.agent });
            }
        }
        all.sort_unstable();
        let next = all.get(most).map(|next| next.at_ms);
        found.extend(all.into_iter().take(most));
        next
    }

    fn prospects(&mut self) -> Option<&mut dyn Prospects> {
        Some(self)
    }
}

impl Prospects for Draft {
    fn errand(&mut self, task: u32) -> Option<Errand> {
        Some(self.facts.wanted.iter().find(|wanted| wanted.open.task == task)?.errand.clone())
    }

    fn outlook(&mut self, agent: u32) -> Option<Outlook> {
        Some(self.facts.robots.iter().find(|robot| robot.ready.agent == agent)?.outlook.clone())
    }

    fn may(&mut self, task: u32, agent: u32) -> bool {
        let wanted = self.facts.wanted.iter().find(|wanted| wanted.open.task == task);
        wanted.is_some_and(|wanted| wanted.may.contains(&agent))
    }

    fn chargers(&mut self) -> Vec<u32> {
        self.facts.chargers.clone()
    }
}

/// How large drafts are, and whether they have batteries.
#[derive(Clone, Copy, Debug)]
struct Size {
    tasks: usize,
    robots: usize,
    has_batteries: bool,
}

const PLACES: u32 = 8;
const SECOND: u64 = 1_000;

prop_compose! {
    fn stops()(
        first in 0..PLACES,
        more in prop::collection::vec(0..PLACES, 0..2),
        takes in 0..20_u64,
        ready in prop_oneof![4 => Just(0), 1 => 0..200_u64],
        due in prop::option::weighted(0.4, 0..150_u64),
    ) -> Stop {
        let places = std::iter::once(first).chain(more).collect();
        Stop {
            places,
            takes_ms: takes * SECOND,
            ready_ms: NOW_MS - 60 * SECOND + ready * SECOND,
            due_ms: due.map(|due| NOW_MS + due * SECOND),
        }
    }
}

prop_compose! {
    fn wanteds(robots: usize)(
        (pickup, delivery) in (stops(), prop::option::of(stops())),
        load in 0..3_u32,
        (age, priority) in (0..600_u64, prop_oneof![3 => Just(1_u8), 1 => 0..9_u8]),
        due in prop::option::weighted(0.3, 0..200_u64),
        may in prop::collection::vec(prop::bool::weighted(0.85), robots),
    ) -> Wanted {
        let due_ms = due.map(|due| NOW_MS + due * SECOND);
        let open = Open { priority, due_ms, ..Open::new(0, NOW_MS - age * SECOND) };
        let may = (0..).zip(may).filter(|(_, may)| *may).map(|(agent, _)| agent).collect();
        Wanted { open, errand: Errand { pickup, delivery, load }, may }
    }
}

prop_compose! {
    fn powers()(
        level_ppm in prop_oneof![1_000_000..=1_000_000_u32, 0..1_000_000_u32],
        reserve_ppm in 0..200_000_u32,
        gain_ppm_per_s in prop_oneof![4 => 1_000..9_000_u32, 1 => Just(0)],
        charge_to_ppm in 0..=1_000_000_u32,
    ) -> Power {
        Power { level_ppm, reserve_ppm, gain_ppm_per_s, charge_to_ppm }
    }
}

prop_compose! {
    fn robots(has_batteries: bool)(
        (place, travel, room) in (0..PLACES, 0..2_u32, 1..4_u32),
        (free, busy_permille) in (prop_oneof![2 => Just(0), 1 => 0..90_u64], 0..1_100_u16),
        until in prop::option::weighted(0.2, 0..400_u64),
        aboard in prop::option::weighted(0.3, (stops(), 0..2_u32)),
        drain in 0..6_000_u32,
        power in prop::option::weighted(0.8, powers()),
    ) -> Robot {
        let aboard = aboard.map(|(delivery, load)| Aboard { task: 0, priority: 1, delivery, load });
        let power = power.filter(|_| has_batteries);
        let ready = Ready { busy_permille, drain_ppm_per_s: drain, ..Ready::new(0, NOW_MS - 9 + free * SECOND) };
        let until_ms = until.map(|until| NOW_MS + until * SECOND);
        Robot { ready, outlook: Outlook { place, travel, room, until_ms, aboard: aboard.into_iter().collect(), power } }
    }
}

/// Shortest ways between so many places, over others where that helps.
fn shortest(places: usize, direct: impl Fn(usize, usize) -> Option<u64>) -> Vec<Vec<Option<u64>>> {
    let mut ways: Vec<Vec<Option<u64>>> =
        (0..places).map(|from| (0..places).map(|to| direct(from, to)).collect()).collect();
    for over in 0..places {
        for from in 0..places {
            for to in 0..places {
                let detour = ways[from][over].zip(ways[over][to]).map(|(there, on)| there + on);
                ways[from][to] = ways[from][to].into_iter().chain(detour).min();
            }
        }
    }
    ways
}

/// Up to so many of each; places along two streets, the second way of travel slower, some ways closed and some places shut: as on
/// every map, a detour is never shorter than the way.
fn drafts(size: Size) -> impl Strategy<Value = Draft> {
    let at = prop::collection::vec((0..60_u64, 0..20_u64), PLACES as usize);
    let closed = prop::collection::vec(prop::bool::weighted(0.2), (PLACES * PLACES) as usize);
    let shut = prop::collection::vec(prop::bool::weighted(0.06), PLACES as usize);
    let streets = (at, closed, shut);
    let chargers = prop::collection::vec(0..PLACES, 0..3);
    (0..=size.robots).prop_flat_map(move |count| {
        let wanted = prop::collection::vec(wanteds(count), 0..=size.tasks);
        let robots = prop::collection::vec(robots(size.has_batteries), count);
        (wanted, robots, streets.clone(), chargers.clone()).prop_map(
            |(mut wanted, mut robots, (at, closed, shut), chargers)| {
                for (task, wanted) in (0..).zip(&mut wanted) {
                    // The other way round than the numbers.
                    (wanted.open.task, wanted.open.tie) = (task, 100 - u64::from(task));
                }
                for (agent, robot) in (0..).zip(&mut robots) {
                    robot.ready.agent = agent;
                    robot.outlook.aboard.iter_mut().for_each(|aboard| aboard.task = 500 + agent);
                }
                let way = |speed: u64| {
                    shortest(at.len(), |from, to| {
                        let apart = at[from].0.abs_diff(at[to].0) + at[from].1.abs_diff(at[to].1);
                        let open = !closed[from * at.len() + to] && !shut[to];
                        (from == to || open).then_some(apart * SECOND * speed / 2)
                    })
                };
                let facts = Facts { now_ms: NOW_MS, wanted, robots, chargers, weights: Weights::default() };
                Draft { facts, ways: vec![way(2), way(3)] }
            },
        )
    })
}

const SMALL: Size = Size { tasks: 3, robots: 2, has_batteries: false };
const SMALL_POWERED: Size = Size { tasks: 3, robots: 2, has_batteries: true };
const LARGE: Size = Size { tasks: 14, robots: 6, has_batteries: true };

/// Stops of a robot: task, whether it is the delivery, and the stop.
type Tour<'a> = Vec<(u32, bool, &'a Stop)>;

/// What may go into a tour, or stay out.
struct Piece<'a> {
    task: u32,
    /// Whether its robot carries it already, so that the only stop is the delivery.
    aboard: bool,
    stops: Vec<&'a Stop>,
    robots: Vec<usize>,
    /// What it costs to leave it out.
    price: i64,
}

/// What a tour costs, by plain arithmetic; none if it breaks a rule.
fn cost(draft: &Draft, problem: &Problem, robot: &Robot, tour: &Tour<'_>) -> Option<i64> {
    let Robot { ready, outlook } = robot;
    let ways = &draft.ways[outlook.travel as usize];
    let (mut place, mut now) = (outlook.place, ready.free_ms.max(NOW_MS));
    let mut load: u32 = outlook.aboard.iter().map(|aboard| aboard.load).sum();
    let mut sum = 0;
    for (task, ends, stop) in tour {
        let wanted = draft.facts.wanted.iter().find(|wanted| wanted.open.task == *task);
        let way = ways[place as usize][stop.places[0] as usize]?;
        let ppm = (way * u64::from(ready.drain_ppm_per_s) / 1_000).min(1_000_000);
        sum += i64::try_from(ppm / 10).unwrap();
        let begin = (now + way).max(stop.ready_ms);
        let aboard = outlook.aboard.iter().find(|aboard| aboard.task == *task);
        let (weight, own) = match (wanted, aboard) {
            (Some(wanted), _) => (problem.weight(wanted.open.priority), wanted.errand.load),
            (None, Some(aboard)) => (problem.weight(aboard.priority), aboard.load),
            (None, None) => return None,
        };
        let mut due = stop.due_ms.unwrap_or(u64::MAX);
        if let Some(wanted) = wanted.filter(|_| !ends) {
            due = due.min(wanted.open.due_ms.unwrap_or(u64::MAX));
            sum += weight * i64::try_from(begin - wanted.open.requested_ms).unwrap();
            sum += 2 * i64::from(ready.busy_permille.min(1_000));
            load += own;
            if outlook.room < load {
                return None;
            }
        }
        if *ends || wanted.is_some_and(|wanted| wanted.errand.delivery.is_none()) {
            load -= own;
        }
        sum += weight * 8 * i64::try_from(begin.saturating_sub(due)).unwrap();
        now = begin + stop.takes_ms;
        for pair in stop.places.windows(2) {
            now += ways[pair[0] as usize][pair[1] as usize]?;
        }
        if outlook.until_ms.is_some_and(|until| until < now) {
            return None;
        }
        place = stop.places[stop.places.len() - 1];
    }
    Some(sum)
}

/// The least that a plan can cost, over everything that there is: each task in turn goes anywhere or nowhere, and loads wherever
/// their robot can bring them. Times are found by plain arithmetic; batteries last for ever.
fn least_of_all(draft: &Draft) -> i64 {
    fn place<'a>(
        draft: &'a Draft,
        problem: &Problem,
        pieces: &[Piece<'a>],
        tours: &mut Vec<Tour<'a>>,
        left: i64,
    ) -> i64 {
        let Some((Piece { task, aboard, stops, robots, price }, rest)) = pieces.split_first() else {
            let all: Option<i64> = draft
                .facts
                .robots
                .iter()
                .zip(&*tours)
                .map(|(robot, tour)| cost(draft, problem, robot, tour))
                .sum();
            return all.map_or(i64::MAX, |all| all + left);
        };
        let mut best = place(draft, problem, rest, tours, left + price);
        for &robot in robots {
            for first in 0..=tours[robot].len() {
                for second in if stops.len() == 2 { first..=tours[robot].len() } else { first..=first } {
                    let before = tours[robot].clone();
                    if let [_, delivery] = stops[..] {
                        tours[robot].insert(second, (*task, true, delivery));
                    }
                    tours[robot].insert(first, (*task, *aboard, stops[0]));
                    best = best.min(place(draft, problem, rest, tours, left));
                    tours[robot] = before;
                }
            }
        }
        best
    }
    let problem = draft.problem();
    let mut pieces = Vec::new();
    for Wanted { open, errand, may } in &draft.facts.wanted {
        let stops = std::iter::once(&errand.pickup).chain(&errand.delivery).collect();
        let price = (8 << 30) * problem.weight(open.priority);
        let robots = may.iter().map(|agent| *agent as usize).collect();
        pieces.push(Piece { task: open.task, aboard: false, stops, robots, price });
    }
    for (number, robot) in draft.facts.robots.iter().enumerate() {
        for aboard in &robot.outlook.aboard {
            let price = (64 << 30) * problem.weight(aboard.priority);
            pieces.push(Piece {
                task: aboard.task,
                aboard: true,
                stops: vec![&aboard.delivery],
                robots: vec![number],
                price,
            });
        }
    }
    let mut tours = vec![Vec::new(); draft.facts.robots.len()];
    place(draft, &problem, &pieces, &mut tours, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    /// What is found costs what the best of all there is costs, after some steps; never less, and with batteries neither.
    #[test]
    fn small_problems_are_solved(draft in drafts(SMALL), powered in drafts(SMALL_POWERED)) {
        let plan = draft.planned(300);
        prop_assert_eq!(draft.problem().check(&plan), Ok(plan.cost));
        prop_assert_eq!(plan.cost.total(), least_of_all(&draft));
        let plan = powered.planned(100);
        prop_assert_eq!(powered.problem().check(&plan), Ok(plan.cost));
        // A way over a charger is two, whose energy is rounded down twice.
        let visits = plan.routes.iter().flat_map(|route| &route.visits);
        let charges = visits.filter(|visit| matches!(visit.work, Work::Charge { .. })).count();
        prop_assert!(least_of_all(&powered) <= plan.cost.total() + i64::try_from(charges).unwrap());
    }

    /// After every step the plan keeps every rule, batteries and loads included, and costs no more than before; interrupted or
    /// sent elsewhere in between, it comes to the same.
    #[test]
    fn steps_keep_the_rules_and_never_make_it_worse(draft in drafts(LARGE), pause in 1..40_u64) {
        let mut job = PlanJob::new(draft.problem(), &Plan::default(), 3);
        let mut whole = job.clone();
        let mut known = i64::MAX;
        for _ in 0..4 {
            let plan = job.best();
            prop_assert_eq!(draft.problem().check(&plan), Ok(plan.cost));
            prop_assert_eq!(plan.cost.total(), job.progress().cost);
            prop_assert!(plan.cost.total() <= known);
            known = plan.cost.total();
            job.step(pause);
            job = job.clone();
        }
        prop_assert_eq!(whole.step(4 * pause), job.progress());
        prop_assert_eq!(whole.best(), job.best());
    }

    /// Tasks, robots, who may do what and chargers may be given in any order.
    #[test]
    fn order_does_not_matter(
        (draft, wanted, robots) in drafts(LARGE).prop_flat_map(|draft| {
            let (wanted, robots) = (draft.facts.wanted.clone(), draft.facts.robots.clone());
            (Just(draft), Just(wanted).prop_shuffle(), Just(robots).prop_shuffle())
        }),
    ) {
        let mut turned = draft.clone();
        (turned.facts.wanted, turned.facts.robots) = (wanted, robots);
        turned.facts.wanted.iter_mut().for_each(|wanted| wanted.may.reverse());
        turned.facts.chargers.reverse();
        prop_assert_eq!(draft.planned(60), turned.planned(60));
        let (mut one, mut other) = (Rolling::default(), Rolling::default());
        let decide = |rolling: &mut Rolling, draft: &Draft| {
            let question = Question { now_ms: NOW_MS, tasks: &draft.open(), agents: &draft.ready() };
            rolling.decide(&question, &mut draft.clone())
        };
        prop_assert_eq!(decide(&mut one, &draft), decide(&mut other, &turned));
        prop_assert_eq!(one.plan(), other.plan());
    }

    /// A plan holds for the facts it was made of. Told that it holds no more, what is left of it keeps the rules with what it
    /// lacks put in, and whatever plan it starts from, a job keeps them.
    #[test]
    fn what_is_left_of_a_plan_is_gone_on_with(draft in drafts(LARGE), other in drafts(LARGE), steps in 0..30_u64) {
        let plan = draft.planned(40);
        prop_assert_eq!(plan.still_holds(&draft.problem(), 0), []);
        let later = other.problem();
        let left = plan.clone().without(&plan.still_holds(&later, 1_000));
        let is_behind = |breach: &Breach| matches!(breach, Breach::Behind { .. });
        prop_assert!(left.still_holds(&later, 1_000).iter().all(is_behind));
        for start in [&plan, &left] {
            let mut job = PlanJob::new(other.problem(), start, 1);
            job.step(steps);
            prop_assert_eq!(later.check(&job.best()), Ok(job.best().cost));
        }
    }

    /// A policy that has a plan of yesterday, and one of another world, begins only what may begin: each task and agent once, agents
    /// that are free and may, at the times that they are there.
    #[test]
    fn a_stale_plan_begins_nothing_that_may_not_begin(
        draft in drafts(LARGE), other in drafts(LARGE), steps in 0..60_u64, is_known in any::<bool>(),
    ) {
        let mut rolling = Rolling::default();
        if is_known {
            let question = Question { now_ms: NOW_MS, tasks: &other.open(), agents: &other.ready() };
            rolling.decide(&question, &mut other.clone());
        }
        rolling.adopt(other.planned(steps));
        let question = Question { now_ms: NOW_MS, tasks: &draft.open(), agents: &draft.ready() };
        let choices = rolling.decide(&question, &mut draft.clone());
        let tasks: BTreeSet<u32> = choices.iter().map(|choice| choice.task).collect();
        let agents: BTreeSet<u32> = choices.iter().map(|choice| choice.agent).collect();
        prop_assert_eq!((tasks.len(), agents.len()), (choices.len(), choices.len()));
        for Choice { task, agent, at_ms } in choices {
            let mut found = Vec::new();
            draft.clone().nearest(task, usize::MAX, &mut found);
            let told = Arrival { at_ms, agent };
            prop_assert!(found.contains(&told));
            prop_assert!(draft.facts.robots.iter().any(|it| it.ready.agent == agent && it.ready.free_ms <= NOW_MS));
        }
        // What is left is planned for what is left.
        let job = rolling.job().unwrap();
        prop_assert_eq!(job.problem().check(&job.best()), Ok(job.best().cost));
        prop_assert!(rolling.plan().still_holds(job.problem(), u64::MAX).is_empty());
    }

    /// Where nobody tells more, everything is as the batch decides it.
    #[test]
    fn without_prospects_the_batch_decides(draft in drafts(LARGE)) {
        struct Silent(Draft);
        impl Arrivals for Silent {
            fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
                self.0.nearest(task, most, found)
            }
        }
        let question = Question { now_ms: NOW_MS, tasks: &draft.open(), agents: &draft.ready() };
        let mut rolling = Rolling::default();
        let choices = rolling.decide(&question, &mut Silent(draft.clone()));
        prop_assert_eq!(choices, BatchOptimal::default().decide(&question, &mut Silent(draft)));
        prop_assert!(rolling.job().is_none());
    }

    /// Any change to a plan is found.
    #[test]
    fn every_change_to_a_plan_is_found(draft in drafts(LARGE), pick in any::<usize>(), kind in 0..8) {
        let problem = draft.problem();
        let plan = draft.planned(20);
        let mut changed = plan.clone();
        let count = changed.routes.len();
        let Some(route) = changed.routes.get_mut(pick % count.max(1)) else { return Ok(()) };
        let stops = route.visits.len();
        let visit = &mut route.visits[pick / 7 % stops];
        match kind {
            0 => visit.arrive_ms += 1,
            1 => visit.begin_ms -= 1,
            2 => visit.leave_ms += 1_000,
            3 => visit.level_ppm = visit.level_ppm.wrapping_sub(1),
            4 => drop(route.visits.remove(pick / 7 % stops)),
            5 => route.visits.extend(route.visits.first().copied()),
            6 => changed.cost.wait_ms -= 1,
            _ => changed.unserved.push(u32::try_from(pick % 20).unwrap()),
        }
        prop_assert!(problem.check(&changed).is_err(), "{changed:?}");
    }

    /// The largest values there may be overflow nothing.
    #[test]
    fn the_largest_values_do_no_harm(draft in drafts(LARGE), huge in prop::collection::vec(any::<bool>(), 12)) {
        let mut draft = draft;
        for wanted in &mut draft.facts.wanted {
            if huge[0] { wanted.open.requested_ms = 0 }
            if huge[1] { wanted.open.due_ms = Some(0) }
            if huge[2] { wanted.errand.pickup.takes_ms = u64::MAX }
            if huge[3] { wanted.errand.pickup.ready_ms = u64::MAX }
            if huge[4] { wanted.errand.load = u32::MAX }
            if huge[5] { wanted.open.requested_ms = u64::MAX }
        }
        for robot in &mut draft.facts.robots {
            if huge[6] { robot.ready.free_ms = u64::MAX }
            if huge[7] { robot.ready.drain_ppm_per_s = u32::MAX }
            if huge[8] { robot.outlook.room = u32::MAX }
            if huge[9] { robot.outlook.until_ms = Some(u64::MAX) }
        }
        if huge[10] { draft.facts.now_ms = u64::MAX - 1 }
        if huge[11] { draft.facts.weights = Weights { late: u32::MAX, energy_ms_per_percent: u32::MAX, busy_ms: u32::MAX } }
        let mut job = PlanJob::new(draft.problem(), &Plan::default(), 3);
        let before = job.progress().cost;
        prop_assert!(0 <= before && job.step(30).cost <= before);
        let now_ms = draft.facts.now_ms;
        let question = Question { now_ms, tasks: &draft.open(), agents: &draft.ready() };
        prop_assert!(Rolling::default().decide(&question, &mut draft.clone()).len() <= draft.facts.wanted.len());
    }
}

/// The properties above mean something only if drawn facts lead to charges, waits, loads together and tasks that are left.
#[test]
fn drawn_facts_reach_what_is_promised_about() {
    let mut runner = TestRunner::deterministic();
    let [mut charges, mut waits, mut together, mut left, mut late, mut loads] = [0; 6];
    for _ in 0..200 {
        let draft = drafts(LARGE).new_tree(&mut runner).unwrap().current();
        let plan = draft.planned(20);
        let visits = plan.routes.iter().flat_map(|route| &route.visits);
        charges += visits.clone().filter(|visit| matches!(visit.work, Work::Charge { .. })).count();
        waits += visits.clone().filter(|visit| visit.arrive_ms < visit.begin_ms).count();
        let begins = |visit: &Visit| matches!(visit.work, Work::Begin { .. });
        let paired = |work: Work| match work {
            Work::Begin { task } => {
                draft.facts.wanted.iter().any(|it| it.open.task == task && it.errand.delivery.is_some())
            }
            Work::Deliver { .. } | Work::Charge { .. } => false,
        };
        let two = |pair: &[Visit]| paired(pair[0].work) && begins(&pair[1]);
        together += plan.routes.iter().filter(|route| route.visits.windows(2).any(two)).count();
        left += plan.unserved.len();
        late += usize::from(0 < plan.cost.late_ms);
        loads += visits.filter(|visit| matches!(visit.work, Work::Deliver { task } if 500 <= task)).count();
    }
    let counts = [charges, waits, together, left, late, loads];
    assert!(counts.iter().all(|count| 20 < *count), "{counts:?}");
}

/// A robot at place 0 of a line, a second from place to place, with things to be brought.
fn line(errands: &[[u32; 2]], room: u32, power: Option<Power>) -> Draft {
    let way = |from: u64| (0..30).map(|to: u64| Some(from.abs_diff(to) * SECOND)).collect();
    let wanted = (0..).zip(errands).map(|(task, [from, to])| {
        let errand = Errand { pickup: Stop::at(*from, 0), delivery: Some(Stop::at(*to, 0)), load: 1 };
        Wanted { open: Open::new(task, NOW_MS), errand, may: vec![0] }
    });
    let ready = Ready { drain_ppm_per_s: if power.is_some() { 20_000 } else { 0 }, ..Ready::new(0, NOW_MS) };
    let robot = Robot {
        ready,
        outlook: Outlook { place: 0, travel: 0, room, until_ms: None, aboard: Vec::new(), power },
    };
    let facts = Facts {
        now_ms: NOW_MS,
        wanted: wanted.collect(),
        robots: vec![robot],
        chargers: if power.is_some() { vec![0, 20] } else { Vec::new() },
        weights: Weights::default(),
    };
    Draft { facts, ways: vec![(0..30).map(way).collect()] }
}

fn works(plan: &Plan) -> Vec<Work> {
    plan.routes.iter().flat_map(|route| &route.visits).map(|visit| visit.work).collect()
}

#[test]
fn what_is_on_the_way_is_taken_along_where_there_is_room() {
    let (begin, deliver) = (|task| Work::Begin { task }, |task| Work::Deliver { task });
    let errands = [[5, 20], [10, 19]];
    let plan = line(&errands, 2, None).planned(50);
    assert_eq!(works(&plan), [begin(0), begin(1), deliver(1), deliver(0)]);
    assert_eq!(plan.cost.total(), 15_000);
    let plan = line(&errands, 1, None).planned(50);
    assert_eq!(works(&plan), [begin(0), deliver(0), begin(1), deliver(1)]);
    assert_eq!(plan.cost.total(), 5_000 + 30_000);
}

#[test]
fn a_robot_charges_before_it_must_turn_back_empty() {
    // 20 s to the far charger take 40 %, so that with half a charge and a reserve of a tenth the second errand is too much.
    let power =
        Power { level_ppm: 500_000, reserve_ppm: 100_000, gain_ppm_per_s: 50_000, charge_to_ppm: 800_000 };
    let draft = line(&[[5, 15], [25, 29]], 1, Some(power));
    let plan = draft.planned(50);
    let (begin, deliver) = (|task| Work::Begin { task }, |task| Work::Deliver { task });
    let charge = Work::Charge { place: 20 };
    assert_eq!(works(&plan), [begin(0), deliver(0), charge, begin(1), deliver(1)]);
    // It comes with 10 % after 20 s, and stays until 80 %.
    let visit = plan.routes[0].visits[2];
    assert_eq!(
        (visit.arrive_ms, visit.leave_ms, visit.level_ppm),
        (NOW_MS + 20_000, NOW_MS + 34_000, 800_000)
    );
    assert_eq!(draft.problem().check(&plan), Ok(plan.cost));
    // One that can be filled only so slowly, or never, leaves what it cannot do.
    let plan = line(&[[5, 15], [25, 29]], 1, Some(Power { gain_ppm_per_s: 0, ..power })).planned(50);
    assert_eq!((works(&plan), plan.unserved), (vec![begin(0), deliver(0)], vec![1]));
}

#[test]
fn loads_on_board_are_brought_and_what_vanished_is_let_go() {
    let mut draft = line(&[[5, 20], [10, 19]], 1, None);
    let aboard = Aboard { task: 9, priority: 0, delivery: Stop::at(2, 0), load: 1 };
    draft.facts.robots[0].outlook.aboard.push(aboard);
    let plan = draft.planned(30);
    assert_eq!(works(&plan)[0], Work::Deliver { task: 9 });
    let (mut gone, mut barred, mut moved, mut empty) =
        (draft.clone(), draft.clone(), draft.clone(), draft.clone());
    gone.facts.wanted.remove(0);
    barred.facts.wanted[1].may.clear();
    moved.facts.robots[0].outlook.place = 29;
    empty.facts.robots.clear();
    let breaches = |draft: &Draft| plan.still_holds(&draft.problem(), 10_000);
    assert_eq!(breaches(&gone), [Breach::TaskGone { agent: 0, task: 0 }]);
    assert_eq!(breaches(&barred), [Breach::MayNot { agent: 0, task: 1 }]);
    assert_eq!(breaches(&moved), [Breach::Behind { agent: 0, by_ms: Some(25_000) }]);
    assert_eq!(breaches(&empty), [Breach::AgentGone { agent: 0 }]);
}

#[test]
fn what_may_begin_later_is_not_begun_before() {
    let mut draft = line(&[[5, 20]], 1, None);
    draft.facts.wanted[0].errand.pickup.ready_ms = NOW_MS + 60_000;
    let mut rolling = Rolling::default();
    let mut decide = |draft: &Draft| {
        let question = Question { now_ms: draft.facts.now_ms, tasks: &draft.open(), agents: &draft.ready() };
        (rolling.decide(&question, &mut draft.clone()), rolling.wakes_ms())
    };
    assert_eq!(decide(&draft), (Vec::new(), Some(NOW_MS + 55_000)));
    draft.facts.now_ms = NOW_MS + 55_000;
    assert_eq!(decide(&draft).0, [Choice { task: 0, agent: 0, at_ms: NOW_MS + 60_000 }]);
}

#[test]
fn nonsense_is_refused() {
    let draft = line(&[[5, 20], [10, 19]], 1, None);
    let refused = |change: &dyn Fn(&mut Facts)| {
        let mut changed = draft.clone();
        change(&mut changed.facts);
        changed.facts.clone().problem(&mut changed).err()
    };
    assert_eq!(refused(&|_| ()), None);
    assert_eq!(refused(&|facts| facts.wanted[1].open.task = 0), Some(FactsError::TaskTwice { task: 0 }));
    let again = |facts: &mut Facts| facts.robots.push(facts.robots[0].clone());
    assert_eq!(refused(&again), Some(FactsError::RobotTwice { agent: 0 }));
    let nowhere = |facts: &mut Facts| facts.wanted[0].errand.pickup.places.clear();
    assert_eq!(refused(&nowhere), Some(FactsError::NoPlace { task: 0 }));
    let many = |facts: &mut Facts| facts.wanted.resize(PIECES_MAX + 1, facts.wanted[0].clone());
    assert_eq!(refused(&many), Some(FactsError::Pieces { pieces: PIECES_MAX + 1 }));
    let robots = |facts: &mut Facts| facts.robots.resize(ROBOTS_MAX + 1, facts.robots[0].clone());
    assert_eq!(refused(&robots), Some(FactsError::Robots { robots: ROBOTS_MAX + 1 }));
}
