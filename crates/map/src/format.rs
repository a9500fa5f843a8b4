//! The TOML and JSON forms of a [`Site`]: strict, versioned, and precise about what is wrong where.
//!
//! A site file begins with `schema = 2`. Unknown fields, wrong types and numbers that are not finite are refused, so
//! a typing error never becomes a default. [`Site::compile`](crate::Site::compile) checks what the fields mean. Files of
//! earlier schemas are read and become sites of this one; files of later ones are refused.
//!
//! | schema | what changed |
//! |---|---|
//! | 1 | the first one |
//! | 2 | buildings, stairs, obstacles, sensors, named roadmaps, georeference; rooms with tags, access and hygiene; the zones of VDA 5050. Whatever schema 1 says means the same. |

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::ser::{CompactFormatter, Formatter};
use sha2::{Digest as _, Sha256};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::model::{SCHEMA, Site, Wall};

/// A place in a text, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

impl Position {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of the byte at `offset`; beyond the end it is the end.
    fn of_byte(text: &str, offset: usize) -> Self {
        let mut position = Self::START;
        for (index, character) in text.char_indices() {
            if offset <= index {
                break;
            }
            if character == '\n' {
                position = Self { line: position.line.saturating_add(1), column: 1 };
            } else {
                position.column = position.column.saturating_add(1);
            }
        }
        position
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text is not a site, or a site cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FormatError {
    /// Where in the text; `None` when a site could not be written.
    pub position: Option<Position>,
    /// What is wrong: the field and its value.
    pub message: String,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{position}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Site {
    /// Reads a site from TOML. Linear in the text.
    ///
    /// ```
    /// # use sheepdog_map::Site;
    /// let error = Site::from_toml("schema = 1\nname = \"clinic\"\n[[level]]\nid = \"L1\"\nelevation = 0\n");
    /// let message = error.unwrap_err().to_string();
    /// assert!(message.starts_with("line 5, column 1: unknown field `elevation`"), "{message}");
    /// ```
    ///
    /// # Errors
    /// [`FormatError`] with line and column when the text is not TOML, has another schema, has an unknown, missing
    /// or mistyped field, or a number that is not finite.
    pub fn from_toml(text: &str) -> Result<Self, FormatError> {
        let tree = DeTable::parse(text).map_err(|error| refused(text, &error, None))?;
        check_schema(text, tree.get_ref())?;
        check_finite(text, tree.get_ref())?;
        let site = Self::deserialize(toml::Deserializer::from(tree)).map_err(|error| {
            let tree = DeTable::parse(text).ok();
            refused(text, &error, tree.as_ref().map(Spanned::get_ref))
        })?;
        Ok(site.migrated())
    }

    /// Reads a site from JSON with the same fields. Linear in the text.
    ///
    /// # Errors
    /// [`FormatError`] with line and column, as [`Site::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, FormatError> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Head {
            schema: Option<serde_json::Number>,
        }
        let refused = |error: &serde_json::Error| {
            let count = |number: usize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
            let position = Position { line: count(error.line()), column: count(error.column()) };
            let message = error.to_string();
            // The reader repeats the position at the end of its message.
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            FormatError { position: Some(position), message: message.to_owned() }
        };
        let head: Head = serde_json::from_str(text).map_err(|error| refused(&error))?;
        let at_start = |message| FormatError { position: Some(Position::START), message };
        let number = head.schema.ok_or_else(|| at_start(missing_schema()))?.to_string();
        if !is_readable(number.parse().ok()) {
            return Err(at_start(schema_message(&number)));
        }
        serde_json::from_str(text).map(Self::migrated).map_err(|error| refused(&error))
    }

    /// Writes the site as JSON that [`Site::from_json`] reads back as the same site.
    ///
    /// # Errors
    /// [`FormatError`] without a position when a number is not finite or the schema is not [`SCHEMA`].
    pub fn to_json(&self) -> Result<String, FormatError> {
        // TOML has words for what is not finite, JSON would say `null`.
        self.to_toml()?;
        let unwritable =
            |error: serde_json::Error| FormatError { position: None, message: error.to_string() };
        serde_json::to_string_pretty(self).map_err(unwritable)
    }

    /// The same site by the rules of this schema: no earlier one means anything else by what it says.
    fn migrated(self) -> Self {
        Self { schema: SCHEMA, ..self }
    }

    /// SHA-256 of what is written, whatever the order of the tables: two files have the same hash if they are the same
    /// site. Linear, up to sorting.
    ///
    /// The [version](crate::CompiledSite::version) of a compiled site depends on more: on ids and on the options.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(self.canonical_text()).into()
    }

