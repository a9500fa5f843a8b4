//! Improving a plan one robot at a time.
//!
//! A robot is taken out of the sequence, which never makes the moves of the others invalid, and put back in the best
//! way. The search goes through the sequence once. Before each move of the others it knows for every place when the
//! robot can be there at the earliest; a hop may be inserted where its claims are free at rest, and a place is
//! lost when the next move of the others claims it.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    hop::HopGraph,
    polish::{DRIVING_SHARE, Score},
    scene::{Board, Bot, Clock, Scene, Step, is_valid, mix},
    table::Table,
};

/// Looks at hops that count as one step.
const LOOKS_PER_STEP: u32 = 24;

/// How a robot can be at a place after some of its visits.
#[derive(Clone, Copy, Debug)]
struct Label {
    /// What is minimised, microseconds: when it is done with each visit and at its goal, if it is required, a share of
    /// its driving, and the delay of others.
    cost: u64,
    /// When it has arrived and done its work there.
    ready: u64,
    /// Index of the last record.
    record: usize,
}

/// One inserted hop.
#[derive(Clone, Copy, Debug)]
struct Record {
    before: usize,
    hop: u32,
    /// How many moves of the others come first.
    layer: usize,
}

/// Robots taken out together at most.
const TOGETHER_MAX: usize = 3;
/// A plan that is worse than free flow by one part in this many is good enough.
const NEAR_SHARE: u64 = 50;
/// Groups tried without gain, for each robot, after which refining ends.
const FUTILE_PER_BOT: usize = 6;

/// Takes robots out, first one by one and then in random groups, and puts them back where that is better. Returns the
/// moves, their score and the steps used, about `limit` at most.
pub(crate) fn refine(scene: Scene<'_>, moves: Vec<Step>, limit: u32) -> (Vec<Step>, Score, u32) {
    let bots = scene.bots.len();
    let mut score = Score::of(scene, &moves);
    let mut best = moves;
    let mut used = 0;
    let mut futile = 0;
    let mut board = Board::new(scene);
    let free_flow = Score::free_flow(scene);
    for round in 0.. {
        if bots * FUTILE_PER_BOT <= futile || limit <= used || score.is_near(free_flow, NEAR_SHARE) {
            break;
        }
        futile += 1;
        let (replanned, steps) = put_back(scene, &group(scene, futile - 1, round), &best);
        used += steps;
        if let Some(moves) = replanned.filter(|moves| is_valid(scene, &mut board, moves)) {
            let better = Score::of(scene, &moves);
            if better < score {
                (best, score, futile) = (moves, better, 0);
            }
        }
    }
    (best, score, used.min(limit))
}

/// Whom to take out: each robot alone after every gain, then random groups, in the order in which they are put back.
fn group(scene: Scene<'_>, futile: usize, round: usize) -> Vec<usize> {
    let bots = scene.bots.len();
    if futile < bots {
        return vec![(futile + round) % bots];
    }
    let draw = |salt: u64, below: usize| {
        let draw = mix(scene.seed ^ mix((round as u64) << 8 | salt)) % (below.max(1) as u64);
        usize::try_from(draw).unwrap_or(0)
    };
    let size = 2 + draw(0, TOGETHER_MAX - 1);
    let mut group: Vec<usize> = Vec::new();
    for salt in (1..).take(size) {
        let bot = draw(salt, bots);
        if !group.contains(&bot) {
            group.push(bot);
        }
    }
    group
}

/// The moves without those of a group, and each of the group put back in turn.
fn put_back(scene: Scene<'_>, group: &[usize], moves: &[Step]) -> (Option<Vec<Step>>, u32) {
    let mut left: Vec<Step> = moves.iter().copied().filter(|step| !group.contains(&step.bot)).collect();
    let mut used = 0;
    for (index, &bot) in group.iter().enumerate() {
        let absent = group.get(index + 1..).unwrap_or(&[]);
        let (woven, steps) = replan(scene, bot, absent, &left);
        used += steps;
        match woven {
            Some(woven) => left = woven,
            None => return (None, used),
        }
    }
    (Some(left), used)
}

