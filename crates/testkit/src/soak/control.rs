//! Who tells the robots where to go: planner and executor as a fleet uses them.
//!
//! A question to the planner starts from the commit cut and holds what was planned before. While it is open nothing is
//! granted, so the answer fits; it is checked, what was pending is dropped, and the answer is appended.

use std::{collections::BTreeSet, sync::Arc};

use sheepdog_core::{AgentId, LaneId, Micros, Mm, MmPerS, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;
use sheepdog_traffic::{Executor, Plan, PlanRobot, Planner, Problem, TRF_003, TRF_008, Visit, validate};

use super::{
    Order, TICKS_PER_S,
    course::{CLASSES, Course},
};

/// How far robots are released ahead.
const HORIZON: Mm = Mm(4_000);
/// Steps of the planner for a question; four times as many after each answer that leaves somebody out for want of a joint
/// plan, up to what a fleet takes at once.
const STEPS: (u32, u32) = (6_000, 100_000);
/// Steps for another look at a plan that serves everybody.
const STEPS_IMPROVE: u32 = 500;
/// Visits of a robot that are planned at once.
const VISITS: usize = 3;
/// Ticks until a question is answered.
const ANSWER_AFTER: u32 = 2;
/// Ticks until goals that a plan does not serve are tried again.
const RETRY: u32 = 10 * TICKS_PER_S;
/// Ticks until a plan with which somebody waits is looked at again, for the first time.
const IMPROVE: u32 = 20 * TICKS_PER_S;
/// A robot that could drive and has not come to the end of a lane for so many ticks is late.
const LATE_AFTER: u32 = 5 * TICKS_PER_S;
/// Ticks between two looks at who could go before others.
const OVERTAKE_EVERY: u32 = TICKS_PER_S;
/// The longest time between two looks at a plan.
const IMPROVE_MAX: u32 = 60 * TICKS_PER_S;

/// What a robot has to do.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) class: usize,
    pub(super) start: WaypointId,
    /// Where it works, and for how many ticks.
    pub(super) work: Vec<(WaypointId, u32)>,
    /// Where it rests in the end.
    pub(super) home: WaypointId,
}

/// What control knows of a robot.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) errand: Errand,
    /// All lanes that were granted.
    pub(super) route: Vec<LaneId>,
    /// How much of its work is done, as it has said.
    pub(super) worked: usize,
    pub(super) is_dead: bool,
    /// When it was granted something, or came to the end of a lane, the last time.
    since: u32,
}

/// Planner, executor, and what they are for.
#[derive(Debug)]
pub(super) struct Control {
    site: Arc<CompiledSite>,
    planner: Planner,
    pub(super) executor: Executor,
    pub(super) robots: Vec<Known>,
    pub(super) closed: BTreeSet<ResourceId>,
    open: Option<Open>,
    /// Whether the world has changed since the last question.
    pub(super) is_due: bool,
    asked: u32,
    is_unserved: bool,
    steps: u32,
    improve_after: u32,
    order: Order,
    /// How often a robot was put before another.
    pub(super) overtakings: u64,
    seed: u64,
}

#[derive(Debug)]
struct Open {
    problem: Problem,
    steps: u32,
    due: u32,
    /// Who was done with a visit meanwhile.
    finished: Vec<AgentId>,
}

impl Control {
    pub(super) fn new(course: &Course, errands: &[Errand], order: Order, seed: u64) -> Result<Self, String> {
        let speed = |class: &(Mm, u32)| MmPerS(class.1 * TICKS_PER_S);
        let speeds: Vec<MmPerS> = CLASSES.iter().map(speed).collect();
        let mut executor = Executor::new(Arc::clone(&course.site));
        for (agent, errand) in (0..).map(AgentId).zip(errands) {
            executor.place(agent, errand.class, errand.start).map_err(|error| error.to_string())?;
        }
        let known = |errand: &Errand| Known {
            errand: errand.clone(),
            route: Vec::new(),
            worked: 0,
            is_dead: false,
            since: 0,
        };
        Ok(Self {
            site: Arc::clone(&course.site),
            planner: Planner::new(Arc::clone(&course.site), &speeds),
            executor,
            robots: errands.iter().map(known).collect(),
            closed: BTreeSet::new(),
            open: None,
            is_due: true,
            asked: 0,
            is_unserved: false,
            steps: STEPS.0,
            improve_after: IMPROVE,
            order,
            overtakings: 0,
            seed,
        })
    }

    /// What a robot says of itself: lanes driven, and how often it has worked.
    pub(super) fn heard(&mut self, now: u32, robot: usize, done: u32, worked: usize) {
        let agent = agent(robot);
        let Some(known) = self.robots.get_mut(robot) else { return };
        if self.executor.complete(agent, done) {
            known.since = now;
        }
        if known.worked < worked && self.executor.is_visiting(agent) {
            known.worked += 1;
            match &mut self.open {
                Some(open) => open.finished.push(agent),
                None => {
                    self.executor.work_done(agent);
                }
            }
        }
    }

    /// The work that a robot is to do now: its number, counted from one, and the ticks it takes.
    pub(super) fn work_now(&self, robot: usize) -> Option<(usize, u32)> {
        let known = self.robots.get(robot)?;
        let (place, ticks) = *known.errand.work.get(known.worked)?;
        let agent = agent(robot);
        let rests = self.executor.is_visiting(agent) && self.executor.at(agent) == Some(place);
        rests.then_some((known.worked + 1, ticks))
    }

