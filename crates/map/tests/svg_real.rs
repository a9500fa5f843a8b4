//! Pictures of public maps, when they are at hand: well-formed, the same every time, small, and with everything in them.
#![expect(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "fixtures of tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sheepdog_map::{
    CompileOptions, CompiledSite,
    import::import,
    svg::{Layer, Picture},
};

fn root() -> PathBuf {
    let root = std::env::var_os("SHEEPDOG_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    root.join("maps")
}

/// Every map of the shared data that this build can read; empty, with a visible line, when the data are not here.
fn maps() -> Vec<(String, CompiledSite)> {
    let mut files = Vec::new();
    for folder in fs::read_dir(root()).into_iter().flatten().flatten() {
        files.extend(fs::read_dir(folder.path()).into_iter().flatten().flatten().map(|file| file.path()));
    }
    files.retain(|file| file.extension().is_some_and(|is| is != "pgm" && is != "md"));
    files.sort();
    if files.is_empty() {
        eprintln!("SKIPPED: no data at {}", root().display());
    }
    files.iter().filter_map(|file| read(file)).collect()
}

fn read(file: &Path) -> Option<(String, CompiledSite)> {
    let name = file.file_name()?.to_string_lossy().into_owned();
    let needs = [(".yaml", cfg!(feature = "ros")), (".xml", cfg!(feature = "opentcs"))];
    if needs.iter().any(|(end, here)| name.ends_with(end) && !here) {
        return None;
    }
    let bytes = fs::read(file).expect("a file that is listed");
    let beside = |other: &str| fs::read(file.with_file_name(other)).ok();
    let (site, _) = import(&name, &bytes, beside).unwrap_or_else(|error| panic!("{name}: {error}"));
    let site = site.compile(&CompileOptions::default()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    Some((name, site))
}

/// Corners, wall pieces and lanes; and things with a name and a text of their own.
fn content(site: &CompiledSite) -> (usize, usize) {
    let corners =
        site.rooms().iter().map(|room| room.outer.len() + room.holes.iter().map(Vec::len).sum::<usize>());
    let walls = site.levels().iter().map(|level| level.geometry.walls().count());
    let zones = site.zones().iter().map(|zone| zone.outer.len());
    let ways = site.waypoints().iter().filter(|way| way.authored).count();
    let segments = corners.chain(walls).chain(zones).sum::<usize>() + ways + site.lanes().len();
    let stops: usize = site.lifts().iter().map(|lift| lift.stops.len()).sum();
    let named = site.rooms().len() + site.doors().len() + site.zones().len() + site.stations().len() + stops;
    (segments, named + ways)
}

#[test]
fn every_public_map_is_drawn_well_formed_small_and_whole() {
    for (name, site) in maps() {
        let svg = Picture::of_site(&site).render();
        assert_eq!(svg, Picture::of_site(&site).render(), "{name}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        let (segments, named) = content(&site);
        let most = 9_000 + 100 * segments + 500 * named;
        assert!(svg.len() <= most, "{name}: {} bytes, {segments} segments, {named} named", svg.len());
        let tree = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut ids = BTreeSet::new();
        for id in tree.descendants().filter_map(|node| node.attribute("id")) {
            assert!(ids.insert(id), "{name}: {id} twice");
        }
        for (kind, count) in [
            ("room-", site.rooms().len()),
            ("door-", site.doors().len()),
            ("zone-", site.authored().zones.len()),
            ("station-", site.stations().len()),
            ("lift-", site.lifts().iter().map(|lift| lift.stops.len()).sum()),
            ("obstacle-", site.authored().obstacles.len()),
        ] {
            assert_eq!(ids.iter().filter(|id| id.starts_with(kind)).count(), count, "{name}: {kind}");
        }
        // What is used is defined.
        for node in tree.descendants() {
            let uses =
                [node.attribute("href"), node.attribute("fill").and_then(|fill| fill.strip_prefix("url("))];
            for target in uses.into_iter().flatten() {
                let target = target.trim_start_matches('#').trim_end_matches(')');
                assert!(ids.contains(target), "{name}: {target}");
            }
        }
    }
}

#[test]
fn no_map_is_drawn_outside_of_its_page() {
    for (name, site) in maps() {
        let picture = Picture::of_site(&site);
        let svg = picture.render();
        let head = svg.split_once("viewBox=\"0 0 ").expect("a view box").1.split_once('"').expect("an end").0;
        let (width, height) = head.split_once(' ').expect("two numbers");
        let size = [width, height].map(|side| side.parse::<f64>().expect("a number"));
        assert!(size.iter().all(|side| (200.0..5_000.0).contains(side)), "{name}: {size:?}");
        for way in site.waypoints() {
            let at = picture.pixel(way.level, [way.at.x, way.at.y]).expect("a level that is shown");
            assert!(at.iter().zip(size).all(|(at, side)| 0.0 <= *at && *at <= side), "{name}: {at:?}");
        }
    }
}

#[test]
fn a_map_without_rooms_shows_its_lanes() {
    let Some((_, site)) = maps().into_iter().find(|(name, _)| name == "sample_graph.geojson") else { return };
    let svg = Picture::of_site(&site).render();
    let lanes = format!("class=\"{}\"", Layer::Lanes);
    assert!(svg.contains(&lanes) && svg.contains("class=\"two-way\"") && !svg.contains("class=\"rooms\""));
}