struct Replan<'a> {
    scene: Scene<'a>,
    graph: &'a HopGraph,
    bot: usize,
    state: &'a Bot,
    board: Board<'a>,
    avail: Table<u64>,
    /// Moves of the others that claim each resource, with their start.
    uses: Vec<Vec<(usize, u64)>>,
    /// By visits done and place.
    labels: Vec<Vec<Option<Label>>>,
    records: Vec<Record>,
    layer: usize,
    looks: u32,
}

/// The best way of one robot through the moves of the others, as if those who are absent were nowhere.
fn replan(scene: Scene<'_>, bot: usize, absent: &[usize], others: &[Step]) -> (Option<Vec<Step>>, u32) {
    let (Some(graph), Some(state)) = (scene.graph(bot), scene.bots.get(bot)) else {
        return (None, 1);
    };
    let (others, ends) = in_time_order(scene, others);
    let mut uses = vec![Vec::new(); scene.resources];
    for (index, (&step, end)) in others.iter().zip(&ends).enumerate() {
        let start = end.saturating_sub(scene.leads(step).map_or(0, |(_, _, time)| time));
        for resource in scene.claims(step) {
            if let Some(uses) = uses.get_mut(resource.index()) {
                uses.push((index, start));
            }
        }
    }
    let mut board = Board::new(scene);
    for &missing in absent.iter().chain([&bot]) {
        board.lift(missing);
    }
    let mut labels = vec![vec![None; graph.waypoints()]; state.visits.len() + 1];
    let (stage, ready) = state.serve(0, state.start);
    if let Some(label) = labels.get_mut(stage).and_then(|labels| labels.get_mut(state.start as usize)) {
        *label = Some(Label { cost: 0, ready, record: 0 });
    }
    let mut search = Replan {
        scene,
        graph,
        bot,
        state,
        board,
        avail: Table::new(scene.resources, 0),
        uses,
        labels,
        records: vec![Record { before: 0, hop: 0, layer: 0 }],
        layer: 0,
        looks: 0,
    };
    search.spread(graph.out_range(state.start));
    for (&step, &end) in others.iter().zip(&ends) {
        if !search.pass(step, end) {
            return (None, search.looks / LOOKS_PER_STEP + 1);
        }
    }
    let ends = search.labels.iter().enumerate().flat_map(|(stage, labels)| {
        let places = (0_u32..).zip(labels);
        places.filter_map(move |(place, label)| Some((state.to_go(stage, place), (*label)?, stage, place)))
    });
    let best = ends
        .filter(|&(_, _, stage, place)| !state.required || state.is_done(stage, place))
        .min_by_key(|&(to_go, label, ..)| label.cost.saturating_add(to_go))
        .map(|(_, label, ..)| label);
    let steps = search.looks / LOOKS_PER_STEP + 1;
    (best.map(|label| search.weave(&others, label)), steps)
}

