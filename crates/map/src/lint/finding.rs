//! What a lint says.

use serde::Serialize;

use super::{BuildingProfile, LINTS, LintId, Severity};
use crate::geometry::Point;

/// One fault: where it is, what was measured, and what the limit is.
///
/// Its serde form has exactly the fields `id`, `severity`, `level`, `elements`, `place`, `measured`, `limit` and `text`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which lint found it.
    pub id: LintId,
    /// How bad it is.
    pub severity: Severity,
    /// The level it is on, when it is on one.
    pub level: Option<String>,
    /// The elements at fault, for example `door "north"`.
    pub elements: Vec<String>,
    /// Where, metres in the frame of the level, to a millimetre.
    pub place: Option<[f64; 2]>,
    /// What was measured, in `unit`.
    pub measured: Option<f64>,
    /// What the rule allows, in `unit`.
    pub limit: Option<f64>,
    /// Unit of `measured` and `limit`; empty for counts and when there are none.
    #[serde(skip)]
    pub unit: &'static str,
    /// What is wrong, in one sentence with the values.
    pub text: String,
}

impl Finding {
    pub(super) fn new(id: LintId, text: impl Into<String>) -> Self {
        Self {
            id,
            severity: id.lint().map_or(Severity::Error, |lint| lint.severity),
            level: None,
            elements: Vec::new(),
            place: None,
            measured: None,
            limit: None,
            unit: "",
            text: text.into(),
        }
    }

    pub(super) fn on(self, level: &str) -> Self {
        Self { level: Some(level.to_owned()), ..self }
    }

    pub(super) fn about(mut self, element: impl Into<String>) -> Self {
        self.elements.push(element.into());
        self
    }

    pub(super) fn about_all(mut self, elements: impl IntoIterator<Item = String>) -> Self {
        self.elements.extend(elements);
        self
    }

    pub(super) fn at(self, place: Point) -> Self {
        // A sum with zero has no negative zero, which would be printed.
        let rounded = |m: f64| libm::round(m * 1e3) / 1e3 + 0.0;
        Self { place: Some([rounded(place.x), rounded(place.y)]), ..self }
    }

    pub(super) fn measured(self, measured: f64, limit: f64, unit: &'static str) -> Self {
        let known = |value: f64| value.is_finite().then_some(value);
        Self { measured: known(measured), limit: known(limit), unit, ..self }
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let place = |finding: &Self| finding.place.unwrap_or([f64::NEG_INFINITY; 2]);
        let ([x, y], [other_x, other_y]) = (place(self), place(other));
        (self.severity, self.id, &self.level, &self.elements)
            .cmp(&(other.severity, other.id, &other.level, &other.elements))
            .then(x.total_cmp(&other_x))
            .then(y.total_cmp(&other_y))
            .then_with(|| self.text.cmp(&other.text))
    }
}

/// All that was found, and by what measure.
///
/// Its serde form is an object with `profile`, `complete` and `findings`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The profile whose limits were used.
    pub profile: ProfileStamp,
    /// Whether everything was looked at; `false` when the site did not compile.
    pub complete: bool,
    /// Errors first, then by id, level and elements.
    pub findings: Vec<Finding>,
}

/// Which [`BuildingProfile`] it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileStamp {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub digest: String,
}

impl Report {
    pub(super) fn new(profile: &BuildingProfile, complete: bool, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(Finding::order);
        let stamp = ProfileStamp {
            name: profile.name.clone(),
            version: profile.version,
            digest: profile.digest_hex(),
        };
        debug_assert!(findings.iter().all(|finding| finding.id.lint().is_some()), "an id of {LINTS:?}");
        Self { profile: stamp, complete, findings }
    }

    /// How many findings have a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        0 < self.count(Severity::Error)
    }

    /// The report as JSON: `{"profile": …, "complete": …, "findings": [{"id", "severity", "level", "elements", "place",
    /// "measured", "limit", "text"}]}`, with `null` for what a finding does not have.
    pub fn to_json(&self) -> String {
        // Strings, booleans and finite numbers: serialising them cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
