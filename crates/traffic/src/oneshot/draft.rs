//! A plan made from scratch, for a refinement to start from.
//!
//! Each robot gets a way of its own first. Then the search through configurations makes a valid plan of them: whoever is on
//! its way keeps to it as far as the others let it. Everything goes in slices, so that whoever waits for a plan can stop
//! soon.

use std::sync::Arc;

use super::{
    fields::Fields,
    instance::{Instance, NONE},
    lanes::Lanes,
    pibt::Guides,
    search::Search,
    sipp::{Finder, Haste, Limits, Timeline, Traveller},
    solution::{Outcome, Solution},
};

/// States that are looked at for ways in space and time in one slice. Those in space alone are so many times quicker to look at.
const STATES: usize = 1 << 13;
const QUICKER: usize = 2;
/// Moves and waits that are decided in one slice.
const MOVES: u64 = 1 << 14;
/// Steps of the search for each instant, before it is given up.
const PATIENCE: u64 = 2;
/// States that are looked at for each step of the shortest way: for the best way,
const EFFORT_BEST: u32 = 16;
/// for any,
const EFFORT_ANY: u32 = 24;
/// and for any where mostly there is none.
const EFFORT_LEAST: u32 = 10;
/// The most that successes count together.
const HOPE: u32 = 32;
/// What a failure counts, in successes.
const FAILURE: u32 = 4;

/// How the ways come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// In space and time, each around all before it (prioritised planning), with no regard to who is still to come. Some find
    /// none. Whoever has a short way comes first.
    ShortFirst,
    /// The same; whoever has a long way comes first.
    LongFirst,
    /// In space alone, with the stream ([`Lanes`]).
    Streams,
}

/// A plan that is being made.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    instance: Instance,
    distances: Arc<[u32]>,
    seed: u64,
    /// A plan that loses no more needs no better one.
    good: u64,
    stage: Stage,
    /// The best plan so far.
    best: Option<(u64, Solution)>,
}

#[derive(Clone, Debug)]
enum Stage {
    Ways(Box<Ways>),
    Plan {
        search: Box<Search>,
        steps: u64,
        /// How late robots keep to their ways in the searches that are still to come.
        guides: Vec<Guides>,
    },
    Done,
}

/// Where ways come from.
#[derive(Clone, Debug)]
struct Ways {
    fields: Fields,
    /// Who is still to come, the first one last.
    order: Vec<u32>,
    instants: usize,
    maker: Maker,
}

#[derive(Clone, Debug)]
enum Maker {
    Timed {
        timeline: Timeline,
        finder: Finder,
        /// That there is a best way, and any at all: spent where they are not found mostly.
        hopes: [u32; 2],
    },
    Streams {
        lanes: Lanes,
        ways: Vec<Arc<[u32]>>,
    },
}

impl Draft {
    /// Nobody has a way yet, and none takes more instants than given. A plan that loses no more steps than `good` needs no
    /// better one.
    pub(super) fn new(
        instance: &Instance,
        distances: &Arc<[u32]>,
        fields: Fields,
        instants: usize,
        (manner, good, seed): (Manner, u64, u64),
    ) -> Self {
        let robots = instance.robots();
        let mut order: Vec<u32> = (0..).take(robots).collect();
        order.sort_by_cached_key(|robot| (distances.get(*robot as usize).copied().unwrap_or(0), *robot));
        let maker = match manner {
            Manner::ShortFirst | Manner::LongFirst => Maker::Timed {
                timeline: Timeline::empty(instance.vertices(), instants, robots),
                finder: Finder::default(),
                hopes: [HOPE; 2],
            },
            Manner::Streams => {
                // Everybody twice.
                order.extend_from_within(..);
                Maker::Streams { lanes: Lanes::new(instance.vertices()), ways: vec![Arc::from([]); robots] }
            }
        };
        if manner == Manner::ShortFirst {
            order.reverse();
        }
        let ways = Ways { fields, order, instants, maker };
        let stage = Stage::Ways(Box::new(ways));
        Self { instance: instance.clone(), distances: distances.clone(), seed, good, stage, best: None }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// The plan and what is lost in it; `None` when nothing came of it.
    pub(super) fn into_plan(self) -> Option<(u64, Solution)> {
        self.best
    }

    /// One slice more.
    pub(super) fn go_on(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Ways(mut ways) => {
                if ways.go_on(&self.instance, &self.distances) {
                    Stage::Ways(ways)
                } else {
                    let steps = PATIENCE * ways.instants as u64;
                    let (fields, guides) = ways.into_guides();
                    self.search(fields, guides, steps)
                }
            }
            Stage::Plan { mut search, steps, guides } => {
                let slice = MOVES / self.instance.robots().max(1) as u64 + 1;
                if !search.run(slice) && search.steps() < steps {
                    Stage::Plan { search, steps, guides }
                } else {
                    if let Outcome::Solved(plan) = search.outcome() {
                        self.propose(plan);
                    }
                    self.search(search.into_fields(), guides, steps)
                }
            }
            Stage::Done => Stage::Done,
        }
    }

