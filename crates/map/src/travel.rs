//! Travel times over the roadmap, lifts and doors included.
//!
//! Times are integers, so equal ways are equal on every machine; ties are broken by ids.

mod queue;
mod route;

use std::{cmp::Reverse, collections::BinaryHeap};

use sheepdog_core::{DoorId, LaneId, LevelId, LiftId, Micros, MmPerS, WaypointId};

pub use self::{
    queue::{BucketQueue, RadixQueue},
    route::{LaneTimes, RouteScratch, RouteTable},
};
use crate::compiled::{CompiledSite, Lane};

/// How long one waits for doors and lifts: from a table, or from what is booked at the moment.
pub trait Waits {
    /// Wait in front of a door until it is open.
    fn door(&self, door: DoorId) -> Micros;

    /// From standing in front of a lift at `from` to its door being open at `to`.
    fn lift(&self, lift: LiftId, from: LevelId, to: LevelId) -> Micros;
}

/// Waits of an idle building.
///
/// A door takes its opening time. A lift takes half its longest run to arrive, three movements of its door, and
/// the ride at its speed. Unknown ids never arrive ([`Micros::MAX`]).
#[derive(Clone, Copy, Debug)]
pub struct NominalWaits<'a>(pub &'a CompiledSite);

impl Waits for NominalWaits<'_> {
    fn door(&self, door: DoorId) -> Micros {
        self.0.door(door).map_or(Micros::MAX, |door| door.opening)
    }

    fn lift(&self, lift: LiftId, from: LevelId, to: LevelId) -> Micros {
        let height = |level: LevelId| self.0.level(level).map(|level| level.elevation_m);
        let (Some(lift), Some(from_m), Some(to_m)) = (self.0.lift(lift), height(from), height(to)) else {
            return Micros::MAX;
        };
        let heights = || lift.stops.iter().filter_map(|stop| height(stop.level));
        let run_m = heights().fold(f64::MIN, f64::max) - heights().fold(f64::MAX, f64::min);
        let moving_s = (run_m.max(0.0) / 2.0 + (from_m - to_m).abs()) / lift.speed_mps;
        let doors = Micros::new(lift.door_time.as_micros().saturating_mul(3));
        ceil_micros(moving_s).saturating_add(doors)
    }
}

/// Rounds up to a microsecond; NaN and what does not fit never arrive.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
fn ceil_micros(seconds: f64) -> Micros {
    if seconds.is_nan() { Micros::MAX } else { Micros::new((seconds * 1e6).ceil() as u64) }
}

/// Who travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TravelProfile {
    /// Speed on a free lane; a lane's limit holds as well.
    pub speed: MmPerS,
    /// The footprint class, an index into [`CompiledSite::classes`]: only lanes it fits through are used.
    /// `None` is a person, who uses every lane and every lift.
    pub class: Option<usize>,
}

impl TravelProfile {
    /// A person walking.
    pub const fn person(speed: MmPerS) -> Self {
        Self { speed, class: None }
    }

    /// A robot of a footprint class.
    pub const fn robot(speed: MmPerS, class: usize) -> Self {
        Self { speed, class: Some(class) }
    }
}

/// Time to traverse a lane, or `None` when the profile cannot: length over the slower of speed and limit, rounded
/// up, plus the wait for each door; a ride takes the lift's time. At least one microsecond. O(doors).
pub fn lane_time(
    site: &CompiledSite,
    profile: TravelProfile,
    waits: &dyn Waits,
    lane: LaneId,
) -> Option<Micros> {
    let fits = match profile.class {
        None => true,
        Some(class) => site.classes().get(class).is_some_and(|class| class.usable(lane)),
    };
    let lane = site.lane(lane).filter(|_| fits)?;
    let time = match lane.ride {
        Some(lift) => ride_time(site, waits, lane, lift)?,
        None => drive_time(profile, waits, lane)?,
    };
    // `MAX` stands for "never", such as a door that is out of order.
    (time < Micros::MAX).then_some(time.max(Micros::new(1)))
}

