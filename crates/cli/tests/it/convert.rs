//! `sheepdog map convert`.

use serde_json::Value;

use crate::folder::{Folder, ROOMS, site};

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
