//! A YAML document as a tree that remembers where everything stood.
//!
//! Open-RMF writes a small part of YAML. Anchors, aliases, tags, several documents and duplicate keys have no
//! meaning there and are refused, so a few bytes of input never become many in memory. Scalars keep their spelling:
//! a vertex called `3.10` stays `3.10`, and only the reader that wants a number makes one of it.

use std::{collections::BTreeSet, fmt};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::{
    format::Position,
    import::{ImportError, tree as import},
};

use super::{ImportReport, RmfError, RmfProblem};

/// The largest text that is read: forty times the largest public map.
const BYTES_MAX: usize = 16 << 20;
/// The deepest nesting that is read; a building file needs eight.
const DEPTH_MAX: usize = 32;
/// The most values that are read; the largest public map has 40 000.
const NODES_MAX: usize = 1_000_000;
/// The longest path that an error or a report repeats.
const PATH_CHARS_MAX: usize = 400;

/// A value and where it stood.
#[derive(Debug)]
pub(super) struct Node {
    position: Position,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Scalar { text: String, plain: bool },
    Seq(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Reads the one document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, RmfError> {
    if BYTES_MAX < text.len() {
        return Err(file_error(
            RmfProblem::TooLarge { bytes: text.len(), limit: BYTES_MAX },
            Position::START,
        ));
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        builder.take(event, position(&span))?;
    }
    builder.root.ok_or_else(|| file_error(RmfProblem::Empty, Position::START))
}

/// The one document of `text` as the tree that all other importers read.
pub(crate) fn common(text: &str) -> Result<import::Node, ImportError> {
    Ok(convert(parse(text)?))
}

/// The tree's depth is bounded, and so is this recursion.
fn convert(node: Node) -> import::Node {
    let value = match node.value {
        Value::Scalar { text, plain: true } => import::Value::Plain(text),
        Value::Scalar { text, plain: false } => import::Value::Text(text),
        Value::Seq(items) => import::Value::Seq(items.into_iter().map(convert).collect()),
        Value::Map(entries) => {
            import::Value::Map(entries.into_iter().map(|(key, node)| (key, convert(node))).collect())
        }
    };
    import::Node::new(node.position, value)
}

fn file_error(problem: RmfProblem, position: Position) -> RmfError {
    RmfError { position, element: String::new(), problem }
}

fn syntax(error: &ScanError) -> RmfError {
    let marker = error.marker();
    let position =
        Position { line: saturate(marker.line()), column: saturate(marker.col().saturating_add(1)) };
    file_error(RmfProblem::Syntax { message: error.info() }, position)
}

fn position(span: &Span) -> Position {
    Position { line: saturate(span.start.line()), column: saturate(span.start.col().saturating_add(1)) }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Builds the tree from events without recursion.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

/// A collection whose end has not been seen.
struct Open {
    position: Position,
    kind: OpenKind,
}

enum OpenKind {
    Seq(Vec<Node>),
    Map { entries: Vec<(String, Node)>, seen: BTreeSet<String>, key: Option<String> },
}

impl Builder {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is open, the rest are no nodes")]
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), RmfError> {
        match event {
            Event::Scalar(_, _, anchor, tag) if 0 < anchor || tag.is_some() => {
                self.unsupported(at, "a tag or anchor")
            }
            Event::SequenceStart(_, anchor, tag) | Event::MappingStart(_, anchor, tag)
                if 0 < anchor || tag.is_some() =>
            {
                self.unsupported(at, "a tag or anchor")
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.unsupported(at, "an alias"),
            Event::DocumentStart(..) if self.root.is_some() => self.unsupported(at, "a second document"),
            Event::Scalar(text, style, ..) => {
                let plain = matches!(style, ScalarStyle::Plain);
                self.add(Node { position: at, value: Value::Scalar { text: text.into_owned(), plain } })
            }
            Event::SequenceStart(..) => self.push(Open { position: at, kind: OpenKind::Seq(Vec::new()) }),
            Event::MappingStart(..) => {
                let kind = OpenKind::Map { entries: Vec::new(), seen: BTreeSet::new(), key: None };
                self.push(Open { position: at, kind })
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(),
            _ => Ok(()),
        }
    }

    fn unsupported(&self, position: Position, what: &'static str) -> Result<(), RmfError> {
        Err(RmfError { position, element: self.path(), problem: RmfProblem::Unsupported { what } })
    }

    fn push(&mut self, open: Open) -> Result<(), RmfError> {
        if DEPTH_MAX <= self.open.len() {
            let problem = RmfProblem::TooDeep { limit: DEPTH_MAX };
            return Err(RmfError { position: open.position, element: self.path(), problem });
        }
        self.open.push(open);
        Ok(())
    }

    fn pop(&mut self) -> Result<(), RmfError> {
        let Some(Open { position, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            OpenKind::Seq(items) => Value::Seq(items),
            OpenKind::Map { entries, .. } => Value::Map(entries),
        };
        self.add(Node { position, value })
    }

    fn add(&mut self, node: Node) -> Result<(), RmfError> {
        let position = node.position;
        self.nodes += 1;
        if NODES_MAX < self.nodes {
            return Err(file_error(RmfProblem::TooMany { limit: NODES_MAX }, position));
        }
        let problem = match self.open.last_mut().map(|open| &mut open.kind) {
            None => {
                self.root = Some(node);
                return Ok(());
            }
            Some(OpenKind::Seq(items)) => {
                items.push(node);
                return Ok(());
            }
            Some(OpenKind::Map { entries, seen, key }) => match (key.take(), node.value) {
                (Some(name), value) => {
                    entries.push((name, Node { position, value }));
                    return Ok(());
                }
                (None, Value::Scalar { text, .. }) => {
                    if seen.insert(text.clone()) {
                        *key = Some(text);
                        return Ok(());
                    }
                    RmfProblem::Duplicate { what: "key", value: text }
                }
                (None, Value::Seq(_) | Value::Map(_)) => {
                    RmfProblem::Unsupported { what: "a key that is not a word" }
                }
            },
        };
        Err(RmfError { position, element: self.path(), problem })
    }

    /// Path of the collection being read.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            match &open.kind {
                OpenKind::Seq(items) => path = format!("{path}[{}]", items.len()),
                OpenKind::Map { key: Some(key), .. } => path = join(&path, key),
                OpenKind::Map { key: None, .. } => {}
            }
        }
        path
    }
}

fn join(path: &str, key: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    let mut joined = format!("{path}{dot}{key}");
    if let Some((end, _)) = joined.char_indices().nth(PATH_CHARS_MAX) {
        joined.truncate(end);
        joined.push('…');
    }
    joined
}

/// A node and the path that leads to it.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    node: &'a Node,
    path: String,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl<'a> At<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// An error about this node.
    pub(super) fn error(&self, problem: RmfProblem) -> RmfError {
        RmfError { position: self.node.position, element: self.path.clone(), problem }
    }

    fn wrong(&self, expected: &'static str) -> RmfError {
        self.error(RmfProblem::WrongType { expected, found: self.describe() })
    }

    fn describe(&self) -> String {
        match &self.node.value {
            Value::Scalar { text, .. } => format!("{:?}", shorten(text)),
            Value::Seq(items) => format!("a list of {}", items.len()),
            Value::Map(entries) => format!("a map of {}", entries.len()),
        }
    }

    /// Whether there is nothing here: null, an empty text, list or map.
    pub(super) fn is_nothing(&self) -> bool {
        match &self.node.value {
            Value::Scalar { text, plain } => {
                text.is_empty() || *plain && matches!(text.as_str(), "~" | "null")
            }
            Value::Seq(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
        }
    }

    /// The items of a list; null and `{}` are empty lists, as the editor writes them.
    pub(super) fn items(&self) -> Result<Vec<Self>, RmfError> {
        match &self.node.value {
            Value::Seq(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, node)| Self { node, path: format!("{}[{index}]", self.path) })
                .collect()),
            Value::Scalar { .. } | Value::Map(_) if self.is_nothing() => Ok(Vec::new()),
            Value::Scalar { .. } | Value::Map(_) => Err(self.wrong("a list")),
        }
    }