fn ride_time(site: &CompiledSite, waits: &dyn Waits, lane: &Lane, lift: LiftId) -> Option<Micros> {
    let (from, to) = (site.waypoint(lane.from)?, site.waypoint(lane.to)?);
    Some(waits.lift(lift, from.level, to.level))
}

fn drive_time(profile: TravelProfile, waits: &dyn Waits, lane: &Lane) -> Option<Micros> {
    let speed = lane.speed_limit.map_or(profile.speed, |limit| limit.min(profile.speed));
    if speed == MmPerS::ZERO {
        return None;
    }
    let driving = (u64::from(lane.length.0) * 1_000_000).div_ceil(u64::from(speed.0));
    Some(lane.doors.iter().fold(Micros::new(driving), |sum, door| sum.saturating_add(waits.door(*door))))
}

/// Travel times from every waypoint to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TravelTimes {
    target: WaypointId,
    times: Vec<Micros>,
}

impl TravelTimes {
    /// Time from a waypoint to the target; `None` when there is no way or no such waypoint. O(1).
    pub fn from(&self, waypoint: WaypointId) -> Option<Micros> {
        self.times.get(waypoint.index()).copied().filter(|time| *time < Micros::MAX)
    }

    /// The waypoint that the times lead to.
    pub fn target(&self) -> WaypointId {
        self.target
    }
}

/// Travel times from every waypoint to `target`: Dijkstra's algorithm on the reversed roadmap, O((n + m) log n).
///
/// An unknown target is reached from nowhere.
pub fn travel_times_to(
    site: &CompiledSite,
    profile: TravelProfile,
    waits: &dyn Waits,
    target: WaypointId,
) -> TravelTimes {
    let mut search = Search::new(site, profile, waits, target);
    while search.settle().is_some() {}
    TravelTimes { target, times: search.times }
}

/// The starts that reach a target first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Offset plus travel time of the best starts.
    pub time: Micros,
    /// Every start that achieves it, as indices into the starts given, ascending.
    pub starts: Vec<usize>,
}

/// Which of several starts, each with an offset (such as "free in 20 s"), reaches `target` first.
///
/// The search ends as soon as no other start can be as good; all ties are found. `None` when no start reaches the
/// target. O((n + m) log n) for the part of the roadmap nearer than the best start.
pub fn nearest(
    site: &CompiledSite,
    profile: TravelProfile,
    waits: &dyn Waits,
    target: WaypointId,
    starts: &[(WaypointId, Micros)],
) -> Option<Nearest> {
    let mut by_waypoint: Vec<(WaypointId, Micros, usize)> =
        starts.iter().enumerate().map(|(index, (waypoint, offset))| (*waypoint, *offset, index)).collect();
    by_waypoint.sort_unstable();
    let least_offset = starts.iter().map(|start| start.1).min()?;
    let mut best: Option<Nearest> = None;
    let mut search = Search::new(site, profile, waits, target);
    while let Some((time, waypoint)) = search.settle() {
        if best.as_ref().is_some_and(|best| best.time < time.saturating_add(least_offset)) {
            break;
        }
        let first = by_waypoint.partition_point(|start| start.0 < waypoint);
        for &(_, offset, index) in by_waypoint.iter().skip(first).take_while(|start| start.0 == waypoint) {
            let total = time.saturating_add(offset);
            match &mut best {
                Some(best) if best.time < total => {}
                Some(best) if best.time == total => best.starts.push(index),
                Some(_) | None => best = Some(Nearest { time: total, starts: vec![index] }),
            }
        }
    }
    let mut best = best?;
    best.starts.sort_unstable();
    Some(best)
}

