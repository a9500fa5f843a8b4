//! Large-neighbourhood search: a plan gets better for as long as somebody lets it.
//!
//! First, plans are made from scratch ([`super::draft`]), and the best one is kept. Then, over and over, a few robots are taken
//! out of the plan and planned again, one after the other, around everybody else. The new ways are
//! kept when together they lose no more steps than the old ones (Li et al. 2022; the choice of robots by chance, around
//! a late robot, and around a place is theirs as well). Each way is found by a safe-interval search ([`super::sipp`]).
//!
//! A round tries a fixed number of neighbourhoods on one and the same plan, on as many workers as there are, and takes over
//! what fits together in a fixed order. So the plan depends on the number of rounds and not on the workers.

use std::{cmp::Reverse, sync::Arc};

use sheepdog_core::{Workers, map_jobs};

use crate::scene::mix;

use super::{
    draft::{Draft, Manner},
    fields::Fields,
    instance::{Instance, NONE, Network, id32},
    sipp::{Finder, Haste, Limits, Timeline, Traveller},
    solution::Solution,
};

/// Neighbourhoods of a round.
const TRIES: u64 = 16;
/// The most robots of a neighbourhood.
const CROWD: u64 = 12;
/// States that a search looks at for each step of the shortest way.
const EFFORT: u32 = 6;

/// How plans are made from scratch, one after the other.
const MANNERS: [Manner; 4] = [Manner::ShortFirst, Manner::Streams, Manner::LongFirst, Manner::Streams];
/// Hundredths of the least loss; a plan that loses less is not drafted again.
const GOOD: u64 = 115;

/// A plan that is being refined.
///
/// It takes memory for every place at every instant, once for each worker.
#[derive(Debug)]
pub struct Refiner {
    instance: Instance,
    /// How long the way of each robot is when nobody is in its way.
    distances: Arc<[u32]>,
    /// Until the first worker has them.
    fields: Option<Fields>,
    /// Where each robot is at each instant, robot by robot.
    ways: Vec<Arc<[u32]>>,
    lost: u64,
    seed: u64,
    rounds: u64,
    /// Drafts that were begun.
    begun: usize,
    drafts: Vec<Draft>,
    /// One for each worker, once there are no more drafts.
    benches: Vec<Bench>,
    /// Neighbourhoods that were tried.
    tries: u64,
}

/// What a worker needs.
#[derive(Clone, Debug)]
struct Bench {
    network: Arc<Network>,
    goals: Arc<[u32]>,
    distances: Arc<[u32]>,
    /// Whoever was late in the first plan, the latest first.
    late: Arc<[u32]>,
    fields: Fields,
    timeline: Timeline,
    finder: Finder,
}

/// New ways of some robots, found on the plan as it was before the round.
type Proposal = Vec<(u32, Arc<[u32]>)>;

impl Refiner {
    pub(super) fn new(
        instance: &Instance,
        fields: Fields,
        distances: Vec<u32>,
        plan: &Solution,
        seed: u64,
    ) -> Self {
        let mut refiner = Self {
            instance: instance.clone(),
            distances: distances.into(),
            fields: Some(fields),
            ways: Vec::new(),
            lost: 0,
            seed,
            rounds: 0,
            begun: 0,
            drafts: Vec::new(),
            benches: Vec::new(),
            tries: 0,
        };
        refiner.adopt(plan);
        refiner
    }

    fn adopt(&mut self, plan: &Solution) {
        let instants = plan.makespan() + 1;
        let mut ways: Vec<Vec<u32>> = vec![Vec::with_capacity(instants); self.instance.robots()];
        for step in 0..instants {
            for (way, &at) in ways.iter_mut().zip(plan.at(step)) {
                way.push(at);
            }
        }
        self.lost = ways.iter().zip(&*self.instance.goals).map(|(way, &goal)| loss(way, goal)).sum();
        self.ways = ways.into_iter().map(Arc::from).collect();
    }

    /// A bench for the first worker.
    fn bench(&self, fields: Fields) -> Bench {
        let (goals, distances) = (self.instance.goals.clone(), self.distances.clone());
        let delay = |robot: &u32| {
            let index = *robot as usize;
            let lost = self.ways.get(index).zip(goals.get(index)).map_or(0, |(way, &goal)| loss(way, goal));
            lost.saturating_sub(distances.get(index).copied().unwrap_or(0).into())
        };
        let mut late: Vec<u32> = (0..id32(self.ways.len())).filter(|robot| delay(robot) != 0).collect();
        late.sort_by_cached_key(|robot| (Reverse(delay(robot)), *robot));
        let instants = self.ways.first().map_or(1, |way| way.len());
        Bench {
            late: late.into(),
            network: self.instance.network.clone(),
            fields,
            timeline: Timeline::new(self.instance.vertices(), instants, &self.ways),
            finder: Finder::default(),
            goals,
            distances,
        }
    }

