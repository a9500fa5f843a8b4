//! Against the plainest method: delete each lane, and look for all ways anew.

use std::sync::Arc;

use proptest::prelude::*;
use sheepdog_core::{LaneId, Micros, Mm, MmPerS, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, NominalWaits, Site, TravelProfile, lane_time,
    model::{Lane, Level, Waypoint},
};

use super::{Closed, SiteAnalysis, Trip};
use crate::tests::{SPEEDS, site, sites};

const NEVER: u64 = u64::MAX / 4;

/// Parts of a grid, and tangles of lanes of all lengths.
fn roadmaps() -> impl Strategy<Value = Arc<CompiledSite>> {
    let points = prop::collection::btree_set((0..7_i16, 0..7_i16), 2..8);
    let lanes = prop::collection::vec((0..8_usize, 0..8_usize, any::<bool>()), 0..16);
    let tangle = (points, lanes).prop_map(|(points, drawn)| {
        let points: Vec<(i16, i16)> = points.into_iter().collect();
        let mut lanes: Vec<(usize, usize, bool, Option<u8>)> = Vec::new();
        for (from, to, two_way) in drawn {
            let (from, to) = (from % points.len(), to % points.len());
            let known = lanes.iter().any(|lane| [(lane.0, lane.1), (lane.1, lane.0)].contains(&(from, to)));
            if from != to && !known {
                lanes.push((from, to, two_way, None));
            }
        }
        site(&points, &lanes)
    });
    prop_oneof![sites(4, 3), tangle]
}

/// Times between all waypoints by Floyd and Warshall, over lanes that are not left out.
fn all_times(site: &CompiledSite, speed: MmPerS, left_out: impl Fn(LaneId) -> bool) -> Vec<Vec<u64>> {
    let count = site.waypoints().len();
    let mut times = vec![vec![NEVER; count]; count];
    for (index, row) in times.iter_mut().enumerate() {
        row[index] = 0;
    }
    for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
        let time = lane_time(site, TravelProfile::robot(speed, 0), &NominalWaits(site), id);
        if let Some(time) = time.filter(|_| !left_out(id)) {
            let known = &mut times[lane.from.index()][lane.to.index()];
            *known = time.as_micros().min(*known);
        }
    }
    for via in 0..count {
        for from in 0..count {
            for to in 0..count {
                times[from][to] = times[from][to].min(times[from][via] + times[via][to]);
            }
        }
    }
    times
}

/// Lanes that are shut with a closure.
fn shut(site: &CompiledSite, closed: Closed, lane: LaneId) -> bool {
    let data = &site.lanes()[lane.index()];
    match closed {
        Closed::Lane(shut) => lane == shut || site.lanes()[shut.index()].reverse == Some(lane),
        Closed::Waypoint(shut) => data.from == shut || data.to == shut,
    }
}

fn trips(site: &CompiledSite, drawn: &[(prop::sample::Index, prop::sample::Index, u32)]) -> Vec<Trip> {
    let at =
        |index: &prop::sample::Index| WaypointId(u32::try_from(index.index(site.waypoints().len())).unwrap());
    drawn.iter().map(|(from, to, weight)| Trip { from: at(from), to: at(to), weight: *weight }).collect()
}

fn draws() -> impl Strategy<Value = Vec<(prop::sample::Index, prop::sample::Index, u32)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..4_u32), 0..12)
}

