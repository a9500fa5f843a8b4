//! Tasks, robots and ways in dense tables, in an order that does not depend on how they were given.
#![expect(clippy::indexing_slicing, reason = "nodes, robots and ways are numbered here")]

use super::facts::{Aboard, Facts, Robot, Stop, Travels, Wanted};
use crate::{neighbourhood::index, policy::TERM_MAX};

/// No way.
pub(super) const NO_WAY: u32 = u32::MAX;
/// Later than everything.
pub(super) const NEVER: i64 = 1 << 50;
/// A full battery, in thousandths of a part per million: what a millisecond takes is a whole number of these.
pub(super) const FULL: i64 = 1_000_000_000;
/// Priorities that are told apart, and how often one counts what the next lower one does, as a power of two.
const RANKS: usize = 5;
const RANK_SHIFT: u32 = 3;

/// What is to be planned, checked: see [`Facts::problem`].
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) facts: Facts,
    pub(super) pieces: Vec<Piece>,
    pub(super) nodes: Vec<Node>,
    pub(super) robots: Vec<Member>,
    pub(super) modes: Vec<Mode>,
    /// Rows and columns of chargers.
    pub(super) chargers: Vec<(u32, u32)>,
    /// Tasks in order, and their pieces.
    by_task: Vec<(u32, u32)>,
    from: Vec<u32>,
    to: Vec<u32>,
}

/// What moves as one: a task, or a load that is on board.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) task: u32,
    /// Its first node; the second one, if there is one, is the next.
    pub(super) first: u32,
    pub(super) is_pair: bool,
    /// Whose load it is.
    pub(super) carrier: Option<u32>,
    pub(super) weight: i64,
    /// By robot.
    pub(super) may: Vec<bool>,
}

/// What a stop does to the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// It is on board while the stop lasts.
    Whole,
    /// It comes on board.
    Pickup,
    /// It leaves.
    Delivery,
}

/// A stop of a piece; times count from now.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) piece: u32,
    pub(super) handling: Handling,
    /// Row of the place where it ends, column of the place where it begins.
    pub(super) row: u32,
    pub(super) column: u32,
    /// Rows and columns of the ways within.
    within: Vec<(u32, u32)>,
    pub(super) takes: i64,
    pub(super) ready: i64,
    pub(super) due: i64,
    /// When it was asked for, where the wait for it counts.
    pub(super) since: Option<i64>,
    pub(super) load: u32,
}

/// A robot as the search sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) agent: u32,
    pub(super) mode: usize,
    pub(super) row: u32,
    pub(super) free: i64,
    pub(super) until: i64,
    pub(super) room: u32,
    pub(super) aboard: u32,
    pub(super) busy: i64,
    pub(super) drain: i64,
    pub(super) battery: Option<Battery>,
}

/// A battery, in thousandths of a part per million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Battery {
    pub(super) level: i64,
    pub(super) reserve: i64,
    pub(super) gain: i64,
    pub(super) charge_to: i64,
}

/// Ways of those who travel alike.
#[derive(Clone, Debug)]
pub(super) struct Mode {
    travel: u32,
    ways: Vec<u32>,
    /// By node: how long it takes, ways within included.
    pub(super) lasts: Vec<i64>,
    /// By node: from its end to the nearest charger.
    pub(super) home: Vec<i64>,
}

impl Problem {
    pub(super) fn new(mut facts: Facts, travels: &mut dyn Travels) -> Self {
        facts.wanted.sort_unstable_by_key(|wanted| (wanted.open.tie, wanted.open.task));
        facts.robots.sort_unstable_by_key(|robot| robot.ready.agent);
        facts.chargers.sort_unstable();
        facts.chargers.dedup();
        let stops: Vec<&Stop> = stops(&facts).collect();
        let starts = facts.robots.iter().map(|robot| robot.outlook.place);
        let mut from: Vec<u32> = stops.iter().flat_map(|stop| stop.places.iter().copied()).collect();
        let mut to = from.clone();
        from.extend(starts.chain(facts.chargers.iter().copied()));
        to.extend(&facts.chargers);
        for places in [&mut from, &mut to] {
            places.sort_unstable();
            places.dedup();
        }
        let mut problem = Self {
            pieces: Vec::new(),
            nodes: Vec::new(),
            robots: Vec::new(),
            modes: Vec::new(),
            chargers: Vec::new(),
            by_task: Vec::new(),
            from,
            to,
            facts: Facts::default(),
        };
        problem.chargers =
            facts.chargers.iter().map(|place| (problem.row(*place), problem.column(*place))).collect();
        problem.number(&facts);
        problem.by_task = (0..).zip(&problem.pieces).map(|(piece, known)| (known.task, piece)).collect();
        problem.by_task.sort_unstable();
        let mut travel: Vec<u32> = facts.robots.iter().map(|robot| robot.outlook.travel).collect();
        travel.sort_unstable();
        travel.dedup();
        problem.modes = travel.iter().map(|travel| problem.mode(*travel, travels)).collect();
        for robot in &facts.robots {
            let mode = travel.binary_search(&robot.outlook.travel).unwrap_or(0);
            let member = problem.member(robot, mode, &facts);
            problem.robots.push(member);
        }
        problem.facts = facts;
        problem
    }