    /// The entries of a map in file order; null and `[]` are empty maps.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, RmfError> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Map(entries) => Ok(entries
                .iter()
                .map(|(key, node)| (key.as_str(), Self { node, path: join(&self.path, key) }))
                .collect()),
            Value::Scalar { .. } | Value::Seq(_) if self.is_nothing() => Ok(Vec::new()),
            Value::Scalar { .. } | Value::Seq(_) => Err(self.wrong("a map")),
        }
    }

    /// The map as fields to be taken one by one.
    pub(super) fn fields(&self) -> Result<Fields<'a>, RmfError> {
        let entries = self.entries()?.into_iter().map(|(key, at)| (key, Some(at))).collect();
        Ok(Fields { at: self.clone(), entries })
    }

    /// The text as it was spelled; null is the empty text.
    pub(super) fn text(&self) -> Result<&'a str, RmfError> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Scalar { .. } if self.is_nothing() => Ok(""),
            Value::Scalar { text, .. } => Ok(text),
            Value::Seq(_) | Value::Map(_) => Err(self.wrong("a text")),
        }
    }

    fn plain(&self) -> Option<&'a str> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Scalar { text, plain: true } => Some(text),
            Value::Scalar { plain: false, .. } | Value::Seq(_) | Value::Map(_) => None,
        }
    }

    /// A finite number.
    pub(super) fn number(&self) -> Result<f64, RmfError> {
        let text = self.plain().ok_or_else(|| self.wrong("a number"))?;
        let bare = text.trim_start_matches(['-', '+']);
        if matches!(bare.to_ascii_lowercase().as_str(), ".inf" | "inf" | "infinity" | ".nan" | "nan") {
            return Err(self.error(RmfProblem::NotFinite { value: text.to_owned() }));
        }
        let number: f64 = text.parse().map_err(|_| self.wrong("a number"))?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(self.error(RmfProblem::NotFinite { value: shorten(text) }))
        }
    }

    pub(super) fn integer(&self) -> Result<i64, RmfError> {
        self.plain().and_then(|text| text.parse().ok()).ok_or_else(|| self.wrong("an integer"))
    }

    /// An index into the `count` vertices of a level.
    pub(super) fn vertex(&self, count: usize) -> Result<usize, RmfError> {
        let index = self.integer()?;
        match usize::try_from(index) {
            Ok(vertex) if vertex < count => Ok(vertex),
            Ok(_) | Err(_) => Err(self.error(RmfProblem::NoSuchVertex { index, count })),
        }
    }

    fn flag(&self) -> Result<bool, RmfError> {
        match self.plain() {
            Some("true" | "True" | "TRUE") => Ok(true),
            Some("false" | "False" | "FALSE") => Ok(false),
            Some(_) | None => Err(self.wrong("true or false")),
        }
    }

    /// Splits a typed parameter `[type, value]` into its type's number and its value.
    fn typed(&self) -> Result<(i64, Self), RmfError> {
        match self.items().unwrap_or_default().as_slice() {
            [kind, value] => Ok((kind.integer()?, value.clone())),
            _ => Err(self.wrong("a parameter [type, value]")),
        }
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The fields of a map. What nobody takes is counted in the report.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    at: At<'a>,
    entries: Vec<(&'a str, Option<At<'a>>)>,
}

