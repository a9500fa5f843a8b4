//! What is known of the shared maps, found again.

use sheepdog_core::Mm;
use sheepdog_map::{
    CompileOptions, FootprintClass, Site,
    import::ImportReport,
    lint::{self, BuildingProfile, ExitDoors, Report},
};

use crate::data;

/// A shared map, or `None` with a visible line when the data are not here.
fn read(name: &str) -> Option<(Site, ImportReport)> {
    Some(data::result(name, &data::bytes(name)?).unwrap())
}

fn options() -> CompileOptions {
    let class = FootprintClass::round("robot", Mm(250), Mm(150));
    CompileOptions::new(vec![class])
}

fn check(name: &str, profile: &BuildingProfile) -> Option<Report> {
    let (site, report) = read(name)?;
    Some(lint::check(&site, &options(), Some(&report), profile))
}

fn count(report: &Report, id: &str, level: &str) -> usize {
    let there =
        |finding: &&lint::Finding| finding.id.as_str() == id && finding.level.as_deref() == Some(level);
    report.findings.iter().filter(there).count()
}

fn total(report: &Report, id: &str) -> usize {
    report.findings.iter().filter(|finding| finding.id.as_str() == id).count()
}

#[test]
fn hotel_does_not_line_up() {
    let Some(report) = check("rmf/hotel.building.yaml", &BuildingProfile::default()) else { return };
    assert!(report.complete);
    for (level, off_floor) in [("L1", 0), ("L2", 4), ("L3", 4)] {
        assert_eq!(count(&report, "R202", level), off_floor, "{level}");
    }
    for (id, low, high) in [("A402", 0.0435, 0.0445), ("A403", 1.3, 1.4)] {
        let found: Vec<_> = report.findings.iter().filter(|finding| finding.id.as_str() == id).collect();
        let levels: Vec<_> = found.iter().map(|finding| finding.level.as_deref().unwrap()).collect();
        assert_eq!(levels, ["L2", "L3"], "{id}");
        assert!(found.iter().all(|finding| (low..high).contains(&finding.measured.unwrap())), "{found:?}");
    }
    assert_eq!(total(&report, "R208"), 2);
    assert_eq!(total(&report, "A401"), 0);
}

/// Of 32 wall ends of an upper floor at which nothing but a door is drawn, four are the jambs of the two lifts.
#[test]
fn hotel_has_walls_that_end_nowhere() {
    let Some((mut site, _)) = read("rmf/hotel.building.yaml") else { return };
    let profile = BuildingProfile::default();
    let report = lint::check(&site, &options(), None, &profile);
    assert_eq!((count(&report, "G006", "L2"), count(&report, "G006", "L3")), (28, 28));
    site.waypoints.iter_mut().for_each(|waypoint| waypoint.lift = None);
    site.lifts.clear();
    let report = lint::check(&site, &options(), None, &profile);
    assert_eq!((count(&report, "G006", "L2"), count(&report, "G006", "L3")), (32, 32));
}

#[test]
fn clinic_has_forty_narrow_doors_and_careless_names() {
    let mut profile = BuildingProfile::default();
    profile.building.exits = ExitDoors::All;
    let Some(report) = check("rmf/clinic.building.yaml", &profile) else { return };
    assert_eq!((count(&report, "B101", "L1"), count(&report, "B101", "L2")), (21, 19));
    let [twice] =
        report.findings.iter().filter(|finding| finding.id.as_str() == "R209").collect::<Vec<_>>()[..]
    else {
        panic!("{report:?}")
    };
    assert!(twice.text.contains("L1_sub_waiting_area_4") && twice.elements.len() == 2);
    let [door] =
        report.findings.iter().filter(|finding| finding.id.as_str() == "L304").collect::<Vec<_>>()[..]
    else {
        panic!("{report:?}")
    };
    assert_eq!(door.elements, ["lift \"lift_2\""]);
    // All floors wind clockwise.
    let turned: usize = report
        .findings
        .iter()
        .filter(|finding| finding.id.as_str() == "G003")
        .map(|found| found.elements.len())
        .sum();
    assert_eq!(turned, 3);
}

#[test]
fn airport_has_crossings_without_a_vertex() {
    let Some((site, imported)) = read("rmf/airport_terminal.building.yaml") else { return };
    let compiled = site.compile(&options()).unwrap();
    let area_m2: f64 = compiled.levels().iter().map(|level| level.geometry.area_m2()).sum();
    assert!((area_m2 - 18_072.0).abs() < 1.0, "{area_m2}");
    let report = lint::check_compiled(&compiled, &options(), Some(&imported), &BuildingProfile::default());
    for (id, expected) in [("R208", 60), ("G010", 2), ("G004", 4), ("G006", 88)] {
        assert_eq!(total(&report, id), expected, "{id}");
    }
}

#[test]
fn office_has_wall_ends_that_almost_meet() {
    let mut profile = BuildingProfile::default();
    profile.building.exits = ExitDoors::All;
    let Some(report) = check("rmf/office.building.yaml", &profile) else { return };
    assert_eq!((total(&report, "G005"), total(&report, "B101")), (3, 2));
}

#[test]
fn depot_calls_the_unknown_free() {
    for (name, expected) in [("depot", 1), ("tb3_sandbox", 0)] {
        let Some(report) = check(&format!("ros_map_server/{name}.yaml"), &BuildingProfile::default()) else {
            return;
        };
        assert_eq!(total(&report, "A405"), expected, "{name}");
    }
}

/// Every shared map compiles, and has at least one remark: something of each file has no place in the model.
#[test]
fn every_shared_map_can_be_checked() {
    for name in data::ALL {
        let Some(report) = check(name, &BuildingProfile::default()) else { return };
        assert!(report.complete, "{name}: {:?}", report.findings);
        assert_eq!(total(&report, "A406"), 1, "{name}");
        // A curve is many short lanes and one wrong length.
        assert!(total(&report, "R213") < 75, "{name}");
    }
}
