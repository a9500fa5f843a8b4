//! The executor under random delays: exclusion and progress at every event.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{collection::vec, prelude::*};
use sheepdog_core::{AgentId, Mm, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{AMPLE, SPEEDS, line, moves, problem, problems, robot, site, worker};
use crate::{
    CertificateFault, Executor, Integration, Outsider, OutsiderError, Plan, Planner, Problem, Snapshot,
    TRF_011, TRF_012, TRF_013, Withheld, check_certificate,
};

/// One event: a kind, an agent and an amount, each reduced to what is possible.
type Event = (u8, usize, u32);

fn events() -> impl Strategy<Value = Vec<Event>> {
    vec((0..11_u8, any::<usize>(), 0..4_u32), 0..40)
}

fn placed(site: &Arc<CompiledSite>, problem: &Problem) -> Executor {
    let mut executor = Executor::new(site.clone());
    for robot in &problem.robots {
        executor.place(robot.agent, robot.class, robot.at).unwrap();
    }
    executor
}

fn plan(site: &Arc<CompiledSite>, problem: &Problem) -> Plan {
    Planner::new(site.clone(), &SPEEDS).plan(problem, 30_000)
}

fn apply(executor: &mut Executor, problem: &Problem, (kind, who, amount): Event) {
    let Some(robot) = problem.robots.get(who % problem.robots.len().max(1)) else {
        return;
    };
    let done = executor.done(robot.agent).unwrap();
    let ahead = u32::try_from(executor.granted(robot.agent).len()).unwrap();
    match kind {
        0..=2 => {
            for grant in executor.grant(Mm(amount * 1_500)) {
                let granted = executor.granted(grant.agent);
                assert!(granted.ends_with(&grant.lanes));
                let before = granted.len() - grant.lanes.len();
                assert_eq!(grant.first as usize, executor.done(grant.agent).unwrap() as usize + before);
            }
        }
        // Old, repeated and invented reports among the true ones.
        3..=6 => {
            let claimed = (done + amount).saturating_sub(1);
            let possible = done < claimed && claimed <= done + ahead;
            assert_eq!(executor.complete(robot.agent, claimed), possible);
        }
        7 => {
            let rests = executor.is_visiting(robot.agent);
            let visits = executor.visits_ahead(robot.agent);
            assert_eq!(executor.work_done(robot.agent), rests);
            assert_eq!(executor.visits_ahead(robot.agent) + usize::from(rests), visits);
        }
        8..=9 => {
            let late = |agent: AgentId| agent.0 % 4 < amount;
            let before = executor.pending_moves();
            let overtaken = executor.overtake(robot.agent, &late);
            assert_eq!(overtaken.is_some(), before != executor.pending_moves());
        }
        _ => {
            let stop = done + amount.min(ahead);
            assert_eq!(executor.shrink(robot.agent, stop), Ok(()));
            assert_eq!(executor.granted(robot.agent).len(), amount.min(ahead) as usize);
        }
    }
    assert_eq!(executor.verify(), Ok(()));
    assert_eq!(check_certificate(executor.site(), &executor.certificate()), Ok(()));
}

/// Grants and completes, lane by lane and visit by visit, for everyone but `frozen`, until nothing moves any more.
fn run_out(executor: &mut Executor, frozen: Option<AgentId>) {
    let agents: Vec<AgentId> = executor.agents().filter(|&agent| Some(agent) != frozen).collect();
    loop {
        let granted = !executor.grant(Mm(2_000)).is_empty();
        let mut moved = false;
        for &agent in &agents {
            let done = executor.done(agent).unwrap();
            moved |= executor.complete(agent, done + 1) || executor.work_done(agent);
            assert_eq!(executor.verify(), Ok(()));
        }
        if !granted && !moved {
            return;
        }
    }
}

fn ends(problem: &Problem, plan: &Plan, site: &CompiledSite) -> Vec<(AgentId, WaypointId)> {
    let end = |agent: AgentId, at: WaypointId| {
        let own = plan.moves.iter().rev().find(|step| step.agent == agent && !step.is_visit());
        own.map_or(at, |step| site.lane(*step.lanes.last().unwrap()).unwrap().to)
    };
    problem.robots.iter().map(|robot| (robot.agent, end(robot.agent, robot.at))).collect()
}

fn claims(site: &CompiledSite, problem: &Problem, plan: &Plan, index: usize) -> BTreeSet<ResourceId> {
    let step = &plan.moves[index];
    let class = problem.robots.iter().find(|robot| robot.agent == step.agent).unwrap().class;
    let class = &site.classes()[class];
    let along = step.lanes.iter().flat_map(|&lane| class.along(lane).iter().copied());
    let ends = step.lanes.iter().flat_map(|&id| {
        let lane = site.lane(id).unwrap();
        class.at(lane.from).iter().chain(class.at(lane.to)).copied()
    });
    along.chain(ends).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the delays, holds and false reports: nobody shares a claim, and everybody arrives in the end.
    #[test]
    fn any_finite_delay_is_harmless((site, problem) in problems(), events in events()) {
        let plan = plan(&site, &problem);
        let mut executor = placed(&site, &problem);
        executor.append(&plan).unwrap();
        for event in events {
            apply(&mut executor, &problem, event);
        }
        run_out(&mut executor, None);
        prop_assert!(executor.agents().all(|agent| executor.is_idle(agent)));
        prop_assert_eq!(executor.cut(), ends(&problem, &plan, &site));
    }

    /// A robot that never moves again stops exactly the moves that depend on it, and is named for each of them.
    #[test]
    fn a_frozen_robot_stops_exactly_its_dependents((site, problem) in problems(), who in any::<usize>()) {
        let plan = plan(&site, &problem);
        let mut executor = placed(&site, &problem);
        executor.append(&plan).unwrap();
        let Some(frozen) = problem.robots.get(who % problem.robots.len().max(1)).map(|robot| robot.agent) else {
            return Ok(());
        };
        run_out(&mut executor, Some(frozen));
        // Independently: a move is stopped when its robot is frozen or has a stopped move before, or when an
        // earlier stopped move claims something it claims.
        let mut stopped: Vec<usize> = Vec::new();
        for (index, step) in plan.moves.iter().enumerate() {
            let depends = |&earlier: &usize| {
                plan.moves[earlier].agent == step.agent
                    || !claims(&site, &problem, &plan, earlier).is_disjoint(&claims(&site, &problem, &plan, index))
            };
            if step.agent == frozen || stopped.iter().any(depends) {
                stopped.push(index);
            }
        }
        for robot in &problem.robots {
            let left = executor.granted(robot.agent).len() + executor.pending(robot.agent).len();
            let own = stopped.iter().map(|&index| &plan.moves[index]).filter(|step| step.agent == robot.agent);
            prop_assert_eq!(left, own.map(|step| step.lanes.len()).sum::<usize>());
            let blame = executor.blame(robot.agent);
            if robot.agent != frozen {
                prop_assert_eq!(blame.is_empty(), executor.is_idle(robot.agent));
                prop_assert!(blame.last().is_none_or(|last| last.by == frozen));
            }
        }
    }

    /// Plans can be replaced at any moment from the commit cut.
    #[test]
    fn plans_are_replaced_from_the_cut((site, problem) in problems(), rounds in vec((events(), 0..4_u64), 1..4)) {
        let mut executor = placed(&site, &problem);
        let mut planner = Planner::new(site.clone(), &SPEEDS);
        let mut problem = problem;
        for (events, seed) in rounds {
            let pending = executor.pending_moves();
            executor.drop_pending();
            prop_assert_eq!(executor.verify(), Ok(()));
            for (robot, (agent, at)) in problem.robots.iter_mut().zip(executor.cut()) {
                prop_assert_eq!(robot.agent, agent);
                robot.at = at;
            }
            problem.seed = seed;
            problem.pending = pending;
            let plan = planner.plan(&problem, 10_000);
            prop_assert_eq!(crate::validate(&site, &problem, &plan), Ok(()));
            executor.append(&plan).unwrap();
            for event in events {
                apply(&mut executor, &problem, event);
            }
        }
        run_out(&mut executor, None);
        prop_assert!(executor.agents().all(|agent| executor.is_idle(agent)));
    }

    /// A snapshot after any event, through its encoding, changes nothing.
    #[test]
    fn a_snapshot_changes_nothing((site, problem) in problems(), events in events(), later in events()) {
        let plan = plan(&site, &problem);
        let encoded = postcard::to_allocvec(&plan).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Plan>(&encoded).unwrap(), plan.clone());
        let mut executor = placed(&site, &problem);
        executor.append(&plan).unwrap();
        for event in events {
            apply(&mut executor, &problem, event);
        }
        let encoded = postcard::to_allocvec(&executor.snapshot()).unwrap();
        let snapshot: Snapshot = postcard::from_bytes(&encoded).unwrap();
        let mut twin = Executor::restore(site.clone(), &snapshot).unwrap();
        for event in later {
            apply(&mut executor, &problem, event);
            apply(&mut twin, &problem, event);
            prop_assert_eq!(executor.snapshot(), twin.snapshot());
            for robot in &problem.robots {
                prop_assert_eq!(executor.withheld(robot.agent), twin.withheld(robot.agent));
                prop_assert_eq!(executor.held(robot.agent), twin.held(robot.agent));
            }
        }
    }

    /// Taking a robot away at any moment leaves the others a way on.
    #[test]
    fn a_robot_can_be_taken_away((site, problem) in problems(), events in events(), who in any::<usize>()) {
        let plan = plan(&site, &problem);
        let mut executor = placed(&site, &problem);
        executor.append(&plan).unwrap();
        for event in events {
            apply(&mut executor, &problem, event);
        }
        let Some(gone) = problem.robots.get(who % problem.robots.len().max(1)).map(|robot| robot.agent) else {
            return Ok(());
        };
        prop_assert!(executor.remove(gone));
        prop_assert!(!executor.remove(gone));
        prop_assert_eq!(executor.verify(), Ok(()));
        run_out(&mut executor, None);
        prop_assert!(executor.agents().all(|agent| executor.is_idle(agent)));
    }
}

