//! `sheepdog map check`, and its findings in pictures.

use serde_json::Value;

use crate::folder::{Folder, ROOMS};

/// The findings of a map, as they are told.
fn findings(folder: &Folder, args: &str) -> Vec<Value> {
    let run = folder.sheepdog(&format!("map check {args} --json"));
    let report: Value = serde_json::from_str(&run.out).unwrap();
    report["findings"].as_array().unwrap().clone()
}

/// A picture has a pin or a remark for everything that `map check` finds, and for nothing else.
#[test]
fn a_picture_shows_what_the_check_finds() {
    let folder = Folder::new("check-picture");
    // Lanes of two roadmaps that cross, and a waypoint of one beside a lane of the other.
    let two = ROOMS.replace(
        "{ from = \"a\", to = \"b\" }",
        "{ from = \"a\", to = \"b\", roadmap = \"r\" }, { from = \"c\", to = \"d\", roadmap = \"s\" }",
    );
    let more = "waypoint = [{ id = \"c\", level = \"L1\", at = [8, 2] }, { id = \"d\", level = \"L1\", at = [8, 4.96] }, ";
    let crossed = two.replace("waypoint = [", more).replace("4.96", "8");
    folder.write("beside.toml", two.replace("waypoint = [", more)).write("crossed.toml", crossed);
    folder.write("bare.toml", ROOMS.replace("lane = [{ from = \"a\", to = \"b\" }]", ""));
    for (args, lint) in [
        ("beside.toml", Some("R221")),
        ("crossed.toml", Some("R208")),
        ("crossed.toml --roadmap r", None),
        ("bare.toml", None),
    ] {
        let found = findings(&folder, args);
        let is_there = |lint: &str| found.iter().any(|finding| finding["id"] == lint);
        assert!(lint.is_none_or(is_there), "{args}: {found:?}");
        assert_eq!(is_there("R208"), lint == Some("R208"), "{args}: {found:?}");
        let run = folder.sheepdog(&format!("map render {args} --check --out out.svg"));
        assert!(run.code == Some(0) && !run.out.contains("was drawn"), "{args}: {run:?}");
        let picture = folder.read("out.svg");
        let count = |severity: &str| found.iter().filter(|finding| finding["severity"] == severity).count();
        let (errors, warnings) = (count("error"), count("warning"));
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        if found.is_empty() {
            continue;
        }
        let total = format!("{errors} error{}, {warnings} warning{}<", plural(errors), plural(warnings));
        assert!(picture.contains(&total), "{args}: {total} {found:?}");
        for finding in found.iter().filter(|finding| !finding["place"].is_null()) {
            assert!(
                picture.contains(&format!("<title>{}: ", finding["id"].as_str().unwrap())),
                "{args}: {finding}"
            );
        }
    }
}

/// A map that does not compile: every error stands where its element does.
#[test]
fn what_is_refused_has_a_level_and_a_place() {
    let folder = Folder::new("check-refused");
    let wrong = ROOMS
        .replace("[30, 0], [30, 10], [15, 10]]", "[30, 10], [30, 0], [15, 10]]")
        .replace("opening_s = 30", "opening_s = -1")
        .replace("{ from = \"a\", to = \"b\" }", "{ from = \"a\", to = \"b\" }, { from = \"b\", to = \"nowhere\" }")
        .replace("waypoint = [", "station = [{ id = \"s\", waypoint = \"gone\" }]\nwaypoint = [{ id = \"b\", level = \"L1\", at = [3, 3] }, ")
        .replace("room = [", "zone = [{ id = \"z\", level = \"L2\", kind = \"blocked\", polygon = [[1, 2], [3, 2], [3, 4]] }]\nroom = [");
    folder.write("wrong.toml", wrong);
    let found = findings(&folder, "wrong.toml");
    let of = |element: &str| {
        let finding = found.iter().find(|finding| finding["elements"][0] == element);
        let finding = finding.unwrap_or_else(|| panic!("{element}: {found:#?}"));
        (finding["level"].clone(), finding["place"].clone())
    };
    assert_eq!(of("room \"right\""), ("L1".into(), serde_json::json!([15.0, 0.0])));
    assert_eq!(of("door \"slow\""), ("L1".into(), serde_json::json!([15.0, 5.0])));
    assert_eq!(of("lane \"b\" to \"nowhere\""), ("L1".into(), serde_json::json!([28.0, 5.0])));
    assert_eq!(of("waypoint \"b\""), ("L1".into(), serde_json::json!([28.0, 5.0])), "the second one");
    // What is nowhere has no place, and a level that is not there is not told.
    assert_eq!(of("station \"s\""), (Value::Null, Value::Null));
    assert_eq!(of("zone \"z\""), (Value::Null, serde_json::json!([1.0, 2.0])));
    // What is sound is drawn, and the errors on it.
    let run = folder.sheepdog("map render wrong.toml --check --out wrong.svg");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.out.contains("not drawn, because of errors: ") && run.out.contains("door \"slow\""),
        "{run:?}"
    );
    let picture = folder.read("wrong.svg");
    assert!(picture.contains("id=\"room-left\"") && !picture.contains("id=\"room-right\""));
    for finding in found.iter().filter(|finding| !finding["level"].is_null()) {
        assert!(picture.contains(&format!("<title>{}: ", finding["id"].as_str().unwrap())), "{finding}");
    }
}
