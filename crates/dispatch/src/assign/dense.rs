//! A cost for every pair.
#![expect(clippy::indexing_slicing, reason = "rows and columns are those of the matrix")]

mod meet;

use sheepdog_map::travel::RadixQueue;

use self::meet::Backwards;
use super::{ALONE, ANEW_SHARE, COST_MAX, NODES_MAX, more_than_needed};

/// Columns of a row that are kept at hand.
const AT_HAND: usize = 64;
/// Bids for each row that waits at first, before searches take over.
const BIDS_EACH: usize = 16;
/// How much more is bid than needed: the span of the costs at hand over this.
const SLACK: i64 = 16;

/// A cheapest assignment that gives every row a column of its own.
///
/// Each row keeps its few best columns at hand, and a bound below which no other column is. A search looks at the others
/// only when it comes to that bound, so most of the matrix is read once; the result is that of a search over all of it.
/// After one row has changed, only what hangs on it is solved again.
///
/// ```
/// use sheepdog_dispatch::assign::DenseAssignment;
///
/// let mut jobs = DenseAssignment::new(3, 3, vec![4, 1, 3, 2, 0, 5, 3, 2, 2])?;
/// jobs.solve();
/// assert_eq!(jobs.cost(), 5);
/// assert_eq!([0, 1, 2].map(|row| jobs.column_of(row)), [Some(1), Some(0), Some(2)]);
///
/// jobs.set_row(2, &[9, 9, 0])?;
/// jobs.solve();
/// assert_eq!(jobs.cost(), 3);
/// jobs.verify()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DenseAssignment {
    rows: Vec<Row>,
    columns: Vec<Column>,
    /// What a column costs beyond its edge; never below zero.
    prices: Vec<i64>,
    /// Row by row.
    costs: Vec<i64>,
    due: Vec<u32>,
    search: Search,
    back: Backwards,
}

#[derive(Clone, Debug)]
struct Row {
    dual: i64,
    mate: u32,
    /// The columns that were best when they were last looked for, with their costs.
    at_hand: Vec<(u32, i64)>,
    /// Cost and price of every other column is at least this much: prices only rise.
    others: i64,
}

/// A column, with what a search asks of it at once.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// How much dearer everything gets until the column is freed, ...
    more: i64,
    /// ... who asks for it, ...
    asker: u32,
    /// ... and in which search.
    search: u32,
    owner: u32,
}

#[derive(Clone, Debug, Default)]
struct Search {
    number: u32,
    settled: Vec<(i64, u32)>,
    queue: RadixQueue<Next>,
    /// How much dearer everything gets at most: so much until a column that is alone.
    bound: i64,
    /// Room to choose from, ...
    totals: Vec<(i64, u32)>,
    /// ... and for what columns cost.
    sums: Vec<i64>,
}

/// What a search looks at next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Column(u32),
    /// Columns of a row that are not at hand.
    Others(u32),
}

/// A matrix that is refused, or an assignment that is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenseError {
    /// Not a row for each, or fewer columns than rows, or more than [`NODES_MAX`].
    #[error("{costs} costs are no matrix of {rows} rows and as many columns or more: it has {columns}")]
    Shape {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Costs given.
        costs: usize,
    },
    /// There is no such row.
    #[error("{row} is none of the {rows} rows")]
    Row {
        /// The row.
        row: u32,
        /// How many there are.
        rows: usize,
    },
    /// A cost beyond ±[`COST_MAX`].
    #[error("a cost of {cost} is beyond ±{COST_MAX}")]
    Cost {
        /// The cost.
        cost: i64,
    },
    /// A row without a column, or with somebody else's.
    #[error("row {row} has no column of its own")]
    Alone {
        /// The row.
        row: u32,
    },
    /// Dual prices that do not bound the cost.
    #[error("row {row} and column {column} cost less than their duals, or are a pair and cost more, by {by}")]
    Dual {
        /// The row.
        row: u32,
        /// The column.
        column: u32,
        /// By how much.
        by: i64,
    },
}

impl DenseAssignment {
    /// A matrix, row by row.
    ///
    /// # Errors
    /// [`DenseError::Shape`] or [`DenseError::Cost`].
    pub fn new(rows: usize, columns: usize, costs: Vec<i64>) -> Result<Self, DenseError> {
        if columns < rows || NODES_MAX < columns || rows.checked_mul(columns) != Some(costs.len()) {
            return Err(DenseError::Shape { rows, columns, costs: costs.len() });
        }
        check(&costs)?;
        let row = Row { dual: 0, mate: ALONE, at_hand: Vec::new(), others: 0 };
        let column = Column { more: 0, asker: ALONE, search: 0, owner: ALONE };
        let mut assignment = Self {
            rows: vec![row; rows],
            columns: vec![column; columns],
            prices: vec![0; columns],
            costs,
            due: Vec::new(),
            search: Search::default(),
            back: Backwards::default(),
        };
        assignment.begin();
        Ok(assignment)
    }

