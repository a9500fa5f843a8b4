//! A file as a tree that remembers where everything stood and what was read of it.
//!
//! JSON, YAML and XML become the same tree. Scalars keep their spelling; only the reader that wants a number makes one
//! of it. Reading a scalar marks it, so that the report can count what nobody read.

use std::{
    cell::Cell,
    collections::BTreeSet,
    fmt::{self, Write as _},
};

use smol_str::SmolStr;

use crate::format::Position;

use super::{ImportError, ImportProblem, ImportReport, ImportWarning};

/// The largest text that is read.
pub(crate) const BYTES_MAX: usize = 16 << 20;
/// The deepest nesting that is read.
pub(crate) const DEPTH_MAX: usize = 48;
/// The most values that are read.
pub(crate) const NODES_MAX: usize = 1_000_000;
/// The longest path that an error repeats, in characters.
const PATH_CHARS_MAX: usize = 400;

/// A value, where it stood, and whether somebody read it.
#[derive(Debug)]
pub(crate) struct Node {
    position: Position,
    used: Cell<Use>,
    /// Whether somebody looked for entries in it by their names.
    open: Cell<bool>,
    pub(crate) value: Value,
}

/// What became of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Unread,
    Read,
    Implied,
}

#[derive(Debug)]
pub(crate) enum Value {
    /// A text, in quotes where the format has them.
    Text(SmolStr),
    /// A number, a word or null, as spelled.
    Plain(SmolStr),
    Seq(Vec<Node>),
    Map(Vec<(SmolStr, Node)>),
}

/// The keys of a map's entries, to find one that comes twice. Few of them are compared one by one.
#[derive(Default)]
pub(super) struct Keys(BTreeSet<SmolStr>);

impl Keys {
    /// The most entries that are looked through.
    const FEW: usize = 12;

    /// Whether no entry has the key, which is the next one's.
    pub(super) fn is_new(&mut self, entries: &[(SmolStr, Node)], key: &SmolStr) -> bool {
        if entries.len() <= Self::FEW {
            return entries.iter().all(|(name, _)| name != key);
        }
        if self.0.is_empty() {
            self.0.extend(entries.iter().map(|(name, _)| name.clone()));
        }
        self.0.insert(key.clone())
    }
}

impl Node {
    pub(crate) fn new(position: Position, value: Value) -> Self {
        Self { position, used: Cell::new(Use::Unread), open: Cell::new(false), value }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.get()
    }

    pub(super) fn used(&self) -> Use {
        self.used.get()
    }

    /// The tree's depth is bounded, and so is this recursion.
    fn mark_all(&self, used: Use) {
        self.used.set(used);
        match &self.value {
            Value::Text(_) | Value::Plain(_) => {}
            Value::Seq(items) => {
                for node in items {
                    node.mark_all(used);
                }
            }
            Value::Map(entries) => {
                for (_, node) in entries {
                    node.mark_all(used);
                }
            }
        }
    }

    /// Whether it is a scalar of which a report says nothing: somebody read it, or it is null.
    pub(super) fn is_settled(&self) -> bool {
        match &self.value {
            Value::Text(_) => self.used.get() == Use::Read,
            Value::Plain(text) => match self.used.get() {
                Use::Read => true,
                Use::Unread => is_null(text),
                Use::Implied => false,
            },
            Value::Seq(_) | Value::Map(_) => false,
        }
    }