    /// What it was made from, in order.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How long the way between two places takes; `None` where there is none, or where nobody could have to drive it.
    pub fn way_ms(&self, travel: u32, from: u32, to: u32) -> Option<u64> {
        let mode = self.modes.iter().find(|mode| mode.travel == travel)?;
        let (row, column) = (self.from.binary_search(&from).ok()?, self.to.binary_search(&to).ok()?);
        let way = mode.ways.get(row * self.to.len() + column)?;
        (*way != NO_WAY).then_some((*way).into())
    }

    /// How many times as much a priority counts as the lowest that there is: eight times for each higher one, up to the fourth.
    pub fn weight(&self, priority: u8) -> i64 {
        weight(&ranks(&self.facts), priority)
    }

    /// The piece of a task, if it is there.
    pub(super) fn piece(&self, task: u32) -> Option<&Piece> {
        let place = self.by_task.binary_search_by_key(&task, |(task, _)| *task).ok()?;
        self.pieces.get(self.by_task[place].1 as usize)
    }

    /// A robot, if it is there, and its number.
    pub(super) fn robot(&self, agent: u32) -> Option<(usize, &Member)> {
        let slot = self.robots.binary_search_by_key(&agent, |robot| robot.agent).ok()?;
        Some((slot, &self.robots[slot]))
    }

    pub(super) fn way(&self, mode: usize, row: u32, column: u32) -> u32 {
        self.modes[mode].ways[row as usize * self.to.len() + column as usize]
    }

    fn row(&self, place: u32) -> u32 {
        self.from.binary_search(&place).map_or(0, index)
    }

    fn column(&self, place: u32) -> u32 {
        self.to.binary_search(&place).map_or(0, index)
    }

    /// Makes pieces and nodes: tasks in their order, then loads by robot.
    fn number(&mut self, facts: &Facts) {
        let ranks = ranks(facts);
        for Wanted { open, errand, may } in &facts.wanted {
            let mut listed = may.clone();
            listed.sort_unstable();
            let may = facts.robots.iter().map(|robot| listed.binary_search(&robot.ready.agent).is_ok());
            let (first, piece) = (index(self.nodes.len()), index(self.pieces.len()));
            let handling = if errand.delivery.is_some() { Handling::Pickup } else { Handling::Whole };
            let mut node = self.node(&errand.pickup, piece, handling, errand.load, facts.now_ms);
            node.since = Some(after(open.requested_ms, facts.now_ms));
            node.due = node.due.min(open.due_ms.map_or(NEVER, |due| after(due, facts.now_ms)));
            self.nodes.push(node);
            if let Some(delivery) = &errand.delivery {
                let node = self.node(delivery, piece, Handling::Delivery, errand.load, facts.now_ms);
                self.nodes.push(node);
            }
            self.pieces.push(Piece {
                task: open.task,
                first,
                is_pair: errand.delivery.is_some(),
                carrier: None,
                weight: weight(&ranks, open.priority),
                may: may.collect(),
            });
        }
        for (number, robot) in (0..).zip(&facts.robots) {
            for Aboard { task, priority, delivery, load } in &robot.outlook.aboard {
                let (first, piece) = (index(self.nodes.len()), index(self.pieces.len()));
                let node = self.node(delivery, piece, Handling::Delivery, *load, facts.now_ms);
                self.nodes.push(node);
                self.pieces.push(Piece {
                    task: *task,
                    first,
                    is_pair: false,
                    carrier: Some(number),
                    weight: weight(&ranks, *priority),
                    may: (0..index(facts.robots.len())).map(|other| other == number).collect(),
                });
            }
        }
    }

    fn node(&self, stop: &Stop, piece: u32, handling: Handling, load: u32, now_ms: u64) -> Node {
        let first = stop.places.first().copied().unwrap_or(0);
        let last = stop.places.last().copied().unwrap_or(0);
        let within = stop.places.iter().zip(stop.places.iter().skip(1));
        Node {
            piece,
            handling,
            row: self.row(last),
            column: self.column(first),
            within: within.map(|(from, to)| (self.row(*from), self.column(*to))).collect(),
            takes: span(stop.takes_ms),
            ready: after(stop.ready_ms, now_ms),
            due: stop.due_ms.map_or(NEVER, |due| after(due, now_ms)),
            since: None,
            load,
        }
    }

