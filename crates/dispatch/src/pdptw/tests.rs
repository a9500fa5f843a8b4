//! Promises of the solver: rules are kept, more steps are never worse, small problems are solved.

use proptest::prelude::*;

use super::*;

/// A problem before it is checked.
#[derive(Clone, Debug)]
struct Draft {
    vehicles: Vehicles,
    stops: Vec<Stop>,
    pairs: Vec<Pair>,
    distances: Vec<i64>,
    durations: Vec<i64>,
}

impl Draft {
    fn problem(&self) -> Problem {
        self.try_problem().unwrap()
    }

    fn try_problem(&self) -> Result<Problem, ProblemError> {
        Problem::new(self.vehicles, &self.stops, &self.pairs, &self.distances, &self.durations)
    }
}

/// Where stops `2n + 1` and `2n + 2` are pair `n`; values small, so that ties, tight windows and full loads are common.
fn drafts(pairs: std::ops::RangeInclusive<usize>, largest: i64) -> impl Strategy<Value = Draft> {
    let vehicles = (0_u32..4, 0_i64..6, 0..=largest / 4, largest / 2..=largest)
        .prop_map(|(count, capacity, ready, due)| Vehicles { count, capacity, ready, due });
    pairs.prop_flat_map(move |pairs| {
        let stops = 2 * pairs;
        let window = (0_i64..=3, 0..=largest / 2, 0..=largest, 0..=largest / 8);
        let ways = || prop::collection::vec(0..=largest / 4, (stops + 1) * (stops + 1));
        (vehicles.clone(), prop::collection::vec(window, stops), ways(), ways()).prop_map(
            |(vehicles, windows, distances, durations)| {
                let mut draft =
                    Draft { vehicles, stops: Vec::new(), pairs: Vec::new(), distances, durations };
                for ends in windows.chunks_exact(2) {
                    let load = ends[0].0;
                    for (&(_, ready, width, service), demand) in ends.iter().zip([load, -load]) {
                        let due = (ready + width).min(VALUE_MAX);
                        draft.stops.push(Stop { demand, ready, due, service });
                    }
                    let last = u32::try_from(draft.stops.len()).unwrap();
                    draft.pairs.push(Pair { pickup: StopId(last - 1), delivery: StopId(last) });
                }
                draft
            },
        )
    })
}

fn searched(problem: &Problem, seed: u64, steps: u64) -> Solution {
    solve(problem, &Settings { seed, steps })
}

/// Holds a solution to the checker, and what the search says of it as well.
fn checked(problem: &Problem, solution: &Solution) -> Cost {
    let cost = problem.check(solution).unwrap();
    assert_eq!(cost.distance, solution.distance);
    cost
}

