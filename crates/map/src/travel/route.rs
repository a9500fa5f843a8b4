//! Quickest ways over a frozen table of lane times, for whoever asks often.
//!
//! It owns a copy of the times, and of those to and from a few landmarks, from which it knows in which direction a way
//! leads: build it anew when waits change. Answers are those of [`shortest_path`](super::shortest_path), to the last tie.

use sheepdog_core::{LaneId, Micros, WaypointId};

use super::{BucketQueue, RadixQueue, TravelProfile, TravelTimes, Waits, lane_time};
use crate::compiled::{CompiledSite, Csr};

/// How many waypoints the times of all others are known to and from.
const LANDMARKS: usize = 8;
/// How many of them, the most telling ones, a question looks at.
const ASKED: usize = 3;

/// The lane times of one profile, asked once.
#[derive(Clone, Debug)]
pub struct LaneTimes {
    /// Lanes that reach a waypoint: where they come from and how long they take.
    into: Csr<(u32, u64)>,
    waypoints: usize,
    /// The times of the quickest and of the slowest.
    extremes: (u64, u64),
}

/// The roadmap with the times of one profile, ready for a directed search.
#[derive(Clone, Debug)]
pub struct RouteTable {
    lanes: LaneTimes,
    /// Lanes that leave a waypoint, by id.
    out: Csr<(LaneId, u32, u64)>,
    landmarks: Landmarks,
}

/// Times between every waypoint and a few of them.
#[derive(Clone, Debug, Default)]
struct Landmarks {
    /// By waypoint.
    times: Vec<[ToAndFrom; LANDMARKS]>,
    /// Microseconds in a unit of these times, a power of two such that all of them fit.
    unit_log2: u32,
}

/// Times in units, rounded down; `u32::MAX` where there is no way.
#[derive(Clone, Copy, Debug, Default)]
struct ToAndFrom {
    /// From the waypoint to the landmark.
    to: u32,
    /// From the landmark to the waypoint.
    from: u32,
}

/// Memory of a search, to be used again: after a few questions none of them allocates.
#[derive(Clone, Debug, Default)]
pub struct RouteScratch {
    /// Time to the target and the question that it belongs to, by waypoint.
    times: Vec<(u64, u32)>,
    question: u32,
    queue: RadixQueue<(u64, u32)>,
    /// For searches without an estimate.
    buckets: BucketQueue,
}

impl RouteScratch {
    /// Empty; it grows with the roadmap.
    pub fn new() -> Self {
        Self::default()
    }

    fn clear(&mut self, waypoints: usize) {
        self.question = self.question.wrapping_add(1);
        if self.times.len() != waypoints || self.question == 0 {
            self.times.clear();
            self.times.resize(waypoints, (u64::MAX, 0));
            self.question = 1;
        }
    }

    /// Times from one waypoint to all others along `steps`, of which the quickest and the slowest take `extremes`;
    /// `u64::MAX` where there is no way. Dijkstra's algorithm.
    fn times_from<I: Iterator<Item = (u32, u64)>>(
        &mut self,
        source: u32,
        waypoints: usize,
        (shortest, longest): (u64, u64),
        steps: impl Fn(usize) -> I,
    ) -> Vec<u64> {
        self.clear(waypoints);
        self.buckets.clear(shortest, longest);
        self.improve(source, 0);
        self.buckets.push(0, source);
        while let Some((time, waypoint)) = self.buckets.pop() {
            if self.time(waypoint) < time {
                continue;
            }
            for (next, takes) in steps(waypoint as usize) {
                let time = time.saturating_add(takes);
                if self.improve(next, time) {
                    self.buckets.push(time, next);
                }
            }
        }
        (0_u32..).zip(&self.times).map(|(waypoint, _)| self.time(waypoint)).collect()
    }

    fn time(&self, waypoint: u32) -> u64 {
        self.times
            .get(waypoint as usize)
            .filter(|time| time.1 == self.question)
            .map_or(u64::MAX, |time| time.0)
    }

    /// Whether the time is better than the one known.
    fn improve(&mut self, waypoint: u32, time: u64) -> bool {
        let question = self.question;
        match self.times.get_mut(waypoint as usize) {
            Some(known) if known.1 != question || time < known.0 => {
                *known = (time, question);
                true
            }
            Some(_) | None => false,
        }
    }
}

