//! Claims: which resources a robot holds on each part of the roadmap, so that two robots that hold disjoint
//! claims cannot touch.
//!
//! A *part* is a waypoint (a disc) or a lane in either direction (a capsule), of the footprint's radius plus its
//! declared envelope. Two parts conflict when their regions on one level overlap, or when both use the same
//! door, lift or one-lane corridor. Every conflicting pair shares at least one resource:
//!
//! * [`Resource::Place`] of a waypoint: claimed by the waypoint and all its lanes;
//! * [`Resource::Door`], [`Resource::Lift`], [`Resource::Corridor`]: claimed by all that use them;
//! * [`Resource::Overlap`]: one for each remaining pair.
//!
//! A lane claims all that its two ends claim. Footprints of different classes are compared with each other: an
//! overlap is claimed by a class on a part as soon as *some* class on the other part would touch it.

use sheepdog_core::{DoorId, LaneId, LevelId, LiftId, ResourceId, WaypointId};

use crate::{
    compile::{CompileLimits, Passage, Zones},
    compiled::{CompiledSite, FootprintClass, Part, Resource},
    error::MapError,
    geometry::{Point, SegmentGrid, segment_to_segment},
};

/// Resources and who claims them.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) resources: Vec<Resource>,
    pub(crate) classes: Vec<ClassRows>,
}

/// Sorted claims of one class.
#[derive(Debug)]
pub(crate) struct ClassRows {
    pub(crate) waypoint: Vec<Vec<ResourceId>>,
    pub(crate) lane: Vec<Vec<ResourceId>>,
}

/// Radius of the region around a footprint's centre, metres.
pub(crate) fn reach_m(class: &FootprintClass) -> f64 {
    f64::from(class.radius.0.saturating_add(class.margin.0)) / 1e3
}

/// Compiles the claims of all classes together.
///
/// O(parts log parts + close pairs × classes²).
///
/// # Errors
/// [`MapError::TooMany`] when overlaps or claims exceed the limits.
pub(crate) fn build(
    site: &CompiledSite,
    zones: &[Zones],
    classes: &[FootprintClass],
    limits: &CompileLimits,
) -> Result<Claims, MapError> {
    let parts = parts(site);
    let ids = FixedIds::new(site);
    let reaches: Vec<f64> = classes.iter().map(reach_m).collect();
    let mut table = Table {
        resources: ids.resources(site),
        rows: reaches
            .iter()
            .map(|reach_m| parts.iter().map(|part| ids.fixed(site, zones, part, *reach_m)).collect())
            .collect(),
        reaches,
        entries: 0,
        limits: *limits,
    };
    table.inherit(&parts)?;
    for pair in close_pairs(site.levels.len(), &parts, &table.reaches, limits.overlaps)? {
        table.settle(&parts, pair)?;
    }
    Ok(table.finish(site, &parts))
}

/// Whether a waypoint lies inside a one-lane corridor: two or more ways meet there, all of the same corridor.
pub(crate) fn is_inside_corridor(site: &CompiledSite, id: WaypointId) -> bool {
    corridor_around(site, id).is_some_and(|(_, ways)| 1 < ways)
}

/// The corridor that all lanes of a waypoint belong to, and how many neighbours they lead to.
fn corridor_around(site: &CompiledSite, id: WaypointId) -> Option<(u32, usize)> {
    let lanes = || site.lanes_from(id).iter().chain(site.lanes_to(id));
    let corridor = |lane: &LaneId| site.lane(*lane).and_then(|lane| lane.corridor);
    let common = lanes().next().and_then(corridor)?;
    if !lanes().all(|lane| corridor(lane) == Some(common)) {
        return None;
    }
    let other =
        |lane: &LaneId| site.lane(*lane).map(|lane| if lane.from == id { lane.to } else { lane.from });
    let mut neighbours: Vec<WaypointId> = lanes().filter_map(other).collect();
    neighbours.sort_unstable();
    neighbours.dedup();
    Some((common, neighbours.len()))
}

/// A part with its centre line; a ride has none, for the lift keeps everybody else away.
struct Shape {
    part: Part,
    level: Option<LevelId>,
    a: Point,
    b: Point,
    /// For a waypoint: the lanes that touch it. For a lane: its two ends. As indices of parts.
    joined: Vec<u32>,
}

