//! Robots with several drawers that bring medicine from a few pharmacies to wards by a due time: what plans of several tasks pay,
//! against one task at a time.
#![expect(clippy::indexing_slicing, reason = "robots and tasks are numbered here")]

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_dispatch::{
    policy::{Arrival, Arrivals, BatchOptimal, Choice, Open, Policy, Question, Ready},
    rolling::{Aboard, Errand, Outlook, Prospects, Rolling, Stop, Travels, Work},
};

use super::{
    Outcome,
    online::{Place, Random, SUITE, way_ms},
};
use crate::figure::Figure;

const ROBOTS: u32 = 12;
const PHARMACIES: usize = 3;
const TASKS: u32 = 800;
/// Loading or unloading.
const HANDLING_MS: u64 = 20_000;
/// From the request until it should be there.
const DUE_MS: u64 = 15 * 60 * 1_000;
/// Mean seconds from one request to the next: four fifths of what robots can bear that bring one thing at a time, and more than
/// that.
const GAPS_S: [u32; 2] = [27, 20];
/// Steps of a plan's search from one event to the next.
const PLAN_STEPS: u64 = 100;

/// From a pharmacy to a ward.
#[derive(Clone, Copy)]
struct Delivery {
    from: Place,
    to: Place,
    requested_ms: u64,
}

#[derive(Clone)]
struct Carrier {
    place: Place,
    free_ms: u64,
    aboard: Vec<u32>,
}

/// Robots with so many drawers on one day.
struct World {
    now_ms: u64,
    deliveries: Vec<Delivery>,
    carriers: Vec<Carrier>,
    drawers: u32,
}

impl World {
    fn new(seed: u64, gap_s: u32, drawers: u32) -> Self {
        let mut random = Random::new(seed);
        let pharmacies: Vec<Place> = (0..PHARMACIES).map(|_| random.place()).collect();
        let mut now = 0.0;
        let mut delivery = |task: u32| {
            now += random.gap_ms(1_000.0 * f64::from(gap_s));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days at most")]
            let requested_ms = now as u64;
            Delivery { from: pharmacies[task as usize % PHARMACIES], to: random.place(), requested_ms }
        };
        let deliveries = (0..TASKS).map(&mut delivery).collect();
        let carrier = |_| Carrier { place: random.place(), free_ms: 0, aboard: Vec::new() };
        Self { now_ms: 0, deliveries, carriers: (0..ROBOTS).map(carrier).collect(), drawers }
    }

    /// Places by number: where deliveries begin and end by turns, then where robots are.
    fn place(&self, number: u32) -> Place {
        match self.deliveries.get(number as usize / 2) {
            Some(delivery) if number.is_multiple_of(2) => delivery.from,
            Some(delivery) => delivery.to,
            None => self.carriers[(number - 2 * TASKS) as usize].place,
        }
    }

    fn due_ms(&self, task: u32) -> u64 {
        self.deliveries[task as usize].requested_ms + DUE_MS
    }

    fn unloading(&self, task: u32) -> Stop {
        Stop { due_ms: Some(self.due_ms(task)), ..Stop::at(2 * task + 1, HANDLING_MS) }
    }
}

impl Travels for World {
    fn ways(&mut self, _: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        let to: Vec<Place> = to.iter().map(|to| self.place(*to)).collect();
        let row = |from: &u32| {
            let from = self.place(*from);
            to.iter().map(move |to| Some(way_ms(from, *to)))
        };
        from.iter().flat_map(row).collect()
    }
}

impl Prospects for World {
    fn errand(&mut self, task: u32) -> Option<Errand> {
        let pickup = Stop::at(2 * task, HANDLING_MS);
        Some(Errand { pickup, delivery: Some(self.unloading(task)), load: 1 })
    }