    /// Steps in which robots do not rest at their goals, as [`Costs::sum_of_loss`](super::Costs).
    pub const fn sum_of_loss(&self) -> u64 {
        self.lost
    }

    /// How many rounds were made.
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Goes on a little; the plan is as good as before or better.
    ///
    /// The first rounds make plans from scratch in one manner after the other, a slice of two of them in each round, until the
    /// plan is good or none is left. The others try sixteen neighbourhoods each, the first of them each late robot alone.
    pub fn round(&mut self, workers: &dyn Workers) {
        self.rounds += 1;
        if self.benches.is_empty() {
            self.begin_drafts();
        }
        if self.drafts.is_empty() {
            self.repair(workers);
        } else {
            self.draft(workers);
        }
    }

    /// What a plan may lose that is not drafted again.
    fn good(&self) -> u64 {
        self.bound() * GOOD / 100
    }

    fn is_good(&self) -> bool {
        self.lost <= self.good()
    }

    /// Two drafts at once, as long as there are any.
    fn begin_drafts(&mut self) {
        while self.drafts.len() < 2 && (self.begun == 0 || !self.is_good()) {
            let (Some(&manner), Some(fields)) = (MANNERS.get(self.begun), &self.fields) else { return };
            let seed = mix(self.seed ^ mix(self.begun as u64));
            let instants = self.ways.first().map_or(0, |way| way.len()) * 5 / 4 + 32;
            self.begun += 1;
            let fields = fields.clone();
            let draft =
                Draft::new(&self.instance, &self.distances, fields, instants, (manner, self.good(), seed));
            self.drafts.push(draft);
        }
    }

    /// A slice of the drafts. The best plan is kept, and when it is good no draft is needed any more.
    fn draft(&mut self, workers: &dyn Workers) {
        let drafts = map_jobs(workers, std::mem::take(&mut self.drafts), |mut draft| {
            draft.go_on();
            draft
        });
        let begun = drafts.len();
        for draft in drafts {
            if !draft.is_done() {
                self.drafts.push(draft);
            } else if let Some((_, plan)) = draft.into_plan().filter(|(lost, _)| *lost < self.lost) {
                self.adopt(&plan);
            }
        }
        if self.drafts.len() < begun && self.is_good() {
            self.begun = MANNERS.len();
            self.drafts.clear();
        }
    }

    /// Tries some neighbourhoods.
    fn repair(&mut self, workers: &dyn Workers) {
        if let Some(fields) = self.fields.take() {
            let bench = self.bench(fields);
            self.benches.push(bench);
        }
        let width = workers.width().clamp(1, usize::try_from(TRIES).unwrap_or(1));
        while self.benches.len() < width {
            let Some(bench) = self.benches.first() else { return };
            let bench = bench.another(&self.ways);
            self.benches.push(bench);
        }
        let benches = std::mem::take(&mut self.benches);
        let count = benches.len() as u64;
        let tries = (0..).zip(benches);
        let (seed, first) = (self.seed, self.tries);
        self.tries += TRIES;
        let items: Vec<(u64, Bench)> = tries.collect();
        let done = map_jobs(workers, items, move |(index, mut bench)| {
            let mine = (0..TRIES).filter(|number| number % count == index);
            let proposals: Vec<(u64, Proposal)> =
                mine.filter_map(|number| Some((number, bench.attempt(seed, first + number)?))).collect();
            (bench, proposals)
        });
        let mut proposals = Vec::new();
        for (bench, mine) in done {
            self.benches.push(bench);
            proposals.extend(mine);
        }
        proposals.sort_unstable_by_key(|(number, _)| *number);
        for (_, proposal) in proposals {
            let Some((first, others)) = self.benches.split_first_mut() else { return };
            if !first.takes(&proposal) {
                continue;
            }
            for bench in others {
                bench.exchange(&proposal);
            }
            for (robot, way) in proposal {
                let goal = self.instance.goals.get(robot as usize).copied().unwrap_or(NONE);
                if let Some(old) = self.ways.get_mut(robot as usize) {
                    self.lost = (self.lost + loss(&way, goal)).saturating_sub(loss(old, goal));
                    *old = way;
                }
            }
        }
    }

    /// The plan as it is now.
    pub fn solution(&self) -> Solution {
        let arrivals = self.ways.iter().zip(&*self.instance.goals).map(|(way, &goal)| arrival(way, goal));
        let makespan = arrivals.max().unwrap_or(0);
        let mut places = Vec::with_capacity((makespan + 1) * self.ways.len());
        for step in 0..=makespan {
            let ways = self.ways.iter().zip(&*self.instance.starts);
            places.extend(ways.map(|(way, &start)| way.get(step).copied().unwrap_or(start)));
        }
        Solution::new(&self.instance, places)
    }

