//! Checkpoints as signed text, to be kept where the writer of the ledger cannot reach them.
//!
//! The layout is that of C2SP `tlog-checkpoint` and `signed-note`, so that witnesses and monitors of transparency logs
//! can take part:
//!
//! ```text
//! hospital.example/ledger                          origin: which ledger
//! 1234                                             records
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      root, base64
//! chain 4f0a...                                    digest of the last record, hexadecimal
//!
//! — hospital.example/ledger Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE
//! ```
//!
//! A signature line has a name and, in base64, four bytes that tell the key and the signature over everything up to the
//! empty line, without it. This crate brings no signature scheme: the host implements [`Sign`] and [`VerifySignature`]
//! with whatever its keys are.

use std::fmt;

use crate::{Checkpoint, Digest};

/// Starts a signature line.
const DASH: &str = "\u{2014} ";
/// Starts the line with the digest of the last record.
const CHAIN: &str = "chain ";
/// The most bytes of a note, and so the bound of what reading one costs.
const NOTE_LENGTH_MAX: usize = 1 << 16;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Something that signs, such as a key in a security module.
pub trait Sign {
    /// Name of the key, without spaces, plus signs and line ends.
    fn name(&self) -> &str;

    /// Tells keys of one name apart; C2SP: the first bytes of `SHA-256(name ‖ 0x0a ‖ algorithm ‖ public key)`.
    fn key_id(&self) -> [u8; 4];

    /// The signature over a text.
    ///
    /// # Errors
    /// What the key says when it cannot sign.
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Something that knows a public key.
pub trait VerifySignature {
    /// Name of the key, as [`Sign::name`].
    fn name(&self) -> &str;

    /// As [`Sign::key_id`].
    fn key_id(&self) -> [u8; 4];

    /// Whether the key signed the text.
    fn verify(&self, text: &[u8], signature: &[u8]) -> bool;
}

/// Why a key did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key did not sign: {0}")]
pub struct SignError(pub String);

/// Why a note was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The text is no checkpoint in this layout.
    #[error("line {line} of the checkpoint is not as it should be")]
    Malformed {
        /// Counted from one.
        line: usize,
    },
    /// A name is empty or holds spaces, plus signs or control characters where none may be.
    #[error("{0:?} cannot be a name in a checkpoint")]
    Name(String),
    /// No line is signed by the key.
    #[error("the checkpoint is not signed by {0:?}")]
    NotSigned(String),
    /// The key's signature is not over this text.
    #[error("the signature of {0:?} is wrong")]
    WrongSignature(String),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A checkpoint with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    origin: String,
    checkpoint: Checkpoint,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note {
    /// A checkpoint of the ledger called `origin`, not signed yet.
    ///
    /// # Errors
    /// [`NoteError::Name`] if the origin is empty or holds control characters.
    pub fn new(origin: &str, checkpoint: Checkpoint) -> Result<Self, NoteError> {
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(NoteError::Name(origin.to_owned()));
        }
        Ok(Self { origin: origin.to_owned(), checkpoint, signatures: Vec::new() })
    }

