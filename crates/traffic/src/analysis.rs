//! What a site can bear: lanes and waypoints that everything depends on, load per lane, capacity, and what a closure does.
//!
//! It looks at the roadmap of one footprint class at one speed: lanes that the class may use, with the times of an idle
//! building. One-way lanes are one-way. Which journeys there are is given as weighted [`Trip`]s, or taken to be one between
//! every two stations.

#[cfg(test)]
mod tests;
mod words;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use sheepdog_core::{LaneId, Micros, MmPerS, ResourceId, WaypointId};
use sheepdog_map::{CompiledSite, NominalWaits, TravelProfile, lane_time};

use crate::table::Table;

/// Journeys from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trip {
    /// Where they begin.
    pub from: WaypointId,
    /// Where they end.
    pub to: WaypointId,
    /// How many there are, in any unit; only shares matter.
    pub weight: u32,
}

/// What is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// A lane, and the same lane the other way: the floor is blocked.
    Lane(LaneId),
    /// A waypoint with all its lanes.
    Waypoint(WaypointId),
}

/// A part of the roadmap whose closure cuts waypoints off from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What is closed.
    pub closed: Closed,
    /// Who is cut off from whom.
    pub apart: Vec<Apart>,
}

/// Each of some waypoints is cut off from each of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// Where one cannot leave from any more; sorted.
    pub from: Vec<WaypointId>,
    /// Where one cannot get to any more; sorted.
    pub to: Vec<WaypointId>,
}

/// How many journeys a site lets through, and how many robots it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// What is held longest by a mean journey; `None` when nobody goes anywhere.
    pub bottleneck: Option<Bottleneck>,
    /// So many robots at least can rest at once where robots may stop.
    pub holds: usize,
}

/// The resource that limits how many journeys there can be in an hour.
///
/// A resource has one holder, so in an hour there is no room for more journeys than an hour divided by the time that a mean
/// journey holds it (the utilisation law: Denning and Buzen, "The Operational Analysis of Queueing Network Models", 1978).
/// A robot is taken to hold what a lane claims, its ends included, for the time of the lane. Waiting, acceleration and
/// whoever only stands there come on top, so this is an upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// Which.
    pub resource: ResourceId,
    /// How long a mean journey holds it; zero microseconds are rounded up to one.
    pub held: Micros,
    /// Journeys in an hour at most, over all trips together.
    pub journeys_per_hour: u64,
}

/// What closing a lane does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// The lane; the same lane the other way is closed as well.
    pub lane: LaneId,
    /// Trips that there is no way for any more.
    pub unreachable: Vec<Trip>,
    /// Trips that take longer, and by how much.
    pub later: Vec<(Trip, Micros)>,
    /// Before.
    pub before: Capacity,
    /// After, over the trips that are left.
    pub after: Capacity,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    lane: LaneId,
    from: WaypointId,
    to: WaypointId,
    time: u64,
}

/// The roadmap of a footprint class. See the example of [`describe`](Self::describe).
#[derive(Clone, Debug)]
pub struct SiteAnalysis<'a> {
    site: &'a CompiledSite,
    class: usize,
    edges: Vec<Edge>,
    /// Indices of edges by the waypoint that they leave, and by the one that they reach.
    out: Vec<Vec<usize>>,
    into: Vec<Vec<usize>>,
}

/// The quickest ways from one waypoint.
#[derive(Clone, Debug)]
struct Ways {
    /// Microseconds; `u64::MAX` where there is no way.
    times: Table<u64>,
    /// Index of the last edge, plus one.
    last: Table<usize>,
}

/// Waypoints that reach each other, and all that they reach.
#[derive(Clone, Debug)]
struct Group {
    members: Vec<usize>,
    reach: Vec<bool>,
}

impl<'a> SiteAnalysis<'a> {
    /// The roadmap for robots of a class that drive at `speed` where no lane is slower.
    ///
    /// `None` when the site has no such class or `speed` is zero. Costs O(lanes).
    pub fn new(site: &'a CompiledSite, class: usize, speed: MmPerS) -> Option<Self> {
        site.classes().get(class)?;
        if speed == MmPerS::ZERO {
            return None;
        }
        let profile = TravelProfile::robot(speed, class);
        let waits = NominalWaits(site);
        let edges = (0_u32..).map(LaneId).zip(site.lanes()).filter_map(|(lane, data)| {
            let time = lane_time(site, profile, &waits, lane)?.as_micros();
            Some(Edge { lane, from: data.from, to: data.to, time })
        });
        let edges: Vec<Edge> = edges.collect();
        let mut out = vec![Vec::new(); site.waypoints().len()];
        let mut into = vec![Vec::new(); site.waypoints().len()];
        for (index, edge) in edges.iter().enumerate() {
            if let Some(list) = out.get_mut(edge.from.index()) {
                list.push(index);
            }
            if let Some(list) = into.get_mut(edge.to.index()) {
                list.push(index);
            }
        }
        Some(Self { site, class, edges, out, into })
    }

