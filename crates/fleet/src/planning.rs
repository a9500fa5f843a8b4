//! Plan jobs, their results, and the releases that follow from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sheepdog_core::{
    AgentId, JobId, LaneId, Micros, WaypointId,
    wire::{Release, StopOrder, ToAgent},
};
use sheepdog_traffic::{Plan, PlanRobot, Problem, Visit, validate};

use crate::{
    area::leads_into,
    fleet::Fleet,
    input::{InputError, Output},
    lamps::entered_room,
    record::{Ahead, Record},
    rules,
    state::{AgentState, Errand, OpenJob, Phase, RobotState, Standing},
};

/// Between two plan jobs at least this much time passes, so that a burst of events makes one plan.
const PLAN_INTERVAL: Micros = Micros::from_millis(200);

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
        planning.not_before = self.state.now + PLAN_INTERVAL;
        let job = JobId(planning.next_job);
        planning.next_job += 1;
        let finished = Vec::new();
        planning.open = Some(OpenJob { job, asked: self.state.now, problem: problem.clone(), finished });
        self.output(Output::Plan { job, problem, step_budget: self.config.plan_steps });
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
                self.state.planning.unserved = plan.unserved.iter().map(|unserved| unserved.agent).collect();
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
            let unserved = !planning.unserved.is_empty() && waits(RETRY_INTERVAL);
            let late = waits(planning.improve_after) && self.executor.anybody_waits();
            let astray = waits(Micros::ZERO) && self.is_anybody_astray();
            self.state.planning.due |= unserved || late || astray;
        }
    }

    /// Whether a robot has something else to do than what is planned, and the plan does not say why.
    fn is_anybody_astray(&self) -> bool {
        let unserved = &self.state.planning.unserved;
        self.state.agents.keys().any(|agent| !unserved.contains(agent) && !self.is_on_course(*agent))
    }

    /// Grants what the dependency graph allows and tells the robots.
    pub(crate) fn grant(&mut self) {
        if !self.state.grants_due || self.state.planning.open.is_some() {
            return;
        }
        self.state.grants_due = false;
        let stopped: BTreeSet<AgentId> =
            self.state.agents.keys().copied().filter(|id| self.is_held_back(*id)).collect();
        let stops = self.area_stops();
        let site = Arc::clone(&self.site);
        let classes: BTreeMap<AgentId, usize> = self.classes();
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
            self.release(grant.agent, grant.first, grant.lanes);
        }
        self.note_withheld();
    }

    fn classes(&self) -> BTreeMap<AgentId, usize> {
        let class = |(id, agent): (&AgentId, &AgentState)| Some((*id, agent.robot.as_ref()?.class));
        self.state.agents.iter().filter_map(class).collect()
    }

    /// Whether a robot gets no release now.
    fn is_held_back(&self, agent: AgentId) -> bool {
        self.is_stopped(agent)
            || self.has_lit_lamp(agent)
            || self.agent(agent).is_none_or(|state| {
                state.standing != Standing::Well
                    || self.is_awaited(state)
                    || self.is_performing(state)
                    || state.robot.as_ref().is_none_or(|robot| robot.shrunk)
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
        self.state.passages_due = true;
        self.record(&Record::Released { agent, first, lanes });
        self.output(Output::ToAgent { agent, message: ToAgent::Release(release) });
    }

    /// Writes down, once for each reason, why a robot that has come to the end of its release gets no further.
    fn note_withheld(&mut self) {
        let waiting: Vec<AgentId> = self
            .state
            .agents
            .iter()
            .filter(|(_, agent)| agent.robot.as_ref().is_some_and(|robot| robot.ahead().len() <= 1))
            .map(|(id, _)| *id)
            .collect();
        for agent in waiting {
            self.note_room(agent);
            let Some(withheld) = self.executor.withheld(agent) else {
                self.note_barred(agent);
                continue;
            };
            let mut lanes = self.executor.granted(withheld.by);
            lanes.extend(self.executor.pending(withheld.by));
            let ahead = Ahead { holds: self.executor.held(withheld.by).to_vec(), lanes };
            let Some(robot) = self.robot_mut(agent) else { continue };
            let length = u32::try_from(robot.route.len()).unwrap_or(u32::MAX);
            let reason = (length, withheld.resource, withheld.by);
            if robot.held.replace(reason) != Some(reason) {
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
