//! Whatever happens to the bytes of a map: an answer, never a panic, from importers, compiler and exporters.
//!
//! `sheepdog-bench fuzz` does the same with more cases, and counts memory.
#![cfg(all(feature = "rmf", feature = "ros", feature = "opentcs"))]

mod data;
mod drawn;
mod mutate;

use sheepdog_map::{
    CompileLimits, CompileOptions, Site,
    export::{ExportOptions, Format, export},
    import::import,
};

/// Cases for each file that we drew, and for each real file.
const CASES: u64 = 200;
const REAL_CASES: u64 = 6;

/// Reads a map as the command line does, and does with it what can be done.
fn digest(name: &str, bytes: &[u8], image: &[u8]) {
    let site = if name == "a.toml" {
        Site::from_toml(&String::from_utf8_lossy(bytes)).ok()
    } else if name.ends_with(".native.json") {
        Site::from_json(&String::from_utf8_lossy(bytes)).ok()
    } else {
        import(name, bytes, |_| Some(image.to_vec())).ok().map(|(site, _)| site)
    };
    let Some(site) = site else { return };
    let limits = CompileLimits { waypoints: 5_000, lanes: 20_000, ..CompileLimits::default() };
    if site.compile(&CompileOptions { limits, ..CompileOptions::default() }).is_ok() {
        for format in Format::ALL {
            let fits = *format != Format::MapServer || bytes.len() < 10_000;
            let options = ExportOptions { resolution_m: 1.0, ..ExportOptions::named("x") };
            drop(fits.then(|| export(&site, *format, &options)));
        }
    }
}

#[test]
fn files_that_we_drew_never_panic() {
    let full = Site::from_toml(drawn::FULL).expect("it is a site");
    let written = |format| {
        let (files, _) = export(&full, format, &ExportOptions::named("x")).expect("it is written");
        String::from_utf8(files[0].bytes.clone()).expect("a text")
    };
    let mut files: Vec<(&str, String)> =
        drawn::FILES.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    files.push(("a.native.json", written(Format::Json)));
    files.push(("a.site.geojson", written(Format::GeoJson)));
    for (name, text) in files {
        for case in 0..CASES {
            let mut random = mutate::Random::new(1, name, case);
            let in_image = text.starts_with("image:") && random.below(2) == 0;
            let image = drawn::IMAGE.as_bytes();
            if in_image {
                digest(name, text.as_bytes(), &mutate::mutate(image, &mut random));
            } else {
                digest(name, &mutate::mutate(text.as_bytes(), &mut random), image);
            }
        }
    }
}

#[test]
fn real_files_never_panic() {
    for file in data::ALL {
        let Some(bytes) = data::bytes(file) else { return };
        let image = data::bytes(&file.replace(".yaml", ".pgm"))
            .filter(|_| file.starts_with("ros"))
            .unwrap_or_default();
        for case in 0..REAL_CASES {
            let mut random = mutate::Random::new(2, file, case);
            digest(file, &mutate::mutate(&bytes, &mut random), &image);
        }
    }
}
