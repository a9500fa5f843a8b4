//! The floor of one level as a robot sees it when every door is shut: what is free, and in which pieces.
//!
//! Doors divide the floor, so no way but the one through a door's middle crosses it. What robots keep off (blocked zones,
//! areas for people alone, stairs) is fenced with walls.

use nalgebra::{Point2, Vector2};
use sheepdog_core::LevelId;

use crate::{
    compile::{Zones, may_stand},
    compiled::{CompiledSite, ZoneKind},
    geometry::{
        FreeSpace, FreeSpaceError, LevelGeometry, Path, Point, Scratch, WallSegment, ring_contains, sides,
        twice_area,
    },
    model::{self, ConnectorKind},
};

use super::SurveyOptions;

/// One level with its doors shut.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) site: &'a CompiledSite,
    pub(super) level: LevelId,
    options: &'a SurveyOptions,
    pub(super) shut: LevelGeometry,
    /// Where the centre of the footprint has the clearance that is asked for.
    pub(super) plan: FreeSpace,
    /// Where it touches nothing.
    pub(super) tight: FreeSpace,
    pub(super) zones: Zones,
    fenced: Vec<Vec<Point>>,
}

/// A connected piece of the floor.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Outlines of where the centre may be: outer ring first, then holes.
    pub(super) rings: Vec<Vec<Point>>,
    /// Whether it is about as deep as wide and nearly convex: the middle sees everything.
    pub(super) is_plain: bool,
    pub(super) centroid: Point2<f64>,
    pub(super) area_m2: f64,
}

/// Share of its convex hull that a plain piece covers.
const PLAIN_SHARE: f64 = 0.93;
/// Mean width over length of a plain piece, at least: a rectangle 2.4 times as long as deep.
const PLAIN_DEPTH: f64 = 0.35;

impl<'a> Ground<'a> {
    pub(super) fn new(
        site: &'a CompiledSite,
        level: LevelId,
        options: &'a SurveyOptions,
    ) -> Result<Option<Self>, FreeSpaceError> {
        let Some(geometry) =
            site.level(level).map(|level| &level.geometry).filter(|geometry| geometry.has_area())
        else {
            return Ok(None);
        };
        let fenced = fences(site, level);
        let bare = |(a, b): (Point, Point)| WallSegment { a, b, thickness_m: 0.0 };
        let doors = site.doors().iter().filter(|door| door.level == level).map(|door| (door.a, door.b));
        let stops = site.lifts().iter().flat_map(|lift| &lift.stops).filter(|stop| stop.level == level);
        let lift_doors = stops.flat_map(|stop| &stop.doors).map(|&[a, b]| (a, b));
        let walls = geometry.walls().map(|(a, b, thickness_m)| WallSegment { a, b, thickness_m });
        let fences = fenced.iter().flat_map(|ring| sides(ring));
        let shut = LevelGeometry::new(
            walls.chain(doors.chain(lift_doors).chain(fences).map(bare)).collect(),
            geometry.rings().to_vec(),
        );
        let plan = FreeSpace::new(&shut, options.plan_m())?;
        let tight = FreeSpace::new(&shut, options.radius_m())?;
        let zones = Zones::of(level, site.doors(), site.lifts());
        Ok(Some(Self { site, level, options, shut, plan, tight, zones, fenced }))
    }

