//! Roadmaps drawn from rooms: they work, they reach everything, and they are the same however the site is written.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "fixtures of tests; small numbers, and exact values are meant"
)]

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::Point2;
use proptest::prelude::*;
use sheepdog_core::{LaneId, Mm, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    model::{
        Door, DoorKind, Level, Lift, Obstacle, Role, Room, RoomKind, Station, Swing, Waypoint, Zone, ZoneKind,
    },
    survey::{
        self, Occupancy, OccupancyGrid, ScanError, ScanOptions, Served, SkipReason, SurveyError,
        SurveyOptions, SurveyReport, UnreachedReason,
    },
};

const RADIUS_M: f64 = 0.25;

fn class() -> FootprintClass {
    FootprintClass::round("robot", Mm(250), Mm(150))
}

fn options() -> SurveyOptions {
    SurveyOptions::new(class())
}

fn ward() -> Site {
    Site::from_toml(include_str!("../../../sites/ward.toml")).unwrap()
}

/// The hospital without its roadmap.
fn hospital() -> Site {
    let mut site = Site::from_toml(include_str!("../../../sites/hospital.toml")).unwrap();
    site.lanes.clear();
    site.waypoints.clear();
    site.stations.clear();
    site
}

fn drawn(site: &Site) -> (Site, CompiledSite, SurveyReport) {
    let (site, report) = survey::generate(site, &options()).unwrap();
    let compiled = compiled(&site);
    (site, compiled, report)
}

fn compiled(site: &Site) -> CompiledSite {
    let options = CompileOptions { roadmap: Some("survey".to_owned()), ..CompileOptions::new(vec![class()]) };
    site.compile(&options).unwrap()
}

/// No point of a lane is closer to a wall than the footprint's radius, or outside the mapped area: looked at every two
/// centimetres, wall by wall.
fn assert_free(site: &CompiledSite) {
    for lane in site.lanes().iter().filter(|lane| lane.ride.is_none()) {
        let (from, to) = (site.waypoint(lane.from).unwrap(), site.waypoint(lane.to).unwrap());
        let geometry = &site.level(from.level).unwrap().geometry;
        let steps = ((to.at - from.at).norm() / 0.02).ceil().max(1.0) as u32;
        for step in 0..=steps {
            let p = from.at + (to.at - from.at) * (f64::from(step) / f64::from(steps));
            assert!(geometry.inside(p), "{} > {} leaves the floor at {p}", from.name, to.name);
            for (a, b, thickness_m) in geometry.walls() {
                let share = ((p - a).dot(&(b - a)) / (b - a).norm_squared()).clamp(0.0, 1.0);
                let clearance_m = (p - (a + (b - a) * share)).norm() - thickness_m / 2.0;
                assert!(RADIUS_M < clearance_m, "{} > {} touches a wall at {p}", from.name, to.name);
            }
        }
    }
}

/// Whoever is at a station gets to every other one, and may stop there.
fn assert_joined(site: &CompiledSite) {
    let stations: Vec<WaypointId> = site.stations().iter().map(|station| station.waypoint).collect();
    let part = |id| site.components(0).into_iter().find(|part| part.contains(id)).unwrap();
    if let Some(first) = stations.first() {
        let part = part(first);
        for (id, station) in stations.iter().zip(site.stations()) {
            assert!(part.contains(id), "{} is apart", station.name);
            assert!(site.classes()[0].may_stop(*id), "nobody may stop at {}", station.name);
        }
    }
}

#[test]
fn a_ward_without_lanes_gets_a_roadmap_to_every_room() {
    let (site, compiled, report) = drawn(&ward());
    assert_eq!(compiled.warnings(), []);
    assert_eq!((report.stations, report.unreached.len()), (10, 0), "{report:?}");
    let [skipped] = report.skipped.as_slice() else { panic!("{report:?}") };
    assert_eq!(skipped.door, "door \"exit\"");
    assert!(matches!(skipped.reason, SkipReason::NoFloor { sides: 1, .. }));
    assert_eq!(report.waypoints, site.waypoints.len());
    assert_eq!(report.lanes, site.lanes.len());
    assert!(0 < report.holding && 0 < report.passing, "{report:?}");
    assert_free(&compiled);
    assert_joined(&compiled);
    // What was drawn is written and read back.
    assert_eq!(Site::from_toml(&site.to_toml().unwrap()).unwrap(), site);
}

