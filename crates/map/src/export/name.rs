//! Formats and the names of their files.

use std::{collections::BTreeSet, fmt};

#[cfg(feature = "ros")]
use super::{ExportError, ExportFile};

/// A format that a site can be written in. Pictures are made by [`svg`](crate::svg).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Our own TOML, `.toml`.
    Toml,
    /// Our own JSON, `.json`.
    Json,
    /// Open-RMF navigation graph, `.nav.yaml` or a number and `.yaml`; one file per roadmap.
    #[cfg(feature = "rmf")]
    NavGraph,
    /// VDMA LIF 1.0.0, `.lif.json`; one file per roadmap.
    Lif,
    /// Nav2 route graph, `.nav2.geojson`; one file per roadmap and level.
    Nav2,
    /// ROS `map_server` YAML with its image and masks, `.map.yaml` or `.pgm`; a pair of files per level.
    #[cfg(feature = "ros")]
    MapServer,
    /// `GeoJSON` of all elements, `.site.geojson`.
    GeoJson,
    /// Zone set of VDA 5050 version 3, `.zones.json`; one file per level.
    ZoneSet,
}

/// What is left of endings when a part is put before them, the longest first.
const ENDINGS: [&str; 8] = [
    ".nav2.geojson",
    ".site.geojson",
    ".zones.json",
    ".lif.json",
    ".map.yaml",
    ".nav.yaml",
    ".nav.yml",
    ".map.yml",
];

impl Format {
    /// All formats, in the order in which they are listed to people.
    pub const ALL: &'static [Self] = &[
        Self::Toml,
        Self::Json,
        #[cfg(feature = "rmf")]
        Self::NavGraph,
        Self::Lif,
        Self::Nav2,
        #[cfg(feature = "ros")]
        Self::MapServer,
        Self::GeoJson,
        Self::ZoneSet,
    ];

    /// What it is called on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::Json => "json",
            #[cfg(feature = "rmf")]
            Self::NavGraph => "nav-graph",
            Self::Lif => "lif",
            Self::Nav2 => "nav2",
            #[cfg(feature = "ros")]
            Self::MapServer => "map-server",
            Self::GeoJson => "geojson",
            Self::ZoneSet => "zone-set",
        }
    }

    /// The format of that [word](Self::word).
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.word() == word)
    }

    /// The formats that a file of this name may have: one when the name says it, several or none when it does not.
    ///
    /// ```
    /// # use sheepdog_map::export::Format;
    /// assert_eq!(Format::of_name("ward.lif.json"), [Format::Lif]);
    /// assert_eq!(Format::of_name("ward.json"), [Format::Json]);
    /// assert_eq!(Format::of_name("ward.geojson"), [Format::Nav2, Format::GeoJson]);
    /// assert!(Format::of_name("ward.dwg").is_empty());
    /// ```
    pub fn of_name(name: &str) -> Vec<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |suffix: &str| name.ends_with(suffix);
        let fits = |format: &Self| match format {
            Self::Toml => ends(".toml"),
            Self::Json => ends(".json") && !ends(".lif.json") && !ends(".zones.json"),
            #[cfg(feature = "rmf")]
            Self::NavGraph => is_yaml(&name) && !ends(".map.yaml") && !ends(".map.yml"),
            Self::Lif => ends(".lif.json"),
            Self::Nav2 => ends(".geojson") && !ends(".site.geojson"),
            #[cfg(feature = "ros")]
            Self::MapServer => ends(".pgm") || is_yaml(&name) && !is_graph(&name),
            Self::GeoJson => ends(".geojson") && !ends(".nav2.geojson"),
            Self::ZoneSet => ends(".zones.json"),
        };
        Self::ALL.iter().copied().filter(fits).collect()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(feature = "rmf")]
fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
}

/// Open-RMF numbers the files of its graphs.
#[cfg(feature = "ros")]
fn is_graph(name: &str) -> bool {
    let stem = split(name).0;
    let is_number = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit());
    [".nav.yaml", ".nav.yml"].iter().any(|ending| name.ends_with(ending)) || is_number
}

/// A name as a stem and an ending.
fn split(name: &str) -> (&str, &str) {
    let lower = name.to_ascii_lowercase();
    let known =
        ENDINGS.iter().find(|ending| lower.ends_with(*ending)).map(|ending| name.len() - ending.len());
    known.or_else(|| name.rfind('.')).and_then(|at| name.split_at_checked(at)).unwrap_or((name, ""))
}

/// Names of the files of an export.
pub(super) struct Names<'a> {
    base: &'a str,
    taken: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) const fn new(base: &'a str) -> Self {
        Self { base, taken: BTreeSet::new() }
    }

    /// The name with parts before its ending. What does not belong into the name of a file becomes `_`; where that makes
    /// two names equal, also to systems that know no capitals, the later ones are numbered.
    pub(super) fn with_parts<'b>(&mut self, parts: impl IntoIterator<Item = &'b str>) -> String {
        self.stem(parts) + split(self.base).1
    }

    /// The same without the ending.
    pub(super) fn stem<'b>(&mut self, parts: impl IntoIterator<Item = &'b str>) -> String {
        let mut name = split(self.base).0.to_owned();
        for part in parts {
            name.push('.');
            let plain = |sign: char| if sign.is_alphanumeric() || "-_".contains(sign) { sign } else { '_' };
            name.extend(part.chars().map(plain));
        }
        let mut numbered = name.clone();
        let mut number = 1_usize;
        while !self.taken.insert(numbered.to_lowercase()) {
            number += 1;
            numbered = format!("{name}-{number}");
        }
        numbered
    }
}

/// The ending of the text of a raster: the one that was asked for, or `.yaml` when that is the image's.
#[cfg(feature = "ros")]
pub(super) fn yaml_ending(name: &str) -> &str {
    let ending = split(name).1;
    if ending.is_empty() || ending.eq_ignore_ascii_case(".pgm") { ".yaml" } else { ending }
}

/// Refuses files of one name.
#[cfg(feature = "ros")]
pub(super) fn distinct(files: &[ExportFile]) -> Result<(), ExportError> {
    let mut seen = BTreeSet::new();
    match files.iter().find(|file| !seen.insert(file.name.to_lowercase())) {
        Some(file) => Err(ExportError::SameName { name: file.name.clone() }),
        None => Ok(()),
    }
}