    /// Asks, takes in an answer, grants, whatever is due. Returns who was granted something, and what happened, for
    /// people.
    pub(super) fn step(&mut self, now: u32, note: &mut dyn FnMut(String)) -> Result<Vec<usize>, String> {
        if let Some(open) = self.open.take_if(|open| open.due <= now) {
            self.answer(&open, note)?;
        }
        let waited = now.saturating_sub(self.asked);
        let late = self.improve_after <= waited && self.executor.anybody_waits();
        let due = self.is_due || (self.is_unserved && RETRY <= waited) || late;
        if self.open.is_none() && due {
            let steps = if self.is_due || self.is_unserved { self.steps } else { STEPS_IMPROVE };
            (self.is_due, self.asked) = (false, now);
            let (problem, due) = (self.problem(), now + ANSWER_AFTER);
            self.open = Some(Open { problem, steps, due, finished: Vec::new() });
        }
        if self.open.is_some() {
            return Ok(Vec::new());
        }
        if self.order == Order::Overtaking && now.is_multiple_of(OVERTAKE_EVERY) {
            self.overtake(now, note);
        }
        Ok(self.grant(now, note))
    }

    /// Puts robots that wait before others that are late, or far away.
    fn overtake(&mut self, now: u32, note: &mut dyn FnMut(String)) {
        let late = |(known, agent): (&Known, AgentId)| {
            known.since + LATE_AFTER < now && !self.executor.granted(agent).is_empty()
        };
        let agents = (0..).map(AgentId);
        let late: Vec<bool> = self.robots.iter().zip(agents).map(late).collect();
        let is_late = |agent: AgentId| late.get(agent.0 as usize).copied().unwrap_or(false);
        for agent in (0..self.robots.len()).map(agent) {
            if !self.executor.granted(agent).is_empty() {
                continue;
            }
            if let Some(overtaking) = self.executor.overtake(agent, &is_late) {
                self.overtakings += 1;
                note(format!("{agent} goes before {} with {} moves", overtaking.by, overtaking.moves));
            }
        }
    }

    fn answer(&mut self, open: &Open, note: &mut dyn FnMut(String)) -> Result<(), String> {
        let plan: Plan = self.planner.plan(&open.problem, open.steps);
        validate(&self.site, &open.problem, &plan).map_err(|fault| format!("the planner: {fault}"))?;
        self.executor.drop_pending();
        self.executor.append(&plan).map_err(|error| format!("a valid plan is refused: {error}"))?;
        self.executor.verify().map_err(|error| format!("the executor: {error}"))?;
        for &agent in &open.finished {
            self.executor.work_done(agent);
        }
        let is_same = plan.moves == open.problem.pending;
        self.improve_after =
            if is_same { self.improve_after.saturating_mul(2).min(IMPROVE_MAX) } else { IMPROVE };
        self.is_unserved = !plan.unserved.is_empty();
        let hard = plan.unserved.iter().any(|unserved| [TRF_003, TRF_008].contains(&unserved.rule));
        self.steps = if hard { (self.steps * 4).min(STEPS.1) } else { STEPS.0 };
        let unserved = plan.unserved.iter().map(|unserved| {
            let by = unserved.by.map_or_else(String::new, |by| format!(" by {by}"));
            format!(", {} not served: {}{by}", unserved.agent, unserved.rule)
        });
        note(format!("a plan of {} moves{}", plan.moves.len(), unserved.collect::<String>()));
        Ok(())
    }

    fn grant(&mut self, now: u32, note: &mut dyn FnMut(String)) -> Vec<usize> {
        let (site, robots, closed) = (&self.site, &self.robots, &self.closed);
        let may_go = |agent: AgentId, lanes: &[LaneId]| {
            let Some(known) = robots.get(agent.0 as usize).filter(|known| !known.is_dead) else {
                return false;
            };
            let class = site.classes().get(known.errand.class);
            let along = |lane: &LaneId| class.map_or(&[][..], |class| class.along(*lane));
            !lanes.iter().flat_map(along).any(|resource| closed.contains(resource))
        };
        let mut granted = Vec::new();
        for grant in self.executor.grant_where(HORIZON, &may_go) {
            let robot = grant.agent.0 as usize;
            let Some(known) = self.robots.get_mut(robot) else { continue };
            known.route.extend(grant.lanes.iter().copied());
            known.since = now;
            let end = self.executor.rests_at(grant.agent).and_then(|at| self.site.waypoint(at));
            note(format!("{} may drive to {}", grant.agent, end.map_or("nowhere", |at| at.name.as_str())));
            granted.push(robot);
        }
        granted
    }

    fn problem(&self) -> Problem {
        let mut blocked: Vec<ResourceId> = self.closed.iter().copied().collect();
        let mut robots = Vec::new();
        for (agent, at) in self.executor.cut() {
            let Some(known) = self.robots.get(agent.0 as usize) else { continue };
            if known.is_dead {
                blocked.extend(self.executor.held(agent));
                continue;
            }
            let work = known.errand.work.get(known.worked..).unwrap_or(&[]);
            let visit = |&(place, ticks): &(WaypointId, u32)| {
                let millis = u64::from(ticks) * 1_000 / u64::from(TICKS_PER_S);
                Visit { place, work: Micros::from_millis(millis) }
            };
            let visits: Vec<Visit> = work.iter().take(VISITS).map(visit).collect();
            let goal = (work.len() <= VISITS).then_some(known.errand.home);
            let priority = u64::from(agent.0 % 3);
            robots.push(PlanRobot { agent, class: known.errand.class, at, visits, goal, priority });
        }
        blocked.sort_unstable();
        blocked.dedup();
        Problem { robots, blocked, pending: self.executor.pending_moves(), seed: self.seed }
    }
}

/// Robots are agents by their index.
pub(super) fn agent(robot: usize) -> AgentId {
    AgentId(u32::try_from(robot).unwrap_or(u32::MAX))
}
