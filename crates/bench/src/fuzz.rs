//! Maps with faults: every importer, our own formats and the compiler, with time and memory counted.
//!
//! A case is a file, changed in one to six ways that depend on the seed, the file's name and the number of the case and on
//! nothing else. It has to come out as a site or as an error. A panic, or more memory than [`BASE_BYTES`] and
//! [`BYTES_PER_BYTE`] for each byte of input, ends the run with the case on file.

#[path = "../../map/tests/drawn/mod.rs"]
mod drawn;
#[path = "../../map/tests/mutate/mod.rs"]
mod mutate;

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use sheepdog_core::FleetTime;
use sheepdog_map::{
    CompileLimits, CompileOptions, Site,
    export::{self, ExportOptions},
    import::{Format, import},
};
use sheepdog_runtime::Clock;

use self::mutate::{Random, mutate};
use crate::{memory, shared};

/// Memory that a case may take whatever its length, bytes: a long lane becomes as many pieces as the limits allow.
const BASE_BYTES: usize = 64 << 20;
/// Memory that a case may take for each byte of its input and of the image that it names.
const BYTES_PER_BYTE: usize = 512;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many changed inputs per file.
    #[arg(long, default_value_t = 100_000)]
    cases: u64,
    /// Where the changes come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of the first case.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Compile what was read only for every so many cases: most of the time of large maps goes there.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    compile_every: u64,
    /// Maps to change; the shared data, our own sites and a drawn file of each further format if not given.
    files: Vec<PathBuf>,
}

/// A map and the image that it names.
struct Input {
    name: String,
    bytes: Vec<u8>,
    image: Option<Vec<u8>>,
}

/// What became of the cases of a file.
#[derive(Default)]
struct Tally {
    ok: u64,
    refused: u64,
    slowest_us: f64,
    slowest: u64,
    peak_bytes: usize,
    /// The largest share of what a case may take.
    peak_share: f64,
}

