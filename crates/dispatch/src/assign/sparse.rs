//! Few edges a row, and changes.
#![expect(clippy::indexing_slicing, reason = "nodes of edges are checked on entry, mates are nodes")]

mod forced;

use sheepdog_map::travel::RadixQueue;

pub use self::forced::{Forced, Move};

use super::{ALONE, ANEW_SHARE, COST_MAX, NODES_MAX, more_than_needed};

/// A cheapest partial assignment over a sparse set of edges, with prices for who stays alone.
///
/// What is minimised is the sum of the costs of all pairs, and of the prices of all rows and columns without a partner.
/// [`solve`](Self::solve) looks only at what has changed since it was called last.
#[derive(Clone, Debug, Default)]
pub struct SparseAssignment {
    rows: Side,
    columns: Side,
    search: Search,
}

/// Rows or columns.
#[derive(Clone, Debug, Default)]
struct Side {
    edges: Vec<Vec<Edge>>,
    /// Cost of staying alone.
    prices: Vec<i64>,
    nodes: Vec<Node>,
    /// Nodes that have lost their partner or never had one, and whose dual may be below their price.
    due: Vec<u32>,
}

/// Cost and other end in one number, that sorts by cost: half the memory to read.
#[derive(Clone, Copy, Debug)]
struct Edge(i64);

impl Edge {
    const fn new(end: u32, cost: i64) -> Self {
        Self(cost << NODE_BITS | end as i64)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it has so few bits")]
    const fn end(self) -> u32 {
        self.0 as u32 & (u32::MAX >> (u32::BITS - NODE_BITS))
    }

    const fn cost(self) -> i64 {
        self.0 >> NODE_BITS
    }
}

/// A row or a column, with what a search asks of it at once.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Node {
    /// At most the price, and together with the other end's at most the cost of an edge.
    dual: i64,
    /// How much dearer everything gets until the node is freed, ...
    more: i64,
    /// ... who asks for it, ...
    asker: u32,
    /// ... and in which search.
    search: u32,
    mate: u32,
}

/// Memory of a search.
#[derive(Clone, Debug, Default)]
struct Search {
    number: u32,
    /// How much dearer everything gets at most: so much until somebody is alone.
    bound: i64,
    settled: Vec<(i64, u32)>,
    /// How much dearer, and which node, in one number.
    queue: RadixQueue<()>,
}

/// An edge or a price that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// There is no such row or column.
    #[error("{node} is none of the {nodes} nodes on its side")]
    Node {
        /// The node.
        node: u32,
        /// How many there are.
        nodes: usize,
    },
    /// The same edge twice.
    #[error("there are two edges to {node}")]
    Twice {
        /// The node at their other end.
        node: u32,
    },
    /// A cost beyond ±[`COST_MAX`].
    #[error("a cost of {cost} is beyond ±{COST_MAX}")]
    Cost {
        /// The cost.
        cost: i64,
    },
}

/// Why an assignment is not proven to be the cheapest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Two partners disagree about each other, or no edge joins them.
    #[error("row {row} and column {column} are no pair")]
    Pair {
        /// The row.
        row: u32,
        /// The column.
        column: u32,
    },
    /// Dual prices that are worth more than an edge costs.
    #[error("the edge of row {row} and column {column} is cheaper than its ends by {by}")]
    Edge {
        /// The row.
        row: u32,
        /// The column.
        column: u32,
        /// By how much.
        by: i64,
    },
    /// A dual price above the price of staying alone, or below it for somebody who is alone.
    #[error("{node} has a dual price off its own by {by}")]
    Price {
        /// The row or column.
        node: u32,
        /// By how much.
        by: i64,
    },
    /// The assignment costs more than its lower bound.
    #[error("the assignment costs {cost}, its lower bound is {bound}")]
    Gap {
        /// Cost of the assignment.
        cost: i64,
        /// Sum of the dual prices.
        bound: i64,
    },
}

