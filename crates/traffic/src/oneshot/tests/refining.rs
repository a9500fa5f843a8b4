//! Refined plans are valid, never worse, and the same on any number of workers.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use sheepdog_core::{Job, JobResult, Sequential, Workers};

use super::{check, grid, instance, questions, trips};
use crate::oneshot::{
    Cell, Grid, Instance, Refiner, Search, Trip,
    fields::Fields,
    sipp::{Finder, Haste, Limits, Timeline, Traveller},
};

/// Runs jobs in turn, and says that there are several threads.
struct Several(usize);

impl Workers for Several {
    fn run(&self, jobs: Vec<Job>) -> Vec<JobResult> {
        Sequential.run(jobs)
    }

    fn width(&self) -> usize {
        self.0
    }
}

fn refiner(instance: &Instance, seed: u64) -> Option<Refiner> {
    let mut search = Search::new(instance, seed);
    search.run(2_000);
    search.into_refiner(seed)
}

/// The fewest steps that a robot loses among the given ways of all others, and when it can come to rest at its goal for good at
/// the earliest: by dynamic programming over all cells and instants.
fn best(grid: &Grid, others: &[Vec<Cell>], trip: Trip, instants: usize) -> (usize, usize) {
    let mut lost = BTreeMap::from([(trip.start, 0_usize)]);
    let mut arrivals = Vec::new();
    for instant in 1..=instants {
        let goes_by = |way: &Vec<Cell>| way[instant - 1..].contains(&trip.goal);
        if lost.contains_key(&trip.goal) && !others.iter().any(goes_by) {
            arrivals.push(instant - 1);
        }
        if instant == instants {
            break;
        }
        let [before, after] =
            [instant - 1, instant].map(|instant| others.iter().map(|way| way[instant]).collect::<Vec<_>>());
        let mut next = BTreeMap::new();
        for (&from, &so_far) in &lost {
            for (x, y) in [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)] {
                let to = Cell { x: from.x.wrapping_add_signed(x), y: from.y.wrapping_add_signed(y) };
                let joined = |row: &[Cell], cell| row.iter().copied().chain([cell]).collect::<Vec<Cell>>();
                if check::step_fault(grid, &joined(&before, from), &joined(&after, to)).is_none() {
                    let total = so_far + usize::from((from, to) != (trip.goal, trip.goal));
                    let best = next.entry(to).or_insert(total);
                    *best = total.min(*best);
                }
            }
        }
        lost = next;
    }
    (lost[&trip.goal], arrivals[0])
}

