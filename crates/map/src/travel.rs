//! Travel times over the roadmap, lifts and doors included.
//!
//! Times are integers, so equal ways are equal on every machine; ties are broken by ids.

use std::{cmp::Reverse, collections::BinaryHeap};

use sheepdog_core::{DoorId, LaneId, LevelId, LiftId, Micros, MmPerS, WaypointId};

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
pub fn lane_time(site: &CompiledSite, profile: TravelProfile, waits: &dyn Waits, lane: LaneId) -> Option<Micros> {
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
