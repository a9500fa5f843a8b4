//! Pictures as PNG, by the rasteriser `resvg`.
//!
//! No font of the system is used: texts are drawn with the strokes of [`glyphs`](super::glyphs), so that the same picture
//! comes out everywhere. These know ASCII and the letters of most languages of western and central Europe; any other
//! character is a box. The SVG has it as it is.

use resvg::{tiny_skia, usvg};

use super::{
    Picture,
    glyphs::{Glyph, MISSING, UNITS_PER_EM, glyph},
    text::{Number, advance_em, write_to},
};

/// The most pixels of a PNG picture: 256 MB while it is drawn.
pub const PIXELS_MAX: u32 = 64_000_000;
/// Width of a stroke, in units of a glyph; of a bold one.
const STROKE: f64 = 1.15;
const STROKE_BOLD: f64 = 1.65;

/// Why there is no PNG picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PngError {
    /// It would have too many pixels.
    #[error("a picture of {width} x {height} pixels is larger than {PIXELS_MAX} pixels")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The rasteriser does not take it.
    #[error("cannot be drawn: {0}")]
    Raster(String),
}

impl Picture {
    /// The picture as a PNG file, `width` pixels wide, or twice as wide as the drawing. Robots stand where they begin.
    ///
    /// Texts are drawn with a font of this crate; a character that it lacks is a box.
    ///
    /// ```
    /// # use sheepdog_map::{CompileOptions, Site, svg::Picture};
    /// # let text = "schema = 1\nname = \"hut\"\nlevel = [{ id = \"L1\", elevation_m = 0 }]\n\
    /// #     room = [{ id = \"hall\", level = \"L1\", polygon = [[0, 0], [4, 0], [4, 3]], walled = true }]";
    /// let site = Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap();
    /// let png = Picture::of_site(&site).to_png(Some(300)).unwrap();
    /// assert!(png.starts_with(b"\x89PNG"));
    /// ```
    ///
    /// # Errors
    /// [`PngError::TooLarge`] above [`PIXELS_MAX`] pixels.
    pub fn to_png(&self, width: Option<u32>) -> Result<Vec<u8>, PngError> {
        let fail = |error: &dyn std::fmt::Display| PngError::Raster(error.to_string());
        let drawing = outlined(&self.render());
        let tree = usvg::Tree::from_str(&drawing, &usvg::Options::default()).map_err(|error| fail(&error))?;
        let size = tree.size();
        #[expect(clippy::cast_precision_loss, reason = "a picture's width, checked below")]
        let scale = width.map_or(2.0, |width| width as f32 / size.width());
        let [width, height] = [size.width(), size.height()].map(|side| pixels(side * scale));
        let too_large = PngError::TooLarge { width, height };
        if width.checked_mul(height).is_none_or(|pixels| PIXELS_MAX < pixels) {
            return Err(too_large);
        }
        let mut pixmap = tiny_skia::Pixmap::new(width, height).ok_or(too_large)?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|error| fail(&error))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is wanted")]
fn pixels(side: f32) -> u32 {
    side.ceil().max(1.0) as u32
}

/// The document with paths instead of texts. It reads texts as this module's siblings write them: without elements
/// inside, with numbers for place and size.
fn outlined(svg: &str) -> String {
    let mut out = String::with_capacity(2 * svg.len());
    let mut rest = svg;
    while let Some((before, text)) = rest.split_once("<text ") {
        out.push_str(before);
        let Some((attributes, after)) = text.split_once('>') else { break };
        let Some((content, after)) = after.split_once("</text>") else { break };
        strokes(&mut out, attributes, &unescaped(content));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn strokes(out: &mut String, attributes: &str, text: &str) {
    let number = |name| attribute(attributes, name).and_then(|value| value.parse::<f64>().ok());
    let (x, y, size) =
        (number("x").unwrap_or(0.0), number("y").unwrap_or(0.0), number("font-size").unwrap_or(10.0));
    let scale = size / UNITS_PER_EM;
    let fill = attribute(attributes, "fill").unwrap_or("#000");
    let bold = if attribute(attributes, "font-weight").is_some() { STROKE_BOLD } else { STROKE };
    // The rim of a label is a text that is stroked and not filled.
    let (colour, wide) = if fill == "none" {
        (
            attribute(attributes, "stroke").unwrap_or("none"),
            bold + number("stroke-width").unwrap_or(0.0) / scale,
        )
    } else {
        (fill, bold)
    };
    let opacity = attribute(attributes, "stroke-opacity").unwrap_or("1");
    let length: f64 = text.chars().map(advance_em).sum::<f64>() * UNITS_PER_EM;
    let from = match attribute(attributes, "text-anchor") {
        Some("middle") => -length / 2.0,
        _ => 0.0,
    };
    write_to(
        out,
        format_args!(
            "<g transform=\"translate({} {}) scale({})\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\" \
             stroke-opacity=\"{opacity}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">",
            Number(x),
            Number(y),
            format_args!("{scale:.5}"),
            Number(wide)
        ),
    );
    let mut cursor = from;
    for character in text.chars() {
        let wide = advance_em(character) * UNITS_PER_EM;
        let glyph = glyph(character).unwrap_or(Glyph { path: MISSING, base: '0', mark: None });
        let middle = cursor + wide / 2.0;
        let left = middle - advance_em(glyph.base) * UNITS_PER_EM / 2.0;
        let mut path = |at: f64, up: f64, d: &str| {
            if !d.is_empty() {
                let (at, up) = (Number(at), Number(-up));
                write_to(out, format_args!("<path transform=\"translate({at} {up})\" d=\"{d}\"/>"));
            }
        };
        path(left, 0.0, glyph.path);
        if let Some((mark, up)) = glyph.mark {
            path(middle, up, mark);
        }
        cursor += wide;
    }
    out.push_str("</g>");
}

/// The value of an attribute.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = attributes.split('"');
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        if key.trim().trim_end_matches('=') == name {
            return Some(value);
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_strokes_and_the_rest_stays() {
        let svg = "<svg><text x=\"1\" y=\"2\" font-size=\"13.9\" fill=\"red\" text-anchor=\"middle\">l&amp;é病</text><path/></svg>";
        let drawn = outlined(svg);
        assert!(drawn.starts_with("<svg><g transform=\"translate(1 2) scale(1.00000)\""), "{drawn}");
        assert!(drawn.ends_with("</g><path/></svg>") && !drawn.contains("<text"));
        assert_eq!(drawn.matches("<path transform").count(), 5, "{drawn}");
        assert!(drawn.contains(MISSING) && drawn.contains("stroke=\"red\""));
    }
}
