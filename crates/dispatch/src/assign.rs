//! The cheapest assignment of rows to columns: tasks to agents, or anything else that comes in pairs.
//!
//! * [`SparseAssignment`]: few edges a row, a price for leaving a row or a column alone, and changes: a row or a column
//!   is replaced, and only what hangs on it is solved again.
//! * [`DenseAssignment`]: a cost for every pair, every row gets a column.
//!
//! Both are successive shortest paths over reduced costs (Jonker, Volgenant 1987), begun with augmenting row reduction,
//! and both keep the dual prices, so that the result [can be proven](SparseAssignment::verify) without a second solver:
//! a feasible dual of the same value is a certificate. Costs are integers, equal on every machine.
//!
//! ```
//! use sheepdog_dispatch::assign::SparseAssignment;
//!
//! // Two robots, two tasks; the first task would rather have the first robot, the second cannot have another.
//! let mut tasks = SparseAssignment::new(2, 2);
//! tasks.set_row(0, &[(0, 10), (1, 12)], 1_000)?;
//! tasks.set_row(1, &[(0, 15)], 1_000)?;
//! tasks.solve();
//! assert_eq!((tasks.column_of(0), tasks.column_of(1)), (Some(1), Some(0)));
//! assert_eq!(tasks.cost(), 27);
//!
//! // The second robot drops out: the task for which the other one would be dearer gets it.
//! tasks.set_column(1, &[], 0)?;
//! tasks.solve();
//! assert_eq!(tasks.cost(), 1_010);
//! tasks.verify()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dense;
mod sparse;

pub use self::{
    dense::{DenseAssignment, DenseError},
    sparse::{EdgeError, Flaw, Forced, Move, SparseAssignment},
};

/// The largest cost or price, and with the sign changed the least: a thousand milliard. With at most 2²⁰ rows and columns
/// no sum overflows.
pub const COST_MAX: i64 = 1 << 40;
/// The most rows, and the most columns.
pub const NODES_MAX: usize = 1 << 20;

/// When more than one in so many rows has changed, everything is begun anew.
const ANEW_SHARE: usize = 4;
/// Bids of one row after which it bids twice as much more than it would have to.
const PATIENCE: u32 = 16;
/// How much more than needed is bid by somebody who has bid so often, where `slack` is enough at first: a price that has to
/// rise far does so soon.
fn more_than_needed(slack: i64, bids: u32) -> i64 {
    slack.saturating_mul(1 << (bids / PATIENCE).min(40)).min(COST_MAX)
}

