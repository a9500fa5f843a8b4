//! Travel times and reachability on the site as it was authored: plain code to compare the compiled roadmap with.

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_map::{Site, model};

/// Who travels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traveller {
    /// Speed on a free lane, metres per second.
    pub speed_mps: f64,
    /// Diameter of the footprint, metres; `None` is a person, who fits through everything.
    pub diameter_m: Option<f64>,
}

/// How much wider than a footprint a door or lift must be, metres.
const PLAY_M: f64 = 0.1;

/// A point this near to a waypoint or lane is on it, metres.
const NEAR_M: f64 = 0.002;

/// Travel times between all waypoints of a site by Floyd and Warshall's algorithm: O(waypoints³).
///
/// A lane takes its length over the slower of speed and limit, plus the opening time of each door it crosses. A ride
/// takes half the lift's longest run and the ride itself at the lift's speed, plus three movements of its door. A lane
/// counts when its doors are wide enough; walls are not looked at, so it is for sites on which every lane fits.
#[derive(Clone, Debug)]
pub struct Oracle<'a> {
    site: &'a Site,
    traveller: Traveller,
    index: BTreeMap<&'a str, usize>,
    /// Seconds from row to column; infinite where there is no way.
    times: Vec<Vec<f64>>,
}

impl<'a> Oracle<'a> {
    /// Computes all times.
    pub fn new(site: &'a Site, traveller: Traveller) -> Self {
        let index: BTreeMap<&str, usize> = site
            .waypoints
            .iter()
            .enumerate()
            .map(|(number, waypoint)| (waypoint.id.as_str(), number))
            .collect();
        let count = site.waypoints.len();
        let mut times = vec![vec![f64::INFINITY; count]; count];
        let mut shorten = |from: usize, to: usize, time: f64| {
            if let Some(slot) = times.get_mut(from).and_then(|row| row.get_mut(to)) {
                *slot = slot.min(time);
            }
        };
        (0..count).for_each(|node| shorten(node, node, 0.0));
        for (from, to, limit) in directed(site) {
            let ends = waypoint(site, from).zip(waypoint(site, to));
            let (Some((a, b)), Some(&from), Some(&to)) = (ends, index.get(from), index.get(to)) else {
                continue;
            };
            if let Some(time) = lane_s(site, traveller, &a.level, a.at, b.at, limit) {
                shorten(from, to, time);
            }
        }
        for (from, to, time) in rides(site, traveller) {
            if let (Some(&from), Some(&to)) = (index.get(from), index.get(to)) {
                shorten(from, to, time);
            }
        }
        for via in 0..count {
            let Some(through) = times.get(via).cloned() else { continue };
            for row in &mut times {
                let Some(&first) = row.get(via) else { continue };
                for (slot, second) in row.iter_mut().zip(&through) {
                    *slot = slot.min(first + second);
                }
            }
        }
        Self { site, traveller, index, times }
    }

    /// Seconds from one waypoint to another; `None` when there is no way or no such waypoint.
    pub fn between(&self, from: &str, to: &str) -> Option<f64> {
        let (from, to) = (self.index.get(from)?, self.index.get(to)?);
        self.times.get(*from)?.get(*to).copied().filter(|time| time.is_finite())
    }

    /// Seconds from a point on a waypoint or lane to a waypoint; `None` when there is no way, or the point is on none.
    pub fn from_point(&self, level: &str, at: [f64; 2], to: &str) -> Option<f64> {
        let here =
            |waypoint: &&model::Waypoint| waypoint.level == level && distance(waypoint.at, at) < NEAR_M;
        if let Some(waypoint) = self.site.waypoints.iter().find(here) {
            return self.between(&waypoint.id, to);
        }
        let leave = |(from, end, limit): (&str, &str, Option<f64>)| {
            let (a, b) = (waypoint(self.site, from)?, waypoint(self.site, end)?);
            let on_lane = a.level == level && distance_to_segment(at, a.at, b.at) < NEAR_M;
            // The whole lane must fit, not only what is left of it.
            lane_s(self.site, self.traveller, level, a.at, b.at, limit).filter(|_| on_lane)?;
            let rest = lane_s(self.site, self.traveller, level, at, b.at, limit)?;
            Some(rest + self.between(end, to)?)
        };
        directed(self.site).filter_map(leave).min_by(f64::total_cmp)
    }
}

/// How far a compiled travel time may lie from the oracle's: 2 ms and one thousandth.
///
/// A lane is split into pieces, each rounded to a millimetre and its time up to a microsecond. On pieces of half a
/// metre and more that is at most one thousandth.
pub fn tolerance_s(time_s: f64) -> f64 {
    0.002 + time_s / 1_000.0
}

