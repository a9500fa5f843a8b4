//! Single questions: nearest wall, ray, footprint, room, probability.

use geo::{Contains, Coord, LineString, MultiPolygon, Polygon, algorithm::indexed::IntervalTreeMultiPolygon};
use nalgebra::{Isometry2, Matrix2, Point2, Vector2};
use parry2d_f64::{
    math::{Pose, Vector},
    query::{PointQuery, Ray, RayCast, intersection_test},
    shape::{ConvexPolygon, Polyline},
};
use sheepdog_core::LevelId;
use sheepdog_map::{
    CompiledSite, Location,
    geometry::{Footprint, LevelGeometry},
};

use super::{
    Outcome, agree, beside,
    data::{Random, lines},
    in_turns,
};
use crate::figure::Figure;

/// Many, so that each side finds its own data in the cache again after the other one's turn.
const QUESTIONS: usize = 40_000;
const RAY_M: f64 = 30.0;

fn vector(p: Point2<f64>) -> Vector {
    Vector::new(p.x, p.y)
}

fn polyline(geometry: &LevelGeometry) -> Polyline {
    let lines = lines(geometry);
    let ends = lines.iter().flat_map(|line| [vector(line.0), vector(line.1)]).collect();
    let indices = (0_u32..).zip(&lines).map(|(n, _)| [2 * n, 2 * n + 1]).collect();
    Polyline::new(ends, Some(indices))
}

/// Distance to the nearest wall surface against parry's hierarchy of boxes over the centre lines, whose answers are
/// longer by half the thickness that all these walls share.
pub(super) fn nearest(
    name: &str,
    geometry: &LevelGeometry,
    random: &mut Random,
    runs: usize,
) -> Outcome<Figure> {
    let peer = polyline(geometry);
    let half_m = geometry.walls().next().map_or(0.0, |wall| wall.2 / 2.0);
    let places = random.places(&lines(geometry), QUESTIONS);
    let theirs = |p: &Point2<f64>| (peer.distance_to_local_point(vector(*p), false) - half_m).max(0.0);
    let tree = rstar_tree(geometry);
    for p in &places {
        agree(name, geometry.wall_clearance(*p), theirs(p))?;
        let other = tree
            .nearest_neighbor([p.x, p.y])
            .map_or(f64::INFINITY, |line| rstar::PointDistance::distance_2(line, &[p.x, p.y]).sqrt());
        agree(name, geometry.wall_clearance(*p), (other - half_m).max(0.0))?;
    }
    let (ours, theirs) = in_turns(&places, runs, |p| geometry.wall_clearance(*p), theirs);
    Ok(beside(name, "ns", ours, "parry2d-f64", theirs))
}

fn rstar_tree(geometry: &LevelGeometry) -> rstar::RTree<rstar::primitives::Line<[f64; 2]>> {
    let line = |(a, b): (Point2<f64>, Point2<f64>)| rstar::primitives::Line::new([a.x, a.y], [b.x, b.y]);
    rstar::RTree::bulk_load(lines(geometry).into_iter().map(line).collect())
}

/// Rays of at most 30 m.
pub(super) fn ray(name: &str, geometry: &LevelGeometry, random: &mut Random, runs: usize) -> Outcome<Figure> {
    let peer = polyline(geometry);
    let places = random.places(&lines(geometry), QUESTIONS);
    let rays: Vec<(Point2<f64>, Vector2<f64>)> =
        places.into_iter().map(|p| (p, random.direction())).collect();
    let ours = |(p, direction): &(Point2<f64>, Vector2<f64>)| geometry.ray(*p, *direction, RAY_M);
    let theirs = |(p, direction): &(Point2<f64>, Vector2<f64>)| {
        let ray = Ray::new(vector(*p), Vector::new(direction.x, direction.y));
        peer.cast_local_ray(&ray, RAY_M, true).unwrap_or(RAY_M)
    };
    for ray in &rays {
        agree(name, ours(ray), theirs(ray))?;
    }
    let (ours, theirs) = in_turns(&rays, runs, ours, theirs);
    Ok(beside(name, "ns", ours, "parry2d-f64", theirs))
}

