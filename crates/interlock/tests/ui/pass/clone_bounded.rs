//! The command itself may be handed on.
use sheepdog_interlock::{Base, Bounded, StopCategory};

struct Motor;

impl Base for Motor {
    fn drive(&mut self, command: Bounded<'_>) {
        run(command);
    }
    fn halt(&mut self, _: StopCategory) {}
}

fn run(_: Bounded<'_>) {}

fn main() {
    Motor.halt(StopCategory::Two);
}
