//! One permit for two commands.
use sheepdog_interlock::{Base, Bounded, StopCategory};

struct Pair<A, B>(A, B);

impl<A: Base, B: Base> Base for Pair<A, B> {
    fn drive(&mut self, command: Bounded<'_>) {
        self.0.drive(command);
        self.1.drive(command);
    }
    fn halt(&mut self, category: StopCategory) {
        self.0.halt(category);
        self.1.halt(category);
    }
}

fn main() {}