/// Waypoints first, in the order of their ids, then lanes; of a lane and its reverse the smaller id stands for both.
fn parts(site: &CompiledSite) -> Vec<Shape> {
    let mut parts: Vec<Shape> = (0..)
        .map(WaypointId)
        .zip(&site.waypoints)
        .map(|(id, waypoint)| Shape {
            part: Part::Waypoint(id),
            level: Some(waypoint.level),
            a: waypoint.at,
            b: waypoint.at,
            joined: Vec::new(),
        })
        .collect();
    for (id, lane) in (0..).map(LaneId).zip(&site.lanes) {
        let (Some(from), Some(to)) = (site.waypoint(lane.from), site.waypoint(lane.to)) else { continue };
        if lane.reverse.is_some_and(|reverse| reverse < id) {
            continue;
        }
        let own = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        for end in [lane.from, lane.to] {
            if let Some(waypoint) = parts.get_mut(end.index()) {
                waypoint.joined.push(own);
            }
        }
        parts.push(Shape {
            part: Part::Lane(id),
            level: lane.ride.is_none().then_some(from.level),
            a: from.at,
            b: to.at,
            joined: vec![lane.from.0, lane.to.0],
        });
    }
    parts
}

/// Where the ids of places, doors, lifts and corridors begin.
struct FixedIds {
    doors: u32,
    lifts: u32,
    corridors: u32,
}

impl FixedIds {
    fn new(site: &CompiledSite) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let doors = count(site.waypoints.len());
        let lifts = doors.saturating_add(count(site.doors.len()));
        Self { doors, lifts, corridors: lifts.saturating_add(count(site.lifts.len())) }
    }

    fn resources(&self, site: &CompiledSite) -> Vec<Resource> {
        let places = (0..self.doors).map(|id| Resource::Place(WaypointId(id)));
        let doors = (0..).zip(&site.doors).map(|(id, _)| Resource::Door(DoorId(id)));
        let lifts = (0..).zip(&site.lifts).map(|(id, _)| Resource::Lift(LiftId(id)));
        let corridors = (0..).zip(&site.corridors).map(|(id, _)| Resource::Corridor(id));
        places.chain(doors).chain(lifts).chain(corridors).collect()
    }

    /// Claims of a part by itself: its place, the doors and lifts whose sills it reaches, its cabin, its corridor.
    fn fixed(&self, site: &CompiledSite, zones: &[Zones], shape: &Shape, reach_m: f64) -> Vec<ResourceId> {
        let door = |id: DoorId| ResourceId(self.doors.saturating_add(id.0));
        let lift = |id: LiftId| ResourceId(self.lifts.saturating_add(id.0));
        let corridor = |id: u32| ResourceId(self.corridors.saturating_add(id));
        let mut claims = Vec::new();
        match shape.part {
            Part::Waypoint(id) => {
                claims.push(ResourceId(id.0));
                claims.extend(site.waypoint(id).and_then(|waypoint| waypoint.lift).map(lift));
                claims.extend(corridor_around(site, id).map(|(id, _)| corridor(id)));
            }
            Part::Lane(id) => {
                let lane = site.lane(id);
                claims.extend(lane.and_then(|lane| lane.ride).map(lift));
                // The two directions of a way may have been written with different corridors.
                let reverse = lane.and_then(|lane| lane.reverse).and_then(|id| site.lane(id));
                let directions = [lane, reverse].into_iter().flatten();
                claims.extend(directions.filter_map(|lane| lane.corridor).map(corridor));
            }
        }
        let sills = shape.level.and_then(|level| zones.get(level.index()));
        let sills = sills.map(|zones| zones.sills(shape.a, shape.b, reach_m)).unwrap_or_default();
        claims.extend(sills.into_iter().map(|passage| match passage {
            Passage::Door(id) => door(id),
            Passage::Lift(id) => lift(id),
        }));
        claims.sort_unstable();
        claims.dedup();
        claims
    }
}

/// Claims under construction: per class and part, sorted resources.
struct Table {
    resources: Vec<Resource>,
    rows: Vec<Vec<Vec<ResourceId>>>,
    reaches: Vec<f64>,
    entries: usize,
    limits: CompileLimits,
}

