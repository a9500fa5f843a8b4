//! A font of strokes, drawn for this crate: what a picture is written with where there is no other font.
//!
//! A glyph is a path of the SVG path language. Its origin is on the baseline, y points downwards, capitals are ten units
//! high, small letters seven, descenders three deep. Its width is what [`advance_em`](super::text::advance_em) says.

/// Units of a glyph in a font size.
pub(super) const UNITS_PER_EM: f64 = 13.9;
/// What stands for a character that has no glyph.
pub(super) const MISSING: &str = "M1.2 0V-9.4H6.6V0Z";

/// The printable characters of ASCII from the space on.
const ASCII: [&str; 95] = [
    "",
    "M1.9 -10V-3M1.9 -.3V0",
    "M1.6 -10V-7M3.3 -10V-7",
    "M2.6 -10L1.6 0M5.8 -10L4.8 0M.8 -6.7H6.9M.6 -3.3H6.7",
    "M6.4 -8C5.8 -9.8 1.3 -10 1.3 -7.4C1.3 -4.4 6.6 -5.6 6.6 -2.6C6.6 .2 1.4 .2 1 -2M3.9 -11V1",
    "M3.2 -10A2 2.3 0 1 0 3.2 -5.4A2 2.3 0 1 0 3.2 -10M9.2 -4.6A2 2.3 0 1 0 9.2 0A2 2.3 0 1 0 9.2 -4.6M9 -10L3.4 0",
    "M8.4 0L2.6 -6.6C.8 -9 3 -10 4 -10C6 -10 6.6 -7.6 4.4 -6.2C1 -4.4 .8 -3.4 .8 -2.4C1 .6 5.6 .8 7.6 -4",
    "M1.3 -10V-7",
    "M3.6 -10.5C.6 -7 .6 -1 3.6 2.5",
    "M1 -10.5C4 -7 4 -1 1 2.5",
    "M2.7 -10V-6M1 -9L4.4 -7M4.4 -9L1 -7",
    "M4 -7V-1M1 -4H7",
    "M2 -.4L1.4 1.8",
    "M.8 -3.6H3.8",
    "M1.9 -.3V0",
    "M3.4 -10.3L.5 .5",
    "M3.9 -10C.2 -10 .2 0 3.9 0C7.5 0 7.5 -10 3.9 -10Z",
    "M1.6 -8C3 -8.3 4 -9 4.2 -10V0",
    "M1 -7.4C1.2 -10.8 6.7 -10.8 6.5 -7.2C6.4 -5 1.6 -3.4 .9 0H6.7",
    "M1 -8C2 -10.9 6.4 -10.4 6.2 -7.4C6.1 -5.8 4.8 -5.2 3.2 -5.2C5 -5.2 6.7 -4.4 6.6 -2.6C6.4 .8 1.4 .8 .9 -2.2",
    "M5.2 0V-10L.7 -3.2H6.9",
    "M6.2 -10H2L1.4 -5.4C2.6 -7 6.6 -6.8 6.6 -3.4C6.6 .8 1.4 .8 .9 -2",
    "M6.3 -8C5.6 -10.6 1.1 -10.9 1.1 -4.6C1.1 1.4 6.7 1 6.7 -3.1C6.7 -7.2 1.8 -7.2 1.1 -3.8",
    "M1 -10H6.7C4.6 -7.4 3.2 -4 2.8 0",
    "M3.9 -5.4C.4 -5.6 .6 -10 3.9 -10C7.2 -10 7.4 -5.6 3.9 -5.4C.1 -5.2 .1 0 3.9 0C7.7 0 7.7 -5.2 3.9 -5.4Z",
    "M1.4 -2C2.1 .6 6.6 .9 6.6 -5.4C6.6 -11.4 1 -11 1 -6.9C1 -2.8 5.9 -2.8 6.6 -6.2",
    "M1.9 -6.3V-6M1.9 -.3V0",
    "M1.9 -6.3V-6M2 -.4L1.4 1.8",
    "M7 -7.5L1.2 -4L7 -.5",
    "M1 -5.3H7.1M1 -2.7H7.1",
    "M1.2 -7.5L7 -4L1.2 -.5",
    "M1.2 -7.6C1.4 -10.8 6.6 -10.6 6.5 -7.4C6.4 -5.2 3.8 -5 3.9 -2.8M3.9 -.3V0",
    "M9.6 -6C9 -8 5 -8 4.8 -4.6C4.8 -1.6 8.4 -1.4 9.4 -5L9.8 -7.4L9.2 -3.4C9.2 -1.2 12.8 -2.4 12.8 -5.8C12.6 -11.6 1.2 -11.8 1.2 -4.2C1.2 2.6 8.6 3.2 11 1.2",
    "M.5 0L4.65 -10L8.8 0M2 -3.5H7.3",
    "M1.3 0V-10H4.9C8.6 -10 8.6 -5.3 4.9 -5.3H1.3H5.2C9.2 -5.3 9.2 0 5.2 0Z",
    "M9.2 -7.2C8 -11.2 1 -11.2 1 -5C1 1.2 8.2 1.2 9.3 -3.2",
    "M1.3 0V-10H4.6C10.4 -10 10.4 0 4.6 0Z",
    "M8.2 0H1.3V-10H8M1.3 -5.3H7.4",
    "M1.3 0V-10H7.7M1.3 -5.2H6.8",
    "M9.4 -7.4C8 -11.2 .9 -11.2 .9 -5C.9 1.2 9.7 1.2 9.7 -4.6H5.8",
    "M1.2 0V-10M8.8 0V-10M1.2 -5.3H8.8",
    "M1.9 0V-10",
    "M5.6 -10V-3C5.6 .9 .7 .9 .6 -2.8",
    "M1.3 0V-10M8.4 -10L1.3 -3.6M3.8 -5.8L8.8 0",
    "M1.2 -10V0H7.2",
    "M1.2 0V-10L5.8 -1L10.4 -10V0",
    "M1.2 0V-10L8.8 0V-10",
    "M5.4 -10.1C-.6 -10.1 -.6 .1 5.4 .1C11.4 .1 11.4 -10.1 5.4 -10.1Z",
    "M1.3 0V-10H5C9.2 -10 9.2 -4.4 5 -4.4H1.3",
    "M5.4 -10.1C-.6 -10.1 -.6 .1 5.4 .1C11.4 .1 11.4 -10.1 5.4 -10.1ZM6.6 -2.4L9.8 .6",
    "M1.3 0V-10H5.4C9.6 -10 9.6 -4.9 5.4 -4.9H1.3M5.4 -4.9C8.6 -4.9 8 -2 9 0",
    "M8.2 -7.4C7.6 -11 1.2 -10.8 1.2 -7.4C1.2 -4 8.5 -5.9 8.5 -2.6C8.5 1 1.2 1 .8 -2.8",
    "M.4 -10H8.1M4.25 -10V0",
    "M1.2 -10V-3.8C1.2 1.3 8.8 1.3 8.8 -3.8V-10",
    "M.4 -10L4.65 0L8.9 -10",
    "M.4 -10L3.5 0L6.55 -10L9.6 0L12.7 -10",
    "M.7 -10L8.6 0M8.4 -10L.6 0",
    "M.4 -10L4.65 -4.4V0M4.65 -4.4L8.9 -10",
    "M.9 -10H7.7L.7 0H7.9",
    "M3.3 -10.5H1.3V2.5H3.3",
    "M.5 -10.3L3.4 .5",
    "M.6 -10.5H2.6V2.5H.6",
    "M1 -5.5L3.25 -10L5.5 -5.5",
    "M0 1.6H7.7",
    "M1.2 -10L2.8 -8",
    "M1.3 -5.4C1.6 -7.6 6.1 -7.9 6.1 -5V-1.4C6.1 -.4 6.5 0 7.2 -.2M6.1 -4.3C1.9 -4.3 .8 -3.4 .8 -1.9C.8 1.1 6.1 .4 6.1 -3",
    "M1.1 -10V0M1.1 -3.5C1.1 -8.4 7 -8.4 7 -3.5C7 1.4 1.1 1.4 1.1 -3.5Z",
    "M6.2 -4.8C5.4 -8.2 .8 -8 .8 -3.5C.8 1 5.6 1.2 6.3 -2.4",
    "M6.6 -10V0M6.6 -3.5C6.6 -8.4 .7 -8.4 .7 -3.5C.7 1.4 6.6 1.4 6.6 -3.5Z",
    "M.9 -3.7H6.8C6.8 -8.2 .7 -8.3 .7 -3.4C.7 1 5.6 1.2 6.5 -1.9",
    "M3.7 -10C2.4 -10.3 1.7 -9.8 1.7 -8.4V0M.3 -7H3.5",
    "M6.6 -7V.3C6.6 3.9 1.4 3.9 1 1.4M6.6 -3.6C6.6 -8.3 .7 -8.3 .7 -3.6C.7 1.1 6.6 1.1 6.6 -3.6Z",
    "M1.1 -10V0M1.1 -4C1.3 -7.8 6.5 -8.4 6.5 -4.6V0",
    "M1.55 -7V0M1.55 -9.9V-9.7",
    "M1.7 -7V1.4C1.7 2.7 1.1 3 .1 2.9M1.7 -9.9V-9.7",
    "M1.1 -10V0M6.1 -7L1.1 -2.4M3 -4.2L6.4 0",
    "M1.55 -10V0",
    "M1.1 -7V0M1.1 -4.2C1.3 -7.9 5.8 -8.2 5.8 -4.6V0M5.8 -4.2C6 -7.9 10.5 -8.2 10.5 -4.6V0",
    "M1.1 -7V0M1.1 -4C1.3 -7.8 6.5 -8.4 6.5 -4.6V0",
    "M3.85 -7.1C-.3 -7.1 -.3 .1 3.85 .1C8 .1 8 -7.1 3.85 -7.1Z",
    "M1.1 -7V3M1.1 -3.5C1.1 -8.4 7 -8.4 7 -3.5C7 1.4 1.1 1.4 1.1 -3.5Z",
    "M6.6 -7V3M6.6 -3.5C6.6 -8.4 .7 -8.4 .7 -3.5C.7 1.4 6.6 1.4 6.6 -3.5Z",
    "M1.1 -7V0M1.1 -4C1.3 -6.4 2.6 -7.3 4.3 -6.9",
    "M5.9 -5.3C5.3 -7.8 1 -7.6 1 -5.2C1 -2.7 6.2 -4.1 6.2 -1.8C6.2 .8 1.1 .7 .7 -1.9",
    "M1.7 -9V-1.6C1.7 -.2 2.4 .1 3.6 -.1M.3 -7H3.5",
    "M6.6 -7V0M1.2 -7V-2.4C1.2 1.4 6.4 .8 6.6 -3",
    "M.5 -7L3.5 0L6.5 -7",
    "M.4 -7L2.7 0L5 -7L7.3 0L9.6 -7",
    "M.7 -7L6.3 0M6.3 -7L.7 0",
    "M.5 -7L3.6 0M6.5 -7L3.3 1C2.7 2.7 2 3 .8 2.8",
    "M.8 -7H6.1L.7 0H6.3",
    "M3.8 -10.5C1.4 -10.5 3.2 -4 1 -4C3.2 -4 1.4 2.5 3.8 2.5",
    "M1.8 -10.5V2.5",
    "M.8 -10.5C3.2 -10.5 1.4 -4 3.6 -4C1.4 -4 3.2 2.5 .8 2.5",
    "M1 -3.4C2.6 -6 5.4 -2 7.1 -4.6",
];

