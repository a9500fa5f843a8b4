//! An incident of a driver with a planted bug: recorded, played again, shrunk, and made a test.

use std::{fs, panic::catch_unwind, path::Path};

use sheepdog::vocabulary::Micros;
use sheepdog_testkit::contract::{
    Bundle, Case, Course, Limits, Simulated,
    broken::{Broken, Lie},
    rehearse,
};

const EMITTED: &str = "tests/it/emitted_incident.rs";

/// What the bundle below has made of itself.
#[expect(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::needless_raw_string_hashes,
    clippy::too_many_lines,
    clippy::unreadable_literal,
    reason = "as emitted"
)]
mod emitted {
    include!("emitted_incident.rs");
}

use self::emitted::off_by_one;

fn buggy(course: &Course) -> Broken<Simulated> {
    Broken::new(sound(course), Lie::OffByOne, course)
}

fn sound(course: &Course) -> Simulated {
    Simulated::new(course).unwrap()
}

fn incident() -> Bundle {
    let course = Course::standard().unwrap();
    let limits = Limits::SIMULATED;
    let cases = (0..256).map(|number| Case::draw(1, number));
    let mut bundles = cases.filter_map(|case| {
        let played = rehearse(&mut buggy(&course), &course, &limits, &case);
        played.breach.is_some().then(|| Bundle::new("off by one", &course, &limits, &case, &played).unwrap())
    });
    bundles.next().unwrap()
}

#[test]
fn a_bundle_replays_elsewhere_and_shrinks() {
    let bundle = incident();
    let read = Bundle::from_json(&bundle.to_json().unwrap()).unwrap();
    assert_eq!(read, bundle);
    let again = read.replay(buggy).unwrap();
    assert!(again.same && again.other_version.is_none());
    let breach = again.rehearsed.breach.clone().unwrap();
    assert_eq!(Some(breach.promise), bundle.promise.as_deref());
    let told = again.rehearsed.timeline();
    assert!(told.contains(breach.promise) && told.contains("Move by MOV-001"), "{told}");
    let least = read.shrink(buggy).unwrap();
    assert!(least.case.acts.len() < bundle.case.acts.len());
    assert_eq!(least.promise, bundle.promise);
    // On a sound driver nothing is broken, and the run is another.
    let without = read.replay(sound).unwrap();
    assert!(without.rehearsed.breach.is_none() && !without.same);
    let error = read.shrink(sound).unwrap_err();
    assert!(error.contains("breaks no promise"), "{error}");
}

#[test]
fn a_bundle_that_was_changed_is_refused_or_differs() {
    let json = incident().to_json().unwrap();
    let refused = |json: &str| Bundle::from_json(json).unwrap_err();
    assert!(refused(&json.replacen("\"schema\": 1", "\"schema\": 9", 1)).contains("schema 9"));
    assert!(refused(&json.replacen("\"driver\"", "\"drover\"", 1)).contains("drover"));
    assert!(refused(&json[..json.len() / 2]).contains("line"));
    let mut long = incident();
    long.case.acts[0].then = Micros::MAX;
    assert!(refused(&long.to_json().unwrap()).contains("the case lasts"));
    let mut other = incident();
    other.kit = "another kit".to_owned();
    assert!(other.replay(buggy).unwrap().other_version.unwrap().contains("another kit"));
}

#[test]
fn what_it_emits_fails_on_the_bug_and_passes_without_it() {
    let emitted = incident().shrink(buggy).unwrap().rust_test("off_by_one");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EMITTED);
    if std::env::var_os("SHEEPDOG_BLESS").is_some() {
        fs::write(&path, &emitted).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), emitted, "SHEEPDOG_BLESS=1 cargo test --test it incident");
    off_by_one(sound);
    assert!(catch_unwind(|| off_by_one(buggy)).is_err());
}
