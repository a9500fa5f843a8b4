//! Plan jobs, their results, and the releases that follow from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sheepdog_core::{
    AgentId, JobId, LaneId, Micros, WaypointId,
    wire::{Release, StopOrder, ToAgent},
};
use sheepdog_traffic::{Plan, PlanRobot, Problem, TRF_009, Unserved, Visit, validate};

use crate::{
    area::leads_into,
    fleet::Fleet,
    input::{InputError, Output},
    lamps::entered_room,
    passages::leads_through,
    record::{Ahead, Record},
    rules,
    state::{AgentState, Errand, Hold, OpenJob, Phase, Planning, RobotState, Standing},
};

/// Between two plan jobs at least this much time passes, so that a burst of events makes one plan.
const PLAN_INTERVAL: Micros = Micros::from_millis(200);

/// By how much longer that is for each robot, microseconds: plans for many cost more.
const PLAN_INTERVAL_PER_ROBOT_US: u64 = 2_000;

/// Steps that a plan may take for each robot, if that is more than what is configured.
const PLAN_STEPS_PER_ROBOT: u32 = 400;

/// A robot of whose way only a part is planned gets the next part when fewer moves than these are left of it.
const MOVES_AHEAD_MIN: usize = 6;

/// After a plan that left goals unserved, the next one waits this long unless something changes.
const RETRY_INTERVAL: Micros = Micros::from_secs(5);

/// Visits of one robot that a plan covers: longer plans are harder to find and will not come true anyway.
const VISITS_MAX: usize = 3;

/// While robots wait for each other, their plan is looked at again this often, because nobody is ever quite on time;
/// and each time that changes nothing, after twice the time, up to the second span.
const IMPROVE_INTERVAL: (Micros, Micros) = (Micros::from_secs(6), Micros::from_secs(300));

impl Fleet {
    /// Asks for a plan if the world has changed and no question is open.
    ///
    /// Until the answer is in, no release grows beyond the commit cut, so the answer fits when it comes.
    pub(crate) fn ask_for_plan(&mut self) {
        let planning = &self.state.planning;
        if !planning.due || planning.open.is_some() || self.state.now < planning.not_before {
            return;
        }
        self.find_refuges();
        let problem = self.problem();
        let planning = &mut self.state.planning;
        planning.due = false;
        let robots = problem.robots.len() as u64;
        planning.not_before =
            self.state.now + PLAN_INTERVAL + Micros::new(robots * PLAN_INTERVAL_PER_ROBOT_US);
        let job = JobId(planning.next_job);
        planning.next_job += 1;
        let finished = Vec::new();
        planning.open = Some(OpenJob { job, asked: self.state.now, problem: problem.clone(), finished });
        self.output_plan(job, problem);
    }

    /// Puts a question to the host.
    pub(crate) fn output_plan(&mut self, job: JobId, problem: Problem) {
        let for_all =
            u32::try_from(problem.robots.len()).unwrap_or(u32::MAX).saturating_mul(PLAN_STEPS_PER_ROBOT);
        self.output(Output::Plan { job, problem, step_budget: self.config.plan_steps.max(for_all) });
    }

    /// The commit cut as a question: where everybody rests after what is granted, and where they want to go.
    fn problem(&self) -> Problem {
        let mut robots = Vec::new();
        let mut blocked = Vec::new();
        for (agent, at) in self.executor.cut() {
            let Some(state) = self.agent(agent) else { continue };
            let Some(robot) = &state.robot else { continue };
            if self.is_obstacle(agent, state, robot) {
                blocked.extend(self.executor.held(agent));
                continue;
            }
            let (visits, goal) = self.course_of(state);
            let priority = self.urgency_of(state);
            robots.push(PlanRobot { agent, class: robot.class, at, visits, goal, priority });
        }
        blocked.extend(self.faulty_passages());
        blocked.extend(self.burning_passages());
        blocked.sort_unstable();
        blocked.dedup();
        Problem { robots, blocked, pending: self.executor.pending_moves(), seed: self.config.seed }
    }

