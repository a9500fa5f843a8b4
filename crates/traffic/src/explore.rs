//! The search of last resort: best first over whole configurations, one move of one robot at a time.
//!
//! It is complete: given steps enough it finds a plan whenever one exists, because every legal move from every
//! configuration is tried. It is only meant for the few robots and places at which roll-outs fail.

use std::{cmp::Reverse, collections::BTreeSet, collections::BinaryHeap, rc::Rc};

use crate::{
    hop::UNREACHABLE,
    search::{Board, Scene, Step},
};

/// How much more the way to go counts than the way gone.
const GREED: u64 = 4;

struct Node {
    places: Rc<[u32]>,
    parent: usize,
    step: Option<Step>,
    gone: u64,
}

/// A sequence of moves after which every required robot has arrived, and the steps used: one for each configuration
/// looked at, at most `limit`.
pub(crate) fn explore(scene: Scene<'_>, limit: u32) -> (Option<Vec<Step>>, u32) {
    let mut board = Board::new(scene);
    let start: Rc<[u32]> = board.places().into();
    let mut seen = BTreeSet::from([Rc::clone(&start)]);
    let Some(to_go) = to_go(scene, &start) else {
        return (None, 0);
    };
    let mut queue = BinaryHeap::from([Reverse((to_go.saturating_mul(GREED), 0_usize))]);
    let mut nodes = vec![Node { places: start, parent: 0, step: None, gone: 0 }];
    let mut steps = 0;
    while let Some(Reverse((_, index))) = queue.pop() {
        let Some((places, gone)) = nodes.get(index).map(|node| (Rc::clone(&node.places), node.gone)) else {
            continue;
        };
        if arrived(scene, &places) {
            return (Some(trace(&nodes, index)), steps);
        }
        board.reset(&places);
        for step in moves(scene, &places) {
            if limit <= steps {
                return (None, steps);
            }
            steps += 1;
            if !board.advance(step) {
                continue;
            }
            let next: Rc<[u32]> = board.places().into();
            if !seen.contains(&next)
                && let Some(to_go) = self::to_go(scene, &next)
            {
                let gone = gone.saturating_add(scene.leads(step).map_or(0, |(_, _, time)| time));
                queue.push(Reverse((to_go.saturating_mul(GREED).saturating_add(gone), nodes.len())));
                seen.insert(Rc::clone(&next));
                nodes.push(Node { places: next, parent: index, step: Some(step), gone });
            }
            board.reset(&places);
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

fn arrived(scene: Scene<'_>, places: &[u32]) -> bool {
    distances(scene, places).all(|distance| distance == 0)
}

/// What is left to go for all required robots; `None` when one of them can never arrive from where it is.
fn to_go(scene: Scene<'_>, places: &[u32]) -> Option<u64> {
    distances(scene, places)
        .try_fold(0_u64, |sum, distance| (distance != UNREACHABLE).then(|| sum.saturating_add(distance)))
}

fn distances<'a>(scene: Scene<'a>, places: &'a [u32]) -> impl Iterator<Item = u64> + 'a {
    scene.bots.iter().zip(places).filter(|(bot, _)| bot.required).filter_map(|(bot, &place)| {
        let field = bot.field.as_ref()?;
        Some(field.at(place as usize))
    })
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