    /// A trip of weight one between every two stations at different waypoints, both ways.
    pub fn between_stations(&self) -> Vec<Trip> {
        let mut places: Vec<WaypointId> =
            self.site.stations().iter().map(|station| station.waypoint).collect();
        places.sort_unstable();
        places.dedup();
        let pairs = places.iter().flat_map(|&from| places.iter().map(move |&to| (from, to)));
        pairs.filter(|(from, to)| from != to).map(|(from, to)| Trip { from, to, weight: 1 }).collect()
    }

    /// Lanes, then waypoints, whose closure cuts some waypoint off from another, in the order of their ids. Of a lane and the
    /// same lane the other way the one with the lower id is named. Who is at a closed waypoint does not count as cut off.
    ///
    /// Costs a search for the way round each lane and through each waypoint, and for each that has none one search for every
    /// set of waypoints that still reach each other.
    pub fn cuts(&self) -> Vec<Cut> {
        let before = self.groups(None);
        let mut home = vec![0; self.out.len()];
        for (index, group) in before.iter().enumerate() {
            for &member in &group.members {
                if let Some(home) = home.get_mut(member) {
                    *home = index;
                }
            }
        }
        let is_first = |edge: &&Edge| self.reverse(edge.lane).is_none_or(|reverse| edge.lane < reverse);
        let lanes = self.edges.iter().filter(is_first).map(|edge| Closed::Lane(edge.lane));
        let waypoints = (0_u32..).zip(&self.out).map(|(id, _)| Closed::Waypoint(WaypointId(id)));
        let cuts = lanes.chain(waypoints).filter(|&closed| self.has_no_way_round(closed));
        cuts.map(|closed| Cut { closed, apart: self.apart(closed, &before, &home) })
            .filter(|cut| !cut.apart.is_empty())
            .collect()
    }

    /// How much of all trips goes over each lane, by lane id. Each trip takes its quickest way; of several the one whose last
    /// lane, then the one before, has the lowest id. Trips without a way do not count.
    pub fn load(&self, trips: &[Trip]) -> Vec<u64> {
        let mut load = vec![0; self.site.lanes().len()];
        self.walk(trips, None, |trip, _, way| {
            for edge in way {
                if let Some(load) = load.get_mut(edge.lane.index()) {
                    *load += u64::from(trip.weight);
                }
            }
        });
        load
    }

    /// How many journeys there can be when trips are made in the shares of their weights. Trips without a way, and from a place
    /// to itself, do not count.
    pub fn capacity(&self, trips: &[Trip]) -> Capacity {
        self.capacity_without(trips, None)
    }

    /// What closing a lane both ways does to trips. `None` for a lane that the class cannot use.
    pub fn what_if_closed(&self, lane: LaneId, trips: &[Trip]) -> Option<Closure> {
        self.edges.iter().find(|edge| edge.lane == lane)?;
        let closed = Some(Closed::Lane(lane));
        let mut before = BTreeMap::new();
        self.walk(trips, None, |trip, time, _| {
            before.insert(trip, time);
        });
        let mut later = Vec::new();
        let mut left = before.clone();
        self.walk(trips, closed, |trip, time, _| {
            let extra = left.remove(&trip).map_or(0, |before| time.saturating_sub(before));
            if 0 < extra {
                later.push((trip, Micros::new(extra)));
            }
        });
        later.sort_unstable();
        Some(Closure {
            lane,
            unreachable: left.into_keys().collect(),
            later,
            before: self.capacity_without(trips, None),
            after: self.capacity_without(trips, closed),
        })
    }

