//! Where robots really are, and whether any two touch: plain, and without a line of the planner.

use sheepdog_traffic::lifelong::Command;

use super::instance::Instance;

/// Twice as many units as ticks make a cell, so that the middle of a tick is whole.
#[derive(Debug)]
pub(super) struct Truth {
    width: i64,
    free: Vec<bool>,
    ticks: i64,
    /// Side of a robot in thousandths of a cell.
    side: i64,
    bodies: Vec<Body>,
}

/// Column and row in units of half a tick's progress, direction (0 east, 1 south, 2 west, 3 north), and the progress in
/// an action.
#[derive(Clone, Copy, Debug)]
struct Body {
    x: i64,
    y: i64,
    direction: usize,
    action: Command,
    done: i64,
}

const STEPS: [(i64, i64); 4] = [(1, 0), (0, 1), (-1, 0), (0, -1)];

impl Truth {
    pub(super) fn new(instance: &Instance) -> Self {
        let ticks = i64::from(instance.ticks_per_action);
        // Places in memory are far below 2^63.
        let whole = |place: usize| i64::try_from(place).unwrap_or(i64::MAX);
        let width = whole(instance.map.width);
        let start = |&place: &usize| Body {
            x: whole(place) % width * 2 * ticks,
            y: whole(place) / width * 2 * ticks,
            direction: 0,
            action: Command::Hold,
            done: 0,
        };
        let bodies = instance.starts.iter().map(start).collect();
        Self { width, free: instance.map.free.clone(), ticks, side: instance.side_thousandths, bodies }
    }

    /// Moves everybody by a tick of their command. Returns faults: squares that overlap or are in a wall in the middle or at
    /// the end of the tick, and commands that change in the middle of an action.
    pub(super) fn advance(&mut self, commands: &[Command]) -> u64 {
        let mut faults = 0;
        for (body, &command) in self.bodies.iter_mut().zip(commands) {
            if command != Command::Hold && body.action != Command::Hold && body.action != command {
                faults += 1;
            }
        }
        for half in 0..2 {
            for (body, &command) in self.bodies.iter_mut().zip(commands) {
                if command == Command::Forward
                    && let Some((x, y)) = STEPS.get(body.direction)
                {
                    body.x += x;
                    body.y += y;
                }
                if half == 1 && command != Command::Hold {
                    body.finish(command, self.ticks);
                }
            }
            faults += self.overlaps();
        }
        faults
    }

    /// Row · width + column of the cell a robot stands in; `None` on its way to another.
    pub(super) fn rests_at(&self, robot: usize) -> Option<usize> {
        let body = self.bodies.get(robot)?;
        let cell = 2 * self.ticks;
        let rests = body.x % cell == 0 && body.y % cell == 0;
        rests.then(|| usize::try_from(body.y / cell * self.width + body.x / cell).ok())?
    }

    /// Pairs of squares that overlap, and squares that overlap with a wall.
    fn overlaps(&self) -> u64 {
        let cell = 2 * self.ticks;
        let mut sorted: Vec<(i64, i64)> = self.bodies.iter().map(|body| (body.y, body.x)).collect();
        sorted.sort_unstable();
        let apart = |a: i64, b: i64| self.side * cell <= 1_000 * (a - b).abs();
        let mut faults = 0;
        for (index, &(y, x)) in sorted.iter().enumerate() {
            let near = sorted.iter().skip(index + 1).take_while(|(other, _)| !apart(y, *other));
            faults += near.filter(|(_, other)| !apart(x, *other)).count() as u64;
            // The cells that a square of at most one cell can reach into on its way.
            for (x, y) in [(x, y), (x + cell - 1, y), (x, y + cell - 1), (x + cell - 1, y + cell - 1)] {
                let (column, row) = (x.div_euclid(cell), y.div_euclid(cell));
                let place = usize::try_from(row * self.width + column).ok();
                let on_map = (0..self.width).contains(&column);
                if !on_map || !place.and_then(|place| self.free.get(place)).copied().unwrap_or(false) {
                    faults += 1;
                }
            }
        }
        faults
    }
}

impl Body {
    /// Counts the tick; an action that is over turns the robot.
    fn finish(&mut self, command: Command, ticks: i64) {
        self.action = command;
        self.done += 1;
        if self.done == ticks {
            self.direction = match command {
                Command::Right => (self.direction + 1) % 4,
                Command::Left => (self.direction + 3) % 4,
                Command::Hold | Command::Forward => self.direction,
            };
            self.action = Command::Hold;
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifelong::instance::{DelayRule, Durations, Events, Map};

    /// Robots on an open floor of 5 by 5; an action takes three ticks.
    fn truth(starts: &[usize], side_thousandths: i64) -> Truth {
        let mut free = vec![true; 25];
        free[24] = false;
        Truth::new(&Instance {
            map: Map { width: 5, free },
            starts: starts.to_vec(),
            tasks: Vec::new(),
            known: 1,
            ticks_per_action: 3,
            side_thousandths,
            delays: DelayRule {
                seed: 0,
                min: 0,
                max: 0,
                events: Events::Bernoulli,
                chance: 0.0,
                durations: Durations::Uniform,
            },
        })
    }

    use Command::{Forward, Hold, Left, Right};

    #[test]
    fn robots_arrive_after_as_many_ticks_as_an_action_takes() {
        let mut truth = truth(&[0], 1_000);
        for command in [Forward, Forward, Hold, Forward, Right, Right, Right, Forward, Forward] {
            assert_eq!(truth.advance(&[command]), 0);
        }
        assert_eq!(truth.rests_at(0), None);
        assert_eq!((truth.advance(&[Forward]), truth.rests_at(0)), (0, Some(6)));
        for command in [Left; 3].into_iter().chain([Forward; 9]) {
            assert_eq!(truth.advance(&[command]), 0);
        }
        assert_eq!(truth.rests_at(0), Some(9));
    }

    #[test]
    fn every_kind_of_contact_is_counted() {
        // Into a robot at rest.
        assert!(0 < truth(&[0, 1], 1_000).advance(&[Forward, Hold]));
        // One follows the other closely.
        assert_eq!(truth(&[0, 1], 1_000).advance(&[Forward, Forward]), 0);
        // Into the side of one that leaves, for robots as large as cells.
        let mut side = truth(&[6, 1], 1_000);
        for command in [Right; 3] {
            assert_eq!(side.advance(&[Hold, command]), 0);
        }
        assert!(0 < side.advance(&[Forward, Forward]));
        let mut small = truth(&[6, 1], 500);
        for command in [Right; 3] {
            assert_eq!(small.advance(&[Hold, command]), 0);
        }
        assert_eq!(small.advance(&[Forward, Forward]), 0);
        // Off the map, into a wall, and another action in the middle of one.
        assert!(0 < truth(&[4], 1_000).advance(&[Forward]));
        assert!(0 < truth(&[23], 1_000).advance(&[Forward]));
        let mut changed = truth(&[0], 1_000);
        assert_eq!(changed.advance(&[Forward]), 0);
        assert_eq!(changed.advance(&[Left]), 1);
    }
}
