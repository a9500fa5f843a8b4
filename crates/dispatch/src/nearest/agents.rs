//! Where agents are, and sets of them.

use super::AGENTS_MAX;

/// Where agents are: at places, or on the way to one of two.
///
/// An agent on a lane that it may leave at both ends has two standings: what is ahead and what is behind, each with the
/// time until it is there. One that is busy has the place and the time at which it will be free.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    /// By place: the first standing there.
    heads: Vec<u32>,
    /// By standing; each agent has two.
    all: Vec<Standing>,
    /// Standings that count from later than now.
    later: usize,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    place: u32,
    offset_ms: u32,
    next: u32,
    before: u32,
}

/// No standing, or no place.
const NONE: u32 = u32::MAX;
const NOWHERE: Standing = Standing { place: NONE, offset_ms: 0, next: NONE, before: NONE };

impl Standings {
    /// Nobody is at any of the places.
    pub fn new(places: u32) -> Self {
        Self { heads: vec![NONE; places as usize], all: Vec::new(), later: 0 }
    }

    /// Puts an agent where it can be, at one place or at either of two, and when, in milliseconds from now; nowhere takes
    /// it out. Unknown places are left out. Constant time, but for the first time of the highest agent so far. Returns
    /// whether there is room for such an agent: numbers are below [`AGENTS_MAX`].
    pub fn place(&mut self, agent: u32, at: &[(u32, u32)]) -> bool {
        if AGENTS_MAX <= agent {
            return false;
        }
        let first = agent as usize * 2;
        if self.all.len() < first + 2 {
            self.all.resize(first + 2, NOWHERE);
        }
        let mut at = at.iter().filter(|(place, _)| (*place as usize) < self.heads.len()).take(2).copied();
        let both = [at.next(), at.next()];
        for (number, to) in (agent * 2..).zip(both) {
            self.take_out(number);
            if let Some((place, offset_ms)) = to {
                self.put_in(number, place, offset_ms);
            }
        }
        true
    }

    /// Where an agent can be, and when.
    pub fn of(&self, agent: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let both = self.all.iter().skip(agent as usize * 2).take(2).filter(|standing| standing.place != NONE);
        both.map(|standing| (standing.place, standing.offset_ms))
    }

    fn take_out(&mut self, number: u32) {
        let Some(standing) = self.all.get_mut(number as usize) else { return };
        let Standing { place, offset_ms, next, before } = std::mem::replace(standing, NOWHERE);
        if place == NONE {
            return;
        }
        self.later -= usize::from(offset_ms != 0);
        match self.all.get_mut(before as usize) {
            Some(before) => before.next = next,
            None => self.heads.get_mut(place as usize).into_iter().for_each(|head| *head = next),
        }
        if let Some(next) = self.all.get_mut(next as usize) {
            next.before = before;
        }
    }

    fn put_in(&mut self, number: u32, place: u32, offset_ms: u32) {
        let Some(head) = self.heads.get_mut(place as usize) else { return };
        let next = std::mem::replace(head, number);
        if let Some(next) = self.all.get_mut(next as usize) {
            next.before = number;
        }
        if let Some(standing) = self.all.get_mut(number as usize) {
            *standing = Standing { place, offset_ms, next, before: NONE };
            self.later += usize::from(offset_ms != 0);
        }
    }

    /// Who can be at a place, and when.
    #[inline]
    pub(super) fn at(&self, place: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut number = self.heads.get(place as usize).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let standing = self.all.get(number as usize)?;
            let agent = number / 2;
            number = standing.next;
            Some((agent, standing.offset_ms))
        })
    }

    /// The least offset of anybody in a set.
    pub(super) fn least_offset(&self, set: &AgentSet) -> u32 {
        if self.later == 0 {
            return 0;
        }
        set.iter().flat_map(|agent| self.of(agent)).map(|(_, offset_ms)| offset_ms).min().unwrap_or(0)
    }
}

/// A set of agents by number: one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSet {
    words: Vec<u64>,
}

impl AgentSet {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or removes an agent. Constant time, but for the first time of the highest agent so far. Returns whether there
    /// is room for such an agent: numbers are below [`AGENTS_MAX`].
    pub fn set(&mut self, agent: u32, is_in: bool) -> bool {
        if AGENTS_MAX <= agent {
            return false;
        }
        let (word, bit) = (agent as usize / 64, 1 << (agent % 64));
        if is_in && self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word = if is_in { *word | bit } else { *word & !bit };
        }
        true
    }

    /// Whether an agent is in it.
    #[inline]
    pub fn contains(&self, agent: u32) -> bool {
        self.words.get(agent as usize / 64).is_some_and(|word| word >> (agent % 64) & 1 != 0)
    }

    /// How many there are. O(highest agent / 64)
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Keeps those who are in the other set as well. O(highest agent / 64)
    pub fn intersect(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Adds all who are in the other set. O(highest agent / 64)
    pub fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Who is in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..).step_by(64).zip(&self.words).flat_map(|(first, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(first + bit)
            })
        })
    }
}

impl FromIterator<u32> for AgentSet {
    fn from_iter<I: IntoIterator<Item = u32>>(agents: I) -> Self {
        let mut set = Self::new();
        for agent in agents {
            set.set(agent, true);
        }
        set
    }
}