    fn capacity_without(&self, trips: &[Trip], closed: Option<Closed>) -> Capacity {
        let mut held = vec![0_u64; self.site.resources().len()];
        let mut journeys = 0_u64;
        self.walk(trips, closed, |trip, _, way| {
            if way.is_empty() {
                return;
            }
            journeys += u64::from(trip.weight);
            for edge in way {
                for resource in self.claims(edge) {
                    if let Some(held) = held.get_mut(resource.index()) {
                        *held = held.saturating_add(edge.time.saturating_mul(u64::from(trip.weight)));
                    }
                }
            }
        });
        let most = (0_u32..).map(ResourceId).zip(held).filter(|(_, held)| 0 < *held);
        let most = most.max_by_key(|&(resource, held)| (held, Reverse(resource)));
        let bottleneck = most.map(|(resource, held)| Bottleneck {
            resource,
            held: Micros::new(held.div_ceil(journeys.max(1))),
            journeys_per_hour: u64::try_from(3_600_000_000 * u128::from(journeys) / u128::from(held))
                .unwrap_or(u64::MAX),
        });
        Capacity { bottleneck, holds: self.holds() }
    }

    /// Robots that can rest at once: waypoints with disjoint claims, those first that claim least.
    fn holds(&self) -> usize {
        let Some(class) = self.site.classes().get(self.class) else { return 0 };
        let mut places: Vec<WaypointId> = (0_u32..).map(WaypointId).take(self.out.len()).collect();
        places.retain(|&place| class.may_stop(place));
        places.sort_by_key(|&place| (class.at(place).len(), place));
        let mut taken = vec![false; self.site.resources().len()];
        let is_taken =
            |taken: &[bool], resource: &ResourceId| taken.get(resource.index()).copied().unwrap_or(false);
        let mut count = 0;
        for place in places {
            if class.at(place).iter().any(|resource| is_taken(&taken, resource)) {
                continue;
            }
            for resource in class.at(place) {
                if let Some(taken) = taken.get_mut(resource.index()) {
                    *taken = true;
                }
            }
            count += 1;
        }
        count
    }

    /// Everything that a lane claims with its ends, each once.
    fn claims(&self, edge: &Edge) -> Vec<ResourceId> {
        let Some(class) = self.site.classes().get(self.class) else { return Vec::new() };
        let parts = [class.along(edge.lane), class.at(edge.from), class.at(edge.to)];
        let mut claims: Vec<ResourceId> = parts.into_iter().flatten().copied().collect();
        claims.sort_unstable();
        claims.dedup();
        claims
    }

    /// Every trip that has a way, with its microseconds and its edges in the order of travel.
    fn walk(&self, trips: &[Trip], closed: Option<Closed>, mut see: impl FnMut(Trip, u64, &[Edge])) {
        let mut by_origin: BTreeMap<WaypointId, Vec<Trip>> = BTreeMap::new();
        for &trip in trips {
            by_origin.entry(trip.from).or_default().push(trip);
        }
        let mut way = Vec::new();
        for (origin, trips) in by_origin {
            let ways = self.ways(origin, closed);
            for trip in trips {
                let time = ways.times.at(trip.to.index());
                if time == u64::MAX {
                    continue;
                }
                way.clear();
                let mut at = trip.to;
                while let Some(&edge) =
                    ways.last.at(at.index()).checked_sub(1).and_then(|last| self.edges.get(last))
                {
                    way.push(edge);
                    at = edge.from;
                }
                way.reverse();
                see(trip, time, &way);
            }
        }
    }

    /// Dijkstra from a waypoint.
    fn ways(&self, from: WaypointId, closed: Option<Closed>) -> Ways {
        let count = self.out.len();
        let mut ways = Ways { times: Table::new(count, u64::MAX), last: Table::new(count, 0) };
        ways.times.set(from.index(), 0);
        let mut queue = BinaryHeap::from([Reverse((0_u64, from))]);
        while let Some(Reverse((time, at))) = queue.pop() {
            if ways.times.at(at.index()) < time {
                continue;
            }
            for &index in self.out.get(at.index()).into_iter().flatten() {
                let Some(edge) = self.edges.get(index).filter(|edge| self.is_open(edge, closed)) else {
                    continue;
                };
                let (known, last) = (ways.times.at(edge.to.index()), ways.last.at(edge.to.index()));
                let arrival = time.saturating_add(edge.time);
                // Lanes take a microsecond at least, so whoever gets a better way of the same time is still waiting.
                if arrival < known || (arrival == known && index + 1 < last) {
                    ways.times.set(edge.to.index(), arrival);
                    ways.last.set(edge.to.index(), index + 1);
                    queue.push(Reverse((arrival, edge.to)));
                }
            }
        }
        ways
    }

