//! What an import changed, guessed or left behind.

use std::{collections::BTreeMap, fmt};

use super::tree::{Node, Use, Value, clipped};

/// The most different paths that a report tells apart; further ones are counted together.
const PATTERNS_MAX: usize = 10_000;

/// What an import changed, guessed or left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportReport {
    /// What a person should look at, in file order.
    pub warnings: Vec<ImportWarning>,
    /// How each level came into metres, in file order.
    pub levels: Vec<LevelImport>,
    /// What has no place in our model: the path with `[]` for indices, and how often. Sorted by path.
    pub dropped: Vec<(String, usize)>,
    /// What only repeats what holds without it, such as a default that is written out. Sorted by path.
    pub implied: Vec<(String, usize)>,
    /// Names that several elements of one kind bear in the file, in file order of the first; each element has become
    /// unique in the site.
    pub shared_names: Vec<SharedName>,
    /// Doors of lifts as the file calls them, in file order; the site does not keep these names.
    pub lift_doors: Vec<LiftDoorName>,
    /// How the grey values of a raster map were read; `None` for every other format.
    pub raster: Option<RasterReading>,
}

/// A name that several elements of one kind bear in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedName {
    /// What they are, for example `waypoint`.
    pub kind: &'static str,
    /// The name in the file.
    pub name: String,
    /// What they are called in the site, in file order.
    pub became: Vec<String>,
}

/// The name of a lift's door in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiftDoorName {
    /// The lift.
    pub lift: String,
    /// What the file calls its door.
    pub door: String,
}

/// How the grey values of a raster map were read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RasterReading {
    /// A cell is occupied from this probability on.
    pub occupied_thresh: f64,
    /// A cell is free up to this probability.
    pub free_thresh: f64,
    /// Direction of the x axis of the image, radians; the peers of this format ignore it.
    pub yaw_rad: f64,
    /// How many cells have the grey that mapping tools write where nothing is known, when the thresholds call them free.
    pub unknown_as_free: Option<usize>,
    /// Whether greys between the thresholds are values (mode `scale`), so that no grey means unknown.
    pub is_scale: bool,
}

impl RasterReading {
    /// What keeps the grey of unknown cells from being free.
    pub(crate) fn remedy(&self) -> &'static str {
        if self.is_scale {
            "in mode scale no grey means unknown; mode trinary with 0.196 keeps it so"
        } else {
            "0.196 keeps it unknown"
        }
    }
}

/// Something a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportWarning {
    /// Path of the element in the file, for example `levels.L1.doors[3]`.
    pub element: String,
    /// Line of the element, counted from one, when it is known.
    pub line: Option<u32>,
    /// What was found and what was made of it.
    pub message: String,
}

impl fmt::Display for ImportWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}", self.element, self.message)
    }
}

/// How a level came into metres: `p = scale · R(rotation) · q + translation`, where `q` is the file's point, y up.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelImport {
    /// Name of the level.
    pub name: String,
    /// Metres per unit of the file.
    pub scale: f64,
    /// Counter-clockwise turn, radians.
    pub rotation_rad: f64,
    /// Shift, metres.
    pub translation_m: [f64; 2],
    /// Largest distance between a fiducial of this level and the one of the same name on the reference level,
    /// metres; zero on the reference level.
    pub residual_m: f64,
    /// Metres per unit by each measurement of this level in file order; empty where nobody measured.
    pub scales: Vec<f64>,
    /// How many fiducials it shares with the reference level; `None` where nothing was aligned by fiducials.
    pub fiducials: Option<usize>,
}

impl LevelImport {
    /// A level whose file is scaled and nothing else.
    pub(crate) fn scaled(name: impl Into<String>, scale: f64) -> Self {
        Self {
            name: name.into(),
            scale,
            rotation_rad: 0.0,
            translation_m: [0.0, 0.0],
            residual_m: 0.0,
            scales: Vec::new(),
            fiducials: None,
        }
    }
}

impl ImportReport {
    /// Adds a warning about an element whose line is not known.
    pub(crate) fn warn(&mut self, element: impl fmt::Display, message: String) {
        self.warnings.push(ImportWarning { element: element.to_string(), line: None, message });
    }

    /// Counts something that has no place in our model.
    pub(crate) fn drop_count(&mut self, path: &str, count: usize) {
        add(&mut self.dropped, path, count);
    }

    /// Counts what nobody read in the tree, and what was read and says nothing new.
    pub(crate) fn leave(&mut self, root: &Node) {
        let mut tally = Tally::default();
        tally.walk(root, "");
        for (path, count) in tally.unread {
            add(&mut self.dropped, &path, count);
        }
        for (path, count) in tally.implied {
            add(&mut self.implied, &path, count);
        }
    }
}

fn add(list: &mut Vec<(String, usize)>, path: &str, count: usize) {
    if count == 0 {
        return;
    }
    match list.binary_search_by(|(other, _)| other.as_str().cmp(path)) {
        Ok(index) => {
            if let Some((_, sum)) = list.get_mut(index) {
                *sum += count;
            }
        }
        Err(index) => list.insert(index, (path.to_owned(), count)),
    }
}

#[derive(Default)]
struct Tally {
    unread: BTreeMap<String, usize>,
    implied: BTreeMap<String, usize>,
}

impl Tally {
    /// The tree's depth is bounded, and so is this recursion.
    fn walk(&mut self, node: &Node, path: &str) {
        if !node.is_open()
            && let Some(unread @ 1..) = node.unread()
        {
            count(&mut self.unread, path, unread);
            return;
        }
        match &node.value {
            Value::Text(_) | Value::Plain(_) => {
                if node.used() == Use::Implied {
                    count(&mut self.implied, path, 1);
                }
            }
            // Most values are scalars that were read, and need no path.
            Value::Seq(items) => {
                let mut open = items.iter().filter(|item| !item.is_settled()).peekable();
                if open.peek().is_some() {
                    let path = [path, "[]"].concat();
                    open.for_each(|item| self.walk(item, &path));
                }
            }
            Value::Map(entries) => {
                let open = entries.iter().filter(|(_, node)| !node.is_settled());
                open.for_each(|(key, node)| self.walk(node, &join(path, key)));
            }
        }
    }
}

fn count(counts: &mut BTreeMap<String, usize>, path: &str, more: usize) {
    let full = PATTERNS_MAX <= counts.len() && !counts.contains_key(path);
    *counts.entry(if full { "…".to_owned() } else { path.to_owned() }).or_default() += more;
}

/// The pattern of an entry: keys that are numbers are indices.
fn join(path: &str, key: &str) -> String {
    let is_index = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    let dot = if path.is_empty() || is_index { "" } else { "." };
    clipped([path, dot, if is_index { "[]" } else { key }].concat())
}