proptest! {
    /// Exactly those lanes and waypoints are named whose closure loses a way, and exactly the pairs that lose it.
    #[test]
    fn cuts_are_those_of_deleting_each_part(site in roadmaps()) {
        let analysis = SiteAnalysis::new(&site, 0, SPEEDS[0]).unwrap();
        let before = all_times(&site, SPEEDS[0], |_| false);
        let cuts = analysis.cuts();
        let lanes = (0..).map(LaneId).zip(site.lanes()).filter(|(_, lane)| {
            // One of two directions.
            lane.reverse.is_none_or(|reverse| lane.from.index() < lane.to.index() || reverse == LaneId(u32::MAX))
        });
        let usable = |id: LaneId| site.classes()[0].usable(id);
        let lanes = lanes.filter(|(id, _)| usable(*id)).map(|(id, _)| Closed::Lane(id));
        let waypoints = (0..).zip(site.waypoints()).map(|(id, _)| Closed::Waypoint(WaypointId(id)));
        let mut named = 0;
        for closed in lanes.chain(waypoints) {
            let after = all_times(&site, SPEEDS[0], |lane| shut(&site, closed, lane));
            let itself = |at: usize| closed == Closed::Waypoint(WaypointId(u32::try_from(at).unwrap()));
            let mut expected = Vec::new();
            for (from, row) in before.iter().enumerate() {
                for (to, &time) in row.iter().enumerate() {
                    if time < NEVER && NEVER <= after[from][to] && !itself(from) && !itself(to) {
                        expected.push((from, to));
                    }
                }
            }
            let same = |other: Closed| match (closed, other) {
                (Closed::Lane(one), Closed::Lane(two)) => {
                    one == two || site.lanes()[one.index()].reverse == Some(two)
                }
                (one, two) => one == two,
            };
            let cut = cuts.iter().find(|cut| same(cut.closed));
            let mut found: Vec<(usize, usize)> = cut
                .into_iter()
                .flat_map(|cut| &cut.apart)
                .flat_map(|apart| apart.from.iter().map(|from| (from, &apart.to)))
                .flat_map(|(from, to)| to.iter().map(|to| (from.index(), to.index())))
                .collect();
            found.sort_unstable();
            prop_assert_eq!(&found, &expected, "{:?}", closed);
            named += usize::from(cut.is_some());
        }
        prop_assert_eq!(named, cuts.len());
        prop_assert!(!analysis.describe(&[]).is_empty());
    }

    /// Loads flow from where trips begin to where they end, and all together take as long as the quickest ways.
    #[test]
    fn loads_are_those_of_quickest_ways(site in roadmaps(), drawn in draws()) {
        let analysis = SiteAnalysis::new(&site, 0, SPEEDS[1]).unwrap();
        let trips = trips(&site, &drawn);
        let load = analysis.load(&trips);
        let times = all_times(&site, SPEEDS[1], |_| false);
        let mut balance = vec![0_i64; site.waypoints().len()];
        let mut expected = 0;
        for trip in trips.iter().filter(|trip| times[trip.from.index()][trip.to.index()] < NEVER) {
            balance[trip.from.index()] += i64::from(trip.weight);
            balance[trip.to.index()] -= i64::from(trip.weight);
            expected += times[trip.from.index()][trip.to.index()] * u64::from(trip.weight);
        }
        let mut spent = 0;
        for ((id, lane), &load) in (0..).map(LaneId).zip(site.lanes()).zip(&load) {
            balance[lane.from.index()] -= i64::try_from(load).unwrap();
            balance[lane.to.index()] += i64::try_from(load).unwrap();
            if 0 < load {
                let profile = TravelProfile::robot(SPEEDS[1], 0);
                spent += load * lane_time(&site, profile, &NominalWaits(&site), id).unwrap().as_micros();
            }
        }
        prop_assert!(balance.iter().all(|balance| *balance == 0));
        prop_assert_eq!(spent, expected);
        // What is held longest, from the loads alone.
        let capacity = analysis.capacity(&trips);
        let moving = trips.iter().filter(|trip| {
            trip.from != trip.to && times[trip.from.index()][trip.to.index()] < NEVER
        });
        let journeys: u64 = moving.map(|trip| u64::from(trip.weight)).sum();
        let class = &site.classes()[0];
        let mut most = 0;
        for resource in (0..).map(sheepdog_core::ResourceId).take(site.resources().len()) {
            let mut held = 0;
            for ((id, lane), &load) in (0..).map(LaneId).zip(site.lanes()).zip(&load) {
                let claims = [class.along(id), class.at(lane.from), class.at(lane.to)];
                if 0 < load && claims.iter().any(|claims| claims.contains(&resource)) {
                    let profile = TravelProfile::robot(SPEEDS[1], 0);
                    held += load * lane_time(&site, profile, &NominalWaits(&site), id).unwrap().as_micros();
                }
            }
            most = most.max(held);
        }
        prop_assert_eq!(capacity.bottleneck.is_some(), 0 < most);
        if let Some(limit) = capacity.bottleneck {
            prop_assert_eq!(limit.journeys_per_hour, 3_600_000_000 * journeys / most);
            prop_assert_eq!(limit.held, Micros::new(most.div_ceil(journeys)));
        }
    }

    /// A closed lane loses exactly the trips that deleting it loses, and costs the others as much.
    #[test]
    fn closures_are_those_of_deleting_the_lane(
        site in roadmaps(),
        drawn in draws(),
        which in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!site.lanes().is_empty());
        let lane = LaneId(u32::try_from(which.index(site.lanes().len())).unwrap());
        let analysis = SiteAnalysis::new(&site, 0, SPEEDS[0]).unwrap();
        let mut trips = trips(&site, &drawn);
        trips.sort_unstable();
        trips.dedup();
        let Some(closure) = analysis.what_if_closed(lane, &trips) else {
            prop_assert!(!site.classes()[0].usable(lane));
            return Ok(());
        };
        let before = all_times(&site, SPEEDS[0], |_| false);
        let after = all_times(&site, SPEEDS[0], |other| shut(&site, Closed::Lane(lane), other));
        let of = |times: &[Vec<u64>], trip: &Trip| times[trip.from.index()][trip.to.index()];
        let lost: Vec<Trip> = trips
            .iter()
            .copied()
            .filter(|trip| of(&before, trip) < NEVER && NEVER <= of(&after, trip))
            .collect();
        let later: Vec<(Trip, Micros)> = trips
            .iter()
            .copied()
            .filter(|trip| of(&after, trip) < NEVER && of(&before, trip) < of(&after, trip))
            .map(|trip| (trip, Micros::new(of(&after, &trip) - of(&before, &trip))))
            .collect();
        prop_assert!(!analysis.describe_closure(&closure).is_empty());
        prop_assert_eq!((closure.unreachable, closure.later), (lost, later));
    }

    /// So many robots can rest as the greedy count says: there are places for them that share nothing.
    #[test]
    fn no_more_are_held_than_places(site in roadmaps()) {
        let holds = SiteAnalysis::new(&site, 0, SPEEDS[0]).unwrap().capacity(&[]).holds;
        let class = &site.classes()[0];
        let places: Vec<usize> = (0..site.waypoints().len())
            .filter(|&at| class.may_stop(WaypointId(u32::try_from(at).unwrap())))
            .collect();
        prop_assume!(places.len() <= 14);
        let claims = |at: usize| class.at(WaypointId(u32::try_from(at).unwrap()));
        // The largest set by trying all, and the least that cannot be made larger.
        let mut sizes = Vec::new();
        for set in 0_u32..1 << places.len() {
            let chosen: Vec<usize> = (0..places.len()).filter(|bit| set >> bit & 1 == 1).map(|bit| places[bit]).collect();
            let free = |one: usize, two: usize| claims(one).iter().all(|resource| !claims(two).contains(resource));
            let apart = chosen.iter().all(|&one| chosen.iter().all(|&two| one == two || free(one, two)));
            let full = places.iter().all(|&other| {
                chosen.contains(&other) || chosen.iter().any(|&one| !free(one, other))
            });
            if apart && full {
                sizes.push(chosen.len());
            }
        }
        prop_assert!(sizes.contains(&holds), "{holds} of {sizes:?}");
    }
}

