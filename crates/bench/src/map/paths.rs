//! Paths: any-angle ones through free space, and routes on a roadmap.

use geo::{Contains, Coord, Intersects, LineString, Polygon};
use glam::Vec2;
use nalgebra::Point2;
use petgraph::{
    algo::astar,
    graph::{DiGraph, NodeIndex},
};
use sheepdog_core::{MmPerS, WaypointId};
use sheepdog_map::{
    CompileOptions, NominalWaits, RouteScratch, RouteTable, Site, TravelProfile,
    geometry::{FreeSpace, LevelGeometry, Scratch},
    lane_time, model,
};

use super::{Outcome, beside, data::Random, in_turns, seconds};
use crate::{figure::Figure, median};

const RADIUS_M: f64 = 0.3;

fn twice_area(ring: &[Point2<f64>]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|(p, q)| p.coords.perp(&q.coords)).sum()
}

/// `path_clinic_*`: pairs of free points in the largest piece, against polyanya over the same polygons, merged and baked.
///
/// Ours are never longer by more than a millimetre, which is what single precision leaves of polyanya's. Where ours is
/// shorter, each of its legs is checked to be free for the disc, and the peer's detour is counted.
pub(super) fn any_angle(geometry: &LevelGeometry, random: &mut Random, quick: bool) -> Outcome<Vec<Figure>> {
    let free = FreeSpace::new(geometry, RADIUS_M)?;
    let outer =
        free.rings().iter().max_by(|a, b| twice_area(a).total_cmp(&twice_area(b))).ok_or("no room")?;
    // By the rings alone, so that a fault of our mesh cannot choose the questions.
    let exact_line =
        |ring: &[Point2<f64>]| LineString::from(ring.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>());
    let shell = Polygon::new(exact_line(outer), Vec::new());
    let at = |p: &Point2<f64>| Coord { x: p.x, y: p.y };
    let in_piece = |ring: &[Point2<f64>]| ring.first().is_some_and(|corner| shell.intersects(&at(corner)));
    #[expect(clippy::cast_possible_truncation, reason = "the peer is in single precision")]
    let single = |p: &Point2<f64>| Vec2::new(p.x as f32, p.y as f32);
    let line = |ring: &[Point2<f64>]| {
        LineString::<f32>::from(ring.iter().map(|p| (single(p).x, single(p).y)).collect::<Vec<_>>())
    };
    let holes = || free.rings().iter().filter(|ring| twice_area(ring) < 0.0 && in_piece(ring));
    let polygon = Polygon::new(line(outer), holes().map(|hole| line(hole)).collect());
    let exact = Polygon::new(exact_line(outer), holes().map(|hole| exact_line(hole)).collect());
    let mut peer = polyanya::Triangulation::from_geo_polygon(polygon).as_navmesh();
    for _ in 0..3 {
        peer.merge_polygons();
    }
    peer.bake();
    let sides: Vec<(Point2<f64>, Point2<f64>)> = free
        .rings()
        .iter()
        .flat_map(|ring| ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)))
        .collect();
    let pairs = if quick { 200 } else { 2_000 };
    let mut places: Vec<Point2<f64>> = Vec::new();
    while places.len() < 2 * pairs {
        let drawn = random.places(&sides, 2 * pairs);
        places.extend(drawn.into_iter().filter(|p| exact.contains(&at(p))));
    }
    let (mut ours, mut theirs, mut none, mut peer_longer) = (Vec::new(), Vec::new(), 0.0, 0.0);
    let mut scratch = Scratch::new();
    for pair in places.chunks_exact(2).take(pairs) {
        let [a, b] = pair else { continue };
        let (from, to) = (single(a), single(b));
        // The least of some: a machine that is busy elsewhere says nothing about a path.
        let (mut own_us, mut peer_us) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..5 {
            own_us = own_us.min(seconds(|| free.path(*a, *b, &mut scratch)) * 1e6);
            peer_us = peer_us.min(seconds(|| peer.path(from, to)) * 1e6);
        }
        ours.push(own_us);
        theirs.push(peer_us);
        match (free.path(*a, *b, &mut scratch), peer.path(from, to)) {
            (Ok(path), Some(other)) => {
                let (length_m, peer_m) = (path.length_m, f64::from(other.length));
                let play_m = 1e-3 + 1e-6 * length_m;
                let is_free = path
                    .points
                    .windows(2)
                    .all(|leg| matches!(leg, [a, b] if geometry.sweep_free(*a, *b, RADIUS_M - 1e-9)));
                if peer_m + play_m < length_m || !is_free {
                    return Err(
                        format!("a path of {length_m} m, free: {is_free}, the peer's {peer_m} m").into()
                    );
                }
                peer_longer += f64::from(u8::from(length_m + play_m < peer_m));
            }
            (Err(_), _) => none += 1.0,
            (Ok(_), None) => {}
        }
    }
    let part = |times: &[f64], percent: usize| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0.0)
    };
    Ok(vec![
        beside("path_clinic_p50_us", "us", part(&ours, 50), "polyanya", part(&theirs, 50)),
        beside("path_clinic_p99_us", "us", part(&ours, 99), "polyanya", part(&theirs, 99)),
        Figure::alone("map", "path_clinic_false_none", none, "paths"),
        Figure::alone("map", "path_clinic_peer_longer", peer_longer, "paths"),
    ])
}