    fn reverse(&self, lane: LaneId) -> Option<LaneId> {
        let reverse = self.site.lane(lane)?.reverse?;
        self.edges.binary_search_by_key(&reverse, |edge| edge.lane).is_ok().then_some(reverse)
    }

    fn is_open(&self, edge: &Edge, closed: Option<Closed>) -> bool {
        match closed {
            None => true,
            Some(Closed::Lane(lane)) => edge.lane != lane && self.reverse(edge.lane) != Some(lane),
            Some(Closed::Waypoint(waypoint)) => edge.from != waypoint && edge.to != waypoint,
        }
    }

    /// Whether somebody who wants through what is closed has no other way. Nobody else can be cut off.
    fn has_no_way_round(&self, closed: Closed) -> bool {
        let detours: Vec<(WaypointId, WaypointId)> = match closed {
            Closed::Lane(_) => {
                let shut = self.edges.iter().filter(|edge| !self.is_open(edge, Some(closed)));
                shut.map(|edge| (edge.from, edge.to)).collect()
            }
            Closed::Waypoint(waypoint) => {
                let edges = |lists: &[Vec<usize>]| -> Vec<Edge> {
                    let list = lists.get(waypoint.index()).into_iter().flatten();
                    list.filter_map(|&index| self.edges.get(index).copied()).collect()
                };
                let (before, after) = (edges(&self.into), edges(&self.out));
                let pairs = before.iter().flat_map(|into| after.iter().map(|out| (into.from, out.to)));
                pairs.filter(|(from, to)| from != to).collect()
            }
        };
        detours.iter().any(|&(from, to)| {
            !is_set(&self.reach(from.index(), Some(closed), Direction::Forward), to.index())
        })
    }

    fn reach(&self, from: usize, closed: Option<Closed>, direction: Direction) -> Vec<bool> {
        let lists = match direction {
            Direction::Forward => &self.out,
            Direction::Backward => &self.into,
        };
        let mut reached = vec![false; lists.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let Some(slot) = reached.get_mut(at).filter(|slot| !**slot) else { continue };
            *slot = true;
            let edges = lists.get(at).into_iter().flatten().filter_map(|&index| self.edges.get(index));
            open.extend(edges.filter(|edge| self.is_open(edge, closed)).map(|edge| match direction {
                Direction::Forward => edge.to.index(),
                Direction::Backward => edge.from.index(),
            }));
        }
        reached
    }

    /// All waypoints in sets that reach each other, in the order of their least ids.
    fn groups(&self, closed: Option<Closed>) -> Vec<Group> {
        let mut grouped = vec![false; self.out.len()];
        let mut groups = Vec::new();
        for first in 0..self.out.len() {
            if is_set(&grouped, first) {
                continue;
            }
            let reach = self.reach(first, closed, Direction::Forward);
            let back = self.reach(first, closed, Direction::Backward);
            let both = |&at: &usize| is_set(&reach, at) && is_set(&back, at);
            let members: Vec<usize> = (0..self.out.len()).filter(both).collect();
            for &member in &members {
                if let Some(slot) = grouped.get_mut(member) {
                    *slot = true;
                }
            }
            groups.push(Group { members, reach });
        }
        groups
    }

    fn apart(&self, closed: Closed, before: &[Group], home: &[usize]) -> Vec<Apart> {
        let itself = |at: usize| matches!(closed, Closed::Waypoint(waypoint) if waypoint.index() == at);
        let mut apart = Vec::new();
        for group in self.groups(Some(closed)) {
            // Who reach each other now did so before, and reached the same.
            let could = group.members.first().and_then(|&first| before.get(*home.get(first)?));
            let Some(could) = could.filter(|_| group.members.iter().all(|&member| !itself(member))) else {
                continue;
            };
            let lost = (0..self.out.len())
                .filter(|&at| is_set(&could.reach, at) && !is_set(&group.reach, at) && !itself(at));
            let to = waypoints(lost);
            if !to.is_empty() {
                apart.push(Apart { from: waypoints(group.members.iter().copied()), to });
            }
        }
        apart
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

fn is_set(flags: &[bool], index: usize) -> bool {
    flags.get(index).copied().unwrap_or(false)
}

fn waypoints(indices: impl Iterator<Item = usize>) -> Vec<WaypointId> {
    indices.filter_map(|index| u32::try_from(index).ok()).map(WaypointId).collect()
}