    /// How many scalars it has if nobody read any of them; `None` when somebody did. Null says nothing.
    pub(super) fn unread(&self) -> Option<usize> {
        match &self.value {
            Value::Plain(text) if is_null(text) => Some(0),
            Value::Text(_) | Value::Plain(_) => (self.used.get() == Use::Unread).then_some(1),
            Value::Seq(items) => items.iter().map(Self::unread).sum(),
            Value::Map(entries) => entries.iter().map(|(_, node)| node.unread()).sum(),
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null")
}

/// The path of an item.
fn indexed(path: &str, index: usize) -> String {
    let mut item = String::with_capacity(path.len() + 8);
    // Writing to a string cannot fail.
    let _ = write!(item, "{path}[{index}]");
    item
}

/// A node and the path that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    node: &'a Node,
    path: String,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl<'a> At<'a> {
    pub(crate) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    /// An error about this node.
    pub(crate) fn error(&self, problem: ImportProblem) -> ImportError {
        ImportError { position: Some(self.node.position), element: self.path.clone(), problem }
    }

    /// Adds a warning about this node.
    pub(crate) fn warn(&self, report: &mut ImportReport, message: impl Into<String>) {
        report.warnings.push(ImportWarning {
            element: self.path.clone(),
            line: Some(self.node.position.line),
            message: message.into(),
        });
    }

    pub(crate) fn wrong(&self, expected: &'static str) -> ImportError {
        let found = match &self.node.value {
            Value::Text(text) => format!("{:?}", shorten(text)),
            Value::Plain(text) => shorten(text),
            Value::Seq(items) => format!("a list of {}", items.len()),
            Value::Map(entries) => format!("a map of {}", entries.len()),
        };
        self.error(ImportProblem::WrongType { expected, found })
    }

    /// A value outside of what makes sense.
    pub(crate) fn out_of_range(&self, value: f64, rule: &'static str) -> ImportError {
        self.error(ImportProblem::OutOfRange { value, rule })
    }

    pub(crate) fn unknown(&self, value: &str, expected: &'static str) -> ImportError {
        self.error(ImportProblem::UnknownWord { value: shorten(value), expected })
    }

    pub(crate) fn no_such(&self, what: &'static str, name: &str) -> ImportError {
        self.error(ImportProblem::NoSuch { what, name: shorten(name) })
    }

    pub(crate) fn duplicate(&self, what: &'static str, name: &str) -> ImportError {
        self.error(ImportProblem::Duplicate { what, value: shorten(name) })
    }

    fn mark(&self, used: Use) {
        self.node.used.set(used);
    }

    /// Says that the value was read and tells nothing that does not hold without it.
    pub(crate) fn implied(&self) {
        self.node.mark_all(Use::Implied);
    }

    /// Says that the value was looked at and goes nowhere: it counts as left behind.
    pub(crate) fn leave_behind(&self) {
        self.mark(Use::Unread);
    }

    /// Says that nothing of it goes anywhere.
    pub(crate) fn leave_all_behind(&self) {
        self.node.mark_all(Use::Unread);
    }

    /// Says that entries of it are known by name, so that those nobody read are reported one by one.
    #[cfg(feature = "rmf")]
    pub(super) fn open(&self) {
        self.node.open.set(true);
    }

    #[cfg(feature = "rmf")]
    pub(super) fn value(&self) -> &'a Value {
        let node: &'a Node = self.node;
        &node.value
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.node.value, Value::Plain(text) if is_null(text))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    pub(crate) fn is_seq(&self) -> bool {
        matches!(self.node.value, Value::Seq(_))
    }

    /// The items of a list; none for null.
    pub(crate) fn items(&self) -> Result<Vec<Self>, ImportError> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Seq(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, node)| Self { node, path: indexed(&self.path, index) })
                .collect()),
            Value::Map(entries) if entries.is_empty() => Ok(Vec::new()),
            Value::Plain(text) if is_null(text) => Ok(Vec::new()),
            Value::Text(_) | Value::Plain(_) | Value::Map(_) => Err(self.wrong("a list")),
        }
    }

    /// The entries of a map in file order; none for null.
    pub(crate) fn entries(&self) -> Result<Vec<(&'a str, Self)>, ImportError> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Map(entries) => {
                Ok(entries.iter().map(|(key, node)| (key.as_str(), self.child(key, node))).collect())
            }
            Value::Seq(items) if items.is_empty() => Ok(Vec::new()),
            Value::Plain(text) if is_null(text) => Ok(Vec::new()),
            Value::Text(_) | Value::Plain(_) | Value::Seq(_) => Err(self.wrong("a map")),
        }
    }

    fn child(&self, key: &str, node: &'a Node) -> Self {
        Self { node, path: join(&self.path, key) }
    }

    /// The entry `key` of a map, unless it is absent or null, or this is no map.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Map(entries) => {
                let (name, node) = entries.iter().find(|(name, _)| name == key)?;
                Some(self.child(name, node)).filter(|at| !at.is_null())
            }
            Value::Text(_) | Value::Plain(_) | Value::Seq(_) => None,
        }
    }

    pub(crate) fn need(&self, key: &'static str) -> Result<Self, ImportError> {
        if !self.is_map() {
            return Err(self.wrong("a map"));
        }
        self.get(key).ok_or_else(|| self.error(ImportProblem::Missing { field: key }))
    }

    /// The items of the list `key`; none when it is absent.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<Self>, ImportError> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |at| at.items())
    }

    /// The entries of the map `key`; none when it is absent.
    pub(crate) fn map(&self, key: &str) -> Result<Vec<(&'a str, Self)>, ImportError> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |at| at.entries())
    }

    /// The text as it was spelled.
    pub(crate) fn text(&self) -> Result<&'a str, ImportError> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Text(text) | Value::Plain(text) => {
                self.mark(Use::Read);
                Ok(text)
            }
            Value::Seq(_) | Value::Map(_) => Err(self.wrong("a text")),
        }
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Result<f64, ImportError> {
        let Value::Plain(text) = &self.node.value else { return Err(self.wrong("a number")) };
        let bare = text.trim_start_matches(['-', '+']).to_ascii_lowercase();
        if matches!(bare.as_str(), ".inf" | "inf" | "infinity" | ".nan" | "nan") {
            return Err(self.error(ImportProblem::NotFinite { value: shorten(text) }));
        }
        let number: f64 = text.parse().map_err(|_| self.wrong("a number"))?;
        if !number.is_finite() {
            return Err(self.error(ImportProblem::NotFinite { value: shorten(text) }));
        }
        self.mark(Use::Read);
        Ok(number)
    }

    /// A whole number.
    #[cfg(feature = "rmf")]
    pub(crate) fn integer(&self) -> Result<i64, ImportError> {
        let number = match &self.node.value {
            Value::Plain(text) => text.parse().ok(),
            Value::Text(_) | Value::Seq(_) | Value::Map(_) => None,
        };
        let number = number.ok_or_else(|| self.wrong("an integer"))?;
        self.mark(Use::Read);
        Ok(number)
    }

    /// A finite number of which `rule` holds.
    pub(crate) fn number_where(
        &self,
        is_legal: impl Fn(f64) -> bool,
        rule: &'static str,
    ) -> Result<f64, ImportError> {
        let number = self.number()?;
        if is_legal(number) { Ok(number) } else { Err(self.out_of_range(number, rule)) }
    }

    pub(crate) fn flag(&self) -> Result<bool, ImportError> {
        let Value::Plain(text) = &self.node.value else { return Err(self.wrong("true or false")) };
        let flag = match text.as_str() {
            "true" | "True" | "TRUE" => true,
            "false" | "False" | "FALSE" => false,
            _ => return Err(self.wrong("true or false")),
        };
        self.mark(Use::Read);
        Ok(flag)
    }

    /// The flag `key`; when it is written and says what holds without it, it is implied.
    pub(crate) fn flag_or(&self, key: &str, default: bool) -> Result<bool, ImportError> {
        let Some(at) = self.get(key) else { return Ok(default) };
        let flag = at.flag()?;
        if flag == default {
            at.implied();
        }
        Ok(flag)
    }

    /// The number `key`; when it is written and says what holds without it, it is implied.
    pub(crate) fn number_or(&self, key: &str, default: f64) -> Result<f64, ImportError> {
        let Some(at) = self.get(key) else { return Ok(default) };
        let number = at.number()?;
        if number.to_bits() == default.to_bits() {
            at.implied();
        }
        Ok(number)
    }

    /// The text `key`, unless it is absent or empty, which is the same.
    pub(crate) fn text_of(&self, key: &str) -> Result<Option<&'a str>, ImportError> {
        let Some(at) = self.get(key) else { return Ok(None) };
        let text = at.text()?;
        if text.is_empty() {
            at.implied();
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The value as JSON; all of it counts as read.
    pub(crate) fn json(&self) -> Result<serde_json::Value, ImportError> {
        let node: &'a Node = self.node;
        match &node.value {
            Value::Text(text) => {
                self.mark(Use::Read);
                Ok(text.as_str().into())
            }
            Value::Plain(text) => {
                self.mark(Use::Read);
                serde_json::from_str(text).map_err(|_| self.wrong("a value of JSON"))
            }
            Value::Seq(_) => self.items()?.iter().map(Self::json).collect(),
            Value::Map(_) => {
                self.entries()?.into_iter().map(|(key, at)| Ok((key.to_owned(), at.json()?))).collect()
            }
        }
    }

    /// The text `key`; when it is written and says what holds without it, it is implied.
    pub(crate) fn text_or(&self, key: &str, default: &'static str) -> Result<&'a str, ImportError> {
        let text = self.text_of(key)?.unwrap_or(default);
        if let Some(at) = self.get(key).filter(|_| text == default) {
            at.implied();
        }
        Ok(text)
    }

    /// The first two numbers of a list, a position; a third one stays unread.
    pub(crate) fn point(&self) -> Result<[f64; 2], ImportError> {
        match self.items()?.as_slice() {
            [x, y, ..] => Ok([x.number()?, y.number()?]),
            _ => Err(self.wrong("a position")),
        }
    }
}

/// The path of an entry of a map.
pub(super) fn join(path: &str, key: &str) -> String {
    clipped([path, if path.is_empty() { "" } else { "." }, key].concat())
}

/// A path of bearable length.
pub(super) fn clipped(mut path: String) -> String {
    if PATH_CHARS_MAX < path.len()
        && let Some((end, _)) = path.char_indices().nth(PATH_CHARS_MAX)
    {
        path.truncate(end);
        path.push('…');
    }
    path
}

/// The beginning of a text, for messages.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The text of a file that is not too long.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, ImportError> {
    utf8_of(bytes, BYTES_MAX)
}

/// The text of a file of at most `limit` bytes.
pub(crate) fn utf8_of(bytes: &[u8], limit: usize) -> Result<&str, ImportError> {
    if limit < bytes.len() {
        return Err(ImportError::of_file(ImportProblem::TooLarge { bytes: bytes.len(), limit }));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| ImportError::of_file(ImportProblem::NotUtf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_twice_is_found_however_many_there_are() {
        let name = |number: usize| SmolStr::new(format!("key {number}"));
        for twice in 0..20 {
            let (mut keys, mut entries) = (Keys::default(), Vec::new());
            for number in 0..20 {
                assert!(keys.is_new(&entries, &name(number)), "{number}");
                entries.push((name(number), Node::new(Position::START, Value::Plain(SmolStr::default()))));
                if twice <= number {
                    assert!(!keys.is_new(&entries, &name(twice)), "{twice} again after {number}");
                }
            }
        }
    }
}
