//! `sheepdog map`.

mod analyse;
mod check;
mod convert;
mod info;
mod path;
mod render;
mod table;

use std::path::Path;

use sheepdog_core::Mm;
use sheepdog_map::{
    CompileOptions, CompiledSite, Site,
    import::{Format, ImportError, ImportReport, ImportWarning, Raster, import, import_raster},
    model::Zone,
    survey::{self, SurveyError, SurveyOptions},
};
use sheepdog_scenario::Setup;

use crate::{
    args::{MapCommand, MapOptions, Masks, Robot},
    files::{Sources, read, text},
    problem::{Answer, Problem},
};

/// A map that was read, and what the importer has to say about it.
pub(crate) struct Loaded {
    pub(crate) site: Site,
    pub(crate) options: CompileOptions,
    /// What the importer has to say; `None` for our own formats.
    pub(crate) report: Option<ImportReport>,
    /// What is to be said about the roadmap when the map had none and one was drawn.
    pub(crate) generated: Option<String>,
    /// What was read.
    pub(crate) sources: Sources,
}

pub(crate) fn run(command: &MapCommand) -> Result<Answer, Problem> {
    match command {
        MapCommand::Info { file, json, options } => info::run(file, *json, options),
        MapCommand::Check(args) => check::run(args),
        MapCommand::Convert(args) => convert::run(args),
        MapCommand::Render(args) => render::run(args),
        MapCommand::Path(args) => path::run(args),
        MapCommand::Analyse(args) => analyse::run(args),
    }
}

/// Reads a map of any supported format and chooses its roadmap.
pub(crate) fn load(path: &Path, options: &MapOptions) -> Result<Loaded, Problem> {
    let mut sources = Sources::default();
    let raster = options.reading.raster;
    let (site, report) =
        read_site(path, raster, &mut sources)?.map_err(|error| Problem::input(path, error))?;
    let (site, generated) = with_roadmap(path, site, options.roadmap.as_deref(), &options.robot)?;
    let roadmap = choose_roadmap(path, &site, options.roadmap.as_deref())?;
    let options = compile_options(&site, &options.robot, roadmap);
    Ok(Loaded { site, options, report, generated, sources })
}

/// Reads a map for whoever looks for faults: as it is, with all its roadmaps unless one is chosen.
pub(crate) fn load_as_it_is(path: &Path, options: &MapOptions) -> Result<Loaded, Problem> {
    let mut sources = Sources::default();
    let raster = options.reading.raster;
    let (site, report) =
        read_site(path, raster, &mut sources)?.map_err(|error| Problem::input(path, error))?;
    let options = options_for_all(path, &site, options)?;
    Ok(Loaded { site, options, report, generated: None, sources })
}

/// Options for all roadmaps unless one is chosen.
pub(crate) fn options_for_all(
    path: &Path,
    site: &Site,
    options: &MapOptions,
) -> Result<CompileOptions, Problem> {
    let wanted = options.roadmap.as_deref();
    let roadmap = if wanted.is_some() { choose_roadmap(path, site, wanted)? } else { None };
    Ok(compile_options(site, &options.robot, roadmap))
}

fn compile_options(site: &Site, robot: &Robot, roadmap: Option<String>) -> CompileOptions {
    let mut options = Setup::options(Mm(robot.radius), Mm(robot.margin), roadmap);
    // A map whose lanes are all for somebody is asked about for one of them.
    let is_for_all = site.lanes.iter().any(|lane| lane.classes.is_empty());
    let named = site.lanes.iter().flat_map(|lane| &lane.classes).min().filter(|_| !is_for_all);
    if let (Some(class), Some(name)) = (options.classes.first_mut(), robot.class.as_ref().or(named)) {
        class.name.clone_from(name);
    }
    options
}

/// A site, and the report of its importer unless it is in a format of ours.
type Read = Result<(Site, Option<ImportReport>), ImportError>;

/// Reads a map of any supported format, told apart by its name and content. Files that it names are looked for beside it.
/// `sources` gets all of them. `raster` says what a raster is, where that is known better than by its name.
pub(crate) fn read_site(path: &Path, raster: Option<Raster>, sources: &mut Sources) -> Result<Read, Problem> {
    let bytes = read(path)?;
    sources.add(path);
    if raster.is_some() && Format::detect(&file_name(path), &bytes) != Some(Format::MapServer) {
        return Err(Problem::Usage(format!(
            "{}: this is no raster of map_server, so --as is not for it",
            path.display()
        )));
    }
    let own = |site| Ok((site, None));
    match reader(path, &bytes) {
        Reader::Toml => {
            Site::from_toml(&text(path, bytes)?).map(own).map_err(|error| Problem::input(path, error))
        }
        Reader::Json => {
            Site::from_json(&text(path, bytes)?).map(own).map_err(|error| Problem::input(path, error))
        }
        Reader::Importer => {
            let beside = |file: &str| {
                let path = path.with_file_name(file);
                let bytes = read(&path).ok()?;
                sources.add(&path);
                Some(bytes)
            };
            let imported = match raster {
                Some(raster) => import_raster(&file_name(path), &bytes, raster, beside),
                None => import(&file_name(path), &bytes, beside),
            };
            Ok(imported.map(|(site, report)| (site, Some(report))))
        }
    }
}

