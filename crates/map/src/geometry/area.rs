//! The mapped area of a level: the union of its rooms.

use std::panic::{AssertUnwindSafe, catch_unwind};

use i_overlay::{
    core::{fill_rule::FillRule, overlay::Overlay, overlay_rule::OverlayRule},
    i_float::int::point::IntPoint,
};

use super::{
    grid::Grid,
    segment::{Point, point_to_segment, sides, twice_area},
};

/// Corners of other rooms this close to a side count as lying on it, so that no cracks remain between rooms.
const SNAP_M: f64 = 0.005;

/// Micrometres per metre: the union works on integers, so it is the same on every machine.
const SCALE: f64 = 1e6;

/// An outer ring and its holes, in either winding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Polygon {
    pub(crate) outer: Vec<Point>,
    pub(crate) holes: Vec<Vec<Point>>,
}

impl Polygon {
    /// Area without the holes, square metres.
    pub(crate) fn area_m2(&self) -> f64 {
        let holes: f64 = self.holes.iter().map(|hole| twice_area(hole).abs()).sum();
        (twice_area(&self.outer).abs() - holes) / 2.0
    }
}

/// The area found is outside what the polygons allow; `found_m2` is NaN when the union failed altogether.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct UnionError {
    pub(crate) found_m2: f64,
    /// Area of the largest polygon and sum of the areas of all, square metres.
    pub(crate) credible: (f64, f64),
}

/// Rings of the union of polygons, less the inside of other rings: outer rings counter-clockwise, holes clockwise, corners
/// on whole micrometres.
///
/// Corners closer than 5 mm to a side of another polygon are joined to it. The result is checked against the
/// bounds that the single areas give.
pub(crate) fn mapped_area(
    polygons: &[Polygon],
    without: &[Vec<Point>],
) -> Result<Vec<Vec<Point>>, UnionError> {
    let rings = union(polygons)?;
    if without.is_empty() || rings.is_empty() {
        return Ok(rings);
    }
    let area_m2 = |rings: &[Vec<Point>]| rings.iter().map(|ring| twice_area(ring)).sum::<f64>() / 2.0;
    let (before_m2, taken_m2) =
        (area_m2(&rings), without.iter().map(|ring| twice_area(ring).abs()).sum::<f64>() / 2.0);
    let credible = ((before_m2 - taken_m2).max(0.0), before_m2);
    let integers = |ring: &Vec<Point>| ring.iter().copied().map(integer).collect::<Vec<_>>();
    let subject: Vec<_> = rings.iter().map(integers).collect();
    let outlines: Vec<_> =
        without.iter().map(|ring| Polygon { outer: ring.clone(), holes: Vec::new() }).collect();
    let clip: Vec<_> = oriented(&outlines).iter().map(integers).collect();
    let left = overlaid(|| {
        Overlay::<i64>::from_subj_and_clip(&subject, &clip)
            .overlay(OverlayRule::Difference, FillRule::Positive)
    })
    .ok_or(UnionError { found_m2: f64::NAN, credible })?;
    let found_m2 = area_m2(&left);
    if credible.0 - 1e-6 <= found_m2 && found_m2 <= credible.1 + 1e-6 {
        Ok(left)
    } else {
        Err(UnionError { found_m2, credible })
    }
}

/// Area that two polygons have in common, square metres; `None` when the polygon library fails.
pub(crate) fn common_area_m2(one: &Polygon, other: &Polygon) -> Option<f64> {
    let contours = |polygon: &Polygon| {
        let rings = oriented(std::slice::from_ref(polygon));
        rings.iter().map(|ring| ring.iter().copied().map(integer).collect()).collect::<Vec<Vec<_>>>()
    };
    let (one, other) = (contours(one), contours(other));
    let rings = overlaid(|| {
        Overlay::<i64>::from_subj_and_clip(&one, &other).overlay(OverlayRule::Intersect, FillRule::Positive)
    })?;
    Some(rings.iter().map(|ring| twice_area(ring)).sum::<f64>() / 2.0)
}

fn union(polygons: &[Polygon]) -> Result<Vec<Vec<Point>>, UnionError> {
    let low_m2 = polygons.iter().map(Polygon::area_m2).fold(0.0, f64::max);
    let high_m2: f64 = polygons.iter().map(Polygon::area_m2).sum();
    let contours = contours(&oriented(polygons));
    let rings =
        overlaid(|| Overlay::<i64>::from_subj(&contours).overlay(OverlayRule::Subject, FillRule::Positive))
            .ok_or(UnionError { found_m2: f64::NAN, credible: (low_m2, high_m2) })?;
    let found_m2 = rings.iter().map(|ring: &Vec<Point>| twice_area(ring)).sum::<f64>() / 2.0;
    let girth_m: f64 = polygons.iter().flat_map(|p| sides(&p.outer)).map(|(a, b)| (b - a).norm()).sum();
    let play_m2 = 1e-6 + girth_m * SNAP_M;
    if low_m2 - play_m2 <= found_m2 && found_m2 <= high_m2 + play_m2 {
        Ok(rings)
    } else {
        Err(UnionError { found_m2, credible: (low_m2, high_m2) })
    }
}

