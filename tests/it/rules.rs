//! `docs/rules.md` is made from the catalogues, and every rule is used.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use sheepdog::vocabulary::{PointerStatus, Rule};

use crate::architecture::{crates, sources};

/// The catalogues with what they are about.
const CATALOGUES: [(&str, &str, &[Rule]); 6] = [
    ("interlock", "On the robot: whether it may move.", sheepdog::interlock::RULES),
    (
        "packs",
        "On the robot: what the interlock is told of map, power, brakes, lifts, lamps, patients and drivers.",
        sheepdog::interlock::packs::RULES,
    ),
    ("map", "Where a release may end.", sheepdog::map::RULES),
    ("dispatch", "Who does which task, and when a step may begin.", sheepdog::dispatch::RULES),
    ("traffic", "Who goes first.", sheepdog::traffic::RULES),
    ("fleet", "The coordinator itself.", sheepdog::fleet::rules::RULES),
];

/// How many of them belong to the robot.
const ROBOT: usize = 2;

/// Tests of a rule that the page names.
const TESTS_NAMED: usize = 4;

fn page() -> String {
    let tests = tests_by_rule();
    let mut page = "# Rules\n\nEvery award, hold and stop cites one of these. Ids are never reused. This page is generated from the\ncatalogues in the code: `SHEEPDOG_BLESS=1 cargo test --test it rules` writes it anew.\n\nSettings are shown with what simulated robots use; every robot has its own. Pointers say where others treat the same\nconcern. *Unverified* means that nobody has compared the rule with the document itself, and no pointer claims\nconformity. Clauses marked `?` are not known. Integrators add their own in a file like\n[mapping-example.toml](mapping-example.toml).\n".to_owned();
    for (name, about, rules) in CATALOGUES {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "\n## {name}\n\n{about}");
        let mut rules = rules.to_vec();
        rules.sort_by_key(|rule| rule.id);
        for rule in rules {
            page.push_str(&entry(&rule, tests.get(rule.id.as_str()).map_or(&[], Vec::as_slice)));
        }
    }
    page
}

fn entry(rule: &Rule, tests: &[String]) -> String {
    let stop = rule.category.map_or_else(|| "no stop by itself".to_owned(), |category| category.to_string());
    let mut lines = vec![
        format!("\n### `{}`, {stop}\n\n{}\n", rule.id, rule.text),
        format!("* Why: {}\n", rule.rationale),
    ];
    let parameters: Vec<String> = rule
        .parameters
        .iter()
        .map(|setting| format!("`{}` {} {}", setting.name, setting.default, setting.unit))
        .collect();
    if !parameters.is_empty() {
        lines.push(format!("* Settings: {}\n", parameters.join(", ")));
    }
    let pointers: Vec<String> = rule
        .pointers
        .iter()
        .map(|pointer| {
            let status = match pointer.status {
                PointerStatus::Verified => "verified",
                PointerStatus::Unverified => "unverified",
            };
            format!("{}, {} ({status})", pointer.document, pointer.clause)
        })
        .collect();
    if !pointers.is_empty() {
        lines.push(format!("* Elsewhere: {}\n", pointers.join("; ")));
    }
    let named: Vec<String> = tests.iter().take(TESTS_NAMED).map(|test| format!("`{test}`")).collect();
    let more = tests.len().saturating_sub(TESTS_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    lines.push(format!("* Tests: {}{more}\n", named.join(", ")));
    lines.concat()
}

#[test]
fn the_page_of_rules_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    if std::env::var_os("SHEEPDOG_BLESS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page(), "docs/rules.md is stale: SHEEPDOG_BLESS=1 cargo test --test it rules");
}

#[test]
fn no_rule_is_listed_twice() {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, _, rules) in CATALOGUES {
        for rule in rules {
            assert_ne!(rule.id.as_str(), "INT-000", "a rule of {name} is misspelt");
            let before = seen.insert(rule.id.as_str(), name);
            assert_eq!(before, None, "{} is in {name} too", rule.id);
            assert!(!rule.text.is_empty() && !rule.rationale.is_empty());
        }
    }
}

/// A rule that nothing cites is a promise that nobody keeps.
#[test]
fn every_rule_is_cited_beside_its_definition() {
    let (files, constants) = texts_and_constants();
    let uncited: Vec<&str> = CATALOGUES
        .iter()
        .flat_map(|(_, _, rules)| rules.iter())
        .map(|rule| rule.id.as_str())
        .filter(|id| !files.iter().any(|(_, text)| names(text, id, &constants[*id])))
        .collect();
    assert!(uncited.is_empty(), "nothing cites {uncited:?}");
}

