#![expect(
    clippy::float_cmp,
    reason = "values that must be exact, and comparisons with a reference that computes the same"
)]

use nalgebra::{Isometry2, Matrix2, Vector2};
use proptest::prelude::*;

use super::*;
use crate::{CompileOptions, Site, model};

/// Coordinates on a coarse raster, so that touching, overlapping and collinear cases are common.
pub(crate) fn raster() -> impl Strategy<Value = f64> {
    (-8_i32..=8).prop_map(|n| f64::from(n) * 0.5)
}

pub(crate) fn point() -> impl Strategy<Value = Point> {
    (raster(), raster()).prop_map(|(x, y)| Point::new(x, y))
}

/// Sometimes on the raster, sometimes anywhere, sometimes far away.
pub(crate) fn probe() -> impl Strategy<Value = Point> {
    let anywhere = |size: f64| (-size..size, -size..size).prop_map(|(x, y)| Point::new(x, y));
    prop_oneof![point(), anywhere(6.0), anywhere(100.0)]
}

pub(crate) fn walls() -> impl Strategy<Value = Vec<WallSegment>> {
    let wall = (point(), point(), prop_oneof![Just(0.0), Just(0.1), Just(0.3)]);
    let wall = wall.prop_filter_map("a wall has a length", |(a, b, thickness_m)| {
        (a != b).then_some(WallSegment { a, b, thickness_m })
    });
    prop::collection::vec(wall, 0..30)
}

pub(crate) fn rectangles() -> impl Strategy<Value = Vec<[i32; 4]>> {
    let side = || (0_i32..8).prop_flat_map(|low| (Just(low), low + 1..=8));
    prop::collection::vec((side(), side()).prop_map(|((x0, x1), (y0, y1))| [x0, y0, x1, y1]), 1..8)
}

pub(crate) fn polygon([x0, y0, x1, y1]: [i32; 4], clockwise: bool) -> Polygon {
    let p = |x: i32, y: i32| Point::new(f64::from(x), f64::from(y));
    let mut outer = vec![p(x0, y0), p(x1, y0), p(x1, y1), p(x0, y1)];
    if clockwise {
        outer.reverse();
    }
    Polygon { outer, holes: Vec::new() }
}

pub(crate) fn level(rectangles: &[[i32; 4]], walls: Vec<WallSegment>) -> LevelGeometry {
    let polygons: Vec<_> = rectangles.iter().enumerate().map(|(i, r)| polygon(*r, i % 2 == 0)).collect();
    LevelGeometry::new(walls, mapped_area(&polygons, &[]).unwrap())
}

pub(crate) fn clearance_reference(walls: &[WallSegment], p: Point) -> f64 {
    let surface = |wall: &WallSegment| point_to_segment(p, wall.a, wall.b) - wall.thickness_m / 2.0;
    walls.iter().map(surface).fold(f64::INFINITY, f64::min).max(0.0)
}

pub(crate) fn unit(turn: f64) -> Vector2<f64> {
    Vector2::new(libm::cos(turn), libm::sin(turn))
}