impl Landmarks {
    /// Each landmark is the waypoint that is farthest from those before it, so that they lie around the roadmap.
    fn new(LaneTimes { into, waypoints, extremes }: &LaneTimes, out: &Csr<(LaneId, u32, u64)>) -> Self {
        let (waypoints, extremes) = (*waypoints, *extremes);
        let mut scratch = RouteScratch::new();
        let (mut to, mut from): (Vec<Vec<u64>>, Vec<Vec<u64>>) = (Vec::new(), Vec::new());
        let mut nearest = vec![u64::MAX; waypoints];
        while to.len() < LANDMARKS
            && let Some(landmark) = farthest(&nearest, into, out)
        {
            to.push(scratch.times_from(landmark, waypoints, extremes, |at| into.row(at).iter().copied()));
            let away = scratch.times_from(landmark, waypoints, extremes, |at| {
                out.row(at).iter().map(|&(_, next, takes)| (next, takes))
            });
            for (nearest, away) in nearest.iter_mut().zip(&away) {
                *nearest = (*nearest).min(*away);
            }
            from.push(away);
        }
        let finite = to.iter().chain(&from).flatten().copied().filter(|time| *time < u64::MAX);
        // Half of what fits, so that no time looks like "no way".
        let unit_log2 = 33_u32.saturating_sub(finite.max().unwrap_or(0).leading_zeros());
        let units = |times: Option<&Vec<u64>>, at: usize| {
            let time = times.and_then(|times| times.get(at)).copied().unwrap_or(u64::MAX);
            u32::try_from(time >> unit_log2).unwrap_or(u32::MAX)
        };
        let times = (0..waypoints)
            .map(|at| {
                let mut numbers = 0..;
                [(); LANDMARKS].map(|()| {
                    let number = numbers.next().unwrap_or(LANDMARKS);
                    ToAndFrom { to: units(to.get(number), at), from: units(from.get(number), at) }
                })
            })
            .collect();
        Self { times, unit_log2 }
    }

    fn of(&self, waypoint: u32) -> [ToAndFrom; LANDMARKS] {
        self.times.get(waypoint as usize).copied().unwrap_or_default()
    }
}

/// The waypoint with the longest finite time, then one that has not been reached; of least id among equals. `None`
/// when every waypoint that has lanes is a landmark.
fn farthest(nearest: &[u64], into: &Csr<(u32, u64)>, out: &Csr<(LaneId, u32, u64)>) -> Option<u32> {
    let has_lanes = |at: usize| !(into.row(at).is_empty() && out.row(at).is_empty());
    let candidates = || (0_u32..).zip(nearest).filter(|(at, _)| has_lanes(*at as usize));
    let finite = candidates().filter(|(_, time)| (1..u64::MAX).contains(*time));
    let longest = finite.max_by_key(|(at, time)| (**time, std::cmp::Reverse(*at)));
    longest.or_else(|| candidates().find(|(_, time)| **time == u64::MAX)).map(|(at, _)| at)
}

/// How long it takes at least from the start of a question to a waypoint.
///
/// Times obey the triangle inequality, so `d(s, v)` is at least `d(s, l) - d(v, l)` and `d(l, v) - d(l, s)` for every
/// landmark `l`. Infinite ones need no care: a difference that they make large is one to a place without a way.
struct Estimate<'a> {
    landmarks: &'a Landmarks,
    /// Which landmarks are asked, and their times at the start.
    asked: [(usize, ToAndFrom); ASKED],
}

impl<'a> Estimate<'a> {
    /// The landmarks that tell most about the way from `start` to `target`.
    fn new(landmarks: &'a Landmarks, start: u32, target: u32) -> Self {
        let (at_start, at_target) = (landmarks.of(start), landmarks.of(target));
        let mut ranked = [(0, 0, ToAndFrom::default()); LANDMARKS];
        for (number, (rank, (start, target))) in
            ranked.iter_mut().zip(at_start.iter().zip(&at_target)).enumerate()
        {
            *rank = (units_between(*start, *target), number, *start);
        }
        ranked.sort_unstable_by_key(|&(units, number, _)| (std::cmp::Reverse(units), number));
        let mut best = ranked.iter().map(|&(_, number, start)| (number, start));
        Self { landmarks, asked: [(); ASKED].map(|()| best.next().unwrap_or_default()) }
    }

    #[inline]
    fn to(&self, waypoint: u32) -> u64 {
        let Some(times) = self.landmarks.times.get(waypoint as usize) else { return 0 };
        let mut most = 0;
        for (number, start) in &self.asked {
            if let Some(times) = times.get(*number) {
                most = units_between(*start, *times).max(most);
            }
        }
        u64::from(most) << self.landmarks.unit_log2
    }
}