    /// Replaces a row. O(columns), and O(rows · columns) where there are more columns than rows and that of this row is in
    /// demand: all is begun anew then.
    ///
    /// # Errors
    /// [`DenseError`] for an unknown row, too few or too many costs, or one out of range; nothing is changed then.
    pub fn set_row(&mut self, row: u32, costs: &[i64]) -> Result<(), DenseError> {
        let (at, rows, columns) = (row as usize, self.rows.len(), self.columns.len());
        if rows <= at {
            return Err(DenseError::Row { row, rows });
        }
        if costs.len() != columns {
            return Err(DenseError::Shape { rows: 1, columns, costs: costs.len() });
        }
        check(costs)?;
        self.costs[at * columns..][..columns].copy_from_slice(costs);
        self.back.set_row(row, costs);
        let mate = std::mem::replace(&mut self.rows[at].mate, ALONE);
        if let Some(column) = self.columns.get_mut(mate as usize) {
            column.owner = ALONE;
            if rows < columns && 0 < self.prices[mate as usize] {
                // Nobody may want the column at its price, and then it has none.
                self.begin();
                return Ok(());
            }
            self.due.push(row);
        }
        self.look_again(row);
        Ok(())
    }

    /// Makes the assignment the cheapest. O(rows² · columns) at worst, near O(rows · columns) for travel times; after one
    /// row of a square matrix has changed, one search from both ends, O(columns · √rows) for such costs. The first of those
    /// makes a second copy of the matrix, column by column.
    pub fn solve(&mut self) {
        if !self.due.is_empty() {
            self.lower_prices();
        }
        if let [row] = self.due[..]
            && 1 < self.rows.len()
            && self.rows.len() == self.columns.len()
        {
            self.due.clear();
            return self.connect(row);
        }
        if self.rows.len() < self.due.len().saturating_mul(ANEW_SHARE) {
            self.scale();
        }
        let mut waiting = std::mem::take(&mut self.due);
        let mut bids = waiting.len().saturating_mul(BIDS_EACH);
        let mut stuck = Vec::new();
        while let Some(row) = waiting.pop() {
            if bids == 0 {
                stuck.push(row);
                continue;
            }
            bids -= 1;
            match self.bid(row, 0) {
                Some((loser, true)) => waiting.push(loser),
                Some((loser, false)) => stuck.push(loser),
                None => {}
            }
        }
        for &row in &stuck {
            self.augment(row);
        }
        stuck.clear();
        self.due = stuck;
    }

    /// The column of a row, after [`solve`](Self::solve).
    pub fn column_of(&self, row: u32) -> Option<u32> {
        self.rows.get(row as usize).map(|row| row.mate).filter(|mate| *mate != ALONE)
    }

    /// Sum of the costs of all pairs.
    pub fn cost(&self) -> i64 {
        let pairs = (0_u32..).zip(&self.rows).filter(|(_, row)| row.mate != ALONE);
        pairs.map(|(number, row)| self.costs(number)[row.mate as usize]).sum()
    }

    /// Proves that no assignment is cheaper, from costs and duals alone. O(rows · columns)
    ///
    /// # Errors
    /// [`DenseError::Alone`] or [`DenseError::Dual`].
    pub fn verify(&self) -> Result<(), DenseError> {
        for (number, row) in (0_u32..).zip(&self.rows) {
            if self.columns.get(row.mate as usize).map(|column| column.owner) != Some(number) {
                return Err(DenseError::Alone { row: number });
            }
            for (at, (cost, price)) in (0_u32..).zip(self.costs(number).iter().zip(&self.prices)) {
                let by = row.dual - price - cost;
                if 0 < by || (row.mate == at && by != 0) {
                    return Err(DenseError::Dual { row: number, column: at, by });
                }
            }
        }
        // Who has not been asked for is worth nothing; in a square matrix everybody has been.
        let mut columns = (0_u32..).zip(self.columns.iter().zip(&self.prices));
        match columns.find(|(_, (column, price))| column.owner == ALONE && **price != 0) {
            Some((at, (_, price))) => Err(DenseError::Dual { row: ALONE, column: at, by: *price }),
            None => Ok(()),
        }
    }

