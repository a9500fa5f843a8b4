//! Roadmaps drawn for public maps beside their own lanes, when the maps are at hand.
#![cfg(feature = "ros")]
#![expect(clippy::expect_used, clippy::panic, reason = "fixtures of tests")]

use std::{fs, path::PathBuf};

use sheepdog_core::Mm;
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    import::{import, import_occupancy},
    survey::{self, OccupancyGrid, ScanOptions, SurveyOptions, SurveyReport},
};

fn path(file: &str) -> PathBuf {
    let root = std::env::var_os("SHEEPDOG_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    root.join("maps").join(file)
}

/// A file's bytes, or `None` with a visible line when the data are not here.
fn bytes(file: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(path(file)).ok();
    if bytes.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: no data at {}", path(file).display());
        }
    }
    bytes
}

fn class(radius_mm: u32) -> FootprintClass {
    FootprintClass::round("robot", Mm(radius_mm), Mm(150))
}

/// The site compiled with the drawn roadmap alone, all of whose lanes work.
fn checked(site: &Site, radius_mm: u32) -> CompiledSite {
    let mut own = site.clone();
    own.lanes.retain(|lane| lane.roadmap.as_deref() == Some("survey"));
    let compiled = own.compile(&CompileOptions::new(vec![class(radius_mm)]));
    let compiled = compiled.unwrap_or_else(|errors| panic!("{}: {errors:?}", site.name));
    assert_eq!(compiled.warnings(), [], "{}", site.name);
    // Waypoints of other roadmaps are alone in their parts.
    assert_eq!(compiled.components(0).iter().filter(|part| 1 < part.len()).count(), 1, "{}", site.name);
    compiled
}

fn drawn(file: &str) -> Option<(Site, SurveyReport)> {
    let (site, _) = import(file, &bytes(file)?, |_| None).expect(file);
    let (drawn, report) = survey::generate(&site, &SurveyOptions::new(class(250))).expect(file);
    assert!(drawn.lanes.starts_with(&site.lanes), "{file}");
    checked(&drawn, 250);
    Some((drawn, report))
}

#[test]
fn every_space_of_the_hotel_and_the_office_is_reached() {
    let Some((_, hotel)) = drawn("rmf/hotel.building.yaml") else { return };
    assert_eq!((hotel.stations, hotel.unreached.len()), (21, 0), "{hotel:?}");
    // One door leads out of the building.
    assert_eq!(hotel.skipped.len(), 1, "{hotel:?}");
    let Some((_, office)) = drawn("rmf/office.building.yaml") else { return };
    assert_eq!((office.stations, office.unreached.len(), office.skipped.len()), (3, 0, 1), "{office:?}");
}

fn scan(name: &str) -> Option<OccupancyGrid> {
    let file = format!("ros_map_server/{name}.yaml");
    let beside = |image: &str| fs::read(path(&file).with_file_name(image)).ok();
    let (grid, report) = import_occupancy(&bytes(&file)?, beside).expect(name);
    assert_eq!(report.warnings.len(), usize::from(name == "depot"), "{name}: {:?}", report.warnings);
    Some(grid)
}

#[test]
fn scans_get_a_roadmap_along_their_middle() {
    for (name, radius_mm, area_m2, lanes_m) in
        [("depot", 250, 423.0, 250.0), ("tb3_sandbox", 150, 19.7, 15.0)]
    {
        let Some(grid) = scan(name) else { return };
        let options = SurveyOptions::new(class(radius_mm));
        let (site, report) =
            survey::generate_from_grid(&grid, &ScanOptions::default(), &options).expect(name);
        assert!(lanes_m < report.lanes_m, "{name}: {report:?}");
        checked(&site, radius_mm);
        // Both are one room, whatever stands in it.
        let (site, report) = survey::segment(&grid, &ScanOptions::default()).expect(name);
        assert_eq!((report.rooms, report.doors), (1, 0), "{name}: {report:?}");
        assert!((report.rooms_m2 - area_m2).abs() < 0.01 * area_m2, "{name}: {report:?}");
        site.compile(&CompileOptions::default()).expect("the rooms compile");
    }
}
