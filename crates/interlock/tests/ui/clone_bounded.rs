//! A copy of a command, to drive on with it.
use sheepdog_interlock::{Base, Bounded, StopCategory};

struct Motor;

impl Base for Motor {
    fn drive(&mut self, command: Bounded<'_>) {
        run(command.clone());
    }
    fn halt(&mut self, _: StopCategory) {}
}

fn run(_: Bounded<'_>) {}

fn main() {
    Motor.halt(StopCategory::Two);
}