/// No partner.
const ALONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Edges by row, prices of rows and prices of columns.
    #[derive(Clone, Debug)]
    struct Plain {
        edges: Vec<Vec<Option<i64>>>,
        rows: Vec<i64>,
        columns: Vec<i64>,
    }

    impl Plain {
        /// The least cost of all assignments, by trying all.
        fn least(&self) -> i64 {
            fn serve(plain: &Plain, row: usize, taken: u32) -> i64 {
                let Some(price) = plain.rows.get(row) else {
                    let alone =
                        plain.columns.iter().enumerate().filter(|(column, _)| taken & (1 << column) == 0);
                    return alone.map(|(_, price)| price).sum();
                };
                let mut least = price + serve(plain, row + 1, taken);
                for (column, cost) in plain.edges[row].iter().enumerate() {
                    if let (Some(cost), 0) = (cost, taken & (1 << column)) {
                        least = least.min(cost + serve(plain, row + 1, taken | 1 << column));
                    }
                }
                least
            }
            serve(self, 0, 0)
        }

        fn row(&self, row: usize) -> Vec<(u32, i64)> {
            (0..).zip(&self.edges[row]).filter_map(|(column, cost)| Some((column, (*cost)?))).collect()
        }

        fn column(&self, column: usize) -> Vec<(u32, i64)> {
            (0..).zip(&self.edges).filter_map(|(row, edges)| Some((row, edges[column]?))).collect()
        }

        fn solved(&self) -> SparseAssignment {
            let mut solver = SparseAssignment::new(self.rows.len(), self.columns.len());
            for (column, price) in (0..).zip(&self.columns) {
                solver.set_column(column, &[], *price).unwrap();
            }
            for (row, price) in self.rows.iter().enumerate() {
                solver.set_row(u32::try_from(row).unwrap(), &self.row(row), *price).unwrap();
            }
            solver.solve();
            solver.canonicalize();
            solver
        }
    }

    fn partners(solver: &SparseAssignment) -> Vec<Option<u32>> {
        (0..7).map(|row| solver.column_of(row)).collect()
    }

    /// Carries out the moves, and holds the difference that they make against what is stated.
    fn check_moves(
        solver: &SparseAssignment,
        forced: &Forced,
        (row, column): (u32, u32),
        cost: impl Fn(u32, u32) -> Option<i64>,
        rows: &[i64],
        columns: &[i64],
    ) -> Result<(), TestCaseError> {
        let before: Vec<Option<u32>> = (0..).take(rows.len()).map(|row| solver.column_of(row)).collect();
        let mut after = before.clone();
        let mut moved = std::collections::BTreeSet::new();
        for it in &forced.moves {
            prop_assert!(moved.insert(it.row), "each moves once");
            prop_assert_eq!(before[it.row as usize], it.from);
            prop_assert_ne!(it.from, it.to);
            after[it.row as usize] = it.to;
        }
        prop_assert_eq!(after[row as usize], Some(column));
        prop_assert_eq!(forced.moves.first().map_or(row, |first| first.row), row);
        let total = |partners: &[Option<u32>]| {
            let mut taken = vec![false; columns.len()];
            let mut sum = 0;
            for (row, partner) in (0..).zip(partners) {
                sum += match partner {
                    Some(column) => {
                        let taken = &mut taken[*column as usize];
                        prop_assert!(!std::mem::replace(taken, true), "each column is taken once");
                        cost(row, *column).unwrap()
                    }
                    None => rows[row as usize],
                };
            }
            Ok(sum
                + columns.iter().zip(taken).filter(|(_, taken)| !taken).map(|(price, _)| price).sum::<i64>())
        };
        prop_assert_eq!(total(&after)? - total(&before)?, forced.rise);
        Ok(())
    }

    /// Small costs, so that ties are common; sometimes those at the limit.
    fn cost() -> impl Strategy<Value = i64> {
        prop_oneof![9 => 0..6_i64, 3 => -3..40_i64, 1 => Just(COST_MAX), 1 => Just(-COST_MAX)]
    }

    fn plain() -> impl Strategy<Value = Plain> {
        (0..6_usize, 0..6_usize).prop_flat_map(|(rows, columns)| {
            let edges = prop::collection::vec(prop::option::weighted(0.7, cost()), columns);
            let edges = prop::collection::vec(edges, rows);
            let columns = prop::collection::vec(prop_oneof![3 => Just(0), 1 => cost()], columns);
            (edges, prop::collection::vec(cost(), rows), columns).prop_map(|(edges, rows, columns)| Plain {
                edges,
                rows,
                columns,
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// Nobody finds a cheaper one by trying all, and the certificate holds.
        #[test]
        fn a_sparse_assignment_is_the_cheapest(plain in plain()) {
            let solver = plain.solved();
            prop_assert_eq!(solver.verify(), Ok(()));
            prop_assert_eq!(solver.cost(), plain.least());
        }

        /// After every change the result is what a new solver finds, and its assignment is the same.
        #[test]
        fn a_change_leads_where_a_new_start_leads(
            mut plain in plain(),
            changes in prop::collection::vec(
                (any::<bool>(), 0..6_usize, prop::collection::vec(prop::option::weighted(0.6, cost()), 6), cost()),
                0..12,
            ),
        ) {
            let mut solver = plain.solved();
            for (is_row, node, costs, price) in changes {
                let (rows, columns) = (plain.rows.len(), plain.columns.len());
                let number = u32::try_from(node).unwrap();
                if is_row && node < rows {
                    plain.edges[node] = costs.into_iter().take(columns).collect();
                    plain.rows[node] = price;
                    solver.set_row(number, &plain.row(node), price).unwrap();
                } else if !is_row && node < columns {
                    plain.edges.iter_mut().zip(costs).for_each(|(row, cost)| row[node] = cost);
                    plain.columns[node] = price;
                    solver.set_column(number, &plain.column(node), price).unwrap();
                }
                solver.solve();
                prop_assert_eq!(solver.verify(), Ok(()));
                solver.canonicalize();
                prop_assert_eq!(solver.verify(), Ok(()));
                let anew = plain.solved();
                prop_assert_eq!(solver.cost(), anew.cost());
                prop_assert_eq!(partners(&solver), partners(&anew));
            }
        }

        /// What forcing each pair would cost is what trying all with that pair costs, its moves lead there, and neither depends
        /// on what was solved before.
        #[test]
        fn a_forced_pair_costs_what_it_costs(plain in plain(), detour in (0..6_usize, plain())) {
            let solver = plain.solved();
            let mut other = plain.solved();
            let (row, detour) = detour;
            if row < plain.rows.len() {
                let number = u32::try_from(row).unwrap();
                let detour = Plain { columns: plain.columns.clone(), ..detour };
                let mut edges = if row < detour.edges.len() { detour.row(row) } else { Vec::new() };
                edges.retain(|edge| (edge.0 as usize) < plain.columns.len());
                other.set_row(number, &edges, 3).unwrap();
                prop_assert_eq!(other.displacement(number, 0), None, "it has not been solved");
                other.solve();
                other.set_row(number, &plain.row(row), plain.rows[row]).unwrap();
                other.solve();
                other.canonicalize();
            }
            for row in 0..plain.rows.len() {
                for column in 0..plain.columns.len() {
                    let (r, c) = (u32::try_from(row).unwrap(), u32::try_from(column).unwrap());
                    let forced = solver.displacement(r, c);
                    prop_assert_eq!(&other.displacement(r, c), &forced);
                    let Some(cost) = plain.edges[row][column] else {
                        prop_assert_eq!(forced, None);
                        continue;
                    };
                    let mut rest = plain.clone();
                    rest.edges.remove(row);
                    rest.rows.remove(row);
                    rest.columns.remove(column);
                    rest.edges.iter_mut().for_each(|edges| { edges.remove(column); });
                    let forced = forced.unwrap();
                    prop_assert_eq!(forced.rise, cost + rest.least() - plain.least());
                    prop_assert!(0 <= forced.rise);
                    check_moves(&solver, &forced, (r, c), |row, column| {
                        plain.edges[row as usize][column as usize]
                    }, &plain.rows, &plain.columns)?;
                }
            }
        }

        /// Another column never makes it dearer, nor does a cheaper edge.
        #[test]
        fn more_to_choose_from_is_never_dearer(plain in plain(), edges in prop::collection::vec(cost(), 6), off in 0..3_i64) {
            let cost = plain.solved().cost();
            let mut more = plain.clone();
            more.columns.push(0);
            more.edges.iter_mut().zip(edges).for_each(|(row, edge)| row.push(Some(edge)));
            prop_assert!(more.solved().cost() <= cost);
            let mut cheaper = plain;
            if let Some(Some(edge)) = cheaper.edges.iter_mut().flatten().find(|edge| edge.is_some()) {
                *edge = (*edge - off).max(-COST_MAX);
            }
            prop_assert!(cheaper.solved().cost() <= cost);
        }

        /// A matrix is assigned as cheaply as by trying all, also after rows have changed.
        #[test]
        fn a_dense_assignment_is_the_cheapest(
            (rows, columns, costs) in (0..6_usize, 0..3_usize).prop_flat_map(|(rows, more)| {
                (Just(rows), Just(rows + more), prop::collection::vec(cost(), rows * (rows + more)))
            }),
            changes in prop::collection::vec((0..6_usize, prop::collection::vec(cost(), 8)), 0..4),
        ) {
            let mut edges: Vec<Vec<Option<i64>>> = (0..rows)
                .map(|row| costs[row * columns..][..columns].iter().copied().map(Some).collect())
                .collect();
            let mut solver = DenseAssignment::new(rows, columns, costs).unwrap();
            let none = vec![];
            for change in std::iter::once((6, none)).chain(changes) {
                if let (row, Some(costs)) = (change.0, change.1.get(..columns)) && row < rows {
                    edges[row] = costs.iter().copied().map(Some).collect();
                    solver.set_row(u32::try_from(row).unwrap(), costs).unwrap();
                }
                solver.solve();
                prop_assert_eq!(solver.verify(), Ok(()));
                let left = vec![1 << 50; rows];
                let plain = Plain { edges: edges.clone(), rows: left, columns: vec![0; columns] };
                prop_assert_eq!(solver.cost(), plain.least());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// With more columns than are kept at hand: dense and sparse agree, whatever the costs look like, after changes too.
        #[test]
        fn large_assignments_are_proven(
            (rows, columns) in (1..90_usize).prop_flat_map(|rows| (Just(rows), prop_oneof![Just(rows), rows..rows + 12])),
            (kind, seed) in (0..4_u64, any::<u64>()),
            changes in prop::collection::vec(0..90_usize, 0..20),
        ) {
            let draw = |a: u64, b: u64| {
                let mixed = (seed ^ a << 32 ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                i64::try_from((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40).unwrap()
            };
            let cost = |row: u64, column: u64| match kind {
                0 => draw(row, column),
                // Travel times: everybody wants the same.
                1 => (draw(row, 1 << 20) % 100 - draw(1 << 21, column) % 100).abs(),
                2 => i64::try_from((row + 1) * (column + 1)).unwrap(),
                _ => draw(row, column) % 3,
            };
            let row = |row: u64| (0..).take(columns).map(|column| cost(row, column)).collect::<Vec<_>>();
            let costs = (0..).take(rows).flat_map(row).collect();
            let mut dense = DenseAssignment::new(rows, columns, costs).unwrap();
            let mut sparse = SparseAssignment::new(rows, columns);
            let edges = |costs: &[i64]| (0..).zip(costs.iter().copied()).collect::<Vec<_>>();
            for number in (0_u32..).take(rows) {
                sparse.set_row(number, &edges(&row(number.into())), COST_MAX).unwrap();
            }
            for (step, change) in std::iter::once(rows).chain(changes).enumerate() {
                if change < rows {
                    let costs = row(u64::try_from(rows + step).unwrap());
                    let number = u32::try_from(change).unwrap();
                    dense.set_row(number, &costs).unwrap();
                    sparse.set_row(number, &edges(&costs), COST_MAX).unwrap();
                }
                dense.solve();
                sparse.solve();
                prop_assert_eq!(dense.verify(), Ok(()));
                prop_assert_eq!(sparse.verify(), Ok(()));
                prop_assert_eq!(dense.cost(), sparse.cost());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Also of many, where a new solver has no other edge for the pair.
        #[test]
        fn a_forced_pair_of_many_costs_what_a_new_start_finds(
            (rows, columns, near) in (2..60_u32, 2..60_u32, 1..12_u64),
            seed in any::<u64>(),
            pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 6),
        ) {
            let draw = |a: u64, b: u64| {
                let mixed = (seed ^ a << 32 ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
            };
            let cost = |row: u32, column: u32| {
                let (row, column) = (u64::from(row), u64::from(column));
                let is_edge = draw(row, column) % u64::from(columns) < near;
                is_edge.then(|| i64::try_from((draw(row, 1 << 20) % 100).abs_diff(draw(1 << 21, column) % 100)).unwrap())
            };
            let edges = |row: u32| (0..columns).filter_map(|column| Some((column, cost(row, column)?))).collect::<Vec<_>>();
            let price = |row: u32| 50 + i64::try_from(draw(u64::from(row), 1 << 22) % 900).unwrap();
            let mut solver = SparseAssignment::new(rows as usize, columns as usize);
            for row in 0..rows {
                solver.set_row(row, &edges(row), price(row)).unwrap();
            }
            solver.solve();
            solver.canonicalize();
            for (row, column) in pairs {
                let row = u32::try_from(row.index(rows as usize)).unwrap();
                let known = edges(row);
                if known.is_empty() {
                    continue;
                }
                let (column, own) = known[column.index(known.len())];
                let mut mandatory = SparseAssignment::new(rows as usize, columns as usize);
                for other in (0..rows).filter(|other| *other != row) {
                    let others: Vec<_> = edges(other).into_iter().filter(|edge| edge.0 != column).collect();
                    mandatory.set_row(other, &others, price(other)).unwrap();
                }
                mandatory.set_row(row, &[(column, own)], COST_MAX).unwrap();
                mandatory.solve();
                let forced = solver.displacement(row, column).unwrap();
                prop_assert_eq!(forced.rise, mandatory.cost() - solver.cost());
                let prices: Vec<i64> = (0..rows).map(price).collect();
                check_moves(&solver, &forced, (row, column), cost, &prices, &vec![0; columns as usize])?;
            }
        }
    }

    /// Many that want the same few, at a price that is far above all costs; and a column that must not be taken. Without
    /// bids that grow these take hours.
    #[test]
    fn a_price_that_must_rise_far_rises_soon() {
        let mut sparse = SparseAssignment::new(60, 50);
        let edges: Vec<(u32, i64)> = (0..50).map(|column| (column, 0)).collect();
        for row in 0..60 {
            sparse.set_row(row, &edges, COST_MAX).unwrap();
        }
        sparse.solve();
        assert_eq!((sparse.verify(), sparse.cost()), (Ok(()), 10 * COST_MAX));
        let forbidden = |at: usize| if at % 66 == 65 { COST_MAX } else { 0 };
        let mut dense = DenseAssignment::new(66, 66, (0..66 * 66).map(forbidden).collect()).unwrap();
        dense.solve();
        assert_eq!((dense.verify(), dense.cost()), (Ok(()), COST_MAX));
    }

    /// However often rows change, prices stay where they can be added.
    #[test]
    fn prices_do_not_drift() {
        let mut one = DenseAssignment::new(1, 1, vec![7]).unwrap();
        let mut two = DenseAssignment::new(2, 2, vec![0; 4]).unwrap();
        for change in 0..2_000 {
            one.set_row(0, &[7]).unwrap();
            one.solve();
            let cost = if change % 4 < 2 { COST_MAX } else { -COST_MAX };
            two.set_row(change % 2, &[cost, -cost]).unwrap();
            two.solve();
            assert_eq!((one.verify(), two.verify()), (Ok(()), Ok(())));
        }
        assert!(one.highest_price().max(two.highest_price()) <= 8 * COST_MAX);
    }

    #[test]
    fn what_is_refused_is_named() {
        let mut sparse = SparseAssignment::new(2, 3);
        assert_eq!(sparse.set_row(2, &[], 0), Err(EdgeError::Node { node: 2, nodes: 2 }));
        assert_eq!(sparse.set_row(0, &[(3, 0)], 0), Err(EdgeError::Node { node: 3, nodes: 3 }));
        assert_eq!(sparse.set_row(0, &[(1, 0), (2, 0), (1, 5)], 0), Err(EdgeError::Twice { node: 1 }));
        let cost = COST_MAX + 1;
        assert_eq!(sparse.set_column(0, &[(1, cost)], 0), Err(EdgeError::Cost { cost }));
        assert_eq!(sparse.set_column(0, &[], -cost), Err(EdgeError::Cost { cost: -cost }));
        assert_eq!(sparse.solved_cost(), 0);
        let shape = DenseError::Shape { rows: 2, columns: 1, costs: 2 };
        assert_eq!(DenseAssignment::new(2, 1, vec![0, 0]).unwrap_err(), shape);
        assert_eq!(
            shape.to_string(),
            "2 costs are no matrix of 2 rows and as many columns or more: it has 1"
        );
        let mut dense = DenseAssignment::new(1, 1, vec![7]).unwrap();
        assert_eq!(dense.set_row(1, &[0]), Err(DenseError::Row { row: 1, rows: 1 }));
        assert_eq!(dense.set_row(0, &[i64::MIN]), Err(DenseError::Cost { cost: i64::MIN }));
        assert_eq!(dense.verify(), Err(DenseError::Alone { row: 0 }));
    }

    impl SparseAssignment {
        fn solved_cost(&mut self) -> i64 {
            self.solve();
            self.cost()
        }
    }

    /// A proof that does not look would accept these.
    #[test]
    fn a_wrong_assignment_is_not_proven() {
        let mut solver = SparseAssignment::new(2, 2);
        solver.set_row(0, &[(0, 1), (1, 5)], 9).unwrap();
        solver.set_row(1, &[(0, 1), (1, 9)], 9).unwrap();
        assert!(solver.verify().is_err(), "it has not been solved");
        solver.solve();
        assert_eq!((solver.verify(), solver.cost()), (Ok(()), 6));
        // The row that has just been set again is alone.
        solver.set_row(0, &[(0, 0)], 9).unwrap();
        assert!(solver.verify().is_err());
    }
}
