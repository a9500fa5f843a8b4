//! The mapped area without what is too close to a wall or to its edge.
//!
//! Walls and edges are inflated by polygons around the round shape, never inside it, so the result never contains a
//! point where the disc would touch. It owns the rounding: everything is on a raster of 2^-20 m, which `f64` holds
//! exactly up to a thousand kilometres and more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use i_overlay::{
    core::{fill_rule::FillRule, overlay::Overlay, overlay_rule::OverlayRule},
    i_float::int::point::IntPoint,
};
use nalgebra::Vector2;

use super::FreeSpaceError;
use crate::geometry::{LevelGeometry, Point, sides, twice_area};

/// Steps of the raster per metre: a power of two.
const SCALE: f64 = 1_048_576.0;
/// Inflation on top of the radius that covers the rounding of corners and crossings.
const ROUNDING_M: f64 = 6e-6;
/// Sides of the polygon around a circle.
const CIRCLE_SIDES: u32 = 16;

/// Rings of the free space: outer rings counter-clockwise, holes clockwise, corners on the raster.
pub(super) fn free_rings(
    geometry: &LevelGeometry,
    closed: &[&[Point]],
    radius_m: f64,
) -> Result<Vec<Vec<Point>>, FreeSpaceError> {
    let bodies = geometry.walls.iter().map(|wall| (wall.a, wall.b, wall.thickness_m / 2.0));
    let edges = geometry.sides.iter().copied().chain(closed.iter().flat_map(|ring| sides(ring)));
    let edges = edges.map(|(a, b)| (a, b, 0.0));
    let arcs = arcs();
    let mut taken_m2 = 0.0;
    let mut obstacles: Vec<Vec<IntPoint<i64>>> = bodies
        .chain(edges)
        .map(|(a, b, half_m)| {
            let capsule = capsule(a, b, half_m + radius_m + ROUNDING_M, &arcs);
            taken_m2 += twice_area(&capsule) / 2.0;
            contour(&capsule)
        })
        .collect();
    for ring in closed {
        let area_m2 = twice_area(ring) / 2.0;
        taken_m2 += area_m2.abs();
        let mut ring = contour(ring);
        // Turned the same way as the inflated sides, so that what lies in both counts twice and not zero times.
        if area_m2 < 0.0 {
            ring.reverse();
        }
        obstacles.push(ring);
    }
    let area: Vec<Vec<IntPoint<i64>>> = geometry.rings.iter().map(|ring| contour(ring)).collect();
    let shapes = catch_unwind(AssertUnwindSafe(|| {
        Overlay::<i64>::from_subj_and_clip(&area, &obstacles)
            .overlay(OverlayRule::Difference, FillRule::NonZero)
    }));
    let credible = ((geometry.area_m2 - taken_m2).max(0.0), geometry.area_m2);
    let shapes = shapes.map_err(|_| FreeSpaceError::Overlay { found_m2: f64::NAN, credible_m2: credible })?;
    let rings: Vec<Vec<Point>> = shapes
        .into_iter()
        .flatten()
        .map(|ring| ring.into_iter().map(|p| Point::new(metres(p.x), metres(p.y))).collect())
        .collect();
    let found_m2 = rings.iter().map(|ring: &Vec<Point>| twice_area(ring)).sum::<f64>() / 2.0;
    let play_m2 = 1e-6 + 1e-9 * geometry.area_m2 + 1e-6 * taken_m2;
    if credible.0 - play_m2 <= found_m2 && found_m2 <= credible.1 + play_m2 {
        Ok(rings)
    } else {
        Err(FreeSpaceError::Overlay { found_m2, credible_m2: credible })
    }
}

/// Corners of half the polygon around the unit circle, on the side of positive x, counter-clockwise.
fn arcs() -> Vec<Vector2<f64>> {
    let step = 2.0 * std::f64::consts::PI / f64::from(CIRCLE_SIDES);
    let outside = 1.0 / libm::cos(step / 2.0);
    (0..CIRCLE_SIDES / 2)
        .map(|n| -std::f64::consts::FRAC_PI_2 + (f64::from(n) + 0.5) * step)
        .map(|angle| Vector2::new(libm::cos(angle), libm::sin(angle)) * outside)
        .collect()
}

/// A polygon around everything within `reach_m` of a segment; counter-clockwise.
///
/// It is the sum of the segment and a polygon that does not depend on the reach but in size, so a larger reach gives
/// a larger polygon everywhere.
fn capsule(a: Point, b: Point, reach_m: f64, arcs: &[Vector2<f64>]) -> Vec<Point> {
    let along = (b - a).try_normalize(0.0).unwrap_or_else(Vector2::x);
    let turned = |arc: &Vector2<f64>| {
        Vector2::new(along.x * arc.x - along.y * arc.y, along.y * arc.x + along.x * arc.y)
    };
    let ahead = arcs.iter().map(|arc| b + turned(arc) * reach_m);
    let behind = arcs.iter().map(|arc| a - turned(arc) * reach_m);
    ahead.chain(behind).collect()
}

fn contour(ring: &[Point]) -> Vec<IntPoint<i64>> {
    ring.iter().map(|p| IntPoint { x: steps(p.x), y: steps(p.y) }).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "coordinates were checked to be at most 1e6 m; casts saturate"
)]
fn steps(metres: f64) -> i64 {
    (metres * SCALE).round() as i64
}

#[expect(clippy::cast_precision_loss, reason = "at most 2^41, exact in f64, and so is the quotient")]
fn metres(steps: i64) -> f64 {
    steps as f64 / SCALE
}

/// Corners of rings that a shortest path can turn at: those where the free space reaches around more than half a turn.
pub(super) fn turning_corners(rings: &[Vec<Point>]) -> impl Iterator<Item = Point> + '_ {
    rings.iter().flat_map(|ring| {
        let before = sides(ring).map(|(a, _)| a);
        let after = sides(ring).skip(1).chain(sides(ring).take(1));
        before
            .zip(after)
            .filter(|&(a, (b, c))| crate::geometry::orientation(a, b, c) < 0.0)
            .map(|(_, (b, _))| b)
    })
}
