//! Which lanes a footprint fits through, and where it may stop.

use sheepdog_core::{LaneId, LevelId, LiftId, Mm, WaypointId};

use super::{DOOR_PLAY_M, Passage, Zones, areas};
use crate::{
    claims::is_inside_corridor,
    compiled::{CompiledSite, FootprintClass, Lane, Waypoint, metres},
    error::MapWarning,
    geometry::Point,
};

/// Ways that differ by less than this sine run along one line.
const STRAIGHT_SINE_MAX: f64 = 1e-6;
/// By how much rounding may make a width smaller, metres.
const SLACK_M: f64 = 1e-9;

/// Whether the footprint fits, per lane; every misfit is a warning, once for both directions.
pub(super) fn fits(
    site: &CompiledSite,
    class: &FootprintClass,
    zones: &[Zones],
    warnings: &mut Vec<MapWarning>,
) -> Vec<bool> {
    let mut all: Vec<bool> = Vec::with_capacity(site.lanes.len());
    for (index, lane) in site.lanes.iter().enumerate() {
        let twin = lane.reverse.map(LaneId::index).filter(|reverse| *reverse < index);
        let fits = twin.and_then(|twin| all.get(twin)).copied().unwrap_or_else(|| {
            let before = warnings.len();
            misfits(site, lane, class, zones, warnings);
            warnings.len() == before
        });
        all.push(fits);
    }
    all
}

/// Whether a release may end, per waypoint; see [`ClassClaims::may_stop`](crate::ClassClaims::may_stop).
pub(super) fn may_stop(
    site: &CompiledSite,
    class: &FootprintClass,
    zones: &[Zones],
    way_out_width: Mm,
) -> Vec<bool> {
    let stop = |(id, waypoint): (WaypointId, &Waypoint)| {
        let stand = |zones| may_stand(site, class, zones, (waypoint.level, waypoint.at), way_out_width);
        !waypoint.roles.passthrough
            && !is_inside_corridor(site, id)
            && waypoint.lift.is_none()
            && zones.get(waypoint.level.index()).is_some_and(stand)
    };
    (0..).map(WaypointId).zip(&site.waypoints).map(stop).collect()
}

/// Whether a robot may turn on a waypoint: not all ways there run along one line.
fn is_turn(site: &CompiledSite, id: WaypointId) -> bool {
    let Some(here) = site.waypoint(id) else { return false };
    let ways = || {
        let lanes = site.lanes_from(id).iter().chain(site.lanes_to(id)).filter_map(|lane| site.lane(*lane));
        let others = lanes.map(|lane| if lane.from == id { lane.to } else { lane.from });
        others.filter_map(|other| (site.waypoint(other)?.at - here.at).try_normalize(0.0))
    };
    ways().next().is_some_and(|first| ways().any(|way| STRAIGHT_SINE_MAX < first.perp(&way).abs()))
}

/// Whether a footprint may stand at a point of a level, as far as the building decides that: it touches no wall, is in no
/// door's or cabin's way, and leaves the ways out wide enough.
pub(crate) fn may_stand(
    site: &CompiledSite,
    class: &FootprintClass,
    zones: &Zones,
    (level, at): (LevelId, Point),
    way_out_width: Mm,
) -> bool {
    let reach_m = class.turning_m();
    !zones.in_the_way(at, reach_m)
        && areas::leaves_ways_out(site, level, at, reach_m, way_out_width)
        && site.level(level).is_some_and(|level| level.geometry.disc_free(at, metres(class.radius)))
}

fn misfits(
    site: &CompiledSite,
    lane: &Lane,
    class: &FootprintClass,
    zones: &[Zones],
    warnings: &mut Vec<MapWarning>,
) {
    let (Some(from), Some(to)) = (site.waypoint(lane.from), site.waypoint(lane.to)) else {
        return;
    };
    let name = || format!("{} > {}", from.name, to.name);
    let needed_m = 2.0 * metres(class.half_width) + DOOR_PLAY_M;
    let is_less = |width_m: f64, needed_m: f64| width_m + SLACK_M < needed_m;
    // Straight through the door, and then it stands in the cabin whichever way it came.
    let lift_warning = |lift: LiftId, door_m: f64| {
        let checks =
            [(cabin_width_m(site, lift), 2.0 * metres(class.radius) + DOOR_PLAY_M), (door_m, needed_m)];
        let (width_m, needed_m) =
            checks.into_iter().find(|(width_m, needed_m)| is_less(*width_m, *needed_m))?;
        let lift = site.lift(lift).map(|lift| lift.name.clone()).unwrap_or_default();
        let (lane, class) = (name(), class.name.clone());
        Some(MapWarning::LiftTooSmall { lane, class, lift, width_m, needed_m })
    };
    if let Some(lift) = lane.ride {
        let door_m = door_width_m(site, lift, from.level).min(door_width_m(site, lift, to.level));
        warnings.extend(lift_warning(lift, door_m));
        return;
    }
    if let Some(level) = site.level(from.level) {
        // Along the lane, and where the robot may turn at its ends.
        let turns = [(lane.from, from), (lane.to, to)].into_iter();
        let turns = turns.filter(|(id, _)| class.half_width < class.radius && is_turn(site, *id));
        let turns = turns.map(|(_, end)| (end.at, end.at, metres(class.radius)));
        let strips: Vec<_> =
            std::iter::once((from.at, to.at, metres(class.half_width))).chain(turns).collect();
        let wall = |&(a, b, m): &(Point, Point, f64)| Some((level.geometry.wall_in_reach(a, b, m)?, m));
        if let Some(((clearance_m, at), needed_m)) = strips.iter().find_map(wall) {
            let (lane, class, x_m, y_m) = (name(), class.name.clone(), at.x, at.y);
            warnings.push(MapWarning::LaneTouchesWall { lane, class, x_m, y_m, clearance_m, needed_m });
        }
        let end = |&(a, b, m): &(Point, Point, f64)| Some((level.geometry.boundary_in_reach(a, b, m)?, m));
        if let Some(((clearance_m, at), needed_m)) = strips.iter().find_map(end) {
            let (lane, class, x_m, y_m) = (name(), class.name.clone(), at.x, at.y);
            warnings.push(MapWarning::LaneLeavesArea { lane, class, x_m, y_m, clearance_m, needed_m });
        }
    }
    let crossed =
        zones.get(from.level.index()).map(|zones| zones.crossed(from.at, to.at)).unwrap_or_default();
    for (passage, width_m) in crossed {
        match passage {
            Passage::Door(door) if is_less(width_m, needed_m) => warnings.push(MapWarning::DoorTooNarrow {
                lane: name(),
                class: class.name.clone(),
                door: site.door(door).map(|door| door.name.clone()).unwrap_or_default(),
                width_m,
                needed_m,
            }),
            Passage::Lift(lift) => warnings.extend(lift_warning(lift, width_m)),
            Passage::Door(_) => {}
        }
    }
}

fn cabin_width_m(site: &CompiledSite, lift: LiftId) -> f64 {
    site.lift(lift).map_or(0.0, |lift| lift.width_m.min(lift.depth_m))
}

/// The widest door of a lift at a level; zero without one.
fn door_width_m(site: &CompiledSite, lift: LiftId, level: LevelId) -> f64 {
    let stops = site.lift(lift).into_iter().flat_map(|lift| &lift.stops).filter(|stop| stop.level == level);
    stops.flat_map(|stop| &stop.doors).map(|[a, b]| (b - a).norm()).fold(0.0, f64::max)
}
