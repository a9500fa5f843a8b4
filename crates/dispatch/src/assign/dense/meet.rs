//! One row that has changed, looked for from both ends.

use super::{ALONE, Column, DenseAssignment, Next, Row};

/// What a search that goes back from the column that is free knows.
///
/// Dijkstra's algorithm, without a queue: whoever is next is found while a whole column is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Backwards {
    /// The matrix column by column, once one was needed.
    costs: Vec<i64>,
    /// By row, as they are while a search goes on: its dual, ...
    duals: Vec<i64>,
    /// ... how much dearer everything gets if it gives its column up and that ends with the free one, ...
    dearer: Vec<i64>,
    /// ... the same, and no end for whoever has been looked at, ...
    ahead: Vec<i64>,
    /// ... and which column it would take.
    takes: Vec<u32>,
}

/// Where both searches have met: by how much everything gets dearer on the way over a row.
#[derive(Clone, Copy)]
struct Meeting {
    dearer: i64,
    row: u32,
}

impl Backwards {
    /// Takes a row in that has changed.
    pub(super) fn set_row(&mut self, row: u32, costs: &[i64]) {
        let rows = costs.len();
        let column = self.costs.chunks_exact_mut(rows).zip(costs);
        column.for_each(|(column, cost)| column[row as usize] = *cost);
    }

    fn begin(&mut self, assignment: &[i64], duals: impl ExactSizeIterator<Item = i64>) {
        let rows = duals.len();
        if self.costs.is_empty() {
            self.costs = transposed(assignment, rows);
        }
        self.duals.clear();
        self.duals.extend(duals);
        self.takes.clear();
        self.takes.resize(rows, ALONE);
        for known in [&mut self.dearer, &mut self.ahead] {
            known.clear();
            known.resize(rows, i64::MAX);
        }
    }

    /// Looks for those who could take a column at which everything is so much dearer, and tells of all for whom that is less
    /// than what was known.
    fn ask(&mut self, column: u32, price: i64, more: i64, mut tell: impl FnMut(u32, i64)) {
        let Self { costs, duals, dearer, ahead, takes } = self;
        let rows = duals.len();
        let costs = &costs[column as usize * rows..][..rows];
        let known = dearer.iter_mut().zip(ahead.iter_mut()).zip(takes.iter_mut());
        for (row, ((cost, dual), ((known, ahead), takes))) in (0..).zip(costs.iter().zip(&*duals).zip(known))
        {
            let more = more + price + cost - dual;
            if more < *known {
                (*known, *ahead, *takes) = (more, more, column);
                tell(row, more);
            }
        }
    }

    /// Who is next, once, and how much dearer everything is there; `None` when everybody has been looked at.
    fn next(&mut self) -> Option<(i64, Option<u32>)> {
        let (row, ahead) = (0..).zip(&mut self.ahead).min_by_key(|(_, more)| **more)?;
        let more = std::mem::replace(ahead, i64::MAX);
        (more < i64::MAX).then_some((more, Some(row)))
    }
}

impl Meeting {
    /// Both searches know a row.
    const fn over(&mut self, row: u32, there: i64, back: i64) {
        let dearer = there.saturating_add(back);
        if dearer < self.dearer {
            *self = Self { dearer, row };
        }
    }
}

impl DenseAssignment {
    /// Gives the only row of a square matrix that has no column the only column that is free, at the least cost for all.
    ///
    /// Dijkstra's algorithm over reduced costs from both ends, each of which sees some square root of the rows. `dearer` is the
    /// length of the shortest way, `there` how far off everybody is from the row with nothing left out below `reached`, and
    /// `back` the same to the column below `dearer - reached`. Every dual rises by `dearer - there` near the row, by `back`
    /// near the column, and by `dearer - reached` between them. No edge is shorter than what is left of the way at its one
    /// end less what is left at the other, so no reduced cost falls below zero, and those of the way become zero.
    pub(super) fn connect(&mut self, asker: u32) {
        let is_free = |at: &u32| self.columns[*at as usize].owner == ALONE;
        let Some(free) = (0..).take(self.columns.len()).find(is_free) else { return };
        let mut back = std::mem::take(&mut self.back);
        back.begin(&self.costs, self.rows.iter().map(|row| row.dual));
        self.search.begin(&mut self.columns);
        self.ask(asker, 0);
        let mut met = Meeting { dearer: i64::MAX, row: asker };
        let mut behind = Some((0, None));
        let reached = loop {
            if let Some((more, row)) = behind {
                let column = row.map_or(free, |row: u32| self.rows[row as usize].mate);
                // Whoever asks has no column to give up.
                if column != ALONE {
                    let known = |row, back| {
                        if let Some(there) = self.there(row, asker) {
                            met.over(row, there, back);
                        }
                    };
                    back.ask(column, self.prices[column as usize], more, known);
                }
                behind = back.next();
                self.search.bound = self.search.bound.min(met.dearer);
            }
            let Some((more, next)) = self.search.queue.pop() else { break met.dearer };
            let more = more.cast_signed();
            let left = behind.map_or(i64::MAX, |(more, _)| more);
            if met.dearer <= more.saturating_add(left) {
                break more.min(met.dearer);
            }
            match next {
                Next::Others(row) => self.look_further(row, asker, more),
                Next::Column(at) => {
                    let Column { more: known, owner, .. } = self.columns[at as usize];
                    // The search back began with the free column, and knows all ways that end there.
                    if known == more && owner != ALONE {
                        met.over(owner, more, back.dearer[owner as usize]);
                        self.ask(owner, more);
                    }
                }
            }
        };
        self.raise(&back, asker, met.dearer, reached);
        self.exchange(&back, asker, met.row);
        self.back = back;
    }

