//! Which format a file has: what it is called, and how it begins. JSON is told by the keys of its outermost value, so no
//! name of an element is taken for a word of a format.

use std::collections::BTreeSet;

use super::{
    Format,
    tree::{BYTES_MAX, DEPTH_MAX},
};

/// How much of a file that is no JSON is looked at.
const LOOK_BYTES: usize = 64 << 10;

impl Format {
    /// The format of a file, by its name and its content. The content decides where a name fits several formats. Our own
    /// formats are none of these. Linear in the text.
    pub fn detect(name: &str, bytes: &[u8]) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        let head = String::from_utf8_lossy(bytes.get(..LOOK_BYTES).unwrap_or(bytes));
        let text = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let says = |word: &str| text.contains(word);
        if text.starts_with('{') {
            let keys = Keys::of(bytes.get(..BYTES_MAX).unwrap_or(bytes));
            let has = |key: &str| keys.top.contains(key.as_bytes());
            if has("schema") {
                return None;
            }
            return [
                (Self::GeoJson, has("sheepdog")),
                (Self::Lif, has("layouts") || has("metaInformation")),
                (Self::RmfSite, has("format_version") || ends(&[".site.json"])),
                (Self::Imdf, keys.has_feature_types),
                (Self::Nav2, has("features") || has("type")),
            ]
            .into_iter()
            .find_map(|(format, fits)| fits.then_some(format));
        }
        if text.starts_with('<') {
            return (says("<model") || ends(&[".xml"])).then_some(Self::OpenTcs);
        }
        if text.starts_with("type octile") || ends(&[".map"]) && text.starts_with("type ") {
            return Some(Self::MovingAi);
        }
        if ends(&[".building.yaml", ".building.yml"]) {
            return Some(Self::Building);
        }
        let line = |key: &str| text.lines().any(|line| line.trim_start_matches(['{', ' ']).starts_with(key));
        if ends(&[".yaml", ".yml"]) || text.contains(':') {
            if line("image:") && says("resolution:") {
                return Some(Self::MapServer);
            }
            if says("levels:") {
                let is_building = says("measurements:") || says("coordinate_system:") || says("elevation:");
                return Some(if is_building { Self::Building } else { Self::NavGraph });
            }
        }
        None
    }
}

/// Keys of a text of JSON, which need not be legal.
#[derive(Default)]
struct Keys<'a> {
    /// Those of the outermost object.
    top: BTreeSet<&'a [u8]>,
    /// Whether one of its `features`, or of those of a collection in it, has a `feature_type`.
    has_feature_types: bool,
}

impl<'a> Keys<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut keys = Self::default();
        // The last key at each depth; lists have none.
        let mut path: Vec<&[u8]> = Vec::new();
        let mut rest = text;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'{' | b'[' if DEPTH_MAX <= path.len() => break,
                b'{' | b'[' => path.push(b""),
                b'}' | b']' => drop(path.pop()),
                b'"' => {
                    let (word, after) = word(after);
                    rest = after;
                    if after.trim_ascii_start().first() == Some(&b':') {
                        keys.add(word, &path);
                        if let Some(last) = path.last_mut() {
                            *last = word;
                        }
                    }
                }
                _ => {}
            }
        }
        keys
    }

    fn add(&mut self, key: &'a [u8], path: &[&[u8]]) {
        match path {
            [_] => drop(self.top.insert(key)),
            [b"features", _, _] | [_, b"features", _, _] => self.has_feature_types |= key == b"feature_type",
            _ => {}
        }
    }
}

/// A word up to its closing quote, and what follows.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    let (word, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, &[]));
    (word, rest.get(1..).unwrap_or_default())
}
