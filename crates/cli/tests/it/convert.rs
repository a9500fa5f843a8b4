//! `sheepdog map convert`.

use serde_json::Value;

use crate::folder::{Folder, site};

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
