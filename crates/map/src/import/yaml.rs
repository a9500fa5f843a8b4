//! YAML as a tree with positions.
//!
//! Robots' maps use a small part of YAML. Anchors, aliases, tags, several documents and duplicate keys have no meaning
//! there and are refused, so a few bytes of input never become many in memory. Scalars keep their spelling: a vertex
//! called `3.10` stays `3.10`.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use smol_str::SmolStr;

use crate::format::Position;

use super::{
    ImportError, ImportProblem,
    tree::{BYTES_MAX, Keys, NODES_MAX, Node, Value, join, shorten},
};

/// The deepest nesting that is read; a building file needs eight.
const DEPTH_MAX: usize = 32;

/// Reads the one document of `text`. Linear in it.
pub(crate) fn parse(text: &str) -> Result<Node, ImportError> {
    if BYTES_MAX < text.len() {
        let problem = ImportProblem::TooLarge { bytes: text.len(), limit: BYTES_MAX };
        return Err(file_error(problem, Position::START));
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        builder.take(event, position(&span))?;
    }
    builder.root.ok_or_else(|| file_error(ImportProblem::Missing { field: "a document" }, Position::START))
}

fn file_error(problem: ImportProblem, position: Position) -> ImportError {
    ImportError { position: Some(position), element: String::new(), problem }
}

fn syntax(error: &ScanError) -> ImportError {
    let marker = error.marker();
    let position =
        Position { line: saturate(marker.line()), column: saturate(marker.col().saturating_add(1)) };
    file_error(ImportProblem::Syntax { message: error.info() }, position)
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
    Map { entries: Vec<(SmolStr, Node)>, seen: Keys, key: Option<SmolStr> },
}

impl Builder {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is open, the rest are no nodes")]
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), ImportError> {
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
                let text = SmolStr::new(text);
                let value =
                    if matches!(style, ScalarStyle::Plain) { Value::Plain(text) } else { Value::Text(text) };
                self.add(at, value)
            }
            Event::SequenceStart(..) => self.push(Open { position: at, kind: OpenKind::Seq(Vec::new()) }),
            Event::MappingStart(..) => {
                let kind = OpenKind::Map { entries: Vec::new(), seen: Keys::default(), key: None };
                self.push(Open { position: at, kind })
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(),
            _ => Ok(()),
        }
    }

    fn unsupported(&self, position: Position, what: &'static str) -> Result<(), ImportError> {
        let problem = ImportProblem::Unsupported { what };
        Err(ImportError { position: Some(position), element: self.path(), problem })
    }

    fn push(&mut self, open: Open) -> Result<(), ImportError> {
        if DEPTH_MAX <= self.open.len() {
            let problem = ImportProblem::TooDeep { limit: DEPTH_MAX };
            return Err(ImportError { position: Some(open.position), element: self.path(), problem });
        }
        self.open.push(open);
        Ok(())
    }

    fn pop(&mut self) -> Result<(), ImportError> {
        let Some(Open { position, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            OpenKind::Seq(items) => Value::Seq(items),
            OpenKind::Map { entries, .. } => Value::Map(entries),
        };
        self.add(position, value)
    }

    fn add(&mut self, position: Position, value: Value) -> Result<(), ImportError> {
        self.nodes += 1;
        if NODES_MAX < self.nodes {
            return Err(file_error(ImportProblem::TooMany { what: "values", limit: NODES_MAX }, position));
        }
        let problem = match self.open.last_mut().map(|open| &mut open.kind) {
            None => {
                self.root = Some(Node::new(position, value));
                return Ok(());
            }
            Some(OpenKind::Seq(items)) => {
                items.push(Node::new(position, value));
                return Ok(());
            }
            Some(OpenKind::Map { entries, seen, key }) => match (key.take(), value) {
                (Some(name), value) => {
                    entries.push((name, Node::new(position, value)));
                    return Ok(());
                }
                (None, Value::Text(text) | Value::Plain(text)) => {
                    if seen.is_new(entries, &text) {
                        *key = Some(text);
                        return Ok(());
                    }
                    ImportProblem::Duplicate { what: "key", value: shorten(&text) }
                }
                (None, Value::Seq(_) | Value::Map(_)) => {
                    ImportProblem::Unsupported { what: "a key that is not a word" }
                }
            },
        };
        Err(ImportError { position: Some(position), element: self.path(), problem })
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
