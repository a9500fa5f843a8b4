//! Judging a sequence of moves, and taking out what nobody needs.

use crate::{
    distances::UNREACHABLE,
    scene::{Board, Clock, Scene, Step, is_valid},
};

/// Driving counts one part in this many of what waiting counts: detours cost energy and are in the way of others.
pub(crate) const DRIVING_SHARE: u64 = 3;

/// How good a plan is; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score {
    /// Microseconds: the sum of the instants at which visits are done and goals reached, and a share of all driving.
    cost: u64,
    moves: usize,
}

impl Score {
    /// The score if nobody were in anybody's way: no plan is better.
    pub(crate) fn free_flow(scene: Scene<'_>) -> Self {
        let mut cost = 0_u64;
        for bot in scene.bots.iter().filter(|bot| bot.required) {
            let way = bot.to_go(0, bot.start);
            if way == UNREACHABLE {
                continue;
            }
            let mut work = 0_u64;
            for visit in &bot.visits {
                work = work.saturating_add(visit.work);
                cost = cost.saturating_add(way.saturating_sub(visit.onward)).saturating_add(work);
            }
            if bot.goal.is_some() {
                cost = cost.saturating_add(way).saturating_add(work);
            }
            cost = cost.saturating_add(way / DRIVING_SHARE);
        }
        Self { cost, moves: 0 }
    }

    /// Worse than the other by one part in `share` at most.
    pub(crate) fn is_near(self, other: Self, share: u64) -> bool {
        self.cost <= other.cost.saturating_add(other.cost / share.max(1))
    }

    /// Scores moves that each start as soon as their robot and resources are free.
    pub(crate) fn of(scene: Scene<'_>, moves: &[Step]) -> Self {
        let mut clock = Clock::new(scene);
        let mut driving = 0_u64;
        for &step in moves {
            clock.run(step, 0);
            driving = driving.saturating_add(scene.leads(step).map_or(0, |(_, _, time)| time));
        }
        let cost = clock.completions().saturating_add(driving / DRIVING_SHARE).saturating_add(clock.beyond());
        Self { cost, moves: moves.len() }
    }
}

/// Takes out round trips and drives to nowhere as long as the rest stays valid. Returns the moves, their score and
/// the steps used, at most about `limit`.
pub(crate) fn polish(scene: Scene<'_>, mut moves: Vec<Step>, limit: u32) -> (Vec<Step>, Score, u32) {
    let mut board = Board::new(scene);
    let mut used = 0_u32;
    let mut better = true;
    while better {
        better = false;
        for bot in 0..scene.bots.len() {
            while let Some(shorter) = shorten(scene, &mut board, &moves, bot, limit, &mut used) {
                moves = shorter;
                better = true;
            }
        }
    }
    let score = Score::of(scene, &moves);
    (moves, score, used)
}

/// The moves without the longest superfluous trip of one robot.
fn shorten(
    scene: Scene<'_>,
    board: &mut Board<'_>,
    moves: &[Step],
    bot: usize,
    limit: u32,
    used: &mut u32,
) -> Option<Vec<Step>> {
    let own: Vec<(usize, u32)> = moves
        .iter()
        .enumerate()
        .filter(|(_, step)| step.bot == bot)
        .filter_map(|(index, &step)| Some((index, scene.leads(step)?.1)))
        .collect();
    let place = |count: usize| match count.checked_sub(1) {
        Some(last) => own.get(last).map(|&(_, to)| to),
        None => scene.bots.get(bot).map(|bot| bot.start),
    };
    let aimless = scene.bots.get(bot).is_some_and(|bot| bot.goal.is_none());
    for length in (1..=own.len()).rev() {
        for start in 0..=own.len() - length {
            let end = start + length;
            let round_trip = place(start) == place(end);
            let to_nowhere = aimless && end == own.len();
            if !round_trip && !to_nowhere {
                continue;
            }
            let cost = u32::try_from(moves.len() / 8 + 1).unwrap_or(u32::MAX);
            if limit.saturating_sub(*used) < cost {
                return None;
            }
            *used += cost;
            let removed = own.get(start..end).unwrap_or(&[]);
            let rest =
                moves.iter().enumerate().filter(|(index, _)| removed.iter().all(|(gone, _)| gone != index));
            let rest: Vec<Step> = rest.map(|(_, &step)| step).collect();
            if is_valid(scene, board, &rest) {
                return Some(rest);
            }
        }
    }
    None
}