    fn costs(&self, row: u32) -> &[i64] {
        let columns = self.columns.len();
        &self.costs[row as usize * columns..][..columns]
    }

    /// Everybody is alone.
    fn begin(&mut self) {
        self.prices.fill(0);
        for column in &mut self.columns {
            column.owner = ALONE;
        }
        self.due = (0..).take(self.rows.len()).collect();
        for row in (0..).take(self.rows.len()) {
            self.rows[row as usize].mate = ALONE;
            self.look_again(row);
        }
    }

    /// Chooses the columns at hand anew, by what they cost now, and the dual of a row that is alone.
    fn look_again(&mut self, row: u32) {
        let Self { rows, prices, costs, search, .. } = self;
        let totals = &mut search.totals;
        let Row { dual, mate, at_hand, others } = &mut rows[row as usize];
        let costs = &costs[row as usize * prices.len()..][..prices.len()];
        totals.clear();
        totals.extend((0..).zip(costs.iter().zip(prices)).map(|(at, (cost, price))| (cost + *price, at)));
        let more = AT_HAND < totals.len();
        *others = if more { totals.select_nth_unstable(AT_HAND).1.0 } else { i64::MAX };
        totals.truncate(AT_HAND);
        at_hand.clear();
        at_hand.extend(totals.iter().map(|&(_, column)| (column, costs[column as usize])));
        if *mate == ALONE {
            *dual = totals.iter().map(|total| total.0).min().unwrap_or(0);
        }
    }

    /// Takes off what all columns cost alike: it makes no difference, and would grow with every change.
    fn lower_prices(&mut self) {
        let least = self.prices.iter().copied().min().unwrap_or(0);
        for price in &mut self.prices {
            *price -= least;
        }
        for row in &mut self.rows {
            row.dual -= least;
            // That there are no others stays true.
            row.others = if row.others == i64::MAX { i64::MAX } else { row.others - least };
        }
    }

    #[cfg(test)]
    pub(super) fn highest_price(&self) -> i64 {
        self.prices.iter().copied().max().unwrap_or(0)
    }

    /// Finds prices close to those of a cheapest assignment, and pairs that keep to them: an auction in which everybody bids
    /// a little more than needed, so that few bids decide it (Bertsekas 1988). Who is not exactly content with that in
    /// the end has no column.
    fn scale(&mut self) {
        if self.rows.len() < self.columns.len() {
            // A column may end without a row but with a price, which is worse than to begin without.
            return;
        }
        let mut spans: Vec<i64> = self.rows.iter().map(Row::span).collect();
        spans.sort_unstable();
        let slack = (spans.get(spans.len() / 2).map_or(0, |span| *span) / SLACK).max(1);
        for row in &mut self.rows {
            row.mate = ALONE;
        }
        for column in &mut self.columns {
            column.owner = ALONE;
        }
        let mut waiting: Vec<u32> = (0..).take(self.rows.len()).collect();
        let mut bids = vec![0_u32; self.rows.len()];
        while let Some(row) = waiting.pop() {
            let bids = &mut bids[row as usize];
            let more = more_than_needed(slack, *bids);
            *bids += 1;
            waiting.extend(self.bid(row, more).map(|(loser, _)| loser));
        }
        self.due.clear();
        for row in (0..).take(self.rows.len()) {
            if self.two_best(row).is_none() {
                self.look_again(row);
            }
            let Some((best, _, _)) = self.two_best(row) else { continue };
            let mate = self.rows[row as usize].mate;
            let worth = self.costs(row)[mate as usize] + self.prices[mate as usize];
            self.rows[row as usize].dual = best;
            if best < worth {
                self.rows[row as usize].mate = ALONE;
                self.columns[mate as usize].owner = ALONE;
                self.due.push(row);
            }
        }
    }

    /// A row without a column takes the best and pays as much as the second best would cost, and `more`. Returns who has
    /// lost a column by that, and whether a price has changed.
    fn bid(&mut self, row: u32, more: i64) -> Option<(u32, bool)> {
        let mut found = self.two_best(row);
        if found.is_none() {
            self.look_again(row);
            found = self.two_best(row);
        }
        let (best, at, second) = found?;
        let rise = second - best + more;
        let Row { dual, mate, .. } = &mut self.rows[row as usize];
        (*dual, *mate) = (second, at);
        let column = &mut self.columns[at as usize];
        self.prices[at as usize] += rise;
        let loser = std::mem::replace(&mut column.owner, row);
        (loser != ALONE).then(|| {
            self.rows[loser as usize].mate = ALONE;
            (loser, 0 < rise)
        })
    }

