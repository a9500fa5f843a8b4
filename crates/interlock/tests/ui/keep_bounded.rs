//! A command kept beyond the step it was permitted in.
use sheepdog_interlock::{Base, Bounded, StopCategory};

#[derive(Default)]
struct Motor<'a> {
    kept: Option<Bounded<'a>>,
    speed: i32,
}

impl<'a> Base for Motor<'a> {
    fn drive(&mut self, command: Bounded<'_>) {
        self.speed = command.linear();
        self.kept = Some(command);
    }
    fn halt(&mut self, _: StopCategory) {}
}

fn main() {
    Motor::default().halt(StopCategory::Two);
}