    /// Whether a person is on the way to fetch a load from the agent: it stays where it is until then.
    pub(crate) fn is_awaited(&self, state: &AgentState) -> bool {
        let task = state.burden.and_then(|task| self.state.tasks.get(&task));
        task.is_some_and(|task| !task.phase.is_over() && task.phase.agent().is_some())
    }

    /// Whether a robot will not move for a while, so that others must go round what it holds.
    fn is_obstacle(&self, agent: AgentId, state: &AgentState, robot: &RobotState) -> bool {
        state.standing != Standing::Well || self.is_awaited(state) || robot.stalled || self.is_stopped(agent)
    }

    fn is_performing(&self, state: &AgentState) -> bool {
        let task = state.job.and_then(|token| self.state.tasks.get(&token.task));
        task.is_some_and(|task| matches!(task.phase, Phase::Performing { .. }))
    }

    /// Where a robot will work next, and where it rests afterwards: at the first step whose gate is not known to be
    /// open, or at a charger. Visits beyond [`VISITS_MAX`] are planned when their turn comes.
    fn course_of(&self, state: &AgentState) -> (Vec<Visit>, Option<WaypointId>) {
        if self.parks_for(state.profile.id, state).is_some() {
            return (Vec::new(), state.refuge);
        }
        let Some(task) = state.job.and_then(|token| self.state.tasks.get(&token.task)) else {
            let goal = match state.errand {
                Errand::None => None,
                Errand::Charge(at) => Some(at),
            };
            return (Vec::new(), goal);
        };
        let begun = match task.phase {
            Phase::Performing { since, .. } => self.state.now.since(since),
            Phase::Pending
            | Phase::Asked { .. }
            | Phase::Travelling { .. }
            | Phase::Done { .. }
            | Phase::Cancelled => None,
        };
        let current = task.step as usize;
        let mut visits = Vec::new();
        for (index, step) in task.task.steps.iter().enumerate().skip(current) {
            let is_open = index == current && (begun.is_some() || task.gate == Some((task.step, None)));
            if visits.len() == VISITS_MAX {
                return (visits, None);
            }
            if !step.gates.is_empty() && !is_open {
                return (visits, Some(step.place));
            }
            let elapsed = if index == current { begun.unwrap_or_default() } else { Micros::ZERO };
            visits.push(Visit { place: step.place, work: step.duration.saturating_sub(elapsed) });
        }
        (visits, None)
    }

    /// The longer the task of a robot has waited, the more urgent its way.
    fn urgency_of(&self, state: &AgentState) -> u64 {
        if state.refuge.is_some() {
            return u64::MAX;
        }
        if let Some(task) = state.job.and_then(|token| self.state.tasks.get(&token.task)) {
            let waited = self.state.now.since(task.task.requested).unwrap_or_default().as_millis();
            return (u64::from(task.task.priority) << 40) + waited + 1;
        }
        u64::from(state.errand != Errand::None)
    }

    /// Whether what is planned for a robot is what it has to do.
    fn is_on_course(&self, agent: AgentId) -> bool {
        let Some(state) = self.agent(agent) else { return true };
        let Some(robot) = &state.robot else { return true };
        let (visits, goal) = self.course_of(state);
        let ends = || self.executor.ends_at(agent);
        self.is_obstacle(agent, state, robot)
            || (visits.len() == self.executor.visits_ahead(agent) && (goal.is_none() || goal == ends()))
    }

    /// Asks for a new plan if what is planned for a robot is not what it has to do.
    pub(crate) fn check_course(&mut self, agent: AgentId) {
        self.state.planning.due |= !self.is_on_course(agent);
    }

