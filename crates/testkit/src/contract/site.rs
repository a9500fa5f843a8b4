//! The contract of a site: whether a fleet can be sent through it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use nalgebra::{Point2, distance};
use sheepdog_core::{LaneId, LevelId, Mm, Sequential};
use sheepdog_fleet::Record;
use sheepdog_map::{
    CompileOptions, CompiledSite, Site,
    import::{ImportReport, import},
    lint::{self, BuildingProfile, Severity},
    survey::{self, SurveyError, SurveyOptions},
};
use sheepdog_scenario::{DeliveryLoad, Setup, World};

use crate::check;

/// What a site is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteCheck {
    /// The file is read.
    Reads,
    /// It makes a site.
    Compiles,
    /// The catalogue of lints finds no error.
    Lints,
    /// From every station robots reach every other one.
    Reaches,
    /// Lanes without a common claim are further apart than robots without their margins are wide.
    Claims,
    /// A fleet does what it is asked for: no task lost or done twice, nobody touched, every decision with its reason.
    Deliveries,
}

/// What robots drive on the site, and what is known about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteTerms {
    /// Radius of their footprint.
    pub radius: Mm,
    /// Declared margin around it.
    pub margin: Mm,
    /// The roadmap in use, if the site has several.
    pub roadmap: Option<&'static str>,
    /// How many robots deliver.
    pub robots: usize,
    /// How many deliveries are asked for.
    pub deliveries: usize,
    /// Where these come from.
    pub seed: u64,
    /// Ids of lints whose errors somebody has looked at and answers for, such as `B101`.
    pub accepted: &'static [&'static str],
}

impl SiteTerms {
    /// Two robots of 250 mm radius and 100 mm margin, six deliveries, nothing accepted.
    pub const STANDARD: Self = Self {
        radius: Mm(250),
        margin: Mm(100),
        roadmap: None,
        robots: 2,
        deliveries: 6,
        seed: 1,
        accepted: &[],
    };

    fn compile_options(&self) -> CompileOptions {
        Setup::options(self.radius, self.margin, self.roadmap.map(str::to_owned))
    }
}

/// What is wrong with a site, and where.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct SiteFailure {
    /// The file.
    pub path: PathBuf,
    /// What is wrong: one finding a line.
    pub what: String,
}

impl fmt::Debug for SiteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Findings told at most.
const FINDINGS_MAX: usize = 20;

/// Checks a site, of any format that can be imported.
///
/// # Errors
/// [`SiteFailure`] naming what is wrong.
pub fn check_site(check: SiteCheck, path: &Path, terms: &SiteTerms) -> Result<(), SiteFailure> {
    let failure = |what: String| SiteFailure { path: path.to_owned(), what };
    let (site, report) = read(path).map_err(failure)?;
    let options = terms.compile_options();
    let site = with_lanes(site, &options).map_err(failure)?;
    let compiled = || {
        site.compile(&options).map_err(|errors| {
            let errors: Vec<_> = errors.iter().take(FINDINGS_MAX).map(ToString::to_string).collect();
            errors.join("\n")
        })
    };
    match check {
        SiteCheck::Reads => Ok(()),
        SiteCheck::Compiles => compiled().map(|_| ()),
        SiteCheck::Lints => lints(&site, &options, report.as_ref(), terms.accepted),
        SiteCheck::Reaches => compiled().and_then(|site| reaches(&site, terms)),
        SiteCheck::Claims => compiled().and_then(|site| claims(&site, terms)),
        SiteCheck::Deliveries => deliveries(&site, &options, terms),
    }
    .map_err(failure)
}

fn read(path: &Path) -> Result<(Site, Option<ImportReport>), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    if is_toml {
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        return Site::from_toml(&text).map(|site| (site, None)).map_err(|error| error.to_string());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = |file: &str| fs::read(path.with_file_name(file)).ok();
    let imported = import(&name, &bytes, beside).map_err(|error| error.to_string())?;
    Ok((imported.0, Some(imported.1)))
}

/// A site without lanes gets those that are drawn from its rooms.
fn with_lanes(site: Site, options: &CompileOptions) -> Result<Site, String> {
    let class = options.classes.first().filter(|_| site.lanes.is_empty() && !site.rooms.is_empty());
    let Some(class) = class.cloned() else { return Ok(site) };
    match survey::generate(&site, &SurveyOptions::new(class)) {
        Ok((drawn, _)) => Ok(drawn),
        // The errors of the site are told when it is compiled.
        Err(SurveyError::Map(_)) => Ok(site),
        Err(error) => Err(error.to_string()),
    }
}

fn lints(
    site: &Site,
    options: &CompileOptions,
    imported: Option<&ImportReport>,
    accepted: &[&str],
) -> Result<(), String> {
    let report = lint::check(site, options, imported, &BuildingProfile::default());
    let errors = report
        .findings
        .iter()
        .filter(|found| found.severity == Severity::Error && !accepted.contains(&found.id.as_str()));
    let lines: Vec<_> = errors.map(|found| format!("{}: {}", found.id.as_str(), found.text)).collect();
    if lines.is_empty() { Ok(()) } else { Err(first(&lines)) }
}

