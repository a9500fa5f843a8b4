//! The hop graph: places where a footprint class may stop, and the indivisible moves between them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    ops::Range,
};

use sheepdog_core::{LaneId, LiftId, Micros, MmPerS, ResourceId, WaypointId};
use sheepdog_map::{ClassClaims, CompiledSite, NominalWaits, TravelProfile, lane_time};

use crate::distances::{Distances, UNIT_US, UNREACHABLE};

/// A move that is granted as a whole: through a door, a lift or a one-lane corridor it includes the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where it starts.
    pub from: WaypointId,
    /// Where it ends; a release may end there.
    pub to: WaypointId,
    /// Duration with nominal waits for doors and lifts and with the corners between its lanes, rounded up to a
    /// millisecond; never zero.
    pub time: Micros,
    lanes: Range<u32>,
    claims: Range<u32>,
    /// Headings at its start and at its end, milliradians; `None` for a ride alone.
    headings: Option<(i32, i32)>,
}

/// Headings that differ less are driven through, milliradians: 10°.
const THROUGH_MRAD: i32 = 175;
/// What stopping and starting again costs a robot of 1 m/s and 0.8 m/s², microseconds.
const STOP_US: u64 = 1_250_000;
/// Microseconds for turning by a milliradian, at 1 rad/s.
const TURN_US_PER_MRAD: u64 = 1_000;

/// Waypoints where robots may stop and the hops between them, for one footprint class at one speed.
///
/// Hops also leave waypoints where no release may end, so that a robot stranded there finds a way out; none ends
/// there. Of two hops with the same ends, one that is slower and claims at least as much is left out.
#[derive(Clone, Debug)]
pub struct HopGraph {
    hops: Vec<Hop>,
    lanes: Vec<LaneId>,
    claims: Vec<ResourceId>,
    /// `out[w]..out[w + 1]` are the hops that leave waypoint `w`.
    out: Vec<u32>,
    /// Hops that reach each waypoint: where from, the hop, and its time in [`UNIT_US`].
    into: Vec<Vec<(u32, u32, u32)>>,
    /// The shortest and the longest of these times.
    extremes: (u32, u32),
    rest: Vec<Vec<ResourceId>>,
    may_stop: Vec<bool>,
}

impl HopGraph {
    /// The hops of footprint class `class` for robots that drive at `speed` where no lane is slower.
    ///
    /// `None` when the site has no such class or `speed` is zero. Costs one shortest-path search through the places
    /// without stopping for every lane of the site.
    pub fn new(site: &CompiledSite, class: usize, speed: MmPerS) -> Option<Self> {
        let claims = site.classes().get(class)?;
        if speed == MmPerS::ZERO {
            return None;
        }
        let waypoints = || (0_u32..).map(WaypointId).zip(site.waypoints()).map(|(id, _)| id);
        let mut graph = Self {
            hops: Vec::new(),
            lanes: Vec::new(),
            claims: Vec::new(),
            out: vec![0],
            into: vec![Vec::new(); site.waypoints().len()],
            extremes: (0, 0),
            rest: waypoints().map(|id| claims.at(id).to_vec()).collect(),
            may_stop: waypoints().map(|id| claims.may_stop(id)).collect(),
        };
        for source in waypoints() {
            for draft in drafts(site, claims, source, TravelProfile::robot(speed, class)) {
                graph.push(site, source, draft);
            }
            graph.out.push(index32(graph.hops.len()));
        }
        let times = || graph.into.iter().flatten().map(|&(_, _, time)| time);
        graph.extremes = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        Some(graph)
    }

    /// How long a hop takes on average, microseconds.
    pub(crate) fn usual_time(&self) -> u64 {
        let sum = self.hops.iter().map(|hop| hop.time.as_micros()).fold(0, u64::saturating_add);
        sum.checked_div(self.hops.len() as u64).unwrap_or(0)
    }

    /// The hops that leave a waypoint, sorted by target and time.
    pub fn hops_from(&self, waypoint: WaypointId) -> &[Hop] {
        let range = self.out_range(waypoint.0);
        self.hops.get(range.start as usize..range.end as usize).unwrap_or(&[])
    }

    /// Whether another hop leads back and claims the same.
    pub(crate) fn goes_back(&self, hop: &Hop) -> bool {
        let back = self.hops_from(hop.to).iter().filter(|back| back.to == hop.from);
        back.map(|back| self.claims(back)).any(|claims| claims == self.claims(hop))
    }

