//! Venues of IMDF: who can get where, and how.
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "fixtures of tests")]

mod drawn;

use drawn::HOUSE;
use sheepdog_map::{
    CompileOptions, CompiledSite, Site,
    geometry::{FreeSpace, Path, PathError, Scratch},
    import::{ImportProblem, ImportReport, import},
    model::ConnectorKind,
};

fn read(text: &str) -> (Site, ImportReport) {
    import("house.json", text.as_bytes(), |_| None).unwrap_or_else(|error| panic!("{error}"))
}

fn compiled(site: &Site) -> CompiledSite {
    site.compile(&CompileOptions::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// The middle of a room of the ground floor.
fn middle(site: &Site, room: &str) -> nalgebra::Point2<f64> {
    let room = site.rooms.iter().find(|other| other.id == room).expect(room);
    nalgebra::center(&room.polygon[0].into(), &room.polygon[2].into())
}

fn path(site: &Site, from: &str, to: &str) -> Result<Path, PathError> {
    let compiled = compiled(site);
    let free = FreeSpace::new(&compiled.levels()[0].geometry, 0.3).expect("free space");
    free.path(middle(site, from), middle(site, to), &mut Scratch::new())
}

/// Where a path crosses a line of constant x.
fn crossing_y(path: &Path, x: f64) -> Vec<f64> {
    let legs = path.points.windows(2).filter(|leg| (leg[0].x < x) != (leg[1].x < x));
    legs.map(|leg| leg[0].y + (leg[1].y - leg[0].y) * (x - leg[0].x) / (leg[1].x - leg[0].x)).collect()
}

#[test]
fn a_path_between_units_passes_their_opening() {
    let (site, report) = read(HOUSE);
    let door = site.doors.iter().find(|door| door.id == "ab").expect("the door");
    let crossings = crossing_y(&path(&site, "a", "b").expect("a path"), door.from[0]);
    let (low, high) = (door.from[1].min(door.to[1]), door.from[1].max(door.to[1]));
    assert_eq!(crossings.len(), 1);
    assert!(crossings.iter().all(|y| low < *y && *y < high), "{crossings:?} {door:?}");
    assert!(report.warnings.iter().any(|warning| warning.message.contains("has no walls")));
}

#[test]
fn nobody_crosses_a_shared_side_without_an_opening() {
    let (site, _) = read(HOUSE);
    for (from, to) in [("b", "c"), ("w2", "c")] {
        let outcome = path(&site, from, to);
        assert!(matches!(outcome, Err(PathError::Disconnected { .. })), "{from} to {to}: {outcome:?}");
    }
    // Without its opening the office is shut off as well.
    let mut shut = site.clone();
    shut.doors.retain(|door| door.id != "ab");
    shut.doors.retain(|door| door.id != "bw");
    assert!(matches!(path(&shut, "a", "b"), Err(PathError::Disconnected { .. })));
    assert!(matches!(path(&shut, "b", "w2"), Err(PathError::Disconnected { .. })));
}

#[test]
fn walkways_that_touch_lead_into_each_other() {
    let (site, _) = read(HOUSE);
    let straight = path(&site, "w1", "w2").expect("a path");
    // Round the brick, which stands beside the middle of the first.
    assert!(straight.length_m < 1.01 * (middle(&site, "w1") - middle(&site, "w2")).norm(), "{straight:?}");
    assert!(path(&site, "a", "w1").is_ok());
    assert_eq!(site.obstacles.len(), 1);
    // Three sides of each of them and the whole of the upper one, except where a room has its own.
    let ends = |wall: &sheepdog_map::model::Wall| wall.from[0].max(wall.to[0]) - wall.from[0].min(wall.to[0]);
    assert!(site.walls.iter().all(|wall| wall.level == "l1" || ends(wall) < 12.0), "{:?}", site.walls);
}

#[test]
fn elevators_over_each_other_become_a_lift_and_stairs_a_connector() {
    let (site, report) = read(HOUSE);
    let [lift] = site.lifts.as_slice() else { panic!("{:?}", site.lifts) };
    let levels: Vec<_> = lift.doors.iter().map(|door| door.level.as_str()).collect();
    assert_eq!((lift.id.as_str(), levels), ("e0", vec!["l0", "l1"]));
    assert!((lift.width_m.min(lift.depth_m) - 2.365).abs() < 0.01, "{lift:?}");
    assert!(site.rooms.iter().all(|room| !room.id.starts_with('e')) && site.doors.len() == 4);
    let names: Vec<_> = report.lift_doors.iter().map(|door| door.door.as_str()).collect();
    assert_eq!(names, ["e0w", "e1w"]);
    let [stairs] = site.connectors.as_slice() else { panic!("{:?}", site.connectors) };
    assert_eq!((stairs.kind, stairs.from.level.as_str()), (ConnectorKind::Stairs, "l0"));
    assert!((stairs.width_m - 1.111).abs() < 0.01 && stairs.to.level == "l1", "{stairs:?}");
    let warned = |text: &str| report.warnings.iter().filter(|warning| warning.message.contains(text)).count();
    assert_eq!(
        (warned("became a lift"), warned("taken to lead to"), warned("connects no levels")),
        (1, 1, 1)
    );
    assert_eq!(compiled(&site).lifts().len(), 1);
    // An elevator without an opening is no stop, and one that is alone no lift.
    let (site, report) = read(&HOUSE.replacen(
        "[[10.0003, 45.00012], [10.0003, 45.00013]]",
        "[[10.0003, 45.00014], [10.0003, 45.00016]]",
        1,
    ));
    assert!(site.lifts.is_empty() && site.rooms.iter().any(|room| room.id == "e0" && room.walled));
    assert_eq!(
        report.warnings.iter().filter(|warning| warning.message.contains("becomes no lift")).count(),
        2
    );
}

#[test]
fn a_file_of_an_archive_reads_the_others_beside_it() {
    let whole: serde_json::Value = serde_json::from_str(HOUSE).expect("json");
    let of = |name: &str| whole.get(name.strip_suffix(".geojson")?).map(|file| file.to_string().into_bytes());
    for file in ["venue.geojson", "unit.geojson", "opening.geojson"] {
        let (site, _) = import(file, &of(file).expect(file), of).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(site, read(HOUSE).0, "{file}");
    }
    let alone = import("unit.geojson", &of("unit.geojson").expect("units"), |_| None).expect_err("alone");
    assert_eq!(alone.problem, ImportProblem::NoCompanion { name: "venue.geojson".to_owned() });
    let broken = |name: &str| if name == "level.geojson" { Some(b"{".to_vec()) } else { of(name) };
    let error = import("unit.geojson", &of("unit.geojson").expect("units"), broken).expect_err("broken");
    assert_eq!(error.element, "level.geojson");
}
