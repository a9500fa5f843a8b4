//! Faults planted one by one, valid plans by chance, arbitrary plans against a plain oracle, and garbage.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::{Agent, Cell, Fault, Figures, Grid, InputError, Plan, check, parse_agents};

/// An open grid with some walls.
fn grid(width: u32, height: u32, walls: &[Cell]) -> Grid {
    let mut text = format!("type octile\nheight {height}\nwidth {width}\nmap\n");
    for y in 0..height {
        text.extend((0..width).map(|x| if walls.contains(&Cell { x, y }) { '@' } else { '.' }));
        text.push('\n');
    }
    Grid::parse(text.as_bytes()).unwrap()
}

fn scenario(grid: &Grid, agents: &[Agent]) -> String {
    let mut text = "version 1\n".to_owned();
    for Agent { start, goal } in agents {
        let (width, height) = (grid.width(), grid.height());
        writeln!(text, "0\tm\t{width}\t{height}\t{}\t{}\t{}\t{}\t0", start.x, start.y, goal.x, goal.y)
            .unwrap();
    }
    text
}

fn plan_text(rows: &[String]) -> String {
    let makespan = rows.iter().map(String::len).max().unwrap_or(0);
    format!("sheepdog-plan 1\nagents {} makespan {makespan}\n{}\n", rows.len(), rows.join("\n"))
}

fn judge(grid: &Grid, agents: &[Agent], rows: &[String]) -> Result<Figures, Fault> {
    let scenario = scenario(grid, agents);
    assert_eq!(parse_agents(scenario.as_bytes(), grid, agents.len()).unwrap(), agents);
    let text = plan_text(rows);
    check(grid, agents, &Plan::parse(text.as_bytes(), rows.len()).unwrap())
}

/// Where a letter leads, in plain signed numbers; `None` for walls and off the map.
fn led(grid: &Grid, cell: Cell, letter: char) -> Option<Cell> {
    let (x, y) = match letter {
        'E' => (1, 0),
        'W' => (-1, 0),
        'S' => (0, 1),
        'N' => (0, -1),
        _ => (0, 0),
    };
    let to = Cell { x: cell.x.checked_add_signed(x)?, y: cell.y.checked_add_signed(y)? };
    grid.is_free(to).then_some(to)
}

/// A valid plan by chance: in every step each robot moves at most once, one after the other, into a free cell.
#[derive(Clone, Debug)]
struct Drawn {
    grid: Grid,
    agents: Vec<Agent>,
    rows: Vec<String>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let cell = || (0..6_u32, 0..6_u32).prop_map(|(x, y)| Cell { x, y });
    let step = prop::collection::vec((any::<prop::sample::Index>(), 0..5_usize), 0..12);
    (
        prop::collection::vec(cell(), 0..8),
        prop::collection::vec(cell(), 1..14),
        prop::collection::vec(step, 0..12),
    )
        .prop_map(|(walls, mut starts, steps)| {
            starts.sort_unstable();
            starts.dedup();
            starts.retain(|start| !walls.contains(start));
            if starts.is_empty() {
                starts.push(
                    (0..36).map(|at| Cell { x: at % 6, y: at / 6 }).find(|at| !walls.contains(at)).unwrap(),
                );
            }
            let grid = grid(6, 6, &walls);
            let mut places = starts.clone();
            let mut rows = vec![String::new(); starts.len()];
            for (step, moves) in steps.iter().enumerate() {
                for (who, letter) in moves {
                    let who = who.index(starts.len());
                    let letter = "EWSN.".chars().nth(*letter).unwrap();
                    if rows[who].len() == step
                        && let Some(to) = led(&grid, places[who], letter)
                        && (to == places[who] || !places.contains(&to))
                    {
                        places[who] = to;
                        rows[who].push(letter);
                    }
                }
                rows.iter_mut().filter(|row| row.len() == step).for_each(|row| row.push('.'));
            }
            let agents = starts.iter().zip(&places).map(|(&start, &goal)| Agent { start, goal }).collect();
            Drawn { grid, agents, rows }
        })
}