impl Replan<'_> {
    /// Lets one move of the others happen.
    fn pass(&mut self, step: Step, end: u64) -> bool {
        if !self.board.advance(step) {
            return false;
        }
        self.layer += 1;
        let claims = self.scene.claims(step);
        let mut touched: Vec<u32> = Vec::new();
        for resource in claims {
            self.avail.set(resource.index(), end);
            for &place in self.graph.places_with(*resource) {
                for label in self.labels.iter_mut().filter_map(|labels| labels.get_mut(place as usize)) {
                    *label = None;
                }
            }
            touched.extend_from_slice(self.graph.hops_with(*resource));
        }
        touched.sort_unstable();
        touched.dedup();
        self.spread(touched);
        true
    }

    /// Takes hops where that improves something, and follows up what they improve.
    fn spread(&mut self, hops: impl IntoIterator<Item = u32>) {
        let mut queue = BinaryHeap::new();
        for id in hops {
            for stage in 0..self.labels.len() {
                self.take(id, stage, &mut queue);
            }
        }
        while let Some(Reverse((cost, stage, place))) = queue.pop() {
            if self.label(stage, place).is_some_and(|label| label.cost == cost) {
                for id in self.graph.out_range(place) {
                    self.take(id, stage, &mut queue);
                }
            }
        }
    }

    fn take(&mut self, id: u32, stage: usize, queue: &mut BinaryHeap<Reverse<(u64, usize, u32)>>) {
        let Some(hop) = self.graph.hop(id) else {
            return;
        };
        let Some(label) = self.label(stage, hop.from.0) else {
            return;
        };
        self.looks = self.looks.saturating_add(1);
        let last =
            self.records.get(label.record).filter(|_| label.record != 0).map_or(0, |record| record.hop + 1);
        let time = hop.time.as_micros() + self.scene.turn(last, Step { bot: self.bot, hop: id });
        let claims = self.graph.claims(hop);
        let start = claims.iter().map(|resource| self.avail.at(resource.index())).fold(label.ready, u64::max);
        let arrived = start.saturating_add(time);
        let (served, work) = self.state.serve(stage, hop.to.0);
        let ready = arrived.saturating_add(work);
        let own = (arrived.saturating_sub(label.ready).saturating_mul(self.left(stage)))
            .saturating_add(work.saturating_mul(self.left(served)))
            .saturating_add(time / DRIVING_SHARE)
            .saturating_add(label.cost);
        let is_worse = |cost: u64| self.label(served, hop.to.0).is_some_and(|old| old.cost <= cost);
        if is_worse(own) || !self.board.is_free(Step { bot: self.bot, hop: id }) {
            return;
        }
        let delay = claims.iter().map(|resource| arrived.saturating_sub(self.next_use(resource.index())));
        let cost = own.saturating_add(delay.max().unwrap_or(0));
        if is_worse(cost) {
            return;
        }
        let record = self.records.len();
        self.records.push(Record { before: label.record, hop: id, layer: self.layer });
        let labels = self.labels.get_mut(served);
        if let Some(slot) = labels.and_then(|labels| labels.get_mut(hop.to.index())) {
            *slot = Some(Label { cost, ready, record });
            queue.push(Reverse((cost, served, hop.to.0)));
        }
    }

    /// How many visits and goals a loss of time puts off.
    fn left(&self, stage: usize) -> u64 {
        let left = self.state.visits.len().saturating_sub(stage) + usize::from(self.state.goal.is_some());
        if self.state.required { left as u64 } else { 0 }
    }

    /// When the others next start a move that claims a resource.
    fn next_use(&self, resource: usize) -> u64 {
        let uses = self.uses.get(resource).map_or(&[][..], Vec::as_slice);
        let next = uses.partition_point(|&(index, _)| index < self.layer);
        uses.get(next).map_or(u64::MAX, |&(_, start)| start)
    }

    fn label(&self, stage: usize, place: u32) -> Option<Label> {
        self.labels.get(stage)?.get(place as usize).copied().flatten()
    }

    /// Inserts the way to a label into the moves of the others.
    fn weave(&self, others: &[Step], label: Label) -> Vec<Step> {
        let mut way = Vec::new();
        let mut at = label.record;
        while let Some(record) = self.records.get(at).filter(|_| at != 0) {
            way.push(*record);
            at = record.before;
        }
        let mut woven = Vec::with_capacity(others.len() + way.len());
        for layer in 0..=others.len() {
            while let Some(record) = way.pop_if(|record| record.layer == layer) {
                woven.push(Step { bot: self.bot, hop: record.hop });
            }
            woven.extend(others.get(layer));
        }
        woven
    }
}

/// The same moves in the order in which they end, with these ends. Moves that claim something in common keep their
/// order, so the sequence stays as valid as it was.
fn in_time_order(scene: Scene<'_>, moves: &[Step]) -> (Vec<Step>, Vec<u64>) {
    let mut clock = Clock::new(scene);
    let mut dated: Vec<(u64, Step)> = moves.iter().map(|&step| (clock.run(step, 0), step)).collect();
    dated.sort_by_key(|&(end, _)| end);
    dated.into_iter().map(|(end, step)| (step, end)).unzip()
}
