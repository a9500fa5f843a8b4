//! Bézier curves as chains of straight pieces.

/// How far a piece may be beside its curve, metres.
pub(super) const CURVE_OFF_MAX_M: f64 = 0.02;
/// Pieces that are shorter than this are joined, metres.
pub(super) const LANE_MIN_M: f64 = 0.01;
/// The most pieces of one curve.
const PIECES_MAX: f64 = 64.0;

pub(super) type Point = [f64; 2];

pub(super) fn apart([x, y]: Point, [u, v]: Point) -> f64 {
    libm::hypot(x - u, y - v)
}

/// The places between both ends of a cubic curve (two control points), or of two that meet in the third of five control
/// points; `None` for any other number of control points.
pub(super) fn chain(a: Point, controls: &[Point], b: Point) -> Option<Vec<Point>> {
    match *controls {
        [c, d] => Some(cubic([a, c, d, b])),
        [out, towards, middle, onwards, into] => {
            let mut places = cubic([a, out, towards, middle]);
            places.push(middle);
            places.extend(cubic([middle, onwards, into, b]));
            Some(places)
        }
        _ => None,
    }
}

/// Evenly spaced in the curve's parameter: `n` pieces are at most `m / (8 n²)` beside a curve whose second derivative is
/// at most `m`, which for a cubic is six times the larger second difference of its control points.
fn cubic([start, out, into, end]: [Point; 4]) -> Vec<Point> {
    let bend = |p: Point, q: Point, r: Point| libm::hypot(p[0] - 2.0 * q[0] + r[0], p[1] - 2.0 * q[1] + r[1]);
    let second = 6.0 * bend(start, out, into).max(bend(out, into, end));
    let pieces = libm::ceil(libm::sqrt(second / (8.0 * CURVE_OFF_MAX_M))).clamp(1.0, PIECES_MAX);
    let mut places = Vec::new();
    let mut step = 1.0;
    while step < pieces {
        let t = step / pieces;
        let s = 1.0 - t;
        let at = |axis: fn(Point) -> f64| {
            let (near, far) = (s * axis(start) + 3.0 * t * axis(out), 3.0 * s * axis(into) + t * axis(end));
            s * s * near + t * t * far
        };
        places.push([at(|[x, _]| x), at(|[_, y]| y)]);
        step += 1.0;
    }
    places
}