    /// What the best column costs, which it is, and what the second best costs; `None` when the second may be one that is
    /// not at hand.
    fn two_best(&self, row: u32) -> Option<(i64, u32, i64)> {
        let Row { at_hand, others, .. } = &self.rows[row as usize];
        let (mut best, mut column, mut second) = (i64::MAX, ALONE, i64::MAX);
        for &(at, cost) in at_hand {
            let total = cost + self.prices[at as usize];
            if total < best {
                (second, best, column) = (best, total, at);
            } else if total < second {
                second = total;
            }
        }
        // Of a single column there is no second best.
        let second = if at_hand.len() == 1 { best } else { second };
        (second <= *others && column != ALONE).then_some((best, column, second))
    }

    /// The cheapest way to give `asker` a column. Dijkstra's algorithm over reduced costs.
    fn augment(&mut self, asker: u32) {
        self.search.begin(&mut self.columns);
        self.ask(asker, 0);
        let (dearer, mut at) = loop {
            let Some((more, next)) = self.search.queue.pop() else {
                debug_assert!(false, "there are as many columns as rows");
                return;
            };
            let more = more.cast_signed();
            match next {
                Next::Others(row) => self.ask_others(row),
                Next::Column(at) => {
                    let column = &self.columns[at as usize];
                    if column.more < more {
                        continue;
                    }
                    if column.owner == ALONE {
                        break (more, at);
                    }
                    self.search.settled.push((more, at));
                    self.ask(column.owner, more);
                }
            }
        };
        self.rows[asker as usize].dual += dearer;
        for &(more, at) in &self.search.settled {
            self.prices[at as usize] += dearer - more;
            self.rows[self.columns[at as usize].owner as usize].dual += dearer - more;
        }
        loop {
            let column = &mut self.columns[at as usize];
            let row = column.asker;
            column.owner = row;
            let before = std::mem::replace(&mut self.rows[row as usize].mate, at);
            if row == asker {
                return;
            }
            at = before;
        }
    }

    /// Looks at the columns at hand of a row, and puts the others off until everything is dearer by what they cost at least.
    fn ask(&mut self, row: u32, more: i64) {
        let Self { rows, search, columns, prices, .. } = self;
        let Row { dual, at_hand, others, .. } = &rows[row as usize];
        let spare = more - dual;
        for &(at, cost) in at_hand {
            let more = spare + cost + prices[at as usize];
            search.offer(row, at, &mut columns[at as usize], more);
        }
        let later = spare.saturating_add(*others).max(more);
        if *others < i64::MAX && later < search.bound {
            search.queue.push(later.cast_unsigned(), Next::Others(row));
        }
    }

    /// Looks at all columns of a row.
    fn ask_others(&mut self, row: u32) {
        let Self { rows, search, columns, costs, prices, .. } = self;
        let Row { dual, mate, .. } = &rows[row as usize];
        // By how much everything is dearer where the row gives its column up; who asks first has none.
        let more = columns.get(*mate as usize).map_or(0, |column| column.more);
        let spare = more - dual;
        let costs = &costs[row as usize * columns.len()..][..columns.len()];
        for (at, (cost, price)) in (0..).zip(costs.iter().zip(prices)) {
            let more = spare + cost + *price;
            search.offer(row, at, &mut columns[at as usize], more);
        }
    }
}

impl Row {
    /// How far the costs at hand lie apart.
    fn span(&self) -> i64 {
        let costs = || self.at_hand.iter().map(|(_, cost)| *cost);
        costs().max().unwrap_or(0) - costs().min().unwrap_or(0)
    }
}

impl Search {
    fn begin(&mut self, columns: &mut [Column]) {
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            for column in columns.iter_mut() {
                column.search = 0;
            }
            self.number = 1;
        }
        self.queue.clear();
        self.settled.clear();
        self.bound = i64::MAX;
    }

    /// A row could have a column when everything is dearer by so much.
    #[inline]
    fn offer(&mut self, row: u32, at: u32, column: &mut Column, more: i64) {
        if more < self.bound && (column.search != self.number || more < column.more) {
            (column.more, column.asker, column.search) = (more, row, self.number);
            self.queue.push(more.cast_unsigned(), Next::Column(at));
            if column.owner == ALONE {
                self.bound = more;
            }
        }
    }
}

fn check(costs: &[i64]) -> Result<(), DenseError> {
    match costs.iter().find(|cost| cost.unsigned_abs() > COST_MAX.unsigned_abs()) {
        Some(&cost) => Err(DenseError::Cost { cost }),
        None => Ok(()),
    }
}
