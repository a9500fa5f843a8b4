//! What a robot and the building's doors, lifts and machines are reached through.

use std::{collections::VecDeque, fmt};

use sheepdog_core::wire::{PeripheralCommand, PeripheralReport, ToAgent, ToFleet};

/// A robot's connection to its fleet. It may lose, repeat and reorder messages, but it never blocks.
pub trait Link {
    /// Hands a message to the radio.
    fn send(&mut self, message: ToFleet);

    /// The next message that has arrived; `None` when there is none now.
    fn receive(&mut self) -> Option<ToAgent>;
}

/// Doors, lifts and machines of the building, as a fleet reaches them. Never blocks.
pub trait Peripheral {
    /// Asks a door, a lift or a machine for something.
    fn command(&mut self, command: PeripheralCommand);

    /// The next report that has arrived; `None` when there is none now.
    fn poll(&mut self) -> Option<PeripheralReport>;
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the fleet.
    Up,
    /// To the robot.
    Down,
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Deliver,
    /// It is lost.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives after this many later messages of its direction, or not at all if so many never come.
    Overtaken(u32),
}

/// A link with faults, for tests: a function of the direction and the message's number decides each message's fate.
///
/// There is no randomness inside; draw fates from a seeded generator in the function, or from a table.
///
/// ```
/// # use sheepdog_driver::{Direction, Fate, Link, Lossy};
/// # use sheepdog_core::wire::{ToAgent, ToFleet};
/// # use sheepdog_core::WaypointId;
/// # #[derive(Default)]
/// # struct Radio(Vec<ToFleet>);
/// # impl Link for Radio {
/// #     fn send(&mut self, message: ToFleet) { self.0.push(message); }
/// #     fn receive(&mut self) -> Option<ToAgent> { None }
/// # }
/// // Every third message up is lost.
/// let mut link = Lossy::new(Radio::default(), |direction, number| match direction {
///     Direction::Up if number % 3 == 2 => Fate::Drop,
///     Direction::Up | Direction::Down => Fate::Deliver,
/// });
/// for number in 0..3 {
///     link.send(ToFleet::Position(WaypointId(number)));
/// }
/// assert_eq!(link.into_inner().0.len(), 2);
/// ```
pub struct Lossy<L> {
    link: L,
    fate: Box<dyn FnMut(Direction, u64) -> Fate + Send>,
    up: Delayed<ToFleet>,
    down: Delayed<ToAgent>,
}

impl<L: fmt::Debug> fmt::Debug for Lossy<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lossy").field("link", &self.link).finish_non_exhaustive()
    }
}

impl<L> Lossy<L> {
    /// A link whose messages, counted from zero in each direction, meet the fates that `fate` decides on.
    pub fn new(link: L, fate: impl FnMut(Direction, u64) -> Fate + Send + 'static) -> Self {
        Self { link, fate: Box::new(fate), up: Delayed::new(), down: Delayed::new() }
    }

    /// The link inside; messages still held back are lost.
    pub fn into_inner(self) -> L {
        self.link
    }
}

impl<L: Link> Link for Lossy<L> {
    fn send(&mut self, message: ToFleet) {
        let fate = (self.fate)(Direction::Up, self.up.number);
        self.up.meet(message, fate);
        while let Some(message) = self.up.ready.pop_front() {
            self.link.send(message);
        }
    }

    fn receive(&mut self) -> Option<ToAgent> {
        while self.down.ready.is_empty() {
            let message = self.link.receive()?;
            let fate = (self.fate)(Direction::Down, self.down.number);
            self.down.meet(message, fate);
        }
        self.down.ready.pop_front()
    }
}

/// Messages of one direction.
struct Delayed<T> {
    number: u64,
    ready: VecDeque<T>,
    /// Messages held back, each with the number of the message after which it arrives.
    held: Vec<(u64, T)>,
}

impl<T: Clone> Delayed<T> {
    const fn new() -> Self {
        Self { number: 0, ready: VecDeque::new(), held: Vec::new() }
    }

    fn meet(&mut self, message: T, fate: Fate) {
        let number = self.number;
        self.number += 1;
        match fate {
            Fate::Deliver => self.ready.push_back(message),
            Fate::Drop => {}
            Fate::Duplicate => self.ready.extend([message.clone(), message]),
            Fate::Overtaken(later) => self.held.push((number + u64::from(later), message)),
        }
        let due = |entry: &mut (u64, T)| entry.0 <= number;
        self.ready.extend(self.held.extract_if(.., due).map(|(_, message)| message));
    }
}

#[cfg(test)]
mod tests {
    use sheepdog_core::WaypointId;

    use super::*;

    #[derive(Debug, Default)]
    struct Queue(Vec<ToFleet>);

    impl Link for Queue {
        fn send(&mut self, message: ToFleet) {
            self.0.push(message);
        }

        fn receive(&mut self) -> Option<ToAgent> {
            None
        }
    }

    #[test]
    fn each_fate_does_what_it_says() {
        let fates = [Fate::Overtaken(2), Fate::Duplicate, Fate::Drop, Fate::Deliver];
        let mut link = Lossy::new(Queue::default(), move |_, number| fates[usize::try_from(number).unwrap()]);
        for number in 0..4 {
            link.send(ToFleet::Position(WaypointId(number)));
        }
        let arrived = link.into_inner().0;
        let numbers: Vec<_> = arrived
            .iter()
            .map(|message| if let ToFleet::Position(at) = message { at.0 } else { u32::MAX })
            .collect();
        assert_eq!(numbers, [1, 1, 0, 3]);
    }
}
