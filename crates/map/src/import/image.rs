//! Images of rasters as greys: PNG, and the formats of netpbm P2 (text) and P5 (binary).
//!
//! Colours count as the mean of red, green and blue, as `map_server` takes them; 16 bits count as their upper eight.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use super::{ImportError, ImportProblem, raster::CELLS_MAX};

/// The largest file that is read: a byte per cell and room for a header, or a few digits per cell.
const BYTES_MAX: usize = 4 * CELLS_MAX;

/// A grey image; the first row is the upper one.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Row by row.
    pub(super) pixels: Vec<Pixel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pixel {
    /// From 0 (black) to 255 (white).
    pub(super) grey: u8,
    /// Whether nothing shines through.
    pub(super) is_opaque: bool,
}

impl Image {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ImportError> {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
        if BYTES_MAX < bytes.len() {
            return Err(refuse(ImportProblem::TooLarge { bytes: bytes.len(), limit: BYTES_MAX }));
        }
        if bytes.starts_with(PNG) { Self::of_png(bytes) } else { Self::of_netpbm(bytes) }
    }

    fn of_png(bytes: &[u8]) -> Result<Self, ImportError> {
        let damaged =
            |error: png::DecodingError| refuse(ImportProblem::Syntax { message: error.to_string() });
        // Four bytes a pixel, and what the decoder needs beside them.
        let limits = Limits { bytes: 2 * BYTES_MAX };
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(damaged)?;
        let (width, height) = (reader.info().width as usize, reader.info().height as usize);
        let count = cells(width, height)?;
        let size = reader.output_buffer_size().filter(|size| *size <= 4 * count).ok_or_else(short)?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples).map_err(damaged)?;
        let pixel = |samples: &[u8]| {
            let (colours, alpha) = match (frame.color_type, samples) {
                (ColorType::GrayscaleAlpha | ColorType::Rgba, [colours @ .., alpha]) => (colours, *alpha),
                (_, colours) => (colours, u8::MAX),
            };
            let sum: usize = colours.iter().map(|colour| usize::from(*colour)).sum();
            let mean = (sum + colours.len() / 2) / colours.len().max(1);
            Pixel { grey: u8::try_from(mean).unwrap_or(u8::MAX), is_opaque: alpha == u8::MAX }
        };
        let pixels: Vec<Pixel> =
            samples.chunks_exact(frame.color_type.samples()).take(count).map(pixel).collect();
        if pixels.len() < count { Err(short()) } else { Ok(Self { width, height, pixels }) }
    }

    fn of_netpbm(bytes: &[u8]) -> Result<Self, ImportError> {
        let mut words = Words { rest: bytes };
        let is_binary = match words.next() {
            Some(b"P5") => true,
            Some(b"P2") => false,
            _ => {
                return Err(refuse(ImportProblem::Unsupported {
                    what: "an image that is neither PNG nor PGM (P2 or P5)",
                }));
            }
        };
        let (width, height, white) = (words.number()?, words.number()?, words.number()?);
        if !(1..=255).contains(&white) {
            return Err(refuse(ImportProblem::Unsupported { what: "an image with more than 255 greys" }));
        }
        let count = cells(width, height)?;
        let greys: Vec<u8> = if is_binary {
            // One white space ends the header.
            let pixels = words.rest.get(1..).unwrap_or_default();
            pixels.get(..count).ok_or_else(short)?.to_vec()
        } else {
            // Every number takes a digit and a space.
            if words.rest.len() < count.saturating_mul(2).saturating_sub(1) {
                return Err(short());
            }
            let mut read = |_| {
                let grey = words.number()?;
                u8::try_from(grey).ok().ok_or_else(|| too_bright(u32::try_from(grey).unwrap_or(u32::MAX)))
            };
            (0..count).map(&mut read).collect::<Result<_, ImportError>>()?
        };
        if let Some(grey) = greys.iter().find(|grey| white < usize::from(**grey)) {
            return Err(too_bright(u32::from(*grey)));
        }
        let scale = |grey: u8| u8::try_from((usize::from(grey) * 255 + white / 2) / white).unwrap_or(u8::MAX);
        let pixel = |grey| Pixel { grey: scale(grey), is_opaque: true };
        Ok(Self { width, height, pixels: greys.into_iter().map(pixel).collect() })
    }
}