/// What keeps a robot from moving has a test that says which rule it tests.
#[test]
fn every_rule_of_the_robot_has_a_test() {
    let tests = tests_by_rule();
    let untested: Vec<&str> = CATALOGUES
        .iter()
        .take(ROBOT)
        .flat_map(|(_, _, rules)| rules.iter())
        .map(|rule| rule.id.as_str())
        .filter(|id| !tests.contains_key(*id))
        .collect();
    assert!(untested.is_empty(), "no test mentions {untested:?}");
}

/// Every rule of the robot is hit by a fault that is played to a robot that runs.
#[test]
fn every_rule_of_the_robot_has_a_fault_case() {
    let tests = tests_by_rule();
    let is_fault_case = |test: &String| ["faults::", "packs::"].iter().any(|module| test.starts_with(module));
    let missing: Vec<&str> = CATALOGUES
        .iter()
        .take(ROBOT)
        .flat_map(|(_, _, rules)| rules.iter())
        .map(|rule| rule.id.as_str())
        .filter(|id| !tests.get(*id).is_some_and(|tests| tests.iter().any(is_fault_case)))
        .collect();
    assert!(missing.is_empty(), "no fault case leads to {missing:?}");
}

/// The tests that mention each rule, as `file::function`, in the order of their names.
fn tests_by_rule() -> BTreeMap<String, Vec<String>> {
    let (files, constants) = texts_and_constants();
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (module, text) in files {
        for (name, body) in tests_in(&text) {
            for (id, _) in constants.iter().filter(|(id, constant)| names(&body, id, constant)) {
                tests.entry(id.clone()).or_default().push(format!("{module}::{name}"));
            }
        }
    }
    for named in tests.values_mut() {
        named.sort();
        named.dedup();
    }
    tests
}

/// Every source file but the catalogues, by name; and the constants of the catalogues.
fn texts_and_constants() -> (Vec<(String, String)>, BTreeMap<String, String>) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources(&root.join("tests"));
    for (_, path) in crates() {
        files.extend(sources(&path.join("src")));
        files.extend(sources(&path.join("tests")));
    }
    let is_catalogue = |file: &PathBuf| file.ends_with("src/rules.rs") || file.ends_with("packs/rules.rs");
    let (catalogues, files): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(is_catalogue);
    let text = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let constants = catalogues.iter().flat_map(|file| constants_of(&text(file))).collect();
    let module = |file: &PathBuf| file.file_stem().unwrap().to_string_lossy().into_owned();
    (files.iter().map(|file| (module(file), text(file))).collect(), constants)
}

/// Whether a text names a rule by its id or by its constant.
fn names(text: &str, id: &str, constant: &str) -> bool {
    text.contains(&format!("\"{id}\"")) || mentions(text, constant)
}

/// The test functions of a file with their text, which ends where the next function begins. Functions that tests share
/// belong to the test above them; a constant table that a test reads belongs to the first test.
fn tests_in(text: &str) -> Vec<(String, String)> {
    let mut tests: Vec<(String, String)> = Vec::new();
    let mut shared = String::new();
    let (mut is_test, mut is_use) = (false, false);
    for line in text.lines() {
        let trimmed = line.trim_start();
        is_use |= trimmed.starts_with("use ");
        if is_use {
            // What a file brings into scope tests nothing.
            is_use = !trimmed.ends_with(';');
            continue;
        }
        let name = trimmed.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
        match name {
            Some(name) if is_test => {
                tests.push((name.to_owned(), std::mem::take(&mut shared)));
                is_test = false;
            }
            Some(_) | None => is_test |= trimmed == "#[test]",
        }
        let body = tests.last_mut().map_or(&mut shared, |(_, body)| body);
        body.push_str(line);
        body.push('\n');
    }
    // What stands above the first test of a file of tests is shared; what stands above it in a source file is not.
    if let Some((_, first)) = tests.first_mut()
        && text.contains("#[cfg(test)]")
    {
        *first = first.split("#[cfg(test)]").last().unwrap_or_default().to_owned();
    }
    tests
}

/// The constants of a file by the rule they hold: the first word in capitals of a line that spells an id.
fn constants_of(text: &str) -> BTreeMap<String, String> {
    let is_id = |word: &&str| sheepdog::vocabulary::RuleId::parse(word).is_some();
    let of_line = |line: &str| {
        let id = line.split('"').find(is_id)?;
        let capitals = |word: &&str| {
            1 < word.len() && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let before = line.split('"').next()?;
        let constant = before.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(capitals)?;
        Some((id.to_owned(), constant.to_owned()))
    };
    text.lines().filter_map(of_line).collect()
}

/// Whether a text contains a word on its own.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}
