//! Whether a plan keeps every rule, and what it costs: plain code that shares nothing with the search.

use std::collections::BTreeMap;

use super::{Aboard, Facts, Itinerary, Plan, PlanCost, Problem, ROUTE_MAX, Robot, Stop, Visit, Wanted, Work};

/// Which rule a plan breaks, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFault {
    /// Somebody who is not there, or has two routes, or an empty one, or one that is too long.
    #[error("the route of agent {agent} is nobody's, a second one, empty or too long")]
    Route {
        /// Who.
        agent: u32,
    },
    /// A task that is not there, or done by whoever may not.
    #[error("agent {agent} is to do task {task}, which is not there or not for it")]
    NotFor {
        /// Who.
        agent: u32,
        /// Which one.
        task: u32,
    },
    /// A task that is neither done by one agent, pickup first, nor left; or both, or twice.
    #[error("task {task} is neither done once by one agent in its order nor left as a whole")]
    Split {
        /// Which one.
        task: u32,
    },
    /// A stop that nobody could reach at the time that is told, or that begins or ends at another one.
    #[error("stop {stop} of agent {agent} has times that do not follow")]
    Times {
        /// Who.
        agent: u32,
        /// Which of its stops.
        stop: usize,
    },
    /// Too much on board.
    #[error("at stop {stop} agent {agent} has {load} on board, there is room for {room}")]
    Load {
        /// Who.
        agent: u32,
        /// Which of its stops.
        stop: usize,
        /// What is on board.
        load: u64,
        /// What may be.
        room: u32,
    },
    /// Somebody ends later than it may.
    #[error("agent {agent} ends stop {stop} after it has to have ended everything")]
    Until {
        /// Who.
        agent: u32,
        /// Which of its stops.
        stop: usize,
    },
    /// A battery that does not last until a charger is reached with the reserve, or that holds another charge than is told.
    #[error("the battery of agent {agent} is wrong after stop {stop}, or reaches no charger from there")]
    Battery {
        /// Who.
        agent: u32,
        /// Which of its stops.
        stop: usize,
    },
    /// Another cost than is told.
    #[error("the plan costs {costs:?}, and says {told:?}")]
    Cost {
        /// What it costs.
        costs: PlanCost,
        /// What it says.
        told: PlanCost,
    },
}

/// What somebody has done so far.
struct Tour<'a> {
    robot: &'a Robot,
    place: u32,
    now_ms: u64,
    load: u64,
    /// Thousandths of a part per million.
    level: u128,
    cost: PlanCost,
}

impl Tour<'_> {
    fn drain(&mut self, stop: usize, used: u128) -> Result<(), PlanFault> {
        if self.robot.outlook.power.is_some() {
            let fault = PlanFault::Battery { agent: self.robot.ready.agent, stop };
            self.level = self.level.checked_sub(used).ok_or(fault)?;
        }
        Ok(())
    }
}