    /// The lanes of a hop, in the order of travel.
    pub fn lanes(&self, hop: &Hop) -> &[LaneId] {
        self.lanes.get(hop.lanes.start as usize..hop.lanes.end as usize).unwrap_or(&[])
    }

    /// Everything that a hop claims, sorted: its lanes and waypoints, both ends included.
    pub fn claims(&self, hop: &Hop) -> &[ResourceId] {
        self.claims.get(hop.claims.start as usize..hop.claims.end as usize).unwrap_or(&[])
    }

    /// Whether a release may end at the waypoint.
    pub fn may_stop(&self, waypoint: WaypointId) -> bool {
        self.may_stop.get(waypoint.index()).copied().unwrap_or(false)
    }

    /// Undisturbed time of the fastest way from `from` to `goal`; `None` when there is none.
    pub fn time(&self, from: WaypointId, goal: WaypointId) -> Option<Micros> {
        let time = self.distances([goal.0], |_| false).at(from.0);
        (time != UNREACHABLE).then_some(Micros::new(time))
    }

    /// Microseconds from every waypoint to the nearest of `goals` over hops that are not `closed`.
    ///
    /// One backward Dijkstra search over the hop graph.
    pub(crate) fn distances(
        &self,
        goals: impl IntoIterator<Item = u32>,
        closed: impl Fn(&[ResourceId]) -> bool,
    ) -> Distances {
        Distances::new(self.rest.len(), goals, self.extremes, |waypoint| {
            let into = self.into.get(waypoint as usize).into_iter().flatten();
            let open = into.filter(|&&(_, hop, _)| !closed(self.hop_claims(hop)));
            open.map(|&(from, _, time)| (from, time))
        })
    }

    /// Every waypoint where a release may end.
    pub(crate) fn stops(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.may_stop).filter_map(|(id, &may_stop)| may_stop.then_some(id))
    }

    /// The hop that leaves a waypoint along these lanes.
    pub(crate) fn hop_along(&self, from: u32, lanes: &[LaneId]) -> Option<u32> {
        self.out_range(from).find(|&id| self.hop(id).is_some_and(|hop| self.lanes(hop) == lanes))
    }

    pub(crate) fn out_range(&self, waypoint: u32) -> Range<u32> {
        let bound = |index: usize| self.out.get(index).copied().unwrap_or(0);
        let start = bound(waypoint as usize);
        start..bound(waypoint as usize + 1).max(start)
    }

    pub(crate) fn hop(&self, id: u32) -> Option<&Hop> {
        self.hops.get(id as usize)
    }

    pub(crate) fn hop_claims(&self, id: u32) -> &[ResourceId] {
        self.hop(id).map_or(&[], |hop| self.claims(hop))
    }

    pub(crate) fn rest(&self, waypoint: u32) -> &[ResourceId] {
        self.rest.get(waypoint as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn waypoints(&self) -> usize {
        self.rest.len()
    }

    /// What a robot loses between two hops: it stops at corners and turns in place.
    pub(crate) fn turn(&self, last: u32, next: u32) -> u64 {
        let headings = |hop| self.hop(hop).and_then(|hop| hop.headings);
        headings(last).zip(headings(next)).map_or(0, |((_, before), (after, _))| turn(before, after))
    }

    fn push(&mut self, site: &CompiledSite, from: WaypointId, draft: Draft) {
        let headings: Vec<i32> = draft.lanes.iter().filter_map(|&lane| heading(site, lane)).collect();
        let corners = headings.windows(2).map(|pair| match pair {
            [before, after] => turn(*before, *after),
            _ => 0,
        });
        let time = corners.fold(draft.time, u64::saturating_add).div_ceil(UNIT_US);
        let units = u32::try_from(time).unwrap_or(u32::MAX);
        let id = index32(self.hops.len());
        let (lanes, claims) = (index32(self.lanes.len()), index32(self.claims.len()));
        self.lanes.extend(draft.lanes);
        self.claims.extend(draft.claims);
        if let Some(into) = self.into.get_mut(draft.to.index()) {
            into.push((from.0, id, units));
        }
        self.hops.push(Hop {
            from,
            to: draft.to,
            time: Micros::new(time.saturating_mul(UNIT_US)),
            lanes: lanes..index32(self.lanes.len()),
            claims: claims..index32(self.claims.len()),
            headings: headings.first().copied().zip(headings.last().copied()),
        });
    }
}

/// Heading of a lane, milliradians. `None` for a ride.
fn heading(site: &CompiledSite, lane: LaneId) -> Option<i32> {
    let lane = site.lane(lane).filter(|lane| lane.ride.is_none())?;
    let gap = site.waypoint(lane.to)?.at - site.waypoint(lane.from)?.at;
    #[expect(clippy::cast_possible_truncation, reason = "at most 3142")]
    Some((libm::atan2(gap.y, gap.x) * 1e3) as i32)
}

/// What a corner costs, microseconds.
fn turn(before: i32, after: i32) -> u64 {
    const FULL: i32 = 6_283;
    let angle = (after - before).rem_euclid(FULL);
    let angle = angle.min(FULL - angle);
    if angle < THROUGH_MRAD { 0 } else { STOP_US + u64::from(angle.unsigned_abs()) * TURN_US_PER_MRAD }
}

/// A hop under construction. The order of the fields is the order of preference.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Draft {
    to: WaypointId,
    time: u64,
    lanes: Vec<LaneId>,
    claims: Vec<ResourceId>,
}