#[test]
fn a_follower_gets_the_places_as_they_are_cleared() {
    let site = line(5);
    let problem = problem(vec![robot(1, 1, Some(4)), robot(2, 0, Some(3))]);
    let mut executor = placed(&site, &problem);
    executor.append(&Planner::new(site, &SPEEDS).plan(&problem, AMPLE)).unwrap();
    let (leader, follower) = (AgentId(1), AgentId(2));
    // A horizon of zero still lets everyone have one move; the follower's place is taken.
    let grants = executor.grant(Mm::ZERO);
    assert_eq!(grants.iter().map(|grant| grant.agent).collect::<Vec<_>>(), [leader]);
    let withheld = executor.withheld(follower).unwrap();
    assert_eq!((withheld.by, withheld.agent), (leader, follower));
    assert_eq!(executor.holder(withheld.resource), Some(leader));
    assert!(executor.grant(Mm::ZERO).is_empty());
    assert!(executor.complete(leader, 1));
    let grants = executor.grant(Mm::ZERO);
    assert_eq!(
        grants.iter().map(|grant| (grant.agent, grant.first)).collect::<Vec<_>>(),
        [(leader, 1), (follower, 0)]
    );
    // A wide horizon gives the rest of the way at once.
    assert!(executor.complete(leader, 2));
    assert_eq!(executor.grant(Mm(10_000)).iter().map(|grant| grant.lanes.len()).sum::<usize>(), 2);
    assert_eq!(executor.withheld(leader), None);
}