impl Side {
    fn new(nodes: usize) -> Self {
        Self {
            edges: vec![Vec::new(); nodes],
            prices: vec![0; nodes],
            nodes: vec![Node { dual: 0, more: 0, asker: ALONE, search: 0, mate: ALONE }; nodes],
            due: Vec::new(),
        }
    }

    fn check(&self, node: u32) -> Result<(), EdgeError> {
        let nodes = self.edges.len();
        if (node as usize) < nodes { Ok(()) } else { Err(EdgeError::Node { node, nodes }) }
    }

    /// Replaces a node's edges and price; whoever was its partner is alone.
    fn replace(&mut self, other: &mut Self, node: u32, edges: &[(u32, i64)], price: i64) {
        let at = node as usize;
        let partner = std::mem::replace(&mut self.nodes[at].mate, ALONE);
        if partner != ALONE {
            other.nodes[partner as usize].mate = ALONE;
            other.note_due(partner);
        }
        let mut own = std::mem::take(&mut self.edges[at]);
        for edge in own.drain(..) {
            other.edges[edge.end() as usize].retain(|edge| edge.end() != node);
        }
        for &(end, cost) in edges {
            other.edges[end as usize].push(Edge::new(node, cost));
        }
        own.extend(edges.iter().map(|&(end, cost)| Edge::new(end, cost)));
        // Feasible at once: no more than the price, and than what every edge leaves.
        let left = edges.iter().map(|&(end, cost)| cost - other.nodes[end as usize].dual);
        self.nodes[at].dual = left.fold(price, i64::min);
        self.edges[at] = own;
        self.prices[at] = price;
        self.note_due(node);
    }

    /// Somebody is to be looked at; once is enough, however often it changes.
    fn note_due(&mut self, node: u32) {
        self.due.push(node);
        if 2 * self.nodes.len() < self.due.len() {
            self.due.sort_unstable();
            self.due.dedup();
        }
    }

    /// Nodes of the other side whose edge to `node` is worth what it costs.
    fn tight(&self, other: &Self, node: u32) -> impl Iterator<Item = u32> {
        let dual = self.nodes[node as usize].dual;
        let edges = self.edges[node as usize].iter();
        let ends = edges.filter(move |edge| dual + other.nodes[edge.end() as usize].dual == edge.cost());
        ends.map(|edge| edge.end())
    }

    /// Whether it costs nothing to leave a node alone.
    fn is_indifferent(&self, node: u32) -> bool {
        self.nodes[node as usize].dual == self.prices[node as usize]
    }

    fn mate(&self, node: u32) -> Option<u32> {
        self.nodes.get(node as usize).map(|node| node.mate).filter(|mate| *mate != ALONE)
    }

    fn is_waiting(&self, node: u32) -> bool {
        self.nodes[node as usize].mate == ALONE && self.nodes[node as usize].dual < self.prices[node as usize]
    }

    /// Somebody who waits takes what is best for it and pays as much as the second best would cost, and `more`. Returns who
    /// has lost a partner by that, and whether a price has changed: otherwise two might take turns for ever.
    fn bid(&mut self, other: &mut Self, node: u32, more: i64) -> Option<(u32, bool)> {
        let at = node as usize;
        let (mut best, mut partner, mut second) = (self.prices[at], ALONE, self.prices[at]);
        for edge in &self.edges[at] {
            let end = edge.end();
            let left = edge.cost() - other.nodes[end as usize].dual;
            if left < best {
                (second, best, partner) = (best, left, end);
            } else if left < second {
                second = left;
            }
        }
        self.nodes[at].dual = second;
        let Some(taken) = other.nodes.get_mut(partner as usize) else {
            // Nothing is better than to stay alone.
            return None;
        };
        let loser = std::mem::replace(&mut taken.mate, node);
        let rise = second - best + more;
        taken.dual -= rise;
        self.nodes[at].mate = partner;
        (loser != ALONE).then(|| {
            self.nodes[loser as usize].mate = ALONE;
            (loser, 0 < rise)
        })
    }

