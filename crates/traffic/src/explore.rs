//! The search of last resort: best first over whole configurations, one move of one robot at a time.
//!
//! It is complete: given steps enough it finds a plan whenever one exists, because every legal move from every
//! configuration is tried. It is only meant for the few robots and places at which roll-outs fail.

use std::{cmp::Reverse, collections::BTreeSet, collections::BinaryHeap, rc::Rc};

use crate::{
    distances::UNREACHABLE,
    hop::index32,
    scene::{Board, Bot, Scene, Step},
};

/// How much more the way to go counts than the way gone.
const GREED: u64 = 4;

/// Where every robot is, and then how many visits each has done.
type State = Rc<[u32]>;

struct Node {
    state: State,
    parent: usize,
    step: Option<Step>,
    gone: u64,
}

/// A sequence of moves after which every required robot has arrived, and the steps used: one for each configuration
/// looked at, at most `limit`.
pub(crate) fn explore(scene: Scene<'_>, limit: u32) -> (Option<Vec<Step>>, u32) {
    let bots = scene.bots.len();
    let mut board = Board::new(scene);
    let start = scene.bots.iter().map(|bot| bot.start);
    let start: State = start.chain(scene.bots.iter().map(|bot| index32(bot.serve(0, bot.start).0))).collect();
    let mut seen = BTreeSet::from([Rc::clone(&start)]);
    let Some(to_go) = to_go(scene, &start) else {
        return (None, 0);
    };
    let mut queue = BinaryHeap::from([Reverse((to_go.saturating_mul(GREED), 0_usize))]);
    let mut nodes = vec![Node { state: start, parent: 0, step: None, gone: 0 }];
    let mut steps = 0;
    while let Some(Reverse((_, index))) = queue.pop() {
        let Some((state, gone)) = nodes.get(index).map(|node| (Rc::clone(&node.state), node.gone)) else {
            continue;
        };
        let (places, stages) = state.split_at(bots);
        if is_done(scene, &state) {
            return (Some(trace(&nodes, index)), steps);
        }
        board.reset(places);
        for step in moves(scene, places) {
            if limit <= steps {
                return (None, steps);
            }
            steps += 1;
            if !board.advance(step) {
                continue;
            }
            let served = scene
                .bots
                .iter()
                .zip(stages)
                .enumerate()
                .map(|(index, (bot, &stage))| index32(bot.serve(stage as usize, board.place(index)).0));
            let next: State = board.places().iter().copied().chain(served).collect();
            if !seen.contains(&next)
                && let Some(to_go) = self::to_go(scene, &next)
            {
                let gone = gone.saturating_add(scene.leads(step).map_or(0, |(_, _, time)| time));
                queue.push(Reverse((to_go.saturating_mul(GREED).saturating_add(gone), nodes.len())));
                seen.insert(Rc::clone(&next));
                nodes.push(Node { state: next, parent: index, step: Some(step), gone });
            }
            board.reset(places);
        }
    }
    (None, steps)
}

/// Every hop that leaves a place where a robot is.
fn moves<'a>(scene: Scene<'a>, places: &'a [u32]) -> impl Iterator<Item = Step> + 'a {
    places.iter().enumerate().flat_map(move |(bot, &place)| {
        let hops = scene.graph(bot).map_or(0..0, |graph| graph.out_range(place));
        hops.map(move |hop| Step { bot, hop })
    })
}

fn is_done(scene: Scene<'_>, state: &[u32]) -> bool {
    required(scene, state).all(|(bot, stage, place)| bot.is_done(stage, place))
}

/// What is left to go for all required robots; `None` when one of them can never arrive from where it is.
fn to_go(scene: Scene<'_>, state: &[u32]) -> Option<u64> {
    required(scene, state)
        .map(|(bot, stage, place)| bot.to_go(stage, place))
        .try_fold(0_u64, |sum, way| (way != UNREACHABLE).then(|| sum.saturating_add(way)))
}

/// Required robots, the visits they have done and their places.
fn required<'a>(scene: Scene<'a>, state: &'a [u32]) -> impl Iterator<Item = (&'a Bot, usize, u32)> {
    let (places, stages) = state.split_at(scene.bots.len());
    let robots = scene.bots.iter().zip(stages.iter().zip(places));
    robots.filter(|(bot, _)| bot.required).map(|(bot, (&stage, &place))| (bot, stage as usize, place))
}

fn trace(nodes: &[Node], end: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = nodes.get(end);
    while let Some(Node { parent, step: Some(step), .. }) = at {
        steps.push(*step);
        at = nodes.get(*parent);
    }
    steps.reverse();
    steps
}
