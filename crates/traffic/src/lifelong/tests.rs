//! Robots on drawn floors under drawn delays, against plain oracles.

use std::sync::Arc;

use proptest::prelude::*;

use super::{CellId, Command, Field, Floor, Heading, Lifelong, StartError};

/// A drawn floor with robots on it.
#[derive(Clone, Debug)]
struct Drawn {
    width: usize,
    free: Vec<bool>,
    /// Places of robots and how they head.
    starts: Vec<(usize, Heading)>,
    ticks: u32,
    seed: u64,
}

/// Any floor, with up to as many robots as cells.
fn drawn() -> impl Strategy<Value = Drawn> {
    (1..7_usize, 1..7_usize, 1..5_u32, any::<u64>(), 0..101_usize).prop_flat_map(
        |(width, height, ticks, seed, share)| {
            (prop::collection::vec(0..5_u8, width * height), Just((width, ticks, seed, share))).prop_map(
                |(walls, (width, ticks, seed, share))| {
                    let free: Vec<bool> = walls.iter().map(|wall| 0 < *wall).collect();
                    let mut random = Random(seed);
                    let mut places: Vec<usize> = (0..free.len()).filter(|&place| free[place]).collect();
                    for index in (1..places.len()).rev() {
                        places.swap(index, random.below(index + 1));
                    }
                    places.truncate(places.len() * share / 100);
                    let heading = |random: &mut Random| Heading::ALL[random.below(4)];
                    let starts = places.into_iter().map(|place| (place, heading(&mut random))).collect();
                    Drawn { width, free, starts, ticks, seed }
                },
            )
        },
    )
}

/// Enough chance for a test.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// A body as a plain square: doubled coordinates in ticks, and a heading of its own.
#[derive(Clone, Copy, Debug)]
struct Square {
    x: i64,
    y: i64,
    direction: usize,
    done: u32,
}

struct World {
    drawn: Drawn,
    floor: Arc<Floor>,
    robots: Lifelong,
    squares: Vec<Square>,
    random: Random,
}

impl World {
    fn new(drawn: Drawn, streams: bool) -> Self {
        let floor = Floor::new(drawn.width, &drawn.free).unwrap();
        let floor = Arc::new(if streams { floor.with_streams() } else { floor });
        let starts: Vec<(CellId, Heading)> =
            drawn.starts.iter().map(|&(place, heading)| (floor.cell(place).unwrap(), heading)).collect();
        let robots = Lifelong::new(Arc::clone(&floor), drawn.ticks, &starts).unwrap();
        let unit = 2 * i64::from(drawn.ticks);
        let squares = drawn.starts.iter().map(|&(place, heading)| Square {
            x: i64::try_from(place % drawn.width).unwrap() * unit,
            y: i64::try_from(place / drawn.width).unwrap() * unit,
            direction: heading as usize,
            done: 0,
        });
        Self { squares: squares.collect(), random: Random(drawn.seed ^ 1), floor, robots, drawn }
    }

    fn goal(&mut self, robot: usize) {
        let cell = CellId(u32::try_from(self.random.below(self.floor.len())).unwrap());
        self.robots.set_goal(robot, Some(Arc::new(Field::new(&self.floor, cell))));
    }

    /// One tick; robots are late with a chance of so many percent. Squares may not overlap.
    fn tick(&mut self, late: usize) {
        let commands = self.robots.commands().to_vec();
        self.choices_are_sound();
        let unit = 2 * i64::from(self.drawn.ticks);
        let commands: Vec<Command> = commands
            .into_iter()
            .map(|command| if self.random.below(100) < late { Command::Hold } else { command })
            .collect();
        for half in 0..2 {
            for (square, command) in self.squares.iter_mut().zip(&commands) {
                if *command == Command::Forward {
                    let (x, y) = [(1, 0), (0, 1), (-1, 0), (0, -1)][square.direction];
                    square.x += x;
                    square.y += y;
                }
                if half == 1 && *command != Command::Hold {
                    square.done += 1;
                    if square.done == self.drawn.ticks {
                        square.done = 0;
                        let turn = match command {
                            Command::Right => 1,
                            Command::Left => 3,
                            Command::Hold | Command::Forward => 0,
                        };
                        square.direction = (square.direction + turn) % 4;
                    }
                }
            }
            for (index, one) in self.squares.iter().enumerate() {
                for two in &self.squares[index + 1..] {
                    let apart = unit <= (one.x - two.x).abs() || unit <= (one.y - two.y).abs();
                    assert!(apart, "{one:?} and {two:?} touch");
                }
            }
        }
        for (robot, command) in commands.iter().enumerate() {
            if *command != Command::Hold {
                self.robots.progressed(robot);
            }
            let square = self.squares[robot];
            let rests = square.x % unit == 0 && square.y % unit == 0;
            let place = usize::try_from(square.y / unit).unwrap() * self.drawn.width
                + usize::try_from(square.x / unit).unwrap();
            // Who was late has not left yet, though it is said to be on its way.
            if let Some(cell) = self.robots.resting_at(robot) {
                assert!(rests && self.floor.place(cell) == Some(place));
            }
            assert!(!rests || self.drawn.free[place], "in a wall");
        }
    }

