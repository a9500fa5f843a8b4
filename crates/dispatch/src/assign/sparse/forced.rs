//! What forcing a pair would do.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Node, SparseAssignment};
use crate::assign::ALONE;

/// What it would take to make a pair of a row and a column that are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forced {
    /// How much dearer everything would be, at least zero.
    pub rise: i64,
    /// Who would move, the forced row first. Each takes the column that the next one leaves, but for the one that stays
    /// alone or takes a free column; whoever comes after that takes the column that somebody else leaves, up to the one
    /// that the forced row had. Empty for a pair that is one already.
    pub moves: Vec<Move>,
}

/// A row that would change its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The row.
    pub row: u32,
    /// The column it has; `None` when it is alone.
    pub from: Option<u32>,
    /// The column it would have; `None` when it would be alone.
    pub to: Option<u32>,
}

/// Who has to look for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seeker {
    /// A row whose column is taken, or that is no longer alone.
    Row(u32),
    /// Solitude: one more column or one row less is alone.
    Alone,
}

/// How somebody came to be a seeker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    /// How much dearer everything is by then.
    dearer: i64,
    /// After how many others. Of ways that are as cheap the shortest is taken, then the one from the lowest rows: that is the
    /// same for all duals, so the result does not depend on what was solved before.
    after: u32,
    by: Option<Seeker>,
    /// The free column that somebody takes, for [`Seeker::Alone`].
    free: Option<u32>,
}

const UNKNOWN: Label = Label { dearer: i64::MAX, after: u32::MAX, by: None, free: None };

impl SparseAssignment {
    /// What forcing `row` onto `column` would do: who would move where, and how much dearer everything would be. `None` when
    /// no edge joins them, and while something has changed since [`solve`](Self::solve).
    ///
    /// One search over reduced costs, and nothing is solved again: an edge that is forced changes a cheapest flow along one
    /// cycle through it (Ahuja, Magnanti and Orlin 1993, chapter 9). Among equals the result depends on edges, prices and
    /// partners alone. O((n + m) log n) at worst.
    ///
    /// ```
    /// use sheepdog_dispatch::assign::{Move, SparseAssignment};
    ///
    /// // Both tasks are nearer to the first robot; the second task more so.
    /// let mut tasks = SparseAssignment::new(2, 2);
    /// tasks.set_row(0, &[(0, 10), (1, 12)], 1_000)?;
    /// tasks.set_row(1, &[(0, 15), (1, 40)], 1_000)?;
    /// tasks.solve();
    /// let forced = tasks.displacement(0, 0).unwrap();
    /// assert_eq!(forced.rise, (10 + 40) - (12 + 15));
    /// assert_eq!(forced.moves[1], Move { row: 1, from: Some(0), to: Some(1) });
    /// # Ok::<(), sheepdog_dispatch::assign::EdgeError>(())
    /// ```
    pub fn displacement(&self, row: u32, column: u32) -> Option<Forced> {
        self.force(row, column, |_| None).map(|(forced, _)| forced)
    }

    /// [`displacement`](Self::displacement), and whether edges that are not there could make it cheaper: `beyond` says what
    /// each of them would cost a row at least, where all columns are at a price of nothing.
    pub(crate) fn force(
        &self,
        row: u32,
        column: u32,
        beyond: impl Fn(u32) -> Option<i64>,
    ) -> Option<(Forced, bool)> {
        let Self { rows, columns, .. } = self;
        if !rows.due.is_empty() || !columns.due.is_empty() {
            return None;
        }
        let edges = rows.edges.get(row as usize)?;
        let edge = edges.iter().find(|edge| edge.end() == column)?;
        let Node { dual, mate, .. } = rows.nodes[row as usize];
        if mate == column {
            return Some((Forced { rise: 0, moves: Vec::new() }, true));
        }
        let first = edge.cost() - dual - columns.nodes[column as usize].dual;
        let mut ways = Ways::new(self, row, column);
        let (dearer, least_beyond) = ways.search(&beyond);
        let rise = first.saturating_add(dearer);
        Some((Forced { rise, moves: ways.moves() }, dearer <= least_beyond))
    }
}

/// A search for the cheapest way on from somebody whose column is taken to the one who took it, who leaves one. That column
/// is not taken again: it would lead back to the beginning, which nothing reaches more cheaply.
struct Ways<'a> {
    solved: &'a SparseAssignment,
    row: u32,
    column: u32,
    rows: Vec<Label>,
    alone: Label,
    queue: BinaryHeap<Reverse<(i64, u32, Seeker)>>,
    /// No dearer than this in any case: the one whose column is taken stays alone, and so does what is left.
    bound: i64,
}

