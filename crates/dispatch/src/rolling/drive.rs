//! Driving from stop to stop: when somebody is where, what that takes from its battery, and what it costs.
#![expect(clippy::indexing_slicing, reason = "nodes, robots and ways are numbered by their problem")]

use super::problem::{Battery, FULL, Handling, Member, NEVER, NO_WAY, Node, Piece, Problem};
use crate::policy::TERM_MAX;

/// Somebody who has just left a stop; times count from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    row: u32,
    pub(super) time: i64,
    load: u32,
    /// Thousandths of a part per million.
    pub(super) level: i64,
    /// What everything so far costs.
    pub(super) cost: i64,
}

/// From one stop to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) charge: Option<Charge>,
    pub(super) arrive: i64,
    pub(super) begin: i64,
    pub(super) late: i64,
    pub(super) wait: i64,
    pub(super) energy: i64,
    pub(super) fairness: i64,
    pub(super) after: State,
}

/// A stop at a charger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    /// Its number.
    pub(super) charger: usize,
    pub(super) arrive: i64,
    pub(super) leave: i64,
    pub(super) level: i64,
}

/// A way to the next stop, with or without a charger on it.
struct Approach {
    charge: Option<Charge>,
    arrive: i64,
    level: i64,
    energy: i64,
}

impl Member {
    /// When it is free and has gone nowhere yet.
    pub(super) fn start(&self) -> State {
        let level = self.battery.map_or(FULL, |battery| battery.level);
        State { row: self.row, time: self.free, load: self.aboard, level, cost: 0 }
    }
}

impl Problem {
    /// On to a stop; `None` where that breaks a rule. A robot drives to a charger first only when it would not have enough left
    /// otherwise, after that stop, to reach one with its reserve.
    pub(super) fn leg(&self, robot: &Member, state: State, number: u32) -> Option<Leg> {
        let node = &self.nodes[number as usize];
        let piece = &self.pieces[node.piece as usize];
        let load = match node.handling {
            Handling::Whole | Handling::Pickup => state.load.checked_add(node.load)?,
            Handling::Delivery => state.load.checked_sub(node.load)?,
        };
        if robot.room < load && node.handling != Handling::Delivery {
            return None;
        }
        let lasts = self.modes[robot.mode].lasts[number as usize];
        if NEVER <= lasts {
            return None;
        }
        let Approach { charge, arrive, level, energy } = self.approach(robot, state, number, node, lasts)?;
        let begin = arrive.max(node.ready);
        let time = begin + lasts;
        if robot.until < time {
            return None;
        }
        let weights = &self.facts.weights;
        let late = piece.weight * weights.lateness((begin - node.due).max(0).unsigned_abs());
        let wait = node.since.map_or(0, |since| (begin - since).clamp(0, TERM_MAX.cast_signed()));
        let wait = piece.weight * wait;
        let fairness = if node.since.is_some() { robot.busy } else { 0 };
        let load = if node.handling == Handling::Whole { state.load } else { load };
        let cost = state.cost + late + wait + energy + fairness;
        let after = State { row: node.row, time, load, level, cost };
        Some(Leg { charge, arrive, begin, late, wait, energy, fairness, after })
    }

    fn approach(
        &self,
        robot: &Member,
        state: State,
        number: u32,
        node: &Node,
        lasts: i64,
    ) -> Option<Approach> {
        let way = self.way(robot.mode, state.row, node.column);
        let energy = |way: u32| {
            let drain = u32::try_from(robot.drain).unwrap_or(0);
            if drain == 0 { 0 } else { self.facts.weights.energy(way.into(), drain) }
        };
        let straight = |level| Approach {
            charge: None,
            arrive: state.time + i64::from(way),
            level,
            energy: energy(way),
        };
        let Some(battery) = robot.battery else {
            return (way != NO_WAY).then(|| straight(state.level));
        };
        let home = self.modes[robot.mode].home[number as usize];
        if NEVER <= home {
            return None;
        }
        // What must be there on arrival at the stop.
        let need = battery.reserve + robot.drain * (lasts + home);
        if way != NO_WAY && need + robot.drain * i64::from(way) <= state.level {
            return Some(straight(state.level - robot.drain * (i64::from(way) + lasts)));
        }
        let charges = (0..self.chargers.len()).filter_map(|charger| {
            let (row, column) = self.chargers[charger];
            let there = self.way(robot.mode, state.row, column);
            let onward = self.way(robot.mode, row, node.column);
            if there == NO_WAY || onward == NO_WAY {
                return None;
            }
            let left = state.level - robot.drain * i64::from(there);
            let asked = need + robot.drain * i64::from(onward);
            let leaves = charged(battery, left, asked)?;
            let arrive = state.time + i64::from(there);
            let charge = Charge { charger, arrive, leave: arrive + leaves.0, level: leaves.1 };
            let level = charge.level - robot.drain * (i64::from(onward) + lasts);
            let energy = energy(there) + energy(onward);
            Some(Approach { charge: Some(charge), arrive: charge.leave + i64::from(onward), level, energy })
        });
        charges.min_by_key(|approach| approach.arrive)
    }

    /// What it costs to leave a piece: more than any cost of its own, and most where somebody has it on board.
    pub(super) fn price(&self, piece: u32) -> i64 {
        let Piece { weight, carrier, .. } = &self.pieces[piece as usize];
        let times = if carrier.is_some() { 64 } else { 8 };
        weight * times * TERM_MAX.cast_signed()
    }
}

/// How long it takes until somebody who comes with so much left may go on to where so much is asked for, and what it has then.
fn charged(battery: Battery, left: i64, asked: i64) -> Option<(i64, i64)> {
    if left < battery.reserve || FULL < asked {
        return None;
    }
    // Whole parts per million.
    let whole = asked.max(battery.charge_to) + 999;
    let target = (whole - whole % 1_000).max(left);
    let lasts = match (target - left, battery.gain) {
        (0, _) => 0,
        (_, 0) => return None,
        // A thousandth of a part per million a millisecond is a part per million a second.
        (missing, gain) => missing.unsigned_abs().div_ceil(gain.unsigned_abs()).cast_signed(),
    };
    Some((lasts, target))
}