/// A way that is found later and is quicker replaces the one that was found first.
#[test]
fn the_quicker_of_two_ways_counts() {
    let name = |index: usize| format!("p{index}");
    let mut site = Site { levels: vec![Level::new("L1", 0.0)], ..Site::new("ways") };
    for (index, (x_m, y_m)) in [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (0.0, 5.0)].into_iter().enumerate() {
        site.waypoints.push(Waypoint::new(name(index), "L1", x_m, y_m));
    }
    for (from, to) in [(0, 1), (1, 3), (0, 2), (2, 3)] {
        site.lanes.push(Lane::two_way(name(from), name(to)));
    }
    let options = CompileOptions::new(vec![FootprintClass::round("robot", Mm(250), Mm(50))]);
    let site = site.compile(&CompileOptions { spacing: Mm(50_000), ..options }).unwrap();
    let analysis = SiteAnalysis::new(&site, 0, SPEEDS[0]).unwrap();
    let load = analysis.load(&[Trip { from: WaypointId(0), to: WaypointId(3), weight: 1 }]);
    let over = |from, to| {
        let lanes = site.lanes().iter().zip(&load);
        lanes
            .filter(|(lane, _)| (lane.from, lane.to) == (WaypointId(from), WaypointId(to)))
            .map(|(_, load)| load)
            .sum::<u64>()
    };
    assert_eq!([over(0, 1), over(1, 3), over(0, 2), over(2, 3)], [0, 0, 1, 1]);
}