impl Table {
    /// Gives every lane the claims of its two ends.
    fn inherit(&mut self, parts: &[Shape]) -> Result<(), MapError> {
        for rows in &mut self.rows {
            for (index, shape) in parts.iter().enumerate() {
                if let Part::Lane(_) = shape.part {
                    let ends = shape.joined.iter().filter_map(|end| rows.get(*end as usize)).flatten();
                    let ends: Vec<ResourceId> = ends.copied().collect();
                    if let Some(row) = rows.get_mut(index) {
                        row.extend(ends);
                        row.sort_unstable();
                        row.dedup();
                    }
                }
            }
            self.entries += rows.iter().map(Vec::len).sum::<usize>();
        }
        self.check_entries()
    }

    /// Gives a conflicting pair a resource of its own, unless all classes that conflict share one already.
    fn settle(&mut self, parts: &[Shape], pair: Pair) -> Result<(), MapError> {
        if !self.needs_overlap(pair) {
            return Ok(());
        }
        let (Some(first), Some(second)) = (parts.get(pair.first as usize), parts.get(pair.second as usize))
        else {
            return Ok(());
        };
        let resource = ResourceId(u32::try_from(self.resources.len()).unwrap_or(u32::MAX));
        self.resources.push(Resource::Overlap(first.part, second.part));
        let widest = self.reaches.iter().copied().fold(0.0, f64::max);
        for (rows, reach_m) in self.rows.iter_mut().zip(&self.reaches) {
            if reach_m + widest <= pair.distance_m {
                continue;
            }
            for (own, shape) in [(pair.first, first), (pair.second, second)] {
                let lanes: &[u32] = match shape.part {
                    Part::Waypoint(_) => &shape.joined,
                    Part::Lane(_) => &[],
                };
                for part in std::iter::once(&own).chain(lanes) {
                    // Ids only grow, so pushing keeps the row sorted.
                    if let Some(row) =
                        rows.get_mut(*part as usize).filter(|row| row.last() != Some(&resource))
                    {
                        row.push(resource);
                        self.entries += 1;
                    }
                }
            }
        }
        self.check_entries()
    }

    fn needs_overlap(&self, pair: Pair) -> bool {
        let classes = || self.rows.iter().zip(&self.reaches);
        classes().any(|(a_rows, a_reach_m)| {
            classes().any(|(b_rows, b_reach_m)| {
                pair.distance_m < a_reach_m + b_reach_m
                    && !share(row(a_rows, pair.first), row(b_rows, pair.second))
            })
        })
    }

    fn check_entries(&self) -> Result<(), MapError> {
        let (count, limit) = (self.entries, self.limits.claims);
        if limit < count { Err(MapError::TooMany { what: "claims", count, limit }) } else { Ok(()) }
    }

    /// Spreads the claims of parts to waypoints and to lanes of both directions.
    fn finish(self, site: &CompiledSite, parts: &[Shape]) -> Claims {
        let mut part_of_lane = vec![0_usize; site.lanes.len()];
        for (index, shape) in parts.iter().enumerate() {
            if let Part::Lane(id) = shape.part {
                let reverse = site.lane(id).and_then(|lane| lane.reverse);
                for id in std::iter::once(id).chain(reverse) {
                    if let Some(slot) = part_of_lane.get_mut(id.index()) {
                        *slot = index;
                    }
                }
            }
        }
        let class = |rows: Vec<Vec<ResourceId>>| ClassRows {
            lane: part_of_lane.iter().map(|part| rows.get(*part).cloned().unwrap_or_default()).collect(),
            waypoint: rows.into_iter().take(site.waypoints.len()).collect(),
        };
        Claims { resources: self.resources, classes: self.rows.into_iter().map(class).collect() }
    }
}

/// Two parts, as indices, and the distance of their centre lines.
#[derive(Clone, Copy, Debug)]
struct Pair {
    first: u32,
    second: u32,
    distance_m: f64,
}

