//! Points and segments: exact orientation, plain distances.

use nalgebra::{Point2, Vector2};
use robust::{Coord, orient2d};

/// A point of a level, metres.
pub(crate) type Point = Point2<f64>;

/// Positive when `c` lies left of the line from `a` to `b`, negative when right, zero exactly on it.
///
/// The sign is exact (adaptive precision arithmetic).
#[inline]
pub(crate) fn orientation(a: Point, b: Point, c: Point) -> f64 {
    let coord = |p: Point| Coord { x: p.x, y: p.y };
    orient2d(coord(a), coord(b), coord(c))
}

/// Whether `p`, known to be on the line through `a` and `b`, is between them, ends included.
pub(crate) fn between(a: Point, b: Point, p: Point) -> bool {
    let within = |a: f64, b: f64, p: f64| a.min(b) <= p && p <= a.max(b);
    within(a.x, b.x, p.x) && within(a.y, b.y, p.y)
}

/// Whether two closed segments have a point in common; exact.
pub(crate) fn segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let sides = [orientation(a, b, c), orientation(a, b, d), orientation(c, d, a), orientation(c, d, b)];
    let [c_side, d_side, a_side, b_side] = sides;
    let apart = |s: f64, t: f64| (s < 0.0 && 0.0 < t) || (t < 0.0 && 0.0 < s);
    if apart(c_side, d_side) && apart(a_side, b_side) {
        return true;
    }
    let on = |side: f64, from: Point, to: Point, p: Point| side == 0.0 && between(from, to, p);
    on(c_side, a, b, c) || on(d_side, a, b, d) || on(a_side, c, d, a) || on(b_side, c, d, b)
}

/// The point of the segment from `a` to `b` that is closest to `p`.
pub(crate) fn closest(p: Point, a: Point, b: Point) -> Point {
    let along = b - a;
    let square = along.norm_squared();
    let share = if 0.0 < square { ((p - a).dot(&along) / square).clamp(0.0, 1.0) } else { 0.0 };
    a + along * share
}

/// Distance from a point to a segment.
pub(crate) fn point_to_segment(p: Point, a: Point, b: Point) -> f64 {
    (p - closest(p, a, b)).norm()
}

/// Distance between two segments, and the point of the first one that is closest to the second.
pub(crate) fn approach(a: Point, b: Point, c: Point, d: Point) -> (f64, Point) {
    if segments_meet(a, b, c, d) {
        return (0.0, crossing(a, b, c, d));
    }
    let ends = [
        (point_to_segment(a, c, d), a),
        (point_to_segment(b, c, d), b),
        (point_to_segment(c, a, b), closest(c, a, b)),
        (point_to_segment(d, a, b), closest(d, a, b)),
    ];
    ends.into_iter().fold((f64::INFINITY, a), |best, end| if end.0 < best.0 { end } else { best })
}

/// Distance between two segments; zero exactly when they meet.
pub(crate) fn segment_to_segment(a: Point, b: Point, c: Point, d: Point) -> f64 {
    approach(a, b, c, d).0
}

/// How far along the segment from `a` to `b`, as a share of its length, the line through `c` and `d` crosses it.
pub(crate) fn crossing_share(a: Point, b: Point, c: Point, d: Point) -> f64 {
    let (along, other) = (b - a, d - c);
    let denominator = along.perp(&other);
    if denominator == 0.0 {
        let square = along.norm_squared();
        let share = |p: Point| if 0.0 < square { (p - a).dot(&along) / square } else { 0.0 };
        return share(c).min(share(d)).clamp(0.0, 1.0);
    }
    ((c - a).perp(&other) / denominator).clamp(0.0, 1.0)
}

fn crossing(a: Point, b: Point, c: Point, d: Point) -> Point {
    a + (b - a) * crossing_share(a, b, c, d)
}

/// Distance along a ray to a segment, `INFINITY` when it misses. Ends count as hit within 1e-9 of the length.
///
/// A ray along a segment (within a microradian, where a crossing is ill defined) hits its nearer end.
pub(crate) fn ray_to_segment(origin: Point, direction: Vector2<f64>, a: Point, b: Point) -> f64 {
    const SLACK: f64 = 1e-9;
    const PARALLEL_SINE: f64 = 1e-6;
    let along = b - a;
    let to = a - origin;
    let denominator = direction.perp(&along);
    if denominator * denominator <= PARALLEL_SINE * PARALLEL_SINE * along.norm_squared() {
        return grazing_hit(to, b - origin, direction);
    }
    // Most segments miss, and a miss needs no division.
    let (share, whole) = (to.perp(&direction) * denominator.signum(), denominator.abs());
    if share < -SLACK * whole || (1.0 + SLACK) * whole < share {
        return f64::INFINITY;
    }
    let distance = to.perp(&along) / denominator;
    if -SLACK <= distance { distance.max(0.0) } else { f64::INFINITY }
}

fn grazing_hit(to_a: Vector2<f64>, to_b: Vector2<f64>, direction: Vector2<f64>) -> f64 {
    const BESIDE_M: f64 = 1e-9;
    let (a_side, b_side) = (direction.perp(&to_a), direction.perp(&to_b));
    if BESIDE_M < a_side.min(b_side) || a_side.max(b_side) < -BESIDE_M {
        return f64::INFINITY;
    }
    let (near, far) = (to_a.dot(&direction), to_b.dot(&direction));
    let (near, far) = (near.min(far), near.max(far));
    if far < -BESIDE_M { f64::INFINITY } else { near.max(0.0) }
}

/// Twice the signed area of a ring, positive when counter-clockwise.
pub(crate) fn twice_area(ring: &[Point]) -> f64 {
    let Some(&base) = ring.first() else {
        return 0.0;
    };
    // Relative to one corner, so that a ring far from the origin keeps its digits.
    ring.windows(2)
        .filter_map(|pair| pair.first().zip(pair.last()))
        .map(|(p, q)| (p - base).perp(&(q - base)))
        .sum()
}

/// The sides of a ring, the closing one last.
pub(crate) fn sides(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// Whether a point is inside a ring or on its boundary; exact.
pub(crate) fn ring_contains(ring: &[Point], p: Point) -> bool {
    sides(ring)
        .try_fold(false, |inside, (a, b)| crosses(a, b, p).map(|cross| inside != cross))
        .unwrap_or(true)
}

/// Whether the ray from `p` towards larger x crosses the side from `a` to `b`; `None` when `p` is on the side.
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "measured: a branch that is guessed wrong costs more than all the tests"
)]
pub(crate) fn crosses(a: Point, b: Point, p: Point) -> Option<bool> {
    // Half-open in y, so a corner counts for exactly one of its two sides.
    let (upwards, downwards) = ((a.y <= p.y) & (p.y < b.y), (b.y <= p.y) & (p.y < a.y));
    let is_left = (p.x < a.x) & (p.x < b.x);
    let is_right = (a.x < p.x) & (b.x < p.x);
    let is_beside = ((p.y < a.y) & (p.y < b.y)) | ((a.y < p.y) & (b.y < p.y));
    if is_left | is_right | is_beside {
        return Some(is_left & (upwards | downwards));
    }
    let side = orientation(a, b, p);
    if side == 0.0 && between(a, b, p) {
        return None;
    }
    Some((upwards && 0.0 < side) || (downwards && side < 0.0))
}