#[test]
fn lifts_join_the_floors_of_a_hospital() {
    let (site, compiled, report) = drawn(&hospital());
    assert_eq!(compiled.warnings(), []);
    let lost: Vec<&str> = report.unreached.iter().map(|lost| lost.what.as_str()).collect();
    // They have doors to the outside only.
    assert_eq!(lost, ["room \"plant-room\"", "room \"workshop\""]);
    assert!(report.unreached.iter().all(|lost| lost.reason == UnreachedReason::Enclosed));
    assert_free(&compiled);
    assert_joined(&compiled);
    let cabins: Vec<&Waypoint> = site.waypoints.iter().filter(|way| way.lift.is_some()).collect();
    assert_eq!(cabins.len(), 2);
    assert!(cabins.iter().all(|cabin| cabin.at == [25.0, 14.6]));
    assert_eq!(compiled.components(0).len(), 1);
}

#[test]
fn who_waits_beside_a_door_is_in_nobodys_way() {
    for site in [ward(), hospital()] {
        let (_, site, report) = drawn(&site);
        let claims = &site.classes()[0];
        let holding = (0..).map(WaypointId).zip(site.waypoints()).filter(|(_, way)| way.roles.holding);
        let mut count = 0;
        for (id, waypoint) in holding {
            count += 1;
            assert!(claims.may_stop(id), "{}", waypoint.name);
            let own: BTreeSet<WaypointId> =
                site.lanes_from(id).iter().map(|lane| site.lane(*lane).unwrap().to).chain([id]).collect();
            for (lane, ends) in (0..).map(LaneId).zip(site.lanes()) {
                let is_own = own.contains(&ends.from) || own.contains(&ends.to);
                let shared = claims.along(lane).iter().any(|held| claims.at(id).contains(held));
                assert!(is_own || !shared, "{} holds up a lane", waypoint.name);
            }
        }
        assert_eq!(count, report.holding);
    }
}

#[test]
fn the_order_of_tables_changes_nothing() {
    for site in [ward(), hospital()] {
        let (first, _, report) = drawn(&site);
        let mut other = site.clone();
        other.levels.reverse();
        other.rooms.reverse();
        other.walls.rotate_left(site.walls.len() / 2);
        other.doors.reverse();
        let (second, _, other_report) = drawn(&other);
        assert_eq!((&first.waypoints, &first.lanes), (&second.waypoints, &second.lanes));
        assert_eq!((first.stations, report), (second.stations, other_report));
    }
}

#[test]
fn what_the_site_has_stays() {
    let (first, _, report) = drawn(&ward());
    let again = SurveyOptions { roadmap: "second".to_owned(), ..options() };
    let (second, second_report) = survey::generate(&first, &again).unwrap();
    assert!(second.waypoints.starts_with(&first.waypoints) && second.lanes.starts_with(&first.lanes));
    // Every room has a station already.
    assert_eq!((second_report.stations, second_report.unreached.len()), (0, 0));
    assert!(0 < second_report.lanes && second_report.waypoints < report.waypoints);
    let error = survey::generate(&first, &options()).unwrap_err();
    assert_eq!(error, SurveyError::RoadmapExists { name: "survey".to_owned() });
}

#[test]
fn options_out_of_range_are_named() {
    let nonsense = SurveyOptions { stretch: f64::NAN, ..options() };
    let error = survey::generate(&ward(), &nonsense).unwrap_err();
    assert!(error.to_string().starts_with("stretch is NaN, must be in 1.07..="), "{error}");
    let mut twice = ward();
    twice.doors[1].id = "pharmacy-door".to_owned();
    assert!(matches!(survey::generate(&twice, &options()), Err(SurveyError::Map(_))));
    let grid = OccupancyGrid::new("g", 3, 0.05, [0.0; 3], vec![Occupancy::Free; 7]);
    assert_eq!(grid, Err(ScanError::Cells { cells: 7, width: 3 }));
    let grid = OccupancyGrid::new("g", 3, 0.05, [0.0; 3], vec![Occupancy::Unknown; 9]).unwrap();
    assert_eq!(survey::outline(&grid, &ScanOptions::default()), Err(ScanError::NoFloor { island_m2: 2.0 }));
}

