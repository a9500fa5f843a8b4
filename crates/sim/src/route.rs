//! Shortest ways for people, on foot along the roadmap.

use std::{cmp::Reverse, collections::BinaryHeap};

use sheepdog_core::{LaneId, WaypointId};
use sheepdog_map::CompiledSite;

/// What changing the level counts for, as millimetres of walking.
const RIDE_MM: u64 = 36_000;

/// The lanes of a shortest way; empty when `from` is `to`, `None` when there is no way. Ties go to the lower lane.
///
/// Dijkstra: O(lanes · log lanes).
pub(crate) fn shortest(site: &CompiledSite, from: WaypointId, to: WaypointId) -> Option<Vec<LaneId>> {
    site.waypoint(from)?;
    site.waypoint(to)?;
    let mut best: Vec<Option<(u64, Option<LaneId>)>> = vec![None; site.waypoints().len()];
    let mut open = BinaryHeap::from([Reverse((0_u64, from, None))]);
    while let Some(Reverse((cost, waypoint, by))) = open.pop() {
        match best.get_mut(waypoint.index()) {
            Some(entry @ None) => *entry = Some((cost, by)),
            Some(Some(_)) | None => continue,
        }
        if waypoint == to {
            return Some(lanes_back(site, &best, to));
        }
        for &lane in site.lanes_from(waypoint) {
            let Some(model) = site.lane(lane) else { continue };
            let length = if model.ride.is_some() { RIDE_MM } else { u64::from(model.length.0) };
            open.push(Reverse((cost + length, model.to, Some(lane))));
        }
    }
    None
}

fn lanes_back(site: &CompiledSite, best: &[Option<(u64, Option<LaneId>)>], to: WaypointId) -> Vec<LaneId> {
    let by = |waypoint: WaypointId| best.get(waypoint.index()).copied().flatten().and_then(|(_, by)| by);
    let mut lanes: Vec<LaneId> = std::iter::successors(by(to), |&lane| by(site.lane(lane)?.from)).collect();
    lanes.reverse();
    lanes
}
