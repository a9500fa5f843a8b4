//! Which lanes a footprint fits through, and where it may stop.

use sheepdog_core::{LaneId, LevelId, LiftId, Mm, WaypointId};

use super::{DOOR_PLAY_M, Passage, Zones, areas};
use crate::{
    claims::is_inside_corridor,
    compiled::{CompiledSite, FootprintClass, Lane, Waypoint},
    error::MapWarning,
};

/// Whether the footprint fits, per lane; every misfit is a warning, once for both directions.
pub(super) fn usable(
    site: &CompiledSite,
    class: &FootprintClass,
    zones: &[Zones],
    warnings: &mut Vec<MapWarning>,
) -> Vec<bool> {
    let mut usable: Vec<bool> = Vec::with_capacity(site.lanes.len());
    for (index, lane) in site.lanes.iter().enumerate() {
        let twin = lane.reverse.map(LaneId::index).filter(|reverse| *reverse < index);
        let fits = twin.and_then(|twin| usable.get(twin)).copied().unwrap_or_else(|| {
            let before = warnings.len();
            misfits(site, lane, class, zones, warnings);
            warnings.len() == before
        });
        usable.push(fits);
    }
    usable
}

/// Whether a release may end, per waypoint; see [`ClassClaims::may_stop`](crate::ClassClaims::may_stop).
pub(super) fn may_stop(
    site: &CompiledSite,
    class: &FootprintClass,
    zones: &[Zones],
    way_out_width: Mm,
) -> Vec<bool> {
    let reach_m = crate::claims::reach_m(class);
    let stop = |(id, waypoint): (WaypointId, &Waypoint)| {
        let geometry = site.level(waypoint.level).map(|level| &level.geometry);
        let clear =
            zones.get(waypoint.level.index()).is_some_and(|zones| !zones.in_the_way(waypoint.at, reach_m));
        !waypoint.roles.passthrough
            && !is_inside_corridor(site, id)
            && waypoint.lift.is_none()
            && clear
            && areas::leaves_ways_out(site, waypoint, reach_m, way_out_width)
            && geometry.is_some_and(|geometry| geometry.disc_free(waypoint.at, radius_m(class)))
    };
    (0..).map(WaypointId).zip(&site.waypoints).map(stop).collect()
}

fn radius_m(class: &FootprintClass) -> f64 {
    f64::from(class.radius.0) / 1e3
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
    let radius_m = radius_m(class);
    let needed_m = 2.0 * radius_m + DOOR_PLAY_M;
    let too_small = |width_m: f64| width_m + 1e-9 < needed_m;
    let lift_warning = |lift: LiftId, width_m: f64| MapWarning::LiftTooSmall {
        lane: name(),
        class: class.name.clone(),
        lift: site.lift(lift).map(|lift| lift.name.clone()).unwrap_or_default(),
        width_m,
        needed_m,
    };
    if let Some(lift) = lane.ride {
        let width_m = cabin_width_m(site, lift)
            .min(door_width_m(site, lift, from.level))
            .min(door_width_m(site, lift, to.level));
        if too_small(width_m) {
            warnings.push(lift_warning(lift, width_m));
        }
        return;
    }
    if let Some(level) = site.level(from.level) {
        if let Some((clearance_m, at)) = level.geometry.wall_in_reach(from.at, to.at, radius_m) {
            let (lane, class) = (name(), class.name.clone());
            let (x_m, y_m, needed_m) = (at.x, at.y, radius_m);
            warnings.push(MapWarning::LaneTouchesWall { lane, class, x_m, y_m, clearance_m, needed_m });
        }
        if let Some((clearance_m, at)) = level.geometry.boundary_in_reach(from.at, to.at, radius_m) {
            let (lane, class) = (name(), class.name.clone());
            let (x_m, y_m, needed_m) = (at.x, at.y, radius_m);
            warnings.push(MapWarning::LaneLeavesArea { lane, class, x_m, y_m, clearance_m, needed_m });
        }
    }
    let crossed =
        zones.get(from.level.index()).map(|zones| zones.crossed(from.at, to.at)).unwrap_or_default();
    for (passage, width_m) in crossed {
        match passage {
            Passage::Door(door) if too_small(width_m) => warnings.push(MapWarning::DoorTooNarrow {
                lane: name(),
                class: class.name.clone(),
                door: site.door(door).map(|door| door.name.clone()).unwrap_or_default(),
                width_m,
                needed_m,
            }),
            Passage::Lift(lift) if too_small(width_m.min(cabin_width_m(site, lift))) => {
                warnings.push(lift_warning(lift, width_m.min(cabin_width_m(site, lift))));
            }
            Passage::Door(_) | Passage::Lift(_) => {}
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
