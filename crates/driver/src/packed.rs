//! Lists of words in few bytes: of each list only what differs from the one before takes room.
//!
//! ```text
//! list  = number of words, then for each word its difference from the word at the same place of the list before
//!         (zigzag; a missing word is 0); a run of equal words is 0 and how many more there are
//! ```
//!
//! All numbers are LEB128: seven bits a byte, the lowest first; the highest bit says that more follow.

/// The longest list, in words: what damaged bytes can claim.
pub const WORDS_MAX: usize = 4_096;

/// Packs or unpacks lists that resemble each other, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Column {
    before: Vec<u64>,
}

impl Column {
    /// Appends a list; one that is longer than [`WORDS_MAX`] cannot be read back.
    pub fn put(&mut self, words: Vec<u64>, bytes: &mut Vec<u8>) {
        put_word(bytes, words.len() as u64);
        let mut equal = 0_u64;
        for (index, word) in words.iter().enumerate() {
            let difference = word.wrapping_sub(self.before(index));
            if difference == 0 {
                equal += 1;
                continue;
            }
            put_run(bytes, std::mem::take(&mut equal));
            put_word(bytes, zigzag(difference));
        }
        put_run(bytes, equal);
        self.before = words;
    }

    /// The next list; `None` at the end, or when the bytes are no list.
    pub fn take(&mut self, bytes: &mut impl Iterator<Item = u8>) -> Option<&[u64]> {
        let length = usize::try_from(take_word(bytes)?).ok().filter(|length| *length <= WORDS_MAX)?;
        let mut words = Vec::with_capacity(length);
        let mut after_run = false;
        while words.len() < length {
            let difference = take_word(bytes)?;
            // Two runs in a row are one: there is one form for each list.
            if difference == 0 && after_run {
                return None;
            }
            after_run = difference == 0;
            let run =
                if difference == 0 { usize::try_from(take_word(bytes)?).ok()?.checked_add(1)? } else { 1 };
            if length - words.len() < run {
                return None;
            }
            for index in words.len()..words.len() + run {
                words.push(self.before(index).wrapping_add(unzigzag(difference)));
            }
        }
        self.before = words;
        Some(&self.before)
    }

    fn before(&self, index: usize) -> u64 {
        self.before.get(index).copied().unwrap_or(0)
    }
}

fn put_run(bytes: &mut Vec<u8>, equal: u64) {
    if let Some(more) = equal.checked_sub(1) {
        put_word(bytes, 0);
        put_word(bytes, more);
    }
}

/// Small differences in both directions become small numbers.
const fn zigzag(difference: u64) -> u64 {
    let signed = difference.cast_signed();
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

const fn unzigzag(word: u64) -> u64 {
    (word >> 1) ^ (word & 1).wrapping_neg()
}

/// Appends one number.
pub fn put_word(bytes: &mut Vec<u8>, mut word: u64) {
    loop {
        let [low, ..] = word.to_le_bytes();
        word >>= 7;
        if word == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

/// The next number; `None` at the end, when it does not fit, or when it has more bytes than it needs.
pub fn take_word(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut word = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.next()?;
        if byte == 0 && shift != 0 {
            return None;
        }
        let bits = u64::from(byte & 0x7f);
        let placed = bits << shift;
        if placed >> shift != bits {
            return None;
        }
        word |= placed;
        if byte & 0x80 == 0 {
            return Some(word);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few values, so that runs are common, and the largest ones.
    fn word() -> impl Strategy<Value = u64> {
        prop_oneof![0_u64..3, Just(u64::MAX), Just(1 << 63), any::<u64>()]
    }

    proptest! {
        /// Words come back as they went in, and damaged bytes never panic.
        #[test]
        fn words_come_back(words: Vec<u64>, cut in 0_usize..20) {
            let mut bytes = Vec::new();
            for word in &words {
                put_word(&mut bytes, *word);
            }
            let mut from = bytes.iter().copied();
            let read: Vec<u64> = std::iter::from_fn(|| take_word(&mut from)).collect();
            prop_assert_eq!(&read, &words);
            let mut from = bytes.iter().copied().skip(cut);
            while take_word(&mut from).is_some() {}
        }

        /// Lists come back in their order, and damaged bytes are read or refused.
        #[test]
        fn lists_come_back(lists in prop::collection::vec(prop::collection::vec(word(), 0..12), 0..6), cut in 0_usize..20) {
            let mut bytes = Vec::new();
            let mut column = Column::default();
            for list in &lists {
                column.put(list.clone(), &mut bytes);
            }
            let mut column = Column::default();
            let mut from = bytes.iter().copied();
            for list in &lists {
                prop_assert_eq!(column.take(&mut from), Some(list.as_slice()));
            }
            prop_assert_eq!(from.next(), None);
            let mut from = bytes.iter().copied().skip(cut);
            while column.take(&mut from).is_some() {}
        }
    }

    #[test]
    fn there_is_one_form_for_each_list() {
        let list = |bytes: &[u8]| Column::default().take(&mut bytes.iter().copied()).map(<[u64]>::to_vec);
        assert_eq!(list(&[2, 0, 1]), Some(vec![0, 0]));
        assert_eq!(list(&[2, 0, 0, 0, 0]), None, "two runs");
        assert_eq!(list(&[0x82, 0, 0, 1]), None, "a length with a byte too many");
        assert_eq!(list(&[2, 0, 2]), None, "a run longer than the list");
    }

    #[test]
    fn a_list_that_changes_little_takes_little() {
        let mut bytes = Vec::new();
        let mut column = Column::default();
        column.put((1_000_000..1_000_200).collect(), &mut bytes);
        bytes.clear();
        column.put((1_000_000..1_000_199).chain([9]).collect(), &mut bytes);
        // Length, run, and one difference.
        assert_eq!(bytes.len(), 2 + 3 + 3);
    }

    #[test]
    fn a_list_cannot_claim_more_than_the_longest() {
        let mut bytes = Vec::new();
        put_word(&mut bytes, WORDS_MAX as u64 + 1);
        put_word(&mut bytes, 0);
        put_word(&mut bytes, WORDS_MAX as u64);
        assert_eq!(Column::default().take(&mut bytes.into_iter()), None);
    }
}
