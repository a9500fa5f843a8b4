//! What the roadmap reaches: its largest connected part over all levels, and why the rest is not in it.

use std::collections::{BTreeMap, btree_map::Entry};

use sheepdog_core::WaypointId;

use crate::{
    compiled::CompiledSite,
    geometry::{FreeSpace, LevelGeometry, Path, Point, Scratch},
};

use super::{
    SurveyError, SurveyOptions, SurveyReport, Unreached, UnreachedReason,
    draw::{Drawing, Level},
    network::Role,
};

/// The widest way is found to so many parts of the footprint's radius.
const PARTS: u8 = 128;

/// Keeps the connected part that reaches most places and drops the others, with a reason for all that is lost.
pub(super) fn drop_unreached(
    site: &CompiledSite,
    options: &SurveyOptions,
    drawing: &mut Drawing<'_>,
    report: &mut SurveyReport,
) -> Result<(), SurveyError> {
    let parts = parts(drawing);
    let charges = |level: &Level<'_>, node: u32| is_charger(site, level, node);
    let goals = |part: &Vec<(usize, u32)>| {
        let nodes = || part.iter().filter_map(|(level, node)| Some((drawing.levels.get(*level)?, *node)));
        let places = nodes().filter(|(level, node)| is_place(level, *node)).count();
        let chargers = nodes().filter(|(level, node)| charges(level, *node)).count();
        (places, chargers, part.len())
    };
    // The first among equals.
    let Some(main) = parts.iter().rev().max_by_key(|part| goals(part)).cloned() else { return Ok(()) };
    let mut lost: Vec<(usize, u32)> = Vec::new();
    for (index, level) in drawing.levels.iter_mut().enumerate() {
        let nodes: Vec<u32> = level.network.nodes().map(|(id, _)| id).collect();
        for id in nodes.into_iter().filter(|id| main.binary_search(&(index, *id)).is_err()) {
            for next in level.network.around(id).collect::<Vec<_>>() {
                level.network.unlink(id, next);
            }
            level.dropped.insert(id);
            lost.push((index, id));
        }
    }
    let mut spaces: Vec<Option<Spaces<'_>>> = Vec::new();
    spaces.resize_with(drawing.levels.len(), || None);
    for (index, id) in lost {
        let (Some(level), Some(spaces)) = (drawing.levels.get(index), spaces.get_mut(index)) else {
            continue;
        };
        let what = match level.network.node(id).map(|node| &node.role) {
            Some(Role::Place(place)) => {
                let place = drawing.places.get(*place);
                place.map(|place| {
                    format!("{} {:?}", if place.room.is_some() { "room" } else { "space" }, place.name)
                })
            }
            Some(Role::Known(name)) if !level.cabins.iter().any(|(_, cabin)| *cabin == id) => {
                Some(format!("waypoint {name:?}"))
            }
            _ => None,
        };
        let Some(what) = what else { continue };
        let reason = reason(level, id, options, spaces, report)?;
        report.unreached.push(Unreached { what, level: level.name().to_owned(), reason });
    }
    Ok(())
}

/// Nodes of all levels that hang together, over lifts as well; each part sorted.
fn parts(drawing: &Drawing<'_>) -> Vec<Vec<(usize, u32)>> {
    let groups = drawing.levels.iter().enumerate().flat_map(|(index, level)| {
        level
            .network
            .groups()
            .into_iter()
            .map(move |group| group.into_iter().map(|id| (index, id)).collect::<Vec<_>>())
    });
    let mut parts: Vec<Vec<(usize, u32)>> = groups.collect();
    let mut cabins: Vec<(sheepdog_core::LiftId, (usize, u32))> = Vec::new();
    for (index, level) in drawing.levels.iter().enumerate() {
        let used = level.cabins.iter().filter(|(_, cabin)| 0 < level.network.degree(*cabin));
        cabins.extend(used.map(|(lift, cabin)| (*lift, (index, *cabin))));
    }
    cabins.sort_unstable();
    for pair in cabins.windows(2) {
        let [(lift, first), (other, second)] = pair else { continue };
        let part_of = |node| parts.iter().position(|part| part.contains(node));
        if lift == other
            && let (Some(a), Some(b)) = (part_of(first), part_of(second))
            && a != b
        {
            let joined = parts.swap_remove(a.max(b));
            if let Some(part) = parts.get_mut(a.min(b)) {
                part.extend(joined);
            }
        }
    }
    for part in &mut parts {
        part.sort_unstable();
    }
    parts.sort_unstable();
    parts
}

