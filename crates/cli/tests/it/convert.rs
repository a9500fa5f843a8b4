//! `sheepdog map convert`.

use serde_json::Value;

use crate::folder::{Folder, RASTER, ROOMS, image, is_floor, site};

/// Rooms without lanes can be handed to whoever wants lanes: they are drawn as they are for a simulation.
#[test]
fn a_map_without_lanes_is_written_with_drawn_ones() {
    let folder = Folder::new("convert-drawn");
    folder.write("ward.toml", site("ward.toml"));
    for out in ["ward.lif.json", "ward.nav.yaml", "ward.nav2.geojson"] {
        let run = folder.sheepdog(&format!("map convert ward.toml {out}"));
        assert_eq!(run.code, Some(0), "{out}: {run:?}");
        assert!(run.out.contains("the map has no lanes; a roadmap \"survey\" was drawn"), "{out}: {run:?}");
        let info = folder.sheepdog(&format!("map info {out} --json"));
        let info: Value = serde_json::from_str(&info.out).unwrap();
        assert!(20 < info["lanes"]["directed"].as_u64().unwrap(), "{out}: {info}");
    }
    let run = folder.sheepdog("map convert ward.toml mine.lif.json --roadmap mine --json --radius 300");
    let answer: Value = serde_json::from_str(&run.out).unwrap();
    assert!(answer["generated"].as_str().unwrap().contains("a roadmap \"mine\" was drawn"), "{answer}");
    // No lane is added to what can do without.
    let run = folder.sheepdog("map convert ward.toml same.json");
    assert!(run.code == Some(0) && !run.out.contains("was drawn"), "{run:?}");
    let same: Value = serde_json::from_str(&folder.read("same.json")).unwrap();
    assert!(same["lane"].as_array().is_none_or(Vec::is_empty), "{}", same["lane"]);
}

/// What is written can be read again, or is not written.
#[test]
fn our_own_formats_are_written_under_names_by_which_they_are_read() {
    let folder = Folder::new("convert-names");
    folder.write("rooms.toml", ROOMS);
    // Words that other formats are told by, as the name of a room.
    folder.write("layouts.toml", ROOMS.replace("\"left\"", "\"layouts\""));
    for args in
        ["rooms.toml out.toml --to json", "rooms.toml out.json --to toml", "rooms.toml out.yaml --to json"]
    {
        let run = folder.sheepdog(&format!("map convert {args}"));
        assert!(
            run.code == Some(2) && run.err.contains("would be read as another format"),
            "{args}: {run:?}"
        );
    }
    assert_eq!(folder.names(), ["layouts.toml", "rooms.toml"]);
    for args in ["rooms.toml rooms.site.json", "rooms.toml rooms.json", "layouts.toml layouts.json"] {
        let run = folder.sheepdog(&format!("map convert {args}"));
        let out = args.split(' ').next_back().unwrap();
        if run.code == Some(2) {
            assert!(run.err.contains("would be read as another format"), "{args}: {run:?}");
            assert!(!folder.path(out).exists(), "{args}");
        } else {
            let back = folder.sheepdog(&format!("map convert {out} back.toml"));
            assert_eq!(back.code, Some(0), "{args}: {back:?}");
            let first =
                folder.sheepdog(&format!("map convert {} first.toml", args.split(' ').next().unwrap()));
            assert_eq!(first.code, Some(0));
            assert_eq!(folder.read("back.toml"), folder.read("first.toml"), "{args}");
        }
    }
    assert!(folder.path("rooms.json").exists());
}

/// Rooms, blocked zones and zones with a limit of a map.
fn contents(folder: &Folder, map: &str) -> [u64; 3] {
    let run = folder.sheepdog(&format!("map info {map} --json"));
    assert_eq!(run.code, Some(0), "{map}: {run:?}");
    let info: Value = serde_json::from_str(&run.out).unwrap();
    let count = |of: &str, kind: &str| info[of][kind].as_u64().unwrap_or(0);
    let rooms = info["rooms_by_kind"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    [rooms, count("zones_by_kind", "blocked"), count("zones_by_kind", "speed_limit")]
}

/// What a raster is can be said where its name says something else.
#[test]
fn a_raster_is_what_it_is_said_to_be() {
    let folder = Folder::new("convert-as");
    folder.write("scan.pgm", image(is_floor)).write("speed_lab.yaml", RASTER).write("plain.yaml", RASTER);
    assert_eq!(contents(&folder, "plain.yaml"), [1, 0, 0]);
    assert_eq!(contents(&folder, "speed_lab.yaml --as map"), [1, 0, 0]);
    let [rooms, blocked, _] = contents(&folder, "plain.yaml --as keepout");
    assert!(rooms == 0 && 0 < blocked);
    // Walls are a value of 100: 0.2 m/s and 0.001 m/s for each.
    assert_eq!(folder.sheepdog("map convert plain.yaml slow.toml --as speed:0.2,0.001").code, Some(0));
    assert!(folder.read("slow.toml").contains("speed_limit_mps = 0.3"), "{}", folder.read("slow.toml"));
    for args in ["plain.yaml --as speed:fast", "plain.yaml --as rooms", "plain.yaml --as speed:1,inf"] {
        assert_eq!(folder.sheepdog(&format!("map info {args}")).code, Some(2), "{args}");
    }
    folder.write("rooms.toml", ROOMS);
    let run = folder.sheepdog("map info rooms.toml --as map");
    assert!(run.code == Some(2) && run.err.contains("no raster"), "{run:?}");
}

/// A map and its masks become one site, and are checked as one.
#[test]
fn masks_are_laid_over_a_map() {
    let folder = Folder::new("convert-masks");
    let named = |image: &str| RASTER.replace("scan.pgm", image);
    folder.write("scan.yaml", RASTER).write("scan.pgm", image(is_floor));
    folder.write("keep.yaml", named("keep.pgm")).write("keep.pgm", image(|x, y| !(x < 3 && y < 4)));
    folder.write("slow.yaml", named("slow.pgm")).write("slow.pgm", image(|x, _| x < 8));
    let masks = "--keepout keep.yaml --speed slow.yaml:0.2,0.001";
    let run = folder.sheepdog(&format!("map convert scan.yaml all.toml {masks}"));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("slow.yaml: image"), "what is said of a mask is told: {run:?}");
    assert_eq!(contents(&folder, "all.toml"), [1, 1, 1]);
    assert!(folder.read("all.toml").contains("speed_limit_mps = 0.3"));
    // Written as rasters again, each is there.
    assert_eq!(folder.sheepdog("map convert all.toml back.map.yaml").code, Some(0));
    assert!(folder.path("back_keepout.pgm").exists() && folder.path("back_speed.pgm").exists());
    // A mask beside the map is found by the check.
    folder.write("off.yaml", named("keep.pgm").replace("[0.0, 0.0, 0.0]", "[90.0, 0.0, 0.0]"));
    let ids =
        |args: &str| folder.sheepdog(&format!("map check scan.yaml --json {args}")).out.contains("Z502");
    assert!(!ids("--keepout keep.yaml") && ids("--keepout off.yaml"));
    // What is read is not written over, masks included.
    let run = folder.sheepdog(&format!("map convert scan.yaml keep.map.yaml {masks}"));
    assert!(run.code == Some(2) && run.err.contains("keep.pgm is read"), "{run:?}");
    // Of a map of several levels nobody knows which one is meant.
    folder.write("hospital.toml", site("hospital.toml"));
    let run = folder.sheepdog("map check hospital.toml --keepout keep.yaml");
    assert!(run.code == Some(2) && run.err.contains("one level, this map has 2"), "{run:?}");
}