#[test]
fn nothing_after_a_visit_is_granted_before_the_work_is_done() {
    let site = line(4);
    let problem = problem(vec![worker(1, 0, &[2, 3])]);
    let mut executor = placed(&site, &problem);
    executor.append(&Planner::new(site.clone(), &SPEEDS).plan(&problem, AMPLE)).unwrap();
    let robot = AgentId(1);
    assert_eq!(executor.grant(Mm(100_000)).iter().map(|grant| grant.lanes.len()).sum::<usize>(), 2);
    assert!(!executor.is_visiting(robot) && !executor.work_done(robot), "it is still driving");
    executor.complete(robot, 2);
    assert!(executor.is_visiting(robot) && executor.grant(Mm(100_000)).is_empty());
    assert_eq!((executor.visits_ahead(robot), executor.withheld(robot)), (2, None));
    let twin = Executor::restore(site, &executor.snapshot()).unwrap();
    assert_eq!(twin.pending_moves(), executor.pending_moves());
    assert!(executor.work_done(robot) && !executor.work_done(robot));
    assert_eq!(executor.grant(Mm(100_000)).len(), 1);
    executor.complete(robot, 3);
    assert!(executor.work_done(robot) && executor.is_idle(robot));
}

#[test]
fn a_hold_gives_back_what_lies_beyond() {
    let site = line(6);
    let problem = problem(vec![robot(1, 0, Some(5))]);
    let mut executor = placed(&site, &problem);
    executor.append(&Planner::new(site.clone(), &SPEEDS).plan(&problem, AMPLE)).unwrap();
    assert_eq!(executor.grant(Mm(100_000)).len(), 1);
    executor.complete(AgentId(1), 1);
    let far = site.classes()[0].at(WaypointId(4))[0];
    assert_eq!(executor.holder(far), Some(AgentId(1)));
    assert!(executor.shrink(AgentId(1), 0).is_err());
    assert!(executor.shrink(AgentId(1), 6).is_err());
    assert_eq!(executor.shrink(AgentId(1), 2), Ok(()));
    assert_eq!(executor.holder(far), None);
    assert_eq!(executor.rests_at(AgentId(1)), Some(WaypointId(2)));
    assert_eq!(executor.ends_at(AgentId(1)), Some(WaypointId(5)));
    executor.drop_pending();
    assert_eq!(executor.ends_at(AgentId(1)), Some(WaypointId(2)));
    executor.complete(AgentId(1), 2);
    assert!(executor.is_idle(AgentId(1)));
}

