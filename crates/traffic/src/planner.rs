//! The planner: from a problem to the best plan that the budget allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sheepdog_core::{AgentId, LaneId, MmPerS, ResourceId, RuleId, WaypointId};
use sheepdog_map::CompiledSite;

use crate::{
    Plan, PlanRobot, PlannedMove, Problem, TRF_002, TRF_003, TRF_004, TRF_005, TRF_006, TRF_007, TRF_008,
    Unserved,
    explore::explore,
    gradual::one_by_one,
    hop::{HopGraph, UNREACHABLE},
    polish::{Score, polish},
    refine::refine,
    search::{Board, Bot, Field, Rollout, Scene, Step, mix, undisturbed},
};

/// Distance fields kept; one costs eight bytes for each waypoint.
const FIELDS_MAX: usize = 1_024;
/// Roll-outs for one set of goals.
const ROLLOUTS_MAX: u64 = 48;
/// A first roll-out may take this many times the steps that are needed at least.
const ROLLOUT_SLACK: u32 = 8;
/// Roll-outs after which the best plan so far is taken.
const ROLLOUTS_ENOUGH: u64 = 10;
/// Robots that get a chance alone when no joint plan is found.
const SINGLES_MAX: usize = 8;
/// What a waiting place that is not made for waiting costs, in microseconds of way.
const IMPROPER_WAIT_US: u64 = 15_000_000;
/// Waiting places that are tried for a robot whose goal is taken.
const WAITS_MAX: usize = 8;

/// Plans for all robots of a site.
///
/// Planning is total and deterministic: any problem gets a plan that [`validate`](crate::validate) accepts, and the
/// same problem and budget get the same plan, whatever was planned before.
#[derive(Clone, Debug)]
pub struct Planner {
    site: Arc<CompiledSite>,
    graphs: Vec<Option<HopGraph>>,
    /// Distances to goals by class and waypoint, for the resources in `closed`.
    fields: BTreeMap<(usize, u32), Field>,
    closed: BTreeSet<ResourceId>,
}

/// A problem after the hopeless parts have been taken out.
struct Brief {
    bots: Vec<Bot>,
    /// Robots whose goal is kept, most urgent first.
    kept: Vec<usize>,
    /// Why the others do not get theirs.
    refused: BTreeMap<usize, (RuleId, Option<AgentId>)>,
    blocked: Vec<ResourceId>,
}

struct Found {
    steps: Vec<Step>,
    score: Score,
}

impl Planner {
    /// A planner for the footprint classes of a site; `speeds` gives each class its speed in the order of the site's
    /// classes. Robots of a class without speed are not planned for.
    pub fn new(site: Arc<CompiledSite>, speeds: &[MmPerS]) -> Self {
        let graphs =
            speeds.iter().enumerate().map(|(class, &speed)| HopGraph::new(&site, class, speed)).collect();
        Self { site, graphs, fields: BTreeMap::new(), closed: BTreeSet::new() }
    }

    /// The hop graph of a class.
    pub fn graph(&self, class: usize) -> Option<&HopGraph> {
        self.graphs.get(class)?.as_ref()
    }

    /// Plans within `step_budget` pushes (or configurations looked at, in the search of last resort).
    ///
    /// Of the plans it finds it returns the one with the least sum of arrival times. When no joint plan is found,
    /// the goals of lowest priority are given up, half of them at a time; what the plan does not serve is in
    /// [`Plan::unserved`] with its rule. A plan without moves is always possible.
    pub fn plan(&mut self, problem: &Problem, step_budget: u32) -> Plan {
        let brief = self.brief(problem);
        let resources = self.site.resources().len();
        let mut scene_bots = brief.bots.clone();
        let mut left = step_budget;
        let mut found = None;
        for required in required_sets(&brief) {
            for (index, bot) in scene_bots.iter_mut().enumerate() {
                bot.required = required.contains(&index);
            }
            let scene = Scene {
                graphs: &self.graphs,
                bots: &scene_bots,
                blocked: &brief.blocked,
                resources,
                seed: problem.seed,
            };
            let limit = left / 2;
            let (best, used) = attempt(scene, &brief.kept, problem, limit);
            left = left.saturating_sub(used);
            if best.is_some() || left < 2 {
                found = best;
                break;
            }
        }
        self.report(problem, &brief, found, step_budget - left)
    }