    /// Takes in a plan: checked by the independent validator, used whole or not at all.
    pub(crate) fn planned(&mut self, job: JobId, plan: &Plan) -> Result<(), InputError> {
        let open = match self.state.planning.open.take() {
            Some(open) if open.job == job => open,
            other => {
                self.state.planning.open = other;
                return Err(InputError::UnknownJob(job));
            }
        };
        let checked = validate(&self.site, &open.problem, plan).map_err(|fault| fault.to_string());
        let (soon, late) = IMPROVE_INTERVAL;
        let improve_after = if plan.moves == open.problem.pending {
            self.state.planning.improve_after.saturating_add(self.state.planning.improve_after).min(late)
        } else {
            soon
        };
        self.state.planning.improve_after = improve_after.max(soon);
        let used = checked.and_then(|()| {
            self.executor.drop_pending();
            self.executor.append(plan).map_err(|error| error.to_string())
        });
        self.state.grants_due = true;
        match used {
            Ok(()) => {
                for agent in open.finished {
                    self.executor.work_done(agent);
                }
                let (ahead, unserved): (Vec<&Unserved>, _) =
                    plan.unserved.iter().partition(|unserved| unserved.rule == TRF_009);
                self.state.planning.ahead = ahead.into_iter().map(|ahead| ahead.agent).collect();
                self.state.planning.unserved = unserved.into_iter().map(|unserved| unserved.agent).collect();
                let moves = u32::try_from(plan.moves.len()).unwrap_or(u32::MAX);
                self.record(&Record::Planned { job, moves, unserved: plan.unserved.clone() });
            }
            Err(reason) => {
                self.state.planning.due = true;
                self.state.planning.not_before = self.state.now + RETRY_INTERVAL;
                self.record(&Record::PlanRefused { job, reason });
            }
        }
        Ok(())
    }

    /// A question that nobody answers is asked again; goals that were not served are tried again.
    pub(crate) fn watch_plan(&mut self) {
        let now = self.state.now;
        let planning = &mut self.state.planning;
        let late = planning
            .open
            .as_ref()
            .filter(|open| now.since(open.asked).is_some_and(|waited| self.config.plan_within < waited))
            .map(|open| open.job);
        if let Some(job) = late {
            planning.open = None;
            planning.due = true;
            self.alert(rules::PLAN_REFUSED, None, None, format!("plan job {job} was not answered in time"));
        } else if planning.open.is_none() {
            let waits = |interval| now.since(planning.not_before).is_some_and(|idle| interval < idle);
            let unserved = !planning.unserved.is_empty() || !planning.ahead.is_empty();
            let unserved = unserved && waits(RETRY_INTERVAL);
            let runs_out = |agent: &AgentId| self.executor.moves_ahead(*agent) < MOVES_AHEAD_MIN;
            let unserved = unserved || planning.ahead.iter().any(runs_out);
            let late = waits(planning.improve_after) && self.executor.anybody_waits();
            let astray = waits(Micros::ZERO) && self.is_anybody_astray();
            self.state.planning.due |= unserved || late || astray;
        }
    }

    /// Whether a robot has something else to do than what is planned, and the plan does not say why.
    fn is_anybody_astray(&self) -> bool {
        let Planning { unserved, ahead, .. } = &self.state.planning;
        let planned = |agent: &&AgentId| !unserved.contains(agent) && !ahead.contains(agent);
        self.state.agents.keys().filter(planned).any(|agent| !self.is_on_course(*agent))
    }

    /// Grants what the dependency graph allows and tells the robots. Returns whether there was a reason to.
    pub(crate) fn grant(&mut self) -> bool {
        if !self.state.grants_due || self.state.planning.open.is_some() {
            return false;
        }
        self.state.grants_due = false;
        let stopped: BTreeSet<AgentId> =
            self.executor.awake().filter(|agent| self.is_held_back(*agent)).collect();
        let stops = self.area_stops();
        let site = Arc::clone(&self.site);
        let class = |agent: AgentId| Some((agent, self.agent(agent)?.robot.as_ref()?.class));
        let classes: BTreeMap<AgentId, usize> = self.executor.awake().filter_map(class).collect();
        let class_of = |agent: AgentId| classes.get(&agent).copied().unwrap_or(usize::MAX);
        let (ways, rooms) = (self.ways_kept_clear(), self.rooms_kept_empty());
        let may_go = |agent: AgentId, lanes: &[LaneId]| {
            let claims = site.classes().get(class_of(agent));
            !stopped.contains(&agent)
                && claims.is_some_and(|claims| {
                    ways.let_pass(&site, claims, lanes)
                        && entered_room(&site, claims, &rooms, agent, lanes).is_none()
                })
                && !stops.iter().any(|stop| leads_into(&site, class_of(agent), stop.scope, lanes))
        };
        for grant in self.executor.grant_where(self.config.release_horizon, &may_go) {
            self.release(grant.agent, grant.first, grant.lanes.into_vec());
        }
        true
    }

