//! Every lint against a mutation of a small site without faults.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "fixtures of tests")]

mod clean;
#[cfg(all(feature = "ros", feature = "opentcs"))]
#[path = "../data/mod.rs"]
mod data;
mod mutations;
mod page;
#[cfg(all(feature = "ros", feature = "opentcs"))]
mod real;

use proptest::prelude::*;
use sheepdog_map::{
    CompileOptions, Site,
    lint::{self, BuildingProfile, LINTS, Report, Severity},
    model::{Door, Level, Room},
};

use clean::Case;
use mutations::{MORE, MUTATIONS};

impl Case {
    fn check(&self) -> Report {
        lint::check(&self.site, &self.options, Some(&self.imported), &self.profile)
    }
}

fn ids(report: &Report) -> Vec<&'static str> {
    let mut ids: Vec<_> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    ids.dedup();
    ids
}

fn mutated(id: &str) -> Case {
    let mut case = Case::clean();
    let (_, mutate) = MUTATIONS.iter().find(|(known, _)| *known == id).unwrap();
    mutate(&mut case);
    case
}

#[test]
fn the_clean_site_has_no_findings() {
    let report = Case::clean().check();
    assert!(report.complete);
    assert_eq!(report.findings, [], "{:#?}", report.findings);
}

#[test]
fn every_lint_has_a_mutation_that_triggers_it_and_nothing_else() {
    let mut wrong = Vec::new();
    for lint in LINTS {
        let id = lint.id.as_str();
        if !MUTATIONS.iter().any(|(known, _)| *known == id) {
            wrong.push(format!("{id} has no mutation"));
            continue;
        }
        let report = mutated(id).check();
        if ids(&report) != [id] {
            let found: Vec<_> =
                report.findings.iter().map(|finding| (finding.id.as_str(), &finding.text)).collect();
            wrong.push(format!("{id} triggers {found:#?}"));
        }
        for finding in &report.findings {
            assert_eq!(finding.severity, lint.severity);
            assert!(!finding.text.is_empty(), "{finding:?}");
            assert!(finding.measured.is_none_or(f64::is_finite) && finding.limit.is_none_or(f64::is_finite));
        }
    }
    assert_eq!(MUTATIONS.len(), LINTS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_ways_to_the_same_findings() {
    for (number, (id, mutate)) in MORE.iter().enumerate() {
        let mut case = Case::clean();
        mutate(&mut case);
        let report = case.check();
        assert_eq!(ids(&report), [*id], "{number}: {:#?}", report.findings);
        if *id == "R213" {
            assert_eq!((report.findings.len(), report.findings[0].elements.len()), (1, 2));
        }
    }
}

/// Ids are dense numbers behind names, and names are what findings bear.
#[test]
fn the_order_of_tables_changes_no_finding() {
    for (id, mutate) in MUTATIONS {
        let mut case = Case::clean();
        mutate(&mut case);
        let report = case.check();
        case.reverse_tables();
        let reversed = case.check();
        if report.complete {
            assert_eq!(report, reversed, "{id}");
        } else {
            assert_eq!(ids(&report), ids(&reversed), "{id}");
        }
    }
}

#[test]
fn a_compiled_site_is_checked_as_well() {
    for (id, mutate) in MUTATIONS {
        let mut case = Case::clean();
        mutate(&mut case);
        let Ok(compiled) = case.site.compile(&case.options) else { continue };
        let report = lint::check_compiled(&compiled, &case.options, Some(&case.imported), &case.profile);
        assert_eq!(report, case.check(), "{id}");
    }
}

#[test]
fn json_has_the_fields_that_were_agreed() {
    let json = mutated("B101").check().to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let finding = &value["findings"][0];
    let keys: Vec<&String> = finding.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["elements", "id", "level", "limit", "measured", "place", "severity", "text"]);
    assert_eq!(finding["id"], "B101");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["elements"][0], "door \"front\"");
    assert_eq!((finding["measured"].as_f64(), finding["limit"].as_f64()), (Some(1_100.0), Some(1_200.0)));
    assert_eq!(value["profile"]["digest"].as_str().unwrap().len(), 64);
}

/// 1199 mm pass with the tolerance of 1 mm, 1198 mm do not; nothing in between rounds the wrong way.
#[test]
fn an_exit_may_be_a_millimetre_too_narrow() {
    for (width_m, passes) in [(1.2, true), (1.199, true), (1.198_6, true), (1.198_4, false), (1.198, false)] {
        let mut case = Case::clean();
        case.door("front").clear_width_m = Some(width_m);
        assert_eq!(case.check().findings.is_empty(), passes, "{width_m}");
    }
}

