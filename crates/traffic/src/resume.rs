//! Carrying on with the plan there is.
//!
//! Most plans differ from the one before in the errand of a single robot. What was planned for the others is kept and
//! the rest is added at its end; refining then moves it forward to where it belongs. So a plan never throws away what
//! an earlier one achieved, and robots do not change their minds without a reason.

use crate::{
    scene::{Board, Bot, Scene, Step, mix},
    search::Rollout,
};

/// Old moves to carry out that count as one step.
const MOVES_PER_STEP: u32 = 16;
/// Roll-outs from the end of the old plan.
const ROLLOUTS: u64 = 6;

/// The old moves as far as they still can be carried out, and behind them whatever is missing. `None` if that was not
/// found. Uses about `limit` steps at most.
pub(crate) fn resume(scene: Scene<'_>, old: &[Step], limit: u32) -> (Option<Vec<Step>>, u32) {
    if old.is_empty() {
        return (None, 0);
    }
    let mut board = Board::new(scene);
    let mut bots: Vec<Bot> = scene.bots.to_vec();
    let mut broken = vec![false; bots.len()];
    let mut moves = Vec::with_capacity(old.len());
    for &step in old {
        // Who cannot make one of its moves makes no later one.
        let Some(broken) = broken.get_mut(step.bot).filter(|broken| !**broken) else { continue };
        if board.advance(step) {
            moves.push(step);
        } else {
            *broken = true;
        }
    }
    let mut places: Vec<u32> = bots.iter().map(|bot| bot.start).collect();
    let mut stages: Vec<usize> = bots.iter().map(|bot| bot.serve(0, bot.start).0).collect();
    for &step in &moves {
        if let (Some((_, to, _)), Some(bot)) = (scene.leads(step), scene.bots.get(step.bot))
            && let (Some(place), Some(stage)) = (places.get_mut(step.bot), stages.get_mut(step.bot))
        {
            (*place, *stage) = (to, bot.serve(*stage, to).0);
        }
    }
    for (bot, (place, stage)) in bots.iter_mut().zip(places.into_iter().zip(stages)) {
        bot.start = place;
        bot.visits.drain(..stage);
    }
    let later = Scene { bots: &bots, ..scene };
    let mut used = u32::try_from(old.len()).unwrap_or(u32::MAX) / MOVES_PER_STEP;
    if bots.iter().all(|bot| !bot.required || bot.is_done(0, bot.start)) {
        return (Some(moves), used);
    }
    for round in 0..ROLLOUTS {
        if limit <= used {
            break;
        }
        let mut order: Vec<usize> = (0..bots.len()).collect();
        order.sort_by_key(|&index| {
            let to_go = bots.get(index).map_or(0, |bot| bot.to_go(0, bot.start));
            let noise = mix(scene.seed ^ mix(round << 32 | index as u64));
            (to_go == 0, if round == 0 { !to_go } else { noise })
        });
        let outcome = Rollout::run(later, order, mix(round), (limit - used) / 2);
        used = used.saturating_add(outcome.steps.max(1));
        if outcome.done {
            moves.extend(outcome.moves);
            return (Some(moves), used);
        }
    }
    (None, used)
}
