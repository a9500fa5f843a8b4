//! What `docs/ARCHITECTURE.md` calls invariants, as far as a machine can see them in the sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file under a folder, sorted.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let all = paths.into_iter().flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

pub(crate) fn crates() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root().join("crates")).unwrap();
    let mut crates: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    crates.sort();
    crates
}

/// Our crates among the `[dependencies]` of a manifest, without the prefix.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]"
            && let Some((name, _)) = line.split_once(['.', ' ', '='])
            && let Some(own) = name.strip_prefix("sheepdog-")
        {
            found.push(own.to_owned());
        }
    }
    found
}

#[test]
fn dependencies_point_in_the_allowed_direction() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("core", &[][..]),
        ("interlock", &["core"]),
        ("map", &["core"]),
        ("ledger", &["core"]),
        ("validate", &[]),
        ("dispatch", &["core", "map"]),
        ("traffic", &["core", "map"]),
        ("fleet", &["core", "map", "dispatch", "traffic", "ledger"]),
        ("driver", &["core", "interlock", "map"]),
        ("sim", &["core", "interlock", "map", "driver"]),
        (
            "scenario",
            &["core", "interlock", "map", "dispatch", "traffic", "ledger", "fleet", "driver", "sim"],
        ),
        ("runtime", &["core", "interlock", "map", "traffic", "ledger", "fleet", "driver"]),
        (
            "testkit",
            &[
                "core",
                "interlock",
                "map",
                "dispatch",
                "traffic",
                "ledger",
                "fleet",
                "driver",
                "sim",
                "scenario",
            ],
        ),
        (
            "sheepdog",
            &[
                "core",
                "interlock",
                "map",
                "dispatch",
                "traffic",
                "ledger",
                "fleet",
                "driver",
                "sim",
                "scenario",
                "runtime",
            ],
        ),
    ]);
    let edges = ["cli", "bench"];
    for (name, path) in crates() {
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let found = own_dependencies(&manifest);
        if edges.contains(&name.as_str()) {
            continue;
        }
        let allowed = allowed
            .get(name.as_str())
            .unwrap_or_else(|| panic!("crate {name} has no place in the order yet"));
        for dependency in found {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_interlock_needs_the_vocabulary_alone() {
    let manifest =
        |name: &str| fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let normal = |manifest: &str| -> Vec<String> {
        let section = manifest.split("\n[dependencies]").nth(1).unwrap_or("");
        let section = section.split("\n[").next().unwrap_or("");
        section.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let needed = normal(&manifest("interlock"));
    assert!(needed.len() == 1 && needed[0].starts_with("sheepdog-core"), "{needed:?}");
    assert!(normal(&manifest("core")).iter().all(|line| line.contains("optional = true")));
}

/// Code lines of a file, without comments, up to its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or("");
    code.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_runtime_reads_a_clock_spawns_a_thread_or_takes_a_lock() {
    let forbidden = [
        "Instant::now",
        "SystemTime::now",
        "std::thread",
        "thread::spawn",
        "thread::sleep",
        "Mutex",
        "RwLock",
        "Condvar",
    ];
    for (name, path) in crates().into_iter().filter(|(name, _)| name != "runtime") {
        for source in sources(&path.join("src")).iter().filter(|source| !source.ends_with("tests.rs")) {
            let code = code(source);
            for word in forbidden {
                assert!(!code.contains(word), "{name}: {} says {word}", source.display());
            }
        }
    }
}

#[test]
fn unsafe_code_is_refused_everywhere() {
    for (name, path) in crates() {
        let root = ["src/lib.rs", "src/main.rs"]
            .iter()
            .map(|file| path.join(file))
            .find(|path| path.exists())
            .unwrap();
        let text = fs::read_to_string(root).unwrap();
        let strict = ["core", "map", "dispatch", "traffic", "interlock", "ledger", "fleet", "validate"]
            .contains(&name.as_str());
        let forbids = text.contains("#![forbid(unsafe_code)]");
        assert!(forbids || (!strict && text.contains("#![deny(unsafe_code)]")), "{name} allows unsafe code");
    }
}