#[test]
fn a_room_that_is_not_reached_says_where_it_is_too_narrow() {
    let mut site = ward();
    site.doors.iter_mut().find(|door| door.id == "room-1-door").unwrap().to = [7.35, 8.0];
    let (_, compiled, report) = drawn(&site);
    assert_eq!(report.stations, 9);
    assert_eq!(report.skipped.len(), 2);
    let [lost] = report.unreached.as_slice() else { panic!("{report:?}") };
    let UnreachedReason::Narrow { x_m, y_m, width_m, needed_m } = lost.reason else { panic!("{lost:?}") };
    assert!((6.9..=7.35).contains(&x_m) && (y_m - 8.0).abs() < 0.2, "{lost}");
    assert!((width_m - 0.45).abs() < 0.03 && (needed_m - 0.5).abs() < 1e-9, "{lost}");
    assert!(
        lost.to_string().starts_with(
            "room \"room-1\" on level \"ward\" is not reached: the widest way is 0.45 m wide near"
        )
    );
    assert_joined(&compiled);
    // A room that is full to the ceiling.
    let mut full = ward();
    let shelves = vec![[5.1, 8.1], [9.9, 8.1], [9.9, 12.9], [5.1, 12.9]];
    full.obstacles.push(Obstacle::new("shelves", "ward", shelves));
    let (_, _, report) = drawn(&full);
    assert_eq!(report.unreached[0].reason, UnreachedReason::NoPlace);
}

#[test]
fn robots_keep_off_what_is_closed_to_them() {
    let mut site = ward();
    let across = vec![[9.0, 5.4], [11.0, 5.4], [11.0, 8.1], [9.0, 8.1]];
    site.zones.push(Zone::new("people", "ward", ZoneKind::HumanOnly, across));
    let (drawn, _, report) = drawn(&site);
    assert_eq!(report.unreached.len() + report.stations, 10);
    // The corridor is closed in the middle, and the east has more rooms.
    assert!(report.unreached.iter().any(|lost| lost.what == "room \"pharmacy\""), "{report:?}");
    let inside = |way: &Waypoint| (9.0..11.0).contains(&way.at[0]) && (5.4..8.1).contains(&way.at[1]);
    assert!(!drawn.waypoints.iter().any(inside));
}

#[test]
fn served_rooms_are_those_asked_for() {
    let count = |served: Served| {
        survey::generate(&ward(), &SurveyOptions { served, ..options() }).unwrap().1.stations
    };
    assert_eq!(count(Served::Kinds(BTreeSet::from([RoomKind::Ward]))), 4);
    assert_eq!(count(Served::Marked), 0);
    assert_eq!(count(Served::Spaces), 11);
    let mut site = ward();
    site.rooms[2].served = true;
    site.rooms[3].tags.push("linen".to_owned());
    let auto = survey::generate(&site, &options()).unwrap().0;
    assert_eq!(auto.stations.iter().map(|station| station.id.as_str()).collect::<Vec<_>>(), ["room-1"]);
    let served = Served::Tags(BTreeSet::from(["linen".to_owned()]));
    assert_eq!(survey::generate(&site, &SurveyOptions { served, ..options() }).unwrap().1.stations, 1);
}

#[test]
fn one_lane_corridors_have_names() {
    let mut site = Site::new("narrow");
    site.levels.push(Level::new("0", 0.0));
    site.rooms.push(Room::rectangle("west", "0", 0.0, 0.0, 4.0, 4.0).walled());
    site.rooms.push(Room::rectangle("east", "0", 12.0, 0.0, 16.0, 4.0).walled());
    site.rooms.push(Room::rectangle("way", "0", 4.0, 1.4, 12.0, 2.6).walled().of_kind(RoomKind::Corridor));
    site.doors.push(Door::new("a", "0", [4.0, 1.5], [4.0, 2.5]));
    site.doors.push(Door::new("b", "0", [12.0, 1.5], [12.0, 2.5]));
    let (narrow, compiled, report) = drawn(&site);
    assert_eq!((report.corridors, report.passing), (1, 0), "{report:?}");
    assert!(narrow.lanes.iter().any(|lane| lane.corridor.is_some()));
    assert_eq!(compiled.corridors().len(), 1);
    assert_joined(&compiled);
    site.rooms[2].polygon = vec![[4.0, 0.5], [12.0, 0.5], [12.0, 3.5], [4.0, 3.5]];
    let report = drawn(&site).2;
    assert_eq!((report.corridors, report.passing), (0, 1), "{report:?}");
}

