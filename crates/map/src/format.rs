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
    de::{DeArray, DeTable, DeValue},
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

/// How many faults of a text are looked for.
const FAULTS_MAX: usize = 20;

/// Why a text is not a site, or a site cannot be written: one fault for each element that has one, in the order in
/// which they were found.
///
/// What nothing can be read behind, such as a wrong schema, stands alone; after twenty faults nobody looks further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FormatError {
    /// At least one.
    pub faults: Vec<FormatFault>,
}

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatFault {
    /// Where in the text; `None` when a site could not be written, and for all but the first fault of a JSON text.
    pub position: Option<Position>,
    /// What is wrong: the field and its value.
    pub message: String,
}

impl fmt::Display for FormatError {
    /// One line for each fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.faults.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { "\n" })?;
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for FormatFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{position}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl From<FormatFault> for FormatError {
    fn from(fault: FormatFault) -> Self {
        Self { faults: vec![fault] }
    }
}

impl FormatFault {
    fn at(position: Position, message: String) -> Self {
        Self { position: Some(position), message }
    }

    fn unwritable(message: String) -> Self {
        Self { position: None, message }
    }
}

impl Site {
    /// Reads a site from TOML. Linear in the text, for each fault that it has.
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
        let parse = || DeTable::parse(text).map_err(|error| refused(text, &error, None).0);
        let tree = parse()?;
        check_schema(text, tree.get_ref())?;
        let mut faults = not_finite(text, tree.get_ref());
        let read = |tree| Self::deserialize(toml::Deserializer::from(tree));
        match (read(tree), faults.is_empty()) {
            (Ok(site), true) => return Ok(site.migrated()),
            (Ok(_), false) => return Err(FormatError { faults }),
            (Err(_), _) => {}
        }
        // Read again without each element that was refused, until the rest is a site.
        let mut left_out: Vec<Element> = Vec::new();
        while faults.len() < FAULTS_MAX {
            let mut tree = parse()?;
            for element in &left_out {
                element.leave_out(tree.get_mut());
            }
            let Err(error) = read(tree) else { break };
            let (fault, element) = refused(text, &error, Some(parse()?.get_ref()));
            // A number that is not finite has been found before.
            if !faults.iter().any(|known| known.position == fault.position) {
                faults.push(fault);
            }
            match element {
                Some(element) if !left_out.contains(&element) => {
                    // The last one first, so that the numbers of the others stay what they are.
                    let at = left_out.partition_point(|other| element < *other);
                    left_out.insert(at, element);
                }
                Some(_) | None => break,
            }
        }
        faults.sort_by_key(|fault| fault.position);
        Err(FormatError { faults })
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
            FormatFault::at(position, message.to_owned())
        };
        let head: Head = serde_json::from_str(text).map_err(|error| refused(&error))?;
        let at_start = |message| FormatFault::at(Position::START, message);
        let number = head.schema.ok_or_else(|| at_start(missing_schema()))?.to_string();
        if !is_readable(number.parse().ok()) {
            return Err(at_start(schema_message(&number)).into());
        }
        serde_json::from_str(text).map(Self::migrated).map_err(|error| {
            let first = refused(&error);
            let mut others = serde_json::from_str(text).as_ref().map_or_else(|_| Vec::new(), json_faults);
            // One of these is the one that stopped the reader, and it has its place already. Where several look like it,
            // nobody knows which.
            let stopped = format!("{} (at ", first.message);
            let is_first = |fault: &FormatFault| fault.message.starts_with(&stopped);
            if others.iter().filter(|fault| is_first(fault)).count() == 1 {
                others.retain(|fault| !is_first(fault));
            }
            let mut faults = vec![first];
            faults.append(&mut others);
            FormatError { faults }
        })
    }

    /// Writes the site as JSON that [`Site::from_json`] reads back as the same site.
    ///
    /// # Errors
    /// [`FormatError`] without a position when a number is not finite or the schema is not [`SCHEMA`].
    pub fn to_json(&self) -> Result<String, FormatError> {
        // TOML has words for what is not finite, JSON would say `null`.
        self.to_toml()?;
        serde_json::to_string_pretty(self).map_err(|error| FormatFault::unwritable(error.to_string()).into())
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
        // Two may have the same ends; what they say beside that decides between them.
        self.walls.sort_by_cached_key(written);
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
        self.lanes.sort_by_cached_key(written);
        self.lanes.sort_by(|a, b| (&a.from, &a.to, &a.roadmap).cmp(&(&b.from, &b.to, &b.roadmap)));
        self.stations.sort_by(|a, b| a.id.cmp(&b.id));
        self.zones.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Writes the site as TOML that [`Site::from_toml`] reads back as the same site.
    ///
    /// # Errors
    /// [`FormatError`] without a position when a number is not finite or the schema is not [`SCHEMA`].
    pub fn to_toml(&self) -> Result<String, FormatError> {
        let unwritable = FormatFault::unwritable;
        if self.schema != SCHEMA {
            return Err(unwritable(schema_message(&i64::from(self.schema).to_string())).into());
        }
        let text = toml::to_string(self).map_err(|error| unwritable(error.to_string()))?;
        let tree = DeTable::parse(&text).map_err(|error| unwritable(error.message().to_owned()))?;
        let faults = not_finite(&text, tree.get_ref());
        if faults.is_empty() {
            return Ok(text);
        }
        Err(FormatError { faults: faults.into_iter().map(|fault| unwritable(fault.message)).collect() })
    }
}