/// The rings of what the polygon library makes; `None` when it panics. It works on hostile numbers, and a panic in it is
/// a refused site, not a crashed coordinator.
fn overlaid(overlay: impl FnOnce() -> Vec<Vec<Vec<IntPoint<i64>>>>) -> Option<Vec<Vec<Point>>> {
    let shapes = catch_unwind(AssertUnwindSafe(overlay)).ok()?;
    let metres = |contour: Vec<IntPoint<i64>>| {
        contour.into_iter().map(|p| Point::new(metres(p.x), metres(p.y))).collect()
    };
    Some(shapes.into_iter().flatten().map(metres).collect())
}

/// All rings, outer ones counter-clockwise and holes clockwise.
fn oriented(polygons: &[Polygon]) -> Vec<Vec<Point>> {
    let turned = |ring: &Vec<Point>, left: bool| {
        let mut ring = ring.clone();
        if (0.0 < twice_area(&ring)) != left {
            ring.reverse();
        }
        ring
    };
    polygons
        .iter()
        .flat_map(|polygon| {
            let holes = polygon.holes.iter().map(move |hole| turned(hole, false));
            std::iter::once(turned(&polygon.outer, true)).chain(holes)
        })
        .collect()
}

/// Integer contours in which corners that lie on a side of another ring are corners of that ring too.
fn contours(rings: &[Vec<Point>]) -> Vec<Vec<IntPoint<i64>>> {
    let corners: Vec<Point> = snapped(rings.iter().flatten().copied().collect());
    let mut rest = corners.as_slice();
    let rings: Vec<&[Point]> = rings
        .iter()
        .map(|ring| {
            let (own, others) = rest.split_at(ring.len().min(rest.len()));
            rest = others;
            own
        })
        .collect();
    let index = Grid::new(&corners.iter().map(|p| (*p, *p)).collect::<Vec<_>>());
    rings
        .into_iter()
        .map(|ring| {
            let mut contour: Vec<IntPoint<i64>> = Vec::with_capacity(ring.len());
            for (a, b) in sides(ring) {
                contour.push(integer(a));
                contour.extend(corners_on(a, b, &corners, &index).into_iter().map(integer));
            }
            contour.dedup();
            contour
        })
        .collect()
}

/// Moves every corner to the first one within the snapping distance.
fn snapped(mut corners: Vec<Point>) -> Vec<Point> {
    let index = Grid::new(&corners.iter().map(|p| (*p, *p)).collect::<Vec<_>>());
    for own in 0..corners.len() {
        let Some(&p) = corners.get(own) else { continue };
        let mut first = own;
        index.near(p, p, SNAP_M, |other| {
            let other = other as usize;
            if other < first && corners.get(other).is_some_and(|q| (p - q).norm() <= SNAP_M) {
                first = other;
            }
        });
        if let Some(target) = corners.get(first).copied()
            && let Some(corner) = corners.get_mut(own)
        {
            *corner = target;
        }
    }
    corners
}

/// Corners within the snapping distance of a side, without its ends, in the order along it.
fn corners_on(a: Point, b: Point, corners: &[Point], index: &Grid) -> Vec<Point> {
    let along = b - a;
    let mut found: Vec<(f64, Point)> = Vec::new();
    index.near(a, b, 2.0 * SNAP_M, |corner| {
        if let Some(&p) = corners.get(corner as usize)
            && p != a
            && p != b
            && point_to_segment(p, a, b) <= SNAP_M
        {
            found.push(((p - a).dot(&along), p));
        }
    });
    found.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.x.total_cmp(&q.1.x)).then(p.1.y.total_cmp(&q.1.y)));
    found.dedup_by(|p, q| p.1 == q.1);
    found.into_iter().map(|found| found.1).collect()
}

fn integer(p: Point) -> IntPoint<i64> {
    IntPoint { x: micrometres(p.x), y: micrometres(p.y) }
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates were checked to be at most 1e6 m")]
fn micrometres(metres: f64) -> i64 {
    (metres * SCALE).round() as i64
}

#[expect(clippy::cast_precision_loss, reason = "at most 1e12, exact in f64")]
fn metres(micrometres: i64) -> f64 {
    micrometres as f64 / SCALE
}
