//! XML as a tree with positions: attributes and child elements are entries of one map, children as lists by their name.
//!
//! Document type declarations are refused, so no entity makes many bytes of few.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::format::Position;

use super::{
    ImportError, ImportProblem,
    json::advance,
    tree::{BYTES_MAX, DEPTH_MAX, Keys, NODES_MAX, Node, Value, shorten},
};

/// The deepest nesting that reaches the parser. It is a bound on its stack, far above what a map needs.
const PARSER_DEPTH_MAX: usize = 256;
/// The most attributes of an element that reach the parser.
const ATTRIBUTES_MAX: usize = 1_000;

/// Reads the root element of `text` and gives its name.
pub(crate) fn parse(text: &str) -> Result<(String, Node), ImportError> {
    if BYTES_MAX < text.len() {
        let problem = ImportProblem::TooLarge { bytes: text.len(), limit: BYTES_MAX };
        return Err(ImportError::of_file(problem));
    }
    check_shape(text)?;
    let options = roxmltree::ParsingOptions {
        nodes_limit: u32::try_from(NODES_MAX).unwrap_or(u32::MAX),
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        let message = error.to_string();
        // The parser repeats the position at the end of its message.
        let message = message.rsplit_once(" at ").map_or(message.as_str(), |(message, _)| message).to_owned();
        ImportError {
            position: Some(Position { line: at.row, column: at.col }),
            element: String::new(),
            problem: ImportProblem::Syntax { message },
        }
    })?;
    let root = document.root_element();
    let mut reader = Reader { text, offset: 0, position: Position::START, nodes: 0 };
    Ok((root.tag_name().name().to_owned(), reader.element(root, 0)?))
}

/// Counts opening and closing tags, roughly but never too few levels, and attributes. Linear in the text.
fn check_shape(text: &str) -> Result<(), ImportError> {
    let (mut depth, mut rest) = (0_usize, text);
    while let Some((_, after)) = rest.split_once('<') {
        // No value holds the sign that opens a tag.
        let tag = after.split('<').next().unwrap_or(after);
        if after.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !after.starts_with(['?', '!']) {
            let end = tag.split_once('>').map_or(tag, |(tag, _)| tag);
            depth += usize::from(!end.ends_with('/'));
            // The parser compares every attribute of an element with all others.
            if ATTRIBUTES_MAX < tag.matches('=').count() {
                let what = "attributes of one element";
                return Err(ImportError::of_file(ImportProblem::TooMany { what, limit: ATTRIBUTES_MAX }));
            }
        }
        if PARSER_DEPTH_MAX < depth {
            return Err(ImportError::of_file(ImportProblem::TooDeep { limit: DEPTH_MAX }));
        }
        rest = after;
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    /// How far the position has come.
    offset: usize,
    position: Position,
    nodes: usize,
}

impl Reader<'_> {
    fn element(&mut self, element: roxmltree::Node<'_, '_>, depth: usize) -> Result<Node, ImportError> {
        let position = self.seek(element.range().start);
        self.count(position)?;
        if DEPTH_MAX <= depth {
            return Err(error(position, ImportProblem::TooDeep { limit: DEPTH_MAX }));
        }
        let mut entries = Entries::default();
        for attribute in element.attributes() {
            self.count(position)?;
            let value = Value::Plain(attribute.value().into());
            entries.add(attribute.name(), Node::new(position, value))?;
        }
        let (mut lists, mut index) = (Vec::<(&str, Vec<Node>)>::new(), BTreeMap::new());
        let mut push = |name, node| {
            let at = *index.entry(name).or_insert(lists.len());
            match lists.get_mut(at) {
                Some((_, list)) => list.push(node),
                None => lists.push((name, vec![node])),
            }
        };
        for child in element.children() {
            if child.is_element() {
                let name = child.tag_name().name();
                push(name, self.element(child, depth + 1)?);
            } else if child.is_text()
                && let Some(text) = child.text()
                && !text.trim().is_empty()
            {
                self.count(position)?;
                push("#text", Node::new(position, Value::Text(text.into())));
            }
        }
        for (name, list) in lists {
            entries.add(name, Node::new(position, Value::Seq(list)))?;
        }
        Ok(Node::new(position, Value::Map(entries.list)))
    }

    fn count(&mut self, position: Position) -> Result<(), ImportError> {
        self.nodes += 1;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(error(position, ImportProblem::TooMany { what: "values", limit: NODES_MAX }))
    }

    /// The place of a byte; elements come in the order of the text.
    fn seek(&mut self, offset: usize) -> Position {
        if let Some(skipped) = self.text.get(self.offset..offset) {
            self.position = advance(self.position, skipped);
            self.offset = offset;
        }
        self.position
    }
}

/// Entries of a map in file order, no two of one name.
#[derive(Default)]
struct Entries {
    list: Vec<(SmolStr, Node)>,
    names: Keys,
}

impl Entries {
    fn add(&mut self, name: &str, node: Node) -> Result<(), ImportError> {
        let name = SmolStr::new(name);
        if !self.names.is_new(&self.list, &name) {
            let problem = ImportProblem::Duplicate { what: "attribute or element", value: shorten(&name) };
            return Err(ImportError::of_file(problem));
        }
        self.list.push((name, node));
        Ok(())
    }
}

fn error(position: Position, problem: ImportProblem) -> ImportError {
    ImportError { position: Some(position), element: String::new(), problem }
}