/// JSON with one zero: the negative one is written as the positive one.
struct OneZero;

impl Formatter for OneZero {
    fn write_f64<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, value: f64) -> std::io::Result<()> {
        CompactFormatter.write_f64(writer, value + 0.0)
    }
}

/// An element as a text.
fn written(element: &impl Serialize) -> String {
    serde_json::to_string(element).unwrap_or_default()
}

fn is_readable(schema: Option<u32>) -> bool {
    schema.is_some_and(|schema| (1..=SCHEMA).contains(&schema))
}

fn missing_schema() -> String {
    format!("missing field `schema`: a site begins with `schema = {SCHEMA}`")
}

fn check_schema(text: &str, tree: &DeTable<'_>) -> Result<(), FormatFault> {
    let Some(schema) = tree.get("schema") else {
        return Err(FormatFault::at(Position::START, missing_schema()));
    };
    let number = schema.get_ref().as_integer().map(|integer| (integer.as_str(), integer.radix()));
    if is_readable(number.and_then(|(digits, radix)| u32::from_str_radix(digits, radix).ok())) {
        return Ok(());
    }
    let message = match number {
        Some((digits, 10)) => schema_message(digits),
        Some(_) | None => format!("`schema` must be a number, {SCHEMA} for a new site"),
    };
    Err(FormatFault::at(Position::of_byte(text, schema.span().start), message))
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

/// Every `nan`, `inf` and number beyond the range of `f64`.
fn not_finite(text: &str, tree: &DeTable<'_>) -> Vec<FormatFault> {
    let mut faults = Vec::new();
    walk(tree, &mut |path, start, value| {
        if let Some(DeValue::Float(float)) = value
            && faults.len() < FAULTS_MAX
            && !float.as_str().parse::<f64>().is_ok_and(f64::is_finite)
        {
            let message = format!("`{path}` is {}, which is not a finite number", float.as_str());
            faults.push(FormatFault::at(Position::of_byte(text, start), message));
        }
    });
    faults
}

/// An entry of a table of the site, such as the third room, or a field of the site that is no table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Element {
    /// First, so that the last entries sort last.
    number: Option<usize>,
    table: String,
}

impl Element {
    /// The element that a path such as `room[2].polygon[0]` leads into; `None` for what no site can do without.
    fn of_path(path: &str) -> Option<Self> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (table, rest) = path.split_at_checked(end)?;
        let number = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')?.0.parse().ok());
        (!["schema", "name"].contains(&table)).then(|| Self { number, table: table.to_owned() })
    }

    fn leave_out(&self, tree: &mut DeTable<'_>) {
        let Some(number) = self.number else {
            tree.remove(self.table.as_str());
            return;
        };
        if let Some(DeValue::Array(items)) = tree.get_mut(self.table.as_str()).map(Spanned::get_mut) {
            let all = std::mem::replace(items, DeArray::new()).into_iter().enumerate();
            *items = all.filter(|(other, _)| *other != number).map(|(_, item)| item).collect();
        }
    }
}

/// An error of the TOML reader with its place and the path that leads there, and the element in which it is.
fn refused(
    text: &str,
    error: &toml::de::Error,
    tree: Option<&DeTable<'_>>,
) -> (FormatFault, Option<Element>) {
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
    let (message, element) = match nearest {
        Some((_, path)) => (format!("{message} (at `{path}`)"), Element::of_path(&path)),
        None => (message, None),
    };
    (FormatFault::at(Position::of_byte(text, offset), message), element)
}

/// What is wrong with each element of a JSON text, by its path.
fn json_faults(site: &serde_json::Value) -> Vec<FormatFault> {
    let tables = site.as_object().into_iter().flatten();
    let elements = tables.flat_map(|(table, value)| {
        value
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(move |(number, element)| (table, number, element))
    });
    let fault = |(table, number, element): (&String, usize, &serde_json::Value)| {
        let alone = serde_json::json!({ "schema": SCHEMA, "name": "", table: [element] });
        let error = Site::deserialize(alone).err()?;
        Some(FormatFault { position: None, message: format!("{error} (at `{table}[{number}]`)") })
    };
    elements.filter_map(fault).take(FAULTS_MAX).collect()
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