const STRING: i64 = 1;
const INTEGER: i64 = 2;
const DOUBLE: i64 = 3;
const BOOL: i64 = 4;

impl<'a> Fields<'a> {
    /// The map itself.
    pub(super) fn at(&self) -> &At<'a> {
        &self.at
    }

    /// Whether the field `key` is there and not taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, at)| *name == key && at.is_some())
    }

    /// The field `key`, unless it is absent or null.
    pub(super) fn take(&mut self, key: &str) -> Option<At<'a>> {
        let (_, slot) = self.entries.iter_mut().find(|(name, _)| *name == key)?;
        slot.take().filter(|at| !matches!(&at.node.value, Value::Scalar { .. } if at.is_nothing()))
    }

    pub(super) fn need(&mut self, key: &'static str) -> Result<At<'a>, RmfError> {
        self.take(key).ok_or_else(|| self.at.error(RmfProblem::Missing { field: key }))
    }

    /// The items of the list `key`; none when it is absent.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<At<'a>>, RmfError> {
        self.take(key).map_or_else(|| Ok(Vec::new()), |at| at.items())
    }

    /// The typed text `key`; empty when it is absent.
    pub(super) fn string_param(&mut self, key: &str) -> Result<&'a str, RmfError> {
        let Some((kind, value)) = self.param(key)? else { return Ok("") };
        if kind == STRING {
            value.text()
        } else {
            Err(value.error(RmfProblem::WrongParam { kind, expected: STRING }))
        }
    }

    pub(super) fn integer_param(&mut self, key: &str) -> Result<Option<i64>, RmfError> {
        match self.param(key)? {
            None => Ok(None),
            Some((INTEGER, value)) => value.integer().map(Some),
            Some((kind, value)) => Err(value.error(RmfProblem::WrongParam { kind, expected: INTEGER })),
        }
    }

    /// The typed number `key`; the editor writes whole doubles without a point, some tools call them integers.
    pub(super) fn number_param(&mut self, key: &str) -> Result<Option<f64>, RmfError> {
        match self.param(key)? {
            None => Ok(None),
            Some((DOUBLE | INTEGER, value)) => value.number().map(Some),
            Some((kind, value)) => Err(value.error(RmfProblem::WrongParam { kind, expected: DOUBLE })),
        }
    }

    /// The typed flag `key`, also when it is coded as an integer; `false` when it is absent.
    pub(super) fn flag_param(&mut self, key: &str) -> Result<bool, RmfError> {
        match self.param(key)? {
            None => Ok(false),
            Some((BOOL, value)) => value.flag(),
            Some((INTEGER, value)) => match value.integer()? {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err(value.wrong("0 or 1")),
            },
            Some((kind, value)) => Err(value.error(RmfProblem::WrongParam { kind, expected: BOOL })),
        }
    }

    fn param(&mut self, key: &str) -> Result<Option<(i64, At<'a>)>, RmfError> {
        match self.take(key) {
            None => Ok(None),
            // Type 0 is "undefined": the parameter is there and says nothing.
            Some(at) => at.typed().map(|(kind, value)| (0 < kind || kind < 0).then_some((kind, value))),
        }
    }

    /// Counts what nobody took and what says something.
    pub(super) fn leave(self, report: &mut ImportReport) {
        for (_, at) in self.entries {
            if let Some(at) = at
                && !at.says_nothing()
            {
                report.drop_one(&at);
            }
        }
    }
}

impl At<'_> {
    /// Whether dropping this loses nothing: it is empty, or a typed parameter with an empty value.
    fn says_nothing(&self) -> bool {
        self.is_nothing()
            || self.typed().is_ok_and(|(_, value)| value.is_nothing() || value.plain() == Some("false"))
    }

    /// How many things are here: the items of a list, otherwise one.
    pub(super) fn count(&self) -> usize {
        match &self.node.value {
            Value::Seq(items) if items.iter().all(|item| !matches!(item.value, Value::Scalar { .. })) => {
                items.len()
            }
            Value::Scalar { .. } | Value::Seq(_) | Value::Map(_) => 1,
        }
    }
}