proptest! {
    /// The index changes no answer: clearance is the minimum over all walls.
    #[test]
    fn clearance_equals_brute_force(walls in walls(), p in probe()) {
        let geometry = LevelGeometry::new(walls.clone(), Vec::new());
        let (found, expected) = (geometry.wall_clearance(p), clearance_reference(&walls, p));
        prop_assert!(found == expected || (found - expected).abs() < 1e-9);
        let near = geometry.nearest_wall(p);
        prop_assert_eq!(near.is_none(), walls.is_empty());
        if let Some(near) = near {
            prop_assert!(((p - near.at).norm() - near.distance_m).abs() < 1e-9);
            let wall = std::slice::from_ref(&walls[near.wall]);
            prop_assert!((clearance_reference(wall, p) - expected).abs() < 1e-9);
            prop_assert!(clearance_reference(wall, near.at) < 1e-9);
        }
    }

    /// The index changes no answer: a ray ends at the first of all walls, or at its range.
    #[test]
    fn ray_equals_brute_force(walls in walls(), p in probe(), turn in prop_oneof![0.0..6.3_f64, (0_i32..8).prop_map(|n| f64::from(n) * std::f64::consts::FRAC_PI_4)], max_m in prop_oneof![Just(0.0), Just(3.0), Just(500.0)]) {
        let geometry = LevelGeometry::new(walls.clone(), Vec::new());
        let hit = |wall: &WallSegment| ray_to_segment(p, unit(turn), wall.a, wall.b);
        let reference = walls.iter().map(hit).fold(max_m, f64::min);
        prop_assert!((geometry.ray(p, unit(turn), max_m) - reference).abs() < 1e-9);
    }

    /// A ray along an axis, through corners and along walls, where rounding has no excuse.
    #[test]
    fn axis_rays_equal_brute_force(walls in walls(), p in point(), axis in 0..4) {
        let direction = [Vector2::x(), -Vector2::x(), Vector2::y(), -Vector2::y()][usize::try_from(axis).unwrap()];
        let geometry = LevelGeometry::new(walls.clone(), Vec::new());
        let reference =
            walls.iter().map(|wall| ray_to_segment(p, direction, wall.a, wall.b)).fold(20.0, f64::min);
        prop_assert_eq!(geometry.ray(p, direction, 20.0), reference);
    }

    /// Nothing hits a ray closer than the clearance at its origin.
    #[test]
    fn no_ray_is_shorter_than_the_clearance(walls in walls(), p in probe(), turn in 0.0..6.3_f64) {
        let geometry = LevelGeometry::new(walls, Vec::new());
        prop_assert!(geometry.wall_clearance(p).min(1e9) <= geometry.ray(p, unit(turn), 1e9) + 1e-9);
    }

    /// A point is in the union exactly when it is in one of the rooms, boundaries and corners included.
    #[test]
    fn inside_equals_membership(rectangles in rectangles(), x in 0_i32..=32, y in 0_i32..=32) {
        let p = Point::new(f64::from(x) / 4.0, f64::from(y) / 4.0);
        let within = |&[x0, y0, x1, y1]: &[i32; 4]| {
            f64::from(x0) <= p.x && p.x <= f64::from(x1) && f64::from(y0) <= p.y && p.y <= f64::from(y1)
        };
        prop_assert_eq!(level(&rectangles, Vec::new()).inside(p), rectangles.iter().any(within));
    }

    /// The area is the number of unit squares covered.
    #[test]
    fn area_counts_every_square_once(rectangles in rectangles()) {
        let covered = |x: i32, y: i32| rectangles.iter().any(|r| r[0] <= x && x < r[2] && r[1] <= y && y < r[3]);
        let count = (0..64).filter(|n| covered(n % 8, n / 8)).count();
        prop_assert!((level(&rectangles, Vec::new()).area_m2() - float(count)).abs() < 1e-9);
    }

    /// Between rooms of arbitrary shape membership in the union is membership in one of them.
    #[test]
    fn union_of_triangles_is_membership(corners in prop::collection::vec(point(), 3..18), p in probe()) {
        let triangles: Vec<Polygon> = corners
            .chunks_exact(3)
            .filter(|corners| orientation(corners[0], corners[1], corners[2]) != 0.0)
            .map(|corners| Polygon { outer: corners.to_vec(), holes: Vec::new() })
            .collect();
        let geometry = LevelGeometry::new(Vec::new(), mapped_area(&triangles, &[]).unwrap());
        let expected = triangles.iter().any(|triangle| ring_contains(&triangle.outer, p));
        // Crossings are rounded to micrometres, and corners snap within 5 mm.
        let near_side = triangles
            .iter()
            .flat_map(|triangle| sides(&triangle.outer))
            .any(|(a, b)| point_to_segment(p, a, b) < 0.006);
        prop_assert!(near_side || geometry.inside(p) == expected);
    }

    /// A sweep that is called free is free at every place along it; a disc is free exactly by its definition.
    #[test]
    fn a_free_sweep_is_free_everywhere(
        rectangles in rectangles(), walls in walls(), a in probe(), b in probe(),
        radius_m in prop_oneof![Just(0.0), Just(0.25), Just(0.5), 0.0..1.0_f64],
    ) {
        let geometry = level(&rectangles, walls.clone());
        if geometry.sweep_free(a, b, radius_m) {
            for step in 0..=16 {
                let p = a + (b - a) * (f64::from(step) / 16.0);
                prop_assert!(radius_m < clearance_reference(&walls, p) + 1e-9);
                prop_assert!(geometry.inside(p) && radius_m <= geometry.boundary_clearance(p) + 1e-9);
            }
        }
        let clear = radius_m + 2e-9 < clearance_reference(&walls, a);
        let roomy = geometry.inside(a) && radius_m + 2e-9 < geometry.boundary_clearance(a);
        prop_assert!(!(clear && roomy) || geometry.disc_free(a, radius_m));
    }

    /// Closed segments meet exactly when their distance is zero, whichever is named first.
    #[test]
    fn meeting_is_symmetric(a in point(), b in point(), c in point(), d in point()) {
        let meet = segments_meet(a, b, c, d);
        prop_assert_eq!(meet, segments_meet(d, c, b, a));
        prop_assert_eq!(meet, segment_to_segment(a, b, c, d) == 0.0);
        let apart = (0..=64).map(|n| point_to_segment(a + (b - a) * (f64::from(n) / 64.0), c, d));
        let sampled = apart.fold(f64::INFINITY, f64::min);
        prop_assert!(segment_to_segment(a, b, c, d) <= sampled + 1e-9);
        prop_assert!(sampled <= segment_to_segment(a, b, c, d) + (b - a).norm() / 64.0 + 1e-9);
    }
}

