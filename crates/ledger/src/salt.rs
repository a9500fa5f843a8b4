//! Salts: why nobody can guess a body that an export leaves out.
//!
//! A digest covers a body through `SHA-256(0x04 ‖ salt ‖ body)`. Many bodies are short and of few kinds, so without a
//! salt whoever has the digest would try them all. The salt of a record stands beside its body and goes when the body
//! goes.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Digest, envelope::joined};

/// First byte hashed for a salt.
const SALT_DOMAIN: u8 = 0x03;
/// First byte hashed for a body.
const BODY_DOMAIN: u8 = 0x04;

/// Length of a salt.
pub(crate) const SALT_LENGTH: usize = 16;

/// What stands before a body when it is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(pub [u8; SALT_LENGTH]);

impl Salt {
    /// What a digest covers in place of the body.
    pub(crate) fn commit(&self, body: &[u8]) -> Digest {
        let mut hash = Sha256::new();
        hash.update(joined::<{ 1 + SALT_LENGTH }>(&[&[BODY_DOMAIN], &self.0]));
        hash.update(body);
        Digest(hash.finalize().into())
    }
}

/// The secret from which the salts of a ledger are derived. It lives in a [`KeyTable`](crate::KeyTable), never in the
/// ledger, a snapshot or an export.
///
/// It must be drawn from a good source of randomness by whoever creates the ledger; this crate has none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SaltKey(Option<[u8; 32]>);

impl SaltKey {
    /// No secret: all salts are zero. Bodies that are left out of an export can be guessed, so this is for ledgers that
    /// say nothing about people, as those of simulations.
    pub const PUBLIC: Self = Self(None);

    /// The key with these secret bytes.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(Some(secret))
    }

    /// The secret bytes, for a key table.
    pub(crate) const fn secret(&self) -> Option<[u8; 32]> {
        self.0
    }

    /// The salt of record `seq`: the first 16 bytes of `SHA-256(0x03 ‖ secret ‖ seq)`. The salts of other records do
    /// not tell it.
    pub(crate) fn salt(&self, seq: u64) -> Salt {
        let Some(secret) = self.0 else { return Salt::default() };
        let bytes: [u8; 1 + 32 + 8] = joined(&[&[SALT_DOMAIN], &secret, &seq.to_le_bytes()]);
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        digest.first_chunk().map_or_else(Salt::default, |salt| Salt(*salt))
    }
}

impl fmt::Debug for SaltKey {
    /// Never the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "SaltKey(secret)" } else { "SaltKey(PUBLIC)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salts_differ_by_record_and_by_key() {
        let (one, two) = (SaltKey::new([1; 32]), SaltKey::new([2; 32]));
        assert_eq!(one.salt(7), one.salt(7));
        assert_ne!(one.salt(7), one.salt(8));
        assert_ne!(one.salt(7), two.salt(7));
        assert_eq!(SaltKey::PUBLIC.salt(7), Salt([0; 16]));
    }

    #[test]
    fn the_secret_is_never_printed() {
        assert_eq!(format!("{:?}", SaltKey::new([0xab; 32])), "SaltKey(secret)");
    }
}