impl<'a> Ways<'a> {
    fn new(solved: &'a SparseAssignment, row: u32, column: u32) -> Self {
        let SparseAssignment { rows, columns, .. } = solved;
        let left = |price: i64, node: Node| price.saturating_sub(node.dual);
        let owner = columns.nodes[column as usize].mate;
        let mate = rows.nodes[row as usize].mate;
        let lone = |side: &super::Side, node: u32| match side.nodes.get(node as usize) {
            Some(known) => left(side.prices[node as usize], *known),
            None => 0,
        };
        let bound = lone(rows, owner).saturating_add(lone(columns, mate));
        let labels = vec![UNKNOWN; rows.nodes.len()];
        let mut ways =
            Self { solved, row, column, rows: labels, alone: UNKNOWN, queue: BinaryHeap::new(), bound };
        let seeker = if owner == ALONE { Seeker::Alone } else { Seeker::Row(owner) };
        ways.reach(seeker, Label { dearer: 0, after: 0, by: None, free: None });
        ways
    }

    fn label(&mut self, seeker: Seeker) -> &mut Label {
        match seeker {
            Seeker::Row(row) => &mut self.rows[row as usize],
            Seeker::Alone => &mut self.alone,
        }
    }

    fn reach(&mut self, seeker: Seeker, label: Label) {
        if self.bound < label.dearer {
            return;
        }
        let known = self.label(seeker);
        if label < *known {
            let is_sooner = (label.dearer, label.after) < (known.dearer, known.after);
            *known = label;
            if is_sooner {
                self.queue.push(Reverse((label.dearer, label.after, seeker)));
            }
        }
    }

    /// How much dearer it is in the end, and how much at least with an edge that is not there. Dijkstra's algorithm: no
    /// reduced cost is below zero.
    fn search(&mut self, beyond: &dyn Fn(u32) -> Option<i64>) -> (i64, i64) {
        let mut least_beyond = i64::MAX;
        while let Some(Reverse((dearer, after, seeker))) = self.queue.pop() {
            let known = self.label(seeker);
            if (known.dearer, known.after) < (dearer, after) {
                continue;
            }
            let from = Label { dearer, after: after.saturating_add(1), by: Some(seeker), free: None };
            match seeker {
                Seeker::Row(row) if row == self.row => return (dearer, least_beyond),
                Seeker::Row(row) => {
                    if let Some(cost) = beyond(row) {
                        let more = cost.saturating_sub(self.solved.row_dual(row));
                        least_beyond = least_beyond.min(dearer.saturating_add(more));
                    }
                    self.leave_row(row, from);
                }
                Seeker::Alone => self.leave_alone(from),
            }
        }
        (self.bound, least_beyond)
    }

    /// A row takes another column, or stays alone.
    fn leave_row(&mut self, row: u32, from: Label) {
        let SparseAssignment { rows, columns, .. } = self.solved;
        let Node { dual, mate, .. } = rows.nodes[row as usize];
        for edge in &rows.edges[row as usize] {
            let (column, owner) = (edge.end(), columns.nodes[edge.end() as usize]);
            if column == mate {
                continue;
            }
            let dearer = from.dearer.saturating_add(edge.cost() - dual - owner.dual);
            if owner.mate == ALONE {
                self.reach(Seeker::Alone, Label { dearer, free: Some(column), ..from });
            } else {
                self.reach(Seeker::Row(owner.mate), Label { dearer, ..from });
            }
        }
        let dearer = from.dearer.saturating_add(rows.prices[row as usize] - dual);
        self.reach(Seeker::Alone, Label { dearer, ..from });
    }

    /// A row that is alone looks for a column, or a column loses its row.
    fn leave_alone(&mut self, from: Label) {
        let SparseAssignment { rows, columns, .. } = self.solved;
        for (row, node) in (0_u32..).zip(&rows.nodes) {
            let left = match columns.nodes.get(node.mate as usize) {
                None => 0,
                Some(column) => columns.prices[node.mate as usize] - column.dual,
            };
            self.reach(Seeker::Row(row), Label { dearer: from.dearer.saturating_add(left), ..from });
        }
    }

    /// Who moves, from the forced row on. Its label leads back to the one whose column it takes.
    fn moves(&mut self) -> Vec<Move> {
        let mut to = self.partner(self.row);
        let mut moves = vec![Move { row: self.row, from: to, to: Some(self.column) }];
        let mut label = self.rows[self.row as usize];
        while let Some(seeker) = label.by {
            label = *self.label(seeker);
            match seeker {
                Seeker::Row(row) => {
                    let from = self.partner(row);
                    moves.push(Move { row, from, to });
                    to = from;
                }
                Seeker::Alone => to = label.free,
            }
        }
        // Found from its end.
        if let Some((_, chain)) = moves.split_first_mut() {
            chain.reverse();
        }
        moves
    }

    fn partner(&self, row: u32) -> Option<u32> {
        self.solved.column_of(row)
    }
}