/// The best of everything there is: each pair in turn goes anywhere or nowhere.
fn best_of_all(problem: &Problem) -> Cost {
    fn place(problem: &Problem, pair: usize, partial: &Solution, best: &mut Cost) {
        let Some(ends) = problem.pairs().get(pair) else {
            // Only whole solutions are judged: what is late now might not be with another stop in between.
            let mut whole = partial.clone();
            whole.routes.retain(|route| !route.is_empty());
            if let Ok(cost) = problem.check(&whole) {
                *best = cost.min(*best);
            }
            return;
        };
        let mut without = partial.clone();
        without.unserved.push(PairId(u32::try_from(pair).unwrap()));
        place(problem, pair + 1, &without, best);
        for route in 0..partial.routes.len() {
            for first in 0..=partial.routes[route].len() {
                for second in first..=partial.routes[route].len() {
                    let mut with = partial.clone();
                    with.routes[route].insert(second, ends.delivery);
                    with.routes[route].insert(first, ends.pickup);
                    place(problem, pair + 1, &with, best);
                }
            }
        }
    }
    let vehicles = problem.pairs().len().min(problem.vehicles().count as usize);
    let empty = Solution { routes: vec![Vec::new(); vehicles], ..Solution::default() };
    let mut best = Cost { unserved: usize::MAX, vehicles: 0, distance: 0 };
    place(problem, 0, &empty, &mut best);
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What is found is never better than the best there is, and with some steps it is the best: also where ways round
    /// are quicker, which the insertion of pairs into feasible routes cannot always see.
    #[test]
    fn small_problems_are_solved(draft in drafts(0..=3, 40), seed in 0_u64..4) {
        let problem = draft.problem();
        let (best, found) = (best_of_all(&problem), checked(&problem, &searched(&problem, seed, 400)));
        prop_assert!(best <= found, "{best:?} {found:?}");
        prop_assert!(checked(&problem, &searched(&problem, seed, 0)) >= found);
        if is_metric(&draft) {
            prop_assert_eq!(best, found);
        }
    }

    /// In a metric the best is found.
    #[test]
    fn small_metric_problems_are_solved(draft in drafts(1..=3, 60), seed in 0_u64..4) {
        let draft = metric(draft);
        prop_assert!(is_metric(&draft));
        let problem = draft.problem();
        prop_assert_eq!(best_of_all(&problem), checked(&problem, &searched(&problem, seed, 600)));
    }

    /// Every step leaves routes that keep the rules, and none makes them worse; twice the same is the same.
    #[test]
    fn steps_keep_the_rules_and_never_make_it_worse(
        draft in drafts(0..=12, 200),
        roomy in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut draft = draft;
        if roomy {
            draft.vehicles.count = 12;
        }
        let problem = draft.problem();
        let (mut search, mut again) = (Search::new(&problem, seed), Search::new(&problem, seed));
        let mut cost = checked(&problem, &search.best());
        for _ in 0..150 {
            prop_assert_eq!(search.cost(), cost);
            search.step();
            again.step();
            let next = checked(&problem, &search.best());
            prop_assert!(next <= cost);
            cost = next;
        }
        prop_assert_eq!(search.best(), again.best());
        prop_assert_eq!(search.best(), searched(&problem, seed, search.steps()));
    }

    /// Another order of the pairs is another search, and still one that keeps the rules.
    #[test]
    fn the_order_of_pairs_breaks_nothing(draft in drafts(1..=6, 60), turn in 0_usize..6) {
        let mut turned = draft.clone();
        turned.pairs.rotate_left(turn % draft.pairs.len());
        let (problem, other) = (draft.problem(), turned.problem());
        let (here, there) = (searched(&problem, 1, 60), searched(&other, 1, 60));
        checked(&problem, &here);
        checked(&other, &there);
        // Routes name stops, so they are worth the same under either order.
        let renamed = there.unserved.iter().map(|pair| {
            let ends = other.pairs()[pair.0 as usize];
            PairId(u32::try_from(problem.pairs().iter().position(|pair| *pair == ends).unwrap()).unwrap())
        });
        let renamed = Solution { unserved: renamed.collect(), ..there.clone() };
        prop_assert_eq!(problem.check(&renamed), other.check(&there));
    }

    /// The largest values there may be overflow nothing.
    #[test]
    fn the_largest_values_do_no_harm(draft in drafts(0..=5, VALUE_MAX), capacity in 0..=VALUE_MAX) {
        let mut draft = draft;
        draft.vehicles.capacity = capacity;
        for (stop, sign) in draft.stops.iter_mut().zip([1, -1].into_iter().cycle()) {
            if stop.demand != 0 {
                stop.demand = sign * VALUE_MAX;
            }
        }
        let problem = draft.problem();
        checked(&problem, &searched(&problem, 3, 60));
    }

    /// Values of any kind are taken or refused, and what is taken can be solved.
    #[test]
    fn nothing_makes_it_panic(
        draft in drafts(1..=3, 30),
        place in any::<usize>(),
        field in 0_usize..12,
        value in prop_oneof![any::<i64>(), -2_i64..40, Just(VALUE_MAX), Just(VALUE_MAX + 1), Just(i64::MIN)],
    ) {
        let mut draft = draft;
        let stop = place % draft.stops.len();
        let (way, pair) = (place % draft.distances.len(), place % draft.pairs.len());
        let id = StopId(u32::try_from(value).unwrap_or(u32::MAX));
        match field {
            0 => draft.stops[stop].demand = value,
            1 => draft.stops[stop].ready = value,
            2 => draft.stops[stop].due = value,
            3 => draft.stops[stop].service = value,
            4 => draft.distances[way] = value,
            5 => draft.durations[way] = value,
            6 => draft.pairs[pair].pickup = id,
            7 => draft.pairs[pair].delivery = id,
            8 => draft.vehicles.capacity = value,
            9 => draft.vehicles.ready = value,
            10 => draft.vehicles.due = value,
            _ => draft.vehicles.count = u32::try_from(value).unwrap_or(u32::MAX),
        }
        match draft.try_problem() {
            Ok(problem) => {
                checked(&problem, &searched(&problem, 5, 40));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

/// The same with both matrices made shortest ways, which takes the quicker ways round into account.
fn metric(mut draft: Draft) -> Draft {
    let width = draft.stops.len() + 1;
    for matrix in [&mut draft.distances, &mut draft.durations] {
        for place in 0..width {
            matrix[place * width + place] = 0;
        }
        for via in 0..width {
            for from in 0..width {
                for to in 0..width {
                    let round = matrix[from * width + via] + matrix[via * width + to];
                    matrix[from * width + to] = matrix[from * width + to].min(round);
                }
            }
        }
    }
    draft
}

fn is_metric(draft: &Draft) -> bool {
    let width = draft.stops.len() + 1;
    let mut zeroed = draft.clone();
    for place in 0..width {
        zeroed.distances[place * width + place] = 0;
        zeroed.durations[place * width + place] = 0;
    }
    metric(zeroed.clone()).durations == zeroed.durations
}

/// Pairs along a line, ten apart, all the time in the world.
fn line(pairs: u32, count: u32) -> Draft {
    let places: Vec<i64> = (0..=i64::from(2 * pairs)).map(|place| 10 * place).collect();
    let ways: Vec<i64> =
        places.iter().flat_map(|from| places.iter().map(move |to| (from - to).abs())).collect();
    let stop = |demand| Stop { demand, ready: 0, due: 10_000, service: 1 };
    Draft {
        vehicles: Vehicles { count, capacity: 2, ready: 0, due: 10_000 },
        stops: (0..pairs).flat_map(|_| [stop(1), stop(-1)]).collect(),
        pairs: (0..pairs)
            .map(|pair| Pair { pickup: StopId(2 * pair + 1), delivery: StopId(2 * pair + 2) })
            .collect(),
        distances: ways.clone(),
        durations: ways,
    }
}

#[test]
fn one_vehicle_serves_a_line() {
    let problem = line(20, 20).problem();
    let cost = checked(&problem, &searched(&problem, 1, 2_000));
    assert_eq!(cost, Cost { unserved: 0, vehicles: 1, distance: 800 });
}

#[test]
fn who_cannot_be_served_is_said_to_be_unserved() {
    let all = |problem: &Problem, steps| checked(problem, &searched(problem, 1, steps)).unserved;
    for steps in [0, 100] {
        assert_eq!(all(&line(5, 0).problem(), steps), 5);
        assert_eq!(all(&line(0, 3).problem(), steps), 0);
        let mut heavy = line(5, 5);
        (heavy.stops[2].demand, heavy.stops[3].demand) = (3, -3);
        assert_eq!(all(&heavy.problem(), steps), 1);
        let mut far = line(5, 5);
        far.stops[9].due = 99;
        assert_eq!(all(&far.problem(), steps), 1);
        let mut home = line(5, 5);
        home.vehicles.due = 0;
        assert_eq!(all(&home.problem(), steps), 5);
        // One vehicle that may only be at one of two places at a time.
        let mut rivals = line(2, 1);
        for stop in &mut rivals.stops {
            (stop.ready, stop.due) = (100, 105);
        }
        assert_eq!(all(&rivals.problem(), steps), 2);
        rivals.stops[1].due = 120;
        assert_eq!(all(&rivals.problem(), steps), 1);
    }
}

#[test]
fn what_is_refused_is_named() {
    let refused = |change: &dyn Fn(&mut Draft)| {
        let mut draft = line(2, 2);
        change(&mut draft);
        draft.try_problem().unwrap_err()
    };
    let stop = StopId;
    assert_eq!(
        refused(&|draft| draft.stops[1].due = -1),
        ProblemError::Value { stop: stop(2), field: "due", value: -1, least: 0 }
    );
    assert_eq!(
        refused(&|draft| draft.vehicles.ready = 10_001),
        ProblemError::Window { stop: DEPOT, ready: 10_001, due: 10_000 }
    );
    assert_eq!(
        refused(&|draft| draft.durations[2 * 5 + 3] = VALUE_MAX + 1),
        ProblemError::Leg { matrix: Matrix::Duration, from: stop(2), to: stop(3), value: VALUE_MAX + 1 }
    );
    assert_eq!(
        refused(&|draft| draft.distances.truncate(24)),
        ProblemError::Entries { matrix: Matrix::Distance, entries: 24, expected: 25 }
    );
    assert_eq!(
        refused(&|draft| draft.pairs[1].delivery = stop(5)),
        ProblemError::UnknownStop { pair: PairId(1), stop: stop(5) }
    );
    assert_eq!(
        refused(&|draft| draft.pairs[1].delivery = DEPOT),
        ProblemError::UnknownStop { pair: PairId(1), stop: DEPOT }
    );
    assert_eq!(
        refused(&|draft| draft.pairs[1].delivery = stop(1)),
        ProblemError::SharedStop { pair: PairId(1), stop: stop(1) }
    );
    assert_eq!(refused(&|draft| draft.pairs.truncate(1)), ProblemError::LoneStop { stop: stop(3) });
    assert_eq!(
        refused(&|draft| draft.stops[2].demand = 2),
        ProblemError::Demand { pair: PairId(1), pickup: 2, delivery: -1 }
    );
    assert_eq!(
        refused(&|draft| draft.stops.resize(STOPS_MAX + 1, draft.stops[0])),
        ProblemError::Stops { stops: STOPS_MAX + 1 }
    );
}

#[test]
fn the_checker_names_each_fault() {
    let mut draft = line(2, 2);
    draft.stops[3].due = 45;
    let problem = draft.problem();
    let fault = |routes: &[&[u32]], unserved: &[u32]| {
        let routes = routes.iter().map(|route| route.iter().map(|&stop| StopId(stop)).collect()).collect();
        let unserved = unserved.iter().map(|&pair| PairId(pair)).collect();
        problem.check(&Solution { routes, unserved, distance: 0 }).err()
    };
    assert_eq!(fault(&[&[1, 2, 3, 4]], &[]), None);
    assert_eq!(fault(&[&[1, 2]], &[1]), None);
    assert_eq!(fault(&[&[1, 2], &[], &[]], &[1]), Some(Fault::Vehicles { routes: 3, vehicles: 2 }));
    assert_eq!(fault(&[&[1, 2], &[]], &[1]), Some(Fault::Empty { route: 1 }));
    assert_eq!(fault(&[&[1, 2, 9]], &[1]), Some(Fault::UnknownStop { route: 0, stop: StopId(9) }));
    assert_eq!(fault(&[&[1, 0, 2]], &[1]), Some(Fault::UnknownStop { route: 0, stop: DEPOT }));
    assert_eq!(fault(&[&[1, 2], &[1]], &[1]), Some(Fault::Twice { stop: StopId(1), route: 1 }));
    // 30 to stop 3, back to 1, on to 4: 30 + 1 + 20 + 1 + 30.
    let late = Fault::Late { route: 0, stop: StopId(4), arrival: 82, due: 45 };
    assert_eq!(fault(&[&[3, 1, 4, 2]], &[]), Some(late));
    assert_eq!(fault(&[&[2, 1]], &[1]), Some(Fault::Split { pair: PairId(0) }));
    assert_eq!(fault(&[&[1], &[2]], &[1]), Some(Fault::Split { pair: PairId(0) }));
    assert_eq!(fault(&[&[1, 2]], &[]), Some(Fault::Split { pair: PairId(1) }));
    assert_eq!(fault(&[&[1, 2]], &[0, 1]), Some(Fault::Split { pair: PairId(0) }));
    assert_eq!(fault(&[&[1, 2]], &[1, 1]), Some(Fault::Unserved { pair: PairId(1) }));
    assert_eq!(fault(&[&[1, 2]], &[2]), Some(Fault::Unserved { pair: PairId(2) }));
    let mut heavy = line(2, 1);
    heavy.vehicles.capacity = 1;
    let heavy = heavy.problem();
    let both = Solution { routes: vec![[1, 3, 2, 4].map(StopId).to_vec()], ..Solution::default() };
    let load = Fault::Load { route: 0, stop: StopId(3), load: 2, capacity: 1 };
    assert_eq!(heavy.check(&both), Err(load));
}
