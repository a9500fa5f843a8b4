//! Stopping needs no permit.
use sheepdog_interlock::{Base, BootNonce, Bounded, RobotTime, StopCategory, Twist};

fn go<B: Base>(base: &mut B, twist: Twist) {
    let _ = (twist, RobotTime::MAX, BootNonce(1));
    base.halt(StopCategory::Two);
}

struct Motor;

impl Base for Motor {
    fn drive(&mut self, _: Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

fn main() {
    go(&mut Motor, Twist::ZERO);
}