    /// The same level with its doors open.
    pub(super) fn open(&self) -> Option<&'a LevelGeometry> {
        self.site.level(self.level).map(|level| &level.geometry)
    }

    /// Whether there is room for a lane with the clearance that is asked for; at its tight ends that may be less.
    pub(super) fn fits(&self, a: Point, b: Point) -> bool {
        let is_plan = self.plan.contains(a) && self.plan.contains(b);
        self.shut.sweep_free(a, b, if is_plan { self.options.plan_m() } else { self.options.radius_m() })
    }

    /// Whether there is room for a lane at all.
    pub(super) fn fits_tight(&self, a: Point, b: Point) -> bool {
        self.shut.sweep_free(a, b, self.options.radius_m())
    }

    /// Whether a robot may stop here, as far as the building decides that.
    pub(super) fn may_stand(&self, at: Point) -> bool {
        let class = &self.options.class;
        !self.is_fenced(at)
            && may_stand(self.site, class, &self.zones, (self.level, at), self.options.way_out_width)
    }

    /// Whether robots keep off a point altogether.
    pub(super) fn is_fenced(&self, at: Point) -> bool {
        self.fenced.iter().any(|ring| ring_contains(ring, at))
    }

    /// A number for the connected floor that a point is on, with doors shut, however little room there is.
    pub(super) fn piece_of(&self, at: Point) -> Option<u32> {
        self.tight.component(at)
    }

    /// A way between two points of one piece, with clearance where that is possible.
    pub(super) fn path(&self, from: Point, to: Point, scratch: &mut Scratch) -> Option<Path> {
        self.plan.path(from, to, scratch).or_else(|_| self.tight.path(from, to, scratch)).ok()
    }

    /// The pieces of the floor with clearance, by the number of their component; fenced ones are empty.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        pieces.resize_with(self.plan.components() as usize, Piece::default);
        for ring in self.plan.rings() {
            let piece = ring.first().and_then(|corner| self.plan.component(*corner));
            let Some(piece) = piece.and_then(|piece| pieces.get_mut(piece as usize)) else { continue };
            if ring.iter().all(|corner| self.is_fenced(*corner)) {
                continue;
            }
            piece.area_m2 += twice_area(ring) / 2.0;
            let place = if 0.0 < twice_area(ring) { 0 } else { piece.rings.len() };
            piece.rings.insert(place, ring.clone());
        }
        for piece in &mut pieces {
            if let [outer] = piece.rings.as_slice() {
                piece.centroid = centroid(outer);
                piece.is_plain = is_plain(outer, piece.area_m2);
            }
        }
        pieces
    }
}

/// Areas that robots keep off: zones that say so, and stairs.
fn fences(site: &CompiledSite, level: LevelId) -> Vec<Vec<Point>> {
    let is_closed = |kind: ZoneKind| {
        matches!(kind, ZoneKind::Authored(model::ZoneKind::Blocked | model::ZoneKind::HumanOnly))
    };
    let zones = site.zones().iter().filter(|zone| zone.level == level && is_closed(zone.kind));
    let mut fences: Vec<Vec<Point>> = zones.map(|zone| zone.outer.clone()).collect();
    let name = site.level(level).map(|level| level.name.as_str());
    for connector in &site.authored().connectors {
        let is_here = |end: &model::ConnectorEnd| Some(end.level.as_str()) == name;
        let steps = matches!(connector.kind, ConnectorKind::Stairs | ConnectorKind::Escalator);
        if steps && (is_here(&connector.from) || is_here(&connector.to)) {
            let (a, b) = (Point::from(connector.from.at), Point::from(connector.to.at));
            if let Some(along) = (b - a).try_normalize(1e-6) {
                let left = Vector2::new(-along.y, along.x) * (connector.width_m / 2.0);
                fences.push(vec![a - left, b - left, b + left, a + left]);
            }
        }
    }
    fences
}

fn centroid(ring: &[Point]) -> Point {
    let Some(&base) = ring.first() else { return Point::origin() };
    let twice = twice_area(ring);
    let sum = sides(ring).fold(Vector2::zeros(), |sum, (a, b)| {
        let (p, q) = (a - base, b - base);
        sum + (p + q) * p.perp(&q)
    });
    base + sum / (3.0 * twice)
}

fn is_plain(ring: &[Point], area_m2: f64) -> bool {
    let hull = hull(ring);
    let length_m = hull.iter().flat_map(|a| hull.iter().map(move |b| (a - b).norm())).fold(0.0, f64::max);
    PLAIN_SHARE * twice_area(&hull) / 2.0 <= area_m2 && PLAIN_DEPTH * length_m * length_m <= area_m2
}

/// The convex hull, counter-clockwise (Andrew 1979).
fn hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
    let half = |points: &mut dyn Iterator<Item = &Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain.as_slice()
                && crate::geometry::orientation(*a, *b, *point) <= 0.0
            {
                chain.pop();
            }
            chain.push(*point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut sorted.iter());
    hull.extend(half(&mut sorted.iter().rev()));
    hull
}
