//! What is refused, by the checker and by the executor, and that nothing changes then.

use sheepdog_core::{AgentId, LaneId, Mm, ResourceId, WaypointId};

use super::{line, moves, problem, robot, site, worker};
use crate::{
    AppendError, Executor, PlaceError, Plan, PlanFault, PlannedMove, RestoreError, TRF_003, Unserved,
    VerifyError, validate,
};

#[test]
fn the_checker_refuses_each_fault() {
    let site = line(4);
    let two = problem(vec![robot(1, 0, Some(2)), robot(2, 3, None)]);
    let good = moves(&site, &[(1, &[0, 1]), (1, &[1, 2])]);
    assert_eq!(validate(&site, &two, &good), Ok(()));
    let fault = |plan: &Plan| validate(&site, &two, plan).unwrap_err();
    assert!(matches!(fault(&Plan::default()), PlanFault::MissesGoal { .. }));
    assert!(matches!(fault(&moves(&site, &[(9, &[0, 1])])), PlanFault::UnknownRobot { .. }));
    assert!(matches!(fault(&moves(&site, &[(1, &[])])), PlanFault::NoWork { index: 0, .. }));
    assert!(matches!(fault(&moves(&site, &[(1, &[1, 2])])), PlanFault::NoWay { index: 0, .. }));
    assert!(matches!(
        fault(&moves(&site, &[(1, &[0, 1]), (2, &[3, 2, 1])])),
        PlanFault::Conflict { index: 1, .. }
    ));
    let mut unknown = good.clone();
    unknown.moves[0].lanes[0] = LaneId(999);
    assert!(matches!(fault(&unknown), PlanFault::NoWay { .. }));

    let excuse = |agent, rule| Plan { unserved: vec![Unserved { agent, rule, by: None }], ..Plan::default() };
    assert_eq!(validate(&site, &two, &excuse(AgentId(1), TRF_003)), Ok(()));
    let invented = sheepdog_core::RuleId::new("XYZ-999");
    assert!(matches!(fault(&excuse(AgentId(1), invented)), PlanFault::UnknownRule { .. }));
    assert!(matches!(fault(&excuse(AgentId(7), TRF_003)), PlanFault::UnknownRobot { .. }));

    let mut working = two.clone();
    working.robots[0].visits = worker(1, 0, &[0]).visits;
    assert!(matches!(validate(&site, &working, &good), Err(PlanFault::LeavesWork { index: 0, .. })));
    working.robots[0].visits = worker(1, 0, &[2, 2]).visits;
    assert!(matches!(validate(&site, &working, &good), Err(PlanFault::MissesVisit { .. })));
    let mut visited = good.clone();
    visited.moves.extend([PlannedMove::visit(AgentId(1)), PlannedMove::visit(AgentId(1))]);
    assert_eq!(validate(&site, &working, &visited), Ok(()));
    assert!(matches!(validate(&site, &two, &visited), Err(PlanFault::NoWork { index: 2, .. })));
    let mut closed = two.clone();
    closed.blocked.push(site.classes()[0].at(WaypointId(1))[0]);
    assert!(matches!(validate(&site, &closed, &good), Err(PlanFault::Blocked { .. })));
    let mut twice = two.clone();
    twice.robots.push(robot(1, 2, None));
    assert!(matches!(validate(&site, &twice, &good), Err(PlanFault::UnknownRobot { .. })));
}

#[test]
fn neither_swap_nor_rotation_nor_a_stop_in_a_corridor_is_valid() {
    let ring = site(
        &[(0, 0), (1, 0), (1, 1), (0, 1)],
        &[(0, 1, true, None), (1, 2, true, None), (2, 3, true, None), (3, 0, true, None)],
    );
    let swap = problem(vec![robot(1, 0, Some(1)), robot(2, 1, Some(0))]);
    let plan = moves(&ring, &[(1, &[0, 1]), (2, &[1, 0])]);
    assert!(matches!(validate(&ring, &swap, &plan), Err(PlanFault::Conflict { index: 0, .. })));
    let turn = problem((0..4).map(|at| robot(at, at, Some((at + 1) % 4))).collect());
    let plan = moves(&ring, &[(0, &[0, 1]), (1, &[1, 2]), (2, &[2, 3]), (3, &[3, 0])]);
    assert!(matches!(validate(&ring, &turn, &plan), Err(PlanFault::Conflict { index: 0, .. })));

    let lanes = [(0, 1, true, Some(1)), (1, 2, true, Some(1))];
    let corridor = site(&[(0, 0), (1, 0), (2, 0)], &lanes);
    let into = problem(vec![robot(1, 0, Some(1))]);
    let plan = moves(&corridor, &[(1, &[0, 1])]);
    assert!(matches!(validate(&corridor, &into, &plan), Err(PlanFault::MayNotStop { .. })));
}