/// `free_space_clinic_ms`: the free space with its polygons and indexes.
pub(super) fn free_space(name: &str, geometry: &LevelGeometry, runs: usize) -> Outcome<Figure> {
    FreeSpace::new(geometry, RADIUS_M)?;
    let times = (0..runs).map(|_| seconds(|| FreeSpace::new(geometry, RADIUS_M)) * 1e3).collect();
    Ok(Figure::alone("map", name, median(times), "ms"))
}

/// `route_10k_us`: a roadmap of 100 by 100 waypoints, against petgraph's A* with the distance for an estimate.
pub(super) fn route(name: &str, random: &mut Random, runs: usize) -> Outcome<Figure> {
    const SIDE: u32 = 100;
    let mut site = Site::new("raster");
    site.levels.push(model::Level::new("0", 0.0));
    let vertex = |x: u32, y: u32| format!("{x}-{y}");
    for x in 0..SIDE {
        for y in 0..SIDE {
            let at = [x, y].map(|n| f64::from(n) * 2.0 + random.between(-0.5, 0.5));
            let [x_m, y_m] = at;
            site.waypoints.push(model::Waypoint::new(vertex(x, y), "0", x_m, y_m));
            if 0 < x {
                site.lanes.push(model::Lane::two_way(vertex(x - 1, y), vertex(x, y)));
            }
            if 0 < y {
                site.lanes.push(model::Lane::two_way(vertex(x, y - 1), vertex(x, y)));
            }
        }
    }
    let options = CompileOptions { spacing: sheepdog_core::Mm(100_000), ..CompileOptions::default() };
    let site = site.compile(&options).map_err(|_| "the raster is a site")?;
    let profile = TravelProfile::person(MmPerS(1_000));
    let waits = NominalWaits(&site);
    let table = RouteTable::new(&site, profile, &waits);
    let mut peer: DiGraph<[f64; 2], u64> = DiGraph::new();
    let nodes: Vec<NodeIndex> = site
        .waypoints()
        .iter()
        .map(|way| peer.add_node([f64::from(way.x_mm), f64::from(way.y_mm)]))
        .collect();
    for (id, lane) in (0..).map(sheepdog_core::LaneId).zip(site.lanes()) {
        if let (Some(from), Some(to), Some(time)) =
            (nodes.get(lane.from.index()), nodes.get(lane.to.index()), lane_time(&site, profile, &waits, id))
        {
            peer.add_edge(*from, *to, time.as_micros());
        }
    }
    let pairs: Vec<(WaypointId, WaypointId)> = (0..40)
        .map(|_| {
            let mut one = || WaypointId(u32::try_from(random.below(nodes.len())).unwrap_or(0));
            (one(), one())
        })
        .collect();
    let scratch = std::cell::RefCell::new(RouteScratch::new());
    #[expect(clippy::cast_precision_loss, reason = "some million microseconds")]
    let float = |time: u64| time as f64;
    let ours = |pair: &(WaypointId, WaypointId)| {
        table
            .route(pair.0, pair.1, &mut scratch.borrow_mut())
            .map_or(-1.0, |route| float(route.1.as_micros()))
    };
    let theirs = |pair: &(WaypointId, WaypointId)| {
        let (Some(from), Some(to)) = (nodes.get(pair.0.index()), nodes.get(pair.1.index())) else {
            return -1.0;
        };
        let goal = peer.node_weight(*to).copied().unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a distance in micrometres"
        )]
        let estimate = |node: NodeIndex| {
            let [x, y] = peer.node_weight(node).copied().unwrap_or_default();
            let [gx, gy] = goal;
            (((x - gx) * (x - gx) + (y - gy) * (y - gy)).sqrt() * 999.0) as u64
        };
        astar(&peer, *from, |node| node == *to, |edge| *edge.weight(), estimate)
            .map_or(-1.0, |path| float(path.0))
    };
    for pair in &pairs {
        super::agree(name, ours(pair), theirs(pair))?;
    }
    let (own_ns, peer_ns) = in_turns(&pairs, runs, ours, theirs);
    Ok(beside(name, "us", own_ns / 1e3, "petgraph", peer_ns / 1e3))
}
