//! `sheepdog map check`.

use sheepdog_map::lint::{self, BuildingProfile, ExitDoors, Finding, Lint, Report, Severity};

use super::{lay_masks, options_for_all, read_site};
use crate::{
    args::{Check, Exits},
    files::{Sources, read_text},
    problem::{Answer, Problem},
};

/// How many findings of one lint are printed; the others are counted.
const ROWS_MAX: usize = 40;
/// How many elements of one finding are printed.
const ELEMENTS_MAX: usize = 4;

pub(crate) fn run(args: &Check) -> Result<Answer, Problem> {
    let path = args.file.as_path();
    let profile = profile(args)?;
    let mut sources = Sources::default();
    let report = match read_site(path, args.options.reading.raster, &mut sources)? {
        Ok(read) => {
            let (site, imported) = lay_masks(&args.masks, path, read, &mut sources)?;
            let options = options_for_all(path, &site, &args.options)?;
            lint::check(&site, &options, imported.as_ref(), &profile)
        }
        Err(error) => lint::refused_import(&error, &profile).ok_or_else(|| Problem::input(path, error))?,
    };
    if args.json {
        anstream::println!("{}", report.to_json());
    } else {
        print(&report);
    }
    let is_bad = report.has_errors() || (args.strict && !report.findings.is_empty());
    Ok(if is_bad { Answer::No } else { Answer::Yes })
}

fn profile(args: &Check) -> Result<BuildingProfile, Problem> {
    let mut profile = match &args.profile {
        Some(path) => {
            BuildingProfile::from_toml(&read_text(path)?).map_err(|error| Problem::input(path, error))?
        }
        None => BuildingProfile::default(),
    };
    match args.exits {
        Some(Exits::Declared) => profile.building.exits = ExitDoors::Declared,
        Some(Exits::All) => profile.building.exits = ExitDoors::All,
        Some(Exits::Outside) => profile.building.exits = ExitDoors::Outside,
        None => {}
    }
    Ok(profile)
}

fn print(report: &Report) {
    for (severity, title) in [(Severity::Error, "ERRORS"), (Severity::Warning, "WARNINGS")] {
        let count = report.count(severity);
        if count != 0 {
            anstream::println!("{title} ({count})");
        }
        for lint in lint::LINTS.iter().filter(|lint| lint.severity == severity) {
            print_lint(report, lint);
        }
    }
    if !report.complete {
        anstream::println!(
            "
Not everything was looked at: mend these errors, then check again."
        );
    }
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let stamp = &report.profile;
    let digest: String = stamp.digest.chars().take(12).collect();
    anstream::println!(
        "{} errors, {} warnings by profile {} version {} ({digest})",
        errors,
        warnings,
        stamp.name,
        stamp.version
    );
}

/// A lint with its rule once, then its findings.
fn print_lint(report: &Report, lint: &Lint) {
    let findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.id == lint.id).collect();
    if findings.is_empty() {
        return;
    }
    anstream::println!("\n  {} {} ({})\n       {}", lint.id, lint.name, findings.len(), lint.rule);
    for finding in findings.iter().take(ROWS_MAX) {
        let level = finding.level.as_deref().unwrap_or("-");
        let place = finding.place.map_or_else(String::new, |[x, y]| format!("({x:.2}, {y:.2})"));
        anstream::println!("       {level:<8} {place:<18} {}", finding.text);
        // Most texts name their elements.
        let unnamed: Vec<&str> = finding
            .elements
            .iter()
            .map(String::as_str)
            .filter(|element| {
                !finding.text.contains(element.split_once(' ').map_or(*element, |(_, name)| name))
            })
            .collect();
        if !unnamed.is_empty() {
            let more = unnamed.len().saturating_sub(ELEMENTS_MAX);
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            let shown: Vec<&str> = unnamed.into_iter().take(ELEMENTS_MAX).collect();
            anstream::println!("       {:<8} {:<18}   {}{more}", "", "", shown.join(", "));
        }
    }
    let more = findings.len().saturating_sub(ROWS_MAX);
    if more != 0 {
        anstream::println!("       and {more} more; --json lists all");
    }
}
