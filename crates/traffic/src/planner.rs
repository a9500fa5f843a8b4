//! The planner: from a problem to the best plan that the budget allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sheepdog_core::{AgentId, MmPerS, ResourceId, RuleId, WaypointId};
use sheepdog_map::CompiledSite;

use crate::{
    Plan, PlanRobot, PlannedMove, Problem, TRF_002, TRF_003, TRF_004, TRF_006, TRF_007, TRF_008, TRF_009,
    Unserved,
    distances::{Distances, UNREACHABLE},
    explore::explore,
    gradual::one_by_one,
    hop::HopGraph,
    polish::{Score, polish},
    refine::refine,
    scene::{Bot, Field, Scene, Step, Target, mix},
    search::{Rollout, hops_alone},
    table::Table,
    timetable::{self, Timetable},
    weave::{self, weave},
};

/// Share of its top speed that a robot reaches on average where it stops and starts again every few metres, percent:
/// plans that count on more misjudge how long others work meanwhile.
const PACE_PERCENT: u64 = 55;
/// Distances kept, 128 MB: a field has one for each waypoint.
const DISTANCES_MAX: usize = 32_000_000;
/// Roll-outs for one set of goals.
const ROLLOUTS_MAX: u64 = 48;
/// A first roll-out may take this many times the steps that are needed at least.
const ROLLOUT_SLACK: u32 = 8;
/// Roll-outs after which the best plan so far is taken.
const ROLLOUTS_ENOUGH: u64 = 10;
/// Robots that get a chance alone when no joint plan is found.
const SINGLES_MAX: usize = 8;
/// Hops of an undisturbed way that a plan covers for each robot at least: what lies farther ahead will not come true.
const HOPS_PER_ROBOT: u64 = 16;
/// Hops that a plan covers beyond that, for all robots together.
const HOPS_SHARED: u64 = 4_000;
/// Robots whose configurations are searched as a whole when all else fails.
const EXPLORE_MAX: usize = 32;
/// Robots for which a joint plan is looked for as soon as weaving leaves one of them unserved.
const JOINT_MAX: usize = 128;
/// Of more robots, one in this many may be left unserved before that.
const TOLERATED_SHARE: usize = 16;
/// Times that robots which could not be woven in are tried again, once others have been.
const CARRY_ON_ROUNDS: usize = 2;
/// States looked at to weave a robot in.
const WEAVE_MAX: u32 = 20_000;
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
    /// Hops that a plan covers for each robot at least, and for all of them together.
    covers: (u64, u64),
    room: Room,
}

/// Memory that plans use again.
#[derive(Clone, Debug, Default)]
struct Room {
    timetable: timetable::Room,
    search: weave::Room,
}

/// A problem after the hopeless parts have been taken out.
struct Brief {
    bots: Vec<Bot>,
    /// What was planned before.
    old: Vec<Step>,
    /// Robots with visits or a goal that are kept, most urgent first.
    kept: Vec<usize>,
    /// Why others do not get all of theirs.
    refused: BTreeMap<usize, Refusal>,
    blocked: Vec<ResourceId>,
}

/// A place that a robot cannot be brought to.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    place: WaypointId,
    rule: RuleId,
    by: Option<AgentId>,
}

/// What a robot can be brought to.
#[derive(Default)]
struct Course {
    visits: Vec<Target>,
    goal: Option<Field>,
    refusal: Option<Refusal>,
}

struct Found {
    steps: Vec<Step>,
    score: Score,
}

impl Planner {
    /// A planner for the footprint classes of a site; `speeds` gives each class its top speed in the order of the site's
    /// classes. Robots of a class without speed are not planned for.
    ///
    /// Ways are timed at 55 % of the top speed, about what robots reach that wait for each other.
    pub fn new(site: Arc<CompiledSite>, speeds: &[MmPerS]) -> Self {
        let graphs = speeds
            .iter()
            .enumerate()
            .map(|(class, &speed)| HopGraph::new(&site, class, pace(speed)))
            .collect();
        let covers = (HOPS_PER_ROBOT, HOPS_SHARED);
        Self { site, graphs, fields: BTreeMap::new(), closed: BTreeSet::new(), covers, room: Room::default() }
    }