/// Panics that the compiler caught.
static PANICS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run(options: &Options) -> ExitCode {
    let inputs = match inputs(&options.files) {
        Ok(inputs) => inputs,
        Err(error) => {
            anstream::eprintln!("sheepdog-bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    // The compiler catches panics of the polygon library; one line for each would be too many.
    std::panic::set_hook(Box::new(|_| {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }));
    anstream::println!(
        "{:<44} {:>8} {:>8} {:>8} {:>12} {:>12} {:>7} {:>7}",
        "file",
        "cases",
        "ok",
        "refused",
        "slowest µs",
        "peak bytes",
        "share",
        "caught"
    );
    for input in &inputs {
        let before = PANICS.load(Ordering::Relaxed);
        match fuzz(input, options) {
            Ok(tally) => anstream::println!(
                "{:<44} {:>8} {:>8} {:>8} {:>12.0} {:>12} {:>6.1}% {:>7}  (slowest case {})",
                input.name,
                options.cases,
                tally.ok,
                tally.refused,
                tally.slowest_us,
                tally.peak_bytes,
                100.0 * tally.peak_share,
                PANICS.load(Ordering::Relaxed) - before,
                tally.slowest,
            ),
            Err(message) => {
                anstream::eprintln!("sheepdog-bench: {message}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn fuzz(input: &Input, options: &Options) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for case in options.from..options.from.saturating_add(options.cases) {
        let (bytes, image) = changed(input, options.seed, case);
        let limit = BASE_BYTES + BYTES_PER_BYTE * (bytes.len() + image.as_ref().map_or(0, Vec::len));
        let clock = Clock::starting_at(FleetTime::ZERO);
        memory::begin();
        let is_compiled = case % options.compile_every == 0;
        let outcome = catch_unwind(|| digest(&input.name, &bytes, image.as_deref(), is_compiled));
        let peak_bytes = memory::end();
        let micros = clock.elapsed().as_secs_f64() * 1e6;
        let failed = |what: String| {
            Err(format!("{what}, {}", keep(&input.name, options.seed, case, &bytes, image.as_deref())))
        };
        match outcome {
            Ok(true) => tally.ok += 1,
            Ok(false) => tally.refused += 1,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
                return failed(format!("case {case} of {} panicked: {text}", input.name));
            }
        }
        if limit < peak_bytes {
            return failed(format!(
                "case {case} of {} took {peak_bytes} bytes, the limit is {limit}",
                input.name
            ));
        }
        if tally.slowest_us < micros {
            (tally.slowest_us, tally.slowest) = (micros, case);
        }
        tally.peak_bytes = tally.peak_bytes.max(peak_bytes);
        #[expect(clippy::cast_precision_loss, reason = "less than 2^53 bytes")]
        let share = peak_bytes as f64 / limit as f64;
        tally.peak_share = tally.peak_share.max(share);
    }
    Ok(tally)
}

/// A case: the text or its image changed.
fn changed(input: &Input, seed: u64, case: u64) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut random = Random::new(seed, &input.name, case);
    match &input.image {
        Some(image) if random.below(2) == 0 => (input.bytes.clone(), Some(mutate(image, &mut random))),
        image => (mutate(&input.bytes, &mut random), image.clone()),
    }
}

/// Reads a map as the command line does, and compiles it if asked to; whether it is one.
fn digest(name: &str, bytes: &[u8], image: Option<&[u8]>, is_compiled: bool) -> bool {
    let text = || std::str::from_utf8(bytes).ok();
    let site = if is(name, "toml") {
        text().and_then(|text| Site::from_toml(text).ok())
    } else if is(name, "json") && Format::detect(name, bytes).is_none() {
        text().and_then(|text| Site::from_json(text).ok())
    } else {
        import(name, bytes, |_| image.map(<[u8]>::to_vec)).ok().map(|(site, _)| site)
    };
    let limits = CompileLimits { waypoints: 20_000, lanes: 50_000, ..CompileLimits::default() };
    let options = CompileOptions { limits, ..CompileOptions::default() };
    site.is_some_and(|site| !is_compiled || site.compile(&options).is_ok())
}

fn is(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|is| is.eq_ignore_ascii_case(ending))
}

/// Writes a case where it can be looked at, and says where.
fn keep(name: &str, seed: u64, case: u64, bytes: &[u8], image: Option<&[u8]>) -> String {
    let plain = name.replace(['/', '\\'], "_");
    let path = std::env::temp_dir().join(format!("fuzz-{seed}-{case}-{plain}"));
    let written = fs::write(&path, bytes)
        .and_then(|()| image.map_or(Ok(()), |image| fs::write(path.with_extension("image"), image)));
    match written {
        Ok(()) => format!("kept as {}", path.display()),
        Err(error) => format!("could not be kept as {}: {error}", path.display()),
    }
}

fn inputs(files: &[PathBuf]) -> Result<Vec<Input>, String> {
    if !files.is_empty() {
        return files.iter().map(|path| read(path, &path.display().to_string())).collect();
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut inputs = drawn_inputs()?;
    for root in [here.join("../../sites"), shared().join("maps")] {
        let mut paths = Vec::new();
        if root.is_dir() {
            walk(&root, &mut paths)?;
        } else {
            anstream::eprintln!("SKIPPED: no maps at {}", root.display());
        }
        for path in paths {
            let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            inputs.push(read(&path, &name)?);
        }
    }
    Ok(inputs)
}

/// Files of the formats of which there are no public ones.
fn drawn_inputs() -> Result<Vec<Input>, String> {
    let site = Site::from_toml(drawn::FULL).map_err(|error| error.to_string())?;
    let written = |name: &str, format| {
        let (files, _) =
            export::export(&site, format, &ExportOptions::named(name)).map_err(|error| error.to_string())?;
        let bytes = files.into_iter().next().map(|file| file.bytes).unwrap_or_default();
        Ok::<_, String>(Input { name: format!("drawn/{name}"), bytes, image: None })
    };
    let drawn =
        |name: &str, text: &str| Input { name: format!("drawn/{name}"), bytes: text.into(), image: None };
    Ok(vec![
        drawn("venue.json", drawn::VENUE),
        drawn("grid.map", drawn::GRID),
        drawn("0.yaml", drawn::GRAPH),
        drawn("full.toml", drawn::FULL),
        written("full.json", export::Format::Json)?,
        written("full.site.geojson", export::Format::GeoJson)?,
    ])
}

/// All maps in a folder, by path.
fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let error = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        entries.push(entry.map_err(error)?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.display().to_string();
        if path.is_dir() {
            walk(&path, paths)?;
        } else if is(&name, "toml")
            || fs::read(&path).is_ok_and(|bytes| Format::detect(&name, &bytes).is_some())
        {
            // SOURCE.md and images are no maps of their own.
            if !is(&name, "md") && !is(&name, "pgm") {
                paths.push(path);
            }
        }
    }
    Ok(())
}

fn read(path: &Path, name: &str) -> Result<Input, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let image = fs::read(path.with_extension("pgm")).ok().filter(|_| is(name, "yaml"));
    Ok(Input { name: name.to_owned(), bytes, image })
}