    /// Choices of one round: nobody shares a cell, nobody swaps, no cycle of robots who enter each other's cells.
    fn choices_are_sound(&self) {
        let now: Vec<CellId> = self.robots.bodies.iter().map(|body| body.cell).collect();
        let next: Vec<CellId> = (0..now.len()).map(|robot| self.robots.pibt.choice(robot).unwrap()).collect();
        for (robot, cell) in next.iter().enumerate() {
            let others = next.iter().enumerate().filter(|(other, _)| *other != robot);
            assert!(others.clone().all(|(_, other)| other != cell), "two robots chose {cell:?}");
            assert!(*cell == now[robot] || self.floor.direction(now[robot], *cell).is_some());
            let mut at = robot;
            for _ in 0..now.len() {
                let ahead = (0..now.len()).find(|&other| now[other] == next[at] && next[other] != now[other]);
                let Some(ahead) = ahead.filter(|&ahead| ahead != at) else { break };
                assert_ne!(ahead, robot, "robot {robot} is in a cycle");
                at = ahead;
            }
        }
    }
}

/// Whether the floor stays in one piece whichever cell is taken out.
fn is_biconnected(floor: &Floor) -> bool {
    let reached = |without: Option<usize>| {
        let mut seen = vec![false; floor.len()];
        let mut open: Vec<usize> = (0..floor.len()).filter(|&cell| Some(cell) != without).take(1).collect();
        let mut count = 0;
        while let Some(cell) = open.pop() {
            if std::mem::replace(&mut seen[cell], true) {
                continue;
            }
            count += 1;
            let cell = CellId(u32::try_from(cell).unwrap());
            let beside = Heading::ALL.into_iter().filter_map(|heading| floor.beside(cell, heading));
            open.extend(beside.map(CellId::index).filter(|&other| Some(other) != without));
        }
        count
    };
    4 <= floor.len()
        && reached(None) == floor.len()
        && (0..floor.len()).all(|cell| reached(Some(cell)) == floor.len() - 1)
}

