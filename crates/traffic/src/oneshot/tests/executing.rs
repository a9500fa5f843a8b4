//! Plans for grids are carried out by the executor of sites.

use proptest::prelude::*;
use sheepdog_core::{AgentId, Mm};

use super::{instance, questions};
use crate::{
    Executor, PlanRobot, Problem,
    oneshot::{Outcome, Search},
    validate,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every plan is one for the site as well: the checker and the executor take it, and everybody arrives, whoever is
    /// late.
    #[test]
    fn the_executor_carries_plans_out((grid, trips, seed) in questions(6, 2, 8), late in 0..8_u32) {
        let instance = instance(&grid, &trips);
        let mut search = Search::new(&instance, seed);
        search.run(20_000);
        let Outcome::Solved(solution) = search.outcome() else { return Ok(()) };
        let site = instance.site().unwrap();
        let plan = solution.plan(&site).unwrap();
        let robot = |(agent, at)| {
            let goal = instance.goals.get(agent as usize).map(|&goal| sheepdog_core::WaypointId(goal));
            PlanRobot { agent: AgentId(agent), class: 0, at, visits: Vec::new(), goal, priority: 0 }
        };
        let robots: Vec<PlanRobot> = instance.placements().map(|(agent, at)| robot((agent.0, at))).collect();
        let problem = Problem { robots, ..Problem::default() };
        prop_assert_eq!(validate(&site, &problem, &plan), Ok(()));
        let mut executor = Executor::new(site);
        for robot in &problem.robots {
            executor.place(robot.agent, 0, robot.at).unwrap();
        }
        prop_assert_eq!(executor.append(&plan), Ok(()));
        loop {
            let mut moved = !executor.grant(Mm(2_500)).is_empty();
            let agents: Vec<AgentId> = executor.agents().collect();
            // The late one moves only when nobody else does.
            for agent in agents.iter().copied().filter(|agent| agent.0 != late) {
                moved |= executor.complete(agent, executor.done(agent).unwrap() + 1);
            }
            if !moved && !executor.done(AgentId(late)).is_some_and(|done| executor.complete(AgentId(late), done + 1)) {
                break;
            }
        }
        for robot in &problem.robots {
            prop_assert!(executor.is_idle(robot.agent));
            prop_assert_eq!(executor.at(robot.agent), robot.goal);
        }
    }
}
