//! A command that no interlock has permitted.
use sheepdog_interlock::{Base, BootNonce, Bounded, RobotTime, StopCategory, Twist};

fn go<B: Base>(base: &mut B, twist: Twist) {
    base.drive(Bounded { twist, until: RobotTime::MAX, boot: BootNonce(1), generation: 0, lapse: StopCategory::One, step: core::marker::PhantomData });
}

struct Motor;

impl Base for Motor {
    fn drive(&mut self, _: Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

fn main() {
    go(&mut Motor, Twist::ZERO);
}
