//! `sheepdog map analyse`.

use crate::folder::{Folder, ROOMS};

#[test]
fn a_roadmap_is_analysed_in_sentences() {
    let folder = Folder::new("analyse");
    folder.write("rooms.toml", ROOMS);
    let run = folder.sheepdog("map analyse rooms.toml");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("The site holds at least "), "{run:?}");
    assert!(run.out.lines().any(|line| line.starts_with("Closing ") && line.ends_with('.')), "{run:?}");
}

#[test]
fn a_closed_lane_is_told_by_what_it_cuts() {
    let folder = Folder::new("analyse-close");
    folder.write("rooms.toml", ROOMS);
    let run = folder.sheepdog("map analyse rooms.toml --close a b");
    assert!(run.out.starts_with("With the lane "), "{run:?}");
    let run = folder.sheepdog("map analyse rooms.toml --close a nowhere");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("there is no waypoint or station \"nowhere\""), "{run:?}");
    let run = folder.sheepdog("map analyse rooms.toml --close a a");
    assert!(run.code == Some(2) && run.err.contains("no lane from a to a"), "{run:?}");
}
