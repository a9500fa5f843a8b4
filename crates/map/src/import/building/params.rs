//! Typed parameters `[type, value]`, which building files have everywhere.

use super::super::{
    ImportError, ImportProblem,
    tree::{At, Value},
};

const STRING: i64 = 1;
const INTEGER: i64 = 2;
const DOUBLE: i64 = 3;
const BOOL: i64 = 4;

/// A parameter, its type's number and its value.
struct Param<'a> {
    at: At<'a>,
    kind: i64,
    value: At<'a>,
}

/// The parameter `key` of a map; `None` when it is absent.
fn param<'a>(map: &At<'a>, key: &str) -> Result<Option<Param<'a>>, ImportError> {
    let Some(at) = map.get(key) else { return Ok(None) };
    let (kind, value) = match at.items().unwrap_or_default().as_slice() {
        [kind, value] => (kind.integer()?, value.clone()),
        _ => return Err(at.wrong("a parameter [type, value]")),
    };
    if kind == 0 {
        // Type 0 is "undefined": the parameter is there and says nothing.
        at.leave_all_behind();
        return Ok(None);
    }
    Ok(Some(Param { at, kind, value }))
}

impl Param<'_> {
    fn wrong(&self, expected: i64) -> ImportError {
        self.value.error(ImportProblem::WrongParam { kind: self.kind, expected })
    }
}

/// A text; null is the empty one.
pub(super) fn text<'a>(at: &At<'a>) -> Result<&'a str, ImportError> {
    if at.is_null() { Ok("") } else { at.text() }
}

/// The mutex group that something is in, if any.
pub(super) fn mutex(map: &At<'_>) -> Result<Vec<String>, ImportError> {
    let group = string(map, "mutex")?;
    Ok(if group.is_empty() { Vec::new() } else { vec![group.to_owned()] })
}

/// The typed text `key`; empty when it is absent.
pub(super) fn string<'a>(map: &At<'a>, key: &str) -> Result<&'a str, ImportError> {
    let Some(param) = param(map, key)? else { return Ok("") };
    if param.kind != STRING {
        return Err(param.wrong(STRING));
    }
    let text = text(&param.value)?;
    if text.is_empty() {
        param.at.implied();
    }
    Ok(text)
}

/// The typed whole number `key`.
pub(super) fn integer(map: &At<'_>, key: &str) -> Result<Option<i64>, ImportError> {
    match param(map, key)? {
        None => Ok(None),
        Some(param) if param.kind == INTEGER => param.value.integer().map(Some),
        Some(param) => Err(param.wrong(INTEGER)),
    }
}

/// The typed number `key`; the editor writes whole doubles without a point, some tools call them integers.
pub(super) fn number(map: &At<'_>, key: &str) -> Result<Option<f64>, ImportError> {
    match param(map, key)? {
        None => Ok(None),
        Some(param) if matches!(param.kind, DOUBLE | INTEGER) => param.value.number().map(Some),
        Some(param) => Err(param.wrong(DOUBLE)),
    }
}

/// The typed flag `key`, also when it is coded as an integer; `false`, which is implied, when it is absent.
pub(super) fn flag(map: &At<'_>, key: &str) -> Result<bool, ImportError> {
    let Some(param) = param(map, key)? else { return Ok(false) };
    let flag = match param.kind {
        BOOL => param.value.flag()?,
        INTEGER => match param.value.integer()? {
            0 => false,
            1 => true,
            _ => return Err(param.value.wrong("0 or 1")),
        },
        _ => return Err(param.wrong(BOOL)),
    };
    if !flag {
        param.at.implied();
    }
    Ok(flag)
}

/// Says that the parameter `key` was looked at and goes nowhere, unless it only repeats what holds without it.
pub(super) fn left(map: &At<'_>, key: &str, is_implied: bool) {
    if let Some(at) = map.get(key) {
        if is_implied { at.implied() } else { at.leave_all_behind() }
    }
}

/// An index into the `count` vertices of a level.
pub(super) fn vertex(at: &At<'_>, count: usize) -> Result<usize, ImportError> {
    let index = at.integer()?;
    match usize::try_from(index) {
        Ok(vertex) if vertex < count => Ok(vertex),
        Ok(_) | Err(_) => Err(at.error(ImportProblem::NoSuchVertex { index, count })),
    }
}

/// Refuses what is neither a map nor nothing; of a map every entry that nobody reads is reported by its name.
pub(super) fn fields<'a>(at: &At<'a>) -> Result<At<'a>, ImportError> {
    at.open();
    match at.value() {
        Value::Map(_) => Ok(at.clone()),
        Value::Seq(items) if items.is_empty() => Ok(at.clone()),
        Value::Text(text) if text.is_empty() => Ok(at.clone()),
        Value::Plain(_) if at.is_null() => Ok(at.clone()),
        Value::Text(_) | Value::Plain(_) | Value::Seq(_) => Err(at.wrong("a map")),
    }
}

/// An edge `[start, end, {params}]`; the parameters may be absent.
pub(super) fn edge<'a>(at: &At<'a>, vertices: usize) -> Result<(usize, usize, Option<At<'a>>), ImportError> {
    let items = at.items()?;
    let (start, end, params) = match items.as_slice() {
        [start, end] => (start, end, None),
        [start, end, params] => (start, end, Some(fields(params)?)),
        _ => return Err(at.error(ImportProblem::Missing { field: "[start, end, {parameters}]" })),
    };
    Ok((vertex(start, vertices)?, vertex(end, vertices)?, params))
}