#[test]
fn rooms_with_a_crack_between_them_are_one_area() {
    let p = |x: f64, y: f64| Point::new(x, y);
    // The corner at (1, 1.0003) of the right rooms lies 0.3 mm off the slanted side of the left room.
    let left = Polygon { outer: vec![p(0.0, 0.0), p(2.0, 0.0), p(0.0, 2.0)], holes: Vec::new() };
    let low = Polygon { outer: vec![p(2.0, 0.0), p(3.0, 1.0), p(1.0, 1.0003)], holes: Vec::new() };
    let high = Polygon { outer: vec![p(1.0, 1.0003), p(3.0, 1.0), p(0.0, 2.0)], holes: Vec::new() };
    let geometry = LevelGeometry::new(Vec::new(), mapped_area(&[left, low, high], &[]).unwrap());
    assert_eq!(geometry.rings().len(), 1);
    assert!(geometry.sweep_free(p(0.7, 0.7), p(1.4, 0.9), 0.2));
}

#[test]
fn a_hole_is_outside_unless_another_room_fills_it() {
    let holed = Polygon { holes: vec![polygon([2, 2, 4, 4], false).outer], ..polygon([0, 0, 6, 6], false) };
    let open = LevelGeometry::new(Vec::new(), mapped_area(std::slice::from_ref(&holed), &[]).unwrap());
    assert!(!open.inside(Point::new(3.0, 3.0)));
    assert!(open.inside(Point::new(2.0, 3.0)), "the boundary belongs to the area");
    assert!(open.disc_free(Point::new(1.0, 3.0), 0.9) && !open.disc_free(Point::new(1.0, 3.0), 1.1));
    assert!((open.area_m2() - 32.0).abs() < 1e-9);
    let filled =
        LevelGeometry::new(Vec::new(), mapped_area(&[holed, polygon([2, 2, 4, 4], true)], &[]).unwrap());
    assert!(filled.inside(Point::new(3.0, 3.0)));
    assert!((filled.area_m2() - 36.0).abs() < 1e-9);
}

#[test]
fn a_million_metres_away_the_union_is_still_exact() {
    let far = |x: f64| Point::new(999_000.0 + x, -999_000.0);
    let square = |x: f64| Polygon {
        outer: vec![far(x), far(x + 1.0), far(x + 1.0) + Vector2::y(), far(x) + Vector2::y()],
        holes: Vec::new(),
    };
    let geometry = LevelGeometry::new(Vec::new(), mapped_area(&[square(0.0), square(1.0)], &[]).unwrap());
    assert_eq!(geometry.rings().len(), 1);
    assert!((geometry.area_m2() - 2.0).abs() < 1e-9);
}

/// Where no room is drawn, walls alone limit motion; but nobody is inside an obstacle.
#[test]
fn an_obstacle_is_solid_without_rooms() {
    let ring = [(2.0, 2.0), (6.0, 2.0), (6.0, 5.0), (2.0, 5.0)].map(|(x, y)| Point::new(x, y)).to_vec();
    let walls = sides(&ring).map(|(a, b)| WallSegment { a, b, thickness_m: 0.0 }).collect();
    let geometry = LevelGeometry::new(walls, Vec::new()).with_solids(&[ring]);
    let (inside, outside) = (Point::new(4.0, 3.5), Point::new(8.0, 3.5));
    assert!(!geometry.disc_free(inside, 0.2) && geometry.disc_free(outside, 0.2));
    assert!(!geometry.sweep_free(inside, Point::new(4.5, 3.5), 0.2));
    assert_eq!(geometry.wall_clearance(inside), 0.0);
    assert_eq!(geometry.wall_clearance(outside), 2.0);
    // Whole footprints, also one whose origin is behind its body.
    let cart = |x: f64| {
        let corners = [(x - 0.5, -0.2), (x + 0.5, -0.2), (x + 0.5, 0.2), (x - 0.5, 0.2)];
        Footprint::convex(corners.map(|(x, y)| Point::new(x, y)).to_vec()).unwrap()
    };
    for (footprint, back) in [(cart(0.0), 0.0), (cart(0.7), 0.7)] {
        for (x, is_free) in [(4.0, false), (8.0, true)] {
            let pose = Isometry2::new(Vector2::new(x - back, 3.5), 0.0);
            assert_eq!(geometry.footprint_free(&footprint, &pose), is_free, "{x} {back}");
            assert_eq!(geometry.footprint_sweep_free(&footprint, &pose, Vector2::new(0.1, 0.0)), is_free);
            let turned = geometry.footprint_arc_free(&footprint, &pose, Point::new(x, 3.5), 0.1);
            assert_eq!(turned, is_free);
        }
    }
}