    fn outlook(&mut self, agent: u32) -> Option<Outlook> {
        let loads = self.carriers[agent as usize].aboard.iter();
        let aboard =
            loads.map(|task| Aboard { task: *task, priority: 0, delivery: self.unloading(*task), load: 1 });
        Some(Outlook {
            place: 2 * TASKS + agent,
            travel: 0,
            room: self.drawers,
            until_ms: None,
            aboard: aboard.collect(),
            power: None,
        })
    }

    fn may(&mut self, _: u32, _: u32) -> bool {
        true
    }

    fn chargers(&mut self) -> Vec<u32> {
        Vec::new()
    }
}

impl Arrivals for World {
    fn nearest(&mut self, task: u32, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let from = self.deliveries[task as usize].from;
        let roomy = (0..).zip(&self.carriers);
        let roomy = roomy.filter(|(_, carrier)| carrier.aboard.len() < self.drawers as usize);
        let mut all: Vec<Arrival> = roomy
            .map(|(agent, carrier)| Arrival {
                at_ms: carrier.free_ms.max(self.now_ms) + way_ms(carrier.place, from),
                agent,
            })
            .collect();
        all.sort_unstable();
        found.extend(all.iter().take(most));
        all.get(most).map(|next| next.at_ms)
    }

    fn prospects(&mut self) -> Option<&mut dyn Prospects> {
        Some(self)
    }
}

/// How late deliveries were, and how far robots drove.
#[derive(Default)]
struct Served {
    late_ms: u64,
    late: u32,
    lasted_ms: u64,
    driven_ms: u64,
    done: u32,
}

/// Who decides: one task at a time, or by plans.
enum Decider {
    Batch(BatchOptimal),
    Plans(Box<Rolling>),
}

impl Decider {
    fn decide(&mut self, question: &Question<'_>, world: &mut World) -> Vec<Choice> {
        match self {
            Self::Batch(batch) => batch.decide(question, world),
            Self::Plans(rolling) => rolling.decide(question, world),
        }
    }

    /// What is done while robots drive.
    fn search(&mut self) {
        let Self::Plans(rolling) = self else { return };
        if let Some(mut job) = rolling.job() {
            job.step(PLAN_STEPS);
            rolling.adopt(job.best());
        }
    }

    /// What somebody who is free and has loads on board brings next.
    fn next(&self, agent: u32, carrier: &Carrier) -> Option<u32> {
        match self {
            Self::Batch(_) => carrier.aboard.first().copied(),
            Self::Plans(rolling) => {
                let route = rolling.plan().routes.iter().find(|route| route.agent == agent)?;
                match route.visits.first()?.work {
                    Work::Deliver { task } => Some(task),
                    Work::Begin { .. } | Work::Charge { .. } => None,
                }
            }
        }
    }
}