    /// The same with plans that cover so many hops of undisturbed way for each robot, and `shared` more for all of them
    /// together. What lies beyond is left to later plans, by rule [`TRF_009`]. Sixteen and 4 000 unless set.
    ///
    /// For 32 robots at most, a plan that would lead somebody along a hop that cannot be taken back covers all ways if the
    /// budget allows: what it leaves to later plans may be impossible after that.
    #[must_use]
    pub fn covering(self, each: u64, shared: u64) -> Self {
        Self { covers: (each.max(1), shared), ..self }
    }

    /// The hop graph of a class, timed at the pace of traffic.
    pub fn graph(&self, class: usize) -> Option<&HopGraph> {
        self.graphs.get(class)?.as_ref()
    }

    /// Plans within `step_budget` states looked at (pushes, in roll-outs; configurations, in the search of last resort).
    ///
    /// What was planned before stays; who has something else to do is woven in, the most urgent first, so that the sum of
    /// the instants at which visits are done and goals reached is small. When that does not serve everybody, a plan for all
    /// is looked for by roll-outs, and then for fewer and fewer of the most urgent; the one that serves more of those is
    /// taken. All configurations are searched, as a last resort, for 32 robots at most. Beyond 128 robots one in sixteen may
    /// go unserved before anything but weaving is tried. Whom the plan does not serve is in [`Plan::unserved`] with the
    /// rule. A plan without moves is always possible.
    pub fn plan(&mut self, problem: &Problem, step_budget: u32) -> Plan {
        let mut brief = self.brief(problem);
        let mut plan = self.plan_for(problem, &brief, step_budget);
        let is_partial = plan.unserved.iter().any(|unserved| unserved.rule == TRF_009);
        if is_partial && brief.bots.len() <= EXPLORE_MAX && self.is_final(problem, &plan) {
            brief.bots.iter_mut().for_each(|bot| bot.enough = 0);
            let whole = self.plan_for(problem, &brief, step_budget - plan.steps_used);
            let used = plan.steps_used.saturating_add(whole.steps_used).min(step_budget);
            let hopeless: Vec<AgentId> = refused_in(&plan).collect();
            if refused_in(&whole).all(|agent| hopeless.contains(&agent)) {
                plan = whole;
            }
            plan.steps_used = used;
        }
        if DISTANCES_MAX < self.fields.len().saturating_mul(self.site.waypoints().len()) {
            // Those of this problem stay.
            self.fields.retain(|_, field| 1 < Arc::strong_count(field));
        }
        plan
    }

