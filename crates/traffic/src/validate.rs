//! The independent check of a plan: plain and slow on purpose, so that it is easy to believe.
//!
//! Nothing here is shared with the planner. It reads the claims from the compiled site and carries the moves out
//! one after the other.

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_core::{AgentId, LaneId, ResourceId, WaypointId};
use sheepdog_map::{ClassClaims, CompiledSite};

use crate::{Plan, PlanRobot, PlannedMove, Problem, RULES, TRF_005, TRF_009};

/// Why a plan does not solve its problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFault {
    /// A move or an excuse names a robot that the problem does not have, or has twice.
    #[error("robot {agent} is not exactly once in the problem")]
    UnknownRobot {
        /// The robot.
        agent: AgentId,
    },
    /// A robot leaves a place before its work there is done.
    #[error("move {index} takes robot {agent} away from {at}, where it is to work first ({TRF_005})")]
    LeavesWork {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// Where it is.
        at: WaypointId,
    },
    /// A robot works where its next visit is not.
    #[error("move {index}: robot {agent} has nothing to do at {at}")]
    NoWork {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// Where it is.
        at: WaypointId,
    },
    /// A lane is unknown, does not start where the robot is, or is too narrow for its class.
    #[error("move {index}: robot {agent} at {at} cannot take {lane}")]
    NoWay {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// Where it is.
        at: WaypointId,
        /// The lane.
        lane: LaneId,
    },
    /// A move ends where no release may end.
    #[error("move {index}: robot {agent} may not stop at {at}")]
    MayNotStop {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// Where the move ends.
        at: WaypointId,
    },
    /// A move claims what another robot holds at rest.
    #[error("move {index}: robot {agent} needs {resource}, which robot {by} holds")]
    Conflict {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// The resource.
        resource: ResourceId,
        /// Who holds it.
        by: AgentId,
    },
    /// A move claims what is blocked.
    #[error("move {index}: robot {agent} needs {resource}, which is blocked")]
    Blocked {
        /// Index of the move.
        index: usize,
        /// The robot.
        agent: AgentId,
        /// The resource.
        resource: ResourceId,
    },
    /// A visit is left out and the plan does not say why.
    #[error("robot {agent} does not come to work at {place}")]
    MissesVisit {
        /// The robot.
        agent: AgentId,
        /// Where it should have worked.
        place: WaypointId,
    },
    /// A robot ends elsewhere and the plan does not say why.
    #[error("robot {agent} ends at {at} and not at its goal {goal}")]
    MissesGoal {
        /// The robot.
        agent: AgentId,
        /// Where it ends.
        at: WaypointId,
        /// Its goal.
        goal: WaypointId,
    },
    /// A robot whose way is left to the next plan does nothing in this one.
    #[error("robot {agent} is to get on with the next plan ({TRF_009}) and makes no move in this one")]
    StaysBehind {
        /// The robot.
        agent: AgentId,
    },
    /// An excuse cites no rule of this crate.
    #[error("robot {agent} is unserved by an unknown rule")]
    UnknownRule {
        /// The robot.
        agent: AgentId,
    },
}