    /// The most that a dual may be, and what the present partner leaves for it: the price where there is none.
    fn dual_and_worth(&self, other: &Self, node: u32) -> (i64, i64) {
        let at = node as usize;
        let (mut dual, mut worth) = (self.prices[at], self.prices[at]);
        for edge in &self.edges[at] {
            let end = edge.end();
            let left = edge.cost() - other.nodes[end as usize].dual;
            dual = dual.min(left);
            if end == self.nodes[at].mate {
                worth = left;
            }
        }
        (dual, worth)
    }

    /// Sets the duals, and parts whoever has not got the best for it.
    fn part(&mut self, other: &mut Self) {
        self.due.clear();
        for node in (0_u32..).take(self.nodes.len()) {
            let at = node as usize;
            let (dual, worth) = self.dual_and_worth(other, node);
            self.nodes[at].dual = dual;
            if dual < worth {
                let mate = std::mem::replace(&mut self.nodes[at].mate, ALONE);
                if let Some(mate) = other.nodes.get_mut(mate as usize) {
                    mate.mate = ALONE;
                }
                self.due.push(node);
            }
        }
    }
}

/// Bids for each node that waits at first, before searches take over.
const BIDS_EACH: usize = 8;
/// How much more is bid than needed, to the spans between the costs of a row.
const SLACK: i64 = 4;

/// Finds prices close to those of a cheapest assignment, and pairs that keep to them: an auction in which everybody bids
/// a little more than needed, so that few bids decide it (Bertsekas 1988). Who is not exactly content with that in the end
/// has no partner.
fn scale(rows: &mut Side, columns: &mut Side) {
    for (column, price) in columns.nodes.iter_mut().zip(&columns.prices) {
        (column.dual, column.mate) = (*price, ALONE);
    }
    for (row, price) in rows.nodes.iter_mut().zip(&rows.prices) {
        (row.dual, row.mate) = (*price, ALONE);
    }
    let span = |edges: &Vec<Edge>| {
        let costs = || edges.iter().map(|edge| edge.cost());
        costs().max().unwrap_or(0) - costs().min().unwrap_or(0)
    };
    let mut spans: Vec<i64> = rows.edges.iter().filter(|edges| !edges.is_empty()).map(span).collect();
    spans.sort_unstable();
    // Of the order in which costs differ, whatever it costs to leave somebody alone.
    let slack = spans.get(spans.len() / 2).map_or(1, |span| span * SLACK).max(1);
    let mut bids = vec![0_u32; rows.nodes.len()];
    let mut waiting: Vec<u32> = (0..).take(rows.nodes.len()).collect();
    while let Some(row) = waiting.pop() {
        let bids = &mut bids[row as usize];
        let more = more_than_needed(slack, *bids);
        *bids += 1;
        waiting.extend(rows.bid(columns, row, more).map(|(loser, _)| loser));
    }
    rows.part(columns);
    let nodes = (0_u32..).take(columns.nodes.len());
    columns.due = nodes.filter(|column| columns.is_waiting(*column)).collect();
}

impl SparseAssignment {
    /// Rows and columns without edges, at a price of nothing; at most [`NODES_MAX`] of each are kept.
    pub fn new(rows: usize, columns: usize) -> Self {
        let side = |nodes: usize| Side::new(nodes.min(NODES_MAX));
        Self { rows: side(rows), columns: side(columns), search: Search::default() }
    }

    /// Replaces the edges of a row, to columns with their costs, and the price for leaving it alone.
    ///
    /// O(edges, and those of the columns at their other ends)
    ///
    /// # Errors
    /// [`EdgeError`]; nothing is changed then.
    pub fn set_row(&mut self, row: u32, edges: &[(u32, i64)], price: i64) -> Result<(), EdgeError> {
        check(&self.rows, &self.columns, row, edges, price)?;
        self.rows.replace(&mut self.columns, row, edges, price);
        Ok(())
    }

