//! Grey images in the formats of netpbm: P2 (text) and P5 (binary).

use super::{ImportError, ImportProblem, raster::CELLS_MAX};

/// The largest file that is read: a byte per cell and room for a header, or a few digits per cell.
const BYTES_MAX: usize = 4 * CELLS_MAX;

/// A grey image; the first row is the upper one.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) width: usize,
    pub(super) height: usize,
    /// From 0 (black) to 255 (white), row by row.
    pub(super) greys: Vec<u8>,
}

impl Image {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ImportError> {
        if BYTES_MAX < bytes.len() {
            return Err(refuse(ImportProblem::TooLarge { bytes: bytes.len(), limit: BYTES_MAX }));
        }
        let mut words = Words { rest: bytes };
        let is_binary = match words.next() {
            Some(b"P5") => true,
            Some(b"P2") => false,
            _ => {
                return Err(refuse(ImportProblem::Unsupported {
                    what: "an image that is not PGM (P2 or P5)",
                }));
            }
        };
        let (width, height, white) = (words.number()?, words.number()?, words.number()?);
        if !(1..=255).contains(&white) {
            return Err(refuse(ImportProblem::Unsupported { what: "an image with more than 255 greys" }));
        }
        let count = width.checked_mul(height).filter(|count| (1..=CELLS_MAX).contains(count));
        let Some(count) = count else {
            return Err(refuse(ImportProblem::TooMany { what: "cells (or none)", limit: CELLS_MAX }));
        };
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
        Ok(Self { width, height, greys: greys.into_iter().map(scale).collect() })
    }
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
