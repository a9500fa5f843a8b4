//! Where robots fit: lanes against walls and floor, and what the compiler warned of.

use std::collections::{BTreeMap, btree_map::Entry};

use sheepdog_core::WaypointId;

use super::{
    Finding, LintId,
    catalogue::id,
    index::{Index, Lane, element, pair},
    profile::metres,
};
use crate::{
    MapWarning,
    compiled::Lift,
    geometry::{Point, crossing_share, segments_meet, sides},
};

/// An outline this near is reached, metres.
const NEAR_M: f64 = 1e-6;
/// Places that are looked at on the way to an outline; towards one they come closer by a factor each.
const STEPS_MAX: u32 = 200;

/// R201: whatever robot it is, the line itself is blocked.
pub(super) fn walls(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for lane in &index.lanes {
        let Some(level) = index.levels.get(lane.level.index()) else { continue };
        if let Some((_, at)) = level.level.geometry.wall_in_reach(lane.a, lane.b, 0.0) {
            let text = format!("{} meets a wall or an obstacle at ({:.3}, {:.3})", lane.label, at.x, at.y);
            findings
                .push(Finding::new(id::R201, text).on(&level.level.name).about(lane.label.clone()).at(at));
        }
    }
}

/// R202. A lane that leaves through a wall is R201 alone.
///
/// The compiler lets the floor reach through every opening. Through a door that is what is meant; between a cabin and
/// the floor before it there is a sill, and where the drawn floor ends further away than that nobody knows what there is.
pub(super) fn floor(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let sill_m = metres(index.profile.roadmap.sill_max_mm);
    for lane in &index.lanes {
        let Some(level) = index.levels.get(lane.level.index()) else { continue };
        let geometry = &level.level.geometry;
        let about = |text| Finding::new(id::R202, text).on(&level.level.name).about(lane.label.clone());
        if geometry.wall_in_reach(lane.a, lane.b, 0.0).is_some() {
            continue;
        }
        if let Some((_, at)) = geometry.boundary_in_reach(lane.a, lane.b, 0.0) {
            let text = format!("{} leaves the floor at ({:.3}, {:.3})", lane.label, at.x, at.y);
            findings.push(about(text).at(at));
        } else if let Some((gap_m, at, lift)) = sill(index, lane).filter(|(gap_m, ..)| sill_m < *gap_m) {
            let text = format!(
                "{} leaves the floor for {gap_m:.3} m before the cabin of lift {:?}, at most {sill_m:.3} m is a sill",
                lane.label, lift.name
            );
            findings.push(about(text).at(at).measured(gap_m, sill_m, "m"));
        }
    }
}

/// How long a lane that leads out of a cabin is outside all rooms, and where it leaves the cabin.
fn sill<'l>(index: &'l Index<'_>, lane: &Lane<'_>) -> Option<(f64, Point, &'l Lift)> {
    let ends = [(lane.from, lane.a, lane.b), (lane.to, lane.b, lane.a)];
    let (lift, inside, outside) = ends.into_iter().find_map(|(id, inside, outside)| {
        let lift = index.site.waypoint(id)?.lift?;
        Some((index.site.lift(lift)?, inside, outside))
    })?;
    let length_m = (outside - inside).norm();
    let unit = (outside - inside).try_normalize(0.0)?;
    let cabin = lift.cabin();
    let crossed = sides(&cabin)
        .filter(|&(c, d)| segments_meet(inside, outside, c, d))
        .map(|(c, d)| crossing_share(inside, outside, c, d));
    let from_m = crossed.fold(0.0, f64::max) * length_m;
    let mut along_m = from_m;
    // From place to place as far as no outline can be nearer: ends at an outline, or at the end of the lane.
    for _ in 0..STEPS_MAX {
        let at = inside + unit * along_m;
        let outline_m = index.site.outline_distance(lane.level, at)?;
        if index.site.room_at(lane.level, at).is_some() || outline_m < NEAR_M || length_m <= along_m {
            break;
        }
        along_m += outline_m;
    }
    Some((along_m.min(length_m) - from_m, inside + unit * from_m, lift))
}

/// The worst of several warnings about one thing.
struct Worst {
    measured: f64,
    limit: f64,
    at: Option<Point>,
    way: (WaypointId, WaypointId),
}

/// Which lint, which thing, which class.
type Key = (LintId, String, String);