/// Some characters beyond ASCII.
const OTHERS: [(char, &str); 11] = [
    ('\u{a0}', ""),
    ('²', "M1 -8.6C1.1 -10.7 4.6 -10.7 4.5 -8.5C4.4 -7.2 1.4 -6.1 1 -4.4H4.7"),
    ('·', "M1.9 -3.9V-3.6"),
    ('×', "M1.6 -6.4L6.4 -1.6M6.4 -6.4L1.6 -1.6"),
    ('°', "M2.8 -10A1.6 1.6 0 1 0 2.8 -6.8A1.6 1.6 0 1 0 2.8 -10"),
    ('–', "M.5 -3.6H7.2"),
    ('…', "M1.5 -.3V0M4.5 -.3V0M7.5 -.3V0"),
    (
        'ß',
        "M1.1 0V-7.4C1.1 -11 6.1 -10.6 5.9 -7.6C5.8 -6 4.4 -5.9 3.9 -5.6C5.6 -5.4 7 -4.4 6.8 -2.6C6.6 .2 4 .3 2.9 -.2",
    ),
    ('Ø', "M5.4 -10.1C-.6 -10.1 -.6 .1 5.4 .1C11.4 .1 11.4 -10.1 5.4 -10.1ZM1.4 .6L9.4 -10.6"),
    ('ø', "M3.85 -7.1C-.3 -7.1 -.3 .1 3.85 .1C8 .1 8 -7.1 3.85 -7.1ZM.9 .6L6.9 -7.6"),
    ('ı', "M1.55 -7V0"),
];

