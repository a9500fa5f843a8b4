//! Whether a hole lies in a floor, with exact orientation tests.

use robust::{Coord, orient2d};

type Point = [f64; 2];

/// How a hole lies towards a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The hole is in the floor; it may touch its edge.
    Within,
    /// They share no area.
    Apart,
    /// Anything else.
    Crossing,
}

/// How `hole` lies towards `floor`. O(n·m).
pub(super) fn relation(hole: &[Point], floor: &[Point]) -> Relation {
    let cross = edges(hole).any(|(a, b)| edges(floor).any(|(c, d)| properly_cross(a, b, c, d)));
    let sides: Vec<Side> = hole.iter().map(|point| side(*point, floor)).collect();
    if cross {
        Relation::Crossing
    } else if !sides.contains(&Side::Outside) {
        Relation::Within
    } else if sides.contains(&Side::Inside) || floor.iter().any(|point| side(*point, hole) == Side::Inside) {
        Relation::Crossing
    } else {
        Relation::Apart
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Inside,
    On,
    Outside,
}

fn side(point: Point, ring: &[Point]) -> Side {
    let mut inside = false;
    for (a, b) in edges(ring) {
        let turn = turn(a, b, point);
        if turn == 0 && between(a, b, point) {
            return Side::On;
        }
        // Half-open in y, so a ray through a corner counts it once.
        if (a[1] <= point[1]) != (b[1] <= point[1]) {
            let upward = a[1] < b[1];
            inside ^= if upward { 0 < turn } else { turn < 0 };
        }
    }
    if inside { Side::Inside } else { Side::Outside }
}

fn between(a: Point, b: Point, point: Point) -> bool {
    let within =
        |axis: fn(Point) -> f64| axis(a).min(axis(b)) <= axis(point) && axis(point) <= axis(a).max(axis(b));
    within(|[x, _]| x) && within(|[_, y]| y)
}

fn properly_cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0
}

/// 1 when `a`, `b`, `c` turn left, -1 when they turn right, 0 on a line. Exact.
fn turn(a: Point, b: Point, c: Point) -> i8 {
    let coord = |[x, y]: Point| Coord { x, y };
    let area = orient2d(coord(a), coord(b), coord(c));
    i8::from(0.0 < area) - i8::from(area < 0.0)
}

fn edges(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: [Point; 4] = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];

    fn square(x: f64, y: f64, side: f64) -> [Point; 4] {
        [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    }

    #[test]
    fn holes_are_within_apart_or_crossing() {
        for (hole, expected) in [
            (square(1.0, 1.0, 1.0), Relation::Within),
            (square(0.0, 1.0, 1.0), Relation::Within),
            (square(4.0, 1.0, 1.0), Relation::Apart),
            (square(9.0, 1.0, 1.0), Relation::Apart),
            (square(3.5, 1.0, 1.0), Relation::Crossing),
            (square(-1.0, -1.0, 9.0), Relation::Crossing),
        ] {
            assert_eq!(relation(&hole, &FLOOR), expected, "{hole:?}");
            let mut clockwise = FLOOR;
            clockwise.reverse();
            assert_eq!(relation(&hole, &clockwise), expected, "{hole:?} in a clockwise floor");
        }
    }
}
