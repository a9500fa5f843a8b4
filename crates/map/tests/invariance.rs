//! What does not depend on how a site is written down: where its origin lies, how it is turned, where a ring begins, which
//! table comes first.
#![expect(clippy::disallowed_methods, reason = "a turn for tests")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp, reason = "fixtures of tests")]

mod drawn;

use nalgebra::{Isometry2, Point2, Vector2};
use proptest::prelude::*;
use sheepdog_core::LevelId;
use sheepdog_map::{
    CompileOptions, CompiledSite, Location, Site,
    geometry::{FreeSpace, LevelGeometry, Scratch},
    model::{Lane, Level, Obstacle, Room, Wall},
};

const LEVEL: LevelId = LevelId(0);

/// Rooms of 4 x 3 m beside each other with a gap in the wall between them, a few loose walls and a table.
fn flat() -> impl Strategy<Value = Site> {
    let wall = ((0_u8..48, 0_u8..24), (0_u8..48, 0_u8..24));
    let rooms = prop::collection::vec(any::<bool>(), 8);
    (rooms, prop::collection::vec(wall, 0..5), prop::option::of((1_u8..40, 1_u8..20))).prop_map(
        |(rooms, walls, table)| {
            let mut site = Site::new("flat");
            site.levels.push(Level::new("0", 0.0));
            let quarter = |n: u8| f64::from(n) / 4.0;
            for (number, is_there) in (0_u8..).zip(rooms) {
                let (x, y) = (f64::from(number % 4) * 3.0, f64::from(number / 4) * 3.0);
                if is_there {
                    let room = Room::rectangle(format!("{number}"), "0", x, y, x + 3.0, y + 3.0);
                    site.rooms.push(if number % 2 == 0 { room.walled() } else { room });
                }
            }
            for ((a, b), (c, d)) in walls {
                let (from, to) = ([quarter(a), quarter(b)], [quarter(c), quarter(d)]);
                if from != to {
                    site.walls.push(Wall::new("0", from, to));
                }
            }
            if let Some((x, y)) = table {
                let (x, y) = (quarter(x), quarter(y));
                site.obstacles.push(Obstacle::new(
                    "table",
                    "0",
                    vec![[x, y], [x + 0.7, y], [x + 0.7, y + 0.5]],
                ));
            }
            site
        },
    )
}

fn probes() -> impl Strategy<Value = Vec<Point2<f64>>> {
    prop::collection::vec((-1.0..13.0_f64, -1.0..7.0_f64).prop_map(|(x, y)| Point2::new(x, y)), 12)
}

fn pose() -> impl Strategy<Value = Isometry2<f64>> {
    let yaw = prop_oneof![Just(0.0), Just(std::f64::consts::FRAC_PI_2), -3.2..3.2_f64];
    (-5e3..5e3_f64, -5e3..5e3_f64, yaw).prop_map(|(x, y, yaw)| Isometry2::new(Vector2::new(x, y), yaw))
}

/// Whether two lengths are the same up to rounding, infinite ones too.
fn is_near(a: f64, b: f64, tolerance_m: f64) -> bool {
    a == b || (a - b).abs() < tolerance_m
}

fn compiled(site: &Site) -> CompiledSite {
    site.compile(&CompileOptions::default()).unwrap()
}

fn geometry(site: &CompiledSite) -> &LevelGeometry {
    &site.level(LEVEL).unwrap().geometry
}

/// The same site in another frame; every ring begins elsewhere and runs the other way round.
fn elsewhere(site: &Site, pose: &Isometry2<f64>) -> Site {
    let mut site = site.clone();
    let moved = |at: &mut [f64; 2]| {
        let there = pose * Point2::from(*at);
        *at = [there.x, there.y];
    };
    for room in &mut site.rooms {
        room.polygon.iter_mut().for_each(moved);
        room.polygon.rotate_left(1);
        room.polygon.reverse();
    }
    for wall in &mut site.walls {
        moved(&mut wall.from);
        moved(&mut wall.to);
        std::mem::swap(&mut wall.from, &mut wall.to);
    }
    for obstacle in &mut site.obstacles {
        obstacle.polygon.iter_mut().for_each(moved);
        obstacle.polygon.rotate_left(2);
    }
    site
}