/// Letters with a mark: which letters, what they are without it, and the mark around the middle of a small letter.
const MARKED: [(&str, &str, &str); 8] = [
    ("ÀÈÌÒÙàèìòù", "AEIOUaeıou", "M-1.2 -10L.4 -8.4"),
    ("ÁÉÍÓÚÝĆŃŚŹáéíóúýćńśź", "AEIOUYCNSZaeıouycnsz", "M1.2 -10L-.4 -8.4"),
    ("ÂÊÎÔÛâêîôû", "AEIOUaeıou", "M-1.6 -8.4L0 -10L1.6 -8.4"),
    ("ÃÑÕãñõ", "ANOano", "M-1.8 -8.6C-.6 -10.4 .6 -7.6 1.8 -9.4"),
    ("ÄËÏÖÜäëïöüÿ", "AEIOUaeıouy", "M-1.5 -9.1V-8.9M1.5 -9.1V-8.9"),
    ("Åå", "Aa", "M0 -10.6A1.1 1.1 0 1 0 0 -8.4A1.1 1.1 0 1 0 0 -10.6"),
    ("ČĚŘŠŽŇčěřšžň", "CERSZNcerszn", "M-1.6 -10L0 -8.4L1.6 -10"),
    ("Çç", "Cc", "M0 .3C1.6 1.2 .8 2.8 -.9 2.6"),
];