#[test]
fn the_profile_says_which_doors_are_exits() {
    let mut case = Case::clean();
    case.door("front").exit = false;
    // An exit that nobody declared has a room on one side.
    case.profile = BuildingProfile::from_toml(
        "schema = 1\nname = \"o\"\nversion = 1\n[building]\nexits = \"outside\"\n",
    )
    .unwrap();
    assert_eq!(case.check().findings, []);
    case.door("front").clear_width_m = Some(1.0);
    assert_eq!(ids(&case.check()), ["B101"]);
    case.profile.building.exits = lint::ExitDoors::All;
    let report = case.check();
    assert_eq!(ids(&report), ["B101", "B111"]);
    let inner: Vec<_> = report.findings.iter().flat_map(|finding| &finding.elements).collect();
    assert!(inner.iter().any(|element| *element == "door \"ward-door\""), "{inner:?}");
}

#[test]
fn a_chosen_roadmap_is_looked_at_alone() {
    let mut case = mutated("R208");
    for lane in &mut case.site.lanes {
        lane.roadmap = Some(if lane.from.starts_with('c') { "b" } else { "a" }.to_owned());
    }
    assert!(ids(&case.check()).contains(&"R208"));
    case.options.roadmap = Some("a".to_owned());
    assert!(!ids(&case.check()).contains(&"R208"));
}

#[test]
fn errors_come_first() {
    let mut case = mutated("B101");
    let (_, also) = MUTATIONS.iter().find(|(id, _)| *id == "A402").unwrap();
    also(&mut case);
    let severities: Vec<_> = case.check().findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning]);
}

#[cfg(feature = "rmf")]
#[test]
fn a_drawing_without_a_scale_is_a_finding() {
    let text = "levels: {L1: {vertices: [[0, 0, 0, a], [9, 0, 0, b]], lanes: [[0, 1, {}]]}}";
    let error = sheepdog_map::import::import("a.building.yaml", text.as_bytes(), |_| None).unwrap_err();
    let report = lint::refused_import(&error, &BuildingProfile::default()).unwrap();
    assert_eq!((ids(&report), report.complete), (vec!["A401"], false));
    let other = sheepdog_map::import::import("a.building.yaml", b"levels: {", |_| None).unwrap_err();
    assert_eq!(lint::refused_import(&other, &BuildingProfile::default()), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is wrong with a site at once: an answer, the same each time, never a panic.
    #[test]
    fn several_faults_at_once_never_panic(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        moves in prop::collection::vec((any::<prop::sample::Index>(), -30.0..30.0, prop::sample::select(vec![0.0, 1e-9, 3.0, 1e7, f64::NAN])), 0..4),
    ) {
        let mut case = Case::clean();
        for pick in picks {
            pick.get(MUTATIONS).1(&mut case);
        }
        for (place, x, y) in moves {
            let index = place.index(case.places().len());
            *case.places()[index] = [x, y];
        }
        let report = case.check();
        prop_assert_eq!(&report, &case.check());
        prop_assert!(report.complete || report.has_errors());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&report.to_json()).is_ok());
    }
}

/// Every fault can be had after every other one, so that the property above may draw any of them.
#[test]
fn any_two_faults_combine() {
    for (_, first) in MUTATIONS {
        for (_, second) in MUTATIONS {
            let mut case = Case::clean();
            first(&mut case);
            second(&mut case);
        }
    }
}

/// Who stands in a room does not get out through its wall, however near the way out is behind it.
#[test]
fn a_room_without_a_door_has_no_way_out() {
    let mut site = Site::new("ward");
    site.levels.push(Level::new("0", 0.0));
    site.rooms.push(Room::rectangle("corridor", "0", 0.0, 0.0, 12.0, 2.4).walled());
    site.rooms.push(Room::rectangle("plant", "0", 4.0, 2.4, 8.0, 6.4).walled());
    site.doors.push(Door::new("exit", "0", [0.0, 0.5], [0.0, 1.9]).as_exit());
    let found = |site: &Site| {
        let options = CompileOptions::new(Vec::new());
        let report = lint::check(site, &options, None, &BuildingProfile::default());
        let shut = report.findings.into_iter().filter(|finding| finding.id.as_str() == "B116");
        shut.flat_map(|finding| finding.elements).collect::<Vec<_>>()
    };
    assert_eq!(found(&site), ["room \"plant\""]);
    site.doors.push(Door::new("inner", "0", [5.0, 2.4], [6.2, 2.4]));
    assert!(found(&site).is_empty());
}
