//! Who is behind a pseudonym, in a file of its own that can forget.
//!
//! A ledger names people by [`ActorId`] only. The table that leads from there to a person lives elsewhere; when a
//! person is to be forgotten, their entry is dropped and the chain stays as it is. The table also keeps the secret of
//! the salts, so whoever has a redacted export but not this table cannot guess what was left out.
//!
//! ```text
//! file  = magic (8) version (u16) salted (u8) secret (32) count (u32) entry* SHA-256 of all before
//! entry = actor (u32) erased (u8) length (u32) name                 integers little-endian
//! ```
//!
//! Dropping an entry rewrites the file. Copies, backups and what a disk keeps of the old file are the owner's to erase.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use sheepdog_core::ActorId;

use crate::SaltKey;

const MAGIC: [u8; 8] = *b"SHEEPKEY";
const VERSION: u16 = 1;

/// The longest name in bytes.
const NAME_LENGTH_MAX: usize = 1_024;

/// Pseudonyms with the people behind them, and the secret of the salts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTable {
    salts: SaltKey,
    /// `None` for a person who was forgotten: the pseudonym is never given to somebody else.
    names: BTreeMap<ActorId, Option<String>>,
}

/// Why a table cannot be read or extended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTableError {
    /// The bytes are no key table of this version.
    #[error("this is no key table that can be read here")]
    NotAKeyTable,
    /// The table was changed or cut short.
    #[error("the key table is damaged")]
    Damaged,
    /// The pseudonym belongs, or belonged, to somebody.
    #[error("pseudonym {0} was given to somebody before")]
    Taken(ActorId),
    /// The name is longer than 1024 bytes.
    #[error("the name is {length} bytes long, at most 1024 are allowed")]
    NameTooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl KeyTable {
    /// A table of nobody.
    pub const fn new(salts: SaltKey) -> Self {
        Self { salts, names: BTreeMap::new() }
    }

    /// The key for the salts, for [`Ledger::new`](crate::Ledger::new).
    pub const fn salts(&self) -> SaltKey {
        self.salts
    }

    /// Notes who is behind a pseudonym.
    ///
    /// # Errors
    /// [`KeyTableError::Taken`] if the pseudonym was ever given before, [`KeyTableError::NameTooLong`].
    pub fn assign(&mut self, actor: ActorId, name: &str) -> Result<(), KeyTableError> {
        if NAME_LENGTH_MAX < name.len() {
            return Err(KeyTableError::NameTooLong { length: name.len() });
        }
        if self.names.contains_key(&actor) {
            return Err(KeyTableError::Taken(actor));
        }
        self.names.insert(actor, Some(name.to_owned()));
        Ok(())
    }

    /// Who is behind a pseudonym; `None` if nobody knows, or nobody may any more.
    pub fn name(&self, actor: ActorId) -> Option<&str> {
        self.names.get(&actor)?.as_deref()
    }

    /// Forgets who is behind a pseudonym. Returns the name that was there. Store the table after it.
    pub fn erase(&mut self, actor: ActorId) -> Option<String> {
        self.names.get_mut(&actor)?.take()
    }

    /// Forgets the secret of the salts: nobody can prove any more what a redacted body was by its salt. Records that
    /// follow need a new key.
    pub fn erase_salts(&mut self) {
        self.salts = SaltKey::PUBLIC;
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let secret = self.salts.secret();
        let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes(), &[u8::from(secret.is_some())]].concat();
        bytes.extend(secret.unwrap_or_default());
        // There are fewer than 2^32 pseudonyms, as each is a number of 32 bits given once.
        bytes.extend(u32::try_from(self.names.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (actor, name) in &self.names {
            let text = name.as_deref().unwrap_or_default();
            bytes.extend(actor.0.to_le_bytes());
            bytes.push(u8::from(name.is_none()));
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes
    }

    /// Reads the bytes of the file.
    ///
    /// # Errors
    /// [`KeyTableError::NotAKeyTable`] or [`KeyTableError::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyTableError> {
        let start = bytes.strip_prefix(&MAGIC).and_then(|rest| rest.strip_prefix(&VERSION.to_le_bytes()));
        start.ok_or(KeyTableError::NotAKeyTable)?;
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(KeyTableError::Damaged)?;
        if Sha256::digest(content).as_slice() != digest {
            return Err(KeyTableError::Damaged);
        }
        Self::parse(content).ok_or(KeyTableError::Damaged)
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let (_start, rest) = content.split_first_chunk::<10>()?;
        let (salted, rest) = rest.split_first()?;
        let (secret, rest) = rest.split_first_chunk()?;
        let (count, mut rest) = rest.split_first_chunk()?;
        let salts = if *salted == 0 { SaltKey::PUBLIC } else { SaltKey::new(*secret) };
        let mut table = Self::new(salts);
        for _ in 0..u32::from_le_bytes(*count) {
            let (actor, after) = rest.split_first_chunk()?;
            let (erased, after) = after.split_first()?;
            let (length, after) = after.split_first_chunk()?;
            let (name, after) = after.split_at_checked(u32::from_le_bytes(*length).try_into().ok()?)?;
            let name = std::str::from_utf8(name).ok()?.to_owned();
            table.names.insert(ActorId(u32::from_le_bytes(*actor)), (*erased == 0).then_some(name));
            rest = after;
        }
        rest.is_empty().then_some(table)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> KeyTable {
        let mut table = KeyTable::new(SaltKey::new([7; 32]));
        table.assign(ActorId(3), "Ada Lovelace").unwrap();
        table.assign(ActorId(9), "Grace Hopper").unwrap();
        table
    }

    #[test]
    fn the_forgotten_are_gone_from_the_bytes_and_their_pseudonym_is_not_given_again() {
        let mut table = table();
        assert_eq!(table.name(ActorId(3)), Some("Ada Lovelace"));
        assert_eq!(table.erase(ActorId(3)), Some("Ada Lovelace".to_owned()));
        assert_eq!(table.erase(ActorId(3)), None);
        assert_eq!(table.name(ActorId(3)), None);
        assert_eq!(table.assign(ActorId(3), "Eve"), Err(KeyTableError::Taken(ActorId(3))));
        let bytes = table.encode();
        assert!(!bytes.windows(3).any(|three| three == b"Ada"));
        assert!(bytes.windows(5).any(|five| five == b"Grace"));
        assert_eq!(KeyTable::decode(&bytes), Ok(table.clone()));
        table.erase_salts();
        assert!(!table.encode().windows(32).any(|secret| secret == [7; 32]));
    }

    #[test]
    fn names_have_a_longest_length() {
        let name = "x".repeat(1_025);
        let refused = KeyTable::default().assign(ActorId(0), &name);
        assert_eq!(refused, Err(KeyTableError::NameTooLong { length: 1_025 }));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let bytes = table().encode();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(KeyTable::decode(&changed).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(KeyTable::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    proptest! {
        /// What was stored is what is read.
        #[test]
        fn a_table_survives_its_file(
            secret in prop::option::of(any::<[u8; 32]>()),
            people in prop::collection::btree_map(any::<u32>(), ("\\PC{0,8}", any::<bool>()), 0..6),
        ) {
            let mut table = KeyTable::new(secret.map_or(SaltKey::PUBLIC, SaltKey::new));
            for (actor, (name, erased)) in people {
                table.assign(ActorId(actor), &name).unwrap();
                if erased {
                    table.erase(ActorId(actor));
                }
            }
            prop_assert_eq!(KeyTable::decode(&table.encode()), Ok(table));
        }
    }
}
