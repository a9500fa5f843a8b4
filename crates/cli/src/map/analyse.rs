//! `sheepdog map analyse`.

use sheepdog_core::{LaneId, MmPerS, WaypointId};
use sheepdog_map::CompiledSite;
use sheepdog_traffic::analysis::SiteAnalysis;

use super::{compile, load};
use crate::{
    args::Analyse,
    problem::{Answer, Problem},
};

/// The one class that a map is compiled for here.
const CLASS: usize = 0;

pub(crate) fn run(args: &Analyse) -> Result<Answer, Problem> {
    let loaded = load(&args.file, &args.options)?;
    let site = compile(&args.file, &loaded)?;
    let analysis = SiteAnalysis::new(&site, CLASS, MmPerS(args.speed))
        .ok_or_else(|| Problem::Usage("there is no robot to look at the map for".to_owned()))?;
    let trips = analysis.between_stations();
    let [from, to] = args.close.as_slice() else {
        anstream::print!("{}", analysis.describe(&trips));
        return Ok(Answer::Yes);
    };
    let lane = lane_between(&site, waypoint(&site, from)?, waypoint(&site, to)?);
    let closure = lane.and_then(|lane| analysis.what_if_closed(lane, &trips));
    let closure = closure
        .ok_or_else(|| Problem::Usage(format!("--close: these robots have no lane from {from} to {to}")))?;
    anstream::print!("{}", analysis.describe_closure(&closure));
    Ok(if closure.unreachable.is_empty() { Answer::Yes } else { Answer::No })
}

/// The waypoint of a name, which may be a station's.
fn waypoint(site: &CompiledSite, name: &str) -> Result<WaypointId, Problem> {
    let station = || Some(site.station(site.station_named(name)?)?.waypoint);
    let found = site.waypoint_named(name).or_else(station);
    found.ok_or_else(|| Problem::Usage(format!("--close: there is no waypoint or station {name:?}")))
}

/// The first piece of the lane from one waypoint to another; a long lane was split at waypoints that nobody wrote.
fn lane_between(site: &CompiledSite, from: WaypointId, to: WaypointId) -> Option<LaneId> {
    site.lanes_from(from).iter().copied().find(|&first| {
        let mut before = from;
        let mut piece = site.lane(first);
        for _ in site.lanes() {
            let Some(lane) = piece else { return false };
            if lane.to == to {
                return true;
            }
            if site.waypoint(lane.to).is_none_or(|waypoint| waypoint.authored) {
                return false;
            }
            let onward = site.lanes_from(lane.to).iter().filter_map(|&id| site.lane(id));
            piece = onward.into_iter().find(|next| next.to != before);
            before = lane.to;
        }
        false
    })
}