#[test]
fn a_move_that_is_held_twice_ends_where_it_ended() {
    // A corridor of three lanes: no release may end inside.
    let points: Vec<(i16, i16)> = (0..6).map(|x| (x, 0)).collect();
    let corridor = |to: usize| (2..=4).contains(&to).then_some(1);
    let lanes: Vec<_> = (1..6).map(|to| (to - 1, to, true, corridor(to))).collect();
    let site = site(&points, &lanes);
    let problem = problem(vec![robot(1, 1, Some(4))]);
    let mut executor = placed(&site, &problem);
    executor.append(&Planner::new(site.clone(), &SPEEDS).plan(&problem, AMPLE)).unwrap();
    assert_eq!(executor.grant(Mm::ZERO).iter().map(|grant| grant.lanes.len()).collect::<Vec<_>>(), [3]);
    for stop in [2, 1] {
        assert_eq!(executor.shrink(AgentId(1), stop), Ok(()));
        assert_eq!(executor.verify(), Ok(()));
        assert!(Executor::restore(site.clone(), &executor.snapshot()).is_ok());
    }
    assert!(executor.complete(AgentId(1), 1));
    assert_eq!(executor.grant(Mm::ZERO).iter().map(|grant| grant.lanes.len()).collect::<Vec<_>>(), [2]);
    assert_eq!(executor.rests_at(AgentId(1)), Some(WaypointId(4)));
}

/// A way from west to east, places 0 to 4, and one across it from 5 over 3 to 6; the first robot goes first at 3.
fn crossing() -> (Arc<CompiledSite>, Executor) {
    let points = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (3, 1), (3, -1)];
    let lanes = [(0, 1), (1, 2), (2, 3), (3, 4), (5, 3), (3, 6)].map(|(from, to)| (from, to, true, None));
    let site = site(&points, &lanes);
    let mut executor = placed(&site, &problem(vec![robot(1, 0, Some(4)), robot(2, 5, Some(6))]));
    let plan =
        moves(&site, &[(1, &[0, 1]), (1, &[1, 2]), (1, &[2, 3]), (1, &[3, 4]), (2, &[5, 3]), (2, &[3, 6])]);
    executor.append(&plan).unwrap();
    (site, executor)
}

#[test]
fn who_is_there_first_goes_first_when_nobody_loses_by_it() {
    let (site, mut executor) = crossing();
    let (far, near) = (AgentId(1), AgentId(2));
    assert_eq!(executor.grant(Mm::ZERO).len(), 1);
    let twin = executor.clone();
    assert_eq!(executor.withheld(near).unwrap().by, far);
    let overtaking = executor.overtake(near, &|_| false).unwrap();
    assert_eq!((overtaking.agent, overtaking.by, overtaking.moves), (near, far, 2));
    assert_eq!(executor.verify(), Ok(()));
    assert_eq!(Executor::restore(site, &executor.snapshot()).unwrap().snapshot(), executor.snapshot());
    assert_eq!(executor.grant(Mm(9_000)).iter().map(|grant| grant.agent).collect::<Vec<_>>(), [far, near]);
    // Nobody is before it now.
    assert_eq!(executor.overtake(near, &|_| true), None);
    run_out(&mut executor, None);
    assert_eq!(executor.cut(), [(far, WaypointId(4)), (near, WaypointId(6))]);

    // A lane later the first robot would have to wait; unless it is late.
    let mut executor = twin;
    executor.complete(far, 1);
    executor.grant(Mm::ZERO);
    assert_eq!(executor.overtake(near, &|_| false), None);
    assert!(executor.overtake(near, &|agent| agent == far).is_some());
}

