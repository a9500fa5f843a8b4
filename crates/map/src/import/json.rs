//! JSON as a tree with positions. Duplicate keys are refused: which one counts would be anybody's guess.

use smol_str::SmolStr;

use crate::format::Position;

use super::{
    ImportError, ImportProblem,
    tree::{BYTES_MAX, DEPTH_MAX, Keys, NODES_MAX, Node, Value, shorten},
};

/// Reads the one value of `text`. Linear in it.
pub(crate) fn parse(text: &str) -> Result<Node, ImportError> {
    if BYTES_MAX < text.len() {
        let problem = ImportProblem::TooLarge { bytes: text.len(), limit: BYTES_MAX };
        return Err(ImportError::of_file(problem));
    }
    let mut reader = Reader { rest: text, position: Position::START, nodes: 0 };
    let node = reader.value(0)?;
    reader.space();
    if reader.rest.is_empty() { Ok(node) } else { Err(reader.syntax("something follows the end")) }
}

struct Reader<'a> {
    rest: &'a str,
    position: Position,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Node, ImportError> {
        self.space();
        let position = self.position;
        self.nodes += 1;
        if NODES_MAX < self.nodes {
            return Err(self.error(ImportProblem::TooMany { what: "values", limit: NODES_MAX }));
        }
        if DEPTH_MAX <= depth {
            return Err(self.error(ImportProblem::TooDeep { limit: DEPTH_MAX }));
        }
        let value = match self.rest.bytes().next() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.seq(depth)?,
            Some(b'"') => Value::Text(self.string()?.into()),
            Some(_) => self.word()?,
            None => return Err(self.syntax("the text ends too early")),
        };
        Ok(Node::new(position, value))
    }

    fn map(&mut self, depth: usize) -> Result<Value, ImportError> {
        self.skip(1);
        let mut entries = Vec::new();
        let mut seen = Keys::default();
        if self.close('}') {
            return Ok(Value::Map(entries));
        }
        loop {
            self.space();
            if !self.rest.starts_with('"') {
                return Err(self.syntax("expected a key in quotes"));
            }
            let start = self.position;
            let key = SmolStr::from(self.string()?);
            if !seen.is_new(&entries, &key) {
                let problem = ImportProblem::Duplicate { what: "key", value: shorten(&key) };
                return Err(ImportError { position: Some(start), element: String::new(), problem });
            }
            self.space();
            if !self.eat(':') {
                return Err(self.syntax("expected a colon"));
            }
            entries.push((key, self.value(depth + 1)?));
            self.space();
            if self.close('}') {
                return Ok(Value::Map(entries));
            }
            if !self.eat(',') {
                return Err(self.syntax("expected a comma or a closing brace"));
            }
        }
    }

    fn seq(&mut self, depth: usize) -> Result<Value, ImportError> {
        self.skip(1);
        let mut items = Vec::new();
        if self.close(']') {
            return Ok(Value::Seq(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.close(']') {
                return Ok(Value::Seq(items));
            }
            if !self.eat(',') {
                return Err(self.syntax("expected a comma or a closing bracket"));
            }
        }
    }

    fn string(&mut self) -> Result<String, ImportError> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let quoted = end.and_then(|(end, _)| self.rest.get(..=end));
        let Some(quoted) = quoted else { return Err(self.syntax("a text has no end")) };
        let text = serde_json::from_str(quoted)
            .map_err(|_| self.syntax("a text has an illegal character or escape"))?;
        self.skip(quoted.len());
        Ok(text)
    }

    fn word(&mut self) -> Result<Value, ImportError> {
        let ends = |character: char| !(character.is_ascii_alphanumeric() || "+-._".contains(character));
        let word = self.rest.split(ends).next().unwrap_or_default();
        let legal = matches!(word, "true" | "false" | "null") || is_number(word);
        if !legal {
            let message =
                format!("{:?} is no value", shorten(if word.is_empty() { self.rest } else { word }));
            return Err(self.error(ImportProblem::Syntax { message }));
        }
        self.skip(word.len());
        Ok(Value::Plain(word.into()))
    }

    fn close(&mut self, end: char) -> bool {
        self.space();
        self.eat(end)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.rest.starts_with(wanted);
        if there {
            self.skip(wanted.len_utf8());
        }
        there
    }

    fn space(&mut self) {
        let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.skip(self.rest.len() - trimmed.len());
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest): (&str, &'a str) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.position = advance(self.position, skipped);
        self.rest = rest;
    }

    fn syntax(&self, message: &str) -> ImportError {
        self.error(ImportProblem::Syntax { message: message.to_owned() })
    }

    fn error(&self, problem: ImportProblem) -> ImportError {
        ImportError { position: Some(self.position), element: String::new(), problem }
    }
}

/// The place after `text`, when it begins at `position`.
pub(super) fn advance(mut position: Position, text: &str) -> Position {
    for character in text.chars() {
        if character == '\n' {
            position = Position { line: position.line.saturating_add(1), column: 1 };
        } else {
            position.column = position.column.saturating_add(1);
        }
    }
    position
}

/// Whether a word is a number of JSON, however large.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