/// Lays the zones of masks over a map, metre on metre. What is said about them goes into the report.
pub(crate) fn lay_masks(
    masks: &Masks,
    path: &Path,
    (mut site, mut report): (Site, Option<ImportReport>),
    sources: &mut Sources,
) -> Result<(Site, Option<ImportReport>), Problem> {
    let keepout = masks.keepout.as_ref().map(|path| (path, Raster::Keepout));
    let speed = masks.speed.as_ref().map(|mask| (&mask.path, mask.raster));
    for (mask, raster) in keepout.into_iter().chain(speed) {
        let [level] = site.levels.as_slice() else {
            return Err(Problem::Usage(format!(
                "{}: a mask is laid over one level, this map has {}",
                path.display(),
                site.levels.len()
            )));
        };
        let (over, said) =
            read_site(mask, Some(raster), sources)?.map_err(|error| Problem::input(mask, error))?;
        let on_level = |zone| Zone { level: level.id.clone(), ..zone };
        site.zones.extend(over.zones.into_iter().map(on_level));
        let said = said.unwrap_or_default();
        let all = report.get_or_insert_default();
        let of_mask = |what: &str| format!("{}: {what}", mask.display());
        all.warnings.extend(said.warnings.into_iter().map(|warning| {
            let element = of_mask(&warning.element);
            ImportWarning { element, ..warning }
        }));
        all.dropped.extend(said.dropped.into_iter().map(|(what, count)| (of_mask(&what), count)));
    }
    Ok((site, report))
}

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// It is our own TOML.
    Toml,
    /// It is our own JSON.
    Json,
    /// It is of another format.
    Importer,
}

/// Who reads a file: our own formats go by its ending, others by its name and content.
pub(crate) fn reader(path: &Path, bytes: &[u8]) -> Reader {
    let is = |extension: &str| path.extension().is_some_and(|is| is.eq_ignore_ascii_case(extension));
    if is("toml") {
        Reader::Toml
    } else if is("json") && Format::detect(&file_name(path), bytes).is_none() {
        Reader::Json
    } else {
        Reader::Importer
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The site with a roadmap drawn from its rooms if it has rooms, doors or lifts, and no lanes; and what to say about it.
pub(crate) fn with_roadmap(
    path: &Path,
    site: Site,
    name: Option<&str>,
    robot: &Robot,
) -> Result<(Site, Option<String>), Problem> {
    let is_bare = site.rooms.is_empty() || (site.doors.is_empty() && site.lifts.is_empty());
    if !site.lanes.is_empty() || is_bare {
        return Ok((site, None));
    }
    let compile = compile_options(&site, robot, None);
    let Some(class) = compile.classes.into_iter().next() else { return Ok((site, None)) };
    let survey = SurveyOptions {
        way_out_width: compile.way_out_width,
        roadmap: name.unwrap_or("survey").to_owned(),
        ..SurveyOptions::new(class)
    };
    let (site, report) = match survey::generate(&site, &survey) {
        Ok(drawn) => drawn,
        // The errors of the site are reported when it is compiled.
        Err(SurveyError::Map(_)) => return Ok((site, None)),
        Err(error) => return Err(Problem::input(path, error)),
    };
    let mut note = format!(
        "the map has no lanes; a roadmap {:?} was drawn from its rooms: {} waypoints, {} lanes, {} stations",
        report.roadmap, report.waypoints, report.lanes, report.stations
    );
    let skipped = report.skipped.iter().map(ToString::to_string);
    let unmapped =
        report.unmapped.iter().map(|level| format!("level {level:?} has no rooms: nothing was drawn there"));
    for line in report.unreached.iter().map(ToString::to_string).chain(skipped).chain(unmapped) {
        note.push_str("\n  ");
        note.push_str(&line);
    }
    Ok((site, Some(note)))
}

/// The roadmap asked for, or the one with most lanes (the first by name among equals).
pub(crate) fn choose_roadmap(
    path: &Path,
    site: &Site,
    wanted: Option<&str>,
) -> Result<Option<String>, Problem> {
    let mut names: Vec<&str> = site.lanes.iter().filter_map(|lane| lane.roadmap.as_deref()).collect();
    names.sort_unstable();
    let lanes = |name: &str| names.iter().filter(|other| **other == name).count();
    let mut distinct = names.clone();
    distinct.dedup();
    match wanted {
        Some(wanted) if distinct.contains(&wanted) => Ok(Some(wanted.to_owned())),
        Some(wanted) => Err(Problem::Usage(format!(
            "{}: no roadmap {wanted:?}; there are: {}",
            path.display(),
            if distinct.is_empty() { "none with a name".to_owned() } else { distinct.join(", ") }
        ))),
        None => Ok(distinct.iter().rev().max_by_key(|name| lanes(name)).map(|name| (*name).to_owned())),
    }
}

pub(crate) fn compile(path: &Path, loaded: &Loaded) -> Result<CompiledSite, Problem> {
    loaded.site.compile(&loaded.options).map_err(|errors| {
        let list: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        Problem::input(path, format!("{} errors\n{}", errors.len(), list.join("\n")))
    })
}