    /// Finds out who can be planned for at all.
    fn brief(&mut self, problem: &Problem) -> Brief {
        let immobile = self.immobile(problem);
        let mut blocked: BTreeSet<ResourceId> = problem.blocked.iter().copied().collect();
        for (robot, _) in problem.robots.iter().zip(&immobile).filter(|(_, immobile)| immobile.is_some()) {
            blocked.extend(self.rest(robot.class, robot.at));
        }
        if blocked != self.closed || FIELDS_MAX < self.fields.len() {
            self.fields.clear();
            self.closed.clone_from(&blocked);
        }
        let mut by_urgency: Vec<usize> = (0..problem.robots.len()).collect();
        by_urgency
            .sort_by_key(|&index| problem.robots.get(index).map(|robot| (!robot.priority, robot.agent)));
        let mut brief = Brief {
            bots: Vec::with_capacity(problem.robots.len()),
            kept: Vec::new(),
            refused: BTreeMap::new(),
            blocked: blocked.iter().copied().collect(),
        };
        for (robot, immobile) in problem.robots.iter().zip(&immobile) {
            brief.bots.push(Bot {
                agent: robot.agent,
                class: robot.class,
                start: robot.at.0,
                field: None,
                required: false,
                fixed: immobile.is_some(),
            });
        }
        let mut taken: BTreeMap<ResourceId, AgentId> = BTreeMap::new();
        for index in by_urgency {
            let (Some(robot), Some(immobile)) = (problem.robots.get(index), immobile.get(index)) else {
                continue;
            };
            let wanted = match *immobile {
                Some(rule) => {
                    robot.goal.filter(|&goal| goal != robot.at).map_or(Ok(None), |_| Err((rule, None)))
                }
                None => self.wanted(problem, robot, &taken),
            };
            match wanted {
                Ok(field) => {
                    if let (Some(goal), None) = (robot.goal, immobile) {
                        taken.extend(
                            self.rest(robot.class, goal).iter().map(|&resource| (resource, robot.agent)),
                        );
                        brief.kept.push(index);
                    }
                    set_field(&mut brief, index, field);
                }
                Err(refusal) => {
                    brief.refused.insert(index, refusal);
                }
            }
        }
        let crowded: Vec<usize> = brief
            .refused
            .iter()
            .filter(|(_, refusal)| refusal.0 == TRF_004)
            .map(|(&index, _)| index)
            .collect();
        for index in crowded {
            if let Some(robot) = problem.robots.get(index)
                && let Some(field) = self.waiting_field(robot, &mut taken)
            {
                set_field(&mut brief, index, Some(field));
            }
        }
        brief
    }

    /// Which robots cannot be moved, and by which rule.
    fn immobile(&self, problem: &Problem) -> Vec<Option<RuleId>> {
        let mut agents = BTreeMap::new();
        let mut holders: BTreeMap<ResourceId, u32> = BTreeMap::new();
        for robot in &problem.robots {
            *agents.entry(robot.agent).or_insert(0_u32) += 1;
            for &resource in self.rest(robot.class, robot.at) {
                *holders.entry(resource).or_insert(0) += 1;
            }
        }
        let blocked: BTreeSet<ResourceId> = problem.blocked.iter().copied().collect();
        let stuck = |robot: &PlanRobot| {
            let known = self.graph(robot.class).is_some_and(|graph| robot.at.index() < graph.waypoints());
            let shared =
                |resource: &ResourceId| blocked.contains(resource) || holders.get(resource) != Some(&1);
            !known
                || agents.get(&robot.agent) != Some(&1)
                || self.rest(robot.class, robot.at).iter().any(shared)
        };
        let rule = |robot: &PlanRobot| {
            if robot.fixed {
                Some(TRF_005)
            } else if stuck(robot) {
                Some(TRF_006)
            } else {
                None
            }
        };
        problem.robots.iter().map(rule).collect()
    }

