//! `sheepdog map convert`.

use std::path::{Path, PathBuf};

use serde_json::json;
use sheepdog_map::{
    export::{ExportError, ExportOptions, ExportReport, Format, export},
    import::ImportReport,
};

use super::{Reader, lay_masks, read_site, reader, with_roadmap};
use crate::{
    args::Convert,
    files::Sources,
    problem::{Answer, Problem},
};

pub(crate) fn run(command: &Convert) -> Result<Answer, Problem> {
    let name = command.out.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Problem::Usage(format!("{}: this is not the name of a file", command.out.display()))
    })?;
    let format = format(name, command.to.as_deref())?;
    if command.resolution.is_some() && format != Format::MapServer {
        return Err(Problem::Usage(format!("--resolution is for map-server, this is {format}")));
    }
    let mut sources = Sources::default();
    let read = read_site(&command.file, command.reading.raster, &mut sources)?;
    let read = read.map_err(|error| Problem::input(&command.file, error))?;
    let (site, imported) = lay_masks(&command.masks, &command.file, read, &mut sources)?;
    let (site, generated) = match format {
        Format::NavGraph | Format::Lif | Format::Nav2 => {
            with_roadmap(&command.file, site, command.roadmap.as_deref(), &command.robot)?
        }
        Format::Toml | Format::Json | Format::MapServer | Format::GeoJson | Format::ZoneSet | _ => {
            (site, None)
        }
    };
    let remarks = imported.map(|report| remarks(&report)).unwrap_or_default();
    let mut options = ExportOptions::named(name);
    options.level = command.level.as_deref();
    options.roadmap = command.roadmap.as_deref();
    options.resolution_m = command.resolution.unwrap_or(options.resolution_m);
    let (files, report) = export(&site, format, &options).map_err(|error| refused(&command.file, error))?;
    let files: Vec<(PathBuf, Vec<u8>)> =
        files.into_iter().map(|file| (command.out.with_file_name(file.name), file.bytes)).collect();
    readable(format, &files)?;
    sources.spare(files.iter().map(|(path, _)| path.as_path()))?;
    files.iter().try_for_each(|(path, bytes)| sources.write(path, bytes))?;
    print(command.json, format, &files, &report, generated.as_deref(), &remarks);
    Ok(Answer::Yes)
}

fn format(name: &str, wanted: Option<&str>) -> Result<Format, Problem> {
    let words = |formats: &[Format]| formats.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(word) = wanted {
        return Format::from_word(word).ok_or_else(|| {
            Problem::Usage(format!("there is no format {word:?}; there are: {}", words(Format::ALL)))
        });
    }
    match Format::of_name(name).as_slice() {
        [format] => Ok(*format),
        [] if name.to_ascii_lowercase().ends_with(".svg") => Err(Problem::Usage(format!(
            "{name}: pictures are drawn by `sheepdog map render`; formats for --to are: {}",
            words(Format::ALL)
        ))),
        [] => Err(Problem::Usage(format!(
            "{name}: the name tells no format, so --to is needed: one of {}",
            words(Format::ALL)
        ))),
        several => Err(Problem::Usage(format!(
            "{name}: the name fits several formats, so --to is needed: one of {}",
            words(several)
        ))),
    }
}

/// Refuses names under which our own formats would not be read again.
fn readable(format: Format, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Problem> {
    let own = match format {
        Format::Toml => Reader::Toml,
        Format::Json => Reader::Json,
        Format::NavGraph
        | Format::Lif
        | Format::Nav2
        | Format::MapServer
        | Format::GeoJson
        | Format::ZoneSet
        | _ => return Ok(()),
    };
    match files.iter().find(|(path, bytes)| reader(path, bytes) != own) {
        Some((path, _)) => Err(Problem::Usage(format!(
            "{}: written as {format}, it would be read as another format; .toml is read as toml, and .json as json where \
             neither the rest of the name nor the map's words are those of another format",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Errors about the arguments are told apart from errors about the map.
fn refused(path: &Path, error: ExportError) -> Problem {
    match error {
        ExportError::NoSuch { .. } | ExportError::WholeSite | ExportError::TooManyCells { .. } => {
            Problem::Usage(format!("{}: {error}", path.display()))
        }
        ExportError::OutOfRange { field: "resolution_m", value, rule, .. } => {
            Problem::Usage(format!("--resolution is {value}, must be {rule}"))
        }
        ExportError::Unwritable(_)
        | ExportError::Site(_)
        | ExportError::Nothing { .. }
        | ExportError::OutOfRange { .. }
        | ExportError::SameName { .. }
        | _ => Problem::input(path, error),
    }
}

fn print(
    is_json: bool,
    format: Format,
    files: &[(PathBuf, Vec<u8>)],
    report: &ExportReport,
    generated: Option<&str>,
    remarks: &[String],
) {
    if is_json {
        let file = |(path, bytes): &(PathBuf, Vec<u8>)| json!({ "path": path, "bytes": bytes.len() });
        let answer = json!({
            "format": format.word(),
            "files": files.iter().map(file).collect::<Vec<_>>(),
            "lost": report.lost.iter().map(|lost| {
                json!({ "path": lost.path, "elements": lost.elements, "values": lost.values })
            }).collect::<Vec<_>>(),
            "warnings": report.warnings.iter().map(|warning| {
                json!({ "element": warning.element, "message": warning.message })
            }).collect::<Vec<_>>(),
            "generated": generated,
            "import": remarks,
        });
        anstream::println!("{answer}");
        return;
    }
    for (path, bytes) in files {
        anstream::println!("wrote {} as {format}, {} bytes", path.display(), bytes.len());
    }
    if let Some(note) = generated {
        anstream::println!("  note: {note}");
    }
    for remark in remarks {
        anstream::println!("  note on reading: {remark}");
    }
    for warning in &report.warnings {
        anstream::println!("  note: {warning}");
    }
    for lost in &report.lost {
        anstream::println!("  not in {format}: {lost}");
    }
}

/// What an importer has to say about a map.
fn remarks(report: &ImportReport) -> Vec<String> {
    let dropped = report.dropped.iter().map(|(what, count)| format!("not carried over: {what} ({count})"));
    report.warnings.iter().map(ToString::to_string).chain(dropped).collect()
}
