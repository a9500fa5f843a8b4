//! Malformed, truncated and hostile files: an error with its place, never a panic.

use proptest::prelude::*;
use sheepdog::map::Site;
use sheepdog::scenario::{Scenario, ScenarioError, World};
use sheepdog::vocabulary::Sequential;
use sheepdog_testkit::few;

use crate::common::{STORY, site};

const STORY_FILE: &str = include_str!("../../examples/hospital.toml");
const SITE_FILE: &str = include_str!("../../sites/hospital.toml");

/// What somebody did to a file.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Replace(usize, u8),
    Insert(usize, &'static str),
    DropLine(usize),
    RepeatLine(usize),
    Number(usize, &'static str),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || any::<usize>();
    let hostile = || {
        prop::sample::select(vec![
            "nan",
            "inf",
            "-inf",
            "-1",
            "1e308",
            "-0.0",
            "18446744073709551615",
            "-9223372036854775808",
            "1e-320",
            "\"\"",
            "[]",
            "{}",
            "4294967296",
            "999999999999",
            "true",
            "1979-05-27",
        ])
    };
    prop_oneof![
        1 => at().prop_map(Damage::Cut),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        1 => (at(), hostile()).prop_map(|(at, text)| Damage::Insert(at, text)),
        1 => at().prop_map(Damage::DropLine),
        1 => at().prop_map(Damage::RepeatLine),
        4 => (at(), hostile()).prop_map(|(at, text)| Damage::Number(at, text)),
    ]
}

impl Damage {
    fn apply(&self, text: &str) -> String {
        let line_damage = |at: usize, copies: usize| -> String {
            let count = text.lines().count().max(1);
            let lines = text.lines().enumerate();
            lines
                .flat_map(|(number, line)| {
                    std::iter::repeat_n(line, if number == at % count { copies } else { 1 })
                })
                .flat_map(|line| [line, "\n"])
                .collect()
        };
        let mut bytes = text.as_bytes().to_vec();
        let length = bytes.len().max(1);
        match self {
            Self::Cut(at) => bytes.truncate(at % length),
            Self::Replace(at, byte) => bytes[at % length] = *byte,
            Self::Insert(at, hostile) => drop(bytes.splice(at % length..at % length, hostile.bytes())),
            Self::DropLine(at) => return line_damage(*at, 0),
            Self::RepeatLine(at) => return line_damage(*at, 2),
            Self::Number(at, hostile) => {
                // The number after the next "= " gives way to something else.
                let from = at % length;
                let start = text.get(from..).and_then(|rest| Some(from + rest.find("= ")? + 2));
                if let Some(start) = start {
                    let end = bytes[start..]
                        .iter()
                        .position(|byte| b",\n }".contains(byte))
                        .map_or(length, |end| start + end);
                    drop(bytes.splice(start..end, hostile.bytes()));
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn check_message(text: &str, error: &ScenarioError) -> Result<(), TestCaseError> {
    let message = error.to_string();
    prop_assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
    if let ScenarioError::Format { line, column, .. } = error {
        prop_assert!(1 <= *line && *line <= text.lines().count() + 1 && 1 <= *column, "{message}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(few(96))]

    /// The hospital's story, damaged once or twice, is refused with its place, or is another story that runs.
    #[test]
    fn damaged_stories_are_refused_or_run(damages in prop::collection::vec(damage(), 1..3)) {
        let text = damages.iter().fold(STORY_FILE.to_owned(), |text, damage| damage.apply(&text));
        if let Err(error) = Scenario::from_toml(&text) {
            check_message(&text, &error)?;
        }
        let text = damages.iter().fold(STORY.to_owned(), |text, damage| damage.apply(&text));
        match Scenario::from_toml(&text).and_then(|story| story.setup(&site(), None, None)) {
            Err(error) => check_message(&text, &error)?,
            Ok(setup) => match World::new(setup) {
                Err(error) => prop_assert!(!error.to_string().is_empty()),
                Ok(mut world) => (0..20).try_for_each(|_| world.step(&Sequential))?,
            },
        }
    }
}

proptest! {
    #![proptest_config(few(24))]

    /// So is the hospital itself; what still compiles still has its story or names what the story misses.
    #[test]
    fn damaged_sites_are_refused_or_compile(damages in prop::collection::vec(damage(), 1..3)) {
        let text = damages.iter().fold(SITE_FILE.to_owned(), |text, damage| damage.apply(&text));
        match Site::from_toml(&text) {
            Err(error) => {
                let first = error.faults.first().and_then(|fault| fault.position);
                let place = first.ok_or_else(|| TestCaseError::fail("an error without a place"))?;
                prop_assert!(1 <= place.line && place.line as usize <= text.lines().count() + 1, "{error}");
            }
            Ok(site) => {
                let story = Scenario::from_toml(STORY_FILE).map_err(|error| TestCaseError::fail(error.to_string()))?;
                if let Err(error) = story.setup(&site, None, None) {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}

#[test]
fn errors_of_a_story_name_the_line_or_the_field() {
    let with = |from: &str, to: &str| {
        let text = STORY.replace(from, to);
        assert_ne!(text, STORY, "{from:?} is not in the story");
        let story = Scenario::from_toml(&text).and_then(|story| story.setup(&site(), None, None));
        story.err().map_or_else(String::new, |error| error.to_string())
    };
    for (from, to, expected) in [
        ("duration_s", "duration", "line 4, column 1: unknown field `duration`"),
        ("duration_s = 1800.0", "duration_s = -1.0", "duration_s is -1: from 0 to 86400 seconds"),
        ("duration_s = 1800.0", "duration_s = nan", "duration_s is NaN"),
        ("radius_m = 0.25", "radius_m = 11", "footprint.radius_m is 11: from 0 to 10 metres"),
        ("at = \"bay-5\"", "at = \"bay-99\"", "robot[1].at: waypoint \"bay-99\" is not on the site"),
        (
            "{ name = \"anna\", at = \"bay-0\" }",
            "{ name = \"anna\", at = \"bay-0\", battery_percent = 101 }",
            "robot[0].battery_percent is 101: at most 100",
        ),
        ("kind = \"nurse\"", "kind = \"robots\"", "line 8"),
        ("role = \"operator\"", "role = \"boss\"", "line 12"),
    ] {
        let message = with(from, to);
        assert!(message.contains(expected), "{to}: {message:?}");
    }
    for (fault, expected) in [
        ("kind = \"frezze\"", "unknown fault `frezze`, expected one of `confidence`,"),
        (
            "kind = \"fire door shut\"\npassage = \"gate\"",
            "fault[0].passage: door \"gate\" is not on the site",
        ),
    ] {
        let text = format!("{STORY}\n[[fault]]\nat_s = 1\n{fault}\n");
        let error =
            Scenario::from_toml(&text).and_then(|story| story.setup(&site(), None, None)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let endless = format!(
        "{STORY}\n[[deliveries]]\nname = \"d\"\ncount = 4294967295\nfirst_s = 0\nevery_s = 0\nfrom = [\"station bay-0\"]\nto = [\"station bay-1\"]\n"
    );
    let error = Scenario::from_toml(&endless).and_then(|story| story.setup(&site(), None, None)).unwrap_err();
    assert!(error.to_string().contains("deliveries[0].count is 4294967295"), "{error}");
}
