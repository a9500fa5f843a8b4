//! Files that are wrong are refused, and the error says where and why.

use proptest::prelude::*;

use crate::oneshot::{Cell, Grid, GridRule, Instance, InstanceError, Trip};

const MAP: &str = "type octile\nheight 2\nwidth 3\nmap\n.@G\nSET\n";

fn map_error(text: &str) -> (usize, usize, String, GridRule) {
    let error = Grid::parse(text, "a.map").unwrap_err();
    assert!(error.to_string().starts_with(&format!("a.map:{}:{}: ", error.line, error.column)));
    (error.line, error.column, error.value, error.rule)
}

#[test]
fn grids_are_refused_with_their_place() {
    let owned = str::to_owned;
    assert_eq!(map_error("type tile\n"), (1, 6, owned("tile"), GridRule::Header("type octile")));
    assert_eq!(map_error(&MAP.replace("height 2", "height two")), (2, 8, owned("two"), GridRule::Size));
    assert_eq!(map_error(&MAP.replace("width 3", "width 99999")), (3, 7, owned("99999"), GridRule::Size));
    assert_eq!(
        map_error(&MAP.replace("width", "wide")),
        (3, 1, owned("wide 3"), GridRule::Header("width <columns>"))
    );
    assert_eq!(map_error(&MAP.replace(".@G", ".@")), (5, 3, owned(".@"), GridRule::RowLength(3)));
    assert_eq!(map_error(&MAP.replace('T', "x")), (6, 3, owned("x"), GridRule::UnknownCell));
    assert_eq!(map_error(&MAP.replace("SET\n", "")), (6, 1, String::new(), GridRule::RowCount(2)));
    assert_eq!(map_error(&format!("{MAP}...\n")), (7, 1, owned("..."), GridRule::RowCount(2)));
    let free = Grid::parse(&MAP.replace('\n', "\r\n"), "a.map").unwrap();
    let cells = [(0, 0), (2, 0), (0, 1), (1, 1)].map(|(x, y)| Cell { x, y });
    let all = (0..3).flat_map(|y| (0..4).map(move |x| Cell { x, y }));
    assert!(all.into_iter().all(|cell| free.is_free(cell) == cells.contains(&cell)));
}

#[test]
fn trips_are_refused_with_their_place() {
    let grid = Grid::parse(MAP, "a.map").unwrap();
    let trips = |text: &str, robots| {
        grid.trips(text, "a.scen", robots)
            .map_err(|error| (error.line, error.column, error.value, error.rule))
    };
    let owned = str::to_owned;
    let good = "version 1\n0\ta.map\t3\t2\t0\t0\t2\t0\t2\r\n1  a.map 3 2   2 0 0 1  4.5\n";
    let trip = |start, goal| {
        let cell = |(x, y)| Cell { x, y };
        Trip { start: cell(start), goal: cell(goal) }
    };
    assert_eq!(trips(good, 2), Ok(vec![trip((0, 0), (2, 0)), trip((2, 0), (0, 1))]));
    assert_eq!(trips(good, 1).unwrap().len(), 1);
    assert_eq!(trips(&good.replace("version 1\n", "version 1.0\n"), 2).unwrap().len(), 2);
    assert_eq!(trips(good, 3), Err((4, 1, String::new(), GridRule::TooFewTrips(3))));
    assert_eq!(trips("version 2\n", 0), Err((1, 1, owned("version 2"), GridRule::Header("version 1"))));
    let change = |from: &str, to: &str| trips(&good.replace(from, to), 2).unwrap_err();
    assert_eq!(change("4.5", ""), (3, 1, owned("1  a.map 3 2   2 0 0 1  "), GridRule::Columns));
    assert_eq!(change("a.map 3", "a.map 4"), (3, 10, owned("4"), GridRule::OtherSize(3)));
    assert_eq!(change("   2 0 0 1", "   2 0 3 1"), (3, 20, owned("(3, 1)"), GridRule::Outside));
    assert_eq!(change("   2 0 0 1", "   1 0 0 1"), (3, 16, owned("(1, 0)"), GridRule::Blocked));
    assert_eq!(change("   2 0 0 1", "   -1 0 0 1"), (3, 16, owned("-1"), GridRule::Number));
    assert_eq!(change("   2 0 0 1", "   0 0 0 1"), (3, 16, owned("(0, 0)"), GridRule::Doubled(2)));
    assert_eq!(change("   2 0 0 1", "   2 0 2 0"), (3, 20, owned("(2, 0)"), GridRule::Doubled(2)));
}

#[test]
fn instances_refuse_what_does_not_fit() {
    let grid = Grid::parse(MAP, "a.map").unwrap();
    let at = |x, y| Cell { x, y };
    let refused = |trips: &[(Cell, Cell)]| {
        let trips: Vec<Trip> = trips.iter().map(|&(start, goal)| Trip { start, goal }).collect();
        Instance::on_grid(&grid, &trips).unwrap_err()
    };
    let (a, b, c) = (at(0, 0), at(2, 0), at(1, 1));
    assert_eq!(refused(&[(a, at(9, 9))]), InstanceError::NotFree { robot: 0, cell: at(9, 9) });
    assert_eq!(refused(&[(a, b), (at(1, 0), c)]), InstanceError::NotFree { robot: 1, cell: at(1, 0) });
    assert_eq!(refused(&[(a, b), (a, c)]), InstanceError::SameStart { first: 0, second: 1 });
    assert_eq!(refused(&[(a, b), (c, c), (b, b)]), InstanceError::SameGoal { first: 0, second: 2 });
}

proptest! {
    /// No text makes the readers panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[typeoctilhgwdma 0-9.@TGx\n\t\r]{0,200}", cut in 0..60_usize) {
        let _refused_or_read = Grid::parse(&text, "any");
        let cut: String = MAP.chars().take(cut).chain(text.chars()).collect();
        let _refused_or_read = Grid::parse(&cut, "any");
        let grid = Grid::parse(MAP, "a.map").unwrap();
        let _refused_or_read = grid.trips(&text, "any", 3);
        let _refused_or_read = grid.trips(&format!("version 1\n0 m 3 2 {text}"), "any", 3);
    }
}