    fn propose(&mut self, plan: Solution) {
        let lost = plan.costs().sum_of_loss;
        if self.best.as_ref().is_none_or(|(least, _)| lost < *least) {
            self.best = Some((lost, plan));
        }
    }

    fn search(&self, fields: Fields, mut guides: Vec<Guides>, steps: u64) -> Stage {
        let good = self.best.as_ref().is_some_and(|(lost, _)| *lost <= self.good);
        let Some(next) = guides.pop().filter(|_| !good) else { return Stage::Done };
        let search = Search::guided(&self.instance, fields, self.distances.to_vec(), next, self.seed);
        Stage::Plan { search: Box::new(search), steps, guides }
    }
}

impl Ways {
    /// Gives ways to some more robots; whether there are others still to come.
    fn go_on(&mut self, instance: &Instance, distances: &[u32]) -> bool {
        let mut states = 0;
        while states < STATES {
            let Some(robot) = self.order.pop() else { return false };
            let of = |table: &[u32]| table.get(robot as usize).copied().unwrap_or(NONE);
            let (start, goal) = (of(&instance.starts), of(&instance.goals));
            let who = Traveller { robot, start, goal, distance: of(distances) };
            let (network, fields) = (&*instance.network, &mut self.fields);
            match &mut self.maker {
                Maker::Timed { timeline, finder, hopes: [best, any] } => {
                    let mut find = |haste, effort: u32| {
                        let effort = 64 + effort.saturating_mul(who.distance);
                        let limits = Limits { most: u32::MAX, haste, effort };
                        let found = finder.find(network, fields, timeline, who, limits);
                        states += finder.states();
                        found
                    };
                    let learn = |hope: &mut u32, found: bool| {
                        *hope = if found { (*hope + 1).min(HOPE) } else { hope.saturating_sub(FAILURE) };
                    };
                    let mut found = None;
                    if *best != 0 {
                        found = find(Haste::None, EFFORT_BEST);
                        learn(best, found.is_some());
                    }
                    if found.is_none() {
                        found = find(Haste::Greedy, if *any == 0 { EFFORT_LEAST } else { EFFORT_ANY });
                        learn(any, found.is_some());
                    }
                    if let Some(way) = found {
                        timeline.put(robot, way.into());
                    }
                }
                Maker::Streams { lanes, ways } => {
                    let Some(way) = ways.get_mut(robot as usize) else { continue };
                    lanes.count(network, way, -1);
                    *way = lanes.way(network, fields, who);
                    states += 1 + lanes.states() / QUICKER;
                    lanes.count(network, way, 1);
                }
            }
        }
        !self.order.is_empty()
    }

    /// What the searches shall keep to, the last one first.
    fn into_guides(self) -> (Fields, Vec<Guides>) {
        let guides = match self.maker {
            Maker::Timed { timeline, .. } => {
                let ways = timeline.into_ways();
                // Robots that keep to late ways help where there is a jam, and are in the way elsewhere.
                [Some(self.instants), Some(4)].map(|late_max| Guides { ways: ways.clone(), late_max }).into()
            }
            Maker::Streams { ways, .. } => vec![Guides { ways, late_max: None }],
        };
        (self.fields, guides)
    }
}