/// A cupboard that fills the only room leaves no free ground, and not a level without rooms.
#[test]
fn a_room_full_of_obstacles_is_no_open_plain() {
    let mut site = Site::new("full");
    site.levels.push(model::Level::new("0", 0.0));
    site.rooms.push(model::Room::rectangle("store", "0", 0.0, 0.0, 4.0, 3.0));
    let corners = [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]];
    site.obstacles.push(model::Obstacle::new("cupboard", "0", corners.to_vec()));
    let site = site.compile(&CompileOptions::default()).unwrap();
    let geometry = &site.levels()[0].geometry;
    assert!(geometry.has_area() && geometry.area_m2() == 0.0);
    for p in [Point::new(2.0, 1.5), Point::new(50.0, 50.0)] {
        assert!(!geometry.inside(p) && !geometry.disc_free(p, 0.3) && !geometry.sweep_free(p, p, 0.0));
        assert_eq!(geometry.mapped_probability(p, Matrix2::identity()).probability, 0.0);
    }
}

#[test]
fn a_sweep_to_the_end_of_the_world_is_refused() {
    let geometry = level(&[[0, 0, 8, 8]], Vec::new());
    for far in [1e154, 1e200, 2e9] {
        assert!(!geometry.sweep_free(Point::new(4.0, 4.0), Point::new(far, far / 2.0), 0.1), "{far}");
    }
}

#[test]
fn questions_about_nowhere_get_the_answer_of_a_blocked_place() {
    let geometry = level(&[[0, 0, 8, 8]], Vec::new());
    let (nan, inf) = (Point::new(f64::NAN, 1.0), Point::new(1.0, f64::INFINITY));
    for p in [nan, inf] {
        assert!(!geometry.inside(p) && !geometry.disc_free(p, 0.1));
        assert!(!geometry.sweep_free(Point::new(4.0, 4.0), p, 0.1));
        assert_eq!(geometry.wall_clearance(p), 0.0);
        assert_eq!(geometry.ray(p, Vector2::x(), 5.0), 0.0);
    }
    let middle = Point::new(4.0, 4.0);
    for radius_m in [f64::NAN, -0.1, f64::INFINITY] {
        assert!(!geometry.disc_free(middle, radius_m));
    }
    assert_eq!(geometry.ray(middle, Vector2::zeros(), 5.0), 0.0);
    assert_eq!(geometry.ray(middle, Vector2::new(f64::NAN, 1.0), 5.0), 0.0);
    assert_eq!(geometry.ray(middle, Vector2::x(), f64::NAN), 0.0);
    assert_eq!(geometry.ray(middle, Vector2::x(), -1.0), 0.0);
}

#[test]
fn an_empty_level_has_no_area_and_no_walls() {
    let geometry = LevelGeometry::new(Vec::new(), mapped_area(&[], &[]).unwrap());
    let p = Point::new(1.0, 2.0);
    assert_eq!((geometry.bounds(), geometry.has_area()), (None, false));
    assert_eq!(geometry.wall_clearance(p), f64::INFINITY);
    assert_eq!(geometry.ray(p, Vector2::y(), 7.5), 7.5);
    assert!(!geometry.inside(p));
    assert!(geometry.disc_free(p, 3.0), "without rooms only walls are asked");
}

#[test]
fn the_index_stays_small_for_long_walls() {
    let p = Point::new;
    let lines: Vec<_> =
        (0..2_000).map(|n| (p(0.0, f64::from(n) * 1e-4), p(1e5, f64::from(n) * 1e-4))).collect();
    let mut entries = 0;
    Grid::new(&lines).near(p(0.0, 0.0), p(1e5, 0.2), 1.0, |_| entries += 1);
    assert!(entries < 16 * lines.len(), "{entries}");
}