    /// Steps in which robots would not rest at their goals if nobody were in anybody's way; nothing is less.
    pub fn bound(&self) -> u64 {
        self.distances.iter().map(|distance| u64::from(*distance)).sum()
    }
}

impl Bench {
    /// The same for another worker. Writes down the ways anew: most of a timeline is memory that nobody ever touched.
    fn another(&self, ways: &[Arc<[u32]>]) -> Self {
        Self {
            network: self.network.clone(),
            goals: self.goals.clone(),
            distances: self.distances.clone(),
            late: self.late.clone(),
            fields: self.fields.clone(),
            timeline: self.timeline.again(ways),
            finder: Finder::default(),
        }
    }

    fn goal(&self, robot: u32) -> u32 {
        self.goals.get(robot as usize).copied().unwrap_or(NONE)
    }

    fn distance(&self, robot: u32) -> u32 {
        self.distances.get(robot as usize).copied().unwrap_or(0)
    }

    fn loss(&self, robot: u32) -> u64 {
        loss(self.timeline.way(robot), self.goal(robot))
    }

    /// How much longer a robot takes than it would alone.
    fn delay(&self, robot: u32) -> u64 {
        self.loss(robot).saturating_sub(self.distance(robot).into())
    }

    /// Plans the robots of a neighbourhood again; in the end the plan is as before. `None` when that gives nothing new.
    fn attempt(&mut self, seed: u64, number: u64) -> Option<Proposal> {
        let mut chance = Chance(mix(seed ^ mix(number)));
        let robots = self.neighbourhood(number, &mut chance);
        let old: u64 = robots.iter().map(|&robot| self.loss(robot)).sum();
        let least: u64 = robots.iter().map(|&robot| u64::from(self.distance(robot))).sum();
        if old <= least {
            return None;
        }
        let before: Vec<Arc<[u32]>> = robots.iter().map(|&robot| self.timeline.way(robot).clone()).collect();
        for &robot in &robots {
            self.timeline.lift(robot);
        }
        let mut proposal = Proposal::new();
        let alone = robots.len() == 1;
        // Most gains are found soon; some take a long search.
        let effort = if alone { EFFORT } else { EFFORT << (2 * chance.below(3)) };
        // What may be lost above the shortest ways of those who are still to come. One robot alone has to gain something.
        let mut spare = old - least - u64::from(alone);
        for (&robot, before) in robots.iter().zip(&before) {
            let (goal, distance) = (self.goal(robot), self.distance(robot));
            let start = before.first().copied().unwrap_or(goal);
            let who = Traveller { robot, start, goal, distance };
            let most = u32::try_from(spare.saturating_add(distance.into())).unwrap_or(u32::MAX);
            let haste = if alone || chance.below(2) == 0 { Haste::Greedy } else { Haste::None };
            let effort = 64 + effort.saturating_mul(distance);
            let limits = Limits { most, haste, effort };
            let found = self.finder.find(&self.network, &mut self.fields, &self.timeline, who, limits);
            let Some(way) = found else { break };
            spare = (spare + u64::from(distance)).saturating_sub(loss(&way, goal));
            let way: Arc<[u32]> = way.into();
            self.timeline.put(robot, way.clone());
            proposal.push((robot, way));
        }
        for (robot, _) in &proposal {
            self.timeline.lift(*robot);
        }
        let changed = proposal.iter().zip(&before).any(|((_, way), before)| way != before);
        for (&robot, before) in robots.iter().zip(before) {
            self.timeline.put(robot, before);
        }
        (proposal.len() == robots.len() && changed).then_some(proposal)
    }

    /// Takes new ways over if they fit to all others as they are now and lose no more.
    fn takes(&mut self, proposal: &Proposal) -> bool {
        let old: u64 = proposal.iter().map(|(robot, _)| self.loss(*robot)).sum();
        let new: u64 = proposal.iter().map(|(robot, way)| loss(way, self.goal(*robot))).sum();
        if old < new {
            return false;
        }
        let before: Vec<Arc<[u32]>> =
            proposal.iter().map(|(robot, _)| self.timeline.way(*robot).clone()).collect();
        for (robot, _) in proposal {
            self.timeline.lift(*robot);
        }
        for (index, (robot, way)) in proposal.iter().enumerate() {
            if !self.timeline.fits(way) {
                for (robot, _) in proposal.iter().take(index) {
                    self.timeline.lift(*robot);
                }
                for ((robot, _), before) in proposal.iter().zip(before) {
                    self.timeline.put(*robot, before);
                }
                return false;
            }
            self.timeline.put(*robot, way.clone());
        }
        true
    }

    /// Takes new ways over that are known to fit.
    fn exchange(&mut self, proposal: &Proposal) {
        for (robot, _) in proposal {
            self.timeline.lift(*robot);
        }
        for (robot, way) in proposal {
            self.timeline.put(*robot, way.clone());
        }
    }

