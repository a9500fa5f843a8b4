//! The base, behind the back of the interlock that guards it.
use sheepdog_interlock::{Base, Bounded, Guarded, StopCategory};

struct Motor;

impl Base for Motor {
    fn drive(&mut self, _: Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

fn look(robot: &mut Guarded<Motor, 1, 8>) {
    let _ = &mut robot.base;
}

fn main() {
    let _ = (look, Motor);
}
