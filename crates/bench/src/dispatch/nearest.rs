//! The nearest of those who may go, beside a full search and one that stops early.
#![expect(clippy::indexing_slicing, reason = "places and lanes are those of the roadmap drawn here")]

use std::{cmp::Reverse, collections::BinaryHeap, hint::black_box};

use petgraph::{
    algo::dijkstra,
    graph::{DiGraph, NodeIndex},
};
use rand_pcg::{Pcg64Mcg, rand_core::Rng};
use sheepdog_dispatch::nearest::{AgentSet, Anchors, Finder, Found, Roads, Standings};

use super::{Outcome, SUITE};
use crate::{figure::Figure, timed};

const ROBOTS: u32 = 1_000;
/// What the tables of the index may take.
const BYTES_MAX: usize = 64_000_000;
/// Questions between two changes of a lane.
const CHANGE_EVERY: usize = 100;

/// A raster of places, neighbours joined both ways with some left out, and robots on it.
struct Raster {
    lanes: Vec<(u32, u32, u32)>,
    places: u32,
    robots: Vec<u32>,
}

fn below(random: &mut Pcg64Mcg, limit: u32) -> u32 {
    // The bias of a remainder is below one in a million here.
    u32::try_from(random.next_u64() % u64::from(limit)).unwrap_or(0)
}

fn time_ms(random: &mut Pcg64Mcg) -> u32 {
    800 + below(random, 2_200)
}

impl Raster {
    fn new(side: u32) -> Self {
        let mut random = Pcg64Mcg::new(7);
        let mut lanes = Vec::new();
        for place in 0..side * side {
            let right = (place % side + 1 < side).then_some(place + 1);
            let down = (place / side + 1 < side).then_some(place + side);
            for next in [right, down].into_iter().flatten() {
                if below(&mut random, 100) < 88 {
                    let time = time_ms(&mut random);
                    lanes.extend([(place, next, time), (next, place, time)]);
                }
            }
        }
        let places = side * side;
        Self { lanes, places, robots: (0..ROBOTS).map(|_| below(&mut random, places)).collect() }
    }
}

/// Some way to answer, with times that change.
trait Method {
    fn change(&mut self, lane: usize, time_ms: u32);
    fn nearest(&mut self, target: u32) -> Option<u32>;
}

/// A search over everything, as petgraph has it, and then the least.
struct Full<'a> {
    graph: DiGraph<(), u32>,
    robots: &'a [u32],
    set: &'a AgentSet,
}

impl Method for Full<'_> {
    fn change(&mut self, lane: usize, time_ms: u32) {
        if let Some(time) = u32::try_from(lane).ok().and_then(|lane| self.graph.edge_weight_mut(lane.into()))
        {
            *time = time_ms;
        }
    }

    fn nearest(&mut self, target: u32) -> Option<u32> {
        let times = dijkstra(&self.graph, target.into(), None, |lane| *lane.weight());
        self.set
            .iter()
            .filter_map(|robot| times.get(&NodeIndex::from(self.robots[robot as usize])).copied())
            .min()
    }
}

/// Dijkstra's algorithm with a binary heap that stops at the first.
struct Early<'a> {
    into: Vec<Vec<(u32, u32)>>,
    slots: Vec<(u32, usize)>,
    at: Vec<Vec<u32>>,
    set: &'a AgentSet,
    times: Vec<(u32, u32)>,
    question: u32,
}

impl<'a> Early<'a> {
    fn new(raster: &Raster, set: &'a AgentSet) -> Self {
        let places = raster.places as usize;
        let (mut into, mut slots, mut at) = (vec![Vec::new(); places], Vec::new(), vec![Vec::new(); places]);
        for &(from, to, time) in &raster.lanes {
            slots.push((to, into[to as usize].len()));
            into[to as usize].push((from, time));
        }
        for (robot, place) in (0_u32..).zip(&raster.robots) {
            at[*place as usize].push(robot);
        }
        Self { into, slots, at, set, times: vec![(0, 0); places], question: 0 }
    }
}

impl Method for Early<'_> {
    fn change(&mut self, lane: usize, time_ms: u32) {
        let (to, slot) = self.slots[lane];
        self.into[to as usize][slot].1 = time_ms;
    }

    fn nearest(&mut self, target: u32) -> Option<u32> {
        self.question += 1;
        self.times[target as usize] = (0, self.question);
        let mut heap = BinaryHeap::from([Reverse((0, target))]);
        while let Some(Reverse((time, place))) = heap.pop() {
            if self.times[place as usize].0 < time {
                continue;
            }
            if self.at[place as usize].iter().any(|robot| self.set.contains(*robot)) {
                return Some(time);
            }
            for &(from, takes) in &self.into[place as usize] {
                let known = &mut self.times[from as usize];
                if known.1 != self.question || time + takes < known.0 {
                    *known = (time + takes, self.question);
                    heap.push(Reverse((time + takes, from)));
                }
            }
        }
        None
    }
}

struct Ours<'a> {
    roads: Roads,
    standings: Standings,
    set: &'a AgentSet,
    finder: Finder,
}