    /// Which ledger this is of.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What it says. Trust it after [`verify`](Self::verify), or if it came from a trusted place.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// What a signature covers: origin, size, root and chain, one a line.
    pub fn text(&self) -> String {
        let Checkpoint { seq, digest, root } = &self.checkpoint;
        format!("{}\n{seq}\n{}\n{CHAIN}{digest}\n", self.origin, to_base64(&root.0))
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// [`NoteError::Name`] if the key's name cannot stand in a note, [`NoteError::Sign`] if it does not sign.
    pub fn sign(&mut self, key: &dyn Sign) -> Result<(), NoteError> {
        let name = key.name();
        if !is_key_name(name) {
            return Err(NoteError::Name(name.to_owned()));
        }
        let bytes = key.sign(self.text().as_bytes())?;
        self.signatures.push(Signature { name: name.to_owned(), key_id: key.key_id(), bytes });
        Ok(())
    }

    /// Whether the key has signed this checkpoint. Signatures of other keys do not matter.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`] or [`NoteError::WrongSignature`].
    pub fn verify(&self, key: &dyn VerifySignature) -> Result<(), NoteError> {
        let text = self.text();
        let of_key =
            |signature: &&Signature| signature.name == key.name() && signature.key_id == key.key_id();
        let signature = self.signatures.iter().find(of_key);
        let signature = signature.ok_or_else(|| NoteError::NotSigned(key.name().to_owned()))?;
        if key.verify(text.as_bytes(), &signature.bytes) {
            Ok(())
        } else {
            Err(NoteError::WrongSignature(key.name().to_owned()))
        }
    }

    /// How many signatures there are, of whatever keys.
    pub const fn signatures(&self) -> usize {
        self.signatures.len()
    }

    /// Reads a note; signatures are not checked, see [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`NoteError`] unless the text is exactly what a [`Note`] is printed as.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if NOTE_LENGTH_MAX < text.len() {
            return Err(NoteError::Malformed { line: 1 });
        }
        let mut lines = text.split_terminator('\n');
        let mut line = |number: usize| lines.next().ok_or(NoteError::Malformed { line: number });
        let origin = line(1)?;
        let malformed = |line| NoteError::Malformed { line };
        let seq = line(2)?.parse().map_err(|_| malformed(2))?;
        let root =
            from_base64(line(3)?).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| malformed(3))?;
        let digest = line(4)?.strip_prefix(CHAIN).and_then(digest_from_hex).ok_or_else(|| malformed(4))?;
        if !line(5)?.is_empty() {
            return Err(malformed(5));
        }
        let mut note = Self::new(origin, Checkpoint { seq, digest, root: Digest(root) })?;
        for (number, line) in (6..).zip(lines) {
            note.signatures.push(parse_signature(line).ok_or_else(|| malformed(number))?);
        }
        // One note, one text: leading zeros, other base64 and missing line ends are refused.
        if note.to_string() == text { Ok(note) } else { Err(malformed(1)) }
    }
}

impl fmt::Display for Note {
    /// The whole note: text, empty line, signatures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text())?;
        for Signature { name, key_id, bytes } in &self.signatures {
            writeln!(f, "{DASH}{name} {}", to_base64(&[&key_id[..], bytes].concat()))?;
        }
        Ok(())
    }
}