    /// All agents, or one of them.
    pub(crate) fn agents(&self, only: Option<AgentId>) -> impl Iterator<Item = (&AgentId, &AgentState)> {
        let (first, last) = only.map_or((AgentId(0), AgentId(u32::MAX)), |only| (only, only));
        self.state.agents.range(first..=last)
    }

    /// Whether a robot gets no release now.
    fn is_held_back(&self, agent: AgentId) -> bool {
        self.is_stopped(agent)
            || self.has_lit_lamp(agent)
            || self.agent(agent).is_none_or(|state| {
                state.standing != Standing::Well
                    || self.is_awaited(state)
                    || self.is_performing(state)
                    || state.robot.as_ref().is_none_or(|robot| robot.hold == Hold::Answered)
            })
    }

    fn release(&mut self, agent: AgentId, first: u32, lanes: Vec<LaneId>) {
        let site = self.site.version();
        let Some(robot) = self.robot_mut(agent) else { return };
        debug_assert_eq!(
            robot.route.len(),
            first as usize,
            "the executor and the fleet count the same route"
        );
        robot.route.extend(&lanes);
        robot.held = None;
        let boot = robot.boot.unwrap_or(0);
        let release =
            Release { boot, epoch: robot.epoch, origin: robot.origin, first, lanes: lanes.clone(), site };
        self.state.peripherals_due |= lanes.iter().any(|lane| leads_through(&self.site, *lane));
        self.record(&Record::Released { agent, first, lanes });
        self.output(Output::ToAgent { agent, message: ToAgent::Release(release) });
    }

    /// Writes down, once for each reason, why robots that have come to the end of their release, or one of them, get no
    /// further.
    pub(crate) fn note_withheld(&mut self, only: Option<AgentId>) {
        if self.state.planning.open.is_some() {
            return;
        }
        let waiting: Vec<AgentId> = self
            .agents(only)
            .filter(|(_, agent)| agent.robot.as_ref().is_some_and(|robot| robot.ahead().len() <= 1))
            .map(|(id, _)| *id)
            .collect();
        for agent in waiting {
            self.note_room(agent);
            let Some(withheld) = self.executor.withheld(agent) else {
                self.note_barred(agent);
                continue;
            };
            let Some(robot) = self.robot_mut(agent) else { continue };
            let length = u32::try_from(robot.route.len()).unwrap_or(u32::MAX);
            let reason = (length, withheld.resource, withheld.by);
            if robot.held.replace(reason) != Some(reason) {
                let mut lanes = self.executor.granted(withheld.by);
                lanes.extend(self.executor.pending(withheld.by));
                let ahead = Ahead { holds: self.executor.held(withheld.by), lanes };
                self.record(&Record::Held { agent, withheld, ahead });
            }
        }
    }

    /// Writes down, once for each stop, that it keeps a robot from entering where its way leads.
    fn note_barred(&mut self, agent: AgentId) {
        let lanes = self.executor.next_move(agent);
        let stops = self.area_stops();
        let class = self.agent(agent).and_then(|agent| agent.robot.as_ref()).map(|robot| robot.class);
        let bars = |stop: &StopOrder| leads_into(&self.site, class.unwrap_or(usize::MAX), stop.scope, lanes);
        let Some(stop) = stops.into_iter().find(bars) else { return };
        let lanes = lanes.to_vec();
        if self.is_held_back(agent) {
            return;
        }
        let Some(robot) = self.robot_mut(agent) else { return };
        if robot.barred.replace(stop.generation) != Some(stop.generation) {
            self.record(&Record::Barred { agent, lanes, stop });
        }
    }
}