    /// Replaces the edges of a column, to rows with their costs, and the price for leaving it alone.
    ///
    /// O(edges, and those of the rows at their other ends)
    ///
    /// # Errors
    /// [`EdgeError`]; nothing is changed then.
    pub fn set_column(&mut self, column: u32, edges: &[(u32, i64)], price: i64) -> Result<(), EdgeError> {
        check(&self.columns, &self.rows, column, edges, price)?;
        self.columns.replace(&mut self.rows, column, edges, price);
        Ok(())
    }

    /// Makes the assignment the cheapest again. Linear time for most of the rows that have changed, and a search for each
    /// of the others: O(changes · (n + m) log n) at worst.
    pub fn solve(&mut self) {
        let Self { rows, columns, search } = self;
        if rows.nodes.len() < rows.due.len().saturating_mul(ANEW_SHARE) {
            scale(rows, columns);
        }
        search.solve(rows, columns);
        search.solve(columns, rows);
    }

    /// The partner of a row, after [`solve`](Self::solve).
    pub fn column_of(&self, row: u32) -> Option<u32> {
        self.rows.mate(row)
    }

    /// The partner of a column, after [`solve`](Self::solve).
    pub fn row_of(&self, column: u32) -> Option<u32> {
        self.columns.mate(column)
    }

    /// What a row is worth: how much dearer everything would be if it had to be served once more. Zero for an unknown one.
    pub fn row_dual(&self, row: u32) -> i64 {
        self.rows.nodes.get(row as usize).map_or(0, |node| node.dual)
    }

    /// What a column is worth, with the sign changed: zero for one that nobody wants, or that is unknown.
    pub fn column_dual(&self, column: u32) -> i64 {
        self.columns.nodes.get(column as usize).map_or(0, |node| node.dual)
    }

    /// Costs of all pairs, and prices of all who are alone. O(edges)
    pub fn cost(&self) -> i64 {
        let Side { edges, prices, nodes, .. } = &self.rows;
        let rows = nodes.iter().zip(edges).zip(prices).map(|((row, edges), price)| {
            edges.iter().find(|edge| edge.end() == row.mate).map_or(*price, |edge| edge.cost())
        });
        let columns = self.columns.nodes.iter().zip(&self.columns.prices);
        let alone = columns.filter(|(column, _)| column.mate == ALONE);
        rows.sum::<i64>() + alone.map(|(_, price)| price).sum::<i64>()
    }

    /// Proves that no assignment is cheaper, from edges, prices and duals alone. O(edges)
    ///
    /// # Errors
    /// The first [`Flaw`] found.
    pub fn verify(&self) -> Result<(), Flaw> {
        let Self { rows, columns, .. } = self;
        for (row, edges) in (0_u32..).zip(&rows.edges) {
            let dual = rows.nodes[row as usize].dual;
            for edge in edges {
                let column = edge.end();
                let by = dual + columns.nodes[column as usize].dual - edge.cost();
                if 0 < by {
                    return Err(Flaw::Edge { row, column, by });
                }
            }
            let column = rows.nodes[row as usize].mate;
            let agree = columns.mate(column) == Some(row);
            if column != ALONE && !(agree && edges.iter().any(|edge| edge.end() == column)) {
                return Err(Flaw::Pair { row, column });
            }
        }
        for (column, Node { mate: row, .. }) in (0_u32..).zip(columns.nodes.iter().copied()) {
            if row != ALONE && rows.mate(row) != Some(column) {
                return Err(Flaw::Pair { row, column });
            }
        }
        for side in [rows, columns] {
            for (node, (Node { dual, mate, .. }, price)) in (0_u32..).zip(side.nodes.iter().zip(&side.prices))
            {
                if price < dual || (*mate == ALONE && dual < price) {
                    return Err(Flaw::Price { node, by: dual - price });
                }
            }
        }
        let duals = rows.nodes.iter().chain(&columns.nodes).map(|node| node.dual);
        let (cost, bound) = (self.cost(), duals.sum());
        if cost == bound { Ok(()) } else { Err(Flaw::Gap { cost, bound }) }
    }