/// Whether every step can be carried out one robot after the other into free cells, and all end at their goals.
fn possible(grid: &Grid, agents: &[Agent], rows: &[String]) -> bool {
    let mut places: Vec<Cell> = agents.iter().map(|agent| agent.start).collect();
    for step in 0..rows.iter().map(String::len).max().unwrap_or(0) {
        let mut left: Vec<(usize, Cell)> = Vec::new();
        for (agent, row) in rows.iter().enumerate() {
            let Some(to) = led(grid, places[agent], row.chars().nth(step).unwrap_or('.')) else {
                return false;
            };
            if to != places[agent] {
                left.push((agent, to));
            }
        }
        while let Some(index) = left.iter().position(|(_, to)| !places.contains(to)) {
            let (agent, to) = left.remove(index);
            places[agent] = to;
        }
        if !left.is_empty() {
            return false;
        }
    }
    places.iter().zip(agents).all(|(place, agent)| *place == agent.goal)
}

/// What a plan costs, by walking through each robot's cells.
fn costs(grid: &Grid, agents: &[Agent], rows: &[String]) -> Figures {
    let steps = rows.iter().map(String::len).max().unwrap_or(0);
    let mut figures = Figures { agents: agents.len(), makespan: 0, sum_of_costs: 0, sum_of_loss: 0 };
    for (agent, row) in agents.iter().zip(rows) {
        let mut cells = vec![agent.start];
        for step in 0..steps {
            let letter = row.chars().nth(step).unwrap_or('.');
            cells.push(led(grid, cells[step], letter).unwrap());
        }
        let rests = cells.iter().rev().take_while(|cell| **cell == agent.goal).count();
        let cost = (cells.len() - rests) as u64;
        figures.makespan = figures.makespan.max(cost);
        figures.sum_of_costs += cost;
        figures.sum_of_loss += cells.windows(2).filter(|pair| **pair != [agent.goal; 2]).count() as u64;
    }
    figures
}

/// Faults that three robots commit in the cells (0, 0), (1, 0), (1, 1) and (0, 1) beside a wall at (2, 0): starts, letters,
/// and what has to be found.
fn planted(kind: usize, first: usize, step: usize) -> (Vec<Cell>, Vec<&'static str>, Fault) {
    let at = |x, y| Cell { x, y };
    let [one, two, three, four] = [first, first + 1, first + 2, first + 3];
    match kind {
        0 => (vec![at(1, 0)], vec!["E"], Fault::Wall { agent: one, cell: at(2, 0), step }),
        1 => (vec![at(0, 0)], vec!["W"], Fault::OffMap { agent: one, from: at(0, 0), step }),
        2 => (vec![at(1, 0)], vec!["N"], Fault::OffMap { agent: one, from: at(1, 0), step }),
        3 => (
            vec![at(0, 0), at(1, 0)],
            vec!["E", "."],
            Fault::Vertex { agents: [one, two], cell: at(1, 0), step },
        ),
        4 => (
            vec![at(0, 0), at(1, 1)],
            vec!["E", "N"],
            Fault::Vertex { agents: [one, two], cell: at(1, 0), step },
        ),
        5 => (
            vec![at(0, 0), at(1, 0)],
            vec!["E", "W"],
            Fault::Swap { agents: [one, two], cells: [at(0, 0), at(1, 0)], step },
        ),
        6 => (
            vec![at(0, 0), at(1, 0), at(1, 1), at(0, 1)],
            vec!["E", "S", "W", "N"],
            Fault::Rotation { agents: vec![one, two, three, four], cell: at(0, 0), step },
        ),
        _ => (
            vec![at(0, 0), at(0, 1), at(1, 1), at(1, 0)],
            vec!["S", "E", "N", "W"],
            Fault::Rotation { agents: vec![one, two, three, four], cell: at(0, 0), step },
        ),
    }
}

