//! Files that are almost what they should be.
#![allow(dead_code, reason = "each user takes some of it")]

/// Numbers that only depend on where they start (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Another sequence for every seed, name and number.
    pub(crate) fn new(seed: u64, name: &str, number: u64) -> Self {
        let mut state = Self(seed);
        for byte in name.bytes() {
            state.0 = state.next() ^ u64::from(byte);
        }
        state.0 = state.next() ^ number;
        state
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`; zero for none.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % count).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.below(from.len());
        from.get(index)
    }

    /// A range of at most `longest` bytes.
    fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(longest + 1)).min(length)
    }
}

/// Numbers that are too large, too small, no numbers, or numbers of another kind.
const NUMBERS: [&str; 28] = [
    "1e308",
    "-1e308",
    "1e309",
    "-0",
    "0",
    "-1",
    "1",
    "2",
    "NaN",
    ".nan",
    ".inf",
    "-.inf",
    "inf",
    "5e-324",
    "1e-9",
    "1e6",
    "-1000000",
    "1e16",
    "4294967295",
    "2147483648",
    "18446744073709551616",
    "99999999999999999999999999",
    "0x10",
    "1_000",
    "07",
    "1.",
    "true",
    "null",
];

/// Pieces that mean something to JSON, YAML, XML, TOML or images.
const PIECES: [&str; 36] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "'",
    "\n",
    "\t",
    " ",
    "-",
    "#",
    "&a ",
    "*a",
    "!!str ",
    "|",
    ">",
    "?",
    "---\n",
    "<",
    ">",
    "/>",
    "<!DOCTYPE x>",
    "<![CDATA[",
    "&lt;",
    "=",
    "[[x]]\n",
    "\\u0000",
    "\\",
    "{}",
    "[]",
    "\u{feff}",
    "P5",
    "null",
    "\u{0}",
];

/// What opens a level of nesting.
const NESTS: [&str; 6] = ["[", "{\"a\":", "{a: ", "- ", "<a>", "[{\"a\":"];

/// The bytes with one to six things done to them.
pub(crate) fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(6) {
        change(&mut bytes, random);
        // Half of the time one change is all.
        if random.below(2) == 0 {
            break;
        }
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let length = bytes.len();
    match random.below(14) {
        // A bit, and a byte.
        0 => {
            let (place, bit) = (random.below(length), random.below(8));
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << bit;
            }
        }
        1 => {
            let (place, value) = (random.below(length), random.below(256));
            if let (Some(byte), Ok(value)) = (bytes.get_mut(place), u8::try_from(value)) {
                *byte = value;
            }
        }
        // The end is missing.
        2 => bytes.truncate(random.below(length + 1)),
        // Something is missing, is there twice, or is somewhere else, too.
        3 => drop(bytes.drain(random.range(length, 64))),
        4 => {
            let piece = bytes.get(random.range(length, 4_096)).unwrap_or_default().to_vec();
            insert(bytes, random.below(length + 1), &piece);
        }
        5 => {
            let piece = bytes.get(random.range(length, 256)).unwrap_or_default().to_vec();
            let place = random.range(length, 256);
            drop(bytes.splice(place, piece));
        }
        // Lines go and change places.
        6 => {
            let line = line(bytes, random);
            drop(bytes.drain(line));
        }
        7 => {
            let line = line(bytes, random);
            let piece: Vec<u8> = bytes.drain(line).collect();
            insert(bytes, random.below(length + 1), &piece);
        }
        // Numbers become others.
        8..=10 => {
            if let Some(place) = number(bytes, random) {
                let text = random.pick(&NUMBERS).copied().unwrap_or_default();
                drop(bytes.splice(place, text.bytes()));
            }
        }
        // A word of the syntax too many.
        11 => {
            let piece = random.pick(&PIECES).copied().unwrap_or_default();
            insert(bytes, random.below(length + 1), piece.as_bytes());
        }
        // Deep nesting.
        12 => {
            let piece = random.pick(&NESTS).copied().unwrap_or_default();
            let depth = random.pick(&[30, 60, 300, 3_000]).copied().unwrap_or_default();
            insert(bytes, random.below(length + 1), piece.repeat(depth).as_bytes());
        }
        // A key and its value go.
        _ => {
            if let Some(place) = entry(bytes, random) {
                drop(bytes.drain(place));
            }
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let at = at.min(bytes.len());
    drop(bytes.splice(at..at, piece.iter().copied()));
}

/// A line with its end.
fn line(bytes: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let at = random.below(bytes.len());
    let (before, after) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = after.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
    start..end
}

/// The next number after some place.
fn number(bytes: &[u8], random: &mut Random) -> Option<std::ops::Range<usize>> {
    let from = random.below(bytes.len());
    let start = from + bytes.get(from..)?.iter().position(u8::is_ascii_digit)?;
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let length = bytes.get(start..)?.iter().position(|byte| !is_part(byte)).unwrap_or(bytes.len() - start);
    let sign = start.checked_sub(1).filter(|at| bytes.get(*at) == Some(&b'-'));
    Some(sign.unwrap_or(start)..start + length)
}

/// From a colon or equals sign back to the separator before its key, and on to the separator after its value.
fn entry(bytes: &[u8], random: &mut Random) -> Option<std::ops::Range<usize>> {
    let from = random.below(bytes.len());
    let colon = from + bytes.get(from..)?.iter().position(|byte| matches!(byte, b':' | b'='))?;
    let separates = |byte: &u8| matches!(byte, b',' | b'{' | b'\n' | b' ');
    let start = bytes.get(..colon)?.iter().rposition(separates).map_or(0, |end| end + 1);
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b'\n' | b'>');
    let end = bytes.get(colon..)?.iter().position(ends).map_or(bytes.len(), |end| colon + end);
    Some(start..end)
}
