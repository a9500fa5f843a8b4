//! The policy: reads the facts, mends the plan, lets begin what must begin now.

use std::collections::BTreeSet;

use super::{
    Aboard, Breach, Facts, Itinerary, Plan, PlanJob, Power, Prospects, Robot, Travels, Wanted, Work,
    facts::{PIECES_MAX, ROBOTS_MAX},
    problem::{KnownWays, Problem},
    search::Search,
};
use crate::policy::{
    Arrivals, BatchOptimal, Choice, Open, Policy, Question, Ready, Weights, first_of, is_overdue,
    serve_overdue,
};

/// Plans of several tasks for each agent, of which those tasks begin that must begin now.
///
/// A decision searches nothing. It reads the facts, drops what of the plan [does not hold](Plan::still_holds) any more, puts new
/// tasks in where they cost least (regret insertion), and names the pairs of agents that are free and the tasks that come
/// first in their routes, if there is no time to wait for. The search goes on between decisions, wherever there is time:
/// [`job`](Self::job) gives what is left to plan, and [`adopt`](Self::adopt) takes what was found. Without any of that it
/// inserts alone.
///
/// What comes out of a plan is asked about once more, as any pair is: who [is not there for the
/// task](crate::policy::Arrivals::nearest) now does not begin it, whatever the plan says. Pairs that fall, tasks that nobody can
/// tell anything about and agents whose whereabouts are unknown are left to [`BatchOptimal`]; if there are no
/// [`Prospects`](crate::policy::Arrivals::prospects) at all, that is everything.
///
/// **No task starves**, as with [`BatchOptimal`]: one that has waited for [`horizon_ms`](Self::horizon_ms) goes before all plans.
///
/// ```
/// use sheepdog_dispatch::{
///     policy::{Arrival, Arrivals, Choice, Open, Policy, Question, Ready},
///     rolling::{Errand, Outlook, Prospects, Rolling, Stop, Travels},
/// };
/// /// A corridor of places a second apart: a robot at place 10, things to be fetched at 8 and 11 and brought to 0 and 12.
/// struct Corridor;
///
/// impl Travels for Corridor {
///     fn ways(&mut self, _: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
///         let way = |from: &u32, to: &u32| Some(1_000 * u64::from(from.abs_diff(*to)));
///         from.iter().flat_map(|from| to.iter().map(move |to| way(from, to))).collect()
///     }
/// }
///
/// impl Prospects for Corridor {
///     fn errand(&mut self, task: u32) -> Option<Errand> {
///         let places = [[8, 0], [11, 12]].get(task as usize)?.to_vec();
///         Some(Errand { pickup: Stop { places, ..Stop::at(0, 2_000) }, delivery: None, load: 0 })
///     }
///     fn outlook(&mut self, _: u32) -> Option<Outlook> {
///         Some(Outlook { place: 10, travel: 0, room: 1, until_ms: None, aboard: Vec::new(), power: None })
///     }
///     fn may(&mut self, _: u32, _: u32) -> bool {
///         true
///     }
///     fn chargers(&mut self) -> Vec<u32> {
///         Vec::new()
///     }
/// }
///
/// impl Arrivals for Corridor {
///     fn nearest(&mut self, task: u32, _: usize, found: &mut Vec<Arrival>) -> Option<u64> {
///         found.push(Arrival { at_ms: [2_000, 1_000][task as usize], agent: 7 });
///         None
///     }
///     fn prospects(&mut self) -> Option<&mut dyn Prospects> {
///         Some(self)
///     }
/// }
///
/// let question = Question { now_ms: 0, tasks: &[Open::new(0, 0), Open::new(1, 0)], agents: &[Ready::new(7, 0)] };
/// let mut rolling = Rolling::default();
/// // The short task first: then the other waits for 8 s, and not for 23 s.
/// assert_eq!(rolling.decide(&question, &mut Corridor), [Choice { task: 1, agent: 7, at_ms: 1_000 }]);
/// // What is left is planned while the robot drives.
/// let mut job = rolling.job().unwrap();
/// job.step(100);
/// rolling.adopt(job.best());
/// assert_eq!(rolling.plan().routes[0].tasks().collect::<Vec<_>>(), [0]);
/// assert_eq!(rolling.plan().cost.wait_ms, 1_000 + 2_000 + 1_000 + 4_000);
/// ```
#[derive(Clone, Debug)]
pub struct Rolling {
    /// After how long a task goes first.
    pub horizon_ms: u64,
    /// How much later than planned somebody may be before what it was to do is planned anew.
    pub drift_ms: u64,
    /// What lateness, energy and fairness weigh.
    pub weights: Weights,
    /// Where chance comes from.
    pub seed: u64,
    plan: Plan,
    breaches: Vec<Breach>,
    /// What is left to plan after the last decision.
    left: Option<Problem>,
    wakes_ms: Option<u64>,
    fallback: BatchOptimal,
}

