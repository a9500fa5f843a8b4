//! Numbers, names and texts as they stand in an SVG document, and how wide a text is.

use std::fmt::{self, Write as _};

/// What widths are multiplied with, since a viewer may have a wider font than the one they are of.
const WIDTH_MARGIN: f64 = 1.06;

/// Advance widths of the printable ASCII characters from the space on in thousandths of the font size: those that
/// Helvetica, Arial and fonts made to stand in for them have in common.
const ADVANCE: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// A number with at most three decimals and no needless zeros.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&trimmed(self.0, 3))
    }
}

/// A length of the plan in pixels: a hundredth is finer than any printer.
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&trimmed(self.0, 2))
    }
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// An area with its thousands apart, as in `18 072 m²`; small areas have a decimal.
pub(super) struct Area(pub(super) f64);

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 100.0 {
            return write!(f, "{} m²", trimmed(self.0, 1));
        }
        let digits = format!("{:.0}", self.0);
        for (index, digit) in digits.chars().enumerate() {
            if index != 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_char('\u{a0}')?;
            }
            f.write_char(digit)?;
        }
        f.write_str(" m²")
    }
}

/// A text that is safe in XML texts and attributes; characters that XML forbids become U+FFFD.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A name as a part of an XML id: letters, digits, `-` and `_` stand for themselves, any other character for its
/// code point in hexadecimal between dots. Different names stay different.
pub(super) struct Ident<'a>(pub(super) &'a str);

impl fmt::Display for Ident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_ascii_alphanumeric() || matches!(character, '-' | '_') {
                f.write_char(character)?;
            } else {
                write!(f, ".{:x}.", u32::from(character))?;
            }
        }
        Ok(())
    }
}

/// Writing into a `String` cannot fail.
pub(super) fn write_to(out: &mut String, arguments: fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok());
}

/// How far a character moves the pen, in parts of the font size, without any margin.
pub(super) fn advance_em(character: char) -> f64 {
    let code = u32::from(character);
    let ascii = code.checked_sub(32).and_then(|index| ADVANCE.get(usize::try_from(index).ok()?));
    match ascii {
        Some(advance) => f64::from(*advance) / 1000.0,
        None if matches!(character, '\u{a0}' | '·') => 0.278,
        None if character == '²' => 0.35,
        None if code < 32 || (0x300..0x370).contains(&code) => 0.0,
        // Scripts whose characters are as wide as high.
        None if 0x1100 <= code => 1.0,
        None => 0.65,
    }
}

/// How wide a text is at most, in pixels.
pub(super) fn width_px(text: &str, size_px: f64) -> f64 {
    text.chars().map(advance_em).sum::<f64>() * size_px * WIDTH_MARGIN
}

/// A text in lines no wider than `wide_px`, broken after spaces, hyphens, underscores, slashes and dots; a single word
/// may be wider. At most `lines_max` lines; the last one takes the rest.
pub(super) fn wrap(text: &str, wide_px: f64, size_px: f64, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive([' ', '-', '_', '/', '.']) {
        let full = lines_max <= lines.len();
        match lines.last_mut() {
            Some(line) if full || width_px(&format!("{line}{word}"), size_px) <= wide_px => {
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// A text no wider than `wide_px`: what does not fit is replaced by an ellipsis.
pub(super) fn shortened(text: &str, wide_px: f64, size_px: f64) -> String {
    if width_px(text, size_px) <= wide_px {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        if wide_px < width_px(&format!("{short}{character}…"), size_px) {
            break;
        }
        short.push(character);
    }
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// What tells names of a series apart: what follows the last separator.
pub(super) fn last_word(name: &str) -> &str {
    name.rsplit(['-', '_', ' ']).next().filter(|word| !word.is_empty()).unwrap_or(name)
}

/// A text with a white rim, so that lines under it do not disturb it.
///
/// The rim is a second text: `paint-order` is not known to every renderer.
pub(super) fn write_label(
    out: &mut String,
    [x, y]: [f64; 2],
    size_px: f64,
    colour: &str,
    style: &str,
    text: &str,
) {
    let (x, y, size) = (Px(x), Px(y), Px(size_px));
    let (colour, text) = (Escaped(colour), Escaped(text));
    write_to(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2.5\" \
             stroke-linejoin=\"round\" stroke-opacity=\"0.85\"{style}>{text}</text>\
             <text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"{style}>{text}</text>"
        ),
    );
}
