//! A folder of its own for each test, and the command run in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Two rooms beside each other with a door between them that takes 30 s, and a lane through it.
pub(crate) const ROOMS: &str = r#"schema = 2
name = "rooms"
level = [{ id = "L1", elevation_m = 0 }]
room = [
    { id = "left", level = "L1", polygon = [[0, 0], [15, 0], [15, 10], [0, 10]], walled = true },
    { id = "right", level = "L1", polygon = [[15, 0], [30, 0], [30, 10], [15, 10]], walled = true },
]
door = [{ id = "slow", level = "L1", from = [15, 4], to = [15, 6], opening_s = 30 }]
waypoint = [{ id = "a", level = "L1", at = [2, 5] }, { id = "b", level = "L1", at = [28, 5] }]
lane = [{ from = "a", to = "b" }]
"#;

/// A raster of free floor with a wall around it, for `map_server`.
pub(crate) const RASTER: &str = "image: scan.pgm\nresolution: 0.5\norigin: [0.0, 0.0, 0.0]\nnegate: 0\nmode: trinary\n\
                                 occupied_thresh: 0.65\nfree_thresh: 0.196\n";

/// An image of 12 x 10 cells for [`RASTER`], with walls at its edges.
pub(crate) fn image(inside: impl Fn(usize, usize) -> bool) -> String {
    let cell = |x: usize, y: usize| if inside(x, y) { "254" } else { "0" };
    let rows = (0..10).map(|y| (0..12).map(|x| cell(x, y)).collect::<Vec<_>>().join(" "));
    format!("P2\n12 10\n255\n{}\n", rows.collect::<Vec<_>>().join("\n"))
}

/// Whether a cell of [`image`] is not at its edge.
pub(crate) fn is_floor(x: usize, y: usize) -> bool {
    (1..11).contains(&x) && (1..9).contains(&y)
}

/// What a run of the command left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// An empty folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap()).into_owned()
    }

    /// The names of all files, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs the command here; arguments are apart by blanks.
    pub(crate) fn sheepdog(&self, args: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sheepdog"));
        let output = command.args(args.split_whitespace()).current_dir(&self.0).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A site of this repository.
pub(crate) fn site(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sites").join(name)).unwrap()
}
