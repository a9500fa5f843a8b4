//! The numbers may be kept, and when they lapse; the command may not.
use sheepdog_interlock::{Base, Bounded, StopCategory};

#[derive(Default)]
struct Motor<'a> {
    kept: Option<Bounded<'a>>,
    speed: i32,
}

impl<'a> Base for Motor<'a> {
    fn drive(&mut self, command: Bounded<'_>) {
        self.speed = command.linear();
        self.kept = None;
    }
    fn halt(&mut self, _: StopCategory) {}
}

fn main() {
    Motor::default().halt(StopCategory::Two);
}
