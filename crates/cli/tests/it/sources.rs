//! What a command has read it does not write over.

use crate::folder::{Folder, RASTER, ROOMS, image, is_floor, site};

/// Runs a command that would write over `victim`, and expects it to refuse and to leave all files as they are.
fn refuses(folder: &Folder, args: &str, victim: &str) {
    let before: Vec<(String, String)> =
        folder.names().into_iter().map(|name| (folder.read(&name), name)).collect();
    let run = folder.sheepdog(args);
    assert_eq!(run.code, Some(2), "{args}: {run:?}");
    assert!(run.err.contains(&format!("{victim} is read")), "{args}: {}", run.err);
    let after: Vec<(String, String)> =
        folder.names().into_iter().map(|name| (folder.read(&name), name)).collect();
    assert!(before == after, "{args}: {:?}", folder.names());
}

/// The image of a raster map is named in the map alone.
#[test]
fn the_image_of_a_map_is_not_written_over() {
    let folder = Folder::new("sources-image");
    folder.write("scan.yaml", RASTER).write("scan.pgm", image(is_floor));
    refuses(&folder, "map convert scan.yaml scan.map.yaml", "scan.pgm");
    refuses(&folder, "map convert ./scan.yaml ../sources-image/scan.pgm", "scan.yaml");
    let run = folder.sheepdog("map convert scan.yaml copy.map.yaml");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(folder.names(), ["copy.map.yaml", "copy.pgm", "scan.pgm", "scan.yaml"]);
}

#[test]
fn no_output_is_the_map() {
    let folder = Folder::new("sources-map");
    // Formats are told by what is in a file, so a map may be called anything.
    folder.write("rooms.toml", ROOMS).write("0.svg", "levels:\n  L1:\n    vertices: []\n    lanes: []\n");
    folder.write("grid.svg", "type octile\nheight 3\nwidth 3\nmap\n...\n...\n...\n");
    refuses(&folder, "map convert rooms.toml rooms.toml", "rooms.toml");
    refuses(&folder, "map render grid.svg --out grid.svg", "grid.svg");
    refuses(
        &folder,
        "map path grid.svg --from map:0.5,0.5 --to map:2,2 --radius 10 --svg grid.svg",
        "grid.svg",
    );
    refuses(&folder, "simulate --map rooms.toml --robots 1 --tasks 1 --ledger rooms.toml", "rooms.toml");
    refuses(&folder, "simulate --map rooms.toml --robots 1 --tasks 1 --trace rooms.toml", "rooms.toml");
}

/// A picture is written where its name says picture, so a slip of the keyboard costs no map.
#[test]
fn a_picture_has_the_name_of_one() {
    let folder = Folder::new("sources-picture");
    folder.write("rooms.toml", ROOMS).write("other.toml", ROOMS);
    for command in ["map path rooms.toml --from a --to b --svg", "simulate --map rooms.toml --svg"] {
        let run = folder.sheepdog(&format!("{command} other.toml"));
        assert!(run.code == Some(2) && run.err.contains(".svg"), "{run:?}");
    }
    assert_eq!(folder.read("other.toml"), ROOMS);
    let run = folder.sheepdog("map path rooms.toml --from a --to b --svg way.svg");
    assert!(run.code == Some(0) && folder.read("way.svg").starts_with("<svg "), "{run:?}");
}

/// A link to the map is the map.
#[cfg(unix)]
#[test]
fn a_link_to_the_map_is_the_map() {
    let folder = Folder::new("sources-link");
    folder.write("rooms.toml", ROOMS);
    std::os::unix::fs::symlink(folder.path("rooms.toml"), folder.path("link.json")).unwrap();
    refuses(&folder, "map convert rooms.toml link.json", "link.json");
    // Another name for the same bytes: these stay what they are.
    std::fs::hard_link(folder.path("rooms.toml"), folder.path("hard.json")).unwrap();
    assert_eq!(folder.sheepdog("map convert rooms.toml hard.json").code, Some(0));
    assert_eq!(folder.read("rooms.toml"), ROOMS);
    assert!(folder.read("hard.json").starts_with('{'));
}

/// Files are written under another name first; one that is there already is somebody's.
#[test]
fn a_file_beside_the_output_is_not_written_over() {
    let folder = Folder::new("sources-part");
    folder.write("rooms.toml", ROOMS).write("rooms.json.part", "mine");
    let run = folder.sheepdog("map convert rooms.toml rooms.json");
    assert!(run.code == Some(4) && run.err.contains("rooms.json.part"), "{run:?}");
    assert_eq!(folder.read("rooms.json.part"), "mine");
}

#[test]
fn a_ledger_is_not_redacted_in_place() {
    let folder = Folder::new("sources-ledger");
    folder.write("hospital.toml", site("hospital.toml"));
    let run = folder.sheepdog("simulate --map hospital.toml --robots 1 --tasks 1 --ledger run.ledger");
    assert_eq!(run.code, Some(0), "{run:?}");
    refuses(&folder, "ledger export run.ledger --redact run.ledger", "run.ledger");
    let run = folder.sheepdog("ledger export run.ledger --redact copy.ledger");
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_recording_is_not_written_over() {
    let folder = Folder::new("sources-recording");
    folder.write("run.svg", "time_s,linear_mps,angular_rps,speed_mps,yaw_rate_rps,confidence,range@0\n");
    refuses(&folder, "interlock shadow run.svg --svg run.svg", "run.svg");
}