/// How to draw a character.
pub(super) struct Glyph {
    pub(super) path: &'static str,
    /// The character whose width the path has.
    pub(super) base: char,
    /// A mark, and how far it is moved up from where it is on small letters.
    pub(super) mark: Option<(&'static str, f64)>,
}

/// The glyph of a character; `None` when there is none.
pub(super) fn glyph(character: char) -> Option<Glyph> {
    let plain = |path, base| Glyph { path, base, mark: None };
    if let Some(path) = simple(character) {
        return Some(plain(path, character));
    }
    let (bases, index, mark) = MARKED.iter().find_map(|(letters, bases, mark)| {
        Some((bases, letters.chars().position(|is| is == character)?, *mark))
    })?;
    let base = bases.chars().nth(index)?;
    let up = if base.is_uppercase() && !mark.starts_with("M0 .3") { 3.0 } else { 0.0 };
    Some(Glyph { path: simple(base)?, base, mark: Some((mark, up)) })
}

fn simple(character: char) -> Option<&'static str> {
    let ascii =
        u32::from(character).checked_sub(32).and_then(|index| ASCII.get(usize::try_from(index).ok()?));
    let other = || OTHERS.iter().find(|(is, _)| *is == character).map(|(_, path)| *path);
    ascii.copied().or_else(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marked_letter_has_a_letter_under_its_mark() {
        for (letters, bases, _) in MARKED {
            assert_eq!(letters.chars().count(), bases.chars().count(), "{letters}");
            for letter in letters.chars() {
                assert!(glyph(letter).is_some_and(|glyph| glyph.mark.is_some()), "{letter}");
            }
        }
        assert!((' '..='~').chain("²·×°–…ßØø\u{a0}".chars()).all(|character| glyph(character).is_some()));
        assert!(glyph('病').is_none() && glyph('\u{7}').is_none());
    }
}
