//! Judging a sequence of moves, and taking out what nobody needs.

use crate::{
    hop::UNREACHABLE,
    search::{Board, Scene, Step, date},
    table::Table,
};

/// How good a plan is; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score {
    /// Microseconds: the sum of arrivals of those who must arrive, and an eighth of all driving.
    cost: u64,
    moves: usize,
}

impl Score {
    /// The score if nobody were in anybody's way: no plan is better.
    pub(crate) fn free_flow(scene: Scene<'_>) -> Self {
        let fields =
            scene.bots.iter().filter(|bot| bot.required).filter_map(|bot| Some((bot, bot.field.as_ref()?)));
        let distances = fields.map(|(bot, field)| field.at(bot.start as usize));
        let sum = distances.filter(|&distance| distance != UNREACHABLE).fold(0_u64, u64::saturating_add);
        Self { cost: sum.saturating_add(sum / 8), moves: 0 }
    }

    /// Worse than the other by one part in `share` at most.
    pub(crate) fn is_near(self, other: Self, share: u64) -> bool {
        self.cost <= other.cost.saturating_add(other.cost / share.max(1))
    }

    /// Scores moves that each start as soon as their robot and resources are free.
    pub(crate) fn of(scene: Scene<'_>, moves: &[Step]) -> Self {
        let mut ready = Table::new(scene.bots.len(), 0);
        let mut avail = Table::new(scene.resources, 0);
        let mut driving = 0_u64;
        for &step in moves {
            date(scene, step, &mut ready, &mut avail, 0);
            driving = driving.saturating_add(scene.leads(step).map_or(0, |(_, _, time)| time));
        }
        let required = scene.bots.iter().zip(ready.rows()).filter(|(bot, _)| bot.required);
        let arrivals = required.map(|(_, &ready)| ready).fold(0_u64, u64::saturating_add);
        Self { cost: arrivals.saturating_add(driving / 8), moves: moves.len() }
    }
}

/// Takes out round trips and drives to nowhere as long as the rest stays valid. Returns the moves, their score and
/// the steps used, at most about `limit`.
pub(crate) fn polish(scene: Scene<'_>, mut moves: Vec<Step>, limit: u32) -> (Vec<Step>, Score, u32) {
    let mut board = Board::new(scene);
    let starts: Vec<u32> = board.places().to_vec();
    let mut used = 0_u32;
    let mut better = true;
    while better {
        better = false;
        for bot in 0..scene.bots.len() {
            while let Some(shorter) = shorten(scene, &mut board, &starts, &moves, bot, limit, &mut used) {
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
    starts: &[u32],
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
        None => starts.get(bot).copied(),
    };
    let aimless = scene.bots.get(bot).is_some_and(|bot| bot.field.is_none());
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
            board.reset(starts);
            if rest.iter().all(|&step| board.advance(step)) && board.is_done() {
                return Some(rest);
            }
        }
    }
    None
}