/// Pairs of parts of one level that the two largest footprints cannot use at once: pairs of waypoints first, then
/// of a waypoint and a lane, then of lanes, because what waypoints share their lanes share too.
fn close_pairs(levels: usize, parts: &[Shape], reaches: &[f64], limit: usize) -> Result<Vec<Pair>, MapError> {
    let reach_m = 2.0 * reaches.iter().copied().fold(0.0, f64::max);
    let mut pairs: Vec<Pair> = Vec::new();
    let mut by_level: Vec<Vec<u32>> = vec![Vec::new(); levels];
    for (index, shape) in (0_u32..).zip(parts) {
        if let Some(level) = shape.level.and_then(|level| by_level.get_mut(level.index())) {
            level.push(index);
        }
    }
    for level in by_level {
        let shapes: Vec<(u32, &Shape)> =
            level.iter().filter_map(|index| Some((*index, parts.get(*index as usize)?))).collect();
        let grid = SegmentGrid::new(&shapes.iter().map(|(_, shape)| (shape.a, shape.b)).collect::<Vec<_>>());
        // The last part that looked at each part: a grid reports a long lane once per cell.
        let mut seen = vec![u32::MAX; shapes.len()];
        for (first, shape) in &shapes {
            grid.near(shape.a, shape.b, reach_m, |slot| {
                let slot = slot as usize;
                if let (Some((second, other)), Some(seen)) = (shapes.get(slot), seen.get_mut(slot))
                    && first < second
                    && std::mem::replace(seen, *first) != *first
                    && pairs.len() <= limit
                {
                    let distance_m = segment_to_segment(shape.a, shape.b, other.a, other.b);
                    if distance_m < reach_m && !joined(shape, *second, other, *first) {
                        pairs.push(Pair { first: *first, second: *second, distance_m });
                    }
                }
            });
            if limit < pairs.len() {
                let (what, count) = ("overlapping pairs of parts", pairs.len());
                return Err(MapError::TooMany { what, count, limit });
            }
        }
    }
    let waypoints = |pair: &Pair| {
        let is_lane =
            |part: u32| parts.get(part as usize).is_some_and(|shape| matches!(shape.part, Part::Lane(_)));
        u8::from(is_lane(pair.first)) + u8::from(is_lane(pair.second))
    };
    pairs.sort_unstable_by_key(|pair| (waypoints(pair), pair.first, pair.second));
    Ok(pairs)
}

/// Whether two parts share a waypoint, and with it that waypoint's place.
fn joined(a: &Shape, b_index: u32, b: &Shape, a_index: u32) -> bool {
    match (a.part, b.part) {
        (Part::Waypoint(_), Part::Waypoint(_)) => false,
        (Part::Waypoint(_), Part::Lane(_)) => b.joined.contains(&a_index),
        (Part::Lane(_), Part::Waypoint(_)) => a.joined.contains(&b_index),
        (Part::Lane(_), Part::Lane(_)) => a.joined.iter().any(|end| b.joined.contains(end)),
    }
}

fn row(rows: &[Vec<ResourceId>], part: u32) -> &[ResourceId] {
    rows.get(part as usize).map_or(&[], Vec::as_slice)
}

