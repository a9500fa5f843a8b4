//! Small pieces of text formats.

#[cfg(feature = "rmf")]
use std::fmt::Write as _;

use serde_json::Value;

/// JSON on one line with the keys of maps in order, whatever the order in which they were put in.
pub(super) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value);
    out
}

fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                write_json(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            let mut sorted: Vec<(&String, &Value)> = entries.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (number, (key, item)) in sorted.into_iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write_json(out, item);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

/// JSON over several lines: an entry or item a line as long as something nested is in it.
pub(super) fn pretty(value: &Value, depth: usize) -> String {
    let is_flat = |value: &Value| !value.is_array() && !value.is_object();
    let pad = "  ".repeat(depth + 1);
    let lines: Vec<String> = match value {
        Value::Array(items) if items.iter().any(|item| !is_flat(item)) => {
            items.iter().map(|item| pretty(item, depth + 1)).collect()
        }
        Value::Object(entries) if entries.values().any(|item| !is_flat(item)) && depth < 5 => {
            let mut sorted: Vec<(&String, &Value)> = entries.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let line = |(key, item): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), pretty(item, depth + 1))
            };
            sorted.into_iter().map(line).collect()
        }
        Value::Array(_)
        | Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => return json(value),
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    format!("{open}\n{pad}{}\n{}{close}", lines.join(&format!(",\n{pad}")), "  ".repeat(depth))
}

/// A text in quotes that mean the same to every reader of YAML.
#[cfg(feature = "rmf")]
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' | '\\' => out.extend(['\\', sign]),
            // Control signs, and what some readers take for the end of a line or for no sign at all.
            _ if sign.is_control()
                || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}') =>
            {
                // A String takes all that is written to it.
                let _ = write!(out, "\\U{:08X}", u32::from(sign));
            }
            _ => out.push(sign),
        }
    }
    out.push('"');
    out
}

/// A finite number as the shortest text that reads back as the same number. It has a point and never an exponent: some
/// readers of YAML take `1e5` for a word.
#[cfg(feature = "rmf")]
pub(super) fn number(value: f64) -> String {
    let text = value.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}
