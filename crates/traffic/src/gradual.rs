//! Serving one robot after the other: the way out when everybody is in everybody's way.
//!
//! Robots are brought to their goals in an order, each in a phase of its own. A phase may displace those that have
//! arrived, but must bring them back; all others have no aim of their own and only give way. Goals at dead ends come
//! first, so that a robot at its goal is rarely on the way of a later one.

use crate::{
    explore::explore,
    scene::{Bot, Scene, Step, mix},
    search::{Outcome, Rollout},
};

/// Orders that are tried.
const ORDERS_MAX: u64 = 24;
/// Roll-outs for one phase.
const PHASE_ROLLOUTS: u64 = 8;

/// Moves after which all required robots have arrived, and the steps used, at most `limit`.
pub(crate) fn one_by_one(scene: Scene<'_>, limit: u32) -> (Option<Vec<Step>>, u32) {
    let burdens: Vec<(usize, u32)> = (0..scene.bots.len())
        .filter(|&bot| is_required(scene, bot))
        .map(|bot| (bot, burden(scene, bot)))
        .collect();
    let mut first: Vec<usize> = Vec::new();
    let mut used = 0;
    for round in 0..ORDERS_MAX {
        if limit <= used {
            break;
        }
        let mut order = burdens.clone();
        order.sort_by_key(|&(bot, burden)| {
            let rank = first.iter().position(|&stuck| stuck == bot).unwrap_or(usize::MAX);
            let noise = mix(scene.seed ^ mix(round << 32 | bot as u64));
            // Later rounds blur the order more and more.
            (rank, u64::from(burden).saturating_add(noise % (round * 4 + 1)), noise)
        });
        let order: Vec<usize> = order.into_iter().map(|(bot, _)| bot).collect();
        match in_order(scene, &order, round, limit - used) {
            (Ok(moves), steps) => return (Some(moves), used + steps),
            (Err(stuck), steps) => {
                used += steps.max(1);
                first.retain(|&bot| bot != stuck);
                first.insert(0, stuck);
                first.truncate(usize::try_from(round % 4).unwrap_or(0));
            }
        }
    }
    (None, used.min(limit))
}

/// The moves, or the robot that could not be served.
fn in_order(scene: Scene<'_>, order: &[usize], round: u64, limit: u32) -> (Result<Vec<Step>, usize>, u32) {
    // Each is brought all the way.
    let aimless =
        |bot: &Bot| Bot { visits: Vec::new(), goal: None, required: false, enough: 0, ..bot.clone() };
    let mut bots: Vec<Bot> = scene.bots.iter().map(aimless).collect();
    let mut moves = Vec::new();
    let mut used = 0;
    let once = u32::try_from(bots.len() * 300 + 1_000).unwrap_or(u32::MAX);
    for &next in order {
        if let (Some(bot), Some(full)) = (bots.get_mut(next), scene.bots.get(next)) {
            bot.visits.clone_from(&full.visits);
            bot.goal.clone_from(&full.goal);
            bot.required = true;
        }
        let mut phase = None;
        for attempt in 0..PHASE_ROLLOUTS {
            if limit <= used {
                return (Err(next), used);
            }
            let mut precedence: Vec<usize> = (0..bots.len()).collect();
            precedence.sort_by_key(|&bot| match attempt {
                0 => (bot != next, 0),
                1 => (bot == next, 0),
                _ => (false, mix(scene.seed ^ mix(round << 40 | attempt << 32 | bot as u64))),
            });
            let salt = mix(round << 8 | attempt);
            let Outcome { moves, done, steps, .. } =
                Rollout::run(Scene { bots: &bots, ..scene }, precedence, salt, once.min(limit - used));
            used += steps.max(1);
            if done {
                phase = Some(moves);
                break;
            }
        }
        if phase.is_none() {
            let (moves, steps) =
                explore(Scene { bots: &bots, ..scene }, (once * 2).min(limit.saturating_sub(used)));
            used += steps;
            phase = moves;
        }
        let Some(phase) = phase else {
            return (Err(next), used);
        };
        for &step in &phase {
            if let (Some((_, to, _)), Some(bot)) = (scene.leads(step), bots.get_mut(step.bot)) {
                bot.start = to;
            }
        }
        if let Some(bot) = bots.get_mut(next) {
            bot.visits.clear();
        }
        moves.extend(phase);
    }
    (Ok(moves), used)
}

fn is_required(scene: Scene<'_>, bot: usize) -> bool {
    scene.bots.get(bot).is_some_and(|bot| bot.required)
}

/// How many places a robot at its goal cuts off: those outside the largest part that is left. One that only visits
/// places cuts off none.
fn burden(scene: Scene<'_>, bot: usize) -> u32 {
    let (Some(graph), Some(state)) = (scene.graph(bot), scene.bots.get(bot)) else {
        return 0;
    };
    let places = graph.waypoints();
    let Some(goal) = state.goal.as_ref().map(|field| field.goal()) else {
        return 0;
    };
    let held = graph.rest(goal);
    let mut seen = vec![false; places];
    let mut parts: Vec<u32> = Vec::new();
    for start in graph.stops() {
        let mut part = 0_u32;
        let mut open = vec![start];
        while let Some(place) = open.pop() {
            let Some(seen) = seen.get_mut(place as usize) else {
                continue;
            };
            if *seen {
                continue;
            }
            *seen = true;
            part += 1;
            for hop in graph.out_range(place).filter_map(|id| graph.hop(id)) {
                if graph.claims(hop).iter().all(|resource| held.binary_search(resource).is_err()) {
                    open.push(hop.to.0);
                }
            }
        }
        parts.push(part);
    }
    let largest = parts.iter().copied().max().unwrap_or(0);
    parts.iter().sum::<u32>() - largest
}