impl Method for Ours<'_> {
    fn change(&mut self, lane: usize, time_ms: u32) {
        black_box(u32::try_from(lane).is_ok_and(|lane| self.roads.set(lane, Some(time_ms))));
    }

    fn nearest(&mut self, target: u32) -> Option<u32> {
        let found = self.finder.nearest(&self.roads, &self.standings, self.set, target, 1);
        found.first().map(|found: &Found| found.time_ms)
    }
}

fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = (times.len() as f64 * share) as usize;
    times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or(0.0) * 1e6
}

/// The answers to some questions, and how long each took.
fn ask(method: &mut dyn Method, targets: &[u32], times: &mut Vec<f64>) -> Vec<Option<u32>> {
    let answers = targets.iter().map(|target| {
        let (found, seconds) = timed(|| method.nearest(*target));
        times.push(seconds);
        found
    });
    answers.collect()
}

/// Questions for the nearest of some robots, with a lane changed after every hundred.
pub(super) fn nearest(name: &str, side: u32, eligible: u32, questions: usize) -> Outcome<Vec<Figure>> {
    let raster = Raster::new(side);
    let mut random = Pcg64Mcg::new(1_234);
    let mut set = AgentSet::new();
    while set.len() < eligible as usize {
        set.set(below(&mut random, ROBOTS), true);
    }
    let (mut early, set) = (Early::new(&raster, &set), &set);
    let graph = DiGraph::from_edges(raster.lanes.iter().map(|&(from, to, time)| (to, from, time)));
    let mut full = Full { graph, robots: &raster.robots, set };
    let roads = Roads::new(raster.places, &raster.lanes)?;
    let (anchors, built_s) = timed(|| Anchors::new(&roads, BYTES_MAX));
    #[expect(clippy::cast_precision_loss, reason = "some ten million")]
    let bytes = anchors.bytes() as f64;
    let mut standings = Standings::new(raster.places);
    for (robot, place) in (0_u32..).zip(&raster.robots) {
        standings.place(robot, &[(*place, 0)]);
    }
    let mut ours = Ours { roads, standings, set, finder: Finder::with_anchors(anchors) };
    let [mut ours_s, mut early_s, mut full_s, mut caught_up_s]: [Vec<f64>; 4] = Default::default();
    for _ in 0..questions / CHANGE_EVERY {
        let targets: Vec<u32> = (0..CHANGE_EVERY).map(|_| below(&mut random, raster.places)).collect();
        // Each in a row, as it would be used, so that no method finds the other's memory in the caches.
        let found = ask(&mut ours, &targets, &mut ours_s);
        let known = ask(&mut early, &targets, &mut early_s);
        if found != known {
            return Err(format!("{name}: ours and the plain one differ about {targets:?}").into());
        }
        if ask(&mut full, &targets[..1], &mut full_s) != found[..1] {
            return Err(format!("{name}: ours and the full one differ about {}", targets[0]).into());
        }
        let lane = below(&mut random, u32::try_from(raster.lanes.len())?) as usize;
        let time = time_ms(&mut random);
        for method in [&mut ours as &mut dyn Method, &mut early, &mut full] {
            method.change(lane, time);
        }
        let Ours { roads, finder, .. } = &mut ours;
        let ((), seconds) = timed(|| finder.anchors_mut().map_or((), |anchors| anchors.catch_up(roads)));
        caught_up_s.push(seconds);
    }
    let figure = |what: &str, value: f64, unit| Figure::alone(SUITE, format!("{name}_{what}"), value, unit);
    let us = |what: &str, times: &mut [f64], share: f64| figure(what, percentile(times, share), "us");
    let full_us = percentile(&mut full_s, 0.5);
    Ok(vec![
        us("p50_us", &mut ours_s, 0.5).beside("petgraph", full_us),
        us("p50_us", &mut ours_s, 0.5).beside("early stop", percentile(&mut early_s, 0.5)),
        us("p99_us", &mut ours_s, 0.99).beside("early stop", percentile(&mut early_s, 0.99)),
        us("catch_up_us", &mut caught_up_s, 0.5),
        figure("build_s", built_s, "s"),
        figure("index_mb", bytes / 1e6, "MB"),
    ])
}

/// Moves of robots, and changes of who is available.
pub(super) fn moves(runs: usize) -> Vec<Figure> {
    const MOVES: usize = 100_000;
    let raster = Raster::new(100);
    let mut random = Pcg64Mcg::new(99);
    let moves: Vec<(u32, u32)> =
        (0..MOVES).map(|_| (below(&mut random, ROBOTS), below(&mut random, raster.places))).collect();
    let mut standings = Standings::new(raster.places);
    let mut set = AgentSet::new();
    let (mut moved, mut flipped) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        moved.push(
            timed(|| moves.iter().filter(|&&(robot, place)| standings.place(robot, &[(place, 0)])).count()).1,
        );
        flipped
            .push(timed(|| moves.iter().filter(|&&(robot, place)| set.set(robot, place % 2 == 0)).count()).1);
    }
    #[expect(clippy::cast_precision_loss, reason = "a hundred thousand")]
    let each = |times: Vec<f64>| crate::median(times) * 1e9 / MOVES as f64;
    vec![
        Figure::alone(SUITE, "agent_move_ns", each(moved), "ns"),
        Figure::alone(SUITE, "agent_flip_ns", each(flipped), "ns"),
    ]
}