/// A hexagon of 0.4 m radius.
pub(super) fn footprint(
    name: &str,
    geometry: &LevelGeometry,
    random: &mut Random,
    runs: usize,
) -> Outcome<Figure> {
    let corners = [(0.4, 0.0), (0.2, 0.35), (-0.2, 0.35), (-0.4, 0.0), (-0.2, -0.35), (0.2, -0.35)];
    let hexagon = Footprint::convex(corners.map(|(x, y)| Point2::new(x, y)).to_vec())?;
    let walls = polyline(geometry);
    let peer = ConvexPolygon::from_convex_hull(&corners.map(|(x, y)| Vector::new(x, y)))
        .ok_or("a hexagon is convex")?;
    let places = random.places(&lines(geometry), QUESTIONS);
    let poses: Vec<Isometry2<f64>> =
        places.into_iter().map(|p| Isometry2::new(p.coords, random.between(-3.1, 3.1))).collect();
    let ours = |pose: &Isometry2<f64>| f64::from(u8::from(geometry.footprint_free(&hexagon, pose)));
    let theirs = |pose: &Isometry2<f64>| {
        let place = Pose::new(Vector::new(pose.translation.x, pose.translation.y), pose.rotation.angle());
        let meets = intersection_test(&Pose::identity(), &walls, &place, &peer);
        f64::from(u8::from(!meets.is_ok_and(|meets| meets.intersecting)))
    };
    for pose in &poses {
        agree(name, ours(pose), theirs(pose))?;
    }
    let (ours, theirs) = in_turns(&poses, runs, ours, theirs);
    Ok(beside(name, "ns", ours, "parry2d-f64", theirs))
}

/// Rooms of the ground floor against geo's interval trees, one for each room. Geo counts no boundary as
/// inside, which is compared apart.
pub(super) fn locate(name: &str, site: &CompiledSite, random: &mut Random, runs: usize) -> Outcome<Figure> {
    let level = LevelId(0);
    let geometry = &site.level(level).ok_or("no ground floor")?.geometry;
    let ring = |ring: &[Point2<f64>]| LineString::from(ring.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>());
    let rooms = (0_u32..).zip(site.rooms()).filter(|(_, room)| room.level == level);
    let trees: Vec<(u32, IntervalTreeMultiPolygon<f64>)> = rooms
        .map(|(id, room)| {
            let holes = room.holes.iter().map(|hole| ring(hole)).collect();
            let polygon = Polygon::new(ring(&room.outer), holes);
            (id, IntervalTreeMultiPolygon::new(&MultiPolygon(vec![polygon])))
        })
        .collect();
    let places = random.places(&lines(geometry), QUESTIONS);
    let ours = |p: &Point2<f64>| match site.locate(level, *p) {
        Location::Inside(room) | Location::Boundary(room) => f64::from(room.0),
        Location::Outside => -1.0,
    };
    let theirs = |p: &Point2<f64>| {
        let at = Coord { x: p.x, y: p.y };
        trees.iter().find(|tree| tree.1.contains(&at)).map_or(-1.0, |tree| f64::from(tree.0))
    };
    for p in &places {
        if !matches!(site.locate(level, *p), Location::Boundary(_)) {
            agree(name, ours(p), theirs(p))?;
        }
    }
    let (ours, theirs) = in_turns(&places, runs, ours, theirs);
    Ok(beside(name, "ns", ours, "geo", theirs))
}

/// Standard deviation of 5 cm, so that most places are settled by the bound or by tries.
pub(super) fn mapped(name: &str, geometry: &LevelGeometry, random: &mut Random, runs: usize) -> Figure {
    let covariance = Matrix2::identity() * 0.0025;
    let places: Vec<Point2<f64>> = random
        .places(&lines(geometry), QUESTIONS)
        .into_iter()
        .filter(|p| geometry.mapped_probability(*p, covariance).certified && geometry.inside(*p))
        .collect();
    let ask = |p: &Point2<f64>| geometry.mapped_probability(*p, covariance).probability;
    let (ours, _) = in_turns(&places, runs, ask, |_| 0.0);
    Figure::alone("map", name, ours, "ns")
}