fn first(lines: &[String]) -> String {
    let more = lines.len().saturating_sub(FINDINGS_MAX);
    let mut told = lines.iter().take(FINDINGS_MAX).cloned().collect::<Vec<_>>();
    if 0 < more {
        told.push(format!("and {more} more"));
    }
    told.join("\n")
}

/// With one of several roadmaps in use, stations of the others do not count.
fn reaches(site: &CompiledSite, terms: &SiteTerms) -> Result<(), String> {
    let components = site.components(0);
    let component = |waypoint| components.iter().position(|component| component.contains(&waypoint));
    let on_roadmap = |waypoint| !site.lanes_from(waypoint).is_empty() || !site.lanes_to(waypoint).is_empty();
    let counts = |waypoint| terms.roadmap.is_none() || on_roadmap(waypoint);
    let stations: Vec<_> = site.stations().iter().filter(|station| counts(station.waypoint)).collect();
    let [home, rest @ ..] = stations.as_slice() else {
        return Err("no station is on the roadmap".to_owned());
    };
    let here = component(home.waypoint);
    let apart = rest.iter().filter(|station| here.is_none() || component(station.waypoint) != here);
    let lines: Vec<_> =
        apart.map(|station| format!("no way from {:?} to {:?} and back", home.name, station.name)).collect();
    if lines.is_empty() { Ok(()) } else { Err(first(&lines)) }
}

/// Compares all pairs of lanes: if no claim is common, discs of the footprint less its margin, swept along both, never meet.
fn claims(site: &CompiledSite, terms: &SiteTerms) -> Result<(), String> {
    let Some(claims) = site.classes().first() else { return Err("no footprint".to_owned()) };
    let lanes: Vec<(LaneId, LevelId, Point2<f64>, Point2<f64>)> = site
        .live_lanes()
        .filter_map(|(id, lane)| {
            let (from, to) = (site.waypoint(lane.from)?, site.waypoint(lane.to)?);
            (from.level == to.level && claims.usable(id)).then_some((id, from.level, from.at, to.at))
        })
        .collect();
    if lanes.is_empty() {
        return Err("no lane that a robot can use".to_owned());
    }
    let apart_m = 2.0 * f64::from(terms.radius.saturating_sub(terms.margin).0) / 1e3;
    for (place, (one, level, a, b)) in lanes.iter().enumerate() {
        for (other, same, c, d) in lanes.iter().skip(place + 1) {
            if level != same || apart_m <= between(*a, *b, *c, *d) {
                continue;
            }
            let shares = |resource| claims.along(*other).contains(resource);
            if !claims.along(*one).iter().any(shares) {
                let gap_m = between(*a, *b, *c, *d);
                return Err(format!(
                    "lanes {one} and {other} are {gap_m:.2} m apart and have no common claim"
                ));
            }
        }
    }
    Ok(())
}

/// Least distance of two segments that do not cross; zero if they do. From the four ends, and a plain test for crossing.
fn between(a: Point2<f64>, b: Point2<f64>, c: Point2<f64>, d: Point2<f64>) -> f64 {
    let side = |p: Point2<f64>, q: Point2<f64>, r: Point2<f64>| (q - p).perp(&(r - p));
    if side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0 {
        return 0.0;
    }
    let ends = [
        super::course::from_segment(a, c, d),
        super::course::from_segment(b, c, d),
        super::course::from_segment(c, a, b),
        super::course::from_segment(d, a, b),
        distance(&a, &c),
    ];
    ends.into_iter().fold(f64::INFINITY, f64::min)
}

fn deliveries(site: &Site, options: &CompileOptions, terms: &SiteTerms) -> Result<(), String> {
    let SiteTerms { robots, deliveries, seed, .. } = *terms;
    let load = DeliveryLoad::default();
    let setup = Setup::random_deliveries(site, options, robots, deliveries, load, seed)
        .map_err(|error| error.to_string())?;
    let compiled = std::sync::Arc::clone(&setup.site);
    let mut world = World::new(setup).map_err(|error| error.to_string())?;
    world.run(&Sequential).map_err(|error| error.to_string())?;
    let entries = world.entries().map_err(|error| error.to_string())?;
    check::no_task_lost_or_done_twice(&entries).map_err(|found| found.to_string())?;
    check::every_decision_holds(&entries, &compiled).map_err(|found| found.to_string())?;
    check::replays(world.ledger()).map_err(|found| found.to_string())?;
    let done = entries.iter().filter(|entry| matches!(entry.record, Record::Done { .. })).count();
    if done < deliveries {
        return Err(format!("{done} of {deliveries} deliveries are done after {}", world.now()));
    }
    match (world.plant().overlaps(), world.plant().misplaced_loads()) {
        (0, 0) => Ok(()),
        (0, misplaced) => Err(format!("loads were not where they should have been {misplaced} times")),
        (overlaps, _) => Err(format!("robots have touched each other {overlaps} times")),
    }
}
