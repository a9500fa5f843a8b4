//! What an importer measured: alignment, scales, thresholds, names. Texts of its warnings are not read.

use std::collections::BTreeMap;

use super::{BuildingProfile, Finding, catalogue::id, index::element, profile::metres};
use crate::import::{ImportReport, LevelImport};

/// Names that editors fill in when nobody gives one.
const FILLED_IN: [&str; 6] = ["", "name", "null", "door", "unnamed", "<unnamed>"];

/// All findings about an import.
pub(super) fn findings(report: &ImportReport, profile: &BuildingProfile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for level in &report.levels {
        findings.extend(residual(level, profile));
        findings.extend(spread(level, profile));
        findings.extend(unaligned(level));
    }
    findings.extend(turned(report));
    findings.extend(unknown_as_free(report));
    findings.extend(left_behind(report));
    shared_names(report, &mut findings);
    lift_doors(report, &mut findings);
    findings
}

fn residual(level: &LevelImport, profile: &BuildingProfile) -> Option<Finding> {
    let limit_m = metres(profile.import.fiducial_residual_max_mm);
    let text = format!(
        "the fiducials of level {:?} miss those of the reference level by up to {:.3} m, at most {limit_m:.3} m are allowed",
        level.name, level.residual_m
    );
    (limit_m < level.residual_m).then(|| {
        Finding::new(id::A402, text).on(&level.name).about(element("level", &level.name)).measured(
            level.residual_m,
            limit_m,
            "m",
        )
    })
}

/// How much larger the largest of the measured scales and the scale used is than the least.
fn spread(level: &LevelImport, profile: &BuildingProfile) -> Option<Finding> {
    let all = || level.scales.iter().copied().chain([level.scale]);
    let (lowest, highest) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let share = highest / lowest - 1.0;
    let limit = f64::from(profile.import.scale_spread_max_permille) / 1e3;
    let text = format!(
        "level {:?} was measured at {} m per unit and imported at {:.6}: {:.2} % apart, at most {:.2} % are allowed",
        level.name,
        level.scales.iter().map(|scale| format!("{scale:.6}")).collect::<Vec<_>>().join(", "),
        level.scale,
        share * 100.0,
        limit * 100.0,
    );
    (!level.scales.is_empty() && limit < share).then(|| {
        Finding::new(id::A403, text).on(&level.name).about(element("level", &level.name)).measured(
            share * 100.0,
            limit * 100.0,
            "%",
        )
    })
}

fn unaligned(level: &LevelImport) -> Option<Finding> {
    let fiducials = level.fiducials.filter(|fiducials| *fiducials < 2)?;
    let text = format!(
        "level {:?} shares {fiducials} fiducials with the reference level, aligning it needs 2",
        level.name
    );
    let finding = Finding::new(id::A401, text).on(&level.name).about(element("level", &level.name));
    Some(finding.measured(crate::geometry::float(fiducials), 2.0, ""))
}

fn turned(report: &ImportReport) -> Option<Finding> {
    let yaw_rad = report.raster?.yaw_rad;
    let text =
        format!("the raster map is turned by {yaw_rad} rad; it is honoured here, other tools ignore it");
    (0.0 < yaw_rad.abs()).then(|| Finding::new(id::A404, text).about("origin").measured(yaw_rad, 0.0, "rad"))
}

fn unknown_as_free(report: &ImportReport) -> Option<Finding> {
    let reading = report.raster?;
    let cells = reading.unknown_as_free?;
    let text = format!(
        "free_thresh {} calls grey 205, which means unknown, free: {cells} cells; {}",
        reading.free_thresh,
        reading.remedy()
    );
    Some(Finding::new(id::A405, text).about("free_thresh").measured(reading.free_thresh, 0.196, ""))
}

/// One finding for a file: most maps of others leave dozens of things behind.
fn left_behind(report: &ImportReport) -> Option<Finding> {
    let count: usize = report.dropped.iter().map(|(_, count)| count).sum();
    let text = format!("values of the file that have no place in the model: {count}");
    let elements = report.dropped.iter().map(|(path, count)| format!("{path} ({count})"));
    (0 < count).then(|| {
        Finding::new(id::A406, text).about_all(elements).measured(crate::geometry::float(count), 0.0, "")
    })
}

fn shared_names(report: &ImportReport, findings: &mut Vec<Finding>) {
    for shared in &report.shared_names {
        let bearers = shared.became.iter().map(|name| element(shared.kind, name));
        let (kind, name, count) = (shared.kind, &shared.name, shared.became.len());
        let text = format!("{count} {kind}s are called {name:?}; they were given names of their own");
        let finding = Finding::new(id::R209, text).about_all(bearers);
        findings.push(finding.measured(crate::geometry::float(count), 1.0, ""));
    }
}

fn lift_doors(report: &ImportReport, findings: &mut Vec<Finding>) {
    let mut lifts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for door in &report.lift_doors {
        lifts.entry(&door.door).or_default().push(&door.lift);
    }
    for (door, lifts) in lifts {
        let careless = FILLED_IN.iter().any(|name| door.eq_ignore_ascii_case(name));
        let why = match (careless, lifts.len()) {
            (true, _) => "which nobody chose",
            (false, 1) => continue,
            (false, _) => "which several lifts share",
        };
        let names: Vec<String> = lifts.iter().map(|lift| element("lift", lift)).collect();
        let text = format!("the door of {} is called {door:?}, {why}", names.join(" and "));
        findings.push(Finding::new(id::L304, text).about_all(names));
    }
}