/// Lower bound of the time between two places, by one landmark; a unit less, because both times were rounded down.
#[inline]
fn units_between(start: ToAndFrom, end: ToAndFrom) -> u32 {
    start.to.saturating_sub(end.to).max(end.from.saturating_sub(start.from)).saturating_sub(1)
}

impl LaneTimes {
    /// Asks every lane once. O(lanes)
    pub fn new(site: &CompiledSite, profile: TravelProfile, waits: &dyn Waits) -> Self {
        let waypoints = (0..).map(WaypointId).zip(site.waypoints());
        let into = Csr::from_rows(waypoints.map(|(to, _)| {
            let lane = |lane: &LaneId| {
                Some((site.lane(*lane)?.from.0, lane_time(site, profile, waits, *lane)?.as_micros()))
            };
            site.lanes_to(to).iter().filter_map(lane).collect::<Vec<_>>()
        }));
        let times = || into.items.iter().map(|&(_, takes)| takes);
        let extremes = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        Self { into, waypoints: site.waypoints().len(), extremes }
    }

    /// What [`travel_times_to`](super::travel_times_to) finds, without a look at the site. O((n + m) log n)
    pub fn times_to(&self, target: WaypointId, scratch: &mut RouteScratch) -> TravelTimes {
        let steps = |at| self.into.row(at).iter().copied();
        let times = scratch.times_from(target.0, self.waypoints, self.extremes, steps);
        TravelTimes { target, times: times.into_iter().map(Micros::new).collect() }
    }
}

impl RouteTable {
    /// Asks every lane once, and makes sixteen searches over the whole roadmap: O((waypoints + lanes) log waypoints).
    pub fn new(site: &CompiledSite, profile: TravelProfile, waits: &dyn Waits) -> Self {
        let time = |lane: &LaneId| Some((*lane, site.lane(*lane)?, lane_time(site, profile, waits, *lane)?));
        let waypoints = (0..).map(WaypointId).zip(site.waypoints());
        let out = Csr::from_rows(waypoints.map(|(from, _)| {
            let lanes = site.lanes_from(from).iter().filter_map(time);
            lanes.map(|(id, lane, time)| (id, lane.to.0, time.as_micros())).collect::<Vec<_>>()
        }));
        let lanes = LaneTimes::new(site, profile, waits);
        let landmarks = Landmarks::new(&lanes, &out);
        Self { lanes, out, landmarks }
    }

    /// The quickest lanes from `from` to `to` and the time they take; among equally quick ways, at every waypoint the
    /// lane with the least id. `None` when there is no way.
    ///
    /// A* from the target towards the start (Hart, Nilsson, Raphael 1968), with landmarks for an estimate (Goldberg,
    /// Harrelson 2005). O((n + m) log n) for the part between the two.
    pub fn route(
        &self,
        from: WaypointId,
        to: WaypointId,
        scratch: &mut RouteScratch,
    ) -> Option<(Vec<LaneId>, Micros)> {
        let waypoints = self.landmarks.times.len();
        if waypoints <= from.index().max(to.index()) {
            return None;
        }
        scratch.clear(waypoints);
        scratch.queue.clear();
        let estimate = Estimate::new(&self.landmarks, from.0, to.0);
        scratch.improve(to.0, 0);
        scratch.queue.push(estimate.to(to.0), (0, to.0));
        let mut total = u64::MAX;
        // Everything that is as good is searched as well: a tie is decided by ids, not by who came first.
        while let Some((bound, (time, waypoint))) = scratch.queue.pop() {
            if total < bound {
                break;
            }
            if scratch.time(waypoint) < time {
                continue;
            }
            if waypoint == from.0 {
                total = time;
                continue;
            }
            for &(next, takes) in self.lanes.into.row(waypoint as usize) {
                let time = time.saturating_add(takes);
                if scratch.improve(next, time) {
                    let bound = time.saturating_add(estimate.to(next)).max(bound);
                    scratch.queue.push(bound, (time, next));
                }
            }
        }
        if total == u64::MAX {
            return None;
        }
        let (mut at, mut rest, mut lanes) = (from.0, total, Vec::new());
        while at != to.0 {
            let row = self.out.row(at as usize);
            let step = |&&(_, next, takes): &&(LaneId, u32, u64)| {
                let after = scratch.time(next);
                after != u64::MAX && takes.saturating_add(after) == rest
            };
            // Every lane takes time, so the rest shrinks and the walk ends.
            let &(lane, next, takes) = row.iter().find(step)?;
            lanes.push(lane);
            (at, rest) = (next, rest.saturating_sub(takes));
        }
        Some((lanes, Micros::new(total)))
    }
}
