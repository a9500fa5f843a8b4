//! One permit for one command.
use sheepdog_interlock::{Base, Bounded, StopCategory};

struct Pair<A, B>(A, B);

impl<A: Base, B: Base> Base for Pair<A, B> {
    fn drive(&mut self, command: Bounded<'_>) {
        self.0.drive(command);
        self.1.halt(StopCategory::Two);
    }
    fn halt(&mut self, category: StopCategory) {
        self.0.halt(category);
        self.1.halt(category);
    }
}

fn main() {}