/// Waypoints that can be reached from `starts` along lanes and lifts, or from which they can be (`forwards` false).
///
/// Breadth first on the authored lanes; what fits through a door is not looked at.
pub fn reachable<'a>(
    site: &'a Site,
    starts: impl Iterator<Item = &'a str>,
    forwards: bool,
) -> BTreeSet<&'a str> {
    let mut edges: Vec<(&str, &str)> = directed(site).map(|(from, to, _)| (from, to)).collect();
    let person = Traveller { speed_mps: 1.0, diameter_m: None };
    edges.extend(rides(site, person).into_iter().map(|(from, to, _)| (from, to)));
    let mut seen: BTreeSet<&str> = starts.collect();
    let mut ring: Vec<&str> = seen.iter().copied().collect();
    while !ring.is_empty() {
        let from_ring = |(from, to): &(&'a str, &'a str)| {
            let (from, to) = if forwards { (*from, *to) } else { (*to, *from) };
            ring.contains(&from).then_some(to)
        };
        ring = edges.iter().filter_map(from_ring).filter(|to| seen.insert(to)).collect();
    }
    seen
}

/// Every direction of every lane, with its speed limit.
fn directed(site: &Site) -> impl Iterator<Item = (&str, &str, Option<f64>)> {
    site.lanes.iter().flat_map(|lane| {
        let there = (lane.from.as_str(), lane.to.as_str(), lane.speed_limit_mps);
        let back = (lane.to.as_str(), lane.from.as_str(), lane.speed_limit_mps);
        std::iter::once(there).chain(lane.bidirectional.then_some(back))
    })
}

fn waypoint<'a>(site: &'a Site, name: &str) -> Option<&'a model::Waypoint> {
    site.waypoints.iter().find(|waypoint| waypoint.id == name)
}

/// Rides between the waypoints of each lift's cabin, with their times.
fn rides(site: &Site, traveller: Traveller) -> Vec<(&str, &str, f64)> {
    let mut rides = Vec::new();
    for lift in &site.lifts {
        let narrowest = lift
            .doors
            .iter()
            .map(|door| distance(door.from, door.to))
            .fold(lift.width_m.min(lift.depth_m), f64::min);
        if !fits(traveller, narrowest) {
            continue;
        }
        let height =
            |level: &str| site.levels.iter().find(|other| other.id == level).map(|level| level.elevation_m);
        let stops: Vec<f64> = lift.doors.iter().filter_map(|door| height(&door.level)).collect();
        let run_m =
            stops.iter().copied().fold(f64::MIN, f64::max) - stops.iter().copied().fold(f64::MAX, f64::min);
        let inside: Vec<&model::Waypoint> =
            site.waypoints.iter().filter(|waypoint| waypoint.lift.as_deref() == Some(&lift.id)).collect();
        for from in &inside {
            for to in inside.iter().filter(|to| to.level != from.level) {
                if let Some((a_m, b_m)) = height(&from.level).zip(height(&to.level)) {
                    let moving_s = (run_m / 2.0 + (a_m - b_m).abs()) / lift.speed_mps;
                    rides.push((from.id.as_str(), to.id.as_str(), moving_s + 3.0 * lift.door_s));
                }
            }
        }
    }
    rides
}

fn lane_s(
    site: &Site,
    who: Traveller,
    level: &str,
    a: [f64; 2],
    b: [f64; 2],
    limit: Option<f64>,
) -> Option<f64> {
    let mut time_s = distance(a, b) / limit.map_or(who.speed_mps, |limit| limit.min(who.speed_mps));
    for door in site.doors.iter().filter(|door| door.level == level && meet(a, b, door.from, door.to)) {
        if !fits(who, distance(door.from, door.to)) {
            return None;
        }
        time_s += door.opening_s;
    }
    for lift in &site.lifts {
        let mut openings =
            lift.doors.iter().filter(|door| door.level == level && meet(a, b, door.from, door.to));
        let narrow = |width_m: f64| !fits(who, width_m.min(lift.width_m).min(lift.depth_m));
        if openings.any(|door| narrow(distance(door.from, door.to))) {
            return None;
        }
    }
    Some(time_s)
}

fn fits(who: Traveller, width_m: f64) -> bool {
    who.diameter_m.is_none_or(|diameter_m| diameter_m + PLAY_M <= width_m + 1e-9)
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    let ([ax, ay], [bx, by]) = (a, b);
    ((ax - bx) * (ax - bx) + (ay - by) * (ay - by)).sqrt()
}

/// Distance from a point to a segment.
pub(crate) fn distance_to_segment(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let ([px, py], [ax, ay], [bx, by]) = (p, a, b);
    let length2 = (bx - ax) * (bx - ax) + (by - ay) * (by - ay);
    let share = if 0.0 < length2 { ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length2 } else { 0.0 };
    let share = share.clamp(0.0, 1.0);
    distance(p, [ax + share * (bx - ax), ay + share * (by - ay)])
}

/// Whether two segments meet, touching included.
fn meet(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> bool {
    let side = |[ax, ay]: [f64; 2], [bx, by]: [f64; 2], [px, py]: [f64; 2]| {
        let cross = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
        if 0.0 < cross {
            1
        } else if cross < 0.0 {
            -1
        } else {
            0
        }
    };
    let touches = |p, a, b| side(a, b, p) == 0 && distance_to_segment(p, a, b) < 1e-9;
    let crosses = side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
    crosses || touches(c, a, b) || touches(d, a, b) || touches(a, c, d) || touches(b, c, d)
}