fn is_place(level: &Level<'_>, node: u32) -> bool {
    matches!(level.network.node(node).map(|node| &node.role), Some(Role::Place(_)))
}

fn is_charger(site: &CompiledSite, level: &Level<'_>, node: u32) -> bool {
    let Some(Role::Known(name)) = level.network.node(node).map(|node| &node.role) else { return false };
    let waypoint = site.waypoint_named(name);
    waypoint.and_then(|id: WaypointId| site.waypoint(id)).is_some_and(|waypoint| waypoint.roles.charger)
}

/// The floor of a level with its doors open, for footprints of different sizes.
struct Spaces<'a> {
    open: &'a LevelGeometry,
    free: BTreeMap<u8, FreeSpace>,
}

impl Spaces<'_> {
    /// The way between two points for a footprint of so many parts of the radius.
    fn path(
        &mut self,
        parts: u8,
        [from, to]: [Point; 2],
        level: &Level<'_>,
        options: &SurveyOptions,
    ) -> Result<Option<Path>, SurveyError> {
        let space = match self.free.entry(parts) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let radius_m = options.radius_m() * f64::from(parts) / f64::from(PARTS);
                let space = FreeSpace::new(self.open, radius_m)
                    .map_err(|error| SurveyError::FreeSpace { level: level.name().to_owned(), error })?;
                unknown.insert(space)
            }
        };
        let ends = space.nearest_free(from).zip(space.nearest_free(to));
        Ok(ends.and_then(|(from, to)| space.path(from, to, &mut Scratch::new()).ok()))
    }
}

/// Why a node is not reached: the way there for the widest footprint that gets there, by bisection.
fn reason<'a>(
    level: &Level<'a>,
    id: u32,
    options: &SurveyOptions,
    spaces: &mut Option<Spaces<'a>>,
    report: &SurveyReport,
) -> Result<UnreachedReason, SurveyError> {
    let at = level.network.at(id);
    let reached = level.network.nodes().filter(|(id, _)| !level.dropped.contains(id));
    let near = reached.map(|(_, node)| node.at).min_by(|p, q| (p - at).norm().total_cmp(&(q - at).norm()));
    let Some((near, open)) = near.zip(level.ground.open()) else {
        let by_lift = report.skipped.iter().any(|skipped| skipped.door.starts_with("lift"));
        return Ok(if by_lift { UnreachedReason::Door } else { UnreachedReason::Enclosed });
    };
    let spaces = spaces.get_or_insert_with(|| Spaces { open, free: BTreeMap::new() });
    let mut path = |parts: u8| spaces.path(parts, [at, near], level, options);
    if path(PARTS)?.is_some() {
        return Ok(UnreachedReason::Door);
    }
    let Some(mut widest) = path(0)? else { return Ok(UnreachedReason::Enclosed) };
    let (mut good, mut bad) = (0, PARTS);
    while good + 1 < bad {
        let parts = u8::midpoint(good, bad);
        match path(parts)? {
            Some(found) => (good, widest) = (parts, found),
            None => bad = parts,
        }
    }
    let (place, clearance_m) = narrowest(open, &widest);
    let (width_m, needed_m) = (2.0 * clearance_m, 2.0 * options.radius_m());
    Ok(UnreachedReason::Narrow { x_m: place.x, y_m: place.y, width_m, needed_m })
}

/// Where a path comes nearest to something, looked at every two centimetres.
fn narrowest(geometry: &LevelGeometry, path: &Path) -> (Point, f64) {
    const STEP_M: f64 = 0.02;
    let mut best = (path.points.first().copied().unwrap_or_else(Point::origin), f64::INFINITY);
    for (a, b) in path.points.iter().zip(path.points.iter().skip(1)) {
        let steps = crate::geometry::truncate(((b - a).norm() / STEP_M).ceil()).max(1);
        for step in 0..=steps {
            let p = a + (b - a) * (f64::from(step) / f64::from(steps));
            let clearance_m = geometry.wall_clearance(p).min(geometry.boundary_clearance(p));
            if clearance_m < best.1 {
                best = (p, clearance_m);
            }
        }
    }
    best
}