/// Where it is crowded, tries of one round get into each other's way; still the plan does not depend on who made them, and no
/// round makes it worse.
#[test]
fn crowds_merge_in_one_order() {
    for seed in 0..6 {
        let grid = grid(&vec![".......".to_owned(); 7]);
        let trips = trips(&grid, 26, seed);
        let instance = instance(&grid, &trips);
        let mut refiners: Vec<Refiner> = (0..3).filter_map(|_| refiner(&instance, seed)).collect();
        assert_eq!(refiners.len(), 3);
        for _ in 0..60 {
            for (refiner, width) in refiners.iter_mut().zip([1, 3, 16]) {
                let before = refiner.sum_of_loss();
                refiner.round(&Several(width));
                assert!(refiner.sum_of_loss() <= before);
                assert_eq!(refiner.solution().costs().sum_of_loss, refiner.sum_of_loss());
            }
        }
        let plans: Vec<_> = refiners.iter().map(Refiner::solution).collect();
        assert_eq!(plans[0], plans[1]);
        assert_eq!(plans[0], plans[2]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every round leaves a valid plan that loses no more than before, and the sum that it says.
    #[test]
    fn rounds_keep_plans_valid((grid, trips, seed) in questions(7, 2, 20)) {
        let instance = instance(&grid, &trips);
        let Some(mut refiner) = refiner(&instance, seed) else { return Ok(()) };
        let mut before = refiner.solution().costs().sum_of_loss;
        prop_assert_eq!(before, refiner.sum_of_loss());
        for _ in 0..20 {
            refiner.round(&Sequential);
            let plan = refiner.solution();
            let rows: Vec<Vec<Cell>> =
                (0..=plan.makespan()).map(|step| plan.cells(&instance, step)).collect();
            prop_assert_eq!(check::plan_fault(&grid, &trips, &rows), None);
            let lost = plan.costs().sum_of_loss;
            prop_assert_eq!(lost, refiner.sum_of_loss());
            prop_assert!(refiner.bound() <= lost && lost <= before);
            before = lost;
        }
    }

    /// The plan depends on the number of rounds and not on the number of workers.
    #[test]
    fn workers_make_no_difference((grid, trips, seed) in questions(7, 2, 20), width in 2..12_usize) {
        let instance = instance(&grid, &trips);
        let (Some(mut one), Some(mut many)) = (refiner(&instance, seed), refiner(&instance, seed)) else {
            return Ok(());
        };
        for _ in 0..40 {
            one.round(&Sequential);
            many.round(&Several(width));
        }
        prop_assert_eq!(one.solution(), many.solution());
    }

    /// A search among the ways of others finds one that fits to them: never later than the earliest arrival, never better than is
    /// possible, and none where too little may be lost.
    #[test]
    fn ways_fit_and_are_short((grid, trips, seed) in questions(5, 2, 8)) {
        let instance = instance(&grid, &trips);
        let mut search = Search::new(&instance, seed);
        search.run(2_000);
        let distances = search.distances().to_vec();
        let Some(refiner) = search.into_refiner(seed) else { return Ok(()) };
        let plan = refiner.solution();
        let instants = plan.makespan() + 1;
        let ways: Vec<Arc<[u32]>> =
            (0..trips.len()).map(|robot| (0..instants).map(|step| plan.at(step)[robot]).collect()).collect();
        let mut timeline = Timeline::new(instance.vertices(), instants, &ways);
        let mut fields = Fields::new(instance.raster.clone(), instance.goals.clone(), 1 << 20);
        let mut finder = Finder::default();
        for (index, trip) in trips.iter().enumerate() {
            let robot = u32::try_from(index).unwrap();
            timeline.lift(robot);
            let cells = |way: &Arc<[u32]>| way.iter().map(|vertex| instance.cell(*vertex)).collect();
            let mut others: Vec<Vec<Cell>> = ways.iter().map(cells).collect();
            others.remove(index);
            let (best, arrival) = best(&grid, &others, *trip, instants);
            let (start, goal) = (instance.starts[index], instance.goals[index]);
            let who = Traveller { robot, start, goal, distance: distances[index] };
            let mut find = |most: usize, haste| {
                let limits = Limits { most: u32::try_from(most).unwrap(), haste, effort: u32::MAX };
                finder.find(&instance.network, &mut fields, &timeline, who, limits)
            };
            for (most, haste) in [
                (instants, Haste::None),
                (arrival, Haste::None),
                (arrival, Haste::Greedy),
                (instants, Haste::Greedy),
            ] {
                let way = find(most, haste).unwrap();
                let mut rows = others.clone();
                rows.push(way.iter().map(|vertex| instance.cell(*vertex)).collect());
                for instant in 1..instants {
                    let [before, after] = [instant - 1, instant]
                        .map(|instant| rows.iter().map(|row| row[instant]).collect::<Vec<_>>());
                    prop_assert_eq!(check::step_fault(&grid, &before, &after), None);
                }
                prop_assert_eq!((way[0], way[instants - 1]), (start, goal));
                let lost = way.windows(2).filter(|pair| *pair != [goal, goal]).count();
                prop_assert!(best <= lost && lost <= most);
                prop_assert!(matches!(haste, Haste::Greedy) || lost <= arrival);
            }
            if let Some(less) = best.checked_sub(1) {
                prop_assert_eq!(find(less, Haste::None), None);
                prop_assert_eq!(find(less, Haste::Greedy), None);
            }
            timeline.put(robot, ways[index].clone());
        }
    }
}