/// Checks that `plan` solves `problem`, or says what it does not serve.
///
/// Every lane connects and is usable, every move ends where the class may stop, each move's claims are disjoint from
/// what every other robot holds at rest and from what is blocked, robots work at the places of their visits, in order
/// and before they leave, and every robot that is not excused makes all its visits and ends at its goal. Costs moves
/// × claims and the resources of the site.
///
/// # Errors
/// The first [`PlanFault`] in the order of the moves.
pub fn validate(site: &CompiledSite, problem: &Problem, plan: &Plan) -> Result<(), PlanFault> {
    let mut agents = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for robot in &problem.robots {
        if !agents.insert(robot.agent) {
            twice.insert(robot.agent);
        }
    }
    let known = |agent: AgentId| {
        if agents.contains(&agent) && !twice.contains(&agent) {
            Ok(())
        } else {
            Err(PlanFault::UnknownRobot { agent })
        }
    };
    let mut at: Vec<WaypointId> = problem.robots.iter().map(|robot| robot.at).collect();
    let mut visited: Vec<usize> = vec![0; problem.robots.len()];
    let index_of: BTreeMap<AgentId, usize> =
        problem.robots.iter().map(|robot| robot.agent).zip(0..).collect();
    let mut standing = Standing::new(site, problem);
    let mut needed = Vec::new();
    for (index, step) in plan.moves.iter().enumerate() {
        let agent = step.agent;
        known(agent)?;
        let who = index_of.get(&agent).copied().ok_or(PlanFault::UnknownRobot { agent })?;
        let (Some(robot), Some(&here), Some(made)) =
            (problem.robots.get(who), at.get(who), visited.get_mut(who))
        else {
            continue;
        };
        let works_here = robot.visits.get(*made).is_some_and(|visit| visit.place == here);
        match (step.is_visit(), works_here) {
            (true, true) => *made += 1,
            (true, false) => return Err(PlanFault::NoWork { index, agent, at: here }),
            (false, true) => return Err(PlanFault::LeavesWork { index, agent, at: here }),
            (false, false) => {
                let to = check_move(site, robot, here, &standing, (index, step), &mut needed)?;
                standing.leave(site, robot, here);
                standing.rest(site, robot, to);
                if let Some(at) = at.get_mut(who) {
                    *at = to;
                }
            }
        }
    }
    let mut excused = BTreeMap::new();
    for unserved in &plan.unserved {
        if !agents.contains(&unserved.agent) {
            return Err(PlanFault::UnknownRobot { agent: unserved.agent });
        }
        if RULES.iter().all(|rule| rule.id != unserved.rule) {
            return Err(PlanFault::UnknownRule { agent: unserved.agent });
        }
        if unserved.rule == TRF_009 && plan.moves.iter().all(|step| step.agent != unserved.agent) {
            return Err(PlanFault::StaysBehind { agent: unserved.agent });
        }
        excused.insert(unserved.agent, unserved.rule);
    }
    for ((robot, &at), visited) in problem.robots.iter().zip(&at).zip(visited) {
        if excused.contains_key(&robot.agent) {
            continue;
        }
        if let Some(visit) = robot.visits.get(visited) {
            return Err(PlanFault::MissesVisit { agent: robot.agent, place: visit.place });
        }
        if let Some(goal) = robot.goal
            && goal != at
        {
            return Err(PlanFault::MissesGoal { agent: robot.agent, at, goal });
        }
    }
    Ok(())
}

/// What is blocked, and which robots hold what at rest. A problem may put several at one place; none of them gets away.
struct Standing {
    blocked: BTreeSet<ResourceId>,
    /// By resource.
    holders: Vec<Vec<AgentId>>,
}

impl Standing {
    fn new(site: &CompiledSite, problem: &Problem) -> Self {
        let blocked = problem.blocked.iter().copied().collect();
        let mut standing = Self { blocked, holders: vec![Vec::new(); site.resources().len()] };
        problem.robots.iter().for_each(|robot| standing.rest(site, robot, robot.at));
        standing
    }

    fn rest(&mut self, site: &CompiledSite, robot: &PlanRobot, at: WaypointId) {
        for resource in held(site, robot, at) {
            if let Some(holders) = self.holders.get_mut(resource.index()) {
                holders.push(robot.agent);
            }
        }
    }

    fn leave(&mut self, site: &CompiledSite, robot: &PlanRobot, at: WaypointId) {
        for resource in held(site, robot, at) {
            if let Some(holders) = self.holders.get_mut(resource.index()) {
                holders.retain(|holder| *holder != robot.agent);
            }
        }
    }

    /// Somebody else who holds a resource.
    fn other(&self, resource: ResourceId, agent: AgentId) -> Option<AgentId> {
        self.holders.get(resource.index())?.iter().copied().find(|holder| *holder != agent)
    }
}

/// Checks one move and returns where it ends; `needed` is room for what it claims.
fn check_move(
    site: &CompiledSite,
    robot: &PlanRobot,
    from: WaypointId,
    standing: &Standing,
    (index, step): (usize, &PlannedMove),
    needed: &mut Vec<ResourceId>,
) -> Result<WaypointId, PlanFault> {
    let agent = robot.agent;
    let class = site.classes().get(robot.class).ok_or(PlanFault::UnknownRobot { agent })?;
    let mut here = from;
    needed.clear();
    needed.extend(class.at(from));
    for &id in &step.lanes {
        let no_way = PlanFault::NoWay { index, agent, at: here, lane: id };
        let lane = site.lane(id).filter(|lane| lane.from == here && class.usable(id)).ok_or(no_way)?;
        here = lane.to;
        needed.extend(class.along(id));
        needed.extend(class.at(here));
    }
    if !class.may_stop(here) {
        return Err(PlanFault::MayNotStop { index, agent, at: here });
    }
    needed.sort_unstable();
    if let Some(&resource) = needed.iter().find(|resource| standing.blocked.contains(resource)) {
        return Err(PlanFault::Blocked { index, agent, resource });
    }
    let taken = |&resource: &ResourceId| Some((resource, standing.other(resource, agent)?));
    match needed.iter().find_map(taken) {
        Some((resource, by)) => Err(PlanFault::Conflict { index, agent, resource, by }),
        None => Ok(here),
    }
}

fn held<'a>(site: &'a CompiledSite, robot: &PlanRobot, at: WaypointId) -> &'a [ResourceId] {
    site.classes().get(robot.class).map_or(&[], |class: &ClassClaims| class.at(at))
}