/// R203, R204, R211, R214 and L303, from the warnings of the compiler: one finding for a lane, door or lift and a class.
pub(super) fn warnings(index: &Index<'_>, findings: &mut Vec<Finding>) {
    if index.site.warnings().is_empty() {
        return;
    }
    let ways = index.ways_by_warning();
    let mut worst: BTreeMap<Key, Worst> = BTreeMap::new();
    for warning in index.site.warnings() {
        let Some((key, found)) = read(index, &ways, warning) else { continue };
        let worse = |found: &Worst, known: &Worst| {
            let place = |worst: &Worst| worst.at.unwrap_or_default();
            let nearer = found.measured.total_cmp(&known.measured);
            let nearer = nearer.then_with(|| super::index::order(place(found), place(known)));
            nearer.then_with(|| index.label(found.way).cmp(&index.label(known.way))).is_lt()
        };
        match worst.entry(key) {
            Entry::Occupied(mut known) if worse(&found, known.get()) => drop(known.insert(found)),
            Entry::Occupied(_) => {}
            Entry::Vacant(slot) => {
                slot.insert(found);
            }
        }
    }
    for ((lint, thing, class), found) in &worst {
        // A wall stands at the edge of most floors.
        let at_wall = *lint == id::R214 && worst.contains_key(&(id::R203, thing.clone(), class.clone()));
        if !at_wall {
            findings.push(finding(index, *lint, thing, class, found));
        }
    }
}

fn read(
    index: &Index<'_>,
    ways: &BTreeMap<String, (WaypointId, WaypointId)>,
    warning: &MapWarning,
) -> Option<(Key, Worst)> {
    use MapWarning as W;
    let way = |lane: &str| ways.get(lane).copied();
    match warning {
        W::LaneTouchesWall { lane, class, x_m, y_m, clearance_m, needed_m }
        | W::LaneLeavesArea { lane, class, x_m, y_m, clearance_m, needed_m } => {
            let is_wall = matches!(warning, W::LaneTouchesWall { .. });
            let way = way(lane)?;
            // The line itself is blocked: R201 and R202.
            if *clearance_m <= 0.0 || is_blocked(index, way) {
                return None;
            }
            let lint = if is_wall { id::R203 } else { id::R214 };
            let at = Some(Point::new(*x_m, *y_m));
            let found = Worst { measured: *clearance_m, limit: *needed_m, at, way };
            Some(((lint, index.label(way), class.clone()), found))
        }
        W::DoorTooNarrow { lane, class, door, width_m, needed_m } => {
            let found = Worst { measured: *width_m, limit: *needed_m, at: None, way: way(lane)? };
            Some(((id::R204, element("door", door), class.clone()), found))
        }
        W::LiftTooSmall { lane, class, lift, width_m, needed_m } => {
            let found = Worst { measured: *width_m, limit: *needed_m, at: None, way: way(lane)? };
            Some(((id::L303, element("lift", lift), class.clone()), found))
        }
        W::DuplicateLane { lane } => {
            let end = |name: &str| index.site.waypoint_named(name);
            let ends = lane.split_once(" > ").and_then(|(from, to)| end(from).zip(end(to)));
            // Names that hold the sign itself cannot be told apart; the lane is then called as in the warning.
            let nowhere = (WaypointId(u32::MAX), WaypointId(u32::MAX));
            let way = ends.map_or(nowhere, |(from, to)| pair(from, to));
            let thing = ends.map_or_else(|| element("lane", lane), |_| index.label(way));
            let found = Worst { measured: f64::NAN, limit: f64::NAN, at: None, way };
            Some(((id::R211, thing, String::new()), found))
        }
    }
}

/// Whether the line between the ends of a way meets a wall or the edge of the floor.
fn is_blocked(index: &Index<'_>, (from, to): (WaypointId, WaypointId)) -> bool {
    let (Some(from), Some(to)) = (index.site.waypoint(from), index.site.waypoint(to)) else { return false };
    let geometry = index.levels.get(from.level.index()).map(|level| &level.level.geometry);
    geometry.is_some_and(|geometry| {
        geometry.wall_in_reach(from.at, to.at, 0.0).is_some()
            || geometry.boundary_in_reach(from.at, to.at, 0.0).is_some()
    })
}

fn finding(index: &Index<'_>, lint: LintId, thing: &str, class: &str, found: &Worst) -> Finding {
    let Worst { measured, limit, at, way } = found;
    let text = if lint == id::R203 {
        format!("class {class:?} on {thing} has {measured:.3} m to a wall, it needs more than {limit:.3} m")
    } else if lint == id::R214 {
        format!(
            "class {class:?} on {thing} has {measured:.3} m to the edge of the floor, it needs {limit:.3} m"
        )
    } else if lint == id::R211 {
        format!("{thing} is written twice; the lower speed limit counts")
    } else {
        format!("{thing} is {measured:.3} m wide, class {class:?} needs {limit:.3} m")
    };
    let finding = Finding::new(lint, text).about(thing).measured(*measured, *limit, "m");
    let finding = match index.site.waypoint(way.0).filter(|_| lint != id::L303) {
        Some(waypoint) => finding.on(index.level_name(waypoint.level)),
        None => finding,
    };
    let finding = if lint == id::R204 { finding.about(index.label(*way)) } else { finding };
    match at {
        Some(at) => finding.at(*at),
        None => finding,
    }
}