#[test]
fn a_corridor_is_overtaken_as_a_whole_or_not_at_all() {
    let points = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (3, 1), (3, -1), (0, -1)];
    let lanes =
        [(0, 1), (1, 2), (2, 3), (0, 4), (3, 5), (3, 6), (0, 7)].map(|(from, to)| (from, to, true, None));
    let site = site(&points, &lanes);
    let east: (u32, [&[u32]; 4]) = (1, [&[0, 1], &[1, 2], &[2, 3], &[3, 6]]);
    let west: (u32, [&[u32]; 5]) = (2, [&[5, 3], &[3, 2], &[2, 1], &[1, 0], &[0, 4]]);
    let steps = || east.1.map(|way| (east.0, way)).into_iter().chain(west.1.map(|way| (west.0, way)));
    // From its bay, the robot bound for the east is not in the way of the other one, which passes the whole corridor.
    let mut executor = placed(&site, &problem(vec![robot(1, 7, Some(6)), robot(2, 5, Some(4))]));
    let all: Vec<(u32, &[u32])> = std::iter::once((1, &[7, 0][..])).chain(steps()).collect();
    executor.append(&moves(&site, &all)).unwrap();
    assert_eq!(executor.overtake(AgentId(2), &|_| true).map(|overtaking| overtaking.moves), Some(5));
    assert_eq!(executor.verify(), Ok(()));
    // At the end of the corridor it is.
    let mut executor = placed(&site, &problem(vec![robot(1, 0, Some(6)), robot(2, 5, Some(4))]));
    executor.append(&moves(&site, &steps().collect::<Vec<_>>())).unwrap();
    let before = executor.snapshot();
    assert_eq!(executor.overtake(AgentId(2), &|_| true), None);
    assert_eq!(executor.snapshot(), before);
}

/// A robot on its way along places 0 to 3, with the first lane granted; and what it claims at 2 and 3.
fn on_its_way() -> (Executor, Vec<ResourceId>, Vec<ResourceId>) {
    let site = line(6);
    let mut executor = placed(&site, &problem(vec![robot(1, 0, Some(3))]));
    executor.append(&moves(&site, &[(1, &[0, 1]), (1, &[1, 2]), (1, &[2, 3])])).unwrap();
    assert_eq!(executor.grant(Mm::ZERO).len(), 1);
    executor.complete(AgentId(1), 1);
    let at = |place| site.classes()[0].at(WaypointId(place)).to_vec();
    (executor, at(2), at(3))
}

fn outsider(integration: Integration, on: &[ResourceId], next: &[ResourceId]) -> Outsider {
    Outsider { integration, on: on.to_vec(), next: next.to_vec(), stays: next.to_vec() }
}

#[test]
fn movers_that_nobody_plans_for_get_as_much_as_they_take_part() {
    let (executor, near, far) = on_its_way();
    let (robot, cart) = (AgentId(1), AgentId(9));
    let cases = [
        (Integration::Ignored, &near, &far, [true, true]),
        (Integration::Noticed, &far, &near, [true, false]),
        (Integration::Noticed, &near, &far, [false, false]),
        (Integration::Respected, &far, &near, [false, false]),
    ];
    for (integration, on, next, granted) in cases {
        let mut executor = executor.clone();
        executor.note_outsider(cart, outsider(integration, on, next)).unwrap();
        for granted in granted {
            assert_eq!(!executor.grant(Mm::ZERO).is_empty(), granted, "{integration:?}");
            executor.complete(robot, executor.done(robot).unwrap() + 1);
        }
        assert_eq!(executor.verify(), Ok(()));
        if let Some(withheld) = executor.withheld(robot) {
            let is_there = on.contains(&withheld.resource);
            assert_eq!((withheld.by, withheld.rule), (cart, if is_there { TRF_011 } else { TRF_012 }));
            assert_eq!(executor.blame(robot), [withheld]);
        }
        let twin = Executor::restore(executor.site().clone(), &executor.snapshot()).unwrap();
        assert_eq!((twin.withheld(robot), twin.snapshot()), (executor.withheld(robot), executor.snapshot()));
        // It only ever delays: when it is gone, everything goes on.
        assert!(executor.forget_outsider(cart) && !executor.forget_outsider(cart));
        run_out(&mut executor, None);
        assert_eq!(executor.at(robot), Some(WaypointId(3)));
    }
}