/// What is known of a task.
#[derive(Clone, Copy)]
enum Known<'a> {
    Open(&'a Wanted),
    Aboard(u32, &'a Aboard),
}

/// When a task was begun and ended, by route and stop.
#[derive(Clone, Copy, Default)]
struct Done {
    begun: Option<(usize, usize)>,
    ended: Option<(usize, usize)>,
}

impl Problem {
    /// Holds a plan to all rules; O(stops · chargers · log(places)).
    ///
    /// # Errors
    /// The first [`PlanFault`]: routes in their order, then tasks, then the cost.
    pub fn check(&self, plan: &Plan) -> Result<PlanCost, PlanFault> {
        let facts = self.facts();
        let mut known: BTreeMap<u32, Known<'_>> =
            facts.wanted.iter().map(|wanted| (wanted.open.task, Known::Open(wanted))).collect();
        for robot in &facts.robots {
            let loads = robot.outlook.aboard.iter();
            known.extend(loads.map(|load| (load.task, Known::Aboard(robot.ready.agent, load))));
        }
        let mut done: BTreeMap<u32, Done> = BTreeMap::new();
        let mut cost = PlanCost::default();
        let mut last = None;
        for (number, route) in plan.routes.iter().enumerate() {
            let agent = route.agent;
            let robot = facts.robots.iter().find(|robot| robot.ready.agent == agent);
            let stops =
                route.visits.iter().filter(|visit| !matches!(visit.work, Work::Charge { .. })).count();
            let fits = last < Some(agent) && 0 < stops && stops <= ROUTE_MAX;
            let robot = robot.filter(|_| fits).ok_or(PlanFault::Route { agent })?;
            last = Some(agent);
            let spent = self.tour(robot, number, route, &known, &mut done)?;
            cost.late_ms += spent.late_ms;
            cost.wait_ms += spent.wait_ms;
            cost.energy_ms += spent.energy_ms;
            cost.fairness_ms += spent.fairness_ms;
        }
        for (task, known) in &known {
            let Done { begun, ended } = done.remove(task).unwrap_or_default();
            let is_left = plan.unserved.iter().filter(|left| *left == task).count();
            let (is_done, times, priority) = match known {
                Known::Open(wanted) => {
                    let is_done = match (begun, ended, wanted.errand.delivery.is_some()) {
                        (Some(begun), Some(ended), true) => begun.0 == ended.0 && begun.1 < ended.1,
                        (Some(_), None, false) => true,
                        (None, None, _) => false,
                        (None, Some(_), _) | (Some(_), None, true) | (Some(_), Some(_), false) => {
                            return Err(PlanFault::Split { task: *task });
                        }
                    };
                    (is_done, 8, wanted.open.priority)
                }
                Known::Aboard(_, aboard) => (ended.is_some(), 64, aboard.priority),
            };
            if usize::from(!is_done) != is_left {
                return Err(PlanFault::Split { task: *task });
            }
            if !is_done {
                cost.unserved_ms += (times << 30) * self.weight(priority);
            }
        }
        if let Some(task) = plan.unserved.iter().find(|task| !known.contains_key(*task)) {
            return Err(PlanFault::Split { task: *task });
        }
        if cost == plan.cost { Ok(cost) } else { Err(PlanFault::Cost { costs: cost, told: plan.cost }) }
    }

    /// Follows one agent; what it costs.
    fn tour(
        &self,
        robot: &Robot,
        number: usize,
        route: &Itinerary,
        known: &BTreeMap<u32, Known<'_>>,
        done: &mut BTreeMap<u32, Done>,
    ) -> Result<PlanCost, PlanFault> {
        let Facts { now_ms, .. } = *self.facts();
        let agent = route.agent;
        let level = robot.outlook.power.map_or(1_000_000, |power| power.level_ppm.min(1_000_000));
        let mut tour = Tour {
            robot,
            place: robot.outlook.place,
            now_ms: robot.ready.free_ms.max(now_ms),
            load: robot.outlook.aboard.iter().map(|aboard| u64::from(aboard.load)).sum(),
            level: u128::from(level) * 1_000,
            cost: PlanCost::default(),
        };
        for (stop, visit) in route.visits.iter().enumerate() {
            let (task, ends) = match visit.work {
                Work::Charge { place } => {
                    self.charge(&mut tour, stop, place, visit)?;
                    continue;
                }
                Work::Begin { task } => (task, false),
                Work::Deliver { task } => (task, true),
            };
            let entry = done.entry(task).or_default();
            let slot = if ends { &mut entry.ended } else { &mut entry.begun };
            if slot.replace((number, stop)).is_some() {
                return Err(PlanFault::Split { task });
            }
            let not_for = PlanFault::NotFor { agent, task };
            match known.get(&task).copied().ok_or(not_for)? {
                Known::Open(wanted) if wanted.may.contains(&agent) => {
                    self.serve(&mut tour, stop, wanted, ends, visit)?;
                }
                Known::Aboard(carrier, aboard) if carrier == agent && ends => {
                    tour.load = tour.load.saturating_sub(aboard.load.into());
                    self.stop(&mut tour, stop, &aboard.delivery, None, aboard.priority, visit)?;
                }
                Known::Open(_) | Known::Aboard(..) => return Err(not_for),
            }
        }
        Ok(tour.cost)
    }

    /// The pickup or the delivery of a task, or all of it.
    fn serve(
        &self,
        tour: &mut Tour<'_>,
        stop: usize,
        wanted: &Wanted,
        ends: bool,
        visit: &Visit,
    ) -> Result<(), PlanFault> {
        let Wanted { open, errand, .. } = wanted;
        let load = u64::from(errand.load);
        let split = PlanFault::Split { task: open.task };
        if ends {
            let delivery = errand.delivery.as_ref().ok_or(split)?;
            tour.load = tour.load.checked_sub(load).ok_or(split)?;
            return self.stop(tour, stop, delivery, None, open.priority, visit);
        }
        tour.load += load;
        let room = tour.robot.outlook.room;
        if u64::from(room) < tour.load {
            return Err(PlanFault::Load { agent: tour.robot.ready.agent, stop, load: tour.load, room });
        }
        if errand.delivery.is_none() {
            tour.load -= load;
        }
        let due_ms = [errand.pickup.due_ms, open.due_ms].into_iter().flatten().min();
        let pickup = Stop { due_ms, ..errand.pickup.clone() };
        tour.cost.fairness_ms += i64::from(tour.robot.ready.busy_permille.min(1_000))
            * i64::from(self.facts().weights.busy_ms)
            / 1_000;
        self.stop(tour, stop, &pickup, Some(open.requested_ms), open.priority, visit)
    }

    /// Work at a stop.
    fn stop(
        &self,
        tour: &mut Tour<'_>,
        number: usize,
        stop: &Stop,
        since_ms: Option<u64>,
        priority: u8,
        visit: &Visit,
    ) -> Result<(), PlanFault> {
        let agent = tour.robot.ready.agent;
        let wrong = PlanFault::Times { agent, stop: number };
        let (first, last) = (stop.places.first().ok_or(wrong)?, stop.places.last().ok_or(wrong)?);
        self.drive(tour, number, *first)?;
        let arrive_ms = tour.now_ms;
        let begin_ms = arrive_ms.max(stop.ready_ms);
        let mut lasts_ms = stop.takes_ms;
        for (from, to) in stop.places.iter().zip(stop.places.iter().skip(1)) {
            lasts_ms += self.way_ms(tour.robot.outlook.travel, *from, *to).ok_or(wrong)?;
        }
        tour.now_ms = begin_ms + lasts_ms;
        tour.place = *last;
        if (visit.arrive_ms, visit.begin_ms, visit.leave_ms) != (arrive_ms, begin_ms, tour.now_ms) {
            return Err(wrong);
        }
        if tour.robot.outlook.until_ms.is_some_and(|until_ms| until_ms < tour.now_ms) {
            return Err(PlanFault::Until { agent, stop: number });
        }
        let weight = self.weight(priority);
        let most = 1_u64 << 30;
        let term = |ms: u64| weight * i64::try_from(ms.min(most)).unwrap_or(0);
        let late_ms = stop.due_ms.map_or(0, |due_ms| begin_ms.saturating_sub(due_ms)).min(most);
        tour.cost.late_ms += term(late_ms * u64::from(self.facts().weights.late.min(64)));
        tour.cost.wait_ms += since_ms.map_or(0, |since_ms| term(begin_ms.saturating_sub(since_ms)));
        let used = u128::from(lasts_ms) * u128::from(tour.robot.ready.drain_ppm_per_s.min(1_000_000));
        tour.drain(number, used)?;
        self.level(tour, number, visit)
    }

    /// Fills the battery: the time there is as long as that takes.
    fn charge(&self, tour: &mut Tour<'_>, number: usize, place: u32, visit: &Visit) -> Result<(), PlanFault> {
        let fault = PlanFault::Battery { agent: tour.robot.ready.agent, stop: number };
        let power = tour.robot.outlook.power.ok_or(fault)?;
        if !self.facts().chargers.contains(&place) {
            return Err(fault);
        }
        self.drive(tour, number, place)?;
        tour.place = place;
        let lasts_ms = visit.leave_ms.saturating_sub(visit.begin_ms);
        if (visit.arrive_ms, visit.begin_ms) != (tour.now_ms, tour.now_ms)
            || tour.level < u128::from(power.reserve_ppm) * 1_000
        {
            return Err(fault);
        }
        if lasts_ms == 0 {
            return if u128::from(visit.level_ppm) == tour.level / 1_000 { Ok(()) } else { Err(fault) };
        }
        // The last millisecond may bring more than is told.
        let gain = u128::from(power.gain_ppm_per_s);
        let (told, filled) = (u128::from(visit.level_ppm) * 1_000, tour.level + u128::from(lasts_ms) * gain);
        if 1_000_000_000 < told || filled < told || told + gain <= filled {
            return Err(fault);
        }
        (tour.now_ms, tour.level) = (tour.now_ms + lasts_ms, told);
        Ok(())
    }

    fn drive(&self, tour: &mut Tour<'_>, number: usize, to: u32) -> Result<(), PlanFault> {
        let Robot { ready, outlook } = tour.robot;
        let wrong = PlanFault::Times { agent: ready.agent, stop: number };
        let way_ms = self.way_ms(outlook.travel, tour.place, to).ok_or(wrong)?;
        let drain = u64::from(ready.drain_ppm_per_s.min(1_000_000));
        let ppm = (way_ms.min(1 << 30) * drain / 1_000).min(1_000_000);
        let percent = ppm * u64::from(self.facts().weights.energy_ms_per_percent) / 10_000;
        tour.cost.energy_ms += i64::try_from(percent.min(1 << 30)).unwrap_or(0);
        tour.now_ms += way_ms;
        tour.drain(number, u128::from(way_ms) * u128::from(drain))
    }

    /// The battery is as full as is told, and brings its robot to a charger with the reserve.
    fn level(&self, tour: &mut Tour<'_>, number: usize, visit: &Visit) -> Result<(), PlanFault> {
        let Robot { ready, outlook } = tour.robot;
        let fault = PlanFault::Battery { agent: ready.agent, stop: number };
        let told = u128::from(visit.level_ppm);
        let Some(power) = outlook.power else {
            return if told == 1_000_000 { Ok(()) } else { Err(fault) };
        };
        if tour.level / 1_000 != told {
            return Err(fault);
        }
        let ways = self.facts().chargers.iter();
        let ways = ways.filter_map(|charger| self.way_ms(outlook.travel, tour.place, *charger));
        let home_ms = if self.facts().chargers.is_empty() { Some(0) } else { ways.min() };
        let home = u128::from(home_ms.ok_or(fault)?) * u128::from(ready.drain_ppm_per_s.min(1_000_000));
        let reserve = u128::from(power.reserve_ppm) * 1_000;
        if tour.level < home + reserve { Err(fault) } else { Ok(()) }
    }
}