/// Serves a day, event by event.
fn serve(mut world: World, mut decider: Decider) -> Outcome<Served> {
    let (mut open, mut next, mut served) = (BTreeSet::new(), 0, Served::default());
    while served.done < TASKS {
        let asked = world.deliveries.get(next as usize).map(|delivery| delivery.requested_ms);
        let busy =
            world.carriers.iter().map(|carrier| carrier.free_ms).filter(|free| world.now_ms < *free).min();
        world.now_ms = [asked, busy].into_iter().flatten().min().ok_or("nothing happens any more")?;
        while world.deliveries.get(next as usize).is_some_and(|it| it.requested_ms <= world.now_ms) {
            open.insert(next);
            next += 1;
        }
        let now_ms = world.now_ms;
        let due = |task: &u32| {
            // Begun in time if the straight way is.
            let Delivery { from, to, .. } = world.deliveries[*task as usize];
            world.due_ms(*task).saturating_sub(HANDLING_MS + way_ms(from, to))
        };
        let tasks: Vec<Open> = open
            .iter()
            .map(|task| Open {
                due_ms: Some(due(task)),
                ..Open::new(*task, world.deliveries[*task as usize].requested_ms)
            })
            .collect();
        let is_batch = matches!(decider, Decider::Batch(_));
        let agents = (0..).zip(&world.carriers);
        // One at a time: whoever has a load brings it.
        let agents = agents.filter(|(_, carrier)| !is_batch || carrier.aboard.is_empty());
        let agents: Vec<Ready> = agents.map(|(agent, carrier)| Ready::new(agent, carrier.free_ms)).collect();
        for Choice { task, agent, at_ms } in
            decider.decide(&Question { now_ms, tasks: &tasks, agents: &agents }, &mut world)
        {
            let from = world.deliveries[task as usize].from;
            let drawers = world.drawers as usize;
            let carrier = &mut world.carriers[agent as usize];
            let is_there = at_ms == now_ms + way_ms(carrier.place, from) && carrier.free_ms <= now_ms;
            if !is_there || !open.remove(&task) || drawers <= carrier.aboard.len() {
                return Err(format!("task {task} cannot begin with robot {agent} at {now_ms} ms").into());
            }
            served.driven_ms += at_ms - now_ms;
            carrier.aboard.push(task);
            (carrier.place, carrier.free_ms) = (from, at_ms + HANDLING_MS);
        }
        for agent in 0..ROBOTS {
            let carrier = world.carriers[agent as usize].clone();
            let task = decider.next(agent, &carrier).filter(|task| carrier.aboard.contains(task));
            let Some(task) = task.filter(|_| carrier.free_ms <= now_ms) else { continue };
            let Delivery { to, requested_ms, .. } = world.deliveries[task as usize];
            let way = way_ms(carrier.place, to);
            let late_ms = (now_ms + way).saturating_sub(requested_ms + DUE_MS);
            served.driven_ms += way;
            served.late_ms += late_ms;
            served.late += u32::from(0 < late_ms);
            served.lasted_ms += now_ms + way - requested_ms;
            served.done += 1;
            let carrier = &mut world.carriers[agent as usize];
            carrier.aboard.retain(|aboard| *aboard != task);
            (carrier.place, carrier.free_ms) = (to, now_ms + way + HANDLING_MS);
        }
        decider.search();
    }
    Ok(served)
}

/// One task at a time by batches, and by plans with one drawer and with four.
pub(super) fn run(quick: bool) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    for gap_s in GAPS_S {
        for (name, sum) in sums(gap_s, if quick { 1 } else { 10 })? {
            #[expect(clippy::cast_precision_loss, reason = "months at most")]
            let each = |ms: u64| ms as f64 / 1_000.0 / f64::from(sum.done);
            for (what, value, unit) in [
                ("late_mean_s", each(sum.late_ms), "s"),
                ("late_share", f64::from(sum.late) / f64::from(sum.done), ""),
                ("delivered_mean_s", each(sum.lasted_ms), "s"),
                ("driven_per_task_s", each(sum.driven_ms), "s"),
            ] {
                figures.push(Figure::alone(SUITE, format!("rounds_{what}_{name}_{gap_s}"), value, unit));
            }
        }
    }
    Ok(figures)
}

/// What so many days came to, by who decides.
fn sums(gap_s: u32, days: u64) -> Outcome<BTreeMap<&'static str, Served>> {
    let mut sums: BTreeMap<&str, Served> = BTreeMap::new();
    for seed in 1..=days {
        for (name, drawers, is_planned) in
            [("default", 1, false), ("rolling_1", 1, true), ("rolling_4", 4, true)]
        {
            let decider = if is_planned {
                Decider::Plans(Box::default())
            } else {
                Decider::Batch(BatchOptimal::default())
            };
            let served = serve(World::new(seed, gap_s, drawers), decider)?;
            let sum = sums.entry(name).or_default();
            sum.late_ms += served.late_ms;
            sum.late += served.late;
            sum.lasted_ms += served.lasted_ms;
            sum.driven_ms += served.driven_ms;
            sum.done += served.done;
        }
    }
    Ok(sums)
}