proptest! {
    /// Whatever moves one after the other is accepted, and costs what a walk through the cells says.
    #[test]
    fn plans_that_move_one_after_the_other_are_valid(drawn in drawn()) {
        let Drawn { grid, agents, rows } = drawn;
        prop_assert_eq!(judge(&grid, &agents, &rows), Ok(costs(&grid, &agents, &rows)));
        // Waits at the end may be left out.
        let short: Vec<String> = rows.iter().map(|row| row.trim_end_matches('.').to_owned()).collect();
        let found = judge(&grid, &agents, &short).unwrap();
        prop_assert_eq!(found.sum_of_costs, costs(&grid, &agents, &rows).sum_of_costs);
    }

    /// Arbitrary letters are accepted exactly when they can be carried out one robot after the other.
    #[test]
    fn arbitrary_plans_are_valid_exactly_when_they_can_be_carried_out(
        drawn in drawn(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5_usize), 0..3),
    ) {
        let Drawn { grid, agents, mut rows } = drawn;
        for (who, when, letter) in changes {
            let row = who.index(rows.len());
            if !rows[row].is_empty() {
                let when = when.index(rows[row].len());
                rows[row].replace_range(when..=when, &"EWSN."[letter..=letter]);
            }
        }
        let found = judge(&grid, &agents, &rows);
        prop_assert_eq!(found.is_ok(), possible(&grid, &agents, &rows), "{:?}", found);
    }

    /// Each fault is found behind a wall beside other robots, with its robots, its cell and its step.
    #[test]
    fn each_planted_fault_is_found_and_named(drawn in drawn(), kind in 0..8_usize, wait in 0..6_usize) {
        let shift = |cell: Cell| Cell { x: cell.x + 4, y: cell.y + 4 };
        let mut walls: Vec<Cell> = (0..10)
            .flat_map(|y| (0..10).map(move |x| Cell { x, y }))
            .filter(|cell| cell.x < 4 || cell.y < 4)
            .filter(|cell| 1 < cell.x || 1 < cell.y)
            .collect();
        let inner = (0..6).flat_map(|y| (0..6).map(move |x| Cell { x, y }));
        walls.extend(inner.filter(|cell| !drawn.grid.is_free(*cell)).map(shift));
        let grid = grid(10, 10, &walls);
        let mut agents: Vec<Agent> = drawn
            .agents
            .iter()
            .map(|agent| Agent { start: shift(agent.start), goal: shift(agent.goal) })
            .collect();
        let mut rows = drawn.rows.clone();
        let (starts, letters, fault) = planted(kind, agents.len(), wait + 1);
        for (start, letter) in starts.into_iter().zip(letters) {
            agents.push(Agent { start, goal: start });
            rows.push(format!("{}{letter}", ".".repeat(wait)));
        }
        prop_assert_eq!(judge(&grid, &agents, &rows), Err(fault.clone()));
        let (said, when) = (fault.to_string(), format!("step {}", wait + 1));
        prop_assert!(said.contains(&when) && said.contains(&drawn.agents.len().to_string()), "{}", said);
    }

    /// A robot that does not end at its goal is named with both places.
    #[test]
    fn a_missed_goal_is_found(drawn in drawn(), who in any::<prop::sample::Index>(), x in 0..6_u32, y in 0..6_u32) {
        let Drawn { grid, mut agents, rows } = drawn;
        let who = who.index(agents.len());
        let (goal, cell) = (Cell { x, y }, agents[who].goal);
        prop_assume!(grid.is_free(goal) && goal != cell);
        agents[who].goal = goal;
        let step = rows.iter().map(String::len).max().unwrap_or(0);
        prop_assert_eq!(judge(&grid, &agents, &rows), Err(Fault::Goal { agent: who, cell, goal, step }));
    }

    /// Garbage, and files with a few bytes changed, give an error or a verdict.
    #[test]
    fn garbage_never_panics(
        drawn in drawn(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        count in 0..20_usize,
    ) {
        let map = b"type octile\nheight 2\nwidth 3\nmap\n.@.\n...\n".to_vec();
        let scenario = scenario(&drawn.grid, &drawn.agents).into_bytes();
        let plan = plan_text(&drawn.rows).into_bytes();
        for text in [map, scenario, plan, noise] {
            let mut text = text;
            for (at, byte) in &changes {
                if !text.is_empty() {
                    let at = at.index(text.len());
                    text[at] = *byte;
                }
            }
            text.truncate(cut.index(2 * text.len() + 1));
            let grid = Grid::parse(&text).unwrap_or_else(|_| drawn.grid.clone());
            let agents = parse_agents(&text, &grid, count);
            if let Err(error) = &agents {
                prop_assert!(!error.to_string().is_empty());
            }
            let agents = agents.unwrap_or_default();
            if let Ok(plan) = Plan::parse(&text, agents.len()) {
                // A verdict of any kind will do.
                let _verdict = check(&grid, &agents, &plan);
            }
        }
    }
}