/// How many cells there are, if that is a number that is read.
fn cells(width: usize, height: usize) -> Result<usize, ImportError> {
    let count = width.checked_mul(height).filter(|count| (1..=CELLS_MAX).contains(count));
    count.ok_or_else(|| refuse(ImportProblem::TooMany { what: "cells (or none)", limit: CELLS_MAX }))
}

fn refuse(problem: ImportProblem) -> ImportError {
    ImportError::at("image", problem)
}

fn too_bright(grey: u32) -> ImportError {
    refuse(ImportProblem::OutOfRange { value: f64::from(grey), rule: "at most the largest grey" })
}

fn short() -> ImportError {
    refuse(ImportProblem::Syntax { message: "the image ends too early".to_owned() })
}

struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    /// The next word; a comment goes from `#` to the end of the line.
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if self.rest.first() != Some(&b'#') {
                break;
            }
            let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
        let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'#';
        let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn number(&mut self) -> Result<usize, ImportError> {
        let word = self.next().ok_or_else(short)?;
        let text =
            std::str::from_utf8(word).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            refuse(ImportProblem::WrongType {
                expected: "a whole number",
                found: super::tree::shorten(&String::from_utf8_lossy(word)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use png::{BitDepth, Encoder};
    use proptest::prelude::*;

    use super::*;

    fn png_of(width: u32, colour: ColorType, depth: BitDepth, palette: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, 1);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if !palette.is_empty() {
            encoder.set_palette(palette);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Vec<(u8, bool)> {
        Image::parse(bytes).unwrap().pixels.iter().map(|pixel| (pixel.grey, pixel.is_opaque)).collect()
    }

    #[test]
    fn every_kind_of_png_becomes_greys() {
        let eight = |colour, width, data: &[u8]| read(&png_of(width, colour, BitDepth::Eight, &[], data));
        assert_eq!(eight(ColorType::Grayscale, 3, &[0, 205, 254]), [(0, true), (205, true), (254, true)]);
        assert_eq!(eight(ColorType::Rgb, 2, &[10, 20, 30, 255, 255, 254]), [(20, true), (255, true)]);
        assert_eq!(eight(ColorType::GrayscaleAlpha, 2, &[7, 255, 7, 254]), [(7, true), (7, false)]);
        assert_eq!(eight(ColorType::Rgba, 2, &[9, 9, 9, 0, 9, 9, 9, 255]), [(9, false), (9, true)]);
        let bits = png_of(3, ColorType::Grayscale, BitDepth::One, &[], &[0b1010_0000]);
        assert_eq!(read(&bits), [(255, true), (0, true), (255, true)]);
        let indexed = png_of(2, ColorType::Indexed, BitDepth::Eight, &[0, 0, 0, 90, 100, 110], &[1, 0]);
        assert_eq!(read(&indexed), [(100, true), (0, true)]);
        let deep = png_of(1, ColorType::Grayscale, BitDepth::Sixteen, &[], &[200, 255]);
        assert_eq!(read(&deep), [(200, true)]);
    }

    #[test]
    fn a_png_that_is_too_large_or_ends_early_is_refused() {
        let whole = png_of(64, ColorType::Rgba, BitDepth::Eight, &[], &[80; 256]);
        for end in 0..whole.len() - 12 {
            assert!(Image::parse(&whole[..end]).is_err(), "{end}");
        }
        // A header that claims far more than there is: width and height are the first words of its first block.
        let mut huge = whole.clone();
        huge[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert!(Image::parse(&huge).is_err());
    }

    proptest! {
        #[test]
        fn changed_images_never_panic(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), netpbm in any::<bool>(),
        ) {
            let mut bytes = if netpbm {
                b"P5 4 4 255 0123456789abcdef".to_vec()
            } else {
                png_of(8, ColorType::Rgba, BitDepth::Eight, &[], &[80; 32])
            };
            for (place, byte) in edits {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(image) = Image::parse(&bytes) {
                prop_assert_eq!(image.pixels.len(), image.width * image.height);
            }
        }
    }
}
