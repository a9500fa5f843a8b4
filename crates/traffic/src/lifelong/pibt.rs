//! One round of choices: priority inheritance with backtracking, without rotations.
#![expect(
    clippy::indexing_slicing,
    reason = "robots and cells are indices of tables that were made for as many of them"
)]

use super::floor::{CellId, Field, Floor, Heading, MOVE, TURN};

/// No robot and no cell.
const NONE: u32 = u32::MAX;

/// What staying costs a robot that is not at its goal, beside the way that is left: two moves and a half.
const STAY: u32 = 10;
/// What it costs to have somebody make room.
const OCCUPIED: u32 = 10;
/// Cost where there is no way.
const FAR: u32 = u32::MAX / 4;

/// A robot that may choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chooser<'a> {
    pub(super) cell: CellId,
    pub(super) heading: Heading,
    /// The cell it is on its way to: it has no choice.
    pub(super) entering: Option<CellId>,
    pub(super) goal: Option<&'a Field>,
}

/// How far the choice of a robot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// It has a cell in mind and waits for who stands there.
    Waits,
    Done,
}

/// The cells that a robot would enter, best first, and how many of them it has tried.
#[derive(Clone, Copy, Debug)]
struct Frame {
    robot: u32,
    own: u32,
    /// Cost and cell.
    keyed: [(u32, u32); 5],
    count: u8,
    tried: u8,
}

/// Tables of the choice; entries of earlier rounds do not count, so nothing is cleared.
#[derive(Clone, Debug)]
pub(super) struct Pibt {
    round: u32,
    /// Round and robot that stands in a cell.
    stands: Vec<(u32, u32)>,
    /// Round and robot that will be in a cell.
    taken: Vec<(u32, u32)>,
    stages: Vec<Stage>,
    choices: Vec<u32>,
    frames: Vec<Frame>,
    first: Vec<Frame>,
}

impl Pibt {
    pub(super) fn new(cells: usize, robots: usize) -> Self {
        Self {
            round: 0,
            stands: vec![(0, NONE); cells],
            taken: vec![(0, NONE); cells],
            stages: vec![Stage::Open; robots],
            choices: vec![NONE; robots],
            frames: Vec::new(),
            first: Vec::with_capacity(robots),
        }
    }

    /// What a robot has chosen in the last round.
    pub(super) fn choice(&self, robot: usize) -> Option<CellId> {
        self.choices.get(robot).filter(|&&cell| cell != NONE).map(|&cell| CellId(cell))
    }

    /// Lets every robot choose, in order. Whoever is on its way keeps its cell.
    pub(super) fn choose<'a>(
        &mut self,
        floor: &Floor,
        choosers: impl Iterator<Item = Chooser<'a>>,
        order: &[u32],
    ) {
        self.begin_round();
        self.first.clear();
        for (robot, chooser) in (0_u32..).zip(choosers) {
            let at = chooser.cell.index();
            let stage = if let Some(to) = chooser.entering {
                self.taken[to.index()] = (self.round, robot);
                self.choices[robot as usize] = to.0;
                Stage::Done
            } else {
                self.stands[at] = (self.round, robot);
                Stage::Open
            };
            self.stages[robot as usize] = stage;
            self.first.push(Frame::new(floor, robot, &chooser));
        }
        // The oldest goes its shortest way, whoever stands there. Others go round, and rather go than stay.
        let oldest = order.first().copied();
        for frame in &mut self.first {
            frame.sort(|cell| self.stands[cell as usize].0 == self.round, Some(frame.robot) != oldest);
        }
        for &robot in order {
            if self.stages[robot as usize] == Stage::Open {
                self.settle(robot);
            }
        }
    }

    /// A new round; all tables are as if empty.
    fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.round = 1;
            self.stands.fill((0, NONE));
            self.taken.fill((0, NONE));
        }
    }

    /// Lets a robot choose, and whoever has to make room for it.
    fn settle(&mut self, robot: u32) {
        self.frames.clear();
        self.frames.push(self.first[robot as usize]);
        while let Some(frame) = self.frames.last_mut() {
            let robot = frame.robot;
            let Some(&(_, cell)) = frame.keyed[..usize::from(frame.count)].get(usize::from(frame.tried))
            else {
                // Nothing is left: it stays where it is, and whoever wanted its cell has to think again.
                let own = frame.own;
                self.decide(robot, own, Stage::Done);
                self.frames.pop();
                continue;
            };
            frame.tried += 1;
            if self.taken[cell as usize].0 == self.round {
                continue;
            }
            let (round, other) = self.stands[cell as usize];
            if round != self.round || other == robot {
                self.decide(robot, cell, Stage::Done);
                break;
            }
            match self.stages[other as usize] {
                // It goes elsewhere.
                Stage::Done => {
                    self.decide(robot, cell, Stage::Done);
                    break;
                }
                // It waits for this very choice: they would swap or rotate.
                Stage::Waits => {}
                Stage::Open => {
                    self.decide(robot, cell, Stage::Waits);
                    self.frames.push(self.first[other as usize]);
                }
            }
        }
        // The last one has found a place, so everybody behind it has.
        while let Some(frame) = self.frames.pop() {
            self.stages[frame.robot as usize] = Stage::Done;
        }
    }

    fn decide(&mut self, robot: u32, cell: u32, stage: Stage) {
        self.taken[cell as usize] = (self.round, robot);
        self.choices[robot as usize] = cell;
        self.stages[robot as usize] = stage;
    }
}

impl Frame {
    /// The cells beside a robot and its own, with what it costs to go there and on to the goal, turns included.
    fn new(floor: &Floor, robot: u32, chooser: &Chooser<'_>) -> Self {
        let Chooser { cell, heading, goal, .. } = *chooser;
        let cost = |cell: CellId, heading: Heading, nowhere: u32| {
            goal.map_or(nowhere, |goal| goal.cost(cell, heading).unwrap_or(FAR))
        };
        let mut keyed = [(FAR, NONE); 5];
        let ways =
            Heading::ALL.into_iter().filter_map(|heading| Some((heading, floor.beside(cell, heading)?)));
        let mut count = 0;
        for (direction, to) in ways {
            let turns = u32::from(TURN) * heading.turns_to(direction);
            keyed[usize::from(count)] = (turns + cost(to, direction, u32::from(MOVE)), to.0);
            count += 1;
        }
        keyed[usize::from(count)] = (cost(cell, heading, 0), cell.0);
        Self { robot, own: cell.0, keyed, count: count + 1, tried: 0 }
    }

    /// Best first. Ties are broken by a hash of robot and cell, so that neighbours do not all choose alike.
    fn sort(&mut self, stands: impl Fn(u32) -> bool, heeds: bool) {
        let (own, robot) = (self.own, self.robot);
        let keyed = &mut self.keyed[..usize::from(self.count)];
        for (key, cell) in keyed.iter_mut().filter(|_| heeds) {
            if *cell == own {
                *key += if *key == 0 { 0 } else { STAY };
            } else if stands(*cell) {
                *key += OCCUPIED;
            }
        }
        let hash = |cell: u32| cell.wrapping_mul(2_654_435_761).wrapping_add(robot.wrapping_mul(40_503)) >> 7;
        keyed.sort_unstable_by_key(|&(key, cell)| (key, hash(cell)));
    }
}
