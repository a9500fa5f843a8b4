//! Public files written in other formats and read back, when they are at hand.
#![cfg(all(feature = "rmf", feature = "ros", feature = "opentcs"))]
#![expect(clippy::panic, reason = "fixtures of tests")]

mod data;

use sheepdog_map::{
    Site,
    export::{ExportError, ExportFile, ExportOptions, Format, export},
    import::import,
};

fn write(site: &Site, format: Format) -> Result<Vec<ExportFile>, ExportError> {
    let options = ExportOptions { resolution_m: 0.25, ..ExportOptions::named("x") };
    export(site, format, &options).map(|(files, _)| files)
}

fn read(files: &[ExportFile], file: &ExportFile, name: &str) -> Site {
    let beside = |name: &str| files.iter().find(|other| other.name == name).map(|file| file.bytes.clone());
    import(name, &file.bytes, beside).unwrap_or_else(|error| panic!("{name}: {error}")).0
}

/// Every map in every format: written, read, and written again as the same bytes.
#[test]
fn every_map_settles_in_every_format() {
    for map in data::ALL {
        let Some(bytes) = data::bytes(map) else { return };
        let (site, _) = data::result(map, &bytes).expect(map);
        for format in Format::ALL {
            let files = match write(&site, *format) {
                Ok(files) => files,
                Err(ExportError::Nothing { .. }) => continue,
                Err(error) => panic!("{map} as {format}: {error}"),
            };
            let name = match format {
                Format::NavGraph => "0.yaml",
                Format::Lif => "x.lif.json",
                Format::Nav2 | Format::GeoJson => "x.geojson",
                Format::Toml | Format::Json | Format::MapServer | Format::ZoneSet => continue,
                other => panic!("{other}"),
            };
            for file in &files {
                let first = read(&files, file, name);
                if let Ok(again) = write(&first, *format) {
                    let second = read(&again, &again[0], name);
                    if site.georeference.is_none() {
                        assert_eq!(second, first, "{map} as {format}");
                    }
                    assert_eq!(again.len(), 1, "{map} as {format}");
                }
            }
        }
    }
}

/// Coordinates in a navigation graph are those of the building to the last bit, and the lanes are the same.
#[test]
fn a_graph_of_the_airport_has_its_coordinates() {
    let Some(text) = data::building("airport_terminal") else { return };
    let (site, _) = import("airport.building.yaml", text.as_bytes(), |_| None).expect("a building");
    for roadmap in ["0", "1", "2", "4"] {
        let options = ExportOptions { roadmap: Some(roadmap), ..ExportOptions::named("0.yaml") };
        let (files, _) = export(&site, Format::NavGraph, &options).expect("a graph");
        let back = read(&files, &files[0], "0.yaml");
        let own: Vec<_> = site.lanes.iter().filter(|lane| lane.roadmap.as_deref() == Some(roadmap)).collect();
        let ways: usize = own.iter().map(|lane| if lane.bidirectional { 2 } else { 1 }).sum();
        assert_eq!(back.lanes.len(), ways, "{roadmap}");
        for way in &back.waypoints {
            let same = site.waypoints.iter().find(|other| other.id == way.id).expect("the same name");
            for (a, b) in way.at.iter().zip(same.at) {
                assert_eq!(a.to_bits(), b.to_bits(), "{}", way.id);
            }
        }
        assert_eq!(back.doors.len(), site.doors.len());
    }
}
