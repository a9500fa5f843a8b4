use proptest::prelude::*;

use super::*;
use crate::geometry::{
    WallSegment, orientation, point_to_segment, ring_contains, segments_meet,
    tests::{level, polygon, probe, rectangles, walls},
};

fn radius() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(0.25), Just(0.5), 0.0..0.8_f64]
}

/// Whether a straight line stays in the free space, by its sides alone: between two crossings it is inside or it is not.
fn is_straight_free(free: &FreeSpace, a: Point, b: Point) -> bool {
    let along = b - a;
    let mut shares = vec![0.0, 1.0];
    for &(c, d) in &free.sides {
        if segments_meet(a, b, c, d) {
            let denominator = along.perp(&(d - c));
            if denominator != 0.0 {
                shares.push((c - a).perp(&(d - c)) / denominator);
            }
            let square = along.norm_squared();
            shares.extend([c, d].map(|p| if 0.0 < square { (p - a).dot(&along) / square } else { 0.0 }));
        }
    }
    shares.retain(|share| (0.0..=1.0).contains(share));
    shares.sort_by(f64::total_cmp);
    shares.windows(2).all(|pair| {
        let middle = a + along * f64::midpoint(pair[0], pair[1]);
        is_in(free, middle) || free.sides.iter().any(|&(c, d)| point_to_segment(middle, c, d) < 1e-9)
    })
}

/// Membership by the definition: in an odd number of rings, or on one.
fn is_in(free: &FreeSpace, p: Point) -> bool {
    let on =
        free.sides.iter().any(|&(a, b)| orientation(a, b, p) == 0.0 && point_to_segment(p, a, b) < 1e-12);
    on || free.rings.iter().filter(|ring| ring_contains(ring, p)).count() % 2 == 1
}

/// Length of the shortest path over the graph of all corners that see each other; infinite when there is none.
fn visibility_graph(free: &FreeSpace, start: Point, goal: Point) -> f64 {
    let mut points: Vec<Point> = vec![start, goal];
    points.extend(free.rings.iter().flatten());
    let mut lengths = vec![f64::INFINITY; points.len()];
    let mut done = vec![false; points.len()];
    lengths[0] = 0.0;
    loop {
        let open = (0..points.len()).filter(|n| !done[*n] && lengths[*n].is_finite());
        let Some(at) = open.min_by(|x, y| lengths[*x].total_cmp(&lengths[*y])) else { return lengths[1] };
        if at == 1 {
            return lengths[1];
        }
        done[at] = true;
        for next in 0..points.len() {
            let length = lengths[at] + (points[next] - points[at]).norm();
            if length < lengths[next] && is_straight_free(free, points[at], points[next]) {
                lengths[next] = length;
            }
        }
    }
}