#[test]
fn a_mover_that_asks_gets_its_whole_way_or_waits() {
    let (mut executor, near, far) = on_its_way();
    let (robot, cart) = (AgentId(1), AgentId(9));
    let behind = executor.site().classes()[0].at(WaypointId(5)).to_vec();
    let asks = |on: &[ResourceId], next: &[ResourceId]| outsider(Integration::Utilised, on, next);
    // The robot stands on a part of the way; then it has a turn where the cart would stay.
    let here = executor.held(robot);
    for next in [&here, &near, &far] {
        let Err(OutsiderError::Withheld(withheld)) = executor.note_outsider(cart, asks(&behind, next)) else {
            panic!("it would be in the way at {next:?}");
        };
        assert_eq!((withheld.agent, withheld.by, withheld.rule), (cart, robot, TRF_013));
        assert_eq!(executor.withheld(robot), None);
    }
    let through = Outsider { next: [near.clone(), behind.clone()].concat(), ..asks(&[], &behind) };
    assert_eq!(executor.note_outsider(cart, through), Ok(()));
    assert!(executor.grant(Mm::ZERO).is_empty());
    assert_eq!(executor.withheld(robot).map(|withheld| withheld.rule), Some(TRF_012));
    // Another one waits for it.
    let other = executor.note_outsider(AgentId(8), asks(&[], &behind));
    assert!(matches!(other, Err(OutsiderError::Withheld(Withheld { by, .. })) if by == cart));
    assert_eq!(executor.note_outsider(robot, asks(&[], &[])), Err(OutsiderError::Robot { agent: robot }));
    assert_eq!(executor.note_outsider(cart, asks(&behind, &[])), Ok(()));
    assert_eq!(executor.outsiders().map(|(who, _)| who).collect::<Vec<_>>(), [AgentId(8), cart]);
    run_out(&mut executor, None);
    assert_eq!(executor.at(robot), Some(WaypointId(3)));
}

#[test]
fn a_certificate_that_was_tampered_with_is_refused() {
    let (site, executor) = crossing();
    let good = executor.certificate();
    assert_eq!(check_certificate(&site, &good), Ok(()));
    let fault = |change: &dyn Fn(&mut crate::Certificate)| {
        let mut certificate = good.clone();
        change(&mut certificate);
        check_certificate(&site, &certificate).unwrap_err()
    };
    assert!(matches!(
        fault(&|it| it.rests[1].2 = WaypointId(0)),
        CertificateFault::Rests { agent: AgentId(2) }
    ));
    assert!(matches!(fault(&|it| it.moves[1].0 = it.moves[0].0), CertificateFault::Order { .. }));
    assert!(matches!(fault(&|it| it.moves[0].1.agent = AgentId(7)), CertificateFault::NoWay { .. }));
    assert!(matches!(
        fault(&|it| it.rests[1].2 = WaypointId(1)),
        CertificateFault::Conflict { by: AgentId(2), .. }
    ));
    assert!(matches!(
        fault(&|it| it.queues.iter_mut().for_each(|queue| queue.1.reverse())),
        CertificateFault::Queue { .. }
    ));
    assert!(matches!(fault(&|it| drop(it.queues.pop())), CertificateFault::Queue { .. }));
    // The second move of a robot before its first.
    let swapped = fault(&|it| {
        let (first, second) = (it.moves[0].1.clone(), it.moves[1].1.clone());
        (it.moves[0].1, it.moves[1].1) = (second, first);
    });
    assert!(matches!(swapped, CertificateFault::NoWay { agent: AgentId(1), .. }));
}
