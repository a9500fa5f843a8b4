//! Whose turns come at a resource.

use std::{collections::VecDeque, ops::RangeFrom};

/// A move that will claim a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) number: u64,
    pub(super) slot: u32,
}

/// Turns with numbers that grow from front to back. The first is kept apart from the others, for it is looked at far more
/// often.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    front: Option<Turn>,
    rest: VecDeque<Turn>,
}

impl Queue {
    pub(super) const EMPTY: Self = Self { front: None, rest: VecDeque::new() };

    pub(super) const fn front(&self) -> Option<Turn> {
        self.front
    }

    pub(super) fn get(&self, index: usize) -> Option<Turn> {
        match index.checked_sub(1) {
            None => self.front,
            Some(index) => self.rest.get(index).copied(),
        }
    }

    /// How many turns have numbers below this.
    pub(super) fn below(&self, number: u64) -> usize {
        if self.front.is_none_or(|front| number <= front.number) {
            return 0;
        }
        1 + self.rest.partition_point(|turn| turn.number < number)
    }

    /// The turns from an index on.
    pub(super) fn range(&self, from: RangeFrom<usize>) -> impl Iterator<Item = Turn> {
        from.map_while(|index| self.get(index))
    }

    /// Puts a turn where its number belongs; next to nothing at either end.
    pub(super) fn insert(&mut self, turn: Turn) {
        match self.front {
            Some(front) if front.number < turn.number => {
                let index = match self.rest.back() {
                    Some(back) if turn.number < back.number => {
                        self.rest.partition_point(|other| other.number < turn.number)
                    }
                    Some(_) | None => self.rest.len(),
                };
                self.rest.insert(index, turn);
            }
            Some(front) => {
                self.rest.push_front(front);
                self.front = Some(turn);
            }
            None => self.front = Some(turn),
        }
    }

    pub(super) fn pop_front(&mut self) {
        self.front = self.rest.pop_front();
    }

    /// Takes the turn with a number out, if it is there.
    pub(super) fn remove(&mut self, number: u64) {
        if self.front.is_some_and(|front| front.number == number) {
            self.pop_front();
        } else if let Ok(index) = self.rest.binary_search_by_key(&number, |turn| turn.number) {
            self.rest.remove(index);
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(Turn) -> bool) {
        self.rest.retain(|turn| keep(*turn));
        if self.front.is_some_and(|front| !keep(front)) {
            self.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.front = None;
        self.rest.clear();
    }
}