/// No table has an order, and two lanes or walls that differ in something beside their ends are told apart.
#[test]
fn a_table_turned_round_is_the_same_site() {
    let mut site = Site::from_toml(drawn::FULL).unwrap();
    macro_rules! doubled {
        ($($table:ident)*) => {$({
            let mut second = site.$table[0].clone();
            second.id.push('2');
            site.$table.push(second);
        })*};
    }
    doubled!(buildings levels rooms doors lifts connectors obstacles sensors roadmaps waypoints stations zones);
    let (wall, lane) = (site.walls[0].clone(), site.lanes[0].clone());
    site.walls.push(Wall { thickness_m: wall.thickness_m + 0.1, ..wall });
    site.lanes.push(Lane { classes: vec!["cart".to_owned()], ..lane });
    let mut turned = site.clone();
    macro_rules! reversed {
        ($($table:ident)*) => {$(
            turned.$table.reverse();
            assert_ne!(turned, site, "there is something to turn");
        )*};
    }
    reversed!(buildings levels rooms walls doors lifts connectors obstacles sensors roadmaps waypoints lanes stations zones);
    assert_eq!(turned.content_hash(), site.content_hash());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Which table, and which row of it, comes first is no content; everything else is.
    #[test]
    fn the_content_hash_does_not_depend_on_the_order(site in flat(), by in 0_usize..8) {
        let mut turned = site.clone();
        turned.rooms.rotate_left(by % site.rooms.len().max(1));
        turned.walls.reverse();
        turned.doors.reverse();
        turned.obstacles.reverse();
        prop_assert_eq!(turned.content_hash(), site.content_hash());
        let mut other = site.clone();
        other.walls.push(Wall::new("0", [0.0, 0.0], [0.0, 1.0 / 64.0]));
        prop_assert_ne!(other.content_hash(), site.content_hash());
        if let Some(room) = turned.rooms.first_mut() {
            room.polygon[0][0] += 1e-12;
            prop_assert_ne!(turned.content_hash(), site.content_hash());
        }
    }

    #[test]
    fn answers_do_not_depend_on_the_frame(site in flat(), pose in pose(), probes in probes(), turn in 0.0..6.3_f64) {
        let (here, there) = (compiled(&site), compiled(&elsewhere(&site, &pose)));
        let (a, b) = (geometry(&here), geometry(&there));
        prop_assert!((a.area_m2() - b.area_m2()).abs() < 1e-4, "{} {}", a.area_m2(), b.area_m2());
        let direction = Vector2::new(turn.cos(), turn.sin());
        for p in probes {
            let q = pose * p;
            prop_assert!(is_near(a.wall_clearance(p), b.wall_clearance(q), 1e-9));
            let near_edge = here.outline_distance(LEVEL, p).is_some_and(|distance_m| distance_m < 1e-6);
            prop_assert!(near_edge || here.locate(LEVEL, p) == there.locate(LEVEL, q));
            let (hit, other) = (a.ray(p, direction, 30.0), b.ray(q, pose * direction, 30.0));
            // A ray that grazes the end of a wall may pass it in one frame and meet it in the other.
            let grazes = || {
                let near = hit.min(other);
                a.wall_clearance(p + direction * near) < 1e-6 && (hit - other).abs() > 1e-6
            };
            prop_assert!(is_near(hit, other, 1e-6) || grazes(), "{hit} {other}");
        }
    }

    /// Rooms that do not overlap cover as much ground together as one by one, and no place is strictly in two.
    #[test]
    fn rooms_divide_the_plane(site in flat(), probes in probes()) {
        let site = Site { walls: Vec::new(), obstacles: Vec::new(), ..site };
        let rooms = compiled(&site);
        let sum: f64 = site.rooms.iter().map(|_| 9.0).sum();
        prop_assert!((geometry(&rooms).area_m2() - sum).abs() < 1e-6);
        for p in probes {
            let holding: Vec<usize> = (0..site.rooms.len()).filter(|index| {
                let alone = Site { rooms: vec![site.rooms[*index].clone()], ..site.clone() };
                matches!(compiled(&alone).locate(LEVEL, p), Location::Inside(_))
            }).collect();
            prop_assert!(holding.len() <= 1);
            match rooms.locate(LEVEL, p) {
                Location::Inside(id) => prop_assert_eq!(holding, vec![id.index()]),
                Location::Boundary(_) | Location::Outside => prop_assert!(holding.is_empty()),
            }
        }
    }

    /// No way over a raster is shorter than the any-angle path between its ends, and where the raster has a way there is a
    /// path.
    #[test]
    fn no_way_over_a_raster_is_shorter(site in flat(), radius_m in 0.1..0.6_f64, ends in (0_usize..384, 0_usize..384)) {
        let site = compiled(&site);
        let free = FreeSpace::new(geometry(&site), radius_m).unwrap();
        let raster = Raster::new(&free);
        let (Some(from), Some(to)) = (raster.free(ends.0), raster.free(ends.1)) else { return Ok(()) };
        if let Some(way_m) = raster.shortest_m(ends.0, ends.1, geometry(&site), radius_m) {
            let path = free.path(from, to, &mut Scratch::new()).unwrap();
            prop_assert!(path.length_m <= way_m + 1e-6, "{} over {way_m}", path.length_m);
        }
    }
}