/// The quickest lanes from `from` to `to`; among equally quick ways, at every waypoint the lane with the least id.
///
/// Empty when both are the same waypoint, `None` when there is no way. O((n + m) log n).
pub fn shortest_path(
    site: &CompiledSite,
    profile: TravelProfile,
    waits: &dyn Waits,
    from: WaypointId,
    to: WaypointId,
) -> Option<Vec<LaneId>> {
    let mut search = Search::new(site, profile, waits, to);
    while let Some((_, waypoint)) = search.settle() {
        if waypoint == from {
            break;
        }
    }
    // Waypoints beyond `from` may carry times that are too long, never too short, so none of them fits the sum.
    let times = TravelTimes { target: to, times: search.times };
    let mut rest = times.from(from)?;
    let (mut at, mut path) = (from, Vec::new());
    while at != to {
        let step = |lane: &LaneId| {
            let next = site.lane(*lane)?.to;
            let after = times.from(next)?;
            let time = lane_time(site, profile, waits, *lane)?;
            (time.saturating_add(after) == rest).then_some((*lane, next, after))
        };
        // Every lane takes time, so the rest shrinks and the walk ends.
        let (lane, next, after) = site.lanes_from(at).iter().find_map(step)?;
        path.push(lane);
        (at, rest) = (next, after);
    }
    Some(path)
}

/// Dijkstra's algorithm backwards from a target, one settled waypoint at a time.
struct Search<'a> {
    site: &'a CompiledSite,
    profile: TravelProfile,
    waits: &'a dyn Waits,
    times: Vec<Micros>,
    heap: BinaryHeap<Reverse<(Micros, WaypointId)>>,
}

impl<'a> Search<'a> {
    fn new(site: &'a CompiledSite, profile: TravelProfile, waits: &'a dyn Waits, target: WaypointId) -> Self {
        let mut search = Self {
            site,
            profile,
            waits,
            times: vec![Micros::MAX; site.waypoints().len()],
            heap: BinaryHeap::new(),
        };
        search.offer(target, Micros::ZERO);
        search
    }

    fn offer(&mut self, waypoint: WaypointId, time: Micros) {
        if let Some(known) = self.times.get_mut(waypoint.index()).filter(|known| time < **known) {
            *known = time;
            self.heap.push(Reverse((time, waypoint)));
        }
    }

