//! `simulate --record` and `sheepdog recording`.

use crate::folder::Folder;

/// A site with stations, of this repository.
const HOSPITAL: &str = include_str!("../../../../sites/hospital.toml");

#[test]
fn a_run_is_recorded_played_again_and_told() {
    let folder = Folder::new("recording");
    folder.write("hospital.toml", HOSPITAL);
    let run =
        folder.sheepdog("simulate --map hospital.toml --robots 1 --tasks 2 --seed 3 --record run.sheeprun");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("wrote       run.sheeprun"), "{}", run.out);
    let again = folder.sheepdog("recording replay run.sheeprun");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("the same to the last bit"), "{}", again.out);
    let there = folder.sheepdog("recording at run.sheeprun 20");
    assert!(there.code == Some(0) && there.out.starts_with("robot "), "{there:?}");
    let told = folder.sheepdog("recording timeline run.sheeprun");
    assert!(told.out.contains("is asked for: delivery-1") && told.out.contains("is done by"), "{told:?}");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new("recording-refused");
    folder.write("hospital.toml", HOSPITAL);
    let refused = |args: &str, code, text: &str| {
        let run = folder.sheepdog(args);
        assert!(run.code == Some(code) && run.err.contains(text), "{args}: {run:?}");
    };
    refused("recording replay hospital.toml", 3, "hospital.toml: this is no recording");
    refused("recording replay none.sheeprun", 4, "none.sheeprun");
    folder.sheepdog("simulate --map hospital.toml --robots 1 --tasks 1 --record run.sheeprun");
    for time in ["0", "-1", "1e9", "NaN"] {
        refused(&format!("recording at run.sheeprun -- {time}"), 2, "s is not within the recording");
    }
    refused(
        "recording shrink run.sheeprun --hope every-task-done --out least.sheeprun",
        3,
        "nothing goes wrong in this run: EveryTaskDone holds",
    );
    refused(
        "recording shrink run.sheeprun --hope no-overlap --out run.sheeprun",
        2,
        "run.sheeprun is read, and would be written over",
    );
    refused(
        "simulate --map hospital.toml --robots 1 --tasks 1 --record hospital.toml",
        2,
        "hospital.toml is read",
    );
}