    /// Plans for a problem that was looked at before.
    fn plan_for(&mut self, problem: &Problem, brief: &Brief, step_budget: u32) -> Plan {
        let resources = self.site.resources().len();
        let bots = all_required(&brief.bots);
        let blocked = &brief.blocked;
        let scene = Scene { graphs: &self.graphs, bots: &bots, blocked, resources, seed: problem.seed };
        let mut room = std::mem::take(&mut self.room);
        let (mut table, mut used) = carry_on(scene, brief, step_budget / 4, &mut room);
        let tolerated = if bots.len() <= JOINT_MAX { 0 } else { bots.len() / TOLERATED_SHARE };
        let mut scene_bots = bots.clone();
        for required in required_sets(brief) {
            let unserved: Vec<usize> =
                required.iter().copied().filter(|&bot| !table.is_served(bot)).collect();
            let presses =
                |&bot: &usize| problem.robots.get(bot).is_some_and(|robot| robot.priority == u64::MAX);
            if unserved.len() <= tolerated && !unserved.iter().any(presses) {
                continue;
            }
            for (index, bot) in scene_bots.iter_mut().enumerate() {
                bot.required = required.contains(&index);
            }
            let some = Scene { bots: &scene_bots, ..scene };
            let (found, steps) = attempt(some, brief, problem, (step_budget - used) / 2);
            used = used.saturating_add(steps).min(step_budget);
            if let Some(found) = found {
                let mut other = Timetable::new(scene, &found.steps, timetable::Room::default());
                let all: Vec<usize> = (0..bots.len()).collect();
                let looked = refine(&mut other, &all, (step_budget - used) / 2, &mut room.search);
                used = used.saturating_add(looked).min(step_budget);
                // Of the first in the order of urgency whom only one of the two serves, it is this one.
                let serves = |table: &Timetable<'_>| -> Vec<bool> {
                    brief.kept.iter().map(|&bot| table.is_served(bot)).collect()
                };
                if serves(&table) < serves(&other) {
                    table = other;
                }
                break;
            }
            if step_budget - used < 2 {
                break;
            }
        }
        let plan = self.report(problem, brief, &table, used);
        room.timetable = table.into_room();
        self.room = room;
        plan
    }

    /// Whether a plan leads anybody along a hop that cannot be taken back.
    fn is_final(&self, problem: &Problem, plan: &Plan) -> bool {
        let classes: BTreeMap<AgentId, usize> =
            problem.robots.iter().map(|robot| (robot.agent, robot.class)).collect();
        plan.moves.iter().filter(|step| !step.is_visit()).any(|step| {
            let graph = classes.get(&step.agent).and_then(|&class| self.graph(class));
            let from = step.lanes.first().and_then(|&lane| self.site.lane(lane)).map(|lane| lane.from);
            let hop =
                graph.zip(from).and_then(|(graph, from)| graph.hop(graph.hop_along(from.0, &step.lanes)?));
            !graph.zip(hop).is_some_and(|(graph, hop)| graph.goes_back(hop))
        })
    }

    /// Hands out what was planned before for a problem, as a timetable.
    #[cfg(test)]
    pub(crate) fn with_timetable<T>(
        &mut self,
        problem: &Problem,
        look: impl FnOnce(&mut Timetable<'_>) -> T,
    ) -> T {
        let brief = self.brief(problem);
        let bots = all_required(&brief.bots);
        let (blocked, resources) = (&brief.blocked, self.site.resources().len());
        let scene = Scene { graphs: &self.graphs, bots: &bots, blocked, resources, seed: problem.seed };
        let old = Timetable::carried_over(scene, &brief.old);
        look(&mut Timetable::new(scene, &old, timetable::Room::default()))
    }

    /// Finds out who can be planned for at all.
    fn brief(&mut self, problem: &Problem) -> Brief {
        let immobile = self.immobile(problem);
        let mut blocked: BTreeSet<ResourceId> = problem.blocked.iter().copied().collect();
        for (robot, _) in problem.robots.iter().zip(&immobile).filter(|(_, immobile)| immobile.is_some()) {
            blocked.extend(self.rest(robot.class, robot.at));
        }
        if blocked != self.closed {
            self.fields.clear();
            self.closed.clone_from(&blocked);
        }
        let mut by_urgency: Vec<usize> = (0..problem.robots.len()).collect();
        by_urgency
            .sort_by_key(|&index| problem.robots.get(index).map(|robot| (!robot.priority, robot.agent)));
        let mut brief = Brief {
            bots: Vec::with_capacity(problem.robots.len()),
            old: self.steps(problem),
            kept: Vec::new(),
            refused: BTreeMap::new(),
            blocked: blocked.iter().copied().collect(),
        };
        for (robot, immobile) in problem.robots.iter().zip(&immobile) {
            brief.bots.push(Bot {
                agent: robot.agent,
                class: robot.class,
                start: robot.at.0,
                visits: Vec::new(),
                goal: None,
                required: false,
                fixed: immobile.is_some(),
                enough: 0,
            });
        }
        let mut taken: BTreeMap<ResourceId, AgentId> = BTreeMap::new();
        for index in by_urgency {
            let (Some(robot), Some(immobile)) = (problem.robots.get(index), immobile.get(index)) else {
                continue;
            };
            let course = match *immobile {
                Some(rule) => standing_course(robot, rule),
                None => self.course(problem, robot, &taken),
            };
            if let (Some(goal), Some(_)) = (robot.goal, &course.goal) {
                taken.extend(self.rest(robot.class, goal).iter().map(|&resource| (resource, robot.agent)));
            }
            brief.refused.extend(course.refusal.map(|refusal| (index, refusal)));
            if let Some(bot) = brief.bots.get_mut(index) {
                (bot.visits, bot.goal) = (course.visits, course.goal);
                if bot.is_bound() && immobile.is_none() {
                    brief.kept.push(index);
                }
            }
        }
        for (&index, refusal) in &brief.refused {
            if let (TRF_004, Some(robot)) = (refusal.rule, problem.robots.get(index))
                && let Some(field) = self.waiting_field(robot, refusal.place, &mut taken)
                && let Some(bot) = brief.bots.get_mut(index)
            {
                bot.goal = Some(field);
            }
        }
        brief.bots.iter_mut().for_each(measure);
        self.cut_off(&mut brief.bots);
        brief
    }

    /// Leaves what is far ahead to later plans.
    fn cut_off(&self, bots: &mut [Bot]) {
        let (each, shared) = self.covers;
        let share = shared.checked_div(bots.len() as u64).unwrap_or(0);
        let hops = each.saturating_add(share);
        for bot in bots {
            let Some(graph) = self.graphs.get(bot.class).and_then(Option::as_ref) else { continue };
            let whole = bot.to_go(bot.serve(0, bot.start).0, bot.start);
            bot.enough = whole.saturating_sub(graph.usual_time().saturating_mul(hops));
        }
    }

    /// The moves that were planned before, as far as the hop graphs know them.
    fn steps(&self, problem: &Problem) -> Vec<Step> {
        let mut places: Vec<u32> = problem.robots.iter().map(|robot| robot.at.0).collect();
        let bots: BTreeMap<AgentId, usize> =
            problem.robots.iter().map(|robot| robot.agent).zip(0..).collect();
        let mut steps = Vec::with_capacity(problem.pending.len());
        for pending in problem.pending.iter().filter(|pending| !pending.is_visit()) {
            let bot = bots.get(&pending.agent).copied();
            let Some((bot, graph)) =
                bot.and_then(|bot| Some((bot, self.graph(problem.robots.get(bot)?.class)?)))
            else {
                continue;
            };
            let Some(place) = places.get_mut(bot) else { continue };
            if let Some(hop) = graph.hop_along(*place, &pending.lanes) {
                *place = graph.hop(hop).map_or(*place, |hop| hop.to.0);
                steps.push(Step { bot, hop });
            }
        }
        steps
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
        let rule = |robot: &PlanRobot| stuck(robot).then_some(TRF_006);
        problem.robots.iter().map(rule).collect()
    }

    /// The fields a robot follows, as far as it can get.
    fn course(
        &mut self,
        problem: &Problem,
        robot: &PlanRobot,
        taken: &BTreeMap<ResourceId, AgentId>,
    ) -> Course {
        let mut course = Course::default();
        let Some(graph) = self.graph(robot.class) else {
            return standing_course(robot, TRF_006);
        };
        if robot.goal.is_none() && robot.visits.is_empty() && !graph.may_stop(robot.at) {
            // Nobody rests in a doorway for long: the nearest place to stop will do.
            let nearest = graph.distances(graph.stops(), |claims| self.is_closed(claims));
            course.goal = Some(Arc::new(nearest));
            return course;
        }
        let mut from = robot.at;
        for visit in &robot.visits {
            match self.leg(problem, robot, from, visit.place) {
                Ok(field) => {
                    let work = visit.work.as_micros();
                    course.visits.push(Target { field, work, onward: 0 });
                    from = visit.place;
                }
                Err(refusal) => {
                    course.refusal = Some(refusal);
                    return course;
                }
            }
        }
        let Some(goal) = robot.goal else { return course };
        let by = self.rest(robot.class, goal).iter().find_map(|resource| taken.get(resource));
        let leg = match by {
            Some(&by) => Err(Refusal { place: goal, rule: TRF_004, by: Some(by) }),
            None => self.leg(problem, robot, from, goal),
        };
        match leg {
            Ok(field) => course.goal = Some(field),
            Err(refusal) => course.refusal = Some(refusal),
        }
        course
    }

    /// The field that leads a robot from one place to another.
    fn leg(
        &mut self,
        problem: &Problem,
        robot: &PlanRobot,
        from: WaypointId,
        place: WaypointId,
    ) -> Result<Field, Refusal> {
        let refusal = |rule, by| Refusal { place, rule, by };
        let graph = self.graph(robot.class).ok_or(refusal(TRF_006, None))?;
        if place.index() >= graph.waypoints() {
            return Err(refusal(TRF_002, None));
        }
        if place != robot.at && !graph.may_stop(place) {
            return Err(refusal(TRF_007, None));
        }
        let rest = graph.rest(place.0);
        if self.is_closed(rest) {
            let stands = |other: &&PlanRobot| {
                let held = self.rest(other.class, other.at);
                other.agent != robot.agent && held.iter().any(|resource| rest.binary_search(resource).is_ok())
            };
            return Err(refusal(TRF_004, problem.robots.iter().find(stands).map(|other| other.agent)));
        }
        let field = self.field(robot.class, place.0);
        if field.at(from.0) == UNREACHABLE { Err(refusal(TRF_002, None)) } else { Ok(field) }
    }

    /// Leads a robot whose place is taken to a free one near it. `None` when it waits best where it is.
    fn waiting_field(
        &mut self,
        robot: &PlanRobot,
        taken_place: WaypointId,
        taken: &mut BTreeMap<ResourceId, AgentId>,
    ) -> Option<Field> {
        let graph = self.graphs.get(robot.class)?.as_ref()?;
        // The place itself is closed, so its distances ignore what is closed.
        let to_goal = graph.distances([taken_place.0], |_| false);
        let cost = |place: u32| {
            let roles =
                self.site.waypoint(WaypointId(place)).map(|waypoint| waypoint.roles).unwrap_or_default();
            let extra = if roles.holding || roles.parking { 0 } else { IMPROPER_WAIT_US };
            to_goal.at(place).saturating_add(extra)
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
            if field.at(robot.at.0) != UNREACHABLE {
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
        let field =
            Arc::new(distances.unwrap_or_else(|| Distances::new(0, [goal], (0, 0), |_| std::iter::empty())));
        self.fields.insert((class, goal), Arc::clone(&field));
        field
    }

    fn is_closed(&self, claims: &[ResourceId]) -> bool {
        !self.closed.is_empty() && claims.iter().any(|resource| self.closed.contains(resource))
    }

    fn rest(&self, class: usize, at: WaypointId) -> &[ResourceId] {
        self.site.classes().get(class).map_or(&[], |class| class.at(at))
    }

    fn report(&self, problem: &Problem, brief: &Brief, table: &Timetable<'_>, steps_used: u32) -> Plan {
        let mut ends: Vec<(WaypointId, usize)> = problem.robots.iter().map(|robot| (robot.at, 0)).collect();
        let mut moves = Vec::new();
        // Who rests where its next visit is works there at once.
        let visit = |index: usize, ends: &mut Vec<(WaypointId, usize)>, moves: &mut Vec<PlannedMove>| {
            if let (Some(robot), Some((at, visited))) = (problem.robots.get(index), ends.get_mut(index)) {
                while robot.visits.get(*visited).is_some_and(|visit| visit.place == *at) {
                    moves.push(PlannedMove::visit(robot.agent));
                    *visited += 1;
                }
            }
        };
        (0..ends.len()).for_each(|index| visit(index, &mut ends, &mut moves));
        let steps = table.moves();
        let otherwise = if steps.is_empty() { TRF_008 } else { TRF_003 };
        for step in steps {
            let Some(graph) = brief.bots.get(step.bot).and_then(|bot| self.graph(bot.class)) else {
                continue;
            };
            if let (Some(hop), Some(bot), Some((at, _))) =
                (graph.hop(step.hop), brief.bots.get(step.bot), ends.get_mut(step.bot))
            {
                *at = hop.to;
                let lanes = graph.lanes(hop).iter().copied().collect();
                moves.push(PlannedMove { agent: bot.agent, lanes });
                visit(step.bot, &mut ends, &mut moves);
            }
        }
        let mut unserved: Vec<Unserved> = problem
            .robots
            .iter()
            .zip(ends)
            .enumerate()
            .filter(|(_, (robot, (at, visited)))| {
                *visited < robot.visits.len() || robot.goal.is_some_and(|goal| goal != *at)
            })
            .map(|(index, (robot, _))| {
                let ahead = brief.bots.get(index).is_some_and(|bot| 0 < bot.enough && table.is_served(index));
                let otherwise = if ahead { TRF_009 } else { otherwise };
                let (rule, by) =
                    brief.refused.get(&index).map_or((otherwise, None), |refusal| (refusal.rule, refusal.by));
                Unserved { agent: robot.agent, rule, by }
            })
            .collect();
        unserved.sort_by_key(|unserved| unserved.agent);
        Plan { moves, unserved, steps_used }
    }
}

/// Whom a plan does not serve and no later one may either.
fn refused_in(plan: &Plan) -> impl Iterator<Item = AgentId> + '_ {
    plan.unserved.iter().filter(|unserved| unserved.rule != TRF_009).map(|unserved| unserved.agent)
}

/// A robot that cannot move only gets what it is at already.
fn standing_course(robot: &PlanRobot, rule: RuleId) -> Course {
    let mut places = robot.visits.iter().map(|visit| visit.place).chain(robot.goal);
    let refusal = places.find(|&place| place != robot.at).map(|place| Refusal { place, rule, by: None });
    Course { refusal, ..Course::default() }
}

/// The robots, of whom all that want to go anywhere must be served.
fn all_required(bots: &[Bot]) -> Vec<Bot> {
    bots.iter().map(|bot| Bot { required: bot.is_bound(), ..bot.clone() }).collect()
}

fn pace(top: MmPerS) -> MmPerS {
    MmPerS(u32::try_from(u64::from(top.0) * PACE_PERCENT / 100).unwrap_or(u32::MAX))
}

/// Fills in how far it is from each visit onward.
fn measure(bot: &mut Bot) {
    let mut next = bot.goal.clone();
    let mut onward = 0;
    for visit in bot.visits.iter_mut().rev() {
        let leg = next.as_ref().map_or(0, |next| next.at(visit.field.goal()));
        onward = leg.saturating_add(onward);
        visit.onward = onward;
        next = Some(Arc::clone(&visit.field));
    }
}

/// Which robots must be served: first all who want to go anywhere, then those who can be, then half of those with a
/// way to go, and so on; in the end each alone. Who is at its goal already counts with the more urgent ones.
fn required_sets(brief: &Brief) -> impl Iterator<Item = BTreeSet<usize>> + '_ {
    let under_way = |index: &usize| {
        let bot = brief.bots.get(*index);
        bot.is_some_and(|bot| bot.to_go(0, bot.start) != 0)
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
        (0_usize..).zip(&brief.bots).filter(|(_, bot)| bot.is_bound()).map(|(id, _)| id).collect();
    let more = (brief.kept.len() < all.len()).then_some(all);
    more.into_iter().chain(joint).chain(singles.map(|&index| BTreeSet::from([index])))
}

/// What was planned before, with whoever has something else to do woven in anew, the most urgent first. Looks at about
/// `limit` states at most and returns how many.
fn carry_on<'a>(scene: Scene<'a>, brief: &Brief, limit: u32, room: &mut Room) -> (Timetable<'a>, u32) {
    let old = Timetable::carried_over(scene, &brief.old);
    let mut table = Timetable::new(scene, &old, std::mem::take(&mut room.timetable));
    let mut used = 0_u32;
    let mut is_kept = Table::new(scene.bots.len(), false);
    brief.kept.iter().for_each(|&bot| is_kept.set(bot, true));
    let amiss = |table: &Timetable<'_>| {
        let others = (0..scene.bots.len()).filter(|bot| !is_kept.at(*bot));
        let all = brief.kept.iter().copied().chain(others);
        all.filter(|&bot| table.is_amiss(bot)).collect::<Vec<usize>>()
    };
    let new = amiss(&table);
    for _ in 0..CARRY_ON_ROUNDS {
        for bot in amiss(&table) {
            if limit <= used {
                break;
            }
            let (_, looked) = weave(&mut table, &[bot], WEAVE_MAX.min(limit - used), &mut room.search);
            used = used.saturating_add(looked);
        }
    }
    let looked = refine(&mut table, &new, limit.saturating_sub(used), &mut room.search);
    (table, used.saturating_add(looked).min(limit))
}