    /// The next waypoint by time, then by id, with its final time.
    fn settle(&mut self) -> Option<(Micros, WaypointId)> {
        loop {
            let Reverse((time, waypoint)) = self.heap.pop()?;
            if self.times.get(waypoint.index()) != Some(&time) {
                continue;
            }
            let site = self.site;
            for lane in site.lanes_to(waypoint) {
                if let (Some(cost), Some(from)) =
                    (lane_time(site, self.profile, self.waits, *lane), site.lane(*lane).map(|lane| lane.from))
                {
                    self.offer(from, time.saturating_add(cost));
                }
            }
            return Some((time, waypoint));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sheepdog_core::Mm;

    use super::*;
    use crate::{
        compile::CompileOptions,
        compiled::FootprintClass,
        model::{Lane, Level, Site, Waypoint},
    };

    const NODES: usize = 8;
    const PERSON: TravelProfile = TravelProfile::person(MmPerS(1_000));

    /// A roadmap on a raster of metres; lanes that lead nowhere are left out.
    fn compiled(places: &[(u8, u8)], lanes: impl IntoIterator<Item = (usize, usize, Lane)>) -> CompiledSite {
        let mut site = Site::new("random");
        site.levels.push(Level::new("0", 0.0));
        let place =
            |(n, (x, y)): (usize, &(u8, u8))| Waypoint::new(n.to_string(), "0", f64::from(*x), f64::from(*y));
        site.waypoints = places.iter().enumerate().map(place).collect();
        let long = lanes.into_iter().filter(|(a, b, _)| places[*a] != places[*b]);
        site.lanes = long.map(|(_, _, lane)| lane).collect();
        // A footprint that fits everywhere, for there are no walls.
        let class = FootprintClass::round("small", Mm(1), Mm(0));
        site.compile(&CompileOptions { spacing: Mm(100_000), ..CompileOptions::new(vec![class]) }).unwrap()
    }

    /// Random one-way roadmaps: many equal lengths, many unreachable pairs.
    fn roadmap() -> impl Strategy<Value = CompiledSite> {
        let places = prop::collection::vec((0_u8..4, 0_u8..4), NODES);
        let lanes = prop::collection::vec((0..NODES, 0..NODES, prop::option::of(1_u8..4)), 0..24);
        (places, lanes).prop_map(|(places, lanes)| {
            let lane = |(a, b, limit): (usize, usize, Option<u8>)| {
                let speed_limit_mps = limit.map(|limit| f64::from(limit) * 0.5);
                (a, b, Lane { speed_limit_mps, ..Lane::one_way(a.to_string(), b.to_string()) })
            };
            compiled(&places, lanes.into_iter().map(lane))
        })
    }

    /// All travel times by Floyd and Warshall's algorithm.
    fn reference(site: &CompiledSite) -> Vec<Vec<Micros>> {
        let mut times = vec![vec![Micros::MAX; NODES]; NODES];
        for (node, row) in times.iter_mut().enumerate() {
            row[node] = Micros::ZERO;
        }
        for lane in site.lanes() {
            let speed = lane.speed_limit.map_or(1_000, |limit| u64::from(limit.0.min(1_000)));
            let time = Micros::new((u64::from(lane.length.0) * 1_000_000).div_ceil(speed));
            let slot = &mut times[lane.from.index()][lane.to.index()];
            *slot = time.min(*slot);
        }
        for via in 0..NODES {
            for from in 0..NODES {
                for to in 0..NODES {
                    let through = times[from][via].saturating_add(times[via][to]);
                    times[from][to] = times[from][to].min(through);
                }
            }
        }
        times
    }

    fn nodes() -> impl Iterator<Item = WaypointId> {
        (0..).map(WaypointId).take(NODES)
    }

    proptest! {
        /// Times, paths and the nearest start all agree with the plain reference.
        #[test]
        fn travel_equals_floyd_warshall(
            site in roadmap(),
            starts in prop::collection::vec((0..NODES, 0_u64..3), 0..6),
        ) {
            let (waits, reference) = (NominalWaits(&site), reference(&site));
            let starts: Vec<_> = starts
                .into_iter()
                .map(|(node, offset)| (nodes().nth(node).unwrap(), Micros::from_secs(offset)))
                .collect();
            for to in nodes() {
                let times = travel_times_to(&site, PERSON, &waits, to);
                let (table, mut scratch) = (RouteTable::new(&site, PERSON, &waits), RouteScratch::new());
                prop_assert_eq!(&LaneTimes::new(&site, PERSON, &waits).times_to(to, &mut scratch), &times);
                for from in nodes() {
                    let expected = reference[from.index()][to.index()];
                    prop_assert_eq!(times.from(from).unwrap_or(Micros::MAX), expected);
                    let path = shortest_path(&site, PERSON, &waits, from, to);
                    prop_assert_eq!(path.is_some(), expected < Micros::MAX);
                    let route = table.route(from, to, &mut scratch);
                    prop_assert_eq!(route, path.clone().map(|path| (path, expected)));
                    let mut at = from;
                    let mut sum = Micros::ZERO;
                    for lane in path.iter().flatten() {
                        prop_assert_eq!(site.lane(*lane).unwrap().from, at);
                        at = site.lane(*lane).unwrap().to;
                        sum = sum.saturating_add(lane_time(&site, PERSON, &waits, *lane).unwrap());
                    }
                    prop_assert!(path.is_none() || (at == to && sum == expected));
                }
                let total = |(from, offset): &(WaypointId, Micros)| {
                    reference[from.index()][to.index()].saturating_add(*offset)
                };
                let best = starts.iter().map(total).min().filter(|best| *best < Micros::MAX);
                let expected = best.map(|time| Nearest {
                    time,
                    starts: (0..starts.len()).filter(|index| total(&starts[*index]) == time).collect(),
                });
                prop_assert_eq!(nearest(&site, PERSON, &waits, to, &starts), expected);
            }
        }

        /// With more waypoints than landmarks, in parts that are not connected: the table gives the ways of the plain search.
        #[test]
        fn a_route_is_the_shortest_path(
            places in prop::collection::vec((0_u8..8, 0_u8..8), 40),
            lanes in prop::collection::vec((0_usize..40, 0_usize..40, prop::bool::ANY), 20..110),
            pairs in prop::collection::vec((0_u32..40, 0_u32..40), 20),
        ) {
            let lane = |(a, b, both): (usize, usize, bool)| {
                let lane = if both { Lane::two_way } else { Lane::one_way };
                (a, b, lane(a.to_string(), b.to_string()))
            };
            let site = compiled(&places, lanes.into_iter().map(lane));
            let waits = NominalWaits(&site);
            let (table, mut scratch) = (RouteTable::new(&site, PERSON, &waits), RouteScratch::new());
            for (from, to) in pairs.into_iter().map(|(from, to)| (WaypointId(from), WaypointId(to))) {
                let route = table.route(from, to, &mut scratch).map(|route| route.0);
                prop_assert_eq!(route, shortest_path(&site, PERSON, &waits, from, to));
            }
        }

        /// Components are the classes of mutual reachability; they cover every waypoint once.
        #[test]
        fn components_are_mutually_reachable(site in roadmap()) {
            let reference = reference(&site);
            let mutual = |a: usize, b: usize| reference[a][b] < Micros::MAX && reference[b][a] < Micros::MAX;
            let expected: std::collections::BTreeSet<Vec<WaypointId>> =
                (0..NODES).map(|a| nodes().filter(|b| mutual(a, b.index())).collect()).collect();
            prop_assert_eq!(site.components(0), expected.into_iter().collect::<Vec<_>>());
            prop_assert!(site.components(1).is_empty());
        }
    }

    /// Doors that stay shut and lifts that cost nothing.
    struct Odd;

    impl Waits for Odd {
        fn door(&self, _: DoorId) -> Micros {
            Micros::MAX
        }

        fn lift(&self, _: LiftId, _: LevelId, _: LevelId) -> Micros {
            Micros::ZERO
        }
    }

    #[test]
    fn a_free_ride_takes_a_moment_and_a_shut_door_stops() {
        use crate::model::{Door, Lift};
        let mut site = Site::new("odd");
        let mut lift = Lift::new("lift", [0.0, 0.0], 2.0, 2.0);
        for (level, elevation_m) in [("0", 0.0), ("1", 3.0), ("2", 6.0)] {
            site.levels.push(Level::new(level, elevation_m));
            site.waypoints.push(Waypoint::new(level, level, 0.0, 0.0).in_lift("lift"));
            lift = lift.with_door(level, [-0.5, 1.0], [0.5, 1.0]);
        }
        site.lifts.push(lift);
        site.waypoints.push(Waypoint::new("out", "2", 0.0, 4.0));
        site.doors.push(Door::new("d", "2", [-0.5, 2.0], [0.5, 2.0]));
        site.lanes.push(Lane::two_way("2", "out"));
        let site = site.compile(&CompileOptions::default()).unwrap();
        let [bottom, top, out] = ["0", "2", "out"].map(|name| site.waypoint_named(name).unwrap());
        let ride = shortest_path(&site, PERSON, &Odd, bottom, top).unwrap();
        assert_eq!(ride.len(), 1, "one direct ride, not two");
        assert_eq!(travel_times_to(&site, PERSON, &Odd, top).from(bottom), Some(Micros::new(1)));
        assert_eq!(shortest_path(&site, PERSON, &Odd, bottom, out), None);
        let nominal = NominalWaits(&site);
        assert!(shortest_path(&site, PERSON, &nominal, bottom, out).is_some());
        assert_eq!(shortest_path(&site, PERSON, &nominal, out, out), Some(Vec::new()));
        assert_eq!(shortest_path(&site, PERSON, &nominal, out, WaypointId(99)), None);
        assert_eq!(shortest_path(&site, TravelProfile::person(MmPerS::ZERO), &nominal, top, out), None);
        assert_eq!(shortest_path(&site, TravelProfile::robot(MmPerS(500), 0), &nominal, top, out), None);
        assert_eq!(nearest(&site, PERSON, &nominal, top, &[]), None);
    }
}
