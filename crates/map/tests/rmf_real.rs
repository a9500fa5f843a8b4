//! The importer over the public Open-RMF demonstration maps, when they are at hand.
#![cfg(feature = "rmf")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "fixtures of tests")]

use std::{fs, path::PathBuf};

use sheepdog_map::{
    Site,
    model::{DoorKind, StationKind, Swing},
    rmf::{ImportReport, RmfProblem, import_building},
};

/// The text of a demonstration map, or `None` with a visible line when the data are not here.
fn text(name: &str) -> Option<String> {
    let root = std::env::var_os("SHEEPDOG_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = root.join("maps/rmf").join(format!("{name}.building.yaml"));
    let text = fs::read_to_string(&path).ok();
    if text.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: no data at {}", path.display());
        }
    }
    text
}

fn import(name: &str) -> Option<(Site, ImportReport)> {
    text(name).map(|text| import_building(&text).expect("the map is importable"))
}

/// Waypoints, lanes, walls, doors and floors of a level.
fn counts(site: &Site, level: &str) -> [usize; 5] {
    let on = |id: &str| site.waypoints.iter().any(|way| way.id == id && way.level == level);
    [
        site.waypoints.iter().filter(|way| way.level == level).count(),
        site.lanes.iter().filter(|lane| on(&lane.from)).count(),
        site.walls.iter().filter(|wall| wall.level == level).count(),
        site.doors.iter().filter(|door| door.level == level).count(),
        site.rooms.iter().filter(|room| room.level == level).count(),
    ]
}

/// Size of the box around the walls and floors of a level, metres.
fn size_m(site: &Site, level: &str) -> [f64; 2] {
    let walls = site.walls.iter().filter(|wall| wall.level == level).flat_map(|wall| [wall.from, wall.to]);
    let floors = site.rooms.iter().filter(|room| room.level == level).flat_map(|room| room.polygon.iter().copied());
    let ways = site.waypoints.iter().filter(|way| way.level == level).map(|way| way.at);
    let points: Vec<[f64; 2]> = walls.chain(floors).chain(ways).collect();
    [0, 1].map(|axis| {
        let values = points.iter().map(|point| point[axis]);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    })
}

fn near(value: f64, expected: f64, tolerance: f64) -> bool {
    (value - expected).abs() <= tolerance
}

#[test]
fn dump() {
    for name in ["office", "hotel", "clinic", "airport_terminal", "battle_royale", "triple_H", "door_madness"] {
        let Some((site, report)) = import(name) else { return };
        println!("== {name}");
        for level in &report.levels {
            println!("{level:?} {:?} {:?}", counts(&site, &level.name), size_m(&site, &level.name));
        }
        for w in &report.warnings { println!("  {w}"); }
        for w in &report.dropped { println!("  dropped {w:?}"); }
        println!("{:?}", site.lifts);
        let mut ks: Vec<_> = site.lanes.iter().map(|l| (&l.from, &l.to)).collect();
        ks.sort(); let n = ks.len(); ks.dedup(); println!("dups {}", n - ks.len());
    }
}