    /// The distance field a robot follows, or the rule by which its goal is refused.
    fn wanted(
        &mut self,
        problem: &Problem,
        robot: &PlanRobot,
        taken: &BTreeMap<ResourceId, AgentId>,
    ) -> Result<Option<Field>, (RuleId, Option<AgentId>)> {
        let Some(graph) = self.graph(robot.class) else {
            return Err((TRF_006, None));
        };
        let Some(goal) = robot.goal else {
            // Nobody rests in a doorway for long: the nearest place to stop will do.
            let stranded = !graph.may_stop(robot.at);
            return Ok(
                stranded.then(|| Arc::new(graph.distances(graph.stops(), |claims| self.is_closed(claims))))
            );
        };
        if goal.index() >= graph.waypoints() {
            return Err((TRF_002, None));
        }
        if goal != robot.at && !graph.may_stop(goal) {
            return Err((TRF_007, None));
        }
        let rest = graph.rest(goal.0);
        if let Some(by) = rest.iter().find_map(|resource| taken.get(resource)) {
            return Err((TRF_004, Some(*by)));
        }
        if self.is_closed(rest) {
            let stands = |other: &&PlanRobot| {
                let held = self.rest(other.class, other.at);
                other.agent != robot.agent && held.iter().any(|resource| rest.binary_search(resource).is_ok())
            };
            return Err((TRF_004, problem.robots.iter().find(stands).map(|other| other.agent)));
        }
        let field = self.field(robot.class, goal.0);
        if field.at(robot.at.index()) == UNREACHABLE { Err((TRF_002, None)) } else { Ok(Some(field)) }
    }

    /// Leads a robot whose goal is taken to a free place near it. `None` when it waits best where it is.
    fn waiting_field(
        &mut self,
        robot: &PlanRobot,
        taken: &mut BTreeMap<ResourceId, AgentId>,
    ) -> Option<Field> {
        let graph = self.graphs.get(robot.class)?.as_ref()?;
        // The goal itself is closed, so its distances ignore what is closed.
        let to_goal = graph.distances([robot.goal?.0], |_| false);
        let cost = |place: u32| {
            let roles =
                self.site.waypoint(WaypointId(place)).map(|waypoint| waypoint.roles).unwrap_or_default();
            let extra = if roles.holding || roles.parking { 0 } else { IMPROPER_WAIT_US };
            to_goal.at(place as usize).saturating_add(extra)
        };
        let free = |place: u32| {
            let rest = graph.rest(place);
            !self.is_closed(rest) && rest.iter().all(|resource| !taken.contains_key(resource))
        };
        let here = if free(robot.at.0) { cost(robot.at.0) } else { UNREACHABLE };
        let mut places: Vec<(u64, u32)> = graph
            .stops()
            .map(|place| (cost(place), place))
            .filter(|&(cost, place)| cost < here && free(place))
            .collect();
        places.sort_unstable();
        for (_, place) in places.into_iter().take(WAITS_MAX) {
            let field = self.field(robot.class, place);
            if field.at(robot.at.index()) != UNREACHABLE {
                taken.extend(self.rest(robot.class, WaypointId(place)).iter().map(|&id| (id, robot.agent)));
                return Some(field);
            }
        }
        None
    }

    fn field(&mut self, class: usize, goal: u32) -> Field {
        if let Some(field) = self.fields.get(&(class, goal)) {
            return Arc::clone(field);
        }
        let distances =
            self.graph(class).map(|graph| graph.distances([goal], |claims| self.is_closed(claims)));
        let field = Arc::new(distances.unwrap_or_else(|| crate::table::Table::new(0, UNREACHABLE)));
        self.fields.insert((class, goal), Arc::clone(&field));
        field
    }

