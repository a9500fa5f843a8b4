//! Which format a file has: what it is called, and how it begins.

use super::Format;

/// How much of a file is looked at.
const LOOK_BYTES: usize = 64 << 10;

impl Format {
    /// The format of a file, by its name and its content. The content decides where a name fits several formats.
    pub fn detect(name: &str, bytes: &[u8]) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        let head = String::from_utf8_lossy(bytes.get(..LOOK_BYTES).unwrap_or(bytes));
        let text = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let says = |word: &str| text.contains(word);
        if text.starts_with('{') {
            return [
                (Self::GeoJson, says("\"sheepdog\"") && says("\"FeatureCollection\"")),
                (Self::Lif, says("\"layouts\"") || says("\"metaInformation\"")),
                (Self::RmfSite, says("\"format_version\"") || ends(&[".site.json"])),
                (Self::Imdf, says("\"feature_type\"")),
                (Self::Nav2, says("\"FeatureCollection\"")),
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