    /// Of all cheapest assignments, takes the one that gives the first row the lowest column it can have, then the second,
    /// and so on; to stay alone comes last. After [`solve`](Self::solve), the result then depends on edges and prices alone
    /// and not on the order in which they were set.
    ///
    /// Every cheapest assignment uses edges that are worth exactly what they cost, whatever the dual (complementary
    /// slackness), so only those are looked at. O(edges) where there are few ties, O(rows · edges) at worst.
    pub fn canonicalize(&mut self) {
        let rows: Vec<u32> = (0..).take(self.rows.nodes.len()).collect();
        self.canonicalize_in(&rows);
    }

    /// [`canonicalize`](Self::canonicalize) with the rows that come first in their order; the others come after them.
    pub fn canonicalize_in(&mut self, rows: &[u32]) {
        let mut paths = Paths {
            ranks: vec![ALONE; self.rows.nodes.len()],
            askers: vec![(ALONE, ALONE); self.columns.nodes.len()],
            takers: vec![(ALONE, ALONE); self.rows.nodes.len()],
        };
        for (rank, row) in (0..).zip(rows) {
            if let Some(known) = paths.ranks.get_mut(*row as usize) {
                *known = rank;
            }
        }
        for &row in rows {
            let Some(&Node { mate, .. }) = self.rows.nodes.get(row as usize) else { continue };
            let mut lower: Vec<u32> = self.tight_columns(row).filter(|column| *column < mate).collect();
            lower.sort_unstable();
            for column in lower {
                if self.exchange(row, column, &mut paths) {
                    break;
                }
            }
        }
    }

    /// Columns whose edge to `row` is worth what it costs.
    fn tight_columns(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.rows.tight(&self.columns, row)
    }

    /// Gives `column` to `row` where all others can be served at the same cost, without touching the rows before it. Returns
    /// whether it did.
    fn exchange(&mut self, row: u32, column: u32, paths: &mut Paths) -> bool {
        let old = self.rows.nodes[row as usize].mate;
        let Some(end) = self.find_end(row, column, paths) else { return false };
        if old != ALONE && end != old {
            // What `row` gives up must find somebody, unless it costs nothing to leave it alone.
            if self.columns.is_indifferent(old) {
                self.columns.nodes[old as usize].mate = ALONE;
            } else {
                let Some(taker) = self.find_taker(row, old, paths) else { return false };
                self.take(taker, old, paths);
            }
        }
        if let Some(owner) = self.row_of(end).filter(|_| end != old) {
            self.rows.nodes[owner as usize].mate = ALONE;
        }
        let mut column = end;
        loop {
            let (_, asker) = paths.askers[column as usize];
            let before = std::mem::replace(&mut self.rows.nodes[asker as usize].mate, column);
            self.columns.nodes[column as usize].mate = asker;
            if asker == row {
                return true;
            }
            column = before;
        }
    }

    /// From `row` asking for `column`, its owner for another, and so on: a column at which that ends. It is the one that
    /// `row` has now if that can be, and otherwise one that is alone or whose owner may stay alone.
    fn find_end(&self, row: u32, column: u32, paths: &mut Paths) -> Option<u32> {
        let old = self.rows.nodes[row as usize].mate;
        let (mut asked, mut end) = (vec![(row, column)], None);
        while let Some((asker, column)) = asked.pop() {
            let known = &mut paths.askers[column as usize];
            if known.0 == row {
                continue;
            }
            *known = (row, asker);
            if column == old {
                return Some(old);
            }
            let owner = self.columns.nodes[column as usize].mate;
            if owner == ALONE {
                end = end.or(Some(column));
            } else if paths.is_before(row, owner) {
                end = end.or_else(|| self.rows.is_indifferent(owner).then_some(column));
                asked.extend(self.tight_columns(owner).map(|next| (owner, next)));
            }
        }
        end
    }