impl Default for Rolling {
    /// A task goes first after half an hour, as in [`BatchOptimal`]; half a minute late is a reason to plan anew.
    fn default() -> Self {
        let fallback = BatchOptimal::default();
        Self {
            horizon_ms: fallback.horizon_ms,
            drift_ms: 30_000,
            weights: fallback.weights,
            seed: 1,
            plan: Plan::default(),
            breaches: Vec::new(),
            left: None,
            wakes_ms: None,
            fallback,
        }
    }
}

impl Rolling {
    /// The plan: what is to be done after what has begun.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What of the plan did not hold at the last decision.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// When somebody who is free now has to set out, to be where work may begin at some time and not before. There should be a
    /// decision then.
    pub fn wakes_ms(&self) -> Option<u64> {
        self.wakes_ms
    }

    /// What is left to plan after the last decision, beginning with the plan that there is; `None` before the first decision, and
    /// where there were no prospects.
    pub fn job(&self) -> Option<PlanJob> {
        Some(PlanJob::new(self.left.clone()?, &self.plan, self.seed))
    }

    /// What there is to plan at the moment of a question, before it is decided, beginning with what holds of the plan; `None` where
    /// there are no prospects. Where there is time to search while something waits to be decided, the next decision then knows
    /// the best place of what has just come, too, and not only one of the cheapest.
    pub fn job_for(&self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Option<PlanJob> {
        let facts = read(question, self.weights, arrivals.prospects()?);
        let problem = facts.problem(arrivals.prospects()?).ok()?;
        let breaches = self.plan.still_holds(&problem, self.drift_ms);
        Some(PlanJob::new(problem, &self.plan.clone().without(&breaches), self.seed))
    }

    /// Takes over what a job has found, however old it is: what does not hold is found at the next decision.
    pub fn adopt(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// Mends the plan, and says which of its pairs begin now.
    fn mend(&mut self, question: &Question<'_>, problem: &Problem) -> Vec<Choice> {
        self.breaches = self.plan.still_holds(problem, self.drift_ms);
        let held = std::mem::take(&mut self.plan).without(&self.breaches);
        self.plan = problem.plan(Search::new(problem, self.seed, problem.nodes_of(&held)).best());
        let free = question.free_agents();
        let mut begin = Vec::new();
        for route in self.plan.routes.iter().filter(|route| free.contains(&route.agent)) {
            let Some(first) = route.visits.first() else { continue };
            let Work::Begin { task } = first.work else { continue };
            // There is time to wait here, where it may be wanted for something else.
            let spare_ms = first.begin_ms - first.arrive_ms;
            if spare_ms == 0 {
                begin.push(Choice { task, agent: route.agent, at_ms: first.arrive_ms });
            } else {
                let wakes_ms = question.now_ms.saturating_add(spare_ms);
                self.wakes_ms = Some(self.wakes_ms.map_or(wakes_ms, |known| known.min(wakes_ms)));
            }
        }
        begin
    }

    /// Leaves to the batch what no plan covers.
    fn fall_back(
        &mut self,
        question: &Question<'_>,
        taken: &[Choice],
        arrivals: &mut dyn Arrivals,
    ) -> Vec<Choice> {
        let planned: BTreeSet<u32> = self.plan.routes.iter().flat_map(Itinerary::tasks).collect();
        let busy: BTreeSet<u32> = self.plan.routes.iter().map(|route| route.agent).collect();
        let is_taken = |open: &Open| taken.iter().any(|choice| choice.task == open.task);
        let tasks = question.tasks.iter().filter(|open| !is_taken(open) && !planned.contains(&open.task));
        let tasks: Vec<Open> = tasks.copied().collect();
        let is_left = |ready: &&Ready| {
            !busy.contains(&ready.agent) && taken.iter().all(|choice| choice.agent != ready.agent)
        };
        let agents: Vec<Ready> = question.agents.iter().filter(is_left).copied().collect();
        if tasks.is_empty() || agents.is_empty() {
            return Vec::new();
        }
        self.fallback.decide(&Question { tasks: &tasks, agents: &agents, ..*question }, arrivals)
    }
}

impl Policy for Rolling {
    fn decide(&mut self, question: &Question<'_>, arrivals: &mut dyn Arrivals) -> Vec<Choice> {
        (self.left, self.wakes_ms) = (None, None);
        self.fallback.horizon_ms = self.horizon_ms;
        self.fallback.weights = self.weights;
        let mut free = question.free_agents();
        let overdue = question.tasks.iter().filter(|open| is_overdue(open, question.now_ms, self.horizon_ms));
        let mut choices = serve_overdue(overdue.copied().collect(), &mut free, arrivals);
        let facts = arrivals.prospects().map(|prospects| {
            let mut facts = read(question, self.weights, prospects);
            for choice in &choices {
                facts.begin(*choice, prospects);
            }
            facts
        });
        let problem = facts.and_then(|facts| facts.problem(arrivals.prospects()?).ok());
        let Some(problem) = problem else {
            (self.plan, self.breaches) = (Plan::default(), Vec::new());
            choices.extend(self.fall_back(question, &choices, arrivals));
            choices.sort_unstable();
            return choices;
        };
        let question_left = Question {
            agents: &question
                .agents
                .iter()
                .filter(|ready| free.contains(&ready.agent))
                .copied()
                .collect::<Vec<_>>(),
            ..*question
        };
        let planned = self.mend(&question_left, &problem);
        for choice in planned {
            // The plan is not believed: who is first of one is there at all.
            let alone = BTreeSet::from([choice.agent]);
            let found = first_of(choice.task, &alone, arrivals);
            match found.filter(|found| found.at_ms.abs_diff(choice.at_ms) <= self.drift_ms) {
                Some(found) => choices.push(Choice { at_ms: found.at_ms, ..choice }),
                None => self.plan.routes.retain(|route| route.agent != choice.agent),
            }
        }
        choices.extend(self.fall_back(question, &choices, arrivals));
        choices.sort_unstable();
        let mut facts = problem.facts().clone();
        for choice in &choices {
            facts.begin(*choice, &mut KnownWays(&problem));
        }
        self.left = facts.problem(&mut KnownWays(&problem)).ok();
        if let Some(left) = &self.left {
            // What has begun is no longer to be planned; what is on board since is.
            self.plan = left.plan(Search::new(left, self.seed, left.nodes_of(&self.plan)).best());
        }
        choices
    }
}

/// All that is known of tasks and agents; the most urgent tasks where there are too many.
fn read(question: &Question<'_>, weights: Weights, prospects: &mut dyn Prospects) -> Facts {
    let mut robots = Vec::new();
    for ready in question.agents.iter().take(ROBOTS_MAX) {
        robots.extend(prospects.outlook(ready.agent).map(|outlook| Robot { ready: *ready, outlook }));
    }
    let loads: usize = robots.iter().map(|robot: &Robot| robot.outlook.aboard.len()).sum();
    let mut tasks = question.tasks.to_vec();
    tasks.sort_unstable_by_key(|open| {
        (std::cmp::Reverse(open.priority), open.requested_ms, open.tie, open.task)
    });
    tasks.truncate(PIECES_MAX.saturating_sub(loads));
    let mut wanted = Vec::new();
    for open in tasks {
        if let Some(errand) = prospects.errand(open.task) {
            let agents = robots.iter().map(|robot| robot.ready.agent);
            let may = agents.filter(|agent| prospects.may(open.task, *agent)).collect();
            wanted.push(Wanted { open, errand, may });
        }
    }
    Facts { now_ms: question.now_ms, wanted, robots, chargers: prospects.chargers(), weights }
}

impl Facts {
    /// Lets an agent begin a task: it is free when it has ended what it does now, and may have a load on board then. An agent of
    /// whom that cannot be told is not counted on any more.
    pub(super) fn begin(&mut self, choice: Choice, travels: &mut (impl Travels + ?Sized)) {
        let Choice { task, agent, at_ms } = choice;
        let Some(slot) = self.robots.iter().position(|robot| robot.ready.agent == agent) else { return };
        let place = self.wanted.iter().position(|wanted| wanted.open.task == task);
        let mut robot = self.robots.swap_remove(slot);
        let Some(wanted) = place.map(|place| self.wanted.swap_remove(place)) else { return };
        let stop = &wanted.errand.pickup;
        let mut lasts_ms = stop.takes_ms;
        for (from, to) in stop.places.iter().zip(stop.places.iter().skip(1)) {
            let way = travels.ways(robot.outlook.travel, &[*from], &[*to]);
            let Some(Some(way)) = way.first() else { return };
            lasts_ms = lasts_ms.saturating_add(*way);
        }
        let sets_out_ms = robot.ready.free_ms.max(self.now_ms);
        robot.ready.free_ms = at_ms.max(stop.ready_ms).saturating_add(lasts_ms);
        if let Some(Power { level_ppm, .. }) = &mut robot.outlook.power {
            let used_ms = at_ms.saturating_sub(sets_out_ms).saturating_add(lasts_ms);
            let used = used_ms.saturating_mul(robot.ready.drain_ppm_per_s.into()).div_ceil(1_000);
            *level_ppm = level_ppm.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
        }
        robot.outlook.place = stop.places.last().copied().unwrap_or(robot.outlook.place);
        let Wanted { open, errand, .. } = wanted;
        robot.outlook.aboard.extend(errand.delivery.map(|delivery| Aboard {
            task,
            priority: open.priority,
            delivery,
            load: errand.load,
        }));
        self.robots.push(robot);
    }
}
