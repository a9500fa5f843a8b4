//! What routes are worth, in doubles, by code that knows the file and nothing of the solver.

use serde::Serialize;

use super::lilim::Instance;

/// What lateness may be rounding: a millionth of the instance's unit.
pub(crate) const TOLERANCE: f64 = 1e-6;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Checked {
    pub(crate) vehicles: usize,
    pub(crate) distance: f64,
    /// How late service begins, all stops together, and returns to the depot.
    pub(crate) lateness: f64,
    /// Pairs of which neither end is in a route.
    pub(crate) unserved: usize,
    /// Whether every rule is kept and every pair served.
    pub(crate) valid: bool,
    /// The first broken rules, in words.
    pub(crate) faults: Vec<String>,
}

/// Faults that are told.
const FAULTS_TOLD: usize = 5;

/// Drives all routes (ids of nodes, without the depot).
pub(crate) fn check(instance: &Instance, routes: &[Vec<usize>]) -> Checked {
    let mut faults = Vec::new();
    let mut visits: Vec<Vec<(usize, usize)>> = vec![Vec::new(); instance.nodes.len()];
    let (mut distance, mut lateness) = (0.0, 0.0);
    for (vehicle, route) in routes.iter().enumerate() {
        if route.is_empty() {
            faults.push(format!("vehicle {vehicle} has no stop"));
        }
        let (driven, late) = drive(instance, vehicle, route, &mut visits, &mut faults);
        distance += driven;
        lateness += late;
    }
    if routes.len() > usize::try_from(instance.vehicles).unwrap_or(usize::MAX) {
        faults.push(format!("{} vehicles, there are {}", routes.len(), instance.vehicles));
    }
    let mut unserved = 0;
    for (pickup, delivery) in instance.pairs() {
        let seen = |id: usize| visits.get(id).map_or(&[][..], Vec::as_slice);
        match (seen(pickup), seen(delivery)) {
            ([], []) => unserved += 1,
            ([(first, before)], [(second, after)]) if first == second && before < after => {}
            (from, to) => {
                faults.push(format!("pair {pickup} to {delivery} is visited at {from:?} and {to:?}"));
            }
        }
    }
    if TOLERANCE < lateness {
        faults.push(format!("late by {lateness}"));
    }
    let valid = faults.is_empty() && unserved == 0;
    faults.truncate(FAULTS_TOLD);
    Checked { vehicles: routes.len(), distance, lateness, unserved, valid, faults }
}

/// One vehicle: what it drives, and how late it is.
fn drive(
    instance: &Instance,
    vehicle: usize,
    route: &[usize],
    visits: &mut [Vec<(usize, usize)>],
    faults: &mut Vec<String>,
) -> (f64, f64) {
    let Some(depot) = instance.nodes.first() else { return (0.0, 0.0) };
    let (mut here, mut now, mut load) = (depot, real(depot.ready), 0_i64);
    let (mut distance, mut lateness) = (0.0, 0.0);
    for (place, &id) in route.iter().enumerate() {
        let (Some(node), Some(visits)) = (instance.nodes.get(id), visits.get_mut(id)) else {
            faults.push(format!("vehicle {vehicle} visits node {id}, which is not there"));
            continue;
        };
        if id == 0 {
            faults.push(format!("vehicle {vehicle} visits the depot on its way"));
        }
        visits.push((vehicle, place));
        let way = length(node.x - here.x, node.y - here.y);
        distance += way;
        let arrival = now + way;
        lateness += (arrival - real(node.due)).max(0.0);
        now = arrival.max(real(node.ready)) + real(node.service);
        load = load.saturating_add(node.demand);
        if load < 0 || instance.capacity < load {
            faults.push(format!(
                "vehicle {vehicle} carries {load} after node {id}, capacity {}",
                instance.capacity
            ));
        }
        here = node;
    }
    let home = length(depot.x - here.x, depot.y - here.y);
    (distance + home, lateness + (now + home - real(depot.due)).max(0.0))
}

fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2⁵³ in every instance")]
fn real(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line: depot at 0, pairs 1 to 2 and 3 to 4 at x = 10, 20, 30, 40.
    fn line() -> Instance {
        let text = "2 10 1\n0 0 0 0 0 200 0 0 0\n1 10 0 6 0 100 0 0 2\n2 20 0 -6 0 100 0 1 0\n\
                    3 30 0 6 0 100 0 0 4\n4 40 0 -6 0 45 0 3 0\n";
        Instance::read("line", text).unwrap()
    }

    fn told(routes: &[&[usize]]) -> (bool, String) {
        let routes: Vec<Vec<usize>> = routes.iter().map(|route| route.to_vec()).collect();
        let checked = check(&line(), &routes);
        (checked.valid, checked.faults.join("; "))
    }

    #[test]
    fn every_rule_is_looked_at() {
        assert_eq!(told(&[&[1, 2, 3, 4]]), (true, String::new()));
        assert_eq!(told(&[&[1, 2], &[3, 4]]), (true, String::new()));
        // An unserved pair breaks no rule, and still the routes are not valid.
        assert_eq!(told(&[&[3, 4]]), (false, String::new()));
        for (routes, says) in [
            (&[&[2, 1, 3, 4][..]][..], "pair 1 to 2"),
            (&[&[1, 3, 4], &[2]], "pair 1 to 2"),
            (&[&[1, 2, 1, 3, 4]], "pair 1 to 2"),
            (&[&[1, 3, 4]], "pair 1 to 2"),
            (&[&[1, 3, 2, 4]], "carries 12"),
            (&[&[1, 2, 3, 4], &[]], "vehicle 1 has no stop"),
            (&[&[1, 2], &[3, 4], &[]], "3 vehicles"),
            (&[&[1, 2, 3, 4, 9]], "node 9"),
            (&[&[1, 2, 0, 3, 4]], "depot"),
            (&[&[3, 1, 2, 4]], "late by 35"),
        ] {
            let (valid, faults) = told(routes);
            assert!(!valid && faults.contains(says), "{says}: {faults}");
        }
    }
}
