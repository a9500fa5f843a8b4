//! What the interlock thinks may be read.
use sheepdog_interlock::{Base, Bounded, Guarded, StopCategory};

struct Motor;

impl Base for Motor {
    fn drive(&mut self, _: Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

fn look(robot: &mut Guarded<Motor, 1, 8>) {
    let _ = &mut robot.state();
}

fn main() {
    let _ = (look, Motor);
}
