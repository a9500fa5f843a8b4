//! Pictures say what plans say.

use proptest::prelude::*;

use super::{instance, questions};
use crate::oneshot::{Outcome, PictureError, Search, film, heat_map};

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let begin = text.find(before).map(|at| at + before.len()).unwrap();
    &text[begin..begin + text[begin..].find(after).unwrap()]
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(';').map(|number| number.parse().unwrap()).collect()
}

/// Where a coordinate of a disc is after a step, as a viewer computes it.
fn coordinate(disc: &str, name: &str, share: f64) -> f64 {
    let marker = format!("attributeName=\"{name}\"");
    let Some(begin) = disc.find(&marker) else {
        return between(disc, &format!("{name}=\""), "\"").parse().unwrap();
    };
    let values = numbers(between(&disc[begin..], "values=\"", "\""));
    let times = numbers(between(&disc[begin..], "keyTimes=\"", "\""));
    assert_eq!(times.len(), values.len());
    assert!(times[0].abs() + (times[times.len() - 1] - 1.0).abs() < 1e-9);
    let next = times.iter().position(|time| share <= *time).unwrap().max(1);
    let part = (share - times[next - 1]) / (times[next] - times[next - 1]);
    values[next - 1] + part * (values[next] - values[next - 1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever plays a film finds everybody where the plan says, at every step.
    #[test]
    #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
    fn films_show_the_plan((grid, trips, seed) in questions(6, 2, 8)) {
        let instance = instance(&grid, &trips);
        let mut search = Search::new(&instance, seed);
        search.run(500);
        let Outcome::Solved(plan) = search.outcome() else { return Ok(()) };
        let robots: Vec<usize> = (0..trips.len()).step_by(2).collect();
        let svg = film(&instance, &plan, &robots).unwrap();
        let discs: Vec<&str> = svg.split("<circle ").filter(|disc| disc.contains("<title>")).collect();
        prop_assert_eq!(discs.len(), robots.len());
        for step in 0..=plan.makespan() {
            let cells = plan.cells(&instance, step);
            let share = step as f64 / plan.makespan().max(1) as f64;
            for (disc, robot) in discs.iter().zip(&robots) {
                let cell = cells[*robot];
                // Times are rounded to the fifth decimal, and a plan has at most some hundred steps.
                prop_assert!((coordinate(disc, "cx", share) - f64::from(cell.x)).abs() < 0.01);
                prop_assert!((coordinate(disc, "cy", share) - f64::from(cell.y)).abs() < 0.01);
            }
        }
        prop_assert_eq!(
            film(&instance, &plan, &[trips.len()]),
            Err(PictureError::NoRobot { robot: trips.len(), robots: trips.len() })
        );
    }

    /// Every cell that somebody comes to has a colour, and no other has.
    #[test]
    fn heat_maps_colour_the_cells_that_are_visited((grid, trips, seed) in questions(6, 2, 8)) {
        let instance = instance(&grid, &trips);
        let mut search = Search::new(&instance, seed);
        search.run(500);
        let Outcome::Solved(plan) = search.outcome() else { return Ok(()) };
        let visited: std::collections::BTreeSet<_> =
            (0..=plan.makespan()).flat_map(|step| plan.cells(&instance, step)).collect();
        let svg = heat_map(&instance, &plan).unwrap();
        // The first two paths are walls and free cells.
        let coloured: usize = svg
            .split("<path ")
            .skip(3)
            .flat_map(|path| between(path, "d=\"", "\"").split('M').skip(1))
            .map(|run| between(run, "h", "v").parse::<usize>().unwrap())
            .sum();
        prop_assert_eq!(coloured, visited.len());
    }
}