    /// A text that is the same for the same site, whatever the order of its tables, and another for another.
    pub(crate) fn canonical_text(&self) -> String {
        let mut site = self.clone();
        site.sort();
        let mut text = Vec::new();
        let mut writer = serde_json::Serializer::with_formatter(&mut text, OneZero);
        match site.serialize(&mut writer) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Puts every table into the order of its names; lanes and walls into that of their ends.
    pub(crate) fn sort(&mut self) {
        self.buildings.sort_by(|a, b| a.id.cmp(&b.id));
        self.levels.sort_by(|a, b| a.id.cmp(&b.id));
        self.rooms.sort_by(|a, b| a.id.cmp(&b.id));
        self.walls.sort_by(|a, b| {
            let ends = |wall: &Wall| [wall.from, wall.to].into_iter().flatten().collect::<Vec<_>>();
            let order = ends(a).iter().zip(&ends(b)).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
            a.level.cmp(&b.level).then(order.unwrap_or(std::cmp::Ordering::Equal))
        });
        self.doors.sort_by(|a, b| a.id.cmp(&b.id));
        self.lifts.sort_by(|a, b| a.id.cmp(&b.id));
        self.connectors.sort_by(|a, b| a.id.cmp(&b.id));
        self.obstacles.sort_by(|a, b| a.id.cmp(&b.id));
        self.sensors.sort_by(|a, b| a.id.cmp(&b.id));
        self.roadmaps.sort_by(|a, b| a.id.cmp(&b.id));
        self.waypoints.sort_by(|a, b| a.id.cmp(&b.id));
        self.lanes.sort_by(|a, b| (&a.from, &a.to, &a.roadmap).cmp(&(&b.from, &b.to, &b.roadmap)));
        self.stations.sort_by(|a, b| a.id.cmp(&b.id));
        self.zones.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Writes the site as TOML that [`Site::from_toml`] reads back as the same site.
    ///
    /// # Errors
    /// [`FormatError`] without a position when a number is not finite or the schema is not [`SCHEMA`].
    pub fn to_toml(&self) -> Result<String, FormatError> {
        let unwritable = |message| FormatError { position: None, message };
        if self.schema != SCHEMA {
            return Err(unwritable(schema_message(&i64::from(self.schema).to_string())));
        }
        let text = toml::to_string(self).map_err(|error| unwritable(error.to_string()))?;
        let tree = DeTable::parse(&text).map_err(|error| unwritable(error.message().to_owned()))?;
        check_finite(&text, tree.get_ref()).map_err(|error| unwritable(error.message))?;
        Ok(text)
    }
}

/// JSON with one zero: the negative one is written as the positive one.
struct OneZero;

impl Formatter for OneZero {
    fn write_f64<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, value: f64) -> std::io::Result<()> {
        CompactFormatter.write_f64(writer, value + 0.0)
    }
}

fn is_readable(schema: Option<u32>) -> bool {
    schema.is_some_and(|schema| (1..=SCHEMA).contains(&schema))
}

fn missing_schema() -> String {
    format!("missing field `schema`: a site begins with `schema = {SCHEMA}`")
}

fn check_schema(text: &str, tree: &DeTable<'_>) -> Result<(), FormatError> {
    let Some(schema) = tree.get("schema") else {
        return Err(FormatError { position: Some(Position::START), message: missing_schema() });
    };
    let number = schema.get_ref().as_integer().map(|integer| (integer.as_str(), integer.radix()));
    if is_readable(number.and_then(|(digits, radix)| u32::from_str_radix(digits, radix).ok())) {
        return Ok(());
    }
    let message = match number {
        Some((digits, 10)) => schema_message(digits),
        Some(_) | None => format!("`schema` must be a number, {SCHEMA} for a new site"),
    };
    Err(FormatError { position: Some(Position::of_byte(text, schema.span().start)), message })
}

fn schema_message(digits: &str) -> String {
    // A number too long for the type is certainly newer, unless it is negative.
    let newer = digits.parse::<i64>().map_or(!digits.starts_with('-'), |schema| i64::from(SCHEMA) < schema);
    let advice = if newer {
        "it is newer; a newer version of this program reads it"
    } else {
        "there has never been such a schema"
    };
    format!("`schema` is {digits}, this version reads 1 to {SCHEMA}: {advice}")
}

/// Refuses `nan`, `inf` and numbers beyond the range of `f64`.
fn check_finite(text: &str, tree: &DeTable<'_>) -> Result<(), FormatError> {
    let mut bad = None;
    walk(tree, &mut |path, start, value| {
        if let Some(DeValue::Float(float)) = value
            && bad.is_none()
            && !float.as_str().parse::<f64>().is_ok_and(f64::is_finite)
        {
            bad = Some((start, format!("`{path}` is {}, which is not a finite number", float.as_str())));
        }
    });
    bad.map_or(Ok(()), |(start, message)| {
        Err(FormatError { position: Some(Position::of_byte(text, start)), message })
    })
}

/// An error of the TOML reader with its place, and with the path that leads there.
fn refused(text: &str, error: &toml::de::Error, tree: Option<&DeTable<'_>>) -> FormatError {
    let offset = error.span().map_or(0, |span| span.start);
    let mut nearest: Option<(usize, String)> = None;
    if let Some(tree) = tree {
        walk(tree, &mut |path, start, _| {
            if start <= offset && nearest.as_ref().is_none_or(|(best, _)| *best <= start) {
                nearest = Some((start, path.to_owned()));
            }
        });
    }
    // Some messages of the reader span lines; ours are one line.
    let message = error.message().trim().replace('\n', "; ");
    let message = match nearest {
        Some((_, path)) => format!("{message} (at `{path}`)"),
        None => message,
    };
    FormatError { position: Some(Position::of_byte(text, offset)), message }
}

/// Shows every key and every value with its path and the byte where it starts; keys come without a value.
fn walk(table: &DeTable<'_>, show: &mut impl FnMut(&str, usize, Option<&DeValue<'_>>)) {
    walk_table(table, "", show);
}

fn walk_table(table: &DeTable<'_>, path: &str, show: &mut impl FnMut(&str, usize, Option<&DeValue<'_>>)) {
    for (key, value) in table {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", key.get_ref());
        show(&path, key.span().start, None);
        walk_value(value, &path, show);
    }
}

fn walk_value(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    show: &mut impl FnMut(&str, usize, Option<&DeValue<'_>>),
) {
    show(path, value.span().start, Some(value.get_ref()));
    match value.get_ref() {
        DeValue::Table(table) => walk_table(table, path, show),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk_value(item, &format!("{path}[{index}]"), show);
            }
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}
