//! Lint of maps: faults that a person should mend before a robot finds them.
//!
//! [`check`] compiles a site and looks at it, at what its importer had to say, and at a [`BuildingProfile`] of limits; it
//! answers with a [`Report`] of [`Finding`]s. Every finding bears an id of [`LINTS`], names the elements, and says what
//! was measured and what the limit is. It decides nothing: what may be compiled is the compiler's business, and what a
//! compiled site warns of is taken from there, not found anew.
//!
//! A site that does not compile is no reason to give up: each error becomes a finding. What needs geometry is then not
//! looked at, and [`Report::complete`] says so. Findings do not depend on the order of tables in the site.

mod building;
mod catalogue;
mod exits;
mod finding;
mod fit;
mod graph;
mod imports;
mod index;
mod lifts;
mod profile;
mod refused;
mod roadmap;
mod robots;
mod rooms;
mod sensors;
mod walls;
mod zones;

use crate::{
    compile::CompileOptions,
    compiled::CompiledSite,
    import::{ImportError, ImportReport},
    model::Site,
};

use self::index::Index;
pub use self::{
    catalogue::{LINTS, Lint, LintId, Severity},
    finding::{Finding, ProfileStamp, Report},
    profile::{
        BuildingProfile, BuildingRules, ExitDoors, GeometryRules, ImportRules, PROFILE_SCHEMA, ProfileError,
        RoadmapRules, RobotLimits,
    },
};

/// Every fault of a site that the catalogue knows. `imported` is the report of its importer, when it was imported.
///
/// The footprint classes of `options` are the robots that have to fit, and their limits are those of the same name in
/// `profile`. With a roadmap chosen in `options` lanes of others are not looked at. Costs compiling, and a few
/// milliseconds for a storey of a hospital.
///
/// ```
/// use sheepdog_map::{CompileOptions, Site, lint, model::{Door, Level, Room}};
///
/// let mut site = Site::new("flat");
/// site.levels.push(Level::new("0", 0.0));
/// site.rooms.push(Room::rectangle("hall", "0", 0.0, 0.0, 6.0, 4.0).walled());
/// site.doors.push(Door { signed: Some(true), ..Door::new("front", "0", [2.0, 0.0], [3.1, 0.0]).as_exit() });
/// let report = lint::check(&site, &CompileOptions::default(), None, &lint::BuildingProfile::default());
/// let [finding] = report.findings.as_slice() else { panic!("{report:?}") };
/// assert_eq!(finding.id.as_str(), "B101");
/// assert_eq!((finding.measured, finding.limit, finding.unit), (Some(1100.0), Some(1200.0), "mm"));
/// ```
pub fn check(
    site: &Site,
    options: &CompileOptions,
    imported: Option<&ImportReport>,
    profile: &BuildingProfile,
) -> Report {
    match site.compile(options) {
        Ok(compiled) => check_compiled(&compiled, options, imported, profile),
        Err(errors) => {
            let mut findings = refused::findings(&errors, site);
            findings.extend(imported.into_iter().flat_map(|report| imports::findings(report, profile)));
            Report::new(profile, false, findings)
        }
    }
}

/// The same for a site that was compiled already, with the options that it was compiled with.
pub fn check_compiled(
    site: &CompiledSite,
    options: &CompileOptions,
    imported: Option<&ImportReport>,
    profile: &BuildingProfile,
) -> Report {
    if site.is_successor {
        // What is gone is of no interest, and neither is the order in which things came.
        return check(site.authored(), options, imported, profile);
    }
    let index = Index::new(site, options, profile);
    let mut findings: Vec<Finding> =
        imported.into_iter().flat_map(|report| imports::findings(report, profile)).collect();
    for lint in PASSES {
        lint(&index, &mut findings);
    }
    Report::new(profile, true, findings)
}

/// What an importer refused, when the catalogue knows it as a fault of the map: levels that cannot be brought into
/// metres. `None` for every other error.
pub fn refused_import(error: &ImportError, profile: &BuildingProfile) -> Option<Report> {
    let finding = refused::import_finding(error)?;
    Some(Report::new(profile, false, vec![finding]))
}

/// What of a site compiles when elements with errors are left out, and after them what names them: something to draw
/// their findings on. With it the names of what was left out.
///
/// `None` when an error is about no element, such as a site that is too large. Costs compiling a few times.
///
/// ```
/// use sheepdog_map::{CompileOptions, Site, lint, model::{Level, Room, Waypoint}};
///
/// let mut site = Site::new("flat");
/// site.levels.push(Level::new("0", 0.0));
/// site.rooms.push(Room::rectangle("hall", "0", 0.0, 0.0, 6.0, 4.0));
/// site.waypoints.push(Waypoint::new("far", "cellar", 1.0, 1.0));
/// let (compiled, left_out) = lint::sound_part(&site, &CompileOptions::default()).unwrap();
/// assert_eq!((compiled.rooms().len(), left_out), (1, vec!["waypoint \"far\"".to_owned()]));
/// ```
pub fn sound_part(site: &Site, options: &CompileOptions) -> Option<(CompiledSite, Vec<String>)> {
    refused::sound_part(site, options)
}

type Pass = fn(&Index<'_>, &mut Vec<Finding>);

/// Each adds the findings of one lint, or of a few that look at the same thing.
const PASSES: &[Pass] = &[
    rooms::windings,
    rooms::overlaps,
    rooms::gaps,
    walls::close_ends,
    walls::dangling_ends,
    walls::crossings,
    walls::doubles,
    walls::doors_off_walls,
    walls::doors_walled_up,
    walls::doors_over_doors,
    exits::widths,
    exits::swings,
    exits::headroom,
    exits::signs,
    exits::locks,
    exits::none_at_all,
    exits::escape,
    building::obstacles,
    building::stairs,
    building::fire_lanes,
    building::stops_in_the_way,
    robots::two_way,
    robots::turning,
    robots::ramps,
    robots::headroom,
    robots::thresholds,
    robots::steps,
    fit::walls,
    fit::floor,
    fit::warnings,
    roadmap::crossings,
    roadmap::hand_doors,
    roadmap::lengths,
    roadmap::coincident,
    roadmap::passed_over,
    roadmap::loose_ends,
    roadmap::contradictions,
    roadmap::stations,
    graph::connections,
    graph::served_rooms,
    graph::chargers,
    graph::parking,
    lifts::stops,
    lifts::payload,
    zones::directions,
    zones::outside,
    zones::cut_off,
    zones::blocked_places,
    zones::lamp_doors,
    sensors::gaps,
    sensors::misplaced,
    sensors::privacy,
];