    /// From somebody taking `old` instead of its own, somebody else that one, and so on: the last, who was alone or whose
    /// column may be. Nobody that [`find_end`](Self::find_end) met is among them, or it would have found `old` as well.
    fn find_taker(&self, row: u32, old: u32, paths: &mut Paths) -> Option<u32> {
        let mut given_up = vec![old];
        while let Some(column) = given_up.pop() {
            for taker in self.columns.tight(&self.rows, column) {
                if !paths.is_before(row, taker) {
                    continue;
                }
                let known = &mut paths.takers[taker as usize];
                let mate = self.rows.nodes[taker as usize].mate;
                if known.0 == row || mate == column {
                    continue;
                }
                *known = (row, column);
                if mate == ALONE || self.columns.is_indifferent(mate) {
                    return Some(taker);
                }
                given_up.push(mate);
            }
        }
        None
    }

    fn take(&mut self, last: u32, old: u32, paths: &Paths) {
        if let Some(left) = self.columns.nodes.get_mut(self.rows.nodes[last as usize].mate as usize) {
            left.mate = ALONE;
        }
        let mut taker = last;
        loop {
            let (_, column) = paths.takers[taker as usize];
            let before = std::mem::replace(&mut self.columns.nodes[column as usize].mate, taker);
            self.rows.nodes[taker as usize].mate = column;
            if column == old {
                return;
            }
            taker = before;
        }
    }
}

/// How an exchange goes on: who asks for a column, and which column a row takes, with the row for which that was found.
struct Paths {
    /// By row: its place in the order.
    ranks: Vec<u32>,
    askers: Vec<(u32, u32)>,
    takers: Vec<(u32, u32)>,
}

fn check(own: &Side, other: &Side, node: u32, edges: &[(u32, i64)], price: i64) -> Result<(), EdgeError> {
    own.check(node)?;
    edges.iter().try_for_each(|edge| other.check(edge.0))?;
    let costs = edges.iter().map(|edge| edge.1).chain([price]);
    if let Some(cost) = costs.into_iter().find(|cost| cost.unsigned_abs() > COST_MAX.unsigned_abs()) {
        return Err(EdgeError::Cost { cost });
    }
    let mut ends: Vec<u32> = edges.iter().map(|edge| edge.0).collect();
    ends.sort_unstable();
    match ends.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(EdgeError::Twice { node: pair[0] }),
        None => Ok(()),
    }
}

impl Paths {
    /// Whether a row may still be changed when it is the turn of another.
    fn is_before(&self, row: u32, other: u32) -> bool {
        self.ranks[row as usize] < self.ranks[other as usize]
    }
}

/// Where a search ends.
#[derive(Clone, Copy)]
enum End {
    /// At somebody of the other side who is alone.
    Taken(u32),
    /// With somebody's partner giving up this node of the other side, to stay alone.
    GivenUp(u32),
    /// With the one who asked staying alone.
    Refused,
}

impl Search {
    /// Finds partners for all of `own` that wait.
    fn solve(&mut self, own: &mut Side, other: &mut Side) {
        let mut waiting = std::mem::take(&mut own.due);
        waiting.retain(|node| own.is_waiting(*node));
        let mut bids = waiting.len().saturating_mul(BIDS_EACH);
        let mut stuck = Vec::new();
        while let Some(node) = waiting.pop() {
            if !own.is_waiting(node) {
                continue;
            }
            if bids == 0 {
                stuck.push(node);
                continue;
            }
            bids -= 1;
            match own.bid(other, node, 0) {
                Some((loser, true)) => waiting.push(loser),
                Some((loser, false)) => stuck.push(loser),
                None => {}
            }
        }
        for &node in &stuck {
            if own.is_waiting(node) {
                self.augment(own, other, node);
            }
        }
        stuck.clear();
        own.due = stuck;
    }