fn free_points(free: &FreeSpace, probes: &[Point]) -> Vec<Point> {
    let corners = free.rings.iter().flatten().copied().step_by(5).take(4);
    probes.iter().filter(|p| free.contains(**p)).copied().chain(corners).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Free means that the disc fits; what does not fit by a margin is not free; the index agrees with the definition.
    #[test]
    fn free_means_that_the_disc_fits(
        rectangles in rectangles(), walls in walls(), radius_m in radius(),
        probes in prop::collection::vec(probe(), 1..40),
    ) {
        let geometry = level(&rectangles, walls);
        let free = FreeSpace::new(&geometry, radius_m).unwrap();
        for p in probes {
            prop_assert_eq!(free.contains(p), is_in(&free, p));
            if free.contains(p) {
                prop_assert!(geometry.disc_free(p, radius_m));
                prop_assert!(free.component(p).is_some_and(|component| component < free.components()));
            }
            // The polygon around a circle of 16 sides is 2 % larger at its corners; walls are up to 0.15 m thick.
            let roomy = geometry.disc_free(p, radius_m + 0.02 * (radius_m + 0.15) + 2e-5);
            prop_assert!(!roomy || free.contains(p));
            if let Some(near) = free.nearest_free(p) {
                prop_assert!(free.contains(near));
                let away = free.sides.iter().map(|&(a, b)| point_to_segment(p, a, b)).fold(f64::INFINITY, f64::min);
                prop_assert!(free.contains(p) || ((p - near).norm() - away).abs() < 1e-6);
            } else {
                prop_assert!(free.rings.is_empty());
            }
        }
    }

    /// With closed areas, free is what is free without them and further from all of them than the radius, whichever
    /// way round they are given; it is refused by 2 % of the radius around their corners at most.
    #[test]
    fn closed_areas_are_kept_clear(
        rectangles in rectangles(), closed in rectangles(), walls in walls(), radius_m in radius(),
        clockwise in any::<bool>(), probes in prop::collection::vec(probe(), 1..40),
    ) {
        let geometry = level(&rectangles, walls);
        let closed: Vec<Vec<Point>> = closed.iter().map(|ring| polygon(*ring, clockwise).outer).collect();
        let rings: Vec<&[Point]> = closed.iter().map(Vec::as_slice).collect();
        let (free, all) =
            (FreeSpace::outside(&geometry, &rings, radius_m).unwrap(), FreeSpace::new(&geometry, radius_m).unwrap());
        let away_m = |p: Point, ring: &Vec<Point>| {
            if ring_contains(ring, p) {
                return 0.0;
            }
            sides(ring).map(|(a, b)| point_to_segment(p, a, b)).fold(f64::INFINITY, f64::min)
        };
        for p in probes {
            let nearest_m = closed.iter().map(|ring| away_m(p, ring)).fold(f64::INFINITY, f64::min);
            if free.contains(p) {
                prop_assert!(all.contains(p) && radius_m <= nearest_m && 0.0 < nearest_m);
            } else {
                prop_assert!(!all.contains(p) || nearest_m <= 1.02 * radius_m + 2e-5);
            }
        }
    }

    /// Where a large disc fits, a smaller one does.
    #[test]
    fn a_larger_radius_is_a_subset(
        rectangles in rectangles(), walls in walls(), radius_m in radius(), more_m in prop_oneof![Just(1e-5), 0.0..0.3_f64],
        probes in prop::collection::vec(probe(), 1..40),
    ) {
        let geometry = level(&rectangles, walls);
        let small = FreeSpace::new(&geometry, radius_m).unwrap();
        let large = FreeSpace::new(&geometry, radius_m + more_m).unwrap();
        prop_assert!(large.area_m2() <= small.area_m2() + 1e-9);
        for p in probes.into_iter().chain(large.rings.iter().flatten().copied()) {
            prop_assert!(!large.contains(p) || small.contains(p));
        }
    }

    /// Paths stay in the free space, are as short as those over the graph of all corners, and exist exactly within a
    /// component; whichever end comes first.
    #[test]
    fn paths_equal_the_visibility_graph(
        rectangles in rectangles(), walls in walls(), radius_m in radius(),
        probes in prop::collection::vec(probe(), 2..6),
    ) {
        let free = FreeSpace::new(&level(&rectangles, walls), radius_m).unwrap();
        prop_assume!(free.sides.len() < 160);
        let mut scratch = Scratch::new();
        let points = free_points(&free, &probes);
        for pair in points.windows(2) {
            let [a, b] = *pair else { continue };
            let there = free.path(a, b, &mut scratch);
            let back = free.path(b, a, &mut scratch);
            let expected = visibility_graph(&free, a, b);
            match (there, back) {
                (Ok(there), Ok(back)) => {
                    prop_assert!((there.length_m - back.length_m).abs() < 1e-9);
                    prop_assert!((there.length_m - expected).abs() < 1e-6, "{} {}", there.length_m, expected);
                    prop_assert!((b - a).norm() <= there.length_m + 1e-9);
                    prop_assert_eq!((there.points[0], there.points[there.points.len() - 1]), (a, b));
                    for leg in there.points.windows(2) {
                        prop_assert!(is_straight_free(&free, leg[0], leg[1]));
                    }
                }
                (Err(there), Err(back)) => {
                    let blocked = PathError::Disconnected {
                        start_component: free.component(a).unwrap(), goal_component: free.component(b).unwrap(),
                    };
                    prop_assert_eq!(there, blocked);
                    let is_disconnected = matches!(back, PathError::Disconnected { .. });
                    prop_assert!(is_disconnected);
                    prop_assert!(free.component(a) != free.component(b) || expected.is_infinite());
                }
                (there, back) => prop_assert!(false, "{there:?} {back:?}"),
            }
        }
    }

    /// No detour is shorter.
    #[test]
    fn paths_obey_the_triangle_inequality(
        rectangles in rectangles(), walls in walls(), radius_m in radius(),
        probes in prop::collection::vec(probe(), 3..9),
    ) {
        let free = FreeSpace::new(&level(&rectangles, walls), radius_m).unwrap();
        let mut scratch = Scratch::new();
        let points = free_points(&free, &probes);
        for triple in points.windows(3) {
            let mut length = |a: usize, b: usize| {
                free.path(triple[a], triple[b], &mut scratch).map_or(f64::INFINITY, |path| path.length_m)
            };
            let (direct, first, second) = (length(0, 2), length(0, 1), length(1, 2));
            prop_assert!(direct <= first + second + 1e-9);
        }
    }
}

#[test]
fn questions_without_an_answer_say_why() {
    let walls = vec![WallSegment { a: Point::new(4.0, 0.0), b: Point::new(4.0, 8.0), thickness_m: 0.1 }];
    let geometry = level(&[[0, 0, 8, 8]], walls);
    let free = FreeSpace::new(&geometry, 0.3).unwrap();
    let mut scratch = Scratch::new();
    let (left, right, wall) = (Point::new(1.0, 1.0), Point::new(7.0, 1.0), Point::new(4.01, 4.0));
    assert_eq!(free.components(), 2);
    assert!(matches!(free.path(left, right, &mut scratch), Err(PathError::Disconnected { .. })));
    let Err(PathError::StartBlocked { nearest_free: Some(near) }) = free.path(wall, right, &mut scratch)
    else {
        unreachable!("a start in a wall")
    };
    assert!((near - Point::new(4.35, 4.0)).norm() < 1e-4 && free.contains(near));
    let blocked = free.path(left, wall, &mut scratch);
    assert_eq!(blocked, Err(PathError::GoalBlocked { nearest_free: Some(near) }));
    let nowhere = Point::new(f64::NAN, 0.0);
    let blocked = free.path(nowhere, left, &mut scratch);
    assert_eq!(blocked, Err(PathError::StartBlocked { nearest_free: None }));
    assert_eq!(free.path(left, left, &mut scratch).map(|path| path.length_m), Ok(0.0));
    for radius_m in [f64::NAN, -0.1, f64::INFINITY] {
        assert!(matches!(FreeSpace::new(&geometry, radius_m), Err(FreeSpaceError::Radius { .. })));
    }
    let unmapped = LevelGeometry::new(geometry.walls.clone(), Vec::new());
    let none = FreeSpace::new(&unmapped, 0.3).unwrap();
    assert_eq!((none.components(), none.contains(left), none.nearest_free(left)), (0, false, None));
}
