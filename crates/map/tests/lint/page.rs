//! `docs/lint.md` is made from the catalogue.

use std::{fmt::Write as _, fs, path::PathBuf};

use sheepdog_map::lint::{BuildingProfile, LINTS, Severity};

const ABOUT: [(&str, &str); 7] = [
    ("A", "Import"),
    ("B", "Rules of the building"),
    ("G", "Geometry"),
    ("L", "Lifts"),
    ("R", "Roadmap"),
    ("S", "Sensors"),
    ("Z", "Zones"),
];

fn page() -> String {
    let errors = LINTS.iter().filter(|lint| lint.severity == Severity::Error).count();
    let mut page = format!(
        "# Lint of maps\n\n`sheepdog map check FILE` looks for these faults, `sheepdog_map::lint::check` in code. Each finding bears the\nid of its lint, names elements and place, and says what was measured and what the limit is. Ids are never given\nto another lint. There are {} of them; {errors} are errors (E): somebody comes to harm, or a robot cannot do what the map\nsays. The others are warnings (W): it may be meant, and somebody should look.\n\nThis page is generated: `SHEEPDOG_BLESS=1 cargo test -p sheepdog-map --test lint` writes it anew.\n\nA site that does not compile gets one finding for each error of the compiler; what needs its geometry is looked at\nwhen these are mended, and `complete` in the report is false until then. A file that no importer takes has no findings,\nbut for A401.\n",
        LINTS.len()
    );
    for (letter, about) in ABOUT {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {about}\n");
        for lint in LINTS.iter().filter(|lint| lint.id.as_str().starts_with(letter)) {
            let severity = match lint.severity {
                Severity::Error => "E",
                Severity::Warning => "W",
            };
            let _ = write!(
                page,
                "\n### `{}` {severity}: {}\n\n{}\n\nOtherwise: {}\n",
                lint.id, lint.name, lint.rule, lint.why
            );
        }
    }
    let profile = BuildingProfile::default();
    let digest = profile.digest().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let _ = write!(
        page,
        "\n## Profile\n\nAll limits are in a profile: TOML, whole numbers, unknown names refused, anything left out as below. Its digest,\nSHA-256 of the profile with every limit written out, is in each report. A table `[class.NAME]` has the fields of\n`[robot]` for the footprint class of that name, and `turning_radius_mm`. These are common values and no statement\nabout any law; whoever runs the building sets them. An exit is measured in whole millimetres and may be\n`width_tolerance_mm` narrower than asked. `exits` is `declared`, `all` or `outside` (declared, or with a room on one\nside only).\n\nDigest of the default profile: `{digest}`\n\n```toml\n{}```\n",
        profile.to_toml()
    );
    page
}

#[test]
fn the_page_of_lints_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    if std::env::var_os("SHEEPDOG_BLESS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/lint.md is stale: SHEEPDOG_BLESS=1 cargo test -p sheepdog-map --test lint"
    );
}