#[test]
fn a_lift_that_is_too_small_is_named() {
    let mut site = Site::new("tower");
    let mut lift = Lift::new("lift", [2.0, 5.0], 1.4, 1.4);
    for (level, elevation_m) in [("0", 0.0), ("1", 3.0)] {
        site.levels.push(Level::new(level, elevation_m));
        site.rooms.push(Room::rectangle(format!("hall {level}"), level, 0.0, 0.0, 4.0, 4.3).walled());
        lift = lift.with_door(level, [1.5, 4.3], [2.5, 4.3]);
    }
    site.lifts.push(lift);
    let (_, compiled, report) = drawn(&site);
    assert_eq!((report.stations, report.unreached.len()), (2, 0), "{report:?}");
    assert_eq!(compiled.warnings(), []);
    assert_joined(&compiled);
    site.lifts[0].doors[1].from[0] = 1.95;
    let report = drawn(&site).2;
    assert_eq!((report.stations, report.unreached.len(), report.skipped.len()), (1, 1, 1), "{report:?}");
    assert_eq!(report.unreached[0].reason, UnreachedReason::Door);
}

/// Length of the shortest way over the lanes from one waypoint to all, metres.
fn lengths_m(site: &CompiledSite, from: WaypointId) -> Vec<f64> {
    let mut lengths = vec![f64::INFINITY; site.waypoints().len()];
    lengths[from.index()] = 0.0;
    let mut open = BTreeSet::from([(0_u64, from)]);
    while let Some((_, at)) = open.pop_first() {
        for lane in site.lanes_from(at).iter().map(|lane| site.lane(*lane).unwrap()) {
            let (p, q) = (site.waypoint(at).unwrap().at, site.waypoint(lane.to).unwrap().at);
            let length_m = lengths[at.index()] + (q - p).norm();
            if length_m < lengths[lane.to.index()] {
                lengths[lane.to.index()] = length_m;
                open.insert((length_m.to_bits(), lane.to));
            }
        }
    }
    lengths
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// In a hall with pillars, places that see each other are joined by ways that are not much longer.
    #[test]
    fn ways_in_a_hall_are_short(
        places in prop::collection::btree_set((1_u8..19, 1_u8..11), 2..9),
        pillars in prop::collection::btree_set((1_u8..10, 1_u8..6), 0..6),
    ) {
        let mut site = Site::new("hall");
        site.levels.push(Level::new("0", 0.0));
        site.rooms.push(Room::rectangle("hall", "0", 0.0, 0.0, 20.0, 12.0).walled());
        for (n, (x, y)) in pillars.iter().enumerate() {
            let (x, y) = (2.0 * f64::from(*x) + 0.5, 2.0 * f64::from(*y) + 0.5);
            let around = vec![[x - 0.1, y - 0.1], [x + 0.1, y - 0.1], [x + 0.1, y + 0.1], [x - 0.1, y + 0.1]];
            site.obstacles.push(Obstacle::new(n.to_string(), "0", around));
        }
        for (n, (x, y)) in places.iter().enumerate() {
            let name = format!("p{n}");
            let way = Waypoint::new(&name, "0", f64::from(*x), f64::from(*y));
            site.waypoints.push(way.with_role(Role::Parking));
            site.stations.push(Station::new(&name, &name));
        }
        let (_, site, report) = drawn(&site);
        prop_assert_eq!(report.unreached.len(), 0);
        assert_free(&site);
        let geometry = &site.levels()[0].geometry;
        for n in 0..places.len() {
            let from = site.station(sheepdog_core::StationId(n as u32)).unwrap().waypoint;
            let lengths = lengths_m(&site, from);
            for m in 0..places.len() {
                let to = site.station(sheepdog_core::StationId(m as u32)).unwrap().waypoint;
                let (p, q) = (site.waypoint(from).unwrap().at, site.waypoint(to).unwrap().at);
                let sees = (q - p).norm() <= 15.0 && geometry.sweep_free(p, q, RADIUS_M + 0.251);
                prop_assert!(lengths[to.index()].is_finite());
                let limit_m = 1.2 * (q - p).norm() + 0.01;
                prop_assert!(!sees || lengths[to.index()] <= limit_m, "{} of {limit_m}", lengths[to.index()]);
            }
        }
    }
}