    /// How much dearer everything gets until a row gives its column up, as far as the search knows that asks.
    fn there(&self, row: u32, asker: u32) -> Option<i64> {
        if row == asker {
            return Some(0);
        }
        let column = self.columns.get(self.rows[row as usize].mate as usize)?;
        (column.search == self.search.number).then_some(column.more)
    }

    /// Finds out what the columns of a row that are not at hand cost now, when a search has come to what they cost at least. If
    /// that is no dearer, chooses those at hand anew, or looks at all where even that does not bring it further.
    fn look_further(&mut self, row: u32, asker: u32, more: i64) {
        let there = self.there(row, asker).unwrap_or(more);
        let later = |others: i64, dual: i64| (there - dual).saturating_add(others);
        let others = self.others_now(row);
        let Row { dual, others: known, .. } = &mut self.rows[row as usize];
        *known = others;
        let next = later(others, *dual);
        if more < next {
            if next < self.search.bound {
                self.search.queue.push(next.cast_unsigned(), Next::Others(row));
            }
            return;
        }
        self.look_again(row);
        let Row { dual, others, .. } = self.rows[row as usize];
        if later(others, dual) <= more { self.ask_others(row) } else { self.ask(row, there) }
    }

    /// The least that a column of a row costs that is not at hand.
    fn others_now(&mut self, row: u32) -> i64 {
        let Self { rows, prices, costs, search, .. } = self;
        let costs = &costs[row as usize * prices.len()..][..prices.len()];
        let sums = &mut search.sums;
        sums.clear();
        sums.extend(costs.iter().zip(&*prices).map(|(cost, price)| cost + price));
        for &(at, _) in &rows[row as usize].at_hand {
            sums[at as usize] = i64::MAX;
        }
        sums.iter().copied().min().unwrap_or(i64::MAX)
    }

    fn raise(&mut self, back: &Backwards, asker: u32, dearer: i64, reached: i64) {
        for number in (0..).take(self.rows.len()) {
            let there = self.there(number, asker).filter(|there| *there < reached || number == asker);
            let rise =
                there.map_or((dearer - reached).min(back.dearer[number as usize]), |there| dearer - there);
            let row = &mut self.rows[number as usize];
            row.dual += rise;
            if let Some(price) = self.prices.get_mut(row.mate as usize) {
                *price += rise;
            }
        }
    }

    /// Everybody on the way takes the next one's column.
    fn exchange(&mut self, back: &Backwards, asker: u32, middle: u32) {
        let owner = |row: u32| self.columns.get(back.takes[row as usize] as usize).map(|column| column.owner);
        let to_the_end: Vec<u32> =
            std::iter::successors(Some(middle), |row| owner(*row).filter(|owner| *owner != ALONE)).collect();
        // Where steps cost nothing, the way from the row may touch the way to the column before they meet.
        let before =
            |row: &u32| (*row != asker).then(|| self.columns[self.rows[*row as usize].mate as usize].asker);
        let mut first = middle;
        for row in std::iter::successors(Some(middle), before) {
            if to_the_end.contains(&row) {
                first = row;
            }
        }
        let (mut row, mut given) = (first, self.rows[first as usize].mate);
        for &row in to_the_end.iter().skip_while(|row| **row != first) {
            let at = back.takes[row as usize];
            self.columns[at as usize].owner = row;
            self.rows[row as usize].mate = at;
        }
        while row != asker {
            let column = &mut self.columns[given as usize];
            row = column.asker;
            column.owner = row;
            given = std::mem::replace(&mut self.rows[row as usize].mate, given);
        }
    }
}

/// A square matrix with rows and columns exchanged, in blocks that fit into a cache.
fn transposed(costs: &[i64], rows: usize) -> Vec<i64> {
    const BLOCK: usize = 32;
    let mut transposed = vec![0; costs.len()];
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..rows).step_by(BLOCK) {
            for row in top..rows.min(top + BLOCK) {
                for column in left..rows.min(left + BLOCK) {
                    transposed[column * rows + row] = costs[row * rows + column];
                }
            }
        }
    }
    transposed
}
