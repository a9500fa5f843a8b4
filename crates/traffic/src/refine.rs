//! Improving a joint plan, a few robots at a time.
//!
//! Large neighbourhood search (Li et al., MAPF-LNS, 2021): a robot and some of those that hold what its undisturbed way
//! would need are taken out together and woven in again in another order.

use crate::{
    scene::mix,
    search::descent,
    timetable::{Leg, Timetable},
    weave::{Room, weave},
};

/// Others taken out together with one robot at most.
const OTHERS_MAX: u64 = 3;
/// Tries without gain, for each robot to be improved, after which refining ends.
const FUTILE_PER_BOT: usize = 2;
/// Of a plan with this many legs one futile try more is made, of a shorter one as many more as it is shorter: there a try
/// costs little.
const FUTILE_LEGS: usize = 2_000;
/// States that one try may look at.
const TRY_MAX: u32 = 400;
/// A robot whose way costs less than one part in this many more than it would alone has a good one.
const NEAR_SHARE: u64 = 32;
/// Robots to be improved when nothing is new: those that lose most.
const WORST_MAX: usize = 4;

/// Takes groups around robots out and puts them back where that is better, until nothing is gained any more; returns the
/// states looked at, about `limit` at most.
///
/// Only groups around `new` robots are tried, or else around those that lose most by waiting: refining costs what has
/// changed and not what there is.
pub(crate) fn refine(table: &mut Timetable<'_>, new: &[usize], limit: u32, room: &mut Room) -> u32 {
    let bots = table.scene().bots.len();
    let mut worst: Vec<(u64, usize)> = (0..bots).map(|bot| (loss(table, bot), bot)).collect();
    worst.retain(|&(loss, bot)| 0 < loss && (new.is_empty() || new.contains(&bot)));
    worst.sort_unstable_by(|a, b| b.cmp(a));
    if new.is_empty() {
        worst.truncate(WORST_MAX);
    }
    if worst.is_empty() {
        return 0;
    }
    let legs: usize = (0..bots).filter_map(|bot| table.legs(bot)).map(<[Leg]>::len).sum();
    let legs = legs.max(1);
    let mut used = 0_u32;
    let mut futile = 0;
    for round in 0.. {
        if limit <= used || worst.len() * FUTILE_PER_BOT + FUTILE_LEGS / legs <= futile {
            break;
        }
        let Some(&(_, bot)) = worst.get(round % worst.len()) else { break };
        futile += 1;
        let group = group(table, bot, round);
        if loss(table, bot) == 0 || group.len() < 2 && worst.len() <= round {
            continue;
        }
        let (better, looked) = weave(table, &group, TRY_MAX.min(limit - used), room);
        used = used.saturating_add(looked);
        if better {
            futile = 0;
        }
    }
    used
}

/// What waiting and detours cost a robot, if it is worth a try.
fn loss(table: &Timetable<'_>, bot: usize) -> u64 {
    let loss = table.loss(bot);
    if loss <= table.cost(bot) / NEAR_SHARE { 0 } else { loss }
}

/// A robot and some of those that are in its way, in the order in which they are put back.
fn group(table: &Timetable<'_>, bot: usize, round: usize) -> Vec<usize> {
    let mut others = table.in_the_way(bot, &legs_alone(table, bot));
    let draw = |salt: u64| mix(table.scene().seed ^ mix((round as u64) << 8 | salt));
    others.sort_by_key(|&other| mix(draw(0) ^ other as u64));
    others.truncate(usize::try_from(1 + draw(1) % OTHERS_MAX).unwrap_or(1));
    // Most often it is the robot that shall go first.
    let place = if draw(2) % 3 == 0 { others.len() } else { 0 };
    others.insert(place, bot);
    others
}

/// The legs of a robot that is alone.
fn legs_alone(table: &Timetable<'_>, bot: usize) -> Vec<Leg> {
    let Some((graph, state)) = table.graph(bot) else { return Vec::new() };
    let (mut stage, mut now) = state.serve(0, state.start);
    let mut place = state.start;
    let mut legs: Vec<Leg> = Vec::new();
    while let Some(field) = state.field(stage).filter(|field| field.at(place) != 0) {
        let way = descent(graph, field, place, usize::MAX);
        if way.is_empty() {
            break;
        }
        for hop in way {
            let Some(to) = graph.hop(hop).map(|hop| hop.to.0) else { break };
            let turn = legs.last().map_or(0, |last| graph.turn(last.hop, hop));
            let end = now + turn + graph.hop(hop).map_or(0, |hop| hop.time.as_micros());
            legs.push(Leg { hop, start: now, end });
            let (served, work) = state.serve(stage, to);
            (place, now) = (to, end.saturating_add(work));
            if served != stage {
                stage = served;
                break;
            }
        }
    }
    legs
}