    fn is_closed(&self, claims: &[ResourceId]) -> bool {
        claims.iter().any(|resource| self.closed.contains(resource))
    }

    fn rest(&self, class: usize, at: WaypointId) -> &[ResourceId] {
        self.site.classes().get(class).map_or(&[], |class| class.at(at))
    }

    fn report(&self, problem: &Problem, brief: &Brief, found: Option<Found>, steps_used: u32) -> Plan {
        let mut ends: Vec<WaypointId> = problem.robots.iter().map(|robot| robot.at).collect();
        let mut moves = Vec::new();
        let otherwise = if found.is_some() { TRF_003 } else { TRF_008 };
        for step in found.map(|found| found.steps).unwrap_or_default() {
            let Some(graph) = brief.bots.get(step.bot).and_then(|bot| self.graph(bot.class)) else {
                continue;
            };
            if let (Some(hop), Some(bot), Some(end)) =
                (graph.hop(step.hop), brief.bots.get(step.bot), ends.get_mut(step.bot))
            {
                *end = hop.to;
                let lanes: Vec<LaneId> = graph.lanes(hop).to_vec();
                moves.push(PlannedMove { agent: bot.agent, lanes });
            }
        }
        let mut unserved: Vec<Unserved> = problem
            .robots
            .iter()
            .zip(ends)
            .enumerate()
            .filter(|(_, (robot, end))| robot.goal.is_some_and(|goal| goal != *end))
            .map(|(index, (robot, _))| {
                let (rule, by) = brief.refused.get(&index).copied().unwrap_or((otherwise, None));
                Unserved { agent: robot.agent, rule, by }
            })
            .collect();
        unserved.sort_by_key(|unserved| unserved.agent);
        Plan { moves, unserved, steps_used }
    }
}

fn set_field(brief: &mut Brief, index: usize, field: Option<Field>) {
    if let Some(bot) = brief.bots.get_mut(index) {
        bot.field = field;
    }
}

/// Which robots must arrive: first all who want to go anywhere, then those whose goal is kept, then half of those on
/// their way, and so on; in the end each alone. Who is at its goal already counts with the more urgent ones.
fn required_sets(brief: &Brief) -> impl Iterator<Item = BTreeSet<usize>> + '_ {
    let under_way = |index: &usize| {
        let bot = brief.bots.get(*index);
        bot.is_some_and(|bot| bot.field.as_ref().is_some_and(|field| field.at(bot.start as usize) != 0))
    };
    let movers = brief.kept.iter().filter(|index| under_way(index)).count();
    let sizes = std::iter::successors(Some(movers), |&size| (1 < size).then_some(size / 2));
    let joint = sizes.map(move |size| {
        let mut count = 0;
        let urgent = brief.kept.iter().take_while(move |index| {
            count += usize::from(under_way(index));
            count <= size || movers == size
        });
        urgent.copied().collect()
    });
    let singles = brief.kept.iter().filter(move |index| under_way(index)).take(SINGLES_MAX);
    let all: BTreeSet<usize> =
        (0_usize..).zip(&brief.bots).filter_map(|(id, bot)| bot.field.as_ref().map(|_| id)).collect();
    let more = (brief.kept.len() < all.len()).then_some(all);
    more.into_iter().chain(joint).chain(singles.map(|&index| BTreeSet::from([index])))
}