    fn mode(&self, travel: u32, travels: &mut dyn Travels) -> Mode {
        let short = |way: Option<u64>| {
            way.filter(|way| *way <= TERM_MAX).and_then(|way| u32::try_from(way).ok()).unwrap_or(NO_WAY)
        };
        let mut ways: Vec<u32> = travels.ways(travel, &self.from, &self.to).into_iter().map(short).collect();
        ways.resize(self.from.len() * self.to.len(), NO_WAY);
        let way = |row: u32, column: u32| match ways[row as usize * self.to.len() + column as usize] {
            NO_WAY => NEVER,
            way => way.into(),
        };
        let within = |node: &Node| node.within.iter().map(|(row, column)| way(*row, *column)).sum::<i64>();
        let lasts = self.nodes.iter().map(|node| (node.takes + within(node)).min(NEVER)).collect();
        let home = |node: &Node| self.chargers.iter().map(|(_, column)| way(node.row, *column)).min();
        let home = self.nodes.iter().map(|node| home(node).unwrap_or(0)).collect();
        Mode { travel, ways, lasts, home }
    }

    fn member(&self, robot: &Robot, mode: usize, facts: &Facts) -> Member {
        let Robot { ready, outlook } = robot;
        let now_ms = facts.now_ms;
        let level = |ppm: u32| (i64::from(ppm) * 1_000).min(FULL);
        Member {
            agent: ready.agent,
            mode,
            row: self.row(outlook.place),
            free: after(ready.free_ms, now_ms).max(0),
            until: outlook.until_ms.map_or(NEVER, |until| after(until, now_ms)),
            room: outlook.room,
            aboard: outlook.aboard.iter().fold(0, |sum, aboard| sum.saturating_add(aboard.load)),
            busy: facts.weights.fairness(ready.busy_permille),
            drain: ready.drain_ppm_per_s.min(1_000_000).into(),
            battery: outlook.power.map(|power| Battery {
                level: level(power.level_ppm),
                reserve: level(power.reserve_ppm),
                gain: power.gain_ppm_per_s.into(),
                charge_to: level(power.charge_to_ppm),
            }),
        }
    }
}

/// Ways that are known already.
pub(super) struct KnownWays<'a>(pub(super) &'a Problem);

impl Travels for KnownWays<'_> {
    fn ways(&mut self, travel: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        let Self(problem) = self;
        let mode = problem.modes.iter().position(|mode| mode.travel == travel);
        let rows: Vec<Option<usize>> =
            from.iter().map(|place| problem.from.binary_search(place).ok()).collect();
        let columns: Vec<Option<usize>> =
            to.iter().map(|place| problem.to.binary_search(place).ok()).collect();
        let way = |row: Option<usize>, column: Option<usize>| {
            let way = problem.way(mode?, index(row?), index(column?));
            (way != NO_WAY).then_some(way.into())
        };
        rows.iter().flat_map(|row| columns.iter().map(|column| way(*row, *column))).collect()
    }
}

/// All stops, in order.
fn stops(facts: &Facts) -> impl Iterator<Item = &Stop> {
    let wanted = facts.wanted.iter().map(|wanted| &wanted.errand);
    let wanted = wanted.flat_map(|errand| std::iter::once(&errand.pickup).chain(&errand.delivery));
    let loads = facts.robots.iter().flat_map(|robot| &robot.outlook.aboard);
    wanted.chain(loads.map(|aboard| &aboard.delivery))
}

/// Priorities that there are, in order.
fn ranks(facts: &Facts) -> Vec<u8> {
    let loads = facts.robots.iter().flat_map(|robot| &robot.outlook.aboard);
    let mut ranks: Vec<u8> = facts.wanted.iter().map(|wanted| wanted.open.priority).collect();
    ranks.extend(loads.map(|aboard| aboard.priority));
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

fn weight(ranks: &[u8], priority: u8) -> i64 {
    let below = ranks.partition_point(|rank| *rank < priority);
    // The highest are told apart.
    let level = below.saturating_sub(ranks.len().saturating_sub(RANKS));
    1 << (RANK_SHIFT * index(level).min(4))
}

/// A span, as far as they are told apart.
fn span(ms: u64) -> i64 {
    i64::try_from(ms.min(TERM_MAX)).unwrap_or(0)
}

/// A point in time, from now.
fn after(at_ms: u64, now_ms: u64) -> i64 {
    span(at_ms.saturating_sub(now_ms)) - span(now_ms.saturating_sub(at_ms))
}
