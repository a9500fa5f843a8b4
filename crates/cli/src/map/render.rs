//! `sheepdog map render`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sheepdog_core::LevelId;
use sheepdog_map::{
    CompiledSite,
    lint::{self, BuildingProfile, Report},
    svg::{Layers, Picture},
};

use super::{Loaded, compile, load, load_as_it_is};
use crate::{
    args::Render,
    files::Sources,
    problem::{Answer, Problem},
};

/// What a picture shows.
#[derive(Clone, Copy)]
enum Subject {
    Sheet,
    Level(LevelId),
}

pub(crate) fn run(args: &Render) -> Result<Answer, Problem> {
    // What is found is drawn on what it was found in.
    let load = if args.check { load_as_it_is } else { load };
    let loaded = load(&args.file, &args.options)?;
    let (site, findings) = if args.check {
        let (site, findings) = checked(args, &loaded)?;
        (site, Some(findings))
    } else {
        (compile(&args.file, &loaded)?, None)
    };
    let level = args.level.as_deref().map(|name| level_named(args, &site, name)).transpose()?;
    let shown = if args.layers.is_empty() { Layers::ALL } else { args.layers.iter().copied().collect() };
    let shown = args.hide.iter().copied().fold(shown, Layers::without);
    if let Some(note) = &loaded.generated {
        anstream::println!("note: {note}");
    }
    let pictures = pictures(args, &site, level)?;
    loaded.sources.spare(pictures.iter().map(|(path, _)| path.as_path()))?;
    for (path, subject) in pictures {
        let mut picture = match subject {
            Subject::Sheet => Picture::of_site_with(&site, shown),
            Subject::Level(level) => Picture::of_level_with(&site, level, shown),
        };
        if let Some(findings) = &findings {
            picture.findings(&site, findings);
        }
        save(args, &loaded.sources, &path, &picture)?;
        anstream::println!("wrote {}", path.display());
    }
    Ok(Answer::Yes)
}

/// The site, or what of it can be drawn, and all that is found in it.
fn checked(args: &Render, loaded: &Loaded) -> Result<(CompiledSite, Report), Problem> {
    let (profile, imported) = (BuildingProfile::default(), loaded.report.as_ref());
    let refused = match compile(&args.file, loaded) {
        Ok(site) => {
            let findings = lint::check_compiled(&site, &loaded.options, imported, &profile);
            return Ok((site, findings));
        }
        Err(refused) => refused,
    };
    let (site, left_out) = lint::sound_part(&loaded.site, &loaded.options).ok_or(refused)?;
    anstream::println!("note: not drawn, because of errors: {}", left_out.join(", "));
    Ok((site, lint::check(&loaded.site, &loaded.options, imported, &profile)))
}

fn level_named(args: &Render, site: &CompiledSite, name: &str) -> Result<LevelId, Problem> {
    site.level_named(name).ok_or_else(|| {
        let names: Vec<&str> = site.levels().iter().map(|level| level.name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Problem::Usage(format!("{}: no level {name:?}; there are: {names}", args.file.display()))
    })
}

/// The files to write: one, or in a folder the sheet and a picture for each level.
fn pictures(
    args: &Render,
    site: &CompiledSite,
    level: Option<LevelId>,
) -> Result<Vec<(PathBuf, Subject)>, Problem> {
    let one = level.map_or(Subject::Sheet, Subject::Level);
    if is_picture(&args.out) {
        return Ok(vec![(args.out.clone(), one)]);
    }
    if args.out.extension().is_some() && !args.out.is_dir() {
        let known = if cfg!(feature = "png") { ".svg or .png" } else { ".svg" };
        return Err(Problem::Usage(format!("--out {}: neither a folder nor {known}", args.out.display())));
    }
    fs::create_dir_all(&args.out).map_err(|error| Problem::Io { path: args.out.clone(), error })?;
    let subjects: Vec<Subject> = match (level, args.sheet) {
        (Some(_), _) | (None, true) => vec![one],
        (None, false) => {
            let levels = (0..).map(LevelId).zip(site.levels()).map(|(level, _)| Subject::Level(level));
            std::iter::once(Subject::Sheet).chain(levels).collect()
        }
    };
    let mut taken = BTreeSet::new();
    let file = |subject: Subject| {
        let name = match subject {
            Subject::Sheet => file_name(site.name()),
            Subject::Level(level) => {
                let level = site.level(level).map_or("", |level| level.name.as_str());
                file_name(&format!("{}-{level}", site.name()))
            }
        };
        // Names that differ in the map may be the same as names of files.
        let mut free = name.clone();
        let mut number = 2_u32;
        while !taken.insert(free.to_lowercase()) {
            free = format!("{name}_{number}");
            number += 1;
        }
        (args.out.join(format!("{free}.{}", extension(args))), subject)
    };
    Ok(subjects.into_iter().map(file).collect())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|is| is.eq_ignore_ascii_case(extension))
}

fn is_picture(path: &Path) -> bool {
    has_extension(path, "svg") || has_extension(path, "png")
}

#[cfg(feature = "png")]
fn extension(args: &Render) -> &'static str {
    if args.png { "png" } else { "svg" }
}

#[cfg(not(feature = "png"))]
const fn extension(_: &Render) -> &'static str {
    "svg"
}

/// A name of the map as the name of a file, the same on every system.
fn file_name(name: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = name.chars().take(CHARACTERS_MAX).map(safe).collect();
    if name.is_empty() { "map".to_owned() } else { name }
}

#[cfg(feature = "png")]
fn save(args: &Render, sources: &Sources, path: &Path, picture: &Picture) -> Result<(), Problem> {
    if !has_extension(path, "png") {
        return sources.write(path, picture.render());
    }
    let png =
        picture.to_png(args.width).map_err(|error| Problem::Usage(format!("{}: {error}", path.display())))?;
    sources.write(path, png)
}

#[cfg(not(feature = "png"))]
fn save(_: &Render, sources: &Sources, path: &Path, picture: &Picture) -> Result<(), Problem> {
    if has_extension(path, "png") {
        let advice = "this build writes no PNG; build with --features png, or write .svg";
        return Err(Problem::Usage(format!("--out {}: {advice}", path.display())));
    }
    sources.write(path, picture.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_maps_become_names_of_files() {
        assert_eq!(file_name("ward A/../3"), "ward_A____3");
        assert_eq!(file_name(""), "map");
        assert_eq!(file_name(&"x".repeat(500)).len(), 100);
    }

    #[test]
    fn pictures_are_told_by_their_extension() {
        assert!(is_picture(Path::new("a/b.SVG")) && is_picture(Path::new("b.png")));
        assert!(!is_picture(Path::new("svg")) && !is_picture(Path::new("folder/")));
    }
}