fn is_key_name(name: &str) -> bool {
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && !name.chars().any(is_forbidden)
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = from_base64(encoded)?;
    let (key_id, bytes) = bytes.split_first_chunk()?;
    is_key_name(name).then(|| Signature { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
}

fn digest_from_hex(text: &str) -> Option<Digest> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
    Some(Digest(bytes.try_into().ok()?))
}

/// Base64 of RFC 4648, section 4, with padding.
fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded.iter_mut().skip(1).zip(group).for_each(|(to, from)| *to = *from);
        let bits = u32::from_be_bytes(padded);
        for place in 0..4 {
            let symbol = ALPHABET.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if place <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}

/// Reads what [`to_base64`] wrote. Bits that the padding makes meaningless are dropped; the caller compares the texts.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (groups, []) = text.as_bytes().as_chunks::<4>() else { return None };
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for group in groups {
        let symbols = group.iter().position(|symbol| *symbol == b'=').unwrap_or(4);
        if symbols < 2 {
            return None;
        }
        let mut bits = 0;
        for symbol in group.iter().take(symbols) {
            let value = ALPHABET.iter().position(|known| known == symbol)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        bits <<= 6 * (4 - symbols);
        bytes.extend(bits.to_be_bytes().iter().skip(1).take(symbols - 1));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// A toy: a hash with a shared secret. Real hosts use a real scheme.
    struct Toy(&'static str, u8);

    impl Toy {
        fn mac(&self, text: &[u8]) -> Vec<u8> {
            Sha256::digest([&[self.1], text].concat()).to_vec()
        }
    }

    impl Sign for Toy {
        fn name(&self) -> &str {
            self.0
        }

        fn key_id(&self) -> [u8; 4] {
            [self.1; 4]
        }

        fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
            if self.1 == 0 { Err(SignError("no key".to_owned())) } else { Ok(self.mac(text)) }
        }
    }

    impl VerifySignature for Toy {
        fn name(&self) -> &str {
            self.0
        }

        fn key_id(&self) -> [u8; 4] {
            [self.1; 4]
        }

        fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
            self.mac(text) == signature
        }
    }

    fn note() -> Note {
        let checkpoint = Checkpoint { seq: 1_234, digest: Digest([0xcd; 32]), root: Digest([0xab; 32]) };
        let mut note = Note::new("hospital.example/ledger", checkpoint).unwrap();
        note.sign(&Toy("hospital.example/ledger", 7)).unwrap();
        note.sign(&Toy("witness.example", 8)).unwrap();
        note
    }

    #[test]
    fn a_note_looks_as_documented() {
        let text = note().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["hospital.example/ledger", "1234"]);
        assert_eq!(lines[2], "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=");
        assert_eq!(lines[3], format!("chain {}", "cd".repeat(32)));
        assert_eq!(lines[4], "");
        assert!(lines[5].starts_with("\u{2014} hospital.example/ledger BwcHB"));
        assert!(lines[6].starts_with("\u{2014} witness.example CAgIC"));
        assert_eq!(lines.len(), 7);
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn only_the_keys_that_signed_verify() {
        let note = Note::parse(&note().to_string()).unwrap();
        assert_eq!(note.verify(&Toy("hospital.example/ledger", 7)), Ok(()));
        assert_eq!(note.verify(&Toy("witness.example", 8)), Ok(()));
        let stranger = Toy("witness.example", 9);
        assert_eq!(note.verify(&stranger), Err(NoteError::NotSigned("witness.example".to_owned())));
        let text = note.to_string().replacen("1234", "1235", 1);
        let forged = Note::parse(&text).unwrap();
        assert!(matches!(forged.verify(&Toy("witness.example", 8)), Err(NoteError::WrongSignature(_))));
    }

    #[test]
    fn names_that_would_break_the_layout_are_refused() {
        let checkpoint = *note().checkpoint();
        assert!(matches!(Note::new("", checkpoint), Err(NoteError::Name(_))));
        assert!(matches!(Note::new("a\nb", checkpoint), Err(NoteError::Name(_))));
        for name in ["", "a b", "a+b", "a\nb"] {
            assert!(matches!(note().sign(&Toy(name, 1)), Err(NoteError::Name(_))), "{name:?}");
        }
        assert!(matches!(note().sign(&Toy("a", 0)), Err(NoteError::Sign(_))));
    }

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_rfc() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in vectors.into_iter().enumerate() {
            assert_eq!(to_base64(&b"foobar"[..length]), text);
            assert_eq!(from_base64(text).as_deref(), Some(&b"foobar"[..length]));
        }
        for wrong in ["Z", "Zg", "Zg=", "Z===", "Zm9v====", "Z%==", "Zm9vZ"] {
            assert_eq!(from_base64(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// A note is read back as it was, and every text is read as one note or none.
        #[test]
        fn one_note_one_text(seq: u64, digest: [u8; 32], root: [u8; 32], at: prop::sample::Index, to in "[ -~\n]") {
            let mut note = Note::new("o", Checkpoint { seq, digest: Digest(digest), root: Digest(root) }).unwrap();
            note.sign(&Toy("k", 3)).unwrap();
            let text = note.to_string();
            prop_assert_eq!(Note::parse(&text), Ok(note.clone()));
            let (start, _) = text.char_indices().nth(at.index(text.chars().count())).unwrap();
            let mut changed = text.clone();
            changed.replace_range(start..start + changed[start..].chars().next().unwrap().len_utf8(), &to);
            if changed != text && let Ok(other) = Note::parse(&changed) {
                prop_assert_ne!(&other, &note);
                prop_assert_eq!(other.to_string(), changed);
            }
        }

        /// Arbitrary texts are refused, not panicked on.
        #[test]
        fn arbitrary_texts_are_judged(text in "[\\PC\n]{0,200}") {
            if let Ok(note) = Note::parse(&text) {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }
}