#[test]
fn the_executor_refuses_a_rotation_and_a_swap() {
    let ring = site(
        &[(0, 0), (1, 0), (1, 1), (0, 1)],
        &[(0, 1, true, None), (1, 2, true, None), (2, 3, true, None), (3, 0, true, None)],
    );
    let mut executor = Executor::new(ring.clone());
    (0..4).for_each(|at| executor.place(AgentId(at), 0, WaypointId(at)).unwrap());
    let before = executor.snapshot();
    // Each into the next one's place, in every order that such a plan could be written down in.
    let next: [&[u32]; 4] = [&[0, 1], &[1, 2], &[2, 3], &[3, 0]];
    for first in 0..4 {
        for step in [1, 3] {
            let order = (0..4).map(|index| (first + index * step) % 4);
            let steps: Vec<(u32, &[u32])> = order.map(|who| (who, next[who as usize])).collect();
            let refusal = executor.append(&moves(&ring, &steps)).unwrap_err();
            assert!(matches!(refusal, AppendError::Conflict { index: 0, .. }), "{refusal}");
        }
    }
    for swap in [[(0, &[0, 1][..]), (1, &[1, 0])], [(1, &[1, 0]), (0, &[0, 1])]] {
        let refusal = executor.append(&moves(&ring, &swap)).unwrap_err();
        assert!(matches!(refusal, AppendError::Conflict { index: 0, .. }), "{refusal}");
    }
    assert_eq!(executor.snapshot(), before);
    // With one robot less the others follow each other around.
    executor.remove(AgentId(3));
    let following = moves(&ring, &[(2, &[2, 3]), (1, &[1, 2]), (0, &[0, 1])]);
    assert_eq!(executor.append(&following), Ok(()));
    assert_eq!(executor.grant(Mm(9_000)).len(), 1);
}

#[test]
fn a_refused_plan_leaves_no_trace() {
    let site = line(4);
    let mut executor = Executor::new(site.clone());
    executor.place(AgentId(1), 0, WaypointId(0)).unwrap();
    executor.place(AgentId(2), 0, WaypointId(3)).unwrap();
    let before = executor.snapshot();
    let cases = [
        moves(&site, &[(1, &[0, 1]), (9, &[1, 2])]),
        moves(&site, &[(1, &[0, 1]), (1, &[2, 3])]),
        moves(&site, &[(1, &[0, 1]), (2, &[1, 2])]),
        moves(&site, &[(1, &[0, 1]), (1, &[1, 2]), (1, &[2, 3])]),
    ];
    let refusals: Vec<AppendError> = cases.iter().map(|plan| executor.append(plan).unwrap_err()).collect();
    assert!(matches!(refusals[0], AppendError::NotPlaced { index: 1, .. }));
    assert!(matches!(refusals[1], AppendError::NoWay { index: 1, .. }));
    assert!(matches!(refusals[2], AppendError::NoWay { index: 1, .. }));
    assert!(matches!(refusals[3], AppendError::Conflict { index: 2, by: AgentId(2), .. }));
    assert_eq!(executor.snapshot(), before);
    assert!(executor.grant(Mm(9_000)).is_empty());
}

#[test]
fn nobody_is_placed_where_somebody_is_or_will_be() {
    let site = line(4);
    let mut executor = Executor::new(site.clone());
    executor.place(AgentId(1), 0, WaypointId(0)).unwrap();
    assert!(matches!(executor.place(AgentId(1), 0, WaypointId(2)), Err(PlaceError::Placed { .. })));
    assert!(matches!(
        executor.place(AgentId(2), 0, WaypointId(0)),
        Err(PlaceError::Held { by: AgentId(1), .. })
    ));
    assert!(matches!(executor.place(AgentId(2), 7, WaypointId(2)), Err(PlaceError::Unknown { .. })));
    assert!(matches!(executor.place(AgentId(2), 0, WaypointId(99)), Err(PlaceError::Unknown { .. })));
    executor.append(&moves(&site, &[(1, &[0, 1]), (1, &[1, 2])])).unwrap();
    assert!(matches!(
        executor.place(AgentId(2), 0, WaypointId(2)),
        Err(PlaceError::Awaited { by: AgentId(1), .. })
    ));
    executor.drop_pending();
    assert_eq!(executor.place(AgentId(2), 0, WaypointId(2)), Ok(()));
}

#[test]
fn a_forged_snapshot_is_refused() {
    let site = line(4);
    let mut executor = Executor::new(site.clone());
    executor.place(AgentId(1), 0, WaypointId(0)).unwrap();
    executor.place(AgentId(2), 0, WaypointId(3)).unwrap();
    executor.append(&moves(&site, &[(1, &[0, 1]), (1, &[1, 2])])).unwrap();
    let good = executor.snapshot();
    let refusal = |change: &dyn Fn(&mut crate::Snapshot)| {
        let mut forged = good.clone();
        change(&mut forged);
        Executor::restore(site.clone(), &forged).unwrap_err()
    };
    let unknown = RestoreError::Unknown { agent: AgentId(2) };
    assert_eq!(refusal(&|forged| forged.tracks[1].1.class = 9), unknown);
    assert_eq!(refusal(&|forged| forged.tracks[1].1.at = WaypointId(99)), unknown);
    assert_eq!(refusal(&|forged| forged.tracks[1].1.granted.push((7, vec![LaneId(0)]))), unknown);
    let shared = refusal(&|forged| forged.tracks[1].1.at = WaypointId(0));
    assert!(matches!(shared, RestoreError::Inconsistent(VerifyError::Exclusion { agent: AgentId(2), .. })));
    // The second robot now stands where the first is to go.
    let stuck = refusal(&|forged| forged.tracks[1].1.at = WaypointId(1));
    assert_eq!(stuck, RestoreError::Inconsistent(VerifyError::Stuck { pending: 2 }));
    assert!(Executor::restore(site.clone(), &good).is_ok());
}

#[test]
fn unknown_ids_hold_nothing() {
    let mut executor = Executor::new(line(2));
    let nobody = AgentId(5);
    assert!(!executor.complete(nobody, 1) && !executor.remove(nobody) && !executor.is_idle(nobody));
    assert!(executor.shrink(nobody, 0).is_err());
    assert_eq!(executor.holder(ResourceId(9_999)), None);
    assert!(executor.held(nobody).is_empty() && executor.granted(nobody).is_empty());
    assert_eq!((executor.withheld(nobody), executor.at(nobody), executor.done(nobody)), (None, None, None));
}