    /// The cheapest way to give `asker` a partner, or to leave somebody alone. Dijkstra's algorithm over reduced costs.
    fn augment(&mut self, own: &mut Side, other: &mut Side, asker: u32) {
        self.begin(own, other);
        let price_left = |own: &Side, node: u32| own.prices[node as usize] - own.nodes[node as usize].dual;
        let (mut dearer, mut end) = (price_left(own, asker), End::Refused);
        self.bound = dearer;
        self.ask(own, other, asker, 0);
        while let Some((first, ())) = self.queue.pop() {
            let (more, node) = unpack(first);
            if dearer <= more {
                break;
            }
            let Node { more: known, mate: owner, .. } = other.nodes[node as usize];
            if known < more {
                continue;
            }
            if owner == ALONE {
                (dearer, end) = (more, End::Taken(node));
                break;
            }
            self.settled.push((more, node));
            let alone = more + price_left(own, owner);
            if alone < dearer {
                (dearer, end) = (alone, End::GivenUp(node));
                self.bound = self.bound.min(alone);
            }
            self.ask(own, other, owner, more);
        }
        own.nodes[asker as usize].dual += dearer;
        for &(more, node) in &self.settled {
            // What was settled and is no dearer than the end.
            let rise = (dearer - more).max(0);
            let column = &mut other.nodes[node as usize];
            column.dual -= rise;
            own.nodes[column.mate as usize].dual += rise;
        }
        let mut node = match end {
            End::Refused => return,
            End::Taken(node) => node,
            End::GivenUp(node) => {
                own.nodes[other.nodes[node as usize].mate as usize].mate = ALONE;
                node
            }
        };
        loop {
            let taken = &mut other.nodes[node as usize];
            let owner = taken.asker;
            taken.mate = owner;
            let before = std::mem::replace(&mut own.nodes[owner as usize].mate, node);
            if owner == asker {
                return;
            }
            node = before;
        }
    }

    fn begin(&mut self, own: &mut Side, other: &mut Side) {
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            own.nodes.iter_mut().chain(&mut other.nodes).for_each(|node| node.search = 0);
            self.number = 1;
        }
        self.queue.clear();
        self.settled.clear();
    }

    /// Looks at everybody that `asker` could have, who is free when everything is dearer by `more`.
    fn ask(&mut self, own: &Side, other: &mut Side, asker: u32, more: i64) {
        let dual = own.nodes[asker as usize].dual - more;
        for edge in &own.edges[asker as usize] {
            let number = edge.end();
            let node = &mut other.nodes[number as usize];
            let more = edge.cost() - dual - node.dual;
            if more < self.bound && (node.search != self.number || more < node.more) {
                (node.more, node.asker, node.search) = (more, asker, self.number);
                self.queue.push(pack(more, number), ());
                if node.mate == ALONE {
                    self.bound = more;
                }
            }
        }
    }
}

/// Bits of a node's number: no more than [`NODES_MAX`] have one.
const NODE_BITS: u32 = NODES_MAX.trailing_zeros();

/// Sorts by how much dearer, then by node. No search goes beyond four times [`COST_MAX`]: to stay alone is cheaper.
const fn pack(more: i64, node: u32) -> u64 {
    more.unsigned_abs() << NODE_BITS | node as u64
}

#[expect(clippy::cast_possible_truncation, reason = "it has so few bits")]
const fn unpack(packed: u64) -> (i64, u32) {
    ((packed >> NODE_BITS).cast_signed(), packed as u32 & (u32::MAX >> (u32::BITS - NODE_BITS)))
}