/// Looks for plans that serve all required robots, and the steps used, at most `limit`.
fn attempt(scene: Scene<'_>, kept: &[usize], problem: &Problem, limit: u32) -> (Option<Found>, u32) {
    let mut best: Option<Found> = None;
    let mut used = 0;
    let rollouts_limit = limit / 2;
    // Most that succeed do so early, so later ones may take longer.
    let once = least_steps(scene).saturating_mul(ROLLOUT_SLACK);
    let free_flow = Score::free_flow(scene);
    let mut first: Vec<usize> = Vec::new();
    for round in 0..ROLLOUTS_MAX {
        let enough = best.as_ref().is_some_and(|found| {
            let share = if round < ROLLOUTS_ENOUGH { 20 } else { 1 };
            ROLLOUTS_ENOUGH * 2 <= round || found.score.is_near(free_flow, share)
        });
        if enough || rollouts_limit <= used {
            break;
        }
        let order = precedence(scene, kept, problem, round, &first);
        let patience = once.saturating_mul(u32::try_from(1 + round / 6).unwrap_or(u32::MAX));
        let outcome = Rollout::run(scene, order, mix(round), patience.min(rollouts_limit - used));
        used += outcome.steps.max(1);
        if outcome.done {
            used += keep_better(scene, &mut best, outcome.moves, rollouts_limit.saturating_sub(used));
        } else if let Some(stuck) = outcome.stuck {
            first.retain(|&bot| bot != stuck);
            first.insert(0, stuck);
        }
    }
    if best.as_ref().is_none_or(|found| !found.score.is_near(free_flow, 1)) {
        let (moves, steps) = one_by_one(scene, limit.saturating_sub(used) / 2);
        used += steps;
        if let Some(moves) = moves {
            used += keep_better(scene, &mut best, moves, limit.saturating_sub(used) / 2);
        }
    }
    if best.is_none() {
        let (moves, steps) = explore(scene, limit.saturating_sub(used));
        used += steps;
        if let Some(moves) = moves {
            used += keep_better(scene, &mut best, moves, limit.saturating_sub(used));
        }
    }
    if let Some(found) = best.take() {
        let (steps, score, effort) = refine(scene, found.steps, limit.saturating_sub(used));
        used += effort;
        best = Some(Found { steps, score });
    }
    (best, used)
}

/// Pushes that are needed at least: one for each hop of each undisturbed way, and one for each robot.
fn least_steps(scene: Scene<'_>) -> u32 {
    let hops: usize = (0..scene.bots.len()).map(|bot| 1 + undisturbed(scene, bot)).sum();
    u32::try_from(hops).unwrap_or(u32::MAX)
}

/// Polishes moves that are not far worse than the best, and keeps the better; returns the steps used.
fn keep_better(scene: Scene<'_>, best: &mut Option<Found>, moves: Vec<Step>, limit: u32) -> u32 {
    let raw = Score::of(scene, &moves);
    if best.as_ref().is_some_and(|best| !raw.is_near(best.score, 1)) {
        return 0;
    }
    let (steps, score, effort) = polish(scene, moves, limit);
    if best.as_ref().is_none_or(|best| score < best.score) {
        *best = Some(Found { steps, score });
    }
    effort
}

/// Who goes first: the urgent ones, then those with a long way. Later rounds draw other orders and begin with robots
/// that got stuck before.
fn precedence(
    scene: Scene<'_>,
    kept: &[usize],
    problem: &Problem,
    round: u64,
    first: &[usize],
) -> Vec<usize> {
    let board = Board::new(scene);
    let mut order: Vec<usize> = (0..scene.bots.len()).collect();
    order.sort_by_key(|&index| {
        let rank = first.iter().position(|&bot| bot == index).unwrap_or(usize::MAX);
        let priority = problem.robots.get(index).map_or(0, |robot| robot.priority);
        let bot = scene.bots.get(index);
        let far =
            bot.and_then(|bot| bot.field.as_ref()).map_or(0, |field| field.at(board.place(index) as usize));
        let agent = bot.map_or(0, |bot| bot.agent.0);
        let goalless = !kept.contains(&index);
        match round {
            0 => (rank, goalless, !priority, !far, agent),
            1 => (rank, goalless, !priority, far, agent),
            2 => (rank, goalless, 0, !far, agent),
            _ => (rank, goalless, 0, mix(problem.seed ^ mix(round << 32 | u64::from(agent))), agent),
        }
    });
    order
}