/// Where a search through places without stopping has got to. Ways that begin with different lanes or ride
/// different lifts are kept apart, because they claim different things.
type Label = (LaneId, Option<LiftId>, WaypointId);

fn drafts(
    site: &CompiledSite,
    claims: &ClassClaims,
    source: WaypointId,
    profile: TravelProfile,
) -> Vec<Draft> {
    let mut best: BTreeMap<Label, (u64, Option<Label>, LaneId)> = BTreeMap::new();
    let mut queue = BinaryHeap::new();
    let mut reached = Vec::new();
    let lanes_from = |waypoint: WaypointId| {
        site.lanes_from(waypoint).iter().filter_map(|&id| {
            Some((id, site.lane(id)?, lane_time(site, profile, &NominalWaits(site), id)?.as_micros()))
        })
    };
    for (id, lane, time) in lanes_from(source) {
        queue.push(Reverse((time, (id, lane.ride, lane.to), None, id)));
    }
    while let Some(Reverse((time, label, previous, via))) = queue.pop() {
        let (first, lift, waypoint) = label;
        if waypoint == source || best.contains_key(&label) {
            continue;
        }
        best.insert(label, (time, previous, via));
        if claims.may_stop(waypoint) {
            reached.push(label);
            continue;
        }
        for (id, lane, lane_time) in lanes_from(waypoint) {
            let label = (first, lane.ride.or(lift), lane.to);
            queue.push(Reverse((time.saturating_add(lane_time), label, Some((first, lift, waypoint)), id)));
        }
    }
    let mut drafts: Vec<Draft> =
        reached.into_iter().filter_map(|label| trace(site, claims, &best, source, label)).collect();
    drafts.sort_unstable();
    let mut kept: Vec<Draft> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let dominated = |other: &&Draft| other.to == draft.to && is_subset(&other.claims, &draft.claims);
        if kept.iter().rev().take_while(|other| other.to == draft.to).find(dominated).is_none() {
            kept.push(draft);
        }
    }
    kept
}

/// Follows the labels back to the source and collects lanes and claims.
fn trace(
    site: &CompiledSite,
    claims: &ClassClaims,
    best: &BTreeMap<Label, (u64, Option<Label>, LaneId)>,
    source: WaypointId,
    label: Label,
) -> Option<Draft> {
    let &(time, ..) = best.get(&label)?;
    let mut lanes = Vec::new();
    let mut at = Some(label);
    while let Some(step) = at {
        let &(_, previous, via) = best.get(&step)?;
        lanes.push(via);
        at = previous;
    }
    lanes.reverse();
    let mut all = claims.at(source).to_vec();
    for &lane in &lanes {
        all.extend_from_slice(claims.along(lane));
        all.extend_from_slice(claims.at(site.lane(lane)?.to));
    }
    all.sort_unstable();
    all.dedup();
    Some(Draft { to: label.2, time: time.max(1), lanes, claims: all })
}

/// Whether every element of sorted `small` is in sorted `large`.
fn is_subset(small: &[ResourceId], large: &[ResourceId]) -> bool {
    small.iter().all(|resource| large.binary_search(resource).is_ok())
}

/// A dense id; a site with more parts than that cannot be compiled.
pub(crate) fn index32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
