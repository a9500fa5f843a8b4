//! Claims: which resources a robot holds on each part of the roadmap, so that two robots that hold disjoint
//! claims cannot touch.
//!
//! A *part* is a waypoint (a disc, for a robot may turn there) or a lane in either direction (a strip, for it faces along
//! it), of the footprint's radius or half width plus its declared envelope. Two parts conflict when their regions on one
//! level overlap, or when both use the same door, lift, one-lane corridor or mutex group. Every conflicting pair shares
//! at least one resource:
//!
//! * [`Resource::Place`] of a waypoint: claimed by the waypoint and all its lanes;
//! * [`Resource::Door`], [`Resource::Lift`], [`Resource::Corridor`], [`Resource::Group`]: claimed by all that use them;
//! * [`Resource::Overlap`]: for each remaining pair, one as long as footprints are of one size.
//!
//! A lane claims all that its two ends claim.
//!
//! Footprints of different sizes are compared with each other. Two small ones may pass each other where a small and a
//! large one touch, so a pair of parts may need several overlaps. Whom a class on the one part meets on the other are
//! all that reach farther than some limit, and the larger the class, the lower the limit: these sets lie within each
//! other. One overlap for each different set, claimed by it and by all that meet all of it, says exactly who meets whom.

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
    let mut table = Table {
        resources: ids.resources(site),
        rows: classes
            .iter()
            .map(|class| parts.iter().map(|part| ids.fixed(site, zones, part, class)).collect())
            .collect(),
        classes,
        entries: 0,
        limits: *limits,
    };
    table.inherit(&parts)?;
    for pair in close_pairs(site.levels.len(), &parts, classes, limits.overlaps)? {
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

impl Shape {
    /// How far from its centre line a footprint of a class reaches on it, metres.
    fn reach_m(&self, class: &FootprintClass) -> f64 {
        match self.part {
            Part::Waypoint(_) => class.turning_m(),
            Part::Lane(_) => class.driving_m(),
        }
    }
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

/// Where the ids of doors, lifts, corridors and mutex groups begin; those of places begin at zero.
struct FixedIds {
    doors: u32,
    lifts: u32,
    corridors: u32,
    mutexes: u32,
}

impl FixedIds {
    fn new(site: &CompiledSite) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let doors = count(site.waypoints.len());
        let lifts = doors.saturating_add(count(site.doors.len()));
        let corridors = lifts.saturating_add(count(site.lifts.len()));
        Self { doors, lifts, corridors, mutexes: corridors.saturating_add(count(site.corridors.len())) }
    }

    fn resources(&self, site: &CompiledSite) -> Vec<Resource> {
        let places = (0..self.doors).map(|id| Resource::Place(WaypointId(id)));
        let doors = (0..).zip(&site.doors).map(|(id, _)| Resource::Door(DoorId(id)));
        let lifts = (0..).zip(&site.lifts).map(|(id, _)| Resource::Lift(LiftId(id)));
        let corridors = (0..).zip(&site.corridors).map(|(id, _)| Resource::Corridor(id));
        let mutexes = (0..).zip(&site.mutexes).map(|(id, _)| Resource::Group(id));
        places.chain(doors).chain(lifts).chain(corridors).chain(mutexes).collect()
    }

    /// Claims of a part by itself: its place, the doors and lifts whose sills it reaches, its cabin, its corridor, its
    /// mutex groups.
    fn fixed(
        &self,
        site: &CompiledSite,
        zones: &[Zones],
        shape: &Shape,
        class: &FootprintClass,
    ) -> Vec<ResourceId> {
        let door = |id: DoorId| ResourceId(self.doors.saturating_add(id.0));
        let lift = |id: LiftId| ResourceId(self.lifts.saturating_add(id.0));
        let corridor = |id: u32| ResourceId(self.corridors.saturating_add(id));
        let mutex = |id: &u32| ResourceId(self.mutexes.saturating_add(*id));
        let mut claims = Vec::new();
        match shape.part {
            Part::Waypoint(id) => {
                claims.push(ResourceId(id.0));
                let waypoint = site.waypoint(id);
                claims.extend(waypoint.and_then(|waypoint| waypoint.lift).map(lift));
                claims.extend(waypoint.into_iter().flat_map(|waypoint| &waypoint.mutexes).map(mutex));
                claims.extend(corridor_around(site, id).map(|(id, _)| corridor(id)));
            }
            Part::Lane(id) => {
                let lane = site.lane(id);
                claims.extend(lane.and_then(|lane| lane.ride).map(lift));
                // The two directions of a way may have been written with different corridors and groups.
                let reverse = lane.and_then(|lane| lane.reverse).and_then(|id| site.lane(id));
                for lane in [lane, reverse].into_iter().flatten() {
                    claims.extend(lane.corridor.map(corridor));
                    claims.extend(lane.mutexes.iter().map(mutex));
                }
            }
        }
        let sills = shape.level.and_then(|level| zones.get(level.index()));
        let sills = sills.map(|zones| zones.sills(shape.a, shape.b, shape.reach_m(class)));
        let sills = sills.unwrap_or_default();
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
struct Table<'a> {
    resources: Vec<Resource>,
    rows: Vec<Vec<Vec<ResourceId>>>,
    classes: &'a [FootprintClass],
    entries: usize,
    limits: CompileLimits,
}

impl Table<'_> {
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

    /// Gives the footprints that would touch on a pair of parts resources in common, unless they have some.
    fn settle(&mut self, parts: &[Shape], pair: Pair) -> Result<(), MapError> {
        let (Some(first), Some(second)) = (parts.get(pair.first as usize), parts.get(pair.second as usize))
        else {
            return Ok(());
        };
        let meet =
            |a: &FootprintClass, b: &FootprintClass| pair.distance_m < first.reach_m(a) + second.reach_m(b);
        let mut settled: Vec<Vec<bool>> = Vec::new();
        for class in self.classes {
            // Those on the second part that this class would touch from the first, and all who would touch as many.
            let met: Vec<bool> = self.classes.iter().map(|other| meet(class, other)).collect();
            let meeting: Vec<bool> = self
                .classes
                .iter()
                .map(|other| self.classes.iter().zip(&met).all(|(b, is_met)| !is_met || meet(other, b)))
                .collect();
            if !settled.contains(&met) && self.lacks(pair, &meeting, &met) {
                self.overlap(first, second, pair, &meeting, &met);
                self.check_entries()?;
            }
            settled.push(met);
        }
        Ok(())
    }

    /// Whether some class of `meeting` on the first part shares nothing with one of `met` on the second.
    fn lacks(&self, pair: Pair, meeting: &[bool], met: &[bool]) -> bool {
        let chosen = |of: &[bool], part: u32| -> Vec<&[ResourceId]> {
            self.rows.iter().zip(of).filter(|(_, is_in)| **is_in).map(|(rows, _)| row(rows, part)).collect()
        };
        let others = chosen(met, pair.second);
        chosen(meeting, pair.first).iter().any(|row| others.iter().any(|other| !share(row, other)))
    }

    /// A new resource for `meeting` on the first part and `met` on the second, and on all lanes that end there.
    fn overlap(&mut self, first: &Shape, second: &Shape, pair: Pair, meeting: &[bool], met: &[bool]) {
        let resource = ResourceId(u32::try_from(self.resources.len()).unwrap_or(u32::MAX));
        self.resources.push(Resource::Overlap(first.part, second.part));
        for (part, shape, claimants) in [(pair.first, first, meeting), (pair.second, second, met)] {
            let lanes: &[u32] = match shape.part {
                Part::Waypoint(_) => &shape.joined,
                Part::Lane(_) => &[],
            };
            let claiming = self.rows.iter_mut().zip(claimants).filter(|(_, claims)| **claims);
            for (rows, _) in claiming {
                for part in std::iter::once(&part).chain(lanes) {
                    // Ids only grow, so pushing keeps the row sorted.
                    let row = rows.get_mut(*part as usize).filter(|row| row.last() != Some(&resource));
                    if let Some(row) = row {
                        row.push(resource);
                        self.entries += 1;
                    }
                }
            }
        }
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

/// Pairs of parts of one level that two of the largest footprint might not use at once: pairs of waypoints first, then
/// of a waypoint and a lane, then of lanes, because what waypoints share their lanes share too.
fn close_pairs(
    levels: usize,
    parts: &[Shape],
    classes: &[FootprintClass],
    limit: usize,
) -> Result<Vec<Pair>, MapError> {
    let most_m = |shape: &Shape| classes.iter().map(|class| shape.reach_m(class)).fold(0.0, f64::max);
    let reach_m = 2.0 * classes.iter().map(FootprintClass::turning_m).fold(0.0, f64::max);
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
                    if distance_m < most_m(shape) + most_m(other) && !joined(shape, *second, other, *first) {
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
        compiled::ClassClaims,
        model::{Door, Lane, Level, Site, Waypoint},
    };

    /// Small roadmaps on a raster of 0.25 m, so that parts touch, cross and coincide often.
    fn roadmap() -> impl Strategy<Value = (Site, CompileOptions)> {
        let place = (0_u8..12, 0_u8..12, 0_u8..2);
        let lane = (0_usize..9, 0_usize..9, any::<bool>(), 0_u8..4);
        let parts = (prop::collection::vec(place, 9), prop::collection::vec(lane, 0..9));
        let classes = prop::collection::vec((50_u32..400, 0_u32..3, 0_u32..100), 1..4);
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
                let class = |(radius, slim, margin): (u32, u32, u32)| FootprintClass {
                    half_width: Mm(radius - radius * slim / 4),
                    ..FootprintClass::round("", Mm(radius), Mm(margin))
                };
                let mut options = CompileOptions::new(classes.into_iter().map(class).collect());
                options.spacing = Mm(spacing);
                (site, options)
            },
        )
    }

    /// All parts of a level that a class may be on: the discs at their ends and the strip between, and the claims.
    fn occupied<'a>(site: &'a CompiledSite, class: &'a ClassClaims) -> Vec<Ground<'a>> {
        let at = |id: WaypointId| site.waypoint(id).unwrap();
        let (disc_m, strip_m) = (class.class.turning_m(), class.class.driving_m());
        let waypoints = (0..).map(WaypointId).zip(site.waypoints());
        let standing = waypoints.map(|(id, w)| Ground {
            level: w.level,
            strips: vec![(w.at, w.at, disc_m)],
            held: class.at(id),
        });
        let lanes = (0..).map(LaneId).zip(site.lanes());
        let driving = lanes.map(|(id, lane)| {
            let (from, to) = (at(lane.from), at(lane.to));
            let strips = vec![(from.at, from.at, disc_m), (to.at, to.at, disc_m), (from.at, to.at, strip_m)];
            Ground { level: from.level, strips, held: class.along(id) }
        });
        standing.chain(driving).collect()
    }

    /// Ground that a footprint may cover: segments with a reach to either side.
    struct Ground<'a> {
        level: LevelId,
        strips: Vec<(Point, Point, f64)>,
        held: &'a [ResourceId],
    }

    impl Ground<'_> {
        /// How far it is from other ground; negative when they overlap.
        fn apart_m(&self, other: &Self) -> f64 {
            let pairs = self.strips.iter().flat_map(|a| other.strips.iter().map(move |b| (a, b)));
            let apart = pairs.map(|((a, b, m), (c, d, n))| segment_to_segment(*a, *b, *c, *d) - m - n);
            apart.fold(f64::INFINITY, f64::min)
        }
    }

    proptest! {
        /// Two robots that hold disjoint claims cannot touch, wherever they are on their parts and whatever their
        /// classes; and two that cannot touch share no claim that comes from geometry.
        #[test]
        fn claims_are_shared_exactly_where_robots_would_touch((site, options) in roadmap()) {
            let site = site.compile(&options).unwrap();
            let is_geometric = |id: &&ResourceId| {
                matches!(site.resource(**id), Some(Resource::Place(_) | Resource::Overlap(..)))
            };
            for first in site.classes() {
                for second in site.classes() {
                    for a in occupied(&site, first) {
                        for b in occupied(&site, second).iter().filter(|b| b.level == a.level) {
                            let apart_m = a.apart_m(b);
                            prop_assert!(share(a.held, b.held) || -1e-9 <= apart_m, "{apart_m}");
                            let common = a.held.iter().filter(is_geometric).find(|id| b.held.contains(id));
                            prop_assert!(common.is_none() || apart_m < 1e-9, "{apart_m}: {common:?}");
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
            let widest_m = options.classes.iter().map(FootprintClass::turning_m).fold(0.0, f64::max);
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
