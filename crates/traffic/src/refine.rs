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
/// Moves of others to be passed that count as one step.
const MOVES_PER_STEP: usize = 16;
/// Rows of tables to be made that count as one step.
const ROWS_PER_STEP: usize = 64;

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
/// Groups tried without gain, for each robot whose way is new, after which refining ends.
const FUTILE_PER_BOT: usize = 2;
/// And as many more as this many moves of others can be passed meanwhile: in short plans a try costs little.
const FUTILE_MOVES: usize = 4_000;

/// Takes robots out, first one by one and then in random groups, and puts them back where that is better. Returns the
/// moves, their score and the steps used, about `limit` at most.
///
/// Robots that go on as in `old`, which was refined before, are only tried beside one whose way is new: refining costs
/// what has changed and not what there is.
pub(crate) fn refine(
    scene: Scene<'_>,
    moves: Vec<Step>,
    old: &[Step],
    limit: u32,
) -> (Vec<Step>, Score, u32) {
    let unsettled = unsettled(scene, &moves, old);
    let mut score = Score::of(scene, &moves);
    if unsettled.is_empty() {
        return (moves, score, 0);
    }
    let patience = unsettled.len() * FUTILE_PER_BOT + FUTILE_MOVES / (moves.len() + 1);
    let mut best = moves;
    let mut used = 0;
    let mut futile = 0;
    let mut board = Board::new(scene);
    let free_flow = Score::free_flow(scene);
    for round in 0.. {
        if patience <= futile || limit <= used || score.is_near(free_flow, NEAR_SHARE) {
            break;
        }
        futile += 1;
        let group = group(scene, &unsettled, futile - 1, round);
        let (replanned, steps) = put_back(scene, &group, &best, score);
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

/// Robots that go other ways than they went in the old moves.
fn unsettled(scene: Scene<'_>, moves: &[Step], old: &[Step]) -> Vec<usize> {
    let ways = |moves: &[Step]| {
        let mut ways = vec![Vec::new(); scene.bots.len()];
        for step in moves {
            if let Some(way) = ways.get_mut(step.bot) {
                way.push(step.hop);
            }
        }
        ways
    };
    let pairs = ways(moves).into_iter().zip(ways(old)).enumerate();
    pairs.filter(|(_, (new, old))| new != old).map(|(bot, _)| bot).collect()
}

/// Whom to take out: each unsettled robot alone after every gain, then random groups with one of them, in the order in
/// which they are put back.
fn group(scene: Scene<'_>, unsettled: &[usize], futile: usize, round: usize) -> Vec<usize> {
    if futile < unsettled.len() {
        return unsettled.get((futile + round) % unsettled.len()).copied().into_iter().collect();
    }
    let draw = |salt: u64, below: usize| {
        let draw = mix(scene.seed ^ mix((round as u64) << 8 | salt)) % (below.max(1) as u64);
        usize::try_from(draw).unwrap_or(0)
    };
    let bots = scene.bots.len();
    let size = 2 + draw(0, TOGETHER_MAX - 1);
    let mut group: Vec<usize> = unsettled.get(draw(1, unsettled.len())).copied().into_iter().collect();
    for salt in (2..).take(size - group.len()) {
        let bot = draw(salt, bots);
        if !group.contains(&bot) {
            group.push(bot);
        }
    }
    group
}

/// The moves without those of a group, and each of the group put back in turn. `None` when that costs what it cost before,
/// as far as a robot alone can tell.
fn put_back(scene: Scene<'_>, group: &[usize], moves: &[Step], before: Score) -> (Option<Vec<Step>>, u32) {
    let mut left: Vec<Step> = moves.iter().copied().filter(|step| !group.contains(&step.bot)).collect();
    let constant = |bot: &usize| scene.bots.get(*bot).map_or(0, work_anyway);
    let anyway = group.iter().map(constant).fold(0, u64::saturating_add);
    let cost = before.above(Score::of(scene, &left)).saturating_sub(anyway);
    let at_least = |bot: &usize| {
        scene.bots.get(*bot).map_or(0, |bot| at_least(bot, bot.serve(0, bot.start).0, bot.start))
    };
    let mut used = 0;
    let mut spent = 0_u64;
    for (index, &bot) in group.iter().enumerate() {
        let absent = group.get(index + 1..).unwrap_or(&[]);
        let later: u64 = absent.iter().map(at_least).fold(0, u64::saturating_add);
        let affordable = cost.saturating_sub(spent).saturating_sub(later);
        let (woven, steps) = replan(scene, bot, absent, &left, affordable);
        used += steps;
        match woven {
            Some((woven, cost)) => {
                left = woven;
                spent = spent.saturating_add(cost);
            }
            None => return (None, used),
        }
    }
    (Some(left), used)
}

/// What a robot's work adds to the score whichever way it goes, and is no part of the cost of a way: the work at the places
/// to come, each counted once, and the work that it has begun, for each place to come but the goal.
fn work_anyway(bot: &Bot) -> u64 {
    if !bot.required {
        return 0;
    }
    let (stage, begun) = bot.serve(0, bot.start);
    let to_come = bot.visits.iter().skip(stage);
    to_come.fold(0, |sum: u64, visit| sum.saturating_add(visit.work).saturating_add(begun))
}

/// What the rest of its errand costs a robot that is alone, as the cost of a way is counted.
fn at_least(bot: &Bot, stage: usize, place: u32) -> u64 {
    let mut way = bot.field(stage).map_or(0, |field| field.at(place as usize));
    let mut cost = bot.to_go(stage, place) / DRIVING_SHARE;
    if !bot.required {
        // It may stay where it is.
        return 0;
    }
    for (index, visit) in bot.visits.iter().enumerate().skip(stage) {
        cost = cost.saturating_add(way);
        way = way.saturating_add(visit.work);
        let onward = bot.visits.get(index + 1).map_or(0, |next| next.onward);
        way = way.saturating_add(visit.onward.saturating_sub(onward));
    }
    if bot.goal.is_some() { cost.saturating_add(way) } else { cost }
}

/// Moves of the others by the resources that they claim.
struct Uses {
    /// `ends[r - 1]..ends[r]` are the rows of resource `r`.
    ends: Vec<u32>,
    /// Index of a move, and when it starts.
    rows: Vec<(u32, u64)>,
}

impl Uses {
    fn new(scene: Scene<'_>, moves: &[Step], ends: &[u64]) -> Self {
        let mut places = vec![0_u32; scene.resources + 1];
        for resource in moves.iter().flat_map(|&step| scene.claims(step)) {
            if let Some(count) = places.get_mut(resource.index() + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for place in &mut places {
            total += *place;
            *place = total;
        }
        let mut rows = vec![(0, 0); total as usize];
        for (index, (&step, end)) in (0_u32..).zip(moves.iter().zip(ends)) {
            let start = end.saturating_sub(scene.leads(step).map_or(0, |(_, _, time)| time));
            for resource in scene.claims(step) {
                let Some(place) = places.get_mut(resource.index()) else { continue };
                if let Some(row) = rows.get_mut(*place as usize) {
                    *row = (index, start);
                }
                *place += 1;
            }
        }
        // Filling has moved every beginning to the end of its rows.
        Self { ends: places, rows }
    }

    /// When a move at or after `layer` first claims a resource.
    fn next(&self, resource: usize, layer: usize) -> u64 {
        let bound = |index: Option<usize>| {
            index.and_then(|index| self.ends.get(index)).map_or(0, |&end| end as usize)
        };
        let rows = self.rows.get(bound(resource.checked_sub(1))..bound(Some(resource))).unwrap_or(&[]);
        let next = rows.partition_point(|&(index, _)| (index as usize) < layer);
        rows.get(next).map_or(u64::MAX, |&(_, start)| start)
    }
}

struct Replan<'a> {
    scene: Scene<'a>,
    graph: &'a HopGraph,
    bot: usize,
    state: &'a Bot,
    board: Board<'a>,
    avail: Table<u64>,
    uses: Uses,
    /// Whether a hop from a place that had a label claims the resource: other moves change nothing for this robot.
    matters: Table<bool>,
    /// Hops that have been looked at for that.
    noted: Table<bool>,
    /// By visits done and place.
    labels: Vec<Vec<Option<Label>>>,
    records: Vec<Record>,
    /// A way that costs this much is of no use.
    affordable: u64,
    layer: usize,
    looks: u32,
}

/// The best way of one robot through the moves of the others, as if those who are absent were nowhere, and what it costs;
/// `None` when that is `affordable` at least.
fn replan(
    scene: Scene<'_>,
    bot: usize,
    absent: &[usize],
    others: &[Step],
    affordable: u64,
) -> (Option<(Vec<Step>, u64)>, u32) {
    let (Some(graph), Some(state)) = (scene.graph(bot), scene.bots.get(bot)) else {
        return (None, 1);
    };
    let (others, ends) = in_time_order(scene, others);
    let uses = Uses::new(scene, &others, &ends);
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
        matters: Table::new(scene.resources, false),
        noted: Table::new(graph.hops(), false),
        labels,
        records: vec![Record { before: 0, hop: 0, layer: 0 }],
        affordable,
        layer: 0,
        looks: 0,
    };
    search.note_place(state.start);
    search.spread(graph.out_range(state.start));
    for (&step, &end) in others.iter().zip(&ends) {
        if !search.pass(step, end) {
            return (None, search.steps(others.len()));
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
    let steps = search.steps(others.len());
    (best.map(|label| (search.weave(&others, label), label.cost)), steps)
}

impl Replan<'_> {
    /// What the search has taken among so many moves of others.
    fn steps(&self, others: usize) -> u32 {
        let rows = self.scene.resources + self.graph.waypoints() * self.labels.len();
        let fixed = others / MOVES_PER_STEP + rows / ROWS_PER_STEP + 1;
        (self.looks / LOOKS_PER_STEP).saturating_add(u32::try_from(fixed).unwrap_or(u32::MAX))
    }

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
            if !self.matters.at(resource.index()) {
                continue;
            }
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
        let state = self.state;
        let (served, work) = state.serve(stage, hop.to.0);
        let (left, left_then) = (self.left(stage), self.left(served));
        let spends = |driven: u64, time: u64| {
            (driven.saturating_mul(left))
                .saturating_add(work.saturating_mul(left_then))
                .saturating_add(time / DRIVING_SHARE)
                .saturating_add(label.cost)
        };
        let known = self.label(served, hop.to.0).map_or(u64::MAX, |label| label.cost);
        let bound = known.min(self.affordable.saturating_sub(at_least(state, served, hop.to.0)));
        // Most hops are of no use even if nobody is in the way.
        if bound <= spends(hop.time.as_micros(), hop.time.as_micros()) {
            return;
        }
        self.looks = self.looks.saturating_add(1);
        let last =
            self.records.get(label.record).filter(|_| label.record != 0).map_or(0, |record| record.hop + 1);
        let time = hop.time.as_micros() + self.scene.turn(last, Step { bot: self.bot, hop: id });
        let claims = self.graph.claims(hop);
        let start = claims.iter().map(|resource| self.avail.at(resource.index())).fold(label.ready, u64::max);
        let arrived = start.saturating_add(time);
        let ready = arrived.saturating_add(work);
        let own = spends(arrived.saturating_sub(label.ready), time);
        if bound <= own || !self.board.is_free(Step { bot: self.bot, hop: id }) {
            return;
        }
        let delay = claims
            .iter()
            .map(|resource| arrived.saturating_sub(self.uses.next(resource.index(), self.layer)));
        let cost = own.saturating_add(delay.max().unwrap_or(0));
        if bound <= cost {
            return;
        }
        let record = self.records.len();
        self.records.push(Record { before: label.record, hop: id, layer: self.layer });
        let labels = self.labels.get_mut(served);
        if let Some(slot) = labels.and_then(|labels| labels.get_mut(hop.to.index())) {
            *slot = Some(Label { cost, ready, record });
            queue.push(Reverse((cost, served, hop.to.0)));
            self.note_place(hop.to.0);
        }
    }

    /// Notes what hops from a place claim.
    fn note_place(&mut self, place: u32) {
        let first = self.graph.out_range(place).next();
        if first.is_none_or(|id| self.noted.at(id as usize)) {
            return;
        }
        for id in self.graph.out_range(place) {
            self.noted.set(id as usize, true);
            for resource in self.graph.hop_claims(id) {
                self.matters.set(resource.index(), true);
            }
        }
    }

    /// How many visits and goals a loss of time puts off.
    fn left(&self, stage: usize) -> u64 {
        let left = self.state.visits.len().saturating_sub(stage) + usize::from(self.state.goal.is_some());
        if self.state.required { left as u64 } else { 0 }
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