proptest! {
    /// Nobody touches anybody, whatever the delays; every round of choices is free of shared cells, swaps and rotations.
    #[test]
    fn robots_never_touch(drawn in drawn(), late in 0..60_usize, streams in any::<bool>()) {
        let mut world = World::new(drawn, streams);
        for robot in 0..world.squares.len() {
            if world.random.below(4) != 0 {
                world.goal(robot);
            }
        }
        for _ in 0..120 {
            let who = world.random.below(world.squares.len().max(1));
            if world.random.below(8) == 0 && who < world.squares.len() {
                world.goal(who);
            }
            world.tick(late);
        }
    }

    /// On floors where any two cells lie on a cycle, and that have a free cell, everybody comes to every goal.
    #[test]
    fn everybody_arrives_on_biconnected_floors(drawn in drawn(), late in 0..40_usize, streams in any::<bool>()) {
        let mut drawn = drawn;
        // Few walls, so that most floors qualify.
        let mut random = Random(drawn.seed);
        for (place, free) in drawn.free.iter_mut().enumerate() {
            *free |= random.below(4) != 0 || drawn.starts.iter().any(|start| start.0 == place);
        }
        let floor = Floor::new(drawn.width, &drawn.free).unwrap();
        prop_assume!(is_biconnected(&floor));
        drawn.starts.truncate(floor.len() - 1);
        let mut world = World::new(drawn, streams);
        let mut arrived = vec![0; world.squares.len()];
        (0..arrived.len()).for_each(|robot| world.goal(robot));
        let mut ticks = 0;
        while arrived.iter().any(|arrived| *arrived < 3) {
            world.tick(late);
            for (robot, arrived) in arrived.iter_mut().enumerate() {
                if world.robots.resting_at(robot) == world.robots.goal(robot) {
                    *arrived += 1;
                    world.goal(robot);
                }
            }
            ticks += 1;
            prop_assert!(ticks < 40_000, "{:?} of {:?}", arrived, world.drawn);
        }
    }

    /// Costs to a goal are those of the plainest method: improve every cell and heading until nothing improves.
    #[test]
    fn fields_are_exact(drawn in drawn(), goal in any::<prop::sample::Index>(), streams in any::<bool>()) {
        let floor = Floor::new(drawn.width, &drawn.free).unwrap();
        let floor = if streams { floor.with_streams() } else { floor };
        prop_assume!(!floor.is_empty());
        let goal = CellId(u32::try_from(goal.index(floor.len())).unwrap());
        let field = Field::new(&floor, goal);
        let mut costs = vec![[u32::MAX / 2; 4]; floor.len()];
        costs[goal.index()] = [0; 4];
        let mut changed = true;
        while changed {
            changed = false;
            for cell in 0..floor.len() {
                let id = CellId(u32::try_from(cell).unwrap());
                let place = floor.place(id).unwrap();
                for (index, heading) in Heading::ALL.into_iter().enumerate() {
                    let line = if index % 2 == 0 { place / drawn.width } else { place % drawn.width };
                    let with = (line % 2 == 0) == (index < 2);
                    let ahead = floor.beside(id, heading).map_or(u32::MAX / 2, |to| {
                        costs[to.index()][index] + if streams && !with { 8 } else { 4 }
                    });
                    let turned = costs[cell][(index + 1) % 4].min(costs[cell][(index + 3) % 4]) + 6;
                    if ahead.min(turned) < costs[cell][index] {
                        costs[cell][index] = ahead.min(turned);
                        changed = true;
                    }
                }
            }
        }
        for (cell, by_heading) in (0..).zip(&costs) {
            for (&cost, heading) in by_heading.iter().zip(Heading::ALL) {
                let expected = (cost < u32::MAX / 2).then_some(cost);
                prop_assert_eq!(field.cost(CellId(cell), heading), expected);
            }
        }
    }
}

#[test]
fn who_has_waited_longest_chooses_first() {
    let floor = Arc::new(Floor::new(6, &[true; 6]).unwrap());
    let starts = [(CellId(1), Heading::East), (CellId(3), Heading::East), (CellId(5), Heading::East)];
    let mut robots = Lifelong::new(Arc::clone(&floor), 3, &starts).unwrap();
    let far = Arc::new(Field::new(&floor, CellId(0)));
    for (robot, expected) in [(2, [2, 0, 1]), (1, [2, 1, 0]), (0, [2, 1, 0])] {
        robots.set_goal(robot, Some(Arc::clone(&far)));
        robots.commands();
        assert_eq!(robots.order, expected);
    }
    robots.set_goal(2, Some(far));
    robots.commands();
    assert_eq!(robots.order, [1, 0, 2]);
}

/// Others go round a robot that stands in the way; the oldest has it make room, for it could be sent to and fro for ever.
#[test]
fn the_oldest_heeds_nobody() {
    let floor = Arc::new(Floor::new(5, &[true; 10]).unwrap());
    let starts = [(CellId(1), Heading::East), (CellId(2), Heading::East), (CellId(9), Heading::East)];
    let choice = |age_of_another: u64| {
        let mut robots = Lifelong::new(Arc::clone(&floor), 1, &starts).unwrap();
        robots.set_goal(0, Some(Arc::new(Field::new(&floor, CellId(8)))));
        robots.set_goal(2, Some(Arc::new(Field::new(&floor, CellId(0)))));
        robots.ages[2] = age_of_another;
        robots.commands();
        robots.pibt.choice(0)
    };
    assert_eq!((choice(0), choice(99)), (Some(CellId(2)), Some(CellId(6))));
}

#[test]
fn impossible_starts_are_refused() {
    let floor = Arc::new(Floor::new(2, &[true, true]).unwrap());
    let at = |cell| (CellId(cell), Heading::East);
    let start =
        |ticks, starts: &[(CellId, Heading)]| Lifelong::new(Arc::clone(&floor), ticks, starts).unwrap_err();
    assert_eq!(start(0, &[at(0)]), StartError::NoTicks);
    assert_eq!(start(1, &[at(0), at(2)]), StartError::NoCell { robot: 1, cell: CellId(2) });
    assert_eq!(start(1, &[at(1), at(1)]), StartError::Shared { first: 0, second: 1, cell: CellId(1) });
    assert!(Floor::new(3, &[true, true]).is_err() && Floor::new(0, &[]).is_err());
}