/// Looks for plans that serve all required robots, and the steps used, at most `limit`.
fn attempt(scene: Scene<'_>, brief: &Brief, problem: &Problem, limit: u32) -> (Option<Found>, u32) {
    let mut best: Option<Found> = None;
    let mut used = 0;
    let rollouts_limit = limit / 2;
    // Most that succeed do so early, so later ones may take longer.
    let least = least_steps(scene);
    let once = least.saturating_mul(ROLLOUT_SLACK);
    if limit < least {
        return (None, 1);
    }
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
        let order = precedence(scene, &brief.kept, problem, round, &first);
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
    if best.is_none() && scene.bots.len() <= EXPLORE_MAX {
        let (moves, steps) = explore(scene, limit.saturating_sub(used));
        used += steps;
        if let Some(moves) = moves {
            used += keep_better(scene, &mut best, moves, limit.saturating_sub(used));
        }
    }
    (best, used)
}

/// Pushes that are needed at least: one for each hop of each undisturbed way, and one for each robot.
fn least_steps(scene: Scene<'_>) -> u32 {
    let hops: usize = (0..scene.bots.len()).map(|bot| 1 + hops_alone(scene, bot)).sum();
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
    let mut order: Vec<usize> = (0..scene.bots.len()).collect();
    order.sort_by_key(|&index| {
        let rank = first.iter().position(|&bot| bot == index).unwrap_or(usize::MAX);
        let priority = problem.robots.get(index).map_or(0, |robot| robot.priority);
        let bot = scene.bots.get(index);
        let far = bot.map_or(0, |bot| bot.to_go(0, bot.start));
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