/// Rooms on a raster, with doors in some of the walls between them.
#[derive(Clone, Debug)]
struct Block {
    columns_m: Vec<f64>,
    rows_m: Vec<f64>,
    /// For each wall between neighbours, to the right and upwards of each room: width, place along the wall, kind.
    doors: Vec<Option<(u8, u8, u8)>>,
    pillars: Vec<bool>,
}

fn block() -> impl Strategy<Value = Block> {
    let sizes =
        |count| prop::collection::vec((25_u8..70).prop_map(|tenths| f64::from(tenths) / 10.0), 1..count);
    let door = prop::option::weighted(0.7, (0_u8..4, 0_u8..=10, 0_u8..4));
    (sizes(4), sizes(4), prop::collection::vec(door, 18), prop::collection::vec(any::<bool>(), 9))
        .prop_map(|(columns_m, rows_m, doors, pillars)| Block { columns_m, rows_m, doors, pillars })
}

impl Block {
    const WIDTHS_M: [f64; 4] = [0.5, 0.6, 0.9, 1.4];

    /// The site, and the groups of rooms between which doors are wide enough.
    fn site(&self) -> (Site, Vec<usize>) {
        let sums = |sizes: &[f64]| {
            sizes.iter().fold(vec![0.0], |mut sums: Vec<f64>, size| {
                sums.push(sums[sums.len() - 1] + size);
                sums
            })
        };
        let (xs, ys) = (sums(&self.columns_m), sums(&self.rows_m));
        let mut site = Site::new("block");
        site.levels.push(Level::new("0", 0.0));
        let columns = self.columns_m.len();
        let mut group: Vec<usize> = (0..columns * self.rows_m.len()).collect();
        for (row, y) in ys.windows(2).enumerate() {
            for (column, x) in xs.windows(2).enumerate() {
                let n = row * columns + column;
                site.rooms.push(Room::rectangle(format!("r{n}"), "0", x[0], y[0], x[1], y[1]).walled());
                if self.pillars[n] {
                    let (x, y) = (f64::midpoint(x[0], x[1]), f64::midpoint(y[0], y[1]));
                    let ring =
                        vec![[x - 0.2, y - 0.2], [x + 0.2, y - 0.2], [x + 0.2, y + 0.2], [x - 0.2, y + 0.2]];
                    site.obstacles.push(Obstacle::new(format!("pillar {n}"), "0", ring));
                }
                for (upwards, door) in [false, true].into_iter().zip(&self.doors[2 * n..]) {
                    let Some((width, share, kind)) = *door else { continue };
                    let is_inner = if upwards { row + 1 < self.rows_m.len() } else { column + 1 < columns };
                    if !is_inner {
                        continue;
                    }
                    let width_m = Self::WIDTHS_M[width as usize];
                    let (low, high) = if upwards { (x[0], x[1]) } else { (y[0], y[1]) };
                    let from = low + 0.15 + (high - low - 0.3 - width_m) * f64::from(share) / 10.0;
                    let at = |along: f64| if upwards { [along, y[1]] } else { [x[1], along] };
                    let door = Door::new(format!("d{n}{upwards}"), "0", at(from), at(from + width_m));
                    site.doors.push(match kind {
                        0 => door,
                        1 => door.hinged(Swing::Left),
                        2 => Door { kind: DoorKind::DoubleHinged, ..door },
                        _ => Door { kind: DoorKind::Opening, ..door },
                    });
                    if 0 < width {
                        let other = if upwards { n + columns } else { n + 1 };
                        let (from, to) = (group[n], group[other]);
                        group.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
                    }
                }
            }
        }
        (site, group)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever doors join is joined by lanes, and nothing else is; every lane is free; nobody is forgotten.
    #[test]
    fn every_block_of_rooms_gets_its_roadmap(block in block()) {
        let (site, group) = block.site();
        let (_, compiled, report) = drawn(&site);
        prop_assert_eq!(compiled.warnings(), []);
        assert_free(&compiled);
        assert_joined(&compiled);
        prop_assert_eq!(report.stations + report.unreached.len(), site.rooms.len());
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        for group in &group {
            *sizes.entry(*group).or_default() += 1;
        }
        prop_assert_eq!(report.stations, sizes.values().copied().max().unwrap(), "{:?}", report);
        let names = compiled.stations().iter().map(|station| station.name[1..].parse::<usize>().unwrap());
        let reached: BTreeSet<usize> = names.map(|room| group[room]).collect();
        prop_assert_eq!(reached.len(), 1);
    }
}

/// A scan of a level: what a perfect lidar would have drawn, turned by `yaw_rad` about the origin.
fn scanned(site: &Site, yaw_rad: f64) -> OccupancyGrid {
    const CELL_M: f64 = 0.05;
    let site = site.compile(&CompileOptions::default()).unwrap();
    let geometry = &site.levels()[0].geometry;
    let (low, high) = geometry.bounds().unwrap();
    // Cells lie along the axes of the scan, which is turned against the level.
    let corners = [(low.x, low.y), (high.x, low.y), (high.x, high.y), (low.x, high.y)];
    let turn = |x: f64, y: f64, yaw: f64| {
        let (sine, cosine) = (libm::sin(yaw), libm::cos(yaw));
        (x * cosine - y * sine, x * sine + y * cosine)
    };
    let turned = corners.map(|(x, y)| turn(x, y, -yaw_rad));
    let least = |pick: fn(&(f64, f64)) -> f64| turned.iter().map(pick).fold(f64::MAX, f64::min) - 0.5;
    let most = |pick: fn(&(f64, f64)) -> f64| turned.iter().map(pick).fold(f64::MIN, f64::max) + 0.5;
    let (left, bottom) = (least(|p| p.0), least(|p| p.1));
    let (width, height) =
        (((most(|p| p.0) - left) / CELL_M) as usize, ((most(|p| p.1) - bottom) / CELL_M) as usize);
    let cell = |n: usize| {
        let (x, y) =
            (left + ((n % width) as f64 + 0.5) * CELL_M, bottom + ((n / width) as f64 + 0.5) * CELL_M);
        let (x, y) = turn(x, y, yaw_rad);
        let p = Point2::new(x, y);
        let is_free = geometry.inside(p) && 0.0 < geometry.wall_clearance(p);
        if is_free {
            Occupancy::Free
        } else if geometry.wall_clearance(p) <= 0.0 {
            Occupancy::Occupied
        } else {
            Occupancy::Unknown
        }
    };
    let (x, y) = turn(left, bottom, yaw_rad);
    OccupancyGrid::new("scan", width, CELL_M, [x, y, yaw_rad], (0..width * height).map(cell).collect())
        .unwrap()
}

/// Rooms of a scan are those that were drawn: overlap over union of each by its nearest match, sampled every 10 cm.
#[test]
fn a_scan_gives_back_the_rooms_and_doors() {
    for yaw_rad in [0.0, 0.4, -2.0] {
        let grid = scanned(&ward(), yaw_rad);
        let (found, report) = survey::segment(&grid, &ScanOptions::default()).unwrap();
        assert_eq!((report.rooms, report.doors), (11, 11), "yaw {yaw_rad}: {report:?}");
        assert!(0.98 * report.free_m2 < report.rooms_m2, "{report:?}");
        let (truth, scan) = (
            ward().compile(&CompileOptions::default()).unwrap(),
            found.compile(&CompileOptions::default()).unwrap(),
        );
        let level = sheepdog_core::LevelId(0);
        let mut both: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        let (mut own, mut other): (BTreeMap<u32, f64>, BTreeMap<u32, f64>) = Default::default();
        for (x, y) in (0..240).flat_map(|x| (0..130).map(move |y| (x, y))) {
            let p = Point2::new(f64::from(x) * 0.1 + 0.05, f64::from(y) * 0.1 + 0.05);
            let (a, b) = (truth.room_at(level, p), scan.room_at(level, p));
            for (room, areas) in [(a, &mut own), (b, &mut other)] {
                if let Some(room) = room {
                    *areas.entry(room.0).or_default() += 1.0;
                }
            }
            if let (Some(a), Some(b)) = (a, b) {
                *both.entry((a.0, b.0)).or_default() += 1.0;
            }
        }
        for (room, area) in &own {
            let overlap = both.iter().filter(|((a, _), _)| a == room);
            let share = overlap.map(|((_, b), both)| both / (area + other[b] - both)).fold(0.0, f64::max);
            let name = &truth.room(sheepdog_core::RoomId(*room)).unwrap().name;
            assert!(0.85 <= share, "yaw {yaw_rad}: {name} {share}");
        }
        assert!(found.rooms.iter().any(|room| room.kind == RoomKind::Corridor));
        let (_, compiled, report) = drawn(&found);
        assert_eq!(compiled.warnings(), []);
        assert_eq!((report.stations, report.unreached.len(), report.skipped.len()), (10, 0, 0), "{report:?}");
        assert_free(&compiled);
        assert_joined(&compiled);
    }
}

#[test]
fn a_scan_gets_a_roadmap_along_its_middle() {
    let grid = scanned(&ward(), 0.4);
    let (site, report) = survey::generate_from_grid(&grid, &ScanOptions::default(), &options()).unwrap();
    let compiled = compiled(&site);
    assert_eq!(compiled.warnings(), []);
    assert_free(&compiled);
    assert_eq!(compiled.components(0).len(), 1);
    assert!(20 < report.lanes && 60.0 < report.lanes_m, "{report:?}");
    // Something is near the middle of every room.
    let rooms = ward();
    for room in &rooms.rooms {
        let inside = |way: &Waypoint| {
            let xs = || room.polygon.iter().map(|p| p[0]);
            let ys = || room.polygon.iter().map(|p| p[1]);
            let within = |v: f64, all: &mut dyn Iterator<Item = f64>| {
                let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
                (low..=high).contains(&v)
            };
            within(way.at[0], &mut xs()) && within(way.at[1], &mut ys())
        };
        assert!(site.waypoints.iter().any(inside), "{}", room.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Nonsense is no reason to panic: the rooms of a noisy scan never overlap or touch themselves, and are free.
    #[test]
    fn noise_gives_a_site_that_compiles(
        width in 4_usize..40,
        noise in prop::collection::vec(0_u8..10, 60..900),
        least in 0_u8..3,
    ) {
        let of = |n: &u8| match n {
            0 => Occupancy::Occupied,
            1 => Occupancy::Unknown,
            _ => Occupancy::Free,
        };
        let cells: Vec<Occupancy> = noise[..noise.len() / width * width].iter().map(of).collect();
        let grid = OccupancyGrid::new("noise", width, 0.1, [1.0, 2.0, 0.7], cells).unwrap();
        let options = ScanOptions { opening_m: 0.1, closing_m: 0.1, island_m2: f64::from(least) * 0.1, ..ScanOptions::default() };
        match survey::segment(&grid, &options) {
            Ok((site, report)) => {
                prop_assert!(site.compile(&CompileOptions::default()).is_ok());
                prop_assert!(report.rooms_m2 <= report.free_m2 + 1e-9);
                // Free space among very many obstacles takes long to find.
                if site.walls.len() < 150 {
                    let small = FootprintClass::round("small", Mm(60), Mm(20));
                    let survey_options = SurveyOptions { sight_clearance_m: 0.1, ..SurveyOptions::new(small.clone()) };
                    let (drawn, _) = survey::generate(&site, &survey_options).unwrap();
                    let compiled = drawn.compile(&CompileOptions::new(vec![small])).unwrap();
                    prop_assert_eq!(compiled.warnings(), []);
                }
            }
            Err(error) => prop_assert!(matches!(error, ScanError::NoFloor { .. }), "{}", error),
        }
    }
}
