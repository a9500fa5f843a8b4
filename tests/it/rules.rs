//! `docs/rules.md` is made from the catalogues, and every rule is used.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use sheepdog::vocabulary::Rule;

use crate::architecture::{crates, sources};

/// The catalogues with what they are about.
const CATALOGUES: [(&str, &str, &[Rule]); 4] = [
    ("interlock", "On the robot: whether it may move.", sheepdog::interlock::RULES),
    ("dispatch", "Who does which task, and when a step may begin.", sheepdog::dispatch::RULES),
    ("traffic", "Who goes first.", sheepdog::traffic::RULES),
    ("fleet", "The coordinator itself.", sheepdog::fleet::rules::RULES),
];

fn page() -> String {
    let mut page = "# Rules\n\nEvery award, hold and stop cites one of these. Ids are never reused. This page is generated from the\ncatalogues in the code: `SHEEPDOG_BLESS=1 cargo test --test it rules` writes it anew.\n".to_owned();
    for (name, about, rules) in CATALOGUES {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {name}\n\n{about}\n\n| rule | what it says | why | stop |\n|---|---|---|---|\n"
        );
        let mut rules = rules.to_vec();
        rules.sort_by_key(|rule| rule.id);
        for rule in rules {
            let stop = rule.category.map_or_else(|| "-".to_owned(), |category| category.to_string());
            let _ = writeln!(page, "| `{}` | {} | {} | {stop} |", rule.id, rule.text, rule.rationale);
        }
    }
    page
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
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources(&root.join("tests"));
    let mut constants = BTreeMap::new();
    for (_, path) in crates() {
        for file in sources(&path.join("src")).into_iter().chain(sources(&path.join("tests"))) {
            if file.ends_with("src/rules.rs") {
                constants.extend(constants_of(&fs::read_to_string(&file).unwrap()));
            } else if !file.ends_with("src/lib.rs") {
                files.push(file);
            }
        }
    }
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let uncited = |rule: &&Rule| {
        let id = rule.id.as_str();
        let constant = constants.get(id).unwrap_or_else(|| panic!("{id} is defined in no src/rules.rs"));
        !texts.iter().any(|text| text.contains(&format!("\"{id}\"")) || mentions(text, constant))
    };
    let uncited: Vec<&str> = CATALOGUES
        .iter()
        .flat_map(|(_, _, rules)| rules.iter())
        .filter(uncited)
        .map(|rule| rule.id.as_str())
        .collect();
    assert!(uncited.is_empty(), "nothing cites {uncited:?}");
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