    /// Who is planned again.
    fn neighbourhood(&mut self, number: u64, chance: &mut Chance) -> Vec<u32> {
        let robots = self.goals.len() as u64;
        if robots == 0 {
            return Vec::new();
        }
        if let Some(&late) = usize::try_from(number).ok().and_then(|number| self.late.get(number)) {
            return vec![late];
        }
        let size = usize::try_from(2 + chance.below(CROWD - 1)).unwrap_or(2).min(self.goals.len());
        let mut chosen = Vec::with_capacity(size);
        match chance.below(8) {
            0 => {}
            1..=4 => self.around_a_late_robot(size, chance, &mut chosen),
            _ => self.around_a_place(size, chance, &mut chosen),
        }
        // Whoever is missing comes by chance; all of them where nothing was chosen.
        for _ in 0..2 * size {
            let robot = chance.robot(robots);
            if chosen.len() < size && !chosen.contains(&robot) {
                chosen.push(robot);
            }
        }
        // In any order.
        for last in (1..chosen.len()).rev() {
            let other = usize::try_from(chance.below(last as u64 + 1)).unwrap_or(0);
            chosen.swap(last, other);
        }
        chosen
    }

    /// A robot with much delay, and whoever it meets where it would rather go.
    fn around_a_late_robot(&mut self, size: usize, chance: &mut Chance, chosen: &mut Vec<u32>) {
        let robots = self.goals.len() as u64;
        let drawn: Vec<u32> = (0..6).map(|_| chance.robot(robots)).collect();
        let Some(late) = drawn.into_iter().max_by_key(|&robot| (self.delay(robot), robot)) else { return };
        chosen.push(late);
        let way = self.timeline.way(late).clone();
        let latest = arrival(&way, self.goal(late));
        for _ in 0..4 {
            let mut instant = usize::try_from(chance.below(latest as u64 + 1)).unwrap_or(0);
            let Some(&begin) = way.get(instant) else { continue };
            let mut at = begin;
            while instant < latest && chosen.len() < size {
                let neighbours = self.network.neighbours(at);
                let pick = usize::try_from(chance.below(neighbours.len().max(1) as u64)).unwrap_or(0);
                // Mostly the way it wants to go.
                let nearer = neighbours.iter().find(|next| self.fields.nearer(late as usize, **next, at));
                let next = if chance.below(4) == 0 { neighbours.get(pick) } else { nearer };
                let Some(&next) = next else { break };
                instant += 1;
                for place in [next, at] {
                    let other = self.timeline.who(place, instant);
                    if other != NONE && !chosen.contains(&other) && chosen.len() < size {
                        chosen.push(other);
                    }
                }
                at = next;
            }
            if size <= chosen.len() {
                break;
            }
        }
    }

    /// Robots that come by near a place at about one time.
    fn around_a_place(&self, size: usize, chance: &mut Chance, chosen: &mut Vec<u32>) {
        let robots = self.goals.len() as u64;
        // Where somebody is under way: places where nothing happens are of no use.
        let drawn: Vec<u32> = (0..3).map(|_| chance.robot(robots)).collect();
        let Some(robot) = drawn.into_iter().max_by_key(|&robot| (self.delay(robot), robot)) else { return };
        let way = self.timeline.way(robot);
        let latest = arrival(way, self.goal(robot)) as u64;
        let instant = usize::try_from(chance.below(latest + 1)).unwrap_or(0);
        let Some(&place) = way.get(instant) else { return };
        let mut seen = vec![place];
        let mut next = 0;
        while let Some(&at) = seen.get(next) {
            next += 1;
            for moment in [instant, instant + 2, instant.saturating_sub(2)] {
                let other = self.timeline.who(at, moment);
                if other != NONE && !chosen.contains(&other) {
                    chosen.push(other);
                    if size <= chosen.len() {
                        return;
                    }
                }
            }
            if seen.len() < 64 {
                for &neighbour in self.network.neighbours(at) {
                    if !seen.contains(&neighbour) {
                        seen.push(neighbour);
                    }
                }
            }
        }
    }
}

/// A stream of draws.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = mix(self.0);
        (self.0 >> 11) % count.max(1)
    }

    fn robot(&mut self, robots: u64) -> u32 {
        u32::try_from(self.below(robots)).unwrap_or(0)
    }
}

/// Steps of a way that are not spent at rest at the goal.
fn loss(way: &[u32], goal: u32) -> u64 {
    way.windows(2).filter(|pair| *pair != [goal, goal]).count() as u64
}

/// When a robot comes to its goal for the last time.
fn arrival(way: &[u32], goal: u32) -> usize {
    way.iter().rposition(|at| *at != goal).map_or(0, |last| last + 1)
}
