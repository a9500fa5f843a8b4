//! Improving a plan one robot at a time.
//!
//! A robot is taken out of the sequence, which never makes the moves of the others invalid, and put back in the best
//! way. The search goes through the sequence once. Before each move of the others it knows for every place when the
//! robot can be there at the earliest; a hop may be inserted where its claims are free at rest, and a place is
//! lost when the next move of the others claims it.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    hop::HopGraph,
    polish::Score,
    search::{Board, Scene, Step, date},
    table::Table,
};

/// Looks at hops that count as one step.
const LOOKS_PER_STEP: u32 = 24;

/// How a robot can be at a place.
#[derive(Clone, Copy, Debug)]
struct Label {
    /// What is minimised, microseconds: its arrival if it counts, an eighth of its driving, the delay of others.
    cost: u64,
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

/// Replans robots until none of them gains. Returns the moves, their score and the steps used, about `limit` at most.
pub(crate) fn refine(scene: Scene<'_>, moves: Vec<Step>, limit: u32) -> (Vec<Step>, Score, u32) {
    let mut score = Score::of(scene, &moves);
    let mut best = moves;
    let mut used = 0;
    let mut failures = 0;
    for bot in (0..scene.bots.len()).cycle() {
        if scene.bots.len() <= failures || limit <= used {
            break;
        }
        failures += 1;
        if best.iter().all(|step| step.bot != bot) {
            continue;
        }
        let (replanned, steps) = replan(scene, bot, &best);
        used += steps;
        if let Some(moves) = replanned.filter(|moves| is_valid(scene, moves)) {
            let better = Score::of(scene, &moves);
            if better < score {
                (best, score, failures) = (moves, better, 0);
            }
        }
    }
    (best, score, used.min(limit))
}

/// Whether moves can be carried out one after the other and bring every required robot to its goal.
pub(crate) fn is_valid(scene: Scene<'_>, moves: &[Step]) -> bool {
    let mut board = Board::new(scene);
    moves.iter().all(|&step| board.advance(step)) && board.is_done()
}

struct Replan<'a> {
    scene: Scene<'a>,
    graph: &'a HopGraph,
    bot: usize,
    counts: bool,
    board: Board<'a>,
    avail: Table<u64>,
    /// Moves of the others that claim each resource, with their start.
    uses: Vec<Vec<(usize, u64)>>,
    labels: Vec<Option<Label>>,
    records: Vec<Record>,
    layer: usize,
    looks: u32,
}

/// The best way of one robot through the moves of the others.
fn replan(scene: Scene<'_>, bot: usize, moves: &[Step]) -> (Option<Vec<Step>>, u32) {
    let (Some(graph), Some(state)) = (scene.graph(bot), scene.bots.get(bot)) else {
        return (None, 1);
    };
    let (others, ends) = in_time_order(scene, moves.iter().copied().filter(|step| step.bot != bot));
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
    board.lift(bot);
    let mut labels = vec![None; graph.waypoints()];
    if let Some(label) = labels.get_mut(state.start as usize) {
        *label = Some(Label { cost: 0, ready: 0, record: 0 });
    }
    let mut search = Replan {
        scene,
        graph,
        bot,
        counts: state.required,
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
    let away = |place: usize| state.field.as_ref().map_or(0, |field| field.at(place));
    let arrivals = search.labels.iter().enumerate().filter_map(|(place, label)| Some((place, (*label)?)));
    let best = arrivals
        .filter(|&(place, _)| !state.required || away(place) == 0)
        .min_by_key(|&(place, label)| label.cost.saturating_add(away(place)));
    let steps = search.looks / LOOKS_PER_STEP + 1;
    (best.map(|(_, label)| search.weave(&others, label)), steps)
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
                if let Some(label) = self.labels.get_mut(place as usize) {
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
            self.take(id, &mut queue);
        }
        while let Some(Reverse((cost, place))) = queue.pop() {
            if self.label(place).is_some_and(|label| label.cost == cost) {
                for id in self.graph.out_range(place) {
                    self.take(id, &mut queue);
                }
            }
        }
    }

    fn take(&mut self, id: u32, queue: &mut BinaryHeap<Reverse<(u64, u32)>>) {
        self.looks = self.looks.saturating_add(1);
        let Some(hop) = self.graph.hop(id) else {
            return;
        };
        let Some(label) = self.label(hop.from.0) else {
            return;
        };
        let time = hop.time.as_micros();
        let claims = self.graph.claims(hop);
        let start = claims.iter().map(|resource| self.avail.at(resource.index())).fold(label.ready, u64::max);
        let ready = start.saturating_add(time);
        let delay = claims.iter().map(|resource| ready.saturating_sub(self.next_use(resource.index())));
        let arriving = if self.counts { ready.saturating_sub(label.ready) } else { 0 };
        let cost = delay
            .fold(0, u64::max)
            .saturating_add(arriving)
            .saturating_add(time / 8)
            .saturating_add(label.cost);
        if self.label(hop.to.0).is_some_and(|old| old.cost <= cost)
            || !self.board.is_free(Step { bot: self.bot, hop: id })
        {
            return;
        }
        let record = self.records.len();
        self.records.push(Record { before: label.record, hop: id, layer: self.layer });
        if let Some(slot) = self.labels.get_mut(hop.to.index()) {
            *slot = Some(Label { cost, ready, record });
            queue.push(Reverse((cost, hop.to.0)));
        }
    }

    /// When the others next start a move that claims a resource.
    fn next_use(&self, resource: usize) -> u64 {
        let uses = self.uses.get(resource).map_or(&[][..], Vec::as_slice);
        let next = uses.partition_point(|&(index, _)| index < self.layer);
        uses.get(next).map_or(u64::MAX, |&(_, start)| start)
    }

    fn label(&self, place: u32) -> Option<Label> {
        self.labels.get(place as usize).copied().flatten()
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
fn in_time_order(scene: Scene<'_>, moves: impl Iterator<Item = Step>) -> (Vec<Step>, Vec<u64>) {
    let mut ready = Table::new(scene.bots.len(), 0);
    let mut avail = Table::new(scene.resources, 0);
    let mut dated: Vec<(u64, Step)> =
        moves.map(|step| (date(scene, step, &mut ready, &mut avail, 0), step)).collect();
    dated.sort_by_key(|&(end, _)| end);
    dated.into_iter().map(|(end, step)| (step, end)).unzip()
}