/// Places half a metre apart, each joined to its eight neighbours where a disc gets there straight.
struct Raster {
    free: Vec<Option<Point2<f64>>>,
}

impl Raster {
    const COLUMNS: usize = 24;

    fn new(space: &FreeSpace) -> Self {
        let place = |index: usize| {
            let [x, y] =
                [index % Self::COLUMNS, index / Self::COLUMNS].map(|n| f64::from(u8::try_from(n).unwrap()));
            Point2::new(0.25 + x * 0.5, 0.25 + y * 0.5)
        };
        Self {
            free: (0..Self::COLUMNS * 16)
                .map(|index| Some(place(index)).filter(|p| space.contains(*p)))
                .collect(),
        }
    }

    fn free(&self, index: usize) -> Option<Point2<f64>> {
        self.free.get(index).copied().flatten()
    }

    /// Dijkstra without a heap: the raster is small.
    fn shortest_m(&self, from: usize, to: usize, geometry: &LevelGeometry, radius_m: f64) -> Option<f64> {
        let mut best = vec![f64::INFINITY; self.free.len()];
        let mut open = vec![from];
        best[from] = 0.0;
        while let Some(at) = open.pop() {
            let here = self.free(at)?;
            let (x, y) = (at % Self::COLUMNS, at / Self::COLUMNS);
            for (dx, dy) in (0..9_usize).map(|n| (n % 3, n / 3)) {
                let (Some(x), Some(y)) = ((x + dx).checked_sub(1), (y + dy).checked_sub(1)) else { continue };
                let next = y * Self::COLUMNS + x;
                let Some(there) = self.free(next).filter(|_| x < Self::COLUMNS) else { continue };
                let length_m = best[at] + (there - here).norm();
                // A little room to spare, for the free space is grown around corners by a polygon, not by an arc.
                if length_m + 1e-9 < best[next] && geometry.sweep_free(here, there, radius_m * 1.03 + 0.01) {
                    best[next] = length_m;
                    open.push(next);
                }
            }
        }
        Some(best[to]).filter(|way_m| way_m.is_finite())
    }
}