/// Whether two sorted lists have an element in common.
fn share(mut a: &[ResourceId], mut b: &[ResourceId]) -> bool {
    while let (Some((first, a_rest)), Some((second, b_rest))) = (a.split_first(), b.split_first()) {
        match first.cmp(second) {
            std::cmp::Ordering::Less => a = a_rest,
            std::cmp::Ordering::Greater => b = b_rest,
            std::cmp::Ordering::Equal => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sheepdog_core::Mm;

    use super::*;
    use crate::{
        compile::CompileOptions,
        model::{Door, Lane, Level, Site, Waypoint},
    };

    /// Small roadmaps on a raster of 0.25 m, so that parts touch, cross and coincide often.
    fn roadmap() -> impl Strategy<Value = (Site, CompileOptions)> {
        let place = (0_u8..12, 0_u8..12, 0_u8..2);
        let lane = (0_usize..9, 0_usize..9, any::<bool>(), 0_u8..4);
        let parts = (prop::collection::vec(place, 9), prop::collection::vec(lane, 0..9));
        let classes = prop::collection::vec((50_u32..400, 0_u32..100), 1..3);
        (parts, classes, any::<bool>(), 300_u32..3_000).prop_map(
            |((places, lanes), classes, door, spacing)| {
                let mut site = Site::new("random");
                site.levels = vec![Level::new("0", 0.0), Level::new("1", 4.0)];
                let place = |(n, (x, y, level)): (usize, (u8, u8, u8))| {
                    Waypoint::new(n.to_string(), level.to_string(), f64::from(x) * 0.25, f64::from(y) * 0.25)
                };
                site.waypoints = places.into_iter().enumerate().map(place).collect();
                for (a, b, two_way, corridor) in lanes {
                    let (from, to) = (&site.waypoints[a], &site.waypoints[b]);
                    if from.level == to.level && Point::from(from.at) != Point::from(to.at) {
                        let lane = Lane { bidirectional: two_way, ..Lane::two_way(&from.id, &to.id) };
                        site.lanes.push(if corridor == 0 { lane.in_corridor("c") } else { lane });
                    }
                }
                if door {
                    site.doors.push(Door::new("d", "0", [1.0, 1.125], [2.0, 1.125]));
                }
                let class = |(radius, margin)| FootprintClass {
                    name: String::new(),
                    radius: Mm(radius),
                    margin: Mm(margin),
                };
                let mut options = CompileOptions::new(classes.into_iter().map(class).collect());
                options.spacing = Mm(spacing);
                (site, options)
            },
        )
    }

    /// All parts with their ends, their level and their claims in one class.
    fn occupied(site: &CompiledSite, class: usize) -> Vec<(LevelId, Point, Point, &[ResourceId])> {
        let claims = &site.classes()[class];
        let at = |id: WaypointId| site.waypoint(id).unwrap();
        let waypoints = (0..).map(WaypointId).zip(site.waypoints());
        let standing = waypoints.map(|(id, w)| (w.level, w.at, w.at, claims.at(id)));
        let lanes = (0..).map(LaneId).zip(site.lanes());
        let driving =
            lanes.map(|(id, lane)| (at(lane.from).level, at(lane.from).at, at(lane.to).at, claims.along(id)));
        standing.chain(driving).collect()
    }

    proptest! {
        /// Two robots that hold disjoint claims cannot touch, wherever they are on their parts and whatever
        /// their classes.
        #[test]
        fn disjoint_claims_keep_robots_apart((site, options) in roadmap()) {
            let site = site.compile(&options).unwrap();
            for (c, d) in [(0, 0), (0, options.classes.len() - 1)] {
                let apart_m = reach_m(&options.classes[c]) + reach_m(&options.classes[d]);
                for (level, a, b, held) in occupied(&site, c) {
                    for (other_level, e, f, other_held) in occupied(&site, d) {
                        if level != other_level || share(held, other_held) {
                            continue;
                        }
                        for n in 0..=8 {
                            let p = a + (b - a) * (f64::from(n) / 8.0);
                            for m in 0..=8 {
                                let q = e + (f - e) * (f64::from(m) / 8.0);
                                prop_assert!(apart_m <= (p - q).norm() + 1e-9);
                            }
                        }
                    }
                }
            }
        }

        /// Claims are sorted, without duplicates, a lane holds what its ends hold, and both directions are equal.
        #[test]
        fn a_lane_holds_what_its_ends_hold((site, options) in roadmap()) {
            let site = site.compile(&options).unwrap();
            for claims in site.classes() {
                for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
                    let held = claims.along(id);
                    prop_assert!(held.is_sorted_by(|a, b| a < b));
                    for end in [lane.from, lane.to] {
                        prop_assert!(claims.at(end).iter().all(|resource| held.contains(resource)));
                    }
                    prop_assert!(lane.reverse.is_none_or(|reverse| claims.along(reverse) == held));
                }
            }
        }

        /// Overlaps exist only where they are needed: the parts are close for some pair of classes, and joined
        /// parts, which share a place, get none.
        #[test]
        fn no_overlap_without_a_conflict((site, options) in roadmap()) {
            let site = site.compile(&options).unwrap();
            let ends = |part: &Part| match part {
                Part::Waypoint(id) => [*id, *id],
                Part::Lane(id) => [site.lane(*id).unwrap().from, site.lane(*id).unwrap().to],
            };
            let widest_m = options.classes.iter().map(reach_m).fold(0.0, f64::max);
            for resource in site.resources() {
                let Resource::Overlap(a, b) = resource else { continue };
                let ([a, b], [c, d]) = (ends(a), ends(b));
                prop_assert!(![a, b].contains(&c) && ![a, b].contains(&d));
                let at = |id: WaypointId| site.waypoint(id).unwrap().at;
                prop_assert!(segment_to_segment(at(a), at(b), at(c), at(d)) < 2.0 * widest_m);
            }
        }

        /// Whoever crosses a door holds it.
        #[test]
        fn crossing_a_door_claims_it((site, options) in roadmap()) {
            let site = site.compile(&options).unwrap();
            for claims in site.classes() {
                for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
                    let held = |door: &DoorId| {
                        claims.along(id).iter().any(|id| site.resource(*id) == Some(&Resource::Door(*door)))
                    };
                    prop_assert!(lane.doors.iter().all(held));
                }
            }
        }
    }
}
