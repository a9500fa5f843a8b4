//! What of a site is not in the files.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::model::Site;

/// What of a site is not in the files, and what a person should know about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// What a person should know, in the order of the site.
    pub warnings: Vec<ExportWarning>,
    /// What the format has no place for, sorted by path. Values that say no more than their absence are not counted.
    pub lost: Vec<Lost>,
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportWarning {
    /// The element, for example `lane "a" to "b"`.
    pub element: String,
    /// What became of it.
    pub message: String,
}

impl fmt::Display for ExportWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.element, self.message)
    }
}

/// Something of a site that is in no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What it is: `wall` for whole elements, `lane.corridor` for a field of elements that are written.
    pub path: String,
    /// Of how many elements.
    pub elements: usize,
    /// How many values.
    pub values: usize,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.contains('.') || self.elements == 0 {
            write!(f, "{} ({})", self.path, self.values)
        } else {
            write!(f, "{} ({}, with {} values)", self.path, self.elements, self.values)
        }
    }
}

/// A value of a site: the table, the number of the element in it, and the field.
pub(super) struct Leaf<'a> {
    /// As in our own format, `room`; empty for fields of the site itself.
    pub(super) table: &'a str,
    pub(super) index: usize,
    /// Path in the element without indices: `polygon`, `actions.entry`.
    pub(super) field: &'a str,
    /// The number of the item in the outermost list of the element that the value is in: the door of a lift.
    #[cfg_attr(not(feature = "ros"), expect(dead_code, reason = "only rasters of one level ask"))]
    pub(super) item: Option<usize>,
}

impl ExportReport {
    pub(super) fn warn(&mut self, element: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(ExportWarning { element: element.into(), message: message.into() });
    }

    /// Counts all values of the site that are not carried.
    pub(super) fn tally(&mut self, site: &Site, is_carried: impl Fn(&Leaf<'_>) -> bool) {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let Ok(Value::Object(tables)) = serde_json::to_value(site) else { return };
        for (table, value) in &tables {
            match value {
                Value::Array(elements) => {
                    for (index, element) in elements.iter().enumerate() {
                        Element { table, index }.count(element, &is_carried, &mut counts);
                    }
                }
                single @ (Value::Object(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)) => {
                    let mut lost = BTreeMap::new();
                    Element { table: "", index: 0 }.walk(table, None, single, &mut |leaf| {
                        if !is_carried(leaf) {
                            *lost.entry(leaf.field.to_owned()).or_insert(0_usize) += 1;
                        }
                    });
                    counts.extend(lost.into_iter().map(|(field, values)| (field, (0, values))));
                }
            }
        }
        let lost = counts.into_iter().map(|(path, (elements, values))| Lost { path, elements, values });
        self.lost.extend(lost);
        self.lost.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

struct Element<'a> {
    table: &'a str,
    index: usize,
}

impl Element<'_> {
    fn count(
        &self,
        element: &Value,
        is_carried: impl Fn(&Leaf<'_>) -> bool,
        counts: &mut BTreeMap<String, (usize, usize)>,
    ) {
        let (mut carried, mut lost) = (false, BTreeMap::new());
        self.walk("", None, element, &mut |leaf| {
            if is_carried(leaf) {
                carried = true;
            } else {
                *lost.entry(leaf.field.to_owned()).or_insert(0_usize) += 1;
            }
        });
        let mut add = |path: String, values: usize| {
            let sum = counts.entry(path).or_default();
            *sum = (sum.0 + 1, sum.1 + values);
        };
        if carried {
            for (field, values) in lost {
                add(format!("{}.{field}", self.table), values);
            }
        } else {
            add(self.table.to_owned(), lost.values().sum());
        }
    }

    /// Shows the leaves of a value that say something. A site's values are nested a few levels deep.
    fn walk(&self, field: &str, item: Option<usize>, value: &Value, show: &mut impl FnMut(&Leaf<'_>)) {
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    let dot = if field.is_empty() { "" } else { "." };
                    self.walk(&format!("{field}{dot}{key}"), item, value, show);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    self.walk(field, item.or(Some(index)), value, show);
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                if !is_usual(self.table, field, value) {
                    show(&Leaf { table: self.table, index: self.index, field, item });
                }
            }
        }
    }
}

/// Whether a value is the one that holds without it.
fn is_usual(table: &str, field: &str, value: &Value) -> bool {
    let is = |word: &str| value.as_str() == Some(word);
    let is_number = |number: f64| value.as_f64().is_some_and(|value| value.to_bits() == number.to_bits());
    match (table, field) {
        ("", "schema") => true,
        ("", "georeference.yaw_rad") | ("lift" | "sensor", "yaw_rad") => is_number(0.0),
        ("room", "kind") => is("room"),
        ("room", "walled") | ("door", "fire_rated" | "exit") => value.as_bool() == Some(false),
        ("wall", "thickness_m") => is_number(crate::model::default_wall_thickness_m()),
        ("door", "kind") => is("sliding"),
        ("door", "swing") => is("both"),
        ("door", "opening_s") | ("lift", "door_s") => is_number(crate::model::default_door_opening_s()),
        ("lift", "speed_mps") => is_number(crate::model::default_lift_speed_mps()),
        ("lane", "bidirectional") => value.as_bool() == Some(true),
        ("station", "kind") => is("place"),
        _ => false,
    }
}