#[test]
fn bad_files_are_refused_by_line() {
    let map = |text: &str| Grid::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(map("type octile\nheight 2\nwidth 2\nmap\n..\n"), "line 5: number of rows is 1 and must be 2");
    assert_eq!(
        map("type octile\nheight 1\nwidth 2\nmap\n...\n"),
        "line 5: length of the row is 3 and must be 2"
    );
    assert_eq!(
        map("type octile\nheight 1\nwidth 2\nmap\n.x\n"),
        "line 5, column 2 has 'x', the rule asks for one of . G S E @ O T W"
    );
    assert!(map("type octile\nheight 0\nwidth 4000000\nmap\n").contains("height H"));
    assert!(map("type octile\nheight 99999999999\n").contains("\"99999999999\""));
    let open = grid(3, 2, &[Cell { x: 1, y: 0 }]);
    let agents = |text: &str, count| parse_agents(text.as_bytes(), &open, count).unwrap_err();
    assert_eq!(
        agents("version 1\n0\tm\t3\t3\t0\t0\t2\t0\t0\n", 1).to_string(),
        "line 2: height is 3 and must be 2"
    );
    assert_eq!(
        agents("version 1\n0\tm\t3\t2\t0\t0\t1\t0\t0\n", 1).to_string(),
        "line 2: goal (1, 0) is not free"
    );
    assert!(matches!(
        agents("version 1\n0\tm\t3\t2\t3\t0\t2\t0\t0\n", 1),
        InputError::NotFree { line: 2, what: "start", .. }
    ));
    let row = "0\tm\t3\t2\t0\t0\t2\t0\t0\n";
    assert_eq!(
        agents(&format!("version 1\n{row}{row}"), 2).to_string(),
        "line 3: start (0, 0) is the start of agent 0 as well"
    );
    assert!(matches!(agents(&format!("version 1\n{row}"), 2), InputError::Missing { line: 3, .. }));
    let plan = |text: &str, agents| Plan::parse(text.as_bytes(), agents).unwrap_err().to_string();
    assert_eq!(
        plan("sheepdog-plan 1\nagents 2 makespan 1\nE\nW\n", 1),
        "line 2: number of agents is 2 and must be 1"
    );
    assert_eq!(
        plan("sheepdog-plan 1\nagents 1 makespan 1\nEE\n", 1),
        "line 3: number of moves is 2 and must be 1"
    );
    assert_eq!(
        plan("sheepdog-plan 1\nagents 1 makespan 2\nEe\n", 1),
        "line 3, column 2 has 'e', the rule asks for one of E W S N ."
    );
    assert!(plan("sheepdog-plan 1\nagents 2 makespan 1\nE", 2).contains("line 4 is missing"));
    assert!(plan("sheepdog-plan 1\nagents 1 makespan 1\nE\nW\n", 1).contains("nothing after the last robot"));
}

#[test]
fn robots_may_follow_each_other() {
    let line = grid(4, 1, &[]);
    let at = |x| Cell { x, y: 0 };
    let agents: Vec<Agent> = (0..3).map(|x| Agent { start: at(x), goal: at(x + 1) }).collect();
    let rows = vec!["E".to_owned(); 3];
    let figures = Figures { agents: 3, makespan: 1, sum_of_costs: 3, sum_of_loss: 3 };
    assert_eq!(judge(&line, &agents, &rows), Ok(figures));
}
