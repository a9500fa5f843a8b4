//! Plans: valid, deterministic, within budget, found whenever there is one.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;
use sheepdog_core::{AgentId, LaneId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{AMPLE, SPEEDS, draws, line, problem, problems, robot, robots, site, sites, worker};
use crate::{
    HopGraph, Plan, PlanRobot, PlannedMove, Planner, Problem, TRF_002, TRF_003, TRF_004, TRF_006, TRF_007,
    TRF_008, TRF_009, validate,
};

fn plan(site: &std::sync::Arc<CompiledSite>, problem: &Problem, budget: u32) -> Plan {
    let plan = Planner::new(site.clone(), &SPEEDS).plan(problem, budget);
    assert_eq!(validate(site, problem, &plan), Ok(()));
    plan
}

/// Breadth first over all configurations: whether every robot can make its visits and be at its goal with the others.
fn solvable(site: &CompiledSite, robots: &[PlanRobot]) -> bool {
    let graph = HopGraph::new(site, 0, SPEEDS[0]).unwrap();
    let class = &site.classes()[0];
    let serve = |robot: &PlanRobot, at: WaypointId, mut visited: usize| {
        while robot.visits.get(visited).is_some_and(|visit| visit.place == at) {
            visited += 1;
        }
        (at, visited)
    };
    let start: Vec<(WaypointId, usize)> = robots.iter().map(|robot| serve(robot, robot.at, 0)).collect();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut queue = VecDeque::from([start]);
    while let Some(state) = queue.pop_front() {
        let done = |(robot, (at, visited)): (&PlanRobot, &(WaypointId, usize))| {
            robot.visits.len() == *visited && robot.goal.is_none_or(|goal| goal == *at)
        };
        if robots.iter().zip(&state).all(done) {
            return true;
        }
        for mover in 0..state.len() {
            for hop in graph.hops_from(state[mover].0) {
                let apart = |(index, (place, _)): (usize, &(WaypointId, usize))| {
                    index == mover || class.at(*place).iter().all(|id| !graph.claims(hop).contains(id))
                };
                if state.iter().enumerate().all(apart) {
                    let mut next = state.clone();
                    next[mover] = serve(&robots[mover], hop.to, state[mover].1);
                    if seen.insert(next.clone()) {
                        queue.push_back(next);
                    }
                }
            }
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the problem, the checker accepts the answer, the budget holds, and the answer does not depend on
    /// what was planned before.
    #[test]
    fn every_plan_is_valid_and_repeatable((site, problem) in problems(), budget in 0..20_000_u32) {
        let mut planner = Planner::new(site.clone(), &SPEEDS);
        let first = planner.plan(&problem, budget);
        prop_assert_eq!(validate(&site, &problem, &first), Ok(()));
        prop_assert!(first.steps_used <= budget);
        prop_assert_eq!(&planner.plan(&problem, budget), &first);
        // One that has planned for the same goals with nothing closed.
        let mut open = problem.clone();
        open.blocked.clear();
        let mut planner = Planner::new(site, &SPEEDS);
        planner.plan(&open, budget / 4);
        prop_assert_eq!(&planner.plan(&problem, budget), &first);
    }

    /// With a large budget the planner serves everybody exactly when that is possible at all.
    #[test]
    fn small_problems_are_solved_exactly_when_they_can_be(
        site in sites(4, 2),
        draws in draws(1..=3),
    ) {
        let mut robots = robots(&site, &draws);
        let class = &site.classes()[0];
        let mut taken = BTreeSet::new();
        for robot in &mut robots {
            robot.class = 0;
            // Goals that overlap are another test's matter.
            robot.goal = robot.goal.filter(|&goal| class.at(goal).iter().all(|id| taken.insert(*id)));
        }
        let possible = solvable(&site, &robots);
        let plan = plan(&site, &problem(robots), AMPLE);
        prop_assert_eq!(plan.unserved.is_empty(), possible, "{:?}", plan.unserved);
    }

    /// Whoever is served by the plan there is stays served, with next to no budget.
    #[test]
    fn a_plan_is_carried_on_with((site, problem) in problems()) {
        let mut planner = Planner::new(site.clone(), &SPEEDS);
        let first = planner.plan(&problem, 20_000);
        if !first.unserved.is_empty() {
            return Ok(());
        }
        let budget = 16 * u32::try_from(first.moves.len() + 8).unwrap();
        let again = Problem { pending: first.moves, ..problem };
        let second = planner.plan(&again, budget);
        prop_assert_eq!(validate(&site, &again, &second), Ok(()));
        prop_assert_eq!(second.unserved, []);
    }

    /// A plan that covers less is valid too; whose way it leaves to the next one comes nearer, and plans that follow each
    /// other get everybody there whom one plan serves.
    #[test]
    fn long_ways_are_planned_in_parts((site, problem) in problems()) {
        let whole = Planner::new(site.clone(), &SPEEDS).plan(&problem, AMPLE);
        let mut planner = Planner::new(site.clone(), &SPEEDS).covering(2, 0);
        let mut problem = problem;
        for _ in 0..24 {
            let plan = planner.plan(&problem, AMPLE);
            prop_assert_eq!(validate(&site, &problem, &plan), Ok(()));
            let ahead: Vec<AgentId> =
                plan.unserved.iter().filter(|unserved| unserved.rule == TRF_009).map(|unserved| unserved.agent).collect();
            if ahead.is_empty() {
                prop_assert!(!whole.unserved.is_empty() || plan.unserved.is_empty(), "{:?}", plan.unserved);
                return Ok(());
            }
            for robot in &mut problem.robots {
                for step in plan.moves.iter().filter(|step| step.agent == robot.agent) {
                    match step.lanes.last() {
                        Some(&lane) => robot.at = site.lane(lane).unwrap().to,
                        None => drop(robot.visits.remove(0)),
                    }
                }
            }
        }
        prop_assert!(!whole.unserved.is_empty(), "everybody should be there by now");
    }

    /// However little may be looked at, and whatever was planned before, the budget holds and the answer is valid.
    #[test]
    fn the_budget_holds_beside_an_old_plan((site, problem) in problems(), (_, other) in problems(), budget in 0..60_u32) {
        let mut planner = Planner::new(site.clone(), &SPEEDS);
        let pending = planner.plan(&other, AMPLE).moves;
        let problem = Problem { pending, ..problem };
        let plan = planner.plan(&problem, budget);
        prop_assert_eq!(validate(&site, &problem, &plan), Ok(()));
        prop_assert!(plan.steps_used <= budget);
    }

    /// What was planned before may be anything.
    #[test]
    fn nonsense_that_was_planned_before_is_harmless(
        (site, problem) in problems(),
        (_, other) in problems(),
        lanes in proptest::collection::vec((0..22_u32, proptest::collection::vec(0..40_u32, 0..3)), 0..12),
    ) {
        let mut pending = Planner::new(site.clone(), &SPEEDS).plan(&other, 500).moves;
        pending.extend(lanes.into_iter().map(|(agent, lanes)| PlannedMove {
            agent: AgentId(agent),
            lanes: lanes.into_iter().map(LaneId).collect(),
        }));
        let problem = Problem { pending, ..problem };
        plan(&site, &problem, 5_000);
    }
}

#[test]
fn robots_work_at_one_place_in_turn() {
    // 0 - 1 - 2 with dead ends 1 - 3, where all of them have to work, and 1 - 4.
    let lanes = [(0, 1, true, None), (1, 2, true, None), (1, 3, true, None), (1, 4, true, None)];
    let site = site(&[(0, 0), (1, 0), (2, 0), (1, 1), (1, -1)], &lanes);
    let problem = problem(vec![worker(1, 0, &[3]), worker(2, 3, &[3, 0]), worker(3, 2, &[3, 2])]);
    let plan = plan(&site, &problem, AMPLE);
    assert_eq!(plan.unserved, []);
    let visits: Vec<u32> =
        plan.moves.iter().filter(|step| step.is_visit()).map(|step| step.agent.0).collect();
    assert_eq!(visits.len(), 5);
    // Who stands there already works before it leaves.
    assert_eq!(visits[0], 2);
}

#[test]
fn an_arrival_is_worth_a_detour_of_somebody_idle_but_no_work_is_interrupted() {
    let site = line(4);
    let problem = problem(vec![worker(1, 1, &[1]), worker(2, 0, &[2])]);
    let plan = plan(&site, &problem, AMPLE);
    assert_eq!(plan.unserved, []);
    let first_move = plan.moves.iter().position(|step| step.agent.0 == 1 && !step.is_visit()).unwrap();
    let visit = plan.moves.iter().position(|step| step.agent.0 == 1 && step.is_visit()).unwrap();
    assert!(visit < first_move);
}

#[test]
fn robots_pass_each_other_at_a_pocket_and_not_without() {
    // 0 - 1 - 2 - 3 - 4 with a pocket at 2.
    let lanes =
        [(0, 1, true, None), (1, 2, true, None), (2, 3, true, None), (3, 4, true, None), (2, 5, true, None)];
    let pocket = site(&[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (2, 1)], &lanes);
    let swap = problem(vec![robot(1, 0, Some(4)), robot(2, 4, Some(0))]);
    assert!(plan(&pocket, &swap, AMPLE).unserved.is_empty());

    let rules = |problem: &Problem| {
        let plan = plan(&line(5), problem, AMPLE);
        (
            plan.moves.is_empty(),
            plan.unserved.iter().map(|robot| (robot.agent.0, robot.rule)).collect::<Vec<_>>(),
        )
    };
    assert_eq!(rules(&swap), (true, vec![(1, TRF_008), (2, TRF_008)]));
    // One of the two can be served here: the more urgent.
    let mut part = problem(vec![robot(1, 0, Some(3)), robot(2, 4, Some(0))]);
    assert_eq!(rules(&part), (false, vec![(2, TRF_003)]));
    part.robots[1] = robot(2, 4, Some(1));
    part.robots[1].priority = 1;
    assert_eq!(rules(&part), (false, vec![(1, TRF_003)]));
}

#[test]
fn a_robot_leaves_a_dead_end_for_the_one_that_needs_it() {
    // A ring 0-1-2-3 with a dead end 1-4-5: robot 2 sits at the end, and robot 1 wants to be there.
    let lanes = [
        (0, 1, true, None),
        (1, 2, true, None),
        (2, 3, true, None),
        (3, 0, true, None),
        (1, 4, true, None),
        (4, 5, true, None),
    ];
    let dead_end = site(&[(0, 1), (1, 1), (1, 2), (0, 2), (1, 0), (1, -1)], &lanes);
    for goal in [None, Some(4), Some(1), Some(0)] {
        let problem = problem(vec![robot(1, 4, Some(5)), robot(2, 5, goal)]);
        assert!(plan(&dead_end, &problem, AMPLE).unserved.is_empty(), "{goal:?}");
    }
}

#[test]
fn an_undisturbed_robot_takes_the_shortest_way_and_nobody_else_moves() {
    let site = line(6);
    let plan =
        plan(&site, &problem(vec![robot(1, 1, Some(4)), robot(2, 0, None), robot(3, 5, Some(5))]), AMPLE);
    assert_eq!(plan.moves.len(), 3);
    assert!(plan.moves.iter().all(|step| step.agent.0 == 1));
}

/// The less urgent robot has a plan already, and its goal is beyond that of the other on a line without a pocket.
#[test]
fn who_is_urgent_is_served_before_who_was_first() {
    let site = line(5);
    let lax = robot(1, 0, Some(3));
    let pending = plan(&site, &problem(vec![lax.clone(), robot(2, 4, None)]), AMPLE).moves;
    assert_eq!(pending.len(), 3);
    let urgent = PlanRobot { priority: 1, ..robot(2, 4, Some(1)) };
    let problem = Problem { pending, ..problem(vec![lax, urgent]) };
    let plan = plan(&site, &problem, AMPLE);
    let unserved: Vec<_> = plan.unserved.iter().map(|unserved| (unserved.agent, unserved.rule)).collect();
    assert_eq!(unserved, [(AgentId(1), TRF_003)]);
}

#[test]
fn of_overlapping_goals_the_most_urgent_is_kept() {
    let mut urgent = robot(2, 4, Some(2));
    urgent.priority = 1;
    let problem = problem(vec![robot(1, 0, Some(2)), urgent]);
    let plan = plan(&line(5), &problem, AMPLE);
    let refused: Vec<_> = plan.unserved.iter().map(|robot| (robot.agent.0, robot.rule)).collect();
    assert_eq!(refused, [(1, TRF_004)]);
    assert_eq!(plan.unserved[0].by.map(|agent| agent.0), Some(2));
    // It waits next to the goal, not where it was.
    assert!(plan.moves.iter().any(|step| step.agent.0 == 1));
}

#[test]
fn every_refusal_cites_its_rule() {
    let site = line(5);
    let rules = |problem: &Problem, budget| {
        let plan = plan(&site, problem, budget);
        plan.unserved.iter().map(|robot| (robot.agent.0, robot.rule)).collect::<Vec<_>>()
    };
    let mut behind = problem(vec![robot(1, 2, Some(3)), worker(2, 0, &[1, 4]), worker(3, 4, &[2])]);
    behind.blocked.extend(site.classes()[0].at(WaypointId(2)));
    assert_eq!(rules(&behind, AMPLE), [(1, TRF_006), (2, TRF_002), (3, TRF_004)]);
    let unknown = robot(1, 99, Some(0));
    let twice = problem(vec![unknown, robot(2, 0, Some(1)), robot(2, 3, Some(4))]);
    let plan = Planner::new(site.clone(), &SPEEDS).plan(&twice, AMPLE);
    assert!(plan.moves.is_empty() && plan.unserved.iter().all(|robot| robot.rule == TRF_006));
    assert_eq!(rules(&problem(vec![robot(1, 0, Some(99))]), AMPLE), [(1, TRF_002)]);
    assert_eq!(rules(&problem(vec![robot(1, 0, Some(3))]), 0), [(1, TRF_008)]);
}

#[test]
fn a_corridor_is_one_hop_and_no_goal_lies_in_it() {
    let lanes = [(0, 1, true, None), (1, 2, true, Some(1)), (2, 3, true, Some(1)), (3, 4, true, None)];
    let points: Vec<(i16, i16)> = (0..5).map(|x| (x, 0)).collect();
    let site = site(&points, &lanes);
    let graph = HopGraph::new(&site, 0, SPEEDS[0]).unwrap();
    assert!(!graph.may_stop(WaypointId(2)));
    let through: Vec<_> =
        graph.hops_from(WaypointId(1)).iter().filter(|hop| hop.to == WaypointId(3)).collect();
    assert_eq!(through.len(), 1);
    assert_eq!(graph.lanes(through[0]).len(), 2);
    // Two lanes of 1.5 m at 1 m/s.
    assert_eq!(through[0].time.as_millis(), 3_000);
    // A robot that was stranded inside gets out by itself, and nobody is sent in to stay.
    let stranded = problem(vec![robot(1, 2, None), robot(2, 0, Some(2))]);
    let plan = plan(&site, &stranded, AMPLE);
    assert_eq!(plan.unserved.iter().map(|robot| robot.rule).collect::<Vec<_>>(), [TRF_007]);
    assert!(plan.moves.iter().any(|step| step.agent.0 == 1));
}

#[test]
fn a_class_without_speed_has_no_hops() {
    let site = line(2);
    assert!(HopGraph::new(&site, 0, sheepdog_core::MmPerS::ZERO).is_none());
    assert!(HopGraph::new(&site, 2, SPEEDS[0]).is_none());
    let problem = problem(vec![robot(1, 0, Some(1))]);
    let plan = Planner::new(site.clone(), &[]).plan(&problem, AMPLE);
    assert_eq!(plan.unserved[0].rule, TRF_006);
    assert_eq!(validate(&site, &problem, &plan), Ok(()));
}

/// When every visit of a plan is done if each move starts as soon as its robot and its claims are free, in seconds.
fn completions(planner: &Planner, problem: &Problem, plan: &Plan) -> u64 {
    let graph = planner.graph(0).unwrap();
    let who = |agent| problem.robots.iter().position(|robot| robot.agent == agent).unwrap();
    let mut at: Vec<WaypointId> = problem.robots.iter().map(|robot| robot.at).collect();
    let (mut ready, mut visited) = (vec![0_u64; at.len()], vec![0; at.len()]);
    let mut free = std::collections::BTreeMap::new();
    let mut sum = 0;
    for step in &plan.moves {
        let who = who(step.agent);
        if step.is_visit() {
            ready[who] += problem.robots[who].visits[visited[who]].work.as_micros();
            visited[who] += 1;
            sum += ready[who];
            continue;
        }
        let hop = graph.hops_from(at[who]).iter().find(|hop| *graph.lanes(hop) == *step.lanes).unwrap();
        let claims = graph.claims(hop);
        let start = claims.iter().filter_map(|id| free.get(id).copied()).fold(ready[who], u64::max);
        ready[who] = start + hop.time.as_micros();
        at[who] = hop.to;
        free.extend(claims.iter().map(|id| (*id, ready[who])));
    }
    sum / 1_000_000
}

/// A ring with spurs, eight robots with two places each: without refining the plan is worse.
#[test]
fn refining_is_worth_its_steps() {
    let ring =
        [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (3, 2), (2, 2), (1, 2), (0, 2), (0, 1)];
    let spurs = [(1, -1), (3, -1), (5, 1), (3, 3), (1, 3), (-1, 1)];
    let points: Vec<(i16, i16)> = ring.iter().chain(&spurs).copied().collect();
    let mut lanes: Vec<_> = (0..12).map(|from| (from, (from + 1) % 12, true, None)).collect();
    lanes.extend([1, 3, 5, 7, 9, 11].iter().zip(12..).map(|(&from, to)| (from, to, true, None)));
    let site = site(&points, &lanes);
    let robots = [
        worker(1, 0, &[14, 17]),
        worker(2, 2, &[17, 15]),
        worker(3, 4, &[16, 12]),
        worker(4, 6, &[12, 14]),
        worker(5, 8, &[13, 16]),
        worker(6, 10, &[15, 13]),
        worker(7, 12, &[14, 3]),
        worker(8, 15, &[9, 12]),
    ];
    let problem = problem(robots.to_vec());
    let mut planner = Planner::new(site.clone(), &SPEEDS);
    let plan = planner.plan(&problem, 100_000);
    assert_eq!((validate(&site, &problem, &plan), plan.unserved.len()), (Ok(()), 0));
    let sum = completions(&planner, &problem, &plan);
    assert!(sum <= 1_700, "{sum} s; 1 652 s when this was written, 1 756 s without refining");
}

#[test]
fn corners_cost_time_and_straight_ways_do_not() {
    let lanes = [(0, 1, true, None), (1, 2, true, None), (1, 3, true, None)];
    let site = site(&[(0, 0), (1, 0), (2, 0), (1, 1)], &lanes);
    let graph = HopGraph::new(&site, 0, SPEEDS[0]).unwrap();
    let hop = |from, to: u32| {
        graph.out_range(from).find(|&id| graph.hop(id).unwrap().to == WaypointId(to)).unwrap()
    };
    assert_eq!(graph.turn(hop(0, 1), hop(1, 2)), 0);
    let (corner, back) = (graph.turn(hop(0, 1), hop(1, 3)), graph.turn(hop(0, 1), hop(1, 0)));
    assert!(1_500_000 < corner && corner + 1_500_000 < back, "{corner} {back}");
}

/// Around a one-way lane the first part of a way may shut out the rest: such a plan covers all of it at once.
#[test]
fn a_part_of_a_way_does_not_shut_out_the_rest() {
    // A large robot and two others want the same corner, of two rings with one-way lanes.
    let points = [(2, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (3, 3)];
    let lanes = [
        (1, 2, false, None),
        (1, 4, true, Some(0)),
        (2, 3, true, Some(0)),
        (3, 6, false, None),
        (4, 5, false, None),
        (4, 7, true, Some(0)),
        (5, 6, true, Some(0)),
        (5, 8, false, None),
        (7, 8, true, Some(1)),
    ];
    let site = site(&points, &lanes);
    let robots = vec![
        PlanRobot { class: 1, ..robot(0, 1, None) },
        PlanRobot { goal: Some(WaypointId(6)), ..worker(3, 2, &[1]) },
        PlanRobot { class: 1, ..worker(6, 3, &[1]) },
    ];
    let problem = problem(robots);
    let plan = Planner::new(site.clone(), &SPEEDS).covering(2, 0).plan(&problem, AMPLE);
    assert_eq!(validate(&site, &problem, &plan), Ok(()));
    assert_eq!(plan.unserved, []);
}
